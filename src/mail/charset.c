/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * charset.c - bytes of any charset, named right, wrong or not, to UTF-8.
 *
 * What is valid UTF-8 with letters beyond ASCII is never anything else by
 * chance, so that wins over nearly any label. A label of the kind that programs
 * write without looking (us-ascii, iso-8859-1, none, unknown) says nothing: the
 * bytes are looked at (charset_guess.c). Any other label counts, as its senders
 * mean it (charset_names.c), unless it makes nonsense of the bytes. What fits
 * nothing is U+FFFD. A caller is told what was made of it.
 *
 * Text of ASCII alone costs one look. Charsets with one byte a letter are read
 * by tables, the others by iconv, but for what it does not know (HZ) or takes
 * too strictly for mails (ISO-2022-JP with the signs of NEC, ISO-2022-KR
 * without its mark, UTF-8 with halves of surrogates).
 */
#include <errno.h>
#include <iconv.h>

#include "charset.h"

void charset_init(void)
{
	charset_names_init();
	charset_guess_init();
}

bool charset_is_plain(struct str s)
{
	const char *p = s.p;
	size_t n = s.len;

	while (n >= 8) {
		uint64_t w;
		memcpy(&w, p, 8);
		/* the second finds bytes that are zero, for ASCII */
		if (w & 0x8080808080808080ULL ||
			((w - 0x0101010101010101ULL) & 0x8080808080808080ULL))
			return false;
		p += 8;
		n -= 8;
	}
	for (size_t i = 0; i < n; i++)
		if (p[i] <= 0)
			return false;
	return true;
}

/* Copies without NUL. */
static struct str drop_nul(struct arena *a, struct str s)
{
	char *p, *to;

	if (!s.len || !memchr(s.p, 0, s.len))
		return s;
	p = to = arena_alloc(a, s.len + 1);
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i])
			*to++ = s.p[i];
	return str_n(p, (size_t)(to - p));
}

/* A surrogate, written as UTF-8 (CESU-8)? */
static bool read_half(struct str s, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.len < 3 || p[0] != 0xed || p[1] < 0xa0 || p[1] > 0xbf ||
		(p[2] & 0xc0) != 0x80)
		return false;
	*code = 0xd000u | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3fu);
	return true;
}

/* Two of these make one letter. Returns: whether they stand at the front. */
static bool read_halves(struct str s, uint32_t *code)
{
	uint32_t one, two;

	if (!read_half(s, &one) || one >= 0xdc00 ||
		!read_half(str_sub(s, 3, s.len), &two) || two < 0xdc00)
		return false;
	*code = 0x10000 + ((one & 0x3ff) << 10) + (two & 0x3ff);
	return true;
}

/* Tells whether most of what is beyond ASCII is UTF-8 all the same. */
static bool is_mostly_utf8(struct str s)
{
	size_t n_good = 0, n_bad = 0;
	uint32_t code;

	while (s.len) {
		size_t n = utf8_next(s, &code);
		if (n == 0 && read_halves(s, &code))
			n = 6;
		n_good += n > 1;
		n_bad += n == 0;
		s = str_sub(s, n ? n : 1, s.len);
	}
	return n_good > n_bad;
}

