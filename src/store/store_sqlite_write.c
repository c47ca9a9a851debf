/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_sqlite_write.c - what the writer does inside its transactions.
 *
 * Every change of a delivery's state goes through note_move(), so that counts
 * by state are known without counting.
 */
#include <mailmill/clock.h>
#include <mailmill/fault.h>
#include <mailmill/log.h>

#include "store_sqlite.h"

#define ENVELOPE_MAX ((size_t)8 << 20)
#define CHUNK_BITS 16
#define CHUNKS_MAX ((uint64_t)1 << CHUNK_BITS)
#define REASON_MAX 2000
#define JOURNAL_MAX ((size_t)4 << 20)
#define LEASE_MAX (STORE_DAY_MS)
/* one step of retention: short enough that no sender feels it */
#define SWEEP_MESSAGES 16
#define SWEEP_CHUNKS 16
#define SWEEP_THREADS 100
#define SKIP_MAX ((size_t)1 << 20)
/* free pages that are kept for what comes next: an eighth, and 4 MiB */
#define FREE_SHARE 8
#define FREE_PAGES_LEAST 1024

static void note_move(
	struct sqlite_store *q, int from, enum store_state to, int64_t n)
{
	if (from >= 0 && from < STORE_N_STATES)
		q->moved[from] -= n;
	q->moved[to] += n;
}

static struct str cut_text(struct str s, size_t max)
{
	return str_sub(s, 0, max);
}

/* --- put ------------------------------------------------------------------ */

static int put_chunks(struct sqlite_store *q, const struct store_put *put,
	int64_t seq, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	struct str piece;

	for (uint64_t n = 0; n * STORE_CHUNK_LEN < put->size; n++) {
		if (store_put_piece(put, n, q->piece, &piece, err) < 0 ||
			RUN(c, SQL_PUT_CHUNK, err,
				INT((uint64_t)seq << CHUNK_BITS | n),
				BLOB(piece)) < 0)
			return -1;
		if (fault_point("store.put.chunk"))
			return err_set(err, ERR_TEMP, "told to fail");
	}
	return 0;
}

static int put_delivery(struct sqlite_store *q, const struct envelope *env,
	const struct store_put_route *r, int64_t seq, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	AUTO(buf) struct buf rcpts = BUF_INIT(ENVELOPE_MAX);
	int64_t now = clock_wall_ms();

	for (size_t i = 0; i < r->n_rcpts; i++) {
		if (i)
			buf_byte(&rcpts, '\n');
		buf_str(&rcpts, r->rcpts[i]);
	}
	if (RUN(c, SQL_PUT_DELIVERY, err, INT(seq), TEXT(r->route),
		    TEXT(buf_view(&rcpts)), INT(env->received_at),
		    INT(store_tick(&q->base, now)), INT(now)) < 0)
		return -1;
	if (RUN(c, SQL_PUT_TALLY, err, INT(env->received_at / STORE_DAY_MS),
		    TEXT(r->route)) < 0)
		return -1;
	note_move(q, -1, STORE_QUEUED, 1);
	return 0;
}

static int was_seen(struct sqlite_conn *c, struct str once, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = NULL;

	if (once.len == 0)
		return 0;
	st = START(c, SQL_PUT_SEEN, err, TEXT(once));
	return st ? sqlite_step(c, st, err) : -1;
}

int sqlite_put(struct store *s, const struct store_put *put, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = &q->writer;
	const struct envelope *env = put->env;
	AUTO(buf) struct buf wire = BUF_INIT(ENVELOPE_MAX);
	int64_t seq;
	int seen = was_seen(c, put->once, err);

	if (seen)
		return seen < 0 ? -1 : STORE_SEEN;
	envelope_encode(&wire, env);
	if (buf_is_over(&wire) || put->size > CHUNKS_MAX * STORE_CHUNK_LEN)
		return err_set(err, ERR_PERM, "message is too large to store");
	if (RUN(c, SQL_PUT_MESSAGE, err, TEXT(str_c(put->id.text)),
		    BLOB(buf_view(&wire)), TEXT(env->sender), TEXT(env->source),
		    INT(env->received_at), INT(put->size),
		    TEXT_OR_NULL(put->once)) < 0)
		return -1;
	seq = sqlite3_last_insert_rowid(c->db);
	if (put_chunks(q, put, seq, err) < 0)
		return -1;
	for (size_t i = 0; i < put->n_routes; i++)
		if (put_delivery(q, env, &put->routes[i], seq, err) < 0)
			return -1;
	return 0;
}

/* --- claim ---------------------------------------------------------------- */

struct due {
	int64_t id;
	int state;
};

