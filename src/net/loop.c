/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop.c - one thread's event loop on epoll.
 *
 * Descriptors are level-triggered, so a callback may leave work for the next
 * turn (a budget a turn keeps one busy client from starving the rest). A watch
 * that is ended while a batch of events is being handed out is only marked;
 * its memory goes when the batch is through, since a later event of the same
 * batch may still name it.
 *
 * Timers are a binary heap ordered by due time, then by order of setting. A
 * turn runs only timers that were set before it began, so a timer that sets
 * itself to 0 ms cannot starve the descriptors.
 *
 * Posts lie in a list under the loop's only lock; an eventfd wakes the loop.
 * The whole list is taken at once; what is posted meanwhile runs next turn.
 *
 * A watch for nothing is taken out of epoll altogether: the kernel reports a
 * hangup on any descriptor that it knows, wanted or not, and a paused watch
 * would spin.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/list.h>
#include <mailmill/loop.h>
#include <mailmill/mem.h>

#define EVENTS_MAX 256
#define SIGNALS_MAX 65
#define NOT_SET SIZE_MAX

struct loop_io {
	struct loop *loop;
	struct list link; /* in loop->dead, when is_dead */
	int fd;
	unsigned events;
	bool is_known, is_dead; /* to epoll; to the caller */
	loop_io_fn fn;
	void *ctx;
};

struct loop_timer {
	struct loop *loop;
	int64_t due_at; /* mono ms */
	uint64_t order;
	size_t index; /* in the heap, or NOT_SET */
	loop_fn fn;
	void *ctx;
};

struct post {
	struct post *next;
	loop_fn fn;
	void *ctx;
};

struct loop {
	int epoll, wake, signals; /* descriptors; signals is -1 until asked */
	bool is_stopping, is_in_batch;
	struct list dead; /* watches that ended within a batch */
	struct loop_timer **heap;
	size_t n_heap, heap_cap;
	uint64_t n_sets;
	struct loop_io *wake_io, *signal_io;
	sigset_t signal_set;
	struct {
		loop_signal_fn fn;
		void *ctx;
	} on_signal[SIGNALS_MAX];
	pthread_mutex_t lock; /* guards the three below */
	struct post *first, **last;
	bool is_woken;
};

/* --- descriptors --------------------------------------------------------- */

static void tell_epoll(struct loop_io *io)
{
	struct epoll_event e = { .data.ptr = io };
	int op = io->is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (io->events & LOOP_READ)
		e.events |= EPOLLIN;
	if (io->events & LOOP_WRITE)
		e.events |= EPOLLOUT;
	if (!io->events) {
		if (!io->is_known)
			return;
		op = EPOLL_CTL_DEL;
	}
	/* only a closed or unpollable descriptor can fail: our own mistake */
	must(epoll_ctl(io->loop->epoll, op, io->fd, &e) == 0);
	io->is_known = io->events != 0;
}

struct loop_io *loop_io_new(
	struct loop *l, int fd, unsigned events, loop_io_fn fn, void *ctx)
{
	struct loop_io *io = NEW(struct loop_io);

	must(fd >= 0 && fn);
	*io = (struct loop_io){
		.loop = l, .fd = fd, .events = events, .fn = fn, .ctx = ctx
	};
	list_init(&io->link);
	tell_epoll(io);
	return io;
}

void loop_io_watch(struct loop_io *io, unsigned events)
{
	must(!io->is_dead);
	events &= LOOP_READ | LOOP_WRITE;
	if (io->events == events)
		return;
	io->events = events;
	tell_epoll(io);
}

void loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	must(!io->is_dead);
	io->events = 0;
	tell_epoll(io);
	if (!io->loop->is_in_batch) {
		free(io);
		return;
	}
	io->is_dead = true;
	list_add(&io->loop->dead, &io->link);
}

static void free_dead(struct loop *l)
{
	struct list *it, *tmp;

	list_each_safe (it, tmp, &l->dead)
		free(CONTAINER(it, struct loop_io, link));
	list_init(&l->dead);
}

static void hand_out(const struct epoll_event *e)
{
	struct loop_io *io = e->data.ptr;
	unsigned events = 0;

	if (e->events & EPOLLIN)
		events |= LOOP_READ;
	if (e->events & EPOLLOUT)
		events |= LOOP_WRITE;
	if (e->events & (EPOLLHUP | EPOLLERR))
		events |= LOOP_HANGUP;
	events &= io->events | LOOP_HANGUP;
	/* an earlier callback of this batch may have paused or ended it */
	if (!io->is_dead && io->events && events)
		io->fn(io, events, io->ctx);
}

/* --- timers -------------------------------------------------------------- */

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
	if (a->due_at != b->due_at)
		return a->due_at < b->due_at;
	return a->order < b->order;
}

static void place(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->index = i;
}

static void sift_up(struct loop *l, size_t i, struct loop_timer *t)
{
	while (i && is_before(t, l->heap[(i - 1) / 2])) {
		place(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(l, i, t);
}

static void sift_down(struct loop *l, size_t i, struct loop_timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= l->n_heap)
			break;
		if (child + 1 < l->n_heap &&
			is_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!is_before(l->heap[child], t))
			break;
		place(l, i, l->heap[child]);
		i = child;
	}
	place(l, i, t);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn fn, void *ctx)
{
	struct loop_timer *t = NEW(struct loop_timer);

	must(fn);
	*t = (struct loop_timer){
		.loop = l, .index = NOT_SET, .fn = fn, .ctx = ctx
	};
	return t;
}

void loop_timer_stop(struct loop_timer *t)
{
	struct loop *l = t->loop;
	size_t i = t->index;
	struct loop_timer *moved;

	if (i == NOT_SET)
		return;
	t->index = NOT_SET;
	moved = l->heap[--l->n_heap];
	if (moved == t)
		return;
	if (i && is_before(moved, l->heap[(i - 1) / 2]))
		sift_up(l, i, moved);
	else
		sift_down(l, i, moved);
}

