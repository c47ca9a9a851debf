/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decode.h - content transfer encodings (RFC 2045 section 6) undone in pieces.
 *
 * Bytes in, bytes out; however the input is cut into pieces, the output is the
 * same. Nothing is an error: what does not belong there is skipped, as mail
 * clients do, so that worker and target get the same bytes from the same range.
 */
#ifndef MAILMILL_DECODE_H
#define MAILMILL_DECODE_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/str.h>

enum decode_kind {
	DECODE_IDENTITY, /* 7bit, 8bit, binary and unknown ones */
	DECODE_BASE64,
	DECODE_QUOTED_PRINTABLE,
	DECODE_UUENCODE, /* the data between "begin" and "end" */
};

/* What one step may give beyond the bytes that it got. */
#define DECODE_EXTRA 128

/* Plain data; begun by decode_init(), nothing to end. */
struct decode {
	enum decode_kind kind;
	unsigned char state; /* the decoder's own, as all below */
	unsigned char n_held;
	uint32_t bits;
	char held[DECODE_EXTRA]; /* begun and not yet decided */
};

/* Finds the kind by a name in any case: "base64", "x-uuencode", "". */
enum decode_kind decode_kind(struct str name);
/* Names a kind as plan files do: "identity", "base64", ... */
const char *decode_kind_name(enum decode_kind kind);
/* Begins a part. */
void decode_init(struct decode *d, enum decode_kind kind);
/*
 * Decodes a piece. `out` has room for in.len + DECODE_EXTRA bytes and does not
 * overlap `in`. Returns: the number of bytes written.
 */
size_t decode_feed(struct decode *d, struct str in, char *out);
/* Writes the rest, at most DECODE_EXTRA bytes. Returns: their number. */
size_t decode_end(struct decode *d, char *out);
/*
 * Adds a whole part, decoded. Returns: 0, or -1 over the buffer's limit, of
 * which DECODE_EXTRA must be spare.
 */
int decode_all(struct buf *out, enum decode_kind kind, struct str in);

#endif
