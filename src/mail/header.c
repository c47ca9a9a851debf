/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * header.c - header fields: where they are, what they say (RFC 5322, 2047,
 * 2231, 6532, and what is sent instead).
 *
 * Fields are slices of the raw bytes; values are decoded when first wanted. A
 * value without folds, encoded words and 8-bit bytes is lent as it is, which is
 * most of them. Parameters go to GMime, with limits on length and number, since
 * some of its loops are quadratic. Encoded words: header_words.c.
 */
#include <gmime/gmime.h>
/* GLib has these too */
#undef MIN
#undef MAX

#include "inside.h"

/* Made once by header_init(), then only read. */
static GMimeParserOptions *options;

void header_init(void)
{
	static const char *fallback[] = { "utf-8", "windows-1252", NULL };

	if (options)
		return;
	g_mime_init();
	options = g_mime_parser_options_clone(NULL);
	g_mime_parser_options_set_fallback_charsets(options, fallback);
}

/* ---- finding fields ---- */

static struct str cut_line(const struct header_reader *r, size_t *pos)
{
	const char *p = r->raw.p + *pos;
	size_t left = r->end - *pos;
	const char *nl = memchr(p, r->eol, left);
	size_t len = nl ? (size_t)(nl - p) : left;

	*pos += nl ? len + 1 : len;
	while (len && p[len - 1] == '\r')
		len--;
	return str_n(p, len);
}

/* Returns: the length of the field's name, or 0 when the line is no field. */
static size_t measure_name(struct str line, size_t *colon)
{
	size_t n = 0, i;

	if (str_starts(line, STR("--"))) /* a boundary with a colon in it */
		return 0;
	while (n < line.len && line.p[n] > ' ' && line.p[n] < 127 &&
		line.p[n] != ':')
		n++;
	for (i = n; i < line.len && is_blank(line.p[i]);)
		i++;
	if (n == 0 || i >= line.len || line.p[i] != ':')
		return 0;
	*colon = i;
	return n;
}

/* Fields after which nobody can doubt that the header goes on. */
static const char *const known_names[] = { "bcc", "cc", "content-type",
	"content-transfer-encoding", "date", "delivered-to", "dkim-signature",
	"from", "in-reply-to", "list-id", "message-id", "mime-version",
	"precedence", "received", "references", "reply-to", "return-path",
	"sender", "subject", "to", "user-agent", "x-mailer" };

static bool is_known(struct str name)
{
	for (size_t i = 0; i < COUNT(known_names); i++)
		if (str_eq_case(name, str_c(known_names[i])))
			return true;
	return false;
}

#define LOOK_AHEAD 20

/* Tells whether known fields follow before an empty or boundary line. */
static bool is_header_ahead(const struct header_reader *r, size_t pos)
{
	size_t colon;

	for (int i = 0; i < LOOK_AHEAD && pos < r->end; i++) {
		struct str line = cut_line(r, &pos);
		size_t n = measure_name(line, &colon);
		if (line.len == 0 || str_starts(line, STR("--")))
			return false;
		if (n && is_known(str_sub(line, 0, n)))
			return true;
	}
	return false;
}

/* A line of blanks ends the header, unless it plainly goes on. */
static bool is_end_line(
	const struct header_reader *r, struct str line, size_t next)
{
	size_t colon;

	if (line.len == 0)
		return true;
	if (str_trim(line).len)
		return false;
	if (next >= r->end)
		return true;
	line = cut_line(r, &next);
	return line.len == 0 ||
	       (!is_blank(line.p[0]) && !measure_name(line, &colon));
}

static bool is_stop_line(const struct header_reader *r, struct str line)
{
	return r->is_stop && str_starts(line, STR("--")) &&
	       r->is_stop(r->ctx, line);
}

