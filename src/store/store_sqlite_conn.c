/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_sqlite_conn.c - a connection: its settings, statements, errors. */
#include <stdio.h>

#include "store_sqlite.h"

/* pages of bodies are written once and read once: a small cache will do */
#define CACHE_WRITER "PRAGMA cache_size=-16384;"
#define CACHE_READER "PRAGMA cache_size=-2048;"

static const char *const texts[SQL_N] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_PUT_SEEN] = "SELECT 1 FROM message WHERE once = ?1",
	[SQL_PUT_MESSAGE] =
		"INSERT INTO message (id, envelope, sender, source, "
		"received_at, size, once) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_PUT_CHUNK] = "INSERT INTO chunk (id, bytes) VALUES (?1, ?2)",
	[SQL_PUT_DELIVERY] =
		"INSERT INTO delivery (message, route, rcpts, received_at, "
		"state, due_at, changed_at) VALUES (?1, ?2, ?3, ?4, 0, ?5, "
		"?6)",
	[SQL_PUT_TALLY] =
		"INSERT INTO tally (day, route, received) VALUES (?1, ?2, 1) "
		"ON CONFLICT DO UPDATE SET received = received + 1",
/* the index has the route, so what is skipped costs no look at its row */
#define NOT_SKIPPED(list)                                                      \
	"(" list " = '' OR instr(" list ", char(10) || route || char(10)) = "  \
	"0) "
	[SQL_CLAIM_DUE] =
		"SELECT d.id, d.state, d.route, d.rcpts, d.attempts, "
		"d.crashes, d.identity, m.id, m.size, m.envelope FROM "
		"(SELECT id AS due_id, due_at AS due FROM delivery INDEXED BY "
		"delivery_due WHERE state <= 2 AND due_at <= ?1 "
		"AND " NOT_SKIPPED(
			"?3") "ORDER BY due_at, id LIMIT ?2) "
			      "CROSS JOIN delivery d ON d.id = due_id "
			      "CROSS JOIN message m ON m.seq = d.message "
			      "ORDER BY due, due_id",
	[SQL_CLAIM_TAKE] =
		"UPDATE delivery SET state = 1, due_at = ?2, changed_at = ?3, "
		"attempts = attempts + 1 WHERE id = ?1",
	[SQL_CLAIM_NEXT] =
		"SELECT due_at FROM delivery INDEXED BY delivery_due "
		"WHERE state <= 2 AND due_at > ?1 AND " NOT_SKIPPED(
			"?2") "ORDER BY due_at LIMIT 1",
	[SQL_BURY] = "UPDATE delivery SET state = 5, due_at = 0, "
		     "changed_at = ?2, reason = ?3 WHERE id = ?1",
	[SQL_FINISH] =
		"UPDATE delivery SET state = ?2, due_at = ?3, changed_at = "
		"?4, reason = ?5, attempts = attempts - ?6, crashes = crashes "
		"+ ?7, identity = coalesce(?8, identity), message_id = "
		"coalesce(?9, message_id), scope = coalesce(?10, scope), "
		"folders = ?11, flags = ?12 WHERE id = ?1 AND state = 1",
	[SQL_MESSAGE_OVER] =
		"UPDATE message SET done_at = ?2 WHERE seq = (SELECT message "
		"FROM delivery WHERE id = ?1) AND NOT EXISTS (SELECT 1 FROM "
		"delivery o WHERE o.message = seq AND o.state NOT IN (4, 6)) "
		"AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message = seq "
		"AND o.state NOT IN (4, 6))",
	[SQL_MESSAGE_OPEN] =
		"UPDATE message SET done_at = NULL WHERE seq = (SELECT "
		"message FROM delivery WHERE id = ?1) AND done_at IS NOT NULL",
	[SQL_JOURNAL] =
		"INSERT INTO journal (delivery, at, state, reason, journal) "
		"VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_THREAD] =
		"INSERT INTO thread (message_id, scope, object, record, at) "
		"VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
	[SQL_PARTY] =
		"INSERT INTO thread_party (party, subject, scope, object, "
		"record, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO "
		"UPDATE SET at = max(at, excluded.at)",
	[SQL_JOURNAL_NEWS] =
		"INSERT INTO journal (delivery, at, state, reason, journal) "
		"SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM "
		"journal WHERE id = (SELECT max(id) FROM journal WHERE "
		"delivery = ?1) AND state = ?3 AND reason = ?4)",
	/* the first one's, unless it has run out; `:last` only prolongs it */
	[SQL_MARK] =
		"INSERT INTO seen (route, key, delivery, until) SELECT route, "
		"?2, ?1, ?4 FROM delivery WHERE id = ?1 ON CONFLICT DO UPDATE "
		"SET until = excluded.until, delivery = iif(until <= ?3, "
		"excluded.delivery, delivery) WHERE until <= ?3 OR ?5",
	[SQL_MARK_SOON] =
		"INSERT INTO seen_soon (route, key, delivery) SELECT route, "
		"?2, ?1 FROM delivery WHERE id = ?1 ON CONFLICT DO NOTHING",
	[SQL_GET_MARK] = "SELECT 1 FROM seen WHERE route = ?1 AND key = ?2 "
			 "AND until > ?3 AND delivery <> ?4",
	[SQL_GET_SOON] =
		"SELECT p.delivery FROM seen_soon p CROSS JOIN delivery d ON "
		"d.id = p.delivery WHERE p.route = ?1 AND p.key = ?2 AND "
		"(?3 = 0 OR p.delivery < ?3) AND d.state <= 2 "
		"ORDER BY p.delivery LIMIT 1",
	[SQL_OUT_ADD] =
		"INSERT INTO outbox (delivery, message, day, route, kind, "
		"once, sender, rcpts, pieces, size, fcc, reply_to, at, state, "
		"due_at, changed_at) SELECT d.id, d.message, d.received_at / "
		"86400000, d.route, ?2, ?3, ?4, ?5, ?6, iif(?7 < 0, m.size, "
		"?7), ?8, lower(?9), ?10, 0, ?11, ?10 FROM delivery d CROSS "
		"JOIN message m ON m.seq = d.message WHERE d.id = ?1 "
		"ON CONFLICT DO NOTHING",
	[SQL_OUT_TALLY] =
		"UPDATE tally SET planned = planned + 1 WHERE (day, route) = "
		"(SELECT received_at / 86400000, route FROM delivery WHERE "
		"id = ?1)",
