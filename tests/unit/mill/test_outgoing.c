/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_outgoing.c - what actions, marks and outgoing mail become, between a
 * store in memory, workers whose plan is known by the sender's name, a target
 * and a relay that answer as they are told.
 *
 * worker_submit() is ours: the linker takes it before the library's.
 */
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/mill.h>

#include "test.h"

#define LOOK_MS 2
#define JOBS_MAX 100

/* --- workers ----------------------------------------------------------------
 */

struct worker_pool {
	struct loop *loop;
	const struct plan *plan; /* of all mails, or NULL: see make_plan() */
};

static struct plan_action *add_action(
	struct arena *a, struct plan *p, enum plan_action_kind kind)
{
	struct plan_action *all = arena_grow(
		a, p->actions, p->n_actions, p->n_actions + 1, sizeof(*all));

	p->actions = all;
	all[p->n_actions].kind = kind;
	return &all[p->n_actions++];
}

static void add_record(struct arena *a, struct plan *p)
{
	p->records = ARENA_NEW(a, struct plan_record);
	p->records->name = STR("c");
	p->records->object = STR("Case");
	p->n_records = 1;
}

/* A mail with a mark makes a record unless the mark was seen. */
static void plan_duplicate(struct worker_job *j, struct plan *p)
{
	struct arena *a = j->arena;

	if (j->facts->n_answers == 0) {
		p->questions = ARENA_NEW(a, struct plan_question);
		p->questions->kind = PLAN_SEEN;
		p->questions->object = STR("key");
		p->n_questions = 1;
		plan_name_question(a, p->questions);
	} else if (j->facts->answers[0].n_rows) {
		add_action(a, p, PLAN_DISCARD);
	} else {
		add_record(a, p);
		p->marks = ARENA_NEW(a, struct plan_mark);
		p->marks->key = STR("key");
		p->marks->seconds = 1000;
		p->n_marks = 1;
	}
}

static struct plan *make_plan(struct worker_job *j)
{
	struct plan *p = ARENA_NEW(j->arena, struct plan);

	if (str_starts(j->env->sender, STR("dup")))
		plan_duplicate(j, p);
	else
		add_record(j->arena, p);
	return p;
}

static void evaluate(void *ctx)
{
	struct worker_job *j = ctx;
	static unsigned n;

	j->outcome = WORKER_PLAN;
	j->plan = make_plan(j);
	j->identity = str_c(arena_printf(j->arena, "mail %u", n++));
	j->message_id = j->identity;
	j->done(j);
}

static void evaluate_told(void *ctx)
{
	struct worker_job *j = ctx;

	j->outcome = WORKER_PLAN;
	j->identity = j->env->sender.len ? j->env->sender : STR("null");
	j->message_id = j->identity;
	j->done(j);
}

void worker_submit(struct worker_pool *p, struct worker_job *job)
{
	job->plan = (struct plan *)(uintptr_t)p->plan;
	loop_post(p->loop, p->plan ? evaluate_told : evaluate, job);
}

/* --- a target and a relay ---------------------------------------------------
 */

struct fake_target {
	struct target base;
	struct loop *loop;
	enum target_outcome outcome;
	unsigned n_applied;
};

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
	struct fake_target *f = CONTAINER(t, struct fake_target, base);

	f->n_applied++;
	job->outcome = f->outcome;
	job->is_own = true;
	loop_post(f->loop, end_job, job);
}

static void ask(struct target *t UNUSED, struct target_ask *a UNUSED)
{
	must(!"nobody asks");
}

static const struct target_driver fake_target_driver = {
	.name = "fake", .ask = ask, .apply = apply
};

struct fake_relay {
	struct relay base;
	struct loop *loop;
	enum relay_outcome outcome;
	int code;
	unsigned n_sent;
	char head[1000], to[100], sender[100];
};

static void end_sending(void *ctx)
{
	struct relay_job *job = ctx;

	job->done(job);
}

