/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * queue.h - what an admin asks of the queue: one JSON request, JSON lines back.
 *
 * A request is an object with "action" and, as it fits:
 *
 *     list, retry, drop, release: "ids" (numbers), or a filter of "states"
 *         (names), "route", "text", "age_ms" (received at least so long ago),
 *         "after" (id), "max"; the last three need a filter or ids, or "all"
 *     show, raw: "id"
 *     stats, balance: nothing
 *
 * Each line of the answer is an object: a row; for raw {"raw":"base64"}; for a
 * word on a delivery {"id":N,"state":"queued"} or {"id":N,"error":"..."}. The
 * last line is {"end":true,"n":rows,"more":bool}, or {"error":"...",
 * "kind":"permanent"} when it could not be answered; an answer without either
 * was cut off.
 */
#ifndef MAILMILL_QUEUE_H
#define MAILMILL_QUEUE_H

#include <mailmill/base.h>
#include <mailmill/store.h>
#include <mailmill/str.h>

/* Gets a line without its end. Returns: 0, or -1 to have no more of it. */
typedef int (*queue_line_fn)(struct str line, void *ctx);

/*
 * Answers a request; `who` goes to the journal ("uid 0"). From any thread but
 * the store's writer.
 * Returns: how many deliveries were changed, so that the mill may be woken; or
 *          -1 when it could not be answered (which was told by fn).
 * Waits:   for the store.
 */
int queue_answer(struct store *s, struct str request, struct str who,
	queue_line_fn fn, void *ctx);

#endif
