/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json.c - the JSON form of plans and facts, for people and their programs.
 *
 * Members that would be empty or false are left out, so that a plan reads
 * short. A question's conditions are a flat list, as in `find :where [...]`.
 */
#include <mailmill/clock.h>
#include <mailmill/plan.h>
#include <mailmill/utf8.h>

static json_t *text(struct str s)
{
	json_t *json = json_stringn(s.p ? s.p : "", s.len);
	AUTO(arena) struct arena *a = NULL;

	if (json)
		return json;
	a = arena_new();
	s = utf8_mend(a, s);
	return json_stringn(s.p, s.len);
}

static void set_text(json_t *to, const char *name, struct str s)
{
	if (s.len)
		json_object_set_new(to, name, text(s));
}

static void set_true(json_t *to, const char *name, bool is)
{
	if (is)
		json_object_set_new(to, name, json_true());
}

static void set_number(json_t *to, const char *name, uint64_t v)
{
	json_object_set_new(
		to, name, json_integer((json_int_t)MIN(v, INT64_MAX)));
}

static void set_texts(
	json_t *to, const char *name, const struct str *s, size_t n)
{
	json_t *list;

	if (n == 0)
		return;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, text(s[i]));
	json_object_set_new(to, name, list);
}

/* Sets a member by a name that is a str and may be no valid UTF-8. */
static void set_named(json_t *to, struct str name, json_t *value)
{
	AUTO(bytes) char *key = str_dup(name);

	if (json_object_set(to, key, value) < 0)
		json_object_set(to, "?", value);
	json_decref(value);
}

static json_t *field_to_json(const struct plan_field *f)
{
	static const char *const overflows[] = { NULL, "cut", "file" };
	json_t *json = json_object();

	if (f->kind == PLAN_REF)
		json_object_set_new(json, "ref",
			json_sprintf("%.*s.%.*s", STR_ARG(f->value),
				STR_ARG(f->ref_field)));
	else if (f->kind == PLAN_NULL)
		json_object_set_new(json, "value", json_null());
	else
		json_object_set_new(json, "value", text(f->value));
	if (overflows[f->overflow])
		json_object_set_new(
			json, "overflow", json_string(overflows[f->overflow]));
	if (f->max)
		set_number(json, "max", f->max);
	if (f->line)
		set_number(json, "line", f->line);
	return json;
}

static json_t *file_to_json(const struct plan_file *f)
{
	json_t *json = json_object();

	set_text(json, "name", f->name);
	set_text(json, "type", f->type);
	set_text(json, "content_id", f->content_id);
	set_true(json, "inline", f->is_inline);
	if (f->is_literal) {
		json_object_set_new(json, "text", text(f->literal));
	} else {
		set_number(json, "offset", f->offset);
		set_number(json, "length", f->len);
		set_text(json, "encoding", f->encoding);
		if (f->skip)
			set_number(json, "skip", f->skip);
		set_number(json, "size", f->size);
	}
	set_text(json, "sha256", f->sha256);
	if (f->line)
		set_number(json, "line", f->line);
	return json;
}

static json_t *record_to_json(const struct plan_record *r)
{
	static const char *const ops[] = { "create", "update", "upsert",
		"delete" };
	json_t *json = json_object(), *fields = json_object(), *files;

	json_object_set_new(json, "op", json_string(ops[r->op]));
	set_text(json, "name", r->name);
	set_text(json, "object", r->object);
	set_text(json, "key", r->key);
	set_text(json, "id", r->id);
	set_text(json, "by", r->by);
	for (size_t i = 0; i < r->n_fields; i++)
		set_named(fields, r->fields[i].name,
			field_to_json(&r->fields[i]));
	json_object_set_new(json, "fields", fields);
	if (r->n_files) {
		files = json_array();
		for (size_t i = 0; i < r->n_files; i++)
			json_array_append_new(
				files, file_to_json(&r->files[i]));
		json_object_set_new(json, "attach", files);
	}
	if (r->line)
		set_number(json, "line", r->line);
	return json;
}

/* Bytes that are text where they are; nobody reads a changed mail from this. */
static json_t *piece_to_json(const struct plan_piece *p)
{
	json_t *json = json_object();

	if (p->literal.len) {
		set_text(json, "text", p->literal);
		return json;
	}
	set_number(json, "offset", p->offset);
	set_number(json, "length", p->len);
	return json;
}

