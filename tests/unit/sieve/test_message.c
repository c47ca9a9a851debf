/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_message.c - the message that an action carries: its bytes, exactly, and
 * where they come from.
 */
#include <mailmill/clock.h>

#include "script.h"

/* Boundaries are hashes of what they part. */
static void hide_boundaries(struct buf *b)
{
	static const char name[] = "BOUNDARY";
	ssize_t at, from = 0;

	while ((at = str_find(str_sub(buf_view(b), (size_t)from, b->len),
			STR("=_"))) >= 0) {
		from += at + 2;
		if ((size_t)from + 40 > b->len)
			break;
		memcpy(b->p + from, name, strlen(name));
		memmove(b->p + from + strlen(name), b->p + from + 40,
			b->len - (size_t)from - 40 + 1);
		b->len -= 40 - strlen(name);
	}
}

/* Evaluates; writes a line "ACTION:" and the bytes of each action's message. */
static void check_message(
	const char *source, struct str raw, const char *want, const char *what)
{
	AUTO(buf) struct buf out = BUF_INIT(OUT_MAX);
	AUTO(buf) struct buf told = BUF_INIT(OUT_MAX);
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	AUTO(sieve) struct sieve_script *s = compile_with(
		NULL, str_c(source), &told);
	struct envelope env = { .sender = STR("x@example.org") };
	struct facts facts = { .now = INT64_C(1795521600000) };
	struct plan *plan;
	struct err err = { 0 };

	/* Warnings are of no interest here. */
	is_str(s ? STR_NULL : buf_view(&told), "", what);
	if (!s)
		return;
	mail_init();
	is_int(mail_parse(raw, &mail, &err), 0, what);
	is_int(sieve_eval(s, mail, &env, &facts, a, &plan, &err), 0, what);
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct plan_action *act = &plan->actions[i];

		buf_printf(&out, "%s:\n", plan_action_name(act->kind));
		plan_pieces_write(&out, act->pieces, act->n_pieces, raw);
	}
	buf_str(&out, plan->fail);
	hide_boundaries(&out);
	is_str(buf_view(&out), want, what);
}

#define EDIT "require [\"editheader\", \"fileinto\"]; "
#define MAIL "A: 1\r\nB: 2\r\n folded\r\nA: 3\r\n\r\nbody\r\n"

#define MIME                                                                   \
	"require [\"replace\", \"enclose\", \"foreverypart\", \"mime\", "      \
	"\"editheader\", \"fileinto\", \"copy\"]; "
#define TREE_HEAD                                                              \
	"Subject: old\nFrom: a@example.org\nMIME-Version: 1.0\n"               \
	"Content-Type: multipart/mixed; boundary=b\n\n"
#define TREE_A "Content-Type: text/plain\n\none\n"
#define TREE_B "Content-Type: image/png\n\nPNG\n"
#define TREE TREE_HEAD "pre\n--b\n" TREE_A "--b\n" TREE_B "--b--\nepilogue\n"
#define TEXT(text)                                                             \
	"Content-Type: text/plain; charset=utf-8\n"                            \
	"Content-Transfer-Encoding: 7bit\n\n" text "\n"

