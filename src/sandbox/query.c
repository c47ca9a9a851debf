/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * query.c - query, queryAll, and the pages that follow: a locator names a
 * cursor, which keeps the compiled query and its rows. Few are kept; the
 * oldest goes first.
 */
#include <stdio.h>

#include "sandbox.h"

#define CURSORS_MAX 200
#define PAGE_DEFAULT 2000
#define PAGE_MIN 200
#define PAGE_MAX 2000

struct cursor {
	char locator[SB_ID_LEN + 1];
	struct arena *arena;
	struct soql *q;
	struct sb_rows rows;
	size_t page;
};

struct sb_cursors {
	struct cursor *all[CURSORS_MAX]; /* a ring */
	uint64_t n_made;
};

static void free_cursor(struct cursor *c)
{
	if (!c)
		return;
	arena_free(c->arena);
	free(c->rows.r);
	free(c);
}

void sb_query_close(struct sandbox *sb)
{
	for (int i = 0; sb->cursors && i < CURSORS_MAX; i++)
		free_cursor(sb->cursors->all[i]);
	free(sb->cursors);
	sb->cursors = NULL;
}

static size_t page_size(const struct sb_ask *a)
{
	struct str options = str_c(a->query_options);
	ssize_t at = str_find_case(options, STR("batchSize"));
	uint64_t n;

	if (at < 0)
		return PAGE_DEFAULT;
	options = str_sub(options, (size_t)at + 9, 20);
	while (options.len && (options.p[0] == '=' || options.p[0] == ' '))
		options = str_sub(options, 1, options.len);
	for (size_t i = 0; i < options.len; i++)
		if (options.p[i] < '0' || options.p[i] > '9')
			options.len = i;
	if (str_to_u64(options, 1000000, &n) < 0)
		return PAGE_DEFAULT;
	return (size_t)MIN(MAX(n, PAGE_MIN), PAGE_MAX);
}

static void write_page(struct sb_ask *a, struct buf *out, struct cursor *c,
	size_t from, bool is_last)
{
	size_t to = MIN(from + c->page, c->rows.n);

	buf_printf(out, "{\"totalSize\":%zu,\"done\":%s", c->rows.n,
		is_last ? "true" : "false");
	if (!is_last)
		buf_printf(out,
			",\"nextRecordsUrl\":\"/services/data/v%d.0/query/"
			"%s-%zu\"",
			a->version, c->locator, to);
	buf_c(out, ",\"records\":[");
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_byte(out, ',');
		sb_soql_write(out, a->sb, c->q, c->rows.r[i], a->version);
	}
	buf_c(out, "]}");
}

static void keep_cursor(struct sandbox *sb, struct cursor *c)
{
	struct cursor **place;

	if (!sb->cursors)
		sb->cursors = NEW(struct sb_cursors);
	place = &sb->cursors->all[sb->cursors->n_made % CURSORS_MAX];
	free_cursor(*place);
	*place = c;
	sb_id_make("01g", ++sb->cursors->n_made, c->locator);
}

static void answer(struct sb_ask *a, struct sb_reply *r, bool with_deleted)
{
	struct arena *arena = arena_new();
	struct cursor *c = NEW(struct cursor);
	struct sb_fail f = { 0 };
	struct str text;

	c->arena = arena;
	c->page = page_size(a);
	if (!sb_ask_param(a, "q", &text)) {
		sb_fail_set(&f, 400, "MALFORMED_QUERY", "",
			"A query string has to be specified");
	} else if (sb_soql_parse(a->sb, arena, arena_str(arena, text), &c->q,
			   &f) == 0 &&
		   sb_soql_run(a->sb, c->q, with_deleted, &c->rows, &f) == 0) {
		r->status = 200;
		if (c->rows.is_count)
			buf_printf(&r->body,
				"{\"totalSize\":%zu,\"done\":true,\"records\":"
				"[]}",
				c->rows.n);
		else if (sb_soql_is_aggregate(c->q))
			sb_soql_write_aggregate(
				&r->body, a->sb, c->q, &c->rows);
		else if (c->rows.n > c->page) {
			keep_cursor(a->sb, c);
			write_page(a, &r->body, c, 0, false);
			return;
		} else
			write_page(a, &r->body, c, 0, true);
	}
	if (f.status)
		sb_reply_fail(r, &f);
	free_cursor(c);
}

void sb_query_get(struct sb_ask *a, struct sb_reply *r)
{
	answer(a, r, false);
}

void sb_query_all(struct sb_ask *a, struct sb_reply *r)
{
	answer(a, r, true);
}

static struct cursor *find_cursor(struct sandbox *sb, struct str locator)
{
	for (int i = 0; sb->cursors && i < CURSORS_MAX; i++) {
		struct cursor *c = sb->cursors->all[i];
		if (c && str_eq(str_sub(str_c(c->locator), 0, locator.len),
				 locator))
			return c;
	}
	return NULL;
}

void sb_query_more(struct sb_ask *a, struct sb_reply *r)
{
	struct str name = a->seg[a->n_seg - 1];
	ssize_t dash = str_rchr(name, '-');
	struct cursor *c = NULL;
	uint64_t from;

	if (dash >= 15 && str_to_u64(str_sub(name, (size_t)dash + 1, 20),
				  UINT32_MAX, &from) == 0)
		c = find_cursor(a->sb, str_sub(name, 0, (size_t)dash));
	if (!c || from > c->rows.n) {
		sb_reply_error(r, 400, "INVALID_QUERY_LOCATOR",
			"invalid query locator");
		return;
	}
	r->status = 200;
	write_page(a, &r->body, c, from, from + c->page >= c->rows.n);
}
