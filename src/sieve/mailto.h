/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mailto.h - mailto URIs (RFC 6068) as a way to notify (RFC 5436). */
#ifndef SIEVE_MAILTO_H
#define SIEVE_MAILTO_H

#include <mailmill/mem.h>

#define MAILTO_RCPTS_MAX 8
#define MAILTO_FIELDS_MAX 20
#define MAILTO_MAX ((size_t)64 << 10) /* bytes of a URI */

enum mailto_role {
	MAILTO_TO,
	MAILTO_CC,
	MAILTO_BCC
};

struct mailto_rcpt {
	enum mailto_role role;
	struct str address; /* normal form */
	struct str written; /* with its name, as a field has it */
};

struct mailto_field {
	struct str name, value; /* decoded; safe to send */
};

struct mailto {
	struct mailto_rcpt rcpts[MAILTO_RCPTS_MAX];
	size_t n_rcpts;
	struct mailto_field fields[MAILTO_FIELDS_MAX];
	size_t n_fields;
	struct str subject, body; /* STR_NULL: not given */
};

/*
 * Reads a method's URI; fields that would be unsafe are left out.
 * Gives: *out, strings in `a`. Returns: 0, or -1 with *why.
 */
MUST_CHECK int mailto_read(
	struct arena *a, struct str uri, struct mailto *out, const char **why);

#endif
