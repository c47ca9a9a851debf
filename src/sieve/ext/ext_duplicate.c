/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_duplicate.c - the duplicate test (RFC 7352).
 *
 * What was seen comes from the facts, so that all tests of one evaluation
 * answer alike; what is seen now goes into the plan as a mark, which counts
 * only when all of the plan was done. The id is hashed with the handle alone:
 * wherever it was taken from, it is in one list.
 */
#include "../reply.h"

/* Brings a field's value, STR_NULL when there is none. */
static struct str get_field(struct sieve_run *r, struct str name)
{
	const struct mail_header *h = reply_field(r, name);

	return h ? h->value : STR_NULL;
}

static int get_id(
	struct sieve_run *r, const struct sieve_node *n, struct str *out)
{
	const struct sieve_arg *id = sieve_node_param(n, "uniqueid");
	const struct sieve_arg *header = sieve_node_param(n, "header");
	struct str name = STR("Message-ID");
	int rc = 0;

	if (id)
		return sieve_arg_get(r, id, out);
	if (header)
		rc = sieve_arg_get(r, header, &name);
	if (rc == 0)
		*out = get_field(r, name);
	return rc;
}

static int get_key(struct sieve_run *r, const struct sieve_node *n,
	struct str id, struct str *key)
{
	const struct sieve_arg *handle = sieve_node_param(n, "handle");
	struct str fields[] = { STR("duplicate"), r->settings->owner,
		handle ? STR("handle") : STR(""), STR(""), id };
	int rc = handle ? sieve_arg_get(r, handle, &fields[3]) : 0;

	if (rc < 0)
		return rc;
	*key = reply_key(r, fields, COUNT(fields));
	return 0;
}

static uint64_t get_seconds(
	const struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *given = sieve_node_param(n, "seconds");
	uint64_t max = r->settings->duplicate_max_s;
	uint64_t seconds = given ? given->number : r->settings->duplicate_s;

	return max ? MIN(seconds, max) : seconds;
}

static int test_duplicate(struct sieve_run *r, const struct sieve_node *n)
{
	struct plan_mark mark = {
		.seconds = get_seconds(r, n),
		.is_last = sieve_node_tag(n, "last"),
	};
	struct str id = STR_NULL;
	int rc = get_id(r, n, &id);

	/* An empty id would make one of all mails that lack it. */
	if (rc < 0 || !id.len || !mark.seconds)
		return rc;
	rc = get_key(r, n, id, &mark.key);
	if (rc < 0)
		return rc;
	rc = reply_seen(r, mark.key);
	if (rc < 0 || (rc && !mark.is_last))
		return rc;
	return sieve_add_mark(r, &mark) < 0 ? SIEVE_FAILED : rc;
}

static int check_header(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)n;
	if (!t->param->is_const || compose_is_name(sieve_arg_const(t->param)))
		return 0;
	sieve_warn(c, t->param->pos,
		"\"%.*s\" is no name of a field: the test is always false",
		STR_ARG(str_sub(sieve_arg_const(t->param), 0, 100)));
	return 0;
}

static const struct sieve_tag tags[] = {
	{ "handle", SIEVE_STRING, "a handle", 0, 0, NULL },
	{ "header", SIEVE_STRING, "a field name", 0, 1, check_header },
	{ "uniqueid", SIEVE_STRING, "an id", 0, 1, NULL },
	{ "seconds", SIEVE_NUMBER, "seconds", 0, 0, NULL },
	{ "last", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "duplicate",
		.flags = SIEVE_TEST,
		.tags = tags,
		.test = test_duplicate },
	{ 0 },
};

const struct sieve_ext sieve_ext_duplicate = {
	.capability = "duplicate",
	.words = words,
};
