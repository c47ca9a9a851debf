/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_mailmill_note.c - commands note and fail: words for the journal. */
#include <mailmill/utf8.h>

#include "ext_mailmill.h"

/* A note is a line; what a mail brings into it cannot make it long. */
#define NOTE_MAX 1000

static int get_line(
	struct sieve_run *r, const struct sieve_node *n, struct str *out)
{
	int rc = sieve_arg_get(r, n->positional[0], out);

	if (rc == 0)
		*out = utf8_cut(utf8_mend(r->arena, *out), NOTE_MAX);
	return rc;
}

static int exec_note(struct sieve_run *r, const struct sieve_node *n)
{
	struct str text;
	int rc = get_line(r, n, &text);

	if (rc == 0)
		sieve_add_note(r, text);
	return mailmill_go_on(rc);
}

/* The reason is the admin's own: no file and line in front of it. */
static int exec_fail(struct sieve_run *r, const struct sieve_node *n)
{
	struct str text;
	int rc = get_line(r, n, &text);

	if (rc < 0)
		return rc;
	return mailmill_fail(r, text);
}

static const struct sieve_word words[] = {
	{ .name = "note",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "text", 0 } },
		.exec = exec_note },
	{ .name = "fail",
		.flags = SIEVE_COMMAND | SIEVE_ENDS,
		.params = { { SIEVE_STRING, "reason", 0 } },
		.exec = exec_fail },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_note = {
	.capability = "vnd.mailmill",
	.words = words,
};
