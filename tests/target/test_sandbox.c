/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_sandbox.c - the Salesforce target against `mailmill sandbox`, which
 * another hand wrote: logins, describes, questions, plans, files, and every
 * fault that the sandbox knows, with and without external ids.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <mailmill/clock.h>
#include <mailmill/conf.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/httpc.h>
#include <mailmill/loop.h>
#include <mailmill/proc.h>
#include <mailmill/target.h>

#include "../../src/target/salesforce/salesforce.h"
#include "test.h"

struct box {
	pid_t pid;
	char *folder, *url;
	struct httpc *http;
	struct loop *loop;
	struct loop_timer *timer;
	struct conf *conf;
	struct target *target;
	unsigned n_open;
	bool is_late;
	const char *ca_file;
};

/* ---- the sandbox ------------------------------------------------------ */

static void on_done(struct httpc_call *call)
{
	*(bool *)call->ctx = true;
}

/* Calls the sandbox's own pages. Gives: the answer's JSON, or NULL. */
static json_t *call_box(
	struct box *b, const char *method, const char *path, const char *body)
{
	static const char *const headers[] = {
		"Content-Type: application/json"
	};
	AUTO(bytes) char *url = mem_printf("%s%s", b->url, path);
	bool is_done = false;
	struct httpc_call call = { .method = method,
		.url = url,
		.headers = headers,
		.n_headers = 1,
		.body = str_c(body),
		.timeout_ms = 5000,
		.answer_max = 1 << 24,
		.done = on_done,
		.ctx = &is_done };
	json_t *json;

	httpc_start(b->http, &call);
	while (!is_done)
		httpc_run(b->http, 100);
	if (call.outcome != HTTPC_ANSWERED || call.status >= 300)
		test_fail(__FILE__, __LINE__, "%s %s: %d %s %s", method, path,
			call.status, call.err.text,
			call.body_in.p ? call.body_in.p : "");
	json = json_loadb(call.body_in.p ? call.body_in.p : "",
		call.body_in.len, 0, NULL);
	httpc_call_fini(&call);
	return json;
}

static int64_t count_records(struct box *b, const char *object)
{
	json_t *json = call_box(b, "GET", "/sandbox/stats", NULL);
	int64_t n = json_integer_value(
		json_object_get(json_object_get(json, "records"), object));

	json_decref(json);
	return n;
}

static int64_t count_calls(struct box *b)
{
	json_t *json = call_box(b, "GET", "/sandbox/stats", NULL);
	int64_t n = json_integer_value(json_object_get(json, "api_calls"));

	json_decref(json);
	return n;
}

static void order_fault(struct box *b, const char *text)
{
	json_decref(call_box(b, "POST", "/sandbox/faults", text));
}

static void be_late(void *ctx)
{
	struct box *b = ctx;

	b->is_late = true;
	loop_stop(b->loop);
}

