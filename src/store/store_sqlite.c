/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_sqlite.c - the store in an SQLite database: owning it, committing.
 *
 * SQLite up to 3.51.2 can lose pages when, in WAL mode, one connection commits
 * while another checkpoints. So exactly one connection, the writer's, commits
 * and checkpoints, and all others are read-only. That there is one writer on
 * the machine is kept by a lock on STATE/lock, which holds the owner's pid;
 * readers in other processes need no lock.
 *
 * STATE/running exists while a writer has the store open: found at start, the
 * last one did not end well, and the database is looked at more closely.
 *
 * A connection that met a full disk or an I/O error is not used again. It is
 * opened anew for the next transaction, so that service resumes by itself when
 * the disk does.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <mailmill/clock.h>
#include <mailmill/fault.h>
#include <mailmill/file.h>
#include <mailmill/log.h>

#include "store_sqlite.h"

#define FOLDER_MODE 0750
#define FILE_MODE 0640
/* pages of 4 KiB in the WAL after which they are moved to the database */
#define WAL_PAGES_MAX 4096
/* readers may hold it back; beyond this the writer waits for them */
#define WAL_PAGES_FAR (16 * WAL_PAGES_MAX)
#define CHECKPOINT_WAIT_MS 200
#define BATCH_JOBS_MAX 2000

/* --- owning --------------------------------------------------------------- */

static int refuse_second(int fd, const char *folder, struct err *err)
{
	char text[32] = "";
	ssize_t n = file_pread_all(fd, text, sizeof(text) - 1, 0);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == 0))
		text[--n] = 0;
	return err_set(err, ERR_TEMP,
		"the store in %s is in use by process %s: stop that one first",
		folder, n > 0 ? text : "(unknown)");
}

/*
 * Gives a new file to the folder's owner: root may run a command before the
 * service's user ever started.
 */
static void hand_to_owner(int fd, const char *folder)
{
	struct stat st;

	if (geteuid() == 0 && stat(folder, &st) == 0 &&
		fchown(fd, st.st_uid, st.st_gid) < 0)
		log_event(LOG_WARN, "store.owner", "not set in %s", folder);
}

/* Mails are in it: it is not for everyone, whatever the umask says. */
static int make_file(const char *path, const char *folder, struct err *err)
{
	AUTO(fd) int fd = open(
		path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return errno == EEXIST ? 0
				       : err_sys(err, "cannot create %s", path);
	hand_to_owner(fd, folder);
	return 0;
}

static int take_lock(
	struct sqlite_store *q, const char *folder, struct err *err)
{
	AUTO(bytes) char *path = mem_printf("%s/lock", folder);
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());
	AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return refuse_second(fd, folder, err);
		return err_sys(err, "cannot lock %s", path);
	}
	hand_to_owner(fd, folder);
	/* a pid that can't be written (disk full) only spoils a message */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) < 0)
		log_event(
			LOG_WARN, "store.lock", "pid not written to %s", path);
	q->lock_fd = TAKE_FD(fd);
	return 0;
}

/* Sets the marker. Returns: whether it was there. */
static bool set_marker(struct sqlite_store *q)
{
	int fd = open(
		q->marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

	if (fd < 0)
		return errno == EEXIST;
	close(fd);
	return false;
}

/* --- opening -------------------------------------------------------------- */

/* Hears how long the WAL is; it begins anew once all of it was moved. */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int n_pages)
{
	struct sqlite_store *q = ctx;

	(void)db;
	(void)name;
	if (n_pages < q->wal_pages)
		q->wal_done = 0;
	q->wal_pages = n_pages;
	return SQLITE_OK;
}

static int open_writer(struct sqlite_store *q, struct err *err)
{
	if (sqlite_conn_open(&q->writer, q->path, true, err) < 0)
		return -1;
	sqlite3_wal_hook(q->writer.db, on_commit, q);
	return 0;
}

static int read_number(
	struct sqlite_conn *c, enum sql id, int64_t *out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, id, err);
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		*out = sqlite3_column_int64(st, 0);
	return rc < 0 ? -1 : 0;
}

static int read_token(struct sqlite_conn *c, char *out, struct err *err)
{
	AUTO(stmt) sqlite3_stmt *st = START(c, SQL_GET_TOKEN, err);
	int rc = st ? sqlite_step(c, st, err) : -1;

	if (rc == 1)
		snprintf(out, STORE_TOKEN_LEN + 1, "%.*s",
			STR_ARG(sqlite_text(st, 0)));
	return rc < 0 ? -1 : 0;
}

