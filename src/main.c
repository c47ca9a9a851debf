/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - picks the subcommand, nothing else. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <mailmill/str.h>

#include "cli/cli.h"

static void print_commands(FILE *to)
{
	fputs("usage: mailmill COMMAND [OPTION]... (COMMAND --help tells "
	      "more)\n",
		to);
	for (const struct cli_command *const *c = cli_commands(); *c; c++)
		if (!(*c)->is_hidden)
			fprintf(to, "  %-9s %s\n", (*c)->name, (*c)->help);
}

int main(int argc, char **argv)
{
	const char *names[32];
	size_t n = 0;
	ssize_t near;

	if (argc < 2) {
		print_commands(stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
		print_commands(stdout);
		return EX_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("mailmill " MAILMILL_VERSION);
		return EX_OK;
	}
	for (const struct cli_command *const *c = cli_commands(); *c; c++) {
		if (strcmp(argv[1], (*c)->name) == 0)
			return (*c)->run(argc - 1, argv + 1);
		if (n < COUNT(names))
			names[n++] = (*c)->name;
	}
	near = str_nearest(str_c(argv[1]), names, n);
	fprintf(stderr, "mailmill: no command %s%s%s%s\n", argv[1],
		near < 0 ? "" : "; did you mean ", near < 0 ? "" : names[near],
		near < 0 ? "" : "?");
	return EX_USAGE;
}
