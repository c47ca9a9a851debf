/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outgoing.c - what a plan sends and marks, and whether it may.
 *
 * A plan comes from a box that a mail may have taken over, so nothing in it is
 * believed that could make us a sender of strangers' mail. From what the
 * parent knows itself (the compiled rule, the envelope, the configuration, the
 * store) it decides that
 *  - only kinds of mail are sent that the rule has a word for;
 *  - answers (vacation, reject, ereject) go to the envelope's sender alone,
 *    and none goes to the null one or to ourselves (RFC 3834, RFC 5429);
 *  - none of them answers what we sent (its X-Mailmill-Sent has our token);
 *  - a mail with the same Message-ID is redirected to an address once a week;
 *  - an hour has only so many, of all, of a route, and to one address.
 * What is against that holds the delivery with the reason, before any record
 * is made: a limit that nobody sees loses mail. Only answers that nobody could
 * want are left out in silence, as the RFCs demand.
 */
#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/log.h>
#include <mailmill/smtpc.h>

#include "mill_private.h"

#define HOUR_MS ((int64_t)3600 * 1000)
#define REDIRECT_SEEN_MS (7 * 24 * HOUR_MS)
#define MARK_MS_MAX ((int64_t)10 * 365 * 24 * HOUR_MS)
#define HEADER_MAX ((size_t)64 << 10) /* of it, we look for our own field */
/* what a mail may grow to on its way through a rule */
#define GROWTH_MAX ((uint64_t)16 << 20)
#define GROWTH_TIMES 4

enum verdict {
	SEND,
	LEAVE_OUT,
	HOLD,
};

struct check {
	struct work *work;
	const char *why; /* of HOLD */
	int is_ours;	 /* -1: not looked yet */
};

static bool is_answer(enum plan_action_kind kind)
{
	return kind == PLAN_REJECT || kind == PLAN_EREJECT ||
	       kind == PLAN_VACATION;
}

static enum verdict hold(struct check *c, const char *why)
{
	c->why = why;
	return HOLD;
}

static int64_t ms_of(uint64_t seconds)
{
	return (int64_t)MIN(seconds, (uint64_t)MARK_MS_MAX / 1000) * 1000;
}

/* Tells whether the mail bears our own field; looks into it once. */
static bool is_ours(struct check *c)
{
	struct work *w = c->work;
	AUTO(bytes) char *head = NULL;
	struct str rest, line, token = store_token(w->mill->store);
	ssize_t n;

	if (c->is_ours >= 0)
		return c->is_ours;
	c->is_ours = 0;
	head = mem_new(HEADER_MAX);
	n = file_pread_all(w->fd, head, HEADER_MAX, 0);
	rest = str_n(head, (size_t)MAX(n, 0));
	while (!c->is_ours && str_cut_line(&rest, &line) && line.len) {
		if (!str_starts_case(line, STR(MILL_SENT_FIELD ":")))
			continue;
		line = str_trim(
			str_sub(line, strlen(MILL_SENT_FIELD ":"), line.len));
		c->is_ours = str_starts(line, token);
	}
	return c->is_ours;
}

static bool is_recipient(const struct work *w, struct str address)
{
	for (size_t i = 0; i < w->d.n_rcpts; i++)
		if (str_eq_case(w->d.rcpts[i], address))
			return true;
	return false;
}

/* Addresses that are programs (RFC 5230 section 4.6, RFC 3834 section 2). */
static bool is_program(struct str address)
{
	struct str local = str_sub(
		address, 0, (size_t)MAX(str_rchr(address, '@'), 0));
	ssize_t at = (ssize_t)local.len - (ssize_t)strlen("-request");

	return str_eq_case(local, STR("mailer-daemon")) ||
	       str_eq_case(local, STR("listserv")) ||
	       str_eq_case(local, STR("majordomo")) ||
	       str_starts_case(local, STR("owner-")) ||
	       (at >= 0 && str_eq_case(str_sub(local, (size_t)at, local.len),
				   STR("-request")));
}

