/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value.c - what rules may ask of a mail by name: ${mail.from.name}.
 *
 * A table of names and makers; each value is made when first asked for and
 * kept. The rule compiler reads the same table, so that a wrong name is found
 * before any mail comes.
 */
#include <mailmill/clock.h>

#include "value_kind.h"

/* ---- addresses ---- */

static struct mail_address first_of(struct mail *m, const char *field)
{
	struct mail_address *list;
	size_t n = mail_addresses(m->arena,
		header_hinted(m, header_raw(m, m->root, field)), &list);

	for (size_t i = 0; i < n; i++)
		if (list[i].is_valid)
			return list[i];
	if (n)
		return list[0];
	return (struct mail_address){ STR(""), STR(""), STR(""), STR(""), 0 };
}

/* Joins the addresses of all fields of a name: "a@x, b@y". */
static struct str all_of(struct mail *m, const char *field)
{
	struct fields *f = header_fields(m, m->root);
	struct buf b = BUF_INIT((size_t)1 << 20);
	struct str out;

	for (size_t i = 0; i < f->n; i++) {
		struct mail_address *list;
		size_t n;
		if (!str_eq_case(f->items[i].name, str_c(field)))
			continue;
		n = mail_addresses(
			m->arena, header_hinted(m, f->items[i].raw), &list);
		for (size_t k = 0; k < n; k++) {
			if (!list[k].address.len)
				continue;
			if (b.len)
				buf_c(&b, ", ");
			buf_str(&b, list[k].address);
		}
	}
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

static struct str make_from(struct mail *m)
{
	return first_of(m, "from").address;
}
static struct str make_from_name(struct mail *m)
{
	return first_of(m, "from").name;
}
static struct str make_from_local(struct mail *m)
{
	return first_of(m, "from").local;
}
static struct str make_from_domain(struct mail *m)
{
	return first_of(m, "from").domain;
}
static struct str make_from_domain_ascii(struct mail *m)
{
	return mail_domain_ascii(m->arena, first_of(m, "from").domain);
}
static struct str make_from_domain_unicode(struct mail *m)
{
	return mail_domain_unicode(m->arena, first_of(m, "from").domain);
}
static struct str make_sender(struct mail *m)
{
	return first_of(m, "sender").address;
}
static struct str make_reply_to(struct mail *m)
{
	return all_of(m, "reply-to");
}
static struct str make_to(struct mail *m)
{
	return all_of(m, "to");
}
static struct str make_cc(struct mail *m)
{
	return all_of(m, "cc");
}
static struct str make_bcc(struct mail *m)
{
	return all_of(m, "bcc");
}
static struct str make_delivered_to(struct mail *m)
{
	return all_of(m, "delivered-to");
}

/* ---- subject, ids, date ---- */

static struct str make_subject(struct mail *m)
{
	return mail_header(m, STR("subject"));
}

/* Cuts blanks out, which may stand in an id (RFC 5322 4.5.4). */
static struct str squeeze_id(struct arena *a, struct str id)
{
	char *p, *to;

	if (str_chr(id, ' ') < 0 && str_chr(id, '\t') < 0)
		return id;
	p = to = arena_alloc(a, id.len + 1);
	for (size_t i = 0; i < id.len; i++)
		if (!is_blank(id.p[i]))
			*to++ = id.p[i];
	return str_n(p, (size_t)(to - p));
}

static struct str make_message_id(struct mail *m)
{
	struct str id = header_id(mail_header(m, STR("message-id")));

	/* words are no id at all, and stay as they are */
	return str_chr(id, '@') < 0 ? id : squeeze_id(m->arena, id);
}

static size_t add_ids(struct str s, struct str *out, size_t max)
{
	size_t n = 0;
	ssize_t open;

	while (n < max && (open = str_chr(s, '<')) >= 0) {
		ssize_t close;
		s = str_sub(s, (size_t)open + 1, s.len);
		close = str_chr(s, '>');
		if (close < 0)
			break;
		out[n] = str_trim(str_sub(s, 0, (size_t)close));
		n += out[n].len > 0;
		s = str_sub(s, (size_t)close + 1, s.len);
	}
	return n;
}

static bool has_id(struct mail *m, struct str id)
{
	for (size_t i = 0; i < m->n_references; i++)
		if (str_eq(m->references[i], id))
			return true;
	return false;
}

/* Keeps the last ids of a field that has too many: they are the nearest. */
static struct str tail_of(struct str s)
{
	const size_t max = (size_t)MAIL_REFERENCES_MAX * 250;

