/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_salesforce.c - the whole target against a server that fails on order:
 * each plan is there exactly once, whatever broke.
 */
#include <stdlib.h>

#include <mailmill/clock.h>
#include <mailmill/conf.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/loop.h>
#include <mailmill/map.h>
#include <mailmill/target.h>

#include "stub.h"
#include "test.h"
#include "toy_org.h"

/* ---- the scene -------------------------------------------------------- */

struct scene {
	struct org org;
	struct stub stub;
	struct loop *loop;
	struct target *target;
	struct loop_timer *timer;
	struct conf *conf;
	char url[64];
	unsigned n_open;
	bool is_late;
};

static void be_late(void *ctx)
{
	struct scene *s = ctx;

	s->is_late = true;
	loop_stop(s->loop);
}

static void begin_with(struct scene *s, const char *more)
{
	static const struct conf_schema *const schemas[] = { &sf_schema, NULL };
	AUTO(bytes) char *text = NULL;
	const char *timeout = "";
	struct err err = { 0 };

	must(loop_new(&s->loop, &err) == 0);
	s->timer = loop_timer_new(s->loop, be_late, s);
	s->org.records = map_new();
	s->org.last_soql = BUF_INIT(1 << 20);
	stub_start(&s->stub, serve, &s->org);
	setenv("MAILMILL_TEST_SECRET", "s3cret", 1);
	if (!str_starts(str_c(more), STR("timeout")))
		timeout = "timeout = \"500ms\"\n";
	text = mem_printf("salesforce \"test\" {\n"
			  "login_url = \"http://127.0.0.1:%d\"\n"
			  "auth = \"client_credentials\"\n"
			  "client_id = \"id\"\n"
			  "client_secret = \"env:MAILMILL_TEST_SECRET\"\n"
			  "%s%s}\n",
		s->stub.port, timeout, more);
	if (conf_parse(
		    "test", str_c(text), schemas, NULL, NULL, &s->conf, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	must(target_open(conf_first(s->conf), s->loop, &s->target, &err) == 0);
}

static void begin(struct scene *s)
{
	begin_with(s, "");
}

static void end(struct scene *s)
{
	size_t at = 0;
	void *id;

	target_close(TAKE(s->target));
	stub_stop(&s->stub);
	loop_timer_free(s->timer);
	loop_free(s->loop);
	conf_free(s->conf);
	while (map_next(s->org.records, &at, NULL, &id))
		free(id);
	map_free(s->org.records);
	buf_fini(&s->org.last_soql);
}

static void wait_all(struct scene *s)
{
	struct err err;

	loop_timer_set(s->timer, 15000);
	if (s->n_open > 0)
		must(loop_run(s->loop, &err) == 0);
	loop_timer_stop(s->timer);
	is_false(s->is_late, "all ends in time");
}

struct mail {
	struct scene *scene;
	struct target_job job;
	struct plan plan;
	struct plan_record records[2];
	struct plan_field case_fields[2], message_fields[2];
	struct plan_file file;
};

static void on_job(struct target_job *job)
{
	struct mail *m = job->ctx;

	if (--m->scene->n_open == 0)
		loop_stop(m->scene->loop);
}

static struct mail *make_mail(struct scene *s, unsigned number)
{
	struct mail *m = NEW(struct mail);

	m->scene = s;
	m->job.arena = arena_new();
	m->case_fields[0] = (struct plan_field){ .name = STR("Subject"),
		.value = str_c(arena_printf(m->job.arena, "Mail %u", number)) };
	m->case_fields[1] = (struct plan_field){ .name = STR("SuppliedEmail"),
		.value = STR("ann@example.org") };
	m->message_fields[0] = (struct plan_field){ .name = STR("ParentId"),
		.kind = PLAN_REF,
		.value = STR("case"),
		.ref_field = STR("Id") };
	m->message_fields[1] = (struct plan_field){ .name = STR("TextBody"),
		.value = STR("Hello.") };
	m->records[0] = (struct plan_record){ .op = PLAN_CREATE,
		.name = STR("case"),
		.object = STR("Case"),
		.key = str_c(arena_printf(m->job.arena, "case%u", number)),
		.fields = m->case_fields,
		.n_fields = 2 };
	m->records[1] = (struct plan_record){ .op = PLAN_CREATE,
		.name = STR("message"),
		.object = STR("EmailMessage"),
		.key = str_c(arena_printf(m->job.arena, "message%u", number)),
		.fields = m->message_fields,
		.n_fields = 2 };
	m->plan = (struct plan){ .records = m->records, .n_records = 2 };
	m->job.plan = &m->plan;
	m->job.fd = -1;
	m->job.done = on_job;
	m->job.ctx = m;
	m->job.delivery = number;
	return m;
}

static void send_mail(struct mail *m)
{
	m->scene->n_open++;
	target_apply(m->scene->target, &m->job);
}

static void free_mail(struct mail *m)
{
	arena_free(m->job.arena);
	free(m);
}

/* As the mill does: tries again what is to be tried again. */
static void deliver(struct scene *s, struct mail **mails, unsigned n)
{
	bool is_over = false;

	for (unsigned i = 0; i < n; i++)
		send_mail(mails[i]);
	wait_all(s);
	for (unsigned round = 0; round < 5 && !is_over; round++) {
		is_over = true;
		for (unsigned i = 0; i < n; i++) {
			if (mails[i]->job.outcome != TARGET_RETRY)
				continue;
			if (is_over)
				usleep((unsigned)MIN(
					       mails[i]->job.retry_ms, 6000) *
					1000);
			is_over = false;
			mails[i]->job.attempts++;
			send_mail(mails[i]);
		}
		wait_all(s);
	}
}

/* ---- tests ------------------------------------------------------------ */

TEST(a_flood_rides_in_full_calls)
{
	struct scene s = { 0 };
	struct mail *mails[150];
	struct target_stats stats;

	begin(&s);
	for (unsigned i = 0; i < 150; i++)
		mails[i] = make_mail(&s, i);
	deliver(&s, mails, 150);
	for (unsigned i = 0; i < 150; i++) {
		is_int(mails[i]->job.outcome, TARGET_DONE, "done");
		is_int(mails[i]->job.records[0].id.len, 18, "has its id");
		free_mail(mails[i]);
	}
	is_int(s.org.n_cases, 150, "one Case a mail");
	is_int(s.org.n_messages, 150, "one EmailMessage a mail");
	is_int(s.org.n_graph_calls, 2, "two calls");
	is_int(s.org.n_most_graphs, 75, "of 75 graphs");
	is_int(s.org.n_logins, 1, "one login for all");
	is_int(s.org.n_describes, 2, "each object described once");
	target_stats(s.target, &stats);
	is_int(stats.n_calls, 4, "calls are counted");
	end(&s);
}

TEST(each_plan_is_there_once_whatever_breaks)
{
	static const struct {
		const char *name;
		enum what fault;
		unsigned n_faults;
		const char *log;
	} rows[] = {
		{ "reset after it worked", RESET_AFTER, 1, "target.away" },
		{ "reset again and again", RESET_AFTER, 3, "target.away" },
		{ "reset before", RESET_BEFORE, 1, "" },
		{ "a page instead of JSON", HTML, 1, "" },
		{ "half an answer", TRUNCATE, 2, "" },
		{ "time-out after it worked", SILENT, 1, "" },
		{ "expired token", EXPIRED, 1, "" },
		{ "busy", BUSY, 1, "target.budget" },
		{ "limit", LIMIT, 1, "target.budget" },
		{ "a locked row", LOCKED, 2, "" },
		{ "others' faults", MANY_FAIL, 1, "" },
		{ "an address that is refused", BAD_ADDRESS, 1000, "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = { 0 };
		struct mail *mails[20];
		unsigned n_done = 0, n_refused = 0;

		expect_log("target.budget");
		begin(&s);
		s.org.graph = rows[i].fault;
		s.org.n_faults = rows[i].n_faults;
		for (unsigned k = 0; k < 20; k++)
			mails[k] = make_mail(&s, k);
		deliver(&s, mails, 20);
		for (unsigned k = 0; k < 20; k++) {
			n_done += mails[k]->job.outcome == TARGET_DONE;
			n_refused += mails[k]->job.outcome == TARGET_REFUSED;
			if (mails[k]->job.outcome == TARGET_REFUSED)
				has_text(mails[k]->job.reason.p,
					"REQUIRED_FIELD_MISSING", rows[i].name);
			free_mail(mails[k]);
		}
		is_int(n_done + n_refused, 20, rows[i].name);
		is_int(n_refused, rows[i].fault == MANY_FAIL ? 15 : 0,
			rows[i].name);
		is_int(s.org.n_cases, n_done, rows[i].name);
		is_int(s.org.n_messages, n_done, rows[i].name);
		end(&s);
	}
}

TEST(a_refused_login_holds_all)
{
	struct scene s = { 0 };
	struct mail *m[2];

	expect_log("target.login");
	begin(&s);
	s.org.login = EXPIRED;
	s.org.n_faults = 1;
	m[0] = make_mail(&s, 1);
	m[1] = make_mail(&s, 2);
	send_mail(m[0]);
	send_mail(m[1]);
	wait_all(&s);
	is_int(m[0]->job.outcome, TARGET_HOLD, "an operator must act");
	is_str(m[0]->job.reason, "describe Case: login refused: invalid_grant",
		"in their words");
	is_int(m[1]->job.outcome, TARGET_HOLD, "for all");
	is_int(s.org.n_logins, 1, "and no login more is tried at once");
	free_mail(m[0]);
	free_mail(m[1]);
	end(&s);
}

TEST(a_refusal_of_the_call_is_no_mails_fault)
{
	struct scene s = { 0 };
	struct mail *m;

	begin(&s);
	s.org.graph = FORBIDDEN;
	s.org.n_faults = 100;
	m = make_mail(&s, 1);
	send_mail(m);
	wait_all(&s);
	is_int(m->job.outcome, TARGET_HOLD, "held, not dead");
	free_mail(m);
	end(&s);
}

TEST(a_wrong_field_concerns_its_mail_only)
{
	struct scene s = { 0 };
	struct mail *good, *bad;

	expect_log("target.schema");
	begin(&s);
	good = make_mail(&s, 1);
	bad = make_mail(&s, 2);
	bad->case_fields[1].name = STR("Sowhat__c");
	send_mail(good);
	send_mail(bad);
	wait_all(&s);
	is_int(good->job.outcome, TARGET_DONE, "the other is done");
	is_int(bad->job.outcome, TARGET_RETRY, "it waits");
	is_int(bad->job.retry_ms, 300000, "for a person");
	is_true(bad->job.is_own, "and no other mail for it");
	has_text(bad->job.reason.p, "no field Sowhat__c on Case",
		"who is told what");
	free_mail(good);
	free_mail(bad);
	end(&s);
}

TEST(a_restart_in_the_middle_doubles_nothing)
{
	struct scene s = { 0 };
	struct mail *m;

	begin(&s);
	m = make_mail(&s, 1);
	send_mail(m);
	wait_all(&s);
	is_int(m->job.outcome, TARGET_DONE, "done, and then we crash");
	free_mail(m);
	m = make_mail(&s, 1);
	m->job.attempts = 1;
	send_mail(m);
	wait_all(&s);
	is_int(m->job.outcome, TARGET_DONE, "done again");
	is_int(s.org.n_cases, 1, "one Case");
	is_int(s.org.n_messages, 1, "one EmailMessage");
	is_int(s.org.n_graph_calls, 1, "nothing was sent again");
	is_int(m->job.records[1].id.len, 18, "ids are found by keys");
	is_int(s.org.n_queries, 2, "one query an object");
	free_mail(m);
	end(&s);
}

/* ---- files ------------------------------------------------------------ */

static int make_body(struct buf *plain, struct buf *coded)
{
	struct err err;
	int fd = file_memory("mail", &err);
	char *room = buf_room(plain, 3 << 20);

	must(fd >= 0);
	for (size_t i = 0; i < (3 << 20); i++)
		room[i] = (char)(i * 2654435761u >> 13);
	plain->len = 3 << 20;
	for (size_t i = 0; i < plain->len; i += 57) {
		enc_base64(coded, str_sub(buf_view(plain), i, 57));
		buf_c(coded, "\r\n");
	}
	must(file_write_all(fd, "Subject: x\r\n\r\n", 14) == 0);
	must(file_write_all(fd, coded->p, coded->len) == 0);
	return fd;
}

TEST(files_are_streamed_once)
{
	static const struct {
		const char *name;
		enum what fault;
	} rows[] = {
		{ "as it should", AS_IT_SHOULD },
		{ "answer lost", RESET_AFTER },
		{ "nothing came", RESET_BEFORE },
		{ "expired token", EXPIRED },
		{ "half an answer", TRUNCATE },
	};
	AUTO(buf) struct buf plain = BUF_INIT(4 << 20);
	AUTO(buf) struct buf coded = BUF_INIT(8 << 20);
	AUTO(fd) int fd = make_body(&plain, &coded);
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	hash_bytes(buf_view(&plain), digest);
	hash_hex(digest, hex);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = { 0 };
		struct mail *m;

		begin(&s);
		s.org.upload = rows[i].fault;
		s.org.n_faults = 1;
		m = make_mail(&s, 1);
		m->job.fd = fd;
		m->file = (struct plan_file){ .name = STR("a.bin"),
			.type = STR("application/x-thing"),
			.offset = 14,
			.len = coded.len,
			.encoding = STR("base64"),
			.size = plain.len,
			.sha256 = str_c(hex) };
		m->records[0].files = &m->file;
		m->records[0].n_files = 1;
		deliver(&s, &m, 1);
		is_int(m->job.outcome, TARGET_DONE, rows[i].name);
		is_int(s.org.n_files, 1, rows[i].name);
		is_c(s.org.last_file, hex, "the bytes are the part's");
		is_int(m->job.records[0].n_files, 1, "and it is told");
		is_int(s.org.n_cases, 1, "the records are made once");
		free_mail(m);
		end(&s);
	}
}

/* As in winmail.dat: other decoded bytes stand before it and behind it. */
TEST(a_packed_file_is_cut_out)
{
	static const struct {
		uint64_t skip, size;
	} rows[] = { { 1, 10 }, { 70000, 200001 }, { (3 << 20) - 5, 5 } };
	AUTO(buf) struct buf plain = BUF_INIT(4 << 20);
	AUTO(buf) struct buf coded = BUF_INIT(8 << 20);
	AUTO(fd) int fd = make_body(&plain, &coded);

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char digest[HASH_LEN];
		char hex[HASH_HEX_LEN + 1];
		struct scene s = { 0 };
		struct mail *m;

		hash_bytes(
			str_sub(buf_view(&plain), rows[i].skip, rows[i].size),
			digest);
		hash_hex(digest, hex);
		begin(&s);
		m = make_mail(&s, 1);
		m->job.fd = fd;
		m->file = (struct plan_file){ .name = STR("a.bin"),
			.type = STR("application/x-thing"),
			.offset = 14,
			.len = coded.len,
			.encoding = STR("base64"),
			.skip = rows[i].skip,
			.size = rows[i].size,
			.sha256 = str_c(hex) };
		m->records[0].files = &m->file;
		m->records[0].n_files = 1;
		deliver(&s, &m, 1);
		is_int(m->job.outcome, TARGET_DONE, "done");
		is_c(s.org.last_file, hex, "the bytes are the file's");
		free_mail(m);
		end(&s);
	}
}

TEST(a_file_does_not_pass_for_another_of_its_name)
{
	static const struct {
		const char *name;
		enum what fault;
	} rows[] = {
		{ "the second was lost", RESET_BEFORE },
		{ "its answer was lost", RESET_AFTER },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct plan_file files[2];
		struct scene s = { 0 };
		struct mail *m;

		for (int k = 0; k < 2; k++)
			files[k] = (struct plan_file){ .name = STR("a.bin"),
				.type = STR("text/plain"),
				.is_literal = true,
				.literal = k ? STR("two") : STR("one"),
				.size = 3,
				.sha256 = k ? STR("2222") : STR("1111") };
		begin(&s);
		s.org.upload = rows[i].fault;
		s.org.n_spared = s.org.n_faults = 1;
		m = make_mail(&s, 1);
		m->records[0].files = files;
		m->records[0].n_files = 2;
		deliver(&s, &m, 1);
		is_int(m->job.outcome, TARGET_DONE, rows[i].name);
		is_int(s.org.n_files, 2, rows[i].name);
		free_mail(m);
		end(&s);
	}
}

TEST(a_long_text_becomes_a_file)
{
	struct scene s = { 0 };
	struct mail *m;
	char text[300];

	memset(text, 'x', sizeof(text));
	begin(&s);
	m = make_mail(&s, 1);
	m->case_fields[1] = (struct plan_field){ .name = STR("Description"),
		.value = str_n(text, sizeof(text)),
		.overflow = PLAN_FILE };
	send_mail(m);
	wait_all(&s);
	is_int(m->job.outcome, TARGET_DONE, "done");
	is_int(s.org.n_files, 1, "one file");
	is_int(s.org.last_size, 300, "the whole text");
	has_text(m->job.answer.p, "whole in a file", "and it is told");
	free_mail(m);
	end(&s);
}

/* ---- questions -------------------------------------------------------- */

struct question {
	struct scene *scene;
	struct target_ask ask;
	struct plan_question q;
	struct plan_pair where;
	struct str field;
};

static void on_ask(struct target_ask *ask)
{
	struct question *q = ask->ctx;

	if (--q->scene->n_open == 0)
		loop_stop(q->scene->loop);
}

static void send_question(struct question *q, struct scene *s,
	const char *email, const char *name)
{
	*q = (struct question){ .scene = s };
	q->ask.arena = arena_new();
	q->ask.question = &q->q;
	q->ask.done = on_ask;
	q->ask.ctx = q;
	q->where = (struct plan_pair){ STR("Email"), str_c(email) };
	q->field = STR("AccountId");
	q->q = (struct plan_question){ .kind = PLAN_FIND,
		.name = str_c(name),
		.object = name[0] == 'X' ? str_c(name) : STR("Contact"),
		.where = &q->where,
		.n_where = 1,
		.fields = &q->field,
		.n_fields = 1 };
	s->n_open++;
	target_ask(s->target, &q->ask);
}

TEST(a_query_that_fails_holds_who_is_concerned)
{
	static const struct {
		const char *name;
		enum what fault;
		enum target_outcome outcome;
		bool is_own;
	} rows[] = {
		{ "its field has gone", NO_COLUMN, TARGET_RETRY, true },
		{ "nobody gets through", FORBIDDEN, TARGET_HOLD, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s = { 0 };
		struct question q;

		expect_log("target.schema");
		begin(&s);
		s.org.query = rows[i].fault;
		s.org.n_faults = 100;
		send_question(&q, &s, "ann@example.org", "ann");
		wait_all(&s);
		is_int(q.ask.outcome, rows[i].outcome, rows[i].name);
		is_int(q.ask.is_own, rows[i].is_own, rows[i].name);
		arena_free(q.ask.arena);
		end(&s);
	}
}

TEST(questions_share_a_query_and_a_cache)
{
	enum {
		/* fewer than fill a query: a full one waits for nobody */
		N = 60
	};
	struct scene s = { 0 };
	struct question q[N + 2];
	char emails[N][32], names[N][8];

	/* No pause of the machine may part them or make a call late. */
	begin_with(&s, "timeout = \"60s\"\nlinger = \"1s\"\ngather = \"1s\"\n"
		       "find_cache = \"60s\"\n");
	for (unsigned i = 0; i < N; i++) {
		snprintf(emails[i], sizeof(emails[i]), "b%u@x.org", i);
		snprintf(names[i], sizeof(names[i]), "q%u", i);
		send_question(&q[i], &s, emails[i], names[i]);
	}
	send_question(&q[N], &s, "ann@example.org", "ann");
	wait_all(&s);
	is_int(s.org.n_queries, 1, "one query");
	is_int(q[0].ask.answer.n_rows, 0, "not there is an answer");
	is_int(q[N].ask.answer.n_rows, 1, "the row goes to its question");
	is_str(facts_row_get(&q[N].ask.answer.rows[0], STR("AccountId")),
		"001000000000001AAA", "with its fields");
	send_question(&q[N + 1], &s, "ann@example.org", "ann");
	wait_all(&s);
	is_int(s.org.n_queries, 1, "asked again, the cache knows");
	is_int(q[N + 1].ask.answer.n_rows, 1, "the same");
	for (unsigned i = 0; i < N + 2; i++) {
		is_int(q[i].ask.outcome, TARGET_DONE, "done");
		arena_free(q[i].ask.arena);
	}
	end(&s);
}

TEST(names_of_nothing_leave_room_for_objects)
{
	enum {
		MANY = 520
	};
	struct scene s = { 0 };
	struct question *q = mem_array(MANY + 1, sizeof(*q));
	char names[MANY][8];

	expect_log("target.schema");
	begin(&s);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "X%u", i);
		send_question(&q[i], &s, "ann@example.org", names[i]);
		wait_all(&s);
	}
	send_question(&q[MANY], &s, "ann@example.org", "ann");
	wait_all(&s);
	is_int(q[MANY].ask.outcome, TARGET_DONE, "an object is found");
	is_int(q[MANY].ask.answer.n_rows, 1, "with its rows");
	for (unsigned i = 0; i < MANY + 1; i++)
		arena_free(q[i].ask.arena);
	free(q);
	end(&s);
}

