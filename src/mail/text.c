/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text.c - which parts a person reads, and their text.
 *
 * The choice is that of RFC 8621 section 4.1.4, which is what mail clients do:
 * of alternatives text or HTML, of a mix all that is inline, of related parts
 * the first. What is not chosen is an attachment. Text that is flowed (RFC
 * 3676) is joined to paragraphs; HTML stands in where there is no plain text,
 * or only an empty one.
 */
#include <mailmill/enc.h>

#include "inside.h"

struct body_list {
	struct mail_part **items;
	size_t n;
};

struct chooser {
	struct mail *m;
	struct body_list text, html;
	bool takes_odd; /* there is nothing better to read */
};

static void add_body(
	struct chooser *c, struct body_list *l, struct mail_part *p)
{
	if (l->n >= MAIL_BODIES_MAX)
		return;
	if (!l->items)
		l->items = arena_array(
			c->m->arena, MAIL_BODIES_MAX, sizeof(*l->items));
	l->items[l->n++] = p;
}

static bool is_html(const struct mail_part *p)
{
	return str_eq(p->type, STR("text")) && str_eq(p->subtype, STR("html"));
}

/* Text that is data rather than something to read. */
static const char *const data_subtypes[] = { "calendar", "css", "csv",
	"directory", "javascript", "rfc822-headers", "rtf", "vcard",
	"x-amp-html", "x-vcard", "x-vcalendar", "xml" };

/* Text that programs show though it is not plain. */
static const char *const shown_subtypes[] = { "plain", "enriched", "richtext",
	"markdown", "x-markdown", "x-plain", "ascii", "txt", "flowed",
	"delivery-status", "rfc822-headers", "global", "english", "us-ascii" };

static bool is_in(struct str s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, str_c(list[i])))
			return true;
	return false;
}

/* Is it of a kind of text that nobody knows? */
static bool is_odd(const struct mail_part *p)
{
	return str_eq(p->type, STR("text")) && p->parent && !is_html(p) &&
	       !is_in(p->subtype, shown_subtypes, COUNT(shown_subtypes));
}

static bool is_plain(const struct mail_part *p)
{
	if (str_eq(p->type, STR("multipart"))) /* without boundary */
		return !p->first && p->len > 0;
	if (!str_eq(p->type, STR("text")) || is_html(p))
		return false;
	return !is_in(p->subtype, data_subtypes, COUNT(data_subtypes));
}

static bool is_media(const struct mail_part *p)
{
	return str_eq(p->type, STR("image")) || str_eq(p->type, STR("audio")) ||
	       str_eq(p->type, STR("video"));
}

static bool has_name(struct mail_part *p)
{
	return p->filename.len > 0;
}

static bool is_readable(const struct chooser *c, struct mail_part *p,
	bool is_first, struct str mix)
{
	if (is_odd(p) && !c->takes_odd)
		return false;
	if (str_eq(p->disposition, STR("attachment")))
		return false;
	if (!is_plain(p) && !is_html(p) && !is_media(p))
		return false;
	return is_first ||
	       (!str_eq(mix, STR("related")) && (is_media(p) || !has_name(p)));
}

static void choose_within(struct chooser *c, struct mail_part *multi,
	struct body_list *text, struct body_list *html, bool in_alternative);

/* Deals with one part of a multipart that is no multipart itself. */
static void choose_leaf(struct chooser *c, struct mail_part *p, struct str mix,
	struct body_list **text, struct body_list **html, bool in_alternative)
{
	if (str_eq(mix, STR("alternative"))) {
		if (is_plain(p) && *text)
			add_body(c, *text, p);
		else if (is_html(p) && *html)
			add_body(c, *html, p);
		return;
	}
	if (in_alternative) {
		if (is_plain(p))
			*html = NULL;
		if (is_html(p))
			*text = NULL;
	}
	if (*text)
		add_body(c, *text, p);
	if (*html)
		add_body(c, *html, p);
}

