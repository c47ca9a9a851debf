/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test.c - mailmill test: runs tests of rules. */
#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sysexits.h>

#include <mailmill/mail.h>
#include <mailmill/sieve.h>

#include "cli.h"

enum {
	OPT_VERBOSE
};
static const struct cli_option options[] = {
	[OPT_VERBOSE] = { "verbose", 'v', NULL, "name the passed tests, too" },
	{ 0 },
};

#define REPORT_MAX ((size_t)8 << 20)

struct totals {
	bool is_verbose;
	unsigned passed, failed, files, broken;
};

static void run_file(struct totals *t, const char *path)
{
	AUTO(buf) struct buf report = BUF_INIT(REPORT_MAX);
	struct sieve_test_result result = { 0 };
	struct err err = { 0 };
	int rc = sieve_test(path, t->is_verbose, &report, &result, &err);

	if (report.len)
		fwrite(report.p, 1, report.len, stdout);
	if (rc < 0)
		cli_say(&cli_test, "%s: %s", path, err.text);
	t->broken += rc < 0;
	t->files++;
	t->passed += result.passed;
	t->failed += result.failed;
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Runs a file, or all test files below a folder, in order of their names. */
static int run_path(struct totals *t, char *path)
{
	char *const paths[] = { path, NULL };
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, compare);
	unsigned before = t->files;
	FTSENT *e;

	if (!tree) {
		cli_say(&cli_test, "%s: %s", path, strerror(errno));
		return -1;
	}
	while ((e = fts_read(tree))) {
		bool is_named = e->fts_level == FTS_ROOTLEVEL;
		if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR) {
			cli_say(&cli_test, "%s: %s", e->fts_path,
				strerror(e->fts_errno));
			t->broken++;
		} else if (e->fts_info == FTS_F &&
			   (is_named || str_ends(str_c(e->fts_path),
						STR(".svtest")))) {
			run_file(t, e->fts_path);
		}
	}
	fts_close(tree);
	if (t->files == before && t->broken == 0)
		cli_say(&cli_test, "%s: no .svtest file in it", path);
	return t->files == before ? -1 : 0;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_test, argc, argv);
	struct totals t = { 0 };
	bool is_missing = false;

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (o == CLI_BAD)
			return EX_USAGE;
		t.is_verbose |= o == OPT_VERBOSE;
	}
	if (args.at == argc) {
		cli_say(&cli_test, "which test files? (mailmill test rules)");
		return EX_USAGE;
	}
	mail_init();
	for (int i = args.at; i < argc; i++)
		is_missing |= run_path(&t, argv[i]) < 0;
	printf("%u passed, %u failed\n", t.passed, t.failed);
	if (is_missing || t.broken)
		return EX_NOINPUT;
	return t.failed ? 1 : EX_OK;
}

const struct cli_command cli_test = {
	.name = "test",
	.usage = "[--verbose] FILE.svtest|FOLDER...",
	.help = "Runs tests of rules",
	.options = options,
	.run = run,
};
