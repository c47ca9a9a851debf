/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_relational.c - :value and :count (RFC 5231). */
#include "../match.h"
#include "../sieve_private.h"

static const char *const relations[] = { "gt", "ge", "lt", "le", "eq", "ne" };
enum relation {
	RELATION_GT,
	RELATION_GE,
	RELATION_LT,
	RELATION_LE,
	RELATION_EQ,
	RELATION_NE,
};

static int check_relation(
	struct sieve_check *c, struct sieve_node *n, struct sieve_match *m)
{
	struct str name = sieve_arg_const(m->param);

	(void)n;
	for (unsigned i = 0; i < COUNT(relations); i++)
		if (str_eq_case(name, str_c(relations[i]))) {
			m->relation = i;
			return 0;
		}
	return sieve_error_nearest(c, m->param->pos, "relation", name,
		relations, COUNT(relations));
}

/* The value of the mail is the left side. */
static int match_relation(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal_value, struct str key,
	struct str normal_key, size_t index)
{
	int order = m->comparator->order(normal_value, normal_key);

	(void)r;
	(void)value;
	(void)key;
	(void)index;
	switch ((enum relation)m->relation) {
	case RELATION_GT:
		return order > 0;
	case RELATION_GE:
		return order >= 0;
	case RELATION_LT:
		return order < 0;
	case RELATION_LE:
		return order <= 0;
	case RELATION_EQ:
		return order == 0;
	case RELATION_NE:
		return order != 0;
	}
	return 0;
}

static const struct sieve_match_type types[] = {
	{ .name = "value",
		.flags = SIEVE_NEEDS_ORDER,
		.type = SIEVE_CONST,
		.what = "relation: gt, ge, lt, le, eq, ne",
		.check = check_relation,
		.match = match_relation },
	{ .name = "count",
		.flags = SIEVE_NEEDS_ORDER | SIEVE_COUNTS,
		.type = SIEVE_CONST,
		.what = "relation: gt, ge, lt, le, eq, ne",
		.check = check_relation,
		.match = match_relation },
	{ 0 },
};

const struct sieve_ext sieve_ext_relational = {
	.capability = "relational",
	.match_types = types,
};
