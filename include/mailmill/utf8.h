/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8.h - UTF-8 (RFC 3629): checking, mending, counting, cutting. */
#ifndef MAILMILL_UTF8_H
#define MAILMILL_UTF8_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/mem.h>

/* Tells whether all of s is valid UTF-8 (NUL and controls are). */
bool utf8_is_valid(struct str s);
/* Copies, with U+FFFD for each run of bytes that is not valid. */
struct str utf8_mend(struct arena *a, struct str s);
/* Counts code points; a byte that begins none counts as one. */
size_t utf8_count(struct str s);
/* Counts UTF-16 units, in which Salesforce measures its fields. */
size_t utf8_count_utf16(struct str s);
/*
 * Lends the longest front of s with at most `max` bytes that does not cut a
 * character in half.
 */
struct str utf8_cut(struct str s, size_t max);
/* The same with at most `max` UTF-16 units. */
struct str utf8_cut_utf16(struct str s, size_t max);
/* Adds a code point. Returns: 0, or -1 when it is none or over the limit. */
int utf8_add(struct buf *b, uint32_t code);
/*
 * Reads a code point at s.p. Returns: its length in bytes, or 0 when s is
 * empty or no valid sequence begins there.
 */
size_t utf8_next(struct str s, uint32_t *code);

#endif
