/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_calendar.c - events and cards that mails bring. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

static struct mail *parse(struct arena *a, const char *type, const char *body)
{
	AUTO(buf) struct buf b = BUF_INIT((size_t)1 << 24);

	mail_init();
	buf_printf(&b,
		"From: ann@example.org\r\nMIME-Version: 1.0\r\n"
		"Content-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
		type);
	buf_c(&b, body);
	must(!buf_is_over(&b));
	return mail_parse_in(a, arena_str(a, buf_view(&b)));
}

#define CALENDAR(lines)                                                        \
	"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n" lines           \
	"END:VCALENDAR\r\n"
#define EVENT(lines)                                                           \
	CALENDAR("BEGIN:VEVENT\r\nUID:1\r\n" lines "END:VEVENT\r\n")

#define ZONE                                                                   \
	"BEGIN:VTIMEZONE\r\nTZID:Here\r\n"                                     \
	"BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n"  \
	"TZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\n"      \
	"END:STANDARD\r\n"                                                     \
	"BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\n"  \
	"TZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\n"       \
	"END:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

/* "START UTC - END UTC" */
static const struct {
	const char *name, *text, *times;
} times[] = {
	{ "UTC",
		EVENT("DTSTART:20261125T100000Z\r\nDTEND:20261125T110000Z\r\n"),
		"2026-11-25T10:00:00Z 2026-11-25T10:00:00Z - "
		"2026-11-25T11:00:00Z 2026-11-25T11:00:00Z" },
	{ "a zone by name, in winter and in summer",
		EVENT("DTSTART;TZID=Europe/Berlin:20261125T100000\r\n"
		      "DTEND;TZID=Europe/Berlin:20260725T110000\r\n"),
		"2026-11-25T10:00:00+01:00 2026-11-25T09:00:00Z - "
		"2026-07-25T11:00:00+02:00 2026-07-25T09:00:00Z" },
	{ "Windows' name",
		EVENT("DTSTART;TZID=\"Pacific Standard Time\":20260725T100000"
		      "\r\n"),
		"2026-07-25T10:00:00-07:00 2026-07-25T17:00:00Z -  " },
	{ "a name behind a program's prefix",
		EVENT("DTSTART;TZID=/x.org/Olson_1/Asia/Kolkata:"
		      "20260725T100000\r\n"),
		"2026-07-25T10:00:00+05:30 2026-07-25T04:30:00Z -  " },
	{ "the other half of the world",
		EVENT("DTSTART;TZID=Australia/Sydney:20260115T100000\r\n"
		      "DTEND;TZID=Australia/Sydney:20260715T100000\r\n"),
		"2026-01-15T10:00:00+11:00 2026-01-14T23:00:00Z - "
		"2026-07-15T10:00:00+10:00 2026-07-15T00:00:00Z" },
	{ "a zone that the calendar brings, in winter",
		CALENDAR(ZONE
			"BEGIN:VEVENT\r\nDTSTART;TZID=Here:20261125T100000\r\n"
			"DTEND;TZID=Here:20261025T040000\r\nEND:VEVENT\r\n"),
		"2026-11-25T10:00:00+01:00 2026-11-25T09:00:00Z - "
		"2026-10-25T04:00:00+01:00 2026-10-25T03:00:00Z" },
	{ "and in summer",
		CALENDAR(ZONE
			"BEGIN:VEVENT\r\nDTSTART;TZID=Here:20260725T100000\r\n"
			"DTEND;TZID=Here:20261025T010000\r\nEND:VEVENT\r\n"),
		"2026-07-25T10:00:00+02:00 2026-07-25T08:00:00Z - "
		"2026-10-25T01:00:00+02:00 2026-10-24T23:00:00Z" },
	{ "an unknown zone is told and not guessed",
		EVENT("DTSTART;TZID=Nowhere:20261125T100000\r\n"),
		"2026-11-25T10:00:00  -  " },
	{ "a whole day",
		EVENT("DTSTART;VALUE=DATE:20261125\r\nDTEND;VALUE="
		      "DATE:20261126\r\n"),
		"2026-11-25  - 2026-11-26 " },
	{ "a length, over the end of summer time",
		EVENT("DTSTART;TZID=Europe/Berlin:20261025T010000\r\n"
		      "DURATION:PT4H\r\n"),
		"2026-10-25T01:00:00+02:00 2026-10-24T23:00:00Z - "
		"2026-10-25T04:00:00+01:00 2026-10-25T03:00:00Z" },
	{ "no date", EVENT("DTSTART:soon\r\n"), "  -  " },
};

