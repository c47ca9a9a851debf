/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_sqlite_out.c - marks and outgoing mail in SQLite. */
#include <mailmill/clock.h>
#include <mailmill/fault.h>
#include <mailmill/log.h>

#include "store_sqlite.h"

#define REASON_MAX 2000
#define LEASE_MAX (STORE_DAY_MS)

static struct str cut_reason(struct str s)
{
	return str_sub(s, 0, REASON_MAX);
}

/* --- what a finish adds --------------------------------------------------- */

static int set_mark(struct sqlite_conn *c, int64_t delivery,
	const struct store_mark *m, struct err *err)
{
	return RUN(c, SQL_MARK, err, INT(delivery), TEXT(m->key), INT(m->at),
		       INT(m->until), INT(m->is_last)) < 0
		       ? -1
		       : 0;
}

int sqlite_add_marks(
	struct sqlite_conn *c, const struct store_finish *f, struct err *err)
{
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;
	int rc = 0;

	for (size_t i = 0; i < f->n_marks && rc == 0; i++) {
		const struct store_mark *m = &f->marks[i];
		if (!is_waiting)
			rc = set_mark(c, f->delivery, m, err);
		else if (RUN(c, SQL_MARK_SOON, err, INT(f->delivery),
				 TEXT(m->key)) < 0)
			rc = -1;
	}
	return rc;
}

static int has_row(struct sqlite_conn *c, sqlite3_stmt *st, struct err *err)
{
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		sqlite3_reset(st);
	return rc;
}

static int get_route(struct sqlite_conn *c, struct arena *a, int64_t delivery,
	struct str *out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_ROW, err, INT(delivery));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*out = arena_str(a, sqlite_text(st, 2));
	return rc < 0 ? -1 : 0;
}

static int add_out(struct sqlite_conn *c, struct arena *a,
	const struct store_finish *f, const struct store_out *o, int64_t due_at,
	struct err *err)
{
	AUTO(buf) struct buf pieces = BUF_INIT(STORE_PIECES_MAX);
	struct str rcpts = store_lines(a, o->rcpts, o->n_rcpts);
	int64_t size = o->n_pieces ? 0 : -1;

	store_pieces_encode(&pieces, o);
	if (buf_is_over(&pieces))
		return err_set(err, ERR_PERM,
			"what is to be sent is too large to store");
	for (size_t i = 0; i < o->n_pieces; i++)
		size += (int64_t)(o->pieces[i].literal.len
					  ? o->pieces[i].literal.len
					  : o->pieces[i].len);
	return RUN(c, SQL_OUT_ADD, err, INT(f->delivery), TEXT(o->kind),
		TEXT(o->once), TEXT(o->sender), TEXT(rcpts),
		BLOB(buf_view(&pieces)), INT(size), TEXT(o->fcc),
		TEXT(o->reply_to), INT(f->now), INT(due_at));
}

int sqlite_add_outs(
	struct sqlite_conn *c, struct store_finish *f, struct err *err)
{
	AUTO(arena) struct arena *a = NULL;
	struct str route = STR_NULL;
	int64_t now = clock_wall_ms();
	int n;

	f->n_sent = 0;
	if (!f->n_outs)
		return 0;
	a = arena_new();
	if (get_route(c, a, f->delivery, &route, err) < 0)
		return -1;
	for (size_t i = 0; i < f->n_outs; i++) {
		const struct store_out *o = &f->outs[i];
		if (o->mark.key.len) {
			n = has_row(c,
				START(c, SQL_GET_MARK, err, TEXT(route),
					TEXT(o->mark.key), INT(o->mark.at),
					INT(f->delivery)),
				err);
			if (n < 0)
				return -1;
			if (n > 0)
				continue;
		}
		n = add_out(c, a, f, o, MIN(f->now, now), err);
		if (n < 0 || (o->mark.key.len &&
				     set_mark(c, f->delivery, &o->mark, err)))
			return -1;
		if (n > 0 && RUN(c, SQL_OUT_TALLY, err, INT(f->delivery)) < 0)
			return -1;
		f->n_sent += (unsigned)n;
		if (fault_point("store.finish.out"))
			return err_set(err, ERR_TEMP, "told to fail");
	}
	return 0;
}

/* --- rows ----------------------------------------------------------------- */

