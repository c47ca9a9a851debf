/* SPDX-License-Identifier: GPL-3.0-or-later */
/* script.h - a compiled script; what the engine's own files share. */
#ifndef SIEVE_SCRIPT_H
#define SIEVE_SCRIPT_H

#include <mailmill/hash.h>

#include "diag.h"
#include "sieve_private.h"

#define SIEVE_EXTS_MAX 64
/* Slots from here on are those of variables that all scripts share. */
#define SIEVE_GLOBAL_SLOT (1U << 16)

/* A script that a tree of scripts includes, once for each name. */
struct sieve_included {
	unsigned number;
	bool is_missing, is_bad;
	bool is_open; /* while it is compiled */
	struct sieve_script *script;
};

/*
 * Compiled once, then never changed: may serve many evaluations. What it
 * includes are scripts, too, which live in the arena of their root; header
 * names, patterns and shared variables are the root's.
 */
struct sieve_script {
	struct arena *arena;
	struct sieve_script *root; /* itself, unless it is an included one */
	struct str name, source, sha256;
	const struct sieve_settings *settings;
	struct sieve_node *top;
	unsigned n_variables;
	/* Header names of all SIEVE_HEADERS constants, each once. */
	struct str *headers;
	unsigned n_headers;
	struct sieve_regex **regexes;
	size_t n_regexes;
	void *states[SIEVE_EXTS_MAX];
	unsigned n_globals;
	/* Of a root: what is included, in the order of the text. */
	struct sieve_include *includes; /* NULL name: it is not there */
	struct sieve_included **included;
	size_t n_included;
};

/* One checking of one script. */
struct sieve_check {
	struct sieve_script *script;
	struct sieve_teller *teller;
	bool is_for_tests;
	uint64_t enabled;      /* bits by index of sieve_exts[] */
	struct map *variables; /* name in lower case -> slot + 1 */
	struct map *headers;   /* name in lower case -> id + 1; of the root */
	struct map *globals;   /* name in lower case -> slot + 1; of the root */
	unsigned depth;	       /* of includes */
	struct map *told;      /* what is told once a script */
};

/* Tells the index of a row in sieve_exts[]. */
unsigned sieve_ext_index(const struct sieve_ext *ext);
/* Tells whether a row is on. */
static inline bool sieve_check_is_on(const struct sieve_check *c, unsigned i)
{
	return c->enabled >> i & 1;
}

/* Adds "did you mean", or all names if they are few. Returns: -1. */
int sieve_hint_nearest(struct sieve_check *c, struct str name,
	const char *const *names, size_t n_names);
/* Adds which require would help. */
void sieve_hint_require(struct sieve_check *c, const struct sieve_ext *ext);
/* Tells whether a pair of names comes up for the first time in a script. */
bool sieve_check_is_first(
	struct sieve_check *c, const char *what, struct str a, struct str b);
/* Names what a node is: "test" or "command". */
const char *sieve_node_kind(const struct sieve_node *n);
/* Tells whether a bound node's word has such a tag. */
bool sieve_check_is_tag(const struct sieve_check *c, const struct sieve_node *n,
	struct str name);
/* Takes a bound node's arguments apart and checks them. 0, or -1: told. */
MUST_CHECK int sieve_check_args(struct sieve_check *c, struct sieve_node *n);

/* Shares a variable with other scripts from here on: `global`. 0 or -1. */
MUST_CHECK int sieve_check_share(
	struct sieve_check *c, struct sieve_pos pos, struct str name);
/* Checks a parsed script: binds it to its words. Errors are told. */
void sieve_check_script(struct sieve_check *c);
/* Makes a script in its root's arena; NULL: it is a root itself. */
struct sieve_script *sieve_script_begin(struct sieve_script *root,
	struct str name, struct str source,
	const struct sieve_settings *settings);
/*
 * Parses and checks a script that was begun; `by` checks the one that includes
 * it, or is NULL. Errors are told to t.
 */
void sieve_script_fill(struct sieve_script *s, struct sieve_teller *t,
	bool for_tests, const struct sieve_check *by);
/*
 * Finds or compiles what a node includes. `is_once` means that it may be on
 * its way already. *out is NULL when it is not there, or the root itself.
 * Returns: 0, or -1: an error was told.
 */
MUST_CHECK int sieve_include_check(struct sieve_check *c, struct sieve_pos pos,
	const struct sieve_include *what, bool is_once, bool is_optional,
	const struct sieve_included **out);
/* Runs an included script. Returns: an enum sieve_flow. */
int sieve_include_run(struct sieve_run *r, const struct sieve_included *what);
/* Makes the root's SHA-256 cover what it includes. */
void sieve_include_seal(struct sieve_script *root);

/* Applies text_check() and cuts the string at its references. 0 or -1. */
MUST_CHECK int sieve_check_text(
	struct sieve_check *c, struct sieve_text *t, unsigned flags);

/* Copies with ASCII letters made small. */
struct str sieve_lower(struct arena *a, struct str s);

/*
 * For words with SIEVE_MATCHES. take_tag() looks at a tag (and its parameter,
 * *at moves on) and tells whether it was one of matching: 1, 0, or -1.
 * finish() checks that they go together and readies the keys.
 */
MUST_CHECK int sieve_match_take_tag(
	struct sieve_check *c, struct sieve_node *n, size_t *at);
MUST_CHECK int sieve_match_finish(struct sieve_check *c, struct sieve_node *n);

/* Finds the extension that has such a tag for a word. Returns: or NULL. */
const struct sieve_ext *sieve_match_tag_ext(const struct sieve_check *c,
	const struct sieve_word *w, struct str name, bool is_on);
/* Lists the tags of matching that a word can have. Returns: the count. */
size_t sieve_match_tag_names(const struct sieve_check *c,
	const struct sieve_word *w, const char **names, size_t max);

/* Checks an argument against a type; `what` names it in the message. */
MUST_CHECK int sieve_check_arg(struct sieve_check *c, struct sieve_node *n,
	struct sieve_arg *arg, const struct sieve_param *as, const char *place);

#endif
