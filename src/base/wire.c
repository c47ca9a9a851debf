/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wire.c - numbers and strings in a row of bytes. */
#include <mailmill/wire.h>

static void put(struct buf *b, uint64_t v, size_t n)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(v >> (8 * i));
	buf_add(b, bytes, n);
}

void wire_u8(struct buf *b, uint8_t v)
{
	put(b, v, 1);
}

void wire_u32(struct buf *b, uint32_t v)
{
	put(b, v, 4);
}

void wire_u64(struct buf *b, uint64_t v)
{
	put(b, v, 8);
}

void wire_str(struct buf *b, struct str s)
{
	must(s.len <= UINT32_MAX);
	wire_u32(b, (uint32_t)s.len);
	buf_str(b, s);
}

void wire_strs(struct buf *b, const struct str *s, size_t n)
{
	must(n <= UINT32_MAX);
	wire_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wire_str(b, s[i]);
}

static struct str cut(struct wire_in *w, size_t n)
{
	struct str piece;

	if (w->is_bad || n > w->in.len) {
		w->is_bad = true;
		return STR_NULL;
	}
	piece = str_n(w->in.p, n);
	w->in = str_n(w->in.p + n, w->in.len - n);
	return piece;
}

static uint64_t get(struct wire_in *w, size_t n)
{
	struct str bytes = cut(w, n);
	uint64_t v = 0;

	for (size_t i = 0; i < bytes.len; i++)
		v |= (uint64_t)(unsigned char)bytes.p[i] << (8 * i);
	return v;
}

uint8_t wire_get_u8(struct wire_in *w)
{
	return (uint8_t)get(w, 1);
}

uint32_t wire_get_u32(struct wire_in *w)
{
	return (uint32_t)get(w, 4);
}

uint64_t wire_get_u64(struct wire_in *w)
{
	return get(w, 8);
}

struct str wire_get_str(struct wire_in *w)
{
	return cut(w, wire_get_u32(w));
}

uint32_t wire_get_count(struct wire_in *w, size_t least)
{
	uint32_t n = wire_get_u32(w);

	if (n > w->in.len / MAX(least, 1)) {
		w->is_bad = true;
		return 0;
	}
	return n;
}

bool wire_is_done(const struct wire_in *w)
{
	return !w->is_bad && w->in.len == 0;
}
