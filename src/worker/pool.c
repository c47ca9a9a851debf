/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pool.c - the parent's side of the workers.
 *
 * A worker is STARTING until it says READY, then takes jobs, a few at once so
 * that it need not wait for us; it answers them in order. Hence the job under
 * way is always the first, and when a worker falls, that one is to blame and
 * the others go back to the front of the queue.
 *
 *   STARTING -> READY -> RETIRING (no more jobs; its socket is shut when the
 *                  |                last is answered)
 *                  v
 *               FALLING (killed; no more jobs)
 *
 * A job that takes long must not hold up those given behind it: after a while
 * they go back to the queue and another worker gets them. Evaluating has no
 * effect, so it does no harm that the slow worker will do them too; nobody
 * hears its answer (a slot without job).
 *
 * From each state the end is the same: the socket closes, and bury() reaps the
 * process, settles its jobs and fills the pool up again. bury() is called from
 * the worker's own socket event only, so a worker never goes while somebody
 * further up still holds it; all else only changes states.
 *
 * Workers that die before they are ready are started again ever later, and
 * after a few of those in a row the pool is broken: jobs end at once with the
 * reason, while it goes on trying.
 *
 * A worker killed from outside (SIGKILL that we did not send: an admin, the
 * kernel short of memory) is not the message's fault, unless it happens to it
 * again and again.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/list.h>
#include <mailmill/log.h>
#include <mailmill/proc.h>
#include <mailmill/wire.h>

#include "frame.h"

#define WINDOW 4 /* jobs given to a worker at once */
#define START_MS 60000
#define BACKOFF_MS 50
#define BACKOFF_MAX_MS 10000
#define FAILED_STARTS_MAX 5 /* in a row, before jobs are told */
#define OUTSIDE_KILLS_MAX 5 /* of one job's workers, before it is blamed */
#define SLOW_MS 200 /* of one job, before those behind it look elsewhere */
/* A forker bounds its child itself; it is bounded for being stuck. */
#define FORKER_GRACE_MS 2000
#define READ_LEN ((size_t)64 * 1024)
#define READS_MAX 16 /* in one event */
#define KEEP_MAX ((size_t)1 << 20)

enum state {
	STARTING,
	READY,
	RETIRING,
	FALLING
};

struct worker {
	struct worker_pool *pool;
	struct list link;
	enum state state;
	pid_t pid;
	int fd;
	struct loop_io *io;
	struct loop_timer *timer; /* for starting, or for jobs[0] */
	struct buf in, out;
	size_t out_at; /* sent of out */
	int out_body;  /* goes with the first byte of out; lent */
	struct worker_job *jobs[WINDOW]; /* NULL: taken back */
	uint64_t ids[WINDOW];
	size_t n_jobs, n_begun; /* of jobs: written to out, at least */
	unsigned n_done;
	bool was_ready, is_slow, is_late, is_shut;
	bool is_unwanted;	     /* ended by us before it was ready */
	int status;		     /* as waitpid() gives it */
	struct buf words;	     /* its last ones */
	char nonsense[ERR_TEXT_MAX]; /* it said, or empty */
};

struct worker_pool {
	struct loop *loop;
	struct worker_options o;
	struct buf setup; /* the frame that a worker gets first */
	struct list workers;
	struct worker_job *first, **last; /* queued */
	size_t n_queued;
	uint64_t last_id;
	unsigned n_failed_starts; /* in a row */
	bool is_waiting;	  /* for the back-off to end */
	struct loop_timer *starter;
	struct loop_timer *kicker; /* for what may not be done right now */
	char trouble[ERR_TEXT_MAX];
};

static bool is_broken(const struct worker_pool *p)
{
	return p->n_failed_starts >= FAILED_STARTS_MAX;
}

static void queue_last(struct worker_pool *p, struct worker_job *job)
{
	job->next = NULL;
	*p->last = job;
	p->last = &job->next;
	p->n_queued++;
}

static void queue_first(struct worker_pool *p, struct worker_job *job)
{
	job->next = p->first;
	if (!p->first)
		p->last = &job->next;
	p->first = job;
	p->n_queued++;
}

static struct worker_job *take_first(struct worker_pool *p)
{
	struct worker_job *job = p->first;

	if (!job)
		return NULL;
	p->first = job->next;
	if (!p->first)
		p->last = &p->first;
	job->next = NULL;
	p->n_queued--;
	return job;
}

