/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * salesforce.h - what the files of the Salesforce target share.
 *
 * salesforce.c draws the whole. The upper half here is pure (no network, no
 * thread), and is what the unit tests call; the lower half is the thread's.
 */
#ifndef MAILMILL_SALESFORCE_H
#define MAILMILL_SALESFORCE_H

#include <jansson.h>
#include <pthread.h>

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/httpc.h>
#include <mailmill/list.h>
#include <mailmill/map.h>
#include <mailmill/mem.h>
#include <mailmill/plan.h>
#include <mailmill/target.h>

#include "../oauth.h"

#define SF_GRAPHS_MAX 75		 /* of one call, Salesforce's limit */
#define SF_NODES_MAX 500		 /* of one call and of one graph */
#define SF_CALL_MAX ((size_t)8 << 20)	 /* bytes of graphs in one call */
#define SF_GRAPH_MAX ((size_t)32 << 20)	 /* bytes of one graph */
#define SF_ANSWER_MAX ((size_t)64 << 20) /* bytes of one answer */
#define SF_REASON_MAX 500 /* bytes of the target's words that are kept */

/* ---- configuration ---------------------------------------------------- */

struct sf_conf {
	const char *login_url;
	int auth; /* enum oauth_way */
	const char *client_id, *client_secret, *username, *key, *audience;
	const char *api_version, *key_field;
	bool auto_assign, is_gzip;
	const char *ca_file, *proxy;
	int64_t connect_ms, timeout_ms;
	int64_t calls_max;
	int64_t budget_slow, budget_stop; /* percent */
	int64_t linger_ms, gather_ms, find_cache_ms;
};

extern const struct conf_schema sf_schema;

/* ---- error.c: what a refusal means ------------------------------------ */

enum sf_class {
	SF_DONE,     /* as good as done */
	SF_AGAIN,    /* soon, it was chance */
	SF_LATER,    /* in minutes */
	SF_NEVER,    /* this record will never do */
	SF_OPERATOR, /* rights or schema: all such records wait for a person */
	SF_AUTH,     /* the token is no good */
	SF_HALTED,   /* innocent: another's fault rolled it back */
	SF_LOOK,     /* it may be there already: look, then decide */
	SF_SPLIT,    /* the call as a whole was too much or ill-formed */
};

struct sf_failure {
	enum sf_class class;
	int64_t retry_ms; /* 0: the class decides */
	bool is_unclear;  /* it may have been done all the same */
	const char *code; /* lent by the JSON */
	struct str reason;
	struct str field; /* that the target names, or empty */
};

/* Sorts an errorCode; `status` decides about unknown ones. */
enum sf_class sf_error_class(const char *code, const char *message, int status);
/* Tells how long to wait when nobody said: with jitter. */
int64_t sf_error_retry_ms(enum sf_class class, const char *message);
/* Maps a class to what the mill is told. */
enum target_outcome sf_error_outcome(enum sf_class class);
/*
 * Reads an error body (an array or an object) of the given status; the texts
 * live in `a`. The first that is not PROCESSING_HALTED counts.
 */
void sf_error_read(struct arena *a, const json_t *body, int status,
	struct sf_failure *out);

/* ---- schema.c: what an object looks like ------------------------------ */

enum sf_type {
	SF_TEXT, /* and all that is not listed here */
	SF_BOOLEAN,
	SF_INT,
	SF_NUMBER,
	SF_DATE,
	SF_DATETIME,
	SF_ID,
	SF_EMAIL,
	SF_IDS, /* a list of ids */
};

struct sf_field {
	struct str name; /* as Salesforce writes it */
	enum sf_type type;
	uint64_t length; /* UTF-16 units; 0: none */
	bool is_createable, is_updateable, is_case_sensitive, is_html;
};

enum sf_key {
	SF_KEY_NONE,   /* the object has no key field */
	SF_KEY_PLAIN,  /* written, looked up, but no upsert by it */
	SF_KEY_UPSERT, /* an external id */
};

struct sf_object {
	struct arena *arena;
	struct str name; /* as Salesforce writes it */
	struct map *fields;
	enum sf_key key;
	bool key_is_unique;
};

/* Reads a describe answer. Gives: *out, by sf_object_free(). */
MUST_CHECK int sf_object_read(const json_t *describe, const char *key_field,
	struct sf_object **out, struct err *err);
/* Ends it. Accepts NULL. */
void sf_object_free(struct sf_object *o);
/* Finds a field, without case. Returns: or NULL. */
const struct sf_field *sf_object_field(
	const struct sf_object *o, struct str name);
/* Adds a key for maps by name: the name in lower case. */
void sf_name_key(struct buf *out, struct str name);
/* Tells whether s may stand as a name in a URL or query. */
bool sf_is_name(struct str s, bool with_dots);
/* Tells whether s is a record id: 15 or 18 letters and digits. */
bool sf_is_id(struct str s);

/* Finds the described object of a name; NULL: there is none. */
typedef const struct sf_object *(*sf_object_fn)(void *ctx, struct str name);

/* ---- value.c: texts of a plan as JSON of the schema's types ----------- */

/* A file that a record gets: the plan's own, or a text too long to fit. */
struct sf_file {
	size_t record;
	struct plan_file file;
	bool is_done;
};

/* What building brings beside the JSON; all in `arena`. */
struct sf_notes {
	struct arena *arena;
	struct str *notes;
	size_t n_notes;
	struct sf_file *files; /* of texts that did not fit */
	size_t n_files;
};

