/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_sqlite_check.c - schema versions, and looking for damage.
 *
 * schema/N.sql brings version N - 1 forward to N; PRAGMA user_version tells
 * which one a database has. All steps run in one transaction.
 */
#include <stdio.h>

#include <mailmill/log.h>

#include "store_sqlite.h"

/* made of schema/N.sql by schema/embed, ended by NULL */
extern const char *const store_sqlite_schema[];

/* looked at as a whole at each start: takes a second at most */
#define CHECK_BYTES_SMALL ((int64_t)256 << 20)
/* after an unclean stop; beyond it all tables but that of bodies */
#define CHECK_BYTES_LARGE ((int64_t)1 << 30)
#define FAULT_MAX 400

/* --- versions ------------------------------------------------------------- */

int store_schema_version(void)
{
	int n = 0;

	while (store_sqlite_schema[n])
		n++;
	return n;
}

static int get_version(struct sqlite_conn *c, int64_t *version, struct err *err)
{
	if (sqlite_conn_number(c, "PRAGMA user_version", version, err) < 0)
		return -1;
	if (*version > store_schema_version())
		return err_set(err, ERR_CONF,
			"the store was made by a newer mailmill (schema %lld, "
			"this one knows up to %d): use that version again",
			(long long)*version, store_schema_version());
	return 0;
}

int sqlite_schema_accept(struct sqlite_conn *c, struct err *err)
{
	int64_t version = 0;

	if (get_version(c, &version, err) < 0)
		return -1;
	if (version < store_schema_version())
		return err_set(err, ERR_CONF,
			"the store has the older schema %lld: the next start "
			"of mailmill serve brings it forward",
			(long long)version);
	return 0;
}

static int step_forward(struct sqlite_conn *c, int64_t to, struct err *err)
{
	char set[48];

	snprintf(set, sizeof(set), "PRAGMA user_version=%lld", (long long)to);
	if (sqlite_conn_exec(c, store_sqlite_schema[to - 1], err) < 0 ||
		sqlite_conn_exec(c, set, err) < 0)
		return err_add(err, "bringing the schema to version %lld",
			(long long)to);
	return 0;
}

