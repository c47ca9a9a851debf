/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * write.c - one record being written, checked in the order of the real thing.
 *
 * Fields exist, may be written, have the right type; then what is required is
 * there, nothing is too long, picklists and addresses are good, unique values
 * are; then the object's own rules. The first check that fails is the answer,
 * and nothing is changed. All values are converted to the form in which they
 * are stored: ids of 18 letters, datetimes as integers in milliseconds, the
 * bytes of files as a place in the blob file.
 */
#include <stdarg.h>
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/utf8.h>

#include "sandbox.h"

#define CASCADE_DEPTH_MAX 10

int64_t sb_now_ms(void)
{
	return clock_wall_ms() / 1000 * 1000;
}

static void free_values(struct sb_write *w)
{
	for (int i = 0; i < w->object->n_fields; i++)
		json_decref(w->value[i]);
	free(w->value);
}

static void auto_write(struct sb_write *w)
{
	if (w->value)
		free_values(w);
}

static struct sb_write begin_write(struct sb_object *o, struct sb_record *r)
{
	return (struct sb_write){ .object = o,
		.record = r,
		.value = mem_array((size_t)o->n_fields, sizeof(json_t *)) };
}

void sb_write_set(struct sb_write *w, const char *field, json_t *value)
{
	struct sb_field *f = sb_field(w->object, str_c(field));

	must(f);
	json_decref(w->value[f->index]);
	w->value[f->index] = value;
}

json_t *sb_record_see(const struct sb_record *r, const char *field)
{
	struct sb_field *f = sb_field(r->object, str_c(field));

	return f ? r->v[f->index] : NULL;
}

json_t *sb_write_see(const struct sb_write *w, const char *field)
{
	struct sb_field *f = sb_field(w->object, str_c(field));
	json_t *v = f ? w->value[f->index] : NULL;

	if (!v && f && w->record)
		v = w->record->v[f->index];
	return json_is_null(v) ? NULL : v;
}

/* Steps of the check, in their order. */

static int find_fields(struct sb_write *w, json_t *body, struct sb_fail *fail)
{
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return sb_fail_set(fail, 400, "JSON_PARSER_ERROR", "",
			"The HTTP entity body must be a JSON object "
			"at [line:1, column:1]");
	json_object_foreach(body, key, value)
	{
		struct sb_field *f = sb_field(w->object, str_c(key));
		if (!strcmp(key, "attributes"))
			continue;
		if (f && f->type == SB_ID)
			return sb_fail_set(fail, 400, "INVALID_FIELD", "Id",
				"The Id field should not be specified in the "
				"sobject data.");
		if (!f && (json_is_object(value) || json_is_null(value)))
			f = sb_field_rel(w->object, str_c(key));
		if (!f)
			return sb_fail_set(fail, 400, "INVALID_FIELD", "",
				"No such column '%s' on sobject of type %s",
				key, w->object->name);
	}
	return 0;
}

static struct sb_field *field_of(
	const struct sb_object *o, const char *key, bool *is_foreign)
{
	struct sb_field *f = sb_field(o, str_c(key));

	*is_foreign = !f;
	return f ? f : sb_field_rel(o, str_c(key));
}

static bool is_same(
	const struct sb_write *w, const struct sb_field *f, const json_t *given)
{
	json_t *now = w->record->v[f->index];

	if (json_is_null(given) || !given)
		return !now;
	if (f->type == SB_REFERENCE && json_is_string(given))
		return now && str_eq(str_sub(sb_json_text(given), 0, 15),
				      str_sub(sb_json_text(now), 0, 15));
	if (json_is_string(given) && !json_string_length(given))
		return !now;
	return now && json_equal(now, given);
}

static int check_access(struct sandbox *sb, struct sb_write *w, json_t *body,
	struct sb_fail *fail)
{
	AUTO(buf) struct buf bad = BUF_INIT(400);
	unsigned need = w->record ? SB_U : SB_C;
	const char *key;
	json_t *value;
	bool is_foreign;

