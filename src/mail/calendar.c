/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calendar.c - events, tasks and answers that a mail brings (RFC 5545, 5546).
 *
 * libical reads the lines; what it gets is bounded (calendar_line.c), what it
 * would look up in files is done here (calendar_zone.c), and its errors are
 * never fatal. All is copied into the mail's arena. What it does not understand
 * is left out and told as a defect.
 */
#include "calendar.h"

void calendar_init(void)
{
	icalerror_set_errors_are_fatal(0);
	ical_set_unknown_token_handling_setting(ICAL_ASSUME_IANA_TOKEN);
	/* names of properties and zones are prepared at the first use */
	icalcomponent_free(icalparser_parse_string(
		"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260101T000000Z"
		"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"));
	icalmemory_free_ring();
}

struct reading {
	struct mail *m;
	struct arena *a;
	struct mail_part *part;
	icalcomponent *calendar;
	struct str method;
	struct mail_event *items;
	size_t n;
};

/* ---- texts ---- */

static struct str copy(struct reading *r, const char *s)
{
	return str_trim(arena_str(r->a, utf8_mend(r->a, str_c(s ? s : ""))));
}

static struct str copy_lower(struct reading *r, const char *s)
{
	return kind_lower(r->a, copy(r, s));
}

static icalproperty *find(icalcomponent *c, icalproperty_kind kind)
{
	return icalcomponent_get_first_property(c, kind);
}

static struct str text_of(
	struct reading *r, icalcomponent *c, icalproperty_kind kind)
{
	icalproperty *p = find(c, kind);
	icalvalue *v = p ? icalproperty_get_value(p) : NULL;

	if (!v)
		return STR("");
	if (icalvalue_isa(v) == ICAL_TEXT_VALUE)
		return copy(r, icalvalue_get_text(v));
	return copy(r, icalvalue_as_ical_string(v));
}

static struct str param_of(struct reading *r, icalproperty *p, const char *name)
{
	return copy(r, icalproperty_get_parameter_as_string(p, name));
}

static struct str cut_mailto(struct str s)
{
	return str_starts_case(s, STR("mailto:"))
		       ? str_trim(str_sub(s, 7, SIZE_MAX))
		       : s;
}

/* ---- times ---- */

static bool is_time(struct icaltimetype t)
{
	return t.year >= 1 && t.year <= 9999 && t.month >= 1 && t.month <= 12 &&
	       t.day >= 1 && t.day <= 31 && t.hour >= 0 && t.hour <= 24 &&
	       t.minute >= 0 && t.minute <= 59 && t.second >= 0 &&
	       t.second <= 60;
}

static int64_t seconds_of(struct icaltimetype t)
{
	return clock_from_civil(&(struct clock_civil){ .year = t.year,
		.month = t.month,
		.day = t.day,
		.hour = t.hour,
		.minute = t.minute,
		.second = t.second });
}

static struct str print_time(struct reading *r, int64_t wall, const char *zone)
{
	struct clock_civil c;

	clock_to_civil(wall, &c);
	return str_c(arena_printf(r->a, "%04d-%02d-%02dT%02d:%02d:%02d%s",
		c.year, c.month, c.day, c.hour, c.minute, c.second, zone));
}

static struct str print_offset(struct arena *a, int seconds)
{
	int minutes = (seconds < 0 ? -seconds : seconds) / 60;

	return str_c(arena_printf(a, "%c%02d:%02d", seconds < 0 ? '-' : '+',
		minutes / 60, minutes % 60));
}

/* A wall time in a zone; `extra` seconds later by the clock of UTC. */
static void set_time(struct reading *r, struct icaltimetype t, struct str zone,
	int64_t extra, struct mail_time *out)
{
	int64_t wall = seconds_of(t);
	struct clock_civil c;
	int offset = 0;
	bool is_known = icaltime_is_utc(t);

	out->zone = is_known ? STR("UTC") : zone;
	clock_to_civil(wall, &c);
	if (!is_known && zone.len)
		is_known = calendar_offset(r->calendar, zone, &c, &offset);
	if (!is_known) {
		out->local = print_time(r, wall + extra, "");
		return;
	}
	wall += extra;
	out->utc = print_time(r, wall - offset, "Z");
	if (extra && offset) {
		int64_t utc = wall - offset;
		/* summer time may have begun in between */
		clock_to_civil(wall, &c);
		calendar_offset(r->calendar, zone, &c, &offset);
		wall = utc + offset;
	}
	out->local = icaltime_is_utc(t) ? out->utc
					: print_time(r, wall,
						  print_offset(r->a, offset).p);
}

static void set_day(struct reading *r, struct icaltimetype t, int64_t extra,
	struct mail_time *out)
{
	struct str s = print_time(r, seconds_of(t) + extra, "");

	out->local = str_sub(s, 0, s.len - 9);
}

