/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer.c - what a script asked: FIND goes to the target, THREAD to the store,
 * DNS to the resolver.
 *
 * A thread is looked for in the ways that the script names, in its order: by
 * Message-IDs and by subject in the store, by tokens with the keys, which no
 * worker has. Each answer says how it was found, for the journal.
 *
 * A thread question is answered when all earlier deliveries in flight have told
 * their Message-ID, so that a reply finds the mail that it answers although
 * both came in the same second; and when that mail is still on its way, the
 * reply waits for it.
 *
 * Whether a mark was seen is answered when all earlier deliveries of the route
 * that are in flight have a plan, and those that will set the mark have ended:
 * of two that come in the same second, the later one sees it.
 *
 * A question to the DNS that cannot be answered is answered so: the verdict is
 * a temperror then, and the rule says what becomes of such a mail. Who has
 * taken a worker over could tell a name server what he read there; so only
 * scripts that have a word for it are answered, and not without end.
 */
#include <mailmill/log.h>

#include "mill_private.h"

struct asking {
	struct target_ask ask;
	struct work *work;
};

static void add_answer(struct work *w, struct facts_answer answer)
{
	struct facts *f = &w->facts;

	f->answers = arena_grow(w->arena, f->answers, f->n_answers,
		f->n_answers + 1, sizeof(*f->answers));
	f->answers[f->n_answers++] = answer;
}

/* More than a worker takes is what the rule asks for, not the worker's fault.
 */
static void evaluate_again(struct work *w)
{
	if (facts_size(&w->facts) > WORKER_FACTS_MAX)
		mill_finish_dead(w,
			"what its rule found is more than 8 MiB: let find ask "
			"for fewer :fields, or say :first");
	else
		mill_evaluate(w);
}

static void end_answers(struct work *w)
{
	char *why = arena_printf(w->arena, "%.*s", STR_ARG(w->ask_reason));

	switch (w->ask_outcome) {
	case TARGET_DONE:
		evaluate_again(w);
		return;
	case TARGET_RETRY:
		if (!w->is_ask_own)
			mill_target_failed(w->mill, w->target, false,
				w->ask_retry_ms, why);
		mill_finish_retry(w, w->ask_retry_ms, why);
		return;
	case TARGET_REFUSED:
		mill_finish_dead(w, why);
		return;
	case TARGET_HOLD:
		mill_target_failed(
			w->mill, w->target, true, w->ask_retry_ms, why);
		mill_finish_away(w, why);
		return;
	}
}

static void count_down(struct work *w)
{
	must(w->n_asked);
	if (--w->n_asked == 0)
		end_answers(w);
}

static void on_answer(struct target_ask *ask)
{
	struct work *w = CONTAINER(ask, struct asking, ask)->work;

	if (ask->outcome == TARGET_DONE) {
		mill_target_worked(w->mill, w->target);
		add_answer(w, ask->answer);
	} else if (ask->outcome > w->ask_outcome) {
		w->ask_outcome = ask->outcome;
		w->ask_reason = ask->reason;
		w->ask_retry_ms = ask->retry_ms;
		w->is_ask_own = ask->is_own;
	}
	count_down(w);
}

static void ask_target(struct work *w, const struct plan_question *q)
{
	struct asking *a = ARENA_NEW(w->arena, struct asking);

	a->work = w;
	a->ask.question = q;
	/* of its own: several answers are made at once, in the target's thread
	 */
	a->ask.arena = w->ask_arena;
	a->ask.done = on_answer;
	w->n_asked++;
	target_ask(w->target->target, &a->ask);
}

struct dns_asking {
	struct resolver_ask ask;
	struct work *work;
	struct str question;
};

static void on_dns(struct resolver_ask *ask, const struct dns_answer *answer)
{
	struct dns_asking *a = CONTAINER(ask, struct dns_asking, ask);
	struct work *w = a->work;

	add_answer(w, facts_of_dns(w->arena, a->question, answer));
	count_down(w);
}

static void ask_dns(struct work *w, const struct plan_question *q)
{
	static const struct dns_answer failed = { .status = DNS_FAILED };
	struct resolver *resolver = w->mill->o.resolver;
	struct dns_asking *a = ARENA_NEW(w->arena, struct dns_asking);
	bool may = resolver && (w->route->may & MILL_MAY_ASK_DNS) &&
		   w->dns_rounds <= MILL_DNS_ROUNDS_MAX &&
		   w->n_dns < MILL_DNS_MAX;

	a->work = w;
	a->question = q->name;
	a->ask.done = on_dns;
	w->n_asked++;
	if (!may || plan_read_dns(q, &a->ask.type, &a->ask.name) < 0) {
		on_dns(&a->ask, &failed);
		return;
	}
	w->n_dns++;
	resolver_ask(resolver, &a->ask);
}

