/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset.c - what a reload replaces as a whole: configuration, routes, rule
 * files, targets.
 *
 * A new set is complete before the former is touched. Targets whose section
 * did not change are taken over, so that their logins, caches and connections
 * stay; a former set is kept until the end, since deliveries in flight may
 * still use its targets and these the words of its configuration.
 *
 * A managed route has a script of its own, "managed:ROUTE", whatever file is
 * active: so a delivery in flight finds it under the same name after another
 * one became active. While none is, the route's own rule file takes its place,
 * or else one that keeps each mail for a person to look at. One that is broken
 * (an update may refuse what was fine before) never stops the service: at a
 * reload the former one stays, at a start mails are kept until it is mended.
 */
#include <string.h>

#include <mailmill/log.h>
#include <mailmill/mill.h>
#include <mailmill/sieve.h>

#include "config.h"
#include "managed.h"
#include "rulefile.h"
#include "ruleset.h"

static void end_script(struct ruleset *r, size_t i)
{
	arena_free(r->sources[i]);
	free(TAKE(r->names[i]));
}

void ruleset_free(struct ruleset *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_targets; i++)
		if (!r->is_kept[i])
			target_close(r->targets[i]);
	for (size_t i = 0; i < r->n_relays; i++)
		if (!r->is_relay_kept[i])
			relay_close(r->relays[i]);
	for (size_t i = 0; i < r->rules.n_scripts; i++)
		end_script(r, i);
	route_table_free(r->routes);
	token_keys_free(r->keys);
	conf_free(r->conf);
	arena_free(r->arena);
	free(r);
}

static void say(const char *message, void *ctx)
{
	(void)ctx;
	log_event(LOG_ERROR, "config.error", "%s", message);
}

/* A script on its way into the set; its sources live in the arena. */
struct incoming {
	struct arena *arena;
	struct worker_script script;
	unsigned may;
};

/* Copies what a rule file includes, as the worker will ask for it. */
static void take_includes(struct incoming *in, const struct rulefile *f)
{
	const struct sieve_include *list;
	size_t n = sieve_includes(f->script, &list);
	struct worker_include *own = arena_array(in->arena, n, sizeof(*own));

	for (size_t i = 0; i < n; i++) {
		own[i].is_global = list[i].is_global;
		own[i].name = arena_str(in->arena, list[i].name);
		own[i].path = arena_str(in->arena, list[i].path);
		own[i].source = arena_str(in->arena, list[i].source);
	}
	in->script.includes = own;
	in->script.n_includes = n;
}

static void take_script(
	const struct ruleset *r, struct incoming *in, const struct rulefile *f)
{
	in->script.source = arena_str(in->arena, buf_view(&f->source));
	take_includes(in, f);
	for (unsigned k = PLAN_KEEP; k <= PLAN_NOTIFY; k++)
		if (sieve_can(f->script, (enum plan_action_kind)k))
			in->may |= MILL_MAY(k);
	if (sieve_asks_dns(f->script) && !r->config.settings.auth_asks_nobody)
		in->may |= MILL_MAY_ASK_DNS;
}

/* Reads and checks a rule file; what is found is logged. */
static int read_script(const struct ruleset *r, const char *path,
	struct incoming *in, struct err *err)
{
	AUTO(buf) struct buf told = BUF_INIT((size_t)1 << 20);
	struct rulefile f = { 0 };
	struct str lines, line;
	int rc = rulefile_load(&f, path, &r->config, false, &told, err);

	lines = buf_view(&told);
	while (str_cut_line(&lines, &line))
		log_event(rc ? LOG_ERROR : LOG_WARN, "rules.check", "%.*s",
			STR_ARG(line));
	if (rc == 0)
		take_script(r, in, &f);
	rulefile_fini(&f);
	return rc;
}

/* Puts a script into its place; takes its arena. */
static void set_script(struct ruleset *r, size_t i, struct incoming *in)
{
	arena_free(r->sources[i]);
	r->sources[i] = TAKE(in->arena);
	r->scripts[i] = in->script;
	r->may[i] = in->may;
}

static ssize_t find_script(const struct ruleset *r, const char *name)
{
	for (size_t i = 0; i < r->rules.n_scripts; i++)
		if (strcmp(r->scripts[i].name, name) == 0)
			return (ssize_t)i;
	return -1;
}

static int check_room(const struct ruleset *r, struct err *err)
{
	if (r->rules.n_scripts == RULESET_SCRIPTS_MAX)
		return err_set(err, ERR_CONF, "more than %d rule files",
			RULESET_SCRIPTS_MAX);
	return 0;
}

