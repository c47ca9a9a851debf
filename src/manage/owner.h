/* SPDX-License-Identifier: GPL-3.0-or-later */
/* owner.h - files made by root for a service that is not root. */
#ifndef MAILMILL_MANAGE_OWNER_H
#define MAILMILL_MANAGE_OWNER_H

#include <mailmill/err.h>

/*
 * Gives what root made to whoever owns the folder that it lies in, so that the
 * service can read it; does nothing for others. Returns: 0, or -1 with *err.
 */
MUST_CHECK int owner_inherit(const char *path, struct err *err);

#endif