static void copy_delivery(
	struct arena *a, sqlite3_stmt *st, struct store_delivery *d)
{
	d->id = sqlite3_column_int64(st, 0);
	d->route = arena_str(a, sqlite_text(st, 2));
	d->rcpts = sqlite_split_rcpts(a, sqlite_text(st, 3), &d->n_rcpts);
	d->attempts = (unsigned)sqlite3_column_int(st, 4);
	d->crashes = (unsigned)sqlite3_column_int(st, 5);
	d->identity = arena_str(a, sqlite_text(st, 6));
	if (id_parse(sqlite_text(st, 7), &d->message) < 0)
		memset(&d->message, 0, sizeof(d->message));
	d->size = (uint64_t)sqlite3_column_int64(st, 8);
}

/* Damage in one row must not stop all others: it is put aside. */
static int bury(struct sqlite_store *q, const struct due *due, int64_t now,
	const char *why, struct err *err)
{
	struct sqlite_conn *c = &q->writer;

	log_event(LOG_ERROR, "store.damaged", "delivery=%lld reason=\"%s\"",
		(long long)due->id, why);
	note_move(q, due->state, STORE_DEAD, 1);
	if (RUN(c, SQL_BURY, err, INT(due->id), INT(now), TEXT(str_c(why))) <
			0 ||
		RUN(c, SQL_JOURNAL, err, INT(due->id), INT(now),
			INT(STORE_DEAD), TEXT(str_c(why)), TEXT(STR(""))) < 0)
		return -1;
	return 0;
}

/* Names the routes to skip for NOT_SKIPPED: one a line, a line break first. */
static struct str list_skipped(const struct store_claim *claim)
{
	AUTO(buf) struct buf b = BUF_INIT(SKIP_MAX);

	for (size_t i = 0; i < claim->n_skip; i++) {
		buf_byte(&b, '\n');
		buf_str(&b, claim->skip[i]);
	}
	if (claim->n_skip)
		buf_byte(&b, '\n');
	/* claiming too much is better than nothing */
	if (buf_is_over(&b))
		return STR("");
	return arena_str(claim->arena, buf_view(&b));
}

/*
 * Reads what is due. Those whose envelope is damaged have an id of 0 in
 * claim->items and their error in *bad.
 */
static int read_due(struct sqlite_store *q, struct store_claim *claim,
	int64_t tick, struct str skip, struct due *due, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_CLAIM_DUE, err, INT(tick), INT(claim->max), TEXT(skip));
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		struct store_delivery *d = &claim->items[claim->n_items];
		struct err bad = { 0 };
		due[claim->n_items].id = sqlite3_column_int64(st, 0);
		due[claim->n_items].state = sqlite3_column_int(st, 1);
		copy_delivery(claim->arena, st, d);
		if (envelope_decode(claim->arena,
			    arena_str(claim->arena, sqlite_text(st, 9)),
			    &d->env, &bad) < 0)
			d->id = 0;
		claim->n_items++;
	}
	return rc;
}

static int take_due(struct sqlite_store *q, struct store_claim *claim,
	int64_t until, const struct due *due, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	size_t n = 0;

	for (size_t i = 0; i < claim->n_items; i++) {
		if (claim->items[i].id == 0) {
			if (bury(q, &due[i], claim->now,
				    "its envelope in the store is damaged",
				    err) < 0)
				return -1;
			continue;
		}
		if (RUN(c, SQL_CLAIM_TAKE, err, INT(due[i].id), INT(until),
			    INT(claim->now)) < 0)
			return -1;
		note_move(q, due[i].state, STORE_CLAIMED, 1);
		claim->items[n++] = claim->items[i];
	}
	claim->n_items = n;
	return 0;
}

static int find_next_due(struct sqlite_store *q, struct store_claim *claim,
	int64_t tick, struct str skip, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_CLAIM_NEXT, err, INT(tick), TEXT(skip));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		claim->next_due = store_wall(
			&q->base, sqlite3_column_int64(st, 0));
	return rc < 0 ? -1 : 0;
}

int sqlite_claim(struct store *s, struct store_claim *claim, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	int64_t tick = store_tick(s, claim->now);
	int64_t lease = MIN(MAX(claim->lease_ms, 1), LEASE_MAX);
	struct str skip = list_skipped(claim);
	struct due *due;

	claim->items = arena_array(
		claim->arena, claim->max, sizeof(*claim->items));
	due = arena_array(claim->arena, claim->max, sizeof(*due));
	if (read_due(q, claim, tick, skip, due, err) < 0 ||
		take_due(q, claim, tick + lease, due, err) < 0)
		return -1;
	if (claim->n_items == claim->max)
		return 0;
	return find_next_due(q, claim, tick, skip, err);
}

