/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list.h - doubly linked lists, the links inside the items. */
#ifndef MAILMILL_LIST_H
#define MAILMILL_LIST_H

#include <mailmill/base.h>

/* A head or a link in an item. A head must be list_init()ed. */
struct list {
	struct list *next, *prev;
};

/* Makes an empty head, or a link that is in no list. */
static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}
/* Tells whether nothing is in the list, or the link is in none. */
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}
/* Puts an item before `at`: with a head, at the end. */
static inline void list_add(struct list *at, struct list *item)
{
	item->prev = at->prev;
	item->next = at;
	at->prev->next = item;
	at->prev = item;
}
/* Puts an item first. */
static inline void list_push(struct list *head, struct list *item)
{
	list_add(head->next, item);
}
/* Takes an item out; harmless for one that is in no list. */
static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}
/* Moves all of `from` to the end of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}
#define LIST_FIRST(head, type, member)                                         \
	(list_is_empty(head) ? NULL : CONTAINER((head)->next, type, member))
#define list_each(it, head) for (it = (head)->next; it != (head); it = it->next)
#define list_each_safe(it, tmp, head)                                          \
	for (it = (head)->next, tmp = it->next; it != (head);                  \
		it = tmp, tmp = it->next)

#endif