TEST(the_budget_stops_what_can_wait)
{
	struct scene s = { 0 };
	struct mail *m;

	expect_log("target.budget");
	begin(&s);
	s.org.usage = 990;
	m = make_mail(&s, 0);
	send_mail(m);
	wait_all(&s);
	is_int(m->job.outcome, TARGET_DONE, "the first tells what is used");
	free_mail(m);
	m = make_mail(&s, 1);
	send_mail(m);
	wait_all(&s);
	is_int(m->job.outcome, TARGET_RETRY, "it waits");
	has_text(m->job.reason.p, "990 of 1000 API calls are used", "why");
	is_true(m->job.retry_ms > 200000, "minutes");
	is_int(s.org.n_cases, 1, "nothing more was sent");
	free_mail(m);
	end(&s);
}

TEST(closing_gives_all_back)
{
	struct scene s = { 0 };
	struct mail *m[3];
	struct question q;

	begin(&s);
	s.org.graph = SILENT;
	s.org.n_faults = 100;
	for (unsigned i = 0; i < 3; i++) {
		m[i] = make_mail(&s, i);
		send_mail(m[i]);
	}
	send_question(&q, &s, "ann@example.org", "ann");
	usleep(100000);
	target_close(TAKE(s.target));
	is_int(s.n_open, 0, "each is done once");
	for (unsigned i = 0; i < 3; i++) {
		is_int(m[i]->job.outcome, TARGET_RETRY, "to be tried again");
		free_mail(m[i]);
	}
	arena_free(q.ask.arena);
	end(&s);
}
