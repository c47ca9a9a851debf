/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signer.h - signs mails for tests of DKIM and ARC.
 *
 * Whoever signs says what the canonical forms are: nothing of what is tested
 * is used to make them.
 */
#ifndef MAILMILL_TEST_SIGNER_H
#define MAILMILL_TEST_SIGNER_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <mailmill/auth.h>
#include <mailmill/buf.h>
#include <mailmill/enc.h>

#include "test.h"

enum key_kind {
	KEY_2048,
	KEY_1024,
	KEY_768,
	KEY_ED25519,
	KEY_N
};

static inline EVP_PKEY *key_of(enum key_kind kind)
{
	static EVP_PKEY *keys[KEY_N];
	static const unsigned bits[] = { 2048, 1024, 768 };

	if (!keys[kind])
		keys[kind] = kind == KEY_ED25519
				     ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				     : EVP_RSA_gen(bits[kind]);
	must(keys[kind]);
	return keys[kind];
}

/* Adds what stands behind p= in its record. */
static inline void add_key(struct buf *out, enum key_kind kind)
{
	unsigned char bytes[4096], *p = bytes;
	size_t len = sizeof(bytes);

	if (kind == KEY_ED25519)
		must(EVP_PKEY_get_raw_public_key(key_of(kind), bytes, &len));
	else
		len = (size_t)i2d_PUBKEY(key_of(kind), &p);
	enc_base64(out, str_n((char *)bytes, len));
}

/* The same in the form of RFC 8017. */
static inline void add_bare_key(struct buf *out, enum key_kind kind)
{
	unsigned char bytes[4096], *p = bytes;
	int len = i2d_PublicKey(key_of(kind), &p);

	must(len > 0);
	enc_base64(out, str_n((char *)bytes, (size_t)len));
}

/* Adds a key of so many bits, which nobody has the other half of. */
static inline void add_made_up_key(struct buf *out, int bits, int exponent_bits)
{
	unsigned char bytes[8192], *p = bytes;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	int len;

	must(BN_set_bit(n, bits - 1) && BN_set_bit(n, 0) &&
		BN_set_bit(e, exponent_bits - 1) && BN_set_bit(e, 0));
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(build);
	must(EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	len = i2d_PUBKEY(key, &p);
	must(len > 0);
	enc_base64(out, str_n((char *)bytes, (size_t)len));
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
}

static inline void add_hash(struct buf *out, const EVP_MD *md, struct str text)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len;

	must(EVP_Digest(text.p, text.len, bytes, &len, md, NULL));
	enc_base64(out, str_n((char *)bytes, len));
}

static inline void add_signature(
	struct buf *out, enum key_kind kind, const EVP_MD *md, struct str text)
{
	unsigned char bytes[1024], hash[EVP_MAX_MD_SIZE];
	size_t len = sizeof(bytes);
	unsigned hash_len;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_ed = kind == KEY_ED25519;

	must(EVP_Digest(text.p, text.len, hash, &hash_len, md, NULL));
	must(EVP_DigestSignInit(
		     ctx, NULL, is_ed ? NULL : md, NULL, key_of(kind)) == 1);
	if (is_ed)
		must(EVP_DigestSign(ctx, bytes, &len, hash, hash_len) == 1);
	else
		must(EVP_DigestSign(ctx, bytes, &len,
			     (const unsigned char *)text.p, text.len) == 1);
	EVP_MD_CTX_free(ctx);
	enc_base64(out, str_n((char *)bytes, len));
}

/* Answers in place of the DNS. */
struct answers {
	const char *name[8];
	struct str record[8][3];
	size_t n_records[8];
	enum dns_status status[8];
	size_t n, n_asked;
	bool is_silent; /* nothing is known yet */
};

static inline int answer(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct answers *a = ctx;

	must(type == DNS_TXT);
	a->n_asked++;
	if (a->is_silent)
		return -1;
	*out = (struct dns_answer){ .status = DNS_NO_NAME };
	for (size_t i = 0; i < a->n; i++)
		if (str_eq(name, str_c(a->name[i])))
			*out = (struct dns_answer){ a->status[i], a->record[i],
				a->n_records[i] };
	return 0;
}

static inline void add_answer(
	struct answers *a, const char *name, struct str record)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strcmp(a->name[i], name)) {
			a->record[i][a->n_records[i]++] = record;
			return;
		}
	a->name[a->n] = name;
	a->status[a->n] = DNS_FOUND;
	a->record[a->n][0] = record;
	a->n_records[a->n++] = 1;
}

#endif
