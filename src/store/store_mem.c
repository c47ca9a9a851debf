/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_mem.c - the store in memory, for tests and dry runs.
 *
 * Behaves as the real ones do but for durability. One lock guards all; each
 * transaction is one job, which either changes nothing or succeeds, so that a
 * rollback has nothing to do. Searches walk all deliveries, and texts are freed
 * only at the end: it is not meant for a day's mail.
 */
#include <fcntl.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/map.h>

#include "store_mem.h"

#define WIRE_MAX ((size_t)8 << 20)
#define BODY_MAX ((uint64_t)1 << 32)

static int open_store(
	const struct store_options *o, struct store **out, struct err *err)
{
	struct mem_store *m;

	if (o->is_readonly)
		return err_set(err, ERR_CONF,
			"a store in memory belongs to one process");
	m = NEW(struct mem_store);
	pthread_mutex_init(&m->lock, NULL);
	m->arena = arena_new();
	m->messages = map_new();
	m->once = map_new();
	m->threads = map_new();
	mem_out_init(m);
	*out = &m->base;
	return 0;
}

static void close_store(struct store *s)
{
	struct mem_store *m = mem_of(s);
	struct str key;
	void *value;
	size_t at = 0;

	while (map_next(m->messages, &at, &key, &value))
		free(((struct message *)value)->body);
	for (size_t i = 0; i < m->n_all; i++)
		free(m->all[i]->events);
	free(m->all);
	mem_out_fini(m);
	free(m->tallies);
	map_free(m->messages);
	map_free(m->once);
	map_free(m->threads);
	arena_free(m->arena);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int begin(struct store *s, struct err *err UNUSED)
{
	pthread_mutex_lock(&mem_of(s)->lock);
	return 0;
}

static int commit(struct store *s, struct err *err UNUSED)
{
	pthread_mutex_unlock(&mem_of(s)->lock);
	return 0;
}

static void rollback(struct store *s)
{
	pthread_mutex_unlock(&mem_of(s)->lock);
}

static void move_to(
	struct mem_store *m, struct delivery *d, enum store_state to)
{
	m->base.n_by_state[d->state]--;
	m->base.n_by_state[to]++;
	d->state = to;
}

/* Sets a kept text unless the new one is empty. */
static void keep(struct mem_store *m, struct str *kept, struct str s)
{
	if (s.len)
		*kept = arena_str(m->arena, s);
}

struct delivery *mem_find(struct mem_store *m, int64_t id)
{
	if (id < 1 || (uint64_t)id > m->n_all || m->all[id - 1]->is_gone)
		return NULL;
	return m->all[id - 1];
}

void mem_add_event(struct mem_store *m, struct delivery *d, int64_t at,
	struct str text, struct str journal)
{
	if (d->n_events == d->events_room) {
		d->events_room = MAX(4, d->events_room * 2);
		d->events = mem_resize(
			d->events, d->events_room * sizeof(*d->events));
	}
	d->events[d->n_events++] = (struct store_event){ .at = at,
		.to = d->state,
		.text = arena_str(m->arena, text),
		.journal = arena_str(m->arena, journal) };
}

struct tally *mem_find_tally(struct mem_store *m, struct str route, int64_t day)
{
	for (size_t i = 0; i < m->n_tallies; i++)
		if (m->tallies[i].day == day &&
			str_eq(m->tallies[i].route, route))
			return &m->tallies[i];
	if (m->n_tallies == m->tallies_room) {
		m->tallies_room = MAX(16, m->tallies_room * 2);
		m->tallies = mem_resize(
			m->tallies, m->tallies_room * sizeof(*m->tallies));
	}
	m->tallies[m->n_tallies] = (struct tally){ .day = day,
		.route = arena_str(m->arena, route) };
	return &m->tallies[m->n_tallies++];
}

/* --- put ------------------------------------------------------------------ */

static int copy_body(const struct store_put *put, char **out, struct err *err)
{
	AUTO(bytes) char *body = NULL;
	struct str piece;

	if (put->size > BODY_MAX)
		return err_set(err, ERR_PERM, "message is too large to store");
	body = mem_new((size_t)put->size + 1);
	for (uint64_t n = 0; n * STORE_CHUNK_LEN < put->size; n++) {
		char *at = body + n * STORE_CHUNK_LEN;
		if (store_put_piece(put, n, at, &piece, err) < 0)
			return -1;
		if (piece.p != at)
			memcpy(at, piece.p, piece.len);
	}
	*out = TAKE(body);
	return 0;
}

static void add_delivery(struct mem_store *m, struct message *msg,
	const struct store_put_route *r)
{
	struct delivery *d = ARENA_NEW(m->arena, struct delivery);
	int64_t now = clock_wall_ms();

	if (m->n_all == m->room) {
		m->room = MAX(64, m->room * 2);
		m->all = mem_resize(
			m->all, m->room * sizeof(struct delivery *));
	}
	m->all[m->n_all++] = d;
	d->id = (int64_t)m->n_all;
	d->message = msg;
	d->route = arena_str(m->arena, r->route);
	d->rcpts = arena_array(m->arena, r->n_rcpts, sizeof(*d->rcpts));
	d->n_rcpts = r->n_rcpts;
	for (size_t i = 0; i < r->n_rcpts; i++)
		d->rcpts[i] = arena_str(m->arena, r->rcpts[i]);
	d->due_at = store_tick(&m->base, now);
	d->changed_at = now;
	d->state = STORE_QUEUED;
	m->base.n_by_state[STORE_QUEUED]++;
	mem_find_tally(m, r->route, msg->received_at / STORE_DAY_MS)
		->received++;
}

static int put(struct store *s, const struct store_put *p, struct err *err)
{
	struct mem_store *m = mem_of(s);
	AUTO(buf) struct buf wire = BUF_INIT(WIRE_MAX);
	struct message *msg;
	char *body = NULL;

	if (p->once.len && map_get(m->once, p->once))
		return STORE_SEEN;
	envelope_encode(&wire, p->env);
	if (buf_is_over(&wire))
		return err_set(err, ERR_PERM, "message is too large to store");
	if (map_get(m->messages, str_c(p->id.text)))
		return err_set(err, ERR_PERM, "message is there already");
	if (copy_body(p, &body, err) < 0)
		return -1;
	msg = ARENA_NEW(m->arena, struct message);
	*msg = (struct message){ .id = p->id,
		.envelope = arena_str(m->arena, buf_view(&wire)),
		.sender = arena_str(m->arena, p->env->sender),
		.source = arena_str(m->arena, p->env->source),
		.once = arena_str(m->arena, p->once),
		.received_at = p->env->received_at,
		.size = p->size,
		.body = body,
		.has_body = true };
	map_set(m->messages, str_c(p->id.text), msg);
	if (p->once.len)
		map_set(m->once, p->once, msg);
	for (size_t i = 0; i < p->n_routes; i++)
		add_delivery(m, msg, &p->routes[i]);
	return 0;
}

/* --- claim and finish ----------------------------------------------------- */

static struct str *copy_rcpts(struct arena *a, const struct delivery *d)
{
	struct str *out = arena_array(a, d->n_rcpts, sizeof(*out));

	for (size_t i = 0; i < d->n_rcpts; i++)
		out[i] = arena_str(a, d->rcpts[i]);
	return out;
}

static int get_envelope(struct arena *a, const struct message *msg,
	struct envelope *out, struct err *err)
{
	return envelope_decode(a, arena_str(a, msg->envelope), out, err);
}

static int claim_one(
	struct store_claim *claim, struct delivery *d, struct err *err)
{
	struct store_delivery *item = &claim->items[claim->n_items];

	item->id = d->id;
	item->message = d->message->id;
	item->route = arena_str(claim->arena, d->route);
	item->rcpts = copy_rcpts(claim->arena, d);
	item->n_rcpts = d->n_rcpts;
	item->size = d->message->size;
	item->attempts = d->attempts;
	item->crashes = d->crashes;
	item->identity = arena_str(claim->arena, d->identity);
	claim->n_items++;
	return get_envelope(claim->arena, d->message, &item->env, err);
}

static bool is_skipped(const struct store_claim *claim, struct str route)
{
	for (size_t i = 0; i < claim->n_skip; i++)
		if (str_eq(claim->skip[i], route))
			return true;
	return false;
}

/* Finds the one that has been due longest, or is due next. */
static struct delivery *find_due(struct mem_store *m,
	const struct store_claim *claim, int64_t after, int64_t to)
{
	struct delivery *best = NULL;

	for (size_t i = 0; i < m->n_all; i++) {
		struct delivery *d = m->all[i];
		if (!d->is_gone && STORE_IS_WAITING(d->state) &&
			d->due_at > after && d->due_at <= to &&
			(!best || d->due_at < best->due_at) &&
			!is_skipped(claim, d->route))
			best = d;
	}
	return best;
}

static int claim(struct store *s, struct store_claim *claim, struct err *err)
{
	struct mem_store *m = mem_of(s);
	int64_t tick = store_tick(s, claim->now);
	int64_t lease = MIN(MAX(claim->lease_ms, 1), STORE_DAY_MS);
	struct delivery *d;

	claim->items = arena_array(
		claim->arena, claim->max, sizeof(*claim->items));
	while (claim->n_items < claim->max) {
		d = find_due(m, claim, INT64_MIN, tick);
		if (!d)
			break;
		if (claim_one(claim, d, err) < 0)
			return -1;
		move_to(m, d, STORE_CLAIMED);
		d->due_at = tick + lease;
		d->changed_at = claim->now;
		d->attempts++;
	}
	if (claim->n_items < claim->max) {
		d = find_due(m, claim, tick, INT64_MAX);
		claim->next_due = d ? store_wall(s, d->due_at) : 0;
	}
	return 0;
}

static char *thread_key(
	struct arena *a, struct str id, struct str scope, struct str object)
{
	return arena_printf(a, "%.*s\n%.*s\n%.*s", STR_ARG(id), STR_ARG(scope),
		STR_ARG(object));
}

static void add_thread(struct mem_store *m, const struct store_thread *t)
{
	struct str key = str_c(
		thread_key(m->arena, t->message_id, t->scope, t->object));
	struct str *record;

	if (!t->message_id.len || map_get(m->threads, key))
		return;
	record = ARENA_NEW(m->arena, struct str);
	*record = arena_str(m->arena, t->record);
	map_set(m->threads, key, record);
}

static bool is_of(const struct party *p, struct str party, struct str scope,
	struct str object)
{
	return str_eq(p->scope, scope) && str_eq(p->object, object) &&
	       (!party.p || str_eq(p->party, party));
}

static void add_party(struct mem_store *m, const struct store_thread *t,
	struct str party, struct str subject, int64_t now)
{
	struct arena *a = m->arena;

	for (size_t i = 0; i < m->n_parties; i++) {
		struct party *p = &m->parties[i];
		if (is_of(p, party, t->scope, t->object) &&
			str_eq(p->subject, subject) &&
			str_eq(p->record, t->record)) {
			p->at = MAX(p->at, now);
			return;
		}
	}
	if (m->n_parties == m->parties_room) {
		m->parties = arena_grow(a, m->parties, m->n_parties,
			m->parties_room * 2 + 16, sizeof(*m->parties));
		m->parties_room = m->parties_room * 2 + 16;
	}
	m->parties[m->n_parties++] = (struct party){ arena_str(a, party),
		arena_str(a, subject), arena_str(a, t->scope),
		arena_str(a, t->object), arena_str(a, t->record), now };
}

static bool is_over(enum store_state state)
{
	return state == STORE_DONE || state == STORE_DROPPED;
}

/* Notes when the last delivery of a message was over, or that one is not. */
void mem_mark_message(struct mem_store *m, struct message *msg, int64_t now)
{
	bool is_open = false;

	for (size_t i = 0; i < m->n_all; i++)
		is_open |= m->all[i]->message == msg &&
			   !is_over(m->all[i]->state);
	is_open = is_open || mem_out_waits(m, msg);
	if (is_open)
		msg->done_at = 0;
	else if (!msg->done_at)
		msg->done_at = now;
}

/* Giving it back is no news when it says nothing, or nothing new. */
static bool is_news(const struct delivery *d, const struct store_finish *f)
{
	const struct store_event *last = d->n_events
						 ? &d->events[d->n_events - 1]
						 : NULL;

	if ((f->to != STORE_QUEUED && f->to != STORE_RETRY) || f->journal.len)
		return true;
	if (!f->reason.len)
		return false;
	return f->is_attempt || !last || last->to != f->to ||
	       !str_eq(last->text, f->reason);
}

static int finish(struct store *s, struct store_finish *f, struct err *err)
{
	struct mem_store *m = mem_of(s);
	struct delivery *d = mem_find(m, f->delivery);
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;

	if (!d || d->state != STORE_CLAIMED)
		return err_set(err, ERR_PERM,
			"delivery %lld is not claimed any more",
			(long long)f->delivery);
	store_tick(s, f->now);
	move_to(m, d, f->to);
	d->due_at = is_waiting ? store_due(s, f->due_at) : 0;
	d->changed_at = f->now;
	d->reason = arena_str(m->arena, f->reason);
	d->attempts -= f->is_attempt || !d->attempts ? 0 : 1;
	d->crashes += f->is_crash;
	keep(m, &d->identity, f->identity);
	keep(m, &d->message_id, f->message_id);
	keep(m, &d->scope, f->scope);
	if (is_news(d, f))
		mem_add_event(m, d, f->now, f->reason, f->journal);
	for (size_t i = 0; i < f->n_threads; i++)
		add_thread(m, &f->threads[i]);
	for (size_t i = 0; i < f->n_threads; i++)
		for (size_t k = 0; k < f->n_parties; k++)
			add_party(m, &f->threads[i], f->parties[k], f->subject,
				f->now);
	d->folders = arena_str(m->arena, f->folders);
	d->flags = arena_str(m->arena, f->flags);
	mem_add_outs(m, d, f);
	mem_mark_message(m, d->message, f->now);
	return 0;
}

static int order(
	struct store *s, const struct store_word *word, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	struct delivery *d = mem_find(m, word->id);
	int64_t now = clock_wall_ms();
	enum store_state to;

	if (!d || !store_order_fits(word->order, d->state, &to))
		return STORE_NONE;
	move_to(m, d, to);
	d->due_at = to == STORE_QUEUED ? store_tick(s, now) : 0;
	d->changed_at = now;
	d->reason = STR_NULL;
	mem_add_event(m, d, now,
		str_c(store_order_text(m->arena, word->order, word->who)),
		STR_NULL);
	mem_mark_message(m, d->message, now);
	return 0;
}

/* --- retention ------------------------------------------------------------ */

static void remove_delivery(struct mem_store *m, struct delivery *d)
{
	struct message *msg = d->message;

	mem_find_tally(m, d->route, msg->received_at / STORE_DAY_MS)
		->kept[d->state]++;
	mem_out_remove(m, d);
	m->base.n_by_state[d->state]--;
	d->is_gone = true;
	if (msg->once.len)
		map_del(m->once, msg->once);
	if (map_del(m->messages, str_c(msg->id.text)) == msg)
		free(msg->body);
	msg->body = NULL;
}

static int sweep(struct store *s, int64_t now, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	int more = mem_sweep_marks(m, now);

	for (size_t i = 0; i < m->n_all; i++) {
		struct delivery *d = m->all[i];
		struct message *msg = d->message;
		if (d->is_gone || !msg->done_at)
			continue;
		if (msg->done_at < now - s->options.keep_bytes_ms &&
			msg->has_body) {
			free(msg->body);
			msg->body = NULL;
			msg->has_body = false;
			more = 1;
		}
		if (msg->done_at < now - s->options.keep_journal_ms) {
			remove_delivery(m, d);
			more = 1;
		}
	}
	return more;
}

/* --- reading -------------------------------------------------------------- */

static int body(
	struct store *s, const struct id *message, int *fd_out, struct err *err)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	struct message *msg = map_get(m->messages, str_c(message->text));
	AUTO(fd) int fd = -1;

	if (!msg || !msg->has_body)
		return STORE_GONE;
	fd = store_body_begin(s, msg->size, err);
	if (fd < 0)
		return -1;
	if (file_write_all(fd, msg->body, (size_t)msg->size) < 0)
		return err_sys(err, "copying the stored message");
	fd = store_body_end(TAKE_FD(fd), msg->size, err);
	if (fd < 0)
		return -1;
	*fd_out = TAKE_FD(fd);
	return 0;
}

