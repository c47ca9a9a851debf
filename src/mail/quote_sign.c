/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote_sign.c - what stands below a person's words: "-- ", a closing with the
 * name, "Sent from my iPhone", footers of lists, disclaimers.
 *
 * Each finder looks at the end of a range of lines and says where its piece
 * begins; they take turns, since these pieces stand below each other. All are
 * careful: a line too long, a question, or a postscript is the sender's own.
 */
#include "quote.h"

#define MARKED_MAX 40	/* lines below "-- " */
#define FOOTER_MAX 25	/* lines of a list's footer */
#define CLOSING_MAX 24	/* lines below "Kind regards" */
#define NAME_MAX 60	/* bytes of the line with the name */
#define LONG_LINE 100	/* bytes; a longer one is no line of an address */
#define MOBILE_MAX 110	/* bytes */
#define LEGAL_LINES 40	/* of a paragraph */
#define LEGAL_SCAN 4000 /* bytes of it that are looked at */

bool quote_is_sign_mark(struct str raw)
{
	struct str s = str_trim(raw);

	return str_eq(s, STR("--")) || str_eq(s, STR("\xe2\x80\x94")) ||
	       str_eq(s, STR("\xe2\x80\x93"));
}

static bool is_question(struct str s)
{
	/* not that of a link */
	return str_ends(s, STR("?")) || str_find(s, STR("? ")) >= 0;
}

static bool is_postscript(struct str s)
{
	return str_starts(s, STR("ps:")) || str_starts(s, STR("ps.")) ||
	       str_starts(s, STR("p.s")) || str_starts(s, STR("ps ")) ||
	       str_starts(s, STR("p. s")) || str_starts(s, STR("pps")) ||
	       str_starts(s, STR("p/s")) || str_starts(s, STR("n.b.")) ||
	       str_starts(s, STR("nb:")) || str_starts(s, STR("edit:")) ||
	       str_starts(s, STR("update:")) || str_eq(s, STR("ps"));
}

static unsigned count_words(struct str s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] != ' ' && (i == 0 || s.p[i - 1] == ' ');
	return n;
}

static struct str cut_marks(struct str s)
{
	while (s.len && strchr(",.!:;- )", s.p[s.len - 1]))
		s.len--;
	return s;
}

static size_t trim_empty(const struct lines *l, size_t from, size_t end)
{
	while (end > from && l->items[end - 1].kind == LINE_EMPTY)
		end--;
	return end;
}

/* "Sent from my iPhone": short, and nothing but that. */
static bool is_mobile(const struct lines *l, struct str s)
{
	const struct words *sent = &l->words[WORDS_SENT];
	struct str rest;
	size_t len, begins;
	ssize_t device;

	if (!s.len || s.len > MOBILE_MAX || is_question(s))
		return false;
	while (s.len && strchr("-_([<~ ", *s.p))
		s = str_sub(s, 1, s.len);
	if (quote_words_start(&l->words[WORDS_GET], s) &&
		(str_find(s, STR("ios")) > 0 ||
			str_find(s, STR("android")) > 0))
		return count_words(s) <= 8;
	device = quote_words_find(&l->words[WORDS_DEVICE], s, &len);
	if (device < 0)
		return false;
	begins = quote_words_start(sent, s);
	/* "Sent from my desk, easier than my phone" is a sentence */
	rest = str_sub(s, begins, (size_t)device - MIN(begins, (size_t)device));
	if (str_chr(rest, ',') >= 0 && !str_ends(rest, STR(", ")))
		return false;
	rest = str_sub(s, (size_t)device + len, s.len);
	if (begins && (size_t)device >= begins)
		return (rest.len <= 30 && str_find(rest, STR(", ")) < 0) ||
		       str_find(rest, STR("<")) >= 0 ||
		       str_find(rest, STR("(http")) >= 0 ||
		       str_find(rest, STR("https://")) >= 0 ||
		       quote_words_in(sent, rest);
	/* other languages have the verb behind the device */
	rest = cut_marks(rest);
	if (rest.len > 40 || str_find(s, STR(", ")) >= 0)
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if (quote_words_start(sent, str_sub(rest, i, rest.len)) ==
			rest.len - i)
			return (unsigned char)rest.p[i] >= 0x80 ||
			       count_words(s) <= 6;
	return false;
}

