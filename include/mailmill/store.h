/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store.h - the durable queue and journal, behind one face for all databases.
 *
 * A message is stored once, with one delivery for each route that its
 * recipients match; the delivery is the unit of work. Writes of all kinds go
 * to one writer thread, which commits what has gathered with one sync and then
 * calls each one's done(). So every write is asynchronous: the struct that
 * describes it, and all that it points to, is lent until done() was called.
 * done() runs on the writer's thread and must be short (post to a loop).
 *
 * Reads are synchronous and may come from any thread.
 */
#ifndef MAILMILL_STORE_H
#define MAILMILL_STORE_H

#include <mailmill/base.h>
#include <mailmill/envelope.h>
#include <mailmill/err.h>
#include <mailmill/id.h>
#include <mailmill/mem.h>

struct store;
struct store_driver;

struct store_options {
	const char *path; /* the folder of the store; memory store: NULL */
	uint64_t reserve; /* bytes of disk below which puts are refused */
	uint64_t
		queue_max; /* waiting deliveries above which puts are refused */
	int64_t keep_bytes_ms;	 /* how long a done message's bytes stay */
	int64_t keep_journal_ms; /* how long its row and journal stay */
	bool is_readonly; /* for looking only, also while an owner runs */
};

/*
 * Opens a store, making it or bringing its schema forward as needed, and
 * returns what a dead owner had claimed to the queue. `driver`: "sqlite" or
 * "memory". One process at a time: a second is refused with the first's pid.
 * With is_readonly any number may look on, and all writes are refused.
 * Gives:   *out, by store_close().
 * Returns: 0, or -1 with *err: locked (ERR_TEMP), made by a newer version,
 *          damaged (says how to repair).
 */
MUST_CHECK int store_open(const char *driver, const struct store_options *o,
	struct store **out, struct err *err);
/* Waits for all writes, checkpoints, closes. Accepts NULL. */
void store_close(struct store *s);

/* --- the life of a delivery --------------------------------------------- */

enum store_state {
	STORE_QUEUED,
	STORE_CLAIMED,
	STORE_RETRY, /* waits for due_at */
	STORE_HELD,  /* waits for a person: kept for review, operator's fault */
	STORE_DONE,
	STORE_DEAD,    /* waits for a person, with a reason that is permanent */
	STORE_DROPPED, /* ended by a person */
};
#define STORE_N_STATES 7
/* Names a state: "queued", "claimed" ... */
const char *store_state_name(enum store_state state);
/* Reads a state's name. Returns: 0 or -1. */
MUST_CHECK int store_state_parse(struct str name, enum store_state *out);

struct store_put;
typedef void (*store_put_fn)(
	struct store_put *put, int outcome, const struct err *err);

/* One recipient group: those of the message that one route takes. */
struct store_put_route {
	struct str route;
	struct str *rcpts;
	size_t n_rcpts;
};

#define STORE_SEEN 1 /* outcome: `once` was there already, nothing added */

struct store_put {
	struct id id; /* of the message, made by the caller with id_new() */
	const struct envelope *env;
	uint64_t size;	  /* of the body in bytes */
	const char *body; /* the bytes, or NULL: read `size` bytes from ... */
	int fd;		  /* ... the start of this */
	const struct store_put_route *routes;
	size_t n_routes; /* at least 1 */
	struct str once; /* not empty: skip when a put with it was committed */
	store_put_fn
		done; /* outcome: 0 committed, STORE_SEEN, or -1 with err */
	void *ctx;
	struct store_put *next; /* the store's own */
};

/*
 * Stores a message and its deliveries; durable when done() gets 0.
 * Refuses (ERR_TEMP) at once when disk or queue are beyond their limits.
 */
void store_put(struct store *s, struct store_put *put);
/*
 * Tells whether a put would be taken now: disk and queue are within their
 * limits. Cheap enough for every message; from any thread.
 * Returns: 0, or -1 with *err (ERR_TEMP).
 */
