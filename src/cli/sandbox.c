/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sandbox.c - mailmill sandbox: a local Salesforce-compatible server. */
#include <signal.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/log.h>
#include <mailmill/mem.h>
#include <mailmill/sandbox.h>
#include <mailmill/str.h>

#include "cli.h"

enum {
	LISTEN,
	STATE,
	SCHEMA,
	CLIENT_ID,
	CLIENT_SECRET,
	USERNAME,
	PASSWORD,
	JWT_CERT,
	TLS_CERT,
	TLS_KEY,
	NO_EXTERNAL_ID,
	API_LIMIT,
	STRICT,
	READY_FILE,
	VERBOSE,
};

static const struct cli_option options[] = {
	[LISTEN] = { "listen", 'l', "HOST:PORT",
		"where to listen (127.0.0.1:0: the kernel chooses a port)" },
	[STATE] = { "state", 's', "FILE",
		"keep the records in FILE (else: in memory only)" },
	[SCHEMA] = { "schema", 0, "FILE",
		"add the objects and fields of FILE" },
	[CLIENT_ID] = { "client-id", 0, "KEY", "consumer key (sandbox)" },
	[CLIENT_SECRET] = { "client-secret", 0, "SECRET",
		"consumer secret (sandbox)" },
	[USERNAME] = { "username", 0, "NAME",
		"user of the password and JWT flows (sandbox@example.com)" },
	[PASSWORD] = { "password", 0, "WORD", "its password (sandbox)" },
	[JWT_CERT] = { "jwt-cert", 0, "FILE",
		"certificate or public key (PEM) that checks JWTs" },
	[TLS_CERT] = { "tls-cert", 0, "FILE", "serve HTTPS with this" },
	[TLS_KEY] = { "tls-key", 0, "FILE", "and its private key" },
	[NO_EXTERNAL_ID] = { "no-external-id", 0, "OBJECT,...",
		"make the external ids of these objects plain fields" },
	[API_LIMIT] = { "api-limit", 0, "N", "calls a day (5000000)" },
	[STRICT] = { "strict-updates", 0, NULL,
		"refuse create-only fields in updates, even unchanged" },
	[READY_FILE] = { "ready-file", 0, "FILE",
		"write the URL to FILE when calls are answered" },
	[VERBOSE] = { "verbose", 'v', NULL, "log each call" },
	{ 0 },
};

static int run(int argc, char **argv);

const struct cli_command cli_sandbox = {
	.name = "sandbox",
	.usage = "[--listen HOST:PORT] [--state FILE] [OPTION]...",
	.help = "Run a local Salesforce-compatible server for tests",
	.options = options,
	.run = run,
};

static int read_options(struct cli_args *args, struct sandbox_options *o,
	const char **ready_file)
{
	const char **texts[] = {
		[LISTEN] = &o->listen,
		[STATE] = &o->state,
		[SCHEMA] = &o->schema,
		[CLIENT_ID] = &o->client_id,
		[CLIENT_SECRET] = &o->client_secret,
		[USERNAME] = &o->username,
		[PASSWORD] = &o->password,
		[JWT_CERT] = &o->jwt_cert,
		[TLS_CERT] = &o->tls_cert,
		[TLS_KEY] = &o->tls_key,
		[NO_EXTERNAL_ID] = &o->plain_key,
		[READY_FILE] = ready_file,
	};
	int option;

	while ((option = cli_next(args)) != CLI_END) {
		if (option == CLI_BAD)
			return -1;
		if (option == STRICT) {
			o->is_strict = true;
		} else if (option == VERBOSE) {
			log_setup(LOG_DEBUG, false);
		} else if (option == API_LIMIT) {
			if (str_to_u64(str_c(args->value), INT64_MAX,
				    &o->api_limit) < 0 ||
				!o->api_limit) {
				cli_say(&cli_sandbox,
					"--api-limit: %s is not a number of "
					"calls",
					args->value);
				return -1;
			}
		} else {
			*texts[option] = args->value;
		}
	}
	if (args->at == args->argc)
		return 0;
	cli_say(&cli_sandbox, "%s: takes no operands", args->argv[args->at]);
	return -1;
}

static void print_welcome(
	const struct sandbox *sb, const struct sandbox_options *o)
{
	const char *url = sandbox_url(sb);

	printf("Listening at %s\n"
	       "  look at it:  %s/\n"
	       "  records:     %s\n",
		url, url, o->state ? o->state : "in memory only (see --state)");
	if (!o->client_secret)
		printf("  get a token: curl %s%s/services/oauth2/token \\\n"
		       "    -d grant_type=client_credentials -d client_id=%s "
		       "-d client_secret=sandbox\n",
			o->tls_cert ? "-k " : "", url,
			o->client_id ? o->client_id : "sandbox");
	printf("Stop it with Ctrl-C.\n");
	fflush(stdout);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_sandbox, argc, argv);
	struct sandbox_options o = { 0 };
	AUTO(sandbox) struct sandbox *sb = NULL;
	const char *ready_file = NULL;
	AUTO(fd) int stop_fd = -1;
	struct err err = { 0 };

	if (read_options(&args, &o, &ready_file) < 0)
		return EX_USAGE;
	stop_fd = open_signals();
	if (stop_fd < 0) {
		err_sys(&err, "preparing for signals");
		return cli_fail(&cli_sandbox, &err);
	}
	if (sandbox_open(&o, &sb, &err) < 0)
		return cli_fail(&cli_sandbox, &err);
	print_welcome(sb, &o);
	if (ready_file) {
		AUTO(bytes) char *line = mem_printf("%s\n", sandbox_url(sb));
		if (file_write(ready_file, str_c(line), 0644, &err) < 0)
			return cli_fail(&cli_sandbox, &err);
	}
	if (sandbox_run(sb, stop_fd, &err) < 0)
		return cli_fail(&cli_sandbox, &err);
	return EX_OK;
}
