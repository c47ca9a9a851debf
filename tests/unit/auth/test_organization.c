/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_organization.c - the domain that an organization has registered. */
#include <mailmill/auth.h>

#include "../../lib/test.h"

static const struct row {
	const char *name, *in, *out;
} rows[] = {
	{ "itself", "example.com", "example.com" },
	{ "below", "a.b.example.com", "example.com" },
	{ "a suffix of two labels", "mail.example.co.uk", "example.co.uk" },
	{ "a suffix itself", "co.uk", "co.uk" },
	{ "case and the last dot", "Mail.EXAMPLE.com.", "example.com" },
	{ "a suffix that nobody knows", "a.b.c.invalid", "c.invalid" },
	{ "a wildcard", "a.foo.bar.ck", "foo.bar.ck" },
	{ "its exception", "mail.www.ck", "www.ck" },
	{ "a private suffix", "x.ann.github.io", "ann.github.io" },
	{ "U-labels",
		"x.b\xc3\xbc"
		"cher.de",
		"xn--bcher-kva.de" },
	{ "a suffix in U-labels", "x.foo.\xe5\x85\xac\xe5\x8f\xb8.cn",
		"foo.xn--55qx5d.cn" },
	{ "the same in A-labels", "x.foo.XN--55QX5D.cn", "foo.xn--55qx5d.cn" },
	{ "an address", "192.0.2.1", "192.0.2.1" },
	{ "an address literal", "[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]" },
	{ "one label", "localhost", "localhost" },
	{ "nothing", "", "" },
	{ "no domain", "a..b", "a..b" },
	{ "no UTF-8", "a.\xff.com", "a.\xef\xbf\xbd.com" },
};

TEST(is_found)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(rows); i++)
		is_str(auth_organization(a, str_c(rows[i].in)), rows[i].out,
			rows[i].name);
}
