/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - mailmill check: tries rules and config without starting anything.
 */
#include <mailmill/map.h>
#include <mailmill/route.h>
#include <mailmill/sieve.h>
#include <sysexits.h>

#include "cli.h"
#include "config.h"
#include "managed.h"
#include "rulefile.h"

enum {
	OPT_CONFIG,
	OPT_OPTIONS
};
static const struct cli_option options[] = {
	[OPT_CONFIG] = { "config", 'c', "FILE", "check this configuration" },
	[OPT_OPTIONS] = { "options", 0, NULL,
		"list the options of a configuration" },
	{ 0 },
};

#define REPORT_MAX ((size_t)8 << 20)
#define EXIT_FOUND 1

/* Returns: whether the rule file can be used. */
static bool check_script(
	const char *path, const struct config_rules *rules, bool is_alone)
{
	AUTO(buf) struct buf report = BUF_INIT(REPORT_MAX);
	struct rulefile file = { 0 };
	struct err err = { 0 };
	int rc = rulefile_load(&file, path, rules, is_alone, &report, &err);

	if (report.len)
		fwrite(report.p, 1, report.len, stderr);
	if (rc < 0)
		cli_say(&cli_check, "%s", err.text);
	else
		printf("%s: can be used\n", path);
	rulefile_fini(&file);
	return rc == 0;
}

/* Checks what ManageSieve made active, if anything. */
static bool check_managed(const struct conf *conf,
	const struct conf_section *route, const struct config_rules *rules)
{
	AUTO(bytes) char *path = NULL;
	struct err err = { 0 };
	int rc = managed_active(conf, route->title, &path, &err);

	if (rc < 0)
		cli_say(&cli_check, "%s", err.text);
	return rc < 0 ? false : !path || check_script(path, rules, false);
}

/*
 * Reads the configuration, and checks each rule file that it names once.
 * Returns: whether all is right; without conf, nothing is known.
 */
static bool check_config(const char *path, struct arena *a, struct conf **out,
	struct config_rules *rules)
{
	AUTO(conf) struct conf *conf = NULL;
	AUTO(map) struct map *seen = map_new();
	struct err err = { 0 };
	bool is_right = true;

	if (config_load(path, config_print_error, NULL, &conf, &err) < 0) {
		cli_say(&cli_check, "%s cannot be used", path);
		return false;
	}
	if (config_rules(conf, a, rules, &err) < 0) {
		config_print_error(err.text, NULL);
		cli_say(&cli_check, "%s cannot be used", path);
		return false;
	}
	for (const struct conf_section *s = conf_first(conf); s; s = s->next) {
		const struct route_conf *route = s->data;
		if (s->schema != &route_schema)
			continue;
		if (route->is_managed)
			is_right &= check_managed(conf, s, rules);
		if (route->script && !map_set(seen, str_c(route->script), seen))
			is_right &= check_script(route->script, rules, false);
	}
	if (is_right)
		printf("%s: can be used\n", path);
	*out = TAKE(conf);
	return is_right;
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

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_check, argc, argv);
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(conf) struct conf *conf = NULL;
	struct config_rules rules;
	struct err err = { 0 };
	const char *config = NULL;
	bool is_right = true;

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (o == CLI_BAD)
			return EX_USAGE;
		if (o == OPT_OPTIONS)
			return list_options();
		config = args.value;
	}
	if (args.at == argc && !config)
		config = CONFIG_PATH;
	if (config_rules(NULL, arena, &rules, &err) < 0)
		return cli_fail(&cli_check, &err);
	if (config)
		is_right = check_config(config, arena, &conf, &rules);
	for (int i = args.at; i < argc; i++)
		is_right &= check_script(argv[i], &rules, true);
	return is_right ? EX_OK : EXIT_FOUND;
}

const struct cli_command cli_check = {
	.name = "check",
	.usage = "[--config FILE] [SCRIPT...]",
	.help = "Tries configuration and rules without starting anything",
	.options = options,
	.run = run,
};
