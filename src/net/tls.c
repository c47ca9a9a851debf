/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls.c - the server's side of TLS by OpenSSL, on memory instead of sockets.
 *
 * OpenSSL reads from one memory BIO and writes to another, so whoever holds
 * the socket keeps its loop, its timers and its limits. What is not read yet
 * never grows beyond one call of tls_feed(), as that reads until OpenSSL wants
 * more.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <mailmill/mem.h>
#include <mailmill/tls.h>

/* What one answer may be: a script or a list, and TLS's own bytes. */
#define OUT_MAX ((size_t)32 << 20)

struct tls_server {
	SSL_CTX *ctx;
};

struct tls {
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	struct buf output;
};

static int fail(struct err *err, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return err_set(
		err, ERR_CONF, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

int tls_server_new(const char *certificate, const char *key,
	struct tls_server **out, struct err *err)
{
	AUTO(tls_server) struct tls_server *s = NEW(struct tls_server);

	ERR_clear_error();
	s->ctx = SSL_CTX_new(TLS_server_method());
	must(s->ctx);
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(
		s->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_use_certificate_chain_file(s->ctx, certificate) != 1) {
		fail(err, "cannot use it (PEM is expected)");
		return err_add(err, "certificate %s", certificate);
	}
	if (SSL_CTX_use_PrivateKey_file(s->ctx, key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(s->ctx) != 1) {
		fail(err, "cannot use it with the certificate");
		return err_add(err, "key %s", key);
	}
	*out = TAKE(s);
	return 0;
}

void tls_server_free(struct tls_server *s)
{
	if (!s)
		return;
	SSL_CTX_free(s->ctx);
	free(s);
}

struct tls *tls_new(struct tls_server *s)
{
	struct tls *t = NEW(struct tls);

	t->output = BUF_INIT(OUT_MAX);
	t->ssl = SSL_new(s->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	must(t->ssl && t->in && t->out);
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_accept_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	buf_fini(&t->output);
	free(t);
}

static void collect(struct tls *t)
{
	char piece[16384];
	int n;

	while ((n = BIO_read(t->out, piece, sizeof(piece))) > 0)
		buf_add(&t->output, piece, (size_t)n);
}

/* Returns: 0 more is needed, TLS_END, or -1 with *err. */
static int judge(struct tls *t, int rc, struct err *err)
{
	int code = SSL_get_error(t->ssl, rc);

	if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
		return 0;
	if (code == SSL_ERROR_ZERO_RETURN)
		return TLS_END;
	fail(err, "TLS failed");
	err->kind = ERR_PERM;
	return -1;
}

static int read_all(struct tls *t, struct buf *plain, struct err *err)
{
	char piece[16384];
	int n;

	while ((n = SSL_read(t->ssl, piece, sizeof(piece))) > 0)
		if (buf_add(plain, piece, (size_t)n))
			return err_set(err, ERR_PERM, "too much at once");
	return judge(t, n, err);
}

int tls_feed(struct tls *t, struct str in, struct buf *plain, struct err *err)
{
	int rc = 1, result = 0;

	ERR_clear_error();
	must(in.len <= INT32_MAX);
	if (in.len && BIO_write(t->in, in.p, (int)in.len) != (int)in.len)
		return err_set(err, ERR_TEMP, "TLS takes no bytes");
	if (!SSL_is_init_finished(t->ssl)) {
		rc = SSL_do_handshake(t->ssl);
		if (rc != 1)
			result = judge(t, rc, err);
	}
	if (rc == 1)
		result = read_all(t, plain, err);
	collect(t); /* also the alert that tells the peer why */
	return result;
}

bool tls_is_open(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl);
}

int tls_send(struct tls *t, struct str plain, struct err *err)
{
	must(tls_is_open(t));
	ERR_clear_error();
	if (plain.len && SSL_write(t->ssl, plain.p, (int)plain.len) <= 0)
		return fail(err, "TLS cannot send");
	collect(t);
	if (buf_is_over(&t->output))
		return err_set(err, ERR_TEMP, "too much waits to be sent");
	return 0;
}

void tls_shut(struct tls *t)
{
	ERR_clear_error();
	if (SSL_is_init_finished(t->ssl) && SSL_shutdown(t->ssl) < 0)
		ERR_clear_error();
	collect(t);
}

struct buf *tls_output(struct tls *t)
{
	return &t->output;
}

const char *tls_name(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}
