/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job.c - a plan on its way to being records.
 *
 *   start -> schema known -> [look] -> ready -> in a call -> files -> end
 *                              ^                    |
 *                              '--- it may be there '
 *
 * sf_job_go() looks at what is known and does what comes next; each part calls
 * it again when it has something new. Invariants:
 * - What may have been sent before is looked for before it is sent (again):
 *   `must_look` is set by former attempts, by a lost answer, by a refusal that
 *   says it is there. A piece of a plan is one graph, so one record found by
 *   its key means that all are there.
 * - A job is in one list at most (`link`), or in one call.
 * - What was rolled back by another's fault is sent again without a look: the
 *   answer said that it is not there.
 */
#include "client.h"

#include <mailmill/id.h>
#include <mailmill/log.h>

#define TRIES_MAX 4 /* within one attempt of the mill's */
#define HALTED_MAX 6
#define ALONE_AFTER 2
#define DELAY_MAX_MS 10000 /* a longer wait is the mill's */
#define PARK_MS 300000
#define DROPS_MAX 8

struct sf_batch {
	struct list jobs;
	size_t n, n_nodes;
	struct buf body;
};

/* ---- beginning and ending --------------------------------------------- */

void sf_job_start(struct sf *sf, struct target_job *job)
{
	struct sf_job *j = NEW(struct sf_job);
	size_t n = job->plan->n_records;

	j->sf = sf;
	j->job = job;
	list_init(&j->link);
	snprintf(j->id, sizeof(j->id), "m%u", ++sf->n_jobs);
	j->records = arena_array(job->arena, MAX(n, 1), sizeof(*j->records));
	j->notes.arena = job->arena;
	j->must_look = job->attempts > 0;
	j->may_have_files = j->must_look;
	buf_init(&j->text, SF_GRAPH_MAX);
	j->graph = (struct sf_graph){ .conf = &sf->conf,
		.object = sf_describe_get,
		.ctx = sf,
		.plan = job->plan,
		.records = j->records,
		.to = sf_graph_piece(job->plan, 0),
		.notes = &j->notes };
	sf_job_go(j);
}

static void write_answer(struct sf_job *j)
{
	const struct plan *plan = j->job->plan;
	AUTO(buf) struct buf out = BUF_INIT((size_t)4 << 20);

	buf_c(&out, "{\"records\":[");
	for (size_t i = 0; i < plan->n_records; i++) {
		buf_c(&out, i > 0 ? ",{\"name\":" : "{\"name\":");
		sf_json_str(&out, plan->records[i].name);
		buf_c(&out, ",\"object\":");
		sf_json_str(&out, plan->records[i].object);
		buf_c(&out, ",\"id\":");
		sf_json_str(&out, j->records[i].id);
		buf_byte(&out, '}');
	}
	buf_byte(&out, ']');
	for (size_t i = 0; i < j->notes.n_notes; i++) {
		buf_c(&out, i > 0 ? "," : ",\"notes\":[");
		sf_json_str(&out, j->notes.notes[i]);
	}
	if (j->notes.n_notes > 0)
		buf_byte(&out, ']');
	if (j->job->reason.len > 0) {
		buf_c(&out, ",\"error\":");
		sf_json_str(&out, j->job->reason);
	}
	buf_byte(&out, '}');
	if (!buf_is_over(&out))
		j->job->answer = arena_str(j->job->arena, buf_view(&out));
}

static void write_records(struct sf_job *j)
{
	struct target_job *job = j->job;
	size_t n = job->plan->n_records;

	job->records = arena_array(
		job->arena, MAX(n, 1), sizeof(*job->records));
	for (size_t i = 0; i < n; i++)
		job->records[i] = (struct target_record){
			.id = j->records[i].id,
			.is_new = j->records[i].is_new,
		};
	for (size_t i = 0; i < j->n_files; i++)
		if (j->files[i].is_done)
			job->records[j->files[i].record].n_files++;
}

void sf_job_end(struct sf_job *j, enum target_outcome outcome, int64_t retry_ms,
	struct str reason)
{
	struct target_job *job = j->job;

	job->outcome = outcome;
	job->retry_ms = retry_ms;
	job->reason = arena_str(job->arena, reason);
	if (outcome == TARGET_DONE)
		write_records(j);
	write_answer(j);
	list_del(&j->link);
	buf_fini(&j->text);
	sf_give_job(j->sf, job);
	free(j);
}

void sf_job_delay(struct sf_job *j, int64_t ms)
{
	j->due_at = j->sf->now + ms;
	list_del(&j->link);
	list_add(&j->sf->delayed, &j->link);
	sf_count(j->sf, true);
}

