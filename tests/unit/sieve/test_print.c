/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_print.c - properties of the language, over random scripts: a tree that
 * is printed and parsed is the same tree; evaluating twice, or with facts in
 * another order, gives the same plan.
 *
 * The seed of a failure is its name; cases depend on nothing else.
 */
#include "../../../src/sieve/parse.h"
#include "script.h"

#define CASES 3000
#define DEPTH 4

struct dice {
	uint64_t state;
};

static unsigned roll(struct dice *d, unsigned n)
{
	d->state = d->state * UINT64_C(6364136223846793005) +
		   UINT64_C(1442695040888963407);
	return (unsigned)(d->state >> 33) % n;
}

/*
 * Random trees: words mean nothing, so all of the grammar is met
 */

static struct str make_word(struct arena *a, struct dice *d)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCXYZ_0123456789";
	unsigned n = 1 + roll(d, 12);
	char *p = arena_alloc(a, n + 1);

	for (unsigned i = 0; i < n; i++)
		p[i] = letters[roll(d, i ? sizeof(letters) - 1 : 33)];
	if (n == 4 && str_eq_case(str_n(p, n), STR("text")))
		p[0] = 'x';
	return str_n(p, n);
}

static struct str make_value(struct arena *a, struct dice *d)
{
	static const char *const pieces[] = { "a", "\"", "\\", "\r\n", ".",
		"\r\n.", "..", "\xc3\xa4", "${x}", " ", "#", "/*", "*/", ";",
		"{", "\t", "'" };
	AUTO(buf) struct buf b = BUF_INIT(1000);

	for (unsigned i = roll(d, 6); i > 0; i--)
		buf_c(&b, pieces[roll(d, COUNT(pieces))]);
	return arena_str(a, buf_view(&b));
}

static void make_arg(struct arena *a, struct dice *d, struct sieve_arg *arg)
{
	arg->kind = (enum sieve_arg_kind)roll(d, 4);
	if (arg->kind == SIEVE_ARG_NUMBER) {
		arg->number = (uint64_t)roll(d, 5000) << (10 * roll(d, 4));
	} else if (arg->kind == SIEVE_ARG_TAG) {
		arg->tag = make_word(a, d);
	} else {
		arg->n = arg->kind == SIEVE_ARG_LIST ? 1 + roll(d, 3) : 1;
		arg->texts = arena_array(a, arg->n, sizeof(*arg->texts));
		for (size_t i = 0; i < arg->n; i++)
			arg->texts[i].value = make_value(a, d);
	}
}

static struct sieve_node *make_node(struct arena *a, struct dice *d,
	enum sieve_node_kind kind, unsigned depth)
{
	struct sieve_node *n = ARENA_NEW(a, struct sieve_node);

	n->kind = kind;
	n->name = make_word(a, d);
	n->n_args = roll(d, 4);
	n->args = arena_array(a, n->n_args + 1, sizeof(*n->args));
	for (size_t i = 0; i < n->n_args; i++)
		make_arg(a, d, &n->args[i]);
	if (depth && roll(d, 2)) {
		n->has_parens = roll(d, 2);
		n->n_tests = n->has_parens ? 1 + roll(d, 3) : 1;
		n->tests = arena_array(
			a, n->n_tests, sizeof(struct sieve_node *));
		for (size_t i = 0; i < n->n_tests; i++)
			n->tests[i] = make_node(
				a, d, SIEVE_NODE_TEST, depth - 1);
	}
	if (kind == SIEVE_NODE_COMMAND && depth && roll(d, 2)) {
		n->has_block = true;
		n->n_block = roll(d, 4);
		n->block = arena_array(
			a, n->n_block + 1, sizeof(struct sieve_node *));
		for (size_t i = 0; i < n->n_block; i++)
			n->block[i] = make_node(
				a, d, SIEVE_NODE_COMMAND, depth - 1);
	}
	return n;
}

/*
 * Printing. One of the ways to write it is taken by chance.
 */

static void print_space(struct buf *out, struct dice *d)
{
	static const char *const spaces[] = { " ", "  ", "\t", "\n", "\r\n",
		" # a ; comment {\n", " /* one \" more */ " };

	buf_c(out, spaces[roll(d, COUNT(spaces))]);
}

static void print_quoted(struct buf *out, struct str s)
{
	buf_c(out, "\"");
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_c(out, "\\");
		buf_byte(out, (unsigned char)s.p[i]);
	}
	buf_c(out, "\"");
}

/* Only what ends in a line end can stand there. */
static void print_lines(struct buf *out, struct str s)
{
	buf_c(out, "text:\n");
	for (size_t i = 0; i < s.len; i++) {
		bool is_first = !i || s.p[i - 1] == '\n';

		if (is_first && s.p[i] == '.')
			buf_c(out, ".");
		buf_byte(out, (unsigned char)s.p[i]);
	}
	buf_c(out, ".\n");
}

