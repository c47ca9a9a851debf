/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_smtp.c - whole dialogues with the LMTP session, cut at every byte.
 *
 * A row is what the client sends, what the replies are (their first words) and
 * what was stored. Each is fed whole, byte by byte, and in two pieces cut at
 * each place; nothing may differ.
 */
#include <mailmill/store.h>

#include "../../../src/source/path.h"
#include "../../../src/source/smtp.h"
#include "test.h"

struct world {
	struct smtp *s;
	struct buf message, stored;
	bool is_open, is_committed;
	int outcome; /* of the next commit: 0, STORE_SEEN, -1 */
	enum err_kind fails_ready, fails_begin, fails_add, fails_commit;
};

static int fail(enum err_kind kind, struct err *err)
{
	return kind ? err_set(err, kind, "asked to fail") : 0;
}

static int on_ready(void *ctx, struct err *err)
{
	return fail(((struct world *)ctx)->fails_ready, err);
}

static bool on_knows(void *ctx, struct str address)
{
	return !str_starts(address, STR("nobody"));
}

static int on_begin(void *ctx, const struct envelope *env, struct err *err)
{
	struct world *w = ctx;

	is_false(w->is_open, "one message at a time");
	if (fail(w->fails_begin, err))
		return -1;
	w->is_open = true;
	buf_clear(&w->message);
	return 0;
}

static int on_add(void *ctx, struct str bytes, struct err *err)
{
	struct world *w = ctx;

	is_true(w->is_open, "adds to an open message");
	if (fail(w->fails_add, err))
		return -1;
	buf_str(&w->message, bytes);
	return 0;
}

static void on_commit(void *ctx, const struct envelope *env, struct str once)
{
	struct world *w = ctx;

	is_true(w->is_open, "commits an open message");
	w->is_open = false;
	w->is_committed = true;
	buf_printf(&w->stored, "%s<%.*s>", w->stored.len ? " " : "",
		STR_ARG(env->sender));
	for (size_t i = 0; i < env->n_rcpts; i++) {
		const struct envelope_rcpt *r = &env->rcpts[i];
		buf_printf(&w->stored, ",%.*s", STR_ARG(r->address));
		if (r->notify.len || r->orcpt.len)
			buf_printf(&w->stored, "(%.*s %.*s)",
				STR_ARG(r->notify), STR_ARG(r->orcpt));
	}
	if (env->ret.len || env->envid.len)
		buf_printf(&w->stored, " ret=%.*s envid=%.*s",
			STR_ARG(env->ret), STR_ARG(env->envid));
	if (env->is_8bit || env->is_binary || env->is_smtputf8)
		buf_printf(&w->stored, " %s%s%s", env->is_8bit ? "8" : "",
			env->is_binary ? "b" : "", env->is_smtputf8 ? "u" : "");
	if (once.len)
		buf_printf(&w->stored, " once=%.4s", once.p);
	if (!str_eq(env->peer, STR("peer")) || env->login.len ||
		!str_eq(env->helo, STR("me")))
		buf_printf(&w->stored, " %.*s %.*s %.*s %.*s",
			STR_ARG(env->peer), STR_ARG(env->helo),
			STR_ARG(env->login), STR_ARG(env->protocol));
	buf_printf(&w->stored, " [%.*s]", STR_ARG(buf_view(&w->message)));
}

static void on_abort(void *ctx)
{
	struct world *w = ctx;

	is_true(w->is_open, "aborts an open message");
	w->is_open = false;
}

static const struct smtp_backend backend = {
	.ready = on_ready,
	.knows = on_knows,
	.begin = on_begin,
	.add = on_add,
	.commit = on_commit,
	.abort = on_abort,
};

static const struct smtp_options options = {
	.host = "mill", .size_max = 100, .rcpts_max = 3, .errors_max = 5
};

/* Feeds it all, carrying out commits. Returns: false when it closed. */
static bool feed(struct world *w, struct str in, struct buf *replies)
{
	struct err err = { .kind = w->fails_commit };
	struct id id = { "ID" };

	do {
		size_t n = smtp_feed(w->s, in);
		in = str_sub(in, n, in.len);
		if (w->is_committed) {
			w->is_committed = false;
			smtp_stored(w->s, w->outcome, &id, &err);
		} else if (n == 0 && !smtp_replies(w->s)->len) {
			break;
		}
		buf_str(replies, buf_view(smtp_replies(w->s)));
		buf_clear(smtp_replies(w->s));
	} while (in.len && !smtp_is_closed(w->s));
	return !smtp_is_closed(w->s);
}

