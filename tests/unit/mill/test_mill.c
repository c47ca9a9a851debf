/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_mill.c - the pipeline between a store in memory, workers that know each
 * mail by its sender, and targets that answer as they are told.
 *
 * worker_submit() is ours: the linker takes it before the library's.
 */
#include <stdlib.h>

#include <mailmill/clock.h>
#include <mailmill/list.h>
#include <mailmill/mill.h>

#include "test.h"

#define LOOK_MS 2

/* --- mails ------------------------------------------------------------------
 */

/* What a worker finds in the mail of a sender. */
struct letter {
	const char *sender, *message_id, *refers_to;
	const char *identity; /* NULL: as message_id */
	bool is_for_review, asks_much, is_forged;
	unsigned dns_rounds; /* times that it asks the DNS */
};

static const struct letter letters[] = {
	{ "first", "first@x", NULL, NULL, false },
	{ "reply", "reply@x", "first@x", NULL, false },
	{ "twin", "first@x", NULL, NULL, false },
	{ "review", "first@x", NULL, "review", true },
	{ "asker", "asker@x", .asks_much = true },
	{ "forger", "forger@x", .is_forged = true },
	{ "resolver", "resolver@x", .dns_rounds = 3 },
	{ "endless", "endless@x", .dns_rounds = 1000 },
};

static const struct letter *find_letter(struct str sender)
{
	for (size_t i = 0; i < COUNT(letters); i++)
		if (str_eq(sender, str_c(letters[i].sender)))
			return &letters[i];
	return NULL;
}

/* --- workers ----------------------------------------------------------------
 */

struct worker_pool {
	struct loop *loop;
	bool is_broken;
	unsigned n_jobs;
	unsigned n_jobs_before, n_jobs_most; /* a turn of the loop */
};

static struct plan *make_plan(struct worker_job *j, const struct letter *l)
{
	struct plan *p = ARENA_NEW(j->arena, struct plan);

	if (l && l->refers_to && j->facts->n_answers == 0) {
		struct plan_question *q = ARENA_NEW(
			j->arena, struct plan_question);
		q->kind = PLAN_THREAD;
		q->object = STR("Case");
		q->ids = ARENA_NEW(j->arena, struct str);
		q->ids[0] = str_c(l->refers_to);
		q->n_ids = 1;
		p->questions = q;
		p->n_questions = 1;
		plan_name_question(j->arena, q);
		return p;
	}
	if (l && l->asks_much && j->facts->n_answers == 0) {
		p->questions = ARENA_NEW(j->arena, struct plan_question);
		p->n_questions = 1;
		p->questions->object = STR("EmailMessage");
		plan_name_question(j->arena, p->questions);
		return p;
	}
	if (l && j->facts->n_answers < l->dns_rounds) {
		p->questions = ARENA_NEW(j->arena, struct plan_question);
		p->n_questions = 1;
		plan_ask_dns(j->arena, DNS_TXT,
			str_c(arena_printf(j->arena, "n%zu.example.org",
				j->facts->n_answers)),
			p->questions);
		return p;
	}
	if (l && l->is_for_review) {
		p->actions = ARENA_NEW(j->arena, struct plan_action);
		p->actions->kind = PLAN_KEEP;
		p->n_actions = 1;
		return p;
	}
	p->records = ARENA_NEW(j->arena, struct plan_record);
	p->n_records = 1;
	p->records->op = PLAN_CREATE;
	p->records->name = STR("c");
	p->records->object = STR("Case");
	if (l && l->is_forged) {
		p->script = STR("x\",\"records\":[],\"y\":\"");
		p->records->fields = ARENA_NEW(j->arena, struct plan_field);
		p->records->n_fields = 1;
		p->records->fields->name = STR("ParentId");
		p->records->fields->kind = PLAN_REF;
		p->records->fields->value = STR("a\",\"b\":\"");
		p->records->fields->ref_field = STR("Id\\");
	}
	/* what the target is asked to make tells whether a thread was found */
	p->records->id = j->facts->n_answers && j->facts->answers[0].n_rows
				 ? STR("found")
				 : STR("new");
	return p;
}

