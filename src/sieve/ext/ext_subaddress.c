/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_subaddress.c - :user and :detail (RFC 5233). */
#include "../match.h"
#include "../sieve_private.h"

static ssize_t find_delimiter(const struct sieve_run *r, struct str local)
{
	for (size_t i = 0; i < local.len; i++)
		if (str_chr(r->settings->delimiters, local.p[i]) >= 0)
			return (ssize_t)i;
	return -1;
}

static bool get_user(const struct sieve_run *r, const struct mail_address *a,
	struct str *out)
{
	ssize_t at = find_delimiter(r, a->local);

	*out = at < 0 ? a->local : str_sub(a->local, 0, (size_t)at);
	return a->is_valid;
}

static bool get_detail(const struct sieve_run *r, const struct mail_address *a,
	struct str *out)
{
	ssize_t at = find_delimiter(r, a->local);

	if (at < 0 || !a->is_valid)
		return false;
	*out = str_sub(a->local, (size_t)at + 1, SIZE_MAX / 2);
	return true;
}

static const struct sieve_address_part parts[] = {
	{ "user", get_user },
	{ "detail", get_detail },
	{ 0 },
};

const struct sieve_ext sieve_ext_subaddress = {
	.capability = "subaddress",
	.address_parts = parts,
};
