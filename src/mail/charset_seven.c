/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * charset_seven.c - charsets that keep to seven bits, by shifting to and fro.
 *
 * iconv takes them more strictly than mails do: signs that NEC and IBM added to
 * ISO-2022-JP, ISO-2022-KR without its mark in front, escapes that a filter
 * took away; and HZ (RFC 1843) glibc does not know at all.
 */
#include "charset.h"

/*
 * Reads HZ (RFC 1843), which glibc does not know, as the GB 2312 that it hides:
 * between "~{" and "~}" each byte has lost its high bit.
 */
static ssize_t convert_hz(struct arena *a, struct str s, struct str *out)
{
	char *p = arena_alloc(a, s.len + 1), *to = p;
	bool is_shifted = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i], next = i + 1 < s.len ? s.p[i + 1] : 0;
		if (c == '~' && (next == '{' || next == '}')) {
			is_shifted = next == '{';
			i++;
		} else if (c == '~' && next == '~') {
			*to++ = '~';
			i++;
		} else if (c == '~' && next == '\n') {
			i++; /* a fold within the line */
		} else {
			if (c == '\n')
				is_shifted = false;
			*to++ = is_shifted && c > ' ' ? (char)(c | 0x80) : c;
		}
	}
	return charset_convert(a, "GB18030", str_n(p, (size_t)(to - p)), out);
}

/*
 * Reads ISO-2022-KR (RFC 1557) without asking for its mark in front, which
 * encoded words lack: between SO and SI each byte has lost its high bit.
 */
static ssize_t convert_korean(struct arena *a, struct str s, struct str *out)
{
	char *p = arena_alloc(a, s.len + 1), *to = p;
	bool is_shifted = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (c == 0x0e || c == 0x0f)
			is_shifted = c == 0x0e;
		else if (str_starts(str_sub(s, i, 4), STR("\x1b$)C")))
			i += 3;
		else
			*to++ = is_shifted && c > ' ' ? (char)(c | 0x80) : c;
	}
	return charset_convert(a, "CP949", str_n(p, (size_t)(to - p)), out);
}

/* What an escape sequence shifts to. */
enum jis {
	JIS_ASCII,
	JIS_KANJI,
	JIS_MORE_KANJI,
	JIS_KATAKANA
};

static const struct escape {
	const char *text;
	enum jis to;
} escapes[] = {
	{ "\x1b(B", JIS_ASCII },
	{ "\x1b(J", JIS_ASCII },
	{ "\x1b(H", JIS_ASCII },
	{ "\x1b(I", JIS_KATAKANA },
	{ "\x1b$B", JIS_KANJI },
	{ "\x1b$@", JIS_KANJI },
	{ "\x1b$(@", JIS_KANJI },
	{ "\x1b$(B", JIS_KANJI },
	{ "\x1b&@\x1b$B", JIS_KANJI },
	{ "\x1b$(D", JIS_MORE_KANJI },
	{ "\x1b$(O", JIS_KANJI },
	{ "\x1b$(Q", JIS_KANJI },
};

/* Returns: the length of the escape sequence at the front, or 0. */
static size_t read_escape(struct str s, enum jis *to)
{
	if (!s.len || s.p[0] != 0x1b)
		return 0;
	for (size_t i = 0; i < COUNT(escapes); i++)
		if (str_starts(s, str_c(escapes[i].text))) {
			*to = escapes[i].to;
			return strlen(escapes[i].text);
		}
	return 0;
}

/* Writes a character of JIS X 0208 with what vendors added, as Shift_JIS. */
static char *put_sjis(char *to, unsigned char hi, unsigned char lo)
{
	unsigned char first = (unsigned char)((hi + 1) / 2 + 0x70);
	unsigned second = lo + 0x1fu;

	if (first > 0x9f)
		first = (unsigned char)(first + 0x40);
	if (hi % 2 == 0)
		second = lo + 0x7eu;
	else if (second >= 0x7f)
		second++;
	*to++ = (char)first;
	*to++ = (char)second;
	return to;
}

