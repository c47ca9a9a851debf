/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker.h - evaluating mails in processes that can do nothing else.
 *
 * The pool is the parent's side: it starts workers, gives them scripts and
 * jobs, bounds them, and replaces them. A worker is this program executed anew
 * as `mailmill worker` with nothing open but its socket.
 */
#ifndef MAILMILL_WORKER_H
#define MAILMILL_WORKER_H

#include <mailmill/base.h>
#include <mailmill/envelope.h>
#include <mailmill/err.h>
#include <mailmill/loop.h>
#include <mailmill/plan.h>

enum worker_isolation {
	WORKER_BATCH,
	WORKER_MESSAGE
};

struct worker_options {
	unsigned workers; /* processes */
	enum worker_isolation isolation;
	unsigned batch_max; /* messages before a worker is replaced */
	uint64_t memory;    /* RLIMIT_AS, bytes */
	int64_t time_ms;    /* wall and CPU time for one message */
};

/* Bytes of answers that a job's facts may have, as facts_size() tells. */
#define WORKER_FACTS_MAX ((size_t)8 << 20)

struct worker_pool;

/* A script that a rule file includes, as sieve_includes() lists it. */
struct worker_include {
	bool is_global;
	struct str name, path, source;
};

/* A rule file as the worker gets it; compiled there again. */
struct worker_script {
	const char *name;
	struct str source;
	const struct worker_include *includes;
	size_t n_includes;
};

/* All of them, and how an operator wants them to be understood. */
struct worker_rules {
	const struct worker_script *scripts;
	size_t n_scripts;
	struct str settings; /* of sieve_settings_encode(); or empty */
};

/* What rules may take, as worker_rules_size() tells. */
#define WORKER_RULES_MAX ((size_t)128 << 20)
/* Tells how many bytes a worker gets when it begins. */
size_t worker_rules_size(const struct worker_rules *rules);

/*
 * Makes a pool; workers start at once. Gives: *out, by worker_pool_free().
 * Returns: 0, or -1 with *err.
 * Note:    the pool reaps its own children by pid: nobody may waitpid(-1).
 */
MUST_CHECK int worker_pool_new(struct loop *loop,
	const struct worker_options *o, const struct worker_rules *rules,
	struct worker_pool **out, struct err *err);
/* Ends all workers; unfinished jobs end with WORKER_CANCELLED. */
void worker_pool_free(struct worker_pool *p);
/*
 * Changes the rules for jobs given from now on (workers are replaced as they
 * become idle; jobs under way end with the old ones). Copies. Scripts must
 * have been compiled before: one that does not compile breaks its jobs.
 */
void worker_pool_set_rules(
	struct worker_pool *p, const struct worker_rules *rules);
/* Tells how many jobs it would take at once without queueing. */
unsigned worker_pool_idle(const struct worker_pool *p);

enum worker_outcome {
	WORKER_PLAN,	  /* plan, identity, message_id are there */
	WORKER_REFUSED,	  /* the message is beyond the parser's limits: `reason`
			   */
	WORKER_CRASHED,	  /* it felled the worker: `reason` says how */
	WORKER_CANCELLED, /* the pool is ending */
	WORKER_BROKEN, /* not the message's fault (no such script, ...): reason
			*/
};

struct worker_job;
typedef void (*worker_fn)(struct worker_job *job);

struct worker_job {
	int fd; /* the message's bytes, read-only; stays the caller's */
	const char *script;	    /* name */
	const struct envelope *env; /* with the route's recipients only */
	const struct facts *facts;
	struct arena *arena; /* results live here */
	worker_fn done;	     /* called in the loop's thread */
	void *ctx;

	enum worker_outcome outcome;
	struct plan *plan;	/* decoded and checked; keys are set */
	struct str identity;	/* 32 bytes */
	struct str message_id;	/* without < >, or empty */
	struct str *references; /* as mail_references() */
	size_t n_references;
	struct str *parties; /* of mail_parties() */
	size_t n_parties;
	struct str thread_subject; /* of mail_thread_subject() */
	struct str subject; /* for logs and lists, UTF-8, at most 256 bytes */
	struct str reason;
	struct worker_job *next; /* the pool's own, as is tries */
	unsigned tries;
};

/*
 * Queues a job; all it points to is lent until done(), which is never called
 * from inside this call. done() may submit and set scripts, not free the pool.
 * Note: fd must be sealed, read-only, or the caller's alone: a worker can read
 *       it at any place, but the box keeps it from writing.
 */
void worker_submit(struct worker_pool *p, struct worker_job *job);

/*
 * Test files of rules, run in a worker's box
 */

struct sieve_test_host;
struct worker_tester;
/* Makes a runner. Gives: by worker_tester_free(). */
struct worker_tester *worker_tester_new(void);
/*
 * Tells where files that test files name may lie beside their own folder:
 * below `root`; NULL: nowhere else. Returns: 0, or -1 with *err: no such place.
 */
MUST_CHECK int worker_tester_set_root(
	struct worker_tester *t, const char *root, struct err *err);
/* Sets what sieve_settings_encode() made, lent; before the first run. */
void worker_tester_set_settings(struct worker_tester *t, struct str settings);
/* Ends it and its worker. Accepts NULL. */
void worker_tester_free(struct worker_tester *t);
/*
 * Is sieve_test_file() in the box; host->read and settings are not asked.
 * Waits: until all is done. Note: texts given to the host have no control
 * characters.
 */
MUST_CHECK int worker_tester_run(struct worker_tester *t, const char *path,
	const struct sieve_test_host *host, struct err *err);

/*
 * Is `mailmill worker`: serves the socket on descriptor 3 until it closes.
 * Returns: the exit status.
 */
int worker_main(int argc, char **argv);

#endif
