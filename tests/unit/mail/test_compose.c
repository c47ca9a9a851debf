/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_compose.c - new mail: what is written is what is read again. */
#include <mailmill/compose.h>
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

#include "test.h"

#define ROUNDS 3000
#define VALUE_MAX 400

typedef void (*field_fn)(struct buf *out, struct str name, struct str value);

static const struct field_row {
	const char *name;
	field_fn add;
	const char *value, *written;
} field_rows[] = {
	{ "plain", compose_field, "hello", "X: hello\r\n" },
	{ "trimmed", compose_field, " hello \t", "X: hello\r\n" },
	{ "empty", compose_field, "", "X: \r\n" },
	{ "no new field", compose_field, "a\r\nBcc: b@example.org",
		"X: a Bcc: b@example.org\r\n" },
	{ "no new field by LF", compose_field, "a\nBcc: b", "X: a Bcc: b\r\n" },
	{ "no new field by CR", compose_field, "a\rBcc: b", "X: a Bcc: b\r\n" },
	{ "no end of the header", compose_field, "a\r\n\r\nbody",
		"X: a body\r\n" },
	{ "a fold is taken back", compose_field, "a\r\n\tb", "X: a\tb\r\n" },
	{ "control characters", compose_field,
		"a\x01"
		"b\x7f"
		"c",
		"X: a b c\r\n" },
	{ "one word is encoded", compose_field, "a \xc3\xa4 b",
		"X: a =?utf-8?B?w6Q=?= b\r\n" },
	{ "neighbours with their blank", compose_field, "\xc3\xa4 \xc3\xb6.",
		"X: =?utf-8?B?w6Qgw7Yu?=\r\n" },
	{ "words that are encoded stay", compose_field, "=?utf-8?Q?=C3=A4?= x",
		"X: =?utf-8?Q?=C3=A4?= x\r\n" },
	{ "a decoded text is taken as it is", compose_decoded,
		"=?utf-8?Q?a?= x",
		"X: =?utf-8?B?PT91dGYtOD9RP2E/PQ==?= x\r\n" },
	{ "what is no UTF-8", compose_field, "a\xff",
		"X: =?utf-8?B?Ye+/vQ==?=\r\n" },
	{ "folds between words", compose_field,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
		" bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" },
	{ "tokens are not encoded", compose_tokens, "<a@b> <\xc3\xa4@c>",
		"X: <a@b> <\xc3\xa4@c>\r\n" },
	{ "tokens make no field", compose_tokens, "<a@b>\r\nBcc: x",
		"X: <a@b> Bcc: x\r\n" },
};

TEST(fields)
{
	for (size_t i = 0; i < COUNT(field_rows); i++) {
		const struct field_row *r = &field_rows[i];
		AUTO(buf) struct buf out = BUF_INIT(4096);

		r->add(&out, STR("X"), str_c(r->value));
		is_str(buf_view(&out), r->written, r->name);
	}
}

static const struct address_row {
	const char *name, *phrase, *address, *written;
} address_rows[] = {
	{ "no name", "", "a@b.example", "<a@b.example>" },
	{ "a name", "Ann B.", "a@b.example", "\"Ann B.\" <a@b.example>" },
	{ "quotes in it", "A \"B\" \\", "a@b.example",
		"\"A \\\"B\\\" \\\\\" <a@b.example>" },
	{ "beyond ASCII", "J\xc3\xbcrgen", "a@b.example",
		"=?utf-8?Q?J=C3=BCrgen?= <a@b.example>" },
	{ "an encoded word is shown as such", "=?utf-8?Q?a?=", "a@b.example",
		"=?utf-8?B?PT91dGYtOD9RP2E/PQ==?= <a@b.example>" },
	{ "line ends", "A\r\nBcc: x", "a@b.example\r\nBcc: y",
		"\"A Bcc: x\" <a@b.example Bcc: y>" },
};

TEST(addresses)
{
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(address_rows); i++) {
		const struct address_row *r = &address_rows[i];

		is_str(compose_address(a, str_c(r->phrase), str_c(r->address)),
			r->written, r->name);
	}
}

static const struct name_row {
	const char *name;
	bool is_good;
} name_rows[] = {
	{ "X-Test", true },
	{ "x!#", true },
	{ "", false },
	{ "a:", false },
	{ "a b", false },
	{ "a\r\nb", false },
	{ "\xc3\xa4", false },
	{ "a\x7f", false },
};

TEST(names)
{
	for (size_t i = 0; i < COUNT(name_rows); i++)
		is_int(compose_is_name(str_c(name_rows[i].name)),
			name_rows[i].is_good, name_rows[i].name);
}

static const struct entity_row {
	const char *name, *content, *written;
} entity_rows[] = {
	{ "plain", "a\nb\r\nc", "7bit\r\n\r\na\r\nb\r\nc\r\n" },
	{ "empty", "", "7bit\r\n\r\n" },
	{ "empty lines stay", "\n\na\n\n", "7bit\r\n\r\n\r\n\r\na\r\n\r\n" },
	{ "few letters beyond ASCII",
		"viele Gr\xc3\xbc\xc3\x9f"
		"e an alle ",
		"quoted-printable\r\n\r\nviele Gr=C3=BC=C3=9F"
		"e an alle=20\r\n" },
	{ "many", "\xe4\xb8\x80\xe4\xb8\x81",
		"base64\r\n\r\n5LiA5LiBDQo=\r\n" },
	{ "control characters", "a=b\x01",
		"quoted-printable\r\n\r\n"
		"a=3Db=01\r\n" },
	{ "a lone CR", "a\rb", "quoted-printable\r\n\r\na=0Db\r\n" },
};

