/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli.h - subcommands, and what they share: options, messages, exit status. */
#ifndef MAILMILL_CLI_H
#define MAILMILL_CLI_H

#include <stdio.h>

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/str.h>

/* One option of a subcommand. A table of them ends with { 0 }. */
struct cli_option {
	const char *name; /* "config", without -- */
	char letter;	  /* 'c', or 0 */
	const char *arg;  /* "FILE" when it takes a value, else NULL */
	const char *help; /* one line, as in the manual */
};

struct cli_command {
	const char *name;  /* "serve" */
	const char *usage; /* "[--config FILE] FILE..." */
	const char *help;  /* one line */
	const struct cli_option *options;
	bool is_hidden; /* not for people: worker */
	/* Gets the subcommand's own argv. Returns: the exit status. */
	int (*run)(int argc, char **argv);
};

/* Ends a walk over options. */
#define CLI_END (-1)
/* An option that is not known, or lacks its value; already told to the user. */
#define CLI_BAD (-2)

/* A walk over argv; at its end, operands begin at `at`. */
struct cli_args {
	int argc;
	char **argv;
	const struct cli_command *command;
	int at;
	const char *value; /* of the option just given */
	/* the walk's own */
	const char *cluster;
	int first, n_kept;
	bool is_over;
};

/* Begins a walk over the options of a command. */
struct cli_args cli_args(const struct cli_command *c, int argc, char **argv);
/*
 * Gives the next option as an index into the command's table, its value in
 * args->value. Accepts --name VALUE, --name=VALUE, -nVALUE, -n VALUE, before
 * and behind operands; "--" ends them. Note: argv is put in order. --help
 * prints the command's help and exits. Returns: an index, CLI_END, or CLI_BAD
 * (exit with 64, EX_USAGE).
 */
int cli_next(struct cli_args *args);
/* Prints "mailmill COMMAND: text" to standard error. */
void cli_say(const struct cli_command *c, const char *fmt, ...) PRINTF(2, 3);
/* Prints a failure like cli_say(). Returns: the sysexits code of its kind. */
int cli_fail(const struct cli_command *c, const struct err *err);
/* Prints a stranger's text so that it cannot steer the terminal. */
void cli_print_safe(struct str s);
extern const struct cli_command cli_check;
extern const struct cli_command cli_deliver;
extern const struct cli_command cli_eval;
extern const struct cli_command cli_import;
extern const struct cli_command cli_parse;
extern const struct cli_command cli_queue;
extern const struct cli_command cli_sandbox;
extern const struct cli_command cli_test;
extern const struct cli_command cli_script;
extern const struct cli_command cli_serve;
extern const struct cli_command cli_token;
extern const struct cli_command cli_user;
extern const struct cli_command cli_worker;

/* Lists all subcommands, ended by NULL. */
const struct cli_command *const *cli_commands(void);

#endif
