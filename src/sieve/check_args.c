/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_args.c - the arguments of a command or test: tags with their
 * parameters first, then positional ones, each of the type its word says.
 */
#include <mailmill/map.h>

#include "script.h"

/* Words that are named as those which take a tag. */
#define TAKERS_TOLD 6

static const char *name_type(enum sieve_type type)
{
	switch (type) {
	case SIEVE_NUMBER:
		return "a number";
	case SIEVE_STRINGS:
	case SIEVE_CONSTS:
	case SIEVE_HEADERS:
		return "a string list";
	case SIEVE_STRING:
	case SIEVE_CONST:
	case SIEVE_VARIABLE:
		return "a string";
	case SIEVE_SCALAR:
		return "a number or a string";
	case SIEVE_NOTHING:
		break;
	}
	return "nothing";
}

static const char *name_arg(const struct sieve_arg *arg)
{
	static const char *const names[] = {
		[SIEVE_ARG_NUMBER] = "a number",
		[SIEVE_ARG_STRING] = "a string",
		[SIEVE_ARG_LIST] = "a string list",
		[SIEVE_ARG_TAG] = "a tag",
	};

	return names[arg->kind];
}

static bool fits_type(const struct sieve_arg *arg, enum sieve_type type)
{
	switch (type) {
	case SIEVE_NUMBER:
		return arg->kind == SIEVE_ARG_NUMBER;
	case SIEVE_STRING:
	case SIEVE_CONST:
	case SIEVE_VARIABLE:
		return arg->kind == SIEVE_ARG_STRING;
	case SIEVE_STRINGS:
	case SIEVE_CONSTS:
	case SIEVE_HEADERS:
		return arg->kind == SIEVE_ARG_STRING ||
		       arg->kind == SIEVE_ARG_LIST;
	case SIEVE_SCALAR:
		return arg->kind == SIEVE_ARG_STRING ||
		       arg->kind == SIEVE_ARG_NUMBER;
	case SIEVE_NOTHING:
		break;
	}
	return false;
}

static bool wants_const(enum sieve_type type)
{
	return type == SIEVE_CONST || type == SIEVE_CONSTS ||
	       type == SIEVE_VARIABLE;
}

static void intern_headers(struct sieve_check *c, struct sieve_arg *arg)
{
	struct sieve_script *s = c->script->root;

	arg->ids = arena_array(s->arena, arg->n, sizeof(*arg->ids));
	for (size_t i = 0; i < arg->n; i++) {
		struct str lower = sieve_lower(s->arena, arg->texts[i].value);
		uintptr_t id = (uintptr_t)map_get(c->headers, lower);

		if (!id) {
			if (!(s->n_headers & (s->n_headers - 1)))
				s->headers = arena_grow(s->arena, s->headers,
					s->n_headers, MAX(1, s->n_headers * 2),
					sizeof(*s->headers));
			s->headers[s->n_headers] = lower;
			id = ++s->n_headers;
			map_set(c->headers, lower, (void *)id);
		}
		arg->ids[i] = (unsigned)id - 1;
	}
}

static int ready_texts(struct sieve_check *c, struct sieve_arg *arg,
	const struct sieve_param *as, const char *place)
{
	unsigned flags = arg->n == 1 ? as->flags : as->flags & ~SIEVE_DEFERS;

	arg->is_const = true;
	for (size_t i = 0; i < arg->n; i++) {
		struct sieve_text *t = &arg->texts[i];

		if (sieve_check_text(c, t, flags) < 0)
			return -1;
		if (!t->n_pieces)
			continue;
		arg->is_const = false;
		if (wants_const(as->type)) {
			sieve_error(c, t->pos,
				"%s must be written out, without variables",
				place);
			return -1;
		}
	}
	if (as->type == SIEVE_VARIABLE)
		return sieve_check_variable(
			c, arg->pos, arg->texts[0].value, &arg->slot);
	if (as->type == SIEVE_HEADERS && arg->is_const)
		intern_headers(c, arg);
	return 0;
}

