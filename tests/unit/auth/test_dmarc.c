/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_dmarc.c - verdicts of DMARC by records and results of SPF and DKIM. */
#include "../../../src/auth/dmarc.h"
#include "zone.h"

#define SIGNATURES_MAX 4

/* "pass a.test fail b.test": results of SPF or DKIM. */
static size_t read_results(
	const char *text, struct str *domains, enum auth_verdict *verdicts)
{
	struct str rest = str_c(text), word;
	size_t n = 0;

	while (rest.len && n < SIGNATURES_MAX && str_cut(&rest, ' ', &word)) {
		must(auth_verdict_read(word, &verdicts[n]) == 0);
		must(str_cut(&rest, ' ', &domains[n]));
		n++;
	}
	return n;
}

struct row {
	const char *name;
	const char *from; /* domains, with blanks between */
	const char *record, *spf, *dkim;
	const char *verdict, *policy, *aligned_by;
};

static size_t read_from(const char *text, struct mail_address *out)
{
	struct str rest = str_c(text), word;
	size_t n = 0;

	while (rest.len && str_cut(&rest, ' ', &word))
		out[n++] = (struct mail_address){ .domain = word,
			.is_valid = word.len > 0 };
	return n;
}

static struct dmarc_result judge(
	struct arena *a, const struct row *r, const struct auth_ask *ask)
{
	struct mail_address from[20] = { 0 };
	struct dkim_signature dkim[SIGNATURES_MAX] = { 0 };
	struct spf_result spf = { 0 };
	struct str domains[SIGNATURES_MAX];
	enum auth_verdict verdicts[SIGNATURES_MAX];
	struct dmarc_result out;
	size_t n;

	n = read_results(r->spf, domains, verdicts);
	if (n) {
		spf.domain = domains[0];
		spf.verdict = verdicts[0];
	}
	n = read_results(r->dkim, domains, verdicts);
	for (size_t i = 0; i < n; i++) {
		dkim[i].domain = domains[i];
		dkim[i].verdict = verdicts[i];
	}
	auth_dmarc(a, from, read_from(r->from, from), *r->spf ? &spf : NULL,
		dkim, n, ask, &out);
	return out;
}

static void check(const struct row *rows, size_t n)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		AUTO(dns_zone) struct dns_zone *z = make_zone(r->record);
		AUTO(map) struct map *asked = map_new();
		struct steps steps = { .zone = z, .asked = asked };
		struct auth_ask all = { dns_zone_lookup, z, 0 };
		struct auth_ask step = { ask_steps, &steps, 0 };
		struct dmarc_result one = judge(a, r, &all), two;

		is_c(auth_verdict_name(one.verdict), r->verdict, r->name);
		if (strcmp(r->verdict, "unknown") == 0)
			continue;
		is_str(one.policy, r->policy, r->name);
		is_str(one.aligned_by, r->aligned_by, r->name);
		do {
			steps.round++;
			two = judge(a, r, &step);
		} while (two.verdict == AUTH_UNKNOWN && steps.round < 10);
		is_int(two.verdict, one.verdict, r->name);
		is_str(two.policy, r->policy, r->name);
		is_true(str_eq(one.problem, two.problem), r->name);
	}
}

#define REC(domain, text) "_dmarc." domain " TXT \"" text "\"\n"

