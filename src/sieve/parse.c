/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parse.c - tokens as a tree, by recursive descent.
 *
 * It knows no word of the language. After an error it skips to the end of the
 * structure that it is in, by rank: list "]", test list ")", command ";",
 * block "}". Skipping stops at a token of a higher rank, and then the
 * structure around recovers in its turn, in silence, as the mistake is told.
 * So one run shows all mistakes, each once. A command whose arguments were
 * wrong is marked as broken: its words are not looked at, its block is.
 *
 * Functions return 0, or -1: an error was told and the structure's end was not
 * found.
 */
#include "lex.h"
#include "parse.h"

enum rank {
	RANK_NONE,
	RANK_LIST,
	RANK_TESTS,
	RANK_COMMAND,
	RANK_BLOCK,
};

struct parser {
	struct sieve_lexer lexer;
	struct sieve_token token;
	struct sieve_pos last_end; /* behind the token before */
	struct arena *arena;
	const struct sieve_limits *limits;
	unsigned test_depth, block_depth;
	unsigned n_told; /* errors when the command began */
	/* A block whose } is indented unlike the line of its {. */
	struct sieve_pos odd_open, odd_close;
};

static PRINTF(3, 4) int fail(
	struct parser *p, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(p->lexer.teller, SIEVE_ERROR, pos, fmt, ap);
	va_end(ap);
	return -1;
}

static PRINTF(2, 3) int hint(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell_hint(p->lexer.teller, fmt, ap);
	va_end(ap);
	return -1;
}

static void advance(struct parser *p)
{
	p->last_end = p->token.end;
	sieve_lexer_next(&p->lexer, &p->token);
}

static bool is_at(const struct parser *p, enum sieve_token_kind kind)
{
	return p->token.kind == kind;
}

static bool is_counting(const struct parser *p)
{
	return p->lexer.teller->is_counting;
}

/* Tells that something else was expected; of a bad token all is told. */
static int unexpected(struct parser *p, const char *wanted)
{
	if (is_at(p, SIEVE_TOKEN_BAD) ||
		(is_at(p, SIEVE_TOKEN_GARBAGE) && !is_counting(p)))
		return -1;
	return fail(p, p->token.pos, "expected %s, but found %s", wanted,
		sieve_token_name(p->token.kind));
}

/* Tells whether a mistake in the present command was told, for people. */
static bool is_noise(const struct parser *p)
{
	return !is_counting(p) && p->lexer.teller->n_errors > p->n_told;
}

static enum rank rank_opening(enum sieve_token_kind kind)
{
	if (kind == SIEVE_TOKEN_OPEN_LIST)
		return RANK_LIST;
	if (kind == SIEVE_TOKEN_OPEN_TESTS)
		return RANK_TESTS;
	return kind == SIEVE_TOKEN_OPEN_BLOCK ? RANK_BLOCK : RANK_NONE;
}

static enum rank rank_closing(enum sieve_token_kind kind)
{
	if (kind == SIEVE_TOKEN_CLOSE_LIST)
		return RANK_LIST;
	if (kind == SIEVE_TOKEN_CLOSE_TESTS)
		return RANK_TESTS;
	if (kind == SIEVE_TOKEN_SEMICOLON)
		return RANK_COMMAND;
	return kind == SIEVE_TOKEN_CLOSE_BLOCK ? RANK_BLOCK : RANK_NONE;
}

/* Skips behind the end of a structure. Returns: 0, or -1: it is not there. */
static int recover(struct parser *p, enum rank rank)
{
	unsigned depth = 0;

	for (; !is_at(p, SIEVE_TOKEN_END); advance(p)) {
		enum rank opening = rank_opening(p->token.kind);
		enum rank closing = rank_closing(p->token.kind);

		if (opening > rank || closing > rank)
			return -1;
		if (opening == rank)
			depth++;
		if (closing == rank && !depth--) {
			advance(p);
			return 0;
		}
	}
	return -1;
}

