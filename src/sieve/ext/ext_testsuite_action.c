/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_testsuite_action.c - our additions to the test language: the actions of
 * the plan that a rule made, and the mail that would go out.
 *
 *	action :flags "\\Seen" "fileinto" "Lists";
 *	sent :to "ann@example.org" :header "Subject" :contains "Re: order";
 *
 * As commands they fail the block and say what came.
 */
#include "../folder.h"
#include "../svtest.h"

#define MAIL_MAX ((size_t)64 << 20)
#define SHOWN_MAX 200

static const struct plan *plan_of(struct sieve_run *r)
{
	static const struct plan none;
	const struct plan *p = svtest_of(r)->plan;

	return p ? p : &none;
}

/* Writes an action for a message: fileinto "Lists" :flags "\\Seen". */
static char *outline(struct arena *a, const struct plan_action *action)
{
	char *out = arena_printf(a, "%s", plan_action_name(action->kind));

	if (action->value.len)
		out = arena_printf(a, "%s \"%.*s\"", out,
			STR_ARG(str_sub(action->value, 0, SHOWN_MAX)));
	for (size_t i = 0; i < action->n_rcpts; i++)
		out = arena_printf(
			a, "%s :to \"%.*s\"", out, STR_ARG(action->rcpts[i]));
	if (action->n_rcpts)
		out = arena_printf(
			a, "%s :from \"%.*s\"", out, STR_ARG(action->sender));
	for (size_t i = 0; i < action->n_flags; i++)
		out = arena_printf(a, "%s%s\"%.*s\"", out,
			i ? ", " : " :flags ", STR_ARG(action->flags[i]));
	if (action->is_copy)
		out = arena_printf(a, "%s :copy", out);
	if (action->is_create)
		out = arena_printf(a, "%s :create", out);
	return action->is_implicit ? arena_printf(a, "%s (implicit)", out)
				   : out;
}

static char *outline_all(struct sieve_run *r)
{
	const struct plan *p = plan_of(r);
	char *out = arena_strdup(r->arena, p->n_actions ? "" : "no action");

	if (p->fail.len)
		return arena_printf(
			r->arena, "the rule failed: %.*s", STR_ARG(p->fail));
	for (size_t i = 0; i < p->n_actions; i++)
		out = arena_printf(r->arena, "%s%s%s", out, i ? "; " : "",
			outline(r->arena, &p->actions[i]));
	return out;
}

/*
 * action
 */

static bool is_value(const struct plan_action *a, struct str want)
{
	if (a->kind == PLAN_FILEINTO)
		return sieve_folder_is_same(a->value, want);
	return str_eq_case(a->value, want);
}

static bool has_rcpt(const struct plan_action *a, struct str want)
{
	for (size_t i = 0; i < a->n_rcpts; i++)
		if (str_eq_case(a->rcpts[i], want))
			return true;
	return false;
}

static bool has_flag(const struct plan_action *a, struct str want)
{
	for (size_t i = 0; i < a->n_flags; i++)
		if (str_eq_case(a->flags[i], want))
			return true;
	return false;
}

/* What an action has to be, read from the node. */
struct wanted {
	struct str name, value, to, from, *flags;
	bool has_value, has_to, has_from, has_flags;
	size_t n_flags;
};

static int get_param(struct sieve_run *r, const struct sieve_node *n,
	const char *tag, bool *is_there, struct str *out)
{
	const struct sieve_arg *arg = sieve_node_param(n, tag);

	*is_there = arg;
	return arg ? sieve_arg_get(r, arg, out) : 0;
}

static int get_wanted(
	struct sieve_run *r, const struct sieve_node *n, struct wanted *w)
{
	const struct sieve_arg *flags = sieve_node_param(n, "flags");

	*w = (struct wanted){ .has_value = n->n_positional > 1,
		.has_flags = flags };
	if (sieve_arg_get(r, n->positional[0], &w->name) < 0 ||
		get_param(r, n, "to", &w->has_to, &w->to) < 0 ||
		get_param(r, n, "from", &w->has_from, &w->from) < 0)
		return SIEVE_FAILED;
	if (w->has_value && sieve_arg_get(r, n->positional[1], &w->value) < 0)
		return SIEVE_FAILED;
	w->n_flags = flags ? flags->n : 0;
	return flags ? sieve_arg_list(r, flags, &w->flags) : 0;
}

/* An empty text among the flags wants none; else these and no others. */
static bool fits_flags(const struct plan_action *a, const struct wanted *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_flags; i++) {
		if (!w->flags[i].len)
			continue;
		if (!has_flag(a, w->flags[i]))
			return false;
		n++;
	}
	return n == a->n_flags;
}

static bool fits(const struct plan_action *a, const struct wanted *w,
	const struct sieve_node *n)
{
	return str_eq_case(w->name, str_c(plan_action_name(a->kind))) &&
	       (!w->has_value || is_value(a, w->value)) &&
	       (!w->has_to || has_rcpt(a, w->to)) &&
	       (!w->has_from || str_eq_case(a->sender, w->from)) &&
	       (!w->has_flags || fits_flags(a, w)) &&
	       (!sieve_node_tag(n, "copy") || a->is_copy) &&
	       (!sieve_node_tag(n, "create") || a->is_create);
}

static int test_action(struct sieve_run *r, const struct sieve_node *n)
{
	const struct plan *p = plan_of(r);
	struct wanted w;

	if (get_wanted(r, n, &w) < 0)
		return SIEVE_FAILED;
	for (size_t i = 0; i < p->n_actions; i++)
		if (fits(&p->actions[i], &w, n))
			return 1;
	return 0;
}