static enum verdict check_answer(struct check *c, const struct plan_action *a)
{
	const struct work *w = c->work;
	struct str sender = w->env.sender;

	if (sender.len == 0 || is_recipient(w, sender) || is_ours(c))
		return LEAVE_OUT;
	if (a->kind == PLAN_VACATION && is_program(sender))
		return LEAVE_OUT;
	if (a->n_rcpts != 1 || !str_eq_case(a->rcpts[0], sender))
		return hold(c, "its plan answers somebody who did not send it");
	if (a->sender.len && !is_recipient(w, a->sender))
		return hold(c, "its plan answers in another's name");
	return SEND;
}

static void hash_lower(struct hash *h, struct str s)
{
	AUTO(buf) struct buf lower = BUF_INIT(SIZE_MAX / 4);

	for (size_t i = 0; i < s.len; i++)
		buf_byte(&lower, (unsigned char)(s.p[i] >= 'A' && s.p[i] <= 'Z'
							 ? s.p[i] | 32
							 : s.p[i]));
	hash_field(h, buf_view(&lower));
}

static struct str make_key(struct arena *a, struct str kind, struct str id,
	const struct str *rcpts, size_t n_rcpts)
{
	unsigned char digest[HASH_LEN];
	char *hex = arena_alloc(a, HASH_HEX_LEN + 1);
	struct hash *h = hash_begin();

	hash_field(h, kind);
	hash_field(h, id);
	for (size_t i = 0; i < n_rcpts; i++)
		hash_lower(h, rcpts[i]);
	hash_end(h, digest);
	hash_hex(digest, hex);
	return str_n(hex, HASH_HEX_LEN);
}

static void add_mark(struct work *w, struct str key, int64_t ms, bool is_last)
{
	w->marks = arena_grow(w->arena, w->marks, w->n_marks, w->n_marks + 1,
		sizeof(*w->marks));
	w->marks[w->n_marks++] = (struct store_mark){ .key = key,
		.at = w->facts.now,
		.until = w->facts.now + ms,
		.is_last = is_last };
}

/* A mail that comes back, perhaps by another route of the world, stops here. */
static enum verdict check_redirect(struct check *c, const struct plan_action *a)
{
	struct work *w = c->work;
	struct str id = w->message_id.len ? w->message_id : w->identity;
	struct err err = { 0 };
	int64_t pending;

	for (size_t i = 0; i < a->n_rcpts; i++) {
		struct str key = make_key(
			w->arena, STR("redirect"), id, &a->rcpts[i], 1);
		int rc = store_seen(w->mill->store, w->d.route, key,
			w->facts.now, w->d.id, &pending, &err);
		if (rc == 0)
			return hold(c,
				arena_printf(w->arena,
					"not redirected to %.*s: a mail of its "
					"Message-ID was already, so this is a "
					"loop or a second copy",
					STR_ARG(a->rcpts[i])));
		if (rc < 0)
			return hold(c, arena_strdup(w->arena, err.text));
		add_mark(w, key, REDIRECT_SEEN_MS, false);
	}
	return SEND;
}

static bool has_bad_address(const struct plan_action *a)
{
	if (a->sender.len && !smtpc_is_address(a->sender))
		return true;
	for (size_t i = 0; i < a->n_rcpts; i++)
		if (!smtpc_is_address(a->rcpts[i]))
			return true;
	return a->n_rcpts == 0;
}

static bool has_bad_pieces(const struct work *w, const struct plan_action *a)
{
	uint64_t sum = 0, size = w->d.size;

	for (size_t i = 0; i < a->n_pieces; i++) {
		const struct plan_piece *p = &a->pieces[i];
		if (!p->literal.len &&
			(p->offset > size || p->len > size - p->offset))
			return true;
		sum += p->literal.len ? p->literal.len : p->len;
	}
	return sum > GROWTH_MAX + GROWTH_TIMES * size;
}

