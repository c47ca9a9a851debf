/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_kind.c - what kind of mail it is, and by what evidence. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

#define TO "To: shop@example.com\r\n"
#define ANN "From: Ann <ann@example.org>\r\n" TO
#define DAEMON "From: MAILER-DAEMON@mx.example.net\r\n" TO
#define REPORT(type, part, fields)                                             \
	"MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"             \
	" report-type=" type "; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"            \
	"--b\r\nContent-Type: message/" part "\r\n\r\n" fields "\r\n--b--\r\n"

static struct mail *parse(const char *text)
{
	struct mail *m;
	struct err err;

	mail_init();
	must(mail_parse(str_c(text), &m, &err) == 0);
	return m;
}

/* "KIND: EVIDENCE; EVIDENCE" */
static void write_kind(struct buf *out, struct mail *m, const char *sender)
{
	const struct str *items;
	size_t n = mail_kind_evidence(m, sender, &items);

	buf_c(out, mail_kind_name(mail_kind(m, sender)));
	for (size_t i = 0; i < n; i++) {
		buf_c(out, i ? "; " : ": ");
		buf_str(out, items[i]);
	}
}

static const struct {
	const char *name, *mail, *sender, *kind;
} rows[] = {
	{ "a person's",
		ANN "Subject: Out of office chairs\r\n\r\nDo you have "
		    "chairs that are out of the office?\r\n",
		NULL, "ordinary" },
	{ "a delivery status decides by its action",
		DAEMON REPORT("delivery-status", "delivery-status",
			"Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: "
			"rfc822; b@example.org\r\nAction: delayed\r\n"),
		NULL,
		"delay: multipart/report; report-type=delivery-status; "
		"message/delivery-status; Action: delayed" },
	{ "one failed among delivered",
		DAEMON REPORT("delivery-status", "delivery-status",
			"Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: "
			"rfc822; b@example.org\r\nAction: delivered\r\n\r\n"
			"Final-Recipient: rfc822; c@example.org\r\n"
			"Action: failed\r\n"),
		NULL,
		"bounce: multipart/report; report-type=delivery-status; "
		"message/delivery-status; Action: failed" },
	{ "a receipt",
		ANN REPORT("disposition-notification",
			"disposition-notification",
			"Final-Recipient: rfc822; ann@example.org\r\n"
			"Disposition: manual-action/MDN-sent-manually; "
			"displayed\r\n"),
		NULL,
		"receipt: multipart/report; "
		"report-type=disposition-notification; "
		"message/disposition-notification" },
	{ "a script's refusal is a bounce, though it is a receipt (RFC 5429)",
		DAEMON "Subject: Automatically rejected mail\r\n" REPORT(
			"disposition-notification", "disposition-notification",
			"Final-Recipient: rfc822; b@example.org\r\n"
			"Disposition: automatic-action/MDN-sent-automatically;"
			" deleted\r\n"),
		NULL,
		"bounce: multipart/report; "
		"report-type=disposition-notification; "
		"message/disposition-notification; deleted and rejected" },
	{ "words and a null sender",
		"Return-Path: <>\r\n" DAEMON
		"Subject: Unzustellbar: Angebot\r\n\r\nx\r\n",
		NULL,
		"bounce: Subject: Unzustellbar: Angebot; null sender; From: "
		"MAILER-DAEMON@mx.example.net" },
	{ "the same from a person is his mail",
		ANN "Subject: Unzustellbar: Angebot\r\n\r\nWhy?\r\n", NULL,
		"ordinary" },
	{ "the envelope counts before Return-Path",
		"Return-Path: <>\r\nFrom: info@example.org\r\n" TO
		"Subject: Undeliverable: x\r\n\r\nx\r\n",
		"ann@example.org", "ordinary" },
	{ "a subject of a bounce, but the program goes on",
		"Return-Path: <>\r\n" DAEMON "Subject: Delivery failure\r\n"
		"\r\nDelivery attempts will continue to be made.\r\n",
		NULL,
		"delay: Subject: Delivery failure; null sender; From: "
		"MAILER-DAEMON@mx.example.net; text: attempts will continue" },
	{ "capital letters of other alphabets",
		"Return-Path: <>\r\nFrom: a@example.org\r\n" TO
		"Subject: =?utf-8?B?"
		"0J3QtSDQtNC+0YHRgtCw0LLQu9C10L3Qvg==?=\r\n\r\nx\r\n",
		NULL,
		"bounce: Subject: \xd0\x9d\xd0\xb5 "
		"\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2\xd0\xbb\xd0"
		"\xb5\xd0\xbd\xd0\xbe; null sender" },
	{ "an answering machine says so",
		ANN "Auto-Submitted: auto-replied (vacation)\r\n\r\nx\r\n",
		NULL, "auto-reply: Auto-Submitted: auto-replied (vacation)" },
	{ "absence by subject and a field",
		ANN "Subject: Abwesenheitsnotiz: Angebot\r\n"
		    "X-Auto-Response-Suppress: All\r\n\r\nx\r\n",
		NULL,
		"auto-reply: X-Auto-Response-Suppress: All; Subject: "
		"Abwesenheitsnotiz: Angebot" },
	{ "absence by a program's words and a short text",
		ANN "Subject: Automatic reply: Offer\r\n\r\nI am out of the "
		    "office until Monday.\r\n",
		NULL,
		"auto-reply: Subject: Automatic reply: Offer; text: out of the "
		"office" },
	{ "an answer to such a subject is a person's",
		ANN "Subject: Re: Automatic reply: Offer\r\n\r\nI saw that "
		    "you are out of the office.\r\n",
		NULL, "ordinary" },
	{ "a form that a shop sends for a customer is the customer's",
		"From: noreply@example.org\r\nReply-To: ann@example.net\r\n" TO
		"Precedence: bulk\r\nSubject: Question\r\n\r\nx\r\n",
		NULL, "ordinary" },
	{ "nobody to answer to, in bulk",
		"From: noreply@example.org\r\n" TO
		"Precedence: bulk\r\nSubject: Backup\r\n\r\nx\r\n",
		NULL,
		"auto-generated: From: noreply@example.org; Precedence: bulk" },
	{ "an invitation, though a program sent it",
		ANN "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
		    "Content-Type: text/calendar; method=REQUEST\r\n\r\n"
		    "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
		NULL, "calendar: text/calendar; method=request" },
	{ "a proof of being a person is asked",
		"From: ann@example.org\r\n" TO "Precedence: bulk\r\n"
		"Subject: Please confirm your message\r\n\r\nx\r\n",
		NULL, "challenge: Subject: Please confirm your message" },
	{ "a list", ANN "List-Id: Shop <shop.example.org>\r\n\r\nx\r\n", NULL,
		"list: List-Id: Shop <shop.example.org>" },
	{ "DMARC's sum",
		"From: noreply@example.org\r\n" TO
		"Subject: Report domain: example.com Submitter: example.org "
		"Report-ID: 7\r\nMIME-Version: 1.0\r\n"
		"Content-Type: application/zip; name=a.zip\r\n\r\nx\r\n",
		NULL, "feedback-report: dmarc-aggregate report" },
	{ "it was here before", ANN "X-Mailmill-Loop: x\r\n\r\nx\r\n", NULL,
		"loop: X-Mailmill-Loop: it was here before" },
	{ "X-Loop of the address where it is",
		ANN "Delivered-To: shop@example.com\r\nX-Loop: "
		    "shop@example.com\r\n\r\nx\r\n",
		NULL, "loop: X-Loop: shop@example.com, where it is now" },
	{ "X-Loop of a list is none",
		ANN "Delivered-To: ann@example.com\r\nX-Loop: "
		    "list@example.net\r\n\r\nx\r\n",
		NULL, "ordinary" },
};

