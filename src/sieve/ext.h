/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext.h - what an extension is: tables of words, tags, match types and so on,
 * and the hooks behind them.
 *
 * An extension is one file ext/ext_NAME.c that exports one
 * `const struct sieve_ext sieve_ext_NAME`, declared below and put into the
 * table of ext.c. Several extensions may share one capability: requiring it
 * turns all of them on.
 *
 * What happens to a node, in this order:
 *   compile: its word is found; tags and positional arguments are taken apart
 *            and their types checked; references in strings are resolved; its
 *            tests are checked in the same way; word->check(), if nothing was
 *            wrong with its own arguments; its block; word->check_end().
 *   run:     word->exec() for a command, word->test() for a test. A word that
 *            is both and has no exec() runs test() and forgets what it says.
 */
#ifndef SIEVE_EXT_H
#define SIEVE_EXT_H

#include <mailmill/base.h>
#include <mailmill/plan.h>
#include <mailmill/sieve.h>
#include <mailmill/str.h>

#include "ast.h"

struct sieve_check;
struct sieve_run;

/* What an argument has to be. */
enum sieve_type {
	SIEVE_NOTHING,	/* a tag without parameter; end of a list of types */
	SIEVE_NUMBER,	/* arg->number */
	SIEVE_STRING,	/* one string, with references */
	SIEVE_STRINGS,	/* string or list, with references */
	SIEVE_CONST,	/* one string without references */
	SIEVE_CONSTS,	/* string or list without references */
	SIEVE_VARIABLE, /* the name of a variable that is set: arg->slot */
	SIEVE_HEADERS,	/* SIEVE_STRINGS, for sieve_run_headers() */
	SIEVE_SCALAR,	/* a number or one string; arg->kind tells */
};

enum sieve_arg_flags {
	/*
	 * A reference whose value is not known while evaluating (the id of a
	 * record that this plan creates) may stand here as the whole string.
	 */
	SIEVE_DEFERS = 1 << 0,
	SIEVE_OPTIONAL = 1 << 1, /* positional: may be missing (at the end) */
	SIEVE_REQUIRED = 1 << 2, /* tag: must be given */
	SIEVE_REPEATS = 1 << 3,	 /* tag: may be given more than once */
};

/* A positional argument. */
struct sieve_param {
	enum sieve_type type;
	const char *what; /* for messages: "header names", "object" */
	unsigned flags;
};
#define SIEVE_PARAMS_MAX 4

struct sieve_tag {
	const char *name; /* without the colon; NULL ends a table */
	enum sieve_type type;
	const char *what; /* its parameter, for messages: "field names" */
	unsigned flags;
	/* Tags with the same number > 0 exclude each other. */
	unsigned group;
	/* May be NULL. Called when all of the node's tags are known. */
	int (*check)(struct sieve_check *c, struct sieve_node *n,
		const struct sieve_tagged *t);
};

enum sieve_word_flags {
	SIEVE_COMMAND = 1 << 0,
	SIEVE_TEST = 1 << 1,	  /* with SIEVE_COMMAND: both */
	SIEVE_BLOCK = 1 << 2,	  /* command: must have a block */
	SIEVE_BLOCK_MAY = 1 << 3, /* command: may have one */
	SIEVE_ONE_TEST = 1 << 4,  /* takes a test: if, not */
	SIEVE_TEST_LIST = 1 << 5, /* takes a list of tests: anyof */
	/*
	 * A comparing test: takes match type and comparator, and its last
	 * positional argument is the keys. Call sieve_match_values().
	 */
	SIEVE_MATCHES = 1 << 6,
	SIEVE_ADDRESSES = 1 << 7, /* takes an address part, too */
	SIEVE_ENDS = 1 << 8,	  /* what stands behind is never reached */
	SIEVE_MODIFIES = 1 << 9,  /* takes modifiers like set: value is last */
};

/*
 * What exec() returns, and sieve_exec_block(). Everything but GO_ON is passed
 * on upwards by whoever runs a block, unless he is the one meant.
 */
enum sieve_flow {
	SIEVE_WAIT = -2,   /* a question must be answered first: sieve_ask() */
	SIEVE_FAILED = -1, /* sieve_fail() has told why */
	SIEVE_GO_ON = 0,
	SIEVE_STOP = 1,	  /* the script ends normally */
	SIEVE_LEAVE = 2,  /* run->leave is the node whose block is left */
	SIEVE_RETURN = 3, /* an included script ends; or else as SIEVE_STOP */
};

struct sieve_word {
	const char *name; /* NULL ends a table */
	unsigned flags;
	struct sieve_param params[SIEVE_PARAMS_MAX];
	const struct sieve_tag *tags; /* NULL: none of its own */
	/* Each may be NULL. Returns: 0, or -1: an error was told. */
	int (*check)(struct sieve_check *c, struct sieve_node *n);
	int (*check_end)(struct sieve_check *c, struct sieve_node *n);
	/* Returns: an enum sieve_flow. */
	int (*exec)(struct sieve_run *r, const struct sieve_node *n);
	/* Returns: 1 true, 0 false, SIEVE_FAILED or SIEVE_WAIT. */
	int (*test)(struct sieve_run *r, const struct sieve_node *n);
};

/* A tag for words of others: `:copy` for fileinto. */
struct sieve_added_tag {
	const char *word; /* NULL ends a table */
	struct sieve_tag tag;
};

/* What `set` (and words with SIEVE_MODIFIES) can do to a value. */
struct sieve_modifier {
	const char *name;     /* without colon; NULL ends a table */
	unsigned precedence;  /* high first; two of one exclude each other */
	enum sieve_type type; /* of its parameter */
	/* Changes *value (new bytes in run->arena). Returns: 0 or negative. */
	int (*apply)(struct sieve_run *r, const struct sieve_node *n,
		const struct sieve_tagged *t, struct str *value);
};

