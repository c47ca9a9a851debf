/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_sqlite.h - what the files of the SQLite store share. */
#ifndef MAILMILL_STORE_SQLITE_H
#define MAILMILL_STORE_SQLITE_H

#include <sqlite3.h>

#include "driver.h"

#define SQLITE_READERS_MAX 8 /* idle ones that are kept */
/* wait so long for a recovery by another process */
#define SQLITE_BUSY_MS 5000

/* All statements, each prepared once a connection, when first needed. */
enum sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_PUT_SEEN,
	SQL_PUT_MESSAGE,
	SQL_PUT_CHUNK,
	SQL_PUT_DELIVERY,
	SQL_PUT_TALLY,
	SQL_CLAIM_DUE,
	SQL_CLAIM_TAKE,
	SQL_CLAIM_NEXT,
	SQL_BURY,
	SQL_FINISH,
	SQL_MESSAGE_OVER,
	SQL_MESSAGE_OPEN,
	SQL_JOURNAL,
	SQL_JOURNAL_NEWS,
	SQL_THREAD,
	SQL_PARTY,
	SQL_MARK,
	SQL_MARK_SOON,
	SQL_GET_MARK,
	SQL_GET_SOON,
	SQL_OUT_ADD,
	SQL_OUT_TALLY,
	SQL_OUT_CLAIM_DUE,
	SQL_OUT_CLAIM_TAKE,
	SQL_OUT_CLAIM_NEXT,
	SQL_OUT_BURY,
	SQL_OUT_FINISH,
	SQL_OUT_DELIVERY,
	SQL_OUT_JOURNAL,
	SQL_OUT_STATE_OF,
	SQL_OUT_ORDER,
	SQL_OUT_RECLAIM,
	SQL_OUT_LIST,
	SQL_OUT_ROW,
	SQL_OUT_COUNT_ALL,
	SQL_OUT_COUNT_ROUTE,
	SQL_OUT_COUNT_REPLY,
	SQL_OUT_COUNT_STATES,
	SQL_OUT_OLDEST,
	SQL_STATE_OF,
	SQL_ORDER,
	SQL_RECLAIM,
	SQL_SWEEP_BODIES,
	SQL_SWEEP_CHUNKS,
	SQL_SWEEP_BODY_GONE,
	SQL_SWEEP_ROWS,
	SQL_SWEEP_OUT_TALLY,
	SQL_SWEEP_OUT,
	SQL_SWEEP_SEEN,
	SQL_SWEEP_SOON,
	SQL_SWEEP_STATES,
	SQL_SWEEP_TALLY,
	SQL_SWEEP_JOURNAL,
	SQL_SWEEP_DELIVERIES,
	SQL_SWEEP_MESSAGE,
	SQL_SWEEP_THREADS,
	SQL_SWEEP_PARTIES,
	SQL_PAGES,
	SQL_PAGES_FREE,
	SQL_GIVE_BACK,
	SQL_BODY,
	SQL_BODY_CHUNK,
	SQL_FIND_THREAD,
	SQL_FIND_PENDING,
	SQL_FIND_SUBJECT,
	SQL_FIND_SUBJECT_OF,
	SQL_FIND_PARTY,
	SQL_FIND_IDENTITY,
	SQL_LIST,
	SQL_LIST_STATE,
	SQL_ROW,
	SQL_ENVELOPE,
	SQL_EVENTS,
	SQL_BALANCE,
	SQL_COUNT_STATES,
	SQL_OLDEST,
	SQL_LAST_TICK,
	SQL_GET_SKEW,
	SQL_SET_SKEW,
	SQL_GET_TOKEN,
	SQL_N,
};

/* A connection and its statements; one thread at a time. */
struct sqlite_conn {
	sqlite3 *db;
	sqlite3_stmt *all[SQL_N];
	struct sqlite_conn *next; /* among the idle readers */
};

