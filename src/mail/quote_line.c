/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote_line.c - the lines of a text: quoted or not, marks, blocks of fields.
 *
 * Each line that is not too long is folded once (lower case, plain blanks,
 * dashes and quotes, no emphasis), and all that is looked for is looked for in
 * that. A line that is longer than an attribution can be is somebody's
 * paragraph.
 */
#include "quote.h"

#define BLOCK_LINES 14 /* of header fields, with their folded values */
#define BANNER_LINES 8

/*
 * Folding
 */

/* Lower case of two-byte letters: Latin, Greek, Cyrillic. */
static uint32_t lower(uint32_t c)
{
	if (c >= 0xc0 && c <= 0xde && c != 0xd7)
		return c + 32;
	if (c >= 0x100 && c <= 0x17f)
		return (c >= 0x139 && c <= 0x148) || c >= 0x179 ? c + (c & 1)
		       : c == 0x130				? c
								: c | 1;
	if (c >= 0x391 && c <= 0x3a9)
		return c + 32;
	if (c >= 0x410 && c <= 0x42f)
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	return c;
}

/* What the odd characters mean, or 0: to be left out, or the same. */
static uint32_t plain(uint32_t c)
{
	if (c == 0xa0 || c == 0x3000 || c == 0x202f ||
		(c >= 0x2000 && c <= 0x200a))
		return ' ';
	if ((c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c == 0xad)
		return 0;
	if (c >= 0x2010 && c <= 0x2015)
		return '-';
	if (c == 0x2018 || c == 0x2019 || c == 0xb4)
		return '\'';
	if (c == 0x201c || c == 0x201d || c == 0x201e)
		return '"';
	if (c >= 0xff01 && c <= 0xff5e) /* full width */
		return c - 0xfee0;
	return lower(c);
}

static void put(char **to, uint32_t c)
{
	if (c < 0x80) {
		*(*to)++ = (char)c;
	} else if (c < 0x800) {
		*(*to)++ = (char)(0xc0 | c >> 6);
		*(*to)++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*(*to)++ = (char)(0xe0 | c >> 12);
		*(*to)++ = (char)(0x80 | (c >> 6 & 63));
		*(*to)++ = (char)(0x80 | (c & 63));
	} else {
		*(*to)++ = (char)(0xf0 | c >> 18);
		*(*to)++ = (char)(0x80 | (c >> 12 & 63));
		*(*to)++ = (char)(0x80 | (c >> 6 & 63));
		*(*to)++ = (char)(0x80 | (c & 63));
	}
}

struct str quote_fold_in(char *p, size_t size, struct str s)
{
	char *to = p;

	/* no character becomes longer */
	s = str_sub(s, 0, size);
	while (s.len) {
		uint32_t c = (unsigned char)*s.p;
		size_t len = 1;
		if (c >= 0x80) {
			len = utf8_next(s, &c);
			c = len ? plain(c) : 0;
			len = MAX(len, (size_t)1);
		} else if (c >= 'A' && c <= 'Z') {
			c |= 32;
		} else if (c == '\t' || c == '\r') {
			c = ' ';
		}
		s = str_sub(s, len, s.len);
		/* emphasis says nothing; nor does a second blank */
		if (c == 0 || c == '*' ||
			(c == ' ' && (to == p || to[-1] == ' ')))
			continue;
		if (c >= 'A' && c <= 'Z')
			c |= 32;
		put(&to, c);
	}
	return str_trim(str_n(p, (size_t)(to - p)));
}

struct str quote_fold(struct arena *a, struct str s)
{
	return quote_fold_in(arena_alloc(a, s.len + 1), s.len, s);
}

/*
 * Quoted or not
 */

/* "AB> text", as some programs mark whom they quote. */
static bool has_initials(struct str s)
{
	size_t n = 0;

	while (n < s.len && n < 4 &&
		((s.p[n] >= 'A' && s.p[n] <= 'Z') ||
			(s.p[n] >= 'a' && s.p[n] <= 'z')))
		n++;
	return n && n < s.len && s.p[n] == '>';
}

static bool is_quoted(struct str s)
{
	if (!s.len || *s.p != '>')
		return false;
	/* "Ann <\nmailto:ann@x\n> wrote:", as some make of a link */
	if (str_starts(s, STR("> wrote:")) || str_starts(s, STR(">:")) ||
		str_eq(s, STR("> schrieb:")))
		return false;
	return !str_starts(s, STR(">From ")) && !str_ends(s, STR("<<<"));
}

static void mark_initials(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct line *line = &l->items[i];
		bool is_next = i + 1 < l->n &&
			       has_initials(str_trim(line[1].raw));
		bool is_after = i && line[-1].kind == LINE_QUOTED &&
				has_initials(str_trim(line[-1].raw));
		if (line->kind == LINE_OWN && (is_next || is_after) &&
			has_initials(str_trim(line->raw)))
			line->kind = LINE_QUOTED;
	}
}

