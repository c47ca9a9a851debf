/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spf.c - check_host() of RFC 7208.
 *
 * A record is read as a whole first, so that an error of syntax anywhere in it
 * is a permerror before anything is asked. Then its terms are walked in order.
 * Where an answer is missing the walk goes on, only to ask for what the terms
 * behind it may need: the verdict is AUTH_UNKNOWN by then. So a term comes out
 * as one of
 *
 *     NO       the next term is looked at
 *     MATCH    its qualifier is the verdict
 *     MISSING  its answer is not there yet
 *     TEMP, PERM  an error, which is the verdict
 *
 * What is asked stays within the limits of section 4.6.4, since going on counts
 * terms as evaluating does. Behind a record that is missing (include), whose
 * terms cannot be counted yet, only first questions are asked, not those for
 * the hosts of an mx or ptr. A mail takes SPF_ROUNDS_MAX calls at most: one for
 * the first record, one for each record within another, and a few for hosts,
 * %{p} and the explanation.
 *
 * Where the RFC leaves room:
 * - a lookup is void when the name or the type is not there; of the hosts of an
 *   mx only those count that are not there at all: one without an address of
 *   the client's family is no sign of neglect. The client's own names (ptr) do
 *   not count, since the domain's owner cannot help them.
 * - %{p} counts as a term that asks, the first time.
 * - a target that is no name (empty or long labels) does not match; that of
 *   include and redirect has no record.
 * - more than ten hosts of an mx are a permerror, wherever a match stands.
 * - a local part in UTF-8 never matches (RFC 8616 section 4).
 */
#include <mailmill/utf8.h>

#include "domain.h"
#include "spf.h"

#define SHOWN_MAX 100 /* bytes of a record in a problem */

enum outcome {
	NO,
	MATCH,
	MISSING,
	TEMP,
	PERM
};

/* What has been found out about the names of the client. */
enum names_state {
	NAMES_NEW,
	NAMES_MISSING,
	NAMES_KNOWN
};

struct check {
	struct arena *arena;
	const struct auth_ask *ask;
	struct spf_values values;
	unsigned n_terms, n_voids;
	bool is_ahead; /* behind a record that is missing */
	bool has_counted_names;
	bool has_names;
	struct str names[SPF_HOSTS_MAX]; /* validated ones of the client */
	size_t n_names;
	struct str problem;
};

/* How a record ended. */
struct ending {
	struct str mechanism, exp;
	struct str domain; /* whose record that was, for exp */
};

static enum auth_verdict check_host(
	struct check *c, struct str domain, struct ending *e);

PRINTF(3, 4)
static enum outcome end(struct check *c, enum outcome how, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	c->problem = utf8_mend(
		c->arena, str_c(arena_vprintf(c->arena, fmt, ap)));
	va_end(ap);
	return how;
}

/* ---- asking ---- */

/* Returns: MATCH with *out, or MISSING. */
static enum outcome ask(struct check *c, enum dns_type type, struct str name,
	struct dns_answer *out)
{
	*out = (struct dns_answer){ 0 };
	if (c->ask->lookup(c->ask->ctx, type, name, out) < 0)
		return MISSING;
	return MATCH;
}

static enum outcome count_term(struct check *c)
{
	if (++c->n_terms <= SPF_TERMS_MAX)
		return MATCH;
	return end(c, PERM, "more than %d terms ask the DNS", SPF_TERMS_MAX);
}

static enum outcome count_void(struct check *c, struct str name)
{
	if (++c->n_voids <= SPF_VOIDS_MAX)
		return NO;
	return end(c, PERM,
		"more than %d lookups find nothing, the last for "
		"%.*s",
		SPF_VOIDS_MAX, STR_ARG(name));
}

/* Asks for what a term is about. Returns: MATCH when there are records. */
static enum outcome ask_term(struct check *c, enum dns_type type,
	struct str name, struct dns_answer *out)
{
	enum outcome how = ask(c, type, name, out);

	if (how != MATCH)
		return how;
	if (out->status == DNS_FAILED)
		return end(c, TEMP, "the lookup of %s for %.*s failed",
			dns_type_name(type), STR_ARG(name));
	return out->status == DNS_FOUND ? MATCH : count_void(c, name);
}

static enum dns_type address_type(const struct check *c)
{
	return c->values.ip.is_v6 ? DNS_AAAA : DNS_A;
}

