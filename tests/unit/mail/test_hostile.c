/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_hostile.c - mails made to exhaust a parser: time, memory, defects. */
#include <time.h>

#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

#define MB ((size_t)1 << 20)
#define TIME_MAX_MS                                                            \
	20000 /* of CPU under sanitizers; plain it is 20 times less */

static void repeat(struct buf *b, const char *piece, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_c(b, piece);
}

static void make_parts(struct buf *b)
{
	buf_c(b, "Content-Type: multipart/mixed; boundary=b\n\n");
	repeat(b, "--b\n\nx\n", 100000);
	buf_c(b, "--b--\n");
}

static void make_nesting(struct buf *b)
{
	for (int i = 0; i < 10000; i++)
		buf_printf(b,
			"Content-Type: multipart/mixed; boundary=b%d\n\n"
			"--b%d\n",
			i, i);
	buf_c(b, "\nend\n");
}

static void make_message_nesting(struct buf *b)
{
	repeat(b, "Content-Type: message/rfc822\n\n", 10000);
}

static void make_one_field(struct buf *b)
{
	buf_c(b, "Subject: ");
	repeat(b, "=?utf-8?B?w6Q=?=\n ", 600000);
	buf_c(b, "\n\nx\n");
}

static void make_fields(struct buf *b)
{
	repeat(b, "a:\n", 3000000);
	buf_c(b, "\nx\n");
}

static void make_bad_fields(struct buf *b)
{
	buf_c(b, "Subject: x\n");
	repeat(b, "no field at all\n", 500000);
}

static void make_groups(struct buf *b)
{
	buf_c(b, "To: ");
	repeat(b, "g:", 500000);
	buf_c(b, "\nFrom: ");
	repeat(b, "(", 500000);
	buf_c(b, "\nCc: ");
	repeat(b, "<", 500000);
	buf_c(b, "\nBcc: ");
	repeat(b, "\"", 500001);
	buf_c(b, "\nReply-To: ");
	repeat(b, "[", 500001);
	buf_c(b, "\n\nx\n");
}

static void make_addresses(struct buf *b)
{
	buf_c(b, "To: ");
	repeat(b, "a@b.example,\n ", 1000000);
	buf_c(b, "\n\nx\n");
}

static void make_references(struct buf *b)
{
	buf_c(b, "References:");
	for (int i = 0; i < 100000; i++)
		buf_printf(b, "\n <%d@example.org>", i);
	buf_c(b, "\n\nx\n");
}

static void make_params(struct buf *b)
{
	buf_c(b, "Content-Disposition: attachment");
	for (int i = 0; i < 1000000; i++)
		buf_printf(b, "; f*%d=x", i);
	buf_c(b, "\n\nx\n");
}

static void make_line(struct buf *b)
{
	buf_c(b, "Subject: x\n\n");
	repeat(b, "0123456789abcdef", 50 * MB / 16);
}

static void make_html(struct buf *b)
{
	buf_c(b, "Content-Type: text/html\n\n");
	repeat(b, "<div>", 1000000);
	buf_c(b, "deep");
}

static void make_html_quotes(struct buf *b)
{
	buf_c(b, "Content-Type: text/html\n\n");
	repeat(b, "<blockquote>x<ul><li>", 50000);
}

static void make_html_attributes(struct buf *b)
{
	buf_c(b, "Content-Type: text/html\n\n<p");
	for (int i = 0; i < 100000; i++)
		buf_printf(b, " a%d=b", i);
	buf_c(b, ">deep");
}

static void make_html_quoted_attributes(struct buf *b)
{
	buf_c(b, "Content-Type: text/html\n\n<p");
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(b, " a%u='%u'", i, i);
	buf_c(b, ">text</p>\n");
}

static void make_more_attributes(struct buf *b)
{
	buf_c(b, "Content-Type: text/html\n\n");
	for (int i = 0; i < 1000000; i++) {
		if (i % 290 == 0)
			buf_c(b, "><p q=\">\"");
		buf_printf(b, " a%d=b", i);
	}
}

static void make_quotes(struct buf *b)
{
	buf_c(b, "Subject: x\n\n");
	repeat(b, "On 1 May 2020 at 10:00, a@b wrote\n> x\nFrom: x\n", 30000);
}

static void make_boundaries(struct buf *b)
{
	for (int i = 0; i < 90; i++)
		buf_printf(b,
			"Content-Type: multipart/mixed; boundary=aaaaa%d\n\n"
			"--aaaaa%d\n",
			i, i);
	buf_c(b, "\n");
	repeat(b, "--aaaaa\n", 1000000);
}

static void make_dates(struct buf *b)
{
	buf_c(b, "Date: ");
	repeat(b, "1 ", 1000000);
	buf_c(b, "\n\nx");
}

static const struct row {
	const char *name;
	void (*make)(struct buf *b);
	const char *defect; /* a piece of one, or NULL: read without */
} rows[] = {
	{ "100,000 parts", make_parts, "more than" },
	{ "10,000 multiparts in one another", make_nesting, "nested more" },
	{ "10,000 messages in one another", make_message_nesting,
		"nested more" },
	{ "a field of 10 MB of encoded words", make_one_field,
		"read up to 131072" },
	{ "3,000,000 fields", make_fields, "the rest is left out" },
	{ "500,000 lines that are no fields", make_bad_fields, "no field" },
	{ "brackets that never close", make_groups, NULL },
	{ "1,000,000 addresses", make_addresses, NULL },
	{ "100,000 references", make_references, NULL },
	{ "1,000,000 parameter pieces", make_params, NULL },
	{ "a line of 50 MB", make_line, "read up to" },
	{ "1,000,000 open tags", make_html, NULL },
	{ "50,000 quotes and lists in one another", make_html_quotes, NULL },
	{ "100,000 attributes", make_html_attributes, NULL },
	{ "100,000 attributes in quotes", make_html_quoted_attributes, NULL },
	{ "1,000,000 attributes in 3,400 tags", make_more_attributes, NULL },
	{ "30,000 attributions", make_quotes, NULL },
	{ "1,000,000 lines that nearly are boundaries", make_boundaries, NULL },
	{ "a date of 1,000,000 numbers", make_dates, NULL },
};

static bool has_defect(struct mail *m, const char *piece)
{
	const struct mail_defect *d;
	size_t n = mail_defects(m, &d);

	for (size_t i = 0; i < n; i++)
		if (str_find(d[i].text, str_c(piece)) >= 0)
			return true;
	return false;
}

static int64_t cpu_ms(void)
{
	return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

TEST(hostile_mails_cost_little)
{
	mail_init();
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf raw = BUF_INIT(200 * MB);
		AUTO(mail) struct mail *m = NULL;
		struct err err = { 0 };
		int64_t begin, ms;
		json_t *j;
		rows[i].make(&raw);
		begin = cpu_ms();
		is_int(mail_parse(buf_view(&raw), &m, &err), 0, rows[i].name);
		j = mail_to_json(m);
		is_true(j != NULL, rows[i].name);
		json_decref(j);
		ms = cpu_ms() - begin;
		is_true(ms < TIME_MAX_MS, rows[i].name);
		is_true(arena_used(mail_arena(m)) < 64 * MB + 2 * raw.len,
			rows[i].name);
		if (rows[i].defect)
			is_true(has_defect(m, rows[i].defect), rows[i].name);
		printf("# %s: %zu bytes, %lld ms, %zu KB\n", rows[i].name,
			raw.len, (long long)ms,
			arena_used(mail_arena(m)) / 1024);
	}
}
