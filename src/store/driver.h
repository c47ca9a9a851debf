/* SPDX-License-Identifier: GPL-3.0-or-later */
/* driver.h - what a database does for the store, and what it gets for that. */
#ifndef MAILMILL_STORE_DRIVER_H
#define MAILMILL_STORE_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include <mailmill/buf.h>
#include <mailmill/store.h>

#define STORE_CHUNK_LEN ((size_t)256 * 1024)
#define STORE_DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define STORE_TOKEN_LEN 32
#define STORE_PIECES_MAX ((size_t)256 << 20) /* bytes of one outgoing mail */
#define STORE_LIST_DEFAULT 100
#define STORE_LIST_MAX 10000   /* rows a list */
#define STORE_EVENTS_MAX 10000 /* newest of a delivery's history */
#define STORE_BIT(state) (1u << (state))
/* claims look at these: it is still ours to do */
#define STORE_IS_WAITING(state) ((state) <= STORE_RETRY)

/* Word of a person, waiting for the writer. */
struct store_word {
	int64_t id;
	bool is_out; /* the id of outgoing mail */
	enum store_order order;
	struct str who;
};

/*
 * One database. All calls between begin and commit are made by the writer's
 * thread; the reading ones come from any. Results are as in store.h.
 */
struct store_driver {
	const char *name;
	size_t batch_max; /* jobs a transaction */
	/*
	 * Makes the driver's own struct, which begins with struct store, and
	 * sets counts; o is the caller's. Recovers what a dead owner claimed.
	 */
	int (*open)(const struct store_options *o, struct store **out,
		struct err *err);
	/* Ends it; no call is under way. */
	void (*close)(struct store *s);
	int (*begin)(struct store *s, struct err *err);
	int (*commit)(struct store *s, struct err *err);
	void (*rollback)(struct store *s);
	int (*put)(
		struct store *s, const struct store_put *put, struct err *err);
	int (*claim)(
		struct store *s, struct store_claim *claim, struct err *err);
	int (*finish)(struct store *s, struct store_finish *f, struct err *err);
	int (*out_claim)(struct store *s, struct store_out_claim *claim,
		struct err *err);
	int (*out_finish)(struct store *s, const struct store_out_finish *f,
		struct err *err);
	int (*out_order)(struct store *s, const struct store_word *word,
		struct err *err);
	int (*order)(struct store *s, const struct store_word *word,
		struct err *err);
	int (*sweep)(struct store *s, int64_t now, struct err *err);
	/* Housekeeping between commits. May be NULL. */
	void (*rest)(struct store *s);

	int (*body)(struct store *s, const struct id *message, int *fd_out,
		struct err *err);
	int (*find_thread)(struct store *s, struct arena *a, struct str scope,
		struct str object, struct str id, int64_t self,
		struct str *record, int64_t *pending, struct err *err);
	/* party: the null string for anybody. */
	int (*find_subject)(struct store *s, struct arena *a, struct str scope,
		struct str object, struct str subject, struct str party,
		int64_t since, struct str *record, struct err *err);
	int (*find_party)(struct store *s, struct str scope, struct str object,
		struct str record, struct str party, struct err *err);
	int (*find_identity)(struct store *s, struct str route,
		struct str identity, int64_t self, int64_t *delivery,
		struct err *err);
	int (*seen)(struct store *s, struct str route, struct str key,
		int64_t now, int64_t self, int64_t *pending, struct err *err);
	int (*out_list)(struct store *s, struct arena *a,
		const struct store_out_filter *filter,
		struct store_out_row **out, size_t *n_out, struct err *err);
	int (*out_show)(struct store *s, struct arena *a, int64_t id,
		struct store_out_row *row, struct err *err);
	int (*out_count)(struct store *s, struct str route, struct str reply_to,
		int64_t since, uint64_t *n, struct err *err);
	int (*out_stats)(struct store *s, uint64_t by_state[STORE_N_STATES],
		int64_t *oldest, struct err *err);
	int (*list)(struct store *s, struct arena *a,
		const struct store_filter *filter, struct store_row **out,
		size_t *n_out, struct err *err);
	int (*show)(struct store *s, struct arena *a, int64_t id,
		struct store_row *row, struct envelope *env,
		struct store_event **events, size_t *n_events, struct err *err);
	/* Calls add for each count that it has: see store_count_add(). */
	int (*balance)(struct store *s, void *books, struct err *err);
	int (*oldest)(struct store *s, int64_t *oldest, struct err *err);
	/* May be NULL: nothing to check. */
	int (*check)(const struct store_options *o,
		void (*fn)(const char *fault, void *ctx), void *ctx,
		struct err *err);
};

