/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_sieve.c - any bytes as a script: lexer, parser, checker, findings; and
 * what is right is run on a mail.
 */
#include <mailmill/buf.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>

static const char raw[] = "From: Ann <ann+x@example.org>\r\n"
			  "To: bob@example.com, carl@example.net\r\n"
			  "Subject: =?utf-8?q?J=C3=BCrgen?= 1234\r\n"
			  "X-Raw: \xff\xfe\r\n"
			  "References: <a@x> <\x01@y>\r\n"
			  "MIME-Version: 1.0\r\n"
			  "Content-Type: multipart/mixed; boundary=b\r\n"
			  "\r\n"
			  "pre\r\n--b\r\n\r\nOrder: 12\r\n--b\r\n"
			  "Content-Type: image/png; name=\"a/\x01.png\"\r\n"
			  "Content-Transfer-Encoding: x-odd\r\n\r\n"
			  "\xff\x00x\r\n--b--\r\npost\r\n";

/* Whatever a rule does, its plan is one that the mill's side can read. */
static void check_plan(struct arena *a, const struct plan *plan)
{
	AUTO(buf) struct buf b = BUF_INIT((size_t)64 << 20);
	struct plan *copy;
	struct err err = { 0 };

	plan_encode(&b, plan);
	must(!buf_is_over(&b));
	must(plan_decode(a, buf_view(&b), &copy, &err) == 0);
}

/* Answers every other question by nothing, the others by a row. */
static void answer(
	struct arena *a, const struct plan *plan, struct facts *facts)
{
	static struct plan_pair pairs[] = {
		{ { "Id", 2 }, { "500000000000001", 15 } },
		{ { "AccountId", 9 }, { "001\xff", 4 } },
	};
	static struct facts_row rows[] = { { pairs, 2 }, { pairs, 2 } };

	for (size_t i = 0; i < plan->n_questions; i++) {
		facts->answers = arena_grow(a, facts->answers, facts->n_answers,
			facts->n_answers + 1, sizeof(*facts->answers));
		facts->answers[facts->n_answers++] = (struct facts_answer){
			.name = plan->questions[i].name,
			.rows = rows,
			.n_rows = i % 3,
		};
	}
}

static void run(const struct sieve_script *s)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	struct envelope env = { .sender = STR("x@example.org") };
	struct facts facts = { 0 };
	struct plan *plan;
	struct err err = { 0 };

	if (mail_parse(str_n(raw, sizeof(raw) - 1), &mail, &err) < 0)
		return;
	for (int i = 0; i < 4; i++) {
		if (sieve_eval(s, mail, &env, &facts, a, &plan, &err) < 0)
			return;
		check_plan(a, plan);
		answer(a, plan, &facts);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_settings settings = *sieve_settings_default();
	struct sieve_diags diags = { .arena = a };
	AUTO(buf) struct buf out = BUF_INIT((size_t)1 << 20);
	int rc;

	mail_init();
	settings.limits.steps = 100000;
	rc = sieve_compile(
		"fuzz", str_n((const char *)data, size), &settings, &diags, &s);
	for (size_t i = 0; i < diags.n; i++)
		sieve_diag_print(&out, "fuzz", &diags.items[i]);
	if (rc == 0)
		run(s);
	return 0;
}
