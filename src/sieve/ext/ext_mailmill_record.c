/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_record.c - create, upsert, update, delete, and field in their
 * blocks.
 *
 * A record's block is run like any other, so if and set may stand in it; the
 * record that is open takes the fields. A record without a name is named after
 * its object. update of a record that this plan creates adds to that record,
 * since a plan is carried out at once.
 *
 * A record's name is known to what stands behind its block, not in it: it
 * cannot refer to itself.
 */
#include <mailmill/utf8.h>

#include "ext_mailmill.h"

/* Nothing of a mail is as long; beyond it the plan's own limit cuts. */
#define VALUE_MAX (PLAN_VALUE_MAX - 1)

struct record {
	int index; /* of the name, -1: it has none */
};

/*
 * Blocks
 */

static int check_place(struct sieve_check *c, const struct sieve_node *n)
{
	for (const struct sieve_node *p = n->parent; p; p = p->parent)
		if (mailmill_is_record(p))
			return sieve_error(c, n->pos,
				"%.*s cannot stand in the block of %.*s (line "
				"%u)",
				STR_ARG(n->name), STR_ARG(p->name),
				p->pos.line);
	return 0;
}

static int check_create(struct sieve_check *c, struct sieve_node *n)
{
	n->data = ARENA_NEW(sieve_check_arena(c), struct record);
	if (check_place(c, n) < 0)
		return -1;
	return mailmill_check_api_name(
		c, &n->positional[0]->texts[0], "object");
}

/* Behind the block: the record cannot refer to itself. */
static int check_create_end(struct sieve_check *c, struct sieve_node *n)
{
	struct record *rec = n->data;

	if (!rec) /* its arguments are wrong, check() was not called */
		return -1;
	rec->index = -1;
	if (n->n_positional < 2 || !n->positional[1])
		return 0;
	rec->index = mailmill_declare(
		c, n->positional[1], n->positional[0], MAILMILL_CREATES);
	return rec->index < 0 ? -1 : 0;
}

static int check_by(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	return mailmill_check_api_name(c, &t->param->texts[0], "field");
}

static int check_update(struct sieve_check *c, struct sieve_node *n)
{
	struct record *rec = ARENA_NEW(sieve_check_arena(c), struct record);

	n->data = rec;
	if (check_place(c, n) < 0)
		return -1;
	rec->index = mailmill_lookup(c, n->positional[0]);
	return rec->index < 0 ? -1 : 0;
}

static int run_block(
	struct sieve_run *r, const struct sieve_node *n, ssize_t record)
{
	struct mailmill_run *m = mailmill_run(r);
	int flow;

	m->open = record;
	flow = sieve_exec_block(r, n);
	m->open = -1;
	return flow;
}

static int tell_taken(struct sieve_run *r, const struct mailmill_bound *b)
{
	return sieve_fail(r,
		"a record named '%.*s' is in the plan already (line %u): give "
		"this one another name",
		STR_ARG(b->name), r->plan->records[b->record].line);
}

static int run_create(struct sieve_run *r, const struct sieve_node *n,
	enum plan_op op, ssize_t *record)
{
	const struct record *rec = n->data;
	struct str object = sieve_arg_const(n->positional[0]);
	struct mailmill_bound *b = rec->index < 0
					   ? NULL
					   : mailmill_bound(r, rec->index);
	int flow;

	if (b && b->state == MAILMILL_CREATED)
		return tell_taken(r, b);
	*record = sieve_add_record(r, n, op, object,
		mailmill_unique(
			r, b ? sieve_arg_const(n->positional[1]) : object));
	if (*record < 0)
		return SIEVE_FAILED;
	flow = run_block(r, n, *record);
	if (b) {
		mailmill_bind_row(b, NULL, false);
		b->state = MAILMILL_CREATED;
		b->record = *record;
	}
	return flow;
}

static int exec_create(struct sieve_run *r, const struct sieve_node *n)
{
	ssize_t record;

	return run_create(r, n, PLAN_CREATE, &record);
}

static struct plan_field *find_field(
	struct plan_record *record, struct str name)
{
	for (size_t i = 0; i < record->n_fields; i++)
		if (str_eq_case(record->fields[i].name, name))
			return &record->fields[i];
	return NULL;
}

static int exec_upsert(struct sieve_run *r, const struct sieve_node *n)
{
	struct str by = sieve_arg_const(sieve_node_param(n, "by"));
	const struct plan_field *f;
	ssize_t record = -1;
	int flow = run_create(r, n, PLAN_UPSERT, &record);

	if (flow < 0)
		return flow;
	r->plan->records[record].by = by;
	f = find_field(&r->plan->records[record], by);
	if (f && f->kind == PLAN_TEXT && f->value.len)
		return flow;
	/* a value that waits for an answer leaves its field out, too */
	if (r->plan->n_questions)
		return SIEVE_WAIT;
	return sieve_fail(r,
		"upsert :by \"%.*s\": the record has no such field, or it is "
		"empty",
		STR_ARG(by));
}

