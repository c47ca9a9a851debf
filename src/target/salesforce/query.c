/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * query.c - FIND questions as SOQL: many senders, one query.
 *
 * Questions that ask for the same fields of the same object by the same text
 * fields share a query: WHERE Email IN (...), or OR over groups of AND. Whose
 * a row is, is told by comparing its fields with the question's values, as
 * Salesforce compares: without case, unless the field minds it. Beyond ASCII
 * that would need its collation, so such values are asked for alone.
 *
 * Names go into a query only when they are names, values only as literals.
 */
#include <string.h>

#include <mailmill/utf8.h>

#include "salesforce.h"

#define VALUE_LEN_MAX 4000
#define ROW_TEXT_MAX PLAN_VALUE_MAX

void sf_soql_text(struct buf *out, struct str s)
{
	buf_byte(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\'' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_c(out, "\\n");
		else if (c == '\r')
			buf_c(out, "\\r");
		else if (c == '\t')
			buf_c(out, "\\t");
		else if (c < ' ' || c == 127)
			buf_printf(out, "\\u%04X", c);
		else
			buf_byte(out, c);
	}
	buf_byte(out, '\'');
}

static bool is_text(const struct sf_field *f)
{
	return f->type == SF_TEXT || f->type == SF_EMAIL || f->type == SF_ID;
}

/* Adds a literal that is no text; the value is checked, never copied raw. */
static int write_bare(struct buf *out, const struct sf_field *f, struct str v)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf json = BUF_INIT(256);
	struct sf_object o = { .name = STR("x") };
	struct sf_notes notes = { .arena = a };
	struct plan_field in = { .name = f->name, .value = v };
	struct err err;
	struct str text;

	if (f->type == SF_IDS ||
		sf_value_write(&json, &o, f, &in, PLAN_CREATE, 0, &notes, &err))
		return -1;
	text = buf_view(&json);
	/* dates are quoted in JSON and bare in SOQL */
	if (text.p[0] == '"')
		text = str_sub(text, 1, text.len - 2);
	return buf_str(out, text);
}

/* Adds the literal of a value for a comparison with a field. */
static int write_value(struct buf *out, const struct sf_field *f, struct str v)
{
	if (!is_text(f))
		return write_bare(out, f, v);
	sf_soql_text(out, v);
	return 0;
}

static const struct sf_field *field_of(
	const struct sf_object *o, const struct plan_pair *pair)
{
	return sf_object_field(o, pair->name);
}

static int check_name(
	const struct sf_object *o, struct str name, bool dots, struct err *err)
{
	if (!sf_is_name(name, dots))
		return err_set(err, ERR_PERM,
			"find: \"%.*s\" is no field's name",
			STR_ARG(str_sub(name, 0, 80)));
	if (str_chr(name, '.') < 0 && !sf_object_field(o, name))
		return err_set(err, ERR_CONF,
			"find: Salesforce shows no field %.*s on %.*s: correct "
			"the rule, or give the integration's user access to it",
			STR_ARG(name), STR_ARG(o->name));
	return 0;
}

static int check_where(const struct sf_object *o, const struct plan_pair *pair,
	struct err *err)
{
	AUTO(buf) struct buf literal = BUF_INIT(16384);
	const struct sf_field *f;

	if (check_name(o, pair->name, false, err))
		return -1;
	f = field_of(o, pair);
	if (pair->value.len > VALUE_LEN_MAX || !utf8_is_valid(pair->value) ||
		write_value(&literal, f, str_trim(pair->value)))
		return err_set(err, ERR_PERM,
			"find: %.*s.%.*s can't be compared with \"%.*s\"",
			STR_ARG(o->name), STR_ARG(f->name),
			STR_ARG(utf8_cut(pair->value, 80)));
	return 0;
}

/* "CreatedDate" or "CreatedDate DESC". */
static int check_order(
	const struct sf_object *o, struct str order, struct err *err)
{
	struct str name;

	if (order.len == 0)
		return 0;
	str_cut(&order, ' ', &name);
	if (order.p && !str_eq_case(order, STR("desc")) &&
		!str_eq_case(order, STR("asc")))
		return err_set(err, ERR_PERM, "find: order is a field's name");
	return check_name(o, name, true, err);
}

