/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * target.h - ways out: one face for all systems that records are made in.
 *
 * A target runs in a thread of its own. The mill hands it questions and plans
 * and is called back in its loop's thread. A new way out is one file (or
 * folder) that exports a struct target_driver and one line in target.c.
 */
#ifndef MAILMILL_TARGET_H
#define MAILMILL_TARGET_H

#include <mailmill/base.h>
#include <mailmill/conf.h>
#include <mailmill/err.h>
#include <mailmill/loop.h>
#include <mailmill/plan.h>

struct target;

enum target_outcome {
	TARGET_DONE,  /* all records are there: `ids` */
	TARGET_RETRY, /* not now: `retry_ms` (0: the mill decides), `reason` */
	TARGET_REFUSED, /* never: `reason` in the target's words */
	TARGET_HOLD, /* the operator must act; nothing of this target will work
		      */
};

/* The id that a record of the plan has now; the same order as the plan's. */
struct target_record {
	struct str id; /* as the target writes it */
	bool is_new;
	unsigned n_files; /* uploaded for it, now or before */
};

struct target_job;
typedef void (*target_fn)(struct target_job *job);

struct target_job {
	int64_t delivery;  /* for logs */
	unsigned attempts; /* times that this plan may have been sent before */
	const struct plan *plan; /* lent until done(); keys are set */
	int fd; /* the message's bytes, for files; stays the caller's; pread
		   only */
	struct arena *arena; /* results live here; the target's until done() */
	target_fn done;	     /* called in the loop's thread */
	void *ctx;

	enum target_outcome outcome;
	struct target_record *records; /* of DONE */
	int64_t retry_ms;
	bool is_own; /* RETRY for this plan's own sake: others may well work */
	struct str reason;
	struct str
		answer; /* JSON text of what the target said, for the journal */
	struct target_job *next; /* the target's own */
};

struct target_ask;
typedef void (*target_ask_fn)(struct target_ask *ask);

/* A FIND question on its way. */
struct target_ask {
	const struct plan_question *question; /* lent until done() */
	struct arena *arena;		      /* as above */
	target_ask_fn done;		      /* called in the loop's thread */
	void *ctx;

	enum target_outcome outcome;
	struct facts_answer answer; /* of DONE */
	int64_t retry_ms;
	bool is_own; /* as above */
	struct str reason;
	struct target_ask *next;
};

struct target_stats {
	uint64_t n_calls, n_retries; /* API calls made since it was opened */
};

struct target_driver {
	const char *name; /* as the section's keyword: "salesforce" */
	const struct conf_schema *schema;
	/* Gives *out; starts its thread. Checks what needs no network. */
	int (*open)(const struct conf_section *conf, struct loop *loop,
		struct target **out, struct err *err);
	/* Applies plans; each job's done() comes once. Packs what it can. */
	void (*apply)(struct target *t, struct target_job *job);
	/* Answers FIND questions, many in one call where it can. */
	void (*ask)(struct target *t, struct target_ask *ask);
	void (*stats)(struct target *t, struct target_stats *out);
	/* Ends calls under way (their jobs end with RETRY) and the thread. */
	void (*close)(struct target *t);
};

/* Every target begins with this. */
struct target {
	const struct target_driver *driver;
	const char *name; /* the section's title: the scope of threads */
};

/* Lists the drivers, ended by NULL. */
const struct target_driver *const *target_drivers(void);
/* Opens the target of a section. Gives: *out, by target_close(). */
MUST_CHECK int target_open(const struct conf_section *conf, struct loop *loop,
	struct target **out, struct err *err);
/* Hands over a plan. */
void target_apply(struct target *t, struct target_job *job);
/* Hands over a question. */
void target_ask(struct target *t, struct target_ask *ask);
/* Tells what it has done. */
void target_stats(struct target *t, struct target_stats *out);
/* Ends it. Accepts NULL. */
void target_close(struct target *t);

#endif
