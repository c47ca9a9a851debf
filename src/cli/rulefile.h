/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rulefile.h - rule files read and compiled, with their findings told. */
#ifndef MAILMILL_CLI_RULEFILE_H
#define MAILMILL_CLI_RULEFILE_H

#include <mailmill/err.h>
#include <mailmill/sieve.h>

/*
 * Compiles what lies, or will lie, at `path`, as all of mailmill does.
 * Gives: *script, by sieve_free(). Returns: 0, or -1: errors in *diags.
 */
MUST_CHECK int rulefile_compile(const char *path, struct str source,
	struct sieve_diags *diags, struct sieve_script **script);
/*
 * Reads and compiles a rule file; errors and warnings are written to `out`.
 * Gives:   *source by buf_fini(), *script by sieve_free() (NULL: not wanted).
 * Returns: 0, or -1 with *err that counts what is wrong.
 */
MUST_CHECK int rulefile_load(const char *path, struct buf *out,
	struct buf *source, struct sieve_script **script, struct err *err);

#endif
