/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rest.c - single records: create, read, update, delete, upsert, changes. */
#include <stdio.h>

#include <mailmill/clock.h>

#include "sandbox.h"

#define FIELDS_ASKED_MAX 500

static struct sb_object *find_object(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[1]);

	if (!o)
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
	return o;
}

static struct sb_record *find_record(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = find_object(a, r);
	struct sb_record *record;
	struct sb_fail f = { 0 };

	if (!o)
		return NULL;
	if (sb_write_target(a->sb, o, a->seg[2], &record, &f) == 0)
		return record;
	sb_reply_fail(r, &f);
	return NULL;
}

static void answer_done(struct sb_ask *a, struct sb_reply *r, int status,
	const struct sb_record *record, const char *tail)
{
	r->status = status;
	memcpy(r->id, record->id, sizeof(r->id));
	snprintf(r->location, sizeof(r->location),
		"/services/data/v%d.0/sobjects/%s/%s", a->version,
		record->object->name, record->id);
	buf_printf(&r->body, "{\"id\":\"%s\",\"success\":true,\"errors\":[]%s}",
		record->id, tail);
}

/* The JSON of the body: parsed by whom it came from, or not yet. */
static json_t *read_body(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_fail f = { 0 };
	json_t *j;

	if (a->body)
		return json_incref(a->body);
	j = sb_json_read(a->raw, &f);
	if (!j)
		sb_reply_fail(r, &f);
	return j;
}

void sb_rest_create(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = find_object(a, r);
	AUTO(json) json_t *body = o ? read_body(a, r) : NULL;
	struct sb_record *record;
	struct sb_fail f = { 0 };

	if (!body)
		return;
	if (sb_write_create(a->sb, o, body, &record, &f) < 0)
		sb_reply_fail(r, &f);
	else
		answer_done(a, r, 201, record, "");
}

static int read_fields(struct sb_ask *a, const struct sb_object *o,
	struct sb_field **fields, int *n, struct sb_reply *r)
{
	struct str names, name;

	*n = -1;
	if (!sb_ask_param(a, "fields", &names) || !names.len)
		return 0;
	*n = 0;
	while (str_cut(&names, ',', &name)) {
		struct sb_field *f = sb_field(o, str_trim(name));
		if (!f || *n >= FIELDS_ASKED_MAX) {
			sb_reply_error(r, 400, "INVALID_FIELD",
				"\n%.*s\n^\nERROR at Row:1:Column:1\nNo such "
				"column '%.*s' on entity '%s'. If you are "
				"attempting to use a custom field, be sure to "
				"append the '__c' after the custom field name. "
				"Please reference your WSDL or the describe "
				"call for the appropriate names.",
				STR_ARG(str_sub(name, 0, 60)),
				STR_ARG(str_sub(name, 0, 60)), o->name);
			return -1;
		}
		fields[(*n)++] = f;
	}
	return 0;
}

static void answer_record(
	struct sb_ask *a, struct sb_reply *r, const struct sb_record *record)
{
	struct sb_field *fields[FIELDS_ASKED_MAX];
	int n;

	if (read_fields(a, record->object, fields, &n, r) < 0)
		return;
	r->status = 200;
	memcpy(r->id, record->id, sizeof(r->id));
	sb_json_record(
		&r->body, a->sb, record, n < 0 ? NULL : fields, n, a->version);
}

void sb_rest_read(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_record *record = find_record(a, r);

	if (record)
		answer_record(a, r, record);
}

void sb_rest_update(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_record *record = find_record(a, r);
	AUTO(json) json_t *body = record ? read_body(a, r) : NULL;
	struct sb_fail f = { 0 };

	if (!body)
		return;
	if (sb_write_update(a->sb, record, body, &f) < 0) {
		sb_reply_fail(r, &f);
		return;
	}
	memcpy(r->id, record->id, sizeof(r->id));
	r->status = 204;
}

/* A record that is not there was answered by who looked for it. */
static void delete_record(
	struct sb_ask *a, struct sb_reply *r, struct sb_record *record)
{
	struct sb_fail f = { 0 };

	if (!record)
		return;
	if (sb_write_delete(a->sb, record, &f) < 0)
		sb_reply_fail(r, &f);
	else
		r->status = 204;
}

void sb_rest_delete(struct sb_ask *a, struct sb_reply *r)
{
	delete_record(a, r, find_record(a, r));
}

static struct sb_field *find_key(
	struct sb_ask *a, struct sb_object *o, struct sb_reply *r)
{
	struct sb_field *f = sb_field(o, a->seg[2]);

	if (f && sb_field_is_key(f))
		return f;
	sb_reply_error(r, 404, "NOT_FOUND",
		"Provided external ID field does not exist or is not "
		"accessible: %.*s",
		STR_ARG(str_sub(a->seg[2], 0, 100)));
	return NULL;
}

