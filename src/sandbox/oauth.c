/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oauth.c - tokens: client credentials, JWT bearer, refresh, password; then
 * revoke, introspect, userinfo, identity.
 *
 * Tokens are opaque and live in memory; after a restart all are unknown, and
 * clients must cope with that as with any expiry.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/id.h>

#include "sandbox.h"

#define TOKENS_MAX 100000
#define SKEW_S 180
#define KEY_FILE_MAX 65536

struct token {
	bool is_refresh;
	int64_t issued_ms;
};

struct sb_oauth {
	char *client_id, *secret, *username, *password;
	EVP_PKEY *key;
	struct map *tokens;
};

static EVP_PKEY *read_key(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	if (cert) {
		key = X509_get_pubkey(cert);
		X509_free(cert);
	} else {
		BIO_reset(bio);
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	}
	BIO_free(bio);
	return key;
}

int sb_oauth_open(
	struct sandbox *sb, const struct sandbox_options *o, struct err *err)
{
	struct sb_oauth *oauth = NEW(struct sb_oauth);
	AUTO(buf) struct buf pem = BUF_INIT(KEY_FILE_MAX);

	sb->oauth = oauth;
	oauth->client_id = mem_strdup(o->client_id ? o->client_id : "sandbox");
	oauth->secret = mem_strdup(
		o->client_secret ? o->client_secret : "sandbox");
	oauth->username = mem_strdup(
		o->username ? o->username : "sandbox@example.com");
	oauth->password = mem_strdup(o->password ? o->password : "sandbox");
	oauth->tokens = map_new();
	if (!o->jwt_cert)
		return 0;
	if (file_read(o->jwt_cert, &pem, err) < 0)
		return -1;
	oauth->key = read_key(buf_view(&pem));
	if (!oauth->key)
		return err_set(err, ERR_CONF,
			"%s: no certificate or public key in PEM form",
			o->jwt_cert);
	return 0;
}

void sb_oauth_expire(struct sandbox *sb)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(sb->oauth->tokens, &at, &key, &value)) {
		if (((struct token *)value)->is_refresh)
			continue;
		map_del(sb->oauth->tokens, key);
		free(value);
	}
}

void sb_oauth_close(struct sandbox *sb)
{
	size_t at = 0;
	struct str key;
	void *value;

	if (!sb->oauth)
		return;
	while (map_next(sb->oauth->tokens, &at, &key, &value))
		free(value);
	map_free(sb->oauth->tokens);
	EVP_PKEY_free(sb->oauth->key);
	free(sb->oauth->client_id);
	free(sb->oauth->secret);
	free(sb->oauth->username);
	free(sb->oauth->password);
	free(sb->oauth);
}

static struct str bearer(struct str header)
{
	if (str_starts_case(header, STR("Bearer ")))
		return str_trim(str_sub(header, 7, header.len));
	if (str_starts_case(header, STR("OAuth ")))
		return str_trim(str_sub(header, 6, header.len));
	return STR_NULL;
}

bool sb_oauth_is_ok(struct sandbox *sb, const char *authorization)
{
	struct str token = bearer(str_c(authorization));
	struct token *t = token.len ? map_get(sb->oauth->tokens, token) : NULL;

	return t && !t->is_refresh;
}

/* Makes a token as the real ones look: org id, a mark, many letters. */
static void make_token(struct sandbox *sb, bool is_refresh, struct buf *out)
{
	unsigned char random[60];
	struct token *t = NEW(struct token);
	size_t start = out->len;

	id_random(random, sizeof(random));
	if (is_refresh)
		buf_c(out, "5Aep");
	else
		buf_printf(out, "%.15s!AQ", sb->org_id);
	enc_base64url(out, str_n((char *)random, sizeof(random)));
	for (size_t i = start; i < out->len; i++)
		if (out->p[i] == '-')
			out->p[i] = '.';
	t->is_refresh = is_refresh;
	t->issued_ms = clock_wall_ms();
	if (map_count(sb->oauth->tokens) >= TOKENS_MAX)
		sb_oauth_expire(sb);
	map_set(sb->oauth->tokens, str_n(out->p + start, out->len - start), t);
}

