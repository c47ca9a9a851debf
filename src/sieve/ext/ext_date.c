/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_date.c - date and currentdate (RFC 5260).
 *
 * A date is read as RFC 5322 says, obsolete forms too, and nothing else: what
 * mail_date() would still make sense of is no date for a rule. Time zones are
 * minutes; the local one is that of the date itself, so that a mail of summer
 * is told in summer time. localtime_r() has its zone in memory since the
 * worker began, and asks for no file.
 */
#include <time.h>

#include <mailmill/clock.h>

#include "../sieve_private.h"

#define ZONE_NAME_MAX 20

/* A point in time as somebody wrote it. */
struct moment {
	int64_t seconds;
	int zone;     /* minutes east of Greenwich */
	bool is_leap; /* second 60; `seconds` is that of 59 */
};

/*
 * Reading
 */

static void skip_blanks(struct str *s)
{
	unsigned depth = 0;
	size_t at = 0;

	for (; at < s->len; at++) {
		char c = s->p[at];

		if (c == '(')
			depth++;
		else if (depth && c == ')')
			depth--;
		else if (depth && c == '\\')
			at++;
		else if (!depth && c != ' ' && c != '\t' && c != '\r' &&
			 c != '\n')
			break;
	}
	*s = str_sub(*s, at, SIZE_MAX);
}

static struct str take_word(struct str *s)
{
	struct str word;
	size_t n = 0;

	skip_blanks(s);
	while (n < s->len && ((s->p[n] >= 'a' && s->p[n] <= 'z') ||
				     (s->p[n] >= 'A' && s->p[n] <= 'Z')))
		n++;
	word = str_sub(*s, 0, n);
	*s = str_sub(*s, n, SIZE_MAX);
	return word;
}

static bool take_mark(struct str *s, char mark)
{
	skip_blanks(s);
	if (!s->len || s->p[0] != mark)
		return false;
	*s = str_sub(*s, 1, SIZE_MAX);
	return true;
}

/* Takes a number of so many digits. Returns: how many there were, or 0. */
static size_t take_number(struct str *s, size_t least, size_t most, int *out)
{
	uint64_t value;
	size_t n = 0;

	skip_blanks(s);
	while (n < s->len && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n < least || n > most ||
		str_to_u64(str_sub(*s, 0, n), INT32_MAX, &value) < 0)
		return 0;
	*out = (int)value;
	*s = str_sub(*s, n, SIZE_MAX);
	return n;
}

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
	"jul", "aug", "sep", "oct", "nov", "dec" };

static bool take_month(struct str *s, int *out)
{
	struct str word = take_word(s);

	for (size_t i = 0; i < COUNT(months); i++)
		if (word.len >= 3 && str_starts_case(word, str_c(months[i]))) {
			*out = (int)i + 1;
			return true;
		}
	return false;
}

/* RFC 5322 section 4.3. */
static bool take_year(struct str *s, int *out)
{
	size_t n = take_number(s, 2, 4, out);

	if (n == 2)
		*out += *out < 50 ? 2000 : 1900;
	else if (n == 3)
		*out += 1900;
	return n > 0 && *out >= 1900;
}

/* Reads "+0200". Returns: false when it is none. */
static bool read_zone(struct str s, int *minutes)
{
	uint64_t n;

	if (s.len != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
		str_to_u64(str_sub(s, 1, 4), 2359, &n) < 0 || n % 100 > 59)
		return false;
	*minutes = (int)(n / 100 * 60 + n % 100);
	if (s.p[0] == '-')
		*minutes = -*minutes;
	return true;
}

/* Names mean what they mean in a Date field; one that nobody knows is UTC. */
static bool take_zone(struct str *s, int *minutes)
{
	char text[ZONE_NAME_MAX + 32];
	struct str name;
	int64_t ignored;

	*minutes = 0;
	skip_blanks(s);
	if (s->len && (s->p[0] == '+' || s->p[0] == '-'))
		return read_zone(str_sub(*s, 0, 5), minutes) &&
		       !(s->len > 5 && s->p[5] >= '0' && s->p[5] <= '9');
	name = take_word(s);
	if (!name.len)
		return !s->len;
	snprintf(text, sizeof(text), "1 Jan 2000 00:00:00 %.*s",
		STR_ARG(str_sub(name, 0, ZONE_NAME_MAX)));
	return mail_date(str_c(text), &ignored, minutes) == 0;
}

