/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dmarc.c - does the domain in From stand behind a mail (RFC 7489)?
 *
 * Each domain in From is judged by itself: its record is looked for (its own,
 * that of its organization, and that of the public suffix above if it says
 * psd=y, RFC 9091), then whether DKIM or SPF passed with a domain aligned with
 * it. With several domains the worst verdict stands (6.6.1), so that none of
 * them hides behind another: fail with the strictest policy first, pass last.
 *
 * Where an error of the DNS keeps an aligned domain from passing, the verdict
 * is temperror, and so it is when the record cannot be had. The policy is what
 * the record asks for; pct= has no effect but for pct=0, with which the next
 * milder one is asked for (6.6.4).
 */
#include <mailmill/auth.h>

#include <mailmill/utf8.h>

#include "dmarc.h"
#include "domain.h"

struct judge {
	struct arena *arena;
	const struct spf_result *spf;
	const struct dkim_signature *dkim;
	size_t n_dkim;
	const struct auth_ask *ask;
};

/* A record and how it came to be the one of a domain. */
struct found {
	struct dmarc_record record;
	bool is_above; /* of the organization or the public suffix */
};

static const char *const policy_names[] = {
	[DMARC_NOT_SAID] = "",
	[DMARC_POLICY_NONE] = "none",
	[DMARC_QUARANTINE] = "quarantine",
	[DMARC_REJECT] = "reject",
};

/* ---- records ---- */

enum search {
	ABSENT,
	FOUND,
	MISSING,
	FAILED
};

/*
 * Looks for the record of a domain. Returns: FOUND with *text; ABSENT, with
 * *n records found, none or several.
 */
static enum search ask_record(
	struct judge *j, struct str domain, struct str *text, size_t *n)
{
	struct dns_answer answer = { 0 };
	struct str name = dns_name(j->arena,
		str_c(arena_printf(j->arena, "_dmarc.%.*s", STR_ARG(domain))));

	*n = 0;
	if (!name.p)
		return ABSENT;
	if (j->ask->lookup(j->ask->ctx, DNS_TXT, name, &answer) < 0)
		return MISSING;
	if (answer.status == DNS_FAILED)
		return FAILED;
	for (size_t i = 0; i < answer.n_records; i++) {
		if (!dmarc_is_record(answer.records[i]))
			continue;
		*text = answer.records[i];
		++*n;
	}
	return *n == 1 ? FOUND : ABSENT;
}

/* Looks at the domain, then at its organization (RFC 7489 6.6.3). */
static enum search find_record(
	struct judge *j, struct dmarc_result *r, struct found *out)
{
	struct str own = STR_NULL, above = STR_NULL, suffix;
	size_t n_own, n_above = 0, n;
	enum search how = ask_record(j, r->domain, &own, &n_own), org = ABSENT;
	bool is_org = str_eq(r->domain, r->organization);

	/* asked for in any case when the first is missing: one call less */
	if (!is_org && (how == MISSING || (how == ABSENT && !n_own)))
		org = ask_record(j, r->organization, &above, &n_above);
	if (how == ABSENT && !n_own)
		how = org;
	if (how == ABSENT && n_own + n_above > 1)
		r->problem = str_c(arena_printf(j->arena,
			"there are %zu DMARC records", n_own + n_above));
	out->is_above = !own.p;
	if (how == FOUND &&
		!dmarc_record_read(own.p ? own : above, &out->record)) {
		r->problem = STR("the DMARC record has no valid policy");
		return ABSENT;
	}
	suffix = domain_parent(r->organization);
	if (how != ABSENT || n_own + n_above > 0 || !suffix.p)
		return how;
	how = ask_record(j, suffix, &above, &n);
	if (how == FOUND &&
		!(dmarc_record_read(above, &out->record) && out->record.is_psd))
		return ABSENT;
	return how == FAILED ? ABSENT : how;
}

