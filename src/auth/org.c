/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * org.c - domains: how they are written, and the organization that has them.
 *
 * The Public Suffix List is the one within libpsl, or the file of the
 * distribution when that is newer, which auth_init() reads since in the box
 * there is none. Private suffixes (github.io) count like those of
 * registries, as RFC 7489 3.2 has it: their customers do not speak for another.
 */
#include <mailmill/auth.h>

#include <arpa/inet.h>

#include <idn2.h>
#include <libpsl.h>

#include <mailmill/utf8.h>

#include "domain.h"
#include "sign.h"

static const psl_ctx_t *suffixes;

void auth_init(void)
{
	sign_init();
	if (!suffixes)
		suffixes = psl_latest(psl_dist_filename());
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static struct str make_ascii(struct arena *a, struct str s)
{
	AUTO(bytes) char *copy = NULL;
	struct str out = STR_NULL;
	char *ascii = NULL;

	if (is_ascii(s))
		return s;
	/* UTF-8 takes at most four bytes for what is a byte of an A-label */
	if (s.len > 4 * DNS_NAME_MAX || !utf8_is_valid(s) || str_chr(s, 0) >= 0)
		return STR_NULL;
	copy = str_dup(s);
	if (idn2_to_ascii_8z(copy, &ascii,
		    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK)
		out = arena_str(a, str_c(ascii));
	idn2_free(ascii);
	return out;
}

static bool is_address(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char ip[16];

	if (s.len == 0 || s.len >= sizeof(text))
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	return inet_pton(AF_INET, text, ip) == 1 ||
	       inet_pton(AF_INET6, text, ip) == 1;
}

struct str domain_read(struct arena *a, struct str s)
{
	struct str name = dns_name(a, make_ascii(a, s));

	if (str_chr(name, '.') < 0 || name.p[0] == '[' || is_address(name))
		return STR_NULL;
	return name;
}

bool domain_is_below(struct str name, struct str domain)
{
	return str_eq(name, domain) ||
	       (str_ends(name, domain) && name.len > domain.len &&
		       name.p[name.len - domain.len - 1] == '.');
}

struct str domain_parent(struct str domain)
{
	ssize_t dot = str_chr(domain, '.');

	return dot < 0 ? STR_NULL
		       : str_sub(domain, (size_t)dot + 1, domain.len);
}

/* Shows what is no domain: some of it, as UTF-8. */
static struct str lower(struct arena *a, struct str s)
{
	struct str from = utf8_cut(
		utf8_mend(a, str_sub(s, 0, DNS_NAME_MAX)), DNS_NAME_MAX);

	return arena_lower(a, from);
}

struct str auth_organization(struct arena *a, struct str domain)
{
	struct str name = domain_read(a, domain);
	const char *found;

	if (!name.p)
		return lower(a, domain);
	if (!suffixes)
		suffixes = psl_builtin();
	/* a copy, since libpsl wants a NUL behind */
	found = suffixes
			? psl_registrable_domain(suffixes, arena_str(a, name).p)
			: NULL;
	return found ? arena_str(a, str_c(found)) : name;
}