struct row {
	const char *name, *in;
	const char *replies; /* "250 2.1.0|354|421"; a part is a beginning */
	const char *stored;  /* NULL: nothing */
	int outcome;
	enum err_kind fails_ready, fails_begin, fails_add, fails_commit;
	bool is_trusted, is_closed;
};

static void run_cut(const struct row *r, size_t cut, size_t step,
	struct buf *replies, struct buf *stored, bool *is_closed)
{
	struct smtp_client client = { "lmtp", "peer", r->is_trusted,
		r->is_trusted };
	struct world w = { .outcome = r->outcome,
		.fails_ready = r->fails_ready,
		.fails_begin = r->fails_begin,
		.fails_add = r->fails_add,
		.fails_commit = r->fails_commit,
		.message = BUF_INIT(4096),
		.stored = BUF_INIT(4096) };
	struct str in = str_c(r->in);

	w.s = smtp_new(&smtp_lmtp, &options, &client, &backend, &w);
	for (size_t at = 0; at < in.len;) {
		size_t len = at < cut ? cut - at : step;
		if (!feed(&w, str_sub(in, at, len), replies))
			break;
		at += len;
	}
	*is_closed = smtp_is_closed(w.s);
	smtp_free(w.s);
	is_false(w.is_open, r->name);
	buf_str(stored, buf_view(&w.stored));
	buf_fini(&w.message);
	buf_fini(&w.stored);
}

static void check_replies(const struct row *r, struct str got)
{
	struct str want = str_c(r->replies), part, line;

	while (str_cut(&want, '|', &part)) {
		if (!str_cut_line(&got, &line)) {
			test_fail(__FILE__, __LINE__, "%s: no reply \"%.*s\"",
				r->name, STR_ARG(part));
			return;
		}
		if (!str_starts(line, part))
			test_fail(__FILE__, __LINE__,
				"%s: got \"%.*s\", want \"%.*s\"", r->name,
				STR_ARG(line), STR_ARG(part));
	}
	if (str_cut_line(&got, &line))
		test_fail(__FILE__, __LINE__, "%s: one too many: \"%.*s\"",
			r->name, STR_ARG(line));
}

static void run_row(const struct row *r)
{
	size_t len = strlen(r->in);
	AUTO(buf) struct buf whole = BUF_INIT(65536);
	AUTO(buf) struct buf stored = BUF_INIT(65536);
	bool is_closed;

	run_cut(r, 0, len, &whole, &stored, &is_closed);
	check_replies(r, buf_view(&whole));
	is_str(buf_view(&stored), r->stored, r->name);
	is_int(is_closed, r->is_closed, r->name);
	for (size_t cut = 0; cut < len; cut++) {
		AUTO(buf) struct buf replies = BUF_INIT(65536);
		AUTO(buf) struct buf again = BUF_INIT(65536);
		/* cut 0: byte by byte; else in two */
		run_cut(r, cut, cut ? len : 1, &replies, &again, &is_closed);
		if (!str_eq(buf_view(&replies), buf_view(&whole)) ||
			!str_eq(buf_view(&again), buf_view(&stored)))
			test_fail(__FILE__, __LINE__,
				"%s: cut at %zu it differs: \"%.*s\" \"%.*s\"",
				r->name, cut, STR_ARG(buf_view(&replies)),
				STR_ARG(buf_view(&again)));
	}
}

static void run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run_row(&rows[i]);
}

#define HI "LHLO me\r\n"
#define HI_OK                                                                  \
	"220 mill LMTP|250-mill|250-PIPELINING|250-8BITMIME|250-SMTPUTF8|"     \
	"250-SIZE 100|250-CHUNKING|250-BINARYMIME|250-DSN|"                    \
	"250 ENHANCEDSTATUSCODES"
#define MAIL "MAIL FROM:<a@b>\r\n"
#define RCPT "RCPT TO:<c@d>\r\n"
#define TO_DATA HI MAIL RCPT "DATA\r\n"
#define TO_DATA_OK HI_OK "|250 2.1.0|250 2.1.5|354"

