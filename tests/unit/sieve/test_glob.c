/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_glob.c - "*" and "?", and what each wildcard takes. */
#include "../../../src/sieve/match.h"
#include "test.h"

static const struct row {
	const char *name, *pattern, *value;
	const char *groups; /* joined by "|"; NULL: no match */
} rows[] = {
	{ "empty and empty", "", "", "" },
	{ "empty pattern", "", "a", NULL },
	{ "star takes nothing", "*", "", "|" },
	{ "star takes all", "*", "abc", "abc|abc" },
	{ "question mark wants one", "?", "", NULL },
	{ "question mark takes one", "?", "a", "a|a" },
	{ "two are one too many", "?", "ab", NULL },
	{ "plain", "abc", "abc", "abc" },
	{ "plain, longer value", "abc", "abcd", NULL },
	{ "plain, shorter value", "abcd", "abc", NULL },
	{ "the last star takes the rest", "*.*", "a.b.c", "a.b.c|a|b.c" },
	{ "two stars: the first takes nothing", "coyote@**.com",
		"coyote@ACME.Example.com",
		"coyote@ACME.Example.com||ACME.Example" },
	{ "stars take as little as they can", "*?op*", "klopfropstroptop",
		"klopfropstroptop|k|l|fropstroptop" },
	{ "the end binds", "*?op", "klopfropstroptop",
		"klopfropstroptop|klopfropstrop|t" },
	{ "no star before the question mark", "a?d*", "abcd", NULL },
	{ "question marks", "??", "ab", "ab|a|b" },
	{ "quoted star", "a\\*b", "a*b", "a*b" },
	{ "quoted star is no wildcard", "a\\*b", "axb", NULL },
	{ "quoted question mark", "\\?", "?", "?" },
	{ "quoted backslash", "\\\\", "\\", "\\" },
	{ "backslash at the end", "a\\", "a\\", "a\\" },
	{ "quoted letter", "\\a", "a", "a" },
	{ "star in angle brackets", "*<x*.y>", "Ann <xx.z.y>",
		"Ann <xx.z.y>|Ann |x.z" },
	{ "repeated front", "*aab", "aaaab", "aaaab|aa" },
	{ "lines are like others", "a*z", "a\r\nz", "a\r\nz|\r\n" },
	{ "bytes: an umlaut is two", "J?rgen", "J\xc3\xbcrgen", NULL },
	{ "bytes: two for an umlaut", "J??rgen", "J\xc3\xbcrgen",
		"J\xc3\xbcrgen|\xc3|\xbc" },
};

static void join(struct buf *out, const struct str *groups, int n)
{
	for (int i = 0; i < n; i++) {
		if (i)
			buf_byte(out, '|');
		buf_str(out, groups[i]);
	}
}

TEST(globs_take_what_they_should)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(1000);
		struct str groups[33];
		uint64_t steps = 100000;
		int n = sieve_glob(str_c(rows[i].pattern), str_c(rows[i].value),
			false, groups, COUNT(groups), &steps);

		is_int(n > 0, rows[i].groups != NULL, rows[i].name);
		join(&out, groups, n);
		is_str(buf_view(&out), rows[i].groups ? rows[i].groups : "",
			rows[i].name);
	}
}

TEST(globs_by_character)
{
	static const struct row wide[] = {
		{ "an umlaut is one", "J?rgen", "J\xc3\xbcrgen",
			"J\xc3\xbcrgen|\xc3\xbc" },
		{ "case beyond ASCII", "*\xc3\x9c*", "J\xc3\xbcrgen",
			"J\xc3\xbcrgen|J|rgen" },
		{ "what is no character is one", "a?b",
			"a\xff"
			"b",
			"a\xff"
			"b|\xff" },
	};

	for (size_t i = 0; i < COUNT(wide); i++) {
		AUTO(buf) struct buf out = BUF_INIT(1000);
		struct str groups[33];
		uint64_t steps = 100000;
		int n = sieve_glob_unicode(str_c(wide[i].pattern),
			str_c(wide[i].value), groups, COUNT(groups), &steps);

		join(&out, groups, n);
		is_str(buf_view(&out), wide[i].groups, wide[i].name);
	}
}

TEST(long_values_cost_little)
{
	static char value[10000001];
	struct str groups[3];
	uint64_t steps = 1000000;

	memset(value, 'a', sizeof(value) - 1);
	memcpy(value + sizeof(value) - 4, "xyz", 3);
	is_int(sieve_glob(STR("*x?z"), str_c(value), false, groups, 3, &steps),
		3, "ten million letters");
	is_int(groups[1].len, sizeof(value) - 4, "the star takes all but xyz");
	is_str(groups[2], "y", "the question mark takes y");
	is_int(sieve_glob(STR("*q*"), str_c(value), false, groups, 3, &steps),
		0, "what is not there");
	is_true(steps > 600000, "they are passed over at once");
}

TEST(globs_are_bounded)
{
	static char pattern[4001], value[100001];
	struct str groups[3];
	uint64_t steps = 1000000000;

	for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 2] = 'b';
	memset(value, 'a', sizeof(value) - 1);
	is_int(sieve_glob(
		       str_c(pattern), str_c(value), false, groups, 3, &steps),
		0, "2000 stars do not match 100,000 letters");
	is_true(steps > 999000000, "and cost less than a million steps");
	steps = 1000;
	is_int(sieve_glob(
		       str_c(pattern), str_c(value), false, groups, 3, &steps),
		-1, "steps used up are no answer");
}