static int load_script(struct ruleset *r, const char *path, struct err *err)
{
	struct incoming in = { .script.name = path };
	int rc;

	if (find_script(r, path) >= 0)
		return 0;
	if (check_room(r, err))
		return -1;
	in.arena = arena_new();
	rc = read_script(r, path, &in, err);
	set_script(r, r->rules.n_scripts++, &in);
	return rc;
}

/* --- managed routes -------------------------------------------------------
 */

static void hold_all(struct incoming *in)
{
	in->script.source = STR("keep;\n");
	in->may = MILL_MAY(PLAN_KEEP);
}

/* Reads what a managed route's mail is read by now. */
static int read_managed(const struct ruleset *r, const struct conf_section *s,
	struct incoming *in, struct err *err)
{
	const struct route_conf *route = s->data;
	AUTO(bytes) char *path = NULL;
	int rc = managed_active(r->conf, s->title, &path, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return read_script(r, path, in, err);
	if (route->script)
		return read_script(r, route->script, in, err);
	log_event(LOG_WARN, "rules.none",
		"route=%s no script is active: mails are held", s->title);
	hold_all(in);
	return 0;
}

static char *name_managed(const char *route)
{
	return mem_printf("managed:%s", route);
}

/* What takes the place of a script that is broken; former sets stay. */
static void replace_broken(
	const struct ruleset *r, struct incoming *in, const struct err *why)
{
	const char *name = in->script.name;
	ssize_t was = r->former ? find_script(r->former, name) : -1;

	log_event(LOG_ERROR, "rules.broken", "script=%s %s error=\"%s\"", name,
		was < 0 ? "mails are held until it is mended"
			: "the former one stays",
		why->text);
	if (was < 0) {
		hold_all(in);
		return;
	}
	in->script = r->former->scripts[was];
	in->script.name = name;
	in->may = r->former->may[was];
}

static int load_managed(
	struct ruleset *r, const struct conf_section *s, struct err *err)
{
	size_t n = r->rules.n_scripts;
	struct incoming in = { 0 };
	struct err why = { 0 };

	if (check_room(r, err))
		return -1;
	in.arena = arena_new();
	in.script.name = r->names[n] = name_managed(s->title);
	if (read_managed(r, s, &in, &why))
		replace_broken(r, &in, &why);
	set_script(r, n, &in);
	r->rules.n_scripts++;
	return 0;
}

static int load_route(
	struct ruleset *r, const struct conf_section *s, struct err *err)
{
	const struct route_conf *route = s->data;

