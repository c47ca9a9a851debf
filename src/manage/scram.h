/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scram.h - the sums of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677). */
#ifndef MAILMILL_MANAGE_SCRAM_H
#define MAILMILL_MANAGE_SCRAM_H

#include <mailmill/manage.h>

#define SCRAM_SALT_LEN 16
/* RFC 7677 asks for 4096 at least; each login costs the client so many. */
#define SCRAM_ITERATIONS 15000

/* Fills iterations, stored_key and server_key for a salt. */
void scram_keys(struct manage_account *acc, struct str password,
	struct str salt, unsigned iterations);
/* Tells whether a proof fits what both sides said. */
bool scram_proves(const struct manage_account *acc, struct str said,
	const unsigned char proof[MANAGE_KEY_LEN]);
/* Signs what both sides said, so that the client knows us. */
void scram_sign(const struct manage_account *acc, struct str said,
	unsigned char out[MANAGE_KEY_LEN]);
/* Makes what an account that is not there would say, the same every time. */
void scram_invent(struct arena *a, struct str name, struct manage_account *out);
/* Fills memory with random bytes. */
void scram_random(void *p, size_t len);

#endif
