/* SPDX-License-Identifier: GPL-3.0-or-later */
/* regex.h - patterns with limits; match_regex.c is the home of PCRE2. */
#ifndef SIEVE_REGEX_H
#define SIEVE_REGEX_H

#include <mailmill/base.h>
#include <mailmill/str.h>

#define SIEVE_REGEX_PATTERN_MAX ((size_t)16 * 1024)
#define SIEVE_REGEX_ERROR_MAX 256

struct sieve_regex;

enum sieve_regex_flags {
	SIEVE_REGEX_CASELESS = 1 << 0,
	SIEVE_REGEX_MULTILINE = 1 << 1, /* ^ and $ at line ends, too */
	SIEVE_REGEX_BYTES = 1 << 2,	/* no UTF-8: "." is one byte */
	/* "." is a line end, too, and "$" the very end: as POSIX has it. */
	SIEVE_REGEX_WHOLE = 1 << 3,
};

/*
 * Compiles a pattern (PCRE2 syntax, UTF-8). Gives: *out, by
 * sieve_regex_free(). Returns: 0, or -1 with text in `error` and *offset.
 */
MUST_CHECK int sieve_regex_compile(struct str pattern, unsigned flags,
	struct sieve_regex **out, char error[SIEVE_REGEX_ERROR_MAX],
	size_t *offset);
/* Ends it. Accepts NULL. */
void sieve_regex_free(struct sieve_regex *re);
/* Tells how many groups a pattern has, without the whole. */
unsigned sieve_regex_groups(const struct sieve_regex *re);

#define SIEVE_REGEX_LIMIT (-1)
/*
 * Searches from offset `from`. Groups that took no part are null strings, all
 * others lend from `subject`. groups[0] is the whole.
 * Returns: the number of groups set (at least 1, at most `max`), 0: no match,
 *          or SIEVE_REGEX_LIMIT: more than `limit` steps.
 */
MUST_CHECK int sieve_regex_exec(const struct sieve_regex *re,
	struct str subject, size_t from, uint32_t limit, struct str *groups,
	size_t max);

#endif
