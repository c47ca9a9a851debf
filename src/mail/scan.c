/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scan.c - finds the parts of a message by walking its lines once.
 *
 * A stack holds the boundaries of the multiparts that are open; any line that
 * is one of them ends all that is open within that multipart, so that a lost
 * end of an inner part does no harm. A part begins behind its boundary line,
 * its body behind the header's empty line; the line end before a boundary
 * belongs to the boundary (RFC 2046 5.1.1). message/rfc822 has one child that
 * is as long as itself, unless it is encoded, when it stays a leaf here: its
 * parts have no place in the message's bytes, and packed.c opens it. Whether a
 * multipart or message that claims to be encoded (which RFC 2045 6.4 forbids)
 * is so shows in its bytes: most are not.
 *
 * A multipart whose boundary is not given, or another one than stands in the
 * body, has the one that stands there above a line "Content-...".
 *
 * A boundary line must be nothing but the boundary, "--" and blanks, or go on
 * behind a blank. RFC 2046 5.1.1 asks for its beginning alone, but then
 * Apple-Mail-1 would match the lines of Apple-Mail-10 within it.
 *
 * Depth and number of parts, and the size of each header, have limits; beyond
 * them parts stay undivided and a defect tells it. Cost: one memchr a line, and
 * none where no boundary can come any more.
 */
#include <mailmill/enc.h>

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
	struct part *open;     /* innermost one */
	const struct part *as; /* of what the body is all, or NULL */
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

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') ||
	       ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

#define SURE_LEN 6 /* of a boundary that text does not hold by chance */

/* May a boundary line go on so? Behind the end mark more may than before. */
static bool may_follow(char c, bool is_close)
{
	return is_blank(c) || (is_close && !is_alnum(c) && c != '-' &&
				      c != '_' && c != '=' && c != '.');
}