static bool has_high(struct str s)
{
	const char *p = s.p;
	size_t n = s.len;

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t w;
		memcpy(&w, p, 8);
		if (w & 0x8080808080808080ULL)
			return true;
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

/* ---- one byte a letter ---- */

/* Quotes and dashes of Windows, where ISO 8859 has nothing but controls. */
static uint32_t code_of(const struct charset *cs, unsigned char c)
{
	uint32_t code = charset_high(cs)[c - 0x80];

	if (!code && c < 0xa0 && str_starts(str_c(cs->iconv), STR("ISO-8859")))
		code = charset_high(charset_named("WINDOWS-1252"))[c - 0x80];
	return code ? code : 0xfffd;
}

static struct str from_single(
	struct arena *a, struct str s, const struct charset *cs)
{
	uint16_t table[128];
	size_t n_high = 0;
	char *p, *to;

	for (unsigned i = 0; i < 128; i++)
		table[i] = (uint16_t)code_of(cs, (unsigned char)(i + 128));
	for (size_t i = 0; i < s.len; i++)
		n_high += (unsigned char)s.p[i] >= 0x80;
	p = to = arena_alloc(a, s.len + n_high * 2 + 1);
	for (size_t i = 0; i < s.len; i++) {
		unsigned c = (unsigned char)s.p[i];
		if (c < 0x80) {
			*to++ = (char)c;
			continue;
		}
		c = table[c - 0x80];
		if (c < 0x80) {
			*to++ = (char)c;
			continue;
		}
		if (c < 0x800) {
			*to++ = (char)(0xc0 | c >> 6);
		} else {
			*to++ = (char)(0xe0 | c >> 12);
			*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		}
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return str_n(p, (size_t)(to - p));
}

/* ---- several bytes a character ---- */

ssize_t charset_convert(
	struct arena *a, const char *name, struct str s, struct str *out)
{
	iconv_t cd = iconv_open("UTF-8", name);
	struct buf b = BUF_INIT(MAIL_TEXT_MAX * 4);
	/* iconv() takes a pointer to what it does not change */
	char *in = (char *)(uintptr_t)s.p;
	size_t left = s.len;
	ssize_t n_bad = 0;

	if (cd == (iconv_t)-1)
		return -1;
	while (left && !buf_is_over(&b)) {
		size_t room = left + left / 2 + 64;
		char *to = buf_room(&b, room), *begin = to;
		if (!to)
			break;
		size_t rc = iconv(cd, &in, &left, &to, &room);
		b.len += (size_t)(to - begin);
		if (rc != (size_t)-1 || errno == E2BIG)
			continue;
		if (n_bad++ == 0 ||
			!str_ends(buf_view(&b), STR("\xef\xbf\xbd")))
			buf_c(&b, "\xef\xbf\xbd");
		in++;
		left--;
	}
	{
		size_t room = 64;
		char *to = buf_room(&b, room), *begin = to;
		if (to && iconv(cd, NULL, NULL, &to, &room) != (size_t)-1)
			b.len += (size_t)(to - begin);
	}
	iconv_close(cd);
	*out = utf8_mend(a, buf_view(&b));
	buf_fini(&b);
	return n_bad;
}

/* Tells UTF-16 by its mark or by every other byte being NUL. */
static const char *guess_utf16(struct str s)
{
	size_t even = 0, odd = 0, n = MIN(s.len, 512);

	if (s.len >= 2 && !memcmp(s.p, "\xff\xfe", 2))
		return "UTF-16";
	if (s.len >= 2 && !memcmp(s.p, "\xfe\xff", 2))
		return "UTF-16";
	for (size_t i = 0; i < n; i++)
		if (s.p[i] == 0)
			*(i % 2 ? &odd : &even) += 1;
	if (n >= 8 && odd > n / 3 && even < n / 20)
		return "UTF-16LE";
	if (n >= 8 && even > n / 3 && odd < n / 20)
		return "UTF-16BE";
	return NULL;
}

/* ---- UTF-8 with damage ---- */

static bool is_high_byte(struct str s, size_t i)
{
	return i < s.len && (unsigned char)s.p[i] >= 0x80;
}

/* Mends what is no UTF-8 at the front. Returns: how many bytes it took. */
static size_t mend_one(
	struct buf *b, struct str all, size_t i, bool is_latin, bool *was_bad)
{
	struct str s = str_sub(all, i, all.len);
	unsigned char c = (unsigned char)s.p[0];
	uint32_t code;

	if (read_halves(s, &code)) {
		utf8_add(b, code);
		*was_bad = false;
		return 6;
	}
	if (c == 0xc0 && s.len > 1 && (unsigned char)s.p[1] == 0x80)
		return 2; /* Java's NUL */
	/* one letter among ASCII: a footer of another charset */
	if (is_latin && !is_high_byte(s, 1) &&
		(i == 0 || !is_high_byte(all, i - 1))) {
		utf8_add(b, code_of(charset_named("WINDOWS-1252"), c));
		*was_bad = false;
		return 1;
	}
	if (!*was_bad)
		utf8_add(b, 0xfffd);
	*was_bad = true;
	return 1;
}

/* Tells whether most letters of several bytes are Latin. */
static bool is_mostly_latin(struct str s)
{
	size_t n_latin = 0, n_other = 0;

	while (s.len) {
		uint32_t code;
		size_t n = utf8_next(s, &code);
		if (n > 1 && (code < 0x250 || (code >> 8) == 0x20))
			n_latin++;
		else
			n_other += n > 1;
		s = str_sub(s, n ? n : 1, s.len);
	}
	return n_latin >= n_other;
}

static struct str mend_utf8(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT(s.len * 3 + 16);
	bool was_bad = false, is_latin = is_mostly_latin(s);
	struct str out;

	for (size_t i = 0; i < s.len;) {
		uint32_t code;
		size_t n = utf8_next(str_sub(s, i, 4), &code);
		if (n) {
			buf_add(&b, s.p + i, n);
			was_bad = false;
		} else {
			n = mend_one(&b, s, i, is_latin, &was_bad);
		}
		i += n;
	}
	out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return out;
}

/* ---- UTF-8 encoded twice ---- */

/* Returns: the byte that is the letter in a charset, or -1. */
static int byte_of(const uint16_t *table, uint32_t code)
{
	if (code >= 0x80 && code < 0xa0)
		return (int)code;
	for (int i = 0; i < 128; i++)
		if (table[i] == code)
			return i + 128;
	return -1;
}

/* Sequences that must all be so, of which letters of two bytes or more. */
static bool is_sure(struct str out, size_t n_least)
{
	size_t n = 0, n_letters = 0;

	while (out.len) {
		uint32_t code;
		size_t len = utf8_next(out, &code);
		n += len > 1;
		n_letters += len > 1 && (code >= 0xc0 || len > 2);
		out = str_sub(out, len, out.len);
	}
	return n >= n_least && n_letters * 2 >= n && n_letters;
}

/* Undoes it, if all letters beyond ASCII are halves of others. */
static bool undo_with(struct arena *a, struct str s, const char *name,
	size_t n_least, struct str *out)
{
	const uint16_t *table = charset_high(charset_named(name));
	char *p = NULL, *to = NULL;

	for (size_t i = 0; i < s.len;) {
		uint32_t code;
		size_t n = utf8_next(str_sub(s, i, 4), &code);
		int byte;
		if (n == 1) {
			if (p)
				*to++ = s.p[i];
			i++;
			continue;
		}
		byte = byte_of(table, code);
		if (byte < 0 || (!p && (byte < 0xc2 || byte > 0xf4)))
			return false;
		if (!p) {
			/* two in a row at least, before any work is done */
			uint32_t next;
			size_t m = utf8_next(str_sub(s, i + n, 4), &next);
			int second = m > 1 ? byte_of(table, next) : -1;
			if (second < 0x80 || second > 0xbf)
				return false;
			p = to = arena_alloc(a, s.len + 1);
			memcpy(p, s.p, i);
			to += i;
		}
		*to++ = (char)byte;
		i += n;
	}
	if (!p)
		return false;
	*out = str_n(p, (size_t)(to - p));
	return utf8_is_valid(*out) && is_sure(*out, n_least);
}

static struct str undo_double(struct arena *a, struct str s, struct str *why)
{
	static const struct {
		const char *name;
		size_t n_least;
	} by[] = { { "WINDOWS-1252", 1 }, { "WINDOWS-1250", 2 },
		{ "WINDOWS-1251", 4 } };
	struct str out;

	for (size_t i = 0; i < COUNT(by) && has_high(s); i++)
		for (int k = 0; k < 3; k++) { /* or three times */
			if (!undo_with(a, s, by[i].name, by[i].n_least, &out))
				break;
			*why = STR("text is UTF-8 encoded twice: undone");
			s = out;
		}
	return s;
}

/*
 * Undoes what a relay did that took a charset of several bytes for Latin ones
 * and made UTF-8 of these, keeping the label.
 */
static bool undo_recoded(struct arena *a, const struct charset *cs,
	struct str s, struct str *out, struct str *why)
{
	const uint16_t *table = charset_high(charset_named("WINDOWS-1252"));
	char *p, *to;

	for (size_t i = 0; i < s.len;) { /* before any work is done */
		uint32_t code;
		size_t n = utf8_next(str_sub(s, i, 4), &code);
		if (n > 1 && byte_of(table, code) < 0)
			return false;
		i += n;
	}
	p = to = arena_alloc(a, s.len + 1);
	for (size_t i = 0; i < s.len;) {
		uint32_t code;
		size_t n = utf8_next(str_sub(s, i, 4), &code);
		*to++ = n > 1 ? (char)byte_of(table, code) : s.p[i];
		i += n;
	}
	s = str_n(p, (size_t)(to - p));
	if (!charset_is_likely(s, cs) ||
		charset_convert(a, cs->iconv, s, out) != 0)
		return false;
	*why = str_c(arena_printf(a, "text is %s in UTF-8: undone", cs->iconv));
	return true;
}

/* ---- the choice ---- */

static struct str tell(struct arena *a, const char *name)
{
	return str_c(arena_printf(
		a, "text is %s although labelled otherwise", name));
}

static struct str convert_as(struct arena *a, const struct charset *cs,
	struct str s, struct str *why)
{
	struct str out;
	ssize_t n_bad;

	if (cs->kind == CHARSET_SINGLE || cs->kind == CHARSET_CARELESS) {
		out = from_single(a, s, cs);
		n_bad = str_find(out, STR("\xef\xbf\xbd")) >= 0;
	} else if (cs->kind == CHARSET_SEVEN) {
		n_bad = charset_convert_seven(a, cs, s, &out);
	} else {
		n_bad = charset_convert(a, cs->iconv, s, &out);
	}
	if (n_bad > 0 && !why->p)
		*why = STR("text has bytes that do not fit its charset: "
			   "U+FFFD");
	return n_bad < 0 ? mend_utf8(a, s) : out;
}

/* Cuts a character off that is not whole, if all before it is UTF-8. */
static bool cut_half(struct str *s)
{
	size_t n = 0;

	while (n < 3 && n < s->len && (s->p[s->len - 1 - n] & 0xc0) == 0x80)
		n++;
	if (n == s->len || (unsigned char)s->p[s->len - 1 - n] < 0xc2)
		return false;
	if (!utf8_is_valid(str_sub(*s, 0, s->len - 1 - n)))
		return false;
	s->len -= n + 1;
	return true;
}

/* Reads what has no label that counts, or is not the UTF-8 it is said to be. */
static struct str from_bytes(
	struct arena *a, struct str s, bool is_utf8, struct str *why)
{
	const char *name = guess_utf16(s);
	const struct charset *cs;
	struct str out;

	if (name && charset_convert(a, name, s, &out) == 0) {
		*why = tell(a, name);
		return out;
	}
	if (!has_high(s)) {
		name = charset_guess_seven(s);
		if (name && charset_convert_seven(
				    a, charset_named(name), s, &out) == 0) {
			*why = tell(a, name);
			return out;
		}
		return s;
	}
	if (utf8_is_valid(s))
		return undo_double(a, s, why);
	if (is_utf8 && cut_half(&s)) {
		*why = STR("text ends within a character: left out");
		return undo_double(a, s, why);
	}
	if (is_mostly_utf8(s)) {
		*why = STR("text is damaged UTF-8: bad bytes are U+FFFD");
		return mend_utf8(a, s);
	}
	cs = charset_guess(s, NULL);
	if (cs->kind != CHARSET_CARELESS)
		*why = tell(a, cs->iconv);
	return convert_as(a, cs, s, why);
}

static struct str from_unlabelled(
	struct arena *a, struct str s, struct str *why)
{
	return from_bytes(a, s, false, why);
}

/* UTF-8 that could be something else by chance has only a few short letters. */
static bool is_surely_utf8(struct str s)
{
	size_t n_short = 0, n_long = 0;

	if (!utf8_is_valid(s))
		return false;
	while (s.len) {
		uint32_t code;
		size_t n = utf8_next(s, &code);
		n_short += n == 2;
		n_long += n > 2;
		s = str_sub(s, n, s.len);
	}
	return n_long || n_short >= 4;
}

static struct str from_8bit(struct arena *a, const struct charset *cs,
	struct str s, struct str *why)
{
	const struct charset *better = cs;

	if (!has_high(s)) /* at most escapes */
		return from_unlabelled(a, s, why);
	if (cs->kind == CHARSET_SINGLE ? utf8_is_valid(s) : is_surely_utf8(s)) {
		struct str out;
		if (cs->kind == CHARSET_MULTI &&
			undo_recoded(a, cs, s, &out, why))
			return out;
		*why = tell(a, "UTF-8");
		return undo_double(a, s, why);
	}
	if (cs->alphabet != CHARSET_NO_ALPHABET &&
		strcmp(cs->iconv, "EUC-TW") && strcmp(cs->iconv, "JOHAB"))
		better = charset_guess(s, cs);
	if (better != cs)
		*why = tell(a, better->iconv);
	return convert_as(a, better, s, why);
}

static struct str from_seven(struct arena *a, const struct charset *cs,
	struct str s, struct str *why)
{
	struct str out;

	if (has_high(s))
		return from_unlabelled(a, s, why);
	if (charset_convert_seven(a, cs, s, &out) == 0)
		return out;
	/* a plus sign that begins nothing: it was no UTF-7 */
	if (!strcmp(cs->iconv, "UTF-7")) {
		*why = STR("text does not fit its charset: read as ASCII");
		return s;
	}
	*why = STR("text has bytes that do not fit its charset: U+FFFD");
	return out;
}

/* How many units would be letters of any text, in this order of bytes. */
static size_t count_units(struct str s, int hi)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < s.len && i < 1024; i += 2) {
		unsigned char h = (unsigned char)s.p[i + (size_t)hi],
			      l = (unsigned char)s.p[i + 1 - (size_t)hi];
		if (h == 0)
			n += l >= ' ' || l == '\n' || l == '\r' ? 2 : 0;
		else
			n += h <= 6 || h == 0x20 || h == 0x30 ||
			     (h >= 0x4e && h <= 0x9f) ||
			     (h >= 0xac && h <= 0xd7);
	}
	return n;
}

