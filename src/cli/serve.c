/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve.c - `mailmill serve`: puts the parts together and keeps them running.
 *
 * Order of start: config and rules (nothing is touched when they are wrong),
 * store (its lock tells whether we are alone), targets, workers, mill, and the
 * ways in last, so that whoever connects finds all of it there. A stop goes the
 * other way: nothing new is taken, what is under way ends within `drain`, and
 * what has not ended by then is simply done again after the next start.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/intake.h>
#include <mailmill/log.h>
#include <mailmill/loop.h>
#include <mailmill/proc.h>
#include <mailmill/source.h>

#include "cli.h"
#include "config.h"
#include "control.h"
#include "managing.h"
#include "ruleset.h"

#define SOURCES_MAX 64
#define SWEEP_SECONDS 60

struct daemon {
	const char *config_path;
	bool is_verbose;
	struct loop *loop;
	struct ruleset *rules;
	struct store *store;
	struct worker_pool *pool;
	struct resolver *resolver;
	struct mill *mill;
	struct intake *intake;
	struct source *sources[SOURCES_MAX];
	size_t n_sources;
	struct control *control;
	struct managing *managing;
	struct loop_timer *stop_timer, *watchdog;
	int64_t stop_by; /* mono ms; 0: not stopping */
	pthread_t sweeper;
	pthread_mutex_t sweep_lock;
	pthread_cond_t sweep_wake;
	bool is_sweeping, is_ending;
};

/* --- rules ---------------------------------------------------------------- */

static void set_routes(struct daemon *d)
{
	struct ruleset *r = d->rules;
	struct mill_route *routes = NULL;
	size_t n = 0;

	for (const struct conf_section *s = conf_first(r->conf); s; s = s->next)
		n += s->schema == &route_schema;
	routes = mem_array(n, sizeof(*routes));
	n = 0;
	for (const struct conf_section *s = conf_first(r->conf); s;
		s = s->next) {
		const struct route_conf *c = s->data;
		if (s->schema != &route_schema)
			continue;
		routes[n] = (struct mill_route){ .name = s->title,
			.script = ruleset_script(r, s),
			.target = ruleset_target(r, c->target),
			.unmatched = (enum route_unmatched)c->unmatched,
			.may = ruleset_may(r, ruleset_script(r, s)),
			.relay = ruleset_relay(r, c->relay) };
		if ((routes[n].may & ~MILL_MAY_ASK_DNS) >=
				MILL_MAY(PLAN_REDIRECT) &&
			!routes[n].relay)
			log_event(LOG_WARN, "rules.relay",
				"route=%s its rule sends mail, and there is no "
				"section relay: such mail will be held",
				s->title);
		n++;
	}
	mill_set_routes(d->mill, routes, n);
	free(routes);
}

static void tell_same_resolver(
	const struct ruleset *old, const struct ruleset *new)
{
	const struct config_authentication *was = conf_data(
		old->conf, &config_authentication_schema);
	const struct config_authentication *is = conf_data(
		new->conf, &config_authentication_schema);
	bool is_same = was->resolver.n == is->resolver.n;

	for (size_t i = 0; is_same && i < is->resolver.n; i++)
		is_same = strcmp(was->resolver.items[i],
				  is->resolver.items[i]) == 0;
	if (!is_same)
		log_event(LOG_WARN, "config.reload",
			"authentication: resolver takes effect at the next "
			"start only");
}

static void reload(struct daemon *d)
{
	struct ruleset *r = NULL;
	struct err err = { 0 };
	const struct config_top *top;

	sd_notify(0, "RELOADING=1");
	if (ruleset_load(d->config_path, d->loop, d->rules, &r, &err)) {
		log_event(LOG_ERROR, "config.reload",
			"refused, the former rules stay: %s", err.text);
		sd_notify(0, "READY=1");
		return;
	}
	ruleset_tell_unchanged(d->rules, r);
	tell_same_resolver(d->rules, r);
	d->rules = r;
	top = conf_data(r->conf, &config_top_schema);
	log_setup(d->is_verbose ? LOG_DEBUG : (enum log_level)top->log,
		getenv("JOURNAL_STREAM") != NULL);
	worker_pool_set_rules(d->pool, &r->rules);
	managing_set_rules(d->managing, &r->config);
	mill_set_keys(d->mill, r->keys);
	set_routes(d);
	intake_set_route(d->intake, ruleset_route, r);
	log_event(LOG_INFO, "config.reload", "done rules=%zu",
		r->rules.n_scripts);
	sd_notify(0, "READY=1");
}

