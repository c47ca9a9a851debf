/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tester.c - test files of rules, run in a worker's box.
 *
 * The engine that is tested is the one that serves, walls and all: a worker
 * in its box, which can open no file. What a test file names (scripts, mails,
 * itself) it asks its parent for, who reads nothing outside the folder of the
 * test file and the folder that the caller allows beside that. A worker
 * serves one test file after the other; one that dies takes only the file
 * under way with it.
 *
 *	parent                child
 *	SETUP              ->
 *	                   <- READY
 *	TEST path, filter  ->
 *	                   <- ASK path
 *	FILE is_there, ... ->
 *	                   <- BLOCK ... (each block), TEXT ...
 *	                   <- DONE status, reason
 *
 * What the child says is hostile by rule: bounded, and shown without control
 * characters.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/sieve.h>
#include <mailmill/utf8.h>
#include <mailmill/wire.h>

#include "frame.h"

#define TEST_MS 60000 /* CPU of one test file */
#define LATE_MS (2 * TEST_MS)
#define MEMORY ((uint64_t)2 << 30)
#define FRAME_TEST_MAX ((size_t)65 << 20)

/*
 * Both sides: one frame
 */

static int receive_all(int fd, char *to, size_t len)
{
	while (len) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Returns: the type, or 0: the other side is gone, or says what it may not. */
static uint32_t receive(int fd, struct buf *in)
{
	char header[FRAME_HEADER_LEN], *room;
	uint32_t type, len;

	if (receive_all(fd, header, sizeof(header)) < 0)
		return 0;
	frame_header(header, &type, &len);
	buf_clear(in);
	room = buf_room(in, len);
	if (!room || receive_all(fd, room, len) < 0)
		return 0;
	in->len = len;
	return type;
}

static int send_frame(int fd, struct buf *b)
{
	frame_end(b, 0);
	if (buf_is_over(b))
		return -1;
	return file_write_all(fd, b->p, b->len);
}

static void begin_frame(struct buf *b, enum frame_type type)
{
	buf_clear(b);
	frame_begin(b, type);
}

/*
 * The child
 */

struct child {
	const struct sieve_settings *settings;
	struct buf in, out;
};

static int ask(void *ctx, const char *path, struct buf *out, struct err *err)
{
	struct child *c = ctx;
	struct wire_in w;
	struct str text;
	bool is_there;

	begin_frame(&c->out, FRAME_ASK);
	wire_str(&c->out, str_c(path));
	if (send_frame(SOCKET_FD, &c->out) < 0 ||
		receive(SOCKET_FD, &c->in) != FRAME_FILE)
		_exit(EX_OK); /* the parent is gone */
	w = (struct wire_in){ .in = buf_view(&c->in) };
	is_there = wire_get_u8(&w);
	text = wire_get_str(&w);
	if (!is_there)
		return err_set(err, ERR_PERM, "%.*s", STR_ARG(text));
	return buf_str(out, text) == 0
		       ? 0
		       : err_set(err, ERR_PERM, "%s: too large", path);
}

static void tell(void *ctx, const struct sieve_test_block *block)
{
	struct child *c = ctx;

#ifdef MAILMILL_FAULTS
	if (str_starts(block->name, STR("trap:")))
		trap_fall(str_sub(block->name, 5, SIZE_MAX));
#endif
	begin_frame(&c->out, FRAME_BLOCK);
	wire_str(&c->out, block->name);
	wire_u32(&c->out, block->line);
	wire_u8(&c->out, block->is_passed);
	wire_str(&c->out, block->why);
	if (send_frame(SOCKET_FD, &c->out) < 0)
		_exit(EX_IOERR);
}

static void print(void *ctx, struct str text)
{
	struct child *c = ctx;

	begin_frame(&c->out, FRAME_TEXT);
	wire_str(&c->out, text);
	if (send_frame(SOCKET_FD, &c->out) < 0)
		_exit(EX_IOERR);
}

static int serve_file(struct child *c, struct str path, struct str filter)
{
	AUTO(bytes) char *name = str_dup(path);
	AUTO(bytes) char *kept = str_dup(filter);
	struct sieve_test_host host = {
		.ctx = c,
		.read = ask,
		.tell = tell,
		.print = print,
		.filter = str_c(kept),
		.settings = c->settings,
	};
	struct err err = { 0 };
	int rc = sieve_test_file(name, &host, &err);

	begin_frame(&c->out, FRAME_DONE);
	wire_u8(&c->out, rc < 0 ? 2 : (uint8_t)rc);
	wire_str(&c->out, str_c(err.text));
	return send_frame(SOCKET_FD, &c->out);
}

int tester_serve(const struct scripts *scripts, void (*set_timer)(int64_t ms))
{
	struct child c = { scripts_settings(scripts), BUF_INIT(FRAME_TEST_MAX),
		BUF_INIT(FRAME_TEST_MAX) };
	int rc = EX_OK;

	while (rc == EX_OK && receive(SOCKET_FD, &c.in) == FRAME_TEST) {
		struct wire_in w = { .in = buf_view(&c.in) };
		struct str path = wire_get_str(&w), filter = wire_get_str(&w);

		set_timer(TEST_MS);
		if (!wire_is_done(&w) || serve_file(&c, path, filter) < 0)
			rc = EX_IOERR;
		set_timer(0);
	}
	buf_fini(&c.in);
	buf_fini(&c.out);
	return rc;
}

/*
 * The parent
 */

struct worker_tester {
	char *root;		   /* real path, or NULL */
	struct worker_rules rules; /* no scripts, but settings */
	pid_t pid;
	int fd; /* -1: no worker */
	struct buf in, out;
};

static int end_child(struct worker_tester *t)
{
	int status = 0;

	if (t->fd < 0)
		return 0;
	close(t->fd);
	t->fd = -1;
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

static int send_setup(struct worker_tester *t)
{
	struct worker_options o = { .memory = MEMORY, .time_ms = TEST_MS };

	buf_clear(&t->out);
	frame_put_setup(&t->out, ISOLATION_TESTS, &o, &t->rules);
	return file_write_all(t->fd, t->out.p, t->out.len);
}

static int start(struct worker_tester *t, struct err *err)
{
	uint32_t type = 0;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "cannot talk to a worker");
	t->pid = worker_spawn(ends[1], err);
	close(ends[1]);
	if (t->pid < 0) {
		close(ends[0]);
		return -1;
	}
	t->fd = ends[0];
	if (send_setup(t) == 0)
		type = receive(t->fd, &t->in);
	if (type == FRAME_READY)
		return 0;
	err_set(err, ERR_PERM, "the box for tests does not start%s%.*s",
		type == FRAME_USELESS ? ": " : "",
		type == FRAME_USELESS ? (int)MIN(t->in.len, REASON_MAX) : 0,
		t->in.p ? t->in.p : "");
	end_child(t);
	return -1;
}

struct worker_tester *worker_tester_new(void)
{
	struct worker_tester *t = NEW(struct worker_tester);

	t->fd = -1;
	t->in = BUF_INIT(FRAME_TEST_MAX);
	t->out = BUF_INIT(FRAME_TEST_MAX);
	return t;
}

int worker_tester_set_root(
	struct worker_tester *t, const char *root, struct err *err)
{
	free(t->root);
	t->root = root ? realpath(root, NULL) : NULL;
	return root && !t->root ? err_sys(err, "%s", root) : 0;
}

void worker_tester_set_settings(struct worker_tester *t, struct str settings)
{
	t->rules.settings = settings;
}

void worker_tester_free(struct worker_tester *t)
{
	if (!t)
		return;
	end_child(t);
	free(t->root);
	buf_fini(&t->in);
	buf_fini(&t->out);
	free(t);
}

static bool is_below(struct str path, const char *folder)
{
	size_t len = strlen(folder);

	while (len && folder[len - 1] == '/')
		len--;
	return path.len > len && memcmp(path.p, folder, len) == 0 &&
	       path.p[len] == '/';
}

/* Tells the real path of the folder that a file is in. Gives: by free(). */
static char *find_folder(const char *path)
{
	AUTO(bytes) char *folder = file_beside(path, ".");

	return realpath(folder, NULL);
}

static int read_allowed(struct worker_tester *t, const char *test,
	struct str asked, struct buf *out, struct err *err)
{
	AUTO(bytes) char *path = str_dup(asked);
	AUTO(bytes) char *folder = find_folder(test);
	AUTO(bytes) char *real = realpath(path, NULL);

	if (!real)
		return err_sys(err, "%s", path);
	if (!(folder && is_below(str_c(real), folder)) &&
		!(t->root && is_below(str_c(real), t->root)))
		return err_set(err, ERR_PERM,
			"%s: lies outside the test file's folder; name a "
			"folder around both with --root",
			path);
	return file_read(real, out, err);
}

/* Answers an ASK. */
static int answer(struct worker_tester *t, const char *test)
{
	AUTO(buf) struct buf bytes = BUF_INIT(FRAME_TEST_MAX - PATH_MAX);
	struct wire_in w = { .in = buf_view(&t->in) };
	struct str asked = wire_get_str(&w);
	struct err err = { 0 };
	bool is_there;

	if (!wire_is_done(&w) || asked.len >= PATH_MAX)
		return -1;
	is_there = read_allowed(t, test, asked, &bytes, &err) == 0;
	begin_frame(&t->out, FRAME_FILE);
	wire_u8(&t->out, is_there);
	wire_str(&t->out, is_there ? buf_view(&bytes) : str_c(err.text));
	return send_frame(t->fd, &t->out);
}

/* Makes hostile text fit to be shown. */
static struct str make_plain(struct arena *a, struct str s)
{
	struct str text = utf8_mend(a, arena_str(a, s));
	char *p = (char *)(uintptr_t)arena_str(a, text).p;

	for (size_t i = 0; i < text.len; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\n' &&
			    p[i] != '\t') ||
			p[i] == 0x7f)
			p[i] = p[i] == '\r' ? ' ' : '?';
	return str_n(p, text.len);
}

