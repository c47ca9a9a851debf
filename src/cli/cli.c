/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli.c - what subcommands share, and the table of them. */
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include <mailmill/str.h>

#include "cli.h"

/* In the order in which `mailmill help` lists them. */
static const struct cli_command *const commands[] = {
	&cli_serve,
	&cli_check,
	&cli_deliver,
	&cli_queue,
	&cli_eval,
	&cli_import,
	&cli_parse,
	&cli_test,
	&cli_script,
	&cli_token,
	&cli_user,
	&cli_worker,
	&cli_sandbox,
	NULL,
};

const struct cli_command *const *cli_commands(void)
{
	return commands;
}

void cli_say(const struct cli_command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mailmill %s: ", c->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int cli_fail(const struct cli_command *c, const struct err *err)
{
	cli_say(c, "%s", err->text);
	switch (err->kind) {
	case ERR_TEMP:
		return EX_TEMPFAIL;
	case ERR_PERM:
		return EX_DATAERR;
	case ERR_CONF:
		return EX_CONFIG;
	case ERR_NONE:
		break;
	}
	return EX_SOFTWARE;
}

struct cli_args cli_args(const struct cli_command *c, int argc, char **argv)
{
	return (struct cli_args){
		.argc = argc, .argv = argv, .command = c, .at = 1, .first = 1
	};
}

static void print_help(const struct cli_command *c)
{
	printf("usage: mailmill %s %s\n%s.\n", c->name, c->usage, c->help);
	for (const struct cli_option *o = c->options; o && o->name; o++) {
		char left[64];
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
			o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			o->letter ? ", " : "  ", o->name, o->arg ? " " : "",
			o->arg ? o->arg : "");
		printf("  %-28s %s\n", left, o->help);
	}
	exit(0);
}

static int take_value(struct cli_args *args, int index, const char *inside)
{
	const struct cli_option *o = &args->command->options[index];

	args->value = NULL;
	if (!o->arg && inside) {
		cli_say(args->command, "--%s takes no value", o->name);
		return CLI_BAD;
	}
	if (!o->arg)
		return index;
	if (inside) {
		args->value = inside;
		return index;
	}
	if (args->at >= args->argc) {
		cli_say(args->command, "--%s needs a value: %s", o->name,
			o->arg);
		return CLI_BAD;
	}
	args->value = args->argv[args->at++];
	return index;
}

static int next_long(struct cli_args *args, const char *word)
{
	const char *equals = strchr(word, '=');
	struct str name = equals ? str_n(word, (size_t)(equals - word))
				 : str_c(word);
	const struct cli_option *options = args->command->options;
	const char *names[64];
	size_t n = 0;
	ssize_t near;

	if (str_eq(name, STR("help")))
		print_help(args->command);
	for (; options && options[n].name && n < COUNT(names); n++) {
		names[n] = options[n].name;
		if (str_eq(name, str_c(names[n])))
			return take_value(
				args, (int)n, equals ? equals + 1 : NULL);
	}
	near = str_nearest(name, names, n);
	cli_say(args->command, "no option --%.*s%s%s%s", STR_ARG(name),
		near < 0 ? "" : "; did you mean --",
		near < 0 ? "" : names[near], near < 0 ? "" : "?");
	return CLI_BAD;
}

static int next_letter(struct cli_args *args)
{
	const struct cli_option *options = args->command->options;
	char letter = *args->cluster++;
	const char *rest = *args->cluster ? args->cluster : NULL;

	if (!rest)
		args->cluster = NULL;
	if (letter == 'h')
		print_help(args->command);
	for (int n = 0; options && options[n].name; n++) {
		if (options[n].letter != letter)
			continue;
		if (options[n].arg)
			args->cluster = NULL;
		return take_value(args, n, options[n].arg ? rest : NULL);
	}
	cli_say(args->command, "no option -%c", letter);
	return CLI_BAD;
}

/* Operands between options are kept, in order, in slots already read. */
static void keep_operands(struct cli_args *args)
{
	while (args->at < args->argc) {
		char *word = args->argv[args->at];
		if (word[0] == '-' && word[1])
			return;
		args->argv[args->first + args->n_kept++] = word;
		args->at++;
	}
}

static int end_options(struct cli_args *args)
{
	size_t n = (size_t)args->n_kept;

	args->is_over = true;
	memmove(args->argv + args->at - n, args->argv + args->first,
		n * sizeof(args->argv[0]));
	args->at -= args->n_kept;
	return CLI_END;
}

int cli_next(struct cli_args *args)
{
	const char *word;

	if (args->is_over)
		return CLI_END;
	if (args->cluster)
		return next_letter(args);
	keep_operands(args);
	if (args->at >= args->argc)
		return end_options(args);
	word = args->argv[args->at++];
	if (strcmp(word, "--") == 0)
		return end_options(args);
	if (word[1] == '-')
		return next_long(args, word + 2);
	args->cluster = word + 1;
	return next_letter(args);
}

void cli_print_safe(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool is_c1 = c == 0xc2 && i + 1 < s.len &&
			     (unsigned char)s.p[i + 1] < 0xa0;
		if (is_c1)
			i++;
		if (is_c1 || (c < ' ' && c != '\t') || c == 127)
			putchar('?');
		else
			putchar(c);
	}
}
