/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sieve.c - the front: compiling and evaluating rule files.
 *
 *	source -> lex.c tokens -> parse.c tree -> check.c tree bound to words
 *	mail, envelope, facts -> run.c -> plan
 *
 * parse.c and lex.c know the grammar and no word of the language. All words,
 * tags, match types and comparators come from tables, one file an extension,
 * listed in ext.c; ext.h says what an extension can bring. A script is checked
 * only when it could be parsed, so that one mistake is told once.
 */
#include <mailmill/map.h>

#include "parse.h"
#include "script.h"

static PRINTF(2, 3) void tell_size(struct sieve_teller *t, const char *fmt, ...)
{
	struct sieve_pos pos = { 1, 1, 0 };
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(t, SIEVE_ERROR, pos, fmt, ap);
	va_end(ap);
}

struct sieve_script *sieve_script_begin(struct sieve_script *root,
	struct str name, struct str source,
	const struct sieve_settings *settings)
{
	struct sieve_script *s = root ? ARENA_NEW(root->arena,
						struct sieve_script)
				      : NEW(struct sieve_script);
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	hash_bytes(source, digest);
	hash_hex(digest, hex);
	s->root = root ? root : s;
	s->arena = root ? root->arena : arena_new();
	s->name = arena_str(s->arena, name);
	s->source = arena_str(s->arena, source);
	s->sha256 = arena_str(s->arena, str_c(hex));
	s->settings = settings;
	return s;
}

static void check(struct sieve_script *s, struct sieve_teller *t,
	bool for_tests, const struct sieve_check *by)
{
	AUTO(map) struct map *variables = map_new(), *headers = map_new(),
			     *globals = map_new(), *told = map_new();
	struct sieve_check c = {
		.script = s,
		.teller = t,
		.is_for_tests = for_tests,
		.variables = variables,
		.headers = by ? by->headers : headers,
		.globals = by ? by->globals : globals,
		.depth = by ? by->depth + 1 : 0,
		.told = told,
	};

	sieve_check_script(&c);
}

void sieve_script_fill(struct sieve_script *s, struct sieve_teller *t,
	bool for_tests, const struct sieve_check *by)
{
	t->source = s->source;
	s->top = sieve_parse(s->source, s->arena, &s->settings->limits, t);
	if (!t->n_errors || !t->is_counting)
		check(s, t, for_tests, by);
	if (!t->is_counting)
		sieve_sort_told(t);
}

static int compile_as(bool for_tests, bool is_counting, const char *name,
	struct str source, const struct sieve_settings *settings,
	struct sieve_diags *diags, struct sieve_script **out)
{
	struct sieve_teller t = {
		.source = source, .diags = diags, .is_counting = is_counting
	};
	AUTO(sieve) struct sieve_script *s = NULL;

	if (!settings)
		settings = sieve_settings_default();
	if (source.len > settings->limits.script_len) {
		t.source = STR_NULL;
		tell_size(&t, "script of %zu bytes is larger than %zu",
			source.len, settings->limits.script_len);
		return -1;
	}
	s = sieve_script_begin(NULL, str_c(name), source, settings);
	sieve_script_fill(s, &t, for_tests, NULL);
	if (t.n_errors)
		return -1;
	sieve_include_seal(s);
	*out = TAKE(s);
	return 0;
}

int sieve_compile_for(bool for_tests, const char *name, struct str source,
	const struct sieve_settings *settings, struct sieve_diags *diags,
	struct sieve_script **out)
{
	return compile_as(
		for_tests, for_tests, name, source, settings, diags, out);
}

int sieve_compile_test(const char *name, struct str source,
	const struct sieve_settings *settings, struct sieve_diags *diags,
	struct sieve_script **out)
{
	return compile_as(true, false, name, source, settings, diags, out);
}

int sieve_compile(const char *name, struct str source,
	const struct sieve_settings *settings, struct sieve_diags *diags,
	struct sieve_script **out)
{
	return sieve_compile_for(false, name, source, settings, diags, out);
}

void sieve_free(struct sieve_script *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_regexes; i++)
		sieve_regex_free(s->regexes[i]);
	arena_free(s->arena);
	free(s);
}

static bool is_listed(size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sieve_exts[i]->capability &&
			strcmp(sieve_exts[i]->capability,
				sieve_exts[n]->capability) == 0)
			return true;
	return false;
}

void sieve_capabilities(struct buf *out)
{
	for (size_t i = 0; sieve_exts[i]; i++)
		if (sieve_exts[i]->capability && !sieve_exts[i]->is_for_tests &&
			!is_listed(i))
			buf_printf(out, "%s%s", out->len ? " " : "",
				sieve_exts[i]->capability);
}

static bool has_command(const struct sieve_node *n, struct str name)
{
	if (n->kind == SIEVE_NODE_COMMAND && str_eq_case(n->name, name))
		return true;
	for (size_t i = 0; i < n->n_block; i++)
		if (has_command(n->block[i], name))
			return true;
	return false;
}

bool sieve_can(const struct sieve_script *s, enum plan_action_kind kind)
{
	struct str name = str_c(plan_action_name(kind));

	if (s->top && has_command(s->top, name))
		return true;
	for (size_t i = 0; i < s->n_included; i++) {
		const struct sieve_script *inc = s->included[i]->script;
		if (inc && inc->top && has_command(inc->top, name))
			return true;
	}
	return false;
}

struct str sieve_name(const struct sieve_script *s)
{
	return s->name;
}

struct str sieve_sha256(const struct sieve_script *s)
{
	return s->sha256;
}

int sieve_eval(const struct sieve_script *s, struct mail *mail,
	const struct envelope *env, const struct facts *facts, struct arena *a,
	struct plan **out, struct err *err)
{
	struct sieve_run *r = sieve_run_new(s, mail, env, facts, a, err);
	int flow = sieve_run_script(r);

	sieve_run_finish(r, flow);
	sieve_run_fini(r);
	*out = r->plan;
	return 0;
}
