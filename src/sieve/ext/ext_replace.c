/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_replace.c - replace and enclose (RFC 5703 sections 5 and 6). How the
 * bytes come together: message.c.
 */
#include <mailmill/clock.h>
#include <mailmill/enc.h>

#include "../message.h"
#include "../reply.h"

#define ENTITY_MAX ((size_t)8 << 20)
#define BASE64_LINE 57 /* bytes of a line of 76 letters */

/*
 * What replaces
 */

/* Tells whether any line begins as a boundary does. */
static bool has_dashes(struct str text)
{
	return str_starts(text, STR("--")) || str_find(text, STR("\n--")) >= 0;
}

/* Writes a text part no line of which can be taken for a boundary. */
static void add_text_entity(struct buf *out, struct str text)
{
	struct str type = STR("text/plain; charset=utf-8");

	if (!has_dashes(text)) {
		compose_entity(out, type, text);
		return;
	}
	compose_tokens(out, STR("Content-Type"), type);
	buf_c(out, "Content-Transfer-Encoding: base64\r\n\r\n");
	for (size_t i = 0; i < text.len; i += BASE64_LINE) {
		enc_base64(out, str_sub(text, i, BASE64_LINE));
		buf_c(out, "\r\n");
	}
}

/* Tells whether s has a header or its empty line, and both where it must. */
static bool is_entity(struct arena *a, struct str s)
{
	struct mail *mail = mail_parse_in(a, s);
	const struct mail_part *root = mail_root(mail);
	struct str header = str_sub(s, 0, (size_t)root->offset);
	size_t n;

	mail_headers(mail, &n);
	if (n == 0)
		return str_starts(s, STR("\r\n")) || str_starts(s, STR("\n"));
	return !root->len || str_ends(header, STR("\n\n")) ||
	       str_ends(header, STR("\n\r\n"));
}

/* A line of the entity that is a boundary around the part would end it. */
static int check_boundaries(
	struct sieve_run *r, const struct mail_part *part, struct str entity)
{
	for (part = part->parent; part; part = part->parent) {
		size_t n;
		const struct mail_header *h = mail_part_headers(
			r->mail, (struct mail_part *)(uintptr_t)part, &n);
		for (; n && has_dashes(entity); n--, h++) {
			struct str boundary;
			char *line;
			if (!str_eq_case(h->name, STR("Content-Type")))
				continue;
			boundary = mail_param(
				r->arena, h->raw, STR("boundary"));
			line = arena_printf(
				r->arena, "--%.*s", STR_ARG(boundary));
			if (boundary.len && str_find(entity, str_c(line)) >= 0)
				return sieve_fail(r,
					"replace: the text holds '%s', which "
					"parts the message around it",
					line);
		}
	}
	return 0;
}

/*
 * The header, when all of the message is replaced
 */

struct fields {
	struct mail_header *items;
	size_t n, cap;
};

static void add_field(
	struct sieve_run *r, struct fields *f, const struct mail_header *h)
{
	if (f->n == f->cap) {
		f->cap = MAX((size_t)16, f->cap * 2);
		f->items = arena_grow(
			r->arena, f->items, f->n, f->cap, sizeof(*f->items));
	}
	f->items[f->n++] = *h;
}

/* Adds a copy of a field, perhaps with another name. */
static void add_copy(
	struct sieve_run *r, struct fields *f, struct str name, struct str raw)
{
	struct mail_header h = sieve_message_field(r, name,
		str_c(arena_printf(
			r->arena, "%.*s:%.*s", STR_ARG(name), STR_ARG(raw))));

	add_field(r, f, &h);
}

static void add_composed(
	struct sieve_run *r, struct fields *f, struct str name, struct buf *b)
{
	struct mail_header h = sieve_message_field(r, name, buf_view(b));

	add_field(r, f, &h);
	buf_clear(b);
}

/* What :subject and :from give. */
struct change {
	struct str name, original; /* "Subject", "Original-Subject" */
	bool is_set, is_done;
	struct str value; /* finished */
};