/* Results stand beside recipients; what is not there yet is empty. */
static struct str *split_results(struct arena *a, struct str lines, size_t n)
{
	struct str *out = arena_array(a, MAX(n, 1), sizeof(*out));
	struct str rest = arena_str(a, lines);

	for (size_t i = 0; i < n && str_cut(&rest, '\n', &out[i]); i++)
		continue;
	return out;
}

/* Returns: 0, or -1 with *err when its pieces are damaged. */
static int copy_row(struct store *s, struct arena *a, sqlite3_stmt *st,
	bool has_pieces, struct store_out_row *row, struct err *err)
{
	int state = sqlite3_column_int(st, 12);
	uint64_t sum = 0;

	*row = (struct store_out_row){ .id = sqlite3_column_int64(st, 0),
		.delivery = sqlite3_column_int64(st, 1),
		.message_size = (uint64_t)sqlite3_column_int64(st, 3),
		.route = arena_str(a, sqlite_text(st, 4)),
		.kind = arena_str(a, sqlite_text(st, 5)),
		.sender = arena_str(a, sqlite_text(st, 6)),
		.fcc = arena_str(a, sqlite_text(st, 7)),
		.reason = arena_str(a, sqlite_text(st, 8)),
		.size = (uint64_t)sqlite3_column_int64(st, 11),
		.state = state >= 0 && state < STORE_N_STATES
				 ? (enum store_state)state
				 : STORE_DEAD,
		.attempts = (unsigned)sqlite3_column_int(st, 13),
		.created_at = sqlite3_column_int64(st, 14),
		.changed_at = sqlite3_column_int64(st, 16) };
	if (row->state == STORE_QUEUED || row->state == STORE_RETRY)
		row->due_at = store_wall(s, sqlite3_column_int64(st, 15));
	if (id_parse(sqlite_text(st, 2), &row->message) < 0)
		memset(&row->message, 0, sizeof(row->message));
	row->rcpts = sqlite_split_rcpts(a, sqlite_text(st, 9), &row->n_rcpts);
	row->results = split_results(a, sqlite_text(st, 10), row->n_rcpts);
	if (!has_pieces)
		return 0;
	return store_pieces_decode(a, arena_str(a, sqlite_text(st, 17)),
		row->message_size, &row->pieces, &row->n_pieces, &sum, err);
}

/* --- claim ---------------------------------------------------------------- */

static int read_due(struct store *s, struct store_out_claim *claim,
	int64_t tick, bool *is_bad, struct err *err)
{
	struct sqlite_conn *c = &sqlite_of(s)->writer;
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_OUT_CLAIM_DUE, err, INT(tick), INT(claim->max));
	struct err bad = { 0 };
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		is_bad[claim->n_items] = copy_row(s, claim->arena, st, true,
						 &claim->items[claim->n_items],
						 &bad) < 0;
		claim->n_items++;
	}
	return rc;
}

/* Damage in one must not stop the others. */
static int bury(struct sqlite_conn *c, const struct store_out_row *row,
	int64_t now, struct err *err)
{
	static const char why[] = "what is to be sent is damaged in the store";

	log_event(LOG_ERROR, "store.damaged", "outgoing=%lld",
		(long long)row->id);
	if (RUN(c, SQL_OUT_BURY, err, INT(row->id), INT(now),
		    TEXT(str_c(why))) < 0 ||
		RUN(c, SQL_OUT_JOURNAL, err, INT(row->delivery), INT(now),
			TEXT(str_c(why)), TEXT(STR(""))) < 0)
		return -1;
	return 0;
}

int sqlite_out_claim(
	struct store *s, struct store_out_claim *claim, struct err *err)
{
	struct sqlite_conn *c = &sqlite_of(s)->writer;
	int64_t tick = store_tick(s, claim->now);
	int64_t lease = MIN(MAX(claim->lease_ms, 1), LEASE_MAX);
	bool *is_bad = arena_array(claim->arena, claim->max, sizeof(*is_bad));
	size_t n = 0;

