/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_sieve.c - any bytes as a script: lexer, parser, checker, findings; and
 * what is right is run on a mail.
 */
#include <mailmill/buf.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>

static const char raw[] = "From: Ann <ann+x@example.org>\r\n"
			  "To: bob@example.com, carl@example.net\r\n"
			  "Subject: =?utf-8?q?J=C3=BCrgen?= 1234\r\n"
			  "MIME-Version: 1.0\r\n"
			  "Content-Type: multipart/mixed; boundary=b\r\n"
			  "\r\n"
			  "pre\r\n--b\r\n\r\ntext\r\n--b--\r\npost\r\n";

static void run(const struct sieve_script *s)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	struct envelope env = { .sender = STR("x@example.org") };
	struct facts facts = { 0 };
	struct plan *plan;
	struct err err = { 0 };

	if (mail_parse(str_c(raw), &mail, &err) < 0)
		return;
	if (sieve_eval(s, mail, &env, &facts, a, &plan, &err) < 0)
		return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_limits limits = *sieve_limits_default();
	struct sieve_diags diags = { .arena = a };
	AUTO(buf) struct buf out = BUF_INIT((size_t)1 << 20);
	int rc;

	mail_init();
	limits.steps = 100000;
	rc = sieve_compile(
		"fuzz", str_n((const char *)data, size), &limits, &diags, &s);
	for (size_t i = 0; i < diags.n; i++)
		sieve_diag_print(&out, "fuzz", &diags.items[i]);
	if (rc == 0)
		run(s);
	return 0;
}