/* Puts the jobs from slot `from` on back to the front of the queue. */
static void take_back(struct worker *w, size_t from)
{
	for (size_t i = w->n_jobs; i > from; i--) {
		if (w->jobs[i - 1])
			queue_first(w->pool, w->jobs[i - 1]);
		w->jobs[i - 1] = NULL;
	}
}

static void finish(
	struct worker_job *job, enum worker_outcome outcome, const char *reason)
{
	job->outcome = outcome;
	job->reason = arena_str(job->arena, str_c(reason));
	job->done(job);
}

/* Has the process end soon; its socket's closing brings it to bury(). */
static void fell(struct worker *w)
{
	w->state = FALLING;
	kill(w->pid, SIGKILL);
}

/* Shuts what is idle and not wanted any more: it reads the end, and ends. */
static void shut_if_idle(struct worker *w)
{
	if (w->state != RETIRING || w->n_jobs || w->is_shut)
		return;
	w->is_shut = true;
	loop_timer_set(w->timer, START_MS);
	shutdown(w->fd, SHUT_WR);
}

/* --- sending --- */

/* Writes the next job's frame into out. */
static void begin_job(struct worker *w)
{
	const struct worker_job *job = w->jobs[w->n_begun];
	AUTO(buf) struct buf part = BUF_INIT(FRAME_JOB_MAX / 4);
	size_t at;

	if (w->out.cap > KEEP_MAX)
		buf_fini(&w->out);
	buf_clear(&w->out);
	w->out_at = 0;
	w->out_body = job->fd;
	at = frame_begin(&w->out, FRAME_JOB);
	wire_u64(&w->out, w->ids[w->n_begun]);
	wire_str(&w->out, str_c(job->script));
	envelope_encode(&part, job->env);
	wire_str(&w->out, buf_view(&part));
	buf_clear(&part);
	facts_encode(&part, job->facts);
	wire_str(&w->out, buf_view(&part));
	frame_end(&w->out, at);
	w->n_begun++;
}

/* Sends once. Returns: false when it has to wait, or can't. */
static bool send_some(struct worker *w)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { w->out.p + w->out_at, w->out.len - w->out_at };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (w->out_body >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &w->out_body, sizeof(int));
	}
	n = sendmsg(w->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR;
	w->out_body = -1;
	w->out_at += (size_t)n;
	return true;
}

static int64_t limit_ms(const struct worker *w)
{
	const struct worker_options *o = &w->pool->o;

	return o->time_ms +
	       (o->isolation == WORKER_MESSAGE ? FORKER_GRACE_MS : 0);
}

/* Begins the time of jobs[0]. */
static void watch_clock(struct worker *w)
{
	w->is_slow = limit_ms(w) <= SLOW_MS;
	if (w->n_jobs)
		loop_timer_set(w->timer, w->is_slow ? limit_ms(w) : SLOW_MS);
	else
		loop_timer_stop(w->timer);
}

/* Sends what there is. A socket that is broken tells so by its own event. */
static void flush(struct worker *w)
{
	unsigned events = LOOP_READ;

	while (w->state != FALLING) {
		if (w->out_at < w->out.len) {
			if (send_some(w))
				continue;
			events |= LOOP_WRITE;
			break;
		}
		if (w->state == STARTING || w->n_begun == w->n_jobs)
			break;
		begin_job(w);
	}
	loop_io_watch(w->io, events);
}

static void give(struct worker *w, struct worker_job *job)
{
	w->ids[w->n_jobs] = ++w->pool->last_id;
	w->jobs[w->n_jobs++] = job;
	if (w->n_jobs == 1)
		watch_clock(w);
	flush(w);
}

/* Finds the worker that is ready and has least to do. */
static struct worker *find_idlest(struct worker_pool *p)
{
	struct worker *best = NULL;
	struct list *l;

	list_each (l, &p->workers) {
		struct worker *w = CONTAINER(l, struct worker, link);
		if (w->state == READY && w->n_jobs < WINDOW &&
			(w->n_jobs == 0 || !w->is_slow) &&
			(!best || w->n_jobs < best->n_jobs))
			best = w;
	}
	return best;
}

static void dispatch(struct worker_pool *p)
{
	struct worker *w;

	while (p->first && (w = find_idlest(p)))
		give(w, take_first(p));
}

/* --- starting --- */

static void on_io(struct loop_io *io, unsigned events, void *ctx);
static void on_timer(void *ctx);

static size_t count_wanted(const struct worker_pool *p)
{
	size_t n = 0;
	struct list *l;

	list_each (l, &p->workers) {
		const struct worker *w = CONTAINER(l, struct worker, link);
		n += w->state == STARTING || w->state == READY;
	}
	return n;
}

