/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_store_sqlite.c - the common suite, and what only a database can do. */
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <mailmill/enc.h>
#include <mailmill/hash.h>
#include <mailmill/map.h>
#include <mailmill/proc.h>

#define SUITE_DRIVER "sqlite"
#include "suite.h"

extern const char *const store_sqlite_schema[];

static char *file_in(struct bench *b, const char *name)
{
	return arena_printf(b->arena, "%s/%s", b->path, name);
}

static void bench_close(struct bench *b)
{
	store_close(b->store);
	b->store = NULL;
}

/* Opens, expecting a refusal. */
static void refused(struct bench *b, const char *with, const char *name)
{
	struct store *s = NULL;
	struct err err = { 0 };

	is_int(store_open("sqlite", &b->options, &s, &err), -1, name);
	has_text(err.text, with, name);
	store_close(s);
}

static void on_fault(const char *fault, void *ctx)
{
	buf_c(ctx, fault);
	buf_byte(ctx, '\n');
}

static int check_store(struct bench *b, char all[4096])
{
	AUTO(buf) struct buf faults = BUF_INIT(4095);
	struct err err = { 0 };
	int rc = store_check("sqlite", &b->options, on_fault, &faults, &err);

	snprintf(all, 4096, "%s%s", faults.p ? faults.p : "", err.text);
	return rc;
}

static void is_sound(struct bench *b, const char *name)
{
	char all[4096];

	is_int(check_store(b, all), 0, name);
	is_c(all, "", name);
}

/* --- versions ------------------------------------------------------------- */

