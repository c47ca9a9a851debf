/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_testsuite_store.c - the words of vnd.dovecot.testsuite for what lies
 * around a script: settings, executing the result, folders, sent mails,
 * compiled scripts put aside.
 */
#include <mailmill/utf8.h>

#include "../svtest.h"

#define PRINT_MAX ((size_t)1 << 20)

/*
 * Settings
 */

static int exec_config_set(struct sieve_run *r, const struct sieve_node *n)
{
	struct str name, value;

	if (sieve_arg_get(r, n->positional[0], &name) < 0 ||
		sieve_arg_get(r, n->positional[1], &value) < 0)
		return SIEVE_FAILED;
	svtest_config_set(svtest_of(r), name, value);
	return SIEVE_GO_ON;
}

static int exec_config_unset(struct sieve_run *r, const struct sieve_node *n)
{
	struct str name;

	if (sieve_arg_get(r, n->positional[0], &name) < 0)
		return SIEVE_FAILED;
	svtest_config_unset(svtest_of(r), name);
	return SIEVE_GO_ON;
}

static int exec_config_reload(struct sieve_run *r, const struct sieve_node *n)
{
	(void)n;
	svtest_config_reload(svtest_of(r));
	return SIEVE_GO_ON;
}

/*
 * The result
 */

static int test_execute(struct sieve_run *r, const struct sieve_node *n)
{
	(void)n;
	return svtest_execute(svtest_of(r)) == 0;
}

static void add_action(struct buf *b, const struct plan_action *a)
{
	buf_printf(b, "     %s%s%.*s%s", plan_action_name(a->kind),
		a->value.len ? " " : "", STR_ARG(a->value),
		a->is_implicit ? " (implicit)" : "");
	for (size_t i = 0; i < a->n_rcpts; i++)
		buf_printf(
			b, "%s<%.*s>", i ? ", " : " to ", STR_ARG(a->rcpts[i]));
	for (size_t i = 0; i < a->n_flags; i++)
		buf_printf(b, "%s%.*s", i ? " " : " with flags ",
			STR_ARG(a->flags[i]));
	buf_c(b, "\n");
}

static int exec_print(struct sieve_run *r, const struct sieve_node *n)
{
	static const struct plan_action keep = { .kind = PLAN_KEEP,
		.is_implicit = true };
	AUTO(buf) struct buf b = BUF_INIT(PRINT_MAX);
	struct svtest *t = svtest_of(r);

	buf_printf(&b, "%s:%u: the result is\n", t->path, n->pos.line);
	for (size_t i = 0; i < r->plan->n_actions; i++)
		add_action(&b, &r->plan->actions[i]);
	if (r->is_kept)
		add_action(&b, &keep);
	svtest_print(t, buf_view(&b));
	return SIEVE_GO_ON;
}

/*
 * test_message
 */

static int check_message(struct sieve_check *c, struct sieve_node *n)
{
	bool is_smtp = sieve_node_tag(n, "smtp");
	bool is_folder = sieve_node_tag(n, "folder");
	const struct sieve_arg *arg = n->n_positional ? n->positional[0] : NULL;

	if (is_smtp && is_folder)
		return sieve_error(c, n->pos,
			"test_message takes one of :smtp and :folder");
	if (is_smtp && !arg)
		return 0;
	if (is_folder && arg && arg->kind == SIEVE_ARG_NUMBER)
		return 0;
	if (!is_smtp && !is_folder && arg && arg->kind == SIEVE_ARG_STRING)
		return 0;
	sieve_error(c, n->pos, "test_message does not tell which message");
	return sieve_hint(c, "write test_message :smtp 0, test_message :folder "
			     "\"INBOX\" 0, or test_message \"FILE\"");
}

static const struct svtest_mail *find_sent(struct svtest *t, uint64_t number)
{
	return number < t->n_sent ? &t->sent[number] : NULL;
}

static int find_stored(struct sieve_run *r, const struct sieve_node *n,
	const struct svtest_mail **out)
{
	const struct svtest_folder *f;
	struct str folder;

	*out = NULL;
	if (sieve_arg_get(r, sieve_node_param(n, "folder"), &folder) < 0)
		return SIEVE_FAILED;
	if (!utf8_is_valid(folder))
		return svtest_fail(r, n, "invalid folder name \"%.*s\"",
			STR_ARG(utf8_mend(r->arena, folder)));
	f = svtest_find_folder(svtest_of(r), folder);
	if (f && n->positional[0]->number < f->n_mails)
		*out = &f->mails[n->positional[0]->number];
	return SIEVE_GO_ON;
}

static int take_mail(struct sieve_run *r, const struct svtest_mail *m)
{
	struct svtest *t = svtest_of(r);
	struct svtest_mail *copy = ARENA_NEW(t->arena, struct svtest_mail);
	struct err err = { 0 };

	*copy = *m;
	if (svtest_set_mail(t, copy->raw, &err) < 0)
		return sieve_fail(r, "%s", err.text);
	t->stored = copy;
	r->mail_flags = (struct sieve_values){ copy->flags, copy->n_flags };
	if (copy->rcpt.p) {
		t->env.sender = copy->sender;
		t->env.rcpts[0].address = copy->rcpt;
	}
	return SIEVE_GO_ON;
}

/* Returns: a flow; *is_there tells. */
static int look_for_mail(
	struct sieve_run *r, const struct sieve_node *n, bool *is_there)
{
	const struct sieve_arg *number = sieve_node_param(n, "smtp");
	const struct svtest_mail *m;
	int flow = SIEVE_GO_ON;

	if (number)
		m = find_sent(svtest_of(r), number->number);
	else
		flow = find_stored(r, n, &m);
	*is_there = m;
	return flow == SIEVE_GO_ON && m ? take_mail(r, m) : flow;
}

