/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server.c - HTTP by libmicrohttpd, run from our own loop in one thread.
 *
 * A request is refused from its headers if they are ambiguous or too long (the
 * gate); then its body comes in pieces, unpacked if it is gzipped, into memory
 * or, if it is multipart, through the multipart parser to disk. At its end the
 * router answers. A fault may make us close the connection before or after
 * that, wait (the connection is suspended and woken by our loop), or cut the
 * answer in half.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <mailmill/clock.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/log.h>
#include <mailmill/utf8.h>

#include "sandbox.h"

#define CONNECTIONS_MAX 1000u
#define IDLE_S 60u
#define CONNECTION_MEMORY ((size_t)128 << 10)
#define GZIP_MIN 1024
#define UNPACK_STEP 65536
#define TLS_FILE_MAX 65536

struct request {
	struct sandbox *sb;
	struct request *next; /* in the list of the waiting */
	struct MHD_Connection *connection;
	char *uri;
	bool is_begun, is_done;
	bool is_dropped; /* an upload without a token: not worth a disk */
	struct arena *arena;
	struct buf body;
	struct sb_upload *upload;
	z_stream *unpack;
	const char *bad; /* why the body is refused: an error code */
	uint64_t n_in;
	int64_t started_ms, wake_ms;
	struct sb_ask ask;
	struct sb_reply reply;
	struct sb_fault fault;
	enum sb_kind kind;
};

struct sb_server {
	struct MHD_Daemon *daemon;
	struct request *waiting;
	char *key, *cert;
};

/* A request's beginning. */

static void *note_uri(
	void *ctx, const char *uri, struct MHD_Connection *connection)
{
	struct request *q = NEW(struct request);

	q->sb = ctx;
	q->connection = connection;
	q->uri = mem_strdup(uri);
	buf_init(&q->body, SB_BODY_MAX);
	sb_reply_init(&q->reply);
	return q;
}