static const struct row {
	const char *what, *source, *raw, *want;
} rows[] = {
	{ "as it came", "keep;", MAIL, "keep:\n" MAIL },
	{ "a field at the top", EDIT "addheader \"X\" \"y\";", MAIL,
		"keep:\nX: y\r\n" MAIL },
	{ "a field at the end", EDIT "addheader :last \"X\" \"y\";", MAIL,
		"keep:\nA: 1\r\nB: 2\r\n folded\r\nA: 3\r\nX: "
		"y\r\n\r\nbody\r\n" },
	{ "all of a name gone", EDIT "deleteheader \"a\";", MAIL,
		"keep:\nB: 2\r\n folded\r\n\r\nbody\r\n" },
	{ "all gone", EDIT "deleteheader \"a\"; deleteheader \"b\";", MAIL,
		"keep:\n\r\nbody\r\n" },
	{ "added and gone again",
		EDIT "addheader \"X\" \"y\"; deleteheader \"X\";", MAIL,
		"keep:\n" MAIL },
	{ "each of its time",
		EDIT "fileinto \"a\"; addheader \"X\" \"y\"; "
		     "fileinto \"b\"; deleteheader \"B\"; keep;",
		MAIL,
		"fileinto:\n" MAIL "fileinto:\nX: y\r\n" MAIL
		"keep:\nX: y\r\nA: 1\r\nA: 3\r\n\r\nbody\r\n" },
	{ "line ends as the message has them", EDIT "addheader \"X\" \"y\";",
		"A: 1\n\nbody\n", "keep:\nX: y\nA: 1\n\nbody\n" },
	{ "old line ends", EDIT "addheader :last \"X\" \"y\";",
		"A: 1\r\rbody\r", "keep:\nA: 1\rX: y\r\rbody\r" },
	{ "no fields", EDIT "addheader \"X\" \"y\";", "\r\nbody\r\n",
		"keep:\nX: y\r\n\r\nbody\r\n" },
	{ "no header", EDIT "addheader \"X\" \"y\";", "body\r\n",
		"keep:\nX: y\r\n\r\nbody\r\n" },
	{ "nothing", EDIT "addheader \"X\" \"y\";", "", "keep:\nX: y\r\n" },
	{ "header alone", EDIT "addheader :last \"X\" \"y\";", "A: 1\r\n",
		"keep:\nA: 1\r\nX: y\r\n" },
	{ "no last line end", EDIT "addheader :last \"X\" \"y\";", "A: 1",
		"keep:\nA: 1\r\nX: y\r\n" },
	{ "no last line end, at the top", EDIT "addheader \"X\" \"y\";", "A: 1",
		"keep:\nX: y\r\nA: 1" },
	{ "a lost empty line", EDIT "addheader \"X\" \"y\";",
		"A: 1\r\nno field\r\n",
		"keep:\nX: y\r\nA: 1\r\n\r\nno field\r\n" },
	{ "an mbox line stays the first", EDIT "addheader \"X\" \"y\";",
		"From me\nA: 1\n\nbody\n",
		"keep:\nFrom me\nX: y\nA: 1\n\nbody\n" },
	{ "lines between fields stay", EDIT "deleteheader \"A\";",
		"A: 1\r\n\xc3\xbc: odd\r\nB: 2\r\n\r\nbody\r\n",
		"keep:\n\xc3\xbc: odd\r\nB: 2\r\n\r\nbody\r\n" },
	{ "a part",
		MIME "foreverypart { if header :mime :type \"content-type\" "
		     "\"image\" { replace \"gone\"; } }",
		TREE,
		"keep:\n" TREE_HEAD "pre\n--b\n" TREE_A
		"--b\n" TEXT("gone") "--b--\nepilogue\n" },
	{ "each part",
		MIME "foreverypart { if not header :mime :type "
		     "\"content-type\" \"multipart\" { replace \"gone\"; } }",
		TREE,
		"keep:\n" TREE_HEAD "pre\n--b\n" TEXT("gone") "--b\n" TEXT(
			"gone") "--b--\nepilogue\n" },
	{ "a part as an entity",
		MIME "foreverypart { if header :mime :type \"content-type\" "
		     "\"image\" { replace :mime \"Content-Type: text/x\n\ny\"; "
		     "} }",
		TREE,
		"keep:\n" TREE_HEAD "pre\n--b\n" TREE_A "--b\n"
		"Content-Type: text/x\n\ny\n--b--\nepilogue\n" },
	{ "lines that look like a boundary",
		MIME "foreverypart { if header :mime :type \"content-type\" "
		     "\"image\" { replace \"--b--\"; } }",
		TREE,
		"keep:\n" TREE_HEAD "pre\n--b\n" TREE_A "--b\n"
		"Content-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: base64\n\nLS1iLS0=\n"
		"--b--\nepilogue\n" },
	{ "an entity with the boundary around it",
		MIME "foreverypart { if header :mime :type \"content-type\" "
		     "\"image\" { replace :mime \"A: b\n\n--b--\"; } }",
		TREE,
		"t.sieve: line 1: replace: the text holds '--b', which parts "
		"the message around it" },
	{ "twice",
		MIME "foreverypart { if header :mime :type \"content-type\" "
		     "\"image\" { replace \"first\"; replace \"then\"; } }",
		TREE,
		"keep:\n" TREE_HEAD "pre\n--b\n" TREE_A
		"--b\n" TEXT("then") "--b--\nepilogue\n" },
	{ "inner ones, then the outer one",
		MIME "foreverypart :name \"o\" { foreverypart { if header "
		     ":mime :type \"content-type\" \"image\" { replace "
		     "\"first\"; } } replace \"all\"; break :name \"o\"; }",
		TREE,
		"keep:\nSubject: old\nFrom: a@example.org\nMIME-Version: "
		"1.0\n" TEXT("all") },
	{ "all of it", MIME "replace \"new\";", TREE,
		"keep:\nSubject: old\nFrom: a@example.org\nMIME-Version: "
		"1.0\n" TEXT("new") },
	{ "all of it, said anew",
		MIME "replace :subject \"s\" :from \"B <b@example.org>\" "
		     "\"new\";",
		TREE,
		"keep:\nSubject: s\nOriginal-Subject: old\n"
		"From: \"B\" <b@example.org>\nOriginal-From: a@example.org\n"
		"MIME-Version: 1.0\n" TEXT("new") },
	{ "all of a header alone", MIME "replace \"new\";", "A: 1\n",
		"keep:\nA: 1\nMIME-Version: 1.0\n" TEXT("new") },
	{ "header edits and parts",
		MIME "addheader \"X\" \"y\"; foreverypart { if header :mime "
		     ":type \"content-type\" \"image\" { replace \"gone\"; } } "
		     "fileinto \"a\"; addheader :last \"Z\" \"z\"; "
		     "deleteheader \"subject\"; deleteheader \"x\"; keep;",
		TREE,
		"fileinto:\nX: y\n" TREE_HEAD "pre\n--b\n" TREE_A "--b\n" TEXT(
			"gone") "--b--\nepilogue\n"
				"keep:\nFrom: a@example.org\nMIME-Version: "
				"1.0\n"
				"Content-Type: multipart/mixed; "
				"boundary=b\nZ: z\n\n"
				"pre\n--b\n" TREE_A
				"--b\n" TEXT("gone") "--b--\nepilogue\n" },
	{ "an error leaves nothing",
		"require [\"editheader\", \"ihave\"]; addheader \"X\" \"y\"; "
		"keep; error \"no\";",
		MAIL, "t.sieve: line 1: error: no" },
};