/* Returns: the frame whose boundary the line is, or -1. */
static int match_boundary(const struct walk *w, struct str line, bool *is_close)
{
	struct str rest;

	if (line.len < 3 || line.p[0] != '-' || line.p[1] != '-')
		return -1;
	while (line.len && is_blank(line.p[line.len - 1]))
		line.len--;
	for (int k = (int)w->n_frames - 1; k >= 0; k--) {
		struct str b = w->frames[k].boundary;
		if (line.len < b.len + 2 || memcmp(line.p + 2, b.p, b.len))
			continue;
		rest = str_sub(line, b.len + 2, SIZE_MAX);
		*is_close = str_starts(rest, STR("--"));
		if (*is_close)
			rest = str_sub(rest, 2, SIZE_MAX);
		else if (str_eq(str_trim(rest), STR("--")))
			*is_close = true;
		if (!rest.len ||
			(b.len >= SURE_LEN && may_follow(*rest.p, *is_close)))
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

/* Is the body that begins at w->pos all of a part without a header? */
static bool is_bare(const struct walk *w, const struct part *p)
{
	return w->as && !p->pub.parent;
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

/* Names of encodings as they should have been written. */
static const char *const encodings[][2] = {
	{ "7-bit", "" },
	{ "7bit", "" },
	{ "8-bit", "8bit" },
	{ "base-64", "base64" },
	{ "base_64", "base64" },
	{ "base64-encoded", "base64" },
	{ "x-base64", "base64" },
	{ "mac-base64", "base64" },
	{ "quoted", "quoted-printable" },
	{ "quoted-printable-encoded", "quoted-printable" },
	{ "quoted_printable", "quoted-printable" },
	{ "quotedprintable", "quoted-printable" },
	{ "quoted-print", "quoted-printable" },
	{ "qp", "quoted-printable" },
	{ "x-qp", "quoted-printable" },
};

static struct str read_encoding(struct str s)
{
	for (size_t i = 0; i < COUNT(encodings); i++)
		if (str_eq(s, str_c(encodings[i][0])))
			return str_c(encodings[i][1]);
	return s.p ? s : STR("");
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
	pub->encoding = read_encoding(pub->encoding);
}

static struct part *add_part(struct walk *w, struct part *parent)
{
	struct part *p = ARENA_NEW(w->m->arena, struct part);

	p->owner = w->m;
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
		if (!p->is_packed)
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

#define GUESS_WITHIN ((size_t)16 * 1024) /* of a body, for its boundary */
#define GUESSED_MAX ((size_t)1 << 20)	 /* of all bodies */
#define GUESSES_MAX 10
#define BOUNDARY_MAX 200

/*
 * Does a line of the rest begin with this boundary? It costs a look at all of
 * it when none does, so after some such the answer is yes.
 */
static bool has_boundary(const struct walk *w, struct str boundary)
{
	struct str rest = str_sub(w->m->raw, w->pos, SIZE_MAX);
	ssize_t at;

	if (w->m->n_guesses >= GUESSES_MAX)
		return true;
	while ((at = str_find(rest, boundary)) >= 0) {
		const char *p = rest.p + at;
		size_t before = (size_t)(p - w->m->raw.p);
		if (before >= 2 && p[-1] == '-' && p[-2] == '-' &&
			(before == 2 || p[-3] == w->m->eol || p[-3] == '\n'))
			return true;
		rest = str_sub(rest, (size_t)at + 1, SIZE_MAX);
	}
	w->m->n_guesses++;
	return false;
}

/* Finds a line "--X" above one "Content-...". Returns: X, or the null string.
 */
static struct str guess_boundary(const struct walk *w)
{
	size_t pos = w->pos, end = MIN(w->m->raw.len, pos + GUESS_WITHIN);
	struct str last = STR_NULL;
	bool is_close;

	while (pos < end) {
		struct str line = cut_line(w->m, &pos);
		w->m->guessed += line.len + 1;
		if (match_boundary(w, line, &is_close) >= 0)
			return STR_NULL;
		if (last.p && str_starts_case(line, STR("content-")))
			return last;
		line = str_trim(line);
		last = STR_NULL;
		if (line.len > 3 && line.len < BOUNDARY_MAX &&
			str_starts(line, STR("--")) && str_chr(line, ' ') < 0)
			last = str_sub(line, 2, SIZE_MAX);
	}
	return STR_NULL;
}

/* Puts the boundary right, where the bytes show another one. */
static void mend_boundary(struct walk *w, struct part *p)
{
	struct str guess;

	if (w->m->n_guesses >= GUESSES_MAX || w->m->guessed > GUESSED_MAX)
		return;
	guess = guess_boundary(w);
	if (!guess.len || str_eq(guess, p->boundary))
		return;
	if (p->boundary.len && has_boundary(w, p->boundary))
		return;
	mail_tell_defect(w->m, "boundary", p->pub.header_offset,
		"a multipart's boundary is not the one in its body: that one "
		"is taken");
	p->boundary = guess;
}

/*
 * Are the bytes of a message quoted-printable? Then each "=" of its header
 * stands before two digits or at the line's end.
 */
static bool is_quoted_header(const struct walk *w)
{
	struct str head = str_sub(w->m->raw, w->pos, 4096);

	for (size_t i = 0; i + 2 < head.len; i++) {
		if (head.p[i] == '\n' &&
			(head.p[i + 1] == '\n' || head.p[i + 1] == '\r'))
			break;
		if (head.p[i] != '=' || head.p[i + 1] == '\r' ||
			head.p[i + 1] == '\n')
			continue;
		if (enc_hex_value(head.p[i + 1]) < 0 ||
			enc_hex_value(head.p[i + 2]) < 0)
			return false;
	}
	return true;
}

static bool is_base64_line(struct str line)
{
	size_t n = 0;

	while (n < line.len &&
		(is_alnum(line.p[n]) || line.p[n] == '+' || line.p[n] == '/'))
		n++;
	while (n < line.len && line.p[n] == '=')
		n++;
	return n == line.len;
}

/* Tells whether a message or multipart is encoded, as it claims. */
static bool is_encoded(struct walk *w, struct part *p)
{
	enum decode_kind kind = decode_kind(p->pub.encoding);
	size_t pos = w->pos;
	struct str line = STR("");

	if (kind == DECODE_IDENTITY)
		return false;
	if (p->is_multipart && p->boundary.len && has_boundary(w, p->boundary))
		return false;
	if (kind == DECODE_QUOTED_PRINTABLE)
		return p->is_multipart || is_quoted_header(w);
	while (!line.len && pos < w->m->raw.len)
		line = str_trim(cut_line(w->m, &pos));
	return kind != DECODE_BASE64 || is_base64_line(line);
}

static bool is_message_type(const struct mail_part *p)
{
	return str_eq(p->type, STR("message")) &&
	       (str_eq(p->subtype, STR("rfc822")) ||
		       str_eq(p->subtype, STR("global")) ||
		       str_eq(p->subtype, STR("news")));
}

static void set_kind(struct walk *w, struct part *p)
{
	p->is_multipart = str_eq(p->pub.type, STR("multipart"));
	p->is_message = is_message_type(&p->pub);
	if (p->is_multipart || p->is_message) {
		p->is_packed = is_encoded(w, p);
		if (p->is_packed)
			p->is_multipart = p->is_message = false;
		else if (p->is_multipart)
			mend_boundary(w, p);
	} else if (str_eq(p->pub.type, STR("application"))) {
		p->is_packed = str_eq(p->pub.subtype, STR("pkcs7-mime")) ||
			       str_eq(p->pub.subtype, STR("x-pkcs7-mime")) ||
			       str_ends(p->pub.filename, STR(".p7m"));
	}
	w->m->n_packed += p->is_packed;
}

static void take_outer(struct part *p, const struct part *as)
{
	struct mail_part *pub = &p->pub;

	pub->type = as->pub.type;
	pub->subtype = as->pub.subtype;
	pub->charset = as->pub.charset;
	p->boundary = as->boundary;
	p->report_type = as->report_type;
	p->has_fields = true;
}

/* Begins a part at w->pos, and those that begin at once within it. */
static void open_part(struct walk *w, struct part *parent)
{
	for (;;) {
		struct part *p = add_part(w, parent);
		if (is_bare(w, p))
			take_outer(p, w->as);
		else
			take_header(w, p);
		set_defaults(w->m->arena, p);
		p->pub.offset = w->pos;
		set_kind(w, p);
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

/* ---- encodings that are not what they claim ---- */

#define LOOK_WITHIN ((size_t)4096) /* of a body */
#define SURE_LINE 20		   /* characters of base64 that no word has */
#define FULL_LINE 60 /* characters of a line of base64, at least */

/* Cuts a line off, without blanks at its end. */
static bool cut_body_line(struct str *rest, struct str *line)
{
	if (!str_cut_line(rest, line))
		return false;
	*line = str_trim(*line);
	return true;
}

/*
 * Is it base64, though nobody says so? Full lines of the same length, of its
 * letters alone, and none of another kind.
 */
static bool looks_base64(struct str body)
{
	struct str rest = str_sub(body, 0, LOOK_WITHIN), line;
	size_t width = 0, n = 0;
	bool is_last = false, has_upper = false, has_lower = false,
	     has_digit = false;

	while (cut_body_line(&rest, &line)) {
		if (!line.len) {
			is_last |= width > 0;
			continue;
		}
		if (is_last || !is_base64_line(line))
			return false;
		if (!width &&
			(line.len < FULL_LINE || line.len > 76 || line.len % 4))
			return false;
		if (!width)
			width = line.len;
		is_last = line.len < width;
		/* the last line looked at may be cut */
		if (line.len > width ||
			(is_last && line.len % 4 && body.len <= LOOK_WITHIN))
			return false;
		for (size_t i = 0; i < line.len; i++) {
			has_upper |= line.p[i] >= 'A' && line.p[i] <= 'Z';
			has_lower |= line.p[i] >= 'a' && line.p[i] <= 'z';
			has_digit |= line.p[i] >= '0' && line.p[i] <= '9';
		}
		n++;
	}
	return n > 0 && has_upper && has_lower && has_digit;
}

/* How files of well-known kinds begin; DER, too. */
static const struct str magics[] = { STR("%PDF"), STR("PK\3\4"), STR("GIF8"),
	STR("\x89PNG"), STR("\xff\xd8\xff"), STR("{\\rtf"),
	STR("\xd0\xcf\x11\xe0"), STR("RIFF"), STR("\x1f\x8b"),
	STR("\x78\x9f\x3e\x22"), STR("II*\0"), STR("MM\0*"), STR("\x30\x82"),
	STR("\x30\x80"), STR("Rar!"), STR("ID3"), STR("<?xml") };

/* Decoded, does the first line make sense? */
static bool begins_well(struct str body, bool is_text)
{
	struct str line = STR(""), rest = body;
	char out[LOOK_WITHIN + DECODE_EXTRA];
	struct decode d;
	size_t n;

	while (!line.len && cut_body_line(&rest, &line))
		;
	line = str_sub(line, 0, LOOK_WITHIN);
	decode_init(&d, DECODE_BASE64);
	n = decode_feed(&d, line, out);
	for (size_t i = 0; i < COUNT(magics); i++)
		if (str_starts(str_n(out, n), magics[i]))
			return true;
	for (size_t i = 0; is_text && i < n; i++)
		if ((unsigned char)out[i] < ' ' && out[i] != '\t' &&
			out[i] != '\n' && out[i] != '\r' && out[i] != 0x1b)
			return false;
	return is_text && n > 0;
}

/*
 * Is it quoted-printable, though nobody says so? No "=" that could be anything
 * else, lines that end in "=", and escapes that nobody writes by hand: of "="
 * itself, and of bytes beyond ASCII.
 */
static bool looks_quoted(struct str body)
{
	struct str look = str_sub(body, 0, LOOK_WITHIN);
	size_t n_soft = 0, n_sure = 0;

	if (!memchr(look.p ? look.p : "", '=', look.len))
		return false;
	for (size_t i = 0; i + 2 < look.len; i++) {
		const char *p = look.p + i;
		if (*p != '=')
			continue;
		if (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n')) {
			n_soft++;
			continue;
		}
		if (enc_hex_value(p[1]) < 0 || enc_hex_value(p[2]) < 0 ||
			(p[1] >= 'a' && p[1] <= 'f') ||
			(p[2] >= 'a' && p[2] <= 'f'))
			return false;
		n_sure += enc_hex_value(p[1]) >= 8 ||
			  (p[1] == '3' && p[2] == 'D');
	}
	return n_soft >= 1 && n_sure >= 2;
}

/* Is it text, though base64 is claimed? Words and marks all over. */
static bool looks_plain(struct str body)
{
	struct str look = str_sub(body, 0, LOOK_WITHIN), rest = look;
	struct str line = STR("");
	size_t n_other = 0, n = 0;

	while (!line.len && cut_body_line(&rest, &line))
		;
	if (line.len >= SURE_LINE && line.len % 4 == 0 && is_base64_line(line))
		return false; /* what follows may be a footer */

	for (size_t i = 0; i < look.len; i++) {
		char c = look.p[i];
		if (c == '\r' || c == '\n')
			continue;
		n++;
		n_other += !is_alnum(c) && c != '+' && c != '/' && c != '=';
	}
	return n >= 20 && n_other * 10 > n;
}

/* Puts the encoding of a leaf right where its bytes leave no doubt. */
static void mend_part(struct part *p)
{
	struct str body = part_raw(p), *encoding = &p->pub.encoding;
	enum decode_kind kind = decode_kind(*encoding);
	bool is_text = str_eq(p->pub.type, STR("text"));
	const char *is_it = NULL;

	if (p->is_multipart && !p->pub.first)
		p->is_multipart = false; /* its text is all that there is */
	if (p->pub.first || !body.len ||
		(p->is_packed && !str_eq(p->pub.type, STR("application"))))
		return;
	if (kind == DECODE_BASE64 && looks_plain(body))
		is_it = "";
	else if (kind == DECODE_IDENTITY && is_text && looks_quoted(body))
		is_it = "quoted-printable";
	else if (kind == DECODE_IDENTITY && looks_base64(body) &&
		 begins_well(body, is_text))
		is_it = "base64";
	if (!is_it)
		return;
	mail_tell_defect(p->owner, "encoding", p->pub.offset,
		"a part that claims to be %.*s is %s: read so",
		STR_ARG(encoding->len ? *encoding : STR("7bit")),
		*is_it ? is_it : "not");
	*encoding = str_c(is_it);
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
		mend_part(p);
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

void scan_parts(struct mail *m, const struct part *as)
{
	struct walk w = { .m = m, .as = as };
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
