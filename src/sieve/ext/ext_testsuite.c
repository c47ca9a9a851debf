/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_testsuite.c - the words of vnd.dovecot.testsuite: test blocks, the
 * current message, scripts under test, recorded errors, the shared result.
 *
 * Only test files may require it. What a word that is both a command and a
 * test says is kept by the command, too: as a command it must be true.
 */
#include "../message.h"
#include "../svtest.h"

/*
 * test, test_fail
 */

static int check_test(struct sieve_check *c, struct sieve_node *n)
{
	if (!n->parent)
		return 0;
	return sieve_error(
		c, n->pos, "test can stand only at the top of a test file");
}

static void tell_block(
	struct svtest *t, const struct sieve_node *n, struct str name)
{
	svtest_tell(t, &(struct sieve_test_block){ .name = name,
			       .line = n->pos.line,
			       .is_passed = !t->failure.p,
			       .why = t->failure });
}

static bool is_wanted(const struct svtest *t, struct str name)
{
	return t->host->filter.len == 0 ||
	       str_find_case(name, t->host->filter) >= 0;
}

static int exec_test(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	size_t n_facts = t->n_fact_rows;
	struct str name;
	int flow;

	if (sieve_arg_get(r, n->positional[0], &name) < 0)
		return SIEVE_FAILED;
	if (!is_wanted(t, name))
		return SIEVE_GO_ON;
	t->test = n;
	t->failure = STR_NULL;
	t->plan = NULL;
	flow = sieve_exec_block(r, n);
	t->test = NULL;
	t->n_fact_rows = n_facts;
	dns_zone_free(t->block_zone);
	t->block_zone = dns_zone_new();
	if (flow == SIEVE_FAILED)
		return flow;
	tell_block(t, n, name);
	t->failure = STR_NULL;
	if (flow == SIEVE_LEAVE && r->leave == n)
		return SIEVE_GO_ON;
	return flow;
}

static int exec_test_fail(struct sieve_run *r, const struct sieve_node *n)
{
	struct str why;

	if (sieve_arg_get(r, n->positional[0], &why) < 0)
		return SIEVE_FAILED;
	return svtest_fail(r, n, "%.*s", STR_ARG(why));
}

/*
 * test_set
 */

static bool is_domain(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr(" <>@,:", s.p[i], 6) ||
			(s.p[i] == '.' && (i == 0 || s.p[i - 1] == '.')))
			return false;
	return s.len > 0;
}

/* Cuts "@a,@b:" off a path (RFC 5321 4.1.2). Returns: false: it is wrong. */
static bool cut_route(struct str *path)
{
	ssize_t colon = str_chr(*path, ':');
	struct str hops, hop;

	if (path->len == 0 || path->p[0] != '@')
		return true;
	if (colon < 0)
		return false;
	hops = str_sub(*path, 0, (size_t)colon);
	*path = str_sub(*path, (size_t)colon + 1, SIZE_MAX);
	while (str_cut(&hops, ',', &hop))
		if (hop.len == 0 || hop.p[0] != '@' ||
			!is_domain(str_sub(hop, 1, SIZE_MAX)))
			return false;
	return true;
}

static bool read_path(struct str value, bool may_be_local, struct str *out)
{
	struct str path = str_trim(value);
	bool is_open = str_starts(path, STR("<"));
	ssize_t at;

	if (is_open != str_ends(path, STR(">")))
		return false;
	if (is_open)
		path = str_sub(path, 1, path.len - 2);
	if (!cut_route(&path))
		return false;
	*out = path;
	if (path.len == 0)
		return !may_be_local;
	if (path.p[0] == '"')
		return true;
	at = str_chr(path, '@');
	if (at < 0)
		return may_be_local && is_domain(path);
	return at > 0 && str_chr(str_sub(path, 0, (size_t)at), ' ') < 0 &&
	       str_chr(str_sub(path, 0, (size_t)at), ':') < 0 &&
	       str_chr(str_sub(path, 0, (size_t)at), '<') < 0 &&
	       is_domain(str_sub(path, (size_t)at + 1, SIZE_MAX));
}

