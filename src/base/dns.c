/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns.c - names of types and states, and names as the DNS is asked for them. */
#include <mailmill/dns.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <mailmill/str.h>

static const struct {
	enum dns_type type;
	const char *name;
} types[] = {
	{ DNS_A, "A" },
	{ DNS_PTR, "PTR" },
	{ DNS_MX, "MX" },
	{ DNS_TXT, "TXT" },
	{ DNS_AAAA, "AAAA" },
};

static const char *const statuses[] = {
	[DNS_FOUND] = "found",
	[DNS_NO_DATA] = "no-data",
	[DNS_NO_NAME] = "no-name",
	[DNS_FAILED] = "failed",
};

const char *dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "";
}

int dns_type_read(struct str name, enum dns_type *out)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		if (!str_eq_case(name, str_c(types[i].name)))
			continue;
		*out = types[i].type;
		return 0;
	}
	return -1;
}

const char *dns_status_name(enum dns_status status)
{
	return statuses[status];
}

int dns_status_read(struct str name, enum dns_status *out)
{
	for (size_t i = 0; i < COUNT(statuses); i++) {
		if (!str_eq(name, str_c(statuses[i])))
			continue;
		*out = (enum dns_status)i;
		return 0;
	}
	return -1;
}

/*
 * Names
 */

static bool is_label_byte(unsigned char c)
{
	return c > ' ' && c != 0x7f;
}

static bool is_name(struct str s)
{
	struct str label;

	if (s.len == 0 || s.len > DNS_NAME_MAX)
		return false;
	while (str_cut(&s, '.', &label)) {
		if (label.len == 0 || label.len > DNS_LABEL_MAX)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_label_byte((unsigned char)label.p[i]))
				return false;
	}
	return true;
}

struct str dns_name(struct arena *a, struct str s)
{
	char *p;

	if (s.len && s.p[s.len - 1] == '.')
		s.len--;
	if (!is_name(s))
		return STR_NULL;
	p = arena_alloc(a, s.len + 1);
	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32)
						      : s.p[i];
	return str_n(p, s.len);
}

static struct str reverse_v4(struct arena *a, const unsigned char *ip)
{
	return str_c(arena_printf(
		a, "%u.%u.%u.%u.in-addr.arpa", ip[3], ip[2], ip[1], ip[0]));
}

struct str dns_reverse_name(struct arena *a, struct str address)
{
	static const char hex[] = "0123456789abcdef";
	const char *text = arena_str(a, address).p;
	unsigned char ip[16];
	char name[16 * 4 + 1];

	if (strlen(text) != address.len)
		return STR_NULL;
	if (inet_pton(AF_INET, text, ip) == 1)
		return reverse_v4(a, ip);
	if (inet_pton(AF_INET6, text, ip) != 1)
		return STR_NULL;
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ip))
		return reverse_v4(a, ip + 12);
	for (size_t i = 0; i < 16; i++) {
		char *at = name + (15 - i) * 4;
		at[0] = hex[ip[i] & 15];
		at[2] = hex[ip[i] >> 4];
		at[1] = at[3] = '.';
	}
	name[sizeof(name) - 1] = 0;
	return str_c(arena_printf(a, "%sip6.arpa", name));
}
