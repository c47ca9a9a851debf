/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str.h - a borrowed run of bytes with its length; nothing here allocates. */
#ifndef MAILMILL_STR_H
#define MAILMILL_STR_H

#include <string.h>

#include <mailmill/base.h>

/* Lends bytes that live elsewhere; may hold NUL. p may be NULL when len is 0.
 */
struct str {
	const char *p;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NULL ((struct str){ NULL, 0 })
/* For printf("%.*s"): width and pointer. */
#define STR_ARG(s) ((int)MIN((s).len, (size_t)INT32_MAX)), ((s).p ? (s).p : "")

/* Wraps a C string; NULL gives the null string. */
static inline struct str str_c(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

/* Wraps `len` bytes at p. */
static inline struct str str_n(const char *p, size_t len)
{
	return (struct str){ p, len };
}

/* Tells whether it is one of ASCII's digits. */
static inline bool str_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Tells whether both hold the same bytes. */
bool str_eq(struct str a, struct str b);
/* Tells whether both are the same but for the case of ASCII letters. */
bool str_eq_case(struct str a, struct str b);
/* Compares bytes as memcmp does, the shorter first. Returns: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/* Compares without the case of ASCII letters. Returns: <0, 0, >0. */
int str_cmp_case(struct str a, struct str b);
/* Tells whether s begins with `with`. */
bool str_starts(struct str s, struct str with);
/* The same without the case of ASCII letters. */
bool str_starts_case(struct str s, struct str with);
/* Tells whether s ends with `with`. */
bool str_ends(struct str s, struct str with);
/* Finds a byte. Returns: its offset, or -1. */
ssize_t str_chr(struct str s, char c);
/* Finds the last such byte. Returns: its offset, or -1. */
ssize_t str_rchr(struct str s, char c);
/* Finds a substring; the empty one is at 0. Returns: its offset, or -1. */
ssize_t str_find(struct str s, struct str what);
/* The same without the case of ASCII letters. */
ssize_t str_find_case(struct str s, struct str what);
/* Lends the piece from `from`, at most `len` bytes; both are clamped. */
struct str str_sub(struct str s, size_t from, size_t len);
/* Lends s without SP, HTAB, CR, LF at both ends. */
struct str str_trim(struct str s);
/*
 * Cuts the piece before the first `sep` off *rest, and both off it.
 * Returns: true, or false when *rest was already at its end (null string).
 * Note:    "a,,b" has three pieces, "" has one.
 */
bool str_cut(struct str *rest, char sep, struct str *piece);
/* Cuts a line off *rest, without its LF or CRLF. Returns: false at the end. */
bool str_cut_line(struct str *rest, struct str *line);
/*
 * Reads a decimal number that fills s entirely.
 * Returns: 0, or -1 when s is empty, has other bytes, or is above `max`.
 */
MUST_CHECK int str_to_u64(struct str s, uint64_t max, uint64_t *out);
/* Reads an optionally negative decimal that fills s. Returns: 0 or -1. */
MUST_CHECK int str_to_i64(struct str s, int64_t *out);
/* Copies to the heap with a NUL behind. Gives: the copy, by free(). */
char *str_dup(struct str s);
/*
 * Finds the name in a list that is nearest by edit distance, for "did you
 * mean". Returns: an index, or -1 when none is near.
 */
ssize_t str_nearest(struct str s, const char *const *names, size_t n_names);

#endif
