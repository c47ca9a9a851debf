/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_rules.c - what evaluating a rule costs, without process or box.
 *
 * bench_rules SCRIPT MAIL...: prints for each mail, in microseconds, what an
 * evaluation takes when the mail is parsed already and what parsing and
 * evaluating take; then what compiling takes and the bytes that a script holds.
 * As JSON: {"eval": [...], "whole": [...], "compile": us, "memory": bytes}.
 */
#include <malloc.h>
#include <stdio.h>
#include <sysexits.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>

#define RUN_MS 300
#define FILE_LEN_MAX ((size_t)64 << 20)

struct bench {
	struct str source;
	struct sieve_script *script;
	struct envelope_rcpt rcpt;
	struct envelope env;
	struct facts facts;
	struct arena *arena;
};

static struct sieve_script *compile(struct str source)
{
	AUTO(arena) struct arena *a = arena_new();
	struct sieve_diags diags = { .arena = a };
	struct sieve_script *s = NULL;
	struct buf text = BUF_INIT(FILE_LEN_MAX);

	if (sieve_compile("bench", source, NULL, &diags, &s) == 0)
		return s;
	for (size_t i = 0; i < diags.n; i++)
		sieve_diag_print(&text, "bench", &diags.items[i]);
	fwrite(text.p, 1, text.len, stderr);
	return NULL;
}

/* Answers what is asked by nothing, as on a first mail. */
static void answer(const struct plan *plan, struct facts *facts)
{
	facts->answers = mem_array(plan->n_questions, sizeof(*facts->answers));
	for (size_t i = 0; i < plan->n_questions; i++)
		facts->answers[i].name = str_c(
			str_dup(plan->questions[i].name));
	facts->n_answers = plan->n_questions;
}

static struct plan *eval(struct bench *b, struct mail *mail)
{
	struct plan *plan;
	struct err err = { 0 };

	if (sieve_eval(b->script, mail, &b->env, &b->facts, b->arena, &plan,
		    &err) < 0) {
		fprintf(stderr, "bench_rules: %s\n", err.text);
		exit(EX_SOFTWARE);
	}
	return plan;
}

static double time_eval(struct bench *b, struct mail *mail)
{
	int64_t began = clock_mono_ms(), now = began;
	size_t n = 0;

	while (now - began < RUN_MS) {
		for (int i = 0; i < 16; i++, n++) {
			(void)eval(b, mail);
			arena_reset(b->arena);
		}
		now = clock_mono_ms();
	}
	return (double)(now - began) * 1000 / (double)n;
}

static double time_whole(struct bench *b, struct str raw)
{
	int64_t began = clock_mono_ms(), now = began;
	size_t n = 0;

	while (now - began < RUN_MS) {
		for (int i = 0; i < 16; i++, n++) {
			struct mail *mail;
			struct err err = { 0 };

			must(mail_parse(raw, &mail, &err) == 0);
			(void)eval(b, mail);
			arena_reset(b->arena);
			mail_free(mail);
		}
		now = clock_mono_ms();
	}
	return (double)(now - began) * 1000 / (double)n;
}

static double time_compile(struct bench *b)
{
	int64_t began = clock_mono_ms(), now = began;
	size_t n = 0;

	for (; now - began < RUN_MS; n++) {
		sieve_free(compile(b->source));
		now = clock_mono_ms();
	}
	return (double)(now - began) * 1000 / (double)n;
}

static void bench_mail(struct bench *b, const char *path, json_t *evals,
	json_t *wholes, json_t *plans)
{
	AUTO(buf) struct buf raw = BUF_INIT(FILE_LEN_MAX);
	AUTO(mail) struct mail *mail = NULL;
	struct err err = { 0 };
	struct plan *plan;

	if (file_read(path, &raw, &err) < 0) {
		fprintf(stderr, "bench_rules: %s\n", err.text);
		exit(EX_NOINPUT);
	}
	must(mail_parse(buf_view(&raw), &mail, &err) == 0);
	b->facts.n_answers = 0;
	plan = eval(b, mail);
	if (plan->n_questions) {
		answer(plan, &b->facts);
		plan = eval(b, mail);
	}
	json_array_append_new(plans, plan_to_json(plan));
	arena_reset(b->arena);
	json_array_append_new(evals, json_real(time_eval(b, mail)));
	json_array_append_new(wholes, json_real(time_whole(b, buf_view(&raw))));
}

int main(int argc, char **argv)
{
	struct buf source = BUF_INIT(FILE_LEN_MAX);
	json_t *evals = json_array(), *wholes = json_array(),
	       *plans = json_array();
	struct err err = { 0 };
	struct bench b = { .arena = arena_new(),
		.rcpt = { .address = STR("you@example.com") },
		.env = { .sender = STR("ann@example.org"), .n_rcpts = 1 },
		.facts = { .now = 1767225600000 } };
	size_t before;

	b.env.rcpts = &b.rcpt;
	if (argc < 3 || file_read(argv[1], &source, &err) < 0) {
		fputs("usage: bench_rules SCRIPT MAIL...\n", stderr);
		return EX_USAGE;
	}
	mail_init();
	b.source = buf_view(&source);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	b.script = compile(b.source);
	if (!b.script)
		return EX_DATAERR;
	before = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	for (int i = 2; i < argc; i++)
		bench_mail(&b, argv[i], evals, wholes, plans);
	json_dumpf(json_pack("{s:o,s:o,s:f,s:I,s:o}", "eval", evals, "whole",
			   wholes, "compile", time_compile(&b), "memory",
			   (json_int_t)before, "plans", plans),
		stdout, JSON_COMPACT);
	return EX_OK;
}