/* A field whose name has bytes that no name may have: nobody can ask for it. */
static bool is_misnamed(struct str line)
{
	size_t n = 0;
	bool has_high = false;

	while (n < line.len && (unsigned char)line.p[n] > ' ' &&
		line.p[n] != ':') {
		has_high |= (unsigned char)line.p[n] >= 127;
		n++;
	}
	return has_high && n && n < line.len && line.p[n] == ':';
}

/* Extends a field over the lines that belong to it. Returns: its end. */
static size_t extend_field(struct header_reader *r, size_t pos)
{
	size_t colon;

	while (pos < r->end) {
		size_t next = pos;
		struct str line = cut_line(r, &next);
		if (is_stop_line(r, line) || is_end_line(r, line, next))
			break;
		if (!is_blank(line.p[0])) {
			if (measure_name(line, &colon) || !r->is_root ||
				is_misnamed(line) || !is_header_ahead(r, next))
				break;
			r->is_bad = true;
		}
		pos = next;
	}
	return pos;
}

static bool is_mbox_line(struct str line)
{
	return str_starts(line, STR("From ")) ||
	       str_starts(line, STR(">From "));
}

static bool is_header_behind_empty(const struct header_reader *r, size_t pos)
{
	size_t next = pos;

	for (int i = 0; i < LOOK_AHEAD && pos < r->end; i++) {
		if (cut_line(r, &next).len)
			return is_header_ahead(r, pos);
		pos = next;
	}
	return false;
}

/* Deals with what is no field. Returns: whether to go on reading. */
static bool skip_line(
	struct header_reader *r, struct str line, size_t at, size_t next)
{
	if (r->is_root && r->n == 0 &&
		(is_mbox_line(line) ||
			(line.len == 0 && is_header_behind_empty(r, next)))) {
		r->pos = next;
		return true;
	}
	if (is_end_line(r, line, next)) {
		r->pos = r->end = next;
		return false;
	}
	r->is_bad = true;
	if (is_blank(line.p[0]) || (r->is_root && is_misnamed(line))) {
		r->pos = next;
		return true;
	}
	r->end = at; /* the empty line is missing: the body begins here */
	return false;
}

bool header_next(struct header_reader *r, struct mail_header *out)
{
	if (r->pos == r->begin &&
		str_starts(str_sub(r->raw, r->pos, 3), STR("\xef\xbb\xbf")))
		r->pos += 3; /* a byte order mark, of an editor */
	while (r->pos < r->end) {
		size_t at = r->pos, next = at, colon = 0;
		struct str line = cut_line(r, &next);
		size_t n = measure_name(line, &colon);
		if (is_stop_line(r, line)) {
			r->end = at;
			return false;
		}
		if (!n) {
			if (!skip_line(r, line, at, next))
				return false;
			continue;
		}
		r->pos = extend_field(r, next);
		if (++r->n > MAIL_FIELDS_MAX) {
			r->is_over = true;
			continue;
		}
		out->name = str_sub(line, 0, n);
		out->raw = str_sub(
			r->raw, at + colon + 1, r->pos - at - colon - 1);
		out->value = STR_NULL;
		out->offset = at;
		return true;
	}
	return false;
}

struct fields *header_fields(struct mail *m, struct part *p)
{
	struct header_reader r = {
		.raw = p->owner->raw,
		.pos = p->pub.header_offset,
		.begin = p->pub.header_offset,
		.end = p->pub.offset,
		.eol = p->owner->eol,
		.is_root = !p->pub.parent || part_of(p->pub.parent)->is_message,
	};
	struct mail_header h;
	size_t cap = 0;

	if (p->has_fields)
		return &p->fields;
	p->has_fields = true;
	while (header_next(&r, &h)) {
		if (p->fields.n == cap) {
			size_t more = cap ? cap * 2 : 8;
			p->fields.items = arena_grow(m->arena, p->fields.items,
				cap, more, sizeof(h));
			cap = more;
		}
		p->fields.items[p->fields.n++] = h;
	}
	return &p->fields;
}

/* ---- reading values ---- */

