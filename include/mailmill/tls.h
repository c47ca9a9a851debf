/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls.h - the server's side of TLS, without sockets: bytes in, bytes out.
 */
#ifndef MAILMILL_TLS_H
#define MAILMILL_TLS_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/err.h>

struct tls_server; /* certificate and key */
struct tls;	   /* a connection */

/*
 * Reads a certificate with its chain and its key (PEM). TLS 1.2 and above.
 * Gives: *out, by tls_server_free(), after all its connections.
 * Returns: 0, or -1 with *err.
 */
MUST_CHECK int tls_server_new(const char *certificate, const char *key,
	struct tls_server **out, struct err *err);
/* Ends it. Accepts NULL. */
void tls_server_free(struct tls_server *s);

/* Begins a connection, which waits for a client's hello. Gives: by tls_free().
 */
struct tls *tls_new(struct tls_server *s);
/* Ends it. Accepts NULL. */
void tls_free(struct tls *t);
/*
 * Takes what came from the peer and adds what it says to `plain`, which must
 * have as much room. Look at tls_output() afterwards.
 * Returns: 0, TLS_END (the peer is through), or -1 with *err: close.
 */
#define TLS_END 1
MUST_CHECK int tls_feed(
	struct tls *t, struct str in, struct buf *plain, struct err *err);
/* Tells whether the handshake is done. */
bool tls_is_open(const struct tls *t);
/*
 * Encrypts for the peer, into tls_output(). The handshake must be done.
 * Returns: 0, or -1 with *err.
 */
MUST_CHECK int tls_send(struct tls *t, struct str plain, struct err *err);
/* Says goodbye, into tls_output(). */
void tls_shut(struct tls *t);
/* Lends what has to be sent; take off what was by buf_shift(). */
struct buf *tls_output(struct tls *t);
/* Names protocol and cipher, for the log. Lends. */
const char *tls_name(const struct tls *t);

AUTO_DEFINE(tls_server, struct tls_server *, tls_server_free)

#endif