static const struct row records[] = {
	{ "no record", "a.test", "", "pass a.test", "", "none", "", "" },
	{ "p=reject", "a.test", REC("a.test", "v=DMARC1; p=reject"), "", "",
		"fail", "reject", "" },
	{ "values and names in any case", "a.test",
		REC("a.test", "V = DMARC1 ;P= Reject"), "", "", "fail",
		"reject", "" },
	{ "the version is not first", "a.test",
		REC("a.test", "p=reject; v=DMARC1"), "", "", "none", "", "" },
	{ "the version in other letters", "a.test",
		REC("a.test", "v=dmarc1; p=reject"), "", "", "none", "", "" },
	{ "another version", "a.test", REC("a.test", "v=DMARC12; p=reject"), "",
		"", "none", "", "" },
	{ "other records do not matter", "a.test",
		REC("a.test", "v=spf1 -all") REC("a.test", "v=DMARC1; p=none"),
		"", "", "fail", "none", "" },
	{ "two records", "a.test",
		REC("a.test", "v=DMARC1; p=none")
			REC("a.test", "v=DMARC1; p=reject"),
		"pass a.test", "", "none", "", "" },
	{ "two records of the domain, one of the organization", "b.a.test",
		REC("b.a.test", "v=DMARC1; p=none")
			REC("b.a.test", "v=DMARC1; p=reject")
				REC("a.test", "v=DMARC1; p=reject"),
		"", "", "none", "", "" },
	{ "no p, no rua", "a.test", REC("a.test", "v=DMARC1"), "", "", "none",
		"", "" },
	{ "no p, but rua", "a.test",
		REC("a.test", "v=DMARC1\\; rua=mailto:d@a.test"), "", "",
		"fail", "none", "" },
	{ "a bad p and rua that is no URI", "a.test",
		REC("a.test", "v=DMARC1; p=no; rua=d@a.test"), "", "", "none",
		"", "" },
	{ "a bad sp, but rua", "a.test",
		REC("a.test", "v=DMARC1; p=reject; sp=x; rua=mailto:d@a.test"),
		"", "", "fail", "none", "" },
	{ "a bad sp", "a.test", REC("a.test", "v=DMARC1; p=reject; sp=x"), "",
		"", "none", "", "" },
	{ "what is unknown or broken is left out", "a.test",
		REC("a.test", "v=DMARC1; p=quarantine; x=y;; fo=1:d; ri=z; "
			      "pct=101; junk; adkim=q"),
		"", "", "fail", "quarantine", "" },
	{ "pct=0", "a.test", REC("a.test", "v=DMARC1; p=reject; pct=0"), "", "",
		"fail", "quarantine", "" },
	{ "strings are joined", "a.test",
		"_dmarc.a.test TXT \"v=DMARC1; p=quar\" \"antine\"", "", "",
		"fail", "quarantine", "" },
	{ "the DNS fails", "a.test", "_dmarc.a.test FAIL", "pass a.test", "",
		"temperror", "", "" },
	{ "the record of the organization", "x.b.a.test",
		REC("a.test", "v=DMARC1; p=reject; sp=quarantine"), "", "",
		"fail", "quarantine", "" },
	{ "which has no sp", "x.b.a.test", REC("a.test", "v=DMARC1; p=reject"),
		"", "", "fail", "reject", "" },
	{ "sp of one's own record does not count", "b.a.test",
		REC("b.a.test", "v=DMARC1; p=none; sp=reject"), "", "", "fail",
		"none", "" },
	{ "records between do not count", "x.b.a.test",
		REC("b.a.test", "v=DMARC1; p=reject"), "", "", "none", "", "" },
	{ "np of a domain that is not there", "x.a.test",
		REC("a.test", "v=DMARC1; p=none; np=reject"), "", "", "fail",
		"reject", "" },
	{ "np of one that is", "x.a.test",
		REC("a.test", "v=DMARC1; p=none; np=reject") "x.a.test MX 1 "
							     "h.test",
		"", "", "fail", "none", "" },
	{ "a public suffix that says so", "a.co.uk",
		REC("co.uk", "v=DMARC1; p=reject; psd=y"), "", "", "fail",
		"reject", "" },
	{ "one that does not", "a.co.uk", REC("co.uk", "v=DMARC1; p=reject"),
		"", "", "none", "", "" },
	{ "U-labels",
		"b\xc3\xbc"
		"cher.test",
		REC("xn--bcher-kva.test", "v=DMARC1; p=reject"),
		"pass xn--bcher-kva.test", "", "pass", "reject", "spf" },
};

TEST(finds_policies)
{
	check(records, COUNT(records));
}

#define P(more) REC("a.test", "v=DMARC1; p=reject" more)

