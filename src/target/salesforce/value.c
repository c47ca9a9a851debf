/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value.c - texts of a plan as JSON values of the types that the schema asks.
 *
 * A rule knows texts only; "true" becomes true for a checkbox and a date a
 * date. What is too long goes by the rule's word: cut, or whole into a file
 * beside the record, or the plan fails. JSON is written by hand: numbers keep
 * the digits that they came with, and nothing is built twice.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mailmill/hash.h>
#include <mailmill/utf8.h>

#include "salesforce.h"

#define NUMBER_LEN_MAX 40
#define IDS_MAX 200

void sf_note(struct sf_notes *n, const char *fmt, ...)
{
	va_list ap;

	n->notes = arena_grow(n->arena, n->notes, n->n_notes, n->n_notes + 1,
		sizeof(*n->notes));
	va_start(ap, fmt);
	n->notes[n->n_notes++] = str_c(arena_vprintf(n->arena, fmt, ap));
	va_end(ap);
}

void sf_json_str(struct buf *out, struct str s)
{
	size_t from = 0;

	buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		buf_add(out, s.p + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_c(out, "\\n");
		else
			buf_printf(out, "\\u%04x", c);
	}
	if (from < s.len)
		buf_add(out, s.p + from, s.len - from);
	buf_byte(out, '"');
}

/* U+FFFE and U+FFFF are valid UTF-8 but refused; both begin with EF BF. */
static size_t bad_len(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];

	if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 127)
		return 1;
	if (c == 0xef && i + 2 < s.len && (unsigned char)s.p[i + 1] == 0xbf &&
		(unsigned char)s.p[i + 2] >= 0xbe)
		return 3;
	return 0;
}

/*
 * Leaves out what Salesforce refuses in texts, and puts a word joiner into
 * each "@{": a mail that says @{case.id} must not be read as a reference.
 */
static struct str clean(struct arena *a, struct str s)
{
	AUTO(buf) struct buf b = BUF_INIT(3 * PLAN_VALUE_MAX);
	size_t from = 0;
	char last = 0; /* of what stays */

	for (size_t i = 0; i < s.len;) {
		size_t skip = bad_len(s, i);
		bool is_ref = last == '@' && s.p[i] == '{';

		if (skip > 0 || is_ref) {
			buf_add(&b, s.p + from, i - from);
			if (is_ref)
				buf_c(&b, "\xe2\x81\xa0");
			from = i + skip;
		}
		if (skip == 0)
			last = s.p[i];
		i += MAX(skip, 1);
	}
	if (b.len == 0 && from == 0)
		return s;
	buf_add(&b, s.p + from, s.len - from);
	return arena_str(a, buf_view(&b));
}

static int refuse(const struct sf_object *o, const struct sf_field *f,
	const struct plan_field *in, const char *what, struct err *err)
{
	struct str shown = utf8_cut(in->value, 80);

	return err_set(err, ERR_PERM, "rule line %u: %.*s.%.*s %s: \"%.*s\"%s",
		in->line, STR_ARG(o->name), STR_ARG(f->name), what,
		STR_ARG(shown), shown.len < in->value.len ? "..." : "");
}

/* ---- types ------------------------------------------------------------ */

static int write_boolean(struct buf *out, struct str v)
{
	static const char *const yes[] = { "true", "1", "yes", "on" };
	static const char *const no[] = { "false", "0", "no", "off" };

	for (size_t i = 0; i < COUNT(yes); i++)
		if (str_eq_case(v, str_c(yes[i])))
			return buf_c(out, "true");
	for (size_t i = 0; i < COUNT(no); i++)
		if (str_eq_case(v, str_c(no[i])))
			return buf_c(out, "false");
	return -1;
}

