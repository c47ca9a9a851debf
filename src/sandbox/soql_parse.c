/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * soql_parse.c - from text to a compiled query, names resolved.
 *
 *   SELECT item, ... FROM Object [alias] [WHERE ...] [WITH SECURITY_ENFORCED]
 *   [GROUP BY field, ...] [ORDER BY field [ASC|DESC] [NULLS FIRST|LAST], ...]
 *   [LIMIT n] [OFFSET n] [FOR VIEW|REFERENCE|UPDATE] [ALL ROWS]
 *
 * FROM is looked up first, by a quick scan, since the names before it need the
 * object. Errors carry row and column as the real ones do.
 */
#include <stdio.h>

#include "soql.h"

static bool is_now(const struct soql_parser *p, const char *word)
{
	return (p->t.kind == SOQL_T_WORD || p->t.kind == SOQL_T_OP) &&
	       str_eq_case(p->t.s, str_c(word));
}

static bool take(struct soql_parser *p, const char *word)
{
	if (p->is_failed || !is_now(p, word))
		return false;
	return sb_soql_next(p) == 0;
}

static int fail_token(struct soql_parser *p)
{
	char text[200];

	if (p->t.kind == SOQL_T_END)
		snprintf(text, sizeof(text), "unexpected token: '<EOF>'");
	else
		snprintf(text, sizeof(text), "unexpected token: '%.*s'",
			STR_ARG(str_sub(p->t.s, 0, 100)));
	return sb_soql_fail(p, p->t.at, "MALFORMED_QUERY", text);
}

static int expect(struct soql_parser *p, const char *word)
{
	return take(p, word) ? 0 : fail_token(p);
}

/* Names. */

static int fail_column(struct soql_parser *p, size_t at, struct str name,
	const struct sb_object *o)
{
	char text[500];

	snprintf(text, sizeof(text),
		"No such column '%.*s' on entity '%s'. If you are attempting "
		"to use a custom field, be sure to append the '__c' after the "
		"custom field name. Please reference your WSDL or the describe "
		"call for the appropriate names.",
		STR_ARG(str_sub(name, 0, 100)), o->name);
	return sb_soql_fail(p, at, "INVALID_FIELD", text);
}

/* The field of one of several targets that has that name. */
static struct sb_field *find_any(const struct sb_field *hop, struct str name)
{
	for (int i = 0; i < hop->n_to; i++) {
		struct sb_field *f = sb_field(hop->to[i], name);
		if (f)
			return f;
	}
	return NULL;
}

static int read_path(struct soql_parser *p, struct soql *q, struct str name,
	size_t at, struct soql_path *out)
{
	struct str rest = name, piece;
	struct sb_object *o = q->object;
	const struct sb_field *poly = NULL;
	ssize_t dot = str_chr(name, '.');

	memset(out, 0, sizeof(*out));
	if (dot > 0 && (str_eq_case(str_sub(name, 0, (size_t)dot), q->alias) ||
			       (str_eq_case(str_sub(name, 0, (size_t)dot),
					str_c(o->name)) &&
				       !sb_field_rel(o, str_c(o->name)))))
		rest = str_sub(name, (size_t)dot + 1, name.len);
	while (str_cut(&rest, '.', &piece)) {
		struct sb_field *f;
		if (rest.p) {
			f = poly ? NULL : sb_field_rel(o, piece);
			for (int i = 0; poly && i < poly->n_to && !f; i++)
				f = sb_field_rel(poly->to[i], piece);
			if (!f || f->n_to == 0 ||
				out->n_hops >= SOQL_HOPS_MAX) {
				char text[300];
				snprintf(text, sizeof(text),
					"Didn't understand relationship '%.*s' "
					"in field path. If you are attempting "
					"to use a custom relationship, be sure "
					"to append the '__r' after the custom "
					"relationship name.",
					STR_ARG(str_sub(piece, 0, 80)));
				return sb_soql_fail(
					p, at, "INVALID_FIELD", text);
			}
			out->hop[out->n_hops++] = f;
			poly = f->n_to > 1 ? f : NULL;
			o = f->to[0];
			continue;
		}
		f = poly ? find_any(poly, piece) : sb_field(o, piece);
		if (!f)
			return fail_column(p, at, piece, o);
		out->leaf = poly ? NULL : f;
		out->leaf_name = arena_str(p->a, piece);
		out->type = f->type;
	}
	return 0;
}

