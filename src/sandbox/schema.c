/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schema.c - builds the objects from the tables and from a schema file.
 *
 * A schema file adds objects and fields:
 *   {"objects":[{"name":"Order_Mail__c","label":"Order Mail","fields":[
 *     {"name":"Amount__c","type":"currency"},
 *     {"name":"Key__c","type":"string","length":40,"externalId":true,
 *      "unique":true},
 *     {"name":"Case__c","type":"reference","referenceTo":["Case"],
 *      "childRelationshipName":"Order_Mails__r"}]},
 *    {"name":"Case","fields":[{"name":"Region__c","type":"picklist",
 *      "values":["North","South"],"restricted":true,"required":true}]}]}
 * An object that is known gets the fields added; a field that is known is
 * replaced.
 */
#include <stdio.h>

#include <mailmill/file.h>

#include "sandbox.h"

#define SCHEMA_FILE_MAX (4u << 20)
#define OBJECTS_MAX 500

static const char *const type_names[] = {
	[SB_ID] = "id",
	[SB_STRING] = "string",
	[SB_TEXTAREA] = "textarea",
	[SB_EMAIL] = "email",
	[SB_PHONE] = "phone",
	[SB_URL] = "url",
	[SB_PICKLIST] = "picklist",
	[SB_MULTIPICKLIST] = "multipicklist",
	[SB_COMBOBOX] = "combobox",
	[SB_REFERENCE] = "reference",
	[SB_BOOLEAN] = "boolean",
	[SB_INT] = "int",
	[SB_DOUBLE] = "double",
	[SB_CURRENCY] = "currency",
	[SB_PERCENT] = "percent",
	[SB_DATE] = "date",
	[SB_DATETIME] = "datetime",
	[SB_BASE64] = "base64",
	[SB_ID_LIST] = "junctionidlist",
};

const char *sb_type_name(enum sb_type t)
{
	return type_names[t];
}

bool sb_field_is_key(const struct sb_field *f)
{
	return f->flags & (SB_EXTERNAL | SB_LOOKUP);
}

bool sb_field_is_text(const struct sb_field *f)
{
	return f->type >= SB_STRING && f->type <= SB_COMBOBOX;
}

bool sb_can(const struct sb_object *o, char what)
{
	return !o->off || !strchr(o->off, what);
}

static struct str lower(struct str s, char *to, size_t max)
{
	size_t n = MIN(s.len, max);

	for (size_t i = 0; i < n; i++)
		to[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32)
						       : s.p[i];
	return str_n(to, n);
}

struct sb_object *sb_object(struct sandbox *sb, struct str name)
{
	char small[128];

	return map_get(sb->by_name, lower(name, small, sizeof(small)));
}

struct sb_object *sb_object_of_id(struct sandbox *sb, struct str id)
{
	return id.len < 3 ? NULL : map_get(sb->by_prefix, str_n(id.p, 3));
}

struct sb_field *sb_field(const struct sb_object *o, struct str name)
{
	char small[128];

	return map_get(o->by_name, lower(name, small, sizeof(small)));
}

struct sb_field *sb_field_rel(const struct sb_object *o, struct str name)
{
	char small[128];

	return map_get(o->by_rel, lower(name, small, sizeof(small)));
}

struct sb_child *sb_child_rel(const struct sb_object *o, struct str name)
{
	for (int i = 0; i < o->n_children; i++)
		if (str_eq_case(str_c(o->children[i].field->child), name))
			return &o->children[i];
	return NULL;
}

/* "SuppliedEmail" is labelled "Supplied Email", "ContactId" "Contact ID". */
static char *make_label(const char *name)
{
	AUTO(buf) struct buf b = BUF_INIT(256);
	size_t len = strlen(name);

	if (len > 3 && !strcmp(name + len - 3, "__c"))
		len -= 3;
	for (size_t i = 0; i < len; i++) {
		bool is_upper = name[i] >= 'A' && name[i] <= 'Z';
		if (i && is_upper &&
			!(name[i - 1] >= 'A' && name[i - 1] <= 'Z'))
			buf_byte(&b, ' ');
		buf_byte(&b, name[i] == '_' ? ' ' : (unsigned char)name[i]);
	}
	if (b.len > 3 && !memcmp(b.p + b.len - 3, " Id", 3))
		b.p[b.len - 1] = 'D';
	return buf_take(&b);
}

