/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value_kind.h - one row a value that is a text in a struct: value_kind.c. */
#ifndef MAILMILL_MAIL_VALUE_KIND_H
#define MAILMILL_MAIL_VALUE_KIND_H

#include "inside.h"

/* clang-format off */
#define VALUE_MEMBERS(X) \
	X("list.name", list_of, AT(list, name)) \
	X("list.post", list_of, AT(list, post)) \
	X("list.unsubscribe.mailto", list_of, AT(list, unsubscribe_mailto)) \
	X("list.unsubscribe.https", list_of, AT(list, unsubscribe_https)) \
	X("list.help", list_of, AT(list, help)) \
	X("list.archive", list_of, AT(list, archive)) \
	X("list.owner", list_of, AT(list, owner)) \
	X("list.subscribe", list_of, AT(list, subscribe)) \
	X("list.software", list_of, AT(list, software)) \
	X("auto.auto_submitted", auto_of, AT(auto, auto_submitted)) \
	X("auto.precedence", auto_of, AT(auto, precedence)) \
	X("auto.x_auto_response_suppress", auto_of, AT(auto, x_auto_response_suppress)) \
	X("bounce.reply_code", bounce_of, AT(bounce, reply_code)) \
	X("bounce.action", bounce_of, AT(bounce, action)) \
	X("bounce.host", bounce_of, AT(bounce, host)) \
	X("bounced.message_id", bounced_of, AT(bounced, message_id)) \
	X("bounced.subject", bounced_of, AT(bounced, subject)) \
	X("bounced.from", bounced_of, AT(bounced, from)) \
	X("bounced.to", bounced_of, AT(bounced, to)) \
	X("bounced.date", bounced_of, AT(bounced, date)) \
	X("feedback.type", feedback_of, AT(feedback, type)) \
	X("feedback.user_agent", feedback_of, AT(feedback, user_agent)) \
	X("feedback.mail_from", feedback_of, AT(feedback, original_mail_from)) \
	X("feedback.source_ip", feedback_of, AT(feedback, source_ip)) \
	X("feedback.message_id", feedback_of, AT(feedback, message_id)) \
	X("calendar.kind", event_of, AT(event, kind)) \
	X("calendar.method", event_of, AT(event, method)) \
	X("calendar.uid", event_of, AT(event, uid)) \
	X("calendar.status", event_of, AT(event, status)) \
	X("calendar.summary", event_of, AT(event, summary)) \
	X("calendar.location", event_of, AT(event, location)) \
	X("calendar.description", event_of, AT(event, description)) \
	X("calendar.comment", event_of, AT(event, comment)) \
	X("calendar.url", event_of, AT(event, url)) \
	X("calendar.organizer", event_of, AT(event, organizer)) \
	X("calendar.organizer.name", event_of, AT(event, organizer_name)) \
	X("calendar.start", event_of, AT(event, start.local)) \
	X("calendar.start.utc", event_of, AT(event, start.utc)) \
	X("calendar.start.zone", event_of, AT(event, start.zone)) \
	X("calendar.end", event_of, AT(event, end.local)) \
	X("calendar.end.utc", event_of, AT(event, end.utc)) \
	X("calendar.recurrence", event_of, AT(event, recurrence)) \
	X("contact.name", contact_of, AT(contact, name)) \
	X("contact.family_name", contact_of, AT(contact, family_name)) \
	X("contact.given_name", contact_of, AT(contact, given_name)) \
	X("contact.organization", contact_of, AT(contact, organization)) \
	X("contact.title", contact_of, AT(contact, title)) \
	X("contact.email", contact_of, AT(contact, email)) \
	X("contact.phone", contact_of, AT(contact, phone)) \
	X("contact.address", contact_of, AT(contact, address)) \
	X("contact.url", contact_of, AT(contact, url)) \
	X("contact.birthday", contact_of, AT(contact, birthday)) \
	X("contact.note", contact_of, AT(contact, note))
/* clang-format on */

#endif
