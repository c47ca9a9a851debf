/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signed.c - S/MIME and PGP: what is signed, what is encrypted, what is shown.
 *
 * Nothing is verified and nothing decrypted: there are no keys in the box. What
 * is told is what a mail claims. Of CMS (RFC 5652) as much DER and BER is read
 * as leads to the content that an opaque signature signs; each length is
 * checked against the bytes that are there, depth is limited by the format.
 * Cleartext signatures (RFC 9580 section 7) are taken off the text.
 */
#include <mailmill/enc.h>

#include "inside.h"

#define SECURITY_MAX 100
#define ARMOR_LINES_MAX 20 /* of the header of an armored block */

/*
 * CMS
 */

enum {
	DER_OID = 0x06,
	DER_OCTETS = 0x04,
	DER_OCTETS_OF_OCTETS = 0x24,
	DER_SEQUENCE = 0x30,
	DER_CONTEXT_0 = 0xa0
};

struct der {
	unsigned tag;
	struct str body;
	bool is_open; /* of indefinite length: body goes on to all's end */
};

/* Cuts one element off. Returns: false when there is none. */
static bool cut_der(struct str *s, struct der *out)
{
	size_t len = 0, at = 2, n;

	if (s->len < 2)
		return false;
	out->tag = (unsigned char)s->p[0];
	out->is_open = false;
	n = (unsigned char)s->p[1];
	if (n == 0x80) {
		out->is_open = true;
		len = s->len - 2;
	} else if (n > 0x80) {
		n &= 0x7f;
		if (n > 4 || s->len < 2 + n)
			return false;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | (unsigned char)s->p[at++];
	} else {
		len = n;
	}
	/* what was cut in transit is shown as far as it goes */
	out->body = str_sub(*s, at, len);
	*s = str_sub(*s, at + len, SIZE_MAX);
	return true;
}

/* 1.2.840.113549.1.7.N and 1.2.840.113549.1.9.16.1.N */
static const struct str pkcs7 = STR("\x2a\x86\x48\x86\xf7\x0d\x01\x07");
static const struct str smime_ct = STR(
	"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01");

enum cms_kind {
	CMS_NONE,
	CMS_SIGNED,
	CMS_ENVELOPED,
	CMS_OTHER
};

/* Reads the type of a ContentInfo; *body is what stands in its [0]. */
static enum cms_kind read_cms(struct str bytes, struct str *body)
{
	struct der info, oid, content;
	unsigned last;

	if (!cut_der(&bytes, &info) || info.tag != DER_SEQUENCE ||
		!cut_der(&info.body, &oid) || oid.tag != DER_OID ||
		!oid.body.len)
		return CMS_NONE;
	*body = STR_NULL;
	if (cut_der(&info.body, &content) && content.tag == DER_CONTEXT_0)
		*body = content.body;
	last = (unsigned char)oid.body.p[oid.body.len - 1];
	if (str_starts(oid.body, pkcs7))
		return last == 2   ? CMS_SIGNED
		       : last == 3 ? CMS_ENVELOPED
				   : CMS_OTHER;
	if (str_starts(oid.body, smime_ct) && last == 23)
		return CMS_ENVELOPED; /* authEnvelopedData */
	return str_starts(oid.body, smime_ct) ? CMS_OTHER : CMS_NONE;
}

/* Joins the pieces of an OCTET STRING that BER has cut. */
static struct str join_octets(struct mail *m, struct str body)
{
	struct str rest = body, out;
	struct der piece;
	char *p = arena_alloc(m->arena, body.len + 1);
	size_t n = 0;

	while (cut_der(&rest, &piece) && piece.tag == DER_OCTETS) {
		memcpy(p + n, piece.body.p, piece.body.len);
		n += piece.body.len;
	}
	out = str_n(p, n);
	return out;
}

/* Lends the octets that a SignedData signs, or the null string. */
static struct str find_content(struct mail *m, struct str body)
{
	struct der data, version, digests, encap, oid, content, octets;

	if (!cut_der(&body, &data) || data.tag != DER_SEQUENCE ||
		!cut_der(&data.body, &version) ||
		!cut_der(&data.body, &digests) ||
		!cut_der(&data.body, &encap) || encap.tag != DER_SEQUENCE ||
		!cut_der(&encap.body, &oid) || oid.tag != DER_OID ||
		!cut_der(&encap.body, &content) ||
		content.tag != DER_CONTEXT_0 ||
		!cut_der(&content.body, &octets))
		return STR_NULL;
	if (octets.tag == DER_OCTETS)
		return octets.body;
	if (octets.tag == DER_OCTETS_OF_OCTETS)
		return join_octets(m, octets.body);
	return STR_NULL;
}

