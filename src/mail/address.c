/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address.c - address lists (RFC 5322 3.4 and 4.4) as they come.
 *
 * One pass cuts the list into mailboxes at commas (and semicolons) that stand
 * outside of quotes, comments and angle brackets; what stands before a ":" is
 * a group's name and goes. Each mailbox is then read by words. Nesting is
 * counted, never recursed into. Encoded words are decoded in names only, after
 * cutting, so that no encoded comma or bracket makes another address; only what
 * has no address outside of them is read again as decoded, since some programs
 * encode the whole of it.
 */
#include <idn2.h>

#include <mailmill/utf8.h>

#include "inside.h"

#define LIST_MAX ((size_t)1 << 20)
#define GROUP_NAME_MAX 500
#define ANGLE_MAX 2000 /* bytes between < and >; more is an open bracket */

/* Skips a quoted string at i. Returns: the index behind it. */
static size_t skip_quoted(struct str s, size_t i)
{
	for (i++; i < s.len && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	return MIN(i + 1, s.len);
}

/* Tells whether the quoted string at i has an end. */
static bool is_closed(struct str s, size_t i)
{
	size_t end = skip_quoted(s, i);

	return end > i + 1 && s.p[end - 1] == '"' &&
	       (s.p[end - 2] != '\\' || end < s.len ||
		       (end > i + 2 && s.p[end - 3] == '\\'));
}

/* Skips an encoded word at i: its comma or bracket is one of a name. */
static size_t skip_word(struct str s, size_t i)
{
	struct header_word w;

	if (!str_starts(str_sub(s, i, 2), STR("=?")) ||
		!header_read_word(str_sub(s, i, s.len), &w) ||
		!str_ends(str_sub(s, i, w.len), STR("?=")) ||
		/* of two that end and begin: "=?u?Q?A <a@b>, =?u?Q?B?= <c@d>"
		 */
		(str_chr(w.text, ' ') >= 0 && str_chr(w.text, '<') >= 0))
		return i + 1;
	return i + w.len;
}

static size_t skip_comment(struct str s, size_t i)
{
	size_t depth = 0;

	for (; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.len;
}

/* Returns: the index behind the ">" of a "<" at i, or behind the "<". */
static size_t skip_angle(struct str s, size_t i)
{
	size_t end = MIN(s.len, i + ANGLE_MAX);
	bool is_route = i + 1 < s.len && s.p[i + 1] == '@';

	for (size_t k = i + 1; k < end; k++) {
		if (s.p[k] == '>')
			return k + 1;
		if (s.p[k] == '"')
			k = skip_quoted(s, k) - 1;
		else if ((s.p[k] == '<' && k > i + 1) ||
			 (s.p[k] == ',' && !is_route))
			break;
	}
	return i + 1;
}

struct reader {
	struct arena *a;
	struct mail_address *items;
	size_t n, cap;
	struct str pending; /* a name cut at its comma: "Doe" of Doe, John */
};

/* ---- one mailbox ---- */

struct words {
	struct buf phrase, comment;
	struct str angle; /* what stood between < and > */
	bool has_angle;
	bool has_phrase;
};

static void add_unescaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		buf_byte(b, (unsigned char)s.p[i]);
	}
}

static size_t take_quoted(struct words *w, struct str s, size_t i)
{
	size_t end = skip_quoted(s, i);
	size_t len = end - i - 1;

	if (len && s.p[end - 1] == '"')
		len--;
	if (w->phrase.len)
		buf_byte(&w->phrase, ' ');
	add_unescaped(&w->phrase, str_sub(s, i + 1, len));
	w->has_phrase = true;
	return end;
}

static size_t take_comment(struct words *w, struct str s, size_t i)
{
	size_t end = skip_comment(s, i);
	struct str text = str_sub(s, i + 1, end - i - 1);

	if (text.len && text.p[text.len - 1] == ')')
		text.len--;
	buf_clear(&w->comment);
	add_unescaped(&w->comment, str_trim(text));
	return end;
}

static size_t take_angle(struct words *w, struct str s, size_t i)
{
	size_t end = skip_angle(s, i);
	struct str inside;

	if (end == i + 1) /* never closed: all that is left */
		end = s.len;
	while (i + 1 < end && s.p[i + 1] == '<')
		i++;
	inside = str_sub(s, i + 1, end - i - 1);
	if (inside.len && inside.p[inside.len - 1] == '>')
		inside.len--;
	while (end < s.len && s.p[end] == '>')
		end++;
	/* of several the last that looks like an address */
	if (!w->has_angle || str_chr(inside, '@') >= 0)
		w->angle = inside;
	w->has_angle = true;
	return end;
}

