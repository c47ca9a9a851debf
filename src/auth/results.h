/* SPDX-License-Identifier: GPL-3.0-or-later */
/* results.h - what stands in an Authentication-Results field (RFC 8601). */
#ifndef AUTH_RESULTS_H
#define AUTH_RESULTS_H

#include <mailmill/auth.h>

#define RESULTS_LEN_MAX                                                        \
	((size_t)64 << 10)    /* bytes of a field that are read                \
			       */
#define RESULTS_FIELDS_MAX 50 /* of one mail that are looked at */
#define RESULTS_ITEMS_MAX 50  /* methods of one field */
#define RESULTS_PROPS_MAX 30  /* properties of one method */

/* "smtp.mailfrom=ann@example.org"; without a dot `type` is empty. */
struct results_prop {
	struct str type, name, value;
};

/* "dkim=fail reason="..." (comment) header.d=example.org" */
struct results_item {
	struct str method, result;  /* as written */
	struct str reason, comment; /* the first comment behind the result */
	struct results_prop *props;
	size_t n_props;
};

struct results_field {
	struct str authserv;
	struct results_item *items; /* none: it says "none" */
	size_t n_items;
};

/*
 * Reads a raw value. What is malformed in it is left out, up to the next ";".
 * Gives: *out in `a`. Returns: 0, or -1: it has no authserv-id, or is of a
 * version that nobody knows.
 */
MUST_CHECK int results_parse(
	struct arena *a, struct str raw, struct results_field *out);
/* Finds the value of a property in any case. Returns: or STR_NULL. */
struct str results_get(
	const struct results_item *item, const char *type, const char *name);

/*
 * Takes the verdicts of a trusted server into *out; `from` is the domain of the
 * author, or empty. Returns: whether one spoke.
 */
bool results_take(struct arena *a, struct mail *m, struct str from,
	const struct auth_settings *settings, struct auth_result *out);

#endif
