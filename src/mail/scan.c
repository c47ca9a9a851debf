/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scan.c - finds the parts of a message by walking its lines once.
 *
 * A stack holds the boundaries of the multiparts that are open; any line that
 * is one of them ends all that is open within that multipart, so that a lost
 * end of an inner part does no harm. A part begins behind its boundary line,
 * its body behind the header's empty line; the line end before a boundary
 * belongs to the boundary (RFC 2046 5.1.1). message/rfc822 has one child that
 * is as long as itself, unless it is encoded, when it stays a leaf: its parts
 * would have no place in the message's bytes.
 *
 * A boundary line must be nothing but the boundary, "--" and blanks, as GMime
 * and Python have it. RFC 2046 5.1.1 asks for its beginning alone, but then
 * Apple-Mail-1 would match the lines of Apple-Mail-10 within it.
 *
 * Depth and number of parts, and the size of each header, have limits; beyond
 * them parts stay undivided and a defect tells it. Cost: one memchr a line, and
 * none where no boundary can come any more.
 */
#include "inside.h"

struct frame {
	struct part *part;
	struct str boundary;
};

struct walk {
	struct mail *m;
	size_t pos;
	struct frame frames[MAIL_DEPTH_MAX];
	unsigned n_frames;
	struct part *open; /* innermost one */
};

/* Cuts the line at *pos, without its end. */
static struct str cut_line(const struct mail *m, size_t *pos)
{
	const char *p = m->raw.p + *pos;
	size_t left = m->raw.len - *pos;
	const char *nl = memchr(p, m->eol, left);
	size_t len = nl ? (size_t)(nl - p) : left;

	*pos += nl ? len + 1 : len;
	while (len && p[len - 1] == '\r')
		len--;
	return str_n(p, len);
}

/* Returns: the frame whose boundary the line is, or -1. */
static int match_boundary(const struct walk *w, struct str line, bool *is_close)
{
	if (line.len < 3 || line.p[0] != '-' || line.p[1] != '-')
		return -1;
	while (line.len && is_blank(line.p[line.len - 1]))
		line.len--;
	for (int k = (int)w->n_frames - 1; k >= 0; k--) {
		struct str b = w->frames[k].boundary;
		if (line.len < b.len + 2 || memcmp(line.p + 2, b.p, b.len))
			continue;
		*is_close = false;
		if (line.len == b.len + 2)
			return k;
		*is_close = true;
		if (line.len == b.len + 4 && line.p[b.len + 2] == '-' &&
			line.p[b.len + 3] == '-')
			return k;
	}
	return -1;
}

static bool stop_at_boundary(void *ctx, struct str line)
{
	bool is_close;

	return match_boundary(ctx, line, &is_close) >= 0;
}

static void take_field(
	struct mail *m, struct part *p, const struct mail_header *h)
{
	struct str name = h->name;

	if (name.len < 10 || !str_starts_case(name, STR("content-")))
		return;
	name = str_sub(name, 8, name.len);
	/* of several the first counts, as for all fields */
	if (str_eq_case(name, STR("type"))) {
		if (!p->pub.type.p)
			header_content_type(m, p, h->raw);
	} else if (str_eq_case(name, STR("disposition"))) {
		if (!p->pub.disposition.p)
			header_disposition(m, p, h->raw);
	} else if (str_eq_case(name, STR("transfer-encoding"))) {
		if (!p->pub.encoding.p)
			p->pub.encoding = header_token(m->arena, h->raw);
	} else if (str_eq_case(name, STR("id"))) {
		if (!p->pub.content_id.p) {
			struct str id = header_decode(m->arena, h->raw);
			if (id.len && id.p[0] == '<')
				id = str_sub(id, 1, id.len);
			if (id.len && id.p[id.len - 1] == '>')
				id.len--;
			p->pub.content_id = id;
		}
	}
}

static void take_header(struct walk *w, struct part *p)
{
	struct mail *m = w->m;
	struct header_reader r = {
		.raw = m->raw,
		.pos = w->pos,
		.begin = w->pos,
		.end = m->raw.len,
		.eol = m->eol,
		.is_root = !p->pub.parent || part_of(p->pub.parent)->is_message,
		.is_stop = w->n_frames ? stop_at_boundary : NULL,
		.ctx = w,
	};
	struct mail_header h;
	struct fields *fields = &p->fields;
	size_t cap = 0;

	while (header_next(&r, &h)) {
		take_field(m, p, &h);
		if (p->pub.parent)
			continue;
		if (fields->n == cap) {
			size_t more = cap ? cap * 2 : 32;
			fields->items = arena_grow(
				m->arena, fields->items, cap, more, sizeof(h));
			cap = more;
		}
		fields->items[fields->n++] = h;
	}
	p->has_fields = !p->pub.parent;
	w->pos = r.pos;
	if (r.is_bad)
		mail_tell_defect(m, "field", p->pub.header_offset,
			"the header has lines that are no field: joined to the "
			"field before, or the body begins there");
	if (r.is_over)
		mail_tell_defect(m, "many-fields", p->pub.header_offset,
			"the header has more than %d fields: the rest is left "
			"out",
			MAIL_FIELDS_MAX);
}

