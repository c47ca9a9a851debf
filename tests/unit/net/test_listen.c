/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_listen.c - networks and who is in them. */
#include <arpa/inet.h>

#include <mailmill/listen.h>

#include "test.h"

static struct listen_peer peer_of(const char *ip)
{
	struct listen_peer p = { 0 };

	if (strcmp(ip, "unix") == 0) {
		p.is_unix = true;
	} else if (inet_pton(AF_INET, ip, p.ip + 12) == 1) {
		p.ip[10] = p.ip[11] = 0xff;
	} else {
		must(inet_pton(AF_INET6, ip, p.ip) == 1);
	}
	return p;
}

TEST(networks_hold_their_own)
{
	static const struct {
		const char *net, *ip;
		bool has;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.129", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "203.0.113.9", true },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::1", "::1", true },
		{ "unix", "unix", true },
		{ "unix", "127.0.0.1", false },
		{ "::/0", "unix", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listen_peer p = peer_of(rows[i].ip);
		struct listen_net n;
		is_int(listen_net_parse(str_c(rows[i].net), &n), 0,
			rows[i].net);
		is_int(listen_net_has(&n, &p), rows[i].has, rows[i].net);
	}
}

TEST(what_is_no_network_is_refused)
{
	static const char *const rows[] = { "", "/", "192.0.2.0/33",
		"192.0.2/24", "::/129", "192.0.2.1/", "192.0.2.1/-1", "host",
		"192.0.2.1/24/3" };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listen_net n;
		is_int(listen_net_parse(str_c(rows[i]), &n), -1, rows[i]);
	}
}