static void tell_path(struct svtest *t, struct str value)
{
	svtest_add_error(
		t, str_c(arena_printf(t->arena,
			   "invalid envelope address: %.*s", STR_ARG(value))));
}

static int set_message(struct svtest *t, struct str value)
{
	struct err err = { 0 };

	if (svtest_set_mail(t, value, &err) == 0)
		return SIEVE_GO_ON;
	return sieve_fail(t->run, "%s", err.text);
}

static int set_from(struct svtest *t, struct str value)
{
	if (read_path(value, false, &t->env.sender))
		return SIEVE_GO_ON;
	t->env.sender = STR("");
	tell_path(t, value);
	return SIEVE_GO_ON;
}

static int set_to(struct svtest *t, struct str value)
{
	t->env.n_rcpts = 0;
	t->env.rcpts[0].orcpt = STR_NULL;
	if (read_path(value, true, &t->env.rcpts[0].address))
		t->env.n_rcpts = 1;
	else
		tell_path(t, value);
	return SIEVE_GO_ON;
}

static int set_orig_to(struct svtest *t, struct str value)
{
	struct str path;

	if (read_path(value, true, &path))
		t->env.rcpts[0].orcpt = path;
	else
		tell_path(t, value);
	return SIEVE_GO_ON;
}

static int set_auth(struct svtest *t, struct str value)
{
	t->env.login = value;
	return SIEVE_GO_ON;
}

/* The DSN parameters (RFC 3461), as they were given to MAIL and RCPT. */
static int set_notify(struct svtest *t, struct str value)
{
	t->env.rcpts[0].notify = value;
	return SIEVE_GO_ON;
}

static int set_orcpt(struct svtest *t, struct str value)
{
	t->env.rcpts[0].orcpt = value;
	return SIEVE_GO_ON;
}

static int set_ret(struct svtest *t, struct str value)
{
	t->env.ret = value;
	return SIEVE_GO_ON;
}

static int set_envid(struct svtest *t, struct str value)
{
	t->env.envid = value;
	return SIEVE_GO_ON;
}

static int set_peer(struct svtest *t, struct str value)
{
	t->env.peer = value;
	return SIEVE_GO_ON;
}

static int set_helo(struct svtest *t, struct str value)
{
	t->env.helo = value;
	return SIEVE_GO_ON;
}

static int set_route(struct svtest *t, struct str value)
{
	t->facts.route = value;
	return SIEVE_GO_ON;
}

static const struct object {
	const char *name;
	int (*set)(struct svtest *t, struct str value);
} objects[] = {
	{ "message", set_message },
	{ "envelope.from", set_from },
	{ "envelope.to", set_to },
	{ "envelope.orig_to", set_orig_to },
	{ "envelope.auth", set_auth },
	{ "envelope.notify", set_notify },
	{ "envelope.orcpt", set_orcpt },
	{ "envelope.ret", set_ret },
	{ "envelope.envid", set_envid },
	{ "envelope.peer", set_peer },
	{ "envelope.helo", set_helo },
	{ "route", set_route },
};

static const struct object *find_object(struct str name)
{
	for (size_t i = 0; i < COUNT(objects); i++)
		if (str_eq_case(name, str_c(objects[i].name)))
			return &objects[i];
	return NULL;
}

static int check_set(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_text *name = &n->positional[0]->texts[0];
	const char *names[COUNT(objects)];

	if (find_object(name->value))
		return 0;
	for (size_t i = 0; i < COUNT(objects); i++)
		names[i] = objects[i].name;
	return sieve_error_nearest(
		c, name->pos, "object", name->value, names, COUNT(names));
}

