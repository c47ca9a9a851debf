/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json_kind.c - the members of the JSON form that tell what kind of mail it is
 * and what belongs to that kind: list, bounces, reports, events, cards.
 */
#include "inside.h"

static json_t *text_of(struct str s)
{
	json_t *j = json_stringn(s.p ? s.p : "", s.len);

	return j ? j : json_string("");
}

static void set(json_t *j, const char *name, struct str s)
{
	if (s.len)
		json_object_set_new(j, name, text_of(s));
}

static void set_flag(json_t *j, const char *name, bool is_true)
{
	if (is_true)
		json_object_set_new(j, name, json_true());
}

static void set_texts(
	json_t *j, const char *name, const struct str *items, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, text_of(items[i]));
	if (n)
		json_object_set(j, name, list);
	json_decref(list);
}

json_t *json_evidence(struct mail *m)
{
	const struct str *items;
	size_t n = mail_kind_evidence(m, NULL, &items);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, text_of(items[i]));
	return list;
}

json_t *json_auto(struct mail *m)
{
	const struct mail_auto *a = mail_auto(m);
	json_t *j = json_object();

	set(j, "auto_submitted", a->auto_submitted);
	set(j, "precedence", a->precedence);
	set(j, "x_auto_response_suppress", a->x_auto_response_suppress);
	set(j, "x_autoreply", a->x_autoreply);
	set(j, "x_autorespond", a->x_autorespond);
	set(j, "x_loop", a->x_loop);
	set(j, "feedback_id", a->feedback_id);
	set_flag(j, "null_sender", a->is_null_sender);
	return j;
}

json_t *json_list(struct mail *m)
{
	const struct mail_list *l = mail_list(m);
	json_t *j = json_object(), *unsubscribe = json_object();

	set(j, "id", l->id);
	set(j, "name", l->name);
	set(j, "post", l->post);
	set(unsubscribe, "mailto", l->unsubscribe_mailto);
	set(unsubscribe, "https", l->unsubscribe_https);
	set_flag(unsubscribe, "one_click", l->is_one_click);
	if (json_object_size(unsubscribe))
		json_object_set(j, "unsubscribe", unsubscribe);
	json_decref(unsubscribe);
	set(j, "help", l->help);
	set(j, "archive", l->archive);
	set(j, "owner", l->owner);
	set(j, "subscribe", l->subscribe);
	set(j, "software", l->software);
	return j;
}

json_t *json_bounce(struct mail *m)
{
	const struct mail_bounce *b;
	size_t n = mail_bounces(m, &b);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		json_object_set_new(j, "recipient", text_of(b[i].recipient));
		set(j, "status", b[i].status);
		set(j, "reply_code", b[i].reply_code);
		set(j, "action", b[i].action);
		set(j, "reason", str_c(b[i].reason));
		json_object_set_new(
			j, "permanent", json_boolean(b[i].is_permanent));
		set(j, "diagnostic", b[i].diagnostic);
		set(j, "host", b[i].host);
		set_flag(j, "guess", b[i].is_guess);
		json_array_append_new(list, j);
	}
	return list;
}

json_t *json_bounced(struct mail *m)
{
	const struct mail_bounced *b = mail_bounced(m);
	json_t *j = json_object();

	set(j, "message_id", b->message_id);
	set(j, "subject", b->subject);
	set(j, "from", b->from);
	set(j, "to", b->to);
	set(j, "date", b->date);
	return j;
}

json_t *json_feedback(struct mail *m)
{
	const struct mail_feedback *f = mail_feedback(m);
	json_t *j = json_object();

	if (!f)
		return j;
	set(j, "type", f->type);
	set(j, "user_agent", f->user_agent);
	set(j, "version", f->version);
	set(j, "original_mail_from", f->original_mail_from);
	set_texts(j, "original_rcpt_to", f->original_rcpt_to,
		f->n_original_rcpt_to);
	set(j, "original_envelope_id", f->original_envelope_id);
	set(j, "message_id", f->message_id);
	set(j, "arrival_date", f->arrival_date);
	set(j, "source_ip", f->source_ip);
	set(j, "reporting_mta", f->reporting_mta);
	set(j, "auth_failure", f->auth_failure);
	set(j, "delivery_result", f->delivery_result);
	set_texts(
		j, "reported_domain", f->reported_domain, f->n_reported_domain);
	set_texts(j, "reported_uri", f->reported_uri, f->n_reported_uri);
	set_texts(j, "authentication_results", f->authentication_results,
		f->n_authentication_results);
	json_object_set_new(
		j, "incidents", json_integer((json_int_t)f->incidents));
	return j;
}

json_t *json_fingerprint(struct mail *m)
{
	unsigned char id[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	mail_fingerprint(m, id);
	hash_hex(id, hex);
	return json_string(hex);
}

static void set_time(json_t *j, const char *name, const struct mail_time *t)
{
	json_t *time = json_object();

	set(time, "local", t->local);
	set(time, "utc", t->utc);
	set(time, "zone", t->zone);
	if (t->local.len)
		json_object_set(j, name, time);
	json_decref(time);
}

static json_t *attendees_of(const struct mail_event *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_attendees; i++) {
		json_t *j = json_object();
		json_object_set_new(
			j, "address", text_of(e->attendees[i].address));
		set(j, "name", e->attendees[i].name);
		set(j, "partstat", e->attendees[i].partstat);
		set(j, "role", e->attendees[i].role);
		set_flag(j, "rsvp", e->attendees[i].is_rsvp);
		json_array_append_new(list, j);
	}
	return list;
}

json_t *json_calendar(struct mail *m)
{
	const struct mail_event *e;
	size_t n = mail_calendar(m, &e);
	json_t *list = json_array();

	for (; n--; e++) {
		json_t *j = json_object();
		json_object_set_new(j, "kind", text_of(e->kind));
		set(j, "method", e->method);
		set(j, "uid", e->uid);
		json_object_set_new(
			j, "sequence", json_integer((json_int_t)e->sequence));
		set(j, "status", e->status);
		set(j, "summary", e->summary);
		set(j, "location", e->location);
		set(j, "description", e->description);
		set(j, "comment", e->comment);
		set(j, "url", e->url);
		set(j, "organizer", e->organizer);
		set(j, "organizer_name", e->organizer_name);
		json_object_set_new(j, "attendees", attendees_of(e));
		set_time(j, "start", &e->start);
		set_time(j, "end", &e->end);
		json_object_set_new(j, "all_day", json_boolean(e->is_all_day));
		set(j, "recurrence", e->recurrence);
		set(j, "recurrence_id", e->recurrence_id);
		set_time(j, "stamp", &e->stamp);
		json_object_set_new(j, "part", json_integer(e->part->number));
		json_array_append_new(list, j);
	}
	return list;
}

json_t *json_contacts(struct mail *m)
{
	const struct mail_contact *c;
	size_t n = mail_contacts(m, &c);
	json_t *list = json_array();

	for (; n--; c++) {
		json_t *j = json_object();
		json_object_set_new(j, "name", text_of(c->name));
		set(j, "family_name", c->family_name);
		set(j, "given_name", c->given_name);
		set(j, "organization", c->organization);
		set(j, "title", c->title);
		set_texts(j, "emails", c->emails, c->n_emails);
		set_texts(j, "phones", c->phones, c->n_phones);
		set(j, "address", c->address);
		set(j, "url", c->url);
		set(j, "birthday", c->birthday);
		set(j, "note", c->note);
		json_object_set_new(j, "part", json_integer(c->part->number));
		json_array_append_new(list, j);
	}
	return list;
}
