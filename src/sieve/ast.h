/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ast.h - a script as a tree: commands, tests, arguments, each with its place.
 *
 * The parser makes it and knows no word of the language; the checker binds
 * each node to its word and readies the arguments; the interpreter walks it.
 * All of it lives in the script's arena and is never changed by evaluating.
 */
#ifndef SIEVE_AST_H
#define SIEVE_AST_H

#include <mailmill/base.h>
#include <mailmill/sieve.h>
#include <mailmill/str.h>

struct sieve_word;
struct sieve_tag;
struct sieve_modifier;
struct sieve_ext;
struct sieve_node;
struct sieve_regex;

/* A place in the source; line and column from 1, columns count bytes. */
struct sieve_pos {
	unsigned line, column;
	size_t offset;
};

/*
 * A ${name} in a string. The checker sets what it resolves to: a slot of the
 * script's own variables, a match variable, or an extension's value.
 */
enum sieve_ref_kind {
	SIEVE_REF_VARIABLE, /* `number` is the slot */
	SIEVE_REF_MATCH,    /* `number` as in ${1} */
	SIEVE_REF_EXT,	    /* ext->ref_get() brings it */
};

struct sieve_ref {
	enum sieve_ref_kind kind;
	struct sieve_pos pos; /* of the string that it stands in */
	struct str name;      /* whole, as written: "sender.Id" */
	unsigned number;
	bool is_whole;	/* the string is this reference and nothing else */
	bool may_defer; /* the argument has SIEVE_DEFERS: see ext.h */
	/* For the extension that claimed it. */
	const struct sieve_ext *ext;
	void *data;
};

/* A string, cut into literal pieces and references. */
struct sieve_piece {
	struct str literal;
	struct sieve_ref *ref; /* NULL: a literal */
};
struct sieve_text {
	struct sieve_pos pos;
	size_t end;	  /* offset behind it in the source */
	struct str value; /* after escapes and encoded-character */
	/* Checked: none when the string has no reference. */
	struct sieve_piece *pieces;
	size_t n_pieces;
};

enum sieve_arg_kind {
	SIEVE_ARG_NUMBER,
	SIEVE_ARG_STRING, /* n is 1 */
	SIEVE_ARG_LIST,
	SIEVE_ARG_TAG,
};

struct sieve_arg {
	enum sieve_arg_kind kind;
	struct sieve_pos pos;
	uint64_t number;
	struct str tag; /* without the colon, as written */
	struct sieve_text *texts;
	size_t n;      /* of texts */
	unsigned slot; /* of a SIEVE_VARIABLE */
	bool is_const; /* checked: no text has a reference */
	unsigned *ids; /* of SIEVE_HEADERS: sieve_run_header() */
};

/* A tag as it was given to a node, with its parameter if it has one. */
struct sieve_tagged {
	const struct sieve_tag *tag;
	const struct sieve_modifier *modifier; /* instead of tag */
	struct sieve_pos pos;
	struct sieve_arg *param;
};

/* What is known of a test before any mail is there. */
enum sieve_known {
	SIEVE_UNKNOWN,
	SIEVE_ALWAYS,
	SIEVE_NEVER,
};

enum sieve_node_kind {
	SIEVE_NODE_COMMAND,
	SIEVE_NODE_TEST,
};

/* What a test compares and how; see match.h. */
struct sieve_match;

struct sieve_node {
	enum sieve_node_kind kind;
	struct sieve_pos pos;
	/* Behind its name and arguments: where a ";" would be missing. */
	struct sieve_pos end;
	struct str name;	   /* as written */
	struct sieve_node *parent; /* whose block or tests it is in */
	struct sieve_node *before; /* the command before it in its block */
	struct sieve_arg *args;	   /* in order, tags among them */
	size_t n_args;
	struct sieve_node **tests;
	size_t n_tests;
	/* The grammar was wrong within its arguments: only its block is of use.
	 */
	bool is_broken;
	bool lacks_semicolon; /* told; the next command is its test */
	bool has_parens;      /* the tests were written as a list */
	bool has_block;
	struct sieve_node **block;
	size_t n_block;

	/* Set by the checker: */
	const struct sieve_word *word;
	struct sieve_tagged *tags; /* in the order given */
	size_t n_tags;
	struct sieve_arg **positional; /* COUNT as the word says */
	size_t n_positional;
	struct sieve_match *match; /* of a word with SIEVE_MATCHES */
	void *data;		   /* the word's own, from its check() */
	enum sieve_known known;	   /* of a test; set by its check() */
	/* Set by check(): the block can never run and is not checked. */
	bool is_never;
};

/* Goes up to the command that holds this node's block, NULL: the top. */
static inline struct sieve_node *sieve_parent(const struct sieve_node *n)
{
	return n->parent;
}

/* Finds a tag that was given, by its name without colon. Returns: or NULL. */
const struct sieve_tagged *sieve_node_tag(
	const struct sieve_node *n, const char *name);
/* Finds the parameter of a tag that was given. Returns: or NULL. */
const struct sieve_arg *sieve_node_param(
	const struct sieve_node *n, const char *name);

/*
 * Lends the reference when a text is one reference and nothing else, NULL
 * otherwise.
 */
static inline const struct sieve_ref *sieve_text_ref(const struct sieve_text *t)
{
	return t->n_pieces == 1 ? t->pieces[0].ref : NULL;
}

#endif
