/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domain.h - domains as SPF and DMARC compare them. */
#ifndef MAILMILL_AUTH_DOMAIN_H
#define MAILMILL_AUTH_DOMAIN_H

#include <mailmill/mem.h>

/*
 * Makes the form in which a domain is asked for and compared: A-labels, lower
 * case, without the last dot. Gives: in `a`. Returns: STR_NULL when it is none:
 * one label only, an address literal, labels empty or too long.
 */
struct str domain_read(struct arena *a, struct str s);
/* Tells whether `name` is `domain` or lies below it; both lower case. */
bool domain_is_below(struct str name, struct str domain);
/*
 * Lends what is left of a domain without its first label; STR_NULL when it has
 * but one.
 */
struct str domain_parent(struct str domain);

#endif
