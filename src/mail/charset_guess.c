/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * charset_guess.c - in which charset are these bytes?
 *
 * Each candidate reads a sample of the text (the lines that have bytes beyond
 * ASCII, up to SAMPLE_MAX), and gets points for how much the result is like a
 * text: for charsets with one byte a letter, how many of the pairs of letters
 * are usual in one of the languages that it is for; for those of several bytes,
 * how many of the characters are frequent ones. What nobody writes counts
 * against it: bytes without meaning, letters of two alphabets or signs in one
 * word, a capital behind a small letter. The points are per thousand of the
 * pairs or characters, so that candidates of both sorts compare.
 *
 * Windows-1252 and what was declared have the benefit of the doubt, the more
 * the less there is to judge by. Cost: linear in the sample, and only for
 * text that has bytes beyond ASCII and is no UTF-8.
 */
#include <iconv.h>

#include "charset.h"

#define SAMPLE_MAX ((size_t)4096)
#define LINE_MAX ((size_t)1024) /* of a line */
#define PAIRS_MAX 2000		/* judged */
#define N_LETTERS 64		/* of a language, the blank included */
#define N_CODES 0x780
#define LANGUAGES_MAX 40
#define NOTHING (-100000)

/* Points, a thousand each pair or character at most. */
#define FREQUENT 1000
#define KNOWN 800
#define STRANGE (-1000) /* a letter that it has not */
#define MIXED (-1200)	/* with Latin letters in one word */
#define NO_SIGN (-1500) /* a sign within a word */
#define NO_CASE (-700)	/* a capital behind a small letter */
#define NO_MEANING (-3000)

/* What was learned of a language. */
static struct known {
	uint8_t letters[N_CODES]; /* their numbers; 0: it has not */
	uint8_t pairs[N_LETTERS][N_LETTERS];
	unsigned n_letters;
	long unknown; /* points for a pair that was not learned */
} languages[LANGUAGES_MAX];

/* Charsets of several bytes that can be told, and where their letters are. */
enum {
	GB,
	BIG5,
	KOREAN,
	SJIS,
	EUCJP,
	N_MULTI
};
static const struct multi {
	const char *iconv;
	int script;
} multis[] = {
	{ "GB18030", CHARSET_SIMPLIFIED },
	{ "BIG5-HKSCS", CHARSET_TRADITIONAL },
	{ "CP949", CHARSET_KOREAN },
	{ "CP932", CHARSET_JAPANESE },
	{ "EUC-JP-MS", CHARSET_JAPANESE },
};
/* A bit for each pair of bytes that is a frequent character there. */
static uint8_t frequent[N_MULTI][65536 / 8];

static const char *const singles[] = { "WINDOWS-1251", "KOI8-R", "KOI8-U",
	"ISO-8859-5", "CP866", "MAC-CYRILLIC", "WINDOWS-1250", "ISO-8859-2",
	"WINDOWS-1253", "ISO-8859-7", "WINDOWS-1254", "WINDOWS-1255",
	"WINDOWS-1256", "ISO-8859-6", "WINDOWS-1257", "CP874", "CP850",
	"MACINTOSH", "CP852" };

/* ---- letters ---- */

uint32_t charset_lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c <= 0xde)
		return c >= 0xc0 && c != 0xd7 ? c + 32 : c;
	if (c >= 0x100 && c <= 0x17e) {
		bool is_odd_small = c <= 0x137 || (c >= 0x14a && c <= 0x177);
		if (c == 0x130)
			return 'i';
		if (c == 0x131 || c == 0x138 || c == 0x149)
			return c;
		if (c == 0x178)
			return 0xff;
		return is_odd_small ? c | 1 : (c & 1 ? c + 1 : c);
	}
	if (c >= 0x391 && c <= 0x3ab)
		return c + 32;
	if (c == 0x386)
		return 0x3ac;
	if (c >= 0x388 && c <= 0x38a)
		return c + 37;
	if (c == 0x38c)
		return 0x3cc;
	if (c == 0x38e || c == 0x38f)
		return c + 63;
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c == 0x490 || c == 0x218 || c == 0x21a)
		return c + 1;
	return c;
}