	return s.len > max ? str_sub(s, s.len - max, max) : s;
}

size_t mail_references(struct mail *m, struct str **out)
{
	static const char *const fields[] = { "in-reply-to", "references" };
	struct str ids[MAIL_REFERENCES_MAX * 2];

	if (!m->has_references) {
		m->has_references = true;
		m->references = arena_array(
			m->arena, MAIL_REFERENCES_MAX, sizeof(struct str));
		for (size_t f = 0; f < COUNT(fields); f++) {
			struct str raw = header_decode(m->arena,
				tail_of(header_raw(m, m->root, fields[f])));
			size_t n = add_ids(raw, ids, COUNT(ids));
			while (n-- && m->n_references < MAIL_REFERENCES_MAX)
				if (!has_id(m, ids[n]))
					m->references[m->n_references++] =
						ids[n];
		}
	}
	*out = m->references;
	return m->n_references;
}

static struct str make_in_reply_to(struct mail *m)
{
	struct str ids[1] = { STR("") };

	add_ids(mail_header(m, STR("in-reply-to")), ids, 1);
	return ids[0];
}

/* Oldest first, as the field has them. */
static struct str make_references(struct mail *m)
{
	struct buf b = BUF_INIT(MAIL_VALUE_MAX);
	struct str *ids, out;
	size_t n = mail_references(m, &ids);

	while (n--) {
		if (b.len)
			buf_byte(&b, ' ');
		buf_str(&b, ids[n]);
	}
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

static struct str make_date(struct mail *m)
{
	int64_t seconds;
	int zone;

	if (mail_date(mail_header(m, STR("date")), &seconds, &zone) < 0)
		return STR("");
	return str_c(clock_rfc3339(m->arena, seconds * 1000));
}

/* Words that mean "answer" or "forward" before a subject. */
static const char *const prefixes[] = { "re", "aw", "antw", "antwort", "sv",
	"vs", "ref", "rif", "r", "odp", "ynt", "atb", "res", "ang", "fw", "fwd",
	"wg", "tr", "i", "rv", "enc", "vl", "vb", "doorst", "pd", "ilt", "fs",
	"\xd0\xbe\xd1\x82\xd0\xb2", "\xe5\x9b\x9e\xe5\xa4\x8d",
	"\xe8\xbd\xac\xe5\x8f\x91", "\xe7\xad\x94\xe5\xa4\x8d" };

/* Cuts one "Re:", "AW[2]:", "Fwd :" off. Returns: whether there was one. */
static bool cut_prefix(struct str *s)
{
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		struct str p = str_c(prefixes[i]), rest;
		if (!str_starts_case(*s, p))
			continue;
		rest = str_sub(*s, p.len, s->len);
		if (rest.len &&
			(*rest.p == '[' || *rest.p == '^' || *rest.p == '(')) {
			size_t k = 1;
			while (k < rest.len && rest.p[k] >= '0' &&
				rest.p[k] <= '9')
				k++;
			if (k < rest.len &&
				(rest.p[k] == ']' || rest.p[k] == ')'))
				k++;
			rest = str_sub(rest, k, rest.len);
		}
		while (rest.len && *rest.p == ' ')
			rest = str_sub(rest, 1, rest.len);
		if (str_starts(rest, STR(":")))
			*s = str_trim(str_sub(rest, 1, rest.len));
		else if (str_starts(rest, STR("\xef\xbc\x9a")))
			*s = str_trim(str_sub(rest, 3, rest.len));
		else
			continue;
		return true;
	}
	return false;
}

/* Cuts "[list-name]" off, unless nothing else is left. */
static bool cut_tag(struct str *s)
{
	ssize_t close;
	struct str rest;

	if (!str_starts(*s, STR("[")))
		return false;
	close = str_chr(*s, ']');
	if (close < 0 || close > 60)
		return false;
	rest = str_trim(str_sub(*s, (size_t)close + 1, s->len));
	if (!rest.len)
		return false;
	*s = rest;
	return true;
}

static struct str make_subject_base(struct mail *m)
{
	struct str s = str_trim(mail_header(m, STR("subject")));

