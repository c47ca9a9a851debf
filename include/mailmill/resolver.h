/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolver.h - asks the DNS from an event loop, and remembers.
 *
 * All calls belong to the loop's thread.
 */
#ifndef MAILMILL_RESOLVER_H
#define MAILMILL_RESOLVER_H

#include <mailmill/base.h>
#include <mailmill/dns.h>
#include <mailmill/err.h>
#include <mailmill/list.h>
#include <mailmill/loop.h>

struct resolver_options {
	/* "192.0.2.53", "192.0.2.53:53", "[2001:db8::53]:53"; none: those of
	 * the system (resolv.conf) */
	const char *const *servers;
	size_t n_servers;
	int64_t time_ms; /* of one question, with all tries; 0: 10 s */
};

struct resolver;

/* Makes it. Gives: *out, by resolver_free(). Returns: 0, or -1 with *err. */
MUST_CHECK int resolver_new(struct loop *loop, const struct resolver_options *o,
	struct resolver **out, struct err *err);
/* Ends it; what was asked is not answered any more. Accepts NULL. */
void resolver_free(struct resolver *r);

struct resolver_ask;
/* Gets the answer, lent while it runs. It may ask. */
typedef void (*resolver_fn)(
	struct resolver_ask *ask, const struct dns_answer *answer);

/* A question; lent from resolver_ask() until done(). */
struct resolver_ask {
	enum dns_type type;
	struct str name; /* as dns_name() makes it */
	resolver_fn done;
	struct list link; /* the resolver's own */
};

/*
 * Asks, once for equal questions. What cannot be found out in time is
 * DNS_FAILED, as is all beyond what a resolver may have under way.
 * Note: done() is called from inside when the answer is known already.
 */
void resolver_ask(struct resolver *r, struct resolver_ask *ask);

struct resolver_stats {
	uint64_t n_asked, n_cached, n_failed;
	size_t n_kept, n_kept_bytes; /* answers that are remembered */
	unsigned n_in_flight;
};
/* Tells what it has done. */
void resolver_stats(const struct resolver *r, struct resolver_stats *out);

AUTO_DEFINE(resolver, struct resolver *, resolver_free)

#endif
