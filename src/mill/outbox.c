/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outbox.c - sends what finishes have put into the store's outbox.
 *
 * A piece of outgoing mail is claimed, handed to its route's relay, and ended
 * with a reply for each recipient, apart from the deliveries, so that a slow
 * way out slows no way in. What a recipient took is written down and not sent
 * to him again. Only one window is left in which a mail may arrive twice: all
 * of it was sent and the answer, or we, did not live to see it (RFC 1047). It
 * is as old as SMTP and can't be closed; what is new mail then arrives with
 * the same Message-ID, made of the outbox's number, so that it can be told.
 */
#include <stdio.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/fault.h>
#include <mailmill/id.h>
#include <mailmill/list.h>
#include <mailmill/log.h>

#include "mill_private.h"

#define LEASE_MS (2 * 3600 * 1000) /* above the longest sending */
#define TICK_MS 60000		   /* looks at least so often */
#define AGAIN_MS 1000		   /* the store would not take an end */
#define NO_RELAY_MS (5 * 60 * 1000)
#define CLAIM_MAX 64
#define HEAD_MAX ((size_t)4096)
#define TOLD_MAX ((size_t)2000)
#define JOURNAL_MAX ((size_t)64 << 10)

struct mill_outbox {
	struct mill *mill;
	struct loop_timer *tick;
	struct list sendings; /* in flight */
	unsigned n_sendings;
	struct out_claim *claim; /* under way, or NULL */
	bool is_more;
	char host[256];
};

/* Rows that were claimed together live together. */
struct out_claim {
	struct mill_outbox *outbox;
	struct store_out_claim claim;
	struct arena *arena;
	unsigned n_users;
	struct err err;
};

struct sending {
	struct mill_outbox *outbox;
	struct out_claim *from; /* its row lives there */
	struct arena *arena;	/* the relay's thread uses it, too */
	struct list link;
	const struct store_out_row *row;
	int fd;
	struct relay_job job;
	size_t *at; /* of each recipient of the job in the row */
	struct store_out_finish finish;
	struct err err;
	struct loop_timer *again;
	int64_t begun_at; /* mono ms */
};

static void claim_more(struct mill_outbox *o);

static void on_tick(void *ctx)
{
	struct mill_outbox *o = ctx;

	o->is_more = true;
	claim_more(o);
}

struct mill_outbox *mill_outbox_new(struct mill *m)
{
	struct mill_outbox *o = NEW(struct mill_outbox);

	o->mill = m;
	o->tick = loop_timer_new(m->loop, on_tick, o);
	list_init(&o->sendings);
	if (m->o.hostname)
		snprintf(o->host, sizeof(o->host), "%s", m->o.hostname);
	else if (gethostname(o->host, sizeof(o->host) - 1) < 0 || !o->host[0])
		snprintf(o->host, sizeof(o->host), "localhost");
	return o;
}

static void release(struct out_claim *c)
{
	if (--c->n_users)
		return;
	arena_free(c->arena);
	free(c);
}

static void free_sending(struct sending *s)
{
	list_del(&s->link);
	s->outbox->n_sendings--;
	if (s->fd >= 0)
		close(s->fd);
	loop_timer_free(s->again);
	release(s->from);
	arena_free(s->arena);
}

void mill_outbox_free(struct mill_outbox *o)
{
	struct list *it, *tmp;

	if (!o)
		return;
	list_each_safe (it, tmp, &o->sendings)
		free_sending(CONTAINER(it, struct sending, link));
	loop_timer_free(o->tick);
	free(o);
}

unsigned mill_outbox_in_flight(const struct mill_outbox *o)
{
	return o->n_sendings + (o->claim ? 1 : 0);
}

/* --- ends ----------------------------------------------------------------- */

static void after_finish(void *ctx);

/* In the store's thread. */
static void on_finish(struct store_out_finish *f, const struct err *err)
{
	struct sending *s = f->ctx;

	s->err = *err;
	loop_post(s->outbox->mill->loop, after_finish, s);
}

static void finish_again(void *ctx)
{
	struct sending *s = ctx;

	s->finish.next = NULL;
	store_out_finish(s->outbox->mill->store, &s->finish);
}

static void tell_end(const struct sending *s)
{
	const struct store_out_finish *f = &s->finish;
	const struct store_out_row *r = s->row;
	enum log_level level = f->to == STORE_DEAD ? LOG_WARN : LOG_INFO;
	AUTO(arena) struct arena *a = NULL;

	if (!log_shows(level))
		return;
	a = arena_new();
	log_event(level, "outbox.end",
		"item=%lld outgoing=%lld kind=%.*s to=<%.*s> recipients=%zu "
		"state=%s bytes=%llu ms=%lld reason=\"%.*s\"",
		(long long)r->delivery, (long long)r->id, STR_ARG(r->kind),
		STR_ARG(log_address(a, r->n_rcpts ? r->rcpts[0] : STR(""))),
		r->n_rcpts, store_out_state_name(f->to),
		(unsigned long long)r->size,
		(long long)(clock_mono_ms() - s->begun_at),
		STR_ARG(log_quoted(a, f->reason)));
}

