/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_send.h - one mail of an archive into the daemon. */
#ifndef MAILMILL_CLI_IMPORT_SEND_H
#define MAILMILL_CLI_IMPORT_SEND_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/str.h>

struct import_options {
	const char *socket; /* NULL: as mailmill deliver finds it */
	const char *to;	    /* NULL: from the mail's header */
	const char *from;   /* NULL: the same */
};

/* One connection; belongs to one thread. */
struct import_line;

enum import_outcome {
	IMPORT_NEW,
	IMPORT_SEEN,	/* was there before */
	IMPORT_REFUSED, /* for good: *err says why */
	IMPORT_LATER,	/* the daemon is busy or away: *err says why */
	IMPORT_STOP,	/* nothing will work: *err says why */
};

/* Makes one that connects when it is used. Gives: by import_line_free(). */
struct import_line *import_line_new(const struct import_options *o);
/* Ends it. Accepts NULL. */
void import_line_free(struct import_line *l);
/*
 * Sends a mail once. `from` is the sender that an mbox tells, or empty.
 * Sets *err unless it is NEW or SEEN.
 */
enum import_outcome import_send(struct import_line *l, struct str bytes,
	struct str from, struct err *err);

#endif
