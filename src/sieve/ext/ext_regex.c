/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_regex.c - :regex and :quoteregex (draft-ietf-sieve-regex).
 *
 * The draft asks for extended regular expressions of POSIX. The syntax here is
 * that of PCRE2, but a value is one string as POSIX has it: "." is any of its
 * characters, "^" and "$" are its ends. Where several alternatives fit, the
 * first is taken, not the longest.
 */
#include "../match.h"
#include "../sieve_private.h"

static unsigned get_flags(const struct sieve_match *m)
{
	return SIEVE_REGEX_WHOLE |
	       (strcmp(m->comparator->name, "i;octet") ? SIEVE_REGEX_CASELESS
						       : SIEVE_REGEX_BYTES);
}

static int check_regex(
	struct sieve_check *c, struct sieve_node *n, struct sieve_match *m)
{
	const struct sieve_regex **list;

	if (!m->normal)
		return 0;
	(void)n;
	list = arena_array(sieve_check_arena(c), m->keys->n, sizeof(*list));
	for (size_t i = 0; i < m->keys->n; i++) {
		list[i] = sieve_check_regex(c, m->keys->texts[i].pos,
			m->keys->texts[i].value, get_flags(m));
		if (!list[i])
			return -1;
	}
	m->data = list;
	return 0;
}

static int match_regex(struct sieve_run *r, const struct sieve_match *m,
	struct str value, struct str normal_value, struct str key,
	struct str normal_key, size_t index)
{
	const struct sieve_regex *const *list = m->data;
	struct str groups[SIEVE_MATCH_VALUES_MAX];
	const struct sieve_regex *re = list ? list[index]
					    : sieve_run_regex(
						      r, key, get_flags(m));
	int n;

	(void)normal_value;
	(void)normal_key;
	if (!re)
		return 0;
	n = sieve_regex_exec(
		re, value, 0, r->limits->regex_steps, groups, COUNT(groups));
	if (n < 0)
		return sieve_fail(r,
			"pattern \"%.*s\" takes more than %u steps for this "
			"mail",
			STR_ARG(str_sub(key, 0, 200)), r->limits->regex_steps);
	if (n > 0)
		sieve_set_match_values(r, groups, (size_t)n);
	return n > 0;
}

static const struct sieve_match_type types[] = {
	{ .name = "regex",
		.flags = SIEVE_NEEDS_SUBSTRING,
		.check = check_regex,
		.match = match_regex },
	{ 0 },
};

static int apply_quoteregex(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	static const char specials[] = "\\.[]{}()<>*+-?|^$";
	AUTO(buf) struct buf b = BUF_INIT(r->limits->value_len);

	(void)n;
	(void)t;
	for (size_t i = 0; i < value->len && !buf_is_over(&b); i++) {
		char escaped[2] = { '\\', value->p[i] };
		bool is_special = memchr(
			specials, value->p[i], sizeof(specials) - 1);

		buf_add(&b, is_special ? escaped : &escaped[1],
			is_special ? 2 : 1);
	}
	*value = arena_str(r->arena, buf_view(&b));
	return sieve_step(r, value->len / 64);
}

static const struct sieve_modifier modifiers[] = {
	{ .name = "quoteregex", .precedence = 20, .apply = apply_quoteregex },
	{ 0 },
};

const struct sieve_ext sieve_ext_regex = {
	.capability = "regex",
	.match_types = types,
	.modifiers = modifiers,
};
