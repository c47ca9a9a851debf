/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collections.c - up to 200 records in one call, and trees of records. */
#include <stdio.h>

#include "sandbox.h"

#define RECORDS_MAX 200
#define READ_MAX 2000
#define CHUNKS_MAX 10
#define TREE_DEPTH_MAX 5

/* The outcome of one record. */
struct row {
	bool is_ok, is_created;
	char id[SB_ID_LEN + 1];
	struct sb_fail fail;
};

static json_t *get_nocase(const json_t *j, const char *key)
{
	json_t *o = (json_t *)(uintptr_t)j;
	const char *name;
	json_t *value;

	json_object_foreach(o, name, value)
	{
		if (str_eq_case(str_c(name), str_c(key)))
			return value;
	}
	return NULL;
}

static struct str type_of(const json_t *record)
{
	return sb_json_text(
		json_object_get(json_object_get(record, "attributes"), "type"));
}

static void write_rows(
	struct sb_reply *r, const struct row *rows, size_t n, bool is_upsert)
{
	r->status = 200;
	buf_byte(&r->body, '[');
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		buf_c(&r->body, i ? ",{" : "{");
		if (row->is_ok)
			buf_printf(&r->body, "\"id\":\"%s\",", row->id);
		buf_printf(&r->body, "\"success\":%s,\"errors\":",
			row->is_ok ? "true" : "false");
		if (row->is_ok)
			buf_c(&r->body, "[]");
		else
			sb_json_errors(&r->body, &row->fail, "statusCode");
		if (is_upsert)
			buf_printf(&r->body, ",\"created\":%s",
				row->is_created ? "true" : "false");
		buf_byte(&r->body, '}');
	}
	buf_byte(&r->body, ']');
}

/* The good ones of a call that is all or none go with the bad. */
static void roll_back(
	struct sandbox *sb, size_t mark, struct row *rows, size_t n)
{
	bool is_bad = false;

	for (size_t i = 0; i < n; i++)
		is_bad |= !rows[i].is_ok;
	if (!is_bad)
		return;
	sb_table_rollback(sb, mark);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].is_ok)
			continue;
		rows[i].is_ok = false;
		sb_fail_set(&rows[i].fail, 400,
			"ALL_OR_NONE_OPERATION_ROLLED_BACK", "",
			"Record rolled back because not all records were valid "
			"and the request was using AllOrNone header");
	}
}

/* Gives the records of the body when it is sound, else answers. */
static json_t *read_records(struct sb_ask *a, struct sb_reply *r, json_t **body)
{
	struct sb_fail f = { 0 };
	json_t *records, *item;
	struct str last = STR_NULL;
	size_t i, n_chunks = 0;

	*body = a->body ? json_incref(a->body) : sb_json_read(a->raw, &f);
	if (!*body) {
		sb_reply_fail(r, &f);
		return NULL;
	}
	records = json_object_get(*body, "records");
	if (!json_is_array(records)) {
		sb_reply_error(r, 400, "JSON_PARSER_ERROR",
			"Missing required field: records");
		return NULL;
	}
	if (json_array_size(records) > RECORDS_MAX) {
		sb_reply_error(r, 400, "EXCEEDED_ID_LIMIT",
			"record limit reached. cannot submit more than 200 "
			"records into this call");
		return NULL;
	}
	json_array_foreach(records, i, item)
	{
		if (!str_eq_case(type_of(item), last))
			n_chunks++;
		last = type_of(item);
	}
	if (n_chunks > CHUNKS_MAX) {
		sb_reply_error(r, 400, "EXCEEDED_ID_LIMIT",
			"A maximum of 10 chunks of records of one type is "
			"allowed");
		return NULL;
	}
	return records;
}

static struct sb_object *object_of(
	struct sandbox *sb, const json_t *record, struct sb_fail *f)
{
	struct str type = type_of(record);
	struct sb_object *o = sb_object(sb, type);

	if (!o)
		sb_fail_set(f, 400, "INVALID_TYPE", "",
			"sObject type '%.*s' is not supported.",
			STR_ARG(str_sub(type, 0, 80)));
	return o;
}