static void answer_token(struct sb_ask *a, struct sb_reply *r, bool is_refresh)
{
	struct sandbox *sb = a->sb;
	AUTO(buf) struct buf b = BUF_INIT(2000);
	AUTO(buf) struct buf signed_text = BUF_INIT(1000);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_len;
	char issued[32];

	snprintf(issued, sizeof(issued), "%lld", (long long)clock_wall_ms());
	buf_printf(&signed_text, "%s/id/%s/%s%s", sb->url, sb->org_id,
		sb->user_id, issued);
	HMAC(EVP_sha256(), sb->oauth->secret, (int)strlen(sb->oauth->secret),
		(unsigned char *)signed_text.p, signed_text.len, mac, &mac_len);
	buf_c(&b, "{\"access_token\":\"");
	make_token(sb, false, &b);
	buf_c(&b, "\",\"signature\":\"");
	enc_base64(&b, str_n((char *)mac, mac_len));
	buf_printf(&b,
		"\",\"scope\":\"api web refresh_token\","
		"\"instance_url\":\"%s\",\"id\":\"%s/id/%s/%s\","
		"\"token_type\":\"Bearer\",\"issued_at\":\"%s\"",
		sb->url, sb->url, sb->org_id, sb->user_id, issued);
	if (is_refresh) {
		buf_c(&b, ",\"refresh_token\":\"");
		make_token(sb, true, &b);
		buf_c(&b, "\"");
	}
	buf_byte(&b, '}');
	r->status = 200;
	buf_str(&r->body, buf_view(&b));
	snprintf(r->extra_name, sizeof(r->extra_name), "Cache-Control");
	snprintf(r->extra_value, sizeof(r->extra_value), "no-cache, no-store");
}

static void refuse(struct sb_reply *r, const char *error, const char *text)
{
	r->status = 400;
	buf_printf(&r->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}",
		error, text);
	snprintf(r->extra_name, sizeof(r->extra_name), "Cache-Control");
	snprintf(r->extra_value, sizeof(r->extra_value), "no-store");
}

static struct str form(struct sb_ask *a, const char *name)
{
	struct str value = STR_NULL;

	if (!sb_form_param(a->arena, a->raw, name, &value))
		sb_form_param(a->arena, a->query, name, &value);
	return value;
}

/* Compares without telling by its time how far two secrets agree. */
static bool is_secret(struct str given, const char *want)
{
	return given.len == strlen(want) &&
	       CRYPTO_memcmp(given.p ? given.p : "", want, given.len) == 0;
}

static bool check_client(struct sb_ask *a, struct sb_reply *r, bool need_secret)
{
	struct sb_oauth *oauth = a->sb->oauth;
	struct str id = form(a, "client_id");
	struct str secret = form(a, "client_secret");
	AUTO(buf) struct buf basic = BUF_INIT(4096);
	struct str header = str_c(a->authorization);

	if (str_starts_case(header, STR("Basic ")) &&
		enc_unbase64(&basic,
			str_trim(str_sub(header, 6, header.len))) == 0) {
		ssize_t colon = str_chr(buf_view(&basic), ':');
		if (colon >= 0) {
			id = str_sub(buf_view(&basic), 0, (size_t)colon);
			secret = str_sub(
				buf_view(&basic), (size_t)colon + 1, basic.len);
		}
	}
	if (!str_eq(id, str_c(oauth->client_id))) {
		refuse(r, "invalid_client_id", "client identifier invalid");
		return false;
	}
	if ((need_secret || secret.len) && !is_secret(secret, oauth->secret)) {
		refuse(r, "invalid_client", "invalid client credentials");
		return false;
	}
	return true;
}

static void grant_client(struct sb_ask *a, struct sb_reply *r)
{
	if (check_client(a, r, true))
		answer_token(a, r, false);
}

static void grant_password(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_oauth *oauth = a->sb->oauth;
	struct str password = form(a, "password");

	if (!check_client(a, r, true))
		return;
	/* A security token may follow the password. */
	if (str_eq_case(form(a, "username"), str_c(oauth->username)) &&
		str_starts(password, str_c(oauth->password)))
		answer_token(a, r, true);
	else
		refuse(r, "invalid_grant",
			"authentication failure - Invalid Password");
}

static void grant_refresh(struct sb_ask *a, struct sb_reply *r)
{
	struct str token = form(a, "refresh_token");
	struct token *t = map_get(a->sb->oauth->tokens, token);

	if (!check_client(a, r, false))
		return;
	if (t && t->is_refresh)
		answer_token(a, r, false);
	else
		refuse(r, "invalid_grant", "expired access/refresh token");
}