/* In the loop's thread. */
static void after_finish(void *ctx)
{
	struct sending *s = ctx;
	struct mill_outbox *o = s->outbox;
	struct mill *m = o->mill;

	/* what was sent is known here only, until the store has it */
	if (s->err.kind && s->err.kind != ERR_PERM && !m->is_stopped) {
		if (!s->again) {
			log_event(LOG_WARN, "outbox.store",
				"outgoing=%lld error=\"%s\"",
				(long long)s->row->id, s->err.text);
			s->again = loop_timer_new(m->loop, finish_again, s);
		}
		loop_timer_set(s->again, AGAIN_MS);
		return;
	}
	if (s->err.kind) {
		log_event(LOG_ERROR, "outbox.end",
			"outgoing=%lld error=\"cannot be stored: %s\"",
			(long long)s->row->id, s->err.text);
	} else {
		m->stats.n_sent += s->finish.to == STORE_DONE;
		m->stats.n_unsent += s->finish.to == STORE_DEAD;
		tell_end(s);
	}
	o->is_more = true;
	free_sending(s);
	claim_more(o);
}

static void add_json(struct buf *b, struct str s)
{
	buf_byte(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			buf_byte(b, '\\');
		if (c < 0x20 || c >= 0x7f) /* replies may be no UTF-8 */
			buf_byte(b, '?');
		else
			buf_byte(b, c);
	}
	buf_byte(b, '"');
}

static struct str make_journal(const struct sending *s, enum store_state to)
{
	const struct store_out_row *r = s->row;
	AUTO(buf) struct buf b = BUF_INIT(JOURNAL_MAX);

	buf_printf(&b, "{\"outgoing\":%lld,\"kind\":", (long long)r->id);
	add_json(&b, r->kind);
	buf_printf(&b, ",\"state\":\"%s\",\"replies\":[",
		store_out_state_name(to));
	for (size_t i = 0; i < r->n_rcpts; i++) {
		buf_c(&b, i ? ",{\"to\":" : "{\"to\":");
		add_json(&b, r->rcpts[i]);
		buf_c(&b, ",\"reply\":");
		add_json(&b, r->results[i]);
		buf_byte(&b, '}');
	}
	buf_c(&b, "]}");
	if (buf_is_over(&b))
		return STR("{\"note\":\"too long for the journal\"}");
	return arena_str(s->arena, buf_view(&b));
}

static void finish(struct sending *s, enum store_state to, const char *why)
{
	struct store_out_finish *f = &s->finish;

	f->id = s->row->id;
	f->to = to;
	f->reason = arena_str(s->arena, str_c(why));
	f->results = s->row->results;
	f->n_results = s->row->n_rcpts;
	f->now = clock_wall_ms();
	f->done = on_finish;
	f->ctx = s;
	/* each end, and the first failure: more would be noise */
	if (to == STORE_DONE || to == STORE_DEAD || s->row->attempts == 0)
		f->journal = make_journal(s, to);
	store_out_finish(s->outbox->mill->store, f);
}

static void finish_retry(struct sending *s, const char *why)
{
	const struct mill_options *o = &s->outbox->mill->o;
	const struct mill_options times = { .retry_min_ms = o->out_retry_min_ms,
		.retry_max_ms = o->out_retry_max_ms };
	int64_t now = clock_wall_ms();
	unsigned random;

	if (o->out_give_up_ms && now - s->row->created_at > o->out_give_up_ms) {
		finish(s, STORE_DEAD,
			arena_printf(s->arena,
				"gave up after %lld hours; at last: %s",
				(long long)(o->out_give_up_ms / 3600000), why));
		return;
	}
	id_random(&random, sizeof(random));
	s->finish.is_attempt = true;
	s->finish.due_at = now + mill_backoff(&times, s->row->attempts, random);
	finish(s, STORE_RETRY, why);
}

/* Takes the replies over. Tells how many wait, and are refused for good. */
static void take_replies(
	struct sending *s, size_t *n_later, size_t *n_never, struct str *first)
{
	const struct store_out_row *r = s->row;

	for (size_t i = 0; i < s->job.n_rcpts; i++) {
		const struct relay_rcpt *got = &s->job.rcpts[i];
		if (got->text.len)
			r->results[s->at[i]] = got->text;
	}
	*n_later = *n_never = 0;
	for (size_t i = 0; i < r->n_rcpts; i++) {
		struct str reply = r->results[i];
		if (reply.len && reply.p[0] == '2')
			continue;
		if (reply.len && reply.p[0] == '5')
			++*n_never;
		else
			++*n_later;
		if (!first->len)
			*first = reply;
	}
}

