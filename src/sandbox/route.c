/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route.c - from method and path to a handler. */
#include <stdio.h>

#include <mailmill/enc.h>

#include "sandbox.h"

/* Paths behind /services/data/vNN.N; * is one segment. */
static const struct route {
	const char *method;
	const char *path;
	enum sb_kind kind;
	sb_handler_fn run;
} routes[] = {
	{ "GET", "", SB_K_OTHER, sb_limits_resources },
	{ "GET", "limits", SB_K_LIMITS, sb_limits_get },
	{ "GET", "query", SB_K_QUERY, sb_query_get },
	{ "GET", "query/*", SB_K_QUERY, sb_query_more },
	{ "GET", "queryAll", SB_K_QUERY, sb_query_all },
	{ "GET", "queryAll/*", SB_K_QUERY, sb_query_more },
	{ "GET", "sobjects", SB_K_DESCRIBE, sb_describe_global },
	{ "GET", "sobjects/*", SB_K_DESCRIBE, sb_describe_basic },
	{ "POST", "sobjects/*", SB_K_RECORD, sb_rest_create },
	{ "GET", "sobjects/*/describe", SB_K_DESCRIBE, sb_describe_object },
	{ "GET", "sobjects/*/updated", SB_K_RECORD, sb_rest_updated },
	{ "GET", "sobjects/*/deleted", SB_K_RECORD, sb_rest_deleted },
	{ "POST", "sobjects/*/Id", SB_K_RECORD, sb_rest_create },
	{ "GET", "sobjects/*/*", SB_K_RECORD, sb_rest_read },
	{ "PATCH", "sobjects/*/*", SB_K_RECORD, sb_rest_update },
	{ "DELETE", "sobjects/*/*", SB_K_RECORD, sb_rest_delete },
	{ "GET", "sobjects/*/*/*", SB_K_RECORD, sb_rest_read_key },
	{ "PATCH", "sobjects/*/*/*", SB_K_RECORD, sb_rest_upsert },
	{ "DELETE", "sobjects/*/*/*", SB_K_RECORD, sb_rest_delete_key },
	{ "POST", "composite", SB_K_COMPOSITE, sb_composite_run },
	{ "POST", "composite/graph", SB_K_GRAPH, sb_graph_run },
	{ "POST", "composite/batch", SB_K_BATCH, sb_batch_run },
	{ "POST", "composite/tree/*", SB_K_TREE, sb_tree_run },
	{ "POST", "composite/sobjects", SB_K_COLLECTION,
		sb_collections_create },
	{ "PATCH", "composite/sobjects", SB_K_COLLECTION,
		sb_collections_update },
	{ "DELETE", "composite/sobjects", SB_K_COLLECTION,
		sb_collections_delete },
	{ "GET", "composite/sobjects/*", SB_K_COLLECTION, sb_collections_read },
	{ "POST", "composite/sobjects/*", SB_K_COLLECTION,
		sb_collections_read },
	{ "PATCH", "composite/sobjects/*/*", SB_K_COLLECTION,
		sb_collections_upsert },
};

const char *sb_kind_name(enum sb_kind k)
{
	static const char *const names[SB_K_COUNT] = {
		[SB_K_OTHER] = "other",
		[SB_K_TOKEN] = "token",
		[SB_K_QUERY] = "query",
		[SB_K_RECORD] = "record",
		[SB_K_COLLECTION] = "collection",
		[SB_K_COMPOSITE] = "composite",
		[SB_K_GRAPH] = "graph",
		[SB_K_BATCH] = "batch",
		[SB_K_TREE] = "tree",
		[SB_K_UPLOAD] = "upload",
		[SB_K_DOWNLOAD] = "download",
		[SB_K_DESCRIBE] = "describe",
		[SB_K_LIMITS] = "limits",
		[SB_K_ADMIN] = "admin",
		[SB_K_PAGE] = "page",
	};

	return names[k];
}