TEST(header_edits)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		check_message(rows[i].source, str_c(rows[i].raw), rows[i].want,
			rows[i].what);
}

TEST(enclosing)
{
	static const char want[] =
		"redirect:\nX-Sieve: mailmill\nX: y\n" TREE
		"keep:\nSubject: old\nFrom: <postmaster@localhost>\n"
		"Date: Tue, 24 Nov 2026 12:00:00 +0000\nMIME-Version: 1.0\n"
		"Content-Type: multipart/mixed;\n "
		"boundary=\"=_BOUNDARY\"\n\n--=_BOUNDARY\n" TEXT(
			"look") "\n--=_BOUNDARY\nContent-Type: "
				"message/rfc822\n\nX: y\n" TREE
				"\n--=_BOUNDARY--\n";

	check_message(MIME "addheader \"X\" \"y\"; enclose \"look\"; "
			   "redirect :copy \"c@example.org\";",
		STR(TREE), want, "enclose");
}

/* Thirty files out of one mail: put together once, not thirty times. */
TEST(many_parts_cost_little)
{
	AUTO(buf) struct buf told = BUF_INIT(OUT_MAX);
	AUTO(buf) struct buf raw = BUF_INIT((size_t)32 << 20);
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	AUTO(sieve) struct sieve_script *s = compile_with(NULL,
		STR(MIME "foreverypart { if header :mime :type "
			 "\"content-type\" \"image\" { replace \"gone\"; "
			 "addheader \"X\" \"y\"; } }"),
		&told);
	struct envelope env = { 0 };
	struct facts facts = { 0 };
	struct plan *plan;
	struct err err = { 0 };

	buf_c(&raw, TREE_HEAD);
	for (int i = 0; i < 30; i++)
		buf_printf(
			&raw, "--b\nContent-Type: image/png\n\n%0600000d\n", 0);
	buf_c(&raw, "--b--\n");
	is_int(mail_parse(buf_view(&raw), &mail, &err), 0, "mail");
	is_int(sieve_eval(s, mail, &env, &facts, a, &plan, &err), 0, "eval");
	is_str(plan->fail, "", "no failure");
	is_true(arena_used(a) < (size_t)2 << 20, "memory");
	plan_pieces_write(&told, plan->actions[0].pieces,
		plan->actions[0].n_pieces, buf_view(&raw));
	is_true(told.len < 6000, "all are gone");
}

