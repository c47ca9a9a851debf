/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - binds a parsed script to its words, and says all that is wrong.
 *
 * Each node is checked on its own, and at most one mistake of its own
 * arguments is told; its tests and its block are gone into all the same. An
 * unknown word is told once a script, an unknown tag once a word.
 */
#include <mailmill/map.h>

#include "script.h"

/* Names that are told when nothing near was found. */
#define FEW_NAMES 8

int sieve_error(
	struct sieve_check *c, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(c->teller, SIEVE_ERROR, pos, fmt, ap);
	va_end(ap);
	return -1;
}

void sieve_warn(
	struct sieve_check *c, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(c->teller, SIEVE_WARNING, pos, fmt, ap);
	va_end(ap);
}

int sieve_hint(struct sieve_check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell_hint(c->teller, fmt, ap);
	va_end(ap);
	return -1;
}

static int hint_nearest(struct sieve_check *c, struct str name,
	const char *const *names, size_t n_names)
{
	AUTO(buf) struct buf list = BUF_INIT(1000);
	ssize_t near;

	if (c->teller->is_full)
		return -1;
	near = str_nearest(name, names, n_names);
	if (near >= 0)
		return sieve_hint(c, "did you mean '%s'?", names[near]);
	if (!n_names || n_names > FEW_NAMES)
		return -1;
	for (size_t i = 0; i < n_names; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
	return sieve_hint(c, "there are: %.*s", STR_ARG(buf_view(&list)));
}

int sieve_error_nearest(struct sieve_check *c, struct sieve_pos pos,
	const char *what, struct str name, const char *const *names,
	size_t n_names)
{
	sieve_error(c, pos, "unknown %s '%.*s'", what,
		STR_ARG(str_sub(name, 0, 100)));
	return hint_nearest(c, name, names, n_names);
}

/* Tells whether this is the first time that a name comes up. */
static bool is_first(
	struct sieve_check *c, const char *what, struct str a, struct str b)
{
	char *key = arena_printf(
		c->script->arena, "%s %.*s %.*s", what, STR_ARG(a), STR_ARG(b));

	return !map_set(c->told, sieve_lower(c->script->arena, str_c(key)), c);
}

struct arena *sieve_check_arena(struct sieve_check *c)
{
	return c->script->arena;
}

const struct sieve_limits *sieve_check_limits(const struct sieve_check *c)
{
	return &c->script->limits;
}

unsigned sieve_ext_index(const struct sieve_ext *ext)
{
	unsigned i = 0;

	while (sieve_exts[i] != ext)
		must(sieve_exts[i++]);
	return i;
}

void *sieve_check_state(
	struct sieve_check *c, const struct sieve_ext *ext, size_t size)
{
	void **state = &c->script->states[sieve_ext_index(ext)];

	if (!*state)
		*state = arena_alloc(c->script->arena, size);
	return *state;
}

/*
 * Capabilities
 */

static bool is_capability(const struct sieve_check *c,
	const struct sieve_ext *ext, struct str capability)
{
	return ext->capability && str_eq(str_c(ext->capability), capability) &&
	       (c->is_for_tests || !ext->is_for_tests);
}

const struct sieve_ext *sieve_check_find(
	const struct sieve_check *c, struct str capability)
{
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (is_capability(c, sieve_exts[i], capability))
			return sieve_exts[i];
	return NULL;
}

bool sieve_check_has(const struct sieve_check *c, const char *capability)
{
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_check_is_on(c, i) &&
			is_capability(c, sieve_exts[i], str_c(capability)))
			return true;
	return false;
}

int sieve_check_enable(struct sieve_check *c, struct str capability)
{
	int rc = -1;

	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_ext *ext = sieve_exts[i];

		if (!is_capability(c, ext, capability))
			continue;
		rc = 0;
		if (sieve_check_is_on(c, i))
			continue;
		c->enabled |= (uint64_t)1 << i;
		for (size_t k = 0; ext->implies && ext->implies[k]; k++)
			must(sieve_check_enable(c, str_c(ext->implies[k])) ==
				0);
	}
	return rc;
}

