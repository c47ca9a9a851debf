/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lint.c - warnings: what is right for the language, but not what its writer
 * can have meant.
 *
 * One walk over a script that was checked without an error, and so bound to
 * its words. Nothing here changes the script; a warning never fails one.
 */
#include <mailmill/map.h>

#include "lint.h"
#include "script.h"

/* Longer texts name no variable. */
#define NAME_MAX_LEN 64

struct variable {
	struct str name; /* as written */
	struct sieve_pos pos;
	bool is_set, is_read;
};

struct lint {
	struct sieve_check *c;
	struct arena *scratch;
	uint64_t used; /* bits by index of sieve_exts[] */
	struct map *variables;
	struct variable **list; /* in the order in which they come up */
	size_t n_list;
	bool has_variables;
	struct map *texts; /* all strings, in lower case */
};

/*
 * What is used
 */

static bool is_of(const void *p, const void *table, size_t size, size_t n)
{
	return table && (const char *)p >= (const char *)table &&
	       (const char *)p < (const char *)table + size * n;
}

/* Counts the rows of a table that ends with a NULL as first member. */
static size_t count_rows(const void *table, size_t size)
{
	const char *row = table;
	size_t n = 0;

	while (row && *(const char *const *)(const void *)(row + n * size))
		n++;
	return n;
}

static bool has_row(const void *p, const void *table, size_t size)
{
	return p && is_of(p, table, size, count_rows(table, size));
}

/* Marks the extension whose tables hold one of these. */
static void use(struct lint *l, const void *p)
{
	for (unsigned i = 0; p && sieve_exts[i]; i++) {
		const struct sieve_ext *e = sieve_exts[i];

		if (has_row(p, e->words, sizeof(*e->words)) ||
			has_row(p, e->added_tags, sizeof(*e->added_tags)) ||
			has_row(p, e->modifiers, sizeof(*e->modifiers)) ||
			has_row(p, e->comparators, sizeof(*e->comparators)) ||
			has_row(p, e->match_types, sizeof(*e->match_types)) ||
			has_row(p, e->address_parts, sizeof(*e->address_parts)))
			l->used |= (uint64_t)1 << i;
	}
}

static void use_capability(struct lint *l, const char *name)
{
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_exts[i]->capability &&
			!strcmp(sieve_exts[i]->capability, name))
			l->used |= (uint64_t)1 << i;
}

static struct variable *find_variable(
	struct lint *l, struct str name, struct sieve_pos pos)
{
	struct arena *a = l->scratch;
	struct str lower = sieve_lower(a, name);
	struct variable *v = map_get(l->variables, lower);

	if (v)
		return v;
	v = ARENA_NEW(a, struct variable);
	v->name = name;
	v->pos = pos;
	map_set(l->variables, lower, v);
	if (!(l->n_list & (l->n_list - 1)))
		l->list = arena_grow(a, (void *)l->list, l->n_list,
			MAX(1, l->n_list * 2), sizeof(struct variable *));
	l->list[l->n_list++] = v;
	return v;
}

static void use_ref(struct lint *l, const struct sieve_ref *ref)
{
	use_capability(l, "variables");
	if (ref->kind == SIEVE_REF_EXT)
		l->used |= (uint64_t)1 << sieve_ext_index(ref->ext);
	if (ref->kind == SIEVE_REF_VARIABLE)
		find_variable(l, ref->name, ref->pos)->is_read = true;
}

static void walk_text(struct lint *l, const struct sieve_text *t, bool is_name)
{
	for (size_t i = 0; i < t->n_pieces; i++)
		if (t->pieces[i].ref)
			use_ref(l, t->pieces[i].ref);
	if (!is_name && l->has_variables && t->value.len <= NAME_MAX_LEN)
		map_set(l->texts, sieve_lower(l->scratch, t->value), l);
}

static bool is_word(const struct sieve_node *n, const char *name)
{
	return n && n->word && !strcmp(n->word->name, name);
}

