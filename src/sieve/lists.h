/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.h - redirect to a list (RFC 6134), for the redirect command. */
#ifndef SIEVE_LISTS_H
#define SIEVE_LISTS_H

#include "sieve_private.h"

/* Checks the list's name. Returns: 0, or -1: an error was told. */
MUST_CHECK int sieve_list_check(
	struct sieve_check *c, const struct sieve_arg *name);
/*
 * Makes the members the recipients of an action, and the list's name its
 * value. Returns: 0 or SIEVE_FAILED (no such list, none or too many in it, one
 * that is no address).
 */
MUST_CHECK int sieve_list_rcpts(
	struct sieve_run *r, struct str name, struct plan_action *a);

#endif
