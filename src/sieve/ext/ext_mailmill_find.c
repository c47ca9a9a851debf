/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_find.c - find and thread: records that are there already.
 *
 * Both ask the target by way of the mill. find is a command, which asks and
 * goes on, or a test, which must know. A value to find by that is empty finds
 * nothing and asks nothing: else a mail without a sender would be given the
 * first Contact that has no address.
 */
#include <mailmill/utf8.h>

#include "ext_mailmill.h"

/* Message-IDs that a thread is looked for by: nearest first, so that the
 * beginning of a very long thread is what is left out. */
#define THREAD_IDS_MAX 50

struct find {
	int index; /* of the name */
	struct str *fields;
	size_t n_fields;
	bool is_first;
	struct str order;
};

/*
 * find
 */

static int check_where(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	const struct sieve_arg *p = t->param;

	if (p->n > 2 * (size_t)PLAN_WHERE_MAX)
		return sieve_error(c, p->pos, ":where takes at most %d pairs",
			PLAN_WHERE_MAX);
	if (p->n % 2) {
		sieve_error(c, p->pos,
			":where takes pairs of field and value, "
			"but the list holds %zu strings",
			p->n);
		return sieve_hint(c, ":where [\"Email\", \"${mail.from}\"]");
	}
	for (size_t i = 0; i < p->n; i += 2) {
		if (p->texts[i].n_pieces)
			return sieve_error(c, p->texts[i].pos,
				"a field to find by cannot hold a variable");
		if (mailmill_check_api_name(c, &p->texts[i], "field") < 0)
			return -1;
	}
	return 0;
}

static int check_fields(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *t)
{
	if (t->param->n > PLAN_COLUMNS_MAX)
		return sieve_error(c, t->param->pos,
			"at most %d fields can be brought", PLAN_COLUMNS_MAX);
	for (size_t i = 0; i < t->param->n; i++)
		if (mailmill_check_api_name(c, &t->param->texts[i], "field") <
			0)
			return -1;
	return 0;
}

static int check_names(struct sieve_check *c, struct sieve_node *n)
{
	return mailmill_check_api_name(
		c, &n->positional[0]->texts[0], "object");
}

static int check_find(struct sieve_check *c, struct sieve_node *n)
{
	const struct sieve_arg *fields = sieve_node_param(n, "fields");
	const struct sieve_arg *order = sieve_node_param(n, "order");
	struct find *f = ARENA_NEW(sieve_check_arena(c), struct find);

	if (check_names(c, n) < 0)
		return -1;
	f->index = mailmill_declare(
		c, n->positional[1], n->positional[0], MAILMILL_FINDS);
	if (f->index < 0)
		return -1;
	f->n_fields = fields ? fields->n : 0;
	f->fields = arena_array(
		sieve_check_arena(c), f->n_fields, sizeof(*f->fields));
	for (size_t i = 0; i < f->n_fields; i++) {
		f->fields[i] = fields->texts[i].value;
		mailmill_declare_field(c, f->index, f->fields[i]);
	}
	f->is_first = sieve_node_tag(n, "first") != NULL;
	f->order = order ? sieve_arg_const(order) : STR("");
	n->data = f;
	return 0;
}

/* Returns: 1 there is something to ask, 0 a value is empty, or < 0. */
static int fill_where(struct sieve_run *r, const struct sieve_node *n,
	struct plan_question *q)
{
	const struct sieve_arg *where = sieve_node_param(n, "where");
	struct str *texts;
	int rc = sieve_arg_list(r, where, &texts);

	if (rc < 0)
		return rc;
	q->n_where = where->n / 2;
	q->where = arena_array(r->arena, q->n_where, sizeof(*q->where));
	for (size_t i = 0; i < q->n_where; i++) {
		q->where[i].name = texts[2 * i];
		q->where[i].value = utf8_mend(
			r->arena, str_trim(texts[2 * i + 1]));
		if (q->where[i].value.len == 0)
			return 0;
	}
	return 1;
}

static void tell_several(struct sieve_run *r, const struct sieve_node *n,
	const struct mailmill_bound *b)
{
	sieve_add_note(
		r, str_c(arena_printf(r->arena,
			   "line %u: more than one %.*s was found for "
			   "'%.*s', so none is used",
			   n->pos.line, STR_ARG(b->object), STR_ARG(b->name))));
}

static int take_answer(struct sieve_run *r, const struct sieve_node *n,
	const struct facts_answer *answer)
{
	const struct find *f = n->data;
	struct mailmill_bound *b = mailmill_bound(r, f->index);
	bool is_one = answer->n_rows == 1 || (f->is_first && answer->n_rows);

	mailmill_bind_row(b, is_one ? &answer->rows[0] : NULL, false);
	if (!is_one && answer->n_rows)
		tell_several(r, n, b);
	return is_one;
}