static size_t take_atom(struct words *w, struct str s, size_t i, bool is_apart)
{
	size_t from = i;

	if (s.p[i] == '"') /* one that is never closed */
		i++;
	while (i < s.len && !strchr(" \t\"(<", s.p[i]))
		i = s.p[i] == '=' ? skip_word(s, i) : i + 1;
	if (i == from) /* a NUL, which strchr() finds */
		i++;
	if (w->phrase.len && is_apart)
		buf_byte(&w->phrase, ' ');
	buf_add(&w->phrase, s.p + from, i - from);
	return i;
}

static void read_words(struct words *w, struct str s)
{
	bool is_apart = true, is_open = false; /* a quote, up to the end */

	for (size_t i = 0; i < s.len;) {
		char c = s.p[i];
		if (is_blank(c)) {
			is_apart = true;
			i++;
			continue;
		}
		if (c == '"' && !is_open)
			is_open = !is_closed(s, i);
		if (c == '"' && !is_open)
			i = take_quoted(w, s, i);
		else if (c == '(')
			i = take_comment(w, s, i);
		else if (c == '<')
			i = take_angle(w, s, i);
		else
			i = take_atom(w, s, i, is_apart);
		is_apart = c == '(';
	}
}

/* ---- one address ---- */

static size_t skip_blanks(struct str s, size_t i)
{
	while (i < s.len && is_blank(s.p[i]))
		i++;
	return i;
}

/* Copies an addr-spec without comments and the blanks around "." and "@". */
static struct str squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1), *to = p;

	for (size_t i = 0; i < s.len;) {
		size_t end = i + 1;
		if (s.p[i] == '"') {
			end = skip_quoted(s, i);
		} else if (s.p[i] == '(') {
			i = skip_comment(s, i);
			continue;
		} else if (is_blank(s.p[i])) {
			size_t next = skip_blanks(s, i);
			/* between words it stays, and makes it no address */
			if (to > p && !strchr(".@", to[-1]) && next < s.len &&
				!strchr(".@(", s.p[next]))
				*to++ = ' ';
			i = next;
			continue;
		}
		memcpy(to, s.p + i, end - i);
		to += end - i;
		i = end;
	}
	return str_n(p, (size_t)(to - p));
}

static bool is_domain(struct str s)
{
	if (s.len >= 3 && s.p[0] == '[' && s.p[s.len - 1] == ']')
		return true;
	if (s.len == 0 || s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool is_ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '_' ||
			     c >= 0x80 || (c == '.' && s.p[i - 1] != '.');
		if (!is_ok)
			return false;
	}
	return true;
}

static bool is_local(struct str s)
{
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c == 127 || strchr("<>()[],;:\\\"@", c))
			return false;
	}
	return true;
}

static struct str unquote(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT(s.len + 1);
	struct str out;

	if (str_chr(s, '"') < 0)
		return s;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			continue;
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		buf_byte(&b, (unsigned char)s.p[i]);
	}
	out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return out;
}

static ssize_t find_at(struct str s)
{
	ssize_t at = -1;

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"')
			i = skip_quoted(s, i) - 1;
		else if (s.p[i] == '@')
			at = (ssize_t)i;
	}
	return at;
}

/* Reads an addr-spec, a route or "mailto:" before it; false: it is none. */
static bool read_spec(struct arena *a, struct str raw, struct mail_address *out)
{
	struct str s = squeeze(
		a, str_find(raw, STR("=?")) >= 0 ? header_decode_words(a, raw)
		   : charset_is_plain(raw)
			   ? raw
			   : charset_to_utf8(a, raw, STR(""), NULL));
	struct str quoted_local;
	ssize_t at;

	if (s.len && s.p[0] == '@') { /* obs-route: @one,@two:user@host */
		ssize_t colon = str_chr(s, ':');
		s = str_sub(s, colon < 0 ? 0 : (size_t)colon + 1, s.len);
	}
	if (str_starts_case(s, STR("mailto:")))
		s = str_sub(s, 7, s.len);
	at = find_at(s);
	if (at < 0)
		return false;
	quoted_local = str_sub(s, 0, (size_t)at);
	out->domain = str_sub(s, (size_t)at + 1, s.len);
	if (out->domain.len && out->domain.p[out->domain.len - 1] == '.')
		out->domain.len--;
	out->local = unquote(a, quoted_local);
	if (!is_domain(out->domain) || out->local.len == 0 ||
		(quoted_local.p[0] != '"' && !is_local(out->local)))
		return false;
	out->address = str_n(s.p, (size_t)at + 1 + out->domain.len);
	if (is_local(out->local) && out->local.len != quoted_local.len) {
		char *text = arena_alloc(
			a, out->local.len + out->domain.len + 2);
		memcpy(text, out->local.p, out->local.len);
		text[out->local.len] = '@';
		memcpy(text + out->local.len + 1, out->domain.p,
			out->domain.len);
		out->address = str_n(
			text, out->local.len + out->domain.len + 1);
	}
	return true;
}

