/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_sieve.c - any bytes as a script: lexer, parser, checker, findings; and
 * what is right is run on a mail.
 */
#include "eval.h"

static const char raw[] = "From: Ann <ann+x@example.org>\r\n"
			  "To: bob@example.com, carl@example.net\r\n"
			  "Subject: =?utf-8?q?J=C3=BCrgen?= 1234\r\n"
			  "X-Raw: \xff\xfe\r\n"
			  "References: <a@x> <\x01@y>\r\n"
			  "MIME-Version: 1.0\r\n"
			  "Content-Type: multipart/mixed; boundary=b\r\n"
			  "\r\n"
			  "pre\r\n--b\r\n\r\nOrder: 12\r\n--b\r\n"
			  "Content-Type: image/png; name=\"a/\x01.png\"\r\n"
			  "Content-Transfer-Encoding: x-odd\r\n\r\n"
			  "\xff\x00x\r\n--b--\r\npost\r\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_settings settings = *sieve_settings_default();
	struct sieve_diags diags = { .arena = a };
	AUTO(buf) struct buf out = BUF_INIT((size_t)1 << 20);
	int rc;

	mail_init();
	settings.limits.steps = STEPS;
	rc = sieve_compile(
		"fuzz", str_n((const char *)data, size), &settings, &diags, &s);
	for (size_t i = 0; i < diags.n; i++)
		sieve_diag_print(&out, "fuzz", &diags.items[i]);
	if (rc == 0)
		eval_mail(s, str_n(raw, sizeof(raw) - 1));
	return 0;
}
