/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spf_macro.c - macros in SPF records and explanations (RFC 7208 section 7).
 *
 * A text is read a piece at a time: a visible character, an escape (%% %_ %-),
 * or %{LETTER DIGITS r DELIMITERS}. Whether a record is good is told before
 * anything is expanded; %{p} needs the DNS, so that its value is found by the
 * caller, who asks spf_macro_asks() first.
 */
#include <arpa/inet.h>

#include <mailmill/buf.h>

#include "spf.h"

#define PARTS_MAX 128 /* RFC 7208 7.3: "at least 127" */

struct piece {
	struct str text; /* as written */
	char letter;	 /* of %{}, in lower case, or 0 */
	bool is_upper, is_reversed;
	unsigned parts; /* to keep; 0: all */
	struct str delimiters;
};

static bool is_alnum(char c)
{
	return str_is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Reads the inside of %{}. */
static int read_expand(struct str s, enum spf_place place, struct piece *out)
{
	size_t at = 1;

	if (s.len == 0)
		return -1;
	out->is_upper = s.p[0] >= 'A' && s.p[0] <= 'Z';
	out->letter = out->is_upper ? (char)(s.p[0] + 32) : s.p[0];
	if (!is_one_of(out->letter, "slodiphv") &&
		!(place != SPF_IN_DOMAIN && is_one_of(out->letter, "crt")))
		return -1;
	for (; at < s.len && str_is_digit(s.p[at]); at++)
		out->parts = MIN(
			out->parts * 10 + (unsigned)(s.p[at] - '0'), 10000u);
	if (at > 1 && out->parts == 0)
		return -1;
	out->is_reversed = at < s.len && (s.p[at] == 'r' || s.p[at] == 'R');
	at += out->is_reversed;
	out->delimiters = str_sub(s, at, s.len);
	for (; at < s.len; at++)
		if (!is_one_of(s.p[at], ".-+,/_="))
			return -1;
	return 0;
}

static int read_percent(struct str s, enum spf_place place, struct piece *out)
{
	ssize_t end;

	if (s.len < 2)
		return -1;
	out->text = str_sub(s, 0, 2);
	if (is_one_of(s.p[1], "%_-"))
		return 0;
	end = str_chr(s, '}');
	if (s.p[1] != '{' || end < 0)
		return -1;
	out->text = str_sub(s, 0, (size_t)end + 1);
	return read_expand(str_sub(s, 2, (size_t)end - 2), place, out);
}

/* Cuts a piece off *rest. Returns: 1, 0 at the end, or -1: it is none. */
static int next_piece(struct str *rest, enum spf_place place, struct piece *out)
{
	unsigned char c;

	*out = (struct piece){ 0 };
	if (rest->len == 0)
		return 0;
	c = (unsigned char)rest->p[0];
	out->text = str_sub(*rest, 0, 1);
	if (c == '%' && read_percent(*rest, place, out) < 0)
		return -1;
	if (c >= 0x7f || c < ' ' || (c == ' ' && place != SPF_IN_TEXT))
		return -1;
	*rest = str_sub(*rest, out->text.len, rest->len);
	return 1;
}

/* toplabel: letters, digits, inner dashes; not digits alone. */
static bool is_toplabel(struct str s)
{
	bool has_more = false;

	if (s.len == 0 || s.p[0] == '-' || s.p[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
		has_more |= !str_is_digit(s.p[i]);
	}
	return has_more;
}

/* domain-end: "." toplabel [ "." ], of characters that stand for themselves. */
static bool is_domain_end(struct str literal)
{
	ssize_t dot;

	if (str_ends(literal, STR(".")))
		literal.len--;
	dot = str_rchr(literal, '.');
	return dot >= 0 &&
	       is_toplabel(str_sub(literal, (size_t)dot + 1, literal.len));
}

bool spf_macro_is_good(struct str s, enum spf_place place)
{
	struct str rest = s, literal = str_sub(s, 0, 0);
	struct piece p;
	int rc;

	while ((rc = next_piece(&rest, place, &p)) > 0) {
		if (p.text.p[0] == '%')
			literal = str_sub(rest, 0, 0);
		else
			literal = str_n(literal.p, literal.len + 1);
	}
	if (rc < 0)
		return false;
	if (place != SPF_IN_DOMAIN)
		return true;
	return s.len && (literal.len == 0 || is_domain_end(literal));
}

bool spf_macro_asks(struct str s)
{
	struct piece p;

	while (next_piece(&s, SPF_IN_TEXT, &p) > 0)
		if (p.letter == 'p')
			return true;
	return false;
}

/* ---- values ---- */

static const char hex[] = "0123456789abcdef";

/* %{i}: "192.0.2.1", or the digits of IPv6 between dots. */
static struct str print_dotted(struct arena *a, const struct spf_ip *ip)
{
	char *p = arena_alloc(a, 64);

	if (!ip->is_v6) {
		inet_ntop(AF_INET, ip->bytes, p, 64);
		return str_c(p);
	}
	for (size_t i = 0; i < 16; i++) {
		p[i * 4] = hex[ip->bytes[i] >> 4];
		p[i * 4 + 2] = hex[ip->bytes[i] & 15];
		p[i * 4 + 1] = p[i * 4 + 3] = '.';
	}
	return str_n(p, 63);
}

/* %{c}: as people write it. */
static struct str print_ip(struct arena *a, const struct spf_ip *ip)
{
	char *p = arena_alloc(a, INET6_ADDRSTRLEN);

	inet_ntop(
		ip->is_v6 ? AF_INET6 : AF_INET, ip->bytes, p, INET6_ADDRSTRLEN);
	return str_c(p);
}

static struct str or_unknown(struct str s)
{
	return s.len ? s : STR("unknown");
}

static struct str find_value(
	struct arena *a, char letter, const struct spf_values *v)
{
	switch (letter) {
	case 's':
		return v->sender;
	case 'l':
		return v->local;
	case 'o':
		return v->origin;
	case 'd':
		return v->domain;
	case 'i':
		return print_dotted(a, &v->ip);
	case 'p':
		return or_unknown(v->validated);
	case 'v':
		return v->ip.is_v6 ? STR("ip6") : STR("in-addr");
	case 'h':
		return v->helo;
	case 'c':
		return print_ip(a, &v->ip);
	case 'r':
		return or_unknown(v->receiver);
	case 't':
		return str_c(
			arena_printf(a, "%lld", (long long)(v->now / 1000)));
	}
	return STR("");
}

/* ---- expansion ---- */

static bool is_unreserved(char c)
{
	return is_alnum(c) || is_one_of(c, "-._~");
}

static void add_value(struct buf *out, struct str s, bool is_escaped)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_escaped && !is_unreserved(s.p[i]))
			(void)buf_printf(out, "%%%02X", c);
		else
			(void)buf_byte(out, c);
	}
}

