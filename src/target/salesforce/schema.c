/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.c - describe answers: fields, types, lengths, and the key field. */
#include "salesforce.h"

#define FIELDS_MAX 5000 /* of one object; Salesforce allows 800 */

static const struct {
	const char *name;
	enum sf_type type;
} types[] = {
	{ "boolean", SF_BOOLEAN },
	{ "int", SF_INT },
	{ "long", SF_INT },
	{ "double", SF_NUMBER },
	{ "currency", SF_NUMBER },
	{ "percent", SF_NUMBER },
	{ "date", SF_DATE },
	{ "datetime", SF_DATETIME },
	{ "id", SF_ID },
	{ "reference", SF_ID },
	{ "email", SF_EMAIL },
};

void sf_name_key(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];

		buf_byte(out,
			(unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
	}
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool sf_is_name(struct str s, bool with_dots)
{
	bool is_start = true;

	if (s.len == 0 || s.len > 255)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (is_start && (!is_alnum(c) || (c >= '0' && c <= '9')))
			return false;
		is_start = c == '.';
		if (!is_alnum(c) && c != '_' && !(with_dots && c == '.'))
			return false;
	}
	return !is_start;
}

bool sf_is_id(struct str s)
{
	if (s.len != 15 && s.len != 18)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.p[i]))
			return false;
	return true;
}

static enum sf_type read_type(const json_t *field)
{
	struct str type = str_c(
		json_string_value(json_object_get(field, "type")));
	struct str soap = str_c(
		json_string_value(json_object_get(field, "soapType")));

	if (str_find(soap, STR("JunctionIdList")) >= 0)
		return SF_IDS;
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_eq(type, str_c(types[i].name)))
			return types[i].type;
	return SF_TEXT;
}

static bool is_set(const json_t *field, const char *name)
{
	return json_is_true(json_object_get(field, name));
}

static void read_field(struct sf_object *o, const json_t *json)
{
	struct sf_field *f = ARENA_NEW(o->arena, struct sf_field);
	AUTO(buf) struct buf key = BUF_INIT(256);
	json_int_t length = json_integer_value(json_object_get(json, "length"));

	f->name = arena_str(o->arena,
		str_c(json_string_value(json_object_get(json, "name"))));
	if (!sf_is_name(f->name, false))
		return;
	f->type = read_type(json);
	f->length = length > 0 ? (uint64_t)length : 0;
	f->is_createable = is_set(json, "createable");
	f->is_updateable = is_set(json, "updateable");
	f->is_case_sensitive = is_set(json, "caseSensitive");
	f->is_html = is_set(json, "htmlFormatted") ||
		     str_find_case(f->name, STR("html")) >= 0;
	sf_name_key(&key, f->name);
	map_set(o->fields, buf_view(&key), f);
}

static void read_key(
	struct sf_object *o, const json_t *fields, const char *key_field)
{
	const json_t *json;
	size_t i;

	json_array_foreach(fields, i, json)
	{
		struct str name = str_c(
			json_string_value(json_object_get(json, "name")));

		if (!str_eq_case(name, str_c(key_field)) ||
			!is_set(json, "createable"))
			continue;
		/* idLookup alone is not taken for upserts by key */
		o->key = is_set(json, "externalId") ? SF_KEY_UPSERT
						    : SF_KEY_PLAIN;
		o->key_is_unique = is_set(json, "unique");
	}
}

int sf_object_read(const json_t *describe, const char *key_field,
	struct sf_object **out, struct err *err)
{
	const json_t *fields = json_object_get(describe, "fields");
	const char *name = json_string_value(json_object_get(describe, "name"));
	struct sf_object *o;
	const json_t *json;
	size_t i;

	if (!name || !sf_is_name(str_c(name), false) ||
		!json_is_array(fields) || json_array_size(fields) > FIELDS_MAX)
		return err_set(err, ERR_TEMP, "describe: not such an answer");
	o = NEW(struct sf_object);
	o->arena = arena_new();
	o->fields = map_new();
	o->name = arena_str(o->arena, str_c(name));
	json_array_foreach(fields, i, json) read_field(o, json);
	read_key(o, fields, key_field);
	*out = o;
	return 0;
}

void sf_object_free(struct sf_object *o)
{
	if (!o)
		return;
	map_free(o->fields);
	arena_free(o->arena);
	free(o);
}

const struct sf_field *sf_object_field(
	const struct sf_object *o, struct str name)
{
	AUTO(buf) struct buf key = BUF_INIT(256);

	sf_name_key(&key, name);
	return buf_is_over(&key) ? NULL : map_get(o->fields, buf_view(&key));
}