void sb_rest_upsert(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = find_object(a, r);
	struct sb_field *key = o ? find_key(a, o, r) : NULL;
	AUTO(json) json_t *body = key ? read_body(a, r) : NULL;
	struct sb_record *record;
	struct sb_fail f = { 0 };
	struct str only;
	bool created, update_only;

	if (!body)
		return;
	const char *name;
	json_t *value;
	json_object_foreach(body, name, value)
	{
		if (!str_eq_case(str_c(name), str_c(key->name)))
			continue;
		sb_reply_error(r, 400, "INVALID_FIELD",
			"The %s field should not be specified in the sobject "
			"data.",
			key->name);
		return;
	}
	update_only = sb_ask_param(a, "updateOnly", &only) &&
		      str_eq_case(only, STR("true"));
	if (sb_write_upsert(a->sb, o, key, a->seg[3], body, update_only,
		    a->version, &created, &record, &f) < 0) {
		sb_reply_fail(r, &f);
		return;
	}
	if (!created && a->version <= 45) {
		memcpy(r->id, record->id, sizeof(r->id));
		r->status = 204;
		return;
	}
	answer_done(a, r, created ? 201 : 200, record,
		created ? ",\"created\":true" : ",\"created\":false");
}

static struct sb_record *find_by_key(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = find_object(a, r);
	struct sb_field *key = o ? find_key(a, o, r) : NULL;
	struct sb_record *record = NULL;
	unsigned n;

	if (!key)
		return NULL;
	n = sb_write_find(o, key, a->seg[3], &record);
	if (n == 1)
		return record;
	if (n == 0) {
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
		return NULL;
	}
	struct sb_fail f = { .status = 300 };
	const struct sb_bucket *b = sb_table_find(key, a->seg[3]);
	f.many = json_array();
	for (unsigned i = 0; b && i < b->n; i++)
		json_array_append_new(f.many,
			json_sprintf("/services/data/v%d.0/sobjects/%s/%s",
				a->version, o->name, b->r[i]->id));
	sb_reply_fail(r, &f);
	return NULL;
}

void sb_rest_read_key(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[1]);
	struct sb_field *f = o ? sb_field(o, a->seg[3]) : NULL;
	struct sb_record *record;

	/* .../sobjects/ContentVersion/068.../VersionData */
	if (f && f->type == SB_BASE64) {
		sb_file_download(a, r);
		return;
	}
	record = find_by_key(a, r);
	if (record)
		answer_record(a, r, record);
}

void sb_rest_delete_key(struct sb_ask *a, struct sb_reply *r)
{
	delete_record(a, r, find_by_key(a, r));
}

static int read_span(struct sb_ask *a, int64_t *from, int64_t *to)
{
	struct str start, end;

	if (!sb_ask_param(a, "start", &start) || !sb_ask_param(a, "end", &end))
		return -1;
	return clock_parse_rfc3339(start, from) < 0 ||
			       clock_parse_rfc3339(end, to) < 0
		       ? -1
		       : 0;
}

static void answer_changes(
	struct sb_ask *a, struct sb_reply *r, bool is_deleted)
{
	struct sb_object *o = find_object(a, r);
	int64_t from, to;
	bool is_first = true;

	if (!o)
		return;
	if (read_span(a, &from, &to) < 0) {
		sb_reply_error(r, 400, "INVALID_REPLICATION_DATE",
			"start and end must be given in ISO 8601");
		return;
	}
	r->status = 200;
	buf_c(&r->body, is_deleted ? "{\"deletedRecords\":[" : "{\"ids\":[");
	for (size_t i = 0; i < o->n_rows; i++) {
		struct sb_record *row = o->rows[i];
		int64_t at = json_integer_value(row->v[o->f_stamp]);
		if (row->is_deleted != is_deleted || at < from || at >= to)
			continue;
		if (!is_first)
			buf_byte(&r->body, ',');
		is_first = false;
		if (!is_deleted) {
			buf_printf(&r->body, "\"%s\"", row->id);
			continue;
		}
		buf_printf(
			&r->body, "{\"id\":\"%s\",\"deletedDate\":\"", row->id);
		sb_json_datetime(&r->body, at);
		buf_c(&r->body, "\"}");
	}
	buf_c(&r->body, "],");
	if (is_deleted) {
		buf_c(&r->body, "\"earliestDateAvailable\":\"");
		sb_json_datetime(&r->body, a->sb->started_ms);
		buf_c(&r->body, "\",");
	}
	buf_c(&r->body, "\"latestDateCovered\":\"");
	sb_json_datetime(&r->body, MIN(to, clock_wall_ms()));
	buf_c(&r->body, "\"}");
}

void sb_rest_updated(struct sb_ask *a, struct sb_reply *r)
{
	answer_changes(a, r, false);
}

void sb_rest_deleted(struct sb_ask *a, struct sb_reply *r)
{
	answer_changes(a, r, true);
}
