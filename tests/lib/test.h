/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test.h - unit tests: TEST(name) { ... } and one main, printing TAP.
 *
 * A test runs all its checks, so that one run shows all that is wrong. A
 * warning or error that was not announced by expect_log() fails the test.
 * TEST_CHILD, defined before, is the function that `TEST worker` runs.
 */
#ifndef MAILMILL_TEST_H
#define MAILMILL_TEST_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mailmill/base.h>
#include <mailmill/log.h>
#include <mailmill/str.h>

typedef void (*test_fn)(void);

#define TEST_COUNT_MAX 256
static struct {
	const char *name;
	test_fn run;
} test_all[TEST_COUNT_MAX];
static int test_n, test_n_failed, test_is_bad;
static char test_expected_log[256];

#define TEST(title)                                                            \
	static void test_##title(void);                                        \
	__attribute__((constructor)) static void test_add_##title(void)        \
	{                                                                      \
		must(test_n < TEST_COUNT_MAX);                                 \
		test_all[test_n].name = #title;                                \
		test_all[test_n++].run = test_##title;                         \
	}                                                                      \
	static void test_##title(void)

PRINTF(3, 4)
static inline void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	test_is_bad = 1;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* Checks a condition; `what` states the fact that it proves. */
#define is_true(x, what)                                                       \
	do {                                                                   \
		if (!(x))                                                      \
			test_fail(__FILE__, __LINE__, "%s: not true: %s",      \
				(what), #x);                                   \
	} while (0)
#define is_false(x, what) is_true(!(x), what)

/* Checks two integers for equality. */
#define is_int(got, want, what)                                                \
	do {                                                                   \
		long long test_got = (long long)(got);                         \
		long long test_want = (long long)(want);                       \
		if (test_got != test_want)                                     \
			test_fail(__FILE__, __LINE__,                          \
				"%s: got %lld, want %lld", (what), test_got,   \
				test_want);                                    \
	} while (0)

/* Checks a struct str against a C string (NULL means the null string). */
#define is_str(got, want, what)                                                \
	do {                                                                   \
		struct str test_got = (got);                                   \
		const char *test_want = (want);                                \
		if (!str_eq(test_got, str_c(test_want)))                       \
			test_fail(__FILE__, __LINE__,                          \
				"%s: got \"%.*s\", want \"%s\"", (what),       \
				STR_ARG(test_got),                             \
				test_want ? test_want : "");                   \
	} while (0)

/* Checks two C strings. */
#define is_c(got, want, what) is_str(str_c(got), want, what)

/* Checks that a C string holds a piece. */
#define has_text(got, piece, what)                                             \
	do {                                                                   \
		const char *test_got = (got);                                  \
		if (!test_got || !strstr(test_got, (piece)))                   \
			test_fail(__FILE__, __LINE__,                          \
				"%s: \"%s\" lacks \"%s\"", (what),             \
				test_got ? test_got : "(null)", (piece));      \
	} while (0)

/* Announces that this test will log a warning or error that begins so. */
static inline UNUSED void expect_log(const char *begin)
{
	snprintf(test_expected_log, sizeof(test_expected_log), "%s", begin);
}

static inline void test_on_log(
	enum log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level > LOG_WARN)
		return;
	if (test_expected_log[0] &&
		str_starts(str_c(line), str_c(test_expected_log)))
		return;
	test_fail("log", 0, "unexpected: %s", line);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;

#ifdef TEST_CHILD
	/* the program under test executes itself for a part of its work */
	if (only && strcmp(only, "worker") == 0)
		return TEST_CHILD(argc - 1, argv + 1);
#endif
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_sink(test_on_log, NULL);
	printf("1..%d\n", test_n);
	for (int i = 0; i < test_n; i++) {
		test_is_bad = 0;
		test_expected_log[0] = 0;
		if (only && strcmp(only, test_all[i].name)) {
			printf("ok %d - %s # SKIP not asked for\n", i + 1,
				test_all[i].name);
			continue;
		}
		test_all[i].run();
		test_n_failed += test_is_bad;
		printf("%sok %d - %s\n", test_is_bad ? "not " : "", i + 1,
			test_all[i].name);
	}
	return test_n_failed != 0;
}

#endif