/* Tells whether a domain has neither address nor MX (RFC 9091 2.7). */
static enum search find_domain(struct judge *j, struct str domain)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX };
	enum search how = ABSENT;

	for (size_t i = 0; i < COUNT(types); i++) {
		struct dns_answer answer = { 0 };
		if (j->ask->lookup(j->ask->ctx, types[i], domain, &answer) < 0)
			how = how == FOUND ? FOUND : MISSING;
		else if (answer.status == DNS_FOUND ||
			 answer.status == DNS_FAILED)
			how = FOUND;
	}
	return how;
}

static enum dmarc_policy milder(enum dmarc_policy p)
{
	return p > DMARC_POLICY_NONE ? p - 1 : p;
}

/* Tells the policy that a record asks for. Returns: 0, or -1: not known yet. */
static int find_policy(struct judge *j, struct str domain,
	const struct found *f, enum dmarc_policy *out)
{
	const struct dmarc_record *d = &f->record;
	enum dmarc_policy p = d->p;

	if (f->is_above && d->sp != DMARC_NOT_SAID)
		p = d->sp;
	if (f->is_above && d->np != DMARC_NOT_SAID && d->np != p) {
		enum search how = find_domain(j, domain);
		if (how == MISSING)
			return -1;
		p = how == ABSENT ? d->np : p;
	}
	*out = d->is_pct_zero ? milder(p) : p;
	return 0;
}

/* ---- alignment (RFC 7489 3.1) ---- */

static bool is_aligned(struct judge *j, const struct dmarc_result *r,
	struct str domain, bool is_strict)
{
	struct str name = domain_read(j->arena, domain);

	if (!name.p)
		return false;
	return is_strict ? str_eq(name, r->domain)
			 : str_eq(auth_organization(j->arena, name),
				   r->organization);
}

/* Which verdicts there are of those whose domain is aligned. */
struct tally {
	bool passes, fails_for_now, is_unknown;
};

static void count_verdict(struct tally *t, enum auth_verdict v)
{
	t->passes |= v == AUTH_PASS;
	t->fails_for_now |= v == AUTH_TEMPERROR;
	t->is_unknown |= v == AUTH_UNKNOWN;
}

static struct tally tally_dkim(
	struct judge *j, const struct dmarc_result *r, bool is_strict)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < j->n_dkim; i++)
		if (is_aligned(j, r, j->dkim[i].domain, is_strict))
			count_verdict(&t, j->dkim[i].verdict);
	return t;
}

static struct tally tally_spf(
	struct judge *j, const struct dmarc_result *r, bool is_strict)
{
	struct tally t = { 0 };

	if (j->spf && is_aligned(j, r, j->spf->domain, is_strict))
		count_verdict(&t, j->spf->verdict);
	return t;
}

/* Judges by the record: DKIM is named where both pass. */
static enum auth_verdict judge_alignment(
	struct judge *j, struct dmarc_result *r, const struct dmarc_record *d)
{
	struct tally dkim = tally_dkim(j, r, d->is_strict_dkim);
	struct tally spf = tally_spf(j, r, d->is_strict_spf);

	if (dkim.passes) {
		r->aligned_by = STR("dkim");
		return AUTH_PASS;
	}
	if (dkim.is_unknown || (spf.is_unknown && !spf.passes))
		return AUTH_UNKNOWN;
	if (spf.passes) {
		r->aligned_by = STR("spf");
		return AUTH_PASS;
	}
	if (dkim.fails_for_now || spf.fails_for_now) {
		r->problem = STR("SPF or DKIM could not be checked");
		return AUTH_TEMPERROR;
	}
	return AUTH_FAIL;
}

static struct dmarc_result empty_result(void)
{
	return (struct dmarc_result){ .domain = STR(""),
		.organization = STR(""),
		.policy = STR(""),
		.aligned_by = STR(""),
		.problem = STR("") };
}

