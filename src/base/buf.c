/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf.c - bytes that grow to a limit. */
#include <stdio.h>

#include <mailmill/buf.h>
#include <mailmill/mem.h>

#define FIRST_CAP 256

void buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT(b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->is_over = false;
	if (b->p)
		b->p[0] = 0;
}

char *buf_room(struct buf *b, size_t len)
{
	size_t need;

	if (b->is_over || len > b->max || b->len > b->max - len) {
		b->is_over = true;
		return NULL;
	}
	need = b->len + len + 1;
	if (need > b->cap) {
		size_t cap = b->cap ? b->cap : FIRST_CAP;
		while (cap < need)
			cap *= 2;
		b->p = mem_resize(b->p, MIN(cap, b->max + 1));
		b->cap = MIN(cap, b->max + 1);
	}
	return b->p + b->len;
}

int buf_add(struct buf *b, const void *p, size_t len)
{
	char *to = buf_room(b, len);

	if (!to)
		return -1;
	if (len)
		memcpy(to, p, len);
	b->len += len;
	b->p[b->len] = 0;
	return 0;
}

int buf_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.len);
}

int buf_c(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_byte(struct buf *b, unsigned char c)
{
	return buf_add(b, &c, 1);
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *to;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	must(n >= 0);
	to = buf_room(b, (size_t)n);
	if (!to)
		return -1;
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return rc;
}

void buf_shift(struct buf *b, size_t len)
{
	must(len <= b->len);
	if (len == 0)
		return;
	memmove(b->p, b->p + len, b->len - len + 1);
	b->len -= len;
}

struct str buf_view(const struct buf *b)
{
	return str_n(b->p ? b->p : "", b->len);
}

bool buf_is_over(const struct buf *b)
{
	return b->is_over;
}

char *buf_take(struct buf *b)
{
	char *p = b->p ? b->p : mem_new(1);

	p[b->len] = 0;
	b->p = NULL;
	buf_fini(b);
	return p;
}