/* Released schemas are never changed: databases made by them exist. */
TEST(old_schemas_are_as_they_were)
{
	static const char *const digests[] = {
		"1ad5487f32e58799a3939388e19ac43efee4f4875a50019d1340a018d7f18c"
		"71",
		"ffade3576dc2b47677d9275e33a5129946df6e89174094da3b29bc42a6106f"
		"8d",
		"4bae6befafe550b9d9f17ea5fea049b60d0d7b6ffd5b9fe134e44f63526ed6"
		"0f",
		"49ced56767428d2f5a47c7de120523ee389f767682a81430f0510b34eafd3b"
		"43",
		"cca5f107916c87685c0167710ba3a709385aded77c291189e32dbfaa3618ed"
		"90",
		"35a01859dccff0112c017e74b9740ed8036831c30a2c1464ad765b7354a626"
		"3c",
	};
	char hex[HASH_HEX_LEN + 1];
	unsigned char digest[HASH_LEN];
	size_t n = 0;

	for (; store_sqlite_schema[n]; n++) {
		is_true(n < COUNT(digests), "each schema is listed here");
		hash_bytes(str_c(store_sqlite_schema[n]), digest);
		hash_hex(digest, hex);
		if (n < COUNT(digests))
			is_c(hex, digests[n], "a new schema is a new file");
	}
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	must(sqlite3_open(path, &db) == SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		test_fail(__FILE__, __LINE__, "%s: %.60s", why, sql);
	sqlite3_free(why);
	sqlite3_close(db);
}

/* What version 1 could hold: one queued, one claimed, one done. */
static const char v1_rows[] =
	"INSERT INTO message (seq, id, envelope, sender, source, received_at, "
	"size, done_at, once) VALUES "
	"(1, '019ab2c3-0000-7000-8000-000000000001', ENV, 'a@x', 'lmtp', "
	"1795556206123, 5, NULL, NULL), "
	"(2, '019ab2c3-0000-7000-8000-000000000002', ENV, 'b@x', 'pipe', "
	"1795556206124, 0, 1795556206999, 'k');"
	"INSERT INTO chunk VALUES (1 << 16, x'68656c6c6f');"
	"INSERT INTO delivery (id, message, route, rcpts, received_at, state, "
	"due_at, changed_at) VALUES "
	"(1, 1, 'support', 's@x', 1795556206123, 0, 1795556206123, "
	"1795556206123), "
	"(2, 1, 'sales', 't@x' || char(10) || 'u@x', 1795556206123, 1, "
	"1795556206123, 1795556206123), "
	"(3, 2, 'support', 's@x', 1795556206124, 4, 0, 1795556206999);"
	"INSERT INTO journal (delivery, at, state, reason, journal) VALUES "
	"(3, 1795556206999, 4, '', '{}');"
	"INSERT INTO thread VALUES ('m@x', 'prod', 'Case', '500A', 5);"
	"INSERT INTO tally (day, route, received) VALUES "
	"(20781, 'support', 2), (20781, 'sales', 1);";

static char *fixture_sql(struct arena *a, size_t version)
{
	AUTO(buf) struct buf sql = BUF_INIT(100000), wire = BUF_INIT(10000);
	AUTO(buf) struct buf hex = BUF_INIT(10000);
	struct sample m;
	struct str rest = str_c(v1_rows), piece;

	sample_init(&m, "");
	envelope_encode(&wire, &m.env);
	enc_hex(&hex, buf_view(&wire));
	for (size_t i = 0; i < version; i++)
		buf_c(&sql, store_sqlite_schema[i]);
	/* rows of version 1 fit all that came later, so far */
	for (ssize_t at; (at = str_find(rest, STR("ENV"))) >= 0;) {
		piece = str_sub(rest, 0, (size_t)at);
		buf_str(&sql, piece);
		buf_printf(&sql, "x'%s'", hex.p);
		rest = str_sub(rest, (size_t)at + 3, rest.len);
	}
	buf_str(&sql, rest);
	buf_printf(&sql, "PRAGMA user_version=%zu;", version);
	return arena_printf(a, "%.*s", STR_ARG(buf_view(&sql)));
}

TEST(each_earlier_schema_is_brought_forward)
{
	for (size_t v = 1; store_sqlite_schema[v - 1]; v++) {
		AUTO(bench) struct bench b;
		struct store_claim claim;
		struct str ids[] = { STR("m@x") }, record = STR_NULL;
		int64_t pending;

		bench_init(&b);
		bench_close(&b);
		unlink(file_in(&b, "mailmill.db"));
		run_sql(file_in(&b, "mailmill.db"), fixture_sql(b.arena, v));
		bench_open(&b);
		is_int(claim_sync(&b, &claim, 10, clock_wall_ms()), 2,
			"queued and claimed are due");
		is_int(claim.items[1].n_rcpts, 2, "with their recipients");
		is_int(find_thread(&b, "prod", ids, 1, 0, &record, &pending), 0,
			"threads");
		is_str(record, "500A", "are there");
		check_books(&b);
		is_sound(&b, "and all is sound");
	}
}

TEST(a_newer_schema_is_refused)
{
	AUTO(bench) struct bench b;

	bench_init(&b);
	bench_close(&b);
	run_sql(file_in(&b, "mailmill.db"), "PRAGMA user_version=99");
	refused(&b, "newer mailmill", "by an owner");
	b.options.is_readonly = true;
	refused(&b, "newer mailmill", "and by a reader");
}

/* --- owners --------------------------------------------------------------- */

TEST(a_second_owner_is_refused)
{
	AUTO(bench) struct bench b;
	char pid[32];

	bench_init(&b);
	snprintf(pid, sizeof(pid), "in use by process %d", getpid());
	refused(&b, pid, "naming the first");
	put_one(&b, "the first goes on");
}

TEST(readers_look_on)
{
	AUTO(bench) struct bench b;
	struct store_options o;
	struct store *looker = NULL;
	struct sample m;
	struct store_row *rows;
	struct store_filter filter = { 0 };
	struct err err = { 0 };
	size_t n = 0;
	int fd = -1;

	bench_init(&b);
	o = b.options;
	o.is_readonly = true;
	is_int(store_open("sqlite", &o, &looker, &err), 0, "beside the owner");
	sample_init(&m, "seen by both");
	is_int(put_sync(b.store, &m.put, &err), 0, "put");
	is_int(store_list(looker, b.arena, &filter, &rows, &n, &err), 0,
		"lists");
	is_int(n, 1, "what came meanwhile");
	is_int(store_body(looker, &m.put.id, &fd, &err), 0, "its bytes");
	close(fd);
	is_int(put_sync(looker, &m.put, &err), -1, "puts nothing");
	has_text(err.text, "reading only", "and says why");
	is_int(store_order(looker, 1, STORE_DO_DROP, STR("x"), &err), -1,
		"orders nothing");
	bench_close(&b);
	is_int(store_list(looker, b.arena, &filter, &rows, &n, &err), 0,
		"also after the owner went");
	store_close(looker);
	is_int(store_open("sqlite", &o, &looker, &err), 0, "and without one");
	is_int(store_list(looker, b.arena, &filter, &rows, &n, &err), 0,
		"lists");
	is_int(n, 1, "the same");
	store_close(looker);
	o.path = "/nonexistent";
	is_int(store_open("sqlite", &o, &looker, &err), -1, "no folder");
	has_text(err.text, "/nonexistent/mailmill.db", "named");
}

/* --- damage --------------------------------------------------------------- */

static void spoil(const char *path, off_t at, size_t len)
{
	AUTO(bytes) char *noise = mem_new(len);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(noise, 0xa5, len);
	must(fd >= 0 && pwrite(fd, noise, len, at) == (ssize_t)len);
	close(fd);
}

static void fill(struct bench *b, int n)
{
	for (int i = 0; i < n; i++)
		finish_to(b, claim_one(b), i % 2 ? STORE_DONE : STORE_HELD);
}

TEST(a_broken_page_is_refused)
{
	AUTO(bench) struct bench b;
	char *path, all[4096];
	struct stat st;
	struct err err = { 0 };
	int n_noticed = 0;

	bench_init(&b);
	path = file_in(&b, "mailmill.db");
	fill(&b, 50);
	bench_close(&b);
	is_sound(&b, "sound before");
	must(stat(path, &st) == 0);
	AUTO(buf) struct buf whole = BUF_INIT(1 << 24);
	is_int(file_read(path, &whole, &err), 0, "a copy");
	for (off_t page = 1; page < st.st_size / 4096; page++) {
		int fd;
		spoil(path, page * 4096, 4096);
		if (store_open("sqlite", &b.options, &b.store, &err) < 0) {
			n_noticed++;
			has_text(err.text, "damaged", "says what");
			has_text(err.text, "mailmill queue check", "and how");
			is_int(check_store(&b, all), 1, "check finds it");
			is_true(all[0], "and tells");
		}
		bench_close(&b);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		must(pwrite(fd, whole.p, whole.len, 0) == (ssize_t)whole.len);
		close(fd);
	}
	/* one page may be free */
	is_true(n_noticed >= st.st_size / 4096 - 3, "nearly each page matters");
	spoil(path, 0, 100);
	refused(&b, "damaged", "no database at all");
}

TEST(check_finds_what_does_not_add_up)
{
	static const struct {
		const char *name, *sql, *says;
	} rows[] = {
		{ "size", "UPDATE message SET size = 99 WHERE seq = 1",
			"its size is 99" },
		{ "lost piece", "DELETE FROM chunk WHERE id = 1 << 16",
			"0 bytes are stored" },
		{ "stray piece", "INSERT INTO chunk VALUES (77 << 16, x'00')",
			"belongs to no message" },
		{ "books", "UPDATE tally SET received = received + 1",
			"the books of route support" },
		{ "lost delivery", "DELETE FROM delivery WHERE id = 2",
			"has no delivery" },
		{ "stray journal",
			"INSERT INTO journal (delivery, at, state, reason, "
			"journal) VALUES (4711, 0, 0, '', '')",
			"refers to a row of delivery" },
		{ "mark", "UPDATE message SET done_at = 5 WHERE seq = 1",
			"marked over" },
		{ "outgoing", "UPDATE tally SET planned = planned + 1",
			"1 were to be sent, found 0" },
	};
	char all[4096];

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(bench) struct bench b;
		bench_init(&b);
		fill(&b, 3);
		bench_close(&b);
		run_sql(file_in(&b, "mailmill.db"), rows[i].sql);
		is_int(check_store(&b, all), 1, rows[i].name);
		has_text(all, rows[i].says, rows[i].name);
	}
}