TEST(times_with_zones)
{
	for (size_t i = 0; i < COUNT(times); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct mail *m = parse(a, "text/calendar", times[i].text);
		AUTO(buf) struct buf out = BUF_INIT(1000);
		const struct mail_event *e;

		is_int(mail_calendar(m, &e), 1, times[i].name);
		if (mail_calendar(m, &e) != 1)
			continue;
		buf_printf(&out, "%.*s %.*s - %.*s %.*s",
			STR_ARG(e->start.local), STR_ARG(e->start.utc),
			STR_ARG(e->end.local), STR_ARG(e->end.utc));
		is_str(buf_view(&out), times[i].times, times[i].name);
	}
}

TEST(an_invitation)
{
	AUTO(arena) struct arena *a = arena_new();
	struct mail *m = parse(a, "text/calendar; method=REQUEST",
		EVENT("SUMMARY:Tea\\, and\\n cake\r\nLOCATION:Kitchen\r\n"
		      "SEQUENCE:3\r\nSTATUS:CONFIRMED\r\n"
		      "RRULE:FREQ=WEEKLY;COUNT=4\r\n"
		      "ORGANIZER;CN=Ann:mailto:ann@example.org\r\n"
		      "ATTENDEE;CN=\"Ben, B.\";PARTSTAT=NEEDS-ACTION;RSVP=TRUE:"
		      "\r\n MAILTO:ben@example.org\r\n"
		      "ATTACH:data:;base64,AAAA\r\n"));
	const struct mail_event *e;
	struct str value;

	is_int(mail_calendar(m, &e), 1, "one event");
	is_str(e->method, "request", "method");
	is_str(e->summary, "Tea, and\n cake", "escapes");
	is_int(e->sequence, 3, "sequence");
	is_str(e->status, "confirmed", "status");
	is_str(e->recurrence, "FREQ=WEEKLY;COUNT=4", "rule");
	is_str(e->organizer, "ann@example.org", "organizer");
	is_str(e->organizer_name, "Ann", "his name");
	is_int(e->n_attendees, 1, "attendees");
	is_str(e->attendees[0].address, "ben@example.org", "folded");
	is_str(e->attendees[0].name, "Ben, B.", "quoted");
	is_str(e->attendees[0].partstat, "needs-action", "what he said");
	is_true(e->attendees[0].is_rsvp, "he is asked");
	is_int(mail_value(m, STR("calendar.location"), &value), 0, "a value");
	is_str(value, "Kitchen", "for rules");
}

static size_t count_defects(struct mail *m, const char *code)
{
	const struct mail_defect *d;
	size_t n = mail_defects(m, &d), found = 0;

	for (size_t i = 0; i < n; i++)
		found += strcmp(d[i].code, code) == 0;
	return found;
}

