/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lex.h - a client's bytes cut into commands (RFC 5804 section 4). */
#ifndef MAILMILL_MANAGE_LEX_H
#define MAILMILL_MANAGE_LEX_H

#include <mailmill/buf.h>

#define LEX_TOKENS_MAX 4

enum lex_kind {
	LEX_ATOM,
	LEX_STRING
};

struct lex_token {
	enum lex_kind kind;
	size_t at, len; /* in text */
};

enum lex_place {
	LEX_IN_GAP,
	LEX_IN_ATOM,
	LEX_IN_QUOTED,
	LEX_AT_ESCAPE,
	LEX_IN_BRACE,	 /* {n+ */
	LEX_AT_BRACE_CR, /* behind the } */
	LEX_AT_BRACE_LF,
	LEX_IN_LITERAL,
	LEX_AT_BLANK, /* behind a string */
	LEX_AT_LF,
};

/* Plain data; begin with lex_init(). */
struct lex {
	size_t literal_max; /* of all strings of a command together */
	bool may_skip;	    /* a longer literal is read past, not the end */

	enum lex_place place;
	struct buf text; /* what all tokens hold */
	struct lex_token tokens[LEX_TOKENS_MAX];
	size_t n;
	const char *fault; /* why the command can not be done, or NULL */
	bool is_too_long;  /* so: a literal was */
	char digits[12];
	unsigned n_digits;
	uint64_t left; /* of the literal */
	bool is_skipping;
};

enum lex_outcome {
	LEX_MORE,
	LEX_COMMAND, /* the tokens of one are there, or fault is set */
	LEX_FATAL,   /* where the next command begins is not known: fault */
};

/* Begins. A literal over literal_max is skipped or fatal. */
void lex_init(struct lex *l, size_t literal_max, bool may_skip);
/* Frees what it holds. */
void lex_fini(struct lex *l);
/* Forgets a command that was told, for the next. */
void lex_next(struct lex *l);
/* Takes bytes, no more than up to the end of a command. *taken: how many. */
enum lex_outcome lex_feed(struct lex *l, struct str in, size_t *taken);
/* Lends what a token holds. */
struct str lex_text(const struct lex *l, size_t token);
/* Tells whether a command has begun. */
bool lex_is_busy(const struct lex *l);

#endif
