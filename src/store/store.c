/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store.c - the front of all databases: the writer's thread, limits, time.
 *
 * Writing. Callers append to lists under one lock. The writer takes all
 * that is there (up to a bound on bytes and jobs), runs it in one transaction,
 * commits, and then tells everyone. While it syncs, the next group gathers: an
 * idle system commits at once, a busy one shares syncs, and no timer is needed.
 *
 * When a job fails, the transaction is rolled back, that job gets its error,
 * and the others are done again one by one; so they are when the commit fails.
 * Nobody is told success before a commit that held his job returned.
 *
 * Time. Due times must bear that an admin sets the clock back: a queue whose
 * items are due "in an hour" because the clock jumped by one would stall. So
 * due times are kept in the store's own time: wall time plus a skew, which
 * grows by each step back, so that the store's time never goes back. Callers
 * see wall time only.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include <mailmill/clock.h>
#include <mailmill/fault.h>
#include <mailmill/file.h>
#include <mailmill/log.h>
#include <mailmill/proc.h>
#include <mailmill/store.h>

#include "driver.h"

#define BODY_MEMORY_MAX ((uint64_t)1 << 20)
/* bytes of bodies in one transaction, and in one put that goes alone */
#define BATCH_BYTES_MAX ((uint64_t)16 << 20)
#define BULK_LEAST ((uint64_t)1 << 20)
#define DISK_LOOK_MS 1000
/* a smaller step back of the clock is not worth a skew */
#define STEP_LEAST_MS 1000
/* no retry, and no lease, lies further ahead */
#define DUE_FAR_MS (30 * STORE_DAY_MS)

static const struct store_driver *const drivers[] = {
	&store_sqlite,
	&store_memory,
};

static const char *const state_names[STORE_N_STATES] = {
	[STORE_QUEUED] = "queued",
	[STORE_CLAIMED] = "claimed",
	[STORE_RETRY] = "retry",
	[STORE_HELD] = "held",
	[STORE_DONE] = "done",
	[STORE_DEAD] = "dead",
	[STORE_DROPPED] = "dropped",
};

const char *store_state_name(enum store_state state)
{
	must(state < STORE_N_STATES);
	return state_names[state];
}

int store_state_parse(struct str name, enum store_state *out)
{
	for (size_t i = 0; i < STORE_N_STATES; i++) {
		if (!str_eq(name, str_c(state_names[i])))
			continue;
		*out = (enum store_state)i;
		return 0;
	}
	return -1;
}

/* --- time ----------------------------------------------------------------- */

int64_t store_tick(struct store *s, int64_t wall)
{
	int64_t mono = clock_mono_ms();
	int64_t expected = s->tick + (mono - s->tick_mono);
	int64_t tick = wall + s->skew;

	if (tick < expected - STEP_LEAST_MS) {
		s->skew += expected - tick;
		tick = expected;
	}
	if (tick > s->tick) {
		s->tick = tick;
		s->tick_mono = mono;
	}
	return tick;
}

int64_t store_due(struct store *s, int64_t wall)
{
	return MIN(wall + s->skew, s->tick + DUE_FAR_MS);
}

int64_t store_wall(struct store *s, int64_t tick)
{
	return tick ? tick - s->skew : 0;
}

/* --- what drivers share --------------------------------------------------- */

static const struct {
	const char *past;
	enum store_state to;
	unsigned from;
} orders[] = {
	[STORE_DO_RETRY] = { "retried", STORE_QUEUED,
		STORE_BIT(STORE_RETRY) | STORE_BIT(STORE_DEAD) |
			STORE_BIT(STORE_HELD) | STORE_BIT(STORE_DROPPED) },
	[STORE_DO_DROP] = { "dropped", STORE_DROPPED,
		STORE_BIT(STORE_QUEUED) | STORE_BIT(STORE_RETRY) |
			STORE_BIT(STORE_HELD) | STORE_BIT(STORE_DEAD) },
	[STORE_DO_RELEASE] = { "released", STORE_QUEUED,
		STORE_BIT(STORE_HELD) },
};

