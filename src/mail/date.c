/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * date.c - the Date field (RFC 5322 3.3, 4.3) and what is written in its place.
 *
 * The words of the field are taken one by one by what they look like: a month's
 * name, a time with colons, a zone, a number. So any order of them is read that
 * leaves no doubt: RFC 5322, ctime(), ISO 8601, "Jun 1, 2004 10:00 PM CEST",
 * and the names of months in some twenty languages. Where two words could be
 * the month, the one before all numbers is a weekday ("mar, 12 ago 2008").
 */
#include <mailmill/clock.h>

#include "charset.h"

struct date {
	int year, month, day, hour, minute, second;
	int zone; /* minutes */
	bool has_time, has_zone, is_zero;
	bool is_early; /* what was taken for the month may be a weekday */
	int numbers[3], widths[3]; /* not yet known to be day or year */
	int n_numbers;
	char half; /* 'a' or 'p' of AM, PM */
};

/* Of each month the names, whole; the first letters of one do. */
static const char *const months[] = {
	"january januar janvier janeiro gennaio enero januari januarie styczeń "
	"stycznia leden ledna ianuarie ocak январь января січень січня януари "
	"ιανουάριος ιανουαρίου tammikuu január jaanuar",
	"february februar février fevrier fevereiro febbraio febrero februari "
	"luty lutego únor února februarie şubat subat февраль февраля лютий "
	"лютого февруари φεβρουάριος helmikuu február veebruar",
	"march märz mrz maerz mars março marco marzo maart mrt marzec marca "
	"březen března martie mart март марта березень березня μάρτιος "
	"μαρτίου maaliskuu március märts",
	"april avril abril aprile kwiecień kwietnia duben dubna aprilie nisan "
	"апрель апреля квітень квітня април απρίλιος huhtikuu április aprill",
	"may mai maj mei maio maggio mayo květen května mayıs май мая травень "
	"травня μάιος μαΐου toukokuu május máj maja",
	"june juni juin junho giugno junio czerwiec czerwca červen června "
	"iunie haziran июнь июня червень червня юни ιούνιος ιουνίου kesäkuu "
	"június jún juuni",
	"july juli juillet julho luglio julio lipiec lipca červenec července "
	"iulie temmuz июль июля липень липня юли ιούλιος ιουλίου heinäkuu "
	"július júl juuli",
	"august août aout agosto augustus sierpień sierpnia srpen srpna "
	"ağustos "
	"agustos август серпень серпня αύγουστος elokuu augusztus augusti",
	"september septembre setembro settembre septiembre setiembre wrzesień "
	"września září septembrie eylül eylul сентябрь сентября вересень "
	"вересня септември σεπτέμβριος syyskuu szeptember",
	"october oktober octobre outubro ottobre octubre październik "
	"października říjen října octombrie ekim октябрь октября жовтень "
	"жовтня октомври οκτώβριος lokakuu október oktoober",
	"november novembre novembro noviembre listopad listopada noiembrie "
	"kasım kasim ноябрь ноября листопада ноември νοέμβριος marraskuu",
	"december dezember décembre decembre dezembro dicembre diciembre "
	"grudzień grudnia prosinec prosince decembrie aralık aralik декабрь "
	"декабря грудень грудня декември δεκέμβριος joulukuu desember "
	"detsember",
};

