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
	struct str in = part_raw(p);
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

/* "image001.png@01D0..." tells a name; "32497.16@host" does not. */
static struct str name_in_id(const struct mail_part *p, const char *ending)
{
	ssize_t at = str_chr(p->content_id, '@');
	struct str name = str_sub(p->content_id, 0, at < 0 ? 0 : (size_t)at);
	ssize_t dot = str_rchr(name, '.');

	if (dot <= 0 || str_chr(name, ' ') >= 0)
		return STR("");
	return str_eq_case(
		       str_sub(name, (size_t)dot + 1, SIZE_MAX), str_c(ending))
		       ? name
		       : STR("");
}

#define DESCRIPTION_MAX 60 /* bytes that are a name rather than a text */

/* Content-Description, when it is short. */
static struct str description_of(struct mail *m, struct mail_part *p)
{
	struct str s = header_of(m, part_of(p), "content-description");

	return p->parent && s.len <= DESCRIPTION_MAX
		       ? attach_safe_name(m->arena, s)
		       : STR("");
}

/*
 * Names what has no name: an attached message by its subject, else by what
 * its sender tells of it.
 */
static struct str make_name(
	struct mail *m, struct mail_part *p, struct str type, size_t number)
{
	struct part *message = packed_message(part_of(p));
	const char *ending = message ? "eml" : ending_of(type);
	struct str name = STR("");

	if (message)
		name = attach_safe_name(
			m->arena, header_of(m, message, "subject"));
	else
		name = attach_safe_name(m->arena, name_in_id(p, ending));
	if (name.len && !message)
		return name;
	if (!name.len)
		name = description_of(m, p);
	if (name.len && !message && str_rchr(name, '.') > 0)
		return name;
	if (!name.len)
		name = str_c(arena_printf(m->arena, "attachment-%zu", number));
	return cut_name(m->arena, str_c(arena_printf(m->arena, "%.*s.%s",
					  STR_ARG(name), ending)));
}