static bool is_latin(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == 0xaa ||
	       c == 0xba || (c >= 0xc0 && c < 0x250 && c != 0xd7 && c != 0xf7);
}

static bool is_letter(uint32_t c)
{
	return is_latin(c) || c == 0xb5 || (c >= 0x386 && c <= 0x3ce) ||
	       (c >= 0x400 && c <= 0x4ff) || (c >= 0x5b0 && c <= 0x5f2) ||
	       (c >= 0x621 && c <= 0x6d5) || (c >= 0xe01 && c <= 0xe4e) ||
	       (c >= 0xfe80 && c <= 0xfefc);
}

/* Signs that stand beside words in any text. */
static bool is_common_sign(uint32_t c)
{
	static const uint16_t signs[] = { 0xa0, 0xa1, 0xa3, 0xa7, 0xa9, 0xab,
		0xad, 0xae, 0xb0, 0xb2, 0xb4, 0xb7, 0xbb, 0xbd, 0xbf, 0xd7,
		0x2010, 0x2011, 0x2013, 0x2014, 0x2018, 0x2019, 0x201a, 0x201c,
		0x201d, 0x201e, 0x2022, 0x2026, 0x20ac, 0x2116, 0x2122, 0x60c,
		0x61b, 0x61f, 0xe3f };

	for (size_t i = 0; i < COUNT(signs); i++)
		if (signs[i] == c)
			return true;
	return false;
}

/* Where a letter of our alphabets is in their common table. */
static unsigned code_index(uint32_t c)
{
	if (c < 0x700)
		return c;
	return c >= 0xe00 && c < 0xe80 ? c - 0x700 : 0;
}

static unsigned number_of(const struct known *l, uint32_t c)
{
	return c == ' ' ? 1 : l->letters[code_index(c)];
}

/* ---- made once ---- */

static void learn_pair(struct known *l, uint32_t a, uint32_t b)
{
	uint8_t *p = &l->pairs[number_of(l, a)][number_of(l, b)];

	if (a >= 0x80 || b >= 0x80)
		*p += *p < 250;
}

static void learn_word(struct known *l, struct str word)
{
	uint32_t last = ' ', c;

	while (word.len) {
		size_t n = utf8_next(word, &c);
		if (n == 0)
			return;
		c = is_letter(c) ? charset_lower(c) : ' ';
		if (!number_of(l, c)) {
			must(l->n_letters < N_LETTERS && code_index(c));
			l->letters[code_index(c)] = (uint8_t)l->n_letters++;
		}
		learn_pair(l, last, c);
		last = c;
		word = str_sub(word, n, word.len);
	}
	learn_pair(l, last, ' ');
}

/*
 * What a pair costs that is not known: as much as the known ones would give to
 * a text of letters by chance, so that this has no points at all.
 */
static long cost_of_unknown(const struct known *l)
{
	long n = 0, all = (long)l->n_letters * l->n_letters;

	for (unsigned a = 0; a < l->n_letters; a++)
		for (unsigned b = 0; b < l->n_letters; b++)
			n += l->pairs[a][b] > 0;
	return -MAX(900 * n / MAX(all - n, 1), 100);
}

static void learn_language(size_t i)
{
	struct str rest = str_c(charset_languages[i].words), word;
	struct known *l = &languages[i];

	l->n_letters = 2; /* behind the blank */
	while (str_cut(&rest, ' ', &word))
		learn_word(l, word);
	l->unknown = cost_of_unknown(l);
}

static void learn_characters(size_t i)
{
	struct str rest = str_c(charset_common[multis[i].script]);
	iconv_t cd = iconv_open(multis[i].iconv, "UTF-8");
	uint32_t c;

	if (cd == (iconv_t)-1)
		return;
	while (rest.len) {
		size_t n = utf8_next(rest, &c), n_in = n, n_out = 4;
		unsigned char out[4];
		char *from = (char *)(uintptr_t)rest.p, *to = (char *)out;
		if (n == 0)
			break;
		if (iconv(cd, &from, &n_in, &to, &n_out) != (size_t)-1 &&
			n_out == 2) {
			unsigned code = (unsigned)out[0] << 8 | out[1];
			frequent[i][code / 8] |= (uint8_t)(1u << code % 8);
		}
		rest = str_sub(rest, n, rest.len);
	}
	iconv_close(cd);
}

