/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_imap4flags.c - flags of what is kept (RFC 5232): setflag, addflag,
 * removeflag, hasflag, :flags.
 *
 * A list of flags is kept as text, one space between two of them, each once
 * whatever its case; names that no mail store could take are dropped
 * silently, as the RFC has it. The internal variable lives in the evaluation
 * (run->flags), since it goes on from one script of a mail to the next; until
 * a script touches it, it is what the mail came with.
 */
#include "../sieve_private.h"

/* A growing text of flags, none twice. */
struct flags {
	struct sieve_run *r;
	struct str *items;
	size_t n;
};

static bool is_system(struct str flag)
{
	static const char *const names[] = { "\\Seen", "\\Answered",
		"\\Flagged", "\\Deleted", "\\Draft" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq_case(flag, str_c(names[i])))
			return true;
	return false;
}

/* An atom of IMAP (RFC 3501 section 9), or one of the flags that it names. */
static bool is_flag(struct str s)
{
	if (s.len && s.p[0] == '\\')
		return is_system(s);
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' ||
			(unsigned char)s.p[i] >= 0x7f ||
			memchr("(){%*\"\\]", s.p[i], 8))
			return false;
	return s.len > 0;
}

static ssize_t find_flag(const struct flags *f, struct str flag)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq_case(f->items[i], flag))
			return (ssize_t)i;
	return -1;
}

static void add_flag(struct flags *f, struct str flag)
{
	struct sieve_values v = { f->items, f->n };

	if (!is_flag(flag) || f->n >= PLAN_FLAGS_MAX || find_flag(f, flag) >= 0)
		return;
	sieve_values_add(f->r, &v, flag);
	f->items = v.items;
	f->n = v.n;
}

static void remove_flag(struct flags *f, struct str flag)
{
	ssize_t at = find_flag(f, flag);

	if (at < 0)
		return;
	memmove(&f->items[at], &f->items[at + 1],
		(f->n - (size_t)at - 1) * sizeof(*f->items));
	f->n--;
}

/* Applies `change` to each flag of a text. */
static void change_by(struct flags *f, struct str text,
	void (*change)(struct flags *f, struct str flag))
{
	struct str flag;

	while (str_cut(&text, ' ', &flag))
		if (flag.len)
			change(f, flag);
}

static int change_by_arg(struct flags *f, const struct sieve_arg *arg,
	void (*change)(struct flags *f, struct str flag))
{
	struct str *texts;
	int rc = sieve_arg_list(f->r, arg, &texts);

	for (size_t i = 0; rc == 0 && i < arg->n; i++) {
		change_by(f, texts[i], change);
		/* each flag is looked for among those that there are */
		rc = sieve_step(f->r, f->n * (1 + texts[i].len / 16));
	}
	return rc;
}

/*
 * The variables
 */

/* Their slots, when a word names some; the last argument is the flags. */
struct targets {
	unsigned *slots;
	size_t n;
};

static int take_targets(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_arg *arg)
{
	struct targets *t = ARENA_NEW(sieve_check_arena(c), struct targets);

	n->data = t;
	t->slots = arena_array(sieve_check_arena(c), arg->n, sizeof(*t->slots));
	if (!sieve_check_has(c, "variables")) {
		sieve_error(c, arg->pos,
			"the %s %s can name a variable only with the "
			"extension 'variables'",
			n->word->name,
			n->kind == SIEVE_NODE_TEST ? "test" : "command");
		return sieve_hint(
			c, "add \"variables\" to the list of require");
	}
	for (; t->n < arg->n; t->n++) {
		const struct sieve_text *name = &arg->texts[t->n];
		if (name->n_pieces)
			return sieve_error(c, name->pos,
				"the name of a variable must be written out");
		if (sieve_check_variable(
			    c, name->pos, name->value, &t->slots[t->n]) < 0)
			return -1;
	}
	return 0;
}

static int check_variables(struct sieve_check *c, struct sieve_node *n)
{
	return n->n_positional == 2 ? take_targets(c, n, n->positional[0]) : 0;
}

static int check_change(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *arg = n->positional[0];

	if (n->n_positional == 2 && arg->kind != SIEVE_ARG_STRING)
		return sieve_error(c, arg->pos,
			"the %s command takes one variable, but a string list "
			"was found",
			n->word->name);
	return check_variables(c, n);
}

static void add_internal(struct flags *f)
{
	const struct sieve_run *r = f->r;
	const struct sieve_values *v = r->has_flags ? &r->flags
						    : &r->mail_flags;

	for (size_t i = 0; i < v->n; i++)
		add_flag(f, v->items[i]);
}

static void get_flags(struct flags *f, const struct targets *t)
{
	if (!t)
		add_internal(f);
	for (size_t i = 0; t && i < t->n; i++)
		change_by(f, sieve_get(f->r, t->slots[i]), add_flag);
}

/* What the variable cannot hold is left out, but no flag is cut. */
static void set_variable(struct flags *f, unsigned slot)
{
	AUTO(buf) struct buf b = BUF_INIT(f->r->limits->value_len);

	for (size_t i = 0; i < f->n && !buf_is_over(&b); i++) {
		size_t need = f->items[i].len + (i > 0);
		if (b.len + need > f->r->limits->value_len)
			break;
		buf_c(&b, i ? " " : "");
		buf_str(&b, f->items[i]);
	}
	sieve_set(f->r, slot, arena_str(f->r->arena, buf_view(&b)));
}

