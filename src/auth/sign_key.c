/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sign_key.c - public keys of signers, and what they vouch for.
 *
 * RSA keys are taken out of their DER here and not by OpenSSL's decoders, which
 * would try all kinds of keys on bytes that anybody may publish; so sizes are
 * known, and refused, before any arithmetic is done. Keys are in the form of
 * SubjectPublicKeyInfo, as everybody publishes them, or of RSAPublicKey, as the
 * text of RFC 6376 3.6.1 has it.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include <mailmill/enc.h>
#include <mailmill/mem.h>

#include "sign.h"

#define ED25519_KEY_LEN 32
#define KEY_BYTES_MAX 4096 /* of p=, decoded */

/* Made once by sign_init(), then only read. */
static EVP_MD *digests[2];

/* ---- digests ------------------------------------------------------------ */

static void fetch(void)
{
	static const unsigned char point[ED25519_KEY_LEN];
	static const char modulus[SIGN_RSA_MIN / 8] = { '\x80', [127] = 1 };
	struct sign_key rsa = { .modulus = str_n(modulus, sizeof(modulus)),
		.exponent = STR("\x03") };
	struct sign_key ed = { .is_ed25519 = true,
		.point = str_n((const char *)point, sizeof(point)) };
	static const char nothing[SIGN_RSA_MIN / 8];

	digests[SIGN_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	digests[SIGN_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
	must(digests[SIGN_SHA256] && digests[SIGN_SHA1]);
	/* what OpenSSL makes at the first use, it makes here */
	(void)sign_key_verify(
		&rsa, SIGN_SHA256, point, str_n(nothing, sizeof(nothing)));
	(void)sign_key_verify(
		&rsa, SIGN_SHA1, point, str_n(nothing, sizeof(nothing)));
	(void)sign_key_verify(&ed, SIGN_SHA256, point, str_n(nothing, 64));
}

void sign_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch);
}

static EVP_MD_CTX *context(const struct sign_digest *d)
{
	/* struct sign_digest is an EVP_MD_CTX */
	return (EVP_MD_CTX *)(uintptr_t)d;
}

size_t sign_hash_len(enum sign_hash hash)
{
	return hash == SIGN_SHA256 ? 32 : 20;
}

size_t sign_hash_bytes(
	enum sign_hash hash, struct str s, unsigned char out[HASH_LEN])
{
	must(EVP_Digest(s.p ? s.p : "", s.len, out, NULL, digests[hash],
		     NULL) == 1);
	return sign_hash_len(hash);
}

struct sign_digest *sign_digest_new(enum sign_hash hash)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(ctx && EVP_DigestInit_ex2(ctx, digests[hash], NULL) == 1);
	return (struct sign_digest *)(void *)ctx;
}

void sign_digest_add(struct sign_digest *d, const char *p, size_t len)
{
	must(EVP_DigestUpdate(context(d), p, len) == 1);
}

struct sign_digest *sign_digest_copy(const struct sign_digest *d)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	must(copy && EVP_MD_CTX_copy_ex(copy, context(d)) == 1);
	return (struct sign_digest *)(void *)copy;
}

void sign_digest_peek(const struct sign_digest *d, unsigned char out[HASH_LEN])
{
	AUTO(sign_digest) struct sign_digest *copy = sign_digest_copy(d);

	must(EVP_DigestFinal_ex(context(copy), out, NULL) == 1);
}

void sign_digest_free(struct sign_digest *d)
{
	EVP_MD_CTX_free(context(d));
}

/* ---- DER ---------------------------------------------------------------- */

#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_SEQUENCE 0x30

/* Cuts an element of this tag off *s. Returns: 0 or -1. */
static int cut_der(struct str *s, unsigned char tag, struct str *out)
{
	size_t len, n = 0, at = 2;

	if (s->len < 2 || (unsigned char)s->p[0] != tag)
		return -1;
	len = (unsigned char)s->p[1];
	if (len & 0x80) {
		n = len & 0x7f;
		if (n == 0 || n > 3 || s->len < 2 + n)
			return -1;
		for (len = 0; n; n--)
			len = len << 8 | (unsigned char)s->p[at++];
	}
	if (len > s->len - at)
		return -1;
	*out = str_sub(*s, at, len);
	*s = str_sub(*s, at + len, s->len);
	return 0;
}

