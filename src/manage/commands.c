/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - the commands of ManageSieve, one function each (RFC 5804 §2).
 */
#include "session.h"

#define FINDINGS_MAX ((size_t)32 * 1024)

static struct str argument(const struct manage *m, size_t n)
{
	return n + 1 < m->lex.n ? lex_text(&m->lex, n + 1) : STR_NULL;
}

/* Says how a request ended. */
static void say_outcome(struct manage *m, int rc, const struct buf *findings,
	const struct err *err)
{
	static const struct {
		int rc;
		const char *word, *code, *text;
	} table[] = {
		{ MANAGE_DONE, "OK", NULL, "done" },
		{ MANAGE_NONEXISTENT, "NO", "NONEXISTENT",
			"there is no script of that name" },
		{ MANAGE_EXISTS, "NO", "ALREADYEXISTS",
			"there is a script of that name" },
		{ MANAGE_ACTIVE, "NO", "ACTIVE", "the script is active" },
		{ MANAGE_TOO_MANY, "NO", "QUOTA/MAXSCRIPTS",
			"no more scripts can be kept" },
		{ MANAGE_TOO_BIG, "NO", "QUOTA/MAXSIZE",
			"the script is too large" },
		{ MANAGE_OVER_QUOTA, "NO", "QUOTA",
			"the scripts are too large together" },
		{ MANAGE_UNMANAGED, "NO", NULL,
			"the route takes its rules from a file: its section "
			"in mailmill.conf wants \"managed = yes\"" },
	};

	if (rc == MANAGE_INVALID || rc == MANAGE_WARNINGS) {
		manage_say(m, rc == MANAGE_INVALID ? "NO" : "OK",
			rc == MANAGE_INVALID ? NULL : "WARNINGS", "%.*s",
			STR_ARG(buf_view(findings)));
		return;
	}
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].rc == rc) {
			manage_say(m, table[i].word, table[i].code, "%s",
				table[i].text);
			return;
		}
	manage_say(m, "NO", err->kind == ERR_TEMP ? "TRYLATER" : NULL, "%s",
		err->text);
}

static bool name_is_right(struct manage *m, struct str name)
{
	const char *fault = manage_name_fault(name);

	if (fault)
		manage_say(m, "NO", NULL, "%s", fault);
	return !fault;
}

static void run_capability(struct manage *m)
{
	manage_add_capabilities(m);
	manage_say(m, "OK", NULL, "%s", "");
}

static void run_noop(struct manage *m)
{
	if (m->lex.n == 1) {
		manage_say(m, "OK", NULL, "Done");
		return;
	}
	buf_c(&m->out, "OK (TAG ");
	manage_add_string(&m->out, argument(m, 0));
	buf_c(&m->out, ") \"Done\"\r\n");
}

static void run_logout(struct manage *m)
{
	manage_say(m, "OK", NULL, "goodbye");
	m->phase = MANAGE_CLOSED;
}

static void run_starttls(struct manage *m)
{
	if (m->is_tls)
		manage_say_wrong(m, "TLS is there already");
	else if (!m->options->has_tls)
		manage_say_wrong(m, "there is no certificate here");
	else {
		manage_say(m, "OK", NULL, "begin TLS");
		m->phase = MANAGE_TLS;
	}
}

static void run_unauthenticate(struct manage *m)
{
	free(TAKE(m->user));
	free(TAKE(m->route));
	m->backend->logout(m->ctx);
	manage_say(m, "OK", NULL, "nobody is logged in");
}

static void run_havespace(struct manage *m)
{
	struct err err = { 0 };
	uint64_t size = 0;

	if (!name_is_right(m, argument(m, 0)) ||
		str_to_u64(argument(m, 1), UINT32_MAX, &size))
		return;
	say_outcome(m,
		m->backend->has_space(m->ctx, argument(m, 0), size, &err), NULL,
		&err);
}

static void run_putscript(struct manage *m)
{
	AUTO(buf) struct buf findings = BUF_INIT(FINDINGS_MAX);
	struct err err = { 0 };
	int rc;

	if (!name_is_right(m, argument(m, 0)))
		return;
	if (argument(m, 1).len == 0) {
		manage_say(m, "NO", NULL, "the script is empty");
		return;
	}
	rc = m->backend->put(
		m->ctx, argument(m, 0), argument(m, 1), &findings, &err);
	say_outcome(m, rc, &findings, &err);
}