static void send_mail(struct relay *r, struct relay_job *job)
{
	struct fake_relay *f = CONTAINER(r, struct fake_relay, base);

	f->n_sent++;
	snprintf(f->head, sizeof(f->head), "%.*s", STR_ARG(job->head));
	snprintf(f->to, sizeof(f->to), "%.*s", STR_ARG(job->rcpts[0].address));
	snprintf(f->sender, sizeof(f->sender), "%.*s", STR_ARG(job->sender));
	job->outcome = f->outcome;
	if (f->outcome != RELAY_ANSWERED)
		err_set(&job->err, ERR_TEMP, "the relay is away");
	for (size_t i = 0; i < job->n_rcpts; i++) {
		job->rcpts[i].code = f->code;
		job->rcpts[i].text = str_c(
			arena_printf(job->arena, "%d as told", f->code));
	}
	loop_post(f->loop, end_sending, job);
}

static const struct relay_driver fake_relay_driver = { send_mail, NULL };

/* --- a bench ----------------------------------------------------------------
 */

struct bench {
	struct loop *loop;
	struct store *store;
	struct mill *mill;
	struct worker_pool pool;
	struct fake_target target;
	struct fake_relay relay;
	struct loop_timer *look;
	bool (*is_over)(struct bench *b);
	int64_t until;
	_Atomic unsigned n_stored;
	unsigned n_put;
	struct arena *arena;
};

#define ALL_KINDS (~0u)

static void set_route_of(struct bench *b, unsigned may, bool has_relay,
	enum route_unmatched unmatched)
{
	const struct mill_route route = { .name = "a",
		.script = "a.sieve",
		.target = &b->target.base,
		.may = may,
		.unmatched = unmatched,
		.relay = has_relay ? &b->relay.base : NULL };

	mill_set_routes(b->mill, &route, 1);
}

static void set_route(struct bench *b, unsigned may, bool has_relay)
{
	set_route_of(b, may, has_relay, ROUTE_DEAD);
}

static void on_look(void *ctx)
{
	struct bench *b = ctx;

	if (b->is_over(b) || clock_mono_ms() >= b->until)
		loop_stop(b->loop);
	else
		loop_timer_set(b->look, LOOK_MS);
}

static struct bench *begin_bench(void)
{
	static const struct mill_options o = { .in_flight = 20,
		.lease_ms = 60000,
		.retry_min_ms = 20,
		.retry_max_ms = 100,
		.away_ms = 300,
		.hostname = "mx.example.org",
		.out_max = 5,
		.out_reply_max = 2,
		.out_retry_min_ms = 10,
		.out_retry_max_ms = 20 };
	struct bench *b = NEW(struct bench);
	const struct store_options so = { .keep_bytes_ms = 86400000,
		.keep_journal_ms = 86400000 };
	struct err err = { 0 };

	must(loop_new(&b->loop, &err) == 0);
	must(store_open("memory", &so, &b->store, &err) == 0);
	b->arena = arena_new();
	b->pool.loop = b->target.loop = b->relay.loop = b->loop;
	b->target.base = (struct target){ &fake_target_driver, "A" };
	b->relay.base = (struct relay){ &fake_relay_driver, "R", 4 };
	b->relay.outcome = RELAY_ANSWERED;
	b->relay.code = 250;
	b->mill = mill_new(b->loop, b->store, &b->pool, &o);
	b->look = loop_timer_new(b->loop, on_look, b);
	set_route(b, ALL_KINDS, true);
	return b;
}

static bool run_until(struct bench *b, bool (*is_over)(struct bench *b))
{
	struct err err = { 0 };

	mill_start(b->mill);
	b->is_over = is_over;
	b->until = clock_mono_ms() + 10000;
	loop_timer_set(b->look, LOOK_MS);
	must(loop_run(b->loop, &err) == 0);
	return is_over(b);
}

static bool is_idle(struct bench *b)
{
	return mill_in_flight(b->mill) == 0;
}