void sf_job_park(struct sf_job *j, struct str reason)
{
	log_event(LOG_ERROR, "target.schema", "target=%s delivery=%lld: %.*s",
		j->sf->base.name, (long long)j->job->delivery, STR_ARG(reason));
	for (size_t i = 0; i < j->job->plan->n_records; i++)
		sf_describe_doubt(j->sf, j->job->plan->records[i].object);
	j->job->is_own = true;
	sf_job_end(j, TARGET_RETRY, PARK_MS, reason);
}

/* One record that others hold, for long perhaps: an approval locks it too. */
static bool is_locked(const struct sf_failure *fail)
{
	struct str code = str_c(fail->code);

	return str_eq(code, STR("UNABLE_TO_LOCK_ROW")) ||
	       str_eq(code, STR("ENTITY_IS_LOCKED"));
}

void sf_job_failed(struct sf_job *j, const struct sf_failure *fail)
{
	bool is_soon = fail->class == SF_AGAIN || fail->class == SF_HALTED;

	if (fail->is_unclear) {
		j->must_look = j->may_have_files = true;
		j->was_looked = j->files_looked = false;
	}
	/* retry_ms 0 is what was not sent: the mill shall know that */
	if (is_soon && fail->retry_ms > 0 && fail->retry_ms <= DELAY_MAX_MS &&
		++j->n_tries < TRIES_MAX && !j->sf->is_closing) {
		sf_job_delay(j, fail->retry_ms);
		return;
	}
	j->job->is_own = is_locked(fail);
	sf_job_end(
		j, sf_error_outcome(fail->class), fail->retry_ms, fail->reason);
}

/* ---- what comes next -------------------------------------------------- */

/* Returns: false when it must wait, or has ended. */
static bool want_schema(struct sf_job *j)
{
	const struct plan *plan = j->job->plan;
	const struct sf_failure *fail = NULL;
	bool must_wait = false;
	size_t n_files = 0;

	for (size_t i = 0; i <= plan->n_records; i++) {
		struct str name = STR("ContentVersion");

		if (i < plan->n_records) {
			n_files += plan->records[i].n_files;
			name = plan->records[i].object;
		} else if (n_files == 0 && j->notes.n_files == 0) {
			break;
		}
		switch (sf_describe_want(j->sf, name, &fail)) {
		case SF_READY:
			break;
		case SF_WAIT:
			must_wait = true;
			break;
		case SF_FAILED:
			sf_job_failed(j, fail);
			return false;
		}
	}
	if (must_wait) {
		list_del(&j->link);
		list_add(&j->sf->wait_schema, &j->link);
	}
	return !must_wait;
}

static bool has_key(const struct sf_job *j)
{
	for (size_t i = j->graph.from; i < j->graph.to; i++)
		if (sf_graph_key(&j->graph, i).len > 0)
			return true;
	return false;
}

/* Returns: false when the job has ended. */
static bool write_text(struct sf_job *j)
{
	struct err err = { 0 };
	struct str reason;

	/* it may be written again, and is then noted again */
	j->notes.n_notes = j->n_notes_before;
	j->notes.n_files = j->n_files_before;
	buf_clear(&j->text);
	j->graph.drops = j->drops;
	j->graph.n_drops = j->n_drops;
	for (size_t i = j->graph.from; i < j->graph.to; i++)
		if (j->job->plan->records[i].op == PLAN_CREATE)
			sf_describe_warn(
				j->sf, j->job->plan->records[i].object);
	if (!sf_graph_write(&j->text, j->id, &j->graph, &err))
		return true;
	reason = str_c(err.text);
	if (err.kind == ERR_CONF)
		sf_job_park(j, reason);
	else
		sf_job_end(j, TARGET_REFUSED, 0, reason);
	return false;
}

static void next_piece(struct sf_job *j)
{
	j->graph.from = j->graph.to;
	j->graph.to = sf_graph_piece(j->job->plan, j->graph.from);
	j->was_looked = false;
	j->n_halted = 0;
	j->is_alone = false;
	j->n_notes_before = j->notes.n_notes;
	j->n_files_before = j->notes.n_files;
}

void sf_job_go(struct sf_job *j)
{
	if (!want_schema(j))
		return;
	while (j->graph.from < j->graph.to) {
		if (j->must_look && !j->was_looked && has_key(j)) {
			list_del(&j->link);
			sf_gather_add(j->sf, &j->sf->looking, &j->link);
			return;
		}
		if (!write_text(j))
			return;
		if (j->graph.n_nodes > 0) {
			list_del(&j->link);
			sf_gather_add(j->sf, &j->sf->ready, &j->link);
			return;
		}
		next_piece(j);
	}
	/* a text too long may have brought the first file */
	if (j->notes.n_files > 0 && !want_schema(j))
		return;
	sf_files_go(j);
}

/* ---- answers ---------------------------------------------------------- */

static struct str describe_fault(
	struct sf_job *j, const struct sf_failure *fail, size_t record)
{
	const struct plan_record *r = &j->job->plan->records[record];