/* Its greeting has no place among the results. */
static pid_t spawn_quiet(const char *const *argv)
{
	int ours = fcntl(1, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct err err;
	pid_t pid;

	fflush(stdout);
	must(ours >= 0 && null >= 0 && dup2(null, 1) == 1);
	pid = proc_spawn(argv, NULL, NULL, 0, &err);
	must(dup2(ours, 1) == 1);
	close(ours);
	close(null);
	return pid;
}

static void start_box(struct box *b, const char *const *more, size_t n_more)
{
	char name[] = "/tmp/mailmill-target-XXXXXX";
	const char *exe = getenv("MAILMILL_EXE");
	AUTO(bytes) char *ready = NULL;
	const char *argv[16] = { exe, "sandbox", "--listen", "127.0.0.1:0",
		"--ready-file" };
	struct httpc_conf conf = { .connect_ms = 2000, .ca_file = b->ca_file };
	AUTO(buf) struct buf url = BUF_INIT(1000);
	struct err err = { 0 };
	size_t n = 6;

	must(exe && mkdtemp(name));
	b->folder = mem_strdup(name);
	ready = mem_printf("%s/ready", name);
	argv[5] = ready;
	for (size_t i = 0; i < n_more; i++)
		argv[n++] = more[i];
	b->pid = spawn_quiet(argv);
	must(b->pid > 0);
	for (int i = 0; i < 1000 && file_read(ready, &url, &err); i++)
		usleep(10000);
	must(url.len > 0);
	b->url = str_dup(str_trim(buf_view(&url)));
	must(httpc_new(&conf, &b->http, &err) == 0);
	must(loop_new(&b->loop, &err) == 0);
	b->timer = loop_timer_new(b->loop, be_late, b);
}

static void open_target_with(struct box *b, const char *auth)
{
	static const struct conf_schema *const schemas[] = { &sf_schema, NULL };
	AUTO(bytes) char *text = NULL;
	struct err err = { 0 };

	setenv("MAILMILL_TEST_SECRET", "sandbox", 1);
	text = mem_printf("salesforce \"test\" {\n"
			  "login_url = \"%s\"\n"
			  "client_id = \"sandbox\"\n"
			  "timeout = \"1s\"\n%s}\n",
		b->url, auth);
	if (conf_parse(
		    "test", str_c(text), schemas, NULL, NULL, &b->conf, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	must(target_open(conf_first(b->conf), b->loop, &b->target, &err) == 0);
}

static const char by_secret[] = "auth = \"client_credentials\"\n"
				"client_secret = \"env:MAILMILL_TEST_SECRET\""
				"\n";

static void stop_box(struct box *b)
{
	struct err err;

	target_close(b->target);
	conf_free(b->conf);
	loop_timer_free(b->timer);
	loop_free(b->loop);
	httpc_free(b->http);
	kill(b->pid, SIGTERM);
	while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
		;
	file_remove_tree(b->folder, &err);
	free(b->folder);
	free(b->url);
}

static void wait_all(struct box *b)
{
	struct err err;

	loop_timer_set(b->timer, 20000);
	if (b->n_open > 0)
		must(loop_run(b->loop, &err) == 0);
	loop_timer_stop(b->timer);
	is_false(b->is_late, "all ends in time");
}

/* ---- mails ------------------------------------------------------------ */

struct mail {
	struct box *box;
	struct target_job job;
	struct plan plan;
	struct plan_record records[2];
	struct plan_field case_fields[3], message_fields[5];
	struct plan_file file;
};

static void on_job(struct target_job *job)
{
	struct mail *m = job->ctx;

	if (--m->box->n_open == 0)
		loop_stop(m->box->loop);
}

#define TEXT(field, text)                                                      \
	(struct plan_field)                                                    \
	{                                                                      \
		.name = STR(field), .value = text                              \
	}

static struct mail *make_mail(struct box *b, unsigned number)
{
	struct mail *m = NEW(struct mail);
	struct arena *a = arena_new();

	m->box = b;
	m->job.arena = a;
	m->case_fields[0] = TEXT("Subject",
		str_c(arena_printf(a, "Mail %u, \"quoted\" \xc3\xa4", number)));
	m->case_fields[1] = TEXT("SuppliedEmail", STR("ann@example.org"));
	m->case_fields[2] = TEXT("Description",
		STR("I was told to write @{case.id} and @{none.id}.\n\x01"));
	m->message_fields[0] = (struct plan_field){ .name = STR("ParentId"),
		.kind = PLAN_REF,
		.value = STR("case"),
		.ref_field = STR("Id") };
	m->message_fields[1] = TEXT("TextBody", STR("Hello.\r\n"));
	m->message_fields[2] = TEXT("Incoming", STR("true"));
	m->message_fields[3] = TEXT(
		"MessageDate", STR("2026-11-24T22:36:46+01:00"));
	m->message_fields[4] = TEXT("MessageIdentifier",
		str_c(arena_printf(a, "<%u@example.org>", number)));
	m->records[0] = (struct plan_record){ .op = PLAN_CREATE,
		.name = STR("case"),
		.object = STR("Case"),
		.key = str_c(arena_printf(a, "case%u", number)),
		.fields = m->case_fields,
		.n_fields = COUNT(m->case_fields) };
	m->records[1] = (struct plan_record){ .op = PLAN_CREATE,
		.name = STR("message"),
		.object = STR("EmailMessage"),
		.key = str_c(arena_printf(a, "message%u", number)),
		.fields = m->message_fields,
		.n_fields = COUNT(m->message_fields) };
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
	m->box->n_open++;
	target_apply(m->box->target, &m->job);
}

static void free_mail(struct mail *m)
{
	arena_free(m->job.arena);
	free(m);
}

/* As the mill does, with less patience. Returns: how many are done. */
static unsigned deliver(struct box *b, struct mail **mails, unsigned n)
{
	bool is_over = false;
	unsigned n_done = 0;

	for (unsigned i = 0; i < n; i++)
		send_mail(mails[i]);
	wait_all(b);
	for (unsigned round = 0; round < 8 && !is_over; round++) {
		int64_t wait_ms = 0;

		for (unsigned i = 0; i < n; i++)
			if (mails[i]->job.outcome == TARGET_RETRY)
				wait_ms = MAX(wait_ms, mails[i]->job.retry_ms);
		usleep((unsigned)MIN(wait_ms, 2500) * 1000);
		is_over = true;
		for (unsigned i = 0; i < n; i++) {
			if (mails[i]->job.outcome != TARGET_RETRY)
				continue;
			is_over = false;
			mails[i]->job.attempts++;
			send_mail(mails[i]);
		}
		wait_all(b);
	}
	for (unsigned i = 0; i < n; i++)
		n_done += mails[i]->job.outcome == TARGET_DONE;
	return n_done;
}

/* ---- tests ------------------------------------------------------------ */

TEST(a_thousand_mails_take_few_calls)
{
	enum {
		N = 1050
	};
	static struct mail *mails[N];
	struct box b = { 0 };
	int64_t began, ms, n_calls;

	start_box(&b, NULL, 0);
	open_target_with(&b, by_secret);
	for (unsigned i = 0; i < N; i++)
		mails[i] = make_mail(&b, i);
	began = clock_mono_ms();
	is_int(deliver(&b, mails, N), N, "all are done");
	ms = clock_mono_ms() - began;
	n_calls = count_calls(&b);
	printf("# %d mails in %lld ms, %lld calls\n", N, (long long)ms,
		(long long)n_calls);
	is_true(n_calls <= 25, "at most 25 calls");
	is_int(count_records(&b, "Case"), N, "one Case a mail");
	is_int(count_records(&b, "EmailMessage"), N, "one EmailMessage a mail");
	for (unsigned i = 0; i < N; i++) {
		if (mails[i]->job.outcome != TARGET_DONE)
			test_fail(__FILE__, __LINE__, "%.*s",
				STR_ARG(mails[i]->job.reason));
		free_mail(mails[i]);
	}
	stop_box(&b);
}

static void run_faults(const char *const *more, size_t n_more)
{
	static const struct {
		const char *name, *order;
	} rows[] = {
		{ "reset before",
			"{\"call\":\"graph\",\"fault\":\"reset_before\","
			"\"times\":1}" },
		{ "reset after",
			"{\"call\":\"graph\",\"fault\":\"reset_after\","
			"\"times\":2}" },
		{ "time-out after",
			"{\"call\":\"graph\",\"fault\":\"timeout_after\","
			"\"times\":1,\"ms\":3000}" },
		{ "half a body", "{\"call\":\"graph\",\"fault\":\"half_body\","
				 "\"times\":1}" },
		{ "HTML",
			"{\"call\":\"graph\",\"fault\":\"html\",\"times\":1}" },
		{ "500 after commit",
			"{\"call\":\"graph\",\"fault\":\"500_after_commit\","
			"\"times\":1}" },
		{ "500", "{\"call\":\"graph\",\"fault\":\"500\",\"times\":1}" },
		{ "502", "{\"call\":\"graph\",\"fault\":\"502\",\"times\":1}" },
		{ "401", "{\"call\":\"any\",\"fault\":\"401\",\"times\":1}" },
		{ "503", "{\"call\":\"graph\",\"fault\":\"503\",\"times\":1,"
			 "\"retry_after\":1}" },
		{ "429", "{\"call\":\"graph\",\"fault\":\"429\",\"times\":1,"
			 "\"retry_after\":1}" },
		{ "locked row", "{\"call\":\"graph\",\"fault\":\"lock_row\","
				"\"times\":2}" },
		{ "rollback", "{\"call\":\"graph\",\"fault\":\"rollback\","
			      "\"times\":1}" },
		{ "the look fails too",
			"[{\"call\":\"graph\",\"fault\":\"reset_after\","
			"\"times\":1},{\"call\":\"query\",\"fault\":\"html\","
			"\"times\":1}]" },
	};
	struct box b = { 0 };
	unsigned number = 0;

	expect_log("target.budget");
	start_box(&b, more, n_more);
	open_target_with(&b, by_secret);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct mail *mails[30];

		order_fault(&b, rows[i].order);
		for (unsigned k = 0; k < 30; k++)
			mails[k] = make_mail(&b, number++);
		is_int(deliver(&b, mails, 30), 30, rows[i].name);
		is_int(count_records(&b, "Case"), number, rows[i].name);
		is_int(count_records(&b, "EmailMessage"), number, rows[i].name);
		for (unsigned k = 0; k < 30; k++) {
			if (mails[k]->job.outcome != TARGET_DONE)
				test_fail(__FILE__, __LINE__, "%s: %.*s",
					rows[i].name,
					STR_ARG(mails[k]->job.reason));
			else if (!sf_is_id(mails[k]->job.records[1].id))
				test_fail(__FILE__, __LINE__,
					"%s: no id of the message",
					rows[i].name);
			free_mail(mails[k]);
		}
		json_decref(call_box(&b, "DELETE", "/sandbox/faults", NULL));
	}
	stop_box(&b);
}

TEST(faults_double_nothing_with_external_ids)
{
	run_faults(NULL, 0);
}

TEST(faults_double_nothing_with_plain_keys)
{
	static const char *const more[] = { "--no-external-id",
		"Case,EmailMessage,ContentVersion", "--strict-updates" };

	run_faults(more, COUNT(more));
}

TEST(a_refusal_is_told_and_concerns_one)
{
	struct box b = { 0 };
	struct mail *m[3];

	start_box(&b, NULL, 0);
	open_target_with(&b, by_secret);
	for (unsigned i = 0; i < 3; i++)
		m[i] = make_mail(&b, i);
	/* a Contact that is none: Salesforce decides, not we */
	m[1]->case_fields[1] = TEXT("ContactId", STR("003000000000009AAA"));
	is_int(deliver(&b, m, 3), 2, "the others are done");
	is_int(m[1]->job.outcome, TARGET_REFUSED, "one is refused");
	has_text(m[1]->job.reason.p, "Case \"case\"", "which record");
	printf("# %.*s\n", STR_ARG(m[1]->job.reason));
	is_int(count_records(&b, "Case"), 2, "nothing is left of it");
	is_int(count_records(&b, "EmailMessage"), 2, "nor of its mail");
	for (unsigned i = 0; i < 3; i++)
		free_mail(m[i]);
	stop_box(&b);
}

/* More than one graph holds: pieces, one after the other. */
TEST(a_long_plan_goes_in_steps)
{
	enum {
		N = 1101
	};
	static const char *const plain[] = { "--no-external-id",
		"Case,EmailMessage", "--strict-updates" };

	for (int is_plain = 0; is_plain < 2; is_plain++) {
		struct box b = { 0 };
		struct mail *m;
		struct plan_record *records;

		start_box(&b, plain, is_plain ? COUNT(plain) : 0);
		open_target_with(&b, by_secret);
		m = make_mail(&b, 1);
		records = arena_array(m->job.arena, N, sizeof(*records));
		records[0] = m->records[0];
		for (unsigned i = 1; i < N; i++) {
			records[i] = m->records[1];
			records[i].name = str_c(
				arena_printf(m->job.arena, "row%u", i));
			records[i].key = str_c(
				arena_printf(m->job.arena, "key%u", i));
		}
		m->plan.records = records;
		m->plan.n_records = N;
		order_fault(&b, "{\"call\":\"graph\",\"fault\":\"reset_after\","
				"\"after\":1,\"times\":1}");
		is_int(deliver(&b, &m, 1), 1,
			"done, though an answer was lost");
		is_int(count_records(&b, "Case"), 1, "one Case");
		is_int(count_records(&b, "EmailMessage"), N - 1,
			"and each row once");
		if (m->job.outcome == TARGET_DONE)
			is_true(sf_is_id(m->job.records[N - 1].id),
				"with its id");
		free_mail(m);
		stop_box(&b);
	}
}

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
	must(file_write_all(fd, coded->p, coded->len) == 0);
	return fd;
}

static void run_files(const char *const *more, size_t n_more)
{
	static const struct {
		const char *name, *order;
	} rows[] = {
		{ "as it should", NULL },
		{ "reset after",
			"{\"call\":\"upload\",\"fault\":\"reset_after\","
			"\"times\":1}" },
		{ "reset before",
			"{\"call\":\"upload\",\"fault\":\"reset_before\","
			"\"times\":1}" },
		{ "half a body", "{\"call\":\"upload\",\"fault\":\"half_body\","
				 "\"times\":1}" },
		{ "401",
			"{\"call\":\"upload\",\"fault\":\"401\",\"times\":1}" },
		{ "500 after commit",
			"{\"call\":\"upload\",\"fault\":\"500_after_commit\","
			"\"times\":1}" },
	};
	AUTO(buf) struct buf plain = BUF_INIT(4 << 20);
	AUTO(buf) struct buf coded = BUF_INIT(8 << 20);
	AUTO(fd) int fd = make_body(&plain, &coded);
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];
	struct box b = { 0 };

	hash_bytes(buf_view(&plain), digest);
	hash_hex(digest, hex);
	start_box(&b, more, n_more);
	open_target_with(&b, by_secret);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct mail *m = make_mail(&b, i);

		if (rows[i].order)
			order_fault(&b, rows[i].order);
		m->job.fd = fd;
		m->file = (struct plan_file){ .name = STR("a \"b\".bin"),
			.type = STR("application/x-thing"),
			.len = coded.len,
			.encoding = STR("base64"),
			.size = plain.len,
			.sha256 = str_c(hex) };
		m->records[0].files = &m->file;
		m->records[0].n_files = 1;
		m->records[1].files = &m->file;
		m->records[1].n_files = 1;
		is_int(deliver(&b, &m, 1), 1, rows[i].name);
		is_int(count_records(&b, "ContentVersion"), 2 * (i + 1),
			rows[i].name);
		is_int(count_records(&b, "Case"), i + 1, rows[i].name);
		if (m->job.outcome != TARGET_DONE ||
			m->job.records[0].n_files != 1)
			test_fail(__FILE__, __LINE__, "%s: %.*s %.*s",
				rows[i].name, STR_ARG(m->job.reason),
				STR_ARG(m->job.answer));
		free_mail(m);
	}
	stop_box(&b);
}

