/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_archive.c - which mails are found in which files. */
#include <stdio.h>
#include <sys/stat.h>

#include <mailmill/archive.h>
#include <mailmill/buf.h>
#include <mailmill/file.h>
#include <mailmill/mem.h>

#include "test.h"

struct world {
	char dir[64];
	struct buf found; /* "NAME FROM [BYTES]" a mail, "NAME: WHY" a skip */
	uint64_t passed;
	int stop_after;
};

static void begin(struct world *w)
{
	*w = (struct world){ .found = BUF_INIT(1 << 20), .stop_after = -1 };
	memcpy(w->dir, "/tmp/mailmill-test.XXXXXX", 26);
	must(mkdtemp(w->dir) != NULL);
}

static void end(struct world *w)
{
	struct err err = { 0 };

	buf_fini(&w->found);
	file_remove_tree(w->dir, &err);
}

static const char *below(const struct world *w, const char *name)
{
	return strlen(name) > strlen(w->dir) ? name + strlen(w->dir) + 1 : name;
}

static int on_mail(void *ctx, const struct archive_mail *m)
{
	struct world *w = ctx;

	buf_printf(&w->found, "%s <%.*s> [%.*s]|", below(w, m->name),
		STR_ARG(m->from), STR_ARG(m->bytes));
	return w->stop_after-- == 0;
}

static void on_skip(void *ctx, const char *name, const char *why)
{
	struct world *w = ctx;

	buf_printf(&w->found, "%s: %s|", below(w, name), why);
}

static void on_pass(void *ctx, uint64_t bytes)
{
	((struct world *)ctx)->passed += bytes;
}

static void put(struct world *w, const char *name, struct str data)
{
	AUTO(bytes) char *path = mem_printf("%s/%s", w->dir, name);
	AUTO(bytes) char *folder = str_dup(
		str_n(path, (size_t)str_rchr(str_c(path), '/')));
	struct err err = { 0 };

	is_int(file_mkdirs(folder, 0700, &err), 0, err.text);
	is_int(file_write(path, data, 0600, &err), 0, err.text);
}

static int walk(struct world *w, const char *name, struct err *err)
{
	struct archive_sink sink = { on_mail, on_skip, on_pass, w };
	AUTO(bytes) char *path = mem_printf(
		"%s%s%s", w->dir, *name ? "/" : "", name);

	return archive_walk(path, &sink, err);
}

#define A "From: a\n\nx\n"
#define F "From a@b Tue Nov 24 21:00:00 2026\n"

