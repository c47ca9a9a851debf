/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_envelope.c - the envelope test (RFC 5228 section 5.4), and its parts that
 * DSN parameters make (RFC 6009): notify, ret, envid, orcpt.
 */
#include "../address.h"
#include "../match.h"
#include "../sieve_private.h"

static const char *const names[] = { "from", "to", "auth", "notify", "ret",
	"envid", "orcpt" };
enum part {
	PART_FROM,
	PART_TO,
	PART_AUTH,
	PART_NOTIFY,
	PART_RET,
	PART_ENVID,
	PART_ORCPT,
	PART_NONE,
};
#define N_PLAIN_PARTS 3 /* without envelope-dsn */
#define NOTIFY_MAX 4	/* conditions of one recipient */

/* Of a node: whether envelope-dsn is required. */
static const bool has_dsn = true;

static enum part find_part(struct str name)
{
	unsigned i = 0;

	while (i < COUNT(names) && !str_eq_case(name, str_c(names[i])))
		i++;
	return (enum part)i;
}

static int check_envelope(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *parts = n->positional[0];
	bool is_dsn = sieve_check_has(c, "envelope-dsn");
	size_t n_known = is_dsn ? COUNT(names) : N_PLAIN_PARTS;

	n->data = is_dsn ? (void *)(uintptr_t)&has_dsn : NULL;
	for (size_t i = 0; i < parts->n; i++) {
		const struct sieve_text *t = &parts->texts[i];
		enum part part = find_part(t->value);

		if (t->n_pieces)
			continue;
		if (part >= n_known && part != PART_NONE) {
			sieve_error(c, t->pos,
				"envelope part '%s' needs the extension "
				"'envelope-dsn'",
				names[part]);
			return sieve_hint(c, "add \"envelope-dsn\" to the list "
					     "of require");
		}
		if (part == PART_NONE)
			return sieve_error_nearest(c, t->pos, "envelope part",
				t->value, names, n_known);
		if (part >= PART_AUTH && n->match->part &&
			strcmp(n->match->part->name, "all"))
			return sieve_error(c, t->pos,
				"envelope part '%s' is no address: ':%s' "
				"cannot be taken of it",
				names[part], n->match->part->name);
	}
	return 0;
}

struct values {
	struct str *items;
	size_t n;
	uint64_t count;
};

/*
 * The null reverse-path is the empty string, whatever part is asked for. What
 * is no address has no value at all.
 */
static void add_address(struct sieve_run *r, const struct sieve_node *n,
	struct str address, struct values *out)
{
	struct mail_address a = sieve_address_split(r->arena, address);
	struct str value = a.address;

	if (!a.is_valid)
		return;
	out->count += address.len > 0;
	if (!address.len || !n->match->part ||
		n->match->part->get(r, &a, &value))
		out->items[out->n++] = value;
}

static void add_text(struct values *out, struct str value)
{
	if (!value.len)
		return;
	out->items[out->n++] = value;
	out->count++;
}

/* Each condition is a value of its own. */
static void add_notify(struct values *out, struct str list)
{
	struct str item;

	for (int i = 0; i < NOTIFY_MAX && str_cut(&list, ',', &item); i++)
		add_text(out, item);
}

static void add_dsn(struct sieve_run *r, enum part part, struct values *out)
{
	if (part == PART_RET)
		add_text(out, r->env->ret);
	if (part == PART_ENVID)
		add_text(out, sieve_xtext(r->arena, r->env->envid));
	for (size_t i = 0; i < r->env->n_rcpts; i++) {
		if (part == PART_NOTIFY)
			add_notify(out, r->env->rcpts[i].notify);
		if (part == PART_ORCPT)
			add_text(out,
				sieve_xtext(r->arena, r->env->rcpts[i].orcpt));
	}
}

static void add_part(struct sieve_run *r, const struct sieve_node *n,
	enum part part, struct values *out)
{
	if (part == PART_FROM)
		add_address(r, n, r->env->sender, out);
	for (size_t i = 0; part == PART_TO && i < r->env->n_rcpts; i++)
		add_address(r, n, r->env->rcpts[i].address, out);
	if (part == PART_AUTH)
		add_text(out, r->env->login);
	if (part > PART_AUTH && part < PART_NONE && n->data)
		add_dsn(r, part, out);
}

static int test_envelope(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *parts = n->positional[0];
	struct values values = { 0 };
	struct str *list;
	int rc = sieve_arg_list(r, parts, &list);

	if (rc < 0)
		return rc;
	if (!r->env)
		return 0;
	values.items = arena_array(r->arena,
		parts->n * (r->env->n_rcpts * NOTIFY_MAX + 1),
		sizeof(*values.items));
	for (size_t i = 0; i < parts->n; i++)
		add_part(r, n, find_part(list[i]), &values);
	return sieve_match_counted(r, n, values.items, values.n, values.count);
}

static const struct sieve_word words[] = {
	{ .name = "envelope",
		.flags = SIEVE_TEST | SIEVE_MATCHES | SIEVE_ADDRESSES,
		.params = { { SIEVE_STRINGS, "envelope parts", 0 },
			{ SIEVE_STRINGS, "key list", 0 } },
		.check = check_envelope,
		.test = test_envelope },
	{ 0 },
};

const struct sieve_ext sieve_ext_envelope = {
	.capability = "envelope",
	.words = words,
};

static const char *const dsn_implies[] = { "envelope", NULL };

/* Its parts are known to the envelope test of ext_envelope. */
const struct sieve_ext sieve_ext_envelope_dsn = {
	.capability = "envelope-dsn",
	.implies = dsn_implies,
};