static size_t keep_escapes(
	void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

struct gate {
	int n_length, n_host, n_encoding;
	size_t len;
	bool is_bad;
};

static enum MHD_Result look_at_header(
	void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct gate *g = ctx;
	struct str n = str_c(name);

	(void)kind;
	g->len += n.len + (value ? strlen(value) : 0) + 4;
	if (str_eq_case(n, STR("Content-Length"))) {
		g->n_length++;
	} else if (str_eq_case(n, STR("Host"))) {
		g->n_host++;
	} else if (str_eq_case(n, STR("Transfer-Encoding"))) {
		g->n_encoding++;
		if (!str_eq_case(str_c(value), STR("chunked")))
			g->is_bad = true;
	}
	for (size_t i = 0; i < n.len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 127)
			g->is_bad = true;
	return MHD_YES;
}

/* Two ways to tell a body's length are an attack. Returns: 0 or a status. */
static int check_gate(struct request *q)
{
	struct gate g = { 0 };

	MHD_get_connection_values(
		q->connection, MHD_HEADER_KIND, look_at_header, &g);
	if (g.is_bad || g.n_length > 1 || g.n_encoding > 1 || g.n_host > 1 ||
		(g.n_length && g.n_encoding))
		return 400;
	if (strlen(q->uri) > SB_URI_MAX)
		return 414;
	if (strlen(q->uri) + g.len > 2 * SB_URI_MAX)
		return 431;
	return 0;
}

static const char *header(struct request *q, const char *name)
{
	return MHD_lookup_connection_value(
		q->connection, MHD_HEADER_KIND, name);
}

static void begin_unpack(struct request *q)
{
	const char *encoding = header(q, "Content-Encoding");

	if (!encoding || str_eq_case(str_c(encoding), STR("identity")))
		return;
	if (!str_eq_case(str_c(encoding), STR("gzip")) &&
		!str_eq_case(str_c(encoding), STR("deflate"))) {
		q->bad = "UNSUPPORTED_MEDIA_TYPE";
		return;
	}
	q->unpack = NEW(z_stream);
	/* 32: zlib finds out whether it is gzip or deflate. */
	must(inflateInit2(q->unpack, 15 + 32) == Z_OK);
}

static void begin_request(struct request *q, const char *method)
{
	const char *type = header(q, "Content-Type");
	struct str uri;
	ssize_t mark;
	bool is_upload;

	q->is_begun = true;
	q->started_ms = clock_mono_ms();
	q->arena = arena_new();
	uri = arena_str(q->arena, str_c(q->uri));
	mark = str_chr(uri, '?');
	q->ask = (struct sb_ask){
		.sb = q->sb,
		.arena = q->arena,
		.method = arena_strdup(q->arena, method),
		.path = mark < 0 ? uri : str_sub(uri, 0, (size_t)mark),
		.query = mark < 0 ? STR_NULL
				  : str_sub(uri, (size_t)mark + 1, uri.len),
		.query_options = header(q, "Sforce-Query-Options"),
		.if_modified = header(q, "If-Modified-Since"),
		.authorization = header(q, "Authorization"),
	};
	q->kind = sb_route_kind(&q->ask);
	is_upload = q->kind == SB_K_UPLOAD && type &&
		    str_starts_case(str_c(type), STR("multipart/form-data"));
	q->is_dropped = is_upload &&
			!sb_oauth_is_ok(q->sb, q->ask.authorization);
	if (is_upload && !q->is_dropped)
		q->upload = sb_upload_new(type);
	begin_unpack(q);
}

/* Its body. */

static void take_bytes(struct request *q, const char *p, size_t n)
{
	if (q->upload)
		sb_upload_add(q->upload, p, n);
	else if (buf_add(&q->body, p, n) < 0)
		q->bad = "EXCEEDED_MAX_SIZE_REQUEST";
}

static void take_packed(struct request *q, const char *p, size_t n)
{
	char out[UNPACK_STEP];
	z_stream *z = q->unpack;
	int got = Z_OK;

	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	while (!q->bad && got == Z_OK) {
		z->next_out = (Bytef *)out;
		z->avail_out = sizeof(out);
		got = inflate(z, Z_NO_FLUSH);
		take_bytes(q, out, sizeof(out) - z->avail_out);
		if (got == Z_OK && z->avail_in == 0 && z->avail_out)
			break;
	}
	if (got != Z_OK && got != Z_STREAM_END && got != Z_BUF_ERROR)
		q->bad = "POST_BODY_PARSE_ERROR";
}

static void take_body(struct request *q, const char *p, size_t n)
{
	q->n_in += n;
	if (q->bad || q->is_dropped)
		return; /* read on, so that the client hears the answer */
	if (q->unpack)
		take_packed(q, p, n);
	else
		take_bytes(q, p, n);
}

/* Its answer. */

static bool may_gzip(struct request *q)
{
	const char *accept = header(q, "Accept-Encoding");

	return accept && str_find_case(str_c(accept), STR("gzip")) >= 0;
}

/* Packs the body of the reply, quickly rather than tightly. */
static bool pack_reply(struct sb_reply *r)
{
	z_stream z = { 0 };
	AUTO(buf) struct buf out = BUF_INIT(SB_REPLY_MAX);
	size_t bound;
	char *to;

	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return false;
	bound = deflateBound(&z, r->body.len);
	to = buf_room(&out, bound);
	if (to) {
		z.next_in = (Bytef *)r->body.p;
		z.avail_in = (uInt)r->body.len;
		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)bound;
		if (deflate(&z, Z_FINISH) != Z_STREAM_END)
			to = NULL;
	}
	deflateEnd(&z);
	if (!to)
		return false;
	out.len += z.total_out;
	struct buf old = r->body;
	r->body = out;
	out = old;
	return true;
}