MUST_CHECK int store_ready(struct store *s, struct err *err);

/* A delivery as claimed: all that is needed to work on it. */
struct store_delivery {
	int64_t id; /* ascends in order of arrival */
	struct id message;
	struct str route;
	struct str *rcpts; /* those of the envelope that the route took */
	size_t n_rcpts;
	struct envelope env; /* of the message, all recipients */
	uint64_t size;	     /* of the body */
	unsigned attempts;   /* times it was claimed before */
	unsigned crashes;    /* workers that it felled */
	struct str identity; /* 32 bytes, or empty when not known yet */
};

struct store_claim;
/* err->kind is ERR_NONE when it was done. */
typedef void (*store_claim_fn)(
	struct store_claim *claim, const struct err *err);

struct store_claim {
	unsigned max;		/* at most so many */
	int64_t lease_ms;	/* after it, they are due again */
	int64_t now;		/* wall ms */
	const struct str *skip; /* routes to leave alone */
	size_t n_skip;
	struct arena *arena;	      /* results are made here */
	struct store_delivery *items; /* result, oldest due first */
	size_t n_items;
	int64_t next_due; /* result when fewer than max: wall ms, or 0: none */
	store_claim_fn done;
	void *ctx;
	struct store_claim *next;
};

/* Claims what is due, of all routes but those to skip. */
void store_claim(struct store *s, struct store_claim *claim);

/* A thread's member: replies that refer to message_id belong to the record. */
struct store_thread {
	struct str scope;	   /* the target's name: records of one org */
	struct str message_id;	   /* without < and >; empty: parties only */
	struct str object, record; /* "Case", its id */
};

/* Something to remember for a route: that a script saw a key. */
struct store_mark {
	struct str key;
	int64_t at, until; /* wall ms, by the time that the script was told */
	bool is_last; /* begins anew when it is there; else that one stays */
};

/* A stretch of what is sent: bytes given here, or of the stored message. */
struct store_piece {
	struct str literal; /* any bytes; when it is empty, the range counts */
	uint64_t offset, len;
};

/* Mail to be sent when a delivery is finished. */
struct store_out {
	struct str kind; /* as plans name it: "redirect" */
	/*
	 * What tells it from the others of its delivery: a second one with it
	 * is left out, so that a delivery done again sends nothing again.
	 */
	struct str once;
	struct str sender; /* reverse-path, "" the null one */
	struct str *rcpts; /* forward-paths; no line breaks */
	size_t n_rcpts;
	struct store_piece *pieces; /* none: the message as it came */
	size_t n_pieces;
	struct str fcc;	     /* folder that shows it when it was sent */
	struct str reply_to; /* whom it answers by itself: store_out_count() */
	struct store_mark mark; /* with a key: sent only if it was not there */
};

struct store_finish;
/* err->kind is ERR_NONE when it was done. */
typedef void (*store_finish_fn)(struct store_finish *f, const struct err *err);

struct store_finish {
	int64_t delivery;
	enum store_state to; /* any but CLAIMED */
	int64_t due_at;	     /* of QUEUED and RETRY, wall ms */
	struct str reason;   /* of RETRY, HELD, DEAD; of DONE: why no record, or
				"" */
	bool is_crash;	     /* it felled a worker: count it */
	bool is_attempt;     /* counts as an attempt; false: just gave it back,
				journalled unless the last line says the same */
	struct str identity, message_id; /* kept when not empty */
	struct str scope; /* the target's name, beside message_id: see
			     store_find_thread(); empty: matches any */
	struct str
		journal; /* JSON text of what was done, kept when not empty */
	const struct store_thread *threads; /* to add */
	size_t n_threads;
	const struct str *parties; /* of these threads: addresses, lower case */
	size_t n_parties;
	struct str subject; /* of these threads, or empty */
	/* Set; of QUEUED and RETRY: announced, see store_seen(). */
	const struct store_mark *marks;
	size_t n_marks;
	const struct store_out *outs; /* to send */
	size_t n_outs;
	struct str folders; /* of HELD: where a rule filed it, one a line */
	struct str flags;   /* with blanks between */
	unsigned n_sent;    /* result: how many of outs are new */
	int64_t now;	    /* wall ms */
	store_finish_fn done;
	void *ctx;
	struct store_finish *next;
};

