/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - mailmill check: tries rules and config without starting anything.
 */
#include <fts.h>
#include <string.h>
#include <sysexits.h>

#include <mailmill/file.h>
#include <mailmill/map.h>
#include <mailmill/route.h>
#include <mailmill/sieve.h>
#include <mailmill/token.h>

#include "cli.h"
#include "config.h"
#include "findings.h"
#include "managed.h"
#include "rulefile.h"

enum {
	OPT_CONFIG,
	OPT_EXPLAIN,
	OPT_FORMAT,
	OPT_MESSAGES,
	OPT_OPTIONS,
	OPT_WERROR
};
static const struct cli_option options[] = {
	[OPT_CONFIG] = { "config", 'c', "FILE", "check this configuration" },
	[OPT_EXPLAIN] = { "explain", 0, "CODE",
		"say what a kind of finding means" },
	[OPT_FORMAT] = { "format", 'f', "FORMAT",
		"text, gcc, json or sarif; default: text" },
	[OPT_MESSAGES] = { "messages", 0, NULL,
		"list all kinds of findings in rules" },
	[OPT_OPTIONS] = { "options", 0, NULL,
		"list the options of a configuration" },
	[OPT_WERROR] = { "werror", 0, NULL,
		"let warnings count as something found" },
	{ 0 },
};

#define EXIT_FOUND 1

/* A check: settings of the configuration if there is one, and findings. */
struct check {
	struct findings found;
	struct config_rules rules;
};

/* What compiling returns, the findings say. */
static void compile_test(struct check *c, const char *path, struct str source,
	struct sieve_diags *diags)
{
	AUTO(sieve) struct sieve_script *script = NULL;

	(void)!sieve_compile_test(
		path, source, &c->rules.settings, diags, &script);
}

static void compile_rules(struct check *c, const char *path, struct str source,
	bool is_alone, struct sieve_diags *diags)
{
	struct rulefile file = { 0 };

	(void)!rulefile_compile(
		&file, path, source, &c->rules, is_alone, diags);
	rulefile_fini(&file);
}

static void tell_file(
	const struct findings *f, const char *path, const struct findings *old)
{
	size_t errors = f->n_errors - old->n_errors;
	size_t warnings = f->n_warnings - old->n_warnings;

	if (!f->format->is_for_people)
		return;
	if (errors)
		cli_say(&cli_check, "%s: %zu error%s", path, errors,
			errors == 1 ? "" : "s");
	else if (warnings)
		printf("%s: can be used, with %zu warning%s\n", path, warnings,
			warnings == 1 ? "" : "s");
	else
		printf("%s: can be used\n", path);
}

/* `is_alone`: see rulefile_compile(). */
static void check_script(struct check *c, const char *path, bool is_alone)
{
	AUTO(buf)
	struct buf source = BUF_INIT(c->rules.settings.limits.script_len + 1);
	AUTO(arena) struct arena *a = arena_new();
	struct sieve_diags diags = { .arena = a };
	const struct findings old = c->found;
	struct err err = { 0 };

	if (file_read(path, &source, &err) < 0) {
		findings_add_failure(&c->found, path, err.text);
		return;
	}
	if (str_ends(str_c(path), STR(".svtest")))
		compile_test(c, path, buf_view(&source), &diags);
	else
		compile_rules(c, path, buf_view(&source), is_alone, &diags);
	findings_add(&c->found, path, &diags);
	tell_file(&c->found, path, &old);
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Checks a file, or all rule and test files below a folder. */
static void check_path(struct check *c, char *path)
{
	char *const paths[] = { path, NULL };
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, compare);
	size_t n_files = 0;

	for (FTSENT *e; tree && (e = fts_read(tree));) {
		bool is_named = e->fts_level == FTS_ROOTLEVEL;

		if (e->fts_info != FTS_F &&
			!(is_named && e->fts_info != FTS_D &&
				e->fts_info != FTS_DP))
			continue;
		if (!is_named && !str_ends(str_c(e->fts_path), STR(".sieve")) &&
			!str_ends(str_c(e->fts_path), STR(".svtest")))
			continue;
		check_script(c, e->fts_path, true);
		n_files++;
	}
	if (tree)
		fts_close(tree);
	if (!n_files)
		findings_add_failure(
			&c->found, path, "no .sieve or .svtest file here");
}

/* Checks what ManageSieve made active, if anything. */
static void check_managed(struct check *c, const struct conf *conf,
	const struct conf_section *route)
{
	AUTO(bytes) char *path = NULL;
	struct err err = { 0 };
	int rc = managed_active(conf, route->title, &path, &err);

	if (rc < 0)
		findings_add_failure(&c->found, route->title, err.text);
	else if (path)
		check_script(c, path, false);
}

