/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forward.c - mails that somebody passed on: attached, or in the text.
 *
 * In the text a mark ("Forwarded message") or a subject ("Fwd:") says that what
 * follows is passed on and not quoted; then header lines in the words of the
 * mail program, then the text to the end. All of it may be marked by ">".
 */
#include "quote.h"

#define FORWARDS_MAX 100
#define LOOKED_AT_MAX 10000 /* lines before the mark */

static struct mail_forwarded *add(struct mail *m)
{
	m->forwards = arena_grow(m->arena, m->forwards, m->n_forwards,
		m->n_forwards + 1, sizeof(*m->forwards));
	m->forwards[m->n_forwards] = (struct mail_forwarded){ .from = STR(""),
		.from_name = STR(""),
		.to = STR(""),
		.cc = STR(""),
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
	f->cc = header_of(m, inner, "cc");
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
	line = str_trim(line);
	while (str_starts(line, STR(">")) || str_starts(line, STR("|")))
		line = str_sub(line, 1, SIZE_MAX);
	return str_starts(line, STR(" ")) ? str_sub(line, 1, SIZE_MAX) : line;
}

/*
 * An address as programs write it into text: "Ann [mailto:ann@x]" and
 * "ann@x <mailto:ann@x>" are made what the grammar knows.
 */
static struct str plain_address(struct mail *m, struct str s)
{
	struct buf b = BUF_INIT(MAIL_VALUE_MAX);
	struct str out;

	while (s.len) {
		bool is_link = str_starts_case(s, STR("<mailto:")) ||
			       str_starts_case(s, STR("[mailto:"));
		size_t len = 1;
		if (is_link) {
			ssize_t end = str_chr(s, *s.p == '<' ? '>' : ']');
			struct str at = str_sub(
				s, 8, end < 0 ? SIZE_MAX : (size_t)end - 8);
			len = end < 0 ? s.len : (size_t)end + 1;
			if (str_find_case(buf_view(&b), at) < 0 || !at.len)
				buf_printf(&b, "<%.*s>", STR_ARG(at));
		} else {
			buf_byte(&b, (unsigned char)*s.p);
		}
		s = str_sub(s, len, s.len);
	}
	out = str_trim(arena_str(m->arena, buf_view(&b)));
	buf_fini(&b);
	return out;
}

static void take(struct mail *m, struct mail_forwarded *f, enum quote_role role,
	struct str value)
{
	if (role == QUOTE_FROM && !f->from.len && !f->from_name.len)
		set_from(m, f, plain_address(m, value));
	else if (role == QUOTE_DATE && !f->date.len)
		f->date = value;
	else if (role == QUOTE_TO && !f->to.len)
		f->to = value;
	else if (role == QUOTE_CC && !f->cc.len)
		f->cc = value;
	else if (role == QUOTE_SUBJECT && !f->subject.len)
		f->subject = value;
}

/* A field and the lines that go on with it. */
struct open_field {
	enum quote_role role;
	struct str value;
};

static void take_open(
	struct mail *m, struct mail_forwarded *f, struct open_field *open)
{
	if (open->role != QUOTE_NO_FIELD)
		take(m, f, open->role, open->value);
	open->role = QUOTE_NO_FIELD;
}

/*
 * Does a line that is no field go on with the field above it? It is indented,
 * or begins with an address, or the field is not at its end.
 */
static bool goes_on(const struct open_field *open, struct str line)
{
	struct str value = open->value;

	if (open->role == QUOTE_NO_FIELD)
		return false;
	if (is_blank(*line.p) || *line.p == '<')
		return true;
	if (open->role != QUOTE_FROM && open->role != QUOTE_TO &&
		open->role != QUOTE_CC)
		return false;
	return str_ends(value, STR(",")) || str_ends(value, STR(";")) ||
	       str_ends(value, STR("<")) || str_ends(value, STR("mailto:")) ||
	       (str_rchr(value, '[') > str_rchr(value, ']'));
}

/*
 * Reads the header lines from the beginning of *rest; empty lines may stand
 * between them. Returns: their count; *rest is behind them.
 */
static size_t read_fields(
	struct mail *m, struct str *rest, struct mail_forwarded *f)
{
	struct open_field open = { 0 };
	struct str at = *rest, line, value;
	size_t n = 0, n_empty = 0;

	while (str_cut_line(&at, &line)) {
		struct str s = cut_mark(line);
		enum quote_role role = quote_field(s, &value);
		if (str_trim(s).len == 0) {
			/* a text may begin with what looks like a field */
			if (++n_empty > 2 && n > 2)
				break;
			continue;
		}
		if (role != QUOTE_NO_FIELD && n_empty && f->from.len &&
			f->subject.len)
			break;
		if (role == QUOTE_NO_FIELD) {
			if (n_empty || !goes_on(&open, s))
				break;
			open.value = str_c(arena_printf(m->arena, "%.*s %.*s",
				STR_ARG(open.value), STR_ARG(str_trim(s))));
			*rest = at;
			continue;
		}
		take_open(m, f, &open);
		open = (struct open_field){ .role = role, .value = value };
		n_empty = 0;
		n++;
		*rest = at;
	}
	take_open(m, f, &open);
	return n;
}

/*
 * "25.03.2016, 12:00, "Ann Bee" <ann@x>:" stands there instead of fields.
 * Returns: whether it did.
 */
static bool read_attribution(
	struct mail *m, struct str *rest, struct mail_forwarded *f)
{
	struct str at = *rest, line = STR(""), s;
	ssize_t open, comma;

