/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sign.h - what DKIM and ARC share: tags, canonical forms, keys, limits. */
#ifndef MAILMILL_AUTH_SIGN_H
#define MAILMILL_AUTH_SIGN_H

#include <mailmill/auth.h>
#include <mailmill/buf.h>
#include <mailmill/str.h>

#define SIGN_FIELD_MAX ((size_t)64 << 10) /* bytes of a signature's field */
#define SIGN_TAGS_MAX 50
#define SIGN_HEADER_MAX ((size_t)1 << 20) /* header bytes that one may sign */
#define SIGN_KEYS_MAX 5			  /* records of a name that are tried */
#define SIGN_RSA_MIN 1024		  /* bits, RFC 8301 3.2 */
#define SIGN_RSA_MAX 4096
#define SIGN_EXPONENT_MAX 8		       /* bytes */
#define SIGN_SKEW_MS ((int64_t)60 * 60 * 1000) /* of other people's clocks */
#define SIGN_SETS_MAX 50		       /* of ARC, RFC 8617 4.2.1 */

/* ---- sign_tags.c: lists of tags, RFC 6376 3.2 --------------------------- */

struct sign_tag {
	struct str name;
	struct str value; /* without white space at the ends */
	struct str whole; /* all between "=" and ";" */
};
struct sign_tags {
	struct sign_tag items[SIGN_TAGS_MAX];
	size_t n;
};
/*
 * Reads a list. Lends: from s. Returns: NULL, or what is wrong with it, when
 * the tags up to there were read. `is_key`: nothing between two ";" is let
 * pass, which people's zones have.
 */
const char *sign_tags_read(struct sign_tags *out, struct str s, bool is_key);
/* Finds a tag's value, or STR_NULL. */
struct str sign_tag(const struct sign_tags *t, const char *name);
/* Copies without white space. Gives: in `a`. */
struct str sign_squeeze(struct arena *a, struct str s);
/* Tells whether a list divided by ":" has a word. */
bool sign_list_has(struct str list, const char *word);

/* ---- sign_mail.c: a mail as signers see it ------------------------------ */

enum sign_canon {
	SIGN_SIMPLE,
	SIGN_RELAXED
};
enum sign_hash {
	SIGN_SHA256,
	SIGN_SHA1
};

/* What a signature wants to know of the body, and the answer. */
struct sign_body {
	enum sign_canon canon;
	enum sign_hash hash;
	uint64_t limit; /* UINT64_MAX: none */
	bool is_done;
	bool is_short;	 /* the body has less than `limit` */
	bool is_partial; /* it has more */
	unsigned char digest[HASH_LEN];
};

struct sign_mail;
struct signature;

/*
 * Reads what signatures a mail has; made once a mail. Lends: in the mail.
 */
struct sign_mail *sign_mail_of(struct mail *m);
/* Lends the DKIM signatures, and the fields of ARC, topmost first. */
struct signature *sign_dkim(struct sign_mail *sm, size_t *n);
struct signature *sign_arc(struct sign_mail *sm, size_t *n);
/* Tells how many fields there are of a name. */
size_t sign_count(const struct sign_mail *sm, struct str name);
/*
 * Notes that the body will be asked for so, before the first sign_body_hash().
 * Lends: in the mail.
 */
struct sign_body *sign_body_need(struct sign_mail *sm, enum sign_canon canon,
	enum sign_hash hash, uint64_t limit);
/* Answers it, and all others of the same canonical form in the same pass. */
void sign_body_hash(struct sign_mail *sm, struct sign_body *need);
/*
 * Adds a field in its canonical form; `hole`, a part of its value or empty, is
 * left out; without the last line end when `is_last`.
 */
void sign_field(const struct sign_mail *sm, struct buf *out,
	const struct mail_header *h, enum sign_canon canon, struct str hole,
	bool is_last);