int sieve_check_arg(struct sieve_check *c, struct sieve_node *n,
	struct sieve_arg *arg, const struct sieve_param *as, const char *place)
{
	if (!fits_type(arg, as->type)) {
		sieve_error(c, arg->pos,
			"the %s %s expects %s as %s, but %s was found",
			n->word->name, sieve_node_kind(n), name_type(as->type),
			place, name_arg(arg));
		if (arg->kind == SIEVE_ARG_NUMBER && as->type != SIEVE_NUMBER)
			sieve_hint(c, "write it in quotes: \"%llu\"",
				(unsigned long long)arg->number);
		else if (as->type == SIEVE_NUMBER && arg->n == 1)
			sieve_hint(c, "numbers stand without quotes: %.*s",
				STR_ARG(str_sub(arg->texts[0].value, 0, 40)));
		else if (arg->kind == SIEVE_ARG_LIST)
			sieve_hint(c, "only one at a time: write a %s for each",
				sieve_node_kind(n));
		return -1;
	}
	if (arg->kind == SIEVE_ARG_NUMBER)
		return 0;
	return ready_texts(c, arg, as, place);
}

/*
 * Finds a tag: the word's own, or one that an extension adds, which is on or
 * (is_on false) would come with a require.
 */
static const struct sieve_tag *find_tag(const struct sieve_check *c,
	const struct sieve_word *w, struct str name, bool is_on,
	const struct sieve_ext **from)
{
	for (const struct sieve_tag *t = w->tags; is_on && t && t->name; t++)
		if (str_eq_case(str_c(t->name), name))
			return t;
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_added_tag *a = sieve_exts[i]->added_tags;

		if (sieve_check_is_on(c, i) != is_on)
			continue;
		for (; a && a->word; a++)
			if (!strcmp(a->word, w->name) &&
				str_eq_case(str_c(a->tag.name), name)) {
				*from = sieve_exts[i];
				return &a->tag;
			}
	}
	return NULL;
}

static const struct sieve_modifier *find_modifier(const struct sieve_check *c,
	const struct sieve_word *w, struct str name, bool is_on,
	const struct sieve_ext **from)
{
	if (!(w->flags & SIEVE_MODIFIES))
		return NULL;
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_modifier *m = sieve_exts[i]->modifiers;

		if (sieve_check_is_on(c, i) != is_on)
			continue;
		for (; m && m->name; m++)
			if (str_eq_case(str_c(m->name), name)) {
				*from = sieve_exts[i];
				return m;
			}
	}
	return NULL;
}

static const struct sieve_ext *find_tag_ext(const struct sieve_check *c,
	const struct sieve_word *w, struct str name)
{
	const struct sieve_ext *ext = NULL;

	if (find_tag(c, w, name, false, &ext) ||
		find_modifier(c, w, name, false, &ext))
		return ext;
	if (w->flags & (SIEVE_MATCHES | SIEVE_ADDRESSES))
		return sieve_match_tag_ext(c, w, name, false);
	return NULL;
}

bool sieve_check_is_tag(const struct sieve_check *c, const struct sieve_node *n,
	struct str name)
{
	const struct sieve_ext *ext;

	return find_tag(c, n->word, name, true, &ext) ||
	       find_modifier(c, n->word, name, true, &ext) ||
	       sieve_match_tag_ext(c, n->word, name, true);
}

static void add_taker(struct buf *list, unsigned *n, const char *word)
{
	if (++*n <= TAKERS_TOLD)
		buf_printf(list, "%s%s", *n > 1 ? ", " : "", word);
}

/* Lists words that have a tag of their own, or one that is added to them. */
static void list_takers(const struct sieve_ext *ext, struct str name,
	struct buf *list, unsigned *n)
{
	const struct sieve_added_tag *a = ext->added_tags;