static void end_bench(struct bench *b)
{
	mill_stop(b->mill);
	is_true(run_until(b, is_idle), "all that is in flight ends");
	mill_free(b->mill);
	store_close(b->store);
	loop_timer_free(b->look);
	loop_free(b->loop);
	arena_free(b->arena);
	free(b);
}

static uint64_t count_of(struct bench *b, enum store_state state)
{
	uint64_t n[STORE_N_STATES];
	struct err err = { 0 };
	int64_t oldest;

	must(store_stats(b->store, n, &oldest, &err) == 0);
	return n[state];
}

static uint64_t count_out(struct bench *b, enum store_state state)
{
	uint64_t n[STORE_N_STATES];
	struct err err = { 0 };
	int64_t oldest;

	must(store_out_stats(b->store, n, &oldest, &err) == 0);
	return n[state];
}

static bool is_all_over(struct bench *b)
{
	return count_of(b, STORE_QUEUED) + count_of(b, STORE_CLAIMED) +
		       count_of(b, STORE_RETRY) ==
	       0;
}

static bool is_all_sent(struct bench *b)
{
	return is_all_over(b) && count_out(b, STORE_QUEUED) +
						 count_out(b, STORE_CLAIMED) +
						 count_out(b, STORE_RETRY) ==
					 0;
}

static void on_put(struct store_put *put, int outcome, const struct err *err)
{
	struct bench *b = put->ctx;

	must(outcome == 0 && err->kind == ERR_NONE);
	b->n_stored++;
}

/* Adds a mail of 20 bytes; its delivery's id is the number of mails so far. */
static int64_t put_mail(struct bench *b, const char *sender, const char *body)
{
	struct arena *a = b->arena;
	struct envelope *env = ARENA_NEW(a, struct envelope);
	struct store_put_route *r = ARENA_NEW(a, struct store_put_route);
	struct store_put *put = ARENA_NEW(a, struct store_put);

	env->rcpts = ARENA_NEW(a, struct envelope_rcpt);
	env->rcpts->address = STR("support@example.org");
	env->n_rcpts = 1;
	env->sender = str_c(arena_strdup(a, sender));
	env->received_at = clock_wall_ms();
	r->route = STR("a");
	r->rcpts = ARENA_NEW(a, struct str);
	r->rcpts[0] = env->rcpts->address;
	r->n_rcpts = 1;
	*put = (struct store_put){ .id = id_new(),
		.env = env,
		.body = arena_strdup(a, body),
		.size = strlen(body),
		.routes = r,
		.n_routes = 1,
		.done = on_put,
		.ctx = b };
	store_put(b->store, put);
	b->n_put++;
	while (b->n_stored < b->n_put)
		;
	return b->n_put;
}

static struct store_row row_of(struct bench *b, int64_t id)
{
	struct store_row row = { 0 };
	struct envelope env;
	struct store_event *events = NULL;
	struct err err = { 0 };
	size_t n = 0;

	must(store_show(b->store, b->arena, id, &row, &env, &events, &n,
		     &err) == 0);
	return row;
}

static const char *reason_of(struct bench *b, int64_t id)
{
	return arena_printf(b->arena, "%.*s", STR_ARG(row_of(b, id).reason));
}

/* Has all mails make this plan. */
static struct plan_action *begin_plan(
	struct bench *b, enum plan_action_kind kind, const char *to)
{
	struct plan *p = ARENA_NEW(b->arena, struct plan);
	struct plan_action *a = add_action(b->arena, p, kind);

	a->value = str_c(to);
	a->rcpts = ARENA_NEW(b->arena, struct str);
	a->rcpts[0] = str_c(to);
	a->n_rcpts = 1;
	b->pool.plan = p;
	return a;
}

static struct plan *plan_of(struct bench *b)
{
	return (struct plan *)(uintptr_t)b->pool.plan;
}

static const char mail_bytes[] = "Subject: x\r\n\r\nhello\r\n";

