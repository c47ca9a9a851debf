/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * results.c - Authentication-Results (RFC 8601): what it says.
 *
 * Read with patience: a property may be any text up to a blank, since hosts
 * write "<>" and addresses there, and base64 has "=" in it.
 */
#include <mailmill/buf.h>
#include <mailmill/utf8.h>

#include "results.h"

struct reader {
	struct arena *arena;
	struct str rest;
	struct str comment; /* the last that was skipped */
};

static char peek(const struct reader *r)
{
	return r->rest.len ? r->rest.p[0] : 0;
}

static void skip(struct reader *r)
{
	r->rest = str_sub(r->rest, 1, r->rest.len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Comments nest (RFC 5322 3.2.2). */
static void skip_comment(struct reader *r)
{
	const char *begin = r->rest.p + 1;
	unsigned depth = 0;

	do {
		char c = peek(r);

		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		else if (c == '\\')
			skip(r);
		if (depth)
			skip(r);
	} while (depth && r->rest.len);
	r->comment = str_trim(str_n(begin, (size_t)(r->rest.p - begin)));
	skip(r);
}

static void skip_blanks(struct reader *r)
{
	while (r->rest.len) {
		if (peek(r) == '(')
			skip_comment(r);
		else if (is_blank(peek(r)))
			skip(r);
		else
			return;
	}
}

static void read_quoted(struct reader *r, struct buf *b)
{
	skip(r);
	while (r->rest.len && peek(r) != '"') {
		if (peek(r) == '\\')
			skip(r);
		if (r->rest.len && peek(r) != '\r' && peek(r) != '\n')
			(void)buf_byte(b, (unsigned char)peek(r));
		skip(r);
	}
	skip(r);
}

/* Reads up to a blank, comment, ";" or a letter of `ends`. */
static struct str read_until(struct reader *r, const char *ends)
{
	AUTO(buf) struct buf b = BUF_INIT(RESULTS_LEN_MAX);

	while (r->rest.len) {
		char c = peek(r);

		if (is_blank(c) || c == ';' || c == '(' ||
			(c && strchr(ends, c)))
			break;
		if (c == '"') {
			read_quoted(r, &b);
			continue;
		}
		(void)buf_byte(&b, (unsigned char)c);
		skip(r);
	}
	return arena_str(r->arena, buf_view(&b));
}

static void skip_to_next(struct reader *r)
{
	while (r->rest.len && peek(r) != ';') {
		AUTO(buf) struct buf none = BUF_INIT(0);

		if (peek(r) == '(')
			skip_comment(r);
		else if (peek(r) == '"')
			read_quoted(r, &none);
		else
			skip(r);
	}
}

/* Reads "NAME = VALUE", blanks anywhere. Returns: whether it was one. */
static bool read_pair(struct reader *r, struct str *name, struct str *value)
{
	*name = read_until(r, "=/");
	skip_blanks(r);
	/* "header . from" is allowed by the grammar */
	while (peek(r) == '.' || str_ends(*name, STR("."))) {
		struct str more = read_until(r, "=/");

		if (!more.len)
			return false;
		*name = str_c(arena_printf(
			r->arena, "%.*s%.*s", STR_ARG(*name), STR_ARG(more)));
		skip_blanks(r);
	}
	if (peek(r) == '/') { /* the version of a method */
		skip(r);
		skip_blanks(r);
		(void)read_until(r, "=");
		skip_blanks(r);
	}
	if (!name->len || peek(r) != '=')
		return false;
	skip(r);
	skip_blanks(r);
	*value = read_until(r, "");
	return true;
}

static void add_prop(struct reader *r, struct results_item *item,
	struct str name, struct str value)
{
	ssize_t dot = str_chr(name, '.');
	struct results_prop p = { STR(""), name, value };

	if (str_eq_case(name, STR("reason"))) {
		item->reason = value;
		return;
	}
	if (item->n_props == RESULTS_PROPS_MAX)
		return;
	if (dot >= 0) {
		p.type = str_sub(name, 0, (size_t)dot);
		p.name = str_sub(name, (size_t)dot + 1, name.len);
	}
	if (!item->props)
		item->props = arena_array(
			r->arena, RESULTS_PROPS_MAX, sizeof(*item->props));
	item->props[item->n_props++] = p;
}

/* Reads a method and what belongs to it. Returns: whether it is whole. */
static bool read_item(struct reader *r, struct results_item *item)
{
	struct str name, value;

	*item = (struct results_item){ 0 };
	if (!read_pair(r, &item->method, &item->result) || !item->result.len)
		return false;
	r->comment = STR_NULL;
	skip_blanks(r);
	while (r->rest.len && peek(r) != ';') {
		if (!item->comment.len)
			item->comment = r->comment;
		if (!read_pair(r, &name, &value))
			break; /* what was read until here holds */
		add_prop(r, item, name, value);
		skip_blanks(r);
	}
	if (!item->comment.len)
		item->comment = r->comment;
	return true;
}

/* Reads "AUTHSERV-ID [VERSION]". */
static int read_head(struct reader *r, struct results_field *out)
{
	struct str version;

	skip_blanks(r);
	out->authserv = read_until(r, "=");
	skip_blanks(r);
	/* some name none, and begin with the methods */
	if (!out->authserv.len || peek(r) == '=')
		return -1;
	version = read_until(r, "=");
	skip_blanks(r);
	if (version.len && !str_eq(version, STR("1")))
		return -1;
	return r->rest.len && peek(r) != ';' ? -1 : 0;
}

int results_parse(struct arena *a, struct str raw, struct results_field *out)
{
	struct reader r = { .arena = a,
		.rest = utf8_mend(a, str_sub(raw, 0, RESULTS_LEN_MAX)) };

	*out = (struct results_field){ 0 };
	if (read_head(&r, out) < 0)
		return -1;
	out->items = arena_array(a, RESULTS_ITEMS_MAX, sizeof(*out->items));
	while (r.rest.len && out->n_items < RESULTS_ITEMS_MAX) {
		skip(&r); /* ";" */
		skip_blanks(&r);
		if (read_item(&r, &out->items[out->n_items]))
			out->n_items++;
		skip_to_next(&r);
	}
	return 0;
}

struct str results_get(
	const struct results_item *item, const char *type, const char *name)
{
	for (size_t i = 0; i < item->n_props; i++)
		if (str_eq_case(item->props[i].type, str_c(type)) &&
			str_eq_case(item->props[i].name, str_c(name)))
			return item->props[i].value;
	return STR_NULL;
}