bool store_order_fits(
	enum store_order order, enum store_state from, enum store_state *to)
{
	*to = orders[order].to;
	return orders[order].from & STORE_BIT(from);
}

bool store_out_order_fits(
	enum store_order order, enum store_state from, enum store_state *to)
{
	return order != STORE_DO_RELEASE && from != STORE_HELD &&
	       store_order_fits(order, from, to);
}

char *store_order_text(struct arena *a, enum store_order order, struct str who)
{
	return arena_printf(a, "%s by %.*s", orders[order].past, STR_ARG(who));
}

int store_put_piece(const struct store_put *put, uint64_t n, char *room,
	struct str *out, struct err *err)
{
	uint64_t from = n * STORE_CHUNK_LEN;
	size_t len = (size_t)MIN(put->size - from, STORE_CHUNK_LEN);
	ssize_t got;

	if (put->body) {
		*out = str_n(put->body + from, len);
		return 0;
	}
	got = file_pread_all(put->fd, room, len, from);
	if (got < 0)
		return err_sys(err, "reading the spooled message");
	if ((size_t)got < len)
		return err_set(err, ERR_TEMP, "spooled message is too short");
	*out = str_n(room, len);
	return 0;
}

int store_body_begin(struct store *s, uint64_t size, struct err *err)
{
	if (size <= BODY_MEMORY_MAX)
		return file_memory("message", err);
	return file_temp(s->options.path, err);
}

static int reopen_to_read(int fd, struct err *err)
{
	char path[32];
	int again;

	/* a new description: the writable one is closed and nobody has it */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		err_sys(err, "cannot reopen the message's copy (%s)", path);
	close(fd);
	return again;
}

int store_body_end(int fd, uint64_t size, struct err *err)
{
	if (size > BODY_MEMORY_MAX)
		return reopen_to_read(fd, err);
	if (fcntl(fd, F_ADD_SEALS,
		    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) <
			0 ||
		lseek(fd, 0, SEEK_SET) < 0) {
		err_sys(err, "cannot seal the message's copy");
		close(fd);
		return -1;
	}
	return fd;
}

/* --- limits --------------------------------------------------------------- */

/* Looks at the disk once a second; between, counts what is put. */
static uint64_t look_at_disk(struct store *s, uint64_t taken)
{
	int64_t now = clock_mono_ms();
	struct statvfs st;
	uint64_t left;

	pthread_mutex_lock(&s->disk_lock);
	if (!s->disk_seen_at || now - s->disk_seen_at >= DISK_LOOK_MS) {
		if (statvfs(s->options.path, &st) == 0)
			s->disk_free = (uint64_t)st.f_bavail * st.f_frsize;
		s->disk_seen_at = now;
		s->disk_taken = 0;
	}
	s->disk_taken += taken;
	left = s->disk_free > s->disk_taken ? s->disk_free - s->disk_taken : 0;
	pthread_mutex_unlock(&s->disk_lock);
	return left;
}

static uint64_t count_waiting(struct store *s)
{
	int64_t n = s->n_by_state[STORE_QUEUED] + s->n_by_state[STORE_CLAIMED] +
		    s->n_by_state[STORE_RETRY];

	return (uint64_t)MAX(n, 0);
}

static int check_limits(struct store *s, uint64_t more, struct err *err)
{
	uint64_t left;

	if (s->options.is_readonly)
		return err_set(err, ERR_TEMP, "the store is open for reading");
	if (s->options.queue_max && count_waiting(s) >= s->options.queue_max)
		return err_set(err, ERR_TEMP,
			"queue is full: %llu deliveries wait",
			(unsigned long long)count_waiting(s));
	if (!s->options.reserve || !s->options.path)
		return 0;
	left = look_at_disk(s, more);
	if (left < s->options.reserve)
		return err_set(err, ERR_TEMP,
			"disk is full: %llu MiB are left of %s, the reserve is "
			"%llu MiB",
			(unsigned long long)(left >> 20), s->options.path,
			(unsigned long long)(s->options.reserve >> 20));
	return 0;
}

