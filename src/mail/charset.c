/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * charset.c - bytes of any charset, named right, wrong or not, to UTF-8.
 *
 * What is valid UTF-8 with letters beyond ASCII is never anything else by
 * chance, so that wins over a label of the kind that programs write without
 * looking (us-ascii, iso-8859-1, none, unknown). Otherwise the label counts, as
 * its senders mean it (gb2312 is GB18030 in practice); what does not fit it is
 * U+FFFD, unless so much does not that the label must be wrong.
 *
 * glibc opens converters from files, which a sandbox has not: charset_init()
 * opens each once and never closes it, so that later iconv_open() finds the
 * code loaded. The handles themselves are not used: one thread a handle.
 */
#include <errno.h>
#include <iconv.h>

#include <gmime/gmime.h>
/* GLib has these too */
#undef MIN
#undef MAX

#include "inside.h"

/* What iconv shall be asked for; the name is matched without case, "_" is "-".
 */
static const struct alias {
	const char *name, *iconv;
} aliases[] = {
	{ "gb2312", "GB18030" },
	{ "gb-2312", "GB18030" },
	{ "gb2312-charset", "GB18030" },
	{ "gb2312-80", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "gbk", "GB18030" },
	{ "cp936", "GB18030" },
	{ "euc-cn", "GB18030" },
	{ "gb18030", "GB18030" },
	{ "hz-gb-2312", "HZ" },
	{ "hz", "HZ" },
	{ "big5", "BIG5-HKSCS" },
	{ "cn-big5", "BIG5-HKSCS" },
	{ "big5-hkscs", "BIG5-HKSCS" },
	{ "x-x-big5", "BIG5-HKSCS" },
	{ "euc-tw", "EUC-TW" },
	{ "ks-c-5601-1987", "CP949" },
	{ "ks-c-5601", "CP949" },
	{ "ksc5601", "CP949" },
	{ "ksc-5601", "CP949" },
	{ "euc-kr", "CP949" },
	{ "x-windows-949", "CP949" },
	{ "cp949", "CP949" },
	{ "iso-2022-kr", "ISO-2022-KR" },
	{ "iso-2022-cn", "ISO-2022-CN" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "ms-kanji", "CP932" },
	{ "windows-31j", "CP932" },
	{ "cp932", "CP932" },
	{ "euc-jp", "EUC-JP-MS" },
	{ "x-euc-jp", "EUC-JP-MS" },
	{ "iso-2022-jp", "ISO-2022-JP-3" },
	{ "iso-2022-jp-1", "ISO-2022-JP-3" },
	{ "iso-2022-jp-2", "ISO-2022-JP-2" },
	{ "iso-2022-jp-3", "ISO-2022-JP-3" },
	{ "iso-2022-jp-ms", "ISO-2022-JP-3" },
	{ "cp50220", "ISO-2022-JP-3" },
	{ "koi8-r", "KOI8-R" },
	{ "koi8-u", "KOI8-U" },
	{ "koi8-ru", "KOI8-U" },
	{ "koi8r", "KOI8-R" },
	{ "x-mac-cyrillic", "MAC-CYRILLIC" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "macintosh", "MACINTOSH" },
	{ "macroman", "MACINTOSH" },
	{ "x-mac-ce", "MAC-CENTRALEUROPE" },
	{ "iso-8859-2", "ISO-8859-2" },
	{ "latin2", "ISO-8859-2" },
	{ "iso-8859-3", "ISO-8859-3" },
	{ "iso-8859-4", "ISO-8859-4" },
	{ "iso-8859-5", "ISO-8859-5" },
	{ "iso-8859-6", "ISO-8859-6" },
	{ "iso-8859-6-i", "ISO-8859-6" },
	{ "iso-8859-6-e", "ISO-8859-6" },
	{ "iso-8859-7", "ISO-8859-7" },
	{ "iso-8859-8", "ISO-8859-8" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "iso-8859-9", "WINDOWS-1254" },
	{ "iso-8859-10", "ISO-8859-10" },
	{ "iso-8859-11", "CP874" },
	{ "iso-8859-13", "ISO-8859-13" },
	{ "iso-8859-14", "ISO-8859-14" },
	{ "iso-8859-15", "ISO-8859-15" },
	{ "iso-8858-15", "ISO-8859-15" },
	{ "latin-9", "ISO-8859-15" },
	{ "latin9", "ISO-8859-15" },
	{ "iso-8859-16", "ISO-8859-16" },
	{ "windows-1250", "WINDOWS-1250" },
	{ "windows-1251", "WINDOWS-1251" },
	{ "windows-1253", "WINDOWS-1253" },
	{ "windows-1254", "WINDOWS-1254" },
	{ "windows-1255", "WINDOWS-1255" },
	{ "windows-1256", "WINDOWS-1256" },
	{ "windows-1257", "WINDOWS-1257" },
	{ "windows-1258", "WINDOWS-1258" },
	{ "windows-874", "CP874" },
	{ "cp874", "CP874" },
	{ "tis-620", "CP874" },
	{ "cp437", "CP437" },
	{ "ibm437", "CP437" },
	{ "cp850", "CP850" },
	{ "ibm850", "CP850" },
	{ "cp852", "CP852" },
	{ "cp866", "CP866" },
	{ "ibm866", "CP866" },
	{ "tcvn", "TCVN" },
	{ "viscii", "VISCII" },
	{ "armscii-8", "ARMSCII-8" },
	{ "georgian-ps", "GEORGIAN-PS" },
	{ "x-ias-german", "DIN_66003" },
	{ "din-66003", "DIN_66003" },
	{ "utf-7", "UTF-7" },
	{ "utf7", "UTF-7" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
	{ "utf-16", "UTF-16" },
	{ "utf16", "UTF-16" },
	{ "utf-16be", "UTF-16BE" },
	{ "utf-16le", "UTF-16LE" },
	{ "unicode", "UTF-16" },
	{ "ucs-2", "UTF-16" },
	{ "iso-10646-ucs-2", "UTF-16" },
	{ "utf-32", "UTF-32" },
	{ "utf-32be", "UTF-32BE" },
	{ "utf-32le", "UTF-32LE" },
	{ "ucs-4", "UTF-32" },
};

/* Labels that programs write without looking at the bytes. */
static const char *const careless[] = { "", "us-ascii", "ascii", "usascii",
	"ansi-x3.4-1968", "iso-8859-1", "iso8859-1", "iso88591", "latin1",
	"latin-1", "iso-latin-1", "windows-1252", "cp1252", "x-ansi", "ansi",
	"unknown-8bit", "x-unknown", "unknown", "8bit", "7bit", "default",
	"default-charset", "none", "text", "binary", "x-user-defined",
	"iso-8859-1-windows-3.1-latin-1", "en-us", "en" };

static const char *const utf8_names[] = { "utf-8", "utf8", "utf", "uft-8",
	"x-utf-8", "utf-8-mac", "unicode-1-1-utf-8", "unicode-utf-8", "utf_8",
	"uft8", "cp65001", "utf8mb4" };

/* Opened by charset_init() and kept for good, so that their code stays. */
static iconv_t kept[COUNT(aliases)];
static bool is_ready;

void charset_init(void)
{
	if (is_ready)
		return;
	is_ready = true;
	for (size_t i = 0; i < COUNT(aliases); i++) {
		char in[] = "a", out[16], *from = in, *to = out;
		size_t n_in = 1, n_out = sizeof(out);
		iconv_t cd = iconv_open("UTF-8", aliases[i].iconv);
		kept[i] = cd;
		/* and once used, for what it loads only then */
		if (cd != (iconv_t)-1)
			iconv(cd, &from, &n_in, &to, &n_out);
	}
}

/* Copies a label as the tables have it: lower case, "_" as "-". */
static struct str canonical(struct str name, char out[64])
{
	size_t n = 0;

	for (size_t i = 0; i < name.len && n < 63; i++) {
		char c = name.p[i];
		if (c == '\'' || c == '"' || c <= ' ' || c == '*')
			continue; /* RFC 2231 5 puts a language behind "*" */
		if (c >= 'A' && c <= 'Z')
			c |= 32;
		out[n++] = c == '_' ? '-' : c;
	}
	out[n] = 0;
	if (str_starts(str_n(out, n), STR("charset=")))
		return str_n(out + 8, n - 8);
	if (str_starts(str_n(out, n), STR("x-iso-")) ||
		str_starts(str_n(out, n), STR("x-windows-")))
		return str_n(out + 2, n - 2);
	return str_n(out, n);
}

static bool is_in(struct str name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_c(list[i])))
			return true;
	return false;
}

