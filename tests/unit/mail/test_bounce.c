/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_bounce.c - who was not reached, and why. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

#define FROM_DAEMON                                                            \
	"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.net\r\n"            \
	"To: shop@example.com\r\nSubject: Undelivered mail\r\n"

#define REPORT                                                                 \
	FROM_DAEMON                                                            \
	"MIME-Version: 1.0\r\n"                                                \
	"Content-Type: multipart/report; report-type=delivery-status;\r\n"     \
	" boundary=b\r\n\r\n--b\r\n\r\nIt did not work.\r\n--b\r\n"            \
	"Content-Type: message/delivery-status\r\n\r\n"                        \
	"Reporting-MTA: dns; mx.example.net\r\n\r\n"

#define ORIGINAL                                                               \
	"--b\r\nContent-Type: message/rfc822\r\n\r\n"                          \
	"Message-ID: <order-17@example.com>\r\nTo: ann@example.org\r\n"        \
	"\r\nHello.\r\n--b--\r\n"

/* "RECIPIENT STATUS CODE REASON permanent|temporary [guess]; ..." */
static void write_bounces(struct buf *out, struct mail *m)
{
	const struct mail_bounce *b;
	size_t n = mail_bounces(m, &b);

	for (size_t i = 0; i < n; i++) {
		buf_c(out, i ? "; " : "");
		buf_printf(out, "%.*s %.*s %.*s %s %s%s",
			STR_ARG(b[i].recipient), STR_ARG(b[i].status),
			STR_ARG(b[i].reply_code), b[i].reason,
			b[i].is_permanent ? "permanent" : "temporary",
			b[i].is_guess ? " guess" : "");
	}
}

static const struct {
	const char *name, *mail, *bounces;
} rows[] = {
	{ "a status made for machines",
		REPORT "Final-Recipient: rfc822; ann@example.org\r\n"
		       "Action: failed\r\nStatus: 5.1.1\r\n"
		       "Diagnostic-Code: smtp; 550 5.1.1 <ann@example.org>\r\n"
		       " user unknown\r\n\r\n" ORIGINAL,
		"ann@example.org 5.1.1 550 userunknown permanent" },
	{ "two recipients, each with his own",
		REPORT "Final-Recipient: rfc822; ann@example.org\r\n"
		       "Action: failed\r\nStatus: 5.2.2\r\n\r\n"
		       "Final-Recipient: rfc822; ben@example.org\r\n"
		       "Action: delayed\r\nStatus: 4.4.1\r\n"
		       "Diagnostic-Code: smtp; connection timed out\r\n"
		       "\r\n" ORIGINAL,
		"ann@example.org 5.2.2  mailboxfull permanent; "
		"ben@example.org 4.4.1  expired temporary" },
	{ "the address that the sender wrote to",
		REPORT "Original-Recipient: rfc822; info@example.org\r\n"
		       "Final-Recipient: rfc822; ann@inner.example.org\r\n"
		       "Action: failed\r\nStatus: 5.1.1\r\n\r\n" ORIGINAL,
		"info@example.org 5.1.1  userunknown permanent" },
	{ "a status that says nothing gets the one that was said",
		REPORT "Final-Recipient: rfc822; ann@example.org\r\n"
		       "Action: failed\r\nStatus: 5.0.0\r\n"
		       "Diagnostic-Code: smtp; 552 5.3.4 Message too big\r\n"
		       "\r\n" ORIGINAL,
		"ann@example.org 5.3.4 552 mesgtoobig permanent" },
	{ "words in an address are no reason",
		REPORT "Final-Recipient: rfc822; dmarc@example.org\r\n"
		       "Action: failed\r\nStatus: 5.2.2\r\n"
		       "Diagnostic-Code: smtp; 552 <dmarc@example.org> full\r\n"
		       "\r\n" ORIGINAL,
		"dmarc@example.org 5.2.2 552 mailboxfull permanent" },
	{ "qmail",
		FROM_DAEMON
		"\r\nHi. This is the qmail-send program.\r\n\r\n"
		"<ann@example.org>:\r\n192.0.2.1 failed.\r\n"
		"Remote host said: 550 5.1.1 no such user\r\n\r\n"
		"<ben@example.org>:\r\nMailbox is full (#5.2.2)\r\n"
		"\r\n--- Below this line is a copy of the message.\r\n"
		"\r\nTo: ann@example.org\r\n",
		"ann@example.org 5.1.1 550 userunknown permanent; "
		"ben@example.org 5.2.2  mailboxfull permanent" },
	{ "Exim",
		FROM_DAEMON
		"\r\nThe following address(es) failed:\r\n\r\n"
		"  ann@example.org\r\n"
		"    host mx.example.org [192.0.2.1]: 550 spam "
		"detected\r\n\r\n"
		"------ This is a copy of the message ------\r\n\r\n"
		"To: other@example.org\r\n",
		"ann@example.org  550 spamdetected permanent" },
	{ "sendmail",
		FROM_DAEMON
		"\r\n   ----- Transcript of session follows -----\r\n"
		"550 <ann@example.org>... Host unknown\r\n\r\n"
		"   ----- Unsent message follows -----\r\n"
		"To: ann@example.org\r\n",
		"ann@example.org  550 hostunknown permanent" },
	{ "a sentence",
		FROM_DAEMON "\r\nYour mail to ann@example.org was refused, "
			    "since her quota is exceeded (over quota).\r\n",
		"ann@example.org   mailboxfull permanent guess" },
	{ "nobody is named: the returned mail tells",
		FROM_DAEMON
		"\r\nIt could not be delivered: relay access "
		"denied.\r\n\r\n--- Original message follows.\r\n\r\n"
		"To: Ann <ann@example.org>\r\nSubject: x\r\n",
		"ann@example.org   norelaying permanent guess" },
	{ "an ordinary mail about a bounce is none",
		"From: ann@example.org\r\nTo: shop@example.com\r\n"
		"Subject: your mail\r\n\r\nI got <ben@example.org>: 550 user "
		"unknown.\r\n",
		"" },
};

TEST(bounces)
{
	mail_init();
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		struct err err;

		must(mail_parse(str_c(rows[i].mail), &m, &err) == 0);
		write_bounces(&out, m);
		is_str(buf_view(&out), rows[i].bounces, rows[i].name);
	}
}

TEST(the_mail_that_came_back)
{
	static const char report[] = REPORT
		"Final-Recipient: rfc822; ann@example.org\r\n"
		"Action: failed\r\nStatus: 5.1.1\r\n\r\n" ORIGINAL;
	AUTO(mail) struct mail *m = NULL;
	struct err err;
	struct str value;

	mail_init();
	must(mail_parse(str_c(report), &m, &err) == 0);
	is_str(mail_bounced_id(m), "order-17@example.com", "Message-ID");
	is_int(mail_value(m, STR("bounce.reason"), &value), 0, "a value");
	is_str(value, "userunknown", "for rules");
	is_int(mail_value(m, STR("bounce.permanent"), &value), 0, "a value");
	is_str(value, "true", "for rules");
}
