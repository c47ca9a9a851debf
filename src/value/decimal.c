/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decimal.c - exact decimal arithmetic on 128 bits, every overflow seen. */
#include <mailmill/decimal.h>
#include <mailmill/str.h>

#define DIVIDE_SCALE 12

static __int128 power_of_ten(unsigned n)
{
	__int128 p = 1;

	must(n <= DECIMAL_DIGITS_MAX + 1);
	while (n--)
		p *= 10;
	return p;
}

static __int128 absolute(__int128 n)
{
	return n < 0 ? -n : n;
}

/* Stores a result that has room. */
static int give(__int128 digits, unsigned scale, struct decimal *out)
{
	if (absolute(digits) >= power_of_ten(DECIMAL_DIGITS_MAX))
		return -1;
	*out = (struct decimal){ digits, scale };
	return 0;
}

struct decimal decimal_of(int64_t n)
{
	return (struct decimal){ n, 0 };
}

int decimal_read(struct str s, struct decimal *out)
{
	bool is_negative = false, has_point = false;
	unsigned n_digits = 0, scale = 0;
	__int128 digits = 0;
	size_t i = 0;

	if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
		is_negative = s.p[i++] == '-';
	for (; i < s.len; i++) {
		if (s.p[i] == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		digits = digits * 10 + (s.p[i] - '0');
		n_digits++;
		scale += has_point;
		if (absolute(digits) >= power_of_ten(DECIMAL_DIGITS_MAX) ||
			scale > DECIMAL_SCALE_MAX)
			return -1;
	}
	if (!n_digits)
		return -1;
	return give(is_negative ? -digits : digits, scale, out);
}

struct str decimal_print(struct arena *a, struct decimal d)
{
	char text[DECIMAL_TEXT_MAX], *end = text + sizeof(text), *p = end;
	__int128 rest = absolute(d.digits);
	unsigned n = 0;

	do {
		if (n && n == d.scale)
			*--p = '.';
		*--p = (char)('0' + (int)(rest % 10));
		rest /= 10;
		n++;
	} while (rest || n <= d.scale);
	if (d.digits < 0)
		*--p = '-';
	return arena_str(a, str_n(p, (size_t)(end - p)));
}

/* Brings two numbers to one scale. */
static int align(struct decimal *a, struct decimal *b)
{
	struct decimal *low = a->scale < b->scale ? a : b;
	unsigned scale = MAX(a->scale, b->scale);
	__int128 digits;

	if (__builtin_mul_overflow(
		    low->digits, power_of_ten(scale - low->scale), &digits))
		return -1;
	*low = (struct decimal){ digits, scale };
	return 0;
}

int decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
	__int128 sum;

	if (align(&a, &b) || __builtin_add_overflow(a.digits, b.digits, &sum))
		return -1;
	return give(sum, a.scale, out);
}

int decimal_subtract(struct decimal a, struct decimal b, struct decimal *out)
{
	b.digits = -b.digits;
	return decimal_add(a, b, out);
}

int decimal_multiply(struct decimal a, struct decimal b, struct decimal *out)
{
	struct decimal product;

	a = decimal_shorten(a);
	b = decimal_shorten(b);
	if (__builtin_mul_overflow(a.digits, b.digits, &product.digits))
		return -1;
	product.scale = a.scale + b.scale;
	if (product.scale > DECIMAL_SCALE_MAX)
		product = decimal_shorten(product);
	if (product.scale > DECIMAL_SCALE_MAX)
		return -1;
	return give(product.digits, product.scale, out);
}

/* Rounds digits / by to a whole number. */
static __int128 quotient(
	__int128 digits, __int128 by, enum decimal_rounding how)
{
	__int128 q = digits / by, rest = absolute(digits % by);
	__int128 half = absolute(by) - rest; /* rest >= half: half or more */
	bool is_away = false;

	if (how == DECIMAL_UP)
		is_away = rest > 0;
	else if (how == DECIMAL_HALF_UP)
		is_away = rest >= half;
	else if (how == DECIMAL_HALF_EVEN)
		is_away = rest > half || (rest == half && q % 2 != 0);
	if (!is_away || rest == 0)
		return q;
	return (digits < 0) != (by < 0) ? q - 1 : q + 1;
}

int decimal_divide(struct decimal a, struct decimal b, struct decimal *out)
{
	__int128 digits, by = b.digits;
	unsigned more = DIVIDE_SCALE + b.scale;

	if (by == 0)
		return -1;
	if (more >= a.scale) {
		more -= a.scale;
		if (more > DECIMAL_DIGITS_MAX ||
			__builtin_mul_overflow(
				a.digits, power_of_ten(more), &digits))
			return -1;
	} else {
		digits = a.digits;
		if (__builtin_mul_overflow(
			    by, power_of_ten(a.scale - more), &by))
			return -1;
	}
	if (give(quotient(digits, by, DECIMAL_HALF_UP), DIVIDE_SCALE, out))
		return -1;
	*out = decimal_shorten(*out);
	return 0;
}

int decimal_compare(struct decimal a, struct decimal b)
{
	a = decimal_shorten(a);
	b = decimal_shorten(b);
	if (align(&a, &b)) {
		/* the one with fewer digits behind the point is too great */
		bool is_a = a.scale < b.scale;
		bool is_negative = (is_a ? a : b).digits < 0;

		return is_a != is_negative ? 1 : -1;
	}
	return (a.digits > b.digits) - (a.digits < b.digits);
}

int decimal_round(struct decimal d, unsigned scale, enum decimal_rounding how,
	struct decimal *out)
{
	must(scale <= DECIMAL_SCALE_MAX);
	if (scale >= d.scale) {
		struct decimal zero = { 0, scale };

		return align(&d, &zero) ? -1 : give(d.digits, scale, out);
	}
	return give(quotient(d.digits, power_of_ten(d.scale - scale), how),
		scale, out);
}

struct decimal decimal_shorten(struct decimal d)
{
	while (d.scale && d.digits % 10 == 0) {
		d.digits /= 10;
		d.scale--;
	}
	return d;
}
