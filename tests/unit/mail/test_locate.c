/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_locate.c - from which bytes of the message a value was made. */
#include <mailmill/decode.h>
#include <mailmill/mail.h>

#include "test.h"

#define RANGES 32

struct opened {
	struct mail *m;
	struct str raw;
};

static struct mail *open_mail(const char *raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	must(mail_parse(str_c(raw), &m, &err) == 0);
	return m;
}

/* The raw bytes of a range, and " ..." where it is inexact. */
static struct str show(struct mail *m, const struct mail_range *r, size_t n)
{
	struct arena *a = mail_arena(m);
	struct str out = STR("");

	for (size_t i = 0; i < n; i++)
		out = str_c(arena_printf(a, "%.*s%s%.*s%s", STR_ARG(out),
			i ? "|" : "", (int)r[i].len,
			mail_raw(m).p + r[i].offset, r[i].is_exact ? "" : "~"));
	return out;
}

#define TEXT "From: a@b.c\nMIME-Version: 1.0\nContent-Type: text/plain"
#define HTML "From: a@b.c\nMIME-Version: 1.0\nContent-Type: text/html"

static const struct place_row {
	const char *name, *raw, *value, *where;
} place_rows[] = {
	{ "plain", TEXT "\n\none two\nthree\n", "two\nthree", "two\nthree" },
	{ "CRLF", TEXT "\r\n\r\none two\r\nthree\r\n", "two\nthree",
		"two\r\nthree" },
	{ "quoted-printable",
		TEXT "\nContent-Transfer-Encoding: quoted-printable\n\n"
		     "a=3Db long =\nline  \nend\n",
		"a=b long line", "a=3Db long =\nline" },
	{ "a part of an escape is not shown",
		TEXT ";charset=utf-8\nContent-Transfer-Encoding: "
		     "quoted-printable\n\nx =C3=A4 y\n",
		"\xc3\xa4 y", "=C3=A4 y" },
	{ "base64 by fours, inexact",
		TEXT "\nContent-Transfer-Encoding: base64\n\n"
		     "b25lIHR3byB0aHJl\nZQ==\n",
		"two", "IHR3byB0~" },
	{ "base64 that fits",
		TEXT "\nContent-Transfer-Encoding: base64\n\n"
		     "b25lIHR3byB0aHJl\nZQ==\n",
		"one two three", "b25lIHR3byB0aHJl\nZQ==" },
	{ "one byte a character", TEXT "; charset=iso-8859-1\n\nx \xe4\xf6 y\n",
		"\xc3\xb6 y", "\xf6 y" },
	{ "two bytes a character",
		TEXT "; charset=gb2312\n\nx \xc4\xe3\xba\xc3 y\n",
		"\xe5\xa5\xbd", "\xba\xc3" },
	{ "a line of ISO-2022-JP",
		TEXT "; charset=iso-2022-jp\n\na\n\x1b$B$\"$$\x1b(B\nb\n",
		"\xe3\x81\x84", "\x1b$B$\"$$\x1b(B~" },
	{ "flowed", TEXT "; format=flowed\n\none \ntwo\nthree\n", "one two",
		"one \ntwo" },
	{ "HTML", HTML "\n\n<p>one <b>two</b> three</p>\n", "two", "two" },
	{ "HTML with tags between", HTML "\n\n<p>one <b>two</b> three</p>\n",
		"one two three", "one|two| three" },
	{ "entities", HTML "\n\n<p>a &amp; b</p>\n", "& b", "&amp; b" },
	{ "white space of HTML", HTML "\n\n<p>one\n   two</p>\n", "one two",
		"one\n   two" },
	{ "hidden text is no place",
		HTML "\n\n<div style='display:none'>two</div><p>one two</p>\n",
		"one two", "one two" },
	{ "HTML in quoted-printable",
		HTML "\nContent-Transfer-Encoding: quoted-printable\n\n"
		     "<p class=3Dx>one t=\nwo</p>\n",
		"two", "t=\nwo" },
	{ "a list's mark is ours", HTML "\n\n<ul><li>one</ul>\n", "- one",
		"one" },
};

TEST(tells_where_text_stands)
{
	for (size_t i = 0; i < COUNT(place_rows); i++) {
		const struct place_row *row = &place_rows[i];
		AUTO(mail) struct mail *m = open_mail(row->raw);
		struct mail_range r[RANGES];
		struct str text = mail_text(m), value = str_c(row->value);
		ssize_t at = str_find(text, value);
		is_true(at >= 0, row->name);
		if (at < 0)
			continue;
		is_str(show(m, r,
			       mail_locate(m,
				       str_sub(text, (size_t)at, value.len), r,
				       RANGES)),
			row->where, row->name);
	}
}