/* A script was changed by ManageSieve, or one was made active. */
static int apply_script(void *ctx, const char *route, struct err *err)
{
	struct daemon *d = ctx;
	int rc = ruleset_refresh(d->rules, route, err);

	if (rc)
		return rc;
	worker_pool_set_rules(d->pool, &d->rules->rules);
	set_routes(d); /* it may send other mail than before */
	log_event(LOG_INFO, "rules.apply", "route=%s done", route);
	return 0;
}

/* --- start --------------------------------------------------------------- */

static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		log_event(LOG_WARN, "serve.limits", "error=setrlimit");
}

static int open_store(struct daemon *d, struct err *err)
{
	const struct config_top *top = conf_data(
		d->rules->conf, &config_top_schema);
	const struct config_store *s = conf_data(
		d->rules->conf, &config_store_schema);
	struct store_options o = { 0 };

	if (file_mkdirs(top->state, 0750, err))
		return -1;
	config_store_options(d->rules->conf, &o);
	return store_open(s->driver, &o, &d->store, err);
}

static int open_pool(struct daemon *d, struct err *err)
{
	const struct config_worker *w = conf_data(
		d->rules->conf, &config_worker_schema);
	const struct worker_options o = {
		.workers = (unsigned)w->processes,
		.isolation = w->isolation ? WORKER_MESSAGE : WORKER_BATCH,
		.batch_max = (unsigned)w->batch_max,
		.memory = w->memory,
		.time_ms = w->time_ms,
	};

	return worker_pool_new(d->loop, &o, &d->rules->rules, &d->pool, err);
}

/* Name servers are asked only when a rule wants to know something of them. */
static int open_resolver(struct daemon *d, struct err *err)
{
	const struct config_authentication *c = conf_data(
		d->rules->conf, &config_authentication_schema);
	const struct resolver_options o = {
		.servers = c->resolver.items,
		.n_servers = c->resolver.n,
	};

	if (resolver_new(d->loop, &o, &d->resolver, err) < 0)
		return err_add(err, "authentication");
	return 0;
}

static void open_mill(struct daemon *d)
{
	const struct config_mill *m = conf_data(
		d->rules->conf, &config_mill_schema);
	const struct config_outbox *out = conf_data(
		d->rules->conf, &config_outbox_schema);
	const struct config_top *top = conf_data(
		d->rules->conf, &config_top_schema);
	const struct mill_options o = {
		.in_flight = (unsigned)m->in_flight,
		.lease_ms = m->lease_ms,
		.retry_min_ms = m->retry_min_ms,
		.retry_max_ms = m->retry_max_ms,
		.away_ms = m->away_ms,
		.give_up_ms = m->give_up_ms,
		.hostname = top->hostname,
		.out_max = (uint64_t)out->max,
		.out_route_max = (uint64_t)out->route_max,
		.out_reply_max = (uint64_t)out->reply_max,
		.out_retry_min_ms = out->retry_min_ms,
		.out_retry_max_ms = out->retry_max_ms,
		.out_give_up_ms = out->give_up_ms,
		.resolver = d->resolver,
	};

	d->mill = mill_new(d->loop, d->store, d->pool, &o);
	mill_set_keys(d->mill, d->rules->keys);
	set_routes(d);
}

static void wake_mill(void *ctx)
{
	struct daemon *d = ctx;

	mill_wake(d->mill);
}

static void look_around(void *ctx)
{
	struct daemon *d = ctx;

	mill_look(d->mill);
}

/* From the control thread: a person's word made something due. */
static void on_control(void *ctx)
{
	struct daemon *d = ctx;

	loop_post(d->loop, look_around, d);
}

static int open_sources(struct daemon *d, struct err *err)
{
	const struct config_top *top = conf_data(
		d->rules->conf, &config_top_schema);
	const struct intake_options o = {
		.spool_dir = top->spool ? top->spool : top->state,
		.memory_max = 256 * 1024,
		.size_max = top->size_max,
		.hostname = top->hostname,
		.route = ruleset_route,
		.ctx = d->rules,
		.stored = wake_mill,
		.stored_ctx = d,
	};

	d->intake = intake_new(d->loop, d->store, &o);
	for (const struct conf_section *s = conf_first(d->rules->conf); s;
		s = s->next) {
		struct source **source = &d->sources[d->n_sources];
		if (!s->schema->group || strcmp(s->schema->group, "source"))
			continue;
		if (d->n_sources == SOURCES_MAX)
			return err_set(err, ERR_CONF, "more than %d sources",
				SOURCES_MAX);
		if (source_open(s, source, err))
			return err_add(err, "%s:%d", s->file, s->line);
		d->n_sources++;
		if (source_attach(*source, d->loop, d->intake, err))
			return err_add(err, "%s:%d: %s \"%s\"", s->file,
				s->line, s->schema->keyword, s->title);
	}
	if (d->n_sources == 0)
		log_event(LOG_WARN, "serve.start",
			"no way in is configured; only what is queued is done");
	return 0;
}

