/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enc.c - hex, base64, percent-encoding, HTML entities. */
#include <mailmill/enc.h>

static const char hex[] = "0123456789abcdef";

int enc_hex(struct buf *out, struct str in)
{
	char *to = buf_room(out, in.len * 2);

	if (!to)
		return -1;
	for (size_t i = 0; i < in.len; i++) {
		*to++ = hex[(unsigned char)in.p[i] >> 4];
		*to++ = hex[(unsigned char)in.p[i] & 15];
	}
	out->len += in.len * 2;
	out->p[out->len] = 0;
	return 0;
}

int enc_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int enc_unhex(struct buf *out, struct str in)
{
	if (in.len % 2)
		return -1;
	for (size_t i = 0; i < in.len; i += 2) {
		int high = enc_hex_value(in.p[i]),
		    low = enc_hex_value(in.p[i + 1]);
		if (high < 0 || low < 0 ||
			buf_byte(out, (unsigned char)(high << 4 | low)))
			return -1;
	}
	return 0;
}

static int add_base64(
	struct buf *out, struct str in, const char *tail, bool is_padded)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = (in.len + 2) / 3 * 4;
	char *to = buf_room(out, len), *begin = to;

	if (!to)
		return -1;
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = MIN(in.len - i, 3);
		unsigned v = (unsigned)(unsigned char)in.p[i] << 16;
		if (n > 1)
			v |= (unsigned)(unsigned char)in.p[i + 1] << 8;
		if (n > 2)
			v |= (unsigned char)in.p[i + 2];
		for (size_t k = 0; k < 4; k++) {
			unsigned six = v >> (18 - 6 * k) & 63;
			if (k <= n)
				*to++ = six < 62 ? letters[six]
						 : tail[six - 62];
			else if (is_padded)
				*to++ = '=';
		}
	}
	out->len += (size_t)(to - begin);
	out->p[out->len] = 0;
	return 0;
}

int enc_base64(struct buf *out, struct str in)
{
	return add_base64(out, in, "+/", true);
}

int enc_base64url(struct buf *out, struct str in)
{
	return add_base64(out, in, "-_", false);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int enc_unbase64(struct buf *out, struct str in)
{
	unsigned v = 0, bits = 0;

	for (int pads = 0; pads < 2 && in.len && in.p[in.len - 1] == '=';
		pads++)
		in.len--;
	if (in.len % 4 == 1)
		return -1;
	for (size_t i = 0; i < in.len; i++) {
		int six = base64_value(in.p[i]);
		if (six < 0)
			return -1;
		v = v << 6 | (unsigned)six;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (buf_byte(out, (unsigned char)(v >> bits)))
				return -1;
		}
	}
	return 0;
}

int enc_percent(struct buf *out, struct str in)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.p[i];
		bool is_plain = (c >= 'A' && c <= 'Z') ||
				(c >= 'a' && c <= 'z') ||
				(c >= '0' && c <= '9') || c == '-' ||
				c == '.' || c == '_' || c == '~';
		char three[3] = { '%', "0123456789ABCDEF"[c >> 4],
			"0123456789ABCDEF"[c & 15] };
		if (is_plain ? buf_byte(out, c) : buf_add(out, three, 3))
			return -1;
	}
	return 0;
}

int enc_unpercent(struct buf *out, struct str in, bool is_form)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.p[i];
		if (c == '%' && i + 2 < in.len &&
			enc_hex_value(in.p[i + 1]) >= 0 &&
			enc_hex_value(in.p[i + 2]) >= 0) {
			c = (unsigned char)(enc_hex_value(in.p[i + 1]) << 4 |
					    enc_hex_value(in.p[i + 2]));
			i += 2;
		} else if (c == '+' && is_form) {
			c = ' ';
		}
		if (buf_byte(out, c))
			return -1;
	}
	return 0;
}

int enc_html(struct buf *out, struct str in)
{
	for (size_t i = 0; i < in.len; i++) {
		const char *entity = NULL;
		if (in.p[i] == '&')
			entity = "&amp;";
		else if (in.p[i] == '<')
			entity = "&lt;";
		else if (in.p[i] == '>')
			entity = "&gt;";
		else if (in.p[i] == '"')
			entity = "&quot;";
		else if (in.p[i] == '\'')
			entity = "&#39;";
		if (entity ? buf_c(out, entity)
			   : buf_byte(out, (unsigned char)in.p[i]))
			return -1;
	}
	return 0;
}
