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

#include <mailmill/clock.h>

#include "soql.h"

enum token_kind {
	T_END,
	T_WORD,
	T_TEXT,
	T_NUMBER,
	T_TIME,
	T_OP
};

struct token {
	enum token_kind kind;
	struct str s; /* as written; T_TEXT without quotes */
	size_t at;
};

struct parser {
	struct sandbox *sb;
	struct arena *a;
	struct str text;
	size_t at; /* behind the current token */
	struct token t;
	struct sb_fail *f;
	bool is_failed;
	int depth;
	int level; /* 1: in a subquery */
};

static int fail_at(
	struct parser *p, size_t at, const char *code, const char *what)
{
	int row = 1, column = 1;
	struct str around;
	size_t from = at > 30 ? at - 30 : 0;

	if (p->is_failed)
		return -1;
	p->is_failed = true;
	for (size_t i = 0; i < at && i < p->text.len; i++) {
		column = p->text.p[i] == '\n' ? 1 : column + 1;
		row += p->text.p[i] == '\n';
	}
	around = str_sub(p->text, from, 60);
	return sb_fail_set(p->f, 400, code, "",
		"\n%.*s\n%*s^\nERROR at Row:%d:Column:%d\n%s", STR_ARG(around),
		(int)(at - from), "", row, column, what);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void add_utf8(struct buf *b, unsigned c)
{
	if (c < 0x80) {
		buf_byte(b, (unsigned char)c);
	} else if (c < 0x800) {
		buf_byte(b, (unsigned char)(0xc0 | c >> 6));
		buf_byte(b, (unsigned char)(0x80 | (c & 0x3f)));
	} else {
		buf_byte(b, (unsigned char)(0xe0 | c >> 12));
		buf_byte(b, (unsigned char)(0x80 | (c >> 6 & 0x3f)));
		buf_byte(b, (unsigned char)(0x80 | (c & 0x3f)));
	}
}

static int hex_value(struct str s, unsigned *out)
{
	unsigned v = 0;

	if (s.len < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s.p[i];
		int d = is_digit(c)	       ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		v = v * 16 + (unsigned)d;
	}
	*out = v;
	return 0;
}

/*
 * Reads a quoted text, whose opening quote is at p->at. \_ and \% stay escaped,
 * for LIKE; a comparison drops their backslash.
 */
static int lex_text(struct parser *p)
{
	AUTO(buf) struct buf b = BUF_INIT(SOQL_TEXT_MAX);
	size_t start = p->at++;
	static const char from[] = "nrtbf\"'\\", to[] = "\n\r\t\b\f\"'\\";

	while (p->at < p->text.len && p->text.p[p->at] != '\'') {
		char c = p->text.p[p->at++];
		const char *e;
		unsigned u;
		if (c != '\\') {
			buf_byte(&b, (unsigned char)c);
			continue;
		}
		c = p->at < p->text.len ? p->text.p[p->at++] : 0;
		e = c ? strchr(from, c) : NULL;
		if (c == '_' || c == '%' || c == '\\') {
			buf_byte(&b, '\\');
			buf_byte(&b, (unsigned char)c);
		} else if (e) {
			buf_byte(&b, (unsigned char)to[e - from]);
		} else if ((c == 'u' || c == 'U') &&
			   hex_value(str_sub(p->text, p->at, 4), &u) == 0) {
			add_utf8(&b, u);
			p->at += 4;
		} else {
			return fail_at(p, p->at - 1, "MALFORMED_QUERY",
				"Illegal character in string, or invalid "
				"escape sequence");
		}
	}
	if (p->at >= p->text.len)
		return fail_at(p, start, "MALFORMED_QUERY",
			"Bind variables only allowed in Apex code, or "
			"unterminated string");
	p->at++;
	p->t = (struct token){ T_TEXT, arena_str(p->a, buf_view(&b)), start };
	return 0;
}

/* Numbers, dates and datetimes begin alike. */
static void lex_number(struct parser *p)
{
	size_t start = p->at;
	bool is_time = false;

	if (p->text.p[p->at] == '-' || p->text.p[p->at] == '+')
		p->at++;
	while (p->at < p->text.len) {
		char c = p->text.p[p->at];
		if (p->at - start >= 4 && (c == '-' || c == 'T'))
			is_time = true;
		if (is_digit(c) || c == '.' || c == 'e' || c == 'E' ||
			(is_time && strchr("-:+TZ", c)))
			p->at++;
		else
			break;
	}
	p->t = (struct token){ is_time ? T_TIME : T_NUMBER,
		str_sub(p->text, start, p->at - start), start };
}

static int next(struct parser *p)
{
	size_t start;
	char c;

	while (p->at < p->text.len && strchr(" \t\r\n", p->text.p[p->at]) &&
		p->text.p[p->at])
		p->at++;
	start = p->at;
	if (p->at >= p->text.len) {
		p->t = (struct token){ T_END, STR_NULL, start };
		return 0;
	}
	c = p->text.p[p->at];
	if (c == '\'')
		return lex_text(p);
	if (is_digit(c) || ((c == '-' || c == '+') && p->at + 1 < p->text.len &&
				   is_digit(p->text.p[p->at + 1]))) {
		lex_number(p);
		return 0;
	}
	if (is_word(c)) {
		while (p->at < p->text.len && is_word(p->text.p[p->at]))
			p->at++;
		p->t = (struct token){ T_WORD,
			str_sub(p->text, start, p->at - start), start };
		return 0;
	}
	p->at++;
	if (p->at < p->text.len && strchr("<>!", c) &&
		strchr("=>", p->text.p[p->at]))
		p->at++;
	p->t = (struct token){ T_OP, str_sub(p->text, start, p->at - start),
		start };
	return 0;
}

static bool is_now(const struct parser *p, const char *word)
{
	return (p->t.kind == T_WORD || p->t.kind == T_OP) &&
	       str_eq_case(p->t.s, str_c(word));
}

static bool take(struct parser *p, const char *word)
{
	if (p->is_failed || !is_now(p, word))
		return false;
	return next(p) == 0;
}

static int fail_token(struct parser *p)
{
	char text[200];

	if (p->t.kind == T_END)
		snprintf(text, sizeof(text), "unexpected token: '<EOF>'");
	else
		snprintf(text, sizeof(text), "unexpected token: '%.*s'",
			STR_ARG(str_sub(p->t.s, 0, 100)));
	return fail_at(p, p->t.at, "MALFORMED_QUERY", text);
}

static int expect(struct parser *p, const char *word)
{
	return take(p, word) ? 0 : fail_token(p);
}

/* Names. */

static int fail_column(
	struct parser *p, size_t at, struct str name, const struct sb_object *o)
{
	char text[500];

