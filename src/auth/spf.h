/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spf.h - what the files of SPF share, and its limits. */
#ifndef MAILMILL_AUTH_SPF_H
#define MAILMILL_AUTH_SPF_H

#include <mailmill/auth.h>

#define SPF_TERMS_MAX 10  /* that ask the DNS, RFC 7208 4.6.4 */
#define SPF_VOIDS_MAX 2	  /* questions without an answer, the same */
#define SPF_HOSTS_MAX 10  /* of one mx or ptr, the same */
#define SPF_ROUNDS_MAX 16 /* calls until all that is needed was asked */
#define SPF_MADE_MAX ((size_t)16 << 10) /* bytes of what macros make */

struct spf_ip {
	bool is_v6;
	unsigned char bytes[16];
};

/* Reads an address; a mapped one is IPv4. Returns: 0 or -1. */
int spf_ip_read(struct str s, struct spf_ip *out);
/* Tells whether two addresses of a family have `bits` in common. */
bool spf_ip_match(
	const struct spf_ip *a, const struct spf_ip *b, unsigned bits);

/* spf_read.c: the syntax of records (RFC 7208 section 12) */

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP,
	SPF_OTHER, /* a modifier that nobody knows */
};

struct spf_term {
	enum spf_kind kind;
	enum auth_verdict verdict; /* of the qualifier */
	struct str text;	   /* without qualifier */
	struct str spec;	   /* domain-spec; null: the domain itself */
	struct spf_ip net;	   /* of ip4 and ip6 */
	unsigned bits4, bits6;
};

/* Tells whether a TXT record is one of SPF. */
bool spf_is_record(struct str text);
/* Lends the terms of a record. */
struct str spf_record_terms(struct str record);
/*
 * Cuts the next term off *rest. Returns: 1, 0 at the end, or -1 when it is
 * none; *out has its text then.
 */
int spf_term_next(struct str *rest, struct spf_term *out);

/* spf_macro.c: macros (RFC 7208 section 7) */

enum spf_place {
	SPF_IN_DOMAIN,	 /* a domain-spec */
	SPF_IN_MODIFIER, /* the value of an unknown modifier */
	SPF_IN_TEXT,	 /* an explanation */
};

/* What the letters stand for. */
struct spf_values {
	struct str sender, local, origin; /* s l o */
	struct str domain;		  /* d */
	struct str helo, receiver;	  /* h r */
	struct str validated;		  /* p */
	struct spf_ip ip;		  /* i v c */
	int64_t now;			  /* t, ms */
};

/* Tells whether the syntax is right. */
bool spf_macro_is_good(struct str s, enum spf_place place);
/* Tells whether %{p} is in it, which costs questions. */
bool spf_macro_asks(struct str s);
/*
 * Expands what is good. Gives: in `a`. Returns: STR_NULL when it becomes longer
 * than SPF_MADE_MAX.
 */
struct str spf_macro_expand(
	struct arena *a, struct str s, const struct spf_values *values);

#endif