	claim->items = arena_array(
		claim->arena, claim->max, sizeof(*claim->items));
	if (read_due(s, claim, tick, is_bad, err) < 0)
		return -1;
	for (size_t i = 0; i < claim->n_items; i++) {
		struct store_out_row *row = &claim->items[i];
		if (is_bad[i]) {
			if (bury(c, row, claim->now, err) < 0)
				return -1;
			continue;
		}
		if (RUN(c, SQL_OUT_CLAIM_TAKE, err, INT(row->id),
			    INT(tick + lease), INT(claim->now)) < 0)
			return -1;
		claim->items[n++] = *row;
	}
	claim->n_items = n;
	if (n < claim->max) {
		AUTO(stmt) sqlite3_stmt *st = START(
			c, SQL_OUT_CLAIM_NEXT, err, INT(tick));
		int rc = st ? sqlite_step(c, st, err) : -1;
		if (rc == 1)
			claim->next_due = store_wall(
				s, sqlite3_column_int64(st, 0));
		return rc < 0 ? -1 : 0;
	}
	return 0;
}

/* --- finish, order -------------------------------------------------------- */

static int get_delivery(
	struct sqlite_conn *c, int64_t id, int64_t *out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_OUT_DELIVERY, err, INT(id));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*out = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

int sqlite_out_finish(
	struct store *s, const struct store_out_finish *f, struct err *err)
{
	struct sqlite_conn *c = &sqlite_of(s)->writer;
	AUTO(arena) struct arena *a = arena_new();
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;
	struct str results = STR_NULL, reason = cut_reason(f->reason);
	int64_t delivery = 0;
	int n;

	store_tick(s, f->now);
	if (f->results)
		results = store_lines(a, f->results, f->n_results);
	n = RUN(c, SQL_OUT_FINISH, err, INT(f->id), INT(f->to),
		INT(is_waiting ? store_due(s, f->due_at) : 0), INT(f->now),
		TEXT(reason), INT(f->is_attempt ? 0 : 1),
		TEXT_OR_NULL(results));
	if (n < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_PERM,
			"outgoing mail %lld is not claimed any more",
			(long long)f->id);
	if (get_delivery(c, f->id, &delivery, err) < 0)
		return -1;
	if (f->journal.len &&
		RUN(c, SQL_OUT_JOURNAL, err, INT(delivery), INT(f->now),
			TEXT(store_out_text(a, f->id, reason)),
			TEXT(f->journal)) < 0)
		return -1;
	if (f->to == STORE_DONE &&
		RUN(c, SQL_MESSAGE_OVER, err, INT(delivery), INT(f->now)) < 0)
		return -1;
	return 0;
}

static int get_state(struct sqlite_conn *c, int64_t id, enum store_state *state,
	int64_t *delivery, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_OUT_STATE_OF, err, INT(id));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1) {
		*state = (enum store_state)sqlite3_column_int(st, 0);
		*delivery = sqlite3_column_int64(st, 1);
	}
	return rc < 0 ? -1 : rc == 1 ? 0 : STORE_NONE;
}

int sqlite_out_order(
	struct store *s, const struct store_word *word, struct err *err)
{
	struct sqlite_conn *c = &sqlite_of(s)->writer;
	AUTO(arena) struct arena *a = arena_new();
	int64_t now = clock_wall_ms(), due, delivery = 0;
	enum store_state from = STORE_DONE, to;
	int rc = get_state(c, word->id, &from, &delivery, err);
	const char *text;

	if (rc)
		return rc;
	if (!store_out_order_fits(word->order, from, &to))
		return STORE_NONE;
	due = to == STORE_QUEUED ? store_tick(s, now) : 0;
	text = arena_printf(a, "outgoing mail %lld %s", (long long)word->id,
		store_order_text(a, word->order, str_sub(word->who, 0, 200)));
	if (RUN(c, SQL_OUT_ORDER, err, INT(word->id), INT(to), INT(due),
		    INT(now), TEXT(STR(""))) < 0 ||
		RUN(c, SQL_OUT_JOURNAL, err, INT(delivery), INT(now),
			TEXT(str_c(text)), TEXT(STR(""))) < 0)
		return -1;
	if (to == STORE_QUEUED)
		rc = RUN(c, SQL_MESSAGE_OPEN, err, INT(delivery));
	else
		rc = RUN(c, SQL_MESSAGE_OVER, err, INT(delivery), INT(now));
	return rc < 0 ? -1 : 0;
}

/* --- reading -------------------------------------------------------------- */

