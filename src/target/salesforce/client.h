/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client.h - the Salesforce target's thread: calls, schema, jobs, questions.
 *
 * All of this belongs to the target's own thread, but for what struct sf says
 * is shared. salesforce.c draws how the parts work together.
 */
#ifndef MAILMILL_SALESFORCE_CLIENT_H
#define MAILMILL_SALESFORCE_CLIENT_H

#include "salesforce.h"

#define SF_HEADERS_MAX 8

struct sf;
struct sf_call;
typedef void (*sf_call_fn)(struct sf_call *c);

/* ---- call.c: one API call, with login and classes of failure ---------- */

struct sf_call {
	struct httpc_call http;
	struct list link; /* among those that wait for a token */
	struct sf *sf;
	struct arena *arena; /* dies with the call */
	const char *headers[SF_HEADERS_MAX];
	const char *path; /* below the instance, or a whole URL */
	const char *fault_before, *fault_after;
	unsigned login;			   /* which token it used */
	bool was_repeated;		   /* after a 401 */
	void (*rewind)(struct sf_call *c); /* before each sending; or NULL */
	sf_call_fn done; /* once; the call ends when it returns */
	void *ctx;

	bool is_good;
	json_t *json;		/* of a good one; NULL when the body is empty */
	struct sf_failure fail; /* of another; lives in `arena` */
};

/* Where logging in stands. */
enum sf_login {
	SF_LOGIN_NONE,
	SF_LOGIN_ASKING,
	SF_LOGIN_READY,
};

struct sf_session {
	enum sf_login state;
	unsigned login; /* counts tokens */
	char *authorization, *base_url;
	struct list waiting;
	int64_t not_before; /* mono ms of the next try after a failed one */
	bool has_failed;
	struct err err;
};

/* Makes a call; `path` is copied. done() must come; see sf_call_send(). */
struct sf_call *sf_call_new(struct sf *sf, const char *method, const char *path,
	sf_call_fn done, void *ctx);
/* Adds a header line; it is copied. */
void sf_call_header(struct sf_call *c, const char *line);
/* Sends it, as soon as there is a token. done() may come within. */
void sf_call_send(struct sf_call *c);
void sf_session_init(struct sf_session *s);
void sf_session_fini(struct sf_session *s);

/* ---- describe.c: the cache of describe answers ------------------------ */

enum sf_want {
	SF_READY, /* known: sf_describe_get() tells */
	SF_WAIT,  /* asked for; sf_go_on() will be called */
	SF_FAILED,
};

/*
 * Sees to it that an object's schema is known.
 * Returns: see above; SF_FAILED with *fail, lent until the next call.
 */
enum sf_want sf_describe_want(
	struct sf *sf, struct str name, const struct sf_failure **fail);
/* Finds a described object; NULL: there is none. An sf_object_fn. */
const struct sf_object *sf_describe_get(void *sf, struct str name);
/* Has it read anew before its next use, unless it is fresh. */
void sf_describe_doubt(struct sf *sf, struct str name);
/* Warns, once, that an object whose records we make has no key field. */
void sf_describe_warn(struct sf *sf, struct str name);
void sf_describe_fini(struct sf *sf);

/* ---- gathering: when does waiting pay --------------------------------- */

/* Items that wait for company. */
struct sf_gather {
	struct list items;
	size_t n;
	int64_t first_at, last_at;
	int64_t window_at, rate_before; /* of counting what comes a second */
	size_t n_window;
};

void sf_gather_add(struct sf *sf, struct sf_gather *g, struct list *item);
/* Notes that items were taken out. */
void sf_gather_took(struct sf *sf, struct sf_gather *g, size_t n);
/*
 * Tells whether a call for them should start, `n_open` of the kind being under
 * way; if not, lowers sf->wake_at to when to look again.
 */
bool sf_gather_is_due(
	struct sf *sf, const struct sf_gather *g, size_t full, size_t n_open);

/* ---- job.c: plans ----------------------------------------------------- */

struct sf_job {
	struct list link;
	struct sf *sf;
	struct target_job *job;
	char id[24]; /* of its graph */
	struct sf_record *records;
	struct sf_notes notes;
	struct sf_graph graph;
	struct buf text;
	struct sf_drop *drops;
	size_t n_drops;
	bool must_look, was_looked;
	unsigned n_tries, n_halted;
	bool is_alone;
	int64_t due_at; /* among the delayed ones */
	/* files, once the records are there */
	struct sf_file *files;
	size_t n_files, at_file, look_at;
	bool may_have_files, files_looked, has_files;
	size_t n_notes_before, n_files_before; /* those of former pieces */
};