static struct sieve_arg *add_arg(
	struct parser *p, struct sieve_node *n, enum sieve_arg_kind kind)
{
	struct sieve_arg *arg;

	/* Room for 4, 8, 16 ... as the count says. */
	if (!n->n_args)
		n->args = arena_array(p->arena, 4, sizeof(*n->args));
	else if (n->n_args >= 4 && !(n->n_args & (n->n_args - 1)))
		n->args = arena_grow(p->arena, n->args, n->n_args,
			n->n_args * 2, sizeof(*n->args));
	arg = &n->args[n->n_args++];
	arg->kind = kind;
	arg->pos = p->token.pos;
	return arg;
}

static void add_text(struct parser *p, struct sieve_arg *arg)
{
	if (!arg->n)
		arg->texts = arena_array(p->arena, 1, sizeof(*arg->texts));
	else if (!(arg->n & (arg->n - 1)))
		arg->texts = arena_grow(p->arena, arg->texts, arg->n,
			arg->n * 2, sizeof(*arg->texts));
	arg->texts[arg->n].pos = p->token.pos;
	arg->texts[arg->n].end = p->token.end.offset;
	arg->texts[arg->n++].value = p->token.text;
	advance(p);
}

/* Something else stands where a string of a list should. */
static void miss_string(struct parser *p, bool is_behind_comma)
{
	unexpected(p, "a string in the list");
	if (is_at(p, SIEVE_TOKEN_CLOSE_LIST) && is_behind_comma)
		hint(p, "leave out the comma before it");
	else if (is_at(p, SIEVE_TOKEN_CLOSE_LIST))
		hint(p, "a list holds one string at least");
	else if (is_at(p, SIEVE_TOKEN_WORD))
		hint(p, "strings stand in quotes: \"%.*s\"",
			STR_ARG(p->token.text));
	else if (is_at(p, SIEVE_TOKEN_NUMBER))
		hint(p, "in a list even numbers stand in quotes: \"%llu\"",
			(unsigned long long)p->token.number);
	else if (is_at(p, SIEVE_TOKEN_OPEN_LIST))
		hint(p, "lists do not stand in lists");
}

static int parse_list(struct parser *p, struct sieve_arg *arg)
{
	advance(p);
	for (;;) {
		if (!is_at(p, SIEVE_TOKEN_STRING)) {
			miss_string(p, arg->n > 0);
			return recover(p, RANK_LIST);
		}
		add_text(p, arg);
		if (is_at(p, SIEVE_TOKEN_CLOSE_LIST)) {
			advance(p);
			return 0;
		}
		if (!is_at(p, SIEVE_TOKEN_COMMA)) {
			unexpected(p, "',' or ']' in the list");
			if (is_at(p, SIEVE_TOKEN_STRING))
				hint(p, "a comma is missing before it");
			else if (is_at(p, SIEVE_TOKEN_SEMICOLON) ||
				 is_at(p, SIEVE_TOKEN_OPEN_BLOCK))
				hint(p, "a ']' is missing before it");
			return recover(p, RANK_LIST);
		}
		advance(p);
	}
}

static int parse_arg(struct parser *p, struct sieve_node *n)
{
	struct sieve_arg *arg;

	if (n->n_args == SIEVE_ARGS_MAX)
		return fail(p, p->token.pos, "more than %d arguments to %.*s",
			SIEVE_ARGS_MAX, STR_ARG(n->name));
	if (is_at(p, SIEVE_TOKEN_OPEN_LIST))
		return parse_list(p, add_arg(p, n, SIEVE_ARG_LIST));
	if (is_at(p, SIEVE_TOKEN_STRING)) {
		add_text(p, add_arg(p, n, SIEVE_ARG_STRING));
		return 0;
	}
	if (is_at(p, SIEVE_TOKEN_NUMBER)) {
		arg = add_arg(p, n, SIEVE_ARG_NUMBER);
		arg->number = p->token.number;
	} else {
		arg = add_arg(p, n, SIEVE_ARG_TAG);
		arg->tag = p->token.text;
	}
	advance(p);
	return 0;
}

