/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_calc.c - expressions of admins, and what is wrong with some. */
#include <mailmill/buf.h>
#include <mailmill/calc.h>
#include <mailmill/clock.h>

#include "test.h"

static const struct pair {
	const char *name;
	struct str values[4];
	size_t n;
} variables[] = {
	{ "net", { { "100.00", sizeof("100.00") - 1 } }, 1 },
	{ "rate", { { "19", sizeof("19") - 1 } }, 1 },
	{ "line.amount",
		{ { "19.90", sizeof("19.90") - 1 }, { "5", sizeof("5") - 1 },
			{ "", sizeof("") - 1 },
			{ "0.10", sizeof("0.10") - 1 } },
		4 },
	{ "ordered", { { "2024-01-31", sizeof("2024-01-31") - 1 } }, 1 },
	{ "moment",
		{ { "2024-03-30T23:30:00+01:00",
			sizeof("2024-03-30T23:30:00+01:00") - 1 } },
		1 },
	{ "word", { { "about ten", sizeof("about ten") - 1 } }, 1 },
	{ "empty", { { "", sizeof("") - 1 } }, 1 },
};

static size_t get(void *ctx, struct str name, const struct str **values)
{
	(void)ctx;
	for (size_t i = 0; i < COUNT(variables); i++) {
		if (!str_eq(name, str_c(variables[i].name)))
			continue;
		*values = variables[i].values;
		return variables[i].n;
	}
	return 0;
}

static const struct row {
	const char *expression, *want; /* NULL: an error, */
	const char *error;	       /* which says this */
} rows[] = {
	{ "1 + 2 * 3", "7", NULL },
	{ "(1 + 2) * 3", "9", NULL },
	{ "10 - 2 - 3", "5", NULL },
	{ "12 / 4 / 3", "1", NULL },
	{ "-(2 - 5)", "3", NULL },
	{ "2 - -3", "5", NULL },
	{ "0.1 + 0.2", "0.3", NULL },
	{ "${net} * (1 + ${rate} / 100)", "119.00", NULL },
	{ "round(${net} / 3, 2)", "33.33", NULL },
	{ "round(2.5)", "3", NULL },
	{ "round_down(2.99, 1)", "2.9", NULL },
	{ "round_up(2.01)", "3", NULL },
	{ "sum(${line.amount})", "25.00", NULL },
	{ "count(${line.amount})", "3", NULL },
	{ "least(${line.amount})", "0.10", NULL },
	{ "greatest(${line.amount}, 7)", "19.90", NULL },
	{ "greatest(${line.amount})", "19.90", NULL },
	{ "round(average(${line.amount}), 2)", "8.33", NULL },
	{ "least(${net}, ${rate})", "19", NULL },
	{ "sum(${unknown})", "0", NULL },
	{ "least(${unknown})", "", NULL },
	{ "${ordered} + 14 days", "2024-02-14", NULL },
	{ "${ordered} + 14", "2024-02-14", NULL },
	{ "${ordered} + 1 month", "2024-02-29", NULL },
	{ "${ordered} - 11 months", "2023-02-28", NULL },
	{ "${ordered} + 2 hours", "2024-01-31T02:00:00Z", NULL },
	{ "${ordered} + 48 hours", "2024-02-02", NULL },
	{ "${moment} + 30 minutes", "2024-03-30T23:00:00Z", NULL },
	{ "today - ${ordered}", "14", NULL },
	{ "today + 1 week", "2024-02-21", NULL },
	{ "now", "2024-02-14T09:08:07Z", NULL },
	{ "3 * 2 days + ${ordered}", "2024-02-06", NULL },
	{ "greatest(${ordered}, today)", "2024-02-14", NULL },
	{ "${empty} * 2", "", NULL },
	{ "${unknown} + 1", "", NULL },
	{ "1 / 0", NULL, "division by zero" },
	{ "${word} + 1", NULL, "${word} is \"about ten\", which is no number" },
	{ "${net} + ${ordered} * 2", NULL,
		"cannot multiply a date and a number" },
	{ "${ordered} + today", NULL, "cannot add a date and a date" },
	{ "2 days", NULL, "a span of time: add it to a date" },
	{ "${ordered} + 99999999 years", NULL, "more digits than" },
	{ "999999999999999999999999999999999999 + 1", NULL, "more digits" },
};

