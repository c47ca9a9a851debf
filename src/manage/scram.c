/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scram.c - the sums of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677). */
#include <pthread.h>
#include <sodium.h>

#include "scram.h"

static void hmac(const unsigned char key[MANAGE_KEY_LEN], struct str in,
	unsigned char out[MANAGE_KEY_LEN])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, MANAGE_KEY_LEN);
	crypto_auth_hmacsha256_update(
		&st, (const unsigned char *)(in.p ? in.p : ""), in.len);
	crypto_auth_hmacsha256_final(&st, out);
}

static void xor_into(unsigned char *to, const unsigned char *from)
{
	for (size_t i = 0; i < MANAGE_KEY_LEN; i++)
		to[i] ^= from[i];
}

/* Hi() of RFC 5802: PBKDF2 with one block; the keyed state is made once. */
static void stretch(struct str password, struct str salt, unsigned iterations,
	unsigned char out[MANAGE_KEY_LEN])
{
	static const unsigned char one[4] = { 0, 0, 0, 1 };
	crypto_auth_hmacsha256_state keyed, st;
	unsigned char u[MANAGE_KEY_LEN];

	crypto_auth_hmacsha256_init(
		&keyed, (const unsigned char *)password.p, password.len);
	st = keyed;
	crypto_auth_hmacsha256_update(
		&st, (const unsigned char *)salt.p, salt.len);
	crypto_auth_hmacsha256_update(&st, one, sizeof(one));
	crypto_auth_hmacsha256_final(&st, u);
	memcpy(out, u, MANAGE_KEY_LEN);
	for (unsigned i = 1; i < iterations; i++) {
		st = keyed;
		crypto_auth_hmacsha256_update(&st, u, sizeof(u));
		crypto_auth_hmacsha256_final(&st, u);
		xor_into(out, u);
	}
	sodium_memzero(&keyed, sizeof(keyed));
	sodium_memzero(u, sizeof(u));
}

void scram_keys(struct manage_account *acc, struct str password,
	struct str salt, unsigned iterations)
{
	unsigned char salted[MANAGE_KEY_LEN], client[MANAGE_KEY_LEN];

	must(password.p && salt.p);
	stretch(password, salt, iterations, salted);
	hmac(salted, STR("Client Key"), client);
	crypto_hash_sha256(acc->stored_key, client, sizeof(client));
	hmac(salted, STR("Server Key"), acc->server_key);
	acc->iterations = iterations;
	acc->salt = salt;
	sodium_memzero(salted, sizeof(salted));
	sodium_memzero(client, sizeof(client));
}

bool scram_proves(const struct manage_account *acc, struct str said,
	const unsigned char proof[MANAGE_KEY_LEN])
{
	unsigned char key[MANAGE_KEY_LEN], stored[MANAGE_KEY_LEN];

	hmac(acc->stored_key, said, key);
	xor_into(key, proof); /* now the client's key */
	crypto_hash_sha256(stored, key, sizeof(key));
	return sodium_memcmp(stored, acc->stored_key, sizeof(stored)) == 0;
}

void scram_sign(const struct manage_account *acc, struct str said,
	unsigned char out[MANAGE_KEY_LEN])
{
	hmac(acc->server_key, said, out);
}

static unsigned char invented[MANAGE_KEY_LEN];

static void draw_key(void)
{
	scram_random(invented, sizeof(invented));
}

void scram_invent(struct arena *a, struct str name, struct manage_account *out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char digest[MANAGE_KEY_LEN];

	pthread_once(&once, draw_key);
	*out = (struct manage_account){ .name = name };
	hmac(invented, name, digest);
	out->salt = arena_str(a, str_n((const char *)digest, SCRAM_SALT_LEN));
	out->iterations = SCRAM_ITERATIONS;
	scram_random(out->stored_key, sizeof(out->stored_key));
}

void scram_random(void *p, size_t len)
{
	must(sodium_init() >= 0);
	randombytes_buf(p, len);
}
