/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.h - the daemon's own options, and reading all of mailmill.conf. */
#ifndef MAILMILL_CLI_CONFIG_H
#define MAILMILL_CLI_CONFIG_H

#include <mailmill/conf.h>
#include <mailmill/mill.h>
#include <mailmill/store.h>
#include <mailmill/worker.h>

#define CONFIG_PATH "/etc/mailmill/mailmill.conf"

/* The options outside of all sections. */
struct config_top {
	const char *state; /* folder of store and control socket */
	const char *spool; /* folder for large mails on their way in, or NULL */
	const char *hostname;  /* as told to clients, or NULL: the machine's */
	uint64_t size_max;     /* of a message */
	const char *delimiter; /* between user and extension (RFC 5233) */
	int log;	       /* enum log_level */
	int64_t drain_ms;      /* how long a stop may take */
	mode_t control_mode;   /* of STATE/control */
	const char *control_group;
};
extern const struct conf_schema config_top_schema;

struct config_store {
	const char *driver;
	uint64_t reserve;
	int64_t queue_max;
	int64_t keep_bytes_ms, keep_journal_ms;
};
extern const struct conf_schema config_store_schema;

struct config_worker {
	int64_t processes;
	int isolation;
	int64_t batch_max;
	uint64_t memory;
	int64_t time_ms;
};
extern const struct conf_schema config_worker_schema;

struct config_mill {
	int64_t in_flight;
	int64_t lease_ms, retry_min_ms, retry_max_ms, away_ms, give_up_ms;
	const char *thread_keys; /* file:PATH and so on */
};
extern const struct conf_schema config_mill_schema;

struct config_outbox {
	int64_t max, route_max, reply_max; /* an hour */
	int64_t retry_min_ms, retry_max_ms, give_up_ms;
};
extern const struct conf_schema config_outbox_schema;

/*
 * Reads a configuration with the sections of all sources and targets, and
 * checks what takes several sections to see (routes and their targets).
 * Gives: *out, by conf_free(). Returns: 0, or -1 with *err; each error was
 * given to fn.
 */
MUST_CHECK int config_load(const char *path, conf_error_fn fn, void *ctx,
	struct conf **out, struct err *err);
/*
 * Reads the keys of tokens that a configuration names.
 * Gives: *out, by token_keys_free(), or NULL: it names none.
 * Returns: 0, or -1 with *err.
 */
struct token_keys;
MUST_CHECK int config_token_keys(
	struct conf *conf, struct token_keys **out, struct err *err);
/* Lists all schemas, ended by NULL: for the manual's test and completion. */
const struct conf_schema *const *config_schemas(void);
/* Fills store options from a configuration. */
void config_store_options(const struct conf *c, struct store_options *out);
/* Gets an error and prints it to standard error. */
void config_print_error(const char *message, void *ctx);

#endif
