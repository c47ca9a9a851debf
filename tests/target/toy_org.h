/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * toy_org.h - the server of test_salesforce.c: it fails on order.
 *
 * It knows what these tests send. What Salesforce itself would say is the
 * sandbox's business.
 */
#ifndef MAILMILL_TEST_TOY_ORG_H
#define MAILMILL_TEST_TOY_ORG_H

#include <jansson.h>

#include <mailmill/enc.h>
#include <mailmill/hash.h>
#include <mailmill/map.h>

#include "../../src/target/salesforce/salesforce.h"
#include "salesforce_schema.h"
#include "stub.h"
#include "test.h"

enum what {
	AS_IT_SHOULD,
	RESET_AFTER,  /* done, then the connection breaks */
	RESET_BEFORE, /* breaks with nothing done */
	HTML,	      /* done, and a page instead of an answer */
	TRUNCATE,     /* done, and half an answer */
	SILENT,	      /* done, and no answer */
	EXPIRED,      /* 401 */
	BUSY,	      /* 503 with Retry-After */
	LIMIT,	      /* 403 REQUEST_LIMIT_EXCEEDED */
	LOCKED,	      /* the first graph meets a locked row */
	MANY_FAIL,    /* 15 graphs fail, the rest are halted */
	BAD_ADDRESS,  /* Salesforce dislikes an address that we like */
	FORBIDDEN,    /* 403 by some proxy */
	NO_COLUMN,    /* a field has gone since it was described */
};

struct org {
	struct map *records; /* "Object/key" or "Object/#N" to id */
	unsigned n_made, n_graph_calls, n_queries, n_logins, n_uploads, n_lost;
	unsigned n_describes, n_cases, n_messages, n_files, n_most_graphs;
	enum what graph, query, upload, login;
	unsigned n_faults; /* how often it fails */
	unsigned n_spared; /* uploads that go well before */
	bool message_is_upsert, version_has_key;
	char last_file[65];
	uint64_t last_size;
	struct buf last_soql;
	int usage;
};

static void error_reply(
	struct stub_reply *r, int status, const char *code, const char *message)
{
	r->status = status;
	buf_clear(&r->body);
	buf_printf(&r->body, "[{\"errorCode\":\"%s\",\"message\":\"%s\"}]",
		code, message);
}

static void describe(struct org *org, struct str path, struct stub_reply *r)
{
	org->n_describes++;
	if (str_find(path, STR("/Case/")) >= 0)
		buf_c(&r->body, schema_case);
	else if (str_find(path, STR("/EmailMessage/")) >= 0)
		buf_c(&r->body, schema_message);
	else if (str_find(path, STR("/Contact/")) >= 0)
		buf_c(&r->body, schema_contact);
	else if (str_find(path, STR("/ContentVersion/")) >= 0)
		buf_c(&r->body, schema_version);
	else
		error_reply(r, 404, "NOT_FOUND", "no such resource");
}

static char *make_id(struct org *org, const char *prefix)
{
	return mem_printf("%s%012uAAA", prefix, ++org->n_made);
}

/* Does one node; gives the id. A key that is there gives its id again. */
static const char *make_record(
	struct org *org, const json_t *node, bool *is_new)
{
	struct str url = str_c(json_string_value(json_object_get(node, "url")));
	const json_t *body = json_object_get(node, "body");
	const char *key = json_string_value(
		json_object_get(body, "Mailmill_Key__c"));
	bool is_case = str_find(url, STR("/Case")) >= 0;
	ssize_t at = str_find(url, STR("/Mailmill_Key__c/"));
	AUTO(buf) struct buf name = BUF_INIT(1024);
	char *id;

	buf_c(&name, is_case ? "Case/" : "EmailMessage/");
	if (at >= 0)
		buf_str(&name, str_sub(url, (size_t)at + 17, SIZE_MAX));
	else if (key)
		buf_c(&name, key);
	else
		buf_printf(&name, "#%u", org->n_made);
	*is_new = !map_get(org->records, buf_view(&name)) || at < 0;
	if (!*is_new)
		return map_get(org->records, buf_view(&name));
	if (is_case)
		org->n_cases++;
	else
		org->n_messages++;
	id = make_id(org, is_case ? "500" : "02s");
	free(map_set(org->records, buf_view(&name), id));
	return id;
}