TEST(takes_mail)
{
	static const struct row rows[] = {
		{ "one mail", TO_DATA "x\r\n.\r\n",
			TO_DATA_OK "|250 2.0.0 stored as ID",
			"<a@b>,c@d [x\r\n]" },
		{ "an empty mail", TO_DATA ".\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d []" },
		{ "two mails and QUIT",
			TO_DATA "x\r\n.\r\n" MAIL RCPT
				"DATA\r\ny\r\n.\r\nQUIT\r\n",
			TO_DATA_OK "|250 2.0.0|250|250|354|250 2.0.0|221 2.0.0",
			"<a@b>,c@d [x\r\n] <a@b>,c@d [y\r\n]", .is_closed = 1 },
		{ "one reply a recipient",
			HI MAIL RCPT "RCPT TO:<nobody@d>\r\n"
				     "RCPT TO:<e@f>\r\nDATA\r\nx\r\n.\r\n",
			HI_OK "|250|250|550 5.1.1|250|354|250 2.0.0|250 2.0.0",
			"<a@b>,c@d,e@f [x\r\n]" },
		{ "verbs in any case",
			"lhlo me\r\nmail from:<a@b>\r\n"
			"rcpt to:<c@d>\r\ndata\r\n.\r\n",
			TO_DATA_OK "|250", "<a@b>,c@d []" },
		{ "the null sender", HI "MAIL FROM:<>\r\n" RCPT "DATA\r\n.\r\n",
			TO_DATA_OK "|250", "<>,c@d []" },
		{ "a blank before the address",
			HI "MAIL FROM: <a@b>\r\nRCPT TO: <c@d>\r\n"
			   "DATA\r\n.\r\n",
			TO_DATA_OK "|250", "<a@b>,c@d []" },
		{ "parameters are kept",
			HI "MAIL FROM:<a@b> SIZE=9 BODY=8BITMIME RET=HDRS "
			   "ENVID=x+20y\r\n"
			   "RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY "
			   "ORCPT=rfc822;c@d\r\nDATA\r\n.\r\n",
			TO_DATA_OK "|250",
			"<a@b>,c@d(SUCCESS,DELAY rfc822;c@d) ret=HDRS "
			"envid=x+20y 8 []" },
		{ "UTF-8 addresses",
			HI "MAIL FROM:<\xc3\xa4@b> SMTPUTF8\r\n"
			   "RCPT TO:<\xc3\xb6@d>\r\nDATA\r\n.\r\n",
			TO_DATA_OK "|250", "<\xc3\xa4@b>,\xc3\xb6@d u []" },
		{ "RSET forgets", HI MAIL RCPT "RSET\r\nDATA\r\n" MAIL,
			HI_OK "|250|250|250 2.0.0|503 5.5.1|250 2.1.0", "" },
		{ "LHLO forgets too", HI MAIL "LHLO me\r\n" MAIL,
			HI_OK "|250|250-mill|250-|250-|250-|250-|250-|250-|"
			      "250-DSN|250 ENH|250 2.1.0",
			"" },
		{ "a key is for trusted ones",
			HI "MAIL FROM:<a@b> XONCE="
			   "0123456789abcdef0123456789abcdef0123456789abcdef"
			   "0123456789abcdef\r\n",
			HI_OK "|555 5.5.4", "" },
	};

	run_rows(rows, COUNT(rows));
}