static json_t *action_to_json(const struct plan_action *a)
{
	json_t *json = json_object(), *pieces;

	json_object_set_new(
		json, "action", json_string(plan_action_name(a->kind)));
	set_text(json, "value", a->value);
	set_true(json, "implicit", a->is_implicit);
	set_true(json, "copy", a->is_copy);
	set_true(json, "create", a->is_create);
	set_texts(json, "flags", a->flags, a->n_flags);
	if (a->n_rcpts) {
		json_object_set_new(json, "sender", text(a->sender));
		set_texts(json, "recipients", a->rcpts, a->n_rcpts);
	}
	if (a->n_pieces) {
		pieces = json_array();
		for (size_t i = 0; i < a->n_pieces; i++)
			json_array_append_new(
				pieces, piece_to_json(&a->pieces[i]));
		json_object_set_new(json, "message", pieces);
	}
	set_text(json, "fcc", a->fcc);
	set_text(json, "mark", a->mark);
	if (a->mark.len)
		set_number(json, "mark_seconds", a->mark_seconds);
	if (a->line)
		set_number(json, "line", a->line);
	return json;
}

static json_t *mark_to_json(const struct plan_mark *m)
{
	json_t *json = json_object();

	set_text(json, "key", m->key);
	set_number(json, "seconds", m->seconds);
	set_true(json, "last", m->is_last);
	return json;
}

/* A list of a name and a value, and so on. */
static void set_pairs(
	json_t *to, const char *name, const struct plan_pair *pairs, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, text(pairs[i].name));
		json_array_append_new(list, text(pairs[i].value));
	}
	if (n)
		json_object_set_new(to, name, list);
	else
		json_decref(list);
}

static const char *const question_kinds[] = { "find", "thread", "seen", "dns" };

static json_t *question_to_json(const struct plan_question *q)
{
	json_t *json = json_object();

	set_text(json, "name", q->name);
	json_object_set_new(json, "kind", json_string(question_kinds[q->kind]));
	set_text(json, "object", q->object);
	set_pairs(json, "where", q->where, q->n_where);
	if (q->kind == PLAN_DNS && q->n_fields)
		set_text(json, "type", q->fields[0]);
	else
		set_texts(json, "fields", q->fields, q->n_fields);
	set_text(json, "order", q->order);
	set_true(json, "first", q->is_first);
	set_texts(json, "ids", q->ids, q->n_ids);
	set_texts(json, "by", q->by, q->n_by);
	set_pairs(json, "tokens", q->tokens, q->n_tokens);
	set_text(json, "subject", q->subject);
	set_texts(json, "authors", q->authors, q->n_authors);
	if (q->within)
		set_number(json, "within", q->within);
	set_true(json, "participants", q->is_participants);
	return json;
}

json_t *plan_to_json(const struct plan *p)
{
	json_t *json = json_object(), *script = json_object();
	json_t *actions = json_array(), *records = json_array();
	json_t *marks, *questions;

	set_text(script, "name", p->script);
	set_text(script, "sha256", p->script_sha256);
	json_object_set_new(json, "script", script);
	set_text(json, "fail", p->fail);
	for (size_t i = 0; i < p->n_actions; i++)
		json_array_append_new(actions, action_to_json(&p->actions[i]));
	json_object_set_new(json, "actions", actions);
	if (p->n_marks) {
		marks = json_array();
		for (size_t i = 0; i < p->n_marks; i++)
			json_array_append_new(
				marks, mark_to_json(&p->marks[i]));
		json_object_set_new(json, "marks", marks);
	}
	for (size_t i = 0; i < p->n_records; i++)
		json_array_append_new(records, record_to_json(&p->records[i]));
	json_object_set_new(json, "records", records);
	set_texts(json, "notes", p->notes, p->n_notes);
	if (p->n_questions) {
		questions = json_array();
		for (size_t i = 0; i < p->n_questions; i++)
			json_array_append_new(
				questions, question_to_json(&p->questions[i]));
		json_object_set_new(json, "questions", questions);
	}
	return json;
}

json_t *facts_to_json(const struct facts *f)
{
	json_t *json = json_object(), *answers = json_array();
	char now[CLOCK_TEXT_MAX];

	json_object_set_new(json, "now", json_string(clock_text(f->now, now)));
	set_text(json, "route", f->route);
	if (f->has_folders) {
		json_t *folders = json_array();
		for (size_t i = 0; i < f->n_folders; i++)
			json_array_append_new(folders, text(f->folders[i]));
		json_object_set_new(json, "folders", folders);
	}
	for (size_t i = 0; i < f->n_answers; i++) {
		const struct facts_answer *a = &f->answers[i];
		json_t *answer = json_object(), *rows = json_array();
		for (size_t j = 0; j < a->n_rows; j++) {
			const struct facts_row *row = &a->rows[j];
			json_t *fields = json_object();
			for (size_t k = 0; k < row->n_fields; k++)
				set_named(fields, row->fields[k].name,
					text(row->fields[k].value));
			json_array_append_new(rows, fields);
		}
		set_text(answer, "question", a->name);
		json_object_set_new(answer, "rows", rows);
		json_array_append_new(answers, answer);
	}
	json_object_set_new(json, "answers", answers);
	return json;
}

