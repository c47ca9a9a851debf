/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_sqlite_read.c - reading, from any thread.
 *
 * A few read-only connections are kept; each call lends one. Statements are
 * reset before it goes back, since an open one keeps the WAL from starting
 * anew; so bodies are read piece by piece and lists are short.
 */
#include <mailmill/file.h>

#include "store_sqlite.h"

#define CHUNK_BITS 16

struct sqlite_conn *sqlite_reader(struct sqlite_store *q, struct err *err)
{
	struct sqlite_conn *c;

	pthread_mutex_lock(&q->readers_lock);
	c = q->readers;
	if (c) {
		q->readers = c->next;
		q->n_readers--;
	}
	pthread_mutex_unlock(&q->readers_lock);
	if (c)
		return c;
	c = NEW(struct sqlite_conn);
	if (sqlite_conn_open(c, q->path, false, err) == 0)
		return c;
	free(c);
	return NULL;
}

static void end_reader(struct sqlite_conn *c)
{
	sqlite_conn_close(c);
	free(c);
}

void sqlite_reader_end(struct sqlite_store *q, struct sqlite_conn *c)
{
	bool is_kept = !sqlite_conn_is_unfit(c);

	pthread_mutex_lock(&q->readers_lock);
	is_kept = is_kept && q->n_readers < SQLITE_READERS_MAX;
	if (is_kept) {
		c->next = q->readers;
		q->readers = c;
		q->n_readers++;
	}
	pthread_mutex_unlock(&q->readers_lock);
	if (!is_kept)
		end_reader(c);
}

void sqlite_readers_close(struct sqlite_store *q)
{
	while (q->readers) {
		struct sqlite_conn *next = q->readers->next;
		end_reader(q->readers);
		q->readers = next;
	}
}

struct str *sqlite_split_rcpts(struct arena *a, struct str lines, size_t *n)
{
	struct str all = arena_str(a, lines), *out;
	size_t count = 1;

	for (size_t i = 0; i < all.len; i++)
		count += all.p[i] == '\n';
	out = arena_array(a, count, sizeof(*out));
	for (*n = 0; *n < count && str_cut(&all, '\n', &out[*n]);)
		++*n;
	return out;
}

int sqlite_count_states(
	struct sqlite_conn *c, int64_t n[STORE_N_STATES], struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_COUNT_STATES, err);
	int rc;

	if (!st)
		return -1;
	memset(n, 0, STORE_N_STATES * sizeof(*n));
	while ((rc = sqlite_step(c, st, err)) == 1) {
		int state = sqlite3_column_int(st, 0);
		if (state >= 0 && state < STORE_N_STATES)
			n[state] = sqlite3_column_int64(st, 1);
	}
	return rc;
}

/* --- bodies --------------------------------------------------------------- */

static int copy_chunk(
	struct sqlite_conn *c, int64_t id, int fd, size_t len, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_BODY_CHUNK, err, INT(id));
	int rc = st ? sqlite_step(c, st, err) : -1;
	struct str bytes;

	if (rc < 0)
		return -1;
	/* retention may have come between */
	if (rc == 0)
		return STORE_GONE;
	bytes = sqlite_text(st, 0);
	if (bytes.len != len)
		return err_set(err, ERR_PERM,
			"the stored message is damaged: a piece has %zu bytes "
			"instead of %zu",
			bytes.len, len);
	if (file_write_all(fd, bytes.p, bytes.len) < 0)
		return err_sys(err, "copying the stored message");
	return 0;
}

static int copy_chunks(struct sqlite_conn *c, int64_t seq, uint64_t size,
	int fd, struct err *err)
{
	for (uint64_t n = 0; n * STORE_CHUNK_LEN < size; n++) {
		size_t len = (size_t)MIN(
			size - n * STORE_CHUNK_LEN, STORE_CHUNK_LEN);
		int rc = copy_chunk(c,
			(int64_t)((uint64_t)seq << CHUNK_BITS | n), fd, len,
			err);
		if (rc)
			return rc;
	}
	return 0;
}

static int find_body(struct sqlite_conn *c, const struct id *message,
	int64_t *seq, uint64_t *size, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_BODY, err, TEXT(str_c(message->text)));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc < 0)
		return -1;
	if (rc == 0 || !sqlite3_column_int(st, 2))
		return STORE_GONE;
	*seq = sqlite3_column_int64(st, 0);
	*size = (uint64_t)sqlite3_column_int64(st, 1);
	return 0;
}

static int read_body(struct store *s, struct sqlite_conn *c,
	const struct id *message, int *fd_out, struct err *err)
{
	AUTO(fd) int fd = -1;
	int64_t seq = 0;
	uint64_t size = 0;
	int rc = find_body(c, message, &seq, &size, err);

	if (rc)
		return rc;
	fd = store_body_begin(s, size, err);
	if (fd < 0)
		return -1;
	rc = copy_chunks(c, seq, size, fd, err);
	if (rc)
		return rc;
	fd = store_body_end(TAKE_FD(fd), size, err);
	if (fd < 0)
		return -1;
	*fd_out = TAKE_FD(fd);
	return 0;
}

