/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test.c - mailmill test: runs tests of rules.
 *
 * Files run in a worker's box, like rules do when mail comes in. What a test
 * file told is shown when the file is done: as lines for people, as TAP, or
 * as JUnit's XML beside either.
 */
#include <errno.h>
#include <fts.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <mailmill/auth.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/mail.h>
#include <mailmill/mem.h>
#include <mailmill/sieve.h>
#include <mailmill/worker.h>

#include "cli.h"
#include "config.h"
#include "config_sieve.h"

enum {
	OPT_VERBOSE,
	OPT_CONFIG,
	OPT_TAP,
	OPT_JUNIT,
	OPT_FILTER,
	OPT_ROOT,
	OPT_NO_BOX
};
static const struct cli_option options[] = {
	[OPT_VERBOSE] = { "verbose", 'v', NULL, "name the passed tests, too" },
	[OPT_CONFIG] = { "config", 'c', "FILE",
		"with the settings and lists of this configuration" },
	[OPT_TAP] = { "tap", 0, NULL, "write TAP, for other programs" },
	[OPT_JUNIT] = { "junit", 0, "FILE", "write JUnit's XML, too" },
	[OPT_FILTER] = { "filter", 0, "TEXT",
		"run only tests with this in their name" },
	[OPT_ROOT] = { "root", 0, "FOLDER",
		"let tests read files below this folder, too" },
	[OPT_NO_BOX] = { "no-box", 0, NULL,
		"run in this process, for a debugger" },
	{ 0 },
};

#define JUNIT_MAX ((size_t)64 << 20)
#define SHOWN_MAX ((size_t)8 << 20) /* of one file */

struct run {
	bool is_verbose, is_tap, is_boxed;
	const char *junit; /* path, or NULL */
	const char *root;  /* or NULL: the folder that is walked */
	struct worker_tester *tester;
	const char *config; /* path, or NULL */
	struct arena *arena;
	struct conf *conf;
	struct config_rules rules;
	struct str filter;
	struct buf xml;
	unsigned passed, failed, files, broken;

	const char *path; /* of the file that runs */
	struct buf shown, cases;
	unsigned file_passed, file_failed;
};

/*
 * TAP
 */

/* What would be read as a directive or a new line is not. */
static void add_tap_name(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] == '#' || name.p[i] == '\\')
			buf_byte(b, '\\');
		buf_byte(b, name.p[i] == '\n' ? ' ' : (unsigned char)name.p[i]);
	}
}

static void add_tap(struct run *r, const struct sieve_test_block *block)
{
	struct str why = block->why, line;

	buf_printf(&r->shown, "%sok %u - %s: ", block->is_passed ? "" : "not ",
		r->passed + r->failed, r->path);
	add_tap_name(&r->shown, sieve_test_name(block));
	buf_c(&r->shown, "\n");
	while (str_cut_line(&why, &line))
		buf_printf(&r->shown, "# %.*s\n", STR_ARG(line));
}

/*
 * JUnit
 */

static void add_xml_text(struct buf *b, struct str s)
{
	static const char special[] = "<>&\"'";
	static const char *const names[] = { "&lt;", "&gt;", "&amp;", "&quot;",
		"&apos;" };

	for (size_t i = 0; i < s.len; i++) {
		const char *at = s.p[i] ? strchr(special, s.p[i]) : NULL;

		if (at)
			buf_c(b, names[at - special]);
		else if ((unsigned char)s.p[i] >= ' ' || s.p[i] == '\n' ||
			 s.p[i] == '\t')
			buf_byte(b, (unsigned char)s.p[i]);
		else
			buf_byte(b, '?');
	}
}

static void add_case(struct run *r, const struct sieve_test_block *block)
{
	struct str why = block->why, first = STR("failed");

	buf_c(&r->cases, "  <testcase classname=\"");
	add_xml_text(&r->cases, str_c(r->path));
	buf_c(&r->cases, "\" name=\"");
	add_xml_text(&r->cases, sieve_test_name(block));
	if (block->line)
		buf_printf(&r->cases, "\" line=\"%u", block->line);
	if (block->is_passed) {
		buf_c(&r->cases, "\"/>\n");
		return;
	}
	str_cut_line(&why, &first);
	buf_c(&r->cases, "\"><failure message=\"");
	add_xml_text(&r->cases, first);
	buf_c(&r->cases, "\">");
	add_xml_text(&r->cases, block->why);
	buf_c(&r->cases, "</failure></testcase>\n");
}

