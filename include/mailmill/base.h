/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base.h - words that every file uses: attributes, AUTO, must, counts. */
#ifndef MAILMILL_BASE_H
#define MAILMILL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CONTAINER(ptr, type, member)                                           \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/*
 * AUTO(kind) T *x = ...; ends x by auto_kind() when it goes out of scope.
 * TAKE(x) gives the value away and leaves NULL behind; TAKE_FD(x) leaves -1.
 */
#define AUTO(kind) __attribute__((cleanup(auto_##kind)))
#define TAKE(x)                                                                \
	({                                                                     \
		__typeof__(x) take_value = (x);                                \
		(x) = NULL;                                                    \
		take_value;                                                    \
	})
#define TAKE_FD(x)                                                             \
	({                                                                     \
		int take_value = (x);                                          \
		(x) = -1;                                                      \
		take_value;                                                    \
	})
/* Defines auto_kind() for AUTO: ends a pointer of `type` by `end`. */
#define AUTO_DEFINE(kind, type, end)                                           \
	static inline void auto_##kind(type *p)                                \
	{                                                                      \
		if (*p)                                                        \
			end(*p);                                               \
	}

/*
 * Aborts with place and condition when x is false. For our own mistakes only:
 * input can never trip it. Stays on in release builds.
 */
#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__))
NORETURN void must_failed(const char *what, const char *file, int line);

static inline void auto_free(void *p)
{
	free(*(void **)p);
}
static inline void auto_bytes(char **p)
{
	free(*p);
}

#endif