TEST(answers_failures)
{
	static const struct row rows[] = {
		{ "not ready", HI MAIL, HI_OK "|452 4.3.1", "",
			.fails_ready = ERR_TEMP },
		{ "cannot begin", TO_DATA, HI_OK "|250|250|452 4.3.1", "",
			.fails_begin = ERR_TEMP },
		{ "disk full in the middle", TO_DATA "x\r\n.\r\nNOOP\r\n",
			TO_DATA_OK "|452 4.3.1|250 2.0.0", "",
			.fails_add = ERR_TEMP },
		{ "our setup in the middle", TO_DATA "x\r\n.\r\n",
			TO_DATA_OK "|451 4.3.5", "", .fails_add = ERR_CONF },
		{ "too large for the backend", TO_DATA "x\r\n.\r\n",
			TO_DATA_OK "|552 5.3.4", "", .fails_add = ERR_PERM },
		{ "commit fails", TO_DATA "x\r\n.\r\nNOOP\r\n",
			TO_DATA_OK "|452 4.3.1|250 2.0.0", "<a@b>,c@d [x\r\n]",
			.outcome = -1, .fails_commit = ERR_TEMP },
		{ "commit refused for good", TO_DATA "x\r\n.\r\n",
			TO_DATA_OK "|554 5.3.0", "<a@b>,c@d [x\r\n]",
			.outcome = -1, .fails_commit = ERR_PERM },
		{ "commit for the operator", TO_DATA "x\r\n.\r\n",
			TO_DATA_OK "|451 4.3.5", "<a@b>,c@d [x\r\n]",
			.outcome = -1, .fails_commit = ERR_CONF },
		{ "seen before", TO_DATA "x\r\n.\r\n",
			TO_DATA_OK "|250 2.0.0 already here",
			"<a@b>,c@d [x\r\n]", .outcome = STORE_SEEN },
		{ "announced too large", HI "MAIL FROM:<a@b> SIZE=101\r\n" MAIL,
			HI_OK "|552 5.3.4|250 2.1.0", "" },
		{ "is too large",
			TO_DATA "0123456789012345678901234567890123456789"
				"0123456789012345678901234567890123456789"
				"0123456789012345678901\r\n.\r\nNOOP\r\n",
			TO_DATA_OK "|552 5.3.4|250 2.0.0", "" },
		{ "too large for each recipient",
			HI MAIL RCPT RCPT
			"DATA\r\n0123456789012345678901234567890123456789"
			"0123456789012345678901234567890123456789"
			"0123456789012345678901\r\n.\r\nNOOP\r\n",
			HI_OK "|250|250|250|354|552 5.3.4|552 5.3.4|250", "" },
		{ "too many recipients", HI MAIL RCPT RCPT RCPT RCPT,
			HI_OK "|250|250|250|250|452 4.5.3", "" },
		{ "nobody is left",
			HI MAIL "RCPT TO:<nobody@d>\r\nDATA\r\nRSET\r\n",
			HI_OK "|250|550 5.1.1|503 5.5.1|250 2.0.0", "" },
	};

	run_rows(rows, COUNT(rows));
}

TEST(refuses_what_is_wrong)
{
	static const struct row rows[] = {
		{ "HELO", "HELO me\r\n", "220|500 5.5.1 this is LMTP", "" },
		{ "EHLO", "EHLO me\r\n", "220|500 5.5.1", "" },
		{ "LHLO without a name", "LHLO\r\n", "220|501 5.5.4", "" },
		{ "LHLO with a control", "LHLO a\tb\r\n", "220|501 5.5.4", "" },
		{ "LHLO with bad UTF-8", "LHLO \xff\r\n", "220|501 5.5.4", "" },
		{ "MAIL before LHLO", MAIL, "220|503 5.5.1", "" },
		{ "RCPT before MAIL", HI RCPT, HI_OK "|503 5.5.1", "" },
		{ "DATA before MAIL", HI "DATA\r\n", HI_OK "|503 5.5.1", "" },
		{ "MAIL twice", HI MAIL MAIL, HI_OK "|250|503 5.5.1", "" },
		{ "unknown verb", "WHAT\r\n", "220|500 5.5.1", "" },
		{ "empty line", "\r\n", "220|500 5.5.1", "" },
		{ "no brackets", HI "MAIL FROM:a@b\r\n", HI_OK "|501 5.1.7",
			"" },
		{ "no FROM", HI "MAIL <a@b>\r\n", HI_OK "|501 5.5.4", "" },
		{ "null recipient", HI MAIL "RCPT TO:<>\r\n",
			HI_OK "|250|501 5.1.3", "" },
		{ "UTF-8 without SMTPUTF8", HI "MAIL FROM:<\xc3\xa4@b>\r\n",
			HI_OK "|553 5.6.7", "" },
		{ "UTF-8 recipient without", HI MAIL "RCPT TO:<\xc3\xa4@b>\r\n",
			HI_OK "|250|553 5.6.7", "" },
		{ "unknown parameter", HI "MAIL FROM:<a@b> FOO=1\r\n",
			HI_OK "|555 5.5.4", "" },
		{ "parameter twice", HI "MAIL FROM:<a@b> SIZE=1 SIZE=1\r\n",
			HI_OK "|501 5.5.4", "" },
		{ "bad SIZE", HI "MAIL FROM:<a@b> SIZE=-1\r\n",
			HI_OK "|501 5.5.4", "" },
		{ "bad BODY", HI "MAIL FROM:<a@b> BODY=9BIT\r\n",
			HI_OK "|501 5.5.4", "" },
		{ "SMTPUTF8 with a value", HI "MAIL FROM:<a@b> SMTPUTF8=1\r\n",
			HI_OK "|501 5.5.4", "" },
		{ "bad ENVID", HI "MAIL FROM:<a@b> ENVID=a+zz\r\n",
			HI_OK "|501 5.5.4", "" },
		{ "NEVER and more",
			HI MAIL "RCPT TO:<c@d> NOTIFY=NEVER,DELAY"
				"\r\n",
			HI_OK "|250|501 5.5.4", "" },
		{ "bad ORCPT", HI MAIL "RCPT TO:<c@d> ORCPT=x\r\n",
			HI_OK "|250|501 5.5.4", "" },
		{ "DATA with words", HI MAIL RCPT "DATA x\r\n",
			HI_OK "|250|250|501 5.5.4", "" },
		{ "text behind the address", HI "MAIL FROM:<a@b>x\r\n",
			HI_OK "|501 5.5.4", "" },
		{ "too many errors", "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\n",
			"220|500|500|500|500|500|421 4.3.2", "",
			.is_closed = 1 },
		{ "unknown recipients are no errors",
			HI MAIL "RCPT TO:<nobody@1>\r\nRCPT TO:<nobody@2>\r\n"
				"RCPT TO:<nobody@3>\r\nRCPT TO:<nobody@4>\r\n"
				"RCPT TO:<nobody@5>\r\nRCPT TO:<nobody@6>\r\n",
			HI_OK "|250|550|550|550|550|550|550", "" },
		{ "the small ones", "NOOP x\r\nVRFY a\r\nHELP\r\nVRFY\r\n",
			"220|250 2.0.0|252 2.1.5|214 2.0.0|501", "" },
	};

	run_rows(rows, COUNT(rows));
}