void sf_job_start(struct sf *sf, struct target_job *job);
/* Goes on with what comes next for it. */
void sf_job_go(struct sf_job *j);
/* Ends it. */
void sf_job_end(struct sf_job *j, enum target_outcome outcome, int64_t retry_ms,
	struct str reason);
/* Ends it, or has it try again, by the class of a failure. */
void sf_job_failed(struct sf_job *j, const struct sf_failure *fail);
/* Tries again in a while, here, so that the mill needs not know. */
void sf_job_delay(struct sf_job *j, int64_t ms);
/*
 * Ends it for a long while: only the rule, or the schema of one kind of record
 * is at fault, so this plan waits for a person and not all that goes out.
 */
void sf_job_park(struct sf_job *j, struct str reason);
/* Starts calls that are due. */
void sf_jobs_tick(struct sf *sf);
/* Tells whether any could start a call. */
bool sf_jobs_are_waiting(const struct sf *sf);
/* Ends all that are not in a call. */
void sf_jobs_end(struct sf *sf, int64_t retry_ms, struct str reason);

/* ---- look.c: are they there already? ---------------------------------- */

void sf_look_start(struct sf *sf);

/* ---- file.c: what a record gets beside its fields --------------------- */

/* Begins with the files of a job whose records are there. */
void sf_files_go(struct sf_job *j);
void sf_files_tick(struct sf *sf);
/*
 * Writes the key of a content at a record: the same content is there once.
 */
void sf_file_key(struct str record_id, struct str sha256, char out[64 + 1]);

/* ---- ask.c: questions -------------------------------------------------- */

void sf_ask_start(struct sf *sf, struct target_ask *ask);
void sf_asks_tick(struct sf *sf);
/* Forgets cached answers about an object. */
void sf_asks_forget(struct sf *sf, struct str object);
/* Goes on with those that waited for a schema. */
void sf_asks_go_on(struct sf *sf);
/* Tells whether any wait for their query. */
bool sf_asks_are_waiting(const struct sf *sf);
/* Ends all that are not in a query. */
void sf_asks_end(struct sf *sf, int64_t retry_ms, struct str reason);
void sf_asks_fini(struct sf *sf);

/* ---- salesforce.c ------------------------------------------------------ */

struct sf {
	struct target base; /* first */
	struct arena *arena;
	struct sf_conf conf; /* copied: reloads free the section */
	struct oauth_conf oauth;
	int bell; /* rings in the loop's thread */
	struct loop_io *bell_io;
	struct httpc *http;
	pthread_t thread;

	/* shared, under `lock` */
	pthread_mutex_t lock;
	struct target_job *jobs_in, **jobs_last;
	struct target_ask *asks_in, **asks_last;
	struct target_stats stats;
	bool is_stopping;
	struct target_job *jobs_out, **jobs_out_last;
	struct target_ask *asks_out, **asks_out_last;
	bool is_rung;

	/* the thread's */
	int64_t now, wake_at; /* mono ms */
	bool is_closing;      /* calls that end now find no one waiting */
	struct sf_session session;
	struct sf_limits limits;
	enum sf_budget budget;
	struct map *schema;
	struct list wait_schema; /* jobs */
	struct list delayed;
	struct sf_gather looking, ready;
	struct list uploads;
	size_t n_graph_calls, n_look_calls, n_uploads;
	unsigned n_jobs; /* made so far, for ids */

	struct list asks_wait; /* for a schema */
	struct map *groups;    /* struct sf_group by what they share */
	struct map *found;     /* struct sf_found by question */
	size_t n_query_calls;
};

/* Gives a finished job or question back to the loop's thread. */
void sf_give_job(struct sf *sf, struct target_job *job);
void sf_give_ask(struct sf *sf, struct target_ask *ask);
/* Goes on with all that waited for a schema. */
void sf_go_on(struct sf *sf);
/* Counts an API call; a retry too when it is one. */
void sf_count(struct sf *sf, bool is_retry);
/* Lowers the time of the next look at things. */
void sf_wake_at(struct sf *sf, int64_t at);

#endif