static void choose_part(struct chooser *c, struct mail_part *p, bool is_first,
	struct str mix, struct body_list **text, struct body_list **html,
	bool in_alternative)
{
	/* as if it stood there without its encoding or signature */
	while (part_of(p)->inner && !packed_message(part_of(p)))
		p = &part_of(p)->inner->root->pub;
	if (part_of(p)->is_multipart)
		choose_within(c, p, *text, *html,
			in_alternative ||
				str_eq(p->subtype, STR("alternative")));
	else if (!packed_message(part_of(p)) &&
		 is_readable(c, p, is_first, mix))
		choose_leaf(c, p, mix, text, html, in_alternative);
}

/* As deep as parts are nested, which scan.c limits. */
static void choose_within(struct chooser *c, struct mail_part *multi,
	struct body_list *text, struct body_list *html, bool in_alternative)
{
	size_t n_text = c->text.n, n_html = c->html.n;
	struct body_list *my_text = text, *my_html = html;

	for (struct mail_part *p = multi->first; p; p = p->next)
		choose_part(c, p, p == multi->first, multi->subtype, &my_text,
			&my_html, in_alternative);
	if (!str_eq(multi->subtype, STR("alternative")) || !text || !html)
		return;
	if (c->text.n == n_text)
		for (size_t i = n_html; i < c->html.n; i++)
			add_body(c, &c->text, c->html.items[i]);
	else if (c->html.n == n_html)
		for (size_t i = n_text; i < c->text.n; i++)
			add_body(c, &c->html, c->text.items[i]);
}

/* Parts of a report that programs read, not people. */
static bool is_report_part(const struct mail_part *p)
{
	if (str_eq(p->type, STR("message")))
		return str_eq(p->subtype, STR("delivery-status")) ||
		       str_eq(p->subtype, STR("global-delivery-status")) ||
		       str_eq(p->subtype, STR("disposition-notification")) ||
		       str_eq(p->subtype, STR("feedback-report"));
	return p->parent && str_eq(p->subtype, STR("rfc822-headers"));
}

static bool is_chosen(const struct body_list *l, const struct mail_part *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i] == p)
			return true;
	return false;
}

static bool is_file(struct mail_part *p)
{
	struct part *own = part_of(p);

	if (own->is_multipart || (own->inner && !packed_message(own)))
		return false;
	if (str_eq(p->type, STR("multipart")) && !p->len)
		return false;
	return !is_report_part(p);
}

static void mark_attachments(struct chooser *c)
{
	struct mail_part *p = &c->m->root->pub;

	for (; p; p = packed_next(p)) {
		bool is_text = (is_plain(p) || is_html(p)) &&
			       !(is_odd(p) && c->takes_odd) &&
			       (is_chosen(&c->text, p) ||
				       is_chosen(&c->html, p));
		p->is_attachment = is_file(p) && !is_text;
		p->is_inline = str_eq(p->type, STR("image")) &&
			       p->content_id.len && p->parent &&
			       !str_eq(p->disposition, STR("attachment"));
	}
}

static bool has_text(const struct body_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!is_media(l->items[i]))
			return true;
	return false;
}

void text_choose(struct mail *m)
{
	struct chooser c = { .m = m };
	struct body_list *text = &c.text, *html = &c.html;

	if (m->has_bodies)
		return;
	m->has_bodies = true;
	packed_open(m);
	choose_part(&c, &m->root->pub, true, STR("mixed"), &text, &html, false);
	if (!has_text(&c.text) && !has_text(&c.html)) {
		c.text.n = c.html.n = 0;
		c.takes_odd = true;
		text = &c.text;
		html = &c.html;
		choose_part(&c, &m->root->pub, true, STR("mixed"), &text, &html,
			false);
	}
	mark_attachments(&c);
	m->text_parts = c.text.items;
	m->n_text_parts = c.text.n;
	m->html_parts = c.html.items;
	m->n_html_parts = c.html.n;
}

/* ---- the text of a part ---- */

struct str text_lines(struct arena *a, struct str s)
{
	char *p, *to;

	if (!s.len || !memchr(s.p, '\r', s.len))
		return s;
	p = to = arena_alloc(a, s.len + 1);
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '\r') {
			*to++ = s.p[i];
			continue;
		}
		while (i + 1 < s.len && s.p[i + 1] == '\r')
			i++; /* CR CR LF is one end */
		if (i + 1 < s.len && s.p[i + 1] == '\n')
			i++;
		*to++ = '\n';
	}
	return str_n(p, (size_t)(to - p));
}