int store_ready(struct store *s, struct err *err)
{
	return check_limits(s, 0, err);
}

/* --- the writer ----------------------------------------------------------- */

/* A caller that waits: for a person's word, or a step of retention. */
struct store_wait {
	const struct store_word *word; /* NULL: sweep */
	int64_t now;
	int outcome;
	bool is_over;
	struct err err;
	struct store_wait *next;
};

struct job;

/* One kind of job; they run in the order of this table. */
struct job_kind {
	const char *fault;
	int (*run)(struct store *s, struct job *j, struct err *err);
	void (*tell)(struct store *s, struct job *j);
};

struct job {
	const struct job_kind *kind;
	void *what;
	int outcome;
	struct err *err; /* NULL until it failed */
};

struct batch {
	struct store *store;
	struct job *jobs;
	size_t n, n_room;
	uint64_t bytes;
	bool was_bulk; /* the last one was a large put */
};

static const struct err *reason_of(const struct job *j)
{
	static const struct err none;

	return j->err ? j->err : &none;
}

static int run_put(struct store *s, struct job *j, struct err *err)
{
	struct store_put *put = j->what;

	if (check_limits(s, put->size, err) < 0)
		return -1;
	return s->driver->put(s, put, err);
}

static void tell_put(struct store *s UNUSED, struct job *j)
{
	struct store_put *put = j->what;

	/* whatever ails us is no reason to bounce a mail */
	if (j->err && j->err->kind == ERR_CONF)
		j->err->kind = ERR_TEMP;
	put->done(put, j->outcome, reason_of(j));
}

static int run_claim(struct store *s, struct job *j, struct err *err)
{
	struct store_claim *claim = j->what;

	claim->n_items = 0;
	claim->items = NULL;
	claim->next_due = 0;
	return s->driver->claim(s, claim, err);
}

static void tell_claim(struct store *s UNUSED, struct job *j)
{
	struct store_claim *claim = j->what;

	if (j->outcome < 0)
		claim->n_items = 0;
	claim->done(claim, reason_of(j));
}

static int run_finish(struct store *s, struct job *j, struct err *err)
{
	return s->driver->finish(s, j->what, err);
}

static void tell_finish(struct store *s UNUSED, struct job *j)
{
	struct store_finish *f = j->what;

	f->done(f, reason_of(j));
}

static int run_wait(struct store *s, struct job *j, struct err *err)
{
	struct store_wait *w = j->what;

	if (w->word && w->word->is_out)
		return s->driver->out_order(s, w->word, err);
	if (w->word)
		return s->driver->order(s, w->word, err);
	return s->driver->sweep(s, w->now, err);
}

static void tell_wait(struct store *s, struct job *j)
{
	struct store_wait *w = j->what;

	pthread_mutex_lock(&s->lock);
	w->outcome = j->outcome;
	w->err = *reason_of(j);
	w->is_over = true;
	pthread_cond_broadcast(&s->over);
	pthread_mutex_unlock(&s->lock);
}

static int run_out_claim(struct store *s, struct job *j, struct err *err)
{
	struct store_out_claim *claim = j->what;

	claim->n_items = 0;
	claim->items = NULL;
	claim->next_due = 0;
	return s->driver->out_claim(s, claim, err);
}

static void tell_out_claim(struct store *s UNUSED, struct job *j)
{
	struct store_out_claim *claim = j->what;

	if (j->outcome < 0)
		claim->n_items = 0;
	claim->done(claim, reason_of(j));
}

static int run_out_finish(struct store *s, struct job *j, struct err *err)
{
	return s->driver->out_finish(s, j->what, err);
}

static void tell_out_finish(struct store *s UNUSED, struct job *j)
{
	struct store_out_finish *f = j->what;

	f->done(f, reason_of(j));
}

static const struct job_kind a_put = { "store.put", run_put, tell_put };
static const struct job_kind a_claim = { "store.claim", run_claim, tell_claim };
static const struct job_kind a_finish = { "store.finish", run_finish,
	tell_finish };
