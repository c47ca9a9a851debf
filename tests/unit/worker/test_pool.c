/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_pool.c - workers: what they answer, what stops them, who is blamed.
 *
 * This program is its own worker. The scripts named "trap:..." are compiled
 * into test builds only (src/worker/trap.c); each tries what the box forbids.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/worker.h>

#include "../../../src/worker/box.h"

#define TEST_CHILD worker_main
#include "test.h"

#ifdef MAILMILL_FAULTS

#define MEMORY ((uint64_t)512 << 20)

static const char mail_text[] = "From: Ann <ann@example.org>\r\n"
				"To: support@example.org\r\n"
				"Subject: Hello\r\n"
				"Message-ID: <one@example.org>\r\n"
				"In-Reply-To: <zero@example.org>\r\n"
				"\r\n"
				"It does not work.\r\n";

static struct loop *loop;
static struct worker_pool *pool;
static struct envelope envelope;
static struct facts facts;
static size_t n_open; /* jobs given and not done */

struct run {
	struct worker_job job;
	struct arena *arena;
	int fd;
	int order; /* in which it was done */
	bool is_done;
};
static int n_done;

static void on_too_long(void *ctx)
{
	test_fail(__FILE__, __LINE__, "jobs hang");
	loop_stop(loop);
}

static void on_done(struct worker_job *job)
{
	struct run *r = job->ctx;

	r->is_done = true;
	r->order = n_done++;
	if (--n_open == 0)
		loop_stop(loop);
}

static const struct worker_rules no_rules;

static int make_mail(const char *text)
{
	struct err err = { 0 };
	int fd = file_memory("mail", &err);

	is_int(file_write_all(fd, text, strlen(text)), 0, "mail is written");
	return fd;
}

static void start_with(enum worker_isolation isolation, unsigned workers,
	int64_t time_ms, const struct worker_rules *rules)
{
	struct worker_options o = { .workers = workers,
		.isolation = isolation,
		.batch_max = 1000,
		.memory = MEMORY,
		.time_ms = time_ms };
	struct err err = { 0 };

	facts.route = STR("support");
	n_done = 0;
	is_int(loop_new(&loop, &err), 0, "loop");
	is_int(worker_pool_new(loop, &o, rules, &pool, &err), 0, err.text);
}

static void start(enum worker_isolation isolation, unsigned workers,
	int64_t time_ms, const struct worker_script *scripts, size_t n)
{
	const struct worker_rules all = { scripts, n, STR_NULL };

	start_with(isolation, workers, time_ms, &all);
}

static void stop(void)
{
	worker_pool_free(pool);
	loop_free(loop);
	pool = NULL;
	loop = NULL;
}

static void submit(struct run *r, const char *script, const char *text)
{
	*r = (struct run){ .arena = arena_new(), .fd = make_mail(text) };
	r->job = (struct worker_job){ .fd = r->fd,
		.script = script,
		.env = &envelope,
		.facts = &facts,
		.arena = r->arena,
		.done = on_done,
		.ctx = r };
	n_open++;
	worker_submit(pool, &r->job);
}

static void wait_all(void)
{
	struct loop_timer *t = loop_timer_new(loop, on_too_long, NULL);
	struct err err = { 0 };

	loop_timer_set(t, 60000);
	if (n_open)
		is_int(loop_run(loop, &err), 0, "loop runs");
	loop_timer_free(t);
}

static void drop(struct run *r)
{
	close(r->fd);
	arena_free(r->arena);
}

static const char *note_of(const struct run *r)
{
	if (r->job.outcome != WORKER_PLAN || r->job.plan->n_notes != 1)
		return "";
	return arena_printf(r->arena, "%.*s", STR_ARG(r->job.plan->notes[0]));
}

static const char *reason_of(const struct run *r)
{
	return arena_printf(r->arena, "%.*s", STR_ARG(r->job.reason));
}

static const enum worker_isolation isolations[] = { WORKER_BATCH,
	WORKER_MESSAGE };

TEST(answers_come_back)
{
	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct run runs[20];
		start(isolations[k], 2, 10000, NULL, 0);
		for (size_t i = 0; i < COUNT(runs); i++)
			submit(&runs[i], "trap:echo", mail_text);
		wait_all();
		for (size_t i = 0; i < COUNT(runs); i++) {
			is_int(runs[i].job.outcome, WORKER_PLAN, "a plan");
			has_text(note_of(&runs[i]), "echo: 155 bytes",
				"the worker sees the mail");
			is_int(runs[i].job.identity.len, 32, "identity");
			drop(&runs[i]);
		}
		stop();
	}
}

