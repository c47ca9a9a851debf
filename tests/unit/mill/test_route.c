/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_route.c - which recipients belong to which route. */
#include <mailmill/buf.h>
#include <mailmill/route.h>

#include "test.h"

static const struct conf_field none[] = { { 0 } };
static const struct conf_schema target_schema = { .keyword = "print",
	.group = "target",
	.flags = CONF_TITLED,
	.size = 1,
	.fields = none };
static const struct conf_schema *const schemas[] = { &route_schema,
	&target_schema, NULL };

static int load(const char *text, struct conf **c, struct route_table **t,
	struct err *err)
{
	if (conf_parse("f", str_c(text), schemas, NULL, NULL, c, err))
		return -1;
	return route_table_new(*c, '+', t, err);
}

TEST(finds_the_narrowest_route)
{
	static const struct {
		const char *name, *address, *route;
	} rows[] = {
		{ "an exact address", "support@example.org", "support" },
		{ "in any case", "SUPPORT@Example.ORG", "support" },
		{ "with an extension", "support+x+y@example.org", "support" },
		{ "an address with an own route for its extension",
			"support+vip@example.org", "vip" },
		{ "another of the domain", "ann@example.net", "net" },
		{ "no address has a domain of its own", "ann@sub.example.net",
			"rest" },
		{ "anything else", "x@y", "rest" },
		{ "an extension alone is no local part", "+x@example.org",
			"rest" },
		{ "a quoted at-sign", "\"a@b\"@example.net", "net" },
	};
	AUTO(conf) struct conf *c = NULL;
	AUTO(route_table) struct route_table *t = NULL;
	struct err err = { 0 };

	is_int(load("print \"p\" { }\n"
		    "route \"support\" { recipients = { "
		    "\"Support@example.org\" "
		    "} script = a target = p }\n"
		    "route \"vip\" { recipients = { "
		    "\"support+vip@example.org\" "
		    "} script = a target = p }\n"
		    "route \"net\" { recipients = { \"@example.net\" } script "
		    "= "
		    "a target = p }\n"
		    "route \"rest\" { recipients = { \"*\" } script = a target "
		    "= p }\n",
		       &c, &t, &err),
		0, "loads");
	is_c(err.text, "", "without error");
	for (size_t i = 0; t && i < COUNT(rows); i++)
		is_c(route_find(t, str_c(rows[i].address))->title,
			rows[i].route, rows[i].name);
}

TEST(refuses_what_cannot_be_meant)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "two routes for one address",
			"print \"p\" { }\nroute \"a\" { recipients = { \"x@y\" "
			"} "
			"script = s target = p }\nroute \"b\" { recipients = { "
			"\"X@y\" } script = s target = p }",
			"f:3: x@y is a recipient of route \"a\" and of route "
			"\"b\"" },
		{ "a target that is not there",
			"route \"a\" { recipients = { \"x@y\" } script = s "
			"target = q }",
			"there is no target \"q\"" },
		{ "no address",
			"print \"p\" { }\nroute \"a\" { recipients = { \"xy\" "
			"} "
			"script = s target = p }",
			"expected local@domain" },
		{ "no route", "print \"p\" { }", "there is no route" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(conf) struct conf *c = NULL;
		AUTO(route_table) struct route_table *t = NULL;
		struct err err = { 0 };
		is_int(load(rows[i].in, &c, &t, &err), -1, rows[i].name);
		has_text(err.text, rows[i].want, rows[i].name);
	}
}
