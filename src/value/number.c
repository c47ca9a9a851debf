/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * number.c - numbers and money as locales write them.
 *
 * A number is groups of digits with separators between. The last separator may
 * be the decimal one; all before it must be of one other kind and part groups
 * of three (of two before the last three, as in India). A single separator with
 * three digits behind it can be both: then the mail's style decides, or the
 * locales.
 */
#include <mailmill/buf.h>

#include "typed_private.h"

#define GROUPS_MAX 16

struct groups {
	struct str digits[GROUPS_MAX];
	char separators[GROUPS_MAX]; /* [i] stands in front of digits[i] */
	size_t n;
	size_t len; /* bytes of all */
};

static bool is_separator(char c)
{
	return c == '.' || c == ',' || c == '\'' || c == ' ';
}

/* Reads digits and separators that have digits behind them. */
static bool read_groups(struct str s, struct groups *g)
{
	size_t i = 0, from = 0;

	*g = (struct groups){ .n = 0 };
	while (i < s.len && str_is_digit(s.p[i])) {
		if (g->n == GROUPS_MAX)
			return false;
		from = i;
		while (i < s.len && str_is_digit(s.p[i]))
			i++;
		g->digits[g->n++] = str_sub(s, from, i - from);
		if (i + 1 >= s.len || !is_separator(s.p[i]) ||
			!str_is_digit(s.p[i + 1]))
			break;
		if (g->n < GROUPS_MAX)
			g->separators[g->n] = s.p[i];
		i++;
	}
	g->len = i;
	return g->n > 0;
}

/* Are the first n groups parted as thousands are, all by one separator? */
static bool are_thousands(const struct groups *g, size_t n)
{
	bool is_indian = n > 2;

	if (n == 1)
		return true;
	if (g->digits[0].len > 3 || g->digits[0].p[0] == '0')
		return false;
	for (size_t i = 1; i < n; i++) {
		if (g->separators[i] != g->separators[1])
			return false;
		is_indian &= g->digits[i].len == (i + 1 == n ? 3u : 2u);
	}
	if (is_indian && g->digits[0].len < 3)
		return true;
	for (size_t i = 1; i < n; i++)
		if (g->digits[i].len != 3)
			return false;
	return true;
}

static bool can_end_in_fraction(const struct groups *g)
{
	char last;

	if (g->n < 2)
		return false;
	last = g->separators[g->n - 1];
	return (last == '.' || last == ',') && are_thousands(g, g->n - 1) &&
	       (g->n == 2 || g->separators[1] != last);
}

/* Asks style, then locales. Returns: 1 the comma, -1 the point, 0 unknown. */
static int decimal_of_locales(const struct typed_options *o)
{
	const struct typed_style *s = &o->style;
	int found = 0;

	if (s->comma_is_decimal && !s->point_is_decimal)
		return 1;
	if (s->point_is_decimal && !s->comma_is_decimal)
		return -1;
	for (size_t i = 0; i < o->n_locales; i++) {
		const struct locale *l = typed_locale(o->locales[i]);
		int says = !l ? 0 : l->comma_decimal ? 1 : -1;

		if (says && found && says != found)
			return 0;
		found = says ? says : found;
	}
	return found;
}

int typed_shows_decimal(struct str s)
{
	struct groups g;
	bool is_fraction, is_whole;

	if (!read_groups(s, &g) || g.n < 2)
		return 0;
	is_fraction = can_end_in_fraction(&g);
	is_whole = are_thousands(&g, g.n);
	if (is_fraction && !is_whole && g.n > 2)
		return g.separators[g.n - 1] == ',' ? 1 : -1;
	if (is_whole && !is_fraction && g.separators[1] == '.')
		return 1;
	if (is_whole && !is_fraction && g.separators[1] == ',')
		return -1;
	return 0;
}