static size_t find_mobile(const struct lines *l, size_t from, size_t end)
{
	size_t last = trim_empty(l, from, end);

	if (last > from && l->items[last - 1].kind == LINE_OWN &&
		is_mobile(l, l->items[last - 1].folded))
		return last - 1;
	return end;
}

/* A rule, and below it a list that speaks of itself. */
static size_t find_list_footer(const struct lines *l, size_t from, size_t end)
{
	bool is_list = false;

	for (size_t i = end; i-- > from && end - i <= FOOTER_MAX;) {
		struct str s = l->items[i].folded;
		if (l->items[i].kind == LINE_QUOTED)
			break;
		if (quote_is_rule(s) && s.len >= 10 && is_list)
			return i;
		is_list |= quote_words_in(&l->words[WORDS_LIST], s);
	}
	return end;
}

/* A line of underscores with a few short ones below. */
static size_t find_ruled(const struct lines *l, size_t from, size_t end)
{
	unsigned n = 0;

	for (size_t i = end; i-- > from && n <= 8;) {
		struct str s = l->items[i].folded;
		if (l->items[i].kind == LINE_EMPTY)
			continue;
		if (l->items[i].kind != LINE_OWN)
			break;
		if (n && s.len >= 10 && str_starts(s, STR("_____")) &&
			quote_is_rule(s))
			return i;
		if (!s.len || s.len > LONG_LINE || is_question(s))
			break;
		n++;
	}
	return end;
}

/* The last paragraph, if it is a lawyer's. */
static size_t find_legal(const struct lines *l, size_t from, size_t end)
{
	size_t last = trim_empty(l, from, end), first = last;
	unsigned n = 0, n_sure = 0;
	size_t n_bytes = 0;

	while (first > from && last - first < LEGAL_LINES &&
		l->items[first - 1].kind == LINE_OWN) {
		struct str s = l->items[--first].folded;
		if (!s.len)
			s = quote_fold(l->arena,
				str_sub(l->items[first].raw, 0, LEGAL_SCAN));
		n += quote_words_count(&l->words[WORDS_LEGAL], s);
		n_sure += quote_words_count(&l->words[WORDS_LEGAL_SURE], s);
		n_bytes += s.len;
		if (n_sure && quote_words_start(&l->words[WORDS_LEGAL], s))
			break;
	}
	if (first == last)
		return end;
	if ((n_sure && n_bytes > 30) || n >= 3 || (n == 2 && n_bytes > 120))
		return first;
	if (n_bytes <= 24 && first + 1 == last && first > from &&
		l->items[first - 1].kind == LINE_EMPTY &&
		str_eq(cut_marks(l->items[first].folded), STR("disclaimer")))
		return first;
	return end;
}

/* The mark of RFC 3676 4.3. */
static size_t find_marked(const struct lines *l, size_t from, size_t end)
{
	unsigned n = 0;

	for (size_t i = end; i-- > from && n <= MARKED_MAX;) {
		struct str raw = l->items[i].raw;
		if (l->items[i].kind == LINE_QUOTED ||
			l->items[i].kind == LINE_ATTRIBUTION)
			break;
		while (raw.len && raw.p[raw.len - 1] == '\r')
			raw.len--;
		if (str_eq(raw, STR("-- ")) ||
			(quote_is_sign_mark(raw) && i > from &&
				(n || (end < l->n && l->items[end].part ==
							     PART_SIGNATURE))))
			return i;
		n += l->items[i].kind != LINE_EMPTY;
	}
	return end;
}

