/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_compile.c - scripts that are right, and what is told of wrong ones. */
#include "script.h"

static const struct {
	const char *name, *source, *told; /* NULL: the script is right */
} rows[] = {
	/* Lexer */
	{ "an empty script is right", "", NULL },
	{ "a mark of byte order is passed over", "\xef\xbb\xbfkeep;\n", NULL },
	{ "lines may end in LF", "keep;\nstop;\n", NULL },
	{ "lines may end in CRLF", "keep;\r\nstop;\r\n", NULL },
	{ "hash comment", "# one\nkeep; # two\n", NULL },
	{ "bracket comment", "/* a\n b */ keep /* ; */ ;", NULL },
	{ "bracket comments do not nest", "/* /* */ keep;", NULL },
	{ "words have no case", "KEEP; iF tRuE { sToP; }", NULL },
	{ "tags have no case", "if header :CONTAINS \"a\" \"b\" { stop; }",
		NULL },
	{ "number with K", "if size :over 1K { stop; }", NULL },
	{ "number with g", "if size :over 1g { stop; }", NULL },
	{ "64 bits", "if size :over 18446744073709551615 { stop; }", NULL },
	{ "65 bits", "if size :over 18446744073709551616 { stop; }",
		"1:15 number is larger than 18446744073709551615\n" },
	{ "overflow by its unit", "if size :over 18014398509481984K { stop; }",
		"1:15 number is larger than 18446744073709551615\n" },
	{ "string over lines", "redirect \"a@\nb.example\";", NULL },
	{ "text: block", "redirect text:\na@b.de\n.\n;", NULL },
	{ "text: with comment", "redirect text: # c\na@b.de\n.\n;", NULL },
	{ "text: has no case", "redirect TEXT:\na@b.de\n.\n;", NULL },
	{ "text: without line end", "redirect text: x\n.\n;",
		"1:16 text: must be followed by a line end\n" },
	{ "text: never closed", "keep;\nredirect text:\nx\n",
		"2:10 text is never closed\n" },
	{ "string never closed", "keep;\nredirect \"x;\nkeep;\n",
		"2:10 string is never closed\n" },
	{ "comment never closed", "keep;\n /* x\nkeep;",
		"2:2 comment is never closed\n" },
	{ "colon without name", "if header : \"a\" \"b\" { stop; }",
		"1:11 no name behind the colon\n" },
	{ "name too long", "abcdefghijabcdefghijabcdefghijabc;",
		"1:1 name of 33 letters is longer than 32\n" },
	{ "stray character", "keep $;", "1:6 unexpected '$'\n" },
	{ "curly quotes",
		"redirect \xe2\x80\x9c"
		"a@b.example\xe2\x80\x9d;",
		"1:10 these are not the quotes of a string\n" },
	{ "single quotes", "redirect 'a@b.example';",
		"1:10 these are not the quotes of a string\n" },
	{ "stray CR in a string", "redirect \"a\rb\";",
		"1:10 carriage return without line feed in the string that "
		"begins here\n" },
	/* Parser */
	{ "missing semicolon is told where it belongs", "keep\ndiscard;\n",
		"1:5 missing semicolon ';' after keep command\n" },
	{ "missing semicolon at a block's end", "if true {\n\tkeep\n}\n",
		"2:6 missing semicolon ';' after keep command\n" },
	{ "missing semicolon at the end", "keep",
		"1:5 missing semicolon ';' after keep command\n" },
	{ "block is not closed", "if true {\n keep;\n",
		"1:9 block is never closed\n" },
	{ "block closed twice", "if true { keep; } }",
		"1:19 unexpected '}'\n" },
	{ "semicolon behind a block", "if true { keep; };",
		"1:18 unexpected ';'\n" },
	{ "empty list", "if header [] \"a\" { stop; }",
		"1:12 expected a string in the list, but found ']'\n" },
	{ "comma at a list's end", "if header [\"a\",] \"a\" { stop; }",
		"1:16 expected a string in the list, but found ']'\n" },
	{ "missing comma in a list", "if header [\"a\" \"b\"] \"a\" { stop; }",
		"1:16 expected ',' or ']' in the list, but found a string\n" },
	{ "missing comma in a list of tests", "if anyof (true true) { stop; }",
		"1:16 the true test accepts no sub-tests, but tests are "
		"specified\n" },
	{ "comma at the end of tests", "if anyof (true,) { stop; }",
		"1:16 expected a test, but found ')'\n" },
	{ "no test in parentheses", "if anyof () { stop; }",
		"1:11 expected a test, but found ')'\n" },
	{ "each mistake is told",
		"if header [] \"a\" { stop; }\nkeep;\nif anyof () { stop; }\n",
		"1:12 expected a string in the list, but found ']'\n"
		"3:11 expected a test, but found ')'\n" },
	/* Checker */
	{ "unknown command, told once", "keap; keap;",
		"1:1 unknown command 'keap'\n" },
	{ "unknown test", "if haeder \"a\" \"b\" { stop; }",
		"1:4 unknown test 'haeder'\n" },
	{ "missing require", "fileinto \"x\";",
		"1:1 unknown command 'fileinto'\n" },
	{ "test as command", "header \"a\" \"b\";",
		"1:1 attempted to use test 'header' as a command\n" },
	{ "command as test", "if keep { stop; }",
		"1:4 attempted to use command 'keep' as a test\n" },
	{ "missing colon", "if header contains \"a\" \"b\" { stop; }",
		"1:11 missing colon ':' before ':contains' tag in header "
		"test\n" },
	{ "else if with a command as its test",
		"if true { keep; } else if redirect \"a@b.de\"; ",
		"1:19 'else if' is written as one word\n"
		"1:19 the elsif command requires a block\n"
		"1:27 attempted to use command 'redirect' as a test\n" },
	{ "missing semicolon before a command", "redirect \"a@b.de\" keep;",
		"1:18 missing semicolon ';' after redirect command\n" },
	{ "unknown tag", "if header :contain \"a\" \"b\" { stop; }",
		"1:11 unknown tagged argument ':contain' for the header test "
		"(told "
		"once)\n" },
	{ "tag behind arguments", "if header \"a\" :is \"b\" { stop; }",
		"1:15 unexpected ':is' behind other arguments of the header "
		"test (tags come first)\n" },
	{ "two match types", "if header :is :contains \"a\" \"b\" { stop; }",
		"1:15 match type ':contains' given, but ':is' is there "
		"already in the header test\n" },
	{ "number for a string", "redirect 3;",
		"1:10 the redirect command expects a string as argument 1 "
		"(address), but a number was found\n" },
	{ "list of one for a string", "redirect [\"a@b.de\"];",
		"1:10 the redirect command expects a string as argument 1 "
		"(address), but a string list was found\n" },
	{ "too many arguments", "keep \"x\";",
		"1:6 the keep command requires 0 positional arguments, but 1 "
		"is specified\n" },
	{ "block where none may be", "keep { stop; }",
		"1:1 the keep command accepts no block\n" },
	{ "no block where one must be", "if true;",
		"1:1 the if command requires a block\n" },
	{ "not with a list of one", "if not (true) { stop; }",
		"1:4 the not test requires one test, but a list of tests is "
		"specified\n" },
	{ "anyof with a list of one", "if anyof (true) { stop; }",
		"1:4 warning: this test is always true\n" },
	{ "anyof without parentheses", "if anyof true { stop; }",
		"1:4 the anyof test requires a list of tests\n" },
	{ "if without test", "if { stop; }",
		"1:1 the if command requires one test, but none is "
		"specified\n" },
	{ "elsif without if", "elsif true { stop; } else { keep; }",
		"1:1 elsif without an if before it\n" },
	{ "else behind a command", "if true { stop; } keep; else { keep; }",
		"1:25 else without an if before it\n" },
	{ "require is late", "keep; require \"fileinto\";",
		"1:7 require must stand before all other commands\n" },
	{ "each unknown extension", "require [\"x1y\", \"fileinto\", \"x2y\"];",
		"1:10 unknown extension 'x1y'\n"
		"1:29 unknown extension 'x2y'\n" },
	{ "capabilities have case", "require \"FILEINTO\";",
		"1:9 unknown extension 'FILEINTO'\n" },
	{ "standard comparators may be required",
		"require [\"comparator-i;octet\","
		"\"comparator-i;ascii-casemap\"];",
		NULL },
	{ "comparator that is not required",
		"if header :comparator \"i;ascii-numeric\" \"a\" \"1\" { stop; "
		"}",
		"1:23 unknown comparator 'i;ascii-numeric'\n" },
	{ "comparator that cannot",
		"require \"comparator-i;ascii-numeric\";\n"
		"if header :contains :comparator \"i;ascii-numeric\" \"a\" "
		"\"1\" { stop; }",
		"2:4 comparator 'i;ascii-numeric' cannot do ':contains' in "
		"the header test\n" },
	{ "address of no address field",
		"if address \"subject\" \"x\" { stop; }",
		"1:12 header 'subject' holds no addresses: not allowed in the "
		"address test\n" },
	{ "size with both tags", "if size :over :under 1 { stop; }",
		"1:15 ':over' and ':under' exclude each other in the size "
		"test\n" },
	{ "size without a tag", "if size 1 { stop; }",
		"1:4 the size test needs ':over' or ':under'\n" },
	{ "tag twice", "if size :over :over 1 { stop; }",
		"1:15 the ':over' tag is given twice to the size test\n" },
	{ "invalid address", "redirect \"ann\";",
		"1:10 invalid address \"ann\": there is no @\n" },
	{ "two addresses", "redirect \"a@b.de,c@d.de\";",
		"1:10 invalid address \"a@b.de,c@d.de\": one address is "
		"wanted, not several\n" },
	{ "unknown envelope part",
		"require \"envelope\"; if envelope \"form\" \"x\" { stop; }",
		"1:33 unknown envelope part 'form'\n" },
	{ "block of if false is not checked", "if false { keap; }", NULL },
	{ "nor of not true", "if not true { keap; }", NULL },
	{ "nor of else behind if true", "if true { keep; } else { keap; }",
		NULL },
	{ "nor of a failed ihave",
		"require \"ihave\"; if ihave \"x1y\" { x1y; }", NULL },
	{ "ihave turns on",
		"require \"ihave\"; if ihave \"fileinto\" { fileinto \"x\"; }",
		NULL },
	{ "ihave cannot have variables",
		"require \"ihave\"; if ihave \"variables\" { zzz; }", NULL },
	/* Variables */
	{ "name that is none", "require \"variables\"; set \"1\" \"a\";",
		"1:26 '1' is no name for a variable\n" },
	{ "name from a variable", "require \"variables\"; set \"${x}\" \"a\";",
		"1:26 argument 1 (name) must be written out, without "
		"variables\n" },
	{ "unknown namespace",
		"require \"variables\"; set \"a\" \"b ${nah.x}\";",
		"1:33 unknown namespace 'nah' in ${nah.x}\n" },
	{ "match value out of range",
		"require \"variables\"; set \"a\" \"${33}\";",
		"1:31 there is no ${33}\n" },
	{ "match value in range with zeros",
		"require \"variables\"; redirect \"${0032}\";", NULL },
	{ "modifiers of one precedence",
		"require \"variables\"; set :lower :upper \"a\" \"b\";",
		"1:33 modifiers ':lower' and ':upper' exclude each other\n" },
	{ "unknown relation",
		"require \"relational\"; if header :count \"xx\" \"a\" \"1\" "
		"{ stop; }",
		"1:40 unknown relation 'xx'\n" },
	{ "no character",
		"require \"encoded-character\"; redirect \"${unicode:d800}\";",
		"1:39 ${unicode:...} with d800, which is no character\n" },
	{ "wrong pattern",
		"require \"regex\"; if header :regex \"a\" \"b(\" { stop; }",
		"1:39 invalid pattern: missing closing parenthesis\n" },
};

