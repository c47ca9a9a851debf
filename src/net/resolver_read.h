/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolver_read.h - what a DNS packet says to one question. */
#ifndef NET_RESOLVER_READ_H
#define NET_RESOLVER_READ_H

#include <mailmill/dns.h>

/*
 * Reads an answer (RFC 1035 4). Only records of the name that was asked for
 * count, and of names that CNAMEs in the same answer lead it to; all else, as
 * an attacker would add it, is passed over.
 * Gives:   *out in `a`, and in *ttl how many seconds it holds.
 * Returns: 0, or -1: the packet is broken, or answers another question.
 */
MUST_CHECK int resolver_read(struct arena *a, enum dns_type type,
	struct str name, struct str packet, struct dns_answer *out,
	uint32_t *ttl);

#endif