bool sb_form_param(
	struct arena *a, struct str form, const char *name, struct str *out)
{
	struct str pair;

	while (form.len && str_cut(&form, '&', &pair)) {
		AUTO(buf) struct buf b = BUF_INIT(SB_BODY_MAX);
		ssize_t equals = str_chr(pair, '=');
		struct str key = equals < 0 ? pair
					    : str_sub(pair, 0, (size_t)equals);
		if (!str_eq(key, str_c(name)))
			continue;
		if (equals >= 0)
			enc_unpercent(&b,
				str_sub(pair, (size_t)equals + 1, pair.len),
				true);
		*out = arena_str(a, buf_view(&b));
		return true;
	}
	return false;
}

bool sb_ask_param(struct sb_ask *a, const char *name, struct str *out)
{
	return sb_form_param(a->arena, a->query, name, out);
}

void sb_ask_part(struct sb_ask *part, struct sb_ask *whole, const char *method,
	struct str url, json_t *body)
{
	ssize_t mark = str_chr(url, '?');

	memset(part, 0, sizeof(*part));
	part->sb = whole->sb;
	part->arena = whole->arena;
	part->method = method;
	part->path = mark < 0 ? url : str_sub(url, 0, (size_t)mark);
	part->query = mark < 0 ? STR_NULL
			       : str_sub(url, (size_t)mark + 1, url.len);
	part->body = body;
	part->authorization = whole->authorization;
	part->depth = MAX(whole->depth, 0) + 1;
}

static bool is_api(struct str path)
{
	return str_starts(path, STR("/services/data"));
}

/* Splits what stands behind the version. Returns: 0 or -1: no such path. */
static int split_path(struct sb_ask *a)
{
	struct str rest = str_sub(a->path, 14, a->path.len), piece;
	uint64_t version;

	a->n_seg = 0;
	a->version = 0;
	str_cut(&rest, '/', &piece); /* before the first slash: empty */
	if (piece.len)
		return -1;
	while (str_ends(rest, STR("/")))
		rest.len--;
	if (!rest.len)
		return 0;
	str_cut(&rest, '/', &piece);
	if (piece.len < 4 || piece.p[0] != 'v' || !str_ends(piece, STR(".0")) ||
		str_to_u64(str_sub(piece, 1, piece.len - 3), 999, &version) < 0)
		return -1;
	a->version = (int)version;
	while (rest.len && str_cut(&rest, '/', &piece)) {
		AUTO(buf) struct buf b = BUF_INIT(SB_URI_MAX);
		if (a->n_seg >= SB_SEGMENTS_MAX)
			return -1;
		enc_unpercent(&b, piece, false);
		a->seg[a->n_seg++] = arena_str(a->arena, buf_view(&b));
	}
	return 0;
}

static bool does_match(const struct route *route, const struct sb_ask *a)
{
	struct str rest = str_c(route->path), piece;
	int n = 0;

	while (rest.len && str_cut(&rest, '/', &piece)) {
		if (n >= a->n_seg)
			return false;
		if (!str_eq(piece, STR("*")) && !str_eq_case(piece, a->seg[n]))
			return false;
		n++;
	}
	return n == a->n_seg;
}

/* POST with _HttpMethod=PATCH is a PATCH, for clients that cannot. */
static const char *method_of(struct sb_ask *a)
{
	struct str as;

	if (!strcmp(a->method, "POST") && a->query.len &&
		sb_ask_param(a, "_HttpMethod", &as))
		return arena_strdup(a->arena, arena_str(a->arena, as).p);
	return a->method;
}

static const struct route *find_route(
	struct sb_ask *a, struct buf *allowed, bool *is_known)
{
	const char *method = method_of(a);

