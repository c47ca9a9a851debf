/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wire.h - numbers and strings in a row of bytes, for what processes tell each
 * other and for what is kept in the store. Numbers are little-endian, strings
 * have a 4-byte length. A reader treats its bytes as hostile: it never reads
 * past the end, and one flag tells at the end whether all was there.
 */
#ifndef MAILMILL_WIRE_H
#define MAILMILL_WIRE_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/mem.h>

/* Adds to b; over its limit, buf_is_over() tells. */
void wire_u8(struct buf *b, uint8_t v);
void wire_u32(struct buf *b, uint32_t v);
void wire_u64(struct buf *b, uint64_t v);
void wire_str(struct buf *b, struct str s);
/* Adds the count, then each. */
void wire_strs(struct buf *b, const struct str *s, size_t n);

/* Reads from `in`; after the first thing that is missing is_bad is set and
 * all further reads give zero or the null string. */
struct wire_in {
	struct str in;
	bool is_bad;
};

uint8_t wire_get_u8(struct wire_in *w);
uint32_t wire_get_u32(struct wire_in *w);
uint64_t wire_get_u64(struct wire_in *w);
/* Lends a piece of the input. */
struct str wire_get_str(struct wire_in *w);
/*
 * Reads a count of things that take at least `least` bytes each, so that a
 * forged count can not make a reader allocate more than the input could hold.
 */
uint32_t wire_get_count(struct wire_in *w, size_t least);
/* Tells whether all was there and nothing is left. */
bool wire_is_done(const struct wire_in *w);

#endif
