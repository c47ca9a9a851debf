/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user.c - mailmill user: who may edit scripts from afar. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/map.h>
#include <mailmill/route.h>

#include "cli.h"
#include "config.h"
#include "managed.h"

enum {
	OPT_CONFIG,
	OPT_ROUTE,
};

static const struct cli_option options[] = {
	[OPT_CONFIG] = { "config", 'c', "FILE",
		"the configuration; " CONFIG_PATH },
	[OPT_ROUTE] = { "route", 'r', "ROUTE",
		"add: a route whose scripts it may edit; several times" },
	{ 0 },
};

struct request {
	const char *action, *name;
	const char *routes[MANAGE_ROUTES_MAX];
	size_t n_routes;
	struct conf *conf;
	char *path;
	struct arena *arena;
	struct manage_accounts accounts;
};

/* --- passwords ------------------------------------------------------------
 */

/* Reads a line from standard input, at a terminal without showing it. */
static int read_secret(const char *prompt, struct buf *out, struct err *err)
{
	bool is_tty = isatty(STDIN_FILENO);
	struct termios was, quiet;
	char c;

	if (is_tty) {
		fprintf(stderr, "%s: ", prompt);
		tcgetattr(STDIN_FILENO, &was);
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		buf_byte(out, (unsigned char)c);
	if (is_tty) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputc('\n', stderr);
	}
	if (out->len && out->p[out->len - 1] == '\r')
		out->p[--out->len] = 0;
	if (buf_is_over(out))
		return err_set(err, ERR_PERM, "the password is too long");
	return 0;
}

static int set_password(
	struct request *r, struct manage_account *acc, struct err *err)
{
	AUTO(buf) struct buf once = BUF_INIT(MANAGE_PASSWORD_MAX + 1);
	AUTO(buf) struct buf twice = BUF_INIT(MANAGE_PASSWORD_MAX + 1);

	if (read_secret("Password", &once, err))
		return -1;
	if (isatty(STDIN_FILENO)) {
		if (read_secret("Once more", &twice, err))
			return -1;
		if (!str_eq(buf_view(&once), buf_view(&twice)))
			return err_set(err, ERR_PERM,
				"the two passwords are not the same");
	}
	return manage_account_set(r->arena, acc, buf_view(&once), err);
}

/* --- actions --------------------------------------------------------------
 */

static int check_routes(const struct request *r, struct err *err)
{
	for (size_t i = 0; i < r->n_routes; i++) {
		const struct conf_section *s = conf_find(
			r->conf, "route", r->routes[i]);
		const struct route_conf *route = s ? s->data : NULL;
		if (!s)
			return err_set(err, ERR_CONF,
				"there is no route \"%s\" in the configuration",
				r->routes[i]);
		if (!route->is_managed)
			cli_say(&cli_user,
				"note: route \"%s\" is not managed: no script "
				"can be made active before its section says "
				"managed = yes",
				r->routes[i]);
	}
	return 0;
}

static int add(struct request *r, struct err *err)
{
	struct manage_accounts *all = &r->accounts;
	struct manage_account *acc;

	if (r->n_routes == 0)
		return err_set(err, ERR_PERM,
			"say which scripts it may edit: --route ROUTE");
	if (manage_accounts_find(all, str_c(r->name)))
		return err_set(err, ERR_PERM,
			"there is an account %s; mailmill user passwd gives "
			"it another password",
			r->name);
	if (check_routes(r, err))
		return -1;
	all->items = arena_grow(
		r->arena, all->items, all->n, all->n + 1, sizeof(*all->items));
	acc = &all->items[all->n++];
	acc->name = str_c(r->name);
	for (size_t i = 0; i < r->n_routes; i++)
		acc->routes[acc->n_routes++] = str_c(r->routes[i]);
	return set_password(r, acc, err);
}

static int find(struct request *r, struct manage_account **out, struct err *err)
{
	*out = manage_accounts_find(&r->accounts, str_c(r->name));
	return *out ? 0
		    : err_set(err, ERR_PERM, "there is no account %s", r->name);
}

