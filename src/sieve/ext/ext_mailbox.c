/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailbox.c - mailboxexists and fileinto :create (RFC 5490).
 *
 * Which folders there are is a fact, told before the evaluation. Ways in that
 * have no folders of their own (LMTP, a pipe) file into the store, where any
 * name that can be one is good.
 */
#include "../folder.h"
#include "../sieve_private.h"

static int check_exists(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];

	for (size_t i = 0; i < arg->n; i++)
		if (!arg->texts[i].n_pieces &&
			!sieve_folder_is_valid(arg->texts[i].value))
			sieve_warn(c, arg->texts[i].pos,
				"no folder can have this name, so the test is "
				"never true");
	return 0;
}

static bool is_there(const struct sieve_run *r, struct str name)
{
	const struct facts *f = r->facts;

	if (!sieve_folder_is_valid(name))
		return false;
	if (!f || !f->has_folders)
		return true;
	for (size_t i = 0; i < f->n_folders; i++)
		if (sieve_folder_is_same(f->folders[i], name))
			return true;
	return false;
}

static int test_exists(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];
	struct str *names;
	int rc = sieve_arg_list(r, arg, &names);

	for (size_t i = 0; rc == 0 && i < arg->n; i++) {
		if (!is_there(r, names[i]))
			return 0;
		rc = sieve_step(r, r->facts ? r->facts->n_folders : 0);
	}
	return rc < 0 ? rc : 1;
}

static int fill_create(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a)
{
	(void)r;
	if (n && a->kind == PLAN_FILEINTO)
		a->is_create = sieve_node_tag(n, "create");
	return 0;
}

static const struct sieve_word words[] = {
	{ .name = "mailboxexists",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_STRINGS, "folder names", 0 } },
		.check = check_exists,
		.test = test_exists },
	{ 0 },
};

static const struct sieve_added_tag tags[] = {
	{ .word = "fileinto", .tag = { .name = "create" } },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailbox = {
	.capability = "mailbox",
	.words = words,
	.added_tags = tags,
	.action_check = fill_create,
};