/* Where the reader is, for its messages: "answers[2].rows[0].Id". */
struct place {
	char text[256];
};

static struct place inside(const struct place *at, const char *name, int index)
{
	struct place p;

	if (index >= 0)
		snprintf(p.text, sizeof(p.text), "%.240s[%d]", at->text, index);
	else
		snprintf(p.text, sizeof(p.text), "%.120s%s%.120s", at->text,
			at->text[0] ? "." : "", name ? name : "");
	return p;
}

static int fail(struct err *err, const struct place *at, const char *wanted)
{
	return err_set(err, ERR_CONF, "facts: %s: expected %s",
		at->text[0] ? at->text : "top", wanted);
}

static struct str copy_text(struct arena *a, const json_t *json)
{
	return arena_str(
		a, str_n(json_string_value(json), json_string_length(json)));
}

/* Reads a text that may be missing. */
static int read_text(struct arena *a, const json_t *from, const char *name,
	const struct place *at, struct str *out, struct err *err)
{
	const json_t *json = json_object_get(from, name);
	struct place here = inside(at, name, -1);

	if (!json)
		return 0;
	if (!json_is_string(json))
		return fail(err, &here, "a string");
	*out = copy_text(a, json);
	return 0;
}

/* Reads a list of texts that may be missing. */
static int read_texts(struct arena *a, const json_t *from, const char *name,
	const struct place *at, struct str **out, size_t *n, struct err *err)
{
	const json_t *list = json_object_get(from, name);
	struct place here = inside(at, name, -1);

	*n = 0;
	if (!list)
		return 0;
	if (!json_is_array(list))
		return fail(err, &here, "a list of strings");
	*out = arena_array(a, json_array_size(list), sizeof(**out));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		struct place there = inside(&here, NULL, (int)i);
		if (!json_is_string(item))
			return fail(err, &there, "a string");
		(*out)[i] = copy_text(a, item);
	}
	*n = json_array_size(list);
	return 0;
}

static int read_pairs(struct arena *a, const json_t *from, const char *name,
	const struct place *at, struct plan_pair **out, size_t *n_out,
	struct err *err)
{
	struct place here = inside(at, name, -1);
	struct str *flat;
	size_t n;

	if (read_texts(a, from, name, at, &flat, &n, err) < 0)
		return -1;
	if (n % 2)
		return fail(err, &here, "a value after each field");
	*n_out = n / 2;
	*out = arena_array(a, *n_out, sizeof(**out));
	for (size_t i = 0; i < *n_out; i++) {
		(*out)[i].name = flat[2 * i];
		(*out)[i].value = flat[2 * i + 1];
	}
	return 0;
}

static int read_dns(struct arena *a, const json_t *json, const struct place *at,
	struct plan_question *q, struct str *name, struct err *err)
{
	struct str type = STR_NULL, host = dns_name(a, q->object);
	struct place here = inside(at, host.p ? "type" : "object", -1);
	enum dns_type number;

	if (!host.p)
		return fail(err, &here, "a name that the DNS can be asked for");
	if (read_text(a, json, "type", at, &type, err) < 0)
		return -1;
	if (dns_type_read(type, &number) < 0)
		return fail(err, &here, "A, AAAA, MX, PTR or TXT");
	plan_ask_dns(a, number, host, q);
	*name = q->name;
	return 0;
}

/* Reads what a question about a thread has. */
static int read_thread(struct arena *a, const json_t *json,
	const struct place *at, struct plan_question *q, struct err *err)
{
	if (read_texts(a, json, "ids", at, &q->ids, &q->n_ids, err) < 0 ||
		read_texts(a, json, "by", at, &q->by, &q->n_by, err) < 0 ||
		read_pairs(a, json, "tokens", at, &q->tokens, &q->n_tokens,
			err) < 0 ||
		read_text(a, json, "subject", at, &q->subject, err) < 0 ||
		read_texts(a, json, "authors", at, &q->authors, &q->n_authors,
			err) < 0)
		return -1;
	q->within = (uint64_t)json_integer_value(
		json_object_get(json, "within"));
	q->is_participants = json_is_true(
		json_object_get(json, "participants"));
	return 0;
}