static ssize_t give_half(void *ctx, uint64_t at, char *to, size_t max)
{
	struct buf *b = ctx;
	size_t half = b->len / 2;

	if (at >= half)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	max = MIN(max, half - (size_t)at);
	memcpy(to, b->p + at, max);
	return (ssize_t)max;
}

static void free_half(void *ctx)
{
	buf_fini(ctx);
	free(ctx);
}

static struct MHD_Response *make_half(struct sb_reply *r)
{
	struct buf *b = NEW(struct buf);

	*b = r->body;
	buf_init(&r->body, 0);
	return MHD_create_response_from_callback(
		b->len, 4096, give_half, b, free_half);
}

static struct MHD_Response *make_response(struct request *q)
{
	struct sb_reply *r = &q->reply;
	struct MHD_Response *response;
	size_t len = r->body.len;
	int fd;

	if (r->is_file) {
		fd = dup(q->sb->blob_fd);
		return fd < 0 ? NULL
			      : MHD_create_response_from_fd_at_offset64(
					r->file_len, fd, r->file_at);
	}
	if (q->fault.what == SB_F_HALF_BODY && len)
		return make_half(r);
	response = MHD_create_response_from_buffer(
		len, buf_take(&r->body), MHD_RESPMEM_MUST_FREE);
	return response;
}

static void add_headers(
	struct request *q, struct MHD_Response *response, bool is_packed)
{
	struct sb_reply *r = &q->reply;
	char text[128];

	if (r->status != 204 && r->status != 304)
		MHD_add_response_header(response, "Content-Type",
			r->type ? r->type : "application/json;charset=UTF-8");
	if (is_packed)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (r->location[0])
		MHD_add_response_header(response, "Location", r->location);
	if (r->extra_name[0])
		MHD_add_response_header(
			response, r->extra_name, r->extra_value);
	if (r->is_attachment) {
		AUTO(buf) struct buf name = BUF_INIT(1000);
		buf_c(&name, "attachment; filename*=UTF-8''");
		enc_percent(&name, str_c(r->file_name));
		MHD_add_response_header(
			response, "Content-Disposition", name.p);
		MHD_add_response_header(
			response, "X-Content-Type-Options", "nosniff");
	}
	if (r->status == 401)
		MHD_add_response_header(response, "WWW-Authenticate", "Token");
	if (r->type && str_starts(str_c(r->type), STR("text/html")))
		MHD_add_response_header(response, "Content-Security-Policy",
			"default-src 'none'; style-src 'unsafe-inline'; "
			"frame-ancestors 'none'");
	if (str_starts(q->ask.path, STR("/services/data/v"))) {
		snprintf(text, sizeof(text), "api-usage=%llu/%llu",
			(unsigned long long)q->sb->n_api,
			(unsigned long long)q->sb->api_limit);
		MHD_add_response_header(response, "Sforce-Limit-Info", text);
	}
	MHD_add_response_header(response, "Server", "mailmill-sandbox");
}

static void log_request(struct request *q, uint64_t n_out)
{
	struct sb_call c = { .at_ms = clock_wall_ms(),
		.status = q->reply.status,
		.ms = (unsigned)(clock_mono_ms() - q->started_ms),
		.n_in = q->n_in,
		.n_out = n_out,
		.kind = q->kind };

	snprintf(c.method, sizeof(c.method), "%s", q->ask.method);
	snprintf(c.path, sizeof(c.path), "%.*s",
		STR_ARG(utf8_mend(q->arena,
			str_sub(q->ask.path, 0, sizeof(c.path) / 3))));
	if (q->fault.what)
		snprintf(c.fault, sizeof(c.fault), "%s",
			sb_faults_name(q->fault.what));
	if (q->kind != SB_K_ADMIN)
		sb_log_call(q->sb, &c);
	log_event(LOG_DEBUG, "sandbox.call",
		"method=%s path=%s status=%d ms=%u fault=%s", c.method, c.path,
		c.status, c.ms, c.fault);
}