static const struct trap_row {
	const char *trap;
	enum worker_outcome outcome;
	const char *says;
	bool is_for_box; /* not to be seen where the box is open */
} trap_rows[] = {
	{ "trap:open", WORKER_PLAN, "open: refused with errno 13", true },
	{ "trap:code", WORKER_PLAN, "code: refused with errno 13", true },
	{ "trap:calls", WORKER_PLAN, "calls: 155 bytes", true },
	{ "trap:create", WORKER_CRASHED, "broke out of the box: called open",
		true },
	{ "trap:socket", WORKER_CRASHED, "broke out of the box: called socket",
		true },
	{ "trap:fork", WORKER_CRASHED, "broke out of the box: called clone",
		true },
	{ "trap:exec", WORKER_CRASHED, "broke out of the box: called execve",
		true },
	{ "trap:ptrace", WORKER_CRASHED, "broke out of the box: called ptrace",
		true },
	{ "trap:kill", WORKER_CRASHED, "broke out of the box: called ", true },
	{ "trap:memory", WORKER_CRASHED, "ran out of memory", true },
	{ "trap:segv", WORKER_CRASHED,
		"crashed the parser (signal 11, SIGSEGV)", true },
	{ "trap:deep", WORKER_CRASHED,
		"crashed the parser (signal 11, SIGSEGV)", true },
	{ "trap:abort", WORKER_CRASHED,
		"crashed the parser (signal 6, SIGABRT)", true },
	{ "trap:exit", WORKER_CRASHED, "made the parser exit with status 3" },
	{ "trap:spin", WORKER_CRASHED, "ran out of time" },
	{ "trap:sleep", WORKER_CRASHED, "ran out of time" },
	{ "trap:forge", WORKER_CRASHED, "made the parser answer nonsense" },
};

static void check_trap(
	enum worker_isolation isolation, const struct trap_row *t)
{
	struct run before, trapped, after;

	expect_log("worker.fell");
	start(isolation, 1, strstr(t->says, "time") ? 700 : 30000, NULL, 0);
	submit(&before, "trap:echo", mail_text);
	submit(&trapped, t->trap, mail_text);
	submit(&after, "trap:echo", mail_text);
	wait_all();
	is_int(before.job.outcome, WORKER_PLAN, "the one before is untouched");
	is_int(trapped.job.outcome, t->outcome, t->trap);
	has_text(t->outcome == WORKER_PLAN ? note_of(&trapped)
					   : reason_of(&trapped),
		t->says, t->trap);
	is_int(after.job.outcome, WORKER_PLAN, "the one behind is untouched");
	drop(&before);
	drop(&trapped);
	drop(&after);
	stop();
}

TEST(each_trap_is_stopped_in_batch)
{
	for (size_t i = 0; i < COUNT(trap_rows); i++)
		if (!BOX_IS_OPEN || !trap_rows[i].is_for_box)
			check_trap(WORKER_BATCH, &trap_rows[i]);
}

TEST(each_trap_is_stopped_in_message)
{
	for (size_t i = 0; i < COUNT(trap_rows); i++)
		if (!BOX_IS_OPEN || !trap_rows[i].is_for_box)
			check_trap(WORKER_MESSAGE, &trap_rows[i]);
}

TEST(a_slow_mail_does_not_hold_up_others)
{
	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct run slow, runs[12];
		expect_log("worker.fell");
		start(isolations[k], 2, 2500, NULL, 0);
		submit(&slow, "trap:sleep", mail_text);
		for (size_t i = 0; i < COUNT(runs); i++)
			submit(&runs[i], "trap:echo", mail_text);
		wait_all();
		is_int(slow.order, COUNT(runs), "it is done last");
		is_int(slow.job.outcome, WORKER_CRASHED, "and late");
		for (size_t i = 0; i < COUNT(runs); i++) {
			is_int(runs[i].job.outcome, WORKER_PLAN, "a plan");
			drop(&runs[i]);
		}
		drop(&slow);
		stop();
	}
}

/* Finds the one child of this process, which is the worker. */
static pid_t find_child(void)
{
	char path[64], text[256] = "";
	AUTO(fd) int fd = -1;
	uint64_t pid = 0;
	struct str first, rest;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		(int)getpid());
	fd = open(path, 0);
	n = read(fd, text, sizeof(text) - 1);
	rest = str_n(text, n > 0 ? (size_t)n : 0);
	if (!str_cut(&rest, ' ', &first) ||
		str_to_u64(first, INT32_MAX, &pid) < 0)
		return -1;
	return (pid_t)pid;
}