TEST(a_damaged_envelope_is_put_aside)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;

	bench_init(&b);
	put_one(&b, "1");
	put_one(&b, "2");
	bench_close(&b);
	run_sql(file_in(&b, "mailmill.db"),
		"UPDATE message SET envelope = x'00' WHERE seq = 1");
	bench_open(&b);
	expect_log("store.damaged");
	is_int(claim_sync(&b, &claim, 10, clock_wall_ms()), 1, "one is well");
	is_int(claim.items[0].id, 2, "the other");
	is_int(state_of(&b, 1), STORE_DEAD, "the damaged one is dead");
	check_books(&b);
}

/* --- time, space ---------------------------------------------------------- */

TEST(the_clock_goes_back_over_a_restart)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	struct store_finish f = { 0 };
	struct err err = { 0 };
	int64_t now = clock_wall_ms(), far = now + 20 * DAY;

	bench_init(&b);
	put_one(&b, "x");
	is_int(claim_sync(&b, &claim, 1, far), 1, "in a wrong year");
	f = (struct store_finish){ .delivery = claim.items[0].id,
		.to = STORE_RETRY,
		.due_at = far + 60000,
		.now = far,
		.reason = STR("away") };
	is_int(finish_sync(&b, &f, &err), 0, "in a minute");
	bench_close(&b);
	bench_open(&b);
	is_int(claim_sync(&b, &claim, 1, now + 30000), 0, "not yet");
	is_int(claim_sync(&b, &claim, 1, now + 65000), 1, "after a minute");
}

