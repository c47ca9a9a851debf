/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json.c - the form that `mailmill parse --json` prints. The members have the
 * names of value.c; "version" counts changes that could break a reader. Each
 * member is always there and stands in mailmill-parse(1) and in
 * contrib/parse.schema.json, which allows no other.
 */
#include "inside.h"

#define FORM_VERSION 1

static json_t *text_of(struct str s)
{
	/* all we lend is valid UTF-8; check all the same, for it is cheap */
	json_t *j = json_stringn(s.p ? s.p : "", s.len);

	return j ? j : json_string("");
}

static void set(json_t *j, const char *name, struct str s)
{
	json_object_set_new(j, name, text_of(s));
}

static void set_unless_empty(json_t *j, const char *name, struct str s)
{
	if (s.len)
		set(j, name, s);
}

static json_t *address_of(struct mail *m, const struct mail_address *a)
{
	json_t *j = json_object();

	set(j, "name", a->name);
	set(j, "address", a->address);
	set(j, "local", a->local);
	set(j, "domain", a->domain);
	set_unless_empty(
		j, "domain_ascii", mail_domain_ascii(m->arena, a->domain));
	set_unless_empty(
		j, "domain_unicode", mail_domain_unicode(m->arena, a->domain));
	json_object_set_new(j, "valid", json_boolean(a->is_valid));
	return j;
}

/* The addresses of all fields of a name. */
static json_t *addresses_of(struct mail *m, const char *field)
{
	struct fields *f = header_fields(m, m->root);
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++) {
		struct mail_address *items;
		size_t n;
		if (!str_eq_case(f->items[i].name, str_c(field)))
			continue;
		n = mail_addresses(
			m->arena, header_hinted(m, f->items[i].raw), &items);
		for (size_t k = 0; k < n; k++)
			json_array_append_new(list, address_of(m, &items[k]));
	}
	return list;
}