TEST(tells_where_fields_stand)
{
	AUTO(mail) struct mail *m = open_mail(
		"From: =?utf-8?q?J=C3=B6rg?= <j@b.c>\nSubject: Re: one\n two\n"
		"To: x@y.z\n\ntext\n");
	struct mail_range r[RANGES];
	struct str s;

	s = mail_header(m, STR("to"));
	is_str(show(m, r, mail_locate(m, s, r, RANGES)), "x@y.z", "as it is");
	s = mail_header(m, STR("from"));
	is_str(show(m, r, mail_locate(m, s, r, RANGES)),
		"=?utf-8?q?J=C3=B6rg?= <j@b.c>", "encoded, whole");
	s = str_sub(s, 0, 3);
	is_str(show(m, r, mail_locate(m, s, r, RANGES)),
		"=?utf-8?q?J=C3=B6rg?= <j@b.c>~", "a piece of what is encoded");
	s = str_sub(mail_header(m, STR("subject")), 4, 3);
	is_str(show(m, r, mail_locate(m, s, r, RANGES)), "one",
		"a piece of what was folded");
}

TEST(tells_where_copies_stand)
{
	AUTO(mail) struct mail *m = open_mail(TEXT "\n\none\n> two\nthree\n");
	struct mail_range r[RANGES];

	is_str(show(m, r, mail_locate(m, STR("one\nthree"), r, RANGES)),
		"one|three", "lines of it");
	is_int(mail_locate(m, STR("four"), r, RANGES), 0, "not in the mail");
	is_int(mail_locate(m, STR(""), r, RANGES), 0, "nothing");
}

TEST(covers_what_does_not_fit)
{
	AUTO(mail) struct mail *m = open_mail(
		HTML "\n\n<b>a</b> <b>b</b> <b>c</b>");
	struct mail_range r[2];

	is_int(mail_locate(m, mail_text(m), r, 2), 2, "two of three");
	is_true(r[0].is_exact, "the first is exact");
	is_false(r[1].is_exact, "the last is not");
	is_str(show(m, &r[1], 1), "b</b> <b>c~", "and holds the rest");
}

static struct str decode_range(
	struct arena *a, enum decode_kind kind, struct str raw)
{
	struct decode d;
	char *out = arena_alloc(a, raw.len + (size_t)2 * DECODE_EXTRA);
	size_t n, k = 0;

	decode_init(&d, kind);
	n = decode_feed(&d, raw, out);
	if (kind == DECODE_QUOTED_PRINTABLE) /* blanks at an end are dropped */
		n += decode_feed(&d, STR("."), out + n) - 1;
	n += decode_end(&d, out + n);
	for (size_t i = 0; i < n; i++)
		if (out[i] != '\r')
			out[k++] = out[i];
	return str_n(out, k);
}

/* Each slice: decoded, its range is the slice, or holds it when inexact. */
static void check_slices(const char *name, const char *raw)
{
	AUTO(mail) struct mail *m = open_mail(raw);
	struct str text = mail_text(m);
	enum decode_kind kind = decode_kind(mail_root(m)->encoding);

	for (size_t i = 0; i < text.len; i++) {
		for (size_t n = 1; i + n <= text.len; n += 1 + n / 3) {
			AUTO(arena) struct arena *a = arena_new();
			struct str slice = str_sub(text, i, n), got;
			struct mail_range r[1];
			is_int(mail_locate(m, slice, r, 1), 1, name);
			got = decode_range(a, kind,
				str_sub(mail_raw(m), (size_t)r[0].offset,
					(size_t)r[0].len));
			is_true(r[0].is_exact ? str_eq(got, slice)
					      : str_find(got, slice) >= 0,
				name);
		}
	}
}

TEST(ranges_decode_to_their_values)
{
	check_slices("7bit", TEXT "\n\nAnn wrote\n\n a line, and\nanother.\n");
	check_slices("7bit with CRLF",
		TEXT "\r\n\r\nAnn wrote\r\n\r\n a line, and\r\nanother.\r\n");
	check_slices("quoted-printable",
		TEXT "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
		     "a=3Db  c  \r\nlong =20=\r\n line =  \r\n=3D end =x\r\n");
	check_slices("base64",
		TEXT "\nContent-Transfer-Encoding: base64\n\n"
		     "QW5uIHdyb3Rl\nIGEgbGluZSwgYW5k\r\nIGFub3RoZXIuCg==\n");
	check_slices("base64 in pieces",
		TEXT "\nContent-Transfer-Encoding: base64\n\n"
		     "QW5u\nIHdyb3Rl\nCg==\nIG\nEgbGlu Z-SwgYW5k\n");
}