	return str_c(arena_printf(j->job->arena,
		"%.*s \"%.*s\" (rule line %u): %.*s", STR_ARG(r->object),
		STR_ARG(r->name), r->line, STR_ARG(fail->reason)));
}

static void forget_found(struct sf_job *j)
{
	for (size_t i = j->graph.from; i < j->graph.to; i++)
		sf_asks_forget(j->sf, j->job->plan->records[i].object);
}

static void was_halted(struct sf_job *j, const struct sf_failure *fail)
{
	if (++j->n_halted >= HALTED_MAX) {
		sf_job_end(j, TARGET_RETRY, sf_error_retry_ms(SF_AGAIN, ""),
			fail->reason);
		return;
	}
	j->is_alone = j->n_halted >= ALONE_AFTER;
	list_del(&j->link);
	sf_gather_add(j->sf, &j->sf->ready, &j->link);
}

/* Salesforce's idea of an address is its own: send the rest without it. */
static bool drop_field(
	struct sf_job *j, const struct sf_failure *fail, size_t record)
{
	if (!str_eq(str_c(fail->code), STR("INVALID_EMAIL_ADDRESS")) ||
		fail->field.len == 0 || j->n_drops >= DROPS_MAX)
		return false;
	for (size_t i = 0; i < j->n_drops; i++)
		if (j->drops[i].record == record &&
			str_eq_case(j->drops[i].field, fail->field))
			return false;
	j->drops = arena_grow(j->job->arena, j->drops, j->n_drops,
		j->n_drops + 1, sizeof(*j->drops));
	j->drops[j->n_drops++] = (struct sf_drop){ record, fail->field };
	sf_job_go(j);
	return true;
}

/* "It is there", or a repeat that may not change what is there: look. */
static void suspect(struct sf_job *j, const struct sf_failure *fail)
{
	bool is_ours = str_find_case(
			       fail->reason, str_c(j->sf->conf.key_field)) >= 0;
	bool is_field = str_eq(
		str_c(fail->code), STR("INVALID_FIELD_FOR_INSERT_UPDATE"));

	if (!j->was_looked && has_key(j)) {
		j->must_look = j->may_have_files = true;
		sf_job_go(j);
	} else if (is_field) {
		sf_job_park(j, fail->reason);
	} else if (is_ours) {
		sf_job_end(j, TARGET_RETRY, sf_error_retry_ms(SF_AGAIN, ""),
			fail->reason);
	} else {
		sf_job_end(j, TARGET_REFUSED, 0, fail->reason);
	}
}

static void read_graph(struct sf_job *j, const json_t *graph)
{
	struct sf_failure fail;
	size_t record;

	if (sf_result_read(j->job->arena, graph, &j->graph, &fail, &record)) {
		forget_found(j);
		next_piece(j);
		sf_job_go(j);
		return;
	}
	if (fail.class == SF_HALTED) {
		was_halted(j, &fail);
		return;
	}
	if (drop_field(j, &fail, record))
		return;
	fail.reason = describe_fault(j, &fail, record);
	if (fail.class == SF_SPLIT) /* of a node: a value of a wrong shape */
		fail.class = SF_NEVER;
	if (fail.class == SF_LOOK)
		suspect(j, &fail);
	else if (fail.class == SF_OPERATOR)
		sf_job_park(j, fail.reason);
	else
		sf_job_failed(j, &fail);
}

/* The call as a whole failed: no one record is known to be at fault. */
static void fail_batch(struct sf_batch *b, struct sf_failure *fail)
{
	bool is_split = b->n > 1 &&
			(fail->class == SF_SPLIT || fail->class == SF_NEVER);
	struct sf_job *j;

	if (fail->class == SF_NEVER || fail->class == SF_LOOK)
		fail->class = SF_OPERATOR;
	if (fail->class == SF_SPLIT && !is_split)
		fail->class = SF_NEVER;
	while ((j = LIST_FIRST(&b->jobs, struct sf_job, link))) {
		list_del(&j->link);
		if (!is_split) {
			sf_job_failed(j, fail);
			continue;
		}
		j->is_alone = true;
		sf_gather_add(j->sf, &j->sf->ready, &j->link);
	}
}

static void on_batch(struct sf_call *c)
{
	struct sf_batch *b = c->ctx;
	struct sf_job *j;

	c->sf->n_graph_calls--;
	if (!c->is_good)
		fail_batch(b, &c->fail);
	while ((j = LIST_FIRST(&b->jobs, struct sf_job, link))) {
		const json_t *graph = sf_result_find(c->json, j->id);
		struct sf_failure lost = { .class = SF_AGAIN,
			.is_unclear = true,
			.retry_ms = 1000,
			.code = "",
			.reason = STR("the answer leaves this graph out") };

		list_del(&j->link);
		if (graph)
			read_graph(j, graph);
		else
			sf_job_failed(j, &lost);
	}
	buf_fini(&b->body);
	free(b);
}

