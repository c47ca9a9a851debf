/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * graph.c - a plan as a composite graph: one node a record, all or nothing.
 *
 * A create becomes an upsert by the key field where the object has it as an
 * external id, so that even a repeat that nothing guards makes no second
 * record; else a plain create with the key beside the fields, for looking up.
 * A plan of more than SF_NODES_MAX records is made in pieces, one after the
 * other; a piece refers to records of former ones by their ids.
 */
#include <mailmill/enc.h>

#include "salesforce.h"

#define NAME_LEN_MAX 40

size_t sf_graph_piece(const struct plan *plan, size_t from)
{
	return MIN(plan->n_records, from + SF_NODES_MAX);
}

static bool is_reference_id(struct str s)
{
	return s.len <= NAME_LEN_MAX && sf_is_name(s, false) && s.p[0] != '_';
}

static bool has_usable_names(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_records; i++)
		if (!is_reference_id(plan->records[i].name))
			return false;
	return true;
}

const char *sf_graph_name(
	struct arena *a, const struct sf_graph *g, size_t record)
{
	if (!g->has_names)
		return arena_printf(a, "r%zu", record);
	return arena_printf(a, "%.*s", STR_ARG(g->plan->records[record].name));
}

struct str sf_graph_key(const struct sf_graph *g, size_t record)
{
	const struct plan_record *r = &g->plan->records[record];
	const struct sf_object *o = g->object(g->ctx, r->object);

	if (r->op != PLAN_CREATE || !o || o->key == SF_KEY_NONE)
		return STR_NULL;
	return r->key;
}

static ssize_t find_record(const struct plan *plan, struct str name)
{
	for (size_t i = 0; i < plan->n_records; i++)
		if (str_eq(plan->records[i].name, name))
			return (ssize_t)i;
	return -1;
}

/* ---- fields ----------------------------------------------------------- */

static int write_ref(struct buf *out, const struct sf_graph *g,
	const struct plan_field *in, struct err *err)
{
	ssize_t at = find_record(g->plan, in->value);
	const struct plan_record *r;
	struct str id;

	if (at < 0 || !str_eq_case(in->ref_field, STR("Id")))
		return err_set(err, ERR_PERM,
			"rule line %u: ${%.*s.%.*s} is not known while the "
			"records are made; only its Id is",
			in->line, STR_ARG(in->value), STR_ARG(in->ref_field));
	r = &g->plan->records[at];
	id = g->records[at].id;
	if (id.len == 0 && r->op != PLAN_CREATE && r->op != PLAN_UPSERT)
		id = r->id;
	if (id.len > 0) {
		sf_json_str(out, id);
		return 0;
	}
	if ((size_t)at < g->from)
		return err_set(err, ERR_PERM,
			"rule line %u: the id of \"%.*s\" is not known any "
			"more: its object has no key field to find it by",
			in->line, STR_ARG(in->value));
	buf_printf(out, "\"@{%s.id}\"",
		sf_graph_name(g->notes->arena, g, (size_t)at));
	return 0;
}

static bool is_writable(const struct sf_field *f, enum plan_op op)
{
	if (op == PLAN_CREATE)
		return f->is_createable;
	if (op == PLAN_UPDATE)
		return f->is_updateable;
	return f->is_createable || f->is_updateable;
}

static int check_field(const struct sf_graph *g, const struct sf_object *o,
	const struct plan_record *r, const struct plan_field *in,
	const struct sf_field **out, struct err *err)
{
	const struct sf_field *f = sf_object_field(o, in->name);

	if (!f)
		return err_set(err, ERR_CONF,
			"rule line %u: Salesforce shows no field %.*s on "
			"%.*s: correct the rule, make the field, or give the "
			"integration's user access to it",
			in->line, STR_ARG(in->name), STR_ARG(o->name));
	if (!is_writable(f, r->op))
		return err_set(err, ERR_CONF,
			"rule line %u: %.*s.%.*s can't be %s by the "
			"integration's user: correct the rule or the field's "
			"permissions",
			in->line, STR_ARG(o->name), STR_ARG(f->name),
			r->op == PLAN_UPDATE ? "changed" : "set");
	if (str_eq_case(f->name, str_c(g->conf->key_field)))
		return err_set(err, ERR_PERM,
			"rule line %u: %.*s is mailmill's own", in->line,
			STR_ARG(f->name));
	*out = f;
	return 0;
}