int sqlite_body(
	struct store *s, const struct id *message, int *fd_out, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int rc;

	if (!c)
		return -1;
	rc = read_body(s, c, message, fd_out, err);
	sqlite_reader_end(q, c);
	return rc;
}

/* --- what the mill asks --------------------------------------------------- */

static int find_record(struct sqlite_conn *c, struct arena *a, struct str scope,
	struct str object, struct str id, struct str *record, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_FIND_THREAD, err, TEXT(id), TEXT(scope), TEXT(object));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*record = arena_str(a, sqlite_text(st, 0));
	return rc;
}

static int find_pending(struct sqlite_conn *c, struct str scope, struct str id,
	int64_t self, int64_t *pending, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_FIND_PENDING, err, TEXT(id), TEXT(scope), INT(self));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*pending = sqlite3_column_int64(st, 0);
	return rc;
}

int sqlite_find_thread(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str id, int64_t self, struct str *record,
	int64_t *pending, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int rc, n;

	if (!c)
		return -1;
	/*
	 * Pending first: a finish between the two questions then shows in the
	 * second, so none is missed. A record that is there already counts
	 * more, since another mail with the same id may be held.
	 */
	rc = find_pending(c, scope, id, self, pending, err);
	n = rc < 0 ? -1 : find_record(c, a, scope, object, id, record, err);
	sqlite_reader_end(q, c);
	if (n < 0)
		return -1;
	return n ? 0 : rc ? STORE_PENDING : STORE_NONE;
}

static int find_subject(struct sqlite_conn *c, struct arena *a,
	struct str scope, struct str object, struct str subject,
	struct str party, int64_t since, struct str *record, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st =
		party.p ? START(c, SQL_FIND_SUBJECT_OF, err, TEXT(subject),
				  TEXT(scope), TEXT(object), INT(since),
				  TEXT(party))
			: START(c, SQL_FIND_SUBJECT, err, TEXT(subject),
				  TEXT(scope), TEXT(object), INT(since));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*record = arena_str(a, sqlite_text(st, 0));
	return rc < 0 ? -1 : rc ? 0 : STORE_NONE;
}

int sqlite_find_subject(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str subject, struct str party, int64_t since,
	struct str *record, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int rc;

	if (!c)
		return -1;
	rc = find_subject(
		c, a, scope, object, subject, party, since, record, err);
	sqlite_reader_end(q, c);
	return rc;
}

static int find_party(struct sqlite_conn *c, struct str scope,
	struct str object, struct str record, struct str party, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_FIND_PARTY, err, TEXT(party),
		TEXT(scope), TEXT(object), TEXT(record));
	int rc = st ? sqlite_step(c, st, err) : -1;

	return rc < 0 ? -1 : rc ? 0 : STORE_NONE;
}

int sqlite_find_party(struct store *s, struct str scope, struct str object,
	struct str record, struct str party, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	int rc;

	if (!c)
		return -1;
	rc = find_party(c, scope, object, record, party, err);
	sqlite_reader_end(q, c);
	return rc;
}

int sqlite_find_identity(struct store *s, struct str route, struct str identity,
	int64_t self, int64_t *delivery, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	sqlite3_stmt *st;
	bool is_done = false;
	int rc;

	if (!c)
		return -1;
	st = START(c, SQL_FIND_IDENTITY, err, BLOB(identity), TEXT(route),
		INT(self));
	rc = st ? sqlite_step(c, st, err) : -1;
	if (rc == 1) {
		*delivery = sqlite3_column_int64(st, 0);
		is_done = sqlite3_column_int(st, 1) == STORE_DONE;
		sqlite3_reset(st);
	}
	sqlite_reader_end(q, c);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return STORE_NONE;
	return is_done ? 0 : STORE_PENDING;
}

/* --- what admins ask ------------------------------------------------------ */

static void copy_row(struct store *s, struct arena *a, sqlite3_stmt *st,
	struct store_row *row)
{
	int state = sqlite3_column_int(st, 8);

	row->id = sqlite3_column_int64(st, 0);
	if (id_parse(sqlite_text(st, 1), &row->message) < 0)
		memset(&row->message, 0, sizeof(row->message));
	row->route = arena_str(a, sqlite_text(st, 2));
	row->sender = arena_str(a, sqlite_text(st, 3));
	row->reason = arena_str(a, sqlite_text(st, 4));
	row->message_id = arena_str(a, sqlite_text(st, 5));
	row->source = arena_str(a, sqlite_text(st, 6));
	row->rcpts = sqlite_split_rcpts(a, sqlite_text(st, 7), &row->n_rcpts);
	row->state = state >= 0 && state < STORE_N_STATES
			     ? (enum store_state)state
			     : STORE_DEAD;
	row->attempts = (unsigned)sqlite3_column_int(st, 9);
	row->received_at = sqlite3_column_int64(st, 10);
	if (row->state == STORE_QUEUED || row->state == STORE_RETRY)
		row->due_at = store_wall(s, sqlite3_column_int64(st, 11));
	row->changed_at = sqlite3_column_int64(st, 12);
	row->size = (uint64_t)sqlite3_column_int64(st, 13);
	row->has_body = sqlite3_column_int(st, 14);
	row->folders = arena_str(a, sqlite_text(st, 15));
	row->flags = arena_str(a, sqlite_text(st, 16));
}

