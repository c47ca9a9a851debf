/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script.c - mailmill script: managed scripts, their versions and journal.
 *
 * It works on the files, under the same lock as the service, and asks a
 * running one by its control socket to put in force what was changed.
 */
#include <jansson.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/route.h>

#include "cli.h"
#include "config.h"
#include "control.h"
#include "managed.h"

enum {
	OPT_CONFIG,
	OPT_ROUTE,
	OPT_VERSION,
	OPT_JSON,
};

static const struct cli_option options[] = {
	[OPT_CONFIG] = { "config", 'c', "FILE",
		"the configuration; " CONFIG_PATH },
	[OPT_ROUTE] = { "route", 'r', "ROUTE",
		"whose scripts; not needed where only one is managed" },
	[OPT_VERSION] = { "version", 'n', "N",
		"show, restore: this version of the script" },
	[OPT_JSON] = { "json", 'j', NULL, "print a JSON object a line" },
	{ 0 },
};

#define TEXT_MAX ((size_t)64 << 20)

struct request {
	const char *route, *name, *state;
	unsigned version;
	bool is_json;
	struct arena *arena;
	struct manage_scripts *scripts;
	struct manage_author by;
	struct config_rules rules;
};

static void print_json(json_t *o)
{
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

/* --- reading --------------------------------------------------------------
 */

static void print_item(const struct request *r, const struct manage_item *i)
{
	char at[CLOCK_TEXT_MAX];

	clock_text(i->changed_at, at);
	if (r->is_json)
		print_json(json_pack("{s:s%, s:b, s:I, s:s}", "name", i->name.p,
			i->name.len, "active", i->is_active, "bytes",
			(json_int_t)i->size, "changed", at));
	else
		printf("%c %7llu  %s  %.*s\n", i->is_active ? '*' : ' ',
			(unsigned long long)i->size, at, STR_ARG(i->name));
}

static int list(struct request *r, struct err *err)
{
	struct manage_item *items;
	size_t n;

	if (manage_scripts_list(
		    r->scripts, r->route, r->arena, &items, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		print_item(r, &items[i]);
	return 0;
}

static int missing(const struct request *r, struct err *err)
{
	if (r->version)
		return err_set(err, ERR_PERM,
			"there is no version %u of script \"%s\"", r->version,
			r->name);
	return err_set(err, ERR_PERM, "route \"%s\" has no script \"%s\"",
		r->route, r->name);
}

static int read_it(struct request *r, struct buf *out, struct err *err)
{
	struct str name = str_c(r->name);
	int rc = r->version ? manage_scripts_version(r->scripts, r->route, name,
				      r->version, out, err)
			    : manage_scripts_get(
				      r->scripts, r->route, name, out, err);

	return rc == MANAGE_NONEXISTENT ? missing(r, err) : rc;
}

static int show(struct request *r, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);

	if (read_it(r, &text, err))
		return -1;
	fwrite(text.p, 1, text.len, stdout);
	return 0;
}

static int versions(struct request *r, struct err *err)
{
	struct manage_version *all;
	size_t n;

	if (manage_scripts_versions(r->scripts, r->route, str_c(r->name),
		    r->arena, &all, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct manage_version *v = &all[i];
		if (r->is_json)
			print_json(json_pack("{s:i, s:s, s:s, s:s, s:s, s:I}",
				"version", (int)v->number, "at", v->at.p, "who",
				v->who.p, "from", v->from.p, "sha256",
				v->sha256.p, "bytes", (json_int_t)v->size));
		else
			printf("%5u  %.*s  %7llu  %.*s (%.*s)\n", v->number,
				STR_ARG(v->at), (unsigned long long)v->size,
				STR_ARG(v->who), STR_ARG(v->from));
	}
	return n ? 0 : missing(r, err);
}

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void print_entry(json_t *o)
{
	const char *to = text_of(o, "to");
	json_int_t version = json_integer_value(json_object_get(o, "version"));

	printf("%s  %-10s  %s%s%s", text_of(o, "at"), text_of(o, "action"),
		text_of(o, "script"), *to ? " -> " : "", to);
	if (version)
		printf("  version %lld", (long long)version);
	printf("  by %s (%s)\n", text_of(o, "who"), text_of(o, "from"));
}

static int show_log(struct request *r, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);
	struct str rest, line;

	if (manage_scripts_journal(r->scripts, r->route, &text, err))
		return -1;
	rest = buf_view(&text);
	while (str_cut_line(&rest, &line)) {
		json_t *o = json_loadb(line.p, line.len, 0, NULL);
		if (o && (!r->name ||
				 strcmp(text_of(o, "script"), r->name) == 0 ||
				 strcmp(text_of(o, "to"), r->name) == 0)) {
			if (r->is_json)
				printf("%.*s\n", STR_ARG(line));
			else
				print_entry(o);
		}
		json_decref(o);
	}
	return 0;
}

/* --- changing -------------------------------------------------------------
 */

static int judge(const struct request *r, int rc, const struct buf *findings,
	struct err *err)
{
	if (findings->len)
		fprintf(stderr, "%.*s\n", STR_ARG(buf_view(findings)));
	if (rc == MANAGE_DONE || rc == MANAGE_WARNINGS)
		return 0;
	if (rc == -1)
		return -1;
	if (rc == MANAGE_NONEXISTENT)
		return missing(r, err);
	if (rc == MANAGE_INVALID)
		return err_set(err, ERR_PERM, "\"%s\" cannot be used", r->name);
	if (rc == MANAGE_UNMANAGED)
		return err_set(err, ERR_CONF,
			"route \"%s\" takes its rules from a file: its section "
			"wants managed = yes",
			r->route);
	return err_set(err, ERR_PERM,
		"no room: see max_scripts, script_size and quota of section "
		"managesieve");
}

static int put(struct request *r, struct str source, struct err *err)
{
	AUTO(buf) struct buf findings = BUF_INIT(64 * 1024);
	int rc = manage_scripts_put(r->scripts, r->route, &r->by,
		str_c(r->name), source, &findings, err);

	return judge(r, rc, &findings, err);
}

static int restore(struct request *r, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);

	if (!r->version)
		return err_set(err, ERR_PERM,
			"say which: --version N, as mailmill script versions "
			"lists them");
	return read_it(r, &text, err) || put(r, buf_view(&text), err) ? -1 : 0;
}

static int put_stdin(struct request *r, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);

	return file_read_fd(STDIN_FILENO, &text, err) ||
			       put(r, buf_view(&text), err)
		       ? -1
		       : 0;
}

