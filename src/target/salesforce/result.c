/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result.c - the answer of a call with many graphs, taken apart for each plan.
 */
#include "salesforce.h"

const json_t *sf_result_find(const json_t *answer, const char *id)
{
	const json_t *graphs = json_object_get(answer, "graphs"), *graph;
	size_t i;

	json_array_foreach(graphs, i, graph)
	{
		struct str got = str_c(
			json_string_value(json_object_get(graph, "graphId")));

		if (str_eq(got, str_c(id)))
			return graph;
	}
	return NULL;
}

static const json_t *find_node(const json_t *nodes, const char *name)
{
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		struct str got = str_c(json_string_value(
			json_object_get(node, "referenceId")));

		if (str_eq(got, str_c(name)))
			return node;
	}
	return NULL;
}

static int status_of(const json_t *node)
{
	return (int)json_integer_value(json_object_get(node, "httpStatusCode"));
}

/* Deleting what is gone is as good as deleting it. */
static bool is_gone(const struct plan_record *r, const json_t *body)
{
	const char *code = json_string_value(
		json_object_get(json_array_get(body, 0), "errorCode"));

	return r->op == PLAN_DELETE && code &&
	       str_eq(str_c(code), STR("ENTITY_IS_DELETED"));
}

static bool read_node(struct arena *a, const json_t *node,
	const struct plan_record *r, struct sf_record *out,
	struct sf_failure *fail)
{
	const json_t *body = json_object_get(node, "body");
	int status = status_of(node);
	struct str id = str_c(json_string_value(json_object_get(body, "id")));
	bool is_made = r->op == PLAN_CREATE || r->op == PLAN_UPSERT;

	if (status < 200 || status >= 300) {
		if (is_gone(r, body))
			return true;
		sf_error_read(a, body, status, fail);
		return false;
	}
	if (is_made && !sf_is_id(id)) {
		*fail = (struct sf_failure){ .class = SF_AGAIN,
			.is_unclear = true,
			.code = "",
			.reason = STR("the answer names no id") };
		return false;
	}
	out->id = is_made ? arena_str(a, id) : r->id;
	out->is_known = true;
	out->is_new = r->op == PLAN_CREATE ||
		      (r->op == PLAN_UPSERT && status == 201);
	return true;
}

/* One node's own fault counts more than its neighbours' rollback. */
static bool is_better(const struct sf_failure *a, const struct sf_failure *b)
{
	return !b->code || (b->class == SF_HALTED && a->class != SF_HALTED);
}

bool sf_result_read(struct arena *a, const json_t *answer,
	const struct sf_graph *g, struct sf_failure *fail, size_t *record)
{
	const json_t *nodes = json_object_get(
		json_object_get(answer, "graphResponse"), "compositeResponse");
	AUTO(free) struct sf_record *got = mem_array(
		g->to - g->from, sizeof(*got));
	bool is_good = json_is_true(json_object_get(answer, "isSuccessful"));

	*fail = (struct sf_failure){ .class = SF_AGAIN, .is_unclear = true };
	*record = g->from;
	for (size_t i = g->from; i < g->to; i++) {
		const json_t *node = find_node(nodes, sf_graph_name(a, g, i));
		struct sf_failure one = { .class = SF_AGAIN,
			.is_unclear = true,
			.code = "",
			.reason = STR("the answer leaves a record out") };

		got[i - g->from] = g->records[i];
		if (g->records[i].is_known)
			continue;
		if (node && read_node(a, node, &g->plan->records[i],
				    &got[i - g->from], &one))
			continue;
		if (is_better(&one, fail)) {
			*fail = one;
			*record = i;
		}
	}
	if (!is_good && !fail->code) {
		fail->code = "";
		fail->reason = STR("the graph failed without a reason");
	}
	if (!is_good || fail->code)
		return false;
	for (size_t i = g->from; i < g->to; i++)
		g->records[i] = got[i - g->from];
	return true;
}
