/* SPDX-License-Identifier: GPL-3.0-or-later */
/* eval.c - one job in a worker: from bytes to a plan. */
#include <mailmill/hash.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>
#include <mailmill/utf8.h>
#include <mailmill/wire.h>

#include "frame.h"

struct script {
	char *name;
	struct sieve_script *sieve; /* NULL: it does not compile */
	char *trouble;		    /* then why */
};

struct scripts {
	struct arena *arena;
	struct sieve_settings settings;
	struct script *items;
	size_t n;
	/* While one is compiled: */
	struct worker_include *includes;
	size_t n_includes;
};

#define SCRIPT_LEAST 12 /* of one on the wire */
#define INCLUDE_LEAST 13

/* Brings what the parent has found. */
static int find_include(void *ctx, struct arena *a, bool is_global,
	struct str name, struct str *path, struct str *source, struct err *err)
{
	const struct scripts *s = ctx;

	(void)err;
	for (size_t i = 0; i < s->n_includes; i++) {
		const struct worker_include *inc = &s->includes[i];

		if (inc->is_global != is_global || !str_eq(inc->name, name))
			continue;
		*path = arena_str(a, inc->path);
		*source = arena_str(a, inc->source);
		return 0;
	}
	return SIEVE_FIND_NONE;
}

static void get_includes(struct scripts *s, struct wire_in *w, struct arena *a)
{
	s->n_includes = wire_get_count(w, INCLUDE_LEAST);
	s->includes = arena_array(a, s->n_includes, sizeof(*s->includes));
	for (size_t i = 0; i < s->n_includes; i++) {
		s->includes[i].is_global = wire_get_u8(w) != 0;
		s->includes[i].name = wire_get_str(w);
		s->includes[i].path = wire_get_str(w);
		s->includes[i].source = wire_get_str(w);
	}
}

/* They live as long as the scripts; the setup's bytes do not. */
static void get_settings(struct scripts *s, struct wire_in *w)
{
	struct wire_in own = { .in = arena_str(s->arena, wire_get_str(w)) };

	s->settings = *sieve_settings_default();
	if (own.in.len)
		sieve_settings_decode(s->arena, &own, &s->settings);
	w->is_bad |= own.is_bad;
	s->settings.find = find_include;
	s->settings.find_ctx = s;
}

/* The parent has checked it, so that a fault here is rare: told by each job. */
static void compile(struct script *s, struct str source,
	const struct sieve_settings *settings)
{
	AUTO(arena) struct arena *a = arena_new();
	struct sieve_diags diags = { .arena = a };

	if (sieve_compile(s->name, source, settings, &diags, &s->sieve) == 0)
		return;
	for (size_t i = 0; i < diags.n && !s->trouble; i++)
		if (diags.items[i].severity == SIEVE_ERROR)
			s->trouble = mem_printf("line %u: %.*s",
				diags.items[i].line,
				STR_ARG(diags.items[i].message));
	if (!s->trouble)
		s->trouble = mem_strdup("no reason given");
}

struct scripts *scripts_new(struct str setup, bool *is_bad)
{
	struct wire_in w = { .in = setup };
	struct scripts *s = NEW(struct scripts);
	size_t n;

	s->arena = arena_new();
	get_settings(s, &w);
	n = wire_get_count(&w, SCRIPT_LEAST);
	s->items = mem_array(n, sizeof(*s->items));
	for (s->n = 0; s->n < n; s->n++) {
		AUTO(arena) struct arena *a = arena_new();
		struct str source;

		s->items[s->n].name = str_dup(wire_get_str(&w));
		source = wire_get_str(&w);
		get_includes(s, &w, a);
		compile(&s->items[s->n], source, &s->settings);
	}
	s->n_includes = 0;
	*is_bad = !wire_is_done(&w);
	return s;
}

const struct sieve_settings *scripts_settings(const struct scripts *s)
{
	return &s->settings;
}

void scripts_free(struct scripts *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		sieve_free(s->items[i].sieve);
		free(s->items[i].name);
		free(s->items[i].trouble);
	}
	arena_free(s->arena);
	free(s->items);
	free(s);
}

static const struct script *find(const struct scripts *s, struct str name)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(name, str_c(s->items[i].name)))
			return &s->items[i];
	return NULL;
}

/* Lends s cut to at most max bytes, with blanks for controls. */
static struct str make_line(struct arena *a, struct str s, size_t max)
{
	struct str line = arena_str(a, utf8_cut(s, max));
	char *p = (char *)(uintptr_t)line.p;

	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			p[i] = ' ';
	return line;
}

/* Lends what stands between < and >, or all of it. */
static struct str strip_angles(struct str s)
{
	ssize_t left = str_chr(s, '<');
	struct str inner = str_sub(s, (size_t)(left + 1), SIZE_MAX);
	ssize_t right = str_chr(inner, '>');

