/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run.c - walks a checked script with a mail and makes the plan.
 *
 * Nothing is done but collecting. An error at run time leaves nothing of the
 * plan but its reason: the mill puts the delivery aside as dead, and no half
 * of a decision is ever carried out. Every command, test and comparison costs
 * steps, and so does building strings, so that time and memory are bounded
 * whatever the script does.
 */
#include <mailmill/clock.h>
#include <mailmill/utf8.h>

#include "folder.h"
#include "message.h"
#include "script.h"

#define REASON_MAX 4000 /* bytes of why a rule failed */

#define FAIL_TEXT_MAX 4096

int sieve_fail(struct sieve_run *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(r->arena, fmt, ap);
	va_end(ap);
	text = arena_printf(r->arena, "%.*s: line %u: %s",
		STR_ARG(r->script->name), r->at ? r->at->pos.line : 0, text);
	/* values of the mail stand in it, whatever their bytes are */
	r->plan->fail = utf8_cut(utf8_mend(r->arena, str_c(text)), REASON_MAX);
	return SIEVE_FAILED;
}

void sieve_complain(struct sieve_run *r, const char *fmt, ...)
{
	const struct plan *p = r->plan;
	va_list ap;
	struct str text;

	va_start(ap, fmt);
	text = str_c(arena_vprintf(r->arena, fmt, ap));
	va_end(ap);
	text = str_c(arena_printf(r->arena, "%.*s: line %u: %.*s",
		STR_ARG(r->script->name), r->at ? r->at->pos.line : 0,
		STR_ARG(text)));
	text = utf8_cut(utf8_mend(r->arena, text), REASON_MAX);
	/* a test does so for each of a mail's values */
	if (p->n_notes && str_eq(p->notes[p->n_notes - 1], text))
		return;
	sieve_add_note(r, text);
	if (r->complain)
		r->complain(r, text);
}

/* What an evaluation may make beside the mail itself. */
#define MEMORY_MAX ((size_t)256 << 20)

/* Looking at the clock costs as much as some hundred steps. */
#define STEPS_A_LOOK 20000

static int look_at_clock(struct sieve_run *r)
{
	r->next_look = r->steps > STEPS_A_LOOK ? r->steps - STEPS_A_LOOK : 0;
	if (!r->limits->cpu_ms ||
		clock_cpu_ms() - r->cpu_begin <= r->limits->cpu_ms)
		return 0;
	return sieve_fail(r,
		"the rule needs more than %lld ms of processor time for this "
		"mail",
		(long long)r->limits->cpu_ms);
}

int sieve_step(struct sieve_run *r, uint64_t n)
{
	if (arena_used(r->arena) - r->used_before > MEMORY_MAX)
		return sieve_fail(r,
			"the rule needs more than %zu MiB for this mail",
			MEMORY_MAX >> 20);
	if (r->steps >= n) {
		r->steps -= n;
		return r->steps > r->next_look ? 0 : look_at_clock(r);
	}
	r->steps = 0;
	return sieve_fail(r,
		"the rule needs more than %llu steps for this mail",
		(unsigned long long)r->limits->steps);
}

int sieve_run_test(struct sieve_run *r, const struct sieve_node *test)
{
	const struct sieve_node *outer = r->at;
	int rc = sieve_step(r, 1);

	if (rc < 0)
		return rc;
	r->at = test;
	if (r->message && sieve_message_flush_for(r, test) < 0)
		return SIEVE_FAILED;
	rc = test->word->test(r, test);
	/* After a failure, `at` keeps the place. */
	if (rc >= 0)
		r->at = outer;
	return rc;
}

static int exec_command(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = sieve_step(r, 1);

	if (rc < 0)
		return rc;
	r->at = n;
	if (r->message && sieve_message_flush_for(r, n) < 0)
		return SIEVE_FAILED;
	if (n->word->exec)
		return n->word->exec(r, n);
	if (!n->word->test)
		return SIEVE_GO_ON;
	rc = n->word->test(r, n);
	return rc < 0 ? rc : SIEVE_GO_ON;
}

