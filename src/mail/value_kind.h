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
	X("feedback.message_id", feedback_of, AT(feedback, message_id))
/* clang-format on */

#endif
