/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_packed.c - what is packed in parts: TNEF, RTF, uuencode, CMS, PGP. */
#include <mailmill/buf.h>
#include <mailmill/decode.h>
#include <mailmill/enc.h>
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

#include "test.h"

static struct mail *parse(struct str raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	is_int(mail_parse(raw, &m, &err), 0, "parses");
	return m;
}

/* What a target does: decodes the place that we told, and skips. */
static void check_place(
	struct mail *m, const struct mail_attachment *at, const char *what)
{
	AUTO(buf) struct buf out = BUF_INIT(1 << 20);
	struct str bytes = mail_attachment_bytes(m, at);

	is_true(at->has_place, what);
	is_int(decode_all(&out, decode_kind(at->encoding),
		       str_sub(mail_raw(m), (size_t)at->offset,
			       (size_t)at->len)),
		0, what);
	is_true(str_eq(str_sub(buf_view(&out), (size_t)at->skip,
			       (size_t)at->size),
			bytes),
		what);
}

/* ---- uuencode and yEnc ---- */

static const struct row {
	const char *name, *body, *text, *files;
} rows[] = {
	{ "a file in a text", "Look:\nbegin 644 a.txt\n#0V%T\n`\nend\nBye\n",
		"Look:\n[a.txt]\nBye", "a.txt text/plain Cat" },
	{ "two of them",
		"begin 644 a.txt\n#0V%T\n`\nend\nbegin 600 b.csv\n#0V%T\n \n"
		"end\n",
		"[a.txt]\n[b.csv]",
		"a.txt text/plain Cat, b.csv text/csv Cat" },
	{ "without an end it is text", "begin 644 a.txt\n#0V%T\n`\n",
		"begin 644 a.txt\n#0V%T\n`", "" },
	{ "a line of another length makes it text",
		"begin 644 a.txt\nMhello\nend\n",
		"begin 644 a.txt\nMhello\nend", "" },
	{ "a sentence that begins so", "begin 2024 with this\nand\nend\n",
		"begin 2024 with this\nand\nend", "" },
	{ "base64 form", "begin-base64 644 a.txt\nQ2F0\n====\nx\n",
		"[a.txt]\nx", "a.txt text/plain Cat" },
	{ "yEnc",
		"=ybegin line=128 size=3 name=a b.txt\nm\x8b\x9e\n"
		"=yend size=3 crc32=a6130548\nx\n",
		"[a b.txt]\nx", "a b.txt text/plain Cat" },
	{ "yEnc with a wrong sum stays",
		"=ybegin line=128 size=3 name=a.txt\nabc\n"
		"=yend size=3 crc32=00000001\n",
		"=ybegin line=128 size=3 name=a.txt\nabc\n"
		"=yend size=3 crc32=00000001",
		"" },
	{ "yEnc in two parts",
		"=ybegin part=1 line=128 size=4 name=a\n=ypart begin=1 end=2\n"
		"m\x8b\n=yend size=2 part=1\n"
		"=ybegin part=2 line=128 size=4 name=a\n=ypart begin=3 end=4\n"
		"\x9e\x9e\n=yend size=2 part=2\n",
		"[a]", "a application/octet-stream Catt" },
};

static void list_files(struct buf *b, struct mail *m)
{
	const struct mail_attachment *a;
	size_t n = mail_attachments(m, &a);

	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%.*s %.*s %.*s", i ? ", " : "",
			STR_ARG(a[i].name), STR_ARG(a[i].type),
			STR_ARG(mail_attachment_bytes(m, &a[i])));
}

TEST(files_come_out_of_texts)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf raw = BUF_INIT(4096);
		AUTO(buf) struct buf files = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		const struct mail_attachment *a;
		buf_printf(&raw, "Subject: x\n\n%s", rows[i].body);
		m = parse(buf_view(&raw));
		list_files(&files, m);
		is_str(buf_view(&files), rows[i].files, rows[i].name);
		if (strstr(rows[i].name, "yEnc"))
			continue; /* its bytes are no charset's */
		is_str(mail_text(m), rows[i].text, rows[i].name);
		if (mail_attachments(m, &a))
			check_place(m, &a[0], rows[i].name);
	}
}

/* ---- TNEF ---- */

static void put(struct buf *b, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_byte(b, (unsigned char)(v >> (8 * i)));
}

static void put_attribute(
	struct buf *b, unsigned level, uint32_t id, struct str data)
{
	uint32_t sum = 0;