struct str header_id(struct str s)
{
	ssize_t open = str_chr(s, '<'), close = str_chr(s, '>');

	if (open >= 0 && close > open)
		return str_trim(str_sub(
			s, (size_t)open + 1, (size_t)(close - open) - 1));
	return str_trim(s);
}

struct str header_unfold(struct arena *a, struct str raw)
{
	char *p, *to;

	raw = str_trim(raw);
	if (!memchr(raw.p ? raw.p : "", '\n', raw.len) &&
		!memchr(raw.p ? raw.p : "", '\r', raw.len))
		return raw;
	p = to = arena_alloc(a, raw.len + 1);
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.p[i];
		if (c != '\n' && c != '\r') {
			*to++ = c;
			continue;
		}
		while (i + 1 < raw.len &&
			(raw.p[i + 1] == '\n' || raw.p[i + 1] == '\r'))
			i++;
		/* a tab behind a fold stands for the blank folded there; a
		 * line that was joined without one gets it */
		*to++ = ' ';
		if (i + 1 < raw.len && is_blank(raw.p[i + 1]))
			i++;
	}
	return str_n(p, (size_t)(to - p));
}

struct str header_value(struct mail *m, struct mail_header *h)
{
	if (!h->value.p) {
		if (h->raw.len > MAIL_VALUE_MAX)
			mail_tell_defect(m, "long-field", h->offset,
				"a field of %zu bytes is read up to %zu",
				h->raw.len, MAIL_VALUE_MAX);
		h->value = header_decode(m->arena, header_hinted(m, h->raw));
		if (!h->value.p)
			h->value = STR("");
	}
	return h->value;
}

static struct mail_header *find_field(
	struct mail *m, struct part *p, struct str name)
{
	struct fields *f = header_fields(m, p);

	for (size_t i = 0; i < f->n; i++)
		if (f->items[i].name.len == name.len &&
			str_eq_case(f->items[i].name, name))
			return &f->items[i];
	return NULL;
}

struct str header_raw(struct mail *m, struct part *p, const char *name)
{
	struct mail_header *h = find_field(m, p, str_c(name));

	return h ? h->raw : STR_NULL;
}

struct str header_of(struct mail *m, struct part *p, const char *name)
{
	struct mail_header *h = find_field(m, p, str_c(name));

	return h ? header_value(m, h) : STR_NULL;
}

struct str mail_header(struct mail *m, struct str name)
{
	struct mail_header *h = find_field(m, m->root, name);

	return h ? header_value(m, h) : STR_NULL;
}

const struct mail_header *mail_part_headers(
	struct mail *m, struct mail_part *part, size_t *n)
{
	struct fields *f = header_fields(m, part_of(part));

	for (size_t i = 0; i < f->n; i++)
		header_value(m, &f->items[i]);
	*n = f->n;
	return f->items;
}

const struct mail_header *mail_headers(struct mail *m, size_t *n)
{
	return mail_part_headers(m, &m->root->pub, n);
}

const struct mail_header *mail_fields(struct mail *m, size_t *n)
{
	struct fields *f = header_fields(m, part_of(&m->root->pub));

	*n = f->n;
	return f->items;
}

struct str mail_field_value(struct mail *m, size_t i)
{
	struct fields *f = header_fields(m, part_of(&m->root->pub));

	must(i < f->n);
	return header_value(m, &f->items[i]);
}

/* ---- parameters ---- */

struct str header_token(struct arena *a, struct str raw)
{
	struct str s = str_trim(raw);
	size_t n = 0;
	char *p;

	if (s.len && s.p[0] == '"')
		s = str_sub(s, 1, s.len);
	while (n < s.len && n < 100 && s.p[n] > ' ' && s.p[n] < 127 &&
		!strchr(";,(\"<>[]?=", s.p[n]))
		n++;
	p = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 32)
						      : s.p[i];
	return str_n(p, n);
}

