/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * httpc.c - HTTP calls by libcurl: one multi handle, owned by one thread.
 *
 * libcurl sends a request again, POST too, when a reused connection dies
 * before the first byte of the answer (curl/curl#18417; no switch in any
 * release). The server may have done it already. So each body goes through a
 * read callback that cannot rewind when the call says `is_once`: libcurl then
 * ends with CURLE_SEND_FAIL_REWIND, which is LOST, and the caller looks before
 * it asks again. When no byte of the body had left, there is nothing to rewind
 * and the silent repeat does no harm: the server had no whole request.
 *
 * CURLINFO_PRETRANSFER_TIME_T is 0 until everything is ready to send, and
 * stays set over libcurl's own repeats: so 0 proves NOT_SENT, and in doubt a
 * call is LOST.
 */
#include <mailmill/httpc.h>

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <zlib.h>

#include <mailmill/list.h>
#include <mailmill/mem.h>

#define GZIP_FROM 1400		   /* below, a request is one packet anyway */
#define UPLOAD_BUFFER (256L << 10) /* few calls of the read callback a file */
#define IDLE_CONNECTIONS_MAX 16L
#define IDLE_SECONDS_MAX 45L /* below what servers and middle boxes allow */

struct httpc {
	CURLM *multi;
	struct httpc_conf conf;
	char *ca_file, *proxy;
	struct list transfers;
	size_t n_transfers;
};

struct httpc_transfer {
	struct list link;
	struct httpc_call *call;
	CURL *easy;
	struct curl_slist *headers;
	curl_mime *mime;
	struct buf packed; /* the body, compressed */
	struct str body;
	size_t at; /* of body */
	char error[CURL_ERROR_SIZE];
};

static void init_once(void)
{
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

int httpc_new(
	const struct httpc_conf *conf, struct httpc **out, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct httpc *h = NEW(struct httpc);

	pthread_once(&once, init_once);
	h->multi = curl_multi_init();
	if (!h->multi) {
		free(h);
		return err_set(err, ERR_TEMP, "cannot start the HTTP client");
	}
	h->conf = *conf;
	h->ca_file = mem_strdup(conf->ca_file);
	h->proxy = mem_strdup(conf->proxy ? conf->proxy : "");
	list_init(&h->transfers);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
		(long)conf->max_connections);
	*out = h;
	return 0;
}

static void free_transfer(struct httpc *h, struct httpc_transfer *t)
{
	curl_multi_remove_handle(h->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	curl_mime_free(t->mime);
	buf_fini(&t->packed);
	list_del(&t->link);
	h->n_transfers--;
	free(t);
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
	struct httpc_transfer *t = ctx;

	return buf_add(&t->call->body_in, p, size * n) < 0 ? 0 : size * n;
}

static size_t take_head(char *p, size_t size, size_t n, void *ctx)
{
	struct httpc_transfer *t = ctx;
	struct buf *head = &t->call->head;

	/* Each answer, also an interim 1xx one, begins with its status line. */
	if (str_starts(str_n(p, size * n), STR("HTTP/")))
		buf_clear(head);
	return buf_add(head, p, size * n) < 0 ? 0 : size * n;
}

static size_t give_body(char *p, size_t size, size_t n, void *ctx)
{
	struct httpc_transfer *t = ctx;
	size_t len = MIN(size * n, t->body.len - t->at);

	memcpy(p, t->body.p + t->at, len);
	t->at += len;
	return len;
}

static int rewind_body(void *ctx, curl_off_t offset, int origin)
{
	struct httpc_transfer *t = ctx;

	if (t->call->is_once || origin != SEEK_SET || offset < 0 ||
		(uint64_t)offset > t->body.len)
		return CURL_SEEKFUNC_FAIL;
	t->at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t give_part(char *p, size_t size, size_t n, void *ctx)
{
	const struct httpc_part *part = ctx;
	ssize_t got = part->read(part->ctx, p, size * n);

	return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int refuse_rewind(void *ctx, curl_off_t offset, int origin)
{
	return CURL_SEEKFUNC_FAIL;
}

/* Compresses the body where asked; stays as it is when that fails to pay. */
static void pack_body(struct httpc_transfer *t)
{
	const struct httpc_call *c = t->call;
	z_stream z = { 0 };
	uLong bound;

	t->body = c->body;
	if (!c->is_gzip || c->body.len < GZIP_FROM ||
		c->body.len > UINT32_MAX / 2)
		return;
	/* 15 + 16: the gzip frame. Fast: the line is faster than level 6. */
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return;
	bound = deflateBound(&z, (uLong)c->body.len);
	buf_init(&t->packed, bound);
	z.next_out = (Bytef *)(void *)buf_room(&t->packed, bound);
	z.avail_out = (uInt)bound;
	z.next_in = (z_const Bytef *)(uintptr_t)c->body.p;
	z.avail_in = (uInt)c->body.len;
	if (deflate(&z, Z_FINISH) == Z_STREAM_END &&
		z.total_out < c->body.len) {
		t->packed.len = z.total_out;
		t->body = buf_view(&t->packed);
	}
	deflateEnd(&z);
}

static void add_header(struct httpc_transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);

	must(more);
	t->headers = more;
}

static void set_body(struct httpc_transfer *t)
{
	pack_body(t);
	if (t->packed.len > 0)
		add_header(t, "Content-Encoding: gzip");
	curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(
		t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
	curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, rewind_body);
	curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
}

static void set_parts(struct httpc_transfer *t)
{
	const struct httpc_call *c = t->call;

	t->mime = curl_mime_init(t->easy);
	must(t->mime);
	for (size_t i = 0; i < c->n_parts; i++) {
		const struct httpc_part *part = &c->parts[i];
		curl_mimepart *to = curl_mime_addpart(t->mime);

		must(to);
		curl_mime_name(to, part->name);
		curl_mime_type(to, part->type);
		if (part->read)
			curl_mime_data_cb(to, (curl_off_t)part->size, give_part,
				refuse_rewind, NULL, (void *)(uintptr_t)part);
		else
			curl_mime_data(to, part->data.p, part->data.len);
		if (part->filename)
			curl_mime_filename(to, part->filename);
	}
	curl_easy_setopt(t->easy, CURLOPT_MIMEPOST, t->mime);
	curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
}

static void set_limits(const struct httpc *h, struct httpc_transfer *t)
{
	const struct httpc_conf *conf = &h->conf;
	CURL *easy = t->easy;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, h->proxy);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(
		easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (h->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, h->ca_file);
	curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS_MAX);
	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_ms);
	if (conf->stall_ms > 0) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
			(long)MAX(conf->stall_ms / 1000, 1));
	}
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)t->call->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
		(curl_off_t)t->call->answer_max);
}

