/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spans.c - which bytes became which, for each step from a part to its text.
 *
 * Nobody takes notes while a mail is read, for rules seldom ask. So each step
 * is gone over a second time with both ends known, and what is found is
 * compared byte by byte: what does not agree is covered by a unit that is too
 * long, never by one that is wrong.
 */
#include "spans.h"

#define CHAR_BYTES_MAX 4 /* of one character in any charset */
#define SLOW_MAX                                                               \
	((size_t)64 << 10) /* text whose characters are tried singly           \
			    */
#define SEARCHES_MAX 200   /* for lines of which something is gone */
#define MISSES_MAX 1000	   /* bytes of HTML's text that are not as written */

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

struct span spans_at(const struct spans *s, size_t i)
{
	if (s->items)
		return s->items[i];
	return (struct span){ (uint32_t)i, (uint32_t)i + 1 };
}

/* Says that bytes [at, at + n) are the unit [begin, end). */
static void set_unit(
	struct spans *s, size_t at, size_t n, size_t begin, size_t end)
{
	for (size_t i = 0; i < n && at + i < s->n; i++) {
		s->items[at + i].begin = (uint32_t)begin |
					 (i ? SPAN_WITHIN : 0);
		s->items[at + i].end = (uint32_t)end |
				       (i + 1 < n ? SPAN_WITHIN : 0);
	}
}

static void set_nowhere(struct spans *s, size_t at)
{
	s->items[at] = (struct span){ SPAN_NOWHERE, SPAN_NOWHERE };
}

static void make(struct arena *a, size_t n, struct spans *s)
{
	s->items = arena_array(a, n ? n : 1, sizeof(*s->items));
	s->n = n;
}

void spans_cover(struct arena *a, size_t n, size_t below, struct spans *out)
{
	make(a, n, out);
	set_unit(out, 0, n, 0, below);
}

void spans_compose(struct arena *a, const struct spans *upper,
	const struct spans *lower, struct spans *out)
{
	struct spans made;

	if (!lower->items) {
		*out = *upper;
		return;
	}
	if (!upper->items) {
		/* of the lower one's bytes there may be more */
		*out = (struct spans){ lower->items, upper->n };
		return;
	}
	make(a, upper->n, &made);
	for (size_t i = 0; i < upper->n; i++) {
		struct span u = upper->items[i], b, e;
		size_t begin = span_place(u.begin), end = span_place(u.end);
		set_nowhere(&made, i);
		if (u.begin == SPAN_NOWHERE || begin >= end || end > lower->n)
			continue;
		b = lower->items[begin];
		e = lower->items[end - 1];
		if (b.begin == SPAN_NOWHERE || e.begin == SPAN_NOWHERE)
			continue;
		made.items[i].begin = b.begin | (u.begin & SPAN_WITHIN);
		made.items[i].end = e.end | (u.end & SPAN_WITHIN);
	}
	*out = made;
}

/* ---- content transfer encodings ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* Tells how many blanks and a line end there are at `at`; 0: no line end. */
static size_t blank_end(struct str raw, size_t at)
{
	size_t i = at;

	while (i < raw.len && is_blank(raw.p[i]))
		i++;
	if (i == raw.len)
		return i - at;
	if (raw.p[i] == '\r')
		return i - at + 1 + (i + 1 < raw.len && raw.p[i + 1] == '\n');
	return raw.p[i] == '\n' ? i - at + 1 : 0;
}

/* Tells how many raw bytes make the byte at `at`; *is_none: none is made. */
static size_t qp_unit(struct str raw, size_t at, bool *is_none)
{
	size_t n;

	*is_none = false;
	if (raw.p[at] == '=') {
		if (at + 2 < raw.len && is_hex(raw.p[at + 1]) &&
			is_hex(raw.p[at + 2]))
			return 3;
		n = blank_end(raw, at + 1);
		*is_none = n > 0;
		return 1 + n;
	}
	if (!is_blank(raw.p[at]))
		return 1;
	n = blank_end(raw, at);
	if (n == 0)
		return 1;
	*is_none = true;
	while (n && !is_blank(raw.p[at + n - 1]))
		n--;
	return n;
}

