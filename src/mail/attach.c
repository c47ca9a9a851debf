/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attach.c - attachments and inline images: names, sizes, digests.
 *
 * Size and SHA-256 are of the bytes that decode.h gives, piece by piece, so
 * that a large file is never in memory as a whole.
 */
#include "inside.h"

#define PIECE ((size_t)32 * 1024)

void attach_digest(struct mail *m, struct part *p)
{
	struct str in = str_n(m->raw.p + p->pub.offset, p->pub.len);
	const char *kept = in.p;
	struct decode d;
	struct hash *h;
	char out[PIECE + DECODE_EXTRA];
	size_t n;

	if (p->has_digest)
		return;
	p->has_digest = true;
	h = hash_begin();
	decode_init(&d, decode_kind(p->pub.encoding));
	while (in.len) {
		struct str piece = str_sub(in, 0, PIECE);
		if (d.kind == DECODE_IDENTITY) {
			hash_add(h, piece.p, piece.len);
			p->size += piece.len;
		} else {
			n = decode_feed(&d, piece, out);
			hash_add(h, out, n);
			p->size += n;
		}
		in = str_sub(in, piece.len, in.len);
		if ((size_t)(in.p - kept) > MAIL_FORGET) {
			mail_forget(m, kept, in.p);
			kept = in.p;
		}
	}
	n = decode_end(&d, out);
	hash_add(h, out, n);
	p->size += n;
	hash_end(h, p->digest);
}

/* Characters that change the direction of text hide what a name ends in. */
static bool is_forbidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e ||
	       c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* Cuts to the limit, leaving the ending where there is one. */
static struct str cut_name(struct arena *a, struct str s)
{
	ssize_t dot = str_rchr(s, '.');
	struct str stem, ending;

	if (s.len <= MAIL_NAME_MAX)
		return s;
	if (dot <= 0 || s.len - (size_t)dot > 20)
		return utf8_cut(s, MAIL_NAME_MAX);
	ending = str_sub(s, (size_t)dot, s.len);
	stem = utf8_cut(s, MAIL_NAME_MAX - ending.len);
	return str_c(
		arena_printf(a, "%.*s%.*s", STR_ARG(stem), STR_ARG(ending)));
}

struct str attach_safe_name(struct arena *a, struct str name)
{
	char *p = arena_alloc(a, name.len + 1), *to = p;
	struct str rest = name, out;
	uint32_t c;

	while (rest.len) {
		size_t n = utf8_next(rest, &c);
		if (n == 0) {
			n = 1;
		} else if (c == '/' || c == '\\') {
			to = p; /* what was before it is a folder */
		} else if (!is_forbidden(c)) {
			memcpy(to, rest.p, n);
			to += n;
		}
		rest = str_sub(rest, n, rest.len);
	}
	out = str_trim(str_n(p, (size_t)(to - p)));
	while (out.len &&
		(out.p[out.len - 1] == '.' || out.p[out.len - 1] == ' '))
		out.len--;
	return cut_name(a, out);
}

static const struct ending {
	const char *type, *ending;
} endings[] = {
	{ "application/json", "json" },
	{ "application/msword", "doc" },
	{ "application/ms-tnef", "dat" },
	{ "application/pdf", "pdf" },
	{ "application/pgp-signature", "asc" },
	{ "application/pkcs7-mime", "p7m" },
	{ "application/pkcs7-signature", "p7s" },
	{ "application/x-pkcs7-signature", "p7s" },
	{ "application/zip", "zip" },
	{ "audio/mpeg", "mp3" },
	{ "audio/wav", "wav" },
	{ "image/bmp", "bmp" },
	{ "image/gif", "gif" },
	{ "image/jpeg", "jpg" },
	{ "image/jpg", "jpg" },
	{ "image/png", "png" },
	{ "image/svg+xml", "svg" },
	{ "image/tiff", "tif" },
	{ "image/webp", "webp" },
	{ "message/rfc822", "eml" },
	{ "text/calendar", "ics" },
	{ "text/csv", "csv" },
	{ "text/html", "html" },
	{ "text/plain", "txt" },
	{ "text/rfc822-headers", "txt" },
	{ "text/vcard", "vcf" },
	{ "text/x-vcard", "vcf" },
	{ "text/xml", "xml" },
	{ "video/mp4", "mp4" },
};

static const char *ending_of(struct str type)
{
	for (size_t i = 0; i < COUNT(endings); i++)
		if (str_eq(type, str_c(endings[i].type)))
			return endings[i].ending;
	return "bin";
}

static struct str join_type(struct arena *a, const struct mail_part *p)
{
	return str_c(arena_printf(
		a, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype)));
}

/* Names what has no name: an attached message by its subject. */
static struct str make_name(
	struct mail *m, struct mail_part *p, struct str type, size_t number)
{
	struct str subject = STR_NULL;

	if (part_of(p)->is_message && p->first)
		subject = attach_safe_name(
			m->arena, header_of(m, part_of(p->first), "subject"));
	if (subject.len)
		return cut_name(
			m->arena, str_c(arena_printf(m->arena, "%.*s.eml",
					  STR_ARG(subject))));
	return str_c(arena_printf(
		m->arena, "attachment-%zu.%s", number, ending_of(type)));
}

/* Tells whether the HTML shows the part by its Content-ID. */
static bool is_shown(struct mail *m, struct mail_part *p)
{
	struct str html, rest, id = p->content_id;

	if (!id.len)
		return false;
	rest = html = mail_html(m);
	while (rest.len) {
		ssize_t at = str_find(rest, id);
		if (at < 0)
			return false;
		if (at >= 4 && str_eq_case(str_sub(rest, (size_t)at - 4, 4),
				       STR("cid:")))
			return true;
		rest = str_sub(rest, (size_t)at + 1, rest.len);
	}
	return false;
}

#define SHOWN_MAX                                                              \
	50 /* Content-IDs looked for; each is a search of the HTML             \
	    */

static void add_attachment(struct mail *m, struct mail_part *p)
{
	struct mail_attachment *at = &m->attachments[m->n_attachments++];
	struct part *own = part_of(p);
	char *hex = arena_alloc(m->arena, HASH_HEX_LEN + 1);

	attach_digest(m, own);
	hash_hex(own->digest, hex);
	at->part = p;
	at->type = join_type(m->arena, p);
	at->name = p->filename.len
			   ? p->filename
			   : make_name(m, p, at->type, m->n_attachments);
	at->size = own->size;
	at->sha256 = str_n(hex, HASH_HEX_LEN);
	if (str_eq(p->type, STR("image")))
		p->is_inline = m->n_attachments <= SHOWN_MAX && is_shown(m, p);
	at->is_inline = p->is_inline;
}

static struct mail_part *next_outside(struct mail_part *p)
{
	if (!part_of(p)->is_message)
		return mail_next(p);
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : NULL;
}

size_t mail_attachments(struct mail *m, const struct mail_attachment **out)
{
	size_t n = 0;

	if (!m->has_attachments) {
		m->has_attachments = true;
		text_choose(m);
		for (struct mail_part *p = mail_root(m); p; p = next_outside(p))
			n += p->is_attachment;
		m->attachments = arena_array(
			m->arena, n ? n : 1, sizeof(*m->attachments));
		for (struct mail_part *p = mail_root(m); p; p = next_outside(p))
			if (p->is_attachment)
				add_attachment(m, p);
	}
	*out = m->attachments;
	return m->n_attachments;
}
