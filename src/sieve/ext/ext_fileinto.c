/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_fileinto.c - fileinto (RFC 5228 section 4.1) and :copy (RFC 3894). */
#include <mailmill/utf8.h>

#include "../folder.h"
#include "../sieve_private.h"

static int check_fileinto(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];

	if (!arg->is_const || sieve_folder_is_valid(arg->texts[0].value))
		return 0;
	return sieve_error(c, arg->pos, "invalid folder name \"%.*s\"",
		STR_ARG(str_sub(arg->texts[0].value, 0, 100)));
}

static int exec_fileinto(struct sieve_run *r, const struct sieve_node *n)
{
	struct str folder;
	int rc = sieve_arg_get(r, n->positional[0], &folder);

	if (rc < 0)
		return rc;
	if (!sieve_folder_is_valid(folder))
		return sieve_fail(r, "fileinto: invalid folder name \"%.*s\"",
			STR_ARG(utf8_mend(r->arena, str_sub(folder, 0, 100))));
	return sieve_add_action(
		r, n, PLAN_FILEINTO, folder, sieve_node_tag(n, "copy"));
}

static const struct sieve_word words[] = {
	{ .name = "fileinto",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "folder", 0 } },
		.check = check_fileinto,
		.exec = exec_fileinto },
	{ 0 },
};

const struct sieve_ext sieve_ext_fileinto = {
	.capability = "fileinto",
	.words = words,
};

static const struct sieve_added_tag copy_tags[] = {
	{ .word = "fileinto", .tag = { .name = "copy" } },
	{ .word = "redirect", .tag = { .name = "copy" } },
	{ 0 },
};

const struct sieve_ext sieve_ext_copy = {
	.capability = "copy",
	.added_tags = copy_tags,
};
