/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox.h - what the files of the sandbox share.
 *
 * One thread does everything, so nothing here is locked. A request becomes a
 * struct ask, the routing table finds its handler, which fills a struct reply.
 * Composite resources make further asks of their parts and put the replies
 * together. All changes of records go through table.c, which notes how to undo
 * them: a transaction is a mark in that log.
 */
#ifndef MAILMILL_SANDBOX_PRIVATE_H
#define MAILMILL_SANDBOX_PRIVATE_H

#include <jansson.h>

#include <mailmill/buf.h>
#include <mailmill/err.h>
#include <mailmill/map.h>
#include <mailmill/mem.h>
#include <mailmill/sandbox.h>
#include <mailmill/str.h>

AUTO_DEFINE(json, json_t *, json_decref)

#define SB_BODY_MAX (64u << 20)	   /* a request without files */
#define SB_FILE_MAX (2048LL << 20) /* one file of a multipart request */
#define SB_REPLY_MAX (256u << 20)
#define SB_URI_MAX 16384
#define SB_ID_LEN 18
#define SB_VERSION_MIN 31
#define SB_VERSION_MAX 67
#define SB_FIELDS_MAX 512 /* of one object */

/* Schema: what objects and fields there are. */

enum sb_type {
	SB_ID,
	SB_STRING,
	SB_TEXTAREA,
	SB_EMAIL,
	SB_PHONE,
	SB_URL,
	SB_PICKLIST,
	SB_MULTIPICKLIST,
	SB_COMBOBOX,
	SB_REFERENCE,
	SB_BOOLEAN,
	SB_INT,
	SB_DOUBLE,
	SB_CURRENCY,
	SB_PERCENT,
	SB_DATE,
	SB_DATETIME,
	SB_BASE64,
	SB_ID_LIST,
};

#define SB_C 0x001u	     /* createable */
#define SB_U 0x002u	     /* updateable */
#define SB_CU (SB_C | SB_U)  /* both */
#define SB_REQUIRED 0x004u   /* must be there on create */
#define SB_DEFAULTED 0x008u  /* defaultedOnCreate, hence not nillable */
#define SB_EXTERNAL 0x010u   /* external id */
#define SB_UNIQUE 0x020u     /* no two records share a value */
#define SB_LOOKUP 0x040u     /* idLookup */
#define SB_RESTRICTED 0x080u /* picklist takes only its values */
#define SB_NUMBERED 0x100u   /* autoNumber */
#define SB_NAME 0x200u	     /* nameField */
#define SB_CASE 0x400u	     /* caseSensitive */
#define SB_UNINDEXED 0x800u  /* a reference that most records share */
#define SB_CUSTOM 0x1000u    /* ends in __c */
#define SB_CASCADE 0x2000u   /* dies with the record it refers to */
#define SB_HTML 0x4000u	     /* htmlFormatted */

struct sandbox;
struct sb_object;
struct sb_record;
struct sb_fail;

struct sb_field {
	const char *name;
	enum sb_type type;
	int length;
	unsigned flags;
	const char *targets; /* reference: "User,Group" */
	const char *rel;     /* reference: "Owner" */
	const char *child;   /* reference: name from the other side, or NULL */
	const char *picks;   /* picklist: "New,Working" */
	const char *preset;  /* value when none is given */
	/* Computes the value instead of storing it. Gives: a reference. */
	json_t *(*derive)(struct sandbox *sb, const struct sb_record *r);
	const char *label;
	/* Set when the schema is built. */
	int index;
	bool is_indexed;
	struct map *by; /* index key -> struct sb_bucket */
	struct sb_object **to;
	int n_to;
};

struct sb_child {
	struct sb_object *object;
	struct sb_field *field;
};

/* One record being written; see write.c. */
struct sb_write {
	struct sb_object *object;
	struct sb_record *record; /* NULL on create */
	json_t **value;		  /* by field index, owned; NULL: untouched */
	bool has_blob;		  /* the base64 field was given: */
	uint64_t blob_len;
	char md5[33];
};

/* Rules that only one object has. */
struct sb_hooks {
	/* Refuses or completes values before a save. */
	int (*before)(
		struct sandbox *sb, struct sb_write *w, struct sb_fail *f);
	/* Writes what belongs to a new record. */
	int (*after)(
		struct sandbox *sb, struct sb_record *r, struct sb_fail *f);
	int (*before_delete)(
		struct sandbox *sb, struct sb_record *r, struct sb_fail *f);
};