/* A link that was too long for the quoted line, on a line of its own. */
static void mark_torn(struct lines *l)
{
	for (size_t i = 1; i + 1 < l->n; i++) {
		struct line *line = &l->items[i];
		if (line->kind != LINE_OWN || line[-1].kind != LINE_QUOTED ||
			line[1].kind != LINE_QUOTED)
			continue;
		if (str_find(line->raw, STR("://")) >= 0 ||
			(str_find(line[-1].raw, STR("://")) >= 0 &&
				str_ends(line->raw, STR(")"))))
			line->kind = LINE_QUOTED;
	}
}

void quote_lines(struct lines *l, struct arena *a, struct str text)
{
	struct str rest = text, line;
	size_t n = 1;

	l->arena = a;
	for (const char *p = text.p;
		(p = memchr(p, '\n', (size_t)(text.p + text.len - p))); p++)
		n++;
	if (n > QUOTE_LINES_MAX)
		return;
	quote_words_init(l->words);
	l->items = arena_array(a, n, sizeof(*l->items));
	while (l->n < n && str_cut_line(&rest, &line)) {
		struct line *new = &l->items[l->n++];
		struct str s = str_trim(line);
		new->raw = line;
		new->kind = is_quoted(s) ? LINE_QUOTED : LINE_OWN;
		if (new->kind == LINE_OWN && s.len <= QUOTE_FOLD_MAX)
			new->folded = quote_fold(a, s);
		if (!s.len || (s.len <= QUOTE_FOLD_MAX &&
				      !new->folded.len &&new->kind ==
					      LINE_OWN &&str_chr(s, '*') < 0))
			new->kind = LINE_EMPTY;
	}
	mark_initials(l);
	mark_torn(l);
}

size_t quote_next(const struct lines *l, size_t at)
{
	while (at < l->n && l->items[at].kind == LINE_EMPTY)
		at++;
	return at;
}

/*
 * Marks and rules
 */

bool quote_is_rule(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!strchr("-_=~ ", s.p[i]))
			return false;
	return s.len > 4;
}

/* Begins with a line, and perhaps has words in it. */
static bool is_ruled(struct str s)
{
	return s.len > 2 &&
	       (str_starts(s, STR("--")) || str_starts(s, STR("__")) ||
		       str_starts(s, STR("==")) || str_starts(s, STR("~~")) ||
		       str_starts(s, STR("##")) || str_starts(s, STR("- -")));
}

static bool ends_in_colon(struct str s)
{
	return str_ends(s, STR(":"));
}

/* A mark stands between lines, or near the beginning behind a dash. */
static bool is_marked(const struct words *w, struct str s, bool *is_alone)
{
	size_t len;
	ssize_t found;

	*is_alone = false;
	if (str_starts(s, STR("<div>-"))) /* old Android: tags in plain text */
		s = str_sub(s, 5, 60);
	if (!s.len || s.len > 200)
		return false;
	found = quote_words_find(w, s, &len);
	if (found < 0)
		return false;
	*is_alone = s.len < 80 &&
		    ((found == 0 && s.len == len) || ends_in_colon(s));
	return is_ruled(s) || (strchr("-=_[<(|#", *s.p) && found < 20);
}

bool quote_is_forward(const struct words *sets, struct str folded)
{
	bool is_alone;

	/* "Forwarded by Ann": only between lines, else it is a sentence */
	return is_marked(&sets[WORDS_FORWARD], folded, &is_alone) || is_alone;
}

/* "Original message" alone on the line counts in front of fields. */
static bool is_original(const struct lines *l, size_t at)
{
	bool is_alone;
	size_t next;
	struct str value;

	if (is_marked(
		    &l->words[WORDS_ORIGINAL], l->items[at].folded, &is_alone))
		return true;
	if (!is_alone)
		return false;
	next = quote_next(l, at + 1);
	return next < l->n &&
	       quote_field(l->items[next].raw, &value) != QUOTE_NO_FIELD;
}

static bool is_delimiter(const struct lines *l, size_t at)
{
	struct str s = l->items[at].folded;

	return s.len && s.len < 160 &&
	       quote_words_in(&l->words[WORDS_DELIMITER], s);
}

/*
 * Blocks of fields: "From: / Sent: / To: / Subject:"
 */

static bool has_time(struct str s)
{
	for (size_t i = 1; i + 2 < s.len; i++)
		if ((s.p[i] == ':' || s.p[i] == '.' || s.p[i] == 'h') &&
			s.p[i - 1] >= '0' && s.p[i - 1] <= '9' &&
			s.p[i + 1] >= '0' && s.p[i + 1] <= '9' &&
			s.p[i + 2] >= '0' && s.p[i + 2] <= '9')
			return true;
	return false;
}