static void finish_answered(struct sending *s)
{
	size_t n_later, n_never, n = s->row->n_rcpts;
	struct str first = STR_NULL;
	const char *why;

	take_replies(s, &n_later, &n_never, &first);
	s->finish.is_attempt = true;
	if (n_later + n_never == 0) {
		finish(s, STORE_DONE,
			arena_printf(s->arena, "sent: %.*s",
				STR_ARG(s->row->results[n - 1])));
		return;
	}
	why = n == 1 ? arena_printf(s->arena, "%.*s", STR_ARG(first))
		     : arena_printf(s->arena,
			       "%zu of %zu recipients did not take it: %.*s",
			       n_later + n_never, n, STR_ARG(first));
	if (n_later)
		finish_retry(s, why);
	else
		finish(s, STORE_DEAD, why);
}

static void on_sent(struct relay_job *job)
{
	struct sending *s = job->ctx;

	if (fault_point("outbox.sent")) {
		err_set(&job->err, ERR_TEMP, "told to fail at outbox.sent");
		job->outcome = RELAY_LOST;
	}
	if (job->outcome == RELAY_ANSWERED) {
		finish_answered(s);
		return;
	}
	if (job->outcome == RELAY_NOT_SENT && job->err.kind == ERR_PERM) {
		s->finish.is_attempt = true;
		finish(s, STORE_DEAD, job->err.text);
		return;
	}
	if (job->err.kind == ERR_CONF)
		log_event(LOG_ERROR, "outbox.relay",
			"outgoing=%lld error=\"%s\"", (long long)s->row->id,
			job->err.text);
	finish_retry(s, job->err.text);
}

/* --- sending -------------------------------------------------------------- */

static const char *mail_date(struct arena *a, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct clock_civil c;

	clock_to_civil(wall_ms / 1000, &c);
	return arena_printf(a, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
		days + 3 * c.weekday, c.day, months + 3 * (c.month - 1), c.year,
		c.hour, c.minute, c.second);
}

/*
 * What we put in front. New mail gets what its maker could not know; what is
 * passed on gets its trace (RFC 5321 section 4.4). All of it gets the field by
 * which we know it again.
 */
static struct str make_head(const struct sending *s)
{
	const struct mill_outbox *o = s->outbox;
	const struct store_out_row *r = s->row;
	struct str token = store_token(o->mill->store);
	AUTO(buf) struct buf b = BUF_INIT(HEAD_MAX);
	const char *date = mail_date(s->arena, r->created_at);

	if (str_eq(r->kind, STR("redirect"))) {
		buf_printf(&b, "Received: by %s (mailmill) id %lld", o->host,
			(long long)r->id);
		if (r->n_rcpts == 1 && r->rcpts[0].len < 500)
			buf_printf(
				&b, "\r\n\tfor <%.*s>", STR_ARG(r->rcpts[0]));
		buf_printf(&b, "; %s\r\n", date);
	} else {
		buf_printf(&b, "Date: %s\r\n", date);
		buf_printf(&b, "Message-ID: <mailmill.%lld.%.16s@%s>\r\n",
			(long long)r->id, token.p, o->host);
	}
	buf_printf(&b, MILL_SENT_FIELD ": %.*s.%lld\r\n", STR_ARG(token),
		(long long)r->id);
	return arena_str(s->arena, buf_view(&b));
}

static void add_rcpts(struct sending *s)
{
	const struct store_out_row *r = s->row;
	struct relay_job *j = &s->job;

	j->rcpts = arena_array(s->arena, MAX(r->n_rcpts, 1), sizeof(*j->rcpts));
	s->at = arena_array(s->arena, MAX(r->n_rcpts, 1), sizeof(*s->at));
	for (size_t i = 0; i < r->n_rcpts; i++) {
		if (r->results[i].len && r->results[i].p[0] == '2')
			continue;
		s->at[j->n_rcpts] = i;
		j->rcpts[j->n_rcpts++].address = r->rcpts[i];
	}
}

static bool needs_body(const struct store_out_row *r)
{
	for (size_t i = 0; i < r->n_pieces; i++)
		if (!r->pieces[i].literal.len && r->pieces[i].len)
			return true;
	return false;
}

static struct relay *find_relay(struct mill *m, struct str route)
{
	const struct mill_route *r = mill_find_route(m, route);

	if (r && r->relay)
		return r->relay;
	/* the route is gone, or has lost its own: any way out will do */
	for (size_t i = 0; i < m->n_routes; i++)
		if (m->routes[i].relay)
			return m->routes[i].relay;
	return NULL;
}