static struct mail_address *add_item(struct reader *r)
{
	struct mail_address *item;

	if (r->n == r->cap) {
		size_t more = r->cap ? r->cap * 2 : 4;
		r->items = arena_grow(
			r->a, r->items, r->cap, more, sizeof(*r->items));
		r->cap = more;
	}
	item = &r->items[r->n++];
	item->name = item->address = item->local = item->domain = STR("");
	return item;
}

static void add_invalid(struct reader *r, struct str name, struct str raw)
{
	struct mail_address *item = add_item(r);

	item->name = name;
	item->address = header_decode_words(r->a, arena_str(r->a, raw));
}

static struct str decode_name(struct reader *r, struct str name)
{
	return name.len ? header_decode_words(r->a, arena_str(r->a, name))
			: STR("");
}

/* What stands for recipients that are not told. */
static bool is_nobody(struct str s)
{
	static const char *const names[] = { "undisclosed", "unlisted-recip",
		"unlisted recip", "recipient list not", "no to-header on" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_starts_case(s, str_c(names[i])))
			return true;
	return false;
}

/* A bare word before a comma may be half a name: it waits for the next one. */
static void flush_pending(struct reader *r)
{
	if (r->pending.p && !is_nobody(r->pending))
		add_invalid(r, decode_name(r, r->pending), r->pending);
	r->pending = STR_NULL;
}

/* NAME <ADDRESS> */
static void add_bracketed(struct reader *r, struct words *w)
{
	struct str phrase = buf_view(&w->phrase), name;
	struct mail_address one = { 0 };

	if (r->pending.p && phrase.len)
		phrase = str_c(arena_printf(r->a, "%.*s, %.*s",
			STR_ARG(r->pending), STR_ARG(phrase)));
	else
		flush_pending(r);
	r->pending = STR_NULL;
	name = decode_name(r, phrase.len ? phrase : buf_view(&w->comment));
	if (!read_spec(r->a, w->angle, &one)) {
		add_invalid(r, name, w->angle);
		return;
	}
	one.name = name;
	one.is_valid = true;
	*add_item(r) = one;
}

/* Cuts what was left around an address: > of a bracket, ' of quotes, [ ]. */
static struct str strip(struct str s)
{
	s = str_trim(s);
	while (s.len && strchr("<'[", s.p[0]))
		s = str_sub(s, 1, s.len);
	while (s.len && strchr(">'].", s.p[s.len - 1]) &&
		!(s.p[s.len - 1] == ']' && str_chr(s, '[') >= 0))
		s.len--;
	return s;
}

/* Finds the word of a phrase that is an address. Returns: whether there is. */
static bool find_in_words(
	struct reader *r, struct str phrase, struct mail_address *one)
{
	struct str rest = phrase, word;

	while (str_cut(&rest, ' ', &word)) {
		if (str_chr(word, '@') <= 0 ||
			!read_spec(r->a, strip(word), one))
			continue;
		one->name = str_trim(
			str_n(phrase.p, (size_t)(word.p - phrase.p)));
		return true;
	}
	return false;
}

/*
 * ADDRESS, ADDRESS (NAME), NAME ADDRESS as some robots write it, or
 * NAME (ADDRESS).
 */
static void add_bare(struct reader *r, struct str item, struct words *w)
{
	struct mail_address one = { 0 };
	struct str phrase = arena_str(r->a, buf_view(&w->phrase));
	struct str comment = buf_view(&w->comment), name = comment;

	flush_pending(r);
	if (!read_spec(r->a, item, &one) &&
		!read_spec(r->a, strip(item), &one)) {
		one.name = STR("");
		if (find_in_words(r, phrase, &one)) {
			name = one.name.len ? one.name : comment;
		} else if (read_spec(r->a, strip(comment), &one)) {
			name = phrase;
		} else {
			add_invalid(r, STR(""), item);
			return;
		}
	}
	one.name = decode_name(r, name);
	one.is_valid = true;
	*add_item(r) = one;
}

/* What is encoded as a whole: "=?utf-8?Q?Ann_<ann@example.org>?=". */
static bool add_encoded(struct reader *r, struct str item)
{
	struct str s = header_decode_words(r->a, arena_str(r->a, item));
	struct words w = { .phrase = BUF_INIT(LIST_MAX),
		.comment = BUF_INIT(LIST_MAX) };
	size_t n = r->n;

	if (str_chr(s, '@') < 0)
		return false;
	read_words(&w, s);
	if (w.has_angle && str_chr(w.angle, '@') >= 0)
		add_bracketed(r, &w);
	else if (str_chr(s, ' ') < 0)
		add_bare(r, s, &w);
	buf_fini(&w.phrase);
	buf_fini(&w.comment);
	return r->n > n;
}

