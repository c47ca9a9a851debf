/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dkim.c - DKIM: which signatures a mail has, and which are right (RFC 6376,
 * 8301, 8463).
 *
 * By our own hand and libcrypto, not by libopendkim: ARC needs the same
 * canonical forms and keys, and has no library, so they are here anyway; the
 * packaged 2.11~beta2 has no Ed25519, copies what it hashes into files or
 * memory of its own for each signature, decodes keys by OpenSSL's all-purpose
 * decoders, and has been without a maintainer for years. What a beginner gets
 * wrong in DKIM is known well (RFC 6376 8): it is in the tests.
 *
 * The states: read (syntax) -> asked (all keys at once; AUTH_UNKNOWN until all
 * are known, and no byte is hashed before) -> judged, see signature.c. What is
 * read and hashed stays with the mail, so that to ask again costs little.
 */
#include <mailmill/mem.h>

#include "sign.h"

static void report(const struct signature *s, struct dkim_signature *out)
{
	*out = (struct dkim_signature){
		.verdict = s->verdict,
		.domain = s->domain,
		.selector = s->selector,
		.algorithm = s->algorithm_name,
		.identity = s->identity,
		.problem = s->problem,
		.headers = s->headers,
		.is_test = s->is_test,
		.is_partial = s->body && s->body->is_partial,
	};
}

/* RFC 6376 3.5: neither expired, nor made in the future. */
static void check_time(struct arena *a, struct signature *s, int64_t now)
{
	uint64_t at = (uint64_t)MAX(now, 0) / 1000;

	if (s->verdict != AUTH_PASS)
		return;
	if (s->has_expires_at && s->expires_at < at)
		signature_refuse(a, s, AUTH_FAIL, "right, but it has expired");
	else if (s->has_signed_at &&
		 s->signed_at > at + (uint64_t)SIGN_SKEW_MS / 1000)
		signature_refuse(a, s, AUTH_FAIL,
			"right, but it was made in the future");
}

size_t auth_dkim(struct arena *a, struct mail *m, const struct auth_ask *ask,
	struct dkim_signature **out)
{
	struct sign_mail *sm = sign_mail_of(m);
	size_t n, n_unknown = 0;
	const struct signature *all = sign_dkim(sm, &n);
	struct signature *s = arena_array(a, n, sizeof(*s));

	*out = arena_array(a, n, sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		s[i] = all[i];
		if (signature_ask(a, &s[i], ask) < 0) {
			signature_refuse(a, &s[i], AUTH_UNKNOWN,
				"the key is not known yet");
			n_unknown++;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!n_unknown) {
			signature_judge(a, sm, &s[i]);
			check_time(a, &s[i], ask->now);
		} else if (s[i].verdict == AUTH_NONE) {
			signature_refuse(a, &s[i], AUTH_UNKNOWN,
				"another key is not known yet");
		}
		report(&s[i], &(*out)[i]);
	}
	return n;
}
