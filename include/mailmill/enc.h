/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enc.h - hex, base64 (RFC 4648), percent (RFC 3986) forms of bytes. */
#ifndef MAILMILL_ENC_H
#define MAILMILL_ENC_H

#include <mailmill/base.h>
#include <mailmill/buf.h>

/* Adds lower-case hex. Returns: 0, or -1 over the buffer's limit. */
int enc_hex(struct buf *out, struct str in);
/* Tells the value of a hex digit of either case, or -1. */
int enc_hex_value(char c);
/* Reads hex that fills `in`. Returns: 0 or -1. */
MUST_CHECK int enc_unhex(struct buf *out, struct str in);
/* Adds base64 with padding, no line breaks. Returns: 0 or -1. */
int enc_base64(struct buf *out, struct str in);
/* Adds base64url without padding. Returns: 0 or -1. */
int enc_base64url(struct buf *out, struct str in);
/*
 * Reads base64 or base64url, with or without padding; anything else than
 * its letters is an error. Returns: 0 or -1.
 */
MUST_CHECK int enc_unbase64(struct buf *out, struct str in);
/* Adds with all but unreserved characters percent-encoded. Returns: 0 or -1. */
int enc_percent(struct buf *out, struct str in);
/*
 * Reads percent-encoding; `is_form` turns + into a blank. A bad escape stays
 * as it is. Returns: 0 or -1.
 */
int enc_unpercent(struct buf *out, struct str in, bool is_form);
/* Adds text with & < > " ' as HTML entities. Returns: 0 or -1. */
int enc_html(struct buf *out, struct str in);

#endif
