/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_queue.c - what an admin asks of the queue, and what comes back. */
#include <jansson.h>
#include <pthread.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/enc.h>
#include <mailmill/queue.h>

#include "test.h"

/* --- a store with some mail ------------------------------------------------
 */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_over;
};

#define WAITER                                                                 \
	{                                                                      \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false     \
	}

static void end_wait(struct waiter *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_over = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

static void wait_for(struct waiter *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->is_over)
		pthread_cond_wait(&w->cond, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void on_put(
	struct store_put *put, int outcome UNUSED, const struct err *err UNUSED)
{
	end_wait(put->ctx);
}

static void on_claim(struct store_claim *claim, const struct err *err UNUSED)
{
	end_wait(claim->ctx);
}

static void on_finish(struct store_finish *f, const struct err *err UNUSED)
{
	end_wait(f->ctx);
}

static void add_mail(struct store *s, const char *sender, const char *body)
{
	struct waiter w = WAITER;
	struct str rcpt = STR("support@example.org");
	struct envelope_rcpt rcpts[] = { { .address = rcpt } };
	struct envelope env = { .sender = str_c(sender),
		.rcpts = rcpts,
		.n_rcpts = 1,
		.source = STR("lmtp"),
		.received_at = clock_wall_ms() };
	struct store_put_route route = { STR("support"), &rcpt, 1 };
	struct store_put put = { .id = id_new(),
		.env = &env,
		.size = strlen(body),
		.body = body,
		.routes = &route,
		.n_routes = 1,
		.done = on_put,
		.ctx = &w };

	store_put(s, &put);
	wait_for(&w);
}

static void end_mail(struct store *s, enum store_state to, const char *reason)
{
	struct waiter w = WAITER, w2 = WAITER;
	AUTO(arena) struct arena *a = arena_new();
	struct store_claim claim = { .max = 1,
		.lease_ms = 60000,
		.now = clock_wall_ms(),
		.arena = a,
		.done = on_claim,
		.ctx = &w };
	struct store_finish f = { .to = to,
		.due_at = clock_wall_ms() + 60000,
		.now = clock_wall_ms(),
		.reason = str_c(reason),
		.journal = STR("{\"records\":[]}"),
		.is_attempt = true,
		.done = on_finish,
		.ctx = &w2 };

	store_claim(s, &claim);
	wait_for(&w);
	is_int(claim.n_items, 1, "claimed");
	if (claim.n_items == 0)
		return;
	f.delivery = claim.items[0].id;
	store_finish(s, &f);
	wait_for(&w2);
}

/* Deliveries 1 dead, 2 held, 3 done, 4 queued. */
static struct store *make_store(void)
{
	struct store_options o = { .keep_bytes_ms = 1000,
		.keep_journal_ms = 1000 };
	struct store *s = NULL;
	struct err err = { 0 };

	must(store_open("memory", &o, &s, &err) == 0);
	add_mail(s, "ann@example.com", "Subject: 1\r\n\r\none\r\n");
	end_mail(s, STORE_DEAD, "FIELD_TOO_LONG");
	add_mail(s, "bob@example.com", "2");
	end_mail(s, STORE_HELD, "kept for review");
	add_mail(s, "b\xff\"d@example.com", "3");
	end_mail(s, STORE_DONE, "");
	add_mail(s, "", "4");
	return s;
}

/* --- asking ------------------------------------------------------------- */

struct got {
	json_t *lines;
	int rc;
};

static int on_line(struct str line, void *ctx)
{
	struct got *g = ctx;
	json_t *o = json_loadb(line.p, line.len, 0, NULL);

	is_true(o != NULL, "each line is JSON");
	is_true(str_chr(line, '\n') < 0, "and one line");
	json_array_append_new(g->lines, o);
	return 0;
}

static struct got ask(struct store *s, const char *request)
{
	struct got g = { json_array(), 0 };

	g.rc = queue_answer(s, str_c(request), STR("uid 7"), on_line, &g);
	return g;
}

static const char *text_of(const struct got *g, size_t i, const char *name)
{
	const char *s = json_string_value(
		json_object_get(json_array_get(g->lines, i), name));

	return s ? s : "";
}

static int64_t number_of(const struct got *g, size_t i, const char *name)
{
	return json_integer_value(
		json_object_get(json_array_get(g->lines, i), name));
}

static bool is_set(const struct got *g, size_t i, const char *name)
{
	return json_is_true(json_object_get(json_array_get(g->lines, i), name));
}

TEST(lists_by_filter)
{
	static const struct {
		const char *name, *request;
		size_t n;
		int64_t first;
	} rows[] = {
		{ "all", "{\"action\":\"list\"}", 4, 1 },
		{ "a state", "{\"action\":\"list\",\"states\":[\"held\"]}", 1,
			2 },
		{ "two states",
			"{\"action\":\"list\",\"states\":[\"done\",\"dead\"]}",
			2, 1 },
		{ "a text", "{\"action\":\"list\",\"text\":\"BOB@\"}", 1, 2 },
		{ "a route", "{\"action\":\"list\",\"route\":\"sales\"}", 0,
			0 },
		{ "an age", "{\"action\":\"list\",\"age_ms\":100000}", 0, 0 },
		{ "after", "{\"action\":\"list\",\"after\":2}", 2, 3 },
		{ "at most", "{\"action\":\"list\",\"max\":3}", 3, 1 },
	};
	AUTO(store) struct store *s = make_store();

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct got g = ask(s, rows[i].request);
		is_int(g.rc, 0, rows[i].name);
		is_int(json_array_size(g.lines), rows[i].n + 1, rows[i].name);
		if (rows[i].n)
			is_int(number_of(&g, 0, "id"), rows[i].first,
				rows[i].name);
		is_true(is_set(&g, rows[i].n, "end"), rows[i].name);
		is_int(is_set(&g, rows[i].n, "more"),
			strcmp(rows[i].name, "at most") == 0, rows[i].name);
		json_decref(g.lines);
	}
}

TEST(shows_one_whole)
{
	AUTO(store) struct store *s = make_store();
	struct got g = ask(s, "{\"action\":\"show\",\"id\":1}");
	json_t *history = json_object_get(
		json_array_get(g.lines, 0), "history");

	is_c(text_of(&g, 0, "state"), "dead", "state");
	is_c(text_of(&g, 0, "reason"), "FIELD_TOO_LONG", "reason");
	is_int(json_array_size(history), 1, "history");
	is_true(json_is_object(
			json_object_get(json_array_get(history, 0), "journal")),
		"the journal is JSON again");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"show\",\"id\":3}");
	is_c(text_of(&g, 0, "sender"), "b\xef\xbf\xbd\"d@example.com",
		"strange bytes are mended");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"show\",\"id\":99}");
	is_int(g.rc, -1, "there is none");
	is_c(text_of(&g, 0, "kind"), "permanent", "for good");
	has_text(text_of(&g, 0, "error"), "no delivery 99", "it says");
	json_decref(g.lines);
}