int sieve_error_capability(
	struct sieve_check *c, struct sieve_pos pos, struct str capability)
{
	const char *names[SIEVE_EXTS_MAX];
	size_t n = 0;

	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_exts[i]->capability && !sieve_exts[i]->is_for_tests)
			names[n++] = sieve_exts[i]->capability;
	sieve_error(c, pos, "unknown extension '%.*s'",
		STR_ARG(str_sub(capability, 0, 100)));
	if (hint_nearest(c, capability, names, n) < 0 &&
		str_nearest(capability, names, n) < 0)
		sieve_hint(c, "mailmill has no extension of this name");
	return -1;
}

static void hint_require(struct sieve_check *c, const struct sieve_ext *ext)
{
	sieve_hint(c, "write at the top: require \"%s\";", ext->capability);
}

/*
 * Finding words
 */

static const char *name_kind(const struct sieve_node *n)
{
	return n->kind == SIEVE_NODE_TEST ? "test" : "command";
}

/* Finds a word in one extension. Returns: or NULL. */
static const struct sieve_word *find_in(
	const struct sieve_ext *ext, struct str name)
{
	for (const struct sieve_word *w = ext->words; w && w->name; w++)
		if (str_eq_case(str_c(w->name), name))
			return w;
	return NULL;
}

/* Finds a word that is on, or (is_on false) one that require would give. */
static const struct sieve_word *find_word(const struct sieve_check *c,
	struct str name, bool is_on, const struct sieve_ext **ext)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_word *w;

		if (sieve_check_is_on(c, i) != is_on ||
			(sieve_exts[i]->is_for_tests && !c->is_for_tests))
			continue;
		w = find_in(sieve_exts[i], name);
		if (w) {
			*ext = sieve_exts[i];
			return w;
		}
	}
	return NULL;
}

static bool fits_kind(const struct sieve_word *w, const struct sieve_node *n)
{
	return w->flags &
	       (n->kind == SIEVE_NODE_TEST ? SIEVE_TEST : SIEVE_COMMAND);
}

static void hint_words(struct sieve_check *c, const struct sieve_node *n)
{
	const char *names[400];
	size_t count = 0;

	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_word *w = sieve_exts[i]->words;

		if (sieve_exts[i]->is_for_tests && !c->is_for_tests)
			continue;
		for (; w && w->name && count < COUNT(names); w++)
			if (fits_kind(w, n))
				names[count++] = w->name;
	}
	hint_nearest(c, n->name, names, count);
}

static bool is_tag_of(const struct sieve_check *c, const struct sieve_node *n,
	struct str name);

static void tell_unknown(struct sieve_check *c, const struct sieve_node *n)
{
	const struct sieve_ext *ext;
	const struct sieve_word *w;

	if (!is_first(c, "word", n->name, STR_NULL))
		return;
	sieve_error(
		c, n->pos, "unknown %s '%.*s'", name_kind(n), STR_ARG(n->name));
	w = find_word(c, n->name, false, &ext);
	if (w && fits_kind(w, n))
		hint_require(c, ext);
	else
		hint_words(c, n);
}

/* Binds the node to its word. Returns: 0, or -1: an error was told. */
static int bind_word(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_ext *ext;

	n->word = find_word(c, n->name, true, &ext);
	if (n->word && fits_kind(n->word, n))
		return 0;
	if (!n->word) {
		tell_unknown(c, n);
	} else {
		sieve_error(c, n->pos, "attempted to use %s '%s' as a %s",
			n->kind == SIEVE_NODE_TEST ? "command" : "test",
			n->word->name, name_kind(n));
		if (n->kind == SIEVE_NODE_COMMAND)
			sieve_hint(c,
				"a test stands behind if: "
				"if %s ... { ... }",
				n->word->name);
	}
	n->word = NULL;
	return -1;
}

/*
 * Arguments
 */

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
	struct sieve_script *s = c->script;

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
			n->word->name, name_kind(n), name_type(as->type), place,
			name_arg(arg));
		if (arg->kind == SIEVE_ARG_NUMBER && as->type != SIEVE_NUMBER)
			sieve_hint(c, "write it in quotes: \"%llu\"",
				(unsigned long long)arg->number);
		return -1;
	}
	if (as->type == SIEVE_NUMBER)
		return 0;
	return ready_texts(c, arg, as, place);
}

