/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uuencode.c - files within text: uuencode, its base64 form, and yEnc.
 *
 * A file is one only when it is whole: each line as long as it says, the end
 * line there, with yEnc size and CRC right. What is damaged stays text, so that
 * nothing is lost, and so does a text that merely begins a line with "begin".
 * The lines of a text are looked at once; a false beginning costs the lines
 * that looked like data, of which a false one has none.
 */
#include <mailmill/enc.h>

#include "inside.h"

#define MODE_MAX 4		  /* digits of "begin 0644" */
#define LINE_MAX ((uint64_t)2048) /* encoded bytes of a line of yEnc */
#define YENC_SIZE_MAX ((uint64_t)1 << 32)

/* A place in the text, by lines. */
struct lines {
	struct str all;
	size_t at;     /* of the next line */
	size_t budget; /* bytes of yEnc yet to be tried */
};

static bool next_line(struct lines *l, struct str *line)
{
	struct str rest = str_sub(l->all, l->at, SIZE_MAX);

	if (l->at >= l->all.len || !str_cut_line(&rest, line))
		return false;
	l->at = rest.p ? (size_t)(rest.p - l->all.p) : l->all.len;
	return true;
}

static struct str cut_word(struct str *s)
{
	struct str word;
	ssize_t at = str_chr(*s, ' ');

	word = str_sub(*s, 0, at < 0 ? s->len : (size_t)at);
	*s = at < 0 ? STR("") : str_trim(str_sub(*s, (size_t)at, s->len));
	return word;
}

/* Reads "begin 644 name". */
static bool read_begin(struct str line, struct str what, struct str *name)
{
	struct str mode;

	if (!str_starts(line, what))
		return false;
	line = str_sub(line, what.len, line.len);
	mode = cut_word(&line);
	*name = str_trim(line);
	if (mode.len < 3 || mode.len > MODE_MAX || !name->len)
		return false;
	for (size_t i = 0; i < mode.len; i++)
		if (mode.p[i] < '0' || mode.p[i] > '7')
			return false;
	return true;
}

static size_t size_of_line(struct str line)
{
	return line.len ? (size_t)((line.p[0] - ' ') & 0x3f) : 0;
}

/* Is it a line of data that is as long as it says? Blanks at its end get lost.
 */
static bool is_uu_line(struct str line)
{
	size_t n = size_of_line(line), want = 1 + (n + 2) / 3 * 4;

	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] < ' ' || line.p[i] > '`')
			return false;
	/* some write a checksum behind it, some leave the padding out */
	return n > 0 && line.len <= want + 2 &&
	       (line.len + 3 >= want || str_find(line, STR("`")) < 0) &&
	       line.len > 1;
}

static void add_bytes(
	struct arena *a, struct packed_file *f, enum decode_kind kind)
{
	struct str in = str_sub(f->block, f->offset, f->len);
	char *p = arena_alloc(a, in.len + (size_t)2 * DECODE_EXTRA);
	struct decode d;
	size_t n;

	decode_init(&d, kind);
	n = decode_feed(&d, in, p);
	n += decode_end(&d, p + n);
	f->bytes = str_n(p, n);
	f->encoding = str_c(decode_kind_name(kind));
	f->has_place = true;
}

static bool read_uu(struct arena *a, struct lines *l, struct packed_file *f)
{
	struct lines at = *l;
	struct str line;
	size_t n = 0;

	while (next_line(&at, &line)) {
		if (str_eq(str_trim(line), STR("end"))) {
			f->len = at.at - f->from;
			*l = at;
			f->offset = 0;
			f->block = str_sub(l->all, f->from, f->len);
			add_bytes(a, f, DECODE_UUENCODE);
			return true;
		}
		if (str_trim(line).len == 0 || str_eq(line, STR("`")))
			continue;
		if (!is_uu_line(line))
			return false;
		n++;
	}
	return false;
}

static bool read_base64(struct arena *a, struct lines *l, struct packed_file *f)
{
	struct lines at = *l;
	struct str line;
	size_t begin = l->at, end;

	for (;;) {
		end = at.at;
		if (!next_line(&at, &line))
			return false;
		if (str_starts(line, STR("====")))
			break;
		for (size_t i = 0; i < line.len; i++)
			if (line.p[i] <= ' ' || line.p[i] > 'z')
				return false;
	}
	*l = at;
	f->block = str_sub(l->all, f->from, at.at - f->from);
	f->offset = begin - f->from;
	f->len = end - begin;
	add_bytes(a, f, DECODE_BASE64);
	return true;
}

/*
 * yEnc
 */

/* Finds NAME=value up to the next blank; name= goes on to the line's end. */
static struct str word_of(struct str line, struct str name)
{
	ssize_t at = str_find(line, name);

	if (at <= 0 || line.p[at - 1] != ' ')
		return STR("");
	line = str_sub(line, (size_t)at + name.len, line.len);
	return str_eq(name, STR("name=")) ? str_trim(line) : cut_word(&line);
}

static uint64_t number_of(struct str line, struct str name)
{
	uint64_t n = 0;

	return str_to_u64(word_of(line, name), YENC_SIZE_MAX, &n) < 0 ? 0 : n;
}