void charset_guess_init(void)
{
	static bool is_ready;

	if (is_ready)
		return;
	is_ready = true;
	must(charset_n_languages <= LANGUAGES_MAX);
	for (size_t i = 0; i < charset_n_languages; i++)
		learn_language(i);
	for (size_t i = 0; i < N_MULTI; i++)
		learn_characters(i);
}

/* ---- one byte a letter ---- */

struct pair {
	uint32_t a, b;
};

struct reading {
	struct pair pairs[PAIRS_MAX];
	size_t n; /* of them */
	long minus;
	size_t n_signs;
};

#define OFTEN 4 /* the same again and again proves no more than once */

struct seen {
	uint8_t n[4096];
};

static bool is_news(struct seen *seen, uint32_t a, uint32_t b)
{
	uint8_t *n = &seen->n[(a * 2654435761u + b * 2246822519u) >> 20];

	return *n < OFTEN ? ++*n, true : false;
}

/* What stands against it in any language. */
static void judge_sign(
	struct reading *r, uint32_t last, uint32_t c, uint32_t next)
{
	bool in_word = is_letter(last) && is_letter(next);

	r->n_signs++;
	if (c == 0)
		r->minus += NO_MEANING;
	else if (c == 0x2019 || c == 0xb7 || c == 0xad || c == 0xa0 ||
		 c == 0xb4)
		return; /* don't, l·l */
	else if (in_word && !is_common_sign(c))
		r->minus += 2 * NO_SIGN;
	else if (in_word && c != 0x2013 && c != 0x2014 && c != 0x2026)
		r->minus += NO_SIGN;
	else if (!is_common_sign(c))
		r->minus += is_letter(last) || is_letter(next) ? NO_SIGN
							       : NO_SIGN / 3;
}

static uint32_t read_byte(const uint16_t *table, unsigned char c)
{
	return c < 0x80 ? c : table[c - 0x80];
}

/* Reads the sample with a table, as pairs of letters. */
static void read_single(struct reading *r, struct str s, const uint16_t *table)
{
	struct seen seen = { 0 };
	uint32_t last = ' ';

	r->n = r->n_signs = 0;
	r->minus = 0;
	for (size_t i = 0; i < s.len && r->n < PAIRS_MAX; i++) {
		unsigned char byte = (unsigned char)s.p[i];
		uint32_t c = read_byte(table, byte), small, before;
		uint32_t next = i + 1 < s.len
					? read_byte(table,
						  (unsigned char)s.p[i + 1])
					: ' ';
		if (byte >= 0x80 && !is_letter(c) &&
			(!is_common_sign(c) || is_news(&seen, c, 1)))
			judge_sign(r, last, c, next);
		small = is_letter(c) ? charset_lower(c) : ' ';
		before = is_letter(last) ? charset_lower(last) : ' ';
		if ((before >= 0x80 || small >= 0x80) &&
			is_news(&seen, before, small))
			r->pairs[r->n++] = (struct pair){ before, small };
		if ((c >= 0x80 || last >= 0x80) && small != c && c != ' ' &&
			small != ' ' && before == last && before != ' ')
			r->minus += NO_CASE;
		last = c;
	}
}

static bool is_alone(uint32_t c, uint32_t other)
{
	return c < 0x80 && c != ' ' && other >= 0x250;
}

static long judge_pair(const struct known *l, uint32_t a, uint32_t b)
{
	unsigned i = number_of(l, a), k = number_of(l, b), n;

	if (is_alone(a, b) || is_alone(b, a))
		return MIXED;
	if ((!i && a >= 0x80) || (!k && b >= 0x80))
		return STRANGE;
	n = i && k ? l->pairs[i][k] : 0;
	return n >= 3 ? FREQUENT : n ? KNOWN : l->unknown;
}

