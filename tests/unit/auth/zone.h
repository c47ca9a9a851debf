/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone.h - a zone for tests, whole or with what was asked for only. */
#ifndef MAILMILL_TEST_ZONE_H
#define MAILMILL_TEST_ZONE_H

#include <mailmill/auth.h>
#include <mailmill/map.h>

#include "../../lib/test.h"

static inline struct dns_zone *make_zone(const char *text)
{
	struct dns_zone *z = dns_zone_new();
	struct err err = { 0 };

	if (dns_zone_read(z, "zone", str_c(text), &err) < 0)
		test_fail("zone", 0, "%s", err.text);
	return z;
}

/* Answers what was asked for in an earlier round. */
struct steps {
	struct dns_zone *zone;
	struct map *asked; /* in which round, as a pointer */
	uintptr_t round;
	unsigned n_new; /* asked in this round for the first time */
};

static inline int ask_steps(
	void *ctx, enum dns_type type, struct str name, struct dns_answer *out)
{
	struct steps *s = ctx;
	char key[DNS_NAME_MAX + 20];
	uintptr_t round;

	must(name.len > 0 && name.len <= DNS_NAME_MAX);
	snprintf(key, sizeof(key), "%s %.*s", dns_type_name(type),
		STR_ARG(name));
	round = (uintptr_t)map_get(s->asked, str_c(key));
	if (!round) {
		map_set(s->asked, str_c(key), (void *)s->round);
		s->n_new++;
	}
	if (!round || round == s->round)
		return -1;
	return dns_zone_lookup(s->zone, type, name, out);
}

#endif
