/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * diff_eval.c - evaluates many pairs of rule and mail in one process, for
 * tests/fuzz/differential.
 *
 * Reads lines "SCRIPT TAB MAIL TAB SENDER TAB RECIPIENT TAB WALL-MS" and
 * answers each with a line of JSON: {"refused": why}, or {"plan": the plan}.
 * Questions are answered by "nothing there", as on a first run. Each pair runs
 * twice: a difference between the two is a line {"unsteady": true}.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include <mailmill/file.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>

#define FILE_LEN_MAX ((size_t)64 << 20)
#define PLAN_LEN_MAX ((size_t)64 << 20)
#define ROUNDS_MAX 32

struct pair {
	struct arena *arena;
	const char *script, *mail;
	struct envelope_rcpt rcpt;
	struct envelope env;
	int64_t now;
};

static struct str field(struct str *line)
{
	struct str piece = STR_NULL;

	(void)str_cut(line, '\t', &piece);
	return piece;
}

static void read_pair(struct pair *p, struct arena *a, struct str line)
{
	*p = (struct pair){ .arena = a };
	p->script = arena_str(a, field(&line)).p;
	p->mail = arena_str(a, field(&line)).p;
	p->env.sender = field(&line);
	p->rcpt.address = field(&line);
	p->env.rcpts = &p->rcpt;
	p->env.n_rcpts = 1;
	p->env.source = STR("lmtp");
	p->env.peer = STR("file");
	must(str_to_i64(field(&line), &p->now) == 0);
	p->env.received_at = p->now;
}

/* Answers what is asked by nothing. */
static void answer(
	struct arena *a, const struct plan *plan, struct facts *facts)
{
	facts->answers = arena_grow(a, facts->answers, facts->n_answers,
		facts->n_answers + plan->n_questions, sizeof(*facts->answers));
	for (size_t i = 0; i < plan->n_questions; i++)
		facts->answers[facts->n_answers++].name =
			plan->questions[i].name;
}

static int eval(const struct pair *p, const struct sieve_script *s,
	struct plan **plan, struct buf *bytes, struct err *err)
{
	AUTO(buf) struct buf raw = BUF_INIT(FILE_LEN_MAX);
	struct facts facts = { .now = p->now, .route = STR("r") };
	struct mail *mail;

	if (file_read(p->mail, &raw, err) < 0 ||
		mail_parse(arena_str(p->arena, buf_view(&raw)), &mail, err) < 0)
		return -1;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (sieve_eval(s, mail, &p->env, &facts, p->arena, plan, err) <
			0)
			return -1;
		if (!(*plan)->n_questions)
			break;
		answer(p->arena, *plan, &facts);
	}
	plan_encode(bytes, *plan);
	mail_free(mail);
	return buf_is_over(bytes) ? err_set(err, ERR_PERM, "plan too large")
				  : 0;
}

static json_t *refusal(const struct sieve_diags *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].severity == SIEVE_ERROR)
			return json_pack("{s:o}", "refused",
				json_sprintf("%u: %.*s", d->items[i].line,
					STR_ARG(d->items[i].message)));
	return json_pack("{s:s}", "refused", "?");
}

static json_t *run(const struct pair *p)
{
	AUTO(buf) struct buf source = BUF_INIT(FILE_LEN_MAX),
			     first = BUF_INIT(PLAN_LEN_MAX),
			     again = BUF_INIT(PLAN_LEN_MAX);
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_diags diags = { .arena = p->arena };
	struct err err = { 0 };
	struct plan *plan;

	if (file_read(p->script, &source, &err) < 0)
		return json_pack("{s:s}", "trouble", err.text);
	if (sieve_compile("rule", buf_view(&source), NULL, &diags, &s) < 0)
		return refusal(&diags);
	if (eval(p, s, &plan, &first, &err) < 0 ||
		eval(p, s, &plan, &again, &err) < 0)
		return json_pack("{s:s}", "trouble", err.text);
	if (!str_eq(buf_view(&first), buf_view(&again)))
		return json_pack("{s:b}", "unsteady", 1);
	return json_pack("{s:o}", "plan", plan_to_json(plan));
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	mail_init();
	while ((len = getline(&line, &cap, stdin)) > 0) {
		AUTO(arena) struct arena *a = arena_new();
		struct pair p;
		json_t *json;

		read_pair(&p, a, str_n(line, (size_t)len - 1));
		json = run(&p);
		json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
		fflush(stdout);
		json_decref(json);
	}
	free(line);
	return EX_OK;
}