	put(b, level, 1);
	put(b, id, 4);
	put(b, data.len, 4);
	buf_str(b, data);
	for (size_t i = 0; i < data.len; i++)
		sum += (unsigned char)data.p[i];
	put(b, sum & 0xffff, 2);
}

static void put_property(
	struct buf *b, unsigned type, unsigned id, struct str value)
{
	put(b, type, 2);
	put(b, id, 2);
	put(b, 1, 4);
	put(b, value.len, 4);
	buf_str(b, value);
	put(b, 0, (4 - value.len % 4) % 4);
}

#define RTF                                                                    \
	"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0 Arial;}" \
	"{\\f1\\fcharset204 Arial;}}"                                          \
	"{\\*\\htmltag64 <p>}\\htmlrtf {\\b \\htmlrtf0 Gr\\'fc\\u223?e "       \
	"\\htmlrtf }\\htmlrtf0 {\\f1 \\'cf}{\\*\\htmltag72 </p>}}"

/* PR_RTF_COMPRESSED, with nothing compressed. */
static void put_rtf(struct buf *b, struct str rtf)
{
	AUTO(buf) struct buf value = BUF_INIT(8192);

	put(&value, rtf.len + 12, 4);
	put(&value, rtf.len, 4);
	put(&value, 0x414c454d, 4);
	put(&value, 0, 4);
	buf_str(&value, rtf);
	put_property(b, 0x102, 0x1009, buf_view(&value));
}