/* Some send it as text between "-----BEGIN" and "-----END" lines. */
static struct str undo_armor(struct mail *m, struct str bytes)
{
	struct buf b = BUF_INIT(MAIL_PACKED_MAX);
	struct str line, out;

	if (!str_starts(bytes, STR("-----BEGIN ")))
		return bytes;
	str_cut_line(&bytes, &line);
	if (decode_all(&b, DECODE_BASE64, bytes) < 0)
		buf_clear(&b);
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

struct str signed_content(struct mail *m, struct part *p, struct str bytes)
{
	struct str body, content;

	bytes = undo_armor(m, bytes);
	p->cms = (unsigned char)read_cms(bytes, &body);
	if (p->cms != CMS_SIGNED)
		return STR_NULL;
	content = find_content(m, body);
	/* an inner part that signs nothing holds certificates alone */
	if (!content.len)
		p->cms = CMS_OTHER;
	return content;
}

/*
 * Armored blocks in text
 */

enum armor {
	ARMOR_NONE,
	ARMOR_SIGNED_TEXT,
	ARMOR_MESSAGE,
};

static enum armor armor_of(struct str line)
{
	line = str_trim(line);
	if (str_eq(line, STR("-----BEGIN PGP SIGNED MESSAGE-----")))
		return ARMOR_SIGNED_TEXT;
	return str_eq(line, STR("-----BEGIN PGP MESSAGE-----")) ? ARMOR_MESSAGE
								: ARMOR_NONE;
}

/* Finds the first such line. Returns: what it is; *rest is behind it. */
static enum armor find_armor(struct str *rest)
{
	struct str line;

	while (rest->len) {
		ssize_t at = str_find(*rest, STR("-----BEGIN PGP "));
		enum armor kind;
		if (at < 0)
			return ARMOR_NONE;
		if (at > 0 && rest->p[at - 1] != '\n') {
			*rest = str_sub(*rest, (size_t)at + 1, SIZE_MAX);
			continue;
		}
		*rest = str_sub(*rest, (size_t)at, SIZE_MAX);
		str_cut_line(rest, &line);
		kind = armor_of(line);
		if (kind != ARMOR_NONE)
			return kind;
	}
	return ARMOR_NONE;
}

/*
 * Does the message hold encrypted packets (RFC 9580 section 5)? A signed one
 * begins with a signature or compressed data.
 */
static bool is_encrypted_message(struct str rest)
{
	struct str line;
	char out[64 + DECODE_EXTRA];
	struct decode d;
	unsigned first, tag;

	for (int i = 0; i < ARMOR_LINES_MAX; i++)
		if (!str_cut_line(&rest, &line) || !str_trim(line).len)
			break;
	decode_init(&d, DECODE_BASE64);
	if (decode_feed(&d, str_trim(str_sub(rest, 0, 64)), out) == 0)
		return true;
	first = (unsigned char)out[0];
	tag = first & 0x40 ? first & 0x3f : (first >> 2) & 0x0f;
	return tag != 2 && tag != 4 && tag != 8;
}

static bool starts_line(struct str line, struct str what)
{
	return str_starts(line, what);
}

/* Adds a signed text without armor; *rest goes behind its signature. */
static void add_signed_text(struct buf *b, struct str *rest)
{
	struct str line;
	bool is_text = false, in_signature = false;

	for (int i = 0; i < ARMOR_LINES_MAX && !is_text; i++) {
		struct str before = *rest;
		if (!str_cut_line(rest, &line))
			return;
		is_text = str_trim(line).len == 0;
		/* "Hash: SHA1"; a text without the empty line is one, too */
		if (!is_text && str_chr(line, ':') < 0) {
			*rest = before;
			break;
		}
	}
	while (str_cut_line(rest, &line)) {
		if (starts_line(line, STR("-----BEGIN PGP SIGNATURE"))) {
			in_signature = true;
			break;
		}
		if (starts_line(line, STR("- ")))
			line = str_sub(line, 2, SIZE_MAX);
		buf_str(b, line);
		buf_byte(b, '\n');
	}
	while (in_signature && str_cut_line(rest, &line))
		in_signature = !starts_line(
			line, STR("-----END PGP SIGNATURE"));
}

struct str signed_show(struct mail *m, struct str text)
{
	struct str rest = text, out;
	struct buf b = BUF_INIT(MAIL_TEXT_MAX * 2);
	const char *from = text.p;
	bool is_changed = false;

