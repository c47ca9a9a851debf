/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * composite.c - several requests in one: composite, graph, batch.
 *
 * A part is a request of its own that goes through the router. Its reply is
 * kept, so that later parts may refer to it, and is written at the end, when it
 * is known whether all was rolled back. A graph is a transaction; composite is
 * one only with allOrNone.
 */
#include <stdio.h>

#include "sandbox.h"

#define PARTS_MAX 25
#define BIG_PARTS_MAX 5 /* queries and collections */
#define GRAPHS_MAX 75
#define NODES_MAX 500
#define KINDS_MAX 15
#define DEPTH_MAX 15
#define FAILED_MAX 14
#define GRAPH_ID_MAX 40

#define ROLLED_BACK                                                            \
	"The transaction was rolled back since another operation in the "      \
	"same transaction failed."

struct part {
	const char *method;
	struct str url, ref;
	json_t *body;
	json_t *json; /* the part as given */
	bool is_done;
	int depth;
	struct sb_reply reply;
};

static bool is_good(const struct part *p)
{
	return p->reply.status >= 200 && p->reply.status < 300;
}

static void write_part(struct buf *out, const struct part *p)
{
	buf_c(out, "{\"body\":");
	if (p->reply.body.len)
		buf_str(out, buf_view(&p->reply.body));
	else
		buf_c(out, "null");
	buf_c(out, ",\"httpHeaders\":{");
	if (p->reply.location[0])
		buf_printf(out, "\"Location\":\"%s\"", p->reply.location);
	buf_printf(out,
		"},\"httpStatusCode\":%d,\"referenceId\":", p->reply.status);
	sb_json_str(out, p->ref);
	buf_byte(out, '}');
}

static void halt_part(struct part *p, const char *text)
{
	sb_reply_fini(&p->reply);
	sb_reply_init(&p->reply);
	sb_reply_error(&p->reply, 400, "PROCESSING_HALTED", "%s", text);
}

/* Runs a part with its references replaced. */
static void run_part(struct sb_ask *whole, struct sb_refs *refs, struct part *p)
{
	struct sb_fail f = { 0 };
	struct sb_ask ask;
	struct str url;

	p->is_done = true;
	if (sb_refs_text(refs, whole->arena, p->url, &url, &f) < 0 ||
		sb_refs_json(refs, whole->arena, p->body, &f) < 0) {
		sb_reply_fail(&p->reply, &f);
	} else {
		sb_ask_part(&ask, whole, p->method, url, p->body);
		sb_route_api(&ask, &p->reply);
	}
	sb_refs_add(refs, p->ref, is_good(p), p->reply.id,
		buf_view(&p->reply.body));
}

/* Reads what all kinds of parts have. Returns: -1 having answered. */
static int read_part(json_t *j, struct part *p, struct sb_reply *r)
{
	p->json = j;
	p->method = json_string_value(json_object_get(j, "method"));
	p->url = sb_json_text(json_object_get(j, "url"));
	p->ref = sb_json_text(json_object_get(j, "referenceId"));
	p->body = json_object_get(j, "body");
	sb_reply_init(&p->reply);
	if (p->method && p->url.len && sb_refs_name_ok(p->ref))
		return 0;
	if (p->method && p->url.len)
		sb_reply_error(r, 400, "JSON_PARSER_ERROR",
			"Provided referenceId ('%.*s') must start with a "
			"letter or a number, and it can contain only letters, "
			"numbers and underscores ('_').",
			STR_ARG(str_sub(p->ref, 0, 100)));
	else
		sb_reply_error(r, 400, "JSON_PARSER_ERROR",
			"each subrequest needs a method and a url");
	return -1;
}

static bool is_big(struct str url)
{
	return str_find(url, STR("/query")) >= 0 ||
	       str_find(url, STR("/composite/sobjects")) >= 0;
}

static bool has_bad_header(const json_t *part)
{
	static const char *const bad[] = { "Accept", "Authorization",
		"Content-Type" };
	json_t *headers = json_object_get(part, "httpHeaders");
	const char *name;
	json_t *value;

	json_object_foreach(headers, name, value)
	{
		for (size_t i = 0; i < COUNT(bad); i++)
			if (str_eq_case(str_c(name), str_c(bad[i])))
				return true;
	}
	return false;
}