#define OUT_COLUMNS                                                            \
	"SELECT o.id, o.delivery, m.id, m.size, o.route, o.kind, o.sender, "   \
	"o.fcc, o.reason, o.rcpts, o.results, o.size, o.state, o.attempts, "   \
	"o.at, o.due_at, o.changed_at, o.pieces FROM outbox o "
	[SQL_OUT_CLAIM_DUE] = OUT_COLUMNS
	"INDEXED BY outbox_due CROSS JOIN message m ON "
	"m.seq = o.message WHERE o.state <= 2 AND o.due_at "
	"<= ?1 ORDER BY o.due_at, o.id LIMIT ?2",
	[SQL_OUT_CLAIM_TAKE] =
		"UPDATE outbox SET state = 1, due_at = ?2, changed_at = ?3, "
		"attempts = attempts + 1 WHERE id = ?1",
	[SQL_OUT_CLAIM_NEXT] =
		"SELECT due_at FROM outbox INDEXED BY outbox_due WHERE state "
		"<= 2 AND due_at > ?1 ORDER BY due_at LIMIT 1",
	[SQL_OUT_BURY] = "UPDATE outbox SET state = 5, due_at = 0, changed_at "
			 "= ?2, reason = ?3 WHERE id = ?1",
	[SQL_OUT_FINISH] =
		"UPDATE outbox SET state = ?2, due_at = ?3, changed_at = ?4, "
		"reason = ?5, attempts = attempts - ?6, results = coalesce(?7, "
		"results) WHERE id = ?1 AND state = 1",
	[SQL_OUT_DELIVERY] = "SELECT delivery FROM outbox WHERE id = ?1",
	[SQL_OUT_JOURNAL] =
		"INSERT INTO journal (delivery, at, state, reason, journal) "
		"SELECT id, ?2, state, ?3, ?4 FROM delivery WHERE id = ?1",
	[SQL_OUT_STATE_OF] = "SELECT state, delivery FROM outbox WHERE id = ?1",
	[SQL_OUT_ORDER] =
		"UPDATE outbox SET state = ?2, due_at = ?3, changed_at = ?4, "
		"reason = ?5, at = iif(?2 = 0, ?4, at) WHERE id = ?1",
	[SQL_OUT_RECLAIM] = "UPDATE outbox SET state = 0, due_at = ?1 "
			    "WHERE state = 1",
	[SQL_OUT_LIST] = OUT_COLUMNS
	"CROSS JOIN message m ON m.seq = o.message WHERE "
	"o.id > ?1 AND (?2 = '' OR o.route = ?2) AND (?3 = "
	"'' OR instr(lower(o.sender), lower(?3)) OR "
	"instr(lower(o.rcpts), lower(?3)) OR "
	"instr(lower(o.reason), lower(?3))) AND (?4 = '' "
	"OR o.fcc = ?4) AND (?5 = 0 OR o.delivery = ?5) "
	"AND (?6 >> o.state) & 1 ORDER BY o.id LIMIT ?7",
	[SQL_OUT_ROW] = OUT_COLUMNS "CROSS JOIN message m ON m.seq = o.message "
				    "WHERE o.id = ?1",
	[SQL_OUT_COUNT_ALL] = "SELECT count(*) FROM outbox WHERE at >= ?1",
	[SQL_OUT_COUNT_ROUTE] =
		"SELECT count(*) FROM outbox WHERE route = ?2 AND at >= ?1",
	[SQL_OUT_COUNT_REPLY] =
		"SELECT count(*) FROM outbox WHERE reply_to = lower(?2) AND "
		"reply_to <> '' AND at >= ?1",
	[SQL_OUT_COUNT_STATES] = "SELECT state, count(*) FROM outbox GROUP BY "
				 "1",
	[SQL_OUT_OLDEST] = "SELECT min(at) FROM outbox WHERE id IN ("
			   "(SELECT min(id) FROM outbox WHERE state = 0), "
			   "(SELECT min(id) FROM outbox WHERE state = 1), "
			   "(SELECT min(id) FROM outbox WHERE state = 2))",
	[SQL_STATE_OF] = "SELECT state FROM delivery WHERE id = ?1",
	[SQL_ORDER] = "UPDATE delivery SET state = ?2, due_at = ?3, "
		      "changed_at = ?4, reason = '' WHERE id = ?1",
	[SQL_RECLAIM] = "UPDATE delivery SET state = 0, due_at = ?1 "
			"WHERE state = 1 AND state <> 4",
	[SQL_SWEEP_BODIES] =
		"SELECT seq, size FROM message WHERE has_body = 1 AND "
		"done_at < ?1 ORDER BY done_at LIMIT ?2",
	[SQL_SWEEP_CHUNKS] = "DELETE FROM chunk WHERE id IN (SELECT id FROM "
			     "chunk WHERE id >= ?1 AND id < ?2 LIMIT ?3)",
	[SQL_SWEEP_BODY_GONE] = "UPDATE message SET has_body = 0 "
				"WHERE seq = ?1",
	[SQL_SWEEP_ROWS] = "SELECT seq FROM message WHERE has_body = 0 AND "
			   "done_at < ?1 ORDER BY done_at LIMIT ?2",
	[SQL_SWEEP_STATES] = "SELECT state, count(*) FROM delivery "
			     "WHERE message = ?1 GROUP BY 1",
	[SQL_SWEEP_TALLY] =
		"UPDATE tally SET kept_done = kept_done + n_done, "
		"kept_dropped = kept_dropped + n_dropped FROM (SELECT "
		"received_at / 86400000 AS of_day, route AS of_route, "
		"sum(state = 4) AS n_done, sum(state = 6) AS n_dropped FROM "
		"delivery WHERE message = ?1 GROUP BY 1, 2) "
		"WHERE day = of_day AND route = of_route",
	[SQL_SWEEP_OUT_TALLY] =
		"UPDATE tally SET kept_sent = kept_sent + n_sent, kept_unsent "
		"= kept_unsent + n_unsent FROM (SELECT day AS of_day, route AS "
		"of_route, sum(state = 4) AS n_sent, sum(state = 6) AS "
		"n_unsent FROM outbox WHERE message = ?1 GROUP BY 1, 2) "
		"WHERE day = of_day AND route = of_route",
	[SQL_SWEEP_OUT] = "DELETE FROM outbox WHERE message = ?1",
	[SQL_SWEEP_SEEN] =
		"DELETE FROM seen WHERE (route, key) IN (SELECT route, key "
		"FROM seen WHERE until < ?1 ORDER BY until LIMIT ?2)",
	[SQL_SWEEP_SOON] =
		"DELETE FROM seen_soon WHERE (route, key, delivery) IN (SELECT "
		"route, key, delivery FROM seen_soon p WHERE NOT EXISTS "
		"(SELECT 1 FROM delivery d WHERE d.id = p.delivery AND d.state "
		"NOT IN (4, 6)) LIMIT ?1)",
	[SQL_SWEEP_JOURNAL] =
		"DELETE FROM journal WHERE delivery IN (SELECT id FROM "
		"delivery WHERE message = ?1)",
	[SQL_SWEEP_DELIVERIES] = "DELETE FROM delivery WHERE message = ?1",
	[SQL_SWEEP_MESSAGE] = "DELETE FROM message WHERE seq = ?1",
	[SQL_SWEEP_THREADS] =
		"DELETE FROM thread WHERE (message_id, scope, object) IN "
		"(SELECT message_id, scope, object FROM thread WHERE at < ?1 "
		"ORDER BY at LIMIT ?2)",
	[SQL_SWEEP_PARTIES] =
		"DELETE FROM thread_party WHERE (party, subject, scope, "
		"object, record) IN (SELECT party, subject, scope, object, "
		"record FROM thread_party WHERE at < ?1 ORDER BY at LIMIT ?2)",
	[SQL_PAGES] = "PRAGMA page_count",
	[SQL_PAGES_FREE] = "PRAGMA freelist_count",
	[SQL_GIVE_BACK] = "PRAGMA incremental_vacuum(64)",
	[SQL_BODY] = "SELECT seq, size, has_body FROM message WHERE id = ?1",
	[SQL_BODY_CHUNK] = "SELECT bytes FROM chunk WHERE id = ?1",
	[SQL_FIND_THREAD] =
		"SELECT record FROM thread WHERE message_id = ?1 AND scope = "
		"?2 AND object = ?3",
	[SQL_FIND_SUBJECT] =
		"SELECT record FROM thread_party WHERE subject = ?1 AND "
		"subject <> '' AND scope = ?2 AND object = ?3 AND at >= ?4 "
		"ORDER BY at DESC LIMIT 1",
	[SQL_FIND_SUBJECT_OF] =
		"SELECT record FROM thread_party WHERE subject = ?1 AND scope "
		"= ?2 AND object = ?3 AND at >= ?4 AND party = ?5 "
		"ORDER BY at DESC LIMIT 1",
	[SQL_FIND_PARTY] =
		"SELECT 1 FROM thread_party WHERE party = ?1 AND scope = ?2 "
		"AND object = ?3 AND record = ?4 LIMIT 1",
	[SQL_FIND_PENDING] =
		"SELECT id FROM delivery INDEXED BY delivery_pending WHERE "
		"message_id = ?1 AND state <= 3 AND message_id IS NOT NULL "
		"AND (scope IS NULL OR scope = ?2) AND (?3 = 0 OR id < ?3) "
		"ORDER BY id LIMIT 1",
	[SQL_FIND_IDENTITY] =
		"SELECT id, state FROM delivery INDEXED BY delivery_identity "
		"WHERE identity = ?1 AND identity IS NOT NULL AND state <= 4 "
		"AND route = ?2 AND id <> ?3 AND (state = 4 OR (state <= 2 AND "
		"id < ?3)) ORDER BY state DESC, id LIMIT 1",
