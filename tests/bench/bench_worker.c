/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_worker.c - what the box costs: jobs a second in both isolations.
 *
 * bench_worker SCRIPT MAIL...: evaluates each mail by turns for some seconds
 * with 1 and 2 workers. In test builds SCRIPT may be trap:echo, which parses
 * nothing, so that only the way there and back is measured.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/worker.h>

#define AT_ONCE 32
#define RUN_MS 3000

struct bench {
	struct loop *loop;
	struct worker_pool *pool;
	struct worker_job jobs[AT_ONCE];
	int *mails;
	size_t n_mails, next_mail, n_busy;
	const char *script;
	struct envelope env;
	struct facts facts;
	size_t n_done, n_plans;
	int64_t until;
	const char *trouble;
};

static void give(struct bench *b, struct worker_job *job)
{
	job->fd = b->mails[b->next_mail++ % b->n_mails];
	b->n_busy++;
	worker_submit(b->pool, job);
}

static void on_done(struct worker_job *job)
{
	struct bench *b = job->ctx;

	b->n_busy--;
	b->n_done++;
	b->n_plans += job->outcome == WORKER_PLAN;
	if (job->outcome != WORKER_PLAN && !b->trouble)
		b->trouble = str_dup(job->reason);
	arena_reset(job->arena);
	if (clock_mono_ms() < b->until)
		give(b, job);
	else if (b->n_busy == 0)
		loop_stop(b->loop);
}

static double cpu_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int run(struct bench *b, enum worker_isolation isolation,
	unsigned workers, const struct worker_script *script)
{
	const struct worker_options o = { .workers = workers,
		.isolation = isolation,
		.batch_max = 1000,
		.memory = (uint64_t)512 << 20,
		.time_ms = 10000 };
	double parent = cpu_seconds(RUSAGE_SELF);
	double children = cpu_seconds(RUSAGE_CHILDREN);
	const struct worker_rules all = { script, 1, STR_NULL };
	struct err err = { 0 };
	int64_t began;

	b->n_done = b->n_plans = 0;
	b->trouble = NULL;
	if (loop_new(&b->loop, &err) < 0 ||
		worker_pool_new(b->loop, &o, &all, &b->pool, &err) < 0) {
		fprintf(stderr, "bench_worker: %s\n", err.text);
		return -1;
	}
	began = clock_mono_ms();
	b->until = began + RUN_MS;
	for (size_t i = 0; i < AT_ONCE; i++)
		give(b, &b->jobs[i]);
	if (loop_run(b->loop, &err) < 0)
		return -1;
	began = clock_mono_ms() - began;
	worker_pool_free(b->pool);
	loop_free(b->loop);
	parent = cpu_seconds(RUSAGE_SELF) - parent;
	children = cpu_seconds(RUSAGE_CHILDREN) - children;
	printf("%-8s %u worker%s %8.0f jobs/s %8.1f us CPU a job "
	       "(parent %.1f)  %zu of %zu plans%s%s\n",
		isolation == WORKER_BATCH ? "batch" : "message", workers,
		workers == 1 ? " " : "s",
		(double)b->n_done * 1000 / (double)began,
		(parent + children) * 1e6 / (double)b->n_done,
		parent * 1e6 / (double)b->n_done, b->n_plans, b->n_done,
		b->trouble ? ": " : "", b->trouble ? b->trouble : "");
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct worker_script script = { 0 };
	struct buf source = BUF_INIT(1 << 20);
	struct err err = { 0 };

	if (argc > 1 && strcmp(argv[1], "worker") == 0)
		return worker_main(argc - 1, argv + 1);
	if (argc < 3) {
		fputs("usage: bench_worker SCRIPT MAIL...\n", stderr);
		return EX_USAGE;
	}
	script.name = argv[1];
	if (strncmp(script.name, "trap:", 5) != 0 &&
		file_read(script.name, &source, &err) < 0) {
		fprintf(stderr, "bench_worker: %s\n", err.text);
		return EX_NOINPUT;
	}
	script.source = buf_view(&source);
	b.n_mails = (size_t)argc - 2;
	b.mails = mem_array(b.n_mails, sizeof(*b.mails));
	for (size_t i = 0; i < b.n_mails; i++)
		b.mails[i] = open(argv[i + 2], O_RDONLY | O_CLOEXEC);
	b.facts.route = STR("bench");
	for (size_t i = 0; i < AT_ONCE; i++)
		b.jobs[i] = (struct worker_job){ .script = script.name,
			.env = &b.env,
			.facts = &b.facts,
			.arena = arena_new(),
			.done = on_done,
			.ctx = &b };
	for (unsigned workers = 1; workers <= 2; workers++)
		if (run(&b, WORKER_BATCH, workers, &script) < 0 ||
			run(&b, WORKER_MESSAGE, workers, &script) < 0)
			return EX_SOFTWARE;
	return EX_OK;
}