static void set_defaults(struct arena *a, struct part *p)
{
	struct mail_part *pub = &p->pub;
	bool is_in_digest = pub->parent &&
			    str_eq(pub->parent->subtype, STR("digest")) &&
			    str_eq(pub->parent->type, STR("multipart"));

	if (!pub->type.p) {
		pub->type = is_in_digest ? STR("message") : STR("text");
		pub->subtype = is_in_digest ? STR("rfc822") : STR("plain");
	}
	if (!pub->charset.p)
		pub->charset = STR("");
	if (!pub->disposition.p)
		pub->disposition = STR("");
	if (!pub->filename.len)
		pub->filename = p->name;
	pub->filename = pub->filename.len ? attach_safe_name(a, pub->filename)
					  : STR("");
	if (!pub->content_id.p)
		pub->content_id = STR("");
	if (!pub->encoding.p || str_eq(pub->encoding, STR("7bit")))
		pub->encoding = STR("");
}

static struct part *add_part(struct walk *w, struct part *parent)
{
	struct part *p = ARENA_NEW(w->m->arena, struct part);

	p->pub.number = w->m->n_parts++;
	p->pub.header_offset = w->pos;
	if (parent) {
		p->pub.parent = &parent->pub;
		p->pub.depth = parent->pub.depth + 1;
		if (parent->last)
			parent->last->pub.next = &p->pub;
		else
			parent->pub.first = &p->pub;
		parent->last = p;
	}
	return p;
}

static bool is_container(struct walk *w, struct part *p)
{
	struct mail *m = w->m;

	if (!p->is_multipart && !p->is_message)
		return false;
	if (p->is_multipart && p->boundary.len == 0) {
		mail_tell_defect(m, "no-boundary", p->pub.header_offset,
			"a multipart names no boundary: read as text");
		return false;
	}
	if (p->pub.depth + 1 >= MAIL_DEPTH_MAX) {
		mail_tell_defect(m, "deep", p->pub.header_offset,
			"parts are nested more than %d deep: what is deeper is "
			"not divided",
			MAIL_DEPTH_MAX);
		return false;
	}
	return p->is_multipart || m->n_parts < MAIL_PARTS_MAX;
}

/* Begins a part at w->pos, and those that begin at once within it. */
static void open_part(struct walk *w, struct part *parent)
{
	for (;;) {
		struct part *p = add_part(w, parent);
		take_header(w, p);
		set_defaults(w->m->arena, p);
		p->pub.offset = w->pos;
		p->is_multipart = str_eq(p->pub.type, STR("multipart"));
		p->is_message = str_eq(p->pub.type, STR("message")) &&
				(str_eq(p->pub.subtype, STR("rfc822")) ||
					str_eq(p->pub.subtype, STR("global")) ||
					str_eq(p->pub.subtype, STR("news"))) &&
				decode_kind(p->pub.encoding) == DECODE_IDENTITY;
		w->open = p;
		if (!parent)
			w->m->root = p;
		if (!is_container(w, p)) {
			p->is_message = p->is_multipart = false;
			return;
		}
		if (p->is_multipart) {
			w->frames[w->n_frames++] = (struct frame){ p,
				p->boundary };
			return;
		}
		parent = p;
	}
}

/* Ends all that is open within `outer` (NULL: all), before `end`. */
static void close_parts(struct walk *w, struct part *outer, size_t end)
{
	struct part *p = w->open;

	/* a header without a body ends where its boundary begins */
	if (p != outer)
		end = MAX(end, p->pub.offset);
	while (p != outer) {
		p->pub.len = end - p->pub.offset;
		p = p->pub.parent ? part_of(p->pub.parent) : NULL;
	}
	w->open = outer;
}

static size_t before_line_end(const struct mail *m, size_t at)
{
	if (at && m->raw.p[at - 1] == m->eol)
		at--;
	if (m->eol == '\n' && at && m->raw.p[at - 1] == '\r')
		at--;
	return at;
}

static void take_boundary(struct walk *w, int k, bool is_close, size_t line_at)
{
	struct part *multi = w->frames[k].part;

	close_parts(w, multi, before_line_end(w->m, line_at));
	if (is_close) {
		w->n_frames = (unsigned)k;
		multi->is_closed = true;
		return;
	}
	w->n_frames = (unsigned)k + 1;
	if (w->pos == w->m->raw.len)
		return; /* a last line where the end line should be */
	if (w->m->n_parts < MAIL_PARTS_MAX)
		open_part(w, multi);
	else if (w->m->n_parts++ == MAIL_PARTS_MAX)
		mail_tell_defect(w->m, "many-parts", line_at,
			"more than %d parts: the rest is left out",
			MAIL_PARTS_MAX);
}

static void tell_unclosed(struct walk *w)
{
	if (w->n_frames)
		mail_tell_defect(w->m, "no-end", w->m->raw.len,
			"a multipart has no end line: ended with the message");
}

void scan_parts(struct mail *m)
{
	struct walk w = { .m = m };
	size_t kept = 0;

	open_part(&w, NULL);
	while (w.n_frames && w.pos < m->raw.len) {
		size_t at = w.pos;
		bool is_close;
		struct str line = cut_line(m, &w.pos);
		int k = match_boundary(&w, line, &is_close);
		if (k >= 0)
			take_boundary(&w, k, is_close, at);
		if (w.pos - kept > MAIL_FORGET) {
			mail_forget(m, m->raw.p + kept, m->raw.p + w.pos);
			kept = w.pos;
		}
	}
	tell_unclosed(&w);
	close_parts(&w, NULL, m->raw.len);
}