/* The zone of dates, and what a test build's libraries must be told. */
static size_t make_env(const char **env, size_t max, struct arena *a)
{
	static const char *const names[] = { "TZ", "G_SLICE", "ASAN_OPTIONS",
		"UBSAN_OPTIONS", "LSAN_OPTIONS" };
	size_t n = 0;

	for (size_t i = 0; i < COUNT(names) && n + 1 < max; i++)
		if (getenv(names[i]))
			env[n++] = arena_printf(
				a, "%s=%s", names[i], getenv(names[i]));
	env[n] = NULL;
	return n;
}

pid_t worker_spawn(int socket_fd, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	const char *argv[] = { proc_self(), "worker", NULL };
	const char *env[8];

	make_env(env, COUNT(env), a);
	return proc_spawn(argv, env, &socket_fd, 1, err);
}

static int start_worker(struct worker_pool *p, struct err *err)
{
	AUTO(fd) int ours = -1;
	AUTO(fd) int theirs = -1;
	struct worker *w;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "cannot talk to a worker");
	ours = ends[0];
	theirs = ends[1];
	pid = worker_spawn(theirs, err);
	if (pid < 0)
		return -1;
	w = NEW(struct worker);
	w->pool = p;
	w->pid = pid;
	w->fd = TAKE_FD(ours);
	w->out_body = -1;
	w->in = BUF_INIT(FRAME_HEADER_LEN + FRAME_RESULT_MAX + READ_LEN);
	w->out = BUF_INIT(MAX(FRAME_SETUP_MAX, FRAME_JOB_MAX));
	w->words = BUF_INIT(sizeof(struct last_words));
	w->io = loop_io_new(p->loop, w->fd, LOOP_READ, on_io, w);
	w->timer = loop_timer_new(p->loop, on_timer, w);
	loop_timer_set(w->timer, START_MS);
	list_add(&p->workers, &w->link);
	buf_str(&w->out, buf_view(&p->setup));
	flush(w);
	return 0;
}

static void fail_queue(struct worker_pool *p)
{
	struct worker_job *job;

	while (is_broken(p) && (job = take_first(p)))
		finish(job, WORKER_BROKEN, p->trouble);
}

/* Notes that a worker did not start, and waits before the next one. */
static void note_failed_start(struct worker_pool *p, const char *why)
{
	int64_t wait = BACKOFF_MS;

	snprintf(p->trouble, sizeof(p->trouble), "no worker starts: %.900s",
		why);
	if (++p->n_failed_starts == FAILED_STARTS_MAX)
		log_event(LOG_ERROR, "worker.broken", "error=\"%s\"", why);
	for (unsigned i = 1; i < p->n_failed_starts && wait < BACKOFF_MAX_MS;
		i++)
		wait *= 2;
	p->is_waiting = true;
	loop_timer_set(p->starter, MIN(wait, BACKOFF_MAX_MS));
	if (is_broken(p))
		loop_timer_set(p->kicker, 0);
}

static void fill(struct worker_pool *p)
{
	/* a pool in trouble tries with one */
	size_t want = p->n_failed_starts ? 1 : p->o.workers;
	struct err err = { 0 };

	if (p->is_waiting)
		return;
	for (size_t n = count_wanted(p); n < want; n++)
		if (start_worker(p, &err) < 0) {
			note_failed_start(p, err.text);
			return;
		}
}

static void on_starter(void *ctx)
{
	struct worker_pool *p = ctx;

	p->is_waiting = false;
	fill(p);
}

static void on_kicker(void *ctx)
{
	struct worker_pool *p = ctx;
	struct list *l;

	list_each (l, &p->workers)
		shut_if_idle(CONTAINER(l, struct worker, link));
	fill(p);
	dispatch(p);
	fail_queue(p);
}

/* --- answers --- */

/* Takes the job that is under way off the worker. */
static struct worker_job *take_job(struct worker *w)
{
	struct worker_job *job = w->jobs[0];

	must(w->n_jobs > 0);
	w->n_jobs--;
	w->n_begun -= w->n_begun > 0;
	memmove(w->jobs, w->jobs + 1, w->n_jobs * sizeof(*w->jobs));
	memmove(w->ids, w->ids + 1, w->n_jobs * sizeof(*w->ids));
	watch_clock(w);
	return job;
}