static const char *join(struct arena *a, const struct groups *g,
	bool is_fraction, bool is_negative, struct str *out)
{
	struct buf b = BUF_INIT(TYPED_TEXT_MAX);
	bool is_begun = false;

	if (is_negative)
		buf_c(&b, "-");
	for (size_t i = 0; i < g->n; i++) {
		struct str digits = g->digits[i];

		if (is_fraction && i + 1 == g->n) {
			if (!is_begun)
				buf_c(&b, "0");
			buf_c(&b, ".");
			is_begun = true;
		}
		while (!is_begun && digits.len && digits.p[0] == '0')
			digits = str_sub(digits, 1, SIZE_MAX);
		is_begun |= digits.len > 0;
		buf_str(&b, digits);
	}
	if (!is_begun)
		buf_c(&b, "0");
	*out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return NULL;
}

/* Reads a number at the begin of s. *len: bytes of it. */
static const char *read_amount(struct arena *a, struct str s,
	const struct typed_options *o, bool is_negative, struct str *out,
	size_t *len)
{
	struct groups g;
	bool is_fraction, is_whole;
	int decimal;

	if (!read_groups(s, &g))
		return "is no number";
	*len = g.len;
	is_fraction = can_end_in_fraction(&g);
	is_whole = are_thousands(&g, g.n);
	if (!is_fraction && !is_whole)
		return "has separators where no number has them";
	if (is_fraction && is_whole) {
		decimal = decimal_of_locales(o);
		if (decimal == 0)
			return "could be two numbers: a locale would tell";
		is_fraction = g.separators[1] == (decimal > 0 ? ',' : '.');
	}
	return join(a, &g, is_fraction, is_negative, out);
}

/* Words behind a number are its unit; other numbers are not. */
static bool is_unit(struct str rest)
{
	int depth = 0;

	rest = str_trim(rest);
	for (size_t i = 0; i < rest.len; i++) {
		depth += (rest.p[i] == '(') - (rest.p[i] == ')');
		if (depth <= 0 && str_is_digit(rest.p[i]))
			return false;
	}
	return !rest.len || !memchr("+-*/=.,:", rest.p[0], 8);
}

static bool cut_sign(struct str *s)
{
	bool is_negative = s->len && s->p[0] == '-';

	if (s->len && (s->p[0] == '-' || s->p[0] == '+'))
		*s = str_trim(str_sub(*s, 1, SIZE_MAX));
	return is_negative;
}

const char *typed_number(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out)
{
	bool is_negative = cut_sign(&s);
	const char *why;
	size_t len = 0;

	why = read_amount(a, s, o, is_negative, out, &len);
	if (why)
		return why;
	return is_unit(str_sub(s, len, SIZE_MAX))
		       ? NULL
		       : "has more behind the number";
}

/* ---- money ------------------------------------------------------------ */

/* A sign that several countries use tells a currency by the locale alone. */
static const struct currency {
	const char *sign, *code;
	const char *locales; /* where the sign means it; "" everywhere */
} currencies[] = {
	{ "\xe2\x82\xac", "EUR", "" },
	{ "Euro", "EUR", "" },
	{ "US$", "USD", "" },
	{ "$", "USD", "en-US es-US" },
	{ "$", "CAD", "en-CA fr-CA" },
	{ "$", "AUD", "en-AU" },
	{ "$", "MXN", "es-MX" },
	{ "\xc2\xa3", "GBP", "" },
	{ "R$", "BRL", "" },
	{ "\xc2\xa5", "JPY", "ja" },
	{ "\xc2\xa5", "CNY", "zh" },
	{ "\xe5\x86\x86", "JPY", "" },
	{ "\xe5\x85\x83", "CNY", "" },
	{ "z\xc5\x82", "PLN", "" },
	{ "zl", "PLN", "" },
	{ "K\xc4\x8d", "CZK", "" },
	{ "kr", "DKK", "da" },
	{ "kr", "SEK", "sv" },
	{ "kr", "NOK", "no nb nn" },
	{ "Ft", "HUF", "" },
	{ "lei", "RON", "" },
	{ "\xd0\xbb\xd0\xb2", "BGN", "" },
	{ "\xe2\x82\xbd", "RUB", "" },
	{ "\xd1\x80\xd1\x83\xd0\xb1", "RUB", "" },
	{ "\xe2\x82\xb4", "UAH", "" },
	{ "\xe2\x82\xba", "TRY", "" },
	{ "TL", "TRY", "" },
	{ "\xe2\x82\xb9", "INR", "" },
	{ "Rs", "INR", "" },
	{ "\xe2\x82\xa9", "KRW", "" },
	{ "\xe2\x82\xaa", "ILS", "" },
	{ "Fr", "CHF", "de-CH fr-CH" },
	{ "SFr", "CHF", "" },
};