static int64_t run_mail(struct bench *b, const char *sender)
{
	int64_t id = put_mail(b, sender, mail_bytes);

	is_true(run_until(b, is_all_sent), "all is over");
	return id;
}

/* --- what may go out --------------------------------------------------------
 */

TEST(a_redirect_is_sent_and_its_delivery_done)
{
	struct bench *b = begin_bench();
	struct plan_action *a = begin_plan(b, PLAN_REDIRECT, "bob@example.net");
	int64_t id;

	a->sender = STR("ann@example.com");
	id = run_mail(b, "ann@example.com");
	is_int(row_of(b, id).state, STORE_DONE, "done");
	is_c(reason_of(b, id), "redirect to bob@example.net", "and says why");
	is_int(b->relay.n_sent, 1, "sent once");
	is_c(b->relay.to, "bob@example.net", "to him");
	is_c(b->relay.sender, "ann@example.com", "in her name");
	has_text(b->relay.head, "Received: by mx.example.org", "with a trace");
	has_text(b->relay.head, "X-Mailmill-Sent: ", "and our field");
	is_int(count_out(b, STORE_DONE), 1, "one was sent");
	end_bench(b);
}

TEST(new_mail_has_a_date_and_an_id_of_its_number)
{
	struct bench *b = begin_bench();

	begin_plan(b, PLAN_NOTIFY, "bob@example.net");
	run_mail(b, "ann@example.com");
	has_text(b->relay.head, "Date: ", "a date");
	has_text(b->relay.head, "Message-ID: <mailmill.1.", "an id");
	has_text(b->relay.head, "@mx.example.org>\r\n", "of this host");
	end_bench(b);
}

/* What a worker that was taken over might plan. */
TEST(plans_that_cannot_be_the_rules_are_held)
{
	static const struct plan_piece beyond[] = { { STR(""), 10, 100 } };
	static const struct row {
		const char *name, *sender, *to, *from, *says;
		enum plan_action_kind kind;
		unsigned may;
		bool has_no_relay;
		const struct plan_piece *pieces;
		size_t n_pieces;
	} rows[] = {
		{ "another kind", "ann@x", "bob@x", "", "was a worker taken",
			PLAN_REDIRECT, MILL_MAY(PLAN_VACATION) },
		{ "an answer to another", "ann@x", "bob@x", "",
			"who did not send it", PLAN_VACATION, ALL_KINDS },
		{ "a reject to another", "ann@x", "bob@x", "",
			"who did not send it", PLAN_REJECT, ALL_KINDS },
		{ "in another's name", "ann@x", "ann@x", "boss@x",
			"another's name", PLAN_VACATION, ALL_KINDS },
		{ "an injected command", "ann@x", "bob@x>\r\nRCPT TO:<eve@x",
			"", "a bad one", PLAN_REDIRECT, ALL_KINDS },
		{ "an injected sender", "ann@x", "bob@x",
			"a@x>\nRCPT TO:<eve@x", "a bad one", PLAN_REDIRECT,
			ALL_KINDS },
		{ "nobody", "ann@x", "", "", "no address", PLAN_NOTIFY,
			ALL_KINDS },
		{ "beyond the mail", "ann@x", "bob@x", "", "no part of it",
			PLAN_REDIRECT, ALL_KINDS, .pieces = beyond,
			.n_pieces = 1 },
		{ "no relay", "ann@x", "bob@x", "", "add a section relay",
			PLAN_REDIRECT, ALL_KINDS, true },
	};

	expect_log("outbox.held");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];
		struct bench *b = begin_bench();
		struct plan_action *a = begin_plan(b, r->kind, r->to);
		int64_t id;
		a->sender = str_c(r->from);
		a->pieces = (struct plan_piece *)(uintptr_t)r->pieces;
		a->n_pieces = r->n_pieces;
		add_record(b->arena, plan_of(b));
		set_route(b, r->may, !r->has_no_relay);
		id = run_mail(b, r->sender);
		is_int(row_of(b, id).state, STORE_HELD, r->name);
		has_text(reason_of(b, id), r->says, r->name);
		is_int(b->target.n_applied, 0, "before any record");
		is_int(b->relay.n_sent, 0, "and nothing is sent");
		end_bench(b);
	}
}

