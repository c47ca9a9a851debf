/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compose.h - new mail: header fields, addresses, texts, reports.
 *
 * Whatever a value holds, it makes one field and no further line of a header:
 * line ends and control characters become blanks. Lines end in CRLF.
 */
#ifndef MAILMILL_COMPOSE_H
#define MAILMILL_COMPOSE_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/mem.h>

#define COMPOSE_LINE_MAX 78  /* columns, where words allow it */
#define COMPOSE_NAME_MAX 200 /* bytes of a field's name */
#define COMPOSE_WORD_MAX 800 /* bytes of what cannot be folded */

/* Tells whether a field may be called so (RFC 5322 3.6.8). */
bool compose_is_name(struct str name);
/*
 * Adds a field of free text: folded, and words beyond ASCII encoded (RFC
 * 2047). What is ASCII stays as it is written, encoded words too.
 * Note: `name` must pass compose_is_name(), here and below.
 */
void compose_field(struct buf *out, struct str name, struct str value);
/* The same for a text that was decoded: what looks encoded is taken as is. */
void compose_decoded(struct buf *out, struct str name, struct str value);
/*
 * Adds a field of tokens (addresses, ids, parameters): folded between them,
 * never encoded. A token over COMPOSE_WORD_MAX is left out.
 */
void compose_tokens(struct buf *out, struct str name, struct str value);
/* Writes `"Ann B." <ann@example.org>`, the name encoded if need be. In `a`. */
struct str compose_address(
	struct arena *a, struct str name, struct str address);
/*
 * Adds Content-Type, Content-Transfer-Encoding, an empty line, and `content`
 * in the encoding that it needs: as it is, quoted-printable or base64.
 */
void compose_entity(struct buf *out, struct str type, struct str content);
/*
 * The same for a multipart of entities; `type` is "multipart/mixed", with
 * parameters if there are any. The boundary follows from all of it.
 */
void compose_multipart(
	struct buf *out, struct str type, const struct str *entities, size_t n);

#endif