static int read_question(struct arena *a, const json_t *json,
	const struct place *at, struct str *name, struct err *err)
{
	struct plan_question q = { 0 };
	struct str kind = STR_NULL;
	struct place here;

	if (json_is_string(json)) {
		*name = copy_text(a, json);
		return 0;
	}
	if (!json_is_object(json))
		return fail(err, at, "a question: its name, or an object");
	if (read_text(a, json, "kind", at, &kind, err) < 0 ||
		read_text(a, json, "object", at, &q.object, err) < 0 ||
		read_pairs(a, json, "where", at, &q.where, &q.n_where, err) <
			0 ||
		read_texts(a, json, "fields", at, &q.fields, &q.n_fields, err) <
			0 ||
		read_text(a, json, "order", at, &q.order, err) < 0 ||
		read_thread(a, json, at, &q, err) < 0)
		return -1;
	here = inside(at, "kind", -1);
	while (q.kind < COUNT(question_kinds) &&
		!str_eq(kind, str_c(question_kinds[q.kind])))
		q.kind++;
	if (q.kind == COUNT(question_kinds))
		return fail(err, &here,
			"\"dns\", \"find\", \"thread\" or \"seen\"");
	if (q.kind == PLAN_DNS)
		return read_dns(a, json, at, &q, name, err);
	q.is_first = json_is_true(json_object_get(json, "first"));
	plan_name_question(a, &q);
	*name = q.name;
	return 0;
}

/* Makes the text that a record's value would have. Returns: false for null. */
static bool value_text(struct arena *a, const json_t *json, struct str *out)
{
	AUTO(bytes) char *dump = NULL;

	if (json_is_null(json))
		return false;
	if (json_is_string(json)) {
		*out = copy_text(a, json);
		return true;
	}
	dump = json_dumps(
		json, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
	*out = arena_str(a, str_c(dump));
	return true;
}

static int read_row(struct arena *a, const json_t *json, const struct place *at,
	struct facts_row *row, struct err *err)
{
	json_t *members, *value;
	const char *name;

	if (!json_is_object(json))
		return fail(err, at, "a row: an object of fields");
	row->fields = arena_array(
		a, json_object_size(json), sizeof(*row->fields));
	members = (json_t *)(uintptr_t)json;
	json_object_foreach(members, name, value)
	{
		struct plan_pair *pair = &row->fields[row->n_fields];
		struct place here = inside(at, name, -1);
		if (json_is_object(value) || json_is_array(value))
			return fail(err, &here, "a plain value");
		if (!value_text(a, value, &pair->value))
			continue;
		pair->name = arena_str(a, str_c(name));
		row->n_fields++;
	}
	return 0;
}

static int read_answer(struct arena *a, const json_t *json,
	const struct place *at, struct facts_answer *answer, struct err *err)
{
	const json_t *rows = json_object_get(json, "rows");
	struct place here = inside(at, "question", -1);

	if (!json_is_object(json))
		return fail(err, at, "an object with question and rows");
	if (read_question(a, json_object_get(json, "question"), &here,
		    &answer->name, err) < 0)
		return -1;
	here = inside(at, "rows", -1);
	if (!json_is_array(rows) || json_array_size(rows) > FACTS_ROWS_MAX)
		return fail(err, &here, "a list of at most 2000 rows");
	answer->n_rows = json_array_size(rows);
	answer->rows = arena_array(a, answer->n_rows, sizeof(*answer->rows));
	for (size_t i = 0; i < answer->n_rows; i++) {
		struct place there = inside(&here, NULL, (int)i);
		if (read_row(a, json_array_get(rows, i), &there,
			    &answer->rows[i], err) < 0)
			return -1;
	}
	return 0;
}

static int read_now(const json_t *json, int64_t *now, struct err *err)
{
	static const struct place at = { "now" };

	if (!json)
		return 0;
	if (json_is_integer(json)) {
		*now = json_integer_value(json);
		return 0;
	}
	if (json_is_string(json) &&
		clock_parse_rfc3339(str_c(json_string_value(json)), now) == 0)
		return 0;
	return fail(err, &at,
		"a time as 2026-11-24T21:36:46Z, or milliseconds since 1970");
}

int facts_from_json(struct arena *a, const json_t *json, struct facts **out,
	struct err *err)
{
	static const struct place top = { "" };
	const json_t *answers = json_object_get(json, "answers");
	struct place here = inside(&top, "answers", -1);
	struct facts *f = ARENA_NEW(a, struct facts);

	if (!json_is_object(json))
		return fail(err, &top, "an object");
	if (read_now(json_object_get(json, "now"), &f->now, err) < 0 ||
		read_text(a, json, "route", &top, &f->route, err) < 0 ||
		read_texts(a, json, "folders", &top, &f->folders, &f->n_folders,
			err) < 0)
		return -1;
	f->has_folders = json_object_get(json, "folders");
	if (answers && (!json_is_array(answers) ||
			       json_array_size(answers) > FACTS_ANSWERS_MAX))
		return fail(err, &here, "a list of at most 1000 answers");
	f->n_answers = json_array_size(answers);
	f->answers = arena_array(a, f->n_answers, sizeof(*f->answers));
	for (size_t i = 0; i < f->n_answers; i++) {
		struct place there = inside(&here, NULL, (int)i);
		if (read_answer(a, json_array_get(answers, i), &there,
			    &f->answers[i], err) < 0)
			return -1;
	}
	*out = f;
	return 0;
}
