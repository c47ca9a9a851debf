/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mill.h - the loop that moves deliveries from store to worker to target and
 * back: claim, evaluate, answer, apply, finish. It knows no target by name.
 *
 * All calls belong to the loop's thread.
 */
#ifndef MAILMILL_MILL_H
#define MAILMILL_MILL_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/loop.h>
#include <mailmill/route.h>
#include <mailmill/relay.h>
#include <mailmill/resolver.h>
#include <mailmill/store.h>
#include <mailmill/target.h>
#include <mailmill/worker.h>

struct mill;

struct mill_options {
	unsigned in_flight; /* deliveries worked on at once */
	int64_t lease_ms; /* longest that one may take before it is due again */
	int64_t retry_min_ms, retry_max_ms; /* back-off of one delivery */
	int64_t away_ms; /* a target that fails over and over rests so long */
	int64_t give_up_ms; /* a delivery older than this dies; 0: never */
	/* Of outgoing mail: */
	const char *hostname;	/* for Message-ID and Received; NULL: ours */
	uint64_t out_max;	/* an hour, all together; 0: no limit */
	uint64_t out_route_max; /* an hour, of one route */
	uint64_t out_reply_max; /* an hour, answers to one address */
	int64_t out_retry_min_ms, out_retry_max_ms;
	int64_t out_give_up_ms; /* of one that can't be sent */
	/* Answers what rules ask the DNS; NULL: all of that fails. Lent. */
	struct resolver *resolver;
};

/* The bit of a kind of action in mill_route's `may`. */
#define MILL_MAY(kind) (1u << (kind))
/* And that its script asks the DNS at all. */
#define MILL_MAY_ASK_DNS (1u << 31)

/* Where a route's deliveries go. */
struct mill_route {
	const char *name;
	const char *script; /* as the worker pool knows it */
	struct target *target;
	enum route_unmatched unmatched; /* what becomes of what no rule took */
	/*
	 * Which kinds of actions its script has a word for, as the parent saw
	 * by compiling it: a worker that says another is not believed.
	 */
	unsigned may;
	struct relay *relay; /* for what it sends; NULL: none */
};

/*
 * Makes it, at rest until mill_start(). Store and pool must outlive it.
 * Gives: by mill_free().
 */
struct mill *mill_new(struct loop *loop, struct store *store,
	struct worker_pool *pool, const struct mill_options *o);
/* Ends it; nothing may be in flight but what a dying process leaves. */
void mill_free(struct mill *m);
/* Sets the routes, also anew after a reload. Copies all but the targets. */
void mill_set_routes(
	struct mill *m, const struct mill_route *routes, size_t n_routes);
struct token_keys;
/* Sets the keys by which tokens in mails count; NULL: none does. Lends. */
void mill_set_keys(struct mill *m, const struct token_keys *keys);
/* Begins to claim. */
void mill_start(struct mill *m);
/* Tells that something new is due: claims at once instead of at the next tick.
 */
void mill_wake(struct mill *m);
/* The same, and that outgoing mail may be due: a person had a word. */
void mill_look(struct mill *m);
/* Claims nothing more; what is in flight goes on. */
void mill_stop(struct mill *m);
/* Tells how many deliveries are in flight. */
unsigned mill_in_flight(const struct mill *m);

struct mill_stats {
	uint64_t n_done, n_retry, n_held, n_dead; /* since the start */
	uint64_t n_sent, n_unsent; /* outgoing mail sent, and given up */
	unsigned out_in_flight;
	unsigned in_flight;
	unsigned n_away;	 /* targets that rest */
	const char *away_reason; /* of one of them, or NULL. Lent */
};
/* Tells what it has done. */
void mill_stats(const struct mill *m, struct mill_stats *out);

AUTO_DEFINE(mill, struct mill *, mill_free)

#endif
