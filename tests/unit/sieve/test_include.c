/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_include.c - scripts within scripts (RFC 6609). */
#include "script.h"

static const char mail_small[] = "From: a@example.org\r\n\r\nx\r\n";

/* What can be included: a name, "global/" in front of those of :global. */
struct shelf {
	const char *name, *source;
};

static int find_on_shelf(void *ctx, struct arena *a, bool is_global,
	struct str name, struct str *path, struct str *source, struct err *err)
{
	struct str whole = str_c(arena_printf(
		a, "%s%.*s", is_global ? "global/" : "", STR_ARG(name)));

	for (const struct shelf *s = ctx; s->name; s++) {
		if (!str_eq(whole, str_c(s->name)))
			continue;
		if (!s->source)
			return err_set(err, ERR_TEMP, "it is locked");
		*path = str_c(arena_printf(a, "%s.sieve", s->name));
		*source = str_c(s->source);
		return 0;
	}
	return SIEVE_FIND_NONE;
}

static const char all[] = "require [\"include\", \"variables\", \"fileinto\"];";

static const struct row {
	const char *name, *source, *out;
	struct shelf shelf[5];
} rows[] = {
	{ "what is included runs in its place",
		"include \"a\"; fileinto \"main\";",
		"fileinto a; fileinto main",
		{ { "a", "require \"fileinto\"; fileinto \"a\";" } } },
	{ "the suffix may be written", "include \"a.sieve\";", "fileinto a",
		{ { "a", "require \"fileinto\"; fileinto \"a\";" } } },
	{ "requires are each script's own", "include \"a\";",
		"a.sieve:1:1 unknown command 'fileinto'\n"
		"1:55 included script 'a' has errors\n",
		{ { "a", "fileinto \"a\";" } } },
	{ ":personal and :global are two places",
		"include :global \"a\"; include :personal \"a\";",
		"fileinto g; fileinto p",
		{ { "global/a", "require \"fileinto\"; fileinto \"g\";" },
			{ "a", "require \"fileinto\"; fileinto \"p\";" } } },
	{ "the implicit keep is all scripts'", "include \"a\";", "discard",
		{ { "a", "discard;" } } },
	{ "an included script that does nothing leaves it", "include \"a\";",
		"implicit keep", { { "a", "if false { discard; }" } } },
	{ "return ends the included script only",
		"include \"a\"; fileinto \"main\";", "fileinto main",
		{ { "a", "require \"include\"; if true { return; } "
			 "discard;" } } },
	{ "return in the main script is stop", "if true { return; } discard;",
		"implicit keep", { { 0 } } },
	{ "stop in an included script ends all",
		"include \"a\"; fileinto \"main\";", "implicit keep",
		{ { "a", "stop;" } } },
	{ "variables are each script's own",
		"set \"x\" \"main\"; include \"a\"; fileinto \"${x}\";",
		"fileinto <>; fileinto main",
		{ { "a", "require [\"variables\", \"fileinto\"];"
			 "fileinto \"<${x}>\"; set \"x\" \"a\";" } } },
	{ "they begin anew at each inclusion", "include \"a\"; include \"a\";",
		"fileinto <>",
		{ { "a", "require [\"variables\", \"fileinto\"];"
			 "fileinto \"<${x}>\"; set \"x\" \"a\";" } } },
	{ "shared variables",
		"global \"x\"; set \"x\" \"main\"; include \"a\"; "
		"fileinto \"${x}${global.x}\";",
		"fileinto <main>; fileinto aa",
		{ { "a", "require [\"variables\", \"fileinto\", \"include\"];"
			 "global \"X\"; fileinto \"<${x}>\"; set \"x\" "
			 "\"a\";" } } },
	{ "shared variables by their namespace",
		"set \"global.x\" \"1\"; include \"a\"; fileinto "
		"\"${global.y}\";",
		"fileinto 2",
		{ { "a", "require [\"variables\", \"include\"];"
			 "if string \"${global.x}\" \"1\" "
			 "{ set \"global.y\" \"2\"; }" } } },
	{ "a name with the namespace is not the script's own",
		"set \"x\" \"own\"; set \"global.x\" \"shared\"; "
		"fileinto \"${x}${global.x}\";",
		"fileinto ownshared", { { 0 } } },
	{ "global behind set is an error", "set \"x\" \"1\"; global \"x\";",
		"1:67 'x' was set above as a variable of this script alone\n",
		{ { 0 } } },
	{ "match values are each script's own",
		"if header :matches \"from\" \"*@*\" { include \"a\"; "
		"fileinto \"${1}\"; }",
		"fileinto <>; fileinto a",
		{ { "a", "require [\"variables\", \"fileinto\"];"
			 "fileinto \"<${1}>\"; if string :matches \"q\" \"*\" "
			 "{}" } } },
	{ "if and else are not torn apart",
		"if false {} include \"a\"; if true { include \"a\"; } else "
		"{ discard; }",
		"implicit keep", { { "a", "if false {} elsif false {}" } } },
	{ "once", "include \"a\"; include :once \"a\"; include \"b\";",
		"fileinto a; fileinto b",
		{ { "a", "require \"fileinto\"; fileinto \"a\";" },
			{ "b", "require [\"include\", \"fileinto\"];"
			       "include :once \"a\"; fileinto \"b\";" } } },
	{ "once counts what ran, not what is written",
		"if false { include \"a\"; } include :once \"a\";",
		"fileinto a",
		{ { "a", "require \"fileinto\"; fileinto \"a\";" } } },
	{ "once on a way round does nothing", "include \"a\";", "fileinto a",
		{ { "a", "require [\"include\", \"fileinto\"];"
			 "include \"b\"; fileinto \"a\";" },
			{ "b", "require \"include\"; include :once "
			       "\"a\";" } } },
	{ "a way round is an error", "include \"a\";",
		"b.sieve:1:28 included script 'a' includes itself\n"
		"a.sieve:1:28 included script 'b' has errors\n"
		"1:55 included script 'a' has errors\n",
		{ { "a", "require \"include\"; include \"b\";" },
			{ "b", "require \"include\"; include \"a\";" } } },
	{ "one that is not there", "include \"a\";",
		"1:55 included script 'a' is not there\n", { { 0 } } },
	{ "optional",
		"include :optional \"a\"; include :optional \"a\"; "
		"fileinto \"main\";",
		"fileinto main", { { 0 } } },
	{ "optional excuses no errors", "include :optional \"a\";",
		"a.sieve:1:1 unknown command 'nonsense'\n"
		"1:65 included script 'a' has errors\n",
		{ { "a", "nonsense;" } } },
	{ "optional is not once",
		"include :optional \"a\"; include \"b\"; "
		"include :optional \"a\";",
		"fileinto ab",
		{ { "a", "require [\"variables\", \"include\"]; "
			 "global \"n\"; set \"n\" \"${n}a\";" },
			{ "b", "require [\"include\", \"variables\", "
			       "\"fileinto\"];"
			       "global \"n\"; if string \"${n}\" \"a\" "
			       "{ fileinto \"ab\"; }" } } },
	{ "one that cannot be read", "include \"a\";",
		"1:55 included script 'a' cannot be read: it is locked\n",
		{ { "a", NULL } } },
	{ "no way out of the folder", "include \"../a\";",
		"1:55 '../a' is no name of a script\n", { { 0 } } },
	{ "nor to hidden files", "include \".a\";",
		"1:55 '.a' is no name of a script\n", { { 0 } } },
	{ "an error at run time names the included file", "include \"a\";",
		"fail: a.sieve: line 2: redirect: invalid address \"\": there "
		"is no @",
		{ { "a", "require \"variables\";\nredirect \"${x}\";" } } },
	{ "names of records reach both ways",
		"require \"vnd.mailmill\"; create \"Case\" \"one\" {} "
		"include \"a\"; update \"two\" { field \"F\" \"x\"; } keep;",
		"keep",
		{ { "a", "require \"vnd.mailmill\";"
			 "create \"Case\" \"two\" "
			 "{ field \"P\" \"${one.Id}\"; }" } } },
};

