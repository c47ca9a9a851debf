/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill.c - names and values of vnd.mailmill: ${mail.subject},
 * ${envelope.from}, ${route}, ${source}, ${sender.Id}.
 *
 * vnd.mailmill is a family: one capability, a file for each group of words.
 * What they share is here: the names that find, thread, create and upsert
 * give to records.
 *
 * While compiling, names are known in the order of the text. Since nothing
 * loops, whatever runs before a place also stands before it, so that a name
 * unknown there is a mistake. A record that the plan itself creates has no
 * values yet: ${case.Id} of such a one is a reference, which only the target
 * can fill in; it may stand alone as the value of a field and nowhere else,
 * and that is told while compiling.
 *
 * While evaluating, a name stands for nothing, for a row that was found, for a
 * record that this plan creates, or its question is not answered yet. Reading
 * a value that waits for an answer ends the evaluation there (SIEVE_WAIT); all
 * else goes on, so that one evaluation gathers as many questions as it can:
 *   - find as a command asks and goes on; as a test it must know;
 *   - field and note with a value that waits are passed over, since a plan
 *     with questions counts for nothing else.
 * The order of questions, and whether they are asked, depend on the mail, the
 * script and the answers so far alone.
 */
#include <mailmill/utf8.h>

#include "../script.h"
#include "ext_mailmill.h"

/* Room is left for what mailmill_unique() puts behind it. */
#define RECORD_NAME_MAX 64
#define API_NAME_MAX 200
#define REASON_MAX 1000

struct mailmill_script {
	struct mailmill_name *names;
	size_t n_names;
	bool asks_dns;
};

/*
 * Names while compiling
 */

static struct mailmill_script *script_state(struct sieve_check *c)
{
	return sieve_check_state(
		c, &sieve_ext_mailmill, sizeof(struct mailmill_script));
}

const struct mailmill_name *mailmill_name(struct sieve_check *c, int index)
{
	return &script_state(c)->names[index];
}

static int find_name(const struct mailmill_script *s, struct str name)
{
	for (size_t i = 0; i < s->n_names; i++)
		if (str_eq_case(s->names[i].name, name))
			return (int)i;
	return -1;
}

/* Names that mean something else already, here or in other extensions. */
static bool is_reserved(struct str name)
{
	static const char *const reserved[] = { "mail", "envelope", "route",
		"source", "env", "global", "tst" };

	for (size_t i = 0; i < COUNT(reserved); i++)
		if (str_eq_case(name, str_c(reserved[i])))
			return true;
	return false;
}

static int add_name(
	struct sieve_check *c, const struct sieve_arg *name, struct str object)
{
	struct mailmill_script *s = script_state(c);
	struct str text = sieve_arg_const(name);

	if (!sieve_is_identifier(text) || text.len > RECORD_NAME_MAX)
		return sieve_error(c, name->pos,
			"'%.*s' cannot name a record: a name is letters, "
			"digits and _, at most %d",
			STR_ARG(text), RECORD_NAME_MAX);
	if (is_reserved(text))
		return sieve_error(c, name->pos,
			"'%.*s' cannot name a record: it has a meaning of its "
			"own",
			STR_ARG(text));
	if (s->n_names == MAILMILL_NAMES_MAX)
		return sieve_error(c, name->pos,
			"more than %d names of records", MAILMILL_NAMES_MAX);
	s->names = arena_grow(sieve_check_arena(c), s->names, s->n_names,
		s->n_names + 1, sizeof(*s->names));
	s->names[s->n_names].name = text;
	s->names[s->n_names].object = object;
	s->names[s->n_names].line = name->pos.line;
	return (int)s->n_names++;
}

