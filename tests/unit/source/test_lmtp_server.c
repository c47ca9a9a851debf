/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_lmtp_server.c - the LMTP source on real sockets, with a real store.
 *
 * The server's loop runs in a thread of its own; the tests are its clients.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/intake.h>
#include <mailmill/source.h>

#include "server.h"

/* --- clients -------------------------------------------------------------- */

static void set_patience(int fd)
{
	struct timeval t = { .tv_sec = 20 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int dial(const struct server *s)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->path);
	set_patience(fd);
	if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		test_fail("dial", 0, "%s", strerror(errno));
	return fd;
}

static int dial_port(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_patience(fd);
	if (connect(fd, (const struct sockaddr *)&in, sizeof(in)) < 0)
		test_fail("dial", 0, "%s", strerror(errno));
	return fd;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		test_fail("say", 0, "%s", strerror(errno));
}

/* Reads a line, byte by byte, as tests may. Returns: false at the end. */
static bool hear(int fd, char *line, size_t max)
{
	size_t n = 0;

	while (n + 1 < max && recv(fd, line + n, 1, 0) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = 0;
	return n > 0;
}

/* Reads one reply, all its lines, and checks how the last begins. */
static void want(int fd, const char *begin_with, const char *what)
{
	char line[512];

	do {
		hear(fd, line, sizeof(line));
	} while (strlen(line) > 3 && line[3] == '-');
	if (!str_starts(str_c(line), str_c(begin_with)))
		test_fail("want", 0, "%s: got \"%s\", want \"%s\"", what, line,
			begin_with);
}

static void want_end(int fd, const char *what)
{
	char c;

	is_int(recv(fd, &c, 1, 0), 0, what);
}

static int greet(const struct server *s)
{
	int fd = dial(s);

	want(fd, "220 mill.example LMTP", "greeting");
	say(fd, "LHLO me\r\n");
	want(fd, "250 ENH", "LHLO");
	return fd;
}

static void deliver(int fd, const char *rcpt, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
		"MAIL FROM:<ann@x.org>\r\nRCPT TO:<%s>\r\nDATA\r\n", rcpt);
	say(fd, text);
	want(fd, "250 2.1.0", "MAIL");
	want(fd, "250 2.1.5", "RCPT");
	want(fd, "354", "DATA");
	say(fd, body);
}

/* --- tests ------------------------------------------------------------------
 */

TEST(delivers_and_keeps_what_it_knows)
{
	struct server s;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf body = BUF_INIT(100000);
	struct store_filter f = { 0 };
	struct store_row *rows = NULL, row;
	struct store_event *events;
	struct envelope env = { 0 };
	struct err err = { 0 };
	size_t n = 0, n_events;
	char peer[64];
	int fd;

	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	fd = greet(&s);
	say(fd, "MAIL FROM:<ann@x.org> BODY=8BITMIME\r\n"
		"RCPT TO:<support@y>\r\nRCPT TO:<nobody@y>\r\n"
		"RCPT TO:<sales@y>\r\nRCPT TO:<sales+b@y>\r\nDATA\r\n");
	want(fd, "250 2.1.0", "MAIL");
	want(fd, "250 2.1.5", "support");
	want(fd, "550 5.1.1", "nobody");
	want(fd, "250 2.1.5", "sales");
	want(fd, "250 2.1.5", "sales again");
	want(fd, "354", "DATA");
	say(fd, "Subject: x\r\n\r\nHello\r\n.\r\n");
	for (int i = 0; i < 3; i++)
		want(fd, "250 2.0.0 stored as 0", "one reply a recipient");
	/* whoever heard 250 finds it there */
	is_int(store_list(s.store, a, &f, &rows, &n, &err), 0, err.text);
	is_int(n, 2, "one delivery a route");
	if (n == 2) {
		is_str(rows[0].route, "support", "first route");
		is_str(rows[1].route, "sales", "second route");
		is_int(rows[1].n_rcpts, 2, "with both its recipients");
		is_str(rows[0].source, "lmtp", "source");
		is_int(store_show(s.store, a, rows[0].id, &row, &env, &events,
			       &n_events, &err),
			0, err.text);
		snprintf(peer, sizeof(peer), "unix:uid=%u", geteuid());
		is_str(env.peer, peer, "the peer's uid is kept");
		is_str(env.helo, "me", "what it said of itself");
		is_str(env.protocol, "LMTP", "protocol");
		is_true(env.is_8bit, "BODY");
		is_int(env.n_rcpts, 3, "all that were taken");
		read_body(&s, &rows[0].message, &body);
		has_text(body.p, "Received: from me (unix:uid=", "trace");
		has_text(body.p, "by mill.example with LMTP id 0", "trace");
		is_true(str_ends(buf_view(&body),
				STR("+0000\r\nSubject: x\r\n\r\nHello\r\n")),
			"the body follows it unchanged");
	}
	say(fd, "QUIT\r\n");
	want(fd, "221", "QUIT");
	want_end(fd, "then it hangs up");
	close(fd);
	end(&s);
}

