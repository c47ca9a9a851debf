/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_header.c - fields: folds, encoded words, charsets, broken headers. */
#include <mailmill/mail.h>

#include "test.h"

static struct mail *parse(const char *raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	is_int(mail_parse(str_c(raw), &m, &err), 0, "parses");
	return m;
}

static const struct value_row {
	const char *name, *raw, *value;
} value_rows[] = {
	{ "plain", "hello", "hello" },
	{ "trimmed", "  hello \t", "hello" },
	{ "folded", "a\r\n b", "a b" },
	{ "folded by a tab", "a\r\n\tb", "a b" },
	{ "Q", "=?utf-8?Q?a=C3=A4_b?=", "a\xc3\xa4 b" },
	{ "B", "=?UTF-8?B?SGVsbG8=?=", "Hello" },
	{ "padded B word, then another",
		"=?UTF-8?B?SGVsbG8=?= =?UTF-8?B?IHdvcmxk?=", "Hello world" },
	{ "two padded words over a fold",
		"=?UTF-8?B?SGVsbG8=?=\r\n =?UTF-8?B?IHdvcmxkIQ==?= end",
		"Hello world! end" },
	{ "character split over words",
		"=?utf-8?B?5pel5pys6A==?= =?utf-8?B?qp4=?=",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "character split over Q words", "=?utf-8?Q?a=C3?= =?utf-8?Q?=A4b?=",
		"a\xc3\xa4"
		"b" },
	{ "text between", "a =?utf-8?Q?b?= c", "a b c" },
	{ "blank between words goes", "=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab" },
	{ "no blank beside", "x=?utf-8?Q?=C3=A4?=y", "x\xc3\xa4y" },
	{ "blanks in a word", "=?utf-8?Q?a b?=", "a b" },
	{ "language", "=?us-ascii*en?Q?ab?=", "ab" },
	{ "ISO-2022-JP", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=",
		"\xe6\x97\xa5\xe6\x9c\xac" },
	{ "gb2312 that is GBK", "=?gb2312?B?6UY=?=", "\xe9\x95\x95" },
	{ "KOI8-R", "=?koi8-r?B?8NLJ18XU?=",
		"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
	{ "raw bytes in a latin1 word",
		"=?iso-8859-1?Q?Fr\xf6sche?=", "Fr\xc3\xb6sche" },
	{ "latin1 quotes are windows-1252",
		"=?iso-8859-1?Q?=93x=94?=", "\xe2\x80\x9cx\xe2\x80\x9d" },
	{ "raw UTF-8",
		"Gr\xc3\xbc\xc3\x9f"
		"e",
		"Gr\xc3\xbc\xc3\x9f"
		"e" },
	{ "raw windows-1252",
		"Gr\xfc\xdf"
		"e",
		"Gr\xc3\xbc\xc3\x9f"
		"e" },
	{ "raw UTF-8 beside a word", "\xc3\xa4 =?utf-8?Q?b?=", "\xc3\xa4 b" },
	/* cut off by a limit: what is left of it says more than its shape */
	{ "word never ends", "=?utf-8?Q?abc", "abc" },
	{ "word never ends, then another",
		"=?utf-8?Q?abc =?utf-8?Q?d?=", "abcd" },
	{ "half an end", "=?utf-8?B?SGVsbG8=?", "Hello" },
	{ "cut in base64", "=?utf-8?B?SGVsb", "Hel" },
	{ "cut in an escape", "=?utf-8?Q?Gr=C3=BC=", "Gr\xc3\xbc" },
	{ "no blank between words", "=?utf-8?Q?a?==?utf-8?Q?b?=", "ab" },
	{ "words of two charsets",
		"=?utf-8?Q?=C3=A4?= =?iso-8859-1?Q?=E4?=", "\xc3\xa4\xc3\xa4" },
	{ "base64 cut between words", "=?utf-8?B?5pel5pys6Kq?= =?utf-8?B?e?=",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "base64 without padding",
		"=?utf-8?B?SGVsbG8?= =?utf-8?B?IQ?=", "Hello!" },
	{ "question mark before an escape",
		"=?utf-8?Q?What?=20Now=3F?=", "What? Now?" },
	{ "question mark at the end",
		"=?utf-8?Q?What?"
		"?=",
		"What?" },
	{ "what looks encoded in it stays",
		"=?utf-8?Q?=3D=3Futf-8=3FB=3FSGVsbG8=3D=3F=3D?=",
		"=?utf-8?B?SGVsbG8=?=" },
	{ "raw ISO-2022-JP", "\x1b$BF|K\\\x1b(B", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "raw KOI8-R", "\xf0\xd2\xc9\xd7\xc5\xd4 \xd7\xd3\xc5\xcd",
		"Привет всем" },
	{ "raw Shift_JIS",
		"\x83"
		"e\x83X\x83g\x82\xcc\x8c\x8f",
		"テストの件" },
	{ "raw GB 2312",
		"\xb9\xd8\xd3\xda\xb2\xfa\xc6\xb7\xb5\xc4\xd1\xaf\xbc\xdb",
		"关于产品的询价" },
	{ "Greek labelled latin1",
		"=?iso-8859-1?Q?=CA=E1=EB=E7=EC=DD=F1=E1_=F3=E1=F2?=",
		"Καλημέρα σας" },
	{ "wrong label", "=?us-ascii?B?R3LDvMOfZQ==?=", "Grüße" },
	{ "no encoding of ours", "=?utf-8?X?abc?=", "=?utf-8?X?abc?=" },
	{ "word without encoding", "=?utf-8?abc?=", "=?utf-8?abc?=" },
	{ "question mark at the beginning", "=?utf-8?Q?=3F=41?=", "?A" },
	{ "empty", "", "" },
};

TEST(decodes_values)
{
	for (size_t i = 0; i < COUNT(value_rows); i++) {
		AUTO(mail) struct mail *m = NULL;
		char raw[512];
		struct str s;
		snprintf(raw, sizeof(raw), "Subject: %s\r\n\r\nbody",
			value_rows[i].raw);
		m = parse(raw);
		s = mail_header(m, STR("SUBJECT"));
		is_str(s, value_rows[i].value, value_rows[i].name);
	}
}

/* Raw bytes in a header are most likely of the charset that the text has. */
TEST(takes_a_hint_from_the_text)
{
	AUTO(mail) struct mail *m = parse(
		"Subject: \xcf\xf0\nFrom: \xcf\xf0 <a@b.c>\n"
		"Content-Type: text/plain; charset=windows-1251\n\nx");
	struct str s;

	is_str(mail_header(m, STR("subject")), "\xd0\x9f\xd1\x80", "subject");
	is_int(mail_value(m, STR("from.name"), &s), 0, "name");
	is_str(s, "\xd0\x9f\xd1\x80", "name");
}

/* and where it names none, of what its bytes seem to be. */
TEST(takes_a_hint_from_the_bytes)
{
	AUTO(mail) struct mail *m = parse(
		"Subject: \xcf\xf0: =?utf-8?Q?=C3=A4?=\n\n"
		"\xc4\xee\xe1\xf0\xfb\xe9 \xe4\xe5\xed\xfc, "
		"\xf1\xef\xe0\xf1\xe8\xe1\xee");

	is_str(mail_header(m, STR("subject")), "\xd0\x9f\xd1\x80: \xc3\xa4",
		"subject");
}

static const struct block_row {
	const char *name, *raw;
	size_t n; /* fields */
	const char *subject, *text;
} block_rows[] = {
	{ "LF", "Subject: a\nTo: b@c\n\nbody", 2, "a", "body" },
	{ "CRLF", "Subject: a\r\nTo: b@c\r\n\r\nbody", 2, "a", "body" },
	{ "CR alone", "Subject: a\rTo: b@c\r\rbody", 2, "a", "body" },
	{ "mbox line first", "From ann Mon Jan 1\nSubject: a\n\nbody", 1, "a",
		"body" },
	{ "blank before colon", "Subject : a\n\nbody", 1, "a", "body" },
	{ "no blank behind colon", "Subject:a\n\nbody", 1, "a", "body" },
	{ "no body", "Subject: a\n", 1, "a", "" },
	{ "no line end", "Subject: a", 1, "a", "" },
	{ "no header", "\nbody", 0, NULL, "body" },
	{ "text only", "just text\nmore", 0, NULL, "just text\nmore" },
	{ "empty", "", 0, NULL, "" },
	{ "empty lines before", "\n\nSubject: a\nFrom: x@y\n\nbody", 2, "a",
		"body" },
	{ "fold without blank is joined", "Subject: a\nb\nFrom: x@y\n\nbody", 2,
		"a b", "body" },
	{ "empty line is missing", "Subject: a\nThis is text.\nMore.\n", 1, "a",
		"This is text.\nMore." },
	{ "line of blanks ends the header", "Subject: a\n  \nbody text", 1, "a",
		"body text" },
	{ "line of blanks within a field", "Subject: a\n \n b\nTo: x@y\n\nbody",
		2, "a  b", "body" },
	{ "byte order mark", "\xef\xbb\xbfSubject: a\n\nbody", 1, "a", "body" },
	{ "a name with an 8-bit letter is left out",
		"Subject: a\nX-\xe4: x\nTo: y\n\nbody", 2, "a", "body" },
	{ "the first of two counts", "Subject: a\nSubject: b\n\nbody", 2, "a",
		"body" },
};

TEST(finds_fields)
{
	for (size_t i = 0; i < COUNT(block_rows); i++) {
		const struct block_row *r = &block_rows[i];
		AUTO(mail) struct mail *m = parse(r->raw);
		const struct mail_header *h;
		size_t n;
		h = mail_headers(m, &n);
		is_int(n, r->n, r->name);
		is_str(mail_header(m, STR("subject")), r->subject, r->name);
		is_str(mail_text(m), r->text, r->name);
		for (size_t k = 0; k < n; k++)
			is_true(str_starts(str_n(r->raw + h[k].offset,
						   h[k].name.len),
					h[k].name),
				r->name);
	}
}

static const struct param_row {
	const char *name, *raw, *filename;
} param_rows[] = {
	{ "plain", "attachment; filename=a.txt", "a.txt" },
	{ "quoted", "attachment; filename=\"a b;c.txt\"", "a b;c.txt" },
	{ "unquoted blanks", "attachment; filename=a b.txt", "a b.txt" },
	{ "RFC 2231", "attachment; filename*=utf-8''%c3%a4.txt",
		"\xc3\xa4.txt" },
	{ "RFC 2231 in pieces",
		"attachment; filename*0*=utf-8''%c3%a4; filename*1=\"b.txt\"",
		"\xc3\xa4"
		"b.txt" },
	{ "pieces in disorder", "attachment; filename*1=b; filename*0=a",
		"ab" },
	{ "both forms: the extended one counts",
		"attachment; filename=\"x.txt\"; filename*=utf-8''%c3%a4.txt",
		"\xc3\xa4.txt" },
	{ "encoded word", "attachment; filename=\"=?utf-8?Q?=C3=A4?=.txt\"",
		"\xc3\xa4.txt" },
	{ "padded words",
		"attachment; filename=\"=?utf-8?B?YQ==?= "
		"=?utf-8?B?Yi50eHQ=?=\"",
		"ab.txt" },
	{ "raw UTF-8", "attachment; filename=\"\xc3\xa4.txt\"",
		"\xc3\xa4.txt" },
	{ "raw windows-1252", "attachment; filename=\"\xe4.txt\"",
		"\xc3\xa4.txt" },
	{ "folders go", "attachment; filename=\"../../etc/passwd\"", "passwd" },
	{ "Windows folders go", "attachment; filename=\"C:\\\\x\\\\y.doc\"",
		"y.doc" },
	{ "controls go", "attachment; filename=\"a\tb\x01.txt\"", "ab.txt" },
	{ "direction marks go",
		"attachment; filename=\"a\xe2\x80\xae"
		"cod.exe\"",
		"acod.exe" },
	{ "dots only", "attachment; filename=\"..\"", "" },
	{ "none", "attachment", "" },
};

TEST(reads_file_names)
{
	for (size_t i = 0; i < COUNT(param_rows); i++) {
		AUTO(mail) struct mail *m = NULL;
		const struct mail_attachment *a;
		char raw[512];
		snprintf(raw, sizeof(raw),
			"Content-Type: application/x\nContent-Disposition: "
			"%s\n\nbody",
			param_rows[i].raw);
		m = parse(raw);
		is_str(mail_root(m)->filename, param_rows[i].filename,
			param_rows[i].name);
		is_str(mail_root(m)->disposition, "attachment",
			param_rows[i].name);
		is_int(mail_attachments(m, &a), 1, param_rows[i].name);
		is_true(a[0].name.len > 0, param_rows[i].name);
	}
}

static const struct named_row {
	const char *name, *value;
} named_rows[] = {
	{ "from", "ann@example.org" },
	{ "from.name", "Ann M\xc3\xbcller" },
	{ "from.local", "ann" },
	{ "from.domain", "example.org" },
	{ "to", "a@b.c, d@e.f" },
	{ "subject", "Re: AW: [list] Hello" },
	{ "subject_base", "Hello" },
	{ "message_id", "1@x" },
	{ "in_reply_to", "3@x" },
	{ "references", "2@x 3@x" },
	{ "date", "2020-05-01T10:00:00.000Z" },
	{ "list.id", "list.example.org" },
	{ "kind", "list" },
	{ "text", "body\n-- \nAnn" },
	{ "reply", "body" },
	{ "signature", "Ann" },
	{ "html", NULL },
	{ "header.x_order", "AB 1" },
	{ "header.nothing", NULL },
};

TEST(gives_values_by_name)
{
	AUTO(mail) struct mail *m = parse(
		"From: =?utf-8?Q?Ann_M=C3=BCller?= <ann@example.org>\n"
		"To: a@b.c\nTo: d@e.f\nSubject: Re: AW: [list] Hello\n"
		"Message-ID: <1@x>\nIn-Reply-To: <3@x>\n"
		"References: <2@x>\n <3@x>\nX-Order: AB 1\n"
		"List-Id: A list <list.example.org>\n"
		"Date: Fri, 1 May 2020 12:00:00 +0200\n\nbody\n-- \nAnn\n");
	struct str s, *ids;

	for (size_t i = 0; i < COUNT(named_rows); i++) {
		is_int(mail_value(m, str_c(named_rows[i].name), &s), 0,
			named_rows[i].name);
		is_str(s, named_rows[i].value, named_rows[i].name);
	}
	is_int(mail_value(m, STR("form"), &s), -1, "no such name");
	for (const char *const *n = mail_value_names(); *n; n++)
		if (strcmp(*n, "header."))
			is_int(mail_value(m, str_c(*n), &s), 0, *n);
	is_int(mail_references(m, &ids), 2, "two ids");
	is_str(ids[0], "3@x", "nearest first");
	is_str(ids[1], "2@x", "then the older");
}
