/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_foreverypart.c - loops over the parts of a message, and extracttext (RFC
 * 5703 sections 3 and 7).
 *
 * A loop walks depth first over the message and all in it, or within another
 * loop over all that is in its part, also from a script that was included
 * there. What happens to a loop whose message changes: message.c.
 */
#include <mailmill/utf8.h>

#include "../message.h"

/*
 * foreverypart
 */

static bool is_loop(const struct sieve_node *n)
{
	return n->word && !strcmp(n->word->name, "foreverypart");
}

static const struct sieve_node *find_loop(const struct sieve_node *n)
{
	do
		n = sieve_parent(n);
	while (n && !is_loop(n));
	return n;
}

static int check_loop(struct sieve_check *c, struct sieve_node *n)
{
	unsigned limit = sieve_check_limits(c)->part_depth, depth = 1;
	const struct sieve_node *outer = find_loop(n);

	for (; outer; outer = find_loop(outer))
		depth++;
	if (depth <= limit)
		return 0;
	sieve_error(c, n->pos, "foreverypart within more than %u others",
		limit - 1);
	return sieve_hint(c, "one loop visits parts of all depths");
}

static struct mail_part *first_part(
	struct sieve_run *r, const struct sieve_loop *l)
{
	return l->over ? l->over->first : mail_root(r->mail);
}

static struct mail_part *next_part(const struct sieve_loop *l)
{
	struct mail_part *part = l->part;

	if (part->first && !l->is_replaced)
		return part->first;
	while (part && part != l->over && !part->next)
		part = part->parent;
	return part && part != l->over ? part->next : NULL;
}

static int run_loop(
	struct sieve_run *r, const struct sieve_node *n, struct sieve_loop *l)
{
	int rc;

	for (l->part = first_part(r, l); l->part; l->part = next_part(l)) {
		l->is_replaced = false;
		rc = sieve_step(r, 1);
		if (rc == 0)
			rc = sieve_exec_block(r, n);
		if (rc == SIEVE_LEAVE && r->leave == n)
			return SIEVE_GO_ON;
		if (rc != SIEVE_GO_ON)
			return rc;
		if (l->is_lost)
			break;
	}
	return SIEVE_GO_ON;
}

static int exec_loop(struct sieve_run *r, const struct sieve_node *n)
{
	struct sieve_loop l = { .outer = r->loop }, *outer;
	unsigned depth = 1;
	int rc;

	for (outer = r->loop; outer; outer = outer->outer)
		depth++;
	if (depth > r->limits->part_depth)
		return sieve_fail(r,
			"foreverypart within more than %u others, counted "
			"over included scripts",
			r->limits->part_depth - 1);
	if (sieve_message_flush(r) < 0)
		return SIEVE_FAILED;
	if (r->loop)
		l.over = r->loop->part;
	r->loop = &l;
	rc = run_loop(r, n, &l);
	r->loop = l.outer;
	/* the outer loop goes into what this one has changed */
	if (rc >= 0 && l.outer && sieve_message_flush(r) < 0)
		return SIEVE_FAILED;
	return rc;
}

/*
 * break
 */

static bool is_named(const struct sieve_node *loop, struct str name)
{
	const struct sieve_arg *arg = sieve_node_param(loop, "name");

	return arg && str_eq(sieve_arg_const(arg), name);
}

static int check_break(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *name = sieve_node_param(n, "name");
	const struct sieve_node *loop = find_loop(n);

	if (!loop) {
		sieve_error(c, n->pos, "break outside of any foreverypart");
		return sieve_hint(
			c, "'stop' ends the script, 'return' an included one");
	}
	while (name && loop && !is_named(loop, sieve_arg_const(name)))
		loop = find_loop(loop);
	if (!loop)
		return sieve_error(c, name->pos,
			"no foreverypart around this break is named '%.*s'",
			STR_ARG(sieve_arg_const(name)));
	n->data = (void *)(uintptr_t)loop;
	return 0;
}