static void take_item(struct reader *r, struct str item)
{
	struct words w = { .phrase = BUF_INIT(LIST_MAX),
		.comment = BUF_INIT(LIST_MAX) };

	item = str_trim(item);
	if (item.len == 0)
		return;
	read_words(&w, item);
	if (w.has_angle && (str_chr(w.angle, '@') >= 0 ||
				   str_chr(buf_view(&w.phrase), '@') < 0)) {
		add_bracketed(r, &w);
	} else if (str_chr(item, '@') >= 0) {
		add_bare(r, item, &w);
	} else if (str_find(item, STR("=?")) >= 0 && add_encoded(r, item)) {
		flush_pending(r);
	} else if (w.phrase.len) {
		flush_pending(r);
		r->pending = arena_str(r->a, buf_view(&w.phrase));
	}
	buf_fini(&w.phrase);
	buf_fini(&w.comment);
}

/* ---- the list ---- */

static size_t skip_literal(struct str s, size_t i)
{
	for (; i < s.len && s.p[i] != ']' && s.p[i] != ','; i++)
		;
	return i < s.len && s.p[i] == ']' ? i + 1 : i;
}

/* A group's name is before a ":", if a ";" comes or nothing at all. */
static bool is_group(struct str s, size_t from, size_t colon, ssize_t last_end)
{
	struct str name = str_trim(str_sub(s, from, colon - from));

	if (name.len > GROUP_NAME_MAX || str_chr(name, '[') >= 0 ||
		str_eq_case(name, STR("mailto")))
		return false;
	return last_end > (ssize_t)colon ||
	       str_trim(str_sub(s, colon + 1, s.len)).len == 0;
}

static void read_list(struct reader *r, struct str s)
{
	ssize_t last_end = str_rchr(s, ';');
	size_t from = 0, i = 0, last_quote = (size_t)MAX(str_rchr(s, '"'), 0);

	while (i < s.len && r->n < MAIL_ADDRESSES_MAX) {
		switch (s.p[i]) {
		case '"':
			i = i < last_quote ? skip_quoted(s, i) : i + 1;
			break;
		case '(':
			i = skip_comment(s, i);
			break;
		case '<':
			i = skip_angle(s, i);
			break;
		case '=':
			i = skip_word(s, i);
			break;
		case '[':
			i = skip_literal(s, i + 1);
			break;
		case ':':
			if (is_group(s, from, i, last_end))
				from = i + 1;
			i++;
			break;
		case ',':
		case ';':
			take_item(r, str_sub(s, from, i - from));
			if (s.p[i] == ';')
				flush_pending(r);
			from = ++i;
			break;
		default:
			i++;
		}
	}
	if (r->n < MAIL_ADDRESSES_MAX)
		take_item(r, str_sub(s, from, s.len));
	flush_pending(r);
}

size_t mail_addresses(
	struct arena *a, struct str raw, struct mail_address **out)
{
	struct reader r = { .a = a };
	struct str s = header_unfold(a, str_sub(raw, 0, LIST_MAX));

	if (s.len)
		read_list(&r, s);
	*out = r.items;
	return r.n;
}

/* ---- domains beyond ASCII (RFC 5890) ---- */

static bool has_label(struct str domain)
{
	return str_find_case(domain, STR("xn--")) >= 0;
}

struct str mail_domain_ascii(struct arena *a, struct str domain)
{
	char *out = NULL, *p = arena_alloc(a, domain.len + 1);
	struct str result = domain;

	if (domain.len == 0 || domain.len > MAIL_DOMAIN_MAX)
		return domain;
	memcpy(p, domain.p, domain.len);
	if (charset_is_plain(domain)) {
		for (char *c = p; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 32) : *c;
		return str_n(p, domain.len);
	}
	if (idn2_to_ascii_8z(p, &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
		IDN2_OK)
		result = arena_str(a, str_c(out));
	idn2_free(out);
	return result;
}

struct str mail_domain_unicode(struct arena *a, struct str domain)
{
	char *out = NULL;
	struct str ascii = mail_domain_ascii(a, domain), result = ascii;

	if (!has_label(ascii) || ascii.len > MAIL_DOMAIN_MAX)
		return charset_is_plain(ascii) ? ascii : domain;
	if (idn2_to_unicode_8z8z(arena_str(a, ascii).p, &out, 0) == IDN2_OK &&
		out && utf8_is_valid(str_c(out)) &&
		/* what it does not stand for was never registered */
		str_eq(mail_domain_ascii(a, str_c(out)), ascii))
		result = arena_str(a, str_c(out));
	idn2_free(out);
	return result;
}