/* Tells whether the HTML shows a file by its Content-ID. */
static bool is_shown(struct mail *m, struct str id)
{
	struct str rest;

	if (!id.len)
		return false;
	rest = mail_html(m);
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

/* Content-IDs looked for; each is a search of the HTML. */
#define SHOWN_MAX 50

static struct mail_attachment *add(struct mail *m, struct mail_part *p)
{
	size_t n = m->n_attachments, cap = m->cap_attachments;
	struct mail_attachment *at;

	if (n == cap) {
		cap = cap ? cap * 2 : 8;
		m->attachments = arena_grow(m->arena, m->attachments, n, cap,
			sizeof(*m->attachments));
		m->packed = arena_grow(
			m->arena, m->packed, n, cap, sizeof(*m->packed));
		m->cap_attachments = cap;
	}
	m->n_attachments++;
	at = &m->attachments[n];
	at->part = p;
	at->inside = STR("");
	at->encoding = STR("");
	return at;
}

static struct str hex_of(struct mail *m, const unsigned char *digest)
{
	char *hex = arena_alloc(m->arena, HASH_HEX_LEN + 1);

	hash_hex(digest, hex);
	return str_n(hex, HASH_HEX_LEN);
}

/*
 * Tells where the message has the bytes of a part. What is packed in another
 * part is a run of that one's decoded bytes, unless it is encoded again.
 */
static void set_place(struct mail *m, struct mail_attachment *at)
{
	struct part *p = part_of(at->part), *container = p->owner->container;
	struct str bytes, raw = part_raw(p);

	at->has_place = !container;
	at->offset = p->pub.offset;
	at->len = p->pub.len;
	at->encoding = p->pub.encoding;
	if (!container || container->owner->container ||
		decode_kind(p->pub.encoding) != DECODE_IDENTITY)
		return;
	bytes = mail_part_bytes(m, &container->pub);
	if (raw.p < bytes.p || raw.p > bytes.p + bytes.len)
		return;
	at->has_place = true;
	at->skip = (uint64_t)(raw.p - bytes.p);
	at->offset = container->pub.offset;
	at->len = container->pub.len;
	at->encoding = container->pub.encoding;
}

/* x-uuencode: the first line has the name. */
static struct str name_within(struct mail *m, struct mail_part *p)
{
	struct str head = str_sub(part_raw(part_of(p)), 0, 4096), line;

	if (decode_kind(p->encoding) != DECODE_UUENCODE)
		return STR("");
	while (str_cut_line(&head, &line))
		if (str_starts(line, STR("begin ")) && line.len > 10)
			return attach_safe_name(m->arena,
				header_decode(m->arena,
					str_trim(str_sub(line, 10, line.len))));
	return STR("");
}

static void add_part(struct mail *m, struct mail_part *p)
{
	struct mail_attachment *at = add(m, p);
	struct part *own = part_of(p);

	attach_digest(m, own);
	at->type = join_type(m->arena, p);
	at->name = p->filename.len ? p->filename : name_within(m, p);
	if (!at->name.len)
		at->name = make_name(m, p, at->type, m->n_attachments);
	at->content_id = p->content_id;
	at->size = own->size;
	at->sha256 = hex_of(m, own->digest);
	set_place(m, at);
	if (str_eq(p->type, STR("image")))
		p->is_inline = m->n_attachments <= SHOWN_MAX &&
			       is_shown(m, p->content_id);
	at->is_inline = p->is_inline;
}

/*
 * Files packed in a part
 */

static const char *type_of(struct str name)
{
	ssize_t dot = str_rchr(name, '.');
	struct str ending = str_sub(name, (size_t)dot + 1, name.len);

	for (size_t i = 0; dot >= 0 && i < COUNT(endings); i++)
		if (str_eq_case(ending, str_c(endings[i].ending)))
			return endings[i].type;
	return "application/octet-stream";
}

static bool is_type(struct str s)
{
	struct str type, subtype;

	return mail_media_type(s, &type, &subtype) && subtype.len;
}

static void add_packed(
	struct mail *m, struct mail_part *p, const struct packed_file *f)
{
	struct mail_attachment *at = add(m, p);
	unsigned char digest[HASH_LEN];

	m->packed[m->n_attachments - 1] = f->bytes.p ? f->bytes : STR("");
	at->name = attach_safe_name(m->arena,
		utf8_is_valid(f->name)
			? f->name
			: charset_to_utf8(m->arena, f->name, p->charset, NULL));
	at->type = is_type(f->type) && !str_eq(f->inside, STR("uuencode")) &&
				   !str_eq(f->inside, STR("yenc"))
			   ? header_token(m->arena, f->type)
			   : str_c(type_of(at->name));
	if (!at->name.len)
		at->name = str_c(arena_printf(m->arena, "attachment-%zu.%s",
			m->n_attachments, ending_of(at->type)));
	at->content_id = header_id(f->content_id);
	at->inside = f->inside;
	at->size = f->bytes.len;
	hash_bytes(m->packed[m->n_attachments - 1], digest);
	at->sha256 = hex_of(m, digest);
	at->is_inline = str_starts(at->type, STR("image/")) &&
			m->n_attachments <= SHOWN_MAX &&
			is_shown(m, at->content_id);
}

static void add_tnef(struct mail *m, struct mail_part *p, struct tnef *t)
{
	for (size_t i = 0; i < t->n_files; i++) {
		struct mail_attachment *at;
		add_packed(m, p, &t->files[i]);
		at = &m->attachments[m->n_attachments - 1];
		at->has_place = !part_of(p)->owner->container;
		at->offset = p->offset;
		at->len = p->len;
		at->encoding = p->encoding;
		at->skip = t->files[i].skip;
	}
	/* when something may be lost, the whole stays */
	if (t->is_broken)
		add_part(m, p);
}

static void add_from_text(struct mail *m, struct mail_part *p)
{
	struct packed_file *files;
	size_t n = packed_files(m, part_of(p), &files);
	bool is_bare = decode_kind(p->encoding) == DECODE_IDENTITY &&
		       !part_of(p)->owner->container;

	for (size_t i = 0; i < n; i++) {
		struct mail_attachment *at;
		add_packed(m, p, &files[i]);
		at = &m->attachments[m->n_attachments - 1];
		at->has_place = is_bare && files[i].has_place;
		at->offset = p->offset + files[i].offset;
		at->len = files[i].len;
		at->encoding = files[i].encoding;
	}
}

static bool is_body(struct mail *m, struct mail_part *p)
{
	for (size_t i = 0; i < m->n_text_parts; i++)
		if (m->text_parts[i] == p)
			return str_eq(p->type, STR("text")) &&
			       !str_eq(p->subtype, STR("html"));
	return false;
}

size_t mail_attachments(struct mail *m, const struct mail_attachment **out)
{
	if (!m->has_attachments) {
		m->has_attachments = true;
		text_choose(m);
		for (struct mail_part *p = mail_root(m); p;
			p = packed_next(p)) {
			struct tnef *t;
			if (!p->is_attachment) {
				if (is_body(m, p))
					add_from_text(m, p);
				continue;
			}
			t = packed_tnef(m, part_of(p));
			if (t)
				add_tnef(m, p, t);
			else
				add_part(m, p);
		}
	}
	*out = m->attachments;
	return m->n_attachments;
}

struct str mail_attachment_bytes(
	struct mail *m, const struct mail_attachment *at)
{
	size_t i = (size_t)(at - m->attachments);

	must(i < m->n_attachments);
	return at->inside.len ? m->packed[i] : mail_part_bytes(m, at->part);
}