static int open_control(struct daemon *d, struct err *err)
{
	const struct config_top *top = conf_data(
		d->rules->conf, &config_top_schema);
	AUTO(bytes) char *path = mem_printf("%s/control", top->state);

	return control_open(path, top->control_mode, top->control_group,
		d->store, on_control, d, managing_apply, d->managing,
		&d->control, err);
}

/* --- retention, in a thread since each step waits for a commit ----------- */

static void *sweep(void *ctx)
{
	struct daemon *d = ctx;
	struct err err = { 0 };

	pthread_mutex_lock(&d->sweep_lock);
	while (!d->is_ending) {
		struct timespec until;
		int rc;
		pthread_mutex_unlock(&d->sweep_lock);
		rc = store_sweep(d->store, clock_wall_ms(), &err);
		if (rc < 0)
			log_event(LOG_ERROR, "store.sweep", "error=\"%s\"",
				err.text);
		pthread_mutex_lock(&d->sweep_lock);
		clock_gettime(CLOCK_REALTIME, &until);
		/* small steps with air between them, so no sender waits */
		if (rc == 1)
			until.tv_nsec += 50000000;
		else
			until.tv_sec += SWEEP_SECONDS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (!d->is_ending)
			pthread_cond_timedwait(
				&d->sweep_wake, &d->sweep_lock, &until);
	}
	pthread_mutex_unlock(&d->sweep_lock);
	return NULL;
}

static void start_sweeper(struct daemon *d)
{
	pthread_mutex_init(&d->sweep_lock, NULL);
	pthread_cond_init(&d->sweep_wake, NULL);
	must(pthread_create(&d->sweeper, NULL, sweep, d) == 0);
	d->is_sweeping = true;
}

static void stop_sweeper(struct daemon *d)
{
	if (!d->is_sweeping)
		return;
	pthread_mutex_lock(&d->sweep_lock);
	d->is_ending = true;
	pthread_cond_signal(&d->sweep_wake);
	pthread_mutex_unlock(&d->sweep_lock);
	pthread_join(d->sweeper, NULL);
	pthread_mutex_destroy(&d->sweep_lock);
	pthread_cond_destroy(&d->sweep_wake);
}

/* --- stop ---------------------------------------------------------------- */

#define STOP_LOOK_MS 20

static unsigned count_busy(const struct daemon *d)
{
	unsigned n = mill_in_flight(d->mill);

	for (size_t i = 0; i < d->n_sources; i++)
		n += source_busy(d->sources[i]);
	return n;
}

static void look_at_stop(void *ctx)
{
	struct daemon *d = ctx;
	unsigned busy = count_busy(d);

	if (busy && clock_mono_ms() < d->stop_by) {
		loop_timer_set(d->stop_timer, STOP_LOOK_MS);
		return;
	}
	if (busy)
		log_event(LOG_WARN, "serve.stop",
			"unfinished=%u they are done after the next start",
			busy);
	loop_stop(d->loop);
}

static void begin_stop(struct daemon *d, int signo)
{
	const struct config_top *top = conf_data(
		d->rules->conf, &config_top_schema);

	if (d->stop_by) { /* asked twice: at once */
		d->stop_by = 1;
		look_at_stop(d);
		return;
	}
	log_event(LOG_INFO, "serve.stop", "signal=%s in_flight=%u",
		signo == SIGTERM ? "SIGTERM" : "SIGINT",
		mill_in_flight(d->mill));
	sd_notifyf(0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
		(long long)(top->drain_ms + 5000) * 1000);
	d->stop_by = clock_mono_ms() + MAX(top->drain_ms, 1);
	for (size_t i = 0; i < d->n_sources; i++)
		source_drain(d->sources[i]);
	mill_stop(d->mill);
	look_at_stop(d);
}

