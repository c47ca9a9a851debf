/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * date.c - dates and times in the words of many languages and in all common
 * orders.
 *
 * A text is cut into numbers, words and marks. The time is taken out first,
 * with its zone; what is left must hold the numbers of one date and no others:
 * "13.04.2024 - 15.04.2024" is two dates and so none.
 */
#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/utf8.h>

#include "typed_private.h"

#define TOKENS_MAX 40
#define WORDS_MAX 6 /* that say nothing of the date: "Saturday, the" */
#define YEAR_LEAST 1900
#define YEAR_MOST 2199
#define MONTH_LETTERS_MIN 3

enum token_kind {
	TOKEN_NUMBER,
	TOKEN_WORD, /* folded: lower case, without accents */
	TOKEN_MARK
};

struct token {
	enum token_kind kind;
	struct str text;
	int number;
	bool is_near; /* no blank in front of it */
};

struct reading {
	struct token tokens[TOKENS_MAX];
	size_t n;
	bool has_time, has_zone;
	int hour, minute, second, zone_minutes;
	int year, month, day;
};

/* ---- letters ---------------------------------------------------------- */

/* Latin letters without their accents, in lower case. */
static uint32_t fold(uint32_t c)
{
	static const char latin1[] = "aaaaaaaceeeeiiiidnooooo*ouuuuypsaaaaaaac"
				     "eeeeiiiidnooooo/ouuuuypy";
	static const char extended[] =
		"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiijjjjkkkl"
		"lllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuu"
		"wwyyyzzzzzzs";

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if (c >= 0xc0 && c <= 0xff)
		return (unsigned char)latin1[c - 0xc0];
	if (c >= 0x100 && c < 0x100 + sizeof(extended) - 1)
		return (unsigned char)extended[c - 0x100];
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	return c;
}

static bool is_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xaa;
}

/* Marks of the East that stand behind year, month, day, hour and minute. */
static bool is_counter(uint32_t c)
{
	static const uint32_t all[] = { 0x5e74, 0x6708, 0x65e5, 0x6642, 0x65f6,
		0x5206, 0x79d2, 0xb144, 0xc6d4, 0xc77c, 0xc2dc, 0xbd84 };

	for (size_t i = 0; i < COUNT(all); i++)
		if (c == all[i])
			return true;
	return false;
}

/* ---- tokens ----------------------------------------------------------- */

static size_t cut_word(struct arena *a, struct str s, struct str *out)
{
	struct buf b = BUF_INIT(4 * TYPED_TEXT_MAX);
	size_t at = 0, n;
	uint32_t c;

	while ((n = utf8_next(str_sub(s, at, SIZE_MAX), &c)) && is_letter(c) &&
		!is_counter(c)) {
		utf8_add(&b, fold(c));
		at += n;
	}
	*out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return at;
}

static bool cut_tokens(struct arena *a, struct str s, struct reading *r)
{
	bool is_near = false;
	size_t n;
	uint32_t c;

	while (s.len) {
		struct token *t = &r->tokens[r->n];

		if (s.p[0] == ' ') {
			is_near = false;
			s = str_sub(s, 1, SIZE_MAX);
			continue;
		}
		if (r->n == TOKENS_MAX || !(n = utf8_next(s, &c)))
			return false;
		*t = (struct token){ .is_near = is_near };
		if (str_is_digit(s.p[0])) {
			for (n = 0; n < s.len && str_is_digit(s.p[n]); n++)
				t->number = MIN(
					t->number * 10 + s.p[n] - '0', 100000);
			t->kind = TOKEN_NUMBER;
			t->text = str_sub(s, 0, n);
		} else if (is_letter(c) && !is_counter(c)) {
			n = cut_word(a, s, &t->text);
			t->kind = TOKEN_WORD;
		} else {
			t->kind = TOKEN_MARK;
			t->text = str_sub(s, 0, n);
		}
		s = str_sub(s, n, SIZE_MAX);
		is_near = true;
		r->n++;
	}
	return true;
}

static bool is_mark(const struct reading *r, size_t i, const char *marks)
{
	const struct token *t = &r->tokens[i];

	return i < r->n && t->kind == TOKEN_MARK && t->text.len == 1 &&
	       strchr(marks, t->text.p[0]);
}

static bool is_text(const struct reading *r, size_t i, const char *text)
{
	return i < r->n && str_eq(r->tokens[i].text, str_c(text));
}

static bool is_word_of(
	const struct reading *r, size_t i, const char *const *list, size_t n)
{
	for (size_t k = 0; i < r->n && k < n; k++)
		if (is_text(r, i, list[k]))
			return true;
	return false;
}

/* A number of at most `digits` digits and at most `most`. */
static bool is_number(
	const struct reading *r, size_t i, size_t digits, int most)
{
	return i < r->n && r->tokens[i].kind == TOKEN_NUMBER &&
	       r->tokens[i].text.len <= digits && r->tokens[i].number <= most;
}

