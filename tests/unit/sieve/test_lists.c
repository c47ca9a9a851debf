/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_lists.c - lists, items and zones that settings and machine give. */
#include <stdlib.h>
#include <time.h>

#include <mailmill/clock.h>
#include <mailmill/wire.h>

#include "script.h"

#define MANY 10000

static const char mail_small[] = "From: user7@example.org\r\n"
				 "Date: Mon, 20 Jul 2009 21:44:43 +0300\r\n"
				 "X-Winter: Tue, 20 Jan 2009 21:44:43 +0300\r\n"
				 "\r\nx\r\n";

static void fill(struct arena *a, struct sieve_list *list)
{
	list->name = STR("tag:example.org,2026:all");
	list->members = arena_array(a, MANY, sizeof(*list->members));
	for (int i = 0; i < MANY; i++)
		list->members[i] = str_c(
			arena_printf(a, "User%d@example.org", i));
	list->n_members = MANY;
}

TEST(a_long_list_costs_few_steps)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();
	struct sieve_list list = { 0 };

	fill(a, &list);
	settings.lists = &list;
	settings.n_lists = 1;
	settings.limits.steps = 50;
	run_with(&settings,
		"require \"extlists\"; if address :list \"from\" "
		"\"tag:example.org,2026:all\" { discard; }",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "discard", "found");
	run_with(&settings,
		"require [\"extlists\", \"variables\"]; set \"n\" \"all\"; "
		"if not string :list \"user10000@example.org\" "
		"\"tag:example.org,2026:${n}\" { discard; }",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out), "discard", "not found, by a variable's name");
	run_with(&settings,
		"require \"extlists\"; redirect :list "
		"\"tag:example.org,2026:all\";",
		str_c(mail_small), NULL, &out);
	is_str(buf_view(&out),
		"fail: t.sieve: line 1: redirect: list "
		"'tag:example.org,2026:all' has 10000 members, which is not 1 "
		"to 100",
		"too many to redirect to");
}

TEST(settings_pass_the_wire)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf one = BUF_INIT(OUT_MAX), two = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default(), got;
	struct sieve_item item = { STR("x"), STR("y") };
	struct sieve_field_rule rule = { STR("X-A"), true, false };
	struct sieve_list list = { 0 };
	struct wire_in w;

	fill(a, &list);
	settings.lists = &list;
	settings.environment = &item;
	settings.field_rules = &rule;
	settings.n_lists = settings.n_environment = settings.n_field_rules = 1;
	settings.spam.status = STR("X-Spam");
	settings.spam.texts[10] = STR("spam");
	sieve_settings_encode(&one, &settings);
	w = (struct wire_in){ .in = buf_view(&one) };
	sieve_settings_decode(a, &w, &got);
	is_true(wire_is_done(&w), "all is read");
	sieve_settings_encode(&two, &got);
	is_true(str_eq(buf_view(&one), buf_view(&two)), "the same");
}

TEST(items)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	struct sieve_settings settings = *sieve_settings_default();
	struct sieve_item items[] = {
		{ STR("vnd.example.tier"), STR("gold") },
		{ STR("phase"), STR("post") },
		{ STR("empty"), STR("") },
	};
	static const struct {
		const char *name, *test;
		const char *peer;
	} rows[] = {
		{ "by its name", "\"vnd.example.tier\" \"gold\"", "" },
		{ "as config item",
			"\"vnd.dovecot.config.vnd.example.tier\" \"gold\"",
			"" },
		{ "before the standard ones", "\"phase\" \"post\"", "" },
		{ "empty is there", ":contains \"empty\" \"\"", "" },
		{ "IPv4", "\"remote-ip\" \"192.0.2.1\"", "192.0.2.1:4711" },
		{ "IPv4 without port", "\"remote-ip\" \"192.0.2.1\"",
			"192.0.2.1" },
		{ "IPv6", "\"remote-ip\" \"2001:db8::1\"",
			"[2001:db8::1]:4711" },
		{ "IPv6 of XCLIENT", "\"remote-ip\" \"2001:db8::1\"",
			"IPV6:2001:db8::1:4711" },
		{ "location", "\"location\" \"MDA\"", "" },
		{ "host", "\"host\" \"mx.example.org\"", "" },
		{ "domain", "\"domain\" \"example.org\"", "" },
	};

	settings.environment = items;
	settings.n_environment = COUNT(items);
	settings.hostname = STR("mx.example.org");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct envelope env = { .peer = str_c(rows[i].peer) };
		AUTO(buf) struct buf source = BUF_INIT(OUT_MAX);

		buf_printf(&source,
			"require \"vnd.dovecot.environment\"; if environment "
			"%s { discard; }",
			rows[i].test);
		buf_byte(&source, 0);
		run_with(&settings, source.p, str_c(mail_small), &env, &out);
		is_str(buf_view(&out), "discard", rows[i].name);
	}
}

static void expect_zone(const char *zone, const char *field, const char *want)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX),
			     source = BUF_INIT(OUT_MAX);

	setenv("TZ", zone, 1);
	tzset();
	buf_printf(&source,
		"require [\"date\", \"variables\", \"fileinto\"]; "
		"if date :matches \"%s\" \"iso8601\" \"*\" "
		"{ fileinto \"${0}\"; }",
		field);
	buf_byte(&source, 0);
	run_with(NULL, source.p, str_c(mail_small), NULL, &out);
	buf_byte(&out, 0);
	has_text(out.p, want, zone);
}

TEST(the_local_zone_is_that_of_the_date)
{
	expect_zone("Europe/Berlin", "date", "2009-07-20T20:44:43+02:00");
	expect_zone("Europe/Berlin", "x-winter", "2009-01-20T19:44:43+01:00");
	expect_zone("Asia/Kathmandu", "date", "2009-07-21T00:29:43+05:45");
	expect_zone("America/New_York", "date", "2009-07-20T14:44:43-04:00");
	expect_zone("UTC", "date", "2009-07-20T18:44:43Z");
}
