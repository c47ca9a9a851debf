/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_deliver.c - mailmill-deliver as MTAs run it. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <mailmill/proc.h>

#include "server.h"

/* Runs it. Returns: its exit status; what it says is in *out. */
static int run_deliver(const char *const *args, const char *const *env,
	struct str mail, struct buf *out)
{
	AUTO(bytes) char *path = file_beside(
		proc_self(), "../../src/deliver/mailmill-deliver");
	const char *argv[16] = { path };
	struct err err = { 0 };
	int in = file_temp(NULL, &err), told = file_temp(NULL, &err);
	int status = 0;
	pid_t pid;

	for (size_t i = 0; args[i] && i < 14; i++)
		argv[i + 1] = args[i];
	must(file_write_all(in, mail.p, mail.len) == 0);
	lseek(in, 0, SEEK_SET);
	pid = fork();
	if (pid == 0) {
		dup2(in, 0);
		dup2(told, 2);
		execve(path, (char *const *)(uintptr_t)argv,
			(char *const *)(uintptr_t)env);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	lseek(told, 0, SEEK_SET);
	is_int(file_read_fd(told, out, &err), 0, "what it said");
	close(in);
	close(told);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct row {
	const char *name;
	const char *args[12]; /* behind -s SOCKET */
	const char *env[4];
	const char *mail;
	int status;
	const char *said;		   /* part of it; NULL: nothing */
	const char *sender, *rcpts, *body; /* as stored; NULL: nothing is */
};

static void check_stored(struct server *s, const struct row *r)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf body = BUF_INIT(100000);
	AUTO(buf) struct buf rcpts = BUF_INIT(1000);
	struct store_filter f = { 0 };
	struct store_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;
	ssize_t at;

	is_int(store_list(s->store, a, &f, &rows, &n, &err), 0, err.text);
	is_int(n, r->body != NULL, r->name);
	if (!n || !r->body)
		return;
	is_str(rows[0].sender, r->sender, r->name);
	is_str(rows[0].source, "pipe", r->name);
	for (size_t i = 0; i < rows[0].n_rcpts; i++)
		buf_printf(&rcpts, "%s%.*s", i ? " " : "",
			STR_ARG(rows[0].rcpts[i]));
	is_str(buf_view(&rcpts), r->rcpts, r->name);
	read_body(s, &rows[0].message, &body);
	at = str_find(buf_view(&body), STR("+0000\r\n"));
	is_str(str_sub(buf_view(&body), (size_t)at + 7, body.len), r->body,
		r->name);
}

static void run_row(const struct row *r)
{
	struct server s;
	AUTO(buf) struct buf said = BUF_INIT(10000);
	const char *args[16] = { "-s", NULL };

	begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
	args[1] = s.path;
	for (size_t i = 0; r->args[i]; i++)
		args[i + 2] = r->args[i];
	is_int(run_deliver(args, r->env, str_c(r->mail), &said), r->status,
		r->name);
	if (r->said)
		has_text(said.p, r->said, r->name);
	else
		is_str(buf_view(&said), NULL, r->name);
	check_stored(&s, r);
	end(&s);
}

TEST(hands_mail_over)
{
	static const struct row rows[] = {
		{ "sender and recipient", { "-f", "a@b", "-r", "c@d" }, { 0 },
			"Subject: x\n\nhello\n", 0, NULL, "a@b", "c@d",
			"Subject: x\r\n\r\nhello\r\n" },
		{ "operands", { "-f", "a@b", "c@d", "e@d" }, { 0 }, "x\n", 0,
			NULL, "a@b", "c@d e@d", "x\r\n" },
		{ "an extension", { "-f", "a@b", "-x", "ext", "-r", "c@d" },
			{ 0 }, "x\n", 0, NULL, "a@b", "c+ext@d", "x\r\n" },
		{ "no extension", { "-f", "a@b", "-x", "", "-r", "c@d" }, { 0 },
			"x\n", 0, NULL, "a@b", "c@d", "x\r\n" },
		{ "from the environment", { 0 },
			{ "SENDER=a@b", "RECIPIENT=c@d",
				"ORIGINAL_RECIPIENT=e@f" },
			"x\n", 0, NULL, "a@b", "c@d", "x\r\n" },
		{ "the original recipient", { 0 },
			{ "SENDER=", "ORIGINAL_RECIPIENT=e@f" }, "x\n", 0, NULL,
			"", "e@f", "x\r\n" },
		{ "parts of a recipient", { "-f", "a@b" },
			{ "LOCAL_PART=c", "DOMAIN=d" }, "x\n", 0, NULL, "a@b",
			"c@d", "x\r\n" },
		{ "angle brackets", { "-f", "<a@b>", "-r", "<c@d>" }, { 0 },
			"x\n", 0, NULL, "a@b", "c@d", "x\r\n" },
		{ "the null sender of pipe(8)",
			{ "-f", "MAILER-DAEMON", "-r", "c@d" }, { 0 }, "x\n", 0,
			NULL, "", "c@d", "x\r\n" },
		{ "the null sender in brackets", { "-f", "<>", "-r", "c@d" },
			{ 0 }, "x\n", 0, NULL, "", "c@d", "x\r\n" },
		{ "a From_ line", { "-r", "c@d" }, { 0 },
			"From a@b Tue Nov 24 21:00:00 2026\nx\n", 0, NULL,
			"a@b", "c@d", "x\r\n" },
		{ "a From_ line and a sender", { "-f", "e@f", "-r", "c@d" },
			{ 0 }, "From a@b Tue Nov 24 21:00:00 2026\r\nx\n", 0,
			NULL, "e@f", "c@d", "x\r\n" },
		{ "dots and line ends", { "-f", "a@b", "-r", "c@d" }, { 0 },
			".\n..\r\n.x\ry\n\n.", 0, NULL, "a@b", "c@d",
			".\r\n..\r\n.x\ry\r\n\r\n.\r\n" },
		{ "a CR at the end", { "-f", "a@b", "-r", "c@d" }, { 0 }, "x\r",
			0, NULL, "a@b", "c@d", "x\r\n" },
		{ "UTF-8 addresses", { "-f", "\xc3\xa4@b", "-r", "c@d" }, { 0 },
			"x\n", 0, NULL, "\xc3\xa4@b", "c@d", "x\r\n" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		run_row(&rows[i]);
}

TEST(says_why_not)
{
	static const struct row rows[] = {
		{ "unknown recipient", { "-f", "a@b", "-r", "nobody@d" }, { 0 },
			"x\n", EX_NOUSER, "unknown recipient nobody@d\n", NULL,
			NULL, NULL },
		{ "two unknown", { "-f", "a@b", "nobody@d", "nobody@e" }, { 0 },
			"x\n", EX_NOUSER,
			"unknown recipients: nobody@d and 1 more\n", NULL, NULL,
			NULL },
		{ "one of two", { "-f", "a@b", "nobody@d", "c@d" }, { 0 },
			"x\n", EX_NOUSER,
			"unknown recipient nobody@d (the others got the mail)",
			"a@b", "c@d", "x\r\n" },
		{ "no mail", { "-r", "c@d" }, { 0 }, "", EX_DATAERR,
			"no mail on standard input", NULL, NULL, NULL },
		{ "no recipient", { "-f", "a@b" }, { 0 }, "x\n", EX_USAGE,
			"no recipient", NULL, NULL, NULL },
		{ "bad sender", { "-f", "a b@c", "-r", "c@d" }, { 0 }, "x\n",
			EX_DATAERR, "501 5.1.7", NULL, NULL, NULL },
		{ "a line end in a sender", { "-f", "a\nb@c", "-r", "c@d" },
			{ 0 }, "x\n", EX_DATAERR, "is no sender's address",
			NULL, NULL, NULL },
		{ "a bracket in a recipient", { "-f", "a@b", "-r", "c>d@e" },
			{ 0 }, "x\n", EX_NOUSER, "is no recipient's address",
			NULL, NULL, NULL },
		{ "bad time", { "-t", "0", "c@d" }, { 0 }, "x\n", EX_USAGE,
			"expected 1 to 86400 seconds", NULL, NULL, NULL },
		{ "unknown option", { "-q", "c@d" }, { 0 }, "x\n", EX_USAGE,
			"usage: mailmill deliver", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		run_row(&rows[i]);
}

TEST(bears_with_a_daemon_that_is_away)
{
	static const char *const none[] = { NULL };
	static const char *const away[] = { "-s", "/nowhere/pipe", "c@d",
		NULL };
	static const char *const file[] = { "-s", "/dev/null", "c@d", NULL };
	static const char *const bad[] = { "-s", "", "c@d", NULL };
	AUTO(buf) struct buf said = BUF_INIT(10000);

	is_int(run_deliver(away, none, STR("x\n"), &said), EX_TEMPFAIL,
		"no socket");
	has_text(said.p, "the daemon is away", "no socket");
	is_int(run_deliver(file, none, STR("x\n"), &said), EX_TEMPFAIL,
		"no listener");
	is_int(run_deliver(bad, none, STR("x\n"), &said), EX_CONFIG,
		"an impossible path");
}

TEST(large_mails_are_refused_or_streamed)
{
	static const char *const none[] = { NULL };
	struct server s;
	const char *args[] = { "-s", NULL, "-f", "a@b", "c@d", NULL };
	AUTO(buf) struct buf mail = BUF_INIT(70 << 20);
	AUTO(buf) struct buf said = BUF_INIT(10000);

	begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
	args[1] = s.path;
	while (mail.len < 5 << 20)
		buf_c(&mail, "a line of text that stands for many others\n");
	is_int(run_deliver(args, none, buf_view(&mail), &said), 0, "5 MB");
	is_int(count_rows(&s), 1, "are there");
	while (mail.len < 61 << 20)
		buf_c(&mail, "a line of text that stands for many others\n");
	is_int(run_deliver(args, none, buf_view(&mail), &said), EX_DATAERR,
		"61 MB");
	has_text(said.p, "552 5.3.4", "and says so");
	is_int(count_rows(&s), 1, "are not");
	end(&s);
}

/* A server that reads a little, says `reply`, and hangs up. */
struct fake {
	int fd;
	const char *reply;
};

static void *run_fake(void *ctx)
{
	struct fake *f = ctx;
	int fd = accept(f->fd, NULL, NULL);
	char in[65536];

	if (recv(fd, in, sizeof(in), 0) > 0)
		send(fd, f->reply, strlen(f->reply), MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

TEST(any_end_without_250_is_for_later)
{
#define UP_TO_DATA "220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n"
	static const struct {
		const char *name, *reply;
		int status;
	} rows[] = {
		{ "says nothing", "", EX_TEMPFAIL },
		{ "is busy", "421 too many connections\r\n", EX_TEMPFAIL },
		{ "half a greeting", "220 x", EX_TEMPFAIL },
		{ "no mail now", "220 x\r\n250 x\r\n452 4.3.1 full\r\n",
			EX_TEMPFAIL },
		{ "recipient later",
			"220 x\r\n250 x\r\n250 x\r\n451 4.3.0 x\r\n"
			"503 5.5.1 x\r\n",
			EX_TEMPFAIL },
		{ "goes before the message",
			"220 x\r\n250 x\r\n250 x\r\n250 x\r\n", EX_TEMPFAIL },
		{ "goes in the message", UP_TO_DATA, EX_TEMPFAIL },
		{ "half of the last reply", UP_TO_DATA "250", EX_TEMPFAIL },
		{ "no room", UP_TO_DATA "452 4.3.1 x\r\n", EX_TEMPFAIL },
		{ "refuses it", UP_TO_DATA "554 5.3.0 x\r\n", EX_DATAERR },
		{ "too large", UP_TO_DATA "552 5.3.4 x\r\n", EX_DATAERR },
		{ "stores it", UP_TO_DATA "250 2.0.0 x\r\n", EX_OK },
		{ "nonsense", "hello\r\n", EX_TEMPFAIL },
	};
	static const char *const none[] = { NULL };
	char dir[] = "/tmp/mailmill-test.XXXXXX";
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *args[] = { "-s", un.sun_path, "-f", "a@b", "c@d", NULL };
	struct err err = { 0 };

	must(mkdtemp(dir) != NULL);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake f = { socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					  0),
			rows[i].reply };
		AUTO(buf) struct buf said = BUF_INIT(10000);
		pthread_t thread;
		unlink(un.sun_path);
		must(bind(f.fd, (const struct sockaddr *)&un, sizeof(un)) == 0);
		must(listen(f.fd, 5) == 0);
		must(pthread_create(&thread, NULL, run_fake, &f) == 0);
		is_int(run_deliver(args, none, STR("x\n"), &said),
			rows[i].status, rows[i].name);
		is_int(said.len > 0, rows[i].status != 0, "says why");
		pthread_join(thread, NULL);
		close(f.fd);
	}
	file_remove_tree(dir, &err);
}
