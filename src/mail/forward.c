/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forward.c - mails that somebody passed on: attached, or in the text.
 *
 * In the text a mark ("Forwarded message") or a subject ("Fwd:") says that what
 * follows is passed on and not quoted; then header lines in the words of the
 * mail program, then the text to the end. All of it may be marked by ">".
 */
#include "inside.h"

#define FORWARDS_MAX 100
#define LOOKED_AT_MAX 10000 /* lines before the mark */

static struct mail_forwarded *add(struct mail *m)
{
	m->forwards = arena_grow(m->arena, m->forwards, m->n_forwards,
		m->n_forwards + 1, sizeof(*m->forwards));
	m->forwards[m->n_forwards] = (struct mail_forwarded){ .from = STR(""),
		.from_name = STR(""),
		.to = STR(""),
		.date = STR(""),
		.subject = STR(""),
		.message_id = STR(""),
		.text = STR("") };
	return &m->forwards[m->n_forwards++];
}

static void set_from(struct mail *m, struct mail_forwarded *f, struct str raw)
{
	struct mail_address *list;

	if (mail_addresses(m->arena, raw, &list) == 0)
		return;
	f->from = list->is_valid ? list->address : STR("");
	f->from_name = list->name.len || list->is_valid ? list->name
							: str_trim(raw);
}

/*
 * Attached
 */

/* The first part of an attached message that is text. */
static struct str find_text(struct mail *m, struct mail_part *message)
{
	struct str html = STR("");

	for (struct mail_part *p = message; p; p = mail_next(p)) {
		if (p != message && p->depth <= message->depth)
			break;
		if (!str_eq(p->type, STR("text")) || p->is_attachment)
			continue;
		if (str_eq(p->subtype, STR("html"))) {
			if (html.len == 0)
				html = mail_html_to_text(
					m->arena, mail_part_text(m, p));
			continue;
		}
		return mail_part_text(m, p);
	}
	return html;
}

static void add_attached(struct mail *m, struct mail_part *p)
{
	struct mail_forwarded *f = add(m);
	struct part *inner = packed_message(part_of(p));

	f->part = p;
	set_from(m, f, header_hinted(m, header_raw(m, inner, "from")));
	f->to = header_of(m, inner, "to");
	f->date = header_of(m, inner, "date");
	f->subject = header_of(m, inner, "subject");
	f->message_id = header_id(header_of(m, inner, "message-id"));
	f->text = find_text(m, &inner->pub);
}

static void read_attached(struct mail *m)
{
	size_t n = 0;

	packed_open(m);
	/* around attached messages: what they forward is not forwarded here */
	for (struct mail_part *p = mail_root(m);
		p && n < 1000 && m->n_forwards < FORWARDS_MAX;
		p = packed_next(p), n++)
		if (packed_message(part_of(p)))
			add_attached(m, p);
}

/*
 * In the text
 */

static struct str cut_mark(struct str line)
{
	while (str_starts(line, STR(">")))
		line = str_sub(line, 1, SIZE_MAX);
	return str_starts(line, STR(" ")) ? str_sub(line, 1, SIZE_MAX) : line;
}

static void take(struct mail *m, struct mail_forwarded *f, enum quote_role role,
	struct str value)
{
	if (role == QUOTE_FROM && !f->from.len)
		set_from(m, f, value);
	else if (role == QUOTE_DATE && !f->date.len)
		f->date = value;
	else if (role == QUOTE_TO && !f->to.len)
		f->to = value;
	else if (role == QUOTE_SUBJECT && !f->subject.len)
		f->subject = value;
}

/*
 * Reads the header lines from the beginning of *rest; empty lines may stand
 * between them. What is no field and indented, or begins with an address,
 * goes on with the one before. Returns: their count; *rest is behind them.
 */
static size_t read_fields(
	struct mail *m, struct str *rest, struct mail_forwarded *f)
{
	struct str at = *rest, line, value;
	size_t n = 0;

	while (str_cut_line(&at, &line)) {
		enum quote_role role = quote_field(cut_mark(line), &value);
		if (role == QUOTE_NO_FIELD) {
			if (str_trim(cut_mark(line)).len == 0)
				continue;
			if (n && (line.p[0] == '<' || line.p[0] == '\t')) {
				if (!f->from.len)
					set_from(m, f, line);
				*rest = at;
				continue;
			}
			break;
		}
		take(m, f, role, value);
		n++;
		*rest = at;
	}
	return n;
}

/* The text without its quote marks, if it has such. */
static struct str unquote(struct mail *m, struct str text)
{
	struct buf b = BUF_INIT(MAIL_TEXT_MAX);
	struct str line, all = text;
	bool is_quoted = str_starts(str_trim(text), STR(">"));

	if (!is_quoted)
		return str_trim(text);
	while (str_cut_line(&text, &line)) {
		if (str_trim(line).len && line.p[0] != '>')
			break;
		buf_str(&b, cut_mark(line));
		buf_byte(&b, '\n');
	}
	all = str_trim(arena_str(m->arena, buf_view(&b)));
	buf_fini(&b);
	return all;
}

/* Tells whether the subject begins with "Fwd:" in some language. */
static bool is_subject_forward(struct mail *m)
{
	static const char *const words[] = { "fw:", "fwd:", "wg:", "tr:", "rv:",
		"enc:", "vl:", "vb:", "doorst:", "pd:", "i:", "fs:",
		"\xe8\xbd\xac\xe5\x8f\x91" };
	struct str subject = str_trim(mail_header(m, STR("subject")));

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_starts_case(subject, str_c(words[i])))
			return true;
	return false;
}

static bool is_from_line(struct str line)
{
	struct str value;

	return quote_field(cut_mark(line), &value) == QUOTE_FROM &&
	       str_chr(value, '@') > 0;
}

static void read_inline(struct mail *m)
{
	bool is_forward = is_subject_forward(m);
	struct str rest = mail_text(m), line, from;
	size_t n = 0;

	while (from = rest, n++ < LOOKED_AT_MAX && str_cut_line(&rest, &line)) {
		bool is_mark = quote_is_forward_mark(cut_mark(line));
		struct mail_forwarded *f;
		if (!is_mark && !(is_forward && is_from_line(line)))
			continue;
		f = add(m);
		if (is_mark)
			from = rest;
		if (read_fields(m, &from, f) == 0 && !is_mark) {
			m->n_forwards--;
			continue;
		}
		f->text = unquote(m, from);
		return;
	}
}

size_t mail_forwards(struct mail *m, const struct mail_forwarded **out)
{
	if (!m->has_forwards) {
		m->has_forwards = true;
		read_attached(m);
		read_inline(m);
	}
	*out = m->forwards;
	return m->n_forwards;
}