static bool read_time(struct reading *r, icalcomponent *c,
	icalproperty_kind kind, int64_t extra, struct mail_time *out)
{
	icalproperty *p = find(c, kind);
	icalvalue *v = p ? icalproperty_get_value(p) : NULL;
	struct icaltimetype t;

	if (!v || (icalvalue_isa(v) != ICAL_DATETIME_VALUE &&
			  icalvalue_isa(v) != ICAL_DATE_VALUE))
		return false;
	t = icalvalue_get_datetime(v);
	if (!is_time(t))
		return false;
	if (t.is_date)
		set_day(r, t, extra, out);
	else
		set_time(r, t, param_of(r, p, "TZID"), extra, out);
	return t.is_date;
}

/* DTEND or DUE, or DTSTART and DURATION (RFC 5545 3.6.1). */
static void read_end(struct reading *r, icalcomponent *c, struct mail_event *e)
{
	icalproperty *p = find(c, ICAL_DURATION_PROPERTY);
	struct icaldurationtype d;
	int64_t seconds;

	read_time(r, c, ICAL_DTEND_PROPERTY, 0, &e->end);
	if (!e->end.local.len)
		read_time(r, c, ICAL_DUE_PROPERTY, 0, &e->end);
	if (e->end.local.len || !p || !e->start.local.len)
		return;
	d = icalproperty_get_duration(p);
	seconds = (int64_t)d.weeks * 604800 + (int64_t)d.days * 86400 +
		  (int64_t)d.hours * 3600 + (int64_t)d.minutes * 60 + d.seconds;
	if (!d.is_neg && seconds < (int64_t)100 * 366 * 86400)
		read_time(r, c, ICAL_DTSTART_PROPERTY, seconds, &e->end);
}

/* ---- people ---- */

static struct str address_of(struct reading *r, icalproperty *p)
{
	icalvalue *v = icalproperty_get_value(p);
	struct str email = param_of(r, p, "EMAIL");
	struct str s = v ? copy(r, icalvalue_as_ical_string(v)) : STR("");

	/* Exchange's names of its own stand where an address belongs */
	return !str_starts_case(s, STR("mailto:")) && email.len
		       ? cut_mailto(email)
		       : cut_mailto(s);
}

static void read_people(
	struct reading *r, icalcomponent *c, struct mail_event *e)
{
	icalproperty *p = find(c, ICAL_ORGANIZER_PROPERTY);
	size_t n = (size_t)MAX(
		0, icalcomponent_count_properties(c, ICAL_ATTENDEE_PROPERTY));

	if (p) {
		e->organizer = address_of(r, p);
		e->organizer_name = param_of(r, p, "CN");
	}
	n = MIN(n, CALENDAR_PEOPLE_MAX);
	e->attendees = arena_array(r->a, n ? n : 1, sizeof(*e->attendees));
	for (p = find(c, ICAL_ATTENDEE_PROPERTY); p && e->n_attendees < n;
		p = icalcomponent_get_next_property(
			c, ICAL_ATTENDEE_PROPERTY)) {
		struct mail_attendee *who = &e->attendees[e->n_attendees++];
		who->address = address_of(r, p);
		who->name = param_of(r, p, "CN");
		who->partstat = kind_lower(r->a, param_of(r, p, "PARTSTAT"));
		who->role = kind_lower(r->a, param_of(r, p, "ROLE"));
		who->is_rsvp = str_eq_case(param_of(r, p, "RSVP"), STR("TRUE"));
	}
}

/* ---- events ---- */

static const struct {
	icalcomponent_kind kind;
	const char *name;
} kinds[] = {
	{ ICAL_VEVENT_COMPONENT, "event" },
	{ ICAL_VTODO_COMPONENT, "todo" },
	{ ICAL_VJOURNAL_COMPONENT, "journal" },
	{ ICAL_VFREEBUSY_COMPONENT, "freebusy" },
};

static void read_event(struct reading *r, icalcomponent *c, const char *kind)
{
	struct mail_event *e;
	struct mail_time again = { STR(""), STR(""), STR("") };
	icalproperty *p = find(c, ICAL_SEQUENCE_PROPERTY);

	if (r->n == CALENDAR_EVENTS_MAX)
		return;
	r->items = arena_grow(
		r->a, r->items, r->n, r->n + 1, sizeof(*r->items));
	e = &r->items[r->n++];
	*e = (struct mail_event){ .part = r->part,
		.kind = str_c(kind),
		.method = r->method,
		.organizer = STR(""),
		.organizer_name = STR(""),
		.start = again,
		.end = again,
		.stamp = again };
	e->uid = text_of(r, c, ICAL_UID_PROPERTY);
	e->status = kind_lower(r->a, text_of(r, c, ICAL_STATUS_PROPERTY));
	e->summary = text_of(r, c, ICAL_SUMMARY_PROPERTY);
	e->location = text_of(r, c, ICAL_LOCATION_PROPERTY);
	e->description = text_of(r, c, ICAL_DESCRIPTION_PROPERTY);
	e->comment = text_of(r, c, ICAL_COMMENT_PROPERTY);
	e->url = text_of(r, c, ICAL_URL_PROPERTY);
	e->recurrence = text_of(r, c, ICAL_RRULE_PROPERTY);
	e->sequence = p ? icalproperty_get_sequence(p) : 0;
	e->is_all_day = read_time(r, c, ICAL_DTSTART_PROPERTY, 0, &e->start);
	read_end(r, c, e);
	read_time(r, c, ICAL_DTSTAMP_PROPERTY, 0, &e->stamp);
	read_time(r, c, ICAL_RECURRENCEID_PROPERTY, 0, &again);
	e->recurrence_id = again.local;
	read_people(r, c, e);
}

