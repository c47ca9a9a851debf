/* SPDX-License-Identifier: GPL-3.0-or-later */
/* managed.h - what the commands share about ManageSieve's files. */
#ifndef MAILMILL_CLI_MANAGED_H
#define MAILMILL_CLI_MANAGED_H

#include <mailmill/conf.h>
#include <mailmill/manage.h>

#include "config_sieve.h"

/* Names the file of accounts. Gives: by free(). */
char *managed_accounts(const struct conf *c);
/* Fills what the configuration says; no check and no apply. The folder's name
 * is *folder. Gives: it, by free(). */
void managed_options(const struct conf *c, struct manage_scripts_options *out,
	char **folder);
/*
 * Names the file of a route's active script. Gives: *out, by free().
 * Returns: 0, MANAGE_NONEXISTENT, or -1 with *err.
 */
MUST_CHECK int managed_active(
	const struct conf *c, const char *route, char **out, struct err *err);
/*
 * Checks a script as `mailmill check` does, for a check function of scripts.
 * Returns: what that returns.
 */
int managed_check(const struct config_rules *rules, const char *path,
	struct str name, struct str source, struct buf *findings);

#endif