/* Calls `see` for each tag that a node's word can have. Stops when it says. */
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

static bool is_tag_of(const struct sieve_check *c, const struct sieve_node *n,
	struct str name)
{
	const struct sieve_ext *ext;

	return find_tag(c, n->word, name, true, &ext) ||
	       find_modifier(c, n->word, name, true, &ext) ||
	       sieve_match_tag_ext(c, n->word, name, true);
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
	hint_nearest(c, name, names, count);
}

static int tell_unknown_tag(
	struct sieve_check *c, struct sieve_node *n, struct sieve_arg *arg)
{
	const struct sieve_ext *ext = find_tag_ext(c, n->word, arg->tag);

	if (!is_first(c, "tag", n->name, arg->tag))
		return -1;
	sieve_error(c, arg->pos,
		"unknown tagged argument ':%.*s' for the %s %s (told "
		"once)",
		STR_ARG(arg->tag), n->word->name, name_kind(n));
	if (ext)
		hint_require(c, ext);
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
			STR_ARG(tag->tag), n->word->name, name_kind(n),
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
		if (n->n_positional && is_tag_of(c, n, arg->tag)) {
			sieve_error(c, arg->pos,
				"unexpected ':%.*s' behind other arguments of "
				"the %s %s (tags come first)",
				STR_ARG(arg->tag), n->word->name, name_kind(n));
			return -1;
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
			tagged_name(b), n->word->name, name_kind(n));
	}
	if (a->tag && b->tag && a->tag->group && a->tag->group == b->tag->group)
		return sieve_error(c, b->pos,
			"':%s' and ':%s' exclude each other in the %s %s",
			a->tag->name, b->tag->name, n->word->name,
			name_kind(n));
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
				name_kind(n), t->name);
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
		n->word->name, name_kind(n), wanted, wanted == 1 ? "" : "s",
		n->n_positional, n->n_positional == 1 ? "is" : "are");
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

/*
 * A word that takes no tests has one. Without a semicolon the next command
 * reads as a test, and without a colon a tag does. Returns: 0 when the word
 * itself is right and only its semicolon is missing, else -1.
 */
static int tell_tests(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_node *test = n->tests[0];
	const struct sieve_ext *ext;
	const struct sieve_word *w = find_word(c, test->name, true, &ext);

	if (!w && is_tag_of(c, n, test->name))
		return sieve_error(c, test->pos,
			"missing colon ':' before ':%.*s' tag in %s %s",
			STR_ARG(test->name), n->word->name, name_kind(n));
	if (n->kind == SIEVE_NODE_COMMAND && !n->has_parens &&
		(!w || !(w->flags & SIEVE_TEST))) {
		sieve_error(c, n->end, "missing semicolon ';' after %s command",
			n->word->name);
		return 0;
	}
	return sieve_error(c, test->pos,
		"the %s %s accepts no sub-tests, but tests are specified",
		n->word->name, name_kind(n));
}

static int check_tests_count(struct sieve_check *c, struct sieve_node *n)
{
	const char *kind = name_kind(n);
	unsigned flags = n->word->flags;

	if (flags & SIEVE_TEST_LIST) {
		if (n->has_parens)
			return 0;
		sieve_error(c, n->pos, "the %s %s requires a list of tests",
			n->word->name, kind);
		return sieve_hint(
			c, "in parentheses: %s (..., ...)", n->word->name);
	}
	if (flags & SIEVE_ONE_TEST) {
		if (n->n_tests == 1 && !n->has_parens)
			return 0;
		sieve_error(c, n->pos,
			"the %s %s requires one test, but %s specified",
			n->word->name, kind,
			n->n_tests ? "a list of tests is" : "none is");
		if (n->n_tests == 1)
			sieve_hint(c, "leave out the parentheses");
		else if (n->n_tests)
			sieve_hint(c, "write anyof or allof before the list");
		return -1;
	}
	return n->n_tests ? tell_tests(c, n) : 0;
}

