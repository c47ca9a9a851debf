/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rulefile.h - rule files read and compiled, with their findings told. */
#ifndef MAILMILL_CLI_RULEFILE_H
#define MAILMILL_CLI_RULEFILE_H

#include <mailmill/err.h>
#include <mailmill/sieve.h>

#include "config_sieve.h"

/* A rule file with all that it includes. Zeroed, it is none. */
struct rulefile {
	const char *path;
	struct buf source;
	struct sieve_script *script;
	struct sieve_settings settings;
	const char *includes;
};

/*
 * Compiles what lies, or will lie, at `path`, as all of mailmill does. What it
 * includes is looked for beside it, or in rules->includes; when it `is_alone`,
 * something that is not there is warned of only.
 * Gives:   *f in place, which may not move, by rulefile_fini(), also on -1.
 * Returns: 0, or -1: errors in *diags.
 * Note:    path and what `rules` lends must live as long.
 */
MUST_CHECK int rulefile_compile(struct rulefile *f, const char *path,
	struct str source, const struct config_rules *rules, bool is_alone,
	struct sieve_diags *diags);
/*
 * The same of what it reads there; errors and warnings are written to `out`.
 * Returns: 0, or -1 with *err that counts what is wrong.
 */
MUST_CHECK int rulefile_load(struct rulefile *f, const char *path,
	const struct config_rules *rules, bool is_alone, struct buf *out,
	struct err *err);
/* Ends it. */
void rulefile_fini(struct rulefile *f);

#endif