static struct str from_wide(struct arena *a, const struct charset *cs,
	struct str s, struct str *why)
{
	const char *name = cs->iconv, *seen = guess_utf16(s);
	struct str out;
	ssize_t n_bad;

	/* Outlook calls any text "unicode" */
	if (!seen && !memchr(s.p, 0, s.len) && utf8_is_valid(s)) {
		*why = tell(a, "UTF-8");
		return s;
	}
	if (!strcmp(name, "UTF-16")) {
		name = seen;
		if (!name)
			name = count_units(s, 1) > count_units(s, 0)
				       ? "UTF-16LE"
				       : "UTF-16BE";
	} else if (seen && strcmp(seen, "UTF-16") && strcmp(seen, name) &&
		   str_starts(str_c(name), STR("UTF-16"))) {
		*why = tell(a, seen); /* the other order */
		name = seen;
	}
	n_bad = charset_convert(a, name, s, &out);
	if (n_bad > 0)
		*why = STR("text has bytes that do not fit its charset: "
			   "U+FFFD");
	if (n_bad < 0)
		return from_unlabelled(a, s, why);
	return str_starts(out, STR("\xef\xbb\xbf")) ? str_sub(out, 3, out.len)
						    : out;
}

static struct str from_other(struct arena *a, const struct charset *cs,
	struct str s, struct str *why)
{
	struct str out;

