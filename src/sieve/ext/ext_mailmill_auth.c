/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_auth.c - ${mail.auth.spf} and others, and mail :from_verified:
 * who vouches for the mail.
 *
 * The mail is judged as it came, whatever the script has changed in it, and
 * once an evaluation: when a rule asks for the first time. What the DNS has to
 * say becomes questions of the plan, and the evaluation waits for them.
 */
#include <mailmill/auth.h>
#include <mailmill/utf8.h>

#include "ext_mailmill.h"

/* More than a mail with all signatures that count needs; what asks for more is
 * made to cost, and learns nothing. */
#define LOOKUPS_MAX 500

struct asking {
	struct sieve_run *r;
	unsigned n;
};

static bool has_room(struct sieve_run *r, struct str question)
{
	return r->plan->n_questions < PLAN_QUESTIONS_MAX || r->answer ||
	       (r->facts && facts_find(r->facts, question));
}

static int lookup(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct asking *asking = ctx;
	struct sieve_run *r = asking->r;
	const struct facts_answer *answer = NULL;
	struct plan_question q;
	struct str host = dns_name(r->arena, name);

	*out = (struct dns_answer){ .status = DNS_NO_NAME };
	/* plans are UTF-8, and so are all names that anybody has */
	if (!host.p || !utf8_is_valid(host))
		return 0;
	if (++asking->n > LOOKUPS_MAX) {
		out->status = DNS_FAILED;
		return 0;
	}
	plan_ask_dns(r->arena, type, host, &q);
	/* what does not fit into this round is asked for in the next */
	if (!has_room(r, q.name) || sieve_ask(r, &q, &answer) < 0 || !answer)
		return -1;
	facts_to_dns(r->arena, answer, out);
	return 0;
}

static const struct auth_result *judge(struct sieve_run *r)
{
	const struct sieve_settings *s = r->settings;
	const struct auth_settings settings = {
		.trusted = s->auth_trusted,
		.n_trusted = s->n_auth_trusted,
		.is_asking = !s->auth_asks_nobody,
		.receiver = s->hostname,
	};
	struct asking asking = { .r = r };
	struct auth_ask ask = { .lookup = lookup,
		.ctx = &asking,
		.now = r->facts ? r->facts->now : 0 };
	struct mailmill_run *m = mailmill_run(r);

	if (m->auth && m->auth_of == r->stored)
		return m->auth;
	m->auth = ARENA_NEW(r->arena, struct auth_result);
	m->auth_of = r->stored;
	auth_check(r->arena, r->stored, r->env, &settings, &ask, m->auth);
	return m->auth;
}

int mailmill_is_from_verified(struct sieve_run *r)
{
	const struct auth_result *a = judge(r);

	return a->is_unknown ? SIEVE_WAIT : a->is_from_verified;
}

/*
 * Values
 */

static struct str verdict_of(enum auth_verdict v)
{
	return str_c(auth_verdict_name(v));
}

/* One that passes counts, the others may be of any list that it went over. */
static const struct dkim_signature *find_best(const struct auth_result *a)
{
	const struct dkim_signature *best = NULL;

	for (size_t i = 0; i < a->n_dkim; i++) {
		const struct dkim_signature *s = &a->dkim[i];
		if (s->verdict == AUTH_PASS)
			return s;
		if (!best || (best->verdict != AUTH_TEMPERROR &&
				     s->verdict == AUTH_TEMPERROR))
			best = s;
	}
	return best;
}

static struct str get_spf(const struct auth_result *a)
{
	return verdict_of(a->spf.verdict);
}
static struct str get_spf_domain(const struct auth_result *a)
{
	return a->spf.domain;
}
static struct str get_dkim(const struct auth_result *a)
{
	const struct dkim_signature *s = find_best(a);

	return verdict_of(s ? s->verdict : AUTH_NONE);
}
static struct str get_dkim_domain(const struct auth_result *a)
{
	const struct dkim_signature *s = find_best(a);

	return s ? s->domain : STR("");
}
static struct str get_dmarc(const struct auth_result *a)
{
	return verdict_of(a->dmarc.verdict);
}
static struct str get_dmarc_policy(const struct auth_result *a)
{
	return a->dmarc.policy;
}
static struct str get_arc(const struct auth_result *a)
{
	return verdict_of(a->arc.verdict);
}
static struct str get_from_verified(const struct auth_result *a)
{
	return a->is_from_verified ? STR("true") : STR("false");
}

static const struct value {
	const char *name;
	struct str (*get)(const struct auth_result *a);
} values[] = {
	{ "auth.spf", get_spf },
	{ "auth.spf.domain", get_spf_domain },
	{ "auth.dkim", get_dkim },
	{ "auth.dkim.domain", get_dkim_domain },
	{ "auth.dmarc", get_dmarc },
	{ "auth.dmarc.policy", get_dmarc_policy },
	{ "auth.arc", get_arc },
	{ "auth.from_verified", get_from_verified },
};

const char *mailmill_auth_name(size_t i)
{
	return i < COUNT(values) ? values[i].name : NULL;
}

/* Returns: 1 it is one of these, 0 it is not, or < 0. */
int mailmill_auth_value(struct sieve_run *r, struct str name, struct str *out)
{
	for (size_t i = 0; i < COUNT(values); i++) {
		const struct auth_result *a;
		if (!str_eq(name, str_c(values[i].name)))
			continue;
		a = judge(r);
		if (a->is_unknown)
			return SIEVE_WAIT;
		*out = a->source == AUTH_FROM_NOBODY
			       ? STR("")
			       : utf8_mend(r->arena, values[i].get(a));
		return 1;
	}
	return 0;
}
