/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decimal.h - exact numbers with a decimal point, as people and money use.
 *
 * A number is digits and a scale: 12.50 is 1250 with scale 2. Sums and products
 * are exact; what would need more digits than there is room for is an error,
 * never a nearby number. A quotient is rounded, as it must be.
 */
#ifndef MAILMILL_DECIMAL_H
#define MAILMILL_DECIMAL_H

#include <mailmill/base.h>
#include <mailmill/mem.h>

#define DECIMAL_DIGITS_MAX 36 /* all of a number's */
#define DECIMAL_SCALE_MAX 18  /* behind the point */
#define DECIMAL_TEXT_MAX 42   /* bytes that decimal_print() needs */

struct decimal {
	__int128 digits; /* with the sign */
	unsigned scale;	 /* how many stand behind the point */
};

enum decimal_rounding {
	DECIMAL_HALF_UP,   /* away from zero: what people learn at school */
	DECIMAL_HALF_EVEN, /* what banks do */
	DECIMAL_DOWN,	   /* towards zero */
	DECIMAL_UP,	   /* away from zero */
};

/*
 * Reads "-12.50": digits, at most one point, a sign in front; nothing else.
 * Returns: 0, or -1: it is no such number, or there is no room for it.
 */
MUST_CHECK int decimal_read(struct str s, struct decimal *out);
/* Writes it as it is, with its scale: "12.50". Gives: in `a`. */
struct str decimal_print(struct arena *a, struct decimal d);

/* Each returns 0, or -1: there is no room for the exact result. */
MUST_CHECK int decimal_add(
	struct decimal a, struct decimal b, struct decimal *out);
MUST_CHECK int decimal_subtract(
	struct decimal a, struct decimal b, struct decimal *out);
/* Note: digits behind DECIMAL_SCALE_MAX must be zero. */
MUST_CHECK int decimal_multiply(
	struct decimal a, struct decimal b, struct decimal *out);
/*
 * Divides, to 12 digits behind the point, rounded half up, without zeros at the
 * end. Returns: 0, or -1: b is zero, or there is no room.
 */
MUST_CHECK int decimal_divide(
	struct decimal a, struct decimal b, struct decimal *out);
/* Compares. Returns: negative, 0 or positive. */
int decimal_compare(struct decimal a, struct decimal b);
/*
 * Gives it a scale of at most DECIMAL_SCALE_MAX, rounded where digits go.
 * Returns: 0, or -1: there is no room for the zeros.
 */
MUST_CHECK int decimal_round(struct decimal d, unsigned scale,
	enum decimal_rounding how, struct decimal *out);
/* Drops zeros at the end of the fraction. */
struct decimal decimal_shorten(struct decimal d);
/* Makes one of a whole number. */
struct decimal decimal_of(int64_t n);

#endif
