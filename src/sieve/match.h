/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.h - comparators, match types and address parts as tables, and what a
 * comparing test is made of once it is checked.
 */
#ifndef SIEVE_MATCH_H
#define SIEVE_MATCH_H

#include <mailmill/base.h>
#include <mailmill/mail.h>

#include "ext.h"
#include "match_index.h"

enum sieve_comparator_flags {
	SIEVE_CAN_ORDER = 1 << 0,
	SIEVE_CAN_SUBSTRING = 1 << 1,
	SIEVE_BY_CHARACTER = 1 << 2, /* "?" is a UTF-8 character, not a byte */
};

/*
 * All comparing is done on keys: normal() makes a string's key, once for each
 * literal at compile time and once for each value. A comparator without
 * normal() compares the bytes as they are.
 */
struct sieve_comparator {
	const char *name; /* "i;octet"; NULL ends a table */
	unsigned flags;
	struct str (*normal)(struct arena *a, struct str s);
	int (*order)(struct str a, struct str b); /* of normal forms */
};

/* What a comparing test was told, and its keys. */
struct sieve_match {
	const struct sieve_match_type *type;
	const struct sieve_comparator *comparator;
	const struct sieve_address_part *part;
	const struct sieve_arg *param; /* of the match type: "gt" */
	const struct sieve_arg *keys;
	unsigned relation;	   /* of :value and :count */
	struct str *normal;	   /* of the keys, when they are constant */
	struct sieve_index *index; /* of those, when they are many, or NULL */
	void *data;		   /* of the match type: compiled keys */
};

enum sieve_match_type_flags {
	SIEVE_NEEDS_SUBSTRING = 1 << 0, /* of the comparator */
	SIEVE_NEEDS_ORDER = 1 << 1,
	SIEVE_COUNTS = 1 << 2, /* compares how many values there are */
};

struct sieve_match_type {
	const char *name; /* without colon: "contains"; NULL ends a table */
	unsigned flags;
	enum sieve_type type; /* of its parameter */
	const char *what;
	/* How keys of such a type may be found without trying each. */
	enum sieve_index_kind index;
	/* May be NULL: readies m->data from constant keys. 0 or -1. */
	int (*check)(struct sieve_check *c, struct sieve_node *n,
		struct sieve_match *m);
	/*
	 * Compares one value with one key. `normal_value` and `normal_key` are
	 * the comparator's forms of both; `index` is the key's.
	 * Returns: 1, 0, or SIEVE_FAILED.
	 */
	int (*match)(struct sieve_run *r, const struct sieve_match *m,
		struct str value, struct str normal_value, struct str key,
		struct str normal_key, size_t index);
};

struct sieve_address_part {
	const char *name; /* without colon: "domain"; NULL ends a table */
	/* Cuts the part out. Returns: false when there is none. */
	bool (*get)(const struct sieve_run *r, const struct mail_address *a,
		struct str *out);
};

/* Sets the match variables ${0} ... to copies. */
void sieve_set_match_values(
	struct sieve_run *r, const struct str *groups, size_t n);

/*
 * Matches a glob without recursion in O(n*m): * any run, ? one character,
 * \ quotes. groups[0] is the whole value, then one for each wildcard, at most
 * `max` in all.
 * Returns: the number of groups, or 0: no match, or -1: steps used up.
 */
int sieve_glob(struct str pattern, struct str value, bool by_character,
	struct str *groups, size_t max, uint64_t *steps);

/* The same, characters compared as i;unicode-casemap does. */
int sieve_glob_unicode(struct str pattern, struct str value, struct str *groups,
	size_t max, uint64_t *steps);

/*
 * Makes the form in which i;unicode-casemap compares (RFC 5051): titlecase,
 * then decomposed. Bytes that are no UTF-8 stay.
 */
struct str sieve_unicode_normal(struct arena *a, struct str s);

#endif