static void run_checkscript(struct manage *m)
{
	AUTO(buf) struct buf findings = BUF_INIT(FINDINGS_MAX);

	if (argument(m, 0).len == 0) {
		manage_say(m, "NO", NULL, "the script is empty");
		return;
	}
	say_outcome(m, m->backend->check(m->ctx, argument(m, 0), &findings),
		&findings, NULL);
}

static void run_listscripts(struct manage *m)
{
	AUTO(arena) struct arena *a = arena_new();
	struct manage_item *items = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (m->backend->list(m->ctx, a, &items, &n, &err) < 0) {
		say_outcome(m, -1, NULL, &err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		manage_add_string(&m->out, items[i].name);
		buf_c(&m->out, items[i].is_active ? " ACTIVE\r\n" : "\r\n");
	}
	manage_say(m, "OK", NULL, "%s", "");
}

static void run_getscript(struct manage *m)
{
	AUTO(buf) struct buf script = BUF_INIT(m->options->script_len);
	struct err err = { 0 };
	int rc;

	if (!name_is_right(m, argument(m, 0)))
		return;
	rc = m->backend->get(m->ctx, argument(m, 0), &script, &err);
	if (rc) {
		say_outcome(m, rc, NULL, &err);
		return;
	}
	buf_printf(&m->out, "{%zu}\r\n", script.len);
	buf_str(&m->out, buf_view(&script));
	buf_c(&m->out, "\r\n");
	manage_say(m, "OK", NULL, "%s", "");
}

static void run_setactive(struct manage *m)
{
	AUTO(buf) struct buf findings = BUF_INIT(FINDINGS_MAX);
	struct err err = { 0 };
	int rc;

	if (argument(m, 0).len && !name_is_right(m, argument(m, 0)))
		return;
	rc = m->backend->activate(m->ctx, argument(m, 0), &findings, &err);
	say_outcome(m, rc, &findings, &err);
}

static void run_deletescript(struct manage *m)
{
	struct err err = { 0 };

	if (name_is_right(m, argument(m, 0)))
		say_outcome(m, m->backend->remove(m->ctx, argument(m, 0), &err),
			NULL, &err);
}

static void run_renamescript(struct manage *m)
{
	struct err err = { 0 };

	if (name_is_right(m, argument(m, 0)) &&
		name_is_right(m, argument(m, 1)))
		say_outcome(m,
			m->backend->rename(
				m->ctx, argument(m, 0), argument(m, 1), &err),
			NULL, &err);
}

const struct manage_command manage_commands[] = {
	{ "AUTHENTICATE", MANAGE_BEFORE, "s?s", manage_login_begin,
		"AUTHENTICATE \"MECHANISM\" [\"initial response\"]" },
	{ "CAPABILITY", MANAGE_ANY, "", run_capability, "CAPABILITY" },
	{ "CHECKSCRIPT", MANAGE_AFTER, "s", run_checkscript,
		"CHECKSCRIPT script" },
	{ "DELETESCRIPT", MANAGE_AFTER, "s", run_deletescript,
		"DELETESCRIPT \"name\"" },
	{ "GETSCRIPT", MANAGE_AFTER, "s", run_getscript, "GETSCRIPT \"name\"" },
	{ "HAVESPACE", MANAGE_AFTER, "sn", run_havespace,
		"HAVESPACE \"name\" bytes" },
	{ "LISTSCRIPTS", MANAGE_AFTER, "", run_listscripts, "LISTSCRIPTS" },
	{ "LOGOUT", MANAGE_ANY, "", run_logout, "LOGOUT" },
	{ "NOOP", MANAGE_ANY, "?s", run_noop, "NOOP [\"tag\"]" },
	{ "PUTSCRIPT", MANAGE_AFTER, "ss", run_putscript,
		"PUTSCRIPT \"name\" script" },
	{ "RENAMESCRIPT", MANAGE_AFTER, "ss", run_renamescript,
		"RENAMESCRIPT \"old\" \"new\"" },
	{ "SETACTIVE", MANAGE_AFTER, "s", run_setactive, "SETACTIVE \"name\"" },
	{ "STARTTLS", MANAGE_BEFORE, "", run_starttls, "STARTTLS" },
	{ "UNAUTHENTICATE", MANAGE_AFTER, "", run_unauthenticate,
		"UNAUTHENTICATE" },
	{ 0 },
};
