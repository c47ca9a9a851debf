/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message.h - the current message: what a script has changed in it. */
#ifndef SIEVE_MESSAGE_H
#define SIEVE_MESSAGE_H

#include "sieve_private.h"

/*
 * Gives the current message other header fields: those that mail_headers() of
 * run->mail told, in their order, and new ones of sieve_message_field().
 * Returns: 0 or SIEVE_FAILED (too many).
 */
MUST_CHECK int sieve_message_set_fields(
	struct sieve_run *r, const struct mail_header *fields, size_t n);
/*
 * Makes a field of composed text, "Name: value" CRLF, whose lines then end as
 * the message's do. In run->arena.
 */
struct mail_header sieve_message_field(
	struct sieve_run *r, struct str name, struct str composed);
/*
 * Adds fields before all others, or behind them. Returns: 0 or SIEVE_FAILED.
 */
MUST_CHECK int sieve_message_add_field(
	struct sieve_run *r, const struct mail_header *field, bool is_last);
/* Tells whether a field says how the message is made up. */
bool sieve_message_is_mime_field(struct str name);

/*
 * Puts an entity (header, empty line, body; CRLF) in the place of the current
 * part and all in it. Loops go on behind it. Returns: 0 or SIEVE_FAILED.
 */
MUST_CHECK int sieve_message_replace(
	struct sieve_run *r, struct mail_part *part, struct str entity);
/* Exchanges the whole body; the fields must be right already. */
MUST_CHECK int sieve_message_set_body(struct sieve_run *r, struct str body);
/*
 * Makes the message the second part of a new one whose first part is `text`.
 * `header` is composed fields of the new one; further ones are copied from the
 * old one by name. Returns: 0 or SIEVE_FAILED.
 */
MUST_CHECK int sieve_message_enclose(struct sieve_run *r, struct str header,
	const struct str *copied, size_t n_copied, struct str text);
/*
 * Finds the place in the stored message of bytes of the current one. Returns:
 * false when they are not there in one piece.
 */
bool sieve_message_find(
	struct sieve_run *r, uint64_t offset, uint64_t len, uint64_t *stored);

/*
 * Lets run->mail show what sieve_message_replace() has changed; before that,
 * the part's old self is there. Returns: 0 or SIEVE_FAILED.
 */
MUST_CHECK int sieve_message_flush(struct sieve_run *r);
/* The same before a word is run that may look at parts; run->message is set. */
MUST_CHECK int sieve_message_flush_for(
	struct sieve_run *r, const struct sieve_node *n);
/*
 * Tells the current message as pieces of the stored one; none when nothing was
 * changed. Lends: in run->arena, one array until the next change. Returns: 0 or
 * SIEVE_FAILED.
 */
MUST_CHECK int sieve_message_pieces(
	struct sieve_run *r, const struct plan_piece **pieces, size_t *n);
/*
 * Makes the current message of one evaluation that of another, changes
 * included; what each changes from then on is its own. Both share an arena.
 */
void sieve_message_share(struct sieve_run *to, const struct sieve_run *from);
/*
 * Lets an action carry the message as it is now; for action_check(). Returns: 0
 * or SIEVE_FAILED.
 */
MUST_CHECK int sieve_message_fill(struct sieve_run *r, struct plan_action *a);

#endif