struct sqlite_store {
	struct store base;
	char *path;   /* of the database */
	char *marker; /* there while it is open for writing */
	int lock_fd;  /* -1 when read-only */
	/* the writer's */
	struct sqlite_conn writer;
	bool is_broken; /* reopen it before the next transaction */
	int64_t moved[STORE_N_STATES]; /* in this transaction */
	int wal_pages, wal_done;       /* its length; what was moved of it */
	int64_t skew;		       /* as it stands in the database */
	char *piece;		       /* STORE_CHUNK_LEN bytes */

	pthread_mutex_t readers_lock;
	struct sqlite_conn *readers;
	size_t n_readers;
};

/* What is bound to one parameter. */
struct sqlite_value {
	enum {
		VALUE_INT,
		VALUE_TEXT,
		VALUE_BLOB,
		VALUE_NULL,
	} type;
	int64_t number;
	struct str bytes;
};

#define INT(x)                                                                 \
	((struct sqlite_value){ .type = VALUE_INT, .number = (int64_t)(x) })
#define TEXT(x) ((struct sqlite_value){ .type = VALUE_TEXT, .bytes = (x) })
#define BLOB(x) ((struct sqlite_value){ .type = VALUE_BLOB, .bytes = (x) })
/* NULL when empty, so that "coalesce" keeps what is there. */
#define TEXT_OR_NULL(x) sqlite_optional(VALUE_TEXT, (x))
#define BLOB_OR_NULL(x) sqlite_optional(VALUE_BLOB, (x))
struct sqlite_value sqlite_optional(int type, struct str bytes);

static inline struct sqlite_store *sqlite_of(struct store *s)
{
	return CONTAINER(s, struct sqlite_store, base);
}

/* Opens a connection to an existing database, or makes it when `is_writer`. */
int sqlite_conn_open(struct sqlite_conn *c, const char *path, bool is_writer,
	struct err *err);
void sqlite_conn_close(struct sqlite_conn *c);
/* Sets *err from the connection's last error. Returns: -1. */
int sqlite_conn_fail(struct sqlite_conn *c, const char *what, struct err *err);
/* Tells whether the last error makes the connection unfit to go on. */
bool sqlite_conn_is_unfit(struct sqlite_conn *c);
/* Runs one text, without values. */
int sqlite_conn_exec(struct sqlite_conn *c, const char *sql, struct err *err);
/* Reads the single number that a text, without values, gives. */
int sqlite_conn_number(
	struct sqlite_conn *c, const char *sql, int64_t *out, struct err *err);
/* Binds values and lends the statement, which must be reset after use. */
sqlite3_stmt *sqlite_start(struct sqlite_conn *c, enum sql id,
	const struct sqlite_value *values, size_t n, struct err *err);
/* Steps it; resets it unless there is a row.
 * Returns: 1 a row, 0 the end, or -1. */
int sqlite_step(struct sqlite_conn *c, sqlite3_stmt *st, struct err *err);
/* Runs a statement to its end. Returns: how many rows it changed, or -1. */
int sqlite_run(struct sqlite_conn *c, enum sql id,
	const struct sqlite_value *values, size_t n, struct err *err);

#define START(c, id, err, ...)                                                 \
	sqlite_start((c), (id), (struct sqlite_value[]){ __VA_ARGS__ },        \
		sizeof((struct sqlite_value[]){ __VA_ARGS__ }) /               \
			sizeof(struct sqlite_value),                           \
		(err))
#define RUN(c, id, err, ...)                                                   \
	sqlite_run((c), (id), (struct sqlite_value[]){ __VA_ARGS__ },          \
		sizeof((struct sqlite_value[]){ __VA_ARGS__ }) /               \
			sizeof(struct sqlite_value),                           \
		(err))

/* Lends a column's bytes until the next step; copy what is kept. */
struct str sqlite_text(sqlite3_stmt *st, int column);