static int find_subject(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str subject, struct str party, int64_t since,
	struct str *record, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	const struct party *best = NULL;

	for (size_t i = 0; i < m->n_parties; i++) {
		const struct party *p = &m->parties[i];
		if (is_of(p, party, scope, object) && p->at >= since &&
			str_eq(p->subject, subject) &&
			(!best || p->at > best->at))
			best = p;
	}
	if (!best)
		return STORE_NONE;
	*record = arena_str(a, best->record);
	return 0;
}

static int find_party(struct store *s, struct str scope, struct str object,
	struct str record, struct str party, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);

	for (size_t i = 0; i < m->n_parties; i++)
		if (is_of(&m->parties[i], party, scope, object) &&
			str_eq(m->parties[i].record, record))
			return 0;
	return STORE_NONE;
}

static bool is_pending(
	const struct delivery *d, struct str scope, struct str id, int64_t self)
{
	return !d->is_gone && d->state <= STORE_HELD &&
	       str_eq(d->message_id, id) && (!self || d->id < self) &&
	       (!d->scope.len || str_eq(d->scope, scope));
}

static int find_thread(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str id, int64_t self, struct str *record,
	int64_t *pending, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	const struct str *found = map_get(
		m->threads, str_c(thread_key(a, id, scope, object)));

	if (found) {
		*record = arena_str(a, *found);
		return 0;
	}
	for (size_t i = 0; i < m->n_all; i++)
		if (is_pending(m->all[i], scope, id, self)) {
			*pending = m->all[i]->id;
			return STORE_PENDING;
		}
	return STORE_NONE;
}