TEST(entities)
{
	for (size_t i = 0; i < COUNT(entity_rows); i++) {
		const struct entity_row *r = &entity_rows[i];
		AUTO(buf) struct buf out = BUF_INIT(4096),
				     want = BUF_INIT(4096);

		buf_printf(&want,
			"Content-Type: text/plain\r\n"
			"Content-Transfer-Encoding: %s",
			r->written);
		compose_entity(&out, STR("text/plain"), str_c(r->content));
		is_str(buf_view(&out), want.p, r->name);
	}
}

TEST(multipart_is_read_again)
{
	AUTO(buf) struct buf one = BUF_INIT(4096), two = BUF_INIT(4096);
	AUTO(buf) struct buf out = BUF_INIT(1 << 16);
	AUTO(mail) struct mail *m = NULL;
	struct err err = { 0 };
	struct str parts[2];
	struct mail_part *p;

	compose_entity(&one, STR("text/plain; charset=utf-8"),
		STR("gr\xc3\xbc\xc3\x9f dich, lieber Leser\n--=_\n"));
	compose_entity(&two, STR("text/rfc822-headers"), STR("From: a\n"));
	parts[0] = buf_view(&one);
	parts[1] = buf_view(&two);
	compose_multipart(
		&out, STR("multipart/report; report-type=x"), parts, 2);
	mail_init();
	is_int(mail_parse(buf_view(&out), &m, &err), 0, "parses");
	p = mail_root(m);
	is_str(p->subtype, "report", "the whole");
	is_str(mail_part_text(m, p->first),
		"gr\xc3\xbc\xc3\x9f dich, lieber Leser\n--=_\n", "the text");
	is_str(p->first->next->subtype, "rfc822-headers", "the second");
	is_true(!p->first->next->next, "no third");
}

/*
 * Hostile values
 */

static uint32_t roll(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

static void make_value(uint32_t *state, struct buf *b)
{
	static const char *const pieces[] = { "\r\n", "\n", "\r", "\r\n ", " ",
		"\t", "a", "Bcc: x", "\xc3\xa4", "\xe2\x82\xac", "\xff", "\x01",
		"=?utf-8?Q?=0A?=", "=?", "?=", "\"", "\\", ",", ";", ":", "<",
		">", "@", "\xf0\x9f\x98\x80", "\xc3", "0123456789012345678901",
		"=", "_", "\x7f", "%0a" };
	uint32_t n = roll(state, 40);

	for (uint32_t i = 0; i < n; i++)
		buf_c(b, pieces[roll(state, COUNT(pieces))]);
	if (roll(state, 50) == 0)
		for (int i = 0; i < 1000; i++)
			buf_c(b, "x");
	if (roll(state, 50) == 0)
		for (int i = 0; i < 1000; i++)
			buf_c(b, " ");
}

/* One field: each further line begins with a blank and holds something. */
static bool is_one_field(struct str s)
{
	bool is_first = true;
	struct str line;

	if (!str_ends(s, STR("\r\n")))
		return false;
	while (s.len) {
		ssize_t at = str_find(s, STR("\r\n"));

		line = str_sub(s, 0, (size_t)at);
		s = str_sub(s, (size_t)at + 2, s.len);
		if (line.len > 998 || str_chr(line, '\r') >= 0 ||
			str_chr(line, '\n') >= 0 || memchr(line.p, 0, line.len))
			return false;
		if (!is_first &&
			(str_trim(line).len == 0 ||
				(line.p[0] != ' ' && line.p[0] != '\t')))
			return false;
		is_first = false;
	}
	return true;
}

/* Without blanks, since their number may change. */
static void squeeze(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] > ' ' && s.p[i] != 0x7f)
			buf_byte(out, (unsigned char)s.p[i]);
}

static void read_back(struct str value, struct str field)
{
	AUTO(buf) struct buf was = BUF_INIT(1 << 16), is = BUF_INIT(1 << 16);
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *m = NULL;
	struct err err = { 0 };

	is_int(mail_parse(field, &m, &err), 0, "parses");
	squeeze(&was, utf8_mend(a, value));
	squeeze(&is, mail_header(m, STR("X-Y")));
	buf_byte(&was, 0);
	is_str(buf_view(&is), was.p, "reads what was written");
}

TEST(hostile_values_stay_in_their_field)
{
	static const field_fn adders[] = { compose_field, compose_decoded,
		compose_tokens };
	uint32_t state = 4711;

	mail_init();
	for (int i = 0; i < ROUNDS; i++) {
		AUTO(buf) struct buf value = BUF_INIT(8192);

		buf_c(&value, "v");
		make_value(&state, &value);
		for (size_t k = 0; k < COUNT(adders); k++) {
			AUTO(buf) struct buf out = BUF_INIT(1 << 16);

			adders[k](&out, STR("X-Y"), buf_view(&value));
			is_true(is_one_field(buf_view(&out)), "one field");
			if (adders[k] == compose_decoded)
				read_back(buf_view(&value), buf_view(&out));
		}
	}
}

TEST(hostile_addresses_stay_in_their_field)
{
	uint32_t state = 815;

	for (int i = 0; i < ROUNDS; i++) {
		AUTO(buf) struct buf name = BUF_INIT(8192),
				     address = BUF_INIT(8192),
				     out = BUF_INIT(1 << 20);
		AUTO(arena) struct arena *a = arena_new();

		make_value(&state, &name);
		make_value(&state, &address);
		compose_tokens(&out, STR("To"),
			compose_address(
				a, buf_view(&name), buf_view(&address)));
		is_true(is_one_field(buf_view(&out)), "one field");
	}
}