	if (has_high(s) && utf8_is_valid(s)) {
		*why = tell(a, "UTF-8");
		return s;
	}
	return charset_convert(a, cs->iconv, s, &out) < 0
		       ? from_unlabelled(a, s, why)
		       : out;
}

static struct str from_unknown(struct arena *a, struct str s, struct str *why)
{
	struct str out = from_unlabelled(a, s, why);

	if (!why->p)
		*why = STR("text is of an unknown charset: guessed");
	return out;
}

bool charset_is_telling(struct str charset)
{
	const struct charset *cs = charset_find(charset);

	return cs && cs->kind != CHARSET_CARELESS && cs->kind != CHARSET_UTF8 &&
	       cs->kind != CHARSET_WIDE;
}

const char *charset_name_of(struct str bytes)
{
	const struct charset *cs;

	if (!has_high(bytes))
		return bytes.len ? charset_guess_seven(bytes) : NULL;
	if (utf8_is_valid(bytes) || is_mostly_utf8(bytes))
		return NULL;
	cs = charset_guess(bytes, NULL);
	return cs->kind == CHARSET_CARELESS ? NULL : cs->iconv;
}

/* The whole of it, but for NUL. */
static struct str choose(struct arena *a, struct str s, struct str label,
	const struct charset *cs, struct str *why)
{
	if (!cs && label.len)
		return from_unknown(a, s, why);
	switch (cs ? cs->kind : CHARSET_CARELESS) {
	case CHARSET_UTF8:
		return from_bytes(a, s, true, why);
	case CHARSET_CARELESS:
		return from_unlabelled(a, s, why);
	case CHARSET_SINGLE:
	case CHARSET_MULTI:
		return from_8bit(a, cs, s, why);
	case CHARSET_SEVEN:
		return from_seven(a, cs, s, why);
	case CHARSET_WIDE:
		return from_wide(a, cs, s, why);
	case CHARSET_OTHER:
		break;
	}
	return from_other(a, cs, s, why);
}

