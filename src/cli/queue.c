/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * queue.c - `mailmill queue`: what is in the store, and a person's word on it.
 *
 * While a daemon runs, requests go through its control socket, since only one
 * process may write. When none does, the command opens the store itself: for
 * reading without its lock, for words as its owner. Both ways give the same
 * lines (queue.h of mill), which are printed for people or, with --json, passed
 * on. `check` always looks at the files.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/log.h>
#include <mailmill/queue.h>

#include "cli.h"
#include "config.h"
#include "queue.h"

#define LINE_MAX ((size_t)32 << 20)
#define IDS_MAX 1000
#define ANSWER_SECONDS 600 /* the books of a large store take their time */
#define STATE_DEFAULT "/var/lib/mailmill"

enum {
	OPT_CONFIG,
	OPT_STATE_DIR,
	OPT_JSON,
	OPT_STATE,
	OPT_ROUTE,
	OPT_AGE,
	OPT_TEXT,
	OPT_MAX,
	OPT_AFTER,
	OPT_ALL,
	OPT_RAW,
	OPT_FOLDER,
};

static const struct cli_option options[] = {
	[OPT_CONFIG] = { "config", 'c', "FILE",
		"configuration, for the state folder" },
	[OPT_STATE_DIR] = { "dir", 'd', "FOLDER",
		"state folder, without reading a configuration" },
	[OPT_JSON] = { "json", 'j', NULL, "print a JSON object a line" },
	[OPT_STATE] = { "state", 's', "STATES",
		"only these, as dead,held (or a FOLDER, as --dir)" },
	[OPT_ROUTE] = { "route", 'r', "NAME", "only of this route" },
	[OPT_AGE] = { "age", 'a', "SPAN",
		"only received at least so long ago: 90s, 2h, 3d" },
	[OPT_TEXT] = { "text", 't', "TEXT",
		"only with it in sender, recipient, reason, Message-ID" },
	[OPT_MAX] = { "max", 'n', "N", "at most so many" },
	[OPT_AFTER] = { "after", 'A', "ID", "only ids above it" },
	[OPT_ALL] = { "all", 0, NULL,
		"retry, drop, release: all that it fits" },
	[OPT_RAW] = { "raw", 'R', NULL, "show: the mail as it came" },
	[OPT_FOLDER] = { "folder", 'f', "NAME",
		"only what a rule filed into this folder" },
	{ 0 },
};

struct asking {
	const char *action, *config, *dir;
	bool is_out; /* `outbox` was said: about outgoing mail */
	bool is_json, is_raw;
	json_t *request;
	/* the answer */
	const struct queue_printer *printer;
	struct queue_view view;
	bool is_over;
	struct err err; /* what the answer says went wrong */
};

static const struct action {
	const char *name;
	const struct queue_printer *printer;
	bool is_word; /* changes something */
	bool takes_ids, takes_one;
	const char *request, *raw; /* NULL: the same as its name */
} actions[] = {
	{ "list", &queue_print_list, false, false, false },
	{ "show", &queue_print_show, false, true, true },
	{ "retry", &queue_print_word, true, true, false },
	{ "drop", &queue_print_word, true, true, false },
	{ "release", &queue_print_word, true, true, false },
	{ "stats", &queue_print_stats, false, false, false },
	{ "balance", &queue_print_balance, false, false, false },
	{ "check", NULL, false, false, false },
};

/* The same for `outbox ACTION`. */
static const struct action out_actions[] = {
	{ "list", &queue_print_outbox, false, false, false, "outbox" },
	{ "show", &queue_print_out, false, true, true, "outbox.show",
		"outbox.raw" },
	{ "retry", &queue_print_word, true, true, false, "outbox.retry" },
	{ "drop", &queue_print_word, true, true, false, "outbox.drop" },
};

/* --- the answer ----------------------------------------------------------- */

