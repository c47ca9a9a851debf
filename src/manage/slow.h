/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow.h - logins that fail are made slow, by peer and by account. */
#ifndef MAILMILL_MANAGE_SLOW_H
#define MAILMILL_MANAGE_SLOW_H

#include <mailmill/str.h>

struct slow;

/* Makes an empty table. Gives: by slow_free(). */
struct slow *slow_new(void);
/* Ends it. Accepts NULL. */
void slow_free(struct slow *s);
/*
 * Tells how long a login has to wait, and lines up the next one behind it.
 * Returns: ms, or -1: too many are in that line.
 */
int64_t slow_wait(
	struct slow *s, const char *peer, struct str account, int64_t now_ms);
/* Hears how a login ended. */
void slow_tell(struct slow *s, const char *peer, struct str account,
	bool is_good, int64_t now_ms);

#endif
