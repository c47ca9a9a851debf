/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_environment.c - what surrounds an evaluation (RFC 5183), with the items
 * and the namespace of vnd.dovecot.environment.
 *
 * An item that is not known, or not known for this mail, makes every test
 * false; one that is empty still has a value. Items that the operator set come
 * first, so that he may also say what the standard ones are.
 */
#include <arpa/inet.h>

#include "../sieve_private.h"

#define CONFIG "vnd.dovecot.config."

extern const struct sieve_ext sieve_ext_vnd_environment;

static bool get_domain(struct sieve_run *r, struct str *out)
{
	const struct sieve_settings *s = r->settings;
	ssize_t dot = str_chr(s->hostname, '.');

	*out = s->domain;
	if (!out->len && dot >= 0)
		*out = str_sub(s->hostname, (size_t)dot + 1, SIZE_MAX);
	return out->len > 0;
}

static bool get_host(struct sieve_run *r, struct str *out)
{
	*out = r->settings->hostname;
	return out->len > 0;
}

static bool get_location(struct sieve_run *r, struct str *out)
{
	*out = r->host ? STR("MS") : STR("MDA");
	return true;
}

static bool get_name(struct sieve_run *r, struct str *out)
{
	(void)r;
	*out = STR("mailmill");
	return true;
}

static bool get_phase(struct sieve_run *r, struct str *out)
{
	(void)r;
	*out = STR("during");
	return true;
}

static bool get_version(struct sieve_run *r, struct str *out)
{
	(void)r;
	*out = STR(MAILMILL_VERSION);
	return true;
}

static bool is_ip(struct sieve_run *r, struct str s)
{
	unsigned char ip[16];
	const char *text = arena_printf(r->arena, "%.*s", STR_ARG(s));

	return s.len <= INET6_ADDRSTRLEN &&
	       (inet_pton(AF_INET, text, ip) == 1 ||
		       inet_pton(AF_INET6, text, ip) == 1);
}

static struct str cut_port(struct str peer)
{
	ssize_t end = str_rchr(peer, ':');

	return end < 0 ? peer : str_sub(peer, 0, (size_t)end);
}

/* Of "192.0.2.1:4711", "[2001:db8::1]:4711", and as XCLIENT has them. */
static bool get_remote_ip(struct sieve_run *r, struct str *out)
{
	struct str peer = r->env ? r->env->peer : STR_NULL;
	bool has_word = str_starts_case(peer, STR("IPV6:"));
	ssize_t end = str_chr(peer, ']');

	if (has_word)
		peer = str_sub(peer, 5, SIZE_MAX);
	*out = peer;
	if (str_starts(peer, STR("[")) && end > 0)
		*out = str_sub(peer, 1, (size_t)end - 1);
	else if (has_word || !is_ip(r, peer))
		*out = cut_port(peer);
	if (is_ip(r, *out))
		return true;
	*out = peer;
	return is_ip(r, *out);
}

/* Nobody has looked up the client's name, and what it says proves nothing. */
static bool get_remote_host(struct sieve_run *r, struct str *out)
{
	(void)r;
	(void)out;
	return false;
}

static bool get_default_mailbox(struct sieve_run *r, struct str *out)
{
	*out = r->settings->default_folder;
	return true;
}

static bool get_username(struct sieve_run *r, struct str *out)
{
	*out = r->env ? sieve_owner(r) : STR("");
	return true;
}

struct item {
	const char *name;
	bool is_dovecot;
	/* Returns: false when there is no value for this mail. */
	bool (*get)(struct sieve_run *r, struct str *out);
};

static const struct item items[] = {
	{ "domain", false, get_domain },
	{ "host", false, get_host },
	{ "location", false, get_location },
	{ "name", false, get_name },
	{ "phase", false, get_phase },
	{ "remote-host", false, get_remote_host },
	{ "remote-ip", false, get_remote_ip },
	{ "version", false, get_version },
	{ "vnd.dovecot.default-mailbox", true, get_default_mailbox },
	{ "vnd.dovecot.username", true, get_username },
};

/* Compares names; a variable writes '_' where an item has '-'. */
static bool is_name(struct str name, struct str item, bool is_variable)
{
	if (!is_variable)
		return str_eq_case(name, item);
	if (name.len != item.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!str_eq_case(str_sub(name, i, 1), str_sub(item, i, 1)) &&
			(name.p[i] != '_' || item.p[i] != '-'))
			return false;
	return true;
}

static bool find_configured(const struct sieve_settings *s, struct str name,
	bool is_variable, struct str *out)
{
	for (size_t i = 0; i < s->n_environment; i++)
		if (is_name(name, s->environment[i].name, is_variable)) {
			*out = s->environment[i].value;
			return true;
		}
	return false;
}

/* Tells whether the rule at hand asked for the items of the other engine. */
static bool has_dovecot(const struct sieve_run *r);

static bool find_item(
	struct sieve_run *r, struct str name, bool is_variable, struct str *out)
{
	bool is_dovecot = is_variable || has_dovecot(r);

	if (find_configured(r->settings, name, is_variable, out))
		return true;
	if (is_dovecot && str_starts_case(name, STR(CONFIG)))
		return find_configured(r->settings,
			str_sub(name, strlen(CONFIG), SIZE_MAX), is_variable,
			out);
	for (size_t i = 0; i < COUNT(items); i++)
		if ((is_dovecot || !items[i].is_dovecot) &&
			is_name(name, str_c(items[i].name), is_variable))
			return items[i].get(r, out);
	return false;
}

static int test_environment(struct sieve_run *r, const struct sieve_node *n)
{
	struct str name, value;
	int rc = sieve_arg_get(r, n->positional[0], &name);

	if (rc < 0)
		return rc;
	if (!find_item(r, name, false, &value))
		return 0;
	return sieve_match_counted(r, n, &value, 1, value.len > 0);
}

static const struct sieve_word words[] = {
	{ .name = "environment",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "name of an item", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.test = test_environment },
	{ 0 },
};

const struct sieve_ext sieve_ext_environment = {
	.capability = "environment",
	.words = words,
};

/*
 * vnd.dovecot.environment
 */

static int check_env(struct sieve_check *c, struct sieve_ref *ref)
{
	if (!str_starts_case(ref->name, STR("env.")))
		return 0;
	ref->data = arena_alloc(sieve_check_arena(c), sizeof(struct str));
	*(struct str *)ref->data = str_sub(ref->name, 4, SIZE_MAX);
	return 1;
}

static int get_env(
	struct sieve_run *r, const struct sieve_ref *ref, struct str *out)
{
	if (!find_item(r, *(const struct str *)ref->data, true, out))
		*out = STR("");
	return 0;
}

static int note_dovecot(struct sieve_check *c)
{
	sieve_check_state(c, &sieve_ext_vnd_environment, sizeof(bool));
	return 0;
}

static bool has_dovecot(const struct sieve_run *r)
{
	return sieve_run_script_state(r, &sieve_ext_vnd_environment);
}

static const char *const implied[] = { "environment", NULL };

const struct sieve_ext sieve_ext_vnd_environment = {
	.capability = "vnd.dovecot.environment",
	.implies = implied,
	.ref_check = check_env,
	.ref_get = get_env,
	.check_script = note_dovecot,
};