static void free_texts(struct sb_field *f)
{
	free((void *)(uintptr_t)f->name);
	free((void *)(uintptr_t)f->label);
	free((void *)(uintptr_t)f->targets);
	free((void *)(uintptr_t)f->rel);
	free((void *)(uintptr_t)f->child);
	free((void *)(uintptr_t)f->picks);
	free((void *)(uintptr_t)f->preset);
}

/* Adds a field, or replaces the one of that name. Copies all texts. */
static void add_field(struct sb_object *o, const struct sb_field *data)
{
	struct sb_field *f = NULL;

	for (int i = 0; i < o->n_fields; i++)
		if (str_eq_case(str_c(o->fields[i].name), str_c(data->name)))
			f = &o->fields[i];
	if (!f) {
		must(o->n_fields < SB_FIELDS_MAX);
		o->fields = mem_resize(o->fields,
			((size_t)o->n_fields + 1) * sizeof(*o->fields));
		f = &o->fields[o->n_fields];
		f->index = o->n_fields++;
	} else {
		free_texts(f);
	}
	int index = f->index;
	*f = *data;
	f->index = index;
	f->name = mem_strdup(data->name);
	f->label = data->label ? mem_strdup(data->label)
			       : make_label(data->name);
	f->targets = mem_strdup(data->targets);
	f->rel = mem_strdup(data->rel);
	f->child = mem_strdup(data->child);
	f->picks = mem_strdup(data->picks);
	f->preset = mem_strdup(data->preset);
}

static struct sb_object *add_object(struct sandbox *sb, const char *name,
	const char *label, const char *plural, const char *prefix)
{
	struct sb_object *o = NEW(struct sb_object);
	char small[128];

	o->name = mem_strdup(name);
	o->label = label ? mem_strdup(label) : make_label(name);
	o->plural = plural ? mem_strdup(plural) : mem_printf("%ss", o->label);
	o->prefix = mem_strdup(prefix);
	o->is_custom = str_ends(str_c(name), STR("__c"));
	for (const struct sb_field *f = sb_system_fields; f->name; f++)
		add_field(o, f);
	sb->objects = mem_resize(sb->objects,
		((size_t)sb->n_objects + 1) * sizeof(struct sb_object *));
	sb->objects[sb->n_objects++] = o;
	map_set(sb->by_name, lower(str_c(name), small, sizeof(small)), o);
	map_set(sb->by_prefix, str_c(prefix), o);
	return o;
}

static int type_of(const char *name)
{
	for (size_t i = 0; i < COUNT(type_names); i++)
		if (!strcmp(type_names[i], name))
			return (int)i;
	if (!strcmp(name, "text"))
		return SB_STRING;
	if (!strcmp(name, "lookup"))
		return SB_REFERENCE;
	return -1;
}

static char *join(const json_t *array)
{
	AUTO(buf) struct buf b = BUF_INIT(65536);
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item))
			continue;
		if (b.len)
			buf_byte(&b, ',');
		buf_c(&b, json_string_value(item));
	}
	return buf_take(&b);
}

static bool is_on(const json_t *j, const char *name)
{
	return json_is_true(json_object_get(j, name));
}

static int load_field(
	struct sb_object *o, const json_t *j, const char *file, struct err *err)
{
	const char *name = json_string_value(json_object_get(j, "name"));
	const char *type = json_string_value(json_object_get(j, "type"));
	json_t *to = json_object_get(j, "referenceTo");
	json_t *picks = json_object_get(j, "values");
	int length = (int)json_integer_value(json_object_get(j, "length"));
	struct sb_field f = { 0 };
	AUTO(bytes) char *targets = NULL;
	AUTO(bytes) char *values = NULL;
	AUTO(bytes) char *rel = NULL;
	int t = type ? type_of(type) : -1;

