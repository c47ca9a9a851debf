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
 *
 * Replaced parts wait until something has to see them, so that a script may
 * take thirty files out of a large mail for the price of one.
 */
#include <mailmill/compose.h>
#include <mailmill/hash.h>

#include "message.h"

#define MESSAGE_FIELDS_MAX 2000 /* what a mail's reader takes of them */

/* A part that replace has changed and nobody has looked at since. */
struct replaced {
	const struct mail_part *part;
	struct str entity;
};

struct message {
	struct mail *base; /* of whose raw bytes run->mail is made */
	bool is_viewed;	   /* run->mail is a view of it */
	struct plan_piece *map;
	size_t n_map; /* 0: the base is the stored mail */
	struct plan_piece *pieces;
	size_t n_pieces, cap_pieces;
	bool has_pieces;
	struct replaced *replaced; /* parts of the base, in their order */
	size_t n_replaced, cap_replaced;
	bool is_enclosed; /* redirect still sends what was enclosed first: */
	const struct plan_piece *inner;
	size_t n_inner;
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
 * Adds the header, with an empty line if there was one or a body is to follow.
 * Fields of the base stand in the order
 * that they have there.
 */
static void add_header(struct sieve_run *r, struct pieces *p, bool has_body)
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
	has_body |= root->len > 0;
	if (tail.len || has_body)
		end_line(m, p);
	add_range(p, at, root->offset);
	if (!tail.len && has_body)
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
	add_header(r, p, false);
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

int sieve_message_pieces(
	struct sieve_run *r, const struct plan_piece **pieces, size_t *n)
{
	struct message *m = r->message;
	struct pieces own = { .arena = r->arena }, out = own;

