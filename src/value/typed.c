/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * typed.c - the types of values, the locales, and what a mail's other values
 * tell about how it writes them.
 */
#include <mailmill/buf.h>
#include <mailmill/utf8.h>

#include "typed_private.h"

static const char *const names[TYPED_N_TYPES] = {
	[TYPED_TEXT] = "text",
	[TYPED_INTEGER] = "integer",
	[TYPED_NUMBER] = "number",
	[TYPED_MONEY] = "money",
	[TYPED_DATE] = "date",
	[TYPED_DATETIME] = "datetime",
	[TYPED_BOOLEAN] = "boolean",
	[TYPED_EMAIL] = "email",
	[TYPED_PHONE] = "phone",
	[TYPED_URL] = "url",
};

const char *typed_name(enum typed_type type)
{
	return names[type];
}

/* CLDR's habits, as far as numbers and dates of mails need them. */
static const struct locale locales[] = {
	{ "bg", true, false },
	{ "cs", true, false },
	{ "da", true, false },
	{ "de-CH", false, false },
	{ "de-LI", false, false },
	{ "de", true, false },
	{ "el", true, false },
	{ "en-US", false, true },
	{ "en-PH", false, true },
	{ "en-ZA", true, false },
	{ "en", false, false },
	{ "es-MX", false, false },
	{ "es-US", false, true },
	{ "es", true, false },
	{ "et", true, false },
	{ "fi", true, false },
	{ "fr-CH", false, false },
	{ "fr", true, false },
	{ "he", false, false },
	{ "hr", true, false },
	{ "hu", true, false },
	{ "id", true, false },
	{ "it-CH", false, false },
	{ "it", true, false },
	{ "ja", false, false },
	{ "ko", false, false },
	{ "lt", true, false },
	{ "lv", true, false },
	{ "nb", true, false },
	{ "nl", true, false },
	{ "nn", true, false },
	{ "no", true, false },
	{ "pl", true, false },
	{ "pt", true, false },
	{ "ro", true, false },
	{ "ru", true, false },
	{ "sk", true, false },
	{ "sl", true, false },
	{ "sr", true, false },
	{ "sv", true, false },
	{ "th", false, false },
	{ "tr", true, false },
	{ "uk", true, false },
	{ "vi", true, false },
	{ "zh", false, false },
};

/* Is s the locale of a name, whatever stands between language and region? */
static bool is_locale(struct str s, struct str name)
{
	if (s.len != name.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		struct str a = str_sub(s, i, 1), b = str_sub(name, i, 1);

		if (!str_eq_case(a, b) && !(s.p[i] == '_' && b.p[0] == '-'))
			return false;
	}
	return true;
}

const struct locale *typed_locale(struct str name)
{
	struct str language = name;

	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] == '-' || name.p[i] == '_') {
			language = str_sub(name, 0, i);
			break;
		}
	for (size_t i = 0; i < COUNT(locales); i++)
		if (is_locale(name, str_c(locales[i].name)))
			return &locales[i];
	for (size_t i = 0; i < COUNT(locales); i++)
		if (is_locale(language, str_c(locales[i].name)))
			return &locales[i];
	return NULL;
}

bool typed_knows_locale(struct str locale)
{
	return typed_locale(locale) != NULL;
}

