/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lint_regex.c - finds patterns that can explode.
 *
 * A text that nearly matches makes the matcher try all ways to cut it. There
 * are exponentially many when a repeated group
 *   - holds nothing that must be there once: (a+)+, (a*b*)*, (\s*a+)*
 *   - has two branches that can begin alike: (a|a)*, (.|x)+
 * This is a guess from the text of the pattern, so it makes a warning only;
 * at run time a step limit holds in any case.
 */
#include "lint.h"

#define DEPTH_MAX 32
#define BRANCHES_MAX 16

/* An open group. */
struct group {
	size_t n_firm;	    /* atoms of this branch that must be there once */
	size_t n_unbounded; /* atoms of this branch with *, + or {n,} */
	bool is_loose;	    /* a branch was all unbounded */
	struct str firsts[BRANCHES_MAX];
	size_t n_firsts;
	bool has_first; /* of this branch */
};

struct scan {
	struct str s;
	size_t at;
	struct group groups[DEPTH_MAX];
	size_t depth;
	bool is_bad;
};

/* Steps over an atom that is no group. */
static void skip_atom(struct scan *x)
{
	if (x->s.p[x->at] == '\\') {
		x->at += 2;
		return;
	}
	if (x->s.p[x->at++] != '[')
		return;
	if (x->at < x->s.len && x->s.p[x->at] == '^')
		x->at++;
	if (x->at < x->s.len && x->s.p[x->at] == ']')
		x->at++;
	while (x->at < x->s.len && x->s.p[x->at] != ']')
		x->at += x->s.p[x->at] == '\\' ? 2 : 1;
	x->at++;
}

/* Reads a quantifier, if one stands here. Tells what it lets. */
static void read_quantifier(struct scan *x, bool *is_many, bool *is_optional)
{
	char c = x->at < x->s.len ? x->s.p[x->at] : 0;
	size_t from = x->at;

	*is_many = c == '*' || c == '+';
	*is_optional = c == '*' || c == '?';
	if (c == '*' || c == '+' || c == '?') {
		x->at++;
	} else if (c == '{') {
		while (x->at < x->s.len && x->s.p[x->at] != '}')
			x->at++;
		*is_many = x->at > from && x->s.p[x->at - 1] == ',';
		*is_optional = from + 1 < x->s.len && x->s.p[from + 1] == '0';
		x->at++;
	} else {
		return;
	}
	/* possessive ones do not try again */
	if (x->at < x->s.len && x->s.p[x->at] == '+') {
		*is_many = false;
		x->at++;
	} else if (x->at < x->s.len && x->s.p[x->at] == '?') {
		x->at++;
	}
}

static bool can_begin_alike(struct str a, struct str b)
{
	return str_eq(a, b) || str_eq(a, STR(".")) || str_eq(b, STR("."));
}

static bool has_alike(const struct group *g)
{
	for (size_t i = 0; i < g->n_firsts; i++)
		for (size_t k = 0; k < i; k++)
			if (can_begin_alike(g->firsts[i], g->firsts[k]))
				return true;
	return false;
}

static void end_branch(struct group *g)
{
	if (g->n_unbounded && !g->n_firm)
		g->is_loose = true;
	g->n_firm = g->n_unbounded = 0;
	g->has_first = false;
}

/* Counts an atom to the branch that it is in. */
static void add_atom(
	struct scan *x, struct str text, bool is_many, bool is_optional)
{
	struct group *g = &x->groups[x->depth];

	if (is_many)
		g->n_unbounded++;
	else if (!is_optional)
		g->n_firm++;
	/* Only branches of one atom: longer ones differ further on. */
	if (!g->has_first && g->n_firsts < BRANCHES_MAX)
		g->firsts[g->n_firsts++] = text;
	else if (g->has_first && g->n_firsts)
		g->firsts[g->n_firsts - 1] = str_n(g->firsts[g->n_firsts - 1].p,
			(size_t)(text.p + text.len -
				 g->firsts[g->n_firsts - 1].p));
	g->has_first = true;
}

static void open_group(struct scan *x)
{
	struct str rest;

	x->at++;
	rest = str_sub(x->s, x->at, 3);
	if (x->depth + 1 < DEPTH_MAX)
		x->groups[++x->depth] = (struct group){ 0 };
	if (str_starts(rest, STR("?:")))
		x->at += 2;
	else if (str_starts(rest, STR("?>")) || str_starts(rest, STR("?=")) ||
		 str_starts(rest, STR("?!")))
		x->at += 2;
	else if (str_starts(rest, STR("?<=")) || str_starts(rest, STR("?<!")))
		x->at += 3;
}

static void close_group(struct scan *x, const size_t *opened)
{
	struct group g = x->groups[x->depth];
	size_t from = opened[x->depth];
	bool is_many, is_optional;

	x->at++;
	end_branch(&g);
	read_quantifier(x, &is_many, &is_optional);
	if (is_many && (g.is_loose || has_alike(&g)))
		x->is_bad = true;
	if (x->depth)
		x->depth--;
	add_atom(x, str_sub(x->s, from, x->at - from), is_many, is_optional);
	/* (a+) is as loose as a+ */
	if (g.is_loose && !is_many && !is_optional) {
		x->groups[x->depth].n_firm--;
		x->groups[x->depth].n_unbounded++;
	}
}

static void scan(struct scan *x)
{
	size_t opened[DEPTH_MAX] = { 0 };

	while (x->at < x->s.len && !x->is_bad) {
		char c = x->s.p[x->at];
		size_t from = x->at;
		bool is_many, is_optional;

		if (c == '(') {
			open_group(x);
			opened[x->depth] = from;
		} else if (c == ')') {
			close_group(x, opened);
		} else if (c == '|') {
			x->at++;
			end_branch(&x->groups[x->depth]);
		} else if (c == '^' || c == '$') {
			x->at++;
		} else {
			skip_atom(x);
			read_quantifier(x, &is_many, &is_optional);
			add_atom(x, str_sub(x->s, from, x->at - from), is_many,
				is_optional);
		}
	}
}

void sieve_lint_regex(
	struct sieve_check *c, struct sieve_pos pos, struct str pattern)
{
	struct scan x = { .s = pattern };

	scan(&x);
	if (!x.is_bad)
		return;
	sieve_warn(c, pos, "this pattern can take very long");
	sieve_hint(c,
		"a repeated group must hold something that is there once each "
		"time, and its branches must begin differently: (a+)+ is a+, "
		"(a|a)* is a*; behind a limit of steps the rule fails");
}
