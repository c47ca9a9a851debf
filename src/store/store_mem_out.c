/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_mem_out.c - marks and outgoing mail of the store in memory. */
#include <mailmill/clock.h>
#include <mailmill/enc.h>

#include "store_mem.h"

void mem_out_init(struct mem_store *m)
{
	AUTO(buf) struct buf hex = BUF_INIT(STORE_TOKEN_LEN);
	char random[STORE_TOKEN_LEN / 2];

	id_random(random, sizeof(random));
	enc_hex(&hex, str_n(random, sizeof(random)));
	memcpy(m->base.token, hex.p, STORE_TOKEN_LEN);
}

void mem_out_fini(struct mem_store *m)
{
	free(m->marks);
	free(m->outs);
}

static bool is_over(const struct out *o)
{
	return o->row.state == STORE_DONE || o->row.state == STORE_DROPPED;
}

bool mem_out_waits(const struct mem_store *m, const struct message *msg)
{
	for (size_t i = 0; i < m->n_outs; i++)
		if (!m->outs[i]->is_gone && !is_over(m->outs[i]) &&
			m->outs[i]->delivery->message == msg)
			return true;
	return false;
}

/* --- marks ---------------------------------------------------------------- */

static struct mark *find_mark(
	struct mem_store *m, struct str route, struct str key)
{
	for (size_t i = 0; i < m->n_marks; i++)
		if (m->marks[i].until && str_eq(m->marks[i].key, key) &&
			str_eq(m->marks[i].route, route))
			return &m->marks[i];
	return NULL;
}

static void add_mark(
	struct mem_store *m, struct delivery *d, struct str key, int64_t until)
{
	if (m->n_marks == m->marks_room) {
		m->marks_room = MAX(16, m->marks_room * 2);
		m->marks = mem_resize(
			m->marks, m->marks_room * sizeof(*m->marks));
	}
	m->marks[m->n_marks++] = (struct mark){ .route = d->route,
		.key = arena_str(m->arena, key),
		.delivery = d->id,
		.until = until };
}

static void set_mark(
	struct mem_store *m, struct delivery *d, const struct store_mark *mark)
{
	struct mark *old = find_mark(m, d->route, mark->key);

	if (!old) {
		add_mark(m, d, mark->key, mark->until);
		return;
	}
	if (old->until > mark->at && !mark->is_last)
		return;
	if (old->until <= mark->at)
		old->delivery = d->id;
	old->until = mark->until;
}

static bool is_seen(struct mem_store *m, struct str route, struct str key,
	int64_t now, int64_t self)
{
	const struct mark *mark = find_mark(m, route, key);

	return mark && mark->until > now && mark->delivery != self;
}

int mem_seen(struct store *s, struct str route, struct str key, int64_t now,
	int64_t self, int64_t *pending, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);

	if (is_seen(m, route, key, now, self))
		return 0;
	for (size_t i = 0; i < m->n_marks; i++) {
		const struct mark *mark = &m->marks[i];
		const struct delivery *d = mem_find(m, mark->delivery);
		if (mark->until || !d || !STORE_IS_WAITING(d->state) ||
			(self && d->id >= self) || !str_eq(mark->key, key) ||
			!str_eq(mark->route, route))
			continue;
		*pending = d->id;
		return STORE_PENDING;
	}
	return STORE_NONE;
}

bool mem_sweep_marks(struct mem_store *m, int64_t now)
{
	size_t n = 0, before = m->n_marks;

	for (size_t i = 0; i < m->n_marks; i++) {
		const struct mark *mark = &m->marks[i];
		const struct delivery *d = mem_find(m, mark->delivery);
		bool is_kept = mark->until ? mark->until >= now
					   : d && d->state != STORE_DONE &&
						     d->state != STORE_DROPPED;
		if (is_kept)
			m->marks[n++] = *mark;
	}
	m->n_marks = n;
	return n < before;
}

/* --- rows ----------------------------------------------------------------- */

