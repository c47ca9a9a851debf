/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_spf.c - check_host() by rows; the public suite is run by tests/corpus.
 */
#include "../../../src/auth/spf.h"
#include "zone.h"

struct row {
	const char *name, *zone;
	enum auth_verdict verdict;
	const char *explanation; /* NULL: not looked at */
	const char *ip, *sender, *helo;
};

static struct spf_result judge(struct arena *a, const struct row *r)
{
	AUTO(dns_zone) struct dns_zone *z = make_zone(r->zone);
	AUTO(map) struct map *asked = map_new();
	struct steps steps = { .zone = z, .asked = asked };
	struct auth_ask all = { dns_zone_lookup, z, 7000 };
	struct auth_ask step = { ask_steps, &steps, 7000 };
	struct spf_in in = { .ip = str_c(r->ip ? r->ip : "192.0.2.1"),
		.sender = str_c(r->sender ? r->sender : "ann@a.test"),
		.helo = str_c(r->helo ? r->helo : "mail.a.test") };
	struct spf_result one, two;

	auth_spf(a, &in, &all, &one);
	do {
		steps.round++;
		steps.n_new = 0;
		auth_spf(a, &in, &step, &two);
		is_true(two.verdict != AUTH_UNKNOWN || steps.n_new, r->name);
	} while (two.verdict == AUTH_UNKNOWN && steps.n_new);
	is_int(two.verdict, one.verdict, r->name);
	is_true(steps.round <= SPF_ROUNDS_MAX, r->name);
	is_true(str_eq(one.explanation, two.explanation), r->name);
	is_true(str_eq(one.mechanism, two.mechanism), r->name);
	is_true(str_eq(one.problem, two.problem), r->name);
	return one;
}

static void check(const struct row *rows, size_t n)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < n; i++) {
		struct spf_result got = judge(a, &rows[i]);
		is_c(auth_verdict_name(got.verdict),
			auth_verdict_name(rows[i].verdict), rows[i].name);
		if (rows[i].explanation)
			is_str(got.explanation, rows[i].explanation,
				rows[i].name);
	}
}

#define A "a.test TXT \"v=spf1 "

static const struct row identity[] = {
	{ "no record", "a.test TXT \"v=spf10 -all\"", AUTH_NONE, "" },
	{ "no domain", "b.test A 192.0.2.1", AUTH_NONE, "" },
	{ "a domain that cannot be looked up", "a.test FAIL", AUTH_TEMPERROR,
		"" },
	{ "one label", "test TXT \"v=spf1 -all\"", AUTH_NONE, "", NULL,
		"ann@test" },
	{ "a sender without a domain", A "-all\"", AUTH_NONE, "", NULL, "ann" },
	{ "the null sender: HELO", "mail.a.test TXT \"v=spf1 -all\"", AUTH_FAIL,
		"", NULL, "" },
	{ "the null sender of an address literal", A "-all\"", AUTH_NONE, "",
		NULL, "", "[192.0.2.1]" },
	{ "the last @ counts", A "-all\"", AUTH_FAIL, "", NULL,
		"\"x@b.test\"@a.test" },
	{ "a client without an address", A "-all\"", AUTH_NONE, "", "unix" },
	{ "a domain in U-labels",
		"xn--bcher-kva.test TXT \"v=spf1 exists:%{d}.a.test -all\"\n"
		"xn--bcher-kva.test.a.test A 127.0.0.2",
		AUTH_PASS, "", NULL,
		"ann@b\xc3\xbc"
		"cher.test" },
	{ "a local part in UTF-8 does not match",
		A "exists:%{l}.a.test ?all\"\n* A 127.0.0.2", AUTH_NEUTRAL, "",
		NULL, "\xc3\xbc@a.test" },
	{ "two records", A "-all\"\n" A "-all\"", AUTH_PERMERROR, "" },
};

TEST(finds_who_is_judged)
{
	check(identity, COUNT(identity));
}