/* As written in schema_data.c. */
struct sb_object_data {
	const char *name, *label, *plural, *prefix;
	const struct sb_field *fields; /* ended by { 0 } */
	const struct sb_hooks *hooks;
	const char *off; /* of "CUDQ": what clients may not do */
};

struct sb_object {
	char *name, *label, *plural, *prefix;
	struct sb_field *fields;
	int n_fields;
	struct map *by_name; /* lower case -> field */
	struct map *by_rel;  /* lower case -> reference field */
	struct sb_child *children;
	int n_children;
	const struct sb_hooks *hooks;
	const char *off;
	bool is_custom;
	int f_name, f_created, f_created_by, f_modified, f_modified_by, f_stamp,
		f_deleted, f_owner;
	struct sb_record **rows; /* as created, the deleted ones too */
	size_t n_rows, cap_rows, n_live;
	struct map *by_id; /* 15 letters -> record */
	uint64_t last_id, last_number;
	char *describe; /* its JSON, once asked for */
	int describe_version;
};

struct sb_record {
	struct sb_object *object;
	char id[SB_ID_LEN + 1];
	bool is_deleted, is_dirty;
	json_t *v[]; /* by field index; NULL is null */
};

struct sb_bucket {
	struct sb_record **r;
	unsigned n, cap;
};

extern const struct sb_object_data sb_schema_data[];
extern const struct sb_field sb_system_fields[];

int sb_schema_open(struct sandbox *sb, const char *file, const char *plain_key,
	struct err *err);
void sb_schema_close(struct sandbox *sb);
struct sb_object *sb_object(struct sandbox *sb, struct str name);
struct sb_object *sb_object_of_id(struct sandbox *sb, struct str id);
struct sb_field *sb_field(const struct sb_object *o, struct str name);
struct sb_field *sb_field_rel(const struct sb_object *o, struct str name);
struct sb_child *sb_child_rel(const struct sb_object *o, struct str name);
bool sb_field_is_key(const struct sb_field *f);
bool sb_field_is_text(const struct sb_field *f);
bool sb_can(const struct sb_object *o, char what);
const char *sb_type_name(enum sb_type t);

/* Ids: id.c. */

/* Writes the three letters that make an id safe in any case. */
void sb_id_checksum(const char id15[15], char out[4]);
/* Brings an id of 15 or 18 letters to 18. Returns: 0 or -1. */
int sb_id_full(struct str id, char out[SB_ID_LEN + 1]);
void sb_id_make(const char *prefix, uint64_t number, char out[SB_ID_LEN + 1]);
uint64_t sb_id_number(const char *id);

/* Records: table.c. */

struct sb_record *sb_table_new(struct sb_object *o);
void sb_table_insert(struct sandbox *sb, struct sb_record *r);
void sb_table_set(
	struct sandbox *sb, struct sb_record *r, int index, json_t *value);
void sb_table_delete(struct sandbox *sb, struct sb_record *r);
/* Lends a live or deleted record. */
struct sb_record *sb_table_get(const struct sb_object *o, struct str id);
/* Lends those with a value in an indexed field. */
const struct sb_bucket *sb_table_find(
	const struct sb_field *f, struct str value);
/* Gives a value, computed ones too; json_null() when there is none. */
json_t *sb_table_value(struct sandbox *sb, const struct sb_record *r,
	const struct sb_field *f);
size_t sb_table_mark(const struct sandbox *sb);
void sb_table_rollback(struct sandbox *sb, size_t mark);
/* Forgets how to undo, having told the state file. */
void sb_table_commit(struct sandbox *sb);
void sb_table_empty(struct sandbox *sb);
/* Puts a record in as it was saved, without noting an undo. */
void sb_table_restore(struct sandbox *sb, struct sb_record *r);
void sb_table_swap(struct sandbox *sb, struct sb_record *old, json_t **v);

/* Failures of one record or call. */

struct sb_fail {
	int status; /* HTTP's; 0: none */
	const char *code;
	char fields[512]; /* names, joined by commas */
	char text[1024];
	json_t *many; /* 300: array of URLs */
};

int sb_fail_set(struct sb_fail *f, int status, const char *code,
	const char *fields, const char *fmt, ...) PRINTF(5, 6);

/* Requests and replies. */

