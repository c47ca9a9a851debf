/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vcard.c - cards of people's addresses (RFC 6350, 2426, and version 2.1).
 *
 * The three versions share lines "group.NAME;PARAM=x:value", folded by a blank
 * at the beginning of the next line; 2.1 encodes as quoted-printable, whose
 * soft line ends fold, too, and names a charset for each value. So the bytes of
 * the file are read, and each value is made text on its own.
 */
#include "inside.h"

#define CARD_LEN_MAX ((size_t)1 << 20) /* bytes of a file */
#define CARD_LINES_MAX 50000	       /* of a mail */
#define CARD_VALUE_MAX ((size_t)16 * 1024)
#define CARD_VALUES_MAX 50 /* addresses of a card */
#define CARDS_MAX 500	   /* of a mail */
#define CARD_FILES_MAX 50

struct card {
	struct mail_contact pub;
	struct str emails[CARD_VALUES_MAX], phones[CARD_VALUES_MAX];
	struct str made_name; /* of N, when FN is missing */
};

struct reading {
	struct mail *m;
	struct arena *a;
	struct mail_part *part;
	struct mail_contact *items;
	size_t n, n_lines;
	struct card *open; /* between BEGIN and END, or NULL */
};

/* One line, cut up; all lent. */
struct line {
	struct str name, params, value;
};

/* ---- lines ---- */

/* The first ':' that stands in no quotes. */
static ssize_t find_colon(struct str s)
{
	bool is_quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		is_quoted ^= s.p[i] == '"';
		if (s.p[i] == ':' && !is_quoted)
			return (ssize_t)i;
	}
	return -1;
}

static bool cut_up(struct str s, struct line *out)
{
	ssize_t colon = find_colon(s), semicolon, dot;
	struct str head;

	if (colon <= 0)
		return false;
	head = str_sub(s, 0, (size_t)colon);
	out->value = str_sub(s, (size_t)colon + 1, SIZE_MAX);
	semicolon = str_chr(head, ';');
	out->name = semicolon < 0 ? head : str_sub(head, 0, (size_t)semicolon);
	out->params = semicolon < 0
			      ? STR("")
			      : str_sub(head, (size_t)semicolon + 1, SIZE_MAX);
	dot = str_rchr(out->name, '.');
	if (dot >= 0)
		out->name = str_sub(out->name, (size_t)dot + 1, SIZE_MAX);
	out->name = str_trim(out->name);
	return out->name.len > 0;
}

/* Finds "CHARSET=x"; version 2.1 writes bare values: "QUOTED-PRINTABLE". */
static struct str find_param(struct str params, const char *name)
{
	struct str rest = params, one;

	while (rest.len && str_cut(&rest, ';', &one)) {
		ssize_t at = str_chr(one, '=');
		if (at < 0) {
			if (str_eq_case(str_trim(one), str_c(name)))
				return one;
			continue;
		}
		if (str_eq_case(
			    str_trim(str_sub(one, 0, (size_t)at)), str_c(name)))
			return str_trim(str_sub(one, (size_t)at + 1, SIZE_MAX));
	}
	return STR_NULL;
}

static bool is_quoted_printable(struct str params)
{
	return str_eq_case(find_param(params, "ENCODING"),
		       STR("QUOTED-PRINTABLE")) ||
	       find_param(params, "QUOTED-PRINTABLE").p;
}

/*
 * Joins a folded line into `b`. A line of quoted-printable that ends in "="
 * goes on in the next one without a blank.
 */
static bool next_line(struct str *rest, struct buf *b)
{
	struct str line;
	bool is_soft;

	buf_clear(b);
	if (!str_cut_line(rest, &line))
		return false;
	buf_str(b, line);
	for (;;) {
		struct line up;
		struct str so_far = buf_view(b);
		is_soft = str_ends(so_far, STR("=")) && cut_up(so_far, &up) &&
			  is_quoted_printable(up.params);
		if (!rest->len || (!is_soft && !is_blank(rest->p[0])))
			return true;
		str_cut_line(rest, &line);
		if (is_soft)
			b->len--;
		buf_str(b, is_soft ? line : str_sub(line, 1, SIZE_MAX));
		if (buf_is_over(b))
			return true; /* what is too long is left out later */
	}
}

