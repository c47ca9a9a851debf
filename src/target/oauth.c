/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oauth.c - OAuth 2 for servers: client credentials and JWT bearer (RS256).
 *
 * There is no expiry in Salesforce's answers and none is predicted: a token is
 * used until a call says 401. Who keeps the token and sees to it that many
 * waiting calls cause one request is the target (salesforce/call.c).
 */
#include "oauth.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include <mailmill/conf.h>
#include <mailmill/enc.h>

#define JWT_SECONDS 180
#define JWT_MAX ((size_t)16 << 10)
#define RETRY_LOGIN_MS 60000
#define RETRY_CLOCK_MS 2000

static int check_option(const char *value, const char *name, struct err *err)
{
	if (value && *value)
		return 0;
	return err_set(err, ERR_CONF, "%s is missing", name);
}

static int read_secret(
	const char *where, const char *option, char **out, struct err *err)
{
	if (check_option(where, option, err))
		return -1;
	if (conf_secret(where, out, err))
		return err_add(err, "%s", option);
	return 0;
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
}
#define SECRET __attribute__((cleanup(wipe))) char *

static EVP_PKEY *read_key(const char *pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key;

	must(bio);
	/* No password prompt: "" fails for an encrypted key. */
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
	BIO_free(bio);
	if (!key) {
		err_set(err, ERR_CONF,
			"key: this is no private key in PEM form without a "
			"password");
		return NULL;
	}
	if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		err_set(err, ERR_CONF, "key: an RSA key is needed (RS256)");
		return NULL;
	}
	return key;
}

static void auto_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

int oauth_check(const struct oauth_conf *conf, struct err *err)
{
	SECRET secret = NULL;
	AUTO(pkey) EVP_PKEY *key = NULL;

	if (check_option(conf->client_id, "client_id", err))
		return -1;
	if (conf->way == OAUTH_CLIENT_CREDENTIALS)
		return read_secret(
			conf->client_secret, "client_secret", &secret, err);
	if (check_option(conf->username, "username", err) ||
		check_option(conf->audience, "audience", err) ||
		read_secret(conf->key, "key", &secret, err))
		return -1;
	key = read_key(secret, err);
	return key ? 0 : -1;
}

static int sign(EVP_PKEY *key, struct str text, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[1024]; /* RSA of 8192 bits */
	size_t len = sizeof(sig);
	int rc = -1;

	must(ctx);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(ctx, sig, &len,
			(const unsigned char *)(const void *)text.p,
			text.len) == 1)
		rc = enc_base64url(out, str_n((char *)sig, len));
	EVP_MD_CTX_free(ctx);
	return rc;
}

int oauth_sign_jwt(
	struct str claims, const char *pem, struct buf *out, struct err *err)
{
	AUTO(buf) struct buf jwt = BUF_INIT(JWT_MAX);
	AUTO(buf) struct buf sig = BUF_INIT(JWT_MAX);
	AUTO(pkey) EVP_PKEY *key = read_key(pem, err);

