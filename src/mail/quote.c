/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote.c - the new part of a reply, what it quotes, and the signature.
 *
 * Every line of the text goes to one of the three. First each line is told for
 * itself: quoted (">", or by its element in HTML), an attribution ("On ...
 * wrote:"), the begin of unmarked history (Outlook's block of fields, "Original
 * Message", a helpdesk's "reply above this line", "Forwarded message"). Then:
 *
 * - From unmarked history on all is quoted. An attribution above unmarked lines
 *   begins such history only if it is sure, if the sender wrote something above
 *   and nothing between marked quotes below, and if he does not say that his
 *   answers stand inside ("inline", "in red").
 * - Quotes at the end are quoted; the signature is looked for below and above.
 * - One quote at the very top, with all answers below, is quoted.
 * - Quotes between answers stay with them, since nobody could read these alone.
 * - When nothing of the sender's own is left, the signature is what he wrote;
 *   when there is none either, all is: he passes something on.
 */
#include "quote.h"

static bool is_own(const struct line *line)
{
	return line->kind == LINE_OWN || line->kind == LINE_BARE;
}

static bool has_own(const struct lines *l, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		if (is_own(&l->items[i]) && l->items[i].part == PART_REPLY)
			return true;
	return false;
}

static void set_kind(struct lines *l, size_t at, size_t n, enum line_kind kind)
{
	for (size_t i = at; i < at + n; i++)
		if (l->items[i].kind == LINE_OWN)
			l->items[i].kind = kind;
}

static void set_part(
	struct lines *l, size_t from, size_t end, enum line_part part)
{
	for (size_t i = from; i < end; i++)
		l->items[i].part = part;
}

/*
 * Finding attributions and history
 */

/* "| ", with which some programs quote below their attribution. */
static bool mark_barred(struct lines *l, size_t at)
{
	size_t i = at;

	while (i < l->n && (l->items[i].kind == LINE_EMPTY ||
				   str_starts(l->items[i].folded, STR("|")))) {
		if (l->items[i].kind == LINE_OWN)
			l->items[i].kind = LINE_QUOTED;
		i++;
	}
	return i > at;
}

/* Lines above a quote that HTML says attribute it. */
static size_t count_attributed(const struct lines *l, size_t at)
{
	size_t n = 0;

	while (at + n < l->n && l->items[at + n].is_attributed)
		n++;
	return n;
}

/* A date and a name right above a quote need neither verb nor colon. */
static bool is_dated(const struct lines *l, size_t at)
{
	size_t next = quote_next(l, at + 1);

	return next <= at + 2 && next < l->n &&
	       l->items[next].kind == LINE_QUOTED &&
	       quote_is_dated(l, l->items[at].folded);
}

/* Deals with line `at`. Returns: how many lines it was. */
static size_t read_attribution(struct lines *l, size_t at)
{
	bool is_sure = true;
	size_t n = count_attributed(l, at), next;

	if (!n)
		n = quote_attribution(l, at, &is_sure);
	if (!n) {
		if (is_dated(l, at))
			l->items[at].kind = LINE_ATTRIBUTION;
		return 1;
	}
	next = quote_next(l, at + n);
	if (next < l->n &&
		(l->items[next].kind == LINE_QUOTED ||
			(str_starts(l->items[next].folded, STR("|")) &&
				mark_barred(l, next))))
		set_kind(l, at, n, LINE_ATTRIBUTION);
	else if (is_sure)
		set_kind(l, at, n, LINE_BARE);
	else
		return 1;
	return n;
}

/* The rule above a mark or a block of fields belongs to it. */
static size_t skip_rules_above(const struct lines *l, size_t i)
{
	size_t at = i;

	while (at && (l->items[at - 1].kind == LINE_EMPTY ||
			     quote_is_rule(l->items[at - 1].folded)))
		at--;
	return at;
}

/* A quote that is passed on holds no answers. Returns: its end. */
static size_t take_quote(struct lines *l, size_t at)
{
	size_t end = at;

	for (; at < l->n && (l->items[at].kind == LINE_QUOTED ||
				    l->items[at].kind == LINE_EMPTY);
		at++)
		if (l->items[at].kind == LINE_QUOTED) {
			l->items[at].kind = LINE_TAKEN;
			end = at + 1;
		}
	return end;
}

/* Returns: where unmarked history begins that is sure, or l->n. */
static size_t read_lines(struct lines *l)
{
	size_t i = 0;

	while (i < l->n) {
		struct line *line = &l->items[i];
		size_t next;
		if (!is_own(line)) {
			i++;
			continue;
		}
		if (line->is_history)
			return skip_rules_above(l, i);
		if (quote_is_forward(l->words, line->folded)) {
			next = quote_next(l, i + 1);
			if (next == l->n || l->items[next].kind != LINE_QUOTED)
				return i;
			line->kind = LINE_TAKEN;
			i = take_quote(l, next);
			continue;
		}
		if (quote_is_history(l, i))
			return skip_rules_above(l, i);
		i += read_attribution(l, i);
	}
	return l->n;
}

/* The last line of the sender's right below a quote, or 0. */
static size_t find_last_answer(const struct lines *l, size_t end)
{
	size_t last = 0;
	bool is_below = false;

	for (size_t i = 0; i < end; i++) {
		const struct line *line = &l->items[i];
		if (line->kind == LINE_EMPTY)
			continue;
		if (is_below && line->kind == LINE_OWN &&
			!quote_is_sign_mark(line->raw) &&
			!quote_is_rule(line->folded))
			last = i;
		is_below = line->kind == LINE_QUOTED;
	}
	return last;
}

/* An attribution above unmarked lines: does history begin there? */
static size_t find_bare(const struct lines *l, size_t end)
{
	size_t last_answer = find_last_answer(l, end);
	size_t i = quote_next(l, 0);

	while (i < end && l->items[i].kind == LINE_TAKEN)
		i = quote_next(l, i + 1);
	if (i < end && l->items[i].kind == LINE_BARE)
		return end;
	for (; i < end; i++)
		if (l->items[i].kind == LINE_BARE && i > last_answer)
			return i;
	return end;
}

static bool says_inline(const struct lines *l, size_t end)
{
	for (size_t i = 0; i < end; i++)
		if (l->items[i].kind == LINE_OWN &&
			quote_words_in(
				&l->words[WORDS_INLINE], l->items[i].folded))
			return true;
	return false;
}

/*
 * Deciding
 */

/* ">>> x = 1" is what a program prints, not a quote of a quote of a quote. */
static bool is_prompt(const struct lines *l, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++) {
		struct str s = str_trim(l->items[i].raw);
		if (l->items[i].kind == LINE_ATTRIBUTION)
			return false;
		if (s.len && !str_starts(s, STR(">>>")))
			return false;
	}
	return true;
}

