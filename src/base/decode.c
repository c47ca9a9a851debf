/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decode.c - base64, quoted-printable and uuencode, undone in pieces.
 *
 * Each decoder is a state machine that holds back only what it cannot decide
 * yet: up to three base64 letters, an escape or a run of blanks, one line.
 */
#include <mailmill/decode.h>

static const struct kind_row {
	const char *name;
	enum decode_kind kind;
} kind_rows[] = {
	{ "base64", DECODE_BASE64 },
	{ "quoted-printable", DECODE_QUOTED_PRINTABLE },
	{ "x-uuencode", DECODE_UUENCODE },
	{ "uuencode", DECODE_UUENCODE },
	{ "x-uue", DECODE_UUENCODE },
	{ "uue", DECODE_UUENCODE },
};

enum decode_kind decode_kind(struct str name)
{
	for (size_t i = 0; i < COUNT(kind_rows); i++)
		if (str_eq_case(name, str_c(kind_rows[i].name)))
			return kind_rows[i].kind;
	return DECODE_IDENTITY;
}

const char *decode_kind_name(enum decode_kind kind)
{
	switch (kind) {
	case DECODE_BASE64:
		return "base64";
	case DECODE_QUOTED_PRINTABLE:
		return "quoted-printable";
	case DECODE_UUENCODE:
		return "uuencode";
	case DECODE_IDENTITY:
		break;
	}
	return "identity";
}

void decode_init(struct decode *d, enum decode_kind kind)
{
	memset(d, 0, sizeof(*d));
	d->kind = kind;
}

/*
 * base64. n_held counts the letters in `bits`. A "=" ends a run: what is there
 * is given and decoding goes on, since some clients join encoded pieces.
 */
#define SKIP 64
#define PAD 65

/* clang-format off */
static const unsigned char letters[256] = {
#define S8 SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP
#define S32 S8, S8, S8, S8
	S32,
	S8, SKIP, SKIP, SKIP, 62, SKIP, SKIP, SKIP, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, SKIP, SKIP, SKIP, PAD, SKIP,
	SKIP,
	SKIP, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, SKIP, SKIP, SKIP, SKIP, SKIP,
	SKIP, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	42, 43, 44, 45, 46, 47, 48, 49, 50, 51, SKIP, SKIP, SKIP, SKIP, SKIP,
	S32, S32, S32, S32,
#undef S8
#undef S32
};
/* clang-format on */

static size_t flush_base64(struct decode *d, char *out)
{
	size_t n = 0;

	if (d->n_held == 2) {
		out[n++] = (char)(d->bits >> 4);
	} else if (d->n_held == 3) {
		out[n++] = (char)(d->bits >> 10);
		out[n++] = (char)(d->bits >> 2);
	}
	d->n_held = 0;
	d->bits = 0;
	return n;
}

static size_t feed_base64(struct decode *d, struct str in, char *out)
{
	const unsigned char *p = (const unsigned char *)in.p, *end = p + in.len;
	char *to = out;

	while (p < end) {
		unsigned char v;
		while (d->n_held == 0 && end - p >= 4) {
			unsigned char a = letters[p[0]], b = letters[p[1]],
				      c = letters[p[2]], e = letters[p[3]];
			if ((a | b | c | e) & SKIP)
				break;
			*to++ = (char)(a << 2 | b >> 4);
			*to++ = (char)(b << 4 | c >> 2);
			*to++ = (char)(c << 6 | e);
			p += 4;
		}
		if (p == end)
			break;
		v = letters[*p++];
		if (v == PAD) {
			to += flush_base64(d, to);
		} else if (v < SKIP) {
			d->bits = d->bits << 6 | v;
			if (++d->n_held == 4) {
				*to++ = (char)(d->bits >> 16);
				*to++ = (char)(d->bits >> 8);
				*to++ = (char)d->bits;
				d->n_held = 0;
				d->bits = 0;
			}
		}
	}
	return (size_t)(to - out);
}

/*
 * Quoted-printable. Blanks are held until it is known that no line end follows,
 * since gateways add them; "=" and what follows until it is a whole escape.
 */
enum {
	QP_TEXT,    /* `held` may have blanks */
	QP_EQUALS,  /* after "=" and perhaps blanks, which are held */
	QP_DIGIT,   /* after "=" and one hex digit, which is held */
	QP_SOFT_CR, /* after "=" CR: a LF belongs to it */
};

static int digit_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static size_t give_held(struct decode *d, char *out)
{
	size_t n = d->n_held;

	memcpy(out, d->held, n);
	d->n_held = 0;
	return n;
}

/* Gives up on an escape: it was text. */
static size_t give_escape(struct decode *d, char *out)
{
	size_t n = 1;

	out[0] = '=';
	n += give_held(d, out + 1);
	d->state = QP_TEXT;
	return n;
}

static size_t step_text(struct decode *d, unsigned char c, char *out)
{
	size_t n = 0;

	switch (c) {
	case ' ':
	case '\t':
		if (d->n_held == sizeof(d->held) / 2)
			n = give_held(d, out);
		d->held[d->n_held++] = (char)c;
		return n;
	case '\r':
	case '\n':
		d->n_held = 0;
		out[0] = (char)c;
		return 1;
	case '=':
		n = give_held(d, out);
		d->state = QP_EQUALS;
		return n;
	default:
		n = give_held(d, out);
		out[n++] = (char)c;
		return n;
	}
}