static void add_change(struct sieve_run *r, struct fields *f, struct change *c)
{
	AUTO(buf) struct buf b = BUF_INIT(ENTITY_MAX);

	if (!c->is_set || c->is_done)
		return;
	c->is_done = true;
	if (str_eq(c->name, STR("Subject")))
		compose_field(&b, c->name, c->value);
	else
		compose_tokens(&b, c->name, c->value);
	add_composed(r, f, c->name, &b);
}

static void take_field(struct sieve_run *r, struct fields *f,
	const struct mail_header *h, struct change *changes, size_t n)
{
	if (sieve_message_is_mime_field(h->name))
		return;
	for (size_t i = 0; i < n; i++)
		if (changes[i].is_set &&
			str_eq_case(h->name, changes[i].name)) {
			add_change(r, f, &changes[i]);
			add_copy(r, f, changes[i].original, h->raw);
			return;
		}
	add_field(r, f, h);
}

static int replace_all(struct sieve_run *r, struct str entity,
	struct change *changes, size_t n_changes)
{
	struct mail *part = mail_parse_in(r->arena, entity);
	struct fields f = { 0 };
	size_t n;
	const struct mail_header *all = mail_headers(r->mail, &n);
	int rc;

	for (size_t i = 0; i < n; i++)
		take_field(r, &f, &all[i], changes, n_changes);
	for (size_t i = 0; i < n_changes; i++)
		add_change(r, &f, &changes[i]);
	add_copy(r, &f, STR("MIME-Version"), STR(" 1.0\r\n"));
	all = mail_headers(part, &n);
	for (size_t i = 0; i < n; i++)
		if (str_starts_case(all[i].name, STR("content-")))
			add_copy(r, &f, all[i].name, all[i].raw);
	rc = sieve_message_set_fields(r, f.items, f.n);
	if (rc < 0)
		return rc;
	return sieve_message_set_body(r,
		str_sub(entity, (size_t)mail_root(part)->offset, entity.len));
}

/*
 * replace
 */

static int get_from(struct sieve_run *r, struct str given, struct str *out)
{
	const char *why;

	if (reply_mailboxes(r->arena, given, out, NULL, &why) == 0)
		return 0;
	return sieve_fail(r, "replace: invalid address '%.*s': %s",
		STR_ARG(str_sub(given, 0, 100)), why);
}

static int get_changes(
	struct sieve_run *r, const struct sieve_node *n, struct change *changes)
{
	const struct sieve_arg *subject = sieve_node_param(n, "subject");
	const struct sieve_arg *from = sieve_node_param(n, "from");
	struct str given;
	int rc = 0;

	changes[0] = (struct change){ .name = STR("Subject"),
		.original = STR("Original-Subject"),
		.is_set = subject != NULL };
	changes[1] = (struct change){ .name = STR("From"),
		.original = STR("Original-From"),
		.is_set = from != NULL };
	if (subject)
		rc = sieve_arg_get(r, subject, &changes[0].value);
	if (rc == 0 && from)
		rc = sieve_arg_get(r, from, &given);
	if (rc == 0 && from)
		rc = get_from(r, given, &changes[1].value);
	return rc;
}

static int get_entity(
	struct sieve_run *r, const struct sieve_node *n, struct str *out)
{
	AUTO(buf) struct buf b = BUF_INIT(ENTITY_MAX);
	int rc = sieve_arg_get(r, n->positional[0], out);

	if (rc < 0)
		return rc;
	if (sieve_node_tag(n, "mime"))
		return is_entity(r->arena, *out)
			       ? 0
			       : sieve_fail(r, "replace :mime: the text has no "
					       "header and empty line");
	add_text_entity(&b, *out);
	if (buf_is_over(&b))
		return sieve_fail(r, "replace: the text is too long");
	*out = arena_str(r->arena, buf_view(&b));
	return sieve_step(r, 1 + out->len / 64);
}

static int exec_replace(struct sieve_run *r, const struct sieve_node *n)
{
	struct mail_part *part = r->loop ? r->loop->part : NULL;
	struct change changes[2];
	struct str entity;
	int rc = get_entity(r, n, &entity);

	if (rc == 0)
		rc = get_changes(r, n, changes);
	if (rc < 0)
		return rc;
	if (!part || !part->parent)
		return replace_all(r, entity, changes, COUNT(changes));
	/* what ends the last line is the boundary's */
	if (!sieve_node_tag(n, "mime") && !str_ends(entity, STR("\r\n\r\n")))
		entity.len -= 2;
	rc = check_boundaries(r, part, entity);
	return rc < 0 ? rc : sieve_message_replace(r, part, entity);
}

