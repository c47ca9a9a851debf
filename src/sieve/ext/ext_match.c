/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_match.c - what is always there to compare with (RFC 5228 section 2.7):
 * :is, :contains, :matches, and the comparators.
 */
#include "../match.h"
#include "../sieve_private.h"

static int match_is(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal_value, struct str key,
	struct str normal_key, size_t index)
{
	(void)r;
	(void)m;
	(void)value;
	(void)key;
	(void)index;
	return str_eq(normal_value, normal_key);
}

static int match_contains(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal_value, struct str key,
	struct str normal_key, size_t index)
{
	(void)r;
	(void)m;
	(void)value;
	(void)key;
	(void)index;
	return str_find(normal_value, normal_key) >= 0;
}

/*
 * All comparators but the Unicode one keep places: a piece of the normal form
 * is the same piece of the value.
 */
static int match_matches(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal_value, struct str key,
	struct str normal_key, size_t index)
{
	struct str groups[SIEVE_MATCH_VALUES_MAX];
	bool is_unicode = m->comparator->flags & SIEVE_BY_CHARACTER;
	int n;

	(void)index;
	if (is_unicode)
		n = sieve_glob_unicode(
			key, value, groups, COUNT(groups), &r->steps);
	else
		n = sieve_glob(normal_key, normal_value, false, groups,
			COUNT(groups), &r->steps);
	if (n < 0)
		return sieve_step(r, 1);
	if (n == 0)
		return 0;
	for (int i = 0; !is_unicode && i < n; i++)
		if (groups[i].len)
			groups[i].p = value.p + (groups[i].p - normal_value.p);
	sieve_set_match_values(r, groups, (size_t)n);
	return 1;
}

static const struct sieve_match_type types[] = {
	{ .name = "is", .match = match_is, .index = SIEVE_INDEX_IS },
	{ .name = "contains",
		.flags = SIEVE_NEEDS_SUBSTRING,
		.match = match_contains,
		.index = SIEVE_INDEX_CONTAINS },
	{ .name = "matches",
		.flags = SIEVE_NEEDS_SUBSTRING,
		.match = match_matches,
		.index = SIEVE_INDEX_MATCHES },
	{ 0 },
};

/* RFC 4790 section 9.2: to upper case, which matters for order. */
static struct str normal_casemap(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] - 32 : s.p[i];
	return str_n(p, s.len);
}

static const struct sieve_comparator comparators[] = {
	{ .name = "i;octet",
		.flags = SIEVE_CAN_ORDER | SIEVE_CAN_SUBSTRING,
		.order = str_cmp },
	{ .name = "i;ascii-casemap",
		.flags = SIEVE_CAN_ORDER | SIEVE_CAN_SUBSTRING,
		.normal = normal_casemap,
		.order = str_cmp },
	{ .name = "i;unicode-casemap",
		.flags = SIEVE_CAN_ORDER | SIEVE_CAN_SUBSTRING |
			 SIEVE_BY_CHARACTER,
		.normal = sieve_unicode_normal,
		.order = str_cmp },
	{ 0 },
};

const struct sieve_ext sieve_ext_match = {
	.match_types = types,
	.comparators = comparators,
};

/* Requiring what is there anyway is legal and does nothing. */
const struct sieve_ext sieve_ext_octet = { .capability = "comparator-i;octet" };
const struct sieve_ext sieve_ext_casemap = {
	.capability = "comparator-i;ascii-casemap"
};
const struct sieve_ext sieve_ext_unicode = {
	.capability = "comparator-i;unicode-casemap"
};