#define META_WITHIN 2000 /* bytes in which <meta charset> counts */

/* Finds charset=NAME in the head of HTML, where the part has no label. */
static struct str sniff_meta(struct str html)
{
	struct str head = str_sub(html, 0, META_WITHIN);
	ssize_t meta = str_find_case(head, STR("<meta")), at;
	size_t n = 0;

	if (meta < 0)
		return STR("");
	head = str_sub(head, (size_t)meta, head.len);
	at = str_find_case(head, STR("charset="));
	if (at < 0)
		return STR("");
	head = str_sub(head, (size_t)at + 8, head.len);
	while (head.len && (*head.p == '"' || *head.p == '\''))
		head = str_sub(head, 1, head.len);
	while (n < head.len && n < 40 && !strchr("\"' />;", head.p[n]))
		n++;
	return str_sub(head, 0, n);
}

static struct str make_text(struct mail *m, struct part *p, struct str bytes)
{
	struct str charset = p->pub.charset, out, why;

	if (bytes.len > MAIL_TEXT_MAX) {
		mail_tell_defect(m, "long-text", p->pub.offset,
			"a text of %zu bytes is read up to %zu", bytes.len,
			MAIL_TEXT_MAX);
		bytes = str_sub(bytes, 0, MAIL_TEXT_MAX);
	}
	if (charset.len == 0 && is_html(&p->pub) && !utf8_is_valid(bytes))
		charset = sniff_meta(bytes);
	out = charset_to_utf8(m->arena, bytes, charset, &why);
	if (why.p)
		mail_tell_defect(m, "charset", p->pub.offset, "%.*s (\"%.*s\")",
			STR_ARG(why), STR_ARG(str_sub(charset, 0, 60)));
	return text_lines(m->arena, out);
}

#define TAIL_MAX ((size_t)4096) /* bytes of a footer behind base64 */

/* Is it a line of encoded text, rather than words? */
static bool is_encoded_line(struct str line)
{
	for (size_t i = 0; i < line.len; i++) {
		char c = line.p[i];
		bool is_letter = (c >= '0' && c <= '9') ||
				 ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!is_letter && !strchr("+/= \t\r", c))
			return false;
		if (c == ' ' && i && i + 1 < line.len && line.p[i + 1] != ' ')
			return false;
	}
	return true;
}

/*
 * Finds what a list or virus scanner has put behind a base64 text without
 * encoding it, where decoding would make noise of it. Lends: from the raw body.
 */
static struct str find_tail(struct part *p)
{
	struct str raw = part_raw(p), look, line;
	size_t from = raw.len > TAIL_MAX ? raw.len - TAIL_MAX : 0, at;
	bool was_empty = false;

	if (decode_kind(p->pub.encoding) != DECODE_BASE64)
		return STR_NULL;
	look = str_sub(raw, from, TAIL_MAX);
	if (from) /* begins within a line */
		str_cut_line(&look, &line);
	/* a stray letter is noise; a footer is set off */
	while (at = (size_t)(look.p - raw.p), str_cut_line(&look, &line)) {
		bool is_set_off = was_empty || str_starts(line, STR("___")) ||
				  str_starts(line, STR("---"));
		if (!is_encoded_line(line))
			return at && is_set_off ? str_sub(raw, at, SIZE_MAX)
						: STR_NULL;
		was_empty = str_trim(line).len == 0;
	}
	return STR_NULL;
}

/* Lends the bytes of a text, decoded as far as they are encoded. */
static struct str text_bytes(struct mail *m, struct part *p)
{
	struct str tail = find_tail(p), head = part_raw(p), out;
	struct buf b = BUF_INIT(head.len + (size_t)4 * DECODE_EXTRA);

	if (!tail.len)
		return mail_part_bytes(m, &p->pub);
	mail_tell_defect(m, "encoding", (uint64_t)(tail.p - p->owner->raw.p),
		"a base64 text goes on without encoding: read so");
	head.len -= tail.len;
	decode_all(&b, DECODE_BASE64, head);
	buf_c(&b, "\n\n");
	buf_str(&b, tail);
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

struct str mail_part_text(struct mail *m, struct mail_part *part)
{
	struct part *p = part_of(part);

