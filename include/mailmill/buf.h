/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf.h - bytes that grow to a limit given at the start, and no further. */
#ifndef MAILMILL_BUF_H
#define MAILMILL_BUF_H

#include <stdarg.h>

#include <mailmill/base.h>
#include <mailmill/str.h>

/*
 * Plain data; p has a NUL behind len once anything was added. What would grow
 * it beyond max is left out whole and is_over is set, once and for all: check
 * it at the end with buf_is_over().
 */
struct buf {
	char *p;
	size_t len, cap, max;
	bool is_over;
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })

/* Begins an empty one that holds at most `max` bytes. */
void buf_init(struct buf *b, size_t max);
/* Frees what it holds; usable again afterwards. Accepts a zeroed one. */
void buf_fini(struct buf *b);
/* Empties it, keeping memory and limit; forgets is_over. */
void buf_clear(struct buf *b);
/* Adds bytes. Returns: 0, or -1 when that is over the limit. */
int buf_add(struct buf *b, const void *p, size_t len);
/* Adds a str. Returns: 0 or -1. */
int buf_str(struct buf *b, struct str s);
/* Adds a C string. Returns: 0 or -1. */
int buf_c(struct buf *b, const char *s);
/* Adds one byte. Returns: 0 or -1. */
int buf_byte(struct buf *b, unsigned char c);
/* Adds printed text. Returns: 0 or -1. */
int buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* The same with a va_list. */
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);
/*
 * Makes room for `len` more bytes to be written at b->p + b->len by the
 * caller, who then adds to b->len. Returns: the place, or NULL over the limit.
 */
char *buf_room(struct buf *b, size_t len);
/* Removes bytes from the front. */
void buf_shift(struct buf *b, size_t len);
/* Lends what it holds, until the next change. */
struct str buf_view(const struct buf *b);
/* Tells whether anything was left out. */
bool buf_is_over(const struct buf *b);
/* Gives what it holds as a C string (never NULL), by free(); leaves it empty.
 */
char *buf_take(struct buf *b);

static inline void auto_buf(struct buf *b)
{
	buf_fini(b);
}

#endif