	while (find_armor(&rest) == ARMOR_SIGNED_TEXT) {
		const char *mark = rest.p;
		while (mark > from && mark[-1] == '\n')
			mark--;
		while (mark > from && mark[-1] != '\n')
			mark--;
		buf_add(&b, from, (size_t)(mark - from));
		add_signed_text(&b, &rest);
		from = rest.p ? rest.p : text.p + text.len;
		is_changed = true;
	}
	if (!is_changed)
		return text;
	buf_add(&b, from, (size_t)(text.p + text.len - from));
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

/*
 * The list
 */

static void add(struct mail *m, const struct mail_part *p, const char *kind,
	bool is_signed, bool is_encrypted)
{
	struct mail_security *s;

	if (m->n_security >= SECURITY_MAX)
		return;
	m->security = arena_grow(m->arena, m->security, m->n_security,
		m->n_security + 1, sizeof(*m->security));
	s = &m->security[m->n_security++];
	s->kind = kind;
	s->is_signed = is_signed;
	s->is_encrypted = is_encrypted;
	s->part = p;
}

static struct str protocol_of(struct mail *m, struct mail_part *p)
{
	struct str protocol = mail_param(m->arena,
		header_raw(m, part_of(p), "content-type"), STR("protocol"));
	struct mail_part *last = p->first;

	if (protocol.len || !last)
		return protocol;
	while (last->next)
		last = last->next;
	return last->subtype;
}

/* multipart/signed and multipart/encrypted (RFC 1847) */
static void judge_multipart(struct mail *m, struct mail_part *p)
{
	bool is_encrypted = str_eq(p->subtype, STR("encrypted"));
	struct mail_part *second = p->first->next;
	struct str protocol;

	if (!is_encrypted && !str_eq(p->subtype, STR("signed")))
		return;
	/* RFC 1847 2: two parts; who adds one has signed nothing of it */
	if (!second || (!is_encrypted && second->next))
		return;
	protocol = protocol_of(m, p);
	if (str_find_case(protocol, STR("pgp")) >= 0)
		add(m, p, "pgp", !is_encrypted, is_encrypted);
	else if (str_find_case(protocol, STR("pkcs7")) >= 0)
		add(m, p, "smime", !is_encrypted, is_encrypted);
	else
		add(m, p, "other", !is_encrypted, is_encrypted);
}

static bool is_pkcs7(const struct mail_part *p)
{
	return str_eq(p->subtype, STR("pkcs7-mime")) ||
	       str_eq(p->subtype, STR("x-pkcs7-mime"));
}

static void judge_application(struct mail *m, struct mail_part *p)
{
	struct part *own = part_of(p);
	struct str type;
	bool is_known = own->cms == CMS_SIGNED || own->cms == CMS_ENVELOPED;

	if (is_known) {
		add(m, p, "smime", own->cms == CMS_SIGNED,
			own->cms == CMS_ENVELOPED);
		return;
	}
	if (is_pkcs7(p) && own->cms != CMS_OTHER) {
		type = mail_param(m->arena, header_raw(m, own, "content-type"),
			STR("smime-type"));
		if (str_starts_case(type, STR("signed")))
			add(m, p, "smime", true, false);
		else if (!type.len || str_find_case(type, STR("env")) >= 0)
			add(m, p, "smime", false, true);
	}
	/* gateways take the multipart/encrypted away and leave its parts */
	if (str_eq(p->subtype, STR("pgp-encrypted")) && p->parent &&
		!str_eq(p->parent->subtype, STR("encrypted")))
		add(m, p, "pgp", false, true);
}

static void judge_text(struct mail *m, struct mail_part *p)
{
	struct str rest = mail_part_bytes(m, p);
	enum armor kind;

	rest = str_sub(rest, 0, MAIL_TEXT_MAX);
	kind = find_armor(&rest);
	if (kind == ARMOR_SIGNED_TEXT)
		add(m, p, "pgp", true, false);
	if (kind == ARMOR_MESSAGE && is_encrypted_message(rest))
		add(m, p, "pgp", false, true);
	else if (kind == ARMOR_MESSAGE)
		add(m, p, "pgp", true, false);
}

size_t mail_security(struct mail *m, const struct mail_security **out)
{
	if (!m->has_security) {
		m->has_security = true;
		packed_open(m);
		text_choose(m);
		for (struct mail_part *p = mail_root(m); p;
			p = packed_next(p)) {
			bool is_text = str_eq(p->type, STR("text")) ||
				       (str_eq(p->type, STR("application")) &&
					       str_eq(p->subtype, STR("pgp")));
			if (p->first)
				judge_multipart(m, p);
			else if (is_text && !p->is_attachment)
				judge_text(m, p);
			else
				judge_application(m, p);
		}
	}
	*out = m->security;
	return m->n_security;
}
