/* SPDX-License-Identifier: GPL-3.0-or-later */
/* path.c - reading the addresses and xtext of SMTP commands. */
#include <mailmill/buf.h>
#include <mailmill/enc.h>
#include <mailmill/envelope.h>
#include <mailmill/utf8.h>

#include "path.h"

#define DOMAIN_MAX 255 /* RFC 5321 section 4.5.3.1.2 */

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* atext of RFC 5322, the dot, and RFC 6531's UTF8-non-ascii. */
static bool is_local(unsigned char c)
{
	return is_alnum(c) || c >= 0x80 ||
	       (c && memchr("!#$%&'*+-/=?^_`{|}~.", c, 20));
}

static bool is_domain(unsigned char c)
{
	return is_alnum(c) || c >= 0x80 || c == '-' || c == '.' || c == '_';
}

static bool is_literal(unsigned char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == ':';
}

static bool take_byte(struct str *rest, char c)
{
	if (!rest->len || rest->p[0] != c)
		return false;
	*rest = str_n(rest->p + 1, rest->len - 1);
	return true;
}

static struct str take_while(struct str *rest, bool (*is)(unsigned char))
{
	size_t n = 0;
	struct str s;

	while (n < rest->len && is((unsigned char)rest->p[n]))
		n++;
	s = str_n(rest->p, n);
	*rest = str_n(rest->p + n, rest->len - n);
	return s;
}

/* Cuts "..." off and adds what it means. */
static int take_quoted(struct str *rest, struct buf *out)
{
	while (rest->len) {
		unsigned char c = (unsigned char)rest->p[0];
		if (take_byte(rest, '"'))
			return 0;
		if (take_byte(rest, '\\')) {
			if (!rest->len)
				return -1;
			c = (unsigned char)rest->p[0];
		}
		if (c < ' ' || c == 0x7f)
			return -1;
		buf_byte(out, c);
		*rest = str_n(rest->p + 1, rest->len - 1);
	}
	return -1;
}

static bool needs_quotes(struct str local)
{
	for (size_t i = 0; i < local.len; i++)
		if (!is_local((unsigned char)local.p[i]))
			return true;
	return local.len == 0;
}

static void add_local(struct buf *out, struct str local)
{
	if (!needs_quotes(local)) {
		buf_str(out, local);
		return;
	}
	buf_byte(out, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			buf_byte(out, '\\');
		buf_byte(out, (unsigned char)local.p[i]);
	}
	buf_byte(out, '"');
}

static int take_local(struct str *rest, struct buf *out)
{
	AUTO(buf) struct buf raw = BUF_INIT(ENVELOPE_ADDRESS_MAX);
	struct str local;

	if (take_byte(rest, '"')) {
		if (take_quoted(rest, &raw) < 0 || buf_is_over(&raw))
			return -1;
		add_local(out, buf_view(&raw));
		return 0;
	}
	local = take_while(rest, is_local);
	buf_str(out, local);
	return local.len ? 0 : -1;
}

static int take_domain(struct str *rest, struct buf *out)
{
	struct str domain;

	if (take_byte(rest, '[')) {
		domain = take_while(rest, is_literal);
		buf_byte(out, '[');
		buf_str(out, domain);
		buf_byte(out, ']');
		return domain.len && take_byte(rest, ']') ? 0 : -1;
	}
	domain = take_while(rest, is_domain);
	buf_str(out, domain);
	return domain.len && domain.len <= DOMAIN_MAX && domain.p[0] != '.'
		       ? 0
		       : -1;
}

/* RFC 5321 section 4.1.1.3: a source route is accepted and ignored. */
static int skip_route(struct str *rest)
{
	ssize_t at;

	if (!rest->len || rest->p[0] != '@')
		return 0;
	for (at = 0; (size_t)at < rest->len && rest->p[at] != ':'; at++) {
		unsigned char c = (unsigned char)rest->p[at];
		if (!is_domain(c) && c != '@' && c != ',')
			return -1;
	}
	*rest = str_sub(*rest, (size_t)at, rest->len);
	return take_byte(rest, ':') ? 0 : -1;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

int path_parse(
	struct arena *a, struct str *rest, bool may_utf8, struct str *out)
{
	AUTO(buf) struct buf b = BUF_INIT(ENVELOPE_ADDRESS_MAX);
	struct str in = *rest, address;

	while (take_byte(&in, ' '))
		;
	if (!take_byte(&in, '<'))
		return -1;
	if (!take_byte(&in, '>')) {
		if (skip_route(&in) < 0 || take_local(&in, &b) < 0)
			return -1;
		if (take_byte(&in, '@')) {
			buf_byte(&b, '@');
			if (take_domain(&in, &b) < 0)
				return -1;
		} else if (!str_eq_case(buf_view(&b), STR("postmaster"))) {
			return -1; /* the only one without a domain */
		}
		if (!take_byte(&in, '>'))
			return -1;
	}
	address = buf_view(&b);
	if (buf_is_over(&b) || !utf8_is_valid(address))
		return -1;
	if (!may_utf8 && !is_ascii(address))
		return PATH_UTF8;
	*rest = in;
	*out = arena_str(a, address);
	return 0;
}

static bool is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool path_is_xtext(struct str s, size_t max)
{
	if (s.len > max)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < '!' || c > '~' || c == '=')
			return false;
		if (c != '+')
			continue;
		if (i + 2 >= s.len || !is_hex((unsigned char)s.p[i + 1]) ||
			!is_hex((unsigned char)s.p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

int path_unxtext(struct arena *a, struct str s, struct str *out)
{
	AUTO(buf) struct buf b = BUF_INIT(s.len);

	if (!path_is_xtext(s, s.len))
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '+') {
			buf_byte(&b, (unsigned char)s.p[i]);
			continue;
		}
		if (enc_unhex(&b, str_sub(s, i + 1, 2)) < 0)
			return -1;
		i += 2;
	}
	*out = arena_str(a, buf_view(&b));
	return 0;
}