static int passwd(struct request *r, struct err *err)
{
	struct manage_account *acc;

	return find(r, &acc, err) || set_password(r, acc, err) ? -1 : 0;
}

static int remove_account(struct request *r, struct err *err)
{
	struct manage_account *acc;
	size_t at;

	if (find(r, &acc, err))
		return -1;
	at = (size_t)(acc - r->accounts.items);
	memmove(acc, acc + 1, (r->accounts.n - at - 1) * sizeof(*acc));
	r->accounts.n--;
	return 0;
}

static int list(struct request *r, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < r->accounts.n; i++) {
		const struct manage_account *acc = &r->accounts.items[i];
		printf("%.*s", STR_ARG(acc->name));
		for (size_t j = 0; j < acc->n_routes; j++)
			printf("\t%.*s", STR_ARG(acc->routes[j]));
		putchar('\n');
	}
	return 0;
}

static const struct action {
	const char *name;
	int (*run)(struct request *r, struct err *err);
	bool has_name, is_change;
} actions[] = {
	{ "add", add, true, true },
	{ "remove", remove_account, true, true },
	{ "passwd", passwd, true, true },
	{ "list", list, false, false },
};

/* Two at once must not lose one's account. */
static int lock(const char *path, struct err *err)
{
	AUTO(bytes) char *beside = mem_printf("%s.lock", path);
	AUTO(fd) int fd = open(beside, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_sys(err, "cannot lock %s", beside);
	return TAKE_FD(fd);
}

static int run_action(
	struct request *r, const struct action *a, struct err *err)
{
	AUTO(fd) int fd = -1;

	if (a->is_change) {
		fd = lock(r->path, err);
		if (fd < 0)
			return -1;
	}
	if (manage_accounts_load(r->arena, r->path, &r->accounts, err) ||
		a->run(r, err))
		return -1;
	return a->is_change ? manage_accounts_save(r->path, &r->accounts, err)
			    : 0;
}

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; name && i < COUNT(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static int act(struct request *r, const struct action *a, const char *config)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(conf) struct conf *conf = NULL;
	AUTO(bytes) char *path = NULL;
	struct err err = { 0 };

	if (config_load(config, config_print_error, NULL, &conf, &err))
		return cli_fail(&cli_user, &err);
	path = managed_accounts(conf);
	r->conf = conf;
	r->arena = arena;
	r->path = path;
	return run_action(r, a, &err) ? cli_fail(&cli_user, &err) : EX_OK;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_user, argc, argv);
	const char *config = CONFIG_PATH;
	const struct action *action;
	struct request r = { 0 };

	for (int o; (o = cli_next(&args)) != CLI_END;) {
		if (o == CLI_BAD)
			return EX_USAGE;
		if (o == OPT_CONFIG)
			config = args.value;
		if (o != OPT_ROUTE)
			continue;
		if (r.n_routes == MANAGE_ROUTES_MAX) {
			cli_say(&cli_user, "more than %d routes",
				MANAGE_ROUTES_MAX);
			return EX_USAGE;
		}
		r.routes[r.n_routes++] = args.value;
	}
	action = find_action(args.at < argc ? argv[args.at++] : NULL);
	if (!action || argc - args.at != action->has_name) {
		cli_say(&cli_user, "usage: mailmill user %s", cli_user.usage);
		return EX_USAGE;
	}
	r.name = action->has_name ? argv[args.at] : NULL;
	if (r.name && !manage_account_is_name(str_c(r.name))) {
		cli_say(&cli_user,
			"%s: the name of an account has 1 to 64 of a-z A-Z "
			"0-9 . _ @ + -",
			r.name);
		return EX_USAGE;
	}
	return act(&r, action, config);
}

const struct cli_command cli_user = {
	.name = "user",
	.usage = "add NAME --route ROUTE... | remove NAME | passwd NAME | list",
	.help = "Accounts that may edit scripts by ManageSieve",
	.options = options,
	.run = run,
};
