/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_testsuite_plan.c - our additions to the test language: facts, the DNS,
 * and what is in the plan that a rule made.
 *
 * All that look into the plan are tests, to be combined with if, not and
 * anyof, and commands, which fail the block and say what was expected and what
 * came. A field that refers to a record of the plan reads @NAME.Id.
 */
#include <mailmill/utf8.h>

#include "../svtest.h"

#define SHOWN_MAX 200 /* of a value in a message */

static struct str shorten(struct sieve_run *r, struct str s)
{
	struct str cut = utf8_cut(s, SHOWN_MAX);

	if (cut.len == s.len)
		return s;
	return str_c(arena_printf(
		r->arena, "%.*s... (%zu bytes)", STR_ARG(cut), s.len));
}

/* Writes values for a message: "a", "b"; nothing: `none`. */
static struct str list_values(struct sieve_run *r, const struct str *values,
	size_t n, const char *none)
{
	char *out = arena_strdup(r->arena, n ? "" : none);

	for (size_t i = 0; i < n; i++)
		out = arena_printf(r->arena, "%s%s\"%.*s\"", out, i ? ", " : "",
			STR_ARG(shorten(r, values[i])));
	return str_c(out);
}

/* Writes what a comparing test wants: `:contains "a", "b"`. */
static struct str list_keys(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *keys = n->positional[n->n_positional - 1];
	struct str *texts;

	if (sieve_arg_list(r, keys, &texts) < 0)
		return STR("");
	return str_c(arena_printf(r->arena, ":%s %.*s", n->match->type->name,
		STR_ARG(list_values(r, texts, keys->n, "nothing"))));
}

/*
 * fact
 */

static const char *const fact_names[] = { "find", "thread" };

static int check_fact(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_text *kind = &n->positional[0]->texts[0];
	enum plan_question_kind *out = ARENA_NEW(
		sieve_check_arena(c), enum plan_question_kind);
	bool is_find = str_eq_case(kind->value, STR("find"));

	n->data = out;
	*out = is_find ? PLAN_FIND : PLAN_THREAD;
	if (!is_find && !str_eq_case(kind->value, STR("thread")))
		return sieve_error_nearest(c, kind->pos, "kind of fact",
			kind->value, fact_names, COUNT(fact_names));
	if (is_find && n->n_positional < 4) {
		sieve_error(c, n->pos,
			"fact \"find\" takes what is asked and what is "
			"answered");
		return sieve_hint(c,
			"fact \"find\" \"Contact\" [\"Email\", "
			"\"ann@example.org\"] [\"Id\", \"003...\"];");
	}
	for (size_t i = 2; i < n->n_positional; i++)
		if (n->positional[i] && n->positional[i]->n % 2)
			return sieve_error(c, n->positional[i]->pos,
				"pairs of field and value are expected");
	return 0;
}

static int get_pairs(struct sieve_run *r, const struct sieve_arg *a,
	struct plan_pair **out, size_t *n)
{
	struct arena *arena = svtest_of(r)->arena;
	struct str *texts;
	int rc = sieve_arg_list(r, a, &texts);

	if (rc < 0)
		return rc;
	*n = a->n / 2;
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		(*out)[i].name = arena_str(arena, texts[2 * i]);
		(*out)[i].value = arena_str(arena, texts[2 * i + 1]);
	}
	return 0;
}

static int exec_fact(struct sieve_run *r, const struct sieve_node *n)
{
	const enum plan_question_kind *kind = n->data;
	struct svtest *t = svtest_of(r);
	struct svtest_fact f = {
		.kind = *kind,
		.object = sieve_arg_const(n->positional[1]),
	};
	const struct sieve_arg *where = n->positional[2];
	const struct sieve_arg *row = n->n_positional > 3 ? n->positional[3]
							  : NULL;

	if (!row) {
		row = where;
		where = NULL;
	}
	if (where && get_pairs(r, where, &f.where, &f.n_where) < 0)
		return SIEVE_FAILED;
	if (get_pairs(r, row, &f.row.fields, &f.row.n_fields) < 0)
		return SIEVE_FAILED;
	t->fact_rows = arena_grow(t->arena, t->fact_rows, t->n_fact_rows,
		t->n_fact_rows + 1, sizeof(*t->fact_rows));
	t->fact_rows[t->n_fact_rows++] = f;
	return SIEVE_GO_ON;
}