/* For people with curl. */
static void indent_reply(struct request *q)
{
	const char *wish = header(q, "X-PrettyPrint");
	struct sb_reply *r = &q->reply;
	AUTO(json) json_t *j = NULL;
	char *text;

	if (!wish || strcmp(wish, "1") || r->type || !r->body.len)
		return;
	j = json_loadb(r->body.p, r->body.len, JSON_DECODE_ANY, NULL);
	text = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	if (!text)
		return;
	buf_clear(&r->body);
	buf_c(&r->body, text);
	free(text);
}

static enum MHD_Result send_reply(struct request *q)
{
	struct sb_reply *r = &q->reply;
	struct MHD_Response *response;
	enum MHD_Result result;
	bool is_packed;
	uint64_t n_out;

	indent_reply(q);
	n_out = r->is_file ? r->file_len : r->body.len;
	log_request(q, n_out);
	is_packed = !r->is_file && r->body.len >= GZIP_MIN && may_gzip(q) &&
		    pack_reply(r);
	response = make_response(q);
	if (!response)
		return MHD_NO;
	add_headers(q, response, is_packed);
	result = MHD_queue_response(
		q->connection, (unsigned)r->status, response);
	MHD_destroy_response(response);
	return result;
}

/*
 * Closes so that the client sees "connection reset": a closing socket would
 * first tell it that the stream ends, dissolving the association does not.
 */
static enum MHD_Result reset_connection(struct request *q)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		q->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	if (info && connect(info->connect_fd, &nobody, sizeof(nobody)) < 0)
		log_event(LOG_WARN, "sandbox.reset", "error=\"%s\"",
			strerror(errno));
	return MHD_NO;
}

static void answer_bad(struct request *q)
{
	bool is_type = !strcmp(q->bad, "UNSUPPORTED_MEDIA_TYPE");

	sb_reply_error(&q->reply, is_type ? 415 : 400, q->bad,
		"The request's body cannot be read");
}

static void run_handler(struct request *q)
{
	struct sandbox *sb = q->sb;

	q->ask.raw = buf_view(&q->body);
	if (q->bad) {
		answer_bad(q);
		return;
	}
	if (q->upload) {
		if (sb_upload_end(q->upload) < 0) {
			sb_reply_error(&q->reply, 400,
				"INVALID_MULTIPART_REQUEST", "%s",
				q->upload->bad);
			return;
		}
		q->ask.body = q->upload->entity;
		sb->upload = q->upload;
	}
	sb_route(&q->ask, &q->reply);
	sb->upload = NULL;
	if (!q->reply.status)
		sb_reply_error(&q->reply, 500, "UNKNOWN_EXCEPTION",
			"the sandbox has no answer");
}

static void wait_for(struct request *q, int64_t ms)
{
	q->wake_ms = clock_mono_ms() + ms;
	q->next = q->sb->server->waiting;
	q->sb->server->waiting = q;
	MHD_suspend_connection(q->connection);
}

static enum MHD_Result finish(struct request *q)
{
	enum sb_fault_what what = q->fault.what;

	if (what == SB_F_RESET_AFTER || what == SB_F_TIMEOUT_AFTER ||
		what == SB_F_TIMEOUT_BEFORE) {
		log_request(q, 0);
		return reset_connection(q);
	}
	if (what == SB_F_500_AFTER)
		sb_reply_error(&q->reply, 500, "UNKNOWN_EXCEPTION",
			"An unexpected error occurred. Please include this "
			"ErrorId if you contact support: 1-1 (1)");
	return send_reply(q);
}

