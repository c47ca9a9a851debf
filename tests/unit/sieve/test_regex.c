/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_regex.c - patterns: what they find, and where they stop. */
#include <mailmill/buf.h>

#include "../../../src/sieve/regex.h"
#include "test.h"

#define LIMIT 100000

static const struct {
	const char *name, *pattern, *subject;
	unsigned flags;
	const char *groups; /* joined by "|", unset ones "-"; NULL: no match */
} rows[] = {
	{ "finds in the middle", "b+", "abbc", 0, "bb" },
	{ "no match", "x", "abc", 0, NULL },
	{ "groups", "(a)(b)", "ab", 0, "ab|a|b" },
	{ "an unset group in the middle", "(x)?(b)", "b", 0, "b|-|b" },
	{ "an unset group at the end", "(b)(x)?", "b", 0, "b|b|-" },
	{ "empty pattern", "", "abc", 0, "" },
	{ "empty subject", "^$", "", 0, "" },
	{ "case", "ABC", "abc", 0, NULL },
	{ "without case", "ABC", "abc", SIEVE_REGEX_CASELESS, "abc" },
	{ "without case beyond ASCII", "\xc3\x9c", "\xc3\xbc",
		SIEVE_REGEX_CASELESS, "\xc3\xbc" },
	{ "a dot is a character", "^.$", "\xc3\xbc", 0, "\xc3\xbc" },
	{ "a dot is a byte", "^.$", "\xc3\xbc", SIEVE_REGEX_BYTES, NULL },
	{ "letters of all scripts", "^\\w+$", "\xc3\xbc\xd1\x8f", 0,
		"\xc3\xbc\xd1\x8f" },
	{ "bytes that are no UTF-8 are passed over", "b",
		"\xff\xfe"
		"b",
		0, "b" },
	{ "lines", "^b$", "a\r\nb\r\nc", SIEVE_REGEX_MULTILINE, "b" },
	{ "lines only when asked for", "^b$", "a\nb\nc", 0, NULL },
};

TEST(patterns_find)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(1000);
		char error[SIEVE_REGEX_ERROR_MAX];
		struct sieve_regex *re = NULL;
		struct str groups[8];
		size_t offset;
		int n;

		is_int(sieve_regex_compile(str_c(rows[i].pattern),
			       rows[i].flags, &re, error, &offset),
			0, rows[i].name);
		n = sieve_regex_exec(re, str_c(rows[i].subject), 0, LIMIT,
			groups, COUNT(groups));
		for (int k = 0; k < n; k++) {
			buf_c(&out, k ? "|" : "");
			buf_str(&out, groups[k].p ? groups[k] : STR("-"));
		}
		is_int(n > 0, rows[i].groups != NULL, rows[i].name);
		is_str(buf_view(&out), rows[i].groups ? rows[i].groups : "",
			rows[i].name);
		sieve_regex_free(re);
	}
}

TEST(wrong_patterns_are_told)
{
	static const struct {
		const char *pattern, *text;
	} wrong[] = {
		{ "ab(", "missing closing parenthesis" },
		{ "[z-a]", "range out of order" },
		{ "a{2,1}", "numbers out of order" },
		{ "\\C", "is disabled" },
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		char error[SIEVE_REGEX_ERROR_MAX] = "";
		struct sieve_regex *re = NULL;
		size_t offset = 0;

		is_int(sieve_regex_compile(
			       str_c(wrong[i].pattern), 0, &re, error, &offset),
			-1, wrong[i].pattern);
		has_text(error, wrong[i].text, wrong[i].pattern);
		is_true(offset && offset <= strlen(wrong[i].pattern),
			wrong[i].pattern);
	}
}

TEST(patterns_are_bounded)
{
	AUTO(buf) struct buf pattern = BUF_INIT((size_t)1 << 20);
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re = NULL;
	struct str groups[1];
	size_t offset;

	for (size_t i = 0; i <= SIEVE_REGEX_PATTERN_MAX; i++)
		buf_byte(&pattern, 'a');
	is_int(sieve_regex_compile(buf_view(&pattern), 0, &re, error, &offset),
		-1, "too long");
	buf_clear(&pattern);
	for (int i = 0; i < 200; i++)
		buf_byte(&pattern, '(');
	for (int i = 0; i < 200; i++)
		buf_byte(&pattern, ')');
	is_int(sieve_regex_compile(buf_view(&pattern), 0, &re, error, &offset),
		-1, "nested too deep");
	is_int(sieve_regex_compile(STR("^(a+)+$"), 0, &re, error, &offset), 0,
		"a bad one is legal");
	is_int(sieve_regex_exec(re, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
		       0, LIMIT, groups, 1),
		SIEVE_REGEX_LIMIT, "and stopped");
	is_int(sieve_regex_exec(re, STR("aaab"), 0, LIMIT, groups, 1), 0,
		"a small one is answered");
	sieve_regex_free(re);
}

TEST(searching_goes_on_where_it_is_told)
{
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re = NULL;
	struct str groups[2], s = STR("a1 b2 c3");
	size_t offset, at = 0;
	int n = 0;

	is_int(sieve_regex_compile(STR("[a-z]([0-9])"), 0, &re, error, &offset),
		0, "compile");
	is_int(sieve_regex_groups(re), 1, "one group");
	while (sieve_regex_exec(re, s, at, LIMIT, groups, 2) > 0) {
		at = (size_t)(groups[0].p - s.p) + groups[0].len;
		n++;
	}
	is_int(n, 3, "three are found");
	is_str(groups[1], "3", "the last one's group");
	sieve_regex_free(re);
	sieve_regex_free(NULL);
}
