/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_calculate.c - calculate: sums, shares and dates out of values.
 *
 * The expression is read when the script is compiled. What stands in ${} is a
 * value, never a part of the expression, so that no mail can write into it.
 */
#include <mailmill/calc.h>

#include "ext_mailmill.h"

struct calculation {
	unsigned slot;
	struct calc *calc;
	const struct sieve_text *text;
};

/* The piece of the text that a name stands in. */
static const struct sieve_piece *piece_of(
	const struct sieve_text *t, struct str name)
{
	for (size_t i = 0; i < t->n_pieces; i++)
		if (t->pieces[i].ref && str_eq(t->pieces[i].ref->name, name))
			return &t->pieces[i];
	return NULL;
}

static int check_calculate(struct sieve_check *c, struct sieve_node *n)
{
	struct arena *a = sieve_check_arena(c);
	struct calculation *x = ARENA_NEW(a, struct calculation);
	const struct sieve_text *t = &n->positional[1]->texts[0];
	const struct calc_name *names;
	struct err err = { 0 };
	size_t at, n_names;

	n->data = x;
	x->slot = n->positional[0]->slot;
	x->text = t;
	if (calc_parse(a, t->value, &x->calc, &at, &err))
		return sieve_error(c, t->pos, "expression: at \"%.*s\": %s",
			STR_ARG(str_sub(t->value, at, 30)), err.text);
	n_names = calc_names(x->calc, &names);
	for (size_t i = 0; i < n_names; i++)
		if (!piece_of(t, names[i].name))
			return sieve_error(c, t->pos,
				"expression: '%.*s' is no name of a value",
				STR_ARG(names[i].name));
	return 0;
}

/* What the values of an expression are now. */
struct values {
	const struct calculation *calculation;
	struct str *items; /* by piece */
};

/* Brings all values before, as one may have to be asked for. */
static int get_values(
	struct sieve_run *r, const struct sieve_text *t, struct str **out)
{
	*out = arena_array(r->arena, MAX(t->n_pieces, 1), sizeof(**out));
	for (size_t i = 0; i < t->n_pieces; i++) {
		struct sieve_text one = *t;
		int rc = 0;

		one.pieces = &t->pieces[i];
		one.n_pieces = 1;
		if (t->pieces[i].ref)
			rc = sieve_text_get(r, &one, &(*out)[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static size_t get_value(void *ctx, struct str name, const struct str **out)
{
	const struct values *v = ctx;
	const struct sieve_text *t = v->calculation->text;
	const struct sieve_piece *p = piece_of(t, name);

	must(p);
	*out = &v->items[p - t->pieces];
	return 1;
}

/* What cannot be calculated is empty, as what cannot be found is. */
static int exec_calculate(struct sieve_run *r, const struct sieve_node *n)
{
	const struct calculation *x = n->data;
	struct values values = { .calculation = x };
	struct str out = STR("");
	struct err err = { 0 };
	int rc = get_values(r, x->text, &values.items);

	if (rc < 0)
		return rc;
	if (calc_run(r->arena, x->calc, r->facts->now, get_value, &values, &out,
		    &err))
		sieve_add_note(r,
			str_c(arena_printf(r->arena, "line %u: calculate: %s",
				n->pos.line, err.text)));
	sieve_set(r, x->slot, out);
	return SIEVE_GO_ON;
}

static const struct sieve_word words[] = {
	{ .name = "calculate",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_VARIABLE, "variable", 0 },
			{ SIEVE_STRING, "expression", 0 } },
		.check = check_calculate,
		.exec = exec_calculate },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_calculate = {
	.capability = "vnd.mailmill",
	.words = words,
};