/* Items of SELECT. */

static struct soql_item *add_item(
	struct soql_parser *p, struct soql_item **items, int *n)
{
	if ((*n & (*n - 1)) == 0)
		*items = arena_grow(p->a, *items, (size_t)*n,
			*n ? (size_t)*n * 2 : 1, sizeof(**items));
	return &(*items)[(*n)++];
}

static int add_path(
	struct soql_parser *p, struct soql *q, const struct soql_path *path)
{
	struct soql_item **items = &q->items;
	int *n = &q->n_items;

	for (int h = 0; h < path->n_hops; h++) {
		struct soql_item *parent = NULL;
		for (int i = 0; i < *n; i++)
			if ((*items)[i].what == SOQL_PARENT &&
				(*items)[i].field == path->hop[h])
				parent = &(*items)[i];
		if (!parent) {
			parent = add_item(p, items, n);
			parent->what = SOQL_PARENT;
			parent->field = path->hop[h];
		}
		items = &parent->items;
		n = &parent->n_items;
	}
	struct soql_item *item = add_item(p, items, n);
	item->what = SOQL_FIELD;
	item->field = path->leaf;
	item->name = path->leaf_name;
	return 0;
}

static int parse_query(struct soql_parser *p, struct soql **out,
	const struct soql *outer, bool is_semi);

static const char *const function_names[] = {
	[SOQL_F_COUNT] = "COUNT",
	[SOQL_F_COUNT_DISTINCT] = "COUNT_DISTINCT",
	[SOQL_F_MIN] = "MIN",
	[SOQL_F_MAX] = "MAX",
	[SOQL_F_SUM] = "SUM",
	[SOQL_F_AVG] = "AVG",
};

static int parse_fields(struct soql_parser *p, struct soql *q)
{
	struct soql_path path = { 0 };
	bool is_custom = is_now(p, "CUSTOM"), is_all = is_now(p, "ALL");

	if (!is_custom && !is_all && !is_now(p, "STANDARD"))
		return fail_token(p);
	sb_soql_next(p);
	for (int i = 0; i < q->object->n_fields; i++) {
		struct sb_field *f = &q->object->fields[i];
		if (f->type == SB_ID_LIST ||
			(!is_all && is_custom != !!(f->flags & SB_CUSTOM)))
			continue;
		path.leaf = f;
		path.leaf_name = str_c(f->name);
		add_path(p, q, &path);
	}
	return expect(p, ")");
}

static int parse_function(
	struct soql_parser *p, struct soql *q, struct soql_token name)
{
	struct soql_item item = { .what = SOQL_FUNCTION };
	char alias[16];
	int n_named = 0;

	if (str_eq_case(name.s, STR("FIELDS")))
		return parse_fields(p, q);
	if (str_eq_case(name.s, STR("toLabel")) ||
		str_eq_case(name.s, STR("FORMAT"))) {
		if (p->t.kind != SOQL_T_WORD ||
			read_path(p, q, p->t.s, p->t.at, &item.path) < 0)
			return fail_token(p);
		sb_soql_next(p);
		add_path(p, q, &item.path);
		return expect(p, ")");
	}
	for (size_t i = 1; i < COUNT(function_names); i++)
		if (str_eq_case(name.s, str_c(function_names[i])))
			item.function = (enum soql_function)i;
	if (!item.function)
		return sb_soql_fail(
			p, name.at, "MALFORMED_QUERY", "unexpected token: '('");
	if (item.function == SOQL_F_COUNT && take(p, ")")) {
		q->is_count = q->n_items == 0 && is_now(p, "FROM");
		if (!q->is_count)
			return fail_token(p);
		return 0;
	}
	if (p->t.kind != SOQL_T_WORD)
		return fail_token(p);
	if (read_path(p, q, p->t.s, p->t.at, &item.path) < 0)
		return -1;
	sb_soql_next(p);
	if (expect(p, ")") < 0)
		return -1;
	for (int i = 0; i < q->n_items; i++)
		n_named += q->items[i].what == SOQL_FUNCTION;
	snprintf(alias, sizeof(alias), "expr%d", n_named);
	item.name = arena_str(p->a, str_c(alias));
	if (p->t.kind == SOQL_T_WORD && !is_now(p, "FROM")) {
		item.name = arena_str(p->a, p->t.s);
		sb_soql_next(p);
	}
	q->is_aggregate = true;
	*add_item(p, &q->items, &q->n_items) = item;
	return 0;
}

