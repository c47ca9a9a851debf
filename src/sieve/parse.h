/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse.h - tokens as a tree (RFC 5228 section 8.2). */
#ifndef SIEVE_PARSE_H
#define SIEVE_PARSE_H

#include "ast.h"
#include "diag.h"

#define SIEVE_ARGS_MAX 32 /* of one command or test */

/*
 * Reads a whole script. Errors are told; the tree is of use only when there
 * were none. Gives: the top commands as the block of a nameless node, in `a`.
 */
struct sieve_node *sieve_parse(struct str source, struct arena *a,
	const struct sieve_limits *limits, struct sieve_teller *teller);

#endif