static const struct job_kind an_out_claim = { "store.out.claim", run_out_claim,
	tell_out_claim };
static const struct job_kind an_out_finish = { "store.out.finish",
	run_out_finish, tell_out_finish };
static const struct job_kind a_wait = { "store.word", run_wait, tell_wait };

static void fail_job(struct job *j, const struct err *err)
{
	j->outcome = -1;
	if (!j->err)
		j->err = NEW(struct err);
	*j->err = *err;
}

static int run_job(struct store *s, struct job *j, struct err *err)
{
	if (fault_point(j->kind->fault))
		return err_set(
			err, ERR_TEMP, "told to fail at %s", j->kind->fault);
	j->outcome = j->kind->run(s, j, err);
	return j->outcome < 0 ? -1 : 0;
}

/*
 * Runs jobs in one transaction. Returns: 0; or -1 with *err after a rollback,
 * *bad being the job that failed, or NULL when it was begin or commit.
 */
static int run_together(struct store *s, struct job *jobs, size_t n,
	struct job **bad, struct err *err)
{
	*bad = NULL;
	if (s->driver->begin(s, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (run_job(s, &jobs[i], err) == 0)
			continue;
		*bad = &jobs[i];
		s->driver->rollback(s);
		return -1;
	}
	if (s->driver->commit(s, err) == 0)
		return 0;
	s->driver->rollback(s);
	return -1;
}

static void run_singly(struct store *s, struct job *jobs, size_t n)
{
	struct err err = { 0 };
	struct job *bad;

	for (size_t i = 0; i < n; i++)
		if (!jobs[i].err && run_together(s, &jobs[i], 1, &bad, &err))
			fail_job(&jobs[i], &err);
}

static void run_batch(struct store *s, struct job *jobs, size_t n)
{
	struct err err = { 0 };
	struct job *bad;

	if (run_together(s, jobs, n, &bad, &err) == 0)
		return;
	if (n == 1)
		bad = &jobs[0];
	if (bad)
		fail_job(bad, &err);
	if (n > 1)
		run_singly(s, jobs, n);
}

static void add_job(struct batch *b, const struct job_kind *kind, void *what)
{
	if (b->n == b->n_room) {
		b->n_room = MAX(64, b->n_room * 2);
		b->jobs = mem_resize(b->jobs, b->n_room * sizeof(*b->jobs));
	}
	b->jobs[b->n++] = (struct job){ .kind = kind, .what = what };
}

/* Takes from a list while the batch has room. */
#define TAKE_LIST(b, s, list, kind, cost)                                      \
	while ((s)->list && (b)->n < (s)->driver->batch_max &&                 \
		(b)->bytes < BATCH_BYTES_MAX) {                                \
		(b)->bytes += (cost);                                          \
		add_job((b), (kind), (s)->list);                               \
		(s)->list = (s)->list->next;                                   \
		if (!(s)->list)                                                \
			(s)->list##_end = &(s)->list;                          \
	}

/*
 * A large put takes its time, so it goes alone, and by turns with all else:
 * small mails wait for one of them at most, and none of them waits for ever.
 */
static bool take_bulk(struct batch *b)
{
	struct store *s = b->store;
	bool has_others = s->finishes || s->waits || s->puts || s->claims ||
			  s->out_finishes || s->out_claims;

	if (!s->bulk || (b->was_bulk && has_others))
		return false;
	add_job(b, &a_put, s->bulk);
	s->bulk = s->bulk->next;
	if (!s->bulk)
		s->bulk_end = &s->bulk;
	return true;
}

/* Finishes go first: they free what waits; claims last: they see the puts. */
static void take_jobs(struct batch *b)
{
	struct store *s = b->store;

	b->n = 0;
	b->bytes = 0;
	b->was_bulk = take_bulk(b);
	if (b->was_bulk)
		return;
	TAKE_LIST(b, s, finishes, &a_finish, s->finishes->journal.len);
	TAKE_LIST(b, s, out_finishes, &an_out_finish, 0);
	TAKE_LIST(b, s, waits, &a_wait, 0);
	TAKE_LIST(b, s, puts, &a_put, s->puts->size);
	TAKE_LIST(b, s, claims, &a_claim, 0);
	TAKE_LIST(b, s, out_claims, &an_out_claim, 0);
}

static void tell_all(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct err *err = b->jobs[i].err;
		/* after tell() the job's struct is the caller's again */
		b->jobs[i].kind->tell(b->store, &b->jobs[i]);
		free(err);
	}
}

