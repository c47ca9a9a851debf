/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tnef.c - winmail.dat: the text and files in Microsoft's TNEF (MS-OXTNEF).
 *
 * A stream is a row of attributes, each with level, name, length and bytes.
 * Those of the message's level come first; attAttachRendData begins each file.
 * MAPI properties, of message or file, are an attribute that holds a row of its
 * own. A file that is a message holds a stream again, whose files are listed as
 * well; one that is an OLE object is given as its bytes.
 *
 * All that is given is a slice of the input but for names and texts made UTF-8,
 * so the cost is that of reading once: nothing can grow but compressed RTF,
 * which rtf.c limits. Reading stops at the first length that leads out of the
 * bytes; what was read up to there is given, and is_broken tells.
 */
#include "inside.h"

#define TNEF_SIGNATURE 0x223e9f78
#define DEPTH_MAX 5
#define PROPERTIES_MAX 2000
#define VALUES_MAX 100000

/* What bodies and names are taken from: MAPI before the old attributes. */
struct message {
	struct str body, old_body, html, rtf, subject;
	unsigned codepage, html_codepage;
};

struct reading {
	struct arena *a;
	struct str all; /* the outermost stream: places are of it */
	struct tnef *out;
	struct str rest;
	struct message message;
	struct packed_file file; /* that is being read */
	struct str title, transport, display, extension;
	struct str long_name, short_name, object;
	bool in_file, is_embedded;
	unsigned depth;
};

/* ---- numbers ---- */

static uint32_t get_u16(struct str s, size_t at)
{
	if (at + 2 > s.len)
		return 0;
	return (uint32_t)(unsigned char)s.p[at] |
	       (uint32_t)(unsigned char)s.p[at + 1] << 8;
}

static uint32_t get_u32(struct str s, size_t at)
{
	return get_u16(s, at) | get_u16(s, at + 2) << 16;
}

/* Cuts n bytes off. Returns: false when there are fewer. */
static bool cut(struct str *s, size_t n, struct str *out)
{
	if (n > s->len)
		return false;
	*out = str_sub(*s, 0, n);
	*s = str_sub(*s, n, SIZE_MAX);
	return true;
}

static bool cut_u32(struct str *s, uint32_t *out)
{
	struct str bytes;

	if (!cut(s, 4, &bytes))
		return false;
	*out = get_u32(bytes, 0);
	return true;
}

/* ---- text ---- */

struct str tnef_codepage(struct arena *a, unsigned codepage)
{
	static const struct row {
		unsigned codepage;
		const char *charset;
	} rows[] = { { 65001, "utf-8" }, { 65000, "utf-7" },
		{ 20127, "us-ascii" }, { 932, "shift_jis" }, { 936, "gbk" },
		{ 949, "cp949" }, { 950, "big5" }, { 20866, "koi8-r" },
		{ 21866, "koi8-u" }, { 50220, "iso-2022-jp" },
		{ 50221, "iso-2022-jp" }, { 50222, "iso-2022-jp" },
		{ 50225, "iso-2022-kr" }, { 51932, "euc-jp" },
		{ 51949, "euc-kr" }, { 51936, "gb2312" }, { 52936, "hz" },
		{ 54936, "gb18030" }, { 10000, "macintosh" },
		{ 874, "windows-874" }, { 1361, "johab" } };

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].codepage == codepage)
			return str_c(rows[i].charset);
	if (codepage >= 1250 && codepage <= 1258)
		return str_c(arena_printf(a, "windows-%u", codepage));
	if (codepage > 28590 && codepage <= 28606)
		return str_c(arena_printf(a, "iso-8859-%u", codepage - 28590));
	if (codepage == 0)
		return STR("");
	return str_c(arena_printf(a, "cp%u", codepage));
}

/* Makes UTF-8 of UTF-16LE, up to a NUL. */
static struct str from_utf16(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT(MAIL_TEXT_MAX);
	struct str out;

	for (size_t i = 0; i + 1 < s.len; i += 2) {
		uint32_t c = get_u16(s, i), low;
		if (c == 0)
			break;
		low = get_u16(s, i + 2);
		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 &&
			low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		}
		if (utf8_add(&b, c) < 0)
			utf8_add(&b, 0xfffd);
	}
	out = arena_str(a, buf_view(&b));
	buf_fini(&b);
	return out;
}