static void judge_domain(
	struct judge *j, struct str domain, struct dmarc_result *r)
{
	struct found f = { 0 };
	enum dmarc_policy policy = DMARC_NOT_SAID;

	*r = empty_result();
	r->domain = domain;
	r->organization = auth_organization(j->arena, domain);
	switch (find_record(j, r, &f)) {
	case ABSENT:
		r->verdict = AUTH_NONE;
		return;
	case FAILED:
		r->verdict = AUTH_TEMPERROR;
		r->problem = STR("the DMARC record could not be looked up");
		return;
	case MISSING:
		r->verdict = AUTH_UNKNOWN;
		return;
	case FOUND:
		break;
	}
	r->verdict = judge_alignment(j, r, &f.record);
	if (find_policy(j, domain, &f, &policy) < 0)
		r->verdict = AUTH_UNKNOWN;
	r->policy = str_c(policy_names[policy]);
}

/* ---- the domains in From ---- */

/* Orders results: the greater one stands for the mail. */
static int rank_result(const struct dmarc_result *r)
{
	static const int ranks[] = {
		[AUTH_PASS] = 0,
		[AUTH_NONE] = 1,
		[AUTH_PERMERROR] = 2,
		[AUTH_TEMPERROR] = 3,
		[AUTH_FAIL] = 4,
		[AUTH_UNKNOWN] = 10,
	};
	int rank = ranks[r->verdict];

	for (size_t i = 0; r->verdict == AUTH_FAIL && i < COUNT(policy_names);
		i++)
		if (str_eq(r->policy, str_c(policy_names[i])))
			rank += (int)i;
	return rank;
}

static bool is_listed(const struct str *list, size_t n, struct str s)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], s))
			return true;
	return false;
}

/*
 * Lists the domains, each once. Returns: their number, more than
 * DMARC_AUTHORS_MAX when there are too many.
 */
static size_t list_domains(struct arena *a, const struct mail_address *from,
	size_t n_from, struct str out[DMARC_AUTHORS_MAX], bool *has_bad)
{
	size_t n = 0;

	*has_bad = false;
	for (size_t i = 0; i < n_from; i++) {
		struct str domain = domain_read(a, from[i].domain);
		if (!domain.p) {
			*has_bad = true;
			continue;
		}
		if (is_listed(out, n, domain))
			continue;
		if (n == DMARC_AUTHORS_MAX)
			return n + 1;
		out[n++] = domain;
	}
	return n;
}

/* Takes a verdict back: none, where no identifier could be found (11.2). */
static void refuse(
	struct dmarc_result *out, enum auth_verdict verdict, const char *why)
{
	struct dmarc_result r = empty_result();

	r.verdict = verdict;
	r.domain = out->domain;
	r.organization = out->organization;
	r.problem = str_c(why);
	*out = r;
}

void auth_dmarc(struct arena *a, const struct mail_address *from, size_t n_from,
	const struct spf_result *spf, const struct dkim_signature *dkim,
	size_t n_dkim, const struct auth_ask *ask, struct dmarc_result *out)
{
	struct judge j = { a, spf, dkim, n_dkim, ask };
	struct str domains[DMARC_AUTHORS_MAX];
	struct dmarc_result r;
	bool has_bad;
	size_t n = list_domains(a, from, n_from, domains, &has_bad);

	*out = empty_result();
	if (n > DMARC_AUTHORS_MAX) {
		refuse(out, AUTH_PERMERROR, "From has too many domains");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		judge_domain(&j, domains[i], &r);
		if (i == 0 || rank_result(&r) > rank_result(out))
			*out = r;
	}
	if (n == 0)
		refuse(out, AUTH_NONE,
			n_from ? "From has no domain that mail could "
				 "come from"
			       : "there is no From");
	else if (has_bad && out->verdict == AUTH_PASS)
		refuse(out, AUTH_NONE, "an address in From has no domain");
}