int sieve_exec_block(struct sieve_run *r, const struct sieve_node *n)
{
	int rc = SIEVE_GO_ON;

	for (size_t i = 0; rc == SIEVE_GO_ON && i < n->n_block; i++)
		rc = exec_command(r, n->block[i]);
	return rc;
}

/* Makes room for one more; the room follows from the count. */
static void *add_room(struct sieve_run *r, void *items, size_t n, size_t size)
{
	if (n && n & (n - 1))
		return items;
	return arena_grow(r->arena, items, n, MAX(1, n * 2), size);
}

/*
 * Headers: found by name once for each name that the script has.
 */

struct header_list {
	const struct mail_header **items;
	size_t n;
	bool is_known;
};

static void find_headers(
	struct sieve_run *r, struct str name, struct header_list *out)
{
	size_t n;
	const struct mail_header *all = mail_fields(r->mail, &n);

	out->is_known = true;
	for (size_t i = 0; i < n; i++) {
		if (all[i].name.len != name.len ||
			!str_eq_case(all[i].name, name))
			continue;
		(void)mail_field_value(r->mail, i);
		out->items = add_room(
			r, (void *)out->items, out->n, sizeof(*out->items));
		out->items[out->n++] = &all[i];
	}
}

static const struct header_list *get_headers(struct sieve_run *r, unsigned id)
{
	struct header_list *list;

	if (!r->headers)
		r->headers = arena_array(r->arena, r->script->root->n_headers,
			sizeof(struct header_list));
	list = &r->headers[id];
	if (!list->is_known)
		find_headers(r, r->script->root->headers[id], list);
	return list;
}

int sieve_run_headers(struct sieve_run *r, const struct sieve_arg *a,
	const struct mail_header ***out, size_t *n)
{
	struct header_list *lists = arena_array(r->arena, a->n, sizeof(*lists));
	size_t total = 0;

	for (size_t i = 0; i < a->n; i++) {
		struct str name;
		int rc;

		if (a->ids) {
			lists[i] = *get_headers(r, a->ids[i]);
		} else {
			rc = sieve_text_get(r, &a->texts[i], &name);
			if (rc < 0)
				return rc;
			find_headers(r, name, &lists[i]);
		}
		total += lists[i].n;
	}
	*n = total;
	if (a->n == 1) {
		*out = lists[0].items;
		return 0;
	}
	*out = arena_array(r->arena, total + 1, sizeof(**out));
	for (size_t i = 0, at = 0; i < a->n; i++)
		for (size_t k = 0; k < lists[i].n; k++)
			(*out)[at++] = lists[i].items[k];
	return sieve_step(r, total);
}

struct address_list {
	struct mail_address *items;
	size_t n;
	bool is_known;
};

size_t sieve_run_addresses(struct sieve_run *r, const struct mail_header *h,
	const struct mail_address **out)
{
	size_t n;
	const struct mail_header *all = mail_fields(r->mail, &n);
	struct address_list *list;

	if (h < all || h >= all + n) { /* a part's */
		struct mail_address *list_of;
		size_t count = mail_addresses(r->arena, h->raw, &list_of);
		*out = list_of;
		return count;
	}
	if (!r->addresses)
		r->addresses = arena_array(r->arena, n, sizeof(*r->addresses));
	list = &r->addresses[h - all];
	if (!list->is_known) {
		list->n = mail_addresses(r->arena, h->raw, &list->items);
		list->is_known = true;
	}
	*out = list->items;
	return list->n;
}

void sieve_values_add(
	struct sieve_run *r, struct sieve_values *v, struct str value)
{
	v->items = add_room(r, v->items, v->n, sizeof(*v->items));
	v->items[v->n++] = value;
}

/*
 * The plan
 */

/* keep is fileinto into the default folder, and the other way round. */
static bool is_same_action(const struct sieve_run *r,
	const struct plan_action *a, const struct plan_action *b)
{
	struct str folder = r->settings->default_folder;

	if (a->kind == PLAN_FILEINTO && b->kind == PLAN_FILEINTO)
		return sieve_folder_is_same(a->value, b->value);
	if (a->kind == b->kind)
		return a->kind != PLAN_NOTIFY && str_eq(a->value, b->value);
	return (a->kind == PLAN_KEEP && b->kind == PLAN_FILEINTO &&
		       sieve_folder_is_same(b->value, folder)) ||
	       (b->kind == PLAN_KEEP && a->kind == PLAN_FILEINTO &&
		       sieve_folder_is_same(a->value, folder));
}