static struct str cut_nul(struct str s)
{
	ssize_t at = str_chr(s, 0);

	return at < 0 ? s : str_sub(s, 0, (size_t)at);
}

static struct str from_codepage(
	struct arena *a, struct str s, unsigned codepage)
{
	s = str_sub(cut_nul(s), 0, MAIL_TEXT_MAX);
	return charset_to_utf8(a, s, tnef_codepage(a, codepage), NULL);
}

/* ---- MAPI properties ---- */

enum {
	PT_SHORT = 0x02,
	PT_LONG = 0x03,
	PT_FLOAT = 0x04,
	PT_DOUBLE = 0x05,
	PT_CURRENCY = 0x06,
	PT_APPTIME = 0x07,
	PT_ERROR = 0x0a,
	PT_BOOLEAN = 0x0b,
	PT_OBJECT = 0x0d,
	PT_I8 = 0x14,
	PT_STRING8 = 0x1e,
	PT_UNICODE = 0x1f,
	PT_SYSTIME = 0x40,
	PT_CLSID = 0x48,
	PT_BINARY = 0x102,
};
#define PT_MANY 0x1000
#define NAMED_FROM 0x8000

struct property {
	unsigned type, id;
	struct str value; /* the first, without its length */
};

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static size_t size_of(unsigned type)
{
	switch (type) {
	case PT_SHORT:
	case PT_LONG:
	case PT_FLOAT:
	case PT_ERROR:
	case PT_BOOLEAN:
		return 4;
	case PT_DOUBLE:
	case PT_CURRENCY:
	case PT_APPTIME:
	case PT_I8:
	case PT_SYSTIME:
		return 8;
	case PT_CLSID:
		return 16;
	default:
		return 0;
	}
}

/* Skips what names a property: a set, and a number or a string. */
static bool skip_name(struct str *s)
{
	uint32_t kind, n;
	struct str skipped;

	if (!cut(s, 16, &skipped) || !cut_u32(s, &kind) || !cut_u32(s, &n))
		return false;
	return kind == 0 || cut(s, padded(n), &skipped);
}

static bool cut_value(struct str *s, unsigned type, struct str *out)
{
	size_t size = size_of(type);
	uint32_t len;

	if (size)
		return cut(s, size, out);
	if (!cut_u32(s, &len))
		return false;
	if (!cut(s, len, out))
		return false;
	/* the last one's padding may be missing */
	*s = str_sub(*s, padded(len) - len, SIZE_MAX);
	return true;
}

static bool cut_property(struct str *s, struct property *out)
{
	struct str head, value;
	uint32_t n = 1;

	if (!cut(s, 4, &head))
		return false;
	out->type = get_u16(head, 0);
	out->id = get_u16(head, 2);
	out->value = STR("");
	if (out->id >= NAMED_FROM && !skip_name(s))
		return false;
	if (out->type & PT_MANY || !size_of(out->type)) {
		if (!cut_u32(s, &n) || n > VALUES_MAX)
			return false;
		out->type &= ~(unsigned)PT_MANY;
	}
	if (!size_of(out->type) && out->type != PT_STRING8 &&
		out->type != PT_UNICODE && out->type != PT_BINARY &&
		out->type != PT_OBJECT)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!cut_value(s, out->type, &value))
			return false;
		if (i == 0)
			out->value = value;
	}
	return true;
}

static struct str text_of(const struct reading *r, const struct property *p)
{
	if (p->type == PT_UNICODE)
		return from_utf16(r->a, p->value);
	return from_codepage(r->a, p->value, r->message.codepage);
}

#define IID_MESSAGE STR("\x07\x03\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46")

static void take_data(struct reading *r, const struct property *p)
{
	struct str value = p->value;

	if (p->type == PT_OBJECT) {
		r->is_embedded = str_starts(value, IID_MESSAGE);
		value = str_sub(value, 16, SIZE_MAX);
	}
	r->object = value;
}

