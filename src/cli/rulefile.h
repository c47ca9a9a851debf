/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rulefile.h - rule files read and compiled, with their findings told. */
#ifndef MAILMILL_CLI_RULEFILE_H
#define MAILMILL_CLI_RULEFILE_H

#include <mailmill/err.h>
#include <mailmill/sieve.h>

/*
 * Reads and compiles a rule file; errors and warnings are written to `out`.
 * Gives:   *source by buf_fini(), *script by sieve_free() (NULL: not wanted).
 * Returns: 0, or -1 with *err that counts what is wrong.
 */
MUST_CHECK int rulefile_load(const char *path, struct buf *out,
	struct buf *source, struct sieve_script **script, struct err *err);

#endif
