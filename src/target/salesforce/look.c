/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * look.c - are they there already? The keys of many plans in one query.
 *
 * One query an object, and as many keys as its URL holds. When all are
 * answered, each job that has one key found has all its records: the others'
 * ids are what their own keys found, or stay unknown.
 */
#include "client.h"

#include <mailmill/enc.h>
#include <mailmill/log.h>

#define JOBS_MAX 85
#define KEYS_MAX 165 /* of one query: below 11 KB as a URL */

struct look {
	struct sf *sf;
	struct list jobs;
	struct arena *arena;
	struct map *ids; /* by object and key */
	size_t n_open;
	struct sf_failure fail;
	bool has_failed;
};

/* The keys of one object that fit into a query. */
struct look_part {
	struct look *look;
	struct str object;
	struct str keys[KEYS_MAX];
	size_t n;
};

static struct str name_of(struct arena *a, struct str object, struct str key)
{
	return str_c(
		arena_printf(a, "%.*s/%.*s", STR_ARG(object), STR_ARG(key)));
}

static void take_rows(struct look_part *p, const json_t *answer)
{
	struct look *l = p->look;
	const json_t *row, *rows = json_object_get(answer, "records");
	size_t i;

	json_array_foreach(rows, i, row)
	{
		struct str id = str_c(
			json_string_value(json_object_get(row, "Id")));
		struct str key = str_c(json_string_value(
			json_object_get(row, l->sf->conf.key_field)));
		struct str *found;

		if (!sf_is_id(id) || key.len == 0)
			continue;
		found = ARENA_NEW(l->arena, struct str);
		*found = arena_str(l->arena, id);
		map_set(l->ids, name_of(l->arena, p->object, key), found);
	}
}

static const struct str *find_id(
	struct look *l, const struct sf_job *j, size_t record)
{
	struct str key = sf_graph_key(&j->graph, record);
	const struct sf_object *o = sf_describe_get(
		l->sf, j->job->plan->records[record].object);

	if (key.len == 0 || !o)
		return NULL;
	return map_get(l->ids, name_of(l->arena, o->name, key));
}

/* Returns: true when the piece is there. */
static bool take_ids(struct look *l, struct sf_job *j)
{
	bool is_there = false;

	for (size_t i = j->graph.from; i < j->graph.to; i++)
		is_there = is_there || find_id(l, j, i);
	for (size_t i = j->graph.from; is_there && i < j->graph.to; i++) {
		const struct plan_record *r = &j->job->plan->records[i];
		const struct str *id = find_id(l, j, i);

		j->records[i].is_known = true;
		j->records[i].is_new = r->op == PLAN_CREATE;
		j->records[i].id = id ? arena_str(j->job->arena, *id) : r->id;
	}
	return is_there;
}

/* When all queries are answered, and once more for who started them. */
static void count_down(struct look *l)
{
	struct sf_job *j;

	if (--l->n_open > 0)
		return;
	while ((j = LIST_FIRST(&l->jobs, struct sf_job, link))) {
		list_del(&j->link);
		if (l->has_failed) {
			sf_job_failed(j, &l->fail);
			continue;
		}
		j->was_looked = true;
		if (take_ids(l, j))
			log_event(LOG_INFO, "target.found",
				"target=%s delivery=%lld note=\"made by an "
				"earlier try\"",
				l->sf->base.name, (long long)j->job->delivery);
		sf_job_go(j);
	}
	map_free(l->ids);
	arena_free(l->arena);
	free(l);
}

static void on_answer(struct sf_call *c)
{
	struct look_part *p = c->ctx;
	struct look *l = p->look;

	c->sf->n_look_calls--;
	if (c->is_good) {
		take_rows(p, c->json);
	} else if (!l->has_failed) {
		l->has_failed = true;
		l->fail = c->fail;
		l->fail.code = "";
		l->fail.field = STR_NULL;
		l->fail.reason = str_c(arena_printf(l->arena,
			"looking for records of an earlier try: %.*s",
			STR_ARG(c->fail.reason)));
		/* a question changes nothing: only its own jobs' past counts */
		l->fail.is_unclear = false;
		if (l->fail.class == SF_NEVER)
			l->fail.class = SF_OPERATOR;
	}
	free(p);
	count_down(l);
}

static void send_part(struct look_part *p)
{
	struct sf *sf = p->look->sf;
	AUTO(buf) struct buf soql = BUF_INIT(65536);
	AUTO(buf) struct buf path = BUF_INIT(65536);

	buf_printf(&soql, "SELECT Id, %s FROM %.*s WHERE %s IN (",
		sf->conf.key_field, STR_ARG(p->object), sf->conf.key_field);
	for (size_t i = 0; i < p->n; i++) {
		if (i > 0)
			buf_byte(&soql, ',');
		sf_soql_text(&soql, p->keys[i]);
	}
	buf_byte(&soql, ')');
	buf_printf(&path, "/services/data/%s/query?q=", sf->conf.api_version);
	enc_percent(&path, buf_view(&soql));
	must(!buf_is_over(&path));
	p->look->n_open++;
	sf->n_look_calls++;
	sf_call_send(sf_call_new(sf, "GET", path.p, on_answer, p));
}

static void add_key(
	struct look *l, struct map *parts, struct str object, struct str key)
{
	struct look_part *p = map_get(parts, object);

	if (p && p->n == KEYS_MAX) {
		map_del(parts, object);
		send_part(p);
		p = NULL;
	}
	if (!p) {
		p = NEW(struct look_part);
		p->look = l;
		p->object = arena_str(l->arena, object);
		map_set(parts, object, p);
	}
	p->keys[p->n++] = key;
}

static void look_for(struct look *l)
{
	AUTO(map) struct map *parts = map_new();
	struct list *it;
	size_t at = 0;
	void *part;

	list_each (it, &l->jobs) {
		const struct sf_job *j = CONTAINER(it, struct sf_job, link);

		for (size_t i = j->graph.from; i < j->graph.to; i++) {
			struct str key = sf_graph_key(&j->graph, i);
			const struct sf_object *o = sf_describe_get(
				l->sf, j->job->plan->records[i].object);

			if (key.len > 0)
				add_key(l, parts, o->name, key);
		}
	}
	while (map_next(parts, &at, NULL, &part))
		send_part(part);
}

void sf_look_start(struct sf *sf)
{
	while (sf_gather_is_due(sf, &sf->looking, JOBS_MAX, sf->n_look_calls)) {
		struct look *l = NEW(struct look);
		struct sf_job *j;
		size_t n = 0;

		l->sf = sf;
		l->arena = arena_new();
		l->ids = map_new();
		list_init(&l->jobs);
		l->n_open = 1; /* our own, so that it can't end before all */
		while (n < JOBS_MAX && (j = LIST_FIRST(&sf->looking.items,
						struct sf_job, link))) {
			list_del(&j->link);
			list_add(&l->jobs, &j->link);
			n++;
		}
		sf_gather_took(sf, &sf->looking, n);
		look_for(l);
		count_down(l);
	}
}
