/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe.c - what the schema looks like to clients. */
#include <stdio.h>

#include "sandbox.h"

static bool is_on(const struct sb_object *o, char c)
{
	return sb_can(o, c);
}

static json_t *urls_of(const struct sb_object *o, int version, bool is_full)
{
	static const char *const more[] = { "layouts", "compactLayouts",
		"approvalLayouts", "quickActions", "listviews",
		"defaultValues" };
	json_t *base = json_sprintf(
		"/services/data/v%d.0/sobjects/%s", version, o->name);
	const char *b = json_string_value(base);
	json_t *urls = json_object();

	json_object_set(urls, "sobject", base);
	json_object_set_new(urls, "describe", json_sprintf("%s/describe", b));
	json_object_set_new(urls, "rowTemplate", json_sprintf("%s/{ID}", b));
	for (size_t i = 0; is_full && i < COUNT(more); i++)
		json_object_set_new(urls, more[i],
			json_sprintf("%s/describe/%s", b, more[i]));
	json_decref(base);
	return urls;
}

static void set_bool(json_t *j, const char *name, bool value)
{
	json_object_set_new(j, name, json_boolean(value));
}

static json_t *describe_brief(
	const struct sb_object *o, int version, bool is_full)
{
	static const char *const off[] = { "customSetting", "deepCloneable",
		"deprecatedAndHidden", "hasSubtypes", "isInterface",
		"isSubtype", "mergeable" };
	static const char *const on[] = { "feedEnabled", "layoutable",
		"mruEnabled", "replicateable", "retrieveable", "searchable",
		"triggerable", "undeletable" };
	json_t *j = json_object();

	for (size_t i = 0; i < COUNT(off); i++)
		set_bool(j, off[i], false);
	for (size_t i = 0; i < COUNT(on); i++)
		set_bool(j, on[i], true);
	set_bool(j, "activateable", false);
	set_bool(j, "createable", is_on(o, 'C'));
	set_bool(j, "custom", o->is_custom);
	set_bool(j, "deletable", is_on(o, 'D'));
	set_bool(j, "queryable", is_on(o, 'Q'));
	set_bool(j, "updateable", is_on(o, 'U'));
	json_object_set_new(j, "name", json_string(o->name));
	json_object_set_new(j, "label", json_string(o->label));
	json_object_set_new(j, "labelPlural", json_string(o->plural));
	json_object_set_new(j, "keyPrefix", json_string(o->prefix));
	json_object_set_new(j, "associateEntityType", json_null());
	json_object_set_new(j, "associateParentEntity", json_null());
	json_object_set_new(j, "urls", urls_of(o, version, is_full));
	return j;
}

static json_t *describe_picks(const struct sb_field *f)
{
	json_t *list = json_array();
	struct str rest = str_c(f->picks), pick;

	while (f->picks && f->picks[0] && str_cut(&rest, ',', &pick)) {
		json_t *j = json_object();
		set_bool(j, "active", true);
		set_bool(j, "defaultValue",
			f->preset && str_eq(pick, str_c(f->preset)));
		json_object_set_new(j, "label", json_stringn(pick.p, pick.len));
		json_object_set_new(j, "validFor", json_null());
		json_object_set_new(j, "value", json_stringn(pick.p, pick.len));
		json_array_append_new(list, j);
	}
	return list;
}