	snprintf(text, sizeof(text),
		"No such column '%.*s' on entity '%s'. If you are attempting "
		"to use a custom field, be sure to append the '__c' after the "
		"custom field name. Please reference your WSDL or the describe "
		"call for the appropriate names.",
		STR_ARG(str_sub(name, 0, 100)), o->name);
	return fail_at(p, at, "INVALID_FIELD", text);
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

static int read_path(struct parser *p, struct soql *q, struct str name,
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
				return fail_at(p, at, "INVALID_FIELD", text);
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
	struct parser *p, struct soql_item **items, int *n)
{
	if ((*n & (*n - 1)) == 0)
		*items = arena_grow(p->a, *items, (size_t)*n,
			*n ? (size_t)*n * 2 : 1, sizeof(**items));
	return &(*items)[(*n)++];
}

static int add_path(
	struct parser *p, struct soql *q, const struct soql_path *path)
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

static int parse_query(struct parser *p, struct soql **out,
	const struct soql *outer, bool is_semi);

static const char *const function_names[] = {
	[SOQL_F_COUNT] = "COUNT",
	[SOQL_F_COUNT_DISTINCT] = "COUNT_DISTINCT",
	[SOQL_F_MIN] = "MIN",
	[SOQL_F_MAX] = "MAX",
	[SOQL_F_SUM] = "SUM",
	[SOQL_F_AVG] = "AVG",
};

static int parse_fields(struct parser *p, struct soql *q)
{
	struct soql_path path = { 0 };
	bool is_custom = is_now(p, "CUSTOM"), is_all = is_now(p, "ALL");

	if (!is_custom && !is_all && !is_now(p, "STANDARD"))
		return fail_token(p);
	next(p);
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

static int parse_function(struct parser *p, struct soql *q, struct token name)
{
	struct soql_item item = { .what = SOQL_FUNCTION };
	char alias[16];
	int n_named = 0;

	if (str_eq_case(name.s, STR("FIELDS")))
		return parse_fields(p, q);
	if (str_eq_case(name.s, STR("toLabel")) ||
		str_eq_case(name.s, STR("FORMAT"))) {
		if (p->t.kind != T_WORD ||
			read_path(p, q, p->t.s, p->t.at, &item.path) < 0)
			return fail_token(p);
		next(p);
		add_path(p, q, &item.path);
		return expect(p, ")");
	}
	for (size_t i = 1; i < COUNT(function_names); i++)
		if (str_eq_case(name.s, str_c(function_names[i])))
			item.function = (enum soql_function)i;
	if (!item.function)
		return fail_at(
			p, name.at, "MALFORMED_QUERY", "unexpected token: '('");
	if (item.function == SOQL_F_COUNT && take(p, ")")) {
		q->is_count = q->n_items == 0 && is_now(p, "FROM");
		if (!q->is_count)
			return fail_token(p);
		return 0;
	}
	if (p->t.kind != T_WORD)
		return fail_token(p);
	if (read_path(p, q, p->t.s, p->t.at, &item.path) < 0)
		return -1;
	next(p);
	if (expect(p, ")") < 0)
		return -1;
	for (int i = 0; i < q->n_items; i++)
		n_named += q->items[i].what == SOQL_FUNCTION;
	snprintf(alias, sizeof(alias), "expr%d", n_named);
	item.name = arena_str(p->a, str_c(alias));
	if (p->t.kind == T_WORD && !is_now(p, "FROM")) {
		item.name = arena_str(p->a, p->t.s);
		next(p);
	}
	q->is_aggregate = true;
	*add_item(p, &q->items, &q->n_items) = item;
	return 0;
}

static int parse_item(struct parser *p, struct soql *q)
{
	struct token name = p->t;
	struct soql_path path;

	if (take(p, "(")) {
		struct soql_item *item;
		struct soql *sub;
		if (p->level > 0)
			return fail_at(p, name.at, "MALFORMED_QUERY",
				"subqueries are supported one level deep");
		if (parse_query(p, &sub, q, false) < 0)
			return -1;
		item = add_item(p, &q->items, &q->n_items);
		item->what = SOQL_CHILDREN;
		item->sub = sub;
		item->child = sb_child_rel(q->object, sub->alias);
		return expect(p, ")");
	}
	if (p->t.kind != T_WORD)
		return fail_token(p);
	next(p);
	if (take(p, "("))
		return parse_function(p, q, name);
	if (read_path(p, q, name.s, name.at, &path) < 0)
		return -1;
	if (p->t.kind == T_WORD && !is_now(p, "FROM")) /* alias of GROUP BY */
		next(p);
	return add_path(p, q, &path);
}

/* Literals. */

static int64_t day_start(int64_t ms)
{
	return ms - ((ms % 86400000) + 86400000) % 86400000;
}

static int64_t month_start(int64_t ms, int shift, int months)
{
	struct clock_civil c;
	int month;

	clock_to_civil(ms / 1000, &c);
	month = c.month - 1;
	month -= month % months;
	month += shift * months;
	c.year += month >= 0 ? month / 12 : -((11 - month) / 12);
	month = ((month % 12) + 12) % 12;
	c.month = month + 1;
	c.day = 1;
	c.hour = c.minute = c.second = 0;
	return clock_from_civil(&c) * 1000;
}

static int64_t week_start(int64_t ms)
{
	struct clock_civil c;

	clock_to_civil(ms / 1000, &c);
	return day_start(ms) - (int64_t)c.weekday * 86400000;
}

/* TODAY, LAST_WEEK, NEXT_N_DAYS:3 and their like, in UTC. */
static bool read_date_word(struct str word, struct soql_value *v)
{
	static const struct {
		const char *name;
		int days, months, from, to; /* in units, from now */
	} words[] = {
		{ "YESTERDAY", 1, 0, -1, 0 },
		{ "TODAY", 1, 0, 0, 1 },
		{ "TOMORROW", 1, 0, 1, 2 },
		{ "LAST_WEEK", 7, 0, -1, 0 },
		{ "THIS_WEEK", 7, 0, 0, 1 },
		{ "NEXT_WEEK", 7, 0, 1, 2 },
		{ "LAST_MONTH", 0, 1, -1, 0 },
		{ "THIS_MONTH", 0, 1, 0, 1 },
		{ "NEXT_MONTH", 0, 1, 1, 2 },
		{ "LAST_QUARTER", 0, 3, -1, 0 },
		{ "THIS_QUARTER", 0, 3, 0, 1 },
		{ "NEXT_QUARTER", 0, 3, 1, 2 },
		{ "LAST_YEAR", 0, 12, -1, 0 },
		{ "THIS_YEAR", 0, 12, 0, 1 },
		{ "NEXT_YEAR", 0, 12, 1, 2 },
		{ "LAST_90_DAYS", 1, 0, -90, 1 },
		{ "NEXT_90_DAYS", 1, 0, 1, 91 },
		/* These take :n; from and to tell the direction. */
		{ "LAST_N_DAYS:", 1, 0, -1, 1 },
		{ "NEXT_N_DAYS:", 1, 0, 1, -1 },
		{ "N_DAYS_AGO:", 1, 0, -1, 0 },
		{ "LAST_N_WEEKS:", 7, 0, -1, 0 },
		{ "NEXT_N_WEEKS:", 7, 0, 1, -1 },
		{ "LAST_N_MONTHS:", 0, 1, -1, 0 },
		{ "NEXT_N_MONTHS:", 0, 1, 1, -1 },
		{ "LAST_N_YEARS:", 0, 12, -1, 0 },
		{ "NEXT_N_YEARS:", 0, 12, 1, -1 },
	};
	int64_t now = clock_wall_ms();

	for (size_t i = 0; i < COUNT(words); i++) {
		struct str name = str_c(words[i].name);
		int from = words[i].from, to = words[i].to;
		uint64_t n;
		if (str_ends(name, STR(":"))) {
			if (!str_starts_case(word, name) ||
				str_to_u64(str_sub(word, name.len, 9), 100000,
					&n) < 0)
				continue;
			if (str_starts(name, STR("N_DAYS"))) {
				from = -(int)n;
				to = from + 1;
			} else if (from < 0) {
				from = -(int)n;
			} else {
				from = 1;
				to = (int)n + 1;
			}
		} else if (!str_eq_case(word, name)) {
			continue;
		}
		v->what = SOQL_TIME;
		if (words[i].months) {
			v->from = month_start(now, from, words[i].months);
			v->to = month_start(now, to, words[i].months);
		} else {
			int64_t base = words[i].days == 7 ? week_start(now)
							  : day_start(now);
			v->from = base +
				  (int64_t)from * words[i].days * 86400000;
			v->to = base + (int64_t)to * words[i].days * 86400000;
		}
		return true;
	}
	return false;
}

static int read_time(struct str s, struct soql_value *v)
{
	char text[48];

	v->what = SOQL_TIME;
	if (s.len == 10) {
		snprintf(text, sizeof(text), "%.*sT00:00:00Z", STR_ARG(s));
		if (clock_parse_rfc3339(str_c(text), &v->from) < 0)
			return -1;
		v->to = v->from + 86400000;
		return 0;
	}
	if (s.len > 40)
		return -1;
	memcpy(text, s.p, s.len);
	text[s.len] = 0;
	if (s.len > 20 && (text[s.len - 5] == '+' || text[s.len - 5] == '-')) {
		memmove(text + s.len - 1, text + s.len - 2, 3);
		text[s.len - 2] = ':';
	}
	if (clock_parse_rfc3339(str_c(text), &v->from) < 0)
		return -1;
	v->to = v->from + 1;
	return 0;
}

/* Drops the backslashes that only LIKE needs. */
static struct str plain_text(struct parser *p, struct str s)
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

static int read_number(struct parser *p, struct soql_value *v)
{
	char text[48];
	char *end;

	v->what = SOQL_NUMBER;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(str_sub(p->t.s, 0, 40)));
	v->number = strtod(text, &end);
	return *end ? fail_token(p) : 0;
}

static int parse_value(struct parser *p, struct soql_value *v, enum soql_op op)
{
	memset(v, 0, sizeof(*v));
	switch (p->t.kind) {
	case T_TEXT:
		v->what = SOQL_TEXT;
		v->text = op == SOQL_LIKE ? p->t.s : plain_text(p, p->t.s);
		break;
	case T_NUMBER:
		if (read_number(p, v) < 0)
			return -1;
		break;
	case T_TIME:
		if (read_time(p->t.s, v) < 0)
			return fail_token(p);
		break;
	case T_WORD:
		if (is_now(p, "null")) {
			v->what = SOQL_NULL;
		} else if (is_now(p, "true") || is_now(p, "false")) {
			v->what = SOQL_BOOL;
			v->is_true = is_now(p, "true");
		} else if (!read_date_word(p->t.s, v)) {
			return fail_token(p);
		}
		break;
	case T_OP:
	case T_END:
		return fail_token(p);
	}
	return next(p);
}

/* Conditions. */

static int check_value(struct parser *p, const struct soql_expr *e,
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
	return fail_at(p, at, "INVALID_FIELD", text);
}

static int add_value(struct parser *p, struct soql_expr *e, int *cap)
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
		return fail_at(p, at, "INVALID_QUERY_FILTER_OPERATOR", text);
	}
	if (is_id && v->what == SOQL_TEXT && v->text.len && e->op != SOQL_LIKE)
		v->text = arena_str(p->a, str_n(full, SB_ID_LEN));
	return 0;
}