static enum err_kind read_kind(const char *name)
{
	for (int k = ERR_TEMP; k <= ERR_CONF; k++)
		if (name && strcmp(err_kind_name((enum err_kind)k), name) == 0)
			return (enum err_kind)k;
	return ERR_PERM;
}

/* Takes in the last line. Returns: whether it was that. */
static bool read_end(struct asking *q, const json_t *line)
{
	const char *error = json_string_value(json_object_get(line, "error"));

	if (error && json_object_get(line, "kind")) {
		err_set(&q->err,
			read_kind(json_string_value(
				json_object_get(line, "kind"))),
			"%s", error);
		q->is_over = true;
		return true;
	}
	if (!json_object_get(line, "end"))
		return false;
	q->is_over = true;
	if (!q->is_json && !q->is_raw && q->printer->end)
		q->printer->end(
			&q->view, json_is_true(json_object_get(line, "more")));
	return true;
}

static int print_raw(const json_t *line)
{
	AUTO(buf) struct buf bytes = BUF_INIT(LINE_MAX);
	const char *text = json_string_value(json_object_get(line, "raw"));

	if (!text || enc_unbase64(&bytes, str_c(text)) < 0)
		return 0;
	return fwrite(bytes.p, 1, bytes.len, stdout) < bytes.len ? -1 : 0;
}

static int on_line(struct str text, void *ctx)
{
	struct asking *q = ctx;
	json_t *line = json_loadb(text.p, text.len, 0, NULL);
	int rc = 0;

	if (!line)
		return 0;
	if (read_end(q, line)) {
		json_decref(line);
		return 0;
	}
	if (q->is_raw)
		rc = print_raw(line);
	else if (q->is_json)
		rc = printf("%.*s\n", STR_ARG(text)) < 0 ? -1 : 0;
	else
		q->printer->line(&q->view, line);
	/* the exit status needs them also where nothing is printed for people
	 */
	if (json_is_false(json_object_get(line, "balances")))
		q->view.is_unbalanced = true;
	if (json_object_get(line, "error"))
		q->view.has_error = true;
	json_decref(line);
	return rc;
}

/* --- asking a daemon ------------------------------------------------------ */

/* Returns: 0 with *out, 1 when no daemon listens, or -1 with *err. */
static int connect_daemon(const char *dir, int *out, struct err *err)
{
	AUTO(bytes) char *path = mem_printf("%s/control", dir);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	if (strlen(path) >= sizeof(addr.sun_path))
		return 1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)(void *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED ||
			errno == ENOTDIR)
			return 1;
		return err_sys(err, "cannot reach the daemon at %s", path);
	}
	*out = TAKE_FD(fd);
	return 0;
}

static int read_answer(struct asking *q, int fd, struct err *err)
{
	AUTO(buf) struct buf in = BUF_INIT(LINE_MAX);

	while (!q->is_over) {
		char *room = buf_room(&in, 65536);
		ssize_t n = room ? read(fd, room, 65536) : -1;
		ssize_t at;
		if (!room)
			return err_set(err, ERR_PERM,
				"a line of the daemon's answer is too long");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "no answer from the daemon");
		if (n == 0)
			return err_set(err, ERR_TEMP,
				"the daemon ended within its answer: try "
				"again");
		in.len += (size_t)n;
		while ((at = str_chr(buf_view(&in), '\n')) >= 0) {
			if (on_line(str_n(in.p, (size_t)at), q) < 0)
				return err_sys(err, "cannot print");
			buf_shift(&in, (size_t)at + 1);
		}
	}
	return 0;
}

static int ask_daemon(
	struct asking *q, int fd, const char *text, struct err *err)
{
	if (file_write_all(fd, text, strlen(text)) < 0 ||
		file_write_all(fd, "\n", 1) < 0)
		return err_sys(err, "cannot ask the daemon");
	return read_answer(q, fd, err);
}

/* --- asking the store ----------------------------------------------------- */

