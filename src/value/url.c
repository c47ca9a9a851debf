/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * url.c - links, taken out of what filters wrap around them.
 *
 * A safe-link filter puts the address that the sender wrote into a parameter
 * of its own link. That is what a record should have: the wrapped one shows
 * who read the mail, and ends when the filter is changed.
 */
#include <mailmill/buf.h>
#include <mailmill/enc.h>

#include "typed_private.h"

#define WRAPS_MAX 5

static const struct wrapper {
	const char *host; /* or its end, behind a "." */
	const char *path, *parameter;
	bool is_proofpoint; /* version 2 */
} wrappers[] = {
	{ "safelinks.protection.outlook.com", "/", "url", false },
	{ "urldefense.proofpoint.com", "/v2/url", "u", true },
	{ "urldefense.proofpoint.com", "/v1/url", "u", false },
	{ "google.com", "/url", "q", false },
	{ "google.com", "/url", "url", false },
	{ "l.facebook.com", "/l.php", "u", false },
	{ "linkedin.com", "/redir/redirect", "url", false },
	{ "deref-gmx.net", "/mail/client/", "redirectUrl", false },
	{ "deref-web.de", "/mail/client/", "redirectUrl", false },
	{ "protect.cloudflare.com", "/", "url", false },
	{ "linkprotect.cudasvc.com", "/url", "a", false },
	{ "secure-web.cisco.com", "/", "u", false },
	{ "clicktime.symantec.com", "/", "u", false },
	{ "clicktime.cloud.postoffice.net", "/", "u", false },
	{ "slack-redir.net", "/link", "url", false },
};

struct parts {
	struct str host, path, query;
};

static bool split(struct str url, struct parts *p)
{
	ssize_t at = str_find(url, STR("://"));
	struct str rest;

	if (at <= 0)
		return false;
	rest = str_sub(url, (size_t)at + 3, SIZE_MAX);
	*p = (struct parts){ rest, STR("/"), STR("") };
	for (size_t i = 0; i < rest.len; i++) {
		if (rest.p[i] == '/' || rest.p[i] == '?' || rest.p[i] == '#') {
			p->host = str_sub(rest, 0, i);
			p->path = str_sub(rest, i, SIZE_MAX);
			break;
		}
	}
	at = str_chr(p->path, '#');
	if (at >= 0)
		p->path = str_sub(p->path, 0, (size_t)at);
	at = str_chr(p->path, '?');
	if (at >= 0) {
		p->query = str_sub(p->path, (size_t)at + 1, SIZE_MAX);
		p->path = str_sub(p->path, 0, (size_t)at);
	}
	return p->host.len > 0;
}

static bool is_host(struct str host, struct str of)
{
	return str_eq_case(host, of) ||
	       (host.len > of.len && host.p[host.len - of.len - 1] == '.' &&
		       str_eq_case(
			       str_sub(host, host.len - of.len, of.len), of));
}

static struct str parameter(struct str query, struct str name)
{
	struct str pair;

	while (str_cut(&query, '&', &pair)) {
		if (str_starts(pair, STR("amp;")))
			pair = str_sub(pair, 4, SIZE_MAX);
		if (pair.len > name.len && pair.p[name.len] == '=' &&
			str_eq_case(str_sub(pair, 0, name.len), name))
			return str_sub(pair, name.len + 1, SIZE_MAX);
	}
	return STR_NULL;
}

/* Version 2 of one filter writes "-" for "%" and "_" for "/". */
static struct str decode(struct arena *a, struct str s, bool is_proofpoint)
{
	struct buf b = BUF_INIT(4 * TYPED_TEXT_MAX);
	char *copy = arena_alloc(a, s.len + 1);
	struct str out;

	for (size_t i = 0; i < s.len; i++)
		copy[i] = is_proofpoint && s.p[i] == '-'   ? '%'
			  : is_proofpoint && s.p[i] == '_' ? '/'
							   : s.p[i];
	enc_unpercent(&b, str_n(copy, s.len), false);
	out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return out;
}

/* "https://urldefense.com/v3/__https://example.org/x__;..." */
static struct str unwrap_v3(const struct parts *p, struct str url)
{
	ssize_t at = str_find(url, STR("/v3/__")), end;
	struct str rest;

	if (at < 0 || !is_host(p->host, STR("urldefense.com")))
		return STR_NULL;
	rest = str_sub(url, (size_t)at + 6, SIZE_MAX);
	end = str_find(rest, STR("__;"));
	/* "*" stands for characters that are told elsewhere: as it is then */
	if (end <= 0 || str_chr(str_sub(rest, 0, (size_t)end), '*') >= 0)
		return STR_NULL;
	return str_sub(rest, 0, (size_t)end);
}

static struct str unwrap(struct arena *a, struct str url)
{
	struct parts p;
	struct str inner;

	if (!split(url, &p))
		return STR_NULL;
	for (size_t i = 0; i < COUNT(wrappers); i++) {
		const struct wrapper *w = &wrappers[i];

		if (!is_host(p.host, str_c(w->host)) ||
			!str_starts(p.path, str_c(w->path)))
			continue;
		inner = parameter(p.query, str_c(w->parameter));
		if (!inner.p)
			continue;
		inner = decode(a, inner, w->is_proofpoint);
		if (str_starts_case(inner, STR("http")))
			return inner;
	}
	return unwrap_v3(&p, url);
}

static bool is_end(char c)
{
	return (unsigned char)c <= ' ' || strchr("<>\"{}|\\^`", c);
}

/* The first link in the text, with or without its scheme. */
static struct str find(struct arena *a, struct str s)
{
	ssize_t at = str_find_case(s, STR("http"));
	bool is_bare = at < 0;
	size_t len = 0;

	if (is_bare)
		at = str_find_case(s, STR("www."));
	if (at < 0)
		return STR_NULL;
	s = str_sub(s, (size_t)at, SIZE_MAX);
	while (len < s.len && !is_end(s.p[len]))
		len++;
	while (len && strchr(".,;:!?')]", s.p[len - 1])) {
		/* a parenthesis that was opened within belongs to it */
		if (s.p[len - 1] == ')' &&
			str_chr(str_sub(s, 0, len), '(') >= 0)
			break;
		len--;
	}
	s = str_sub(s, 0, len);
	if (is_bare)
		return str_c(arena_printf(a, "https://%.*s", STR_ARG(s)));
	return str_starts_case(s, STR("http://")) ||
			       str_starts_case(s, STR("https://"))
		       ? arena_str(a, s)
		       : STR_NULL;
}

const char *typed_url(struct arena *a, struct str s, struct str *out)
{
	struct str url = find(a, s), inner;

	if (!url.len)
		return "is no link";
	for (int i = 0; i < WRAPS_MAX; i++) {
		inner = unwrap(a, url);
		if (!inner.len)
			break;
		url = inner;
	}
	*out = url;
	return NULL;
}
