/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * token.c - what a thread could be known by, beside References: tokens, the
 * subject, who takes part.
 *
 * The box has no key, so all that looks like a token is a candidate here, with
 * the place where it stands; who has the keys decides. The place counts as much
 * as the signature: a token in an address, a Message-ID, the subject or the new
 * text was put there by the one who answers, one in a quoted text may be
 * another's mail that a stranger passed on.
 */
#include <mailmill/token.h>

#include "inside.h"

#define TOKENS_MAX 30	     /* of a mail */
#define SUBJECT_BASE_MAX 200 /* bytes of a subject that is compared */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool is_letter(char c)
{
	return is_alnum(c) && c != '0' && c != '1' && c != '8' && c != '9';
}

/* Tells how long the token at `at` is that "mm:" or "mm-" begins; 0: none. */
static size_t token_len(struct str s, size_t at)
{
	size_t n = 0;

	if (at + 3 > s.len || (s.p[at] | 32) != 'm' ||
		(s.p[at + 1] | 32) != 'm' ||
		(s.p[at + 2] != ':' && s.p[at + 2] != '-') ||
		(at && is_alnum(s.p[at - 1])))
		return 0;
	at += 3;
	while (at + n < s.len && is_letter(s.p[at + n]))
		n++;
	if (at + n < s.len && is_alnum(s.p[at + n]))
		return 0;
	return n >= TOKEN_LEAST && n <= TOKEN_MAX ? n : 0;
}

size_t mail_find_tokens(
	struct arena *a, struct str s, struct str *out, size_t max)
{
	size_t n = 0, len;

	for (size_t at = 0; at < s.len && n < max; at++) {
		const char *m = memchr(s.p + at, 'm', s.len - at);
		const char *upper = memchr(s.p + at, 'M', s.len - at);
		if (!m || (upper && upper < m))
			m = upper;
		if (!m)
			break;
		at = (size_t)(m - s.p);
		len = token_len(s, at);
		if (!len)
			continue;
		out[n++] = arena_lower(a, str_sub(s, at + 3, len));
		at += len;
	}
	return n;
}

struct gathering {
	struct mail *m;
	struct mail_token *items;
	size_t n;
};

/* Each token once, at the first of its places. */
static void gather(struct gathering *g, const char *place, struct str s)
{
	struct str found[TOKENS_MAX];
	size_t n = mail_find_tokens(g->m->arena, s, found, TOKENS_MAX), k;

	for (size_t i = 0; i < n && g->n < TOKENS_MAX; i++) {
		for (k = 0; k < g->n; k++)
			if (str_eq(g->items[k].text, found[i]))
				break;
		if (k == g->n)
			g->items[g->n++] = (struct mail_token){ place,
				found[i] };
	}
}

static void gather_fields(struct gathering *g, const char *place,
	const char *const *names, size_t n_names)
{
	struct fields *f = header_fields(g->m, g->m->root);

	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < n_names; k++)
			if (str_eq_case(f->items[i].name, str_c(names[k])))
				gather(g, place, f->items[i].raw);
}

size_t mail_tokens(struct mail *m, const struct mail_token **out)
{
	static const char *const addresses[] = { "to", "cc", "delivered-to",
		"x-original-to", "envelope-to" };
	static const char *const ids[] = { "in-reply-to", "references" };
	struct gathering g = { .m = m };

	g.items = arena_array(m->arena, TOKENS_MAX, sizeof(*g.items));
	gather_fields(&g, MAIL_TOKEN_ADDRESS, addresses, COUNT(addresses));
	gather_fields(&g, MAIL_TOKEN_REFERENCES, ids, COUNT(ids));
	gather(&g, MAIL_TOKEN_SUBJECT, mail_header(m, STR("subject")));
	gather(&g, MAIL_TOKEN_TEXT, mail_reply(m));
	gather(&g, MAIL_TOKEN_QUOTED, mail_text(m));
	*out = g.items;
	return g.n;
}

/* Leaves "[mm:...]" out, which our own answers put in. */
static struct str without_token(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT(MAIL_VALUE_MAX);
	struct str out;

	for (size_t i = 0; i < s.len; i++) {
		size_t n = s.p[i] == '[' ? token_len(s, i + 1) : 0;
		size_t end = i + 1 + 3 + n;
		if (n && end < s.len && s.p[end] == ']')
			i = end;
		else
			buf_byte(&b, (unsigned char)s.p[i]);
	}
	out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return out;
}

struct str mail_thread_subject(struct mail *m)
{
	struct str s = STR(""), out;
	char *p, *to;

	if (mail_value(m, STR("subject_base"), &s) < 0)
		return STR("");
	s = arena_lower(m->arena, without_token(m->arena, s));
	p = to = (char *)(uintptr_t)s.p;
	for (size_t i = 0; i < s.len; i++) {
		bool is_white = (unsigned char)p[i] <= ' ' || p[i] == 0x7f;
		if (!is_white)
			*to++ = p[i];
		else if (to > p && to[-1] != ' ')
			*to++ = ' ';
	}
	out = str_trim(str_n(p, (size_t)(to - p)));
	return utf8_cut(out, SUBJECT_BASE_MAX);
}

static void add_party(
	struct arena *a, struct str address, struct str *out, size_t *n)
{
	struct str s = arena_lower(a, address);

	for (size_t i = 0; i < *n; i++)
		if (str_eq(out[i], s))
			return;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return;
	if (s.len <= MAIL_PARTY_LEN_MAX)
		out[(*n)++] = s;
}

size_t mail_parties(struct mail *m, bool is_author, struct str *out, size_t max)
{
	static const char *const names[] = { "from", "reply-to", "to", "cc" };
	struct fields *f = header_fields(m, m->root);
	size_t n = 0;

	for (size_t k = 0; k < (is_author ? 1 : COUNT(names)); k++)
		for (size_t i = 0; i < f->n; i++) {
			struct mail_address *list;
			size_t n_list;
			if (!str_eq_case(f->items[i].name, str_c(names[k])))
				continue;
			n_list = mail_addresses(
				m->arena, f->items[i].raw, &list);
			for (size_t j = 0; j < n_list && n < max; j++)
				if (list[j].is_valid)
					add_party(m->arena, list[j].address,
						out, &n);
		}
	return n;
}