static int test_find(struct sieve_run *r, const struct sieve_node *n)
{
	const struct find *f = n->data;
	struct mailmill_bound *b = mailmill_bound(r, f->index);
	struct plan_question q = {
		.kind = PLAN_FIND,
		.object = sieve_arg_const(n->positional[0]),
		.fields = f->fields,
		.n_fields = f->n_fields,
		.order = f->order,
		.is_first = f->is_first,
	};
	const struct facts_answer *answer;
	int rc;

	mailmill_bind_row(b, NULL, true);
	rc = fill_where(r, n, &q);
	if (rc <= 0) {
		mailmill_bind_row(b, NULL, rc == SIEVE_WAIT);
		return rc;
	}
	if (sieve_ask(r, &q, &answer) < 0)
		return SIEVE_FAILED;
	return answer ? take_answer(r, n, answer) : SIEVE_WAIT;
}

static int exec_find(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = test_find(r, n);

	return rc == SIEVE_FAILED ? SIEVE_FAILED : SIEVE_GO_ON;
}

/*
 * thread
 */

#define WITHIN_DEFAULT 30 /* days in which a subject counts */
#define WITHIN_MAX 3650
#define AUTHORS_MAX 5
#define THREAD_TOKENS_MAX 50

static const char *const ways[] = { "references", "token", "subject" };

struct thread {
	int index; /* of the name */
	struct str *by;
	size_t n_by;
	bool has_way[COUNT(ways)];
	uint64_t within;
	bool is_participants;
};

static struct thread *thread_of(struct sieve_check *c, struct sieve_node *n)
{
	struct thread *t = n->data;

	if (!t)
		n->data = t = ARENA_NEW(sieve_check_arena(c), struct thread);
	return t;
}

/* Giving one twice asks no more than once. */
static void add_way(struct thread *t, int way)
{
	if (!t->has_way[way])
		t->by[t->n_by++] = str_c(ways[way]);
	t->has_way[way] = true;
}

static int check_by(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *tag)
{
	struct thread *t = thread_of(c, n);

	t->by = arena_array(sieve_check_arena(c), COUNT(ways), sizeof(*t->by));
	for (size_t i = 0; i < tag->param->n; i++) {
		const struct sieve_text *text = &tag->param->texts[i];
		int way = mailmill_choice(
			c, text, "way to find a thread", ways, COUNT(ways));
		if (way < 0)
			return -1;
		add_way(t, way);
	}
	return 0;
}

static int check_within(struct sieve_check *c, struct sieve_node *n,
	const struct sieve_tagged *tag)
{
	if (tag->param->number < 1 || tag->param->number > WITHIN_MAX)
		return sieve_error(c, tag->param->pos,
			":within takes at least one day, and at most %d",
			WITHIN_MAX);
	thread_of(c, n)->within = tag->param->number;
	return 0;
}

static int check_thread(struct sieve_check *c, struct sieve_node *n)
{
	static const struct str default_ways[] = { { "references", 10 },
		{ "token", 5 } };
	const struct sieve_arg *by = sieve_node_param(n, "by");
	struct thread *t = thread_of(c, n);

	if (check_names(c, n) < 0)
		return -1;
	t->is_participants = sieve_node_tag(n, "participants") != NULL;
	if (!by) {
		t->by = arena_grow(sieve_check_arena(c), default_ways,
			COUNT(default_ways), COUNT(default_ways),
			sizeof(*t->by));
		t->n_by = COUNT(default_ways);
		t->has_way[0] = t->has_way[1] = true;
	}
	if (!t->has_way[2] && (t->within || t->is_participants)) {
		sieve_error(c, n->pos,
			"':%s' says something of threads found by their "
			"subject, and none is looked for by it",
			t->within ? "within" : "participants");
		return sieve_hint(c, ":by [\"references\", \"subject\"]");
	}
	if (t->has_way[2] && !t->within)
		t->within = WITHIN_DEFAULT;
	t->index = mailmill_declare(
		c, n->positional[1], n->positional[0], MAILMILL_THREADS);
	return t->index < 0 ? -1 : 0;
}

