/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.c - JSON text as the API writes and refuses it. */
#include <stdio.h>

#include <mailmill/clock.h>
#include <mailmill/utf8.h>

#include "sandbox.h"

void sb_json_str(struct buf *out, struct str s)
{
	size_t from = 0;

	buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, s.p + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_add(out, "\\n", 2);
		else if (c == '\r')
			buf_add(out, "\\r", 2);
		else if (c == '\t')
			buf_add(out, "\\t", 2);
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_add(out, s.p + from, s.len - from);
	buf_byte(out, '"');
}

static int add_text(const char *p, size_t len, void *ctx)
{
	return buf_add(ctx, p, len);
}

void sb_json_value(struct buf *out, const json_t *j)
{
	if (!j)
		buf_add(out, "null", 4);
	else if (json_is_string(j))
		sb_json_str(out, sb_json_text(j));
	else
		json_dump_callback(j, add_text, out,
			JSON_COMPACT | JSON_ENCODE_ANY |
				JSON_REAL_PRECISION(15));
}

struct str sb_json_text(const json_t *j)
{
	return str_n(json_string_value(j), json_string_length(j));
}

void sb_json_datetime(struct buf *out, int64_t ms)
{
	struct clock_civil c;
	int64_t seconds = ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);

	clock_to_civil(seconds, &c);
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03d+0000", c.year,
		c.month, c.day, c.hour, c.minute, c.second,
		(int)(ms - seconds * 1000));
}

static void add_names(struct buf *out, const char *names)
{
	struct str rest = str_c(names), name;
	bool is_first = true;

	buf_byte(out, '[');
	while (*names && str_cut(&rest, ',', &name)) {
		if (!is_first)
			buf_byte(out, ',');
		is_first = false;
		sb_json_str(out, name);
	}
	buf_byte(out, ']');
}

void sb_json_errors(
	struct buf *out, const struct sb_fail *f, const char *code_name)
{
	bool is_row = code_name[0] == 's'; /* statusCode: rows list fields */
	/* What was found may be no UTF-8, or cut inside of a letter. */
	AUTO(arena) struct arena *a = arena_new();
	struct str text = utf8_mend(a, str_c(f->text));

	buf_byte(out, '[');
	if (is_row) {
		buf_printf(out, "{\"statusCode\":\"%s\",\"message\":", f->code);
		sb_json_str(out, text);
	} else {
		buf_c(out, "{\"message\":");
		sb_json_str(out, text);
		buf_printf(out, ",\"errorCode\":\"%s\"", f->code);
	}
	if (is_row || f->fields[0]) {
		buf_c(out, ",\"fields\":");
		add_names(out, f->fields);
	}
	buf_c(out, "}]");
}

void sb_json_attributes(struct buf *out, const struct sb_record *r, int version)
{
	buf_printf(out,
		"\"attributes\":{\"type\":\"%s\",\"url\":\"/services/data/"
		"v%d.0/sobjects/%s/%s\"}",
		r->object->name, version, r->object->name, r->id);
}

void sb_json_field(struct buf *out, struct sandbox *sb,
	const struct sb_record *r, const struct sb_field *f, int version)
{
	AUTO(json) json_t *v = sb_table_value(sb, r, f);

	if (f->type == SB_BASE64 && !json_is_null(v))
		buf_printf(out, "\"/services/data/v%d.0/sobjects/%s/%s/%s\"",
			version, r->object->name, r->id, f->name);
	else if (f->type == SB_DATETIME && json_is_integer(v)) {
		buf_byte(out, '"');
		sb_json_datetime(out, json_integer_value(v));
		buf_byte(out, '"');
	} else {
		sb_json_value(out, v);
	}
}

void sb_json_record(struct buf *out, struct sandbox *sb,
	const struct sb_record *r, struct sb_field *const *fields, int n,
	int version)
{
	struct sb_object *o = r->object;
	int count = fields ? n : o->n_fields;

	buf_byte(out, '{');
	sb_json_attributes(out, r, version);
	for (int i = 0; i < count; i++) {
		const struct sb_field *f = fields ? fields[i] : &o->fields[i];
		if (!fields && f->type == SB_ID_LIST)
			continue;
		buf_printf(out, ",\"%s\":", f->name);
		sb_json_field(out, sb, r, f, version);
	}
	buf_byte(out, '}');
}

int sb_fail_set(struct sb_fail *f, int status, const char *code,
	const char *fields, const char *fmt, ...)
{
	va_list ap;

	f->status = status;
	f->code = code;
	snprintf(f->fields, sizeof(f->fields), "%s", fields);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}

void sb_reply_init(struct sb_reply *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->body, SB_REPLY_MAX);
}

void sb_reply_fini(struct sb_reply *r)
{
	buf_fini(&r->body);
}

void sb_reply_fail(struct sb_reply *r, const struct sb_fail *f)
{
	buf_clear(&r->body);
	r->type = NULL;
	r->status = f->status;
	if (f->many) {
		sb_json_value(&r->body, f->many);
		json_decref(f->many);
		return;
	}
	sb_json_errors(&r->body, f, "errorCode");
}

void sb_reply_error(
	struct sb_reply *r, int status, const char *code, const char *fmt, ...)
{
	struct sb_fail f = { .status = status, .code = code };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	sb_reply_fail(r, &f);
}

void sb_reply_json(struct sb_reply *r, int status, const json_t *j)
{
	buf_clear(&r->body);
	r->type = NULL;
	r->status = status;
	sb_json_value(&r->body, j);
}
