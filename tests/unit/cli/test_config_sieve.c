/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_config_sieve.c - a configuration that says nothing changes nothing. */
#include "../../../src/cli/config.h"
#include "../../../src/cli/config_sieve.h"
#include "test.h"

TEST(the_defaults_are_those_of_the_engine)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf one = BUF_INIT(100000), two = BUF_INIT(100000);
	AUTO(conf) struct conf *c = NULL;
	struct config_rules rules;
	struct err err = { 0 };

	is_int(conf_parse("t.conf", STR("state = \"s\"\n"), config_schemas(),
		       NULL, NULL, &c, &err),
		0, err.text);
	is_int(config_rules(c, a, &rules, &err), 0, err.text);
	is_true(rules.settings.hostname.len > 0, "the machine's name");
	rules.settings.hostname = STR_NULL;
	sieve_settings_encode(&one, &rules.settings);
	sieve_settings_encode(&two, sieve_settings_default());
	is_true(str_eq(buf_view(&one), buf_view(&two)), "the same");
}
