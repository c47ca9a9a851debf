/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spf_read.c - the syntax of SPF records (RFC 7208 section 12). */
#include "spf.h"

#include <arpa/inet.h>

#define VERSION STR("v=spf1")

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- addresses ---- */

static int read_address(int family, struct str s, unsigned char *out)
{
	char text[INET6_ADDRSTRLEN + 1];

	if (s.len == 0 || s.len >= sizeof(text))
		return -1;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	return strlen(text) == s.len && inet_pton(family, text, out) == 1 ? 0
									  : -1;
}

static int read_v4(struct str s, struct spf_ip *out)
{
	struct spf_ip ip = { 0 };

	if (read_address(AF_INET, s, ip.bytes) < 0)
		return -1;
	*out = ip;
	return 0;
}

static int read_v6(struct str s, struct spf_ip *out)
{
	struct spf_ip ip = { .is_v6 = true };

	if (read_address(AF_INET6, s, ip.bytes) < 0)
		return -1;
	*out = ip;
	return 0;
}

int spf_ip_read(struct str s, struct spf_ip *out)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (read_v4(s, out) == 0)
		return 0;
	if (read_v6(s, out) < 0)
		return -1;
	if (memcmp(out->bytes, mapped, sizeof(mapped)) == 0) {
		memcpy(out->bytes, out->bytes + 12, 4);
		memset(out->bytes + 4, 0, 12);
		out->is_v6 = false;
	}
	return 0;
}

bool spf_ip_match(const struct spf_ip *a, const struct spf_ip *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (a->is_v6 != b->is_v6 || memcmp(a->bytes, b->bytes, whole))
		return false;
	return rest == 0 ||
	       ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0;
}

/* ---- terms ---- */

bool spf_is_record(struct str text)
{
	return str_starts_case(text, VERSION) &&
	       (text.len == VERSION.len || text.p[VERSION.len] == ' ');
}

struct str spf_record_terms(struct str record)
{
	return str_sub(record, VERSION.len, record.len);
}

/*
 * Cuts "/24" off the end of *s, where *mark is how it begins. Without one *bits
 * stays. Returns: 0, or -1 when there is one that is no number up to `max`.
 */
static int cut_bits(
	struct str *s, struct str mark, unsigned max, unsigned *bits)
{
	size_t at = s->len;
	struct str digits;
	uint64_t n;

	while (at > 0 && str_is_digit(s->p[at - 1]))
		at--;
	digits = str_sub(*s, at, s->len);
	if (digits.len == 0 || !str_ends(str_sub(*s, 0, at), mark))
		return 0;
	if ((digits.len > 1 && digits.p[0] == '0') ||
		str_to_u64(digits, max, &n) < 0)
		return -1;
	*bits = (unsigned)n;
	s->len = at - mark.len;
	return 0;
}

static int cut_both_bits(struct str *s, struct spf_term *t)
{
	if (cut_bits(s, STR("//"), 128, &t->bits6) < 0)
		return -1;
	/* "a//64" has no more, and "a/24/64" is none */
	return cut_bits(s, STR("/"), 32, &t->bits4);
}

static int read_domain(struct str s, struct spf_term *t)
{
	if (!spf_macro_is_good(s, SPF_IN_DOMAIN))
		return -1;
	t->spec = s;
	return 0;
}

static int read_nothing(struct str arg, struct spf_term *t)
{
	(void)t;
	return arg.len ? -1 : 0;
}

static int read_colon_domain(struct str arg, struct spf_term *t)
{
	if (!str_starts(arg, STR(":")))
		return -1;
	return read_domain(str_sub(arg, 1, arg.len), t);
}

static int read_maybe_domain(struct str arg, struct spf_term *t)
{
	return arg.len ? read_colon_domain(arg, t) : 0;
}

static int read_hosts(struct str arg, struct spf_term *t)
{
	return cut_both_bits(&arg, t) < 0 ? -1 : read_maybe_domain(arg, t);
}