TEST(takes_tcp_and_large_mails)
{
	struct server s;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf body = BUF_INIT(4 << 20);
	struct store_filter f = { 0 };
	struct store_row *rows = NULL;
	struct err err = { 0 };
	static char line[79];
	size_t n = 0;
	int fd;

	begin(&s, &source_lmtp, (struct lmtp_conf){ .listen = "127.0.0.1:0" });
	fd = dial_port(s.port);
	want(fd, "220", "greeting");
	say(fd, "LHLO a(b\r\n");
	want(fd, "250", "LHLO");
	deliver(fd, "support@y", "");
	memset(line, 'x', 76);
	memcpy(line + 76, "\r\n", 3);
	for (int i = 0; i < 30000; i++)
		say(fd, line);
	say(fd, ".\r\n");
	want(fd, "250 2.0.0", "2.3 MB, through the spool file");
	is_int(store_list(s.store, a, &f, &rows, &n, &err), 0, err.text);
	is_int(n, 1, "there it is");
	if (n == 1) {
		read_body(&s, &rows[0].message, &body);
		has_text(body.p, "from a?b (127.0.0.1:", "names are cleaned");
		is_true(body.len > 30000 * 78 && body.len < 30000 * 78 + 300,
			"all of it");
		is_int(body.len, rows[0].size, "as told");
	}
	close(fd);
	end(&s);
}

TEST(client_gone_before_the_commit)
{
	struct server s;

	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	for (int i = 0; i < 20; i++) {
		int fd = greet(&s);
		deliver(fd, "support@y", "x\r\n.\r\n");
		close(fd);
	}
	wait_rows(&s, 20, "what was ended by a dot is kept");
	for (int i = 0; i < 20; i++) {
		int fd = greet(&s);
		deliver(fd, "support@y", "x\r\n.");
		close(fd);
	}
	usleep(50000);
	wait_rows(&s, 20, "what was not is forgotten");
	end(&s);
}

TEST(source_closed_before_the_commit)
{
	struct server s;
	int fds[20];

	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	for (int i = 0; i < 20; i++) {
		fds[i] = greet(&s);
		deliver(fds[i], "support@y", "x\r\n.\r\n");
	}
	end(&s); /* at whatever moment this meets them */
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

TEST(a_thousand_idle_ones_cost_little)
{
	enum {
		N = 1000
	};
	struct server s;
	static int fds[N];
	struct rlimit files;
	size_t before, after;
	int fd;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2 * N + 100) {
		printf("# too few descriptors for this test\n");
		return;
	}
	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	close(greet(&s));
	before = mallinfo2().uordblks;
	for (int i = 0; i < N; i++)
		fds[i] = greet(&s);
	after = mallinfo2().uordblks;
	if (after > before) /* sanitizers count nothing */
		printf("# %zu bytes a connection\n", (after - before) / N);
	is_true(after < before + (size_t)N * 2048, "under 2 KB each");
	fd = greet(&s);
	deliver(fd, "support@y", "x\r\n.\r\n");
	want(fd, "250 2.0.0", "another one is served meanwhile");
	close(fd);
	for (int i = 0; i < N; i++)
		close(fds[i]);
	end(&s);
}

