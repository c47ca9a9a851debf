/* SPDX-License-Identifier: GPL-3.0-or-later */
/* managed.c - what the commands share about ManageSieve's files. */
#include "managed.h"

#include "config.h"
#include "rulefile.h"

/* How many errors of a script are told to a client, as editors show them. */
#define TOLD_MAX 5

static char *in_state(const struct conf *c, const char *path, const char *name)
{
	const struct config_top *top = conf_data(c, &config_top_schema);

	return path ? mem_strdup(path) : mem_printf("%s/%s", top->state, name);
}

char *managed_accounts(const struct conf *c)
{
	const struct manage_conf *m = conf_data(c, &manage_schema);

	return in_state(c, m->accounts, "accounts");
}

void managed_options(
	const struct conf *c, struct manage_scripts_options *out, char **folder)
{
	const struct manage_conf *m = conf_data(c, &manage_schema);

	*folder = in_state(c, m->scripts, "scripts");
	*out = (struct manage_scripts_options){
		.folder = *folder,
		.scripts_max = (unsigned)m->max_scripts,
		.versions_max = (unsigned)m->versions,
		.script_len = m->script_size,
		.quota = m->quota,
	};
}

int managed_active(
	const struct conf *c, const char *route, char **out, struct err *err)
{
	AUTO(manage_scripts) struct manage_scripts *s = NULL;
	AUTO(bytes) char *folder = NULL;
	struct manage_scripts_options o;

	managed_options(c, &o, &folder);
	s = manage_scripts_new(&o);
	return manage_scripts_active(s, route, out, err);
}

static void add_finding(
	struct buf *out, struct str name, const struct sieve_diag *d)
{
	buf_printf(out, "%s%.*s: line %u: %s: %.*s", out->len ? "\r\n" : "",
		STR_ARG(name), d->line,
		d->severity == SIEVE_ERROR ? "error" : "warning",
		STR_ARG(d->message));
	if (d->hint.len)
		buf_printf(out, " (%.*s)", STR_ARG(d->hint));
}

static size_t count(const struct sieve_diags *diags, enum sieve_severity which)
{
	size_t n = 0;

	for (size_t i = 0; i < diags->n; i++)
		n += diags->items[i].severity == which;
	return n;
}

int managed_check(const struct config_rules *rules, const char *path,
	struct str name, struct str source, struct buf *findings)
{
	AUTO(arena) struct arena *a = arena_new();
	struct rulefile file = { 0 };
	struct sieve_diags diags = { .arena = a };
	int rc = rulefile_compile(&file, path, source, rules, true, &diags);
	enum sieve_severity which = rc ? SIEVE_ERROR : SIEVE_WARNING;
	size_t n = count(&diags, which), told = 0;

	rulefile_fini(&file);
	for (size_t i = 0; i < diags.n && told < TOLD_MAX; i++) {
		if (diags.items[i].severity != which)
			continue;
		add_finding(findings, name, &diags.items[i]);
		told++;
	}
	if (n > told)
		buf_printf(findings, "\r\n%.*s: and %zu more", STR_ARG(name),
			n - told);
	if (rc)
		return MANAGE_INVALID;
	return n ? MANAGE_WARNINGS : MANAGE_DONE;
}
