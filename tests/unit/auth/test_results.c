/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_results.c - Authentication-Results: what is read, and what believed. */
#include "../../../src/auth/results.h"
#include "../../lib/test.h"

/* Writes a field as "id: method=result{type.name=value}(comment)...". */
static struct str outline(struct arena *a, const struct results_field *f)
{
	char *out = arena_printf(a, "%.*s:", STR_ARG(f->authserv));

	for (size_t i = 0; i < f->n_items; i++) {
		const struct results_item *item = &f->items[i];

		out = arena_printf(a, "%s %.*s=%.*s", out,
			STR_ARG(item->method), STR_ARG(item->result));
		if (item->reason.len)
			out = arena_printf(
				a, "%s[%.*s]", out, STR_ARG(item->reason));
		if (item->comment.len)
			out = arena_printf(
				a, "%s(%.*s)", out, STR_ARG(item->comment));
		for (size_t k = 0; k < item->n_props; k++)
			out = arena_printf(a, "%s{%.*s|%.*s|%.*s}", out,
				STR_ARG(item->props[k].type),
				STR_ARG(item->props[k].name),
				STR_ARG(item->props[k].value));
	}
	return str_c(out);
}

TEST(fields_are_read)
{
	static const struct {
		const char *name, *in, *out; /* NULL: no such field */
	} rows[] = {
		{ "nothing was done", "example.org 1; none", "example.org:" },
		{ "of RFC 8601 B.3",
			"example.com;\r\n          spf=pass smtp.mailfrom="
			"example.net",
			"example.com: spf=pass{smtp|mailfrom|example.net}" },
		{ "of B.7: comments everywhere",
			"foo.example.net (foobar) 1 (baz);\r\n  dkim (Because "
			"I like it) / 1 (One yay) = (wait for it) fail\r\n"
			"      policy (A dot can go here) . (like that) "
			"expired\r\n"
			"      (this surprised me) = (as I wasn't expecting "
			"it) "
			"1362471462",
			"foo.example.net: dkim=fail(as I wasn't expecting it)"
			"{policy|expired|1362471462}" },
		{ "several methods and properties",
			"mx; dkim=pass reason=\"good (2048)\" header.d=a.b "
			"header.i=@a.b; spf=softfail (why) smtp.helo=x",
			"mx: dkim=pass[good (2048)]{header|d|a.b}"
			"{header|i|@a.b} spf=softfail(why){smtp|helo|x}" },
		{ "base64 and addresses",
			"mx; dkim=pass header.b=ab/c=+; "
			"spf=none smtp.mailfrom=<>",
			"mx: dkim=pass{header|b|ab/c=+} "
			"spf=none{smtp|mailfrom|<>}" },
		{ "quoted id and local part",
			"\"mx;x\"; spf=pass smtp.mailfrom=\"a b\"@example.org",
			"mx;x: spf=pass{smtp|mailfrom|a b@example.org}" },
		{ "a semicolon in quotes and comments parts nothing",
			"mx; spf=fail (a; dkim=pass) reason=\"; dmarc=pass\"; "
			"dkim=none",
			"mx: spf=fail[; dmarc=pass](a; dkim=pass) dkim=none" },
		{ "comments in comments", "mx; spf=fail (a (b \\) c) d)",
			"mx: spf=fail(a (b \\) c) d)" },
		{ "a property without type",
			"mx; dmarc=pass action=none header.from=x",
			"mx: dmarc=pass{|action|none}{header|from|x}" },
		{ "what is broken is left out up to the next",
			"mx; dkim; =x; spf=pass smtp.helo; ; dmarc=fail",
			"mx: spf=pass dmarc=fail" },
		{ "nothing behind the id", "mx", "mx:" },
		{ "an end in a comment", "mx; spf=fail (a", "mx: spf=fail(a)" },
		{ "an end in quotes", "mx; spf=fail reason=\"a",
			"mx: spf=fail[a]" },
		{ "version 2 is not known", "mx 2; spf=pass", NULL },
		{ "no id", "spf=pass smtp.helo=x", NULL },
		{ "no id and a blank", "spf = pass", NULL },
		{ "empty", "", NULL },
		{ "a comment alone", "(x)", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct results_field f;
		int rc = results_parse(a, str_c(rows[i].in), &f);

		is_int(rc, rows[i].out ? 0 : -1, rows[i].name);
		if (rc == 0 && rows[i].out)
			is_str(outline(a, &f), rows[i].out, rows[i].name);
	}
}

TEST(all_that_is_long_ends)
{
	AUTO(arena) struct arena *a = arena_new();
	struct results_field f;
	size_t len = 1 << 20;
	char *text = mem_new(len);

	memset(text, '(', len);
	memcpy(text, "mx; ", 4);
	is_int(results_parse(a, str_n(text, len), &f), 0, "open comments");
	for (size_t i = 4; i + 4 <= len; i += 4)
		memcpy(text + i, "a=b;", 4);
	is_int(results_parse(a, str_n(text, len), &f), 0, "methods");
	is_int(f.n_items, RESULTS_ITEMS_MAX, "bounded");
	text[7] = ' ';
	for (size_t i = 8; i + 6 <= len; i += 6)
		memcpy(text + i, " a.b=c", 6);
	is_int(results_parse(a, str_n(text, len), &f), 0, "properties");
	is_int(f.items[0].n_props, RESULTS_PROPS_MAX, "bounded");
	free(text);
}

#define OUR "Authentication-Results: mx.example.com; "
#define OUR_RECEIVED "Received: from a.example by mx.example.com; date\r\n"
#define FROM "From: ann@example.org\r\n"

/* Who is believed, and what is taken from him. */
static const struct believed {
	const char *name, *header;
	bool is_believed;
	enum auth_verdict spf, dkim, dmarc;
	bool is_verified;
} believed[] = {
	{ "above all Received", OUR "dmarc=pass\r\n" OUR_RECEIVED FROM, true,
		AUTH_NONE, AUTH_NONE, AUTH_PASS, true },
	{ "below our own, as milters write it",
		OUR_RECEIVED OUR "dmarc=pass\r\n" FROM, true, AUTH_NONE,
		AUTH_NONE, AUTH_PASS, true },
	{ "several fields, one a milter",
		OUR_RECEIVED OUR "dmarc=pass\r\n" OUR "dkim=fail\r\n" OUR
				 "spf=softfail\r\n" FROM,
		true, AUTH_SOFTFAIL, AUTH_FAIL, AUTH_PASS, true },
	{ "but the first counts",
		OUR_RECEIVED OUR "dmarc=fail; dkim=fail\r\n" OUR
				 "dmarc=pass; dkim=pass\r\n" FROM,
		true, AUTH_NONE, AUTH_FAIL, AUTH_FAIL, false },
	{ "through hosts of the same organization",
		"Received: by relay.example.com; date\r\n" OUR_RECEIVED OUR
		"dmarc=pass\r\n" FROM,
		true, AUTH_NONE, AUTH_NONE, AUTH_PASS, true },
	{ "through hosts without a name",
		"Received: by localhost (x.example.net); date\r\n"
		"Received: by 2002:a05:6a10::1 with SMTP; date\r\n" OUR
		"dmarc=pass\r\n" FROM,
		true, AUTH_NONE, AUTH_NONE, AUTH_PASS, true },
	{ "not below a stranger",
		OUR_RECEIVED "Received: by x.example.net; date\r\n" OUR
			     "dmarc=pass\r\n" FROM,
		false, AUTH_NONE, AUTH_NONE, AUTH_NONE, false },
	{ "nor a second time below a Received",
		OUR "spf=pass\r\n" OUR_RECEIVED OUR "dmarc=pass\r\n" FROM, true,
		AUTH_PASS, AUTH_NONE, AUTH_NONE, false },
	{ "not of another",
		"Authentication-Results: mx.example.net; "
		"dmarc=pass\r\n" FROM,
		false, AUTH_NONE, AUTH_NONE, AUTH_NONE, false },
	{ "one that says nothing", OUR "none\r\n" FROM, false, AUTH_NONE,
		AUTH_NONE, AUTH_NONE, false },
	{ "one that speaks of other things", OUR "iprev=pass\r\n" FROM, false,
		AUTH_NONE, AUTH_NONE, AUTH_NONE, false },
	{ "id in other letters",
		"authentication-RESULTS: MX.Example.COM; "
		"dmarc=pass\r\n" FROM,
		true, AUTH_NONE, AUTH_NONE, AUTH_PASS, true },
	{ "old names of results", OUR "spf=hardfail; dmarc=unknown\r\n" FROM,
		true, AUTH_FAIL, AUTH_NONE, AUTH_PERMERROR, false },
	{ "aligned SPF",
		OUR "spf=pass smtp.mailfrom=x@mail.example.org\r\n" FROM, true,
		AUTH_PASS, AUTH_NONE, AUTH_NONE, true },
	{ "SPF of another domain",
		OUR "spf=pass smtp.mailfrom=x@example.net\r\n" FROM, true,
		AUTH_PASS, AUTH_NONE, AUTH_NONE, false },
	{ "aligned DKIM among others",
		OUR "dkim=fail header.d=x.net; dkim=pass header.i=@example.org"
		    "\r\n" FROM,
		true, AUTH_NONE, AUTH_FAIL, AUTH_NONE, true },
	{ "aligned DKIM and a failed DMARC",
		OUR "dkim=pass header.d=example.org; dmarc=fail\r\n" FROM, true,
		AUTH_NONE, AUTH_PASS, AUTH_FAIL, false },
	{ "two From fields", OUR "dkim=pass header.d=example.org\r\n" FROM FROM,
		true, AUTH_NONE, AUTH_PASS, AUTH_NONE, false },
	{ "DMARC of the organization",
		OUR "dmarc=pass header.from=example.org\r\n"
		    "From: ann@mail.example.org\r\n",
		true, AUTH_NONE, AUTH_NONE, AUTH_PASS, true },
};

TEST(who_is_believed)
{
	static const struct str trusted[] = { { "mx.example.com", 14 } };
	static const struct auth_settings settings = { .trusted = trusted,
		.n_trusted = 1 };
	static const struct auth_ask ask;

	auth_init();
	for (size_t i = 0; i < COUNT(believed); i++) {
		const struct believed *row = &believed[i];
		AUTO(arena) struct arena *a = arena_new();
		struct auth_result r;
		struct mail *m = mail_parse_in(
			a, str_c(arena_printf(a, "%s\r\nx\r\n", row->header)));

		auth_check(a, m, NULL, &settings, &ask, &r);
		is_int(r.source == AUTH_FROM_RESULTS, row->is_believed,
			row->name);
		is_int(r.spf.verdict, row->spf, row->name);
		is_int(r.n_dkim ? r.dkim[0].verdict : AUTH_NONE, row->dkim,
			row->name);
		is_int(r.dmarc.verdict, row->dmarc, row->name);
		is_int(r.is_from_verified, row->is_verified, row->name);
	}
}