/* The nearest earlier work that is not known yet, or that q refers to. */
static struct work *find_earlier(
	struct work *w, const struct plan_question *q, bool *is_unknown)
{
	struct list *it;

	list_each (it, &w->mill->works) {
		struct work *e = CONTAINER(it, struct work, in_works);
		if (e->d.id >= w->d.id)
			break;
		*is_unknown = !e->is_known;
		if (!e->is_known)
			return e;
		for (size_t i = 0; e->message_id.len &&
				   mill_is_same_target(e, w) && i < q->n_ids;
			i++)
			if (str_eq(q->ids[i], e->message_id))
				return e;
	}
	return NULL;
}

/* What one way to look for a thread has found. */
struct found {
	struct str record; /* or the null string */
	const char *by;
	const char *evidence;
};

static void add_pair(struct facts_row *row, struct str name, struct str value)
{
	row->fields[row->n_fields++] = (struct plan_pair){ name, value };
}

static void answer_thread(struct work *w, const struct plan_question *q,
	const struct found *found)
{
	struct facts_answer answer = { .name = q->name };

	if (found->record.len) {
		answer.rows = ARENA_NEW(w->arena, struct facts_row);
		answer.n_rows = 1;
		answer.rows->fields = arena_array(
			w->arena, 3, sizeof(struct plan_pair));
		add_pair(answer.rows, STR("Id"), found->record);
		add_pair(answer.rows, STR("By"), str_c(found->by));
		add_pair(answer.rows, STR("Evidence"), str_c(found->evidence));
		w->thread_object = q->object;
		w->thread_record = found->record;
	}
	add_answer(w, answer);
}

static void ask_store(struct work *w);

/* What a way to look for a thread returns. */
enum way {
	WAY_FAILED = -1, /* told: the work has ended */
	WAY_NOTHING,
	WAY_FOUND,
	WAY_WAITS,
};

static struct str scope_of(const struct work *w)
{
	return str_c(w->target->target->name);
}

static enum way fail_way(struct work *w, const struct err *err)
{
	mill_finish_retry(w, 0, err->text);
	return WAY_FAILED;
}

static enum way ask_references(
	struct work *w, const struct plan_question *q, struct found *found)
{
	struct err err = { 0 };
	int64_t pending = 0;
	bool is_unknown;
	struct work *earlier = find_earlier(w, q, &is_unknown);
	int rc;

	if (earlier) {
		mill_wait(w, is_unknown ? &w->mill->waiting : &earlier->waiters,
			ask_store);
		return WAY_WAITS;
	}
	rc = store_find_thread(w->mill->store, w->arena, scope_of(w), q->object,
		q->ids, q->n_ids, w->d.id, &found->record, &pending, &err);
	if (rc < 0)
		return fail_way(w, &err);
	if (rc == STORE_PENDING && pending < w->d.id) {
		mill_finish_pending(
			w, "an earlier mail of its thread", pending);
		return WAY_WAITS;
	}
	if (rc)
		return WAY_NOTHING;
	found->evidence = "In-Reply-To or References";
	return WAY_FOUND;
}

/*
 * A token that somebody quotes may have come to him by whatever way: it counts
 * when an author took part before.
 */
static enum way ask_token(
	struct work *w, const struct plan_question *q, struct found *found)
{
	for (size_t i = 0; i < q->n_tokens; i++) {
		const struct plan_pair *t = &q->tokens[i];
		struct token_record of = { scope_of(w), q->object, STR_NULL };
		bool is_quoted = str_eq(t->name, STR("quoted"));
		struct err err = { 0 };
		char key;
		int rc = 0;
		if (!token_check(w->mill->keys, w->arena, t->value, &of, &key))
			continue;
		if (is_quoted)
			rc = store_find_party(w->mill->store, of.scope,
				of.object, of.record, q->authors, q->n_authors,
				&err);
		if (rc < 0)
			return fail_way(w, &err);
		if (rc)
			continue;
		found->record = of.record;
		found->evidence = arena_printf(w->arena,
			"token in %.*s, key %c%s", STR_ARG(t->name), key,
			is_quoted ? ", its author took part before" : "");
		return WAY_FOUND;
	}
	return WAY_NOTHING;
}

#define DAY_MS ((int64_t)86400000)

static enum way ask_subject(
	struct work *w, const struct plan_question *q, struct found *found)
{
	struct err err = { 0 };
	int64_t days = (int64_t)MIN(q->within, (uint64_t)36500);
	int rc;

	if (q->is_participants && q->n_authors == 0)
		return WAY_NOTHING;
	rc = store_find_subject(w->mill->store, w->arena, scope_of(w),
		q->object, q->subject, q->authors,
		q->is_participants ? q->n_authors : 0,
		w->facts.now - days * DAY_MS, &found->record, &err);
	if (rc < 0)
		return fail_way(w, &err);
	if (rc)
		return WAY_NOTHING;
	found->evidence = arena_printf(w->arena,
		"the same subject within %lld days%s", (long long)days,
		q->is_participants ? ", its author took part" : "");
	return WAY_FOUND;
}