static void begin(struct sending *s)
{
	struct mill *m = s->outbox->mill;
	struct relay *relay = find_relay(m, s->row->route);
	struct err err = { 0 };
	int rc = 0;

	add_rcpts(s);
	if (!relay) {
		s->finish.due_at = clock_wall_ms() + NO_RELAY_MS;
		finish(s, STORE_RETRY, "there is no relay section any more");
		return;
	}
	if (s->job.n_rcpts == 0) { /* a person called it back */
		finish(s, STORE_DONE, "all recipients have it");
		return;
	}
	if (needs_body(s->row))
		rc = store_body(m->store, &s->row->message, &s->fd, &err);
	if (rc == STORE_GONE) {
		s->finish.is_attempt = true;
		finish(s, STORE_DEAD, "its bytes are gone");
		return;
	}
	if (rc < 0) {
		finish_retry(s, err.text);
		return;
	}
	s->job.sender = s->row->sender;
	s->job.head = make_head(s);
	s->job.pieces = s->row->pieces;
	s->job.n_pieces = s->row->n_pieces;
	s->job.fd = s->fd;
	s->job.size = s->row->size;
	s->job.arena = s->arena;
	s->job.done = on_sent;
	s->job.ctx = s;
	if (fault_point("outbox.send")) {
		finish_retry(s, "told to fail at outbox.send");
		return;
	}
	relay_send(relay, &s->job);
}

static bool is_in_flight(const struct mill_outbox *o, int64_t id)
{
	struct list *it;

	list_each (it, &o->sendings)
		if (CONTAINER(it, struct sending, link)->row->id == id)
			return true;
	return false;
}

static void begin_row(struct out_claim *c, const struct store_out_row *row)
{
	struct mill_outbox *o = c->outbox;
	struct arena *a;
	struct sending *s;

	if (is_in_flight(o, row->id))
		return;
	a = arena_new();
	s = ARENA_NEW(a, struct sending);
	s->arena = a;
	s->outbox = o;
	s->from = c;
	s->row = row;
	s->fd = -1;
	s->begun_at = clock_mono_ms();
	c->n_users++;
	o->n_sendings++;
	list_add(&o->sendings, &s->link);
	begin(s);
}

/* --- claims --------------------------------------------------------------- */

static void schedule(struct mill_outbox *o, int64_t next_due)
{
	int64_t ms = TICK_MS;

	if (o->mill->is_stopped)
		return;
	if (next_due)
		ms = MIN(ms, MAX(next_due - clock_wall_ms(), 0) + 1);
	loop_timer_set(o->tick, ms);
}

/* In the loop's thread. */
static void after_claim(void *ctx)
{
	struct out_claim *c = ctx;
	struct mill_outbox *o = c->outbox;

	o->claim = NULL;
	if (c->err.kind) {
		log_event(
			LOG_ERROR, "outbox.claim", "error=\"%s\"", c->err.text);
		schedule(o, clock_wall_ms() + AGAIN_MS);
	} else {
		o->is_more = o->is_more || c->claim.n_items == c->claim.max;
		schedule(o, c->claim.next_due);
		for (size_t i = 0; i < c->claim.n_items; i++)
			begin_row(c, &c->claim.items[i]);
	}
	release(c);
	claim_more(o);
}

/* In the store's thread. */
static void on_claim(struct store_out_claim *claim, const struct err *err)
{
	struct out_claim *c = claim->ctx;

	c->err = *err;
	loop_post(c->outbox->mill->loop, after_claim, c);
}

/* As many as the ways out take at a time. */
static unsigned count_room(const struct mill_outbox *o)
{
	unsigned most = 0;

	for (size_t i = 0; i < o->mill->n_routes; i++)
		if (o->mill->routes[i].relay)
			most = MAX(most, o->mill->routes[i].relay->connections);
	return most > o->n_sendings ? most - o->n_sendings : 0;
}

static void claim_more(struct mill_outbox *o)
{
	struct mill *m = o->mill;
	unsigned room = count_room(o);
	struct out_claim *c;

	if (!m->is_started || m->is_stopped || o->claim || !o->is_more || !room)
		return;
	o->is_more = false;
	c = NEW(struct out_claim);
	c->outbox = o;
	c->arena = arena_new();
	c->n_users = 1;
	c->claim.max = MIN(room, CLAIM_MAX);
	c->claim.lease_ms = LEASE_MS;
	c->claim.now = clock_wall_ms();
	c->claim.arena = c->arena;
	c->claim.done = on_claim;
	c->claim.ctx = c;
	o->claim = c;
	store_out_claim(m->store, &c->claim);
}

void mill_outbox_wake(struct mill_outbox *o)
{
	o->is_more = true;
	claim_more(o);
}