TEST(nothing_is_smuggled)
{
	/* behind each false end stands what would be a second mail's begin */
	static const struct row rows[] = {
		{ "LF.LF", TO_DATA "x\n.\nMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r\n.\r\nMAIL\r\n]" },
		{ "LF.CRLF", TO_DATA "x\n.\r\nMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r\n.\r\nMAIL\r\n]" },
		{ "CRLF.LF", TO_DATA "x\r\n.\nMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r\n\r\nMAIL\r\n]" },
		{ "CR.CR", TO_DATA "x\r.\rMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r.\rMAIL\r\n]" },
		{ "CR.CRLF", TO_DATA "x\r.\r\nMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r.\r\nMAIL\r\n]" },
		{ "CRLF.CR", TO_DATA "x\r\n.\rMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r\n\rMAIL\r\n]" },
		{ "CRLF.CRCRLF", TO_DATA "x\r\n.\r\r\nMAIL\r\n.\r\n",
			TO_DATA_OK "|250", "<a@b>,c@d [x\r\n\r\r\nMAIL\r\n]" },
		{ "CR.LF", TO_DATA "x\r.\nMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r.\r\nMAIL\r\n]" },
		{ "LF.CR", TO_DATA "x\n.\rMAIL\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [x\r\n.\rMAIL\r\n]" },
		{ "CRCRLF.CRLF is an end", TO_DATA "x\r\r\n.\r\n",
			TO_DATA_OK "|250", "<a@b>,c@d [x\r\r\n]" },
		{ "LFCRLF.CRLF is an end", TO_DATA "x\n\r\n.\r\n",
			TO_DATA_OK "|250", "<a@b>,c@d [x\r\n\r\n]" },
		{ "dots are unstuffed behind CRLF only",
			TO_DATA "..a\r\n..\r\n.b\r\nc\n..d\r\n.\r\n",
			TO_DATA_OK "|250",
			"<a@b>,c@d [.a\r\n.\r\nb\r\nc\r\n..d\r\n]" },
		{ "begins with LF.CRLF", TO_DATA "\n.\r\nx\r\n.\r\n",
			TO_DATA_OK "|250", "<a@b>,c@d [\r\n.\r\nx\r\n]" },
		{ "only CRs", TO_DATA "\r\r\r\n.\r\n", TO_DATA_OK "|250",
			"<a@b>,c@d [\r\r\r\n]" },
		{ "bare LF in a command", "NOOP\nNOOP\r\n", "220|500 5.5.2", "",
			.is_closed = 1 },
		{ "bare CR in a command", "NOOP\rNOOP\r\n", "220|500 5.5.2", "",
			.is_closed = 1 },
		{ "bare LF alone", "\n", "220|500 5.5.2", "", .is_closed = 1 },
		{ "commands pipelined behind the dot",
			TO_DATA "x\r\n.\r\nNOOP\r\n", TO_DATA_OK "|250|250",
			"<a@b>,c@d [x\r\n]" },
	};

	run_rows(rows, COUNT(rows));
}

