/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_base.c - the commands of RFC 5228: control and actions. */
#include "../address.h"
#include "../lists.h"
#include "../sieve_private.h"

/*
 * require
 */

static bool is_word(const struct sieve_node *n, const char *name)
{
	return n && str_eq_case(n->name, str_c(name));
}

static int check_require(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *list = n->positional[0];
	bool is_late = n->parent ||
		       (n->before && !is_word(n->before, "require"));
	int rc = 0;

	if (is_late) {
		sieve_error(c, n->pos,
			"require must stand before all other commands");
		rc = sieve_hint(c, "move it to the top of the script");
	}
	/* A late one is in force as well, so that no more is told of it. */
	for (size_t i = 0; i < list->n; i++) {
		if (sieve_check_enable(c, list->texts[i].value) == 0 || is_late)
			continue;
		rc = sieve_error_capability(
			c, list->texts[i].pos, list->texts[i].value);
	}
	return rc;
}

static int exec_nothing(struct sieve_run *r, const struct sieve_node *n)
{
	(void)r;
	(void)n;
	return SIEVE_GO_ON;
}

/*
 * if, elsif, else. What the chain is known to do goes from link to link in
 * `known`: behind an "if true" no block can run.
 */

static int check_if(struct sieve_check *c, struct sieve_node *n)
{
	(void)c;
	n->known = n->tests[0]->known == SIEVE_ALWAYS ? SIEVE_ALWAYS
						      : SIEVE_UNKNOWN;
	n->is_never = n->tests[0]->known == SIEVE_NEVER;
	return 0;
}

static int check_else(struct sieve_check *c, struct sieve_node *n)
{
	if (!is_word(n->before, "if") && !is_word(n->before, "elsif")) {
		sieve_error(
			c, n->pos, "%s without an if before it", n->word->name);
		return sieve_hint(c, "it must follow the block of an if or "
				     "elsif directly");
	}
	if (n->n_tests)
		check_if(c, n);
	if (n->before->known == SIEVE_ALWAYS) {
		n->known = SIEVE_ALWAYS;
		n->is_never = true;
	}
	return 0;
}

static int exec_if(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = sieve_run_test(r, n->tests[0]);

	if (rc < 0)
		return rc;
	r->is_taken = rc;
	if (!rc)
		return SIEVE_GO_ON;
	rc = sieve_exec_block(r, n);
	/* Others inside it have used the flag. */
	r->is_taken = true;
	return rc;
}

static int exec_elsif(struct sieve_run *r, const struct sieve_node *n)
{
	return r->is_taken ? SIEVE_GO_ON : exec_if(r, n);
}

static int exec_else(struct sieve_run *r, const struct sieve_node *n)
{
	return r->is_taken ? SIEVE_GO_ON : sieve_exec_block(r, n);
}

/*
 * Actions
 */

static int exec_stop(struct sieve_run *r, const struct sieve_node *n)
{
	(void)r;
	(void)n;
	return SIEVE_STOP;
}

static int exec_keep(struct sieve_run *r, const struct sieve_node *n)
{
	return sieve_add_action(r, n, PLAN_KEEP, STR_NULL, false);
}

static int exec_discard(struct sieve_run *r, const struct sieve_node *n)
{
	return sieve_add_action(r, n, PLAN_DISCARD, STR_NULL, false);
}

static int check_redirect(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];
	struct str address;
	const char *why;

	if (sieve_node_tag(n, "list"))
		return sieve_list_check(c, arg);
	if (!arg->is_const || sieve_address_read(sieve_check_arena(c),
				      arg->texts[0].value, &address, &why) == 0)
		return 0;
	return sieve_error(c, arg->pos, "invalid address \"%.*s\": %s",
		STR_ARG(str_sub(arg->texts[0].value, 0, 100)), why);
}

/* The mail stays, or a loop of two would leave it nowhere. */
static int drop_loop(struct sieve_run *r, const struct plan_action *a)
{
	sieve_add_note(
		r, str_c(arena_printf(r->arena,
			   "no redirect to %.*s: the mail was redirected from "
			   "here before",
			   STR_ARG(a->value))));
	return SIEVE_GO_ON;
}

static int set_rcpt(
	struct sieve_run *r, struct str given, struct plan_action *a)
{
	const char *why;

	if (sieve_address_read(r->arena, given, &a->value, &why) < 0)
		return sieve_fail(r, "redirect: invalid address \"%.*s\": %s",
			STR_ARG(str_sub(given, 0, 100)), why);
	a->rcpts = ARENA_NEW(r->arena, struct str);
	a->rcpts[0] = a->value;
	a->n_rcpts = 1;
	return 0;
}

static int exec_redirect(struct sieve_run *r, const struct sieve_node *n)
{
	struct plan_action a = { .kind = PLAN_REDIRECT };
	struct str given;
	int rc = sieve_arg_get(r, n->positional[0], &given);

	if (rc == 0)
		rc = sieve_node_tag(n, "list") ? sieve_list_rcpts(r, given, &a)
					       : set_rcpt(r, given, &a);
	if (rc < 0)
		return rc;
	a.is_copy = sieve_node_tag(n, "copy");
	if (sieve_is_redirect_loop(r))
		return drop_loop(r, &a);
	a.sender = sieve_out_sender(r, r->settings->redirect_sender);
	return sieve_add(r, n, &a);
}

static const struct sieve_word words[] = {
	{ .name = "require",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONSTS, "extensions", 0 } },
		.check = check_require,
		.exec = exec_nothing },
	{ .name = "if",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK | SIEVE_ONE_TEST,
		.check = check_if,
		.exec = exec_if },
	{ .name = "elsif",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK | SIEVE_ONE_TEST,
		.check = check_else,
		.exec = exec_elsif },
	{ .name = "else",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK,
		.check = check_else,
		.exec = exec_else },
	{ .name = "stop",
		.flags = SIEVE_COMMAND | SIEVE_ENDS,
		.exec = exec_stop },
	{ .name = "keep", .flags = SIEVE_COMMAND, .exec = exec_keep },
	{ .name = "discard", .flags = SIEVE_COMMAND, .exec = exec_discard },
	{ .name = "redirect",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "address", 0 } },
		.check = check_redirect,
		.exec = exec_redirect },
	{ 0 },
};

const struct sieve_ext sieve_ext_base = { .words = words };
