/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * apply.c - a plan goes to its target, mails of one thread in order; and what
 * mail actions mean.
 *
 * Records come first. Only when they are made does the delivery end, and with
 * its end, in one transaction, all that it sends and marks is there; so a
 * target that fails makes nothing be sent twice. Mail that came by LMTP, a
 * pipe or an archive has no mailbox to be kept in: a person looks at it.
 *
 *   action                     the delivery is then
 *   -------------------------  --------------------------------------------
 *   keep (explicit)            held for review; done if it made records
 *   keep (implicit)            dead, done or held, as the route's `unmatched`
 *                              says; done if it made records
 *   fileinto X                 held in folder X, with its flags
 *   discard                    done
 *   redirect A                 done; a copy goes to A
 *   reject, ereject            done; the sender is told
 *   vacation                   as without it; the sender is answered
 *   notify                     as without it; somebody is told
 *   (with :copy)               as without the action
 *
 * Of several, the first that fits counts: held in a folder, done with records,
 * held for review, done, dead.
 */
#include <mailmill/buf.h>
#include <mailmill/clock.h>

#include "mill_private.h"

#define FOLDERS_MAX ((size_t)64 << 10)
#define TOLD_MAX ((size_t)2000)

static void end_actions(struct work *w);

static void on_applied(struct target_job *job)
{
	struct work *w = job->ctx;
	struct mill *m = w->mill;
	char *why = arena_printf(w->arena, "%.*s", STR_ARG(job->reason));

	w->applied_at = clock_mono_ms();
	switch (job->outcome) {
	case TARGET_DONE:
		mill_target_worked(m, w->target);
		end_actions(w);
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

static bool sends(const struct plan *p)
{
	for (size_t i = 0; i < p->n_actions; i++)
		if (p->actions[i].kind >= PLAN_REDIRECT)
			return true;
	return false;
}

/* Names the folders, one a line, and the flags of what is filed. */
static void note_folders(struct work *w)
{
	const struct plan *p = w->plan;
	AUTO(buf) struct buf folders = BUF_INIT(FOLDERS_MAX);
	AUTO(buf) struct buf flags = BUF_INIT(FOLDERS_MAX);

	for (size_t i = 0; i < p->n_actions; i++) {
		const struct plan_action *a = &p->actions[i];
		if (a->kind == PLAN_FILEINTO && folders.len)
			buf_byte(&folders, '\n');
		if (a->kind == PLAN_FILEINTO)
			buf_str(&folders, a->value);
		for (size_t k = 0; a->kind <= PLAN_FILEINTO && k < a->n_flags;
			k++) {
			if (flags.len)
				buf_byte(&flags, ' ');
			buf_str(&flags, a->flags[k]);
		}
	}
	w->folders = arena_str(w->arena, buf_view(&folders));
	w->flags = arena_str(w->arena, buf_view(&flags));
}

/* Says what was sent, for the end of a delivery without records. */
static const char *tell_sent(struct work *w)
{
	const struct plan *p = w->plan;
	AUTO(buf) struct buf b = BUF_INIT(TOLD_MAX);

	for (size_t i = 0; i < p->n_actions; i++) {
		const struct plan_action *a = &p->actions[i];
		if (a->kind < PLAN_REDIRECT)
			continue;
		buf_printf(&b, "%s%s", b.len ? ", " : "",
			plan_action_name(a->kind));
		if (a->n_rcpts)
			buf_printf(&b, " to %.*s",
				STR_ARG(str_sub(a->rcpts[0], 0, 200)));
	}
	return arena_printf(w->arena, "%.*s", STR_ARG(buf_view(&b)));
}

/* Takes the mail actions' own ending, once records are made, if any. */
static void end_actions(struct work *w)
{
	const struct plan *p = w->plan;
	const struct plan_action *into = find_action(p, PLAN_FILEINTO);
	const struct plan_action *keep = find_action(p, PLAN_KEEP);

	mill_give_outgoing(w);
	if (into) {
		note_folders(w);
		mill_finish_held(w, arena_printf(w->arena, "filed into %.*s",
					    STR_ARG(into->value)));
	} else if (p->n_records) {
		mill_finish_done(w, "");
	} else if (keep &&
		   (!keep->is_implicit || w->route->unmatched == ROUTE_HOLD)) {
		note_folders(w);
		mill_finish_held(w, keep->is_implicit
					    ? "kept for review: no rule took it"
					    : "kept for review by the rule");
	} else if (!keep && sends(p)) {
		mill_finish_done(w, tell_sent(w));
	} else if (!keep) {
		mill_finish_done(w, "discarded by the rule");
	} else if (w->route->unmatched == ROUTE_DISCARD) {
		mill_finish_done(w, "no rule took it; the route discards such");
	} else {
		mill_finish_dead(w, "no rule took it");
	}
}

void mill_apply(struct work *w)
{
	const char *why = mill_ready_outgoing(w);

	if (why)
		mill_finish_held(w, why);
	else if (w->plan->n_records)
		apply_records(w);
	else
		end_actions(w);
}