/* Quotes that reach to `end`. Returns: where they begin. */
static size_t find_tail(const struct lines *l, size_t end)
{
	size_t i = end, last = end;

	while (i && !is_own(&l->items[i - 1]) &&
		l->items[i - 1].kind != LINE_TAKEN)
		i--;
	while (i < end && l->items[i].kind == LINE_EMPTY)
		i++;
	/* a quote above the attribution is one that the sender chose */
	if (i < end && l->items[i].kind == LINE_QUOTED)
		for (size_t k = end; k-- > i;)
			if (l->items[k].kind == LINE_ATTRIBUTION)
				last = k;
	i = last < end && i ? last : i;
	return i < end && !is_prompt(l, i, end) ? i : end;
}

/* One quote on top, and only the sender's words below. */
static void cut_head(struct lines *l, size_t end)
{
	size_t i = 0, head;

	while (i < end && !is_own(&l->items[i]))
		i++;
	head = i;
	for (; i < end; i++)
		if (l->items[i].kind == LINE_QUOTED)
			return;
	for (i = 0; i < head; i++)
		if (l->items[i].kind != LINE_EMPTY)
			l->items[i].part = PART_QUOTED;
}

/* Nothing of the sender's own was found: what is it then that he sends? */
static void keep_all(struct lines *l, size_t history)
{
	bool has_signature = false;

	for (size_t i = 0; i < history; i++)
		has_signature |= l->items[i].part == PART_SIGNATURE &&
				 l->items[i].kind == LINE_OWN &&
				 !quote_is_sign_mark(l->items[i].raw);
	for (size_t i = 0; i < l->n; i++)
		if (!has_signature || l->items[i].part == PART_SIGNATURE)
			l->items[i].part = PART_REPLY;
	if (has_signature || quote_sign(l, 0, l->n) == l->n)
		return;
	if (!has_own(l, 0, l->n))
		set_part(l, 0, l->n, PART_REPLY);
}

