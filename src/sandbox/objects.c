/* SPDX-License-Identifier: GPL-3.0-or-later */
/* objects.c - what only one standard object does: defaults, computed fields. */
#include <stdio.h>

#include <mailmill/utf8.h>

#include "sandbox.h"

#define CASE_NUMBER_FIRST 1000

static bool is_text(const json_t *j, const char *want)
{
	return json_is_string(j) && str_eq(sb_json_text(j), str_c(want));
}

/* People. */

json_t *sb_derive_person_name(struct sandbox *sb, const struct sb_record *r)
{
	json_t *first = sb_record_see(r, "FirstName");
	json_t *last = sb_record_see(r, "LastName");

	(void)sb;
	if (!first)
		return json_incref(last);
	return json_sprintf("%s%s%s", json_string_value(first), last ? " " : "",
		last ? json_string_value(last) : "");
}

/* Cases. */

static json_t *contact_value(
	struct sandbox *sb, const struct sb_record *r, const char *field)
{
	json_t *id = sb_record_see(r, "ContactId");
	struct sb_record *contact = id ? sb_table_get(
						 sb_object(sb, STR("Contact")),
						 sb_json_text(id))
				       : NULL;

	return contact ? json_incref(sb_record_see(contact, field)) : NULL;
}

json_t *sb_derive_contact_email(struct sandbox *sb, const struct sb_record *r)
{
	return contact_value(sb, r, "Email");
}

json_t *sb_derive_contact_phone(struct sandbox *sb, const struct sb_record *r)
{
	return contact_value(sb, r, "Phone");
}

json_t *sb_derive_contact_mobile(struct sandbox *sb, const struct sb_record *r)
{
	return contact_value(sb, r, "MobilePhone");
}

json_t *sb_derive_contact_fax(struct sandbox *sb, const struct sb_record *r)
{
	return contact_value(sb, r, "Fax");
}

json_t *sb_derive_is_closed(struct sandbox *sb, const struct sb_record *r)
{
	(void)sb;
	return json_boolean(is_text(sb_record_see(r, "Status"), "Closed"));
}

static int before_case(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	json_t *contact = sb_write_see(w, "ContactId");
	bool is_closed = is_text(sb_write_see(w, "Status"), "Closed");
	json_t *account;

	(void)f;
	if (contact && !sb_write_see(w, "AccountId")) {
		struct sb_record *c = sb_table_get(
			sb_object(sb, STR("Contact")), sb_json_text(contact));
		account = c ? sb_record_see(c, "AccountId") : NULL;
		if (account)
			sb_write_set(w, "AccountId", json_incref(account));
	}
	if (is_closed && !sb_write_see(w, "ClosedDate"))
		sb_write_set(w, "ClosedDate", json_integer(sb_now_ms()));
	if (!is_closed && sb_write_see(w, "ClosedDate"))
		sb_write_set(w, "ClosedDate", json_null());
	if (!w->record)
		sb_write_set(w, "CaseNumber",
			json_sprintf("%08lld",
				(long long)(CASE_NUMBER_FIRST +
					    ++w->object->last_number)));
	return 0;
}

static int after_case(
	struct sandbox *sb, struct sb_record *r, struct sb_fail *f)
{
	json_t *text = sb_record_see(r, "Comments");

	(void)f;
	if (text)
		sb_write_make(sb, "CaseComment", "ParentId", json_string(r->id),
			"CommentBody", json_incref(text), NULL);
	return 0;
}

const struct sb_hooks sb_hooks_case = { before_case, after_case, NULL };

/* E-mail messages. */

json_t *sb_derive_mail_name(struct sandbox *sb, const struct sb_record *r)
{
	json_t *subject = sb_record_see(r, "Subject");
	struct str s = sb_json_text(subject);

	(void)sb;
	if (!subject)
		return json_string("[No Subject]");
	s = utf8_cut_utf16(s, 255);
	return json_stringn(s.p, s.len);
}

json_t *sb_derive_has_attachment(struct sandbox *sb, const struct sb_record *r)
{
	struct sb_object *o = sb_object(sb, STR("ContentDocumentLink"));
	const struct sb_bucket *b = sb_table_find(
		sb_field(o, STR("LinkedEntityId")), str_n(r->id, SB_ID_LEN));

	return json_boolean(b && b->n);
}

