/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slow.c - logins that fail are made slow, by peer and by account.
 *
 * A failure has the next login of the same peer, and that into the same
 * account, wait: 1 s, 2 s, 4 s ... up to 30 s. Logins at the same time queue up
 * behind each other, so that many connections guess no faster than one; who
 * would stand in line for more than a minute is sent away.
 *
 * So that nobody can lock somebody out from afar, and one user of a webmail
 * all others, a peer that was once in an account has a row of its own for the
 * two together, and neither waits for the other's failures nor causes any.
 *
 * Rows are forgotten after a quiet hour; there are never more than ROWS_MAX.
 */
#include <stdio.h>

#include <mailmill/map.h>
#include <mailmill/mem.h>

#include "slow.h"

#define FIRST_MS ((int64_t)1000)
#define LAST_MS ((int64_t)30000)
#define LINE_MS ((int64_t)60000)
#define KEEP_MS ((int64_t)3600000)
#define ROWS_MAX 4096
#define KEY_MAX 256

struct row {
	unsigned n_failures;
	int64_t next_at, last_at; /* mono ms */
};

struct slow {
	struct map *rows;
};

struct slow *slow_new(void)
{
	struct slow *s = NEW(struct slow);

	s->rows = map_new();
	return s;
}

static void drop_rows(struct slow *s, int64_t before)
{
	struct str key;
	void *value;
	size_t at = 0;

	while (map_next(s->rows, &at, &key, &value))
		if (((struct row *)value)->last_at < before)
			free(map_del(s->rows, key));
}

void slow_free(struct slow *s)
{
	if (!s)
		return;
	drop_rows(s, INT64_MAX);
	map_free(s->rows);
	free(s);
}

/* An account's name may be anything, as long as a stranger likes. */
static struct str name_row(
	char out[KEY_MAX], char kind, const char *peer, struct str account)
{
	int n = snprintf(out, KEY_MAX, "%c %s %.*s", kind, peer,
		(int)MIN(account.len, 100), account.p ? account.p : "");

	return str_n(out, MIN((size_t)n, KEY_MAX - 1));
}

static struct row *find_row(struct slow *s, struct str key, int64_t now)
{
	struct row *r = map_get(s->rows, key);

	if (r && now - r->last_at > KEEP_MS) {
		free(map_del(s->rows, key));
		return NULL;
	}
	return r;
}

static struct row *make_row(struct slow *s, struct str key, int64_t now)
{
	struct row *r = find_row(s, key, now);

	if (r)
		return r;
	for (int64_t keep = KEEP_MS; map_count(s->rows) >= ROWS_MAX; keep /= 2)
		drop_rows(s, now - keep + 1);
	r = NEW(struct row);
	r->last_at = now;
	map_set(s->rows, key, r);
	return r;
}

static int64_t delay_of(const struct row *r)
{
	if (r->n_failures == 0)
		return 0;
	return MIN(FIRST_MS << MIN(r->n_failures - 1, 10), LAST_MS);
}

/* The rows that count for a login. Returns: how many. */
static size_t find_rows(struct slow *s, const char *peer, struct str account,
	int64_t now, char keys[2][KEY_MAX], struct row *rows[2])
{
	rows[0] = find_row(s, name_row(keys[0], '=', peer, account), now);
	if (rows[0])
		return 1;
	name_row(keys[0], 'p', peer, STR_NULL);
	name_row(keys[1], 'a', "", account);
	for (size_t i = 0; i < 2; i++)
		rows[i] = find_row(s, str_c(keys[i]), now);
	return 2;
}

int64_t slow_wait(
	struct slow *s, const char *peer, struct str account, int64_t now_ms)
{
	char keys[2][KEY_MAX];
	struct row *rows[2];
	size_t n = find_rows(s, peer, account, now_ms, keys, rows);
	int64_t wait = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i])
			wait = MAX(wait, rows[i]->next_at - now_ms);
	if (wait > LINE_MS)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (rows[i] && rows[i]->n_failures)
			rows[i]->next_at = now_ms + wait + delay_of(rows[i]);
	return wait;
}

void slow_tell(struct slow *s, const char *peer, struct str account,
	bool is_good, int64_t now_ms)
{
	char keys[2][KEY_MAX];
	struct row *rows[2];
	size_t n = find_rows(s, peer, account, now_ms, keys, rows);

	if (is_good) {
		struct row *r = make_row(
			s, name_row(keys[0], '=', peer, account), now_ms);
		r->n_failures = 0;
		r->next_at = 0;
		r->last_at = now_ms;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct row *r = make_row(s, str_c(keys[i]), now_ms);
		r->n_failures++;
		r->last_at = now_ms;
		r->next_at = MAX(r->next_at, now_ms + delay_of(r));
	}
}
