/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * textfile.c - attached CSV, JSON, XML and plain text as UTF-8.
 *
 * The charset is, in this order: that of a byte order mark; UTF-16 or UTF-32
 * where the zero bytes of ASCII show it (RFC 4627 section 3, and CSV of Excel
 * is alike); the one that the part declares, if it is a telling one; that of an
 * XML declaration; what the bytes look like.
 */
#include "inside.h"

#define LOOK_WITHIN ((size_t)4096) /* to tell text from other bytes */
#define DECLARATION_WITHIN ((size_t)300)

static const char *const types[] = { "application/csv", "application/json",
	"application/xml", "application/xhtml+xml", "application/yaml",
	"application/x-yaml", "application/x-csv", "application/x-json",
	"application/sql", "application/javascript", "application/ics",
	"application/vcard", "application/x-sh", "application/rfc822",
	"message/delivery-status", "message/disposition-notification" };

static const char *const name_endings[] = { ".csv", ".tsv", ".tab", ".json",
	".jsonl", ".ndjson", ".xml", ".txt", ".text", ".log", ".yaml", ".yml",
	".md", ".ini", ".conf", ".ics", ".vcf", ".edi", ".html", ".htm", ".sql",
	".eml", ".asc" };

static bool ends_case(struct str s, struct str with)
{
	return s.len >= with.len &&
	       str_eq_case(str_sub(s, s.len - with.len, with.len), with);
}

static bool is_text_type(struct str type)
{
	if (str_starts(type, STR("text/")) || str_ends(type, STR("+xml")) ||
		str_ends(type, STR("+json")))
		return !str_eq(type, STR("text/rtf"));
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_eq(type, str_c(types[i])))
			return true;
	return false;
}

static bool is_text_name(struct str name)
{
	for (size_t i = 0; i < COUNT(name_endings); i++)
		if (ends_case(name, str_c(name_endings[i])))
			return true;
	return false;
}

/* Does it have no bytes that text has not? */
static bool looks_text(struct str bytes)
{
	struct str look = str_sub(bytes, 0, LOOK_WITHIN);

	for (size_t i = 0; i < look.len; i++) {
		unsigned char c = (unsigned char)look.p[i];
		if (c < ' ' && c != '\t' && c != '\r' && c != '\n' &&
			c != '\f' && c != 0x1b)
			return false;
	}
	return true;
}

struct mark {
	struct str bytes;
	const char *charset;
};

/* Longest first: that of UTF-32LE begins like that of UTF-16LE. */
static const struct mark marks[] = {
	{ STR("\xff\xfe\0\0"), "utf-32le" },
	{ STR("\0\0\xfe\xff"), "utf-32be" },
	{ STR("\xef\xbb\xbf"), "utf-8" },
	{ STR("\xff\xfe"), "utf-16le" },
	{ STR("\xfe\xff"), "utf-16be" },
};

/* Takes a byte order mark off. Returns: the charset, or NULL. */
static const char *cut_mark(struct str *bytes)
{
	for (size_t i = 0; i < COUNT(marks); i++)
		if (str_starts(*bytes, marks[i].bytes)) {
			*bytes = str_sub(*bytes, marks[i].bytes.len, SIZE_MAX);
			return marks[i].charset;
		}
	return NULL;
}

/* Where are the zeros of the first four characters? */
static const char *charset_of_zeros(struct str bytes)
{
	const char *p = bytes.p;

	if (bytes.len < 4)
		return NULL;
	if (!p[0] && !p[1] && !p[2] && p[3])
		return "utf-32be";
	if (p[0] && !p[1] && !p[2] && !p[3])
		return "utf-32le";
	if (!p[0] && p[1] && !p[2] && p[3])
		return "utf-16be";
	if (p[0] && !p[1] && p[2] && !p[3])
		return "utf-16le";
	return NULL;
}

/* Finds encoding="NAME" in <?xml ...?>. */
static struct str declared_in_xml(struct str bytes)
{
	struct str head = str_sub(bytes, 0, DECLARATION_WITHIN);
	ssize_t end, at;
	size_t n = 0;

	if (!str_starts(head, STR("<?xml")))
		return STR("");
	end = str_find(head, STR("?>"));
	head = str_sub(head, 0, end < 0 ? head.len : (size_t)end);
	at = str_find(head, STR("encoding"));
	if (at < 0)
		return STR("");
	head = str_trim(str_sub(head, (size_t)at + 8, SIZE_MAX));
	if (!str_starts(head, STR("=")))
		return STR("");
	head = str_trim(str_sub(head, 1, SIZE_MAX));
	if (!head.len || (*head.p != '"' && *head.p != '\''))
		return STR("");
	head = str_sub(head, 1, SIZE_MAX);
	while (n < head.len && n < 40 && head.p[n] != '"' && head.p[n] != '\'')
		n++;
	return str_sub(head, 0, n);
}

static bool is_read_as_text(
	const struct mail_attachment *at, struct str bytes, bool has_charset)
{
	if (str_eq(at->type, STR("text/rtf")) ||
		str_starts(bytes, STR("{\\rtf")))
		return false;
	if (!is_text_type(at->type) && !is_text_name(at->name) &&
		!str_eq(at->type, STR("application/octet-stream")))
		return false;
	return has_charset || looks_text(bytes);
}

struct str mail_attachment_text(
	struct mail *m, const struct mail_attachment *at)
{
	struct str bytes = mail_attachment_bytes(m, at), charset, why, out;
	const char *found = cut_mark(&bytes);

	if (!found)
		found = charset_of_zeros(bytes);
	if (!is_read_as_text(at, bytes, found != NULL))
		return STR_NULL;
	charset = str_c(found ? found : "");
	if (!found && !at->inside.len)
		charset = at->part->charset;
	if (!found && !charset_is_telling(charset)) {
		struct str in_xml = declared_in_xml(bytes);
		if (in_xml.len)
			charset = in_xml;
	}
	if (bytes.len > MAIL_TEXT_MAX) {
		mail_tell_defect(m, "long-text", at->part->offset,
			"a text of %zu bytes is read up to %zu", bytes.len,
			MAIL_TEXT_MAX);
		bytes = str_sub(bytes, 0, MAIL_TEXT_MAX);
	}
	out = charset_to_utf8(m->arena, bytes, charset, &why);
	if (why.p)
		mail_tell_defect(m, "charset", at->part->offset,
			"%.*s (\"%.*s\")", STR_ARG(why),
			STR_ARG(str_sub(charset, 0, 60)));
	return text_lines(m->arena, out);
}

struct str textfile_of_part(struct mail *m, struct mail_part *p)
{
	const struct mail_attachment *files;
	size_t n;
	struct str why;

	if (str_eq(p->type, STR("text")))
		return mail_part_text(m, p);
	n = mail_attachments(m, &files);
	for (size_t i = 0; i < n; i++)
		if (files[i].part == p && !files[i].inside.len)
			return mail_attachment_text(m, &files[i]);
	return charset_to_utf8(m->arena,
		str_sub(mail_part_bytes(m, p), 0, MAIL_TEXT_MAX), p->charset,
		&why);
}