static int speak_nonsense(struct worker *w, const char *what)
{
	snprintf(w->nonsense, sizeof(w->nonsense), "%.200s", what);
	fell(w);
	return -1;
}

/* Reads the id of an answer, which must be that of the job under way. */
static int check_id(struct worker *w, struct wire_in *in)
{
	uint64_t id = wire_get_u64(in);

	/* it can't know a job that it was not wholly given */
	if (w->n_jobs == 0 || in->is_bad || id != w->ids[0] ||
		w->n_begun == 0 || (w->n_begun == 1 && w->out_at < w->out.len))
		return speak_nonsense(w, "an answer to no job");
	return 0;
}

static int take_ready(struct worker *w, struct wire_in *in)
{
	if (w->state != STARTING)
		return speak_nonsense(w, "ready twice");
	w->state = READY;
	w->was_ready = true;
	w->pool->n_failed_starts = 0;
	loop_timer_stop(w->timer);
	fill(w->pool);
	return 0;
}

static int take_useless(struct worker *w, struct wire_in *in)
{
	if (w->state != STARTING)
		return speak_nonsense(w, "useless after all");
	snprintf(w->nonsense, sizeof(w->nonsense), "%.*s", STR_ARG(in->in));
	w->state = FALLING;
	return -1;
}

static int take_result(struct worker *w, struct wire_in *in)
{
	struct worker_pool *p = w->pool;
	struct worker_job *job;
	struct err err = { 0 };
	struct stat st;

	if (check_id(w, in) < 0)
		return -1;
	job = w->jobs[0];
	if (!job) {
		take_job(w);
		return 0;
	}
	if (fstat(job->fd, &st) < 0)
		st.st_size = 0;
	if (result_get(job, in->in, (uint64_t)st.st_size, &err) < 0)
		return speak_nonsense(w, err.text);
	take_job(w);
	w->n_done++;
	if (p->o.isolation == WORKER_BATCH && w->state == READY &&
		(w->n_done >= p->o.batch_max || job->outcome != WORKER_PLAN)) {
		w->state = RETIRING;
		fill(p);
	}
	job->done(job);
	return 0;
}

/*
 * Blames a job for an ending, or lets it try again. What was told by a process
 * that sees no mails stays blameless however often it happens.
 */
static void blame(struct worker *w, struct worker_job *job,
	const struct ending *e, bool saw_mail, struct str said)
{
	AUTO(arena) struct arena *a = arena_new();
	struct last_words words = { 0 };

	if (said.len >= sizeof(words))
		memcpy(&words, said.p, sizeof(words));
	words.text[sizeof(words.text) - 1] = 0;
	log_event(LOG_WARN, "worker.fell",
		"pid=%d script=%s reason=\"%s\" said=\"%s\"", (int)w->pid,
		job ? job->script : "", e->text,
		log_quoted(a, str_c(words.text)).p);
	if (!job)
		return; /* whoever has it now will tell */
	if (e->is_blameless && ++job->tries < OUTSIDE_KILLS_MAX)
		queue_first(w->pool, job);
	else
		finish(job,
			e->is_blameless && !saw_mail ? WORKER_BROKEN
						     : WORKER_CRASHED,
			e->text);
}

static int take_fell(struct worker *w, struct wire_in *in)
{
	struct ending e;
	int status;
	bool is_late;
	struct str words;

	if (w->pool->o.isolation != WORKER_MESSAGE)
		return speak_nonsense(w, "another process fell");
	if (check_id(w, in) < 0)
		return -1;
	status = (int)wire_get_u32(in);
	is_late = wire_get_u8(in) == 1;
	words = wire_get_str(in);
	if (!wire_is_done(in))
		return speak_nonsense(w, "half of an ending");
	ending_tell(&e, status, is_late, words);
	blame(w, take_job(w), &e, true, words);
	return 0;
}

static int take_words(struct worker *w, struct wire_in *in)
{
	buf_clear(&w->words);
	buf_str(&w->words, in->in);
	return 0;
}

static const struct {
	int (*take)(struct worker *w, struct wire_in *in);
	size_t max;
} takers[] = {
	[FRAME_READY] = { take_ready, 0 },
	[FRAME_USELESS] = { take_useless, ERR_TEXT_MAX },
	[FRAME_RESULT] = { take_result, FRAME_RESULT_MAX },
	[FRAME_FELL] = { take_fell, 1024 },
	[FRAME_WORDS] = { take_words, sizeof(struct last_words) },
};

