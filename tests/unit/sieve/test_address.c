/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_address.c - addresses in scripts and envelopes. */
#include "../../../src/sieve/address.h"
#include "test.h"

static const struct {
	const char *name, *in, *out; /* NULL: refused */
} rows[] = {
	{ "plain", "ann@example.org", "ann@example.org" },
	{ "with a name", "Ann Example <ann@example.org>", "ann@example.org" },
	{ "with a quoted name", "\"Example, Ann\" <ann@example.org>",
		"ann@example.org" },
	{ "in angles only", "<ann@example.org>", "ann@example.org" },
	{ "with comments", "(hi) ann (x) @ (y) example.org (z)",
		"ann@example.org" },
	{ "quotes that are needed stay", "\"two words\"@example.org",
		"\"two words\"@example.org" },
	{ "quotes that are not needed go", "\"ann\"@example.org",
		"ann@example.org" },
	{ "escapes that are needed stay", "\"a\\\"b\"@example.org",
		"\"a\\\"b\"@example.org" },
	{ "domain literal", "ann@[192.0.2.1]", "ann@[192.0.2.1]" },
	{ "dots at odd places", ".a..b.@example.org", ".a..b.@example.org" },
	{ "blanks around dots", "ann . b @ example . org",
		"ann.b@example.org" },
	{ "nothing", "", NULL },
	{ "blanks", "  ", NULL },
	{ "no at", "ann", NULL },
	{ "no local part", "@example.org", NULL },
	{ "no domain", "ann@", NULL },
	{ "two at", "ann@b@example.org", NULL },
	{ "two words", "ann b@example.org", NULL },
	{ "two words of a domain", "ann@example org", NULL },
	{ "a list", "a@example.org, b@example.org", NULL },
	{ "a group", "friends: a@example.org;", NULL },
	{ "angle not closed", "Ann <ann@example.org", NULL },
	{ "angle closed twice", "<ann@example.org>>", NULL },
	{ "quote not closed", "\"ann@example.org", NULL },
	{ "comment not closed", "ann@example.org (x", NULL },
	{ "domain with two dots", "ann@example..org", NULL },
	{ "domain begins with a dot", "ann@.example.org", NULL },
	{ "line end in quotes", "\"a\r\nb\"@example.org", NULL },
	{ "escape at the end", "\"a\\", NULL },
	{ "UTF-8", "\xc3\xbc@example.org", NULL },
	{ "bytes in quotes", "\"\xff\"@example.org", NULL },
};

TEST(addresses_of_scripts)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str out = STR_NULL;
		const char *why = NULL;
		int rc = sieve_address_read(a, str_c(rows[i].in), &out, &why);

		is_int(rc, rows[i].out ? 0 : -1, rows[i].name);
		is_str(out, rows[i].out ? rows[i].out : "", rows[i].name);
		is_int(why != NULL, rc < 0, rows[i].name);
	}
}

TEST(addresses_of_envelopes)
{
	static const struct {
		const char *name, *in;
		bool is_valid;
		const char *all, *local, *domain;
	} paths[] = {
		{ "plain", "a@b.de", true, "a@b.de", "a", "b.de" },
		{ "null", "", true, "", "", "" },
		{ "local user", "root", true, "root", "root", "" },
		{ "quoted", "\"a b\"@c.de", true, "\"a b\"@c.de", "a b",
			"c.de" },
		{ "at in quotes", "\"a@b\"@c.de", true, "\"a@b\"@c.de", "a@b",
			"c.de" },
		{ "UTF-8", "\xc3\xbc@c.de", true, "\xc3\xbc@c.de", "\xc3\xbc",
			"c.de" },
		{ "route", "@x.de:a@b.de", true, "a@b.de", "a", "b.de" },
		{ "long route", "@x.de,@y.de:a@b.de", true, "a@b.de", "a",
			"b.de" },
		{ "route without at", "x.de:a@b.de", false, NULL, NULL, NULL },
		{ "route with empty hop", "@.x.de:a@b.de", false, NULL, NULL,
			NULL },
		{ "two at", "a@@b.de", false, NULL, NULL, NULL },
		{ "no domain", "a@", false, NULL, NULL, NULL },
		{ "no local part", "@b.de", false, NULL, NULL, NULL },
		{ "blank", "a b.de", false, NULL, NULL, NULL },
		{ "angle", "<a@b.de", false, NULL, NULL, NULL },
	};
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct mail_address m = sieve_address_split(
			a, str_c(paths[i].in));

		is_int(m.is_valid, paths[i].is_valid, paths[i].name);
		if (!paths[i].all)
			continue;
		is_str(m.address, paths[i].all, paths[i].name);
		is_str(m.local, paths[i].local, paths[i].name);
		is_str(m.domain, paths[i].domain, paths[i].name);
	}
}