static const struct row syntax[] = {
	{ "no terms", "a.test TXT v=spf1", AUTH_NEUTRAL, "" },
	{ "an unknown mechanism behind a match", A "+all foo\"", AUTH_PERMERROR,
		"" },
	{ "names and qualifiers in any case", "a.test TXT \"V=SPF1 -ALL\"",
		AUTH_FAIL, "" },
	{ "a qualifier before a modifier", A "-redirect=b.test\"",
		AUTH_PERMERROR, "" },
	{ "two qualifiers", A "--all\"", AUTH_PERMERROR, "" },
	{ "ip6 in short", A "ip6:2001:db8::/32 -all\"", AUTH_PASS, "",
		"2001:db8::1" },
	{ "ip6 with a cut in a byte", A "ip6:2001:db8:8000::/33 -all\"",
		AUTH_FAIL, "", "2001:db8:7fff::1" },
	{ "ip6 without a length", A "ip6:2001:db8::1 -all\"", AUTH_PASS, "",
		"2001:DB8:0::1" },
	{ "ip6 with a length too long", A "ip6:2001:db8::/129 -all\"",
		AUTH_PERMERROR, "" },
	{ "ip6 with a zone", A "ip6:fe80::1%eth0 -all\"", AUTH_PERMERROR, "" },
	{ "ip4 in ip6", A "ip6:192.0.2.1 -all\"", AUTH_PERMERROR, "" },
	{ "ip4 with a leading zero", A "ip4:192.0.2.01 -all\"", AUTH_PERMERROR,
		"" },
	{ "ip4 in a network", A "ip4:192.0.0.0/22 -all\"", AUTH_PASS, "" },
	{ "ip4 out of a network", A "ip4:192.0.0.0/23 -all\"", AUTH_FAIL, "" },
	{ "include needs a domain", A "include -all\"", AUTH_PERMERROR, "" },
	{ "exists needs a domain", A "exists -all\"", AUTH_PERMERROR, "" },
	{ "a length of include", A "include:b.test/24 -all\"", AUTH_PERMERROR,
		"" },
	{ "a length of ptr", A "ptr/24 -all\"", AUTH_PERMERROR, "" },
	{ "a tab", A "\\009-all\"", AUTH_PERMERROR, "" },
	{ "a domain ends in a label of letters", A "a:b.1 -all\"",
		AUTH_PERMERROR, "" },
	{ "a domain ends in a macro", A "a:b.%{d}/32//128 -all\"", AUTH_FAIL,
		"" },
	{ "and not behind one", A "a:%{d}b -all\"", AUTH_PERMERROR, "" },
	{ "a name of several kinds", A "x-Y_z.9=%{d} -all\"", AUTH_FAIL, "" },
	{ "an unknown modifier has macros", A "x=%{q} -all\"", AUTH_PERMERROR,
		"" },
	{ "no parts are kept", A "exists:%{d0} -all\"", AUTH_PERMERROR, "" },
	{ "a macro without an end", A "exists:%{d -all\"", AUTH_PERMERROR, "" },
	{ "a percent sign alone", A "exists:%.a.test -all\"", AUTH_PERMERROR,
		"" },
	{ "a letter for explanations only", A "exists:%{c}.a.test -all\"",
		AUTH_PERMERROR, "" },
};

TEST(reads_records_strictly)
{
	check(syntax, COUNT(syntax));
}

#define B "\nb.test TXT \"v=spf1 "