	return left >= 0 && right >= 0 ? str_sub(inner, 0, (size_t)right)
				       : str_trim(s);
}

static void take_references(struct worker_job *job, struct mail *m)
{
	struct str *all = NULL;
	size_t n = mail_references(m, &all);

	job->references = arena_array(
		job->arena, MIN(n, REFERENCES_MAX), sizeof(*all));
	for (size_t i = 0; i < n && job->n_references < REFERENCES_MAX; i++)
		if (all[i].len && all[i].len <= MESSAGE_ID_MAX)
			job->references[job->n_references++] = make_line(
				job->arena, all[i], MESSAGE_ID_MAX);
}

/* Takes from the mail what the parent, which parses nothing, must know. */
static void take_mail(struct worker_job *job, struct mail *m)
{
	unsigned char *digest = arena_alloc(job->arena, HASH_LEN);

	mail_identity(m, digest);
	job->identity = str_n((const char *)digest, HASH_LEN);
	job->message_id = make_line(job->arena,
		strip_angles(mail_header(m, STR("message-id"))),
		MESSAGE_ID_MAX);
	job->subject = make_line(
		job->arena, mail_header(m, STR("subject")), SUBJECT_MAX);
	take_references(job, m);
	job->parties = arena_array(
		job->arena, PARTIES_MAX, sizeof(*job->parties));
	job->n_parties = mail_parties(m, false, job->parties, PARTIES_MAX);
	job->thread_subject = mail_thread_subject(m);
}

/* Sets *reason of an outcome without a plan. */
static enum worker_outcome fail(
	const char **reason, enum worker_outcome outcome, const char *why)
{
	*reason = why;
	return outcome;
}

/* A fault of the message is refused for good, one of ours is not its fault. */
static enum worker_outcome fail_by(
	struct worker_job *job, const char **reason, const struct err *err)
{
	return fail(reason,
		err->kind == ERR_PERM ? WORKER_REFUSED : WORKER_BROKEN,
		arena_strdup(job->arena, err->text));
}

static enum worker_outcome run_script(const struct script *s,
	struct worker_job *job, int body, struct mail **mail,
	const char **reason)
{
	struct err err = { 0 };
	struct mail *m;

	if (mail_parse_fd(body, mail, &err) < 0)
		return fail_by(job, reason, &err);
	m = *mail;
#ifdef MAILMILL_FAULTS
	trap_fall(mail_header(m, STR("x-mailmill-trap")));
#endif
	if (sieve_eval(s->sieve, m, job->env, job->facts, job->arena,
		    &job->plan, &err) < 0)
		return fail_by(job, reason, &err);
	take_mail(job, m);
	/* keys are the parent's to set: it knows better than a mail's box */
	return WORKER_PLAN;
}

static enum worker_outcome run_job(const struct scripts *scripts,
	struct worker_job *job, struct wire_in *w, int body, struct mail **mail,
	const char **reason)
{
	struct str name = wire_get_str(w);
	struct str env_wire = wire_get_str(w), facts_wire = wire_get_str(w);
	const struct script *s = find(scripts, name);
	struct envelope *env = ARENA_NEW(job->arena, struct envelope);
	struct facts *facts = NULL;
	struct err err = { 0 };

	if (!s)
		return fail(reason, WORKER_BROKEN,
			arena_printf(job->arena, "there is no script %.*s",
				STR_ARG(name)));
	if (!s->sieve)
		return fail(reason, WORKER_BROKEN,
			arena_printf(job->arena, "script %s: %s", s->name,
				s->trouble));
	if (!wire_is_done(w) ||
		envelope_decode(job->arena, env_wire, env, &err) < 0 ||
		facts_decode(job->arena, facts_wire, &facts, &err) < 0)
		return fail(reason, WORKER_BROKEN,
			arena_printf(job->arena, "a job that is none: %s",
				err.text));
	job->env = env;
	job->facts = facts;
	return run_script(s, job, body, mail, reason);
}

void eval_job(const struct scripts *scripts, struct arena *a, struct str in,
	int body, struct buf *b)
{
	/* the plan lends from the mail, so it lives until all is encoded */
	AUTO(mail) struct mail *mail = NULL;
	struct worker_job job = { .arena = a };
	struct wire_in w = { .in = in };
	const char *reason = NULL;
	enum worker_outcome outcome;

#ifdef MAILMILL_FAULTS
	struct wire_in look = w;
	if (trap_run(wire_get_str(&look), body, b))
		return;
#endif
	outcome = run_job(scripts, &job, &w, body, &mail, &reason);
	if (outcome == WORKER_PLAN)
		result_put(b, &job);
	else
		result_put_reason(b, outcome, reason);
}
