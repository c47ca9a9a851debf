/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run.h - one evaluation: what a script can see, and the plan it makes.
 *
 * Hooks may read all fields; what they change is the plan (by the functions
 * below), variables, and their own state. All that they make lives in
 * run->arena. An evaluation is a function of its arguments: no clock, no
 * randomness, no file.
 */
#ifndef SIEVE_RUN_H
#define SIEVE_RUN_H

#include <mailmill/base.h>
#include <mailmill/mail.h>
#include <mailmill/mem.h>
#include <mailmill/plan.h>
#include <mailmill/sieve.h>

#include "ext.h"

struct header_list;
struct address_list;
struct message;

#define SIEVE_MATCH_VALUES_MAX 33 /* ${0} to ${32} */

/* A growing list of values, in run->arena. Zeroed, it is empty. */
struct sieve_values {
	struct str *items;
	size_t n;
};

/* A foreverypart that runs (RFC 5703 section 3): its current part. */
struct sieve_loop {
	struct sieve_loop *outer;
	struct mail_part *over; /* whose parts; NULL: the message itself */
	struct mail_part *part;
	bool is_replaced; /* the part: none of its own is visited */
	bool is_lost;	  /* a changed message has no such part: the end */
};

struct sieve_run {
	const struct sieve_script *script;
	const struct sieve_settings *settings;
	const struct sieve_limits *limits; /* of the settings */
	struct mail *mail;		   /* the current one: see message.h */
	struct mail *stored;		   /* as it came */
	struct message *message; /* what was changed in it: message.c */
	unsigned mail_number;	 /* counts the mails that there were before */
	const struct envelope *env;
	const struct facts *facts;
	struct arena *arena;
	struct plan *plan;
	struct err *err;

	const struct sieve_node *at; /* what runs now, for messages */
	bool is_kept;		     /* the implicit keep is still in effect */
	bool is_taken;		     /* the last if or elsif ran its block */
	unsigned n_redirects;
	/* The plan's actions before this one are of scripts that ran before
	 * on this mail: what conflicts does so only within one script. */
	size_t first_own;
	uint64_t steps;	    /* left */
	uint64_t next_look; /* at the clock: when so many are left */
	int64_t cpu_begin;  /* clock_cpu_ms() of the beginning */
	size_t used_before; /* of the arena, by others */
	const struct sieve_node *leave; /* of SIEVE_LEAVE */
	struct sieve_loop *loop;	/* the innermost, NULL: in none */

	struct str *variables; /* by slot */
	struct str *globals;   /* the same, of all scripts */
	struct str match_values[SIEVE_MATCH_VALUES_MAX];
	unsigned n_match_values;
	/* imap4flags: those that the mail came with, and the internal
	 * variable once a script has touched it */
	struct sieve_values mail_flags, flags;
	bool has_flags;
	bool *is_included; /* by number of an included script */
	unsigned include_depth;
	void **states;			/* by extension: sieve_run_state() */
	struct header_list *headers;	/* by id of a name: run.c */
	struct address_list *addresses; /* by index of a field */
	struct sieve_regex **regexes;	/* compiled while running */
	size_t n_regexes;
	void *host; /* whoever runs it (the test runner) */
	/* Hears of faults that do not end the evaluation; may be NULL. */
	void (*complain)(struct sieve_run *r, struct str text);
	/* Answers what the facts do not; NULL: the plan gets the question.
	 * Returns: or NULL. */
	const struct facts_answer *(*answer)(
		struct sieve_run *r, const struct plan_question *q);
};

/*
 * Ends the evaluation with an error: the plan will hold nothing but the reason
 * "NAME: line N: TEXT". Put the value that was wrong into the text.
 * Returns: SIEVE_FAILED.
 */
int sieve_fail(struct sieve_run *r, const char *fmt, ...) PRINTF(2, 3);

/*
 * Tells a fault that does not end the evaluation, as a note of the plan.
 */
void sieve_complain(struct sieve_run *r, const char *fmt, ...) PRINTF(2, 3);

/*
 * Counts `n` steps, and looks at the memory taken. Returns: 0, or SIEVE_FAILED
 * when there is no more of either.
 */
int sieve_step(struct sieve_run *r, uint64_t n);

/* Runs the commands of a node's block. Returns: an enum sieve_flow. */
int sieve_exec_block(struct sieve_run *r, const struct sieve_node *n);
/* Runs a test. Returns: 1, 0, SIEVE_FAILED or SIEVE_WAIT. */
int sieve_run_test(struct sieve_run *r, const struct sieve_node *test);

/*
 * Strings
 */

/* Expands a text. Returns: 0, SIEVE_FAILED, or SIEVE_WAIT. */
MUST_CHECK int sieve_text_get(
	struct sieve_run *r, const struct sieve_text *t, struct str *out);