/* Ends the use of a statement on leaving its scope. */
static inline void auto_stmt(sqlite3_stmt **st)
{
	if (*st)
		sqlite3_reset(*st);
}

/* --- store_sqlite_check.c --- */

/* Makes or brings forward the schema. */
int sqlite_schema_migrate(struct sqlite_conn *c, struct err *err);
/* Refuses a database of a newer program. */
int sqlite_schema_accept(struct sqlite_conn *c, struct err *err);
/* Looks for damage before a store is used; `is_unclean`: also at much data. */
int sqlite_check_quickly(
	struct sqlite_conn *c, bool is_unclean, struct err *err);
int sqlite_check(const struct store_options *o,
	void (*fn)(const char *fault, void *ctx), void *ctx, struct err *err);

/* --- store_sqlite_write.c --- */

int sqlite_put(struct store *s, const struct store_put *put, struct err *err);
int sqlite_claim(struct store *s, struct store_claim *claim, struct err *err);
int sqlite_finish(struct store *s, struct store_finish *f, struct err *err);
int sqlite_order(
	struct store *s, const struct store_word *word, struct err *err);
int sqlite_sweep(struct store *s, int64_t now, struct err *err);

/* --- store_sqlite_out.c --- */

/* Adds a finish's marks and outgoing mail, counting into f->n_sent. */
int sqlite_add_marks(
	struct sqlite_conn *c, const struct store_finish *f, struct err *err);
int sqlite_add_outs(
	struct sqlite_conn *c, struct store_finish *f, struct err *err);
int sqlite_out_claim(
	struct store *s, struct store_out_claim *claim, struct err *err);
int sqlite_out_finish(
	struct store *s, const struct store_out_finish *f, struct err *err);
int sqlite_out_order(
	struct store *s, const struct store_word *word, struct err *err);
int sqlite_seen(struct store *s, struct str route, struct str key, int64_t now,
	int64_t self, int64_t *pending, struct err *err);
int sqlite_out_list(struct store *s, struct arena *a,
	const struct store_out_filter *filter, struct store_out_row **out,
	size_t *n_out, struct err *err);
int sqlite_out_show(struct store *s, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err);
int sqlite_out_count(struct store *s, struct str route, struct str reply_to,
	int64_t since, uint64_t *n, struct err *err);
int sqlite_out_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err);

/* --- store_sqlite_read.c --- */

/* Lends a reading connection, given back by sqlite_reader_end(). */
struct sqlite_conn *sqlite_reader(struct sqlite_store *q, struct err *err);
void sqlite_reader_end(struct sqlite_store *q, struct sqlite_conn *c);
void sqlite_readers_close(struct sqlite_store *q);
int sqlite_count_states(
	struct sqlite_conn *c, int64_t n[STORE_N_STATES], struct err *err);
/* Copies recipients that are kept one a line. */
struct str *sqlite_split_rcpts(struct arena *a, struct str lines, size_t *n);
int sqlite_body(struct store *s, const struct id *message, int *fd_out,
	struct err *err);
int sqlite_find_thread(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str id, int64_t self, struct str *record,
	int64_t *pending, struct err *err);
int sqlite_find_subject(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str subject, struct str party, int64_t since,
	struct str *record, struct err *err);
int sqlite_find_party(struct store *s, struct str scope, struct str object,
	struct str record, struct str party, struct err *err);
int sqlite_find_identity(struct store *s, struct str route, struct str identity,
	int64_t self, int64_t *delivery, struct err *err);
int sqlite_list(struct store *s, struct arena *a,
	const struct store_filter *filter, struct store_row **out,
	size_t *n_out, struct err *err);
int sqlite_show(struct store *s, struct arena *a, int64_t id,
	struct store_row *row, struct envelope *env,
	struct store_event **events, size_t *n_events, struct err *err);
int sqlite_balance(struct store *s, void *books, struct err *err);
int sqlite_oldest(struct store *s, int64_t *oldest, struct err *err);

#endif
