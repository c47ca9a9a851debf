/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_loop.c - descriptors, timers, posts and signals of one loop. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/loop.h>

#include "test.h"

struct world {
	struct loop *loop;
	struct loop_io *io, *other;
	struct loop_timer *timers[8];
	int fds[4];
	struct buf told;
	int n_calls;
	unsigned events;
};

static void begin(struct world *w)
{
	struct err err = { 0 };

	memset(w, 0, sizeof(*w));
	w->told = BUF_INIT(4096);
	is_int(loop_new(&w->loop, &err), 0, "makes a loop");
	for (int i = 0; i < 4; i += 2)
		is_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			       w->fds + i),
			0, "socket pair");
}

static void end(struct world *w)
{
	loop_io_free(w->io);
	loop_io_free(w->other);
	for (size_t i = 0; i < COUNT(w->timers); i++)
		loop_timer_free(w->timers[i]);
	loop_free(w->loop);
	for (size_t i = 0; i < COUNT(w->fds); i++)
		auto_fd(&w->fds[i]);
	buf_fini(&w->told);
}

static void run(struct world *w)
{
	struct err err = { 0 };

	is_int(loop_run(w->loop, &err), 0, "runs");
}

static void stop(void *ctx)
{
	loop_stop(((struct world *)ctx)->loop);
}

static void read_some(struct loop_io *io, unsigned events, void *ctx)
{
	struct world *w = ctx;
	char c;

	w->n_calls++;
	w->events |= events;
	if (read(w->fds[0], &c, 1) == 1)
		buf_byte(&w->told, (unsigned char)c);
	if (c == '.')
		loop_stop(w->loop);
	(void)io;
}

TEST(reads_level_triggered)
{
	struct world w;

	begin(&w);
	w.io = loop_io_new(w.loop, w.fds[0], LOOP_READ, read_some, &w);
	is_int(write(w.fds[1], "abc.", 4), 4, "peer writes");
	run(&w);
	is_str(buf_view(&w.told), "abc.", "called again while bytes remain");
	is_int(w.events, LOOP_READ, "told to read only");
	end(&w);
}

TEST(pause_keeps_quiet)
{
	struct world w;

	begin(&w);
	w.io = loop_io_new(w.loop, w.fds[0], LOOP_READ, read_some, &w);
	loop_io_watch(w.io, 0);
	auto_fd(&w.fds[1]);
	w.fds[1] = -1;
	w.timers[0] = loop_timer_new(w.loop, stop, &w);
	loop_timer_set(w.timers[0], 20);
	run(&w);
	is_int(w.n_calls, 0, "a paused watch is not told of a hangup");
	loop_io_watch(w.io, LOOP_READ);
	loop_timer_set(w.timers[0], 5);
	run(&w);
	is_true(w.events & LOOP_HANGUP, "a running one is");
	end(&w);
}

static void free_both(struct loop_io *io, unsigned events, void *ctx)
{
	struct world *w = ctx;

	w->n_calls++;
	loop_io_free(w->io);
	loop_io_free(w->other);
	w->io = w->other = NULL;
	loop_stop(w->loop);
	(void)io;
	(void)events;
}

static void free_both_later(struct loop_io *io, unsigned events, void *ctx)
{
	struct world *w = ctx;

	free_both(io, events, ctx);
	/* run on, so that the rest of the batch would be handed out */
	w->timers[0] = loop_timer_new(w->loop, stop, w);
	loop_timer_set(w->timers[0], 5);
}

TEST(ends_watches_within_a_batch)
{
	struct world w;

	begin(&w);
	w.io = loop_io_new(w.loop, w.fds[0], LOOP_READ, free_both_later, &w);
	w.other = loop_io_new(w.loop, w.fds[2], LOOP_READ, free_both_later, &w);
	is_int(write(w.fds[1], "x", 1), 1, "both are ready");
	is_int(write(w.fds[3], "x", 1), 1, "both are ready");
	run(&w);
	is_int(w.n_calls, 1, "an ended watch is not called");
	end(&w);
}

struct named {
	struct world *w;
	char c;
};

static void say(void *ctx)
{
	struct named *n = ctx;

	buf_byte(&n->w->told, (unsigned char)n->c);
	if (n->c == '.')
		loop_stop(n->w->loop);
}

TEST(timers_run_in_order)
{
	struct world w;
	struct named names[6];
	static const int ms[6] = { 15, 5, 5, 1, 10, 25 };

	begin(&w);
	for (size_t i = 0; i < 6; i++) {
		names[i] = (struct named){ &w, "abcde."[i] };
		w.timers[i] = loop_timer_new(w.loop, say, &names[i]);
		loop_timer_set(w.timers[i], ms[i]);
	}
	loop_timer_stop(w.timers[4]);
	run(&w);
	is_str(buf_view(&w.told), "dbca.",
		"by time, then by order of setting; a stopped one never");
	end(&w);
}