static struct plan_action *find_action(
	const struct sieve_run *r, const struct plan_action *like)
{
	for (size_t i = 0; i < r->plan->n_actions; i++)
		if (is_same_action(r, &r->plan->actions[i], like))
			return &r->plan->actions[i];
	return NULL;
}

static size_t count_notifies(const struct sieve_run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->plan->n_actions; i++)
		n += r->plan->actions[i].kind == PLAN_NOTIFY;
	return n;
}

static int check_action_limits(struct sieve_run *r, enum plan_action_kind kind)
{
	if (r->plan->n_actions >= r->limits->actions)
		return sieve_fail(r,
			"total number of actions exceeds policy limit (%u)",
			r->limits->actions);
	if (kind == PLAN_NOTIFY && count_notifies(r) >= r->limits->notifies)
		return sieve_fail(r,
			"number of notify actions exceeds policy limit (%u)",
			r->limits->notifies);
	if (kind != PLAN_REDIRECT)
		return 0;
	if (r->n_redirects >= r->limits->redirects)
		return sieve_fail(r,
			"number of redirect actions exceeds policy limit (%u)",
			r->limits->redirects);
	r->n_redirects++;
	return 0;
}

static int ask_extensions(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a)
{
	for (size_t i = 0; sieve_exts[i]; i++)
		if (sieve_exts[i]->action_check &&
			sieve_exts[i]->action_check(r, n, a) < 0)
			return SIEVE_FAILED;
	return 0;
}

/* One refusal is enough: a later script's is dropped. */
static bool is_refused_before(
	const struct sieve_run *r, const struct plan_action *a)
{
	if (a->kind != PLAN_REJECT && a->kind != PLAN_EREJECT)
		return false;
	for (size_t i = 0; i < r->first_own; i++)
		if (r->plan->actions[i].kind == PLAN_REJECT ||
			r->plan->actions[i].kind == PLAN_EREJECT)
			return true;
	return false;
}

static bool ends_keep(const struct plan_action *a)
{
	return !a->is_copy && a->kind != PLAN_VACATION &&
	       a->kind != PLAN_NOTIFY;
}

int sieve_add(struct sieve_run *r, const struct sieve_node *n,
	const struct plan_action *action)
{
	struct plan_action a = *action, *former;
	struct plan *p = r->plan;

	if (n)
		a.line = n->pos.line;
	if (is_refused_before(r, &a))
		return 0;
	if (ask_extensions(r, n, &a) < 0)
		return SIEVE_FAILED;
	if (a.kind == PLAN_REDIRECT)
		sieve_trace_redirect(r, &a);
	if (ends_keep(&a))
		r->is_kept = false;
	former = find_action(r, &a);
	if (former) {
		if (former->kind != a.kind && a.kind == PLAN_KEEP) {
			former->kind = PLAN_KEEP;
			former->value = STR_NULL;
			former->is_implicit = a.is_implicit;
		}
		former->flags = a.flags;
		former->n_flags = a.n_flags;
		former->is_create |= a.is_create;
		former->is_copy &= a.is_copy;
		if (a.is_implicit) { /* RFC 5293 section 7: at the end */
			former->pieces = a.pieces;
			former->n_pieces = a.n_pieces;
		}
		return 0;
	}
	if (n && check_action_limits(r, a.kind) < 0)
		return SIEVE_FAILED;
	p->actions = add_room(r, p->actions, p->n_actions, sizeof(*p->actions));
	p->actions[p->n_actions++] = a;
	return 0;
}

int sieve_add_action(struct sieve_run *r, const struct sieve_node *n,
	enum plan_action_kind kind, struct str value, bool is_copy)
{
	return sieve_add(r, n,
		&(struct plan_action){ .kind = kind,
			.value = arena_str(r->arena, value),
			.is_copy = is_copy });
}