static void on_signal(int signo, void *ctx)
{
	struct daemon *d = ctx;

	if (signo == SIGHUP)
		reload(d);
	else
		begin_stop(d, signo);
}

static void on_watchdog(void *ctx)
{
	struct daemon *d = ctx;
	uint64_t usec = 0;

	sd_notify(0, "WATCHDOG=1");
	if (sd_watchdog_enabled(0, &usec) > 0)
		loop_timer_set(d->watchdog, (int64_t)(usec / 2000));
}

static int start(struct daemon *d, struct err *err)
{
	if (loop_new(&d->loop, err))
		return -1;
	loop_on_signal(d->loop, SIGTERM, on_signal, d);
	loop_on_signal(d->loop, SIGINT, on_signal, d);
	loop_on_signal(d->loop, SIGHUP, on_signal, d);
	d->stop_timer = loop_timer_new(d->loop, look_at_stop, d);
	d->watchdog = loop_timer_new(d->loop, on_watchdog, d);
	if (ruleset_load(d->config_path, d->loop, NULL, &d->rules, err) ||
		open_store(d, err) || open_pool(d, err) ||
		open_resolver(d, err))
		return -1;
	open_mill(d);
	d->managing = managing_new(d->loop, apply_script, d);
	managing_set_rules(d->managing, &d->rules->config);
	if (open_sources(d, err) || open_control(d, err) ||
		managing_listen(d->managing, d->rules->conf, err))
		return -1;
	start_sweeper(d);
	mill_start(d->mill);
	return 0;
}

/* After a clean drain; with work left, the process just ends. */
static void end(struct daemon *d)
{
	managing_stop(d->managing);
	control_close(d->control);
	managing_close(d->managing);
	stop_sweeper(d);
	for (size_t i = 0; i < d->n_sources; i++)
		source_close(d->sources[i]);
	intake_free(d->intake);
	worker_pool_free(d->pool);
	for (struct ruleset *r = d->rules, *former; r; r = former) {
		former = r->former;
		ruleset_free(r);
	}
	mill_free(d->mill);
	resolver_free(d->resolver);
	store_close(d->store);
	loop_timer_free(d->stop_timer);
	loop_timer_free(d->watchdog);
	loop_free(d->loop);
}

static const struct cli_option options[] = {
	{ "config", 'c', "FILE", "the configuration; " CONFIG_PATH },
	{ "verbose", 'v', NULL, "tell everything on standard error" },
	{ 0 },
};

static int run(int argc, char **argv)
{
	struct daemon d = { .config_path = CONFIG_PATH };
	struct cli_args args = cli_args(&cli_serve, argc, argv);
	const struct config_top *top;
	struct err err = { 0 };
	unsigned busy;
	int o;

	while ((o = cli_next(&args)) != CLI_END) {
		if (o == CLI_BAD)
			return EX_USAGE;
		if (o == 0)
			d.config_path = args.value;
		if (o == 1)
			d.is_verbose = true;
	}
	signal(SIGPIPE, SIG_IGN);
	proc_hide_memory(); /* mails and keys are in it */
	log_setup(d.is_verbose ? LOG_DEBUG : LOG_INFO,
		getenv("JOURNAL_STREAM") != NULL);
	raise_limits();
	if (start(&d, &err)) {
		log_event(LOG_ERROR, "serve.start", "%s", err.text);
		/* whatever was begun is nobody's: nothing was accepted */
		return err.kind == ERR_CONF ? EX_CONFIG : EX_TEMPFAIL;
	}
	top = conf_data(d.rules->conf, &config_top_schema);
	log_setup(d.is_verbose ? LOG_DEBUG : (enum log_level)top->log,
		getenv("JOURNAL_STREAM") != NULL);
	log_event(LOG_INFO, "serve.ready", "state=%s ways_in=%zu rules=%zu",
		top->state, d.n_sources, d.rules->rules.n_scripts);
	sd_notify(0, "READY=1\nSTATUS=taking mail");
	on_watchdog(&d);
	if (loop_run(d.loop, &err)) {
		log_event(LOG_ERROR, "serve.run", "%s", err.text);
		return EX_SOFTWARE;
	}
	busy = count_busy(&d);
	if (busy == 0)
		end(&d);
	log_event(LOG_INFO, "serve.stopped", "unfinished=%u", busy);
	return EX_OK;
}

const struct cli_command cli_serve = {
	.name = "serve",
	.usage = "[--config FILE] [--verbose]",
	.help = "take mail in and make records of it, until told to stop",
	.options = options,
	.run = run,
};
