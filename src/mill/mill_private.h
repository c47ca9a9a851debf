/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mill_private.h - one delivery on its way, and the steps that it goes. */
#ifndef MAILMILL_MILL_PRIVATE_H
#define MAILMILL_MILL_PRIVATE_H

#include <mailmill/list.h>
#include <mailmill/map.h>
#include <mailmill/mill.h>
#include <mailmill/token.h>

#define MILL_CRASHES_MAX 2 /* workers that one message may fell */
#define MILL_ROUNDS_MAX 8  /* times that a script may ask */
/* The same of rounds in which it asks the DNS alone, where each answer leads
 * to the next question; behind the first number there are no more answers. */
#define MILL_DNS_ROUNDS_MAX 40
#define MILL_DNS_ROUNDS_LAST 60
#define MILL_DNS_MAX 300 /* questions of one delivery */

/* How a target fares; shared by the routes that lead to it. */
struct mill_target {
	struct target *target;
	unsigned n_works;      /* in flight */
	unsigned n_failed;     /* tries in a row that ended in TARGET_RETRY */
	int64_t away_until;    /* mono ms; deliveries wait till then */
	char away_reason[256]; /* not empty until it worked again */
	bool is_live;	       /* some route leads to it */
	struct mill_target *next;
};

struct mill {
	struct loop *loop;
	struct store *store;
	struct worker_pool *pool;
	struct mill_options o;
	struct mill_route *routes;
	int64_t *
		rest_until; /* mono ms, of each route: its rule has no worker */
	size_t n_routes;
	struct mill_target *targets;
	unsigned n_live;     /* targets that are */
	struct list works;   /* all in flight, by ascending delivery id */
	struct list waiting; /* to be resumed when any work is known or ends */
	struct map *by_identity; /* route NUL identity -> work */
	unsigned n_works;
	struct loop_timer *tick;
	struct mill_claim *claim;	      /* under way, or NULL */
	bool is_started, is_stopped, is_more; /* more: due work is known of */
	struct mill_stats stats;
	const struct token_keys *keys; /* lent; NULL: no token counts */
	struct mill_outbox *outbox;
};

/* One delivery in flight. All that it needs lies in its arena. */
struct work {
	struct mill *mill;
	struct arena *arena;
	struct list in_works;
	struct list in_waiting; /* in mill->waiting or in another's waiters */
	struct list waiters;	/* works that wait for this one's end */
	void (*resume)(struct work *w); /* of one that waits */
	struct store_delivery d;
	const struct mill_route *route; /* a copy in the arena */
	struct mill_target *target;
	int fd;
	struct envelope env; /* with the route's recipients only */
	struct facts facts;
	unsigned rounds, dns_rounds, n_dns;
	bool is_known;	 /* identity and message_id were told */
	bool is_planned; /* plan is what will be done */
	struct str identity, message_id, subject;
	struct str thread_subject,
		*parties; /* as the mail package makes them */
	size_t n_parties;
	struct str twin_key; /* in by_identity */
	struct worker_job job;
	const struct plan *plan;
	unsigned n_asked;   /* questions under way, and one while asking */
	size_t at_question; /* the next thread question to answer */
	enum target_outcome ask_outcome; /* the worst of the answers */
	struct arena *ask_arena; /* answers; made in the target's thread */
	struct str ask_reason;
	int64_t ask_retry_ms;
	bool is_ask_own;
	struct str thread_object, thread_record; /* what it was answered */
	struct target_job apply;
	/* What its plan sends and marks, once it was done. */
	struct store_out *outs;
	size_t n_outs;
	_Atomic bool is_stored; /* the store counts them now */
	struct store_mark *marks;
	size_t n_marks;
	struct str folders, flags;
	int64_t claimed_at, evaluated_at, applied_at; /* mono ms */
	struct store_finish finish;
	struct loop_timer *again; /* the store would not take it */
	unsigned n_again;
};

/* mill.c */
/* Tells whether two works' records go to the same place, reloads or not. */
bool mill_is_same_target(const struct work *a, const struct work *b);
/* Lets a route rest. Returns: whether it did not before. */
bool mill_rest_route(struct mill *m, struct str route, int64_t ms);
struct work *mill_work_new(struct mill *m, const struct store_delivery *d);
void mill_work_free(struct work *w); /* its end is stored: wakes who waited */
/* evaluate.c */
void mill_evaluate(struct work *w);
/* wait.c */
void mill_wait(
	struct work *w, struct list *where, void (*resume)(struct work *));
void mill_resume_all(struct mill *m); /* a work became known, or ended */
/* answer.c */
void mill_answer(struct work *w); /* w->plan has questions */
/* apply.c */
void mill_apply(struct work *w);
/* outgoing.c */
/*
 * Readies what the plan sends and marks, and looks whether it may.
 * Returns: NULL, or why the delivery is held instead.
 */
const char *mill_ready_outgoing(struct work *w);
/* Has the finish that follows send and mark it, since the plan was done. */
void mill_give_outgoing(struct work *w);
/* Has it announce the marks, since the plan will be done later. */
void mill_announce_marks(struct work *w);
/* Tells whether a work will set a mark. */
bool mill_has_mark(const struct work *w, struct str key);
/* outbox.c */
struct mill_outbox *mill_outbox_new(struct mill *m);
void mill_outbox_free(struct mill_outbox *o);
/* Something is due, perhaps. */
void mill_outbox_wake(struct mill_outbox *o);
unsigned mill_outbox_in_flight(const struct mill_outbox *o);
/* Ends the name that outgoing mail bears. Lends. */
const char *mill_outbox_host(const struct mill_outbox *o);
/* Names the field of all mail that we send: ours when the token follows. */
#define MILL_SENT_FIELD "X-Mailmill-Sent"
/* mill.c */
const struct mill_route *mill_find_route(struct mill *m, struct str name);
/* finish.c */
void mill_finish_done(struct work *w, const char *why);
void mill_finish_dead(struct work *w, const char *why);
void mill_finish_held(struct work *w, const char *why);
void mill_finish_retry(struct work *w, int64_t retry_ms, const char *why);
/* Gives it back for a while; claims leave its route alone meanwhile. */
void mill_finish_away(struct work *w, const char *why);
/* Gives it back till a delivery that is not in flight may have ended. */
void mill_finish_pending(struct work *w, const char *why, int64_t other);
void mill_finish_crashed(struct work *w, const char *why);
/* retry.c */
int64_t mill_backoff(
	const struct mill_options *o, unsigned attempts, unsigned random);
void mill_target_failed(struct mill *m, struct mill_target *t, bool is_conf,
	int64_t retry_ms, const char *why);
void mill_target_worked(struct mill *m, struct mill_target *t);
bool mill_target_is_away(const struct mill_target *t);
/* Tells whether no more of its deliveries shall be begun. */
bool mill_target_is_full(const struct mill *m, const struct mill_target *t);
/* journal.c */
struct str mill_journal(struct work *w);

#endif