static void walk_args(struct lint *l, const struct sieve_node *n)
{
	const struct sieve_arg *name = is_word(n, "set") ? n->positional[0]
							 : NULL;

	for (size_t i = 0; i < n->n_args; i++)
		for (size_t k = 0; k < n->args[i].n; k++)
			walk_text(l, &n->args[i].texts[k], &n->args[i] == name);
	if (name) {
		struct variable *v = find_variable(
			l, name->texts[0].value, name->pos);

		if (!v->is_set)
			v->pos = name->pos;
		v->is_set = true;
	}
}

static void use_tags(struct lint *l, const struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_tags; i++) {
		use(l, n->tags[i].modifier);
		/* As part of a row of added_tags, or of the word's own. */
		use(l, n->tags[i].tag);
	}
	if (n->match) {
		use(l, n->match->type);
		use(l, n->match->comparator);
		use(l, n->match->part);
	}
}

/*
 * Keys
 */

static bool is_all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.len > 0;
}

static bool has_wildcard(struct str s)
{
	return memchr(s.p ? s.p : "", '*', s.len) ||
	       memchr(s.p ? s.p : "", '?', s.len);
}

static bool is_type(const struct sieve_match *m, const char *name)
{
	return !strcmp(m->type->name, name);
}

static bool is_at_edge(struct str key)
{
	return key.len > 1 && (key.p[0] == '*' || key.p[key.len - 1] == '*');
}

static void warn_star(struct lint *l, const struct sieve_match *m,
	const struct sieve_text *key)
{
	if ((!is_type(m, "is") && !is_type(m, "contains")) ||
		!is_at_edge(key->value))
		return;
	sieve_warn(l->c, key->pos, "the * in a key of ':%s' stands for itself",
		m->type->name);
	sieve_hint(l->c, "to have it mean any text write :matches");
}

/* Once for all keys: with others, one without a wildcard is in its place. */
static void warn_plain_glob(struct lint *l, const struct sieve_match *m)
{
	for (size_t i = 0; i < m->keys->n; i++)
		if (m->keys->texts[i].n_pieces ||
			has_wildcard(m->keys->texts[i].value))
			return;
	sieve_warn(l->c, m->keys->texts[0].pos,
		"':matches' with a key that has neither * nor ?");
	sieve_hint(l->c, "the whole value is compared: write :is, or :contains "
			 "to find it anywhere");
}

/* Why a key can never be equal to what an address part is. */
static const char *find_misfit(const struct sieve_match *m, struct str key)
{
	const char *part = m->part ? m->part->name : "all";

	if (!strcmp(part, "domain") && str_chr(key, '@') >= 0)
		return "a domain has no @: leave out what stands before it";
	if (!strcmp(part, "localpart") && str_chr(key, '@') >= 0)
		return "what stands before the @ is compared: leave out the "
		       "rest";
	if (str_chr(key, '<') >= 0 || str_chr(key, '>') >= 0)
		return "the bare address is compared: leave out the name and "
		       "< >";
	if (!strcmp(part, "all") && key.len && str_chr(key, '@') < 0)
		return "the whole address is compared: with its @ and domain, "
		       "or else write :domain or :localpart";
	return NULL;
}

static const char *const address_fields[] = { "from", "to", "cc", "bcc",
	"reply-to", "sender" };

static bool is_address_field(struct str name)
{
	for (size_t i = 0; i < COUNT(address_fields); i++)
		if (str_eq_case(name, str_c(address_fields[i])))
			return true;
	return false;
}

static void warn_address(struct lint *l, const struct sieve_node *n,
	const struct sieve_text *key)
{
	const char *why = n->word->flags & SIEVE_ADDRESSES
				  ? find_misfit(n->match, key->value)
				  : NULL;
	const struct sieve_arg *fields = n->positional[0];

	if (why) {
		sieve_warn(l->c, key->pos,
			"the %s test can never be true for this key",
			n->word->name);
		sieve_hint(l->c, "%s", why);
		return;
	}
	if (!is_word(n, "header") || fields->n < 1 ||
		!is_address_field(fields->texts[0].value) ||
		str_chr(key->value, '@') <= 0 ||
		str_chr(key->value, '<') >= 0 || str_chr(key->value, ' ') >= 0)
		return;
	sieve_warn(l->c, key->pos,
		"the header test compares the whole field, with names and "
		"< >");
	sieve_hint(l->c, "to compare addresses write address :is");
}