	while (cut_prefix(&s) || cut_tag(&s))
		;
	return s;
}

/* ---- the rest ---- */

static struct str make_text(struct mail *m)
{
	return mail_text(m);
}
static struct str make_html(struct mail *m)
{
	return mail_html(m);
}
static struct str make_reply(struct mail *m)
{
	return mail_reply(m);
}
static struct str make_quoted(struct mail *m)
{
	return mail_quoted(m);
}
static struct str make_signature(struct mail *m)
{
	return mail_signature(m);
}
static struct str make_kind(struct mail *m)
{
	return str_c(mail_kind_name(mail_kind(m, NULL)));
}
static struct str make_language(struct mail *m)
{
	return str_c(mail_language(m)->code);
}
static struct str make_size(struct mail *m)
{
	return str_c(arena_printf(
		m->arena, "%llu", (unsigned long long)mail_size(m)));
}

static bool claims(struct mail *m, bool is_encrypted)
{
	const struct mail_security *list;
	size_t n = mail_security(m, &list);

	for (size_t i = 0; i < n; i++)
		if (is_encrypted ? list[i].is_encrypted : list[i].is_signed)
			return true;
	return false;
}

static struct str make_encrypted(struct mail *m)
{
	return claims(m, true) ? STR("true") : STR("false");
}
static struct str make_signed(struct mail *m)
{
	return claims(m, false) ? STR("true") : STR("false");
}

/* The id within < > of "Name of the list <id.example.org>". */
static struct str make_list_id(struct mail *m)
{
	return header_id(mail_header(m, STR("list-id")));
}

/* What led to the kind, joined by "; ". */
static struct str make_kind_evidence(struct mail *m)
{
	const struct str *items;
	size_t n = mail_kind_evidence(m, NULL, &items);
	struct buf b = BUF_INIT(MAIL_VALUE_MAX);
	struct str out;