/* ---- calls ------------------------------------------------------------ */

static bool fits(const struct sf_batch *b, const struct sf_job *j)
{
	if (b->n == 0)
		return true;
	return !j->is_alone && b->n < SF_GRAPHS_MAX &&
	       b->n_nodes + j->graph.n_nodes <= SF_NODES_MAX &&
	       b->body.len + j->text.len < SF_CALL_MAX;
}

static void fill(struct sf *sf, struct sf_batch *b)
{
	struct list *it, *next;
	bool is_closed = false;

	buf_c(&b->body, "{\"graphs\":[");
	list_each_safe (it, next, &sf->ready.items) {
		struct sf_job *j = CONTAINER(it, struct sf_job, link);

		if (is_closed || !fits(b, j))
			continue;
		is_closed = j->is_alone;
		if (b->n > 0)
			buf_byte(&b->body, ',');
		buf_str(&b->body, buf_view(&j->text));
		b->n++;
		b->n_nodes += j->graph.n_nodes;
		list_del(&j->link);
		list_add(&b->jobs, &j->link);
		if (b->n == SF_GRAPHS_MAX)
			break;
	}
	buf_c(&b->body, "]}");
	sf_gather_took(sf, &sf->ready, b->n);
}

static void send_batch(struct sf *sf)
{
	struct sf_batch *b = NEW(struct sf_batch);
	char *path = mem_printf(
		"/services/data/%s/composite/graph", sf->conf.api_version);
	struct sf_call *c = sf_call_new(sf, "POST", path, on_batch, b);

	list_init(&b->jobs);
	buf_init(&b->body, SF_CALL_MAX + SF_GRAPH_MAX);
	fill(sf, b);
	must(!buf_is_over(&b->body));
	sf_call_header(c, "Content-Type: application/json; charset=UTF-8");
	sf_call_header(
		c, "Sforce-Call-Options: client=mailmill/" MAILMILL_VERSION);
	sf_call_header(c, sf->conf.auto_assign ? "Sforce-Auto-Assign: TRUE"
					       : "Sforce-Auto-Assign: FALSE");
	sf_call_header(c, "Sforce-Duplicate-Rule-Header: allowSave=true");
	c->http.body = buf_view(&b->body);
	c->http.is_gzip = sf->conf.is_gzip;
	c->http.is_once = true;
	sf->n_graph_calls++;
	free(path);
	sf_call_send(c);
}

/* The number of jobs at which a call is full. */
static size_t count_full(const struct sf *sf)
{
	size_t n = 0, n_nodes = 0, len = 0;
	struct list *it;

	list_each (it, &sf->ready.items) {
		const struct sf_job *j = CONTAINER(it, struct sf_job, link);

		n_nodes += j->graph.n_nodes;
		len += j->text.len;
		if (j->is_alone || n_nodes > SF_NODES_MAX || len > SF_CALL_MAX)
			return n > 0 ? n : 1;
		if (++n == SF_GRAPHS_MAX)
			break;
	}
	return SF_GRAPHS_MAX;
}

static void run_delayed(struct sf *sf)
{
	struct list due, *it, *next;
	struct sf_job *j;

	list_init(&due);
	list_each_safe (it, next, &sf->delayed) {
		j = CONTAINER(it, struct sf_job, link);
		if (j->due_at > sf->now) {
			sf_wake_at(sf, j->due_at);
			continue;
		}
		list_del(it);
		list_add(&due, it);
	}
	while ((j = LIST_FIRST(&due, struct sf_job, link))) {
		list_del(&j->link);
		sf_job_go(j);
	}
}

void sf_jobs_tick(struct sf *sf)
{
	run_delayed(sf);
	sf_look_start(sf);
	while (sf_gather_is_due(
		sf, &sf->ready, count_full(sf), sf->n_graph_calls))
		send_batch(sf);
	sf_files_tick(sf);
}

bool sf_jobs_are_waiting(const struct sf *sf)
{
	return sf->ready.n > 0 || sf->looking.n > 0 ||
	       !list_is_empty(&sf->uploads);
}

void sf_jobs_end(struct sf *sf, int64_t retry_ms, struct str reason)
{
	struct list *lists[] = { &sf->wait_schema, &sf->delayed,
		&sf->looking.items, &sf->ready.items, &sf->uploads };
	struct sf_job *j;

	for (size_t i = 0; i < COUNT(lists); i++)
		while ((j = LIST_FIRST(lists[i], struct sf_job, link)))
			sf_job_end(j, TARGET_RETRY, retry_ms, reason);
	sf->looking.n = sf->ready.n = 0;
}
