/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dns.c - names of types and states, and zones that were read from text. */
#include <mailmill/dns.h>
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