	if (!name || t < 0)
		return err_set(err, ERR_CONF,
			"%s: %s.%s: each field needs a \"name\" and a \"type\" "
			"such as string, textarea, picklist, reference, "
			"boolean, int, double, date, datetime, email",
			file, o->name, name ? name : "?");
	if (o->n_fields >= SB_FIELDS_MAX)
		return err_set(err, ERR_CONF, "%s: %s has over %d fields", file,
			o->name, SB_FIELDS_MAX);
	f.name = name;
	f.type = (enum sb_type)t;
	f.length = length ? length : t == SB_TEXTAREA ? 32768 : 255;
	f.flags = SB_CU;
	if (str_ends(str_c(name), STR("__c")))
		f.flags |= SB_CUSTOM;
	if (is_on(j, "required"))
		f.flags |= SB_REQUIRED;
	if (is_on(j, "externalId"))
		f.flags |= SB_EXTERNAL;
	if (is_on(j, "unique"))
		f.flags |= SB_UNIQUE;
	if (is_on(j, "caseSensitive"))
		f.flags |= SB_CASE;
	if (is_on(j, "restricted"))
		f.flags |= SB_RESTRICTED;
	if (is_on(j, "readOnly"))
		f.flags &= ~SB_CU;
	f.label = json_string_value(json_object_get(j, "label"));
	f.preset = json_string_value(json_object_get(j, "default"));
	f.child = json_string_value(
		json_object_get(j, "childRelationshipName"));
	if (t == SB_BOOLEAN)
		f.flags |= SB_DEFAULTED;
	if (t == SB_REFERENCE) {
		f.length = 18;
		targets = json_is_string(to) ? mem_strdup(json_string_value(to))
					     : join(to);
		f.targets = targets;
		rel = mem_strdup(name);
		if (f.flags & SB_CUSTOM)
			rel[strlen(rel) - 1] = 'r';
		else if (str_ends(str_c(rel), STR("Id")))
			rel[strlen(rel) - 2] = 0;
		f.rel = rel;
		if (is_on(j, "cascadeDelete"))
			f.flags |= SB_CASCADE;
	}
	if (t == SB_PICKLIST || t == SB_MULTIPICKLIST || t == SB_COMBOBOX) {
		values = join(picks);
		f.picks = values;
	}
	add_field(o, &f);
	return 0;
}

static int load_object(
	struct sandbox *sb, const json_t *j, const char *file, struct err *err)
{
	const char *name = json_string_value(json_object_get(j, "name"));
	struct sb_object *o;
	size_t i;
	json_t *field;
	char prefix[8];

	if (!name)
		return err_set(err, ERR_CONF,
			"%s: each object needs a \"name\"", file);
	o = sb_object(sb, str_c(name));
	if (!o) {
		if (sb->n_objects >= OBJECTS_MAX)
			return err_set(err, ERR_CONF, "%s: over %d objects",
				file, OBJECTS_MAX);
		const char *given = json_string_value(
			json_object_get(j, "keyPrefix"));
		snprintf(prefix, sizeof(prefix), "a%02d", sb->n_objects % 100);
		o = add_object(sb, name,
			json_string_value(json_object_get(j, "label")),
			json_string_value(json_object_get(j, "labelPlural")),
			given && strlen(given) == 3 ? given : prefix);
		struct sb_field text = { "Name", SB_STRING, 80,
			SB_CU | SB_NAME };
		struct sb_field owner = { "OwnerId", SB_REFERENCE, 18,
			SB_CU | SB_DEFAULTED | SB_UNINDEXED, "Group,User",
			"Owner" };
		add_field(o, &text);
		add_field(o, &owner);
	}
	json_array_foreach(json_object_get(j, "fields"), i, field)
	{
		if (load_field(o, field, file, err) < 0)
			return -1;
	}
	return 0;
}

