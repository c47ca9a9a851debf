/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outgoing.c - what all mail that a script sends has in common. */
#include "sieve_private.h"

struct str sieve_owner(const struct sieve_run *r)
{
	if (r->settings->owner.len)
		return r->settings->owner;
	return r->env->n_rcpts ? r->env->rcpts[0].address : STR("");
}

static struct str get_postmaster(struct sieve_run *r)
{
	const struct sieve_settings *s = r->settings;
	struct str domain = s->domain.len ? s->domain : s->hostname;

	if (s->postmaster.len)
		return s->postmaster;
	return str_c(
		arena_printf(r->arena, "postmaster@%.*s", STR_ARG(domain)));
}

static struct str get_orig_rcpt(const struct sieve_run *r)
{
	if (r->env->n_rcpts == 0)
		return STR("");
	return r->env->rcpts[0].orcpt.len ? r->env->rcpts[0].orcpt
					  : r->env->rcpts[0].address;
}

struct str sieve_out_sender(struct sieve_run *r, struct str rule)
{
	if (r->env->sender.len == 0)
		return STR("");
	if (str_eq_case(rule, STR("recipient")))
		return r->env->n_rcpts ? r->env->rcpts[0].address : STR("");
	if (str_eq_case(rule, STR("orig_recipient")))
		return get_orig_rcpt(r);
	if (str_eq_case(rule, STR("owner")))
		return sieve_owner(r);
	if (str_eq_case(rule, STR("postmaster")))
		return get_postmaster(r);
	if (str_starts(rule, STR("<")) && str_ends(rule, STR(">")))
		return str_sub(rule, 1, rule.len - 2);
	return r->env->sender;
}