/* Takes one frame off the front of in. Returns: 1, 0: not all there, or -1. */
static int take_frame(struct worker *w)
{
	struct wire_in in;
	uint32_t type, len;
	int rc;

	if (w->in.len < FRAME_HEADER_LEN)
		return 0;
	frame_header(w->in.p, &type, &len);
	if (type >= COUNT(takers) || !takers[type].take ||
		len > takers[type].max)
		return speak_nonsense(w, "a frame that is none");
	if (w->in.len - FRAME_HEADER_LEN < len)
		return 0;
	in = (struct wire_in){ .in = str_sub(buf_view(&w->in), FRAME_HEADER_LEN,
				       len) };
	rc = takers[type].take(w, &in);
	buf_shift(&w->in, FRAME_HEADER_LEN + len);
	return rc < 0 ? -1 : 1;
}

/* Reads once. Returns: false when there is no more, *is_end: and never will. */
static bool read_some(struct worker *w, bool *is_end)
{
	char *to = buf_room(&w->in, READ_LEN);
	ssize_t n;

	must(to != NULL); /* frames are taken off as they become whole */
	n = recv(w->fd, to, READ_LEN, MSG_DONTWAIT);
	if (n > 0) {
		w->in.len += (size_t)n;
		return true;
	}
	if (n < 0 && errno == EINTR)
		return true;
	*is_end = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
	return false;
}

/* Takes all frames that came. Returns: whether the socket has ended. */
static bool hear(struct worker *w)
{
	bool is_end = false;

	for (int i = 0; i < READS_MAX && read_some(w, &is_end); i++)
		while (w->state != FALLING && take_frame(w) > 0)
			continue;
	if (w->state == FALLING)
		buf_clear(&w->in);
	if (w->in.len == 0 && w->in.cap > KEEP_MAX)
		buf_fini(&w->in);
	return is_end;
}

/* --- ending --- */

static void free_worker(struct worker *w)
{
	list_del(&w->link);
	loop_io_free(w->io);
	loop_timer_free(w->timer);
	close(w->fd);
	buf_fini(&w->in);
	buf_fini(&w->out);
	buf_fini(&w->words);
	free(w);
}

static void reap(struct worker *w)
{
	/* it has closed its socket: whatever it is doing, it is done; one that
	 * is ending keeps the status that it chose */
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &w->status, 0) < 0 && errno == EINTR)
		continue;
}

static void tell_ending(const struct worker *w, struct ending *e)
{
	ending_tell(e, w->status, w->is_late, buf_view(&w->words));
	if (w->nonsense[0]) {
		snprintf(e->text, sizeof(e->text),
			"made the parser answer nonsense: %.200s", w->nonsense);
		e->is_blameless = false;
	} else if (w->pool->o.isolation == WORKER_MESSAGE && !w->is_late) {
		/* a forker sees no mail, so no mail ends it */
		e->is_blameless = true;
	}
}

/* Tells of a worker that ended without a job to blame. */
static void tell_idle_end(const struct worker *w, const struct ending *e)
{
	bool was_asked = w->is_unwanted || (w->is_shut && w->status == 0);

	if (!w->was_ready && !w->is_unwanted)
		note_failed_start(
			w->pool, w->nonsense[0] ? w->nonsense : e->text);
	else if (!was_asked)
		log_event(LOG_WARN, "worker.fell", "pid=%d reason=\"%s\"",
			(int)w->pid, e->text);
}

static void bury(struct worker *w)
{
	struct worker_pool *p = w->pool;
	bool had_job = w->n_jobs > 0;
	struct ending e;

	w->state = FALLING; /* whatever it was: it takes no more jobs */
	reap(w);
	tell_ending(w, &e);
	take_back(w, 1);
	w->n_jobs = 0;
	if (had_job)
		blame(w, w->jobs[0], &e, p->o.isolation == WORKER_BATCH,
			buf_view(&w->words));
	else
		tell_idle_end(w, &e);
	free_worker(w);
	fill(p);
	dispatch(p);
}

static void on_io(struct loop_io *io, unsigned events, void *ctx)
{
	struct worker *w = ctx;
	struct worker_pool *p = w->pool;
	bool is_end = hear(w);

	if (is_end) {
		bury(w);
	} else {
		flush(w);
		shut_if_idle(w);
		dispatch(p);
	}
}

/* Takes back what waits behind a slow job, but for one that is half sent. */
static void let_others_pass(struct worker *w)
{
	bool is_half = w->out_at < w->out.len;

	take_back(w, MAX(w->n_begun, 1));
	w->n_jobs = MAX(w->n_begun, 1);
	if (!is_half && w->n_begun > 1)
		take_back(w, 1);
	dispatch(w->pool);
}