TEST(a_mail_cannot_grow_without_bound)
{
	struct bench *b = begin_bench();
	struct plan_action *a = begin_plan(b, PLAN_REDIRECT, "bob@example.net");
	char *body = arena_alloc(b->arena, (2 << 20) + 1);

	expect_log("outbox.held");
	memset(body, 'x', 2 << 20);
	a->n_pieces = 100;
	a->pieces = arena_array(b->arena, 100, sizeof(*a->pieces));
	for (size_t i = 0; i < 100; i++)
		a->pieces[i].len = 2 << 20;
	put_mail(b, "ann@x", body);
	is_true(run_until(b, is_all_sent), "over");
	has_text(reason_of(b, 1), "much larger than the mail", "held");
	end_bench(b);
}

TEST(nobody_answers_what_wants_no_answer)
{
	static const struct {
		const char *name, *sender;
		enum plan_action_kind kind;
		unsigned n;
	} rows[] = {
		{ "vacation to the null sender", "", PLAN_VACATION, 0 },
		{ "reject to the null sender", "", PLAN_REJECT, 0 },
		{ "ereject to the null sender", "", PLAN_EREJECT, 0 },
		{ "to ourselves", "Support@Example.org", PLAN_REJECT, 0 },
		{ "to a list", "owner-list@example.net", PLAN_VACATION, 0 },
		{ "to a list", "list-request@x", PLAN_VACATION, 0 },
		{ "to a bounce", "MAILER-DAEMON@x", PLAN_VACATION, 0 },
		{ "a reject to a list's owner", "owner-list@x", PLAN_REJECT,
			1 },
		{ "to a person", "ann@example.com", PLAN_VACATION, 1 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bench *b = begin_bench();
		int64_t id;
		begin_plan(b, rows[i].kind, rows[i].sender);
		if (rows[i].kind == PLAN_VACATION)
			add_action(b->arena, plan_of(b), PLAN_KEEP);
		id = run_mail(b, rows[i].sender);
		is_int(b->relay.n_sent, rows[i].n, rows[i].name);
		is_int(row_of(b, id).state,
			rows[i].kind == PLAN_VACATION ? STORE_HELD : STORE_DONE,
			rows[i].name);
		end_bench(b);
	}
}

TEST(what_we_sent_is_not_answered)
{
	struct bench *b = begin_bench();
	struct str token = store_token(b->store);

	expect_log("outbox.held");
	begin_plan(b, PLAN_REJECT, "ann@x");
	put_mail(b, "ann@x",
		arena_printf(b->arena,
			"From: x\r\nx-mailmill-sent: %.*s.7\r\n\r\nx",
			STR_ARG(token)));
	put_mail(b, "bob@x", "X-Mailmill-Sent: another\r\n\r\nx");
	is_true(run_until(b, is_all_sent), "over");
	is_int(b->relay.n_sent, 0, "not answered");
	is_int(row_of(b, 1).state, STORE_DONE, "and done");
	has_text(reason_of(b, 2), "who did not send it",
		"another store's is no reason");
	end_bench(b);
}

TEST(an_hour_has_its_limits)
{
	struct bench *b = begin_bench();
	struct plan_action *a;

	expect_log("outbox.limit");
	begin_plan(b, PLAN_REJECT, "ann@x");
	for (int i = 0; i < 4; i++)
		put_mail(b, "ann@x", mail_bytes);
	/* the worker's identity is the sender: make them differ */
	is_true(run_until(b, is_all_sent), "over");
	is_int(b->relay.n_sent, 1, "the same mail is one");
	a = begin_plan(b, PLAN_REDIRECT, "bob@x");
	a->sender = STR_NULL;
	for (int i = 0; i < 8; i++)
		put_mail(b, arena_printf(b->arena, "s%d@x", i), mail_bytes);
	is_true(run_until(b, is_all_sent), "over");
	/* one that is being committed may count twice: it holds one more, and
	 * never lets one more through */
	is_true(b->relay.n_sent == 5 || b->relay.n_sent == 4,
		"as many as the hour has");
	is_int(count_of(b, STORE_HELD), 9 - b->relay.n_sent, "the others wait");
	has_text(reason_of(b, 12), "the limit is 5", "and say why");
	end_bench(b);
}

/* --- what actions mean ------------------------------------------------------
 */

TEST(records_come_first_and_nothing_is_sent_twice)
{
	struct bench *b = begin_bench();
	int64_t id;

	begin_plan(b, PLAN_REDIRECT, "bob@example.net");
	add_record(b->arena, plan_of(b));
	b->target.outcome = TARGET_RETRY;
	id = put_mail(b, "ann@x", mail_bytes);
	for (int i = 0; i < 3; i++) {
		unsigned n = b->target.n_applied;
		b->until = 0;
		while (b->target.n_applied == n)
			run_until(b, is_idle);
	}
	is_int(b->relay.n_sent, 0, "nothing before the record is made");
	b->target.outcome = TARGET_DONE;
	is_true(run_until(b, is_all_sent), "over");
	is_int(row_of(b, id).state, STORE_DONE, "done");
	is_c(reason_of(b, id), "", "with its record");
	is_int(b->relay.n_sent, 1, "and sent once");
	end_bench(b);
}

TEST(a_target_that_refuses_sends_nothing)
{
	struct bench *b = begin_bench();
	int64_t id;

	expect_log("delivery.end");
	begin_plan(b, PLAN_REDIRECT, "bob@example.net");
	add_record(b->arena, plan_of(b));
	b->target.outcome = TARGET_REFUSED;
	id = run_mail(b, "ann@x");
	is_int(row_of(b, id).state, STORE_DEAD, "dead");
	is_int(b->relay.n_sent, 0, "and silent");
	end_bench(b);
}

TEST(a_held_one_that_is_released_sends_nothing_again)
{
	struct bench *b = begin_bench();
	struct err err = { 0 };
	int64_t id;

	begin_plan(b, PLAN_REDIRECT, "bob@example.net")->is_copy = true;
	add_action(b->arena, plan_of(b), PLAN_KEEP);
	id = run_mail(b, "ann@x");
	is_int(row_of(b, id).state, STORE_HELD, "kept for review");
	is_int(b->relay.n_sent, 1, "and sent");
	is_int(store_order(b->store, id, STORE_DO_RELEASE, STR("x"), &err), 0,
		"released");
	mill_wake(b->mill);
	is_true(run_until(b, is_all_sent), "over");
	is_int(row_of(b, id).state, STORE_HELD, "kept again");
	is_int(b->relay.n_sent, 1, "and not sent again");
	end_bench(b);
}

TEST(what_is_filed_is_held_in_its_folder)
{
	static struct str flags[] = { STR("\\Seen"), STR("$work") };
	struct bench *b = begin_bench();
	struct plan *p = ARENA_NEW(b->arena, struct plan);
	struct plan_action *a = add_action(b->arena, p, PLAN_FILEINTO);
	int64_t id;

	a->value = STR("Lists/dev");
	a->flags = flags;
	a->n_flags = 2;
	a = add_action(b->arena, p, PLAN_FILEINTO);
	a->value = STR("Copies");
	b->pool.plan = p;
	id = run_mail(b, "ann@x");
	is_int(row_of(b, id).state, STORE_HELD, "held");
	is_c(reason_of(b, id), "filed into Lists/dev", "in the first");
	is_str(row_of(b, id).folders, "Lists/dev\nCopies", "in both");
	is_str(row_of(b, id).flags, "\\Seen $work", "with its flags");
	add_record(b->arena, p);
	id = run_mail(b, "bob@x");
	is_int(row_of(b, id).state, STORE_HELD, "beside a record, too");
	is_int(b->target.n_applied, 1, "which is made");
	end_bench(b);
}

TEST(actions_end_as_the_table_says)
{
	static const struct {
		const char *name;
		enum plan_action_kind kind;
		bool is_implicit, has_record;
		enum store_state to;
		const char *why;
	} rows[] = {
		{ "keep", PLAN_KEEP, false, false, STORE_HELD,
			"kept for review by the rule" },
		{ "keep beside a record", PLAN_KEEP, false, true, STORE_DONE,
			"" },
		{ "implicit keep", PLAN_KEEP, true, false, STORE_DEAD,
			"no rule took it" },
		{ "discard", PLAN_DISCARD, false, false, STORE_DONE,
			"discarded by the rule" },
		{ "discard beside a record", PLAN_DISCARD, false, true,
			STORE_DONE, "" },
	};

	expect_log("delivery.end");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bench *b = begin_bench();
		struct plan *p = ARENA_NEW(b->arena, struct plan);
		int64_t id;
		add_action(b->arena, p, rows[i].kind)->is_implicit =
			rows[i].is_implicit;
		if (rows[i].has_record)
			add_record(b->arena, p);
		b->pool.plan = p;
		id = run_mail(b, "ann@x");
		is_int(row_of(b, id).state, rows[i].to, rows[i].name);
		is_c(reason_of(b, id), rows[i].why, rows[i].name);
		end_bench(b);
	}
}

