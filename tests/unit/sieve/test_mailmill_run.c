/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_mailmill_run.c - what rules ask for, when, and that plans are valid. */
#include "test.h"

#include <mailmill/sieve.h>

#define HEAD "require [\"variables\", \"vnd.mailmill\"];\n"
#define MESSAGE                                                                \
	"From: Ann <ann@example.org>\r\nSubject: x\r\n"                        \
	"References: <1@example.org> <2@example.org>\r\n"                      \
	"In-Reply-To: <3@example.org>\r\n\r\nHello.\r\n"

static struct plan *evaluate(struct arena *a, const char *source,
	const char *message, const struct facts *facts)
{
	AUTO(sieve) struct sieve_script *s = NULL;
	struct mail *mail = NULL;
	struct sieve_diags d = { .arena = a };
	struct envelope env = { .sender = STR("ann@example.org") };
	struct plan *plan = NULL;
	struct err err = { 0 };

	mail_init();
	must(sieve_compile("rule.sieve", str_c(source),
		     sieve_settings_default(), &d, &s) == 0);
	must(mail_parse(str_c(message), &mail, &err) == 0);
	is_int(sieve_eval(s, mail, &env, facts, a, &plan, &err), 0, source);
	/* what it lent from mail and script is copied by the codec */
	{
		AUTO(buf) struct buf b = BUF_INIT(16 << 20);
		struct plan *copy = NULL;
		plan_encode(&b, plan);
		is_int(plan_decode(a, arena_str(a, buf_view(&b)), &copy, &err),
			0, err.text);
		plan = copy;
	}
	mail_free(mail);
	return plan;
}

static const struct row {
	const char *name, *source;
	size_t n_questions;
	const char *fail;
} rows[] = {
	{ "independent questions are asked together",
		HEAD "find :where [\"Email\", \"${mail.from}\"] \"Contact\" "
		     "\"a\";\n"
		     "find :where [\"Email\", \"${mail.from}\"] \"Lead\" "
		     "\"b\";\n"
		     "if thread \"Case\" \"c\" { stop; }\n"
		     "find :where [\"Email\", \"${mail.from}\"] \"User\" "
		     "\"d\";\n",
		3, "" },
	{ "the same question is asked once",
		HEAD "find :where [\"Email\", \"a@x\"] \"Contact\" \"a\";\n"
		     "find :where [\"Email\", \"a@x\"] \"Contact\" \"b\";\n",
		1, "" },
	{ "a question that needs an answer waits for it",
		HEAD "find :where [\"Email\", \"a@x\"] :fields \"AccountId\" "
		     "\"Contact\" \"a\";\n"
		     "find :where [\"Id\", \"${a.AccountId}\"] \"Account\" "
		     "\"b\";\n"
		     "find :where [\"Email\", \"a@x\"] \"Lead\" \"c\";\n",
		2, "" },
	{ "a field that waits stops nothing",
		HEAD "find :where [\"Email\", \"a@x\"] \"Contact\" \"a\";\n"
		     "create \"Case\" { field \"ContactId\" \"${a.Id}\"; }\n"
		     "find :where [\"Email\", \"a@x\"] \"Lead\" \"c\";\n",
		2, "" },
	{ "what fails behind a question does not count yet",
		HEAD "find :where [\"Email\", \"a@x\"] \"Contact\" \"a\";\n"
		     "fail \"no\";\n",
		1, "" },
	{ "a variable that waits ends the evaluation",
		HEAD "find :where [\"Email\", \"a@x\"] \"Contact\" \"a\";\n"
		     "set \"x\" \"${a.Id}\";\n"
		     "find :where [\"Email\", \"a@x\"] \"Lead\" \"c\";\n",
		1, "" },
	{ "nothing is asked with an empty value",
		HEAD "find :where [\"Email\", \"${mail.cc}\"] \"Contact\" "
		     "\"a\";\n",
		0, "" },
	{ "the reason of fail is the admin's own",
		HEAD "fail \"no, ${mail.from}\";\n", 0, "no, ann@example.org" },
	{ "an error names file and line",
		HEAD "find :where [\"Email\", \"${mail.cc}\"] \"Contact\" "
		     "\"a\";\nupdate \"a\" { field \"A\" \"x\"; }\n",
		0,
		"rule.sieve: line 3: there is no record 'a': nothing was found "
		"or created under this name" },
};

TEST(questions_are_gathered)
{
	struct facts none = { .now = 1 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct plan *p = evaluate(a, rows[i].source, MESSAGE, &none);
		is_int(p->n_questions, rows[i].n_questions, rows[i].name);
		is_str(p->fail, rows[i].fail, rows[i].name);
	}
}