TEST(the_clock_is_set_right_and_the_store_restarts)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	int64_t now = clock_wall_ms();

	bench_init(&b);
	is_int(claim_sync(&b, &claim, 1, now + 20 * DAY), 0, "in a wrong year");
	put_one(&b, "taken after the clock was set right");
	for (int i = 0; i < 2; i++) {
		bench_close(&b);
		bench_open(&b);
	}
	is_int(claim_sync(&b, &claim, 1, clock_wall_ms()), 1, "due at once");
	bench_close(&b);
	is_sound(&b, "and all is sound");
}

TEST(space_is_given_back)
{
	AUTO(bench) struct bench b;
	AUTO(bytes) char *body = mem_new(1000001);
	struct stat before, after;
	int64_t now = clock_wall_ms();

	bench_init(&b);
	memset(body, 'x', 1000000);
	for (int i = 0; i < 30; i++) {
		struct store_claim claim;
		put_one(&b, body);
		is_int(claim_sync(&b, &claim, 1, clock_wall_ms()), 1,
			"claimed");
		finish_to(&b, claim.items[0].id, STORE_DONE);
	}
	bench_close(&b);
	must(stat(file_in(&b, "mailmill.db"), &before) == 0);
	bench_open(&b);
	is_true(sweep_all(&b, now + 31 * DAY) > 50, "in many small steps");
	bench_close(&b);
	must(stat(file_in(&b, "mailmill.db"), &after) == 0);
	is_true(before.st_size > 30000000, "30 MB are stored");
	is_true(after.st_size < 5000000, "and given back");
	is_sound(&b, "and all is sound");
}

/* --- readers and a writer at once ------------------------------------------
 */

struct looker {
	struct bench *bench;
	bool is_over;
	int n_bad;
};