TEST(a_route_says_what_becomes_of_what_no_rule_took)
{
	static const struct {
		enum route_unmatched unmatched;
		enum store_state to;
		const char *why;
	} rows[] = {
		{ ROUTE_DEAD, STORE_DEAD, "no rule took it" },
		{ ROUTE_DISCARD, STORE_DONE,
			"no rule took it; the route discards such" },
		{ ROUTE_HOLD, STORE_HELD, "kept for review: no rule took it" },
	};

	expect_log("delivery.end");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bench *b = begin_bench();
		struct plan *p = ARENA_NEW(b->arena, struct plan);
		int64_t id;
		add_action(b->arena, p, PLAN_KEEP)->is_implicit = true;
		b->pool.plan = p;
		set_route_of(b, ALL_KINDS, true, rows[i].unmatched);
		id = run_mail(b, "ann@x");
		is_int(row_of(b, id).state, rows[i].to, rows[i].why);
		is_c(reason_of(b, id), rows[i].why, "reason");
		end_bench(b);
	}
}

/* --- marks ------------------------------------------------------------------
 */

TEST(of_many_at_once_the_first_sets_the_mark)
{
	struct bench *b = begin_bench();

	for (int i = 0; i < 12; i++)
		put_mail(b, arena_printf(b->arena, "dup%d@x", i), mail_bytes);
	is_true(run_until(b, is_all_over), "over");
	is_int(b->target.n_applied, 1, "one record");
	is_c(reason_of(b, 1), "", "of the first");
	is_c(reason_of(b, 2), "discarded by the rule", "the others are seen");
	end_bench(b);
}