static long judge_language(const struct reading *r, size_t language)
{
	long points = r->minus;

	for (size_t i = 0; i < r->n; i++)
		points += judge_pair(
			&languages[language], r->pairs[i].a, r->pairs[i].b);
	return points / (long)MAX(r->n + r->n_signs, 1);
}

/* Judges by the best of the languages that are written so. */
static long judge_single(
	struct reading *r, struct str s, const struct charset *cs)
{
	long best = NOTHING;

	read_single(r, s, charset_high(cs));
	if (r->n == 0)
		return NOTHING;
	for (size_t i = 0; i < charset_n_languages; i++) {
		long points;
		if (charset_languages[i].alphabet != cs->alphabet)
			continue;
		points = judge_language(r, i);
		best = MAX(best, points);
	}
	return best;
}

/* ---- several bytes a character ---- */

struct span {
	unsigned char from, to;
	short points;
};

/* By the first byte, where the second is of the old, smaller standard. */
static const struct span spans_gb[] = { { 0xa1, 0xa1, 500 },
	{ 0xa2, 0xa2, 100 }, { 0xa3, 0xa3, 400 }, { 0xa4, 0xa5, -300 },
	{ 0xa6, 0xa6, -500 }, { 0xa7, 0xa7, 150 }, { 0xa8, 0xaf, -500 },
	{ 0xb0, 0xd7, 350 }, { 0xd8, 0xf7, -600 }, { 0xf8, 0xfe, -900 } };
static const struct span spans_big5[] = { { 0xa1, 0xa1, 500 },
	{ 0xa2, 0xa3, -100 }, { 0xa4, 0xc6, 350 }, { 0xc7, 0xc8, -500 },
	{ 0xc9, 0xf9, -600 }, { 0xfa, 0xfe, -900 } };
static const struct span spans_korean[] = { { 0xa1, 0xa1, 300 },
	{ 0xa2, 0xa2, 0 }, { 0xa3, 0xa3, 200 }, { 0xa4, 0xa4, 200 },
	{ 0xa5, 0xab, -500 }, { 0xac, 0xac, 150 }, { 0xad, 0xaf, -500 },
	{ 0xb0, 0xc8, 400 }, { 0xc9, 0xc9, -900 }, { 0xca, 0xfe, -500 } };
static const struct span spans_eucjp[] = { { 0xa1, 0xa1, 400 },
	{ 0xa2, 0xa2, 0 }, { 0xa3, 0xa3, 300 }, { 0xa4, 0xa4, 900 },
	{ 0xa5, 0xa5, 700 }, { 0xa6, 0xa6, -600 }, { 0xa7, 0xa7, 150 },
	{ 0xa8, 0xac, -600 }, { 0xad, 0xad, 0 }, { 0xae, 0xaf, -700 },
	{ 0xb0, 0xcf, 350 }, { 0xd0, 0xf4, -500 }, { 0xf5, 0xfe, -700 } };
static const struct span spans_sjis[] = { { 0x81, 0x81, 400 },
	{ 0x82, 0x82, 900 }, { 0x83, 0x83, 700 }, { 0x84, 0x84, 150 },
	{ 0x85, 0x86, -500 }, { 0x87, 0x87, 0 }, { 0x88, 0x97, 350 },
	{ 0x98, 0x9f, -300 }, { 0xe0, 0xea, -500 }, { 0xed, 0xee, -300 },
	{ 0xfa, 0xfb, -300 }, { 0xfc, 0xfc, -900 } };

static long points_of(const struct span *spans, size_t n, unsigned char lead)
{
	for (size_t i = 0; i < n; i++)
		if (lead >= spans[i].from && lead <= spans[i].to)
			return spans[i].points;
	return -1500;
}

/* Reads a character of at least two bytes. Returns: its length, 0: it is none.
 */