ssize_t sieve_add_record(struct sieve_run *r, const struct sieve_node *n,
	enum plan_op op, struct str object, struct str name)
{
	struct plan *p = r->plan;

	if (p->n_records >= MIN(r->limits->records, PLAN_RECORDS_MAX))
		return sieve_fail(
			r, "more than %u records", r->limits->records);
	r->is_kept = false;
	p->records = add_room(r, p->records, p->n_records, sizeof(*p->records));
	p->records[p->n_records] = (struct plan_record){
		.op = op,
		.name = name,
		.object = object,
		.line = n->pos.line,
	};
	return (ssize_t)p->n_records++;
}

struct plan_field *sieve_add_field(struct sieve_run *r,
	const struct sieve_node *n, size_t record, struct str name)
{
	struct plan_record *rec = &r->plan->records[record];
	struct plan_field *f;

	must(record < r->plan->n_records);
	if (rec->n_fields >= PLAN_FIELDS_MAX) {
		sieve_fail(r, "more than %d fields in %.*s", PLAN_FIELDS_MAX,
			STR_ARG(rec->name));
		return NULL;
	}
	rec->fields = add_room(
		r, rec->fields, rec->n_fields, sizeof(*rec->fields));
	f = &rec->fields[rec->n_fields++];
	*f = (struct plan_field){ .name = name, .line = n->pos.line };
	return f;
}

static size_t count_files(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_records; i++)
		n += p->records[i].n_files;
	return n;
}

struct plan_file *sieve_add_file(
	struct sieve_run *r, const struct sieve_node *n, size_t record)
{
	struct plan_record *rec = &r->plan->records[record];
	struct plan_file *f;

	must(record < r->plan->n_records);
	if (count_files(r->plan) >= PLAN_FILES_MAX) {
		sieve_fail(r, "more than %d files", PLAN_FILES_MAX);
		return NULL;
	}
	rec->files = add_room(r, rec->files, rec->n_files, sizeof(*rec->files));
	f = &rec->files[rec->n_files++];
	*f = (struct plan_file){ .line = n->pos.line };
	return f;
}

int sieve_add_mark(struct sieve_run *r, const struct plan_mark *m)
{
	struct plan *p = r->plan;

	for (size_t i = 0; i < p->n_marks; i++) {
		if (!str_eq(p->marks[i].key, m->key))
			continue;
		p->marks[i] = *m;
		return 0;
	}
	if (p->n_marks == PLAN_MARKS_MAX)
		return sieve_fail(
			r, "more than %d tests for duplicates", PLAN_MARKS_MAX);
	p->marks = add_room(r, p->marks, p->n_marks, sizeof(*p->marks));
	p->marks[p->n_marks++] = *m;
	return 0;
}

void sieve_add_note(struct sieve_run *r, struct str text)
{
	struct plan *p = r->plan;

	if (p->n_notes >= PLAN_NOTES_MAX)
		return;
	if (p->n_notes == PLAN_NOTES_MAX - 1)
		text = STR("there would be more notes");
	p->notes = add_room(r, p->notes, p->n_notes, sizeof(*p->notes));
	p->notes[p->n_notes++] = arena_str(r->arena, utf8_mend(r->arena, text));
}

int sieve_ask(struct sieve_run *r, struct plan_question *q,
	const struct facts_answer **out)
{
	struct plan *p = r->plan;

	plan_name_question(r->arena, q);
	*out = r->facts ? facts_find(r->facts, q->name) : NULL;
	if (!*out && r->answer)
		*out = r->answer(r, q);
	if (*out)
		return 0;
	for (size_t i = 0; i < p->n_questions; i++)
		if (str_eq(p->questions[i].name, q->name))
			return 0;
	if (p->n_questions == PLAN_QUESTIONS_MAX)
		return sieve_fail(
			r, "more than %d questions", PLAN_QUESTIONS_MAX);
	p->questions = add_room(
		r, p->questions, p->n_questions, sizeof(*p->questions));
	p->questions[p->n_questions++] = *q;
	return 0;
}

/*
 * State
 */

void *sieve_run_state(
	struct sieve_run *r, const struct sieve_ext *ext, size_t size)
{
	void **state = &r->states[sieve_ext_index(ext)];