TEST(files_are_there_once_with_a_key)
{
	run_files(NULL, 0);
}

TEST(files_are_there_once_with_a_plain_key)
{
	static const char *const more[] = { "--no-external-id",
		"Case,EmailMessage,ContentVersion" };

	run_files(more, COUNT(more));
}

TEST(the_same_file_again_is_not_there_twice)
{
	struct box b = { 0 };
	struct mail *first, *second;

	start_box(&b, NULL, 0);
	open_target_with(&b, by_secret);
	first = make_mail(&b, 1);
	first->file = (struct plan_file){ .name = STR("logo.png"),
		.type = STR("image/png"),
		.is_literal = true,
		.literal = STR("\x89PNG"),
		.size = 4,
		.sha256 = STR("0f4636c78f65d3639ece5a064b5ae753e3408614a14fb18a"
			      "b4d7540d2c248543") };
	first->records[0].files = &first->file;
	first->records[0].n_files = 1;
	is_int(deliver(&b, &first, 1), 1, "the Case and its file");
	second = make_mail(&b, 2);
	second->file = first->file;
	second->records[0] = (struct plan_record){ .op = PLAN_UPDATE,
		.name = STR("case"),
		.object = STR("Case"),
		.id = first->job.records[0].id,
		.fields = second->case_fields,
		.n_fields = 1,
		.files = &second->file,
		.n_files = 1 };
	is_int(deliver(&b, &second, 1), 1, "a reply with the same logo");
	is_int(count_records(&b, "ContentVersion"), 1, "is there once");
	is_int(count_records(&b, "Case"), 1, "on one Case");
	is_int(count_records(&b, "EmailMessage"), 2, "with two mails");
	free_mail(first);
	free_mail(second);
	stop_box(&b);
}