TEST(takes_chunks)
{
	static const struct row rows[] = {
		{ "one chunk", HI MAIL RCPT "BDAT 3 LAST\r\nx\r\nNOOP\r\n",
			HI_OK "|250|250|250 2.0.0 stored|250",
			"<a@b>,c@d [x\r\n]" },
		{ "three chunks",
			HI MAIL RCPT "BDAT 2\r\nabBDAT 1\r\ncBDAT 0 LAST\r\n",
			HI_OK "|250|250|250 2.0.0 2 |250 2.0.0 3 |"
			      "250 2.0.0 stored",
			"<a@b>,c@d [abc]" },
		{ "the last has one reply a recipient",
			HI MAIL RCPT RCPT "BDAT 1 LAST\r\nx",
			HI_OK "|250|250|250|250 2.0.0 stored|250 2.0.0 stored",
			"<a@b>,c@d,c@d [x]" },
		{ "bytes are kept",
			HI "MAIL FROM:<a@b> BODY=BINARYMIME\r\n" RCPT
			   "BDAT 9 LAST\r\n\n.\n\r\n.\r\n\r",
			HI_OK "|250|250|250 2.0.0",
			"<a@b>,c@d b [\n.\n\r\n.\r\n\r]" },
		{ "BINARYMIME has no DATA",
			HI "MAIL FROM:<a@b> BODY=BINARYMIME\r\n" RCPT
			   "DATA\r\n",
			HI_OK "|250|250|503 5.5.1", "" },
		{ "DATA behind BDAT",
			HI MAIL RCPT "BDAT 1\r\nxDATA\r\nRSET\r\n",
			HI_OK "|250|250|250|503 5.5.1|250", "" },
		{ "no recipient: the chunk is no command",
			HI MAIL "BDAT 6\r\nNOOP\r\nBDAT 0 LAST\r\n" RCPT
				"BDAT 0 LAST\r\n",
			HI_OK "|250|503 5.5.1|503 5.5.1|250|250 2.0.0 stored",
			"<a@b>,c@d []" },
		{ "before LHLO", "BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n",
			"220|503 5.5.1|250 2.0.0", "" },
		{ "no number", HI MAIL RCPT "BDAT x\r\nNOOP\r\n",
			HI_OK "|250|250|501 5.5.4|421", "", .is_closed = 1 },
		{ "a refused one stays refused",
			HI MAIL RCPT RCPT
			"BDAT 1\r\nxBDAT 1\r\nyBDAT 1 LAST\r\nz" MAIL,
			HI_OK "|250|250|250|452 4.3.1|452 4.3.1|452 4.3.1|"
			      "452 4.3.1|250 2.1.0",
			"", .fails_add = ERR_TEMP },
		{ "too large",
			HI MAIL RCPT "BDAT 101 LAST\r\n"
				     "0123456789012345678901234567890123456789"
				     "0123456789012345678901234567890123456789"
				     "01234567890123456789.NOOP\r\n",
			HI_OK "|250|250|552 5.3.4|250", "" },
		{ "the end in the middle of a chunk",
			HI MAIL RCPT "BDAT 10 LAST\r\nabc", HI_OK "|250|250",
			"" },
	};

	run_rows(rows, COUNT(rows));
}