static int read_parts(
	json_t *list, struct part *parts, size_t max, struct sb_reply *r)
{
	AUTO(map) struct map *seen = map_new();
	size_t i;
	json_t *j;

	json_array_foreach(list, i, j)
	{
		if (i >= max)
			return 0;
		if (read_part(j, &parts[i], r) < 0)
			return -1;
		if (map_set(seen, parts[i].ref, &parts[i])) {
			sb_reply_error(r, 400, "JSON_PARSER_ERROR",
				"Duplicate referenceId: %.*s",
				STR_ARG(parts[i].ref));
			return -1;
		}
		if (has_bad_header(j)) {
			sb_reply_error(r, 400, "INVALID_HTTP_HEADER",
				"Accept, Authorization and Content-Type are "
				"not allowed in a subrequest");
			return -1;
		}
	}
	return 0;
}

static void free_parts(struct part *parts, size_t n)
{
	for (size_t i = 0; parts && i < n; i++)
		sb_reply_fini(&parts[i].reply);
	free(parts);
}

static void write_parts(struct buf *out, const struct part *parts, size_t n)
{
	buf_c(out, "{\"compositeResponse\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_byte(out, ',');
		write_part(out, &parts[i]);
	}
	buf_c(out, "]}");
}

/* All but the guilty show that they were rolled back. */
static void roll_back(struct sandbox *sb, size_t mark, struct part *parts,
	size_t n, size_t guilty)
{
	sb_table_rollback(sb, mark);
	/* A page of a query may hold records that are gone now. */
	sb_query_close(sb);
	for (size_t i = 0; i < n; i++)
		if (i != guilty)
			halt_part(&parts[i], ROLLED_BACK);
}

static void force_fault(
	const struct sb_graph_fault *fault, struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(parts[i].method, "GET"))
			continue;
		sb_reply_fini(&parts[i].reply);
		sb_reply_init(&parts[i].reply);
		sb_reply_error(
			&parts[i].reply, 400, fault->code, "%s", fault->text);
		return;
	}
}

static void run_parts(
	struct sb_ask *a, struct part *parts, size_t n, bool all_or_none)
{
	AUTO(refs) struct sb_refs *refs = sb_refs_new();
	size_t mark = sb_table_mark(a->sb), guilty = n;

	for (size_t i = 0; i < n; i++) {
		run_part(a, refs, &parts[i]);
		if (all_or_none && !is_good(&parts[i])) {
			guilty = i;
			break;
		}
	}
	if (a->graph_fault && guilty == n) {
		force_fault(a->graph_fault, parts, n);
		for (guilty = 0; guilty < n; guilty++)
			if (!is_good(&parts[guilty]))
				break;
		all_or_none = true;
	}
	if (all_or_none && guilty < n)
		roll_back(a->sb, mark, parts, n, guilty);
}

static json_t *read_body(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_fail f = { 0 };
	json_t *body = a->body ? json_incref(a->body)
			       : sb_json_read(a->raw, &f);

	if (!body)
		sb_reply_fail(r, &f);
	return body;
}

