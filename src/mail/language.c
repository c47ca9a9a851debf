/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * language.c - in which language a text is, and how sure that is.
 *
 * The script of most letters decides where a script has one language (Greek,
 * Thai, Hangul ...). Within Latin, Cyrillic, Arabic and Devanagari, three
 * letters and short words in a row speak for the languages in which they are
 * frequent: naive Bayes over a table (language/make) that has only what is
 * frequent, so that what it has not speaks for none. What is ahead of the next
 * language, in bits and a letter, makes the confidence; with few words it is
 * low, and below a half no language is told: none is better than a wrong one.
 *
 * Links, addresses and what is quoted are not counted.
 */
#include <math.h>

#include "inside.h"
#include "language.h"

#define TEXT_MAX 6000  /* bytes that are looked at */
#define WORD_MAX 60    /* bytes of a word that is looked at */
#define BITS_SURE 14.0 /* ahead by so much is as good as certain */
#define LETTERS_MIN 4  /* with fewer, nothing is told */
#define GAIN_LEAST 2.0 /* bits a word, on average, else it is no language */
#define CONFIDENCE_LEAST 0.5

enum script {
	LATIN,
	CYRILLIC,
	ARABIC,
	DEVANAGARI,
	HAN,
	KANA,
	FIRST_ALONE, /* from here on, a script is a language */
	N_SCRIPTS = FIRST_ALONE + 18,
	NO_SCRIPT = -1
};

static const struct block {
	uint32_t first, last;
	int script;	  /* of enum script */
	const char *code; /* of a script that has one language */
} blocks[] = {
	{ 'A', 'Z', LATIN, NULL },
	{ 'a', 'z', LATIN, NULL },
	{ 0xaa, 0xaa, LATIN, NULL },
	{ 0xba, 0xba, LATIN, NULL },
	{ 0xc0, 0xd6, LATIN, NULL },
	{ 0xd8, 0xf6, LATIN, NULL },
	{ 0xf8, 0x24f, LATIN, NULL },
	{ 0x300, 0x36f, LATIN, NULL }, /* combining */
	{ 0x370, 0x3ff, FIRST_ALONE, "el" },
	{ 0x400, 0x52f, CYRILLIC, NULL },
	{ 0x531, 0x58a, FIRST_ALONE + 1, "hy" },
	{ 0x591, 0x5f4, FIRST_ALONE + 2, "he" },
	{ 0x620, 0x65f, ARABIC, NULL },
	{ 0x66e, 0x6ef, ARABIC, NULL },
	{ 0x900, 0x97f, DEVANAGARI, NULL },
	{ 0x980, 0x9ff, FIRST_ALONE + 3, "bn" },
	{ 0xa00, 0xa7f, FIRST_ALONE + 4, "pa" },
	{ 0xa80, 0xaff, FIRST_ALONE + 5, "gu" },
	{ 0xb00, 0xb7f, FIRST_ALONE + 6, "or" },
	{ 0xb80, 0xbff, FIRST_ALONE + 7, "ta" },
	{ 0xc00, 0xc7f, FIRST_ALONE + 8, "te" },
	{ 0xc80, 0xcff, FIRST_ALONE + 9, "kn" },
	{ 0xd00, 0xd7f, FIRST_ALONE + 10, "ml" },
	{ 0xd80, 0xdff, FIRST_ALONE + 11, "si" },
	{ 0xe00, 0xe7f, FIRST_ALONE + 12, "th" },
	{ 0xe80, 0xeff, FIRST_ALONE + 13, "lo" },
	{ 0x1000, 0x109f, FIRST_ALONE + 14, "my" },
	{ 0x10a0, 0x10ff, FIRST_ALONE + 15, "ka" },
	{ 0x1100, 0x11ff, FIRST_ALONE + 16, "ko" },
	{ 0x1780, 0x17ff, FIRST_ALONE + 17, "km" },
	{ 0x1e00, 0x1eff, LATIN, NULL },
	{ 0x3040, 0x30ff, KANA, NULL },
	{ 0x3400, 0x9fff, HAN, NULL },
	{ 0xac00, 0xd7a3, FIRST_ALONE + 16, "ko" },
};

static const struct block *block_of(uint32_t c)
{
	size_t low = 0, high = COUNT(blocks);

	while (low < high) {
		size_t at = (low + high) / 2;
		if (c > blocks[at].last)
			low = at + 1;
		else if (c < blocks[at].first)
			high = at;
		else
			return &blocks[at];
	}
	return NULL;
}

