/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ruleset.h - what a reload replaces as a whole. */
#ifndef MAILMILL_CLI_RULESET_H
#define MAILMILL_CLI_RULESET_H

#include <mailmill/conf.h>
#include <mailmill/loop.h>
#include <mailmill/relay.h>
#include <mailmill/route.h>
#include <mailmill/target.h>
#include <mailmill/token.h>
#include <mailmill/worker.h>

#include "config_sieve.h"

#define RULESET_TARGETS_MAX 64
#define RULESET_SCRIPTS_MAX 1000
#define RULESET_RELAYS_MAX 64

struct ruleset {
	struct conf *conf;
	struct route_table *routes;
	struct token_keys *keys; /* or NULL */
	struct arena *arena;
	struct config_rules config; /* how all scripts are understood */
	/* What workers get: the scripts, each with an arena of its sources. */
	struct worker_rules rules;
	struct worker_script scripts[RULESET_SCRIPTS_MAX];
	struct arena *sources[RULESET_SCRIPTS_MAX];
	char *names[RULESET_SCRIPTS_MAX];  /* own ones, of managed routes */
	unsigned may[RULESET_SCRIPTS_MAX]; /* see mill_route */
	struct relay *relays[RULESET_RELAYS_MAX];
	const struct conf_section *relay_sections[RULESET_RELAYS_MAX];
	bool is_relay_kept[RULESET_RELAYS_MAX];
	size_t n_relays;
	struct target
		*targets[RULESET_TARGETS_MAX]; /* of the sections, in order */
	const struct conf_section *sections[RULESET_TARGETS_MAX];
	bool is_kept[RULESET_TARGETS_MAX]; /* taken over from the former rules
					    */
	size_t n_targets;
	struct ruleset *former; /* lent; its kept targets are this one's too */
};

/*
 * Loads and checks all; what is wrong is logged line by line. Targets that did
 * not change are taken over from "former" (or NULL), which must outlive it.
 * Gives: *out, by ruleset_free(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int ruleset_load(const char *path, struct loop *loop,
	struct ruleset *former, struct ruleset **out, struct err *err);
/* Ends it and the targets that are its own. Accepts NULL. */
void ruleset_free(struct ruleset *r);
/*
 * Reads the script of a managed route anew, when another became active or was
 * changed. Returns: 0, MANAGE_UNMANAGED, or -1 with *err: all is as before.
 */
MUST_CHECK int ruleset_refresh(
	struct ruleset *r, const char *route, struct err *err);
/* Lends the name under which the workers know a route's script. */
const char *ruleset_script(
	const struct ruleset *r, const struct conf_section *route);
/* Finds a target by title; there is one. */
struct target *ruleset_target(const struct ruleset *r, const char *title);
/* Finds a relay by title (NULL: the first). Returns: or NULL. */
struct relay *ruleset_relay(const struct ruleset *r, const char *title);
/* Tells which kinds of actions a rule file has: bits as of mill_route. */
unsigned ruleset_may(const struct ruleset *r, const char *script);
/* Is an intake_route_fn; ctx is the set. */
const char *ruleset_route(struct str address, void *ctx);
/* Logs the sections that only a restart changes. */
void ruleset_tell_unchanged(
	const struct ruleset *old, const struct ruleset *new);

#endif