static json_t *part_of_tree(struct mail *m, struct mail_part *p)
{
	json_t *j = json_object();

	json_object_set_new(j, "number", json_integer(p->number));
	json_object_set_new(j, "type",
		json_sprintf(
			"%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype)));
	set_unless_empty(j, "charset", utf8_mend(m->arena, p->charset));
	set_unless_empty(j, "encoding", p->encoding);
	set_unless_empty(j, "disposition", p->disposition);
	set_unless_empty(j, "filename", p->filename);
	set_unless_empty(j, "content_id", p->content_id);
	json_object_set_new(
		j, "header_offset", json_integer((json_int_t)p->header_offset));
	json_object_set_new(j, "offset", json_integer((json_int_t)p->offset));
	json_object_set_new(j, "length", json_integer((json_int_t)p->len));
	json_object_set_new(j, "attachment", json_boolean(p->is_attachment));
	json_object_set_new(j, "inline", json_boolean(p->is_inline));
	return j;
}

/*
 * Depth is limited by scan.c, but let the C stack depend only on how often
 * parts are packed in parts.
 */
static json_t *tree_from(struct mail *m, struct mail_part *from)
{
	json_t *at_depth[MAIL_DEPTH_MAX + 1] = { NULL }, *root = NULL;

	for (struct mail_part *p = from; p; p = mail_next(p)) {
		json_t *j = part_of_tree(m, p), *list;
		struct mail_part *inner = mail_part_inner(m, p);
		if (inner) {
			json_t *packed = tree_from(m, inner);
			json_object_set_new(
				packed, "inside", json_integer(p->number));
			json_object_set_new(
				j, "parts", json_pack("[o]", packed));
		}
		if (p->depth == 0) {
			root = j;
		} else {
			json_t *parent = at_depth[p->depth - 1];
			list = json_object_get(parent, "parts");
			if (!list) {
				list = json_array();
				json_object_set_new(parent, "parts", list);
			}
			json_array_append_new(list, j);
		}
		at_depth[p->depth] = j;
	}
	return root;
}

static json_t *tree_of(struct mail *m)
{
	return tree_from(m, mail_root(m));
}

static json_t *security_of(struct mail *m)
{
	const struct mail_security *items;
	size_t n = mail_security(m, &items);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		set(j, "kind", str_c(items[i].kind));
		json_object_set_new(
			j, "signed", json_boolean(items[i].is_signed));
		json_object_set_new(
			j, "encrypted", json_boolean(items[i].is_encrypted));
		json_object_set_new(
			j, "part", json_integer(items[i].part->number));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *attachments_of(struct mail *m)
{
	const struct mail_attachment *items;
	size_t n = mail_attachments(m, &items);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		set(j, "name", items[i].name);
		set(j, "type", items[i].type);
		json_object_set_new(
			j, "size", json_integer((json_int_t)items[i].size));
		set(j, "sha256", items[i].sha256);
		json_object_set_new(
			j, "inline", json_boolean(items[i].is_inline));
		json_object_set_new(
			j, "part", json_integer(items[i].part->number));
		set_unless_empty(j, "inside", items[i].inside);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *forwards_of(struct mail *m)
{
	const struct mail_forwarded *f;
	size_t n = mail_forwards(m, &f);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		set_unless_empty(j, "from", f[i].from);
		set_unless_empty(j, "from_name", f[i].from_name);
		set_unless_empty(j, "to", f[i].to);
		set_unless_empty(j, "cc", f[i].cc);
		set_unless_empty(j, "date", f[i].date);
		set_unless_empty(j, "subject", f[i].subject);
		set_unless_empty(j, "message_id", f[i].message_id);
		set(j, "text", f[i].text);
		if (f[i].part)
			json_object_set_new(
				j, "part", json_integer(f[i].part->number));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *language_of(struct mail *m)
{
	const struct mail_language *l = mail_language(m);
	json_t *j = json_object();

	set(j, "code", str_c(l->code));
	json_object_set_new(j, "confidence",
		json_real((double)(int)(l->confidence * 100 + 0.5) / 100));
	return j;
}

/* ---- where values come from ---- */

#define RANGES_MAX 8 /* of a value, as printed */

static json_t *range_to_json(const struct mail_range *r)
{
	json_t *j = json_object();

	json_object_set_new(j, "part", json_integer(r->part));
	json_object_set_new(j, "offset", json_integer((json_int_t)r->offset));
	json_object_set_new(j, "length", json_integer((json_int_t)r->len));
	json_object_set_new(j, "exact", json_boolean(r->is_exact));
	return j;
}

static void locate(struct mail *m, json_t *j, const char *name, struct str s)
{
	struct mail_range ranges[RANGES_MAX];
	size_t n = mail_locate(m, s, ranges, RANGES_MAX);
	json_t *list = json_object_get(j, name);

	if (n && !list) {
		list = json_array();
		json_object_set_new(j, name, list);
	}
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, range_to_json(&ranges[i]));
}

/* Of a member that is made of header fields, each of them. */
static void locate_fields(
	struct mail *m, json_t *j, const char *name, const char *field)
{
	struct fields *f = header_fields(m, m->root);

	for (size_t i = 0; i < f->n; i++)
		if (str_eq_case(f->items[i].name, str_c(field)))
			locate(m, j, name, str_trim(f->items[i].raw));
}

static const struct source {
	const char *name, *field;
} sources[] = {
	{ "message_id", "message-id" },
	{ "in_reply_to", "in-reply-to" },
	{ "references", "references" },
	{ "date", "date" },
	{ "from", "from" },
	{ "sender", "sender" },
	{ "reply_to", "reply-to" },
	{ "to", "to" },
	{ "cc", "cc" },
	{ "bcc", "bcc" },
	{ "delivered_to", "delivered-to" },
	{ "subject", "subject" },
	{ "subject_base", NULL },
	{ "text", NULL },
	{ "html", NULL },
	{ "reply", NULL },
	{ "quoted", NULL },
	{ "signature", NULL },
};

static json_t *source_of(struct mail *m)
{
	json_t *j = json_object();
	struct str s;

	for (size_t i = 0; i < COUNT(sources); i++) {
		if (sources[i].field)
			locate_fields(m, j, sources[i].name, sources[i].field);
		else if (mail_value(m, str_c(sources[i].name), &s) == 0)
			locate(m, j, sources[i].name, s);
	}
	return j;
}

static json_t *headers_of(struct mail *m)
{
	size_t n;
	const struct mail_header *h = mail_headers(m, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("[o,o]", text_of(h[i].name),
				      text_of(h[i].value)));
	return list;
}

static json_t *defects_of(struct mail *m)
{
	const struct mail_defect *items;
	size_t n = mail_defects(m, &items);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		set(j, "code", str_c(items[i].code));
		json_object_set_new(j, "part",
			json_integer(mail_part_at(m, items[i].offset)->number));
		json_object_set_new(
			j, "offset", json_integer((json_int_t)items[i].offset));
		set(j, "text", utf8_mend(m->arena, items[i].text));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *version_of(struct mail *m)
{
	(void)m;
	return json_integer(FORM_VERSION);
}

static json_t *in_reply_to_of(struct mail *m)
{
	json_t *list = json_array();
	struct str id;

	if (mail_value(m, STR("in_reply_to"), &id) == 0 && id.len)
		json_array_append_new(list, text_of(id));
	return list;
}

/* Oldest first, as the value has them. */
static json_t *references_of(struct mail *m)
{
	json_t *list = json_array();
	struct str *ids;
	size_t n = mail_references(m, &ids);

	while (n--)
		json_array_append_new(list, text_of(ids[n]));
	return list;
}

static json_t *size_of(struct mail *m)
{
	return json_integer((json_int_t)mail_size(m));
}

static json_t *identity_of(struct mail *m)
{
	unsigned char id[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	mail_identity(m, id);
	hash_hex(id, hex);
	return json_string(hex);
}

static json_t *bounced_id_of(struct mail *m)
{
	struct str id = mail_bounced_id(m);

	return id.len ? text_of(id) : NULL;
}

/* What has no maker yet, so that a reader finds each member in each object. */
static json_t *no_members(struct mail *m)
{
	(void)m;
	return json_object();
}

/* One row a member, in the order in which they are printed. */
static const struct member {
	const char *name;
	json_t *(*make)(struct mail *m); /* NULL: left out; or: */
	const char *field; /* addresses of all fields of this name; or: text of
			      the value `name` */
} members[] = {
	{ "version", version_of, NULL },
	{ "message_id", NULL, NULL },
	{ "in_reply_to", in_reply_to_of, NULL },
	{ "references", references_of, NULL },
	{ "date", NULL, NULL },
	{ "from", NULL, "from" },
	{ "sender", NULL, "sender" },
	{ "reply_to", NULL, "reply-to" },
	{ "to", NULL, "to" },
	{ "cc", NULL, "cc" },
	{ "bcc", NULL, "bcc" },
	{ "delivered_to", NULL, "delivered-to" },
	{ "subject", NULL, NULL },
	{ "subject_base", NULL, NULL },
	{ "text", NULL, NULL },
	{ "html", NULL, NULL },
	{ "reply", NULL, NULL },
	{ "quoted", NULL, NULL },
	{ "signature", NULL, NULL },
	{ "language", language_of, NULL },
	{ "kind", NULL, NULL },
	{ "kind_evidence", json_evidence, NULL },
	{ "auto", json_auto, NULL },
	{ "bounce", json_bounce, NULL },
	{ "bounced_message_id", bounced_id_of, NULL },
	{ "bounced", json_bounced, NULL },
	{ "feedback", json_feedback, NULL },
	{ "list", json_list, NULL },
	{ "auth", no_members, NULL },
	{ "parts", tree_of, NULL },
	{ "attachments", attachments_of, NULL },
	{ "security", security_of, NULL },
	{ "forwarded", forwards_of, NULL },
	{ "calendar", json_calendar, NULL },
	{ "contacts", json_contacts, NULL },
	{ "headers", headers_of, NULL },
	{ "source", source_of, NULL },
	{ "size", size_of, NULL },
	{ "identity", identity_of, NULL },
	{ "fingerprint", json_fingerprint, NULL },
	/* the last, since all that is read may find some */
	{ "defects", defects_of, NULL },
};

json_t *mail_to_json(struct mail *m)
{
	json_t *j = json_object(), *made;

	for (size_t i = 0; i < COUNT(members); i++) {
		const struct member *at = &members[i];
		struct str s = STR("");
		if (at->make) {
			made = at->make(m);
		} else if (at->field) {
			made = addresses_of(m, at->field);
		} else {
			if (mail_value(m, str_c(at->name), &s) < 0)
				s = STR("");
			made = text_of(s);
		}
		if (made)
			json_object_set_new(j, at->name, made);
	}
	return j;
}
