/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint.h - warnings about scripts that are right for the language. */
#ifndef SIEVE_LINT_H
#define SIEVE_LINT_H

#include "ext.h"

/* Walks a script that was checked without an error; tells warnings. */
void sieve_lint(struct sieve_check *c);
/* Warns of a pattern that takes very long for some texts. */
void sieve_lint_regex(
	struct sieve_check *c, struct sieve_pos pos, struct str pattern);

#endif