static void create_row(struct sb_ask *a, json_t *record, struct row *row)
{
	struct sb_object *o = object_of(a->sb, record, &row->fail);
	struct sb_record *made;

	if (!o || sb_write_create(a->sb, o, record, &made, &row->fail) < 0)
		return;
	row->is_ok = row->is_created = true;
	memcpy(row->id, made->id, sizeof(row->id));
}

static json_t *without(const json_t *record, const char *key)
{
	json_t *o = (json_t *)(uintptr_t)record;
	json_t *copy = json_object();
	const char *name;
	json_t *value;

	json_object_foreach(o, name, value)
	{
		if (!str_eq_case(str_c(name), str_c(key)))
			json_object_set(copy, name, value);
	}
	return copy;
}

static void update_row(struct sb_ask *a, json_t *record, struct row *row)
{
	struct str id = sb_json_text(get_nocase(record, "id"));
	struct sb_object *o = type_of(record).len
				      ? object_of(a->sb, record, &row->fail)
				      : sb_object_of_id(a->sb, id);
	struct sb_record *found;

	if (!id.len) {
		sb_fail_set(&row->fail, 400, "MISSING_ARGUMENT", "Id",
			"Id not specified in an update call");
		return;
	}
	if (!o) {
		sb_fail_set(&row->fail, 400, "MALFORMED_ID", "Id",
			"bad id %.*s", STR_ARG(str_sub(id, 0, 60)));
		return;
	}
	if (sb_write_target(a->sb, o, id, &found, &row->fail) < 0) {
		if (!strcmp(row->fail.code, "NOT_FOUND"))
			sb_fail_set(&row->fail, 400,
				"INVALID_CROSS_REFERENCE_KEY", "",
				"invalid cross reference id");
		return;
	}
	AUTO(json) json_t *body = without(record, "id");
	if (sb_write_update(a->sb, found, body, &row->fail) < 0)
		return;
	row->is_ok = true;
	memcpy(row->id, found->id, sizeof(row->id));
}

static void run_rows(struct sb_ask *a, struct sb_reply *r,
	void (*one)(struct sb_ask *a, json_t *record, struct row *row))
{
	json_t *record, *records;
	size_t i, mark = sb_table_mark(a->sb), n;
	AUTO(json) json_t *body = NULL;

	records = read_records(a, r, &body);
	if (!records)
		return;
	n = json_array_size(records);
	AUTO(free) struct row *rows = mem_array(n + 1, sizeof(*rows));
	json_array_foreach(records, i, record) one(a, record, &rows[i]);
	if (json_is_true(json_object_get(body, "allOrNone")))
		roll_back(a->sb, mark, rows, n);
	write_rows(r, rows, n, false);
}

void sb_collections_create(struct sb_ask *a, struct sb_reply *r)
{
	run_rows(a, r, create_row);
}

void sb_collections_update(struct sb_ask *a, struct sb_reply *r)
{
	run_rows(a, r, update_row);
}

static void upsert_row(struct sb_ask *a, struct sb_object *o,
	struct sb_field *key, json_t *record, struct row *row)
{
	struct str value = sb_json_text(get_nocase(record, key->name));
	struct sb_record *found;

	if (!str_eq_case(type_of(record), str_c(o->name))) {
		sb_fail_set(&row->fail, 400, "INVALID_TYPE", "",
			"all records must be of type %s", o->name);
		return;
	}
	AUTO(json) json_t *body = without(record, key->name);
	if (!value.len && key->type == SB_ID) {
		row->is_created = true;
		row->is_ok = sb_write_create(
				     a->sb, o, body, &found, &row->fail) == 0;
	} else if (!value.len) {
		sb_fail_set(&row->fail, 400, "MISSING_ARGUMENT", key->name,
			"%s not specified", key->name);
	} else {
		row->is_ok = sb_write_upsert(a->sb, o, key, value, body, false,
				     a->version, &row->is_created, &found,
				     &row->fail) == 0;
	}
	if (row->is_ok)
		memcpy(row->id, found->id, sizeof(row->id));
	json_decref(row->fail.many);
	row->fail.many = NULL;
}

