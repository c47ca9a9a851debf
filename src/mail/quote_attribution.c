/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quote_attribution.c - the line above a quote: "On 4 May, Ann wrote:".
 *
 * It is told by what is in it, not by its order, which each language has its
 * own: a verb, a date, a time, an address, a colon at the end. Two kinds of
 * certainty: with enough of these it is one whatever follows; with less only
 * when marked lines follow. It may be wrapped over some lines; since a line of
 * the sender's could stand right above, only what itself looks like a beginning
 * begins one.
 */
#include "quote.h"

#define LINES_MAX_JOINED 6

struct signs {
	bool has_verb, has_time, has_date, has_address, has_digit;
	bool ends_in_colon, ends_in_link, begins;
};

static bool has_digit(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (str_is_digit(s.p[i]))
			return true;
	return false;
}

/* 10:04, 10.04, 10h04, 10 h 04 */
static bool is_time_at(struct str s, size_t i)
{
	size_t k = i;

	if (!str_is_digit(s.p[i]) || (i && str_is_digit(s.p[i - 1])))
		return false;
	while (k < s.len && k < i + 2 && str_is_digit(s.p[k]))
		k++;
	while (k < s.len && s.p[k] == ' ' && k < i + 3)
		k++;
	if (k + 2 >= s.len || !strchr(":.h", s.p[k]))
		return false;
	k++;
	if (s.p[k] == ' ')
		k++;
	return k + 1 < s.len && str_is_digit(s.p[k]) &&
	       str_is_digit(s.p[k + 1]) &&
	       !(k + 2 < s.len &&
		       (str_is_digit(s.p[k + 2]) || s.p[k + 2] == '.'));
}

/* 2020, or 4.5.20, 04/05/2020, 2020-05-04 */
static bool is_date_at(struct str s, size_t i)
{
	size_t n_digits = 0, n_groups = 1;

	if (i && (str_is_digit(s.p[i - 1]) || strchr("./-:", s.p[i - 1])))
		return false;
	for (size_t k = i; k < s.len; k++) {
		if (str_is_digit(s.p[k])) {
			n_digits++;
		} else if (strchr("./-", s.p[k]) && k + 1 < s.len &&
			   str_is_digit(s.p[k + 1])) {
			n_groups++;
		} else {
			break;
		}
	}
	if (n_groups == 1)
		return n_digits == 4 &&
		       (!memcmp(s.p + i, "20", 2) || !memcmp(s.p + i, "19", 2));
	return n_groups == 3 && n_digits >= 4 && n_digits <= 8;
}

static bool begins_attribution(const struct lines *l, struct str s)
{
	while (s.len && (*s.p == '-' || *s.p == '"' || *s.p == ' '))
		s = str_sub(s, 1, s.len);
	return s.len &&
	       (str_is_digit(*s.p) ||
		       quote_words_start(&l->words[WORDS_STARTERS], s) ||
		       quote_words_start(&l->words[WORDS_DAYS], s));
}

static struct signs read_signs(const struct lines *l, struct str all)
{
	struct signs signs = { 0 };

	signs.ends_in_colon = str_ends(all, STR(":"));
	signs.has_address = str_chr(all, '@') >= 0;
	signs.ends_in_link = signs.has_address && str_ends(all, STR(">"));
	for (size_t i = 0; i < all.len; i++) {
		if (!str_is_digit(all.p[i]))
			continue;
		signs.has_digit = true;
		signs.has_time |= is_time_at(all, i);
		signs.has_date |= is_date_at(all, i);
	}
	signs.has_date |= signs.has_digit &&
			  quote_words_in(&l->words[WORDS_DAYS], all);
	signs.begins = begins_attribution(l, all);
	return signs;
}

static bool ends_in_verb(const struct lines *l, struct str all)
{
	size_t len;
	ssize_t at = quote_words_find(&l->words[WORDS_WROTE], all, &len);

	return at > 0 && (size_t)at + len == all.len;
}

/*
 * Do these words attribute what follows? A time or address and a verb make it
 * sure; in a language whose verb we do not know all else must be there.
 */
