/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.c - the time, and its written forms. */
#include <stdio.h>
#include <time.h>

#include <mailmill/clock.h>

static int64_t read_clock(clockid_t which)
{
	struct timespec t;

	must(clock_gettime(which, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_cpu_ms(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* Days since 1970 of a civil date, by shifting the year to begin in March. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
	int64_t era, doy, yoe;

	y += (m - 1) / 12;
	m = (m - 1) % 12 + 1;
	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void clock_to_civil(int64_t seconds, struct clock_civil *out)
{
	int64_t days = seconds / 86400, rest = seconds % 86400;
	int64_t era, doe, yoe, doy, mp;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	out->hour = (int)(rest / 3600);
	out->minute = (int)(rest / 60 % 60);
	out->second = (int)(rest % 60);
	out->weekday = (int)(((days + 4) % 7 + 7) % 7);
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	out->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	out->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (int)(yoe + era * 400 + (out->month <= 2));
}

int64_t clock_from_civil(const struct clock_civil *c)
{
	return days_from_civil(c->year, c->month, c->day) * 86400 +
	       c->hour * 3600LL + c->minute * 60LL + c->second;
}

const char *clock_text(int64_t wall_ms, char *out)
{
	int64_t seconds = wall_ms / 1000, ms = wall_ms % 1000;
	struct clock_civil c;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	clock_to_civil(seconds, &c);
	snprintf(out, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		c.year % 10000, c.month, c.day, c.hour, c.minute, c.second,
		(int)ms);
	return out;
}

char *clock_rfc3339(struct arena *a, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	clock_text(wall_ms, text);
	return arena_strdup(a, text);
}

static int digits(struct str *s, size_t n, int *out)
{
	uint64_t v;

	if (s->len < n || str_to_u64(str_sub(*s, 0, n), 9999, &v))
		return -1;
	*out = (int)v;
	*s = str_sub(*s, n, s->len);
	return 0;
}

static int letter(struct str *s, const char *one_of)
{
	if (s->len == 0 || s->p[0] == 0 || !strchr(one_of, s->p[0]))
		return -1;
	*s = str_sub(*s, 1, s->len);
	return 0;
}

static int parse_zone(struct str s, int64_t *offset_ms)
{
	int hour, minute, sign;

	*offset_ms = 0;
	if (s.len == 1 && (s.p[0] == 'Z' || s.p[0] == 'z'))
		return 0;
	sign = s.len && s.p[0] == '-' ? -1 : 1;
	if (letter(&s, "+-") || digits(&s, 2, &hour) || letter(&s, ":") ||
		digits(&s, 2, &minute) || s.len || hour > 23 || minute > 59)
		return -1;
	*offset_ms = sign * (hour * 60 + minute) * 60000LL;
	return 0;
}

int clock_parse_rfc3339(struct str s, int64_t *wall_ms)
{
	struct clock_civil c = { 0 }, back;
	int64_t offset, seconds;
	int ms = 0;

	if (digits(&s, 4, &c.year) || letter(&s, "-") ||
		digits(&s, 2, &c.month) || letter(&s, "-") ||
		digits(&s, 2, &c.day) || letter(&s, "Tt ") ||
		digits(&s, 2, &c.hour) || letter(&s, ":") ||
		digits(&s, 2, &c.minute) || letter(&s, ":") ||
		digits(&s, 2, &c.second))
		return -1;
	if (s.len && s.p[0] == '.') {
		int scale = 100, n = 0;
		for (s = str_sub(s, 1, s.len);
			s.len && s.p[0] >= '0' && s.p[0] <= '9';
			s = str_sub(s, 1, s.len), n++, scale /= 10)
			ms += (s.p[0] - '0') * scale;
		if (n == 0)
			return -1;
	}
	if (c.month < 1 || c.month > 12 || c.hour > 23 || c.minute > 59 ||
		c.second > 60 || parse_zone(s, &offset))
		return -1;
	seconds = clock_from_civil(&c);
	clock_to_civil(seconds - c.second, &back);
	if (back.day != c.day || back.month != c.month) /* 30 February */
		return -1;
	*wall_ms = seconds * 1000 + ms - offset;
	return 0;
}

int clock_parse_span(struct str s, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
		{ "d", 86400000 },
		{ "w", 604800000 },
	};
	size_t n = 0;
	uint64_t v;

	if (str_eq(s, STR("0"))) {
		*ms = 0;
		return 0;
	}
	while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	for (size_t i = 0; i < COUNT(units); i++) {
		if (!str_eq(str_sub(s, n, s.len), str_c(units[i].name)))
			continue;
		if (str_to_u64(str_sub(s, 0, n),
			    (uint64_t)(INT64_MAX / units[i].ms), &v))
			return -1;
		*ms = (int64_t)v * units[i].ms;
		return 0;
	}
	return -1;
}