/* Finds the ";" that ends a segment, outside of quotes. */
static size_t segment_end(struct str s, size_t from)
{
	bool in_quotes = false;

	for (size_t i = from; i < s.len; i++) {
		if (s.p[i] == '\\' && in_quotes)
			i++;
		else if (s.p[i] == '"')
			in_quotes = !in_quotes;
		else if (s.p[i] == ';' && !in_quotes)
			return i;
	}
	return s.len;
}

static bool is_starred(struct str segment)
{
	ssize_t star = str_chr(segment, '*'), equals = str_chr(segment, '=');

	return star >= 0 && equals >= 0 && star < equals;
}

/*
 * Adds a segment, with encoded words decoded although RFC 2047 5 forbids them
 * there: many write file names so. A quote that comes out of one is none.
 */
static void add_segment(struct arena *a, struct buf *b, struct str segment)
{
	struct buf words;

	/* of RFC 2231 forms the charset says what 8-bit bytes are */
	if (str_find(segment, STR("=?")) < 0) {
		if (is_starred(segment))
			buf_str(b, segment);
		else
			header_add_gap(a, b, segment);
		return;
	}
	buf_init(&words, segment.len * 4 + 64);
	for (struct str s = segment; s.len;) {
		ssize_t at = str_find(s, STR("=?"));
		size_t n = at < 0 ? s.len : (size_t)at;
		struct header_word w;
		header_add_gap(a, b, str_sub(s, 0, n));
		s = str_sub(s, n, s.len);
		if (!s.len)
			break;
		/* a row of words at once, as far as blanks join them */
		for (n = 0; header_read_word(str_sub(s, n, s.len), &w);) {
			n += w.len;
			while (n < s.len && is_blank(s.p[n]) &&
				str_starts(str_trim(str_sub(s, n, s.len)),
					STR("=?")))
				n++;
		}
		if (n == 0) {
			buf_c(b, "=?");
			s = str_sub(s, 2, s.len);
			continue;
		}
		buf_clear(&words);
		header_add_words(a, &words, str_sub(s, 0, n));
		for (size_t i = 0; i < words.len; i++)
			buf_byte(b, words.p[i] == '"' || words.p[i] == '\\'
					    ? '_'
					    : (unsigned char)words.p[i]);
		s = str_sub(s, n, s.len);
	}
	buf_fini(&words);
}

/* Adds the segments with or without "*" in their names. */
static void add_segments(
	struct arena *a, struct buf *b, struct str s, bool starred)
{
	size_t n = 0;

	for (size_t at = 0; at < s.len && n < MAIL_PARAMS_MAX; n++) {
		size_t end = segment_end(s, at);
		struct str segment = str_sub(s, at, end - at);
		if (is_starred(segment) == starred && str_trim(segment).len) {
			buf_c(b, "; ");
			add_segment(a, b, str_trim(segment));
		}
		at = end + 1;
	}
}

/*
 * Reads what stands behind the first ";": RFC 2231 forms first, since they are
 * right where a sender gives both (RFC 6266 4.3) and GMime takes the first.
 */
static GMimeParamList *read_params(struct arena *a, struct str raw)
{
	struct str s = header_unfold(a, str_sub(raw, 0, MAIL_PARAM_MAX));
	struct buf b;
	ssize_t at = str_chr(s, ';');
	GMimeParamList *list;

	if (at < 0)
		return NULL;
	s = str_sub(s, (size_t)at + 1, s.len);
	buf_init(&b, s.len * 3 + 16);
	add_segments(a, &b, s, true);
	add_segments(a, &b, s, false);
	s = buf_view(&b);
	list = s.len < 3 ? NULL
			 : g_mime_param_list_parse(options,
				   arena_str(a, str_sub(s, 2, s.len)).p);
	buf_fini(&b);
	return list;
}

static struct str get_param(
	struct arena *a, GMimeParamList *list, const char *name)
{
	GMimeParam *param = list ? g_mime_param_list_get_parameter(list, name)
				 : NULL;
	const char *value = param ? g_mime_param_get_value(param) : NULL;

