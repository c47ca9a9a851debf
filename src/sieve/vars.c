/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vars.c - variables: references in strings, found once at compile time, and
 * their values (RFC 5229).
 *
 * A script's own variables are slots of an array. What has a namespace, and a
 * few plain names, belongs to extensions, which are asked in turn.
 */
#include <mailmill/map.h>
#include <mailmill/utf8.h>

#include "message.h"
#include "script.h"

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Tells how long the identifier is that begins at `from`; 0: none does. */
static size_t measure_identifier(struct str s, size_t from)
{
	size_t at = from;

	if (at < s.len && is_alpha(s.p[at]))
		while (at < s.len &&
			(is_alpha(s.p[at]) || str_is_digit(s.p[at])))
			at++;
	return at - from;
}

static size_t measure_digits(struct str s, size_t from)
{
	size_t at = from;

	while (at < s.len && str_is_digit(s.p[at]))
		at++;
	return at - from;
}

/* The same for a whole variable name: digits, or identifiers with dots. */
static size_t measure_name(struct str s, size_t from)
{
	size_t n = measure_digits(s, from), more;

	if (n)
		return n;
	n = measure_identifier(s, from);
	while (n && from + n < s.len && s.p[from + n] == '.') {
		more = measure_identifier(s, from + n + 1);
		if (!more)
			more = measure_digits(s, from + n + 1);
		if (!more)
			return 0;
		n += 1 + more;
	}
	return n;
}

bool sieve_is_identifier(struct str s)
{
	return s.len && measure_identifier(s, 0) == s.len;
}

bool sieve_is_dotted(struct str s)
{
	return s.len && !str_is_digit(s.p[0]) && measure_name(s, 0) == s.len;
}

struct str sieve_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i];
	return str_n(p, s.len);
}

/* Once a script: all later ones are too many as well. */
static int tell_too_many(
	struct sieve_check *c, struct sieve_pos pos, struct str name)
{
	if (map_set(c->told, STR("variables"), c))
		return -1;
	return sieve_error(c, pos, "more than %u variables: '%.*s' is too many",
		c->script->settings->limits.variables, STR_ARG(name));
}

static int check_name(
	struct sieve_check *c, struct sieve_pos pos, struct str name)
{
	const struct sieve_limits *limits = sieve_check_limits(c);

	if (!sieve_is_identifier(name)) {
		sieve_error(c, pos, "'%.*s' is no name for a variable",
			STR_ARG(str_sub(name, 0, 64)));
		return sieve_hint(c, "letters, digits and _ only, and no digit "
				     "first");
	}
	if (name.len > limits->name_len)
		return sieve_error(c, pos,
			"name of a variable is longer than %u letters",
			limits->name_len);
	return 0;
}

/* Finds the slot of a name, or gives it the next one of *n. */
static int declare(struct sieve_check *c, struct sieve_pos pos, struct map *map,
	struct str name, unsigned *n, unsigned base, unsigned *slot)
{
	struct str lower = sieve_lower(c->script->arena, name);
	uintptr_t found;

	if (check_name(c, pos, name) < 0)
		return -1;
	found = (uintptr_t)map_get(map, lower);
	if (!found) {
		if (*n >= MIN(sieve_check_limits(c)->variables,
				  SIEVE_GLOBAL_SLOT))
			return tell_too_many(c, pos, name);
		found = base + ++*n;
		map_set(map, lower, (void *)found);
	}
	*slot = (unsigned)found - 1;
	return 0;
}

int sieve_check_global(struct sieve_check *c, struct sieve_pos pos,
	struct str name, unsigned *slot)
{
	return declare(c, pos, c->globals, name, &c->script->root->n_globals,
		SIEVE_GLOBAL_SLOT, slot);
}

int sieve_check_share(
	struct sieve_check *c, struct sieve_pos pos, struct str name)
{
	struct str lower = sieve_lower(c->script->arena, name);
	uintptr_t now = (uintptr_t)map_get(c->variables, lower);
	struct str key = str_c(
		arena_printf(c->script->arena, "set %.*s ", STR_ARG(lower)));
	unsigned slot;

	if (sieve_check_global(c, pos, name, &slot) < 0)
		return -1;
	if (now && now <= SIEVE_GLOBAL_SLOT && map_get(c->told, key)) {
		sieve_error(c, pos,
			"'%.*s' was set above as a variable of this script "
			"alone",
			STR_ARG(name));
		return sieve_hint(c, "move the global command to the top");
	}
	map_set(c->variables, lower, (void *)(uintptr_t)(slot + 1));
	return 0;
}

/* A name that stands where a variable is set. */
static int check_namespace(struct sieve_check *c, struct sieve_pos pos,
	struct str name, unsigned *slot)
{
	struct str rest = name, space;

	str_cut(&rest, '.', &space);
	if (str_eq_case(space, STR("global")) && sieve_check_has(c, "include"))
		return sieve_check_global(c, pos, rest, slot);
	sieve_error(c, pos,
		"'%.*s' is no name for a variable: nothing can be set in "
		"'%.*s'",
		STR_ARG(str_sub(name, 0, 64)), STR_ARG(str_sub(space, 0, 64)));
	if (str_eq_case(space, STR("global")))
		return sieve_hint(c, "write at the top: require \"include\";");
	return sieve_hint(c, "a name has no dot");
}

