/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client.h - our own side of LMTP over the daemon's Unix socket.
 *
 * Needs nothing but libc, so that mailmill-deliver starts fast. Plain and
 * blocking, with a time-out for each wait.
 */
#ifndef MAILMILL_DELIVER_CLIENT_H
#define MAILMILL_DELIVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define CLIENT_SOCKET "/run/mailmill/pipe"
#define CLIENT_TEXT_MAX 512

/* Plain data; begun by client_open(). */
struct client {
	int fd;
	int code;		    /* of the last reply */
	char text[CLIENT_TEXT_MAX]; /* its last line behind the code */
	const char *seek;	    /* a line of a reply; NULL: none. Lent */
	bool is_found;		    /* a reply had it */
	bool is_broken;		    /* could not send; a reply may tell why */
	bool at_start, has_cr;	    /* of the body: of a line; behind a CR */
	size_t in_at, in_len, out_len;
	char in[4096];
	char out[65536];
};

/* Finds the socket: `asked`, $MAILMILL_SOCKET, or the one compiled in. */
const char *client_socket(const char *asked);
/*
 * Connects. Returns: 0, or -1 with errno: ENAMETOOLONG, ENOENT (no daemon
 * ever), ECONNREFUSED (it is away), EACCES, EAGAIN (it is busy), ...
 */
int client_open(struct client *c, const char *path, unsigned timeout_s);
/* Ends it. */
void client_close(struct client *c);
/* Adds a command, without its CRLF, to what is sent. */
__attribute__((format(printf, 2, 3))) void client_say(
	struct client *c, const char *fmt, ...);
/* Sends all that was added. Returns: 0, or -1: is_broken. */
int client_flush(struct client *c);
/* Sends the rest and waits for a reply. Returns: its code, or -1: none came. */
int client_hear(struct client *c);
/*
 * Adds a piece of the message: ends lines in CRLF, doubles dots. A bare CR
 * stays.
 */
void client_body(struct client *c, const char *p, size_t len);
/* Ends the message. */
void client_body_end(struct client *c);

#endif