static size_t step_equals(struct decode *d, unsigned char c, char *out)
{
	size_t n;

	if (d->n_held == 0 && digit_of(c) >= 0) {
		d->held[d->n_held++] = (char)c;
		d->state = QP_DIGIT;
		return 0;
	}
	if (c == '\n' || c == '\r') {
		d->n_held = 0;
		d->state = c == '\n' ? QP_TEXT : QP_SOFT_CR;
		return 0;
	}
	if ((c == ' ' || c == '\t') && d->n_held < sizeof(d->held) / 2) {
		d->held[d->n_held++] = (char)c;
		return 0;
	}
	n = give_escape(d, out);
	return n + step_text(d, c, out + n);
}

static size_t step_digit(struct decode *d, unsigned char c, char *out)
{
	int low = digit_of(c);
	size_t n;

	if (low >= 0) {
		int high = digit_of((unsigned char)d->held[0]);
		d->n_held = 0;
		d->state = QP_TEXT;
		out[0] = (char)(high << 4 | low);
		return 1;
	}
	n = give_escape(d, out);
	return n + step_text(d, c, out + n);
}

static size_t feed_qp(struct decode *d, struct str in, char *out)
{
	const unsigned char *p = (const unsigned char *)in.p, *end = p + in.len;
	char *to = out;

	while (p < end) {
		unsigned char c = *p++;
		if (d->state == QP_TEXT && d->n_held == 0 && c > ' ' &&
			c != '=') {
			*to++ = (char)c;
			continue;
		}
		if (d->state == QP_SOFT_CR) {
			d->state = QP_TEXT;
			if (c == '\n')
				continue;
		}
		if (d->state == QP_EQUALS)
			to += step_equals(d, c, to);
		else if (d->state == QP_DIGIT)
			to += step_digit(d, c, to);
		else
			to += step_text(d, c, to);
	}
	return (size_t)(to - out);
}

static size_t end_qp(struct decode *d, char *out)
{
	/* a soft break at the very end is one; blanks there are dropped */
	if (d->state == QP_DIGIT)
		return give_escape(d, out);
	d->n_held = 0;
	d->state = QP_TEXT;
	return 0;
}

/* uuencode: a line is held whole; what is too long for one is none. */
enum {
	UU_BEFORE,
	UU_DATA,
	UU_AFTER
};

static unsigned bits_of(unsigned char c)
{
	return (unsigned)(c - ' ') & 0x3f;
}

static bool is_begin(struct str line)
{
	return line.len > 9 && memcmp(line.p, "begin ", 6) == 0 &&
	       line.p[6] >= '0' && line.p[6] <= '7';
}

static size_t decode_uu_line(struct str line, char *out)
{
	const unsigned char *p = (const unsigned char *)line.p;
	size_t want = bits_of(p[0]), n = 0;

	for (size_t i = 1; n < want; i += 4) {
		unsigned v[4];
		if (i >= line.len)
			break;
		for (size_t k = 0; k < 4; k++) /* trailing blanks get lost */
			v[k] = i + k < line.len ? bits_of(p[i + k]) : 0;
		out[n++] = (char)(v[0] << 2 | v[1] >> 4);
		if (n < want)
			out[n++] = (char)(v[1] << 4 | v[2] >> 2);
		if (n < want)
			out[n++] = (char)(v[2] << 6 | v[3]);
	}
	return n;
}

static size_t end_uu_line(struct decode *d, char *out)
{
	struct str line = str_n(d->held, d->n_held);
	size_t n = 0;

	while (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	if (d->state == UU_BEFORE) {
		if (is_begin(line))
			d->state = UU_DATA;
	} else if (d->state == UU_DATA) {
		if (str_eq(str_trim(line), STR("end")))
			d->state = UU_AFTER;
		else if (line.len)
			n = decode_uu_line(line, out);
	}
	d->n_held = 0;
	return n;
}

static size_t feed_uu(struct decode *d, struct str in, char *out)
{
	char *to = out;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.p[i];
		if (c == '\n')
			to += end_uu_line(d, to);
		else if (d->n_held < sizeof(d->held) - 1)
			d->held[d->n_held++] = c;
	}
	return (size_t)(to - out);
}

size_t decode_feed(struct decode *d, struct str in, char *out)
{
	switch (d->kind) {
	case DECODE_BASE64:
		return feed_base64(d, in, out);
	case DECODE_QUOTED_PRINTABLE:
		return feed_qp(d, in, out);
	case DECODE_UUENCODE:
		return feed_uu(d, in, out);
	case DECODE_IDENTITY:
		break;
	}
	if (in.len)
		memcpy(out, in.p, in.len);
	return in.len;
}

size_t decode_end(struct decode *d, char *out)
{
	switch (d->kind) {
	case DECODE_BASE64:
		return flush_base64(d, out);
	case DECODE_QUOTED_PRINTABLE:
		return end_qp(d, out);
	case DECODE_UUENCODE:
		return d->n_held ? end_uu_line(d, out) : 0;
	case DECODE_IDENTITY:
		break;
	}
	return 0;
}

int decode_all(struct buf *out, enum decode_kind kind, struct str in)
{
	struct decode d;
	char *to;

	decode_init(&d, kind);
	while (in.len) {
		struct str piece = str_sub(in, 0, (size_t)64 * 1024);
		to = buf_room(out, piece.len + DECODE_EXTRA);
		if (!to)
			return -1;
		out->len += decode_feed(&d, piece, to);
		in = str_sub(in, piece.len, in.len);
	}
	to = buf_room(out, DECODE_EXTRA);
	if (!to)
		return -1;
	out->len += decode_end(&d, to);
	out->p[out->len] = 0;
	return 0;
}
