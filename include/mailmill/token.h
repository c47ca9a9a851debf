/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * token.h - signed references to records, which travel in mails.
 *
 * A token says which record an answer belongs to, and that we said so: it is
 * short, has letters and digits without case only, and needs nothing stored.
 */
#ifndef MAILMILL_TOKEN_H
#define MAILMILL_TOKEN_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

#define TOKEN_LEAST 20	    /* letters of one */
#define TOKEN_MAX 110	    /* letters of one */
#define TOKEN_RECORD_MAX 50 /* bytes of a record's id */
#define TOKEN_KEYS_MAX 32   /* as many as there are names */

struct token_keys;

/*
 * Reads keys: a line each, "NAME KEY", a letter of a-z2-7 and 16 to 64 bytes in
 * base64; "#" begins a comment. The last one signs, all are believed. `where`
 * begins the messages, which never hold a key.
 * Gives: *out, by token_keys_free(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int token_keys_read(struct str text, const char *where,
	struct token_keys **out, struct err *err);
/* Ends them, leaving nothing behind in memory. Accepts NULL. */
void token_keys_free(struct token_keys *keys);
/*
 * Adds the line of a new key at random, whose name no key of `keys` (may be
 * NULL) has. Returns: 0, or -1 with *err: all names are taken.
 */
MUST_CHECK int token_key_add(
	const struct token_keys *keys, struct buf *out, struct err *err);

/* What a token is about. */
struct token_record {
	struct str scope;  /* the target's name */
	struct str object; /* "Case" */
	struct str record; /* its id */
};
/* Adds a token. Returns: 0, or -1 with *err: the id is too long or empty. */
MUST_CHECK int token_make(const struct token_keys *keys,
	const struct token_record *of, struct buf *out, struct err *err);
/*
 * Checks a token of any case for scope and object, in a time that tells nothing
 * of the signature. Gives: of->record in `a`, and the name of the key.
 * Returns: whether we made it.
 */
MUST_CHECK bool token_check(const struct token_keys *keys, struct arena *a,
	struct str token, struct token_record *of, char *key_name);

AUTO_DEFINE(token_keys, struct token_keys *, token_keys_free)

#endif
