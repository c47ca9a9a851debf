/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolver.c - asks the DNS by c-ares in the event loop, and keeps answers.
 *
 * An entry a question (type and name): it is queued, in flight, or known until
 * its time is over. Equal questions wait for one entry. Entries that are known
 * stand in the order of their last use, and the oldest go first when there are
 * too many or they are too large; so neither a flood of mails nor a domain with
 * endless names takes more than a fixed share of memory.
 *
 * Times: an answer is kept as long as the DNS says, within bounds; one that
 * failed a few seconds, so that mails of a domain that is away do not wait for
 * it one after the other. c-ares tries again by itself, and a server that
 * answers slowly is not waited for longer than time_ms: then who asked is told
 * DNS_FAILED, and what comes late is still remembered.
 *
 * c-ares picks ids and ports and compares the question; what the packet says is
 * read by resolver_read().
 */
#include <ares.h>
#include <string.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/map.h>
#include <mailmill/resolver.h>

#include "resolver_read.h"

#define KEPT_MAX 20000 /* answers */
#define KEPT_BYTES_MAX ((size_t)16 << 20)
#define IN_FLIGHT_MAX 200
#define QUEUED_MAX 20000
#define SOCKETS_MAX 64
#define TTL_MIN_S 10
#define TTL_MAX_S 3600
#define TTL_NEGATIVE_MAX_S 600
#define TTL_FAILED_S 5
#define TIME_MS 10000
#define TRY_MS 1500 /* the first; c-ares doubles it */
#define TRIES 3
#define EDNS_BYTES 1232
#define CLASS_IN 1 /* RFC 1035 3.2.4 */

enum state {
	STATE_QUEUED,
	STATE_ASKED,
	STATE_LATE, /* in flight, but nobody waits any more */
	STATE_KNOWN,
};

struct entry {
	struct resolver *resolver;
	struct list link; /* in the list of its state */
	struct list asks; /* who waits */
	enum state state;
	enum dns_type type;
	struct str name;	  /* heap */
	struct dns_answer answer; /* heap */
	size_t size;
	int64_t until; /* mono ms: to give up, or to forget */
	bool is_ready; /* asks are to be told */
};

struct watch {
	int fd;
	struct loop_io *io;
};

struct resolver {
	struct loop *loop;
	ares_channel channel;
	bool has_library, has_channel, is_ending;
	int64_t time_ms;
	struct map *entries;
	struct list known; /* by last use */
	struct list asked; /* STATE_ASKED, by time to give up */
	struct list late;
	struct list queued;
	struct list ready; /* with asks to be told; none is in another list */
	bool is_telling;
	struct watch watches[SOCKETS_MAX];
	struct loop_timer *timer;
	struct resolver_stats stats;
	unsigned n_queued;
};

static void move(struct entry *e, struct list *to)
{
	list_del(&e->link);
	list_add(to, &e->link);
}

/*
 * Entries
 */

/* One letter for the type, then the name. */
static struct str make_key(
	char *out, size_t size, enum dns_type type, struct str name)
{
	must(name.len && name.len < size);
	out[0] = (char)('0' + (int)type);
	memcpy(out + 1, name.p, name.len);
	return str_n(out, name.len + 1);
}

#define KEY_MAX (DNS_NAME_MAX + 2)

static void free_answer(struct entry *e)
{
	struct resolver *r = e->resolver;

	for (size_t i = 0; i < e->answer.n_records; i++)
		free((void *)(uintptr_t)e->answer.records[i].p);
	free(e->answer.records);
	e->answer = (struct dns_answer){ .status = DNS_FAILED };
	r->stats.n_kept_bytes -= e->size;
	e->size = 0;
}

static void free_entry(struct entry *e)
{
	char key[KEY_MAX];
	struct resolver *r = e->resolver;

	must(list_is_empty(&e->asks));
	if (e->state == STATE_KNOWN)
		r->stats.n_kept--;
	free_answer(e);
	list_del(&e->link);
	map_del(r->entries, make_key(key, sizeof(key), e->type, e->name));
	free((void *)(uintptr_t)e->name.p);
	free(e);
}

