/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * include.c - scripts within scripts (RFC 6609): finding, compiling, running.
 *
 * A script and all that it includes are a tree of compiled scripts with one
 * root. Each is compiled once, where the text first includes it, and lives in
 * the root's arena. So what is included is known when compiling ends, and a
 * worker that gets all sources needs no file.
 *
 * What is whose:
 *   each script's   requires, variables, match values, whether the last if
 *                   ran; begun anew at each inclusion
 *   all scripts'    the mail and what was changed in it, the plan and its
 *                   implicit keep, the state of extensions (flags, loops over
 *                   parts), shared variables, and the names of records: what
 *                   one script found or created, those behind it may use
 *
 * A script that includes itself, by whatever way, is an error; with :once it
 * is not run again. Depth is bounded twice: in the text, and when it runs, for
 * a script that was compiled high in the tree may be included further down.
 */
#include "script.h"

#define SEAL_MAX ((size_t)64 << 20)

/* The error that is told at the including place. */
static int refuse(struct sieve_check *c, struct sieve_pos pos,
	const struct sieve_include *what, const char *why)
{
	return sieve_error(c, pos, "included script '%.*s' %s",
		STR_ARG(str_sub(what->name, 0, 200)), why);
}

static struct sieve_included *find(
	const struct sieve_script *root, const struct sieve_include *what)
{
	for (size_t i = 0; i < root->n_included; i++)
		if (root->includes[i].is_global == what->is_global &&
			str_eq(root->includes[i].name, what->name))
			return root->included[i];
	return NULL;
}

/* Adds an entry; `what` is lent by the root's arena. */
static struct sieve_included *add(
	struct sieve_script *root, const struct sieve_include *what)
{
	struct sieve_included *inc = ARENA_NEW(
		root->arena, struct sieve_included);
	size_t n = root->n_included;

	root->includes = arena_grow(
		root->arena, root->includes, n, n + 1, sizeof(*root->includes));
	root->included = arena_grow(root->arena, (void *)root->included, n,
		n + 1, sizeof(struct sieve_included *));
	root->includes[n] = *what;
	root->included[n] = inc;
	inc->number = (unsigned)n;
	root->n_included++;
	return inc;
}

static int tell_missing(struct sieve_check *c, struct sieve_pos pos,
	const struct sieve_include *what, bool is_optional)
{
	const char *place = what->is_global ? ":global" : ":personal";

	if (is_optional)
		return 0;
	if (!sieve_check_settings(c)->allows_missing) {
		refuse(c, pos, what, "is not there");
		return sieve_hint(c,
			"it is looked for as a %s script; ':optional' does "
			"without it",
			place);
	}
	sieve_warn(c, pos, "included script '%.*s' is not there",
		STR_ARG(what->name));
	sieve_hint(c,
		"it is looked for as a %s script; without it, this rule fails "
		"for each mail",
		place);
	return 0;
}

static int check_limits(struct sieve_check *c, struct sieve_pos pos)
{
	const struct sieve_limits *limits = sieve_check_limits(c);

	if (c->script->root->n_included >= limits->includes)
		return sieve_error(c, pos, "more than %u scripts are included",
			limits->includes);
	if (c->depth >= limits->include_depth)
		return sieve_error(c, pos,
			"scripts are included deeper than %u levels",
			limits->include_depth);
	return 0;
}

/* Returns: 0 found, SIEVE_FIND_NONE, or -1: told. */
static int bring(
	struct sieve_check *c, struct sieve_pos pos, struct sieve_include *what)
{
	const struct sieve_settings *s = sieve_check_settings(c);
	struct err err = { 0 };
	int rc = SIEVE_FIND_NONE;

	what->name = arena_str(c->script->arena, what->name);
	if (s->find)
		rc = s->find(s->find_ctx, c->script->arena, what->is_global,
			what->name, &what->path, &what->source, &err);
	if (rc < 0)
		return refuse(c, pos, what,
			arena_printf(c->script->arena, "cannot be read: %s",
				err.text));
	if (rc == 0 && what->source.len > s->limits.script_len)
		return refuse(c, pos, what, "is too large");
	return rc;
}

/* Compiles what was found, at the place that includes it. */
static void compile(struct sieve_check *c, const struct sieve_include *what,
	struct sieve_included *inc)
{
	struct sieve_teller t = {
		.file = what->path,
		.diags = c->teller->diags,
		.is_counting = c->teller->is_counting,
	};

