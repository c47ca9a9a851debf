/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phone.c - phone numbers as people write them, made E.164 (ITU-T E.164).
 *
 * With "+" or "00" the country is told. Without, the default country's code is
 * put in front and its trunk prefix dropped. An extension is no part of E.164:
 * it is dropped. Lengths are checked as far as E.164 and the country tell.
 */
#include <mailmill/buf.h>

#include "typed_private.h"

#define E164_MAX 15
#define E164_MIN 7

/* Country, its code, what stands in front of a number within, its lengths
 * (without the prefix). */
static const struct country {
	const char *name, *code, *trunk, *exit;
	unsigned least, most;
} countries[] = {
	{ "AE", "971", "0", "00", 8, 9 },
	{ "AR", "54", "0", "00", 10, 11 },
	{ "AT", "43", "0", "00", 4, 13 },
	{ "AU", "61", "0", "0011", 9, 9 },
	{ "BE", "32", "0", "00", 8, 9 },
	{ "BG", "359", "0", "00", 7, 9 },
	{ "BR", "55", "0", "00", 10, 11 },
	{ "CA", "1", "1", "011", 10, 10 },
	{ "CH", "41", "0", "00", 9, 9 },
	{ "CL", "56", "", "00", 9, 9 },
	{ "CN", "86", "0", "00", 10, 11 },
	{ "CO", "57", "", "00", 8, 10 },
	{ "CZ", "420", "", "00", 9, 9 },
	{ "DE", "49", "0", "00", 5, 13 },
	{ "DK", "45", "", "00", 8, 8 },
	{ "EE", "372", "", "00", 7, 8 },
	{ "ES", "34", "", "00", 9, 9 },
	{ "FI", "358", "0", "00", 5, 12 },
	{ "FR", "33", "0", "00", 9, 9 },
	{ "GB", "44", "0", "00", 9, 10 },
	{ "GR", "30", "", "00", 10, 10 },
	{ "HK", "852", "", "001", 8, 8 },
	{ "HR", "385", "0", "00", 8, 9 },
	{ "HU", "36", "06", "00", 8, 9 },
	{ "IE", "353", "0", "00", 7, 9 },
	{ "IL", "972", "0", "00", 8, 9 },
	{ "IN", "91", "0", "00", 10, 10 },
	{ "IT", "39", "", "00", 6, 11 },
	{ "JP", "81", "0", "010", 9, 10 },
	{ "KR", "82", "0", "00", 8, 10 },
	{ "LT", "370", "0", "00", 8, 8 },
	{ "LU", "352", "", "00", 4, 11 },
	{ "LV", "371", "", "00", 8, 8 },
	{ "MX", "52", "01", "00", 10, 10 },
	{ "NL", "31", "0", "00", 9, 9 },
	{ "NO", "47", "", "00", 8, 8 },
	{ "NZ", "64", "0", "00", 8, 10 },
	{ "PL", "48", "", "00", 9, 9 },
	{ "PT", "351", "", "00", 9, 9 },
	{ "RO", "40", "0", "00", 9, 9 },
	{ "RS", "381", "0", "00", 8, 9 },
	{ "RU", "7", "8", "810", 10, 10 },
	{ "SE", "46", "0", "00", 7, 9 },
	{ "SG", "65", "", "000", 8, 8 },
	{ "SI", "386", "0", "00", 8, 8 },
	{ "SK", "421", "0", "00", 9, 9 },
	{ "TR", "90", "0", "00", 10, 10 },
	{ "TW", "886", "0", "002", 8, 9 },
	{ "UA", "380", "0", "00", 9, 9 },
	{ "US", "1", "1", "011", 10, 10 },
	{ "ZA", "27", "0", "00", 9, 9 },
};

static const struct country *find_country(struct str name)
{
	for (size_t i = 0; i < COUNT(countries); i++)
		if (str_eq_case(name, str_c(countries[i].name)))
			return &countries[i];
	return NULL;
}

static const struct country *find_code(struct str digits)
{
	for (size_t i = 0; i < COUNT(countries); i++)
		if (str_starts(digits, str_c(countries[i].code)))
			return &countries[i];
	return NULL;
}

/* Where an extension begins: "ext. 12", "x12", "Durchwahl 3", "#3". */
static size_t find_extension(struct str s)
{
	static const char *const words[] = { "ext", "x", "#", "dw", "durchwahl",
		"poste", "int.", "kl", "anknytning" };

	for (size_t i = 1; i < s.len; i++)
		for (size_t k = 0; k < COUNT(words); k++)
			if (str_starts_case(
				    str_sub(s, i, SIZE_MAX), str_c(words[k])))
				return i;
	return s.len;
}

/* "Tel.:" and the like in front of the number. */
static struct str cut_label(struct str s)
{
	size_t i = 0;

	while (i < s.len && !str_is_digit(s.p[i]) && s.p[i] != '+' &&
		s.p[i] != '(')
		i++;
	for (size_t k = 0; k < i; k++)
		if (s.p[k] == '@' || s.p[k] == '/')
			return s;
	return str_sub(s, i, SIZE_MAX);
}

/* Keeps digits. Returns: false at what stands in no phone number. */
static bool take_digits(struct str s, struct buf *b)
{
	for (size_t i = 0; i < s.len; i++) {
		/* "+44 (0)20": the trunk prefix for those within */
		if (b->len && str_starts(str_sub(s, i, 3), STR("(0)"))) {
			i += 2;
			continue;
		}
		if (str_is_digit(s.p[i]))
			buf_byte(b, (unsigned char)s.p[i]);
		else if (!memchr(" ()-./", s.p[i], 6))
			return false;
	}
	return true;
}

const char *typed_phone(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out)
{
	const struct country *c = find_country(o->country);
	AUTO(buf) struct buf b = BUF_INIT(TYPED_TEXT_MAX);
	bool is_international;
	struct str digits;

	s = cut_label(s);
	s = str_trim(str_sub(s, 0, find_extension(s)));
	is_international = s.len && s.p[0] == '+';
	if (str_starts(s, STR("(+"))) {
		is_international = true;
		s = str_sub(s, 1, SIZE_MAX);
	}
	if (is_international)
		s = str_sub(s, 1, SIZE_MAX);
	if (!take_digits(s, &b) || !b.len)
		return "is no phone number";
	digits = buf_view(&b);
	if (!is_international) {
		const char *exit = c ? c->exit : "00";

		if (str_starts(digits, str_c(exit))) {
			digits = str_sub(digits, strlen(exit), SIZE_MAX);
			is_international = true;
		}
	}
	if (is_international) {
		c = find_code(digits);
		if (c)
			digits = str_sub(digits, strlen(c->code), SIZE_MAX);
	} else if (!c) {
		return "has no country code: :country would tell";
	} else if (c->trunk[0] && str_starts(digits, str_c(c->trunk))) {
		digits = str_sub(digits, strlen(c->trunk), SIZE_MAX);
	}
	if (c && (digits.len < c->least || digits.len > c->most))
		return "has too few or too many digits for its country";
	*out = str_c(
		arena_printf(a, "+%s%.*s", c ? c->code : "", STR_ARG(digits)));
	if (out->len - 1 < E164_MIN || out->len - 1 > E164_MAX)
		return "has too few or too many digits";
	return NULL;
}