static int read_message(struct sieve_run *r, const struct sieve_node *n)
{
	struct err err = { 0 };
	struct str path;

	if (sieve_arg_get(r, n->positional[0], &path) < 0)
		return SIEVE_FAILED;
	if (svtest_read_mail(svtest_of(r), path, &err) < 0)
		return svtest_fail(r, n, "%s", err.text);
	return SIEVE_GO_ON;
}

static int test_path(struct sieve_run *r, const struct sieve_node *n)
{
	struct err err = { 0 };
	struct str path;

	if (sieve_arg_get(r, n->positional[0], &path) < 0)
		return SIEVE_FAILED;
	return svtest_read_mail(svtest_of(r), path, &err) == 0;
}

static bool is_path(const struct sieve_node *n)
{
	return n->n_positional && n->positional[0]->kind == SIEVE_ARG_STRING;
}

static int exec_message(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *number = sieve_node_param(n, "smtp");
	bool is_there;
	int flow;

	if (is_path(n))
		return read_message(r, n);
	flow = look_for_mail(r, n, &is_there);
	if (flow != SIEVE_GO_ON || is_there)
		return flow;
	if (number)
		return svtest_fail(r, n, "no mail %llu was sent, but %zu",
			(unsigned long long)number->number,
			svtest_of(r)->n_sent);
	return svtest_fail(r, n, "the folder has no mail %llu",
		(unsigned long long)n->positional[0]->number);
}

static int test_message(struct sieve_run *r, const struct sieve_node *n)
{
	bool is_there = true;
	int flow;

	if (is_path(n))
		return test_path(r, n);
	flow = look_for_mail(r, n, &is_there);
	/* a failure of the block is told already; a test cannot leave it */
	return flow == SIEVE_GO_ON ? is_there : MIN(flow, 0);
}

static int exec_message_print(struct sieve_run *r, const struct sieve_node *n)
{
	AUTO(buf) struct buf b = BUF_INIT(PRINT_MAX);
	struct svtest *t = svtest_of(r);

	buf_printf(&b, "%s:%u: the message is\n%.*s\n", t->path, n->pos.line,
		STR_ARG(mail_raw(t->mails[t->n_mails - 1])));
	svtest_print(t, buf_view(&b));
	return SIEVE_GO_ON;
}

/*
 * Folders
 */

static int exec_mailbox(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	struct str name;

	if (sieve_arg_get(r, n->positional[0], &name) < 0)
		return SIEVE_FAILED;
	if (!strcmp(n->word->name, "test_mailbox_create"))
		svtest_make_folder(t, name);
	else
		svtest_drop_folder(t, name);
	return SIEVE_GO_ON;
}

/*
 * Compiled scripts put aside
 */

static int exec_binary_save(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	struct str name;

	if (sieve_arg_get(r, n->positional[0], &name) < 0)
		return SIEVE_FAILED;
	if (!t->script)
		return sieve_fail(r, "no script was compiled");
	t->binaries = arena_grow(t->arena, t->binaries, t->n_binaries,
		t->n_binaries + 1, sizeof(*t->binaries));
	t->binaries[t->n_binaries].name = arena_str(t->arena, name);
	t->binaries[t->n_binaries++].script = t->script;
	return SIEVE_GO_ON;
}

static int exec_binary_load(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	struct str name;

	if (sieve_arg_get(r, n->positional[0], &name) < 0)
		return SIEVE_FAILED;
	for (size_t i = t->n_binaries; i > 0; i--)
		if (str_eq(t->binaries[i - 1].name, name)) {
			t->script = t->binaries[i - 1].script;
			return SIEVE_GO_ON;
		}
	return svtest_fail(
		r, n, "no script was saved as \"%.*s\"", STR_ARG(name));
}

#define BOTH (SIEVE_COMMAND | SIEVE_TEST)

static const struct sieve_tag reload_tags[] = {
	{ "extension", SIEVE_STRING, "extension", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_tag message_tags[] = {
	{ "smtp", SIEVE_NUMBER, "number", 0, 0, NULL },
	{ "folder", SIEVE_STRING, "folder", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "test_config_set",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "setting", 0 },
			{ SIEVE_STRING, "value", 0 } },
		.exec = exec_config_set },
	{ .name = "test_config_unset",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "setting", 0 } },
		.exec = exec_config_unset },
	{ .name = "test_config_reload",
		.flags = SIEVE_COMMAND,
		.tags = reload_tags,
		.exec = exec_config_reload },
	{ .name = "test_result_execute",
		.flags = SIEVE_TEST,
		.test = test_execute },
	{ .name = "test_result_print",
		.flags = SIEVE_COMMAND,
		.exec = exec_print },
	{ .name = "test_message",
		.flags = BOTH,
		.params = { { SIEVE_SCALAR, "number or path",
			SIEVE_OPTIONAL } },
		.tags = message_tags,
		.check = check_message,
		.exec = exec_message,
		.test = test_message },
	{ .name = "test_message_print",
		.flags = SIEVE_COMMAND,
		.exec = exec_message_print },
	{ .name = "test_mailbox_create",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "folder", 0 } },
		.exec = exec_mailbox },
	{ .name = "test_mailbox_delete",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "folder", 0 } },
		.exec = exec_mailbox },
	{ .name = "test_binary_save",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "name", 0 } },
		.exec = exec_binary_save },
	{ .name = "test_binary_load",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "name", 0 } },
		.exec = exec_binary_load },
	{ 0 },
};

const struct sieve_ext sieve_ext_testsuite_store = {
	.capability = "vnd.dovecot.testsuite",
	.is_for_tests = true,
	.words = words,
};