static void add_suite(struct run *r, int64_t ms)
{
	buf_c(&r->xml, " <testsuite name=\"");
	add_xml_text(&r->xml, str_c(r->path));
	buf_printf(&r->xml,
		"\" tests=\"%u\" failures=\"%u\" time=\"%lld.%03lld\">\n",
		r->file_passed + r->file_failed, r->file_failed,
		(long long)ms / 1000, (long long)ms % 1000);
	buf_str(&r->xml, buf_view(&r->cases));
	buf_c(&r->xml, " </testsuite>\n");
}

static int write_junit(struct run *r, struct err *err)
{
	AUTO(buf) struct buf b = BUF_INIT(JUNIT_MAX + SHOWN_MAX);

	buf_printf(&b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites tests=\"%u\" failures=\"%u\">\n",
		r->passed + r->failed, r->failed);
	buf_str(&b, buf_view(&r->xml));
	buf_c(&b, "</testsuites>\n");
	if (buf_is_over(&r->xml) || buf_is_over(&b))
		return err_set(
			err, ERR_PERM, "%s: the report is too large", r->junit);
	return file_write(r->junit, buf_view(&b), 0644, err);
}

/*
 * A file
 */

static void take_block(void *ctx, const struct sieve_test_block *block)
{
	struct run *r = ctx;

	r->passed += block->is_passed;
	r->failed += !block->is_passed;
	r->file_passed += block->is_passed;
	r->file_failed += !block->is_passed;
	if (r->junit)
		add_case(r, block);
	if (r->is_tap)
		add_tap(r, block);
	else if (r->is_verbose || !block->is_passed)
		sieve_test_show(&r->shown, r->path, block);
}

static void take_text(void *ctx, struct str text)
{
	struct run *r = ctx;
	struct str line;

	while (str_cut_line(&text, &line))
		buf_printf(&r->shown, "%s%.*s\n", r->is_tap ? "# " : "",
			STR_ARG(line));
}

static int run_it(struct run *r, struct err *err)
{
	struct sieve_test_host host = {
		.ctx = r,
		.tell = take_block,
		.print = take_text,
		.filter = r->filter,
		.settings = r->config ? &r->rules.settings : NULL,
	};

	return r->tester ? worker_tester_run(r->tester, r->path, &host, err)
			 : sieve_test_file(r->path, &host, err);
}

static void run_file(struct run *r, const char *path)
{
	int64_t begun = clock_mono_ms();
	struct err err = { 0 };

	r->path = path;
	r->file_passed = r->file_failed = 0;
	buf_clear(&r->shown);
	buf_clear(&r->cases);
	r->files++;
	if (run_it(r, &err) < 0) {
		struct sieve_test_block block = { .why = str_c(err.text) };
		r->broken++;
		take_block(r, &block);
	}
	fwrite(r->shown.p ? r->shown.p : "", 1, r->shown.len, stdout);
	if (buf_is_over(&r->shown))
		printf("%s(%s says more than %zu MiB)\n", r->is_tap ? "# " : "",
			path, SHOWN_MAX >> 20);
	fflush(stdout);
	if (r->junit)
		add_suite(r, clock_mono_ms() - begun);
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void take_entry(struct run *r, const FTSENT *e)
{
	bool is_named = e->fts_level == FTS_ROOTLEVEL;

	if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR) {
		cli_say(&cli_test, "%s: %s", e->fts_path,
			strerror(e->fts_errno));
		r->broken++;
	} else if (e->fts_info == FTS_F &&
		   (is_named || str_ends(str_c(e->fts_path), STR(".svtest")))) {
		run_file(r, e->fts_path);
	}
}

/* Tells whether a path lies below the current folder, which is not "/". */
static bool is_below_here(const char *path)
{
	AUTO(bytes) char *here = realpath(".", NULL);
	AUTO(bytes) char *real = realpath(path, NULL);
	size_t len = here ? strlen(here) : 0;

	return len > 1 && real && strncmp(real, here, len) == 0 &&
	       real[len] == '/';
}

/*
 * Whoever names a folder means that its files belong together; and whoever
 * stands in a project, the files of that project.
 */