static const struct {
	const char *name, *text;
	size_t n_events, n_defects;
} broken[] = {
	{ "no END", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\n", 1, 1 },
	{ "an END of nothing",
		"BEGIN:VCALENDAR\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:x\r\n"
		"END:VEVENT\r\nEND:VCALENDAR\r\n",
		1, 1 },
	{ "no calendar", "Hello\r\n", 0, 1 },
	{ "nothing", "", 0, 1 },
	{ "two calendars", EVENT("SUMMARY:a\r\n") EVENT("SUMMARY:b\r\n"), 2,
		0 },
	{ "bare LF, words before",
		"See this:\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n"
		"END:VEVENT\nEND:VCALENDAR\n",
		1, 0 },
	{ "an empty value is no defect", EVENT("LOCATION:\r\n"), 1, 0 },
};

TEST(what_is_broken)
{
	for (size_t i = 0; i < COUNT(broken); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct mail *m = parse(a, "text/calendar", broken[i].text);
		const struct mail_event *e;

		is_int(mail_calendar(m, &e), broken[i].n_events,
			broken[i].name);
		is_int(count_defects(m, "calendar"), broken[i].n_defects,
			broken[i].name);
	}
}

/* Each would cost the library much, or never end. */
static void write_hostile(struct buf *b, int which)
{
	static const char *const lines[] = { "BEGIN:VEVENT\r\n", "X:\r\n",
		"ATTENDEE:mailto:a@example.org\r\n",
		"RDATE:20260101T000000Z\r\n" };

	buf_c(b, "BEGIN:VCALENDAR\r\n");
	if (which == 3)
		buf_c(b, "BEGIN:VTIMEZONE\r\nTZID:x\r\nBEGIN:STANDARD\r\n"
			 "DTSTART:19700101T000000\r\nTZOFFSETTO:+0100\r\n"
			 "RRULE:FREQ=SECONDLY\r\n");
	else if (which)
		buf_c(b, "BEGIN:VEVENT\r\n");
	for (int i = 0; i < 100000; i++)
		buf_c(b, lines[which]);
	if (which == 3)
		buf_c(b, "END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
			 "DTSTART;TZID=x:20261125T100000\r\n");
}

TEST(what_is_hostile)
{
	for (int i = 0; i < 4; i++) {
		AUTO(buf) struct buf b = BUF_INIT((size_t)1 << 24);
		AUTO(arena) struct arena *a = arena_new();
		const struct mail_event *e;
		struct mail *m;

		write_hostile(&b, i);
		m = parse(a, "text/calendar", b.p);
		is_true(mail_calendar(m, &e) <= 200, "bounded");
		is_true(count_defects(m, "calendar") > 0, "told");
	}
}

#define CARD(lines) "BEGIN:VCARD\r\n" lines "END:VCARD\r\n"

static const struct {
	const char *name, *text, *card; /* NAME|ORG|EMAILS|PHONES|ADDRESS */
} cards[] = {
	{ "version 4",
		CARD("VERSION:4.0\r\nFN:Ann Example\r\nORG:Mill;Sales\r\n"
		     "item1.EMAIL;TYPE=work:ann@example.org\r\n"
		     "EMAIL:mailto:a@example.org\r\nTEL;VALUE=uri:tel:+49-1\r\n"
		     "ADR;LABEL=\"a:b\":;;Way 1;Town;;123;DE\r\n"),
		"Ann Example|Mill, Sales|ann@example.org,a@example.org|+49-1|"
		"Way 1, Town, 123, DE" },
	{ "folded and escaped", CARD("FN:Ann\\, the\r\n  first\r\n"),
		"Ann, the first||||" },
	{ "a name of its parts", CARD("N:Example;Ann;M.;Dr.;\r\n"),
		"Dr. Ann M. Example||||" },
	{ "version 2.1, with a charset and a soft line end",
		CARD("VERSION:2.1\r\nFN;CHARSET=ISO-8859-1;ENCODING=QUOTED-"
		     "PRINTABLE:J=F6=\r\nrg\r\nTEL;WORK;VOICE:1\r\n"),
		"J\xc3\xb6rg|||1|" },
	{ "bare parameters of 2.1", CARD("FN;QUOTED-PRINTABLE:A=C3=A9\r\n"),
		"A\xc3\xa9||||" },
	{ "no END", "BEGIN:VCARD\r\nFN:x\r\n", "x||||" },
};

TEST(cards_of_three_versions)
{
	for (size_t i = 0; i < COUNT(cards); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct mail *m = parse(a, "text/vcard", cards[i].text);
		AUTO(buf) struct buf out = BUF_INIT(1000);
		const struct mail_contact *c;

		is_int(mail_contacts(m, &c), 1, cards[i].name);
		if (mail_contacts(m, &c) != 1)
			continue;
		buf_printf(&out, "%.*s|%.*s|", STR_ARG(c->name),
			STR_ARG(c->organization));
		for (size_t k = 0; k < c->n_emails; k++)
			buf_printf(&out, "%s%.*s", k ? "," : "",
				STR_ARG(c->emails[k]));
		buf_printf(&out, "|%.*s|%.*s", STR_ARG(c->phone),
			STR_ARG(c->address));
		is_str(buf_view(&out), cards[i].card, cards[i].name);
	}
}