	for (const struct sieve_word *w = ext->words; w && w->name; w++)
		for (const struct sieve_tag *t = w->tags; t && t->name; t++)
			if (str_eq_case(str_c(t->name), name))
				add_taker(list, n, w->name);
	for (; a && a->word; a++)
		if (str_eq_case(str_c(a->tag.name), name))
			add_taker(list, n, a->word);
}

/* Adds which words take a tag that this one does not. False: none does. */
static bool hint_takers(struct sieve_check *c, struct str name)
{
	AUTO(buf) struct buf list = BUF_INIT(1000);
	static const struct sieve_word comparing = { .flags = SIEVE_MATCHES |
							      SIEVE_ADDRESSES };
	unsigned count = 0;

	if (sieve_match_tag_ext(c, &comparing, name, true)) {
		sieve_hint(c,
			"':%.*s' goes with tests that compare, such as "
			"header and address",
			STR_ARG(name));
		return true;
	}
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (!sieve_exts[i]->is_for_tests || c->is_for_tests)
			list_takers(sieve_exts[i], name, &list, &count);
	if (!list.len)
		return false;
	sieve_hint(c, "':%.*s' goes with %.*s", STR_ARG(name),
		STR_ARG(buf_view(&list)));
	return true;
}

static void hint_tags(
	struct sieve_check *c, const struct sieve_node *n, struct str name)
{
	const char *names[64];
	size_t count = sieve_match_tag_names(
		c, n->word, names, COUNT(names) / 2);
	const struct sieve_tag *t = n->word->tags;

	for (; t && t->name && count < COUNT(names); t++)
		names[count++] = t->name;
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_added_tag *a = sieve_exts[i]->added_tags;
		const struct sieve_modifier *m = sieve_exts[i]->modifiers;

		if (!sieve_check_is_on(c, i))
			continue;
		for (; a && a->word && count < COUNT(names); a++)
			if (!strcmp(a->word, n->word->name))
				names[count++] = a->tag.name;
		if (!(n->word->flags & SIEVE_MODIFIES))
			continue;
		for (; m && m->name && count < COUNT(names); m++)
			names[count++] = m->name;
	}
	if (str_nearest(name, names, count) < 0 && hint_takers(c, name))
		return;
	sieve_hint_nearest(c, name, names, count);
}

static int tell_unknown_tag(
	struct sieve_check *c, struct sieve_node *n, struct sieve_arg *arg)
{
	const struct sieve_ext *ext = find_tag_ext(c, n->word, arg->tag);

	if (!sieve_check_is_first(c, "tag", n->name, arg->tag))
		return -1;
	sieve_error(c, arg->pos,
		"unknown tagged argument ':%.*s' for the %s %s (told "
		"once)",
		STR_ARG(arg->tag), n->word->name, sieve_node_kind(n));
	if (ext)
		sieve_hint_require(c, ext);
	else
		hint_tags(c, n, arg->tag);
	return -1;
}

static struct sieve_tagged *add_tagged(
	struct sieve_check *c, struct sieve_node *n, struct sieve_arg *arg)
{
	if (!n->tags)
		n->tags = arena_array(
			c->script->arena, n->n_args, sizeof(*n->tags));
	n->tags[n->n_tags].pos = arg->pos;
	return &n->tags[n->n_tags++];
}

/* Takes the parameter behind a tag. `*at` moves on. */
static int take_param(struct sieve_check *c, struct sieve_node *n, size_t *at,
	const struct sieve_param *as, struct sieve_tagged *t)
{
	struct sieve_arg *tag = &n->args[*at];
	char *place;

	if (as->type == SIEVE_NOTHING)
		return 0;
	if (*at + 1 == n->n_args) {
		sieve_error(c, tag->pos,
			"the ':%.*s' tag of the %s %s lacks %s (%s) behind it",
			STR_ARG(tag->tag), n->word->name, sieve_node_kind(n),
			name_type(as->type), as->what ? as->what : "value");
		return -1;
	}
	t->param = &n->args[++*at];
	place = arena_printf(c->script->arena, "parameter of ':%.*s'%s%s%s",
		STR_ARG(tag->tag), as->what ? " (" : "",
		as->what ? as->what : "", as->what ? ")" : "");
	return sieve_check_arg(c, n, t->param, as, place);
}