static const struct way_row {
	const char *name;
	enum way (*ask)(struct work *w, const struct plan_question *q,
		struct found *found);
} ways[] = {
	{ "references", ask_references },
	{ "token", ask_token },
	{ "subject", ask_subject },
};

static enum way ask_by(struct work *w, const struct plan_question *q,
	struct str by, struct found *found)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (str_eq(by, str_c(ways[i].name))) {
			found->by = ways[i].name;
			return ways[i].ask(w, q, found);
		}
	return WAY_NOTHING;
}

/* Returns: false when the work waits or has ended. */
static bool ask_thread(struct work *w, const struct plan_question *q)
{
	static const struct str references = { "references", 10 };
	const struct str *by = q->n_by ? q->by : &references;
	struct found found = { .record = STR_NULL };
	enum way rc = WAY_NOTHING;

	for (size_t i = 0; i < MAX(q->n_by, 1) && rc == WAY_NOTHING; i++)
		rc = ask_by(w, q, by[i], &found);
	if (rc != WAY_NOTHING && rc != WAY_FOUND)
		return false;
	if (rc == WAY_FOUND)
		log_event(LOG_DEBUG, "delivery.thread",
			"item=%lld record=%.*s by=%s evidence=\"%s\"",
			(long long)w->d.id, STR_ARG(found.record), found.by,
			found.evidence);
	answer_thread(w, q, &found);
	return true;
}

/* The nearest earlier work that may set a mark, or will. */
static struct work *find_marker(
	struct work *w, struct str key, bool *is_unplanned)
{
	struct list *it;

	list_each (it, &w->mill->works) {
		struct work *e = CONTAINER(it, struct work, in_works);
		if (e->d.id >= w->d.id)
			break;
		if (!str_eq(e->d.route, w->d.route))
			continue;
		*is_unplanned = !e->is_planned;
		if (!e->is_planned || mill_has_mark(e, key))
			return e;
	}
	return NULL;
}

static void answer_seen(
	struct work *w, const struct plan_question *q, bool is_seen)
{
	struct facts_answer answer = { .name = q->name };

	if (is_seen) {
		answer.rows = ARENA_NEW(w->arena, struct facts_row);
		answer.n_rows = 1;
		answer.rows->fields = ARENA_NEW(w->arena, struct plan_pair);
		answer.rows->n_fields = 1;
		answer.rows->fields->name = STR("Id");
		answer.rows->fields->value = q->object;
	}
	add_answer(w, answer);
}

/* Returns: false when the work waits or has ended. */
static bool ask_seen(struct work *w, const struct plan_question *q)
{
	struct err err = { 0 };
	int64_t pending = 0;
	bool is_unplanned = false;
	struct work *earlier = find_marker(w, q->object, &is_unplanned);
	int rc;

	if (earlier) {
		mill_wait(w,
			is_unplanned ? &w->mill->waiting : &earlier->waiters,
			ask_store);
		return false;
	}
	rc = store_seen(w->mill->store, w->d.route, q->object, w->facts.now,
		w->d.id, &pending, &err);
	if (rc < 0) {
		mill_finish_retry(w, 0, err.text);
		return false;
	}
	if (rc == STORE_PENDING && pending < w->d.id) {
		mill_finish_pending(
			w, "an earlier mail with the same mark", pending);
		return false;
	}
	answer_seen(w, q, rc == 0);
	return true;
}

static bool ask_one(struct work *w, const struct plan_question *q)
{
	switch (q->kind) {
	case PLAN_THREAD:
		return ask_thread(w, q);
	case PLAN_SEEN:
		return ask_seen(w, q);
	case PLAN_FIND:
	case PLAN_DNS:
		break;
	}
	return true;
}

static void ask_store(struct work *w)
{
	const struct plan *p = w->plan;

	for (; w->at_question < p->n_questions; w->at_question++)
		if (!ask_one(w, &p->questions[w->at_question]))
			return;
	/* only now, so that a work that waits has nothing under way */
	w->n_asked = 1;
	w->ask_outcome = TARGET_DONE;
	if (!w->ask_arena)
		w->ask_arena = arena_new();
	for (size_t i = 0; i < p->n_questions; i++)
		if (p->questions[i].kind == PLAN_FIND)
			ask_target(w, &p->questions[i]);
		else if (p->questions[i].kind == PLAN_DNS)
			ask_dns(w, &p->questions[i]);
	count_down(w);
}

void mill_answer(struct work *w)
{
	w->at_question = 0;
	ask_store(w);
}
