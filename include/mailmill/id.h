/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id.h - UUIDv7 (RFC 9562) as 36 letters: unique, and sorted by time. */
#ifndef MAILMILL_ID_H
#define MAILMILL_ID_H

#include <mailmill/base.h>
#include <mailmill/str.h>

#define ID_LEN 36

/* Plain data; text has a NUL behind. All NUL is "no id". */
struct id {
	char text[ID_LEN + 1];
};

/*
 * Makes an id. Ids of one process strictly ascend, also within a millisecond
 * and when the clock goes back.
 */
struct id id_new(void);
/* Reads an id in its 36-letter form. Returns: 0 or -1. */
MUST_CHECK int id_parse(struct str s, struct id *out);
/* Fills memory with random bytes from the kernel. */
void id_random(void *p, size_t len);

#endif
