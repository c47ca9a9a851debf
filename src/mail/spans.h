/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spans.h - from which bytes the bytes of a text were made; see locate.c. */
#ifndef MAILMILL_MAIL_SPANS_H
#define MAILMILL_MAIL_SPANS_H

#include "inside.h"

#define SPAN_NOWHERE UINT32_MAX /* made by us: a list's mark, an empty line */
#define SPAN_WITHIN 0x80000000U /* a flag in both, see below */
#define SPANS_MAX (SPAN_WITHIN - 2) /* bytes that can be counted */

/*
 * Where one byte comes from: [begin, end) of the stage below. A unit of these
 * may give several bytes (four letters of base64 give three, "&amp;" gives
 * one): all of them then have the whole unit, with SPAN_WITHIN in `begin` of
 * all but the first and in `end` of all but the last.
 */
struct span {
	uint32_t begin, end;
};

/* One a byte; items is NULL when each byte is its own. */
struct spans {
	struct span *items;
	size_t n;
};

static inline uint32_t span_place(uint32_t x)
{
	return x & ~SPAN_WITHIN;
}

/* Tells where a byte comes from. */
struct span spans_at(const struct spans *s, size_t i);
/* Makes all bytes of a stage one unit, where nothing better is known. */
void spans_cover(struct arena *a, size_t n, size_t below, struct spans *out);
/* Follows each byte through two stages, the upper one first. */
void spans_compose(struct arena *a, const struct spans *upper,
	const struct spans *lower, struct spans *out);
/* Decoded bytes in encoded ones (base64, quoted-printable). */
void spans_of_encoding(struct arena *a, enum decode_kind kind, struct str raw,
	struct str bytes, struct spans *out);
/* UTF-8 with LF in bytes of a charset. */
void spans_of_charset(struct arena *a, struct str charset, struct str bytes,
	struct str text, struct spans *out);
/* Readable text in plain text that was flowed, cut or cleaned. */
void spans_of_plain(
	struct arena *a, struct str plain, struct str text, struct spans *out);
/* Readable text in the HTML that it was made of. */
void spans_of_html(struct arena *a, struct str html, struct str text,
	const struct html_trace *trace, struct spans *out);

#endif