/* HTML as text, roughly: what no client gave is not worth more. */
static json_t *html_text(struct str html)
{
	AUTO(buf) struct buf out = BUF_INIT(131072);
	bool is_tag = false;

	for (size_t i = 0; i < html.len; i++) {
		char c = html.p[i];
		if (c == '<')
			is_tag = true;
		else if (c == '>' && is_tag)
			is_tag = false;
		else if (!is_tag)
			buf_byte(&out, (unsigned char)c);
	}
	return json_stringn(out.p ? out.p : "", out.len);
}

/* Out of draft, only a little of a mail may still be changed. */
static int check_mail_update(struct sb_write *w, struct sb_fail *f)
{
	json_t *status = sb_record_see(w->record, "Status");

	if (is_text(status, "5"))
		return 0;
	for (int i = 1; i < w->object->n_fields; i++) {
		const struct sb_field *field = &w->object->fields[i];
		json_t *v = w->value[i], *now = w->record->v[i];
		if (!v || field->flags & SB_CUSTOM ||
			!strcmp(field->name, "IsExternallyVisible"))
			continue;
		if (json_is_null(v) ? !now : now && json_equal(v, now))
			continue;
		if (!strcmp(field->name, "Status") && is_text(now, "0") &&
			is_text(v, "1"))
			continue;
		return sb_fail_set(f, 400, "INSUFFICIENT_ACCESS_OR_READONLY",
			field->name,
			"insufficient access rights on object id: an email "
			"message can be updated only in draft status");
	}
	return 0;
}

static int before_mail(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	json_t *parent = sb_write_see(w, "ParentId");
	json_t *html = sb_write_see(w, "HtmlBody");

	(void)sb;
	if (w->record)
		return check_mail_update(w, f);
	if (!parent && !sb_write_see(w, "RelatedToId") &&
		!is_text(sb_write_see(w, "Status"), "3"))
		return sb_fail_set(f, 400, "FIELD_INTEGRITY_EXCEPTION",
			"ParentId",
			"an email message without a parent must have status "
			"Sent (3)");
	if (parent && !sb_write_see(w, "RelatedToId"))
		sb_write_set(w, "RelatedToId", json_incref(parent));
	if (!sb_write_see(w, "MessageDate"))
		sb_write_set(w, "MessageDate", json_integer(sb_now_ms()));
	if (html && !sb_write_see(w, "TextBody"))
		sb_write_set(w, "TextBody", html_text(sb_json_text(html)));
	return 0;
}

static void relate(struct sandbox *sb, struct sb_record *mail, const char *type,
	const json_t *id)
{
	struct sb_object *o = sb_object_of_id(sb, sb_json_text(id));
	struct sb_record *person = o ? sb_table_get(o, sb_json_text(id)) : NULL;
	json_t *address = person ? sb_record_see(person, "Email") : NULL;

	if (person)
		sb_write_make(sb, "EmailMessageRelation", "EmailMessageId",
			json_string(mail->id), "RelationId",
			json_string(person->id), "RelationType",
			json_string(type), "RelationAddress",
			json_incref(address), "RelationObjectType",
			json_string(o->name), NULL);
}

static int after_mail(
	struct sandbox *sb, struct sb_record *r, struct sb_fail *f)
{
	static const char *const lists[][2] = { { "ToIds", "ToAddress" },
		{ "CcIds", "CcAddress" }, { "BccIds", "BccAddress" } };
	json_t *from = sb_record_see(r, "FromId");
	size_t k;
	json_t *id;

	(void)f;
	if (from)
		relate(sb, r, "FromAddress", from);
	for (size_t i = 0; i < COUNT(lists); i++)
		json_array_foreach(sb_record_see(r, lists[i][0]), k, id)
			relate(sb, r, lists[i][1], id);
	json_array_foreach(sb_record_see(r, "ContentDocumentIds"), k, id)
		sb_write_make(sb, "ContentDocumentLink", "LinkedEntityId",
			json_string(r->id), "ContentDocumentId",
			json_incref(id), "ShareType", json_string("V"), NULL);
	return 0;
}

const struct sb_hooks sb_hooks_email_message = { before_mail, after_mail,
	NULL };

/* Leads, contacts, tasks. */