/* The whole request is here. */
static enum MHD_Result run_request(struct request *q)
{
	if (q->is_done)
		return finish(q); /* woken */
	q->is_done = true;
	if (sb_faults_take(q->sb->faults, q->kind, q->ask.path, &q->fault)) {
		if (q->fault.what == SB_F_RESET_BEFORE) {
			log_request(q, 0);
			return reset_connection(q);
		}
		if (q->fault.what != SB_F_TIMEOUT_BEFORE &&
			!sb_faults_answer(&q->fault, &q->ask, &q->reply))
			run_handler(q);
	} else {
		run_handler(q);
	}
	if (q->fault.what == SB_F_SLOW || q->fault.what == SB_F_TIMEOUT_AFTER ||
		q->fault.what == SB_F_TIMEOUT_BEFORE) {
		wait_for(q, q->fault.ms);
		return MHD_YES;
	}
	return finish(q);
}

static enum MHD_Result refuse_at_gate(struct request *q, int status)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	static char text[] =
		"[{\"message\":\"The request is malformed or too long\","
		"\"errorCode\":\"INVALID_REQUEST\"}]";

	response = MHD_create_response_from_buffer(
		sizeof(text) - 1, text, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(
		response, "Content-Type", "application/json;charset=UTF-8");
	MHD_add_response_header(response, "Connection", "close");
	result = MHD_queue_response(q->connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *ctx, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version,
	const char *upload_data, size_t *upload_len, void **request)
{
	struct request *q = *request;

	(void)ctx;
	(void)connection;
	(void)url;
	(void)version;
	if (!q->is_begun) {
		int status = check_gate(q);
		begin_request(q, method);
		return status ? refuse_at_gate(q, status) : MHD_YES;
	}
	if (*upload_len) {
		take_body(q, upload_data, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	return run_request(q);
}

static void forget(void *ctx, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode why)
{
	struct request *q = *request;
	struct request **at;

	(void)ctx;
	(void)connection;
	(void)why;
	if (!q)
		return;
	at = q->sb->server ? &q->sb->server->waiting : NULL;
	for (; at && *at; at = &(*at)->next)
		if (*at == q) {
			*at = q->next;
			break;
		}
	if (q->unpack)
		inflateEnd(q->unpack);
	free(q->unpack);
	sb_upload_free(q->upload);
	arena_free(q->arena);
	buf_fini(&q->body);
	sb_reply_fini(&q->reply);
	free(q->uri);
	free(q);
	*request = NULL;
}

/* Listening. */

static int split_address(
	const char *listen_at, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(listen_at, ':');
	size_t n = colon ? (size_t)(colon - listen_at) : 0;

	if (!colon || n >= size)
		return -1;
	if (n >= 2 && listen_at[0] == '[' && listen_at[n - 1] == ']') {
		listen_at++;
		n -= 2;
	}
	memcpy(host, listen_at, n);
	host[n] = 0;
	*port = colon + 1;
	return 0;
}

static int bind_first(const struct addrinfo *list)
{
	int on = 1;

	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		int fd = socket(ai->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
			listen(fd, SOMAXCONN) == 0)
			return fd;
		int saved = errno;
		close(fd);
		errno = saved;
	}
	return -1;
}

static void make_url(struct sandbox *sb, int fd, const char *host, bool is_tls)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char port[16] = "0";
	bool is_any = !host[0] || !strcmp(host, "0.0.0.0") ||
		      !strcmp(host, "::");

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		getnameinfo((struct sockaddr *)&ss, len, NULL, 0, port,
			sizeof(port), NI_NUMERICSERV);
	snprintf(sb->url, sizeof(sb->url),
		strchr(host, ':') && !is_any ? "%s://[%s]:%s" : "%s://%s:%s",
		is_tls ? "https" : "http", is_any ? "localhost" : host, port);
}

static int open_socket(
	struct sandbox *sb, const char *listen_at, bool is_tls, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_ADDRCONFIG };
	struct addrinfo *list;
	char host[256];
	const char *port;
	int fd, got;

	if (split_address(listen_at, host, sizeof(host), &port) < 0)
		return err_set(err, ERR_CONF,
			"cannot listen at \"%s\": write HOST:PORT, such as "
			"127.0.0.1:8080; port 0 lets the kernel choose",
			listen_at);
	got = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
	if (got)
		return err_set(err, ERR_CONF, "cannot listen at \"%s\": %s",
			listen_at, gai_strerror(got));
	fd = bind_first(list);
	freeaddrinfo(list);
	if (fd < 0)
		return err_sys(err, "listening at %s", listen_at);
	make_url(sb, fd, host, is_tls);
	return fd;
}