static void on_kill_time(void *ctx)
{
	kill(find_child(), SIGKILL);
}

TEST(a_kill_from_outside_is_not_the_mails_fault)
{
	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct loop_timer *t;
		struct run runs[200];
		expect_log("worker.fell");
		start(isolations[k], 1, 10000, NULL, 0);
		t = loop_timer_new(loop, on_kill_time, NULL);
		submit(&runs[0], "trap:echo", mail_text);
		wait_all();
		for (size_t i = 1; i < COUNT(runs); i++)
			submit(&runs[i], "trap:echo", mail_text);
		loop_timer_set(t, 1);
		wait_all();
		for (size_t i = 0; i < COUNT(runs); i++) {
			is_int(runs[i].job.outcome, WORKER_PLAN, "a plan");
			drop(&runs[i]);
		}
		loop_timer_free(t);
		stop();
	}
}

TEST(workers_of_a_batch_are_replaced)
{
	struct worker_options o = { .workers = 1,
		.isolation = WORKER_BATCH,
		.batch_max = 3,
		.memory = MEMORY,
		.time_ms = 10000 };
	struct run runs[10];
	struct err err = { 0 };

	is_int(loop_new(&loop, &err), 0, "loop");
	is_int(worker_pool_new(loop, &o, &no_rules, &pool, &err), 0, err.text);
	for (size_t i = 0; i < COUNT(runs); i++)
		submit(&runs[i], "trap:echo", mail_text);
	wait_all();
	for (size_t i = 0; i < COUNT(runs); i++) {
		is_int(runs[i].job.outcome, WORKER_PLAN, "a plan");
		drop(&runs[i]);
	}
	stop();
}

TEST(an_unknown_script_breaks_the_job)
{
	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct run r;
		start(isolations[k], 1, 10000, NULL, 0);
		submit(&r, "nowhere", mail_text);
		wait_all();
		is_int(r.job.outcome, WORKER_BROKEN, "broken");
		has_text(reason_of(&r), "there is no script nowhere", "why");
		drop(&r);
		stop();
	}
}

TEST(jobs_end_with_the_pool)
{
	struct run runs[20];

	start(WORKER_BATCH, 2, 10000, NULL, 0);
	for (size_t i = 0; i < COUNT(runs); i++)
		submit(&runs[i], "trap:echo", mail_text);
	worker_pool_free(pool);
	for (size_t i = 0; i < COUNT(runs); i++) {
		is_true(runs[i].is_done, "done");
		is_int(runs[i].job.outcome, WORKER_CANCELLED, "cancelled");
		is_int(runs[i].order, i, "in order");
		drop(&runs[i]);
	}
	loop_free(loop);
	is_int(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

/* A worker that can't even allocate dies before it is ready. */
TEST(workers_that_do_not_start_break_jobs)
{
	struct worker_options o = { .workers = 2,
		.isolation = WORKER_BATCH,
		.batch_max = 3,
		.memory = 1 << 20,
		.time_ms = 1000 };
	struct run runs[3];
	struct err err = { 0 };
	int64_t began = clock_mono_ms();

	if (BOX_IS_OPEN) /* memory is not bounded */
		return;
	expect_log("worker.broken");
	is_int(loop_new(&loop, &err), 0, "loop");
	is_int(worker_pool_new(loop, &o, &no_rules, &pool, &err), 0, err.text);
	for (size_t i = 0; i < COUNT(runs); i++)
		submit(&runs[i], "trap:echo", mail_text);
	wait_all();
	for (size_t i = 0; i < COUNT(runs); i++) {
		is_int(runs[i].job.outcome, WORKER_BROKEN, "broken");
		has_text(reason_of(&runs[i]),
			"no worker starts: a worker's memory", "why");
		drop(&runs[i]);
	}
	is_true(clock_mono_ms() - began > 400, "it backs off");
	submit(&runs[0], "trap:echo", mail_text);
	is_false(runs[0].is_done, "never done within submit");
	wait_all();
	is_int(runs[0].job.outcome, WORKER_BROKEN, "later ones too");
	drop(&runs[0]);
	stop();
}

TEST(scripts_can_be_changed_while_jobs_run)
{
	static const struct worker_script scripts[] = { { "keep",
		{ "keep;", 5 }, NULL, 0 } };
	const struct worker_rules changed = { scripts, 1, STR_NULL };

	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct run runs[40];
		start(isolations[k], 2, 10000, NULL, 0);
		for (size_t i = 0; i < COUNT(runs); i++) {
			submit(&runs[i], "trap:echo", mail_text);
			if (i % 10 == 5)
				worker_pool_set_rules(pool, &changed);
		}
		wait_all();
		for (size_t i = 0; i < COUNT(runs); i++) {
			is_int(runs[i].job.outcome, WORKER_PLAN, "a plan");
			drop(&runs[i]);
		}
		stop();
	}
}

#define TEXT(literal)                                                          \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}
static const struct worker_script rules[] = {
	{ "file", TEXT("require \"fileinto\"; fileinto \"Archive\";"), NULL,
		0 },
	{ "bad", TEXT("keep; nonsense;"), NULL, 0 },
};

TEST(a_script_makes_a_plan_of_a_mail)
{
	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct run r, bad;
		start(isolations[k], 1, 10000, rules, COUNT(rules));
		submit(&r, "file", mail_text);
		submit(&bad, "bad", mail_text);
		wait_all();
		is_int(r.job.outcome, WORKER_PLAN, reason_of(&r));
		if (r.job.outcome == WORKER_PLAN) {
			is_int(r.job.plan->n_actions, 1, "one action");
			is_str(r.job.plan->actions[0].value, "Archive",
				"the folder");
			is_str(r.job.plan->script, "file", "the script's name");
		}
		is_str(r.job.message_id, "one@example.org", "Message-ID");
		is_str(r.job.subject, "Hello", "subject");
		is_int(r.job.n_references, 1, "one reference");
		if (r.job.n_references == 1)
			is_str(r.job.references[0], "zero@example.org",
				"without angles");
		is_int(r.job.identity.len, 32, "identity");
		is_int(bad.job.outcome, WORKER_BROKEN, "does not compile");
		has_text(reason_of(&bad), "script bad: line 1: ", "says where");
		drop(&r);
		drop(&bad);
		stop();
	}
}