int sqlite_schema_migrate(struct sqlite_conn *c, struct err *err)
{
	int64_t version = 0, to;
	int rc = 0;

	if (get_version(c, &version, err) < 0)
		return -1;
	if (version == store_schema_version())
		return 0;
	if (RUN(c, SQL_BEGIN, err) < 0)
		return -1;
	for (to = version + 1; rc == 0 && to <= store_schema_version(); to++)
		rc = step_forward(c, to, err);
	if (rc == 0 && RUN(c, SQL_COMMIT, err) >= 0) {
		if (version > 0)
			log_event(LOG_INFO, "store.migrated", "from=%lld to=%d",
				(long long)version, store_schema_version());
		return 0;
	}
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* --- damage --------------------------------------------------------------- */

struct finding {
	void (*fn)(const char *fault, void *ctx);
	void *ctx;
	size_t n;
};

static void report(struct finding *f, const char *fmt, ...) PRINTF(2, 3);
static void report(struct finding *f, const char *fmt, ...)
{
	char text[FAULT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->n++;
	if (f->fn)
		f->fn(text, f->ctx);
}

/*
 * Runs a query and reports each row (a printed text in its first column) but
 * "ok". Returns: 0, or -1 with *err when it can't be run.
 */
static int report_rows(struct sqlite_conn *c, const char *sql,
	struct finding *f, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);

	if (code == SQLITE_OK)
		while ((code = sqlite3_step(st)) == SQLITE_ROW) {
			struct str text = sqlite_text(st, 0);
			if (!str_eq(text, STR("ok")))
				report(f, "%.*s", STR_ARG(text));
		}
	if (code != SQLITE_DONE)
		sqlite_conn_fail(c, "checking", err);
	sqlite3_finalize(st);
	return code == SQLITE_DONE ? 0 : -1;
}

static void keep_first(const char *fault, void *ctx)
{
	char *first = ctx;

	if (!first[0])
		snprintf(first, FAULT_MAX, "%s", fault);
}

int sqlite_check_quickly(
	struct sqlite_conn *c, bool is_unclean, struct err *err)
{
	static const char *const parts[] = {
		"PRAGMA quick_check(message)",
		"PRAGMA quick_check(delivery)",
		"PRAGMA quick_check(journal)",
		"PRAGMA quick_check(thread)",
		"PRAGMA quick_check(tally)",
		"PRAGMA quick_check(seen)",
		"PRAGMA quick_check(outbox)",
	};
	char first[FAULT_MAX] = "";
	struct finding f = { keep_first, first, 0 };
	int64_t pages = 0, size = 0;
	int rc = 0;

	if (sqlite_conn_number(c, "PRAGMA page_count", &pages, err) < 0 ||
		sqlite_conn_number(c, "PRAGMA page_size", &size, err) < 0)
		return -1;
	size *= pages;
	if (size <= (is_unclean ? CHECK_BYTES_LARGE : CHECK_BYTES_SMALL))
		rc = report_rows(c, "PRAGMA quick_check(1)", &f, err);
	else
		for (size_t i = 0; is_unclean && rc == 0 && i < COUNT(parts);
			i++)
			rc = report_rows(c, parts[i], &f, err);
	if (rc < 0 || !f.n)
		return rc;
	return err_set(err, ERR_CONF,
		"the store is damaged (%s): run mailmill queue check, which "
		"says what to do",
		first);
}

/* Each gives a row for a fault that integrity_check does not know. */
static const char *const sums[] = {
	"SELECT printf('message %s: %lld bytes are stored, its size is %lld', "
	"id, coalesce((SELECT sum(length(bytes)) FROM chunk WHERE chunk.id >= "
	"seq << 16 AND chunk.id < (seq + 1) << 16), 0), size) FROM message "
	"WHERE has_body AND size <> coalesce((SELECT sum(length(bytes)) FROM "
	"chunk WHERE chunk.id >= seq << 16 AND chunk.id < (seq + 1) << 16), 0)",
	"SELECT printf('piece %lld of a body belongs to no message', id) FROM "
	"chunk WHERE NOT EXISTS (SELECT 1 FROM message WHERE seq = chunk.id "
	">> 16 AND has_body)",
	"SELECT printf('message %s has no delivery', id) FROM message WHERE "
	"NOT EXISTS (SELECT 1 FROM delivery WHERE message = seq)",
	"SELECT printf('message %s is marked %s while deliveries are %s', id, "
	"iif(done_at IS NULL, 'open', 'over'), iif(done_at IS NULL, 'over', "
	"'open')) FROM message WHERE (done_at IS NULL) <> (EXISTS (SELECT 1 "
	"FROM delivery WHERE message = seq AND state NOT IN (4, 6)) OR EXISTS "
	"(SELECT 1 FROM outbox WHERE message = seq AND state NOT IN (4, 6)))",
	"SELECT printf('outgoing mail %lld has the unknown state %lld', id, "
	"state) FROM outbox WHERE state NOT IN (0, 1, 2, 4, 5, 6)",
	"SELECT printf('the books of route %s, day %s: %lld were to be sent, "
	"found %lld', route, date(day * 86400, 'unixepoch'), sum(planned), "
	"sum(found)) FROM (SELECT route, day, planned, kept_sent + kept_unsent "
	"AS found FROM tally UNION ALL SELECT route, day, 0, 1 FROM outbox) "
	"GROUP BY route, day HAVING sum(planned) <> sum(found)",
	"SELECT printf('delivery %lld has the unknown state %lld', id, state) "
	"FROM delivery WHERE state NOT BETWEEN 0 AND 6",
	"SELECT printf('the books of route %s, day %s: received %lld, found "
	"%lld', route, date(day * 86400, 'unixepoch'), sum(received), "
	"sum(found)) FROM (SELECT route, day, received, kept_done + "
	"kept_dropped AS found FROM tally UNION ALL SELECT route, received_at "
	"/ 86400000, 0, 1 FROM delivery) GROUP BY route, day HAVING "
	"sum(received) <> sum(found)",
};

static int check_all(struct sqlite_conn *c, struct finding *f, struct err *err)
{
	size_t before;

	if (sqlite_schema_accept(c, err) < 0)
		return -1;
	if (report_rows(c, "PRAGMA integrity_check(100)", f, err) < 0)
		return -1;
	before = f->n;
	if (report_rows(c,
		    "SELECT printf('row %lld of %s refers to a row of %s that "
		    "is not there', rowid, \"table\", parent) FROM "
		    "pragma_foreign_key_check",
		    f, err) < 0)
		return -1;
	/* sums over broken pages would only repeat what is known */
	for (size_t i = 0; before == 0 && i < COUNT(sums); i++)
		if (report_rows(c, sums[i], f, err) < 0)
			return -1;
	return 0;
}

int sqlite_check(const struct store_options *o,
	void (*fn)(const char *fault, void *ctx), void *ctx, struct err *err)
{
	AUTO(bytes) char *path = mem_printf("%s/mailmill.db", o->path);
	struct sqlite_conn c;
	struct finding f = { fn, ctx, 0 };
	int rc;

	if (sqlite_conn_open(&c, path, false, err) < 0) {
		/* where the damage is, the names of the tables are */
		if (!strstr(err->text, "damaged"))
			return -1;
		report(&f, "%s", err->text);
		return 1;
	}
	rc = check_all(&c, &f, err);
	if (rc < 0 && (sqlite3_errcode(c.db) & 0xff) == SQLITE_CORRUPT) {
		report(&f, "%s", err->text);
		rc = 0;
	}
	sqlite_conn_close(&c);
	return rc < 0 ? -1 : f.n > 0;
}