TEST(kinds)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf out = BUF_INIT(4096);
		AUTO(mail) struct mail *m = parse(rows[i].mail);

		write_kind(&out, m, rows[i].sender);
		is_str(buf_view(&out), rows[i].kind, rows[i].name);
	}
}

#define LIST(fields) ANN fields "\r\nx\r\n"

static const struct {
	const char *name, *mail, *post, *list_name;
} lists[] = {
	{ "RFC 2369",
		LIST("List-Id: \"The shop\" <shop.example.org>\r\n"
		     "List-Post: <mailto:shop@example.org?subject=x>\r\n"),
		"shop@example.org", "The shop" },
	{ "ezmlm",
		LIST("Mailing-List: contact shop-help@example.org; run by "
		     "ezmlm\r\n"),
		"shop@example.org", "shop" },
	{ "Majordomo",
		LIST("Sender: owner-shop@example.org\r\nPrecedence: bulk\r\n"),
		"shop@example.org", "shop" },
	{ "SmartList", LIST("X-Mailing-List: <shop@example.org> archive/7\r\n"),
		"shop@example.org", "shop" },
	{ "LISTSERV: sent by the receiver",
		"From: ann@example.org\r\nTo: SHOP@EXAMPLE.ORG\r\nSender: The "
		"Shop <SHOP@EXAMPLE.ORG>\r\nApproved-By: b@example.org\r\n"
		"\r\nx\r\n",
		"SHOP@EXAMPLE.ORG", "The Shop" },
	{ "none", LIST("Sender: shop@example.org\r\n"), "", "" },
};