/*
 * Ends a claim: state, journal, threads, identity, marks and what is to be
 * sent in one transaction.
 * Fails with ERR_PERM when it is not claimed (its lease ran out and another's
 * finish came first): whatever was to be kept is not.
 */
void store_finish(struct store *s, struct store_finish *f);

/* --- what the mill asks -------------------------------------------------- */

/*
 * Gives a read-only descriptor of a message's bytes, from 0: a sealed memory
 * file when small, else an unlinked file, so that big mails cost no memory.
 * Returns: 0, STORE_GONE when retention took them, or -1 with *err.
 */
#define STORE_GONE 2
MUST_CHECK int store_body(struct store *s, const struct id *message,
	int *fd_out, struct err *err);

#define STORE_NONE 3
#define STORE_PENDING 4
/*
 * Finds the record of the nearest of `ids` that has one. An id whose delivery
 * is still on its way (saved by a finish with the same scope or none; queued,
 * claimed, to be retried or held) ends the search: the record will be known
 * later. Only deliveries that came before `self` (0: all) count, so that two
 * which name each other can not wait for ever.
 * Returns: 0 with *record in `a`; STORE_NONE; STORE_PENDING with *pending, the
 *          delivery to wait for; or -1 with *err.
 */
MUST_CHECK int store_find_thread(struct store *s, struct arena *a,
	struct str scope, struct str object, const struct str *ids,
	size_t n_ids, int64_t self, struct str *record, int64_t *pending,
	struct err *err);
/*
 * Finds the record that mails under a subject went to last, at `since` (wall
 * ms) or later, and if there are `parties`, with one of these taking part.
 * Returns: 0 with *record in `a`, STORE_NONE, or -1 with *err.
 */
MUST_CHECK int store_find_subject(struct store *s, struct arena *a,
	struct str scope, struct str object, struct str subject,
	const struct str *parties, size_t n_parties, int64_t since,
	struct str *record, struct err *err);
/*
 * Tells whether one of these took part in a thread that went to the record.
 * Returns: 0 (one did), STORE_NONE, or -1 with *err.
 */
MUST_CHECK int store_find_party(struct store *s, struct str scope,
	struct str object, struct str record, const struct str *parties,
	size_t n_parties, struct err *err);
/*
 * Finds a done delivery of the same mail on the same route, else an earlier
 * one (lower id than self) that is still on its way.
 * Returns: 0 with *delivery: done; STORE_PENDING with *delivery: on its way;
 *          STORE_NONE; or -1 with *err.
 */
MUST_CHECK int store_find_identity(struct store *s, struct str route,
	struct str identity, int64_t self, int64_t *delivery, struct err *err);

/*
 * Tells whether a route's mark is there at wall time `now`. What the delivery
 * `self` (0: none) has set itself does not count, so that it may be done again.
 * Returns: 0 it is; STORE_NONE; STORE_PENDING with *pending: an earlier
 *          delivery that is on its way has announced it; or -1 with *err.
 */
MUST_CHECK int store_seen(struct store *s, struct str route, struct str key,
	int64_t now, int64_t self, int64_t *pending, struct err *err);
/*
 * Names this store: 32 hex letters, the same for ever. Lends: until it is
 * closed.
 */
struct str store_token(const struct store *s);

/* --- outgoing mail ------------------------------------------------------- */

/*
 * States are those of deliveries, but for HELD; DONE is "sent". DEAD: some
 * recipient refused it for good, or time ran out; it waits for a person.
 */