/* qnum has no leading zeros; inet_pton() is as strict. */
static int read_ip4(struct str arg, struct spf_term *t)
{
	if (!str_starts(arg, STR(":")) ||
		cut_bits(&arg, STR("/"), 32, &t->bits4) < 0)
		return -1;
	return read_v4(str_sub(arg, 1, arg.len), &t->net);
}

static int read_ip6(struct str arg, struct spf_term *t)
{
	if (!str_starts(arg, STR(":")) ||
		cut_bits(&arg, STR("/"), 128, &t->bits6) < 0)
		return -1;
	return read_v6(str_sub(arg, 1, arg.len), &t->net);
}

static int read_other(struct str value, struct spf_term *t)
{
	(void)t;
	return spf_macro_is_good(value, SPF_IN_MODIFIER) ? 0 : -1;
}

struct row {
	const char *name;
	enum spf_kind kind;
	int (*read)(struct str arg, struct spf_term *t);
};

static const struct row mechanisms[] = {
	{ "all", SPF_ALL, read_nothing },
	{ "include", SPF_INCLUDE, read_colon_domain },
	{ "a", SPF_A, read_hosts },
	{ "mx", SPF_MX, read_hosts },
	{ "ptr", SPF_PTR, read_maybe_domain },
	{ "ip4", SPF_IP4, read_ip4 },
	{ "ip6", SPF_IP6, read_ip6 },
	{ "exists", SPF_EXISTS, read_colon_domain },
};

static const struct row modifiers[] = {
	{ "redirect", SPF_REDIRECT, read_domain },
	{ "exp", SPF_EXP, read_domain },
};

static const struct row other = { "", SPF_OTHER, read_other };

static const struct row *find_row(
	const struct row *rows, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(name, str_c(rows[i].name)))
			return &rows[i];
	return NULL;
}

static bool is_name_char(char c)
{
	return is_alpha(c) || str_is_digit(c) || c == '-' || c == '_' ||
	       c == '.';
}

/* Tells the length of the name of a modifier. */
static size_t count_name(struct str s)
{
	size_t n = 0;

	if (s.len == 0 || !is_alpha(s.p[0]))
		return 0;
	while (n < s.len && is_name_char(s.p[n]))
		n++;
	return n;
}

static bool cut_qualifier(struct str *s, enum auth_verdict *out)
{
	static const enum auth_verdict verdicts[] = { AUTH_PASS, AUTH_FAIL,
		AUTH_SOFTFAIL, AUTH_NEUTRAL };
	const char *signs = "+-~?", *at;

	*out = AUTH_PASS;
	at = s->len && s->p[0] ? strchr(signs, s->p[0]) : NULL;
	if (!at)
		return false;
	*out = verdicts[at - signs];
	*s = str_sub(*s, 1, s->len);
	return true;
}

static int read_term(struct str s, struct spf_term *t)
{
	bool has_qualifier = cut_qualifier(&s, &t->verdict);
	const struct row *row;
	size_t n = count_name(s);

	t->text = s;
	if (n && n < s.len && s.p[n] == '=' && !has_qualifier) {
		row = find_row(modifiers, COUNT(modifiers), str_sub(s, 0, n));
		row = row ? row : &other;
		n++;
	} else {
		for (n = 0; n < s.len && s.p[n] != ':' && s.p[n] != '/';)
			n++;
		row = find_row(mechanisms, COUNT(mechanisms), str_sub(s, 0, n));
	}
	if (!row)
		return -1;
	t->kind = row->kind;
	return row->read(str_sub(s, n, s.len), t);
}

int spf_term_next(struct str *rest, struct spf_term *out)
{
	struct str word;

	*out = (struct spf_term){ .bits4 = 32, .bits6 = 128 };
	while (str_cut(rest, ' ', &word))
		if (word.len)
			return read_term(word, out) < 0 ? -1 : 1;
	return 0;
}
