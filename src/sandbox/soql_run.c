/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * soql_run.c - runs a compiled query and writes its rows.
 *
 * A condition on an indexed field narrows the candidates (AND takes the
 * smaller side, OR needs both); each candidate is then tested in full, so an
 * index may give too many but never too few.
 */
#include <stdio.h>

#include "soql.h"

#define SORTED_MIN 8

/* Values. */

/* Lends the record that a path leads to before its leaf; NULL: null. */
static const struct sb_record *walk(struct sandbox *sb,
	const struct sb_record *r, const struct soql_path *path)
{
	for (int h = 0; r && h < path->n_hops; h++) {
		const struct sb_field *f = path->hop[h];
		struct sb_object *to;
		json_t *id;
		/* Behind a polymorphic hop the field differs by object. */
		if (r->object->n_fields <= f->index ||
			&r->object->fields[f->index] != f)
			f = sb_field_rel(r->object, str_c(f->rel));
		id = f ? r->v[f->index] : NULL;
		to = id ? sb_object_of_id(sb, sb_json_text(id)) : NULL;
		r = to ? sb_table_get(to, sb_json_text(id)) : NULL;
	}
	return r;
}

static json_t *path_value(struct sandbox *sb, const struct sb_record *r,
	const struct soql_path *path)
{
	const struct sb_field *f = path->leaf;

	r = walk(sb, r, path);
	if (!r)
		return json_null();
	if (!f)
		f = sb_field(r->object, path->leaf_name);
	return f ? sb_table_value(sb, r, f) : json_null();
}

static int compare_text(struct str a, struct str b)
{
	return str_cmp_case(a, b);
}

/* Days are stored as text; everything else in time is milliseconds. */
static int64_t time_of(const json_t *j)
{
	struct str s = sb_json_text(j);
	struct {
		int y, m, d;
	} day = { 0 };

	if (json_is_integer(j))
		return json_integer_value(j);
	if (s.len != 10)
		return INT64_MIN;
	day.y = (s.p[0] - '0') * 1000 + (s.p[1] - '0') * 100 +
		(s.p[2] - '0') * 10 + s.p[3] - '0';
	day.m = (s.p[5] - '0') * 10 + s.p[6] - '0';
	day.d = (s.p[8] - '0') * 10 + s.p[9] - '0';
	/* Days from civil, by Howard Hinnant's counting of eras. */
	int y = day.y - (day.m <= 2);
	int era = y / 400, yoe = y - era * 400;
	int doy = (153 * (day.m + (day.m > 2 ? -3 : 9)) + 2) / 5 + day.d - 1;
	int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return ((int64_t)era * 146097 + doe - 719468) * 86400000;
}

static bool compare_order(enum soql_op op, int c)
{
	switch (op) {
	case SOQL_LT:
		return c < 0;
	case SOQL_LE:
		return c <= 0;
	case SOQL_GT:
		return c > 0;
	case SOQL_GE:
		return c >= 0;
	case SOQL_EQ:
		return c == 0;
	case SOQL_NE:
		return c != 0;
	case SOQL_LIKE:
	case SOQL_IN:
	case SOQL_NOT_IN:
	case SOQL_INCLUDES:
	case SOQL_EXCLUDES:
		break;
	}
	return false;
}