/* Tells the only state that is asked for, or -1; a done one has no index. */
static int only_state(unsigned states)
{
	if (states == 0 || (states & (states - 1)) ||
		states == STORE_BIT(STORE_DONE))
		return -1;
	return __builtin_ctz(states);
}

static sqlite3_stmt *start_list(
	struct sqlite_conn *c, const struct store_filter *f, struct err *err)
{
	int state = only_state(f->states);
	unsigned mask = f->states ? f->states : ~0u >> 1;

	return START(c, state < 0 ? SQL_LIST : SQL_LIST_STATE, err,
		INT(f->after), TEXT(f->route), INT(f->from),
		INT(f->to ? f->to : INT64_MAX), TEXT(f->text), INT(f->max),
		INT(state < 0 ? (int64_t)mask : state), TEXT(f->folder));
}

static int list_rows(struct store *s, struct sqlite_conn *c, struct arena *a,
	const struct store_filter *f, struct store_row **out, size_t *n_out,
	struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = start_list(c, f, err);
	struct store_row *rows = NULL;
	size_t n = 0, room = 0;
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		if (n == room) {
			room = MAX(64, room * 2);
			rows = arena_grow(a, rows, n, room, sizeof(*rows));
		}
		copy_row(s, a, st, &rows[n++]);
	}
	if (rc < 0)
		return -1;
	*out = rows;
	*n_out = n;
	return 0;
}

int sqlite_list(struct store *s, struct arena *a,
	const struct store_filter *filter, struct store_row **out,
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

static int show_row(struct store *s, struct sqlite_conn *c, struct arena *a,
	int64_t id, struct store_row *row, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_ROW, err, INT(id));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		copy_row(s, a, st, row);
	return rc < 0 ? -1 : rc == 1 ? 0 : STORE_NONE;
}

static int show_envelope(struct sqlite_conn *c, struct arena *a, int64_t id,
	struct envelope *env, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_ENVELOPE, err, INT(id));
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc < 0)
		return -1;
	if (rc == 0)
		return STORE_NONE;
	/* what is left of a damaged one is still worth showing */
	if (envelope_decode(a, arena_str(a, sqlite_text(st, 0)), env, err) < 0)
		memset(env, 0, sizeof(*env));
	return 0;
}

static int show_events(struct sqlite_conn *c, struct arena *a, int64_t id,
	struct store_event **out, size_t *n_out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(
		c, SQL_EVENTS, err, INT(id), INT(STORE_EVENTS_MAX));
	struct store_event *events = NULL;
	size_t n = 0, room = 0;
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1) {
		if (n == room) {
			room = MAX(16, room * 2);
			events = arena_grow(
				a, events, n, room, sizeof(*events));
		}
		events[n].at = sqlite3_column_int64(st, 0);
		events[n].to = (enum store_state)(
			sqlite3_column_int(st, 1) % STORE_N_STATES);
		events[n].text = arena_str(a, sqlite_text(st, 2));
		events[n++].journal = arena_str(a, sqlite_text(st, 3));
	}
	*out = events;
	*n_out = n;
	return rc;
}

int sqlite_show(struct store *s, struct arena *a, int64_t id,
	struct store_row *row, struct envelope *env,
	struct store_event **events, size_t *n_events, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	struct store_row r = { 0 };
	struct envelope e = { 0 };
	int rc;

	if (!c)
		return -1;
	rc = show_row(s, c, a, id, &r, err);
	if (rc == 0)
		rc = show_envelope(c, a, id, &e, err);
	if (rc == 0)
		rc = show_events(c, a, id, events, n_events, err);
	sqlite_reader_end(q, c);
	if (rc)
		return rc;
	*row = r;
	*env = e;
	return 0;
}

int sqlite_balance(struct store *s, void *books, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	sqlite3_stmt *st;
	int rc = -1;

	if (!c)
		return -1;
	st = START(c, SQL_BALANCE, err);
	while (st && (rc = sqlite_step(c, st, err)) == 1)
		store_count_add(books, sqlite_text(st, 0),
			sqlite3_column_int64(st, 1), sqlite3_column_int(st, 2),
			(uint64_t)sqlite3_column_int64(st, 3));
	sqlite_reader_end(q, c);
	return rc;
}

int sqlite_oldest(struct store *s, int64_t *oldest, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);
	struct sqlite_conn *c = sqlite_reader(q, err);
	sqlite3_stmt *st;
	int rc;

	if (!c)
		return -1;
	st = START(c, SQL_OLDEST, err);
	rc = st ? sqlite_step(c, st, err) : -1;
	if (rc == 1) {
		*oldest = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	sqlite_reader_end(q, c);
	return rc < 0 ? -1 : 0;
}
