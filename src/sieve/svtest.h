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

struct svtest {
	struct arena *arena; /* of the whole file */
	const char *path;
	bool is_verbose;
	struct buf *out;
	struct sieve_test_result *result;

	struct sieve_run *run;	       /* of the file itself */
	const struct sieve_node *test; /* the block that runs, or NULL */
	struct str failure;	       /* of that block, or NULL string */
	bool is_over;		       /* a failure outside of any block */

	struct mail **mails; /* all, the last is the current one */
	size_t n_mails;
	struct envelope env;
	struct facts facts; /* route and time */
	struct svtest_fact *fact_rows;
	size_t n_fact_rows;

	struct sieve_script **scripts; /* all, ended with the file */
	size_t n_scripts;
	struct sieve_script *script; /* that compiled last, or NULL */
	struct str *errors;	     /* recorded */
	size_t n_errors;
	const struct plan *plan; /* of the last evaluate, or NULL */
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
/* Makes a mail the current one, with the envelope that it tells. */
MUST_CHECK int svtest_set_mail(
	struct svtest *t, struct str raw, struct err *err);
/* The same from a file beside the test file. */
MUST_CHECK int svtest_read_mail(
	struct svtest *t, struct str path, struct err *err);
/*
 * Compiles a script beside the test file; what is wrong is recorded and
 * printed into *report, which may be NULL. Returns: 0 or -1.
 */
MUST_CHECK int svtest_compile(
	struct svtest *t, struct str path, struct buf *report);
/*
 * Evaluates the script on the current mail until it asks nothing more; what
 * no fact tells is not there. Returns: 0 with t->plan, or -1 with *err.
 */
MUST_CHECK int svtest_evaluate(struct svtest *t, struct err *err);
/* Makes the shared result an empty one with its implicit keep. */
void svtest_reset_result(struct svtest *t);

#endif