static bool is_in(const struct check *c, const struct dns_answer *answer,
	unsigned bits4, unsigned bits6)
{
	unsigned bits = c->values.ip.is_v6 ? bits6 : bits4;
	struct spf_ip ip;

	for (size_t i = 0; i < answer->n_records; i++)
		if (spf_ip_read(answer->records[i], &ip) == 0 &&
			spf_ip_match(&ip, &c->values.ip, bits))
			return true;
	return false;
}

/* ---- the names of the client (RFC 7208 5.5) ---- */

static void check_name(struct check *c, struct str name, bool *is_missing)
{
	struct str host = dns_name(c->arena, name);
	struct dns_answer answer;

	if (!host.p)
		return;
	if (ask(c, address_type(c), host, &answer) != MATCH)
		*is_missing = true;
	else if (answer.status == DNS_FOUND && is_in(c, &answer, 32, 128))
		c->names[c->n_names++] = host;
}

static struct str print_client(struct check *c)
{
	return spf_macro_expand(c->arena, STR("%{c}"), &c->values);
}

/* Finds them. Returns: MATCH, MISSING, or NO: there is none. */
static enum outcome find_names(struct check *c, bool *is_void)
{
	struct str name = dns_reverse_name(c->arena, print_client(c));
	struct dns_answer answer;
	bool is_missing = false;

	*is_void = false;
	if (c->has_names)
		return c->n_names ? MATCH : NO;
	if (ask(c, DNS_PTR, name, &answer) != MATCH)
		return MISSING;
	*is_void = answer.status == DNS_NO_DATA || answer.status == DNS_NO_NAME;
	c->n_names = 0;
	if (answer.status == DNS_FOUND && c->is_ahead)
		return MISSING;
	for (size_t i = 0; i < MIN(answer.n_records, SPF_HOSTS_MAX); i++)
		check_name(c, answer.records[i], &is_missing);
	if (is_missing)
		return MISSING;
	c->has_names = true;
	return c->n_names ? MATCH : NO;
}

/* The one that %{p} stands for: the domain's, else one below it, else any. */
static struct str pick_name(const struct check *c, struct str domain)
{
	for (size_t i = 0; i < c->n_names; i++)
		if (str_eq_case(c->names[i], domain))
			return c->names[i];
	for (size_t i = 0; i < c->n_names; i++)
		if (domain_is_below(c->names[i], domain))
			return c->names[i];
	return c->n_names ? c->names[0] : STR("unknown");
}

/* Finds the value of %{p} when `s` has it. Returns: MATCH, MISSING, PERM. */
static enum outcome find_validated(struct check *c, struct str s)
{
	bool is_void;

	if (!spf_macro_asks(s))
		return MATCH;
	if (!c->has_counted_names) {
		c->has_counted_names = true;
		if (count_term(c) != MATCH)
			return PERM;
	}
	if (find_names(c, &is_void) == MISSING)
		return MISSING;
	c->values.validated = pick_name(
		c, dns_name(c->arena, c->values.domain));
	return MATCH;
}

/* ---- targets ---- */

/* Cuts labels off the left until it is short enough (RFC 7208 7.3). */
static struct str cut_left(struct str name)
{
	while (name.len > DNS_NAME_MAX)
		name = domain_parent(name);
	return name;
}

/*
 * Makes the name that a term is about. Returns: MATCH, MISSING, PERM, or NO:
 * it is no name.
 */
static enum outcome find_target(
	struct check *c, struct str spec, struct str *written, struct str *out)
{
	enum outcome how;

	*out = STR_NULL;
	*written = c->values.domain;
	if (spec.p) {
		how = find_validated(c, spec);
		if (how != MATCH)
			return how;
		*written = spf_macro_expand(c->arena, spec, &c->values);
		if (str_ends(*written, STR(".")))
			written->len--;
		*written = cut_left(*written);
	}
	*out = dns_name(c->arena, *written);
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->p[i] >= 0x80)
			return NO;
	return out->p ? MATCH : NO;
}

/* ---- mechanisms ---- */

static enum outcome match_a(
	struct check *c, const struct spf_term *t, struct str name)
{
	struct dns_answer answer;
	enum outcome how = ask_term(c, address_type(c), name, &answer);

	if (how != MATCH)
		return how;
	return is_in(c, &answer, t->bits4, t->bits6) ? MATCH : NO;
}

struct host {
	uint64_t rank;
	struct str name;
};

