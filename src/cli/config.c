/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.c - the daemon's own options, and reading all of mailmill.conf. */
#include <stdio.h>

#include <mailmill/log.h>
#include <mailmill/manage.h>
#include <mailmill/relay.h>
#include <mailmill/route.h>
#include <mailmill/source.h>
#include <mailmill/target.h>
#include <mailmill/token.h>

#include "config.h"
#include "config_sieve.h"

#define SCHEMAS_MAX 64

static const char *const log_words[] = { "error", "warn", "info", "debug",
	NULL };
static const char *const isolation_words[] = { "batch", "message", NULL };

#define AT(type, member) offsetof(struct config_##type, member)

static const struct conf_field top_fields[] = {
	{ "state", CONF_PATH, AT(top, state), "/var/lib/mailmill",
		.help = "folder of the store and the control socket" },
	{ "spool", CONF_PATH, AT(top, spool),
		.help = "folder for large mails on their way in; the state's" },
	{ "hostname", CONF_STR, AT(top, hostname),
		.help = "the name told to clients; this machine's" },
	{ "size_max", CONF_SIZE, AT(top, size_max), "50M", 1024, 1LL << 31,
		.help = "the largest message that is taken" },
	{ "delimiter", CONF_STR, AT(top, delimiter), "+",
		.help = "what parts user and extension in an address" },
	{ "log", CONF_WORD, AT(top, log), "info", .words = log_words,
		.flags = CONF_RELOAD,
		.help = "what is told on standard error" },
	{ "drain", CONF_SPAN, AT(top, drain_ms), "30s", 0, 3600000,
		.help = "how long a stop may wait for what is under way" },
	{ "control_mode", CONF_MODE, AT(top, control_mode), "0660",
		.help = "mode of the socket that mailmill queue talks to" },
	{ "control_group", CONF_STR, AT(top, control_group),
		.help = "group of that socket" },
	{ 0 },
};
const struct conf_schema config_top_schema = {
	.flags = CONF_TOP,
	.size = sizeof(struct config_top),
	.fields = top_fields,
	.help = "options outside of all sections",
};

static const struct conf_field store_fields[] = {
	{ "driver", CONF_STR, AT(store, driver), "sqlite",
		.help = "sqlite; memory keeps nothing and is for tests" },
	{ "reserve", CONF_SIZE, AT(store, reserve), "100M", 0, 1LL << 40,
		.help = "free disk space below which mail is refused (452)" },
	{ "queue_max", CONF_INT, AT(store, queue_max), "1000000", 1, 1000000000,
		.help = "waiting deliveries above which mail is refused" },
	{ "keep_bytes", CONF_SPAN, AT(store, keep_bytes_ms), "30d",
		.help = "how long the bytes of done messages are kept" },
	{ "keep_journal", CONF_SPAN, AT(store, keep_journal_ms), "180d",
		.help = "how long their history is kept" },
	{ 0 },
};
const struct conf_schema config_store_schema = {
	.keyword = "store",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_store),
	.fields = store_fields,
	.help = "the durable queue and journal",
};

static const struct conf_field worker_fields[] = {
	{ "processes", CONF_INT, AT(worker, processes), "2", 1, 256,
		.help = "workers that parse and evaluate" },
	{ "isolation", CONF_WORD, AT(worker, isolation), "message",
		.words = isolation_words,
		.help = "a fresh process a message, or one for many" },
	{ "batch_max", CONF_INT, AT(worker, batch_max), "1000", 1, 1000000,
		.help = "messages before a worker is replaced" },
	{ "memory", CONF_SIZE, AT(worker, memory), "1G", 64 << 20, 1LL << 40,
		.help = "address space of a worker" },
	{ "time", CONF_SPAN, AT(worker, time_ms), "10s", 100, 600000,
		.help = "time that one message may take" },
	{ 0 },
};
const struct conf_schema config_worker_schema = {
	.keyword = "worker",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_worker),
	.fields = worker_fields,
	.help = "the sandboxed processes",
};

