/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan.c - names of questions, looking facts up, keys of records, the bytes
 * of a changed message.
 *
 * A plan is plain data: whoever makes it fills arrays in an arena, whoever
 * reads it goes through them. What crosses a process or is stored goes through
 * codec.c, which alone decides what a plan from outside may look like.
 */
#include <mailmill/enc.h>
#include <mailmill/hash.h>
#include <mailmill/plan.h>

/* Separators of a question's name are never letters of a percent-encoding. */
static void name_find(struct buf *b, const struct plan_question *q)
{
	for (size_t i = 0; i < q->n_where; i++) {
		buf_byte(b, i ? '&' : '/');
		enc_percent(b, q->where[i].name);
		buf_byte(b, '=');
		enc_percent(b, q->where[i].value);
	}
	if (q->n_where == 0)
		buf_byte(b, '/');
	buf_byte(b, '/');
	for (size_t i = 0; i < q->n_fields; i++) {
		if (i)
			buf_byte(b, ',');
		enc_percent(b, q->fields[i]);
	}
	if (q->order.len) {
		buf_c(b, "/order=");
		enc_percent(b, q->order);
	}
	if (q->is_first)
		buf_c(b, "/first");
}

static void name_thread(struct buf *b, const struct plan_question *q)
{
	for (size_t i = 0; i < q->n_ids; i++) {
		buf_byte(b, i ? ',' : '/');
		enc_percent(b, q->ids[i]);
	}
	for (size_t i = 0; i < q->n_by; i++) {
		buf_c(b, i ? "," : "/by=");
		enc_percent(b, q->by[i]);
	}
	for (size_t i = 0; i < q->n_tokens; i++) {
		buf_c(b, i ? "," : "/tokens=");
		enc_percent(b, q->tokens[i].name);
		buf_byte(b, ':');
		enc_percent(b, q->tokens[i].value);
	}
	if (q->subject.len) {
		buf_c(b, "/subject=");
		enc_percent(b, q->subject);
	}
	for (size_t i = 0; i < q->n_authors; i++) {
		buf_c(b, i ? "," : "/authors=");
		enc_percent(b, q->authors[i]);
	}
	if (q->within)
		buf_printf(b, "/within=%llu", (unsigned long long)q->within);
	if (q->is_participants)
		buf_c(b, "/participants");
}

void plan_name_question(struct arena *a, struct plan_question *q)
{
	AUTO(buf) struct buf b = BUF_INIT(SIZE_MAX / 2);
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];
	static const char *const kinds[] = { "find/", "thread/", "seen/",
		"dns/" };
	size_t head;

	buf_c(&b, kinds[q->kind]);
	if (q->kind == PLAN_DNS && q->n_fields) {
		enc_percent(&b, q->fields[0]);
		buf_byte(&b, '/');
	}
	enc_percent(&b, q->object);
	head = b.len;
	if (q->kind == PLAN_FIND)
		name_find(&b, q);
	else if (q->kind == PLAN_THREAD)
		name_thread(&b, q);
	if (b.len > 200) {
		hash_bytes(buf_view(&b), digest);
		hash_hex(digest, hex);
		b.len = MIN(head, 200);
		buf_c(&b, "/#");
		buf_c(&b, hex);
	}
	q->name = arena_str(a, buf_view(&b));
}

const char *plan_action_name(enum plan_action_kind kind)
{
	static const char *const names[] = { "keep", "discard", "fileinto",
		"redirect", "reject", "ereject", "vacation", "notify" };

	return names[kind];
}

const struct facts_answer *facts_find(const struct facts *f, struct str name)
{
	for (size_t i = 0; i < f->n_answers; i++)
		if (str_eq(f->answers[i].name, name))
			return &f->answers[i];
	return NULL;
}

struct str facts_row_get(const struct facts_row *row, struct str field)
{
	for (size_t i = 0; i < row->n_fields; i++)
		if (str_eq_case(row->fields[i].name, field))
			return row->fields[i].value;
	return STR_NULL;
}

#define KEY_LEN 52 /* letters of five bits for 256 bits */

static struct str make_key(
	struct arena *a, struct str identity, struct str route, struct str name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct hash *h = hash_begin();
	unsigned char digest[HASH_LEN];
	char *key = arena_alloc(a, KEY_LEN + 1);
	unsigned bits = 0, n_bits = 0;
	size_t at = 0;

	hash_field(h, identity);
	hash_field(h, route);
	hash_field(h, name);
	hash_end(h, digest);
	for (size_t i = 0; i < HASH_LEN; i++) {
		bits = bits << 8 | digest[i];
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			key[at++] = letters[bits >> (n_bits - 5) & 31];
	}
	key[at++] = letters[bits << (5 - n_bits) & 31];
	must(at == KEY_LEN);
	return str_n(key, KEY_LEN);
}

void plan_set_keys(
	struct arena *a, struct plan *p, struct str identity, struct str route)
{
	for (size_t i = 0; i < p->n_records; i++) {
		struct plan_record *r = &p->records[i];
		if (r->op == PLAN_CREATE || r->op == PLAN_UPSERT)
			r->key = make_key(a, identity, route, r->name);
	}
}

void plan_pieces_write(struct buf *out, const struct plan_piece *pieces,
	size_t n, struct str message)
{
	if (n == 0)
		buf_str(out, message);
	for (size_t i = 0; i < n; i++) {
		const struct plan_piece *p = &pieces[i];
		if (p->literal.len)
			buf_str(out, p->literal);
		else if (p->offset < message.len)
			buf_str(out, str_sub(message, p->offset, p->len));
	}
}
