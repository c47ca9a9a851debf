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
	bool is_silent;	 /* what was told last is not in the list */
	bool is_begun;	 /* something was told */
	size_t n_before; /* findings of other sources in the list */
	/*
	 * What the tests of other engines count: nothing is taken as it was
	 * meant, and words are looked at only when the grammar is right. For
	 * people a script is gone through whole.
	 */
	bool is_counting;
	/* From this line on nothing more is told; 0: all is. */
	unsigned noise_from;
};

/* Tells a finding. */
void sieve_tell(struct sieve_teller *t, enum sieve_severity severity,
	struct sieve_pos pos, const char *fmt, va_list ap) PRINTF(4, 0);
/*
 * Takes back what was told of places from here on: noise of a mistake that is
 * found only at the end.
 */
void sieve_untell(struct sieve_teller *t, struct sieve_pos from);
/* Gives what was told last another code than its text has. */
void sieve_tell_code(struct sieve_teller *t, const char *code);
/* Puts what was told into the order of places. */
void sieve_sort_told(struct sieve_teller *t);
/* Adds a hint to the finding told last. */
void sieve_tell_hint(struct sieve_teller *t, const char *fmt, va_list ap)
	PRINTF(2, 0);

#endif