static struct out *find_out(struct mem_store *m, int64_t id)
{
	if (id < 1 || (uint64_t)id > m->n_outs || m->outs[id - 1]->is_gone)
		return NULL;
	return m->outs[id - 1];
}

static bool has_once(struct mem_store *m, struct delivery *d, struct str once)
{
	for (size_t i = 0; i < m->n_outs; i++)
		if (m->outs[i]->delivery == d && !m->outs[i]->is_gone &&
			str_eq(m->outs[i]->once, once))
			return true;
	return false;
}

static struct str *copy_strs(struct arena *a, const struct str *texts, size_t n)
{
	struct str *out = arena_array(a, MAX(n, 1), sizeof(*out));

	for (size_t i = 0; i < n; i++)
		out[i] = arena_str(a, texts[i]);
	return out;
}

static void copy_pieces(struct arena *a, const struct store_out *from,
	struct store_out_row *row)
{
	row->n_pieces = MAX(from->n_pieces, 1);
	row->pieces = arena_array(a, row->n_pieces, sizeof(*row->pieces));
	row->pieces->len = row->size = row->message_size;
	if (from->n_pieces)
		row->size = 0;
	for (size_t i = 0; i < from->n_pieces; i++) {
		row->pieces[i] = from->pieces[i];
		row->pieces[i].literal = arena_str(a, from->pieces[i].literal);
		row->size += from->pieces[i].literal.len
				     ? from->pieces[i].literal.len
				     : from->pieces[i].len;
	}
}

static void add_out(struct mem_store *m, struct delivery *d,
	const struct store_finish *f, const struct store_out *from)
{
	struct arena *a = m->arena;
	struct out *o = ARENA_NEW(a, struct out);

	if (m->n_outs == m->outs_room) {
		m->outs_room = MAX(16, m->outs_room * 2);
		m->outs = mem_resize(
			m->outs, m->outs_room * sizeof(struct out *));
	}
	m->outs[m->n_outs++] = o;
	o->delivery = d;
	o->once = arena_str(a, from->once);
	o->reply_to = arena_str(a, from->reply_to);
	o->row = (struct store_out_row){ .id = (int64_t)m->n_outs,
		.delivery = d->id,
		.message = d->message->id,
		.message_size = d->message->size,
		.route = d->route,
		.kind = arena_str(a, from->kind),
		.sender = arena_str(a, from->sender),
		.fcc = arena_str(a, from->fcc),
		.rcpts = copy_strs(a, from->rcpts, from->n_rcpts),
		.n_rcpts = from->n_rcpts,
		.results = arena_array(
			a, MAX(from->n_rcpts, 1), sizeof(struct str)),
		.created_at = f->now,
		.changed_at = f->now,
		.due_at = MIN(f->now, clock_wall_ms()) };
	copy_pieces(a, from, &o->row);
	mem_find_tally(m, d->route, d->message->received_at / STORE_DAY_MS)
		->planned++;
}

void mem_add_outs(
	struct mem_store *m, struct delivery *d, struct store_finish *f)
{
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;

	for (size_t i = 0; i < f->n_marks; i++)
		if (is_waiting)
			add_mark(m, d, f->marks[i].key, 0);
		else
			set_mark(m, d, &f->marks[i]);
	f->n_sent = 0;
	for (size_t i = 0; i < f->n_outs; i++) {
		const struct store_out *o = &f->outs[i];
		if (o->mark.key.len &&
			is_seen(m, d->route, o->mark.key, o->mark.at, d->id))
			continue;
		if (o->mark.key.len)
			set_mark(m, d, &o->mark);
		if (has_once(m, d, o->once))
			continue;
		add_out(m, d, f, o);
		f->n_sent++;
	}
}

void mem_out_remove(struct mem_store *m, struct delivery *d)
{
	struct tally *t = mem_find_tally(
		m, d->route, d->message->received_at / STORE_DAY_MS);

	for (size_t i = 0; i < m->n_outs; i++) {
		struct out *o = m->outs[i];
		if (o->delivery != d || o->is_gone)
			continue;
		t->out_kept[o->row.state]++;
		o->is_gone = true;
	}
}