static const struct zone {
	const char *name;
	int minutes;
} zones[] = {
	{ "ut", 0 },
	{ "utc", 0 },
	{ "gmt", 0 },
	{ "z", 0 },
	{ "wet", 0 },
	{ "est", -300 },
	{ "edt", -240 },
	{ "cst", -360 },
	{ "cdt", -300 },
	{ "mst", -420 },
	{ "mdt", -360 },
	{ "pst", -480 },
	{ "pdt", -420 },
	{ "akst", -540 },
	{ "akdt", -480 },
	{ "hst", -600 },
	{ "ast", -240 },
	{ "adt", -180 },
	{ "nst", -210 },
	{ "ndt", -150 },
	{ "brt", -180 },
	{ "bst", 60 },
	{ "west", 60 },
	{ "cet", 60 },
	{ "met", 60 },
	{ "mez", 60 },
	{ "cest", 120 },
	{ "mest", 120 },
	{ "mesz", 120 },
	{ "eet", 120 },
	{ "sast", 120 },
	{ "eest", 180 },
	{ "msk", 180 },
	{ "msd", 240 },
	{ "sgt", 480 },
	{ "hkt", 480 },
	{ "awst", 480 },
	{ "jst", 540 },
	{ "kst", 540 },
	{ "aest", 600 },
	{ "aedt", 660 },
	{ "nzst", 720 },
	{ "nzdt", 780 },
	{ "ist", 330 },
	{ "idt", 180 },
	{ "trt", 180 },
	{ "eat", 180 },
	{ "wat", 60 },
	{ "cat", 120 },
	{ "gst", 240 },
	{ "pkt", 300 },
	{ "bdt", 360 },
	{ "ict", 420 },
	{ "wib", 420 },
	{ "pht", 480 },
	{ "myt", 480 },
	{ "acst", 570 },
	{ "acdt", 630 },
	{ "art", -180 },
	{ "clt", -240 },
	{ "cot", -300 },
	{ "pet", -300 },
	{ "yekt", 300 },
	{ "krat", 420 },
	{ "vlat", 600 },
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool is_letter(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || c < 0; /* or of UTF-8 */
}

/* Reads up to `max` digits at *i. Returns: how many. */
static int read_number(struct str s, size_t *i, int max, int *out)
{
	int n = 0;

	*out = 0;
	while (*i < s.len && str_is_digit(s.p[*i]) && n < max) {
		*out = *out * 10 + (s.p[(*i)++] - '0');
		n++;
	}
	return n;
}

static void fold(struct buf *b, struct str w)
{
	uint32_t c;

	while (w.len) {
		size_t n = utf8_next(w, &c);
		if (n)
			utf8_add(b, charset_lower(c));
		w = str_sub(w, n ? n : 1, w.len);
	}
}

/* Returns: 1 to 12, or 0. */
static int find_month(struct str w)
{
	char space[128];
	struct buf b = { .p = space, .cap = sizeof(space), .max = 100 };

	if (w.len > 40)
		return 0;
	fold(&b, w);
	w = buf_view(&b);
	if (utf8_count(w) < 3)
		return 0;
	for (int i = 0; i < 12; i++) {
		struct str rest = str_c(months[i]), name;
		while (str_cut(&rest, ' ', &name))
			if (str_starts(name, w))
				return i + 1;
	}
	return 0;
}

static bool is_zero(struct str w)
{
	return str_eq_case(w, STR("gmt")) || str_eq_case(w, STR("utc")) ||
	       str_eq_case(w, STR("ut"));
}

static const struct half {
	const char *text;
	char half;
} halves[] = {
	{ "am", 'a' },
	{ "a.m", 'a' },
	{ "上午", 'a' },
	{ "午前", 'a' },
	{ "오전", 'a' },
	{ "pm", 'p' },
	{ "p.m", 'p' },
	{ "下午", 'p' },
	{ "午後", 'p' },
	{ "오후", 'p' },
};

static void take_word(struct date *d, struct str w)
{
	int month = find_month(w);

	if (month) {
		/* of two the first was a weekday, if no number was before it */
		if (!d->month || d->is_early) {
			d->month = month;
			d->is_early = d->n_numbers == 0 && !d->year;
		}
		return;
	}
	for (size_t i = 0; i < COUNT(halves); i++)
		if (str_eq_case(w, str_c(halves[i].text)))
			d->half = halves[i].half;
	for (size_t i = 0; i < COUNT(zones); i++)
		if (str_eq_case(w, str_c(zones[i].name))) {
			if (!d->has_zone)
				d->zone = zones[i].minutes;
			/* "GMT+0200" goes on */
			d->is_zero = !d->has_zone && is_zero(w);
			d->has_zone = true;
		}
	/* a weekday, a letter of the military, a city */
}

/* Reads h:mm[:ss[.fraction]], also with dots. */
static bool take_time(struct date *d, struct str s, size_t *i, int hour)
{
	char sep = s.p[*i];

	d->hour = hour;
	d->second = 0;
	(*i)++;
	if (read_number(s, i, 2, &d->minute) == 0)
		return false;
	if (*i + 1 < s.len && s.p[*i] == sep && str_is_digit(s.p[*i + 1])) {
		(*i)++;
		read_number(s, i, 2, &d->second);
		if (*i + 1 < s.len && (s.p[*i] == '.' || s.p[*i] == ',') &&
			str_is_digit(s.p[*i + 1]))
			for ((*i)++; *i < s.len && str_is_digit(s.p[*i]);)
				(*i)++;
	}
	d->has_time = true;
	return true;
}

static bool take_zone(struct date *d, struct str s, size_t *i)
{
	int sign = s.p[*i] == '-' ? -1 : 1, number, minutes = 0, n;
	size_t at = *i + 1;

	n = read_number(s, &at, 4, &number);
	if (n == 0)
		return false;
	if (n <= 2 && at < s.len && s.p[at] == ':') {
		at++;
		read_number(s, &at, 2, &minutes);
	} else if (n > 2) {
		minutes = number % 100;
		number /= 100;
	}
	*i = at;
	if (number > 24 || minutes > 59)
		return true; /* nonsense, taken as UTC */
	if (!d->has_zone || d->is_zero)
		d->zone = sign * (number * 60 + minutes);
	d->has_zone = true;
	d->is_zero = false;
	return true;
}

/* 2008年8月12日, 2008년 8월 12일 */
static bool take_marked(struct date *d, struct str s, size_t *i, int number)
{
	static const char *const marks[] = { "年", "년", "月", "월", "日",
		"일" };
	int *const parts[] = { &d->year, &d->year, &d->month, &d->month,
		&d->day, &d->day };

	for (size_t k = 0; k < COUNT(marks); k++)
		if (str_starts(str_sub(s, *i, 3), str_c(marks[k]))) {
			*parts[k] = number;
			*i += 3;
			return true;
		}
	return false;
}

/* T100000 behind 20040601 */
static void take_basic_time(struct date *d, struct str s, size_t *i)
{
	size_t at = *i + 1;
	int hour, minute, second;

	if (*i >= s.len || (s.p[*i] != 'T' && s.p[*i] != 't') ||
		read_number(s, &at, 2, &hour) != 2 ||
		read_number(s, &at, 2, &minute) != 2)
		return;
	if (read_number(s, &at, 2, &second) != 2)
		second = 0;
	d->hour = hour;
	d->minute = minute;
	d->second = second;
	d->has_time = true;
	*i = at;
}

static bool take_digits(struct date *d, struct str s, size_t *i)
{
	size_t from = *i;
	int number, width = read_number(s, i, 8, &number);
	char next = *i < s.len ? s.p[*i] : 0;
	bool digit_follows = *i + 1 < s.len && str_is_digit(s.p[*i + 1]);

	if (!d->has_time && width <= 2 && digit_follows &&
		(next == ':' || (next == '.' && d->month && d->n_numbers >= 2)))
		return take_time(d, s, i, number);
	if (width == 8 && !d->month) { /* 20040601 */
		d->year = number / 10000;
		d->month = number / 100 % 100;
		d->day = number % 100;
		take_basic_time(d, s, i);
		return true;
	}
	if (take_marked(d, s, i, number))
		return true;
	if (width == 4 && next == '-' && digit_follows && !d->month) {
		int n; /* 2004-06-01 */
		d->year = number;
		(*i)++;
		read_number(s, i, 2, &d->month);
		if (*i >= s.len || s.p[*i] != '-')
			return false;
		(*i)++;
		n = read_number(s, i, 2, &d->day);
		if (*i < s.len && (s.p[*i] == 'T' || s.p[*i] == 't'))
			(*i)++;
		return n > 0;
	}
	if (width > 5 || from == *i || d->n_numbers == 3)
		return false;
	d->widths[d->n_numbers] = width;
	d->numbers[d->n_numbers++] = number;
	return true;
}

static int widen_year(int year, int width)
{
	if (width <= 2)
		return year < 50 ? 2000 + year : 1900 + year;
	if (width == 3)
		return 1900 + year;
	return year;
}

/* Decides which of the numbers is the day: the one that can't be the year. */
static bool settle_numbers(struct date *d)
{
	int year = 1;

	if (d->year)
		return d->n_numbers == 0 || d->has_time;
	if (d->n_numbers == 3) { /* 1/6/2004, 01.06.2004: day first */
		if (d->widths[0] == 4 && !d->month) { /* 2004/6/1 */
			d->year = d->numbers[0];
			d->month = d->numbers[1];
			d->day = d->numbers[2];
			return true;
		}
		if (d->month || d->widths[2] < 2)
			return false;
		d->day = d->numbers[0];
		d->month = d->numbers[1];
		if (d->month > 12) {
			d->day = d->numbers[1];
			d->month = d->numbers[0];
		}
		d->year = widen_year(d->numbers[2], d->widths[2]);
		return true;
	}
	if (d->n_numbers != 2 || !d->month)
		return false;
	if (d->widths[0] >= 3 || d->numbers[0] > 31 || d->numbers[0] == 0)
		year = 0;
	d->year = widen_year(d->numbers[year], d->widths[year]);
	d->day = d->numbers[1 - year];
	return true;
}

static bool is_plausible(const struct date *d)
{
	return d->year >= 1900 && d->year <= 9999 && d->month >= 1 &&
	       d->month <= 12 && d->day >= 1 && d->day <= 31 && d->hour <= 24 &&
	       d->minute <= 59 && d->second <= 60;
}

/* The dot of "a.m." */
static bool is_inner(struct str s, size_t i)
{
	return s.p[i] == '.' && i + 1 < s.len && lower(s.p[i + 1]) == 'm' &&
	       (i + 2 >= s.len || !is_letter(s.p[i + 2]));
}

static bool read_parts(struct date *d, struct str s)
{
	for (size_t i = 0; i < s.len;) {
		char c = s.p[i];
		if (is_letter(c)) {
			size_t from = i;
			while (i < s.len &&
				(is_letter(s.p[i]) || is_inner(s, i)))
				i++;
			take_word(d, str_sub(s, from, i - from));
		} else if (str_is_digit(c)) {
			/* of "EST5EDT" */
			if (d->has_zone && i && is_letter(s.p[i - 1]))
				i++;
			else if (!take_digits(d, s, &i))
				return false;
		} else if ((c == '+' || c == '-') && d->has_time &&
			   i + 1 < s.len && str_is_digit(s.p[i + 1])) {
			if (!take_zone(d, s, &i))
				return false;
		} else if (c == '(') {
			while (i < s.len && s.p[i] != ')')
				i++;
		} else {
			i++;
		}
	}
	return true;
}

int mail_date(struct str value, int64_t *seconds, int *zone_minutes)
{
	struct date d = { 0 };
	struct clock_civil c;

	value = str_trim(str_sub(value, 0, 200));
	if (!read_parts(&d, value) || !settle_numbers(&d) || !is_plausible(&d))
		return -1;
	if (d.half == 'p' && d.hour < 12)
		d.hour += 12;
	else if (d.half == 'a' && d.hour == 12)
		d.hour = 0;
	c = (struct clock_civil){ .year = d.year,
		.month = d.month,
		.day = d.day,
		.hour = d.hour,
		.minute = d.minute,
		.second = d.second };
	*seconds = clock_from_civil(&c) - (int64_t)d.zone * 60;
	*zone_minutes = d.zone;
	return 0;
}
