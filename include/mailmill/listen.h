/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listen.h - listening sockets: TCP, Unix, or handed over by systemd. */
#ifndef MAILMILL_LISTEN_H
#define MAILMILL_LISTEN_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/str.h>

struct listener;

/* Where to listen; plain data, lent during listen_open(). */
struct listen_at {
	const char *address; /* "HOST:PORT", "unix:PATH" or "fd:NAME" */
	const char *beside;  /* file whose folder a relative PATH is in */
	mode_t mode;	     /* of PATH */
	const char *group;   /* of PATH; NULL: our own */
};

/*
 * Listens, without blocking. A socket file that nobody listens on any more is
 * replaced; one that somebody does is an error. "fd:NAME" takes the socket
 * that systemd passed under that name (FileDescriptorName=).
 * Gives: *out, by listen_close(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int listen_open(
	const struct listen_at *at, struct listener **out, struct err *err);
/* Stops and removes the socket file. Accepts NULL. */
void listen_close(struct listener *l);
/* Lends the descriptor, to watch. */
int listen_fd(const struct listener *l);
/* Lends where it listens, with the port that the kernel chose. */
const char *listen_text(const struct listener *l);

/* Who connected. Plain data. */
struct listen_peer {
	char text[96]; /* "192.0.2.1:4711", "unix:uid=33" */
	char key[64];  /* the same for all connections of one peer */
	bool is_unix;
	uid_t uid;	      /* when is_unix */
	unsigned char ip[16]; /* else; IPv4 as ::ffff:a.b.c.d */
};

#define LISTEN_NONE 1 /* nobody waits */
#define LISTEN_FULL 2 /* no descriptor or memory is left: try later */

/*
 * Takes the next connection. Gives: *fd, non-blocking and close-on-exec.
 * Returns: 0, LISTEN_NONE or LISTEN_FULL.
 */
MUST_CHECK int listen_accept(
	struct listener *l, int *fd, struct listen_peer *peer);

/* A network: "192.0.2.0/24", "2001:db8::1", or "unix" for all Unix peers. */
struct listen_net {
	bool is_unix;
	unsigned char ip[16];
	unsigned bits; /* of the 128 */
};

/* Reads a network. Returns: 0, or -1 when it is none. */
MUST_CHECK int listen_net_parse(struct str s, struct listen_net *out);
/* Tells whether a peer is in it. */
bool listen_net_has(const struct listen_net *n, const struct listen_peer *p);

AUTO_DEFINE(listener, struct listener *, listen_close)

#endif