/* Expands a string argument. */
MUST_CHECK int sieve_arg_get(
	struct sieve_run *r, const struct sieve_arg *a, struct str *out);
/* Expands a string or list. Gives: an array of arg->n in run->arena. */
MUST_CHECK int sieve_arg_list(
	struct sieve_run *r, const struct sieve_arg *a, struct str **out);
/*
 * Gives text of a mail the line ends that strings of rules have: CRLF (RFC 5228
 * section 2.4.2). Lends: `s` itself when it has no other, or a copy.
 */
struct str sieve_crlf(struct sieve_run *r, struct str s);
/* Lends the value of a constant string: SIEVE_CONST, SIEVE_VARIABLE. */
static inline struct str sieve_arg_const(const struct sieve_arg *a)
{
	return a->texts[0].value;
}

/*
 * Lends the fields of the message that have one of the names of a
 * SIEVE_HEADERS argument, in order of the names. Gives: an array of pointers
 * in run->arena. Returns: 0 or < 0.
 */
MUST_CHECK int sieve_run_headers(struct sieve_run *r, const struct sieve_arg *a,
	const struct mail_header ***out, size_t *n);

/*
 * The same for a test that may have :mime and :anychild (RFC 5703): with them,
 * those of the current part, and of the parts in it; part by part.
 */
MUST_CHECK int sieve_run_mime_headers(struct sieve_run *r,
	const struct sieve_node *n, const struct sieve_arg *a,
	const struct mail_header ***out, size_t *count);
/*
 * Tells what a test looks at in fields: their values, or with :type, :subtype,
 * :contenttype and :param what these mean.
 */
MUST_CHECK int sieve_run_mime_values(struct sieve_run *r,
	const struct sieve_node *n, const struct mail_header **list,
	size_t count, struct sieve_values *out);

/*
 * Leaves of the fields the one that :index and :last of a node mean (RFC
 * 5260); all when it has no such tags.
 */
void sieve_index_headers(const struct sieve_node *n,
	const struct mail_header ***list, size_t *count);

/* The tags of RFC 5260, for words of other extensions. */
extern const struct sieve_tag sieve_index_tags[];

/*
 * Lends the addresses of a field that sieve_run_headers() gave; each field of
 * the message is read once. Returns: the count.
 */
size_t sieve_run_addresses(struct sieve_run *r, const struct mail_header *h,
	const struct mail_address **out);

/* Adds a value (lent). */
void sieve_values_add(
	struct sieve_run *r, struct sieve_values *v, struct str value);

/* Sets a variable; a value over the limit is cut on a character. */
void sieve_set(struct sieve_run *r, unsigned slot, struct str value);
/* Tells the value of a variable, "" when never set. */
struct str sieve_get(const struct sieve_run *r, unsigned slot);
/* Applies the modifiers of a node with SIEVE_MODIFIES. Returns: 0 or < 0. */
MUST_CHECK int sieve_modify(
	struct sieve_run *r, const struct sieve_node *n, struct str *value);

/*
 * Matching, for words with SIEVE_MATCHES
 */

/*
 * Compares values with the node's keys as its match type says; :count counts
 * the values. Match variables are set on success.
 * Returns: 1, 0, SIEVE_FAILED or SIEVE_WAIT.
 */
int sieve_match_values(struct sieve_run *r, const struct sieve_node *n,
	const struct str *values, size_t n_values);
/* The same when :count is to see `count` rather than the number of values. */
int sieve_match_counted(struct sieve_run *r, const struct sieve_node *n,
	const struct str *values, size_t n_values, uint64_t count);

/*
 * The plan
 *
 * The arrays of the plan grow: a pointer into them holds until the next of its
 * kind is added; keep the index.
 */

/*
 * Adds an action with the node's line, after each extension's action_check()
 * has filled in its share; one that is there already is not doubled but takes
 * over the new flags. All but vacation, notify and those with :copy end the
 * implicit keep. Texts and arrays are lent.
 * Returns: 0 or SIEVE_FAILED (too many, or a conflict).
 */
MUST_CHECK int sieve_add(struct sieve_run *r, const struct sieve_node *n,
	const struct plan_action *action);
/* Is sieve_add() of no more than this; the value is copied. */
MUST_CHECK int sieve_add_action(struct sieve_run *r, const struct sieve_node *n,
	enum plan_action_kind kind, struct str value, bool is_copy);
/*
 * Adds a record with op, name, object, line set, and ends the implicit keep.
 * Returns: its index, or SIEVE_FAILED (too many).
 */
MUST_CHECK ssize_t sieve_add_record(struct sieve_run *r,
	const struct sieve_node *n, enum plan_op op, struct str object,
	struct str name);
