/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - SHA-256, whole or in pieces. */
#ifndef MAILMILL_HASH_H
#define MAILMILL_HASH_H

#include <mailmill/base.h>
#include <mailmill/str.h>

#define HASH_LEN 32
#define HASH_HEX_LEN 64

struct hash;

/*
 * Loads the digest's code. Call before a sandbox closes; later calls, from any
 * thread, do nothing.
 */
void hash_init(void);
/* Begins a digest. Gives: by hash_end() or hash_free(). */
struct hash *hash_begin(void);
/* Adds bytes. */
void hash_add(struct hash *h, const void *p, size_t len);
/* Adds a length (8 bytes, big-endian) and the bytes, so that fields can't run
 * into each other. */
void hash_field(struct hash *h, struct str s);
/* Writes the digest. Takes: h. */
void hash_end(struct hash *h, unsigned char out[HASH_LEN]);
/* Ends it without a result. Accepts NULL. */
void hash_free(struct hash *h);
/* Hashes one run of bytes. */
void hash_bytes(struct str s, unsigned char out[HASH_LEN]);
/* Writes a digest as lower-case hex with a NUL behind. */
void hash_hex(const unsigned char digest[HASH_LEN], char out[HASH_HEX_LEN + 1]);

AUTO_DEFINE(hash, struct hash *, hash_free)

#endif