TEST(takes_a_proxys_word)
{
#define TRUSTED_OK                                                             \
	"220 mill LMTP|250-mill|250-PIPELINING|250-8BITMIME|250-SMTPUTF8|"     \
	"250-SIZE 100|250-CHUNKING|250-BINARYMIME|250-XCLIENT|250-XONCE|"      \
	"250-DSN|250 ENHANCEDSTATUSCODES"
	static const struct row rows[] = {
		{ "from a stranger", HI "XCLIENT ADDR=192.0.2.1\r\n",
			HI_OK "|550 5.7.0", "" },
		{ "from a trusted one",
			"XCLIENT ADDR=192.0.2.1 PORT=7 HELO=x+2By LOGIN=ann "
			"PROTO=ESMTP\r\nLHLO proxy\r\n" MAIL RCPT
			"DATA\r\n.\r\n",
			"220|220 mill|250-mill|250-|250-|250-|250-|250-|250-|"
			"250-XCLIENT|250-XONCE|250-DSN|250 E|250|250|354|250",
			"<a@b>,c@d 192.0.2.1:7 x+y ann ESMTP []",
			.is_trusted = 1 },
		{ "IPv6 and unknown",
			"XCLIENT ADDR=IPV6:2001:db8::1 PORT=9 "
			"HELO=[UNAVAILABLE] "
			"NAME=[TEMPUNAVAIL]\r\n" HI MAIL RCPT "DATA\r\n.\r\n",
			"220|220 mill|250-mill|250-|250-|250-|250-|250-|250-|"
			"250-XCLIENT|250-XONCE|250-DSN|250 E|250|250|354|250",
			"<a@b>,c@d [2001:db8::1]:9 me  LMTP []",
			.is_trusted = 1 },
		{ "hello is forgotten", HI "XCLIENT HELO=x\r\n" MAIL,
			TRUSTED_OK "|220|503 5.5.1", "", .is_trusted = 1 },
		{ "in a transaction", HI MAIL "XCLIENT HELO=x\r\n",
			TRUSTED_OK "|250|503 5.5.1", "", .is_trusted = 1 },
		{ "a line end in it", "XCLIENT HELO=x+0D+0Ay\r\n",
			"220|501 5.5.4", "", .is_trusted = 1 },
		{ "unknown attribute", "XCLIENT FOO=x\r\n", "220|501 5.5.4", "",
			.is_trusted = 1 },
		{ "a key",
			HI "MAIL FROM:<a@b> XONCE="
			   "0123456789abcdef0123456789abcdef0123456789abcdef"
			   "0123456789abcdef\r\n" RCPT "DATA\r\n.\r\n",
			TRUSTED_OK "|250|250|354|250", "<a@b>,c@d once=0123 []",
			.is_trusted = 1 },
		{ "a key too short", HI "MAIL FROM:<a@b> XONCE=01\r\n",
			TRUSTED_OK "|501 5.5.4", "", .is_trusted = 1 },
	};

	run_rows(rows, COUNT(rows));
}

static void feed_long_line(struct str end, const char *replies, bool is_closed)
{
	struct smtp_client client = { "lmtp", "peer", false, false };
	struct row r = { .name = "long line", .replies = replies };
	AUTO(buf) struct buf in = BUF_INIT(20000);
	AUTO(buf) struct buf out = BUF_INIT(20000);
	struct world w = { 0 };

	buf_c(&in, "NOOP ");
	while (in.len < 9000)
		buf_byte(&in, 'x');
	buf_str(&in, end);
	buf_c(&in, "NOOP\r\n");
	w.s = smtp_new(&smtp_lmtp, &options, &client, &backend, &w);
	for (size_t at = 0; at < in.len; at += 1000)
		if (!feed(&w, str_sub(buf_view(&in), at, 1000), &out))
			break;
	check_replies(&r, buf_view(&out));
	is_int(smtp_is_closed(w.s), is_closed, "closed");
	smtp_free(w.s);
}

TEST(bounds_lines)
{
	feed_long_line(STR("\r\n"), "220|500 5.5.2 the line|250 2.0.0", false);
	feed_long_line(
		STR("\n"), "220|500 5.5.2 the line|500 5.5.2 lines end", true);
}

