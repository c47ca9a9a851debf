/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * salesforce.c - the Salesforce target: driver, thread, and what comes and
 * goes.
 *
 *   apply(), ask()          any thread: put into the inbox, wake the thread
 *     |
 *   thread: tick            takes the inbox; starts calls that are due; lets
 *     |    ^                the client run until something is to be done
 *     v    |
 *   job.c, ask.c            wait for a schema (describe.c), gather (gather.c),
 *     |                     go out in a call, come back one by one
 *   call.c                  adds the token, logs in when there is none
 *     |
 *   give_back               done() in the loop's thread, in order
 *
 * All state is the thread's; shared are what comes in, what goes out and the
 * counts, under one lock. Times are those of the monotonic clock.
 *
 * Exactly once rests on three things: a plan is one graph, which Salesforce
 * does whole or not at all; each record that can carries a key, by which it is
 * looked for before it is sent again; and the client never repeats a write on
 * its own. What remains: an object without the key field can't be looked for;
 * describe.c warns of each.
 */
#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <mailmill/conf.h>
#include <mailmill/file.h>
#include <mailmill/log.h>

#include "../drivers.h"

#define TICK_MAX_MS 1000
#define PAUSE_HELD_MS 3000 /* longer ones are given back to the mill */

/* ---- options ---------------------------------------------------------- */

static const char *const auth_words[] = { "jwt", "client_credentials", NULL };

#define AT(field) offsetof(struct sf_conf, field)
static const struct conf_field fields[] = {
	{ "login_url", CONF_STR, AT(login_url), .flags = CONF_REQUIRED,
		.help = "https://NAME.my.salesforce.com, or "
			"https://login.salesforce.com with jwt" },
	{ "auth", CONF_WORD, AT(auth), "jwt", .words = auth_words,
		.help = "how to log in: jwt or client_credentials" },
	{ "client_id", CONF_STR, AT(client_id), .flags = CONF_REQUIRED,
		.help = "the app's consumer key" },
	{ "client_secret", CONF_STR, AT(client_secret),
		.help = "where its secret is: file:, credential: or env:" },
	{ "username", CONF_STR, AT(username),
		.help = "jwt: the user that mailmill acts as" },
	{ "key", CONF_STR, AT(key),
		.help = "jwt: where the private key (PEM) is: file:, "
			"credential: or env:" },
	{ "audience", CONF_STR, AT(audience),
		.help = "jwt: who the token is for; default: login_url" },
	{ "api_version", CONF_STR, AT(api_version), "v66.0",
		.help = "the API's version" },
	{ "key_field", CONF_STR, AT(key_field), "Mailmill_Key__c",
		.help = "the field that makes records findable by mail" },
	{ "auto_assign", CONF_BOOL, AT(auto_assign), "false",
		.help = "let Salesforce's assignment rules choose the owner" },
	{ "gzip", CONF_BOOL, AT(is_gzip), "true",
		.help = "compress what is sent" },
	{ "ca_file", CONF_PATH, AT(ca_file),
		.help = "certificates (PEM) to trust instead of the system's" },
	{ "proxy", CONF_STR, AT(proxy), "", .help = "an HTTP proxy's URL" },
	{ "connect_timeout", CONF_SPAN, AT(connect_ms), "15s", 100, 300000,
		.help = "for reaching Salesforce" },
	{ "timeout", CONF_SPAN, AT(timeout_ms), "120s", 200, 600000,
		.help = "for a whole call; files get more by their size" },
	{ "max_calls", CONF_INT, AT(calls_max), "4", 1, 20,
		.help = "calls of one kind at once" },
	{ "budget_slow", CONF_INT, AT(budget_slow), "80", 1, 100,
		.help = "percent of the org's daily API calls, past which "
			"fewer and fuller calls are made" },
	{ "budget_stop", CONF_INT, AT(budget_stop), "95", 1, 100,
		.help = "percent past which mail waits, so that people can "
			"work" },
	{ "linger", CONF_SPAN, AT(linger_ms), "5ms", 0, 10000,
		.help = "how long a lonely mail waits for company" },
	{ "gather", CONF_SPAN, AT(gather_ms), "100ms", 0, 60000,
		.help = "how long a call is filled while more keeps coming" },
	{ "find_cache", CONF_SPAN, AT(find_cache_ms), "5s", 0, 3600000,
		.help = "how long an answer to find is good" },
	{ 0 },
};

static bool is_loopback(struct str host)
{
	return str_starts(host, STR("127.")) ||
	       str_starts(host, STR("localhost:")) ||
	       str_starts(host, STR("localhost/")) ||
	       str_starts(host, STR("[::1]")) || str_eq(host, STR("localhost"));
}