	for (size_t i = 0; i < n; i++) {
		buf_c(&b, i ? "; " : "");
		buf_str(&b, items[i]);
	}
	out = arena_str(m->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

static struct str make_list_one_click(struct mail *m)
{
	return mail_list(m)->is_one_click ? STR("true") : STR("");
}

static struct str make_fingerprint(struct mail *m)
{
	unsigned char id[HASH_LEN];
	char *hex = arena_alloc(m->arena, HASH_HEX_LEN + 1);

	mail_fingerprint(m, id);
	hash_hex(id, hex);
	return str_c(hex);
}

/* ---- bounces ---- */

static const struct mail_bounce *first_bounce(struct mail *m)
{
	static const struct mail_bounce none;
	const struct mail_bounce *list;

	return mail_bounces(m, &list) ? list : &none;
}

static struct str make_bounce_recipient(struct mail *m)
{
	return first_bounce(m)->recipient;
}
static struct str make_bounce_status(struct mail *m)
{
	return first_bounce(m)->status;
}
static struct str make_bounce_reason(struct mail *m)
{
	const char *reason = first_bounce(m)->reason;

	return str_c(reason ? reason : "");
}
static struct str make_bounce_diagnostic(struct mail *m)
{
	return first_bounce(m)->diagnostic;
}
static struct str make_bounce_permanent(struct mail *m)
{
	const struct mail_bounce *b = first_bounce(m);

	return !b->reason	 ? STR("")
	       : b->is_permanent ? STR("true")
				 : STR("false");
}
static struct str make_bounce_message_id(struct mail *m)
{
	return mail_bounced_id(m);
}

/* ---- what was forwarded ---- */

static const struct mail_forwarded *first_forward(struct mail *m)
{
	static const struct mail_forwarded none;
	const struct mail_forwarded *list;

	return mail_forwards(m, &list) ? list : &none;
}

static struct str make_forwarded_from(struct mail *m)
{
	return first_forward(m)->from;
}
static struct str make_forwarded_from_name(struct mail *m)
{
	return first_forward(m)->from_name;
}
static struct str make_forwarded_subject(struct mail *m)
{
	return first_forward(m)->subject;
}
static struct str make_forwarded_date(struct mail *m)
{
	return first_forward(m)->date;
}
static struct str make_forwarded_text(struct mail *m)
{
	return first_forward(m)->text;
}

static const struct value {
	const char *name;
	struct str (*make)(struct mail *m);
} values[] = {
	{ "from", make_from },
	{ "from.name", make_from_name },
	{ "from.local", make_from_local },
	{ "from.domain", make_from_domain },
	{ "from.domain_ascii", make_from_domain_ascii },
	{ "from.domain_unicode", make_from_domain_unicode },
	{ "sender", make_sender },
	{ "reply_to", make_reply_to },
	{ "to", make_to },
	{ "cc", make_cc },
	{ "bcc", make_bcc },
	{ "delivered_to", make_delivered_to },
	{ "subject", make_subject },
	{ "subject_base", make_subject_base },
	{ "message_id", make_message_id },
	{ "in_reply_to", make_in_reply_to },
	{ "references", make_references },
	{ "date", make_date },
	{ "text", make_text },
	{ "html", make_html },
	{ "reply", make_reply },
	{ "quoted", make_quoted },
	{ "signature", make_signature },
	{ "kind", make_kind },
	{ "language", make_language },
	{ "size", make_size },
	{ "encrypted", make_encrypted },
	{ "signed", make_signed },
	{ "list.id", make_list_id },
	{ "list.one_click", make_list_one_click },
	{ "kind_evidence", make_kind_evidence },
	{ "fingerprint", make_fingerprint },
	{ "forwarded.from", make_forwarded_from },
	{ "forwarded.from.name", make_forwarded_from_name },
	{ "forwarded.subject", make_forwarded_subject },
	{ "forwarded.date", make_forwarded_date },
	{ "forwarded.text", make_forwarded_text },
	{ "bounce.recipient", make_bounce_recipient },
	{ "bounce.status", make_bounce_status },
	{ "bounce.reason", make_bounce_reason },
	{ "bounce.diagnostic", make_bounce_diagnostic },
	{ "bounce.permanent", make_bounce_permanent },
	{ "bounce.message_id", make_bounce_message_id },
};

#define MEMBER_NAME(name, of, at) name,
#define MEMBER_COUNT(name, of, at) +1

/* clang-format off */
static const char *const names[] = {
	VALUE_MEMBERS(MEMBER_NAME)
	"list.one_click", "kind_evidence", "fingerprint",
	/* clang-format on */
	"from", "from.name", "from.local", "from.domain", "from.domain_ascii",
	"from.domain_unicode", "sender", "reply_to", "to", "cc", "bcc",
	"delivered_to", "subject", "subject_base", "message_id", "in_reply_to",
	"references", "date", "text", "html", "reply", "quoted", "signature",
	"kind", "language", "size", "encrypted", "signed", "list.id",
	"forwarded.from", "forwarded.from.name", "forwarded.subject",
	"forwarded.date", "forwarded.text", "bounce.recipient", "bounce.status",
	"bounce.reason", "bounce.diagnostic", "bounce.permanent",
	"bounce.message_id", "header.", NULL };

_Static_assert(COUNT(names) == COUNT(values) + 2 VALUE_MEMBERS(MEMBER_COUNT),
	"names[] lists values[], \"header.\" and the end");

const char *const *mail_value_names(void)
{
	return names;
}

/* header.x_order is X-Order; of "_" either "-" or "_" will do. */
static struct str find_header(struct mail *m, struct str name)
{
	struct fields *f = header_fields(m, m->root);

	for (size_t i = 0; i < f->n; i++) {
		struct str has = f->items[i].name;
		size_t k = 0;
		if (has.len != name.len)
			continue;
		for (; k < name.len; k++) {
			char a = name.p[k], b = has.p[k];
			if (a >= 'A' && a <= 'Z')
				a |= 32;
			if (b >= 'A' && b <= 'Z')
				b |= 32;
			if (a != b && !(a == '_' && b == '-'))
				break;
		}
		if (k == name.len)
			return header_value(m, &f->items[i]);
	}
	return STR_NULL;
}

int mail_value(struct mail *m, struct str name, struct str *out)
{
	const struct value_member *member;

	if (str_starts(name, STR("header.")) && name.len > 7) {
		*out = find_header(m, str_sub(name, 7, name.len));
		return 0;
	}
	if (!m->values) {
		m->values = arena_array(
			m->arena, COUNT(values), sizeof(*m->values));
		m->has_value = arena_array(
			m->arena, COUNT(values), sizeof(*m->has_value));
	}
	for (size_t i = 0; i < COUNT(values); i++) {
		if (!str_eq(name, str_c(values[i].name)))
			continue;
		if (!m->has_value[i]) {
			m->values[i] = values[i].make(m);
			m->has_value[i] = true;
		}
		*out = m->values[i];
		return 0;
	}
	member = value_find_member(name);
	if (member) {
		const char *p = member->of(m);
		memcpy(out, p + member->at, sizeof(*out));
		return 0;
	}
	return -1;
}