extern const struct store_driver store_sqlite, store_memory;

struct store_queue {
	void *first, *last;
};

/* What all drivers share; theirs begins with it. */
struct store {
	const struct store_driver *driver;
	struct store_options options;	 /* path is our copy */
	char token[STORE_TOKEN_LEN + 1]; /* set by the driver's open() */
	/* Deliveries by state; the driver adds store_moved() at commit. */
	_Atomic int64_t n_by_state[STORE_N_STATES];

	/* the store's time: see store.c; the writer's, but for skew */
	int64_t tick, tick_mono;
	_Atomic int64_t skew;

	pthread_t writer;
	pthread_mutex_t lock;
	pthread_cond_t more; /* the writer waits for it */
	pthread_cond_t over; /* words wait for it */
	struct store_put *puts, **puts_end;
	struct store_put *bulk, **bulk_end; /* the large ones */
	struct store_claim *claims, **claims_end;
	struct store_finish *finishes, **finishes_end;
	struct store_out_claim *out_claims, **out_claims_end;
	struct store_out_finish *out_finishes, **out_finishes_end;
	struct store_wait *waits, **waits_end;
	bool is_stopping;

	pthread_mutex_t disk_lock;
	int64_t disk_seen_at; /* mono ms */
	uint64_t disk_free;
	uint64_t disk_taken; /* put since it was seen */
};

/* Tells the store's time for a wall time. Writer's thread only. */
int64_t store_tick(struct store *s, int64_t wall);
/* Turns a wall time in the future into the store's time, within a bound. */
int64_t store_due(struct store *s, int64_t wall);
/* Turns the store's time back into wall time; 0 stays 0. Any thread. */
int64_t store_wall(struct store *s, int64_t tick);
/* Tells whether a person's word fits a state, and what it becomes. */
bool store_order_fits(
	enum store_order order, enum store_state from, enum store_state *to);
/* Words for the journal: "retried by ...". */
char *store_order_text(struct arena *a, enum store_order order, struct str who);
/* Begins a message's copy: a descriptor to write `size` bytes to, or -1. */
int store_body_begin(struct store *s, uint64_t size, struct err *err);
/* Turns it into one that can only be read, at 0. Returns: fd, or -1. Takes:
 * fd. */
int store_body_end(int fd, uint64_t size, struct err *err);
/* What store_count_add() counts, beside states: of deliveries ... */
#define STORE_COUNT_RECEIVED (-1)
/* ... and of outgoing mail: planned, and state n as this plus n. */
#define STORE_COUNT_PLANNED (-2)
#define STORE_COUNT_OUT 100
/* Counts n deliveries, or pieces of outgoing mail, into the books. */
void store_count_add(
	void *books, struct str route, int64_t day, int what, uint64_t n);
/*
 * Tells whether a person's word fits a state of outgoing mail, and what it
 * becomes.
 */
bool store_out_order_fits(
	enum store_order order, enum store_state from, enum store_state *to);
/* Says in a delivery's journal which outgoing mail it is about. */
struct str store_out_text(struct arena *a, int64_t id, struct str reason);
/* Joins texts, one a line, each in one line. Gives: in `a`. */
struct str store_lines(struct arena *a, const struct str *texts, size_t n);
/* Adds the wire form of pieces. Over b's limit, buf_is_over() tells. */
void store_pieces_encode(struct buf *b, const struct store_out *out);
/*
 * Reads it, and the sum of their lengths. A range beyond the message's `size`
 * is damage. Lends: from `in`. Returns: 0, or -1 with *err.
 */
MUST_CHECK int store_pieces_decode(struct arena *a, struct str in,
	uint64_t size, struct store_piece **out, size_t *n_out, uint64_t *sum,
	struct err *err);
/* Reads piece number `n` of a put's body into `room` unless it is in memory.
 * Returns: 0, or -1 with *err. */
int store_put_piece(const struct store_put *put, uint64_t n, char *room,
	struct str *out, struct err *err);

#endif