static int parse_item(struct soql_parser *p, struct soql *q)
{
	struct soql_token name = p->t;
	struct soql_path path;

	if (take(p, "(")) {
		struct soql_item *item;
		struct soql *sub;
		if (p->level > 0)
			return sb_soql_fail(p, name.at, "MALFORMED_QUERY",
				"subqueries are supported one level deep");
		if (parse_query(p, &sub, q, false) < 0)
			return -1;
		item = add_item(p, &q->items, &q->n_items);
		item->what = SOQL_CHILDREN;
		item->sub = sub;
		item->child = sb_child_rel(q->object, sub->alias);
		return expect(p, ")");
	}
	if (p->t.kind != SOQL_T_WORD)
		return fail_token(p);
	sb_soql_next(p);
	if (take(p, "("))
		return parse_function(p, q, name);
	if (read_path(p, q, name.s, name.at, &path) < 0)
		return -1;
	if (p->t.kind == SOQL_T_WORD &&
		!is_now(p, "FROM")) /* alias of GROUP BY */
		sb_soql_next(p);
	return add_path(p, q, &path);
}

/* Literals. */

/* Drops the backslashes that only LIKE needs. */
static struct str plain_text(struct soql_parser *p, struct str s)
{
	AUTO(buf) struct buf b = BUF_INIT(SOQL_TEXT_MAX);

	if (str_chr(s, '\\') < 0)
		return s;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' && i + 1 < s.len)
			i++;
		buf_byte(&b, (unsigned char)s.p[i]);
	}
	return arena_str(p->a, buf_view(&b));
}

static int read_number(struct soql_parser *p, struct soql_value *v)
{
	char text[48];
	char *end;

	v->what = SOQL_NUMBER;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(str_sub(p->t.s, 0, 40)));
	v->number = strtod(text, &end);
	return *end ? fail_token(p) : 0;
}

static int parse_value(
	struct soql_parser *p, struct soql_value *v, enum soql_op op)
{
	memset(v, 0, sizeof(*v));
	switch (p->t.kind) {
	case SOQL_T_TEXT:
		v->what = SOQL_TEXT;
		v->text = op == SOQL_LIKE ? p->t.s : plain_text(p, p->t.s);
		break;
	case SOQL_T_NUMBER:
		if (read_number(p, v) < 0)
			return -1;
		break;
	case SOQL_T_TIME:
		if (sb_soql_time(p->t.s, v) < 0)
			return fail_token(p);
		break;
	case SOQL_T_WORD:
		if (is_now(p, "null")) {
			v->what = SOQL_NULL;
		} else if (is_now(p, "true") || is_now(p, "false")) {
			v->what = SOQL_BOOL;
			v->is_true = is_now(p, "true");
		} else if (!sb_soql_date_word(p->t.s, v)) {
			return fail_token(p);
		}
		break;
	case SOQL_T_OP:
	case SOQL_T_END:
		return fail_token(p);
	}
	return sb_soql_next(p);
}

/* Conditions. */

static int check_value(struct soql_parser *p, const struct soql_expr *e,
	const struct soql_value *v, size_t at)
{
	const char *want = NULL;

	if (v->what == SOQL_NULL)
		return 0;
	switch (e->path.type) {
	case SB_BOOLEAN:
		want = v->what == SOQL_BOOL ? NULL : "boolean";
		break;
	case SB_INT:
	case SB_DOUBLE:
	case SB_CURRENCY:
	case SB_PERCENT:
		want = v->what == SOQL_NUMBER ? NULL : "number";
		break;
	case SB_DATETIME:
		want = v->what == SOQL_TIME ? NULL : "dateTime";
		break;
	case SB_DATE:
		want = v->what == SOQL_TIME ? NULL : "date";
		break;
	case SB_ID:
	case SB_STRING:
	case SB_TEXTAREA:
	case SB_EMAIL:
	case SB_PHONE:
	case SB_URL:
	case SB_PICKLIST:
	case SB_MULTIPICKLIST:
	case SB_COMBOBOX:
	case SB_REFERENCE:
	case SB_BASE64:
	case SB_ID_LIST:
		want = v->what == SOQL_TEXT ? NULL : "string";
		break;
	}
	if (!want)
		return 0;
	char text[300];
	bool is_quoted = !strcmp(want, "string");
	snprintf(text, sizeof(text),
		"value of filter criterion for field '%.*s' must be of type %s "
		"and should %sbe enclosed in quotes",
		STR_ARG(str_sub(e->path.leaf_name, 0, 100)), want,
		is_quoted ? "" : "not ");
	return sb_soql_fail(p, at, "INVALID_FIELD", text);
}

