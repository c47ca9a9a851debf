/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone.h - time zones by name, as calendars call them. */
#ifndef MAILMILL_MAIL_ZONE_H
#define MAILMILL_MAIL_ZONE_H

#include <mailmill/clock.h>

#include "inside.h"

struct zone_row {
	const char *rule;  /* as POSIX writes TZ */
	const char *names; /* with a blank between them */
};
/* zone_table.c */
extern const struct zone_row zone_rows[];
extern const size_t zone_n_rows;

/*
 * Finds the rule of a zone by its name: "Europe/Berlin", with or without what
 * programs put before it, or "W. Europe Standard Time" (Windows).
 * Returns: the rule as POSIX writes TZ, or NULL.
 */
const char *zone_find(struct str name);
/* Tells how far a rule's clock is ahead of UTC, in seconds, at a wall time. */
int zone_offset(const char *rule, const struct clock_civil *wall);
/*
 * Tells the day of a month on which weekday (0 is Sunday) falls the n-th time;
 * n < 0 counts from the end, and what is beyond it is the last.
 */
int zone_nth_weekday(int year, int month, int weekday, int n);

#endif