/* Makes letters small, as far as the table's languages need it. */
static uint32_t lower(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde) ||
		(c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c == 0x130)
		return 'i';
	if (c == 0x178)
		return 0xff;
	if (c == 0x1a0 || c == 0x1af) /* Vietnamese */
		return c + 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if ((c >= 0x100 && c <= 0x177) || (c >= 0x218 && c <= 0x21b) ||
		(c >= 0x460 && c <= 0x52f) || (c >= 0x1e00 && c <= 0x1eff))
		return c | 1;
	return c;
}

/* ---- counting ---- */

#define LANGUAGES_MAX 64

struct tally {
	unsigned n_letters[N_SCRIPTS];
	const char *alone[N_SCRIPTS];
	unsigned n_urdu;
	struct guess {
		char code[3];
		unsigned gain; /* quarters of bits */
		int script;
	} guesses[LANGUAGES_MAX];
	size_t n_guesses;
	unsigned n_words;
};

static void add_gain(struct tally *t, const char *cell, int script)
{
	char digit = cell[2];
	unsigned gain = (unsigned)(digit <= '9' ? digit - '0'
						: digit - 'a' + 10);
	size_t i = 0;

	while (i < t->n_guesses && memcmp(t->guesses[i].code, cell, 2) != 0)
		i++;
	if (i == LANGUAGES_MAX)
		return;
	if (i == t->n_guesses) {
		memcpy(t->guesses[i].code, cell, 2);
		t->guesses[i].script = script;
		t->n_guesses++;
	}
	t->guesses[i].gain += gain;
}

static int compare_row(const void *key, const void *row)
{
	return strcmp(key, ((const struct language_row *)row)->gram);
}

static void count_gram(struct tally *t, struct str gram, int script)
{
	char name[WORD_MAX + 3];
	const struct language_row *row;

	memcpy(name, gram.p, gram.len);
	name[gram.len] = 0;
	row = bsearch(name, language_rows, language_n_rows,
		sizeof(language_rows[0]), compare_row);
	for (const char *cell = row ? row->cells : ""; *cell; cell += 3)
		add_gain(t, cell, script);
}

/* A word in small letters, with "_" around it. */
static void count_word(struct tally *t, struct str word, int script)
{
	size_t at[3] = { 0, 0, 0 }, n = 0;

	t->n_words++;
	count_gram(t, word, script);
	/* all runs of three letters; at[] is where the last three begin */
	for (size_t i = 0; i < word.len;) {
		uint32_t code;
		size_t len = utf8_next(str_sub(word, i, word.len), &code);
		at[0] = at[1];
		at[1] = at[2];
		at[2] = i;
		i += len ? len : 1;
		if (++n >= 3 && i - at[0] < word.len)
			count_gram(t, str_sub(word, at[0], i - at[0]), script);
	}
}

/* Letters of Urdu that Arabic and Persian have not. */
static bool is_urdu(uint32_t c)
{
	return c == 0x679 || c == 0x688 || c == 0x691 || c == 0x6ba ||
	       c == 0x6d2;
}

struct word {
	char text[WORD_MAX + 2];
	size_t len;
	int script;
	bool is_cut;
};

static void end_word(struct tally *t, struct word *w)
{
	if (w->len > 1 && w->script <= DEVANAGARI && !w->is_cut) {
		w->text[w->len++] = '_';
		count_word(t, str_n(w->text, w->len), w->script);
	}
	w->len = 0;
	w->is_cut = false;
}

static void add_letter(struct tally *t, struct word *w, uint32_t c, int script)
{
	struct buf one = BUF_INIT(8);

	if (w->len && w->script != script)
		end_word(t, w);
	if (!w->len)
		w->text[w->len++] = '_';
	w->script = script;
	utf8_add(&one, lower(c));
	if (w->len + one.len > WORD_MAX) {
		w->is_cut = true;
	} else {
		memcpy(w->text + w->len, one.p, one.len);
		w->len += one.len;
	}
	buf_fini(&one);
}

/* What stands between blanks. */
static void count_token(struct tally *t, struct str token)
{
	struct word w = { .len = 0 };

	while (token.len) {
		uint32_t c;
		size_t n = utf8_next(token, &c);
		const struct block *b = n ? block_of(c) : NULL;
		if (b) {
			t->n_letters[b->script]++;
			t->alone[b->script] = b->code;
			t->n_urdu += is_urdu(c);
			add_letter(t, &w, c, b->script);
		} else if (c != 0xad) { /* a soft hyphen parts nothing */
			end_word(t, &w);
		}
		token = str_sub(token, n ? n : 1, token.len);
	}
	end_word(t, &w);
}