static void take_file_property(struct reading *r, const struct property *p)
{
	switch (p->id) {
	case 0x3707: /* PR_ATTACH_LONG_FILENAME */
		r->long_name = text_of(r, p);
		break;
	case 0x3704: /* PR_ATTACH_FILENAME */
		r->short_name = text_of(r, p);
		break;
	case 0x3001: /* PR_DISPLAY_NAME */
		r->display = text_of(r, p);
		break;
	case 0x3703: /* PR_ATTACH_EXTENSION */
		r->extension = text_of(r, p);
		break;
	case 0x370e: /* PR_ATTACH_MIME_TAG */
		r->file.type = text_of(r, p);
		break;
	case 0x3712: /* PR_ATTACH_CONTENT_ID */
		r->file.content_id = text_of(r, p);
		break;
	case 0x3701: /* PR_ATTACH_DATA_BIN, _OBJ */
		take_data(r, p);
		break;
	default:
		break;
	}
}

static void take_message_property(struct reading *r, const struct property *p)
{
	struct message *m = &r->message;

	switch (p->id) {
	case 0x1000: /* PR_BODY */
		m->body = text_of(r, p);
		break;
	case 0x1013: /* PR_BODY_HTML */
		if (p->type == PT_BINARY)
			m->html = p->value;
		else
			m->html = text_of(r, p);
		if (p->type != PT_BINARY)
			m->html_codepage = 65001;
		break;
	case 0x1009: /* PR_RTF_COMPRESSED */
		m->rtf = p->value;
		break;
	case 0x0037: /* PR_SUBJECT */
		m->subject = text_of(r, p);
		break;
	case 0x3fde: /* PR_INTERNET_CPID */
		if (!m->html_codepage)
			m->html_codepage = get_u32(p->value, 0);
		break;
	case 0x3ffd: /* PR_MESSAGE_CODEPAGE */
		if (!m->codepage)
			m->codepage = get_u32(p->value, 0);
		break;
	default:
		break;
	}
}

static void read_properties(struct reading *r, struct str s)
{
	struct property p;
	uint32_t n;

	if (!cut_u32(&s, &n))
		return;
	for (uint32_t i = 0; i < n && i < PROPERTIES_MAX; i++) {
		if (!cut_property(&s, &p)) {
			r->out->is_broken = true;
			return;
		}
		if (r->in_file)
			take_file_property(r, &p);
		else
			take_message_property(r, &p);
	}
}

/* ---- files ---- */

static struct packed_file *add_file(struct reading *r)
{
	struct tnef *out = r->out;

	if (out->n_files >= MAIL_PACKED_FILES_MAX)
		return NULL;
	if (out->n_files == out->cap) {
		size_t more = out->cap ? out->cap * 2 : 8;
		out->files = arena_grow(
			r->a, out->files, out->cap, more, sizeof(*out->files));
		out->cap = more;
	}
	return &out->files[out->n_files++];
}

static void read_stream(
	struct reading *outer, struct arena *a, struct str s, struct tnef *out);

static struct str name_file(struct reading *r)
{
	const struct str names[] = { r->long_name, r->transport, r->title,
		r->short_name, r->display };
	struct str name = STR("");

	for (size_t i = 0; i < COUNT(names) && !name.len; i++)
		name = attach_safe_name(r->a, names[i]);
	if (name.len && r->extension.len && str_rchr(name, '.') < 0 &&
		!r->is_embedded && r->extension.p[0] == '.')
		name = attach_safe_name(
			r->a, str_c(arena_printf(r->a, "%.*s%.*s",
				      STR_ARG(name), STR_ARG(r->extension))));
	return name;
}

static void end_file(struct reading *r)
{
	struct packed_file *f;
	struct str data = r->file.bytes.p ? r->file.bytes : r->object;

	if (!r->in_file)
		return;
	r->in_file = false;
	/* a message within is read: its text is shown by its own stream */
	if (r->is_embedded && r->object.len)
		data = r->object;
	if (!data.p)
		return;
	f = add_file(r);
	if (!f)
		return;
	*f = r->file;
	f->bytes = data;
	f->name = name_file(r);
	f->inside = STR("tnef");
	f->skip = (uint64_t)(data.p - r->all.p);
	f->has_place = true;
	if (!r->is_embedded)
		return;
	f->type = STR("application/ms-tnef");
	if (f->name.len && r->depth < DEPTH_MAX)
		f->name = str_c(
			arena_printf(r->a, "%.*s.dat", STR_ARG(f->name)));
	read_stream(r, r->a, data, r->out);
}