TEST(actions_of_one_state_share_their_pieces)
{
	AUTO(buf) struct buf told = BUF_INIT(OUT_MAX);
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	AUTO(sieve) struct sieve_script *s = compile_with(NULL,
		STR(EDIT "addheader \"X\" \"y\"; fileinto \"a\"; fileinto "
			 "\"b\";"),
		&told);
	struct envelope env = { 0 };
	struct facts facts = { 0 };
	struct plan *plan;
	struct err err = { 0 };

	is_int(mail_parse(STR(MAIL), &mail, &err), 0, "mail");
	is_int(sieve_eval(s, mail, &env, &facts, a, &plan, &err), 0, "eval");
	is_int(plan->n_actions, 2, "actions");
	is_true(plan->actions[0].pieces == plan->actions[1].pieces, "shared");
	is_int(plan->actions[0].n_pieces, 2, "the field and the whole mail");
	is_int(plan->actions[0].pieces[1].len, strlen(MAIL), "a range");
}

TEST(a_mail_is_as_it_was_for_the_next_evaluation)
{
	AUTO(buf) struct buf told = BUF_INIT(OUT_MAX);
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	AUTO(sieve) struct sieve_script *s = compile_with(NULL,
		STR(EDIT "if exists \"X\" { discard; } "
			 "addheader \"X\" \"y\"; deleteheader \"A\";"),
		&told);
	struct envelope env = { 0 };
	struct facts facts = { 0 };
	struct plan *plan;
	struct err err = { 0 };
	size_t n;

	is_int(mail_parse(STR(MAIL), &mail, &err), 0, "mail");
	for (int i = 0; i < 2; i++) {
		is_int(sieve_eval(s, mail, &env, &facts, a, &plan, &err), 0,
			"eval");
		is_int(plan->actions[0].kind, PLAN_KEEP, "no X of last time");
		mail_headers(mail, &n);
		is_int(n, 3, "fields");
	}
}

TEST(size_follows_the_header)
{
	check_message(EDIT "if size :over 39 { fileinto \"big\"; } "
			   "addheader \"X\" \"12345678901234567890\"; "
			   "if size :over 59 { fileinto \"grown\"; } "
			   "deleteheader \"X\"; deleteheader \"B\"; "
			   "if size :under 23 { fileinto \"less\"; } discard;",
		STR(MAIL),
		"fileinto:\nX: 12345678901234567890\r\n" MAIL
		"fileinto:\nA: 1\r\nA: 3\r\n\r\nbody\r\ndiscard:\n" MAIL,
		"sizes");
}
