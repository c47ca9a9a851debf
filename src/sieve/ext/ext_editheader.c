/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_editheader.c - addheader and deleteheader (RFC 5293).
 *
 * What may not be changed is left as it is without a word, as section 6 asks.
 */
#include <mailmill/compose.h>

#include "../match.h"
#include "../message.h"

#define FIELD_MAX ((size_t)1 << 20) /* a composed field */

static bool is_value_byte(unsigned char c)
{
	return c >= ' ' ? c != 0x7f : c == '\t' || c == '\r' || c == '\n';
}

/* Returns: why it is wrong, in the arena, or NULL. */
static const char *tell_name(struct arena *a, struct str name)
{
	if (compose_is_name(name))
		return NULL;
	return arena_printf(a, "field name '%.*s' is invalid",
		STR_ARG(str_sub(name, 0, 100)));
}

/* A NUL would end the text that tells of it. */
static const char *tell_value(
	struct arena *a, struct str value, const struct sieve_limits *limits)
{
	size_t n = 0;

	if (value.len > limits->header_len)
		return arena_printf(a,
			"the value has %zu bytes, more than the %zu that are "
			"allowed",
			value.len, limits->header_len);
	while (n < value.len && is_value_byte((unsigned char)value.p[n]))
		n++;
	if (n == value.len)
		return NULL;
	return arena_printf(a,
		"the value '%.*s' is invalid: byte %zu is a control character "
		"(0x%02x)",
		STR_ARG(str_sub(value, 0, MIN(n, (size_t)100))), n + 1,
		(unsigned char)value.p[n]);
}

static int check_name(struct sieve_check *c, const struct sieve_arg *arg)
{
	const char *why = NULL;

	if (arg->is_const)
		why = tell_name(sieve_check_arena(c), sieve_arg_const(arg));
	if (!why)
		return 0;
	sieve_error(c, arg->pos, "%s", why);
	return sieve_hint(
		c, "printable ASCII without blanks and colons: \"X-Order\"");
}

static int get_name(
	struct sieve_run *r, const struct sieve_arg *arg, struct str *name)
{
	int rc = sieve_arg_get(r, arg, name);
	const char *why;

	if (rc < 0)
		return rc;
	why = tell_name(r->arena, *name);
	return why ? sieve_fail(r, "%s", why) : 0;
}

/*
 * What is allowed
 */

static const struct sieve_field_rule *find_rule(
	const struct sieve_run *r, struct str name)
{
	for (size_t i = 0; i < r->settings->n_field_rules; i++)
		if (str_eq_case(r->settings->field_rules[i].name, name))
			return &r->settings->field_rules[i];
	return NULL;
}

static bool may_add(const struct sieve_run *r, struct str name)
{
	const struct sieve_field_rule *rule = find_rule(r, name);

	return !rule || !rule->forbids_add || str_eq_case(name, STR("subject"));
}

static bool may_delete(const struct sieve_run *r, struct str name)
{
	const struct sieve_field_rule *rule = find_rule(r, name);

	if (str_eq_case(name, STR("received")) ||
		str_eq_case(name, STR("auto-submitted")))
		return false;
	return !rule || !rule->forbids_delete ||
	       str_eq_case(name, STR("subject"));
}

/*
 * addheader
 */

static int check_add(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[1];
	const char *why = NULL;

	if (check_name(c, n->positional[0]) < 0)
		return -1;
	if (arg->is_const)
		why = tell_value(sieve_check_arena(c), sieve_arg_const(arg),
			sieve_check_limits(c));
	return why ? sieve_error(c, arg->pos, "%s", why) : 0;
}