static int check_url(const char *url, struct err *err)
{
	struct str s = str_c(url);

	if (str_starts(s, STR("https://")) && s.len > 8)
		return 0;
	if (str_starts(s, STR("http://")) &&
		is_loopback(str_sub(s, 7, SIZE_MAX)))
		return 0;
	return err_set(err, ERR_CONF,
		"login_url: expected https://HOST (http only for this machine "
		"itself), found \"%s\"",
		url);
}

static int check(const struct conf_section *section, struct err *err)
{
	const struct sf_conf *c = section->data;
	struct str version = str_c(c->api_version);

	if (check_url(c->login_url, err))
		return -1;
	if (!str_starts(version, STR("v")) || version.len > 8 ||
		!str_ends(version, STR(".0")))
		return err_set(err, ERR_CONF,
			"api_version: expected something like v66.0, found "
			"\"%s\"",
			c->api_version);
	if (!sf_is_name(str_c(c->key_field), false))
		return err_set(err, ERR_CONF,
			"key_field: \"%s\" is no field's name", c->key_field);
	if (c->budget_slow > c->budget_stop)
		return err_set(
			err, ERR_CONF, "budget_slow is more than budget_stop");
	if (c->auth == OAUTH_JWT && (!c->username || !c->key))
		return err_set(
			err, ERR_CONF, "auth = jwt needs username and key");
	if (c->auth == OAUTH_CLIENT_CREDENTIALS && !c->client_secret)
		return err_set(err, ERR_CONF,
			"auth = client_credentials needs client_secret");
	return 0;
}

static const struct target_driver driver;

const struct conf_schema sf_schema = {
	.keyword = "salesforce",
	.group = "target",
	.flags = CONF_TITLED,
	.size = sizeof(struct sf_conf),
	.fields = fields,
	.check = check,
	.driver = &driver,
	.help = "records in a Salesforce org",
};

static void copy_strings(struct arena *a, struct sf_conf *c)
{
	const char **strings[] = { &c->login_url, &c->client_id,
		&c->client_secret, &c->username, &c->key, &c->audience,
		&c->api_version, &c->key_field, &c->ca_file, &c->proxy };

	for (size_t i = 0; i < COUNT(strings); i++)
		*strings[i] = arena_strdup(a, *strings[i]);
}

static char *without_slash(struct arena *a, const char *url)
{
	struct str s = str_c(url);

	while (s.len > 0 && s.p[s.len - 1] == '/')
		s.len--;
	return arena_printf(a, "%.*s", STR_ARG(s));
}

static void read_conf(struct sf *sf, const struct sf_conf *conf)
{
	sf->conf = *conf;
	copy_strings(sf->arena, &sf->conf);
	sf->conf.login_url = without_slash(sf->arena, sf->conf.login_url);
	sf->oauth = (struct oauth_conf){ .way = (enum oauth_way)sf->conf.auth,
		.client_id = sf->conf.client_id,
		.client_secret = sf->conf.client_secret,
		.username = sf->conf.username,
		.key = sf->conf.key,
		.audience = sf->conf.audience ? sf->conf.audience
					      : sf->conf.login_url };
	sf->limits = (struct sf_limits){ .slow = sf->conf.budget_slow,
		.stop = sf->conf.budget_stop };
}

/* ---- what goes out ---------------------------------------------------- */

/* Has the loop call give_back() soon. Call with the lock held. */
static void ring(struct sf *sf)
{
	uint64_t one = 1;

	if (!sf->is_rung)
		must(file_write_all(sf->bell, &one, sizeof(one)) == 0);
	sf->is_rung = true;
}

void sf_give_job(struct sf *sf, struct target_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&sf->lock);
	*sf->jobs_out_last = job;
	sf->jobs_out_last = &job->next;
	ring(sf);
	pthread_mutex_unlock(&sf->lock);
}

void sf_give_ask(struct sf *sf, struct target_ask *ask)
{
	ask->next = NULL;
	pthread_mutex_lock(&sf->lock);
	*sf->asks_out_last = ask;
	sf->asks_out_last = &ask->next;
	ring(sf);
	pthread_mutex_unlock(&sf->lock);
}

/* In the loop's thread. */
static void give_back(struct sf *sf)
{
	struct target_job *job, *next_job;
	struct target_ask *ask, *next_ask;

	pthread_mutex_lock(&sf->lock);
	job = TAKE(sf->jobs_out);
	ask = TAKE(sf->asks_out);
	sf->jobs_out_last = &sf->jobs_out;
	sf->asks_out_last = &sf->asks_out;
	sf->is_rung = false;
	pthread_mutex_unlock(&sf->lock);
	for (; ask; ask = next_ask) {
		next_ask = ask->next;
		ask->done(ask);
	}
	for (; job; job = next_job) {
		next_job = job->next;
		job->done(job);
	}
}