static void set_flags(struct flags *f, const struct targets *t)
{
	if (t) {
		set_variable(f, t->slots[0]);
		return;
	}
	f->r->has_flags = true;
	f->r->flags = (struct sieve_values){ f->items, f->n };
}

static int change(struct sieve_run *r, const struct sieve_node *n, bool is_new,
	void (*how)(struct flags *f, struct str flag))
{
	struct flags f = { .r = r };
	int rc;

	if (!is_new)
		get_flags(&f, n->data);
	rc = change_by_arg(&f, n->positional[n->n_positional - 1], how);
	if (rc < 0)
		return rc;
	set_flags(&f, n->data);
	return SIEVE_GO_ON;
}

static int exec_set(struct sieve_run *r, const struct sieve_node *n)
{
	return change(r, n, true, add_flag);
}

static int exec_add(struct sieve_run *r, const struct sieve_node *n)
{
	return change(r, n, false, add_flag);
}

static int exec_remove(struct sieve_run *r, const struct sieve_node *n)
{
	return change(r, n, false, remove_flag);
}

/*
 * hasflag
 */

static void take_key(struct sieve_run *r, struct sieve_values *v, struct str s)
{
	struct str flag;

	while (str_cut(&s, ' ', &flag))
		if (flag.len)
			sieve_values_add(r, v, flag);
}

static bool are_plain(const struct sieve_arg *keys)
{
	if (!keys->is_const)
		return false;
	for (size_t i = 0; i < keys->n; i++)
		if (!keys->texts[i].value.len ||
			str_chr(keys->texts[i].value, ' ') >= 0)
			return false;
	return true;
}

/*
 * Matches with keys that are flags, too: "b A" means b or A. Keys that a
 * match type has compiled (:regex) are left as they are.
 */
static int match_split(
	struct sieve_run *r, const struct sieve_node *n, const struct flags *f)
{
	const struct sieve_arg *given = n->match->keys;
	struct sieve_arg keys = {
		.kind = SIEVE_ARG_LIST, .pos = given->pos, .is_const = true
	};
	struct sieve_match match = *n->match;
	struct sieve_node with = *n;
	struct sieve_values v = { 0 };
	struct str *texts;
	int rc = sieve_arg_list(r, given, &texts);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < given->n; i++)
		take_key(r, &v, texts[i]);
	keys.n = v.n;
	keys.texts = arena_array(r->arena, v.n, sizeof(*keys.texts));
	for (size_t i = 0; i < v.n; i++)
		keys.texts[i].value = v.items[i];
	match.keys = &keys;
	match.normal = NULL;
	with.match = &match;
	return sieve_match_values(r, &with, f->items, f->n);
}

static int test_has(struct sieve_run *r, const struct sieve_node *n)
{
	struct flags f = { .r = r };

	get_flags(&f, n->data);
	if (n->match->data || are_plain(n->match->keys))
		return sieve_match_values(r, n, f.items, f.n);
	return match_split(r, n, &f);
}

/*
 * keep and fileinto
 */

static int fill_flags(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a)
{
	const struct sieve_arg *given = n ? sieve_node_param(n, "flags") : NULL;
	struct flags f = { .r = r };
	int rc = 0;

	if (a->kind != PLAN_KEEP && a->kind != PLAN_FILEINTO && !a->fcc.len)
		return 0;
	if (given)
		rc = change_by_arg(&f, given, add_flag);
	else
		add_internal(&f);
	a->flags = f.items;
	a->n_flags = f.n;
	return rc < 0 ? SIEVE_FAILED : 0;
}

static const struct sieve_word words[] = {
	{ .name = "setflag",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRINGS, "variable or flags", 0 },
			{ SIEVE_STRINGS, "flags", SIEVE_OPTIONAL } },
		.check = check_change,
		.exec = exec_set },
	{ .name = "addflag",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRINGS, "variable or flags", 0 },
			{ SIEVE_STRINGS, "flags", SIEVE_OPTIONAL } },
		.check = check_change,
		.exec = exec_add },
	{ .name = "removeflag",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRINGS, "variable or flags", 0 },
			{ SIEVE_STRINGS, "flags", SIEVE_OPTIONAL } },
		.check = check_change,
		.exec = exec_remove },
	{ .name = "hasflag",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "variables or flags", 0 },
			{ SIEVE_STRINGS, "flags", SIEVE_OPTIONAL } },
		.check = check_variables,
		.test = test_has },
	{ 0 },
};

static const struct sieve_added_tag tags[] = {
	{ "keep", { "flags", SIEVE_STRINGS, "flags", 0, 0, NULL } },
	{ "fileinto", { "flags", SIEVE_STRINGS, "flags", 0, 0, NULL } },
	{ 0 },
};

const struct sieve_ext sieve_ext_imap4flags = {
	.capability = "imap4flags",
	.words = words,
	.added_tags = tags,
	.action_check = fill_flags,
};