TEST(gives_the_bytes)
{
	AUTO(store) struct store *s = make_store();
	AUTO(buf) struct buf raw = BUF_INIT(1000);
	struct got g = ask(s, "{\"action\":\"raw\",\"id\":1}");

	is_int(enc_unbase64(&raw, str_c(text_of(&g, 0, "raw"))), 0, "base64");
	is_str(buf_view(&raw), "Subject: 1\r\n\r\none\r\n", "as they came");
	json_decref(g.lines);
	while (store_sweep(s, clock_wall_ms() + 100, &(struct err){ 0 }) == 1)
		continue;
	g = ask(s, "{\"action\":\"raw\",\"id\":3}");
	is_int(g.rc, 0, "not yet");
	json_decref(g.lines);
}

TEST(words_are_carried_out)
{
	AUTO(store) struct store *s = make_store();
	struct got g = ask(s, "{\"action\":\"release\",\"ids\":[1,2]}");

	is_int(g.rc, 1, "one was changed");
	has_text(text_of(&g, 0, "error"), "it is dead", "not the dead one");
	is_c(text_of(&g, 1, "state"), "queued", "the held one");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"drop\",\"states\":[\"dead\"]}");
	is_int(g.rc, 1, "by filter");
	is_int(number_of(&g, 0, "id"), 1, "the dead one");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"show\",\"id\":1}");
	is_c(text_of(&g, 0, "state"), "dropped", "it is so");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"retry\"}");
	is_int(g.rc, -1, "without saying which: refused");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"drop\",\"all\":true}");
	is_int(g.rc, 2, "all that it fits");
	json_decref(g.lines);
}

TEST(sums_are_told)
{
	AUTO(store) struct store *s = make_store();
	struct got g = ask(s, "{\"action\":\"stats\"}");

	is_int(number_of(&g, 0, "queued"), 1, "queued");
	is_int(number_of(&g, 0, "dead"), 1, "dead");
	is_int(number_of(&g, 0, "waiting"), 1, "waiting");
	is_int(strlen(text_of(&g, 0, "oldest")), 24, "a time");
	json_decref(g.lines);
	g = ask(s, "{\"action\":\"balance\"}");
	is_int(number_of(&g, 0, "received"), 4, "received");
	is_int(number_of(&g, 0, "held"), 1, "held");
	is_true(is_set(&g, 0, "balances"), "and balances");
	is_int(strlen(text_of(&g, 0, "day")), 10, "a day");
	json_decref(g.lines);
}

TEST(nonsense_is_refused)
{
	static const char *const requests[] = { "", "x", "[]", "{}",
		"{\"action\":1}", "{\"action\":\"\xff\"}",
		"{\"action\":\"list\",\"states\":[\"lost\"]}",
		"{\"action\":\"list\",\"states\":[1]}" };
	AUTO(store) struct store *s = make_store();

	for (size_t i = 0; i < COUNT(requests); i++) {
		struct got g = ask(s, requests[i]);
		is_int(g.rc, -1, requests[i]);
		is_int(json_array_size(g.lines), 1, "one line");
		is_true(*text_of(&g, 0, "error"), "that says why");
		json_decref(g.lines);
	}
}
