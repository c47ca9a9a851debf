/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_session.c - whole dialogues with the ManageSieve session, cut at every
 * byte.
 *
 * A row is what a client sends and what it gets back after the greeting; each
 * is fed whole and byte by byte, and nothing may differ.
 */
#include "fake.h"
#include "test.h"

#define LOGIN "AUTHENTICATE \"PLAIN\" \"AGFubgBzZWNyZXQ=\"\r\n"
#define IN "OK \"logged in\"\r\n"
#define CAPS                                                                   \
	"\"IMPLEMENTATION\" \"mailmill " MAILMILL_VERSION "\"\r\n"             \
	"\"VERSION\" \"1.0\"\r\n"
#define CAPS_2                                                                 \
	"\"NOTIFY\" \"mailto\"\r\n"                                            \
	"\"MAXREDIRECTS\" \"4\"\r\n"                                           \
	"\"UNAUTHENTICATE\"\r\n"
#define GREETING                                                               \
	CAPS "\"SASL\" \"PLAIN SCRAM-SHA-256\"\r\n"                            \
	     "\"SIEVE\" \"fileinto enotify\"\r\n\"STARTTLS\"\r\n" CAPS_2       \
	     "OK \"mailmill is ready\"\r\n"
#define NO_COMMAND "NO \"there is no such command\"\r\n"
#define LOG_IN "NO \"log in first\"\r\n"
#define DONE "OK \"done\"\r\n"

