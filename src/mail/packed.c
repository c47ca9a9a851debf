/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packed.c - messages and parts within encoded bytes.
 *
 * A message/rfc822 or multipart that is base64 or quoted-printable as a whole
 * (which RFC 2045 6.4 forbids, and which is sent all the same), and what an
 * opaque S/MIME signature signs, have no place in the message's bytes. Each is
 * decoded and parsed as a mail of its own, the `inner` of its part, in the same
 * arena. Its parts go on numbering where the tree's end, in order of the tree,
 * all at once: so a number means the same whatever was asked first. Rules that
 * walk the tree see the container alone, since they edit by byte ranges; text,
 * attachments and forwarded mails come from inside, too.
 *
 * How deep, how many and how large is limited.
 */
#include "inside.h"

static struct mail *top_of(struct mail *m)
{
	while (m->container)
		m = m->container->owner;
	return m;
}

static unsigned depth_of(const struct mail *m)
{
	unsigned n = 0;

	for (; m->container; m = m->container->owner)
		n++;
	return n;
}

static bool is_signed_data(const struct part *p)
{
	return str_eq(p->pub.type, STR("application"));
}

static void number_parts(struct mail *top, struct mail *inner)
{
	for (struct mail_part *p = &inner->root->pub; p; p = mail_next(p))
		p->number = top->n_numbers++;
}

static void open_one(struct mail *m, struct part *p)
{
	struct mail *top = top_of(m);
	struct str bytes = STR_NULL;

	if (depth_of(m) >= MAIL_PACKED_DEPTH_MAX ||
		top->n_opened >= MAIL_PACKED_PARTS_MAX ||
		top->opened_len + p->pub.len > MAIL_PACKED_MAX) {
		mail_tell_defect(m, "packed", p->pub.offset,
			"an encoded part of %llu bytes holds others: too much "
			"or too deep to be opened",
			(unsigned long long)p->pub.len);
		return;
	}
	top->n_opened++;
	top->opened_len += p->pub.len;
	bytes = mail_part_bytes(m, &p->pub);
	if (is_signed_data(p))
		bytes = signed_content(m, p, bytes);
	else
		mail_tell_defect(m, "packed", p->pub.header_offset,
			"a %.*s/%.*s is encoded as a whole: opened",
			STR_ARG(p->pub.type), STR_ARG(p->pub.subtype));
	if (!bytes.len)
		return;
	p->inner = mail_parse_inside(m->arena, bytes, p,
		str_eq(p->pub.type, STR("multipart")) ? p : NULL);
	number_parts(top, p->inner);
}

static void open_within(struct mail *m)
{
	if (!m->n_packed)
		return;
	for (struct mail_part *p = &m->root->pub; p; p = mail_next(p)) {
		struct part *own = part_of(p);
		if (!own->is_packed || own->inner)
			continue;
		open_one(m, own);
		if (own->inner)
			open_within(own->inner);
	}
}

void packed_open(struct mail *m)
{
	if (m->has_inner)
		return;
	m->has_inner = true;
	m->n_numbers = m->n_parts;
	open_within(m);
}

struct part *packed_message(struct part *p)
{
	if (p->is_message && p->pub.first)
		return part_of(p->pub.first);
	return p->inner && str_eq(p->pub.type, STR("message")) ? p->inner->root
							       : NULL;
}

struct mail_part *packed_outer(struct mail_part *p)
{
	while (part_of(p)->owner->container)
		p = &part_of(p)->owner->container->pub;
	return p;
}

struct mail_part *packed_next(struct mail_part *p)
{
	struct part *own = part_of(p);

	if (!packed_message(own)) {
		if (own->inner)
			return &own->inner->root->pub;
		if (p->first)
			return p->first;
	}
	while (!p->next) {
		if (p->parent)
			p = p->parent;
		else if (part_of(p)->owner->container)
			p = &part_of(p)->owner->container->pub;
		else
			return NULL;
	}
	return p->next;
}

/*
 * Files within parts
 */

static bool is_tnef(const struct mail_part *p)
{
	if (!str_eq(p->type, STR("application")))
		return false;
	return str_eq(p->subtype, STR("ms-tnef")) ||
	       str_eq(p->subtype, STR("vnd.ms-tnef")) ||
	       str_eq(p->subtype, STR("x-ms-tnef")) ||
	       str_eq_case(p->filename, STR("winmail.dat")) ||
	       str_eq_case(p->filename, STR("win.dat"));
}

struct tnef *packed_tnef(struct mail *m, struct part *p)
{
	struct str bytes;

	if (p->has_tnef || p->pub.first || !is_tnef(&p->pub))
		return p->tnef;
	p->has_tnef = true;
	if (p->pub.len > MAIL_PACKED_MAX) {
		mail_tell_defect(m, "tnef", p->pub.offset,
			"a winmail.dat of %llu bytes is not opened",
			(unsigned long long)p->pub.len);
		return NULL;
	}
	bytes = mail_part_bytes(m, &p->pub);
	if (!str_starts(bytes, STR("\x78\x9f\x3e\x22")))
		return NULL;
	p->tnef = ARENA_NEW(m->arena, struct tnef);
	tnef_read(m->arena, bytes, p->tnef);
	if (p->tnef->is_broken)
		mail_tell_defect(m, "tnef", p->pub.offset,
			"a winmail.dat is damaged: read as far as it goes");
	return p->tnef;
}

static bool may_have_files(struct str bytes)
{
	return str_starts(bytes, STR("begin")) ||
	       str_starts(bytes, STR("=ybegin ")) ||
	       str_find(bytes, STR("\nbegin")) >= 0 ||
	       str_find(bytes, STR("\n=ybegin ")) >= 0;
}

size_t packed_files(struct mail *m, struct part *p, struct packed_file **out)
{
	struct str bytes;

	if (!p->has_files) {
		p->has_files = true;
		bytes = mail_part_bytes(m, &p->pub);
		if (bytes.len <= MAIL_PACKED_MAX && may_have_files(bytes))
			p->n_files = uuencode_find(m->arena, bytes, &p->files);
	}
	*out = p->files;
	return p->n_files;
}

struct mail_part *mail_part_inner(struct mail *m, struct mail_part *part)
{
	packed_open(m);
	return part_of(part)->inner ? &part_of(part)->inner->root->pub : NULL;
}
