/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match.c - comparing values with keys: what a comparing test was told, and
 * doing it.
 *
 * A comparator is a normal form. Those of constant keys are made once, at
 * compile time; that of a value once a test. The values are the outer loop:
 * the first value that any key fits wins, which match variables make visible.
 */
#include <stdlib.h>

#include <mailmill/utf8.h>

#include "script.h"

static const struct sieve_match_type *find_type(const struct sieve_check *c,
	struct str name, bool is_on, const struct sieve_ext **ext)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_match_type *t = sieve_exts[i]->match_types;

		if (sieve_check_is_on(c, i) != is_on)
			continue;
		for (; t && t->name; t++)
			if (str_eq_case(str_c(t->name), name)) {
				*ext = sieve_exts[i];
				return t;
			}
	}
	return NULL;
}

static const struct sieve_address_part *find_part(const struct sieve_check *c,
	struct str name, bool is_on, const struct sieve_ext **ext)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_address_part *p =
			sieve_exts[i]->address_parts;

		if (sieve_check_is_on(c, i) != is_on)
			continue;
		for (; p && p->name; p++)
			if (str_eq_case(str_c(p->name), name)) {
				*ext = sieve_exts[i];
				return p;
			}
	}
	return NULL;
}

static const struct sieve_comparator *find_comparator(
	const struct sieve_check *c, struct str name, bool is_on,
	const struct sieve_ext **ext)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_comparator *p = sieve_exts[i]->comparators;

		if (sieve_check_is_on(c, i) != is_on)
			continue;
		for (; p && p->name; p++)
			if (str_eq(str_c(p->name), name)) {
				*ext = sieve_exts[i];
				return p;
			}
	}
	return NULL;
}

const struct sieve_ext *sieve_match_tag_ext(const struct sieve_check *c,
	const struct sieve_word *w, struct str name, bool is_on)
{
	const struct sieve_ext *ext = NULL;

	if (w->flags & SIEVE_MATCHES && find_type(c, name, is_on, &ext))
		return ext;
	if (w->flags & SIEVE_ADDRESSES && find_part(c, name, is_on, &ext))
		return ext;
	if (is_on && w->flags & SIEVE_MATCHES &&
		str_eq_case(name, STR("comparator")))
		return sieve_exts[0];
	return NULL;
}

size_t sieve_match_tag_names(const struct sieve_check *c,
	const struct sieve_word *w, const char **names, size_t max)
{
	size_t n = 0;

	if (w->flags & SIEVE_MATCHES && n < max)
		names[n++] = "comparator";
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_match_type *t = sieve_exts[i]->match_types;
		const struct sieve_address_part *p =
			sieve_exts[i]->address_parts;

		if (!sieve_check_is_on(c, i))
			continue;
		for (; w->flags & SIEVE_MATCHES && t && t->name && n < max; t++)
			names[n++] = t->name;
		for (; w->flags & SIEVE_ADDRESSES && p && p->name && n < max;
			p++)
			names[n++] = p->name;
	}
	return n;
}

static struct sieve_match *get_match(
	struct sieve_check *c, struct sieve_node *n)
{
	if (!n->match)
		n->match = ARENA_NEW(c->script->arena, struct sieve_match);
	return n->match;
}

/* Takes the parameter behind a tag. Returns: it, or NULL: told. */
static struct sieve_arg *take_param(struct sieve_check *c, struct sieve_node *n,
	size_t *at, const struct sieve_param *as)
{
	struct sieve_arg *tag = &n->args[*at];
	char *place = arena_printf(c->script->arena,
		"parameter of ':%.*s' (%s)", STR_ARG(tag->tag), as->what);

	if (*at + 1 == n->n_args) {
		sieve_error(c, tag->pos,
			"the ':%.*s' tag of the %s test lacks a string (%s) "
			"behind it",
			STR_ARG(tag->tag), n->word->name, as->what);
		return NULL;
	}
	++*at;
	if (sieve_check_arg(c, n, &n->args[*at], as, place) < 0)
		return NULL;
	return &n->args[*at];
}

