/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * locate.c - where in the message stands what a value holds: its provenance.
 *
 * A value is a slice of what this mail lent, so its pointer says what it is a
 * slice of: of the raw bytes, of a header field, of the text or the HTML. For
 * these two a map is made when first asked for, one span a byte, by following
 * text -> text of the part -> decoded bytes -> raw bytes (spans.c). A value
 * that is a copy is looked for in the text, whole or line by line.
 *
 * What is beyond the limits is answered with the whole part, which is said to
 * be inexact; nothing is ever answered that does not hold the value.
 */
#include <stdint.h>

#include "spans.h"

#define LOCATE_TEXT_MAX                                                        \
	((size_t)1 << 20)		  /* bytes of text that are followed   \
					   */
#define LOCATE_PART_MAX ((size_t)4 << 20) /* of the part that it is from */
#define LOCATE_MISSES_MAX 100 /* lines of a copy that are not in the text */

/* A stretch of the text, from one part. */
struct located {
	size_t at, len;
	const struct mail_part *part;
	struct spans spans; /* in the part's raw bytes; n is 0: not followed */
};

struct locator {
	struct located *items;
	size_t n;
};

struct ranges {
	struct mail *m;
	struct mail_range *items;
	size_t n, max;
};

static bool is_within(struct str whole, struct str s)
{
	uintptr_t a = (uintptr_t)whole.p, b = (uintptr_t)s.p;

	return whole.p && b >= a && b + s.len <= a + whole.len;
}

/* Without room for more, the last one covers all that follows. */
static void add_range(struct ranges *r, unsigned part, uint64_t offset,
	uint64_t len, bool is_exact)
{
	struct mail_range *last = r->n ? &r->items[r->n - 1] : NULL;
	uint64_t end;

	if (r->n < r->max) {
		r->items[r->n++] = (struct mail_range){ part, offset, len,
			is_exact };
		return;
	}
	if (!last)
		return;
	if (part != last->part) {
		last->is_exact = false;
		return;
	}
	end = MAX(last->offset + last->len, offset + len);
	last->offset = MIN(last->offset, offset);
	last->len = end - last->offset;
	last->is_exact = false;
}

/* ---- header fields ---- */

static void add_raw(struct ranges *r, struct str s)
{
	uint64_t offset = (uint64_t)(s.p - r->m->raw.p);

	add_range(r, mail_part_at(r->m, offset)->number, offset, s.len, true);
}

/* A value that was decoded: its field, unless it stands there as it is. */
static void add_field(
	struct ranges *r, const struct mail_header *h, struct str value)
{
	struct str raw = str_trim(h->raw), rest;
	ssize_t at = str_find(raw, value);

	if (!is_within(r->m->raw, raw))
		return; /* a view's own */
	if (at >= 0) {
		rest = str_sub(raw, (size_t)at + 1, raw.len);
		if (str_find(rest, value) < 0) {
			add_raw(r, str_sub(raw, (size_t)at, value.len));
			return;
		}
	}
	add_range(r, 0, (uint64_t)(raw.p - r->m->raw.p), raw.len,
		value.len == h->value.len);
}

static bool find_in_header(struct ranges *r, struct str value)
{
	struct fields *f = header_fields(r->m, r->m->root);

	for (size_t i = 0; i < f->n; i++) {
		if (!is_within(f->items[i].value, value))
			continue;
		add_field(r, &f->items[i], value);
		return true;
	}
	return false;
}

/* ---- texts ---- */

static struct str raw_of(const struct mail *m, const struct mail_part *p)
{
	return str_sub(m->raw, (size_t)p->offset, (size_t)p->len);
}

/* Follows the text of a part as it is read, or its HTML as it is. */
static void follow_part(
	struct mail *m, struct mail_part *p, struct str text, struct spans *out)
{
	AUTO(arena) struct arena *scratch = arena_new();
	struct spans of_text = { NULL, text.len }, of_charset, of_encoding;
	struct str full = mail_part_text(m, p), bytes = mail_part_bytes(m, p);
	struct html_trace trace = { 0 };

	*out = (struct spans){ 0 };
	if (part_of(p)->owner->container)
		return; /* packed: its bytes are none of the message's */
	if (text.len > LOCATE_TEXT_MAX || full.len > LOCATE_PART_MAX ||
		bytes.len > LOCATE_PART_MAX || p->len > LOCATE_PART_MAX * 4)
		return;
	if (text.p != full.p && str_eq(p->subtype, STR("html"))) {
		html_to_text(scratch, full, &trace, NULL);
		spans_of_html(scratch, full, text, &trace, &of_text);
	} else if (text.p != full.p) {
		spans_of_plain(scratch, full, text, &of_text);
	}
	spans_of_charset(scratch, p->charset, bytes, full, &of_charset);
	spans_of_encoding(scratch, decode_kind(p->encoding), raw_of(m, p),
		bytes, &of_encoding);
	spans_compose(scratch, &of_charset, &of_encoding, &of_charset);
	spans_compose(scratch, &of_text, &of_charset, &of_text);
	out->n = text.len;
	out->items = arena_array(m->arena, text.len + 1, sizeof(*out->items));
	for (size_t i = 0; i < text.len; i++)
		out->items[i] = spans_at(&of_text, i);
}

static void add_located(struct mail *m, struct locator *l, size_t at,
	struct mail_part *p, struct str text)
{
	struct located *to = &l->items[l->n++];

	to->at = at;
	to->len = text.len;
	to->part = packed_outer(p);
	follow_part(m, p, text, &to->spans);
}