TEST(a_thread_is_asked_by_its_ids_nearest_first)
{
	AUTO(arena) struct arena *a = arena_new();
	struct facts none = { .now = 1 };
	struct plan *p = evaluate(
		a, HEAD "if thread \"Case\" \"c\" { }\n", MESSAGE, &none);

	is_int(p->n_questions, 1, "one question");
	is_int(p->questions[0].n_ids, 3, "three ids");
	is_str(p->questions[0].ids[0], "3@example.org", "In-Reply-To first");
	is_str(p->questions[0].ids[1], "2@example.org", "then the last");
}

TEST(no_ids_no_question)
{
	AUTO(arena) struct arena *a = arena_new();
	struct facts none = { .now = 1 };
	struct plan *p = evaluate(a,
		HEAD "if not thread \"Case\" \"c\" { note \"new\"; }\n",
		"Subject: x\r\n\r\n", &none);

	is_int(p->n_questions, 0, "nothing to ask");
	is_int(p->n_notes, 1, "false");
}

/* What a mail brings may not make a plan that its reader refuses. */
TEST(hostile_mails_make_valid_plans)
{
	static const char rule[] = HEAD
		"if thread \"Case\" \"c\" { }\n"
		"find :where [\"Email\", \"${mail.header.x_bad}\"] \"Contact\" "
		"\"s\";\n"
		"create \"Case\" \"case\" { field \"A\" "
		"\"${mail.header.x_bad}\"; }\n"
		"note \"${mail.header.x_bad}\";\n"
		"attach :parts \"all\" \"case\";\n"
		"attach :parts \"message\" \"case\";\n";
	static const char *const mails[] = {
		"",
		"References: <a\x01"
		"b@x> <\x7f@x>\r\nX-Bad: \xff\xfe\x80\r\n\r\n",
		"X-Bad: =?utf-8?B?AAEC?=\r\n"
		"Content-Type: image/png; name=\"../../etc/pass\\\\wd\x01\"\r\n"
		"Content-Transfer-Encoding: x-nonsense\r\n"
		"Content-ID: <\x02@x>\r\n\r\nabc",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		"--b\r\nContent-Type: a\x01/b\x02; name=\"/\"\r\n"
		"Content-Disposition: attachment; filename=\"/\"\r\n\r\nx\r\n"
		"--b\r\nContent-Disposition: attachment; filename=\"\"\r\n"
		"Content-Transfer-Encoding: x-uuencode\r\n\r\n"
		"begin 644 a/b\r\n#0V%T\r\n`\r\nend\r\n--b--\r\n",
	};
	struct facts none = { .now = 1 };

	for (size_t i = 0; i < COUNT(mails); i++) {
		AUTO(arena) struct arena *a = arena_new();
		is_true(evaluate(a, rule, mails[i], &none) != NULL, "a plan");
	}
}

TEST(more_skipped_files_than_notes_make_a_valid_plan)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf mail = BUF_INIT(1 << 20);
	struct facts none = { .now = 1 };
	struct plan *p;

	buf_c(&mail, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 1200; i++)
		buf_printf(&mail,
			"--b\r\nContent-Disposition: attachment; "
			"filename=f%d\r\n\r\nx\r\n",
			i);
	buf_c(&mail, "--b--\r\n");
	p = evaluate(a,
		HEAD "create \"Case\" \"c\" { field \"A\" \"x\"; }\n"
		     "attach :skip \"duplicate\" \"c\";\n",
		mail.p, &none);
	is_true(p != NULL, "a plan");
	is_true(p && p->n_records == 1 && p->records[0].n_files == 1,
		"one file");
}

TEST(a_text_beyond_the_plan_s_limit_keeps_the_mail_as_a_file)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf mail = BUF_INIT(8 << 20);
	struct facts none = { .now = 1 };
	struct plan *p;

	buf_c(&mail, "Subject: x\r\n\r\n");
	while (mail.len < (3 << 20))
		buf_c(&mail,
			"a line of a very long text, \xc3\xa4\xc3\xb6\r\n");
	p = evaluate(a,
		HEAD "create \"Case\" { field :overflow \"file\" \"A\" "
		     "\"${mail.text}\"; field :overflow \"file\" \"B\" "
		     "\"${mail.text}\"; }\n",
		mail.p, &none);
	is_int(p->records[0].n_files, 1, "once");
	is_str(p->records[0].files[0].name, "message.eml", "the mail");
	is_int(p->records[0].files[0].size, mail.len, "all of it");
	is_int(p->n_notes, 2, "told");
	p = evaluate(a,
		HEAD "create \"Case\" { field \"A\" \"${mail.text}\"; }\n",
		mail.p, &none);
	is_true(p->fail.len > 0, "without :overflow it fails");
}