	if (!key)
		return -1;
	enc_base64url(&jwt, STR("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
	buf_byte(&jwt, '.');
	enc_base64url(&jwt, claims);
	if (buf_is_over(&jwt) || sign(key, buf_view(&jwt), &sig))
		return err_set(err, ERR_CONF, "key: cannot sign with it");
	buf_byte(&jwt, '.');
	buf_str(&jwt, buf_view(&sig));
	if (buf_str(out, buf_view(&jwt)) || buf_is_over(&jwt))
		return err_set(err, ERR_CONF, "the signed token is too long");
	return 0;
}

static void add_param(struct buf *out, const char *name, struct str value)
{
	if (out->len > 0)
		buf_byte(out, '&');
	buf_printf(out, "%s=", name);
	enc_percent(out, value);
}

static int write_jwt(const struct oauth_conf *conf, int64_t now_ms,
	struct buf *out, struct err *err)
{
	SECRET pem = NULL;
	AUTO(buf) struct buf jwt = BUF_INIT(JWT_MAX);
	json_t *claims;
	char *text;
	int rc;

	if (read_secret(conf->key, "key", &pem, err))
		return -1;
	claims = json_pack("{s:s, s:s, s:s, s:I}", "iss", conf->client_id,
		"sub", conf->username, "aud", conf->audience, "exp",
		(json_int_t)(now_ms / 1000 + JWT_SECONDS));
	if (!claims)
		return err_set(err, ERR_CONF,
			"client_id, username or audience is not UTF-8");
	text = json_dumps(claims, JSON_COMPACT);
	json_decref(claims);
	must(text);
	rc = oauth_sign_jwt(str_c(text), pem, &jwt, err);
	free(text);
	if (rc)
		return -1;
	add_param(out, "grant_type",
		STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
	add_param(out, "assertion", buf_view(&jwt));
	return 0;
}

int oauth_write_request(const struct oauth_conf *conf, int64_t now_ms,
	struct buf *out, struct err *err)
{
	SECRET secret = NULL;

	if (conf->way == OAUTH_JWT)
		return write_jwt(conf, now_ms, out, err);
	if (read_secret(conf->client_secret, "client_secret", &secret, err))
		return -1;
	add_param(out, "grant_type", STR("client_credentials"));
	add_param(out, "client_id", str_c(conf->client_id));
	add_param(out, "client_secret", str_c(secret));
	return 0;
}

/* Sorts a refusal by `error`; the status is 400 or 401 as it pleases. */
static int read_refusal(
	const json_t *json, struct oauth_token *out, struct err *err)
{
	const char *code = json_string_value(json_object_get(json, "error"));
	const char *text = json_string_value(
		json_object_get(json, "error_description"));
	enum err_kind kind = ERR_CONF;

	text = text ? text : "";
	if (strcmp(code, "rate_limit_exceeded") == 0 ||
		strcmp(code, "unknown_error") == 0) {
		kind = ERR_TEMP;
		out->retry_ms = RETRY_LOGIN_MS;
	} else if (strcmp(text, "expired authorization code") == 0) {
		/* of a JWT: its exp is past, a clock is wrong by little */
		kind = ERR_TEMP;
		out->retry_ms = RETRY_CLOCK_MS;
	}
	return err_set(err, kind, "login refused: %s%s%s", code,
		*text ? ": " : "", text);
}

static int read_token(struct arena *a, const json_t *json,
	struct oauth_token *out, struct err *err)
{
	const json_t *token = json_object_get(json, "access_token");
	const json_t *url = json_object_get(json, "instance_url");
	struct str base;

	if (!json_is_string(token) || json_string_length(token) == 0 ||
		json_string_length(token) > OAUTH_TOKEN_MAX)
		return err_set(err, ERR_TEMP, "login: no token in the answer");
	base = str_n(json_string_value(url), json_string_length(url));
	while (base.len > 0 && base.p[base.len - 1] == '/')
		base.len--;
	out->token = arena_str(
		a, str_n(json_string_value(token), json_string_length(token)));
	for (size_t i = 0; i < out->token.len; i++)
		if ((unsigned char)out->token.p[i] <= ' ' ||
			(unsigned char)out->token.p[i] >= 127)
			return err_set(
				err, ERR_TEMP, "login: the token is garbled");
	out->instance_url = arena_str(a, base);
	return 0;
}

int oauth_read_answer(struct arena *a, int status, struct str body,
	struct oauth_token *out, struct err *err)
{
	json_t *json = json_loadb(
		body.p ? body.p : "", body.len, JSON_REJECT_DUPLICATES, NULL);
	int rc;

	*out = (struct oauth_token){ .retry_ms = 0 };
	if (json_is_string(json_object_get(json, "error")))
		rc = read_refusal(json, out, err);
	else if (json_is_object(json) && status == 200)
		rc = read_token(a, json, out, err);
	else
		rc = err_set(err, ERR_TEMP,
			"login: status %d and no token in the answer", status);
	json_decref(json);
	return rc;
}
