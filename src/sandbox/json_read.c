/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json_read.c - reads JSON text into jansson's values.
 *
 * jansson's own reader takes a byte at a time through four functions, which was
 * most of what a graph of mails cost. This one looks at eight bytes at once for
 * what ends a run of plain text, and fails with the words of the real API.
 */
#include <stdio.h>

#include <mailmill/utf8.h>

#include "sandbox.h"

#define DEPTH_MAX 512
#define NUMBER_MAX 64
#define EACH(byte) (0x0101010101010101ULL * (byte))

struct reader {
	const char *start, *p, *end;
	struct sb_fail *fail;
	struct buf text; /* of a string with escapes */
	int depth;
};

static json_t *fail(struct reader *r, const char *what)
{
	int line = 1, column = 1;

	if (r->fail->status)
		return NULL;
	for (const char *p = r->start; p < r->p; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	if (r->p >= r->end)
		sb_fail_set(r->fail, 400, "JSON_PARSER_ERROR", "",
			"Unexpected end-of-input: %s at [line:%d, column:%d]",
			what, line, column);
	else if (*r->p > ' ' && *r->p < 127)
		sb_fail_set(r->fail, 400, "JSON_PARSER_ERROR", "",
			"Unexpected character ('%c' (code %d)): %s at "
			"[line:%d, column:%d]",
			*r->p, *r->p, what, line, column);
	else
		sb_fail_set(r->fail, 400, "JSON_PARSER_ERROR", "",
			"Unexpected character (code %d): %s at [line:%d, "
			"column:%d]",
			(unsigned char)*r->p, what, line, column);
	return NULL;
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' ||
					*r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (r->p >= r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* Goes to the next quote, backslash or control character, or the end. */
static const char *find_special(const char *p, const char *end, bool *has_high)
{
	uint64_t high = 0;

	while (end - p >= 8) {
		uint64_t x, quote, slash;
		memcpy(&x, p, 8);
		quote = x ^ EACH('"');
		slash = x ^ EACH('\\');
		/* A high bit where a byte is zero, or below 0x20. */
		if (((quote - EACH(1)) & ~quote & EACH(0x80)) ||
			((slash - EACH(1)) & ~slash & EACH(0x80)) ||
			((x - EACH(0x20)) & ~x & EACH(0x80)))
			break;
		high |= x;
		p += 8;
	}
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\' || c < 0x20)
			break;
		high |= c;
	}
	*has_high |= (high & EACH(0x80)) != 0;
	return p;
}

static int read_hex(struct reader *r, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++, r->p++) {
		char c = r->p < r->end ? *r->p : 0;
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		v = v * 16 + (uint32_t)d;
	}
	*out = v;
	return 0;
}

/* Reads what follows \u; a pair of surrogates is one code point. */
static int read_unicode(struct reader *r)
{
	uint32_t code, low;

	if (read_hex(r, &code) < 0 || code == 0)
		return -1;
	if (code >= 0xd800 && code < 0xdc00) {
		if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
			return -1;
		r->p += 2;
		if (read_hex(r, &low) < 0 || low < 0xdc00 || low > 0xdfff)
			return -1;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	return utf8_add(&r->text, code);
}

static int read_escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = r->p < r->end ? *r->p++ : 0;
	const char *e = c ? strchr(from, c) : NULL;

	if (c == 'u')
		return read_unicode(r);
	if (!e)
		return -1;
	return buf_byte(&r->text, (unsigned char)to[e - from]);
}

/* Reads a string behind its opening quote; *out lives until the next one. */
static int read_string(struct reader *r, struct str *out)
{
	const char *from = r->p;
	bool has_high = false, is_plain = true;

	buf_clear(&r->text);
	for (;;) {
		r->p = find_special(r->p, r->end, &has_high);
		if (r->p >= r->end || (unsigned char)*r->p < 0x20) {
			fail(r, "was expecting closing quote for a string "
				"value");
			return -1;
		}
		if (*r->p == '"')
			break;
		is_plain = false;
		buf_add(&r->text, from, (size_t)(r->p - from));
		r->p++;
		if (read_escape(r) < 0) {
			fail(r, "unrecognized character escape");
			return -1;
		}
		from = r->p;
	}
	if (is_plain) {
		*out = str_n(from, (size_t)(r->p - from));
	} else {
		buf_add(&r->text, from, (size_t)(r->p - from));
		*out = buf_view(&r->text);
	}
	r->p++;
	if (has_high && !utf8_is_valid(*out)) {
		fail(r, "Invalid UTF-8 in a string value");
		return -1;
	}
	return 0;
}

static json_t *read_value(struct reader *r);

static json_t *read_object(struct reader *r)
{
	AUTO(json) json_t *o = json_object();
	struct str key;
	json_t *value;

	if (take(r, '}'))
		return TAKE(o);
	do {
		char name[256];
		if (!take(r, '"'))
			return fail(r, "was expecting double-quote to start "
				       "field name");
		if (read_string(r, &key) < 0)
			return NULL;
		if (key.len >= sizeof(name) || memchr(key.p, 0, key.len))
			return fail(r, "the field name is too long");
		if (key.len)
			memcpy(name, key.p, key.len);
		key.p = name;
		if (!take(r, ':'))
			return fail(r, "was expecting a colon to separate "
				       "field name and value");
		value = read_value(r);
		if (!value)
			return NULL;
		json_object_setn_new_nocheck(o, name, key.len, value);
	} while (take(r, ','));
	if (!take(r, '}'))
		return fail(
			r, "was expecting comma to separate OBJECT entries");
	return TAKE(o);
}

static json_t *read_array(struct reader *r)
{
	AUTO(json) json_t *a = json_array();
	json_t *value;

	if (take(r, ']'))
		return TAKE(a);
	do {
		value = read_value(r);
		if (!value)
			return NULL;
		json_array_append_new(a, value);
	} while (take(r, ','));
	if (!take(r, ']'))
		return fail(r, "was expecting comma to separate ARRAY entries");
	return TAKE(a);
}

static json_t *read_number(struct reader *r)
{
	char text[NUMBER_MAX + 1];
	size_t n = 0;
	bool is_real = false;
	int64_t whole;
	double d;
	char *end;

	while (r->p + n < r->end && n < NUMBER_MAX && r->p[n] &&
		strchr("+-.0123456789eE", r->p[n])) {
		is_real |= r->p[n] == '.' || r->p[n] == 'e' || r->p[n] == 'E';
		text[n] = r->p[n];
		n++;
	}
	text[n] = 0;
	if (!is_real && str_to_i64(str_n(text, n), &whole) == 0) {
		r->p += n;
		return json_integer(whole);
	}
	d = strtod(text, &end);
	if (n == 0 || text[0] == '+' || text[0] == '.' || *end || d - d != 0)
		return fail(r, "expected a valid value (number, String, array, "
			       "object, 'true', 'false' or 'null')");
	r->p += n;
	return json_real(d);
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n))
		return false;
	r->p += n;
	return true;
}