int sqlite_seen(struct store *s, struct str route, struct str key, int64_t now,
	int64_t self, int64_t *pending, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int64_t found = 0;
	sqlite3_stmt *st;
	int soon, rc = -1;

	if (!c)
		return -1;
	/* announced ones first: see sqlite_find_thread() */
	st = START(c, SQL_GET_SOON, err, TEXT(route), TEXT(key), INT(self));
	soon = st ? sqlite_step(c, st, err) : -1;
	if (soon == 1) {
		found = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	if (soon >= 0)
		rc = has_row(c,
			START(c, SQL_GET_MARK, err, TEXT(route), TEXT(key),
				INT(now), INT(self)),
			err);
	sqlite_reader_end(q, c);
	if (rc < 0)
		return -1;
	if (rc == 0 && soon == 1)
		*pending = found;
	return rc ? 0 : soon ? STORE_PENDING : STORE_NONE;
}

static int list_rows(struct store *s, struct sqlite_conn *c, struct arena *a,
	const struct store_out_filter *f, struct store_out_row **out,
	size_t *n_out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_OUT_LIST, err, INT(f->after),
		TEXT(f->route), TEXT(f->text), TEXT(f->folder),
		INT(f->delivery), INT(f->states), INT(f->max));
	struct store_out_row *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		if (n == room) {
			room = MAX(64, room * 2);
			rows = arena_grow(a, rows, n, room, sizeof(*rows));
		}
		if (copy_row(s, a, st, false, &rows[n++], err) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	*out = rows;
	*n_out = n;
	return 0;
}

int sqlite_out_list(struct store *s, struct arena *a,
	const struct store_out_filter *filter, struct store_out_row **out,
	size_t *n_out, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int rc;

	if (!c)
		return -1;
	rc = list_rows(s, c, a, filter, out, n_out, err);
	sqlite_reader_end(q, c);
	return rc;
}

int sqlite_out_show(struct store *s, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	struct store_out_row found = { 0 };
	sqlite3_stmt *st;
	int rc;

	if (!c)
		return -1;
	st = START(c, SQL_OUT_ROW, err, INT(id));
	rc = st ? sqlite_step(c, st, err) : -1;
	if (rc == 1) {
		rc = copy_row(s, a, st, true, &found, err) < 0 ? -1 : 1;
		sqlite3_reset(st);
	}
	sqlite_reader_end(q, c);
	if (rc < 1)
		return rc < 0 ? -1 : STORE_NONE;
	*row = found;
	return 0;
}

int sqlite_out_count(struct store *s, struct str route, struct str reply_to,
	int64_t since, uint64_t *n, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	enum sql id = reply_to.len ? SQL_OUT_COUNT_REPLY
		      : route.len  ? SQL_OUT_COUNT_ROUTE
				   : SQL_OUT_COUNT_ALL;
	sqlite3_stmt *st;
	int rc;

	if (!c)
		return -1;
	if (id == SQL_OUT_COUNT_ALL)
		st = START(c, id, err, INT(since));
	else
		st = START(c, id, err, INT(since),
			TEXT(reply_to.len ? reply_to : route));
	rc = st ? sqlite_step(c, st, err) : -1;
	if (rc == 1) {
		*n = (uint64_t)sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	sqlite_reader_end(q, c);
	return rc == 1 ? 0 : -1;
}

static int read_stats(struct sqlite_conn *c, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_OUT_COUNT_STATES, err);
	AUTO(stmt) sqlite3_stmt *min = NULL;
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		int state = sqlite3_column_int(st, 0);
		if (state >= 0 && state < STORE_N_STATES)
			by_state[state] = (uint64_t)sqlite3_column_int64(st, 1);
	}
	min = rc < 0 ? NULL : START(c, SQL_OUT_OLDEST, err);
	rc = min ? sqlite_step(c, min, err) : -1;
	if (rc == 1)
		*oldest = sqlite3_column_int64(min, 0);
	return rc < 0 ? -1 : 0;
}

int sqlite_out_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int rc;

	if (!c)
		return -1;
	memset(by_state, 0, STORE_N_STATES * sizeof(*by_state));
	*oldest = 0;
	rc = read_stats(c, by_state, oldest, err);
	sqlite_reader_end(q, c);
	return rc;
}
