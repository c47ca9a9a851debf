/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * relay.h - the ways out for mail: who takes what we send.
 *
 *     relay "smarthost" { url = "smtp://mail.example.org:25" }
 *     relay "local" { sendmail = "/usr/sbin/sendmail" }
 */
#ifndef MAILMILL_RELAY_H
#define MAILMILL_RELAY_H

#include <mailmill/base.h>
#include <mailmill/conf.h>
#include <mailmill/err.h>
#include <mailmill/loop.h>
#include <mailmill/mem.h>
#include <mailmill/store.h>

struct relay;

enum relay_outcome {
	RELAY_NOT_SENT, /* nobody can have taken it */
	RELAY_LOST,	/* it may have been taken: sending again may double */
	RELAY_ANSWERED, /* each recipient has its reply */
};

struct relay_rcpt {
	struct str address;
	int code;	 /* 2xx taken, 4xx later, 5xx never */
	struct str text; /* of the reply, in one line; in the job's arena */
};

struct relay_job;
/* Called in the loop's thread, never within relay_send(). */
typedef void (*relay_fn)(struct relay_job *job);

struct relay_job {
	/* What to send; lent until done(). */
	struct str sender;
	struct relay_rcpt *rcpts;
	size_t n_rcpts;
	struct str head; /* put in front: header fields with CRLF */
	const struct store_piece *pieces;
	size_t n_pieces;
	int fd; /* of the stored message */
	uint64_t size;
	struct arena *arena; /* the job's own; replies are made here */
	relay_fn done;
	void *ctx;

	enum relay_outcome outcome;
	struct err err; /* of NOT_SENT and LOST: why */
	struct relay_job *next;
};

struct relay_driver {
	void (*send)(struct relay *r, struct relay_job *job);
	void (*close)(struct relay *r);
};

/* A relay begins with it. */
struct relay {
	const struct relay_driver *driver;
	const char *name;     /* title of its section */
	unsigned connections; /* jobs at a time */
};

extern const struct conf_schema relay_schema;

/*
 * Opens the relay of a section, which must live as long. Connects when there
 * is mail. Gives: *out, by relay_close(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int relay_open(const struct conf_section *section, struct loop *loop,
	struct relay **out, struct err *err);
/* Ends it; jobs under way are cut off and never done(). Accepts NULL. */
void relay_close(struct relay *r);
/* Sends a mail in a thread of the relay's. */
void relay_send(struct relay *r, struct relay_job *job);

/*
 * Reads what a job says as lines that end in `eol`, whatever they end in where
 * they come from, so that a lone CR or LF can't end a mail early.
 */
struct relay_reader {
	const struct relay_job *job;
	struct str eol;
	size_t at;	 /* piece; 0 is the head */
	uint64_t offset; /* in it */
	char *room;	 /* RELAY_ROOM bytes, given by the caller */
	size_t from, to; /* what of it is not given yet */
	bool is_after_cr;
	struct err err;
};
#define RELAY_ROOM ((size_t)64 << 10)
/* Gives at least 4 bytes unless at the end. Returns: count, or -1. */
ssize_t relay_read(struct relay_reader *r, char *p, size_t len);
/* Begins anew. */
void relay_rewind(struct relay_reader *r);

#endif
