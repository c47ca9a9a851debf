/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * svtest.c - runs tests of rules: files in the language vnd.dovecot.testsuite
 * with our additions, which ext/ext_testsuite*.c make.
 *
 * A test file is a Sieve script, run once by the interpreter. It has a current
 * message and a result of its own, which the scripts that it runs share. The
 * state here lives as long as the file: nothing that a block does is undone
 * behind it but the facts, which are the block's own.
 *
 * Two ways to run a script under test: test_script_run adds to the shared
 * result, as the public suite wants it; evaluate makes a plan like the mill
 * does, answering questions from the facts.
 */
#include <stdarg.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>

#include "svtest.h"

/* A script that asks again and again for something new. */
#define ROUNDS_MAX 32
/* The clock of all tests, so that they do not change with the day. */
#define TEST_NOW INT64_C(1795521600000) /* 2026-11-24T12:00:00Z */
#define FILE_MAX ((size_t)64 << 20)
#define REPORT_MAX ((size_t)1 << 20)

/*
 * Failures
 */

int svtest_fail(
	struct sieve_run *r, const struct sieve_node *n, const char *fmt, ...)
{
	struct svtest *t = svtest_of(r);
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(t->arena, fmt, ap);
	va_end(ap);
	if (r != t->run) /* a script under test that knows these words */
		return sieve_fail(r, "%s", text);
	t->failure = str_c(arena_printf(
		t->arena, "%s:%u: %s", t->path, n->pos.line, text));
	if (t->test) {
		r->leave = t->test;
		return SIEVE_LEAVE;
	}
	t->is_over = true;
	return SIEVE_STOP;
}

void svtest_add_error(struct svtest *t, struct str text)
{
	t->errors = arena_grow(t->arena, t->errors, t->n_errors,
		t->n_errors + 1, sizeof(*t->errors));
	t->errors[t->n_errors++] = arena_str(t->arena, text);
}

void svtest_tell(struct svtest *t, const struct sieve_test_block *b)
{
	t->n_failed += !b->is_passed;
	if (t->host->tell)
		t->host->tell(t->host->ctx, b);
}

void svtest_print(struct svtest *t, struct str text)
{
	if (t->host->print)
		t->host->print(t->host->ctx, text);
}

/*
 * The current message
 */

static struct str first_address(struct svtest *t, const char *const *headers)
{
	struct mail *mail = t->mails[t->n_mails - 1];
	size_t n;
	const struct mail_header *all = mail_headers(mail, &n);

	for (; *headers; headers++) {
		for (size_t i = 0; i < n; i++) {
			struct mail_address *list;
			if (!str_eq_case(all[i].name, str_c(*headers)))
				continue;
			if (str_eq(str_trim(all[i].raw), STR("<>")))
				return STR("");
			if (mail_addresses(t->arena, all[i].raw, &list) &&
				list[0].is_valid)
				return list[0].address;
		}
	}
	return STR_NULL;
}

static void set_envelope(struct svtest *t)
{
	static const char *const from[] = { "return-path", "sender", "from",
		NULL };
	static const char *const to[] = { "envelope-to", "to", NULL };
	struct str sender = first_address(t, from);
	struct str rcpt = first_address(t, to);

	t->env = (struct envelope){
		.sender = sender.p ? sender : STR("sender@example.com"),
		.source = STR("test"),
		.peer = STR("file"),
		.received_at = TEST_NOW,
	};
	t->env.rcpts = ARENA_NEW(t->arena, struct envelope_rcpt);
	t->env.rcpts[0].address = rcpt.len ? rcpt
					   : STR("recipient@example.com");
	t->env.n_rcpts = 1;
}