static int ask_store(struct asking *q, const struct action *action,
	struct store_options *o, const char *text, struct err *err)
{
	AUTO(store) struct store *s = NULL;
	AUTO(bytes) char *file = mem_printf("%s/mailmill.db", o->path);
	char who[32];

	if (access(file, F_OK) < 0)
		return err_sys(err, "no store in %s", o->path);
	o->is_readonly = !action->is_word;
	if (store_open("sqlite", o, &s, err) < 0)
		return -1;
	snprintf(who, sizeof(who), "uid %u", (unsigned)getuid());
	queue_answer(s, str_c(text), str_c(who), on_line, q);
	return 0;
}

static int load_options(const struct cli_command *c, struct asking *q,
	struct conf **conf, struct store_options *o, struct err *err)
{
	const char *path = q->config ? q->config : CONFIG_PATH;

	*o = (struct store_options){ .path = q->dir ? q->dir : STATE_DEFAULT,
		.keep_bytes_ms = INT64_MAX / 4,
		.keep_journal_ms = INT64_MAX / 4 };
	(void)c;
	if (q->dir || (!q->config && access(path, F_OK) < 0))
		return 0;
	if (config_load(path, config_print_error, NULL, conf, err) < 0)
		return -1;
	config_store_options(*conf, o);
	return 0;
}

static int ask(struct asking *q, const struct action *action,
	struct store_options *o, struct err *err)
{
	AUTO(fd) int fd = -1;
	char *text = json_dumps(q->request, JSON_COMPACT);
	int rc = connect_daemon(o->path, &fd, err);

	must(text);
	if (rc == 0)
		rc = ask_daemon(q, fd, text, err);
	else if (rc == 1)
		rc = ask_store(q, action, o, text, err);
	free(text);
	if (rc == 0 && q->err.kind) {
		*err = q->err;
		rc = -1;
	}
	return rc;
}

/* --- check ---------------------------------------------------------------- */

static void on_fault(const char *fault, void *ctx)
{
	struct asking *q = ctx;
	json_t *line;
	char *text;

	q->view.n_rows++;
	if (!q->is_json) {
		printf("%s\n", fault);
		return;
	}
	line = json_pack("{s:s}", "fault", fault);
	text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	if (text)
		puts(text);
	free(text);
	json_decref(line);
}

/* Debian's sqlite3 has no working .recover, so it is .dump. */
static const char way_back[] =
	"\nThe store is damaged. The way back, with mailmill stopped:\n"
	"  1. Copy the whole folder %s to another disk.\n"
	"  2. In the folder, bring over what can be read (package sqlite3):\n"
	"       (echo 'PRAGMA auto_vacuum=2;'\n"
	"        sqlite3 mailmill.db .dump | sed 's/^ROLLBACK;.*/COMMIT;/'\n"
	"        echo 'PRAGMA user_version=%d;') | sqlite3 new.db\n"
	"     move mailmill.db, mailmill.db-wal and mailmill.db-shm away, and\n"
	"     rename new.db to mailmill.db, with the owner and mode it had.\n"
	"  3. Run mailmill queue check again, then queue balance. Faults that\n"
	"     are sums only (sizes, books) do not keep mailmill from "
	"starting:\n"
	"     they tell which mails were hit.\n"
	"A backup made by  sqlite3 mailmill.db '.backup FILE'  can be put in\n"
	"place instead; mails taken since are then not in it. Look after the\n"
	"disk (dmesg, smartctl) before you trust it again.\n";

static int run_check(
	const struct cli_command *c, struct asking *q, struct store_options *o)
{
	struct err err = { 0 };
	int rc = store_check("sqlite", o, on_fault, q, &err);

	if (rc < 0) {
		cli_fail(c, &err);
		if (err.kind == ERR_CONF && strstr(err.text, "damaged"))
			fprintf(stderr, way_back, o->path,
				store_schema_version());
		return 1;
	}
	if (rc == 1 && !q->is_json)
		printf(way_back, o->path, store_schema_version());
	if (rc == 0 && !q->is_json)
		printf("The store in %s is sound.\n", o->path);
	return rc;
}