	json_object_foreach(body, key, value)
	{
		struct sb_field *f = field_of(w->object, key, &is_foreign);
		if (!f || !strcmp(key, "attributes") || f->flags & need)
			continue;
		if (w->record && f->flags & SB_C && !sb->is_strict &&
			!is_foreign && is_same(w, f, value))
			continue;
		buf_printf(&bad, "%s%s", bad.len ? "," : "", f->name);
	}
	if (!bad.len)
		return 0;
	AUTO(buf) struct buf text = BUF_INIT(800);
	for (size_t i = 0; i < bad.len; i++) {
		buf_byte(&text, (unsigned char)bad.p[i]);
		if (bad.p[i] == ',')
			buf_byte(&text, ' ');
	}
	return sb_fail_set(fail, 400, "INVALID_FIELD_FOR_INSERT_UPDATE", bad.p,
		"Unable to create/update fields: %s. Please check the security "
		"settings of this field and verify that it is read/write for "
		"your profile or permission set.",
		text.p);
}

static int convert_all(struct sandbox *sb, struct sb_write *w, json_t *body,
	struct sb_fail *fail)
{
	const char *key;
	json_t *value;
	bool is_foreign;

	json_object_foreach(body, key, value)
	{
		struct sb_field *f = field_of(w->object, key, &is_foreign);
		json_t *v;
		if (!f || !strcmp(key, "attributes"))
			continue;
		if (is_foreign && json_is_object(value))
			v = sb_value_foreign(sb, f, value, fail);
		else
			v = sb_value_convert(sb, w, f, value, fail);
		if (!v)
			return -1;
		json_decref(w->value[f->index]);
		w->value[f->index] = v;
	}
	for (int i = 0; sb->upload && i < w->object->n_fields; i++) {
		struct sb_field *f = &w->object->fields[i];
		if (f->type != SB_BASE64 ||
			!str_eq_case(str_c(f->name), str_c(sb->upload->field)))
			continue;
		json_decref(w->value[i]);
		w->value[i] = sb_value_upload(sb, w, fail);
		if (!w->value[i])
			return -1;
	}
	return 0;
}

static json_t *make_preset(const struct sb_field *f)
{
	if (f->type == SB_BOOLEAN)
		return json_boolean(f->preset && !strcmp(f->preset, "true"));
	if (!f->preset)
		return NULL;
	if (f->type == SB_INT)
		return json_integer(strtoll(f->preset, NULL, 10));
	if (f->type == SB_DOUBLE || f->type == SB_CURRENCY)
		return json_real(strtod(f->preset, NULL));
	return json_string(f->preset);
}

static void add_presets(struct sandbox *sb, struct sb_write *w)
{
	struct sb_object *o = w->object;

	for (int i = 0; i < o->n_fields; i++) {
		struct sb_field *f = &o->fields[i];
		/* An explicit null keeps a plain default from coming in. */
		if (w->value[i] && (!json_is_null(w->value[i]) ||
					   !(f->flags & SB_DEFAULTED)))
			continue;
		if (f->derive || f->index == o->f_deleted)
			continue;
		json_decref(w->value[i]);
		w->value[i] = make_preset(f);
	}
	if (o->f_owner >= 0 &&
		(!w->value[o->f_owner] || json_is_null(w->value[o->f_owner]))) {
		json_decref(w->value[o->f_owner]);
		w->value[o->f_owner] = json_string(sb->user_id);
	}
}

static int check_required(const struct sb_write *w, struct sb_fail *fail)
{
	AUTO(buf) struct buf names = BUF_INIT(500);
	AUTO(buf) struct buf text = BUF_INIT(500);

	for (int i = 0; i < w->object->n_fields; i++) {
		const struct sb_field *f = &w->object->fields[i];
		const json_t *v = w->value[i];
		if (!(f->flags & SB_REQUIRED))
			continue;
		if (w->record ? !json_is_null(v) : v && !json_is_null(v))
			continue;
		buf_printf(&names, "%s%s", names.len ? "," : "", f->name);
		buf_printf(&text, "%s%s", text.len ? ", " : "", f->name);
	}
	if (!names.len)
		return 0;
	return sb_fail_set(fail, 400, "REQUIRED_FIELD_MISSING", names.p,
		"Required fields are missing: [%s]", text.p);
}

static int check_length(
	const struct sb_field *f, struct str s, struct sb_fail *fail)
{
	if (f->length <= 0 || s.len <= (size_t)f->length ||
		utf8_count_utf16(s) <= (size_t)f->length)
		return 0;
	return sb_fail_set(fail, 400, "STRING_TOO_LONG", f->name,
		"%s: data value too large: %.*s (max length=%d)", f->label,
		STR_ARG(str_sub(s, 0, 600)), f->length);
}

static bool has_pick(const char *picks, struct str value)
{
	struct str rest = str_c(picks), pick;

	while (picks && str_cut(&rest, ',', &pick))
		if (str_eq_case(pick, value))
			return true;
	return false;
}

