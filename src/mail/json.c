/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json.c - the form that `mailmill parse --json` prints. The members have the
 * names of value.c; "version" counts changes that could break a reader.
 */
#include <mailmill/clock.h>

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

static json_t *address_of(const struct mail_address *a)
{
	json_t *j = json_object();

	set(j, "name", a->name);
	set(j, "address", a->address);
	set(j, "local", a->local);
	set(j, "domain", a->domain);
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
			json_array_append_new(list, address_of(&items[k]));
	}
	return list;
}

static json_t *ids_of(struct mail *m, struct str name)
{
	json_t *list = json_array();
	struct str all, id;

	if (mail_value(m, name, &all) < 0 || !all.len)
		return list;
	while (str_cut(&all, ' ', &id))
		json_array_append_new(list, text_of(id));
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

/* Depth is limited by scan.c, but let the C stack not depend on it. */
static json_t *tree_of(struct mail *m)
{
	json_t *at_depth[MAIL_DEPTH_MAX + 1] = { NULL }, *root = NULL;

	for (struct mail_part *p = mail_root(m); p; p = mail_next(p)) {
		json_t *j = part_of_tree(m, p), *list;
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

static json_t *bounces_of(struct mail *m)
{
	const struct mail_bounce *b;
	size_t n = mail_bounces(m, &b);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *j = json_object();
		set(j, "recipient", b[i].recipient);
		set_unless_empty(j, "status", b[i].status);
		set_unless_empty(j, "reply_code", b[i].reply_code);
		set_unless_empty(j, "action", b[i].action);
		set(j, "reason", str_c(b[i].reason));
		json_object_set_new(
			j, "permanent", json_boolean(b[i].is_permanent));
		set_unless_empty(j, "diagnostic", b[i].diagnostic);
		set_unless_empty(j, "host", b[i].host);
		if (b[i].is_guess)
			json_object_set_new(j, "guess", json_true());
		json_array_append_new(list, j);
	}
	return list;
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
		json_object_set_new(
			j, "offset", json_integer((json_int_t)items[i].offset));
		set(j, "text", utf8_mend(m->arena, items[i].text));
		json_array_append_new(list, j);
	}
	return list;
}

static void set_value(struct mail *m, json_t *j, const char *name)
{
	struct str s;

	if (mail_value(m, str_c(name), &s) == 0)
		set(j, name, s);
}

static json_t *list_of(struct mail *m)
{
	json_t *j = json_object();
	struct str id;

	if (mail_value(m, STR("list.id"), &id) == 0)
		set_unless_empty(j, "id", id);
	return j;
}

json_t *mail_to_json(struct mail *m)
{
	static const char *const lists[] = { "reply_to", "to", "cc", "bcc",
		"delivered_to" };
	static const char *const fields[] = { "reply-to", "to", "cc", "bcc",
		"delivered-to" };
	static const char *const values[] = { "subject", "subject_base", "date",
		"text", "html", "reply", "signature", "kind" };
	json_t *j = json_object(), *from = addresses_of(m, "from");
	unsigned char id[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	json_object_set_new(j, "version", json_integer(FORM_VERSION));
	set_value(m, j, "message_id");
	json_object_set_new(j, "in_reply_to", ids_of(m, STR("in_reply_to")));
	json_object_set_new(j, "references", ids_of(m, STR("references")));
	json_object_set_new(j, "from", from);
	json_object_set_new(j, "sender", addresses_of(m, "sender"));
	for (size_t i = 0; i < COUNT(lists); i++)
		json_object_set_new(j, lists[i], addresses_of(m, fields[i]));
	for (size_t i = 0; i < COUNT(values); i++)
		set_value(m, j, values[i]);
	json_object_set_new(j, "size", json_integer((json_int_t)mail_size(m)));
	json_object_set_new(j, "list", list_of(m));
	json_object_set_new(j, "forwarded", forwards_of(m));
	json_object_set_new(j, "bounce", bounces_of(m));
	set_unless_empty(j, "bounced_message_id", mail_bounced_id(m));
	json_object_set_new(j, "attachments", attachments_of(m));
	json_object_set_new(j, "parts", tree_of(m));
	json_object_set_new(j, "headers", headers_of(m));
	mail_identity(m, id);
	hash_hex(id, hex);
	json_object_set_new(j, "identity", json_string(hex));
	json_object_set_new(j, "defects", defects_of(m));
	return j;
}