void sb_composite_run(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(json) json_t *body = read_body(a, r);
	json_t *list = json_object_get(body, "compositeRequest");
	size_t n = json_array_size(list), n_big = 0;
	struct part *parts;

	if (!body)
		return;
	if (!json_is_array(list)) {
		sb_reply_error(r, 400, "JSON_PARSER_ERROR",
			"Missing required field: compositeRequest");
		return;
	}
	if (n > PARTS_MAX) {
		sb_reply_error(r, 400, "LIMIT_EXCEEDED",
			"The request can contain at most %d subrequests",
			PARTS_MAX);
		return;
	}
	parts = mem_array(n + 1, sizeof(*parts));
	if (read_parts(list, parts, n, r) < 0) {
		free_parts(parts, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		n_big += is_big(parts[i].url);
	if (n_big > BIG_PARTS_MAX) {
		sb_reply_error(r, 400, "LIMIT_EXCEEDED",
			"at most %d subrequests may be queries or collections",
			BIG_PARTS_MAX);
	} else {
		run_parts(a, parts, n,
			json_is_true(json_object_get(body, "allOrNone")));
		r->status = 200;
		write_parts(&r->body, parts, n);
	}
	free_parts(parts, n);
}

/* Graphs. */

struct graph {
	struct part *parts;
	size_t n;
	struct str id;
};

/* A graph may only hold single records. */
static bool is_node(const struct part *p)
{
	struct str url = p->url;
	ssize_t at = str_find(url, STR("/sobjects/"));

	return at > 0 && str_find(url, STR("/composite/")) < 0 &&
	       str_find(url, STR("/query")) < 0;
}

static struct str type_of(struct str url)
{
	ssize_t at = str_find(url, STR("/sobjects/"));
	struct str rest = str_sub(url, (size_t)MAX(at, 0) + 10, url.len), type;

	return str_cut(&rest, '/', &type) ? type : STR_NULL;
}

static size_t count_kinds(const struct graph *g)
{
	AUTO(map) struct map *kinds = map_new();

	for (size_t i = 0; i < g->n; i++) {
		char kind[128];
		snprintf(kind, sizeof(kind), "%s %.*s", g->parts[i].method,
			STR_ARG(str_sub(type_of(g->parts[i].url), 0, 100)));
		map_set(kinds, str_c(kind), kinds);
	}
	return map_count(kinds);
}

struct needs {
	struct graph *g;
	bool is_ready;
	int depth;
};

static void look_at_need(struct str name, void *ctx)
{
	struct needs *needs = ctx;

	for (size_t i = 0; i < needs->g->n; i++) {
		struct part *p = &needs->g->parts[i];
		if (!str_eq(p->ref, name))
			continue;
		needs->is_ready &= p->is_done;
		needs->depth = MAX(needs->depth, p->depth + 1);
	}
}

/* Runs nodes whose references are known, in the order given, until done. */
static size_t run_nodes(struct sb_ask *a, struct graph *g, struct sb_refs *refs)
{
	size_t n_done = 0;

	while (n_done < g->n) {
		size_t before = n_done;
		for (size_t i = 0; i < g->n; i++) {
			struct part *p = &g->parts[i];
			struct needs needs = { g, true, 1 };
			if (p->is_done)
				continue;
			sb_refs_each(p->url, look_at_need, &needs);
			sb_refs_each_json(p->body, look_at_need, &needs);
			if (!needs.is_ready)
				continue;
			p->depth = needs.depth;
			if (p->depth > DEPTH_MAX)
				sb_reply_error(&p->reply, 400, "LIMIT_EXCEEDED",
					"the graph is deeper than %d",
					DEPTH_MAX);
			else
				run_part(a, refs, p);
			p->is_done = true;
			n_done++;
			if (!is_good(p))
				return i;
		}
		if (before == n_done) { /* a circle */
			for (size_t i = 0; i < g->n; i++) {
				if (g->parts[i].is_done)
					continue;
				sb_reply_error(&g->parts[i].reply, 400,
					"INVALID_INPUT",
					"the graph has a circular dependency");
				return i;
			}
		}
	}
	return g->n;
}

static bool run_graph(struct sb_ask *a, struct graph *g, bool is_struck)
{
	AUTO(refs) struct sb_refs *refs = sb_refs_new();
	size_t mark = sb_table_mark(a->sb), guilty = g->n;

	for (size_t i = 0; i < g->n && guilty == g->n; i++) {
		if (is_node(&g->parts[i]))
			continue;
		sb_reply_error(&g->parts[i].reply, 400, "INVALID_INPUT",
			"a graph may only hold requests for single records");
		guilty = i;
	}
	if (guilty == g->n && count_kinds(g) > KINDS_MAX) {
		sb_reply_error(&g->parts[0].reply, 400, "LIMIT_EXCEEDED",
			"a graph may hold at most %d kinds of nodes",
			KINDS_MAX);
		guilty = 0;
	}
	if (guilty == g->n)
		guilty = run_nodes(a, g, refs);
	if (is_struck && guilty == g->n && g->n) {
		force_fault(a->graph_fault, g->parts, g->n);
		for (guilty = 0; guilty < g->n; guilty++)
			if (!is_good(&g->parts[guilty]))
				break;
	}
	if (guilty == g->n)
		return true;
	roll_back(a->sb, mark, g->parts, g->n, guilty);
	return false;
}

static int read_graphs(json_t *list, struct graph *graphs, struct sb_reply *r)
{
	AUTO(map) struct map *seen = map_new();
	size_t i, n_nodes = 0;
	json_t *j;

	json_array_foreach(list, i, j)
	{
		json_t *nodes = json_object_get(j, "compositeRequest");
		struct graph *g = &graphs[i];
		g->id = sb_json_text(json_object_get(j, "graphId"));
		g->n = json_array_size(nodes);
		n_nodes += g->n;
		if (!g->id.len || g->id.len >= GRAPH_ID_MAX ||
			!json_is_array(nodes) || map_set(seen, g->id, graphs)) {
			sb_reply_error(r, 400, "INVALID_INPUT",
				"graphId must be given, unique and shorter "
				"than %d characters, with a compositeRequest",
				GRAPH_ID_MAX);
			return -1;
		}
		if (n_nodes > NODES_MAX) {
			sb_reply_error(r, 400, "LIMIT_EXCEEDED",
				"The request can contain at most %d nodes",
				NODES_MAX);
			return -1;
		}
		g->parts = mem_array(g->n + 1, sizeof(*g->parts));
		if (read_parts(nodes, g->parts, g->n, r) < 0)
			return -1;
	}
	return 0;
}

void sb_graph_run(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(json) json_t *body = read_body(a, r);
	json_t *list = json_object_get(body, "graphs");
	size_t n = json_array_size(list), n_failed = 0;
	struct graph *graphs;

	if (!body)
		return;
	if (!json_is_array(list) || n == 0 || n > GRAPHS_MAX) {
		sb_reply_error(r, 400, n ? "LIMIT_EXCEEDED" : "INVALID_INPUT",
			"The request must contain 1 to %d graphs", GRAPHS_MAX);
		return;
	}
	graphs = mem_array(n, sizeof(*graphs));
	if (read_graphs(list, graphs, r) == 0) {
		r->status = 200;
		buf_c(&r->body, "{\"graphs\":[");
		for (size_t i = 0; i < n; i++) {
			struct graph *g = &graphs[i];
			bool is_struck = a->graph_fault &&
					 (a->graph_fault->is_all || i == 0);
			bool is_ok = false;
			if (n_failed > FAILED_MAX)
				for (size_t k = 0; k < g->n; k++)
					halt_part(&g->parts[k], ROLLED_BACK);
			else
				is_ok = run_graph(a, g, is_struck);
			n_failed += !is_ok;
			buf_c(&r->body, i ? ",{\"graphId\":" : "{\"graphId\":");
			sb_json_str(&r->body, g->id);
			buf_c(&r->body, ",\"graphResponse\":");
			write_parts(&r->body, g->parts, g->n);
			buf_printf(&r->body, ",\"isSuccessful\":%s}",
				is_ok ? "true" : "false");
		}
		buf_c(&r->body, "]}");
	}
	for (size_t i = 0; i < n; i++)
		free_parts(graphs[i].parts, graphs[i].n);
	free(graphs);
}

/* Batch. */

void sb_batch_run(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(json) json_t *body = read_body(a, r);
	json_t *list = json_object_get(body, "batchRequests"), *j;
	bool halt = json_is_true(json_object_get(body, "haltOnError"));
	bool has_errors = false, is_halted = false;
	AUTO(buf) struct buf out = BUF_INIT(SB_REPLY_MAX);
	size_t i;

	if (!body)
		return;
	if (!json_is_array(list) || json_array_size(list) > PARTS_MAX) {
		sb_reply_error(r, 400, "LIMIT_EXCEEDED",
			"The request must contain 1 to %d batchRequests",
			PARTS_MAX);
		return;
	}
	json_array_foreach(list, i, j)
	{
		const char *method = json_string_value(
			json_object_get(j, "method"));
		struct str url = sb_json_text(json_object_get(j, "url"));
		AUTO(reply) struct sb_reply reply;
		struct sb_ask ask;
		sb_reply_init(&reply);
		if (is_halted) {
			sb_reply_error(&reply, 412, "BATCH_PROCESSING_HALTED",
				"Batch processing has been halted.");
		} else {
			if (str_starts(url, STR("/")))
				url = str_sub(url, 1, url.len);
			if (!str_starts(url, STR("services/data/")))
				url = str_c(arena_printf(a->arena,
					"/services/data/%.*s", STR_ARG(url)));
			sb_ask_part(&ask, a, method ? method : "GET", url,
				json_object_get(j, "richInput"));
			sb_route_api(&ask, &reply);
			if (i)
				a->sb->n_api++;
		}
		has_errors |= reply.status >= 400;
		is_halted |= halt && reply.status >= 400;
		buf_printf(&out,
			"%s{\"statusCode\":%d,\"result\":", i ? "," : "",
			reply.status);
		buf_str(&out,
			reply.body.len ? buf_view(&reply.body) : STR("null"));
		buf_byte(&out, '}');
	}
	r->status = 200;
	buf_printf(&r->body, "{\"hasErrors\":%s,\"results\":[",
		has_errors ? "true" : "false");
	buf_str(&r->body, buf_view(&out));
	buf_c(&r->body, "]}");
}