static void evaluate(void *ctx)
{
	struct worker_job *j = ctx;
	const struct letter *l = find_letter(j->env->sender);
	struct str who = l ? str_c(l->identity ? l->identity : l->message_id)
			   : j->env->sender;

	j->outcome = WORKER_PLAN;
	j->plan = make_plan(j, l);
	j->identity = who;
	j->message_id = l ? str_c(l->message_id) : j->env->sender;
	j->done(j);
}

static void break_down(void *ctx)
{
	struct worker_job *j = ctx;

	j->outcome = WORKER_BROKEN;
	j->reason = STR("no worker starts");
	j->done(j);
}

void worker_submit(struct worker_pool *p, struct worker_job *job)
{
	p->n_jobs++;
	loop_post(p->loop, p->is_broken ? break_down : evaluate, job);
}

/* --- targets ----------------------------------------------------------------
 */

#define APPLIED_MAX 4000

struct fake {
	struct target base;
	struct loop *loop;
	enum target_outcome outcome;
	int64_t retry_ms;
	bool is_own;
	bool is_hanging;
	struct target_job *hanging[APPLIED_MAX];
	unsigned n_hanging;
	int64_t applied[APPLIED_MAX];
	struct str what[APPLIED_MAX];
	unsigned n_applied;
};

static struct fake *fake_of(struct target *t)
{
	return CONTAINER(t, struct fake, base);
}

static void end_job(void *ctx)
{
	struct target_job *j = ctx;

	if (j->outcome == TARGET_DONE) {
		j->records = ARENA_NEW(j->arena, struct target_record);
		j->records->id = STR("500");
	} else {
		j->reason = STR("as told");
	}
	j->done(j);
}

static void apply(struct target *t, struct target_job *job)
{
	struct fake *f = fake_of(t);

	must(f->n_applied < APPLIED_MAX);
	f->what[f->n_applied] = str_eq(job->plan->records->id, STR("found"))
					? STR("found")
					: STR("new");
	f->applied[f->n_applied++] = job->delivery;
	if (f->is_hanging) {
		f->hanging[f->n_hanging++] = job;
		return;
	}
	job->outcome = f->outcome;
	job->retry_ms = f->retry_ms;
	job->is_own = f->is_own;
	loop_post(f->loop, end_job, job);
}

/* Lets those that hang end as the target says now. */
static void let_go(struct fake *f)
{
	f->is_hanging = false;
	for (unsigned i = 0; i < f->n_hanging; i++) {
		f->hanging[i]->outcome = f->outcome;
		loop_post(f->loop, end_job, f->hanging[i]);
	}
	f->n_hanging = 0;
}

static void end_ask(void *ctx)
{
	struct target_ask *ask = ctx;

	ask->done(ask);
}

/* Knows 50 rows of what mails hold: bodies of 256 KiB. */
static void answer_much(struct target *t, struct target_ask *ask)
{
	static char body[256 << 10];

	memset(body, 'x', sizeof(body));
	ask->outcome = TARGET_DONE;
	ask->answer.name = ask->question->name;
	ask->answer.n_rows = 50;
	ask->answer.rows = arena_array(
		ask->arena, 50, sizeof(*ask->answer.rows));
	for (size_t i = 0; i < 50; i++) {
		struct facts_row *row = &ask->answer.rows[i];
		row->fields = ARENA_NEW(ask->arena, struct plan_pair);
		row->fields->name = STR("HtmlBody");
		row->fields->value = str_n(body, sizeof(body));
		row->n_fields = 1;
	}
	loop_post(fake_of(t)->loop, end_ask, ask);
}

static const struct target_driver fake_driver = {
	.name = "fake",
	.ask = answer_much,
	.apply = apply,
};

/* --- a bench ----------------------------------------------------------------
 */

/* Looks each turn of the loop. */
static void count_jobs(void *ctx)
{
	struct worker_pool *p = ctx;

	p->n_jobs_most = MAX(p->n_jobs_most, p->n_jobs - p->n_jobs_before);
	p->n_jobs_before = p->n_jobs;
	if (!p->is_broken)
		loop_post(p->loop, count_jobs, p);
}

