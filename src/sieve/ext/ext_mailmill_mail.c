/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_mail.c - test mail: what kind of mail it is, in which language,
 * and whether the author's domain sent it.
 *
 * Each tag is a condition; all that are given must hold.
 */
#include "ext_mailmill.h"

struct conditions {
	bool *kinds;	       /* or NULL: any */
	struct str *languages; /* the same */
	size_t n_languages;
	bool is_from_verified; /* must be */
};

static struct conditions *conditions_of(
	struct sieve_check *c, struct sieve_node *n)
{
	struct conditions *all = n->data;

	if (!all)
		n->data = all = ARENA_NEW(
			sieve_check_arena(c), struct conditions);
	return all;
}

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
	conditions_of(c, n)->kinds = kinds;
	return rc;
}

static int check_languages(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	struct conditions *all = conditions_of(c, n);
	size_t n_names;
	const char *const *names = mail_languages(&n_names);
	int rc = 0, at;

	all->n_languages = t->param->n;
	all->languages = arena_array(
		sieve_check_arena(c), t->param->n, sizeof(*all->languages));
	for (size_t i = 0; i < t->param->n; i++) {
		at = mailmill_choice(
			c, &t->param->texts[i], "language", names, n_names);
		if (at < 0)
			rc = -1;
		else
			all->languages[i] = str_c(names[at]);
	}
	return rc;
}

static int check_verified(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)t;
	conditions_of(c, n)->is_from_verified = true;
	mailmill_note_auth(c);
	return 0;
}

static int check_mail(struct sieve_check *c, struct sieve_node *n)
{
	if (n->data)
		return 0;
	sieve_error(c, n->pos, "mail needs a condition");
	return sieve_hint(c, ":kind [\"bounce\"], :language [\"de\"] or "
			     ":from_verified");
}

static bool is_language(struct sieve_run *r, const struct conditions *all)
{
	struct str code = str_c(mail_language(r->mail)->code);

	for (size_t i = 0; i < all->n_languages; i++)
		if (str_eq(code, all->languages[i]))
			return true;
	return false;
}

static int test_mail(struct sieve_run *r, const struct sieve_node *n)
{
	const struct conditions *all = n->data;

	if ((all->kinds && !all->kinds[mailmill_kind(r)]) ||
		(all->languages && !is_language(r, all)))
		return 0;
	/* last, since it may have to be asked for */
	return all->is_from_verified ? mailmill_is_from_verified(r) : 1;
}

static const struct sieve_tag tags[] = {
	{ "kind", SIEVE_CONSTS, "kinds of mail", 0, 0, check_kinds },
	{ "language", SIEVE_CONSTS, "codes of languages", 0, 0,
		check_languages },
	{ "from_verified", SIEVE_NOTHING, NULL, 0, 0, check_verified },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "mail",
		.flags = SIEVE_TEST,
		.tags = tags,
		.check = check_mail,
		.test = test_mail },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_mail = {
	.capability = "vnd.mailmill",
	.words = words,
};
