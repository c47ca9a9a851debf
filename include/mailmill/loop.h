/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop.h - one thread's event loop: descriptors, timers, signals, and work
 * handed over by other threads. All but loop_post() belongs to that thread.
 */
#ifndef MAILMILL_LOOP_H
#define MAILMILL_LOOP_H

#include <mailmill/base.h>
#include <mailmill/err.h>

struct loop;
struct loop_io; /* a watched descriptor */
struct loop_timer;

#define LOOP_READ 1u
#define LOOP_WRITE 2u
/*
 * Both directions are closed, or an error: given unless paused, need not be
 * asked for. A peer that only ends its writing is seen by reading 0 bytes.
 */
#define LOOP_HANGUP 4u

/* Makes a loop. Gives: *out, by loop_free(). Returns: 0, or -1 with *err. */
MUST_CHECK int loop_new(struct loop **out, struct err *err);
/* Ends it; what was posted and not yet run is dropped. Accepts NULL. */
void loop_free(struct loop *l);
/* Runs until loop_stop(). Returns: 0, or -1 with *err. */
MUST_CHECK int loop_run(struct loop *l, struct err *err);
/* Makes loop_run() return after what it is doing. */
void loop_stop(struct loop *l);

typedef void (*loop_io_fn)(struct loop_io *io, unsigned events, void *ctx);
typedef void (*loop_fn)(void *ctx);
typedef void (*loop_signal_fn)(int signo, void *ctx);

/*
 * Watches a descriptor, level-triggered; fd stays the caller's.
 * Gives: the watch, by loop_io_free(), before fd is closed.
 */
struct loop_io *loop_io_new(
	struct loop *l, int fd, unsigned events, loop_io_fn fn, void *ctx);
/* Changes what is watched for; 0 pauses. */
void loop_io_watch(struct loop_io *io, unsigned events);
/* Ends a watch, also from its own callback. Accepts NULL. */
void loop_io_free(struct loop_io *io);

/* Makes a timer that is not running. Gives: by loop_timer_free(). */
struct loop_timer *loop_timer_new(struct loop *l, loop_fn fn, void *ctx);
/* Runs it once, `ms` from now; set anew, the former time is forgotten. */
void loop_timer_set(struct loop_timer *t, int64_t ms);
/* Stops it. */
void loop_timer_stop(struct loop_timer *t);
/* Ends a timer, also from its own callback. Accepts NULL. */
void loop_timer_free(struct loop_timer *t);

/*
 * Has fn run in the loop's thread, soon, in order of posting. From any thread.
 * Note: a post to a loop that is being freed is the caller's mistake.
 */
void loop_post(struct loop *l, loop_fn fn, void *ctx);

/*
 * Calls fn in the loop for a signal, which is blocked in this thread from here
 * on; call before other threads start, so that they inherit that.
 */
void loop_on_signal(struct loop *l, int signo, loop_signal_fn fn, void *ctx);

AUTO_DEFINE(loop, struct loop *, loop_free)

#endif