static size_t judge_gb(const unsigned char *p, size_t n, long *points)
{
	if (p[0] == 0x80 || p[0] == 0xff)
		return 0;
	if (p[1] >= 0x30 && p[1] <= 0x39) {
		*points = -600;
		return n >= 4 && p[2] >= 0x81 && p[2] <= 0xfe && p[3] >= 0x30 &&
				       p[3] <= 0x39
			       ? 4
			       : 0;
	}
	if (p[1] < 0x40 || p[1] == 0x7f || p[1] == 0xff)
		return 0;
	*points = p[0] >= 0xa1 && p[1] >= 0xa1
			  ? points_of(spans_gb, COUNT(spans_gb), p[0])
			  : -900;
	return 2;
}

static size_t judge_big5(const unsigned char *p, size_t n, long *points)
{
	(void)n;
	if (p[0] < 0x81 || p[0] == 0xff || p[1] < 0x40 ||
		(p[1] > 0x7e && p[1] < 0xa1) || p[1] == 0xff)
		return 0;
	*points = p[0] >= 0xa1 ? points_of(spans_big5, COUNT(spans_big5), p[0])
			       : -900;
	return 2;
}

static size_t judge_korean(const unsigned char *p, size_t n, long *points)
{
	bool is_letter_behind = (p[1] >= 'A' && p[1] <= 'Z') ||
				(p[1] >= 'a' && p[1] <= 'z');

	(void)n;
	if (p[0] < 0x81 || p[0] == 0xff || p[1] == 0xff ||
		(p[1] < 0x81 && !is_letter_behind))
		return 0;
	*points = p[0] >= 0xa1 && p[1] >= 0xa1
			  ? points_of(spans_korean, COUNT(spans_korean), p[0])
			  : -700;
	return 2;
}

static size_t judge_eucjp(const unsigned char *p, size_t n, long *points)
{
	if (p[0] == 0x8e) {
		*points = -100;
		return p[1] >= 0xa1 && p[1] <= 0xdf ? 2 : 0;
	}
	if (p[0] == 0x8f) {
		*points = -700;
		return n >= 3 && p[1] >= 0xa1 && p[2] >= 0xa1 ? 3 : 0;
	}
	if (p[0] < 0xa1 || p[0] == 0xff || p[1] < 0xa1 || p[1] == 0xff)
		return 0;
	*points = points_of(spans_eucjp, COUNT(spans_eucjp), p[0]);
	return 2;
}

static size_t judge_sjis(const unsigned char *p, size_t n, long *points)
{
	(void)n;
	if (p[0] >= 0xa1 && p[0] <= 0xdf) {
		*points = -200; /* narrow katakana */
		return 1;
	}
	if (p[0] == 0x80 || p[0] == 0xa0 || p[0] > 0xfc || p[1] < 0x40 ||
		p[1] == 0x7f || p[1] > 0xfc)
		return 0;
	*points = points_of(spans_sjis, COUNT(spans_sjis), p[0]);
	return 2;
}

static size_t (*const judges[N_MULTI])(
	const unsigned char *, size_t, long *) = { judge_gb, judge_big5,
	judge_korean, judge_sjis, judge_eucjp };

static bool is_frequent(size_t i, const unsigned char *p)
{
	unsigned code = (unsigned)p[0] << 8 | p[1];

	return frequent[i][code / 8] >> code % 8 & 1;
}

static long judge_multi(size_t i, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	struct seen seen = { 0 };
	long sum = 0, n = 0;

	for (size_t at = 0; at < s.len;) {
		long points = 0;
		size_t len;
		if (p[at] < 0x80) {
			at++;
			continue;
		}
		if (s.len - at < 2)
			break;
		len = judges[i](p + at, s.len - at, &points);
		if (len == 2 && is_frequent(i, p + at))
			points = FREQUENT;
		/* cut by the sample, or damaged: not more than one a line */
		if (len == 0)
			points = NO_MEANING;
		if (len == 0 || is_news(&seen, p[at], p[at + 1])) {
			sum += points;
			n++;
		}
		at += len ? len : 1;
	}
	return n >= 2 ? sum / n : NOTHING;
}

/* ---- the choice ---- */