static int exec_set(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	struct str value;

	if (sieve_arg_get(r, n->positional[1], &value) < 0)
		return SIEVE_FAILED;
	return find_object(sieve_arg_const(n->positional[0]))
		->set(t, arena_str(t->arena, value));
}

/*
 * Scripts under test
 */

static int test_compile(struct sieve_run *r, const struct sieve_node *n)
{
	struct str path;

	if (sieve_arg_get(r, n->positional[0], &path) < 0)
		return SIEVE_FAILED;
	return svtest_compile(svtest_of(r), path, NULL) == 0;
}

/* What lives in the result, and not in one run. */
static void take_over(struct sieve_run *to, const struct sieve_run *from)
{
	to->is_kept = from->is_kept;
	to->n_redirects = from->n_redirects;
	to->mail_flags = from->mail_flags;
	to->flags = from->flags;
	to->has_flags = from->has_flags;
}

/* Runs the compiled script into the shared result. Returns: a flow. */
static int run_script(struct svtest *t)
{
	struct sieve_run *r = t->run, *other;
	struct err err = { 0 };
	int flow;

	other = sieve_run_new(t->script, t->mails[t->n_mails - 1], &t->env,
		&t->facts, t->arena, &err);
	other->settings = t->settings;
	other->limits = &t->settings->limits;
	other->answer = svtest_answer;
	other->complain = svtest_complain;
	other->plan = r->plan;
	other->host = t;
	other->first_own = r->plan->n_actions;
	take_over(other, r);
	sieve_message_share(other, r);
	flow = sieve_run_script(other);
	take_over(r, other);
	if (flow != SIEVE_FAILED)
		sieve_message_share(r, other);
	sieve_run_fini(other);
	if (flow == SIEVE_FAILED) {
		svtest_add_error(t, other->plan->fail);
		svtest_reset_result(t);
	}
	return flow;
}

static int test_run(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);

	t->n_errors = 0;
	if (!t->script)
		return sieve_fail(r, "no script was compiled");
	if (!sieve_node_tag(n, "append_result"))
		svtest_reset_result(t);
	return run_script(t) >= 0;
}

/*
 * Several scripts on one mail: the next one runs as long as the one before
 * would keep the mail. An explicit keep is the last one's to be done, as it
 * was asked for.
 */

/* Takes a keep out of the plan, so that it comes last. */
static void take_keep(struct svtest *t, struct plan_action *keep)
{
	struct plan *p = t->run->plan;

	for (size_t i = 0; i < p->n_actions; i++) {
		if (p->actions[i].kind != PLAN_KEEP)
			continue;
		*keep = p->actions[i];
		memmove(&p->actions[i], &p->actions[i + 1],
			(p->n_actions - i - 1) * sizeof(*p->actions));
		p->n_actions--;
		t->run->is_kept = true;
		return;
	}
}

/* Puts it back, with the flags and the message that it had. */
static void put_keep(struct svtest *t, const struct plan_action *keep)
{
	struct plan *p = t->run->plan;

	p->actions = arena_grow(t->arena, p->actions, p->n_actions,
		2 * (p->n_actions + 1), sizeof(*p->actions));
	p->actions[p->n_actions++] = *keep;
	t->run->is_kept = false;
}

/* Returns: 0, or -1: what failed is recorded. */
static int run_all(struct svtest *t, const struct str *paths, size_t n)
{
	struct plan_action keep = { 0 };

	for (size_t i = 0; i < n && t->run->is_kept; i++) {
		if (svtest_compile(t, paths[i], NULL) < 0 || run_script(t) < 0)
			return -1;
		take_keep(t, &keep);
	}
	if (t->run->is_kept && keep.line)
		put_keep(t, &keep);
	return 0;
}

static int test_multiscript(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	struct sieve_script *former = t->script;
	struct str *paths;
	bool is_bad;

	if (sieve_arg_list(r, n->positional[0], &paths) < 0)
		return SIEVE_FAILED;
	t->n_errors = 0;
	svtest_reset_result(t);
	is_bad = run_all(t, paths, n->positional[0]->n) < 0;
	t->script = former;
	return svtest_execute(t) == 0 && !is_bad;
}