static bool is_signed(EVP_PKEY *key, struct str text, struct str signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_ok = ctx &&
		     EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) >
			     0 &&
		     EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
			     signature.len, (const unsigned char *)text.p,
			     text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return is_ok;
}

static json_t *read_part(struct str part)
{
	AUTO(buf) struct buf b = BUF_INIT(65536);

	if (enc_unbase64(&b, part) < 0 || !b.len)
		return NULL;
	return json_loadb(b.p, b.len, 0, NULL);
}

/* The time may be a number or a text, in seconds or, as some do, far off. */
static int64_t expiry_of(const json_t *claims)
{
	const json_t *j = json_object_get(claims, "exp");
	int64_t n;

	if (json_is_number(j))
		return (int64_t)json_number_value(j);
	return str_to_i64(sb_json_text(j), &n) < 0 ? 0 : n;
}

static bool is_audience(struct sandbox *sb, struct str aud)
{
	if (str_ends(aud, STR("/")))
		aud.len--;
	return str_eq(aud, STR("https://login.salesforce.com")) ||
	       str_eq(aud, STR("https://test.salesforce.com")) ||
	       str_eq(aud, str_c(sb->url));
}

static const char *check_claims(struct sandbox *sb, const json_t *claims)
{
	struct str sub = sb_json_text(json_object_get(claims, "sub"));
	struct str prn = sb_json_text(json_object_get(claims, "prn"));

	if (expiry_of(claims) < clock_wall_ms() / 1000 - SKEW_S)
		return "expired authorization code";
	if (!is_audience(sb, sb_json_text(json_object_get(claims, "aud"))))
		return "Audience validation failed";
	if (!str_eq_case(prn.len ? prn : sub, str_c(sb->oauth->username)))
		return "user hasn't approved this consumer";
	return NULL;
}

static void grant_jwt(struct sb_ask *a, struct sb_reply *r)
{
	struct sb_oauth *oauth = a->sb->oauth;
	struct str jwt = form(a, "assertion"), rest = jwt, part[3];
	AUTO(buf) struct buf signature = BUF_INIT(8192);
	const char *why;

	for (int i = 0; i < 3; i++)
		if (!str_cut(&rest, '.', &part[i]))
			part[i] = STR_NULL;
	AUTO(json) json_t *header = read_part(part[0]);
	AUTO(json) json_t *claims = read_part(part[1]);
	if (!oauth->key) {
		refuse(r, "invalid_grant",
			"this sandbox was started without --jwt-cert");
		return;
	}
	if (!header || !claims || rest.p ||
		!str_eq(sb_json_text(json_object_get(header, "alg")),
			STR("RS256")) ||
		enc_unbase64(&signature, part[2]) < 0) {
		refuse(r, "invalid_grant", "invalid assertion");
		return;
	}
	if (!str_eq(sb_json_text(json_object_get(claims, "iss")),
		    str_c(oauth->client_id))) {
		refuse(r, "invalid_client_id", "client identifier invalid");
		return;
	}
	if (!is_signed(oauth->key,
		    str_sub(jwt, 0, part[0].len + 1 + part[1].len),
		    buf_view(&signature))) {
		refuse(r, "invalid_grant", "invalid assertion");
		return;
	}
	why = check_claims(a->sb, claims);
	if (why)
		refuse(r, "invalid_grant", why);
	else
		answer_token(a, r, false);
}

static void answer_grant(struct sb_ask *a, struct sb_reply *r)
{
	static const struct {
		const char *name;
		sb_handler_fn run;
	} grants[] = {
		{ "client_credentials", grant_client },
		{ "password", grant_password },
		{ "refresh_token", grant_refresh },
		{ "urn:ietf:params:oauth:grant-type:jwt-bearer", grant_jwt },
	};
	struct str type = form(a, "grant_type");

	for (size_t i = 0; i < COUNT(grants); i++) {
		if (!str_eq(type, str_c(grants[i].name)))
			continue;
		grants[i].run(a, r);
		return;
	}
	refuse(r, "unsupported_grant_type", "grant type not supported");
}

static void answer_revoke(struct sb_ask *a, struct sb_reply *r)
{
	void *token = map_del(a->sb->oauth->tokens, form(a, "token"));

	free(token);
	if (token)
		r->status = 200;
	else
		refuse(r, "invalid_token", "the token is not known");
	if (token)
		r->type = "text/html;charset=UTF-8";
}

