/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_messages.c - the table of messages: each row's example shows it. */
#include "script.h"

static void check_example(const struct sieve_message *m)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_diags diags = { .arena = a };
	bool is_found = false;
	int rc;

	rc = m->is_for_tests ? sieve_compile_test("x.svtest", str_c(m->example),
				       NULL, &diags, &s)
			     : sieve_compile("x.sieve", str_c(m->example), NULL,
				       &diags, &s);
	is_int(rc, m->severity == SIEVE_ERROR ? -1 : 0, m->code);
	for (size_t i = 0; i < diags.n; i++) {
		const struct sieve_diag *d = &diags.items[i];

		is_found |= !strcmp(d->code, m->code) &&
			    d->severity == m->severity;
		if (strcmp(d->code, m->code) != 0)
			is_str(d->message, "", m->code);
	}
	is_true(is_found, m->code);
}

TEST(examples_show_their_message_and_no_other)
{
	size_t n;
	const struct sieve_message *m = sieve_messages(&n);

	for (size_t i = 0; i < n; i++)
		if (m[i].example)
			check_example(&m[i]);
}

TEST(codes_are_given_once)
{
	size_t n;
	const struct sieve_message *m = sieve_messages(&n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			is_true(strcmp(m[i].code, m[k].code) != 0, m[i].code);
}