static bool is_dropped(const struct sf_graph *g, size_t record, struct str name)
{
	for (size_t i = 0; i < g->n_drops; i++)
		if (g->drops[i].record == record &&
			str_eq_case(g->drops[i].field, name))
			return true;
	return false;
}

/* Adds "Name":value and a comma before it unless it is the first. */
static int write_field(struct buf *out, const struct sf_graph *g,
	const struct sf_object *o, size_t record, const struct plan_field *in,
	bool *is_first, struct err *err)
{
	const struct plan_record *r = &g->plan->records[record];
	const struct sf_field *f = NULL;
	size_t before = out->len;
	int rc;

	if (check_field(g, o, r, in, &f, err))
		return -1;
	if (r->op == PLAN_UPSERT && str_eq_case(in->name, r->by))
		return 0; /* it stands in the URL */
	if (is_dropped(g, record, f->name)) {
		sf_note(g->notes, "%.*s.%.*s: left out, Salesforce refused it",
			STR_ARG(o->name), STR_ARG(f->name));
		return 0;
	}
	if (!*is_first)
		buf_byte(out, ',');
	sf_json_str(out, f->name);
	buf_byte(out, ':');
	if (in->kind == PLAN_REF)
		rc = write_ref(out, g, in, err);
	else
		rc = sf_value_write(
			out, o, f, in, r->op, record, g->notes, err);
	if (rc < 0)
		return -1;
	if (rc == SF_LEFT_OUT)
		out->len = before;
	else
		*is_first = false;
	return 0;
}

static int write_body(struct buf *out, struct sf_graph *g,
	const struct sf_object *o, size_t record, bool *is_empty,
	struct err *err)
{
	const struct plan_record *r = &g->plan->records[record];

	*is_empty = true;
	buf_byte(out, '{');
	for (size_t i = 0; i < r->n_fields; i++)
		if (write_field(
			    out, g, o, record, &r->fields[i], is_empty, err))
			return -1;
	if (r->op == PLAN_CREATE && o->key == SF_KEY_PLAIN && r->key.len > 0) {
		if (!*is_empty)
			buf_byte(out, ',');
		sf_json_str(out, str_c(g->conf->key_field));
		buf_byte(out, ':');
		sf_json_str(out, r->key);
		*is_empty = false;
	}
	buf_byte(out, '}');
	return 0;
}

/* ---- nodes ------------------------------------------------------------ */

static int write_by(struct buf *out, const struct sf_object *o,
	const struct plan_record *r, struct err *err)
{
	const struct sf_field *f = sf_object_field(o, r->by);
	AUTO(buf) struct buf path = BUF_INIT(4096);
	const struct plan_field *value = NULL;

	for (size_t i = 0; i < r->n_fields; i++)
		if (str_eq_case(r->fields[i].name, r->by))
			value = &r->fields[i];
	if (!f)
		return err_set(err, ERR_CONF,
			"rule line %u: Salesforce shows no field %.*s on %.*s",
			r->line, STR_ARG(r->by), STR_ARG(o->name));
	if (!value || value->kind != PLAN_TEXT || value->value.len == 0)
		return err_set(err, ERR_PERM,
			"rule line %u: upsert by %.*s needs a value for it",
			r->line, STR_ARG(r->by));
	if (str_eq(value->value, STR(".")) || str_eq(value->value, STR("..")))
		return err_set(err, ERR_PERM,
			"rule line %u: upsert by %.*s can't have the value "
			"\"%.*s\"",
			r->line, STR_ARG(r->by), STR_ARG(value->value));
	enc_percent(&path, value->value);
	if (buf_is_over(&path))
		return err_set(err, ERR_PERM,
			"rule line %u: the value of %.*s is too long", r->line,
			STR_ARG(r->by));
	buf_printf(out, "/%.*s/%s", STR_ARG(f->name), path.p);
	return 0;
}