	*is_known = false;
	for (size_t i = 0; i < COUNT(routes); i++) {
		if (!does_match(&routes[i], a))
			continue;
		if (!strcmp(routes[i].method, method) ||
			(!strcmp(method, "HEAD") &&
				!strcmp(routes[i].method, "GET")))
			return &routes[i];
		*is_known = true;
		buf_printf(allowed, "%s%s", allowed->len ? "," : "",
			routes[i].method);
	}
	return NULL;
}

enum sb_kind sb_route_kind(const struct sb_ask *asked)
{
	struct sb_ask a = *asked;
	AUTO(buf) struct buf allowed = BUF_INIT(1000);
	const struct route *route;
	bool is_known;

	if (str_starts(a.path, STR("/sandbox/")))
		return SB_K_ADMIN;
	if (str_starts(a.path, STR("/services/oauth2/token")))
		return SB_K_TOKEN;
	if (!is_api(a.path))
		return str_starts(a.path, STR("/services/")) ||
				       str_starts(a.path, STR("/id/"))
			       ? SB_K_OTHER
			       : SB_K_PAGE;
	if (split_path(&a) < 0)
		return SB_K_OTHER;
	route = find_route(&a, &allowed, &is_known);
	if (!route)
		return SB_K_OTHER;
	if (route->run == sb_rest_create &&
		(str_eq_case(a.seg[1], STR("ContentVersion")) ||
			str_eq_case(a.seg[1], STR("Attachment"))))
		return SB_K_UPLOAD;
	if (route->run == sb_rest_read_key &&
		(str_eq_case(a.seg[3], STR("VersionData")) ||
			str_eq_case(a.seg[3], STR("Body"))))
		return SB_K_DOWNLOAD;
	return route->kind;
}

static void fail_version(struct sb_ask *a, struct sb_reply *r)
{
	if (a->version >= 20 && a->version < SB_VERSION_MIN)
		sb_reply_error(r, 410, "UNSUPPORTED_API_VERSION",
			"API version %d.0 is retired", a->version);
	else
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
}

void sb_route_api(struct sb_ask *a, struct sb_reply *r)
{
	AUTO(buf) struct buf allowed = BUF_INIT(1000);
	const struct route *route;
	bool is_known;

	if (!is_api(a->path) || split_path(a) < 0) {
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
		return;
	}
	if (a->version == 0) {
		sb_limits_versions(a, r);
		return;
	}
	if (a->version < SB_VERSION_MIN || a->version > SB_VERSION_MAX) {
		fail_version(a, r);
		return;
	}
	if (a->depth == 0 && !sb_oauth_is_ok(a->sb, a->authorization)) {
		sb_reply_error(r, 401, "INVALID_SESSION_ID",
			"Session expired or invalid");
		return;
	}
	if (a->depth == 0 && ++a->sb->n_api > a->sb->api_limit) {
		sb_reply_error(r, 403, "REQUEST_LIMIT_EXCEEDED",
			"TotalRequests Limit exceeded.");
		return;
	}
	route = find_route(a, &allowed, &is_known);
	if (!route && is_known)
		sb_reply_error(r, 405, "METHOD_NOT_ALLOWED",
			"HTTP Method '%s' not allowed. Allowed are %s",
			a->method, allowed.p);
	else if (!route)
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
	else if (a->depth > 0 &&
		 (route->kind == SB_K_COMPOSITE || route->kind == SB_K_GRAPH ||
			 route->kind == SB_K_BATCH || route->kind == SB_K_TREE))
		sb_reply_error(r, 400, "INVALID_INPUT",
			"this resource is not allowed in a subrequest");
	else
		route->run(a, r);
}

void sb_route(struct sb_ask *a, struct sb_reply *r)
{
	if (is_api(a->path))
		sb_route_api(a, r);
	else if (str_starts(a->path, STR("/services/oauth2/")) ||
		 str_starts(a->path, STR("/id/")))
		sb_oauth_route(a, r);
	else if (str_starts(a->path, STR("/sandbox/")))
		sb_admin_route(a, r);
	else
		sb_pages_route(a, r);
	sb_table_commit(a->sb);
}
