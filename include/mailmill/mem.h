/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mem.h - allocation that never fails, and arenas that die in one call. */
#ifndef MAILMILL_MEM_H
#define MAILMILL_MEM_H

#include <stdarg.h>

#include <mailmill/base.h>
#include <mailmill/str.h>

/* Allocates zeroed memory, aborting when there is none. Gives: by free(). */
void *mem_new(size_t size);
/* Allocates a zeroed array, with an overflow check. Gives: by free(). */
void *mem_array(size_t n, size_t size);
/* Resizes as realloc does, aborting when there is no memory. */
void *mem_resize(void *p, size_t size);
/* Copies a C string; NULL gives NULL. Gives: by free(). */
char *mem_strdup(const char *s);
/* Prints to the heap. Gives: by free(). */
char *mem_printf(const char *fmt, ...) PRINTF(1, 2);

#define NEW(type) ((type *)mem_new(sizeof(type)))

/* Owns all that was allocated in it. Not for several threads at once. */
struct arena;

/* Makes an arena. Gives: by arena_free(). */
struct arena *arena_new(void);
/* Ends it and all in it. Accepts NULL. */
void arena_free(struct arena *a);
/* Forgets all in it but keeps its first block, for the next item. */
void arena_reset(struct arena *a);
/* Tells the bytes handed out so far. */
size_t arena_used(const struct arena *a);
/* Allocates zeroed memory, aligned for anything. Lends: until arena_free(). */
void *arena_alloc(struct arena *a, size_t size);
/* Allocates a zeroed array, with an overflow check. */
void *arena_array(struct arena *a, size_t n, size_t size);
/* Grows an array by copying: old items are kept, the rest is zeroed. */
void *arena_grow(struct arena *a, const void *old, size_t n_old, size_t n_new,
	size_t size);
/* Copies bytes and puts a NUL behind them (not counted in len). */
struct str arena_str(struct arena *a, struct str s);
/* The same with ASCII letters in lower case; never the null string. */
struct str arena_lower(struct arena *a, struct str s);
/* Copies a C string; NULL gives NULL. */
char *arena_strdup(struct arena *a, const char *s);
/* Prints into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
/* The same with a va_list. */
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF(2, 0);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

AUTO_DEFINE(arena, struct arena *, arena_free)

#endif