/* What HTML says is the signature. */
static size_t find_signed(const struct lines *l, size_t from, size_t end)
{
	size_t i = trim_empty(l, from, end);
	size_t last = i;

	while (i > from && (l->items[i - 1].is_signed ||
				   l->items[i - 1].kind == LINE_EMPTY))
		i--;
	while (i < last && l->items[i].kind == LINE_EMPTY)
		i++;
	return i < last ? i : end;
}

enum closing {
	NO_CLOSING,
	CLOSING_THANKS, /* wants a name below */
	CLOSING
};

static enum closing closing_of(const struct lines *l, struct str s)
{
	struct str all = cut_marks(s), rest;
	size_t len;

	if (!all.len || all.len > NAME_MAX)
		return NO_CLOSING;
	len = quote_words_start(&l->words[WORDS_SIGNOFF], all);
	rest = str_sub(all, len, all.len);
	if (len == all.len && len)
		return CLOSING;
	if (len > 3 && (*rest.p == ',' || str_starts(rest, STR(" from ")) ||
			       str_starts(rest, STR(" aus ")))) {
		rest = str_trim(str_sub(rest, 1, rest.len));
		return count_words(rest) <= 3 ? CLOSING : NO_CLOSING;
	}
	len = quote_words_start(&l->words[WORDS_THANKS], all);
	return len == all.len && len ? CLOSING_THANKS : NO_CLOSING;
}

/* A name: a few words, no sentence. */
static bool is_name(struct str s)
{
	return s.len && s.len <= NAME_MAX && count_words(s) <= 5 &&
	       !is_question(s) && !str_ends(s, STR("!")) &&
	       !str_ends(s, STR(":"));
}

/* A picture, or a link. */
static bool is_link_line(struct str raw)
{
	struct str s = str_trim(raw);

	return str_starts(s, STR("[cid:")) || str_starts(s, STR("<http")) ||
	       str_starts(s, STR("http"));
}

/* May the lines [at, end) be names, addresses, numbers below a closing? */
static bool is_below_closing(const struct lines *l, size_t at, size_t end,
	enum closing closing, size_t *stop)
{
	unsigned n = 0, n_long = 0;

	*stop = end;
	for (size_t i = at; i < end; i++) {
		struct str s = l->items[i].folded;
		if (l->items[i].kind == LINE_EMPTY)
			continue;
		if (l->items[i].kind != LINE_OWN)
			return false;
		if (n && is_postscript(s)) {
			*stop = i;
			break;
		}
		if (is_link_line(l->items[i].raw))
			continue;
		if (!s.len || (s.len > LONG_LINE && !l->items[i].is_signed) ||
			is_question(s) || is_postscript(s))
			return false;
		if (n++ == 0 && !is_name(s))
			return false;
		/* sentences one below the other */
		n_long += s.len > 60 && str_find(s, STR("://")) < 0;
		if (n > CLOSING_MAX || n_long > 2)
			return false;
	}
	return closing == CLOSING || (n > 0 && n <= 8);
}

/* A closing and what stands below. A postscript stays with the sender. */
static size_t find_closing(
	const struct lines *l, size_t from, size_t end, size_t *stop)
{
	unsigned n = 0;

	for (size_t i = end; i-- > from && n <= CLOSING_MAX + 4;) {
		enum closing closing;
		if (l->items[i].kind == LINE_EMPTY)
			continue;
		if (l->items[i].kind != LINE_OWN)
			break;
		n++;
		closing = closing_of(l, l->items[i].folded);
		if (closing != NO_CLOSING &&
			is_below_closing(l, i + 1, end, closing, stop))
			return i;
	}
	return end;
}

