/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_forward.c - mails that somebody passed on. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

#define HEAD "From: colleague@example.com\r\nTo: support@example.com\r\n"

static const struct {
	const char *name, *mail, *forwards; /* "NAME <ADDRESS> SUBJECT: TEXT" */
} rows[] = {
	{ "Gmail",
		HEAD "Subject: Fwd: Order\r\n\r\nPlease look.\r\n\r\n"
		     "---------- Forwarded message ---------\r\n"
		     "From: Ann Bee <ann@example.org>\r\n"
		     "Date: Tue, Jan 1, 2026 at 12:00\r\nSubject: Order 17\r\n"
		     "To: <shop@example.com>\r\n\r\nWhere is it?\r\n",
		"Ann Bee <ann@example.org> Order 17: Where is it?" },
	{ "a subject and Outlook's lines, in German",
		HEAD "Subject: WG: Bestellung\r\n\r\nZur Kenntnis\r\n\r\n"
		     "Von: Ann Bee <ann@example.org>\r\n"
		     "Gesendet: Montag, 2. Februar 2026 10:04\r\n"
		     "An: shop@example.com\r\nBetreff: Bestellung\r\n\r\n"
		     "Wo bleibt sie?\r\n",
		"Ann Bee <ann@example.org> Bestellung: Wo bleibt sie?" },
	{ "marked as a quote",
		HEAD "Subject: x\r\n\r\nBegin forwarded message:\r\n\r\n"
		     "> From: ann@example.org\r\n> Subject: Order\r\n>\r\n"
		     "> Where is it?\r\n> Ann\r\n\r\nCarl\r\n",
		" <ann@example.org> Order: Where is it?\nAnn" },
	{ "attached",
		HEAD "Subject: look\r\nMIME-Version: 1.0\r\n"
		     "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		     "--b\r\n\r\nSee there.\r\n--b\r\n"
		     "Content-Type: message/rfc822\r\n\r\n"
		     "From: Ann <ann@example.org>\r\nSubject: Order\r\n\r\n"
		     "Where is it?\r\n--b--\r\n",
		"Ann <ann@example.org> Order: Where is it?" },
	{ "an address as Outlook writes it, wrapped",
		HEAD "Subject: FW: x\r\n\r\nFrom: Ann Bee [mailto:\r\n"
		     "ann@example.org]\r\nSent: Monday\r\nTo: x@y.example\r\n"
		     "Subject: Order\r\n\r\nNote: where is it?\r\n",
		"Ann Bee <ann@example.org> Order: Note: where is it?" },
	{ "an attribution instead of fields",
		HEAD "Subject: x\r\n\r\n-------- Forwarded message --------"
		     "\r\n25.03.2026, 12:00, \"Ann Bee\" <ann@example.org>:"
		     "\r\n\r\nWhere is it?\r\n",
		"Ann Bee <ann@example.org> : Where is it?" },
	{ "in Japanese",
		HEAD "Subject: x\r\nContent-Type: text/plain; charset=utf-8"
		     "\r\n\r\n-- \xe8\xbb\xa2\xe9\x80\x81\xe3\x83\xa1"
		     "\xe3\x83\x83\xe3\x82\xbb\xe3\x83\xbc\xe3\x82\xb8 --"
		     "\r\n\xe5\xb7\xae\xe5\x87\xba\xe4\xba\xba: Ann "
		     "<ann@example.org>\r\n\xe4\xbb\xb6\xe5\x90\x8d: Order"
		     "\r\n\r\nHai\r\n",
		"Ann <ann@example.org> Order: Hai" },
	{ "a reply is not forwarded",
		HEAD "Subject: Re: Order\r\n\r\nSoon.\r\n\r\n"
		     "From: Ann <ann@example.org>\r\nSent: today\r\n"
		     "To: shop@example.com\r\n\r\nWhere is it?\r\n",
		"" },
	{ "a sentence is no header line",
		HEAD "Subject: Fwd: x\r\n\r\nFrom: here it looks good.\r\n",
		"" },
};

TEST(forwards)
{
	mail_init();
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		const struct mail_forwarded *f;
		struct err err;
		size_t n;

		must(mail_parse(str_c(rows[i].mail), &m, &err) == 0);
		n = mail_forwards(m, &f);
		for (size_t k = 0; k < n; k++)
			buf_printf(&out, "%.*s <%.*s> %.*s: %.*s",
				STR_ARG(f[k].from_name), STR_ARG(f[k].from),
				STR_ARG(f[k].subject),
				STR_ARG(str_trim(f[k].text)));
		is_str(buf_view(&out), rows[i].forwards, rows[i].name);
	}
}
