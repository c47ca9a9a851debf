/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_mem.h - what the files of the store in memory share. */
#ifndef MAILMILL_STORE_MEM_H
#define MAILMILL_STORE_MEM_H

#include <mailmill/map.h>

#include "driver.h"

struct message {
	struct id id;
	struct str envelope, sender, source, once;
	int64_t received_at, done_at; /* 0: some delivery is open */
	uint64_t size;
	char *body;
	bool has_body;
};

struct delivery {
	int64_t id;
	struct message *message;
	bool is_gone; /* retention took it */
	struct str route, reason, identity, message_id, scope, folders, flags;
	struct str *rcpts;
	size_t n_rcpts;
	enum store_state state;
	int64_t due_at, changed_at;
	unsigned attempts, crashes;
	struct store_event *events;
	size_t n_events, events_room;
};

/* What retention took, and what was ever received. */
struct tally {
	struct str route;
	int64_t day;
	uint64_t received, kept[STORE_N_STATES];
	uint64_t planned, out_kept[STORE_N_STATES];
};

struct mark {
	struct str route, key;
	int64_t delivery, until; /* 0: only announced */
};

struct out {
	struct store_out_row row; /* due_at in the store's time */
	struct delivery *delivery;
	struct str once, reply_to;
	bool is_gone;
};

/* As a row of thread_party. */
struct party {
	struct str party, subject, scope, object, record;
	int64_t at;
};

struct mem_store {
	struct store base;
	pthread_mutex_t lock;
	struct arena *arena;
	struct map *messages; /* by id */
	struct map *once;     /* of messages */
	struct map *threads;  /* "message-id\nscope\nobject" to record */
	struct party *parties;
	size_t n_parties, parties_room;
	struct delivery **all; /* number i has id i + 1 */
	size_t n_all, room;
	struct tally *tallies;
	size_t n_tallies, tallies_room;
	struct mark *marks;
	size_t n_marks, marks_room;
	struct out **outs; /* number i has id i + 1 */
	size_t n_outs, outs_room;
};

static inline struct mem_store *mem_of(struct store *s)
{
	return CONTAINER(s, struct mem_store, base);
}

static inline void mem_unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

/* Holds the lock until the end of the scope. */
#define LOCKED(m)                                                              \
	__attribute__((cleanup(mem_unlock)))                                   \
	UNUSED pthread_mutex_t *locked = (pthread_mutex_lock(&(m)->lock),      \
		&(m)->lock)

/* --- store_mem.c --- */

/* Notes when all of a message was over, or that something of it is not. */
void mem_mark_message(struct mem_store *m, struct message *msg, int64_t now);
struct tally *mem_find_tally(
	struct mem_store *m, struct str route, int64_t day);
/* Finds a delivery. Returns: or NULL. */
struct delivery *mem_find(struct mem_store *m, int64_t id);
void mem_add_event(struct mem_store *m, struct delivery *d, int64_t at,
	struct str text, struct str journal);

/* --- store_mem_out.c --- */

void mem_out_init(struct mem_store *m);
void mem_out_fini(struct mem_store *m);
/* Tells whether some outgoing mail of a message waits. */
bool mem_out_waits(const struct mem_store *m, const struct message *msg);
/* Adds a finish's marks and outgoing mail. */
void mem_add_outs(
	struct mem_store *m, struct delivery *d, struct store_finish *f);
/* Removes what retention took with a delivery, counting it. */
void mem_out_remove(struct mem_store *m, struct delivery *d);
/* Returns: whether a mark was removed. */
bool mem_sweep_marks(struct mem_store *m, int64_t now);
void mem_out_balance(struct mem_store *m, void *books);
int mem_out_claim(
	struct store *s, struct store_out_claim *claim, struct err *err);
int mem_out_finish(
	struct store *s, const struct store_out_finish *f, struct err *err);
int mem_out_order(
	struct store *s, const struct store_word *word, struct err *err);
int mem_seen(struct store *s, struct str route, struct str key, int64_t now,
	int64_t self, int64_t *pending, struct err *err);
int mem_out_list(struct store *s, struct arena *a,
	const struct store_out_filter *filter, struct store_out_row **out,
	size_t *n_out, struct err *err);
int mem_out_show(struct store *s, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err);
int mem_out_count(struct store *s, struct str route, struct str reply_to,
	int64_t since, uint64_t *n, struct err *err);
int mem_out_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err);

#endif