/* "-Ann", "/Ann" alone at the end. */
static size_t find_dashed_name(const struct lines *l, size_t from, size_t end)
{
	size_t last = trim_empty(l, from, end);
	struct str s, raw;

	if (last < from + 2 || l->items[last - 1].kind != LINE_OWN ||
		l->items[last - 2].kind != LINE_EMPTY)
		return end;
	s = l->items[last - 1].folded;
	raw = str_trim(l->items[last - 1].raw);
	if (s.len < 2 || s.len > 40 || (*s.p != '-' && *s.p != '/') ||
		s.p[1] == ' ' || s.p[1] == '-' || s.p[1] == '/' ||
		str_chr(str_sub(s, 1, s.len), '/') >= 0)
		return end;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9')
			return end;
	while (raw.len && ((unsigned char)*raw.p >= 0x80
					  ? *raw.p == '\xe2'
					  : *raw.p == '-' || *raw.p == '/'))
		raw = str_sub(raw, *raw.p == '\xe2' ? 3 : 1, raw.len);
	if (!raw.len || (*raw.p >= 'a' && *raw.p <= 'z') || count_words(s) > 3)
		return end;
	return last - 1;
}

/* An address, a number, a link and nothing else. */
static bool is_contact(struct str s)
{
	unsigned n_digits = 0, n_letters = 0;

	for (size_t i = 0; i < s.len; i++) {
		n_digits += s.p[i] >= '0' && s.p[i] <= '9';
		n_letters += s.p[i] >= 'a' && s.p[i] <= 'z';
	}
	if (n_digits >= 7 && n_digits > n_letters)
		return true;
	return count_words(s) <= 2 &&
	       (str_chr(s, '@') > 0 || str_find(s, STR("www.")) >= 0 ||
		       str_find(s, STR("://")) >= 0);
}

/* "Ann Bee" or that with her office below, above her addresses. */
static size_t skip_names(const struct lines *l, size_t from, size_t first)
{
	size_t last = trim_empty(l, from, first), at = last;

	while (at > from && l->items[at - 1].kind == LINE_OWN) {
		struct str s = l->items[--at].folded;
		if (last - at > 3 || s.len > 40 || !is_name(s) ||
			strchr(".,;", s.p[s.len - 1]))
			return first;
	}
	return at > from && at < last ? at : first;
}

/* Paragraphs at the end that are a name with ways to reach it. */
static size_t find_contact(const struct lines *l, size_t from, size_t end)
{
	size_t last = trim_empty(l, from, end), at = last;
	unsigned n_contacts = 0;

	while (at > from && last - at < MARKED_MAX) {
		struct str s = l->items[--at].folded;
		if (l->items[at].kind == LINE_EMPTY)
			continue;
		if (l->items[at].kind != LINE_OWN || !s.len || s.len > 80 ||
			is_question(s) || str_starts(s, STR("- ")))
			return end;
		n_contacts += is_contact(s);
		if (n_contacts < 2 || at == from ||
			l->items[at - 1].kind != LINE_EMPTY)
			continue;
		if (is_contact(s) || str_chr(s, ':') > 0) {
			size_t above = skip_names(l, from, at);
			return above < at ? above : end;
		}
		return is_name(s) ? skip_names(l, from, at) : end;
	}
	return end;
}

static void put(struct lines *l, size_t from, size_t end)
{
	for (size_t i = from; i < end; i++)
		if (l->items[i].kind != LINE_QUOTED)
			l->items[i].part = PART_SIGNATURE;
}

size_t quote_sign(struct lines *l, size_t from, size_t end)
{
	static size_t (*const finders[])(
		const struct lines *l, size_t from, size_t end) = { find_mobile,
		find_list_footer, find_legal, find_signed, find_marked,
		find_ruled, find_dashed_name, find_contact };
	bool is_used[COUNT(finders)] = { false };
	size_t begin = end, stop;

	for (int turn = 0; turn < 6; turn++) {
		size_t was = begin, at;
		for (size_t i = 0; i < COUNT(finders); i++) {
			/* "--" may be how somebody parts his paragraphs */
			if (finders[i] == find_marked && is_used[i])
				continue;
			at = finders[i](l, from, begin);
			is_used[i] |= at < begin;
			put(l, at, begin);
			begin = at;
		}
		at = find_closing(l, from, begin, &stop);
		if (at < begin) {
			put(l, at, stop);
			/* a postscript parts it from the rest */
			begin = at;
		}
		if (begin == was)
			break;
	}
	return begin;
}