static bool judge(
	const struct lines *l, struct str all, size_t n, bool *is_sure)
{
	struct signs s = read_signs(l, all);

	*is_sure = false;
	if (str_starts(all, STR("--")) && str_ends(all, STR("--")) &&
		quote_words_in(&l->words[WORDS_WROTE], all)) {
		*is_sure = n == 1;
		return true;
	}
	/* 2016-03-03 17:21 GMT+01:00 Ann */
	if (n == 1 && s.has_time && s.has_date && str_is_digit(*all.p) &&
		str_find(all, STR(" gmt+")) > 0 &&
		str_find(all, STR(" gmt+")) < 20) {
		*is_sure = all.len < 100;
		return true;
	}
	if (!s.ends_in_colon && !s.ends_in_link)
		return s.has_date && s.begins && ends_in_verb(l, all);
	if (quote_words_in(&l->words[WORDS_WROTE], all)) {
		*is_sure = s.ends_in_colon &&
			   (s.has_time || s.has_address ||
				   (s.has_date && s.begins && all.len < 120)) &&
			   (s.begins || s.has_address || s.has_time);
		if (!s.has_digit && !s.has_address)
			*is_sure = false;
		return s.ends_in_colon || s.has_date;
	}
	*is_sure = s.ends_in_colon && s.begins && s.has_time && s.has_date &&
		   s.has_address;
	return (s.has_time || s.has_date) && (s.begins || s.has_address);
}

/* A line that itself has what begins an attribution. */
static bool may_begin(const struct lines *l, struct str s)
{
	if (!s.len)
		return false;
	return begins_attribution(l, s) || str_chr(s, '@') >= 0 ||
	       (str_ends(s, STR(":")) &&
		       quote_words_in(&l->words[WORDS_WROTE], s)) ||
	       (str_starts(s, STR("--")) && str_ends(s, STR("--"))) ||
	       (str_chr(s, '<') >= 0 && s.len < 120);
}

/* Behind a name the address may stand on lines of its own, spaced out. */
static bool goes_on(const struct lines *l, size_t next)
{
	struct str s;

	if (next >= l->n || l->items[next].kind != LINE_OWN)
		return false;
	s = l->items[next].folded;
	return str_starts(s, STR("<")) || str_starts(s, STR("mailto:")) ||
	       str_starts(s, STR(">"));
}

size_t quote_attribution(const struct lines *l, size_t at, bool *is_sure)
{
	char joined[QUOTE_FOLD_MAX + 1];
	size_t len = 0, found = 0;
	bool is_found_sure = false;

	*is_sure = false;
	if (!may_begin(l, l->items[at].folded))
		return 0;
	for (size_t i = at, n = 1; n <= LINES_MAX_JOINED && i < l->n; i++) {
		struct str s = l->items[i].folded;
		bool is_empty = l->items[i].kind == LINE_EMPTY;
		if (is_empty && goes_on(l, i + 1))
			continue;
		if (l->items[i].kind != LINE_OWN || !s.len ||
			len + s.len + 1 > QUOTE_FOLD_MAX)
			break;
		/* a later line that begins one: this one is the sender's */
		if (i > at && !has_digit(l->items[at].folded) && has_digit(s) &&
			begins_attribution(l, s))
			return 0;
		memcpy(joined + len, s.p, s.len);
		len += s.len;
		if (judge(l, str_n(joined, len), n, &is_found_sure)) {
			found = i + 1 - at;
			*is_sure = is_found_sure;
			/* behind an address the verb may follow */
			if (str_ends(s, STR(":")) || str_ends(s, STR("--")))
				break;
		}
		joined[len++] = ' ';
		n++;
	}
	if (!found)
		*is_sure = false;
	return found;
}

bool quote_is_dated(const struct lines *l, struct str s)
{
	struct signs signs;

	if (s.len < 12 || s.len > 120 || strchr(".?!", s.p[s.len - 1]))
		return false;
	signs = read_signs(l, s);
	return signs.has_date && (signs.has_time || signs.has_address) &&
	       (signs.begins || signs.has_address);
}
