/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * retry.c - when to try again.
 *
 * A delivery backs off alone: twice as long each time, with jitter, so that
 * what failed together does not return together. A target that fails several
 * times in a row, or that only the operator can help, rests as a whole: its
 * deliveries are given back without counting an attempt, its routes are not
 * claimed from, and one delivery after the rest is the probe: as long as
 * nothing worked, there is no second one beside it.
 *
 * Nor may a target that hangs take all the room from others: where there are
 * several, each has its share of the deliveries in flight.
 */
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/log.h>

#include "mill_private.h"

#define AWAY_AFTER 5 /* failures in a row */

int64_t mill_backoff(
	const struct mill_options *o, unsigned attempts, unsigned random)
{
	int64_t most = o->retry_min_ms;

	for (unsigned i = 0; i < attempts && most < o->retry_max_ms; i++)
		most *= 2;
	most = MIN(most, o->retry_max_ms);
	/* between a half and the whole of it */
	return most / 2 + (int64_t)(random % (unsigned)(most / 2 + 1));
}

bool mill_target_is_away(const struct mill_target *t)
{
	return t->away_until > clock_mono_ms();
}

bool mill_target_is_full(const struct mill *m, const struct mill_target *t)
{
	if (mill_target_is_away(t))
		return true;
	if (t->away_reason[0])
		return t->n_works >= 1;
	return m->n_live > 1 &&
	       t->n_works >= MAX(m->o.in_flight / m->n_live, 1);
}

void mill_target_failed(struct mill *m, struct mill_target *t, bool is_conf,
	int64_t retry_ms, const char *why)
{
	int64_t now = clock_mono_ms();
	bool was_away = mill_target_is_away(t);

	t->n_failed++;
	if (!is_conf && t->n_failed < AWAY_AFTER)
		return;
	t->away_until = now + MAX(retry_ms, m->o.away_ms);
	snprintf(t->away_reason, sizeof(t->away_reason), "%s",
		why[0] ? why : "no reason given");
	if (!was_away)
		log_event(is_conf ? LOG_ERROR : LOG_WARN, "target.away",
			"target=%s seconds=%lld reason=\"%s\"", t->target->name,
			(long long)(t->away_until - now) / 1000, why);
}

void mill_target_worked(struct mill *m, struct mill_target *t)
{
	if (t->away_reason[0]) {
		log_event(
			LOG_INFO, "target.back", "target=%s", t->target->name);
		m->is_more = true; /* of what was left alone */
	}
	t->n_failed = 0;
	t->away_until = 0;
	t->away_reason[0] = 0;
}
