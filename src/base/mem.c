/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mem.c - allocation that aborts when memory ends, and arenas.
 *
 * The store is durable and the service is restarted, so no caller has to check
 * for memory; sizes are bounded before they come here.
 */
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include <mailmill/mem.h>

static void *checked(void *p, size_t size)
{
	if (!p && size) {
		fprintf(stderr, "mailmill: out of memory (%zu bytes)\n", size);
		abort();
	}
	return p;
}

void *mem_new(size_t size)
{
	size_t n = size ? size : 1;

	return checked(calloc(1, n), n);
}

void *mem_array(size_t n, size_t size)
{
	size_t total;

	must(!__builtin_mul_overflow(n, size, &total));
	return mem_new(total);
}

void *mem_resize(void *p, size_t size)
{
	return checked(realloc(p, size ? size : 1), size);
}

char *mem_strdup(const char *s)
{
	return s ? str_dup(str_c(s)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&out, fmt, ap) < 0)
		out = NULL;
	va_end(ap);
	return checked(out, 1);
}

#define BLOCK_LEN ((size_t)16 * 1024)
#define ALIGN alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *first; /* the one that is being filled */
	size_t used;
};

static struct block *block_new(size_t size, struct block *next)
{
	struct block *b = checked(malloc(sizeof(*b) + size), size);

	b->next = next;
	b->used = 0;
	b->size = size;
	return b;
}

struct arena *arena_new(void)
{
	struct arena *a = NEW(struct arena);

	a->first = block_new(BLOCK_LEN, NULL);
	return a;
}

static void free_after(struct block *b)
{
	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	free_after(a->first);
	free(a);
}

void arena_reset(struct arena *a)
{
	struct block *keep = NULL;

	for (struct block *b = a->first; b && !keep; b = b->next)
		if (b->size == BLOCK_LEN)
			keep = b;
	for (struct block *b = a->first, *next; b; b = next) {
		next = b->next;
		if (b != keep)
			free(b);
	}
	if (!keep)
		keep = block_new(BLOCK_LEN, NULL);
	keep->next = NULL;
	keep->used = 0;
	a->first = keep;
	a->used = 0;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->first;
	void *p;

	must(size < SIZE_MAX / 2);
	size = (MAX(size, 1) + ALIGN - 1) & ~(ALIGN - 1);
	if (size > BLOCK_LEN / 4 && size > b->size - b->used) {
		/* behind the current one, which still has room for small ones
		 */
		b->next = block_new(size, b->next);
		b = b->next;
	} else if (size > b->size - b->used) {
		b = a->first = block_new(BLOCK_LEN, b);
	}
	p = b->data + b->used;
	b->used += size;
	a->used += size;
	return memset(p, 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	must(!__builtin_mul_overflow(n, size, &total));
	return arena_alloc(a, total);
}

void *arena_grow(struct arena *a, const void *old, size_t n_old, size_t n_new,
	size_t size)
{
	void *p = arena_array(a, n_new, size);

	if (n_old)
		memcpy(p, old, n_old * size);
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);

	if (s.len)
		memcpy(p, s.p, s.len);
	return str_n(p, s.len);
}

struct str arena_lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32)
						      : s.p[i];
	return (struct str){ p, s.len };
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t len = s ? strlen(s) + 1 : 0;

	return s ? memcpy(arena_alloc(a, len), s, len) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	must(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}