void mem_out_balance(struct mem_store *m, void *books)
{
	for (size_t i = 0; i < m->n_tallies; i++) {
		struct tally *t = &m->tallies[i];
		store_count_add(books, t->route, t->day, STORE_COUNT_PLANNED,
			t->planned);
		for (int k = 0; k < STORE_N_STATES; k++)
			store_count_add(books, t->route, t->day,
				STORE_COUNT_OUT + k, t->out_kept[k]);
	}
	for (size_t i = 0; i < m->n_outs; i++)
		if (!m->outs[i]->is_gone)
			store_count_add(books, m->outs[i]->row.route,
				m->outs[i]->delivery->message->received_at /
					STORE_DAY_MS,
				STORE_COUNT_OUT + (int)m->outs[i]->row.state,
				1);
}

/* --- claim, finish, order ------------------------------------------------- */

static struct store_out_row copy_row(
	struct store *s, struct arena *a, const struct out *o)
{
	struct store_out_row r = o->row;
	bool is_due = r.state == STORE_QUEUED || r.state == STORE_RETRY;
	struct store_piece *pieces = arena_array(
		a, r.n_pieces, sizeof(*pieces));

	for (size_t i = 0; i < r.n_pieces; i++) {
		pieces[i] = r.pieces[i];
		pieces[i].literal = arena_str(a, r.pieces[i].literal);
	}
	r.pieces = pieces;
	r.route = arena_str(a, r.route);
	r.kind = arena_str(a, r.kind);
	r.sender = arena_str(a, r.sender);
	r.fcc = arena_str(a, r.fcc);
	r.reason = arena_str(a, r.reason);
	r.rcpts = copy_strs(a, r.rcpts, r.n_rcpts);
	r.results = copy_strs(a, r.results, r.n_rcpts);
	r.due_at = is_due ? store_wall(s, r.due_at) : 0;
	return r;
}

static struct out *find_due(struct mem_store *m, int64_t after, int64_t to)
{
	struct out *best = NULL;

	for (size_t i = 0; i < m->n_outs; i++) {
		struct out *o = m->outs[i];
		if (!o->is_gone && STORE_IS_WAITING(o->row.state) &&
			o->row.due_at > after && o->row.due_at <= to &&
			(!best || o->row.due_at < best->row.due_at))
			best = o;
	}
	return best;
}

int mem_out_claim(
	struct store *s, struct store_out_claim *claim, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	int64_t tick = store_tick(s, claim->now);
	int64_t lease = MIN(MAX(claim->lease_ms, 1), STORE_DAY_MS);
	struct out *o;

	claim->items = arena_array(
		claim->arena, claim->max, sizeof(*claim->items));
	while (claim->n_items < claim->max) {
		o = find_due(m, INT64_MIN, tick);
		if (!o)
			break;
		claim->items[claim->n_items++] = copy_row(s, claim->arena, o);
		o->row.state = STORE_CLAIMED;
		o->row.due_at = tick + lease;
		o->row.changed_at = claim->now;
		o->row.attempts++;
	}
	o = find_due(m, tick, INT64_MAX);
	if (claim->n_items < claim->max && o)
		claim->next_due = store_wall(s, o->row.due_at);
	return 0;
}

int mem_out_finish(
	struct store *s, const struct store_out_finish *f, struct err *err)
{
	struct mem_store *m = mem_of(s);
	struct out *o = find_out(m, f->id);
	bool is_waiting = f->to == STORE_QUEUED || f->to == STORE_RETRY;

