/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edit.c - a mail with another header: what editheader (RFC 5293) makes.
 *
 * A view is a copy of the mail's and the root's few hundred bytes; parts, texts
 * and whatever was decoded are shared with the mail that it is of, which has to
 * outlive it. What comes from the header is made anew when it is asked for. Its
 * identity stays: a changed message is the same one (RFC 5293 section 7).
 */
#include "inside.h"

struct mail *mail_view(struct mail *m, struct arena *a)
{
	struct mail *view = ARENA_NEW(a, struct mail);
	struct part *root = ARENA_NEW(a, struct part);

	header_fields(m, m->root);
	*view = *m;
	*root = *m->root;
	view->map = NULL;
	view->root = root;
	view->origin = m->origin ? m->origin : m;
	return view;
}

struct mail *mail_origin(struct mail *m)
{
	return m->origin ? m->origin : m;
}

void mail_set_fields(
	struct mail *view, const struct mail_header *fields, size_t n)
{
	struct fields *own = &view->root->fields;

	must(view->origin);
	own->items = arena_array(view->arena, n, sizeof(*own->items));
	own->n = n;
	if (n)
		memcpy(own->items, fields, n * sizeof(*fields));
	view->has_references = view->has_size = false;
	view->references = NULL;
	view->n_references = 0;
	view->list = NULL;
	view->robot = NULL;
	view->verdict = NULL;
	view->has_bounces = view->has_feedback = false;
	view->bounced = NULL;
	view->values = NULL;
	view->has_value = NULL;
}

bool mail_is_lent(const struct mail *m, const struct mail_header *h)
{
	return h->raw.p >= m->raw.p && h->raw.p <= m->raw.p + m->raw.len;
}

static uint64_t sum_fields(struct mail *m, const struct fields *f)
{
	uint64_t size = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct mail_header *h = &f->items[i];

		size += mail_count_crlf(m, h->raw);
		size += mail_is_lent(m, h)
				? (uint64_t)(h->raw.p - m->raw.p) - h->offset
				: h->name.len + 1;
	}
	return size;
}

uint64_t edit_size(struct mail *view)
{
	struct mail *m = view->origin;

	return mail_size(m) - sum_fields(m, header_fields(m, m->root)) +
	       sum_fields(m, &view->root->fields);
}
