/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_intake.c - memory, spool, routes and outcomes of what comes in. */
#include <dirent.h>
#include <sys/resource.h>

#include <mailmill/buf.h>
#include <mailmill/file.h>
#include <mailmill/intake.h>

#include "test.h"

struct world {
	char dir[64];
	struct loop *loop;
	struct store *store;
	struct intake *in;
	int n_done, outcome, n_stored;
	bool is_within;	  /* a call to intake_commit() */
	const char *gone; /* route that is no more */
	struct err err;
};

static const char *route_of(struct str address, void *ctx)
{
	struct world *w = ctx;
	const char *route = str_starts(address, STR("sales")) ? "sales"
							      : "support";

	return w->gone && strcmp(w->gone, route) == 0 ? NULL : route;
}

static void on_stored(void *ctx)
{
	((struct world *)ctx)->n_stored++;
}

static void begin(struct world *w, uint64_t memory_max, uint64_t size_max,
	uint64_t queue_max)
{
	struct store_options so = { .queue_max = queue_max,
		.keep_bytes_ms = 1000000,
		.keep_journal_ms = 1000000 };
	struct intake_options io = { .memory_max = memory_max,
		.size_max = size_max,
		.hostname = "mill.example",
		.route = route_of,
		.ctx = w,
		.stored = on_stored,
		.stored_ctx = w };

	memset(w, 0, sizeof(*w));
	memcpy(w->dir, "/tmp/mailmill-test.XXXXXX", 26);
	must(mkdtemp(w->dir) != NULL);
	so.path = io.spool_dir = w->dir;
	must(loop_new(&w->loop, &w->err) == 0);
	is_int(store_open("sqlite", &so, &w->store, &w->err), 0, w->err.text);
	w->in = intake_new(w->loop, w->store, &io);
}

static void end(struct world *w)
{
	intake_free(w->in);
	store_close(w->store);
	loop_free(w->loop);
	file_remove_tree(w->dir, &w->err);
}

static void on_done(
	void *ctx, int outcome, const struct id *id, const struct err *err)
{
	struct world *w = ctx;

	is_false(w->is_within, "never from within the call");
	is_int(strlen(id->text), ID_LEN, "has an id");
	w->n_done++;
	w->outcome = outcome;
	w->err = *err;
	loop_stop(w->loop);
}

static void commit(struct world *w, struct intake_message *m,
	const struct envelope *env, const char *once)
{
	struct err err = { 0 };

	w->is_within = true;
	intake_commit(m, env, str_c(once), on_done, w);
	w->is_within = false;
	is_int(loop_run(w->loop, &err), 0, "runs");
}

static struct envelope_rcpt rcpts[] = {
	{ .address = { "support@y", 9 } },
	{ .address = { "sales@y", 7 } },
	{ .address = { "support@y", 9 } },
	{ .address = { "support@z", 9 } },
};

static struct envelope envelope(size_t n)
{
	return (struct envelope){ .rcpts = rcpts,
		.n_rcpts = n,
		.sender = STR("a@b"),
		.source = STR("lmtp"),
		.peer = STR("192.0.2.1:25"),
		.helo = STR("x\r\nBcc: (y)"),
		.protocol = STR("LMTP") };
}

static int add(struct intake_message *m, const char *text, size_t n_times)
{
	struct err err = { 0 };

	for (size_t i = 0; i < n_times; i++)
		if (intake_add(m, str_c(text), &err) < 0)
			return -(int)err.kind;
	return 0;
}

static size_t list(struct world *w, struct arena *a, struct store_row **rows)
{
	struct store_filter f = { 0 };
	size_t n = 0;

	is_int(store_list(w->store, a, &f, rows, &n, &w->err), 0, w->err.text);
	return n;
}

TEST(groups_by_route)
{
	struct world w;
	AUTO(arena) struct arena *a = arena_new();
	struct store_row *rows = NULL;
	struct envelope env = envelope(4);
	struct intake_message *m;

	begin(&w, 1000, 10000, 100);
	m = intake_begin(w.in);
	is_int(add(m, "hello", 1), 0, "adds");
	commit(&w, m, &env, NULL);
	is_int(w.outcome, 0, "stored");
	is_int(w.n_stored, 1, "whoever waits for work is woken");
	is_int(list(&w, a, &rows), 2, "one delivery a route");
	is_str(rows[0].route, "support", "in order of the recipients");
	is_int(rows[0].n_rcpts, 2, "the same address counts once");
	is_str(rows[0].rcpts[1], "support@z", "second of it");
	is_int(rows[1].n_rcpts, 1, "the other route's");
	is_true(rows[0].received_at > 0, "has a time");
	end(&w);
}

TEST(spools_what_is_large)
{
	static const struct {
		const char *name;
		size_t n_times;
	} rows[] = {
		{ "empty", 0 },
		{ "fits exactly", 100 },
		{ "one over", 101 },
		{ "far over", 900 },
	};
	AUTO(arena) struct arena *a = arena_new();
	struct envelope env = envelope(1);
	struct world w;

	begin(&w, 1000, 10000, 100);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct intake_message *m = intake_begin(w.in);
		AUTO(buf) struct buf body = BUF_INIT(100000);
		AUTO(fd) int fd = -1;
		struct store_row *got = NULL;
		size_t n;
		is_int(add(m, "0123456789", rows[i].n_times), 0, rows[i].name);
		commit(&w, m, &env, NULL);
		n = list(&w, a, &got);
		is_int(n, i + 1, rows[i].name);
		is_int(got[i].size, rows[i].n_times * 10, rows[i].name);
		is_int(store_body(w.store, &got[i].message, &fd, &w.err), 0,
			w.err.text);
		is_int(file_read_fd(fd, &body, &w.err), 0, w.err.text);
		is_int(body.len, rows[i].n_times * 10, rows[i].name);
		for (size_t k = 0; k < body.len; k++)
			if (body.p[k] != (char)('0' + k % 10))
				test_fail(__FILE__, __LINE__, "%s: byte %zu",
					rows[i].name, k);
	}
	end(&w);
}