static void walk_key(struct lint *l, const struct sieve_node *n,
	const struct sieve_text *key)
{
	const struct sieve_match *m = n->match;

	if (is_type(m, "contains") && !key->value.len) {
		sieve_warn(l->c, key->pos,
			"an empty key of ':contains' fits every value");
		sieve_hint(
			l->c, "to ask whether a field is there write exists");
	}
	warn_star(l, m, key);
	if (is_type(m, "value") && is_all_digits(key->value) &&
		strcmp(m->comparator->name, "i;ascii-numeric") != 0) {
		sieve_warn(l->c, key->pos,
			"numbers are compared as texts: \"9\" is greater than "
			"\"10\"");
		sieve_hint(l->c,
			"write :comparator \"i;ascii-numeric\", and require "
			"\"comparator-i;ascii-numeric\"");
	}
	if (is_type(m, "is"))
		warn_address(l, n, key);
	if (is_type(m, "regex"))
		sieve_lint_regex(l->c, key->pos, key->value);
}

static void walk_match(struct lint *l, const struct sieve_node *n)
{
	const struct sieve_match *m = n->match;

	if (!m || !m->keys || m->keys->kind == SIEVE_ARG_NUMBER)
		return;
	if (is_type(m, "matches") && m->keys->n)
		warn_plain_glob(l, m);
	for (size_t i = 0; i < m->keys->n; i++)
		if (!m->keys->texts[i].n_pieces)
			walk_key(l, n, &m->keys->texts[i]);
}

/* Names of fields that no mail has. */
static void walk_fields(struct lint *l, const struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_positional; i++) {
		const struct sieve_arg *arg = n->positional[i];

		if (i >= SIEVE_PARAMS_MAX ||
			n->word->params[i].type != SIEVE_HEADERS)
			continue;
		for (size_t k = 0; k < arg->n; k++) {
			struct str name = arg->texts[k].value;

			if (arg->texts[k].n_pieces ||
				(name.len && str_chr(name, ':') < 0 &&
					str_chr(name, ' ') < 0))
				continue;
			sieve_warn(l->c, arg->texts[k].pos,
				"no field is called \"%.*s\"",
				STR_ARG(str_sub(name, 0, 100)));
			sieve_hint(l->c, "names of fields have neither colon "
					 "nor space: \"Subject\"");
		}
	}
}

/*
 * What is known beforehand, and what is never reached
 */

/* Tells whether a test says of itself that it is constant. */
static bool is_meant(const struct sieve_node *test)
{
	if (is_word(test, "true") || is_word(test, "false") ||
		is_word(test, "ihave"))
		return true;
	return is_word(test, "not") && test->n_tests &&
	       is_meant(test->tests[0]);
}

static void walk_known(struct lint *l, const struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_tests; i++) {
		const struct sieve_node *test = n->tests[i];

		if (test->known == SIEVE_UNKNOWN || is_meant(test))
			continue;
		sieve_warn(l->c, test->pos, "this test is always %s",
			test->known == SIEVE_ALWAYS ? "true" : "false");
		return;
	}
}

static bool block_ends(const struct sieve_node *n);

static bool is_link(const struct sieve_node *n)
{
	return is_word(n, "elsif") || is_word(n, "else");
}

/*
 * Tells whether nothing behind the command at `at` can run: all blocks of a
 * chain that has an else end.
 */
static bool chain_ends(const struct sieve_node *in, size_t at)
{
	const struct sieve_node *n = in->block[at];

	if (n->word && n->word->flags & SIEVE_ENDS)
		return true;
	if (!is_word(n, "else") || !block_ends(n))
		return false;
	while (at-- > 0) {
		n = in->block[at];
		if (!block_ends(n))
			return false;
		if (is_word(n, "if"))
			return true;
	}
	return false;
}

static bool block_ends(const struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_block; i++)
		if (chain_ends(n, i))
			return true;
	return false;
}