static bool is_at_arg(const struct parser *p)
{
	return is_at(p, SIEVE_TOKEN_OPEN_LIST) ||
	       is_at(p, SIEVE_TOKEN_STRING) || is_at(p, SIEVE_TOKEN_NUMBER) ||
	       is_at(p, SIEVE_TOKEN_TAG);
}

static struct sieve_node *begin_node(
	struct parser *p, struct sieve_node *parent, enum sieve_node_kind kind)
{
	struct sieve_node *n = ARENA_NEW(p->arena, struct sieve_node);

	n->kind = kind;
	/* The nameless top is nobody's parent. */
	n->parent = parent->name.len ? parent : NULL;
	n->pos = p->token.pos;
	n->name = p->token.text;
	advance(p);
	return n;
}

/* Adds to an array whose room follows from the count. */
static void add_node(struct arena *a, struct sieve_node ***list, size_t *n,
	struct sieve_node *item)
{
	if (!*n)
		*list = arena_array(a, 1, sizeof(**list));
	else if (!(*n & (*n - 1)))
		*list = arena_grow(a, *list, *n, *n * 2, sizeof(**list));
	(*list)[(*n)++] = item;
}

static int parse_args(struct parser *p, struct sieve_node *n);

/* Something else stands where a test should. */
static int miss_test(struct parser *p, const struct sieve_node *parent)
{
	unexpected(p, "a test");
	if (is_at(p, SIEVE_TOKEN_CLOSE_TESTS) && parent->n_tests)
		return hint(p, "leave out the comma before it");
	if (is_at(p, SIEVE_TOKEN_STRING) && !parent->n_tests)
		return hint(p, "lists of strings stand in [ ]");
	if (is_at(p, SIEVE_TOKEN_OPEN_TESTS))
		return hint(p, "write anyof or allof before a list of tests");
	return -1;
}

static int parse_test(struct parser *p, struct sieve_node *parent)
{
	struct sieve_node *n;
	int rc;

	if (!is_at(p, SIEVE_TOKEN_WORD))
		return miss_test(p, parent);
	if (p->test_depth == p->limits->nesting)
		return fail(p, p->token.pos, "tests are nested deeper than %u",
			p->limits->nesting);
	p->test_depth++;
	n = begin_node(p, parent, SIEVE_NODE_TEST);
	add_node(p->arena, &parent->tests, &parent->n_tests, n);
	rc = parse_args(p, n);
	p->test_depth--;
	return rc;
}

static int parse_test_list(struct parser *p, struct sieve_node *parent)
{
	parent->has_parens = true;
	advance(p);
	for (;;) {
		if (parse_test(p, parent) < 0)
			return recover(p, RANK_TESTS);
		if (is_at(p, SIEVE_TOKEN_CLOSE_TESTS)) {
			advance(p);
			return 0;
		}
		if (!is_at(p, SIEVE_TOKEN_COMMA)) {
			unexpected(p, "',' or ')' in the list of tests");
			if (is_at(p, SIEVE_TOKEN_OPEN_BLOCK))
				hint(p, "a ')' is missing before it");
			return recover(p, RANK_TESTS);
		}
		advance(p);
	}
}

static int parse_args(struct parser *p, struct sieve_node *n)
{
	int rc = 0;

	while (rc == 0 && is_at_arg(p))
		rc = parse_arg(p, n);
	n->end = p->last_end;
	if (rc < 0)
		return -1;
	if (is_at(p, SIEVE_TOKEN_WORD))
		return parse_test(p, n);
	if (is_at(p, SIEVE_TOKEN_OPEN_TESTS))
		return parse_test_list(p, n);
	return 0;
}

