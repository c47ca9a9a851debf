/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset.c - what a reload replaces as a whole: configuration, routes, rule
 * files, targets.
 *
 * A new set is complete before the former is touched. Targets whose section
 * did not change are taken over, so that their logins, caches and connections
 * stay; a former set is kept until the end, since deliveries in flight may
 * still use its targets and these the words of its configuration.
 */
#include <string.h>

#include <mailmill/log.h>

#include "config.h"
#include "rulefile.h"
#include "ruleset.h"

void ruleset_free(struct ruleset *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_targets; i++)
		if (!r->is_kept[i])
			target_close(r->targets[i]);
	for (size_t i = 0; i < r->n_scripts; i++)
		buf_fini(&r->sources[i]);
	route_table_free(r->routes);
	conf_free(r->conf);
	free(r);
}

static void say(const char *message, void *ctx)
{
	(void)ctx;
	log_event(LOG_ERROR, "config.error", "%s", message);
}

static int load_script(struct ruleset *r, const char *path, struct err *err)
{
	AUTO(buf) struct buf told = BUF_INIT((size_t)1 << 20);
	struct str lines, line;
	int rc;

	for (size_t i = 0; i < r->n_scripts; i++)
		if (strcmp(r->scripts[i].name, path) == 0)
			return 0;
	if (r->n_scripts == RULESET_SCRIPTS_MAX)
		return err_set(err, ERR_CONF, "more than %d rule files",
			RULESET_SCRIPTS_MAX);
	rc = rulefile_load(path, &told, &r->sources[r->n_scripts], NULL, err);
	lines = buf_view(&told);
	while (str_cut_line(&lines, &line))
		log_event(rc ? LOG_ERROR : LOG_WARN, "rules.check", "%.*s",
			STR_ARG(line));
	if (rc) {
		buf_fini(&r->sources[r->n_scripts]);
		return -1;
	}
	r->scripts[r->n_scripts].name = path;
	r->scripts[r->n_scripts].source = buf_view(&r->sources[r->n_scripts]);
	r->n_scripts++;
	return 0;
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

static int fill(
	const char *path, struct loop *loop, struct ruleset *r, struct err *err)
{
	const struct config_top *top;

	if (config_load(path, say, NULL, &r->conf, err))
		return -1;
	top = conf_data(r->conf, &config_top_schema);
	if (route_table_new(r->conf, top->delimiter[0], &r->routes, err))
		return -1;
	for (const struct conf_section *s = conf_first(r->conf); s;
		s = s->next) {
		const struct route_conf *route = s->data;
		if (s->schema == &route_schema &&
			load_script(r, route->script, err))
			return -1;
	}
	for (const struct conf_section *s = conf_first(r->conf); s; s = s->next)
		if (s->schema->group &&
			strcmp(s->schema->group, "target") == 0 &&
			open_target(loop, r, s, err))
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
		bool is_single = s->schema->flags & CONF_SINGLE;
		if ((is_source && !was) ||
			((is_source || is_single) && was &&
				!conf_section_is_same(was, s)))
			log_event(LOG_WARN, "config.reload",
				"%s:%d: %s \"%s\" takes effect at the next "
				"start only",
				s->file, s->line, s->schema->keyword, s->title);
	}
}
