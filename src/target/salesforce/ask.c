/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask.c - questions on their way: gathered in groups, answered from a query or
 * the cache.
 *
 * Questions that can share a query (query.c) gather in a group. What was found,
 * or not, is remembered for seconds, and forgotten at once when we change such
 * an object ourselves. A query whose rows do not all fit is asked again in
 * halves, down to a single question, for which ROWS_MAX rows will do.
 */
#include "client.h"

#include <string.h>

#include <mailmill/enc.h>
#include <mailmill/log.h>

#define ASKS_MAX 250 /* of one query */
#define ASKS_FULL                                                              \
	100 /* enough: more would hold up what the mill has in flight */
#define URL_MAX                                                                \
	11000 /* of the query, percent-encoded; the token needs room           \
	       */
#define ROWS_QUERY 2000
#define ROWS_MAX 50 /* of one question */
#define FOUND_MAX 10000
#define GROUPS_MAX 200

struct sf_ask {
	struct list link;
	struct target_ask *ask;
};

struct sf_group {
	struct sf_gather gather;
	bool is_shareable;
	size_t n_bytes; /* an estimate of the URL's length */
};

struct sf_found {
	struct arena *arena;
	struct str object;
	struct facts_row *rows;
	size_t n_rows;
	int64_t until;
};

/* Questions of one group in one query. */
struct sf_query {
	struct sf *sf;
	struct list asks;
	size_t n, limit;
	bool is_shareable;
};

/* ---- ends ------------------------------------------------------------- */

static void end_ask(struct sf *sf, struct sf_ask *a)
{
	list_del(&a->link);
	sf_give_ask(sf, a->ask);
	free(a);
}

static void fail_ask(struct sf *sf, struct sf_ask *a,
	enum target_outcome outcome, int64_t retry_ms, struct str reason)
{
	a->ask->outcome = outcome;
	a->ask->retry_ms = retry_ms;
	a->ask->reason = arena_str(a->ask->arena, reason);
	end_ask(sf, a);
}

/* A wrong name in a rule concerns its own mails only, as sf_job_park() says. */
static void park_ask(struct sf *sf, struct sf_ask *a, struct str reason)
{
	log_event(LOG_ERROR, "target.schema", "target=%s: %.*s", sf->base.name,
		STR_ARG(reason));
	sf_describe_doubt(sf, a->ask->question->object);
	a->ask->is_own = true;
	fail_ask(sf, a, TARGET_RETRY, sf_error_retry_ms(SF_OPERATOR, ""),
		reason);
}

static void refuse_ask(struct sf *sf, struct sf_ask *a, const struct err *err)
{
	if (err->kind == ERR_CONF)
		park_ask(sf, a, str_c(err->text));
	else
		fail_ask(sf, a, TARGET_REFUSED, 0, str_c(err->text));
}

static void answer(
	struct sf *sf, struct sf_ask *a, const struct facts_row *rows, size_t n)
{
	struct target_ask *ask = a->ask;
	struct facts_row *copy = arena_array(
		ask->arena, MAX(n, 1), sizeof(*copy));

	for (size_t i = 0; i < n; i++) {
		copy[i].n_fields = rows[i].n_fields;
		copy[i].fields = arena_array(
			ask->arena, rows[i].n_fields, sizeof(*copy[i].fields));
		for (size_t k = 0; k < rows[i].n_fields; k++)
			copy[i].fields[k] = (struct plan_pair){
				arena_str(ask->arena, rows[i].fields[k].name),
				arena_str(ask->arena, rows[i].fields[k].value)
			};
	}
	ask->outcome = TARGET_DONE;
	ask->answer = (struct facts_answer){
		.name = ask->question->name, .rows = copy, .n_rows = n
	};
	end_ask(sf, a);
}

/* ---- cache ------------------------------------------------------------ */

static void free_found(struct sf_found *f)
{
	if (f)
		arena_free(f->arena);
}

/* Forgets what is about an object (empty: all), or too old. */
static void forget(struct sf *sf, struct str object)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(sf->found, &at, &key, &value)) {
		struct sf_found *f = value;

		if (object.len > 0 && !str_eq_case(f->object, object) &&
			f->until > sf->now)
			continue;
		map_del(sf->found, key);
		free_found(f);
	}
}