static bool takes_tests(const struct sieve_node *n)
{
	return n->word->flags & (SIEVE_ONE_TEST | SIEVE_TEST_LIST);
}

static bool takes_block(const struct sieve_node *n)
{
	return n->word->flags & (SIEVE_BLOCK | SIEVE_BLOCK_MAY);
}

static int check_block_count(struct sieve_check *c, struct sieve_node *n)
{
	unsigned flags = n->word->flags;

	if (n->kind == SIEVE_NODE_TEST)
		return 0;
	if (!n->has_block && flags & SIEVE_BLOCK) {
		sieve_error(c, n->pos, "the %s command requires a block",
			n->word->name);
		return sieve_hint(c, "write { ... } instead of the semicolon");
	}
	/* With tests, too, it is the next command's block: that was told. */
	if (n->has_block && !takes_block(n) && !n->n_tests) {
		sieve_error(c, n->pos, "the %s command accepts no block",
			n->word->name);
		return sieve_hint(c, "write ';' instead of { }");
	}
	return 0;
}

static int check_args(struct sieve_check *c, struct sieve_node *n)
{
	if (sort_args(c, n) < 0 || check_tags(c, n) < 0 ||
		check_positional(c, n) < 0)
		return -1;
	return n->word->flags & SIEVE_MATCHES ? sieve_match_finish(c, n) : 0;
}

/* A missing colon spoils the arguments: so the tests are looked at anyway. */
static int check_own(struct sieve_check *c, struct sieve_node *n)
{
	int rc = check_args(c, n);

	if (check_tests_count(c, n) < 0 || rc < 0)
		return -1;
	return check_block_count(c, n);
}

static void check_node(struct sieve_check *c, struct sieve_node *n);

static void check_block(struct sieve_check *c, struct sieve_node *n)
{
	for (size_t i = 0; i < n->n_block; i++) {
		const struct sieve_node *before = n->block[i]->before;

		if (before && before->word && before->word->flags & SIEVE_ENDS)
			sieve_warn(c, n->block[i]->pos,
				"never reached: %s stands before it",
				before->word->name);
		check_node(c, n->block[i]);
	}
}

/*
 * What a word does not take is not gone into: it was told, and nobody knows
 * what was meant.
 */
static void check_node(struct sieve_check *c, struct sieve_node *n)
{
	int rc;

	if (bind_word(c, n) < 0)
		return;
	rc = check_own(c, n);
	for (size_t i = 0; takes_tests(n) && i < n->n_tests; i++)
		check_node(c, n->tests[i]);
	if (rc == 0 && n->word->check)
		rc = n->word->check(c, n);
	if (takes_block(n) && !n->is_never)
		check_block(c, n);
	if (rc == 0 && n->word->check_end)
		n->word->check_end(c, n);
}

void sieve_check_script(struct sieve_check *c)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		must(i < SIEVE_EXTS_MAX);
		if (!sieve_exts[i]->capability)
			c->enabled |= (uint64_t)1 << i;
	}
	check_block(c, c->script->top);
	for (unsigned i = 0; sieve_exts[i]; i++)
		if (sieve_check_is_on(c, i) && sieve_exts[i]->check_script)
			sieve_exts[i]->check_script(c);
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

const struct sieve_regex *sieve_check_regex(struct sieve_check *c,
	struct sieve_pos pos, struct str pattern, unsigned flags)
{
	struct sieve_script *s = c->script;
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re;
	size_t offset = 0;

	if (sieve_regex_compile(pattern, flags, &re, error, &offset) < 0) {
		sieve_error(c, pos, "invalid pattern: %s", error);
		sieve_hint(c, "after \"%.*s\"",
			STR_ARG(str_sub(pattern, 0, MIN(offset, 100))));
		return NULL;
	}
	if (!(s->n_regexes & (s->n_regexes - 1)))
		s->regexes = arena_grow(s->arena, s->regexes, s->n_regexes,
			MAX(1, s->n_regexes * 2), sizeof(*s->regexes));
	s->regexes[s->n_regexes++] = re;
	return re;
}
