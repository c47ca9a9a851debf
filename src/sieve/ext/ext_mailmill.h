/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext_mailmill.h - what the files of vnd.mailmill share: names of records. */
#ifndef SIEVE_EXT_MAILMILL_H
#define SIEVE_EXT_MAILMILL_H

#include <mailmill/typed.h>

#include "../sieve_private.h"

/* Owns the memory that all of them share. */
extern const struct sieve_ext sieve_ext_mailmill;
/* Owns what typed values learn of a mail. */
extern const struct sieve_ext sieve_ext_mailmill_type;

/*
 * Compile time: a name and what it may stand for, as far as the script was
 * read. A name may be given in several places (thread, else create), always
 * for one kind of object.
 */
struct mailmill_name {
	struct str name, object;
	unsigned line; /* where it was first given */
	bool is_created, is_found, is_threaded;
	struct str *fields; /* that a find brings beside Id */
	size_t n_fields;
};
#define MAILMILL_NAMES_MAX 255

enum mailmill_how {
	MAILMILL_CREATES,
	MAILMILL_FINDS,
	MAILMILL_THREADS
};

/*
 * Gives a name to a kind of object. Returns: its index, or -1: told an error.
 */
int mailmill_declare(struct sieve_check *c, const struct sieve_arg *name,
	const struct sieve_arg *object, enum mailmill_how how);
/* Adds a field that a name's find brings. */
void mailmill_declare_field(struct sieve_check *c, int index, struct str field);
/* Finds a name that was given before. Returns: its index, or -1: told. */
int mailmill_lookup(struct sieve_check *c, const struct sieve_arg *name);
/* Lends what is known of a name. */
const struct mailmill_name *mailmill_name(struct sieve_check *c, int index);

/*
 * Checks that the value of a constant is one of a list.
 * Returns: its index, or -1: an error was told that offers the nearest.
 */
int mailmill_choice(struct sieve_check *c, const struct sieve_text *t,
	const char *what, const char *const *names, size_t n);
/* Checks that a constant is the name of an object or field. Returns: 0 or -1.
 */
int mailmill_check_api_name(
	struct sieve_check *c, const struct sieve_text *t, const char *what);
/* Tells whether a command is one whose block makes a record. */
bool mailmill_is_record(const struct sieve_node *n);

/* What `:as` and the tags beside it say of a value. */
struct mailmill_type {
	bool is_given;
	enum typed_type type;
	struct typed_options options; /* without what the mail tells */
	bool has_currency;
	unsigned currency; /* slot of the variable that takes it */
};
/* The tags, for the tables of words: MAILMILL_TYPE_TAGS. */
int mailmill_check_type(
	struct sieve_check *c, struct sieve_node *n, struct mailmill_type *out);
#define MAILMILL_TYPE_TAGS                                                     \
	{ "as", SIEVE_CONST, "type", 0, 0, NULL },                             \
		{ "locale", SIEVE_CONSTS, "locales", 0, 0, NULL },             \
		{ "country", SIEVE_CONST, "country", 0, 0, NULL },             \
	{                                                                      \
		"currency", SIEVE_VARIABLE, "variable", 0, 0, NULL             \
	}
/*
 * Makes a text its type's form, by what the whole mail shows of how it writes
 * numbers and dates. Returns: NULL, or why it is none.
 */
const char *mailmill_read_type(struct sieve_run *r,
	const struct mailmill_type *type, struct str text, struct str *out);

/* Run time: what a name stands for now. */
enum mailmill_state {
	MAILMILL_NOTHING, /* nothing was found, or its command did not run */
	MAILMILL_PENDING, /* asked, not answered yet */
	MAILMILL_FOUND,	  /* `row` holds its fields */
	MAILMILL_CREATED, /* this plan creates it: `record` */
};

struct mailmill_bound {
	enum mailmill_state state;
	struct str name, object;
	const struct facts_row *row;
	struct str id;
	ssize_t record; /* of the plan, -1: none yet */
};

struct mailmill_run {
	struct mailmill_bound *bounds; /* by index of the name */
	size_t n_bounds;
	ssize_t open; /* the record whose block runs, or -1 */
	/* Who vouches for the mail; NULL: no rule asked yet. */
	struct auth_result *auth;
	const struct mail *auth_of;
};

/*
 * Ends the evaluation with a reason in the admin's own words: no file and line
 * in front of it. Returns: SIEVE_FAILED.
 */
int mailmill_fail(struct sieve_run *r, struct str reason);
/* Tells the kind of the mail, with the envelope's sender. */
enum mail_kind mailmill_kind(struct sieve_run *r);
/*
 * Who vouches for a mail (ext_mailmill_auth.c).
 */

/* Notes while compiling that the script will ask the DNS. */
void mailmill_note_auth(struct sieve_check *c);
/* Lists the names of values: "auth.spf". Returns: or NULL at the end. */
const char *mailmill_auth_name(size_t i);
/* Brings one of them. Returns: 1, 0 it is none of these, or < 0. */
int mailmill_auth_value(struct sieve_run *r, struct str name, struct str *out);
/* Is the test mail :from_verified. Returns: 1, 0, or < 0. */
int mailmill_is_from_verified(struct sieve_run *r);

/* Lends the state of an evaluation. */
struct mailmill_run *mailmill_run(struct sieve_run *r);
/* Lends what a name stands for. */
struct mailmill_bound *mailmill_bound(struct sieve_run *r, int index);
/* Sets what an answer says; NULL: it is pending. */
void mailmill_bind_row(
	struct mailmill_bound *b, const struct facts_row *row, bool is_pending);
/*
 * Finds the plan's record for a name: the one that it creates, or one that
 * updates what was found, which is made when there is none yet.
 * Returns: its index, SIEVE_FAILED (there is none: told), or SIEVE_WAIT.
 */
ssize_t mailmill_record_of(
	struct sieve_run *r, const struct sieve_node *n, int index);
/* Adds the message itself as a file, once. Returns: 0 or SIEVE_FAILED. */
int mailmill_attach_message(
	struct sieve_run *r, const struct sieve_node *n, size_t record);
/* Makes a name that no record of the plan has, out of `base`. */
struct str mailmill_unique(struct sieve_run *r, struct str base);
/*
 * Tells which record's field a text is when it is such a reference and the
 * record is created by this plan. Returns: the record's index, or -1.
 */
ssize_t mailmill_deferred(
	struct sieve_run *r, const struct sieve_text *t, struct str *field);
/*
 * Turns SIEVE_WAIT into going on, for what decides nothing: the plan counts
 * for nothing already, and more questions can be gathered behind it.
 */
static inline int mailmill_go_on(int rc)
{
	return rc == SIEVE_WAIT ? SIEVE_GO_ON : rc;
}

#endif
