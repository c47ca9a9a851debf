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
struct wire_in;

struct sieve_limits {
	size_t script_len;		  /* bytes; default 1 MiB */
	unsigned nesting;		  /* blocks and tests; 32 */
	size_t string_len;		  /* a literal; 1 MiB */
	unsigned variables;		  /* 255 */
	unsigned name_len;		  /* of a variable; 64 */
	size_t value_len;		  /* a variable's value; 64 KiB */
	unsigned actions;		  /* 32 */
	unsigned redirects;		  /* 4 */
	unsigned notifies;		  /* 10 */
	unsigned records;		  /* PLAN_RECORDS_MAX */
	unsigned include_depth, includes; /* 10, 255 */
	unsigned part_depth;		  /* loops of foreverypart; 4 */
	size_t header_len;		  /* of addheader's value; 2048 */
	int64_t cpu_ms;			  /* of one evaluation; 0: no limit */
	uint64_t steps; /* commands, tests and glob steps of one evaluation */
	uint32_t regex_steps; /* PCRE2 match limit */
};

/* How a filter's verdict stands in a header field (RFC 5235). */
enum sieve_scan_kind {
	SIEVE_SCAN_SCORE,  /* a number */
	SIEVE_SCAN_STRLEN, /* as many as the letters */
	SIEVE_SCAN_TEXT	   /* one of the texts */
};
struct sieve_scan {
	/* "X-Spam-Score", or with a pattern whose first group counts:
	 * "X-Spam-Status: score=(-?[0-9.]+)". Empty: not configured. */
	struct str status;
	struct str max_header; /* the same form; or else ... */
	struct str max_value;  /* ... a number */
	enum sieve_scan_kind kind;
	struct str texts[11]; /* by result: text[0] means 0 */
};

/* A field that addheader or deleteheader may not touch. */
struct sieve_field_rule {
	struct str name;
	bool forbids_add, forbids_delete;
};

/* A list of texts, for :list (RFC 6134). */
struct sieve_list {
	struct str name; /* "tag:example.org,2026:vip" */
	struct str *members;
	size_t n_members;
};

/* A named text, for environment (RFC 5183). */
struct sieve_item {
	struct str name, value;
};

#define SIEVE_FIND_NONE 1
/*
 * Brings a script that another includes (RFC 6609). The name has no ".sieve"
 * at its end, no "/" and no control characters. Gives: in `a` its source, and
 * in *path how messages call it. Returns: 0, SIEVE_FIND_NONE, or -1 with *err:
 * it is there and can't be read.
 */
typedef int (*sieve_find_fn)(void *ctx, struct arena *a, bool is_global,
	struct str name, struct str *path, struct str *source, struct err *err);

/*
 * All that an operator can set. Lent to scripts: must outlive those compiled
 * with it. Sizes and spans in bytes and seconds.
 */
struct sieve_settings {
	struct sieve_limits limits;
	struct str delimiters;	   /* each letter parts user and detail; "+" */
	struct str default_folder; /* what keep means as a folder; "INBOX" */
	struct str owner;	   /* own address; empty: the recipient */
	struct str *owner_aliases; /* further own addresses */
	size_t n_owner_aliases;
	struct str postmaster; /* empty: postmaster@ the domain */
	struct str hostname, domain;
	struct sieve_item *environment; /* items beside the standard ones */
	size_t n_environment;
	sieve_find_fn find; /* NULL: there is nothing to include */
	void *find_ctx;
	/* An included script that is not there is no error of a script but of
	 * its evaluation: for scripts that are only checked or stored. */
	bool allows_missing;

	/* "sender", "recipient", "orig_recipient", "owner", "postmaster", or
	 * "<address>": reverse-path of what goes out. notify_sender empty: the
	 * :from of a notify, or else the postmaster */
	struct str redirect_sender, notify_sender;
	struct sieve_field_rule *field_rules;
	size_t n_field_rules;
	/* Whose Authentication-Results are believed; and whether to judge
	 * where none of these spoke, which asks the DNS: see auth.h. */
	struct str *auth_trusted;
	size_t n_auth_trusted;
	bool auth_asks_nobody;
	struct sieve_scan spam, virus;
	struct sieve_list *lists;
	size_t n_lists;
	uint64_t duplicate_s, duplicate_max_s; /* 7 d, 30 d */
	uint64_t vacation_s, vacation_min_s,
		vacation_max_s;	     /* 7 d, 1 d, 60 d */
	struct str vacation_subject; /* when there is none; "Automated reply" */
	struct str vacation_prefix;  /* "Auto: %$" with %$ the subject */
	bool vacation_uses_orig_rcpt, vacation_skips_rcpt_check,
		vacation_sends_from_rcpt, vacation_ignores_envelope;
};
/* Lends the defaults. */
const struct sieve_settings *sieve_settings_default(void);
/*
 * Checks what an operator wrote: addresses, names of fields, rules for
 * reverse-paths; and how a filter's verdict is found.
 * Returns: 0, or -1 with *err that says what was expected.
 */
