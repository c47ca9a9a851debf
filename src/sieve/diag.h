/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diag.h - collecting what is wrong with a script. */
#ifndef SIEVE_DIAG_H
#define SIEVE_DIAG_H

#include <stdarg.h>

#include <mailmill/sieve.h>

#include "ast.h"

/* Past these nothing more is told. */
#define SIEVE_DIAGS_MAX 500

/* Adds findings of one source to the caller's list. */
struct sieve_teller {
	struct str source;
	struct str file; /* of an included script; or empty */
	struct sieve_diags *diags;
	unsigned n_errors;
	bool is_full;
};

/* Tells a finding. */
void sieve_tell(struct sieve_teller *t, enum sieve_severity severity,
	struct sieve_pos pos, const char *fmt, va_list ap) PRINTF(4, 0);
/* Adds a hint to the finding told last. */
void sieve_tell_hint(struct sieve_teller *t, const char *fmt, va_list ap)
	PRINTF(2, 0);

#endif