	inc->is_open = true;
	inc->script = sieve_script_begin(
		c->script->root, what->path, what->source, c->script->settings);
	sieve_script_fill(inc->script, &t, c->is_for_tests, c);
	inc->is_bad = t.n_errors > 0;
	inc->is_open = false;
}

static int include_first(struct sieve_check *c, struct sieve_pos pos,
	struct sieve_include *what, bool is_once, bool is_optional,
	const struct sieve_included **out)
{
	struct sieve_script *root = c->script->root;
	struct sieve_included *inc;
	int rc = check_limits(c, pos);

	if (rc == 0)
		rc = bring(c, pos, what);
	if (rc < 0)
		return -1;
	if (rc == 0 && str_eq(what->path, root->name))
		return is_once ? 0 : refuse(c, pos, what, "includes itself");
	inc = add(root, what);
	inc->is_missing = rc == SIEVE_FIND_NONE;
	if (inc->is_missing)
		return tell_missing(c, pos, what, is_optional);
	compile(c, what, inc);
	if (inc->is_bad)
		return refuse(c, pos, what, "has errors");
	*out = inc;
	return 0;
}

int sieve_include_check(struct sieve_check *c, struct sieve_pos pos,
	const struct sieve_include *what, bool is_once, bool is_optional,
	const struct sieve_included **out)
{
	struct sieve_include own = *what;
	struct sieve_included *inc = find(c->script->root, what);

	*out = NULL;
	if (!inc)
		return include_first(c, pos, &own, is_once, is_optional, out);
	if (inc->is_missing)
		return tell_missing(c, pos, what, is_optional);
	if (inc->is_bad)
		return refuse(c, pos, what, "has errors");
	if (inc->is_open && !is_once)
		return refuse(c, pos, what, "includes itself");
	*out = inc;
	return 0;
}

/* What a script has for itself, while another runs. */
struct own {
	const struct sieve_script *script;
	const struct sieve_node *at;
	bool is_taken;
	struct str *variables;
	struct str match_values[SIEVE_MATCH_VALUES_MAX];
	unsigned n_match_values;
};

static void leave(struct sieve_run *r, struct own *own)
{
	own->script = r->script;
	own->at = r->at;
	own->is_taken = r->is_taken;
	own->variables = r->variables;
	memcpy(own->match_values, r->match_values, sizeof(own->match_values));
	own->n_match_values = r->n_match_values;
}

static void return_to(struct sieve_run *r, const struct own *own)
{
	r->script = own->script;
	r->at = own->at;
	r->is_taken = own->is_taken;
	r->variables = own->variables;
	memcpy(r->match_values, own->match_values, sizeof(own->match_values));
	r->n_match_values = own->n_match_values;
}

int sieve_include_run(struct sieve_run *r, const struct sieve_included *what)
{
	struct own own;
	int flow;

	if (r->include_depth >= r->limits->include_depth)
		return sieve_fail(r,
			"scripts are included deeper than %u levels",
			r->limits->include_depth);
	leave(r, &own);
	r->include_depth++;
	r->is_included[what->number] = true;
	r->script = what->script;
	r->variables = arena_array(
		r->arena, r->script->n_variables, sizeof(*r->variables));
	r->n_match_values = 0;
	flow = sieve_exec_block(r, r->script->top);
	r->include_depth--;
	return_to(r, &own);
	return flow == SIEVE_RETURN ? SIEVE_GO_ON : flow;
}

void sieve_include_seal(struct sieve_script *root)
{
	AUTO(buf) struct buf all = BUF_INIT(SEAL_MAX);
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	if (!root->n_included)
		return;
	buf_str(&all, root->sha256);
	for (size_t i = 0; i < root->n_included; i++) {
		const struct sieve_include *inc = &root->includes[i];

		if (root->included[i]->is_missing)
			continue;
		buf_printf(&all, "\n%d %.*s %.*s", inc->is_global,
			STR_ARG(inc->name),
			STR_ARG(root->included[i]->script->sha256));
	}
	hash_bytes(buf_view(&all), digest);
	hash_hex(digest, hex);
	root->sha256 = arena_str(root->arena, str_c(hex));
}

size_t sieve_includes(
	const struct sieve_script *s, const struct sieve_include **out)
{
	struct sieve_include *list = arena_array(
		s->arena, s->n_included, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < s->n_included; i++)
		if (!s->included[i]->is_missing)
			list[n++] = s->includes[i];
	*out = list;
	return n;
}
