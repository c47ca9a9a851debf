/* SPDX-License-Identifier: GPL-3.0-or-later */
/* typed_private.h - what the readers of typed.h share. */
#ifndef MAILMILL_VALUE_TYPED_PRIVATE_H
#define MAILMILL_VALUE_TYPED_PRIVATE_H

#include <mailmill/str.h>
#include <mailmill/typed.h>

/* What a locale prefers, where a text leaves it open. */
struct locale {
	const char *name;   /* "de", or "de-CH" for what differs there */
	bool comma_decimal; /* 1.234,56 */
	bool month_first;   /* 04/13/2024 */
};
/* Finds the row for "de-AT", "de_AT" or "de". Returns: or NULL. */
const struct locale *typed_locale(struct str name);

/*
 * Makes plain text of what means the same: full-width and Arabic digits, all
 * kinds of blanks and minus signs. Gives: in `a`.
 */
struct str typed_plain(struct arena *a, struct str s);

/* Each reads a plain, trimmed text. Returns: NULL, or why it is none. */
const char *typed_number(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out);
const char *typed_money(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out, struct str *currency);
const char *typed_date(struct arena *a, struct str s,
	const struct typed_options *o, bool with_time, struct str *out);
const char *typed_phone(struct arena *a, struct str s,
	const struct typed_options *o, struct str *out);
const char *typed_url(struct arena *a, struct str s, struct str *out);

/*
 * Tells what the separators of a number show: 1 the comma is the decimal one,
 * -1 the point is, 0 nothing. `s` begins with a digit.
 */
int typed_shows_decimal(struct str s);

#endif