#define ROW_COLUMNS                                                            \
	"SELECT d.id, m.id, d.route, m.sender, d.reason, d.message_id, "       \
	"m.source, d.rcpts, d.state, d.attempts, d.received_at, d.due_at, "    \
	"d.changed_at, m.size, m.has_body, d.folders, d.flags FROM "
#define ROW_FILTER                                                             \
	" CROSS JOIN message m ON m.seq = d.message WHERE d.id > ?1 AND "      \
	"(?2 = '' OR d.route = ?2) AND d.received_at >= ?3 AND "               \
	"d.received_at <= ?4 AND (?5 = '' OR "                                 \
	"instr(lower(m.sender), lower(?5)) OR "                                \
	"instr(lower(d.rcpts), lower(?5)) OR "                                 \
	"instr(lower(d.reason), lower(?5)) OR "                                \
	"instr(lower(d.message_id), lower(?5))) AND (?8 = '' OR "              \
	"instr(char(10) || d.folders || char(10), char(10) || ?8 || "          \
	"char(10))) AND "
	[SQL_LIST] = ROW_COLUMNS "delivery d" ROW_FILTER
				 "(?7 >> d.state) & 1 ORDER BY d.id LIMIT ?6",
	[SQL_LIST_STATE] = ROW_COLUMNS
	"delivery d INDEXED BY delivery_open" ROW_FILTER
	"d.state = ?7 AND d.state <> 4 ORDER BY d.id LIMIT ?6",
	[SQL_ROW] = ROW_COLUMNS "delivery d CROSS JOIN message m ON m.seq = "
				"d.message WHERE d.id = ?1",
	[SQL_ENVELOPE] = "SELECT m.envelope FROM delivery d CROSS JOIN "
			 "message m ON m.seq = d.message WHERE d.id = ?1",
	[SQL_EVENTS] =
		"SELECT at, state, reason, journal FROM (SELECT id, at, "
		"state, reason, journal FROM journal WHERE delivery = ?1 "
		"ORDER BY id DESC LIMIT ?2) ORDER BY id",
	[SQL_BALANCE] =
		"SELECT route, day, -1, received FROM tally UNION ALL "
		"SELECT route, day, 4, kept_done FROM tally UNION ALL "
		"SELECT route, day, 6, kept_dropped FROM tally UNION ALL "
		"SELECT route, day, -2, planned FROM tally UNION ALL "
		"SELECT route, day, 104, kept_sent FROM tally UNION ALL "
		"SELECT route, day, 106, kept_unsent FROM tally UNION ALL "
		"SELECT route, day, 100 + state, count(*) FROM outbox "
		"GROUP BY 1, 2, 3 UNION ALL "
		"SELECT route, received_at / 86400000, state, count(*) FROM "
		"delivery GROUP BY 1, 2, 3",
	[SQL_COUNT_STATES] = "SELECT state, count(*) FROM delivery GROUP BY 1",
	[SQL_OLDEST] = "SELECT min(received_at) FROM delivery WHERE id IN ("
		       "(SELECT min(id) FROM delivery INDEXED BY delivery_open "
		       "WHERE state = 0 AND state <> 4), "
		       "(SELECT min(id) FROM delivery INDEXED BY delivery_open "
		       "WHERE state = 1 AND state <> 4), "
		       "(SELECT min(id) FROM delivery INDEXED BY delivery_open "
		       "WHERE state = 2 AND state <> 4))",
	[SQL_GET_SKEW] = "SELECT skew FROM clock",
	[SQL_SET_SKEW] = "UPDATE clock SET skew = ?1",
	[SQL_GET_TOKEN] = "SELECT token FROM self",
	[SQL_LAST_TICK] =
		"SELECT max(coalesce((SELECT changed_at FROM delivery ORDER "
		"BY id DESC LIMIT 1), 0), coalesce((SELECT at FROM journal "
		"ORDER BY id DESC LIMIT 1), 0))",
};