static void hint_comparators(struct sieve_check *c, struct str name)
{
	const struct sieve_ext *ext;
	AUTO(buf) struct buf list = BUF_INIT(1000);

	if (find_comparator(c, name, false, &ext)) {
		sieve_hint(c, "write at the top: require \"%s\";",
			ext->capability);
		return;
	}
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_comparator *p = sieve_exts[i]->comparators;

		for (; p && p->name; p++)
			buf_printf(
				&list, "%s%s", list.len ? ", " : "", p->name);
	}
	sieve_hint(c, "there are: %.*s", STR_ARG(buf_view(&list)));
}

static int take_comparator(
	struct sieve_check *c, struct sieve_node *n, size_t *at)
{
	static const struct sieve_param as = { SIEVE_CONST,
		"name of a comparator", 0 };
	struct sieve_match *m = get_match(c, n);
	struct sieve_pos pos = n->args[*at].pos;
	const struct sieve_ext *ext;
	struct sieve_arg *arg;
	struct str name;

	if (m->comparator)
		return sieve_error(c, pos,
			"comparator given twice to the %s "
			"test",
			n->word->name);
	arg = take_param(c, n, at, &as);
	if (!arg)
		return -1;
	name = sieve_arg_const(arg);
	m->comparator = find_comparator(c, name, true, &ext);
	if (m->comparator)
		return 1;
	sieve_error(c, arg->pos, "unknown comparator '%.*s'",
		STR_ARG(str_sub(name, 0, 100)));
	hint_comparators(c, name);
	return -1;
}

static int take_type(struct sieve_check *c, struct sieve_node *n, size_t *at,
	const struct sieve_match_type *type)
{
	struct sieve_param as = { type->type, type->what, 0 };
	struct sieve_match *m = get_match(c, n);

	if (m->type)
		return sieve_error(c, n->args[*at].pos,
			"match type ':%s' given, but ':%s' is there already in "
			"the %s test",
			type->name, m->type->name, n->word->name);
	m->type = type;
	if (type->type == SIEVE_NOTHING)
		return 1;
	m->param = take_param(c, n, at, &as);
	return m->param ? 1 : -1;
}

int sieve_match_take_tag(
	struct sieve_check *c, struct sieve_node *n, size_t *at)
{
	struct sieve_arg *arg = &n->args[*at];
	const struct sieve_address_part *part;
	const struct sieve_match_type *type;
	const struct sieve_ext *ext;

	if (n->word->flags & SIEVE_MATCHES) {
		if (str_eq_case(arg->tag, STR("comparator")))
			return take_comparator(c, n, at);
		type = find_type(c, arg->tag, true, &ext);
		if (type)
			return take_type(c, n, at, type);
	}
	if (!(n->word->flags & SIEVE_ADDRESSES))
		return 0;
	part = find_part(c, arg->tag, true, &ext);
	if (!part)
		return 0;
	if (get_match(c, n)->part)
		return sieve_error(c, arg->pos,
			"address part ':%s' given, but ':%s' is there already "
			"in the %s test",
			part->name, n->match->part->name, n->word->name);
	n->match->part = part;
	return 1;
}

static struct str normalize(
	const struct sieve_comparator *c, struct arena *a, struct str s)
{
	return c->normal ? c->normal(a, s) : s;
}

static int check_fit(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_match *m = n->match;
	unsigned can = m->comparator->flags, needs = m->type->flags;

	if ((needs & SIEVE_NEEDS_SUBSTRING && !(can & SIEVE_CAN_SUBSTRING)) ||
		(needs & SIEVE_NEEDS_ORDER && !(can & SIEVE_CAN_ORDER)))
		return sieve_error(c, n->pos,
			"comparator '%s' cannot do ':%s' in the %s test",
			m->comparator->name, m->type->name, n->word->name);
	return 0;
}

/*
 * Indexes constant keys. Patterns of characters are left to the loop: their
 * normal form does not keep places.
 */
static void add_index(struct sieve_match *m, struct arena *a)
{
	if (m->type->index == SIEVE_INDEX_NONE ||
		m->keys->n < SIEVE_INDEX_KEYS_MIN ||
		(m->type->index == SIEVE_INDEX_MATCHES &&
			m->comparator->flags & SIEVE_BY_CHARACTER))
		return;
	m->index = sieve_index_new(a, m->type->index, m->normal, m->keys->n);
}