int mailmill_declare(struct sieve_check *c, const struct sieve_arg *name,
	const struct sieve_arg *object, enum mailmill_how how)
{
	struct str what = sieve_arg_const(object);
	int index = find_name(script_state(c), sieve_arg_const(name));
	struct mailmill_name *n;

	if (index < 0)
		index = add_name(c, name, what);
	if (index < 0)
		return -1;
	n = &script_state(c)->names[index];
	if (!str_eq_case(n->object, what))
		return sieve_error(c, name->pos,
			"'%.*s' names a %.*s since line %u and cannot name a "
			"%.*s, too",
			STR_ARG(n->name), STR_ARG(n->object), n->line,
			STR_ARG(what));
	n->is_created |= how == MAILMILL_CREATES;
	n->is_found |= how == MAILMILL_FINDS;
	n->is_threaded |= how == MAILMILL_THREADS;
	return index;
}

void mailmill_declare_field(struct sieve_check *c, int index, struct str field)
{
	struct mailmill_name *n = &script_state(c)->names[index];

	n->fields = arena_grow(sieve_check_arena(c), n->fields, n->n_fields,
		n->n_fields + 1, sizeof(*n->fields));
	n->fields[n->n_fields++] = field;
}

/* Lists the names given so far as C strings, for "did you mean". */
static size_t list_names(struct sieve_check *c, const char ***out)
{
	struct mailmill_script *s = script_state(c);
	struct arena *a = sieve_check_arena(c);

	*out = arena_array(a, s->n_names, sizeof(**out));
	for (size_t i = 0; i < s->n_names; i++)
		(*out)[i] = arena_str(a, s->names[i].name).p;
	return s->n_names;
}

int mailmill_lookup(struct sieve_check *c, const struct sieve_arg *name)
{
	int index = find_name(script_state(c), sieve_arg_const(name));
	const char **names;
	size_t n;

	if (index >= 0)
		return index;
	n = list_names(c, &names);
	if (n)
		return sieve_error_nearest(c, name->pos, "record",
			sieve_arg_const(name), names, n);
	sieve_error(c, name->pos, "unknown record '%.*s'",
		STR_ARG(sieve_arg_const(name)));
	return sieve_hint(c, "name it before, by find, thread, create or "
			     "upsert");
}

int mailmill_choice(struct sieve_check *c, const struct sieve_text *t,
	const char *what, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(t->value, str_c(names[i])))
			return (int)i;
	return sieve_error_nearest(c, t->pos, what, t->value, names, n);
}

int mailmill_check_api_name(
	struct sieve_check *c, const struct sieve_text *t, const char *what)
{
	if (sieve_is_dotted(t->value) && t->value.len <= API_NAME_MAX)
		return 0;
	return sieve_error(c, t->pos,
		"'%.*s' is no %s: letters, digits and _ are expected",
		STR_ARG(t->value), what);
}

bool mailmill_is_record(const struct sieve_node *n)
{
	static const char *const words[] = { "create", "update", "upsert" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq_case(n->name, str_c(words[i])))
			return true;
	return false;
}

/*
 * References
 */

enum ref_kind {
	REF_MAIL,
	REF_FROM,
	REF_TO,
	REF_ROUTE,
	REF_SOURCE,
	REF_RECORD
};

struct mailmill_ref {
	enum ref_kind kind;
	struct str name; /* REF_MAIL: lower case; REF_RECORD: the field */
	int index;	 /* of the record's name */
};

static int claim(struct sieve_check *c, struct sieve_ref *ref,
	enum ref_kind kind, struct str name, int index)
{
	struct mailmill_ref *mine = ARENA_NEW(
		sieve_check_arena(c), struct mailmill_ref);

	mine->kind = kind;
	mine->name = name;
	mine->index = index;
	ref->data = mine;
	return 1;
}

void mailmill_note_auth(struct sieve_check *c)
{
	script_state(c)->asks_dns = true;
}

bool sieve_asks_dns(const struct sieve_script *s)
{
	const struct mailmill_script *state =
		s->root->states[sieve_ext_index(&sieve_ext_mailmill)];

	return state && state->asks_dns;
}