static void on_timer(void *ctx)
{
	struct worker *w = ctx;
	uint64_t id = w->n_jobs ? w->ids[0] : 0;

	/* we may be the one who is late: its answer could lie there */
	hear(w);
	if (w->state == FALLING || (w->n_jobs ? w->ids[0] : 0) != id ||
		(w->state == READY && !w->n_jobs)) {
		loop_timer_set(w->pool->kicker, 0);
		return;
	}
	if (w->n_jobs && !w->is_slow) {
		w->is_slow = true;
		loop_timer_set(w->timer, limit_ms(w) - SLOW_MS);
		if (w->pool->o.workers > 1)
			let_others_pass(w);
		return;
	}
	w->is_late = true;
	if (w->state == STARTING)
		snprintf(w->nonsense, sizeof(w->nonsense),
			"not ready after %d s", START_MS / 1000);
	fell(w);
}

/* --- the pool --- */

void frame_put_setup(struct buf *b, unsigned isolation,
	const struct worker_options *o, const struct worker_rules *rules)
{
	size_t at = frame_begin(b, FRAME_SETUP);

	wire_u8(b, (uint8_t)isolation);
	wire_u64(b, (uint64_t)o->time_ms);
	wire_u64(b, o->memory);
	rules_put(b, rules);
	frame_end(b, at);
	must(!buf_is_over(b)); /* the caller keeps WORKER_RULES_MAX */
}

static void make_setup(struct worker_pool *p, const struct worker_rules *rules)
{
	buf_clear(&p->setup);
	frame_put_setup(&p->setup, p->o.isolation, &p->o, rules);
}

int worker_pool_new(struct loop *loop, const struct worker_options *o,
	const struct worker_rules *rules, struct worker_pool **out,
	struct err *err)
{
	struct worker_pool *p = NEW(struct worker_pool);

	must(o->workers > 0 && o->batch_max > 0 && o->time_ms > 0);
	p->loop = loop;
	p->o = *o;
	p->setup = BUF_INIT(FRAME_SETUP_MAX);
	list_init(&p->workers);
	p->last = &p->first;
	p->starter = loop_timer_new(loop, on_starter, p);
	p->kicker = loop_timer_new(loop, on_kicker, p);
	make_setup(p, rules);
	for (unsigned i = 0; i < o->workers; i++)
		if (start_worker(p, err) < 0) {
			worker_pool_free(p);
			return -1;
		}
	*out = p;
	return 0;
}

/* Gives a worker that is idle the chance to leave by itself. */
static void end_worker(struct worker *w)
{
	take_back(w, 0);
	w->n_jobs = 0;
	reap(w);
	free_worker(w);
}

void worker_pool_free(struct worker_pool *p)
{
	struct worker_job *job;

	if (!p)
		return;
	while (!list_is_empty(&p->workers))
		end_worker(LIST_FIRST(&p->workers, struct worker, link));
	loop_timer_free(p->starter);
	loop_timer_free(p->kicker);
	while ((job = take_first(p)))
		finish(job, WORKER_CANCELLED, "the service is ending");
	buf_fini(&p->setup);
	free(p);
}

void worker_pool_set_rules(
	struct worker_pool *p, const struct worker_rules *rules)
{
	struct list *l;

	make_setup(p, rules);
	list_each (l, &p->workers) {
		struct worker *w = CONTAINER(l, struct worker, link);
		if (w->state == READY)
			w->state = RETIRING;
		else if (w->state == STARTING) {
			w->is_unwanted = true;
			fell(w);
		}
	}
	loop_timer_set(p->kicker, 0);
}

unsigned worker_pool_idle(const struct worker_pool *p)
{
	size_t n = 0;
	struct list *l;

	list_each (l, &p->workers) {
		const struct worker *w = CONTAINER(l, struct worker, link);
		if (w->state == READY)
			n += WINDOW - w->n_jobs;
	}
	return (unsigned)(n > p->n_queued ? n - p->n_queued : 0);
}

void worker_submit(struct worker_pool *p, struct worker_job *job)
{
	job->plan = NULL;
	job->identity = job->message_id = job->subject = STR_NULL;
	job->references = NULL;
	job->n_references = 0;
	job->reason = STR_NULL;
	job->tries = 0;
	queue_last(p, job);
	if (is_broken(p))
		loop_timer_set(p->kicker, 0);
	else
		dispatch(p);
}