static int check_replace(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *text = n->positional[0];
	struct arena *a = sieve_check_arena(c);

	if (!sieve_node_tag(n, "mime") || !text->is_const ||
		is_entity(a, sieve_arg_const(text)))
		return 0;
	sieve_error(c, text->pos,
		"the text of replace :mime has no header and empty line");
	return sieve_hint(c,
		"begin it with fields such as Content-Type, then an empty "
		"line, or leave out ':mime'");
}

static const struct sieve_tag replace_tags[] = {
	{ .name = "mime" },
	{ .name = "subject", .type = SIEVE_STRING, .what = "subject" },
	{ .name = "from",
		.type = SIEVE_STRING,
		.what = "addresses",
		.check = reply_check_from },
	{ 0 },
};

static const struct sieve_word replace_words[] = {
	{ .name = "replace",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "new text", 0 } },
		.tags = replace_tags,
		.check = check_replace,
		.exec = exec_replace },
	{ 0 },
};

const struct sieve_ext sieve_ext_replace = {
	.capability = "replace",
	.words = replace_words,
};

/*
 * enclose
 */

/* "Tue, 24 Nov 2026 12:00:00 +0000" */
static struct str print_date(struct sieve_run *r)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct clock_civil c;

	clock_to_civil(r->facts ? r->facts->now / 1000 : 0, &c);
	return str_c(arena_printf(r->arena,
		"%s, %d %s %04d %02d:%02d:%02d +0000", days[c.weekday], c.day,
		months[c.month - 1], c.year, c.hour, c.minute, c.second));
}

static bool has_name(const struct str *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(names[i], name))
			return true;
	return false;
}

/* Drops a name from a list. */
static void drop_name(struct str *names, size_t *n, struct str name)
{
	size_t left = 0;

	for (size_t i = 0; i < *n; i++)
		if (!str_eq_case(names[i], name))
			names[left++] = names[i];
	*n = left;
}

static int exec_enclose(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *headers = sieve_node_param(n, "headers");
	const struct sieve_arg *subject = sieve_node_param(n, "subject");
	AUTO(buf) struct buf b = BUF_INIT(ENTITY_MAX);
	struct str *given = NULL, *names, text, value;
	size_t n_names = headers ? headers->n : 0;
	struct str owner = sieve_owner(r);
	int rc = sieve_arg_get(r, n->positional[0], &text);

	if (!owner.len)
		owner = sieve_postmaster(r);
	if (rc == 0 && headers)
		rc = sieve_arg_list(r, headers, &given);
	if (rc == 0 && subject)
		rc = sieve_arg_get(r, subject, &value);
	if (rc < 0)
		return rc;
	names = arena_array(r->arena, n_names + 1, sizeof(*names));
	for (size_t i = 0; i < n_names; i++)
		names[i] = given[i];
	if (!has_name(names, n_names, STR("from")))
		compose_tokens(&b, STR("From"),
			compose_address(r->arena, STR(""), owner));
	if (!has_name(names, n_names, STR("date")))
		compose_tokens(&b, STR("Date"), print_date(r));
	drop_name(names, &n_names, STR("subject"));
	if (subject)
		compose_field(&b, STR("Subject"), value);
	else
		names[n_names++] = STR("Subject");
	if (buf_is_over(&b))
		return sieve_fail(r, "enclose: the subject is too long");
	return sieve_message_enclose(r, buf_view(&b), names, n_names, text);
}

static const struct sieve_tag enclose_tags[] = {
	{ .name = "subject", .type = SIEVE_STRING, .what = "subject" },
	{ .name = "headers", .type = SIEVE_STRINGS, .what = "header names" },
	{ 0 },
};

static const struct sieve_word enclose_words[] = {
	{ .name = "enclose",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "text", 0 } },
		.tags = enclose_tags,
		.exec = exec_enclose },
	{ 0 },
};

const struct sieve_ext sieve_ext_enclose = {
	.capability = "enclose",
	.words = enclose_words,
};