/* --- finish --------------------------------------------------------------- */

static int add_threads(
	struct sqlite_conn *c, const struct store_finish *f, struct err *err)
{
	for (size_t i = 0; i < f->n_threads; i++) {
		const struct store_thread *t = &f->threads[i];
		if (t->message_id.len &&
			RUN(c, SQL_THREAD, err, TEXT(t->message_id),
				TEXT(t->scope), TEXT(t->object),
				TEXT(t->record), INT(f->now)) < 0)
			return -1;
	}
	return 0;
}

static int add_parties(
	struct sqlite_conn *c, const struct store_finish *f, struct err *err)
{
	for (size_t i = 0; i < f->n_threads; i++)
		for (size_t k = 0; k < f->n_parties; k++) {
			const struct store_thread *t = &f->threads[i];
			if (RUN(c, SQL_PARTY, err, TEXT(f->parties[k]),
				    TEXT(f->subject), TEXT(t->scope),
				    TEXT(t->object), TEXT(t->record),
				    INT(f->now)) < 0)
				return -1;
		}
	return 0;
}

static int add_journal(
	struct sqlite_conn *c, const struct store_finish *f, struct err *err)
{
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;
	struct str journal = f->journal;
	enum sql id = SQL_JOURNAL;

	/* giving it back unchanged is no news */
	if (is_waiting && !f->reason.len && !journal.len)
		return 0;
	if (journal.len > JOURNAL_MAX)
		journal = STR("{\"left_out\":\"too large for the journal\"}");
	/* nor is giving it back for the same reason again and again */
	if (is_waiting && !f->is_attempt && !journal.len)
		id = SQL_JOURNAL_NEWS;
	return RUN(c, id, err, INT(f->delivery), INT(f->now), INT(f->to),
		       TEXT(cut_text(f->reason, REASON_MAX)), TEXT(journal)) < 0
		       ? -1
		       : 0;
}

static bool is_over(enum store_state state)
{
	return state == STORE_DONE || state == STORE_DROPPED;
}

int sqlite_finish(struct store *s, struct store_finish *f, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = &q->writer;
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;
	int64_t due = 0;
	int n;

	store_tick(s, f->now);
	if (is_waiting)
		due = store_due(s, f->due_at);
	n = RUN(c, SQL_FINISH, err, INT(f->delivery), INT(f->to), INT(due),
		INT(f->now), TEXT(cut_text(f->reason, REASON_MAX)),
		INT(f->is_attempt ? 0 : 1), INT(f->is_crash ? 1 : 0),
		BLOB_OR_NULL(f->identity), TEXT_OR_NULL(f->message_id),
		TEXT_OR_NULL(f->scope), TEXT(f->folders), TEXT(f->flags));
	if (n < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_PERM,
			"delivery %lld is not claimed any more",
			(long long)f->delivery);
	note_move(q, STORE_CLAIMED, f->to, 1);
	if (fault_point("store.finish.journal"))
		return err_set(err, ERR_TEMP, "told to fail");
	if (add_journal(c, f, err) < 0 || add_threads(c, f, err) < 0 ||
		add_parties(c, f, err) < 0 || sqlite_add_marks(c, f, err) < 0 ||
		sqlite_add_outs(c, f, err) < 0)
		return -1;
	if (is_over(f->to) && RUN(c, SQL_MESSAGE_OVER, err, INT(f->delivery),
				      INT(f->now)) < 0)
		return -1;
	return 0;
}

/* --- a person's word ------------------------------------------------------ */

static int get_state(struct sqlite_conn *c, int64_t id, enum store_state *state,
	struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_STATE_OF, err, INT(id));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*state = (enum store_state)sqlite3_column_int(st, 0);
	return rc < 0 ? -1 : rc == 1 ? 0 : STORE_NONE;
}

int sqlite_order(
	struct store *s, const struct store_word *word, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = &q->writer;
	AUTO(arena) struct arena *a = arena_new();
	int64_t now = clock_wall_ms(), due;
	enum store_state from = STORE_DONE, to;
	int rc = get_state(c, word->id, &from, err);

	if (rc)
		return rc;
	if (!store_order_fits(word->order, from, &to))
		return STORE_NONE;
	due = to == STORE_QUEUED ? store_tick(s, now) : 0;
	if (RUN(c, SQL_ORDER, err, INT(word->id), INT(to), INT(due), INT(now)) <
			0 ||
		RUN(c, SQL_JOURNAL, err, INT(word->id), INT(now), INT(to),
			TEXT(str_c(store_order_text(
				a, word->order, cut_text(word->who, 200)))),
			TEXT(STR(""))) < 0)
		return -1;
	note_move(q, (int)from, to, 1);
	if (is_over(to))
		rc = RUN(c, SQL_MESSAGE_OVER, err, INT(word->id), INT(now));
	else
		rc = RUN(c, SQL_MESSAGE_OPEN, err, INT(word->id));
	return rc < 0 ? -1 : 0;
}

