/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address.c - addresses as scripts and envelopes hold them (RFC 5322 section
 * 3.4, without lists and groups).
 *
 * Dots may stand at the wrong place in a local part: there are sites that hand
 * out such addresses.
 */
#include <mailmill/buf.h>

#include "address.h"

#define LOCAL_MAX 256
#define DOMAIN_MAX 255

struct reader {
	struct str s;
	size_t at;
	struct buf local, domain;
	bool has_gap; /* words stood side by side, without a dot */
	bool is_name; /* what is read may be a name: UTF-8 is fine (RFC 6532) */
	bool has_8bit;
	const char *why;
};

static int peek(const struct reader *r)
{
	return r->at < r->s.len ? (unsigned char)r->s.p[r->at] : -1;
}

static int refuse(struct reader *r, const char *why)
{
	r->why = why;
	return -1;
}

static bool is_atom(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Tells whether a letter of a word comes next. */
static bool is_word(struct reader *r)
{
	int c = peek(r);

	if (r->is_name && c >= 0x80)
		r->has_8bit = true;
	return is_atom(c) || (r->is_name && c >= 0x80);
}

/* Steps over blanks and comments. Returns: 0, or -1: one is not closed. */
static int skip_space(struct reader *r)
{
	unsigned depth = 0;

	for (; peek(r) >= 0; r->at++) {
		int c = peek(r);

		if (c == '(')
			depth++;
		else if (depth && c == ')')
			depth--;
		else if (depth && c == '\\')
			r->at++;
		else if (!depth && c != ' ' && c != '\t' && c != '\r' &&
			 c != '\n')
			break;
	}
	return depth ? refuse(r, "a comment is not closed") : 0;
}

static int read_quoted(struct reader *r, struct buf *out)
{
	for (r->at++; peek(r) >= 0 && peek(r) != '"'; r->at++) {
		if (peek(r) == '\\')
			r->at++;
		if (!is_word(r) && (peek(r) < ' ' || peek(r) >= 0x7f))
			return refuse(r, "a quoted part is broken");
		buf_byte(out, (unsigned char)peek(r));
	}
	if (peek(r) < 0)
		return refuse(r, "a quote is not closed");
	r->at++;
	return 0;
}

/* Notes words that stand side by side: only a name may look so. */
static void note_gap(struct reader *r, const struct buf *out)
{
	if (out->len && out->p[out->len - 1] != '.' && peek(r) != '.')
		r->has_gap = true;
}

/* Reads words and dots, blanks between them, into `out`. */
static int read_words(struct reader *r, struct buf *out, bool has_quotes)
{
	for (;;) {
		if (skip_space(r) < 0)
			return -1;
		if (is_word(r) || peek(r) == '"')
			note_gap(r, out);
		if (has_quotes && peek(r) == '"') {
			if (read_quoted(r, out) < 0)
				return -1;
		} else if (is_word(r) || peek(r) == '.') {
			while (is_word(r) || peek(r) == '.')
				buf_byte(out, (unsigned char)r->s.p[r->at++]);
		} else {
			return 0;
		}
	}
}

static int read_domain(struct reader *r)
{
	struct str d;

	if (skip_space(r) < 0)
		return -1;
	if (peek(r) == '[') {
		while (peek(r) > ' ' && peek(r) != ']' && peek(r) < 0x7f)
			buf_byte(&r->domain, (unsigned char)r->s.p[r->at++]);
		if (peek(r) != ']')
			return refuse(r, "a domain in [ ] is not closed");
		buf_byte(&r->domain, (unsigned char)r->s.p[r->at++]);
		return skip_space(r);
	}
	if (read_words(r, &r->domain, false) < 0)
		return -1;
	d = buf_view(&r->domain);
	if (!d.len)
		return refuse(r, "nothing stands behind the @");
	if (d.p[0] == '.' || d.p[d.len - 1] == '.' ||
		str_find(d, STR("..")) >= 0)
		return refuse(r, "the domain has a dot at the wrong place");
	return 0;
}

static int read_spec(struct reader *r)
{
	if (peek(r) != '@')
		return refuse(r, "there is no @");
	if (!r->local.len)
		return refuse(r, "nothing stands before the @");
	if (r->has_gap)
		return refuse(r, "several words stand before the @");
	if (r->has_8bit)
		return refuse(r, "only ASCII may stand before the @");
	r->is_name = false;
	r->at++;
	if (read_domain(r) < 0)
		return -1;
	if (r->has_gap)
		return refuse(r, "several words stand behind the @");
	return 0;
}

/* What stood first was a name: the address follows in < >. */
static int read_angle(struct reader *r)
{
	buf_clear(&r->local);
	r->has_gap = r->is_name = r->has_8bit = false;
	r->at++;
	if (read_words(r, &r->local, true) < 0 || read_spec(r) < 0)
		return -1;
	if (peek(r) != '>')
		return refuse(r, "a > is missing");
	r->at++;
	return skip_space(r);
}

static int read_mailbox(struct reader *r)
{
	if (read_words(r, &r->local, true) < 0)
		return -1;
	if ((peek(r) == '<' ? read_angle(r) : read_spec(r)) < 0)
		return -1;
	if (peek(r) == ',' || peek(r) == ';')
		return refuse(r, "one address is wanted, not several");
	if (peek(r) >= 0)
		return refuse(r, "there is something behind the address");
	if (buf_is_over(&r->local) || buf_is_over(&r->domain))
		return refuse(r, "it is too long");
	return 0;
}

static bool needs_quotes(struct str local)
{
	for (size_t i = 0; i < local.len; i++)
		if (!is_atom((unsigned char)local.p[i]) && local.p[i] != '.')
			return true;
	return false;
}

static void add_local(struct buf *b, struct str local)
{
	bool is_quoted = needs_quotes(local);

	if (is_quoted)
		buf_byte(b, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (is_quoted && (local.p[i] == '"' || local.p[i] == '\\'))
			buf_byte(b, '\\');
		buf_byte(b, (unsigned char)local.p[i]);
	}
	if (is_quoted)
		buf_byte(b, '"');
}

int sieve_address_read(
	struct arena *a, struct str s, struct str *out, const char **why)
{
	AUTO(buf) struct buf all = BUF_INIT(2 * LOCAL_MAX + DOMAIN_MAX + 8);
	struct reader r = {
		.s = s,
		.local = BUF_INIT(LOCAL_MAX),
		.domain = BUF_INIT(DOMAIN_MAX),
		.is_name = true,
	};
	int rc = read_mailbox(&r);

	if (rc == 0) {
		add_local(&all, buf_view(&r.local));
		buf_byte(&all, '@');
		buf_str(&all, buf_view(&r.domain));
		*out = arena_str(a, buf_view(&all));
	}
	*why = r.why;
	buf_fini(&r.local);
	buf_fini(&r.domain);
	return rc;
}

static struct str unquote(struct arena *a, struct str s)
{
	char *p;
	size_t n = 0;

	if (s.len < 2 || s.p[0] != '"' || s.p[s.len - 1] != '"')
		return s;
	p = arena_alloc(a, s.len);
	for (size_t i = 1; i + 1 < s.len; i++) {
		if (s.p[i] == '\\' && i + 2 < s.len)
			i++;
		p[n++] = s.p[i];
	}
	return str_n(p, n);
}

static bool is_domain(struct str d)
{
	for (size_t i = 0; i < d.len; i++)
		if ((unsigned char)d.p[i] <= ' ' ||
			memchr("<>@,:;\"()", d.p[i], 9))
			return false;
	return d.len && d.p[0] != '.' && d.p[d.len - 1] != '.' &&
	       str_find(d, STR("..")) < 0;
}

/* Atoms and dots, or something in quotes; UTF-8 is fine (RFC 6531). */
static bool is_local(struct str local)
{
	if (local.len > 1 && local.p[0] == '"')
		return local.p[local.len - 1] == '"';
	for (size_t i = 0; i < local.len; i++)
		if (!is_atom((unsigned char)local.p[i]) && local.p[i] != '.' &&
			!((unsigned char)local.p[i] & 0x80))
			return false;
	return local.len > 0;
}

/* Cuts "@a,@b:" off (RFC 5321 appendix C). Returns: whether it was right. */
static bool cut_route(struct str *s)
{
	struct str hop, route;

	if (!str_starts(*s, STR("@")))
		return true;
	if (!str_cut(s, ':', &route) || !s->len)
		return false;
	while (str_cut(&route, ',', &hop))
		if (!str_starts(hop, STR("@")) ||
			!is_domain(str_sub(hop, 1, SIZE_MAX / 2)))
			return false;
	return true;
}

struct mail_address sieve_address_split(struct arena *a, struct str s)
{
	struct mail_address out = { .address = s };
	struct str local;
	ssize_t at;

	if (!s.len) {
		out.is_valid = true;
		return out;
	}
	if (!cut_route(&s))
		return out;
	out.address = s;
	at = str_rchr(s, '@');
	local = at < 0 ? s : str_sub(s, 0, (size_t)at);
	out.local = unquote(a, local);
	if (at >= 0)
		out.domain = str_sub(s, (size_t)at + 1, SIZE_MAX / 2);
	/* A local part alone is "postmaster", or a local user. */
	out.is_valid = is_local(local) && (at < 0 || is_domain(out.domain));
	return out;
}