	return route->is_managed ? load_managed(r, s, err)
				 : load_script(r, route->script, err);
}

static int check_size(const struct ruleset *r, struct err *err)
{
	if (worker_rules_size(&r->rules) <= WORKER_RULES_MAX)
		return 0;
	return err_set(err, ERR_CONF,
		"all rule files, what they include, and all lists take more "
		"than %zu MiB",
		WORKER_RULES_MAX >> 20);
}

static int load_rules(struct ruleset *r, struct err *err)
{
	AUTO(buf) struct buf wire = BUF_INIT(2 * WORKER_RULES_MAX);

	r->arena = arena_new();
	r->rules.scripts = r->scripts;
	if (config_rules(r->conf, r->arena, &r->config, err) < 0)
		return -1;
	for (const struct conf_section *s = conf_first(r->conf); s; s = s->next)
		if (s->schema == &route_schema && load_route(r, s, err))
			return -1;
	sieve_settings_encode(&wire, &r->config.settings);
	r->rules.settings = arena_str(r->arena, buf_view(&wire));
	return check_size(r, err);
}

int ruleset_refresh(struct ruleset *r, const char *route, struct err *err)
{
	const struct conf_section *s = conf_find(r->conf, "route", route);
	AUTO(bytes) char *name = name_managed(route);
	AUTO(arena) struct arena *a = arena_new();
	ssize_t i = find_script(r, name);
	struct incoming in = { .arena = a };
	struct worker_script former;

	if (!s || i < 0)
		return MANAGE_UNMANAGED;
	former = r->scripts[i];
	in.script.name = former.name;
	if (read_managed(r, s, &in, err))
		return -1;
	r->scripts[i] = in.script;
	if (check_size(r, err) < 0) {
		r->scripts[i] = former;
		return -1;
	}
	a = NULL;
	set_script(r, (size_t)i, &in);
	return 0;
}

const char *ruleset_script(
	const struct ruleset *r, const struct conf_section *route)
{
	const struct route_conf *c = route->data;
	AUTO(bytes) char *name = NULL;
	ssize_t i;

	if (!c->is_managed)
		return c->script;
	name = name_managed(route->title);
	i = find_script(r, name);
	must(i >= 0);
	return r->scripts[i].name;
}

static int open_target(struct loop *loop, struct ruleset *r,
	const struct conf_section *s, struct err *err)
{
	const struct ruleset *former = r->former;
	size_t n = r->n_targets;

	if (n == RULESET_TARGETS_MAX)
		return err_set(err, ERR_CONF, "more than %d targets",
			RULESET_TARGETS_MAX);
	r->sections[n] = s;
	for (size_t i = 0; former && i < former->n_targets; i++) {
		if (!conf_section_is_same(former->sections[i], s))
			continue;
		r->targets[n] = former->targets[i];
		r->is_kept[n] = true;
		r->n_targets++;
		return 0;
	}
	if (target_open(s, loop, &r->targets[n], err))
		return err_add(err, "%s:%d: %s \"%s\"", s->file, s->line,
			s->schema->keyword, s->title);
	r->n_targets++;
	return 0;
}

static int open_relay(struct loop *loop, struct ruleset *r,
	const struct conf_section *s, struct err *err)
{
	const struct ruleset *former = r->former;
	size_t n = r->n_relays;

	if (n == RULESET_RELAYS_MAX)
		return err_set(err, ERR_CONF, "more than %d relays",
			RULESET_RELAYS_MAX);
	r->relay_sections[n] = s;
	for (size_t i = 0; former && i < former->n_relays; i++) {
		if (!conf_section_is_same(former->relay_sections[i], s))
			continue;
		r->relays[n] = former->relays[i];
		r->is_relay_kept[n] = true;
		r->n_relays++;
		return 0;
	}
	if (relay_open(s, loop, &r->relays[n], err))
		return err_add(err, "%s:%d: %s \"%s\"", s->file, s->line,
			s->schema->keyword, s->title);
	r->n_relays++;
	return 0;
}

static int fill(
	const char *path, struct loop *loop, struct ruleset *r, struct err *err)
{
	const struct config_top *top;

	if (config_load(path, say, NULL, &r->conf, err))
		return -1;
	top = conf_data(r->conf, &config_top_schema);
	if (route_table_new(r->conf, top->delimiter[0], &r->routes, err))
		return -1;
	if (config_token_keys(r->conf, &r->keys, err) < 0 ||
		load_rules(r, err) < 0)
		return -1;
	for (const struct conf_section *s = conf_first(r->conf); s; s = s->next)
		if (s->schema->group &&
			strcmp(s->schema->group, "target") == 0 &&
			open_target(loop, r, s, err))
			return -1;
	for (const struct conf_section *s = conf_first(r->conf); s; s = s->next)
		if (s->schema == &relay_schema && open_relay(loop, r, s, err))
			return -1;
	return 0;
}

int ruleset_load(const char *path, struct loop *loop, struct ruleset *former,
	struct ruleset **out, struct err *err)
{
	struct ruleset *r = NEW(struct ruleset);

	r->former = former;
	if (fill(path, loop, r, err)) {
		ruleset_free(r);
		return -1;
	}
	*out = r;
	return 0;
}

struct target *ruleset_target(const struct ruleset *r, const char *title)
{
	for (size_t i = 0; i < r->n_targets; i++)
		if (strcmp(r->sections[i]->title, title) == 0)
			return r->targets[i];
	must(!"route_table_new() checks it");
	return NULL;
}

struct relay *ruleset_relay(const struct ruleset *r, const char *title)
{
	for (size_t i = 0; i < r->n_relays; i++)
		if (!title || strcmp(r->relay_sections[i]->title, title) == 0)
			return r->relays[i];
	return NULL;
}

unsigned ruleset_may(const struct ruleset *r, const char *script)
{
	for (size_t i = 0; i < r->rules.n_scripts; i++)
		if (strcmp(r->scripts[i].name, script) == 0)
			return r->may[i];
	return 0;
}

const char *ruleset_route(struct str address, void *ctx)
{
	const struct ruleset *r = ctx;
	const struct conf_section *s = route_find(r->routes, address);

	return s ? s->title : NULL;
}

/* Options that only a restart changes are told, so that nobody wonders. */
void ruleset_tell_unchanged(
	const struct ruleset *old, const struct ruleset *new)
{
	for (const struct conf_section *s = conf_first(new->conf); s;
		s = s->next) {
		const struct conf_section *was =
			s->schema->keyword
				? conf_find(old->conf, s->schema->keyword,
					  s->title)
				: NULL;
		bool is_source = s->schema->group &&
				 strcmp(s->schema->group, "source") == 0;
		bool is_single = s->schema->flags & CONF_SINGLE &&
				 !(s->schema->fields->flags & CONF_RELOAD);
		if ((is_source && !was) ||
			((is_source || is_single) && was &&
				!conf_section_is_same(was, s)))
			log_event(LOG_WARN, "config.reload",
				"%s:%d: %s \"%s\" takes effect at the next "
				"start only",
				s->file, s->line, s->schema->keyword, s->title);
	}
}