/* --- retention ------------------------------------------------------------ */

struct old {
	int64_t seq[SWEEP_MESSAGES];
	size_t n;
};

static int find_old(struct sqlite_conn *c, enum sql id, int64_t before,
	struct old *old, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(
		c, id, err, INT(before), INT(SWEEP_MESSAGES));
	int rc;

	old->n = 0;
	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1 && old->n < SWEEP_MESSAGES)
		old->seq[old->n++] = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

/* Takes bodies away, a large one in several steps. */
static int sweep_bodies(
	struct sqlite_conn *c, const struct old *old, struct err *err)
{
	int left = SWEEP_CHUNKS;

	for (size_t i = 0; i < old->n && left > 0; i++) {
		uint64_t first = (uint64_t)old->seq[i] << CHUNK_BITS;
		int n = RUN(c, SQL_SWEEP_CHUNKS, err, INT(first),
			INT(first + CHUNKS_MAX), INT(left));
		if (n < 0)
			return -1;
		left -= n;
		/* with none left the end was perhaps not reached */
		if (left > 0 &&
			RUN(c, SQL_SWEEP_BODY_GONE, err, INT(old->seq[i])) < 0)
			return -1;
	}
	return 0;
}

static int count_gone(struct sqlite_store *q, int64_t seq, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_SWEEP_STATES, err, INT(seq));
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		int state = sqlite3_column_int(st, 0);
		if (state >= 0 && state < STORE_N_STATES)
			q->moved[state] -= sqlite3_column_int64(st, 1);
	}
	return rc;
}

static int sweep_rows(
	struct sqlite_store *q, const struct old *old, struct err *err)
{
	static const enum sql steps[] = { SQL_SWEEP_TALLY, SQL_SWEEP_OUT_TALLY,
		SQL_SWEEP_OUT, SQL_SWEEP_JOURNAL, SQL_SWEEP_DELIVERIES,
		SQL_SWEEP_MESSAGE };

	for (size_t i = 0; i < old->n; i++) {
		if (count_gone(q, old->seq[i], err) < 0)
			return -1;
		for (size_t k = 0; k < COUNT(steps); k++)
			if (RUN(&q->writer, steps[k], err, INT(old->seq[i])) <
				0)
				return -1;
	}
	return 0;
}

static int ask_number(
	struct sqlite_conn *c, enum sql id, int64_t *out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, id, err);
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*out = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

/* Returns: 1 when it gave pages back, 0 when not, or -1. */
static int give_back(struct sqlite_conn *c, struct err *err)
{
	int64_t pages = 0, n_free = 0;

	if (ask_number(c, SQL_PAGES, &pages, err) < 0 ||
		ask_number(c, SQL_PAGES_FREE, &n_free, err) < 0)
		return -1;
	if (n_free < FREE_PAGES_LEAST || n_free < pages / FREE_SHARE)
		return 0;
	return RUN(c, SQL_GIVE_BACK, err) < 0 ? -1 : 1;
}

int sqlite_sweep(struct store *s, int64_t now, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = &q->writer;
	int64_t rows_before = now - s->options.keep_journal_ms;
	struct old old;
	int n;

	if (find_old(c, SQL_SWEEP_BODIES, now - s->options.keep_bytes_ms, &old,
		    err) < 0)
		return -1;
	if (old.n)
		return sweep_bodies(c, &old, err) < 0 ? -1 : 1;
	if (find_old(c, SQL_SWEEP_ROWS, rows_before, &old, err) < 0)
		return -1;
	if (old.n)
		return sweep_rows(q, &old, err) < 0 ? -1 : 1;
	n = RUN(c, SQL_SWEEP_THREADS, err, INT(rows_before),
		INT(SWEEP_THREADS));
	if (n == 0)
		n = RUN(c, SQL_SWEEP_PARTIES, err, INT(rows_before),
			INT(SWEEP_THREADS));
	if (n == 0)
		n = RUN(c, SQL_SWEEP_SEEN, err, INT(now), INT(SWEEP_THREADS));
	if (n == 0)
		n = RUN(c, SQL_SWEEP_SOON, err, INT(SWEEP_THREADS));
	if (n)
		return n < 0 ? -1 : 1;
	return give_back(c, err);
}