enum sb_kind {
	SB_K_OTHER,
	SB_K_TOKEN,
	SB_K_QUERY,
	SB_K_RECORD,
	SB_K_COLLECTION,
	SB_K_COMPOSITE,
	SB_K_GRAPH,
	SB_K_BATCH,
	SB_K_TREE,
	SB_K_UPLOAD,
	SB_K_DOWNLOAD,
	SB_K_DESCRIBE,
	SB_K_LIMITS,
	SB_K_ADMIN,
	SB_K_PAGE,
	SB_K_COUNT,
};

const char *sb_kind_name(enum sb_kind k);

struct sb_reply {
	int status;
	struct buf body;
	const char *type; /* NULL: JSON */
	char id[SB_ID_LEN + 1];
	char location[256];
	char extra_name[32], extra_value[128]; /* one more header */
	bool is_attachment;		       /* to be saved, not shown */
	bool is_file; /* body is a piece of the blob file */
	uint64_t file_at, file_len;
	char file_name[256];
};

#define SB_SEGMENTS_MAX 8
struct sb_ask {
	struct sandbox *sb;
	const char *method;
	struct str path;  /* raw, with a leading slash, no query */
	struct str query; /* raw, behind the ? */
	int version;	  /* 66 */
	json_t *body;	  /* NULL: none, or not JSON */
	struct str raw;	  /* the body as it came */
	struct sb_upload *upload;
	const char *query_options; /* Sforce-Query-Options */
	const char *if_modified;
	const char *authorization;
	struct arena *arena;
	/* Set by the router: decoded segments behind the version. */
	int n_seg;
	struct str seg[SB_SEGMENTS_MAX];
	int depth; /* 0: of a client; 1: in a composite; -1: of a test */
	struct sb_graph_fault *graph_fault;
};

typedef void (*sb_handler_fn)(struct sb_ask *a, struct sb_reply *r);

void sb_reply_init(struct sb_reply *r);
void sb_reply_fini(struct sb_reply *r);
static inline void auto_reply(struct sb_reply *r)
{
	sb_reply_fini(r);
}
/* Answers with the array of one error. */
void sb_reply_fail(struct sb_reply *r, const struct sb_fail *f);
void sb_reply_error(struct sb_reply *r, int status, const char *code,
	const char *fmt, ...) PRINTF(4, 5);
void sb_reply_json(struct sb_reply *r, int status, const json_t *j);
/* Gives a parameter of the query, decoded, in the arena. */
bool sb_ask_param(struct sb_ask *a, const char *name, struct str *out);
bool sb_form_param(
	struct arena *a, struct str form, const char *name, struct str *out);
/* Finds and calls the handler for /services/data/vNN.N and below. */
void sb_route_api(struct sb_ask *a, struct sb_reply *r);
/* Answers any request; *kind is told for faults and the log. */
void sb_route(struct sb_ask *a, struct sb_reply *r);
enum sb_kind sb_route_kind(const struct sb_ask *a);
/* Makes an ask of a part of a composite request; url as given there. */
void sb_ask_part(struct sb_ask *part, struct sb_ask *whole, const char *method,
	struct str url, json_t *body);

/* JSON text: json.c. */

void sb_json_str(struct buf *out, struct str s);
void sb_json_value(struct buf *out, const json_t *j);
void sb_json_errors(
	struct buf *out, const struct sb_fail *f, const char *code_name);
/* Reads JSON text, failing as the API does. */
json_t *sb_json_read(struct str text, struct sb_fail *f);
/* Writes a record: attributes, and the fields (NULL: all). */
void sb_json_record(struct buf *out, struct sandbox *sb,
	const struct sb_record *r, struct sb_field *const *fields, int n,
	int version);
void sb_json_field(struct buf *out, struct sandbox *sb,
	const struct sb_record *r, const struct sb_field *f, int version);
void sb_json_attributes(
	struct buf *out, const struct sb_record *r, int version);
struct str sb_json_text(const json_t *j);
/* Prints a datetime as 2011-07-07T00:37:00.000+0000. */
void sb_json_datetime(struct buf *out, int64_t ms);

/* Values of requests: value.c. Each is NULL with *f when it is no good. */

/* Gives a value in its stored form; json_null() for none. */
json_t *sb_value_convert(struct sandbox *sb, struct sb_write *w,
	const struct sb_field *f, json_t *j, struct sb_fail *fail);