static struct str trim_end(struct str s)
{
	while (s.len && strchr(" \t\r\n", s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Finds what each part gave to the whole text. */
static void locate_parts(struct mail *m, struct locator *l,
	struct mail_part **parts, size_t n, struct str whole)
{
	size_t at = 0;

	for (size_t i = 0; i < n && l->n < MAIL_BODIES_MAX; i++) {
		struct str one = text_readable(m, parts[i]);
		ssize_t found;
		one = trim_end(one);
		if (!one.len)
			continue;
		found = str_find(str_sub(whole, at, whole.len), one);
		if (found < 0)
			continue;
		at += (size_t)found;
		add_located(m, l, at, parts[i], one);
		at += one.len;
	}
}

static struct locator *locate_text(struct mail *m)
{
	struct locator *l = m->text_places;
	struct str whole = mail_text(m);

	if (l)
		return l;
	l = m->text_places = ARENA_NEW(m->arena, struct locator);
	l->items = arena_array(m->arena, MAIL_BODIES_MAX, sizeof(*l->items));
	locate_parts(m, l, m->text_parts, m->n_text_parts, whole);
	if (l->n == 0)
		locate_parts(m, l, m->html_parts, m->n_html_parts, whole);
	if (l->n == 0 && whole.len && text_tnef_part(m)) {
		l->items[0].len = whole.len;
		l->items[0].part = packed_outer(text_tnef_part(m));
		l->n = 1;
	}
	return l;
}

static struct locator *locate_html(struct mail *m)
{
	struct locator *l = m->html_places;
	struct str whole = mail_html(m);
	size_t at = 0;

	if (l)
		return l;
	l = m->html_places = ARENA_NEW(m->arena, struct locator);
	l->items = arena_array(m->arena, MAIL_BODIES_MAX, sizeof(*l->items));
	for (size_t i = 0; i < m->n_html_parts && l->n < MAIL_BODIES_MAX; i++) {
		struct str one = mail_part_text(m, m->html_parts[i]);
		ssize_t found = one.len ? str_find(str_sub(whole, at, SIZE_MAX),
						  one)
					: -1;
		if (found < 0)
			continue;
		at += (size_t)found;
		add_located(m, l, at, m->html_parts[i], one);
		at += one.len;
	}
	return l;
}

static void end_unit(struct ranges *r, const struct located *l,
	struct span first, struct span last)
{
	uint32_t begin = span_place(first.begin), end = span_place(last.end);

	add_range(r, l->part->number, l->part->offset + begin, end - begin,
		!(first.begin & SPAN_WITHIN) && !(last.end & SPAN_WITHIN));
}

/* Line ends of base64 and the like part nothing. */
static bool is_apart(const struct ranges *r, const struct located *l,
	struct span last, struct span s)
{
	uint32_t end = span_place(last.end), begin = span_place(s.begin);

	if (begin <= end)
		return span_place(s.end) < end;
	return str_trim(str_sub(raw_of(r->m, l->part), end, begin - end)).len;
}

/* Adds where bytes [from, end) of a stretch come from. */
static void add_spans(
	struct ranges *r, const struct located *l, size_t from, size_t end)
{
	struct span first = { SPAN_NOWHERE, 0 }, last = first;

	if (l->spans.n == 0) {
		add_range(r, l->part->number, l->part->offset, l->part->len,
			false);
		return;
	}
	for (size_t i = from; i < end; i++) {
		struct span s = l->spans.items[i];
		if (s.begin == SPAN_NOWHERE)
			continue;
		if (first.begin == SPAN_NOWHERE) {
			first = s;
		} else if (is_apart(r, l, last, s)) {
			end_unit(r, l, first, last);
			first = s;
		}
		last = s;
	}
	if (first.begin != SPAN_NOWHERE)
		end_unit(r, l, first, last);
}

/* Adds where bytes [at, at + len) of a whole text come from. */
static void add_slice(
	struct ranges *r, const struct locator *l, size_t at, size_t len)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct located *one = &l->items[i];
		size_t from = MAX(at, one->at);
		size_t end = MIN(at + len, one->at + one->len);
		if (from < end)
			add_spans(r, one, from - one->at, end - one->at);
	}
}

/* A copy of something: of the text, or of lines of it in order. */
static void search_text(struct ranges *r, struct str value)
{
	struct str text = mail_text(r->m), line;
	ssize_t at;
	size_t from = 0;
	unsigned n_misses = 0;

	if (text.len > LOCATE_TEXT_MAX)
		return;
	at = str_find(text, value);
	if (at >= 0) {
		add_slice(r, locate_text(r->m), (size_t)at, value.len);
		return;
	}
	while (n_misses < LOCATE_MISSES_MAX && str_cut_line(&value, &line)) {
		line = str_trim(line);
		if (!line.len)
			continue;
		at = str_find(str_sub(text, from, text.len), line);
		if (at < 0) {
			n_misses++;
			continue;
		}
		from += (size_t)at;
		add_slice(r, locate_text(r->m), from, line.len);
		from += line.len;
	}
}

size_t mail_locate(
	struct mail *m, struct str value, struct mail_range *out, size_t max)
{
	struct ranges r = { m, out, 0, max };
	struct str whole;

	must(max > 0);
	if (!value.len)
		return 0;
	if (is_within(m->raw, value)) {
		add_raw(&r, value);
		return r.n;
	}
	if (find_in_header(&r, value))
		return r.n;
	whole = mail_text(m);
	if (is_within(whole, value)) {
		add_slice(&r, locate_text(m), (size_t)(value.p - whole.p),
			value.len);
		return r.n;
	}
	whole = m->has_html ? m->html : STR_NULL;
	if (is_within(whole, value))
		add_slice(&r, locate_html(m), (size_t)(value.p - whole.p),
			value.len);
	else
		search_text(&r, value);
	return r.n;
}
