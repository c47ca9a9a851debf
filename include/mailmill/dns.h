/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns.h - answers of the DNS as plain data (RFC 1035, 7208, 6376).
 *
 * Who judges a mail asks by type and name; who may use the network answers
 * (resolver.h), or a zone that was read from text does, in tests and replays.
 * It lies on the ground floor, since neither side may see the other.
 */
#ifndef MAILMILL_DNS_H
#define MAILMILL_DNS_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

#define DNS_NAME_MAX 253 /* letters, RFC 1035 3.1 */
#define DNS_LABEL_MAX 63
#define DNS_RECORDS_MAX 100		  /* of one answer; more are left out */
#define DNS_RECORD_MAX ((size_t)16 << 10) /* bytes of one, in text */

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
};

enum dns_status {
	DNS_FOUND,   /* records of this type, at least one */
	DNS_NO_DATA, /* the name is there, but no such record */
	DNS_NO_NAME, /* NXDOMAIN */
	DNS_FAILED,  /* SERVFAIL, time-out, nonsense: later perhaps */
};

/*
 * Records as text: "192.0.2.1", "2001:db8::1", "host.example" (PTR), "10
 * host.example" (MX; "0 ." says that there is none, RFC 7505), or the strings
 * of a TXT joined without a space. Names are in lower case without the last
 * dot. CNAMEs were followed. TXT may hold any bytes.
 */
struct dns_answer {
	enum dns_status status;
	struct str *records;
	size_t n_records;
};

/* Names a type or reads its name in any case. Returns: 0 or -1. */
const char *dns_type_name(enum dns_type type);
MUST_CHECK int dns_type_read(struct str name, enum dns_type *out);
/* Names a status: "found", "no-data", "no-name", "failed". Reads it. */
const char *dns_status_name(enum dns_status status);
MUST_CHECK int dns_status_read(struct str name, enum dns_status *out);
/*
 * Makes a name as it is asked for: lower case, without the last dot. Gives: in
 * `a`. Returns: STR_NULL when it is none (empty or long labels, other letters
 * than RFC 1035 allows on the wire: any byte but NUL, space and controls).
 */
struct str dns_name(struct arena *a, struct str s);
/* Makes the name that PTR is asked for: "1.2.0.192.in-addr.arpa". STR_NULL: no
 * address. An IPv4 address in an IPv6 one is taken as IPv4. */
struct str dns_reverse_name(struct arena *a, struct str address);

/*
 * Asks. Returns: 0 with *out, lent; or -1: not known yet, and it was noted that
 * somebody wants to know.
 */
typedef int (*dns_lookup_fn)(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out);

/*
 * A zone: answers read from text. What it does not name is DNS_NO_NAME; so are
 * names that exist only since others lie below them.
 */
struct dns_zone;
struct dns_zone *dns_zone_new(void);
void dns_zone_free(struct dns_zone *z);
/*
 * Adds lines of a zone: "NAME [TTL] [IN] TYPE VALUE" as in RFC 1035 section 5:
 * parentheses go on over lines, strings stand in quotes, "\DDD" is a byte, ";"
 * begins a comment, a line that begins with a blank and a type is of the last
 * name. Names are always whole. CNAME is followed; other types (NS, SOA ...)
 * only make the name exist. "NAME FAIL" makes questions fail for which there
 * is no record of that name, "NAME FAIL TYPE" those for the type.
 * Returns: 0, or -1 with *err that says "file:line: ...".
 */
MUST_CHECK int dns_zone_read(
	struct dns_zone *z, const char *file, struct str text, struct err *err);
/* A dns_lookup_fn on a struct dns_zone: always knows. */
int dns_zone_lookup(void *zone, enum dns_type type, struct str name,
	struct dns_answer *out);

AUTO_DEFINE(dns_zone, struct dns_zone *, dns_zone_free)

#endif