/* Copies the lines that have bytes beyond ASCII. Returns: how many of these. */
static size_t take_sample(struct str s, char *out, size_t *len)
{
	struct str line;
	size_t n_high = 0, n_controls = 0;

	*len = 0;
	while (*len < SAMPLE_MAX && str_cut_line(&s, &line)) {
		size_t n = 0;
		if (charset_is_plain(line))
			continue;
		line = str_sub(line, 0, MIN(LINE_MAX, SAMPLE_MAX - *len));
		for (size_t i = 0; i < line.len; i++) {
			n += (unsigned char)line.p[i] >= 0x80;
			n_controls += line.p[i] >= 0 && line.p[i] < ' ' &&
				      !strchr("\t\r\f", line.p[i]);
		}
		if (n == 0)
			continue;
		n_high += n;
		memcpy(out + *len, line.p, line.len);
		*len += line.len;
		out[(*len)++] = '\n';
	}
	if (n_controls * 10 > *len) /* a file, no text */
		*len = 0;
	return n_high;
}

struct choice {
	const struct charset *best;
	long points;
};

static void offer(struct choice *c, const struct charset *cs, long points)
{
	if (points > c->points) {
		c->points = points;
		c->best = cs;
	}
}

/* Rare ones must be better than what is common, the more on few letters. */
static long doubt_of(const char *name, size_t n_high)
{
	static const char *const rare[] = { "CP850", "MACINTOSH", "CP852",
		"CP866", "MAC-CYRILLIC" };

	for (size_t i = 0; i < COUNT(rare); i++)
		if (!strcmp(name, rare[i]))
			return n_high < 40 ? 150 : 30;
	return 0;
}

static long judge(struct reading *r, struct str s, const struct charset *cs)
{
	if (cs->kind == CHARSET_SINGLE || cs->kind == CHARSET_CARELESS)
		return judge_single(r, s, cs);
	for (size_t i = 0; i < N_MULTI; i++)
		if (!strcmp(multis[i].iconv, cs->iconv))
			return judge_multi(i, s);
	return NOTHING;
}

bool charset_is_likely(struct str bytes, const struct charset *cs)
{
	char space[SAMPLE_MAX + 2];
	struct reading r;
	struct str s = { space, 0 };

	return take_sample(bytes, space, &s.len) >= 4 &&
	       judge(&r, s, cs) >= 500;
}

const struct charset *charset_guess(
	struct str bytes, const struct charset *declared)
{
	const struct charset *usual = charset_named("WINDOWS-1252");
	char space[SAMPLE_MAX + 2];
	struct reading r;
	struct choice choice = { usual, NOTHING };
	struct str s = { space, 0 };
	size_t n_high = take_sample(bytes, space, &s.len);
	long known, enough;

	if (declared)
		usual = declared;
	known = judge(&r, s, usual);
	/* it makes sense, or too little is there to say that it does not */
	if (declared &&
		(known >= (declared->kind == CHARSET_MULTI ? 100 : 400) ||
			n_high < 6))
		return declared;
	/* signs alone: quotes, dashes, money */
	if (usual->kind != CHARSET_MULTI && r.n == 0 &&
		(r.minus == 0 || (n_high < 4 && r.minus > NO_MEANING)))
		return usual;
	for (size_t i = 0; i < COUNT(singles); i++) {
		const struct charset *cs = charset_named(singles[i]);
		offer(&choice, cs,
			judge_single(&r, s, cs) - doubt_of(singles[i], n_high));
	}
	for (size_t i = 0; i < N_MULTI; i++)
		offer(&choice, charset_named(multis[i].iconv),
			judge_multi(i, s));
	if (declared)
		offer(&choice, charset_named("WINDOWS-1252"),
			judge(&r, s, charset_named("WINDOWS-1252")));
	enough = n_high < 10 || declared ? 500 : 250;
	if (choice.points < enough || choice.points < known + enough - 100 ||
		(n_high == 1 && choice.best->alphabet > CHARSET_BALTIC))
		return usual;
	return choice.best;
}