static const struct row {
	const char *name, *in, *out;
} rows[] = {
	{ "noop", "NOOP\r\n", "OK \"Done\"\r\n" },
	{ "noop with a tag, case of commands", "nOOp \"a \\\"b\\\\\"\r\n",
		"OK (TAG \"a \\\"b\\\\\") \"Done\"\r\n" },
	{ "a tag with a line end comes back as a literal",
		"NOOP {4+}\r\na\r\nb\r\n",
		"OK (TAG {4}\r\na\r\nb) \"Done\"\r\n" },
	{ "bare LF ends a command too", "NOOP\n", "OK \"Done\"\r\n" },
	{ "empty lines", "\r\n\r\nNOOP\r\n", "OK \"Done\"\r\n" },
	{ "capability", "CAPABILITY\r\n",
		CAPS "\"SASL\" \"PLAIN SCRAM-SHA-256\"\r\n\"SIEVE\" "
		     "\"fileinto enotify\"\r\n\"STARTTLS\"\r\n" CAPS_2
		     "OK\r\n" },
	{ "owner, and no STARTTLS, once logged in", LOGIN "CAPABILITY\r\n",
		IN CAPS "\"SASL\" \"PLAIN SCRAM-SHA-256\"\r\n\"SIEVE\" "
			"\"fileinto enotify\"\r\n" CAPS_2
			"\"OWNER\" \"support\"\r\nOK\r\n" },
	{ "unknown", "HELLO\r\n", NO_COMMAND },
	{ "a string is no command", "\"NOOP\"\r\n",
		"NO \"a command begins with its name\"\r\n" },
	{ "before login", "LISTSCRIPTS\r\nPUTSCRIPT \"a\" \"keep;\"\r\n",
		LOG_IN LOG_IN },
	{ "arguments are missing", LOGIN "GETSCRIPT\r\nHAVESPACE \"a\"\r\n",
		IN "NO \"write: GETSCRIPT \\\"name\\\"\"\r\n"
		   "NO \"write: HAVESPACE \\\"name\\\" bytes\"\r\n" },
	{ "a number has no leading zero and 32 bits",
		LOGIN "HAVESPACE \"a\" 010\r\nHAVESPACE \"a\" 4294967296\r\n"
		      "HAVESPACE \"a\" 0\r\n",
		IN "NO \"write: HAVESPACE \\\"name\\\" bytes\"\r\n"
		   "NO \"write: HAVESPACE \\\"name\\\" bytes\"\r\n" DONE },
	{ "too many arguments", "NOOP \"a\" \"b\"\r\nNOOP a b c d e\r\n",
		"NO \"write: NOOP [\\\"tag\\\"]\"\r\n"
		"NO \"too many arguments\"\r\n" },
	{ "a line end in a quoted string", "NOOP \"a\r\nNOOP\r\n",
		"NO \"a line ends within a quoted string: send a "
		"literal\"\r\nOK \"Done\"\r\n" },
	{ "other escapes", "NOOP \"a\\n\"\r\nNOOP\r\n",
		"NO \"only \\\" and \\\\ may stand behind a \\\\\"\r\n"
		"OK \"Done\"\r\n" },
	{ "no blank between", "NOOP\"a\"\r\nNOOP\r\n",
		"NO \"a word and what follows it want a blank "
		"between\"\r\nOK \"Done\"\r\n" },
	{ "a wrong command's literal is no command",
		"HELLO {6+}\r\nNOOP\r\n\r\nNOOP\r\n",
		NO_COMMAND "OK \"Done\"\r\n" },
	{ "a literal that waits for an answer ends it",
		"NOOP {6}\r\nLOGOUT\r\n",
		"BYE \"a literal begins with {length+} and CRLF\"\r\n" },
	{ "a length that is none", "NOOP {01+}\r\nx",
		"BYE \"a literal begins with {length+} and CRLF\"\r\n" },
	{ "a huge length", "NOOP {4294967295+}\r\nx",
		"BYE \"this literal is too long\"\r\n" },
	{ "a length of more than 32 bits", "NOOP {4294967296+}\r\nx",
		"BYE \"a literal begins with {length+} and CRLF\"\r\n" },
	{ "a large literal before login", "NOOP {16385+}\r\nx",
		"BYE \"this literal is too long\"\r\n" },
	{ "plain with an initial response, and more behind it",
		LOGIN "NOOP\r\nLISTSCRIPTS\r\n", IN "OK \"Done\"\r\nOK\r\n" },
	{ "plain in a literal",
		"AUTHENTICATE {5+}\r\nplain {16+}\r\nAGFubgBzZWNyZXQ=\r\n",
		IN },
	{ "plain with a challenge",
		"AUTHENTICATE \"PLAIN\"\r\n\"AGFubgBzZWNyZXQ=\"\r\nNOOP\r\n",
		"\"\"\r\n" IN "OK \"Done\"\r\n" },
	{ "cancelled", "AUTHENTICATE \"PLAIN\"\r\n\"*\"\r\nNOOP\r\n",
		"\"\"\r\nNO \"the login was cancelled\"\r\nOK \"Done\"\r\n" },
	{ "no base64", "AUTHENTICATE \"PLAIN\" \"!\"\r\n",
		"NO \"that is no base64\"\r\n" },
	{ "an answer that is no string",
		"AUTHENTICATE \"PLAIN\"\r\nNOOP\r\nNOOP\r\n",
		"\"\"\r\nNO \"the answer to a challenge is one "
		"string\"\r\nOK \"Done\"\r\n" },
	{ "not three words", "AUTHENTICATE \"PLAIN\" \"YW5uAHNlY3JldA==\"\r\n",
		"NO \"that is no answer of this mechanism\"\r\n" },
	{ "wrong password", "AUTHENTICATE \"PLAIN\" \"AGFubgB3cm9uZw==\"\r\n",
		"NO \"the login failed\"\r\n" },
	{ "wrong account", "AUTHENTICATE \"PLAIN\" \"AGJvYgBzZWNyZXQ=\"\r\n",
		"NO \"the login failed\"\r\n" },
	{ "as another route (sales, \"EU\")",
		"AUTHENTICATE \"PLAIN\" "
		"\"c2FsZXMsICJFVSIAYW5uAHNlY3JldA==\"\r\nCAPABILITY\r\n",
		IN CAPS "\"SASL\" \"PLAIN SCRAM-SHA-256\"\r\n\"SIEVE\" "
			"\"fileinto enotify\"\r\n" CAPS_2
			"\"OWNER\" \"sales, \\\"EU\\\"\"\r\nOK\r\n" },
	{ "as a route that is not its",
		"AUTHENTICATE \"PLAIN\" \"eABhbm4Ac2VjcmV0\"\r\n",
		"NO \"the login failed\"\r\n" },
	{ "an unknown mechanism", "AUTHENTICATE \"LOGIN\"\r\n",
		"NO \"there is no such mechanism here\"\r\n" },
	{ "twice", LOGIN LOGIN, IN "NO \"you are logged in already\"\r\n" },
	{ "unauthenticate", LOGIN "UNAUTHENTICATE\r\nLISTSCRIPTS\r\n" LOGIN,
		IN "OK \"nobody is logged in\"\r\n" LOG_IN IN },
	{ "what stands behind STARTTLS is dropped",
		"STARTTLS\r\n" LOGIN "LOGOUT\r\n",
		"OK \"begin TLS\"\r\n<TLS>" CAPS
		"\"SASL\" \"PLAIN SCRAM-SHA-256\"\r\n"
		"\"SIEVE\" \"fileinto enotify\"\r\n" CAPS_2
		"OK \"safe from here on\"\r\n" },
	{ "STARTTLS after login", LOGIN "STARTTLS\r\n",
		IN "NO \"you are logged in already\"\r\n" },
	{ "put, list, activate, get",
		LOGIN "PUTSCRIPT \"a\" {7+}\r\nkeep;\r\n\r\n"
		      "PUTSCRIPT {3+}\r\nb c \"stop;\"\r\nSETACTIVE \"b c\"\r\n"
		      "LISTSCRIPTS\r\nGETSCRIPT \"a\"\r\n",
		IN DONE DONE DONE
		"\"a\"\r\n\"b c\" ACTIVE\r\nOK\r\n{7}\r\nkeep;\r\n\r\nOK\r\n" },
	{ "names with quotes and others than ASCII",
		LOGIN "PUTSCRIPT \"\\\"\\\\ J\xc3\xbcrgen\" \"keep;\"\r\n"
		      "LISTSCRIPTS\r\n",
		IN DONE "\"\\\"\\\\ J\xc3\xbcrgen\"\r\nOK\r\n" },
	{ "names that are none",
		LOGIN "PUTSCRIPT \"\" \"keep;\"\r\n"
		      "PUTSCRIPT \"a/b\" \"keep;\"\r\n"
		      "PUTSCRIPT \"a\xc2\x85\" \"keep;\"\r\n"
		      "PUTSCRIPT \"a\xe2\x80\xa8\" \"keep;\"\r\n"
		      "PUTSCRIPT \"a\xff\" \"keep;\"\r\n"
		      "PUTSCRIPT {2+}\r\na\x7f \"keep;\"\r\n",
		IN "NO \"the name of a script is empty\"\r\n"
		   "NO \"the name of a script has a /\"\r\n"
		   "NO \"the name of a script has a control character\"\r\n"
		   "NO \"the name of a script has a control character\"\r\n"
		   "NO \"the name of a script is no UTF-8\"\r\n"
		   "NO \"the name of a script has a control character\"\r\n" },
	{ "errors are told, in a literal when there are several",
		LOGIN "PUTSCRIPT \"a\" \"bad\"\r\nGETSCRIPT \"a\"\r\n",
		IN "NO {42}\r\nx: line 1: error: bad\r\nx: line 2: error: b"
		   "\r\nNO (NONEXISTENT) \"there is no script of that "
		   "name\"\r\n" },
	{ "warnings",
		LOGIN "PUTSCRIPT \"a\" \"warn\"\r\nCHECKSCRIPT "
		      "\"warn\"\r\nCHECKSCRIPT \"keep;\"\r\n",
		IN "OK (WARNINGS) \"x: line 1: warning: a \\\"b\\\" \\\\\"\r\n"
		   "OK (WARNINGS) \"x: line 1: warning: a \\\"b\\\" "
		   "\\\\\"\r\n" DONE },
	{ "an empty script",
		LOGIN "PUTSCRIPT \"a\" \"\"\r\nCHECKSCRIPT "
		      "{0+}\r\n\r\n",
		IN "NO \"the script is empty\"\r\n"
		   "NO \"the script is empty\"\r\n" },
	{ "later", LOGIN "PUTSCRIPT \"a\" \"later\"\r\n",
		IN "NO (TRYLATER) \"the disk is full\"\r\n" },
	{ "havespace", LOGIN "HAVESPACE \"a\" 1000\r\nHAVESPACE \"a\" 1001\r\n",
		IN DONE "NO (QUOTA/MAXSIZE) \"the script is too large\"\r\n" },
	{ "delete",
		LOGIN "PUTSCRIPT \"a\" \"keep;\"\r\nSETACTIVE \"a\"\r\n"
		      "DELETESCRIPT \"a\"\r\nSETACTIVE \"\"\r\n"
		      "DELETESCRIPT \"a\"\r\nDELETESCRIPT \"a\"\r\n",
		IN DONE DONE
		"NO (ACTIVE) \"the script is active\"\r\n" DONE DONE
		"NO (NONEXISTENT) \"there is no script of that name\"\r\n" },
	{ "rename",
		LOGIN "PUTSCRIPT \"a\" \"keep;\"\r\nPUTSCRIPT \"b\" "
		      "\"keep;\"\r\nSETACTIVE \"a\"\r\nRENAMESCRIPT \"a\" "
		      "\"b\"\r\nRENAMESCRIPT \"x\" \"y\"\r\nRENAMESCRIPT "
		      "\"a\" \"c\"\r\nLISTSCRIPTS\r\n",
		IN DONE DONE DONE
		"NO (ALREADYEXISTS) \"there is a script of that name\"\r\n"
		"NO (NONEXISTENT) \"there is no script of that name\"\r\n" DONE
		"\"c\" ACTIVE\r\n\"b\"\r\nOK\r\n" },
	{ "errors are counted", "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\nNOOP\r\n",
		NO_COMMAND NO_COMMAND NO_COMMAND NO_COMMAND NO_COMMAND
			NO_COMMAND "BYE \"too many errors\"\r\n" },
	{ "logout", "LOGOUT\r\nNOOP\r\n", "OK \"goodbye\"\r\n" },
};

