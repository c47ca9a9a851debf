/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str.c - borrowed runs of bytes. */
#include <strings.h>

#include <mailmill/str.h>
#include <mailmill/mem.h>

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

int str_cmp(struct str a, struct str b)
{
	size_t len = MIN(a.len, b.len);
	int c = len ? memcmp(a.p, b.p, len) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

int str_cmp_case(struct str a, struct str b)
{
	size_t len = MIN(a.len, b.len);

	for (size_t i = 0; i < len; i++) {
		int c = lower(a.p[i]) - lower(b.p[i]);
		if (c)
			return c;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool str_eq_case(struct str a, struct str b)
{
	return a.len == b.len && str_cmp_case(a, b) == 0;
}

bool str_starts(struct str s, struct str with)
{
	return s.len >= with.len && str_eq(str_n(s.p, with.len), with);
}

bool str_starts_case(struct str s, struct str with)
{
	return s.len >= with.len && str_eq_case(str_n(s.p, with.len), with);
}

bool str_ends(struct str s, struct str with)
{
	return s.len >= with.len &&
	       str_eq(str_n(s.p + s.len - with.len, with.len), with);
}

ssize_t str_chr(struct str s, char c)
{
	const char *at = s.len ? memchr(s.p, c, s.len) : NULL;

	return at ? at - s.p : -1;
}

ssize_t str_rchr(struct str s, char c)
{
	const char *at = s.len ? memrchr(s.p, c, s.len) : NULL;

	return at ? at - s.p : -1;
}

ssize_t str_find(struct str s, struct str what)
{
	const char *at;

	if (what.len == 0)
		return 0;
	if (what.len > s.len)
		return -1;
	at = memmem(s.p, s.len, what.p, what.len);
	return at ? at - s.p : -1;
}

ssize_t str_find_case(struct str s, struct str what)
{
	if (what.len == 0)
		return 0;
	for (size_t i = 0; i + what.len <= s.len; i++)
		if (lower(s.p[i]) == lower(what.p[0]) &&
			str_eq_case(str_n(s.p + i, what.len), what))
			return (ssize_t)i;
	return -1;
}

struct str str_sub(struct str s, size_t from, size_t len)
{
	if (from >= s.len)
		return str_n(s.p ? s.p + s.len : NULL, 0);
	return str_n(s.p + from, MIN(len, s.len - from));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.p[0]))
		s = str_n(s.p + 1, s.len - 1);
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

bool str_cut(struct str *rest, char sep, struct str *piece)
{
	ssize_t at;

	if (!rest->p)
		return false;
	at = str_chr(*rest, sep);
	if (at < 0) {
		*piece = *rest;
		*rest = STR_NULL;
		return true;
	}
	*piece = str_n(rest->p, (size_t)at);
	*rest = str_n(rest->p + at + 1, rest->len - (size_t)at - 1);
	return true;
}

bool str_cut_line(struct str *rest, struct str *line)
{
	ssize_t at;

	if (rest->len == 0)
		return false;
	at = str_chr(*rest, '\n');
	if (at < 0) {
		*line = *rest;
		*rest = str_n(rest->p + rest->len, 0);
	} else {
		*line = str_n(rest->p, (size_t)at);
		*rest = str_n(rest->p + at + 1, rest->len - (size_t)at - 1);
	}
	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

int str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';
		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	if (v > max)
		return -1;
	*out = v;
	return 0;
}

int str_to_i64(struct str s, int64_t *out)
{
	bool is_negative = s.len && s.p[0] == '-';
	uint64_t v;

	if (str_to_u64(is_negative ? str_sub(s, 1, s.len) : s, INT64_MAX, &v))
		return -1;
	*out = is_negative ? -(int64_t)v : (int64_t)v;
	return 0;
}

char *str_dup(struct str s)
{
	char *p = mem_new(s.len + 1);

	if (s.len)
		memcpy(p, s.p, s.len);
	return p;
}

#define NEAREST_LEN_MAX 64

/*
 * Edit distance, two swapped letters counting once, as people type them. Three
 * rows of memory; long names are not compared.
 */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][NEAREST_LEN_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *last = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);

			row[j] = MIN(last[j - 1] + (x != y),
				MIN(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == lower(b.p[j - 2]) &&
				y == lower(a.p[i - 2]))
				row[j] = MIN(
					row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

ssize_t str_nearest(struct str s, const char *const *names, size_t n_names)
{
	size_t best = s.len / 3 + 1; /* a third of it may be wrong */
	ssize_t found = -1;

	if (s.len > NEAREST_LEN_MAX)
		return -1;
	for (size_t i = 0; i < n_names; i++) {
		struct str name = str_c(names[i]);
		size_t d;
		if (name.len > NEAREST_LEN_MAX)
			continue;
		d = distance(s, name);
		if (d < best || (d == best && found < 0 && d < s.len)) {
			best = d;
			found = (ssize_t)i;
		}
	}
	return found;
}
