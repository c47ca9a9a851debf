/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * finish.c - how a work ends: one transaction in the store, one line in the
 * log. Promise 4: only the kind of failure decides between again and never.
 */
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/id.h>
#include <mailmill/log.h>
#include <mailmill/loop.h>

#include "mill_private.h"

/* waits before the store is offered an end again: doubled up to 16 s */
#define AGAIN_MS 250
#define AGAIN_DOUBLED_MAX 6
/* how soon to look whether another delivery has ended: later the older it is */
#define PENDING_MIN_MS 2000
#define PENDING_MAX_MS 30000
#define PENDING_SHARE 32

struct ending {
	struct work *work;
	struct err err;
	bool is_failed;
};

static void count(struct mill *m, enum store_state to)
{
	switch (to) {
	case STORE_DONE:
		m->stats.n_done++;
		return;
	case STORE_RETRY:
		m->stats.n_retry++;
		return;
	case STORE_HELD:
		m->stats.n_held++;
		return;
	case STORE_DEAD:
		m->stats.n_dead++;
		return;
	case STORE_QUEUED:
	case STORE_CLAIMED:
	case STORE_DROPPED:
		return;
	}
}

static void log_end(struct work *w, const struct store_finish *f)
{
	enum log_level level = f->to == STORE_DEAD ? LOG_WARN : LOG_INFO;

	AUTO(arena) struct arena *a = NULL;
	char sent[32] = "";

	if (!log_shows(level))
		return;
	a = arena_new();
	if (f->n_sent)
		snprintf(sent, sizeof(sent), " outgoing=%u", f->n_sent);
	log_event(level, "delivery.end",
		"item=%lld message=%s route=%.*s state=%s records=%zu "
		"ms=%lld%s%s%.*s%s",
		(long long)w->d.id, w->d.message.text, STR_ARG(w->d.route),
		store_state_name(f->to),
		f->to == STORE_DONE && !f->reason.len && w->plan
			? w->plan->n_records
			: 0,
		(long long)(clock_mono_ms() - w->claimed_at), sent,
		f->reason.len ? " reason=\"" : "",
		STR_ARG(log_quoted(a, f->reason)), f->reason.len ? "\"" : "");
}

/* In the loop, by the work's timer. */
static void finish_again(void *ctx)
{
	struct work *w = ctx;

	w->finish.next = NULL;
	store_finish(w->mill->store, &w->finish);
}

/*
 * What was done is known here only, until the store has it: a full disk must
 * not cost a whole lease.
 * Returns: whether it will be offered again.
 */
static bool try_later(struct ending *e)
{
	struct work *w = e->work;
	int64_t ms = AGAIN_MS << MIN(w->n_again, AGAIN_DOUBLED_MAX);

	/* it is another's by now, or past its lease */
	if (e->err.kind == ERR_PERM ||
		clock_mono_ms() - w->claimed_at + ms >= w->mill->o.lease_ms)
		return false;
	if (w->n_again++ == 0)
		log_event(LOG_WARN, "delivery.store", "item=%lld error=\"%s\"",
			(long long)w->d.id, e->err.text);
	if (!w->again)
		w->again = loop_timer_new(w->mill->loop, finish_again, w);
	loop_timer_set(w->again, ms);
	return true;
}

static void after_finish(void *ctx)
{
	struct ending *e = ctx;
	struct work *w = e->work;

	if (e->is_failed && try_later(e))
		return;
	if (e->is_failed) {
		/* its lease will run out, and all is done again, by key */
		log_event(LOG_ERROR, "delivery.end",
			"item=%lld error=\"cannot be stored: %s\"",
			(long long)w->d.id, e->err.text);
	} else {
		count(w->mill, w->finish.to);
		log_end(w, &w->finish);
		if (w->finish.n_sent)
			mill_outbox_wake(w->mill->outbox);
	}
	mill_work_free(w);
}

/* In the store's thread. */
static void on_finish(struct store_finish *f, const struct err *err)
{
	struct ending *e = f->ctx;

	e->is_failed = err->kind != ERR_NONE;
	e->err = *err;
	e->work->is_stored = !e->is_failed;
	loop_post(e->work->mill->loop, after_finish, e);
}

static void finish(struct work *w, enum store_state to, const char *reason)
{
	struct store_finish *f = &w->finish;
	struct ending *e = ARENA_NEW(w->arena, struct ending);

	e->work = w;
	f->delivery = w->d.id;
	f->to = to;
	f->reason = arena_str(w->arena, str_c(reason));
	f->identity = w->identity;
	f->message_id = w->message_id;
	if (w->target)
		f->scope = str_c(w->target->target->name);
	f->folders = w->folders;
	f->flags = w->flags;
	f->now = clock_wall_ms();
	f->done = on_finish;
	f->ctx = e;
	store_finish(w->mill->store, f);
}