/* Reads "10 host.example". Returns: false for a null MX (RFC 7505). */
static bool read_host(struct arena *a, struct str record, struct host *out)
{
	struct str rank;

	if (!str_cut(&record, ' ', &rank) ||
		str_to_u64(rank, UINT16_MAX, &out->rank) < 0)
		return false;
	out->name = dns_name(a, record);
	return out->name.p != NULL;
}

static size_t sort_hosts(struct arena *a, const struct dns_answer *answer,
	struct host out[SPF_HOSTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < answer->n_records && n < SPF_HOSTS_MAX; i++) {
		struct host h;
		size_t at = n;

		if (!read_host(a, answer->records[i], &h))
			continue;
		for (; at > 0 && out[at - 1].rank > h.rank; at--)
			out[at] = out[at - 1];
		out[at] = h;
		n++;
	}
	return n;
}

static enum outcome match_host(
	struct check *c, const struct spf_term *t, struct str name)
{
	struct dns_answer answer;

	if (ask(c, address_type(c), name, &answer) != MATCH)
		return MISSING;
	switch (answer.status) {
	case DNS_FOUND:
		return is_in(c, &answer, t->bits4, t->bits6) ? MATCH : NO;
	case DNS_NO_NAME:
		return count_void(c, name);
	case DNS_FAILED:
		return end(c, TEMP, "the lookup of %s for %.*s failed",
			dns_type_name(address_type(c)), STR_ARG(name));
	case DNS_NO_DATA:
		break;
	}
	return NO;
}

static enum outcome match_mx(
	struct check *c, const struct spf_term *t, struct str name)
{
	struct host hosts[SPF_HOSTS_MAX];
	struct dns_answer answer;
	enum outcome how = ask_term(c, DNS_MX, name, &answer);
	bool is_missing = false;
	size_t n;

	if (how != MATCH)
		return how;
	if (answer.n_records > SPF_HOSTS_MAX)
		return end(c, PERM, "%.*s has more than %d MX records",
			STR_ARG(name), SPF_HOSTS_MAX);
	if (c->is_ahead)
		return MISSING;
	n = sort_hosts(c->arena, &answer, hosts);
	for (size_t i = 0; i < n; i++) {
		how = match_host(c, t, hosts[i].name);
		if (how != NO && how != MISSING)
			return is_missing ? MISSING : how;
		is_missing |= how == MISSING;
	}
	return is_missing ? MISSING : NO;
}

static enum outcome match_ptr(
	struct check *c, const struct spf_term *t, struct str name)
{
	bool is_void;
	enum outcome how = find_names(c, &is_void);

	(void)t;
	if (is_void && how == NO)
		return count_void(c, print_client(c));
	if (how != MATCH)
		return how;
	for (size_t i = 0; i < c->n_names; i++)
		if (domain_is_below(c->names[i], name))
			return MATCH;
	return NO;
}

static enum outcome match_exists(
	struct check *c, const struct spf_term *t, struct str name)
{
	struct dns_answer answer;

	(void)t;
	return ask_term(c, DNS_A, name, &answer);
}

static enum outcome match_net(struct check *c, const struct spf_term *t)
{
	unsigned bits = t->net.is_v6 ? t->bits6 : t->bits4;

	return spf_ip_match(&t->net, &c->values.ip, bits) ? MATCH : NO;
}

static enum outcome match_include(struct check *c, struct str domain)
{
	struct ending e = { 0 };

	switch (check_host(c, domain, &e)) {
	case AUTH_PASS:
		return MATCH;
	case AUTH_UNKNOWN:
		return MISSING;
	case AUTH_TEMPERROR:
		return TEMP;
	case AUTH_PERMERROR:
		return PERM;
	case AUTH_NONE:
		return end(c, PERM, "%.*s is included and has no SPF record",
			STR_ARG(domain));
	case AUTH_FAIL:
	case AUTH_SOFTFAIL:
	case AUTH_NEUTRAL:
	case AUTH_POLICY:
		break;
	}
	return NO;
}

static enum outcome match_term(struct check *c, const struct spf_term *t)
{
	static enum outcome (*const by_name[])(
		struct check *, const struct spf_term *, struct str) = {
		[SPF_A] = match_a,
		[SPF_MX] = match_mx,
		[SPF_PTR] = match_ptr,
		[SPF_EXISTS] = match_exists,
	};
	struct str written, name;
	enum outcome how;

