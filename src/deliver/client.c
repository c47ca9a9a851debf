/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client.c - LMTP over the daemon's Unix socket, from the client's side. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"

const char *client_socket(const char *asked)
{
	const char *named = getenv("MAILMILL_SOCKET");

	if (asked)
		return asked;
	return named && *named ? named : CLIENT_SOCKET;
}

int client_open(struct client *c, const char *path, unsigned timeout_s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval t = { .tv_sec = timeout_s };
	size_t len = strlen(path);

	memset(c, 0, offsetof(struct client, in));
	c->fd = -1;
	if (len == 0 || len >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(to.sun_path, path, len + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	/* the second also bounds connect(), when the queue is full */
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
	while (connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		int code = errno;
		if (code == EINTR)
			continue;
		client_close(c);
		errno = code;
		return -1;
	}
	return 0;
}

void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

int client_flush(struct client *c)
{
	size_t at = 0;

	while (at < c->out_len && !c->is_broken) {
		ssize_t n = send(
			c->fd, c->out + at, c->out_len - at, MSG_NOSIGNAL);
		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			c->is_broken = true;
	}
	c->out_len = 0;
	return c->is_broken ? -1 : 0;
}

static void add_byte(struct client *c, char byte)
{
	if (c->out_len == sizeof(c->out))
		client_flush(c);
	c->out[c->out_len++] = byte;
}

static void add_bytes(struct client *c, const char *p, size_t len)
{
	while (len) {
		size_t room = sizeof(c->out) - c->out_len;
		size_t n = len < room ? len : room;
		memcpy(c->out + c->out_len, p, n);
		c->out_len += n;
		p += n;
		len -= n;
		if (c->out_len == sizeof(c->out))
			client_flush(c);
	}
}

void client_say(struct client *c, const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		n = 0; /* an empty line, which the server refuses */
	add_bytes(c, line, (size_t)n);
	add_bytes(c, "\r\n", 2);
	c->at_start = true;
	c->has_cr = false;
}

/* --- replies ---------------------------------------------------------------
 */

static int read_byte(struct client *c)
{
	ssize_t n;

	if (c->in_at < c->in_len)
		return (unsigned char)c->in[c->in_at++];
	do {
		n = recv(c->fd, c->in, sizeof(c->in), 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -1;
	c->in_at = 1;
	c->in_len = (size_t)n;
	return (unsigned char)c->in[0];
}

/* Reads a line without its end; a longer one is cut. Returns: 0 or -1. */
static int read_line(struct client *c, char *line, size_t max)
{
	size_t n = 0;
	int byte;

	while ((byte = read_byte(c)) >= 0 && byte != '\n')
		if (byte != '\r' && n + 1 < max)
			line[n++] = (char)byte;
	line[n] = 0;
	return byte < 0 ? -1 : 0;
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

int client_hear(struct client *c)
{
	char line[CLIENT_TEXT_MAX];

	client_flush(c);
	do {
		if (read_line(c, line, sizeof(line)) < 0)
			return -1;
		if (!is_digit(line[0]) || !is_digit(line[1]) ||
			!is_digit(line[2]))
			return -1;
		if (c->seek && line[3] && strcmp(line + 4, c->seek) == 0)
			c->is_found = true;
	} while (line[3] == '-');
	c->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	memmove(c->text, line + (line[3] ? 4 : 3),
		strlen(line + (line[3] ? 4 : 3)) + 1);
	return c->code;
}

/* --- the message
 * --------------------------------------------------------------- */

static void end_line(struct client *c)
{
	if (!c->has_cr)
		add_byte(c, '\r');
	add_byte(c, '\n');
	c->at_start = true;
	c->has_cr = false;
}

void client_body(struct client *c, const char *p, size_t len)
{
	const char *end = p + len;

	while (p < end && !c->is_broken) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((lf ? lf : end) - p);
		if (n) {
			if (c->at_start && *p == '.')
				add_byte(c, '.');
			add_bytes(c, p, n);
			c->at_start = false;
			c->has_cr = p[n - 1] == '\r';
		}
		if (lf)
			end_line(c);
		p += n + (lf != NULL);
	}
}

void client_body_end(struct client *c)
{
	if (!c->at_start)
		end_line(c);
	add_bytes(c, ".\r\n", 3);
}
