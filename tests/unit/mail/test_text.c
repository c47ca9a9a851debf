/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_text.c - HTML to text, replies without quotes, kinds of mail. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

static const struct html_row {
	const char *name, *html, *text;
} html_rows[] = {
	{ "paragraphs", "<p>a</p><p>b</p>", "a\n\nb" },
	{ "line breaks", "a<br>b<br><br>c", "a\nb\n\nc" },
	{ "divs", "<div>a</div><div>b</div>", "a\nb" },
	{ "empty line of Gmail", "<div>a</div><div><br></div><div>b</div>",
		"a\n\nb" },
	{ "blanks", "  a \n  b&nbsp;c ", "a b c" },
	{ "inline tags", "a<b>b</b><i> c</i>", "ab c" },
	{ "entities", "&lt;a&gt; &amp; &auml; &#8364;",
		"<a> & \xc3\xa4 \xe2\x82\xac" },
	{ "script and style",
		"<style>p{}</style>a<script>if (a<b) x();</script>b", "ab" },
	{ "a link that holds what we mark cells with",
		"<a href=\"http://x.org/&#14;\x1a\x1d\">a</a>",
		"a <http://x.org/>" },
	{ "head", "<html><head><title>t</title></head><body>a</body>", "a" },
	{ "hidden",
		"a<div style=\"Display: none\">x<p>y</div>b<span hidden>z"
		"</span>",
		"ab" },
	{ "comment", "a<!-- <p>x</p> -->b", "ab" },
	{ "list", "<ul><li>a</li><li>b</li></ul>", "- a\n- b" },
	{ "ordered list", "x<ol><li>a<li>b</ol>y", "x\n\n1. a\n2. b\n\ny" },
	{ "nested list", "<ul><li>a<ul><li>b</ul><li>c</ul>",
		"- a\n  - b\n- c" },
	{ "table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c<td>d</table>",
		"a\tb\nc\td" },
	{ "link", "<a href=\"http://x.test/\">here</a>.",
		"here <http://x.test/>." },
	{ "link that is its text",
		"<a href=\"http://x.test\">http://x.test</a>",
		"http://x.test" },
	{ "mail link", "<a href=\"mailto:a@b.c\">a@b.c</a>", "a@b.c" },
	{ "script link", "<a href=\"javascript:x\">a</a>", "a" },
	{ "image", "<img src=x alt=\"Logo\"> a", "Logo a" },
	{ "quote",
		"a<blockquote>b<br>c<blockquote>d</blockquote></blockquote>e",
		"a\n\n> b\n> c\n>\n> > d\n\ne" },
	{ "preformatted", "<pre>a\n  b</pre>", "a\n  b" },
	{ "cells with paragraphs are cells all the same",
		"<table><tr><td><p>a</p></td><td>&nbsp;</td><td><p>b</p></td>"
		"</tr></table>c",
		"a\t\tb\nc" },
	{ "a cell of two lines",
		"<table><tr><td>Name</td><td>Ann<br>Bee</td></tr></table>",
		"Name\tAnn Bee" },
	{ "a table for the layout",
		"<table><tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr>"
		"</table></td></tr></table>",
		"a\nb\tc" },
	{ "spacers are no cells",
		"<table><tr><td>&nbsp;</td><td>a</td><td></td></tr></table>b",
		"a\nb" },
	{ "shrunk to nothing",
		"<div style=\"font-size:0px;max-height:0;overflow:hidden\">x"
		"</div><p style=\"font-size:0px;padding:1px\">a</p>",
		"a" },
	{ "a pixel that tells", "<img width=1 height=1 alt=x>a", "a" },
	{ "Word's paragraphs are lines",
		"<p class=MsoNormal>a</p><p class=MsoNormal><o:p>&nbsp;</o:p>"
		"</p><p class=MsoNormal>b</p>",
		"a\n\nb" },
	{ "Word's conditions", "<![if !mso]>a<![endif]>", "a" },
	{ "entities without their end", "a&nbsp b &copy c", "a  b \xc2\xa9 c" },
	{ "numbers of windows-1252", "&#146;&#x80;",
		"\xe2\x80\x99\xe2\x82\xac" },
	{ "what nobody sees",
		"a\xe2\x80\x8b"
		"b \xe2\x80\x8c\xc2\xa0\xe2\x80\x8c",
		"ab" },
	{ "controls",
		"a\x01\x0e\x1d"
		"b",
		"ab" },
	{ "white space that counts",
		"<div style=\"white-space: pre-wrap\">a\n  b</div>", "a\n  b" },
	{ "a list that begins at three", "<ol start=3><li><p>a</p></ol>",
		"3. a" },
	{ "a quote by Word's line",
		"a<div style=\"border:none;border-left:solid blue 1.5pt\">b"
		"</div>",
		"a\n\n> b" },
	{ "a link that says no more",
		"<a href=\"https://www.x.test/\">x.test</a>", "x.test" },
	{ "never closed", "<p><b>a<p>b", "a\n\nb" },
	{ "no tags", "a b", "a b" },
	{ "empty", "", "" },
};

