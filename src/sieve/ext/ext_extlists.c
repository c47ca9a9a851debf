/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_extlists.c - :list, valid_ext_list, redirect :list (RFC 6134).
 *
 * Lists are the operator's, see struct sieve_list. One that a script names is
 * turned into a hash table when the script is compiled, so that a test over
 * thousands of members costs one look for each value. Members compare without
 * case; one that is an address, in its plain form: "Ann" <"ann"@example.org>
 * is ann@example.org.
 */
#include <mailmill/map.h>

#include "../address.h"
#include "../lists.h"
#include "../match.h"

#define URN "urn:ietf:params:sieve"
#define VALUE_MAX 1000 /* bytes; nothing longer is in a list */

/* Open addressing; a null string ends a search. */
struct table {
	struct str name; /* whole */
	struct str *slots;
	size_t mask;
};

struct tables {
	const struct sieve_settings *settings;
	struct table *items;
	size_t n;
};

extern const struct sieve_ext sieve_ext_extlists;

/* ":addrbook:default" is short for a URN. */
static struct str get_whole_name(struct arena *a, struct str name)
{
	if (!str_starts(name, STR(":")))
		return name;
	return str_c(arena_printf(a, URN "%.*s", STR_ARG(name)));
}

static const struct sieve_list *find_list(
	struct arena *a, const struct sieve_settings *s, struct str name)
{
	struct str whole = get_whole_name(a, name);

	for (size_t i = 0; i < s->n_lists; i++)
		if (str_eq(get_whole_name(a, s->lists[i].name), whole))
			return &s->lists[i];
	return NULL;
}

/* Makes the form in which members and values compare. */
static struct str make_plain(struct arena *a, struct str s)
{
	struct str address;
	const char *why;

	if (str_chr(s, '@') >= 0 &&
		sieve_address_read(a, s, &address, &why) == 0)
		s = address;
	return arena_lower(a, s);
}

/*
 * Tables
 */

static struct str *find_slot(const struct table *t, struct str plain)
{
	size_t i = (size_t)map_hash(plain) & t->mask;

	while (t->slots[i].p && !str_eq(t->slots[i], plain))
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

static void fill_table(
	struct arena *a, struct table *t, const struct sieve_list *list)
{
	size_t size = 8;

	while (size < list->n_members * 2)
		size *= 2;
	t->mask = size - 1;
	t->slots = arena_array(a, size, sizeof(*t->slots));
	for (size_t i = 0; i < list->n_members; i++) {
		struct str plain = make_plain(a, list->members[i]);

		*find_slot(t, plain) = plain;
	}
}

static const struct table *find_table(const struct tables *t, struct str whole)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->items[i].name, whole))
			return &t->items[i];
	return NULL;
}

/* Finds a list's table, or makes it. Returns: or NULL: there is no such list.
 */
static const struct table *get_table(
	struct arena *a, struct tables *t, struct str name)
{
	struct str whole = get_whole_name(a, name);
	const struct table *found = find_table(t, whole);
	const struct sieve_list *list;
	struct table *made;

	if (found)
		return found;
	list = find_list(a, t->settings, name);
	if (!list)
		return NULL;
	t->items = arena_grow(a, t->items, t->n, t->n + 1, sizeof(*t->items));
	made = &t->items[t->n++];
	made->name = whole;
	fill_table(a, made, list);
	return made;
}

/*
 * Checking
 */

static bool has_comparator(const struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_args; i++)
		if (n->args[i].kind == SIEVE_ARG_TAG &&
			str_eq_case(n->args[i].tag, STR("comparator")))
			return true;
	return false;
}

static void warn_unknown(struct sieve_check *c, const struct sieve_text *t)
{
	sieve_warn(c, t->pos, "there is no list '%.*s': never true",
		STR_ARG(str_sub(t->value, 0, 200)));
	sieve_hint(c, "lists are named in mailmill.conf: list \"%.*s\" { }",
		STR_ARG(str_sub(t->value, 0, 200)));
}

static int check_list(
	struct sieve_check *c, struct sieve_node *n, struct sieve_match *m)
{
	struct tables *t = sieve_check_state(
		c, &sieve_ext_extlists, sizeof(*t));