static void answer_introspect(struct sb_ask *a, struct sb_reply *r)
{
	struct token *t = map_get(a->sb->oauth->tokens, form(a, "token"));

	if (!check_client(a, r, true))
		return;
	AUTO(json)
	json_t *j = t ? json_pack("{s:b,s:s,s:s,s:s,s:s,s:I}", "active", 1,
				"scope", "api web refresh_token", "client_id",
				a->sb->oauth->client_id, "username",
				a->sb->oauth->username, "token_type",
				t->is_refresh ? "refresh_token"
					      : "access_token",
				"iat", (json_int_t)(t->issued_ms / 1000))
		      : json_pack("{s:b}", "active", 0);
	sb_reply_json(r, 200, j);
}

static json_t *identity_urls(struct sandbox *sb)
{
	static const char *const names[][2] = {
		{ "enterprise", "/services/Soap/c/{version}/" },
		{ "partner", "/services/Soap/u/{version}/" },
		{ "rest", "/services/data/v{version}/" },
		{ "sobjects", "/services/data/v{version}/sobjects/" },
		{ "search", "/services/data/v{version}/search/" },
		{ "query", "/services/data/v{version}/query/" },
		{ "recent", "/services/data/v{version}/recent/" },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < COUNT(names); i++)
		json_object_set_new(j, names[i][0],
			json_sprintf("%s%s", sb->url, names[i][1]));
	json_object_set_new(
		j, "profile", json_sprintf("%s/%s", sb->url, sb->user_id));
	return j;
}

static void answer_who(struct sb_ask *a, struct sb_reply *r, bool is_identity)
{
	struct sandbox *sb = a->sb;
	struct sb_record *user = sb_table_get(
		sb_object(sb, STR("User")), str_c(sb->user_id));
	json_t *email = user ? sb_record_see(user, "Email") : NULL;
	const char *mail = email ? json_string_value(email) : "";
	const char *name = sb->oauth->username;

	if (!sb_oauth_is_ok(sb, a->authorization)) {
		r->status = 403;
		r->type = "text/html;charset=UTF-8";
		buf_c(&r->body, "Bad_OAuth_Token");
		return;
	}
	AUTO(json)
	json_t *j = json_pack("{s:o,s:s,s:s,s:s,s:b,s:s,s:s,s:s,s:s,s:i,s:b,"
			      "s:o}",
		is_identity ? "id" : "sub",
		json_sprintf("%s/id/%s/%s", sb->url, sb->org_id, sb->user_id),
		"user_id", sb->user_id, "organization_id", sb->org_id, "email",
		mail, "email_verified", 1,
		is_identity ? "username" : "preferred_username", name,
		is_identity ? "nick_name" : "nickname", "sandbox", "language",
		"en_US", "locale", "en_US", "utcOffset", 0, "active", 1, "urls",
		identity_urls(sb));
	json_object_set_new(j, is_identity ? "display_name" : "name",
		json_string("Sandbox User"));
	json_object_set_new(j, is_identity ? "first_name" : "given_name",
		json_string("Sandbox"));
	json_object_set_new(j, is_identity ? "last_name" : "family_name",
		json_string("User"));
	json_object_set_new(j, "user_type", json_string("STANDARD"));
	json_object_set_new(
		j, is_identity ? "timezone" : "zoneinfo", json_string("GMT"));
	if (is_identity)
		json_object_set_new(j, "asserted_user", json_true());
	sb_reply_json(r, 200, j);
}

void sb_oauth_route(struct sb_ask *a, struct sb_reply *r)
{
	struct str path = a->path;

	while (str_ends(path, STR("/")))
		path.len--;
	if (str_eq(path, STR("/services/oauth2/userinfo")))
		answer_who(a, r, false);
	else if (str_starts(path, STR("/id/")))
		answer_who(a, r, true);
	else if (strcmp(a->method, "POST") && strcmp(a->method, "GET"))
		sb_reply_error(r, 405, "METHOD_NOT_ALLOWED",
			"HTTP Method '%s' not allowed. Allowed are POST",
			a->method);
	else if (str_eq(path, STR("/services/oauth2/token")))
		answer_grant(a, r);
	else if (str_eq(path, STR("/services/oauth2/revoke")))
		answer_revoke(a, r);
	else if (str_eq(path, STR("/services/oauth2/introspect")))
		answer_introspect(a, r);
	else
		sb_reply_error(r, 404, "NOT_FOUND",
			"The requested resource does not exist");
}
