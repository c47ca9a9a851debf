/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote_mark.c - what HTML says about the lines that were made of it.
 *
 * Mail programs put what they quote into elements with names of their own. An
 * element that holds quotes (">") may hold answers, too, so it tells only which
 * lines above them attribute; one without holds nothing but history.
 */
#include "quote.h"

#define ATTRIBUTION_MAX 6 /* lines */

struct area {
	size_t first;
	unsigned depth;
};

/* Where a mark counts: not in the middle of a line. */
static bool is_at_begin(struct str raw, size_t offset)
{
	for (size_t i = 0; i < offset && i < raw.len; i++)
		if (!strchr("> \t", raw.p[i]))
			return false;
	return true;
}

/* An element of MARK_QUOTE, lines [first, end). */
static void apply_quote(struct lines *l, size_t first, size_t end)
{
	size_t quote = first, n = 0;

	while (quote < end && l->items[quote].kind != LINE_QUOTED)
		n += l->items[quote++].kind == LINE_OWN;
	if (quote == end) {
		for (size_t i = first; i < end; i++)
			if (l->items[i].kind == LINE_OWN)
				l->items[i].kind = LINE_QUOTED;
		return;
	}
	for (size_t i = first; i < quote && n <= ATTRIBUTION_MAX; i++)
		l->items[i].is_attributed = l->items[i].kind == LINE_OWN;
}

static void apply_area(
	struct lines *l, enum text_mark_kind kind, size_t first, size_t end)
{
	if (kind == MARK_QUOTE)
		apply_quote(l, first, end);
	for (size_t i = first; i < end; i++) {
		struct line *line = &l->items[i];
		if (line->kind == LINE_OWN && kind == MARK_WHOLE)
			line->kind = LINE_QUOTED;
		line->is_signed |= kind == MARK_SIGNATURE;
		line->is_attributed |= kind == MARK_ATTRIBUTION &&
				       line->kind == LINE_OWN;
	}
}

void quote_apply_marks(struct lines *l, const struct text_marks *marks)
{
	struct area areas[MARK_SIGNATURE + 1] = { 0 };
	const char *base = l->n ? l->items[0].raw.p : NULL;
	size_t at = 0;

	for (size_t i = 0; i < marks->n && l->n; i++) {
		const struct text_mark *mark = &marks->items[i];
		struct area *area = &areas[mark->kind];
		size_t line;
		while (at + 1 < l->n &&
			l->items[at + 1].raw.p <= base + mark->offset)
			at++;
		line = at;
		if (!is_at_begin(l->items[at].raw,
			    mark->offset - (size_t)(l->items[at].raw.p - base)))
			line++;
		if (mark->kind == MARK_HISTORY) {
			if (line < l->n)
				l->items[line].is_history = true;
		} else if (!mark->is_end) {
			if (area->depth++ == 0)
				area->first = line;
		} else if (area->depth && --area->depth == 0) {
			apply_area(l, mark->kind, area->first, line);
		}
	}
	for (int kind = 0; kind <= MARK_SIGNATURE; kind++)
		if (areas[kind].depth)
			apply_area(l, (enum text_mark_kind)kind,
				areas[kind].first, l->n);
}
