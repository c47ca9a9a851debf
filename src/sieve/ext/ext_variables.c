/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_variables.c - set with its modifiers, and the string test (RFC 5229).
 * What ${...} means in a string: vars.c.
 */
#include <mailmill/utf8.h>

#include "../match.h"
#include "../sieve_private.h"

static int exec_set(struct sieve_run *r, const struct sieve_node *n)
{
	struct str value;
	int rc = sieve_arg_get(r, n->positional[1], &value);

	if (rc == 0)
		rc = sieve_modify(r, n, &value);
	if (rc < 0)
		return rc;
	sieve_set(r, n->positional[0]->slot, value);
	return sieve_step(r, value.len / 64);
}

static int test_string(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *sources = n->positional[0];
	uint64_t count = 0;
	struct str *values;
	int rc = sieve_arg_list(r, sources, &values);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sources->n; i++)
		count += values[i].len > 0;
	return sieve_match_counted(r, n, values, sources->n, count);
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static char to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

static int change_letters(
	struct sieve_run *r, struct str *value, size_t n, char (*change)(char))
{
	char *p = arena_alloc(r->arena, value->len + 1);

	for (size_t i = 0; i < value->len; i++)
		p[i] = i < n ? change(value->p[i]) : value->p[i];
	*value = str_n(p, value->len);
	return sieve_step(r, value->len / 64);
}

static int apply_lower(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	(void)n;
	(void)t;
	return change_letters(r, value, SIZE_MAX, to_lower);
}

static int apply_upper(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	(void)n;
	(void)t;
	return change_letters(r, value, SIZE_MAX, to_upper);
}

static int apply_lowerfirst(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	(void)n;
	(void)t;
	return change_letters(r, value, 1, to_lower);
}

static int apply_upperfirst(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	(void)n;
	(void)t;
	return change_letters(r, value, 1, to_upper);
}

/* An escape that would be cut in half by the limit is left out whole. */
static int apply_quotewildcard(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	AUTO(buf) struct buf b = BUF_INIT(r->limits->value_len);

	(void)n;
	(void)t;
	for (size_t i = 0; i < value->len && !buf_is_over(&b); i++) {
		char escaped[2] = { '\\', value->p[i] };
		bool is_special = memchr("*?\\", value->p[i], 3);

		buf_add(&b, is_special ? escaped : &escaped[1],
			is_special ? 2 : 1);
	}
	*value = arena_str(r->arena, buf_view(&b));
	return sieve_step(r, value->len / 64);
}

static int apply_length(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_tagged *t, struct str *value)
{
	(void)n;
	(void)t;
	*value = str_c(arena_printf(r->arena, "%zu", utf8_count(*value)));
	return 0;
}

static const struct sieve_modifier modifiers[] = {
	{ .name = "lower", .precedence = 40, .apply = apply_lower },
	{ .name = "upper", .precedence = 40, .apply = apply_upper },
	{ .name = "lowerfirst", .precedence = 30, .apply = apply_lowerfirst },
	{ .name = "upperfirst", .precedence = 30, .apply = apply_upperfirst },
	{ .name = "quotewildcard",
		.precedence = 20,
		.apply = apply_quotewildcard },
	{ .name = "length", .precedence = 10, .apply = apply_length },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "set",
		.flags = SIEVE_COMMAND | SIEVE_MODIFIES,
		.params = { { SIEVE_VARIABLE, "name", 0 },
			{ SIEVE_STRING, "value", 0 } },
		.exec = exec_set },
	{ .name = "string",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "sources", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.test = test_string },
	{ 0 },
};

const struct sieve_ext sieve_ext_variables = {
	.capability = "variables",
	.is_lexical = true,
	.words = words,
	.modifiers = modifiers,
};