static int exec_update(struct sieve_run *r, const struct sieve_node *n)
{
	const struct record *rec = n->data;
	struct mailmill_bound *b = mailmill_bound(r, rec->index);
	ssize_t record;

	/* each update of what was found is one of its own: its fields may
	 * refer to records that were created since the last */
	if (b->state == MAILMILL_FOUND)
		b->record = -1;
	record = mailmill_record_of(r, n, rec->index);
	return record < 0 ? (int)record : run_block(r, n, record);
}

static int exec_delete(struct sieve_run *r, const struct sieve_node *n)
{
	const struct record *rec = n->data;
	struct mailmill_bound *b = mailmill_bound(r, rec->index);
	ssize_t record;

	if (b->state == MAILMILL_CREATED || b->record >= 0)
		return sieve_fail(r,
			"'%.*s' cannot be deleted: line %u changes it",
			STR_ARG(b->name), r->plan->records[b->record].line);
	record = mailmill_record_of(r, n, rec->index);
	if (record < 0)
		return (int)record;
	r->plan->records[record].op = PLAN_DELETE;
	mailmill_bind_row(b, NULL, false);
	return SIEVE_GO_ON;
}

/*
 * Fields
 */

enum empty {
	EMPTY_SKIP,
	EMPTY_NULL,
	EMPTY_FAIL
};
static const char *const empty_names[] = { "skip", "null", "fail" };
static const char *const overflow_names[] = { "fail", "cut", "file" };

/*
 * What a value has to be. One that is not is told in a note and taken for an
 * empty one: a mail with nonsense in its From is still somebody's question.
 */
enum as {
	AS_TEXT,
	AS_EMAIL
};
static const char *const as_names[] = { "text", "email" };

struct field {
	struct str name;
	enum as as;
	enum empty empty;
	enum plan_overflow overflow;
	uint64_t max;
};

/* Reads a tag's word. Returns: its index, 0 when it is not given, or -1. */
static int check_choice(struct sieve_check *c, const struct sieve_node *n,
	const char *tag, const char *const *names, size_t n_names)
{
	const struct sieve_arg *param = sieve_node_param(n, tag);

	if (!param)
		return 0;
	return mailmill_choice(c, &param->texts[0],
		arena_printf(sieve_check_arena(c), "word for :%s", tag), names,
		n_names);
}

static int check_field(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *max = sieve_node_param(n, "max");
	struct field *f = ARENA_NEW(sieve_check_arena(c), struct field);
	const struct sieve_node *p = n->parent;
	int empty = check_choice(
		c, n, "empty", empty_names, COUNT(empty_names));
	int overflow = check_choice(
		c, n, "overflow", overflow_names, COUNT(overflow_names));
	int as = check_choice(c, n, "as", as_names, COUNT(as_names));

	n->data = f;
	while (p && !mailmill_is_record(p))
		p = p->parent;
	if (!p)
		return sieve_error(c, n->pos,
			"field can stand only in the block of create, update "
			"or upsert");
	if (mailmill_check_api_name(c, &n->positional[0]->texts[0], "field") <
			0 ||
		empty < 0 || overflow < 0 || as < 0)
		return -1;
	f->name = sieve_arg_const(n->positional[0]);
	f->max = max ? max->number : 0;
	f->empty = (enum empty)empty;
	f->overflow = (enum plan_overflow)overflow;
	f->as = (enum as)as;
	return 0;
}

/* Adds the field, or empties the one that an earlier command set. */
static struct plan_field *open_field(
	struct sieve_run *r, const struct sieve_node *n, const struct field *f)
{
	ssize_t record = mailmill_run(r)->open;
	struct plan_field *out;

	must(record >= 0);
	out = find_field(&r->plan->records[record], f->name);
	if (!out)
		return sieve_add_field(r, n, (size_t)record, f->name);
	*out = (struct plan_field){ .name = f->name, .line = n->pos.line };
	return out;
}

static int add_empty(
	struct sieve_run *r, const struct sieve_node *n, const struct field *f)
{
	struct plan_field *out;

	if (f->empty == EMPTY_SKIP)
		return SIEVE_GO_ON;
	if (f->empty == EMPTY_FAIL)
		return sieve_fail(r, "field %.*s is empty", STR_ARG(f->name));
	out = open_field(r, n, f);
	if (!out)
		return SIEVE_FAILED;
	out->kind = PLAN_NULL;
	return SIEVE_GO_ON;
}

static int add_reference(struct sieve_run *r, const struct sieve_node *n,
	const struct field *f, ssize_t record, struct str of)
{
	struct plan_field *out;

	if (record >= mailmill_run(r)->open)
		return sieve_fail(r,
			"field %.*s refers to '%.*s', which is created after "
			"this record",
			STR_ARG(f->name),
			STR_ARG(r->plan->records[record].name));
	out = open_field(r, n, f);
	if (!out)
		return SIEVE_FAILED;
	out->kind = PLAN_REF;
	out->value = r->plan->records[record].name;
	out->ref_field = of;
	return SIEVE_GO_ON;
}

/*
 * A plan holds no longer value: cut it, and where it must not be lost, put
 * the whole mail beside it.
 */