/* Comparators, match types and address parts: see match.h. */
struct sieve_comparator;
struct sieve_match_type;
struct sieve_address_part;

struct sieve_ext {
	const char *capability; /* NULL: always there */
	/* What is turned on with it; NULL ends. */
	const char *const *implies;
	/*
	 * sieve_check_state() is one for a script and all that it includes; it
	 * is each script's own otherwise.
	 */
	bool shares_state;
	/* Only scripts that the test runner compiles may require it. */
	bool is_for_tests;
	/* ihave must say no: it changes how strings are read. */
	bool is_lexical;
	const struct sieve_word *words;
	const struct sieve_added_tag *added_tags;
	const struct sieve_modifier *modifiers;
	const struct sieve_comparator *comparators;
	const struct sieve_match_type *match_types;
	const struct sieve_address_part *address_parts;

	/*
	 * Changes t->value at compile time, before references are looked for.
	 * Returns: 0 or -1.
	 */
	int (*text_check)(struct sieve_check *c, struct sieve_text *t);
	/*
	 * Claims a ${reference} at compile time. Asked for each that is no
	 * number, as long as "variables" and this extension are required.
	 * Lay what ref_get() needs into ref->data (sieve_check_arena()).
	 * Returns: 1 it is mine, 0 it is not, -1 it would be mine but is wrong:
	 *          an error was told (sieve_error_nearest() is made for this).
	 */
	int (*ref_check)(struct sieve_check *c, struct sieve_ref *ref);
	/*
	 * Brings its value, "" when there is none. Returns: 0, or
	 * SIEVE_FAILED, or SIEVE_WAIT.
	 */
	int (*ref_get)(struct sieve_run *r, const struct sieve_ref *ref,
		struct str *out);
	/*
	 * Called for each action before it joins the plan, also for the
	 * implicit keep at the end (then n is NULL): fills in what this
	 * extension knows (flags, the message as it is now), or fails. For all
	 * extensions, required or not.
	 * Returns: 0, or SIEVE_FAILED: sieve_fail() has told a conflict.
	 */
	int (*action_check)(struct sieve_run *r, const struct sieve_node *n,
		struct plan_action *a);
	/* Called when all of a script is checked. Returns: 0 or -1. */
	int (*check_script)(struct sieve_check *c);
};

/* The table of all extensions, ended by NULL. */
extern const struct sieve_ext *const sieve_exts[];

/*
 * Checking
 */

/* Tells an error at a place. Returns: -1, so that a failure is one line. */
int sieve_error(struct sieve_check *c, struct sieve_pos pos, const char *fmt,
	...) PRINTF(3, 4);
/* Tells a warning. */
void sieve_warn(struct sieve_check *c, struct sieve_pos pos, const char *fmt,
	...) PRINTF(3, 4);
/*
 * Adds to what was told last what to write instead. Returns: -1, for
 * `sieve_error(...); return sieve_hint(...);`.
 */
int sieve_hint(struct sieve_check *c, const char *fmt, ...) PRINTF(2, 3);
/*
 * Tells "unknown WHAT 'NAME'" with the hint "did you mean ...?" when a name of
 * the list is near, and with all of them when they are few. Returns: -1.
 */
int sieve_error_nearest(struct sieve_check *c, struct sieve_pos pos,
	const char *what, struct str name, const char *const *names,
	size_t n_names);

/* Lends the script's arena, for all that evaluating needs. */
struct arena *sieve_check_arena(struct sieve_check *c);
/* Lends the settings, and their limits. */
const struct sieve_settings *sieve_check_settings(const struct sieve_check *c);
const struct sieve_limits *sieve_check_limits(const struct sieve_check *c);
/* Tells whether a capability is required at this place. */
bool sieve_check_has(const struct sieve_check *c, const char *capability);
/*
 * Lends this extension's own memory for this script, zeroed when first asked
 * for. Evaluating reads it by sieve_run_script_state().
 */
void *sieve_check_state(
	struct sieve_check *c, const struct sieve_ext *ext, size_t size);
/*
 * Gives a script variable's slot by name (declaring it), as `set` does.
 * Returns: 0, or -1: an error was told (no identifier, too many ...).
 */
MUST_CHECK int sieve_check_variable(struct sieve_check *c, struct sieve_pos pos,
	struct str name, unsigned *slot);
/*
 * Makes a name that of a variable that all scripts share: of `global`, and of
 * "global.NAME". Returns: 0, or -1: an error was told.
 */
MUST_CHECK int sieve_check_global(struct sieve_check *c, struct sieve_pos pos,
	struct str name, unsigned *slot);
/*
 * Compiles a pattern; the script owns it. `flags`: see regex.h.
 * Returns: or NULL: an error was told.
 */
const struct sieve_regex *sieve_check_regex(struct sieve_check *c,
	struct sieve_pos pos, struct str pattern, unsigned flags);
/*
 * Turns a capability on, from here on, with what it implies.
 * Returns: 0, or -1: there is none such (nothing was told).
 */
MUST_CHECK int sieve_check_enable(struct sieve_check *c, struct str capability);
/* Finds a capability. Returns: or NULL: this engine has it not. */
const struct sieve_ext *sieve_check_find(
	const struct sieve_check *c, struct str capability);
/* Tells an error for a capability that this engine has not. Returns: -1. */
int sieve_error_capability(
	struct sieve_check *c, struct sieve_pos pos, struct str capability);
/* Tells whether s is an identifier, perhaps with dots between such. */
bool sieve_is_identifier(struct str s);
bool sieve_is_dotted(struct str s);

#endif
