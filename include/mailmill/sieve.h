/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sieve.h - rule files: compiling and evaluating (RFC 5228 and extensions).
 *
 * Evaluating touches nothing: it reads a mail and facts and makes a plan.
 */
#ifndef MAILMILL_SIEVE_H
#define MAILMILL_SIEVE_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/envelope.h>
#include <mailmill/err.h>
#include <mailmill/mail.h>
#include <mailmill/mem.h>
#include <mailmill/plan.h>

struct sieve_script;

struct sieve_limits {
	size_t script_len;  /* bytes; default 1 MiB */
	unsigned nesting;   /* blocks and tests; 32 */
	size_t string_len;  /* a literal; 1 MiB */
	unsigned variables; /* 255 */
	size_t value_len;   /* a variable's value; 64 KiB */
	unsigned actions;   /* 32 */
	unsigned redirects; /* 4 */
	unsigned records;   /* PLAN_RECORDS_MAX */
	uint64_t steps; /* commands, tests and glob steps of one evaluation */
	uint32_t regex_steps;	   /* PCRE2 match limit */
	char subaddress_separator; /* '+' */
};
/* Lends the defaults. */
const struct sieve_limits *sieve_limits_default(void);

enum sieve_severity {
	SIEVE_ERROR,
	SIEVE_WARNING
};

/* A finding in a script. */
struct sieve_diag {
	enum sieve_severity severity;
	unsigned line, column; /* from 1; columns count bytes, a tab is one */
	struct str message;    /* one line, without place */
	struct str hint;       /* what to write instead, or empty */
	struct str source;     /* the source line, for the caret */
};

struct sieve_diags {
	struct arena *arena; /* the caller's; diags live here */
	struct sieve_diag *items;
	size_t n, cap;
};

/* Adds "FILE:LINE:COL: error: message", source line, caret, hint. */
void sieve_diag_print(
	struct buf *out, const char *file, const struct sieve_diag *d);

/*
 * Compiles a script. `name` is how messages and plans call it. Source is
 * copied. Several errors are found in one run.
 * Gives:   *out, by sieve_free().
 * Returns: 0 (there may be warnings in *diags), or -1: errors in *diags.
 */
MUST_CHECK int sieve_compile(const char *name, struct str source,
	const struct sieve_limits *limits, struct sieve_diags *diags,
	struct sieve_script **out);
/* Ends it. Accepts NULL. */
void sieve_free(struct sieve_script *s);
/* Lends name and SHA-256 (hex) of the source. */
struct str sieve_name(const struct sieve_script *s);
struct str sieve_sha256(const struct sieve_script *s);

/*
 * Evaluates a script; equal arguments always give an equal plan. Record keys
 * are not set (plan_set_keys() needs the identity).
 * Gives:   *out in `a`: a plan; or one with questions, to be evaluated again
 *          with their answers in the facts; or one with `fail` set (by the
 *          script, by an error at run time or a limit: line and value in the
 *          text).
 * Returns: 0, or -1 with *err.
 * Note:    one thread a script.
 */
MUST_CHECK int sieve_eval(const struct sieve_script *s, struct mail *mail,
	const struct envelope *env, const struct facts *facts, struct arena *a,
	struct plan **out, struct err *err);

/*
 * Runs a test file (.svtest) with the test language of svtest.md, as far as
 * the extensions here go, and our additions. Progress lines go to `out`.
 * Returns: 0 all passed, 1 some failed, or -1 with *err: cannot be run.
 */
struct sieve_test_result {
	unsigned passed, failed;
};
MUST_CHECK int sieve_test(const char *path, bool is_verbose, struct buf *out,
	struct sieve_test_result *result, struct err *err);

AUTO_DEFINE(sieve, struct sieve_script *, sieve_free)

#endif
