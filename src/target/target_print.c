/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * target_print.c - a way out for dry runs: each plan as one line of JSON.
 *
 * Needs no thread: a line is written where apply() is called, whole, in one
 * write() to a file opened for appending. Questions are answered from a file
 * of facts, or with nothing.
 */
#include <mailmill/target.h>

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <mailmill/file.h>

#include "drivers.h"

#define FACTS_MAX ((size_t)16 << 20)
#define LINE_MAX_LEN ((size_t)64 << 20)

struct print_conf {
	const char *file, *facts;
};

struct print {
	struct target base;
	struct loop *loop;
	struct arena *arena;
	char *name;
	int fd;
	struct facts *facts;
	pthread_mutex_t lock;
	struct target_stats stats;
};

#define AT(field) offsetof(struct print_conf, field)
static const struct conf_field fields[] = {
	{ "file", CONF_PATH, AT(file),
		.help = "where the lines go; default: standard output" },
	{ "facts", CONF_PATH, AT(facts),
		.help = "facts (JSON) that answer find" },
	{ 0 },
};

static const struct target_driver driver;

static const struct conf_schema schema = {
	.keyword = "print",
	.group = "target",
	.flags = CONF_TITLED,
	.size = sizeof(struct print_conf),
	.fields = fields,
	.driver = &driver,
	.help = "each plan as a line of JSON, for dry runs",
};

static int read_facts(struct print *p, const char *path, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(FACTS_MAX);
	json_error_t error;
	json_t *json;
	int rc;

	if (file_read(path, &text, err))
		return -1;
	json = json_loadb(
		text.p ? text.p : "", text.len, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return err_set(err, ERR_CONF, "%s:%d:%d: %s", path, error.line,
			error.column, error.text);
	rc = facts_from_json(p->arena, json, &p->facts, err);
	json_decref(json);
	return rc ? err_add(err, "%s", path) : 0;
}

static void close_print(struct target *t)
{
	struct print *p = CONTAINER(t, struct print, base);

	if (p->fd > STDERR_FILENO)
		close(p->fd);
	pthread_mutex_destroy(&p->lock);
	arena_free(p->arena);
	free(p);
}

static int open_print(const struct conf_section *section, struct loop *loop,
	struct target **out, struct err *err)
{
	const struct print_conf *conf = section->data;
	struct print *p = NEW(struct print);

	p->arena = arena_new();
	p->base = (struct target){ .driver = &driver,
		.name = arena_strdup(p->arena, section->title) };
	p->loop = loop;
	p->fd = STDOUT_FILENO;
	pthread_mutex_init(&p->lock, NULL);
	if (conf->file)
		p->fd = open(conf->file,
			O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (p->fd < 0)
		err_sys(err, "print \"%s\": cannot open %s", section->title,
			conf->file);
	if (p->fd < 0 || (conf->facts && read_facts(p, conf->facts, err))) {
		close_print(&p->base);
		return -1;
	}
	*out = &p->base;
	return 0;
}

static void finish_job(void *ctx)
{
	struct target_job *job = ctx;

	job->done(job);
}

static void finish_ask(void *ctx)
{
	struct target_ask *ask = ctx;

	ask->done(ask);
}

static int print_plan(struct print *p, const struct target_job *job)
{
	json_t *json = plan_to_json(job->plan);
	char *text = json_dumps(json, JSON_COMPACT);
	AUTO(buf) struct buf line = BUF_INIT(LINE_MAX_LEN);
	int rc = -1;

	if (text && !buf_printf(&line, "%s\n", text)) {
		pthread_mutex_lock(&p->lock);
		rc = file_write_all(p->fd, line.p, line.len);
		p->stats.n_calls++;
		pthread_mutex_unlock(&p->lock);
	}
	json_decref(json);
	free(text);
	return rc;
}

/* There is no record, so an id is what can be told of it: dry:NAME. */
static void make_records(struct target_job *job)
{
	const struct plan *plan = job->plan;

	job->records = arena_array(
		job->arena, MAX(plan->n_records, 1), sizeof(*job->records));
	for (size_t i = 0; i < plan->n_records; i++) {
		const struct plan_record *r = &plan->records[i];

		job->records[i] = (struct target_record){
			.id = r->id.len > 0
				      ? r->id
				      : str_c(arena_printf(job->arena,
						"dry:%.*s", STR_ARG(r->name))),
			.is_new = r->op == PLAN_CREATE,
			.n_files = (unsigned)r->n_files,
		};
	}
}

static void apply(struct target *t, struct target_job *job)
{
	struct print *p = CONTAINER(t, struct print, base);

	if (print_plan(p, job)) {
		job->outcome = TARGET_RETRY;
		job->reason = STR("print: cannot write the line");
	} else {
		job->outcome = TARGET_DONE;
		make_records(job);
	}
	loop_post(p->loop, finish_job, job);
}

static void ask(struct target *t, struct target_ask *a)
{
	struct print *p = CONTAINER(t, struct print, base);
	const struct facts_answer *known = p->facts ? facts_find(p->facts,
							      a->question->name)
						    : NULL;

	a->outcome = TARGET_DONE;
	a->answer = known ? *known
			  : (struct facts_answer){ .name = a->question->name };
	loop_post(p->loop, finish_ask, a);
}

static void stats(struct target *t, struct target_stats *out)
{
	struct print *p = CONTAINER(t, struct print, base);

	pthread_mutex_lock(&p->lock);
	*out = p->stats;
	pthread_mutex_unlock(&p->lock);
}

static const struct target_driver driver = {
	.name = "print",
	.schema = &schema,
	.open = open_print,
	.apply = apply,
	.ask = ask,
	.stats = stats,
	.close = close_print,
};

const struct target_driver *target_print(void)
{
	return &driver;
}