struct bench {
	struct loop *loop;
	struct store *store;
	struct mill *mill;
	struct worker_pool pool;
	struct fake a, b;
	struct loop_timer *look;
	bool (*is_over)(struct bench *b);
	int64_t until;
	unsigned n_put;
	_Atomic unsigned n_stored;
	struct mill_options o;
};

static const struct mill_options usual = {
	.in_flight = 20,
	.lease_ms = 60000,
	.retry_min_ms = 20,
	.retry_max_ms = 100,
	.away_ms = 300,
};

static void set_routes(struct bench *b, struct fake *of_a)
{
	const struct mill_route routes[] = {
		{ "a", "a.sieve", &of_a->base, false },
		{ "b", "b.sieve", &b->b.base, false },
	};

	mill_set_routes(b->mill, routes, COUNT(routes));
}

static void init_fake(struct bench *b, struct fake *f, const char *name)
{
	*f = (struct fake){ .base = { &fake_driver, name }, .loop = b->loop };
}

static void on_look(void *ctx)
{
	struct bench *b = ctx;

	if (b->is_over(b) || clock_mono_ms() >= b->until)
		loop_stop(b->loop);
	else
		loop_timer_set(b->look, LOOK_MS);
}

static struct bench *begin_bench(const struct mill_options *o)
{
	struct bench *b = NEW(struct bench);
	const struct store_options so = { .keep_bytes_ms = 86400000,
		.keep_journal_ms = 86400000 };
	struct err err = { 0 };

	must(loop_new(&b->loop, &err) == 0);
	must(store_open("memory", &so, &b->store, &err) == 0);
	b->pool.loop = b->loop;
	b->o = *o;
	b->mill = mill_new(b->loop, b->store, &b->pool, o);
	b->look = loop_timer_new(b->loop, on_look, b);
	init_fake(b, &b->a, "A");
	init_fake(b, &b->b, "B");
	set_routes(b, &b->a);
	return b;
}

/* Runs the loop until is_over() or for `ms`. Returns: whether it was over. */
static bool run_until(
	struct bench *b, bool (*is_over)(struct bench *b), int64_t ms)
{
	struct err err = { 0 };

	b->is_over = is_over;
	b->until = clock_mono_ms() + ms;
	loop_timer_set(b->look, LOOK_MS);
	must(loop_run(b->loop, &err) == 0);
	return is_over(b);
}

static bool is_never(struct bench *b UNUSED)
{
	return false;
}

static void run_for(struct bench *b, int64_t ms)
{
	run_until(b, is_never, ms);
}

static bool is_idle(struct bench *b)
{
	return mill_in_flight(b->mill) == 0;
}

static void end_bench(struct bench *b)
{
	mill_stop(b->mill);
	let_go(&b->a);
	let_go(&b->b);
	is_true(run_until(b, is_idle, 5000), "all that is in flight ends");
	mill_free(b->mill);
	store_close(b->store);
	loop_timer_free(b->look);
	loop_free(b->loop);
	free(b);
}

struct putting {
	struct store_put put;
	struct bench *bench;
	struct arena *arena;
};

static void on_put(struct store_put *put, int outcome, const struct err *err)
{
	struct putting *p = CONTAINER(put, struct putting, put);
	struct arena *a = p->arena;

	must(outcome == 0 && err->kind == ERR_NONE);
	p->bench->n_stored++;
	arena_free(a);
}

/* Adds a mail; its delivery's id is the number of mails put so far. */
static int64_t put_sized(
	struct bench *b, const char *route, const char *sender, size_t size)
{
	struct arena *a = arena_new();
	struct putting *p = ARENA_NEW(a, struct putting);
	struct envelope *env = ARENA_NEW(a, struct envelope);
	struct store_put_route *r = ARENA_NEW(a, struct store_put_route);

