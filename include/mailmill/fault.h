/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fault.h - places where a test build can be told to fail or die, once.
 *
 * MAILMILL_FAULT="name:N:what" makes the Nth time (from 1) that `name` is
 * reached do `what`: "kill" (SIGKILL ourselves), "fail" (the caller fails as
 * its contract says), or "hang". Several are separated by commas. With
 * MAILMILL_FAULT_TRACE=FILE each point that is reached adds its name as a line,
 * so that a test can list all places and visit them one by one. Builds without
 * -Dfaults=true compile it to nothing.
 */
#ifndef MAILMILL_FAULT_H
#define MAILMILL_FAULT_H

#include <mailmill/base.h>

#ifdef MAILMILL_FAULTS
/* Tells whether the caller must fail here; may not return. */
bool fault_point(const char *name);
#else
static inline bool fault_point(const char *name UNUSED)
{
	return false;
}
#endif

#endif
