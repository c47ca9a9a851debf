/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lex.h - a script's bytes as tokens (RFC 5228 section 8.1). */
#ifndef SIEVE_LEX_H
#define SIEVE_LEX_H

#include "ast.h"
#include "diag.h"

#define SIEVE_IDENTIFIER_MAX 32

enum sieve_token_kind {
	SIEVE_TOKEN_BAD,     /* the lexer has told what is wrong */
	SIEVE_TOKEN_GARBAGE, /* told too; but what was to be here is missing */
	SIEVE_TOKEN_END,
	SIEVE_TOKEN_WORD,
	SIEVE_TOKEN_TAG,
	SIEVE_TOKEN_NUMBER,
	SIEVE_TOKEN_STRING,
	SIEVE_TOKEN_OPEN_LIST, /* [ */
	SIEVE_TOKEN_CLOSE_LIST,
	SIEVE_TOKEN_OPEN_TESTS, /* ( */
	SIEVE_TOKEN_CLOSE_TESTS,
	SIEVE_TOKEN_OPEN_BLOCK, /* { */
	SIEVE_TOKEN_CLOSE_BLOCK,
	SIEVE_TOKEN_COMMA,
	SIEVE_TOKEN_SEMICOLON,
};

struct sieve_token {
	enum sieve_token_kind kind;
	struct sieve_pos pos;
	struct sieve_pos end; /* right behind it */
	struct str text; /* a word, a tag without colon, a string's value */
	uint64_t number;
};

struct sieve_lexer {
	struct str source;
	size_t at;
	unsigned line;
	size_t line_start;
	struct arena *arena; /* for values of strings */
	const struct sieve_limits *limits;
	struct sieve_teller *teller;
	/* The first string that goes over a line end; line 0: none yet. */
	struct sieve_pos long_string;
	unsigned told; /* bits of mistakes that are told once a script */
};

/* Begins at the start of the source. */
void sieve_lexer_init(struct sieve_lexer *l, struct str source,
	struct arena *arena, const struct sieve_limits *limits,
	struct sieve_teller *teller);
/* Reads the next token; END again and again at the end. */
void sieve_lexer_next(struct sieve_lexer *l, struct sieve_token *t);
/* Names a kind of token for messages: "a string". */
const char *sieve_token_name(enum sieve_token_kind kind);

#endif