/* The number's bytes, without zeros in front. */
static int cut_number(struct str *s, struct str *out)
{
	if (cut_der(s, DER_INTEGER, out) < 0 || !out->len || (out->p[0] & 0x80))
		return -1;
	while (out->len && !out->p[0])
		*out = str_sub(*out, 1, out->len);
	return out->len ? 0 : -1;
}

/* RSAPublicKey, RFC 8017 A.1.1. */
static int read_rsa(struct str der, struct sign_key *out)
{
	struct str pair;

	if (cut_der(&der, DER_SEQUENCE, &pair) < 0 ||
		cut_number(&pair, &out->modulus) < 0 ||
		cut_number(&pair, &out->exponent) < 0)
		return -1;
	return 0;
}

/* SubjectPublicKeyInfo, RFC 5280 4.1. */
static int read_info(struct str der, struct sign_key *out)
{
	/* rsaEncryption, 1.2.840.113549.1.1.1 */
	static const char rsa[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
				  "\x01";
	struct str info, algorithm, bits;

	if (cut_der(&der, DER_SEQUENCE, &info) < 0 ||
		cut_der(&info, DER_SEQUENCE, &algorithm) < 0 ||
		!str_starts(algorithm, str_n(rsa, sizeof(rsa) - 1)) ||
		cut_der(&info, DER_BITS, &bits) < 0 || !bits.len || bits.p[0])
		return -1;
	return read_rsa(str_sub(bits, 1, bits.len), out);
}

/* ---- records ------------------------------------------------------------ */

static size_t count_bits(struct str number)
{
	size_t bits = number.len * 8;
	unsigned char c = number.len ? (unsigned char)number.p[0] : 0;

	for (; number.len && !(c & 0x80); c = (unsigned char)(c << 1))
		bits--;
	return bits;
}

static void refuse(
	struct sign_key *k, enum auth_verdict verdict, const char *problem)
{
	k->verdict = verdict;
	k->problem = problem;
}

static void read_point(struct sign_key *k, struct str bytes)
{
	k->is_ed25519 = true;
	k->point = bytes;
	if (bytes.len != ED25519_KEY_LEN)
		refuse(k, AUTH_PERMERROR, "the key is no Ed25519 key");
}

static void read_numbers(struct sign_key *k, struct str bytes)
{
	size_t bits;

	if (read_info(bytes, k) < 0 && read_rsa(bytes, k) < 0) {
		refuse(k, AUTH_PERMERROR, "the key is no RSA key");
		return;
	}
	bits = count_bits(k->modulus);
	if (bits > SIGN_RSA_MAX)
		refuse(k, AUTH_POLICY, "the key has more than 4096 bits");
	else if (k->exponent.len > SIGN_EXPONENT_MAX)
		refuse(k, AUTH_POLICY, "the key's exponent is too large");
	else if (!(k->modulus.p[k->modulus.len - 1] & 1) || bits < 128)
		refuse(k, AUTH_PERMERROR, "the key is no RSA key");
	k->is_weak = bits < SIGN_RSA_MIN;
}

static void read_bytes(struct arena *a, struct str text, struct sign_key *k)
{
	AUTO(buf) struct buf bytes = BUF_INIT(KEY_BYTES_MAX);
	struct str copy;

	if (!text.p) {
		refuse(k, AUTH_PERMERROR, "the key record has no key");
		return;
	}
	text = sign_squeeze(a, text);
	if (!text.len) {
		refuse(k, AUTH_PERMERROR, "the key was revoked");
		return;
	}
	if (enc_unbase64(&bytes, text) < 0) {
		refuse(k, AUTH_PERMERROR,
			bytes.is_over ? "the key is too long"
				      : "the key is no base64");
		return;
	}
	copy = arena_str(a, buf_view(&bytes));
	if (k->is_ed25519)
		read_point(k, copy);
	else
		read_numbers(k, copy);
}

static const char *check_record(
	const struct sign_tags *t, enum sign_algorithm algorithm)
{
	struct str v = sign_tag(t, "v"), h = sign_tag(t, "h"),
		   k = sign_tag(t, "k"), s = sign_tag(t, "s");
	bool is_ed25519 = algorithm == SIGN_ED25519;

	if (v.p && (!str_eq(v, STR("DKIM1")) ||
			   !str_eq(t->items[0].name, STR("v"))))
		return "the key record is of no version that we know";
	if (!str_eq(k.p ? k : STR("rsa"),
		    is_ed25519 ? STR("ed25519") : STR("rsa")))
		return "the key is for another algorithm";
	if (h.p && !sign_list_has(
			   h, algorithm == SIGN_RSA_SHA1 ? "sha1" : "sha256"))
		return "the key is for another hash";
	if (s.p && !sign_list_has(s, "*") && !sign_list_has(s, "email"))
		return "the key is not for mail";
	return NULL;
}

void sign_key_read(struct arena *a, struct str record,
	enum sign_algorithm algorithm, struct sign_key *out)
{
	struct sign_tags *t = mem_new(sizeof(*t));
	const char *why = sign_tags_read(t, record, true);
	struct str flags;

	*out = (struct sign_key){ .verdict = AUTH_PASS,
		.is_ed25519 = algorithm == SIGN_ED25519 };
	if (why)
		why = "the key record is malformed";
	else
		why = check_record(t, algorithm);
	flags = sign_tag(t, "t");
	out->is_test = sign_list_has(flags, "y");
	out->is_strict = sign_list_has(flags, "s");
	if (why)
		refuse(out, AUTH_PERMERROR, why);
	else
		read_bytes(a, sign_tag(t, "p"), out);
	free(t);
}

/* ---- verifying ---------------------------------------------------------- */

static void auto_pkey(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}
static void auto_pkey_ctx(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}
static void auto_params(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}
static void auto_build(OSSL_PARAM_BLD **p)
{
	OSSL_PARAM_BLD_free(*p);
}
static void auto_number(BIGNUM **p)
{
	BN_free(*p);
}

static BIGNUM *make_number(struct str s)
{
	return BN_bin2bn((const unsigned char *)s.p, (int)s.len, NULL);
}

static EVP_PKEY *make_rsa(const struct sign_key *k)
{
	AUTO(build) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	AUTO(number) BIGNUM *n = make_number(k->modulus);
	AUTO(number) BIGNUM *e = make_number(k->exponent);
	AUTO(params) OSSL_PARAM *params = NULL;
	AUTO(pkey_ctx)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	must(build && n && e && ctx &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e));
	params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

static bool verify_rsa(const struct sign_key *k, enum sign_hash hash,
	const unsigned char *digest, struct str signature)
{
	AUTO(pkey) EVP_PKEY *key = make_rsa(k);
	AUTO(pkey_ctx)
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)
				: NULL;

	return ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(ctx, digests[hash]) == 1 &&
	       EVP_PKEY_verify(ctx, (const unsigned char *)signature.p,
		       signature.len, digest, sign_hash_len(hash)) == 1;
}

/* RFC 8463 3: the digest is what is signed. */
static bool verify_ed25519(const struct sign_key *k,
	const unsigned char *digest, struct str signature)
{
	AUTO(pkey)
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		(const unsigned char *)k->point.p, k->point.len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_good = key && ctx &&
		       EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		       EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
			       signature.len, digest, HASH_LEN) == 1;

	EVP_MD_CTX_free(ctx);
	return is_good;
}

bool sign_key_verify(const struct sign_key *key, enum sign_hash hash,
	const unsigned char *digest, struct str signature)
{
	bool is_good = key->is_ed25519
			       ? verify_ed25519(key, digest, signature)
			       : verify_rsa(key, hash, digest, signature);

	ERR_clear_error();
	return is_good;
}