static int load_file(struct sandbox *sb, const char *file, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(SCHEMA_FILE_MAX);
	json_error_t je;
	size_t i;
	json_t *object;

	if (file_read(file, &text, err) < 0)
		return -1;
	AUTO(json) json_t *j = json_loadb(
		text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return err_set(err, ERR_CONF, "%s:%d:%d: %s", file, je.line,
			je.column, je.text);
	if (!json_is_array(json_object_get(j, "objects")))
		return err_set(
			err, ERR_CONF, "%s: wants {\"objects\": [...]}", file);
	json_array_foreach(json_object_get(j, "objects"), i, object)
	{
		if (load_object(sb, object, file, err) < 0)
			return -1;
	}
	return 0;
}

static int index_of(const struct sb_object *o, const char *name)
{
	const struct sb_field *f = sb_field(o, str_c(name));

	return f ? f->index : -1;
}

static void add_child(struct sb_object *parent, struct sb_object *child,
	struct sb_field *field)
{
	parent->children = mem_resize(parent->children,
		((size_t)parent->n_children + 1) * sizeof(struct sb_child));
	parent->children[parent->n_children++] = (struct sb_child){ child,
		field };
}

static void link_targets(
	struct sandbox *sb, struct sb_object *o, struct sb_field *f)
{
	struct str rest = str_c(f->targets), name;

	while (f->targets && str_cut(&rest, ',', &name)) {
		struct sb_object *to = sb_object(sb, str_trim(name));
		if (!to)
			continue;
		f->to = mem_resize(f->to,
			((size_t)f->n_to + 1) * sizeof(struct sb_object *));
		f->to[f->n_to++] = to;
		if (f->child || f->flags & SB_CASCADE)
			add_child(to, o, f);
	}
}

static void finish_object(struct sandbox *sb, struct sb_object *o)
{
	char small[128];

	o->by_name = map_new();
	o->by_rel = map_new();
	o->by_id = map_new();
	for (int i = 0; i < o->n_fields; i++) {
		struct sb_field *f = &o->fields[i];
		map_set(o->by_name, lower(str_c(f->name), small, sizeof(small)),
			f);
		if (f->rel)
			map_set(o->by_rel,
				lower(str_c(f->rel), small, sizeof(small)), f);
		f->is_indexed = !(f->flags & SB_UNINDEXED) && !f->derive &&
				(f->type == SB_REFERENCE ||
					f->type == SB_EMAIL ||
					f->flags & (SB_EXTERNAL | SB_UNIQUE |
							   SB_LOOKUP));
		if (f->type == SB_ID)
			f->is_indexed = false;
		if (f->is_indexed)
			f->by = map_new();
		link_targets(sb, o, f);
		if (f->flags & SB_NAME)
			o->f_name = f->index;
	}
	o->f_deleted = index_of(o, "IsDeleted");
	o->f_created = index_of(o, "CreatedDate");
	o->f_created_by = index_of(o, "CreatedById");
	o->f_modified = index_of(o, "LastModifiedDate");
	o->f_modified_by = index_of(o, "LastModifiedById");
	o->f_stamp = index_of(o, "SystemModstamp");
	o->f_owner = index_of(o, "OwnerId");
}

/* Makes the external ids of some objects plain fields, as some orgs do. */
static int make_plain(struct sandbox *sb, const char *names, struct err *err)
{
	struct str rest = str_c(names), name;

	while (names && str_cut(&rest, ',', &name)) {
		struct sb_object *o = sb_object(sb, str_trim(name));
		if (!o)
			return err_set(err, ERR_CONF,
				"--no-external-id: no object %.*s",
				STR_ARG(name));
		for (int i = 0; i < o->n_fields; i++)
			if (o->fields[i].flags & SB_EXTERNAL)
				o->fields[i].flags &= ~(
					SB_EXTERNAL | SB_UNIQUE | SB_CASE);
	}
	return 0;
}

int sb_schema_open(struct sandbox *sb, const char *file, const char *plain_key,
	struct err *err)
{
	sb->by_name = map_new();
	sb->by_prefix = map_new();
	for (const struct sb_object_data *d = sb_schema_data; d->name; d++) {
		struct sb_object *o = add_object(
			sb, d->name, d->label, d->plural, d->prefix);
		o->hooks = d->hooks;
		o->off = d->off;
		for (const struct sb_field *f = d->fields; f->name; f++)
			add_field(o, f);
	}
	if (file && load_file(sb, file, err) < 0)
		return -1;
	if (make_plain(sb, plain_key, err) < 0)
		return -1;
	for (int i = 0; i < sb->n_objects; i++)
		finish_object(sb, sb->objects[i]);
	return 0;
}

static void free_buckets(struct map *m)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (m && map_next(m, &at, &key, &value)) {
		free(((struct sb_bucket *)value)->r);
		free(value);
	}
	map_free(m);
}

static void free_object(struct sb_object *o)
{
	for (size_t i = 0; i < o->n_rows; i++) {
		for (int k = 0; k < o->n_fields; k++)
			json_decref(o->rows[i]->v[k]);
		free(o->rows[i]);
	}
	for (int i = 0; i < o->n_fields; i++) {
		struct sb_field *f = &o->fields[i];
		free_buckets(f->by);
		free_texts(f);
		free(f->to);
	}
	map_free(o->by_name);
	map_free(o->by_rel);
	map_free(o->by_id);
	free(o->rows);
	free(o->fields);
	free(o->children);
	free(o->describe);
	free(o->name);
	free(o->label);
	free(o->plural);
	free(o->prefix);
	free(o);
}

void sb_schema_close(struct sandbox *sb)
{
	for (int i = 0; i < sb->n_objects; i++)
		free_object(sb->objects[i]);
	free(sb->objects);
	map_free(sb->by_name);
	map_free(sb->by_prefix);
}