struct store_out_row {
	int64_t id;
	int64_t delivery;
	struct id message;     /* whose bytes the pieces refer to */
	uint64_t message_size; /* of its body */
	struct str route, kind, sender, fcc, reason;
	struct str *rcpts;
	/* Beside each: "" it waits, else the reply: "250 ...", "550 ...". */
	struct str *results;
	size_t n_rcpts;
	struct store_piece *pieces; /* of claims and store_out_show() */
	size_t n_pieces;
	uint64_t size; /* of the pieces, all together */
	enum store_state state;
	unsigned attempts;
	int64_t created_at, due_at, changed_at; /* wall ms, 0: none */
};

/* Names a state of outgoing mail: "queued", "sent" ... */
const char *store_out_state_name(enum store_state state);

struct store_out_claim;
/* err->kind is ERR_NONE when it was done. */
typedef void (*store_out_claim_fn)(
	struct store_out_claim *claim, const struct err *err);

struct store_out_claim {
	unsigned max;		     /* at most so many */
	int64_t lease_ms;	     /* after it, they are due again */
	int64_t now;		     /* wall ms */
	struct arena *arena;	     /* results are made here */
	struct store_out_row *items; /* result, oldest due first */
	size_t n_items;
	int64_t next_due; /* result when fewer than max: wall ms, or 0: none */
	store_out_claim_fn done;
	void *ctx;
	struct store_out_claim *next;
};

/* Claims what is due to be sent. */
void store_out_claim(struct store *s, struct store_out_claim *claim);

struct store_out_finish;
/* err->kind is ERR_NONE when it was done. */
typedef void (*store_out_finish_fn)(
	struct store_out_finish *f, const struct err *err);

struct store_out_finish {
	int64_t id;
	enum store_state to; /* QUEUED, RETRY, DONE or DEAD */
	int64_t due_at;	     /* of QUEUED and RETRY, wall ms */
	struct str reason;
	const struct str *results; /* beside all of its recipients, or NULL */
	size_t n_results;
	bool is_attempt;    /* counts as an attempt */
	struct str journal; /* JSON for its delivery's journal, if not empty */
	int64_t now;	    /* wall ms */
	store_out_finish_fn done;
	void *ctx;
	struct store_out_finish *next;
};

/*
 * Ends a claim of outgoing mail. Fails with ERR_PERM when it is not claimed.
 * Note: bytes of its message are kept until all of them are sent or dropped.
 */
void store_out_finish(struct store *s, struct store_out_finish *f);

struct store_out_filter {
	unsigned states;   /* bit 1 << state; 0: all */
	struct str route;  /* empty: all */
	struct str text;   /* part of sender, recipients, reason */
	struct str folder; /* of a copy that was kept, or empty */
	int64_t delivery;  /* 0: all */
	int64_t after;	   /* only ids above (for paging) */
	size_t max;	   /* 0: 100 */
};

/* Lists by ascending id. Gives: *out in `a`. Returns: 0, or -1 with *err. */
MUST_CHECK int store_out_list(struct store *s, struct arena *a,
	const struct store_out_filter *filter, struct store_out_row **out,
	size_t *n_out, struct err *err);
/* Brings one, with its pieces. Returns: 0, STORE_NONE, or -1 with *err. */
MUST_CHECK int store_out_show(struct store *s, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err);
/*
 * Counts what was made to be sent since wall time `since`: of a route, and as
 * an answer to an address, in any case (empty: any).
 * Returns: 0, or -1 with *err.
 */
MUST_CHECK int store_out_count(struct store *s, struct str route,
	struct str reply_to, int64_t since, uint64_t *n, struct err *err);
/* Counts by state, and when the oldest that waits was made (or 0). */
MUST_CHECK int store_out_stats(struct store *s,
	uint64_t by_state[STORE_N_STATES], int64_t *oldest, struct err *err);

/* --- what admins ask ----------------------------------------------------- */