int sieve_check_variable(struct sieve_check *c, struct sieve_pos pos,
	struct str name, unsigned *slot)
{
	if (str_chr(name, '.') >= 0 && sieve_is_dotted(name))
		return check_namespace(c, pos, name, slot);
	if (declare(c, pos, c->variables, name, &c->script->n_variables, 0,
		    slot) < 0)
		return -1;
	sieve_check_is_first(c, "set", name, STR_NULL);
	return 0;
}

/* Asks the extensions. Returns: 1 claimed, 0, or -1: an error was told. */
static int claim_ref(struct sieve_check *c, struct sieve_ref *ref)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		const struct sieve_ext *ext = sieve_exts[i];
		int rc;

		if (!sieve_check_is_on(c, i) || !ext->ref_check)
			continue;
		rc = ext->ref_check(c, ref);
		if (rc > 0) {
			ref->kind = SIEVE_REF_EXT;
			ref->ext = ext;
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int resolve_ref(struct sieve_check *c, struct sieve_ref *ref)
{
	uint64_t number;
	ssize_t dot;
	int rc;

	if (str_is_digit(ref->name.p[0])) {
		if (str_to_u64(ref->name, SIEVE_MATCH_VALUES_MAX - 1, &number) <
			0) {
			sieve_error(c, ref->pos, "there is no ${%.*s}",
				STR_ARG(ref->name));
			return sieve_hint(c, "match values go up to ${%d}",
				SIEVE_MATCH_VALUES_MAX - 1);
		}
		ref->kind = SIEVE_REF_MATCH;
		ref->number = (unsigned)number;
		return 0;
	}
	rc = claim_ref(c, ref);
	if (rc)
		return rc < 0 ? -1 : 0;
	dot = str_chr(ref->name, '.');
	if (dot >= 0) {
		sieve_error(c, ref->pos, "unknown namespace '%.*s' in ${%.*s}",
			STR_ARG(str_sub(ref->name, 0, (size_t)dot)),
			STR_ARG(ref->name));
		return sieve_hint(c, "nothing that is required or named above "
				     "is called so");
	}
	ref->kind = SIEVE_REF_VARIABLE;
	return declare(c, ref->pos, c->variables, ref->name,
		&c->script->n_variables, 0, &ref->number);
}

/*
 * Finds the place of a reference in the source: between *from, which moves on,
 * and the end of the string. What was built by escapes is not found; it and
 * all behind it get the place where the search has come to.
 */
static struct sieve_pos find_ref(
	struct str source, struct sieve_pos *from, size_t end, struct str whole)
{
	struct sieve_pos pos = *from;
	ssize_t at;
	size_t to;

	if (pos.offset >= end)
		return pos;
	at = str_find(str_sub(source, pos.offset, end - pos.offset), whole);
	if (at < 0) {
		from->offset = end;
		return pos;
	}
	for (to = pos.offset + (size_t)at; pos.offset < to; pos.offset++) {
		pos.column++;
		if (source.p[pos.offset] == '\n') {
			pos.line++;
			pos.column = 1;
		}
	}
	*from = pos;
	from->offset++;
	from->column++;
	return pos;
}

static void add_piece(struct sieve_check *c, struct sieve_text *t,
	struct str literal, struct sieve_ref *ref)
{
	if (!literal.len && !ref)
		return;
	if (!t->n_pieces)
		t->pieces = arena_array(
			c->script->arena, 1, sizeof(*t->pieces));
	else if (!(t->n_pieces & (t->n_pieces - 1)))
		t->pieces = arena_grow(c->script->arena, t->pieces, t->n_pieces,
			t->n_pieces * 2, sizeof(*t->pieces));
	t->pieces[t->n_pieces++] = (struct sieve_piece){ literal, ref };
}

/* Cuts a string at its references, if it has any. */
static int cut_text(struct sieve_check *c, struct sieve_text *t, unsigned flags)
{
	struct str s = t->value;
	struct sieve_pos near = t->pos;
	size_t done = 0;

	for (size_t at = 0; at + 3 < s.len; at++) {
		struct sieve_ref *ref;
		size_t n;

		if (s.p[at] != '$' || s.p[at + 1] != '{')
			continue;
		n = measure_name(s, at + 2);
		if (!n || at + 2 + n >= s.len || s.p[at + 2 + n] != '}')
			continue;
		ref = ARENA_NEW(c->script->arena, struct sieve_ref);
		ref->name = str_sub(s, at + 2, n);
		ref->pos = find_ref(c->script->source, &near, t->end,
			str_sub(s, at, n + 3));
		ref->is_whole = n + 3 == s.len;
		ref->may_defer = flags & SIEVE_DEFERS;
		if (resolve_ref(c, ref) < 0)
			return -1;
		add_piece(c, t, str_sub(s, done, at - done), NULL);
		add_piece(c, t, STR_NULL, ref);
		done = at + n + 3;
		at = done - 1;
	}
	if (t->n_pieces)
		add_piece(c, t, str_sub(s, done, s.len - done), NULL);
	return 0;
}

/* Tells, once a script, that a reference will stay as it is written. */
static void warn_plain(struct sieve_check *c, const struct sieve_text *t)
{
	struct str s = t->value;
	ssize_t at = str_find(s, STR("${"));
	size_t n = at < 0 ? 0 : measure_name(s, (size_t)at + 2);
	size_t end = (size_t)at + 2 + n;

	if (!n || end >= s.len || s.p[end] != '}' ||
		map_set(c->told, STR("plain"), c))
		return;
	sieve_warn(c, t->pos, "${%.*s} stays as it is written",
		STR_ARG(str_sub(s, (size_t)at + 2, n)));
	sieve_hint(c, "for its value, write at the top: require "
		      "\"variables\";");
}

int sieve_check_text(
	struct sieve_check *c, struct sieve_text *t, unsigned flags)
{
	for (unsigned i = 0; sieve_exts[i]; i++) {
		if (sieve_check_is_on(c, i) && sieve_exts[i]->text_check &&
			sieve_exts[i]->text_check(c, t) < 0)
			return -1;
	}
	if (sieve_check_has(c, "variables"))
		return cut_text(c, t, flags);
	warn_plain(c, t);
	return 0;
}

static struct str *find_slot(const struct sieve_run *r, unsigned slot)
{
	if (slot >= SIEVE_GLOBAL_SLOT)
		return &r->globals[slot - SIEVE_GLOBAL_SLOT];
	return &r->variables[slot];
}

static int get_ref(
	struct sieve_run *r, const struct sieve_ref *ref, struct str *out)
{
	if (ref->kind == SIEVE_REF_EXT && sieve_message_flush(r) < 0)
		return SIEVE_FAILED;
	if (ref->kind == SIEVE_REF_EXT)
		return ref->ext->ref_get(r, ref, out);
	if (ref->kind == SIEVE_REF_VARIABLE)
		*out = *find_slot(r, ref->number);
	else if (ref->number < r->n_match_values)
		*out = r->match_values[ref->number];
	else
		*out = STR_NULL;
	return 0;
}

int sieve_text_get(
	struct sieve_run *r, const struct sieve_text *t, struct str *out)
{
	AUTO(buf) struct buf b = BUF_INIT(PLAN_VALUE_MAX);
	struct str piece;
	int rc;

	if (!t->n_pieces) {
		*out = t->value;
		return 0;
	}
	if (t->n_pieces == 1)
		return get_ref(r, t->pieces[0].ref, out);
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct sieve_piece *p = &t->pieces[i];

		piece = p->literal;
		rc = p->ref ? get_ref(r, p->ref, &piece) : 0;
		if (rc < 0)
			return rc;
		buf_str(&b, piece);
	}
	if (buf_is_over(&b))
		return sieve_fail(r,
			"a string grew beyond %zu bytes when its variables "
			"were filled in",
			PLAN_VALUE_MAX);
	*out = arena_str(r->arena, buf_view(&b));
	/* Building strings costs steps, so that memory is bounded, too. */
	return sieve_step(r, out->len / 64);
}