static int find_identity(struct store *s, struct str route, struct str identity,
	int64_t self, int64_t *delivery, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	int rc = STORE_NONE;
	LOCKED(m);

	for (size_t i = 0; i < m->n_all; i++) {
		struct delivery *d = m->all[i];
		if (d->is_gone || d->id == self || !str_eq(d->route, route) ||
			!str_eq(d->identity, identity))
			continue;
		if (d->state == STORE_DONE) {
			*delivery = d->id;
			return 0;
		}
		if (rc == STORE_NONE && d->id < self &&
			d->state <= STORE_RETRY) {
			*delivery = d->id;
			rc = STORE_PENDING;
		}
	}
	return rc;
}

static void copy_row(struct store *s, struct arena *a, const struct delivery *d,
	struct store_row *row)
{
	bool is_due = d->state == STORE_QUEUED || d->state == STORE_RETRY;

	*row = (struct store_row){ .id = d->id,
		.message = d->message->id,
		.route = arena_str(a, d->route),
		.sender = arena_str(a, d->message->sender),
		.reason = arena_str(a, d->reason),
		.folders = arena_str(a, d->folders),
		.flags = arena_str(a, d->flags),
		.message_id = arena_str(a, d->message_id),
		.source = arena_str(a, d->message->source),
		.rcpts = copy_rcpts(a, d),
		.n_rcpts = d->n_rcpts,
		.state = d->state,
		.attempts = d->attempts,
		.received_at = d->message->received_at,
		.due_at = is_due ? store_wall(s, d->due_at) : 0,
		.changed_at = d->changed_at,
		.size = d->message->size,
		.has_body = d->message->has_body };
}

