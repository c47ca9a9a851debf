/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oauth.h - getting access tokens: requests and answers, without the network.
 */
#ifndef MAILMILL_TARGET_OAUTH_H
#define MAILMILL_TARGET_OAUTH_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

#define OAUTH_TOKEN_MAX ((size_t)8 << 10)
#define OAUTH_ANSWER_MAX ((size_t)64 << 10)

enum oauth_way {
	OAUTH_JWT,		  /* RFC 7523, RS256 */
	OAUTH_CLIENT_CREDENTIALS, /* RFC 6749 4.4 */
};

struct oauth_conf {
	enum oauth_way way;
	const char *client_id;
	const char *client_secret; /* where it is: see conf_secret() */
	const char *username;	   /* of JWT: sub */
	const char *key;	   /* of JWT: where the private key (PEM) is */
	const char *audience;	   /* of JWT: aud */
};

/* Lives in the arena of oauth_read_answer(). */
struct oauth_token {
	struct str token;
	struct str instance_url; /* without / at the end; may be empty */
	int64_t retry_ms;	 /* of a failed answer that may be repeated */
};

/*
 * Reads the secrets once, to tell at start what is wrong with them.
 * Returns: 0, or -1 with *err that names the option.
 */
MUST_CHECK int oauth_check(const struct oauth_conf *conf, struct err *err);
/*
 * Writes the form that asks for a token. Secrets are read anew each time, so
 * that a changed one counts without a restart. Wipe `out` after use.
 */
MUST_CHECK int oauth_write_request(const struct oauth_conf *conf,
	int64_t now_ms, struct buf *out, struct err *err);
/*
 * Makes a signed JWT from claims in JSON.
 * Returns: 0, or -1 with *err: the key is none, or not RSA.
 */
MUST_CHECK int oauth_sign_jwt(
	struct str claims, const char *pem, struct buf *out, struct err *err);
/*
 * Reads an answer. Returns: 0, or -1 with *err: TEMP for trouble that passes
 * (out->retry_ms is set), CONF for what the operator must mend.
 */
MUST_CHECK int oauth_read_answer(struct arena *a, int status, struct str body,
	struct oauth_token *out, struct err *err);

#endif