static void print_value(struct buf *out, struct dice *d, struct str s)
{
	if (str_ends(s, STR("\r\n")) && roll(d, 2))
		print_lines(out, s);
	else
		print_quoted(out, s);
}

static void print_arg(
	struct buf *out, struct dice *d, const struct sieve_arg *arg)
{
	if (arg->kind == SIEVE_ARG_NUMBER) {
		if (arg->number && arg->number % 1024 == 0 && roll(d, 2))
			buf_printf(out, "%lluK",
				(unsigned long long)arg->number / 1024);
		else
			buf_printf(
				out, "%llu", (unsigned long long)arg->number);
		return;
	}
	if (arg->kind == SIEVE_ARG_TAG) {
		buf_printf(out, ":%.*s", STR_ARG(arg->tag));
		return;
	}
	if (arg->kind == SIEVE_ARG_LIST)
		buf_c(out, "[");
	for (size_t i = 0; i < arg->n; i++) {
		if (i)
			buf_c(out, ",");
		print_value(out, d, arg->texts[i].value);
	}
	if (arg->kind == SIEVE_ARG_LIST)
		buf_c(out, "]");
}

static void print_node(
	struct buf *out, struct dice *d, const struct sieve_node *n)
{
	buf_str(out, n->name);
	for (size_t i = 0; i < n->n_args; i++) {
		print_space(out, d);
		print_arg(out, d, &n->args[i]);
	}
	if (n->n_tests) {
		print_space(out, d);
		if (n->has_parens)
			buf_c(out, "(");
		for (size_t i = 0; i < n->n_tests; i++) {
			if (i)
				buf_c(out, ",");
			print_node(out, d, n->tests[i]);
		}
		if (n->has_parens)
			buf_c(out, ")");
	}
	if (n->kind == SIEVE_NODE_TEST)
		return;
	if (!n->has_block) {
		buf_c(out, ";");
		return;
	}
	buf_c(out, "{");
	for (size_t i = 0; i < n->n_block; i++) {
		print_space(out, d);
		print_node(out, d, n->block[i]);
	}
	buf_c(out, "}");
}

static bool is_same_arg(const struct sieve_arg *a, const struct sieve_arg *b)
{
	if (a->kind != b->kind || a->number != b->number || a->n != b->n ||
		!str_eq(a->tag, b->tag))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->texts[i].value, b->texts[i].value))
			return false;
	return true;
}

static bool is_same(const struct sieve_node *a, const struct sieve_node *b)
{
	if (a->kind != b->kind || !str_eq(a->name, b->name) ||
		a->n_args != b->n_args || a->n_tests != b->n_tests ||
		a->has_parens != b->has_parens ||
		a->has_block != b->has_block || a->n_block != b->n_block)
		return false;
	for (size_t i = 0; i < a->n_args; i++)
		if (!is_same_arg(&a->args[i], &b->args[i]))
			return false;
	for (size_t i = 0; i < a->n_tests; i++)
		if (!is_same(a->tests[i], b->tests[i]))
			return false;
	for (size_t i = 0; i < a->n_block; i++)
		if (!is_same(a->block[i], b->block[i]))
			return false;
	return true;
}

static void check_tree(uint64_t seed)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct dice d = { seed };
	struct sieve_node *want = make_node(a, &d, SIEVE_NODE_COMMAND, DEPTH);
	struct sieve_diags diags = { .arena = a };
	struct sieve_teller t = { .diags = &diags };
	struct sieve_node *top;
	char *name = arena_printf(a, "seed %llu", (unsigned long long)seed);

	print_node(&out, &d, want);
	t.source = buf_view(&out);
	top = sieve_parse(
		buf_view(&out), a, &sieve_settings_default()->limits, &t);
	is_int((int)t.n_errors, 0, name);
	is_int((int)top->n_block, 1, name);
	if (top->n_block == 1 && !is_same(want, top->block[0]))
		is_str(buf_view(&out), "the same tree", name);
}

TEST(printing_and_parsing_give_the_same_tree)
{
	for (uint64_t seed = 1; seed <= CASES; seed++)
		check_tree(seed);
}

/*
 * Plans
 */