/* A reload may have come since it was claimed, before it was evaluated. */
static unsigned get_may(const struct work *w)
{
	const struct mill_route *now = mill_find_route(w->mill, w->d.route);

	return w->route->may | (now ? now->may : 0);
}

static enum verdict check_action(struct check *c, const struct plan_action *a)
{
	struct work *w = c->work;
	const char *kind = plan_action_name(a->kind);

	if (!(get_may(w) & MILL_MAY(a->kind)))
		return hold(
			c, arena_printf(w->arena,
				   "its plan has a %s, which its rule has not: "
				   "was a worker taken over?",
				   kind));
	if (is_answer(a->kind)) {
		enum verdict v = check_answer(c, a);
		if (v != SEND)
			return v;
	}
	if (a->kind == PLAN_NOTIFY && is_ours(c))
		return LEAVE_OUT;
	if (!w->route->relay)
		return hold(
			c, arena_printf(w->arena,
				   "%s: there is no relay to send it by: add a "
				   "section relay \"NAME\" { url = "
				   "\"smtp://...\" } and release",
				   kind));
	if (has_bad_address(a))
		return hold(
			c, arena_printf(w->arena,
				   "%s: no address to send it to, or a bad one",
				   kind));
	if (has_bad_pieces(w, a))
		return hold(
			c, arena_printf(w->arena,
				   "%s: what is to be sent is much larger than "
				   "the mail, or no part of it",
				   kind));
	return a->kind == PLAN_REDIRECT ? check_redirect(c, a) : SEND;
}

/* --- limits of an hour ---------------------------------------------------- */

/* Those that are planned, but not stored yet. */
static uint64_t count_planned(
	const struct work *w, struct str route, struct str reply_to)
{
	uint64_t n = 0;
	struct list *it;

	list_each (it, &w->mill->works) {
		const struct work *e = CONTAINER(it, struct work, in_works);
		if (e == w || e->is_stored ||
			(route.len && !str_eq(route, e->d.route)))
			continue;
		for (size_t i = 0; i < e->n_outs; i++)
			n += !reply_to.len ||
			     str_eq_case(e->outs[i].reply_to, reply_to);
	}
	return n;
}

static const char *check_limit(struct work *w, uint64_t max, struct str route,
	struct str reply_to, uint64_t more, const char *what)
{
	/* first these: what is stored meanwhile counts twice, but not never */
	uint64_t planned = max && more ? count_planned(w, route, reply_to) : 0;
	uint64_t n = 0;
	struct err err = { 0 };

	if (!max || !more)
		return NULL;
	if (store_out_count(w->mill->store, route, reply_to,
		    clock_wall_ms() - HOUR_MS, &n, &err) < 0)
		return arena_strdup(w->arena, err.text);
	n += planned;
	if (n + more <= max)
		return NULL;
	log_event(LOG_WARN, "outbox.limit",
		"item=%lld route=%.*s limit=\"%s\" max=%llu",
		(long long)w->d.id, STR_ARG(w->d.route), what,
		(unsigned long long)max);
	return arena_printf(w->arena,
		"%s has had %llu pieces of mail in an hour, the limit is %llu "
		"(section outbox): release it later",
		what, (unsigned long long)n, (unsigned long long)max);
}

static const char *check_limits(struct work *w)
{
	const struct mill_options *o = &w->mill->o;
	uint64_t n_answers = 0;
	const char *why;

	for (size_t i = 0; i < w->n_outs; i++)
		n_answers += w->outs[i].reply_to.len > 0;
	why = check_limit(
		w, o->out_max, STR_NULL, STR_NULL, w->n_outs, "the outbox");
	if (!why)
		why = check_limit(w, o->out_route_max, w->d.route, STR_NULL,
			w->n_outs, "its route");
	if (!why)
		why = check_limit(w, o->out_reply_max, STR_NULL, w->env.sender,
			n_answers, "its sender");
	return why;
}

/* --- all of it ------------------------------------------------------------ */