static size_t count_digits(struct str *s)
{
	size_t n = 0;

	while (n < s->len && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	*s = str_sub(*s, n, SIZE_MAX);
	return n;
}

/* JSON's numbers, no exponent; leading zeros and + are left out. */
static int write_number(struct buf *out, struct str v, bool is_int)
{
	struct str rest = v, whole;
	bool is_negative = v.len > 0 && v.p[0] == '-';
	size_t n;

	if (v.len > NUMBER_LEN_MAX)
		return -1;
	if (v.len > 0 && (v.p[0] == '-' || v.p[0] == '+'))
		rest = str_sub(v, 1, SIZE_MAX);
	whole = rest;
	n = count_digits(&rest);
	if (n == 0)
		return -1;
	whole.len = n;
	while (whole.len > 1 && whole.p[0] == '0')
		whole = str_sub(whole, 1, SIZE_MAX);
	if (rest.len > 0) {
		struct str part = str_sub(rest, 1, SIZE_MAX);

		if (is_int || rest.p[0] != '.' || count_digits(&part) == 0 ||
			part.len > 0)
			return -1;
	}
	return buf_printf(out, "%s%.*s%.*s", is_negative ? "-" : "",
		STR_ARG(whole), STR_ARG(rest));
}

/* Turns "2026-11-24" into that day's midnight, UTC. */
static int read_time(struct arena *a, struct str v, int64_t *ms)
{
	if (v.len == 10)
		v = str_c(arena_printf(a, "%.*sT00:00:00Z", STR_ARG(v)));
	return clock_parse_rfc3339(v, ms);
}

static int write_date(struct arena *a, struct buf *out, struct str v)
{
	int64_t ms;

	if (read_time(a, v, &ms))
		return -1;
	/* the day where the writer was, not the day in UTC */
	return buf_printf(out, "\"%.10s\"", v.p);
}

static int write_datetime(struct arena *a, struct buf *out, struct str v)
{
	char text[CLOCK_TEXT_MAX];
	int64_t ms;

	if (read_time(a, v, &ms))
		return -1;
	return buf_printf(out, "\"%s\"", clock_text(ms, text));
}

static int write_ids(struct buf *out, struct str v)
{
	struct str one;
	size_t n = 0;

	buf_byte(out, '[');
	while (str_cut(&v, ';', &one)) {
		one = str_trim(one);
		if (one.len == 0)
			continue;
		if (!sf_is_id(one) || n >= IDS_MAX)
			return -1;
		if (n++ > 0)
			buf_byte(out, ',');
		sf_json_str(out, one);
	}
	return buf_byte(out, ']');
}

static bool is_atext(char c)
{
	return (unsigned char)c > ' ' && c != 127 &&
	       !strchr("()<>[]:;@\\,\"", c);
}

static bool is_domain(struct str s)
{
	struct str label;
	size_t n = 0;

	while (str_cut(&s, '.', &label)) {
		if (label.len == 0 || label.len > 63 || label.p[0] == '-' ||
			label.p[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!is_atext(label.p[i]) ||
				strchr("!#$%&'*+/=?^`{|}~", label.p[i]))
				return false;
		n++;
	}
	return n >= 2;
}

bool sf_is_email(struct str s)
{
	ssize_t at = str_rchr(s, '@');
	struct str local = str_sub(s, 0, at < 0 ? 0 : (size_t)at);

	if (at <= 0 || local.len > 64 || local.p[0] == '.' ||
		local.p[local.len - 1] == '.' ||
		str_find(local, STR("..")) >= 0)
		return false;
	for (size_t i = 0; i < local.len; i++)
		if (!is_atext(local.p[i]))
			return false;
	return is_domain(str_sub(s, (size_t)at + 1, SIZE_MAX));
}

/* ---- lengths ---------------------------------------------------------- */

/* Puts a text whole beside the record. Returns: the file's name. */
static struct str keep_whole(struct sf_notes *n, size_t record,
	const struct sf_field *f, const struct plan_field *in)
{
	unsigned char digest[HASH_LEN];
	char *hex = arena_alloc(n->arena, HASH_HEX_LEN + 1);
	struct sf_file *file;

	hash_bytes(in->value, digest);
	hash_hex(digest, hex);
	n->files = arena_grow(n->arena, n->files, n->n_files, n->n_files + 1,
		sizeof(*n->files));
	file = &n->files[n->n_files++];
	file->record = record;
	file->file = (struct plan_file){
		.name = str_c(arena_printf(n->arena, "%.*s.%s",
			STR_ARG(f->name), f->is_html ? "html" : "txt")),
		.type = f->is_html ? STR("text/html; charset=utf-8")
				   : STR("text/plain; charset=utf-8"),
		.is_literal = true,
		.literal = in->value,
		.size = in->value.len,
		.sha256 = str_c(hex),
		.line = in->line,
	};
	return file->file.name;
}

/* Cuts at the last separator, so that no half address is left. */
static struct str cut_addresses(struct str s, size_t max)
{
	struct str cut = utf8_cut_utf16(s, max);
	ssize_t at;

	if (cut.len == s.len)
		return s;
	at = str_rchr(cut, ';');
	return at > 0 ? str_sub(cut, 0, (size_t)at) : STR_NULL;
}

static bool is_address_list(const struct sf_object *o, const struct sf_field *f)
{
	return str_eq_case(o->name, STR("EmailMessage")) &&
	       (str_eq_case(f->name, STR("ToAddress")) ||
		       str_eq_case(f->name, STR("CcAddress")) ||
		       str_eq_case(f->name, STR("BccAddress")));
}

/*
 * Fits a text into `max` UTF-16 units.
 * Returns: 0, or -1 with *err when the rule wants no cut.
 */
static int fit(const struct sf_object *o, const struct sf_field *f,
	const struct plan_field *in, size_t max, size_t record,
	struct sf_notes *notes, struct str *text, struct err *err)
{
	struct str mark = STR_NULL;

	if (utf8_count_utf16(*text) <= max)
		return 0;
	if (is_address_list(o, f)) {
		*text = cut_addresses(*text, max);
		sf_note(notes, "%.*s.%.*s: some addresses did not fit",
			STR_ARG(o->name), STR_ARG(f->name));
		return 0;
	}
	if (in->overflow == PLAN_FAIL)
		return err_set(err, ERR_PERM,
			"rule line %u: %.*s.%.*s takes %zu characters, the "
			"value has %zu; the rule may say :overflow \"cut\" or "
			"\"file\"",
			in->line, STR_ARG(o->name), STR_ARG(f->name), max,
			utf8_count_utf16(*text));
	if (in->overflow == PLAN_FILE) {
		struct str name = keep_whole(notes, record, f, in);

		mark = str_c(arena_printf(notes->arena,
			"\n[cut here; the whole text is in the file %.*s]",
			STR_ARG(name)));
	}
	sf_note(notes, "%.*s.%.*s: cut from %zu to %zu characters%s",
		STR_ARG(o->name), STR_ARG(f->name), utf8_count_utf16(*text),
		max, mark.len > 0 ? ", whole in a file" : "");
	if (mark.len > max)
		mark = STR_NULL;
	*text = str_c(arena_printf(notes->arena, "%.*s%.*s",
		STR_ARG(utf8_cut_utf16(*text, max - mark.len)), STR_ARG(mark)));
	return 0;
}

static uint64_t limit_of(const struct sf_field *f, const struct plan_field *in)
{
	if (in->max == 0 || f->length == 0)
		return in->max + f->length;
	return MIN(in->max, f->length);
}

static int write_text(struct buf *out, const struct sf_object *o,
	const struct sf_field *f, const struct plan_field *in, size_t record,
	struct sf_notes *notes, struct err *err)
{
	struct str text = clean(notes->arena, in->value);
	uint64_t max = limit_of(f, in);

	if (max > 0 && fit(o, f, in, max, record, notes, &text, err))
		return -1;
	sf_json_str(out, text);
	return 0;
}

static int write_email(struct buf *out, const struct sf_object *o,
	const struct sf_field *f, const struct plan_field *in,
	struct sf_notes *notes)
{
	uint64_t max = limit_of(f, in);

	if (sf_is_email(in->value) &&
		(max == 0 || utf8_count_utf16(in->value) <= max)) {
		sf_json_str(out, in->value);
		return 0;
	}
	sf_note(notes,
		"%.*s.%.*s: left out, Salesforce would not take \"%.*s\" as an "
		"address",
		STR_ARG(o->name), STR_ARG(f->name),
		STR_ARG(utf8_cut(in->value, 200)));
	return SF_LEFT_OUT;
}

int sf_value_write(struct buf *out, const struct sf_object *o,
	const struct sf_field *f, const struct plan_field *in, enum plan_op op,
	size_t record, struct sf_notes *notes, struct err *err)
{
	struct str v = str_trim(in->value);

	if (in->kind == PLAN_NULL || v.len == 0) {
		if (op == PLAN_CREATE)
			return SF_LEFT_OUT;
		buf_c(out, f->type == SF_IDS ? "[]" : "null");
		return 0;
	}
	switch (f->type) {
	case SF_BOOLEAN:
		return write_boolean(out, v) ? refuse(o, f, in,
						       "is a checkbox and "
						       "wants true or false",
						       err)
					     : 0;
	case SF_INT:
	case SF_NUMBER:
		return write_number(out, v, f->type == SF_INT)
			       ? refuse(o, f, in, "wants a number", err)
			       : 0;
	case SF_DATE:
		return write_date(notes->arena, out, v)
			       ? refuse(o, f, in, "wants a date", err)
			       : 0;
	case SF_DATETIME:
		return write_datetime(notes->arena, out, v)
			       ? refuse(o, f, in, "wants a date and time", err)
			       : 0;
	case SF_ID:
		if (!sf_is_id(v))
			return refuse(o, f, in, "wants a record's id", err);
		sf_json_str(out, v);
		return 0;
	case SF_IDS:
		return write_ids(out, v)
			       ? refuse(o, f, in, "wants ids, parted by ;", err)
			       : 0;
	case SF_EMAIL:
		return write_email(out, o, f, in, notes);
	case SF_TEXT:
		break;
	}
	return write_text(out, o, f, in, record, notes, err);
}