static int add_value(struct soql_parser *p, struct soql_expr *e, int *cap)
{
	size_t at = p->t.at;
	struct soql_value *v;
	char full[SB_ID_LEN + 1];
	bool is_id = e->path.type == SB_REFERENCE || e->path.type == SB_ID;

	if (e->n_values == *cap) {
		e->values = arena_grow(p->a, e->values, (size_t)*cap,
			*cap ? (size_t)*cap * 2 : 1, sizeof(*v));
		*cap = *cap ? *cap * 2 : 1;
	}
	v = &e->values[e->n_values++];
	if (parse_value(p, v, e->op) < 0 || check_value(p, e, v, at) < 0)
		return -1;
	e->has_null |= v->what == SOQL_NULL;
	if (is_id && v->what == SOQL_TEXT && v->text.len &&
		e->op != SOQL_LIKE && sb_id_full(v->text, full) < 0) {
		char text[200];
		snprintf(text, sizeof(text), "invalid ID field: %.*s",
			STR_ARG(str_sub(v->text, 0, 60)));
		return sb_soql_fail(
			p, at, "INVALID_QUERY_FILTER_OPERATOR", text);
	}
	if (is_id && v->what == SOQL_TEXT && v->text.len && e->op != SOQL_LIKE)
		v->text = arena_str(p->a, str_n(full, SB_ID_LEN));
	return 0;
}

static int parse_list(
	struct soql_parser *p, struct soql *q, struct soql_expr *e)
{
	int cap = 0;

	if (expect(p, "(") < 0)
		return -1;
	if (is_now(p, "SELECT")) {
		if (p->level > 0)
			return sb_soql_fail(p, p->t.at, "MALFORMED_QUERY",
				"Nesting of semi join sub-selects is not "
				"supported");
		if (parse_query(p, &e->sub, q, true) < 0)
			return -1;
		return expect(p, ")");
	}
	do {
		if (add_value(p, e, &cap) < 0)
			return -1;
	} while (take(p, ","));
	return expect(p, ")");
}

static int parse_op(struct soql_parser *p, enum soql_op *op)
{
	static const struct {
		const char *text;
		enum soql_op op;
	} ops[] = { { "=", SOQL_EQ }, { "!=", SOQL_NE }, { "<>", SOQL_NE },
		{ "<", SOQL_LT }, { "<=", SOQL_LE }, { ">", SOQL_GT },
		{ ">=", SOQL_GE }, { "LIKE", SOQL_LIKE }, { "IN", SOQL_IN },
		{ "INCLUDES", SOQL_INCLUDES }, { "EXCLUDES", SOQL_EXCLUDES } };

	if (take(p, "NOT")) {
		*op = SOQL_NOT_IN;
		return expect(p, "IN");
	}
	for (size_t i = 0; i < COUNT(ops); i++) {
		if (!take(p, ops[i].text))
			continue;
		*op = ops[i].op;
		return 0;
	}
	return fail_token(p);
}

static int parse_test(
	struct soql_parser *p, struct soql *q, struct soql_expr *e)
{
	struct soql_token name = p->t;
	int cap = 0;

	e->what = SOQL_TEST;
	if (p->t.kind != SOQL_T_WORD)
		return fail_token(p);
	if (read_path(p, q, name.s, name.at, &e->path) < 0)
		return -1;
	sb_soql_next(p);
	if (parse_op(p, &e->op) < 0)
		return -1;
	if (e->path.leaf &&
		((e->path.type == SB_TEXTAREA && e->path.leaf->length > 255) ||
			e->path.type == SB_BASE64 ||
			e->path.type == SB_ID_LIST)) {
		char text[200];
		snprintf(text, sizeof(text),
			"field '%s' can not be filtered in a query call",
			e->path.leaf->name);
		return sb_soql_fail(p, name.at, "INVALID_FIELD", text);
	}
	if (e->op >= SOQL_IN)
		return parse_list(p, q, e);
	return add_value(p, e, &cap);
}

static int parse_or(
	struct soql_parser *p, struct soql *q, struct soql_expr **out);