static int check_picks(
	const struct sb_field *f, struct str s, struct sb_fail *fail)
{
	struct str rest = s, one;

	if (!(f->flags & SB_RESTRICTED))
		return 0;
	if (f->type != SB_MULTIPICKLIST) {
		if (has_pick(f->picks, s))
			return 0;
	} else {
		bool is_good = true;
		while (str_cut(&rest, ';', &one))
			is_good &= has_pick(f->picks, one);
		if (is_good)
			return 0;
	}
	return sb_fail_set(fail, 400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
		f->name, "%s: bad value for restricted picklist field: %.*s",
		f->label, STR_ARG(str_sub(s, 0, 255)));
}

static bool is_address(struct str s)
{
	ssize_t at = str_rchr(s, '@');
	struct str local, domain;

	if (at <= 0 || at > 64)
		return false;
	local = str_sub(s, 0, (size_t)at);
	domain = str_sub(s, (size_t)at + 1, s.len);
	for (size_t i = 0; i < local.len; i++) {
		unsigned char c = (unsigned char)local.p[i];
		if (c <= ' ' || c >= 127 || strchr("()<>[]:;@\\,\"", c))
			return false;
	}
	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '.'))
			return false;
		if (c == '.' && (i == 0 || domain.p[i - 1] == '.'))
			return false;
	}
	return str_chr(domain, '.') > 0 && domain.p[domain.len - 1] != '.' &&
	       domain.p[0] != '-';
}

static int check_values(const struct sb_write *w,
	int (*check)(
		const struct sb_field *f, struct str s, struct sb_fail *fail),
	struct sb_fail *fail)
{
	for (int i = 0; i < w->object->n_fields; i++) {
		const struct sb_field *f = &w->object->fields[i];
		if (sb_field_is_text(f) && json_is_string(w->value[i]) &&
			check(f, sb_json_text(w->value[i]), fail) < 0)
			return -1;
	}
	return 0;
}

static int check_email(
	const struct sb_field *f, struct str s, struct sb_fail *fail)
{
	if (f->type != SB_EMAIL || is_address(s))
		return 0;
	return sb_fail_set(fail, 400, "INVALID_EMAIL_ADDRESS", f->name,
		"%s: invalid email address: %.*s", f->label,
		STR_ARG(str_sub(s, 0, 255)));
}

static int check_unique(const struct sb_write *w, struct sb_fail *fail)
{
	for (int i = 0; i < w->object->n_fields; i++) {
		const struct sb_field *f = &w->object->fields[i];
		const struct sb_bucket *b;
		if (!(f->flags & SB_UNIQUE) || !json_is_string(w->value[i]))
			continue;
		b = sb_table_find(f, sb_json_text(w->value[i]));
		for (unsigned k = 0; b && k < b->n; k++)
			if (b->r[k] != w->record)
				return sb_fail_set(fail, 400, "DUPLICATE_VALUE",
					"",
					"duplicate value found: %s duplicates "
					"value on record with id: %.15s",
					f->name, b->r[k]->id);
	}
	return 0;
}

static int check_all(struct sandbox *sb, struct sb_write *w, json_t *body,
	struct sb_fail *fail)
{
	if (find_fields(w, body, fail) < 0)
		return -1;
	if (check_access(sb, w, body, fail) < 0)
		return -1;
	if (convert_all(sb, w, body, fail) < 0)
		return -1;
	if (!w->record)
		add_presets(sb, w);
	if (check_required(w, fail) < 0 ||
		check_values(w, check_length, fail) < 0 ||
		check_values(w, check_picks, fail) < 0 ||
		check_values(w, check_email, fail) < 0 ||
		check_unique(w, fail) < 0)
		return -1;
	if (w->object->hooks && w->object->hooks->before)
		return w->object->hooks->before(sb, w, fail);
	return 0;
}

static void stamp_new(struct sandbox *sb, struct sb_record *r)
{
	struct sb_object *o = r->object;
	json_t *now = json_integer(sb_now_ms());
	json_t *user = json_string(sb->user_id);
	int stamps[] = { o->f_created, o->f_modified, o->f_stamp };
	int users[] = { o->f_created_by, o->f_modified_by };

	for (size_t i = 0; i < COUNT(stamps); i++) {
		json_decref(r->v[stamps[i]]);
		r->v[stamps[i]] = json_incref(now);
	}
	for (size_t i = 0; i < COUNT(users); i++) {
		json_decref(r->v[users[i]]);
		r->v[users[i]] = json_incref(user);
	}
	json_decref(now);
	json_decref(user);
}