static struct entry *find_entry(
	struct resolver *r, enum dns_type type, struct str name)
{
	char key[KEY_MAX];

	return map_get(r->entries, make_key(key, sizeof(key), type, name));
}

static struct entry *make_entry(
	struct resolver *r, enum dns_type type, struct str name)
{
	char key[KEY_MAX];
	struct entry *e = NEW(struct entry);

	e->resolver = r;
	e->type = type;
	e->name = str_n(str_dup(name), name.len);
	list_init(&e->link);
	list_init(&e->asks);
	e->state = STATE_QUEUED;
	list_add(&r->queued, &e->link);
	r->n_queued++;
	map_set(r->entries, make_key(key, sizeof(key), type, name), e);
	return e;
}

/* Forgets what was used longest ago, until the rest is few and small. */
static void forget_some(struct resolver *r)
{
	while (r->stats.n_kept > KEPT_MAX ||
		r->stats.n_kept_bytes > KEPT_BYTES_MAX) {
		struct entry *e = LIST_FIRST(&r->known, struct entry, link);
		if (!e)
			return;
		free_entry(e);
	}
}

static void keep_answer(struct entry *e, const struct dns_answer *answer)
{
	struct resolver *r = e->resolver;
	size_t n = answer->n_records;

	free_answer(e);
	e->size = sizeof(*e) + 2 * e->name.len + n * sizeof(struct str);
	e->answer.status = answer->status;
	e->answer.n_records = n;
	e->answer.records = n ? mem_array(n, sizeof(struct str)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct str s = answer->records[i];
		e->answer.records[i] = str_n(str_dup(s), s.len);
		e->size += s.len + 1;
	}
	r->stats.n_kept_bytes += e->size;
}

/*
 * Telling: never from inside c-ares, and none while another is told
 */

static void tell_entry(struct entry *e)
{
	struct list asks;

	list_init(&asks);
	list_move_all(&asks, &e->asks);
	while (!list_is_empty(&asks)) {
		struct resolver_ask *ask = LIST_FIRST(
			&asks, struct resolver_ask, link);
		list_del(&ask->link);
		ask->done(ask, &e->answer);
	}
}

static void tell_ready(struct resolver *r)
{
	struct entry *e;

	if (r->is_telling)
		return;
	r->is_telling = true;
	while ((e = LIST_FIRST(&r->ready, struct entry, link))) {
		tell_entry(e);
		move(e, e->state == STATE_LATE ? &r->late : &r->known);
	}
	r->is_telling = false;
	forget_some(r);
}

/*
 * c-ares
 */

static void set_timer(struct resolver *r)
{
	struct entry *first = LIST_FIRST(&r->asked, struct entry, link);
	struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);
	int64_t ms = next ? tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1 : -1;

	if (first) {
		int64_t left = MAX(first->until - clock_mono_ms(), 0);
		ms = ms < 0 ? left : MIN(ms, left);
	}
	if (ms < 0)
		loop_timer_stop(r->timer);
	else
		loop_timer_set(r->timer, ms);
}

static uint32_t bound_ttl(const struct dns_answer *answer, uint32_t ttl)
{
	uint32_t max = answer->status == DNS_FOUND ? TTL_MAX_S
						   : TTL_NEGATIVE_MAX_S;

	if (answer->status == DNS_FAILED)
		return TTL_FAILED_S;
	return MIN(MAX(ttl, (uint32_t)TTL_MIN_S), max);
}

