/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wait.c - works that wait for others.
 *
 * A work only ever waits for works of lower delivery ids, so no ring can form.
 * Whoever resumes looks at everything anew and may wait again; that is simpler
 * than keeping the one reason, and there are never more than in_flight of them.
 */
#include "mill_private.h"

void mill_wait(
	struct work *w, struct list *where, void (*resume)(struct work *))
{
	must(list_is_empty(&w->in_waiting));
	w->resume = resume;
	list_add(where, &w->in_waiting);
}

void mill_resume_all(struct mill *m)
{
	struct list ready;

	list_init(&ready);
	list_move_all(&ready, &m->waiting);
	while (!list_is_empty(&ready)) {
		struct work *w = LIST_FIRST(&ready, struct work, in_waiting);
		list_del(&w->in_waiting);
		w->resume(w);
	}
}