void sf_asks_forget(struct sf *sf, struct str object)
{
	if (map_count(sf->found) > 0)
		forget(sf, object);
}

static void remember(struct sf *sf, const struct plan_question *q,
	const struct facts_row *rows, size_t n, struct arena *arena)
{
	struct sf_found *f = ARENA_NEW(arena, struct sf_found);

	f->arena = arena;
	f->object = arena_str(arena, q->object);
	f->rows = arena_array(arena, MAX(n, 1), sizeof(*f->rows));
	for (size_t i = 0; i < n; i++)
		f->rows[i] = rows[i];
	f->n_rows = n;
	f->until = sf->now + sf->conf.find_cache_ms;
	if (map_count(sf->found) >= FOUND_MAX)
		forget(sf, STR_NULL);
	free_found(map_set(sf->found, q->name, f));
}

static bool answer_from_cache(struct sf *sf, struct sf_ask *a)
{
	const struct plan_question *q = a->ask->question;
	const struct sf_found *f = q->name.len > 0 ? map_get(sf->found, q->name)
						   : NULL;

	if (!f || f->until <= sf->now)
		return false;
	answer(sf, a, f->rows, f->n_rows);
	return true;
}

/* ---- beginning -------------------------------------------------------- */

static bool asks_for_nothing(const struct plan_question *q)
{
	for (size_t i = 0; i < q->n_where; i++)
		if (str_trim(q->where[i].value).len == 0)
			return true;
	return false;
}

static size_t count_bytes(const struct plan_question *q)
{
	size_t n = 10;

	for (size_t i = 0; i < q->n_where; i++) {
		struct str v = q->where[i].value;

		n += 30 + (q->n_where > 1 ? q->where[i].name.len : 0);
		for (size_t k = 0; k < v.len; k++)
			n += (v.p[k] >= 'a' && v.p[k] <= 'z') ||
					     (v.p[k] >= '0' && v.p[k] <= '9')
				     ? 1
				     : 3;
	}
	return n;
}

static void put_in_group(
	struct sf *sf, struct sf_ask *a, struct str key, bool is_shareable)
{
	struct sf_group *g = map_get(sf->groups, key);

	if (!g) {
		g = NEW(struct sf_group);
		list_init(&g->gather.items);
		g->is_shareable = is_shareable;
		map_set(sf->groups, key, g);
	}
	g->n_bytes += count_bytes(a->ask->question);
	sf_gather_add(sf, &g->gather, &a->link);
}

static void go(struct sf *sf, struct sf_ask *a)
{
	const struct plan_question *q = a->ask->question;
	AUTO(buf) struct buf key = BUF_INIT(65536);
	const struct sf_failure *fail = NULL;
	const struct sf_object *o;
	struct err err = { 0 };
	bool is_shareable;

	switch (sf_describe_want(sf, q->object, &fail)) {
	case SF_WAIT:
		list_del(&a->link);
		list_add(&sf->asks_wait, &a->link);
		return;
	case SF_FAILED:
		fail_ask(sf, a, sf_error_outcome(fail->class), fail->retry_ms,
			fail->reason);
		return;
	case SF_READY:
		break;
	}
	o = sf_describe_get(sf, q->object);
	if (!o) {
		err_set(&err, ERR_CONF,
			"find: Salesforce shows no object %.*s to the "
			"integration's user",
			STR_ARG(str_sub(q->object, 0, 80)));
		refuse_ask(sf, a, &err);
		return;
	}
	if (asks_for_nothing(q)) {
		answer(sf, a, NULL, 0);
		return;
	}
	if (sf_query_group(&key, o, q, &err)) {
		refuse_ask(sf, a, &err);
		return;
	}
	if (answer_from_cache(sf, a))
		return;
	is_shareable = sf_query_is_shareable(o, q);
	if (!is_shareable)
		buf_printf(&key, "\n%.*s", STR_ARG(q->name));
	put_in_group(sf, a, buf_view(&key), is_shareable);
}

