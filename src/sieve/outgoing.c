/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outgoing.c - what all mail that a script sends has in common. */
#include <mailmill/enc.h>

#include "sieve_private.h"

struct str sieve_owner(const struct sieve_run *r)
{
	if (r->settings->owner.len)
		return r->settings->owner;
	return r->env->n_rcpts ? r->env->rcpts[0].address : STR("");
}

/* The domain of the mail's recipient, or how the machine is called. */
static struct str get_domain(struct sieve_run *r)
{
	const struct sieve_settings *s = r->settings;
	struct str owner = sieve_owner(r);
	ssize_t at = str_rchr(owner, '@');

	if (s->domain.len)
		return s->domain;
	if (at >= 0)
		return str_sub(owner, (size_t)at + 1, owner.len);
	return s->hostname.len ? s->hostname : STR("localhost");
}

struct str sieve_postmaster(struct sieve_run *r)
{
	struct str domain = get_domain(r);

	if (r->settings->postmaster.len)
		return r->settings->postmaster;
	return str_c(
		arena_printf(r->arena, "postmaster@%.*s", STR_ARG(domain)));
}

struct str sieve_xtext(struct arena *a, struct str s)
{
	AUTO(buf) struct buf out = BUF_INIT(s.len);

	for (size_t i = 0; i < s.len; i++) {
		bool is_hex = s.p[i] == '+' && i + 2 < s.len &&
			      enc_hex_value(s.p[i + 1]) >= 0 &&
			      enc_hex_value(s.p[i + 2]) >= 0;

		if (is_hex) {
			buf_byte(&out,
				(unsigned char)(enc_hex_value(s.p[i + 1]) << 4 |
						enc_hex_value(s.p[i + 2])));
			i += 2;
		} else {
			buf_byte(&out, (unsigned char)s.p[i]);
		}
	}
	return arena_str(a, buf_view(&out));
}

struct str sieve_orig_rcpt(struct sieve_run *r)
{
	struct str type, address, orcpt;

	if (r->env->n_rcpts == 0)
		return STR("");
	orcpt = r->env->rcpts[0].orcpt;
	address = sieve_xtext(r->arena, orcpt);
	if (!orcpt.len)
		return r->env->rcpts[0].address;
	if (str_chr(address, ';') < 0)
		return address;
	str_cut(&address, ';', &type);
	return str_eq_case(type, STR("rfc822")) ? str_trim(address)
						: r->env->rcpts[0].address;
}

struct str sieve_out_sender(struct sieve_run *r, struct str rule)
{
	if (r->env->sender.len == 0)
		return STR("");
	if (str_eq_case(rule, STR("recipient")))
		return r->env->n_rcpts ? r->env->rcpts[0].address : STR("");
	if (str_eq_case(rule, STR("orig_recipient")))
		return sieve_orig_rcpt(r);
	if (str_eq_case(rule, STR("owner")))
		return sieve_owner(r);
	if (str_eq_case(rule, STR("postmaster")))
		return sieve_postmaster(r);
	if (str_starts(rule, STR("<")) && str_ends(rule, STR(">")))
		return str_sub(rule, 1, rule.len - 2);
	return r->env->sender;
}
