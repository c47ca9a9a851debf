/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * envelope.h - what a message came with beside its bytes (RFC 5321 section
 * 2.3.1; DSN parameters RFC 3461). Plain data, and its wire form.
 *
 * It lies on the ground floor although it is about mail, since source, store,
 * worker and sieve all need it and may not see each other.
 */
#ifndef MAILMILL_ENVELOPE_H
#define MAILMILL_ENVELOPE_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

#define ENVELOPE_RCPTS_MAX 1000
#define ENVELOPE_ADDRESS_MAX 1000 /* bytes; RFC 5321 asks for 256 */

struct envelope_rcpt {
	struct str address;	  /* forward-path, without < and > */
	struct str notify, orcpt; /* as given to RCPT, empty when not */
};

/* All strings are lent by whoever filled it. */
struct envelope {
	struct str
		sender; /* reverse-path without < and >; "" is the null one */
	bool is_8bit, is_binary, is_smtputf8; /* BODY= and SMTPUTF8 of MAIL */
	struct str ret, envid; /* as given to MAIL, empty when not */
	struct envelope_rcpt *rcpts;
	size_t n_rcpts;
	struct str source;   /* kind of the way in: "lmtp", "pipe", "import" */
	struct str peer;     /* "192.0.2.1:4711", "unix:uid=33", "file" */
	struct str helo;     /* as the client said it */
	struct str login;    /* authenticated user (SASL, XCLIENT) or empty */
	struct str protocol; /* "LMTP", "ESMTPS" ..., as for a Received field */
	int64_t received_at; /* wall ms, when it was wholly taken in */
};

/* Adds the wire form. */
void envelope_encode(struct buf *out, const struct envelope *env);
/*
 * Reads the wire form, which may be hostile. Lends: strings inside `in`, the
 * recipients in `a`. Returns: 0, or -1 with *err.
 */
MUST_CHECK int envelope_decode(
	struct arena *a, struct str in, struct envelope *out, struct err *err);

#endif