static int test_error(struct sieve_run *r, const struct sieve_node *n)
{
	const struct svtest *t = svtest_of(r);
	const struct sieve_arg *index = sieve_node_param(n, "index");
	uint64_t i = index ? index->number : 0;

	if (!index)
		return sieve_match_values(r, n, t->errors, t->n_errors);
	if (i < 1 || i > t->n_errors)
		return 0;
	return sieve_match_values(r, n, &t->errors[i - 1], 1);
}

/*
 * The shared result
 */

/* As the public suite calls them. */
static const char *const action_names[] = { "keep", "discard", "store",
	"redirect", "reject", "ereject", "vacation", "notify" };

static int test_action(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *index = sieve_node_param(n, "index");
	struct str *names = arena_array(
		r->arena, r->plan->n_actions + 1, sizeof(*names));
	size_t count = r->plan->n_actions, n_own = count;

	for (size_t i = 0; i < count; i++)
		names[i] = str_c(action_names[r->plan->actions[i].kind]);
	if (r->is_kept)
		names[count++] = STR("keep");
	/* the public suite does not count the implicit keep */
	if (!index)
		return sieve_match_counted(r, n, names, count, n_own);
	if (index->number < 1 || index->number > count)
		return 0;
	return sieve_match_values(r, n, &names[index->number - 1], 1);
}

static int exec_reset(struct sieve_run *r, const struct sieve_node *n)
{
	svtest_reset_result(svtest_of(r));
	svtest_of(r)->n_sent = 0;
	return SIEVE_GO_ON;
}

/*
 * ${tst.path}
 */

static int check_ref(struct sieve_check *c, struct sieve_ref *ref)
{
	if (str_eq_case(ref->name, STR("tst.path")))
		return 1;
	if (!str_starts_case(ref->name, STR("tst.")))
		return 0;
	return sieve_error(
		c, ref->pos, "unknown value '%.*s'", STR_ARG(ref->name));
}

static int get_ref(
	struct sieve_run *r, const struct sieve_ref *ref, struct str *out)
{
	struct str path = str_c(svtest_of(r)->path);
	ssize_t slash = str_rchr(path, '/');

	*out = slash < 0 ? STR(".") : str_sub(path, 0, (size_t)slash);
	return 0;
}

static const struct sieve_tag run_tags[] = {
	{ "append_result", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ 0 },
};

static const struct sieve_tag index_tags[] = {
	{ "index", SIEVE_NUMBER, "number", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "test",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK,
		.params = { { SIEVE_STRING, "name", 0 } },
		.check = check_test,
		.exec = exec_test },
	{ .name = "test_fail",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "reason", 0 } },
		.exec = exec_test_fail },
	{ .name = "test_set",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "object", 0 },
			{ SIEVE_STRING, "value", 0 } },
		.check = check_set,
		.exec = exec_set },
	{ .name = "test_script_compile",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_STRING, "path", 0 } },
		.test = test_compile },
	{ .name = "test_script_run",
		.flags = SIEVE_TEST,
		.tags = run_tags,
		.test = test_run },
	{ .name = "test_multiscript",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_STRINGS, "paths", 0 } },
		.test = test_multiscript },
	{ .name = "test_error",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "keys", 0 } },
		.tags = index_tags,
		.test = test_error },
	{ .name = "test_result_action",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "keys", 0 } },
		.tags = index_tags,
		.test = test_action },
	{ .name = "test_result_reset",
		.flags = SIEVE_COMMAND,
		.exec = exec_reset },
	{ 0 },
};

const struct sieve_ext sieve_ext_testsuite = {
	.capability = "vnd.dovecot.testsuite",
	.is_for_tests = true,
	.words = words,
	.ref_check = check_ref,
	.ref_get = get_ref,
};