static void fail_graph(struct buf *out, const json_t *graph, const char *code)
{
	const json_t *node, *nodes = json_object_get(graph, "compositeRequest");
	size_t i;

	buf_printf(out,
		"{\"graphId\":\"%s\",\"isSuccessful\":false,\"graphResponse\":{"
		"\"compositeResponse\":[",
		json_string_value(json_object_get(graph, "graphId")));
	json_array_foreach(nodes, i, node) buf_printf(out,
		"%s{\"referenceId\":\"%s\",\"httpStatusCode\":400,\"body\":[{"
		"\"errorCode\":\"%s\",\"message\":\"m\",\"fields\":["
		"\"SuppliedEmail\"]}]}",
		i > 0 ? "," : "",
		json_string_value(json_object_get(node, "referenceId")),
		i == 0 ? code : "PROCESSING_HALTED");
	buf_c(out, "]}}");
}

static void do_graph(struct org *org, struct buf *out, const json_t *graph)
{
	const json_t *node, *nodes = json_object_get(graph, "compositeRequest");
	size_t i;

	buf_printf(out,
		"{\"graphId\":\"%s\",\"isSuccessful\":true,\"graphResponse\":{"
		"\"compositeResponse\":[",
		json_string_value(json_object_get(graph, "graphId")));
	json_array_foreach(nodes, i, node)
	{
		bool is_new;
		const char *id = make_record(org, node, &is_new);

		buf_printf(out,
			"%s{\"referenceId\":\"%s\",\"httpStatusCode\":%d,"
			"\"body\":{\"id\":\"%s\",\"success\":true}}",
			i > 0 ? "," : "",
			json_string_value(json_object_get(node, "referenceId")),
			is_new ? 201 : 200, id);
	}
	buf_c(out, "]}}");
}

static void do_graphs(
	struct org *org, struct str body, enum what fault, struct buf *out)
{
	json_t *json = json_loadb(body.p, body.len, 0, NULL);
	const json_t *graph, *graphs = json_object_get(json, "graphs");
	size_t i;

	must(json);
	org->n_most_graphs = MAX(
		org->n_most_graphs, (unsigned)json_array_size(graphs));
	buf_c(out, "{\"graphs\":[");
	json_array_foreach(graphs, i, graph)
	{
		const json_t *first = json_object_get(
			json_array_get(
				json_object_get(graph, "compositeRequest"), 0),
			"body");

		if (i > 0)
			buf_byte(out, ',');
		if (fault == LOCKED && i == 0)
			fail_graph(out, graph, "UNABLE_TO_LOCK_ROW");
		else if (fault == MANY_FAIL)
			fail_graph(out, graph,
				i < 15 ? "REQUIRED_FIELD_MISSING"
				       : "PROCESSING_HALTED");
		else if (fault == BAD_ADDRESS &&
			 json_object_get(first, "SuppliedEmail"))
			fail_graph(out, graph, "INVALID_EMAIL_ADDRESS");
		else
			do_graph(org, out, graph);
	}
	buf_c(out, "]}");
	json_decref(json);
}

static void answer_query(struct org *org, struct str path, struct buf *out)
{
	ssize_t at = str_find(path, STR("q="));
	AUTO(buf) struct buf soql = BUF_INIT(1 << 20);
	struct str key, object;
	unsigned org_files = org->n_files;
	size_t i = 0;
	bool is_first = true;
	void *id;

	enc_unpercent(&soql, str_sub(path, (size_t)at + 2, SIZE_MAX), false);
	buf_clear(&org->last_soql);
	buf_str(&org->last_soql, buf_view(&soql));
	buf_c(out, "{\"done\":true,\"records\":[");
	if (str_find(buf_view(&soql), STR("FROM Contact")) >= 0)
		buf_c(out, "{\"Id\":\"003000000000001AAA\",\"Email\":"
			   "\"Ann@Example.org\",\"AccountId\":"
			   "\"001000000000001AAA\"}");
	while (map_next(org->records, &i, &key, &id)) {
		AUTO(buf) struct buf quoted = BUF_INIT(1024);

		str_cut(&key, '/', &object);
		buf_printf(&quoted, "'%.*s'", STR_ARG(key));
		if (str_find(buf_view(&soql), buf_view(&quoted)) < 0 ||
			str_find(buf_view(&soql), object) < 0)
			continue;
		buf_printf(out,
			"%s{\"Id\":\"%s\",\"Mailmill_Key__c\":\"%.*s\"}",
			is_first ? "" : ",", (char *)id, STR_ARG(key));
		is_first = false;
	}
	if (str_find(buf_view(&soql), STR("ContentDocumentLink")) < 0)
		org_files = 0;
	for (unsigned k = 0; k < org_files; k++)
		buf_printf(out,
			"%s{\"LinkedEntityId\":\"500000000000001AAA\","
			"\"ContentDocument\":{\"Title\":\"a.bin\","
			"\"ContentSize\":%llu}}",
			k ? "," : "", (unsigned long long)org->last_size);
	buf_c(out, "]}");
}