static int exec_break(struct sieve_run *r, const struct sieve_node *n)
{
	r->leave = n->data;
	return SIEVE_LEAVE;
}

static const struct sieve_tag name_tags[] = {
	{ .name = "name", .type = SIEVE_CONST, .what = "name of the loop" },
	{ 0 },
};

static const struct sieve_word loop_words[] = {
	{ .name = "foreverypart",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK,
		.tags = name_tags,
		.check = check_loop,
		.exec = exec_loop },
	{ .name = "break",
		.flags = SIEVE_COMMAND | SIEVE_ENDS,
		.tags = name_tags,
		.check = check_break,
		.exec = exec_break },
	{ 0 },
};

const struct sieve_ext sieve_ext_foreverypart = {
	.capability = "foreverypart",
	.words = loop_words,
};

/*
 * extracttext
 */

static int check_extract(struct sieve_check *c, struct sieve_node *n)
{
	if (find_loop(n))
		return 0;
	sieve_error(c, n->pos, "extracttext outside of any foreverypart");
	return sieve_hint(c, "it takes the text of the loop's current part");
}

static int check_extract_script(struct sieve_check *c)
{
	static const char *const needed[] = { "variables", "foreverypart" };
	struct sieve_pos top = { 1, 1, 0 };

	if (!sieve_check_has(c, "extracttext"))
		return 0;
	for (size_t i = 0; i < COUNT(needed); i++) {
		if (sieve_check_has(c, needed[i]))
			continue;
		sieve_error(c, top,
			"the extension 'extracttext' needs the extension '%s'",
			needed[i]);
		return sieve_hint(
			c, "write at the top: require \"%s\";", needed[i]);
	}
	return 0;
}

static bool is_html(const struct mail_part *part)
{
	return str_eq(part->subtype, STR("html")) ||
	       str_eq(part->subtype, STR("xhtml+xml"));
}

/* Lends the text of a part; what is none is empty. */
static struct str get_text(struct sieve_run *r, struct mail_part *part)
{
	struct str text;

	if (part->first)
		return STR("");
	if (str_eq(part->type, STR("text")))
		text = mail_part_text(r->mail, part);
	else if (str_eq(part->type, STR("application")) && is_html(part))
		text = mail_part_bytes(r->mail, part);
	else
		return STR("");
	return text.len && is_html(part) ? mail_html_to_text(r->arena, text)
					 : text;
}

static struct str cut_characters(struct str s, uint64_t n)
{
	size_t end = 0;

	for (; n && end < s.len; n--) {
		uint32_t code;
		size_t len = utf8_next(str_sub(s, end, s.len), &code);
		end += MAX(len, (size_t)1);
	}
	return str_sub(s, 0, end);
}

static int exec_extract(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *first = sieve_node_param(n, "first");
	struct str text = STR("");
	int rc;

	/* an included script may have been compiled for a loop that is not */
	if (r->loop)
		text = sieve_crlf(r, get_text(r, r->loop->part));
	rc = sieve_step(r, 1 + text.len / 16);
	if (first)
		text = cut_characters(text, first->number);
	if (rc == 0)
		rc = sieve_modify(r, n, &text);
	if (rc < 0)
		return rc;
	sieve_set(r, n->positional[0]->slot, text);
	return SIEVE_GO_ON;
}

static const struct sieve_tag extract_tags[] = {
	{ .name = "first",
		.type = SIEVE_NUMBER,
		.what = "number of characters" },
	{ 0 },
};

static const struct sieve_word extract_words[] = {
	{ .name = "extracttext",
		.flags = SIEVE_COMMAND | SIEVE_MODIFIES,
		.params = { { SIEVE_VARIABLE, "variable", 0 } },
		.tags = extract_tags,
		.check = check_extract,
		.exec = exec_extract },
	{ 0 },
};

const struct sieve_ext sieve_ext_extracttext = {
	.capability = "extracttext",
	.words = extract_words,
	.check_script = check_extract_script,
};