static void *look_on(void *ctx)
{
	struct looker *l = ctx;

	while (!__atomic_load_n(&l->is_over, __ATOMIC_SEQ_CST)) {
		AUTO(arena) struct arena *a = arena_new();
		struct store_filter filter = { .max = 50 };
		struct store_row *rows;
		struct store_count *counts;
		struct err err = { 0 };
		size_t n = 0, n_counts = 0;
		int fd = -1;
		if (store_list(l->bench->store, a, &filter, &rows, &n, &err) ||
			store_balance(
				l->bench->store, a, &counts, &n_counts, &err))
			l->n_bad++;
		for (size_t i = 0; i < n_counts; i++)
			if (counts[i].received != counts[i].by_state[0])
				l->n_bad++;
		if (n && store_body(l->bench->store, &rows[n - 1].message, &fd,
				 &err))
			l->n_bad++;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

TEST(reading_and_writing_go_together)
{
	AUTO(bench) struct bench b;
	struct crowd c = { &b, 0 };
	struct looker looker = { &b, false, 0 };
	pthread_t threads[4];

	bench_init(&b);
	must(pthread_create(&threads[3], NULL, look_on, &looker) == 0);
	for (size_t i = 0; i < 3; i++)
		must(pthread_create(&threads[i], NULL, put_many, &c) == 0);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&looker.is_over, true, __ATOMIC_SEQ_CST);
	pthread_join(threads[3], NULL);
	is_int(c.n_bad, 0, "puts");
	is_int(looker.n_bad, 0, "reads, and the books at each moment");
}

/* --- a full disk -----------------------------------------------------------
 */

#define SKIPPED 77

/* Runs fn in a child that has a file system of its own at b->path. */
static void on_small_disk(struct bench *b, int (*fn)(struct bench *b))
{
	int status = 0;
	pid_t pid;

	bench_close(b);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) <
				0 ||
			mount("none", b->path, "tmpfs", 0, "size=6m") < 0)
			_exit(SKIPPED);
		_exit(fn(b));
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("# skipped: may not mount here\n");
	else
		is_int(status, 0, "the child's step number, shifted by 8");
}

/* Puts until one fails. Returns: how many were acknowledged, or -1. */
static int put_until_full(struct bench *b, const char *body, struct err *err)
{
	for (int i = 0; i < 1000; i++) {
		struct sample m;
		sample_init(&m, body);
		if (put_sync(b->store, &m.put, err) != 0)
			return err->kind == ERR_TEMP ? i : -1;
	}
	return -1;
}

static int count_rows(struct bench *b)
{
	struct store_filter filter = { .max = 10000 };
	struct store_row *rows;
	struct err err = { 0 };
	size_t n = 0;

	if (store_list(b->store, b->arena, &filter, &rows, &n, &err) != 0)
		return -1;
	return (int)n;
}

static int fill_disk(struct bench *b)
{
	AUTO(bytes) char *body = mem_new(60001), *ballast = mem_new(2000000);
	char *file = file_in(b, "ballast"), all[4096];
	struct err err = { 0 };
	struct sample m;
	int n, n_more = 0;

	memset(body, 'x', 60000);
	if (file_write(file, str_n(ballast, 2000000), 0600, &err) < 0)
		return 1;
	bench_open(b);
	n = put_until_full(b, body, &err);
	if (n <= 0 || count_rows(b) != n)
		return 2;
	/* again and again, without a false yes */
	for (int i = 0; i < 5; i++)
		if (put_until_full(b, body, &err) < 0)
			return 3;
	n = count_rows(b);
	unlink(file);
	sample_init(&m, body);
	if (put_sync(b->store, &m.put, &err) != 0)
		return 4;
	n_more = put_until_full(b, body, &err);
	if (n_more < 0 || count_rows(b) != n + 1 + n_more)
		return 5;
	bench_close(b);
	if (check_store(b, all) != 0)
		return 6;
	bench_open(b);
	return b->store && count_rows(b) == n + 1 + n_more ? 0 : 7;
}

TEST(a_full_disk_refuses_and_recovers)
{
	AUTO(bench) struct bench b;

	bench_init(&b);
	on_small_disk(&b, fill_disk);
}

static int keep_reserve(struct bench *b)
{
	AUTO(bytes) char *body = mem_new(60001);
	struct err err = { 0 };
	struct store_claim claim;

	memset(body, 'x', 60000);
	b->options.reserve = 3 << 20;
	bench_open(b);
	if (put_until_full(b, body, &err) <= 0)
		return 1;
	if (!strstr(err.text, "the reserve is 3 MiB"))
		return 2;
	if (store_ready(b->store, &err) == 0)
		return 3;
	/* what is there can be ended */
	if (claim_sync(b, &claim, 1, clock_wall_ms()) != 1)
		return 4;
	finish_to(b, claim.items[0].id, STORE_DONE);
	return test_is_bad ? 5 : 0;
}

TEST(a_reserve_is_kept)
{
	AUTO(bench) struct bench b;

	bench_init(&b);
	on_small_disk(&b, keep_reserve);
}