static void tell_config(struct check *c, const char *path)
{
	AUTO(arena) struct arena *a = arena_new();

	findings_add_failure(
		&c->found, path, arena_printf(a, "%s cannot be used", path));
}

/*
 * Reads the configuration, and checks each rule file that it names once.
 * Gives: *out, or NULL: it cannot be used.
 */
static void check_config(
	struct check *c, const char *path, struct arena *a, struct conf **out)
{
	AUTO(conf) struct conf *conf = NULL;
	AUTO(map) struct map *seen = map_new();
	AUTO(token_keys) struct token_keys *keys = NULL;
	const size_t n_errors = c->found.n_errors;
	struct err err = { 0 };

	if (config_load(path, config_print_error, NULL, &conf, &err) < 0) {
		tell_config(c, path);
		return;
	}
	if (config_token_keys(conf, &keys, &err) < 0 ||
		config_rules(conf, a, &c->rules, &err) < 0) {
		config_print_error(err.text, NULL);
		tell_config(c, path);
		return;
	}
	for (const struct conf_section *s = conf_first(conf); s; s = s->next) {
		const struct route_conf *route = s->data;
		if (s->schema != &route_schema)
			continue;
		if (route->is_managed)
			check_managed(c, conf, s);
		if (route->script && !map_set(seen, str_c(route->script), seen))
			check_script(c, route->script, false);
	}
	if (c->found.n_errors == n_errors && c->found.format->is_for_people)
		printf("%s: can be used\n", path);
	*out = TAKE(conf);
}

/* Prints section, option, default with tabs between: for the manual's test. */
static int list_options(void)
{
	for (const struct conf_schema *const *s = config_schemas(); *s; s++)
		for (const struct conf_field *f = (*s)->fields; f->name; f++)
			printf("%s\t%s\t%s\n",
				(*s)->keyword ? (*s)->keyword : "", f->name,
				f->def ? f->def : "");
	return EX_OK;
}

static const char *name_severity(const struct sieve_message *m)
{
	return m->severity == SIEVE_ERROR ? "error" : "warning";
}

/* Prints code, severity, meaning, remedy with tabs between. */
static int list_messages(void)
{
	size_t n;
	const struct sieve_message *m = sieve_messages(&n);

	for (size_t i = 0; i < n; i++)
		printf("%s\t%s\t%s\t%s\n", m[i].code, name_severity(&m[i]),
			m[i].means, m[i].fix);
	return EX_OK;
}

static int explain(const char *code)
{
	size_t n;
	const struct sieve_message *m = sieve_messages(&n);

	if (!strncmp(code, "sieve/", 6))
		code += 6;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(m[i].code, code) != 0)
			continue;
		printf("sieve/%s (%s)\n%s\n%s\n", code, name_severity(&m[i]),
			m[i].means, m[i].fix);
		if (m[i].example)
			printf("\nFor example, this is found:\n\n%s",
				m[i].example);
		return EX_OK;
	}
	cli_say(&cli_check,
		"no finding has the code '%s': --messages lists all", code);
	return EX_USAGE;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_check, argc, argv);
	const char *config = NULL, *format = "text";
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(conf) struct conf *conf = NULL;
	struct check c = { 0 };
	struct err err = { 0 };
	bool is_strict = false;

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (o == CLI_BAD)
			return EX_USAGE;
		if (o == OPT_OPTIONS)
			return list_options();
		if (o == OPT_MESSAGES)
			return list_messages();
		if (o == OPT_EXPLAIN)
			return explain(args.value);
		is_strict |= o == OPT_WERROR;
		if (o == OPT_CONFIG)
			config = args.value;
		if (o == OPT_FORMAT)
			format = args.value;
	}
	if (findings_begin(&c.found, format) < 0) {
		cli_say(&cli_check,
			"no format '%s': there are text, gcc, json, sarif",
			format);
		return EX_USAGE;
	}
	if (args.at == argc && !config)
		config = CONFIG_PATH;
	if (config_rules(NULL, arena, &c.rules, &err) < 0)
		return cli_fail(&cli_check, &err);
	if (config)
		check_config(&c, config, arena, &conf);
	for (int i = args.at; i < argc; i++)
		check_path(&c, argv[i]);
	findings_end(&c.found);
	return c.found.n_errors || (is_strict && c.found.n_warnings)
		       ? EXIT_FOUND
		       : EX_OK;
}

const struct cli_command cli_check = {
	.name = "check",
	.usage = "[--config FILE] [--format FORMAT] [--werror] "
		 "[SCRIPT|FOLDER...]",
	.help = "Tries configuration and rules without starting anything",
	.options = options,
	.run = run,
};