static bool is_link(struct str token)
{
	return str_chr(token, '@') >= 0 || str_find(token, STR("://")) >= 0 ||
	       str_starts_case(token, STR("www.")) ||
	       str_starts_case(token, STR("<mailto:"));
}

static void count_line(struct tally *t, struct str line)
{
	while (line.len) {
		size_t n = 0;
		while (n < line.len && !strchr(" \t\r\f\v", line.p[n]))
			n++;
		if (n && !is_link(str_sub(line, 0, n)))
			count_token(t, str_sub(line, 0, n));
		line = str_sub(line, n + 1, line.len);
	}
}

/* ---- deciding ---- */

/* One character of these says as much as several letters. */
static unsigned weight_of(int script)
{
	return script == HAN || script == KANA || script == FIRST_ALONE + 16
		       ? 3
		       : 1;
}

static void set(struct mail_language *out, const char *code, double confidence)
{
	if (confidence < CONFIDENCE_LEAST)
		return;
	memcpy(out->code, code, 2);
	out->confidence = MIN(confidence, 0.99);
}

/* The script says it: as sure as its share, with few letters less. */
static void decide_alone(struct mail_language *out, const char *code,
	double share, unsigned n_letters)
{
	set(out, code, share * (1 - pow(0.5, n_letters)));
}

static void decide_by_grams(const struct tally *t, int script, double share,
	struct mail_language *out)
{
	const struct guess *best = NULL, *second = NULL;
	double ahead, words = t->n_words;

	for (size_t i = 0; i < t->n_guesses; i++) {
		const struct guess *g = &t->guesses[i];
		if (g->script != script)
			continue;
		if (!best || g->gain > best->gain) {
			second = best;
			best = g;
		} else if (!second || g->gain > second->gain) {
			second = g;
		}
	}
	if (!best || best->gain < GAIN_LEAST * 4 * words)
		return;
	ahead = (best->gain - (second ? second->gain : 0)) / 4.0;
	/* bits of neighbours are not independent of each other */
	ahead *= BITS_SURE / (BITS_SURE + sqrt(words));
	set(out, best->code, share * (1 - pow(2, -ahead / 5)));
}

static const char *const codes[] = { "af", "ar", "be", "bg", "bn", "ca", "cs",
	"cy", "da", "de", "el", "en", "eo", "es", "et", "eu", "fa", "fi", "fr",
	"ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja",
	"ka", "kk", "km", "kn", "ko", "lo", "lt", "lv", "mk", "ml", "mr", "ms",
	"my", "nb", "ne", "nl", "or", "pa", "pl", "pt", "ro", "ru", "si", "sk",
	"sl", "sq", "sr", "sv", "ta", "te", "th", "tr", "uk", "ur", "vi",
	"zh" };

const char *const *mail_languages(size_t *n)
{
	*n = COUNT(codes);
	return codes;
}

void mail_guess_language(struct str text, struct mail_language *out)
{
	struct tally t = { 0 };
	unsigned most = 0, all = 0, n;
	int script = NO_SCRIPT;
	double share;
	struct str line;

	*out = (struct mail_language){ "", 0 };
	text = utf8_cut(text, TEXT_MAX);
	while (str_cut_line(&text, &line))
		if (!str_starts(str_trim(line), STR(">")))
			count_line(&t, line);
	/* Kana is what Japanese has beside Han */
	if (t.n_letters[KANA] * 12 > t.n_letters[HAN]) {
		t.n_letters[KANA] += t.n_letters[HAN];
		t.n_letters[HAN] = 0;
	}
	for (int i = 0; i < N_SCRIPTS; i++) {
		n = t.n_letters[i] * weight_of(i);
		all += n;
		if (n > most) {
			most = n;
			script = i;
		}
	}
	if (script == NO_SCRIPT || most < LETTERS_MIN)
		return;
	share = (double)most / all;
	n = t.n_letters[script];
	if (script >= FIRST_ALONE)
		decide_alone(out, t.alone[script], share, n);
	else if (script == HAN || script == KANA)
		decide_alone(out, script == HAN ? "zh" : "ja", share, n);
	else if (script == ARABIC && t.n_urdu * 50 > n)
		decide_alone(out, "ur", share, n);
	else
		decide_by_grams(&t, script, share, out);
}

const struct mail_language *mail_language(struct mail *m)
{
	if (!m->has_language) {
		m->has_language = true;
		mail_guess_language(mail_reply(m), &m->language);
		if (!m->language.code[0])
			mail_guess_language(
				mail_header(m, STR("subject")), &m->language);
	}
	return &m->language;
}