MUST_CHECK int sieve_settings_check(
	const struct sieve_settings *s, struct err *err);
MUST_CHECK int sieve_scan_check(const struct sieve_scan *s, struct err *err);
/* Adds the wire form, in which a worker gets them; `find` is left out. */
void sieve_settings_encode(struct buf *b, const struct sieve_settings *s);
/* Reads it; w->is_bad tells a fault. Lends: strings of `w`, arrays in `a`. */
void sieve_settings_decode(
	struct arena *a, struct wire_in *w, struct sieve_settings *s);

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
	struct str file;       /* of an included script; or empty */
	const char *code;      /* of struct sieve_message; for tools */
};

struct sieve_diags {
	struct arena *arena; /* the caller's; diags live here */
	struct sieve_diag *items;
	size_t n, cap;
};

#define SIEVE_FORMATS_MAX 16
/* One kind of finding. */
struct sieve_message {
	const char *code; /* "missing-require" */
	enum sieve_severity severity;
	bool is_for_tests;	 /* in test files only */
	const char *means, *fix; /* a sentence each */
	const char *example;	 /* a script that shows it; NULL: none can */
	const char *formats[SIEVE_FORMATS_MAX]; /* ended by NULL */
};
/* Lends the table of all findings that there can be. */
const struct sieve_message *sieve_messages(size_t *n);

/*
 * Adds "FILE:LINE:COL: error: message", source line, caret, hint. A finding in
 * an included script names that instead.
 */
void sieve_diag_print(
	struct buf *out, const char *file, const struct sieve_diag *d);

/*
 * Compiles a script. `name` is how messages and plans call it. Source is
 * copied, settings are lent; NULL: the defaults. Several errors are found in
 * one run.
 * Gives:   *out, by sieve_free().
 * Returns: 0 (there may be warnings in *diags), or -1: errors in *diags.
 */
MUST_CHECK int sieve_compile(const char *name, struct str source,
	const struct sieve_settings *settings, struct sieve_diags *diags,
	struct sieve_script **out);
/* The same for a test file (.svtest), whose words are known. */
MUST_CHECK int sieve_compile_test(const char *name, struct str source,
	const struct sieve_settings *settings, struct sieve_diags *diags,
	struct sieve_script **out);
/* Ends it. Accepts NULL. */
void sieve_free(struct sieve_script *s);
/* Adds the names of all extensions, parted by blanks. */
void sieve_capabilities(struct buf *out);
/*
 * Tells whether a script, or one that it includes, has a command for a kind of
 * action at all, so that a plan with another is none of this script.
 */
bool sieve_can(const struct sieve_script *s, enum plan_action_kind kind);
/* Tells whether a script, or one that it includes, may ask the DNS. */
bool sieve_asks_dns(const struct sieve_script *s);
/* Lends name and SHA-256 (hex) of the source, and of all that it includes. */
struct str sieve_name(const struct sieve_script *s);
struct str sieve_sha256(const struct sieve_script *s);

/* A script that another includes; the same name may be in both places. */
struct sieve_include {
	bool is_global;
	struct str name, path, source; /* as sieve_find_fn has them */
};
/* Lends all that a script includes, each once, also what those include. */
size_t sieve_includes(
	const struct sieve_script *s, const struct sieve_include **out);

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

/* How a block of a test file went. */
struct sieve_test_block {
	struct str name;
	unsigned line; /* 0: the file itself, which failed */
	bool is_passed;
	struct str why; /* lines; of a failure: "FILE:LINE: what" first */
};

/* What a test file has around it. Functions that are NULL do nothing. */
struct sieve_test_host {
	void *ctx;
	/* Reads a file: the test file, and what it names. NULL: from disk. */
	int (*read)(
		void *ctx, const char *path, struct buf *out, struct err *err);
	void (*tell)(void *ctx, const struct sieve_test_block *block);
	/* Shows what test_result_print and such have to say. */
	void (*print)(void *ctx, struct str text);
	/* Only blocks whose name contains it (any case) run; empty: all. */
	struct str filter;
	/* What holds before test_config_set; NULL: the defaults. Lent. */
	const struct sieve_settings *settings;
};

/*
 * Runs a test file (.svtest) with the test language of svtest.md and our
 * additions.
 * Returns: 0 all passed, 1 some failed, or -1 with *err: cannot be run.
 */
MUST_CHECK int sieve_test_file(
	const char *path, const struct sieve_test_host *host, struct err *err);

struct sieve_test_result {
	unsigned passed, failed;
};
/* The same from disk, with lines for people in `out`. */
MUST_CHECK int sieve_test(const char *path, bool is_verbose, struct buf *out,
	struct sieve_test_result *result, struct err *err);
/* Tells how to call a block: a file that failed has none. */
struct str sieve_test_name(const struct sieve_test_block *block);
/* Adds a block's lines for people. */
void sieve_test_show(struct buf *out, const char *path,
	const struct sieve_test_block *block);

AUTO_DEFINE(sieve, struct sieve_script *, sieve_free)

#endif