	if (t->kind == SPF_ALL)
		return MATCH;
	if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
		return match_net(c, t);
	if (count_term(c) != MATCH)
		return PERM;
	how = find_target(c, t->spec, &written, &name);
	if (t->kind == SPF_INCLUDE && (how == MATCH || (how == NO && !name.p)))
		return match_include(c, written);
	return how == MATCH ? by_name[t->kind](c, t, name) : how;
}

/* ---- records ---- */

/* What stands in a record beside its mechanisms. */
struct modifiers {
	struct str redirect, exp;
	bool has_all;
};

static enum outcome note_modifier(
	struct check *c, const struct spf_term *t, struct modifiers *m)
{
	struct str *to = t->kind == SPF_REDIRECT ? &m->redirect : &m->exp;

	if (to->p)
		return end(c, PERM, "%s= stands there twice",
			t->kind == SPF_REDIRECT ? "redirect" : "exp");
	*to = t->spec;
	return MATCH;
}

/* Reads the whole of a record. Returns: MATCH or PERM. */
static enum outcome read_record(struct check *c, struct str domain,
	struct str record, struct modifiers *m)
{
	struct str rest = spf_record_terms(record);
	struct spf_term t;
	int rc;

	*m = (struct modifiers){ 0 };
	while ((rc = spf_term_next(&rest, &t)) > 0) {
		m->has_all |= t.kind == SPF_ALL;
		if (t.kind != SPF_REDIRECT && t.kind != SPF_EXP)
			continue;
		if (note_modifier(c, &t, m) != MATCH)
			return PERM;
	}
	if (rc < 0)
		return end(c, PERM,
			"in the SPF record of %.*s: \"%.*s\" is no "
			"term",
			STR_ARG(domain),
			STR_ARG(str_sub(t.text, 0, SHOWN_MAX)));
	return MATCH;
}

/* Finds the record of a domain. Returns: AUTH_PASS with *out, or the verdict.
 */
static enum auth_verdict find_record(
	struct check *c, struct str name, struct str *out)
{
	struct dns_answer answer;
	size_t n = 0;

	if (ask(c, DNS_TXT, name, &answer) != MATCH)
		return AUTH_UNKNOWN;
	if (answer.status == DNS_FAILED) {
		end(c, TEMP, "the lookup of TXT for %.*s failed",
			STR_ARG(name));
		return AUTH_TEMPERROR;
	}
	for (size_t i = 0; i < answer.n_records; i++) {
		if (!spf_is_record(answer.records[i]))
			continue;
		*out = answer.records[i];
		n++;
	}
	if (n > 1) {
		end(c, PERM, "%.*s has %zu SPF records", STR_ARG(name), n);
		return AUTH_PERMERROR;
	}
	return n ? AUTH_PASS : AUTH_NONE;
}

static enum auth_verdict error_verdict(enum outcome how)
{
	return how == TEMP ? AUTH_TEMPERROR : AUTH_PERMERROR;
}

static enum auth_verdict follow_redirect(
	struct check *c, struct str spec, struct ending *e)
{
	struct str written, name;
	enum auth_verdict v;
	enum outcome how;

	if (count_term(c) != MATCH)
		return AUTH_PERMERROR;
	how = find_target(c, spec, &written, &name);
	if (how == MISSING)
		return AUTH_UNKNOWN;
	if (how == PERM)
		return AUTH_PERMERROR;
	v = check_host(c, written, e);
	if (v != AUTH_NONE)
		return v;
	end(c, PERM, "%.*s is redirected to and has no SPF record",
		STR_ARG(written));
	return AUTH_PERMERROR;
}

/* Walks the terms of a record that has been read. */
static enum auth_verdict walk_record(struct check *c, struct str record,
	const struct modifiers *m, struct ending *e)
{
	struct str rest = spf_record_terms(record);
	bool is_missing = false;
	enum auth_verdict v;
	struct spf_term t;

	while (spf_term_next(&rest, &t) > 0) {
		enum outcome how;

		if (t.kind >= SPF_REDIRECT)
			continue;
		how = match_term(c, &t);
		if (how == NO)
			continue;
		if (how != MISSING && is_missing)
			return AUTH_UNKNOWN;
		if (how == MATCH) {
			e->mechanism = t.text;
			return t.verdict;
		}
		if (how != MISSING)
			return error_verdict(how);
		is_missing = true;
	}
	if (!m->redirect.p || m->has_all)
		return is_missing ? AUTH_UNKNOWN : AUTH_NEUTRAL;
	v = follow_redirect(c, m->redirect, e);
	return is_missing ? AUTH_UNKNOWN : v;
}

