/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_tree.c - parts: their order, their place in the message, their bytes. */
#include <mailmill/buf.h>
#include <mailmill/decode.h>
#include <mailmill/mail.h>

#include "test.h"

static struct mail *parse(struct str raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	is_int(mail_parse(raw, &m, &err), 0, "parses");
	return m;
}

/* `tree` has DEPTH TYPE/SUBTYPE "encoded body" for each leaf. */
static const struct row {
	const char *name, *raw, *tree;
} rows[] = {
	{ "one part", "Subject: x\n\nbody\n", "0 text/plain \"body\n\"" },
	{ "mixed",
		"Content-Type: multipart/mixed; boundary=b\n\npreamble\n"
		"--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\n"
		"epilogue",
		"0 multipart/mixed 1 text/plain \"one\" 1 text/html "
		"\"two\n\"" },
	{ "boundary of another length",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
		"--bb\nx\n--b--",
		"0 multipart/mixed 1 text/plain \"one\n--bb\nx\"" },
	{ "blanks behind the boundary",
		"Content-Type: multipart/mixed; boundary=\"b\"\n\n--b \t\n\n"
		"one\n--b-- \n",
		"0 multipart/mixed 1 text/plain \"one\"" },
	{ "no end line",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n",
		"0 multipart/mixed 1 text/plain \"one\n\"" },
	{ "inner end is lost",
		"Content-Type: multipart/mixed; boundary=a\n\n--a\n"
		"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n"
		"one\n--a\n\ntwo\n--a--\n",
		"0 multipart/mixed 1 multipart/alternative 2 text/plain \"one\""
		" 1 text/plain \"two\"" },
	{ "one boundary is the beginning of another",
		"Content-Type: multipart/mixed; boundary=ab\n\n--ab\n"
		"Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n"
		"--a--\n--ab--\n",
		"0 multipart/mixed 1 multipart/mixed 2 text/plain \"one\"" },
	{ "message within",
		"Content-Type: message/rfc822\n\nSubject: y\n\ninner\n",
		"0 message/rfc822 1 text/plain \"inner\n\"" },
	{ "encoded message stays whole",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: "
		"base64\n\nAAAA\n",
		"0 message/rfc822 \"AAAA\n\"" },
	{ "digest",
		"Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
		"Subject: y\n\ninner\n--b--\n",
		"0 multipart/digest 1 message/rfc822 2 text/plain \"inner\"" },
	{ "no boundary named", "Content-Type: multipart/mixed\n\nbody",
		"0 multipart/mixed \"body\"" },
	{ "type without subtype", "Content-Type: text\n\nbody",
		"0 text/plain \"body\"" },
	{ "line of blanks, then a boundary with a colon",
		"Content-Type: multipart/mixed; boundary=\"-:1\"\n \n---:1\n"
		"\none\n---:1--",
		"0 multipart/mixed 1 text/plain \"one\"" },
	{ "header ends at a boundary",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
		"Content-Type: text/html\n--b\n\ntwo\n--b--",
		"0 multipart/mixed 1 text/html \"\" 1 text/plain \"two\"" },
	{ "empty part",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n"
		"two\n--b--",
		"0 multipart/mixed 1 text/plain \"\" 1 text/plain \"two\"" },
	{ "first of two types counts",
		"Content-Type: text/html\nContent-Type: text/plain\n\nx",
		"0 text/html \"x\"" },
};

static void print_tree(struct buf *b, struct mail *m)
{
	struct str raw = mail_raw(m);

	for (struct mail_part *p = mail_root(m); p; p = mail_next(p)) {
		buf_printf(b, "%s%u %.*s/%.*s", b->len ? " " : "", p->depth,
			STR_ARG(p->type), STR_ARG(p->subtype));
		if (!p->first)
			buf_printf(b, " \"%.*s\"",
				STR_ARG(str_sub(raw, p->offset, p->len)));
	}
}