	if (p->is_multipart || p->is_message || p->inner ||
		(!str_eq(part->type, STR("text")) && !is_plain(part)))
		return STR_NULL;
	if (!p->has_text) {
		p->text = make_text(m, p, text_bytes(m, p));
		p->has_text = true;
	}
	return p->text;
}

/* ---- format=flowed ---- */

struct flow {
	struct buf out;
	unsigned depth; /* of the paragraph that is open */
	bool is_open;	/* the line before flows into this one */
};

static unsigned cut_quote_marks(struct str *line)
{
	unsigned depth = 0;

	while (line->len && line->p[0] == '>') {
		*line = str_sub(*line, 1, line->len);
		depth++;
	}
	if (line->len && line->p[0] == ' ')
		*line = str_sub(*line, 1, line->len);
	return depth;
}

static void flow_line(struct flow *f, struct str line, bool is_delsp)
{
	unsigned depth = cut_quote_marks(&line);
	bool is_signature = str_eq(line, STR("-- "));
	bool flows = line.len && line.p[line.len - 1] == ' ' && !is_signature;

	if (f->is_open && (depth != f->depth || is_signature)) {
		buf_byte(&f->out, '\n');
		f->is_open = false;
	}
	if (!f->is_open) {
		for (unsigned i = 0; i < depth && i < 100; i++)
			buf_byte(&f->out, '>');
		if (depth)
			buf_byte(&f->out, ' ');
	}
	if (flows && is_delsp)
		line.len--;
	buf_str(&f->out, line);
	if (!flows)
		buf_byte(&f->out, '\n');
	f->is_open = flows;
	f->depth = depth;
}

static struct str unflow(struct arena *a, struct str text, bool is_delsp)
{
	struct flow f = { .out = BUF_INIT(MAIL_TEXT_MAX * 2) };
	struct str line, out;

	while (str_cut_line(&text, &line))
		flow_line(&f, line, is_delsp);
	out = arena_str(a, buf_view(&f.out));
	buf_fini(&f.out);
	return out;
}

/* ---- the whole ---- */

/* The text without the files in it: a line names each. */
static struct str without_files(struct mail *m, struct part *p,
	const struct packed_file *files, size_t n)
{
	struct str bytes = mail_part_bytes(m, &p->pub), out;
	struct buf b = BUF_INIT(bytes.len + n * (MAIL_NAME_MAX + 8));
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		buf_str(&b, str_sub(bytes, at, files[i].from - at));
		buf_printf(&b, "[%.*s]\n",
			STR_ARG(str_sub(files[i].name, 0, MAIL_NAME_MAX)));
		at = files[i].to;
	}
	buf_str(&b, str_sub(bytes, at, SIZE_MAX));
	out = make_text(m, p, arena_str(m->arena, buf_view(&b)));
	buf_fini(&b);
	return out;
}

struct str text_readable(struct mail *m, struct mail_part *p)
{
	struct packed_file *files;
	struct part *own = part_of(p);
	struct str s;
	size_t n;

	if (is_html(p))
		return mail_html_to_text(m->arena, mail_part_text(m, p));
	n = packed_files(m, own, &files);
	s = n ? without_files(m, own, files, n) : mail_part_text(m, p);
	s = signed_show(m, s);
	return own->is_flowed ? unflow(m->arena, s, own->is_delsp) : s;
}

static bool is_empty(struct str s)
{
	return str_trim(s).len == 0;
}

static struct str trim_end(struct str s)
{
	while (s.len && strchr(" \t\r\n", s.p[s.len - 1]))
		s.len--;
	return s;
}

/* The same, adding what HTML says of it as it stands `at` bytes further. */
static struct str read_marked(struct mail *m, struct mail_part *p, size_t at,
	struct text_marks *marks)
{
	struct text_marks own = { 0 };
	struct str s;