/* Goes on with the store's time, and puts back what a dead owner claimed. */
static int recover(struct sqlite_store *q, struct err *err)
{
	int64_t last = 0;
	int n;

	if (read_number(&q->writer, SQL_GET_SKEW, &q->skew, err) < 0 ||
		read_number(&q->writer, SQL_LAST_TICK, &last, err) < 0)
		return -1;
	q->base.skew = q->skew;
	q->base.tick = last + q->skew;
	n = RUN(&q->writer, SQL_RECLAIM, err, INT(clock_wall_ms()));
	if (n < 0)
		return -1;
	if (n > 0)
		log_event(LOG_INFO, "store.reclaimed", "deliveries=%d", n);
	n = RUN(&q->writer, SQL_OUT_RECLAIM, err, INT(clock_wall_ms()));
	if (n > 0)
		log_event(LOG_INFO, "store.reclaimed", "outgoing=%d", n);
	if (n < 0)
		return -1;
	return read_token(&q->writer, q->base.token, err);
}

static int prepare(struct sqlite_store *q, bool is_unclean, struct err *err)
{
	struct sqlite_conn *c = &q->writer;
	int64_t n[STORE_N_STATES];

	if (sqlite_check_quickly(c, is_unclean, err) < 0 ||
		sqlite_schema_migrate(c, err) < 0 || recover(q, err) < 0 ||
		sqlite_count_states(c, n, err) < 0)
		return -1;
	for (size_t i = 0; i < STORE_N_STATES; i++)
		q->base.n_by_state[i] = n[i];
	return 0;
}

static int open_owned(
	struct sqlite_store *q, const char *folder, struct err *err)
{
	bool is_unclean;

	if (file_mkdirs(folder, FOLDER_MODE, err) < 0 ||
		take_lock(q, folder, err) < 0 ||
		make_file(q->path, folder, err) < 0)
		return -1;
	is_unclean = set_marker(q);
	if (open_writer(q, err) < 0)
		return -1;
	return prepare(q, is_unclean, err);
}

static int open_looking(struct sqlite_store *q, struct err *err)
{
	struct sqlite_conn *c;
	int64_t n[STORE_N_STATES];
	int rc;

	if (access(q->path, R_OK) < 0)
		return err_sys(err, "cannot read the store %s", q->path);
	c = sqlite_reader(q, err);
	if (!c)
		return -1;
	rc = sqlite_schema_accept(c, err);
	if (rc == 0)
		rc = read_number(c, SQL_GET_SKEW, &q->skew, err);
	if (rc == 0)
		rc = read_token(c, q->base.token, err);
	if (rc == 0)
		rc = sqlite_count_states(c, n, err);
	sqlite_reader_end(q, c);
	q->base.skew = q->skew;
	for (size_t i = 0; rc == 0 && i < STORE_N_STATES; i++)
		q->base.n_by_state[i] = n[i];
	return rc;
}

static void close_store(struct store *s)
{
	struct sqlite_store *q = sqlite_of(s);
	bool was_open = q->writer.db != NULL;
	bool is_well = was_open && !q->is_broken;

	sqlite_readers_close(q);
	if (is_well) {
		/* others may look on: they are not worth a long wait */
		sqlite3_busy_timeout(q->writer.db, CHECKPOINT_WAIT_MS);
		is_well = sqlite3_wal_checkpoint_v2(q->writer.db, NULL,
				  SQLITE_CHECKPOINT_TRUNCATE, NULL,
				  NULL) != SQLITE_CORRUPT;
	}
	sqlite_conn_close(&q->writer);
	if (is_well)
		unlink(q->marker);
	if (q->lock_fd >= 0)
		close(q->lock_fd);
	pthread_mutex_destroy(&q->readers_lock);
	free(q->path);
	free(q->marker);
	free(q->piece);
	free(q);
}

