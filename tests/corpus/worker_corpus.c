/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker_corpus.c - each mail of a folder through workers, once.
 *
 * Takes the folder from $MAILMILL_CORPUS or an argument, and the isolation
 * ("message" is the default). Tells each mail that got no plan; one that fell
 * its worker fails the test. Without a folder it skips.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/worker.h>

#define AT_ONCE 16

static struct loop *loop;
static struct worker_pool *pool;
static char **paths;
static size_t n_paths, next_path, n_busy, n_done[WORKER_BROKEN + 1];
static struct envelope env;
static struct facts facts;

struct slot {
	struct worker_job job;
	const char *path;
	int64_t began;
};

static int on_file(
	const char *path, const struct stat *st, int type, struct FTW *at)
{
	if (type != FTW_F)
		return 0;
	paths = mem_resize(paths, (n_paths + 1) * sizeof(*paths));
	paths[n_paths++] = mem_strdup(path);
	return 0;
}

/* Gives the slot its next mail; the last one done ends the loop. */
static void give(struct slot *s)
{
	if (next_path == n_paths) {
		if (n_busy == 0)
			loop_stop(loop);
		return;
	}
	s->path = paths[next_path++];
	s->began = clock_mono_ms();
	s->job.fd = open(s->path, O_RDONLY | O_CLOEXEC);
	n_busy++;
	worker_submit(pool, &s->job);
}

static void on_done(struct worker_job *job)
{
	struct slot *s = job->ctx;
	int64_t ms = clock_mono_ms() - s->began;

	n_done[job->outcome]++;
	if (job->outcome != WORKER_PLAN || ms > 2000)
		printf("# %s: %.*s (%lld ms)\n", s->path, STR_ARG(job->reason),
			(long long)ms);
	close(job->fd);
	arena_reset(job->arena);
	n_busy--;
	give(s);
}

static int run(const struct worker_options *o)
{
	static const char rules[] = "require [\"variables\", \"body\"];\n"
				    "if body :text :matches \"*never to be "
				    "found 4711*\" { stop; }\n"
				    "if header :matches \"subject\" \"*\" { "
				    "set \"x\" \"${1}\"; }\n";
	const struct worker_script script = { "all",
		{ rules, sizeof(rules) - 1 }, NULL, 0 };
	const struct worker_rules all = { &script, 1, STR_NULL };
	struct slot slots[AT_ONCE];
	struct err err = { 0 };

	if (loop_new(&loop, &err) < 0 ||
		worker_pool_new(loop, o, &all, &pool, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	for (size_t i = 0; i < AT_ONCE; i++) {
		slots[i].job = (struct worker_job){ .script = script.name,
			.env = &env,
			.facts = &facts,
			.arena = arena_new(),
			.done = on_done,
			.ctx = &slots[i] };
		give(&slots[i]);
	}
	if (loop_run(loop, &err) < 0)
		return 1;
	worker_pool_free(pool);
	loop_free(loop);
	for (size_t i = 0; i < AT_ONCE; i++)
		arena_free(slots[i].job.arena);
	return 0;
}

int main(int argc, char **argv)
{
	const char *folder = getenv("MAILMILL_CORPUS");
	struct worker_options o = { .workers = 2,
		.isolation = WORKER_MESSAGE,
		.batch_max = 1000,
		.memory = (uint64_t)512 << 20,
		.time_ms = 20000 };
	bool is_bad;

	if (argc > 1 && strcmp(argv[1], "worker") == 0)
		return worker_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "batch") == 0)
		o.isolation = WORKER_BATCH;
	if (argc > 2)
		folder = argv[2];
	if (!folder || access(folder, R_OK) != 0) {
		puts("1..0 # SKIP no corpus: set MAILMILL_CORPUS to a folder");
		return 0;
	}
	if (nftw(folder, on_file, 16, FTW_PHYS) < 0 || n_paths == 0 ||
		run(&o) != 0)
		return 1;
	is_bad = n_done[WORKER_CRASHED] || n_done[WORKER_BROKEN];
	printf("1..1\n%sok 1 - %zu mails: %zu plans, %zu refused, %zu fell "
	       "their worker, %zu broken\n",
		is_bad ? "not " : "", n_paths, n_done[WORKER_PLAN],
		n_done[WORKER_REFUSED], n_done[WORKER_CRASHED],
		n_done[WORKER_BROKEN]);
	for (size_t i = 0; i < n_paths; i++)
		free(paths[i]);
	free(paths);
	return is_bad;
}