struct sqlite_value sqlite_optional(int type, struct str bytes)
{
	if (bytes.len == 0)
		return (struct sqlite_value){ .type = VALUE_NULL };
	if (type == VALUE_BLOB)
		return BLOB(bytes);
	return TEXT(bytes);
}

static enum err_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return ERR_CONF;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
		return ERR_PERM;
	default:
		return ERR_TEMP;
	}
}

int sqlite_conn_fail(struct sqlite_conn *c, const char *what, struct err *err)
{
	int code = sqlite3_extended_errcode(c->db);
	int low = code & 0xff;

	if (low == SQLITE_CORRUPT || low == SQLITE_NOTADB)
		return err_set(err, ERR_CONF,
			"the store is damaged (%s, at %.40s): stop mailmill "
			"and run mailmill queue check, which says what to do",
			sqlite3_errmsg(c->db), what);
	return err_set(err, kind_of(code), "store: %s (code %d, at %.40s)",
		sqlite3_errmsg(c->db), code, what);
}

bool sqlite_conn_is_unfit(struct sqlite_conn *c)
{
	switch (sqlite3_errcode(c->db) & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PROTOCOL:
		return true;
	default:
		return false;
	}
}

int sqlite_conn_exec(struct sqlite_conn *c, const char *sql, struct err *err)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return sqlite_conn_fail(c, "setting up", err);
}