static const char codes[] =
	"AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF "
	"IDR ILS INR ISK JPY KES KRW KWD MAD MXN MYR NGN NOK NZD PEN PHP PLN "
	"QAR RON RSD RUB SAR SEK SGD THB TND TRY TWD UAH USD UYU VND ZAR";

static bool is_meant(const struct currency *c, const struct typed_options *o)
{
	struct str all = str_c(c->locales), one;

	if (!all.len)
		return true;
	while (str_cut(&all, ' ', &one))
		for (size_t i = 0; i < o->n_locales; i++)
			if (str_starts_case(o->locales[i], one))
				return true;
	return false;
}

static bool is_word_end(struct str s, size_t at)
{
	return at >= s.len ||
	       !((s.p[at] >= 'a' && s.p[at] <= 'z') ||
		       (s.p[at] >= 'A' && s.p[at] <= 'Z') || (s.p[at] & 0x80));
}

/* Returns: the length of an ISO code at the begin of s, or 0. */
static size_t find_code(struct str s, struct str *code)
{
	if (s.len < 3 || !is_word_end(s, 3))
		return 0;
	for (size_t i = 0; i + 3 < sizeof(codes); i += 4) {
		if (!str_eq_case(str_sub(s, 0, 3), str_n(codes + i, 3)))
			continue;
		*code = str_n(codes + i, 3);
		return 3;
	}
	return 0;
}

/* The same of a sign; *code stays when no locale tells which it means. */
static size_t find_sign(
	struct str s, const struct typed_options *o, struct str *code)
{
	size_t len = 0;

	for (size_t i = 0; i < COUNT(currencies); i++) {
		const struct currency *c = &currencies[i];
		struct str sign = str_c(c->sign);
		bool is_word = !is_word_end(sign, sign.len - 1);

		if ((len && len != sign.len) || !str_starts_case(s, sign) ||
			(is_word && !is_word_end(s, sign.len)))
			continue;
		len = sign.len;
		if (is_meant(c, o))
			*code = str_c(c->code);
	}
	return len;
}

/* Cuts a currency from the begin of s, with the point of an abbreviation. */
static void cut_currency(
	struct str *s, const struct typed_options *o, struct str *code)
{
	size_t len = find_code(*s, code);

	if (!len)
		len = find_sign(*s, o, code);
	*s = str_sub(*s, len, SIZE_MAX);
	if (len && s->len && s->p[0] == '.')
		*s = str_sub(*s, 1, SIZE_MAX);
	*s = str_trim(*s);
}

/* ",-" and ".-" mean that there are no cents. */
static struct str cut_dash(struct str s)
{
	if (s.len >= 2 && (s.p[0] == ',' || s.p[0] == '.') && s.p[1] == '-') {
		s = str_sub(s, 2, SIZE_MAX);
		while (s.len && s.p[0] == '-')
			s = str_sub(s, 1, SIZE_MAX);
	}
	return str_trim(s);
}

const char *typed_money(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out, struct str *currency)
{
	bool is_negative = false,
	     is_in_parens = s.len > 2 && s.p[0] == '(' && s.p[s.len - 1] == ')';
	const char *why;
	size_t len = 0;

	if (is_in_parens)
		s = str_trim(str_sub(s, 1, s.len - 2));
	is_negative = cut_sign(&s);
	cut_currency(&s, o, currency);
	is_negative |= cut_sign(&s);
	why = read_amount(a, s, o, is_negative || is_in_parens, out, &len);
	if (why)
		return why;
	s = cut_dash(str_sub(s, len, SIZE_MAX));
	if (str_eq(s, STR("-")) || str_starts(s, STR("- "))) {
		if (is_negative)
			return "has two minus signs";
		*out = str_c(arena_printf(a, "-%.*s", STR_ARG(*out)));
		s = str_trim(str_sub(s, 1, SIZE_MAX));
	}
	cut_currency(&s, o, currency);
	return is_unit(s) ? NULL : "has more behind the amount";
}