	return value ? str_trim(utf8_mend(a, str_c(value))) : STR_NULL;
}

static void set_type(struct mail *m, struct part *p, struct str raw)
{
	struct str token = header_token(m->arena, raw);
	ssize_t slash = str_chr(token, '/');

	if (slash > 0 && (size_t)slash + 1 < token.len) {
		p->pub.type = str_sub(token, 0, (size_t)slash);
		p->pub.subtype = str_sub(token, (size_t)slash + 1, token.len);
		return;
	}
	mail_tell_defect(m, "content-type", p->pub.header_offset,
		"Content-Type is not of the form type/subtype: read as text");
	p->pub.type = STR("text");
	p->pub.subtype = STR("plain");
	if (str_eq(token, STR("html")) || str_eq(token, STR("text/html")))
		p->pub.subtype = STR("html");
}

static struct str lower(struct arena *a, struct str s)
{
	return s.p ? header_token(a, s) : s;
}

void header_content_type(struct mail *m, struct part *p, struct str raw)
{
	struct arena *a = m->arena;
	GMimeParamList *list = read_params(a, raw);

	set_type(m, p, raw);
	if (!list)
		return;
	p->pub.charset = get_param(a, list, "charset");
	if (!m->hint.len && charset_is_telling(p->pub.charset))
		m->hint = p->pub.charset;
	p->boundary = get_param(a, list, "boundary");
	p->report_type = lower(a, get_param(a, list, "report-type"));
	p->method = lower(a, get_param(a, list, "method"));
	p->name = get_param(a, list, "name");
	p->is_flowed = str_eq_case(get_param(a, list, "format"), STR("flowed"));
	p->is_delsp = str_eq_case(get_param(a, list, "delsp"), STR("yes"));
	g_object_unref(list);
}

void header_disposition(struct mail *m, struct part *p, struct str raw)
{
	GMimeParamList *list = read_params(m->arena, raw);

	p->pub.disposition = header_token(m->arena, raw);
	if (!list)
		return;
	p->pub.filename = get_param(m->arena, list, "filename");
	if (!p->pub.filename.p)
		p->pub.filename = get_param(m->arena, list, "name");
	g_object_unref(list);
}

/* ---- what rules ask of a field with parameters (RFC 5703) ---- */

/* Skips blanks, folds and comments (RFC 5322 3.2.2). */
static struct str skip_cfws(struct str s)
{
	unsigned depth = 0;
	size_t i = 0;

	for (; i < s.len; i++) {
		if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && depth)
			depth--;
		else if (s.p[i] == '\\' && depth)
			i++;
		else if (!depth && !strchr(" \t\r\n", s.p[i]))
			break;
	}
	return str_sub(s, i, s.len);
}

static struct str cut_token(struct str *s)
{
	size_t n = 0;
	struct str token;

	while (n < s->len && s->p[n] > ' ' && s->p[n] < 127 &&
		!strchr("()<>@,;:\\\"/[]?=", s->p[n]))
		n++;
	token = str_sub(*s, 0, n);
	*s = skip_cfws(str_sub(*s, n, s->len));
	return token;
}

bool mail_media_type(struct str raw, struct str *type, struct str *subtype)
{
	struct str s = skip_cfws(str_sub(raw, 0, MAIL_PARAM_MAX));

	*type = cut_token(&s);
	*subtype = STR_NULL;
	if (!type->len)
		return false;
	if (s.len && s.p[0] == '/') {
		s = skip_cfws(str_sub(s, 1, s.len));
		*subtype = cut_token(&s);
		if (!subtype->len)
			return false;
	}
	return !s.len || s.p[0] == ';';
}

struct str mail_param(struct arena *a, struct str raw, struct str name)
{
	GMimeParamList *list = read_params(a, raw);
	struct str value = get_param(a, list, arena_str(a, name).p);

	if (list)
		g_object_unref(list);
	return value;
}
