/* SPDX-License-Identifier: GPL-3.0-or-later */
/* address.h - addresses as scripts and envelopes hold them. */
#ifndef SIEVE_ADDRESS_H
#define SIEVE_ADDRESS_H

#include <mailmill/mail.h>
#include <mailmill/mem.h>

/*
 * Reads one mailbox, strictly: "a@example.org" or "Ann <a@example.org>", no
 * list, no group. Gives: local@domain in `a`, quoted only where it must be.
 * Returns: 0, or -1 with *why.
 */
MUST_CHECK int sieve_address_read(
	struct arena *a, struct str s, struct str *out, const char **why);
/*
 * Takes an envelope's address apart. A source route is dropped; "" gives empty
 * parts and is valid.
 */
struct mail_address sieve_address_split(struct arena *a, struct str s);

#endif