TEST(include)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX),
				     source = BUF_INIT(OUT_MAX);
		struct sieve_settings settings = *sieve_settings_default();

		settings.find = find_on_shelf;
		settings.find_ctx = (void *)(uintptr_t)rows[i].shelf;
		buf_printf(&source, "%s %s", all, rows[i].source);
		buf_byte(&source, 0);
		run_with(&settings, source.p, str_c(mail_small), NULL, &out);
		is_str(buf_view(&out), rows[i].out, rows[i].name);
	}
}

static const struct shelf chain[] = {
	{ "a", "require \"include\"; include \"b\";" },
	{ "b", "require \"include\"; include \"c\";" },
	{ "c", "keep;" },
	{ 0 },
};

TEST(limits)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.find = find_on_shelf;
	settings.find_ctx = (void *)(uintptr_t)chain;
	settings.limits.include_depth = 3;
	run_with(&settings, "require \"include\"; include \"a\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "keep", "3 of 3 levels");
	buf_clear(&out);
	settings.limits.include_depth = 2;
	run_with(&settings, "require \"include\"; include \"a\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"b.sieve:1:28 scripts are included deeper than 2 levels\n"
		"a.sieve:1:28 included script 'b' has errors\n"
		"1:28 included script 'a' has errors\n",
		"3 of 2 levels");
	buf_clear(&out);
	run_with(&settings,
		"require \"include\"; include \"b\"; include \"a\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"fail: b.sieve: line 1: scripts are included deeper than 2 "
		"levels",
		"met while it runs");
	settings.limits.include_depth = 10;
	settings.limits.includes = 3;
	run_with(&settings, "require \"include\"; include \"a\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "keep", "3 of 3 scripts");
	buf_clear(&out);
	settings.limits.includes = 2;
	run_with(&settings,
		"require \"include\"; include \"a\"; include \"a\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"b.sieve:1:28 more than 2 scripts are included\n"
		"a.sieve:1:28 included script 'b' has errors\n"
		"1:28 included script 'a' has errors\n"
		"1:41 included script 'a' has errors\n",
		"3 of 2 scripts");
}

TEST(missing_is_a_matter_of_the_setting)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();
	struct sieve_script *s;

	settings.allows_missing = true;
	s = compile_with(
		&settings, STR("require \"include\"; include \"a\";"), &out);
	is_true(s != NULL, "it compiles");
	sieve_free(s);
	is_str(buf_view(&out),
		"1:28 warning: included script 'a' is not there\n",
		"and is warned of");
	run_with(&settings, "require \"include\"; include \"a\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 1: included script 'a' is not there",
		"running it fails");
}

TEST(what_was_included)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct shelf shelf[] = { chain[0], chain[1], chain[2], chain[3] };
	struct sieve_settings settings = *sieve_settings_default();
	const struct str source = STR("require \"include\"; include \"a\"; "
				      "include :optional \"x\";");
	const struct sieve_include *list;
	AUTO(sieve) struct sieve_script *one = NULL, *same = NULL,
					*other = NULL;

	settings.find = find_on_shelf;
	settings.find_ctx = shelf;
	one = compile_with(&settings, source, &out);
	same = compile_with(&settings, source, &out);
	is_int(sieve_includes(one, &list), 3, "those that are there");
	is_str(list[0].name, "a", "in the order of the text");
	is_str(list[2].path, "c.sieve", "with its path");
	is_str(list[2].source, "keep;", "and source");
	is_true(str_eq(sieve_sha256(one), sieve_sha256(same)), "same digest");
	shelf[2].source = "discard;";
	other = compile_with(&settings, source, &out);
	is_false(str_eq(sieve_sha256(one), sieve_sha256(other)),
		"a change of what is included changes it");
}