int sf_query_group(struct buf *out, const struct sf_object *o,
	const struct plan_question *q, struct err *err)
{
	if (q->n_where == 0)
		return err_set(err, ERR_PERM, "find: asks for nothing");
	buf_printf(out, "%.*s", STR_ARG(o->name));
	for (size_t i = 0; i < q->n_fields; i++) {
		if (check_name(o, q->fields[i], true, err))
			return -1;
		buf_printf(out, ",%.*s", STR_ARG(q->fields[i]));
	}
	if (check_order(o, q->order, err))
		return -1;
	buf_printf(out, "/%.*s", STR_ARG(q->order));
	for (size_t i = 0; i < q->n_where; i++) {
		if (check_where(o, &q->where[i], err))
			return -1;
		buf_printf(out, "/%.*s", STR_ARG(q->where[i].name));
		if (is_text(field_of(o, &q->where[i])))
			continue;
		buf_byte(out, '=');
		write_value(out, field_of(o, &q->where[i]),
			str_trim(q->where[i].value));
	}
	if (buf_is_over(out))
		return err_set(err, ERR_PERM, "find: too many fields");
	return 0;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 128)
			return false;
	return true;
}

bool sf_query_is_shareable(
	const struct sf_object *o, const struct plan_question *q)
{
	bool has_text = false;

	for (size_t i = 0; i < q->n_where; i++) {
		const struct sf_field *f = field_of(o, &q->where[i]);

		if (!is_text(f))
			continue;
		has_text = true;
		if (!is_ascii(q->where[i].value) && !f->is_case_sensitive)
			return false;
	}
	return has_text;
}

/* ---- writing ---------------------------------------------------------- */

static void add_name(struct buf *out, struct map *seen, struct str name)
{
	AUTO(buf) struct buf key = BUF_INIT(256);

	sf_name_key(&key, name);
	if (map_set(seen, buf_view(&key), seen))
		return;
	buf_printf(out, ", %.*s", STR_ARG(name));
}

static void write_select(struct buf *out, const struct sf_object *o,
	const struct plan_question *q)
{
	AUTO(map) struct map *seen = map_new();

	map_set(seen, STR("id"), seen);
	buf_c(out, "SELECT Id");
	for (size_t i = 0; i < q->n_fields; i++)
		add_name(out, seen, q->fields[i]);
	for (size_t i = 0; i < q->n_where; i++)
		if (is_text(field_of(o, &q->where[i])))
			add_name(out, seen, q->where[i].name);
	buf_printf(out, " FROM %.*s", STR_ARG(o->name));
}

static size_t count_texts(
	const struct sf_object *o, const struct plan_question *q, size_t *first)
{
	size_t n = 0;

	for (size_t i = 0; i < q->n_where; i++)
		if (is_text(field_of(o, &q->where[i])) && n++ == 0)
			*first = i;
	return n;
}

/* All `name = value` of the kind that is asked for, joined by AND. */
static void write_equals(struct buf *out, const struct sf_object *o,
	const struct plan_question *q, bool texts, const char *before)
{
	for (size_t i = 0; i < q->n_where; i++) {
		const struct sf_field *f = field_of(o, &q->where[i]);

		if (is_text(f) != texts)
			continue;
		buf_printf(out, "%s%.*s = ", before, STR_ARG(f->name));
		write_value(out, f, str_trim(q->where[i].value));
		before = " AND ";
	}
}

static bool was_seen(struct map *seen, struct str text)
{
	return map_set(seen, text, seen) != NULL;
}

static void write_in(struct buf *out, const struct sf_object *o,
	const struct plan_question *const *qs, size_t n, size_t at)
{
	AUTO(map) struct map *seen = map_new();
	const char *before = "";

	buf_printf(out, "%.*s IN (",
		STR_ARG(field_of(o, &qs[0]->where[at])->name));
	for (size_t i = 0; i < n; i++) {
		struct str v = str_trim(qs[i]->where[at].value);

		if (was_seen(seen, v))
			continue;
		buf_c(out, before);
		sf_soql_text(out, v);
		before = ", ";
	}
	buf_byte(out, ')');
}