static int cut_value(struct sieve_run *r, const struct sieve_node *n,
	const struct field *f, struct str *value)
{
	bool is_file = f->overflow == PLAN_FILE;

	if (value->len <= VALUE_MAX)
		return 0;
	if (f->overflow == PLAN_FAIL)
		return sieve_fail(r,
			"field %.*s would have %zu bytes: a value can have %zu",
			STR_ARG(f->name), value->len, VALUE_MAX);
	sieve_add_note(
		r, str_c(arena_printf(r->arena,
			   "line %u: %.*s was cut from %zu to %zu "
			   "bytes%s",
			   n->pos.line, STR_ARG(f->name), value->len, VALUE_MAX,
			   is_file ? "; the whole mail is kept as "
				     "message.eml"
				   : "")));
	*value = utf8_cut(*value, VALUE_MAX);
	return is_file ? mailmill_attach_message(
				 r, n, (size_t)mailmill_run(r)->open)
		       : 0;
}

static int add_text(struct sieve_run *r, const struct sieve_node *n,
	const struct field *f, struct str value)
{
	struct plan_field *out;

	value = utf8_mend(r->arena, value);
	if (cut_value(r, n, f, &value) < 0)
		return SIEVE_FAILED;
	out = open_field(r, n, f);
	if (!out)
		return SIEVE_FAILED;
	out->kind = PLAN_TEXT;
	out->value = value;
	out->overflow = f->overflow;
	out->max = f->max;
	return SIEVE_GO_ON;
}

static bool is_word_of(struct str s, const char *others)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || strchr(others, c)) ||
			c == 0)
			return false;
	}
	return s.len > 0 && s.p[0] != '.' && s.p[s.len - 1] != '.' &&
	       str_find(s, STR("..")) < 0;
}

/* What helpdesks take for an address: narrower than RFC 5321. */
static bool is_email(struct str s)
{
	ssize_t at = str_rchr(s, '@');
	struct str domain = str_sub(s, (size_t)(at + 1), SIZE_MAX);

	return at > 0 && at <= 64 && s.len <= 254 &&
	       is_word_of(str_sub(s, 0, (size_t)at), "!#$%&'*+-/=?^_`{|}~.") &&
	       is_word_of(domain, "-.") && str_chr(domain, '.') > 0;
}

/* Empties a value that is not what the field asks for. */
static void check_value(struct sieve_run *r, const struct sieve_node *n,
	const struct field *f, struct str *value)
{
	struct str shown = utf8_cut(utf8_mend(r->arena, *value), 100);

	if (f->as != AS_EMAIL || value->len == 0)
		return;
	if (is_email(*value) && !(f->max && value->len > f->max))
		return;
	sieve_add_note(
		r, str_c(arena_printf(r->arena,
			   "line %u: %.*s is left out: \"%.*s\" is no "
			   "address for it",
			   n->pos.line, STR_ARG(f->name), STR_ARG(shown))));
	*value = STR("");
}

static int exec_field(struct sieve_run *r, const struct sieve_node *n)
{
	const struct field *f = n->data;
	const struct sieve_text *text = &n->positional[1]->texts[0];
	struct str value, of = STR_NULL;
	ssize_t record = mailmill_deferred(r, text, &of);
	int rc;

	if (record >= 0)
		return add_reference(r, n, f, record, of);
	rc = sieve_text_get(r, text, &value);
	if (rc < 0)
		return mailmill_go_on(rc);
	check_value(r, n, f, &value);
	return value.len ? add_text(r, n, f, value) : add_empty(r, n, f);
}

static const struct sieve_tag upsert_tags[] = {
	{ "by", SIEVE_CONST, "field name", SIEVE_REQUIRED, 0, check_by },
	{ 0 },
};

static const struct sieve_tag field_tags[] = {
	{ "max", SIEVE_NUMBER, "number of characters", 0, 0, NULL },
	{ "overflow", SIEVE_CONST, "fail, cut or file", 0, 0, NULL },
	{ "empty", SIEVE_CONST, "skip, null or fail", 0, 0, NULL },
	{ "as", SIEVE_CONST, "text or email", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "create",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK,
		.params = { { SIEVE_CONST, "object", 0 },
			{ SIEVE_CONST, "name", SIEVE_OPTIONAL } },
		.check = check_create,
		.check_end = check_create_end,
		.exec = exec_create },
	{ .name = "upsert",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK,
		.params = { { SIEVE_CONST, "object", 0 },
			{ SIEVE_CONST, "name", SIEVE_OPTIONAL } },
		.tags = upsert_tags,
		.check = check_create,
		.check_end = check_create_end,
		.exec = exec_upsert },
	{ .name = "update",
		.flags = SIEVE_COMMAND | SIEVE_BLOCK,
		.params = { { SIEVE_CONST, "record", 0 } },
		.check = check_update,
		.exec = exec_update },
	{ .name = "delete",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "record", 0 } },
		.check = check_update,
		.exec = exec_delete },
	{ .name = "field",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "field", 0 },
			{ SIEVE_STRING, "value", SIEVE_DEFERS } },
		.tags = field_tags,
		.check = check_field,
		.exec = exec_field },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_record = {
	.capability = "vnd.mailmill",
	.words = words,
};