int sqlite_conn_number(
	struct sqlite_conn *c, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	else
		sqlite_conn_fail(c, "asking", err);
	sqlite3_finalize(st);
	return code == SQLITE_ROW ? 0 : -1;
}

static int set_up(struct sqlite_conn *c, bool is_writer, struct err *err)
{
	int64_t pages = 0;

	if (!is_writer)
		return sqlite_conn_exec(c,
			"PRAGMA query_only=ON;"
			"PRAGMA temp_store=MEMORY;" CACHE_READER,
			err);
	if (sqlite_conn_number(c, "PRAGMA page_count", &pages, err) < 0)
		return -1;
	/* not at each opening: the second one writes to the database */
	if (pages == 0 && sqlite_conn_exec(c,
				  "PRAGMA page_size=4096;"
				  "PRAGMA auto_vacuum=INCREMENTAL;",
				  err) < 0)
		return -1;
	return sqlite_conn_exec(c,
		"PRAGMA journal_mode=WAL;"
		"PRAGMA synchronous=FULL;"
		"PRAGMA foreign_keys=ON;"
		"PRAGMA secure_delete=FAST;"
		"PRAGMA journal_size_limit=67108864;"
		"PRAGMA temp_store=MEMORY;" CACHE_WRITER,
		err);
}