void sb_collections_upsert(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[2]);
	struct sb_field *key = o ? sb_field(o, a->seg[3]) : NULL;
	json_t *record, *records;
	size_t i, mark = sb_table_mark(a->sb), n;
	AUTO(json) json_t *body = NULL;

	if (!key || !sb_field_is_key(key)) {
		sb_reply_error(r, 404, "NOT_FOUND",
			"Provided external ID field does not exist or is not "
			"accessible: %.*s",
			STR_ARG(str_sub(a->seg[3], 0, 100)));
		return;
	}
	records = read_records(a, r, &body);
	if (!records)
		return;
	n = json_array_size(records);
	AUTO(free) struct row *rows = mem_array(n + 1, sizeof(*rows));
	json_array_foreach(records, i, record)
		upsert_row(a, o, key, record, &rows[i]);
	if (json_is_true(json_object_get(body, "allOrNone")))
		roll_back(a->sb, mark, rows, n);
	write_rows(r, rows, n, true);
}

static void delete_row(struct sandbox *sb, struct str id, struct row *row)
{
	struct sb_object *o = sb_object_of_id(sb, id);
	struct sb_record *found;

	if (!o) {
		sb_fail_set(&row->fail, 400, "MALFORMED_ID", "", "bad id %.*s",
			STR_ARG(str_sub(id, 0, 60)));
		return;
	}
	if (sb_write_target(sb, o, id, &found, &row->fail) < 0) {
		if (!strcmp(row->fail.code, "NOT_FOUND"))
			sb_fail_set(&row->fail, 404,
				"INVALID_CROSS_REFERENCE_KEY", "",
				"invalid cross reference id");
		return;
	}
	memcpy(row->id, found->id, sizeof(row->id));
	row->is_ok = sb_write_delete(sb, found, &row->fail) == 0;
}

void sb_collections_delete(struct sb_ask *a, struct sb_reply *r)
{
	struct str ids, id, all;
	size_t n = 0, mark = sb_table_mark(a->sb);
	AUTO(free) struct row *rows = mem_array(RECORDS_MAX, sizeof(*rows));

	if (!sb_ask_param(a, "ids", &ids)) {
		sb_reply_error(r, 400, "MISSING_ARGUMENT",
			"The ids parameter is missing");
		return;
	}
	while (str_cut(&ids, ',', &id)) {
		if (n >= RECORDS_MAX) {
			sb_table_rollback(a->sb, mark);
			sb_reply_error(r, 400, "EXCEEDED_ID_LIMIT",
				"record limit reached. cannot submit more than "
				"200 records into this call");
			return;
		}
		delete_row(a->sb, str_trim(id), &rows[n++]);
	}
	if (sb_ask_param(a, "allOrNone", &all) && str_eq_case(all, STR("true")))
		roll_back(a->sb, mark, rows, n);
	write_rows(r, rows, n, false);
}

static void write_found(struct sb_ask *a, struct sb_reply *r,
	struct sb_object *o, const json_t *ids, const json_t *names)
{
	struct sb_field *fields[SB_FIELDS_MAX];
	size_t i, n = 0;
	json_t *item;

	json_array_foreach(names, i, item)
	{
		struct sb_field *f = sb_field(o, str_trim(sb_json_text(item)));
		if (!f || n >= COUNT(fields)) {
			sb_reply_error(r, 400, "INVALID_FIELD",
				"No such column '%.*s' on entity '%s'",
				STR_ARG(str_sub(sb_json_text(item), 0, 60)),
				o->name);
			return;
		}
		fields[n++] = f;
	}
	r->status = 200;
	buf_byte(&r->body, '[');
	json_array_foreach(ids, i, item)
	{
		struct sb_record *found = sb_table_get(o, sb_json_text(item));
		if (i)
			buf_byte(&r->body, ',');
		if (found && !found->is_deleted)
			sb_json_record(&r->body, a->sb, found, fields, (int)n,
				a->version);
		else
			buf_c(&r->body, "null");
	}
	buf_byte(&r->body, ']');
}

static json_t *split(struct str list)
{
	json_t *j = json_array();
	struct str one;

	while (str_cut(&list, ',', &one)) {
		one = str_trim(one);
		json_array_append_new(j, json_stringn(one.p, one.len));
	}
	return j;
}