static bool has_piece(const struct delivery *d, struct str text)
{
	for (size_t i = 0; i < d->n_rcpts; i++)
		if (str_find_case(d->rcpts[i], text) >= 0)
			return true;
	return str_find_case(d->message->sender, text) >= 0 ||
	       str_find_case(d->reason, text) >= 0 ||
	       str_find_case(d->message_id, text) >= 0;
}

static bool is_filed_into(const struct delivery *d, struct str folder)
{
	struct str rest = d->folders, one;

	while (str_cut(&rest, '\n', &one))
		if (one.len && str_eq(one, folder))
			return true;
	return false;
}

static bool passes(const struct delivery *d, const struct store_filter *f)
{
	int64_t at = d->message->received_at;

	return !d->is_gone && d->id > f->after &&
	       (!f->states || f->states & STORE_BIT(d->state)) &&
	       (!f->route.len || str_eq(d->route, f->route)) && at >= f->from &&
	       (!f->to || at <= f->to) &&
	       (!f->text.len || has_piece(d, f->text)) &&
	       (!f->folder.len || is_filed_into(d, f->folder));
}

static int list(struct store *s, struct arena *a, const struct store_filter *f,
	struct store_row **out, size_t *n_out, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	size_t n = 0, max = MIN(f->max, m->n_all);
	struct store_row *rows = arena_array(a, max, sizeof(*rows));

	for (size_t i = 0; i < m->n_all && n < max; i++)
		if (passes(m->all[i], f))
			copy_row(s, a, m->all[i], &rows[n++]);
	*out = rows;
	*n_out = n;
	return 0;
}