	if (!is_html(p))
		return text_readable(m, p);
	s = html_to_text(m->arena, mail_part_text(m, p), NULL, &own);
	if (!own.n)
		return s;
	marks->items = arena_grow(m->arena, marks->items, marks->n,
		marks->n + own.n, sizeof(*marks->items));
	for (size_t i = 0; i < own.n; i++) {
		own.items[i].offset += at;
		marks->items[marks->n++] = own.items[i];
	}
	return s;
}

static struct str join_readable(
	struct mail *m, struct mail_part **parts, size_t n)
{
	struct buf b = BUF_INIT(MAIL_TEXT_MAX);
	struct str out = STR(""), one;
	size_t n_texts = 0, at;

	m->marks = (struct text_marks){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (is_media(parts[i]))
			continue;
		at = !n_texts ? 0 : n_texts == 1 ? trim_end(out).len : b.len;
		one = read_marked(
			m, parts[i], at + (n_texts ? 2 : 0), &m->marks);
		if (is_empty(one))
			continue;
		if (n_texts++ == 0) {
			out = one;
			continue;
		}
		if (n_texts == 2)
			buf_str(&b, trim_end(out));
		buf_c(&b, "\n\n");
		buf_str(&b, trim_end(one));
	}
	if (n_texts > 1)
		out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return trim_end(out);
}

struct mail_part *text_tnef_part(struct mail *m)
{
	for (struct mail_part *p = mail_root(m); p; p = packed_next(p)) {
		struct tnef *t = packed_tnef(m, part_of(p));
		if (t && (!is_empty(t->text) || !is_empty(t->html)))
			return p;
	}
	return NULL;
}

static struct tnef *find_tnef(struct mail *m)
{
	struct mail_part *p = text_tnef_part(m);

	return p ? part_of(p)->tnef : NULL;
}

static struct str text_of_tnef(struct mail *m)
{
	struct tnef *t = find_tnef(m);

	if (!t)
		return STR("");
	if (is_empty(t->text))
		return html_to_text(m->arena, t->html, NULL, &m->marks);
	return trim_end(t->text);
}

/* The HTML in winmail.dat, where nothing else is to be read. */
static struct str html_of_tnef(struct mail *m)
{
	struct tnef *t;

	for (size_t i = 0; i < m->n_text_parts; i++)
		if (!is_media(m->text_parts[i]) &&
			!is_empty(mail_part_text(m, m->text_parts[i])))
			return STR_NULL;
	t = find_tnef(m);
	return t && t->html.len ? t->html : STR_NULL;
}

struct str mail_text(struct mail *m)
{
	if (m->has_text)
		return m->text;
	text_choose(m);
	m->text = join_readable(m, m->text_parts, m->n_text_parts);
	if (is_empty(m->text))
		m->text = join_readable(m, m->html_parts, m->n_html_parts);
	if (is_empty(m->text))
		m->text = text_of_tnef(m);
	m->has_text = true;
	return m->text;
}

struct str mail_html(struct mail *m)
{
	struct buf b = BUF_INIT(MAIL_TEXT_MAX * 2);
	size_t n_html = 0, n_parts = 0;
	struct mail_part *last = NULL;

	if (m->has_html)
		return m->html;
	text_choose(m);
	m->has_html = true;
	for (size_t i = 0; i < m->n_html_parts; i++) {
		struct mail_part *p = m->html_parts[i];
		n_html += is_html(p);
		n_parts += !is_media(p);
		last = is_html(p) ? p : last;
	}
	if (n_html == 0)
		return m->html = html_of_tnef(m);
	if (n_parts == 1)
		return m->html = mail_part_text(m, last);
	for (size_t i = 0; i < m->n_html_parts; i++) {
		struct mail_part *p = m->html_parts[i];
		if (is_media(p))
			continue;
		if (is_html(p)) {
			buf_str(&b, mail_part_text(m, p));
		} else {
			buf_c(&b, "<div style=\"white-space: pre-wrap\">");
			enc_html(&b, text_readable(m, p));
			buf_c(&b, "</div>\n");
		}
	}
	m->html = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return m->html;
}

bool text_holds_one(struct str s, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (str_find_case(s, str_c(list[i])) >= 0)
			return true;
	return false;
}