static int parse_commands(struct parser *p, struct sieve_node *parent);

/* A list of strings in braces, as other languages have it. */
static int skip_braced_list(struct parser *p, struct sieve_node *n)
{
	n->is_broken = true;
	unexpected(p, "a command");
	hint(p, "lists of strings stand in [ ]");
	if (recover(p, RANK_BLOCK) < 0)
		return -1;
	if (is_at(p, SIEVE_TOKEN_SEMICOLON))
		advance(p);
	return 0;
}

/* Tells how far the line of a place is indented. */
static size_t measure_indent(const struct parser *p, struct sieve_pos pos)
{
	struct str source = p->lexer.source;
	size_t from = pos.offset - (pos.column - 1), n = 0;

	while (from + n < source.len &&
		(source.p[from + n] == ' ' || source.p[from + n] == '\t'))
		n++;
	return n;
}

/* Keeps in mind the first } that stands unlike the line of its {. */
static void note_indent(struct parser *p, struct sieve_pos open)
{
	struct sieve_pos close = p->token.pos;
	size_t indent = measure_indent(p, close);

	if (p->odd_open.line || open.line == close.line ||
		indent != close.column - 1 || indent == measure_indent(p, open))
		return;
	p->odd_open = open;
	p->odd_close = close;
}

static int parse_block(struct parser *p, struct sieve_node *n)
{
	struct sieve_pos open = p->token.pos;
	int rc;

	n->has_block = true;
	if (p->block_depth == p->limits->nesting) {
		fail(p, open, "blocks are nested deeper than %u",
			p->limits->nesting);
		advance(p);
		return recover(p, RANK_BLOCK);
	}
	advance(p);
	if (is_at(p, SIEVE_TOKEN_STRING) && !is_counting(p))
		return skip_braced_list(p, n);
	p->block_depth++;
	rc = parse_commands(p, n);
	p->block_depth--;
	if (is_at(p, SIEVE_TOKEN_CLOSE_BLOCK)) {
		note_indent(p, open);
		advance(p);
		return 0;
	}
	if (rc == 0) {
		fail(p, open, "block is never closed");
		if (p->odd_open.line > open.line)
			hint(p,
				"the } in line %u ends the block of line %u, "
				"but is indented otherwise: is a } missing "
				"before it?",
				p->odd_close.line, p->odd_open.line);
		else
			hint(p, "it begins here; write } where it ends");
	}
	return -1;
}

/* A comma or a closing bracket stands behind a command. */
static void hint_mark(struct parser *p, const struct sieve_node *n)
{
	const struct sieve_node *test = n;

	while (test->n_tests && !test->has_parens)
		test = test->tests[test->n_tests - 1];
	if (is_at(p, SIEVE_TOKEN_CLOSE_TESTS))
		hint(p, "no ( stands before it");
	else if (is_at(p, SIEVE_TOKEN_CLOSE_LIST))
		hint(p, "no [ stands before it");
	else if (test != n)
		hint(p, "several tests stand in parentheses: "
			"anyof (test, test) or allof (test, test)");
	else
		hint(p, "arguments stand one behind the other, without "
			"commas; several strings as one argument stand in [ ]");
}

/* A command lacks its end; says so where the end belongs. */
static void miss_semicolon(struct parser *p, const struct sieve_node *n)
{
	if (is_at(p, SIEVE_TOKEN_BAD) || is_noise(p))
		return;
	if (is_at(p, SIEVE_TOKEN_CLOSE_LIST) ||
		is_at(p, SIEVE_TOKEN_CLOSE_TESTS) ||
		is_at(p, SIEVE_TOKEN_COMMA)) {
		fail(p, p->token.pos, "unexpected %s after %.*s command",
			sieve_token_name(p->token.kind), STR_ARG(n->name));
		hint_mark(p, n);
		return;
	}
	fail(p, p->last_end, "missing semicolon ';' after %.*s command",
		STR_ARG(n->name));
	if (n->n_tests)
		hint(p, "or a block in { } that runs when the test is true");
}

