/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_rule.c - the interpreter: what stands before the first NUL as a script,
 * what stands behind it as a mail.
 */
#include "eval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_settings settings = *sieve_settings_default();
	struct sieve_diags diags = { .arena = a };
	struct str all = str_n((const char *)data, size);
	ssize_t cut = str_chr(all, '\0');

	if (cut < 0)
		return 0;
	mail_init();
	settings.limits.steps = STEPS;
	settings.limits.regex_steps = STEPS;
	if (sieve_compile("fuzz", str_sub(all, 0, (size_t)cut), &settings,
		    &diags, &s) == 0)
		eval_mail(s, str_sub(all, (size_t)cut + 1, size));
	return 0;
}
