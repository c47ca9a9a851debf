/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control.h - the daemon's socket for `mailmill queue` and `script`. */
#ifndef MAILMILL_CLI_CONTROL_H
#define MAILMILL_CLI_CONTROL_H

#include <mailmill/err.h>
#include <mailmill/store.h>

struct control;

/*
 * Listens at `path` in a thread of its own: one request line a connection,
 * answered by queue_answer(), or by apply() when it asks for that: a route's
 * script was changed. A stale socket is replaced.
 * Gives: *out, by control_close(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int control_open(const char *path, mode_t mode, const char *group,
	struct store *store, void (*changed)(void *ctx), void *ctx,
	int (*apply)(void *ctx, const char *route, struct err *err),
	void *apply_ctx, struct control **out, struct err *err);
/*
 * Asks the daemon of a state folder to have a route use what its script files
 * say now. Returns: 0 (also when none runs), MANAGE_UNMANAGED, or -1 with *err.
 */
MUST_CHECK int control_apply(
	const char *state, const char *route, struct err *err);
/* Ends it and removes the socket. Accepts NULL. */
void control_close(struct control *c);

#endif
