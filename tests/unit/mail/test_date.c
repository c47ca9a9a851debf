/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_date.c - dates as mails have them. */
#include <mailmill/clock.h>
#include <mailmill/mail.h>

#include "test.h"

static const struct row {
	const char *name, *in;
	const char *utc; /* NULL: no date */
	int zone;
} rows[] = {
	{ "RFC 5322", "Fri, 21 Nov 1997 09:55:06 -0600",
		"1997-11-21T15:55:06.000Z", -360 },
	{ "no weekday", "21 Nov 1997 09:55:06 +0100",
		"1997-11-21T08:55:06.000Z", 60 },
	{ "no seconds", "Tue, 1 Jul 2003 10:52 +0200",
		"2003-07-01T08:52:00.000Z", 120 },
	{ "comment", "Thu, 13 Feb 1969 23:32:54 -0330 (Newfoundland Time)",
		"1969-02-14T03:02:54.000Z", -210 },
	{ "GMT", "Tue, 1 Jul 2003 10:52:37 GMT", "2003-07-01T10:52:37.000Z",
		0 },
	{ "obsolete zone", "21 Nov 97 09:55:06 EST", "1997-11-21T14:55:06.000Z",
		-300 },
	{ "two digits of 2000", "1 Jan 05 00:00:00 Z",
		"2005-01-01T00:00:00.000Z", 0 },
	{ "three digits", "1 Jan 102 00:00:00 +0000",
		"2002-01-01T00:00:00.000Z", 0 },
	{ "blanks and comments", "Thu,\r\n 13\r\n Feb (x) 1997 23:32 -0330",
		"1997-02-14T03:02:00.000Z", -210 },
	{ "leap second", "31 Dec 2016 23:59:60 +0000",
		"2017-01-01T00:00:00.000Z", 0 },
	{ "ctime", "Wed Jun  1 10:00:00 2004", "2004-06-01T10:00:00.000Z", 0 },
	{ "ctime with zone", "Wed Jun  1 10:00:00 CEST 2004",
		"2004-06-01T08:00:00.000Z", 120 },
	{ "date(1)", "Wed Jun 1 10:00:00 +0200 2004",
		"2004-06-01T08:00:00.000Z", 120 },
	{ "ISO 8601", "2004-06-01T10:00:00+02:00", "2004-06-01T08:00:00.000Z",
		120 },
	{ "SQL", "2004-06-01 10:00:00 +0200", "2004-06-01T08:00:00.000Z", 120 },
	{ "full month, PM", "Tuesday, June 1, 2004 10:00 PM",
		"2004-06-01T22:00:00.000Z", 0 },
	{ "midnight AM", "June 1, 2004 12:30 AM", "2004-06-01T00:30:00.000Z",
		0 },
	{ "dashes", "01-Jun-2004 10:00:00 +0000", "2004-06-01T10:00:00.000Z",
		0 },
	{ "day first", "13/06/2004 10:00", "2004-06-13T10:00:00.000Z", 0 },
	{ "impossible zone is UTC", "1 Jun 2004 10:00:00 -9999",
		"2004-06-01T10:00:00.000Z", 0 },
	{ "no zone", "1 Jun 2004 10:00:00", "2004-06-01T10:00:00.000Z", 0 },
	{ "one digit of the hour", "1 Jun 2004 9:05:03 +0000",
		"2004-06-01T09:05:03.000Z", 0 },
	{ "GMT with an offset", "1 Jun 2004 10:00:00 GMT+0200",
		"2004-06-01T08:00:00.000Z", 120 },
	{ "UTC with an offset", "1 Jun 2004 10:00:00 UTC-5:30",
		"2004-06-01T15:30:00.000Z", -330 },
	{ "offset, then a name", "1 Jun 2004 10:00:00 +0200 GMT",
		"2004-06-01T08:00:00.000Z", 120 },
	{ "POSIX zone", "1 Jun 2004 10:00:00 EST5EDT",
		"2004-06-01T15:00:00.000Z", -300 },
	{ "dots in p.m.", "June 1, 2004 10:00 p.m.", "2004-06-01T22:00:00.000Z",
		0 },
	{ "ISO 8601 without dashes", "20040601T100000Z",
		"2004-06-01T10:00:00.000Z", 0 },
	{ "year first with slashes", "2004/06/01 10:00:00 +0200",
		"2004-06-01T08:00:00.000Z", 120 },
	{ "RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT",
		"1994-11-06T08:49:37.000Z", 0 },
	{ "German", "Di., 1. März 2004 10:00:00 +0100",
		"2004-03-01T09:00:00.000Z", 60 },
	{ "German, short", "Mi, 12 Okt 2011 15:11:00 +0200",
		"2011-10-12T13:11:00.000Z", 120 },
	{ "French", "mar., 12 août 2008 10:00:00 +0200",
		"2008-08-12T08:00:00.000Z", 120 },
	{ "Spanish, a weekday like a month", "mar, 12 ago 2008 10:00:00 -0300",
		"2008-08-12T13:00:00.000Z", -180 },
	{ "Italian", "12 mag 2008 10:00:00 +0200", "2008-05-12T08:00:00.000Z",
		120 },
	{ "Polish", "12 września 2008 10:00:00 +0200",
		"2008-09-12T08:00:00.000Z", 120 },
	{ "Russian", "Втр, 12 Авг 2008 10:00:00 +0400",
		"2008-08-12T06:00:00.000Z", 240 },
	{ "Turkish", "12 Ağu 2008 10:00:00 +0300", "2008-08-12T07:00:00.000Z",
		180 },
	{ "Japanese", "2008年8月12日 10:00:00 +0900",
		"2008-08-12T01:00:00.000Z", 540 },
	{ "Korean", "2008년 8월 12일 오후 1:00 +0900",
		"2008-08-12T04:00:00.000Z", 540 },
	{ "March all the same", "Mar 12 2008 10:00:00 +0000",
		"2008-03-12T10:00:00.000Z", 0 },
	{ "empty", "", NULL, 0 },
	{ "words", "yesterday", NULL, 0 },
	{ "day 32", "32 Jun 2004 10:00:00 +0000", NULL, 0 },
	{ "month 13", "2004-13-01 10:00:00", NULL, 0 },
	{ "hour 25", "1 Jun 2004 25:00:00 +0000", NULL, 0 },
	{ "year 0", "1 Jun 0000 10:00:00 +0000", NULL, 0 },
	{ "numbers", "1 2 3 4 5 6 7", NULL, 0 },
};

TEST(reads_dates)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		char text[CLOCK_TEXT_MAX];
		int64_t seconds = 0;
		int zone = 0;
		int rc = mail_date(str_c(r->in), &seconds, &zone);
		is_int(rc, r->utc ? 0 : -1, r->name);
		if (rc < 0 || !r->utc)
			continue;
		is_c(clock_text(seconds * 1000, text), r->utc, r->name);
		is_int(zone, r->zone, r->name);
	}
}