TEST(lists_of_all_sorts)
{
	for (size_t i = 0; i < COUNT(lists); i++) {
		AUTO(mail) struct mail *m = parse(lists[i].mail);
		const struct mail_list *l = mail_list(m);

		is_str(l->post, lists[i].post, lists[i].name);
		is_str(l->name, lists[i].list_name, lists[i].name);
	}
}

TEST(how_to_leave_a_list)
{
	AUTO(mail) struct mail *m = parse(
		LIST("List-Unsubscribe: <mailto:leave@example.org>,\r\n"
		     " <https://example.org/leave?x=1>\r\n"
		     "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
		     "List-Help: https://example.org/help\r\n"));
	const struct mail_list *l = mail_list(m);
	struct str value;

	is_str(l->unsubscribe_mailto, "mailto:leave@example.org", "by mail");
	is_str(l->unsubscribe_https, "https://example.org/leave?x=1", "by web");
	is_true(l->is_one_click, "by one click");
	is_str(l->help, "https://example.org/help", "without < and >");
	is_int(mail_value(m, STR("list.unsubscribe.https"), &value), 0,
		"value");
	is_str(value, "https://example.org/leave?x=1", "for rules");
}

TEST(complaints)
{
	AUTO(mail) struct mail *m = parse(
		ANN REPORT("feedback-report", "feedback-report",
			"Feedback-Type: abuse\r\nUser-Agent: Mill/1\r\n"
			"Original-Rcpt-To: <a@example.com>\r\n"
			"Original-Rcpt-To: <b@example.com>\r\nIncidents: 3\r\n"
			"Source-IP: 192.0.2.1 (mx.example.org)\r\n"
			"Original-Mail-From: <shop@example.com>\r\n"));
	const struct mail_feedback *f = mail_feedback(m);

	must(f);
	is_str(f->type, "abuse", "type");
	is_str(f->user_agent, "Mill/1", "user agent");
	is_int((int)f->n_original_rcpt_to, 2, "recipients");
	is_str(f->original_rcpt_to[1], "b@example.com", "without < and >");
	is_str(f->source_ip, "192.0.2.1", "the address alone");
	is_int((int)f->incidents, 3, "incidents");
}

static struct str fingerprint(struct mail *m)
{
	struct str s;

	must(mail_value(m, STR("fingerprint"), &s) == 0);
	return s;
}

#define INVOICE(id, date, re, text, file)                                      \
	"From: Ann <Ann@Example.org>\r\nMessage-ID: <" id "@example.org>\r\n"  \
	"Date: " date "\r\nSubject: " re "Invoice\r\nMIME-Version: 1.0\r\n"    \
	"Content-Type: multipart/mixed; boundary=" id "\r\n\r\n--" id          \
	"\r\n\r\n" text "\r\n--" id "\r\nContent-Type: application/pdf; "      \
	"name=a.pdf\r\n\r\n" file "\r\n--" id "--\r\n"

TEST(a_loop_has_one_fingerprint)
{
	AUTO(mail) struct mail *first = parse(
		INVOICE("a1", "Wed, 25 Nov 2026 10:00:00 +0000", "",
			"Please pay, sent 10:00:00 on 2026-11-25.", "one"));
	AUTO(mail) struct mail *again = parse(INVOICE("b2",
		"Wed, 25 Nov 2026 11:30:00 +0000",
		"Re: ", "Please  pay, sent 11:30:00 on 2026-11-25.", "one"));
	AUTO(mail) struct mail *file = parse(
		INVOICE("c3", "Wed, 25 Nov 2026 10:00:00 +0000", "",
			"Please pay, sent 10:00:00 on 2026-11-25.", "two"));
	AUTO(mail) struct mail *order = parse(
		INVOICE("d4", "Wed, 25 Nov 2026 10:00:00 +0000", "",
			"Please pay 17, sent 10:00:00 on 2026-11-25.", "one"));

	is_true(str_eq(fingerprint(first), fingerprint(again)),
		"another id, date, time and Re: change nothing");
	is_true(!str_eq(fingerprint(first), fingerprint(file)),
		"another file is another mail");
	is_true(!str_eq(fingerprint(first), fingerprint(order)),
		"and so is another number");
}
