/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value.c - from the JSON value of a request to the form that is stored. */
#include <openssl/evp.h>
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/enc.h>

#include "sandbox.h"

static const char *token_name(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "START_OBJECT";
	case JSON_ARRAY:
		return "START_ARRAY";
	case JSON_STRING:
		return "VALUE_STRING";
	case JSON_INTEGER:
		return "VALUE_NUMBER_INT";
	case JSON_REAL:
		return "VALUE_NUMBER_FLOAT";
	case JSON_TRUE:
		return "VALUE_TRUE";
	case JSON_FALSE:
		return "VALUE_FALSE";
	case JSON_NULL:
		break;
	}
	return "VALUE_NULL";
}

static int fail_type(
	const struct sb_field *f, const json_t *j, struct sb_fail *fail)
{
	AUTO(buf) struct buf value = BUF_INIT(200);

	if (json_is_string(j))
		buf_str(&value, str_sub(sb_json_text(j), 0, 60));
	else if (!json_is_object(j) && !json_is_array(j))
		sb_json_value(&value, j);
	return sb_fail_set(fail, 400, "JSON_PARSER_ERROR", "",
		"Cannot deserialize instance of %s from %s value %.*s or "
		"request may be missing a required field at [line:1, "
		"column:1]",
		sb_type_name(f->type), token_name(j),
		STR_ARG(buf_view(&value)));
}

static int fail_id(
	const struct sb_field *f, struct str id, struct sb_fail *fail)
{
	return sb_fail_set(fail, 400, "MALFORMED_ID", f->name,
		"%s: id value of incorrect type: %.*s", f->label,
		STR_ARG(str_sub(id, 0, 60)));
}

static struct sb_object *target_of(const struct sb_field *f, struct str id)
{
	for (int i = 0; i < f->n_to; i++)
		if (str_starts(id, str_c(f->to[i]->prefix)))
			return f->to[i];
	return NULL;
}

static json_t *to_reference(
	const struct sb_field *f, const json_t *j, struct sb_fail *fail)
{
	char full[SB_ID_LEN + 1];
	struct sb_object *to;
	struct sb_record *r;
	struct str id = sb_json_text(j);

	if (!json_is_string(j)) {
		fail_type(f, j, fail);
		return NULL;
	}
	if (id.len == 0)
		return json_null();
	if (sb_id_full(id, full) < 0) {
		fail_id(f, id, fail);
		return NULL;
	}
	if (!f->n_to)
		return json_string(full);
	to = target_of(f, str_c(full));
	if (!to) {
		fail_id(f, id, fail);
		return NULL;
	}
	r = sb_table_get(to, str_c(full));
	if (!r) {
		sb_fail_set(fail, 400, "INVALID_CROSS_REFERENCE_KEY", f->name,
			"invalid cross reference id");
		return NULL;
	}
	if (r->is_deleted) {
		sb_fail_set(fail, 400, "ENTITY_IS_DELETED", "",
			"entity is deleted");
		return NULL;
	}
	return json_string(full);
}

static json_t *to_boolean(
	const struct sb_field *f, const json_t *j, struct sb_fail *fail)
{
	if (json_is_boolean(j))
		return json_boolean(json_is_true(j));
	if (str_eq_case(sb_json_text(j), STR("true")))
		return json_true();
	if (str_eq_case(sb_json_text(j), STR("false")))
		return json_false();
	fail_type(f, j, fail);
	return NULL;
}

static json_t *to_number(
	const struct sb_field *f, const json_t *j, struct sb_fail *fail)
{
	struct str s = sb_json_text(j);
	double d;
	char *end;

	if (json_is_string(j) && s.len > 0 && s.len < 40) {
		d = strtod(s.p, &end);
		if (*end == 0 && d == d && d - d == 0)
			return f->type == SB_INT ? json_integer((json_int_t)d)
						 : json_real(d);
	}
	if (!json_is_number(j)) {
		fail_type(f, j, fail);
		return NULL;
	}
	if (f->type != SB_INT)
		return json_real(json_number_value(j));
	if (json_is_real(j)) {
		d = json_real_value(j);
		if (d > 2147483647.0 || d < -2147483648.0 ||
			d != (double)(json_int_t)d) {
			fail_type(f, j, fail);
			return NULL;
		}
		return json_integer((json_int_t)d);
	}
	return json_integer(json_integer_value(j));
}

/* Reads what the API takes: offsets also without a colon, dates alone. */
static int read_datetime(struct str s, int64_t *ms)
{
	char text[48];
	size_t n = s.len;

	if (n < 10 || n > 40)
		return -1;
	memcpy(text, s.p, n);
	if (n == 10) {
		memcpy(text + n, "T00:00:00Z", 10);
		n += 10;
	} else if (n > 5 && (text[n - 5] == '+' || text[n - 5] == '-') &&
		   n > 19) {
		memmove(text + n - 1, text + n - 2, 2);
		text[n - 2] = ':';
		n++;
	} else if (n == 19) {
		text[n++] = 'Z';
	}
	return clock_parse_rfc3339(str_n(text, n), ms);
}

static json_t *to_when(
	const struct sb_field *f, const json_t *j, struct sb_fail *fail)
{
	int64_t ms;
	char text[CLOCK_TEXT_MAX];

	if (json_is_string(j) && !json_string_length(j))
		return json_null();
	if (!json_is_string(j) || read_datetime(sb_json_text(j), &ms) < 0) {
		fail_type(f, j, fail);
		return NULL;
	}
	if (f->type == SB_DATETIME)
		return json_integer(ms / 1000 * 1000);
	clock_text(ms, text);
	return json_stringn(text, 10);
}