int svtest_set_mail(struct svtest *t, struct str raw, struct err *err)
{
	struct mail *mail;

	if (mail_parse(arena_str(t->arena, raw), &mail, err) < 0)
		return -1;
	t->mails = mem_resize(t->mails, (t->n_mails + 1) * sizeof(*t->mails));
	t->mails[t->n_mails++] = mail;
	t->stored = NULL;
	set_envelope(t);
	if (!t->run)
		return 0;
	sieve_run_set_mail(t->run, mail, &t->env);
	t->run->mail_flags = (struct sieve_values){ 0 };
	return 0;
}

static int read_path(const struct sieve_test_host *host, const char *path,
	struct buf *out, struct err *err)
{
	return host->read ? host->read(host->ctx, path, out, err)
			  : file_read(path, out, err);
}

/* "${tst.path}/x" is whole already, though it may be relative. */
static bool is_whole(const struct svtest *t, struct str path)
{
	struct str own = str_c(t->path);
	ssize_t slash = str_rchr(own, '/');

	return slash >= 0 &&
	       str_starts(path, str_sub(own, 0, (size_t)slash + 1));
}

int svtest_read(
	struct svtest *t, struct str path, struct str *out, struct err *err)
{
	AUTO(buf) struct buf raw = BUF_INIT(FILE_MAX);
	AUTO(bytes) char *name = str_dup(path);
	AUTO(bytes)
	char *whole = is_whole(t, path) ? str_dup(path)
					: file_beside(t->path, name);

	if (read_path(t->host, whole, &raw, err) < 0)
		return -1;
	*out = arena_str(t->arena, buf_view(&raw));
	return 0;
}

int svtest_read_mail(struct svtest *t, struct str path, struct err *err)
{
	struct str raw;

	if (svtest_read(t, path, &raw, err) < 0)
		return -1;
	return svtest_set_mail(t, raw, err);
}

/*
 * Scripts under test
 */

static void keep_diags(struct svtest *t, const char *name,
	const struct sieve_diags *diags, struct buf *report)
{
	for (size_t i = 0; i < diags->n; i++) {
		if (report)
			sieve_diag_print(report, name, &diags->items[i]);
		if (diags->items[i].severity == SIEVE_ERROR)
			svtest_add_error(t, diags->items[i].message);
	}
}

void svtest_complain(struct sieve_run *r, struct str text)
{
	svtest_add_error(svtest_of(r), text);
}

int svtest_compile(struct svtest *t, struct str path, struct buf *report)
{
	AUTO(bytes) char *name = str_dup(path);
	struct sieve_diags diags = { .arena = t->arena };
	struct sieve_script *script;
	struct str source;
	struct err err = { 0 };

	t->n_errors = 0;
	if (svtest_read(t, path, &source, &err) < 0) {
		svtest_add_error(t, str_c(err.text));
		if (report)
			buf_printf(report, "%s\n", err.text);
		return -1;
	}
	if (sieve_compile_for(
		    true, name, source, t->settings, &diags, &script) < 0) {
		keep_diags(t, name, &diags, report);
		/* the public suite counts a closing line for each failure */
		svtest_add_error(t, STR("the script cannot be used"));
		return -1;
	}
	t->scripts = mem_resize(
		t->scripts, (t->n_scripts + 1) * sizeof(*t->scripts));
	t->scripts[t->n_scripts++] = script;
	t->script = script;
	return 0;
}

static bool has_pair(const struct svtest_fact *f, struct plan_pair want)
{
	for (size_t i = 0; i < f->n_where; i++)
		if (str_eq_case(f->where[i].name, want.name) &&
			str_eq_case(f->where[i].value, want.value))
			return true;
	return false;
}

/* Does a mail of this thread have what the fact names: id, token, subject? */
static bool is_thread(
	const struct svtest_fact *f, const struct plan_question *q)
{
	struct str known = f->n_where ? f->where[0].value : STR_NULL;

	for (size_t i = 0; i < q->n_ids; i++)
		if (str_eq(known, q->ids[i]))
			return true;
	for (size_t i = 0; i < q->n_tokens; i++)
		if (str_eq(known, q->tokens[i].value))
			return true;
	return !f->n_where || (q->subject.len && str_eq(known, q->subject));
}

