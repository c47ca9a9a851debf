/* SPDX-License-Identifier: GPL-3.0-or-later */
/* admin.c - /sandbox/...: for tests, without a token. */
#include <stdio.h>

#include "sandbox.h"

static void show_stats(struct sb_ask *a, struct sb_reply *r)
{
	struct sandbox *sb = a->sb;
	json_t *calls = json_object(), *records = json_object();

	for (int k = 0; k < SB_K_COUNT; k++)
		json_object_set_new(calls, sb_kind_name((enum sb_kind)k),
			json_integer((json_int_t)sb->n_by_kind[k]));
	for (int i = 0; i < sb->n_objects; i++)
		json_object_set_new(records, sb->objects[i]->name,
			json_integer((json_int_t)sb->objects[i]->n_live));
	AUTO(json)
	json_t *j = json_pack("{s:o,s:o,s:I,s:I,s:I}", "calls", calls,
		"records", records, "api_calls", (json_int_t)sb->n_api,
		"faults", (json_int_t)sb->n_faults, "file_bytes",
		(json_int_t)sb->blob_end);
	sb_reply_json(r, 200, j);
}

static void show_calls(struct sb_ask *a, struct sb_reply *r)
{
	struct sandbox *sb = a->sb;
	AUTO(json) json_t *list = json_array();
	uint64_t from = sb->n_calls > SB_CALLS_MAX ? sb->n_calls - SB_CALLS_MAX
						   : 0;

	for (uint64_t i = from; i < sb->n_calls; i++) {
		const struct sb_call *c = &sb->calls[i % SB_CALLS_MAX];
		json_array_append_new(list,
			json_pack("{s:I,s:s,s:s+,s:s,s:i,s:i,s:I,s:I,s:s}",
				"at", (json_int_t)c->at_ms, "method", c->method,
				"path", c->path, "", "kind",
				sb_kind_name(c->kind), "status", c->status,
				"ms", (int)c->ms, "in", (json_int_t)c->n_in,
				"out", (json_int_t)c->n_out, "fault",
				c->fault));
	}
	sb_reply_json(r, 200, list);
}

static json_t *read_body(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_fail f = { 0 };
	json_t *j = sb_json_read(a->raw, &f);

	if (!j)
		sb_reply_fail(r, &f);
	return j;
}

static void add_faults(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(json) json_t *body = read_body(a, r);
	json_t *one;
	size_t i;
	struct sb_fail f = { 0 };

	if (!body)
		return;
	if (json_is_object(body) &&
		sb_faults_add(a->sb->faults, body, &f) < 0) {
		sb_reply_fail(r, &f);
		return;
	}
	json_array_foreach(body, i, one)
	{
		if (sb_faults_add(a->sb->faults, one, &f) < 0) {
			sb_reply_fail(r, &f);
			return;
		}
	}
	AUTO(json) json_t *list = sb_faults_list(a->sb->faults);
	sb_reply_json(r, 201, list);
}

static void show_faults(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(json) json_t *list = sb_faults_list(a->sb->faults);

	sb_reply_json(r, 200, list);
}

static void clear_faults(struct sb_ask *a, struct sb_reply *r)
{
	sb_faults_clear(a->sb->faults);
	r->status = 204;
}

static void expire(struct sb_ask *a, struct sb_reply *r)
{
	sb_oauth_expire(a->sb);
	r->status = 204;
}

static void reset(struct sb_ask *a, struct sb_reply *r)
{
	struct sandbox *sb = a->sb;

	sb_query_close(sb);
	sb_table_empty(sb);
	sb_state_reset(sb);
	sb_faults_clear(sb->faults);
	memset(sb->n_by_kind, 0, sizeof(sb->n_by_kind));
	sb->n_api = sb->n_faults = sb->n_calls = 0;
	sb_seed_default(sb);
	r->status = 204;
}

/*
 * {"records":[{"attributes":{"type":"Account","referenceId":"a"},...}, ...]}
 * all or none, as many as wanted; later ones may use @{a.id}.
 */
static void seed(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(json) json_t *body = read_body(a, r);
	AUTO(refs) struct sb_refs *refs = sb_refs_new();
	size_t i, mark = sb_table_mark(a->sb);
	json_t *record;
	AUTO(json) json_t *ids = json_array();

	if (!body)
		return;
	json_array_foreach(json_object_get(body, "records"), i, record)
	{
		json_t *of = json_object_get(record, "attributes");
		struct str ref = sb_json_text(
			json_object_get(of, "referenceId"));
		struct sb_object *o = sb_object(
			a->sb, sb_json_text(json_object_get(of, "type")));
		struct sb_fail f = { 0 };
		struct sb_record *made;
		if (!o)
			sb_fail_set(&f, 400, "INVALID_TYPE", "",
				"record %zu has no attributes.type that is "
				"known",
				i);
		if (f.status || sb_refs_json(refs, a->arena, record, &f) < 0 ||
			sb_write_create(a->sb, o, record, &made, &f) < 0) {
			sb_table_rollback(a->sb, mark);
			sb_reply_fail(r, &f);
			return;
		}
		if (ref.len)
			sb_refs_add(refs, ref, true, made->id, STR_NULL);
		json_array_append_new(ids, json_string(made->id));
	}
	sb_reply_json(r, 201, ids);
}

static void show_health(struct sb_ask *a, struct sb_reply *r)
{
	(void)a;
	r->status = 200;
	buf_c(&r->body, "{\"status\":\"ok\"}");
}

void sb_admin_route(struct sb_ask *a, struct sb_reply *r)
{
	static const struct {
		const char *method, *path;
		sb_handler_fn run;
	} table[] = {
		{ "GET", "/sandbox/stats", show_stats },
		{ "GET", "/sandbox/calls", show_calls },
		{ "GET", "/sandbox/health", show_health },
		{ "GET", "/sandbox/faults", show_faults },
		{ "POST", "/sandbox/faults", add_faults },
		{ "DELETE", "/sandbox/faults", clear_faults },
		{ "POST", "/sandbox/expire", expire },
		{ "POST", "/sandbox/reset", reset },
		{ "POST", "/sandbox/seed", seed },
	};
	struct str path = a->path;

	while (str_ends(path, STR("/")))
		path.len--;
	for (size_t i = 0; i < COUNT(table); i++) {
		if (strcmp(table[i].method, a->method) ||
			!str_eq(path, str_c(table[i].path)))
			continue;
		table[i].run(a, r);
		return;
	}
	sb_reply_error(
		r, 404, "NOT_FOUND", "The requested resource does not exist");
}