static void make_tnef(struct buf *out)
{
	AUTO(buf) struct buf props = BUF_INIT(8192);
	AUTO(buf) struct buf file = BUF_INIT(8192);

	put(out, 0x223e9f78, 4);
	put(out, 1, 2);
	put_attribute(out, 1, 0x00069007, STR("\xe4\4\0\0\0\0\0\0"));
	put(&props, 1, 4);
	put_rtf(&props, STR(RTF));
	put_attribute(out, 1, 0x00069003, buf_view(&props));
	put_attribute(out, 2, 0x00069002, STR("\1\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	put_attribute(out, 2, 0x00018010, STR("LONGNA~1.TXT\0"));
	put_attribute(out, 2, 0x0006800f, STR("file \0 bytes"));
	put(&file, 2, 4);
	put_property(&file, 0x1f, 0x3707,
		STR("L\0o\0n\0g\0 \0\xfc\0.\0t\0x\0t\0\0\0"));
	put_property(&file, 0x1e, 0x370e, STR("text/plain\0"));
	put_attribute(out, 2, 0x00069005, buf_view(&file));
}

static void make_tnef_mail(struct buf *raw, size_t cut)
{
	AUTO(buf) struct buf tnef = BUF_INIT(8192);

	make_tnef(&tnef);
	buf_c(raw, "From: a@b.example\r\nMIME-Version: 1.0\r\n"
		   "Content-Type: application/ms-tnef; name=winmail.dat\r\n"
		   "Content-Transfer-Encoding: base64\r\n\r\n");
	enc_base64(raw, str_sub(buf_view(&tnef), 0, tnef.len - cut));
}

TEST(winmail_is_opened)
{
	AUTO(buf) struct buf raw = BUF_INIT(16384);
	AUTO(mail) struct mail *m = NULL;
	const struct mail_attachment *a;

	make_tnef_mail(&raw, 0);
	m = parse(buf_view(&raw));
	is_int(mail_attachments(m, &a), 1, "one file, in place of the whole");
	is_str(a->name, "Long \xc3\xbc.txt", "its long name");
	is_str(a->type, "text/plain", "its type");
	is_str(a->inside, "tnef", "said to be packed");
	is_true(str_eq(mail_attachment_bytes(m, a), STR("file \0 bytes")),
		"its bytes");
	check_place(m, a, "its place");
	is_str(mail_html(m),
		"<p>Gr\xc3\xbc\xc3\x9f"
		"e \xd0\x9f</p>",
		"HTML out of RTF");
	is_str(mail_text(m),
		"Gr\xc3\xbc\xc3\x9f"
		"e \xd0\x9f",
		"and text");
}

TEST(a_damaged_winmail_stays_beside_its_files)
{
	AUTO(buf) struct buf raw = BUF_INIT(16384);
	AUTO(mail) struct mail *m = NULL;
	const struct mail_attachment *a;
	const struct mail_defect *d;
	size_t n;

	make_tnef_mail(&raw, 40);
	m = parse(buf_view(&raw));
	n = mail_attachments(m, &a);
	is_int(n, 2, "file and whole");
	is_str(a[0].name, "LONGNA~1.TXT", "as far as it goes");
	is_str(a[1].name, "winmail.dat", "the whole");
	is_int(mail_defects(m, &d), 1, "told");
	is_c(d->code, "tnef", "as");
}

/* However it is cut, nothing bad comes of it. */
TEST(a_cut_winmail_is_read_as_far_as_it_goes)
{
	AUTO(buf) struct buf tnef = BUF_INIT(8192);

	make_tnef(&tnef);
	for (size_t cut = 0; cut < tnef.len; cut += 3) {
		AUTO(buf) struct buf raw = BUF_INIT(16384);
		AUTO(mail) struct mail *m = NULL;
		const struct mail_attachment *a;
		make_tnef_mail(&raw, cut);
		m = parse(buf_view(&raw));
		is_true(utf8_is_valid(mail_text(m)), "text");
		is_true(mail_attachments(m, &a) <= 2, "files");
	}
}

/* ---- encoded as a whole ---- */

static const char encoded[] =
	"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n"
	"--b\n\nSee there.\n--b\nContent-Type: message/rfc822\n"
	"Content-Transfer-Encoding: base64\n\n"
	/* From: Ann <ann@example.org> / Subject: Order / / Where? */
	"RnJvbTogQW5uIDxhbm5AZXhhbXBsZS5vcmc+ClN1YmplY3Q6IE9yZGVyCgpXaGVyZT8K\n"
	"--b--\n";

TEST(an_encoded_message_is_opened)
{
	AUTO(mail) struct mail *m = parse(str_c(encoded));
	const struct mail_attachment *a;
	const struct mail_forwarded *f;
	struct mail_part *p, *inner;

	is_str(mail_text(m), "See there.", "text");
	is_int(mail_attachments(m, &a), 1, "an attached message");
	is_str(a->name, "Order.eml", "named by its subject");
	is_int(mail_forwards(m, &f), 1, "forwarded");
	is_str(f->from, "ann@example.org", "by");
	is_str(f->text, "Where?\n", "text");
	p = mail_root(m)->first->next;
	is_true(p->first == NULL, "rules see a leaf");
	inner = mail_part_inner(m, p);
	is_true(inner != NULL, "opened");
	is_int(inner->number, 3, "numbers go on");
}

TEST(an_encoded_multipart_is_read)
{
	AUTO(mail) struct mail *m = parse(
		STR("Content-Type: multipart/alternative; boundary=b\n"
		    "Content-Transfer-Encoding: base64\n\n"
		    /* --b / / plain / --b / Content-Type: text/html / / <p>x /
		       --b-- */
		    "LS1iCgpwbGFpbgotLWIKQ29udGVudC1UeXBlOiB0ZXh0L2h0bWwKCjxwPn"
		    "gKLS1iLS0K"));
	const struct mail_attachment *a;

	is_str(mail_text(m), "plain", "text");
	is_str(mail_html(m), "<p>x", "HTML");
	is_int(mail_attachments(m, &a), 0, "and nothing else");
}

static const struct claim {
	const char *name, *raw, *text;
} claims[] = {
	{ "base64 is claimed, but it is text",
		"Content-Type: text/plain\nContent-Transfer-Encoding: "
		"base64\n\n"
		"Hello, this is not encoded at all. Bye!\n",
		"Hello, this is not encoded at all. Bye!" },
	{ "base64, and nobody says so",
		"Content-Type: text/plain\n\n"
		"SGVsbG8gdGhlcmUsIHRoaXMgaXMgYSBsb25nZXIgbGluZSBvZiB0ZXh0IHdo\n"
		"aWNoIHdhcyBlbmNvZGVkLg==\n",
		"Hello there, this is a longer line of text which was "
		"encoded." },
	{ "quoted-printable, and nobody says so",
		"Content-Type: text/plain; charset=utf-8\n\n"
		"Gr=C3=BC=C3=9Fe =\nan =\nalle\n",
		"Gr\xc3\xbc\xc3\x9f"
		"e an alle" },
	{ "a footer behind base64",
		"Content-Type: text/plain\nContent-Transfer-Encoding: "
		"base64\n\n"
		"SGVsbG8sIHRoaXMgaXMgdGhlIHRleHQu\n\n"
		"_____________\nlist mailing list\n",
		"Hello, this is the text.\n\n_____________\n"
		"list mailing list" },
	{ "more behind the end mark",
		"Content-Type: multipart/mixed; boundary=boundary\n\n"
		"--boundary\n\ntext\n--boundary-->\nmore\n",
		"text" },
	{ "an equation is none",
		"Content-Type: text/plain\n\na=10 =\nb=20 =\nc=\n",
		"a=10 =\nb=20 =\nc=" },
	{ "a multipart that is quoted-printable but is not",
		"Content-Type: multipart/mixed; boundary=bound\n"
		"Content-Transfer-Encoding: quoted-printable\n\n"
		"--bound\n\none\n--bound--\n",
		"one" },
	{ "another boundary than is named",
		"Content-Type: multipart/mixed; boundary=\"one\"\n\n"
		"--other\nContent-Type: text/plain\n\ntext\n--other--\n",
		"text" },
	{ "no boundary is named",
		"Content-Type: multipart/mixed\n\n"
		"--other\nContent-Type: text/plain\n\ntext\n--other--\n",
		"text" },
	{ "a boundary that goes on behind a blank",
		"Content-Type: multipart/mixed; boundary=boundary\n\n"
		"--boundary of it\n\ntext\n--boundary-- end\nmore\n",
		"text" },
	{ "a multipart without parts is text",
		"Content-Type: multipart/mixed; boundary=boundary\n\nonly "
		"text\n",
		"only text" },
	{ "text of an unknown kind beside a known one",
		"Content-Type: multipart/mixed; boundary=b\n\n"
		"--b\nContent-Type: text/x-own\n\nodd\n--b\n\nplain\n--b--\n",
		"plain" },
	{ "text of an unknown kind alone",
		"Content-Type: multipart/mixed; boundary=b\n\n"
		"--b\nContent-Type: text/x-own\n\nodd\n--b--\n",
		"odd" },
};

TEST(claims_are_held_against_bytes)
{
	for (size_t i = 0; i < COUNT(claims); i++) {
		AUTO(mail) struct mail *m = parse(str_c(claims[i].raw));
		is_str(mail_text(m), claims[i].text, claims[i].name);
	}
}

/* ---- S/MIME and PGP ---- */

static void put_der(struct buf *b, unsigned tag, struct str body)
{
	buf_byte(b, (unsigned char)tag);
	must(body.len < 128);
	buf_byte(b, (unsigned char)body.len);
	buf_str(b, body);
}

/* ContentInfo { signedData, [0] { version, digests, encap { data, [0] } } } */
static void make_signed(struct buf *out, struct str content)
{
	AUTO(buf) struct buf a = BUF_INIT(4096);
	AUTO(buf) struct buf b = BUF_INIT(4096);
	static const struct str signed_data = STR(
		"\6\11\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
	static const struct str data = STR(
		"\6\11\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01");

	put_der(&a, 0x04, content);
	put_der(&b, 0xa0, buf_view(&a));
	buf_clear(&a);
	buf_str(&a, data);
	buf_str(&a, buf_view(&b));
	buf_clear(&b);
	put_der(&b, 0x02, STR("\1"));
	put_der(&b, 0x31, STR(""));
	put_der(&b, 0x30, buf_view(&a));
	buf_clear(&a);
	put_der(&a, 0x30, buf_view(&b));
	buf_clear(&b);
	buf_str(&b, signed_data);
	put_der(&b, 0xa0, buf_view(&a));
	put_der(out, 0x30, buf_view(&b));
}

TEST(what_is_signed_in_one_is_shown)
{
	AUTO(buf) struct buf der = BUF_INIT(4096);
	AUTO(buf) struct buf raw = BUF_INIT(4096);
	AUTO(mail) struct mail *m = NULL;
	const struct mail_attachment *a;
	const struct mail_security *s;

	make_signed(&der, STR("Content-Type: text/html\r\n\r\n<p>Hi"));
	buf_c(&raw, "Content-Type: application/pkcs7-mime; name=smime.p7m\n"
		    "Content-Transfer-Encoding: base64\n\n");
	enc_base64(&raw, buf_view(&der));
	m = parse(buf_view(&raw));
	is_str(mail_html(m), "<p>Hi", "HTML");
	is_str(mail_text(m), "Hi", "text");
	is_int(mail_attachments(m, &a), 0, "the wrapping is no file");
	is_int(mail_security(m, &s), 1, "told");
	is_c(s->kind, "smime", "kind");
	is_true(s->is_signed && !s->is_encrypted, "signed");
}

static const struct secure {
	const char *name, *raw, *list, *text;
} secures[] = {
	{ "a text signed in the clear",
		"Subject: x\n\nbefore\n-----BEGIN PGP SIGNED MESSAGE-----\n"
		"Hash: SHA256\n\nHello\n- -- \nme\n"
		"-----BEGIN PGP SIGNATURE-----\n\niQ\n"
		"-----END PGP SIGNATURE-----\nafter\n",
		"pgp signed 0", "before\nHello\n-- \nme\nafter" },
	{ "an encrypted text",
		"Subject: x\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA7\n=abcd\n"
		"-----END PGP MESSAGE-----\n",
		"pgp encrypted 0", NULL },
	{ "PGP/MIME",
		"Content-Type: multipart/encrypted; boundary=b; "
		"protocol=\"application/pgp-encrypted\"\n\n--b\n"
		"Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n"
		"Content-Type: application/octet-stream\n\nx\n--b--\n",
		"pgp encrypted 0", "" },
	{ "multipart/signed",
		"Content-Type: multipart/signed; boundary=b; "
		"protocol=\"application/pkcs7-signature\"\n\n--b\n\nHi\n--b\n"
		"Content-Type: application/pkcs7-signature\n\nx\n--b--\n",
		"smime signed 0", "Hi" },
	{ "a third part in it",
		"Content-Type: multipart/signed; boundary=b; "
		"protocol=\"application/pkcs7-signature\"\n\n--b\n\nHi\n--b\n"
		"Content-Type: application/pkcs7-signature\n\nx\n--b\n\nyou\n"
		"--b--\n",
		"", "Hi\n\nyou" },
	{ "words about it",
		"Subject: x\n\nWrite -----BEGIN PGP MESSAGE----- first.\n", "",
		NULL },
};

TEST(claims_of_security_are_told)
{
	for (size_t i = 0; i < COUNT(secures); i++) {
		AUTO(mail) struct mail *m = parse(str_c(secures[i].raw));
		AUTO(buf) struct buf b = BUF_INIT(1024);
		const struct mail_security *s;
		size_t n = mail_security(m, &s);
		for (size_t k = 0; k < n; k++)
			buf_printf(&b, "%s%s%s%s %u", k ? ", " : "", s[k].kind,
				s[k].is_signed ? " signed" : "",
				s[k].is_encrypted ? " encrypted" : "",
				s[k].part->number);
		is_str(buf_view(&b), secures[i].list, secures[i].name);
		if (secures[i].text)
			is_str(mail_text(m), secures[i].text, secures[i].name);
	}
}

/* ---- attachments as text ---- */

static const struct file {
	const char *name, *head, *text;
	struct str bytes;
} files[] = {
	{ "declared", "text/csv; charset=iso-8859-1", "a;\xc3\xa4\n",
		STR("a;\xe4\r\n") },
	{ "a byte order mark wins", "text/csv; charset=iso-8859-1", "\xc3\xa4",
		STR("\xef\xbb\xbf\xc3\xa4") },
	{ "UTF-16 with a mark", "application/octet-stream; name=a.csv", "a;b",
		STR("\xff\xfe"
		    "a\0;\0b\0") },
	{ "JSON in UTF-16", "application/json", "{}[]", STR("{\0}\0[\0]\0") },
	{ "an XML declaration", "application/xml",
		"<?xml version='1.0' encoding='ISO-8859-2'?>\xc5\xbe",
		STR("<?xml version='1.0' encoding='ISO-8859-2'?>\xbe") },
	{ "a name that tells", "application/vnd.ms-excel; name=a.CSV", "1;2",
		STR("1;2") },
	{ "no text", "application/octet-stream", NULL, STR("\1\2\0\3x") },
	{ "a PDF is none", "application/pdf", NULL, STR("%PDF-1.4 text") },
};

TEST(attachments_are_read_as_text)
{
	for (size_t i = 0; i < COUNT(files); i++) {
		AUTO(buf) struct buf raw = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		const struct mail_attachment *a;
		struct str text;
		buf_printf(&raw,
			"Content-Type: %s\nContent-Disposition: attachment\n"
			"Content-Transfer-Encoding: base64\n\n",
			files[i].head);
		enc_base64(&raw, files[i].bytes);
		m = parse(buf_view(&raw));
		is_int(mail_attachments(m, &a), 1, files[i].name);
		text = mail_attachment_text(m, a);
		is_true((text.p == NULL) == (files[i].text == NULL),
			files[i].name);
		if (files[i].text)
			is_str(text, files[i].text, files[i].name);
	}
}
