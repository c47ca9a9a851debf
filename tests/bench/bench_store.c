/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_store.c - what the store commits a second, beside bare SQLite with the
 * same batches in the same run; and what a claim costs with much in the queue.
 *
 *     bench_store [--dir FOLDER] [--seconds N] [--queue N]
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <time.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/store.h>

#define BODY_MAX 20000
#define CLAIM_N 50
#define CLAIM_ROUNDS 60

static struct {
	const char *dir;
	int seconds;
	int64_t queue;
} options = { "/var/tmp", 3, 1000000 };

static char body[BODY_MAX];

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, why);
	exit(1);
}

/* --- puts ----------------------------------------------------------------- */

/* Keeps a number of puts under way, as a loop with as many senders would. */
struct load {
	struct store *store;
	struct envelope env;
	struct envelope_rcpt rcpt;
	struct store_put_route route;
	int64_t until_us, left; /* whichever ends first */
	int64_t n_done;
	int n_open;
	pthread_mutex_t lock;
	pthread_cond_t over;
};

static void put_next(struct load *l, struct store_put *put);

static void on_put(struct store_put *put, int outcome, const struct err *err)
{
	struct load *l = put->ctx;

	if (outcome < 0)
		die("put", err->text);
	l->n_done++;
	put_next(l, put);
}

static void put_next(struct load *l, struct store_put *put)
{
	if (now_us() < l->until_us && l->left > 0) {
		l->left--;
		put->id = id_new();
		store_put(l->store, put);
		return;
	}
	pthread_mutex_lock(&l->lock);
	if (--l->n_open == 0)
		pthread_cond_signal(&l->over);
	pthread_mutex_unlock(&l->lock);
}

static void load_run(struct load *l, struct store *s, int n, size_t size,
	int64_t seconds, int64_t count)
{
	struct store_put *puts = mem_array((size_t)n, sizeof(*puts));

	*l = (struct load){ .store = s,
		.n_open = n,
		.left = count,
		.until_us = now_us() + seconds * 1000000 };
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->over, NULL);
	l->rcpt.address = STR("support@example.org");
	l->env = (struct envelope){ .sender = STR("ann@example.com"),
		.source = STR("lmtp"),
		.peer = STR("192.0.2.1:4711"),
		.helo = STR("mx.example.com"),
		.protocol = STR("LMTP"),
		.rcpts = &l->rcpt,
		.n_rcpts = 1,
		.received_at = clock_wall_ms() };
	l->route = (struct store_put_route){ STR("support"), &l->rcpt.address,
		1 };
	for (int i = 0; i < n; i++) {
		puts[i] = (struct store_put){ .env = &l->env,
			.size = size,
			.body = body,
			.fd = -1,
			.routes = &l->route,
			.n_routes = 1,
			.done = on_put,
			.ctx = l };
		put_next(l, &puts[i]);
	}
	pthread_mutex_lock(&l->lock);
	while (l->n_open)
		pthread_cond_wait(&l->over, &l->lock);
	pthread_mutex_unlock(&l->lock);
	free(puts);
}

static char *make_folder(void)
{
	char *path = mem_printf("%s/bench-store.XXXXXX", options.dir);

	if (!mkdtemp(path))
		die("cannot make a folder in", options.dir);
	return path;
}

static struct store *open_in(const char *path)
{
	struct store_options o = { .path = path };
	struct store *s = NULL;
	struct err err = { 0 };

	if (store_open("sqlite", &o, &s, &err) < 0)
		die("store", err.text);
	return s;
}

static double measure_store(int n, size_t size)
{
	AUTO(bytes) char *path = make_folder();
	struct store *s = open_in(path);
	struct load l;
	struct err err = { 0 };
	int64_t begin = now_us(), took;

	load_run(&l, s, n, size, options.seconds, INT64_MAX);
	took = now_us() - begin;
	store_close(s);
	file_remove_tree(path, &err);
	return (double)l.n_done * 1e6 / (double)took;
}

/* --- bare SQLite ---------------------------------------------------------- */

static void must_sql(sqlite3 *db, int code)
{
	if (code != SQLITE_OK && code != SQLITE_DONE)
		die("sqlite", sqlite3_errmsg(db));
}

static double measure_bare(int n, size_t size)
{
	AUTO(bytes) char *path = make_folder();
	AUTO(bytes) char *file = mem_printf("%s/bare.db", path);
	sqlite3 *db = NULL;
	sqlite3_stmt *insert = NULL;
	struct err err = { 0 };
	int64_t begin, took, count = 0, bytes = 0;

	must_sql(db, sqlite3_open(file, &db));
	must_sql(db,
		sqlite3_exec(db,
			"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			"PRAGMA wal_autocheckpoint=0;"
			"CREATE TABLE mail (id INTEGER PRIMARY KEY, body BLOB)",
			NULL, NULL, NULL));
	must_sql(db,
		sqlite3_prepare_v2(db, "INSERT INTO mail (body) VALUES (?1)",
			-1, &insert, NULL));
	begin = now_us();
	while (now_us() < begin + options.seconds * 1000000) {
		must_sql(db, sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0));
		for (int i = 0; i < n; i++) {
			must_sql(db, sqlite3_bind_blob(insert, 1, body,
					     (int)size, SQLITE_STATIC));
			must_sql(db, sqlite3_step(insert));
			must_sql(db, sqlite3_reset(insert));
		}
		must_sql(db, sqlite3_exec(db, "COMMIT", 0, 0, 0));
		count += n;
		bytes += n * (int64_t)size;
		if (bytes < 16 << 20)
			continue;
		sqlite3_wal_checkpoint_v2(
			db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		bytes = 0;
	}
	took = now_us() - begin;
	sqlite3_finalize(insert);
	sqlite3_close(db);
	file_remove_tree(path, &err);
	return (double)count * 1e6 / (double)took;
}