/* What a character means, or itself. */
static uint32_t plain(uint32_t c)
{
	static const struct {
		uint32_t first, last, to; /* to + (c - first) */
	} ranges[] = {
		{ 0xff01, 0xff5e, '!' },
		{ 0x660, 0x669, '0' },
		{ 0x6f0, 0x6f9, '0' },
		{ 0x966, 0x96f, '0' },
	};
	static const struct {
		uint32_t c, to;
	} others[] = {
		{ 0xa0, ' ' },
		{ 0x2007, ' ' },
		{ 0x2009, ' ' },
		{ 0x200a, ' ' },
		{ 0x202f, ' ' },
		{ 0x3000, ' ' },
		{ '\t', ' ' },
		{ '\n', ' ' },
		{ '\r', ' ' },
		{ 0x2010, '-' },
		{ 0x2011, '-' },
		{ 0x2012, '-' },
		{ 0x2013, '-' },
		{ 0x2014, '-' },
		{ 0x2212, '-' },
		{ 0x2019, '\'' },
		{ 0x66b, ',' },
		{ 0x66c, '\'' },
	};

	for (size_t i = 0; i < COUNT(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return ranges[i].to + (c - ranges[i].first);
	for (size_t i = 0; i < COUNT(others); i++)
		if (c == others[i].c)
			return others[i].to;
	return c;
}

/* Characters that are not seen and part nothing. */
static bool is_invisible(uint32_t c)
{
	return c == 0xad || c == 0xfeff || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

struct str typed_plain(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT(4 * TYPED_TEXT_MAX);
	struct str out;
	uint32_t c;
	size_t n;

	s = str_sub(s, 0, TYPED_TEXT_MAX + 1);
	for (; s.len; s = str_sub(s, n, SIZE_MAX)) {
		n = utf8_next(s, &c);
		if (n == 0)
			break;
		c = plain(c);
		if (is_invisible(c) ||
			(c == ' ' && (!b.len || b.p[b.len - 1] == ' ')))
			continue;
		utf8_add(&b, c);
	}
	out = arena_str(a, str_trim(buf_view(&b)));
	buf_fini(&b);
	return out;
}

/* ---- style ------------------------------------------------------------ */

/* "13/04/2024" and "04-13-24" show which of day and month is first. */
static void learn_date(struct typed_style *style, struct str s)
{
	unsigned n[3] = { 0 };
	size_t at = 0, digits;
	char separator = 0;

	for (int i = 0; i < 3; i++) {
		for (digits = 0;
			at < s.len && str_is_digit(s.p[at]) && digits < 4;
			digits++, at++)
			n[i] = n[i] * 10 + (unsigned)(s.p[at] - '0');
		if (digits == 0 || (i < 2 && digits > 2))
			return;
		if (i < 2 && (at >= s.len || !strchr("/-", s.p[at]) ||
				     (i == 1 && s.p[at] != separator)))
			return;
		separator = i < 2 ? s.p[at++] : separator;
	}
	if (n[0] > 12 && n[0] <= 31 && n[1] >= 1 && n[1] <= 12)
		style->day_first++;
	else if (n[1] > 12 && n[1] <= 31 && n[0] >= 1 && n[0] <= 12)
		style->month_first++;
}

void typed_learn(struct typed_style *style, struct str text)
{
	size_t i = 0;

	text = str_sub(text, 0, TYPED_LEARN_MAX);
	while (i < text.len) {
		struct str rest = str_sub(text, i, TYPED_TEXT_MAX);
		int shows;

		if (!str_is_digit(text.p[i])) {
			i++;
			continue;
		}
		shows = typed_shows_decimal(rest);
		style->comma_is_decimal += shows > 0;
		style->point_is_decimal += shows < 0;
		learn_date(style, rest);
		while (i < text.len &&
			(str_is_digit(text.p[i]) || strchr(".,'/-", text.p[i])))
			i++;
	}
}

/* ---- reading ---------------------------------------------------------- */

static const char *read_integer(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out)
{
	const char *why = typed_number(a, s, o, out);
	ssize_t point = why ? -1 : str_chr(*out, '.');

	if (why || point < 0)
		return why;
	for (size_t i = (size_t)point + 1; i < out->len; i++)
		if (out->p[i] != '0')
			return "is no whole number";
	*out = str_sub(*out, 0, (size_t)point);
	return NULL;
}

/* "on" and "off" of forms, and yes and no in the languages of mails. */
static const char *read_boolean(struct str s, struct str *out)
{
	static const char *const yes[] = { "true", "yes", "y", "1", "on", "x",
		"ja", "oui", "si", "s\xc3\xad", "s\xc3\xac", "sim", "tak",
		"ano", "kyll\xc3\xa4", "evet", "igen", "da", "\xd0\xb4\xd0\xb0",
		"\xe3\x81\xaf\xe3\x81\x84", "\xe6\x98\xaf", "\xe2\x9c\x93",
		"\xe2\x9c\x94", "wahr", "vrai" };
	static const char *const no[] = { "false", "no", "n", "0", "off",
		"nein", "nee", "non", "n\xc3\xa3o", "nao", "nie", "ne", "nej",
		"nei", "ei", "hay\xc4\xb1r", "nem", "nu",
		"\xd0\xbd\xd0\xb5\xd1\x82",
		"\xe3\x81\x84\xe3\x81\x84\xe3\x81\x88", "\xe5\x90\xa6",
		"\xe2\x9c\x97", "\xe2\x9c\x98", "falsch", "faux", "-" };

	for (size_t i = 0; i < COUNT(yes); i++)
		if (str_eq_case(s, str_c(yes[i]))) {
			*out = STR("true");
			return NULL;
		}
	for (size_t i = 0; i < COUNT(no); i++)
		if (str_eq_case(s, str_c(no[i]))) {
			*out = STR("false");
			return NULL;
		}
	return "is neither yes nor no";
}

static bool is_address_byte(char c)
{
	return str_is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c & 0x80) ||
	       strchr("!#$%&'*+-/=?^_`{|}~.", c);
}

/* The only address in the text; two could be either. */
static const char *read_email(struct arena *a, struct str s, struct str *out)
{
	ssize_t at = str_chr(s, '@');
	size_t from, to;
	struct str domain;

	if (at <= 0)
		return "is no address";
	if (str_chr(str_sub(s, (size_t)at + 1, SIZE_MAX), '@') >= 0)
		return "has two addresses";
	for (from = (size_t)at; from > 0 && is_address_byte(s.p[from - 1]);)
		from--;
	for (to = (size_t)at + 1;
		to < s.len && is_address_byte(s.p[to]) && s.p[to] != '/';)
		to++;
	while (to > (size_t)at + 1 && strchr(".!?'", s.p[to - 1]))
		to--;
	while (from < (size_t)at && strchr(".'", s.p[from]))
		from++;
	domain = str_sub(s, (size_t)at + 1, to - (size_t)at - 1);
	if (from == (size_t)at || str_chr(domain, '.') <= 0)
		return "is no address";
	*out = arena_str(a, str_sub(s, from, to - from));
	return NULL;
}

bool typed_read(struct arena *a, enum typed_type type, struct str text,
	const struct typed_options *o, struct typed_value *out)
{
	struct str s = typed_plain(a, text);

	*out = (struct typed_value){ STR(""), STR(""), NULL };
	if (type == TYPED_TEXT) {
		out->value = arena_str(a, str_trim(text));
		return out->value.len > 0;
	}
	if (!s.len)
		out->why = "is empty";
	else if (s.len > TYPED_TEXT_MAX)
		out->why = "is too long";
	else if (type == TYPED_INTEGER)
		out->why = read_integer(a, s, o, &out->value);
	else if (type == TYPED_NUMBER)
		out->why = typed_number(a, s, o, &out->value);
	else if (type == TYPED_MONEY)
		out->why = typed_money(a, s, o, &out->value, &out->currency);
	else if (type == TYPED_BOOLEAN)
		out->why = read_boolean(s, &out->value);
	else if (type == TYPED_EMAIL)
		out->why = read_email(a, s, &out->value);
	else if (type == TYPED_PHONE)
		out->why = typed_phone(a, s, o, &out->value);
	else if (type == TYPED_URL)
		out->why = typed_url(a, s, &out->value);
	else
		out->why = typed_date(
			a, s, o, type == TYPED_DATETIME, &out->value);
	if (out->why) {
		out->value = STR("");
		out->currency = STR("");
	}
	return !out->why;
}
