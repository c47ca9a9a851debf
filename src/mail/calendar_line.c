/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calendar_line.c - makes a calendar fit for the library that reads it.
 *
 * The library keeps each line as an object of some hundred bytes and ends
 * nested components by recursion; so what comes from outside is bounded before
 * it sees it. Contents of files (ATTACH) and pictures are left out: they are
 * long, and nobody asks for them.
 */
#include "calendar.h"

struct cleaning {
	struct buf out;
	struct str open[CALENDAR_DEPTH_MAX];
	size_t depth, n_lines;
	bool is_dropped; /* the line, and what continues it */
	const char *why;
};

static void put_line(struct cleaning *c, struct str line)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char b = (unsigned char)line.p[i];
		if (b >= ' ' || b == '\t')
			buf_byte(&c->out, b);
	}
	buf_c(&c->out, "\r\n");
}

static void put_end(struct cleaning *c)
{
	struct str name = c->open[--c->depth];

	buf_c(&c->out, "END:");
	buf_str(&c->out, name);
	buf_c(&c->out, "\r\n");
}

static bool is_named(struct str line, const char *name)
{
	size_t len = strlen(name);

	return str_starts_case(line, str_c(name)) && line.len > len &&
	       strchr(":;", line.p[len]);
}

static bool begins(struct cleaning *c, struct str name)
{
	if (c->depth == CALENDAR_DEPTH_MAX) {
		c->why = "parts are nested too deep: the rest is left out";
		return false;
	}
	c->open[c->depth++] = name;
	return true;
}

/* Ends what is open down to the name; an END of nothing open is dropped. */
static void ends(struct cleaning *c, struct str name)
{
	size_t at = c->depth;

	while (at && !str_eq_case(c->open[at - 1], name))
		at--;
	if (!at) {
		c->why = "an END has no BEGIN: left out";
		return;
	}
	while (c->depth > at) {
		c->why = "an END is missing: added";
		put_end(c);
	}
	put_end(c);
}

/* Returns: false when nothing more is read. */
static bool take_line(struct cleaning *c, struct str line)
{
	bool is_more = line.len && is_blank(line.p[0]);

	if (str_trim(line).len == 0)
		return true;
	if (++c->n_lines > CALENDAR_LINES_MAX) {
		c->why = "more lines than are read: the rest is left out";
		return false;
	}
	if (is_more) {
		if (!c->is_dropped && c->depth)
			put_line(c, line);
		return true;
	}
	c->is_dropped = is_named(line, "ATTACH") || is_named(line, "IMAGE") ||
			is_named(line, "PHOTO") || is_named(line, "SOUND");
	if (str_starts_case(line, STR("BEGIN:"))) {
		struct str name = str_trim(str_sub(line, 6, 60));
		if (!c->depth && !str_eq_case(name, STR("VCALENDAR")))
			return true;
		if (!begins(c, name))
			return false;
		put_line(c, line);
	} else if (str_starts_case(line, STR("END:"))) {
		ends(c, str_trim(str_sub(line, 4, 60)));
	} else if (c->depth && !c->is_dropped) {
		put_line(c, line);
	}
	return true;
}

struct str calendar_clean(struct arena *a, struct str text, const char **why)
{
	struct cleaning c = { .out = BUF_INIT(2 * CALENDAR_LEN_MAX) };
	struct str line, out;

	if (text.len > CALENDAR_LEN_MAX) {
		text = utf8_cut(text, CALENDAR_LEN_MAX);
		c.why = "longer than is read: the rest is left out";
	}
	text = text_lines(a, text);
	while (str_cut_line(&text, &line) && take_line(&c, line))
		;
	while (c.depth) {
		if (!c.why)
			c.why = "an END is missing: added";
		put_end(&c);
	}
	out = arena_str(a, buf_view(&c.out));
	buf_fini(&c.out);
	*why = c.why;
	return out;
}