struct block {
	unsigned n, n_roles[QUOTE_OTHER + 1];
	bool has_address, has_time;
	enum quote_role first;
};

/*
 * Reads a block of fields. Empty lines may stand between them, as some
 * programs space their text out; a line that is no field goes on with the one
 * right above.
 */
static struct block read_block(const struct lines *l, size_t at)
{
	struct block b = { 0 };
	unsigned n_lines = 0, n_empty = 0;

	for (size_t i = at; i < l->n && n_lines < BLOCK_LINES; i++) {
		struct str value;
		enum quote_role role;
		if (l->items[i].kind == LINE_EMPTY) {
			if (++n_empty > 3 || (b.n > 2 && n_empty > 1))
				break;
			continue;
		}
		role = quote_field(l->items[i].raw, &value);
		if (role == QUOTE_NO_FIELD && n_empty)
			break;
		n_empty = 0;
		n_lines++;
		if (role == QUOTE_NO_FIELD)
			continue;
		if (b.n++ == 0)
			b.first = role;
		b.n_roles[role]++;
		if (role == QUOTE_FROM && str_chr(value, '@') >= 0) {
			b.has_address = true;
			/* "From: a@b Date: ...", put on one line */
			b.has_time |= has_time(value);
		}
		if (role == QUOTE_DATE && has_time(value))
			b.has_time = true;
	}
	return b;
}

static bool is_rule_above(const struct lines *l, size_t at)
{
	while (at && l->items[at - 1].kind == LINE_EMPTY)
		at--;
	return at && quote_is_rule(l->items[at - 1].folded);
}

/*
 * A sender with a date, and enough besides that it is no form which a customer
 * fills in ("From: Berlin / To: Paris / Date: 5 May").
 */
static bool is_block(const struct lines *l, size_t at)
{
	struct str value;
	struct block b;
	bool is_ruled_above;

	if (quote_field(l->items[at].raw, &value) == QUOTE_NO_FIELD)
		return false;
	b = read_block(l, at);
	is_ruled_above = is_rule_above(l, at);
	if (!b.n_roles[QUOTE_FROM])
		return false;
	if (b.has_address && b.has_time)
		return b.first == QUOTE_FROM || b.n >= 3;
	if (b.first != QUOTE_FROM && b.n < 4 && !is_ruled_above)
		return false;
	if (is_ruled_above)
		return (b.n >= 2 && (b.n_roles[QUOTE_DATE] || b.has_address)) ||
		       (b.has_address && b.has_time);
	return b.n >= 3 && b.n_roles[QUOTE_DATE] &&
	       (b.n_roles[QUOTE_SUBJECT] || b.has_address || b.has_time) &&
	       (b.n_roles[QUOTE_SUBJECT] || b.has_address);
}

bool quote_is_history(const struct lines *l, size_t at)
{
	return l->items[at].is_history || is_original(l, at) ||
	       is_delimiter(l, at) || is_block(l, at);
}

/*
 * Banners
 */

/* Does the line begin a banner? A tag stands alone or before a banner. */
static size_t begins_banner(const struct lines *l, struct str s, bool *is_tag)
{
	size_t len = quote_words_start(&l->words[WORDS_BANNER], s);
	struct str rest = str_trim(str_sub(s, len, s.len));

	*is_tag = len && s.p[len - 1] == ']';
	if (!len || (*is_tag && rest.len > 2 &&
			    !quote_words_start(&l->words[WORDS_BANNER], rest)))
		return 0;
	return len;
}

/*
 * Only a whole paragraph at the very top that speaks of nothing else: what
 * stands on one line with words of the sender's is kept.
 */
void quote_find_banner(struct lines *l)
{
	const struct words *more = &l->words[WORDS_BANNER_MORE];
	size_t at = quote_next(l, 0);

	for (int k = 0; k < 3 && at < l->n; k++) {
		size_t end = at, i = at;
		unsigned n_hits = 0;
		bool is_tag;
		while (i < l->n && quote_is_rule(l->items[i].folded))
			i++;
		if (i == l->n || !begins_banner(l, l->items[i].folded, &is_tag))
			return;
		for (; i < l->n && i < at + BANNER_LINES; i++) {
			struct str s = l->items[i].folded;
			unsigned n = quote_words_count(more, s);
			if (l->items[i].kind != LINE_OWN ||
				(end > at && !n && !quote_is_rule(s)))
				break;
			n_hits += n;
			end = i + 1;
		}
		if (n_hits < 2 && !is_tag)
			return;
		for (; at < end; at++)
			l->items[at].kind = LINE_TAKEN;
		at = quote_next(l, end);
	}
}