static void drop(struct reading *r, size_t from, size_t to)
{
	memmove(&r->tokens[from], &r->tokens[to],
		(r->n - to) * sizeof(*r->tokens));
	r->n -= to - from;
}

/* What stands in parentheses explains: "(Saturday)", "(CET)". */
static void drop_parentheses(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t end = i;

		if (!is_mark(r, i, "("))
			continue;
		while (end < r->n && !is_mark(r, end, ")"))
			end++;
		drop(r, i, MIN(end + 1, r->n));
		i--;
	}
}

/* ---- time ------------------------------------------------------------- */

static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "z", 0 },
	{ "utc", 0 },
	{ "gmt", 0 },
	{ "wet", 0 },
	{ "west", 60 },
	{ "bst", 60 },
	{ "cet", 60 },
	{ "mez", 60 },
	{ "cest", 120 },
	{ "mesz", 120 },
	{ "eet", 120 },
	{ "eest", 180 },
	{ "msk", 180 },
	{ "jst", 540 },
	{ "kst", 540 },
	{ "aest", 600 },
	{ "aedt", 660 },
	{ "est", -300 },
	{ "edt", -240 },
	{ "cdt", -300 },
	{ "mst", -420 },
	{ "mdt", -360 },
	{ "pst", -480 },
	{ "pdt", -420 },
};

/* "+02:00", "+0200", "+2" at i. Returns: behind it, or i. */
static size_t cut_offset(struct reading *r, size_t i)
{
	int sign = is_mark(r, i, "-") ? -1 : 1, n;
	size_t end = i + 2;

	if (!is_mark(r, i, "+-") || !is_number(r, i + 1, 4, 1400) ||
		!r->tokens[i + 1].is_near)
		return i;
	n = r->tokens[i + 1].number;
	if (r->tokens[i + 1].text.len == 4)
		n = n / 100 * 60 + n % 100;
	else if (r->tokens[i + 1].text.len > 2)
		return i;
	else
		n *= 60;
	if (r->tokens[i + 1].text.len <= 2 && is_mark(r, end, ":") &&
		is_number(r, end + 1, 2, 59)) {
		n += r->tokens[end + 1].number;
		end += 2;
	}
	if (n > 14 * 60)
		return i;
	r->has_zone = true;
	r->zone_minutes += sign * n;
	return end;
}

static size_t cut_zone(struct reading *r, size_t i)
{
	for (size_t k = 0; i < r->n && k < COUNT(zones); k++) {
		if (!is_text(r, i, zones[k].name))
			continue;
		r->has_zone = true;
		r->zone_minutes = zones[k].minutes;
		return cut_offset(r, i + 1);
	}
	return cut_offset(r, i);
}

/* "am", "p.m.". Returns: behind it, or i. */
static size_t cut_half(struct reading *r, size_t i)
{
	bool is_long = (is_text(r, i, "a") || is_text(r, i, "p")) &&
		       is_mark(r, i + 1, ".") && is_text(r, i + 2, "m");
	bool is_pm = is_text(r, i, "pm") || (is_long && is_text(r, i, "p"));
	size_t end = i + 1;

	if (!is_long && !is_pm && !is_text(r, i, "am"))
		return i;
	if (is_long)
		end = is_mark(r, i + 3, ".") ? i + 4 : i + 3;
	if (r->hour < 1 || r->hour > 12)
		return i;
	r->hour = r->hour % 12 + (is_pm ? 12 : 0);
	return end;
}

static const char *const hour_words[] = { "uhr", "h", "hrs", "hours", "uur",
	"heures", "ora", "ore", "horas", "klo" };
static const char *const at_words[] = { "kl", "um", "at", "klo", "om" };