int sieve_match_finish(struct sieve_check *c, struct sieve_node *n)
{
	struct sieve_match *m = get_match(c, n);
	struct arena *a = c->script->arena;
	const struct sieve_ext *ext;

	if (!m->type)
		m->type = find_type(c, STR("is"), true, &ext);
	if (!m->comparator)
		m->comparator = find_comparator(
			c, STR("i;ascii-casemap"), true, &ext);
	m->keys = n->positional[n->n_positional - 1];
	if (check_fit(c, n) < 0)
		return -1;
	if (m->keys->is_const && m->keys->kind != SIEVE_ARG_NUMBER) {
		m->normal = arena_array(a, m->keys->n, sizeof(*m->normal));
		for (size_t i = 0; i < m->keys->n; i++)
			m->normal[i] = normalize(
				m->comparator, a, m->keys->texts[i].value);
		add_index(m, a);
	}
	return m->type->check ? m->type->check(c, n, m) : 0;
}

void sieve_set_match_values(
	struct sieve_run *r, const struct str *groups, size_t n)
{
	r->n_match_values = (unsigned)MIN(n, SIEVE_MATCH_VALUES_MAX);
	for (size_t i = 0; i < r->n_match_values; i++)
		r->match_values[i] = arena_str(
			r->arena, utf8_cut(groups[i], r->limits->value_len));
}

/* Keys and their normal forms, for one test. */
struct keys {
	struct str *texts, *normal;
	size_t n;
};

static int get_keys(
	struct sieve_run *r, const struct sieve_match *m, struct keys *out)
{
	int rc;

	out->n = m->keys->n;
	out->texts = NULL;
	out->normal = m->normal;
	if (m->normal)
		return 0;
	rc = sieve_arg_list(r, m->keys, &out->texts);
	if (rc < 0)
		return rc;
	out->normal = arena_array(r->arena, out->n, sizeof(*out->normal));
	for (size_t i = 0; i < out->n; i++)
		out->normal[i] = normalize(
			m->comparator, r->arena, out->texts[i]);
	return 0;
}

/* Normal forms of values larger than this are not kept. */
#define KEPT_MAX 4096

/* As the loop over all keys: the first in order that fits wins. */
static int match_by_index(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal)
{
	uint32_t *found;
	size_t n;
	int rc = sieve_step(r, 1 + value.len / 64);

	if (rc < 0)
		return rc;
	if (m->type->index != SIEVE_INDEX_MATCHES)
		return sieve_index_fits(m->index, normal);
	n = sieve_index_find(m->index, normal, &found);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = m->type->match(r, m, value, normal,
			m->keys->texts[found[i]].value, m->normal[found[i]],
			found[i]);
	free(found);
	return rc;
}

static int match_value(struct sieve_run *r, const struct sieve_match *m,
	struct str value, const struct keys *keys)
{
	AUTO(arena) struct arena *scratch = value.len > KEPT_MAX ? arena_new()
								 : NULL;
	struct str normal = normalize(
		m->comparator, scratch ? scratch : r->arena, value);
	int rc;

	if (m->index)
		return match_by_index(r, m, value, normal);
	rc = sieve_step(r, 1 + keys->n * (1 + value.len / 256));
	for (size_t i = 0; rc == 0 && i < keys->n; i++)
		rc = m->type->match(r, m, value, normal,
			keys->texts ? keys->texts[i] : m->keys->texts[i].value,
			keys->normal[i], i);
	return rc;
}

int sieve_match_counted(struct sieve_run *r, const struct sieve_node *n,
	const struct str *values, size_t n_values, uint64_t count)
{
	const struct sieve_match *m = n->match;
	struct keys keys;
	int rc = get_keys(r, m, &keys);

	if (rc == 0 && m->type->flags & SIEVE_COUNTS)
		return match_value(r, m,
			str_c(arena_printf(
				r->arena, "%llu", (unsigned long long)count)),
			&keys);
	for (size_t i = 0; rc == 0 && i < n_values; i++)
		rc = match_value(r, m, values[i], &keys);
	return rc;
}

int sieve_match_values(struct sieve_run *r, const struct sieve_node *n,
	const struct str *values, size_t n_values)
{
	return sieve_match_counted(r, n, values, n_values, n_values);
}
