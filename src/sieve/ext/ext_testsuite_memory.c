/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_testsuite_memory.c - our additions to the test language about what is
 * remembered from mail to mail: remember and later.
 *
 * The public suite expects an engine that forgets all answers and duplicates
 * between two executions; so memory has to be asked for.
 */
#include <mailmill/clock.h>

#include "../svtest.h"

static int exec_remember(struct sieve_run *r, const struct sieve_node *n)
{
	(void)n;
	svtest_of(r)->remembers = true;
	return SIEVE_GO_ON;
}

static int check_later(struct sieve_check *c, struct sieve_node *n)
{
	struct str span = sieve_arg_const(n->positional[0]);
	int64_t *ms = ARENA_NEW(sieve_check_arena(c), int64_t);

	n->data = ms;
	if (clock_parse_span(span, ms) == 0)
		return 0;
	sieve_error(c, n->positional[0]->pos, "\"%.*s\" is no length of time",
		STR_ARG(str_sub(span, 0, 100)));
	return sieve_hint(c, "write a number and s, m, h, d or w: \"8d\"");
}

static int exec_later(struct sieve_run *r, const struct sieve_node *n)
{
	const int64_t *ms = n->data;

	svtest_of(r)->facts.now += *ms;
	return SIEVE_GO_ON;
}

static const struct sieve_word words[] = {
	{ .name = "remember", .flags = SIEVE_COMMAND, .exec = exec_remember },
	{ .name = "later",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "length of time", 0 } },
		.check = check_later,
		.exec = exec_later },
	{ 0 },
};

const struct sieve_ext sieve_ext_testsuite_memory = {
	.capability = "vnd.dovecot.testsuite",
	.is_for_tests = true,
	.words = words,
};