static int before_lead(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	(void)sb;
	if (w->record && json_is_true(sb_record_see(w->record, "IsConverted")))
		return sb_fail_set(f, 400, "CANNOT_UPDATE_CONVERTED_LEAD", "",
			"cannot reference converted lead");
	return 0;
}

const struct sb_hooks sb_hooks_lead = { before_lead, NULL, NULL };
const struct sb_hooks sb_hooks_contact = { 0 };

json_t *sb_derive_task_closed(struct sandbox *sb, const struct sb_record *r)
{
	(void)sb;
	return json_boolean(is_text(sb_record_see(r, "Status"), "Completed"));
}

static int before_task(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	json_t *who = sb_write_see(w, "WhoId");

	(void)sb;
	if (who && str_starts(sb_json_text(who), STR("00Q")) &&
		sb_write_see(w, "WhatId"))
		return sb_fail_set(f, 400, "FIELD_INTEGRITY_EXCEPTION",
			"WhatId",
			"If the Name is a lead, the Related To field must be "
			"empty");
	if (is_text(sb_write_see(w, "Status"), "Completed") &&
		!sb_write_see(w, "CompletedDateTime"))
		sb_write_set(w, "CompletedDateTime", json_integer(sb_now_ms()));
	return 0;
}

const struct sb_hooks sb_hooks_task = { before_task, NULL, NULL };

/* Files. */

static struct str extension_of(struct str path)
{
	ssize_t dot = str_rchr(path, '.');

	return dot < 0 ? STR_NULL : str_sub(path, (size_t)dot + 1, path.len);
}

static struct str base_of(struct str path)
{
	ssize_t slash = MAX(str_rchr(path, '/'), str_rchr(path, '\\'));
	ssize_t dot;

	path = str_sub(path, (size_t)(slash + 1), path.len);
	dot = str_rchr(path, '.');
	return dot > 0 ? str_sub(path, 0, (size_t)dot) : path;
}

static json_t *file_type(struct str extension)
{
	AUTO(buf) struct buf b = BUF_INIT(20);

	for (size_t i = 0; i < extension.len && i < 20; i++)
		buf_byte(&b,
			(unsigned char)(extension.p[i] >= 'a' &&
							extension.p[i] <= 'z'
						? extension.p[i] - 32
						: extension.p[i]));
	if (!b.len)
		return json_string("UNKNOWN");
	json_t *j = json_stringn(b.p, b.len);
	return j ? j : json_string("UNKNOWN");
}

static int complete_version(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	json_t *path = sb_write_see(w, "PathOnClient");
	json_t *document = sb_write_see(w, "ContentDocumentId");
	struct str extension;

	(void)sb;
	if (!w->has_blob && !sb_write_see(w, "ContentUrl"))
		return sb_fail_set(f, 400, "REQUIRED_FIELD_MISSING",
			"VersionData",
			"Required fields are missing: [VersionData]");
	if (w->has_blob && !path)
		return sb_fail_set(f, 400, "REQUIRED_FIELD_MISSING",
			"PathOnClient",
			"Required fields are missing: [PathOnClient]");
	if (document && sb_write_see(w, "FirstPublishLocationId"))
		return sb_fail_set(f, 400, "INVALID_FIELD_FOR_INSERT_UPDATE",
			"FirstPublishLocationId",
			"FirstPublishLocationId may be given only with a new "
			"document");
	if (!path)
		return 0;
	extension = extension_of(sb_json_text(path));
	if (!sb_write_see(w, "Title")) {
		struct str base = base_of(sb_json_text(path));
		sb_write_set(w, "Title", json_stringn(base.p, base.len));
	}
	if (extension.len && extension.len <= 40)
		sb_write_set(w, "FileExtension",
			json_stringn(extension.p, extension.len));
	sb_write_set(w, "FileType", file_type(extension));
	return 0;
}

static int before_version(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	if (w->record) {
		json_t *sum = sb_record_see(w->record, "Checksum");
		/* A repeated upload of the same bytes changes nothing. */
		if (w->has_blob && !is_text(sum, w->md5))
			return sb_fail_set(f, 400,
				"INVALID_FIELD_FOR_INSERT_UPDATE",
				"VersionData",
				"Unable to create/update fields: VersionData. "
				"Please check the security settings of this "
				"field and verify that it is read/write for "
				"your profile or permission set.");
		return 0;
	}
	if (complete_version(sb, w, f) < 0)
		return -1;
	sb_write_set(w, "IsLatest", json_true());
	sb_write_set(w, "VersionNumber", json_string("1"));
	sb_write_set(w, "ContentSize", json_integer((json_int_t)w->blob_len));
	if (w->has_blob)
		sb_write_set(w, "Checksum", json_string(w->md5));
	return 0;
}