static bool wait_for_jobs(struct batch *b)
{
	struct store *s = b->store;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		take_jobs(b);
		if (b->n || s->is_stopping)
			break;
		pthread_cond_wait(&s->more, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return b->n > 0;
}

static void *write_all(void *ctx)
{
	struct batch b = { .store = ctx };

	while (wait_for_jobs(&b)) {
		run_batch(b.store, b.jobs, b.n);
		tell_all(&b);
		if (b.store->driver->rest)
			b.store->driver->rest(b.store);
	}
	free(b.jobs);
	return NULL;
}

static int start_writer(struct store *s, struct err *err)
{
	sigset_t all, before;
	int code;

	/* signals are for the main thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	code = pthread_create(&s->writer, NULL, write_all, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (code == 0)
		return 0;
	errno = code;
	return err_sys(err, "cannot start the store's writer");
}

/* --- opening and closing -------------------------------------------------- */

static const struct store_driver *find_driver(const char *name)
{
	for (size_t i = 0; i < COUNT(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

static void init_shared(struct store *s, const struct store_options *o)
{
	s->options = *o;
	s->options.path = mem_strdup(o->path);
	if (s->options.keep_bytes_ms > s->options.keep_journal_ms)
		s->options.keep_bytes_ms = s->options.keep_journal_ms;
	s->puts_end = &s->puts;
	s->bulk_end = &s->bulk;
	s->claims_end = &s->claims;
	s->finishes_end = &s->finishes;
	s->out_claims_end = &s->out_claims;
	s->out_finishes_end = &s->out_finishes;
	s->waits_end = &s->waits;
	s->tick_mono = clock_mono_ms();
	store_tick(s, clock_wall_ms());
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->disk_lock, NULL);
	pthread_cond_init(&s->more, NULL);
	pthread_cond_init(&s->over, NULL);
}

static void fini_shared(struct store *s)
{
	char *path = (char *)(uintptr_t)s->options.path;

	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->disk_lock);
	pthread_cond_destroy(&s->more);
	pthread_cond_destroy(&s->over);
	s->driver->close(s);
	free(path);
}

int store_open(const char *driver, const struct store_options *o,
	struct store **out, struct err *err)
{
	const struct store_driver *d = find_driver(driver);
	struct store *s = NULL;

	if (!d)
		return err_set(err, ERR_CONF,
			"no store \"%s\"; there are sqlite and memory", driver);
	if (d->open(o, &s, err) < 0)
		return -1;
	s->driver = d;
	init_shared(s, o);
	if (!o->is_readonly && start_writer(s, err) < 0) {
		fini_shared(s);
		return -1;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (!s->options.is_readonly) {
		pthread_mutex_lock(&s->lock);
		s->is_stopping = true;
		pthread_cond_signal(&s->more);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->writer, NULL);
	}
	fini_shared(s);
}

int store_check(const char *driver, const struct store_options *o,
	void (*fn)(const char *fault, void *ctx), void *ctx, struct err *err)
{
	const struct store_driver *d = find_driver(driver);

	if (!d)
		return err_set(err, ERR_CONF, "no store \"%s\"", driver);
	return d->check ? d->check(o, fn, ctx, err) : 0;
}

/* --- handing over --------------------------------------------------------- */

#define HAND_OVER(s, list, item)                                               \
	do {                                                                   \
		(item)->next = NULL;                                           \
		pthread_mutex_lock(&(s)->lock);                                \
		*(s)->list##_end = (item);                                     \
		(s)->list##_end = &(item)->next;                               \
		pthread_cond_signal(&(s)->more);                               \
		pthread_mutex_unlock(&(s)->lock);                              \
	} while (0)

static bool refuse_writing(struct store *s, struct err *err)
{
	if (!s->options.is_readonly)
		return false;
	err_set(err, ERR_CONF, "the store is open for reading only");
	return true;
}

/* Recipients are kept one a line. */
static bool has_bad_rcpt(const struct store_put *put)
{
	for (size_t i = 0; i < put->n_routes; i++)
		for (size_t k = 0; k < put->routes[i].n_rcpts; k++)
			if (str_chr(put->routes[i].rcpts[k], '\n') >= 0 ||
				str_chr(put->routes[i].rcpts[k], 0) >= 0)
				return true;
	return false;
}

void store_put(struct store *s, struct store_put *put)
{
	struct err err = { 0 };

	must(put->n_routes > 0 && put->done);
	if (has_bad_rcpt(put))
		err_set(&err, ERR_PERM, "a recipient holds a line break");
	else if (!refuse_writing(s, &err)) {
		if (put->size > BULK_LEAST)
			HAND_OVER(s, bulk, put);
		else
			HAND_OVER(s, puts, put);
		return;
	}
	put->done(put, -1, &err);
}

void store_claim(struct store *s, struct store_claim *claim)
{
	struct err err = { 0 };

	must(claim->max > 0 && claim->arena && claim->done);
	if (!refuse_writing(s, &err)) {
		HAND_OVER(s, claims, claim);
		return;
	}
	claim->n_items = 0;
	claim->done(claim, &err);
}

void store_finish(struct store *s, struct store_finish *f)
{
	struct err err = { 0 };

	must(f->to < STORE_N_STATES && f->to != STORE_CLAIMED && f->done);
	if (!refuse_writing(s, &err)) {
		HAND_OVER(s, finishes, f);
		return;
	}
	f->done(f, &err);
}

void store_out_claim(struct store *s, struct store_out_claim *claim)
{
	struct err err = { 0 };

	must(claim->max > 0 && claim->arena && claim->done);
	if (!refuse_writing(s, &err)) {
		HAND_OVER(s, out_claims, claim);
		return;
	}
	claim->n_items = 0;
	claim->done(claim, &err);
}

void store_out_finish(struct store *s, struct store_out_finish *f)
{
	struct err err = { 0 };

	must(f->done);
	must(f->to == STORE_QUEUED || f->to == STORE_RETRY ||
		f->to == STORE_DONE || f->to == STORE_DEAD);
	if (!refuse_writing(s, &err)) {
		HAND_OVER(s, out_finishes, f);
		return;
	}
	f->done(f, &err);
}

static int wait_for(struct store *s, struct store_wait *w, struct err *err)
{
	if (refuse_writing(s, err))
		return -1;
	must(!pthread_equal(pthread_self(), s->writer));
	HAND_OVER(s, waits, w);
	pthread_mutex_lock(&s->lock);
	while (!w->is_over)
		pthread_cond_wait(&s->over, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (w->outcome < 0)
		*err = w->err;
	return w->outcome;
}

int store_order(struct store *s, int64_t id, enum store_order order,
	struct str who, struct err *err)
{
	struct store_word word = { .id = id, .order = order, .who = who };
	struct store_wait w = { .word = &word };

	must((size_t)order < COUNT(orders));
	return wait_for(s, &w, err);
}

int store_out_order(struct store *s, int64_t id, enum store_order order,
	struct str who, struct err *err)
{
	struct store_word word = {
		.id = id, .is_out = true, .order = order, .who = who
	};
	struct store_wait w = { .word = &word };

	must(order == STORE_DO_RETRY || order == STORE_DO_DROP);
	return wait_for(s, &w, err);
}

int store_sweep(struct store *s, int64_t now, struct err *err)
{
	struct store_wait w = { .now = now };

	return wait_for(s, &w, err);
}