/* Lists all values of a mail, those of mail.h first. */
static size_t list_values(struct sieve_check *c, const char ***out)
{
	const char *const *names = mail_value_names();
	size_t n_mail = 0, n = 0;

	while (names[n_mail])
		n_mail++;
	while (mailmill_auth_name(n))
		n++;
	*out = arena_array(sieve_check_arena(c), n_mail + n, sizeof(**out));
	for (size_t i = 0; i < n_mail; i++)
		(*out)[i] = names[i];
	for (size_t i = 0; i < n; i++)
		(*out)[n_mail + i] = mailmill_auth_name(i);
	return n_mail + n;
}

static int check_mail(
	struct sieve_check *c, struct sieve_ref *ref, struct str name)
{
	const char **names;
	size_t n;

	name = arena_lower(sieve_check_arena(c), name);
	if (str_starts(name, STR("header.")) &&
		sieve_is_identifier(str_sub(name, 7, SIZE_MAX)))
		return claim(c, ref, REF_MAIL, name, 0);
	n = list_values(c, &names);
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(name, str_c(names[i])) || str_ends(name, STR(".")))
			continue;
		if (str_starts(name, STR("auth.")))
			mailmill_note_auth(c);
		return claim(c, ref, REF_MAIL, name, 0);
	}
	return sieve_error_nearest(
		c, ref->pos, "value of mail", name, names, n);
}

static int check_envelope(
	struct sieve_check *c, struct sieve_ref *ref, struct str name)
{
	static const char *const names[] = { "from", "to" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq_case(name, str_c(names[i])))
			return claim(c, ref, i ? REF_TO : REF_FROM, name, 0);
	return sieve_error_nearest(
		c, ref->pos, "value of envelope", name, names, COUNT(names));
}

static int check_created(struct sieve_check *c, const struct sieve_ref *ref,
	const struct mailmill_name *n, struct str field)
{
	if (!str_eq_case(field, STR("Id"))) {
		sieve_error(c, ref->pos,
			"${%.*s} is not known: the record may be created by "
			"this mail",
			STR_ARG(ref->name));
		return sieve_hint(
			c, "only ${%.*s.Id} can be used", STR_ARG(n->name));
	}
	if (ref->is_whole && ref->may_defer)
		return 0;
	sieve_error(c, ref->pos,
		"${%.*s} is not known before the record is created",
		STR_ARG(ref->name));
	return sieve_hint(c,
		"it can only be the whole value of a field: field \"...\" "
		"\"${%.*s}\"",
		STR_ARG(ref->name));
}

static int check_found(struct sieve_check *c, const struct sieve_ref *ref,
	const struct mailmill_name *n, struct str field)
{
	struct arena *a = sieve_check_arena(c);
	const char **names;

	if (str_eq_case(field, STR("Id")))
		return 0;
	for (size_t i = 0; i < n->n_fields; i++)
		if (str_eq_case(field, n->fields[i]))
			return 0;
	if (!n->is_found) {
		sieve_error(c, ref->pos, "thread brings only ${%.*s.Id}",
			STR_ARG(n->name));
		return sieve_hint(c,
			"find :where [\"Id\", \"${%.*s.Id}\"] "
			"brings more",
			STR_ARG(n->name));
	}
	names = arena_array(a, n->n_fields + 1, sizeof(*names));
	names[0] = "Id";
	for (size_t i = 0; i < n->n_fields; i++)
		names[i + 1] = arena_str(a, n->fields[i]).p;
	sieve_error_nearest(c, ref->pos,
		arena_printf(a, "value of %.*s", STR_ARG(n->name)), field,
		names, n->n_fields + 1);
	return sieve_hint(c,
		"name the field in its find: :fields "
		"[\"%.*s\"]",
		STR_ARG(field));
}

static int check_record(struct sieve_check *c, struct sieve_ref *ref, int index,
	struct str field)
{
	const struct mailmill_name *n = mailmill_name(c, index);
	int rc = n->is_created ? check_created(c, ref, n, field)
			       : check_found(c, ref, n, field);

	return rc < 0 ? -1 : claim(c, ref, REF_RECORD, field, index);
}