static const struct row alignments[] = {
	{ "SPF of the domain", "a.test", P(""), "pass a.test", "", "pass",
		"reject", "spf" },
	{ "SPF below it", "a.test", P(""), "pass b.a.test", "", "pass",
		"reject", "spf" },
	{ "SPF above it", "b.a.test", P(""), "pass a.test", "", "pass",
		"reject", "spf" },
	{ "SPF beside it", "b.a.test", P(""), "pass c.a.test", "", "pass",
		"reject", "spf" },
	{ "SPF of another", "a.test", P(""), "pass xa.test", "", "fail",
		"reject", "" },
	{ "SPF that does not pass", "a.test", P(""), "softfail a.test", "",
		"fail", "reject", "" },
	{ "strict SPF", "a.test", P("; aspf=S"), "pass b.a.test", "", "fail",
		"reject", "" },
	{ "strict SPF of the domain", "a.test", P("; aspf=s"), "pass A.test",
		"", "pass", "reject", "spf" },
	{ "strict DKIM", "a.test", P("; adkim=s"), "", "pass b.a.test", "fail",
		"reject", "" },
	{ "aspf is not of DKIM", "a.test", P("; aspf=s"), "", "pass b.a.test",
		"pass", "reject", "dkim" },
	{ "any signature will do", "a.test", P(""), "",
		"fail a.test pass x.test pass mail.a.test", "pass", "reject",
		"dkim" },
	{ "DKIM is named before SPF", "a.test", P(""), "pass a.test",
		"pass a.test", "pass", "reject", "dkim" },
	{ "a public suffix does not sign for all", "a.co.uk",
		REC("a.co.uk", "v=DMARC1; p=reject"), "", "pass co.uk", "fail",
		"reject", "" },
	{ "a failure of an aligned one", "a.test", P(""), "temperror a.test",
		"fail a.test", "temperror", "reject", "" },
	{ "a failure of another", "a.test", P(""), "temperror b.test", "",
		"fail", "reject", "" },
	{ "a failure beside a pass", "a.test", P(""), "temperror a.test",
		"pass a.test", "pass", "reject", "dkim" },
	{ "not known yet", "a.test", P(""), "unknown a.test", "", "unknown", "",
		"" },
	{ "not known, but of another", "a.test", P(""), "unknown b.test",
		"fail a.test", "fail", "reject", "" },
	{ "not known, but it does not matter", "a.test", P(""),
		"unknown a.test", "pass a.test", "pass", "reject", "dkim" },
	{ "not known, and would be named", "a.test", P(""), "pass a.test",
		"unknown a.test", "unknown", "", "" },
};

TEST(compares_domains)
{
	check(alignments, COUNT(alignments));
}

#define Q REC("b.test", "v=DMARC1; p=quarantine")

static const struct row authors[] = {
	{ "no From", "", P(""), "pass a.test", "", "none", "", "" },
	{ "From without a domain", "localhost", P(""), "", "", "none", "", "" },
	{ "an address literal", "[192.0.2.1]", P(""), "", "", "none", "", "" },
	{ "one domain twice", "a.test A.test", P(""), "pass a.test", "", "pass",
		"reject", "spf" },
	{ "one passes and one fails", "a.test b.test", P("") Q, "pass a.test",
		"", "fail", "quarantine", "" },
	{ "the strictest of those that fail", "b.test a.test c.test", P("") Q,
		"", "", "fail", "reject", "" },
	{ "both pass", "a.test b.test", P("") Q, "pass a.test", "pass b.test",
		"pass", "reject", "spf" },
	{ "one passes and one has no record", "a.test c.test", P(""),
		"pass a.test", "", "none", "", "" },
	{ "one passes and one is no domain", "a.test localhost", P(""),
		"pass a.test", "", "none", "", "" },
	{ "too many",
		"a1.test a2.test a3.test a4.test a5.test a6.test a7.test "
		"a8.test a9.test a10.test a11.test",
		"", "", "", "permerror", "", "" },
};

TEST(judges_all_authors)
{
	check(authors, COUNT(authors));
}

TEST(names_domains)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(dns_zone) struct dns_zone *z = make_zone("");
	struct auth_ask ask = { dns_zone_lookup, z, 0 };
	struct row row = { "", "Mail.Example.CO.UK", "", "", "", "", "", "" };
	struct dmarc_result r = judge(a, &row, &ask);

	is_str(r.domain, "mail.example.co.uk", "of From");
	is_str(r.organization, "example.co.uk", "of its organization");
}