/* ---- values ---- */

static struct str decode(struct reading *r, const struct line *l)
{
	struct str bytes = l->value, charset = find_param(l->params, "CHARSET");
	struct str why;

	if (is_quoted_printable(l->params)) {
		struct decode d;
		char *to = arena_alloc(
			r->a, bytes.len + (size_t)2 * DECODE_EXTRA);
		size_t n;
		decode_init(&d, DECODE_QUOTED_PRINTABLE);
		n = decode_feed(&d, bytes, to);
		n += decode_end(&d, to + n);
		bytes = str_n(to, n);
	}
	if (!charset.len)
		charset = r->part->charset;
	if (!charset.len)
		charset = STR("utf-8");
	return charset_to_utf8(r->a, arena_str(r->a, bytes), charset, &why);
}

/* Undoes "\n", "\,", "\;"; stops at a bare `stop` and leaves it in *rest. */
static struct str cut_field(struct arena *a, struct str *rest, char stop)
{
	char *to = arena_alloc(a, rest->len + 1);
	size_t n = 0, i = 0;

	for (; i < rest->len; i++) {
		char c = rest->p[i];
		if (stop && c == stop)
			break;
		if (c == '\\' && i + 1 < rest->len) {
			c = rest->p[++i];
			c = c == 'n' || c == 'N' ? '\n' : c;
		}
		to[n++] = c;
	}
	*rest = i < rest->len ? str_sub(*rest, i + 1, SIZE_MAX) : STR_NULL;
	return str_trim(str_n(to, n));
}

static struct str unescape(struct arena *a, struct str s)
{
	return cut_field(a, &s, 0);
}

/* "Street;City;;ZIP" as a line: what is not empty, joined. */
static struct str join_fields(struct arena *a, struct str s, const char *with)
{
	struct buf b = BUF_INIT(CARD_VALUE_MAX);
	struct str out;

	while (s.len) {
		struct str one = cut_field(a, &s, ';');
		if (!one.len)
			continue;
		if (b.len)
			buf_c(&b, with);
		buf_str(&b, one);
	}
	out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return out;
}

static void take_name(struct reading *r, struct card *c, struct str value)
{
	struct str prefix, more, suffix;
	struct buf b = BUF_INIT(CARD_VALUE_MAX);

	c->pub.family_name = cut_field(r->a, &value, ';');
	c->pub.given_name = cut_field(r->a, &value, ';');
	more = cut_field(r->a, &value, ';');
	prefix = cut_field(r->a, &value, ';');
	suffix = cut_field(r->a, &value, ';');
	{
		struct str order[] = { prefix, c->pub.given_name, more,
			c->pub.family_name, suffix };
		for (size_t i = 0; i < COUNT(order); i++) {
			if (!order[i].len)
				continue;
			buf_c(&b, b.len ? " " : "");
			buf_str(&b, order[i]);
		}
	}
	c->made_name = arena_str(r->a, buf_view(&b));
	buf_fini(&b);
}

static struct str cut_scheme(struct str s, const char *scheme)
{
	return str_starts_case(s, str_c(scheme))
		       ? str_sub(s, strlen(scheme), SIZE_MAX)
		       : s;
}

static void take(struct reading *r, const struct line *l)
{
	struct mail_contact *c = &r->open->pub;
	struct str value = utf8_cut(decode(r, l), CARD_VALUE_MAX);
	const struct {
		const char *name;
		struct str *to;
	} plain[] = {
		{ "FN", &c->name },
		{ "TITLE", &c->title },
		{ "URL", &c->url },
		{ "NOTE", &c->note },
		{ "BDAY", &c->birthday },
	};

	for (size_t i = 0; i < COUNT(plain); i++)
		if (str_eq_case(l->name, str_c(plain[i].name)) &&
			!plain[i].to->len)
			*plain[i].to = unescape(r->a, value);
	if (str_eq_case(l->name, STR("N")))
		take_name(r, r->open, value);
	else if (str_eq_case(l->name, STR("ORG")) && !c->organization.len)
		c->organization = join_fields(r->a, value, ", ");
	else if (str_eq_case(l->name, STR("ADR")) && !c->address.len)
		c->address = join_fields(r->a, value, ", ");
	else if (str_eq_case(l->name, STR("EMAIL")) &&
		 c->n_emails < CARD_VALUES_MAX)
		r->open->emails[c->n_emails++] = cut_scheme(
			unescape(r->a, value), "mailto:");
	else if (str_eq_case(l->name, STR("TEL")) &&
		 c->n_phones < CARD_VALUES_MAX)
		r->open->phones[c->n_phones++] = cut_scheme(
			unescape(r->a, value), "tel:");
}