static void bench_puts(void)
{
	static const int crowds[] = { 1, 32, 64 };
	static const size_t sizes[] = { 7000, 20000 };

	printf("| bytes | under way | store puts/s | bare SQLite rows/s | "
	       "ratio |\n|---|---|---|---|---|\n");
	for (size_t k = 0; k < COUNT(sizes); k++)
		for (size_t i = 0; i < COUNT(crowds); i++) {
			double bare = measure_bare(crowds[i], sizes[k]);
			double ours = measure_store(crowds[i], sizes[k]);
			printf("| %zu | %d | %.0f | %.0f | %.2f |\n", sizes[k],
				crowds[i], ours, bare, ours / bare);
			fflush(stdout);
		}
}

/* --- claims --------------------------------------------------------------- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int n_open;
};

static void count_down(struct waiter *w, const struct err *err)
{
	if (err->kind)
		die("store", err->text);
	pthread_mutex_lock(&w->lock);
	if (--w->n_open == 0)
		pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static void on_claim(struct store_claim *claim, const struct err *err)
{
	count_down(claim->ctx, err);
}

static void on_finish(struct store_finish *f, const struct err *err)
{
	count_down(f->ctx, err);
}

static void wait_for(struct waiter *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->n_open)
		pthread_cond_wait(&w->cond, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/*
 * Claims and finishes; gives the lower quartile of both in microseconds, since
 * what else runs on the machine can only add.
 */
static void measure_claims(struct store *s, int64_t *claim_us, int64_t *done_us)
{
	static struct store_finish f[CLAIM_N];
	struct waiter w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
		0 };
	int64_t claims[CLAIM_ROUNDS], finishes[CLAIM_ROUNDS], begin;
	AUTO(arena) struct arena *a = arena_new();

	for (size_t r = 0; r < CLAIM_ROUNDS; r++) {
		struct store_claim claim = { .max = CLAIM_N,
			.lease_ms = 600000,
			.now = clock_wall_ms(),
			.arena = a,
			.done = on_claim,
			.ctx = &w };
		w.n_open = 1;
		begin = now_us();
		store_claim(s, &claim);
		wait_for(&w);
		claims[r] = now_us() - begin;
		if (claim.n_items != CLAIM_N)
			die("claim", "too few");
		w.n_open = CLAIM_N;
		begin = now_us();
		for (size_t i = 0; i < CLAIM_N; i++) {
			f[i] = (struct store_finish){
				.delivery = claim.items[i].id,
				.to = STORE_QUEUED,
				.due_at = clock_wall_ms(),
				.now = clock_wall_ms(),
				.done = on_finish,
				.ctx = &w,
			};
			store_finish(s, &f[i]);
		}
		wait_for(&w);
		finishes[r] = now_us() - begin;
		arena_reset(a);
	}
	qsort(claims, CLAIM_ROUNDS, sizeof(*claims), compare);
	qsort(finishes, CLAIM_ROUNDS, sizeof(*finishes), compare);
	*claim_us = claims[CLAIM_ROUNDS / 4];
	*done_us = finishes[CLAIM_ROUNDS / 4];
}

static void bench_claims(void)
{
	AUTO(bytes) char *path = make_folder();
	struct store *s = open_in(path);
	const int64_t counts[] = { 1000, options.queue };
	int64_t there = 0, first = 0, claim_us, done_us, begin;
	struct load l;
	struct err err = { 0 };

	printf("\n| queued | claim %d, us | give back %d, us | to the first |\n"
	       "|---|---|---|---|\n",
		CLAIM_N, CLAIM_N);
	for (size_t i = 0; i < COUNT(counts); i++) {
		load_run(&l, s, 1000, 500, 3600, counts[i] - there);
		there = counts[i];
		/* what filling left for the disk to do is not the claim's */
		sync();
		/* the first round finds the caches cold in both cases */
		measure_claims(s, &claim_us, &done_us);
		measure_claims(s, &claim_us, &done_us);
		first = first ? first : claim_us;
		printf("| %lld | %lld | %lld | %.2f |\n", (long long)there,
			(long long)claim_us, (long long)done_us,
			(double)claim_us / (double)first);
		fflush(stdout);
	}
	begin = now_us();
	store_close(s);
	s = open_in(path);
	printf("\nclosing and opening with all of them: %lld ms\n",
		(long long)(now_us() - begin) / 1000);
	store_close(s);
	file_remove_tree(path, &err);
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t n = 0;
		if (strcmp(argv[i], "--dir") == 0)
			options.dir = argv[i + 1];
		else if (str_to_u64(str_c(argv[i + 1]), 100000000, &n) < 0)
			die("not a number", argv[i + 1]);
		else if (strcmp(argv[i], "--seconds") == 0)
			options.seconds = (int)n;
		else if (strcmp(argv[i], "--queue") == 0)
			options.queue = (int64_t)n;
		else
			die("no option", argv[i]);
	}
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 31 + i / 251);
	if (options.seconds)
		bench_puts();
	if (options.queue)
		bench_claims();
	return 0;
}