int sieve_arg_get(
	struct sieve_run *r, const struct sieve_arg *a, struct str *out)
{
	return sieve_text_get(r, &a->texts[0], out);
}

int sieve_arg_list(
	struct sieve_run *r, const struct sieve_arg *a, struct str **out)
{
	struct str *list = arena_array(r->arena, a->n, sizeof(*list));

	for (size_t i = 0; i < a->n; i++) {
		int rc = sieve_text_get(r, &a->texts[i], &list[i]);

		if (rc < 0)
			return rc;
	}
	*out = list;
	return 0;
}

void sieve_set(struct sieve_run *r, unsigned slot, struct str value)
{
	*find_slot(r, slot) = arena_str(
		r->arena, utf8_cut(value, r->limits->value_len));
}

struct str sieve_get(const struct sieve_run *r, unsigned slot)
{
	return *find_slot(r, slot);
}

int sieve_modify(
	struct sieve_run *r, const struct sieve_node *n, struct str *value)
{
	/* The checker has sorted the modifiers by precedence. */
	for (size_t i = 0; i < n->n_tags; i++) {
		const struct sieve_tagged *t = &n->tags[i];
		int rc;

		if (!t->modifier)
			continue;
		rc = t->modifier->apply(r, n, t, value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Counts the line feeds that no carriage return stands before. */
static size_t count_bare(struct str s)
{
	size_t n = 0;

	for (size_t at = 0; at < s.len; at++) {
		const char *lf = memchr(s.p + at, '\n', s.len - at);

		if (!lf)
			break;
		at = (size_t)(lf - s.p);
		n += at == 0 || s.p[at - 1] != '\r';
	}
	return n;
}

struct str sieve_crlf(struct sieve_run *r, struct str s)
{
	size_t n = count_bare(s);
	char *p, *to;

	if (!n)
		return s;
	to = p = arena_alloc(r->arena, s.len + n + 1);
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			*to++ = '\r';
		*to++ = s.p[i];
	}
	return str_n(p, s.len + n);
}