static void try_row(const struct row *r, size_t step)
{
	AUTO(buf) struct buf got = BUF_INIT(1 << 20);
	struct fake f;
	struct str all;

	fake_begin(&f, true);
	f.wait_ms = step == 1 ? 0 : 5;
	fake_feed(&f, str_c(r->in), step, &got);
	all = buf_view(&got);
	is_true(str_starts(all, str_c(GREETING)), r->name);
	is_str(str_sub(all, sizeof(GREETING) - 1, all.len), r->out, r->name);
	fake_end(&f);
}

TEST(dialogues)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		try_row(&rows[i], SIZE_MAX);
		try_row(&rows[i], 1);
		try_row(&rows[i], 7);
	}
}

TEST(a_script_that_is_too_long_is_read_past)
{
	AUTO(buf) struct buf in = BUF_INIT(1 << 20), got = BUF_INIT(1 << 20);
	struct fake f;

	buf_c(&in, LOGIN "PUTSCRIPT \"a\" {5000+}\r\n");
	for (int i = 0; i < 500; i++)
		buf_c(&in, "LOGOUT  \r\n");
	buf_c(&in, "\r\nNOOP\r\n");
	fake_begin(&f, true);
	fake_feed(&f, buf_view(&in), 100, &got);
	is_true(str_ends(buf_view(&got),
			STR("NO (QUOTA/MAXSIZE) \"a script may have 1000 "
			    "bytes\"\r\nOK \"Done\"\r\n")),
		"refused, and nothing in it was run");
	fake_end(&f);
}