/* Writes the method and the URL, whose parts need no escaping in JSON. */
static int write_target(struct buf *out, struct sf_graph *g,
	const struct sf_object *o, size_t record, struct err *err)
{
	const struct plan_record *r = &g->plan->records[record];
	bool by_key = r->op == PLAN_CREATE && o->key == SF_KEY_UPSERT &&
		      r->key.len > 0;

	if ((r->op == PLAN_UPDATE || r->op == PLAN_DELETE) && !sf_is_id(r->id))
		return err_set(err, ERR_PERM,
			"rule line %u: \"%.*s\" has no id of a record: "
			"\"%.*s\"",
			r->line, STR_ARG(r->name),
			STR_ARG(str_sub(r->id, 0, 40)));
	buf_printf(out,
		"\"method\":\"%s\",\"url\":\"/services/data/%s/sobjects/%.*s",
		r->op == PLAN_DELETE		  ? "DELETE"
		: r->op == PLAN_CREATE && !by_key ? "POST"
						  : "PATCH",
		g->conf->api_version, STR_ARG(o->name));
	if (by_key) {
		buf_printf(out, "/%s/", g->conf->key_field);
		enc_percent(out, r->key);
	} else if (r->op == PLAN_UPSERT) {
		if (write_by(out, o, r, err))
			return -1;
	} else if (r->op != PLAN_CREATE) {
		buf_printf(out, "/%.*s", STR_ARG(r->id));
	}
	buf_byte(out, '"');
	return 0;
}

/*
 * Headers of a call are said not to reach its nodes (salesforce.md B.8), so
 * those that matter stand at the nodes too.
 */
static void write_headers(
	struct buf *out, const struct sf_graph *g, const struct sf_object *o)
{
	bool may_assign = str_eq(o->name, STR("Case")) ||
			  str_eq(o->name, STR("Lead")) ||
			  str_eq(o->name, STR("Account"));
	bool may_match = str_eq(o->name, STR("Contact")) ||
			 str_eq(o->name, STR("Lead"));

	if (!may_assign && !may_match)
		return;
	buf_c(out, ",\"httpHeaders\":{");
	if (may_assign)
		buf_printf(out, "\"Sforce-Auto-Assign\":\"%s\"%s",
			g->conf->auto_assign ? "TRUE" : "FALSE",
			may_match ? "," : "");
	if (may_match)
		buf_c(out,
			"\"Sforce-Duplicate-Rule-Header\":\"allowSave=true\"");
	buf_byte(out, '}');
}

static int write_node(
	struct buf *out, struct sf_graph *g, size_t record, struct err *err)
{
	const struct plan_record *r = &g->plan->records[record];
	const struct sf_object *o = g->object(g->ctx, r->object);
	size_t before = out->len;
	bool is_empty = true;

	if (!o)
		return err_set(err, ERR_CONF,
			"rule line %u: Salesforce shows no object %.*s to the "
			"integration's user",
			r->line, STR_ARG(r->object));
	if (g->n_nodes > 0)
		buf_byte(out, ',');
	buf_printf(out, "{\"referenceId\":\"%s\",",
		sf_graph_name(g->notes->arena, g, record));
	if (write_target(out, g, o, record, err))
		return -1;
	write_headers(out, g, o);
	if (r->op != PLAN_DELETE) {
		buf_c(out, ",\"body\":");
		if (write_body(out, g, o, record, &is_empty, err))
			return -1;
	}
	if (r->op == PLAN_UPDATE && is_empty) {
		/* nothing to change: no node, and the record is known */
		out->len = before;
		g->records[record] = (struct sf_record){ .id = r->id,
			.is_known = true };
		return 0;
	}
	buf_byte(out, '}');
	g->n_nodes++;
	return 0;
}

/*
 * Goes through a record that is there already only for what falls beside the
 * road: files of texts that were too long, and notes.
 */
static void note_known(struct buf *out, struct sf_graph *g, size_t record)
{
	struct sf_record known = g->records[record];
	size_t len = out->len, n_nodes = g->n_nodes;
	struct err ignored;

	if (write_node(out, g, record, &ignored))
		sf_note(g->notes, "%s", ignored.text);
	out->len = len;
	g->n_nodes = n_nodes;
	g->records[record] = known;
}

int sf_graph_write(
	struct buf *out, const char *id, struct sf_graph *g, struct err *err)
{
	g->n_nodes = 0;
	g->has_names = has_usable_names(g->plan);
	buf_printf(out, "{\"graphId\":\"%s\",\"compositeRequest\":[", id);
	for (size_t i = g->from; i < g->to; i++)
		if (g->records[i].is_known)
			note_known(out, g, i);
		else if (write_node(out, g, i, err))
			return -1;
	buf_c(out, "]}");
	if (buf_is_over(out))
		return err_set(err, ERR_PERM,
			"the plan is more than %zu MB, too much for one call",
			SF_GRAPH_MAX >> 20);
	return 0;
}
