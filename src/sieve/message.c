/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message.c - the current message: what a script has changed in it.
 *
 * The stored bytes are never rewritten. run->stored is the mail as it came and
 * run->mail the one that tests see:
 *
 *	stored   parsed from the stored bytes
 *	base     the stored one, or bytes that replace and enclose made here,
 *		 parsed again; `map` tells its bytes as pieces of the stored
 *ones run->mail  the base, or a view of it with other header fields
 *
 * What editheader does costs no more than an array of fields. An action carries
 * the message as it was when it was asked for: its pieces are made once for
 * each state, so that many actions share one array. They give the bytes
 * exactly: what stands between the fields (lines that are none) stays, even
 * where the field before it is gone.
 */
#include <mailmill/compose.h>

#include "message.h"

#define MESSAGE_FIELDS_MAX 2000 /* what a mail's reader takes of them */

struct message {
	struct mail *base; /* of whose raw bytes run->mail is made */
	bool is_viewed;	   /* run->mail is a view of it */
	struct plan_piece *map;
	size_t n_map; /* 0: the base is the stored mail */
	struct plan_piece *pieces;
	size_t n_pieces, cap_pieces;
	bool has_pieces;
};

/* As many steps as bytes are copied, roughly. */
#define BYTES_A_STEP 256

static struct message *message_of(struct sieve_run *r)
{
	if (!r->message) {
		r->message = ARENA_NEW(r->arena, struct message);
		r->message->base = r->mail;
	}
	return r->message;
}

void sieve_message_share(struct sieve_run *to, const struct sieve_run *from)
{
	size_t n;
	const struct mail_header *all;

	to->mail = from->mail;
	to->stored = from->stored;
	to->message = NULL;
	sieve_run_forget_headers(to);
	if (!from->message)
		return;
	to->message = ARENA_NEW(to->arena, struct message);
	*to->message = *from->message;
	if (!to->message->is_viewed)
		return;
	all = mail_headers(from->mail, &n);
	to->mail = mail_view(to->message->base, to->arena);
	mail_set_fields(to->mail, all, n);
}

/*
 * Pieces
 */

struct pieces {
	struct arena *arena;
	struct plan_piece *items;
	size_t n, cap;
};

static struct plan_piece *add_piece(struct pieces *p)
{
	if (p->n == p->cap) {
		p->cap = MAX((size_t)16, p->cap * 2);
		p->items = arena_grow(
			p->arena, p->items, p->n, p->cap, sizeof(*p->items));
	}
	return &p->items[p->n++];
}

static void add_literal(struct pieces *p, struct str literal)
{
	if (literal.len)
		*add_piece(p) = (struct plan_piece){ .literal = literal };
}

static void add_range(struct pieces *p, uint64_t from, uint64_t to)
{
	struct plan_piece *last = p->n ? &p->items[p->n - 1] : NULL;

	if (from >= to)
		return;
	if (last && !last->literal.len && last->offset + last->len == from)
		last->len += to - from;
	else
		*add_piece(p) = (struct plan_piece){ .offset = from,
			.len = to - from };
}

/*
 * The header
 */

static struct str line_end(const struct message *m)
{
	struct str raw = mail_raw(m->base);
	ssize_t lf = str_chr(raw, '\n');

	if (lf < 0)
		return str_chr(raw, '\r') < 0 ? STR("\r\n") : STR("\r");
	return lf && raw.p[lf - 1] == '\r' ? STR("\r\n") : STR("\n");
}

static uint64_t field_end(const struct message *m, const struct mail_header *h)
{
	return (uint64_t)(h->raw.p + h->raw.len - mail_raw(m->base).p);
}

/* Is about to add a line: the one before may be the last of all bytes. */
static void end_line(const struct message *m, struct pieces *p)
{
	struct str raw = mail_raw(m->base);
	const struct plan_piece *last = p->n ? &p->items[p->n - 1] : NULL;
	struct str eol = line_end(m);
	char c;

	if (!last)
		return;
	c = last->literal.len ? last->literal.p[last->literal.len - 1]
			      : raw.p[last->offset + last->len - 1];
	if (c != eol.p[eol.len - 1])
		add_literal(p, eol);
}

static void add_new_field(
	const struct message *m, struct pieces *p, const struct mail_header *h)
{
	end_line(m, p);
	add_literal(p,
		str_n(h->name.p, (size_t)(h->raw.p + h->raw.len - h->name.p)));
}

/* Adds what stands between a field of the base and the next one, if any. */
static void add_gap(const struct message *m, struct pieces *p,
	const struct mail_header *base, size_t n, size_t i)
{
	if (i + 1 < n)
		add_range(p, field_end(m, &base[i]), base[i + 1].offset);
}

/*
 * Adds the header with its empty line. Fields of the base stand in the order
 * that they have there.
 */
