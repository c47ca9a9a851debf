/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * evaluate.c - a work goes to a worker, and what comes back decides the way.
 *
 * The first answer tells the mail's identity. The same mail twice on one route
 * (over two ways in, or sent again by an MTA that lost our 250) is worked on
 * once: its twin waits for it and is then done without records.
 */
#include <mailmill/clock.h>
#include <mailmill/log.h>

#include "mill_private.h"

#define BROKEN_MS 30000
#define SAME_MAIL "the same mail"

static bool asks_dns_alone(const struct plan *p)
{
	for (size_t i = 0; i < p->n_questions; i++)
		if (p->questions[i].kind != PLAN_DNS)
			return false;
	return true;
}

static void follow_plan(struct work *w)
{
	const struct plan *p = w->plan;
	struct mill *m = w->mill;

	if (p->n_questions) {
		if (asks_dns_alone(p))
			w->dns_rounds++;
		else
			w->rounds++;
		if (w->rounds > MILL_ROUNDS_MAX ||
			w->dns_rounds > MILL_DNS_ROUNDS_LAST)
			mill_finish_dead(w,
				"its rule asks over and over (more than 8 "
				"rounds of questions)");
		else
			mill_answer(w);
		return;
	}
	w->is_planned = true;
	if (p->fail.len)
		mill_finish_dead(
			w, arena_printf(w->arena, "%.*s", STR_ARG(p->fail)));
	else
		mill_apply(w);
	/* who asked for a mark waits for the plans of all before it */
	if (!list_is_empty(&m->waiting))
		mill_resume_all(m);
}

static void meet_twin(struct work *w)
{
	struct mill *m = w->mill;
	struct work *twin = map_get(m->by_identity, w->twin_key);
	struct err err = { 0 };
	int64_t other = 0;
	int rc;

	if (twin && twin != w && twin->d.id < w->d.id) {
		mill_wait(w, &twin->waiters, meet_twin);
		return;
	}
	/* one of a higher id, when a person called the lower one back; that one
	 * may wait for us in its turn, so it's not waited for in memory */
	if (twin && twin != w) {
		mill_finish_pending(w, SAME_MAIL, twin->d.id);
		return;
	}
	if (!twin)
		map_set(m->by_identity, w->twin_key, w);
	rc = store_find_identity(
		m->store, w->d.route, w->identity, w->d.id, &other, &err);
	if (rc < 0)
		mill_finish_retry(w, 0, err.text);
	else if (rc == 0)
		mill_finish_done(w,
			arena_printf(w->arena, "the same mail as delivery %lld",
				(long long)other));
	else if (rc == STORE_PENDING && other < w->d.id)
		mill_finish_pending(w, SAME_MAIL, other);
	else
		follow_plan(w);
}

static struct str make_twin_key(struct work *w)
{
	size_t len = w->d.route.len + 1 + w->identity.len;
	char *key = arena_alloc(w->arena, len);

	memcpy(key, w->d.route.p, w->d.route.len);
	memcpy(key + w->d.route.len + 1, w->identity.p, w->identity.len);
	return str_n(key, len);
}

static void become_known(struct work *w)
{
	w->is_known = true;
	w->identity = w->job.identity;
	w->message_id = w->job.message_id;
	w->thread_subject = w->job.thread_subject;
	w->parties = w->job.parties;
	w->n_parties = w->job.n_parties;
	w->subject = w->job.subject;
	w->twin_key = make_twin_key(w);
	meet_twin(w);
	mill_resume_all(w->mill);
}

static void take_plan(struct work *w)
{
	w->plan = w->job.plan;
	w->evaluated_at = clock_mono_ms();
	if (w->is_known)
		follow_plan(w);
	else
		become_known(w);
}

static void on_evaluated(struct worker_job *job)
{
	struct work *w = job->ctx;
	const char *why = arena_printf(w->arena, "%.*s", STR_ARG(job->reason));

	switch (job->outcome) {
	case WORKER_PLAN:
		take_plan(w);
		return;
	case WORKER_REFUSED:
		mill_finish_dead(w, why);
		return;
	case WORKER_CRASHED:
		mill_finish_crashed(w, why);
		return;
	case WORKER_CANCELLED:
		mill_finish_away(w, "the service was stopped");
		return;
	case WORKER_BROKEN:
		if (mill_rest_route(w->mill, w->d.route, BROKEN_MS))
			log_event(LOG_ERROR, "mill.evaluate",
				"item=%lld route=%s error=\"%s\"",
				(long long)w->d.id, w->route->name, why);
		mill_finish_away(w, why);
		return;
	}
}

void mill_evaluate(struct work *w)
{
	struct worker_job *j = &w->job;

	*j = (struct worker_job){ .fd = w->fd,
		.script = w->route->script,
		.env = &w->env,
		.facts = &w->facts,
		.arena = w->arena,
		.done = on_evaluated,
		.ctx = w };
	worker_submit(w->mill->pool, j);
}
