/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match_unicode.c - i;unicode-casemap (RFC 5051), with GLib's tables.
 */
#include <glib.h>
#undef MIN
#undef MAX

#include <mailmill/utf8.h>

#include "match.h"

static void add_decomposed(struct buf *b, uint32_t code)
{
	gunichar parts[18];
	gsize n = g_unichar_fully_decompose(
		g_unichar_totitle(code), TRUE, parts, COUNT(parts));

	for (gsize i = 0; i < n; i++)
		utf8_add(b, parts[i]);
}

struct str sieve_unicode_normal(struct arena *a, struct str s)
{
	/* No character grows to more than 18 of 4 bytes. */
	AUTO(buf) struct buf b = BUF_INIT(s.len * 72 + 1);

	for (size_t at = 0; at < s.len;) {
		uint32_t code;
		size_t len = utf8_next(str_sub(s, at, 8), &code);

		if (len) {
			add_decomposed(&b, code);
		} else {
			buf_byte(&b, (unsigned char)s.p[at]);
			len = 1;
		}
		at += len;
	}
	return arena_str(a, buf_view(&b));
}