	*pieces = NULL;
	*n = 0;
	if (sieve_message_flush(r) < 0)
		return SIEVE_FAILED;
	if (!m || (!m->is_viewed && !m->n_map))
		return 0;
	if (!m->has_pieces) {
		add_message(r, &own);
		add_mapped(m, &out, own.items, own.n);
		m->pieces = out.items;
		m->n_pieces = out.n;
		m->has_pieces = true;
	}
	*pieces = m->pieces;
	*n = m->n_pieces;
	return 0;
}

int sieve_message_fill(struct sieve_run *r, struct plan_action *a)
{
	const struct plan_piece *pieces;

	if (a->kind != PLAN_KEEP && a->kind != PLAN_FILEINTO &&
		a->kind != PLAN_REDIRECT)
		return 0;
	if (a->kind == PLAN_REDIRECT && r->message && r->message->is_enclosed) {
		pieces = r->message->inner; /* RFC 5703 section 6 */
		a->n_pieces = r->message->n_inner;
	} else if (sieve_message_pieces(r, &pieces, &a->n_pieces) < 0) {
		return SIEVE_FAILED;
	}
	a->pieces = (struct plan_piece *)(uintptr_t)pieces;
	return 0;
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

/*
 * Changing the body: the new bytes are put together and parsed again
 */

/* Ends lines as the message does. Lends: in run->arena. */
static struct str with_line_ends(struct sieve_run *r, struct str text)
{
	struct str eol = line_end(message_of(r)), line;
	AUTO(buf) struct buf b = BUF_INIT(text.len * 2 + 2);
	bool is_ended = text.len && strchr("\r\n", text.p[text.len - 1]);

	for (bool is_first = true; str_cut_line(&text, &line);
		is_first = false) {
		if (!is_first)
			buf_str(&b, eol);
		buf_str(&b, line);
	}
	if (is_ended)
		buf_str(&b, eol);
	return arena_str(r->arena, buf_view(&b));
}

static uint64_t piece_len(const struct plan_piece *p)
{
	return p->literal.len ? p->literal.len : p->len;
}

/* Finds where a part of the old tree is in the new one. Returns: or NULL. */
static struct mail_part *find_part(
	struct mail *mail, const struct mail_part *old, bool is_enclosed)
{
	struct mail_part *part;

	if (!old->parent) {
		part = mail_root(mail);
		if (!is_enclosed)
			return part;
		part = part->first ? part->first->next : NULL;
		return part ? part->first : NULL;
	}
	part = find_part(mail, old->parent, is_enclosed);
	part = part ? part->first : NULL;
	for (const struct mail_part *p = old->parent->first; part && p != old;
		p = p->next)
		part = part->next;
	return part;
}

/* Loops go on in the new tree, at the places where they were. */
static void move_loops(struct sieve_run *r, bool is_enclosed)
{
	for (struct sieve_loop *l = r->loop; l; l = l->outer) {
		struct mail_part *part = find_part(
			r->mail, l->part, is_enclosed);
		struct mail_part *over = NULL;

		if (l->over)
			over = find_part(r->mail, l->over, is_enclosed);
		l->is_lost |= !part || (l->over && !over);
		l->part = part ? part : mail_root(r->mail);
		l->over = over;
	}
}

/* Makes pieces of the base the message. Returns: 0 or SIEVE_FAILED. */
static int rebuild(
	struct sieve_run *r, const struct pieces *own, bool is_enclosed)
{
	struct message *m = r->message;
	struct pieces map = { .arena = r->arena };
	struct str raw = mail_raw(m->base);
	uint64_t len = 0, at = 0;
	char *bytes;

	for (size_t i = 0; i < own->n; i++)
		len += piece_len(&own->items[i]);
	if (sieve_step(r, 1 + len / BYTES_A_STEP) < 0)
		return SIEVE_FAILED;
	bytes = arena_alloc(r->arena, (size_t)len + 1);
	for (size_t i = 0; i < own->n; i++) {
		const struct plan_piece *p = &own->items[i];
		memcpy(bytes + at,
			p->literal.len ? p->literal.p : raw.p + p->offset,
			(size_t)piece_len(p));
		at += piece_len(p);
	}
	add_mapped(m, &map, own->items, own->n);
	if (map.n > PLAN_PIECES_MAX - 10) /* some for a redirect's trace */
		return sieve_fail(r, "too many changes of the message");
	if (!map.n) /* none would mean: as it came */
		add_piece(&map);
	m->base = mail_parse_in(r->arena, str_n(bytes, (size_t)len));
	m->is_viewed = false;
	m->map = m->pieces = map.items;
	m->n_map = m->n_pieces = map.n;
	m->has_pieces = true;
	r->mail = m->base;
	r->mail_number++;
	sieve_run_forget_headers(r);
	move_loops(r, is_enclosed);
	return sieve_step(r, 1);
}

static uint64_t part_end(const struct mail_part *part)
{
	return part->offset + part->len;
}

static void add_entity(
	struct sieve_run *r, struct pieces *own, const struct replaced *one)
{
	struct message *m = r->message;
	struct str raw = mail_raw(m->base);
	uint64_t end = part_end(one->part);

	end_line(m, own);
	add_literal(own, with_line_ends(r, one->entity));
	/* the line end before a boundary belongs to it */
	if (end < raw.len && !strchr("\r\n", raw.p[end]))
		add_literal(own, line_end(m));
}

int sieve_message_flush(struct sieve_run *r)
{
	struct message *m = r->message;
	struct pieces own = { .arena = r->arena };
	uint64_t at;

	if (!m || !m->n_replaced)
		return 0;
	at = mail_root(m->base)->offset;
	if (m->is_viewed)
		add_header(r, &own, false);
	else
		add_range(&own, 0, at);
	for (size_t i = 0; i < m->n_replaced; i++) {
		add_range(&own, at, m->replaced[i].part->header_offset);
		add_entity(r, &own, &m->replaced[i]);
		at = part_end(m->replaced[i].part);
	}
	add_range(&own, at, mail_raw(m->base).len);
	m->n_replaced = 0;
	return rebuild(r, &own, false);
}

/* Words that no part matters to, or that flush when it does. */
static const char *const careful[] = { "if", "elsif", "else", "not", "allof",
	"anyof", "true", "false", "header", "address", "exists", "set",
	"string", "addheader", "deleteheader", "replace", "foreverypart",
	"break" };

int sieve_message_flush_for(struct sieve_run *r, const struct sieve_node *n)
{
	if (!r->message->n_replaced)
		return 0;
	for (size_t i = 0; i < COUNT(careful); i++)
		if (!strcmp(n->word->name, careful[i]))
			return 0;
	return sieve_message_flush(r);
}

int sieve_message_replace(
	struct sieve_run *r, struct mail_part *part, struct str entity)
{
	struct message *m = message_of(r);
	size_t from = m->n_replaced, to = from;

	must(part->parent);
	/* those before it, then those in it, which are gone */
	while (from && m->replaced[from - 1].part->header_offset >=
			       part->header_offset)
		from--;
	for (to = from; to < m->n_replaced &&
			m->replaced[to].part->header_offset < part_end(part);)
		to++;
	if (m->n_replaced == m->cap_replaced) {
		m->cap_replaced = MAX((size_t)16, m->cap_replaced * 2);
		m->replaced = arena_grow(r->arena, m->replaced, m->n_replaced,
			m->cap_replaced, sizeof(*m->replaced));
	}
	if (to == from && from < m->n_replaced)
		memmove(&m->replaced[from + 1], &m->replaced[from],
			(m->n_replaced - from) * sizeof(*m->replaced));
	else if (to > from + 1)
		memmove(&m->replaced[from + 1], &m->replaced[to],
			(m->n_replaced - to) * sizeof(*m->replaced));
	m->n_replaced = m->n_replaced + 1 - (to - from);
	m->replaced[from] = (struct replaced){ part, entity };
	r->loop->is_replaced = true;
	return sieve_step(r, 1);
}

int sieve_message_set_body(struct sieve_run *r, struct str body)
{
	struct message *m = message_of(r);
	struct pieces own = { .arena = r->arena };

	m->n_replaced = 0; /* none of them is left */
	if (m->is_viewed) {
		add_header(r, &own, true);
	} else {
		add_range(&own, 0, mail_root(m->base)->offset);
	}
	add_literal(&own, with_line_ends(r, body));
	if (r->loop)
		r->loop->is_replaced = true;
	return rebuild(r, &own, false);
}

/*
 * Enclosing
 */

static bool is_listed(struct str name, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(names[i], name))
			return true;
	return false;
}

bool sieve_message_is_mime_field(struct str name)
{
	return str_starts_case(name, STR("content-")) ||
	       str_eq_case(name, STR("mime-version"));
}

static void add_copies(struct sieve_run *r, struct pieces *own,
	const struct str *names, size_t n_names)
{
	struct message *m = r->message;
	size_t n;
	const struct mail_header *all = mail_headers(r->mail, &n);

	for (size_t i = 0; i < n; i++) {
		if (!is_listed(all[i].name, names, n_names) ||
			sieve_message_is_mime_field(all[i].name))
			continue;
		end_line(m, own);
		if (mail_is_lent(m->base, &all[i]))
			add_range(own, all[i].offset, field_end(m, &all[i]));
		else
			add_new_field(m, own, &all[i]);
	}
}

/* No message can hold the hash of all of itself. */
static struct str make_boundary(struct sieve_run *r, struct str text)
{
	struct hash *h = hash_begin();
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	hash_field(h, text);
	hash_field(h, mail_raw(r->message->base));
	hash_end(h, digest);
	hash_hex(digest, hex);
	return str_c(arena_printf(r->arena, "=_%.40s", hex));
}

static bool is_ascii(struct str s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.len; i++)
		all |= (unsigned char)s.p[i];
	return all < 0x80;
}