/* {"Contact": {"Key__c": "abc"}} stands for the id of that contact. */
json_t *sb_value_foreign(struct sandbox *sb, const struct sb_field *f,
	json_t *j, struct sb_fail *fail);
/* Takes the file that came with the request. */
json_t *sb_value_upload(
	struct sandbox *sb, struct sb_write *w, struct sb_fail *fail);

/* Writes of one record: write.c; rules of standard objects: objects.c. */

int sb_write_create(struct sandbox *sb, struct sb_object *o, json_t *body,
	struct sb_record **out, struct sb_fail *f);
int sb_write_update(struct sandbox *sb, struct sb_record *r, json_t *body,
	struct sb_fail *f);
int sb_write_delete(struct sandbox *sb, struct sb_record *r, struct sb_fail *f);
/* Finds the record by key and updates it, or creates it. */
int sb_write_upsert(struct sandbox *sb, struct sb_object *o,
	struct sb_field *key, struct str value, json_t *body, bool update_only,
	int version, bool *created, struct sb_record **out, struct sb_fail *f);
/* Finds records by a key field. Returns: how many; the first in *out. */
unsigned sb_write_find(struct sb_object *o, struct sb_field *key,
	struct str value, struct sb_record **out);
/* Lends the record of an id in a request, failing as the API does. */
int sb_write_target(struct sandbox *sb, struct sb_object *o, struct str id,
	struct sb_record **out, struct sb_fail *f);
/* Makes a record from inside; value may be NULL. Ends with a NULL name. */
struct sb_record *sb_write_make(struct sandbox *sb, const char *object, ...);
/* Sets a value as if it had been given. Takes: value. */
void sb_write_set(struct sb_write *w, const char *field, json_t *value);
/* Lends the value that the record will have. */
json_t *sb_write_see(const struct sb_write *w, const char *field);
/* Lends the value that a record has. */
json_t *sb_record_see(const struct sb_record *r, const char *field);
int64_t sb_now_ms(void);

extern const struct sb_hooks sb_hooks_case, sb_hooks_email_message,
	sb_hooks_lead, sb_hooks_task, sb_hooks_content_version,
	sb_hooks_content_link, sb_hooks_contact, sb_hooks_content_document;