TEST(bounds_connections)
{
	struct server s;
	int fds[3], over;

	begin(&s, &source_lmtp,
		(struct lmtp_conf){ .max_clients_per_peer = 3 });
	for (int i = 0; i < 3; i++)
		fds[i] = greet(&s);
	over = dial(&s);
	want(over, "421 4.3.2 mill.example has too many connections from you",
		"one over a peer's limit");
	want_end(over, "and hangs up");
	close(over);
	close(fds[0]);
	usleep(20000);
	fds[0] = greet(&s);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	end(&s);
	begin(&s, &source_lmtp, (struct lmtp_conf){ .max_clients = 1 });
	fds[0] = greet(&s);
	over = dial(&s);
	want(over, "421 4.3.2 mill.example has too many connections, ",
		"one over the limit");
	close(over);
	close(fds[0]);
	end(&s);
}

/* Says a byte every 50 ms until it hears something. Returns: ms. */
static int64_t drip(int fd, char c)
{
	int64_t from = clock_mono_ms();
	char got;

	for (int i = 0; i < 100; i++) {
		if (recv(fd, &got, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
			break;
		if (send(fd, &c, 1, MSG_NOSIGNAL) < 0)
			break;
		usleep(50000);
	}
	return clock_mono_ms() - from;
}

TEST(slow_ones_run_out_of_time)
{
	struct server s;
	int fd;

	begin(&s, &source_lmtp,
		(struct lmtp_conf){ .idle_ms = 300, .message_ms = 700 });
	fd = greet(&s);
	want(fd, "421 4.3.2", "an idle one");
	want_end(fd, "is hung up on");
	close(fd);
	fd = greet(&s);
	is_true(drip(fd, 'x') < 1500, "half a command is no progress");
	want(fd, "421 4.3.2", "so it is told");
	close(fd);
	fd = greet(&s);
	deliver(fd, "support@y", "");
	is_true(drip(fd, 'x') < 2500, "a message takes so long and no longer");
	want(fd, "421 4.3.2", "and is told");
	close(fd);
	is_int(count_rows(&s), 0, "nothing was stored");
	end(&s);
}

TEST(slow_readers_stop_it_from_reading)
{
	enum {
		N = 60000
	};
	struct server s;
	char line[256];
	int fd, sent = 0, n = 0;

	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	fd = greet(&s);
	/* 60,000 replies of 22 bytes do not fit into any socket buffer */
	while (sent < N) {
		if (send(fd, "NOOP\r\n", 6, MSG_DONTWAIT | MSG_NOSIGNAL) == 6)
			sent++;
		else
			break;
	}
	is_true(sent < N, "it does not read for ever");
	while (n < sent && hear(fd, line, sizeof(line)))
		n++;
	is_int(n, sent, "but answers all it was sent");
	close(fd);
	end(&s);
}

TEST(bears_with_no_descriptors)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct rlimit files, few;
	struct server s;
	int fds[3];

	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	expect_log("source.full");
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", s.path);
	for (int i = 0; i < 3; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		set_patience(fds[i]);
	}
	getrlimit(RLIMIT_NOFILE, &files);
	few = files;
	few.rlim_cur = (rlim_t)fds[2] + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	for (int i = 0; i < 3; i++)
		is_int(connect(fds[i], (const struct sockaddr *)&un,
			       sizeof(un)),
			0, "connects to the queue");
	usleep(100000);
	setrlimit(RLIMIT_NOFILE, &files);
	for (int i = 0; i < 3; i++) {
		want(fds[i], "220", "is served when there are some again");
		close(fds[i]);
	}
	end(&s);
}

static void drain(void *ctx)
{
	struct server *s = ctx;

	source_drain(s->source);
	s->is_draining = true;
}

TEST(drains)
{
	struct server s;
	int idle, busy;

	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	idle = greet(&s);
	busy = greet(&s);
	deliver(busy, "support@y", "x\r\n");
	loop_post(s.loop, drain, &s);
	want(idle, "421 4.3.2", "an idle one is told");
	want_end(idle, "and hung up on");
	is_int(access(s.path, F_OK), -1, "nobody new can come");
	say(busy, ".\r\n");
	want(busy, "250 2.0.0", "a busy one may end");
	want(busy, "421 4.3.2", "and is told then");
	want_end(busy, "and hung up on");
	for (int i = 0; i < 100 && source_busy(s.source); i++)
		usleep(10000);
	is_int(source_busy(s.source), 0, "nothing is left");
	close(idle);
	close(busy);
	end(&s);
}

TEST(a_key_is_stored_once)
{
	static const char mail[] =
		"MAIL FROM:<a@x> XONCE=0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef\r\n"
		"RCPT TO:<support@y>\r\nDATA\r\n";
	struct server s;
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf body = BUF_INIT(1000);
	struct store_filter f = { 0 };
	struct store_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;
	int fd;

	begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
	fd = greet(&s);
	for (int i = 0; i < 2; i++) {
		say(fd, mail);
		want(fd, "250", "MAIL");
		want(fd, "250", "RCPT");
		want(fd, "354", "DATA");
		say(fd, "x\r\n.\r\n");
		want(fd, i ? "250 2.0.0 already here" : "250 2.0.0 stored",
			"twice");
	}
	is_int(store_list(s.store, a, &f, &rows, &n, &err), 0, err.text);
	is_int(n, 1, "is there once");
	if (n == 1) {
		is_str(rows[0].source, "import", "an imported one");
		read_body(&s, &rows[0].message, &body);
		is_str(buf_view(&body), "x\r\n", "gets no Received field");
	}
	close(fd);
	end(&s);
}

TEST(takes_sockets_from_systemd)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int passed = socket(AF_INET, SOCK_STREAM, 0);
	AUTO(buf) struct buf names = BUF_INIT(1000);
	struct server s;
	char text[32];
	int fd;

	bind(passed, (const struct sockaddr *)&in, sizeof(in));
	listen(passed, 5);
	for (int i = 3; i < passed; i++)
		buf_c(&names, "other:");
	buf_c(&names, "mail");
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof(text), "%d", passed - 2);
	setenv("LISTEN_FDS", text, 1);
	setenv("LISTEN_FDNAMES", names.p, 1);
	begin(&s, &source_lmtp, (struct lmtp_conf){ .listen = "fd:mail" });
	fd = dial_port(s.port);
	want(fd, "220", "greets on it");
	close(fd);
	end(&s);
	close(passed);
	unsetenv("LISTEN_PID");
}