TEST(no_password_in_the_clear)
{
	AUTO(buf) struct buf got = BUF_INIT(1 << 20);
	struct fake f;

	fake_begin(&f, false);
	fake_feed(&f, str_c(LOGIN), SIZE_MAX, &got);
	has_text(got.p, "\"SASL\" \"SCRAM-SHA-256\"\r\n", "PLAIN is not told");
	has_text(got.p, "NO (ENCRYPT-NEEDED)", "nor taken");
	buf_clear(&got);
	fake_feed(&f, STR("STARTTLS\r\n"), SIZE_MAX, &got);
	has_text(got.p, "\"SASL\" \"PLAIN SCRAM-SHA-256\"\r\n", "under TLS");
	buf_clear(&got);
	fake_feed(&f, str_c(LOGIN), SIZE_MAX, &got);
	is_str(buf_view(&got), IN, "it is");
	fake_end(&f);
}

TEST(a_slow_login_takes_nothing_meanwhile)
{
	struct str in = STR(LOGIN "NOOP\r\n");
	struct fake f;
	size_t n;

	fake_begin(&f, true);
	f.wait_ms = 1000;
	n = manage_feed(f.m, in);
	is_int((int)manage_wait_ms(f.m), 1000, "asks for a rest");
	is_int((int)manage_feed(f.m, str_sub(in, n, in.len)), 0, "rests");
	manage_resume(f.m);
	is_true(manage_is_logged_in(f.m), "goes on");
	is_int((int)manage_feed(f.m, str_sub(in, n, in.len)), (int)(in.len - n),
		"takes the rest");
	fake_end(&f);
	fake_begin(&f, true);
	f.wait_ms = -1;
	(void)manage_feed(f.m, in);
	has_text(manage_replies(f.m)->p, "NO (TRYLATER)", "sent away");
	fake_end(&f);
}

TEST(logins_are_told)
{
	AUTO(buf) struct buf got = BUF_INIT(1 << 20);
	struct fake f;

	fake_begin(&f, true);
	fake_feed(&f,
		STR("AUTHENTICATE \"PLAIN\" \"AGFubgB3cm9uZw==\"\r\n" LOGIN
		    "UNAUTHENTICATE\r\n"),
		SIZE_MAX, &got);
	is_str(buf_view(&f.told), "ann:PLAIN:no: ann:PLAIN:in:support out ",
		"in order");
	fake_end(&f);
}

TEST(an_idle_session_keeps_nothing)
{
	AUTO(buf) struct buf got = BUF_INIT(1 << 20);
	struct fake f;

	fake_begin(&f, true);
	fake_feed(&f, STR(LOGIN "NOOP {900+}\r\n"), SIZE_MAX, &got);
	is_true(manage_replies(f.m)->cap == 0, "no replies");
	manage_shut(f.m, "x");
	is_str(buf_view(manage_replies(f.m)), "BYE \"x\"\r\n", "says why");
	fake_end(&f);
}
