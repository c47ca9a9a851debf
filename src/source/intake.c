/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * intake.c - bytes on their way from a source to the store.
 *
 * A body lies in memory up to memory_max, then in an unlinked file. All bodies
 * together hold no more than ALL_MAX times that in memory: beyond it, each one
 * that grows goes to its file at once. So memory is bounded however many
 * messages come at a time, and however large they are.
 *
 * A message that is committed owns itself: it lives until the store has told
 * the outcome and done() was called, whatever became of its client. The store
 * tells it on its own thread; the message is put into a list under the lock and
 * an eventfd wakes the loop, once for a whole group commit. (The eventfd is
 * ours, not the loop's post, so that nothing of us is left in the loop when we
 * are freed.)
 */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/fault.h>
#include <mailmill/file.h>
#include <mailmill/intake.h>
#include <mailmill/log.h>

#define ALL_MAX 64 /* times memory_max: 16 MiB */
#define TRACE_NAME_MAX 255
#define TRACE_MAX 2048

struct intake_message {
	struct intake *in;
	struct id id;
	struct buf body;   /* unless fd is there */
	int fd;		   /* or -1 */
	uint64_t size;	   /* all bytes */
	uint64_t n_traced; /* of these, ours */

	/* from intake_commit() on */
	struct arena *arena;
	struct envelope env;
	struct store_put put;
	intake_done_fn done;
	void *ctx;
	int outcome;
	struct err err;
	struct intake_message *next; /* in in->first */
};

struct intake {
	struct store *store;
	struct intake_options o;
	char *spool_dir, *hostname;
	uint64_t memory; /* bytes that bodies hold */
	unsigned n_open; /* messages that were begun and not ended */
	int wake;
	struct loop_io *wake_io;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t is_told;
	unsigned n_putting; /* the store has not told of yet */
	struct intake_message *first, **last;
};

/* --- one message -----------------------------------------------------------
 */

struct intake_message *intake_begin(struct intake *in)
{
	struct intake_message *m = NEW(struct intake_message);

	m->in = in;
	m->id = id_new();
	m->fd = -1;
	m->body = BUF_INIT(in->o.memory_max);
	in->n_open++;
	return m;
}

static void drop_memory(struct intake_message *m)
{
	m->in->memory -= m->body.cap;
	buf_fini(&m->body);
}

static void free_message(struct intake_message *m)
{
	must(m->in->n_open > 0);
	m->in->n_open--;
	drop_memory(m);
	auto_fd(&m->fd);
	arena_free(m->arena);
	free(m);
}

void intake_abort(struct intake_message *m)
{
	if (m)
		free_message(m);
}

static int write_file(struct intake_message *m, struct str s, struct err *err)
{
	if (fault_point("intake.write"))
		errno = ENOSPC;
	else if (file_write_all(m->fd, s.p, s.len) == 0)
		return 0;
	err_sys(err, "cannot write the spool file");
	err->kind = ERR_TEMP;
	return -1;
}

/* Moves the body to a file. */
static int spill(struct intake_message *m, struct err *err)
{
	m->fd = file_temp(m->in->spool_dir, err);
	if (m->fd < 0 || write_file(m, buf_view(&m->body), err) < 0)
		return err_add(err, "spooling a message");
	drop_memory(m);
	return 0;
}

static int add_bytes(struct intake_message *m, struct str s, struct err *err)
{
	struct intake *in = m->in;
	uint64_t all_max = in->o.memory_max * ALL_MAX;

	if (m->fd < 0 && (m->body.len + s.len > in->o.memory_max ||
				 in->memory + s.len > all_max))
		if (spill(m, err) < 0)
			return -1;
	m->size += s.len;
	if (m->fd >= 0)
		return write_file(m, s, err);
	in->memory -= m->body.cap;
	buf_str(&m->body, s);
	in->memory += m->body.cap;
	return 0;
}

int intake_add(struct intake_message *m, struct str bytes, struct err *err)
{
	uint64_t size = m->size - m->n_traced + bytes.len;

	if (size > m->in->o.size_max)
		return err_set(err, ERR_PERM, "is larger than %llu bytes",
			(unsigned long long)m->in->o.size_max);
	return add_bytes(m, bytes, err);
}

/* --- the Received field ------------------------------------------------------
 */