/* A namespace that nobody has is likely a record's name with a slip. */
static int check_slip(
	struct sieve_check *c, struct sieve_ref *ref, struct str space)
{
	const char **names;
	size_t n = list_names(c, &names);

	if (is_reserved(space) || str_nearest(space, names, n) < 0)
		return 0;
	return sieve_error_nearest(c, ref->pos, "record", space, names, n);
}

static int check_ref(struct sieve_check *c, struct sieve_ref *ref)
{
	ssize_t dot = str_chr(ref->name, '.');
	struct str space = str_sub(ref->name, 0, dot < 0 ? 0 : (size_t)dot);
	struct str rest = str_sub(ref->name, (size_t)(dot + 1), SIZE_MAX);
	int index;

	if (dot < 0 && str_eq_case(rest, STR("route")))
		return claim(c, ref, REF_ROUTE, rest, 0);
	if (dot < 0 && str_eq_case(rest, STR("source")))
		return claim(c, ref, REF_SOURCE, rest, 0);
	if (dot < 0)
		return 0;
	if (str_eq_case(space, STR("mail")))
		return check_mail(c, ref, rest);
	if (str_eq_case(space, STR("envelope")))
		return check_envelope(c, ref, rest);
	index = find_name(script_state(c), space);
	return index < 0 ? check_slip(c, ref, space)
			 : check_record(c, ref, index, rest);
}

static struct str join_rcpts(struct sieve_run *r)
{
	const struct envelope *env = r->env;
	char *out = arena_strdup(r->arena, "");

	if (env && env->n_rcpts == 1)
		return env->rcpts[0].address;
	for (size_t i = 0; env && i < env->n_rcpts; i++)
		out = arena_printf(r->arena, "%s%s%.*s", out, i ? ", " : "",
			STR_ARG(env->rcpts[i].address));
	return str_c(out);
}

/* As the test mail :kind sees it: with the envelope. */
enum mail_kind mailmill_kind(struct sieve_run *r)
{
	return mail_kind(
		r->mail, r->env ? arena_str(r->arena, r->env->sender).p : NULL);
}

static int get_mail(struct sieve_run *r, struct str name, struct str *out)
{
	int rc = mailmill_auth_value(r, name, out);

	if (rc)
		return MIN(rc, 0);
	if (str_eq(name, STR("kind")))
		*out = str_c(mail_kind_name(mailmill_kind(r)));
	else if (mail_value(r->mail, name, out) < 0)
		return sieve_fail(r, "mail has no value %.*s", STR_ARG(name));
	if (!out->p)
		*out = STR("");
	return 0;
}

static int get_record(
	struct sieve_run *r, const struct mailmill_ref *mine, struct str *out)
{
	const struct mailmill_bound *b = mailmill_bound(r, mine->index);

	switch (b->state) {
	case MAILMILL_PENDING:
		return SIEVE_WAIT;
	case MAILMILL_FOUND:
		*out = facts_row_get(b->row, mine->name);
		return 0;
	case MAILMILL_CREATED:
		return sieve_fail(r,
			"%.*s.%.*s is not known before the record "
			"is created",
			STR_ARG(b->name), STR_ARG(mine->name));
	case MAILMILL_NOTHING:
		break;
	}
	return 0;
}

static int get_ref(
	struct sieve_run *r, const struct sieve_ref *ref, struct str *out)
{
	const struct mailmill_ref *mine = ref->data;

	*out = STR("");
	switch (mine->kind) {
	case REF_MAIL:
		return get_mail(r, mine->name, out);
	case REF_FROM:
		*out = r->env ? r->env->sender : STR("");
		return 0;
	case REF_TO:
		*out = join_rcpts(r);
		return 0;
	case REF_ROUTE:
		*out = r->facts ? r->facts->route : STR("");
		return 0;
	case REF_SOURCE:
		*out = r->env ? r->env->source : STR("");
		return 0;
	case REF_RECORD:
		return get_record(r, mine, out);
	}
	return 0;
}

