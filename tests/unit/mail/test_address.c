/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_address.c - address lists, right and wrong ones. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

/* `out` has NAME|ADDRESS for each, "!" before it when it is no address. */
static const struct row {
	const char *name, *in, *out;
} rows[] = {
	{ "bare", "ann@example.org", "|ann@example.org" },
	{ "name", "Ann Miller <ann@example.org>",
		"Ann Miller|ann@example.org" },
	{ "quoted name", "\"Miller, Ann\" <ann@example.org>",
		"Miller, Ann|ann@example.org" },
	{ "escaped quote", "\"A \\\"x\\\" B\" <a@b.c>", "A \"x\" B|a@b.c" },
	{ "two", "a@b.c, d@e.f", "|a@b.c;|d@e.f" },
	{ "empty places", ",a@b.c,, ,d@e.f,", "|a@b.c;|d@e.f" },
	{ "comment as name", "ann@example.org (Ann Miller)",
		"Ann Miller|ann@example.org" },
	{ "nested comment", "Pete(A \\) chap) <pete@x.test>",
		"Pete|pete@x.test" },
	{ "comments inside", "ann(his (inner) account)@example.org(host)",
		"host|ann@example.org" },
	{ "group", "A Group:Ed <joe@where.test>,joe@a.test;",
		"Ed|joe@where.test;|joe@a.test" },
	{ "empty group", "undisclosed-recipients:;", "" },
	{ "group then more", "G: a@b.c; , d@e.f", "|a@b.c;|d@e.f" },
	{ "semicolons", "a@b.c; d@e.f", "|a@b.c;|d@e.f" },
	{ "quoted local part", "\"a b\"@example.org", "|\"a b\"@example.org" },
	{ "needless quotes", "\"ann\"@example.org", "|ann@example.org" },
	{ "obsolete route", "<@one.test,@two.test:mary@example.net>",
		"|mary@example.net" },
	{ "blanks around dots", "Mary <mary . ann @ example . net>",
		"Mary|mary.ann@example.net" },
	{ "domain literal", "a@[192.0.2.1]", "|a@[192.0.2.1]" },
	{ "literal with colons", "a@[IPv6:2001:db8::1], b@c.d",
		"|a@[IPv6:2001:db8::1];|b@c.d" },
	{ "folded", "Ann\r\n Miller\r\n\t<ann@example.org>",
		"Ann Miller|ann@example.org" },
	{ "encoded name", "=?utf-8?Q?J=C3=BCrgen?= <j@x.test>",
		"J\xc3\xbcrgen|j@x.test" },
	{ "encoded name in quotes", "\"=?utf-8?B?SsO8cmdlbg==?=\" <j@x.test>",
		"J\xc3\xbcrgen|j@x.test" },
	{ "encoded comma makes no address",
		"=?utf-8?Q?a=40b.c=2C_Ann?= <j@x.test>",
		"a@b.c, Ann|j@x.test" },
	{ "raw UTF-8", "J\xc3\xbcrgen <j\xc3\xbc@x.test>",
		"J\xc3\xbcrgen|j\xc3\xbc@x.test" },
	{ "raw windows-1252", "J\xfcrgen <j@x.test>",
		"J\xc3\xbcrgen|j@x.test" },
	{ "comma in a bare name", "Miller, Ann <ann@example.org>",
		"Miller, Ann|ann@example.org" },
	{ "name before bare address", "Ann Miller ann@example.org",
		"Ann Miller|ann@example.org" },
	{ "address as name", "ann@example.org <ann@example.org>",
		"ann@example.org|ann@example.org" },
	{ "mailto", "<mailto:ann@example.org>", "|ann@example.org" },
	{ "dot at the end", "ann@example.org.", "|ann@example.org" },
	{ "double brackets", "Ann <<ann@example.org>>", "Ann|ann@example.org" },
	{ "bracket not closed", "Ann <ann@example.org", "Ann|ann@example.org" },
	{ "bracket not closed, then another", "<a@b.c, d@e.f",
		"|a@b.c;|d@e.f" },
	{ "Japanese carrier", "<a..b.@example.ne.jp>", "|a..b.@example.ne.jp" },
	{ "word with a bracket", "=?utf-8?Q?A:)_=28x?= <a@b.c>",
		"A:) (x|a@b.c" },
	{ "word with a raw comma", "=?utf-8?Q?Miller,_Ann?= <a@b.c>",
		"Miller, Ann|a@b.c" },
	{ "word beside the bracket", "=?utf-8?Q?Ann?=<a@b.c>", "Ann|a@b.c" },
	{ "all of it encoded", "=?utf-8?Q?Ann_<a=40b.c>?=", "Ann|a@b.c" },
	{ "the address encoded", "Ann <=?utf-8?Q?a=40b.c?=>", "Ann|a@b.c" },
	{ "the domain encoded", "Ann <a@=?utf-8?Q?b=C3=BC.de?=>",
		"Ann|a@bü.de" },
	{ "address in a comment", "Ann (a@b.c)", "Ann|a@b.c" },
	{ "bracket never opened", "a@b.c>", "|a@b.c" },
	{ "in single quotes", "'a@b.c'", "|a@b.c" },
	{ "Outlook's square brackets", "Ann [mailto:a@b.c]", "Ann|a@b.c" },
	{ "mailto in brackets", "a@b.c <mailto:a@b.c>", "a@b.c|a@b.c" },
	{ "address in the name stays one", "\"a@bank.test\" <x@evil.test>",
		"a@bank.test|x@evil.test" },
	{ "quoted bracket in the name", "\"A <a@bank.test>\" <x@evil.test>",
		"A <a@bank.test>|x@evil.test" },
	{ "encoded bracket in the name",
		"=?utf-8?Q?A_<a=40bank.test>?= <x@evil.test>",
		"A <a@bank.test>|x@evil.test" },
	{ "colon in a name", "Info: Shop <a@b.c>", "Info: Shop|a@b.c" },
	{ "dots in a name", "Dr. A. B. Miller <a@b.c>",
		"Dr. A. B. Miller|a@b.c" },
	{ "Outlook's list", "Miller, Ann <a@b.c>; Smith, Bob <d@e.f>",
		"Miller, Ann|a@b.c;Smith, Bob|d@e.f" },
	{ "nobody", "undisclosed-recipients", "" },
	{ "nobody, with a colon", "Undisclosed recipients:", "" },
	{ "two groups", "A: a@b.c; B: d@e.f;", "|a@b.c;|d@e.f" },
	{ "words only", "Whomever", "!Whomever|Whomever" },
	{ "words in the local part", "<power quadrant@example.com>",
		"!|power quadrant@example.com" },
	{ "no domain", "<ann@>", "!|ann@" },
	{ "null", "<>", "!|" },
	{ "nothing", "  ", "" },
	{ "quote not closed", "\"Ann <ann@example.org>",
		"\"Ann|ann@example.org" },
	{ "quote not closed, later", "Ann \" <ann@example.org>, b@c.d",
		"Ann \"|ann@example.org;|b@c.d" },
};

