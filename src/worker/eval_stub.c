/* SPDX-License-Identifier: GPL-3.0-or-later */
/* eval_stub.c - stands in for src/sieve/ until that has landed; weak. */
#include <mailmill/sieve.h>

#define WEAK __attribute__((weak))

WEAK const struct sieve_limits *sieve_limits_default(void)
{
	return NULL;
}

WEAK int sieve_compile(const char *name, struct str source,
	const struct sieve_limits *limits, struct sieve_diags *diags,
	struct sieve_script **out)
{
	return -1;
}

WEAK void sieve_free(struct sieve_script *s)
{
}

WEAK int sieve_eval(const struct sieve_script *s, struct mail *mail,
	const struct envelope *env, const struct facts *facts, struct arena *a,
	struct plan **out, struct err *err)
{
	return err_set(err, ERR_CONF, "no rules in this build");
}
