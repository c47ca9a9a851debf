/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_decode.c - content transfer encodings, whole and in pieces. */
#include <mailmill/decode.h>

#include "test.h"

static const struct row {
	const char *name;
	enum decode_kind kind;
	const char *in, *out;
} rows[] = {
	{ "base64: plain", DECODE_BASE64, "aGVsbG8gd29ybGQ=", "hello world" },
	{ "base64: lines", DECODE_BASE64, "aGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n",
		"hello world" },
	{ "base64: goes on behind a pad", DECODE_BASE64, "aGVsbG8=\r\nIHdvcmxk",
		"hello world" },
	{ "base64: two pads in the middle", DECODE_BASE64,
		"aA==ZWxsbw==", "hello" },
	{ "base64: no pad at the end", DECODE_BASE64, "aGVsbG8", "hello" },
	{ "base64: a single letter is nothing", DECODE_BASE64, "aGVsb", "hel" },
	{ "base64: skips what is no letter", DECODE_BASE64,
		"aG!Vs*bG\x80\x38=", "hello" },
	{ "base64: empty", DECODE_BASE64, "", "" },
	{ "qp: escapes", DECODE_QUOTED_PRINTABLE, "a=3Db=c3=A4",
		"a=b\xc3\xa4" },
	{ "qp: soft break", DECODE_QUOTED_PRINTABLE, "a=\r\nb=\nc", "abc" },
	{ "qp: blanks behind a soft break", DECODE_QUOTED_PRINTABLE,
		"a= \t\r\nb", "ab" },
	{ "qp: blanks at the line end go", DECODE_QUOTED_PRINTABLE,
		"a b  \r\nc \n", "a b\r\nc\n" },
	{ "qp: a bad escape stays", DECODE_QUOTED_PRINTABLE, "a=zz=4 =4\nb",
		"a=zz=4 =4\nb" },
	{ "qp: two equals", DECODE_QUOTED_PRINTABLE, "==41", "=A" },
	{ "qp: blanks that were no break", DECODE_QUOTED_PRINTABLE, "=  x",
		"=  x" },
	{ "qp: cut in an escape", DECODE_QUOTED_PRINTABLE, "a=4", "a=4" },
	{ "qp: cut behind equals", DECODE_QUOTED_PRINTABLE, "a=", "a" },
	{ "uu: a file", DECODE_UUENCODE,
		"intro\nbegin 644 x.txt\n+:&5L;&\\@=V]R;&0\n`\nend\nM rest",
		"hello world" },
	{ "uu: lost blanks", DECODE_UUENCODE, "begin 644 x\r\n#   \r\nend\r\n",
		"\0\0\0" },
	{ "uu: no begin", DECODE_UUENCODE, "+:&5L;&\\@=V]R;&0\n", "" },
	{ "identity", DECODE_IDENTITY, "a=41\r\n ", "a=41\r\n " },
};

static size_t want_len(const struct row *r)
{
	return strcmp(r->name, "uu: lost blanks") ? strlen(r->out) : 3;
}

TEST(decodes)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(4096);
		const struct row *r = &rows[i];
		is_int(decode_all(&out, r->kind, str_c(r->in)), 0, r->name);
		is_true(str_eq(buf_view(&out), str_n(r->out, want_len(r))),
			r->name);
	}
}

TEST(any_cut_gives_the_same)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t step = 1; step < 9; step++) {
			const struct row *r = &rows[i];
			struct str in = str_c(r->in);
			char out[1024];
			size_t n = 0;
			struct decode d;
			decode_init(&d, r->kind);
			while (in.len) {
				struct str piece = str_sub(in, 0, step);
				n += decode_feed(&d, piece, out + n);
				in = str_sub(in, piece.len, in.len);
			}
			n += decode_end(&d, out + n);
			is_true(str_eq(str_n(out, n),
					str_n(r->out, want_len(r))),
				r->name);
		}
}

TEST(long_runs_of_blanks_stay_within_room)
{
	char in[4000], out[4000 + DECODE_EXTRA];
	struct decode d;
	size_t n;

	memset(in, ' ', sizeof(in));
	in[0] = '=';
	in[sizeof(in) - 1] = 'x';
	decode_init(&d, DECODE_QUOTED_PRINTABLE);
	n = decode_feed(&d, str_n(in, sizeof(in)), out);
	n += decode_end(&d, out + n);
	is_true(str_eq(str_n(out, n), str_n(in, sizeof(in))), "all kept");
}

TEST(kinds_have_names)
{
	is_int(decode_kind(STR("Base64")), DECODE_BASE64, "any case");
	is_int(decode_kind(STR("X-UUENCODE")), DECODE_UUENCODE, "x-uuencode");
	is_int(decode_kind(STR("")), DECODE_IDENTITY, "none");
	is_int(decode_kind(STR("x-unknown")), DECODE_IDENTITY, "unknown");
	is_c(decode_kind_name(DECODE_QUOTED_PRINTABLE), "quoted-printable",
		"name");
}
