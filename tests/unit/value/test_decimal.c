/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_decimal.c - sums that people would check by hand. */
#include <mailmill/decimal.h>

#include "test.h"

static struct decimal of(const char *text)
{
	struct decimal d;

	must(decimal_read(str_c(text), &d) == 0);
	return d;
}

static void is_decimal(struct decimal d, const char *want, const char *name)
{
	struct arena *a = arena_new();

	is_str(decimal_print(a, d), want, name);
	arena_free(a);
}

TEST(reads_and_writes)
{
	static const char *const good[] = { "0", "12.50", "-0.05", "0.00",
		"123456789012345678901234567890123456", "-1",
		"0.000000000000000001" };
	static const char *const bad[] = { "", "-", ".", "1,5", "1.2.3", " 1",
		"1e3", "1234567890123456789012345678901234567",
		"0.0000000000000000001" };
	struct decimal d;

	for (size_t i = 0; i < COUNT(good); i++)
		is_decimal(of(good[i]), good[i], good[i]);
	is_decimal(of("+.5"), "0.5", "no digit in front");
	is_decimal(of("007"), "7", "zeros in front");
	for (size_t i = 0; i < COUNT(bad); i++)
		is_int(decimal_read(str_c(bad[i]), &d), -1, bad[i]);
}

static const struct row {
	char op;
	const char *a, *b, *want; /* NULL: no room */
} rows[] = {
	{ '+', "0.1", "0.2", "0.3" },
	{ '+', "1049.90", "-0.005", "1049.895" },
	{ '-', "1", "0.999999999999999999", "0.000000000000000001" },
	{ '*', "19.99", "3", "59.97" },
	{ '*', "100", "0.19", "19.00" },
	{ '*', "-1.5", "1.5", "-2.25" },
	{ '/', "10", "4", "2.5" },
	{ '/', "2", "3", "0.666666666667" },
	{ '/', "-2", "3", "-0.666666666667" },
	{ '/', "119", "1.19", "100" },
	{ '/', "1", "0", NULL },
	{ '+', "999999999999999999999999999999999999", "1", NULL },
	{ '*', "1000000000000000000", "1000000000000000000", NULL },
	{ '*', "0.0000000001", "0.0000000001", NULL },
	{ '/', "999999999999999999999999999999999999", "0.1", NULL },
};

TEST(calculates_exactly)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct decimal a = of(r->a), b = of(r->b), out = { 0, 0 };
		char name[100];
		int rc = r->op == '+'	? decimal_add(a, b, &out)
			 : r->op == '-' ? decimal_subtract(a, b, &out)
			 : r->op == '*' ? decimal_multiply(a, b, &out)
					: decimal_divide(a, b, &out);

		snprintf(name, sizeof(name), "%s %c %s", r->a, r->op, r->b);
		is_int(rc, r->want ? 0 : -1, name);
		if (rc == 0 && r->op == '*')
			is_int(decimal_compare(out, of(r->want)), 0, name);
		else if (rc == 0 && r->want)
			is_decimal(out, r->want, name);
	}
}

TEST(rounds_as_asked)
{
	static const struct {
		const char *in;
		enum decimal_rounding how;
		const char *want;
	} cases[] = {
		{ "2.5", DECIMAL_HALF_UP, "3" },
		{ "-2.5", DECIMAL_HALF_UP, "-3" },
		{ "2.4999", DECIMAL_HALF_UP, "2" },
		{ "2.5", DECIMAL_HALF_EVEN, "2" },
		{ "3.5", DECIMAL_HALF_EVEN, "4" },
		{ "-2.51", DECIMAL_HALF_EVEN, "-3" },
		{ "2.9", DECIMAL_DOWN, "2" },
		{ "-2.9", DECIMAL_DOWN, "-2" },
		{ "2.1", DECIMAL_UP, "3" },
		{ "-0.1", DECIMAL_UP, "-1" },
		{ "2.0", DECIMAL_UP, "2" },
	};
	struct decimal d;

	for (size_t i = 0; i < COUNT(cases); i++) {
		is_int(decimal_round(of(cases[i].in), 0, cases[i].how, &d), 0,
			cases[i].in);
		is_decimal(d, cases[i].want, cases[i].in);
	}
	is_int(decimal_round(of("1.5"), 3, DECIMAL_DOWN, &d), 0, "more");
	is_decimal(d, "1.500", "zeros are added");
}

TEST(compares_across_scales)
{
	is_int(decimal_compare(of("1.50"), of("1.5")), 0, "equal");
	is_int(decimal_compare(of("-1"), of("0.5")) < 0, 1, "less");
	is_int(decimal_compare(of("123456789012345678901234567890123456"),
		       of("0.000000000000000001")) > 0,
		1, "too far apart to be aligned");
	is_int(decimal_compare(of("-123456789012345678901234567890123456"),
		       of("0.000000000000000001")) < 0,
		1, "the same, negative");
	is_int(decimal_compare(of("0.000000000000000001"),
		       of("-123456789012345678901234567890123456")) > 0,
		1, "the other way round");
}