static bool compare_span(enum soql_op op, int64_t t, const struct soql_value *v)
{
	switch (op) {
	case SOQL_LT:
		return t < v->from;
	case SOQL_LE:
		return t < v->to;
	case SOQL_GT:
		return t >= v->to;
	case SOQL_GE:
		return t >= v->from;
	case SOQL_EQ:
		return t >= v->from && t < v->to;
	case SOQL_NE:
		return t < v->from || t >= v->to;
	case SOQL_LIKE:
	case SOQL_IN:
	case SOQL_NOT_IN:
	case SOQL_INCLUDES:
	case SOQL_EXCLUDES:
		break;
	}
	return false;
}

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static size_t letter_len(struct str s, size_t i)
{
	size_t n = 1;

	while (i + n < s.len && ((unsigned char)s.p[i + n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Matches with % and _, going back only to the last %: linear in practice. */
static bool is_like(struct str s, struct str pattern)
{
	size_t i = 0, k = 0, star = SIZE_MAX, from = 0;

	while (i < s.len) {
		char c = k < pattern.len ? pattern.p[k] : 0;
		bool is_escaped = c == '\\' && k + 1 < pattern.len;
		if (k < pattern.len && c == '%') {
			star = k++;
			from = i;
			continue;
		}
		if (k < pattern.len && c == '_') {
			k++;
			i += letter_len(s, i);
			continue;
		}
		if (is_escaped)
			c = pattern.p[k + 1];
		if (k < pattern.len && fold(c) == fold(s.p[i])) {
			k += is_escaped ? 2 : 1;
			i++;
			continue;
		}
		if (star == SIZE_MAX)
			return false;
		k = star + 1;
		i = ++from;
	}
	while (k < pattern.len && pattern.p[k] == '%')
		k++;
	return k == pattern.len;
}

static bool is_case_field(const struct soql_path *path)
{
	return path->type == SB_ID || path->type == SB_REFERENCE ||
	       (path->leaf && path->leaf->flags & SB_CASE);
}

static bool compare(const struct soql_path *path, enum soql_op op,
	const json_t *j, const struct soql_value *v)
{
	bool is_null = !j || json_is_null(j);
	struct str s = sb_json_text(j);
	double d;

	/* '' is null too. */
	if (v->what == SOQL_NULL ||
		(v->what == SOQL_TEXT && !v->text.len && op != SOQL_LIKE))
		return op == SOQL_NE ? !is_null : op == SOQL_EQ && is_null;
	if (is_null)
		return op == SOQL_NE;
	switch (v->what) {
	case SOQL_TEXT:
		if (op == SOQL_LIKE)
			return is_like(s, v->text);
		if (is_case_field(path))
			return compare_order(op, str_cmp(s, v->text));
		return compare_order(op, compare_text(s, v->text));
	case SOQL_NUMBER:
		d = json_number_value(j);
		return compare_order(op, d < v->number ? -1 : d > v->number);
	case SOQL_BOOL:
		return compare_order(op, json_is_true(j) != v->is_true);
	case SOQL_TIME:
		return compare_span(op, time_of(j), v);
	case SOQL_NULL:
		break;
	}
	return false;
}

/* Conditions. */

static int order_values(const void *a, const void *b)
{
	const struct soql_value *x = a, *y = b;

	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return compare_text(x->text, y->text);
}

static bool is_in(const struct soql_expr *e, const json_t *j)
{
	struct soql_value key = { .what = SOQL_TEXT };

	if (!j || json_is_null(j))
		return e->has_null;
	if (e->is_sorted && json_is_string(j) && !is_case_field(&e->path)) {
		key.text = sb_json_text(j);
		return e->n_values &&
		       bsearch(&key, e->values, (size_t)e->n_values,
			       sizeof(*e->values), order_values);
	}
	for (int i = 0; i < e->n_values; i++)
		if (compare(&e->path, SOQL_EQ, j, &e->values[i]))
			return true;
	return false;
}

static bool has_choice(struct str have, struct str want)
{
	struct str rest = have, one;

	while (str_cut(&rest, ';', &one))
		if (str_eq_case(one, want))
			return true;
	return false;
}

/* INCLUDES ('A;B', 'C'): A and B, or C. */
static bool does_include(const struct soql_expr *e, const json_t *j)
{
	for (int i = 0; j && i < e->n_values; i++) {
		struct str rest = e->values[i].text, one;
		bool is_all = true;
		while (str_cut(&rest, ';', &one))
			is_all &= has_choice(sb_json_text(j), one);
		if (is_all)
			return true;
	}
	return false;
}

static bool test(struct sandbox *sb, const struct soql_expr *e,
	const struct sb_record *r)
{
	AUTO(json) json_t *j = NULL;

	switch (e->what) {
	case SOQL_AND:
		return test(sb, e->a, r) && test(sb, e->b, r);
	case SOQL_OR:
		return test(sb, e->a, r) || test(sb, e->b, r);
	case SOQL_NOT:
		return !test(sb, e->a, r);
	case SOQL_TEST:
		break;
	}
	j = path_value(sb, r, &e->path);
	switch (e->op) {
	case SOQL_IN:
		return is_in(e, j);
	case SOQL_NOT_IN:
		return !is_in(e, j);
	case SOQL_INCLUDES:
		return does_include(e, j);
	case SOQL_EXCLUDES:
		return !does_include(e, j);
	case SOQL_EQ:
	case SOQL_NE:
	case SOQL_LT:
	case SOQL_LE:
	case SOQL_GT:
	case SOQL_GE:
	case SOQL_LIKE:
		break;
	}
	return compare(&e->path, e->op, j, &e->values[0]);
}

/* Candidates. */

struct set {
	struct sb_record **r;
	size_t n, cap;
};

static void set_add(struct set *s, struct sb_record *const *r, size_t n)
{
	if (s->n + n > s->cap) {
		s->cap = MAX(s->cap * 2, s->n + n + 16);
		s->r = mem_resize(s->r, s->cap * sizeof(struct sb_record *));
	}
	if (n)
		memcpy(s->r + s->n, r, n * sizeof(struct sb_record *));
	s->n += n;
}

static bool narrow_test(
	struct sb_object *o, const struct soql_expr *e, struct set *out)
{
	const struct sb_field *f = e->path.leaf;

	if (e->path.n_hops || !f || (e->op != SOQL_EQ && e->op != SOQL_IN) ||
		e->has_null || !(f->is_indexed || f->type == SB_ID))
		return false;
	for (int i = 0; i < e->n_values; i++) {
		const struct soql_value *v = &e->values[i];
		struct sb_record *r;
		const struct sb_bucket *b;
		if (v->what != SOQL_TEXT || !v->text.len)
			return false;
		if (f->type == SB_ID) {
			r = sb_table_get(o, v->text);
			if (r)
				set_add(out, &r, 1);
			continue;
		}
		b = sb_table_find(f, v->text);
		if (b)
			set_add(out, b->r, b->n);
	}
	return true;
}

static bool narrow(
	struct sb_object *o, const struct soql_expr *e, struct set *out)
{
	struct set a = { 0 }, b = { 0 };
	bool has_a, has_b;

	if (!e || e->what == SOQL_NOT)
		return false;
	if (e->what == SOQL_TEST)
		return narrow_test(o, e, out);
	has_a = narrow(o, e->a, &a);
	has_b = narrow(o, e->b, &b);
	if (e->what == SOQL_OR && has_a && has_b) {
		set_add(out, a.r, a.n);
		set_add(out, b.r, b.n);
	} else if (e->what == SOQL_AND && (has_a || has_b)) {
		struct set *best = !has_b || (has_a && a.n <= b.n) ? &a : &b;
		set_add(out, best->r, best->n);
	}
	free(a.r);
	free(b.r);
	return e->what == SOQL_OR ? has_a && has_b : has_a || has_b;
}

static int order_ids(const void *a, const void *b)
{
	const struct sb_record *const *x = a, *const *y = b;

	return strncmp((*x)->id, (*y)->id, 15);
}

/* Puts candidates in order of creation, each once. */
static void make_unique(struct set *s)
{
	size_t n = 0;

	if (s->n == 0)
		return;
	qsort(s->r, s->n, sizeof(struct sb_record *), order_ids);
	for (size_t i = 0; i < s->n; i++)
		if (n == 0 || s->r[n - 1] != s->r[i])
			s->r[n++] = s->r[i];
	s->n = n;
}

/* Order. */

struct sort {
	struct sandbox *sb;
	const struct soql *q;
};

static int compare_values(enum sb_type type, const json_t *a, const json_t *b)
{
	double x, y;

	if (json_is_string(a) && json_is_string(b))
		return type == SB_DATE
			       ? str_cmp(sb_json_text(a), sb_json_text(b))
			       : str_cmp_case(sb_json_text(a), sb_json_text(b));
	if (json_is_boolean(a))
		return (int)json_is_true(a) - (int)json_is_true(b);
	x = json_number_value(a);
	y = json_number_value(b);
	return x < y ? -1 : x > y;
}

static int order_rows(const void *a, const void *b, void *ctx)
{
	const struct sort *s = ctx;
	struct sb_record *const *x = a, *const *y = b;

	for (int i = 0; i < s->q->n_order; i++) {
		const struct soql_order *o = &s->q->order[i];
		AUTO(json) json_t *u = path_value(s->sb, *x, &o->path);
		AUTO(json) json_t *v = path_value(s->sb, *y, &o->path);
		int c;
		if (json_is_null(u) || json_is_null(v)) {
			c = (int)json_is_null(v) - (int)json_is_null(u);
			if (c)
				return o->is_nulls_last ? -c : c;
			continue;
		}
		c = compare_values(o->path.type, u, v);
		if (c)
			return o->is_down ? -c : c;
	}
	return order_ids(a, b);
}

/* Running. */

/* Reads the values of IN (SELECT Field FROM ...). */
static int run_semi(struct sandbox *sb, struct soql_expr *e, bool with_deleted,
	struct sb_fail *f)
{
	struct sb_rows rows;
	const struct soql_item *item = &e->sub->items[0];

	if (e->sub->n_items != 1 || item->what != SOQL_FIELD || !item->field)
		return sb_fail_set(f, 400, "MALFORMED_QUERY", "",
			"a semi join sub-select must have exactly one field");
	if (sb_soql_run(sb, e->sub, with_deleted, &rows, f) < 0)
		return -1;
	/* The values live as long as the query: they are lent by records. */
	e->values = rows.n ? mem_array(rows.n, sizeof(*e->values)) : NULL;
	e->n_values = 0;
	for (size_t i = 0; i < rows.n; i++) {
		json_t *v = rows.r[i]->v[item->field->index];
		if (json_is_string(v))
			e->values[e->n_values++] = (struct soql_value){
				.what = SOQL_TEXT, .text = sb_json_text(v)
			};
	}
	free(rows.r);
	return 0;
}

static int prepare(struct sandbox *sb, struct soql_expr *e, bool with_deleted,
	struct sb_fail *f)
{
	if (!e)
		return 0;
	if (e->what != SOQL_TEST)
		return prepare(sb, e->a, with_deleted, f) < 0 ||
				       prepare(sb, e->b, with_deleted, f) < 0
			       ? -1
			       : 0;
	if (e->sub && run_semi(sb, e, with_deleted, f) < 0)
		return -1;
	if (e->op >= SOQL_IN && e->n_values >= SORTED_MIN) {
		qsort(e->values, (size_t)e->n_values, sizeof(*e->values),
			order_values);
		e->is_sorted = true;
	}
	return 0;
}

static void release(struct soql_expr *e)
{
	if (!e)
		return;
	release(e->a);
	release(e->b);
	if (e->sub) {
		free(e->values);
		e->values = NULL;
		e->n_values = 0;
	}
}

static bool has_link_filter(const struct soql_expr *e)
{
	if (!e)
		return false;
	if (e->what == SOQL_AND)
		return has_link_filter(e->a) || has_link_filter(e->b);
	if (e->what == SOQL_OR)
		return has_link_filter(e->a) && has_link_filter(e->b);
	return e->what == SOQL_TEST && e->path.leaf && !e->path.n_hops &&
	       (e->op == SOQL_EQ || e->op == SOQL_IN) &&
	       (!strcmp(e->path.leaf->name, "ContentDocumentId") ||
		       !strcmp(e->path.leaf->name, "LinkedEntityId") ||
		       e->path.leaf->type == SB_ID);
}

static void collect(
	struct sandbox *sb, struct soql *q, bool with_deleted, struct set *out)
{
	struct sb_object *o = q->object;
	struct set few = { 0 };
	struct sb_record **from = o->rows;
	size_t n = o->n_rows;

	/* Indexes do not know the deleted ones. */
	if (!with_deleted && narrow(o, q->where, &few)) {
		make_unique(&few);
		from = few.r;
		n = few.n;
	}
	for (size_t i = 0; i < n; i++) {
		if (from[i]->is_deleted && !with_deleted)
			continue;
		if (!q->where || test(sb, q->where, from[i]))
			set_add(out, &from[i], 1);
		/* Unsorted, the first ones are enough. */
		if (q->limit >= 0 && !q->n_order && !q->is_aggregate &&
			out->n >= (size_t)(q->limit + q->offset))
			break;
	}
	free(few.r);
}

int sb_soql_run(struct sandbox *sb, struct soql *q, bool with_deleted,
	struct sb_rows *out, struct sb_fail *f)
{
	struct set rows = { 0 };
	struct sort sort = { sb, q };

	with_deleted |= q->with_all;
	if (!strcmp(q->object->name, "ContentDocumentLink") &&
		!has_link_filter(q->where))
		return sb_fail_set(f, 400, "MALFORMED_QUERY", "",
			"Implementation restriction: ContentDocumentLink "
			"requires a filter by a single Id on ContentDocumentId "
			"or LinkedEntityId using the equals operator or "
			"multiple Id's using the IN operator.");
	if (prepare(sb, q->where, with_deleted, f) < 0)
		return -1;
	collect(sb, q, with_deleted, &rows);
	release(q->where);
	if (q->n_order && rows.n > 1 && !q->is_aggregate)
		qsort_r(rows.r, rows.n, sizeof(struct sb_record *), order_rows,
			&sort);
	if (!q->is_aggregate) {
		size_t skip = MIN((size_t)q->offset, rows.n);
		if (skip)
			memmove(rows.r, rows.r + skip,
				(rows.n - skip) * sizeof(struct sb_record *));
		rows.n -= skip;
		if (q->limit >= 0)
			rows.n = MIN(rows.n, (size_t)q->limit);
	}
	*out = (struct sb_rows){ rows.r, rows.n, q->is_count };
	return 0;
}

/* Writing. */

static void write_items(struct buf *out, struct sandbox *sb,
	const struct soql_item *items, int n, const struct sb_record *r,
	int version);

static void write_children(struct buf *out, struct sandbox *sb,
	const struct soql_item *item, const struct sb_record *r, int version)
{
	struct soql q = *item->sub;
	struct soql_value id = { .what = SOQL_TEXT,
		.text = str_n(r->id, SB_ID_LEN) };
	struct soql_expr of = { .what = SOQL_TEST,
		.op = SOQL_EQ,
		.values = &id,
		.n_values = 1,
		.path = { .leaf = item->child->field,
			.type = SB_REFERENCE,
			.leaf_name = str_c(item->child->field->name) } };
	struct soql_expr both = { .what = SOQL_AND, .a = &of, .b = q.where };
	struct sb_rows rows = { 0 };
	struct sb_fail f;

	q.where = q.where ? &both : &of;
	if (sb_soql_run(sb, &q, false, &rows, &f) < 0 || rows.n == 0) {
		free(rows.r);
		buf_c(out, "null");
		return;
	}
	buf_printf(
		out, "{\"totalSize\":%zu,\"done\":true,\"records\":[", rows.n);
	for (size_t i = 0; i < rows.n; i++) {
		if (i)
			buf_byte(out, ',');
		sb_soql_write(out, sb, &q, rows.r[i], version);
	}
	buf_c(out, "]}");
	free(rows.r);
}

static void write_parent(struct buf *out, struct sandbox *sb,
	const struct soql_item *item, const struct sb_record *r, int version)
{
	struct soql_path path = { .n_hops = 1, .hop = { item->field } };
	const struct sb_record *to = walk(sb, r, &path);

	if (!to) {
		buf_c(out, "null");
		return;
	}
	buf_byte(out, '{');
	sb_json_attributes(out, to, version);
	write_items(out, sb, item->items, item->n_items, to, version);
	buf_byte(out, '}');
}

static void write_items(struct buf *out, struct sandbox *sb,
	const struct soql_item *items, int n, const struct sb_record *r,
	int version)
{
	for (int i = 0; i < n; i++) {
		const struct soql_item *item = &items[i];
		const struct sb_field *f = item->field;
		switch (item->what) {
		case SOQL_FIELD:
			if (!f)
				f = sb_field(r->object, item->name);
			if (!f)
				continue;
			buf_printf(out, ",\"%s\":", f->name);
			sb_json_field(out, sb, r, f, version);
			break;
		case SOQL_PARENT:
			buf_printf(out, ",\"%s\":", f->rel);
			write_parent(out, sb, item, r, version);
			break;
		case SOQL_CHILDREN:
			buf_printf(out, ",\"%s\":", item->child->field->child);
			write_children(out, sb, item, r, version);
			break;
		case SOQL_FUNCTION:
			break;
		}
	}
}

void sb_soql_write(struct buf *out, struct sandbox *sb, struct soql *q,
	const struct sb_record *r, int version)
{
	buf_byte(out, '{');
	sb_json_attributes(out, r, version);
	write_items(out, sb, q->items, q->n_items, r, version);
	buf_byte(out, '}');
}

/* Aggregates. */

bool sb_soql_is_aggregate(const struct soql *q)
{
	return q->is_aggregate;
}

static json_t *group_key(
	struct sandbox *sb, const struct soql *q, const struct sb_record *r)
{
	json_t *key = json_array();

	for (int i = 0; i < q->n_group; i++)
		json_array_append_new(key, path_value(sb, r, &q->group[i]));
	return key;
}

static json_t *compute(struct sandbox *sb, const struct soql_item *item,
	struct sb_record *const *r, size_t n)
{
	AUTO(map) struct map *seen = map_new();
	json_t *best = json_null();
	double sum = 0;
	int64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		AUTO(json) json_t *v = path_value(sb, r[i], &item->path);
		AUTO(buf) struct buf text = BUF_INIT(SB_REPLY_MAX);
		if (json_is_null(v))
			continue;
		count++;
		sum += json_number_value(v);
		if (item->function == SOQL_F_COUNT_DISTINCT) {
			sb_json_value(&text, v);
			map_set(seen, buf_view(&text), seen);
		}
		int c = json_is_null(best)
				? 0
				: compare_values(item->path.type, v, best);
		if (json_is_null(best) ||
			(item->function == SOQL_F_MIN ? c < 0 : c > 0)) {
			json_decref(best);
			best = json_incref(v);
		}
	}
	if (item->function == SOQL_F_MIN || item->function == SOQL_F_MAX)
		return best;
	json_decref(best);
	switch (item->function) {
	case SOQL_F_COUNT:
		return json_integer(count);
	case SOQL_F_COUNT_DISTINCT:
		return json_integer((json_int_t)map_count(seen));
	case SOQL_F_SUM:
		return count ? json_real(sum) : json_null();
	case SOQL_F_AVG:
		return count ? json_real(sum / (double)count) : json_null();
	case SOQL_F_MIN:
	case SOQL_F_MAX:
	case SOQL_F_NONE:
		break;
	}
	return json_null();
}

static void write_typed(struct buf *out, enum sb_type type, const json_t *v)
{
	if (type == SB_DATETIME && json_is_integer(v)) {
		buf_byte(out, '"');
		sb_json_datetime(out, json_integer_value(v));
		buf_byte(out, '"');
	} else {
		sb_json_value(out, v);
	}
}

static void write_group(struct buf *out, struct sandbox *sb, struct soql *q,
	struct sb_record *const *r, size_t n)
{
	buf_c(out, "{\"attributes\":{\"type\":\"AggregateResult\"}");
	for (int i = 0; i < q->n_items; i++) {
		const struct soql_item *item = &q->items[i];
		if (item->what == SOQL_FUNCTION) {
			AUTO(json) json_t *v = compute(sb, item, r, n);
			bool is_same_type = item->function == SOQL_F_MIN ||
					    item->function == SOQL_F_MAX;
			buf_printf(out, ",\"%.*s\":", STR_ARG(item->name));
			write_typed(out,
				is_same_type ? item->path.type : SB_INT, v);
		} else if (item->what == SOQL_FIELD && n && item->field) {
			AUTO(json)
			json_t *v = sb_table_value(sb, r[0], item->field);
			buf_printf(out, ",\"%s\":", item->field->name);
			write_typed(out, item->field->type, v);
		} else if (item->what == SOQL_PARENT && n &&
			   item->n_items == 1 && item->items[0].field) {
			struct soql_path path = { .n_hops = 1,
				.hop = { item->field },
				.leaf = item->items[0].field };
			AUTO(json) json_t *v = path_value(sb, r[0], &path);
			buf_printf(out, ",\"%s\":", path.leaf->name);
			write_typed(out, path.leaf->type, v);
		}
	}
	buf_byte(out, '}');
}

static int order_groups(const void *a, const void *b)
{
	const struct set *const *x = a, *const *y = b;

	return order_ids(&(*x)->r[0], &(*y)->r[0]);
}

void sb_soql_write_aggregate(struct buf *out, struct sandbox *sb,
	struct soql *q, const struct sb_rows *rows)
{
	AUTO(map) struct map *by_key = map_new();
	AUTO(buf) struct buf text = BUF_INIT(SB_REPLY_MAX);
	struct set **groups = NULL;
	size_t n = 0;

	if (q->n_group == 0) {
		buf_c(out, "{\"totalSize\":1,\"done\":true,\"records\":[");
		write_group(out, sb, q, rows->r, rows->n);
		buf_c(out, "]}");
		return;
	}
	for (size_t i = 0; i < rows->n; i++) {
		AUTO(json) json_t *key = group_key(sb, q, rows->r[i]);
		buf_clear(&text);
		sb_json_value(&text, key);
		struct set *g = map_get(by_key, buf_view(&text));
		if (!g) {
			g = NEW(struct set);
			map_set(by_key, buf_view(&text), g);
			groups = mem_resize(
				groups, (n + 1) * sizeof(struct set *));
			groups[n++] = g;
		}
		set_add(g, &rows->r[i], 1);
	}
	if (n)
		qsort(groups, n, sizeof(struct set *), order_groups);
	size_t show = q->limit >= 0 ? MIN(n, (size_t)q->limit) : n;
	buf_printf(out, "{\"totalSize\":%zu,\"done\":true,\"records\":[", show);
	for (size_t i = 0; i < n; i++) {
		if (i && i < show)
			buf_byte(out, ',');
		if (i < show)
			write_group(out, sb, q, groups[i]->r, groups[i]->n);
		free(groups[i]->r);
		free(groups[i]);
	}
	free(groups);
	buf_c(out, "]}");
}