static const struct conf_field mill_fields[] = {
	{ "in_flight", CONF_INT, AT(mill, in_flight), "300", 1, 10000,
		.help = "deliveries worked on at once" },
	{ "lease", CONF_SPAN, AT(mill, lease_ms), "15m", 60000, 86400000,
		.help = "after it, an unfinished delivery is due again" },
	{ "retry_min", CONF_SPAN, AT(mill, retry_min_ms), "1s", 10, 3600000,
		.help = "first wait before a delivery is tried again" },
	{ "retry_max", CONF_SPAN, AT(mill, retry_max_ms), "10m", 10, 86400000,
		.help = "longest wait" },
	{ "away", CONF_SPAN, AT(mill, away_ms), "20s", 10, 3600000,
		.help = "rest of a target that fails over and over" },
	{ "give_up", CONF_SPAN, AT(mill, give_up_ms), "0",
		.help = "age at which a delivery that can't be done dies; "
			"0: never" },
	{ "thread_keys", CONF_STR, AT(mill, thread_keys),
		.help = "where the keys of tokens are; none: no token counts" },
	{ 0 },
};
const struct conf_schema config_mill_schema = {
	.keyword = "mill",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_mill),
	.fields = mill_fields,
	.help = "the pipeline",
};

static const struct conf_field outbox_fields[] = {
	{ "max_per_hour", CONF_INT, AT(outbox, max), "10000", 0, 1000000000,
		.help = "mails that rules may send in an hour; 0: no limit" },
	{ "max_per_route", CONF_INT, AT(outbox, route_max), "5000", 0,
		1000000000, .help = "the same of one route" },
	{ "max_replies", CONF_INT, AT(outbox, reply_max), "20", 0, 1000000000,
		.help = "answers to one sender in an hour" },
	{ "retry_min", CONF_SPAN, AT(outbox, retry_min_ms), "30s", 10, 86400000,
		.help = "first wait before one is tried again" },
	{ "retry_max", CONF_SPAN, AT(outbox, retry_max_ms), "1h", 10, 86400000,
		.help = "longest wait" },
	{ "give_up", CONF_SPAN, AT(outbox, give_up_ms), "5d",
		.help = "age at which one that can't be sent is dead; "
			"0: never" },
	{ 0 },
};
const struct conf_schema config_outbox_schema = {
	.keyword = "outbox",
	.flags = CONF_SINGLE,
	.size = sizeof(struct config_outbox),
	.fields = outbox_fields,
	.help = "limits of what rules send",
};

const struct conf_schema *const *config_schemas(void)
{
	static const struct conf_schema *all[SCHEMAS_MAX];
	size_t n = 0;

	if (all[0])
		return all;
	all[n++] = &config_top_schema;
	all[n++] = &config_store_schema;
	all[n++] = &config_worker_schema;
	all[n++] = &config_mill_schema;
	all[n++] = &manage_schema;
	all[n++] = &config_outbox_schema;
	all[n++] = &relay_schema;
	all[n++] = &config_sieve_schema;
	all[n++] = &config_authentication_schema;
	all[n++] = &config_spamtest_schema;
	all[n++] = &config_virustest_schema;
	all[n++] = &config_list_schema;
	for (const struct source_driver *const *d = source_drivers(); *d; d++)
		all[n++] = (*d)->schema;
	for (const struct target_driver *const *d = target_drivers(); *d; d++)
		all[n++] = (*d)->schema;
	all[n++] = &route_schema;
	must(n < SCHEMAS_MAX);
	return all;
}

int config_load(const char *path, conf_error_fn fn, void *ctx,
	struct conf **out, struct err *err)
{
	AUTO(conf) struct conf *c = NULL;
	AUTO(route_table) struct route_table *routes = NULL;
	const struct config_top *top;

	if (conf_load(path, config_schemas(), fn, ctx, &c, err))
		return -1;
	top = conf_data(c, &config_top_schema);
	if (route_table_new(c, top->delimiter[0], &routes, err)) {
		if (fn)
			fn(err->text, ctx);
		return -1;
	}
	*out = TAKE(c);
	return 0;
}

void config_store_options(const struct conf *c, struct store_options *out)
{
	const struct config_top *top = conf_data(c, &config_top_schema);
	const struct config_store *s = conf_data(c, &config_store_schema);

	out->path = top->state;
	out->reserve = s->reserve;
	out->queue_max = (uint64_t)s->queue_max;
	out->keep_bytes_ms = s->keep_bytes_ms;
	out->keep_journal_ms = s->keep_journal_ms;
}

void config_print_error(const char *message, void *ctx)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

int config_token_keys(
	struct conf *conf, struct token_keys **out, struct err *err)
{
	const struct config_mill *m = conf_data(conf, &config_mill_schema);
	char *text = NULL;
	int rc;

	*out = NULL;
	if (!m->thread_keys)
		return 0;
	if (conf_secret(m->thread_keys, &text, err) < 0)
		return err_add(err, "mill: thread_keys");
	rc = token_keys_read(str_c(text), m->thread_keys, out, err);
	explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}