TEST(calculates)
{
	int64_t now;

	must(clock_parse_rfc3339(STR("2024-02-14T09:08:07Z"), &now) == 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct arena *a = arena_new();
		struct calc *c = NULL;
		struct str out = STR("");
		struct err err = { 0 };
		size_t at;
		int rc = calc_parse(a, str_c(r->expression), &c, &at, &err);

		is_int(rc, 0, r->expression);
		if (rc == 0)
			rc = calc_run(a, c, now, get, NULL, &out, &err);
		is_int(rc, r->want ? 0 : -1, r->expression);
		if (r->want)
			is_str(out, r->want, r->expression);
		else
			is_true(str_find(str_c(err.text), str_c(r->error)) >= 0,
				err.text);
		arena_free(a);
	}
}

TEST(tells_where_an_expression_is_wrong)
{
	static const struct {
		const char *text;
		size_t at;
		const char *error;
	} cases[] = {
		{ "", 0, "ends where a number" },
		{ "1 +", 3, "ends where a number" },
		{ "1 2", 2, "an operator is wanted here" },
		{ "(1 + 2", 6, "a \")\" is missing" },
		{ "1 + %", 4, "a number, a name or" },
		{ "summ(x)", 0,
			"there is no function summ(); did you mean sum" },
		{ "round(1, 2, 3)", 13, "round() takes at most 2" },
		{ "sum(${x}", 8, "\")\" of sum( is missing" },
		{ "1.2.3", 0, "is no number that fits" },
		{ "3 dogs", 2, "\"dogs\" behind a number" },
		{ "${a} ${b}", 5, "an operator is wanted" },
		{ "1 + net", 4, "\"net\" is no value: write ${net}" },
		{ "${net", 0, "a value is written ${name}" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_new();
		struct err err = { 0 };
		struct calc *c;
		size_t at = 99;

		is_int(calc_parse(a, str_c(cases[i].text), &c, &at, &err), -1,
			cases[i].text);
		is_int((int)at, (int)cases[i].at, cases[i].text);
		is_true(str_find(str_c(err.text), str_c(cases[i].error)) >= 0,
			err.text);
		arena_free(a);
	}
}

TEST(limits_depth_and_size)
{
	struct buf b = BUF_INIT(10000);
	struct arena *a = arena_new();
	struct err err = { 0 };
	struct calc *c;
	size_t at;

	for (int i = 0; i < 900; i++)
		buf_c(&b, "(-");
	is_int(calc_parse(a, buf_view(&b), &c, &at, &err), -1, "deep");
	is_true(str_find(str_c(err.text), STR("nested")) >= 0, err.text);
	b.len = 0;
	for (int i = 0; i < 900; i++)
		buf_c(&b, "1+");
	is_int(calc_parse(a, buf_view(&b), &c, &at, &err), -1, "long");
	is_true(str_find(str_c(err.text), STR("more than")) >= 0, err.text);
	buf_fini(&b);
	arena_free(a);
}

TEST(lists_names)
{
	struct arena *a = arena_new();
	struct err err = { 0 };
	const struct calc_name *names;
	struct calc *c;
	size_t at, n;

	must(calc_parse(a, STR("sum(${l.a}) + ${x} * ${x} - today"), &c, &at,
		     &err) == 0);
	n = calc_names(c, &names);
	is_int((int)n, 2, "two");
	is_str(names[0].name, "l.a", "the list");
	is_int(names[0].is_list, 1, "is one");
	is_str(names[1].name, "x", "the other");
	is_int((int)names[1].at, 14, "where it stands");
	arena_free(a);
}