static void on_reply(
	void *arg, int status, int timeouts, unsigned char *packet, int len)
{
	AUTO(arena) struct arena *a = NULL;
	struct entry *e = arg;
	struct resolver *r = e->resolver;
	struct dns_answer answer = { .status = DNS_FAILED };
	uint32_t ttl = 0;

	(void)timeouts;
	if (r->is_ending)
		return;
	a = arena_new();
	if ((status == ARES_SUCCESS || status == ARES_ENODATA ||
		    status == ARES_ENOTFOUND) &&
		packet &&
		resolver_read(a, e->type, e->name,
			str_n((char *)packet, (size_t)len), &answer, &ttl) < 0)
		answer = (struct dns_answer){ .status = DNS_FAILED };
	r->stats.n_failed += answer.status == DNS_FAILED;
	r->stats.n_in_flight--;
	r->stats.n_kept++;
	e->state = STATE_KNOWN;
	keep_answer(e, &answer);
	e->until = clock_mono_ms() + 1000 * (int64_t)bound_ttl(&answer, ttl);
	move(e, &r->ready);
}

/* c-ares reads "\" as the beginning of an escape. */
static void escape_name(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '\\')
			(void)buf_byte(b, '\\');
		(void)buf_byte(b, (unsigned char)name.p[i]);
	}
}

static void send_queued(struct resolver *r)
{
	struct entry *e;

	while (r->stats.n_in_flight < IN_FLIGHT_MAX &&
		(e = LIST_FIRST(&r->queued, struct entry, link))) {
		AUTO(buf) struct buf b = BUF_INIT(2 * DNS_NAME_MAX);

		escape_name(&b, e->name);
		r->n_queued--;
		r->stats.n_in_flight++;
		r->stats.n_asked++;
		e->state = STATE_ASKED;
		e->until = clock_mono_ms() + r->time_ms;
		move(e, &r->asked);
		/* may call on_reply() at once */
		ares_query(
			r->channel, b.p, CLASS_IN, (int)e->type, on_reply, e);
	}
}

/* Goes on after anything that may have changed the state of entries. */
static void go_on(struct resolver *r)
{
	send_queued(r);
	tell_ready(r);
	set_timer(r);
}

static void on_io(struct loop_io *io, unsigned events, void *ctx)
{
	struct resolver *r = ctx;
	int fd = -1;

	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (r->watches[i].io == io)
			fd = r->watches[i].fd;
	if (fd < 0)
		return;
	ares_process_fd(r->channel,
		events & (LOOP_READ | LOOP_HANGUP) ? fd : ARES_SOCKET_BAD,
		events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
	go_on(r);
}

static void give_up_late(struct resolver *r)
{
	int64_t now = clock_mono_ms();
	struct entry *e;

	while ((e = LIST_FIRST(&r->asked, struct entry, link)) &&
		e->until <= now) {
		e->state = STATE_LATE;
		e->answer.status = DNS_FAILED;
		move(e, &r->ready);
	}
}

static void on_timer(void *ctx)
{
	struct resolver *r = ctx;

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	give_up_late(r);
	go_on(r);
}

static struct watch *find_watch(struct resolver *r, int fd)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (r->watches[i].io && r->watches[i].fd == fd)
			return &r->watches[i];
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (!r->watches[i].io)
			return &r->watches[i];
	return NULL;
}

static void on_socket(void *ctx, ares_socket_t fd, int reads, int writes)
{
	struct resolver *r = ctx;
	struct watch *w = find_watch(r, fd);
	unsigned events = (reads ? LOOP_READ : 0) | (writes ? LOOP_WRITE : 0);

	if (!w) /* one more than we watch: its questions time out */
		return;
	if (!events) {
		loop_io_free(TAKE(w->io));
	} else if (w->io) {
		loop_io_watch(w->io, events);
	} else {
		w->fd = fd;
		w->io = loop_io_new(r->loop, fd, events, on_io, r);
	}
}

/*
 * Begin and end
 */

static int set_servers(
	struct resolver *r, const struct resolver_options *o, struct err *err)
{
	AUTO(buf) struct buf b = BUF_INIT(4096);
	int rc;