static void begin_file(struct reading *r)
{
	end_file(r);
	r->in_file = true;
	r->is_embedded = false;
	r->file = (struct packed_file){ .type = STR(""),
		.content_id = STR("") };
	r->title = r->transport = r->display = r->extension = STR("");
	r->long_name = r->short_name = STR("");
	r->object = STR_NULL;
}

/* ---- attributes ---- */

static void take_attribute(struct reading *r, unsigned name, struct str data)
{
	switch (name) {
	case 0x9002: /* attAttachRendData */
		begin_file(r);
		break;
	case 0x8010: /* attAttachTitle */
		r->title = from_codepage(r->a, data, r->message.codepage);
		break;
	case 0x9001: /* attAttachTransportFilename */
		r->transport = from_codepage(r->a, data, r->message.codepage);
		break;
	case 0x800f: /* attAttachData */
		if (r->in_file)
			r->file.bytes = data;
		break;
	case 0x9003: /* attMAPIProps */
		if (!r->in_file)
			read_properties(r, data);
		break;
	case 0x9005: /* attAttachment */
		if (r->in_file)
			read_properties(r, data);
		break;
	case 0x9007: /* attOemCodepage */
		r->message.codepage = get_u32(data, 0);
		break;
	case 0x800c: /* attBody */
		if (!r->in_file)
			r->message.old_body = from_codepage(
				r->a, data, r->message.codepage);
		break;
	case 0x8004: /* attSubject */
		if (!r->in_file)
			r->message.subject = from_codepage(
				r->a, data, r->message.codepage);
		break;
	default:
		break;
	}
}

/* Gives what is to be read, from the best that is there. */
static void give_texts(struct reading *r, struct tnef *out)
{
	struct message *m = &r->message;
	struct str why, text = STR(""), html = STR("");

	out->text = m->body.len ? m->body : m->old_body;
	if (m->html.len)
		out->html = charset_to_utf8(r->a,
			str_sub(m->html, 0, MAIL_TEXT_MAX),
			tnef_codepage(r->a, m->html_codepage ? m->html_codepage
							     : m->codepage),
			&why);
	if (m->rtf.len && (!out->html.len || !out->text.len))
		rtf_read(r->a, rtf_unpack(r->a, m->rtf), &text, &html);
	if (!out->html.len)
		out->html = html;
	if (!out->text.len)
		out->text = text;
	out->text = text_lines(r->a, out->text);
	out->html = text_lines(r->a, out->html);
}

static void read_stream(
	struct reading *outer, struct arena *a, struct str s, struct tnef *out)
{
	struct reading r = { .a = a,
		.all = outer ? outer->all : s,
		.out = out,
		.depth = outer ? outer->depth + 1 : 0 };
	struct str head, data, sum;

	if (r.depth > DEPTH_MAX || get_u32(s, 0) != TNEF_SIGNATURE) {
		out->is_broken = true;
		return;
	}
	r.message.codepage = outer ? outer->message.codepage : 0;
	s = str_sub(s, 6, SIZE_MAX);
	while (s.len) {
		/* zeros behind the end are common */
		if (s.p[0] != 1 && s.p[0] != 2) {
			out->is_broken |= s.p[0] != 0;
			break;
		}
		if (!cut(&s, 9, &head)) {
			out->is_broken = true;
			break;
		}
		if (!cut(&s, get_u32(head, 5), &data)) {
			out->is_broken = true;
			break;
		}
		cut(&s, MIN(s.len, 2), &sum);
		take_attribute(&r, get_u16(head, 1), data);
	}
	end_file(&r);
	if (!outer)
		give_texts(&r, out);
}

void tnef_read(struct arena *a, struct str bytes, struct tnef *out)
{
	*out = (struct tnef){ .text = STR(""), .html = STR("") };
	read_stream(NULL, a, bytes, out);
}
