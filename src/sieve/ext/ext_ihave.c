/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_ihave.c - ihave and error (RFC 5463). What ihave says is known at
 * compile time, so that the block of one that says no is not checked.
 */
#include "../sieve_private.h"

static bool is_available(const struct sieve_check *c, struct str name)
{
	const struct sieve_ext *ext = sieve_check_find(c, name);

	/* What changes how strings are read can only be required. */
	return ext && (!ext->is_lexical || sieve_check_has(c, ext->capability));
}

static int check_ihave(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *names = n->positional[0];

	n->known = SIEVE_ALWAYS;
	for (size_t i = 0; i < names->n; i++)
		if (!is_available(c, names->texts[i].value))
			n->known = SIEVE_NEVER;
	for (size_t i = 0; n->known == SIEVE_ALWAYS && i < names->n; i++)
		if (sieve_check_enable(c, names->texts[i].value) < 0)
			return -1;
	return 0;
}

static int test_ihave(struct sieve_run *r, const struct sieve_node *n)
{
	(void)r;
	return n->known == SIEVE_ALWAYS;
}

static int exec_error(struct sieve_run *r, const struct sieve_node *n)
{
	struct str text;
	int rc = sieve_arg_get(r, n->positional[0], &text);

	return rc < 0 ? rc : sieve_fail(r, "error: %.*s", STR_ARG(text));
}

static const struct sieve_word words[] = {
	{ .name = "ihave",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_CONSTS, "extensions", 0 } },
		.check = check_ihave,
		.test = test_ihave },
	{ .name = "error",
		.flags = SIEVE_COMMAND | SIEVE_ENDS,
		.params = { { SIEVE_STRING, "text", 0 } },
		.exec = exec_error },
	{ 0 },
};

const struct sieve_ext sieve_ext_ihave = {
	.capability = "ihave",
	.words = words,
};
