/* SPDX-License-Identifier: GPL-3.0-or-later */
/* managing.h - ManageSieve beside the daemon, and how changes reach it. */
#ifndef MAILMILL_CLI_MANAGING_H
#define MAILMILL_CLI_MANAGING_H

#include <mailmill/conf.h>
#include <mailmill/loop.h>
#include <mailmill/manage.h>

#include "config_sieve.h"

/* Has a route's script read anew, in the loop's thread. */
typedef int (*managing_apply_fn)(void *ctx, const char *route, struct err *err);

struct managing;

/* Makes one that only hands changes over. Gives: by managing_close(). */
struct managing *managing_new(
	struct loop *loop, managing_apply_fn apply, void *ctx);
/* Has scripts checked by these rules from now on; they must outlive it. */
void managing_set_rules(struct managing *m, const struct config_rules *rules);
/* Listens, if there is a section managesieve. Returns: 0, or -1 with *err. */
MUST_CHECK int managing_listen(
	struct managing *m, const struct conf *c, struct err *err);
/*
 * Hands a change to the loop, from another thread. Returns: 0,
 * MANAGE_UNMANAGED, or -1 with *err. Waits: until it is in force.
 */
MUST_CHECK int managing_apply(
	void *managing, const char *route, struct err *err);
/* Refuses further changes; the loop may be ended after that. Accepts NULL. */
void managing_stop(struct managing *m);
/* Ends it. Accepts NULL. */
void managing_close(struct managing *m);

#endif