static int go_readonly(struct bench *b)
{
	struct sample m;
	struct err err = { 0 };

	bench_open(b);
	put_one(b, "before");
	/* open files to write keep it from being remounted: force it */
	if (mount("none", b->path, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0) {
		store_close(b->store);
		b->store = NULL;
		if (mount("none", b->path, NULL, MS_REMOUNT | MS_RDONLY, NULL) <
			0)
			return SKIPPED;
		return store_open("sqlite", &b->options, &b->store, &err) == 0;
	}
	sample_init(&m, "x");
	if (put_sync(b->store, &m.put, &err) == 0 || err.kind != ERR_TEMP)
		return 2;
	if (mount("none", b->path, NULL, MS_REMOUNT, NULL) < 0)
		return 3;
	sample_init(&m, "x");
	return put_sync(b->store, &m.put, &err) == 0 ? 0 : 4;
}

TEST(a_readonly_disk_is_refused)
{
	AUTO(bench) struct bench b;

	bench_init(&b);
	on_small_disk(&b, go_readonly);
}

/* --- killed at each write ---------------------------------------------------
 */

#ifdef MAILMILL_FAULTS

/*
 * The child does a fixed piece of work and writes a line to descriptor 3 for
 * each thing that the store said yes to; the parent holds the store to it.
 */
static void say(const char *what, int64_t id)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %lld\n", what, (long long)id);

	must(write(3, line, (size_t)n) == n);
}

static void work_once(struct bench *b, int round)
{
	struct store_thread thread = { STR("m@x"), STR("prod"), STR("Case"),
		STR("500A") };
	static const enum store_state ends[] = { STORE_DONE, STORE_RETRY,
		STORE_DEAD };
	struct store_mark mark = { STR("k"), T0, T0 + DAY, round % 2 };
	struct store_claim claim;
	struct store_out_claim out;
	struct store_out_finish sent = { .to = STORE_DONE,
		.journal = STR("{}") };
	struct sample m;
	struct store_finish f;
	struct err err = { 0 };

	sample_init(&m, "Subject: x\r\n\r\nhello\r\n");
	m.put.n_routes = 1 + (size_t)round % 2;
	if (put_sync(b->store, &m.put, &err) == 0)
		say("put", (int64_t)m.put.n_routes);
	if (claim_sync(b, &claim, 1, clock_wall_ms()) != 1)
		return;
	f = (struct store_finish){ .delivery = claim.items[0].id,
		.to = ends[round % 3],
		.due_at = clock_wall_ms() + DAY,
		.reason = STR("r"),
		.journal = STR("{}"),
		.threads = &thread,
		.n_threads = 1,
		.marks = &mark,
		.n_marks = 1,
		.outs = &out_plain,
		.n_outs = f.to == STORE_RETRY ? 0 : 1,
		.is_attempt = true };
	if (finish_sync(b, &f, &err) == 0)
		say(store_state_name(f.to), f.delivery);
	if (out_claim_sync(b, &out, 1, clock_wall_ms()) != 1)
		return;
	sent.id = out.items[0].id;
	if (out_finish_sync(b, &sent) == 0)
		say("sent", sent.id);
}

TEST(crash_child)
{
	struct bench b = { .options = { .keep_bytes_ms = DAY,
				   .keep_journal_ms = DAY } };
	struct err err = { 0 };

	if (!getenv("CRASH_FOLDER"))
		return;
	log_sink(NULL, NULL);
	log_setup(LOG_ERROR, false);
	snprintf(b.path, sizeof(b.path), "%s", getenv("CRASH_FOLDER"));
	b.arena = arena_new();
	bench_open(&b);
	if (!b.store)
		return;
	for (int round = 0; round < 6; round++)
		work_once(&b, round);
	if (store_order(b.store, 1, STORE_DO_RETRY, STR("x"), &err) == 0)
		say("ordered", 1);
	while (store_sweep(b.store, clock_wall_ms() + 3 * DAY, &err) == 1)
		continue;
	store_close(b.store);
	arena_free(b.arena);
}

