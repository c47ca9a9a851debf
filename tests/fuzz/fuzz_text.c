/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_text.c - bodies: HTML made text, replies split, what was forwarded. */
#include <mailmill/buf.h>
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_ink(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] > ' ' && s.p[i] != '-' && s.p[i] != '\x7f';
	return n;
}

/* Reads a body in a mail; no byte of its text may be in none of the parts. */
static void check(const char *type, struct str body)
{
	AUTO(buf) struct buf raw = BUF_INIT(body.len + 200);
	AUTO(mail) struct mail *m = NULL;
	const struct mail_forwarded *list;
	struct err err = { 0 };
	size_t n;

	buf_printf(&raw,
		"Subject: Fwd: x\nContent-Type: text/%s; charset=utf-8\n\n",
		type);
	buf_str(&raw, body);
	must(mail_parse(buf_view(&raw), &m, &err) == 0);
	must(utf8_is_valid(mail_text(m)));
	must(utf8_is_valid(mail_reply(m)));
	must(utf8_is_valid(mail_quoted(m)));
	must(utf8_is_valid(mail_signature(m)));
	must(count_ink(mail_text(m)) == count_ink(mail_reply(m)) +
						count_ink(mail_quoted(m)) +
						count_ink(mail_signature(m)));
	n = mail_forwards(m, &list);
	for (size_t i = 0; i < n; i++)
		must(utf8_is_valid(list[i].text) &&
			utf8_is_valid(list[i].from) &&
			utf8_is_valid(list[i].from_name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n((const char *)data, size);

	mail_init();
	check("plain", in);
	check("html", in);
	return 0;
}
