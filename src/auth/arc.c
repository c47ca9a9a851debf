/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * arc.c - ARC: whether the chain of those who passed a mail on is whole (RFC
 * 8617 5.2).
 *
 * First the sets are put together and their form is checked, which asks
 * nobody; a chain that fails there is not looked at further. Then all keys are
 * asked for at once, and when they are known, the newest message signature and
 * all seals are judged, and from the second newest signature downwards those
 * that tell how far back the mail is unchanged (oldest-pass). Each seal signs
 * all sets before it: one digest runs along the sets, so that a chain costs
 * what its fields are long.
 */
#include <mailmill/mem.h>

#include "sign.h"

struct set {
	struct signature *parts[SIGN_RESULTS + 1]; /* by sign_kind */
};

struct chain {
	struct arena *arena;
	struct sign_mail *mail;
	struct set sets[SIGN_SETS_MAX]; /* the first is instance 1 */
	unsigned n;
	struct arc_result *out;
};

static bool fail(struct chain *c, const char *fmt, ...) PRINTF(2, 3);
static bool fail(struct chain *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	c->out->verdict = AUTH_FAIL;
	c->out->problem = str_c(arena_vprintf(c->arena, fmt, ap));
	va_end(ap);
	return false;
}

static const char *const kind_names[] = {
	[SIGN_DKIM] = "signature",
	[SIGN_MESSAGE] = "message signature",
	[SIGN_SEAL] = "seal",
	[SIGN_RESULTS] = "authentication results",
};

/* ---- form --------------------------------------------------------------- */

static bool collect(struct chain *c, struct signature *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct signature *s = &all[i], **place;
		if (!s->instance)
			return fail(c, "a %s has no instance: %.*s",
				kind_names[s->kind], STR_ARG(s->problem));
		place = &c->sets[s->instance - 1].parts[s->kind];
		if (*place)
			return fail(c, "set %u has more than one %s",
				s->instance, kind_names[s->kind]);
		*place = s;
		c->n = MAX(c->n, s->instance);
	}
	return true;
}

static bool check_set(struct chain *c, unsigned i)
{
	const struct set *set = &c->sets[i];
	const struct signature *seal = set->parts[SIGN_SEAL];
	struct str cv;

	for (int kind = SIGN_MESSAGE; kind <= SIGN_RESULTS; kind++)
		if (!set->parts[kind])
			return fail(
				c, "set %u has no %s", i + 1, kind_names[kind]);
	if (seal->verdict != AUTH_NONE)
		return fail(c, "seal %u: %.*s", i + 1, STR_ARG(seal->problem));
	cv = i ? STR("pass") : STR("none");
	if (i + 1 == c->n && str_eq(seal->cv, STR("fail")))
		return fail(c, "seal %u says that the chain was broken then",
			i + 1);
	if (!str_eq(seal->cv, cv))
		return fail(
			c, "seal %u does not say cv=%.*s", i + 1, STR_ARG(cv));
	return true;
}

static bool check_form(struct chain *c)
{
	const struct signature *newest;

	/* the newest first: what it says of the others counts */
	for (unsigned i = c->n; i-- > 0;)
		if (!check_set(c, i))
			return false;
	newest = c->sets[c->n - 1].parts[SIGN_MESSAGE];
	if (newest->verdict != AUTH_NONE)
		return fail(c, "message signature %u: %.*s", c->n,
			STR_ARG(newest->problem));
	return true;
}

/* ---- keys --------------------------------------------------------------- */

static bool ask_all(struct chain *c, const struct auth_ask *ask)
{
	bool is_known = true;

	for (unsigned i = 0; i < c->n; i++)
		for (int kind = SIGN_MESSAGE; kind <= SIGN_SEAL; kind++)
			if (signature_ask(
				    c->arena, c->sets[i].parts[kind], ask) < 0)
				is_known = false;
	if (!is_known) {
		c->out->verdict = AUTH_UNKNOWN;
		c->out->problem = STR("a key is not known yet");
	}
	return is_known;
}

/* ---- signatures --------------------------------------------------------- */