void loop_timer_set(struct loop_timer *t, int64_t ms)
{
	struct loop *l = t->loop;

	loop_timer_stop(t);
	if (l->n_heap == l->heap_cap) {
		l->heap_cap = MAX(l->heap_cap * 2, 64);
		l->heap = mem_resize(l->heap, l->heap_cap * sizeof(*l->heap));
	}
	t->due_at = clock_mono_ms() + MIN(MAX(ms, 0), INT64_MAX / 2);
	t->order = l->n_sets++;
	sift_up(l, l->n_heap++, t);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	loop_timer_stop(t);
	free(t);
}

static void run_timers(struct loop *l)
{
	int64_t now = clock_mono_ms();
	uint64_t newest = l->n_sets;

	while (l->n_heap && !l->is_stopping) {
		struct loop_timer *t = l->heap[0];
		if (t->due_at > now || t->order >= newest)
			break;
		loop_timer_stop(t);
		t->fn(t->ctx);
	}
}

static int wait_ms(const struct loop *l)
{
	int64_t ms;

	if (!l->n_heap)
		return -1;
	ms = l->heap[0]->due_at - clock_mono_ms();
	return (int)MIN(MAX(ms, 0), INT_MAX);
}

/* --- posts --------------------------------------------------------------- */

void loop_post(struct loop *l, loop_fn fn, void *ctx)
{
	struct post *p = NEW(struct post);
	uint64_t one = 1;
	bool was_woken;

	*p = (struct post){ .fn = fn, .ctx = ctx };
	pthread_mutex_lock(&l->lock);
	*l->last = p;
	l->last = &p->next;
	was_woken = l->is_woken;
	l->is_woken = true;
	/* under the lock, so that the loop cannot end between the two */
	if (!was_woken)
		must(file_write_all(l->wake, &one, sizeof(one)) == 0);
	pthread_mutex_unlock(&l->lock);
}

static struct post *take_posts(struct loop *l)
{
	struct post *p;

	pthread_mutex_lock(&l->lock);
	p = l->first;
	l->first = NULL;
	l->last = &l->first;
	l->is_woken = false;
	pthread_mutex_unlock(&l->lock);
	return p;
}

static void run_posts(struct loop_io *io, unsigned events, void *ctx)
{
	struct loop *l = ctx;
	uint64_t count;
	ssize_t n = read(l->wake, &count, sizeof(count));

	must(n == (ssize_t)sizeof(count));
	for (struct post *p = take_posts(l), *next; p; p = next) {
		next = p->next;
		p->fn(p->ctx);
		free(p);
	}
	(void)io;
	(void)events;
}

/* --- signals ------------------------------------------------------------- */

static void run_signals(struct loop_io *io, unsigned events, void *ctx)
{
	struct loop *l = ctx;
	struct signalfd_siginfo info;

	while (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		unsigned n = info.ssi_signo;
		if (n < SIGNALS_MAX && l->on_signal[n].fn)
			l->on_signal[n].fn((int)n, l->on_signal[n].ctx);
	}
	(void)io;
	(void)events;
}

void loop_on_signal(struct loop *l, int signo, loop_signal_fn fn, void *ctx)
{
	sigset_t one;
	int fd;

	must(signo > 0 && signo < SIGNALS_MAX && fn);
	sigemptyset(&one);
	sigaddset(&one, signo);
	must(pthread_sigmask(SIG_BLOCK, &one, NULL) == 0);
	sigaddset(&l->signal_set, signo);
	l->on_signal[signo].fn = fn;
	l->on_signal[signo].ctx = ctx;
	fd = signalfd(l->signals, &l->signal_set, SFD_CLOEXEC | SFD_NONBLOCK);
	must(fd >= 0);
	l->signals = fd;
	if (!l->signal_io)
		l->signal_io = loop_io_new(l, fd, LOOP_READ, run_signals, l);
}

/* --- the loop ------------------------------------------------------------ */

int loop_new(struct loop **out, struct err *err)
{
	AUTO(loop) struct loop *l = NEW(struct loop);

	list_init(&l->dead);
	sigemptyset(&l->signal_set);
	pthread_mutex_init(&l->lock, NULL);
	l->last = &l->first;
	l->signals = -1;
	l->wake = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return err_sys(err, "cannot make an event loop");
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0)
		return err_sys(err, "cannot make an event loop");
	l->wake_io = loop_io_new(l, l->wake, LOOP_READ, run_posts, l);
	*out = TAKE(l);
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_io_free(l->wake_io);
	loop_io_free(l->signal_io);
	free_dead(l);
	for (struct post *p = take_posts(l), *next; p; p = next) {
		next = p->next;
		free(p);
	}
	auto_fd(&l->signals);
	auto_fd(&l->wake);
	auto_fd(&l->epoll);
	pthread_mutex_destroy(&l->lock);
	free(l->heap);
	free(l);
}

int loop_run(struct loop *l, struct err *err)
{
	struct epoll_event events[EVENTS_MAX];

	while (!l->is_stopping) {
		int n = epoll_wait(l->epoll, events, EVENTS_MAX, wait_ms(l));
		if (n < 0 && errno != EINTR)
			return err_sys(err, "cannot wait for events");
		l->is_in_batch = true;
		for (int i = 0; i < n && !l->is_stopping; i++)
			hand_out(&events[i]);
		l->is_in_batch = false;
		free_dead(l);
		run_timers(l);
	}
	l->is_stopping = false;
	return 0;
}

void loop_stop(struct loop *l)
{
	l->is_stopping = true;
}
