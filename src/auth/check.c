/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - all verdicts about a mail: those of a trusted server, or our own.
 *
 * A trusted server saw the client; we most often see only our own MTA. So what
 * it said is taken whole, and not mixed with verdicts of ours, which could
 * only be made of less. Our own are SPF for a client that can be the sender's
 * (neither loopback nor a private network, which are ours), DKIM and ARC of
 * the bytes as they came, and DMARC of those.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include <mailmill/utf8.h>

#include "results.h"

/*
 * From
 */

/* Lists the addresses of all From fields. */
static size_t list_from(
	struct arena *a, struct mail *m, struct mail_address **out)
{
	size_t n, n_out = 0;
	const struct mail_header *h = mail_fields(m, &n);

	*out = NULL;
	for (size_t i = 0; i < n; i++) {
		struct mail_address *list;
		size_t n_list;
		if (!str_eq_case(h[i].name, STR("from")))
			continue;
		n_list = mail_addresses(a, h[i].raw, &list);
		*out = arena_grow(
			a, *out, n_out, n_out + n_list, sizeof(*list));
		for (size_t k = 0; k < n_list; k++)
			(*out)[n_out++] = list[k];
	}
	return n_out;
}

/*
 * The client
 */

/* Tells whether a network is one of ours, and no sender's. */
static bool is_own_v4(const unsigned char *ip)
{
	return ip[0] == 127 || ip[0] == 10 || ip[0] == 0 ||
	       (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
	       (ip[0] == 192 && ip[1] == 168) ||
	       (ip[0] == 169 && ip[1] == 254) ||
	       (ip[0] == 100 && (ip[1] & 0xc0) == 64);
}

static bool is_own_v6(const unsigned char *ip)
{
	struct in6_addr v6;

	memcpy(&v6, ip, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return is_own_v4(ip + 12);
	return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) ||
	       IN6_IS_ADDR_LINKLOCAL(&v6) || (ip[0] & 0xfe) == 0xfc;
}

/* Cuts the port off "192.0.2.1:25" and "[2001:db8::1]:25". */
static struct str cut_port(struct str peer)
{
	ssize_t at = str_chr(peer, ']');

	if (str_starts(peer, STR("[")) && at > 0)
		return str_sub(peer, 1, (size_t)at - 1);
	at = str_chr(peer, ':');
	if (at >= 0 && str_rchr(peer, ':') == at)
		return str_sub(peer, 0, (size_t)at);
	return peer;
}

/* Finds the address of a client that may be a stranger's. STR_NULL: none. */
static struct str find_client(struct arena *a, const struct envelope *env)
{
	struct str ip = env ? arena_str(a, cut_port(env->peer)) : STR_NULL;
	unsigned char bytes[16];

	if (!ip.len || strlen(ip.p) != ip.len)
		return STR_NULL;
	if (inet_pton(AF_INET, ip.p, bytes) == 1)
		return is_own_v4(bytes) ? STR_NULL : ip;
	if (inet_pton(AF_INET6, ip.p, bytes) == 1)
		return is_own_v6(bytes) ? STR_NULL : ip;
	return STR_NULL;
}

/*
 * Own verdicts
 */

static void check_spf(struct arena *a, const struct envelope *env,
	const struct auth_settings *s, const struct auth_ask *ask,
	struct spf_result *out)
{
	struct spf_in in = { .ip = find_client(a, env),
		.receiver = s->receiver };

	*out = (struct spf_result){ .verdict = AUTH_NONE };
	if (!in.ip.len)
		return;
	in.helo = env->helo;
	in.sender = env->sender;
	auth_spf(a, &in, ask, out);
}

static bool has_unknown(const struct auth_result *r)
{
	for (size_t i = 0; i < r->n_dkim; i++)
		if (r->dkim[i].verdict == AUTH_UNKNOWN)
			return true;
	return r->spf.verdict == AUTH_UNKNOWN ||
	       r->arc.verdict == AUTH_UNKNOWN ||
	       r->dmarc.verdict == AUTH_UNKNOWN;
}

/* All ask before any of them is waited for, so that there are few rounds. */
static void judge(struct arena *a, struct mail *m, const struct envelope *env,
	const struct mail_address *from, size_t n_from,
	const struct auth_settings *s, const struct auth_ask *ask,
	struct auth_result *out)
{
	out->source = AUTH_FROM_US;
	check_spf(a, env, s, ask, &out->spf);
	out->n_dkim = auth_dkim(a, m, ask, &out->dkim);
	auth_arc(a, m, ask, &out->arc);
	auth_dmarc(a, from, n_from, &out->spf, out->dkim, out->n_dkim, ask,
		&out->dmarc);
	out->is_unknown = has_unknown(out);
}

/*
 * Who is verified
 */

static bool is_aligned(struct arena *a, struct str domain, struct str from)
{
	struct str one = auth_organization(a, domain);
	struct str other = auth_organization(a, from);

	return one.len && str_eq(one, other);
}

static bool is_verified(
	struct arena *a, const struct auth_result *r, struct str from)
{
	if (r->dmarc.verdict == AUTH_PASS)
		return true;
	if (r->dmarc.verdict != AUTH_NONE || !from.len)
		return false;
	for (size_t i = 0; i < r->n_dkim; i++)
		if (r->dkim[i].verdict == AUTH_PASS &&
			is_aligned(a, r->dkim[i].domain, from))
			return true;
	return r->spf.verdict == AUTH_PASS &&
	       is_aligned(a, r->spf.domain, from);
}

void auth_check(struct arena *a, struct mail *m, const struct envelope *env,
	const struct auth_settings *s, const struct auth_ask *ask,
	struct auth_result *out)
{
	struct mail_address *from;
	size_t n_from = list_from(a, m, &from);
	/* several authors: none of them is the one who is vouched for */
	struct str domain = n_from == 1 && from[0].is_valid ? from[0].domain
							    : STR("");

	*out = (struct auth_result){ .source = AUTH_FROM_NOBODY };
	if (s->n_trusted && results_take(a, m, domain, s, out))
		out->source = AUTH_FROM_RESULTS;
	else if (s->is_asking)
		judge(a, m, env, from, n_from, s, ask, out);
	else
		return;
	if (!out->is_unknown)
		out->is_from_verified = is_verified(a, out, domain);
}
