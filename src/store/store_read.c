/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_read.c - the front of all databases: what is asked of them. */
#include <mailmill/map.h>

#include "driver.h"

int store_body(
	struct store *s, const struct id *message, int *fd_out, struct err *err)
{
	return s->driver->body(s, message, fd_out, err);
}

int store_find_thread(struct store *s, struct arena *a, struct str scope,
	struct str object, const struct str *ids, size_t n_ids, int64_t self,
	struct str *record, int64_t *pending, struct err *err)
{
	for (size_t i = 0; i < n_ids; i++) {
		int rc = STORE_NONE;
		if (ids[i].len)
			rc = s->driver->find_thread(s, a, scope, object, ids[i],
				self, record, pending, err);
		if (rc != STORE_NONE)
			return rc;
	}
	return STORE_NONE;
}

int store_find_subject(struct store *s, struct arena *a, struct str scope,
	struct str object, struct str subject, const struct str *parties,
	size_t n_parties, int64_t since, struct str *record, struct err *err)
{
	int rc = STORE_NONE;

	if (!subject.len)
		return STORE_NONE;
	if (n_parties == 0)
		return s->driver->find_subject(s, a, scope, object, subject,
			STR_NULL, since, record, err);
	for (size_t i = 0; i < n_parties && rc == STORE_NONE; i++)
		if (parties[i].len)
			rc = s->driver->find_subject(s, a, scope, object,
				subject, parties[i], since, record, err);
	return rc;
}

int store_find_party(struct store *s, struct str scope, struct str object,
	struct str record, const struct str *parties, size_t n_parties,
	struct err *err)
{
	int rc = STORE_NONE;

	for (size_t i = 0; i < n_parties && rc == STORE_NONE; i++)
		if (parties[i].len)
			rc = s->driver->find_party(
				s, scope, object, record, parties[i], err);
	return rc;
}

int store_find_identity(struct store *s, struct str route, struct str identity,
	int64_t self, int64_t *delivery, struct err *err)
{
	return s->driver->find_identity(
		s, route, identity, self, delivery, err);
}

int store_list(struct store *s, struct arena *a,
	const struct store_filter *filter, struct store_row **out,
	size_t *n_out, struct err *err)
{
	struct store_filter f = *filter;

	if (f.max == 0)
		f.max = STORE_LIST_DEFAULT;
	f.max = MIN(f.max, STORE_LIST_MAX);
	f.states &= STORE_BIT(STORE_N_STATES) - 1;
	return s->driver->list(s, a, &f, out, n_out, err);
}

int store_show(struct store *s, struct arena *a, int64_t id,
	struct store_row *row, struct envelope *env,
	struct store_event **events, size_t *n_events, struct err *err)
{
	return s->driver->show(s, a, id, row, env, events, n_events, err);
}

struct books {
	struct arena *arena;
	struct map *index; /* "day route" -> number in rows, plus 1 */
	struct store_count *rows;
	size_t n, n_room;
};

static struct store_count *find_count(
	struct books *b, struct str route, int64_t day)
{
	char *key = arena_printf(
		b->arena, "%lld %.*s", (long long)day, STR_ARG(route));
	uintptr_t at = (uintptr_t)map_get(b->index, str_c(key));

	if (at)
		return &b->rows[at - 1];
	if (b->n == b->n_room) {
		b->n_room = MAX(64, b->n_room * 2);
		b->rows = arena_grow(
			b->arena, b->rows, b->n, b->n_room, sizeof(*b->rows));
	}
	b->rows[b->n].route = arena_str(b->arena, route);
	b->rows[b->n].day = day * STORE_DAY_MS;
	map_set(b->index, str_c(key), (void *)(b->n + 1));
	return &b->rows[b->n++];
}

void store_count_add(
	void *books, struct str route, int64_t day, int what, uint64_t n)
{
	struct store_count *row = find_count(books, route, day);

	if (what == STORE_COUNT_RECEIVED)
		row->received += n;
	else if (what == STORE_COUNT_PLANNED)
		row->planned += n;
	else if (what >= STORE_COUNT_OUT &&
		 what < STORE_COUNT_OUT + STORE_N_STATES)
		row->out_by_state[what - STORE_COUNT_OUT] += n;
	else if (what >= 0 && what < STORE_N_STATES)
		row->by_state[what] += n;
}

static int compare_counts(const void *a, const void *b)
{
	const struct store_count *x = a, *y = b;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return str_cmp(x->route, y->route);
}

int store_balance(struct store *s, struct arena *a, struct store_count **out,
	size_t *n_out, struct err *err)
{
	AUTO(map) struct map *index = map_new();
	struct books books = { .arena = a, .index = index };

	if (s->driver->balance(s, &books, err) < 0)
		return -1;
	if (books.n)
		qsort(books.rows, books.n, sizeof(*books.rows), compare_counts);
	*out = books.rows;
	*n_out = books.n;
	return 0;
}

int store_stats(struct store *s, uint64_t by_state[STORE_N_STATES],
	int64_t *oldest, struct err *err)
{
	int64_t found = 0;

	if (s->driver->oldest(s, &found, err) < 0)
		return -1;
	*oldest = found;
	for (size_t i = 0; i < STORE_N_STATES; i++)
		by_state[i] = (uint64_t)MAX(s->n_by_state[i], 0);
	return 0;
}