static int exec_add(struct sieve_run *r, const struct sieve_node *n)
{
	AUTO(buf) struct buf text = BUF_INIT(FIELD_MAX);
	struct mail_header field;
	struct str name, value;
	const char *why;
	int rc = get_name(r, n->positional[0], &name);

	if (rc == 0)
		rc = sieve_arg_get(r, n->positional[1], &value);
	if (rc < 0)
		return rc;
	why = tell_value(r->arena, value, r->limits);
	if (why)
		return sieve_fail(r, "addheader: %s", why);
	if (!may_add(r, name))
		return SIEVE_GO_ON;
	compose_field(&text, name, value);
	if (buf_is_over(&text))
		return sieve_fail(r, "addheader: the value is too long");
	field = sieve_message_field(r, name, buf_view(&text));
	return sieve_message_add_field(
		r, &field, sieve_node_tag(n, "last") != NULL);
}

/*
 * deleteheader
 */

static int check_delete(struct sieve_check *c, struct sieve_node *n)
{
	return check_name(c, n->positional[0]);
}

/* What of the fields of one name is to go. */
struct choice {
	const struct mail_header **items;
	bool *goes;
	size_t n;
};

static int choose(
	struct sieve_run *r, const struct sieve_node *n, struct choice *c)
{
	struct str *values;
	int rc;

	if (n->n_positional < 2) {
		memset(c->goes, true, c->n);
		return 0;
	}
	values = arena_array(r->arena, c->n + 1, sizeof(*values));
	for (size_t i = 0; i < c->n; i++)
		values[i] = c->items[i]->value;
	/* a count is one of all, and speaks for all */
	if (n->match->type->flags & SIEVE_COUNTS) {
		rc = sieve_match_values(r, n, values, c->n);
		memset(c->goes, rc == 1, c->n);
		return MIN(rc, 0);
	}
	for (size_t i = 0; i < c->n; i++) {
		rc = sieve_match_values(r, n, &values[i], 1);
		if (rc < 0)
			return rc;
		c->goes[i] = rc;
	}
	return 0;
}

static int delete_chosen(struct sieve_run *r, const struct choice *c)
{
	size_t n, n_left = 0, at = 0;
	const struct mail_header *all = mail_headers(r->mail, &n);
	struct mail_header *left = arena_array(r->arena, n, sizeof(*left));

	for (size_t i = 0; i < n; i++) {
		if (at < c->n && c->items[at] == &all[i] && c->goes[at++])
			continue;
		left[n_left++] = all[i];
	}
	return n_left == n ? 0 : sieve_message_set_fields(r, left, n_left);
}

static int exec_delete(struct sieve_run *r, const struct sieve_node *n)
{
	struct choice c = { 0 };
	struct str name;
	size_t count;
	const struct mail_header *all;
	int rc = get_name(r, n->positional[0], &name);

	if (rc < 0 || !may_delete(r, name))
		return rc;
	all = mail_headers(r->mail, &count);
	c.items = arena_array(
		r->arena, count + 1, sizeof(struct mail_header *));
	for (size_t i = 0; i < count; i++)
		if (str_eq_case(all[i].name, name))
			c.items[c.n++] = &all[i];
	sieve_index_headers(n, &c.items, &c.n);
	c.goes = arena_array(r->arena, c.n + 1, sizeof(*c.goes));
	rc = choose(r, n, &c);
	return rc < 0 ? rc : delete_chosen(r, &c);
}

static int fill(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a)
{
	(void)n;
	return sieve_message_fill(r, a);
}

static const struct sieve_tag add_tags[] = {
	{ .name = "last" },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "addheader",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "field name", 0 },
			{ SIEVE_STRING, "value", 0 } },
		.tags = add_tags,
		.check = check_add,
		.exec = exec_add },
	{ .name = "deleteheader",
		.flags = SIEVE_COMMAND | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "field name", 0 },
			{ SIEVE_STRINGS, "value patterns", SIEVE_OPTIONAL } },
		.tags = sieve_index_tags,
		.check = check_delete,
		.exec = exec_delete },
	{ 0 },
};

const struct sieve_ext sieve_ext_editheader = {
	.capability = "editheader",
	.words = words,
	.action_check = fill,
};