static void print_list(struct buf *b, struct mail_address *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%s%.*s|%.*s", i ? ";" : "",
			list[i].is_valid ? "" : "!", STR_ARG(list[i].name),
			STR_ARG(list[i].address));
}

TEST(reads_lists)
{
	mail_init();
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		AUTO(buf) struct buf b = BUF_INIT(4096);
		struct mail_address *list;
		size_t n = mail_addresses(a, str_c(rows[i].in), &list);
		print_list(&b, list, n);
		is_str(buf_view(&b), rows[i].out, rows[i].name);
	}
}

TEST(splits_addresses)
{
	AUTO(arena) struct arena *a = arena_new();
	struct mail_address *list;

	mail_init();
	is_int(mail_addresses(a, STR("\"a b\"@x.test"), &list), 1, "one");
	is_str(list[0].local, "a b", "local part without quotes");
	is_str(list[0].domain, "x.test", "domain");
	is_int(mail_addresses(a, STR("<@r.test:c@d.test>"), &list), 1, "one");
	is_str(list[0].local, "c", "local part behind a route");
}

static const struct domain_row {
	const char *domain, *ascii, *unicode;
} domain_rows[] = {
	{ "Example.ORG", "example.org", "example.org" },
	{ "bücher.example", "xn--bcher-kva.example", "bücher.example" },
	{ "BÜCHER.example", "xn--bcher-kva.example", "bücher.example" },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", "bücher.example" },
	{ "XN--BCHER-KVA.example", "xn--bcher-kva.example", "bücher.example" },
	{ "例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト" },
	{ "xn--a", "xn--a", "xn--a" },
	{ "[192.0.2.1]", "[192.0.2.1]", "[192.0.2.1]" },
	{ "", "", "" },
};

TEST(knows_both_forms_of_domains)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(domain_rows); i++) {
		const struct domain_row *r = &domain_rows[i];
		is_str(mail_domain_ascii(a, str_c(r->domain)), r->ascii,
			r->domain);
		is_str(mail_domain_unicode(a, str_c(r->domain)), r->unicode,
			r->domain);
	}
}