static void decide(struct lines *l)
{
	size_t history, end, tail;

	quote_find_banner(l);
	history = read_lines(l);
	end = find_bare(l, history);
	if (end < l->n && says_inline(l, end))
		end = l->n;
	history = end;
	set_part(l, history, l->n, PART_QUOTED);
	end = quote_sign(l, 0, history);
	tail = find_tail(l, end);
	set_part(l, tail, end, PART_QUOTED);
	if (tail < end)
		quote_sign(l, 0, tail);
	cut_head(l, tail);
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].kind == LINE_TAKEN)
			l->items[i].part = PART_QUOTED;
	if (!has_own(l, 0, history))
		keep_all(l, history);
}

/*
 * Giving
 */

struct giver {
	struct str out; /* lent from the text while it is in one piece */
	struct buf buf; /* else */
	bool is_broken;
	size_t last; /* line that was added */
};

static void give_line(struct giver *g, const struct lines *l, size_t i)
{
	struct str raw = l->items[i].raw;
	const char *end = raw.p + raw.len;
	size_t above = i;

	while (above && l->items[above - 1].kind == LINE_EMPTY)
		above--;
	if (!g->out.p) {
		g->out = raw;
	} else if (above == g->last + 1) {
		/* with the empty lines between */
		const char *from = l->items[g->last].raw.p +
				   l->items[g->last].raw.len;
		if (g->is_broken)
			buf_add(&g->buf, from, (size_t)(end - from));
		else
			g->out.len = (size_t)(end - g->out.p);
	} else {
		/* an empty line stands where others were taken out */
		if (!g->is_broken)
			buf_str(&g->buf, g->out);
		buf_c(&g->buf, "\n\n");
		buf_str(&g->buf, raw);
		g->is_broken = true;
	}
	g->last = i;
}

static struct str give_part(const struct lines *l, enum line_part part)
{
	struct giver g = { .buf = BUF_INIT(MAIL_TEXT_MAX * 2) };
	struct str out;

	for (size_t i = 0; i < l->n; i++) {
		const struct line *line = &l->items[i];
		if (line->part != part || line->kind == LINE_EMPTY ||
			(part == PART_SIGNATURE &&
				quote_is_sign_mark(line->raw)))
			continue;
		give_line(&g, l, i);
	}
	if (!g.is_broken)
		return g.out.p ? g.out : STR("");
	out = arena_str(l->arena, buf_view(&g.buf));
	buf_fini(&g.buf);
	return out;
}

struct text_split quote_split(
	struct arena *a, struct str text, const struct text_marks *marks)
{
	struct text_split split = { text, STR(""), STR("") };
	struct lines *l = ARENA_NEW(a, struct lines);

	if (!text.len)
		return split;
	quote_lines(l, a, text);
	if (!l->n)
		return split;
	quote_apply_marks(l, marks);
	decide(l);
	split.reply = give_part(l, PART_REPLY);
	split.quoted = give_part(l, PART_QUOTED);
	split.signature = give_part(l, PART_SIGNATURE);
	return split;
}

static void split(struct mail *m)
{
	struct text_split s;

	if (m->has_reply)
		return;
	m->has_reply = true;
	s = quote_split(m->arena, mail_text(m), &m->marks);
	m->reply = s.reply;
	m->quoted = s.quoted;
	m->signature = s.signature;
}

struct str mail_reply(struct mail *m)
{
	split(m);
	return m->reply;
}

struct str mail_quoted(struct mail *m)
{
	split(m);
	return m->quoted;
}

struct str mail_signature(struct mail *m)
{
	split(m);
	return m->signature;
}