/* Adds what a client says of itself: letters that mean nothing special here. */
static void add_clean(struct buf *out, struct str s)
{
	for (size_t i = 0; i < MIN(s.len, TRACE_NAME_MAX); i++) {
		char c = s.p[i];
		bool is_plain = (c >= '0' && c <= '9') ||
				(c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') ||
				(c && strchr(".-_:=+@[]", c));
		buf_byte(out, is_plain ? (unsigned char)c : '?');
	}
}

/* RFC 5322 section 3.3. */
static void add_date(struct buf *out, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct clock_civil c;

	clock_to_civil(wall_ms / 1000, &c);
	buf_printf(out, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
		days + 3 * c.weekday, c.day, months + 3 * (c.month - 1), c.year,
		c.hour, c.minute, c.second);
}

int intake_trace(
	struct intake_message *m, const struct envelope *env, struct err *err)
{
	AUTO(buf) struct buf b = BUF_INIT(TRACE_MAX);

	buf_c(&b, "Received: ");
	if (env->helo.len) {
		buf_c(&b, "from ");
		add_clean(&b, env->helo);
		buf_c(&b, " (");
		add_clean(&b, env->peer);
		buf_c(&b, ")\r\n\t");
	}
	buf_c(&b, "by ");
	add_clean(&b, str_c(m->in->hostname));
	buf_c(&b, " with ");
	add_clean(&b, env->protocol);
	buf_printf(&b, " id %s;\r\n\t", m->id.text);
	add_date(&b, clock_wall_ms());
	buf_c(&b, "\r\n");
	must(!buf_is_over(&b));
	m->n_traced += b.len;
	return add_bytes(m, buf_view(&b), err);
}

/* --- commit -------------------------------------------------------------- */

static void copy_envelope(
	struct arena *a, const struct envelope *from, struct envelope *to)
{
	*to = *from;
	to->sender = arena_str(a, from->sender);
	to->ret = arena_str(a, from->ret);
	to->envid = arena_str(a, from->envid);
	to->source = arena_str(a, from->source);
	to->peer = arena_str(a, from->peer);
	to->helo = arena_str(a, from->helo);
	to->login = arena_str(a, from->login);
	to->protocol = arena_str(a, from->protocol);
	to->rcpts = arena_array(a, from->n_rcpts, sizeof(*to->rcpts));
	for (size_t i = 0; i < from->n_rcpts; i++) {
		const struct envelope_rcpt *r = &from->rcpts[i];
		to->rcpts[i].address = arena_str(a, r->address);
		to->rcpts[i].notify = arena_str(a, r->notify);
		to->rcpts[i].orcpt = arena_str(a, r->orcpt);
	}
	if (!to->received_at)
		to->received_at = clock_wall_ms();
}

static bool has_rcpt(const struct store_put_route *r, struct str address)
{
	for (size_t i = 0; i < r->n_rcpts; i++)
		if (str_eq(r->rcpts[i], address))
			return true;
	return false;
}

static size_t find_group(
	struct store_put_route *groups, size_t n, struct str route)
{
	size_t i = 0;

	while (i < n && !str_eq(groups[i].route, route))
		i++;
	return i;
}

/*
 * Groups the recipients by route. Returns: 0, or -1 with *err when one has
 * none: the routes were changed since it was taken.
 */
static int group_rcpts(struct intake_message *m, struct err *err)
{
	const struct envelope *env = &m->env;
	struct store_put_route *groups = arena_array(
		m->arena, env->n_rcpts, sizeof(*groups));
	size_t n = 0;

	for (size_t i = 0; i < env->n_rcpts; i++) {
		struct str address = env->rcpts[i].address;
		const char *route = intake_route(m->in, address);
		struct store_put_route *g;
		if (!route)
			return err_set(err, ERR_TEMP,
				"no route takes %.*s any more",
				STR_ARG(address));
		g = &groups[find_group(groups, n, str_c(route))];
		if (g == &groups[n]) {
			g->route = arena_str(m->arena, str_c(route));
			n++;
		} else if (has_rcpt(g, address)) {
			continue;
		}
		/* grows by doubling, as powers of two are full */
		if ((g->n_rcpts & (g->n_rcpts - 1)) == 0)
			g->rcpts = arena_grow(m->arena, g->rcpts, g->n_rcpts,
				MAX(g->n_rcpts * 2, 1), sizeof(*g->rcpts));
		g->rcpts[g->n_rcpts++] = address;
	}
	m->put.routes = groups;
	m->put.n_routes = n;
	return 0;
}

/* Runs on any thread: hands the outcome over to the loop. */
static void tell(struct intake_message *m)
{
	struct intake *in = m->in;
	uint64_t one = 1;

	pthread_mutex_lock(&in->lock);
	if (!in->first)
		must(file_write_all(in->wake, &one, sizeof(one)) == 0);
	m->next = NULL;
	*in->last = m;
	in->last = &m->next;
	in->n_putting--;
	pthread_cond_signal(&in->is_told);
	pthread_mutex_unlock(&in->lock);
}

static void on_put(struct store_put *put, int outcome, const struct err *err)
{
	struct intake_message *m = put->ctx;

	m->outcome = outcome;
	if (outcome < 0)
		m->err = *err;
	tell(m);
}

void intake_commit(struct intake_message *m, const struct envelope *env,
	struct str once, intake_done_fn done, void *ctx)
{
	must(env->n_rcpts > 0);
	m->arena = arena_new();
	m->done = done;
	m->ctx = ctx;
	copy_envelope(m->arena, env, &m->env);
	m->put = (struct store_put){
		.id = m->id,
		.env = &m->env,
		.size = m->size,
		.body = m->fd >= 0  ? NULL
			: m->body.p ? m->body.p
				    : "",
		.fd = m->fd,
		.once = arena_str(m->arena, once),
		.done = on_put,
		.ctx = m,
	};
	pthread_mutex_lock(&m->in->lock);
	m->in->n_putting++;
	pthread_mutex_unlock(&m->in->lock);
	if (group_rcpts(m, &m->err) < 0) {
		m->outcome = -1;
		tell(m);
	} else if (fault_point("intake.commit")) {
		m->outcome = err_set(&m->err, ERR_TEMP, "asked to fail");
		tell(m);
	} else {
		store_put(m->in->store, &m->put);
	}
}

static void log_outcome(const struct intake_message *m)
{
	const struct envelope *env = &m->env;
	enum log_level level = m->outcome < 0 ? LOG_WARN : LOG_INFO;
	const char *event = m->outcome < 0	       ? "mail.refuse"
			    : m->outcome == STORE_SEEN ? "mail.seen"
						       : "mail.accept";
	struct str why = log_quoted(m->arena, str_c(m->err.text));

	if (!log_shows(level))
		return;
	log_event(level, event,
		"item=%s source=%.*s peer=%.*s from=<%.*s> to=<%.*s> rcpts=%zu "
		"size=%llu%s%s%s",
		m->id.text, STR_ARG(env->source),
		STR_ARG(log_address(m->arena, env->peer)),
		STR_ARG(log_address(m->arena, env->sender)),
		STR_ARG(log_address(m->arena, env->rcpts[0].address)),
		env->n_rcpts, (unsigned long long)m->size,
		m->outcome < 0 ? " error=\"" : "", m->outcome < 0 ? why.p : "",
		m->outcome < 0 ? "\"" : "");
}

static void end_message(struct intake_message *m)
{
	log_outcome(m);
	if (fault_point("intake.done") && m->outcome == 0)
		m->outcome = err_set(&m->err, ERR_TEMP, "asked to fail");
	m->done(m->ctx, m->outcome, &m->id, &m->err);
	free_message(m);
}

static void end_all_told(struct intake *in)
{
	struct intake_message *m, *next;
	bool is_stored = false;

	pthread_mutex_lock(&in->lock);
	m = in->first;
	in->first = NULL;
	in->last = &in->first;
	pthread_mutex_unlock(&in->lock);
	for (; m; m = next) {
		next = m->next;
		is_stored = is_stored || m->outcome == 0;
		end_message(m);
	}
	if (is_stored && in->o.stored)
		in->o.stored(in->o.stored_ctx);
}

static void on_wake(struct loop_io *io, unsigned events, void *ctx)
{
	struct intake *in = ctx;
	uint64_t count;

	must(read(in->wake, &count, sizeof(count)) == (ssize_t)sizeof(count));
	end_all_told(in);
	(void)io;
	(void)events;
}

/* --- the door --------------------------------------------------------------
 */

static char *find_hostname(void)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || !name[0])
		return mem_strdup("localhost");
	return mem_strdup(name);
}