	if (!o->n_servers)
		return 0;
	for (size_t i = 0; i < o->n_servers; i++)
		(void)buf_printf(&b, "%s%s", i ? "," : "", o->servers[i]);
	rc = ares_set_servers_ports_csv(r->channel, b.p);
	if (rc == ARES_SUCCESS)
		return 0;
	return err_set(err, ERR_CONF,
		"resolver: expected addresses like \"127.0.0.1:53\", found "
		"\"%s\"",
		b.p);
}

static int open_channel(struct resolver *r, struct err *err)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 ARES_FLAG_EDNS,
		.timeout = TRY_MS,
		.tries = TRIES,
		.ednspsz = EDNS_BYTES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = r,
	};
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	if (rc == ARES_SUCCESS) {
		r->has_library = true;
		rc = ares_init_options(&r->channel, &o,
			ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
	}
	if (rc != ARES_SUCCESS)
		return err_set(
			err, ERR_CONF, "resolver: %s", ares_strerror(rc));
	r->has_channel = true;
	return 0;
}

int resolver_new(struct loop *loop, const struct resolver_options *o,
	struct resolver **out, struct err *err)
{
	AUTO(resolver) struct resolver *r = NEW(struct resolver);

	r->loop = loop;
	r->time_ms = o->time_ms ? o->time_ms : TIME_MS;
	r->entries = map_new();
	list_init(&r->known);
	list_init(&r->asked);
	list_init(&r->late);
	list_init(&r->queued);
	list_init(&r->ready);
	r->timer = loop_timer_new(loop, on_timer, r);
	if (open_channel(r, err) < 0 || set_servers(r, o, err) < 0)
		return -1;
	*out = TAKE(r);
	return 0;
}

void resolver_free(struct resolver *r)
{
	struct str key;
	size_t at = 0;
	void *value;

	if (!r)
		return;
	r->is_ending = true;
	if (r->has_channel)
		ares_destroy(r->channel);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		loop_io_free(r->watches[i].io);
	while (map_next(r->entries, &at, &key, &value)) {
		struct entry *e = value;
		list_init(&e->asks);
		free_entry(e);
	}
	if (r->has_library)
		ares_library_cleanup();
	map_free(r->entries);
	loop_timer_free(r->timer);
	free(r);
}

/*
 * Asking
 */

static void fail_ask(struct resolver *r, struct resolver_ask *ask)
{
	const struct dns_answer failed = { .status = DNS_FAILED };

	r->stats.n_failed++;
	ask->done(ask, &failed);
}

/* The entry stays while it is lent, since nothing is forgotten meanwhile. */
static void tell_known(struct entry *e, struct resolver_ask *ask)
{
	struct resolver *r = e->resolver;
	bool was_telling = r->is_telling;

	r->stats.n_cached++;
	if (!was_telling)
		move(e, &r->known);
	r->is_telling = true;
	ask->done(ask, &e->answer);
	r->is_telling = was_telling;
	tell_ready(r);
}

void resolver_ask(struct resolver *r, struct resolver_ask *ask)
{
	struct entry *e;

	list_init(&ask->link);
	if (!ask->name.len || ask->name.len > DNS_NAME_MAX) {
		fail_ask(r, ask);
		return;
	}
	e = find_entry(r, ask->type, ask->name);
	/* one that is being told is known to be fresh, and must not go now */
	if (e && e->state == STATE_KNOWN && !r->is_telling &&
		e->until <= clock_mono_ms()) {
		free_entry(e);
		e = NULL;
	}
	if (e && e->state == STATE_KNOWN && list_is_empty(&e->asks)) {
		tell_known(e, ask);
		return;
	}
	if ((e && e->state == STATE_LATE) ||
		(!e && r->n_queued >= QUEUED_MAX)) {
		fail_ask(r, ask);
		return;
	}
	if (!e)
		e = make_entry(r, ask->type, ask->name);
	list_add(&e->asks, &ask->link);
	go_on(r);
}

void resolver_stats(const struct resolver *r, struct resolver_stats *out)
{
	*out = r->stats;
}