/* --- the command line ----------------------------------------------------- */

static int set_number(const struct cli_command *c, struct asking *q,
	const char *name, const char *value)
{
	uint64_t n = 0;

	if (str_to_u64(str_c(value), INT64_MAX, &n) < 0) {
		cli_say(c, "--%s needs a number, not %s", name, value);
		return -1;
	}
	json_object_set_new(q->request, name, json_integer((json_int_t)n));
	return 0;
}

static int set_age(
	const struct cli_command *c, struct asking *q, const char *value)
{
	int64_t ms = 0;

	if (clock_parse_span(str_c(value), &ms) < 0) {
		cli_say(c, "--age needs a time as 90s, 2h or 3d, not %s",
			value);
		return -1;
	}
	json_object_set_new(q->request, "age_ms", json_integer(ms));
	return 0;
}

/* States, or the state folder, which has a slash. */
static int set_state(
	const struct cli_command *c, struct asking *q, const char *value)
{
	json_t *states = json_object_get(q->request, "states");
	struct str rest = str_c(value), name;
	enum store_state state;

	if (strchr(value, '/')) {
		q->dir = value;
		return 0;
	}
	if (!states) {
		states = json_array();
		json_object_set_new(q->request, "states", states);
	}
	while (str_cut(&rest, ',', &name)) {
		/* of outgoing mail; `outbox` may stand behind the option */
		if (str_eq(name, STR("sent")))
			name = STR("done");
		if (store_state_parse(name, &state) < 0) {
			cli_say(c,
				"no state %.*s; there are queued, claimed, "
				"retry, held, done, dead, dropped",
				STR_ARG(name));
			return -1;
		}
		json_array_append_new(
			states, json_string(store_state_name(state)));
	}
	return 0;
}

static int set_text(const struct cli_command *c, struct asking *q,
	const char *name, const char *value)
{
	json_t *text = json_string(value);

	if (!text) {
		cli_say(c, "--%s is not in UTF-8", name);
		return -1;
	}
	json_object_set_new(q->request, name, text);
	return 0;
}

static int take_option(const struct cli_command *c, struct asking *q,
	int option, const char *value)
{
	switch (option) {
	case OPT_CONFIG:
		q->config = value;
		return 0;
	case OPT_STATE_DIR:
		q->dir = value;
		return 0;
	case OPT_JSON:
		q->is_json = true;
		return 0;
	case OPT_RAW:
		q->is_raw = true;
		return 0;
	case OPT_ALL:
		json_object_set_new(q->request, "all", json_true());
		return 0;
	case OPT_STATE:
		return set_state(c, q, value);
	case OPT_AGE:
		return set_age(c, q, value);
	case OPT_ROUTE:
	case OPT_FOLDER:
	case OPT_TEXT:
		return set_text(c, q, options[option].name, value);
	default:
		return set_number(c, q, options[option].name, value);
	}
}

static int take_word(
	const struct cli_command *c, struct asking *q, const char *word)
{
	json_t *ids;
	uint64_t id = 0;

	if (!q->action && !q->is_out && strcmp(word, "outbox") == 0) {
		q->is_out = true;
		return 0;
	}
	if (!q->action) {
		q->action = word;
		return 0;
	}
	if (str_to_u64(str_c(word), INT64_MAX, &id) < 0 || id == 0) {
		cli_say(c, "%s is no delivery's number (see queue list)", word);
		return -1;
	}
	ids = json_object_get(q->request, "ids");
	if (!ids) {
		ids = json_array();
		json_object_set_new(q->request, "ids", ids);
	}
	if (json_array_size(ids) >= IDS_MAX) {
		cli_say(c, "more than %d deliveries: use a filter", IDS_MAX);
		return -1;
	}
	json_array_append_new(ids, json_integer((json_int_t)id));
	return 0;
}