static void set_request(struct httpc_transfer *t)
{
	const struct httpc_call *c = t->call;
	CURL *easy = t->easy;

	curl_easy_setopt(easy, CURLOPT_URL, c->url);
	for (size_t i = 0; i < c->n_headers; i++)
		add_header(t, c->headers[i]);
	/* Waiting for "100 Continue" costs a second where nobody says it. */
	add_header(t, "Expect:");
	if (c->n_parts > 0)
		set_parts(t);
	else if (c->body.p)
		set_body(t);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, c->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "mailmill/" MAILMILL_VERSION);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

void httpc_start(struct httpc *h, struct httpc_call *call)
{
	struct httpc_transfer *t = NEW(struct httpc_transfer);

	must(call->done && call->url && call->method);
	t->call = call;
	call->transfer = t;
	call->outcome = HTTPC_NOT_SENT;
	call->status = 0;
	call->is_timeout = false;
	call->err = (struct err){ 0 };
	buf_fini(&call->head);
	buf_fini(&call->body_in);
	buf_init(&call->head, HTTPC_HEADERS_MAX);
	buf_init(&call->body_in, call->answer_max);
	t->easy = curl_easy_init();
	must(t->easy);
	set_limits(h, t);
	set_request(t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	list_add(&h->transfers, &t->link);
	h->n_transfers++;
	must(curl_multi_add_handle(h->multi, t->easy) == CURLM_OK);
}

/* Says how far a call went that has no whole answer. */
static void explain(struct httpc_transfer *t, CURLcode code)
{
	struct httpc_call *c = t->call;
	curl_off_t ready = 0;
	const char *why = t->error[0] ? t->error : curl_easy_strerror(code);

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	c->outcome = ready == 0 && c->status == 0 ? HTTPC_NOT_SENT : HTTPC_LOST;
	c->is_timeout = code == CURLE_OPERATION_TIMEDOUT;
	if (buf_is_over(&c->body_in) || code == CURLE_FILESIZE_EXCEEDED)
		err_set(&c->err, ERR_TEMP,
			"the answer is longer than %zu bytes", c->answer_max);
	else if (code == CURLE_SEND_FAIL_REWIND)
		err_set(&c->err, ERR_TEMP,
			"the connection broke before an answer came");
	else
		err_set(&c->err,
			code == CURLE_PEER_FAILED_VERIFICATION ||
					code == CURLE_SSL_CACERT_BADFILE
				? ERR_CONF
				: ERR_TEMP,
			"%s", why);
}

static void finish(struct httpc *h, struct httpc_transfer *t, CURLcode code)
{
	struct httpc_call *c = t->call;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	c->status = (int)status;
	c->transfer = NULL;
	if (code == CURLE_OK && status >= 200)
		c->outcome = HTTPC_ANSWERED;
	else
		explain(t, code);
	free_transfer(h, t);
	c->done(c);
}

static void finish_all(struct httpc *h)
{
	CURLMsg *m;
	int n;

	while ((m = curl_multi_info_read(h->multi, &n))) {
		char *private = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		finish(h, (struct httpc_transfer *)(void *)private,
			m->data.result);
	}
}

void httpc_run(struct httpc *h, int64_t ms)
{
	int n_running = 0;

	curl_multi_perform(h->multi, &n_running);
	finish_all(h);
	curl_multi_poll(h->multi, NULL, 0, (int)MIN(MAX(ms, 0), 60000), NULL);
	curl_multi_perform(h->multi, &n_running);
	finish_all(h);
}

void httpc_wake(struct httpc *h)
{
	curl_multi_wakeup(h->multi);
}

size_t httpc_count(const struct httpc *h)
{
	return h->n_transfers;
}

void httpc_free(struct httpc *h)
{
	struct httpc_transfer *t;

	if (!h)
		return;
	while ((t = LIST_FIRST(&h->transfers, struct httpc_transfer, link)))
		finish(h, t, CURLE_ABORTED_BY_CALLBACK);
	curl_multi_cleanup(h->multi);
	free(h->ca_file);
	free(h->proxy);
	free(h);
}

struct str httpc_header(const struct httpc_call *call, const char *name)
{
	struct str rest = buf_view(&call->head), line;

	while (str_cut_line(&rest, &line)) {
		struct str key;

		if (str_cut(&line, ':', &key) && line.p &&
			str_eq_case(key, str_c(name)))
			return str_trim(line);
	}
	return STR_NULL;
}

void httpc_call_fini(struct httpc_call *call)
{
	must(!call->transfer);
	buf_fini(&call->head);
	buf_fini(&call->body_in);
}
