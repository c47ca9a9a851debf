/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8.c - UTF-8 (RFC 3629). */
#include <mailmill/utf8.h>

size_t utf8_next(struct str s, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t c, least;
	size_t len;

	if (s.len == 0)
		return 0;
	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
		c = p[0] & 0x1f;
		least = 0x80;
	} else if ((p[0] & 0xf0) == 0xe0) {
		len = 3;
		c = p[0] & 0x0f;
		least = 0x800;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		c = p[0] & 0x07;
		least = 0x10000;
	} else {
		return 0;
	}
	if (s.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return len;
}

static struct str skip(struct str s, size_t n)
{
	return str_n(s.p + n, s.len - n);
}

bool utf8_is_valid(struct str s)
{
	uint32_t code;

	while (s.len) {
		size_t n;
		/* most mail is ASCII: eight bytes at a time */
		while (s.len >= 8) {
			uint64_t word;
			memcpy(&word, s.p, 8);
			if (word & 0x8080808080808080ULL)
				break;
			s = skip(s, 8);
		}
		if (s.len == 0)
			break;
		n = utf8_next(s, &code);
		if (n == 0)
			return false;
		s = skip(s, n);
	}
	return true;
}

struct str utf8_mend(struct arena *a, struct str s)
{
	char *to, *begin;
	bool was_bad = false;
	uint32_t code;

	if (utf8_is_valid(s))
		return arena_str(a, s);
	begin = to = arena_alloc(a, s.len * 3 + 1);
	while (s.len) {
		size_t n = utf8_next(s, &code);
		if (n) {
			memcpy(to, s.p, n);
			to += n;
			was_bad = false;
		} else {
			n = 1;
			if (!was_bad) {
				memcpy(to, "\xef\xbf\xbd", 3);
				to += 3;
			}
			was_bad = true;
		}
		s = skip(s, n);
	}
	return str_n(begin, (size_t)(to - begin));
}

static size_t count(struct str s, bool is_utf16)
{
	size_t total = 0;
	uint32_t code;

	while (s.len) {
		size_t n = utf8_next(s, &code);
		total += 1 + (is_utf16 && n == 4);
		s = skip(s, n ? n : 1);
	}
	return total;
}

size_t utf8_count(struct str s)
{
	return count(s, false);
}

size_t utf8_count_utf16(struct str s)
{
	return count(s, true);
}

struct str utf8_cut(struct str s, size_t max)
{
	size_t len = max;

	if (s.len <= max)
		return s;
	for (int i = 0; i < 3 && len > 0 && (s.p[len] & 0xc0) == 0x80; i++)
		len--;
	if ((s.p[len] & 0xc0) == 0x80) /* no character at all */
		len = max;
	return str_n(s.p, len);
}

struct str utf8_cut_utf16(struct str s, size_t max)
{
	struct str rest = s;
	size_t units = 0;
	uint32_t code;

	while (rest.len) {
		size_t n = utf8_next(rest, &code);
		units += n == 4 ? 2 : 1;
		if (units > max)
			break;
		rest = skip(rest, n ? n : 1);
	}
	return str_n(s.p, s.len - rest.len);
}

int utf8_add(struct buf *b, uint32_t c)
{
	unsigned char p[4];
	size_t n;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	if (c < 0x80) {
		p[0] = (unsigned char)c;
		n = 1;
	} else if (c < 0x800) {
		p[0] = (unsigned char)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		p[0] = (unsigned char)(0xe0 | c >> 12);
		n = 3;
	} else {
		p[0] = (unsigned char)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		p[i] = (unsigned char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
	return buf_add(b, p, n);
}