TEST(timer_heap_keeps_order_under_change)
{
	enum {
		N = 200,
		STEP_MS = 5
	};
	struct world w;
	struct loop_timer *t[N];
	struct named names[N];

	int64_t begun, pause;

	begin(&w);
	for (int i = 0; i < N; i++) {
		names[i] = (struct named){ &w, (char)('a' + i % 20) };
		t[i] = loop_timer_new(w.loop, say, &names[i]);
		loop_timer_set(t[i], (i * 37) % 100);
	}
	begun = clock_mono_ms();
	/* moved and stopped at all places of the heap */
	for (int i = 0; i < N; i++) {
		if (i % 3 == 0)
			loop_timer_stop(t[i]);
		else
			loop_timer_set(t[i], STEP_MS * (i % 20));
	}
	/* a pause of the machine while they were set makes them later */
	pause = clock_mono_ms() - begun;
	w.timers[0] = loop_timer_new(w.loop, stop, &w);
	loop_timer_set(w.timers[0], STEP_MS * 20 + 10);
	run(&w);
	is_int(w.told.len, N - (N + 2) / 3, "each running one ran once");
	for (size_t i = 1; i < w.told.len; i++)
		is_true(w.told.p[i - 1] <= w.told.p[i] + pause / STEP_MS,
			"in order of time");
	for (int i = 0; i < N; i++)
		loop_timer_free(t[i]);
	end(&w);
}

static void set_again(void *ctx)
{
	struct world *w = ctx;

	w->n_calls++;
	loop_timer_set(w->timers[0], 0);
}

TEST(a_busy_timer_starves_nobody)
{
	struct world w;

	begin(&w);
	w.timers[0] = loop_timer_new(w.loop, set_again, &w);
	loop_timer_set(w.timers[0], 0);
	w.io = loop_io_new(w.loop, w.fds[0], LOOP_READ, free_both, &w);
	is_int(write(w.fds[1], "x", 1), 1, "peer writes");
	run(&w);
	is_true(w.io == NULL, "the descriptor had its turn");
	end(&w);
}

static void free_own_timer(void *ctx)
{
	struct world *w = ctx;

	loop_timer_free(w->timers[0]);
	w->timers[0] = NULL;
	loop_stop(w->loop);
}

TEST(a_timer_ends_itself)
{
	struct world w;

	begin(&w);
	w.timers[0] = loop_timer_new(w.loop, free_own_timer, &w);
	loop_timer_set(w.timers[0], 1);
	run(&w);
	is_true(w.timers[0] == NULL, "freed in its own callback");
	end(&w);
}

static void count_call(void *ctx)
{
	struct world *w = ctx;

	if (++w->n_calls == 4000)
		loop_stop(w->loop);
}

static void *post_many(void *ctx)
{
	struct world *w = ctx;

	for (int i = 0; i < 1000; i++)
		loop_post(w->loop, count_call, w);
	return NULL;
}

TEST(posts_from_threads_all_run)
{
	struct world w;
	pthread_t threads[4];

	begin(&w);
	for (size_t i = 0; i < 4; i++)
		is_int(pthread_create(&threads[i], NULL, post_many, &w), 0,
			"thread");
	run(&w);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	is_int(w.n_calls, 4000, "none lost, none twice");
	loop_post(w.loop, count_call, &w);
	end(&w);
	is_int(w.n_calls, 4000, "a post to an ended loop is dropped");
}

TEST(posts_keep_their_order)
{
	struct world w;
	struct named names[5];

	begin(&w);
	for (size_t i = 0; i < 5; i++) {
		names[i] = (struct named){ &w, "1234."[i] };
		loop_post(w.loop, say, &names[i]);
	}
	run(&w);
	is_str(buf_view(&w.told), "1234.", "first posted, first run");
	end(&w);
}

static void on_signal(int signo, void *ctx)
{
	struct world *w = ctx;

	w->events |= signo == SIGUSR1 ? 1 : 2;
	if (w->events == 3)
		loop_stop(w->loop);
}

TEST(signals_come_as_events)
{
	struct world w;

	begin(&w);
	loop_on_signal(w.loop, SIGUSR1, on_signal, &w);
	loop_on_signal(w.loop, SIGUSR2, on_signal, &w);
	raise(SIGUSR1);
	raise(SIGUSR2);
	run(&w);
	is_int(w.events, 3, "both were told");
	end(&w);
}

TEST(a_stop_before_the_run_counts)
{
	struct world w;

	begin(&w);
	loop_stop(w.loop);
	run(&w);
	loop_post(w.loop, stop, &w);
	run(&w);
	end(&w);
}