/*
 * Names while evaluating
 */

int mailmill_fail(struct sieve_run *r, struct str reason)
{
	r->plan->fail = utf8_cut(utf8_mend(r->arena, reason), REASON_MAX);
	if (r->plan->fail.len == 0)
		r->plan->fail = STR("the rule failed");
	return SIEVE_FAILED;
}

struct mailmill_run *mailmill_run(struct sieve_run *r)
{
	struct mailmill_run *m = sieve_run_state(
		r, &sieve_ext_mailmill, sizeof(struct mailmill_run));
	const struct mailmill_script *s = sieve_run_script_state(
		r, &sieve_ext_mailmill);
	size_t n = s ? s->n_names : 0;

	if (m->bounds)
		return m;
	m->bounds = arena_array(r->arena, n + 1, sizeof(*m->bounds));
	m->n_bounds = n;
	m->open = -1;
	for (size_t i = 0; i < n; i++) {
		m->bounds[i].name = s->names[i].name;
		m->bounds[i].object = s->names[i].object;
		m->bounds[i].record = -1;
	}
	return m;
}

struct mailmill_bound *mailmill_bound(struct sieve_run *r, int index)
{
	struct mailmill_run *m = mailmill_run(r);

	must(index >= 0 && (size_t)index < m->n_bounds);
	return &m->bounds[index];
}

void mailmill_bind_row(
	struct mailmill_bound *b, const struct facts_row *row, bool is_pending)
{
	b->row = row;
	b->id = row ? facts_row_get(row, STR("Id")) : STR_NULL;
	b->record = -1;
	b->state = row		? MAILMILL_FOUND
		   : is_pending ? MAILMILL_PENDING
				: MAILMILL_NOTHING;
}

struct str mailmill_unique(struct sieve_run *r, struct str base)
{
	struct str name = base;

	for (unsigned i = 2;; i++) {
		bool is_taken = false;
		for (size_t k = 0; k < r->plan->n_records && !is_taken; k++)
			is_taken = str_eq_case(r->plan->records[k].name, name);
		if (!is_taken)
			return name;
		name = str_c(
			arena_printf(r->arena, "%.*s_%u", STR_ARG(base), i));
	}
}

ssize_t mailmill_record_of(
	struct sieve_run *r, const struct sieve_node *n, int index)
{
	struct mailmill_bound *b = mailmill_bound(r, index);

	if (b->state == MAILMILL_PENDING)
		return SIEVE_WAIT;
	if (b->state == MAILMILL_NOTHING)
		return sieve_fail(r,
			"there is no record '%.*s': nothing was found or "
			"created under this name",
			STR_ARG(b->name));
	if (b->record >= 0)
		return b->record;
	if (b->id.len == 0)
		return sieve_fail(r, "the record '%.*s' was found without Id",
			STR_ARG(b->name));
	b->record = sieve_add_record(
		r, n, PLAN_UPDATE, b->object, mailmill_unique(r, b->name));
	if (b->record >= 0)
		r->plan->records[b->record].id = b->id;
	return b->record;
}

ssize_t mailmill_deferred(
	struct sieve_run *r, const struct sieve_text *t, struct str *field)
{
	const struct sieve_ref *ref = sieve_text_ref(t);
	const struct mailmill_ref *mine;
	const struct mailmill_bound *b;

	if (!ref || ref->kind != SIEVE_REF_EXT ||
		ref->ext != &sieve_ext_mailmill)
		return -1;
	mine = ref->data;
	if (mine->kind != REF_RECORD)
		return -1;
	b = mailmill_bound(r, mine->index);
	*field = mine->name;
	return b->state == MAILMILL_CREATED ? b->record : -1;
}

/* Its values are nothing without ${...}. */
static const char *const implies[] = { "variables", NULL };

const struct sieve_ext sieve_ext_mailmill = {
	.capability = "vnd.mailmill",
	.implies = implies,
	.shares_state = true,
	.ref_check = check_ref,
	.ref_get = get_ref,
};