static bool is_own_address(const struct work *w, struct str party)
{
	for (size_t i = 0; i < w->env.n_rcpts; i++)
		if (str_eq_case(w->env.rcpts[i].address, party))
			return true;
	return false;
}

/* All whom the mail names take part, but for ourselves. */
static void add_parties(struct work *w)
{
	struct str *out = arena_array(
		w->arena, w->n_parties, sizeof(*w->parties));
	size_t n = 0;

	for (size_t i = 0; i < w->n_parties; i++)
		if (!is_own_address(w, w->parties[i]))
			out[n++] = w->parties[i];
	w->finish.parties = out;
	w->finish.n_parties = n;
	w->finish.subject = w->thread_subject;
}

/* Replies to this mail belong to each record that it made or went to. */
static void add_threads(struct work *w)
{
	const struct plan *p = w->plan;
	struct store_thread *t;
	size_t n = 0;

	if (!p)
		return;
	t = arena_array(w->arena, p->n_records + 1, sizeof(*t));
	for (size_t i = 0; i < p->n_records; i++) {
		struct str id = w->apply.records[i].id;
		if (p->records[i].op == PLAN_DELETE || !id.len)
			continue;
		t[n++] = (struct store_thread){
			.scope = str_c(w->target->target->name),
			.message_id = w->message_id,
			.object = p->records[i].object,
			.record = id,
		};
	}
	if (w->thread_record.len)
		t[n++] = (struct store_thread){
			.scope = str_c(w->target->target->name),
			.message_id = w->message_id,
			.object = w->thread_object,
			.record = w->thread_record,
		};
	w->finish.threads = t;
	w->finish.n_threads = n;
	add_parties(w);
}

void mill_finish_done(struct work *w, const char *why)
{
	w->finish.is_attempt = true;
	if (w->plan)
		w->finish.journal = mill_journal(w);
	if (w->apply.records)
		add_threads(w);
	finish(w, STORE_DONE, why);
}

void mill_finish_dead(struct work *w, const char *why)
{
	w->finish.is_attempt = true;
	if (w->plan)
		w->finish.journal = mill_journal(w);
	finish(w, STORE_DEAD, why);
}

void mill_finish_held(struct work *w, const char *why)
{
	if (w->plan)
		w->finish.journal = mill_journal(w);
	if (w->apply.records)
		add_threads(w);
	finish(w, STORE_HELD, why);
}

void mill_finish_retry(struct work *w, int64_t retry_ms, const char *why)
{
	const struct mill_options *o = &w->mill->o;
	int64_t now = clock_wall_ms();
	unsigned random;

	if (o->give_up_ms && now - w->env.received_at > o->give_up_ms) {
		mill_finish_dead(
			w, arena_printf(w->arena,
				   "gave up after %lld hours; at last: %s",
				   (long long)(o->give_up_ms / 3600000), why));
		return;
	}
	id_random(&random, sizeof(random));
	w->finish.is_attempt = true;
	w->finish.due_at = now + MAX(retry_ms, mill_backoff(o, w->d.attempts,
						       random));
	if (w->apply.answer.len)
		w->finish.journal = mill_journal(w);
	mill_announce_marks(w);
	finish(w, STORE_RETRY, why);
}

static void give_back(struct work *w, int64_t due_at, const char *why)
{
	w->finish.is_attempt = w->apply.plan != NULL;
	w->finish.due_at = due_at;
	mill_announce_marks(w);
	finish(w, STORE_RETRY, why);
}

/*
 * Due since it came, so that it is not passed by what came later: mails of one
 * thread must not change places because their target was away.
 */
void mill_finish_away(struct work *w, const char *why)
{
	give_back(w, MIN(w->env.received_at, clock_wall_ms()), why);
}

void mill_finish_pending(struct work *w, const char *why, int64_t other)
{
	int64_t now = clock_wall_ms();
	int64_t ms = (now - w->env.received_at) / PENDING_SHARE;

	ms = MIN(MAX(ms, PENDING_MIN_MS), PENDING_MAX_MS);
	give_back(w, now + ms,
		arena_printf(w->arena, "waits for %s, delivery %lld", why,
			(long long)other));
}

void mill_finish_crashed(struct work *w, const char *why)
{
	w->finish.is_crash = true;
	if (w->d.crashes + 1 >= MILL_CRASHES_MAX) {
		mill_finish_dead(w, why);
		return;
	}
	w->finish.is_attempt = true;
	w->finish.due_at = clock_wall_ms();
	finish(w, STORE_RETRY, why);
}