static uint32_t crc_of(struct str s)
{
	static const uint32_t table[16] = { 0, 0x1db71064, 0x3b6e20c8,
		0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0,
		0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= (unsigned char)s.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

/* Is a CRC there, and another one? */
static bool is_crc_wrong(struct str line, struct str name, struct str bytes)
{
	struct str word = word_of(line, name);
	uint32_t crc = 0;

	if (!word.len || word.len > 8)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		int v = enc_hex_value(word.p[i]);
		if (v < 0)
			return false;
		crc = crc << 4 | (uint32_t)v;
	}
	return crc != crc_of(bytes);
}

static size_t undo_yenc(struct str line, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.p[i];
		if (c == '=' && i + 1 < line.len)
			c = (unsigned char)(line.p[++i] - 64);
		out[n++] = (char)(c - 42);
	}
	return n;
}

/* Undoes the lines up to the one with the end, *end. */
static bool undo_lines(struct arena *a, struct lines *at, size_t max,
	struct str *bytes, struct str *end)
{
	char *p = arena_alloc(a, max + 1);
	size_t n = 0;

	while (next_line(at, end)) {
		if (str_starts(*end, STR("=yend "))) {
			*bytes = str_n(p, n);
			return true;
		}
		if (str_starts(*end, STR("=ypart ")))
			continue;
		if (n + end->len > max)
			return false;
		n += undo_yenc(*end, p + n);
	}
	return false;
}

static bool read_yenc(struct arena *a, struct lines *l, struct packed_file *f,
	struct str head)
{
	struct lines at = *l;
	struct str end;
	bool is_part = number_of(head, STR("part=")) > 0;
	/* escapes are the reason for more encoded bytes than decoded ones */
	size_t max = (size_t)MIN((uint64_t)(l->all.len - l->at),
		number_of(head, STR("size=")) + LINE_MAX);

	f->name = word_of(head, STR("name="));
	if (!f->name.len || max > l->budget)
		return false;
	l->budget -= max;
	if (!undo_lines(a, &at, max, &f->bytes, &end))
		return false;
	f->part = number_of(head, STR("part="));
	if (number_of(end, STR("size=")) != f->bytes.len ||
		is_crc_wrong(end, is_part ? STR("pcrc32=") : STR("crc32="),
			f->bytes))
		return false;
	l->at = at.at;
	f->block = str_sub(l->all, f->from, at.at - f->from);
	return true;
}

/* Joins a part of a yEnc file to the one before. Returns: whether it was. */
static bool join_part(struct arena *a, struct packed_file *files, size_t n)
{
	struct packed_file *f = &files[n], *last = n ? f - 1 : NULL;
	char *p;

	if (!last || !str_eq(f->inside, STR("yenc")) || f->part < 2 ||
		last->part + 1 != f->part || !str_eq(last->name, f->name))
		return false;
	p = arena_alloc(a, last->bytes.len + f->bytes.len + 1);
	memcpy(p, last->bytes.p, last->bytes.len);
	memcpy(p + last->bytes.len, f->bytes.p, f->bytes.len);
	last->bytes = str_n(p, last->bytes.len + f->bytes.len);
	last->to = f->to;
	last->part = f->part;
	return true;
}

static bool read_file(struct arena *a, struct lines *l, struct str line,
	struct packed_file *f)
{
	bool is_file = false;

	*f = (struct packed_file){ .from = (size_t)(line.p - l->all.p),
		.type = STR("application/octet-stream"),
		.inside = STR("uuencode") };
	if (read_begin(line, STR("begin-base64 "), &f->name)) {
		is_file = read_base64(a, l, f);
	} else if (read_begin(line, STR("begin "), &f->name)) {
		is_file = read_uu(a, l, f);
	} else if (str_starts(line, STR("=ybegin "))) {
		f->inside = STR("yenc");
		is_file = read_yenc(a, l, f, line);
	}
	f->offset += f->from;
	f->to = l->at;
	return is_file;
}

size_t uuencode_find(struct arena *a, struct str text, struct packed_file **out)
{
	struct lines l = { .all = text, .budget = text.len * 2 };
	struct packed_file *files = NULL;
	size_t n = 0, n_tried = 0;

	*out = NULL;
	while (n < MAIL_PACKED_FILES_MAX && l.at < text.len) {
		struct str rest = str_sub(text, l.at, SIZE_MAX), line;
		const char *p = memchr(rest.p, rest.p[0] == '=' ? '=' : 'b', 1);
		if (!p) {
			/* to the next line that may begin a file */
			ssize_t b = str_find(rest, STR("\nbegin")),
				y = str_find(rest, STR("\n=ybegin "));
			if (b < 0 && y < 0)
				break;
			if (b < 0 || (y >= 0 && y < b))
				b = y;
			l.at += (size_t)b + 1;
		}
		if (!next_line(&l, &line) || n_tried++ > MAIL_PACKED_FILES_MAX)
			break;
		if (!files)
			files = arena_array(
				a, MAIL_PACKED_FILES_MAX, sizeof(*files));
		if (read_file(a, &l, line, &files[n]) &&
			!join_part(a, files, n))
			n++;
	}
	*out = files;
	return n;
}