	env->rcpts = ARENA_NEW(a, struct envelope_rcpt);
	env->rcpts->address = STR("support@example.org");
	env->n_rcpts = 1;
	env->sender = str_c(arena_strdup(a, sender));
	env->received_at = clock_wall_ms();
	r->route = str_c(arena_strdup(a, route));
	r->rcpts = ARENA_NEW(a, struct str);
	r->rcpts[0] = env->rcpts->address;
	r->n_rcpts = 1;
	p->bench = b;
	p->arena = a;
	p->put = (struct store_put){ .id = id_new(),
		.env = env,
		.body = arena_alloc(a, size + 1),
		.size = size,
		.routes = r,
		.n_routes = 1,
		.done = on_put };
	b->n_put++;
	store_put(b->store, &p->put);
	while (b->n_stored < b->n_put)
		;
	return b->n_put;
}

static int64_t put_mail(struct bench *b, const char *route, const char *sender)
{
	return put_sized(b, route, sender, 0);
}

static void put_many(struct bench *b, const char *route, unsigned n)
{
	char sender[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(sender, sizeof(sender), "%s%u", route, b->n_put);
		put_mail(b, route, sender);
	}
}

static enum store_state state_of(struct bench *b, int64_t id, size_t *n_events)
{
	AUTO(arena) struct arena *a = arena_new();
	struct store_row row = { 0 };
	struct envelope env;
	struct store_event *events = NULL;
	struct err err = { 0 };
	size_t n = 0;

	must(store_show(b->store, a, id, &row, &env, &events, &n, &err) == 0);
	if (n_events)
		*n_events = n;
	return row.state;
}

static uint64_t count_of(struct bench *b, enum store_state state)
{
	uint64_t n[STORE_N_STATES];
	struct err err = { 0 };
	int64_t oldest;

	must(store_stats(b->store, n, &oldest, &err) == 0);
	return n[state];
}

static bool is_all_done(struct bench *b)
{
	return count_of(b, STORE_DONE) == b->n_put;
}

static bool is_b_applied(struct bench *b)
{
	return b->b.n_applied > 0;
}

static bool is_a_hanging(struct bench *b)
{
	return b->a.n_hanging > 0;
}

static bool is_sorted(const int64_t *ids, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (ids[i] <= ids[i - 1])
			return false;
	return true;
}

/* --- what must hold ---------------------------------------------------------
 */

TEST(each_mail_is_applied_once_and_done)
{
	struct bench *b = begin_bench(&usual);

	put_many(b, "a", 100);
	mill_start(b->mill);
	is_true(run_until(b, is_all_done, 5000), "all are done");
	is_int(b->a.n_applied, 100, "applied once each");
	is_true(is_sorted(b->a.applied, 100), "in order");
	end_bench(b);
}

TEST(large_mails_do_not_hold_the_loop_up_together)
{
	struct mill_options o = usual;
	struct bench *b;
	char sender[8];

	o.in_flight = 200;
	b = begin_bench(&o);

	for (unsigned i = 0; i < 12; i++) {
		snprintf(sender, sizeof(sender), "m%u", i);
		put_sized(b, "a", sender, (size_t)3 << 20);
	}
	mill_start(b->mill);
	count_jobs(&b->pool);
	is_true(run_until(b, is_all_done, 5000), "all are done");
	b->pool.is_broken = true;
	is_true(b->pool.n_jobs_most <= 2, "others have their turn between");
	is_true(is_sorted(b->a.applied, 12), "in order");
	end_bench(b);
}

TEST(a_lease_that_runs_out_here_makes_no_second_try)
{
	struct mill_options o = usual;
	struct bench *b;

	o.lease_ms = 100;
	b = begin_bench(&o);
	b->a.is_hanging = true;
	put_many(b, "a", 1);
	mill_start(b->mill);
	run_for(b, 1500);
	is_int(b->a.n_applied, 1, "the target has it once");
	let_go(&b->a);
	is_true(run_until(b, is_all_done, 3000), "done when it answers");
	is_int(b->a.n_applied, 1, "and not once more");
	end_bench(b);
}

