/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_lint.c - warnings: what is told, and of what nothing is. */
#include "script.h"

#define RELATIONAL "require [\"relational\", \"comparator-i;ascii-numeric\"]; "
#define REGEX(key)                                                             \
	"require \"regex\"; if header :regex \"a\" \"" key "\" { stop; }"
#define SLOW "1:39 warning: this pattern can take very long\n"

static const struct {
	const char *name, *source, *told;
} rows[] = {
	{ "unused capability", "require [\"fileinto\"]; keep;",
		"1:10 warning: \"fileinto\" is required but not used\n" },
	{ "one of a tag is used",
		"require [\"fileinto\", \"copy\"]; fileinto :copy \"x\";", "" },
	{ "one of an address part is used",
		"require \"subaddress\"; if address :detail \"to\" \"x\" "
		"{ stop; }",
		"" },
	{ "one of a comparator is used",
		RELATIONAL "if header :value \"gt\" :comparator "
			   "\"i;ascii-numeric\" \"x\" \"5\" { stop; }",
		"" },
	{ "variables are used by a match value",
		"require [\"variables\", \"fileinto\"]; if header :matches "
		"\"a\" \"b*\" { fileinto \"${1}\"; }",
		"" },
	{ "one that strings may use is never unused",
		"require \"encoded-character\"; keep;", "" },
	{ "the comparators that are always there are never unused",
		"require \"comparator-i;octet\"; keep;", "" },
	{ "ihave turns on without use",
		"require \"ihave\"; if ihave \"fileinto\" { keep; }", "" },
	{ "required twice",
		"require \"fileinto\"; require \"fileinto\"; fileinto \"x\";",
		"1:29 warning: \"fileinto\" is required twice\n" },
	{ "set but never read", "require \"variables\"; set \"a\" \"b\";",
		"1:26 warning: variable 'a' is set but never read\n" },
	{ "read before it is set is no fault of its set",
		"require \"variables\"; set \"a\" \"${A}x\";", "" },
	{ "never set", "require \"variables\"; redirect \"${to}\";",
		"1:32 warning: variable 'to' is never set\n" },
	{ "a variable may be named by a string",
		"require [\"variables\", \"imap4flags\"]; set \"f\" \"x\"; "
		"if hasflag \"f\" \"x\" { stop; }",
		"" },
	{ "behind branches that all end",
		"if size :over 1 { stop; } else { stop; }\nkeep;",
		"2:1 warning: never reached: all branches before it end\n" },
	{ "a chain without else may go on",
		"if size :over 1 { stop; } elsif size :over 0 { stop; }\nkeep;",
		"" },
	{ "a branch that does not end",
		"if size :over 1 { stop; } else { keep; }\nkeep;", "" },
	{ "constant test", "if allof (false, size :over 1) { stop; }",
		"1:4 warning: this test is always false\n" },
	{ "if true is meant", "if true { stop; }", "" },
	{ "if not true, too", "if not true { stop; }", "" },
	{ "empty key", "if header :contains \"a\" \"\" { stop; }",
		"1:25 warning: an empty key of ':contains' fits every "
		"value\n" },
	{ "an empty key to compare with is right",
		"if header :is \"a\" \"\" { stop; }", "" },
	{ "matches without wildcard",
		"if header :matches \"a\" \"b\" { stop; }",
		"1:24 warning: ':matches' with a key that has neither * nor "
		"?\n" },
	{ "beside one with a wildcard it is in its place",
		"if header :matches \"a\" [\"b\", \"c*\"] { stop; }", "" },
	{ "star in a key of is", "if header :is \"a\" \"b*\" { stop; }",
		"1:19 warning: the * in a key of ':is' stands for itself\n" },
	{ "star within a word", "if header :contains \"a\" \"E*T\" { stop; }",
		"" },
	{ "numbers as texts",
		"require \"relational\"; if header :value \"gt\" \"a\" \"5\" "
		"{ stop; }",
		"1:49 warning: numbers are compared as texts: \"9\" is greater "
		"than \"10\"\n" },
	{ "an address with its name",
		"if address :is \"from\" \"Ann <a@b.c>\" { stop; }",
		"1:23 warning: the address test can never be true for this "
		"key\n" },
	{ "a domain with @", "if address :domain \"from\" \"@b.c\" { stop; }",
		"1:27 warning: the address test can never be true for this "
		"key\n" },
	{ "a local part with its domain",
		"if address :localpart \"from\" \"a@b.c\" { stop; }",
		"1:30 warning: the address test can never be true for this "
		"key\n" },
	{ "no address at all", "if address \"from\" \"ann\" { stop; }",
		"1:19 warning: the address test can never be true for this "
		"key\n" },
	{ "the null sender",
		"require \"envelope\"; if envelope \"from\" \"\" { stop; }",
		"" },
	{ "an address as the whole field",
		"if header :is \"From\" \"a@b.c\" { stop; }",
		"1:22 warning: the header test compares the whole field, with "
		"names and < >\n" },
	{ "field with its colon", "if exists \"Subject:\" { stop; }",
		"1:11 warning: no field is called \"Subject:\"\n" },
	/* Patterns */
	{ "nested repetition", REGEX("(a+)+"), SLOW },
	{ "nested in nested", REGEX("((a+))*"), SLOW },
	{ "all of a group repeated", REGEX("(\\\\s*[a-z]+\\\\s*)*x"), SLOW },
	{ "any text repeated", REGEX("^(.*)*$"), SLOW },
	{ "without a number", REGEX("(?:a{2,})+"), SLOW },
	{ "equal branches", REGEX("(a|a)*b"), SLOW },
	{ "a branch that fits all", REGEX("(x|.)+b"), SLOW },
	{ "something there once", REGEX("(a+b)+"), "" },
	{ "names of hosts", REGEX("^([a-z0-9-]+\\\\.)+com$"), "" },
	{ "branches that differ", REGEX("(foo|bar)+"), "" },
	{ "a repetition alone", REGEX("(a+)"), "" },
	{ "possessive", REGEX("(a++)+"), "" },
	{ "a class with brackets", REGEX("([]()*+]x)+"), "" },
};

TEST(warnings)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
		AUTO(sieve)
		struct sieve_script *s = compile_with(
			NULL, str_c(rows[i].source), &out);

		is_true(s, rows[i].name);
		is_str(buf_view(&out), rows[i].told, rows[i].name);
	}
}

TEST(errors_come_without_warnings)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(sieve) struct sieve_script *s = compile_with(
		NULL, STR("require \"fileinto\"; kep;"), &out);

	is_true(!s, "wrong");
	is_str(buf_view(&out), "1:21 unknown command 'kep'\n", "the error");
}
