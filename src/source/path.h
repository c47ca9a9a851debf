/* SPDX-License-Identifier: GPL-3.0-or-later */
/* path.h - the <address> of MAIL and RCPT (RFC 5321 section 4.1.2, 6531). */
#ifndef MAILMILL_SOURCE_PATH_H
#define MAILMILL_SOURCE_PATH_H

#include <mailmill/mem.h>
#include <mailmill/str.h>

#define PATH_UTF8 1 /* is right, but needs SMTPUTF8 */

/*
 * Cuts a path off *rest. The address comes without < and >, without a source
 * route, and with quotes only when it needs them, so that "ann"@x and ann@x
 * are one address; of <> it is empty. Dots may stand anywhere in the local
 * part, as some providers hand out such addresses.
 * Gives:   *out in `a`.
 * Returns: 0, PATH_UTF8, or -1 when it is none.
 */
MUST_CHECK int path_parse(
	struct arena *a, struct str *rest, bool may_utf8, struct str *out);

/* Tells whether s is xtext (RFC 3461 section 4), of at most `max` bytes. */
bool path_is_xtext(struct str s, size_t max);
/* Decodes xtext. Gives: *out in `a`. Returns: 0, or -1 when it is none. */
MUST_CHECK int path_unxtext(struct arena *a, struct str s, struct str *out);

#endif