/* Adds an empty field to a record. Returns: it, or NULL: failed (too many). */
MUST_CHECK struct plan_field *sieve_add_field(struct sieve_run *r,
	const struct sieve_node *n, size_t record, struct str name);
/* Adds an empty file to a record. Returns: it, or NULL: failed (too many). */
MUST_CHECK struct plan_file *sieve_add_file(
	struct sieve_run *r, const struct sieve_node *n, size_t record);
/*
 * Adds something to remember when all of the plan was done; of two with one
 * key the later counts. The key is lent. Returns: 0 or SIEVE_FAILED (too many).
 */
MUST_CHECK int sieve_add_mark(struct sieve_run *r, const struct plan_mark *m);
/* Adds a line for the journal. */
void sieve_add_note(struct sieve_run *r, struct str text);

/*
 * Looks up the answer to a question (its name need not be set). When the facts
 * have none, the question is added to the plan and *out is NULL: return
 * SIEVE_WAIT, or go on collecting more questions without the answer.
 * Returns: 0 or SIEVE_FAILED (too many questions).
 */
MUST_CHECK int sieve_ask(struct sieve_run *r, struct plan_question *q,
	const struct facts_answer **out);

/*
 * Mail that goes out
 */

/* Tells the address of who runs the mail system here. */
struct str sieve_postmaster(struct sieve_run *r);
/* Tells whose rule this is: the configured owner, or this mail's recipient. */
struct str sieve_owner(const struct sieve_run *r);
/* Tells the recipient as the sender wrote it (ORCPT), or else the recipient. */
struct str sieve_orig_rcpt(struct sieve_run *r);
/* Undoes xtext (RFC 3461 section 4); what is wrong in it stays. In `a`. */
struct str sieve_xtext(struct arena *a, struct str s);
/*
 * Tells the reverse-path for mail that goes out, as a setting's rule says
 * ("sender", "<list@example.org>", ...; see struct sieve_settings). To a mail
 * from the null path none answers with another, so that no loop begins.
 */
struct str sieve_out_sender(struct sieve_run *r, struct str rule);
/* Tells whether this mail was redirected by the same owner's rules before. */
bool sieve_is_redirect_loop(struct sieve_run *r);
/*
 * Puts in front of a redirect's pieces (the mail as it is now, without its
 * Return-Path) the trace by which sieve_is_redirect_loop() knows it again.
 */
void sieve_trace_redirect(struct sieve_run *r, struct plan_action *a);

/*
 * State
 */

/* Lends this extension's memory for this evaluation, zeroed at first. */
void *sieve_run_state(
	struct sieve_run *r, const struct sieve_ext *ext, size_t size);
/* Lends what sieve_check_state() gave while compiling, or NULL. */
void *sieve_run_script_state(
	const struct sieve_run *r, const struct sieve_ext *ext);
/*
 * Compiles a pattern that was not known at compile time.
 * Returns: or NULL: it is none; sieve_complain() has told why.
 */
const struct sieve_regex *sieve_run_regex(
	struct sieve_run *r, struct str pattern, unsigned flags);

/*
 * For hosts: the test runner. sieve_compile() and sieve_eval() are made of
 * these.
 */

/* Compiles as sieve_compile() does; `for_tests` lets test words in. */
MUST_CHECK int sieve_compile_for(bool for_tests, const char *name,
	struct str source, const struct sieve_settings *settings,
	struct sieve_diags *diags, struct sieve_script **out);
/*
 * Makes an evaluation that has not begun, with an empty plan in it. Fields may
 * be changed before and between: mail, env, facts, plan, host.
 * Lends: in `a`.
 */
struct sieve_run *sieve_run_new(const struct sieve_script *s, struct mail *mail,
	const struct envelope *env, const struct facts *facts, struct arena *a,
	struct err *err);
/*
 * Runs a script from start to end. Neither adds the implicit keep nor throws
 * anything away: see sieve_run_finish(). Returns: an enum sieve_flow.
 */
int sieve_run_script(struct sieve_run *r);
/*
 * Makes r->plan what sieve_eval() gives: adds the implicit keep if it is still
 * in effect; after SIEVE_FAILED leaves nothing but the reason.
 */
void sieve_run_finish(struct sieve_run *r, int flow);
/* Forgets the fields that it keeps: the message has others now. */
void sieve_run_forget_headers(struct sieve_run *r);
/*
 * Exchanges mail and envelope; forgets what was kept of the old one and all
 * changes of it.
 */
void sieve_run_set_mail(
	struct sieve_run *r, struct mail *mail, const struct envelope *env);
/* Ends what lies outside the arena (patterns). Accepts NULL. */
void sieve_run_fini(struct sieve_run *r);

#endif
