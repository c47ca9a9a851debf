/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_encoded_character.c - ${hex:...} and ${unicode:...} in strings (RFC 5228
 * section 2.4.2.4).
 *
 * What is not well-formed stays as it is. One pass: what comes out is not
 * looked at again.
 */
#include <mailmill/enc.h>
#include <mailmill/utf8.h>

#include "../sieve_private.h"

#define CODE_MAX 0x10ffff

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cuts a number off *rest. Returns: how many digits it had. */
static size_t cut_hex(struct str *rest, uint32_t *out)
{
	size_t n = 0;

	for (*out = 0; n < rest->len && enc_hex_value(rest->p[n]) >= 0; n++) {
		/* Any number of digits is legal: it must not wrap. */
		if (*out <= CODE_MAX)
			*out = *out * 16 + (uint32_t)enc_hex_value(rest->p[n]);
	}
	*rest = str_sub(*rest, n, SIZE_MAX / 2);
	return n;
}

static size_t cut_blanks(struct str *rest)
{
	size_t n = 0;

	while (n < rest->len && is_blank(rest->p[n]))
		n++;
	*rest = str_sub(*rest, n, SIZE_MAX / 2);
	return n;
}

/*
 * Decodes what stands behind the colon, up to "}". Returns: 1, 0 when it is
 * not well-formed, or -1 when it is but is no character.
 */
static int decode(
	struct str *rest, bool is_unicode, struct buf *out, uint32_t *bad)
{
	uint32_t code;
	size_t n;
	int rc = 1;

	cut_blanks(rest);
	for (;;) {
		n = cut_hex(rest, &code);
		if (!n || (!is_unicode && n > 2))
			return 0;
		if (!is_unicode) {
			buf_byte(out, (unsigned char)code);
		} else if (code > CODE_MAX ||
			   (code >= 0xd800 && code <= 0xdfff)) {
			*bad = code;
			rc = -1;
		} else {
			utf8_add(out, code);
		}
		n = cut_blanks(rest);
		if (rest->len && rest->p[0] == '}')
			break;
		if (!n)
			return 0;
	}
	*rest = str_sub(*rest, 1, SIZE_MAX / 2);
	return rc;
}

/* Decodes at "${". Returns: as decode() does; *rest moves on after 1. */
static int decode_at(struct str *rest, struct buf *out, uint32_t *bad)
{
	static const struct str hex = { "${hex:", 6 };
	static const struct str unicode = { "${unicode:", 10 };
	bool is_unicode = str_starts_case(*rest, unicode);
	AUTO(buf) struct buf b = BUF_INIT(rest->len * 4 + 4);
	struct str s;
	int rc;

	if (!is_unicode && !str_starts_case(*rest, hex))
		return 0;
	s = str_sub(*rest, is_unicode ? unicode.len : hex.len, SIZE_MAX / 2);
	rc = decode(&s, is_unicode, &b, bad);
	if (rc != 1)
		return rc;
	buf_str(out, buf_view(&b));
	*rest = s;
	return 1;
}

static int check_text(struct sieve_check *c, struct sieve_text *t)
{
	AUTO(buf) struct buf b = BUF_INIT(t->value.len + 1);
	struct str rest = t->value;
	uint32_t bad = 0;

	if (str_find(rest, STR("${")) < 0)
		return 0;
	while (rest.len) {
		int rc = decode_at(&rest, &b, &bad);

		if (rc < 0) {
			sieve_error(c, t->pos,
				"${unicode:...} with %x, which is no character",
				bad);
			return sieve_hint(c, "0 to D7FF and E000 to 10FFFF "
					     "are characters");
		}
		if (rc > 0)
			continue;
		buf_byte(&b, (unsigned char)rest.p[0]);
		rest = str_sub(rest, 1, SIZE_MAX / 2);
	}
	t->value = arena_str(sieve_check_arena(c), buf_view(&b));
	return 0;
}

const struct sieve_ext sieve_ext_encoded_character = {
	.capability = "encoded-character",
	.is_lexical = true,
	.text_check = check_text,
};
