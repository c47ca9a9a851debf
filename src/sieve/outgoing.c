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

/*
 * Redirecting
 */

#define LOOP_FIELD "X-Sieve-Redirected-From"

bool sieve_is_redirect_loop(struct sieve_run *r)
{
	struct str rcpt = r->env->n_rcpts ? r->env->rcpts[0].address : STR_NULL;
	size_t n;
	const struct mail_header *all = mail_headers(r->mail, &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq_case(all[i].name, STR(LOOP_FIELD)) &&
			all[i].value.len &&
			(str_eq_case(all[i].value, sieve_owner(r)) ||
				str_eq_case(all[i].value, rcpt)))
			return true;
	return false;
}

/* Tells whether a text may stand in a field that is written here. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0;
}

static const char *line_end(const struct sieve_run *r)
{
	struct str raw = mail_raw(r->mail);
	ssize_t lf = str_chr(raw, '\n');

	return lf == 0 || (lf > 0 && raw.p[lf - 1] != '\r') ? "\n" : "\r\n";
}

/* Tells the length of a Return-Path at the top, which does not go out. */
static uint64_t count_return_path(const struct sieve_run *r)
{
	size_t n;
	const struct mail_header *all = mail_headers(r->mail, &n);

	if (n < 2 || all[0].offset ||
		!str_eq_case(all[0].name, STR("Return-Path")))
		return 0;
	return all[1].offset;
}

void sieve_trace_redirect(struct sieve_run *r, struct plan_action *a)
{
	struct str owner = sieve_owner(r);
	const char *end = line_end(r);
	struct plan_piece whole = { .len = mail_raw(r->mail).len };
	struct plan_piece *pieces;
	char *trace;

	if (!a->n_pieces) {
		a->pieces = &whole;
		a->n_pieces = whole.len > 0;
	}
	trace = arena_printf(r->arena, "X-Sieve: mailmill%s", end);
	if (is_printable(owner))
		trace = arena_printf(r->arena, "%s" LOOP_FIELD ": %.*s%s",
			trace, STR_ARG(owner), end);
	pieces = arena_array(r->arena, a->n_pieces + 1, sizeof(*pieces));
	pieces[0].literal = str_c(trace);
	for (size_t i = 0; i < a->n_pieces; i++)
		pieces[i + 1] = a->pieces[i];
	if (a->n_pieces && !pieces[1].literal.len && !pieces[1].offset) {
		pieces[1].offset = MIN(count_return_path(r), pieces[1].len);
		pieces[1].len -= pieces[1].offset;
	}
	a->pieces = pieces;
	a->n_pieces++;
}