/* Adds the fields that a list of h= names, from the bottom up. */
void sign_fields(struct sign_mail *sm, struct buf *out, struct str names,
	enum sign_canon canon);

/* ---- sign_key.c: public keys -------------------------------------------- */

enum sign_algorithm {
	SIGN_RSA_SHA256,
	SIGN_RSA_SHA1,
	SIGN_ED25519
};

struct sign_key {
	/* AUTH_PASS: fit for use; else why not */
	enum auth_verdict verdict;
	const char *problem;
	bool is_test;	/* t=y */
	bool is_strict; /* t=s */
	bool is_weak;	/* too short to count */
	bool is_ed25519;
	struct str modulus, exponent; /* of RSA */
	struct str point;	      /* of Ed25519 */
};
/* Reads a key record for signatures of an algorithm. Gives: in `a`. */
void sign_key_read(struct arena *a, struct str record,
	enum sign_algorithm algorithm, struct sign_key *out);
/* Tells whether a key made the signature of a digest. */
bool sign_key_verify(const struct sign_key *key, enum sign_hash hash,
	const unsigned char *digest, struct str signature);
/* Loads the code; later calls do nothing. */
void sign_init(void);
/* Hashes bytes. Returns: the length of the digest. */
size_t sign_hash_bytes(
	enum sign_hash hash, struct str s, unsigned char out[HASH_LEN]);
size_t sign_hash_len(enum sign_hash hash);
/* A digest in pieces, which is not ended by being read. */
struct sign_digest;
struct sign_digest *sign_digest_new(enum sign_hash hash);
void sign_digest_add(struct sign_digest *d, const char *p, size_t len);
struct sign_digest *sign_digest_copy(const struct sign_digest *d);
/* Writes the digest of what was added so far; more may follow. */
void sign_digest_peek(const struct sign_digest *d, unsigned char out[HASH_LEN]);
void sign_digest_free(struct sign_digest *d);
AUTO_DEFINE(sign_digest, struct sign_digest *, sign_digest_free)

/* ---- signature.c: one signature ----------------------------------------- */

enum sign_kind {
	SIGN_DKIM,
	SIGN_MESSAGE,
	SIGN_SEAL,
	SIGN_RESULTS
};

struct signature {
	enum sign_kind kind;
	const struct mail_header *field;
	/* AUTH_NONE: nothing speaks against it yet */
	enum auth_verdict verdict;
	struct str problem;
	enum sign_algorithm algorithm;
	enum sign_canon header_canon, body_canon;
	struct str domain, selector, identity, algorithm_name, headers;
	struct str identity_domain;
	struct str bytes; /* b= */
	struct str hole;  /* where b= stands in the field */
	struct str body_hash;
	uint64_t limit; /* of l= */
	uint64_t signed_at, expires_at;
	bool has_signed_at, has_expires_at;
	struct str cv;	   /* of a seal */
	unsigned instance; /* of ARC; 0: unreadable */
	struct sign_body *body;
	struct sign_key keys[SIGN_KEYS_MAX];
	size_t n_keys;
	bool is_test;
};

/* Reads a signature's field; sets verdict when it is no good. */
void signature_read(struct arena *a, const struct mail_header *h,
	enum sign_kind kind, struct signature *out);
/*
 * Asks for its key, unless there is a verdict already.
 * Returns: 0, or -1: it is not known yet.
 */
int signature_ask(
	struct arena *a, struct signature *s, const struct auth_ask *ask);
/* Judges one that signs the body and header fields; its key is known. */
void signature_judge(
	struct arena *a, struct sign_mail *sm, struct signature *s);
/* Judges a digest by the keys it has. */
void signature_verify(struct arena *a, struct signature *s,
	const unsigned char digest[HASH_LEN]);
/* Sets verdict and problem. */
void signature_refuse(struct arena *a, struct signature *s,
	enum auth_verdict verdict, const char *fmt, ...) PRINTF(4, 5);

#endif
