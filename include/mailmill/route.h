/* SPDX-License-Identifier: GPL-3.0-or-later */
/* route.h - which recipients belong to which route. */
#ifndef MAILMILL_ROUTE_H
#define MAILMILL_ROUTE_H

#include <mailmill/base.h>
#include <mailmill/conf.h>
#include <mailmill/err.h>
#include <mailmill/str.h>

/* The section route "NAME" { ... }. */
struct route_conf {
	struct conf_list recipients; /* "support@x.org", "@x.org", "*" */
	const char *script;	     /* path of the rule file, or NULL */
	bool is_managed;    /* an active script of ManageSieve goes before it */
	const char *target; /* title of a section of group "target" */
	const char *relay;  /* title of a section relay, or NULL: the first */
	int unmatched;	    /* index into route_unmatched_words */
};
enum route_unmatched {
	ROUTE_DEAD,
	ROUTE_DISCARD,
	ROUTE_HOLD
};
extern const struct conf_schema route_schema;

struct route_table;

/*
 * Makes the table of all routes of a configuration.
 * Gives:   *out, by route_table_free(). The configuration must live as long.
 * Returns: 0, or -1 with *err: a recipient that two routes claim, a target
 *          that is not there, no route at all.
 */
MUST_CHECK int route_table_new(const struct conf *conf, char delimiter,
	struct route_table **out, struct err *err);
/* Ends it. Accepts NULL. */
void route_table_free(struct route_table *t);
/*
 * Finds the route of an address, without case: the whole address, then without
 * the extension behind the delimiter (RFC 5233), then "@domain", then "*".
 * Returns: the section, or NULL.
 */
const struct conf_section *route_find(
	const struct route_table *t, struct str address);

AUTO_DEFINE(route_table, struct route_table *, route_table_free)

#endif