static const struct row mechanisms[] = {
	{ "a of IPv6 asks for AAAA",
		A "a -all\"\na.test A 192.0.2.1\na.test AAAA 2001:db8::1",
		AUTH_PASS, "", "2001:db8::1" },
	{ "exists asks for A, whatever the client is",
		A "exists:b.test -all\"\nb.test A 127.0.0.2", AUTH_PASS, "",
		"2001:db8::1" },
	{ "a failure of exists", A "exists:b.test -all\"\nb.test FAIL",
		AUTH_TEMPERROR, "" },
	{ "a failure behind a match", A "ip4:192.0.2.1 a:b.test\"\nb.test FAIL",
		AUTH_PASS, "" },
	{ "a CNAME is followed",
		A "a:c.test -all\"\nc.test CNAME d.test\nd.test A 192.0.2.1",
		AUTH_PASS, "" },
	{ "include: pass is a match", A "-include:b.test ?all\"" B "+all\"",
		AUTH_FAIL, "" },
	{ "include: fail is none", A "include:b.test ?all\"" B "-all\"",
		AUTH_NEUTRAL, "" },
	{ "include: softfail is none", A "include:b.test ~all\"" B "~all\"",
		AUTH_SOFTFAIL, "" },
	{ "include: no record", A "include:b.test ?all\"", AUTH_PERMERROR, "" },
	{ "include: temperror", A "include:b.test ?all\"\nb.test FAIL",
		AUTH_TEMPERROR, "" },
	{ "include: permerror", A "include:b.test ?all\"" B "x\"",
		AUTH_PERMERROR, "" },
	{ "include: %{d} is the other's",
		A "include:b.test -all\"" B
		  "exists:%{d}.c.test\"\nb.test.c.test A 127.0.0.2",
		AUTH_PASS, "" },
	{ "and its own again behind it",
		A "include:b.test exists:%{d}.c.test -all\"" B
		  "-all\"\na.test.c.test A 127.0.0.2",
		AUTH_PASS, "" },
	{ "redirect", A "redirect=b.test\"" B "~all\"", AUTH_SOFTFAIL, "" },
	{ "redirect is the last, wherever it stands",
		A "redirect=b.test ip4:192.0.2.1\"" B "-all\"", AUTH_PASS, "" },
	{ "redirect beside all", A "redirect=b.test ?all\"" B "-all\"",
		AUTH_NEUTRAL, "" },
	{ "redirect to nothing", A "redirect=b.test\"", AUTH_PERMERROR, "" },
	{ "redirect in an include",
		A "include:b.test -all\"" B
		  "redirect=c.test\"\nc.test TXT \"v=spf1 +all\"",
		AUTH_PASS, "" },
	{ "mx in the order of their ranks",
		A "mx -all\"\na.test MX 20 bad.test\na.test MX 10 good.test\n"
		  "bad.test FAIL\ngood.test A 192.0.2.1",
		AUTH_PASS, "" },
	{ "a failing mx before",
		A "mx -all\"\na.test MX 10 bad.test\na.test MX 20 good.test\n"
		  "bad.test FAIL\ngood.test A 192.0.2.1",
		AUTH_TEMPERROR, "" },
	{ "no mail, please", A "mx -all\"\na.test MX 0 .", AUTH_FAIL, "" },
};

TEST(walks_mechanisms)
{
	check(mechanisms, COUNT(mechanisms));
}

#define PTR_OF "1.2.0.192.in-addr.arpa PTR "

static const struct row names[] = {
	{ "ptr of the domain",
		A "ptr -all\"\n" PTR_OF "a.test\na.test A "
		  "192.0.2.1",
		AUTH_PASS, "" },
	{ "ptr below the domain",
		A "ptr -all\"\n" PTR_OF "h.A.test\nh.a.test A 192.0.2.1",
		AUTH_PASS, "" },
	{ "ptr beside the domain",
		A "ptr -all\"\n" PTR_OF "ha.test\nha.test A 192.0.2.1",
		AUTH_FAIL, "" },
	{ "ptr that the domain does not confirm",
		A "ptr -all\"\n" PTR_OF "h.a.test\nh.a.test A 192.0.2.2",
		AUTH_FAIL, "" },
	{ "ptr with a failure", A "ptr ?all\"\n1.2.0.192.in-addr.arpa FAIL",
		AUTH_NEUTRAL, "" },
	{ "ptr with a name that fails",
		A "ptr -all\"\n" PTR_OF "x.test\n" PTR_OF
		  "h.a.test\nx.test FAIL\nh.a.test A 192.0.2.1",
		AUTH_PASS, "" },
	{ "ptr of IPv6",
		A "ptr:b.test -all\"\n"
		  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1."
		  "0.0.2.ip6.arpa PTR h.b.test\nh.b.test AAAA 2001:db8::1",
		AUTH_PASS, "", "2001:db8::1" },
	{ "%{p} is the domain's own name",
		A "exists:%{p}.x.test -all\"\n" PTR_OF "c.test\n" PTR_OF
		  "h.a.test\n" PTR_OF "a.test\nc.test A 192.0.2.1\nh.a.test A "
		  "192.0.2.1\na.test A 192.0.2.1\na.test.x.test A 127.0.0.2",
		AUTH_PASS, "" },
	{ "%{p} is one below it",
		A "exists:%{p}.x.test -all\"\n" PTR_OF "c.test\n" PTR_OF
		  "h.a.test\nc.test A 192.0.2.1\nh.a.test A "
		  "192.0.2.1\nh.a.test.x.test A 127.0.0.2",
		AUTH_PASS, "" },
	{ "%{p} is unknown",
		A "exists:%{p}.x.test -all\"\nunknown.x.test A 127.0.0.2",
		AUTH_PASS, "" },
	{ "ten names of a client are looked at",
		A "ptr -all\"\n" PTR_OF "n1.test\n" PTR_OF "n2.test\n" PTR_OF
		  "n3.test\n" PTR_OF "n4.test\n" PTR_OF "n5.test\n" PTR_OF
		  "n6.test\n" PTR_OF "n7.test\n" PTR_OF "n8.test\n" PTR_OF
		  "n9.test\n" PTR_OF "n10.test\n" PTR_OF "a.test\na.test A "
		  "192.0.2.1",
		AUTH_FAIL, "" },
};

