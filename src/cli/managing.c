/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * managing.c - ManageSieve beside the daemon, and how changes reach it.
 *
 * The server has its own thread, rules belong to the main loop's. A change is
 * posted there, and whoever asked waits for what comes of it, so that a client
 * only hears OK when the script is in force. Once the loop has stopped nobody
 * would answer any more: managing_stop() sends those who wait away.
 */
#include <pthread.h>

#include <mailmill/sieve.h>

#include "config.h"
#include "managed.h"
#include "managing.h"

struct managing {
	struct loop *loop;
	managing_apply_fn apply;
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopped;
	const struct config_rules *rules;
	char *folder;
	struct buf capabilities;
	struct manage_options session;
	struct manage_scripts *scripts;
	struct manage_server *server;
};

struct change {
	struct managing *managing;
	const char *route;
	bool is_done;
	int rc;
	struct err err;
};

static void run_change(void *ctx)
{
	struct change *c = ctx;
	struct managing *m = c->managing;
	struct err err = { 0 };
	int rc = m->apply(m->ctx, c->route, &err);

	pthread_mutex_lock(&m->lock);
	c->rc = rc;
	c->err = err;
	c->is_done = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

int managing_apply(void *managing, const char *route, struct err *err)
{
	struct managing *m = managing;
	struct change c = { .managing = m, .route = route };

	pthread_mutex_lock(&m->lock);
	if (!m->is_stopped)
		loop_post(m->loop, run_change, &c);
	/* a post that is pending when the loop has stopped is never run */
	while (!c.is_done && !m->is_stopped)
		pthread_cond_wait(&m->wake, &m->lock);
	pthread_mutex_unlock(&m->lock);
	if (!c.is_done)
		return err_set(err, ERR_TEMP, "the service is being stopped");
	*err = c.err;
	return c.rc;
}

struct managing *managing_new(
	struct loop *loop, managing_apply_fn apply, void *ctx)
{
	struct managing *m = NEW(struct managing);

	m->loop = loop;
	m->apply = apply;
	m->ctx = ctx;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wake, NULL);
	return m;
}

void managing_set_rules(struct managing *m, const struct config_rules *rules)
{
	pthread_mutex_lock(&m->lock);
	m->rules = rules;
	pthread_mutex_unlock(&m->lock);
}

static int check_script(void *ctx, const char *path, struct str name,
	struct str source, struct buf *findings)
{
	struct managing *m = ctx;
	const struct config_rules *rules;

	pthread_mutex_lock(&m->lock);
	rules = m->rules;
	pthread_mutex_unlock(&m->lock);
	return managed_check(rules, path, name, source, findings);
}

static bool has_word(const char *words, struct str word)
{
	struct str rest = str_c(words), one;

	while (str_cut(&rest, ' ', &one))
		if (str_eq(one, word))
			return true;
	return false;
}

static void fill_session(struct managing *m, const struct manage_conf *conf)
{
	m->capabilities = BUF_INIT(64 * 1024);
	sieve_capabilities(&m->capabilities);
	m->session = (struct manage_options){
		.script_len = conf->script_size,
		.errors_max = (unsigned)conf->max_errors,
		.redirects_max = m->rules->settings.limits.redirects,
		.capabilities = m->capabilities.p,
		.notify = has_word(m->capabilities.p, STR("enotify")) ? "mailto"
								      : NULL,
		.extlists = has_word(m->capabilities.p, STR("extlists")) ? "tag"
									 : NULL,
	};
}

int managing_listen(struct managing *m, const struct conf *c, struct err *err)
{
	const struct conf_section *s = conf_find(c, "managesieve", NULL);
	AUTO(bytes) char *accounts = managed_accounts(c);
	struct manage_scripts_options o;
	struct manage_server_options server;

	if (!s || !s->line)
		return 0;
	managed_options(c, &o, &m->folder);
	o.check = check_script;
	o.apply = managing_apply;
	o.ctx = m;
	m->scripts = manage_scripts_new(&o);
	fill_session(m, s->data);
	server = (struct manage_server_options){ .conf = s->data,
		.file = s->file,
		.accounts = accounts,
		.scripts = m->scripts,
		.session = &m->session };
	if (manage_server_open(&server, &m->server, err))
		return err_add(err, "%s:%d: managesieve", s->file, s->line);
	return 0;
}

void managing_stop(struct managing *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->is_stopped = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
}

void managing_close(struct managing *m)
{
	if (!m)
		return;
	managing_stop(m);
	manage_server_close(m->server);
	manage_scripts_free(m->scripts);
	buf_fini(&m->capabilities);
	free(m->folder);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->wake);
	free(m);
}