static bool follow_qp(struct str raw, struct str bytes, struct spans *s)
{
	size_t at = 0, begin = 0, i = 0;

	while (at < raw.len) {
		bool is_none;
		size_t n = qp_unit(raw, at, &is_none);
		at += n;
		if (is_none)
			continue;
		if (i == bytes.len || (n == 1 && raw.p[at - 1] != bytes.p[i]))
			return false;
		/* with the soft line ends before it */
		set_unit(s, i++, 1, begin, at);
		begin = at;
	}
	return i == bytes.len;
}

static bool is_base64(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '+' || c == '/';
}

static bool follow_base64(struct str raw, struct str bytes, struct spans *s)
{
	size_t begin = 0, i = 0;
	unsigned n = 0;

	for (size_t at = 0; at < raw.len; at++) {
		bool is_letter = is_base64(raw.p[at]);
		if (!is_letter && raw.p[at] != '=')
			continue;
		if (is_letter && n++ == 0)
			begin = at;
		if ((is_letter && n < 4) || n < 2)
			continue;
		while (at + 1 < raw.len && raw.p[at + 1] == '=')
			at++;
		set_unit(s, i, n - 1, begin, at + 1);
		i += n - 1;
		n = 0;
	}
	if (n >= 2) {
		set_unit(s, i, n - 1, begin, raw.len);
		i += n - 1;
	}
	return i == bytes.len;
}

void spans_of_encoding(struct arena *a, enum decode_kind kind, struct str raw,
	struct str bytes, struct spans *out)
{
	bool is_known = false;

	*out = (struct spans){ NULL, bytes.len };
	if (kind == DECODE_IDENTITY)
		return;
	make(a, bytes.len, out);
	if (kind == DECODE_QUOTED_PRINTABLE)
		is_known = follow_qp(raw, bytes, out);
	else if (kind == DECODE_BASE64)
		is_known = follow_base64(raw, bytes, out);
	if (!is_known)
		set_unit(out, 0, out->n, 0, raw.len);
}

/* ---- charsets ---- */

struct line_pair {
	struct arena *scratch;
	struct str charset, bytes, text; /* of one line, without its end */
	size_t at_bytes, at_text;	 /* where it is in the whole */
	bool may_try;
};

static size_t char_len(struct str s)
{
	uint32_t code;
	size_t n = utf8_next(s, &code);

	return n ? n : 1;
}

/* The same bytes, or each byte a character. */
static bool follow_singles(const struct line_pair *l, struct spans *s)
{
	size_t i = 0, k = 0;

	if (str_eq(l->bytes, l->text)) {
		for (; i < l->text.len; i++)
			set_unit(s, l->at_text + i, 1, l->at_bytes + i,
				l->at_bytes + i + 1);
		return true;
	}
	if (utf8_count(l->text) != l->bytes.len)
		return false;
	for (; i < l->text.len; k++) {
		size_t n = char_len(str_sub(l->text, i, l->text.len));
		if (n == 1 && l->text.p[i] != l->bytes.p[k])
			return false;
		set_unit(s, l->at_text + i, n, l->at_bytes + k,
			l->at_bytes + k + 1);
		i += n;
	}
	return true;
}

/* Returns: how many bytes at `at` make that character, or 0. */
static size_t try_char(const struct line_pair *l, size_t at, struct str want)
{
	size_t left = l->bytes.len - at;

	for (size_t n = 1; n <= CHAR_BYTES_MAX && n <= left; n++) {
		struct str one = str_sub(l->bytes, at, n), why;
		if (str_eq(charset_to_utf8(l->scratch, one, l->charset, &why),
			    want))
			return n;
	}
	return 0;
}

static bool follow_chars(const struct line_pair *l, struct spans *s)
{
	size_t k = 0;

	for (size_t i = 0; i < l->text.len;) {
		size_t n = char_len(str_sub(l->text, i, l->text.len));
		size_t n_bytes = try_char(l, k, str_sub(l->text, i, n));
		if (n_bytes == 0)
			return false;
		set_unit(s, l->at_text + i, n, l->at_bytes + k,
			l->at_bytes + k + n_bytes);
		i += n;
		k += n_bytes;
	}
	return k == l->bytes.len;
}