/* Remembers something the journal shall tell. */
void sf_note(struct sf_notes *n, const char *fmt, ...) PRINTF(2, 3);
/* Adds a JSON string, with what JSON may not hold left out. */
void sf_json_str(struct buf *out, struct str s);

#define SF_LEFT_OUT 1

/*
 * Adds the value of a field of record number `record` as JSON.
 * Returns: 0, SF_LEFT_OUT (nothing was added, a note may tell why), or -1 with
 *          *err that names object, field and rule line.
 */
MUST_CHECK int sf_value_write(struct buf *out, const struct sf_object *o,
	const struct sf_field *field, const struct plan_field *in,
	enum plan_op op, size_t record, struct sf_notes *notes,
	struct err *err);
/* Tells whether Salesforce is likely to take it as an e-mail address. */
bool sf_is_email(struct str s);

/* ---- graph.c: one plan as one composite graph ------------------------- */

/* What is known of a record of a plan. */
struct sf_record {
	struct str id;
	bool is_known; /* it is there; id may be empty if nobody told it */
	bool is_new;
};

/* A field that Salesforce refused and that is sent no more. */
struct sf_drop {
	size_t record;
	struct str field;
};

struct sf_graph {
	const struct sf_conf *conf;
	sf_object_fn object;
	void *ctx;
	const struct plan *plan;
	struct sf_record *records; /* of the plan; known ids are filled in */
	size_t from, to;	   /* the piece that is made now */
	const struct sf_drop *drops;
	size_t n_drops;
	struct sf_notes *notes;
	/* made: */
	size_t n_nodes;
	bool has_names; /* the records' names serve as referenceIds */
};

/* Tells where the piece that begins at `from` ends. */
size_t sf_graph_piece(const struct plan *plan, size_t from);
/*
 * Adds {"graphId":ID,"compositeRequest":[...]}; n_nodes may be 0.
 * Returns: 0, or -1 with *err: PERM for what will never do, CONF for what the
 *          schema lacks.
 */
MUST_CHECK int sf_graph_write(
	struct buf *out, const char *id, struct sf_graph *g, struct err *err);
/* Writes the referenceId of a record: its name, or its number. */
const char *sf_graph_name(
	struct arena *a, const struct sf_graph *g, size_t record);
/* Tells the key that a record is looked up by, or STR_NULL. */
struct str sf_graph_key(const struct sf_graph *g, size_t record);

/* ---- result.c: answers, taken apart ----------------------------------- */

/* Finds the answer of a graph by its id. Returns: or NULL. */
const json_t *sf_result_find(const json_t *answer, const char *id);
/*
 * Reads one graph's answer into g->records.
 * Returns: true when the graph succeeded; else *fail says why not, and
 *          *record is the plan's record at fault.
 */
bool sf_result_read(struct arena *a, const json_t *answer,
	const struct sf_graph *g, struct sf_failure *fail, size_t *record);

/* ---- query.c: many questions in one SOQL query ------------------------ */

/* Adds a SOQL literal for a text: quoted, escaped by the book. */
void sf_soql_text(struct buf *out, struct str s);

struct sf_query; /* questions that can share a query */

/*
 * Adds the name that questions that can share a query have in common.
 * Returns: 0, or -1 with *err: a name that is none, a field that is not there,
 *          a value that the field can't have.
 */
MUST_CHECK int sf_query_group(struct buf *out, const struct sf_object *o,
	const struct plan_question *q, struct err *err);
/* Tells whether a question can be told apart from others in one answer. */
bool sf_query_is_shareable(
	const struct sf_object *o, const struct plan_question *q);
/*
 * Adds the SOQL for questions of one group, leaving repeated values out.
 * `limit` is the number of rows that are wanted at most.
 */
void sf_query_write(struct buf *out, const struct sf_object *o,
	const struct plan_question *const *questions, size_t n, size_t limit);
/* Tells whether a row of the answer is one for the question. */
bool sf_query_matches(const struct sf_object *o, const struct plan_question *q,
	const json_t *row);
/* Copies a row's fields that were asked for, and Id. */
void sf_query_read_row(struct arena *a, const struct plan_question *q,
	const json_t *row, struct facts_row *out);

/* ---- limits.c: the budget of API calls -------------------------------- */

struct sf_limits {
	int64_t slow, stop; /* percent */
	uint64_t used, max;
	int64_t probe_at;    /* mono ms of the next call when stopped */
	int64_t pause_until; /* mono ms: Salesforce asked for quiet */
	unsigned n_pauses;   /* in a row */
};

enum sf_budget {
	SF_BUDGET_FREE,
	SF_BUDGET_SLOW,
	SF_BUDGET_STOP,
};

/* Reads a Sforce-Limit-Info value; anything else is ignored. */
void sf_limits_read(struct sf_limits *l, struct str header);
/* Notes that Salesforce refuses calls; `ms` 0: longer each time. */
void sf_limits_pause(struct sf_limits *l, int64_t now, int64_t ms);
/* Notes that a call went through. */
void sf_limits_passed(struct sf_limits *l);
/*
 * Tells whether a call may be made now; *wait_ms says how long not.
 * A stopped budget lets one call through each five minutes, to see.
 */
enum sf_budget sf_limits_check(
	const struct sf_limits *l, int64_t now, int64_t *wait_ms);
/* Notes that a call was made. */
void sf_limits_called(struct sf_limits *l, int64_t now);

#endif