static int read_pem(const char *path, char **out, struct err *err)
{
	AUTO(buf) struct buf b = BUF_INIT(TLS_FILE_MAX);

	if (file_read(path, &b, err) < 0)
		return -1;
	*out = buf_take(&b);
	return 0;
}

int sb_server_open(
	struct sandbox *sb, const struct sandbox_options *o, struct err *err)
{
	struct sb_server *s = NEW(struct sb_server);
	bool is_tls = o->tls_cert || o->tls_key;
	struct MHD_OptionItem tls[3] = { { MHD_OPTION_END, 0, NULL } };
	int fd;

	sb->server = s;
	if (is_tls) {
		if (!o->tls_cert || !o->tls_key)
			return err_set(err, ERR_CONF,
				"TLS needs both --tls-cert and --tls-key");
		if (read_pem(o->tls_cert, &s->cert, err) < 0 ||
			read_pem(o->tls_key, &s->key, err) < 0)
			return -1;
		tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0,
			s->cert };
		tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0,
			s->key };
		tls[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	}
	fd = open_socket(
		sb, o->listen ? o->listen : "127.0.0.1:0", is_tls, err);
	if (fd < 0)
		return -1;
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
					     MHD_USE_ITC |
					     (is_tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, handle, sb, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_URI_LOG_CALLBACK, note_uri, sb,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, forget, NULL,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (s->daemon)
		return 0;
	close(fd);
	return err_set(err, ERR_CONF,
		is_tls ? "cannot start the server: are certificate and key a "
			 "pair in PEM form?"
		       : "cannot start the server");
}

/* Wakes those whose time has come. Returns: milliseconds to the next, -1. */
static int wake_waiting(struct sb_server *s)
{
	struct request **at = &s->waiting;
	int64_t now = clock_mono_ms(), next = -1;

	while (*at) {
		struct request *q = *at;
		if (q->wake_ms <= now) {
			*at = q->next;
			MHD_resume_connection(q->connection);
			next = 0; /* run again at once */
			continue;
		}
		if (next < 0 || q->wake_ms - now < next)
			next = q->wake_ms - now;
		at = &q->next;
	}
	return (int)MIN(next, 60000);
}

int sb_server_run(struct sandbox *sb, int stop_fd, struct err *err)
{
	struct MHD_Daemon *daemon = sb->server->daemon;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(
		daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[2] = { { .fd = info->epoll_fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN } };

	for (;;) {
		MHD_UNSIGNED_LONG_LONG timeout;
		int wait;
		MHD_run(daemon);
		wait = wake_waiting(sb->server);
		if (MHD_get_timeout(daemon, &timeout) == MHD_YES &&
			(wait < 0 || timeout < (unsigned)wait))
			wait = (int)MIN(timeout, 60000u);
		if (poll(fds, 2, wait) < 0 && errno != EINTR)
			return err_sys(err, "waiting for calls");
		if (fds[1].revents)
			return 0;
	}
}

void sb_server_close(struct sandbox *sb)
{
	struct sb_server *s = sb->server;

	if (!s)
		return;
	while (s->waiting) {
		struct request *q = s->waiting;
		s->waiting = q->next;
		q->fault.what = SB_F_RESET_AFTER;
		MHD_resume_connection(q->connection);
	}
	if (s->daemon) {
		/* Stopping with a suspended connection would hang. */
		MHD_run(s->daemon);
		MHD_stop_daemon(s->daemon);
	}
	free(s->key);
	free(s->cert);
	free(s);
	sb->server = NULL;
}