int sb_write_create(struct sandbox *sb, struct sb_object *o, json_t *body,
	struct sb_record **out, struct sb_fail *fail)
{
	AUTO(write) struct sb_write w = begin_write(o, NULL);
	size_t mark = sb_table_mark(sb);
	struct sb_record *r;

	if (!sb_can(o, 'C'))
		return sb_fail_set(fail, 400,
			"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "",
			"entity type %s does not support create", o->name);
	if (check_all(sb, &w, body, fail) < 0)
		return -1;
	r = sb_table_new(o);
	for (int i = 1; i < o->n_fields; i++) {
		json_t *v = TAKE(w.value[i]);
		if (json_is_null(v))
			v = NULL;
		r->v[i] = v;
	}
	stamp_new(sb, r);
	sb_table_insert(sb, r);
	if (o->hooks && o->hooks->after && o->hooks->after(sb, r, fail) < 0) {
		sb_table_rollback(sb, mark);
		return -1;
	}
	*out = r;
	return 0;
}

int sb_write_update(struct sandbox *sb, struct sb_record *r, json_t *body,
	struct sb_fail *fail)
{
	struct sb_object *o = r->object;
	AUTO(write) struct sb_write w = begin_write(o, r);
	json_t *now;

	if (!sb_can(o, 'U'))
		return sb_fail_set(fail, 400,
			"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "",
			"entity type %s does not support update", o->name);
	if (check_all(sb, &w, body, fail) < 0)
		return -1;
	for (int i = 1; i < o->n_fields; i++)
		if (w.value[i])
			sb_table_set(sb, r, i, TAKE(w.value[i]));
	now = json_integer(sb_now_ms());
	sb_table_set(sb, r, o->f_modified, json_incref(now));
	sb_table_set(sb, r, o->f_stamp, now);
	return 0;
}

static int delete_deep(struct sandbox *sb, struct sb_record *r, int depth,
	struct sb_fail *fail);

/* Deletes, or cuts off, the records that refer to one that goes. */
static int delete_children(struct sandbox *sb, struct sb_record *r,
	const struct sb_child *c, int depth, struct sb_fail *fail)
{
	const struct sb_bucket *b;

	if (!c->field->is_indexed)
		return 0;
	while ((b = sb_table_find(c->field, str_n(r->id, 18))) && b->n) {
		struct sb_record *child = b->r[b->n - 1];
		if (c->field->flags & SB_CASCADE) {
			if (delete_deep(sb, child, depth + 1, fail) < 0)
				return -1;
		} else {
			sb_table_set(sb, child, c->field->index, NULL);
		}
	}
	return 0;
}

static int delete_deep(struct sandbox *sb, struct sb_record *r, int depth,
	struct sb_fail *fail)
{
	struct sb_object *o = r->object;

	if (depth > CASCADE_DEPTH_MAX)
		return sb_fail_set(fail, 400, "DELETE_FAILED", "",
			"records refer to each other too deeply");
	if (o->hooks && o->hooks->before_delete &&
		o->hooks->before_delete(sb, r, fail) < 0)
		return -1;
	/* First, so that a cycle of references comes to an end. */
	sb_table_delete(sb, r);
	for (int i = 0; i < o->n_children; i++)
		if (delete_children(sb, r, &o->children[i], depth, fail) < 0)
			return -1;
	return 0;
}

int sb_write_delete(
	struct sandbox *sb, struct sb_record *r, struct sb_fail *fail)
{
	size_t mark = sb_table_mark(sb);

	if (!sb_can(r->object, 'D'))
		return sb_fail_set(fail, 400, "INSUFFICIENT_ACCESS_OR_READONLY",
			"", "insufficient access rights on object id");
	if (delete_deep(sb, r, 0, fail) < 0) {
		sb_table_rollback(sb, mark);
		return -1;
	}
	return 0;
}

unsigned sb_write_find(struct sb_object *o, struct sb_field *key,
	struct str value, struct sb_record **out)
{
	const struct sb_bucket *b;
	struct sb_record *r;

