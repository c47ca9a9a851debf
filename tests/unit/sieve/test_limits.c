/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_limits.c - each limit of struct sieve_limits, met and kept. */
#include "script.h"

static const char mail_small[] = "From: a@example.org\r\n\r\nx\r\n";

/* Adds `n` times a piece. */
static void repeat(struct buf *b, const char *piece, int n)
{
	for (int i = 0; i < n; i++)
		buf_c(b, piece);
}

static bool compiles(const struct sieve_settings *settings, struct buf *source,
	struct buf *out)
{
	struct sieve_script *s;

	buf_clear(out);
	s = compile_with(settings, buf_view(source), out);
	sieve_free(s);
	buf_clear(source);
	return s != NULL;
}

TEST(script_len)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.script_len = 10;
	buf_c(&source, "keep;keep;");
	is_true(compiles(&settings, &source, &out), "10 of 10");
	buf_c(&source, "keep; keep;");
	is_false(compiles(&settings, &source, &out), "11 of 10");
	is_str(buf_view(&out), "1:1 script of 11 bytes is larger than 10\n",
		"told");
}

TEST(nesting)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);
	const struct sieve_settings *settings = sieve_settings_default();

	repeat(&source, "if true{", 32);
	repeat(&source, "}", 32);
	is_true(compiles(settings, &source, &out), "32 blocks");
	repeat(&source, "if true{", 33);
	repeat(&source, "}", 33);
	is_false(compiles(settings, &source, &out), "33 blocks");
	buf_c(&source, "if ");
	repeat(&source, "not ", 31);
	buf_c(&source, "true {}");
	is_true(compiles(settings, &source, &out), "32 tests");
	buf_c(&source, "if ");
	repeat(&source, "not ", 32);
	buf_c(&source, "true {}");
	is_false(compiles(settings, &source, &out), "33 tests");
	is_str(buf_view(&out), "1:132 tests are nested deeper than 32\n",
		"told");
}

TEST(string_len)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.string_len = 6;
	buf_c(&source, "redirect \"a@b.de\";");
	is_true(compiles(&settings, &source, &out), "6 of 6");
	buf_c(&source, "redirect \"aa@b.de\"; redirect \"aa@b.de\";");
	is_false(compiles(&settings, &source, &out), "7 of 6");
	is_str(buf_view(&out),
		"1:10 string is longer than 6 bytes\n"
		"1:30 string is longer than 6 bytes\n",
		"told, and the second at its place");
}

TEST(variables)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);
	const struct sieve_settings *settings = sieve_settings_default();

	for (int more = 0; more < 3; more++) {
		buf_c(&source, "require \"variables\";\n");
		for (int i = 0; i < 255 + more; i++)
			buf_printf(&source, "set \"v%d\" \"x\";\n", i);
		is_int(compiles(settings, &source, &out), more == 0,
			"255 variables, not 256");
	}
	is_str(buf_view(&out),
		"257:5 more than 255 variables: 'v255' is too many\n",
		"told once");
}

TEST(value_len)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.value_len = 4;
	run_with(&settings,
		"require [\"variables\", \"fileinto\"]; "
		"set \"a\" \"abc\xc3\xbc\"; fileinto \"${a}\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "fileinto abc", "cut before the character");
	run_with(&settings,
		"require [\"variables\", \"fileinto\"]; "
		"set :quotewildcard \"a\" \"abc*\"; fileinto \"${a}\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "fileinto abc", "no half of an escape");
}

TEST(strings_do_not_explode)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);

	buf_c(&source, "require [\"variables\", \"fileinto\"];\n"
		       "set \"a\" \"0123456789abcdef\";\n");
	repeat(&source, "set \"a\" \"${a}${a}\";\n", 20);
	buf_c(&source, "fileinto \"");
	repeat(&source, "${a}", 1000);
	buf_c(&source, "\";");
	run_with(sieve_settings_default(), source.p, str_c(mail_small), NULL,
		&out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 23: a string grew beyond 1048576 bytes "
		"when its variables were filled in",
		"told");
}

TEST(memory)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);

	buf_c(&source,
		"require \"variables\";\nset \"a\" \"0123456789abcdef\";\n");
	repeat(&source, "set \"a\" \"${a}${a}\";\n", 12);
	repeat(&source,
		"set \"b\" \"${a}${a}${a}${a}${a}${a}${a}${a}${a}${a}"
		"${a}${a}${a}${a}${a}${a}\";\n",
		400);
	run_with(sieve_settings_default(), source.p, str_c(mail_small), NULL,
		&out);
	is_true(str_find(buf_view(&out),
			STR("the rule needs more than 256 MiB")) > 0,
		"memory is bounded, and told");
}

