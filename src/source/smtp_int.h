/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_int.h - what smtp.c and smtp_commands.c share. */
#ifndef MAILMILL_SOURCE_SMTP_INT_H
#define MAILMILL_SOURCE_SMTP_INT_H

#include <mailmill/mem.h>

#include "smtp.h"

struct smtp_command {
	const char *verb;
	unsigned needs;
	/* Gets what stands behind the verb, trimmed. */
	void (*run)(struct smtp *s, struct str args);
};

/* What must be there before a command may run. */
#define SMTP_NEEDS_HELO 1u
#define SMTP_NEEDS_MAIL 2u
#define SMTP_NEEDS_NO_CHUNK 4u /* not between BDAT and BDAT LAST */

/*
 * A table of commands and what else tells one protocol from another, so that
 * ESMTP is one more of these.
 */
struct smtp_protocol {
	const char *name;		     /* for the greeting and Received */
	const struct smtp_command *commands; /* ended by a NULL verb */
	bool answers_each; /* recipient after the data, not once */
};

enum smtp_phase {
	SMTP_COMMANDS,
	SMTP_DATA,  /* until CRLF.CRLF */
	SMTP_CHUNK, /* chunk_left bytes */
	SMTP_WAIT,  /* for smtp_stored() */
	SMTP_CLOSED,
};

/* Where in DATA the next byte stands. */
enum smtp_place {
	SMTP_AT_START, /* of a line that CRLF (or DATA) began */
	SMTP_AT_DOT,   /* behind a dot there */
	SMTP_AT_DOTCR, /* behind dot CR there */
	SMTP_IN_LINE,
	SMTP_AT_CR, /* behind a CR in a line; it is not passed on yet */
};

struct smtp {
	const struct smtp_protocol *protocol;
	const struct smtp_options *options;
	const struct smtp_backend *backend;
	void *ctx;
	enum smtp_phase phase;
	enum smtp_place place;
	struct buf line, out;
	bool is_skipping; /* the rest of a line that was too long */
	char last;	  /* byte of what was skipped */
	unsigned n_errors;
	uint64_t n_commands;

	const char *source;
	bool may_xclient, may_once;
	/* heap; login, helo and protocol_name are NULL when not told */
	char *peer, *helo, *login, *proxied_helo, *proxied_protocol;

	/* the transaction; all of it lives in the arena */
	struct arena *arena; /* NULL: no MAIL yet */
	struct envelope env;
	size_t rcpts_cap;
	struct str once;
	bool is_begun;	     /* the backend has a message */
	bool is_chunked;     /* BDAT was said */
	const char *refusal; /* why it is refused; NULL: not yet */
	uint64_t size;	     /* bytes of the message so far */
	uint64_t chunk_left;
	bool is_last; /* chunk */
};

/* Adds a reply: "250 2.0.0 text". A 5xx counts as an error. */
void smtp_say(struct smtp *s, const char *fmt, ...) PRINTF(2, 3);
/* Forgets the transaction; aborts its message. */
void smtp_reset(struct smtp *s);
/* Asks the backend for a message; on failure sets s->refusal. */
void smtp_begin(struct smtp *s);
/* Adds bytes to the message, unless it is refused; may refuse it. */
void smtp_add(struct smtp *s, struct str bytes);
/* Is at the end of the message: commits it or says the refusal. */
void smtp_finish(struct smtp *s);
/* Is at the end of a chunk that may be the last. */
void smtp_end_chunk(struct smtp *s);

#endif
