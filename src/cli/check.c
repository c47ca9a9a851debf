/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - mailmill check: tries rule files without starting anything. */
#include <sysexits.h>

#include <mailmill/sieve.h>

#include "cli.h"
#include "rulefile.h"

enum {
	OPT_QUIET
};
static const struct cli_option options[] = {
	[OPT_QUIET] = { "quiet", 'q', NULL, "say nothing of what is right" },
	{ 0 },
};

#define REPORT_MAX ((size_t)8 << 20)

/* Returns: whether the rule file can be used. */
static bool check_script(const char *path, bool is_quiet)
{
	AUTO(buf) struct buf report = BUF_INIT(REPORT_MAX);
	AUTO(buf) struct buf source = BUF_INIT(0);
	struct err err = { 0 };
	int rc = rulefile_load(path, &report, &source, NULL, &err);

	if (report.len)
		fwrite(report.p, 1, report.len, stderr);
	if (rc < 0)
		cli_say(&cli_check, "%s", err.text);
	else if (!is_quiet)
		printf("%s: can be used\n", path);
	return rc == 0;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_check, argc, argv);
	bool is_quiet = false, is_right = true;

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (o == CLI_BAD)
			return EX_USAGE;
		is_quiet |= o == OPT_QUIET;
	}
	if (args.at == argc) {
		cli_say(&cli_check, "which rule files? (mailmill check "
				    "rules/email-to-case.sieve)");
		return EX_USAGE;
	}
	for (int i = args.at; i < argc; i++)
		is_right &= check_script(argv[i], is_quiet);
	return is_right ? EX_OK : EX_CONFIG;
}

const struct cli_command cli_check = {
	.name = "check",
	.usage = "[--quiet] SCRIPT...",
	.help = "Tries rule files without starting anything",
	.options = options,
	.run = run,
};