	while (str_cut_line(&at, &line) && !str_trim(line).len)
		;
	s = str_trim(cut_mark(line));
	open = str_rchr(s, '<');
	if (open < 0 || s.len > 300 || str_find(s, STR(">:")) < open)
		return false;
	comma = str_rchr(str_sub(s, 0, (size_t)open), ',');
	if (comma < 0)
		return false;
	s.len = (size_t)str_rchr(s, '>') + 1;
	set_from(m, f, str_sub(s, (size_t)comma + 1, s.len));
	f->date = str_trim(str_sub(s, 0, (size_t)comma));
	*rest = at;
	return true;
}

/* The text without its quote marks, if it has such. */
static struct str unquote(struct mail *m, struct str text)
{
	struct buf b = BUF_INIT(MAIL_TEXT_MAX);
	struct str line, all;

	if (!str_starts(str_trim(text), STR(">")))
		return str_trim(text);
	while (str_cut_line(&text, &line)) {
		if (str_trim(line).len && line.p[0] != '>')
			break;
		if (line.len)
			line = str_sub(line, 1, line.len);
		if (line.len && *line.p == ' ')
			line = str_sub(line, 1, line.len);
		buf_str(&b, line);
		buf_byte(&b, '\n');
	}
	all = str_trim(arena_str(m->arena, buf_view(&b)));
	buf_fini(&b);
	return all;
}

/* Tells whether the subject begins with "Fwd:" in some language. */
static bool is_subject_forward(struct mail *m)
{
	static const char *const words[] = {
		"fw:", "fwd:", "fwd :", "fw :", "[fwd",
		"forward:", "forwarded:", "wg:", "tr:", "tr :", "rv:", "rv :",
		"rif:", "enc:", "res: enc:", "vl:", "vb:", "vs: vl", "doorst:",
		"fwd.:", "pd:", "i:", "i :", "fs:", "ilt:", "yml:", "ynt: ilt",
		"továbbítás:", "tov:", "prd:", "pt:", "preposlano:", "πρθ:",
		"προώθηση:", "пересл:", "переслано:", "пересл.:", "fwd：",
		"转发", "轉寄", "轉發", "転送", "전달", "הועבר:", "إعادة توجيه:"
	};
	struct str subject = str_trim(mail_header(m, STR("subject")));

	if (str_starts_case(subject, STR("re:")) ||
		str_starts_case(subject, STR("aw:")))
		subject = str_trim(str_sub(subject, 3, subject.len));
	for (size_t i = 0; i < COUNT(words); i++)
		if (str_starts_case(subject, str_c(words[i])))
			return true;
	return false;
}

static bool is_from_line(struct str line, struct str next)
{
	struct str value;

	return quote_field(cut_mark(line), &value) == QUOTE_FROM &&
	       (str_chr(value, '@') > 0 || str_ends(value, STR("mailto:")) ||
		       quote_field(cut_mark(next), &value) != QUOTE_NO_FIELD);
}

static bool is_mark_line(const struct words *sets, struct str line)
{
	char folded[QUOTE_FOLD_MAX];

	line = str_trim(cut_mark(line));
	return line.len && line.len < 200 &&
	       quote_is_forward(
		       sets, quote_fold_in(folded, sizeof(folded), line));
}

/* What stands from `from` on, behind a mark or with its first field. */
static bool read_one(struct mail *m, struct str from, bool is_mark)
{
	struct mail_forwarded *f = add(m);
	size_t n = read_fields(m, &from, f);

	if (n == 0 && is_mark)
		n += read_attribution(m, &from, f);
	if (n == 0 && !is_mark) {
		m->n_forwards--;
		return false;
	}
	f->text = unquote(m, from);
	return true;
}

static void read_inline(struct mail *m)
{
	bool is_forward = is_subject_forward(m);
	struct str rest = mail_text(m), line, from, next, after;
	struct words *sets;
	size_t n = 0;

	if (!rest.len)
		return;
	sets = arena_array(m->arena, N_WORD_SETS, sizeof(*sets));
	quote_words_init(sets);
	while (from = rest, n++ < LOOKED_AT_MAX && str_cut_line(&rest, &line)) {
		bool is_mark = is_mark_line(sets, line);
		after = rest;
		if (!str_cut_line(&after, &next))
			next = STR("");
		if (!is_mark && !(is_forward && is_from_line(line, next)))
			continue;
		if (read_one(m, is_mark ? rest : from, is_mark))
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