static json_t *read_nested(struct reader *r, json_t *(*read)(struct reader *r))
{
	json_t *j;

	r->p++;
	if (++r->depth > DEPTH_MAX)
		return fail(r, "the text is nested too deeply");
	j = read(r);
	r->depth--;
	return j;
}

static json_t *read_value(struct reader *r)
{
	struct str s;

	skip_blanks(r);
	if (r->p >= r->end)
		return fail(r, "expected a value");
	switch (*r->p) {
	case '{':
		return read_nested(r, read_object);
	case '[':
		return read_nested(r, read_array);
	case '"':
		r->p++;
		if (read_string(r, &s) < 0)
			return NULL;
		return json_stringn_nocheck(s.p ? s.p : "", s.len);
	default:
		break;
	}
	if (take_word(r, "true"))
		return json_true();
	if (take_word(r, "false"))
		return json_false();
	if (take_word(r, "null"))
		return json_null();
	return read_number(r);
}

json_t *sb_json_read(struct str text, struct sb_fail *f)
{
	struct reader r = { .start = text.p,
		.p = text.p,
		.end = text.p ? text.p + text.len : NULL,
		.fail = f,
		.text = BUF_INIT(SB_BODY_MAX) };
	json_t *j;

	f->status = 0;
	skip_blanks(&r);
	if (r.p >= r.end) {
		sb_fail_set(f, 400, "JSON_PARSER_ERROR", "",
			"No content to map to Object due to end of input");
		return NULL;
	}
	if (*r.p != '{' && *r.p != '[')
		fail(&r, "expected an object or an array");
	j = f->status ? NULL : read_value(&r);
	skip_blanks(&r);
	if (j && r.p < r.end) {
		json_decref(j);
		j = fail(&r, "expected the end of the text");
	}
	buf_fini(&r.text);
	return j;
}