	if (!o || o->row.state != STORE_CLAIMED)
		return err_set(err, ERR_PERM,
			"outgoing mail %lld is not claimed any more",
			(long long)f->id);
	store_tick(s, f->now);
	o->row.state = f->to;
	o->row.due_at = is_waiting ? store_due(s, f->due_at) : 0;
	o->row.changed_at = f->now;
	o->row.reason = arena_str(m->arena, f->reason);
	o->row.attempts -= f->is_attempt || !o->row.attempts ? 0 : 1;
	for (size_t i = 0; i < MIN(f->n_results, o->row.n_rcpts); i++)
		o->row.results[i] = store_lines(m->arena, &f->results[i], 1);
	if (f->journal.len)
		mem_add_event(m, o->delivery, f->now,
			store_out_text(m->arena, f->id, f->reason), f->journal);
	mem_mark_message(m, o->delivery->message, f->now);
	return 0;
}

int mem_out_order(
	struct store *s, const struct store_word *word, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	struct out *o = find_out(m, word->id);
	int64_t now = clock_wall_ms();
	enum store_state to;

	if (!o || !store_out_order_fits(word->order, o->row.state, &to))
		return STORE_NONE;
	o->row.state = to;
	o->row.due_at = to == STORE_QUEUED ? store_tick(s, now) : 0;
	if (to == STORE_QUEUED)
		o->row.created_at = now;
	o->row.changed_at = now;
	o->row.reason = STR_NULL;
	mem_add_event(m, o->delivery, now,
		str_c(arena_printf(m->arena, "outgoing mail %lld %s",
			(long long)word->id,
			store_order_text(m->arena, word->order, word->who))),
		STR_NULL);
	mem_mark_message(m, o->delivery->message, now);
	return 0;
}

/* --- reading -------------------------------------------------------------- */

static bool has_text(const struct out *o, struct str text)
{
	for (size_t i = 0; i < o->row.n_rcpts; i++)
		if (str_find_case(o->row.rcpts[i], text) >= 0)
			return true;
	return str_find_case(o->row.sender, text) >= 0 ||
	       str_find_case(o->row.reason, text) >= 0;
}

static bool passes(const struct out *o, const struct store_out_filter *f)
{
	return !o->is_gone && o->row.id > f->after &&
	       f->states & STORE_BIT(o->row.state) &&
	       (!f->route.len || str_eq(o->row.route, f->route)) &&
	       (!f->folder.len || str_eq(o->row.fcc, f->folder)) &&
	       (!f->delivery || o->row.delivery == f->delivery) &&
	       (!f->text.len || has_text(o, f->text));
}

int mem_out_list(struct store *s, struct arena *a,
	const struct store_out_filter *f, struct store_out_row **out,
	size_t *n_out, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	size_t n = 0, max = MIN(f->max, m->n_outs);
	struct store_out_row *rows = arena_array(a, MAX(max, 1), sizeof(*rows));

	for (size_t i = 0; i < m->n_outs && n < max; i++)
		if (passes(m->outs[i], f))
			rows[n++] = copy_row(s, a, m->outs[i]);
	*out = rows;
	*n_out = n;
	return 0;
}

int mem_out_show(struct store *s, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);
	struct out *o = find_out(m, id);

	if (!o)
		return STORE_NONE;
	*row = copy_row(s, a, o);
	return 0;
}

int mem_out_count(struct store *s, struct str route, struct str reply_to,
	int64_t since, uint64_t *n, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);

	*n = 0;
	for (size_t i = 0; i < m->n_outs; i++) {
		const struct out *o = m->outs[i];
		if (o->is_gone || o->row.created_at < since)
			continue;
		if (reply_to.len ? str_eq_case(o->reply_to, reply_to)
				 : !route.len || str_eq(o->row.route, route))
			++*n;
	}
	return 0;
}

int mem_out_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err UNUSED)
{
	struct mem_store *m = mem_of(s);
	LOCKED(m);

	memset(by_state, 0, STORE_N_STATES * sizeof(*by_state));
	*oldest = 0;
	for (size_t i = 0; i < m->n_outs; i++) {
		const struct out *o = m->outs[i];
		if (o->is_gone)
			continue;
		by_state[o->row.state]++;
		if (STORE_IS_WAITING(o->row.state) &&
			(!*oldest || o->row.created_at < *oldest))
			*oldest = o->row.created_at;
	}
	return 0;
}