/* Do the bytes of the line alone give the text of the line? */
static bool is_line_of(const struct line_pair *l)
{
	struct str why;

	return str_eq(charset_to_utf8(l->scratch, l->bytes, l->charset, &why),
		l->text);
}

static bool follow_line(const struct line_pair *l, struct spans *s)
{
	if (follow_singles(l, s))
		return true;
	if (l->may_try && follow_chars(l, s))
		return true;
	if (!is_line_of(l))
		return false;
	set_unit(s, l->at_text, l->text.len, l->at_bytes,
		l->at_bytes + l->bytes.len);
	return true;
}

/* Tells the length of the line end at `at`, any run of CR before a LF. */
static size_t end_len(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && s.p[at + n] == '\r')
		n++;
	return n + (at + n < s.len && s.p[at + n] == '\n');
}

static size_t find_end(struct str s, size_t at)
{
	while (at < s.len && s.p[at] != '\n' && s.p[at] != '\r')
		at++;
	return at;
}

static bool follow_lines(
	struct line_pair *l, struct str bytes, struct str text, struct spans *s)
{
	size_t i = 0, k = 0;

	while (i < text.len) {
		size_t i_end = find_end(text, i), k_end = find_end(bytes, k);
		size_t n = end_len(bytes, k_end);
		l->at_text = i;
		l->at_bytes = k;
		l->text = str_sub(text, i, i_end - i);
		l->bytes = str_sub(bytes, k, k_end - k);
		if (!follow_line(l, s))
			return false;
		if (i_end < text.len) {
			if (n == 0)
				return false;
			set_unit(s, i_end, 1, k_end, k_end + n);
		}
		i = i_end + 1;
		k = k_end + n;
	}
	return true;
}

void spans_of_charset(struct arena *a, struct str charset, struct str bytes,
	struct str text, struct spans *out)
{
	AUTO(arena) struct arena *scratch = arena_new();
	struct line_pair l = { .scratch = scratch,
		.charset = charset,
		.may_try = text.len <= SLOW_MAX };

	*out = (struct spans){ NULL, text.len };
	if (text.p == bytes.p || str_eq(text, bytes))
		return;
	make(a, text.len, out);
	if (!follow_lines(&l, bytes, text, out))
		set_unit(out, 0, text.len, 0, bytes.len);
}

/* ---- plain text ---- */

/* What joining lines takes away between two words. */
static bool is_joint(char c)
{
	return is_white(c) || c == '>';
}

/* A blank of the text, for the run of them (and of ">") in the plain. */
static size_t follow_white(
	struct str plain, size_t k, struct spans *s, size_t i, bool is_end)
{
	size_t begin = k;

	if (k == plain.len || !is_white(plain.p[k])) {
		set_nowhere(s, i);
		return k;
	}
	/* ends of lines stay; what becomes a blank may be a whole run */
	k++;
	while (!is_end && k < plain.len && is_joint(plain.p[k]))
		k++;
	set_unit(s, i, 1, begin, k);
	return k;
}

/* Tells where in the plain text a byte of the text stands; k: not near. */
static size_t find_near(struct str plain, size_t k, char c)
{
	size_t at = k;

	while (at < plain.len && is_joint(plain.p[at]) && plain.p[at] != c)
		at++;
	return at < plain.len && plain.p[at] == c ? at : SIZE_MAX;
}

/* Is the blank at `i` there too, and not the first of a run that is joined? */
static bool is_same_white(struct str plain, size_t k, struct str text, size_t i)
{
	return k < plain.len && plain.p[k] == text.p[i] &&
	       (i + 1 == text.len || k + 1 == plain.len ||
		       plain.p[k + 1] == text.p[i + 1]);
}

struct plain_walk {
	struct str plain, text;
	size_t i, k; /* places in text and plain */
	size_t n_searches;
};

/* Something is gone or was put in: the line is found again, or passed over. */
static void find_line(struct plain_walk *w, struct spans *s)
{
	size_t end = find_end(w->text, w->i);
	struct str line = str_sub(w->text, w->i, end - w->i);
	ssize_t found = -1;

	if (w->n_searches++ < SEARCHES_MAX)
		found = str_find(str_sub(w->plain, w->k, w->plain.len), line);
	if (found >= 0) {
		w->k += (size_t)found;
		return;
	}
	while (w->i < end)
		set_nowhere(s, w->i++);
}