/* ---- cards ---- */

static void begin(struct reading *r)
{
	struct str none = STR("");

	r->open = ARENA_NEW(r->a, struct card);
	r->open->pub = (struct mail_contact){ .part = r->part,
		.name = none,
		.organization = none,
		.title = none,
		.address = none,
		.url = none,
		.note = none,
		.birthday = none,
		.family_name = none,
		.given_name = none,
		.email = none,
		.phone = none };
}

static void end(struct reading *r)
{
	struct card *c = r->open;

	r->open = NULL;
	if (!c || r->n == CARDS_MAX)
		return;
	c->pub.emails = c->emails;
	c->pub.phones = c->phones;
	if (!c->pub.name.len && c->made_name.len)
		c->pub.name = c->made_name;
	if (c->pub.n_emails)
		c->pub.email = c->emails[0];
	if (c->pub.n_phones)
		c->pub.phone = c->phones[0];
	r->items = arena_grow(
		r->a, r->items, r->n, r->n + 1, sizeof(*r->items));
	r->items[r->n++] = c->pub;
}

static void read_line(struct reading *r, struct str s)
{
	struct line l;

	if (!cut_up(s, &l))
		return;
	if (str_eq_case(l.name, STR("BEGIN"))) {
		if (!str_eq_case(str_trim(l.value), STR("VCARD")))
			return;
		if (r->open)
			end(r);
		begin(r);
	} else if (str_eq_case(l.name, STR("END"))) {
		if (str_eq_case(str_trim(l.value), STR("VCARD")))
			end(r);
	} else if (r->open) {
		take(r, &l);
	}
}

static void read_file(struct reading *r, struct str bytes)
{
	AUTO(buf) struct buf b = BUF_INIT(CARD_VALUE_MAX);
	size_t n_before = r->n;
	struct str rest;

	if (bytes.len > CARD_LEN_MAX)
		mail_tell_defect(r->m, "contact", r->part->offset,
			"contacts: longer than is read: the rest is left out");
	rest = text_lines(r->a, str_sub(bytes, 0, CARD_LEN_MAX));
	while (r->n_lines++ < CARD_LINES_MAX && next_line(&rest, &b))
		if (!buf_is_over(&b))
			read_line(r, buf_view(&b));
	if (r->open) {
		mail_tell_defect(r->m, "contact", r->part->offset,
			"contacts: a card has no END: it ends with its file");
		end(r);
	} else if (r->n == n_before) {
		mail_tell_defect(r->m, "contact", r->part->offset,
			"contacts: no card was found");
	}
}

static bool is_card(const struct mail_part *p)
{
	static const char *const subtypes[] = { "vcard", "x-vcard" };

	for (size_t i = 0; i < COUNT(subtypes); i++)
		if (str_eq(p->subtype, str_c(subtypes[i])))
			return true;
	if (str_eq(p->subtype, STR("directory")))
		return str_eq(p->type, STR("text"));
	return p->filename.len > 4 &&
	       str_eq_case(str_sub(p->filename, p->filename.len - 4, 4),
		       STR(".vcf"));
}

size_t mail_contacts(struct mail *m, const struct mail_contact **out)
{
	struct reading r = { .m = m, .a = m->arena };
	size_t n_files = 0;

	if (!m->has_contacts) {
		m->has_contacts = true;
		for (struct mail_part *p = mail_root(m);
			p && n_files < CARD_FILES_MAX;
			p = mail_next_outside(p)) {
			if (!is_card(p) || p->first)
				continue;
			n_files++;
			r.part = p;
			read_file(&r, mail_part_bytes(m, p));
		}
		m->contacts = r.items;
		m->n_contacts = r.n;
	}
	*out = m->contacts;
	return m->n_contacts;
}