static bool is_delimiter(char c, struct str delimiters)
{
	return delimiters.len ? str_chr(delimiters, c) >= 0 : c == '.';
}

/* Cuts s into its last PARTS_MAX parts at most; the first keeps the rest. */
static size_t split(struct str s, struct str delimiters, struct str *parts)
{
	size_t n = 0, end = s.len;

	for (size_t i = s.len; i > 0 && n < PARTS_MAX - 1; i--) {
		if (!is_delimiter(s.p[i - 1], delimiters))
			continue;
		parts[n++] = str_sub(s, i, end - i);
		end = i - 1;
	}
	parts[n++] = str_sub(s, 0, end);
	return n; /* from the last to the first */
}

static void add_parts(struct buf *out, const struct piece *p, struct str value)
{
	struct str parts[PARTS_MAX];
	size_t n = split(value, p->delimiters, parts), n_kept = n, first;

	if (p->parts && p->parts < n)
		n_kept = p->parts;
	/* the right-hand ones, after reversal */
	first = p->is_reversed ? n - n_kept : 0;
	for (size_t i = 0; i < n_kept; i++) {
		size_t at = p->is_reversed ? first + i : n_kept - 1 - i;
		if (i)
			(void)buf_byte(out, '.');
		add_value(out, parts[at], p->is_upper);
	}
}

static void add_piece(struct arena *a, struct buf *out, const struct piece *p,
	const struct spf_values *values)
{
	struct str value;

	if (p->text.p[0] != '%') {
		(void)buf_str(out, p->text);
	} else if (!p->letter) {
		(void)buf_c(out, p->text.p[1] == '%'   ? "%"
				 : p->text.p[1] == '_' ? " "
						       : "%20");
	} else {
		value = find_value(a, p->letter, values);
		if (p->parts || p->is_reversed || p->delimiters.len)
			add_parts(out, p, value);
		else
			add_value(out, value, p->is_upper);
	}
}

struct str spf_macro_expand(
	struct arena *a, struct str s, const struct spf_values *values)
{
	AUTO(buf) struct buf out = BUF_INIT(SPF_MADE_MAX);
	struct piece p;

	while (!buf_is_over(&out) && next_piece(&s, SPF_IN_TEXT, &p) > 0)
		add_piece(a, &out, &p, values);
	return buf_is_over(&out) ? STR_NULL : arena_str(a, buf_view(&out));
}