TEST(believes_names_that_are_confirmed)
{
	check(names, COUNT(names));
}

#define EXP "a.test TXT \"v=spf1 -all exp=e.test\"\ne.test TXT "

#define LONG "l23456789012345678901234567890123456789012345678901234567"

static const struct row macros[] = {
	{ "sender", EXP "\"%{s} %{l} %{o} %{d} %{h}\"", AUTH_FAIL,
		"ann@a.test ann a.test a.test mail.a.test" },
	{ "an IPv4 client", EXP "\"%{i} %{c} %{v}\"", AUTH_FAIL,
		"192.0.2.1 192.0.2.1 in-addr" },
	{ "an IPv6 client", EXP "\"%{i} %{c} %{v}\"", AUTH_FAIL,
		"2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b."
		"0.1 2001:db8::cb01 ip6",
		"2001:db8::cb01" },
	{ "what only explanations know", EXP "\"%{r} %{t}\"", AUTH_FAIL,
		"unknown 7" },
	{ "escapes", EXP "\"100%%%_x%-y\"", AUTH_FAIL, "100% x%20y" },
	{ "parts from the right", EXP "\"%{h2} %{h1} %{h9}\"", AUTH_FAIL,
		"a.test test mail.a.test" },
	{ "reversed, then from the right", EXP "\"%{hr} %{h2r} %{h1R}\"",
		AUTH_FAIL, "test.a.mail a.mail mail" },
	{ "other delimiters", EXP "\"%{l-} %{l1r-} %{lr-+}\"", AUTH_FAIL,
		"a.b+c a c.b.a", NULL, "a-b+c@a.test" },
	{ "delimiters that are not there", EXP "\"%{l+}\"", AUTH_FAIL, "a-b",
		NULL, "a-b@a.test" },
	{ "escaped as in an URL", EXP "\"%{S} %{L}\"", AUTH_FAIL,
		"a%20b~%2Fc%40a.test a%20b~%2Fc", NULL, "a b~/c@a.test" },
	{ "no local part", EXP "\"%{s}\"", AUTH_FAIL, "postmaster@a.test", NULL,
		"@a.test" },
	{ "strings are joined", EXP "\"one\" \" two\"", AUTH_FAIL, "one two" },
	{ "a bad explanation is left out", EXP "\"%{z}\"", AUTH_FAIL, "" },
	{ "one in other letters, too", EXP "\"\\195\\188\"", AUTH_FAIL, "" },
	{ "only with fail",
		"a.test TXT \"v=spf1 ~all exp=e.test\"\n"
		"e.test TXT x",
		AUTH_SOFTFAIL, "" },
	{ "names of the client",
		EXP "\"%{p}\"\n" PTR_OF "x.test\nx.test A "
		    "192.0.2.1",
		AUTH_FAIL, "x.test" },
	{ "a name too long loses labels on the left",
		A "exists:%{l}.%{l}.%{l}.%{l}.%{d} -all\"\n"
		  "y." LONG ".x.y." LONG ".x.y." LONG ".x.y." LONG
		  ".a.test A 127.0.0.2",
		AUTH_PASS, "", NULL, "x.y." LONG "@a.test" },
	{ "an empty label does not match", A "a:b..test -all\"", AUTH_FAIL,
		"" },
};

TEST(expands_macros)
{
	check(macros, COUNT(macros));
}