int sieve_message_enclose(struct sieve_run *r, struct str header,
	const struct str *copied, size_t n_copied, struct str text)
{
	struct message *m = message_of(r);
	struct pieces own = { .arena = r->arena };
	struct str boundary = make_boundary(r, text);
	AUTO(buf) struct buf b = BUF_INIT((text.len + header.len) * 4 + 4096);

	if (!m->is_enclosed) {
		if (sieve_message_pieces(r, &m->inner, &m->n_inner) < 0)
			return SIEVE_FAILED;
		m->is_enclosed = true;
	}
	add_copies(r, &own, copied, n_copied);
	end_line(m, &own);
	buf_str(&b, header);
	buf_printf(&b,
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed;\r\n boundary=\"%.*s\"\r\n\r\n"
		"--%.*s\r\n",
		STR_ARG(boundary), STR_ARG(boundary));
	compose_entity(&b, STR("text/plain; charset=utf-8"), text);
	buf_printf(&b, "\r\n--%.*s\r\nContent-Type: message/rfc822\r\n%s\r\n",
		STR_ARG(boundary),
		is_ascii(mail_raw(m->base))
			? ""
			: "Content-Transfer-Encoding: 8bit\r\n");
	add_literal(&own, with_line_ends(r, buf_view(&b)));
	add_message(r, &own);
	add_literal(&own, with_line_ends(r, str_c(arena_printf(r->arena,
						    "\r\n--%.*s--\r\n",
						    STR_ARG(boundary)))));
	return rebuild(r, &own, true);
}

bool sieve_message_find(
	struct sieve_run *r, uint64_t offset, uint64_t len, uint64_t *stored)
{
	struct plan_piece piece = { .offset = offset, .len = len };
	struct pieces out = { .arena = r->arena };

	*stored = offset;
	if (!r->message || !r->message->n_map)
		return true;
	add_mapped(r->message, &out, &piece, 1);
	if (out.n != 1 || out.items[0].literal.len)
		return false;
	*stored = out.items[0].offset;
	return true;
}