	if (key->type == SB_ID) {
		r = sb_table_get(o, value);
		*out = r;
		return r && !r->is_deleted;
	}
	if (!key->is_indexed) {
		unsigned n = 0;
		for (size_t i = 0; i < o->n_rows; i++) {
			AUTO(json)
			json_t *v = json_incref(o->rows[i]->v[key->index]);
			AUTO(buf) struct buf text = BUF_INIT(100);
			if (v && !json_is_string(v))
				sb_json_value(&text, v);
			if (!v || o->rows[i]->is_deleted ||
				!str_eq(json_is_string(v) ? sb_json_text(v)
							  : buf_view(&text),
					value))
				continue;
			if (n++ == 0)
				*out = o->rows[i];
		}
		return n;
	}
	b = sb_table_find(key, value);
	if (!b || !b->n)
		return 0;
	*out = b->r[0];
	return b->n;
}

static json_t *list_urls(struct sb_field *key, struct str value, int version)
{
	const struct sb_bucket *b = key->is_indexed ? sb_table_find(key, value)
						    : NULL;
	json_t *list = json_array();

	for (unsigned i = 0; b && i < b->n; i++)
		json_array_append_new(list,
			json_sprintf("/services/data/v%d.0/sobjects/%s/%s",
				version, b->r[i]->object->name, b->r[i]->id));
	return list;
}

int sb_write_upsert(struct sandbox *sb, struct sb_object *o,
	struct sb_field *key, struct str value, json_t *body, bool update_only,
	int version, bool *created, struct sb_record **out,
	struct sb_fail *fail)
{
	struct sb_record *r = NULL;
	unsigned n = sb_write_find(o, key, value, &r);
	json_t *full;
	int result;

	if (n > 1) {
		sb_fail_set(fail, 300, "MULTIPLE_CHOICES", "",
			"the external id %s matches %u records", key->name, n);
		fail->many = list_urls(key, value, version);
		return -1;
	}
	*created = n == 0;
	if (n == 1) {
		*out = r;
		return sb_write_update(sb, r, body, fail);
	}
	if (update_only || key->type == SB_ID)
		return sb_fail_set(fail, 404, "NOT_FOUND", "",
			"The requested resource does not exist");
	if (!json_is_object(body))
		return sb_fail_set(fail, 400, "JSON_PARSER_ERROR", "",
			"The HTTP entity body must be a JSON object "
			"at [line:1, column:1]");
	if (!utf8_is_valid(value) || memchr(value.p, 0, value.len))
		return sb_fail_set(fail, 400,
			"TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", key->name,
			"the value of %s is not UTF-8", key->name);
	full = json_copy(body);
	json_object_set_new(full, key->name, json_stringn(value.p, value.len));
	result = sb_write_create(sb, o, full, out, fail);
	json_decref(full);
	return result;
}

int sb_write_target(struct sandbox *sb, struct sb_object *o, struct str id,
	struct sb_record **out, struct sb_fail *fail)
{
	struct sb_record *r;
	char full[SB_ID_LEN + 1];

	(void)sb;
	if (sb_id_full(id, full) < 0 || !str_starts(id, str_c(o->prefix)))
		return sb_fail_set(fail, 404, "NOT_FOUND", "",
			"Provided external ID field does not exist or is not "
			"accessible: %.*s",
			STR_ARG(str_sub(id, 0, 100)));
	r = sb_table_get(o, id);
	if (!r)
		return sb_fail_set(fail, 404, "NOT_FOUND", "",
			"The requested resource does not exist");
	if (r->is_deleted)
		return sb_fail_set(fail, 404, "ENTITY_IS_DELETED", "",
			"entity is deleted");
	*out = r;
	return 0;
}

struct sb_record *sb_write_make(struct sandbox *sb, const char *object, ...)
{
	struct sb_object *o = sb_object(sb, str_c(object));
	struct sb_record *r = sb_table_new(o);
	const char *name;
	va_list ap;

	for (int i = 0; i < o->n_fields; i++)
		if (i > 0 && !o->fields[i].derive)
			r->v[i] = make_preset(&o->fields[i]);
	va_start(ap, object);
	while ((name = va_arg(ap, const char *))) {
		json_t *value = va_arg(ap, json_t *);
		struct sb_field *f = sb_field(o, str_c(name));
		must(f);
		json_decref(r->v[f->index]);
		r->v[f->index] = value;
	}
	va_end(ap);
	if (o->f_owner >= 0 && !r->v[o->f_owner])
		r->v[o->f_owner] = json_string(sb->user_id);
	stamp_new(sb, r);
	sb_table_insert(sb, r);
	return r;
}
