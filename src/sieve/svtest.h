/* SPDX-License-Identifier: GPL-3.0-or-later */
/* svtest.h - what a running test file holds; the words of ext_testsuite*.c. */
#ifndef SIEVE_SVTEST_H
#define SIEVE_SVTEST_H

#include <mailmill/buf.h>

#include "sieve_private.h"

/* A row that `fact` gave: what has to be asked for, and what is answered. */
struct svtest_fact {
	enum plan_question_kind kind;
	struct str object;
	struct plan_pair *where;
	size_t n_where;
	struct facts_row row;
};

/* A mail that an execution stored or sent. */
struct svtest_mail {
	struct str raw;
	struct str *flags;
	size_t n_flags;
	struct str sender, rcpt; /* of one that was sent */
};

struct svtest_folder {
	struct str name;
	struct svtest_mail *mails;
	size_t n_mails;
};

/* A compiled script put aside. */
struct svtest_binary {
	struct str name;
	struct sieve_script *script;
};

/* What is remembered for duplicate and vacation. */
struct svtest_mark {
	struct str key;
	int64_t until; /* wall ms */
};

struct svtest {
	struct arena *arena; /* of the whole file */
	const char *path;
	const struct sieve_test_host *host;
	unsigned n_failed;

	struct sieve_run *run;	       /* of the file itself */
	const struct sieve_node *test; /* the block that runs, or NULL */
	struct str failure;	       /* of that block, or NULL string */
	bool is_over;		       /* a failure outside of any block */

	struct mail **mails; /* all, the last is the current one */
	size_t n_mails;
	struct envelope env;
	struct facts facts;		    /* route and time */
	struct dns_zone *zone, *block_zone; /* what `zone` gave, and in a block
					     */
	struct svtest_fact *fact_rows;
	size_t n_fact_rows;

	struct sieve_script **scripts; /* all, ended with the file */
	size_t n_scripts;
	struct sieve_script *script; /* that compiled last, or NULL */
	struct str *errors;	     /* recorded */
	size_t n_errors;
	const struct plan *plan; /* of the last evaluate, or NULL */

	struct plan_pair *config; /* as set; read by a reload */
	size_t n_config;
	const struct sieve_settings *settings;

	struct svtest_folder *folders;
	size_t n_folders;
	struct svtest_mail *sent;
	size_t n_sent;
	struct svtest_mark *marks;
	size_t n_marks;
	bool remembers; /* else all that a mark could tell is that there is none
			 */
	size_t n_done, n_marked; /* of the shared result: executed already */
	struct svtest_binary *binaries;
	size_t n_binaries;
	const struct svtest_mail *stored; /* the current message, or NULL */
};

/* Lends the test file that an evaluation belongs to. */
static inline struct svtest *svtest_of(struct sieve_run *r)
{
	return r->host;
}

/*
 * Fails the running block at a node. Returns: what exec() returns then.
 */
int svtest_fail(struct sieve_run *r, const struct sieve_node *n,
	const char *fmt, ...) PRINTF(3, 4);
/* Records and forgets errors. */
void svtest_add_error(struct svtest *t, struct str text);
/* Tells how a block went. */
void svtest_tell(struct svtest *t, const struct sieve_test_block *b);
/* Shows a text to a person. */
void svtest_print(struct svtest *t, struct str text);
/* Makes a mail the current one, with the envelope that it tells. */
MUST_CHECK int svtest_set_mail(
	struct svtest *t, struct str raw, struct err *err);
/* The same from a file beside the test file. */
MUST_CHECK int svtest_read_mail(
	struct svtest *t, struct str path, struct err *err);
/*
 * Reads a file beside the test file. Lends: in the file's arena.
 * Returns: 0, or -1 with *err.
 */
MUST_CHECK int svtest_read(
	struct svtest *t, struct str path, struct str *out, struct err *err);
/*
 * Compiles a script beside the test file; what is wrong is recorded and
 * printed into *report, which may be NULL. Returns: 0 or -1.
 */
MUST_CHECK int svtest_compile(
	struct svtest *t, struct str path, struct buf *report);
/* Records a fault that does not end a script: run->complain. */
void svtest_complain(struct sieve_run *r, struct str text);
/* Answers a question from the file's facts and memory: run->answer. */
const struct facts_answer *svtest_answer(
	struct sieve_run *r, const struct plan_question *q);
/*
 * Evaluates the script on the current mail until it asks nothing more; what
 * no fact tells is not there. Returns: 0 with t->plan, or -1 with *err.
 */
MUST_CHECK int svtest_evaluate(struct svtest *t, struct err *err);
/* Makes the shared result an empty one with its implicit keep. */
void svtest_reset_result(struct svtest *t);

/* Sets and forgets a setting by the suites' name for it, until a reload. */
void svtest_config_set(struct svtest *t, struct str name, struct str value);
void svtest_config_unset(struct svtest *t, struct str name);
/* Makes the settings anew; what is wrong in them is recorded. */
void svtest_config_reload(struct svtest *t);

/* Finds a folder. Returns: or NULL. Holds until the next is made. */
struct svtest_folder *svtest_find_folder(struct svtest *t, struct str name);
/* Finds or makes it. */
struct svtest_folder *svtest_make_folder(struct svtest *t, struct str name);
/* Drops it with its mails; INBOX stays. */
void svtest_drop_folder(struct svtest *t, struct str name);
/* Tells whether something was remembered and is still. */
bool svtest_has_mark(struct svtest *t, struct str key);
/*
 * Does what is new in the shared result. Returns: 0, or -1: errors are
 * recorded and nothing was done but to keep the mail.
 */
MUST_CHECK int svtest_execute(struct svtest *t);

#endif