/*
 * zone
 */

static int exec_zone(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	struct err err = { 0 };
	struct str name, text;
	int rc;

	if ((rc = sieve_arg_get(r, n->positional[0], &name)) < 0 ||
		(rc = sieve_arg_get(r, n->positional[1], &text)) < 0)
		return rc;
	if (dns_zone_read(t->test ? t->block_zone : t->zone,
		    arena_str(r->arena, name).p, text, &err) < 0)
		return svtest_fail(r, n, "zone %s", err.text);
	return SIEVE_GO_ON;
}

/*
 * evaluate
 */

static int exec_evaluate(struct sieve_run *r, const struct sieve_node *n)
{
	struct svtest *t = svtest_of(r);
	AUTO(buf) struct buf report = BUF_INIT(1 << 20);
	struct err err = { 0 };
	struct str path;

	if (sieve_arg_get(r, n->positional[0], &path) < 0)
		return SIEVE_FAILED;
	t->plan = NULL;
	if (svtest_compile(t, path, &report) < 0)
		return svtest_fail(r, n, "%.*s cannot be used:\n%.*s",
			STR_ARG(path), STR_ARG(buf_view(&report)));
	if (svtest_evaluate(t, &err) < 0)
		return svtest_fail(r, n, "%.*s: %s", STR_ARG(path), err.text);
	if (t->plan->fail.len)
		svtest_add_error(t, t->plan->fail);
	return SIEVE_GO_ON;
}

/* True when the rule made a plan other than to fail. */
static int test_evaluate(struct sieve_run *r, const struct sieve_node *n)
{
	int flow = exec_evaluate(r, n);

	if (flow == SIEVE_FAILED)
		return flow;
	return flow == SIEVE_GO_ON && svtest_of(r)->plan->fail.len == 0;
}

/*
 * What is in the plan
 */

/* Lends the plan, or an empty one when nothing was evaluated. */
static const struct plan *plan_of(struct sieve_run *r)
{
	static const struct plan none;
	const struct plan *p = svtest_of(r)->plan;

	return p ? p : &none;
}

static struct str outline(struct sieve_run *r)
{
	const struct plan *p = plan_of(r);
	char *out = arena_strdup(r->arena, "the plan has");

	if (p->fail.len)
		return str_c(arena_printf(
			r->arena, "the rule failed: %.*s", STR_ARG(p->fail)));
	for (size_t i = 0; i < p->n_records; i++)
		out = arena_printf(r->arena, "%s%s %.*s \"%.*s\"", out,
			i ? "," : "", STR_ARG(p->records[i].object),
			STR_ARG(p->records[i].name));
	return str_c(p->n_records
			     ? out
			     : arena_printf(r->arena, "%s no records", out));
}

static const struct plan_record *find_record(
	struct sieve_run *r, struct str name)
{
	const struct plan *p = plan_of(r);

	for (size_t i = 0; i < p->n_records; i++)
		if (str_eq_case(p->records[i].name, name))
			return &p->records[i];
	return NULL;
}

static const char *const op_names[] = { "create", "update", "upsert",
	"delete" };

static int check_record(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *op = sieve_node_param(n, "op");

	if (!op)
		return 0;
	for (size_t i = 0; i < COUNT(op_names); i++)
		if (str_eq_case(sieve_arg_const(op), str_c(op_names[i])))
			return 0;
	return sieve_error_nearest(c, op->pos, "operation", sieve_arg_const(op),
		op_names, COUNT(op_names));
}

static bool has_op(const struct sieve_node *n, const struct plan_record *rec)
{
	const struct sieve_arg *op = sieve_node_param(n, "op");

	return !op ||
	       str_eq_case(sieve_arg_const(op), str_c(op_names[rec->op]));
}

