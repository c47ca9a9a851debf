/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * intake.h - the one door to the store: from "a message begins" to "it is on
 * disk". Every way in ends here. Belongs to one loop's thread.
 */
#ifndef MAILMILL_INTAKE_H
#define MAILMILL_INTAKE_H

#include <mailmill/base.h>
#include <mailmill/envelope.h>
#include <mailmill/err.h>
#include <mailmill/loop.h>
#include <mailmill/store.h>

struct intake;

/* Tells which route takes an address (without case), or NULL: none. Lent. */
typedef const char *(*intake_route_fn)(struct str address, void *ctx);

struct intake_options {
	const char *spool_dir; /* for bodies over memory_max; NULL: $TMPDIR */
	uint64_t memory_max;   /* bytes kept in memory a message: 256 KiB */
	uint64_t size_max;     /* a larger message is refused for good */
	const char *hostname;  /* for Received fields; NULL: the machine's */
	intake_route_fn route;
	void *ctx;
	/* Called in the loop after each commit, so that work begins at once. */
	void (*stored)(void *ctx);
	void *stored_ctx;
};

/* Makes it. Gives: by intake_free(). */
struct intake *intake_new(
	struct loop *loop, struct store *store, const struct intake_options *o);
/*
 * Ends it; no message may be open. Commits under way are waited for and their
 * done() is called. Accepts NULL.
 */
void intake_free(struct intake *in);
/* Changes the router after a reload. */
void intake_set_route(struct intake *in, intake_route_fn route, void *ctx);
/* Lends the route that takes an address, or NULL. */
const char *intake_route(struct intake *in, struct str address);
/* Lends our own name, for greetings. */
const char *intake_hostname(const struct intake *in);
/* Tells the largest message that is taken. */
uint64_t intake_size_max(const struct intake *in);
/*
 * Tells whether a message would be taken now (disk, queue).
 * Returns: 0, or -1 with *err (ERR_TEMP).
 */
MUST_CHECK int intake_ready(struct intake *in, struct err *err);

struct intake_message;

/* Begins a message. Gives: by intake_commit() or intake_abort(). */
struct intake_message *intake_begin(struct intake *in);
/*
 * Puts a Received field (RFC 5321 section 4.4) in front of what intake_add()
 * adds afterwards. What the client said of itself is cleaned, so that it can
 * break nothing. It does not count against size_max.
 * Returns: as intake_add().
 */
MUST_CHECK int intake_trace(
	struct intake_message *m, const struct envelope *env, struct err *err);
/*
 * Adds bytes of the body.
 * Returns: 0, or -1 with *err: ERR_PERM larger than allowed, ERR_TEMP disk.
 *          Only abort is allowed then.
 */
MUST_CHECK int intake_add(
	struct intake_message *m, struct str bytes, struct err *err);
/* outcome: 0 on disk, STORE_SEEN, or -1 with err. */
typedef void (*intake_done_fn)(
	void *ctx, int outcome, const struct id *id, const struct err *err);
/*
 * Stores it with this envelope (copied) and `once` as in store.h: one delivery
 * for each route that the recipients have. It fails with ERR_TEMP when one of
 * them has none any more. done() is called in the loop's thread, once, never
 * from within this call; the client may be gone by then, but what `ctx` points
 * to may not. Takes: m.
 */
void intake_commit(struct intake_message *m, const struct envelope *env,
	struct str once, intake_done_fn done, void *ctx);
/* Throws it away. Takes: m. Accepts NULL. */
void intake_abort(struct intake_message *m);

#endif
