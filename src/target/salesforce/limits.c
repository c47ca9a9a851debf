/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * limits.c - the budget of API calls, which other programs share.
 *
 * Each answer tells what was used of the last 24 hours. Past `slow` percent
 * calls wait longer so that fewer carry more; past `stop` they end, so that
 * people and other programs can go on, but for one in five minutes: only an
 * answer tells that the window has moved on.
 */
#include "salesforce.h"

#define PROBE_MS (5 * 60 * 1000)
#define PAUSE_FIRST_MS 5000
#define PAUSE_MAX_MS (15 * 60 * 1000)

void sf_limits_read(struct sf_limits *l, struct str header)
{
	ssize_t at = str_find(header, STR("api-usage="));
	struct str rest, used, max;
	uint64_t n_used, n_max;

	/* per-app-api-usage= may stand first */
	while (at > 0 && header.p[at - 1] == '-') {
		ssize_t more;

		rest = str_sub(header, (size_t)at + 10, SIZE_MAX);
		more = str_find(rest, STR("api-usage="));
		at = more < 0 ? -1 : at + 10 + more;
	}
	if (at < 0)
		return;
	rest = str_sub(header, (size_t)at + 10, SIZE_MAX);
	if (!str_cut(&rest, '/', &used) || !rest.p)
		return;
	max = rest;
	for (size_t i = 0; i < max.len; i++)
		if (max.p[i] < '0' || max.p[i] > '9')
			max.len = i;
	if (str_to_u64(str_trim(used), UINT32_MAX, &n_used) ||
		str_to_u64(max, UINT32_MAX, &n_max) || n_max == 0)
		return;
	l->used = n_used;
	l->max = n_max;
}

void sf_limits_pause(struct sf_limits *l, int64_t now, int64_t ms)
{
	if (ms <= 0) {
		ms = PAUSE_FIRST_MS;
		for (unsigned i = 0; i < l->n_pauses && ms < PAUSE_MAX_MS; i++)
			ms *= 2;
	}
	if (l->pause_until <= now)
		l->n_pauses++;
	l->pause_until = MAX(l->pause_until, now + MIN(ms, PAUSE_MAX_MS));
}

void sf_limits_passed(struct sf_limits *l)
{
	l->n_pauses = 0;
}

enum sf_budget sf_limits_check(
	const struct sf_limits *l, int64_t now, int64_t *wait_ms)
{
	*wait_ms = 0;
	if (now < l->pause_until) {
		*wait_ms = l->pause_until - now;
		return SF_BUDGET_STOP;
	}
	if (l->max == 0 || l->used * 100 < l->max * (uint64_t)l->slow)
		return SF_BUDGET_FREE;
	if (l->used * 100 < l->max * (uint64_t)l->stop)
		return SF_BUDGET_SLOW;
	if (now < l->probe_at) {
		*wait_ms = l->probe_at - now;
		return SF_BUDGET_STOP;
	}
	return SF_BUDGET_SLOW;
}

void sf_limits_called(struct sf_limits *l, int64_t now)
{
	if (l->max > 0 && l->used * 100 >= l->max * (uint64_t)l->stop)
		l->probe_at = now + PROBE_MS;
}
