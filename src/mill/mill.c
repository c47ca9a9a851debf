/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mill.c - the pipeline's frame: claims, works in flight, stop.
 *
 * A work is one claimed delivery. Its steps are functions that each end by
 * handing it to the worker pool, the target or the store, whose callback goes
 * on with the next step; so at any time a work is in one hand only:
 *
 *   claim -> evaluate -> [answer -> evaluate]... -> apply -> finish
 *
 * or it waits in a list for an earlier work (answer.c, apply.c). A crash
 * anywhere is mended by doing it all again: the store gives the claim back.
 */
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/log.h>

#include "mill_private.h"

#define TICK_MS 1000 /* looks for due work at least so often */
/* bodies that are copied before the loop has a turn */
#define BEGIN_BYTES_MAX ((uint64_t)4 << 20)

struct mill_claim {
	struct mill *mill;
	struct store_claim claim;
	struct arena *arena;
	struct err err;
	bool is_failed;
	size_t at; /* the next item to begin */
};

static void claim_more(struct mill *m);

static void on_tick(void *ctx)
{
	struct mill *m = ctx;

	m->is_more = true;
	claim_more(m);
	/* a claim sets it anew */
	if (!m->claim && !m->is_stopped)
		loop_timer_set(m->tick, TICK_MS);
}

struct mill *mill_new(struct loop *loop, struct store *store,
	struct worker_pool *pool, const struct mill_options *o)
{
	struct mill *m = NEW(struct mill);

	m->loop = loop;
	m->store = store;
	m->pool = pool;
	m->o = *o;
	m->by_identity = map_new();
	list_init(&m->works);
	list_init(&m->waiting);
	m->tick = loop_timer_new(loop, on_tick, m);
	m->outbox = mill_outbox_new(m);
	return m;
}

void mill_set_keys(struct mill *m, const struct token_keys *keys)
{
	m->keys = keys;
}

static void free_routes(struct mill *m)
{
	for (size_t i = 0; i < m->n_routes; i++) {
		free((char *)(uintptr_t)m->routes[i].name);
		free((char *)(uintptr_t)m->routes[i].script);
	}
	free(m->routes);
	free(m->rest_until);
	m->routes = NULL;
	m->rest_until = NULL;
	m->n_routes = 0;
}

static void free_work(struct work *w)
{
	if (w->fd >= 0)
		close(w->fd);
	loop_timer_free(w->again);
	arena_free(w->ask_arena);
	arena_free(w->arena);
}