static bool take_time(struct str *s, struct clock_civil *c)
{
	if (!take_number(s, 1, 2, &c->hour) || !take_mark(s, ':') ||
		!take_number(s, 2, 2, &c->minute))
		return false;
	if (take_mark(s, ':') && !take_number(s, 2, 2, &c->second))
		return false;
	return c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

static bool is_day(const struct clock_civil *c)
{
	struct clock_civil back;

	clock_to_civil(clock_from_civil(c), &back);
	return back.day == c->day && back.month == c->month;
}

/* Reads a date-time that fills s, but for what stands behind the zone. */
static bool read_date(struct str s, struct moment *out)
{
	struct clock_civil c = { 0 };

	if (take_word(&s).len && !take_mark(&s, ','))
		return false;
	if (!take_number(&s, 1, 2, &c.day) || !take_month(&s, &c.month) ||
		!take_year(&s, &c.year) || !take_time(&s, &c) ||
		!take_zone(&s, &out->zone))
		return false;
	out->is_leap = c.second == 60;
	c.second -= out->is_leap;
	if (!is_day(&c))
		return false;
	out->seconds = clock_from_civil(&c) - (int64_t)out->zone * 60;
	return true;
}

/* Lends what stands behind the last ";" that is in no comment, or all. */
static struct str find_date(struct str value)
{
	unsigned depth = 0;
	size_t from = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == '(')
			depth++;
		else if (depth && value.p[i] == ')')
			depth--;
		else if (!depth && value.p[i] == ';')
			from = i + 1;
	}
	return str_sub(value, from, SIZE_MAX);
}

/*
 * Parts
 */

static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
	"Fri", "Sat" };
static const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May",
	"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static char *print_zone(struct arena *a, int zone, const char *between)
{
	return arena_printf(a, "%c%02d%s%02d", zone < 0 ? '-' : '+',
		abs(zone) / 60, between, abs(zone) % 60);
}

typedef char *(*print_fn)(
	struct arena *a, const struct clock_civil *c, const struct moment *m);

static char *print_year(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%04d", c->year);
}

static char *print_month(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%02d", c->month);
}

static char *print_day(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%02d", c->day);
}

static char *print_date(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%04d-%02d-%02d", c->year, c->month, c->day);
}

/* Days since 1858-11-17, in the zone that was asked for. */
static char *print_julian(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	struct clock_civil day = { c->year, c->month, c->day, 0, 0, 0, 0 };

	(void)m;
	return arena_printf(
		a, "%lld", (long long)(clock_from_civil(&day) / 86400 + 40587));
}

static char *print_hour(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%02d", c->hour);
}

static char *print_minute(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%02d", c->minute);
}

static char *print_second(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%02d", c->second);
}

static char *print_time(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%02d:%02d:%02d", c->hour, c->minute, c->second);
}

static char *print_iso8601(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	return arena_printf(a, "%sT%s%s", print_date(a, c, m),
		print_time(a, c, m),
		m->zone ? print_zone(a, m->zone, ":") : "Z");
}

static char *print_std11(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	return arena_printf(a, "%s, %02d %s %04d %s %s", weekdays[c->weekday],
		c->day, month_names[c->month - 1], c->year, print_time(a, c, m),
		print_zone(a, m->zone, ""));
}

static char *print_only_zone(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)c;
	return print_zone(a, m->zone, "");
}

static char *print_weekday(
	struct arena *a, const struct clock_civil *c, const struct moment *m)
{
	(void)m;
	return arena_printf(a, "%d", c->weekday);
}

static const char *const part_names[] = { "year", "month", "day", "date",
	"julian", "hour", "minute", "second", "time", "iso8601", "std11",
	"zone", "weekday" };
static const print_fn part_prints[] = { print_year, print_month, print_day,
	print_date, print_julian, print_hour, print_minute, print_second,
	print_time, print_iso8601, print_std11, print_only_zone,
	print_weekday };

static print_fn find_part(struct str name)
{
	for (size_t i = 0; i < COUNT(part_names); i++)
		if (str_eq_case(name, str_c(part_names[i])))
			return part_prints[i];
	return NULL;
}

static struct str print_part(
	struct arena *a, print_fn print, const struct moment *m)
{
	struct clock_civil c;

	clock_to_civil(m->seconds + (int64_t)m->zone * 60, &c);
	c.second += m->is_leap;
	return str_c(print(a, &c, m));
}

/*
 * Checking
 */