/* Tells whether no conversion would change the bytes. */
static bool is_same_as_ascii(const struct charset *cs, struct str s)
{
	char shift = '\x1b';

	if (cs && (cs->kind == CHARSET_WIDE || cs->kind == CHARSET_OTHER))
		return false;
	if (cs && !strcmp(cs->iconv, "UTF-7"))
		shift = '+';
	else if (cs && !strcmp(cs->iconv, "HZ"))
		shift = '~';
	else if (cs && str_starts(str_c(cs->iconv), STR("ISO-2022-JP")))
		shift = '$';
	return charset_is_plain(s) && !memchr(s.p, shift, s.len) &&
	       !memchr(s.p, '\x1b', s.len) && !memchr(s.p, 0x0e, s.len);
}

struct str charset_to_utf8(
	struct arena *a, struct str s, struct str charset, struct str *why)
{
	const struct charset *cs;
	struct str ignored;

	if (!why)
		why = &ignored;
	*why = STR_NULL;
	if (s.len == 0)
		return STR("");
	if (s.len >= 3 && !memcmp(s.p, "\xef\xbb\xbf", 3) && utf8_is_valid(s))
		return drop_nul(a, str_sub(s, 3, s.len));
	cs = charset_find(charset);
	if (is_same_as_ascii(cs, s))
		return s;
	return drop_nul(a, choose(a, s, charset, cs, why));
}