	if (!*state)
		*state = arena_alloc(r->arena, size);
	return *state;
}

void *sieve_run_script_state(
	const struct sieve_run *r, const struct sieve_ext *ext)
{
	const struct sieve_script *s = ext->shares_state ? r->script->root
							 : r->script;

	return s->states[sieve_ext_index(ext)];
}

const struct sieve_regex *sieve_run_regex(
	struct sieve_run *r, struct str pattern, unsigned flags)
{
	char error[SIEVE_REGEX_ERROR_MAX];
	struct sieve_regex *re;
	size_t offset;

	if (sieve_regex_compile(pattern, flags, &re, error, &offset) < 0) {
		sieve_complain(r, "invalid pattern \"%.*s\": %s",
			STR_ARG(str_sub(pattern, 0, 200)), error);
		return NULL;
	}
	r->regexes = add_room(r, r->regexes, r->n_regexes, sizeof(*r->regexes));
	r->regexes[r->n_regexes++] = re;
	return re;
}

/*
 * From start to end
 */

struct sieve_run *sieve_run_new(const struct sieve_script *s, struct mail *mail,
	const struct envelope *env, const struct facts *facts, struct arena *a,
	struct err *err)
{
	struct sieve_run *r = ARENA_NEW(a, struct sieve_run);

	r->script = s;
	r->settings = s->settings;
	r->limits = &s->settings->limits;
	r->mail = r->stored = mail;
	r->env = env;
	r->facts = facts;
	r->arena = a;
	r->err = err;
	r->is_kept = true;
	r->steps = r->next_look = s->settings->limits.steps;
	r->cpu_begin = clock_cpu_ms();
	r->used_before = arena_used(a);
	r->plan = ARENA_NEW(a, struct plan);
	r->plan->script = arena_str(a, s->name);
	r->plan->script_sha256 = arena_str(a, s->sha256);
	r->variables = arena_array(a, s->n_variables, sizeof(*r->variables));
	r->globals = arena_array(a, s->n_globals, sizeof(*r->globals));
	r->is_included = arena_array(a, s->n_included, sizeof(bool));
	r->states = arena_array(a, SIEVE_EXTS_MAX, sizeof(*r->states));
	return r;
}

int sieve_run_script(struct sieve_run *r)
{
	int flow = sieve_exec_block(r, r->script->top);

	if (flow >= 0 && sieve_message_flush(r) < 0)
		return SIEVE_FAILED;
	return flow == SIEVE_RETURN ? SIEVE_STOP : flow;
}

/* Leaves nothing of the plan but why it failed. */
static void leave_reason(struct sieve_run *r)
{
	const struct plan *p = r->plan;
	struct plan *left = ARENA_NEW(r->arena, struct plan);

	left->script = p->script;
	left->script_sha256 = p->script_sha256;
	left->notes = p->notes;
	left->n_notes = p->n_notes;
	left->fail = p->fail.len ? p->fail : STR("failed");
	r->plan = left;
}

void sieve_run_finish(struct sieve_run *r, int flow)
{
	struct plan *p = r->plan;
	struct plan_action keep;

	/* What lacks an answer may have failed for no other reason. */
	if (p->n_questions) {
		p->fail = STR_NULL;
	} else if (flow == SIEVE_FAILED) {
		leave_reason(r);
		return;
	}
	if (!r->is_kept || p->n_questions)
		return;
	keep = (struct plan_action){ .kind = PLAN_KEEP, .is_implicit = true };
	if (sieve_add(r, NULL, &keep) < 0)
		leave_reason(r);
}

void sieve_run_forget_headers(struct sieve_run *r)
{
	r->headers = NULL;
	r->addresses = NULL;
}

void sieve_run_set_mail(
	struct sieve_run *r, struct mail *mail, const struct envelope *env)
{
	r->mail = r->stored = mail;
	r->message = NULL;
	r->mail_number++;
	r->env = env;
	sieve_run_forget_headers(r);
}

void sieve_run_fini(struct sieve_run *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_regexes; i++)
		sieve_regex_free(r->regexes[i]);
	r->n_regexes = 0;
}