TEST(a_mail_can_be_made_to_fell_its_worker)
{
	static const struct {
		const char *trap, *says;
	} rows[] = {
		{ "exit", "made the parser exit with status 3" },
		{ "spin", "ran out of time" },
		{ "segv", "crashed the parser (signal 11, SIGSEGV)" },
		{ "memory", "ran out of memory" },
	};

	for (size_t i = 0; i < (BOX_IS_OPEN ? 2 : COUNT(rows)); i++) {
		char text[512];
		struct run r, after;
		expect_log("worker.fell");
		snprintf(text, sizeof(text), "X-Mailmill-Trap: %s\r\n%s",
			rows[i].trap, mail_text);
		start(isolations[i % 2], 1,
			strstr(rows[i].says, "time") ? 700 : 30000, rules, 1);
		submit(&r, "file", text);
		submit(&after, "file", mail_text);
		wait_all();
		is_int(r.job.outcome, WORKER_CRASHED, rows[i].trap);
		has_text(reason_of(&r), rows[i].says, rows[i].trap);
		is_int(after.job.outcome, WORKER_PLAN, "the next goes on");
		drop(&r);
		drop(&after);
		stop();
	}
}

/* What libraries load late would be stopped by the box: all of it is loaded. */
TEST(mails_of_all_charsets_stay_in_the_box)
{
	static const char *const charsets[] = { "utf-8", "iso-8859-1",
		"iso-8859-15", "windows-1252", "koi8-r", "iso-2022-jp",
		"shift_jis", "euc-jp", "gb18030", "gb2312", "big5", "euc-kr",
		"windows-1251", "utf-7", "ibm1047", "x-nobody-knows",
		"../../etc/passwd", "hp-roman8" };
	struct run runs[COUNT(charsets)];

	start(WORKER_BATCH, 1, 10000, rules, 1);
	for (size_t i = 0; i < COUNT(charsets); i++) {
		char text[512];
		snprintf(text, sizeof(text),
			"Subject: =?%s?B?YWJj5OTk?=\r\n"
			"Date: Tue, 24 Nov 2026 22:00:00 +0100\r\n"
			"Content-Type: text/plain; charset=\"%s\"\r\n\r\n"
			"\xe4\xf6\xfc \x83\x5c \x1b$B$\"\x1b(B\r\n",
			charsets[i], charsets[i]);
		submit(&runs[i], "file", text);
	}
	wait_all();
	for (size_t i = 0; i < COUNT(charsets); i++) {
		is_int(runs[i].job.outcome, WORKER_PLAN, charsets[i]);
		if (runs[i].job.outcome != WORKER_PLAN)
			has_text(reason_of(&runs[i]), "nothing", charsets[i]);
		drop(&runs[i]);
	}
	stop();
}

