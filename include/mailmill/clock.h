/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - the time, and its written forms. */
#ifndef MAILMILL_CLOCK_H
#define MAILMILL_CLOCK_H

#include <mailmill/base.h>
#include <mailmill/mem.h>

/* Tells milliseconds since 1970, UTC. May jump when an admin sets the clock. */
int64_t clock_wall_ms(void);
/* Tells milliseconds that only go forward; for waiting and measuring. */
int64_t clock_mono_ms(void);
/* Tells milliseconds of processor time that this thread has used. */
int64_t clock_cpu_ms(void);

struct clock_civil {
	int year, month, day; /* 1970, 1..12, 1..31 */
	int hour, minute, second;
	int weekday; /* 0 is Sunday */
};

/* Converts seconds since 1970 to the proleptic Gregorian calendar, in UTC. */
void clock_to_civil(int64_t seconds, struct clock_civil *out);
/* Converts back; fields out of range are carried over. */
int64_t clock_from_civil(const struct clock_civil *c);
/* Prints RFC 3339 in UTC with milliseconds: 2026-11-24T21:36:46.123Z. */
char *clock_rfc3339(struct arena *a, int64_t wall_ms);
/* The same into the caller's memory of at least CLOCK_TEXT_MAX bytes. */
#define CLOCK_TEXT_MAX 32
const char *clock_text(int64_t wall_ms, char *out);
/* Reads RFC 3339. Returns: 0 or -1. */
MUST_CHECK int clock_parse_rfc3339(struct str s, int64_t *wall_ms);
/*
 * Reads a length of time: a number and ms, s, m, h, d or w; "0" alone.
 * Returns: 0, or -1 when it is none or overflows.
 */
MUST_CHECK int clock_parse_span(struct str s, int64_t *ms);

#endif
