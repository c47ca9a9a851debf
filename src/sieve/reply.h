/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reply.h - what reject, vacation and notify have in common: new mail. */
#ifndef SIEVE_REPLY_H
#define SIEVE_REPLY_H

#include <mailmill/buf.h>
#include <mailmill/compose.h>

#include "sieve_private.h"

#define REPLY_MAX ((size_t)4 << 20) /* bytes of a mail that a script makes */
#define REPLY_SUBJECT_MAX 256	    /* characters of its subject */

/*
 * Tells a conflict with what this script did before: reject goes with nothing
 * that delivers or answers, and vacation and reject happen but once.
 * Returns: 0, or SIEVE_FAILED: told.
 */
MUST_CHECK int reply_claim(struct sieve_run *r, enum plan_action_kind kind);
/* Tells whether an earlier script on this mail has planned such an action. */
bool reply_is_planned(const struct sieve_run *r, enum plan_action_kind kind);

/* Lends the first field of a name, NULL: there is none. */
const struct mail_header *reply_field(struct sieve_run *r, struct str name);
/* Lends the id of the mail with its < and >, STR_NULL: it has none. */
struct str reply_message_id(struct sieve_run *r);
/* Adds In-Reply-To and References (RFC 5322 3.6.4). */
void reply_threads(struct sieve_run *r, struct buf *out);
/* Adds Subject, cut to REPLY_SUBJECT_MAX characters. */
void reply_subject(struct sieve_run *r, struct buf *out, struct str subject);
/* Adds a field with one address. */
void reply_address(struct sieve_run *r, struct buf *out, struct str name,
	struct str phrase, struct str address);
/*
 * Lets the action keep a copy where :fcc says (RFC 8580). Returns: 0 or < 0.
 */
MUST_CHECK int reply_fcc(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a);
/* Makes the finished mail the action's, and adds it. 0 or SIEVE_FAILED. */
MUST_CHECK int reply_add(struct sieve_run *r, const struct sieve_node *n,
	struct plan_action *a, const struct buf *mail);

/*
 * Cuts a mailbox off a list, at a comma in no quotes and comments. Returns:
 * false at the end.
 */
bool reply_cut_mailbox(struct str *rest, struct str *out);
/*
 * Reads a list of mailboxes strictly, and writes it as a field's value, names
 * encoded. Gives: *out in `a`; *first (may be NULL) is the first address.
 * Returns: 0, or -1 with *why.
 */
MUST_CHECK int reply_mailboxes(struct arena *a, struct str list,
	struct str *out, struct str *first, const char **why);

/* Is the check of a tag :from with a list of mailboxes. Returns: 0 or -1. */
MUST_CHECK int reply_check_from(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t);

/* Makes the key of a mark: 64 hex letters. */
struct str reply_key(struct sieve_run *r, const struct str *fields, size_t n);
/* Asks for a mark. Returns: 1, 0, SIEVE_WAIT or SIEVE_FAILED. */
MUST_CHECK int reply_seen(struct sieve_run *r, struct str key);

#endif
