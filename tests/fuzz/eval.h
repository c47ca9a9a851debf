/* SPDX-License-Identifier: GPL-3.0-or-later */
/* eval.h - runs a script on a mail as the mill would, and tries its plan. */
#ifndef FUZZ_EVAL_H
#define FUZZ_EVAL_H

#include <mailmill/buf.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>

#define PLAN_LEN_MAX ((size_t)64 << 20)
#define ROUNDS 4
#define STEPS 100000

/* Whatever a rule does, its plan is one that the mill's side can read. */
static inline void check_plan(
	struct arena *a, const struct plan *plan, struct buf *bytes)
{
	struct plan *copy;
	struct err err = { 0 };

	buf_clear(bytes);
	plan_encode(bytes, plan);
	must(!buf_is_over(bytes));
	must(plan_decode(a, buf_view(bytes), &copy, &err) == 0);
}

/* What a rule made of the mail is a mail, of bytes that are there. */
static inline void check_messages(const struct plan *plan, struct str message)
{
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct plan_action *act = &plan->actions[i];
		AUTO(buf) struct buf b = BUF_INIT(PLAN_LEN_MAX);
		AUTO(mail) struct mail *mail = NULL;
		struct err err = { 0 };
		size_t n;

		for (size_t k = 0; k < act->n_pieces; k++)
			must(act->pieces[k].literal.len ||
				act->pieces[k].offset + act->pieces[k].len <=
					message.len);
		plan_pieces_write(&b, act->pieces, act->n_pieces, message);
		must(!buf_is_over(&b));
		if (mail_parse(buf_view(&b), &mail, &err) == 0)
			mail_headers(mail, &n);
	}
}

/* Answers every third question by nothing, the others by rows. */
static inline void answer(
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

/* Evaluates with what is known, twice: equal arguments, equal plans. */
static inline int eval_twice(const struct sieve_script *s, struct mail *mail,
	const struct envelope *env, const struct facts *facts, struct arena *a,
	struct plan **plan)
{
	AUTO(buf) struct buf first = BUF_INIT(PLAN_LEN_MAX),
			     again = BUF_INIT(PLAN_LEN_MAX);
	struct err err = { 0 };

	if (sieve_eval(s, mail, env, facts, a, plan, &err) < 0)
		return -1;
	check_plan(a, *plan, &first);
	must(sieve_eval(s, mail, env, facts, a, plan, &err) == 0);
	check_plan(a, *plan, &again);
	must(str_eq(buf_view(&first), buf_view(&again)));
	return 0;
}

/* Evaluates until no question is left, as the mill does. */
static inline void eval_mail(const struct sieve_script *s, struct str raw)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	struct envelope_rcpt rcpt = { .address = STR("me+box@example.com") };
	struct envelope env = {
		.sender = STR("x@example.org"), .rcpts = &rcpt, .n_rcpts = 1
	};
	struct facts facts = { .now = 1767225600000 };
	struct plan *plan;
	struct err err = { 0 };

	if (mail_parse(raw, &mail, &err) < 0)
		return;
	for (int i = 0; i < ROUNDS; i++) {
		if (eval_twice(s, mail, &env, &facts, a, &plan) < 0)
			return;
		check_messages(plan, raw);
		answer(a, plan, &facts);
	}
}

#endif