TEST(actions)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);

	buf_c(&source, "require \"fileinto\";\n");
	for (int i = 0; i < 32; i++)
		buf_printf(&source, "fileinto \"f%d\";\n", i);
	run_with(sieve_settings_default(), source.p, str_c(mail_small), NULL,
		&out);
	is_true(str_starts(buf_view(&out), STR("fileinto f0;")), "32 are fine");
	buf_c(&source, "keep;\n");
	run_with(sieve_settings_default(), source.p, str_c(mail_small), NULL,
		&out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 34: total number of actions exceeds "
		"policy limit (32)",
		"the 33rd fails");
}

TEST(redirects)
{
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     out = BUF_INIT(OUT_MAX);

	for (int i = 0; i < 5; i++)
		buf_printf(&source, "redirect \"a%d@b.de\";\n", i);
	run_with(sieve_settings_default(), source.p, str_c(mail_small), NULL,
		&out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 5: number of redirect actions exceeds "
		"policy limit (4)",
		"the fifth fails");
}

TEST(steps)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.steps = 5;
	run_with(&settings, "keep; keep; keep; keep; keep;", str_c(mail_small),
		NULL, &out);
	is_str(buf_view(&out), "keep", "5 of 5");
	run_with(&settings, "keep; keep; keep; keep; keep;\nkeep;",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 1: the rule needs more than 5 steps for "
		"this mail",
		"6 of 5");
	settings.limits.steps = 100;
	run_with(&settings,
		"if header :matches \"x\" \"*\" {}\n"
		"if address :matches \"from\" \"*\" { keep; }",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "keep", "a small glob");
	run_with(&settings,
		"require \"variables\"; if string :matches "
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
		"\"*aaaaaaaab\" { keep; }",
		str_c(mail_small), NULL, &out);
	is_true(str_find(buf_view(&out), STR("more than 100 steps")) >= 0,
		"globs cost steps");
}

static void add_parts(struct buf *b, unsigned n)
{
	buf_c(b, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (unsigned i = 0; i < n; i++)
		buf_c(b, "--b\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n");
	buf_c(b, "--b--\n");
}

TEST(processor_time)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(buf) struct buf mail = BUF_INIT(16 * OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX);

	/* work for far more than a tick of the clock, on any machine */
	buf_c(&source,
		"require [\"mime\", \"foreverypart\"]; foreverypart {\n");
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&source,
			"if header :mime :matches \"X-A\" \"*%ua?a?a*\" "
			"{ discard; }\n",
			i);
	buf_c(&source, "}");
	buf_c(&mail, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (unsigned i = 0; i < 4000; i++)
		buf_printf(&mail, "--b\nX-A: %02000d\n\n", 0);
	for (size_t i = 0; i < mail.len; i++)
		if (mail.p[i] == '0')
			mail.p[i] = 'a';
	settings.limits.cpu_ms = 1;
	buf_byte(&source, '\0');
	run_with(&settings, source.p, buf_view(&mail), NULL, &out);
	has_text(out.p, "more than 1 ms of processor time", "limit");
}

TEST(nested_loops_of_parts)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.part_depth = 2;
	run_with(&settings,
		"require \"foreverypart\"; "
		"foreverypart { foreverypart { discard; } }",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "implicit keep", "2 of 2");
	run_with(&settings,
		"require \"foreverypart\"; "
		"foreverypart { foreverypart { foreverypart { discard; } } }",
		str_c(mail_small), NULL, &out);
	has_text(out.p, "within more than 1 others", "3 of 2");
}

TEST(fields_and_their_values)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(buf) struct buf mail = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.header_len = 3;
	run_with(&settings, "require \"editheader\"; addheader \"X\" \"123\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "implicit keep", "3 of 3");
	run_with(&settings, "require \"editheader\"; addheader \"X\" \"1234\";",
		str_c(mail_small), NULL, &out);
	has_text(out.p, "4 bytes, more than the 3", "4 of 3");
	add_parts(&mail, 2001);
	run_with(NULL,
		"require [\"editheader\", \"foreverypart\"]; "
		"foreverypart { addheader \"X\" \"1\"; }",
		buf_view(&mail), NULL, &out);
	has_text(out.p, "more than 2000 header fields", "fields");
}

TEST(regex_steps)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.limits.regex_steps = 1000;
	run_with(&settings,
		"require [\"variables\", \"regex\"]; if string :regex "
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\" \"^(a+)+$\" "
		"{ keep; }",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 1: pattern \"^(a+)+$\" takes more than "
		"1000 steps for this mail",
		"a hit limit is no answer");
}

TEST(subaddress_separator)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();

	settings.delimiters = STR("-");
	run_with(&settings,
		"require \"subaddress\"; if address :detail \"from\" \"b\" "
		"{ discard; }",
		STR("From: a-b@example.org\r\n\r\nx\r\n"), NULL, &out);
	is_str(buf_view(&out), "discard", "settable");
}
