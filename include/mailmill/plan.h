/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan.h - what a script decided (plan), asked (questions) and was told
 * (facts): plain data in an arena, its wire form and its JSON form.
 *
 * rules-language.md, section Meaning, draws the JSON.
 */
#ifndef MAILMILL_PLAN_H
#define MAILMILL_PLAN_H

#include <jansson.h>

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/dns.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

#define PLAN_RECORDS_MAX 10000
#define PLAN_FIELDS_MAX 1000 /* of one record */
#define PLAN_FILES_MAX 1000  /* of one plan */
#define PLAN_ACTIONS_MAX 32
#define PLAN_FLAGS_MAX 1000
#define PLAN_PIECES_MAX 10000 /* of one action */
#define PLAN_RCPTS_MAX 100
#define PLAN_MARKS_MAX 100
#define PLAN_QUESTIONS_MAX 100
#define PLAN_NOTES_MAX 1000
#define PLAN_WHERE_MAX 32    /* pairs of one question */
#define PLAN_COLUMNS_MAX 100 /* fields that one question brings */
#define PLAN_IDS_MAX 1000    /* Message-IDs of one question */
#define PLAN_WAYS_MAX 3	     /* to find a thread */
#define PLAN_TOKENS_MAX 100  /* of one question */
#define PLAN_AUTHORS_MAX 100 /* of one question */
#define PLAN_NAME_MAX 255    /* bytes of a record's, object's, field's name */
#define PLAN_VALUE_MAX ((size_t)1 << 20)
#define PLAN_QUESTION_NAME_MAX 512
#define PLAN_MARK_LEN 64

#define FACTS_ANSWERS_MAX 1000
#define FACTS_FOLDERS_MAX 10000
#define FACTS_ROWS_MAX 2000 /* of one answer */
#define FACTS_FIELDS_MAX PLAN_FIELDS_MAX

enum plan_op {
	PLAN_CREATE,
	PLAN_UPDATE,
	PLAN_UPSERT,
	PLAN_DELETE
};

enum plan_kind {
	PLAN_TEXT, /* `value` as text; the target converts by its schema */
	PLAN_REF, /* the field `ref_field` of the plan's record named `value` */
	PLAN_NULL, /* clear the field */
};

/* What to do with a text that is longer than the target's field. */
enum plan_overflow {
	PLAN_FAIL,
	PLAN_CUT,
	PLAN_FILE
};

struct plan_field {
	struct str name;
	enum plan_kind kind;
	struct str value;     /* UTF-8 text; for PLAN_REF the record's name */
	struct str ref_field; /* "Id" */
	enum plan_overflow overflow;
	uint64_t max;  /* UTF-16 units that the rule allows; 0: the schema's */
	unsigned line; /* of the rule */
};

/* Bytes for the target: from the message, or given as text. */
struct plan_file {
	struct str name;       /* file name, no path; never empty */
	struct str type;       /* "image/png" */
	struct str content_id; /* without < and >, or empty */
	bool is_inline;	       /* the HTML shows it */
	bool is_literal;       /* `literal` holds it; else the range does */
	struct str literal;
	uint64_t offset, len; /* of the encoded bytes in the message */
	struct str encoding;  /* "base64", "quoted-printable", "identity",
				 "uuencode" */
	uint64_t skip;	      /* decoded bytes before the file's own: it is
				 packed in another, as in winmail.dat */
	uint64_t size;	      /* decoded bytes */
	struct str sha256;    /* of the decoded bytes, 64 hex letters */
	unsigned line;
};

struct plan_record {
	enum plan_op op;
	struct str name;   /* unique in the plan */
	struct str object; /* "Case" */
	struct str key;	   /* "" until plan_set_keys() */
	struct str id;	   /* of update and delete */
	struct str by;	   /* of upsert: the external id field */
	struct plan_field *fields;
	size_t n_fields;
	struct plan_file *files;
	size_t n_files;
	unsigned line;
};

/*
 * A stretch of a message: bytes given here, or bytes of the stored one. A
 * message that a script changed is a list of such, so that nobody behind the
 * box has to parse anything to write it.
 */