static void print_test(struct buf *out, struct dice *d, unsigned depth)
{
	static const char *const tests[] = {
		"header :contains \"Subject\" \"o\"",
		"header :matches \"Subject\" \"*o*\"",
		"address :domain \"From\" \"example.org\"",
		"size :over 10",
		"exists [\"Subject\", \"X\"]",
		"true",
		"string :is \"${v}\" \"\"",
		"find :where [\"Email\", \"a@example.org\"] \"Contact\" \"c1\"",
		"find :where [\"Email\", \"b@example.org\"] \"Contact\" \"c2\"",
	};

	if (!depth || roll(d, 2)) {
		buf_c(out, tests[roll(d, COUNT(tests))]);
		return;
	}
	if (!roll(d, 3)) {
		buf_c(out, "not ");
		print_test(out, d, depth - 1);
		return;
	}
	buf_c(out, roll(d, 2) ? "anyof (" : "allof (");
	print_test(out, d, depth - 1);
	buf_c(out, ", ");
	print_test(out, d, depth - 1);
	buf_c(out, ")");
}

static void print_rules(struct buf *out, struct dice *d, unsigned depth)
{
	static const char *const actions[] = { "keep;", "discard;",
		"fileinto \"a\";", "fileinto :copy \"b${1}\";",
		"redirect \"x@example.net\";", "set \"v\" \"${v}${1}y\";",
		"stop;" };

	for (unsigned i = 1 + roll(d, 3); i > 0; i--) {
		if (!depth || roll(d, 2)) {
			buf_printf(
				out, "%s\n", actions[roll(d, COUNT(actions))]);
			continue;
		}
		buf_c(out, "if ");
		print_test(out, d, 2);
		buf_c(out, " {\n");
		print_rules(out, d, depth - 1);
		buf_c(out, roll(d, 2) ? "} else {\nkeep;\n}\n" : "}\n");
	}
}

static struct facts_answer make_answer(
	struct arena *a, const struct plan_question *q, struct dice *d)
{
	struct facts_answer answer = { .name = q->name };

	answer.n_rows = roll(d, 2);
	answer.rows = arena_array(a, 1, sizeof(*answer.rows));
	answer.rows[0].fields = arena_array(a, 1, sizeof(struct plan_pair));
	answer.rows[0].n_fields = 1;
	answer.rows[0].fields[0] = (struct plan_pair){ STR("Id"),
		STR("003000000000001AAA") };
	return answer;
}

/* Evaluates until nothing is asked; writes the plan. */
static void plan_with(const struct sieve_script *s, struct mail *mail,
	struct facts *facts, struct arena *a, uint64_t seed, struct buf *out)
{
	static const struct envelope env;
	struct dice d = { seed };
	struct plan *plan = NULL;
	struct err err = { 0 };

	for (int i = 0; i < 10; i++) {
		is_int(sieve_eval(s, mail, &env, facts, a, &plan, &err), 0,
			err.text);
		if (!plan->n_questions)
			break;
		for (size_t k = 0; k < plan->n_questions; k++) {
			facts->answers = arena_grow(a, facts->answers,
				facts->n_answers, facts->n_answers + 1,
				sizeof(*facts->answers));
			facts->answers[facts->n_answers++] = make_answer(
				a, &plan->questions[k], &d);
		}
	}
	plan_encode(out, plan);
}

static void check_plan(struct mail *mail, uint64_t seed)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf source = BUF_INIT(OUT_MAX),
			     told = BUF_INIT(OUT_MAX);
	AUTO(buf) struct buf one = BUF_INIT(OUT_MAX), two = BUF_INIT(OUT_MAX),
			     three = BUF_INIT(OUT_MAX);
	struct facts facts = { .now = INT64_C(1795521600000) };
	struct dice d = { seed };
	char *name = arena_printf(a, "seed %llu", (unsigned long long)seed);

	buf_c(&source, "require [\"fileinto\", \"copy\", \"variables\", "
		       "\"vnd.mailmill\"];\n");
	print_rules(&source, &d, 3);
	AUTO(sieve)
	struct sieve_script *s = compile_with(NULL, buf_view(&source), &told);
	is_str(s ? STR_NULL : buf_view(&told), "", name);
	if (!s)
		return;
	plan_with(s, mail, &facts, a, seed, &one);
	plan_with(s, mail, &facts, a, seed, &two);
	is_true(str_eq(buf_view(&one), buf_view(&two)), name);
	for (size_t i = 0; i < facts.n_answers / 2; i++) {
		struct facts_answer *last =
			&facts.answers[facts.n_answers - 1 - i];
		struct facts_answer first = facts.answers[i];

		facts.answers[i] = *last;
		*last = first;
	}
	plan_with(s, mail, &facts, a, seed, &three);
	is_true(str_eq(buf_view(&one), buf_view(&three)), name);
}

TEST(evaluating_gives_the_same_plan)
{
	static const char raw[] = "From: a@example.org\r\n"
				  "Subject: hello world\r\n\r\nbody\r\n";
	AUTO(mail) struct mail *mail = NULL;
	struct err err = { 0 };

	mail_init();
	is_int(mail_parse(str_c(raw), &mail, &err), 0, err.text);
	for (uint64_t seed = 1; seed <= CASES; seed++)
		check_plan(mail, seed);
}