/* Tells whether another delivery has sent it, so that it will be left out. */
static bool was_sent(struct work *w, const struct store_out *o)
{
	struct err err = { 0 };
	int64_t pending;

	return o->mark.key.len &&
	       store_seen(w->mill->store, w->d.route, o->mark.key, o->mark.at,
		       w->d.id, &pending, &err) == 0;
}

static void add_out(struct work *w, const struct plan_action *a)
{
	struct store_out *o = &w->outs[w->n_outs];
	struct store_piece *pieces = arena_array(
		w->arena, MAX(a->n_pieces, 1), sizeof(*pieces));
	int n = 0;

	for (size_t i = 0; i < w->n_outs; i++)
		n += str_eq(w->outs[i].kind, str_c(plan_action_name(a->kind)));
	for (size_t i = 0; i < a->n_pieces; i++)
		pieces[i] = (struct store_piece){ a->pieces[i].literal,
			a->pieces[i].offset, a->pieces[i].len };
	*o = (struct store_out){ .kind = str_c(plan_action_name(a->kind)),
		.sender = a->sender,
		.rcpts = a->rcpts,
		.n_rcpts = a->n_rcpts,
		.pieces = pieces,
		.n_pieces = a->n_pieces,
		.fcc = a->fcc };
	/* several notices to one address are several */
	o->once = make_key(w->arena, o->kind,
		a->kind == PLAN_NOTIFY ? a->value : STR_NULL, a->rcpts,
		a->n_rcpts);
	if (a->kind == PLAN_NOTIFY)
		o->once = str_c(
			arena_printf(w->arena, "%.*s %d", STR_ARG(o->once), n));
	if (is_answer(a->kind))
		o->reply_to = w->env.sender;
	if (a->mark.len) {
		o->mark = (struct store_mark){ .key = a->mark,
			.at = w->facts.now,
			.until = w->facts.now + ms_of(a->mark_seconds) };
	}
	if (!was_sent(w, o))
		w->n_outs++;
}

const char *mill_ready_outgoing(struct work *w)
{
	const struct plan *p = w->plan;
	struct check c = { .work = w, .is_ours = -1 };

	for (size_t i = 0; i < p->n_marks; i++)
		add_mark(w, p->marks[i].key, ms_of(p->marks[i].seconds),
			p->marks[i].is_last);
	for (size_t i = 0; i < p->n_actions; i++) {
		const struct plan_action *a = &p->actions[i];
		enum verdict v;
		if (a->kind < PLAN_REDIRECT)
			continue;
		if (!w->outs)
			w->outs = arena_array(
				w->arena, p->n_actions, sizeof(*w->outs));
		v = check_action(&c, a);
		if (v == HOLD) {
			w->n_outs = 0;
			log_event(LOG_WARN, "outbox.held",
				"item=%lld route=%.*s kind=%s",
				(long long)w->d.id, STR_ARG(w->d.route),
				plan_action_name(a->kind));
			return c.why;
		}
		if (v == SEND)
			add_out(w, a);
		else
			log_event(LOG_INFO, "outbox.left_out",
				"item=%lld route=%.*s kind=%s",
				(long long)w->d.id, STR_ARG(w->d.route),
				plan_action_name(a->kind));
	}
	return w->n_outs ? check_limits(w) : NULL;
}

void mill_give_outgoing(struct work *w)
{
	w->finish.outs = w->outs;
	w->finish.n_outs = w->n_outs;
	w->finish.marks = w->marks;
	w->finish.n_marks = w->n_marks;
}

void mill_announce_marks(struct work *w)
{
	if (!w->is_planned)
		return;
	w->finish.marks = w->marks;
	w->finish.n_marks = w->n_marks;
}

bool mill_has_mark(const struct work *w, struct str key)
{
	for (size_t i = 0; i < w->n_marks; i++)
		if (str_eq(w->marks[i].key, key))
			return true;
	for (size_t i = 0; i < w->n_outs; i++)
		if (str_eq(w->outs[i].mark.key, key))
			return true;
	return false;
}
