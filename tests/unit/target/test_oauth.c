/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_oauth.c - signatures that verify, refusals that are told apart. */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <mailmill/enc.h>

#include "../../../src/target/oauth.h"
#include "test.h"

static EVP_PKEY *rsa;

static char *make_pem(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;
	long len;

	rsa = EVP_RSA_gen(2048);
	must(PEM_write_bio_PrivateKey(bio, rsa, NULL, NULL, 0, NULL, NULL));
	len = BIO_get_mem_data(bio, &text);
	copy = str_dup(str_n(text, (size_t)len));
	BIO_free(bio);
	return copy;
}

static bool verifies(struct str text, struct str sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, rsa) ==
			  1 &&
		  EVP_DigestVerify(ctx,
			  (const unsigned char *)(const void *)sig.p, sig.len,
			  (const unsigned char *)(const void *)text.p,
			  text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

TEST(jwt_verifies_with_the_public_key)
{
	AUTO(bytes) char *pem = make_pem();
	AUTO(buf) struct buf form = BUF_INIT(1 << 16);
	AUTO(buf) struct buf sig = BUF_INIT(1 << 16);
	AUTO(buf) struct buf claims = BUF_INIT(1 << 16);
	struct oauth_conf conf = { .way = OAUTH_JWT,
		.client_id = "3MVG9.id",
		.username = "mill@example.org",
		.audience = "https://login.salesforce.com",
		.key = "env:MAILMILL_TEST_KEY" };
	struct err err = { 0 };
	struct str jwt, head, body;
	ssize_t at;
	json_t *json;

	setenv("MAILMILL_TEST_KEY", pem, 1);
	is_int(oauth_check(&conf, &err), 0, err.text);
	is_int(oauth_write_request(&conf, 1795556206123, &form, &err), 0,
		err.text);
	has_text(form.p,
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
		"jwt-bearer&assertion=",
		"the form names the grant");
	at = str_find(buf_view(&form), STR("assertion="));
	jwt = str_sub(buf_view(&form), (size_t)at + 10, SIZE_MAX);
	at = str_rchr(jwt, '.');
	is_int(enc_unbase64(&sig, str_sub(jwt, (size_t)at + 1, SIZE_MAX)), 0,
		"the signature is base64url");
	is_true(verifies(str_sub(jwt, 0, (size_t)at), buf_view(&sig)),
		"RS256 over head and claims");
	str_cut(&jwt, '.', &head);
	str_cut(&jwt, '.', &body);
	is_int(enc_unbase64(&claims, body), 0, "claims are base64url");
	json = json_loads(claims.p, 0, NULL);
	is_c(json_string_value(json_object_get(json, "iss")), "3MVG9.id",
		"iss is the consumer key");
	is_c(json_string_value(json_object_get(json, "sub")),
		"mill@example.org", "sub is the user");
	is_int(json_integer_value(json_object_get(json, "exp")),
		1795556206 + 180, "exp is three minutes ahead");
	json_decref(json);
	EVP_PKEY_free(rsa);
}

TEST(bad_secrets_are_named)
{
	static const struct {
		const char *name;
		struct oauth_conf conf;
		const char *text;
	} rows[] = {
		{ "no client_id", { .way = OAUTH_JWT },
			"client_id is missing" },
		{ "no secret",
			{ .way = OAUTH_CLIENT_CREDENTIALS, .client_id = "x" },
			"client_secret is missing" },
		{ "secret in the file itself",
			{ .way = OAUTH_CLIENT_CREDENTIALS,
				.client_id = "x",
				.client_secret = "hunter2" },
			"client_secret: a secret is given as" },
		{ "no key that is one",
			{ .way = OAUTH_JWT,
				.client_id = "x",
				.username = "u",
				.audience = "a",
				.key = "env:PATH" },
			"no private key in PEM" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = { 0 };

		is_int(oauth_check(&rows[i].conf, &err), -1, rows[i].name);
		is_int(err.kind, ERR_CONF, rows[i].name);
		has_text(err.text, rows[i].text, rows[i].name);
	}
}

TEST(answers_are_sorted)
{
	static const struct {
		const char *name;
		int status;
		const char *body;
		int rc;
		enum err_kind kind;
	} rows[] = {
		{ "a token", 200,
			"{\"access_token\":\"00D!x.y\",\"instance_url\":"
			"\"https://x.example/\"}",
			0, ERR_NONE },
		{ "wrong password", 400,
			"{\"error\":\"invalid_grant\",\"error_description\":"
			"\"authentication failure\"}",
			-1, ERR_CONF },
		{ "rate limit", 400, "{\"error\":\"rate_limit_exceeded\"}", -1,
			ERR_TEMP },
		{ "clock", 400,
			"{\"error\":\"invalid_grant\",\"error_description\":"
			"\"expired authorization code\"}",
			-1, ERR_TEMP },
		{ "maintenance page", 503, "<html>", -1, ERR_TEMP },
		{ "page instead of a token", 200, "<html>", -1, ERR_TEMP },
		{ "header injection", 200, "{\"access_token\":\"a\\r\\nX: y\"}",
			-1, ERR_TEMP },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct oauth_token token;
		struct err err = { 0 };

		is_int(oauth_read_answer(a, rows[i].status, str_c(rows[i].body),
			       &token, &err),
			rows[i].rc, rows[i].name);
		is_int(err.kind, rows[i].kind, rows[i].name);
		if (rows[i].rc == 0)
			is_str(token.instance_url, "https://x.example",
				"no / at the end");
	}
}