void spans_of_plain(
	struct arena *a, struct str plain, struct str text, struct spans *out)
{
	struct plain_walk w = { plain, text, 0, 0, 0 };

	*out = (struct spans){ NULL, text.len };
	if (str_eq(text, str_sub(plain, 0, text.len)))
		return;
	make(a, text.len, out);
	while (w.i < text.len) {
		char c = text.p[w.i];
		size_t at;
		if (is_white(c) && !is_same_white(plain, w.k, text, w.i)) {
			w.k = follow_white(plain, w.k, out, w.i, c == '\n');
			w.i++;
			continue;
		}
		at = find_near(plain, w.k, c);
		if (at == SIZE_MAX) {
			find_line(&w, out);
			continue;
		}
		set_unit(out, w.i++, 1, at, at + 1);
		w.k = at + 1;
	}
}

/* ---- HTML ---- */

#define NBSP "\xc2\xa0"

/* Within a piece of text: what was written lacks some white space only. */
static void follow_piece(struct str html, const struct html_piece *p,
	struct str written, struct spans *s)
{
	size_t k = p->from;

	if (!p->is_verbatim) {
		/* an entity: before it may stand what was asked for */
		size_t i = p->end;
		while (i > p->at && !is_white(written.p[i - 1]))
			i--;
		set_unit(s, i, p->end - i, p->from, p->to);
		return;
	}
	for (size_t i = p->at; i < p->end; i++) {
		size_t begin = k;
		if (is_white(written.p[i])) {
			while (k < p->to && is_white(html.p[k]))
				k++;
			if (k > begin)
				set_unit(s, i, 1, begin, k);
			continue;
		}
		while (k < p->to && is_white(html.p[k]))
			k++;
		if (k == p->to || html.p[k] != written.p[i]) {
			k = begin; /* a mark that was put in */
			continue;
		}
		set_unit(s, i, 1, k, k + 1);
		k++;
	}
}

/* Finds where behind white space, also that of HTML, a byte stands. */
static size_t find_written(struct str written, size_t k, char c)
{
	/* signs of html.c, and characters that nobody sees */
	while (k < written.len && written.p[k] != c &&
		((unsigned char)written.p[k] <= ' ' ||
			strchr(NBSP "\xad\xcd\x8f\xe2\x80\x8b\x8c\x8d\xef"
				    "\xbb\xbf",
				written.p[k])))
		k++;
	return k < written.len && written.p[k] == c ? k : SIZE_MAX;
}

/* Follows the final text to what was written: white space may differ. */
static void follow_written(struct str written, struct str text, struct spans *s)
{
	size_t k = 0, at;
	unsigned n_misses = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool is_nbsp = str_starts(str_sub(written, k, 2), STR(NBSP));
		set_nowhere(s, i);
		if (is_white(text.p[i]) && is_nbsp) {
			set_unit(s, i, 1, k, k + 2);
			k += 2;
			continue;
		}
		if (is_white(text.p[i]) &&
			!(k < written.len && written.p[k] == text.p[i]))
			continue;
		if (n_misses == MISSES_MAX)
			continue;
		at = find_written(written, k, text.p[i]);
		if (at == SIZE_MAX) {
			n_misses++;
			continue;
		}
		set_unit(s, i, 1, at, at + 1);
		k = at + 1;
	}
}

void spans_of_html(struct arena *a, struct str html, struct str text,
	const struct html_trace *trace, struct spans *out)
{
	AUTO(arena) struct arena *scratch = arena_new();
	struct spans written, in_html;

	make(scratch, trace->written.len, &in_html);
	for (size_t i = 0; i < in_html.n; i++)
		set_nowhere(&in_html, i);
	for (size_t i = 0; i < trace->n; i++)
		follow_piece(html, &trace->items[i], trace->written, &in_html);
	make(scratch, text.len, &written);
	follow_written(trace->written, text, &written);
	if (in_html.n)
		spans_compose(a, &written, &in_html, out);
	else
		spans_cover(a, text.len, html.len, out);
}
