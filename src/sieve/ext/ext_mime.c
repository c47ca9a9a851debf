/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mime.c - header, address and exists on parts (RFC 5703 section 4).
 *
 * With :mime a test looks at the header of the part that foreverypart is at, or
 * outside of any at the message's; with :anychild also at those of all parts
 * within. Without :mime it is the message's header everywhere.
 */
#include "../match.h"
#include "../message.h"

#define BYTES_A_STEP 64 /* of a value that is taken apart */

struct found {
	const struct mail_header **items;
	size_t n, cap;
};

static void add_found(
	struct sieve_run *r, struct found *f, const struct mail_header *h)
{
	if (f->n == f->cap) {
		f->cap = MAX((size_t)4, f->cap * 2);
		f->items = arena_grow(r->arena, (const void *)f->items, f->n,
			f->cap, sizeof(*f->items));
	}
	f->items[f->n++] = h;
}

static int add_part(struct sieve_run *r, struct mail_part *part,
	const struct str *names, size_t n_names, struct found *out)
{
	size_t n;
	const struct mail_header *all = mail_part_headers(r->mail, part, &n);

	for (size_t k = 0; k < n_names; k++)
		for (size_t i = 0; i < n; i++)
			if (str_eq_case(all[i].name, names[k]))
				add_found(r, out, &all[i]);
	return sieve_step(r, 1 + n * n_names / 4);
}

/* The next one within a part, depth first; NULL: the end. */
static struct mail_part *next_within(
	struct mail_part *part, const struct mail_part *top)
{
	if (part->first)
		return part->first;
	while (part && part != top && !part->next)
		part = part->parent;
	return part && part != top ? part->next : NULL;
}

int sieve_run_mime_headers(struct sieve_run *r, const struct sieve_node *n,
	const struct sieve_arg *a, const struct mail_header ***out,
	size_t *count)
{
	struct mail_part *top, *part;
	struct found found = { 0 };
	struct str *names;
	int rc;

	if (!sieve_node_tag(n, "mime"))
		return sieve_run_headers(r, a, out, count);
	rc = sieve_arg_list(r, a, &names);
	if (rc == 0 && (sieve_node_tag(n, "anychild") ||
			       (r->loop && r->loop->is_replaced)))
		rc = sieve_message_flush(r);
	top = r->loop ? r->loop->part : mail_root(r->mail);
	for (part = top; rc == 0 && part; part = next_within(part, top)) {
		rc = add_part(r, part, names, a->n, &found);
		if (!sieve_node_tag(n, "anychild"))
			break;
	}
	*out = found.items;
	*count = found.n;
	return rc;
}

/*
 * What a field means
 */

/* Returns: whether it is a Content-Type or Content-Disposition at all. */
static bool read_type(
	const struct mail_header *h, struct str *type, struct str *subtype)
{
	bool is_type = str_eq_case(h->name, STR("content-type"));

	if (!is_type && !str_eq_case(h->name, STR("content-disposition")))
		return false;
	return mail_media_type(h->raw, type, subtype) &&
	       (subtype->len > 0) == is_type;
}

static struct str get_meaning(struct sieve_run *r, const struct sieve_node *n,
	const struct mail_header *h)
{
	struct str type, subtype;

	if (!read_type(h, &type, &subtype))
		return STR("");
	if (sieve_node_tag(n, "subtype"))
		return subtype.len ? subtype : STR("");
	if (sieve_node_tag(n, "type") || !subtype.len)
		return type;
	return str_c(arena_printf(
		r->arena, "%.*s/%.*s", STR_ARG(type), STR_ARG(subtype)));
}

static int add_params(struct sieve_run *r, const struct sieve_arg *names,
	const struct mail_header *h, struct sieve_values *out)
{
	struct str *list, type, subtype;
	int rc = sieve_arg_list(r, names, &list);

	if (rc == 0 && !read_type(h, &type, &subtype)) {
		sieve_values_add(r, out, STR(""));
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < names->n; i++) {
		struct str value = mail_param(r->arena, h->raw, list[i]);
		if (value.p)
			sieve_values_add(r, out, value);
		rc = sieve_step(r, h->raw.len / BYTES_A_STEP);
	}
	return rc;
}

static const char *const meanings[] = { "type", "subtype", "contenttype" };

static bool has_meaning(const struct sieve_node *n)
{
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (sieve_node_tag(n, meanings[i]))
			return true;
	return false;
}

int sieve_run_mime_values(struct sieve_run *r, const struct sieve_node *n,
	const struct mail_header **list, size_t count, struct sieve_values *out)
{
	const struct sieve_arg *params = sieve_node_param(n, "param");
	bool is_value = !params && !has_meaning(n);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (params)
			rc = add_params(r, params, list[i], out);
		else
			sieve_values_add(r, out,
				is_value ? list[i]->value
					 : get_meaning(r, n, list[i]));
	}
	return rc;
}

/*
 * Tags
 */

static int check_needs_mime(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	if (sieve_node_tag(n, "mime"))
		return 0;
	sieve_error(c, t->pos,
		"the :%s tag cannot be specified without the :mime tag",
		t->tag->name);
	return sieve_hint(c, "write ':mime :%s'", t->tag->name);
}

#define MIME                                                                   \
	{                                                                      \
		.name = "mime"                                                 \
	}
#define ANYCHILD                                                               \
	{                                                                      \
		.name = "anychild", .check = check_needs_mime                  \
	}
#define MEANING(word)                                                          \
	{                                                                      \
		.name = word, .group = 50, .check = check_needs_mime           \
	}

static const struct sieve_added_tag tags[] = {
	{ "header", MIME },
	{ "header", ANYCHILD },
	{ "header", MEANING("type") },
	{ "header", MEANING("subtype") },
	{ "header", MEANING("contenttype") },
	{ "header", { .name = "param",
			    .type = SIEVE_STRINGS,
			    .what = "names of parameters",
			    .group = 50,
			    .check = check_needs_mime } },
	{ "address", MIME },
	{ "address", ANYCHILD },
	{ "exists", MIME },
	{ "exists", ANYCHILD },
	{ 0 },
};

const struct sieve_ext sieve_ext_mime = {
	.capability = "mime",
	.added_tags = tags,
};