/* "14:30:05", "14.30 Uhr", "14h30", "2 pm" at i. Returns: behind it, or i. */
static size_t cut_clock(struct reading *r, size_t i)
{
	bool is_said = i > 0 &&
		       (is_word_of(r, i - 1, at_words, COUNT(at_words)) ||
			       (is_mark(r, i - 1, ".") && i > 1 &&
				       is_text(r, i - 2, "kl")));
	size_t end = i + 1, behind;

	if (!is_number(r, i, 2, 24))
		return i;
	r->hour = r->tokens[i].number;
	r->minute = r->second = 0;
	if ((is_mark(r, end, ":") || is_text(r, end, "h") ||
		    is_text(r, end, "\xe6\x99\x82") ||
		    is_text(r, end, "\xe6\x97\xb6") ||
		    is_text(r, end, "\xec\x8b\x9c")) &&
		r->tokens[end].is_near && is_number(r, end + 1, 2, 59)) {
		r->minute = r->tokens[end + 1].number;
		end += 2;
		if (is_text(r, end, "\xe5\x88\x86") ||
			is_text(r, end, "\xeb\xb6\x84"))
			end++;
		if (is_mark(r, end, ":") && is_number(r, end + 1, 2, 60)) {
			r->second = r->tokens[end + 1].number;
			end += 2;
		}
		if (is_mark(r, end, ".") && is_number(r, end + 1, 9, 100000) &&
			r->tokens[end + 1].is_near)
			end += 2;
		is_said = true;
	} else if (is_mark(r, end, ".") && is_number(r, end + 1, 2, 59) &&
		   r->tokens[end + 1].text.len == 2 &&
		   !is_mark(r, end + 2, ".") &&
		   (is_said || is_word_of(r, end + 2, hour_words,
				       COUNT(hour_words)))) {
		r->minute = r->tokens[end + 1].number;
		end += 2;
		is_said = true;
	}
	if (is_word_of(r, end, hour_words, COUNT(hour_words))) {
		end++;
		is_said = true;
	}
	behind = cut_half(r, end);
	if (!is_said && behind == end)
		return i;
	return cut_zone(r, behind);
}

static void take_time(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t end = cut_clock(r, i);

		if (end == i)
			continue;
		r->has_time = r->hour < 24 || r->minute + r->second == 0;
		drop(r, i, end);
		return;
	}
	r->hour = r->minute = r->second = 0;
}

/* ---- date ------------------------------------------------------------- */

/* Folded; "|" parts names of one month; "!" only the whole name will do. */
static const char *const months[] = {
	"january|januar|januari|janner|janvier|enero|gennaio|"
	"janeiro|stycznia|styczen|ledna|leden|ocak|ianuarie|января|"
	"январь|!tammikuu|!tammikuuta",
	"february|februar|februari|fevrier|febrero|febbraio|"
	"fevereiro|lutego|luty|!unora|!unor|subat|февраля|февраль|"
	"!helmikuu|!helmikuuta",
	"march|marz|maerz|mars|marts|maart|!mrt|marzo|marco|marca|"
	"marzec|brezna|brezen|mart|marcius|марта|март|!maaliskuu|"
	"!maaliskuuta",
	"april|avril|abril|aprile|kwietnia|kwiecien|dubna|duben|"
	"nisan|aprilis|апреля|апрель|!huhtikuu|!huhtikuuta",
	"may|mai|mei|maj|mayo|maggio|maio|maja|kvetna|kveten|mayis|"
	"majus|мая|май|!toukokuu|!toukokuuta",
	"june|juni|juin|junio|giugno|junho|czerwca|czerwiec|"
	"!cervna|!cerven|haziran|junius|июня|июнь|!kesakuu|"
	"!kesakuuta",
	"july|juli|juillet|julio|luglio|julho|lipca|lipiec|"
	"!cervence|!cervenec|temmuz|julius|июля|июль|!heinakuu|"
	"!heinakuuta",
	"august|augusti|augustus|aout|agosto|sierpnia|sierpien|"
	"srpna|srpen|agustos|augusztus|августа|август|!elokuu|"
	"!elokuuta",
	"september|septembre|septiembre|setiembre|settembre|"
	"setembro|wrzesnia|wrzesien|zari|eylul|szeptember|сентября|"
	"сентябрь|!syyskuu|!syyskuuta",
	"october|oktober|octobre|octubre|ottobre|outubro|"
	"pazdziernika|pazdziernik|rijna|rijen|ekim|октября|октябрь|"
	"!lokakuu|!lokakuuta",
	"november|novembre|noviembre|novembro|listopada|listopad|"
	"listopadu|kasim|ноября|ноябрь|!marraskuu|!marraskuuta",
	"december|dezember|decembre|diciembre|dicembre|dezembro|"
	"desember|grudnia|grudzien|prosince|prosinec|aralik|"
	"декабря|декабрь|!joulukuu|!joulukuuta",
};

static bool is_month(struct str word, const char *list)
{
	struct str all = str_c(list), name;

	while (str_cut(&all, '|', &name)) {
		bool is_exact = name.p[0] == '!';

		if (is_exact)
			name = str_sub(name, 1, SIZE_MAX);
		if (str_eq(word, name) ||
			(!is_exact && utf8_count(word) >= MONTH_LETTERS_MIN &&
				str_starts(name, word)))
			return true;
	}
	return false;
}

/* Returns: 1 to 12, or 0: it names no month, or could be two. */
static int month_of(struct str word)
{
	int found = 0;

	for (int i = 0; i < 12; i++) {
		if (!is_month(word, months[i]))
			continue;
		if (found)
			return 0;
		found = i + 1;
	}
	return found;
}