json_t *sb_derive_person_name(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_contact_email(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_contact_phone(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_contact_mobile(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_contact_fax(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_mail_name(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_has_attachment(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_is_closed(struct sandbox *sb, const struct sb_record *r);
json_t *sb_derive_task_closed(struct sandbox *sb, const struct sb_record *r);

/* SOQL: soql_parse.c, soql_run.c; pages of results: query.c. */

struct soql;

/* Compiles a query. Lends: *out, of the arena. Returns: 0 or -1 with *f. */
int sb_soql_parse(struct sandbox *sb, struct arena *arena, struct str text,
	struct soql **out, struct sb_fail *f);
/* A result. rows is by free(). */
struct sb_rows {
	struct sb_record **r;
	size_t n;
	bool is_count; /* COUNT(): n alone counts */
};
int sb_soql_run(struct sandbox *sb, struct soql *q, bool with_deleted,
	struct sb_rows *out, struct sb_fail *f);
void sb_soql_write(struct buf *out, struct sandbox *sb, struct soql *q,
	const struct sb_record *r, int version);
/* Tells whether it groups or computes; then this writes the whole result. */
bool sb_soql_is_aggregate(const struct soql *q);
void sb_soql_write_aggregate(struct buf *out, struct sandbox *sb,
	struct soql *q, const struct sb_rows *rows);

void sb_query_get(struct sb_ask *a, struct sb_reply *r);
void sb_query_all(struct sb_ask *a, struct sb_reply *r);
void sb_query_more(struct sb_ask *a, struct sb_reply *r);
void sb_query_close(struct sandbox *sb);
void sb_search_get(struct sb_ask *a, struct sb_reply *r);

/* Handlers. */

void sb_rest_create(struct sb_ask *a, struct sb_reply *r);
void sb_rest_read(struct sb_ask *a, struct sb_reply *r);
void sb_rest_update(struct sb_ask *a, struct sb_reply *r);
void sb_rest_delete(struct sb_ask *a, struct sb_reply *r);
void sb_rest_upsert(struct sb_ask *a, struct sb_reply *r);
void sb_rest_read_key(struct sb_ask *a, struct sb_reply *r);
void sb_rest_delete_key(struct sb_ask *a, struct sb_reply *r);
void sb_rest_updated(struct sb_ask *a, struct sb_reply *r);
void sb_rest_deleted(struct sb_ask *a, struct sb_reply *r);
void sb_describe_global(struct sb_ask *a, struct sb_reply *r);
void sb_describe_basic(struct sb_ask *a, struct sb_reply *r);
void sb_describe_object(struct sb_ask *a, struct sb_reply *r);
void sb_collections_create(struct sb_ask *a, struct sb_reply *r);
void sb_collections_update(struct sb_ask *a, struct sb_reply *r);
void sb_collections_upsert(struct sb_ask *a, struct sb_reply *r);
void sb_collections_delete(struct sb_ask *a, struct sb_reply *r);
void sb_collections_read(struct sb_ask *a, struct sb_reply *r);
void sb_composite_run(struct sb_ask *a, struct sb_reply *r);
void sb_graph_run(struct sb_ask *a, struct sb_reply *r);
void sb_batch_run(struct sb_ask *a, struct sb_reply *r);
void sb_tree_run(struct sb_ask *a, struct sb_reply *r);
void sb_file_download(struct sb_ask *a, struct sb_reply *r);
void sb_limits_get(struct sb_ask *a, struct sb_reply *r);
void sb_limits_versions(struct sb_ask *a, struct sb_reply *r);
void sb_limits_resources(struct sb_ask *a, struct sb_reply *r);
void sb_oauth_route(struct sb_ask *a, struct sb_reply *r);
void sb_admin_route(struct sb_ask *a, struct sb_reply *r);
void sb_pages_route(struct sb_ask *a, struct sb_reply *r);

/* References @{ref.path} of composite requests: reference.c. */

struct sb_refs;

struct sb_refs *sb_refs_new(void);
void sb_refs_free(struct sb_refs *refs);
/* Tells the outcome of a part; id may be "". body is borrowed. */
void sb_refs_add(struct sb_refs *refs, struct str name, bool is_ok,
	const char *id, struct str body);
/*
 * Replaces the references in a text. Returns: 0 with *out (the same text, or
 * one of the arena), or -1 with *f.
 */
int sb_refs_text(struct sb_refs *refs, struct arena *a, struct str text,
	struct str *out, struct sb_fail *f);
/* The same in all strings of a JSON value, in place. */
int sb_refs_json(
	struct sb_refs *refs, struct arena *a, json_t *j, struct sb_fail *f);
/* Walks the names that a text refers to. */
typedef void (*sb_refs_fn)(struct str name, void *ctx);
void sb_refs_each(struct str text, sb_refs_fn fn, void *ctx);
void sb_refs_each_json(const json_t *j, sb_refs_fn fn, void *ctx);
bool sb_refs_name_ok(struct str name);
AUTO_DEFINE(refs, struct sb_refs *, sb_refs_free)

/* Multipart bodies: multipart.c. They stream: files go to disk at once. */

struct sb_upload {
	json_t *entity; /* the JSON part */
	struct buf json;
	char field[64]; /* name of the file part */
	char file_name[256];
	int fd; /* its bytes, or -1 */
	uint64_t len;
	unsigned char md5[16];
	bool has_file;
	char bad[160]; /* why it is no good, or "" */
	struct sb_multipart *parser;
};
struct sb_upload *sb_upload_new(const char *content_type);
void sb_upload_add(struct sb_upload *u, const char *p, size_t n);
/* Tells that all has come. Returns: 0, or -1 with u->bad. */
int sb_upload_end(struct sb_upload *u);
void sb_upload_free(struct sb_upload *u);

/* Bytes of files: blob.c. One growing file holds all. */

int sb_blob_open(struct sandbox *sb, const char *state, struct err *err);
void sb_blob_close(struct sandbox *sb);
int sb_blob_add(struct sandbox *sb, struct str bytes, uint64_t *at);
int sb_blob_add_fd(struct sandbox *sb, int fd, uint64_t len, uint64_t *at);
int sb_blob_read(
	struct sandbox *sb, uint64_t at, uint64_t len, struct buf *out);

/* State file: state.c. */

int sb_state_open(struct sandbox *sb, const char *path, struct err *err);
void sb_state_save(struct sandbox *sb, struct sb_record *r);
void sb_state_flush(struct sandbox *sb);
void sb_state_close(struct sandbox *sb);
void sb_state_reset(struct sandbox *sb);
void sb_seed_default(struct sandbox *sb);

/* Tokens: oauth.c. */

int sb_oauth_open(
	struct sandbox *sb, const struct sandbox_options *o, struct err *err);
void sb_oauth_close(struct sandbox *sb);
void sb_oauth_expire(struct sandbox *sb);
/* Tells whether the call bears a token that holds. */
bool sb_oauth_is_ok(struct sandbox *sb, const char *authorization);

/* Faults: faults.c. */

enum sb_fault_what {
	SB_F_NONE,
	SB_F_RESET_BEFORE,
	SB_F_RESET_AFTER,
	SB_F_TIMEOUT_BEFORE,
	SB_F_TIMEOUT_AFTER,
	SB_F_401,
	SB_F_429,
	SB_F_500,
	SB_F_502,
	SB_F_503,
	SB_F_LOCK_ROW,
	SB_F_LIMIT,
	SB_F_HALF_BODY,
	SB_F_HTML,
	SB_F_ROLLBACK,
	SB_F_SLOW,
	SB_F_STORAGE,
	SB_F_500_AFTER,
	SB_F_VALIDATION,
	SB_F_COUNT,
};

struct sb_fault {
	enum sb_fault_what what;
	int retry_after; /* seconds; -1: not told */
	int ms;		 /* of slow and timeout_* */
	char code[64], text[256];
};

/* What a graph or composite call is made to suffer. */
struct sb_graph_fault {
	const char *code;
	const char *text;
	bool is_all; /* each graph, else the first */
};

struct sb_faults;
struct sb_faults *sb_faults_new(void);
void sb_faults_free(struct sb_faults *fs);
/* Picks the fault that strikes this call, if any. */
bool sb_faults_take(struct sb_faults *fs, enum sb_kind kind, struct str path,
	struct sb_fault *out);
int sb_faults_add(struct sb_faults *fs, json_t *j, struct sb_fail *f);
void sb_faults_clear(struct sb_faults *fs);
json_t *sb_faults_list(const struct sb_faults *fs);
const char *sb_faults_name(enum sb_fault_what what);
/* Answers in place of the handler. Returns: false when it must be called. */
bool sb_faults_answer(
	const struct sb_fault *f, struct sb_ask *a, struct sb_reply *r);

/* Call log and counters: limits.c. */

#define SB_CALLS_MAX 500
struct sb_call {
	int64_t at_ms;
	char method[8];
	char path[480];
	int status;
	unsigned ms;
	uint64_t n_in, n_out;
	enum sb_kind kind;
	char fault[24];
};

struct sb_undo {
	enum {
		SB_UNDO_INSERT,
		SB_UNDO_SET,
		SB_UNDO_DELETE
	} what;
	int index;
	struct sb_record *r;
	json_t *old;
};

struct sandbox {
	char url[300];
	struct sb_object **objects;
	int n_objects;
	struct map *by_name;   /* lower case -> object */
	struct map *by_prefix; /* "500" -> object */
	struct sb_undo *undo;
	size_t n_undo, cap_undo;
	char org_id[SB_ID_LEN + 1], user_id[SB_ID_LEN + 1];
	int64_t started_ms;
	struct sb_oauth *oauth;
	struct sb_faults *faults;
	struct sb_state *state;
	struct sb_cursors *cursors;
	struct sb_server *server;
	struct sb_upload *upload; /* of the request being handled */
	bool is_strict; /* refuses create-only fields even when unchanged */
	int blob_fd;
	uint64_t blob_end;
	uint64_t n_api, api_limit; /* calls that count, and how many may */
	uint64_t n_by_kind[SB_K_COUNT], n_faults;
	struct sb_call calls[SB_CALLS_MAX]; /* a ring */
	uint64_t n_calls;
};

/* Makes all but the server, for tests. Gives: by sandbox_close(). */
int sb_open_engine(
	const struct sandbox_options *o, struct sandbox **out, struct err *err);
int sb_server_open(
	struct sandbox *sb, const struct sandbox_options *o, struct err *err);
int sb_server_run(struct sandbox *sb, int stop_fd, struct err *err);
void sb_server_close(struct sandbox *sb);
void sb_log_call(struct sandbox *sb, const struct sb_call *c);

#endif