static void check_tree(const struct row *r, bool is_crlf)
{
	AUTO(buf) struct buf raw = BUF_INIT(8192);
	AUTO(buf) struct buf tree = BUF_INIT(8192);
	AUTO(buf) struct buf bare = BUF_INIT(8192);
	AUTO(mail) struct mail *m = NULL;

	for (const char *p = r->raw; *p; p++) {
		if (*p == '\n' && is_crlf)
			buf_byte(&raw, '\r');
		buf_byte(&raw, (unsigned char)*p);
	}
	m = parse(buf_view(&raw));
	print_tree(&tree, m);
	for (size_t i = 0; i < tree.len; i++)
		if (tree.p[i] != '\r')
			buf_byte(&bare, (unsigned char)tree.p[i]);
	is_str(buf_view(&bare), r->tree, r->name);
}

TEST(finds_parts)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		check_tree(&rows[i], false);
		check_tree(&rows[i], true);
	}
}

static const char attachments[] =
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
	"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
	"Content-Transfer-Encoding: BASE64\r\n\r\n"
	"aGVsbG8=\r\nIHdvcmxk\r\n"
	"--b\r\nContent-Type: image/png\r\nContent-ID: <pic@x>\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	"=00=01\r\n"
	"--b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:pic@x\">\r\n"
	"--b\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: in/ner\r\n\r\nx\r\n"
	"--b--\r\n";

/* What the target does: decodes the bytes at the place that we told. */
TEST(places_give_the_decoded_bytes)
{
	AUTO(mail) struct mail *m = parse(str_c(attachments));
	const struct mail_attachment *a;
	size_t n = mail_attachments(m, &a);

	is_int(n, 3, "two files and a message");
	for (size_t i = 0; i < n; i++) {
		AUTO(buf) struct buf out = BUF_INIT(4096);
		unsigned char digest[HASH_LEN];
		char hex[HASH_HEX_LEN + 1];
		is_int(decode_all(&out, decode_kind(a[i].part->encoding),
			       str_n(attachments + a[i].part->offset,
				       a[i].part->len)),
			0, "decodes");
		hash_bytes(buf_view(&out), digest);
		hash_hex(digest, hex);
		is_str(a[i].sha256, hex, "digest");
		is_int(a[i].size, out.len, "size");
		is_true(str_eq(buf_view(&out), mail_part_bytes(m, a[i].part)),
			"bytes");
	}
	is_str(a[0].name, "a.pdf", "name by Content-Type");
	is_int(a[0].size, 11, "decoding goes on behind a pad");
	is_str(a[1].type, "image/png", "type");
	is_true(a[1].is_inline, "the HTML shows it");
	is_str(a[1].name, "attachment-2.png", "a name is made");
	is_str(a[2].name, "ner.eml", "a message is named by its subject");
}

