/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_debug.c - debug_log: a line for the journal (vnd.dovecot.debug). */
#include "../sieve_private.h"

static int exec_debug_log(struct sieve_run *r, const struct sieve_node *n)
{
	struct str text;
	int rc = sieve_arg_get(r, n->positional[0], &text);

	if (rc < 0)
		return rc;
	sieve_add_note(
		r, str_c(arena_printf(r->arena, "DEBUG: %.*s", STR_ARG(text))));
	return sieve_step(r, text.len / 64);
}

static const struct sieve_word words[] = {
	{ .name = "debug_log",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "text", 0 } },
		.exec = exec_debug_log },
	{ 0 },
};

const struct sieve_ext sieve_ext_debug = {
	.capability = "vnd.dovecot.debug",
	.words = words,
};
