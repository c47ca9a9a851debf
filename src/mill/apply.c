/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * apply.c - a plan goes to its target, mails of one thread in order.
 */
#include <mailmill/clock.h>

#include "mill_private.h"

static void on_applied(struct target_job *job)
{
	struct work *w = job->ctx;
	struct mill *m = w->mill;
	char *why = arena_printf(w->arena, "%.*s", STR_ARG(job->reason));

	w->applied_at = clock_mono_ms();
	switch (job->outcome) {
	case TARGET_DONE:
		mill_target_worked(m, w->target);
		mill_finish_done(w, "");
		return;
	case TARGET_RETRY:
		if (!job->is_own)
			mill_target_failed(
				m, w->target, false, job->retry_ms, why);
		mill_finish_retry(w, job->retry_ms, why);
		return;
	case TARGET_REFUSED:
		mill_target_worked(m, w->target);
		mill_finish_dead(w, why);
		return;
	case TARGET_HOLD:
		mill_target_failed(m, w->target, true, job->retry_ms, why);
		mill_finish_away(w, why);
		return;
	}
}

/* An earlier mail that goes to the same record of the same target. */
static struct work *find_thread_mate(struct work *w)
{
	struct list *it;

	if (!w->thread_record.len)
		return NULL;
	list_each (it, &w->mill->works) {
		struct work *e = CONTAINER(it, struct work, in_works);
		if (e->d.id >= w->d.id)
			break;
		if (mill_is_same_target(e, w) &&
			str_eq(e->thread_record, w->thread_record))
			return e;
	}
	return NULL;
}

static void apply_records(struct work *w)
{
	struct work *mate = find_thread_mate(w);

	if (mate) {
		mill_wait(w, &mate->waiters, apply_records);
		return;
	}
	if (mill_target_is_away(w->target)) {
		mill_finish_away(w, w->target->away_reason);
		return;
	}
	w->apply = (struct target_job){ .delivery = w->d.id,
		.attempts = w->d.attempts,
		.plan = w->plan,
		.fd = w->fd,
		.arena = w->arena,
		.done = on_applied,
		.ctx = w };
	target_apply(w->target->target, &w->apply);
}

static const struct plan_action *find_action(
	const struct plan *p, enum plan_action_kind kind)
{
	for (size_t i = 0; i < p->n_actions; i++)
		if (p->actions[i].kind == kind)
			return &p->actions[i];
	return NULL;
}

/*
 * What mail actions mean for mail that came over SMTP, LMTP, a pipe or an
 * archive, where there is no mailbox to keep it in: a person looks at it.
 */
static void apply_actions(struct work *w)
{
	const struct plan *p = w->plan;
	const struct plan_action *into = find_action(p, PLAN_FILEINTO);
	const struct plan_action *redirect = find_action(p, PLAN_REDIRECT);
	const struct plan_action *keep = find_action(p, PLAN_KEEP);

	if (redirect)
		mill_finish_held(w,
			arena_printf(w->arena,
				"redirect to %.*s: this version sends no mail",
				STR_ARG(redirect->value)));
	else if (into)
		mill_finish_held(w, arena_printf(w->arena, "filed into %.*s",
					    STR_ARG(into->value)));
	else if (keep && !keep->is_implicit)
		mill_finish_held(w, "kept for review by the rule");
	else if (!keep)
		mill_finish_done(w, "discarded by the rule");
	else if (w->route->is_discard)
		mill_finish_done(w, "no rule took it; the route discards such");
	else
		mill_finish_dead(w, "no rule took it");
}

void mill_apply(struct work *w)
{
	if (w->plan->n_records)
		apply_records(w);
	else
		apply_actions(w);
}