static void add_header(struct sieve_run *r, struct pieces *p)
{
	struct message *m = r->message;
	const struct mail_part *root = mail_root(m->base);
	size_t n, n_base, at = 0;
	const struct mail_header *all = mail_headers(r->mail, &n);
	const struct mail_header *base = mail_headers(m->base, &n_base);
	struct str tail;

	add_range(p, 0, n_base ? base[0].offset : 0);
	for (size_t i = 0; i < n; i++) {
		if (!mail_is_lent(m->base, &all[i])) {
			add_new_field(m, p, &all[i]);
			continue;
		}
		for (; base[at].offset != all[i].offset; at++)
			add_gap(m, p, base, n_base, at);
		add_range(p, base[at].offset, field_end(m, &base[at]));
		add_gap(m, p, base, n_base, at);
		at++;
	}
	for (; at < n_base; at++)
		add_gap(m, p, base, n_base, at);
	/* the end of the header: the empty line, if there is one */
	at = n_base ? (size_t)field_end(m, &base[n_base - 1]) : 0;
	tail = str_sub(mail_raw(m->base), at, (size_t)root->offset - at);
	if (tail.len || root->len)
		end_line(m, p);
	add_range(p, at, root->offset);
	if (!tail.len && root->len)
		add_literal(p, line_end(m));
}

/* Adds the whole message, as pieces of the base. */
static void add_message(struct sieve_run *r, struct pieces *p)
{
	struct message *m = r->message;
	uint64_t len = mail_raw(m->base).len;

	if (!m->is_viewed) {
		add_range(p, 0, len);
		return;
	}
	add_header(r, p);
	add_range(p, mail_root(m->base)->offset, len);
}

/* Adds pieces of the base as pieces of the stored message. */
static void add_mapped(const struct message *m, struct pieces *p,
	const struct plan_piece *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t from = list[i].offset, to = from + list[i].len, at = 0;

		if (list[i].literal.len) {
			add_literal(p, list[i].literal);
			continue;
		}
		if (!m->n_map)
			add_range(p, from, to);
		for (size_t k = 0; k < m->n_map && at < to; k++) {
			const struct plan_piece *of = &m->map[k];
			uint64_t len = of->literal.len ? of->literal.len
						       : of->len;
			uint64_t a = MAX(from, at), b = MIN(to, at + len);

			if (a < b && of->literal.len)
				add_literal(p,
					str_sub(of->literal, (size_t)(a - at),
						(size_t)(b - a)));
			else if (a < b)
				add_range(p, of->offset + (a - at),
					of->offset + (b - at));
			at += len;
		}
	}
}

void sieve_message_pieces(
	struct sieve_run *r, const struct plan_piece **pieces, size_t *n)
{
	struct message *m = r->message;
	struct pieces own = { .arena = r->arena }, out = own;

	*pieces = NULL;
	*n = 0;
	if (!m || (!m->is_viewed && !m->n_map))
		return;
	if (!m->has_pieces) {
		add_message(r, &own);
		add_mapped(m, &out, own.items, own.n);
		m->pieces = out.items;
		m->n_pieces = out.n;
		m->has_pieces = true;
	}
	*pieces = m->pieces;
	*n = m->n_pieces;
}

void sieve_message_fill(struct sieve_run *r, struct plan_action *a)
{
	const struct plan_piece *pieces;

	if (a->kind != PLAN_KEEP && a->kind != PLAN_FILEINTO &&
		a->kind != PLAN_REDIRECT)
		return;
	sieve_message_pieces(r, &pieces, &a->n_pieces);
	a->pieces = r->message ? r->message->pieces : NULL;
}

/*
 * Changing the header
 */

int sieve_message_set_fields(
	struct sieve_run *r, const struct mail_header *fields, size_t n)
{
	struct message *m = message_of(r);

	if (n > MESSAGE_FIELDS_MAX)
		return sieve_fail(
			r, "more than %d header fields", MESSAGE_FIELDS_MAX);
	if (!m->is_viewed) {
		struct mail_part *root = mail_root(m->base);
		r->mail = mail_view(m->base, r->arena);
		m->is_viewed = true;
		for (struct sieve_loop *l = r->loop; l; l = l->outer) {
			if (l->part == root)
				l->part = mail_root(r->mail);
			if (l->over == root)
				l->over = mail_root(r->mail);
		}
	}
	mail_set_fields(r->mail, fields, n);
	m->has_pieces = false;
	sieve_run_forget_headers(r);
	return sieve_step(r, 1 + n / 16);
}

struct mail_header sieve_message_field(
	struct sieve_run *r, struct str name, struct str composed)
{
	AUTO(buf) struct buf b = BUF_INIT(composed.len + 2);
	struct str eol = line_end(message_of(r)), line, text;

	while (str_cut_line(&composed, &line)) {
		if (!line.len)
			continue; /* behind the last line end */
		buf_str(&b, line);
		buf_str(&b, eol);
	}
	text = arena_str(r->arena, buf_view(&b));
	return (struct mail_header){
		.name = str_sub(text, 0, name.len),
		.raw = str_sub(text, name.len + 1, text.len),
	};
}

int sieve_message_add_field(
	struct sieve_run *r, const struct mail_header *field, bool is_last)
{
	size_t n;
	const struct mail_header *all = mail_headers(r->mail, &n);
	struct mail_header *list = arena_array(r->arena, n + 1, sizeof(*list));

	if (n)
		memcpy(list + (is_last ? 0 : 1), all, n * sizeof(*all));
	list[is_last ? n : 0] = *field;
	return sieve_message_set_fields(r, list, n + 1);
}