static void write_or(struct buf *out, const struct sf_object *o,
	const struct plan_question *const *qs, size_t n)
{
	AUTO(map) struct map *seen = map_new();
	const char *before = n > 1 ? "((" : "(";

	for (size_t i = 0; i < n; i++) {
		AUTO(buf) struct buf one = BUF_INIT((size_t)1 << 20);

		write_equals(&one, o, qs[i], true, "");
		if (was_seen(seen, buf_view(&one)))
			continue;
		buf_c(out, before);
		buf_str(out, buf_view(&one));
		buf_byte(out, ')');
		before = " OR (";
	}
	if (n > 1)
		buf_byte(out, ')');
}

void sf_query_write(struct buf *out, const struct sf_object *o,
	const struct plan_question *const *qs, size_t n, size_t limit)
{
	size_t at = 0, n_texts = count_texts(o, qs[0], &at);

	write_select(out, o, qs[0]);
	buf_c(out, " WHERE ");
	if (n_texts == 1)
		write_in(out, o, qs, n, at);
	else if (n_texts > 1)
		write_or(out, o, qs, n);
	write_equals(out, o, qs[0], false, n_texts > 0 ? " AND " : "");
	if (qs[0]->order.len > 0)
		buf_printf(out, " ORDER BY %.*s", STR_ARG(qs[0]->order));
	buf_printf(out, " LIMIT %zu", limit);
}

/* ---- reading ---------------------------------------------------------- */

/* Follows "Account.Name", without case, to a value; NULL: there is none. */
static const json_t *follow(const json_t *row, struct str path)
{
	struct str name;

	while (row && str_cut(&path, '.', &name)) {
		const json_t *found = NULL;
		void *at;

		for (at = json_object_iter((json_t *)(uintptr_t)row); at;
			at = json_object_iter_next(
				(json_t *)(uintptr_t)row, at))
			if (str_eq_case(str_c(json_object_iter_key(at)), name))
				found = json_object_iter_value(at);
		row = found;
	}
	return row;
}

static struct str text_of(struct arena *a, const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return arena_str(a,
			str_n(json_string_value(value),
				MIN(json_string_length(value), ROW_TEXT_MAX)));
	case JSON_INTEGER:
		return str_c(arena_printf(
			a, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	case JSON_REAL:
		return str_c(arena_printf(a, "%.15g", json_real_value(value)));
	case JSON_TRUE:
		return STR("true");
	case JSON_FALSE:
		return STR("false");
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return STR_NULL;
}

bool sf_query_matches(const struct sf_object *o, const struct plan_question *q,
	const json_t *row)
{
	for (size_t i = 0; i < q->n_where; i++) {
		const struct sf_field *f = field_of(o, &q->where[i]);
		struct str want = str_trim(q->where[i].value);
		struct str got;

		if (!is_text(f))
			continue;
		got = str_c(json_string_value(follow(row, f->name)));
		if (f->type == SF_ID) {
			/* 15 letters say all; the last three are a checksum */
			if (!str_eq(str_sub(got, 0, 15), str_sub(want, 0, 15)))
				return false;
		} else if (f->is_case_sensitive ? !str_eq(got, want)
						: !str_eq_case(got, want)) {
			return false;
		}
	}
	return true;
}

void sf_query_read_row(struct arena *a, const struct plan_question *q,
	const json_t *row, struct facts_row *out)
{
	out->fields = arena_array(a, q->n_fields + 1, sizeof(*out->fields));
	out->fields[0] = (struct plan_pair){ STR("Id"),
		text_of(a, follow(row, STR("Id"))) };
	out->n_fields = 1;
	for (size_t i = 0; i < q->n_fields; i++) {
		const json_t *value = follow(row, q->fields[i]);

		if (str_eq_case(q->fields[i], STR("Id")))
			continue;
		out->fields[out->n_fields++] = (struct plan_pair){
			arena_str(a, q->fields[i]), text_of(a, value)
		};
	}
}