TEST(waits_for_the_commit)
{
	struct smtp_client client = { "lmtp", "peer", false, false };
	struct world w = { .message = BUF_INIT(100), .stored = BUF_INIT(1000) };
	struct str in = STR(TO_DATA ".\r\nNOOP\r\n");
	struct id id = { "ID" };
	size_t n;

	w.s = smtp_new(&smtp_lmtp, &options, &client, &backend, &w);
	n = smtp_feed(w.s, in);
	is_int(n, in.len - 6, "stops behind the dot");
	is_true(smtp_is_waiting(w.s), "waits");
	is_int(smtp_feed(w.s, STR("NOOP\r\n")), 0, "takes nothing");
	is_true(str_ends(buf_view(smtp_replies(w.s)), STR(". CR LF\r\n")),
		"no 250 before the commit");
	smtp_stored(w.s, 0, &id, NULL);
	is_true(str_ends(buf_view(smtp_replies(w.s)),
			STR("250 2.0.0 stored as ID\r\n")),
		"and one after");
	is_int(smtp_feed(w.s, STR("NOOP\r\n")), 6, "goes on");
	smtp_free(w.s);
	buf_fini(&w.message);
	buf_fini(&w.stored);
}

TEST(stops_while_replies_are_unsent)
{
	struct smtp_client client = { "lmtp", "peer", false, false };
	struct world w = { 0 };
	size_t n = 0, i;

	w.s = smtp_new(&smtp_lmtp, &options, &client, &backend, &w);
	for (i = 0; i < 100000 && (n = smtp_feed(w.s, STR("HELP\r\n"))); i++)
		;
	is_int(n, 0, "stops");
	is_true(smtp_replies(w.s)->len < SMTP_REPLIES_MAX + 100, "near 64 KB");
	buf_clear(smtp_replies(w.s));
	is_int(smtp_feed(w.s, STR("HELP\r\n")), 6, "goes on when they are out");
	smtp_free(w.s);
}

TEST(reads_paths)
{
	static const struct {
		const char *in;
		int rc;
		const char *out, *rest;
	} rows[] = {
		{ "<ann@x.org>", 0, "ann@x.org", "" },
		{ "<ann@x.org> SIZE=1", 0, "ann@x.org", " SIZE=1" },
		{ "<>", 0, "", "" },
		{ "<\"ann\"@x>", 0, "ann@x", "" },
		{ "<\"a\\b\"@x>", 0, "ab@x", "" },
		{ "<\"a b\"@x>", 0, "\"a b\"@x", "" },
		{ "<\"a\\\"b>\"@x>", 0, "\"a\\\"b>\"@x", "" },
		{ "<\"\"@x>", 0, "\"\"@x", "" },
		{ "<@a,@b:c@d>", 0, "c@d", "" },
		{ "<a..b.@x>", 0, "a..b.@x", "" },
		{ "<a@[192.0.2.1]>", 0, "a@[192.0.2.1]", "" },
		{ "<a@[IPv6:2001:db8::1]>", 0, "a@[IPv6:2001:db8::1]", "" },
		{ "<PostMaster>", 0, "PostMaster", "" },
		{ "<o'brien+x=y/z@x>", 0, "o'brien+x=y/z@x", "" },
		{ "<\xc3\xa4@x>", PATH_UTF8, NULL, NULL },
		{ "<ann>", -1, NULL, NULL },
		{ "<ann@>", -1, NULL, NULL },
		{ "<@x>", -1, NULL, NULL },
		{ "<a@.x>", -1, NULL, NULL },
		{ "<a b@x>", -1, NULL, NULL },
		{ "<a@x y>", -1, NULL, NULL },
		{ "<a@b@c>", -1, NULL, NULL },
		{ "<<a@b>>", -1, NULL, NULL },
		{ "<\"a@b>", -1, NULL, NULL },
		{ "<\"a\\", -1, NULL, NULL },
		{ "<\"a\x01\"@b>", -1, NULL, NULL },
		{ "<a@[b>", -1, NULL, NULL },
		{ "<a@b", -1, NULL, NULL },
		{ "a@b", -1, NULL, NULL },
		{ "<@a", -1, NULL, NULL },
		{ "<@a:>", -1, NULL, NULL },
		{ "<", -1, NULL, NULL },
		{ "", -1, NULL, NULL },
	};
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str rest = str_c(rows[i].in), out = STR_NULL;
		is_int(path_parse(a, &rest, false, &out), rows[i].rc,
			rows[i].in);
		is_str(out, rows[i].out, rows[i].in);
		if (rows[i].rest)
			is_str(rest, rows[i].rest, rows[i].in);
	}
}
