/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_body.c - the body test (RFC 5173). */
#include "../match.h"
#include "../sieve_private.h"

extern const struct sieve_ext sieve_ext_body;

/* A message may have no body at all, which is less than an empty one. */
static bool has_body(struct sieve_run *r)
{
	struct str raw = mail_raw(r->mail);

	return mail_root(r->mail)->len || str_ends(raw, STR("\r\n\r\n")) ||
	       str_ends(raw, STR("\n\n")) || str_eq(raw, STR("\r\n")) ||
	       str_eq(raw, STR("\n"));
}

static struct str raw_of(struct sieve_run *r, uint64_t from, uint64_t to)
{
	if (to < from)
		return STR_NULL;
	return str_sub(mail_raw(r->mail), (size_t)from, (size_t)(to - from));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f ||
			memchr("()<>@,;:\\\"/[]?=", s.p[i], 15))
			return false;
	return s.len > 0;
}

/*
 * Tells whether a part says what it is, in right form or not at all. What the
 * mail's reader makes of a wrong one is a guess, and no rule was written for
 * it.
 */
static bool has_type(struct sieve_run *r, struct mail_part *part)
{
	size_t n;
	const struct mail_header *h = mail_part_headers(r->mail, part, &n);
	struct str value, type;

	while (n && !str_eq_case(h->name, STR("Content-Type")))
		h++, n--;
	if (!n)
		return true;
	value = h->value;
	if (!str_cut(&value, ';', &type) || !str_cut(&type, '/', &value))
		return false;
	return is_token(str_trim(value)) && is_token(str_trim(type));
}

/* What is encoded in a way that nobody knows has no content. */
static bool is_readable(const struct mail_part *part)
{
	static const char *const encodings[] = { "", "7bit", "8bit", "binary",
		"base64", "quoted-printable", "x-uuencode", "uuencode",
		"x-uue" };

	for (size_t i = 0; i < COUNT(encodings); i++)
		if (str_eq(part->encoding, str_c(encodings[i])))
			return true;
	return false;
}

static bool is_text(const struct mail_part *part)
{
	return str_eq(part->type, STR("text"));
}

static bool is_multipart(const struct mail_part *part)
{
	return str_eq(part->type, STR("multipart"));
}

static bool is_message(const struct mail_part *part)
{
	return str_eq(part->type, STR("message")) && part->first;
}

static bool is_html(const struct mail_part *part)
{
	return (is_text(part) && str_eq(part->subtype, STR("html"))) ||
	       (str_eq(part->type, STR("application")) &&
		       str_eq(part->subtype, STR("xhtml+xml")));
}

/*
 * Texts as rules see them, made once a mail: by number of the part, and the
 * whole body. HTML is made text for :text only.
 */
struct body_state {
	unsigned mail_number;
	struct str *texts, *plain; /* NULL: none was asked for */
	struct str raw;
	unsigned n;
};

static unsigned count_parts(struct mail *mail)
{
	struct mail_part *part = mail_root(mail);
	unsigned n = 0;

	for (; part; part = mail_next(part))
		n = MAX(n, part->number + 1);
	return n;
}

static struct body_state *get_state(struct sieve_run *r)
{
	struct body_state *s = sieve_run_state(r, &sieve_ext_body, sizeof(*s));

	if (!s->texts || s->mail_number != r->mail_number) {
		s->mail_number = r->mail_number;
		s->n = count_parts(r->mail);
		s->texts = arena_array(r->arena, s->n, sizeof(*s->texts));
		s->plain = arena_array(r->arena, s->n, sizeof(*s->plain));
		s->raw = STR_NULL;
	}
	return s;
}

static void add_raw(struct sieve_run *r, struct sieve_values *out)
{
	const struct mail_part *root = mail_root(r->mail);
	struct body_state *s = get_state(r);

	if (!s->raw.p)
		s->raw = sieve_crlf(
			r, raw_of(r, root->offset, root->offset + root->len));
	sieve_values_add(r, out, s->raw);
}

/* Text as it is, HTML with its markup; what is no text is left alone. */
static struct str plain_text(struct sieve_run *r, struct mail_part *part)
{
	struct body_state *s = get_state(r);
	struct str *text = &s->plain[part->number];

	must(part->number < s->n);
	if (!text->p) {
		*text = mail_part_text(r->mail, part);
		*text = text->p ? sieve_crlf(r, *text)
				: mail_part_bytes(r->mail, part);
	}
	return *text;
}

static struct str html_text(struct sieve_run *r, struct mail_part *part)
{
	struct body_state *s = get_state(r);
	struct str *text = &s->texts[part->number];

	must(part->number < s->n);
	if (!text->p)
		*text = sieve_crlf(
			r, mail_html_to_text(r->arena, plain_text(r, part)));
	return *text;
}