void mill_free(struct mill *m)
{
	struct list *it, *tmp;

	if (!m)
		return;
	list_each_safe (it, tmp, &m->works) {
		struct work *w = CONTAINER(it, struct work, in_works);
		list_del(&w->in_works);
		free_work(w);
	}
	for (struct mill_target *t = m->targets, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	free_routes(m);
	mill_outbox_free(m->outbox);
	loop_timer_free(m->tick);
	map_free(m->by_identity);
	free(m);
}

static struct mill_target *target_state(struct mill *m, struct target *target)
{
	struct mill_target *t = m->targets;

	while (t && t->target != target)
		t = t->next;
	if (t)
		return t;
	t = NEW(struct mill_target);
	t->target = target;
	t->next = m->targets;
	m->targets = t;
	return t;
}

void mill_set_routes(
	struct mill *m, const struct mill_route *routes, size_t n_routes)
{
	struct mill_target *t;

	free_routes(m);
	m->routes = mem_array(n_routes, sizeof(*m->routes));
	m->rest_until = mem_array(n_routes, sizeof(*m->rest_until));
	m->n_routes = n_routes;
	m->n_live = 0;
	for (t = m->targets; t; t = t->next)
		t->is_live = false;
	for (size_t i = 0; i < n_routes; i++) {
		m->routes[i] = routes[i];
		m->routes[i].name = mem_strdup(routes[i].name);
		m->routes[i].script = mem_strdup(routes[i].script);
		t = target_state(m, routes[i].target);
		m->n_live += !t->is_live;
		t->is_live = true;
	}
	m->is_more = true;
}

const struct mill_route *mill_find_route(struct mill *m, struct str name)
{
	for (size_t i = 0; i < m->n_routes; i++)
		if (str_eq(name, str_c(m->routes[i].name)))
			return &m->routes[i];
	return NULL;
}

bool mill_is_same_target(const struct work *a, const struct work *b)
{
	return a->target && b->target &&
	       strcmp(a->target->target->name, b->target->target->name) == 0;
}

bool mill_rest_route(struct mill *m, struct str route, int64_t ms)
{
	const struct mill_route *r = mill_find_route(m, route);
	int64_t now = clock_mono_ms(), *until;
	bool was_resting;

	if (!r)
		return true;
	until = &m->rest_until[r - m->routes];
	was_resting = *until > now;
	*until = now + ms;
	return !was_resting;
}

/* Keeps the list sorted: nearly always the new one is the last. */
static void insert_work(struct mill *m, struct work *w)
{
	struct list *at = &m->works;

	while (at->prev != &m->works &&
		CONTAINER(at->prev, struct work, in_works)->d.id > w->d.id)
		at = at->prev;
	list_add(at, &w->in_works);
	m->n_works++;
}

static struct str *copy_strs(struct arena *a, const struct str *in, size_t n)
{
	struct str *out = arena_array(a, n, sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = arena_str(a, in[i]);
	return out;
}

/* The envelope that the rules see has the route's own recipients only. */
static void copy_envelope(struct work *w)
{
	struct envelope *e = &w->env;

	*e = w->d.env;
	e->n_rcpts = w->d.n_rcpts;
	e->rcpts = arena_array(w->arena, e->n_rcpts, sizeof(*e->rcpts));
	for (size_t i = 0; i < e->n_rcpts; i++) {
		e->rcpts[i].address = w->d.rcpts[i];
		for (size_t k = 0; k < w->d.env.n_rcpts; k++)
			if (str_eq(w->d.env.rcpts[k].address, w->d.rcpts[i]))
				e->rcpts[i] = w->d.env.rcpts[k];
	}
}

static void copy_delivery(struct work *w, const struct store_delivery *from)
{
	struct arena *a = w->arena;
	struct envelope *e = &w->d.env;
	AUTO(buf) struct buf wire = BUF_INIT(SIZE_MAX / 4);
	struct err err = { 0 };

	w->d = *from;
	w->d.route = arena_str(a, from->route);
	w->d.rcpts = copy_strs(a, from->rcpts, from->n_rcpts);
	w->d.identity = arena_str(a, from->identity);
	/* its wire form is the one thing that knows all of its strings */
	envelope_encode(&wire, &from->env);
	must(envelope_decode(a, arena_str(a, buf_view(&wire)), e, &err) == 0);
	copy_envelope(w);
}

struct work *mill_work_new(struct mill *m, const struct store_delivery *d)
{
	struct arena *a = arena_new();
	struct work *w = ARENA_NEW(a, struct work);
	const struct mill_route *route;

	w->mill = m;
	w->arena = a;
	w->fd = -1;
	list_init(&w->in_waiting);
	list_init(&w->waiters);
	copy_delivery(w, d);
	w->claimed_at = clock_mono_ms();
	w->facts.now = w->env.received_at;
	w->facts.route = w->d.route;
	route = mill_find_route(m, w->d.route);
	if (route) {
		struct mill_route *copy = ARENA_NEW(a, struct mill_route);
		*copy = *route;
		copy->name = arena_strdup(a, route->name);
		copy->script = arena_strdup(a, route->script);
		w->route = copy;
		w->target = target_state(m, route->target);
		w->target->n_works++;
	}
	insert_work(m, w);
	return w;
}

static void forget(struct work *w)
{
	struct mill *m = w->mill;

	if (w->twin_key.len && map_get(m->by_identity, w->twin_key) == w)
		map_del(m->by_identity, w->twin_key);
	list_del(&w->in_works);
	list_del(&w->in_waiting);
	m->n_works--;
	if (!w->target)
		return;
	/* its routes may have been left alone for this one's sake */
	m->is_more = m->is_more || mill_target_is_full(m, w->target);
	w->target->n_works--;
}

void mill_work_free(struct work *w)
{
	struct mill *m = w->mill;

	forget(w);
	list_move_all(&m->waiting, &w->waiters);
	free_work(w);
	mill_resume_all(m);
	claim_more(m);
}

/*
 * A work that outlives its lease is claimed again, by us: that renews the lease
 * and is no reason to do it twice at a time.
 */
static bool is_in_flight(struct mill *m, int64_t id)
{
	struct list *at = m->works.prev;

	while (at != &m->works &&
		CONTAINER(at, struct work, in_works)->d.id > id)
		at = at->prev;
	return at != &m->works &&
	       CONTAINER(at, struct work, in_works)->d.id == id;
}

static void begin_work(struct mill *m, const struct store_delivery *d)
{
	struct work *w;
	struct err err = { 0 };
	int rc;

	if (is_in_flight(m, d->id))
		return;
	w = mill_work_new(m, d);

	if (!w->route) {
		mill_finish_held(w, "there is no route of this name any more: "
				    "bring it back and release, or drop it");
		return;
	}
	/* it went away since, or its probe is under way */
	if (mill_target_is_away(w->target) ||
		(w->target->away_reason[0] && w->target->n_works > 1)) {
		mill_finish_away(w, w->target->away_reason);
		return;
	}
	rc = store_body(m->store, &w->d.message, &w->fd, &err);
	if (rc == STORE_GONE)
		mill_finish_dead(w, "its bytes are gone (retention or damage)");
	else if (rc < 0)
		mill_finish_retry(w, 0, err.text);
	else
		mill_evaluate(w);
}

static void schedule(struct mill *m, int64_t next_due)
{
	int64_t ms = TICK_MS;

	if (next_due)
		ms = MIN(ms, MAX(next_due - clock_wall_ms(), 0) + 1);
	loop_timer_set(m->tick, ms);
}

/* Begins some. Returns: false when there are more. */
static bool begin_works(struct mill_claim *c)
{
	uint64_t bytes = 0;

	while (c->at < c->claim.n_items && bytes < BEGIN_BYTES_MAX) {
		bytes += c->claim.items[c->at].size;
		begin_work(c->mill, &c->claim.items[c->at++]);
	}
	return c->at == c->claim.n_items;
}

/* In the loop's thread, with what the store gave. */
static void after_claim(void *ctx)
{
	struct mill_claim *c = ctx;
	struct mill *m = c->mill;

	/* many large ones at a time would keep senders and the watchdog waiting
	 */
	if (!c->is_failed && !begin_works(c)) {
		loop_post(m->loop, after_claim, c);
		return;
	}
	m->claim = NULL;
	if (c->is_failed) {
		log_event(LOG_ERROR, "mill.claim", "error=\"%s\"", c->err.text);
		m->is_more = false; /* at the next tick */
		schedule(m, 0);
	} else {
		m->is_more = c->claim.n_items == c->claim.max || m->is_more;
		schedule(m, c->claim.next_due);
	}
	arena_free(c->arena);
	free(c);
	claim_more(m);
}

/* In the store's thread. */
static void on_claim(struct store_claim *claim, const struct err *err)
{
	struct mill_claim *c = claim->ctx;

	c->is_failed = err->kind != ERR_NONE;
	c->err = *err;
	loop_post(c->mill->loop, after_claim, c);
}

/* Names the routes to leave alone. Returns: whether any other is well. */
static bool add_skips(struct mill *m, struct mill_claim *c)
{
	struct str *skip = arena_array(c->arena, m->n_routes, sizeof(*skip));
	int64_t now = clock_mono_ms();
	bool is_well = false;

	for (size_t i = 0; i < m->n_routes; i++) {
		const struct mill_route *r = &m->routes[i];
		const struct mill_target *t = target_state(m, r->target);
		if (m->rest_until[i] > now || mill_target_is_full(m, t))
			skip[c->claim.n_skip++] = arena_str(
				c->arena, str_c(r->name));
		else
			is_well = is_well || !t->away_reason[0];
	}
	c->claim.skip = skip;
	return is_well;
}

static void claim_more(struct mill *m)
{
	struct mill_claim *c;
	unsigned room = m->o.in_flight - MIN(m->n_works, m->o.in_flight);
	/*
	 * In big bites, since each claim is a commit; yet not so big that one
	 * target could take all with them.
	 */
	unsigned bite = MAX(m->o.in_flight / (4 * MAX(m->n_live, 1)), 1);

	if (!m->is_started || m->is_stopped || m->claim || !m->is_more ||
		room == 0 || (m->n_works && room < bite))
		return;
	m->is_more = false;
	c = NEW(struct mill_claim);
	c->mill = m;
	c->arena = arena_new();
	c->claim.max = m->n_live > 1 ? MIN(room, bite) : room;
	if (!add_skips(m, c)) /* for a probe, or what has no route */
		c->claim.max = 1;
	c->claim.lease_ms = m->o.lease_ms;
	c->claim.now = clock_wall_ms();
	c->claim.arena = c->arena;
	c->claim.done = on_claim;
	c->claim.ctx = c;
	m->claim = c;
	store_claim(m->store, &c->claim);
}

void mill_start(struct mill *m)
{
	m->is_started = true;
	mill_look(m);
}

void mill_wake(struct mill *m)
{
	m->is_more = true;
	claim_more(m);
}

void mill_look(struct mill *m)
{
	mill_wake(m);
	mill_outbox_wake(m->outbox);
}

void mill_stop(struct mill *m)
{
	m->is_stopped = true;
	loop_timer_stop(m->tick);
}

unsigned mill_in_flight(const struct mill *m)
{
	return m->n_works + (m->claim ? 1 : 0) +
	       mill_outbox_in_flight(m->outbox);
}

void mill_stats(const struct mill *m, struct mill_stats *out)
{
	*out = m->stats;
	out->in_flight = m->n_works;
	out->out_in_flight = mill_outbox_in_flight(m->outbox);
	for (const struct mill_target *t = m->targets; t; t = t->next) {
		if (!mill_target_is_away(t))
			continue;
		out->n_away++;
		out->away_reason = t->away_reason;
	}
}