static bool is_first_retried(struct bench *b)
{
	return b->target.n_applied >= 2;
}

TEST(a_mark_counts_only_when_its_mail_was_done)
{
	struct bench *b = begin_bench();

	expect_log("delivery.end");
	b->target.outcome = TARGET_RETRY;
	put_mail(b, "dup1@x", mail_bytes);
	put_mail(b, "dup2@x", mail_bytes);
	is_true(run_until(b, is_first_retried), "the first is tried again");
	is_int(row_of(b, 2).state == STORE_DONE, 0,
		"the second waits for the first");
	b->target.outcome = TARGET_REFUSED;
	is_true(run_until(b, is_all_over), "over");
	is_int(row_of(b, 1).state, STORE_DEAD, "the first is dead");
	is_int(row_of(b, 2).state, STORE_DEAD,
		"so the second was no duplicate");
	b->target.outcome = TARGET_DONE;
	put_mail(b, "dup3@x", mail_bytes);
	is_true(run_until(b, is_all_over), "over");
	is_int(row_of(b, 3).state, STORE_DONE, "the third is");
	is_c(reason_of(b, 3), "", "a record");
	end_bench(b);
}

/* --- sending ----------------------------------------------------------------
 */

static bool is_tried_again(struct bench *b)
{
	return b->relay.n_sent >= 3;
}

