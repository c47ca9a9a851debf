/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_mailmill_mail.c - test mail: what kind of mail it is. */
#include "ext_mailmill.h"

static int check_kinds(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	const char *names[MAIL_N_KINDS];
	bool *kinds = arena_array(
		sieve_check_arena(c), MAIL_N_KINDS, sizeof(*kinds));
	int rc = 0;

	for (int i = 0; i < MAIL_N_KINDS; i++)
		names[i] = mail_kind_name((enum mail_kind)i);
	for (size_t i = 0; i < t->param->n; i++) {
		int kind = mailmill_choice(c, &t->param->texts[i],
			"kind of mail", names, MAIL_N_KINDS);
		if (kind < 0)
			rc = -1;
		else
			kinds[kind] = true;
	}
	n->data = kinds;
	return rc;
}

static int test_mail(struct sieve_run *r, const struct sieve_node *n)
{
	const bool *kinds = n->data;

	return kinds[mailmill_kind(r)];
}

static const struct sieve_tag tags[] = {
	{ "kind", SIEVE_CONSTS, "kinds of mail", SIEVE_REQUIRED, 0,
		check_kinds },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "mail",
		.flags = SIEVE_TEST,
		.tags = tags,
		.test = test_mail },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_mail = {
	.capability = "vnd.mailmill",
	.words = words,
};