/* Takes ids as they are, but for those that no mail program could answer by. */
static size_t take_ids(struct sieve_run *r, struct str **out)
{
	struct str *ids;
	size_t n = mail_references(r->mail, &ids), n_out = 0;

	*out = arena_array(r->arena, MIN(n, THREAD_IDS_MAX), sizeof(**out));
	for (size_t i = 0; i < n && n_out < THREAD_IDS_MAX; i++) {
		bool is_bad = ids[i].len > PLAN_VALUE_MAX;
		for (size_t k = 0; k < ids[i].len && !is_bad; k++)
			is_bad = (unsigned char)ids[i].p[k] < ' ' ||
				 ids[i].p[k] == 0x7f;
		if (!is_bad)
			(*out)[n_out++] = ids[i];
	}
	return n_out;
}

static void add_token(
	struct plan_question *q, const char *place, struct str token)
{
	for (size_t i = 0; i < q->n_tokens; i++)
		if (str_eq(q->tokens[i].value, token))
			return;
	if (q->n_tokens < THREAD_TOKENS_MAX)
		q->tokens[q->n_tokens++] = (struct plan_pair){ str_c(place),
			token };
}

/* First those of the addresses that the mail was sent to. */
static void take_tokens(struct sieve_run *r, struct plan_question *q)
{
	const struct mail_token *items;
	size_t n = mail_tokens(r->mail, &items), n_found;
	struct str found[4];

	q->tokens = arena_array(
		r->arena, THREAD_TOKENS_MAX, sizeof(*q->tokens));
	for (size_t i = 0; i < r->env->n_rcpts; i++) {
		n_found = mail_find_tokens(r->arena, r->env->rcpts[i].address,
			found, COUNT(found));
		for (size_t k = 0; k < n_found; k++)
			add_token(q, MAIL_TOKEN_ADDRESS, found[k]);
	}
	for (size_t i = 0; i < n; i++)
		add_token(q, items[i].place, items[i].text);
}

/* Takes from the mail what each way needs. Returns: false: there is nothing. */
static bool ask_by(
	struct sieve_run *r, const struct thread *t, struct plan_question *q)
{
	bool by_references = t->has_way[0], by_token = t->has_way[1];
	bool by_subject = t->has_way[2];

	q->by = t->by;
	q->n_by = t->n_by;
	if (by_references)
		q->n_ids = take_ids(r, &q->ids);
	if (by_token)
		take_tokens(r, q);
	if (by_subject) {
		q->subject = mail_thread_subject(r->mail);
		q->within = t->within;
		q->is_participants = t->is_participants;
	}
	if (q->subject.len || q->n_tokens) {
		q->authors = arena_array(
			r->arena, AUTHORS_MAX, sizeof(*q->authors));
		q->n_authors = mail_parties(
			r->mail, true, q->authors, AUTHORS_MAX);
	}
	return q->n_ids || q->n_tokens || q->subject.len;
}

static int test_thread(struct sieve_run *r, const struct sieve_node *n)
{
	const struct thread *t = n->data;
	struct mailmill_bound *b = mailmill_bound(r, t->index);
	struct plan_question q = {
		.kind = PLAN_THREAD,
		.object = sieve_arg_const(n->positional[0]),
	};
	const struct facts_answer *answer;

	mailmill_bind_row(b, NULL, false);
	if (!ask_by(r, t, &q))
		return 0;
	if (sieve_ask(r, &q, &answer) < 0)
		return SIEVE_FAILED;
	mailmill_bind_row(
		b, answer && answer->n_rows ? &answer->rows[0] : NULL, !answer);
	return answer ? answer->n_rows > 0 : SIEVE_WAIT;
}

static const struct sieve_tag find_tags[] = {
	{ "where", SIEVE_STRINGS, "fields and values", SIEVE_REQUIRED, 0,
		check_where },
	{ "fields", SIEVE_CONSTS, "field names", 0, 0, check_fields },
	{ "first", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ "order", SIEVE_CONST, "field name", 0, 0, check_fields },
	{ 0 },
};

static const struct sieve_tag thread_tags[] = {
	{ "by", SIEVE_CONSTS, "ways", 0, 0, check_by },
	{ "within", SIEVE_NUMBER, "days", 0, 0, check_within },
	{ "participants", SIEVE_NOTHING, NULL, 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "find",
		.flags = SIEVE_COMMAND | SIEVE_TEST,
		.params = { { SIEVE_CONST, "object", 0 },
			{ SIEVE_CONST, "name", 0 } },
		.tags = find_tags,
		.check = check_find,
		.exec = exec_find,
		.test = test_find },
	{ .name = "thread",
		.flags = SIEVE_TEST,
		.params = { { SIEVE_CONST, "object", 0 },
			{ SIEVE_CONST, "name", 0 } },
		.tags = thread_tags,
		.check = check_thread,
		.test = test_thread },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_find = {
	.capability = "vnd.mailmill",
	.words = words,
};
