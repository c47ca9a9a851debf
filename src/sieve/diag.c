/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diag.c - findings in a script: collecting them and showing them. */
#include <mailmill/utf8.h>

#include "diag.h"
#include "messages.h"

/* Of a source line that is shown; longer ones are cut around the place. */
#define SHOWN_MAX 160

/* Lends the line that holds an offset. */
static struct str find_line(struct str source, size_t offset)
{
	size_t from = MIN(offset, source.len), to = from;

	while (from > 0 && source.p[from - 1] != '\n')
		from--;
	while (to < source.len && source.p[to] != '\n')
		to++;
	while (to > from && source.p[to - 1] == '\r')
		to--;
	return str_n(source.p + from, to - from);
}

static PRINTF(2, 0) struct str
	print_text(struct arena *a, const char *fmt, va_list ap)
{
	char *text = arena_vprintf(a, fmt, ap);

	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return utf8_mend(a, str_c(text));
}

void sieve_tell(struct sieve_teller *t, enum sieve_severity severity,
	struct sieve_pos pos, const char *fmt, va_list ap)
{
	struct sieve_diags *list = t->diags;
	struct sieve_diag *d;

	t->is_silent = t->noise_from && pos.line >= t->noise_from;
	if (t->is_silent)
		return;
	if (!t->is_begun) {
		t->is_begun = true;
		t->n_before = list->n;
	}
	if (severity == SIEVE_ERROR)
		t->n_errors++;
	t->is_full = list->n >= SIEVE_DIAGS_MAX;
	if (t->is_full)
		return;
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 8;

		list->items = arena_grow(list->arena, list->items, list->n, cap,
			sizeof(*list->items));
		list->cap = cap;
	}
	d = &list->items[list->n++];
	d->severity = severity;
	d->line = pos.line;
	d->column = pos.column;
	d->code = sieve_message_code(fmt);
	d->message = print_text(list->arena, fmt, ap);
	d->file = arena_str(list->arena, t->file);
	d->source = arena_str(list->arena, find_line(t->source, pos.offset));
}

static bool is_behind(const struct sieve_diag *a, const struct sieve_diag *b)
{
	return str_eq(a->file, b->file) &&
	       (a->line > b->line ||
		       (a->line == b->line && a->column > b->column));
}

void sieve_sort_told(struct sieve_teller *t)
{
	struct sieve_diag *items = t->diags->items;

	if (!t->is_begun)
		return;
	/* Few: and they come nearly in order. */
	for (size_t i = t->n_before + 1; i < t->diags->n; i++) {
		struct sieve_diag d = items[i];
		size_t k = i;

		for (; k > t->n_before && is_behind(&items[k - 1], &d); k--)
			items[k] = items[k - 1];
		items[k] = d;
	}
}

static bool is_before(const struct sieve_diag *d, struct sieve_pos pos)
{
	return d->line < pos.line ||
	       (d->line == pos.line && d->column < pos.column);
}

void sieve_untell(struct sieve_teller *t, struct sieve_pos from)
{
	struct sieve_diags *list = t->diags;
	size_t kept = t->n_before;

	for (size_t i = kept; i < list->n; i++) {
		if (is_before(&list->items[i], from) ||
			!str_eq(list->items[i].file, t->file))
			list->items[kept++] = list->items[i];
		else if (list->items[i].severity == SIEVE_ERROR)
			t->n_errors--;
	}
	list->n = MIN(kept, list->n);
	t->is_full = list->n >= SIEVE_DIAGS_MAX;
}

void sieve_tell_code(struct sieve_teller *t, const char *code)
{
	if (!t->is_full && !t->is_silent && t->diags->n)
		t->diags->items[t->diags->n - 1].code = code;
}

void sieve_tell_hint(struct sieve_teller *t, const char *fmt, va_list ap)
{
	struct sieve_diags *list = t->diags;

	if (t->is_full || t->is_silent || !list->n)
		return;
	list->items[list->n - 1].hint = print_text(list->arena, fmt, ap);
}

/*
 * Adds the line and a caret below it. Tabs stay tabs in both, so that the
 * caret stands right however wide they are shown.
 */
static void print_source(struct buf *out, struct str line, size_t column)
{
	size_t at = column ? column - 1 : 0;

	if (line.len > SHOWN_MAX) {
		size_t from = at > SHOWN_MAX / 2 ? at - SHOWN_MAX / 2 : 0;

		while (from < line.len && (line.p[from] & 0xc0) == 0x80)
			from++;
		line = str_sub(line, from, SHOWN_MAX);
		at -= MIN(from, at);
	}
	buf_c(out, "    ");
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.p[i];

		buf_byte(out, (c < ' ' && c != '\t') || c == 0x7f ? '?' : c);
	}
	buf_c(out, "\n    ");
	for (size_t i = 0; i < at && i < line.len; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if (c == '\t')
			buf_byte(out, '\t');
		else if ((c & 0xc0) != 0x80)
			buf_byte(out, ' ');
	}
	buf_c(out, "^\n");
}

void sieve_diag_print(
	struct buf *out, const char *file, const struct sieve_diag *d)
{
	struct str name = d->file.len ? d->file : str_c(file);

	buf_printf(out, "%.*s:%u:%u: %s: %.*s\n", STR_ARG(name), d->line,
		d->column, d->severity == SIEVE_ERROR ? "error" : "warning",
		STR_ARG(d->message));
	print_source(out, d->source, d->column);
	if (d->hint.len)
		buf_printf(out, "    hint: %.*s\n", STR_ARG(d->hint));
}