TEST(scripts_are_checked)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
		AUTO(sieve)
		struct sieve_script *s = compile_with(
			sieve_settings_default(), str_c(rows[i].source), &out);

		is_true(s || rows[i].told, rows[i].name);
		is_str(buf_view(&out), rows[i].told ? rows[i].told : "",
			rows[i].name);
	}
}

TEST(warnings_leave_a_script_right)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(sieve) struct sieve_script *s = compile_with(
		sieve_settings_default(), STR("stop;\nkeep;\n# end"), &out);

	is_true(s, "compiled");
	is_str(buf_view(&out),
		"2:1 warning: never reached: stop stands before it\n"
		"3:1 warning: no line end after the comment that ends the "
		"script\n",
		"both are told");
}

static void print_all(const char *source, struct buf *out)
{
	AUTO(arena) struct arena *a = arena_new();
	struct sieve_diags diags = { .arena = a };
	struct sieve_script *s = NULL;

	if (sieve_compile("x", str_c(source), sieve_settings_default(), &diags,
		    &s) == 0)
		sieve_free(s);
	for (size_t i = 0; i < diags.n; i++)
		sieve_diag_print(out, "rules/x.sieve", &diags.items[i]);
}

TEST(diags_show_the_place)
{
	static const struct {
		const char *name, *source, *shown;
	} shown[] = {
		{ "missing require names it", "fileinto \"x\";\n",
			"rules/x.sieve:1:1: error: unknown command "
			"'fileinto'\n"
			"    fileinto \"x\";\n"
			"    ^\n"
			"    hint: write at the top: require \"fileinto\";\n" },
		{ "nearest name and tabs", "if true {\r\n\tredirct \"x\";\r\n}",
			"rules/x.sieve:2:2: error: unknown command 'redirct'\n"
			"    \tredirct \"x\";\n"
			"    \t^\n"
			"    hint: did you mean 'redirect'?\n" },
		{ "characters of several bytes are one place",
			"redirect \"\xc3\xbc\" zzz;\n",
			"rules/x.sieve:1:10: error: invalid address "
			"\"\xc3\xbc\": there is no @\n"
			"    redirect \"\xc3\xbc\" zzz;\n"
			"             ^\n"
			"rules/x.sieve:1:14: error: missing semicolon ';' "
			"after redirect command\n"
			"    redirect \"\xc3\xbc\" zzz;\n"
			"                ^\n"
			"rules/x.sieve:1:15: error: unknown command 'zzz'\n"
			"    redirect \"\xc3\xbc\" zzz;\n"
			"                 ^\n" },
	};

	for (size_t i = 0; i < COUNT(shown); i++) {
		AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);

		print_all(shown[i].source, &out);
		is_str(buf_view(&out), shown[i].shown, shown[i].name);
	}
}

TEST(hostile_bytes_end)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(buf) struct buf deep = BUF_INIT(OUT_MAX);
	struct sieve_script *s;

	s = compile_with(sieve_settings_default(),
		STR("keep;\0redirect \"a\0b\";"), &out);
	is_true(!s, "NUL is refused");
	for (int i = 0; i < 100000; i++)
		buf_c(&deep, "not(");
	s = compile_with(sieve_settings_default(), buf_view(&deep), &out);
	is_true(!s, "deep nesting is refused");
	buf_clear(&deep);
	for (int i = 0; i < 100000; i++)
		buf_c(&deep, "if true{");
	s = compile_with(sieve_settings_default(), buf_view(&deep), &out);
	is_true(!s, "deep blocks are refused");
}