struct plan_piece {
	struct str literal; /* any bytes; when it is empty, the range counts */
	uint64_t offset, len; /* of the stored message */
};

enum plan_action_kind {
	PLAN_KEEP,
	PLAN_DISCARD,
	PLAN_FILEINTO, /* value: folder */
	PLAN_REDIRECT, /* value: address */
	PLAN_REJECT,   /* value: reason (RFC 5429); told by an MDN */
	PLAN_EREJECT,  /* value: reason; told by a DSN */
	PLAN_VACATION, /* value: address that is answered (RFC 5230) */
	PLAN_NOTIFY,   /* value: method, a URI (RFC 5435) */
};

struct plan_action {
	enum plan_action_kind kind;
	struct str value;
	bool is_implicit; /* the implicit keep */
	bool is_copy;	  /* :copy */
	/* Of keep and fileinto, and of the copy that fcc keeps: */
	bool is_create;	   /* :create (RFC 5490): the folder if it is missing */
	struct str *flags; /* RFC 5232: "\\Seen", "$label" */
	size_t n_flags;
	/*
	 * What is kept, filed or sent, as it was when the script asked for it.
	 * None: the message as it came. Of new mail (reject, vacation, notify)
	 * all of it but Date and Message-ID, which are set when it is sent.
	 */
	struct plan_piece *pieces;
	size_t n_pieces;
	/* Of mail that goes out: */
	struct str sender; /* reverse-path without < and >, "" the null one */
	struct str *rcpts; /* forward-paths without < and > */
	size_t n_rcpts;
	struct str fcc; /* folder for a copy of what is sent (RFC 8580) */
	/* Sent only when this was not seen, and then marked as seen. */
	struct str mark;
	uint64_t mark_seconds;
	unsigned line;
};

/*
 * Something to remember when all of a plan was done: `duplicate` (RFC 7352).
 * Keys are 64 hex letters; the mill keeps those of each route apart.
 */
struct plan_mark {
	struct str key;
	uint64_t seconds; /* how long */
	bool is_last;	  /* begins anew when it is known already */
};

enum plan_question_kind {
	PLAN_FIND,   /* rows of a target's object */
	PLAN_THREAD, /* the record that an earlier mail of the thread made */
	PLAN_SEEN,   /* whether a mark is there: one row if so */
	PLAN_DNS,    /* what the DNS says: see facts_of_dns() */
};

struct plan_pair {
	struct str name, value;
};

struct plan_question {
	enum plan_question_kind kind;
	struct str name; /* stable: made of all below by plan_name_question() */
	struct str object; /* SEEN: the key of the mark; DNS: as dns_name() */
	struct plan_pair *where; /* FIND: all must be equal */
	size_t n_where;
	struct str *fields; /* FIND: to bring beside Id; DNS: the one type */
	size_t n_fields;
	struct str order; /* FIND: field, or empty */
	bool is_first;	  /* FIND: one of several will do */
	struct str
		*ids; /* THREAD: Message-IDs without < and >, nearest first */
	size_t n_ids;
	/* THREAD: the ways to look, in this order: "references", "token",
	 * "subject"; none: references. */
	struct str *by;
	size_t n_by;
	struct plan_pair *tokens; /* place and token, unchecked */
	size_t n_tokens;
	struct str subject;  /* what is alike in a thread */
	struct str *authors; /* addresses in lower case */
	size_t n_authors;
	uint64_t within;      /* days back in which a subject counts */
	bool is_participants; /* by subject only when an author took part */
};

/* Zeroed, it is an empty plan. All lives in one arena, the maker's. */
struct plan {
	struct str script, script_sha256; /* name, 64 hex letters */
	struct plan_record *records;
	size_t n_records;
	struct plan_action *actions;
	size_t n_actions;
	struct plan_mark *marks;
	size_t n_marks;
	struct plan_question *questions; /* not empty: nothing else counts */
	size_t n_questions;
	struct str *notes;
	size_t n_notes;
	struct str fail; /* not empty: the delivery is dead with this reason */
};

/* What FIND and THREAD brought: rows of fields, "Id" among them. */
struct facts_row {
	struct plan_pair *fields;
	size_t n_fields;
};