static enum auth_verdict check_host(
	struct check *c, struct str domain, struct ending *e)
{
	struct str outer = c->values.domain,
		   name = domain_read(c->arena, domain);
	struct str record = STR_NULL;
	struct modifiers m;
	enum auth_verdict v;

	if (!name.p)
		return AUTH_NONE;
	v = find_record(c, name, &record);
	if (v == AUTH_UNKNOWN)
		c->is_ahead = true;
	if (v != AUTH_PASS)
		return v;
	if (read_record(c, name, record, &m) != MATCH)
		return AUTH_PERMERROR;
	/* a redirect takes both away, an include sets its own back */
	*e = (struct ending){ .exp = m.exp, .domain = domain };
	c->values.domain = domain;
	v = walk_record(c, record, &m, e);
	c->values.domain = outer;
	return v;
}

/* ---- explanation (RFC 7208 6.2) ---- */

/* Returns: MISSING, or NO; *out is "" when there is none. */
static enum outcome explain(
	struct check *c, const struct ending *e, struct str *out)
{
	struct str written, name, made;
	struct dns_answer answer;
	enum outcome how;

	*out = STR("");
	if (!e->exp.p)
		return NO;
	c->n_terms = 0;
	c->values.domain = e->domain;
	how = find_target(c, e->exp, &written, &name);
	if (how != MATCH)
		return how;
	if (ask(c, DNS_TXT, name, &answer) != MATCH)
		return MISSING;
	if (answer.n_records != 1 ||
		!spf_macro_is_good(answer.records[0], SPF_IN_TEXT))
		return NO;
	how = find_validated(c, answer.records[0]);
	if (how != MATCH)
		return how;
	made = spf_macro_expand(c->arena, answer.records[0], &c->values);
	*out = made.p ? utf8_mend(c->arena, made) : STR("");
	return NO;
}

/* ---- the identity (RFC 7208 2.4, 4.3) ---- */

static void set_identity(struct check *c, const struct spf_in *in)
{
	struct spf_values *v = &c->values;
	ssize_t at = str_rchr(in->sender, '@');
	struct str domain, ascii;

	v->local = STR("postmaster");
	if (in->sender.len == 0)
		domain = in->helo;
	else
		domain = str_sub(in->sender, (size_t)(at + 1), in->sender.len);
	if (at > 0)
		v->local = str_sub(in->sender, 0, (size_t)at);
	if (in->sender.len && at < 0)
		domain = STR("");
	ascii = domain_read(c->arena, domain);
	/* as it was written, unless that was in UTF-8 */
	v->origin = ascii.p && !str_eq_case(ascii, domain) ? ascii : domain;
	v->domain = v->origin;
	v->sender = str_c(arena_printf(
		c->arena, "%.*s@%.*s", STR_ARG(v->local), STR_ARG(v->origin)));
}

void auth_spf(struct arena *a, const struct spf_in *in,
	const struct auth_ask *ask_by, struct spf_result *out)
{
	struct check c = { .arena = a,
		.ask = ask_by,
		.values = { .helo = in->helo,
			.receiver = in->receiver,
			.now = ask_by->now } };
	struct ending e = { 0 };

	*out = (struct spf_result){
		.mechanism = STR(""), .explanation = STR(""), .problem = STR("")
	};
	set_identity(&c, in);
	out->domain = domain_read(a, c.values.domain);
	if (!out->domain.p)
		out->domain = utf8_mend(
			a, str_sub(c.values.domain, 0, DNS_NAME_MAX));
	if (spf_ip_read(in->ip, &c.values.ip) < 0) {
		out->problem = STR("the client has no IP address");
		return;
	}
	out->verdict = check_host(&c, c.values.domain, &e);
	if (out->verdict == AUTH_FAIL &&
		explain(&c, &e, &out->explanation) == MISSING)
		out->verdict = AUTH_UNKNOWN;
	if (out->verdict == AUTH_TEMPERROR || out->verdict == AUTH_PERMERROR)
		out->problem = c.problem;
	else if (e.mechanism.p && out->verdict != AUTH_UNKNOWN)
		out->mechanism = arena_str(a, e.mechanism);
}