static int show(struct store *s, struct arena *a, int64_t id,
	struct store_row *row, struct envelope *env,
	struct store_event **events, size_t *n_events, struct err *err)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	struct delivery *d = mem_find(m, id);
	struct store_event *copy;

	if (!d)
		return STORE_NONE;
	if (get_envelope(a, d->message, env, err) < 0)
		return -1;
	copy_row(s, a, d, row);
	copy = arena_array(a, d->n_events, sizeof(*copy));
	for (size_t i = 0; i < d->n_events; i++) {
		copy[i] = d->events[i];
		copy[i].text = arena_str(a, d->events[i].text);
		copy[i].journal = arena_str(a, d->events[i].journal);
	}
	*events = copy;
	*n_events = d->n_events;
	return 0;
}

static int balance(struct store *s, void *books, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);

	for (size_t i = 0; i < m->n_tallies; i++) {
		struct tally *t = &m->tallies[i];
		store_count_add(books, t->route, t->day, -1, t->received);
		for (int k = 0; k < STORE_N_STATES; k++)
			store_count_add(books, t->route, t->day, k, t->kept[k]);
	}
	for (size_t i = 0; i < m->n_all; i++)
		if (!m->all[i]->is_gone)
			store_count_add(books, m->all[i]->route,
				m->all[i]->message->received_at / STORE_DAY_MS,
				(int)m->all[i]->state, 1);
	mem_out_balance(m, books);
	return 0;
}

static int oldest(struct store *s, int64_t *out, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);

	for (size_t i = 0; i < m->n_all; i++) {
		struct delivery *d = m->all[i];
		if (d->is_gone || !STORE_IS_WAITING(d->state))
			continue;
		if (!*out || d->message->received_at < *out)
			*out = d->message->received_at;
	}
	return 0;
}

const struct store_driver store_memory = {
	.name = "memory",
	.batch_max = 1,
	.open = open_store,
	.close = close_store,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.put = put,
	.claim = claim,
	.finish = finish,
	.out_claim = mem_out_claim,
	.out_finish = mem_out_finish,
	.out_order = mem_out_order,
	.order = order,
	.sweep = sweep,
	.body = body,
	.find_thread = find_thread,
	.find_subject = find_subject,
	.find_party = find_party,
	.find_identity = find_identity,
	.seen = mem_seen,
	.out_list = mem_out_list,
	.out_show = mem_out_show,
	.out_count = mem_out_count,
	.out_stats = mem_out_stats,
	.list = list,
	.show = show,
	.balance = balance,
	.oldest = oldest,
};
