/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_sieve.h - how an operator wants rules to be understood. */
#ifndef MAILMILL_CLI_CONFIG_SIEVE_H
#define MAILMILL_CLI_CONFIG_SIEVE_H

#include <mailmill/conf.h>
#include <mailmill/sieve.h>

/* The schemas of what concerns rules: sieve, authentication, spamtest,
 * virustest, list. */
extern const struct conf_schema config_sieve_schema,
	config_authentication_schema, config_spamtest_schema,
	config_virustest_schema, config_list_schema;

struct config_authentication {
	struct conf_list trusted, resolver;
	bool is_checking;
};

/* What rules get beside their text. */
struct config_rules {
	struct sieve_settings settings; /* without find */
	const char *includes;		/* folder of :global scripts, or NULL */
};

/*
 * Makes the settings of a configuration and reads the files of its lists; NULL:
 * what holds without a configuration.
 * Lends: in `a` and the configuration. Returns: 0, or -1 with *err that names
 * file and line.
 */
MUST_CHECK int config_rules(const struct conf *c, struct arena *a,
	struct config_rules *out, struct err *err);

#endif
