/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calendar_zone.c - zones that a calendar brings along (VTIMEZONE), and others
 * by their name.
 *
 * The library would write out all changes of a zone, without end for a hostile
 * rule, and would look into files. Rules of zones are simple: the n-th weekday
 * of a month each year. So the last change before a time is computed here; of
 * any other rule the first date counts.
 */
#include "calendar.h"

static void to_civil(struct icaltimetype t, struct clock_civil *out)
{
	*out = (struct clock_civil){ .year = t.year,
		.month = t.month,
		.day = t.day,
		.hour = t.hour,
		.minute = t.minute,
		.second = t.second };
}

/* The change that a yearly rule makes in a year, as wall seconds. */
static int64_t change_in(const struct icalrecurrencetype *rule,
	const struct clock_civil *first, int year)
{
	struct clock_civil c = *first;
	int day_rule = rule->by_day[0];

	c.year = year;
	if (rule->by_month[0] >= 1 && rule->by_month[0] <= 12)
		c.month = rule->by_month[0];
	if (day_rule != ICAL_RECURRENCE_ARRAY_MAX) {
		int weekday = (int)icalrecurrencetype_day_day_of_week(
				      rule->by_day[0]) -
			      1;
		int n = icalrecurrencetype_day_position(rule->by_day[0]);
		int from = rule->by_month_day[0];
		if (from >= 1 && from <= 31)
			n = (from + 6) / 7; /* the first on or behind it */
		if (weekday < 0 || weekday > 6)
			weekday = 0;
		c.day = zone_nth_weekday(
			year, c.month, weekday, n ? MIN(MAX(n, -5), 5) : 1);
	} else if (rule->by_month_day[0] >= 1 && rule->by_month_day[0] <= 28) {
		c.day = rule->by_month_day[0];
	}
	return clock_from_civil(&c);
}

/* The last change at or before `now` that one observance makes. */
static bool find_onset(icalcomponent *c, const struct clock_civil *wall,
	int64_t now, int64_t *onset)
{
	icalproperty *start = icalcomponent_get_first_property(
		c, ICAL_DTSTART_PROPERTY);
	icalproperty *rule = icalcomponent_get_first_property(
		c, ICAL_RRULE_PROPERTY);
	struct clock_civil first;
	bool is_found;

	if (!start)
		return false;
	to_civil(icalproperty_get_dtstart(start), &first);
	*onset = clock_from_civil(&first);
	is_found = *onset <= now;
	if (rule && is_found) {
		struct icalrecurrencetype r = icalproperty_get_rrule(rule);
		if (r.freq != ICAL_YEARLY_RECURRENCE)
			return is_found;
		for (int year = wall->year; year >= wall->year - 1; year--) {
			int64_t at = change_in(&r, &first, year);
			if (at > now || at < *onset)
				continue;
			*onset = at;
			break;
		}
	}
	for (icalproperty *p = icalcomponent_get_first_property(
		     c, ICAL_RDATE_PROPERTY);
		p;
		p = icalcomponent_get_next_property(c, ICAL_RDATE_PROPERTY)) {
		struct clock_civil at;
		int64_t seconds;
		to_civil(icalproperty_get_rdate(p).time, &at);
		seconds = clock_from_civil(&at);
		if (seconds <= now && (!is_found || seconds > *onset)) {
			*onset = seconds;
			is_found = true;
		}
	}
	return is_found;
}

static icalcomponent *find_zone(icalcomponent *calendar, struct str name)
{
	for (icalcomponent *z = icalcomponent_get_first_component(
		     calendar, ICAL_VTIMEZONE_COMPONENT);
		z; z = icalcomponent_get_next_component(
			   calendar, ICAL_VTIMEZONE_COMPONENT)) {
		icalproperty *id = icalcomponent_get_first_property(
			z, ICAL_TZID_PROPERTY);
		if (id && str_eq(str_c(icalproperty_get_tzid(id)), name))
			return z;
	}
	return NULL;
}

static bool read_zone(
	icalcomponent *zone, const struct clock_civil *wall, int *seconds)
{
	int64_t now = clock_from_civil(wall), best = INT64_MIN;
	bool is_found = false;
	size_t n = 0;

	for (icalcomponent *c = icalcomponent_get_first_component(
		     zone, ICAL_ANY_COMPONENT);
		c && n < CALENDAR_ONSETS_MAX;
		c = icalcomponent_get_next_component(zone, ICAL_ANY_COMPONENT),
			   n++) {
		icalproperty *to = icalcomponent_get_first_property(
			c, ICAL_TZOFFSETTO_PROPERTY);
		int64_t onset;
		bool is_past;
		if (!to)
			continue;
		is_past = find_onset(c, wall, now, &onset);
		/* before all changes: any of them is better than none */
		if (is_past ? onset >= best : !is_found) {
			best = is_past ? onset : INT64_MIN;
			*seconds = icalproperty_get_tzoffsetto(to);
			is_found = true;
		}
	}
	return is_found && *seconds > -86400 && *seconds < 86400;
}

bool calendar_offset(icalcomponent *calendar, struct str zone,
	const struct clock_civil *wall, int *seconds)
{
	icalcomponent *z = find_zone(calendar, zone);
	const char *rule;

	if (z && read_zone(z, wall, seconds))
		return true;
	rule = zone_find(zone);
	if (rule)
		*seconds = zone_offset(rule, wall);
	return rule != NULL;
}
