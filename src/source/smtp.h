/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smtp.h - a mail session as a function from bytes to replies; no I/O here.
 *
 * Whoever owns the connection feeds what the client sent, writes what
 * smtp_replies() holds, and carries out what the session asks of its backend.
 */
#ifndef MAILMILL_SOURCE_SMTP_H
#define MAILMILL_SOURCE_SMTP_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/envelope.h>
#include <mailmill/err.h>
#include <mailmill/id.h>

struct smtp;
struct smtp_protocol;

/* LMTP (RFC 2033). */
extern const struct smtp_protocol smtp_lmtp;

/* Lent as long as the session lives. */
struct smtp_options {
	const char *host;    /* our own name */
	uint64_t size_max;   /* bytes of a message */
	unsigned rcpts_max;  /* of a message; at most ENVELOPE_RCPTS_MAX */
	unsigned errors_max; /* after so many the session ends */
};

/* Who is at the other end. Copied. */
struct smtp_client {
	const char *source; /* for the envelope: "lmtp"; lent for ever */
	const char *peer;   /* for the envelope: "192.0.2.1:4711" */
	bool may_xclient;   /* is trusted to speak for somebody else */
	bool may_once;	    /* may say XONCE (see smtp_commands.c) */
};

/* What the session asks for. */
struct smtp_backend {
	/* Tells whether a message would be taken now: 0, or -1 with *err. */
	int (*ready)(void *ctx, struct err *err);
	/* Tells whether somebody takes this address. */
	bool (*knows)(void *ctx, struct str address);
	/* Begins a message. Its envelope is complete but for received_at. */
	int (*begin)(void *ctx, const struct envelope *env, struct err *err);
	/* Adds bytes. After -1 only abort() follows. */
	int (*add)(void *ctx, struct str bytes, struct err *err);
	/* Stores it; smtp_stored() follows, never from within this call. */
	void (*commit)(void *ctx, const struct envelope *env, struct str once);
	/* Throws it away. */
	void (*abort)(void *ctx);
};

/* Begins a session with its greeting. Gives: by smtp_free(). */
struct smtp *smtp_new(const struct smtp_protocol *protocol,
	const struct smtp_options *o, const struct smtp_client *client,
	const struct smtp_backend *backend, void *ctx);
/*
 * Ends it; a message under way is aborted. Not while smtp_is_waiting().
 * Accepts NULL.
 */
void smtp_free(struct smtp *s);
/*
 * Takes bytes of the client. Returns: how many; less than all when the session
 * waits, is closed, or has more than SMTP_REPLIES_MAX bytes of replies unsent.
 * The rest is to be fed again.
 */
MUST_CHECK size_t smtp_feed(struct smtp *s, struct str in);
#define SMTP_REPLIES_MAX ((size_t)64 * 1024)
/* Lends the replies that are to be sent; the caller shifts what it sent. */
struct buf *smtp_replies(struct smtp *s);
/* Tells whether a commit is under way: nothing is taken until smtp_stored(). */
bool smtp_is_waiting(const struct smtp *s);
/* Ends the wait. outcome: 0, STORE_SEEN, or -1 with err. */
void smtp_stored(struct smtp *s, int outcome, const struct id *id,
	const struct err *err);
/* Tells whether the connection is to be closed once all replies are sent. */
bool smtp_is_closed(const struct smtp *s);
/* Ends the session with a 421 that says why. */
void smtp_shut(struct smtp *s, const char *why);
/* Tells whether a message is under way. */
bool smtp_is_busy(const struct smtp *s);
/* Counts commands, so that the owner sees progress. */
uint64_t smtp_n_commands(const struct smtp *s);

#endif
