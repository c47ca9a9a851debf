/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_numeric.c - i;ascii-numeric (RFC 4790 section 9.1).
 *
 * The normal form is the leading digits without leading zeros, of any length.
 * What does not begin with a digit is positive infinity: "~".
 */
#include "../match.h"
#include "../sieve_private.h"

static struct str normal_numeric(struct arena *a, struct str s)
{
	size_t from = 0, to;

	(void)a;
	if (!s.len || !str_is_digit(s.p[0]))
		return STR("~");
	while (from < s.len && s.p[from] == '0')
		from++;
	for (to = from; to < s.len && str_is_digit(s.p[to]);)
		to++;
	return str_sub(s, from, to - from);
}

static int order_numeric(struct str a, struct str b)
{
	bool is_a_max = str_eq(a, STR("~")), is_b_max = str_eq(b, STR("~"));

	if (is_a_max || is_b_max)
		return is_a_max - is_b_max;
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return str_cmp(a, b);
}

static const struct sieve_comparator comparators[] = {
	{ .name = "i;ascii-numeric",
		.flags = SIEVE_CAN_ORDER,
		.normal = normal_numeric,
		.order = order_numeric },
	{ 0 },
};

const struct sieve_ext sieve_ext_numeric = {
	.capability = "comparator-i;ascii-numeric",
	.comparators = comparators,
};