/*
 * Lines that the library did not understand are left as X-LIC-ERROR. It calls
 * an empty value an error; that is none.
 */
static void tell_errors(struct reading *r, icalcomponent *c)
{
	icalproperty *p = find(c, ICAL_XLICERROR_PROPERTY);

	for (; p; p = icalcomponent_get_next_property(
			  c, ICAL_XLICERROR_PROPERTY)) {
		struct str why = copy(r, icalproperty_get_xlicerror(p));
		if (str_starts(why, STR("No value for")))
			continue;
		mail_tell_defect(r->m, "calendar", r->part->offset,
			"calendar: a line was not understood and left out: "
			"%.*s",
			STR_ARG(utf8_cut(why, 200)));
		return;
	}
}

static const char *kind_of(icalcomponent *c)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (icalcomponent_isa(c) == kinds[i].kind)
			return kinds[i].name;
	return NULL;
}

static void read_calendar(struct reading *r, icalcomponent *calendar)
{
	icalproperty *method = find(calendar, ICAL_METHOD_PROPERTY);
	icalcompiter at;
	icalcomponent *c;

	r->calendar = calendar;
	r->method = STR("");
	if (method)
		r->method = copy_lower(
			r, icalproperty_get_value_as_string(method));
	tell_errors(r, calendar);
	/* the component's own iterator is used when zones are looked up */
	at = icalcomponent_begin_component(calendar, ICAL_ANY_COMPONENT);
	for (; (c = icalcompiter_deref(&at)); icalcompiter_next(&at)) {
		const char *kind = kind_of(c);
		if (!kind)
			continue;
		tell_errors(r, c);
		read_event(r, c, kind);
	}
}

static void read_text(struct reading *r, struct str text)
{
	const char *why = NULL;
	struct str clean = calendar_clean(r->a, text, &why);
	icalcomponent *root, *c;

	if (why)
		mail_tell_defect(
			r->m, "calendar", r->part->offset, "calendar: %s", why);
	root = clean.len ? icalparser_parse_string(clean.p) : NULL;
	if (!root) {
		mail_tell_defect(r->m, "calendar", r->part->offset,
			"calendar: no VCALENDAR was found: left out");
		return;
	}
	if (icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT)
		read_calendar(r, root);
	else
		for (c = icalcomponent_get_first_component(
			     root, ICAL_VCALENDAR_COMPONENT);
			c; c = icalcomponent_get_next_component(
				   root, ICAL_VCALENDAR_COMPONENT))
			read_calendar(r, c);
	icalcomponent_free(root);
	icalmemory_free_ring();
}

/* ---- parts ---- */

static bool is_calendar(const struct mail_part *p)
{
	if (str_eq(p->subtype, STR("calendar")) ||
		str_eq(p->subtype, STR("x-vcalendar")) ||
		str_eq(p->subtype, STR("ics")))
		return str_eq(p->type, STR("text")) ||
		       str_eq(p->type, STR("application"));
	return p->filename.len > 4 &&
	       str_eq_case(str_sub(p->filename, p->filename.len - 4, 4),
		       STR(".ics"));
}

static bool is_same(const struct mail_event *a, const struct mail_event *b)
{
	return str_eq(a->uid, b->uid) && str_eq(a->method, b->method) &&
	       str_eq(a->recurrence_id, b->recurrence_id) &&
	       a->sequence == b->sequence && str_eq(a->summary, b->summary) &&
	       str_eq(a->start.local, b->start.local);
}

/* Programs send an invitation as text/calendar and as a file again. */
static void drop_copies(struct reading *r, size_t n_before)
{
	size_t n = n_before;

	for (size_t i = n_before; i < r->n; i++) {
		bool is_copy = false;
		for (size_t k = 0; k < n_before && !is_copy; k++)
			is_copy = is_same(&r->items[k], &r->items[i]);
		if (!is_copy)
			r->items[n++] = r->items[i];
	}
	r->n = n;
}

size_t mail_calendar(struct mail *m, const struct mail_event **out)
{
	struct reading r = { .m = m, .a = m->arena };
	size_t n_files = 0;

	if (!m->has_events) {
		m->has_events = true;
		for (struct mail_part *p = mail_root(m);
			p && n_files < CALENDAR_FILES_MAX;
			p = mail_next_outside(p)) {
			size_t n_before = r.n;
			if (!is_calendar(p) || p->first)
				continue;
			n_files++;
			r.part = p;
			read_text(&r, textfile_of_part(m, p));
			drop_copies(&r, n_before);
		}
		m->events = r.items;
		m->n_events = r.n;
	}
	*out = m->events;
	return m->n_events;
}
