/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * header_words.c - what a field says: encoded words (RFC 2047), raw 8-bit
 * bytes (RFC 6532, and what was never allowed), and what programs make of both.
 *
 * GMime 3.2.13 loses words behind a padded one, and to mend that costs it the
 * characters that are cut between words, so they are decoded here. Words of one
 * charset in a row are one run of bytes, read at its end: characters, and even
 * the groups of base64, may be cut between them. Charsets are read as those of
 * texts are. A word that was cut off at the end of a field is read as far as it
 * goes. What comes out of words is not decoded again, though it may look so.
 */
#include <mailmill/enc.h>

#include "inside.h"

#define WORD_CHARSET_MAX 60
#define WORD_MAX ((size_t)16 * 1024)

/* ---- one word ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

/* "?=" of "=?utf-8?Q?=41?=", and of "What?=20Now?=", is no end. */
static bool is_inner(struct str text, size_t at, char encoding)
{
	struct str rest = str_sub(text, at + 2, text.len);
	ssize_t next;

	if (encoding != 'q' || rest.len < 4 || !is_hex(rest.p[0]) ||
		!is_hex(rest.p[1]))
		return false;
	next = str_find(rest, STR("?="));
	if (next < 0)
		return false;
	rest = str_sub(rest, 0, (size_t)next);
	return str_find(rest, STR("=?")) < 0 &&
	       (at == 0 || str_chr(rest, ' ') < 0);
}

/* Finds the "?=" that ends a word. Returns: its offset, or -1. */
static ssize_t find_end(struct str text, char encoding)
{
	for (size_t from = 0; from < text.len;) {
		ssize_t end = str_find(
			str_sub(text, from, text.len), STR("?="));
		if (end < 0)
			return -1;
		if (!is_inner(text, from + (size_t)end, encoding))
			return (ssize_t)from + end;
		from += (size_t)end + 2;
	}
	return -1;
}

/* How far a word goes that has no end: as far as its letters do. */
static size_t measure_open(struct str text, char encoding)
{
	size_t n = 0;

	for (; n < text.len && text.p[n] > ' ' && text.p[n] < 127; n++) {
		char c = text.p[n];
		bool is_b64 = (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9') || c == '+' || c == '/' ||
			      c == '=';
		if (encoding == 'b' ? !is_b64 : strchr("?<>\"", c) != NULL)
			break;
	}
	return n;
}

static bool read_front(struct str s, struct header_word *w)
{
	struct str rest = str_sub(s, 2, s.len);
	ssize_t q = str_chr(rest, '?');

	if (q <= 0 || q > WORD_CHARSET_MAX || rest.len < (size_t)q + 4 ||
		rest.p[q + 2] != '?')
		return false;
	w->charset = str_trim(str_sub(rest, 0, (size_t)q));
	w->encoding = (char)(rest.p[q + 1] | 32);
	w->text = str_sub(rest, (size_t)q + 3, WORD_MAX);
	return (w->encoding == 'q' || w->encoding == 'b') &&
	       str_chr(w->charset, ' ') < 0;
}

bool header_read_word(struct str s, struct header_word *w)
{
	ssize_t end;

	if (!str_starts(s, STR("=?")) || !read_front(s, w))
		return false;
	end = find_end(w->text, w->encoding);
	if (end >= 0) {
		struct str text = str_sub(w->text, 0, (size_t)end);
		ssize_t next = str_find(text, STR("=?"));
		struct header_word other;
		/* the end of another word: this one has none */
		if (next < 0 ||
			!read_front(str_sub(w->text, (size_t)next, w->text.len),
				&other)) {
			w->text = text;
			w->len = (size_t)(text.p + end + 2 - s.p);
			return true;
		}
	}
	w->text = str_sub(w->text, 0, measure_open(w->text, w->encoding));
	w->len = (size_t)(w->text.p + w->text.len - s.p);
	/* the question mark of an end that was cut in two */
	if (w->len < s.len && s.p[w->len] == '?')
		w->len++;
	return w->text.len > 0;
}

/* Adds the bytes that a Q word stands for. */
static void add_q(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i], two[3] = { 0 };
		struct str hex = str_sub(text, i + 1, 2);
		if (c == '_') {
			c = ' ';
		} else if (c == '=' && hex.len == 2) {
			struct buf one = {
				.p = (char *)two, .cap = sizeof(two), .max = 2
			};
			if (enc_unhex(&one, hex) == 0) {
				c = two[0];
				i += 2;
			}
		} else if (c == '=' && i + 1 == text.len) {
			break; /* cut off */
		}
		buf_byte(b, c);
	}
}

/* ---- words in a row ---- */

struct run {
	struct buf bytes;
	struct str charset;
	struct buf group; /* base64 that the next word may go on with */
};

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Tells whether base64 ends within a byte: the next word has its rest. */
static bool is_cut(struct str text)
{
	size_t n = 0;
	int last = 0;

	for (size_t i = 0; i < text.len; i++) {
		int v = value_of(text.p[i]);
		if (text.p[i] == '=')
			return false;
		n += v >= 0;
		last = v >= 0 ? v : last;
	}
	return n % 4 == 1 || (n % 4 == 2 && last & 15) ||
	       (n % 4 == 3 && last & 3);
}

static void flush_group(struct run *run)
{
	if (run->group.len)
		decode_all(&run->bytes, DECODE_BASE64, buf_view(&run->group));
	buf_clear(&run->group);
}

