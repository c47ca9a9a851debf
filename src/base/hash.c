/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.c - SHA-256 by OpenSSL, which uses the processor's instructions. */
#include <openssl/evp.h>
#include <pthread.h>

#include <mailmill/hash.h>

struct hash; /* is an EVP_MD_CTX */

static EVP_MD *sha256;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(sha256);
}

void hash_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch);
}

static EVP_MD_CTX *context(struct hash *h)
{
	return (EVP_MD_CTX *)(void *)h;
}

struct hash *hash_begin(void)
{
	EVP_MD_CTX *ctx;

	hash_init();
	ctx = EVP_MD_CTX_new();
	must(ctx && EVP_DigestInit_ex2(ctx, sha256, NULL) == 1);
	return (struct hash *)(void *)ctx;
}

void hash_add(struct hash *h, const void *p, size_t len)
{
	must(EVP_DigestUpdate(context(h), p, len) == 1);
}

void hash_field(struct hash *h, struct str s)
{
	unsigned char len[8];

	for (int i = 0; i < 8; i++)
		len[i] = (unsigned char)((uint64_t)s.len >> (56 - 8 * i));
	hash_add(h, len, sizeof(len));
	hash_add(h, s.p, s.len);
}

void hash_end(struct hash *h, unsigned char out[HASH_LEN])
{
	must(EVP_DigestFinal_ex(context(h), out, NULL) == 1);
	hash_free(h);
}

void hash_free(struct hash *h)
{
	EVP_MD_CTX_free(context(h));
}

void hash_bytes(struct str s, unsigned char out[HASH_LEN])
{
	hash_init();
	must(EVP_Digest(s.p ? s.p : "", s.len, out, NULL, sha256, NULL) == 1);
}

void hash_hex(const unsigned char digest[HASH_LEN], char out[HASH_HEX_LEN + 1])
{
	static const char letters[] = "0123456789abcdef";

	for (int i = 0; i < HASH_LEN; i++) {
		out[2 * i] = letters[digest[i] >> 4];
		out[2 * i + 1] = letters[digest[i] & 15];
	}
	out[HASH_HEX_LEN] = 0;
}