TEST(what_cannot_be_sent_now_is_sent_later)
{
	static const struct {
		const char *name, *why;
		enum relay_outcome outcome;
		int code;
	} rows[] = {
		{ "away", "the relay is away", RELAY_NOT_SENT, 0 },
		{ "lost", "the relay is away", RELAY_LOST, 0 },
		{ "busy", "451 as told", RELAY_ANSWERED, 451 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct bench *b = begin_bench();
		struct store_out_row row = { 0 };
		struct err err = { 0 };
		begin_plan(b, PLAN_REDIRECT, "bob@x");
		b->relay.outcome = rows[i].outcome;
		b->relay.code = rows[i].code;
		put_mail(b, "ann@x", mail_bytes);
		is_true(run_until(b, is_tried_again), rows[i].name);
		must(store_out_show(b->store, b->arena, 1, &row, &err) == 0);
		is_c(arena_printf(b->arena, "%.*s", STR_ARG(row.reason)),
			rows[i].why, rows[i].name);
		b->relay.outcome = RELAY_ANSWERED;
		b->relay.code = 250;
		is_true(run_until(b, is_all_sent), rows[i].name);
		is_int(count_out(b, STORE_DONE), 1, "sent");
		end_bench(b);
	}
}

TEST(what_is_refused_for_good_waits_for_a_person)
{
	struct bench *b = begin_bench();

	expect_log("outbox.end");
	begin_plan(b, PLAN_REDIRECT, "bob@x");
	b->relay.code = 550;
	run_mail(b, "ann@x");
	is_int(count_out(b, STORE_DEAD), 1, "dead");
	is_int(b->relay.n_sent, 1, "and tried once");
	end_bench(b);
}

/* --- reading ----------------------------------------------------------------
 */

TEST(lines_end_as_they_should)
{
	static const struct {
		const char *name, *in, *eol, *out;
	} rows[] = {
		{ "CRLF", "a\r\nb\r\n", "\r\n", "a\r\nb\r\n" },
		{ "LF", "a\nb\n", "\r\n", "a\r\nb\r\n" },
		{ "CR", "a\rb\r", "\r\n", "a\r\nb\r\n" },
		{ "an end that is none", "a\n.\nb", "\r\n", "a\r\n.\r\nb" },
		{ "another", "a\r.\r\nb", "\r\n", "a\r\n.\r\nb" },
		{ "doubled", "a\r\r\nb", "\r\n", "a\r\n\r\nb" },
		{ "for a program", "a\r\nb\n", "\n", "a\nb\n" },
		{ "empty", "", "\r\n", "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_piece pieces[] = { { STR(""), 0, 0 },
			{ str_c(rows[i].in), 0, 0 } };
		const struct relay_job job = {
			.head = STR("H: 1\r\n"), .pieces = pieces, .n_pieces = 2
		};
		static char room[RELAY_ROOM];
		struct relay_reader r = {
			.job = &job, .eol = str_c(rows[i].eol), .room = room
		};
		char out[64], want[64];
		for (int turn = 0; turn < 2; turn++) {
			size_t n = 0;
			ssize_t got;
			/* by the smallest bites that there are */
			while ((got = relay_read(&r, out + n, 4)) > 0)
				n += (size_t)got;
			out[n] = 0;
			snprintf(want, sizeof(want), "H: 1%s%s", rows[i].eol,
				rows[i].out);
			is_c(out, want, rows[i].name);
			relay_rewind(&r);
		}
	}
}
