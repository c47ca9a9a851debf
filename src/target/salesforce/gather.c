/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gather.c - when does waiting for company pay?
 *
 * A call costs the same for one plan as for 75. So items gather while more
 * keep coming (no longer than `gather`, while a call is under way four times
 * that), and go at once when they fill a call or when it has been quiet for
 * `linger`: a lonely mail waits 5 ms, a flood rides in full calls.
 */
#include "client.h"

#define BUSY_FACTOR 4  /* while a call of the kind is under way */
#define SLOW_FACTOR 10 /* while the budget of calls is short */

void sf_gather_add(struct sf *sf, struct sf_gather *g, struct list *item)
{
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

bool sf_gather_is_due(
	struct sf *sf, const struct sf_gather *g, size_t full, size_t n_open)
{
	int64_t most = sf->conf.gather_ms, at;

	if (g->n == 0 || n_open >= (size_t)sf->conf.calls_max)
		return false;
	if (g->n >= full)
		return true;
	if (sf->budget == SF_BUDGET_SLOW)
		most *= SLOW_FACTOR;
	else if (n_open > 0)
		most *= BUSY_FACTOR;
	at = g->first_at + most;
	if (sf->budget != SF_BUDGET_SLOW && n_open == 0)
		at = MIN(at, g->last_at + sf->conf.linger_ms);
	if (sf->now >= at)
		return true;
	sf_wake_at(sf, at);
	return false;
}