static int full_year(const struct typed_options *o, const struct token *t)
{
	struct clock_civil now;
	int year;

	if (t->text.len == 4)
		return t->number;
	if (t->text.len != 2)
		return 0;
	clock_to_civil(o->now / 1000, &now);
	year = now.year / 100 * 100 + t->number;
	/* what is more than twenty years ahead was a century before */
	return year > now.year + 20 ? year - 100 : year;
}

/* Does the first of two numbers below 13 mean the day? 1, -1: the month. */
static int day_or_month(const struct typed_options *o, bool is_pointed)
{
	int found = 0;

	if (is_pointed)
		return 1;
	if (o->style.day_first && !o->style.month_first)
		return 1;
	if (o->style.month_first && !o->style.day_first)
		return -1;
	for (size_t i = 0; i < o->n_locales; i++) {
		const struct locale *l = typed_locale(o->locales[i]);
		int says = !l ? 0 : l->month_first ? -1 : 1;

		if (says && found && says != found)
			return 0;
		found = says ? says : found;
	}
	return found;
}

static const char *order_numbers(struct reading *r,
	const struct typed_options *o, const struct token *n[3],
	bool is_pointed)
{
	int first = n[0]->number, second = n[1]->number, order;

	if (n[0]->text.len == 4) {
		r->year = first;
		r->month = second;
		r->day = n[2]->number;
		return NULL;
	}
	r->year = full_year(o, n[2]);
	order = first > 12		     ? 1
		: second > 12 && !is_pointed ? -1
		: first == second	     ? 1
					     : day_or_month(o, is_pointed);
	if (order == 0)
		return "could be two dates: a locale would tell";
	r->day = order > 0 ? first : second;
	r->month = order > 0 ? second : first;
	return NULL;
}

/* A month in words, and two numbers: the day, and the year with four digits
 * or behind the day. */
static const char *take_words(struct reading *r, const struct typed_options *o,
	const struct token *n[3], size_t n_numbers)
{
	if (n_numbers != 2)
		return n_numbers < 2 ? "has no year" : "has too many numbers";
	if (n[0]->text.len == 4) {
		r->year = n[0]->number;
		r->day = n[1]->number;
	} else {
		r->day = n[0]->number;
		r->year = full_year(o, n[1]);
	}
	return NULL;
}

static const char *take_date(struct reading *r, const struct typed_options *o)
{
	const struct token *n[3];
	size_t n_numbers = 0, n_words = 0, n_points = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct token *t = &r->tokens[i];
		int month;

		if (t->kind == TOKEN_NUMBER) {
			if (n_numbers == 3)
				return "has too many numbers";
			n[n_numbers++] = t;
			n_points += is_mark(r, i + 1, ".");
		} else if (t->kind == TOKEN_WORD) {
			month = month_of(t->text);
			if (month && r->month)
				return "names two months";
			if (month)
				r->month = month;
			else if (++n_words > WORDS_MAX)
				return "is no date";
		}
	}
	if (r->month)
		return take_words(r, o, n, n_numbers);
	if (n_numbers < 3)
		return "is no date";
	return order_numbers(r, o, n, n_points >= 2);
}

static bool is_there(const struct reading *r)
{
	struct clock_civil c = { .year = r->year,
		.month = r->month,
		.day = r->day },
			   same;

	if (r->year < YEAR_LEAST || r->year > YEAR_MOST || r->month < 1 ||
		r->month > 12 || r->day < 1 || r->day > 31)
		return false;
	clock_to_civil(clock_from_civil(&c), &same);
	return same.day == r->day;
}

const char *typed_date(struct arena *a, struct str s,
	const struct typed_options *o, bool with_time, struct str *out)
{
	struct reading r = { .n = 0 };
	struct clock_civil c;
	const char *why;
	int64_t seconds;

	if (!cut_tokens(a, s, &r))
		return "is no date";
	/* ISO 8601 has a T between */
	for (size_t i = 1; i + 1 < r.n; i++)
		if (is_text(&r, i, "t") && r.tokens[i + 1].is_near)
			drop(&r, i, i + 1);
	drop_parentheses(&r);
	take_time(&r);
	why = take_date(&r, o);
	if (why)
		return why;
	if (!is_there(&r))
		return "is no day of the calendar";
	if (!with_time) {
		*out = str_c(arena_printf(
			a, "%04d-%02d-%02d", r.year, r.month, r.day));
		return NULL;
	}
	if (!r.has_time)
		return "has no time";
	c = (struct clock_civil){ r.year, r.month, r.day, r.hour, r.minute,
		r.second, 0 };
	seconds = clock_from_civil(&c) -
		  (int64_t)(r.has_zone ? r.zone_minutes : o->zone_minutes) * 60;
	clock_to_civil(seconds, &c);
	*out = str_c(arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year,
		c.month, c.day, c.hour, c.minute, c.second));
	return NULL;
}