static int set_root(struct run *r, const char *path, struct err *err)
{
	struct stat st;
	bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	if (!r->tester)
		return 0;
	return worker_tester_set_root(r->tester,
		r->root		      ? r->root
		: is_below_here(path) ? "."
		: is_folder	      ? path
				      : NULL,
		err);
}

/* Runs a file, or all test files below a folder, in order of their names. */
static int run_path(struct run *r, char *path)
{
	char *const paths[] = { path, NULL };
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, compare);
	unsigned before = r->files + r->broken;
	struct err err = { 0 };
	FTSENT *e;

	if (!tree || set_root(r, path, &err) < 0) {
		cli_say(&cli_test, "%s", tree ? err.text : strerror(errno));
		if (tree)
			fts_close(tree);
		return -1;
	}
	while ((e = fts_read(tree)))
		take_entry(r, e);
	fts_close(tree);
	if (r->files + r->broken > before)
		return 0;
	cli_say(&cli_test, "%s: no .svtest file in it", path);
	return -1;
}

static int run_all(struct run *r, char **paths, int n)
{
	struct err err = { 0 };
	bool is_missing = false;

	for (int i = 0; i < n; i++)
		is_missing |= run_path(r, paths[i]) < 0;
	if (r->is_tap)
		printf("1..%u\n", r->passed + r->failed);
	else
		printf("%u passed, %u failed\n", r->passed, r->failed);
	if (r->junit && write_junit(r, &err) < 0)
		return cli_fail(&cli_test, &err);
	if (is_missing || r->broken)
		return EX_NOINPUT;
	return r->failed ? 1 : EX_OK;
}

static int load_config(struct run *r, struct err *err)
{
	struct buf wire = BUF_INIT(WORKER_RULES_MAX);
	int rc = 0;

	if (config_load(r->config, config_print_error, NULL, &r->conf, err) <
			0 ||
		config_rules(r->conf, r->arena, &r->rules, err) < 0)
		return -1;
	sieve_settings_encode(&wire, &r->rules.settings);
	if (buf_is_over(&wire))
		rc = err_set(err, ERR_CONF, "%s: its lists are too large",
			r->config);
	else if (r->tester)
		worker_tester_set_settings(
			r->tester, arena_str(r->arena, buf_view(&wire)));
	buf_fini(&wire);
	return rc;
}

static int start(struct run *r, struct err *err)
{
	signal(SIGPIPE, SIG_IGN);
	if (r->is_boxed) {
		r->tester = worker_tester_new();
	} else {
		mail_init();
		auth_init();
	}
	r->arena = arena_new();
	return r->config ? load_config(r, err) : 0;
}

static void end(struct run *r)
{
	worker_tester_free(r->tester);
	conf_free(r->conf);
	arena_free(r->arena);
	buf_fini(&r->xml);
	buf_fini(&r->shown);
	buf_fini(&r->cases);
}

static int take_option(struct run *r, int o, const char *value)
{
	switch (o) {
	case OPT_VERBOSE:
		r->is_verbose = true;
		return 0;
	case OPT_CONFIG:
		r->config = value;
		return 0;
	case OPT_TAP:
		r->is_tap = true;
		return 0;
	case OPT_JUNIT:
		r->junit = value;
		return 0;
	case OPT_FILTER:
		r->filter = str_c(value);
		return 0;
	case OPT_ROOT:
		r->root = value;
		return 0;
	case OPT_NO_BOX:
		r->is_boxed = false;
		return 0;
	default:
		return -1;
	}
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_test, argc, argv);
	struct run r = { .is_boxed = true,
		.xml = BUF_INIT(JUNIT_MAX),
		.shown = BUF_INIT(SHOWN_MAX),
		.cases = BUF_INIT(JUNIT_MAX) };
	struct err err = { 0 };
	int status;

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (take_option(&r, o, args.value) < 0)
			return EX_USAGE;
	}
	if (args.at == argc) {
		cli_say(&cli_test, "which test files? (mailmill test rules)");
		return EX_USAGE;
	}
	if (start(&r, &err) < 0)
		status = cli_fail(&cli_test, &err);
	else
		status = run_all(&r, argv + args.at, argc - args.at);
	end(&r);
	return status;
}

const struct cli_command cli_test = {
	.name = "test",
	.usage = "[--verbose] [--config FILE] [--tap] [--junit FILE] [--filter "
		 "TEXT] "
		 "FILE.svtest|FOLDER...",
	.help = "Runs tests of rules",
	.options = options,
	.run = run,
};