struct store_filter {
	unsigned states;   /* bit 1 << state; 0: all */
	struct str route;  /* empty: all */
	struct str text;   /* part of sender, recipient, reason, message-id */
	struct str folder; /* that a rule filed it into, or empty */
	int64_t from, to;  /* received, wall ms; 0: open */
	int64_t after;	   /* only ids above (for paging) */
	size_t max;	   /* 0: 100 */
};

/* A line of the list. Strings are in the caller's arena. */
struct store_row {
	int64_t id;
	struct id message;
	struct str route, sender, reason, message_id, source;
	struct str folders, flags; /* as store_finish was told */
	struct str *rcpts;
	size_t n_rcpts;
	enum store_state state;
	unsigned attempts;
	int64_t received_at, due_at, changed_at; /* wall ms, 0: none */
	uint64_t size;
	bool has_body;
};

/* Lists by ascending id. Gives: *out in `a`. Returns: 0, or -1 with *err. */
MUST_CHECK int store_list(struct store *s, struct arena *a,
	const struct store_filter *filter, struct store_row **out,
	size_t *n_out, struct err *err);
struct store_event {
	int64_t at; /* wall ms */
	enum store_state to;
	struct str text;    /* reason, or who did it */
	struct str journal; /* JSON text, or empty */
};
/* Brings one delivery, its envelope and its history, oldest first.
 * Returns: 0, STORE_NONE, or -1 with *err. */
MUST_CHECK int store_show(struct store *s, struct arena *a, int64_t id,
	struct store_row *row, struct envelope *env,
	struct store_event **events, size_t *n_events, struct err *err);

struct store_count {
	struct str route;
	int64_t day;	   /* wall ms of its start, UTC, by time of receipt */
	uint64_t received; /* counted when put, never recounted */
	uint64_t by_state[STORE_N_STATES]; /* counted now, retained or not */
	/* the same of outgoing mail, by its delivery's route and day */
	uint64_t planned, out_by_state[STORE_N_STATES];
};
/*
 * Counts deliveries by route and day. The books balance when, for each row,
 * received is the sum of by_state, and planned that of out_by_state.
 */
MUST_CHECK int store_balance(struct store *s, struct arena *a,
	struct store_count **out, size_t *n_out, struct err *err);
/* Counts all deliveries by state, and the oldest waiting's receipt (or 0). */
MUST_CHECK int store_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err);

enum store_order {
	STORE_DO_RETRY,
	STORE_DO_DROP,
	STORE_DO_RELEASE
};
/*
 * Carries out a person's word on one delivery and journals it with `who`.
 * retry: RETRY, DEAD, HELD or DROPPED become QUEUED; drop: waiting or DEAD
 * become DROPPED; release: HELD become QUEUED. Waits for the commit, so never
 * call it from a done().
 * Returns: 0, STORE_NONE when there is none or it is in no such state, or -1.
 */
MUST_CHECK int store_order(struct store *s, int64_t id, enum store_order order,
	struct str who, struct err *err);
/*
 * The same for outgoing mail. retry: RETRY, DEAD or DROPPED become QUEUED, for
 * those recipients that have not taken it; drop: waiting or DEAD.
 */
MUST_CHECK int store_out_order(struct store *s, int64_t id,
	enum store_order order, struct str who, struct err *err);

/*
 * Does one small step of retention at wall time `now`.
 * Returns: 1 when there is more to do, 0 when not, or -1 with *err.
 */
MUST_CHECK int store_sweep(struct store *s, int64_t now, struct err *err);
/*
 * Checks all of it, page by page and sum by sum, calling fn for each fault.
 * Returns: 0 sound, 1 damaged, or -1 with *err.
 */
MUST_CHECK int store_check(const char *driver, const struct store_options *o,
	void (*fn)(const char *fault, void *ctx), void *ctx, struct err *err);

/* Tells the newest schema version of "sqlite", which the way back names. */
int store_schema_version(void);

AUTO_DEFINE(store, struct store *, store_close)

#endif