static int parse_list(struct parser *p, struct soql *q, struct soql_expr *e)
{
	int cap = 0;

	if (expect(p, "(") < 0)
		return -1;
	if (is_now(p, "SELECT")) {
		if (p->level > 0)
			return fail_at(p, p->t.at, "MALFORMED_QUERY",
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

static int parse_op(struct parser *p, enum soql_op *op)
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

static int parse_test(struct parser *p, struct soql *q, struct soql_expr *e)
{
	struct token name = p->t;
	int cap = 0;

	e->what = SOQL_TEST;
	if (p->t.kind != T_WORD)
		return fail_token(p);
	if (read_path(p, q, name.s, name.at, &e->path) < 0)
		return -1;
	next(p);
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
		return fail_at(p, name.at, "INVALID_FIELD", text);
	}
	if (e->op >= SOQL_IN)
		return parse_list(p, q, e);
	return add_value(p, e, &cap);
}

static int parse_or(struct parser *p, struct soql *q, struct soql_expr **out);

static int parse_unary(struct parser *p, struct soql *q, struct soql_expr **out)
{
	struct soql_expr *e;

	if (p->depth >= SOQL_DEPTH_MAX)
		return fail_at(p, p->t.at, "QUERY_TOO_COMPLICATED",
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
static int parse_or(struct parser *p, struct soql *q, struct soql_expr **out)
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

static int parse_order(struct parser *p, struct soql *q)
{
	do {
		struct soql_order *o;
		if (q->n_order >= SOQL_ORDER_MAX)
			return fail_token(p);
		o = &q->order[q->n_order++];
		if (p->t.kind != T_WORD)
			return fail_token(p);
		if (read_path(p, q, p->t.s, p->t.at, &o->path) < 0)
			return -1;
		next(p);
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

static int parse_group(struct parser *p, struct soql *q)
{
	q->is_aggregate = true;
	do {
		if (p->t.kind != T_WORD || q->n_group >= SOQL_ORDER_MAX)
			return fail_token(p);
		if (read_path(p, q, p->t.s, p->t.at, &q->group[q->n_group++]) <
			0)
			return -1;
		next(p);
	} while (take(p, ","));
	return p->is_failed ? -1 : 0;
}

static int parse_count(struct parser *p, int64_t *out, int64_t max)
{
	uint64_t n;

	if (p->t.kind != T_NUMBER || str_to_u64(p->t.s, INT32_MAX, &n) < 0)
		return fail_token(p);
	if ((int64_t)n > max)
		return fail_at(p, p->t.at, "NUMBER_OUTSIDE_VALID_RANGE",
			"Maximum SOQL offset allowed is 2000");
	*out = (int64_t)n;
	return next(p);
}

static bool is_clause(const struct parser *p)
{
	static const char *const words[] = { "WHERE", "ORDER", "LIMIT",
		"OFFSET", "FOR", "ALL", "GROUP", "WITH", "USING" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (is_now(p, words[i]))
			return true;
	return false;
}

static int parse_clauses(struct parser *p, struct soql *q)
{
	if (take(p, "USING") && (expect(p, "SCOPE") < 0 || next(p) < 0))
		return -1;
	if (take(p, "WHERE") && parse_or(p, q, &q->where) < 0)
		return -1;
	if (take(p, "WITH"))
		next(p);
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
		next(p);
	if (take(p, "ALL")) {
		q->with_all = true;
		return expect(p, "ROWS");
	}
	return p->is_failed ? -1 : 0;
}

/* Finds FROM of the SELECT that begins here, without reading its items. */
static int find_from(struct parser *p, struct token *from, struct str *alias)
{
	struct parser ahead = *p;
	int depth = 0;

	while (ahead.t.kind != T_END) {
		if (is_now(&ahead, "("))
			depth++;
		else if (is_now(&ahead, ")"))
			depth--;
		else if (depth == 0 && is_now(&ahead, "FROM")) {
			if (next(&ahead) < 0)
				break;
			*from = ahead.t;
			if (ahead.t.kind != T_WORD) {
				*p = ahead;
				return fail_token(p);
			}
			next(&ahead);
			if (is_now(&ahead, "AS"))
				next(&ahead);
			if (ahead.t.kind == T_WORD && !is_clause(&ahead))
				*alias = ahead.t.s;
			return 0;
		}
		if (depth < 0 || next(&ahead) < 0)
			break;
	}
	*p = ahead;
	return fail_token(p);
}

static int find_object(struct parser *p, struct soql *q,
	const struct token *from, const struct soql *outer, bool is_semi)
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
		return fail_at(p, from->at, "INVALID_TYPE", text);
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
	return fail_at(p, from->at, "INVALID_TYPE", text);
}

static int parse_query(struct parser *p, struct soql **out,
	const struct soql *outer, bool is_semi)
{
	struct soql *q = ARENA_NEW(p->a, struct soql);
	struct token from = { 0 };

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
	next(p);
	take(p, "AS");
	if (p->t.kind == T_WORD && !is_clause(p))
		next(p);
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
	struct parser p = { .sb = sb, .a = arena, .text = text, .f = f };

	if (text.len > SOQL_TEXT_MAX)
		return sb_fail_set(f, 400, "MALFORMED_QUERY", "",
			"SOQL statements cannot be longer than 100000 "
			"characters.");
	if (next(&p) < 0 || parse_query(&p, out, NULL, false) < 0)
		return -1;
	if (p.t.kind != T_END)
		return fail_token(&p);
	return 0;
}