static bool take_verdict(struct chain *c, const struct signature *s)
{
	if (s->verdict == AUTH_PASS)
		return true;
	(void)fail(c, "%s %u: %.*s", kind_names[s->kind], s->instance,
		STR_ARG(s->problem));
	if (s->verdict == AUTH_TEMPERROR)
		c->out->verdict = AUTH_TEMPERROR;
	return false;
}

static void judge_seal(
	struct chain *c, const struct set *set, struct sign_digest *running)
{
	AUTO(buf) struct buf text = BUF_INIT(8 * SIGN_FIELD_MAX);
	struct signature *seal = set->parts[SIGN_SEAL];
	unsigned char digest[HASH_LEN];
	size_t len;

	sign_field(c->mail, &text, set->parts[SIGN_RESULTS]->field,
		SIGN_RELAXED, STR_NULL, false);
	sign_field(c->mail, &text, set->parts[SIGN_MESSAGE]->field,
		SIGN_RELAXED, STR_NULL, false);
	sign_digest_add(running, text.p, text.len);
	len = text.len;
	sign_field(c->mail, &text, seal->field, SIGN_RELAXED, STR_NULL, false);
	must(!buf_is_over(&text));
	if (seal->verdict == AUTH_NONE) {
		AUTO(sign_digest)
		struct sign_digest *own = sign_digest_copy(running);
		AUTO(buf) struct buf bare = BUF_INIT(2 * SIGN_FIELD_MAX);
		sign_field(c->mail, &bare, seal->field, SIGN_RELAXED,
			seal->hole, true);
		sign_digest_add(own, bare.p, bare.len);
		sign_digest_peek(own, digest);
		signature_verify(c->arena, seal, digest);
	}
	sign_digest_add(running, text.p + len, text.len - len);
}

static bool judge_seals(struct chain *c)
{
	AUTO(sign_digest)
	struct sign_digest *running = sign_digest_new(SIGN_SHA256);

	for (unsigned i = 0; i < c->n; i++) {
		judge_seal(c, &c->sets[i], running);
		if (!take_verdict(c, c->sets[i].parts[SIGN_SEAL]))
			return false;
	}
	return true;
}

static bool judge_message(struct chain *c, unsigned i)
{
	struct signature *s = c->sets[i].parts[SIGN_MESSAGE];

	signature_judge(c->arena, c->mail, s);
	return s->verdict == AUTH_PASS;
}

/* RFC 8617 5.2, step 5. */
static unsigned find_oldest(struct chain *c)
{
	for (unsigned i = c->n - 1; i-- > 0;)
		if (!judge_message(c, i))
			return i + 2;
	return 0;
}

static void judge_chain(struct chain *c, const struct auth_ask *ask)
{
	if (!check_form(c) || !ask_all(c, ask))
		return;
	(void)judge_message(c, c->n - 1);
	if (!take_verdict(c, c->sets[c->n - 1].parts[SIGN_MESSAGE]) ||
		!judge_seals(c))
		return;
	c->out->verdict = AUTH_PASS;
	c->out->oldest_pass = str_c(
		arena_printf(c->arena, "%u", find_oldest(c)));
}

void auth_arc(struct arena *a, struct mail *m, const struct auth_ask *ask,
	struct arc_result *out)
{
	struct sign_mail *sm = sign_mail_of(m);
	size_t n;
	const struct signature *all = sign_arc(sm, &n);
	struct signature *s = arena_array(a, n, sizeof(*s));
	struct chain *c = ARENA_NEW(a, struct chain);
	const struct signature *newest;

	*out = (struct arc_result){ AUTH_NONE, .sealer = STR(""),
		.oldest_pass = STR(""), .problem = STR("") };
	if (!n)
		return;
	*c = (struct chain){ .arena = a, .mail = sm, .out = out };
	memcpy(s, all, n * sizeof(*s));
	if (collect(c, s, n))
		judge_chain(c, ask);
	out->sets = c->n;
	newest = c->n ? c->sets[c->n - 1].parts[SIGN_SEAL] : NULL;
	if (newest)
		out->sealer = newest->domain;
}