static int test_record(struct sieve_run *r, const struct sieve_node *n)
{
	const struct plan_record *rec;
	struct str object, name;

	if (sieve_arg_get(r, n->positional[0], &object) < 0 ||
		sieve_arg_get(r, n->positional[1], &name) < 0)
		return SIEVE_FAILED;
	rec = find_record(r, name);
	return rec && str_eq_case(rec->object, object) && has_op(n, rec);
}

static int exec_record(struct sieve_run *r, const struct sieve_node *n)
{
	const struct sieve_arg *op = sieve_node_param(n, "op");
	int rc = test_record(r, n);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	return svtest_fail(r, n,
		"expected a record %.*s \"%.*s\"%s%.*s, but %.*s",
		STR_ARG(n->positional[0]->texts[0].value),
		STR_ARG(n->positional[1]->texts[0].value), op ? " by " : "",
		STR_ARG(op ? sieve_arg_const(op) : STR("")),
		STR_ARG(outline(r)));
}

static size_t count_records(struct sieve_run *r, struct str object)
{
	const struct plan *p = plan_of(r);
	size_t count = 0;

	for (size_t i = 0; i < p->n_records; i++)
		count += str_eq_case(p->records[i].object, object);
	return count;
}

static int test_count(struct sieve_run *r, const struct sieve_node *n)
{
	struct str object;

	if (sieve_arg_get(r, n->positional[0], &object) < 0)
		return SIEVE_FAILED;
	return count_records(r, object) == n->positional[1]->number;
}

static int exec_count(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = test_count(r, n);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	return svtest_fail(r, n, "expected %llu records %.*s, but %.*s",
		(unsigned long long)n->positional[1]->number,
		STR_ARG(n->positional[0]->texts[0].value), STR_ARG(outline(r)));
}

/* Writes the value of a field. Returns: the count, 0 or 1. */
static size_t field_value(struct sieve_run *r, const struct plan_record *rec,
	struct str name, struct str *out)
{
	for (size_t i = 0; i < rec->n_fields; i++) {
		const struct plan_field *f = &rec->fields[i];
		if (!str_eq_case(f->name, name))
			continue;
		*out = f->kind == PLAN_NULL ? STR("") : f->value;
		if (f->kind == PLAN_REF)
			*out = str_c(arena_printf(r->arena, "@%.*s.%.*s",
				STR_ARG(f->value), STR_ARG(f->ref_field)));
		return 1;
	}
	return 0;
}

struct seen {
	struct str record, field;
	const struct plan_record *rec;
	struct str *values;
	size_t n;
};

static int see_field(
	struct sieve_run *r, const struct sieve_node *n, struct seen *s)
{
	if (sieve_arg_get(r, n->positional[0], &s->record) < 0 ||
		sieve_arg_get(r, n->positional[1], &s->field) < 0)
		return SIEVE_FAILED;
	s->rec = find_record(r, s->record);
	s->values = ARENA_NEW(r->arena, struct str);
	if (s->rec)
		s->n = field_value(r, s->rec, s->field, s->values);
	return sieve_match_values(r, n, s->values, s->n);
}

static int test_field(struct sieve_run *r, const struct sieve_node *n)
{
	struct seen s = { 0 };

	return see_field(r, n, &s);
}

static int exec_field(struct sieve_run *r, const struct sieve_node *n)
{
	struct seen s = { 0 };
	int rc = see_field(r, n, &s);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	if (!s.rec)
		return svtest_fail(r, n, "expected a record \"%.*s\", but %.*s",
			STR_ARG(s.record), STR_ARG(outline(r)));
	return svtest_fail(r, n,
		"field %.*s of \"%.*s\": expected %.*s, got "
		"%.*s",
		STR_ARG(s.field), STR_ARG(s.record), STR_ARG(list_keys(r, n)),
		STR_ARG(list_values(r, s.values, s.n, "no such field")));
}

static int see_files(
	struct sieve_run *r, const struct sieve_node *n, struct seen *s)
{
	if (sieve_arg_get(r, n->positional[0], &s->record) < 0)
		return SIEVE_FAILED;
	s->rec = find_record(r, s->record);
	s->n = s->rec ? s->rec->n_files : 0;
	s->values = arena_array(r->arena, s->n, sizeof(*s->values));
	for (size_t i = 0; i < s->n; i++)
		s->values[i] = s->rec->files[i].name;
	return sieve_match_values(r, n, s->values, s->n);
}

