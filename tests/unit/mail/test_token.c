/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_token.c - where a mail has tokens, and what its thread has in common. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

#define T "abcdefghijklmnopqrstuvwxyz234567"
#define U "bbcdefghijklmnopqrstuvwxyz234567"

static struct mail *open_mail(const char *raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	mail_init();
	must(mail_parse(str_c(raw), &m, &err) == 0);
	return m;
}

static const struct row {
	const char *name, *raw, *found; /* "place token", one a line */
} rows[] = {
	{ "plus part", "To: Us <support+mm-" T "@example.org>\n\n",
		"address " T "\n" },
	{ "Message-ID",
		"References: <a@b>\n <1.2@mm-" T ".example.org> <c@d>\n\n",
		"references " T "\n" },
	{ "subject, any case",
		"Subject: Re: [MM:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567] x\n\n",
		"subject " T "\n" },
	{ "new text", "Subject: x\n\nmm:" T "\n", "text " T "\n" },
	{ "quoted text",
		"Subject: x\n\nYes.\n\nOn Mon, May 4, 2020 at 10:12 AM Ann "
		"<a@b.c> wrote:\n> [mm:" T "]\n",
		"quoted " T "\n" },
	{ "signature", "Subject: x\n\nYes.\n-- \n[mm:" T "]\n",
		"quoted " T "\n" },
	{ "each once, where it says most",
		"Subject: [mm:" T "]\n\n[mm:" U "] [mm:" T "]\n",
		"subject " T "\ntext " U "\n" },
	{ "no tokens",
		"Subject: comm:" T " mm:short mm:" T "1 mm:" T T T T "\n\nmm",
		"" },
};

TEST(finds_tokens_and_their_places)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(mail) struct mail *m = open_mail(rows[i].raw);
		AUTO(buf) struct buf b = BUF_INIT(1000);
		const struct mail_token *t;
		size_t n = mail_tokens(m, &t);
		for (size_t k = 0; k < n; k++)
			buf_printf(&b, "%s %.*s\n", t[k].place,
				STR_ARG(t[k].text));
		is_str(buf_view(&b), rows[i].found, rows[i].name);
	}
}

TEST(tells_the_subject_of_a_thread)
{
	AUTO(mail) struct mail *m = open_mail(
		"Subject: AW: [list] The  printer [mm:" T "]\tburns\n\n");

	is_str(mail_thread_subject(m), "the printer burns", "what is common");
}

TEST(tells_who_takes_part)
{
	AUTO(mail) struct mail *m = open_mail(
		"From: Ann <Ann@Example.org>\nTo: bob@x.y, ann@example.org\n"
		"Cc: undisclosed recipients:;, no address\n\n");
	struct str out[5];

	is_int(mail_parties(m, false, out, 5), 2, "each once");
	is_str(out[0], "ann@example.org", "in lower case");
	is_str(out[1], "bob@x.y", "those of To");
	is_int(mail_parties(m, true, out, 5), 1, "authors alone");
	is_int(mail_parties(m, false, out, 1), 1, "no more than asked");
}