/*
 * A bell (an eventfd) and not loop_post(): it can be taken down, so that
 * nothing of a closed target is left in the loop.
 */
static void on_bell(struct loop_io *io, unsigned events, void *ctx)
{
	struct sf *sf = ctx;
	uint64_t count;

	if (read(sf->bell, &count, sizeof(count)) < 0)
		return;
	give_back(sf);
}

/* ---- what comes in ---------------------------------------------------- */

static struct sf *of(struct target *t)
{
	return CONTAINER(t, struct sf, base);
}

static void apply(struct target *t, struct target_job *job)
{
	struct sf *sf = of(t);

	job->next = NULL;
	pthread_mutex_lock(&sf->lock);
	*sf->jobs_last = job;
	sf->jobs_last = &job->next;
	pthread_mutex_unlock(&sf->lock);
	httpc_wake(sf->http);
}

static void ask(struct target *t, struct target_ask *a)
{
	struct sf *sf = of(t);

	a->next = NULL;
	pthread_mutex_lock(&sf->lock);
	*sf->asks_last = a;
	sf->asks_last = &a->next;
	pthread_mutex_unlock(&sf->lock);
	httpc_wake(sf->http);
}

static void stats(struct target *t, struct target_stats *out)
{
	struct sf *sf = of(t);

	pthread_mutex_lock(&sf->lock);
	*out = sf->stats;
	pthread_mutex_unlock(&sf->lock);
}

void sf_count(struct sf *sf, bool is_retry)
{
	pthread_mutex_lock(&sf->lock);
	sf->stats.n_calls++;
	sf->stats.n_retries += is_retry;
	pthread_mutex_unlock(&sf->lock);
}

/* Returns: false when the target closes. */
static bool take_inbox(struct sf *sf)
{
	struct target_job *job, *next_job;
	struct target_ask *a, *next_ask;
	bool goes_on;

	pthread_mutex_lock(&sf->lock);
	job = TAKE(sf->jobs_in);
	a = TAKE(sf->asks_in);
	sf->jobs_last = &sf->jobs_in;
	sf->asks_last = &sf->asks_in;
	goes_on = !sf->is_stopping;
	pthread_mutex_unlock(&sf->lock);
	sf->is_closing = !goes_on;
	for (; a; a = next_ask) {
		next_ask = a->next;
		sf_ask_start(sf, a);
	}
	for (; job; job = next_job) {
		next_job = job->next;
		sf_job_start(sf, job);
	}
	return goes_on;
}

/* ---- the thread ------------------------------------------------------- */

void sf_wake_at(struct sf *sf, int64_t at)
{
	sf->wake_at = MIN(sf->wake_at, at);
}

void sf_go_on(struct sf *sf)
{
	struct list waiting;
	struct sf_job *j;

	list_init(&waiting);
	list_move_all(&waiting, &sf->wait_schema);
	while ((j = LIST_FIRST(&waiting, struct sf_job, link))) {
		list_del(&j->link);
		sf_job_go(j);
	}
	sf_asks_go_on(sf);
}

/* Gives back what would wait long for Salesforce's or the budget's sake. */
static void hold(struct sf *sf, int64_t wait_ms)
{
	char reason[160];

	if (wait_ms <= PAUSE_HELD_MS) {
		sf_wake_at(sf, sf->now + wait_ms);
		return;
	}
	if (sf->now < sf->limits.pause_until)
		snprintf(reason, sizeof(reason),
			"Salesforce asked for a pause of %lld s",
			(long long)wait_ms / 1000);
	else
		snprintf(reason, sizeof(reason),
			"%llu of %llu API calls are used, past budget_stop",
			(unsigned long long)sf->limits.used,
			(unsigned long long)sf->limits.max);
	sf_jobs_end(sf, wait_ms, str_c(reason));
	sf_asks_end(sf, wait_ms, str_c(reason));
}

static void note_budget(struct sf *sf, enum sf_budget budget)
{
	if (budget == sf->budget)
		return;
	log_event(budget == SF_BUDGET_FREE ? LOG_INFO : LOG_WARN,
		"target.budget", "target=%s state=%s used=%llu of=%llu",
		sf->base.name,
		budget == SF_BUDGET_FREE   ? "free"
		: budget == SF_BUDGET_SLOW ? "slow"
					   : "stop",
		(unsigned long long)sf->limits.used,
		(unsigned long long)sf->limits.max);
	sf->budget = budget;
}

