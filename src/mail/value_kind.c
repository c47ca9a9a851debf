/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value_kind.c - values that are a text in a struct which the mail lends: of
 * the list, of the mail that came back, of a report, of the first event.
 */
#include <stddef.h>

#include "value_kind.h"

static const void *list_of(struct mail *m)
{
	return mail_list(m);
}

static const void *auto_of(struct mail *m)
{
	return mail_auto(m);
}

static const void *bounced_of(struct mail *m)
{
	return mail_bounced(m);
}

static const void *bounce_of(struct mail *m)
{
	static const struct mail_bounce none;
	const struct mail_bounce *list;

	return mail_bounces(m, &list) ? list : &none;
}

static const void *feedback_of(struct mail *m)
{
	static const struct mail_feedback none;
	const struct mail_feedback *f = mail_feedback(m);

	return f ? f : &none;
}

static const void *event_of(struct mail *m)
{
	static const struct mail_event none;
	const struct mail_event *list;

	return mail_calendar(m, &list) ? list : &none;
}

static const void *contact_of(struct mail *m)
{
	static const struct mail_contact none;
	const struct mail_contact *list;

	return mail_contacts(m, &list) ? list : &none;
}

#define AT(type, field) offsetof(struct mail_##type, field)

#define ROW(name, of, at) { name, of, at },

static const struct value_member members[] = { VALUE_MEMBERS(ROW) };

const struct value_member *value_find_member(struct str name)
{
	for (size_t i = 0; i < COUNT(members); i++)
		if (str_eq(name, str_c(members[i].name)))
			return &members[i];
	return NULL;
}
