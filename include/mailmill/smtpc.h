/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smtpc.h - sending mail by SMTP, one mail at a time over a connection that is
 * kept for the next one.
 *
 * What a sender that must not send twice needs to know is how far it came:
 * whether the other side may have taken the mail although no answer came.
 */
#ifndef MAILMILL_SMTPC_H
#define MAILMILL_SMTPC_H

#include <stdatomic.h>

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/str.h>

#define SMTPC_REPLY_MAX 512
#define SMTPC_RCPTS_MAX 1000

struct smtpc;

enum smtpc_tls {
	SMTPC_TLS_NEVER,
	SMTPC_TLS_MAY,	/* STARTTLS if it is offered, whoever that is */
	SMTPC_TLS_MUST, /* STARTTLS, and the certificate must be right */
};

struct smtpc_conf {
	const char *url;  /* smtp://host:port, smtps://host:port */
	const char *helo; /* NULL: what libcurl takes */
	enum smtpc_tls tls;
	const char *user, *password;   /* NULL: none */
	const char *ca_file;	       /* NULL: the system's authorities */
	int64_t timeout_ms;	       /* for an answer, and without a byte */
	const atomic_bool *is_aborted; /* ends all at once when it is set */
};

enum smtpc_outcome {
	SMTPC_NOT_SENT, /* nobody can have taken it: repeat at will */
	SMTPC_LOST,	/* all of it was sent, and no answer came */
	SMTPC_ANSWERED, /* each recipient has its reply */
};

struct smtpc_rcpt {
	struct str address; /* without < and > */
	int code;	    /* 250, 451, 550 ... of what decided for it */
	char reply[SMTPC_REPLY_MAX]; /* "250 2.0.0 queued as 4711" */
};

/* Gives up to `len` bytes, lines with CRLF. Returns: count, 0 at the end, or
 * -1 to abort. */
typedef ssize_t (*smtpc_read_fn)(void *ctx, char *p, size_t len);

struct smtpc_mail {
	struct str sender; /* "": the null one */
	struct smtpc_rcpt *rcpts;
	size_t n_rcpts;
	smtpc_read_fn read;
	void (*rewind)(void *ctx); /* begins reading anew */
	void *ctx;
	uint64_t size; /* told to the server; 0: unknown */

	enum smtpc_outcome outcome;
	struct err err; /* of NOT_SENT and LOST: why */
};

/* Makes a client; strings of conf are lent. Gives: by smtpc_free(). */
struct smtpc *smtpc_new(const struct smtpc_conf *conf);
/* Ends it and its connection. Accepts NULL. */
void smtpc_free(struct smtpc *c);
/* Ends the connection that is kept, if there is one. */
void smtpc_hang_up(struct smtpc *c);
/*
 * Tells whether an address may stand in a command: no control characters,
 * blanks or brackets but in quotes. libcurl sends what it is given.
 */
bool smtpc_is_address(struct str address);
/*
 * Sends a mail and sets its outcome. An address that is none is NOT_SENT with
 * ERR_PERM.
 * Waits: for the network, at most timeout_ms without a byte.
 */
void smtpc_send(struct smtpc *c, struct smtpc_mail *mail);

AUTO_DEFINE(smtpc, struct smtpc *, smtpc_free)

#endif