static const struct choice {
	const char *name, *raw, *text;
	bool has_html;
	size_t n_attachments;
} choices[] = {
	{ "alternative",
		"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n"
		"plain\n--b\nContent-Type: text/html\n\n<p>html\n--b--",
		"plain", true, 0 },
	{ "HTML alone", "Content-Type: text/html\n\n<p>a<p>b", "a\n\nb", true,
		0 },
	{ "empty plain text beside HTML",
		"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n"
		"--b\nContent-Type: text/html\n\n<p>html\n--b--",
		"html", true, 0 },
	{ "mixed texts are joined",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
		"--b\n\ntwo\n--b--",
		"one\n\ntwo", false, 0 },
	{ "a text with a name is a file",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
		"--b\nContent-Type: text/plain; name=x.txt\n\ntwo\n--b--",
		"one", false, 1 },
	{ "a text that is attached",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
		"--b\nContent-Disposition: attachment\n\ntwo\n--b--",
		"one", false, 1 },
	{ "CSV is a file",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
		"--b\nContent-Type: text/csv\n\n1,2\n--b--",
		"one", false, 1 },
	{ "an attached message is not read",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n"
		"--b\nContent-Type: message/rfc822\n\nSubject: x\n\nin\n--b--",
		"one", false, 1 },
	{ "flowed",
		"Content-Type: text/plain; format=flowed\n\na \nb\n> c \n"
		"> d\n-- \nsig",
		"a b\n> c d\n-- \nsig", false, 0 },
	{ "flowed with DelSp",
		"Content-Type: text/plain; format=flowed; delsp=yes\n\na \nb",
		"ab", false, 0 },
	{ "quoted-printable latin1",
		"Content-Type: text/plain; charset=iso-8859-1\n"
		"Content-Transfer-Encoding: quoted-printable\n\n=E4=80",
		"\xc3\xa4\xe2\x82\xac", false, 0 },
	{ "UTF-8 labelled us-ascii",
		"Content-Type: text/plain; charset=us-ascii\n\n\xc3\xa4",
		"\xc3\xa4", false, 0 },
	{ "windows-1252 labelled UTF-8",
		"Content-Type: text/plain; charset=utf-8\n\nGr\xfc\xdf"
		"e",
		"Gr\xc3\xbc\xc3\x9f"
		"e",
		false, 0 },
	{ "no label",
		"Subject: x\n\nGr\xfc\xdf"
		"e",
		"Gr\xc3\xbc\xc3\x9f"
		"e",
		false, 0 },
	{ "unknown label", "Content-Type: text/plain; charset=x-foo\n\n\xe4",
		"\xc3\xa4", false, 0 },
	{ "ISO-2022-JP without label", "Subject: x\n\n\x1b$BF|K\\\x1b(B",
		"\xe6\x97\xa5\xe6\x9c\xac", false, 0 },
	{ "Shift_JIS",
		"Content-Type: text/plain; charset=Shift_JIS\n\n"
		"\x93\xfa\x96\x7b",
		"\xe6\x97\xa5\xe6\x9c\xac", false, 0 },
	{ "cp1251 by another name",
		"Content-Type: text/plain; charset=cp-1251\n\n\xcf\xf0",
		"\xd0\x9f\xd1\x80", false, 0 },
	{ "UTF-7",
		"Content-Type: text/plain; charset=unicode-1-1-utf-7\n\n"
		"a+AOQ-b",
		"a\xc3\xa4"
		"b",
		false, 0 },
	{ "HTML with a meta charset",
		"Content-Type: text/html\n\n<meta charset=\"windows-1251\">"
		"\xcf\xf0",
		"\xd0\x9f\xd1\x80", true, 0 },
	{ "NUL bytes go",
		"Content-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: quoted-printable\n\n"
		"a=00b",
		"ab", false, 0 },
};

TEST(chooses_the_text)
{
	for (size_t i = 0; i < COUNT(choices); i++) {
		const struct choice *c = &choices[i];
		AUTO(mail) struct mail *m = parse(str_c(c->raw));
		const struct mail_attachment *a;
		is_str(mail_text(m), c->text, c->name);
		is_true((mail_html(m).p != NULL) == c->has_html, c->name);
		is_int(mail_attachments(m, &a), c->n_attachments, c->name);
	}
}

static const char *const same[][2] = {
	{ "Message-ID: <1@x>\nSubject: a\n\nbody\n",
		"Received: x\r\nMessage-ID: <1@x>\r\nSubject: a\r\n\r\nbody"
		"\r\n\r\n" },
	{ "Message-ID: <1@x>\n\na\xc3\xa4\n",
		"Message-ID: <1@x>\nContent-Transfer-Encoding: "
		"quoted-printable\n\na=C3=A4\n" },
};
static const char *const other[][2] = {
	{ "Message-ID: <1@x>\n\nbody\n", "Message-ID: <1@x>\n\nother\n" },
	{ "Message-ID: <1@x>\n\nbody\n", "Message-ID: <2@x>\n\nbody\n" },
};

static bool is_same(const char *const pair[2])
{
	AUTO(mail) struct mail *a = parse(str_c(pair[0]));
	AUTO(mail) struct mail *b = parse(str_c(pair[1]));
	unsigned char id_a[HASH_LEN], id_b[HASH_LEN];

	mail_identity(a, id_a);
	mail_identity(b, id_b);
	return !memcmp(id_a, id_b, HASH_LEN);
}

TEST(identity_outlives_the_way)
{
	for (size_t i = 0; i < COUNT(same); i++)
		is_true(is_same(same[i]), same[i][1]);
	for (size_t i = 0; i < COUNT(other); i++)
		is_false(is_same(other[i]), other[i][1]);
}

TEST(sizes_count_crlf)
{
	AUTO(mail) struct mail *lf = parse(STR("a: b\n\nc\n"));
	AUTO(mail) struct mail *crlf = parse(STR("a: b\r\n\r\nc\r\n"));

	is_int(mail_size(lf), 11, "LF");
	is_int(mail_size(crlf), 11, "CRLF");
}