static bool fits(const struct svtest_fact *f, const struct plan_question *q)
{
	if (f->kind != q->kind || !str_eq_case(f->object, q->object))
		return false;
	if (q->kind == PLAN_THREAD)
		return is_thread(f, q);
	if (f->n_where != q->n_where)
		return false;
	for (size_t i = 0; i < q->n_where; i++)
		if (!has_pair(f, q->where[i]))
			return false;
	return true;
}

/* What a block says comes first; a zone that was not given has no names. */
static void answer_dns(
	struct svtest *t, const struct plan_question *q, struct facts_answer *a)
{
	struct dns_answer found;
	enum dns_type type;
	struct str name;

	if (plan_read_dns(q, &type, &name) < 0 ||
		dns_zone_lookup(t->block_zone, type, name, &found) < 0)
		return;
	if (found.status == DNS_NO_NAME)
		(void)dns_zone_lookup(t->zone, type, name, &found);
	*a = facts_of_dns(t->arena, q->name, &found);
}

static void answer(
	struct svtest *t, const struct plan_question *q, struct facts_answer *a)
{
	a->name = q->name;
	if (q->kind == PLAN_DNS) {
		answer_dns(t, q, a);
		return;
	}
	if (q->kind == PLAN_SEEN) {
		a->n_rows = svtest_has_mark(t, q->object);
		a->rows = arena_array(t->arena, a->n_rows, sizeof(*a->rows));
	}
	for (size_t i = 0; i < t->n_fact_rows; i++) {
		if (!fits(&t->fact_rows[i], q))
			continue;
		a->rows = arena_grow(t->arena, a->rows, a->n_rows,
			a->n_rows + 1, sizeof(*a->rows));
		a->rows[a->n_rows++] = t->fact_rows[i].row;
	}
}

static void add_answer(
	struct svtest *t, struct facts *facts, const struct plan_question *q)
{
	facts->answers = arena_grow(t->arena, facts->answers, facts->n_answers,
		facts->n_answers + 1, sizeof(*facts->answers));
	answer(t, q, &facts->answers[facts->n_answers++]);
}

const struct facts_answer *svtest_answer(
	struct sieve_run *r, const struct plan_question *q)
{
	struct facts_answer *a = ARENA_NEW(r->arena, struct facts_answer);

	answer(svtest_of(r), q, a);
	return a;
}

int svtest_evaluate(struct svtest *t, struct err *err)
{
	struct facts facts = t->facts;
	struct plan *plan;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct mail *mail = t->mails[t->n_mails - 1];
		if (sieve_eval(t->script, mail, &t->env, &facts, t->arena,
			    &plan, err) < 0)
			return -1;
		if (plan->n_questions == 0) {
			t->plan = plan;
			return 0;
		}
		for (size_t k = 0; k < plan->n_questions; k++)
			add_answer(t, &facts, &plan->questions[k]);
	}
	return err_set(err, ERR_PERM, "the script still asks after %d rounds",
		ROUNDS_MAX);
}

void svtest_reset_result(struct svtest *t)
{
	t->run->plan = ARENA_NEW(t->arena, struct plan);
	t->run->has_flags = false;
	t->run->first_own = t->n_done = t->n_marked = 0;
	t->run->is_kept = true;
	t->run->n_redirects = 0;
}

/*
 * The file itself
 */

static void tell_file(struct svtest *t, struct str why)
{
	svtest_tell(t, &(struct sieve_test_block){ .why = why });
}

static void report_compile(struct svtest *t, const struct sieve_diags *diags)
{
	AUTO(buf) struct buf b = BUF_INIT(REPORT_MAX);

	for (size_t i = 0; i < diags->n; i++)
		sieve_diag_print(&b, t->path, &diags->items[i]);
	tell_file(t, buf_view(&b));
}

static int run_file(
	struct svtest *t, const struct sieve_script *script, struct err *err)
{
	int flow;

