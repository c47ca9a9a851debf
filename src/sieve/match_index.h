/* SPDX-License-Identifier: GPL-3.0-or-later */
/* match_index.h - finds the keys that can fit a value without trying each. */
#ifndef SIEVE_MATCH_INDEX_H
#define SIEVE_MATCH_INDEX_H

#include <mailmill/base.h>
#include <mailmill/mem.h>

enum sieve_index_kind {
	SIEVE_INDEX_NONE,
	SIEVE_INDEX_IS,
	SIEVE_INDEX_CONTAINS,
	SIEVE_INDEX_MATCHES,
};

/* Fewer keys than this are tried one after the other. */
#define SIEVE_INDEX_KEYS_MIN 6

struct sieve_index;

/* Makes an index of keys in normal form. Lends: in `a`, as are the keys. */
struct sieve_index *sieve_index_new(struct arena *a, enum sieve_index_kind kind,
	const struct str *keys, size_t n);

/*
 * Tells whether any key fits a value in normal form; of an index of the kinds
 * IS and CONTAINS.
 */
bool sieve_index_fits(const struct sieve_index *x, struct str value);

/*
 * Lists keys that may fit, in order; those left out do not. Of an index of
 * the kind MATCHES. Gives: *out, by free(). Returns: the count.
 */
size_t sieve_index_find(
	const struct sieve_index *x, struct str value, uint32_t **out);

#endif