static int exec_action(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = test_action(r, n);
	struct wanted w;

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	if (get_wanted(r, n, &w) < 0)
		return SIEVE_FAILED;
	return svtest_fail(r, n,
		"expected the action %.*s%s%.*s%s as described, got: %s",
		STR_ARG(w.name), w.has_value ? " \"" : "", STR_ARG(w.value),
		w.has_value ? "\"" : "", outline_all(r));
}

static int test_count(struct sieve_run *r, const struct sieve_node *n)
{
	return plan_of(r)->n_actions == n->positional[0]->number;
}

static int exec_count(struct sieve_run *r, const struct sieve_node *n)
{
	if (test_count(r, n))
		return SIEVE_GO_ON;
	return svtest_fail(r, n, "expected %llu actions, got: %s",
		(unsigned long long)n->positional[0]->number, outline_all(r));
}

/*
 * sent
 */

static bool goes_out(const struct plan_action *a)
{
	return a->n_rcpts > 0;
}

static void add_headers(struct sieve_run *r, struct mail *mail, struct str name,
	struct sieve_values *out)
{
	size_t n;
	const struct mail_header *all = mail_headers(mail, &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq_case(all[i].name, name))
			sieve_values_add(
				r, out, arena_str(r->arena, all[i].value));
}

/* Adds what `sent` looks at in one mail. Returns: 0, or -1 with *err. */
static int look_into(struct sieve_run *r, const struct sieve_node *n,
	struct str raw, struct sieve_values *out, struct err *err)
{
	const struct sieve_arg *header = sieve_node_param(n, "header");
	AUTO(mail) struct mail *mail = NULL;
	struct str name;

	if (!header && !sieve_node_tag(n, "body")) {
		sieve_values_add(r, out, raw);
		return 0;
	}
	if (mail_parse(raw, &mail, err) < 0)
		return -1;
	if (!header)
		sieve_values_add(r, out, arena_str(r->arena, mail_text(mail)));
	else if (sieve_arg_get(r, header, &name) == 0)
		add_headers(r, mail, name, out);
	return 0;
}

/* Collects the values of all mails that would go out. Returns: 0 or < 0. */
static int collect(struct sieve_run *r, const struct sieve_node *n,
	struct sieve_values *out)
{
	struct svtest *t = svtest_of(r);
	const struct plan *p = plan_of(r);
	struct str to = STR_NULL;
	struct err err = { 0 };
	bool has_to;

	if (get_param(r, n, "to", &has_to, &to) < 0)
		return SIEVE_FAILED;
	for (size_t i = 0; i < p->n_actions; i++) {
		AUTO(buf) struct buf b = BUF_INIT(MAIL_MAX);
		const struct plan_action *a = &p->actions[i];
		if (!goes_out(a) || (has_to && !has_rcpt(a, to)))
			continue;
		plan_pieces_write(&b, a->pieces, a->n_pieces,
			mail_raw(t->mails[t->n_mails - 1]));
		if (look_into(r, n, arena_str(r->arena, buf_view(&b)), out,
			    &err) < 0)
			return sieve_fail(r, "%s", err.text);
	}
	return 0;
}

static int test_sent(struct sieve_run *r, const struct sieve_node *n)
{
	struct sieve_values values = { 0 };
	int rc = collect(r, n, &values);

	return rc < 0 ? rc : sieve_match_values(r, n, values.items, values.n);
}

static int exec_sent(struct sieve_run *r, const struct sieve_node *n)
{
	struct sieve_values values = { 0 };
	char *got = arena_strdup(r->arena, "");
	int rc = test_sent(r, n);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	if (collect(r, n, &values) < 0)
		return SIEVE_FAILED;
	for (size_t i = 0; i < values.n; i++)
		got = arena_printf(r->arena, "%s%s\"%.*s\"", got, i ? ", " : "",
			STR_ARG(str_sub(values.items[i], 0, 4 * SHOWN_MAX)));
	return svtest_fail(r, n, "no mail sent is as described: got %s; %s",
		values.n ? got : "nothing to look at", outline_all(r));
}

#define BOTH (SIEVE_COMMAND | SIEVE_TEST)

static const struct sieve_tag action_tags[] = {
	{ "to", SIEVE_STRING, "address", 0, 0, NULL },
	{ "from", SIEVE_STRING, "address", 0, 0, NULL },
	{ "flags", SIEVE_STRINGS, "flags", 0, 0, NULL },
	{ "copy", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ "create", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ 0 },
};

static const struct sieve_tag sent_tags[] = {
	{ "to", SIEVE_STRING, "address", 0, 0, NULL },
	{ "header", SIEVE_STRING, "field name", 0, 1, NULL },
	{ "body", SIEVE_NOTHING, NULL, 0, 1, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "action",
		.flags = BOTH,
		.params = { { SIEVE_STRING, "action", 0 },
			{ SIEVE_STRING, "folder or address", SIEVE_OPTIONAL } },
		.tags = action_tags,
		.exec = exec_action,
		.test = test_action },
	{ .name = "action_count",
		.flags = BOTH,
		.params = { { SIEVE_NUMBER, "number", 0 } },
		.exec = exec_count,
		.test = test_count },
	{ .name = "sent",
		.flags = BOTH | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "texts", 0 } },
		.tags = sent_tags,
		.exec = exec_sent,
		.test = test_sent },
	{ 0 },
};

const struct sieve_ext sieve_ext_testsuite_action = {
	.capability = "vnd.dovecot.testsuite",
	.is_for_tests = true,
	.words = words,
};