TEST(makes_text_of_html)
{
	mail_init();
	for (size_t i = 0; i < COUNT(html_rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		is_str(mail_html_to_text(a, str_c(html_rows[i].html)),
			html_rows[i].text, html_rows[i].name);
	}
}

static const struct reply_row {
	const char *name, *text, *reply, *signature;
} reply_rows[] = {
	{ "no quote", "Hello\n\nworld", "Hello\n\nworld", "" },
	{ "Gmail",
		"Yes.\n\nOn Mon, May 4, 2020 at 10:12 AM Ann <a@b.c> wrote:\n"
		"\n> Shall we?\n> Ann\n",
		"Yes.", "" },
	{ "attribution in two lines",
		"Yes.\n\nOn Mon, May 4, 2020 at 10:12 AM Ann Miller\n"
		"<a@b.c> wrote:\n> Shall we?\n",
		"Yes.", "" },
	{ "German", "Ja.\n\nAm 04.05.2020 um 10:12 schrieb Ann:\n> Gut?\n",
		"Ja.", "" },
	{ "French",
		"Oui.\n\nLe 4 mai 2020 \xc3\xa0 10:12, Ann a \xc3\xa9"
		"crit :\n> Bien ?\n",
		"Oui.", "" },
	{ "Outlook",
		"Yes.\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\n"
		"To: Bob\nSubject: x\n\nShall we?\n",
		"Yes.", "" },
	{ "Outlook without a rule",
		"Yes.\n\nFrom: Ann <a@b.c>\nSent: Monday, May 4, 2020 10:12\n"
		"To: Bob <b@b.c>\nSubject: x\n\nShall we?\n",
		"Yes.", "" },
	{ "Outlook in German",
		"Ja.\n\nVon: Ann\nGesendet: Montag\nAn: Bob\nBetreff: x\n\n"
		"Gut?\n",
		"Ja.", "" },
	{ "no line of the sender's is taken for an attribution",
		"Yes.\nOn 3 May 2026 at 10:04, Ann <a@b.c> wrote:\n\n> Shall "
		"we?",
		"Yes.", "" },
	{ "an attribution without a verb that we know, over two lines",
		"Yes.\n\nLe 4 janv. 2016 19:03, \"Ann\"\n<a@b.c> :\n\n> Shall?",
		"Yes.", "" },
	{ "date and name right above the quote",
		"Yes.\n\n2016-03-03 17:21 GMT+01:00 Ann\n> Shall we?", "Yes.",
		"" },
	{ "an answer with a date above a quote is no attribution",
		"It was on 3 May.\n> When was it?", "It was on 3 May.", "" },
	{ "ruled attribution", "Yes.\n\n---- Ann Bee wrote ----\n\nShall we?",
		"Yes.", "" },
	{ "bars", "Yes.\n\nOn 3 May, Ann wrote\n| Shall we?\n|\n| Ann", "Yes.",
		"" },
	{ "a link torn out of the quote",
		"Yes.\n\n> see\n(http://example.org/a\n> b)", "Yes.", "" },
	{ "a block that begins with the date",
		"Yes.\n\n________\nDate: 3 May\nTo: b@c.d\nFrom: a@b.c\n\nText",
		"Yes.", "" },
	{ "quote without attribution", "Yes.\n\n> Shall we?\n> Ann", "Yes.",
		"" },
	{ "inline answers are all kept",
		"On 4 May 2020, at 10:12, Ann wrote:\n> one?\nYes.\n> two?\n"
		"No.\n",
		"On 4 May 2020, at 10:12, Ann wrote:\n> one?\nYes.\n> two?\n"
		"No.",
		"" },
	{ "answer below", "On 4 May 2020, at 10:12, Ann wrote:\n> one?\n\nYes.",
		"Yes.", "" },
	{ "signature", "Yes.\n\n-- \nAnn Miller\n+49 1", "Yes.",
		"Ann Miller\n+49 1" },
	{ "signature above the quote",
		"Yes.\n-- \nBob\n\nOn 4 May 2020, at 10:12, Ann wrote:\n> x\n",
		"Yes.", "Bob" },
	{ "mobile", "Yes.\n\nSent from my iPhone", "Yes.",
		"Sent from my iPhone" },
	{ "the reply is what stands above a forwarded mail",
		"Look:\n\n---------- Forwarded message ---------\nFrom: Ann\n"
		"Date: x\nSubject: y\n\ntext",
		"Look:", "" },
	{ "a forwarded mail without a word stays",
		"---------- Forwarded message ---------\nFrom: Ann\n"
		"Date: x\nSubject: y\n\ntext",
		"---------- Forwarded message ---------\nFrom: Ann\n"
		"Date: x\nSubject: y\n\ntext",
		"" },
	{ "nothing but a quote stays", "> a\n> b", "> a\n> b", "" },
	{ "a sentence is no attribution",
		"My boss wrote:\nyou owe me 5 euros.\n",
		"My boss wrote:\nyou owe me 5 euros.", "" },
	{ "a date is no attribution",
		"On 5 May you wrote:\nwe pay.\nYou did not.",
		"On 5 May you wrote:\nwe pay.\nYou did not.", "" },
	{ "a verb that nobody knows, with all else there",
		"Da.\n\n2020\xe5\xb9\xb4"
		"5\xe6\x9c\x88"
		"4\xe6\x97\xa5 10:12 "
		"Ann <a@b.c>:\n\nShall we?",
		"Da.", "" },
	{ "a closing with its name",
		"Yes.\n\nKind regards,\nAnn Bee\n+49 30 1234567", "Yes.",
		"Kind regards,\nAnn Bee\n+49 30 1234567" },
	{ "a postscript is the sender's",
		"Yes.\n\nRegards\nAnn\n\nPS: send it to Bob, too",
		"Yes.\n\nPS: send it to Bob, too", "Regards\nAnn" },
	{ "a question below a closing is the sender's",
		"Yes.\n\nThanks\nAnd when will it come?",
		"Yes.\n\nThanks\nAnd when will it come?", "" },
	{ "a closing below the quote is all he wrote",
		"On 4 May 2020, at 10:12, Ann wrote:\n> one?\n\nThanks!\nBob",
		"Thanks!\nBob", "" },
	{ "a name with ways to reach it",
		"Yes.\n\nAnn Bee\nann@example.org\nwww.example.org", "Yes.",
		"Ann Bee\nann@example.org\nwww.example.org" },
	{ "a sentence is no mobile's mark",
		"Yes.\n\nSent from my desk, easier than my phone",
		"Yes.\n\nSent from my desk, easier than my phone", "" },
	{ "mobile, the verb at the end",
		"Hai.\n\niPhone\xe3\x81\x8b\xe3\x82\x89\xe9\x80\x81\xe4\xbf"
		"\xa1",
		"Hai.",
		"iPhone\xe3\x81\x8b\xe3\x82\x89\xe9\x80\x81\xe4\xbf"
		"\xa1" },
	{ "a disclaimer",
		"Yes.\n\nThis e-mail and any attachments are confidential. If\n"
		"you are not the intended recipient, delete it.",
		"Yes.",
		"This e-mail and any attachments are confidential. If\n"
		"you are not the intended recipient, delete it." },
	{ "a list's footer",
		"Yes.\n\n_______________________________________________\n"
		"x mailing list\nhttp://lists.example.org/x",
		"Yes.",
		"_______________________________________________\n"
		"x mailing list\nhttp://lists.example.org/x" },
	{ "a banner",
		"CAUTION: This email originated from outside. Do not click\n"
		"links or open attachments unless you know the sender.\n\nYes.",
		"Yes.", "" },
	{ "a tag in front of the sender's words stays",
		"[EXTERNAL] Please click the button.",
		"[EXTERNAL] Please click the button.", "" },
	{ "a helpdesk's line",
		"Ja.\n\n-- Bitte antworten Sie oberhalb dieser Linie --\nalt",
		"Ja.", "" },
	{ "a travel booking is no block of fields",
		"Please book:\nFrom: Berlin\nTo: Paris\nDate: 5 May, 10:00\n\n"
		"Ann Bee",
		"Please book:\nFrom: Berlin\nTo: Paris\nDate: 5 May, 10:00\n\n"
		"Ann Bee",
		"" },
	{ "answers inside of unmarked history are kept",
		"My answers inline.\n\nFrom: Ann <a@b.c>\nSent: 4 May 10:12\n"
		"To: b@b.c\nSubject: x\n\nOne? Yes.",
		"My answers inline.\n\nFrom: Ann <a@b.c>\nSent: 4 May 10:12\n"
		"To: b@b.c\nSubject: x\n\nOne? Yes.",
		"" },
	{ "what a program prints is no quote", "It says:\n>>> x = 1\n>>> x",
		"It says:\n>>> x = 1\n>>> x", "" },
	{ "field lines of a form stay",
		"From: Berlin\nTo: Paris\n\nPlease book.",
		"From: Berlin\nTo: Paris\n\nPlease book.", "" },
	{ "empty", "", "", "" },
};

static struct mail *parse(const char *raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	is_int(mail_parse(str_c(raw), &m, &err), 0, "parses");
	return m;
}

TEST(splits_replies)
{
	for (size_t i = 0; i < COUNT(reply_rows); i++) {
		const struct reply_row *r = &reply_rows[i];
		AUTO(buf) struct buf b = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		struct str signature;
		buf_printf(&b, "Subject: x\n\n%s", r->text);
		m = parse(b.p);
		is_str(mail_reply(m), r->reply, r->name);
		is_int(mail_value(m, STR("signature"), &signature), 0, r->name);
		is_str(signature, r->signature, r->name);
	}
}

static const struct mark_row {
	const char *name, *html, *reply, *quoted, *signature;
} mark_rows[] = {
	{ "an attribution in a language that nobody knows",
		"<div>a</div><div class=\"moz-cite-prefix\">Xx 5:</div>"
		"<blockquote type=cite>b</blockquote>",
		"a", "Xx 5:\n\n> b", "" },
	{ "Outlook's answer",
		"<div>a</div><div id=\"x_divRplyFwdMsg\">Xx: Ann</div><p>b</p>",
		"a", "Xx: Ann\n\nb", "" },
	{ "Yahoo's", "a<div class=\"yahoo_quoted\">b<p>c</p></div>", "a",
		"b\n\nc", "" },
	{ "Gmail's, with answers inside",
		"<div class=gmail_quote><div class=gmail_attr>Xx:</div>"
		"<blockquote class=gmail_quote>b</blockquote><div>c</div>"
		"<blockquote class=gmail_quote>d</blockquote>e</div>",
		"Xx:\n\n> b\n\nc\n\n> d\n\ne", "", "" },
	{ "a signature",
		"a<div>-- <br><div class=\"gmail_signature\">Ann<br>Bee</div>"
		"</div>",
		"a", "", "Ann\nBee" },
	{ "nothing but history stays", "<div class=yahoo_quoted>b</div>", "b",
		"", "" },
};

TEST(splits_html)
{
	for (size_t i = 0; i < COUNT(mark_rows); i++) {
		const struct mark_row *r = &mark_rows[i];
		AUTO(buf) struct buf b = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		buf_printf(&b, "Content-Type: text/html\n\n%s", r->html);
		m = parse(b.p);
		is_str(mail_reply(m), r->reply, r->name);
		is_str(mail_quoted(m), r->quoted, r->name);
		is_str(mail_signature(m), r->signature, r->name);
	}
}

#define REPORT(type, part)                                                     \
	"Content-Type: multipart/report; report-type=" type "; boundary=b\n\n" \
	"--b\n\ntext\n--b\n" part "\n--b--\n"
#define STATUS "Content-Type: message/delivery-status\n\nReporting-MTA: x\n\n"

static const struct kind_row {
	const char *name, *raw;
	const char *sender; /* NULL: unknown */
	enum mail_kind kind;
} kind_rows[] = {
	{ "ordinary", "From: a@b.c\nSubject: x\n\nhello", "a@b.c",
		MAIL_ORDINARY },
	{ "bounce", REPORT("delivery-status", STATUS "Action: failed"), "",
		MAIL_BOUNCE },
	{ "delay", REPORT("delivery-status", STATUS "Action: delayed"), "",
		MAIL_DELAY },
	{ "delivered", REPORT("delivery-status", STATUS "Action: delivered"),
		"", MAIL_SUCCESS_NOTICE },
	{ "some failed, some relayed",
		REPORT("delivery-status",
			STATUS "Action: relayed\n\nAction: failed"),
		"", MAIL_BOUNCE },
	{ "receipt",
		REPORT("disposition-notification",
			"Content-Type: message/disposition-notification\n\nx"),
		"", MAIL_RECEIPT },
	{ "feedback",
		REPORT("feedback-report",
			"Content-Type: message/feedback-report\n\nx"),
		"x@y", MAIL_FEEDBACK_REPORT },
	{ "old bounce",
		"From: MAILER-DAEMON@b.c\nSubject: failure notice\n\nHi. This "
		"is the qmail-send program at b.c.",
		"", MAIL_BOUNCE },
	{ "Exim",
		"From: x@b.c\nX-Failed-Recipients: a@b.c\nSubject: Mail "
		"delivery failed\n\nx",
		"", MAIL_BOUNCE },
	{ "Exim's warning",
		"From: Mailer-Daemon@b.c\nSubject: Warning: message 1x delayed "
		"24 hours\n\nx",
		"", MAIL_DELAY },
	{ "vacation", "From: a@b.c\nAuto-Submitted: auto-replied\n\nx", "",
		MAIL_AUTO_REPLY },
	{ "old vacation",
		"From: a@b.c\nPrecedence: bulk\nSubject: Out of "
		"office: x\n\nx",
		"a@b.c", MAIL_AUTO_REPLY },
	{ "a subject alone proves nothing",
		"From: a@b.c\nSubject: Out of office hours support?\n\nx",
		"a@b.c", MAIL_ORDINARY },
	{ "a customer complains of bounces",
		"From: a@b.c\nSubject: Undelivered mail\n\nWhy?", "a@b.c",
		MAIL_ORDINARY },
	{ "a null sender alone proves nothing",
		"From: a@b.c\nSubject: question\n\nx", "", MAIL_ORDINARY },
	{ "suppressing answers is no robot's sign",
		"From: a@b.c\nX-Auto-Response-Suppress: All\n\nx", "a@b.c",
		MAIL_ORDINARY },
	{ "Auto-Submitted: no", "From: a@b.c\nAuto-Submitted: no\n\nx", "a@b.c",
		MAIL_ORDINARY },
	{ "cron", "From: root@b.c\nAuto-Submitted: auto-generated\n\nx",
		"root@b.c", MAIL_AUTO_GENERATED },
	{ "list", "From: a@b.c\nList-Id: <l.b.c>\n\nx", "l-bounces@b.c",
		MAIL_LIST },
	{ "invitation",
		"From: a@b.c\nContent-Type: text/calendar; method=REQUEST\n\nx",
		"a@b.c", MAIL_CALENDAR },
	{ "challenge",
		"From: a@b.c\nAuto-Submitted: auto-generated\nSubject: Please "
		"confirm your message\n\nx",
		"", MAIL_CHALLENGE },
	{ "an attached bounce is ordinary",
		"From: a@b.c\nContent-Type: multipart/mixed; boundary=a\n\n"
		"--a\n\nwhy?\n--a\nContent-Type: message/rfc822\n\n" REPORT(
			"delivery-status", STATUS "Action: failed") "--a--\n",
		"a@b.c", MAIL_ORDINARY },
};

TEST(tells_kinds)
{
	for (size_t i = 0; i < COUNT(kind_rows); i++) {
		const struct kind_row *r = &kind_rows[i];
		AUTO(mail) struct mail *m = parse(r->raw);
		is_c(mail_kind_name(mail_kind(m, r->sender)),
			mail_kind_name(r->kind), r->name);
	}
}