static int check_zone(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	int minutes;

	(void)n;
	if (!t->param->is_const ||
		read_zone(sieve_arg_const(t->param), &minutes))
		return 0;
	sieve_warn(c, t->param->pos, "'%.*s' is no time zone",
		STR_ARG(str_sub(sieve_arg_const(t->param), 0, 100)));
	sieve_hint(c, "write it like \"+0200\"; the local zone will be taken");
	return 0;
}

static void check_part(struct sieve_check *c, const struct sieve_arg *part)
{
	if (!part->is_const || find_part(sieve_arg_const(part)))
		return;
	sieve_warn(c, part->pos, "'%.*s' is no part of a date: never true",
		STR_ARG(str_sub(sieve_arg_const(part), 0, 100)));
	sieve_hint(c, "there are: year, month, day, date, julian, hour, "
		      "minute, second, time, iso8601, std11, zone, weekday");
}

static int check_date(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *name = n->positional[0];

	if (name->kind != SIEVE_ARG_STRING)
		return sieve_error(c, name->pos,
			"the date test expects a string as argument 1 (header "
			"name), but a string list was found");
	check_part(c, n->positional[1]);
	return 0;
}

static int check_currentdate(struct sieve_check *c, struct sieve_node *n)
{
	check_part(c, n->positional[0]);
	return 0;
}

/*
 * Running
 */

static int local_zone(int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&at, &tm))
		return 0;
	return (int)(tm.tm_gmtoff / 60);
}

/* Sets the zone in which a moment is told. Returns: 0 or < 0. */
static int set_zone(
	struct sieve_run *r, const struct sieve_node *n, struct moment *m)
{
	const struct sieve_arg *zone = sieve_node_param(n, "zone");
	struct str value;
	int rc, minutes;

	if (sieve_node_tag(n, "originalzone"))
		return 0;
	m->zone = local_zone(m->seconds);
	if (!zone)
		return 0;
	rc = sieve_arg_get(r, zone, &value);
	if (rc < 0)
		return rc;
	if (read_zone(value, &minutes))
		m->zone = minutes;
	else
		sieve_add_note(r,
			str_c(arena_printf(r->arena,
				"line %u: '%.*s' is no time zone like "
				"\"+0200\": the local one was taken",
				n->pos.line, STR_ARG(str_sub(value, 0, 100)))));
	return 0;
}

/* Compares a part of a moment; NULL: there is none. */
static int match_moment(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_arg *part_arg, struct moment *m)
{
	struct str name, value;
	print_fn part;
	int rc = sieve_arg_get(r, part_arg, &name);

	if (rc == 0 && m)
		rc = set_zone(r, n, m);
	if (rc < 0)
		return rc;
	part = find_part(name);
	if (!m || !part)
		return sieve_match_values(r, n, NULL, 0);
	value = print_part(r->arena, part, m);
	return sieve_match_values(r, n, &value, 1);
}

static int test_date(struct sieve_run *r, const struct sieve_node *n)
{
	const struct mail_header **list;
	struct moment m = { 0 };
	bool is_there;
	size_t count;
	int rc = sieve_run_headers(r, n->positional[0], &list, &count);

	if (rc < 0)
		return rc;
	sieve_index_headers(n, &list, &count);
	is_there = count && read_date(find_date(list[0]->value), &m);
	return match_moment(r, n, n->positional[1], is_there ? &m : NULL);
}

static int test_currentdate(struct sieve_run *r, const struct sieve_node *n)
{
	int64_t now = r->facts ? r->facts->now : 0;
	struct moment m = { .seconds = now / 1000 - (now % 1000 < 0) };

	return match_moment(r, n, n->positional[0], &m);
}

static const struct sieve_tag date_tags[] = {
	{ .name = "zone",
		.type = SIEVE_STRING,
		.what = "time zone",
		.group = 1,
		.check = check_zone },
	{ .name = "originalzone", .group = 1 },
	{ 0 },
};

static const struct sieve_tag currentdate_tags[] = {
	{ .name = "zone",
		.type = SIEVE_STRING,
		.what = "time zone",
		.check = check_zone },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "date",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_HEADERS, "header name", 0 },
			{ SIEVE_STRING, "part of the date", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.tags = date_tags,
		.check = check_date,
		.test = test_date },
	{ .name = "currentdate",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "part of the date", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.tags = currentdate_tags,
		.check = check_currentdate,
		.test = test_currentdate },
	{ 0 },
};

const struct sieve_ext sieve_ext_date = {
	.capability = "date",
	.words = words,
};