void sb_collections_read(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[2]);
	struct str ids, fields;
	struct sb_fail f = { 0 };
	AUTO(json) json_t *body = NULL;

	if (!o) {
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
		return;
	}
	if (!strcmp(a->method, "GET")) {
		if (!sb_ask_param(a, "ids", &ids) ||
			!sb_ask_param(a, "fields", &fields)) {
			sb_reply_error(r, 400, "MISSING_ARGUMENT",
				"ids and fields are needed");
			return;
		}
		body = json_pack("{s:o,s:o}", "ids", split(ids), "fields",
			split(fields));
	} else {
		body = a->body ? json_incref(a->body)
			       : sb_json_read(a->raw, &f);
		if (!body) {
			sb_reply_fail(r, &f);
			return;
		}
	}
	if (json_array_size(json_object_get(body, "ids")) > READ_MAX) {
		sb_reply_error(r, 400, "EXCEEDED_ID_LIMIT",
			"too many ids: at most %d", READ_MAX);
		return;
	}
	write_found(a, r, o, json_object_get(body, "ids"),
		json_object_get(body, "fields"));
}

/* Trees. */

struct tree {
	struct sb_ask *a;
	struct buf done;   /* {"referenceId":..,"id":..}, ... */
	struct buf failed; /* those with errors */
	int n;
};

static void note_result(
	struct tree *t, struct str ref, const char *id, const struct sb_fail *f)
{
	struct buf *out = f ? &t->failed : &t->done;

	buf_c(out, out->len ? ",{\"referenceId\":" : "{\"referenceId\":");
	sb_json_str(out, ref);
	if (f) {
		buf_c(out, ",\"errors\":");
		sb_json_errors(out, f, "statusCode");
	} else {
		buf_printf(out, ",\"id\":\"%s\"", id);
	}
	buf_byte(out, '}');
}

static void plant(struct tree *t, const json_t *records,
	const struct sb_field *to_parent, const char *parent, int depth);

static void plant_one(struct tree *t, json_t *record,
	const struct sb_field *to_parent, const char *parent, int depth)
{
	struct sandbox *sb = t->a->sb;
	struct str ref = sb_json_text(json_object_get(
		json_object_get(record, "attributes"), "referenceId"));
	AUTO(json) json_t *body = json_object();
	struct sb_fail f = { 0 };
	struct sb_object *o = object_of(sb, record, &f);
	struct sb_record *made;
	const char *key;
	json_t *value;

	if (++t->n > RECORDS_MAX || depth >= TREE_DEPTH_MAX)
		sb_fail_set(&f, 400, "EXCEEDED_ID_LIMIT", "",
			"a tree has at most 200 records and 5 levels");
	json_object_foreach(record, key, value)
	{
		if (!json_is_object(value) ||
			!json_object_get(value, "records"))
			json_object_set(body, key, value);
	}
	if (to_parent)
		json_object_set_new(body, to_parent->name, json_string(parent));
	if (f.status || sb_write_create(sb, o, body, &made, &f) < 0) {
		note_result(t, ref, NULL, &f);
		return;
	}
	note_result(t, ref, made->id, NULL);
	json_object_foreach(record, key, value)
	{
		struct sb_child *c = sb_child_rel(o, str_c(key));
		if (c && json_object_get(value, "records"))
			plant(t, json_object_get(value, "records"), c->field,
				made->id, depth + 1);
	}
}

static void plant(struct tree *t, const json_t *records,
	const struct sb_field *to_parent, const char *parent, int depth)
{
	size_t i;
	json_t *record;

	json_array_foreach(records, i, record)
		plant_one(t, record, to_parent, parent, depth);
}

void sb_tree_run(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_fail f = { 0 };
	AUTO(json)
	json_t *body = a->body ? json_incref(a->body)
			       : sb_json_read(a->raw, &f);
	struct tree t = { .a = a,
		.done = BUF_INIT(SB_REPLY_MAX),
		.failed = BUF_INIT(SB_REPLY_MAX) };
	size_t mark = sb_table_mark(a->sb);

	if (!body) {
		sb_reply_fail(r, &f);
		return;
	}
	plant(&t, json_object_get(body, "records"), NULL, NULL, 0);
	if (t.failed.len)
		sb_table_rollback(a->sb, mark);
	r->status = t.failed.len ? 400 : 201;
	buf_printf(&r->body, "{\"hasErrors\":%s,\"results\":[",
		t.failed.len ? "true" : "false");
	buf_str(&r->body, buf_view(t.failed.len ? &t.failed : &t.done));
	buf_c(&r->body, "]}");
	buf_fini(&t.done);
	buf_fini(&t.failed);
}
