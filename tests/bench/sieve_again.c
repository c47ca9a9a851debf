/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sieve_again.c - makes Pigeonhole's sieve-test evaluate many times.
 *
 * A process takes a hundred times what an evaluation does. Preloaded into
 * sieve-test, this stands in for the function of its library that evaluates a
 * compiled script for an opened mail, calls that one again and again for
 * SIEVE_AGAIN_MS milliseconds, and writes the microseconds of one call to
 * standard error. Printing the result is left out.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PUBLIC __attribute__((visibility("default")))

typedef int (*sieve_test_fn)(void *binary, const void *mail, const void *env,
	void *errors, void *out, int flags);

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

PUBLIC bool sieve_result_print(
	void *result, const void *env, void *out, bool *keep);
PUBLIC bool sieve_result_print(
	void *result, const void *env, void *out, bool *keep)
{
	(void)result;
	(void)env;
	(void)out;
	if (keep)
		*keep = true;
	return true;
}

PUBLIC int sieve_test(void *binary, const void *mail, const void *env,
	void *errors, void *out, int flags);
PUBLIC int sieve_test(void *binary, const void *mail, const void *env,
	void *errors, void *out, int flags)
{
	sieve_test_fn real = (sieve_test_fn)dlsym(RTLD_NEXT, "sieve_test");
	const char *ms = getenv("SIEVE_AGAIN_MS");
	int64_t began, now,
		span = ms ? (int64_t)strtoll(ms, NULL, 10) * 1000 : 0;
	size_t n = 0;
	int rc = real(binary, mail, env, errors, out, flags);

	began = now = now_us();
	for (; now - began < span; now = now_us())
		for (int i = 0; i < 16; i++, n++)
			rc = real(binary, mail, env, errors, out, flags);
	fprintf(stderr, "sieve_again: %.3f us of %zu\n",
		n ? (double)(now - began) / (double)n : 0.0, n);
	return rc;
}