static void add_text(struct sieve_run *r, struct sieve_values *out)
{
	struct mail_part *part = mail_root(r->mail);

	for (; part; part = mail_next(part)) {
		struct str text;

		if (part->first || (!is_text(part) && !is_html(part)) ||
			!is_readable(part) || !has_type(r, part))
			continue;
		text = is_html(part) ? html_text(r, part) : plain_text(r, part);
		if (text.p)
			sieve_values_add(r, out, text);
	}
}

/*
 * Tells whether a part is of a type as written in the rule: "", "text",
 * "text/plain".
 */
static bool is_of_type(
	struct sieve_run *r, struct mail_part *part, struct str type)
{
	ssize_t slash = str_chr(type, '/');
	struct str sub;

	if (!type.len)
		return true;
	if (!has_type(r, part))
		return false;
	if (slash < 0)
		return str_eq_case(type, part->type);
	sub = str_sub(type, (size_t)slash + 1, SIZE_MAX / 2);
	return sub.len &&
	       str_eq_case(str_sub(type, 0, (size_t)slash), part->type) &&
	       str_eq_case(sub, part->subtype);
}

/*
 * Lends what stands before the first boundary, and behind the last: two strings
 * whatever they hold (RFC 5173 section 5.2).
 */
static void add_around(struct sieve_run *r, const struct mail_part *part,
	struct sieve_values *out)
{
	uint64_t end = part->offset + part->len;
	const struct mail_part *last = part->first;
	struct str front, back, line;
	ssize_t cut;

	if (!last) {
		sieve_values_add(
			r, out, sieve_crlf(r, raw_of(r, part->offset, end)));
		return;
	}
	front = raw_of(r, part->offset, last->header_offset);
	cut = str_starts(front, STR("--")) ? 0 : str_find(front, STR("\n--"));
	front = str_sub(front, 0, cut < 0 ? 0 : (size_t)cut);
	sieve_values_add(r, out, sieve_crlf(r, front));
	while (last->next)
		last = last->next;
	back = raw_of(r, last->offset + last->len, end);
	/* The line end before the boundary, then the boundary. */
	while (str_cut_line(&back, &line) && !str_starts(line, STR("--")))
		continue;
	sieve_values_add(r, out, sieve_crlf(r, back));
}

/* A header's own last line end stays. */
static struct str cut_blank_line(struct str header)
{
	if (str_ends(header, STR("\n\r\n")))
		return str_sub(header, 0, header.len - 2);
	if (str_ends(header, STR("\n\n")))
		return str_sub(header, 0, header.len - 1);
	return header;
}

static void add_content_of(
	struct sieve_run *r, struct mail_part *part, struct sieve_values *out)
{
	if (is_multipart(part)) {
		add_around(r, part, out);
	} else if (is_message(part)) {
		sieve_values_add(r, out,
			sieve_crlf(r, cut_blank_line(raw_of(r,
					      part->first->header_offset,
					      part->first->offset))));
	} else {
		sieve_values_add(r, out, plain_text(r, part));
	}
}

static int add_content(struct sieve_run *r, const struct sieve_arg *types,
	struct sieve_values *out)
{
	struct mail_part *part = mail_root(r->mail);
	struct str *list;
	int rc = sieve_arg_list(r, types, &list);

	for (; rc == 0 && part; part = mail_next(part))
		for (size_t i = 0; i < types->n; i++)
			if (is_of_type(r, part, list[i])) {
				add_content_of(r, part, out);
				break;
			}
	return rc;
}

static int add_values(struct sieve_run *r, const struct sieve_node *n,
	struct sieve_values *out)
{
	if (!has_body(r))
		return 0;
	if (sieve_node_tag(n, "content"))
		return add_content(r, sieve_node_param(n, "content"), out);
	if (sieve_node_tag(n, "raw"))
		add_raw(r, out);
	else
		add_text(r, out);
	return 0;
}

/* RFC 5173 section 6: match variables stay as they were. */
static int test_body(struct sieve_run *r, const struct sieve_node *n)
{
	struct str saved[SIEVE_MATCH_VALUES_MAX];
	unsigned n_saved = r->n_match_values;
	struct sieve_values values = { 0 };
	int rc = add_values(r, n, &values);

	if (rc < 0)
		return rc;
	memcpy(saved, r->match_values, sizeof(saved));
	rc = sieve_match_values(r, n, values.items, values.n);
	memcpy(r->match_values, saved, sizeof(saved));
	r->n_match_values = n_saved;
	return rc;
}

static const struct sieve_tag tags[] = {
	{ .name = "raw", .group = 1 },
	{ .name = "text", .group = 1 },
	{ .name = "content",
		.type = SIEVE_STRINGS,
		.what = "content types",
		.group = 1 },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "body",
		.flags = SIEVE_TEST | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "key list", 0 } },
		.tags = tags,
		.test = test_body },
	{ 0 },
};

const struct sieve_ext sieve_ext_body = {
	.capability = "body",
	.words = words,
};