static void want_refusal(
	const struct lmtp_conf *conf, const char *text, const char *what)
{
	struct conf_section section = { .schema = source_lmtp.schema,
		.title = "x",
		.file = "x.conf",
		.data = conf };
	struct source *src = NULL;
	struct err err = { 0 };
	int rc = source_open(&section, &src, &err);

	if (rc == 0)
		rc = source_attach(src, NULL, NULL, &err);
	is_int(rc, -1, what);
	has_text(err.text, text, what);
	is_int(err.kind, ERR_CONF, what);
	source_close(src);
}

TEST(tells_what_is_wrong_with_its_section)
{
	static const char *const nets[] = { "10.0.0.0/33" };
	struct server s;
	struct lmtp_conf c = { 0 };
	AUTO(bytes) char *taken = NULL;

	c.listen = "unix:/nowhere/at/all";
	want_refusal(&c, "cannot listen on /nowhere/at/all", "no folder");
	c.listen = "fd:mail";
	want_refusal(&c, "systemd passed no socket", "no socket");
	c.trusted = (struct conf_list){ nets, 1 };
	want_refusal(&c, "\"10.0.0.0/33\" is no network", "bad network");
	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	taken = mem_printf("unix:%s", s.path);
	c = (struct lmtp_conf){ .listen = taken };
	want_refusal(&c, "another process listens", "somebody is there");
	c.group = "no-such-group";
	taken[strlen(taken) - 1] = 'x';
	want_refusal(&c, "there is no group", "no group");
	close(greet(&s));
	end(&s);
}

TEST(a_dead_ones_socket_is_replaced)
{
	struct server s;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char dir[] = "/tmp/mailmill-test.XXXXXX";
	AUTO(bytes) char *address = NULL;
	struct err err = { 0 };

	must(mkdtemp(dir) != NULL);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", dir);
	address = mem_printf("unix:%s", un.sun_path);
	bind(fd, (const struct sockaddr *)&un, sizeof(un));
	close(fd);
	begin(&s, &source_lmtp, (struct lmtp_conf){ .listen = address });
	snprintf(s.path, sizeof(s.path), "%s/s", dir);
	close(greet(&s));
	end(&s);
	file_remove_tree(dir, &err);
}
