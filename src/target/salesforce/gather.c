/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gather.c - when does waiting for company pay?
 *
 * A call costs the same for one plan as for 75. A lonely mail goes after
 * `linger` of quiet. When many come (BUSY_RATE a second), a call is filled: it
 * waits as long as filling should take at that rate, within bounds, and a
 * hiccup of the workers is not yet quiet. What waits is then never more than
 * one call holds, so the pipeline is not held up. While a call of the kind is
 * under way, there is no hurry either.
 */
#include "client.h"

#define BUSY_RATE 40
#define BUSY_QUIET_MS 100
#define BUSY_FACTOR 4  /* times `gather`, the longest wait when busy */
#define SLOW_FACTOR 10 /* the same while the budget of calls is short */
#define WINDOW_MS 1000
#define WINDOW_MIN_MS 500 /* a burst is no rate */

/* Counts what comes in windows of a second. */
static void count(struct sf *sf, struct sf_gather *g)
{
	int64_t age = sf->now - g->window_at;

	if (age >= WINDOW_MS) {
		g->rate_before = age < 2 * WINDOW_MS
					 ? (int64_t)g->n_window * 1000 / age
					 : 0;
		g->n_window = 0;
		g->window_at = sf->now;
	}
	g->n_window++;
}

/* Items a second, lately. */
static int64_t rate_of(const struct sf *sf, const struct sf_gather *g)
{
	int64_t age = sf->now - g->window_at, now;

	if (age >= 2 * WINDOW_MS)
		return 0;
	now = (int64_t)g->n_window * 1000 / MAX(age, WINDOW_MIN_MS);
	return g->rate_before > 0 ? (g->rate_before + now) / 2 : now;
}

void sf_gather_add(struct sf *sf, struct sf_gather *g, struct list *item)
{
	count(sf, g);
	if (g->n == 0)
		g->first_at = sf->now;
	g->last_at = sf->now;
	g->n++;
	list_add(&g->items, item);
}

void sf_gather_took(struct sf *sf, struct sf_gather *g, size_t n)
{
	must(n <= g->n);
	g->n -= n;
	g->first_at = sf->now;
}

/* When the first item has waited long enough. */
static int64_t due_at(const struct sf *sf, const struct sf_gather *g,
	size_t full, bool is_open)
{
	int64_t gather = sf->conf.gather_ms, rate = rate_of(sf, g);
	int64_t most = gather, quiet = sf->conf.linger_ms;

	if (sf->budget == SF_BUDGET_SLOW)
		return g->first_at + gather * SLOW_FACTOR;
	if (is_open)
		return g->first_at + gather * BUSY_FACTOR;
	if (rate >= BUSY_RATE) {
		int64_t fill = (int64_t)full * 1250 / rate;

		most = MIN(MAX(fill, gather), gather * BUSY_FACTOR);
		quiet = MAX(quiet, MIN(BUSY_QUIET_MS, gather));
	}
	return MIN(g->first_at + most, g->last_at + quiet);
}

bool sf_gather_is_due(
	struct sf *sf, const struct sf_gather *g, size_t full, size_t n_open)
{
	int64_t at;

	if (g->n == 0 || n_open >= (size_t)sf->conf.calls_max)
		return false;
	if (g->n >= full)
		return true;
	at = due_at(sf, g, full, n_open > 0);
	if (sf->now >= at)
		return true;
	sf_wake_at(sf, at);
	return false;
}