TEST(finds_mails_in_a_file)
{
	static const struct {
		const char *name, *in, *found;
	} rows[] = {
		{ "one mail", A, "f <> [" A "]|" },
		{ "CRLF stays", "From: a\r\n\r\nx\r\n",
			"f <> [From: a\r\n\r\nx\r\n]|" },
		{ "only a header", "Subject: x\n", "f <> [Subject: x\n]|" },
		{ "folded fields", "X-A: 1\n 2\nDate: x\n\n",
			"f <> [X-A: 1\n 2\nDate: x\n\n]|" },
		{ "JSON is none", "{ \"From\": 1 }\n", "f: is no mail," },
		{ "YAML is none", "name: x\nvalue: y\n", "f: is no mail," },
		{ "text is none", "Hello\n", "f: is no mail," },
		{ "nothing", "", "f: is empty|" },
		{ "gzip", "\x1f\x8b\x08xxx", "f: is compressed: unpack" },
		{ "an mbox of one", F A, "f#1 <a@b> [" A "]|" },
		{ "an mbox of two", F A "\n" F A "\n",
			"f#1 <a@b> [" A "]|f#2 <a@b> [" A "]|" },
		{ "From in a body without an empty line", F A F,
			"f#1 <a@b> [" A F "]|" },
		{ "From in a body without a time", F A "\nFrom here on\n",
			"f#1 <a@b> [" A "\nFrom here on\n]|" },
		{ "mboxrd", F "From: a\n\n>From x\n>>From x\n> From\n",
			"f#1 <a@b> [From: a\n\nFrom x\n>From x\n> From\n]|" },
		{ "a header is not unquoted", F "A: b\n>From x\nTo: c\n\nx\n",
			"f#1 <a@b> [A: b\n>From x\nTo: c\n\nx\n]|" },
		{ "mboxcl2",
			F
			"Content-Length: 45\n\n"
			"x\n\nFrom a@b Tue Nov 24 21:00:00 2026\n>From x\n\n" F
				A,
			"f#1 <a@b> [Content-Length: 45\n\nx\n\n" F
			">From x\n]|f#2 <a@b> [" A "]|" },
		{ "a wrong Content-Length",
			F "Content-Length: 4\n\nx\n"
			  ">From x\n\n" F A,
			"f#1 <a@b> [Content-Length: 4\n\nx\nFrom x\n]|"
			"f#2 <a@b> [" A "]|" },
		{ "a huge Content-Length",
			F "Content-Length: 99999999999\n\nx\n",
			"f#1 <a@b> [Content-Length: 99999999999\n\nx\n]|" },
		{ "an mbox with CRLF",
			"From a@b Tue Nov 24 21:00:00 2026\r\nTo: x\r\n\r\n"
			"x\r\n\r\nFrom c@d Tue Nov 24 21:00:00 2026\r\nTo: "
			"y\r\n"
			"\r\ny\r\n",
			"f#1 <a@b> [To: x\r\n\r\nx\r\n]|"
			"f#2 <c@d> [To: y\r\n\r\ny\r\n]|" },
		{ "no line end at the end", F "To: a\n\nx",
			"f#1 <a@b> [To: a\n\nx]|" },
		{ "a mail without a body", F "To: a\n\n" F A,
			"f#1 <a@b> [To: a\n\n]|f#2 <a@b> [" A "]|" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;
		struct err err = { 0 };
		begin(&w);
		put(&w, "f", str_c(rows[i].in));
		is_int(walk(&w, "f", &err), 0, rows[i].name);
		if (!str_starts(buf_view(&w.found), str_c(rows[i].found)))
			test_fail(__FILE__, __LINE__, "%s: got \"%s\"",
				rows[i].name, w.found.p);
		is_int(w.passed, strlen(rows[i].in), rows[i].name);
		end(&w);
	}
}

TEST(finds_mails_in_folders)
{
	struct world w;
	struct err err = { 0 };
	uint64_t bytes = 0;

	begin(&w);
	put(&w, "md/cur/1:2,S", STR(A));
	put(&w, "md/new/2", STR(A));
	put(&w, "md/tmp/3", STR(A));
	put(&w, "md/.Sent/cur/4", STR(A));
	put(&w, "md/.Sent/new/5", STR(A));
	put(&w, "md/.hidden", STR(A));
	put(&w, "plain/b.eml", STR(A));
	put(&w, "plain/a.mbox", STR(F A));
	put(&w, "plain/tmp/c.eml", STR(A));
	put(&w, "plain/notes", STR("hello\n"));
	put(&w, "plain/.d.eml", STR(A));
	put(&w, "plain/odd.EML", STR("odd\n"));
	put(&w, "md/cur/9:2,S", STR("odd\n"));
	is_int(walk(&w, "", &err), 0, err.text);
	is_str(buf_view(&w.found),
		"md/.Sent/cur/4 <> [" A "]|md/.Sent/new/5 <> [" A "]|"
		"md/cur/1:2,S <> [" A "]|md/cur/9:2,S <> [odd\n]|"
		"md/new/2 <> [" A "]|"
		"plain/a.mbox#1 <a@b> [" A "]|plain/b.eml <> [" A "]|"
		"plain/notes: is no mail, mbox or tar|"
		"plain/odd.EML <> [odd\n]|"
		"plain/tmp/c.eml <> [" A "]|",
		"in order of names, without what is not there yet");
	is_int(archive_size(w.dir, &bytes, &err), 0, err.text);
	is_int(bytes, w.passed, "adds up to what is passed");
	end(&w);
}

static void tar_entry(struct buf *b, char kind, const char *name,
	const char *prefix, struct str data, const char *magic)
{
	char block[512] = { 0 };
	unsigned sum = 0;

	snprintf(block, 100, "%s", name);
	snprintf(block + 124, 12, "%011zo", data.len);
	block[156] = kind;
	memcpy(block + 257, magic, 8);
	snprintf(block + 345, 155, "%s", prefix);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06o", sum);
	buf_add(b, block, 512);
	buf_str(b, data);
	while (b->len % 512)
		buf_byte(b, 0);
}

#define USTAR "ustar\00000"
#define GNU "ustar  "

TEST(finds_mails_in_a_tar)
{
	struct world w;
	struct err err = { 0 };
	AUTO(buf) struct buf b = BUF_INIT(1 << 20);

	begin(&w);
	tar_entry(&b, '5', "md", "", STR_NULL, USTAR);
	tar_entry(&b, '0', "./1.eml", "", STR(A), USTAR);
	tar_entry(&b, '0', "2.mbox", "pre/fix", STR(F A "\n" F A), USTAR);
	tar_entry(&b, '0', "tmp/3", "md", STR(A), USTAR);
	tar_entry(&b, '0', "md/.x", "", STR(A), USTAR);
	tar_entry(&b, '2', "link", "", STR_NULL, USTAR);
	tar_entry(&b, 'x', "pax", "", STR("18 path=long/name\n10 size=11\n"),
		USTAR);
	tar_entry(&b, '0', "short", "", STR(A), USTAR);
	tar_entry(&b, 'L', "@", "", STR("a/very/long/name\0"), GNU);
	tar_entry(&b, '0', "a/very", "ignored", STR(A), GNU);
	tar_entry(&b, '0', "last", "", STR("no mail\n"), GNU);
	buf_room(&b, 1024);
	memset(b.p + b.len, 0, 1024);
	b.len += 1024;
	put(&w, "t.tar", buf_view(&b));
	is_int(walk(&w, "t.tar", &err), 0, err.text);
	is_str(buf_view(&w.found),
		"t.tar:./1.eml <> [" A "]|"
		"t.tar:pre/fix/2.mbox#1 <a@b> [" A "]|"
		"t.tar:pre/fix/2.mbox#2 <a@b> [" A "]|"
		"t.tar:long/name <> [" A "]|"
		"t.tar:a/very/long/name <> [" A "]|"
		"t.tar:last: is no mail, mbox or tar|",
		"ustar, pax and GNU");
	buf_clear(&w.found);
	put(&w, "t.tar", str_sub(buf_view(&b), 0, 512 * 5 + 100));
	is_int(walk(&w, "t.tar", &err), -1, "cut within a header");
	has_text(err.text, "t.tar is damaged at byte 2560", "is told");
	put(&w, "t.tar", str_sub(buf_view(&b), 0, 512 * 2 + 5));
	is_int(walk(&w, "t.tar", &err), -1, "cut within a file");
	has_text(err.text, "is cut off", "is told");
	b.p[512 + 3] ^= 1;
	put(&w, "t.tar", buf_view(&b));
	is_int(walk(&w, "t.tar", &err), -1, "a wrong sum");
	has_text(err.text, "is damaged at byte 512", "is told");
	end(&w);
}

TEST(stops_when_told)
{
	struct world w;
	struct err err = { 0 };

	begin(&w);
	put(&w, "f", STR(F A "\n" F A "\n" F A));
	put(&w, "g", STR(A));
	w.stop_after = 1;
	is_int(walk(&w, "", &err), 1, "stopped");
	is_str(buf_view(&w.found), "f#1 <a@b> [" A "]|f#2 <a@b> [" A "]|",
		"behind the second");
	is_int(walk(&w, "nothing", &err), -1, "what is not there");
	is_int(err.kind, ERR_CONF, "is an error");
	end(&w);
}
