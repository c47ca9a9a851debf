/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bounce_ses.c - notices of Amazon SES in JSON, as its SNS sends them by mail.
 *
 * The text is an object with notificationType (or eventType) and a member of
 * the type's name; a footer in words follows. It counts only from the service's
 * address or with its fields.
 */
#include "bounce.h"

#define JSON_LEN_MAX ((size_t)256 << 10)

static bool is_from_sns(struct mail *m)
{
	struct str from;

	return header_raw(m, m->root, "x-amz-sns-message-id").p ||
	       (mail_value(m, STR("from"), &from) == 0 &&
		       str_ends(from, STR("amazonaws.com")));
}

static json_t *load(struct mail *m)
{
	struct str text = str_trim(str_sub(mail_text(m), 0, JSON_LEN_MAX));
	char *copy;
	size_t n = 0;
	json_t *j;

	if (!str_starts(text, STR("{")) || !is_from_sns(m))
		return NULL;
	/* some relay folds the one long line */
	copy = mem_array(text.len + 1, 1);
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] >= ' ')
			copy[n++] = text.p[i];
	j = json_loadb(copy, n, JSON_DISABLE_EOF_CHECK, NULL);
	free(copy);
	return j;
}

static const char *type_of(json_t *j)
{
	const char *type = json_string_value(
		json_object_get(j, "notificationType"));

	if (!type)
		type = json_string_value(json_object_get(j, "eventType"));
	return type ? type : "";
}

enum mail_kind bounce_ses_kind(struct mail *m)
{
	json_t *j = load(m);
	const char *type = type_of(j);
	enum mail_kind kind = !strcmp(type, "Bounce")	  ? MAIL_BOUNCE
			      : !strcmp(type, "Delivery") ? MAIL_SUCCESS_NOTICE
			      : !strcmp(type, "Complaint")
				      ? MAIL_FEEDBACK_REPORT
				      : MAIL_ORDINARY;

	json_decref(j);
	return kind;
}

static struct str text_of(struct mail *m, json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return arena_str(m->arena, str_c(s ? s : ""));
}

/* Takes "smtp; " off. */
static struct str diagnostic_of(struct mail *m, json_t *j, const char *name)
{
	struct str s = text_of(m, j, name);

	if (str_starts_case(s, STR("smtp;")))
		s = str_trim(str_sub(s, 5, SIZE_MAX));
	return utf8_cut(s, BOUNCE_DIAGNOSTIC_MAX);
}

static void read_bounced(
	struct mail *m, json_t *bounce, struct mail_bounce **out, size_t *n)
{
	json_t *list = json_object_get(bounce, "bouncedRecipients");
	size_t n_max = MIN(json_array_size(list), BOUNCE_RCPTS_MAX);

	*out = arena_array(m->arena, n_max ? n_max : 1, sizeof(**out));
	for (size_t i = 0; i < n_max; i++) {
		json_t *at = json_array_get(list, i);
		struct mail_bounce *b = &(*out)[(*n)++];
		b->recipient = text_of(m, at, "emailAddress");
		b->action = text_of(m, at, "action");
		b->status = text_of(m, at, "status");
		b->diagnostic = diagnostic_of(m, at, "diagnosticCode");
		b->host = text_of(m, bounce, "reportingMTA");
	}
}

static void read_delivered(
	struct mail *m, json_t *delivery, struct mail_bounce **out, size_t *n)
{
	json_t *list = json_object_get(delivery, "recipients");
	size_t n_max = MIN(json_array_size(list), BOUNCE_RCPTS_MAX);

	*out = arena_array(m->arena, n_max ? n_max : 1, sizeof(**out));
	for (size_t i = 0; i < n_max; i++) {
		const char *who = json_string_value(json_array_get(list, i));
		struct mail_bounce *b = &(*out)[(*n)++];
		b->recipient = arena_str(m->arena, str_c(who ? who : ""));
		b->diagnostic = diagnostic_of(m, delivery, "smtpResponse");
		b->host = text_of(m, delivery, "reportingMTA");
		b->action = STR("delivered");
	}
}

bool bounce_read_ses(struct mail *m, struct mail_bounce **out, size_t *n)
{
	json_t *j = load(m);
	const char *type = type_of(j);
	bool is_one = true;

	if (!strcmp(type, "Bounce"))
		read_bounced(m, json_object_get(j, "bounce"), out, n);
	else if (!strcmp(type, "Delivery"))
		read_delivered(m, json_object_get(j, "delivery"), out, n);
	else
		is_one = false;
	json_decref(j);
	return is_one;
}
