/* SPDX-License-Identifier: GPL-3.0-or-later */
/* soql_date.c - dates, datetimes and words such as LAST_WEEK as spans. */
#include <stdio.h>

#include <mailmill/clock.h>

#include "soql.h"

static int64_t day_start(int64_t ms)
{
	return ms - ((ms % 86400000) + 86400000) % 86400000;
}

static int64_t month_start(int64_t ms, int shift, int months)
{
	struct clock_civil c;
	int month;

	clock_to_civil(ms / 1000, &c);
	month = c.month - 1;
	month -= month % months;
	month += shift * months;
	c.year += month >= 0 ? month / 12 : -((11 - month) / 12);
	month = ((month % 12) + 12) % 12;
	c.month = month + 1;
	c.day = 1;
	c.hour = c.minute = c.second = 0;
	return clock_from_civil(&c) * 1000;
}

static int64_t week_start(int64_t ms)
{
	struct clock_civil c;

	clock_to_civil(ms / 1000, &c);
	return day_start(ms) - (int64_t)c.weekday * 86400000;
}

bool sb_soql_date_word(struct str word, struct soql_value *v)
{
	static const struct {
		const char *name;
		int days, months, from, to; /* in units, from now */
	} words[] = {
		{ "YESTERDAY", 1, 0, -1, 0 },
		{ "TODAY", 1, 0, 0, 1 },
		{ "TOMORROW", 1, 0, 1, 2 },
		{ "LAST_WEEK", 7, 0, -1, 0 },
		{ "THIS_WEEK", 7, 0, 0, 1 },
		{ "NEXT_WEEK", 7, 0, 1, 2 },
		{ "LAST_MONTH", 0, 1, -1, 0 },
		{ "THIS_MONTH", 0, 1, 0, 1 },
		{ "NEXT_MONTH", 0, 1, 1, 2 },
		{ "LAST_QUARTER", 0, 3, -1, 0 },
		{ "THIS_QUARTER", 0, 3, 0, 1 },
		{ "NEXT_QUARTER", 0, 3, 1, 2 },
		{ "LAST_YEAR", 0, 12, -1, 0 },
		{ "THIS_YEAR", 0, 12, 0, 1 },
		{ "NEXT_YEAR", 0, 12, 1, 2 },
		{ "LAST_90_DAYS", 1, 0, -90, 1 },
		{ "NEXT_90_DAYS", 1, 0, 1, 91 },
		/* These take :n; from and to tell the direction. */
		{ "LAST_N_DAYS:", 1, 0, -1, 1 },
		{ "NEXT_N_DAYS:", 1, 0, 1, -1 },
		{ "N_DAYS_AGO:", 1, 0, -1, 0 },
		{ "LAST_N_WEEKS:", 7, 0, -1, 0 },
		{ "NEXT_N_WEEKS:", 7, 0, 1, -1 },
		{ "LAST_N_MONTHS:", 0, 1, -1, 0 },
		{ "NEXT_N_MONTHS:", 0, 1, 1, -1 },
		{ "LAST_N_YEARS:", 0, 12, -1, 0 },
		{ "NEXT_N_YEARS:", 0, 12, 1, -1 },
	};
	int64_t now = clock_wall_ms();

	for (size_t i = 0; i < COUNT(words); i++) {
		struct str name = str_c(words[i].name);
		int from = words[i].from, to = words[i].to;
		uint64_t n;
		if (str_ends(name, STR(":"))) {
			if (!str_starts_case(word, name) ||
				str_to_u64(str_sub(word, name.len, 9), 100000,
					&n) < 0)
				continue;
			if (str_starts(name, STR("N_DAYS"))) {
				from = -(int)n;
				to = from + 1;
			} else if (from < 0) {
				from = -(int)n;
			} else {
				from = 1;
				to = (int)n + 1;
			}
		} else if (!str_eq_case(word, name)) {
			continue;
		}
		v->what = SOQL_TIME;
		if (words[i].months) {
			v->from = month_start(now, from, words[i].months);
			v->to = month_start(now, to, words[i].months);
		} else {
			int64_t base = words[i].days == 7 ? week_start(now)
							  : day_start(now);
			v->from = base +
				  (int64_t)from * words[i].days * 86400000;
			v->to = base + (int64_t)to * words[i].days * 86400000;
		}
		return true;
	}
	return false;
}

int sb_soql_time(struct str s, struct soql_value *v)
{
	char text[48];

	v->what = SOQL_TIME;
	if (s.len == 10) {
		snprintf(text, sizeof(text), "%.*sT00:00:00Z", STR_ARG(s));
		if (clock_parse_rfc3339(str_c(text), &v->from) < 0)
			return -1;
		v->to = v->from + 86400000;
		return 0;
	}
	if (s.len > 40)
		return -1;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	if (s.len > 20 && (text[s.len - 5] == '+' || text[s.len - 5] == '-')) {
		memmove(text + s.len - 1, text + s.len - 2, 3);
		text[s.len - 2] = ':';
	}
	if (clock_parse_rfc3339(str_c(text), &v->from) < 0)
		return -1;
	v->to = v->from + 1;
	return 0;
}