struct facts_answer {
	struct str name;	/* of the question */
	struct facts_row *rows; /* none: it is known that there is nothing */
	size_t n_rows;
};

/* What a script may know beside the mail. Zeroed: nothing. */
struct facts {
	int64_t now; /* wall ms; one moment for the whole evaluation */
	struct str route;
	/*
	 * The folders of the source, where it has such; LMTP and pipes have
	 * not: any name is right there.
	 */
	bool has_folders;
	struct str *folders;
	size_t n_folders;
	struct facts_answer *answers;
	size_t n_answers;
};

/* Names a kind of action as rules do: "fileinto". */
const char *plan_action_name(enum plan_action_kind kind);

/*
 * Sets q->name: the same for equal questions, different for others. Short ones
 * are readable: "find/Contact/Email=ann%40example.org/Id,AccountId".
 */
void plan_name_question(struct arena *a, struct plan_question *q);
/* Makes a question to the DNS; `name` is one of dns_name(), lent. */
void plan_ask_dns(struct arena *a, enum dns_type type, struct str name,
	struct plan_question *q);
/* Reads it back. Returns: 0, or -1: it is no right question to the DNS. */
MUST_CHECK int plan_read_dns(
	const struct plan_question *q, enum dns_type *type, struct str *name);
/*
 * Makes facts of an answer of the DNS: a row {"record": R} for each record, in
 * which "\DDD" is a byte that is not printable ASCII and "\\" a backslash; or
 * one row {"status": S} when there is none. Gives: in `a`.
 */
struct facts_answer facts_of_dns(
	struct arena *a, struct str question, const struct dns_answer *dns);
/* Reads them back. No row at all is DNS_NO_NAME, what is not such DNS_FAILED.
 */
void facts_to_dns(struct arena *a, const struct facts_answer *facts,
	struct dns_answer *out);
/* Finds an answer by a question's name. Returns: or NULL. */
const struct facts_answer *facts_find(const struct facts *f, struct str name);
/* Tells how many bytes the answers take on the wire. */
size_t facts_size(const struct facts *f);
/* Finds a field (without case) in a row. Returns: its value or STR_NULL. */
struct str facts_row_get(const struct facts_row *row, struct str field);

/*
 * Sets the key of each create and upsert: base32 (lower case, 52 letters) of
 * SHA-256 over identity, route and record name, so that the same mail gives
 * the same keys.
 */
void plan_set_keys(
	struct arena *a, struct plan *p, struct str identity, struct str route);

/*
 * Adds the bytes that an action's pieces mean; none: the message as it came.
 * Note: what a range has beyond the message's end is left out.
 */
void plan_pieces_write(struct buf *out, const struct plan_piece *pieces,
	size_t n, struct str message);

/* Adds the wire form of a plan. Over b's limit, buf_is_over() tells. */
void plan_encode(struct buf *b, const struct plan *p);
/*
 * Reads it; the bytes are hostile: counts and lengths are limited as above,
 * references must name an earlier record, enums be in range, texts be UTF-8,
 * names be free of control characters, and the name of a question be the one
 * that plan_name_question() gives it, so that none can pass for another.
 * Gives: *out in `a`; its strings lend from `in`. Returns: 0, or -1 with *err.
 */
MUST_CHECK int plan_decode(
	struct arena *a, struct str in, struct plan **out, struct err *err);
/* Adds the wire form of facts. */
void facts_encode(struct buf *b, const struct facts *f);
/* Reads it as plan_decode() does. */
MUST_CHECK int facts_decode(
	struct arena *a, struct str in, struct facts **out, struct err *err);

/* Makes the JSON form. Gives: by json_decref(). */
json_t *plan_to_json(const struct plan *p);
/* Makes the JSON form of facts. Gives: by json_decref(). */
json_t *facts_to_json(const struct facts *f);
/*
 * Reads facts from JSON, as facts_to_json() makes it and `mailmill eval
 * --facts` takes it. An answer's "question" is a name, or the question as in a
 * plan's JSON, whose name is then made here.
 * Gives: *out in `a`. Returns: 0, or -1 with *err that names the member.
 */
MUST_CHECK int facts_from_json(struct arena *a, const json_t *json,
	struct facts **out, struct err *err);

#endif