void sf_ask_start(struct sf *sf, struct target_ask *ask)
{
	struct sf_ask *a = NEW(struct sf_ask);

	a->ask = ask;
	list_init(&a->link);
	go(sf, a);
}

/* ---- queries ---------------------------------------------------------- */

static void send_query(struct sf_query *s);

static void halve(struct sf_query *s)
{
	struct sf_query *other = NEW(struct sf_query);
	size_t n = s->n / 2;

	*other = (struct sf_query){ .sf = s->sf,
		.is_shareable = s->is_shareable };
	list_init(&other->asks);
	for (size_t i = 0; i < n; i++) {
		struct sf_ask *a = LIST_FIRST(&s->asks, struct sf_ask, link);

		list_del(&a->link);
		list_add(&other->asks, &a->link);
	}
	other->n = n;
	s->n -= n;
	send_query(other);
	send_query(s);
}

static void answer_one(struct sf_query *s, const struct sf_object *o,
	struct sf_ask *a, const json_t *rows)
{
	const struct plan_question *q = a->ask->question;
	struct arena *arena = arena_new();
	struct facts_row *got = arena_array(arena, ROWS_MAX, sizeof(*got));
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(rows, i, row)
	{
		if (n == ROWS_MAX)
			break;
		if (!s->is_shareable || sf_query_matches(o, q, row))
			sf_query_read_row(arena, q, row, &got[n++]);
	}
	if (s->sf->conf.find_cache_ms > 0 && q->name.len > 0) {
		remember(s->sf, q, got, n, arena);
		answer(s->sf, a, got, n);
	} else {
		answer(s->sf, a, got, n);
		arena_free(arena);
	}
}

/* Tells whether this one query is at fault and not all that goes out. */
static bool is_of_query(const struct sf_failure *fail)
{
	static const char *const codes[] = { "INVALID_FIELD", "INVALID_TYPE",
		"INVALID_QUERY_FILTER_OPERATOR", "MALFORMED_QUERY" };

	for (size_t i = 0; i < COUNT(codes); i++)
		if (strcmp(fail->code, codes[i]) == 0)
			return true;
	/* without a code, who knows who answered */
	return fail->class == SF_NEVER && fail->code[0];
}

static void fail_all(struct sf_query *s, const struct sf_failure *fail)
{
	/* how a query is made is ours or the schema's fault, not the mail's */
	enum sf_class class = fail->class == SF_NEVER ? SF_OPERATOR
						      : fail->class;
	struct sf_ask *a;

	while ((a = LIST_FIRST(&s->asks, struct sf_ask, link))) {
		if (is_of_query(fail)) {
			park_ask(s->sf, a, fail->reason);
			continue;
		}
		if (fail->class == SF_OPERATOR && fail->code[0])
			sf_describe_doubt(s->sf, a->ask->question->object);
		fail_ask(s->sf, a, sf_error_outcome(class), fail->retry_ms,
			fail->reason);
	}
}

static void on_query(struct sf_call *c)
{
	struct sf_query *s = c->ctx;
	const json_t *rows = json_object_get(c->json, "records");
	struct sf_ask *a = LIST_FIRST(&s->asks, struct sf_ask, link);
	const struct sf_object *o = sf_describe_get(
		s->sf, a->ask->question->object);
	struct sf_failure odd = { .class = SF_AGAIN,
		.retry_ms = 1000,
		.code = "",
		.reason = STR("find: not such an answer") };
	bool is_whole;

	s->sf->n_query_calls--;
	if (!c->is_good || !o || !json_is_array(rows)) {
		fail_all(s, c->is_good ? &odd : &c->fail);
		free(s);
		return;
	}
	is_whole = json_is_true(json_object_get(c->json, "done")) &&
		   json_array_size(rows) < s->limit;
	if (!is_whole && s->n > 1) {
		halve(s);
		return;
	}
	while ((a = LIST_FIRST(&s->asks, struct sf_ask, link)))
		answer_one(s, o, a, rows);
	free(s);
}