static void take_file(
	struct org *org, const struct stub_request *req, struct stub_reply *r)
{
	struct str body = req->body, boundary = STR_NULL;
	ssize_t at = str_find(body, STR("VersionData"));
	unsigned char digest[HASH_LEN];
	char *id;

	must(at > 0);
	str_cut_line(&body, &boundary);
	body = req->body;
	at += str_find(str_sub(body, (size_t)at, SIZE_MAX), STR("\r\n\r\n")) +
	      4;
	body = str_sub(body, (size_t)at, SIZE_MAX);
	at = str_find(body, boundary);
	must(at >= 2);
	body.len = (size_t)at - 2;
	hash_bytes(body, digest);
	hash_hex(digest, org->last_file);
	org->last_size = body.len;
	org->n_files++;
	id = make_id(org, "068");
	r->status = 201;
	buf_printf(&r->body, "{\"id\":\"%s\",\"success\":true}", id);
	free(id);
}

static enum what next_fault(struct org *org, enum what fault)
{
	if (fault == AS_IT_SHOULD || org->n_faults == 0)
		return AS_IT_SHOULD;
	org->n_faults--;
	return fault;
}

/* Returns: false when the call is not to be done. */
static bool fail_before(enum what fault, struct stub_reply *r)
{
	if (fault == RESET_BEFORE)
		r->action = STUB_RESET;
	else if (fault == EXPIRED)
		error_reply(r, 401, "INVALID_SESSION_ID",
			"Session expired or invalid");
	else if (fault == BUSY)
		error_reply(r, 503, "SERVER_UNAVAILABLE", "later");
	else if (fault == LIMIT)
		error_reply(r, 403, "REQUEST_LIMIT_EXCEEDED",
			"TotalRequests Limit exceeded.");
	else if (fault == NO_COLUMN)
		error_reply(r, 400, "INVALID_FIELD",
			"No such column 'AccountId' on entity 'Contact'.");
	else if (fault == FORBIDDEN) {
		r->status = 403;
		buf_c(&r->body, "<html>");
	} else
		return true;
	if (fault == BUSY)
		buf_c(&r->headers, "Retry-After: 1\r\n");
	return false;
}

static void fail_after(enum what fault, struct stub_reply *r)
{
	if (fault == RESET_AFTER)
		r->action = STUB_RESET;
	if (fault == SILENT)
		r->action = STUB_SILENCE;
	if (fault == TRUNCATE) {
		r->action = STUB_TRUNCATE;
		r->body.len /= 2;
	}
	if (fault == HTML) {
		buf_clear(&r->body);
		buf_c(&r->body, "<html><body>Maintenance</body></html>");
	}
}

static void serve(
	struct stub *s, const struct stub_request *req, struct stub_reply *r)
{
	struct org *org = s->ctx;
	enum what fault = AS_IT_SHOULD;

	buf_printf(&r->headers, "Sforce-Limit-Info: api-usage=%d/1000\r\n",
		org->usage);
	if (str_starts(req->path, STR("/services/oauth2/token"))) {
		org->n_logins++;
		if (next_fault(org, org->login) != AS_IT_SHOULD) {
			r->status = 400;
			buf_c(&r->body, "{\"error\":\"invalid_grant\"}");
			return;
		}
		buf_printf(&r->body,
			"{\"access_token\":\"00D!%u\",\"instance_url\":"
			"\"http://127.0.0.1:%d\"}",
			org->n_logins, s->port);
		return;
	}
	must(str_starts(
		stub_header(req->head, "Authorization"), STR("Bearer 00D!")));
	if (str_ends(req->path, STR("/describe"))) {
		describe(org, req->path, r);
	} else if (str_ends(req->path, STR("/composite/graph"))) {
		org->n_graph_calls++;
		fault = next_fault(org, org->graph);
		if (fail_before(fault, r))
			do_graphs(org, req->body, fault, &r->body);
	} else if (str_find(req->path, STR("/query?")) > 0) {
		org->n_queries++;
		fault = next_fault(org, org->query);
		if (fail_before(fault, r))
			answer_query(org, req->path, &r->body);
	} else if (str_ends(req->path, STR("/ContentVersion"))) {
		org->n_uploads++;
		fault = org->n_uploads > org->n_spared
				? next_fault(org, org->upload)
				: AS_IT_SHOULD;
		if (fail_before(fault, r))
			take_file(org, req, r);
	} else {
		must(!"a path that this server knows");
	}
	fail_after(fault, r);
}

#endif