struct question {
	struct box *box;
	struct target_ask ask;
	struct plan_question q;
	struct plan_pair where;
	struct str field;
};

static void on_ask(struct target_ask *ask)
{
	struct question *q = ask->ctx;

	if (--q->box->n_open == 0)
		loop_stop(q->box->loop);
}

static void send_question(struct question *q, struct box *b, const char *email)
{
	*q = (struct question){ .box = b };
	q->ask.arena = arena_new();
	q->ask.question = &q->q;
	q->ask.done = on_ask;
	q->ask.ctx = q;
	q->where = (struct plan_pair){ STR("Email"), str_c(email) };
	q->field = STR("LastName");
	q->q = (struct plan_question){ .kind = PLAN_FIND,
		.name = str_c(email),
		.object = STR("Contact"),
		.where = &q->where,
		.n_where = 1,
		.fields = &q->field,
		.n_fields = 1 };
	b->n_open++;
	target_ask(b->target, &q->ask);
}

TEST(questions_are_answered)
{
	static const struct {
		const char *name, *email;
		int n_rows;
	} rows[] = {
		{ "the one", "ann@example.org", 1 },
		{ "without case", "ANN@example.org", 1 },
		{ "two of them", "twin@example.org", 2 },
		{ "nobody", "nobody@example.org", 0 },
		{ "a quote", "o'neil@example.org", 1 },
		{ "an injection", "x' OR LastName != 'y", 0 },
		{ "a backslash", "a\\' OR Id != '", 0 },
		{ "beyond ASCII", "j\xc3\xbcrgen@example.org", 0 },
	};
	struct question q[COUNT(rows)];
	struct box b = { 0 };

	start_box(&b, NULL, 0);
	json_decref(call_box(&b, "POST", "/sandbox/seed",
		"{\"records\":["
		"{\"attributes\":{\"type\":\"Contact\"},\"LastName\":\"Ann\","
		"\"Email\":\"ann@example.org\"},"
		"{\"attributes\":{\"type\":\"Contact\"},\"LastName\":\"T1\","
		"\"Email\":\"twin@example.org\"},"
		"{\"attributes\":{\"type\":\"Contact\"},\"LastName\":\"T2\","
		"\"Email\":\"twin@example.org\"},"
		"{\"attributes\":{\"type\":\"Contact\"},\"LastName\":\"ON\","
		"\"Email\":\"o'neil@example.org\"}]}"));
	open_target_with(&b, by_secret);
	for (size_t i = 0; i < COUNT(rows); i++)
		send_question(&q[i], &b, rows[i].email);
	wait_all(&b);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (q[i].ask.outcome != TARGET_DONE)
			test_fail(__FILE__, __LINE__, "%s: %.*s", rows[i].name,
				STR_ARG(q[i].ask.reason));
		is_int(q[i].ask.answer.n_rows, rows[i].n_rows, rows[i].name);
		arena_free(q[i].ask.arena);
	}
	stop_box(&b);
}

