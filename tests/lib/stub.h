/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stub.h - an HTTP server for tests that breaks off where it is told to.
 *
 * Speaks just enough HTTP/1.1; one thread a connection. The handler gets a
 * whole request and fills the reply.
 */
#ifndef MAILMILL_TEST_STUB_H
#define MAILMILL_TEST_STUB_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <mailmill/buf.h>
#include <mailmill/mem.h>

enum stub_action {
	STUB_ANSWER,
	STUB_RESET,    /* close without a byte of an answer */
	STUB_TRUNCATE, /* announce more than is sent, then close */
	STUB_SILENCE,  /* never answer */
	STUB_CLOSE,    /* answer, then close */
};

struct stub_request {
	struct str method, path, head, body; /* body: unpacked */
	bool was_gzip;
	unsigned n_of_connection; /* from 1 */
};

struct stub_reply {
	enum stub_action action;
	int status;
	struct buf headers; /* lines with CRLF */
	struct buf body;
};

struct stub;
typedef void (*stub_fn)(struct stub *s, const struct stub_request *req,
	struct stub_reply *reply);

struct stub {
	int fd, port;
	stub_fn handle;
	void *ctx;
	pthread_mutex_t lock; /* held while handle runs */
	pthread_t thread;
	bool is_over;
	unsigned n_connections, n_alive, n_requests;
};

struct stub_connection {
	struct stub *s;
	int fd;
};

static inline struct str stub_header(struct str head, const char *name)
{
	struct str line, key;

	while (str_cut_line(&head, &line))
		if (str_cut(&line, ':', &key) && line.p &&
			str_eq_case(key, str_c(name)))
			return str_trim(line);
	return STR_NULL;
}

static inline bool stub_send(int fd, struct str s)
{
	while (s.len > 0) {
		ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s = str_sub(s, (size_t)n, SIZE_MAX);
	}
	return true;
}

/* Reads until `in` holds `need` bytes, or up to the empty line when 0. */
static inline bool stub_fill(int fd, struct buf *in, size_t need)
{
	for (;;) {
		char *to;
		ssize_t n;

		if (need == 0 && str_find(buf_view(in), STR("\r\n\r\n")) >= 0)
			return true;
		if (need > 0 && in->len >= need)
			return true;
		to = buf_room(in, 65536);
		must(to);
		n = recv(fd, to, 65536, 0);
		if (n <= 0)
			return false;
		in->len += (size_t)n;
	}
}

static inline void stub_unzip(struct str in, struct buf *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p,
		.avail_in = (uInt)in.len };

	must(inflateInit2(&z, 15 + 16) == Z_OK);
	do {
		char *to = buf_room(out, 65536);

		z.next_out = (Bytef *)(void *)to;
		z.avail_out = 65536;
		must(inflate(&z, Z_NO_FLUSH) >= Z_OK);
		out->len += 65536 - z.avail_out;
	} while (z.avail_out == 0);
	inflateEnd(&z);
}

static inline bool stub_answer(int fd, const struct stub_reply *r)
{
	AUTO(buf) struct buf out = BUF_INIT((size_t)64 << 20);

	if (r->action == STUB_RESET)
		return false;
	if (r->action == STUB_SILENCE) {
		char c;

		while (recv(fd, &c, 1, 0) > 0)
			;
		return false;
	}
	buf_printf(&out, "HTTP/1.1 %d Stub\r\nContent-Length: %zu\r\n",
		r->status, r->body.len + (r->action == STUB_TRUNCATE) * 99);
	buf_str(&out, buf_view(&r->headers));
	buf_c(&out, "\r\n");
	buf_str(&out, buf_view(&r->body));
	return stub_send(fd, buf_view(&out)) && r->action == STUB_ANSWER;
}

static inline bool stub_serve(
	struct stub_connection *c, struct buf *in, unsigned n)
{
	AUTO(buf) struct buf plain = BUF_INIT((size_t)256 << 20);
	struct stub_request req = { .n_of_connection = n };
	struct stub_reply reply = { .status = 200,
		.headers = BUF_INIT(1 << 16),
		.body = BUF_INIT((size_t)64 << 20) };
	uint64_t len = 0;
	size_t head_len;
	struct str rest, len_text;
	bool goes_on;

	if (!stub_fill(c->fd, in, 0))
		return false;
	head_len = (size_t)str_find(buf_view(in), STR("\r\n\r\n")) + 4;
	len_text = stub_header(
		str_sub(buf_view(in), 0, head_len), "Content-Length");
	must(!len_text.p || str_to_u64(len_text, UINT32_MAX, &len) == 0);
	if (len > 0 && !stub_fill(c->fd, in, head_len + (size_t)len))
		return false;
	req.head = str_sub(buf_view(in), 0, head_len);
	req.body = str_sub(buf_view(in), head_len, (size_t)len);
	rest = req.head;
	str_cut(&rest, ' ', &req.method);
	str_cut(&rest, ' ', &req.path);
	if (str_eq(stub_header(req.head, "Content-Encoding"), STR("gzip"))) {
		req.was_gzip = true;
		stub_unzip(req.body, &plain);
		req.body = buf_view(&plain);
	}
	pthread_mutex_lock(&c->s->lock);
	c->s->n_requests++;
	c->s->handle(c->s, &req, &reply);
	pthread_mutex_unlock(&c->s->lock);
	goes_on = stub_answer(c->fd, &reply);
	buf_fini(&reply.headers);
	buf_fini(&reply.body);
	buf_shift(in, head_len + (size_t)len);
	return goes_on;
}

static inline void *stub_connection(void *arg)
{
	struct stub_connection *c = arg;
	struct buf in = BUF_INIT((size_t)256 << 20);
	unsigned n = 0;

	while (stub_serve(c, &in, ++n))
		;
	close(c->fd);
	pthread_mutex_lock(&c->s->lock);
	c->s->n_alive--;
	pthread_mutex_unlock(&c->s->lock);
	buf_fini(&in);
	free(c);
	return NULL;
}

static inline void *stub_accept(void *arg)
{
	struct stub *s = arg;

	for (;;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		struct timeval limit = { .tv_sec = 5 };
		struct stub_connection *c;
		pthread_t thread;

		if (fd < 0)
			return NULL;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		c = NEW(struct stub_connection);
		*c = (struct stub_connection){ .s = s, .fd = fd };
		pthread_mutex_lock(&s->lock);
		s->n_connections++;
		s->n_alive++;
		pthread_mutex_unlock(&s->lock);
		must(pthread_create(&thread, NULL, stub_connection, c) == 0);
		pthread_detach(thread);
	}
}

static inline void stub_start(struct stub *s, stub_fn handle, void *ctx)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	*s = (struct stub){ .handle = handle, .ctx = ctx };
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(s->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	must(listen(s->fd, 64) == 0);
	must(getsockname(s->fd, (struct sockaddr *)&addr, &len) == 0);
	s->port = ntohs(addr.sin_port);
	must(pthread_create(&s->thread, NULL, stub_accept, s) == 0);
}

/* Ends it; connections of the client must be closed before. */
static inline void stub_stop(struct stub *s)
{
	bool is_idle = false;

	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	while (!is_idle) {
		usleep(1000);
		pthread_mutex_lock(&s->lock);
		is_idle = s->n_alive == 0;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_destroy(&s->lock);
}

#endif