	if (has_comparator(n)) {
		sieve_error(c, n->pos,
			"':list' and ':comparator' exclude each other in the "
			"%s test",
			n->word->name);
		return sieve_hint(c, "lists compare without case");
	}
	t->settings = sieve_check_settings(c);
	for (size_t i = 0; m->normal && i < m->keys->n; i++)
		if (!get_table(
			    sieve_check_arena(c), t, m->keys->texts[i].value))
			warn_unknown(c, &m->keys->texts[i]);
	return 0;
}

int sieve_list_check(struct sieve_check *c, const struct sieve_arg *name)
{
	struct str text = name->texts[0].value;

	if (!name->is_const ||
		find_list(sieve_check_arena(c), sieve_check_settings(c), text))
		return 0;
	sieve_error(c, name->pos, "there is no list '%.*s'",
		STR_ARG(str_sub(text, 0, 200)));
	return sieve_hint(c,
		"lists are named in mailmill.conf: list \"%.*s\" { }",
		STR_ARG(str_sub(text, 0, 200)));
}

/*
 * Running
 */

/* The script's own table, unless the settings are others by now. */
static const struct table *run_table(struct sieve_run *r, struct str name)
{
	struct tables *t = sieve_run_script_state(r, &sieve_ext_extlists);
	const struct table *found = NULL;
	struct tables *own;

	if (t && t->settings == r->settings)
		found = find_table(t, get_whole_name(r->arena, name));
	if (found)
		return found;
	own = sieve_run_state(r, &sieve_ext_extlists, sizeof(*own));
	if (own->settings != r->settings)
		*own = (struct tables){ .settings = r->settings };
	return get_table(r->arena, own, name);
}

static int match_list(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal_value, struct str key,
	struct str normal_key, size_t index)
{
	const struct table *t = run_table(r, key);
	int rc = sieve_step(r, 1 + MIN(value.len, VALUE_MAX) / 64);

	(void)m;
	(void)normal_value;
	(void)normal_key;
	(void)index;
	if (rc < 0 || !t || value.len > VALUE_MAX ||
		!find_slot(t, make_plain(r->arena, value))->p)
		return MIN(rc, 0);
	sieve_set_match_values(r, &value, 1);
	return 1;
}

static int test_valid(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];
	struct str *names;
	int rc = sieve_arg_list(r, arg, &names);

	for (size_t i = 0; rc == 0 && i < arg->n; i++)
		if (!find_list(r->arena, r->settings, names[i]))
			return 0;
	return rc < 0 ? rc : 1;
}

int sieve_list_rcpts(
	struct sieve_run *r, struct str name, struct plan_action *a)
{
	const struct sieve_list *list = find_list(r->arena, r->settings, name);
	const char *why;

	if (!list)
		return sieve_fail(r, "redirect: there is no list '%.*s'",
			STR_ARG(str_sub(name, 0, 200)));
	if (list->n_members == 0 || list->n_members > PLAN_RCPTS_MAX)
		return sieve_fail(r,
			"redirect: list '%.*s' has %zu members, which is not "
			"1 to %d",
			STR_ARG(str_sub(name, 0, 200)), list->n_members,
			PLAN_RCPTS_MAX);
	a->rcpts = arena_array(r->arena, list->n_members, sizeof(*a->rcpts));
	for (a->n_rcpts = 0; a->n_rcpts < list->n_members; a->n_rcpts++) {
		struct str member = list->members[a->n_rcpts];

		if (sieve_address_read(
			    r->arena, member, &a->rcpts[a->n_rcpts], &why) < 0)
			return sieve_fail(r,
				"redirect: list '%.*s': invalid address "
				"\"%.*s\": %s",
				STR_ARG(str_sub(name, 0, 200)),
				STR_ARG(str_sub(member, 0, 100)), why);
	}
	a->value = arena_str(r->arena, list->name);
	return 0;
}

static const struct sieve_match_type types[] = {
	{ .name = "list", .check = check_list, .match = match_list },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "valid_ext_list",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_STRINGS, "names of lists", 0 } },
		.test = test_valid },
	{ 0 },
};

static const struct sieve_added_tag tags[] = {
	{ "redirect", { .name = "list" } },
	{ 0 },
};

const struct sieve_ext sieve_ext_extlists = {
	.capability = "extlists",
	.shares_state = true,
	.words = words,
	.added_tags = tags,
	.match_types = types,
};