TEST(a_target_that_hangs_leaves_room_for_others)
{
	struct bench *b = begin_bench(&usual);

	b->a.is_hanging = true;
	put_many(b, "a", 200);
	mill_start(b->mill);
	run_until(b, is_a_hanging, 1000);
	run_for(b, 50);
	put_many(b, "b", 30);
	mill_wake(b->mill);
	run_for(b, 1000);
	is_int(b->b.n_applied, 30, "the other target's mails are worked on");
	end_bench(b);
}

TEST(a_target_that_is_away_costs_others_no_time)
{
	struct mill_options o = usual;
	struct bench *b;
	size_t n_events = 0, n_all = 0;
	int64_t began;

	expect_log("target.away");
	o.away_ms = 400;
	b = begin_bench(&o);
	b->a.outcome = TARGET_HOLD;
	put_many(b, "a", 2000);
	mill_start(b->mill);
	run_for(b, 100);
	put_mail(b, "b", "b");
	mill_wake(b->mill);
	began = clock_mono_ms();
	is_true(run_until(b, is_b_applied, 2000), "the other one has its mail");
	is_true(clock_mono_ms() - began < 200, "at once");
	run_for(b, 2000);
	for (int64_t i = 1; i <= b->n_put; i++) {
		state_of(b, i, &n_events);
		n_all += n_events;
	}
	is_true(n_all <= 60, "those that were not tried have no history");
	is_true(b->a.n_applied <= 30, "few probes went out");
	b->a.outcome = TARGET_DONE;
	b->a.n_applied = 0;
	is_true(run_until(b, is_all_done, 10000), "all are done at last");
	is_int(b->a.n_applied, 2000, "each once");
	end_bench(b);
}

TEST(what_waited_for_a_target_goes_in_order)
{
	struct bench *b;

	expect_log("target.away");
	b = begin_bench(&usual);
	b->a.outcome = TARGET_HOLD;
	put_many(b, "a", 100);
	mill_start(b->mill);
	run_for(b, 1000);
	put_many(b, "a", 100);
	b->a.outcome = TARGET_DONE;
	b->a.n_applied = 0;
	is_true(run_until(b, is_all_done, 5000), "all are done");
	is_int(b->a.n_applied, 200, "each once");
	is_true(is_sorted(b->a.applied, b->a.n_applied), "oldest first");
	end_bench(b);
}

TEST(broken_workers_keep_the_order)
{
	struct mill_options o = usual;
	struct bench *b;

	expect_log("mill.evaluate");
	b = begin_bench(&o);
	b->pool.is_broken = true;
	put_many(b, "a", 100);
	mill_start(b->mill);
	run_for(b, 300);
	is_true(b->pool.n_jobs <= 20, "no storm of tries");
	end_bench(b);
}

TEST(a_plan_at_fault_itself_sends_no_target_away)
{
	struct bench *b = begin_bench(&usual);
	struct mill_stats stats;

	b->a.outcome = TARGET_RETRY;
	b->a.retry_ms = 5000;
	b->a.is_own = true;
	put_many(b, "a", 20);
	mill_start(b->mill);
	run_for(b, 300);
	mill_stats(b->mill, &stats);
	is_int(stats.n_away, 0, "the target is there for others");
	is_int(b->a.n_applied, 20, "all were tried");
	end_bench(b);
}

static bool is_one_dead(struct bench *b)
{
	return count_of(b, STORE_DEAD) == 1;
}

TEST(a_mail_that_asks_for_too_much_is_dead_and_alone_in_it)
{
	struct bench *b = begin_bench(&usual);

	expect_log("delivery.end");
	put_mail(b, "a", "asker");
	put_many(b, "a", 5);
	mill_start(b->mill);
	is_true(run_until(b, is_one_dead, 3000), "it is dead");
	run_for(b, 300);
	is_int(b->a.n_applied, 5, "the others of its route are done");
	end_bench(b);
}