static size_t count_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

TEST(all_together_are_bounded)
{
	enum {
		N = 100
	};
	struct intake_message *m[N];
	struct world w;
	size_t before, spooled;

	begin(&w, 1000, 1000000, 100);
	before = count_files();
	for (int i = 0; i < N; i++) {
		m[i] = intake_begin(w.in);
		is_int(add(m[i], "0123456789", 90), 0, "adds");
	}
	spooled = count_files() - before;
	is_true(spooled > 20 && spooled < 60,
		"beyond 64 times the limit of one, they go to files");
	for (int i = 0; i < N; i++)
		intake_abort(m[i]);
	is_int(count_files(), before, "which end with them");
	m[0] = intake_begin(w.in);
	is_int(add(m[0], "0123456789", 90), 0, "adds");
	is_int(count_files(), before, "and memory is free again");
	intake_abort(m[0]);
	intake_abort(NULL);
	end(&w);
}

TEST(refuses_what_is_too_large)
{
	struct world w;
	struct envelope env = envelope(1);
	struct intake_message *m;
	struct err err = { 0 };

	begin(&w, 1000, 2000, 100);
	m = intake_begin(w.in);
	is_int(intake_trace(m, &env, &err), 0, "our own field");
	is_int(add(m, "0123456789", 200), 0, "does not count");
	is_int(add(m, "x", 1), -ERR_PERM, "one byte over");
	intake_abort(m);
	end(&w);
}

TEST(traces_without_letting_anybody_in)
{
	struct world w;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf body = BUF_INIT(10000);
	AUTO(fd) int fd = -1;
	struct envelope env = envelope(1);
	struct store_row *rows = NULL;
	struct intake_message *m;
	struct str rest, line;

	begin(&w, 1000, 2000, 100);
	m = intake_begin(w.in);
	is_int(intake_trace(m, &env, &w.err), 0, "traces");
	commit(&w, m, &env, NULL);
	is_int(list(&w, a, &rows), 1, "is there");
	is_int(store_body(w.store, &rows[0].message, &fd, &w.err), 0, "body");
	is_int(file_read_fd(fd, &body, &w.err), 0, "body");
	rest = buf_view(&body);
	is_true(str_cut_line(&rest, &line), "line");
	is_str(line, "Received: from x??Bcc:??y? (192.0.2.1:25)", "from");
	is_true(str_cut_line(&rest, &line), "line");
	is_true(str_starts(line, STR("\tby mill.example with LMTP id ")), "by");
	is_true(str_ends(line, STR(";")), "date follows");
	is_true(str_cut_line(&rest, &line), "line");
	is_true(str_ends(line, STR(" +0000")) && line.p[4] == ',', "date");
	is_false(str_cut_line(&rest, &line), "no more");
	end(&w);
}

TEST(tells_of_failures)
{
	struct world w;
	struct envelope env = envelope(2);
	AUTO(arena) struct arena *a = arena_new();
	struct store_row *rows = NULL;
	struct intake_message *m;

	begin(&w, 1000, 2000, 2);
	expect_log("mail.refuse");
	w.gone = "sales";
	commit(&w, intake_begin(w.in), &env, NULL);
	is_int(w.outcome, -1, "a route that went");
	is_int(w.err.kind, ERR_TEMP, "is for later");
	has_text(w.err.text, "no route takes sales@y", "and is named");
	is_int(list(&w, a, &rows), 0, "nothing of it is stored");
	w.gone = NULL;
	commit(&w, intake_begin(w.in), &env, NULL);
	is_int(w.outcome, 0, "the queue has room for two");
	commit(&w, intake_begin(w.in), &env, NULL);
	is_int(w.outcome, -1, "and not for more");
	is_int(w.err.kind, ERR_TEMP, "now");
	is_int(intake_ready(w.in, &w.err), -1, "as it tells beforehand");
	m = intake_begin(w.in);
	intake_abort(m);
	end(&w);
}

TEST(a_key_comes_once)
{
	struct world w;
	struct envelope env = envelope(1);

	begin(&w, 1000, 2000, 100);
	commit(&w, intake_begin(w.in), &env, "key");
	is_int(w.outcome, 0, "first");
	commit(&w, intake_begin(w.in), &env, "key");
	is_int(w.outcome, STORE_SEEN, "second");
	is_int(w.n_stored, 1, "nobody is woken for it");
	end(&w);
}

TEST(ends_what_is_under_way)
{
	struct world w;
	struct envelope env = envelope(1);

	begin(&w, 1000, 2000, 100);
	for (int i = 0; i < 10; i++)
		intake_commit(intake_begin(w.in), &env, STR_NULL, on_done, &w);
	end(&w);
	is_int(w.n_done, 10, "each was told");
}
