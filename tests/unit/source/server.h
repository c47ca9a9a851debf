/* SPDX-License-Identifier: GPL-3.0-or-later */
/* server.h - an LMTP source with a real store, in a thread, for the tests. */
#ifndef MAILMILL_TEST_SERVER_H
#define MAILMILL_TEST_SERVER_H

#include <pthread.h>
#include <stdio.h>

#include <mailmill/buf.h>
#include <mailmill/file.h>
#include <mailmill/intake.h>
#include <mailmill/source.h>

#include "../../../src/source/source_lmtp.h"
#include "test.h"

struct server {
	char dir[64];
	char path[96]; /* of the socket */
	struct loop *loop;
	struct store *store;
	struct intake *intake;
	struct source *source;
	struct lmtp_conf conf;
	struct conf_section section;
	pthread_t thread;
	bool is_draining;
	int port; /* TCP, when it listens there */
};

static UNUSED const char *route_of(struct str address, void *ctx)
{
	(void)ctx;
	if (str_starts(address, STR("nobody")))
		return NULL;
	return str_starts(address, STR("sales")) ? "sales" : "support";
}

static UNUSED void catch_port(enum log_level level, const char *line, void *ctx)
{
	struct server *s = ctx;
	const char *colon = strrchr(line, ':');
	uint64_t port;

	if (strstr(line, "source.listen") && colon &&
		str_to_u64(str_c(colon + 1), 65535, &port) == 0)
		s->port = (int)port;
	test_on_log(level, line, NULL);
}

static UNUSED void *run_loop(void *ctx)
{
	struct server *s = ctx;
	struct err err = { 0 };

	must(loop_run(s->loop, &err) == 0);
	return NULL;
}

static UNUSED void begin(struct server *s, const struct source_driver *driver,
	struct lmtp_conf conf)
{
	struct err err = { 0 };
	struct store_options so = { .queue_max = 1000000,
		.keep_bytes_ms = 1000000,
		.keep_journal_ms = 1000000 };
	struct intake_options io = { .memory_max = 256 * 1024,
		.size_max = 60 << 20,
		.hostname = "mill.example",
		.route = route_of };
	static char address[128];

	memset(s, 0, sizeof(*s));
	memcpy(s->dir, "/tmp/mailmill-test.XXXXXX", 26);
	must(mkdtemp(s->dir) != NULL);
	snprintf(s->path, sizeof(s->path), "%s/sock", s->dir);
	s->conf = (struct lmtp_conf){ .mode = 0600,
		.max_clients = 2000,
		.max_clients_per_peer = 2000,
		.max_rcpts = 1000,
		.max_errors = 20,
		.idle_ms = 60000,
		.message_ms = 60000 };
	snprintf(address, sizeof(address), "unix:%s", s->path);
	s->conf.listen = conf.listen ? conf.listen : address;
	if (conf.max_clients)
		s->conf.max_clients = conf.max_clients;
	if (conf.max_clients_per_peer)
		s->conf.max_clients_per_peer = conf.max_clients_per_peer;
	if (conf.idle_ms)
		s->conf.idle_ms = conf.idle_ms;
	if (conf.message_ms)
		s->conf.message_ms = conf.message_ms;
	s->conf.trusted = conf.trusted;
	s->section = (struct conf_section){ .schema = driver->schema,
		.title = "main",
		.file = "test.conf",
		.data = &s->conf };
	log_sink(catch_port, s);
	so.path = s->dir;
	io.spool_dir = s->dir;
	must(loop_new(&s->loop, &err) == 0);
	is_int(store_open("sqlite", &so, &s->store, &err), 0, err.text);
	s->intake = intake_new(s->loop, s->store, &io);
	is_int(source_open(&s->section, &s->source, &err), 0, err.text);
	is_int(source_attach(s->source, s->loop, s->intake, &err), 0, err.text);
	must(pthread_create(&s->thread, NULL, run_loop, s) == 0);
}

static UNUSED void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

static UNUSED void end(struct server *s)
{
	struct err err = { 0 };

	loop_post(s->loop, stop_loop, s->loop);
	pthread_join(s->thread, NULL);
	source_close(s->source);
	intake_free(s->intake);
	store_close(s->store);
	loop_free(s->loop);
	is_int(access(s->path, F_OK), -1, "the socket file is removed");
	file_remove_tree(s->dir, &err);
	log_sink(test_on_log, NULL);
}

static UNUSED size_t count_rows(struct server *s)
{
	AUTO(arena) struct arena *a = arena_new();
	struct store_filter f = { .max = 10000 };
	struct store_row *rows;
	struct err err = { 0 };
	size_t n = 0;

	is_int(store_list(s->store, a, &f, &rows, &n, &err), 0, err.text);
	return n;
}

static UNUSED void wait_rows(struct server *s, size_t n, const char *what)
{
	for (int i = 0; i < 500 && count_rows(s) < n; i++)
		usleep(10000);
	is_int(count_rows(s), n, what);
}

static UNUSED void read_body(
	struct server *s, const struct id *id, struct buf *out)
{
	struct err err = { 0 };
	AUTO(fd) int fd = -1;

	is_int(store_body(s->store, id, &fd, &err), 0, err.text);
	is_int(file_read_fd(fd, out, &err), 0, err.text);
}

#endif