/* Without a resolver, and without leave to ask one. */
TEST(what_the_dns_does_not_say_ends_no_delivery)
{
	struct bench *b = begin_bench(&usual);
	int64_t endless;

	expect_log("delivery.end");
	put_mail(b, "a", "resolver");
	mill_start(b->mill);
	is_true(run_until(b, is_all_done, 5000), "it is done");
	is_int(b->a.n_applied, 1, "with a record");
	endless = put_mail(b, "a", "endless");
	mill_wake(b->mill);
	run_for(b, 500);
	is_int(state_of(b, endless, NULL), STORE_DEAD, "but not without end");
	is_int(b->a.n_applied, 1, "and without one");
	end_bench(b);
}

TEST(no_name_in_a_plan_writes_the_journal)
{
	AUTO(arena) struct arena *a = arena_new();
	struct bench *b = begin_bench(&usual);
	int64_t id = put_mail(b, "a", "forger");
	struct store_event *events = NULL;
	struct store_row row;
	struct envelope env;
	struct err err = { 0 };
	size_t n = 0;
	json_t *journal;
	const json_t *fields;

	mill_start(b->mill);
	is_true(run_until(b, is_all_done, 3000), "done");
	must(store_show(b->store, a, id, &row, &env, &events, &n, &err) == 0);
	must(n > 0);
	journal = json_loadb(events[n - 1].journal.p, events[n - 1].journal.len,
		JSON_REJECT_DUPLICATES, NULL);
	is_c(json_string_value(json_object_get(journal, "script")),
		"x\",\"records\":[],\"y\":\"", "the script's name as it is");
	fields = json_object_get(
		json_array_get(json_object_get(journal, "records"), 0),
		"fields");
	is_c(json_string_value(json_object_get(fields, "ParentId")),
		"@{a\",\"b\":\".Id\\}", "and the reference");
	json_decref(journal);
	end_bench(b);
}

TEST(a_twin_that_is_released_waits_for_the_one_under_way)
{
	struct bench *b = begin_bench(&usual);
	struct err err = { 0 };
	int64_t first = put_mail(b, "a", "first"), second;

	is_int(store_order(b->store, first, STORE_DO_DROP, STR("me"), &err), 0,
		"dropped");
	second = put_mail(b, "a", "twin");
	b->a.is_hanging = true;
	mill_start(b->mill);
	is_true(run_until(b, is_a_hanging, 1000), "the second is under way");
	is_int(store_order(b->store, first, STORE_DO_RETRY, STR("me"), &err), 0,
		"and the first is called back");
	mill_wake(b->mill);
	run_for(b, 200);
	is_int(b->a.n_applied, 1, "one of them is worked on");
	let_go(&b->a);
	is_true(run_until(b, is_all_done, 5000), "both are done");
	is_int(b->a.n_applied, 1, "with one record");
	is_int(b->a.applied[0], second, "of the second");
	end_bench(b);
}

TEST(a_reply_to_a_held_mail_waits_without_filling_the_journal)
{
	struct bench *b = begin_bench(&usual);
	size_t n_events = 0;
	int64_t reply;

	put_mail(b, "a", "review");
	reply = put_mail(b, "a", "reply");
	mill_start(b->mill);
	run_for(b, 5000);
	is_int(state_of(b, reply, &n_events), STORE_RETRY, "it waits");
	is_int(n_events, 1, "and says so once");
	end_bench(b);
}

TEST(a_reply_waits_for_its_mail_over_a_reload)
{
	struct bench *b = begin_bench(&usual);
	struct fake *anew = NEW(struct fake);

	b->a.is_hanging = true;
	put_mail(b, "a", "first");
	mill_start(b->mill);
	is_true(run_until(b, is_a_hanging, 1000), "the first is under way");
	init_fake(b, anew, "A");
	set_routes(b, anew);
	put_mail(b, "a", "reply");
	mill_wake(b->mill);
	run_for(b, 200);
	is_int(anew->n_applied, 0, "the reply waits");
	let_go(&b->a);
	is_true(run_until(b, is_all_done, 5000), "both are done");
	is_str(anew->what[0], "found", "and it found the first one's record");
	end_bench(b);
	free(anew);
}