	t->run = sieve_run_new(
		script, t->mails[0], &t->env, &t->facts, t->arena, err);
	t->run->host = t;
	t->run->answer = svtest_answer;
	t->run->complain = svtest_complain;
	t->run->settings = t->settings;
	t->run->limits = &t->settings->limits;
	/* a suite is longer than a rule; the count is for one script */
	t->run->steps = UINT64_MAX;
	flow = sieve_run_script(t->run);
	if (flow == SIEVE_FAILED)
		tell_file(t, t->run->plan->fail);
	else if (t->is_over)
		tell_file(t, t->failure);
	sieve_run_fini(t->run);
	return t->n_failed ? 1 : 0;
}

static int run_source(struct svtest *t, struct str source, struct err *err)
{
	static const char first[] = "From: sender@example.com\r\n"
				    "To: recipient@example.org\r\n"
				    "Subject: Frop!\r\n\r\nFriep!\r\n";
	AUTO(sieve) struct sieve_script *script = NULL;
	struct sieve_diags diags = { .arena = t->arena };

	if (sieve_compile_test(t->path, source, t->settings, &diags, &script) <
		0) {
		report_compile(t, &diags);
		return 1;
	}
	if (svtest_set_mail(t, str_c(first), err) < 0)
		return -1;
	return run_file(t, script, err);
}

int sieve_test_file(
	const char *path, const struct sieve_test_host *host, struct err *err)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(buf) struct buf source = BUF_INIT(FILE_MAX);
	struct svtest t = {
		.arena = arena,
		.path = path,
		.host = host,
		.facts = { .now = TEST_NOW, .route = STR("test") },
	};
	int rc;

	if (read_path(host, path, &source, err) < 0)
		return -1;
	t.zone = dns_zone_new();
	t.block_zone = dns_zone_new();
	svtest_config_reload(&t);
	svtest_make_folder(&t, STR("INBOX"));
	rc = run_source(&t, buf_view(&source), err);
	for (size_t i = 0; i < t.n_scripts; i++)
		sieve_free(t.scripts[i]);
	for (size_t i = 0; i < t.n_mails; i++)
		mail_free(t.mails[i]);
	dns_zone_free(t.zone);
	dns_zone_free(t.block_zone);
	free(t.scripts);
	free(t.mails);
	return rc;
}

/*
 * Lines for people
 */

struct str sieve_test_name(const struct sieve_test_block *block)
{
	if (block->name.len)
		return block->name;
	return block->line ? STR("(without a name)") : STR("the file itself");
}

void sieve_test_show(
	struct buf *out, const char *path, const struct sieve_test_block *block)
{
	struct str why = block->why, line;

	if (block->is_passed) {
		buf_printf(out, "ok   %s: %.*s\n", path, STR_ARG(block->name));
		return;
	}
	buf_printf(
		out, "FAIL %s: %.*s\n", path, STR_ARG(sieve_test_name(block)));
	while (str_cut_line(&why, &line))
		buf_printf(out, "     %.*s\n", STR_ARG(line));
}

struct report {
	const char *path;
	bool is_verbose;
	struct buf *out;
	struct sieve_test_result *result;
};

static void show_block(void *ctx, const struct sieve_test_block *block)
{
	struct report *r = ctx;

	r->result->passed += block->is_passed;
	r->result->failed += !block->is_passed;
	if (r->is_verbose || !block->is_passed)
		sieve_test_show(r->out, r->path, block);
}

static void show_text(void *ctx, struct str text)
{
	struct report *r = ctx;

	buf_str(r->out, text);
}

int sieve_test(const char *path, bool is_verbose, struct buf *out,
	struct sieve_test_result *result, struct err *err)
{
	struct report report = { path, is_verbose, out, result };
	struct sieve_test_host host = {
		.ctx = &report,
		.tell = show_block,
		.print = show_text,
	};

	*result = (struct sieve_test_result){ 0 };
	return sieve_test_file(path, &host, err);
}