static int pass_block(
	struct worker_tester *t, const struct sieve_test_host *host)
{
	AUTO(arena) struct arena *a = arena_new();
	struct wire_in w = { .in = buf_view(&t->in) };
	struct sieve_test_block b;

	b.name = make_plain(a, wire_get_str(&w));
	b.line = wire_get_u32(&w);
	b.is_passed = wire_get_u8(&w) != 0;
	b.why = make_plain(a, wire_get_str(&w));
	if (!wire_is_done(&w))
		return -1;
	if (host->tell)
		host->tell(host->ctx, &b);
	return 0;
}

static int pass_text(
	struct worker_tester *t, const struct sieve_test_host *host)
{
	AUTO(arena) struct arena *a = arena_new();
	struct wire_in w = { .in = buf_view(&t->in) };
	struct str text = make_plain(a, wire_get_str(&w));

	if (!wire_is_done(&w))
		return -1;
	if (host->print)
		host->print(host->ctx, text);
	return 0;
}

/* Returns: as sieve_test_file(). */
static int take_done(struct worker_tester *t, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct wire_in w = { .in = buf_view(&t->in) };
	unsigned status = wire_get_u8(&w);
	struct str why = make_plain(a, wire_get_str(&w));

	if (!wire_is_done(&w) || status > 1)
		return err_set(err, ERR_PERM, "%.*s", STR_ARG(why));
	return (int)status;
}

