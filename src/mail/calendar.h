/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calendar.h - what the files that read calendars share. */
#ifndef MAILMILL_MAIL_CALENDAR_H
#define MAILMILL_MAIL_CALENDAR_H

#include <libical/ical.h>

#include "zone.h"

/* Beyond these a calendar is cut, with a defect. */
#define CALENDAR_LEN_MAX ((size_t)512 << 10) /* bytes of a calendar */
#define CALENDAR_LINES_MAX 20000
#define CALENDAR_DEPTH_MAX 8
#define CALENDAR_EVENTS_MAX 200	 /* of a mail */
#define CALENDAR_PEOPLE_MAX 1000 /* of an event */
#define CALENDAR_FILES_MAX 50	 /* of a mail */
#define CALENDAR_ONSETS_MAX 2000 /* observances of a zone */

/* calendar_line.c */
/*
 * Makes text that the library may read: whole lines, no file contents, no
 * deeper than allowed, and with an END for each BEGIN. *why is what was wrong.
 */
struct str calendar_clean(struct arena *a, struct str text, const char **why);

/* calendar_zone.c */
/* Tells how far a zone of a VCALENDAR is ahead of UTC. Returns: if known. */
bool calendar_offset(icalcomponent *calendar, struct str zone,
	const struct clock_civil *wall, int *seconds);

#endif