static int test_file(struct sieve_run *r, const struct sieve_node *n)
{
	struct seen s = { 0 };

	return see_files(r, n, &s);
}

static int exec_file(struct sieve_run *r, const struct sieve_node *n)
{
	struct seen s = { 0 };
	int rc = see_files(r, n, &s);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	return svtest_fail(r, n, "files of \"%.*s\": expected %.*s, got %.*s",
		STR_ARG(s.record), STR_ARG(list_keys(r, n)),
		STR_ARG(list_values(r, s.values, s.n, "none")));
}

static int test_noted(struct sieve_run *r, const struct sieve_node *n)
{
	const struct plan *p = plan_of(r);

	return sieve_match_values(r, n, p->notes, p->n_notes);
}

static int exec_noted(struct sieve_run *r, const struct sieve_node *n)
{
	const struct plan *p = plan_of(r);
	int rc = test_noted(r, n);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	return svtest_fail(r, n, "notes: expected %.*s, got %.*s",
		STR_ARG(list_keys(r, n)),
		STR_ARG(list_values(r, p->notes, p->n_notes, "none")));
}

static int test_failed(struct sieve_run *r, const struct sieve_node *n)
{
	const struct plan *p = plan_of(r);

	return sieve_match_values(r, n, &p->fail, p->fail.len > 0);
}

static int exec_failed(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = test_failed(r, n);

	if (rc)
		return rc < 0 ? rc : SIEVE_GO_ON;
	return svtest_fail(r, n,
		"expected the rule to fail with %.*s, but "
		"%.*s",
		STR_ARG(list_keys(r, n)), STR_ARG(outline(r)));
}

#define BOTH (SIEVE_COMMAND | SIEVE_TEST)

static const struct sieve_tag record_tags[] = {
	{ "op", SIEVE_CONST, "create, update, upsert or delete", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "fact",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "kind", 0 },
			{ SIEVE_CONST, "object", 0 },
			{ SIEVE_STRINGS, "fields and values", 0 },
			{ SIEVE_STRINGS, "fields and values",
				SIEVE_OPTIONAL } },
		.check = check_fact,
		.exec = exec_fact },
	{ .name = "zone",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "name", 0 },
			{ SIEVE_STRING, "records", 0 } },
		.exec = exec_zone },
	{ .name = "evaluate",
		.flags = BOTH,
		.params = { { SIEVE_STRING, "path", 0 } },
		.exec = exec_evaluate,
		.test = test_evaluate },
	{ .name = "record",
		.flags = BOTH,
		.params = { { SIEVE_STRING, "object", 0 },
			{ SIEVE_STRING, "name", 0 } },
		.tags = record_tags,
		.check = check_record,
		.exec = exec_record,
		.test = test_record },
	{ .name = "record_count",
		.flags = BOTH,
		.params = { { SIEVE_STRING, "object", 0 },
			{ SIEVE_NUMBER, "number", 0 } },
		.exec = exec_count,
		.test = test_count },
	{ .name = "record_field",
		.flags = BOTH | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "record", 0 },
			{ SIEVE_STRING, "field", 0 },
			{ SIEVE_STRINGS, "values", 0 } },
		.exec = exec_field,
		.test = test_field },
	{ .name = "record_file",
		.flags = BOTH | SIEVE_MATCHES,
		.params = { { SIEVE_STRING, "record", 0 },
			{ SIEVE_STRINGS, "file names", 0 } },
		.exec = exec_file,
		.test = test_file },
	{ .name = "noted",
		.flags = BOTH | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "texts", 0 } },
		.exec = exec_noted,
		.test = test_noted },
	{ .name = "failed",
		.flags = BOTH | SIEVE_MATCHES,
		.params = { { SIEVE_STRINGS, "texts", 0 } },
		.exec = exec_failed,
		.test = test_failed },
	{ 0 },
};

const struct sieve_ext sieve_ext_testsuite_plan = {
	.capability = "vnd.dovecot.testsuite",
	.is_for_tests = true,
	.words = words,
};