static int parse_unary(
	struct soql_parser *p, struct soql *q, struct soql_expr **out)
{
	struct soql_expr *e;

	if (p->depth >= SOQL_DEPTH_MAX)
		return sb_soql_fail(p, p->t.at, "QUERY_TOO_COMPLICATED",
			"the filter is nested too deeply");
	if (take(p, "NOT")) {
		e = ARENA_NEW(p->a, struct soql_expr);
		e->what = SOQL_NOT;
		*out = e;
		p->depth++;
		int got = parse_unary(p, q, &e->a);
		p->depth--;
		return got;
	}
	if (take(p, "(")) {
		p->depth++;
		int got = parse_or(p, q, out);
		p->depth--;
		return got < 0 ? -1 : expect(p, ")");
	}
	e = *out = ARENA_NEW(p->a, struct soql_expr);
	return parse_test(p, q, e);
}

/* AND and OR may not be mixed without parentheses: what is left over fails. */
static int parse_or(
	struct soql_parser *p, struct soql *q, struct soql_expr **out)
{
	const char *word;

	if (parse_unary(p, q, out) < 0)
		return -1;
	word = is_now(p, "AND") ? "AND" : "OR";
	while (take(p, word)) {
		struct soql_expr *e = ARENA_NEW(p->a, struct soql_expr);
		e->what = word[0] == 'A' ? SOQL_AND : SOQL_OR;
		e->a = *out;
		*out = e;
		if (parse_unary(p, q, &e->b) < 0)
			return -1;
	}
	return p->is_failed ? -1 : 0;
}

/* Clauses. */

static int parse_order(struct soql_parser *p, struct soql *q)
{
	do {
		struct soql_order *o;
		if (q->n_order >= SOQL_ORDER_MAX)
			return fail_token(p);
		o = &q->order[q->n_order++];
		if (p->t.kind != SOQL_T_WORD)
			return fail_token(p);
		if (read_path(p, q, p->t.s, p->t.at, &o->path) < 0)
			return -1;
		sb_soql_next(p);
		if (take(p, "DESC"))
			o->is_down = true;
		else
			take(p, "ASC");
		if (!take(p, "NULLS"))
			continue;
		if (take(p, "LAST"))
			o->is_nulls_last = true;
		else if (expect(p, "FIRST") < 0)
			return -1;
	} while (take(p, ","));
	return p->is_failed ? -1 : 0;
}

static int parse_group(struct soql_parser *p, struct soql *q)
{
	q->is_aggregate = true;
	do {
		if (p->t.kind != SOQL_T_WORD || q->n_group >= SOQL_ORDER_MAX)
			return fail_token(p);
		if (read_path(p, q, p->t.s, p->t.at, &q->group[q->n_group++]) <
			0)
			return -1;
		sb_soql_next(p);
	} while (take(p, ","));
	return p->is_failed ? -1 : 0;
}

static int parse_count(struct soql_parser *p, int64_t *out, int64_t max)
{
	uint64_t n;

	if (p->t.kind != SOQL_T_NUMBER || str_to_u64(p->t.s, INT32_MAX, &n) < 0)
		return fail_token(p);
	if ((int64_t)n > max)
		return sb_soql_fail(p, p->t.at, "NUMBER_OUTSIDE_VALID_RANGE",
			"Maximum SOQL offset allowed is 2000");
	*out = (int64_t)n;
	return sb_soql_next(p);
}

