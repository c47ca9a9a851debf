/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_import.c - `mailmill import` as users run it. */
#include <fcntl.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <mailmill/proc.h>

#include "server.h"

/* Runs it. Returns: its exit status; what it says, on both, is in *out. */
static int run_import(const char *const *args, struct buf *out)
{
	AUTO(bytes) char *path = file_beside(proc_self(), "../../src/mailmill");
	const char *argv[16] = { path, "import" };
	struct err err = { 0 };
	int told = file_temp(NULL, &err), status = 0;
	pid_t pid;

	for (size_t i = 0; args[i] && i < 13; i++)
		argv[i + 2] = args[i];
	pid = fork();
	if (pid == 0) {
		dup2(told, 1);
		dup2(told, 2);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	lseek(told, 0, SEEK_SET);
	buf_clear(out);
	is_int(file_read_fd(told, out, &err), 0, "what it said");
	close(told);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void put(const char *path, struct str data)
{
	struct err err = { 0 };

	is_int(file_write(path, data, 0600, &err), 0, err.text);
}

TEST(an_archive_twice_adds_nothing)
{
	struct server s;
	AUTO(buf) struct buf box = BUF_INIT(1 << 20);
	AUTO(buf) struct buf said = BUF_INIT(1 << 20);
	AUTO(bytes) char *path = NULL;
	const char *args[] = { "-s", NULL, "--to", "support@y", NULL, NULL };

	begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
	path = mem_printf("%s/box", s.dir);
	args[1] = s.path;
	args[4] = path;
	for (int i = 0; i < 200; i++)
		buf_printf(&box,
			"From a@b Tue Nov 24 21:00:00 2026\n"
			"From: a@b\nSubject: %d\n\n.\nhello\n\n",
			i);
	put(path, buf_view(&box));
	is_int(run_import(args, &said), EX_OK, said.p);
	has_text(said.p,
		"200 mails: 200 new, 0 here already, 0 refused; 0 files left "
		"out",
		"once");
	is_int(count_rows(&s), 200, "all are there");
	buf_c(&box, "From a@b Tue Nov 24 21:00:00 2026\nFrom: c\n\nnew\n");
	put(path, buf_view(&box));
	is_int(run_import(args, &said), EX_OK, said.p);
	has_text(said.p, "201 mails: 1 new, 200 here already", "twice");
	is_int(count_rows(&s), 201, "only what is new was added");
	end(&s);
}

TEST(a_mail_keeps_its_key_wherever_it_lies)
{
	struct server s;
	AUTO(buf) struct buf said = BUF_INIT(1 << 20);
	AUTO(bytes) char *mbox = NULL, *eml = NULL;
	const char *args[] = { "-s", NULL, NULL, NULL };

	begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
	mbox = mem_printf("%s/x.mbox", s.dir);
	eml = mem_printf("%s/x.eml", s.dir);
	args[1] = s.path;
	put(mbox, STR("From a@b Tue Nov 24 21:00:00 2026\n"
		      "To: support@y\n\n>From x\n\n"));
	put(eml, STR("To: support@y\r\n\r\nFrom x\r\n\r\n"));
	args[2] = mbox;
	is_int(run_import(args, &said), EX_OK, said.p);
	has_text(said.p, "1 new", "from an mbox");
	args[2] = eml;
	is_int(run_import(args, &said), EX_OK, said.p);
	has_text(said.p, "1 here already", "and from a file with CRLF");
	end(&s);
}

TEST(finds_sender_and_recipient)
{
	static const struct {
		const char *name, *mail, *sender, *rcpt;
	} rows[] = {
		{ "Delivered-To",
			"To: nobody@y\nDelivered-To: support@y\n"
			"From: a@b\n\n",
			"a@b", "support@y" },
		{ "the first that is taken",
			"Delivered-To: nobody@x\nTo: \"x@y, z\" <nobody@y>,\n"
			" (sales@q) Sales <sales@y>, support@y\n"
			"Return-Path: <r@b>\nFrom: a@b\n\n",
			"r@b", "sales@y" },
		{ "Cc comes last", "Cc: support@z\nTo: nobody@y\n\n", "",
			"support@z" },
		{ "a null Return-Path",
			"Return-Path: <>\nFrom: a@b\nTo: support@y\n\n", "",
			"support@y" },
		{ "a From that is none",
			"From: \"a@b\" <a..@[x>\nTo: support@y\n\n", "",
			"support@y" },
		{ "UTF-8", "From: \xc3\xa4@b\nTo: support+\xc3\xb6@y\n\n",
			"\xc3\xa4@b", "support+\xc3\xb6@y" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct server s;
		AUTO(buf) struct buf said = BUF_INIT(1 << 20);
		AUTO(arena) struct arena *a = arena_new();
		AUTO(bytes) char *path = NULL;
		const char *args[] = { "-s", NULL, NULL, NULL };
		struct store_filter f = { 0 };
		struct store_row *got = NULL;
		struct err err = { 0 };
		size_t n = 0;
		begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
		path = mem_printf("%s/m", s.dir);
		args[1] = s.path;
		args[2] = path;
		put(path, str_c(rows[i].mail));
		is_int(run_import(args, &said), EX_OK, said.p);
		is_int(store_list(s.store, a, &f, &got, &n, &err), 0, err.text);
		is_int(n, 1, rows[i].name);
		if (n == 1) {
			is_str(got[0].sender, rows[i].sender, rows[i].name);
			is_str(got[0].rcpts[0], rows[i].rcpt, rows[i].name);
			is_str(got[0].source, "import", rows[i].name);
		}
		end(&s);
	}
}

TEST(says_what_went_wrong)
{
	struct server s;
	AUTO(buf) struct buf said = BUF_INIT(1 << 20);
	AUTO(bytes) char *path = NULL;
	const char *args[] = { "-s", NULL, NULL, NULL };
	const char *none[] = { NULL };

	begin(&s, &source_pipe, (struct lmtp_conf){ 0 });
	path = mem_printf("%s/m", s.dir);
	args[1] = s.path;
	args[2] = path;
	is_int(run_import(none, &said), EX_USAGE, "no archive");
	is_int(run_import(args, &said), EX_CONFIG, "no such archive");
	has_text(said.p, "mailmill import: cannot read", said.p);
	put(path, STR("To: nobody@x, nobody@y\nFrom: a@b\n\n"));
	is_int(run_import(args, &said), EX_DATAERR, said.p);
	has_text(said.p,
		"/m: nobody@y and those before it: 550 5.1.1 nobody takes "
		"this address",
		"names mail and address");
	put(path, STR("From: a@b\n\n"));
	is_int(run_import(args, &said), EX_DATAERR, said.p);
	has_text(said.p, "no recipient is in its header: say --to", "no To");
	put(path, STR("hello\n"));
	is_int(run_import(args, &said), EX_NOINPUT, said.p);
	has_text(said.p, "no mail was found", "nothing");
	end(&s);
	begin(&s, &source_lmtp, (struct lmtp_conf){ 0 });
	args[1] = s.path;
	free(path);
	path = mem_printf("%s/m", s.dir);
	args[2] = path;
	put(path, STR("To: support@x\nFrom: a@b\n\n"));
	is_int(run_import(args, &said), EX_CONFIG, said.p);
	has_text(said.p, "does not let you import", "the wrong socket");
	end(&s);
}