/*
 * Reads ISO-2022-JP as it is sent, with the signs of NEC and IBM, narrow
 * katakana, and shifts that are not undone at the end of a line.
 */
static ssize_t convert_jis(struct arena *a, struct str s, struct str *out)
{
	char *p = arena_alloc(a, s.len * 2 + 1), *to = p;
	enum jis now = JIS_ASCII;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i], next;
		size_t n = read_escape(str_sub(s, i, 8), &now);
		if (n) {
			i += n - 1;
			continue;
		}
		if (c == '\n' || c == '\r')
			now = JIS_ASCII;
		next = i + 1 < s.len ? (unsigned char)s.p[i + 1] : 0;
		if (c == 0x1b || c == 0x0e || c == 0x0f)
			continue; /* nothing that shows */
		if (now == JIS_KATAKANA && c >= 0x21 && c <= 0x5f) {
			*to++ = (char)(c | 0x80);
		} else if ((now == JIS_KANJI || now == JIS_MORE_KANJI) &&
			   c >= 0x21 && c <= 0x7e && next >= 0x21 &&
			   next <= 0x7e) {
			if (now == JIS_KANJI)
				to = put_sjis(to, c, next);
			else
				*to++ = (char)0xff; /* unknown there */
			i++;
		} else {
			*to++ = (char)c;
		}
	}
	return charset_convert(a, "CP932", str_n(p, (size_t)(to - p)), out);
}

/* Puts ESC back where a filter took it away: "$BF|K\\(B". */
static struct str put_escapes(struct arena *a, struct str s)
{
	char *p, *to;
	bool is_in = false;

	if (memchr(s.p, 0x1b, s.len) || str_find(s, STR("$B")) < 0 ||
		(str_find(s, STR("(B")) < 0 && str_find(s, STR("(J")) < 0))
		return s;
	p = to = arena_alloc(a, s.len * 2);
	for (size_t i = 0; i < s.len; i++) {
		struct str two = str_sub(s, i, 2);
		bool is_out = str_eq(two, STR("(B")) || str_eq(two, STR("(J"));
		if (s.p[i] == '\n')
			is_in = false;
		if (!is_in && str_eq(two, STR("$B"))) {
			*to++ = 0x1b;
			*to++ = s.p[i++];
			is_in = true;
		} else if (is_in && is_out) {
			*to++ = 0x1b;
			*to++ = s.p[i++];
			is_in = false;
		} else if (is_in) {
			*to++ = s.p[i++];
			if (i >= s.len)
				break;
		}
		*to++ = s.p[i];
	}
	return str_n(p, (size_t)(to - p));
}

ssize_t charset_convert_seven(struct arena *a, const struct charset *cs,
	struct str s, struct str *out)
{
	ssize_t n_bad;
	struct str other;

	if (!strcmp(cs->iconv, "HZ"))
		return convert_hz(a, s, out);
	if (!strcmp(cs->iconv, "ISO-2022-KR"))
		return convert_korean(a, s, out);
	if (str_starts(str_c(cs->iconv), STR("ISO-2022-JP")))
		s = put_escapes(a, s);
	n_bad = charset_convert(a, cs->iconv, s, out);
	if (n_bad > 0 && str_starts(str_c(cs->iconv), STR("ISO-2022-JP"))) {
		ssize_t n = convert_jis(a, s, &other);
		if (n >= 0 && n < n_bad) {
			*out = other;
			return n;
		}
	}
	return n_bad;
}

const char *charset_guess_seven(struct str s)
{
	if (!memchr(s.p, 0x1b, s.len))
		return NULL;
	if (str_find(s, STR("\x1b$B")) >= 0 || str_find(s, STR("\x1b$@")) >= 0)
		return "ISO-2022-JP-3";
	if (str_find(s, STR("\x1b$)C")) >= 0 && memchr(s.p, 0x0e, s.len))
		return "ISO-2022-KR";
	if ((str_find(s, STR("\x1b$)A")) >= 0 ||
		    str_find(s, STR("\x1b$)G")) >= 0) &&
		memchr(s.p, 0x0e, s.len))
		return "ISO-2022-CN-EXT";
	return NULL;
}