static const char *soap_type(const struct sb_field *f)
{
	switch (f->type) {
	case SB_ID:
	case SB_REFERENCE:
		return "tns:ID";
	case SB_BOOLEAN:
		return "xsd:boolean";
	case SB_INT:
		return "xsd:int";
	case SB_DOUBLE:
	case SB_CURRENCY:
	case SB_PERCENT:
		return "xsd:double";
	case SB_DATE:
		return "xsd:date";
	case SB_DATETIME:
		return "xsd:dateTime";
	case SB_BASE64:
		return "xsd:base64Binary";
	case SB_ID_LIST:
		return "urn:JunctionIdListNames";
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
	return "xsd:string";
}

static bool is_nillable(const struct sb_field *f)
{
	return !(f->flags & (SB_REQUIRED | SB_DEFAULTED)) &&
	       f->type != SB_BOOLEAN && f->type != SB_ID;
}

static void describe_flags(const struct sb_field *f, json_t *j)
{
	static const char *const off[] = { "aiPredictionField", "cascadeDelete",
		"dependentPicklist", "deprecatedAndHidden",
		"displayLocationInDecimal", "encrypted",
		"formulaTreatNullNumberAsZero", "highScaleNumber",
		"queryByDistance", "restrictedDelete", "searchPrefilterable",
		"writeRequiresMasterRead" };
	bool is_long = f->type == SB_TEXTAREA && f->length > 255;
	bool is_plain = !is_long && f->type != SB_BASE64 &&
			f->type != SB_ID_LIST;

	for (size_t i = 0; i < COUNT(off); i++)
		set_bool(j, off[i], false);
	set_bool(j, "aggregatable", is_plain);
	set_bool(j, "filterable", is_plain);
	set_bool(j, "groupable", is_plain);
	set_bool(j, "sortable", is_plain);
	set_bool(j, "autoNumber", f->flags & SB_NUMBERED);
	set_bool(j, "calculated", false);
	set_bool(j, "caseSensitive", f->flags & SB_CASE);
	set_bool(j, "createable", f->flags & SB_C);
	set_bool(j, "custom", f->flags & SB_CUSTOM);
	set_bool(
		j, "defaultedOnCreate", (f->flags & SB_DEFAULTED) || f->preset);
	set_bool(j, "externalId", f->flags & SB_EXTERNAL);
	set_bool(j, "htmlFormatted", f->flags & SB_HTML);
	set_bool(j, "idLookup", f->flags & (SB_LOOKUP | SB_EXTERNAL));
	set_bool(j, "nameField", f->flags & SB_NAME);
	set_bool(j, "namePointing", f->n_to > 1);
	set_bool(j, "nillable", is_nillable(f));
	set_bool(j, "permissionable", !(f->flags & SB_REQUIRED));
	set_bool(j, "polymorphicForeignKey", f->n_to > 1);
	set_bool(j, "restrictedPicklist", f->flags & SB_RESTRICTED);
	set_bool(j, "unique", f->flags & SB_UNIQUE);
	set_bool(j, "updateable", f->flags & SB_U);
}

static json_t *describe_field(const struct sb_field *f)
{
	static const char *const nulls[] = { "calculatedFormula",
		"compoundFieldName", "controllerName", "defaultValueFormula",
		"extraTypeInfo", "filteredLookupInfo", "inlineHelpText", "mask",
		"maskType", "referenceTargetField", "relationshipOrder" };
	json_t *j = json_object(), *to = json_array();
	bool is_text = sb_field_is_text(f) || f->type == SB_ID ||
		       f->type == SB_REFERENCE;
	bool is_real = f->type == SB_DOUBLE || f->type == SB_CURRENCY ||
		       f->type == SB_PERCENT;

	json_object_set_new(j, "name", json_string(f->name));
	json_object_set_new(j, "label", json_string(f->label));
	json_object_set_new(j, "type",
		json_string(f->type == SB_ID_LIST ? "complexvalue"
						  : sb_type_name(f->type)));
	json_object_set_new(j, "soapType", json_string(soap_type(f)));
	json_object_set_new(j, "length", json_integer(is_text ? f->length : 0));
	json_object_set_new(j, "byteLength",
		json_integer(!is_text ? 0
			     : f->type == SB_ID || f->type == SB_REFERENCE
				     ? 18
				     : 3 * f->length));
	json_object_set_new(
		j, "digits", json_integer(f->type == SB_INT ? 9 : 0));
	json_object_set_new(j, "precision", json_integer(is_real ? 18 : 0));
	json_object_set_new(j, "scale", json_integer(is_real ? 2 : 0));
	json_object_set_new(j, "defaultValue",
		f->type == SB_BOOLEAN
			? json_boolean(f->preset && !strcmp(f->preset, "true"))
			: json_null());
	for (size_t i = 0; i < COUNT(nulls); i++)
		json_object_set_new(j, nulls[i], json_null());
	for (int i = 0; i < f->n_to; i++)
		json_array_append_new(to, json_string(f->to[i]->name));
	json_object_set_new(j, "referenceTo", to);
	json_object_set_new(j, "relationshipName",
		f->rel ? json_string(f->rel) : json_null());
	json_object_set_new(j, "picklistValues", describe_picks(f));
	describe_flags(f, j);
	return j;
}

static json_t *describe_child(const struct sb_child *c)
{
	json_t *j = json_object();

	set_bool(j, "cascadeDelete", c->field->flags & SB_CASCADE);
	json_object_set_new(j, "childSObject", json_string(c->object->name));
	set_bool(j, "deprecatedAndHidden", false);
	json_object_set_new(j, "field", json_string(c->field->name));
	json_object_set_new(j, "junctionIdListNames", json_array());
	json_object_set_new(j, "junctionReferenceTo", json_array());
	json_object_set_new(j, "relationshipName",
		c->field->child ? json_string(c->field->child) : json_null());
	set_bool(j, "restrictedDelete", false);
	return j;
}

static json_t *record_types(const struct sb_object *o, int version)
{
	json_t *j = json_object();

	set_bool(j, "active", true);
	set_bool(j, "available", true);
	set_bool(j, "defaultRecordTypeMapping", true);
	json_object_set_new(j, "developerName", json_string("Master"));
	set_bool(j, "master", true);
	json_object_set_new(j, "name", json_string("Master"));
	json_object_set_new(
		j, "recordTypeId", json_string("012000000000000AAA"));
	json_object_set_new(j, "urls",
		json_pack("{s:o}", "layout",
			json_sprintf("/services/data/v%d.0/sobjects/%s/"
				     "describe/layouts/012000000000000AAA",
				version, o->name)));
	return json_pack("[o]", j);
}

static void describe_rest(struct sb_object *o, json_t *j, int version)
{
	static const char *const nulls[] = { "defaultImplementation",
		"extendedBy", "extendsInterfaces", "implementedBy",
		"implementsInterfaces", "listviewable", "lookupLayoutable",
		"networkScopeFieldName", "sobjectDescribeOption" };
	json_t *fields = json_array(), *children = json_array();

	for (int i = 0; i < o->n_fields; i++)
		json_array_append_new(fields, describe_field(&o->fields[i]));
	for (int i = 0; i < o->n_children; i++)
		json_array_append_new(
			children, describe_child(&o->children[i]));
	json_object_set_new(j, "actionOverrides", json_array());
	json_object_set_new(j, "childRelationships", children);
	set_bool(j, "compactLayoutable", true);
	json_object_set_new(j, "fields", fields);
	for (size_t i = 0; i < COUNT(nulls); i++)
		json_object_set_new(j, nulls[i], json_null());
	json_object_set_new(j, "namedLayoutInfos", json_array());
	json_object_set_new(j, "recordTypeInfos", record_types(o, version));
	set_bool(j, "searchLayoutable", true);
	json_object_set_new(j, "supportedScopes",
		json_pack("[{s:s,s:s}]", "label", "All records", "name",
			"everything"));
}

void sb_describe_global(struct sb_ask *a, struct sb_reply *r)
{
	json_t *list = json_array();

	for (int i = 0; i < a->sb->n_objects; i++)
		json_array_append_new(list,
			describe_brief(a->sb->objects[i], a->version, false));
	AUTO(json)
	json_t *j = json_pack("{s:s,s:i,s:o}", "encoding", "UTF-8",
		"maxBatchSize", 200, "sobjects", list);
	sb_reply_json(r, 200, j);
}

static struct sb_object *find_object(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = sb_object(a->sb, a->seg[1]);

	if (!o)
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
	return o;
}

void sb_describe_basic(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = find_object(a, r);
	json_t *recent = json_array();

	if (!o) {
		json_decref(recent);
		return;
	}
	for (size_t i = o->n_rows, n = 0; i-- > 0 && n < 5;) {
		if (o->rows[i]->is_deleted)
			continue;
		AUTO(buf) struct buf b = BUF_INIT(1000);
		buf_byte(&b, '{');
		sb_json_attributes(&b, o->rows[i], a->version);
		buf_printf(&b, ",\"Id\":\"%s\"}", o->rows[i]->id);
		json_array_append_new(recent, json_loadb(b.p, b.len, 0, NULL));
		n++;
	}
	AUTO(json)
	json_t *j = json_pack("{s:o,s:o}", "objectDescribe",
		describe_brief(o, a->version, false), "recentItems", recent);
	sb_reply_json(r, 200, j);
}

void sb_describe_object(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_object *o = find_object(a, r);

	if (!o)
		return;
	/* The schema never changes while we run. */
	if (a->if_modified) {
		r->status = 304;
		return;
	}
	if (!o->describe || o->describe_version != a->version) {
		AUTO(json) json_t *j = describe_brief(o, a->version, true);
		AUTO(buf) struct buf b = BUF_INIT(SB_REPLY_MAX);
		describe_rest(o, j, a->version);
		sb_json_value(&b, j);
		free(o->describe);
		o->describe = buf_take(&b);
		o->describe_version = a->version;
	}
	r->status = 200;
	buf_c(&r->body, o->describe);
}