/* "if true; { ... }": the block is the command's, as it was meant. */
static int skip_semicolon_before_block(struct parser *p, struct sieve_node *n)
{
	struct sieve_pos pos = p->last_end;

	if (is_counting(p) || !is_at(p, SIEVE_TOKEN_OPEN_BLOCK))
		return 0;
	pos.column--;
	fail(p, pos, "unexpected ';' before the block of the %.*s command",
		STR_ARG(n->name));
	hint(p, "leave it out");
	return parse_block(p, n);
}

static int parse_command(struct parser *p, struct sieve_node *parent)
{
	struct sieve_node *n;
	int rc;

	p->n_told = p->lexer.teller->n_errors;
	n = begin_node(p, parent, SIEVE_NODE_COMMAND);
	rc = parse_args(p, n);
	if (parent->n_block)
		n->before = parent->block[parent->n_block - 1];
	add_node(p->arena, &parent->block, &parent->n_block, n);
	n->is_broken = rc < 0 || p->lexer.teller->n_errors > p->n_told;
	if (rc == 0 && is_at(p, SIEVE_TOKEN_SEMICOLON)) {
		advance(p);
		return skip_semicolon_before_block(p, n);
	}
	if (is_at(p, SIEVE_TOKEN_OPEN_BLOCK))
		return parse_block(p, n);
	n->is_broken = true;
	if (rc == 0)
		miss_semicolon(p, n);
	rc = recover(p, RANK_COMMAND);
	if (rc < 0 && is_at(p, SIEVE_TOKEN_OPEN_BLOCK))
		return parse_block(p, n);
	return rc;
}

/* Something stands where a command should: tells it and skips it. */
static int skip_no_command(struct parser *p)
{
	struct sieve_node nowhere = { 0 };

	if (is_at(p, SIEVE_TOKEN_SEMICOLON)) {
		fail(p, p->token.pos, "unexpected ';'");
		hint(p, "it ends a command, and no command is here: leave it "
			"out");
		advance(p);
		return 0;
	}
	unexpected(p, "a command");
	if (is_at(p, SIEVE_TOKEN_STRING) || is_at(p, SIEVE_TOKEN_NUMBER) ||
		is_at(p, SIEVE_TOKEN_TAG))
		hint(p, "each command begins with its name, as in: keep;");
	if (recover(p, RANK_COMMAND) == 0)
		return 0;
	if (is_at(p, SIEVE_TOKEN_OPEN_BLOCK))
		return parse_block(p, &nowhere);
	return -1;
}

/*
 * Reads commands up to the end of the block or script. Returns: -1 when the
 * last one was broken, so that a missing end is no news.
 */
static int parse_commands(struct parser *p, struct sieve_node *parent)
{
	int rc = 0;

	while (!is_at(p, SIEVE_TOKEN_END)) {
		if (is_at(p, SIEVE_TOKEN_CLOSE_BLOCK)) {
			if (parent->has_block)
				return rc;
			fail(p, p->token.pos, "unexpected '}'");
			hint(p, "no block is open here: leave it out, or write "
				"the { that is missing before it");
			advance(p);
			continue;
		}
		if (is_at(p, SIEVE_TOKEN_WORD))
			rc = parse_command(p, parent);
		else
			rc = skip_no_command(p);
	}
	return rc;
}

struct sieve_node *sieve_parse(struct str source, struct arena *a,
	const struct sieve_limits *limits, struct sieve_teller *teller)
{
	struct sieve_node *top = ARENA_NEW(a, struct sieve_node);
	struct parser p = { .arena = a, .limits = limits };

	sieve_lexer_init(&p.lexer, source, a, limits, teller);
	advance(&p);
	/* What went wrong was told: the teller's count says it. */
	(void)parse_commands(&p, top);
	return top;
}
