/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench.h - what the tests of stores work with: a store in a folder of its
 * own, its calls awaited, and samples to put into it.
 */
#ifndef MAILMILL_TEST_STORE_BENCH_H
#define MAILMILL_TEST_STORE_BENCH_H

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/store.h>

#include "test.h"

#define DAY ((int64_t)24 * 60 * 60 * 1000)
#define T0 ((int64_t)1795556206123)

/* --- a store in a folder of its own --------------------------------------- */

struct bench {
	char path[64];
	struct store_options options;
	struct store *store;
	struct arena *arena;
};

static void bench_open(struct bench *b)
{
	struct err err = { 0 };

	b->options.path = b->path;
	if (store_open(SUITE_DRIVER, &b->options, &b->store, &err) < 0)
		test_fail(__FILE__, __LINE__, "open: %s", err.text);
}

static void bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	/* where syncing costs nothing, if there is such a place */
	snprintf(b->path, sizeof(b->path), "%s/mailmill-test.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(b->path));
	b->options.keep_bytes_ms = 30 * DAY;
	b->options.keep_journal_ms = 90 * DAY;
	b->arena = arena_new();
	bench_open(b);
}

static void bench_fini(struct bench *b)
{
	struct err err = { 0 };

	store_close(b->store);
	arena_free(b->arena);
	if (file_remove_tree(b->path, &err) < 0)
		test_fail(__FILE__, __LINE__, "%s", err.text);
}

static inline void auto_bench(struct bench *b)
{
	bench_fini(b);
}

/* --- the asynchronous calls, awaited -------------------------------------- */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_over;
	int outcome;
	struct err err;
};

#define WAITER                                                                 \
	{                                                                      \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER            \
	}

static void waiter_end(struct waiter *w, int outcome, const struct err *err)
{
	pthread_mutex_lock(&w->lock);
	w->outcome = outcome;
	w->err = *err;
	w->is_over = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static int waiter_wait(struct waiter *w, struct err *err)
{
	pthread_mutex_lock(&w->lock);
	while (!w->is_over)
		pthread_cond_wait(&w->cond, &w->lock);
	pthread_mutex_unlock(&w->lock);
	if (err)
		*err = w->err;
	return w->outcome;
}

static void on_put(struct store_put *put, int outcome, const struct err *err)
{
	waiter_end(put->ctx, outcome, err);
}

static UNUSED int put_sync(
	struct store *s, struct store_put *put, struct err *err)
{
	struct waiter w = WAITER;

	put->done = on_put;
	put->ctx = &w;
	store_put(s, put);
	return waiter_wait(&w, err);
}

static void on_claim(struct store_claim *claim, const struct err *err)
{
	waiter_end(claim->ctx, err->kind ? -1 : 0, err);
}

static inline int claim_but(struct bench *b, struct store_claim *claim,
	unsigned max, int64_t now, const struct str *skip, size_t n_skip)
{
	struct waiter w = WAITER;
	struct err err = { 0 };

	*claim = (struct store_claim){ .max = max,
		.lease_ms = 60000,
		.now = now,
		.skip = skip,
		.n_skip = n_skip,
		.arena = b->arena,
		.done = on_claim,
		.ctx = &w };
	store_claim(b->store, claim);
	if (waiter_wait(&w, &err) < 0)
		test_fail(__FILE__, __LINE__, "claim: %s", err.text);
	return (int)claim->n_items;
}

static int claim_sync(
	struct bench *b, struct store_claim *claim, unsigned max, int64_t now)
{
	return claim_but(b, claim, max, now, NULL, 0);
}

static void on_finish(struct store_finish *f, const struct err *err)
{
	waiter_end(f->ctx, err->kind ? -1 : 0, err);
}

static int finish_sync(struct bench *b, struct store_finish *f, struct err *err)
{
	struct waiter w = WAITER;

	f->done = on_finish;
	f->ctx = &w;
	if (!f->now)
		f->now = clock_wall_ms();
	store_finish(b->store, f);
	return waiter_wait(&w, err);
}

/* --- samples -------------------------------------------------------------- */

struct sample {
	struct envelope env;
	struct envelope_rcpt rcpts[2];
	struct str a, b;
	struct store_put_route routes[2];
	struct store_put put;
};

static void sample_init(struct sample *m, const char *body)
{
	*m = (struct sample){ .a = STR("support@example.org"),
		.b = STR("sales@example.org") };
	m->rcpts[0].address = m->a;
	m->rcpts[1].address = m->b;
	m->env = (struct envelope){ .sender = STR("Ann@Example.com"),
		.source = STR("lmtp"),
		.peer = STR("192.0.2.1:25"),
		.rcpts = m->rcpts,
		.n_rcpts = 2,
		.received_at = clock_wall_ms() };
	m->routes[0] = (struct store_put_route){ STR("support"), &m->a, 1 };
	m->routes[1] = (struct store_put_route){ STR("sales"), &m->b, 1 };
	m->put = (struct store_put){ .id = id_new(),
		.env = &m->env,
		.size = strlen(body),
		.body = body,
		.fd = -1,
		.routes = m->routes,
		.n_routes = 1 };
}

/* Puts one message on the route "support" and gives its id. */
static struct id put_one(struct bench *b, const char *body)
{
	struct sample m;
	struct err err = { 0 };

	sample_init(&m, body);
	if (put_sync(b->store, &m.put, &err) != 0)
		test_fail(__FILE__, __LINE__, "put: %s", err.text);
	return m.put.id;
}

/* Puts and claims one. */
static int64_t claim_one(struct bench *b)
{
	struct store_claim claim;

	put_one(b, "Subject: x\r\n\r\ny\r\n");
	if (claim_sync(b, &claim, 1, clock_wall_ms()) != 1)
		return 0;
	return claim.items[0].id;
}

static void finish_to(struct bench *b, int64_t id, enum store_state to)
{
	struct store_finish f = {
		.delivery = id, .to = to, .is_attempt = true
	};
	struct err err = { 0 };

	if (finish_sync(b, &f, &err) < 0)
		test_fail(__FILE__, __LINE__, "finish: %s", err.text);
}

static enum store_state state_of(struct bench *b, int64_t id)
{
	struct store_row row = { 0 };
	struct envelope env;
	struct store_event *events;
	size_t n;
	struct err err = { 0 };

	if (store_show(b->store, b->arena, id, &row, &env, &events, &n, &err) !=
		0)
		test_fail(__FILE__, __LINE__, "show: %s", err.text);
	return row.state;
}

static void check_books(struct bench *b)
{
	struct store_count *rows = NULL;
	size_t n = 0;
	struct err err = { 0 };

	is_int(store_balance(b->store, b->arena, &rows, &n, &err), 0,
		"the books are there");
	for (size_t i = 0; i < n; i++) {
		uint64_t sum = 0;
		for (int k = 0; k < STORE_N_STATES; k++)
			sum += rows[i].by_state[k];
		is_int(sum, rows[i].received, "the books balance");
		sum = 0;
		for (int k = 0; k < STORE_N_STATES; k++)
			sum += rows[i].out_by_state[k];
		is_int(sum, rows[i].planned, "those of outgoing mail, too");
	}
}

#endif