static void write_path(
	const struct sf_query *s, const struct sf_object *o, struct buf *path)
{
	AUTO(buf) struct buf soql = BUF_INIT((size_t)1 << 20);
	const struct plan_question *qs[ASKS_MAX];
	struct list *it;
	size_t n = 0;

	list_each (it, &s->asks)
		qs[n++] = CONTAINER(it, struct sf_ask, link)->ask->question;
	sf_query_write(&soql, o, qs, n, s->limit);
	buf_printf(path, "/services/data/%s/query?q=", s->sf->conf.api_version);
	enc_percent(path, buf_view(&soql));
}

static void send_query(struct sf_query *s)
{
	AUTO(buf) struct buf path = BUF_INIT((size_t)4 << 20);
	const struct sf_ask *a = LIST_FIRST(&s->asks, struct sf_ask, link);
	const struct sf_object *o = sf_describe_get(
		s->sf, a->ask->question->object);
	struct sf_failure gone = { .class = SF_AGAIN,
		.retry_ms = 1000,
		.code = "",
		.reason = STR("find: the object has gone") };

	if (!o) {
		fail_all(s, &gone);
		free(s);
		return;
	}
	s->limit = s->n > 1 ? ROWS_QUERY : ROWS_MAX;
	write_path(s, o, &path);
	must(!buf_is_over(&path));
	s->sf->n_query_calls++;
	sf_call_send(sf_call_new(s->sf, "GET", path.p, on_query, s));
}

static void send_group(struct sf *sf, struct sf_group *g)
{
	struct sf_query *s = NEW(struct sf_query);
	size_t n_bytes = 0;
	struct sf_ask *a;

	s->sf = sf;
	s->is_shareable = g->is_shareable;
	list_init(&s->asks);
	while (s->n < ASKS_MAX &&
		(a = LIST_FIRST(&g->gather.items, struct sf_ask, link))) {
		size_t more = count_bytes(a->ask->question);

		if (s->n > 0 && n_bytes + more > URL_MAX)
			break;
		n_bytes += more;
		list_del(&a->link);
		list_add(&s->asks, &a->link);
		s->n++;
	}
	g->n_bytes -= MIN(n_bytes, g->n_bytes);
	sf_gather_took(sf, &g->gather, s->n);
	send_query(s);
}

static size_t full_of(const struct sf_group *g)
{
	/* more bytes than a URL holds: what there is, is enough */
	return g->n_bytes > URL_MAX ? 1 : ASKS_FULL;
}

void sf_asks_tick(struct sf *sf)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(sf->groups, &at, &key, &value)) {
		struct sf_group *g = value;

		while (sf_gather_is_due(
			sf, &g->gather, full_of(g), sf->n_query_calls))
			send_group(sf, g);
		if (g->gather.n == 0 && (map_count(sf->groups) > GROUPS_MAX ||
						!g->is_shareable)) {
			map_del(sf->groups, key);
			free(g);
		}
	}
}

void sf_asks_end(struct sf *sf, int64_t retry_ms, struct str reason)
{
	size_t at = 0;
	struct str key;
	struct sf_ask *a;
	void *value;

	while ((a = LIST_FIRST(&sf->asks_wait, struct sf_ask, link)))
		fail_ask(sf, a, TARGET_RETRY, retry_ms, reason);
	while (map_next(sf->groups, &at, &key, &value)) {
		struct sf_group *g = value;

		while ((a = LIST_FIRST(&g->gather.items, struct sf_ask, link)))
			fail_ask(sf, a, TARGET_RETRY, retry_ms, reason);
		map_del(sf->groups, key);
		free(g);
	}
}

void sf_asks_go_on(struct sf *sf)
{
	struct list waiting;
	struct sf_ask *a;

	list_init(&waiting);
	list_move_all(&waiting, &sf->asks_wait);
	while ((a = LIST_FIRST(&waiting, struct sf_ask, link))) {
		list_del(&a->link);
		go(sf, a);
	}
}

bool sf_asks_are_waiting(const struct sf *sf)
{
	size_t at = 0;
	void *value;

	while (map_next(sf->groups, &at, NULL, &value))
		if (((struct sf_group *)value)->gather.n > 0)
			return true;
	return false;
}

void sf_asks_fini(struct sf *sf)
{
	if (sf->found)
		forget(sf, STR_NULL);
	map_free(TAKE(sf->found));
	map_free(TAKE(sf->groups));
}