/* Takes a tag of the word's own, or a modifier. */
static int take_tag(struct sieve_check *c, struct sieve_node *n, size_t *at)
{
	struct sieve_arg *arg = &n->args[*at];
	const struct sieve_ext *ext;
	const struct sieve_tag *tag;
	const struct sieve_modifier *m;
	struct sieve_param as = { 0 };
	struct sieve_tagged *t;

	tag = find_tag(c, n->word, arg->tag, true, &ext);
	m = find_modifier(c, n->word, arg->tag, true, &ext);
	if (!tag && !m)
		return tell_unknown_tag(c, n, arg);
	t = add_tagged(c, n, arg);
	t->tag = tag;
	t->modifier = tag ? NULL : m;
	as.type = tag ? tag->type : m->type;
	as.what = tag ? tag->what : NULL;
	as.flags = tag ? tag->flags : 0;
	return take_param(c, n, at, &as, t);
}

/* Sorts arguments into tags and positional ones. */
static int sort_args(struct sieve_check *c, struct sieve_node *n)
{
	n->positional = arena_array(
		c->script->arena, n->n_args + 1, sizeof(*n->positional));
	for (size_t i = 0; i < n->n_args; i++) {
		struct sieve_arg *arg = &n->args[i];
		int rc = 0;

		if (arg->kind != SIEVE_ARG_TAG) {
			n->positional[n->n_positional++] = arg;
			continue;
		}
		if (n->n_positional && sieve_check_is_tag(c, n, arg->tag)) {
			sieve_error(c, arg->pos,
				"unexpected ':%.*s' behind other arguments of "
				"the %s %s (tags come first)",
				STR_ARG(arg->tag), n->word->name,
				sieve_node_kind(n));
			return sieve_hint(c, "write %s :%.*s ...",
				n->word->name, STR_ARG(arg->tag));
		}
		if (n->word->flags & (SIEVE_MATCHES | SIEVE_ADDRESSES))
			rc = sieve_match_take_tag(c, n, &i);
		if (rc == 0)
			rc = take_tag(c, n, &i);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static const char *tagged_name(const struct sieve_tagged *t)
{
	return t->tag ? t->tag->name : t->modifier->name;
}

/* Two tags that may not stand together. Returns: 0, or -1: told. */
static int check_pair(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *a, const struct sieve_tagged *b)
{
	if (a->tag == b->tag && a->modifier == b->modifier) {
		if (a->tag && a->tag->flags & SIEVE_REPEATS)
			return 0;
		return sieve_error(c, b->pos,
			"the ':%s' tag is given twice to the %s %s",
			tagged_name(b), n->word->name, sieve_node_kind(n));
	}
	if (a->tag && b->tag && a->tag->group && a->tag->group == b->tag->group)
		return sieve_error(c, b->pos,
			"':%s' and ':%s' exclude each other in the %s %s",
			a->tag->name, b->tag->name, n->word->name,
			sieve_node_kind(n));
	if (a->modifier && b->modifier &&
		a->modifier->precedence == b->modifier->precedence)
		return sieve_error(c, b->pos,
			"modifiers ':%s' and ':%s' exclude each other",
			a->modifier->name, b->modifier->name);
	return 0;
}

static int check_required(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_tag *t = n->word->tags;

	for (; t && t->name; t++)
		if (t->flags & SIEVE_REQUIRED && !sieve_node_tag(n, t->name))
			return sieve_error(c, n->pos,
				"the %s %s needs the ':%s' tag", n->word->name,
				sieve_node_kind(n), t->name);
	return 0;
}

/* High precedence first; equal ones are none. */
static void sort_modifiers(struct sieve_node *n)
{
	for (size_t i = 1; i < n->n_tags; i++) {
		struct sieve_tagged t = n->tags[i];
		size_t k = i;

		for (; k > 0 && t.modifier && n->tags[k - 1].modifier &&
			n->tags[k - 1].modifier->precedence <
				t.modifier->precedence;
			k--)
			n->tags[k] = n->tags[k - 1];
		n->tags[k] = t;
	}
}

static int check_tags(struct sieve_check *c, struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_tags; i++)
		for (size_t k = 0; k < i; k++)
			if (check_pair(c, n, &n->tags[k], &n->tags[i]) < 0)
				return -1;
	if (check_required(c, n) < 0)
		return -1;
	if (n->word->flags & SIEVE_MODIFIES)
		sort_modifiers(n);
	for (size_t i = 0; i < n->n_tags; i++) {
		const struct sieve_tagged *t = &n->tags[i];

		if (t->tag && t->tag->check && t->tag->check(c, n, t) < 0)
			return -1;
	}
	return 0;
}

static size_t count_params(const struct sieve_word *w, size_t *n_required)
{
	size_t n = 0;

	*n_required = 0;
	for (; n < SIEVE_PARAMS_MAX && w->params[n].type; n++)
		if (!(w->params[n].flags & SIEVE_OPTIONAL))
			*n_required = n + 1;
	return n;
}

static void tell_count(
	struct sieve_check *c, struct sieve_node *n, size_t least, size_t most)
{
	AUTO(buf) struct buf list = BUF_INIT(500);
	size_t wanted = n->n_positional < least ? least : most;
	struct sieve_pos pos = n->pos;

	if (n->n_positional > most)
		pos = n->positional[most]->pos;
	sieve_error(c, pos,
		"the %s %s requires %zu positional argument%s, but %zu %s "
		"specified",
		n->word->name, sieve_node_kind(n), wanted,
		wanted == 1 ? "" : "s", n->n_positional,
		n->n_positional == 1 ? "is" : "are");
	for (size_t i = 0; i < most; i++)
		buf_printf(&list, "%s%s (%s)", i ? ", then " : "",
			name_type(n->word->params[i].type),
			n->word->params[i].what);
	if (most)
		sieve_hint(c, "%.*s", STR_ARG(buf_view(&list)));
}

static int check_positional(struct sieve_check *c, struct sieve_node *n)
{
	size_t least, most = count_params(n->word, &least);

	for (size_t i = 0; i < MIN(most, n->n_positional); i++) {
		const struct sieve_param *as = &n->word->params[i];
		char *place = arena_printf(
			c->script->arena, "argument %zu (%s)", i + 1, as->what);

		if (sieve_check_arg(c, n, n->positional[i], as, place) < 0)
			return -1;
	}
	if (n->n_positional >= least && n->n_positional <= most)
		return 0;
	tell_count(c, n, least, most);
	return -1;
}

int sieve_check_args(struct sieve_check *c, struct sieve_node *n)
{
	if (sort_args(c, n) < 0 || check_tags(c, n) < 0 ||
		check_positional(c, n) < 0)
		return -1;
	return n->word->flags & SIEVE_MATCHES ? sieve_match_finish(c, n) : 0;
}

const struct sieve_tagged *sieve_node_tag(
	const struct sieve_node *n, const char *name)
{
	for (size_t i = 0; i < n->n_tags; i++)
		if (!strcmp(tagged_name(&n->tags[i]), name))
			return &n->tags[i];
	return NULL;
}

const struct sieve_arg *sieve_node_param(
	const struct sieve_node *n, const char *name)
{
	const struct sieve_tagged *t = sieve_node_tag(n, name);

	return t ? t->param : NULL;
}
