/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token.c - mailmill token: keys, and tokens made and checked by hand. */
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/token.h>

#include "cli.h"
#include "config.h"

#define KEYS_MAX ((size_t)64 * 1024)

enum {
	OPT_CONFIG,
};

static const struct cli_option options[] = {
	[OPT_CONFIG] = { "config", 'c', "FILE",
		"the configuration; " CONFIG_PATH },
	{ 0 },
};

/* Tells whether there is a line that is no comment. */
static bool has_keys(struct str text)
{
	struct str line;

	while (str_cut_line(&text, &line)) {
		line = str_trim(line);
		if (line.len && line.p[0] != '#')
			return true;
	}
	return false;
}

/* Prints a key that has another name than those of the file. */
static int print_key(const char *path, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(KEYS_MAX), line = BUF_INIT(200);
	AUTO(token_keys) struct token_keys *keys = NULL;

	if (path && access(path, F_OK) == 0 && file_read(path, &text, err) < 0)
		return -1;
	if (has_keys(buf_view(&text)) &&
		token_keys_read(buf_view(&text), path, &keys, err) < 0)
		return -1;
	if (token_key_add(keys, &line, err) < 0)
		return -1;
	fwrite(line.p, 1, line.len, stdout);
	explicit_bzero(line.p, line.len);
	return 0;
}

/* A token of a target that there is not would be worth nothing. */
static int check_target(struct conf *conf, const char *path, const char *target,
	struct err *err)
{
	for (const struct conf_section *s = conf_first(conf); s; s = s->next)
		if (s->schema->group && !strcmp(s->schema->group, "target") &&
			s->title && !strcmp(s->title, target))
			return 0;
	return err_set(
		err, ERR_CONF, "%s: there is no target \"%s\"", path, target);
}

static int read_keys(const char *path, const char *target,
	struct token_keys **out, struct err *err)
{
	AUTO(conf) struct conf *conf = NULL;

	if (config_load(path, config_print_error, NULL, &conf, err) < 0 ||
		check_target(conf, path, target, err) < 0 ||
		config_token_keys(conf, out, err) < 0)
		return -1;
	if (!*out)
		return err_set(err, ERR_CONF,
			"%s: mill has no thread_keys: nothing signs", path);
	return 0;
}

static int print_token(const struct token_keys *keys,
	const struct token_record *of, struct err *err)
{
	AUTO(buf) struct buf token = BUF_INIT(TOKEN_MAX + 1);

	if (token_make(keys, of, &token, err) < 0)
		return -1;
	printf("subject or text   [mm:%.*s]\n"
	       "address           support+mm-%.*s@example.org\n"
	       "Message-ID        <...@mm-%.*s.example.org>\n",
		STR_ARG(buf_view(&token)), STR_ARG(buf_view(&token)),
		STR_ARG(buf_view(&token)));
	return 0;
}

/* Takes "[mm:TOKEN]", "mm-TOKEN" and the bare one. */
static struct str strip(struct str s)
{
	if (str_starts(s, STR("[")))
		s = str_sub(s, 1, s.len - 1 - str_ends(s, STR("]")));
	if (str_starts_case(s, STR("mm:")) || str_starts_case(s, STR("mm-")))
		s = str_sub(s, 3, s.len);
	return s;
}

static int check_token(const struct token_keys *keys, struct str token,
	struct token_record *of)
{
	AUTO(arena) struct arena *a = arena_new();
	char key;

	if (!token_check(keys, a, strip(token), of, &key)) {
		printf("no token of %.*s in %.*s\n", STR_ARG(of->object),
			STR_ARG(of->scope));
		return 1;
	}
	printf("%.*s %.*s, key %c\n", STR_ARG(of->object), STR_ARG(of->record),
		key);
	return EX_OK;
}

/* argv: the action and its operands. */
static int act(int argc, char **argv, const char *config)
{
	AUTO(token_keys) struct token_keys *keys = NULL;
	struct token_record of = { STR_NULL, STR_NULL, STR_NULL };
	struct err err = { 0 };
	bool is_make = argc && !strcmp(argv[0], "make");

	if (argc >= 1 && argc <= 2 && !strcmp(argv[0], "key"))
		return print_key(argc == 2 ? argv[1] : NULL, &err) < 0
			       ? cli_fail(&cli_token, &err)
			       : EX_OK;
	if (argc != 4 || (!is_make && strcmp(argv[0], "check"))) {
		cli_say(&cli_token, "expected: %s", cli_token.usage);
		return EX_USAGE;
	}
	of.scope = str_c(argv[1]);
	of.object = str_c(argv[2]);
	of.record = str_c(argv[3]);
	if (read_keys(config, argv[1], &keys, &err) < 0 ||
		(is_make && print_token(keys, &of, &err) < 0))
		return cli_fail(&cli_token, &err);
	return is_make ? EX_OK : check_token(keys, of.record, &of);
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_token, argc, argv);
	const char *config = CONFIG_PATH;
	int option;

	while ((option = cli_next(&args)) != CLI_END) {
		if (option == CLI_BAD)
			return EX_USAGE;
		config = args.value;
	}
	return act(argc - args.at, argv + args.at, config);
}

const struct cli_command cli_token = {
	.name = "token",
	.usage = "key [FILE] | make TARGET OBJECT ID | check TARGET OBJECT "
		 "TOKEN",
	.help = "Makes keys and tokens that mails are known by",
	.options = options,
	.run = run,
};