TEST(jwt_logs_in)
{
	struct box b = { 0 };
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	char folder[] = "/tmp/mailmill-jwt-XXXXXX";
	AUTO(bytes) char *public = NULL, *private = NULL, *auth = NULL;
	const char *more[] = { "--jwt-cert", NULL, "--username",
		"mill@example.org" };
	struct err err;
	struct mail *m;
	FILE *f;

	must(mkdtemp(folder));
	public = mem_printf("%s/public.pem", folder);
	private = mem_printf("%s/private.pem", folder);
	f = fopen(public, "we");
	must(f && PEM_write_PUBKEY(f, rsa));
	fclose(f);
	f = fopen(private, "we");
	must(f && chmod(private, 0600) == 0 &&
		PEM_write_PrivateKey(f, rsa, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	EVP_PKEY_free(rsa);
	more[1] = public;
	start_box(&b, more, COUNT(more));
	auth = mem_printf("auth = \"jwt\"\nusername = \"mill@example.org\"\n"
			  "key = \"file:%s\"\n",
		private);
	open_target_with(&b, auth);
	m = make_mail(&b, 1);
	is_int(deliver(&b, &m, 1), 1, "and makes a Case");
	/* the org forgets all sessions: one login more, and on it goes */
	json_decref(call_box(&b, "POST", "/sandbox/expire", "{}"));
	free_mail(m);
	m = make_mail(&b, 2);
	is_int(deliver(&b, &m, 1), 1, "after all tokens expired");
	if (m->job.outcome != TARGET_DONE)
		test_fail(__FILE__, __LINE__, "%.*s", STR_ARG(m->job.reason));
	free_mail(m);
	stop_box(&b);
	file_remove_tree(folder, &err);
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(e && X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

static void make_certificate(const char *cert_path, const char *key_path)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	X509 *cert = X509_new();
	FILE *f;

	must(rsa && cert);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, rsa);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
		MBSTRING_ASC, (const unsigned char *)"sandbox", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1");
	add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
	must(X509_sign(cert, rsa, EVP_sha256()));
	f = fopen(cert_path, "we");
	must(f && PEM_write_X509(f, cert));
	fclose(f);
	f = fopen(key_path, "we");
	must(f && PEM_write_PrivateKey(f, rsa, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(rsa);
}

TEST(tls_is_verified_always)
{
	char folder[] = "/tmp/mailmill-tls-XXXXXX";
	AUTO(bytes) char *cert = NULL, *key = NULL, *auth = NULL;
	struct err err;

	must(mkdtemp(folder));
	cert = mem_printf("%s/cert.pem", folder);
	key = mem_printf("%s/key.pem", folder);
	make_certificate(cert, key);
	auth = mem_printf("%sca_file = \"%s\"\n", by_secret, cert);
	expect_log("target.login");
	for (int known = 0; known < 2; known++) {
		const char *more[] = { "--tls-cert", cert, "--tls-key", key };
		struct box b = { .ca_file = cert };
		struct mail *m;

		start_box(&b, more, COUNT(more));
		open_target_with(&b, known ? auth : by_secret);
		m = make_mail(&b, 1);
		send_mail(m);
		wait_all(&b);
		is_int(m->job.outcome, known ? TARGET_DONE : TARGET_HOLD,
			known ? "a named authority is trusted"
			      : "an unknown one is not, and that is for the "
				"operator");
		if (!known)
			has_text(m->job.reason.p, "certificate",
				"who is told why");
		is_int(count_records(&b, "Case"), known, "as it says");
		free_mail(m);
		stop_box(&b);
	}
	file_remove_tree(folder, &err);
}