static void add_word(struct run *run, const struct header_word *w)
{
	run->charset = w->charset;
	if (w->encoding != 'b') {
		flush_group(run);
		add_q(&run->bytes, w->text);
		return;
	}
	buf_str(&run->group, w->text);
	if (!is_cut(buf_view(&run->group)))
		flush_group(run);
}

static void end_run(struct arena *a, struct run *run, struct buf *out)
{
	flush_group(run);
	/* a language behind "*" (RFC 2231 5) is left out there */
	if (run->bytes.len)
		buf_str(out, charset_to_utf8(a, buf_view(&run->bytes),
				     run->charset, NULL));
	buf_clear(&run->bytes);
	run->charset = STR_NULL;
}

void header_add_gap(struct arena *a, struct buf *b, struct str s)
{
	bool is_plain = charset_is_plain(s) && !memchr(s.p, 0x1b, s.len);

	if (s.len)
		buf_str(b, is_plain ? s : charset_to_utf8(a, s, STR(""), NULL));
}

static bool is_white(struct str s)
{
	return str_trim(s).len == 0;
}

void header_add_words(struct arena *a, struct buf *out, struct str s)
{
	struct run run = { .bytes = BUF_INIT(s.len * 2 + 4 * DECODE_EXTRA),
		.group = BUF_INIT(s.len + 4) };
	struct header_word w;

	while (s.len) {
		ssize_t at = str_find(s, STR("=?"));
		size_t gap = at < 0 ? s.len : (size_t)at;
		bool is_word = at >= 0 &&
			       header_read_word(str_sub(s, gap, s.len), &w);
		if (at >= 0 && !is_word)
			gap += 2;
		/* blanks between words are not shown (RFC 2047 6.2) */
		if (!run.charset.p || !is_word ||
			!is_white(str_sub(s, 0, gap))) {
			end_run(a, &run, out);
			header_add_gap(a, out, str_sub(s, 0, gap));
		}
		s = str_sub(s, gap, s.len);
		if (!is_word)
			continue;
		if (run.charset.p && !str_eq_case(run.charset, w.charset))
			end_run(a, &run, out);
		add_word(&run, &w);
		s = str_sub(s, w.len, s.len);
	}
	end_run(a, &run, out);
	buf_fini(&run.bytes);
	buf_fini(&run.group);
}

/* ---- values ---- */

/* An encoded line end must not look like the end of a field. */
static struct str one_line(struct str s)
{
	char *p = (char *)(uintptr_t)s.p; /* ours: in the arena */

	for (size_t i = 0; i < s.len; i++)
		if (p[i] == '\n' || p[i] == '\r')
			p[i] = ' ';
	return s;
}

static struct str decode_once(struct arena *a, struct str text)
{
	struct buf b;
	struct str out;

	buf_init(&b, text.len * 4 + 64);
	header_add_words(a, &b, text);
	out = str_trim(one_line(arena_str(a, buf_view(&b))));
	buf_fini(&b);
	return out;
}

struct str header_decode_words(struct arena *a, struct str text)
{
	if (str_find(text, STR("=?")) < 0) {
		if (charset_is_plain(text) &&
			(!text.len || !memchr(text.p, 0x1b, text.len)))
			return str_trim(text);
		return str_trim(one_line(
			arena_str(a, charset_to_utf8(a, text, STR(""), NULL))));
	}
	return decode_once(a, text);
}

struct str header_decode(struct arena *a, struct str raw)
{
	raw = str_sub(raw, 0, MAIL_VALUE_MAX);
	return header_decode_words(a, header_unfold(a, raw));
}

struct str mail_decode(struct arena *a, struct str raw)
{
	struct str value = header_decode(a, raw);

	return value.p ? value : STR("");
}

/* ---- raw bytes ---- */

#define HINT_PARTS 5 /* looked at */

/* Looks at the texts, where none names its charset. */
static struct str guess_hint(struct mail *m)
{
	struct mail_part *p = mail_root(m);

	for (int i = 0; p && i < HINT_PARTS; p = mail_next(p), i++) {
		const char *name;
		if (!str_eq(p->type, STR("text")))
			continue;
		name = charset_name_of(mail_part_bytes(m, p));
		if (name)
			return str_c(name);
	}
	return STR_NULL;
}

static struct str hint_of(struct mail *m)
{
	if (!m->hint.len && !m->has_hint) {
		m->has_hint = true;
		m->hint = guess_hint(m);
	}
	return m->hint;
}

struct str header_hinted(struct mail *m, struct str raw)
{
	struct buf b;
	struct str s, out;

	if (charset_is_plain(raw) || utf8_is_valid(raw) || !hint_of(m).len)
		return raw;
	raw = str_sub(raw, 0, MAIL_VALUE_MAX);
	buf_init(&b, raw.len * 4 + 64);
	for (s = raw; s.len;) { /* but for the words: they have their own */
		ssize_t at = str_find(s, STR("=?"));
		size_t n = at < 0 ? s.len : (size_t)at;
		struct header_word w = { .len = MIN(s.len - n, 2) };
		if (n)
			buf_str(&b, charset_to_utf8(m->arena, str_sub(s, 0, n),
					    m->hint, NULL));
		s = str_sub(s, n, s.len);
		if (s.len)
			header_read_word(s, &w);
		buf_str(&b, str_sub(s, 0, MAX(w.len, 1)));
		s = str_sub(s, MAX(w.len, 1), s.len);
	}
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}
