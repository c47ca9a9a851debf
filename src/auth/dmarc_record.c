/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dmarc_record.c - reads DMARC policy records (RFC 7489 section 6.3).
 *
 * A record is a list of tags like DKIM's. What is unknown, empty or has no
 * value of its tag is as if it were not there; of two the first counts.
 */
#include "dmarc.h"

#define TAGS_MAX 100

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str trim(struct str s)
{
	while (s.len && is_space(s.p[0]))
		s = str_sub(s, 1, s.len);
	while (s.len && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts a tag off *rest. Returns: false at the end. */
static bool next_tag(struct str *rest, struct str *name, struct str *value)
{
	struct str tag;

	while (str_cut(rest, ';', &tag)) {
		if (!str_cut(&tag, '=', name) || !tag.p)
			continue;
		*name = trim(*name);
		*value = trim(tag);
		return true;
	}
	return false;
}

bool dmarc_is_record(struct str text)
{
	struct str first, name, value;

	if (text.len == 0 || is_space(text.p[0]))
		return false;
	(void)str_cut(&text, ';', &first);
	return next_tag(&first, &name, &value) && str_eq_case(name, STR("v")) &&
	       str_eq(value, STR("DMARC1"));
}

static bool read_policy(struct str value, enum dmarc_policy *out)
{
	static const char *const names[] = {
		[DMARC_POLICY_NONE] = "none",
		[DMARC_QUARANTINE] = "quarantine",
		[DMARC_REJECT] = "reject",
	};

	for (size_t i = DMARC_POLICY_NONE; i < COUNT(names); i++) {
		if (!str_eq_case(value, str_c(names[i])))
			continue;
		*out = (enum dmarc_policy)i;
		return true;
	}
	return false;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Tells whether a list has an URI: a scheme, a colon, and more. */
static bool has_uri(struct str list)
{
	struct str uri;

	while (str_cut(&list, ',', &uri)) {
		ssize_t colon = str_chr(trim(uri), ':');
		uri = trim(uri);
		if (colon > 0 && (size_t)colon + 1 < uri.len &&
			is_alpha(uri.p[0]))
			return true;
	}
	return false;
}

/* What was found, beside what is given. */
struct reading {
	struct dmarc_record *out;
	bool has_bad_sp, has_uri;
};

static void take_policy(struct str value, enum dmarc_policy *to)
{
	if (*to == DMARC_NOT_SAID)
		(void)read_policy(value, to);
}

static void take_sp(struct reading *r, struct str value)
{
	if (r->out->sp == DMARC_NOT_SAID && !read_policy(value, &r->out->sp))
		r->has_bad_sp = true;
}

static void take_alignment(struct str value, bool *is_strict)
{
	*is_strict |= str_eq_case(value, STR("s"));
}

static void take_tag(struct reading *r, struct str name, struct str value)
{
	struct dmarc_record *d = r->out;
	uint64_t n;

	if (str_eq_case(name, STR("p")))
		take_policy(value, &d->p);
	else if (str_eq_case(name, STR("sp")))
		take_sp(r, value);
	else if (str_eq_case(name, STR("np")))
		take_policy(value, &d->np);
	else if (str_eq_case(name, STR("adkim")))
		take_alignment(value, &d->is_strict_dkim);
	else if (str_eq_case(name, STR("aspf")))
		take_alignment(value, &d->is_strict_spf);
	else if (str_eq_case(name, STR("pct")))
		d->is_pct_zero |= str_to_u64(value, 100, &n) == 0 && n == 0;
	else if (str_eq_case(name, STR("rua")))
		r->has_uri |= has_uri(value);
	else if (str_eq_case(name, STR("psd")))
		d->is_psd |= str_eq_case(value, STR("y"));
}

bool dmarc_record_read(struct str text, struct dmarc_record *out)
{
	struct reading r = { .out = out };
	struct str name, value;

	*out = (struct dmarc_record){ 0 };
	for (unsigned n = 0; n < TAGS_MAX && next_tag(&text, &name, &value);
		n++)
		take_tag(&r, name, value);
	if (out->p != DMARC_NOT_SAID && !r.has_bad_sp)
		return true;
	/* 6.6.3: who asks for reports is taken to want no more than these */
	out->p = DMARC_POLICY_NONE;
	out->sp = out->np = DMARC_NOT_SAID;
	return r.has_uri;
}
