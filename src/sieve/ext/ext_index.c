/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_index.c - :index and :last, which field is meant (RFC 5260 section 6). */
#include "../sieve_private.h"

static int check_index(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	(void)n;
	if (t->param->number > 0)
		return 0;
	sieve_error(c, t->param->pos, "there is no field number 0");
	return sieve_hint(c, "':index 1' is the first one");
}

static int check_last(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	if (sieve_node_tag(n, "index"))
		return 0;
	sieve_error(c, t->pos,
		"the :last tag cannot be specified without the :index tag");
	return sieve_hint(c, "write for the last field: ':index 1 :last'");
}

void sieve_index_headers(const struct sieve_node *n,
	const struct mail_header ***list, size_t *count)
{
	const struct sieve_arg *index = sieve_node_param(n, "index");

	if (!index)
		return;
	if (index->number > *count) {
		*count = 0;
		return;
	}
	*list += sieve_node_tag(n, "last") ? *count - index->number
					   : index->number - 1;
	*count = 1;
}

#define INDEX                                                                  \
	{                                                                      \
		.name = "index", .type = SIEVE_NUMBER,                         \
		.what = "number of the field", .check = check_index            \
	}
#define LAST                                                                   \
	{                                                                      \
		.name = "last", .check = check_last                            \
	}

const struct sieve_tag sieve_index_tags[] = { INDEX, LAST, { 0 } };

static const struct sieve_added_tag tags[] = {
	{ "header", INDEX },
	{ "header", LAST },
	{ "address", INDEX },
	{ "address", LAST },
	{ "date", INDEX },
	{ "date", LAST },
	{ 0 },
};

const struct sieve_ext sieve_ext_field_index = {
	.capability = "index",
	.added_tags = tags,
};
