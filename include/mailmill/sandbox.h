/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sandbox.h - a local server that answers as Salesforce's REST API does. */
#ifndef MAILMILL_SANDBOX_H
#define MAILMILL_SANDBOX_H

#include <mailmill/base.h>
#include <mailmill/err.h>

struct sandbox;

/* Plain data, borrowed during sandbox_open(). NULL and 0 mean the default. */
struct sandbox_options {
	const char *listen;    /* "127.0.0.1:0" */
	const char *state;     /* file that keeps the records; else memory */
	const char *schema;    /* JSON file with more objects and fields */
	const char *client_id; /* "sandbox" */
	const char *client_secret; /* "sandbox" */
	const char *username;	   /* "sandbox@example.com" */
	const char *password;	   /* "sandbox" */
	const char *jwt_cert;	   /* PEM certificate or public key */
	const char *tls_cert, *tls_key;
	const char *plain_key; /* objects "A,B" without external ids */
	uint64_t api_limit;    /* calls a day */
	bool is_strict;	       /* refuse create-only fields in any update */
};

/*
 * Begins to listen, with the records of the state file.
 *
 * Gives:   *out, by sandbox_close().
 * Returns: 0, or -1 with *err.
 */
MUST_CHECK int sandbox_open(
	const struct sandbox_options *o, struct sandbox **out, struct err *err);
/* Lends the address to call: http://127.0.0.1:PORT. */
const char *sandbox_url(const struct sandbox *sb);
/*
 * Serves until stop_fd can be read.
 * Returns: 0, or -1 with *err. Waits: for calls.
 */
MUST_CHECK int sandbox_run(struct sandbox *sb, int stop_fd, struct err *err);
/* Ends it, the state file being complete. Accepts NULL. */
void sandbox_close(struct sandbox *sb);

AUTO_DEFINE(sandbox, struct sandbox *, sandbox_close)

#endif