static const struct row limits[] = {
	{ "ten terms", A "a a a a a a a a a a -all\"\na.test A 192.0.2.9",
		AUTH_FAIL, "" },
	{ "eleven terms", A "a a a a a a a a a a a -all\"\na.test A 192.0.2.9",
		AUTH_PERMERROR, "" },
	{ "eleven terms, but a match before",
		A "a a a a a a a a a ip4:192.0.2.1 a a a\"\na.test A 192.0.2.9",
		AUTH_PASS, "" },
	{ "an include of itself", A "include:a.test -all\"", AUTH_PERMERROR,
		"" },
	{ "a redirect counts",
		A "a a a a a a a a a a redirect=b.test\"\na.test A "
		  "192.0.2.9" B "-all\"",
		AUTH_PERMERROR, "" },
	{ "exp does not",
		A "a a a a a a a a a a exp=e.test -all\"\na.test A "
		  "192.0.2.9\ne.test TXT x",
		AUTH_FAIL, "x" },
	{ "%{p} does",
		A "a a a a a a a a a exists:%{p}.x.test -all\"\na.test A "
		  "192.0.2.9",
		AUTH_PERMERROR, "" },
	{ "two lookups find nothing", A "a:x.test mx:y.test -all\"", AUTH_FAIL,
		"" },
	{ "three do", A "a:x.test mx:y.test exists:z.test -all\"",
		AUTH_PERMERROR, "" },
	{ "also within others",
		A "include:b.test a -all\"" B "a:x.test a:y.test -all\"",
		AUTH_PERMERROR, "" },
	{ "ten hosts without the other kind of address",
		A "mx -all\"\na.test MX 1 h1.test\na.test MX 1 h2.test\n"
		  "a.test MX 1 h3.test\nh1.test A 192.0.2.7\n"
		  "h2.test A 192.0.2.7\nh3.test A 192.0.2.7",
		AUTH_FAIL, "", "2001:db8::1" },
	{ "three hosts that are not there",
		A "mx -all\"\na.test MX 1 h1.test\na.test MX 1 h2.test\n"
		  "a.test MX 1 h3.test",
		AUTH_PERMERROR, "" },
	{ "a client without names", A "ptr a:x.test -all\"", AUTH_FAIL, "" },
};

TEST(keeps_limits)
{
	check(limits, COUNT(limits));
}

TEST(tells_what_matched)
{
	AUTO(arena) struct arena *a = arena_new();
	struct row match = { "match",
		A "a:x.test redirect=b.test\"" B
		  "-exists:%{o}.x.test\"\na.test.x.test A 127.0.0.2",
		AUTH_FAIL };
	struct row problem = { "problem", A "all foo\"", AUTH_PERMERROR };
	struct spf_result got = judge(a, &match);

	is_str(got.mechanism, "exists:%{o}.x.test", "as it is written");
	is_str(got.domain, "a.test", "whom it is about");
	is_str(got.problem, "", "no problem");
	got = judge(a, &problem);
	is_str(got.problem, "in the SPF record of a.test: \"foo\" is no term",
		"why not");
	is_str(got.mechanism, "", "nothing matched");
}

/* Answers are asked for together where nothing hangs on another. */
TEST(asks_at_once)
{
	AUTO(dns_zone) struct dns_zone *z = make_zone(
		A "a:x.test mx include:b.test exists:y.test -all\"\n"
		  "a.test MX 1 h1.test\na.test MX 2 h2.test" B "a:z.test\"");
	AUTO(map) struct map *asked = map_new();
	AUTO(arena) struct arena *a = arena_new();
	struct steps steps = { .zone = z, .asked = asked, .round = 1 };
	struct auth_ask step = { ask_steps, &steps, 0 };
	struct spf_in in = { STR("192.0.2.1"), STR("h"), STR("a@a.test"),
		STR("") };
	struct spf_result got;

	auth_spf(a, &in, &step, &got);
	is_int(steps.n_new, 1, "the record");
	steps = (struct steps){ .zone = z, .asked = asked, .round = 2 };
	auth_spf(a, &in, &step, &got);
	is_int(steps.n_new, 4, "all of its terms");
	steps = (struct steps){ .zone = z, .asked = asked, .round = 3 };
	auth_spf(a, &in, &step, &got);
	is_int(steps.n_new, 3, "two hosts, and what is within the include");
	steps = (struct steps){ .zone = z, .asked = asked, .round = 4 };
	auth_spf(a, &in, &step, &got);
	is_c(auth_verdict_name(got.verdict), "permerror", "five void lookups");
}