int sqlite_conn_open(struct sqlite_conn *c, const char *path, bool is_writer,
	struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    (is_writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
			       : SQLITE_OPEN_READONLY);

	memset(c, 0, sizeof(*c));
	if (sqlite3_open_v2(path, &c->db, flags, NULL) != SQLITE_OK) {
		sqlite_conn_fail(c, path, err);
		sqlite_conn_close(c);
		return -1;
	}
	/* only the writer may ever checkpoint, and only when it says so */
	sqlite3_wal_autocheckpoint(c->db, 0);
	sqlite3_db_config(
		c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	sqlite3_busy_timeout(c->db, SQLITE_BUSY_MS);
	if (set_up(c, is_writer, err) < 0) {
		sqlite_conn_close(c);
		return -1;
	}
	return 0;
}

void sqlite_conn_close(struct sqlite_conn *c)
{
	for (size_t i = 0; i < SQL_N; i++)
		sqlite3_finalize(c->all[i]);
	if (c->db)
		must(sqlite3_close(c->db) == SQLITE_OK);
	memset(c, 0, sizeof(*c));
}

static int bind_value(
	sqlite3_stmt *st, int at, const struct sqlite_value *value)
{
	const char *p = value->bytes.p ? value->bytes.p : "";

	switch (value->type) {
	case VALUE_INT:
		return sqlite3_bind_int64(st, at, value->number);
	case VALUE_TEXT:
		return sqlite3_bind_text64(st, at, p, value->bytes.len,
			SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(
			st, at, p, value->bytes.len, SQLITE_STATIC);
	case VALUE_NULL:
		break;
	}
	return sqlite3_bind_null(st, at);
}

sqlite3_stmt *sqlite_start(struct sqlite_conn *c, enum sql id,
	const struct sqlite_value *values, size_t n, struct err *err)
{
	if (!c->all[id] && sqlite3_prepare_v3(c->db, texts[id], -1,
				   SQLITE_PREPARE_PERSISTENT, &c->all[id],
				   NULL) != SQLITE_OK) {
		sqlite_conn_fail(c, texts[id], err);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (bind_value(c->all[id], (int)i + 1, &values[i]) !=
			SQLITE_OK) {
			sqlite_conn_fail(c, texts[id], err);
			return NULL;
		}
	return c->all[id];
}

int sqlite_step(struct sqlite_conn *c, sqlite3_stmt *st, struct err *err)
{
	int code = sqlite3_step(st);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		sqlite_conn_fail(c, sqlite3_sql(st), err);
	sqlite3_reset(st);
	return code == SQLITE_DONE ? 0 : -1;
}

int sqlite_run(struct sqlite_conn *c, enum sql id,
	const struct sqlite_value *values, size_t n, struct err *err)
{
	sqlite3_stmt *st = sqlite_start(c, id, values, n, err);
	int rc;

	if (!st)
		return -1;
	while ((rc = sqlite_step(c, st, err)) == 1)
		continue;
	return rc < 0 ? -1 : sqlite3_changes(c->db);
}

struct str sqlite_text(sqlite3_stmt *st, int column)
{
	/* the bytes first: asking for them may convert and move them */
	const void *p = sqlite3_column_blob(st, column);

	return str_n(p, (size_t)sqlite3_column_bytes(st, column));
}