/* Options and words may stand in any order. */
static int read_words(
	const struct cli_command *c, struct asking *q, int argc, char **argv)
{
	struct cli_args args = cli_args(c, argc, argv);

	for (;;) {
		int option = cli_next(&args);
		if (option == CLI_BAD)
			return -1;
		if (option >= 0) {
			if (take_option(c, q, option, args.value) < 0)
				return -1;
			continue;
		}
		if (args.at >= argc)
			return 0;
		if (take_word(c, q, argv[args.at++]) < 0)
			return -1;
	}
}

static const struct action *find_action(
	const struct cli_command *c, const struct asking *q)
{
	const char *names[COUNT(actions)];
	const struct action *all = q->is_out ? out_actions : actions;
	size_t n = q->is_out ? COUNT(out_actions) : COUNT(actions);
	ssize_t near;

	if (!q->action && q->is_out)
		return &out_actions[0];
	if (!q->action) {
		cli_say(c, "say what: list, show, retry, drop, release, "
			   "outbox, stats, balance or check");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		names[i] = all[i].name;
		if (strcmp(q->action, names[i]) == 0)
			return &all[i];
	}
	near = str_nearest(str_c(q->action), names, n);
	cli_say(c, "no action %s%s%s%s", q->action,
		near < 0 ? "" : "; did you mean ", near < 0 ? "" : names[near],
		near < 0 ? "" : "?");
	return NULL;
}

/* Fits words to the action. Returns: 0, or -1 told to the user. */
static int fit_words(
	const struct cli_command *c, struct asking *q, const struct action *a)
{
	json_t *ids = json_object_get(q->request, "ids");

	if (!a->takes_ids && ids) {
		cli_say(c, "%s takes no numbers", a->name);
		return -1;
	}
	if (a->takes_one && json_array_size(ids) != 1) {
		cli_say(c, "%s takes the number of one delivery", a->name);
		return -1;
	}
	if (q->is_raw && !a->takes_one) {
		cli_say(c, "--raw goes with show");
		return -1;
	}
	if (a->takes_one)
		json_object_set(q->request, "id", json_array_get(ids, 0));
	json_object_set_new(q->request, "action",
		json_string(q->is_raw	 ? a->raw ? a->raw : "raw"
			    : a->request ? a->request
					 : a->name));
	return 0;
}

static int run_asking(
	const struct cli_command *c, struct asking *q, const struct action *a)
{
	AUTO(conf) struct conf *conf = NULL;
	struct store_options o;
	struct err err = { 0 };

	q->printer = a->printer;
	if (load_options(c, q, &conf, &o, &err) < 0)
		return EX_CONFIG;
	if (!a->printer)
		return run_check(c, q, &o);
	if (ask(q, a, &o, &err) < 0)
		return cli_fail(c, &err);
	if (fflush(stdout) == EOF)
		return EX_IOERR;
	return q->view.is_unbalanced || q->view.has_error ? 1 : 0;
}

static int run(int argc, char **argv)
{
	const struct cli_command *c = &cli_queue;
	struct asking q = { .request = json_object() };
	const struct action *a = NULL;
	int status = EX_USAGE;

	/* what the store logs about its opening is not the answer */
	log_setup(LOG_WARN, false);
	if (read_words(c, &q, argc, argv) == 0)
		a = find_action(c, &q);
	if (a && fit_words(c, &q, a) == 0)
		status = run_asking(c, &q, a);
	json_decref(q.request);
	return status;
}

const struct cli_command cli_queue = {
	.name = "queue",
	.usage = "list|show ID|retry|drop|release [ID...]|stats|balance|check "
		 "[OPTION]... | outbox [list|show ID|retry|drop [ID...]] "
		 "[OPTION]...",
	.help = "look at what is in the store, and have a word in it",
	.options = options,
	.run = run,
};
