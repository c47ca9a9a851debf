/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf.c - the section managesieve { }. */
#include <mailmill/manage.h>

static const char *const clear_words[] = { "never", "loopback", "always",
	NULL };

#define AT(member) offsetof(struct manage_conf, member)

static const struct conf_field fields[] = {
	{ "listen", CONF_ADDR, AT(listen), "127.0.0.1:4190",
		.help = "where script editors connect" },
	{ "mode", CONF_MODE, AT(mode), "0660", .help = "of a Unix socket" },
	{ "group", CONF_STR, AT(group), .help = "of a Unix socket" },
	{ "certificate", CONF_PATH, AT(certificate),
		.help = "certificate and its chain (PEM), for STARTTLS" },
	{ "key", CONF_PATH, AT(key), .help = "its private key (PEM)" },
	{ "cleartext", CONF_WORD, AT(clear), "loopback", .words = clear_words,
		.help = "who may tell a password without TLS" },
	{ "accounts", CONF_PATH, AT(accounts),
		.help = "file of accounts; STATE/accounts" },
	{ "scripts", CONF_PATH, AT(scripts),
		.help = "folder of scripts; STATE/scripts" },
	{ "max_scripts", CONF_INT, AT(max_scripts), "100", 1, 1000,
		.help = "scripts that a route may have" },
	{ "versions", CONF_INT, AT(versions), "50", 1, 10000,
		.help = "versions of each that are kept" },
	{ "script_size", CONF_SIZE, AT(script_size), "1M", 1024, 16 << 20,
		.help = "the largest script that is taken" },
	{ "quota", CONF_SIZE, AT(quota), "16M", 1024, 1LL << 40,
		.help = "what a route's scripts may have together" },
	{ "max_clients", CONF_INT, AT(max_clients), "50", 1, 10000,
		.help = "connections at once" },
	{ "max_clients_per_peer", CONF_INT, AT(max_clients_per_peer), "10", 1,
		10000, .help = "of one address" },
	{ "max_errors", CONF_INT, AT(max_errors), "20", 1, 1000,
		.help = "wrong commands before a connection is closed" },
	{ "login_time", CONF_SPAN, AT(login_ms), "2m", 100, 3600000,
		.help = "time that a connection has to log in" },
	{ "idle", CONF_SPAN, AT(idle_ms), "35m", 100, 86400000,
		.help = "time that it may be silent then" },
	{ 0 },
};

static int check(const struct conf_section *s, struct err *err)
{
	const struct manage_conf *c = s->data;

	if (!c->certificate != !c->key)
		return err_set(err, ERR_CONF,
			"managesieve: certificate and key belong together");
	return 0;
}

const struct conf_schema manage_schema = {
	.keyword = "managesieve",
	.flags = CONF_SINGLE,
	.size = sizeof(struct manage_conf),
	.fields = fields,
	.check = check,
	.help = "ManageSieve, off without this section",
};