static bool is_clause(const struct soql_parser *p)
{
	static const char *const words[] = { "WHERE", "ORDER", "LIMIT",
		"OFFSET", "FOR", "ALL", "GROUP", "WITH", "USING" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (is_now(p, words[i]))
			return true;
	return false;
}

static int parse_clauses(struct soql_parser *p, struct soql *q)
{
	if (take(p, "USING") && (expect(p, "SCOPE") < 0 || sb_soql_next(p) < 0))
		return -1;
	if (take(p, "WHERE") && parse_or(p, q, &q->where) < 0)
		return -1;
	if (take(p, "WITH"))
		sb_soql_next(p);
	if (take(p, "GROUP") && (expect(p, "BY") < 0 || parse_group(p, q) < 0))
		return -1;
	if (take(p, "ORDER") && (expect(p, "BY") < 0 || parse_order(p, q) < 0))
		return -1;
	if (take(p, "LIMIT") && parse_count(p, &q->limit, INT32_MAX) < 0)
		return -1;
	if (take(p, "OFFSET") &&
		parse_count(p, &q->offset, SOQL_OFFSET_MAX) < 0)
		return -1;
	if (take(p, "FOR"))
		sb_soql_next(p);
	if (take(p, "ALL")) {
		q->with_all = true;
		return expect(p, "ROWS");
	}
	return p->is_failed ? -1 : 0;
}

/* Finds FROM of the SELECT that begins here, without reading its items. */
static int find_from(
	struct soql_parser *p, struct soql_token *from, struct str *alias)
{
	struct soql_parser ahead = *p;
	int depth = 0;

	while (ahead.t.kind != SOQL_T_END) {
		if (is_now(&ahead, "("))
			depth++;
		else if (is_now(&ahead, ")"))
			depth--;
		else if (depth == 0 && is_now(&ahead, "FROM")) {
			if (sb_soql_next(&ahead) < 0)
				break;
			*from = ahead.t;
			if (ahead.t.kind != SOQL_T_WORD) {
				*p = ahead;
				return fail_token(p);
			}
			sb_soql_next(&ahead);
			if (is_now(&ahead, "AS"))
				sb_soql_next(&ahead);
			if (ahead.t.kind == SOQL_T_WORD && !is_clause(&ahead))
				*alias = ahead.t.s;
			return 0;
		}
		if (depth < 0 || sb_soql_next(&ahead) < 0)
			break;
	}
	*p = ahead;
	return fail_token(p);
}

static int find_object(struct soql_parser *p, struct soql *q,
	const struct soql_token *from, const struct soql *outer, bool is_semi)
{
	char text[300];

	if (outer && !is_semi) {
		struct sb_child *c = sb_child_rel(outer->object, from->s);
		if (c) {
			q->object = c->object;
			return 0;
		}
		snprintf(text, sizeof(text),
			"Didn't understand relationship '%.*s' in FROM part of "
			"query call. If you are attempting to use a custom "
			"relationship, be sure to append the '__r' after the "
			"custom relationship name.",
			STR_ARG(str_sub(from->s, 0, 80)));
		return sb_soql_fail(p, from->at, "INVALID_TYPE", text);
	}
	q->object = sb_object(p->sb, from->s);
	if (q->object && sb_can(q->object, 'Q'))
		return 0;
	snprintf(text, sizeof(text),
		"sObject type '%.*s' is not supported. If you are attempting "
		"to use a custom object, be sure to append the '__c' after the "
		"entity name. Please reference your WSDL or the describe call "
		"for the appropriate names.",
		STR_ARG(str_sub(from->s, 0, 80)));
	return sb_soql_fail(p, from->at, "INVALID_TYPE", text);
}

static int parse_query(struct soql_parser *p, struct soql **out,
	const struct soql *outer, bool is_semi)
{
	struct soql *q = ARENA_NEW(p->a, struct soql);
	struct soql_token from = { 0 };

	q->limit = -1;
	if (expect(p, "SELECT") < 0 || find_from(p, &from, &q->alias) < 0 ||
		find_object(p, q, &from, outer, is_semi) < 0)
		return -1;
	p->level += outer != NULL;
	do {
		if (parse_item(p, q) < 0)
			return -1;
	} while (take(p, ","));
	if (expect(p, "FROM") < 0)
		return -1;
	sb_soql_next(p);
	take(p, "AS");
	if (p->t.kind == SOQL_T_WORD && !is_clause(p))
		sb_soql_next(p);
	if (parse_clauses(p, q) < 0)
		return -1;
	p->level -= outer != NULL;
	/* Of a child query the name of the relation is needed from now on. */
	if (outer && !is_semi)
		q->alias = arena_str(p->a, from.s);
	*out = q;
	return 0;
}

int sb_soql_parse(struct sandbox *sb, struct arena *arena, struct str text,
	struct soql **out, struct sb_fail *f)
{
	struct soql_parser p = { .sb = sb, .a = arena, .text = text, .f = f };

	if (text.len > SOQL_TEXT_MAX)
		return sb_fail_set(f, 400, "MALFORMED_QUERY", "",
			"SOQL statements cannot be longer than 100000 "
			"characters.");
	if (sb_soql_next(&p) < 0 || parse_query(&p, out, NULL, false) < 0)
		return -1;
	if (p.t.kind != SOQL_T_END)
		return fail_token(&p);
	return 0;
}
