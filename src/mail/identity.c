/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * identity.c - what makes two deliveries the same mail.
 *
 * Hashed are the fields that a sender sets once, and each leaf of the tree as
 * decoded, so that another way in, another transfer encoding or another line
 * end changes nothing, while other content under a stolen Message-ID is
 * another mail. Trace headers, boundaries and preambles stay out.
 */
#include "inside.h"

static const char *const named[] = { "message-id", "date", "from", "subject" };

/* Text is hashed without CR and without line ends at its end. */
static void hash_text(struct hash *h, struct str s)
{
	uint64_t len = 0;

	while (s.len && (s.p[s.len - 1] == '\n' || s.p[s.len - 1] == '\r'))
		s.len--;
	while (s.len) {
		ssize_t cr = str_chr(s, '\r');
		size_t n = cr < 0 ? s.len : (size_t)cr;
		hash_add(h, s.p, n);
		len += n;
		s = str_sub(s, n + (cr >= 0), s.len);
	}
	hash_add(h, &len, sizeof(len));
}

static void hash_fields(struct mail *m, struct hash *h, struct part *p)
{
	for (size_t i = 0; i < COUNT(named); i++)
		hash_field(h, header_of(m, p, named[i]));
}

static void hash_part(struct mail *m, struct hash *h, struct mail_part *p)
{
	enum decode_kind kind = decode_kind(p->encoding);
	struct part *own = part_of(p);

	hash_field(h, p->type);
	hash_field(h, p->subtype);
	if (str_eq(p->type, STR("text")) || kind == DECODE_IDENTITY ||
		kind == DECODE_QUOTED_PRINTABLE) {
		hash_text(h, mail_part_bytes(m, p));
		return;
	}
	attach_digest(m, own);
	hash_field(h, str_n((const char *)own->digest, HASH_LEN));
}

void mail_identity(struct mail *m, unsigned char out[HASH_LEN])
{
	struct hash *h;

	if (m->origin) {
		mail_identity(m->origin, out);
		return;
	}
	if (!m->has_identity) {
		h = hash_begin();
		for (struct mail_part *p = mail_root(m); p; p = mail_next(p)) {
			if (!p->parent || part_of(p->parent)->is_message)
				hash_fields(m, h, part_of(p));
			if (!p->first)
				hash_part(m, h, p);
		}
		hash_end(h, m->identity);
		m->has_identity = true;
	}
	memcpy(out, m->identity, HASH_LEN);
}