/* Copies the digits from the first one on, without "-": "88592". */
static struct str number_of(struct str name, char out[64])
{
	size_t n = 0, from = 0;

	while (from < name.len && (name.p[from] < '0' || name.p[from] > '9'))
		from++;
	for (size_t i = from; i < name.len && n < 63; i++)
		if (name.p[i] != '-')
			out[n++] = name.p[i];
	return str_n(out, n);
}

/* Finds iso88592, iso8859-2, cp1251, win-1251 by their numbers. */
static const char *find_by_number(struct str name)
{
	char space[64], other[64];
	struct str number = number_of(name, space);

	if (!number.len ||
		!(str_starts(name, STR("iso")) || str_starts(name, STR("cp")) ||
			str_starts(name, STR("win"))))
		return NULL;
	for (size_t i = 0; i < COUNT(aliases); i++) {
		struct str known = str_c(aliases[i].name);
		if ((str_starts(known, STR("iso-8859-")) ||
			    str_starts(known, STR("windows-12"))) &&
			str_eq(number, number_of(known, other)))
			return aliases[i].iconv;
	}
	return NULL;
}

static const char *find_alias(struct str name)
{
	for (size_t i = 0; i < COUNT(aliases); i++)
		if (str_eq(name, str_c(aliases[i].name)))
			return aliases[i].iconv;
	return find_by_number(name);
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

/* Bytes 0x80 to 0x9f; those that mean nothing there are U+FFFD. */
static const uint16_t high_1252[32] = { 0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e,
	0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd,
	0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e,
	0x0178 };

static struct str from_1252(struct arena *a, struct str s)
{
	size_t n_high = 0;
	char *p, *to;

	for (size_t i = 0; i < s.len; i++)
		n_high += (unsigned char)s.p[i] >= 0x80;
	p = to = arena_alloc(a, s.len + n_high * 2 + 1);
	for (size_t i = 0; i < s.len; i++) {
		unsigned c = (unsigned char)s.p[i];
		if (c < 0x80) {
			*to++ = (char)c;
			continue;
		}
		if (c < 0xa0)
			c = high_1252[c - 0x80];
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

/*
 * Converts with iconv, U+FFFD for what does not fit.
 * Returns: the count of those, or -1: no such converter.
 */
static ssize_t convert(
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
	return convert(a, "GB18030", str_n(p, (size_t)(to - p)), out);
}

/* Tells whether most of what is beyond ASCII is UTF-8 all the same. */
static bool is_mostly_utf8(struct str s)
{
	size_t n_good = 0, n_bad = 0;
	uint32_t code;

	while (s.len) {
		size_t n = utf8_next(s, &code);
		n_good += n > 1;
		n_bad += n == 0;
		s = str_sub(s, n ? n : 1, s.len);
	}
	return n_good > n_bad;
}

static bool has_high(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

static bool is_iso2022jp(struct str s)
{
	return str_find(s, STR("\x1b$B")) >= 0 ||
	       str_find(s, STR("\x1b$@")) >= 0;
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

static struct str from_unlabelled(
	struct arena *a, struct str s, struct str *why)
{
	const char *utf16 = guess_utf16(s);
	struct str out;

	if (utf16 && convert(a, utf16, s, &out) == 0) {
		*why = STR("text is UTF-16 although not labelled so");
		return out;
	}
	if (!has_high(s)) {
		if (is_iso2022jp(s) &&
			convert(a, "ISO-2022-JP-3", s, &out) == 0) {
			*why = STR("text is ISO-2022-JP although not "
				   "labelled so");
			return out;
		}
		return s;
	}
	if (utf8_is_valid(s))
		return s;
	if (is_mostly_utf8(s)) {
		*why = STR("text is damaged UTF-8: bad bytes are U+FFFD");
		return utf8_mend(a, s);
	}
	return from_1252(a, s);
}

/* In these one byte is one letter, so that UTF-8 is not valid by chance. */
static const char *const single_bytes[] = { "ARM", "CP1", "CP4", "CP8", "DIN",
	"GEORGIAN", "ISO-8859", "KOI8", "MAC", "TCVN", "VISCII", "WINDOWS" };

static bool is_single_byte(const char *name)
{
	for (size_t i = 0; i < COUNT(single_bytes); i++)
		if (str_starts(str_c(name), str_c(single_bytes[i])))
			return true;
	return false;
}

static struct str from_labelled(
	struct arena *a, const char *iconv_name, struct str s, struct str *why)
{
	struct str out;
	ssize_t n_bad;

	if (is_single_byte(iconv_name) && has_high(s) && utf8_is_valid(s)) {
		*why = STR("text is UTF-8 although labelled otherwise");
		return s;
	}
	n_bad = !strcmp(iconv_name, "HZ") ? convert_hz(a, s, &out)
					  : convert(a, iconv_name, s, &out);

	if (n_bad == 0)
		return out;
	if (n_bad < 0) {
		*why = STR("text is of a charset without converter: guessed");
		return from_unlabelled(a, s, why);
	}
	if (has_high(s) && utf8_is_valid(s)) {
		*why = STR("text is UTF-8 although labelled otherwise");
		return s;
	}
	if ((size_t)n_bad * 4 > s.len && has_high(s)) {
		*why = STR("text does not fit its charset: guessed");
		return from_unlabelled(a, s, why);
	}
	*why = STR("text has bytes that do not fit its charset: U+FFFD");
	return out;
}

/* Returns: what iconv calls it, if there is such a converter, or NULL. */
static const char *known_to_gmime(struct arena *a, struct str name)
{
	const char *its = g_mime_charset_iconv_name(arena_str(a, name).p);
	iconv_t cd = its ? iconv_open("UTF-8", its) : (iconv_t)-1;

	if (cd == (iconv_t)-1)
		return NULL;
	iconv_close(cd);
	return its;
}

/* Tells whether no conversion would change the bytes. */
static bool is_same_as_ascii(const char *name, struct str s)
{
	char shift = !strcmp(name, "UTF-7") ? '+'
		     : !strcmp(name, "HZ")  ? '~'
					    : '\x1b';

	if (!strncmp(name, "UTF-16", 6) || !strncmp(name, "UTF-32", 6) ||
		!strcmp(name, "DIN_66003"))
		return false;
	return charset_is_plain(s) && !memchr(s.p, shift, s.len);
}

bool charset_is_telling(struct str charset)
{
	char space[64];
	struct str name = canonical(charset, space);

	return name.len && !is_in(name, careless, COUNT(careless)) &&
	       !is_in(name, utf8_names, COUNT(utf8_names)) && find_alias(name);
}

struct str charset_to_utf8(
	struct arena *a, struct str s, struct str charset, struct str *why)
{
	char space[64];
	struct str name = canonical(charset, space), ignored;
	const char *alias;

	if (!why)
		why = &ignored;
	*why = STR_NULL;
	if (s.len == 0)
		return STR("");
	if (s.len >= 3 && !memcmp(s.p, "\xef\xbb\xbf", 3) && utf8_is_valid(s))
		return drop_nul(a, str_sub(s, 3, s.len));
	if (is_in(name, utf8_names, COUNT(utf8_names))) {
		if (utf8_is_valid(s) && !guess_utf16(s))
			return drop_nul(a, s);
		return drop_nul(a, from_unlabelled(a, s, why));
	}
	if (is_in(name, careless, COUNT(careless)))
		return drop_nul(a, from_unlabelled(a, s, why));
	alias = find_alias(name);
	/* in a sandbox its converter may not open: then it is guessed */
	if (!alias && name.len)
		alias = known_to_gmime(a, name);
	if (!alias) {
		s = from_unlabelled(a, s, why);
		if (!why->p)
			*why = STR("text is of an unknown charset: guessed");
		return drop_nul(a, s);
	}
	if (is_same_as_ascii(alias, s))
		return s;
	return drop_nul(a, from_labelled(a, alias, s, why));
}