static json_t *to_text(
	const struct sb_field *f, json_t *j, struct sb_fail *fail)
{
	if (!json_is_string(j)) {
		fail_type(f, j, fail);
		return NULL;
	}
	if (!json_string_length(j))
		return json_null();
	return json_incref(j);
}

static json_t *to_id_list(
	const struct sb_field *f, json_t *j, struct sb_fail *fail)
{
	size_t i;
	json_t *item;
	char full[SB_ID_LEN + 1];
	json_t *list;

	if (!json_is_array(j)) {
		fail_type(f, j, fail);
		return NULL;
	}
	list = json_array();
	json_array_foreach(j, i, item)
	{
		if (sb_id_full(sb_json_text(item), full) < 0) {
			json_decref(list);
			fail_id(f, sb_json_text(item), fail);
			return NULL;
		}
		json_array_append_new(list, json_string(full));
	}
	return list;
}

static void set_md5(struct sb_write *w, const unsigned char digest[16])
{
	for (int i = 0; i < 16; i++)
		snprintf(w->md5 + 2 * i, 3, "%02x", digest[i]);
}

static json_t *to_blob(struct sandbox *sb, struct sb_write *w,
	const struct sb_field *f, const json_t *j, struct sb_fail *fail)
{
	AUTO(buf) struct buf bytes = BUF_INIT(SB_BODY_MAX);
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t at;

	if (!json_is_string(j) || enc_unbase64(&bytes, sb_json_text(j)) < 0) {
		fail_type(f, j, fail);
		return NULL;
	}
	must(EVP_Digest(bytes.p ? bytes.p : "", bytes.len, digest, NULL,
		EVP_md5(), NULL));
	if (sb_blob_add(sb, buf_view(&bytes), &at) < 0) {
		sb_fail_set(fail, 500, "UNKNOWN_EXCEPTION", "",
			"the sandbox cannot write its file of files");
		return NULL;
	}
	w->has_blob = true;
	w->blob_len = bytes.len;
	set_md5(w, digest);
	return json_integer((json_int_t)at);
}

json_t *sb_value_upload(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *fail)
{
	struct sb_upload *u = sb->upload;
	uint64_t at;

	if (sb_blob_add_fd(sb, u->fd, u->len, &at) < 0) {
		sb_fail_set(fail, 500, "UNKNOWN_EXCEPTION", "",
			"the sandbox cannot write its file of files");
		return NULL;
	}
	w->has_blob = true;
	w->blob_len = u->len;
	set_md5(w, u->md5);
	return json_integer((json_int_t)at);
}

json_t *sb_value_convert(struct sandbox *sb, struct sb_write *w,
	const struct sb_field *f, json_t *j, struct sb_fail *fail)
{
	if (json_is_null(j)) {
		if (f->type != SB_BOOLEAN)
			return json_null();
		fail_type(f, j, fail);
		return NULL;
	}
	switch (f->type) {
	case SB_ID:
	case SB_REFERENCE:
		return to_reference(f, j, fail);
	case SB_BOOLEAN:
		return to_boolean(f, j, fail);
	case SB_INT:
	case SB_DOUBLE:
	case SB_CURRENCY:
	case SB_PERCENT:
		return to_number(f, j, fail);
	case SB_DATE:
	case SB_DATETIME:
		return to_when(f, j, fail);
	case SB_BASE64:
		return to_blob(sb, w, f, j, fail);
	case SB_ID_LIST:
		return to_id_list(f, j, fail);
	case SB_STRING:
	case SB_TEXTAREA:
	case SB_EMAIL:
	case SB_PHONE:
	case SB_URL:
	case SB_PICKLIST:
	case SB_MULTIPICKLIST:
	case SB_COMBOBOX:
		break;
	}
	return to_text(f, j, fail);
}

json_t *sb_value_foreign(struct sandbox *sb, const struct sb_field *f,
	json_t *j, struct sb_fail *fail)
{
	const char *type = json_string_value(
		json_object_get(json_object_get(j, "attributes"), "type"));
	struct sb_object *to = type	      ? sb_object(sb, str_c(type))
			       : f->n_to == 1 ? f->to[0]
					      : NULL;
	const char *key;
	json_t *value;
	struct sb_record *r = NULL;

	json_object_foreach(j, key, value)
	{
		struct sb_field *k = to ? sb_field(to, str_c(key)) : NULL;
		if (!strcmp(key, "attributes"))
			continue;
		if (!k || !sb_field_is_key(k) || !json_is_string(value)) {
			sb_fail_set(fail, 400, "INVALID_FIELD", "",
				"Field name provided, %s is not an External ID "
				"or indexed field for %s",
				key, to ? to->name : f->rel);
			return NULL;
		}
		unsigned n = sb_write_find(to, k, sb_json_text(value), &r);
		if (n == 1)
			return json_string(r->id);
		sb_fail_set(fail, 400,
			n ? "DUPLICATE_EXTERNAL_ID" : "INVALID_FIELD", "",
			n ? "Foreign key external ID: %.*s is not unique for "
			    "field %s in entity %s"
			  : "Foreign key external ID: %.*s not found for field "
			    "%s in entity %s",
			STR_ARG(str_sub(sb_json_text(value), 0, 255)), k->name,
			to->name);
		return NULL;
	}
	sb_fail_set(fail, 400, "INVALID_FIELD", "",
		"Cannot specify both an external ID reference and a salesforce "
		"id, or none, for %s",
		f->rel);
	return NULL;
}