static int activate(struct request *r, struct err *err)
{
	AUTO(buf) struct buf findings = BUF_INIT(64 * 1024);
	int rc = manage_scripts_activate(
		r->scripts, r->route, &r->by, str_c(r->name), &findings, err);

	return judge(r, rc, &findings, err);
}

static int deactivate(struct request *r, struct err *err)
{
	r->name = "";
	return activate(r, err);
}

static const struct action {
	const char *name;
	int (*run)(struct request *r, struct err *err);
	bool needs_name, takes_name;
} actions[] = {
	{ "list", list, false, false },
	{ "show", show, true, true },
	{ "versions", versions, true, true },
	{ "log", show_log, false, true },
	{ "put", put_stdin, true, true },
	{ "restore", restore, true, true },
	{ "activate", activate, true, true },
	{ "deactivate", deactivate, false, false },
};

/* --- the command ----------------------------------------------------------
 */

/* Asks a running service; without one, its next start reads the files. */
static int apply(void *ctx, const char *route, struct err *err)
{
	struct request *r = ctx;

	return control_apply(r->state, route, err);
}

static int check_script(void *ctx, const char *path, struct str name,
	struct str source, struct buf *findings)
{
	const struct request *r = ctx;

	return managed_check(&r->rules, path, name, source, findings);
}

static int find_route(const struct conf *c, const char *wanted,
	const char **out, struct err *err)
{
	const char *only = NULL;
	size_t n = 0;

	for (const struct conf_section *s = conf_first(c); s; s = s->next) {
		const struct route_conf *route = s->data;
		if (s->schema != &route_schema)
			continue;
		if (wanted ? strcmp(s->title, wanted) == 0
			   : route->is_managed) {
			only = s->title;
			n++;
		}
	}
	if (wanted && !n)
		return err_set(
			err, ERR_CONF, "there is no route \"%s\"", wanted);
	if (n != 1)
		return err_set(err, ERR_CONF, "%s: say --route ROUTE",
			n ? "several routes are managed"
			  : "no route is managed");
	*out = only;
	return 0;
}

static int act(struct request *r, const struct action *a, const char *config)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(conf) struct conf *conf = NULL;
	AUTO(manage_scripts) struct manage_scripts *scripts = NULL;
	AUTO(bytes) char *folder = NULL;
	AUTO(bytes) char *who = mem_printf("uid %u", (unsigned)getuid());
	struct manage_scripts_options o;
	const struct config_top *top;
	struct err err = { 0 };

	if (config_load(config, config_print_error, NULL, &conf, &err) ||
		config_rules(conf, arena, &r->rules, &err) ||
		find_route(conf, r->route, &r->route, &err))
		return cli_fail(&cli_script, &err);
	top = conf_data(conf, &config_top_schema);
	r->state = top->state;
	managed_options(conf, &o, &folder);
	o.check = check_script;
	o.apply = apply;
	o.ctx = r;
	scripts = manage_scripts_new(&o);
	r->scripts = scripts;
	r->arena = arena;
	r->by = (struct manage_author){ str_c(who), STR("command line") };
	return a->run(r, &err) ? cli_fail(&cli_script, &err) : EX_OK;
}

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; name && i < COUNT(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static int take_option(struct request *r, int o, const char *value)
{
	uint64_t n;

	if (o == OPT_ROUTE)
		r->route = value;
	if (o == OPT_JSON)
		r->is_json = true;
	if (o != OPT_VERSION)
		return 0;
	if (str_to_u64(str_c(value), UINT32_MAX, &n) || !n) {
		cli_say(&cli_script, "--version %s is no number", value);
		return -1;
	}
	r->version = (unsigned)n;
	return 0;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_script, argc, argv);
	const char *config = CONFIG_PATH;
	const struct action *a;
	struct request r = { 0 };
	int n;

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (o == CLI_BAD || take_option(&r, o, args.value))
			return EX_USAGE;
		if (o == OPT_CONFIG)
			config = args.value;
	}
	a = find_action(args.at < argc ? argv[args.at++] : NULL);
	n = argc - args.at;
	if (!a || n < a->needs_name || n > a->takes_name) {
		cli_say(&cli_script, "usage: mailmill script %s",
			cli_script.usage);
		return EX_USAGE;
	}
	r.name = n ? argv[args.at] : NULL;
	return act(&r, a, config);
}

const struct cli_command cli_script = {
	.name = "script",
	.usage = "list | show NAME [--version N] | versions NAME | log [NAME] "
		 "|\n       put NAME | restore NAME --version N | activate "
		 "NAME | deactivate",
	.help = "Managed scripts, their versions, and who changed them",
	.options = options,
	.run = run,
};