static void set(struct sandbox *sb, struct sb_record *r, const char *field,
	json_t *value)
{
	sb_table_set(sb, r, sb_field(r->object, str_c(field))->index, value);
}

static struct sb_record *make_document(
	struct sandbox *sb, struct sb_record *version)
{
	struct sb_record *d = sb_write_make(sb, "ContentDocument", "Title",
		json_incref(sb_record_see(version, "Title")), "ContentSize",
		json_incref(sb_record_see(version, "ContentSize")), "FileType",
		json_incref(sb_record_see(version, "FileType")),
		"FileExtension",
		json_incref(sb_record_see(version, "FileExtension")),
		"Description",
		json_incref(sb_record_see(version, "Description")),
		"LatestPublishedVersionId", json_string(version->id), NULL);

	set(sb, version, "ContentDocumentId", json_string(d->id));
	sb_write_make(sb, "ContentDocumentLink", "LinkedEntityId",
		json_string(sb->user_id), "ContentDocumentId",
		json_string(d->id), "ShareType", json_string("I"), NULL);
	return d;
}

static void add_version(struct sandbox *sb, struct sb_record *version,
	struct sb_record *document)
{
	static const char *const copied[] = { "Title", "ContentSize",
		"FileType", "FileExtension" };
	struct sb_object *o = version->object;
	json_t *id = sb_record_see(document, "LatestPublishedVersionId");
	struct sb_record *last = id ? sb_table_get(o, sb_json_text(id)) : NULL;
	json_t *number = last ? sb_record_see(last, "VersionNumber") : NULL;
	int64_t n = 0;

	if (number && str_to_i64(sb_json_text(number), &n) < 0)
		n = 0;
	if (last)
		set(sb, last, "IsLatest", json_false());
	set(sb, version, "VersionNumber",
		json_sprintf("%lld", (long long)n + 1));
	set(sb, document, "LatestPublishedVersionId", json_string(version->id));
	for (size_t i = 0; i < COUNT(copied); i++)
		set(sb, document, copied[i],
			json_incref(sb_record_see(version, copied[i])));
}

static int after_version(
	struct sandbox *sb, struct sb_record *r, struct sb_fail *f)
{
	json_t *document = sb_record_see(r, "ContentDocumentId");
	json_t *place = sb_record_see(r, "FirstPublishLocationId");
	struct sb_record *d;

	(void)f;
	if (document) {
		d = sb_table_get(sb_object(sb, STR("ContentDocument")),
			sb_json_text(document));
		if (d)
			add_version(sb, r, d);
		return 0;
	}
	d = make_document(sb, r);
	if (place && !is_text(place, sb->user_id))
		sb_write_make(sb, "ContentDocumentLink", "LinkedEntityId",
			json_incref(place), "ContentDocumentId",
			json_string(d->id), "ShareType", json_string("V"),
			NULL);
	return 0;
}

const struct sb_hooks sb_hooks_content_version = { before_version,
	after_version, NULL };
const struct sb_hooks sb_hooks_content_document = { 0 };

static int before_link(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *f)
{
	json_t *document = sb_write_see(w, "ContentDocumentId");
	json_t *entity = sb_write_see(w, "LinkedEntityId");
	struct sb_field *field = sb_field(w->object, STR("ContentDocumentId"));
	const struct sb_bucket *b;

	(void)sb;
	if (w->record)
		return 0;
	if (!sb_write_see(w, "ShareType"))
		sb_write_set(w, "ShareType", json_string("V"));
	b = sb_table_find(field, sb_json_text(document));
	for (unsigned i = 0; b && i < b->n; i++)
		if (json_equal(
			    sb_record_see(b->r[i], "LinkedEntityId"), entity))
			return sb_fail_set(f, 400, "DUPLICATE_VALUE", "",
				"duplicate value found: LinkedEntityId "
				"duplicates value on record with id: %.15s",
				b->r[i]->id);
	return 0;
}

const struct sb_hooks sb_hooks_content_link = { before_link, NULL, NULL };