static int open_store(
	const struct store_options *o, struct store **out, struct err *err)
{
	struct sqlite_store *q;
	int rc;

	if (!o->path || !o->path[0])
		return err_set(err, ERR_CONF, "no folder for the store");
	must(sqlite3_threadsafe());
	q = NEW(struct sqlite_store);
	q->lock_fd = -1;
	q->path = mem_printf("%s/mailmill.db", o->path);
	q->marker = mem_printf("%s/running", o->path);
	q->piece = mem_new(STORE_CHUNK_LEN);
	pthread_mutex_init(&q->readers_lock, NULL);
	rc = o->is_readonly ? open_looking(q, err)
			    : open_owned(q, o->path, err);
	if (rc < 0) {
		/* keeps the marker: the next start looks closely again */
		q->is_broken = true;
		close_store(&q->base);
		return err_add(err, "opening the store");
	}
	*out = &q->base;
	return 0;
}

/* --- transactions --------------------------------------------------------- */

static int reopen(struct sqlite_store *q, struct err *err)
{
	sqlite_conn_close(&q->writer);
	if (open_writer(q, err) < 0)
		return -1;
	q->is_broken = false;
	log_event(LOG_INFO, "store.reopened", "path=%s", q->path);
	return 0;
}

static int fail(struct sqlite_store *q)
{
	if (q->writer.db && sqlite_conn_is_unfit(&q->writer))
		q->is_broken = true;
	return -1;
}

static int begin(struct store *s, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);

	if ((q->is_broken || !q->writer.db) && reopen(q, err) < 0)
		return -1;
	memset(q->moved, 0, sizeof(q->moved));
	if (RUN(&q->writer, SQL_BEGIN, err) < 0)
		return fail(q);
	return 0;
}

static int commit(struct store *s, struct err *err)
{
	struct sqlite_store *q = sqlite_of(s);

	if (fault_point("store.commit.before"))
		return err_set(
			err, ERR_TEMP, "told to fail at store.commit.before");
	if (s->skew != q->skew &&
		RUN(&q->writer, SQL_SET_SKEW, err, INT(s->skew)) < 0)
		return fail(q);
	if (RUN(&q->writer, SQL_COMMIT, err) < 0)
		return fail(q);
	q->skew = s->skew;
	for (size_t i = 0; i < STORE_N_STATES; i++)
		s->n_by_state[i] += q->moved[i];
	fault_point("store.commit.after");
	return 0;
}

static void rollback(struct store *s)
{
	struct sqlite_store *q = sqlite_of(s);
	struct err err = { 0 };

	fail(q);
	/* an error may have rolled back by itself */
	if (sqlite3_get_autocommit(q->writer.db))
		return;
	if (RUN(&q->writer, SQL_ROLLBACK, &err) < 0)
		q->is_broken = true;
}

/* --- between transactions ------------------------------------------------- */

static void rest(struct store *s)
{
	struct sqlite_store *q = sqlite_of(s);
	int mode, n_wal = 0, n_done = 0;

	if (q->is_broken || !q->writer.db ||
		q->wal_pages - q->wal_done < WAL_PAGES_MAX ||
		fault_point("store.checkpoint"))
		return;
	mode = q->wal_pages < WAL_PAGES_FAR ? SQLITE_CHECKPOINT_PASSIVE
					    : SQLITE_CHECKPOINT_RESTART;
	sqlite3_busy_timeout(q->writer.db, CHECKPOINT_WAIT_MS);
	if (sqlite3_wal_checkpoint_v2(
		    q->writer.db, NULL, mode, &n_wal, &n_done) == SQLITE_OK)
		q->wal_done = n_done;
	else
		fail(q);
	sqlite3_busy_timeout(q->writer.db, SQLITE_BUSY_MS);
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.batch_max = BATCH_JOBS_MAX,
	.open = open_store,
	.close = close_store,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.put = sqlite_put,
	.claim = sqlite_claim,
	.finish = sqlite_finish,
	.out_claim = sqlite_out_claim,
	.out_finish = sqlite_out_finish,
	.out_order = sqlite_out_order,
	.order = sqlite_order,
	.sweep = sqlite_sweep,
	.rest = rest,
	.body = sqlite_body,
	.find_thread = sqlite_find_thread,
	.find_subject = sqlite_find_subject,
	.find_party = sqlite_find_party,
	.find_identity = sqlite_find_identity,
	.seen = sqlite_seen,
	.out_list = sqlite_out_list,
	.out_show = sqlite_out_show,
	.out_count = sqlite_out_count,
	.out_stats = sqlite_out_stats,
	.list = sqlite_list,
	.show = sqlite_show,
	.balance = sqlite_balance,
	.oldest = sqlite_oldest,
	.check = sqlite_check,
};
