/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sieve_private.h - all that an extension needs.
 *
 * To add an extension: write ext/ext_NAME.c with a `const struct sieve_ext`,
 * name it in the list of ext.c and in meson.build. A command as small as can
 * be:
 *
 *	static int exec_note(struct sieve_run *r, const struct sieve_node *n)
 *	{
 *		struct str text;
 *
 *		if (sieve_arg_get(r, n->positional[0], &text) < 0)
 *			return SIEVE_FAILED;
 *		sieve_add_note(r, text);
 *		return SIEVE_GO_ON;
 *	}
 *	static const struct sieve_word words[] = {
 *		{ .name = "note", .flags = SIEVE_COMMAND, .exec = exec_note,
 *			.params = { { SIEVE_STRING, "text", 0 } } },
 *		{ 0 },
 *	};
 *	const struct sieve_ext sieve_ext_note = {
 *		.capability = "vnd.mailmill", .words = words,
 *	};
 */
#ifndef SIEVE_PRIVATE_H
#define SIEVE_PRIVATE_H

#include "ast.h"
#include "ext.h"
#include "match.h"
#include "regex.h"
#include "run.h"

#endif