/* Runs the child to its end. Returns: what it said. */
static char *run_child(struct bench *b, const char *fault, const char *trace)
{
	AUTO(buf) struct buf said = BUF_INIT(100000);
	struct err err = { 0 };
	int pipes[2], status;
	pid_t pid;

	must(pipe(pipes) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		close(pipes[0]);
		dup2(pipes[1], 3);
		setenv("CRASH_FOLDER", b->path, 1);
		unsetenv("MAILMILL_FAULT");
		unsetenv("MAILMILL_FAULT_TRACE");
		if (fault)
			setenv("MAILMILL_FAULT", fault, 1);
		if (trace)
			setenv("MAILMILL_FAULT_TRACE", trace, 1);
		execl(proc_self(), "test", "crash_child", (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	is_int(file_read_fd(pipes[0], &said, &err), 0, "reads the child");
	close(pipes[0]);
	must(waitpid(pid, &status, 0) == pid);
	return arena_printf(b->arena, "%.*s", STR_ARG(buf_view(&said)));
}

/*
 * Tells whether a finish that was promised holds: done ones may have been
 * swept, and the child's last word puts the first one back into the queue.
 */
static bool stands(struct bench *b, int64_t id, enum store_state state)
{
	struct store_row row = { 0 };
	struct envelope env;
	struct store_event *events;
	size_t n;
	struct err err = { 0 };
	int rc = store_show(
		b->store, b->arena, id, &row, &env, &events, &n, &err);

	if (rc == STORE_NONE)
		return state == STORE_DONE;
	return rc == 0 &&
	       (row.state == state || (id == 1 && row.state == STORE_QUEUED));
}

/* Everything that the child was promised is there. */
static void hold_to(struct bench *b, const char *said, const char *fault)
{
	struct str rest = str_c(said), line, word;
	uint64_t n_put = 0, received = 0;
	struct store_count *counts;
	struct err err = { 0 };
	size_t n = 0;

	bench_open(b);
	if (!b->store)
		return;
	while (str_cut_line(&rest, &line)) {
		uint64_t id = 0;
		enum store_state state;
		if (!str_cut(&line, ' ', &word) ||
			str_to_u64(line, INT64_MAX, &id) < 0)
			continue;
		if (str_eq(word, STR("put")))
			n_put += id;
		else if (store_state_parse(word, &state) == 0)
			is_true(stands(b, (int64_t)id, state), fault);
	}
	is_int(store_balance(b->store, b->arena, &counts, &n, &err), 0, fault);
	for (size_t i = 0; i < n; i++)
		received += counts[i].received;
	is_true(received >= n_put, fault);
	/* killed between commit and answer, one more may be there */
	is_true(received <= n_put + 2, fault);
	check_books(b);
	bench_close(b);
	is_sound(b, fault);
}

static void visit_one(const char *fault)
{
	AUTO(bench) struct bench b;

	bench_init(&b);
	bench_close(&b);
	hold_to(&b, run_child(&b, fault, NULL), fault);
}

static void visit_all(const char *what, uintptr_t n_each)
{
	AUTO(bench) struct bench all;
	AUTO(buf) struct buf trace = BUF_INIT(100000);
	struct str rest, name;
	struct map *visits = map_new();
	struct err err = { 0 };
	char *path;
	size_t n_visits = 0;

	bench_init(&all);
	bench_close(&all);
	path = file_in(&all, "trace");
	has_text(run_child(&all, NULL, path), "done", "works when all is well");
	is_int(file_read(path, &trace, &err), 0, "the trace");
	for (rest = buf_view(&trace); str_cut_line(&rest, &name);) {
		uintptr_t n = (uintptr_t)map_get(visits, name) + 1;
		char fault[80];
		map_set(visits, name, (void *)n);
		/* the later ones of a kind are like the first few */
		if (!name.len || n > n_each)
			continue;
		snprintf(fault, sizeof(fault), "%.*s:%d:%s", STR_ARG(name),
			(int)n, what);
		visit_one(fault);
		n_visits++;
	}
	map_free(visits);
	is_true(n_visits >= 10, "many places were visited");
	printf("# %zu places, %s\n", n_visits, what);
}

TEST(killed_at_each_write_loses_nothing)
{
	visit_all("kill", 5);
}

TEST(failed_at_each_write_loses_nothing)
{
	visit_all("fail", 2);
}

#endif