static int tell_death(struct worker_tester *t, bool is_late, struct err *err)
{
	AUTO(buf) struct buf words = BUF_INIT(sizeof(struct last_words));
	struct ending ending;
	int status;

	if (t->in.len == sizeof(struct last_words))
		buf_str(&words, buf_view(&t->in));
	if (is_late)
		kill(t->pid, SIGKILL);
	status = end_child(t);
	ending_tell(&ending, status, is_late, buf_view(&words));
	return err_set(err, ERR_PERM, "it %s", ending.text);
}

/* Returns: 0, 1, -1 as sieve_test_file(), or 2: it goes on; -2: the end. */
static int take_frame(struct worker_tester *t, const char *path,
	const struct sieve_test_host *host, struct err *err)
{
	uint32_t type = receive(t->fd, &t->in);

	switch (type) {
	case FRAME_ASK:
		return answer(t, path) < 0 ? -2 : 2;
	case FRAME_BLOCK:
		return pass_block(t, host) < 0 ? -2 : 2;
	case FRAME_TEXT:
		return pass_text(t, host) < 0 ? -2 : 2;
	case FRAME_DONE:
		return take_done(t, err);
	case FRAME_WORDS:
		return -2;
	default:
		buf_clear(&t->in);
		return -2;
	}
}

int worker_tester_run(struct worker_tester *t, const char *path,
	const struct sieve_test_host *host, struct err *err)
{
	int64_t until = clock_mono_ms() + LATE_MS;
	int rc = 2;

	if (t->fd < 0 && start(t, err) < 0)
		return -1;
	begin_frame(&t->out, FRAME_TEST);
	wire_str(&t->out, str_c(path));
	wire_str(&t->out, host->filter);
	if (send_frame(t->fd, &t->out) < 0)
		return tell_death(t, false, err);
	while (rc == 2) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };
		int64_t left = until - clock_mono_ms();

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return tell_death(t, true, err);
		rc = take_frame(t, path, host, err);
	}
	return rc == -2 ? tell_death(t, false, err) : rc;
}