struct intake *intake_new(
	struct loop *loop, struct store *store, const struct intake_options *o)
{
	struct intake *in = NEW(struct intake);

	must(o->route && o->memory_max);
	in->store = store;
	in->o = *o;
	in->spool_dir = mem_strdup(o->spool_dir);
	in->hostname = o->hostname ? mem_strdup(o->hostname) : find_hostname();
	in->last = &in->first;
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->is_told, NULL);
	in->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(in->wake >= 0);
	in->wake_io = loop_io_new(loop, in->wake, LOOP_READ, on_wake, in);
	return in;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	pthread_mutex_lock(&in->lock);
	while (in->n_putting)
		pthread_cond_wait(&in->is_told, &in->lock);
	pthread_mutex_unlock(&in->lock);
	in->o.stored = NULL; /* whoever is woken by it is ending too */
	end_all_told(in);
	must(in->n_open == 0);
	loop_io_free(in->wake_io);
	auto_fd(&in->wake);
	pthread_cond_destroy(&in->is_told);
	pthread_mutex_destroy(&in->lock);
	free(in->spool_dir);
	free(in->hostname);
	free(in);
}

void intake_set_route(struct intake *in, intake_route_fn route, void *ctx)
{
	in->o.route = route;
	in->o.ctx = ctx;
}

const char *intake_route(struct intake *in, struct str address)
{
	return in->o.route(address, in->o.ctx);
}

const char *intake_hostname(const struct intake *in)
{
	return in->hostname;
}

uint64_t intake_size_max(const struct intake *in)
{
	return in->o.size_max;
}

int intake_ready(struct intake *in, struct err *err)
{
	if (fault_point("intake.ready"))
		return err_set(err, ERR_TEMP, "asked to fail");
	return store_ready(in->store, err);
}
