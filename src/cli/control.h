/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control.h - the daemon's socket for `mailmill queue`. */
#ifndef MAILMILL_CLI_CONTROL_H
#define MAILMILL_CLI_CONTROL_H

#include <mailmill/err.h>
#include <mailmill/store.h>

struct control;

/*
 * Listens at `path` in a thread of its own: one request line a connection,
 * answered by queue_answer(). A stale socket is replaced.
 * Gives: *out, by control_close(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int control_open(const char *path, mode_t mode, const char *group,
	struct store *store, void (*changed)(void *ctx), void *ctx,
	struct control **out, struct err *err);
/* Ends it and removes the socket. Accepts NULL. */
void control_close(struct control *c);

#endif