static void tick(struct sf *sf)
{
	int64_t wait_ms = 0;
	enum sf_budget budget;

	sf->now = clock_mono_ms();
	sf->wake_at = sf->now + TICK_MAX_MS;
	take_inbox(sf);
	if (sf_jobs_are_waiting(sf) || sf_asks_are_waiting(sf)) {
		budget = sf_limits_check(&sf->limits, sf->now, &wait_ms);
		note_budget(sf, budget);
		if (budget == SF_BUDGET_STOP) {
			hold(sf, wait_ms);
			return;
		}
	}
	sf_asks_tick(sf);
	sf_jobs_tick(sf);
}

static bool is_stopping(struct sf *sf)
{
	bool is;

	pthread_mutex_lock(&sf->lock);
	is = sf->is_stopping;
	pthread_mutex_unlock(&sf->lock);
	return is;
}

static void *run(void *ctx)
{
	struct sf *sf = ctx;

	while (!is_stopping(sf)) {
		tick(sf);
		httpc_run(sf->http, MAX(sf->wake_at - clock_mono_ms(), 0));
	}
	sf->now = clock_mono_ms();
	sf->is_closing = true;
	return NULL;
}

/* Ends all that is under way; the thread is over. */
static void end_all(struct sf *sf)
{
	struct str why = STR("the target is closing");

	take_inbox(sf);
	sf_jobs_end(sf, 0, why);
	sf_asks_end(sf, 0, why);
	sf_session_fini(&sf->session);
	httpc_free(TAKE(sf->http));
	/* calls that ended by that may have handed on what they carried */
	sf_jobs_end(sf, 0, why);
	sf_asks_end(sf, 0, why);
}

static void free_sf(struct sf *sf)
{
	httpc_free(sf->http);
	loop_io_free(sf->bell_io);
	auto_fd(&sf->bell);
	sf_session_fini(&sf->session);
	if (sf->schema)
		sf_describe_fini(sf);
	sf_asks_fini(sf);
	pthread_mutex_destroy(&sf->lock);
	arena_free(sf->arena);
	free(sf);
}

static struct sf *new_sf(const struct conf_section *section, struct loop *loop)
{
	struct sf *sf = NEW(struct sf);

	sf->arena = arena_new();
	read_conf(sf, section->data);
	sf->base = (struct target){ .driver = &driver,
		.name = arena_strdup(sf->arena, section->title) };
	pthread_mutex_init(&sf->lock, NULL);
	sf->jobs_last = &sf->jobs_in;
	sf->asks_last = &sf->asks_in;
	sf->jobs_out_last = &sf->jobs_out;
	sf->asks_out_last = &sf->asks_out;
	sf->bell = -1;
	sf_session_init(&sf->session);
	list_init(&sf->wait_schema);
	list_init(&sf->delayed);
	list_init(&sf->looking.items);
	list_init(&sf->ready.items);
	list_init(&sf->uploads);
	list_init(&sf->asks_wait);
	sf->schema = map_new();
	sf->groups = map_new();
	sf->found = map_new();
	return sf;
}

/* Signals belong to the loop's thread. */
static int start_thread(struct sf *sf, struct err *err)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&sf->thread, NULL, run, sf);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return err_set(err, ERR_TEMP, "cannot start a thread");
	pthread_setname_np(sf->thread, "salesforce");
	return 0;
}

static int open_target(const struct conf_section *section, struct loop *loop,
	struct target **out, struct err *err)
{
	struct sf *sf = new_sf(section, loop);
	struct httpc_conf http = { .ca_file = sf->conf.ca_file,
		.proxy = sf->conf.proxy,
		.connect_ms = sf->conf.connect_ms,
		.stall_ms = sf->conf.timeout_ms,
		.max_connections = (unsigned)sf->conf.calls_max * 3 };

	if (oauth_check(&sf->oauth, err) || httpc_new(&http, &sf->http, err)) {
		free_sf(sf);
		return err_add(err, "salesforce \"%s\"", section->title);
	}
	sf->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sf->bell < 0) {
		err_sys(err, "salesforce \"%s\": eventfd", section->title);
		free_sf(sf);
		return -1;
	}
	sf->bell_io = loop_io_new(loop, sf->bell, LOOP_READ, on_bell, sf);
	if (start_thread(sf, err)) {
		free_sf(sf);
		return -1;
	}
	*out = &sf->base;
	return 0;
}

static void close_target(struct target *t)
{
	struct sf *sf = of(t);

	pthread_mutex_lock(&sf->lock);
	sf->is_stopping = true;
	pthread_mutex_unlock(&sf->lock);
	httpc_wake(sf->http);
	pthread_join(sf->thread, NULL);
	end_all(sf);
	give_back(sf);
	free_sf(sf);
}

static const struct target_driver driver = {
	.name = "salesforce",
	.schema = &sf_schema,
	.open = open_target,
	.apply = apply,
	.ask = ask,
	.stats = stats,
	.close = close_target,
};

const struct target_driver *target_salesforce(void)
{
	return &driver;
}