/* RFC 8463, appendix A. */
static const char rfc8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	"\r\n"
	"Hi.\r\n"
	"\r\n"
	"We lost the game.  Are you hungry yet?\r\n"
	"\r\n"
	"Joe.\r\n";

static const struct key {
	const char *name, *record;
} signer_keys[] = {
	{ "brisbane._domainkey.football.example.com",
		"v=DKIM1; k=ed25519; "
		"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" },
	{ "test._domainkey.football.example.com",
		"v=DKIM1; k=rsa; "
		"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5"
		"V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W9"
		"1y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvH"
		"O9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB" },
	{ "_dmarc.football.example.com", "v=DMARC1; p=reject" },
};

static void make_key_facts(struct arena *a, struct facts *out)
{
	*out = (struct facts){ .now = 1700000000000,
		.answers = arena_array(
			a, COUNT(signer_keys), sizeof(struct facts_answer)) };
	for (size_t i = 0; i < COUNT(signer_keys); i++) {
		struct str *record = ARENA_NEW(a, struct str);
		struct plan_question q;
		*record = str_c(signer_keys[i].record);
		plan_ask_dns(a, DNS_TXT, str_c(signer_keys[i].name), &q);
		out->answers[out->n_answers++] = facts_of_dns(a, q.name,
			&(struct dns_answer){ DNS_FOUND, record, 1 });
	}
}

TEST(signatures_are_judged_in_the_box)
{
	static const struct worker_script script[] = { { "ask",
		TEXT("require [\"variables\", \"vnd.mailmill\"];\r\n"
		     "note \"${mail.auth.dkim} ${mail.auth.dmarc}\";"),
		NULL, 0 } };
	AUTO(arena) struct arena *a = arena_new();
	struct facts known;

	make_key_facts(a, &known);
	for (size_t k = 0; k < COUNT(isolations); k++) {
		struct run asks, knows;
		start(isolations[k], 1, 10000, script, COUNT(script));
		submit(&asks, "ask", rfc8463);
		submit(&knows, "ask", rfc8463);
		knows.job.facts = &known;
		wait_all();
		is_int(asks.job.outcome, WORKER_PLAN, reason_of(&asks));
		if (asks.job.outcome == WORKER_PLAN)
			is_int(asks.job.plan->n_questions, 4,
				"both keys and both DMARC records at once");
		is_int(knows.job.outcome, WORKER_PLAN, reason_of(&knows));
		is_str(str_c(note_of(&knows)), "pass pass", "it is judged");
		drop(&asks);
		drop(&knows);
		stop();
	}
}

TEST(a_mail_finds_nothing_of_the_one_before)
{
	static struct plan_pair pair = { TEXT("Id"),
		TEXT("secret of an earlier mail") };
	static struct facts_row row = { &pair, 1 };
	static struct facts_answer answer = { TEXT("q"), &row, 1 };
	struct facts secret = { .answers = &answer, .n_answers = 1 };
	struct run runs[20], self;

	if (BOX_IS_OPEN) /* its heap is elsewhere */
		return;
	start(WORKER_MESSAGE, 1, 10000, NULL, 0);
	for (size_t i = 0; i < COUNT(runs); i++) {
		submit(&runs[i], i % 2 ? "trap:peek" : "trap:echo", mail_text);
		if (i % 2 == 0)
			runs[i].job.facts = &secret;
	}
	submit(&self, "trap:peek", mail_text);
	self.job.facts = &secret;
	wait_all();
	for (size_t i = 0; i < COUNT(runs); i++) {
		has_text(note_of(&runs[i]), "155 bytes", "nothing is found");
		drop(&runs[i]);
	}
	has_text(note_of(&self), "refused with errno 17", "but its own");
	drop(&self);
	stop();
}

TEST(nothing_is_inherited)
{
	struct run r;
	int fds[2];

	is_int(pipe(fds), 0, "an open descriptor");
	start(WORKER_BATCH, 1, 10000, NULL, 0);
	submit(&r, "trap:echo", mail_text);
	wait_all();
	close(fds[1]);
	is_int(read(fds[0], &fds[1], 1), 0, "the worker does not hold it");
	close(fds[0]);
	drop(&r);
	stop();
}

#endif
