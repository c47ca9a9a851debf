/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal.c - the line that is kept of a delivery: what was planned, what the
 * target said, which records are there, how long each step took.
 *
 * Written by hand instead of through a JSON tree, since each mail passes here.
 * Long values are cut: the mail itself is kept, and evaluating it again with
 * these facts gives them whole.
 */
#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/utf8.h>

#include "mill_private.h"

#define VALUE_MAX ((size_t)200)
#define JOURNAL_MAX ((size_t)256 * 1024)

static void add_text(struct buf *b, struct str s)
{
	struct str rest = utf8_cut(s, VALUE_MAX);

	buf_byte(b, '"');
	for (size_t i = 0; i < rest.len; i++) {
		unsigned char c = (unsigned char)rest.p[i];
		if (c == '"' || c == '\\')
			buf_byte(b, '\\');
		if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_byte(b, c);
	}
	if (rest.len < s.len)
		buf_printf(b, "... (%zu bytes)", s.len);
	buf_byte(b, '"');
}

static void add_pair(struct buf *b, const char *name, struct str value)
{
	if (!value.len)
		return;
	buf_printf(b, ",\"%s\":", name);
	add_text(b, value);
}

static void add_field(struct buf *b, const struct plan_field *f)
{
	AUTO(buf) struct buf ref = BUF_INIT(3 * VALUE_MAX);

	add_text(b, f->name);
	if (f->kind == PLAN_NULL) {
		buf_c(b, ":null");
		return;
	}
	buf_byte(b, ':');
	if (f->kind == PLAN_TEXT) {
		add_text(b, f->value);
		return;
	}
	buf_printf(&ref, "@{%.*s.%.*s}", STR_ARG(utf8_cut(f->value, VALUE_MAX)),
		STR_ARG(utf8_cut(f->ref_field, VALUE_MAX)));
	add_text(b, buf_view(&ref));
}

static void add_record(struct buf *b, const struct plan_record *r,
	const struct target_record *made)
{
	static const char *const ops[] = { "create", "update", "upsert",
		"delete" };

	buf_printf(b, "{\"op\":\"%s\",\"line\":%u", ops[r->op], r->line);
	add_pair(b, "name", r->name);
	add_pair(b, "object", r->object);
	add_pair(b, "key", r->key);
	add_pair(b, "id", made ? made->id : r->id);
	if (made)
		buf_printf(b, ",\"new\":%s", made->is_new ? "true" : "false");
	buf_c(b, ",\"fields\":{");
	for (size_t i = 0; i < r->n_fields; i++) {
		if (i)
			buf_byte(b, ',');
		add_field(b, &r->fields[i]);
	}
	buf_c(b, "},\"files\":[");
	for (size_t i = 0; i < r->n_files; i++) {
		if (i)
			buf_byte(b, ',');
		add_text(b, r->files[i].name);
	}
	buf_c(b, "]}");
}

static void add_facts(struct buf *b, const struct facts *f)
{
	buf_c(b, ",\"facts\":[");
	for (size_t i = 0; i < f->n_answers; i++) {
		const struct facts_answer *a = &f->answers[i];
		buf_printf(b, "%s{\"rows\":%zu", i ? "," : "", a->n_rows);
		add_pair(b, "question", a->name);
		if (a->n_rows)
			add_pair(
				b, "id", facts_row_get(&a->rows[0], STR("Id")));
		if (a->n_rows && str_starts(a->name, STR("thread/"))) {
			add_pair(
				b, "by", facts_row_get(&a->rows[0], STR("By")));
			add_pair(b, "evidence",
				facts_row_get(&a->rows[0], STR("Evidence")));
		}
		buf_byte(b, '}');
	}
	buf_byte(b, ']');
}

static int64_t since(int64_t from, int64_t to)
{
	return from && to ? MAX(to - from, 0) : 0;
}

struct str mill_journal(struct work *w)
{
	const struct plan *p = w->plan;
	AUTO(buf) struct buf b = BUF_INIT(JOURNAL_MAX);

	buf_c(&b, "{\"script\":");
	add_text(&b, p->script);
	add_pair(&b, "sha256", p->script_sha256);
	add_pair(&b, "subject", w->subject);
	add_pair(&b, "message_id", w->message_id);
	add_facts(&b, &w->facts);
	buf_c(&b, ",\"records\":[");
	for (size_t i = 0; i < p->n_records; i++) {
		if (i)
			buf_byte(&b, ',');
		add_record(&b, &p->records[i],
			w->apply.records ? &w->apply.records[i] : NULL);
	}
	buf_c(&b, "],\"notes\":[");
	for (size_t i = 0; i < p->n_notes; i++) {
		if (i)
			buf_byte(&b, ',');
		add_text(&b, p->notes[i]);
	}
	buf_printf(&b, "],\"ms\":{\"evaluate\":%lld,\"apply\":%lld}",
		(long long)since(w->claimed_at, w->evaluated_at),
		(long long)since(w->evaluated_at, w->applied_at));
	if (w->apply.answer.len && w->apply.answer.len < JOURNAL_MAX / 4) {
		buf_c(&b, ",\"answer\":");
		buf_str(&b, w->apply.answer);
	}
	buf_byte(&b, '}');
	/* a plan too large for the journal keeps the front of its story */
	if (buf_is_over(&b))
		return STR(
			"{\"note\":\"the plan is too large for the journal\"}");
	return arena_str(w->arena, buf_view(&b));
}
