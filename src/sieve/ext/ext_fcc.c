/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_fcc.c - :fcc (RFC 8580): a copy of what vacation and notify send is kept
 * in a folder. With mailbox and imap4flags it has :create and :flags, as
 * fileinto has. The copy is made when the mail is sent, so one that is not
 * sent leaves none. What the tags mean: reply.c and ext_imap4flags.c.
 */
#include "../folder.h"
#include "../sieve_private.h"

static int check_fcc(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)n;
	if (!t->param->is_const ||
		sieve_folder_is_valid(sieve_arg_const(t->param)))
		return 0;
	return sieve_error(c, t->param->pos, "invalid folder name \"%.*s\"",
		STR_ARG(str_sub(sieve_arg_const(t->param), 0, 100)));
}

/* Without a copy there is nothing that could have flags. */
static int check_with_fcc(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	if (sieve_node_tag(n, "fcc"))
		return 0;
	sieve_error(c, t->pos,
		"':%s' says something of the copy that ':fcc' "
		"keeps, and there is none",
		t->tag->name);
	return sieve_hint(c, "give :fcc \"folder\", too");
}

static const struct sieve_added_tag fcc_tags[] = {
	{ "vacation", { "fcc", SIEVE_STRING, "a folder", 0, 0, check_fcc } },
	{ "notify", { "fcc", SIEVE_STRING, "a folder", 0, 0, check_fcc } },
	{ 0 },
};

const struct sieve_ext sieve_ext_fcc = {
	.capability = "fcc",
	.added_tags = fcc_tags,
};

static const struct sieve_added_tag create_tags[] = {
	{ "vacation", { "create", SIEVE_NOTHING, NULL, 0, 0, check_with_fcc } },
	{ "notify", { "create", SIEVE_NOTHING, NULL, 0, 0, check_with_fcc } },
	{ 0 },
};

const struct sieve_ext sieve_ext_fcc_create = {
	.capability = "mailbox",
	.added_tags = create_tags,
};

static const struct sieve_added_tag flags_tags[] = {
	{ "vacation",
		{ "flags", SIEVE_STRINGS, "flags", 0, 0, check_with_fcc } },
	{ "notify", { "flags", SIEVE_STRINGS, "flags", 0, 0, check_with_fcc } },
	{ 0 },
};

const struct sieve_ext sieve_ext_fcc_flags = {
	.capability = "imap4flags",
	.added_tags = flags_tags,
};