static void walk_order(struct lint *l, const struct sieve_node *in)
{
	for (size_t i = 0; i + 1 < in->n_block; i++) {
		const struct sieve_node *n = in->block[i];

		/* The checker has told of what ends by itself. */
		if (!is_word(n, "else") || !chain_ends(in, i) ||
			is_link(in->block[i + 1]))
			continue;
		sieve_warn(l->c, in->block[i + 1]->pos,
			"never reached: all branches before it end");
		return;
	}
}

static void walk_node(struct lint *l, const struct sieve_node *n);

static void walk_block(struct lint *l, const struct sieve_node *n)
{
	walk_order(l, n);
	for (size_t i = 0; i < n->n_block; i++)
		walk_node(l, n->block[i]);
}

static void walk_node(struct lint *l, const struct sieve_node *n)
{
	if (!n->word)
		return;
	use(l, n->word);
	use_tags(l, n);
	walk_args(l, n);
	walk_match(l, n);
	walk_fields(l, n);
	walk_known(l, n);
	for (size_t i = 0; i < n->n_tests; i++)
		walk_node(l, n->tests[i]);
	if (!n->is_never)
		walk_block(l, n);
}

/*
 * The whole
 */

static void tell_variables(struct lint *l)
{
	for (size_t i = 0; i < l->n_list; i++) {
		struct variable *v = l->list[i];
		struct str lower = sieve_lower(l->scratch, v->name);
		bool is_named = map_get(l->texts, lower);
		struct str key = str_c(
			arena_printf(l->scratch, "set %.*s ", STR_ARG(lower)));

		if (is_named || str_chr(v->name, '.') >= 0)
			continue;
		if (v->is_set && !v->is_read) {
			sieve_warn(l->c, v->pos,
				"variable '%.*s' is set but never read",
				STR_ARG(v->name));
		} else if (!v->is_set && !map_get(l->c->told, key)) {
			sieve_warn(l->c, v->pos, "variable '%.*s' is never set",
				STR_ARG(v->name));
			sieve_hint(l->c,
				"its value is empty; set it above by "
				"set \"%.*s\" \"...\";",
				STR_ARG(v->name));
		}
	}
}

/* Tells whether something in a script can show that a row is used. */
static bool can_show(const struct sieve_ext *e)
{
	return e->words || e->added_tags || e->modifiers || e->comparators ||
	       e->match_types || e->address_parts || e->ref_check;
}

/* Tells whether a capability is used, or nobody can know. */
static bool is_used(const struct lint *l, struct str capability)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_ext *e = sieve_exts[i];

		if (!e->capability || !str_eq(str_c(e->capability), capability))
			continue;
		if (l->used >> i & 1 || !can_show(e))
			return true;
		/* A hook that acts without a word. */
		if (e->text_check)
			return true;
		for (size_t k = 0; e->implies && e->implies[k]; k++)
			if (is_used(l, str_c(e->implies[k])))
				return true;
	}
	return str_eq(capability, STR("comparator-i;octet")) ||
	       str_eq(capability, STR("comparator-i;ascii-casemap"));
}

static void tell_require(struct lint *l, const struct sieve_node *n)
{
	const struct sieve_arg *list = n->positional[0];

	for (size_t i = 0; i < list->n; i++) {
		struct str name = list->texts[i].value;

		if (!sieve_check_is_first(l->c, "require", name, STR_NULL)) {
			sieve_warn(l->c, list->texts[i].pos,
				"\"%.*s\" is required twice", STR_ARG(name));
		} else if (!is_used(l, name)) {
			sieve_warn(l->c, list->texts[i].pos,
				"\"%.*s\" is required but not used",
				STR_ARG(name));
		}
	}
}

void sieve_lint(struct sieve_check *c)
{
	AUTO(map) struct map *variables = map_new(), *texts = map_new();
	AUTO(arena) struct arena *scratch = arena_new();
	struct lint l = { .c = c,
		.scratch = scratch,
		.has_variables = sieve_check_has(c, "variables"),
		.variables = variables,
		.texts = texts };
	const struct sieve_node *top = c->script->top;

	walk_block(&l, top);
	tell_variables(&l);
	for (size_t i = 0; i < top->n_block; i++)
		if (is_word(top->block[i], "require"))
			tell_require(&l, top->block[i]);
}
