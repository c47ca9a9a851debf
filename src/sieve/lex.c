/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lex.c - a script's bytes as tokens.
 *
 * A token that is wrong is told here, once, and given as BAD with the lexer
 * behind it, so that later ones have right places. Line ends may be CRLF or
 * LF; in the values of strings they are CRLF, as RFC 5228 section 2.4.2 says.
 */
#include "lex.h"

static PRINTF(3, 4) void tell(
	struct sieve_lexer *l, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(l->teller, SIEVE_ERROR, pos, fmt, ap);
	va_end(ap);
}

static PRINTF(2, 3) void hint(struct sieve_lexer *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell_hint(l->teller, fmt, ap);
	va_end(ap);
}

static PRINTF(3, 4) void warn(
	struct sieve_lexer *l, struct sieve_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sieve_tell(l->teller, SIEVE_WARNING, pos, fmt, ap);
	va_end(ap);
}

void sieve_lexer_init(struct sieve_lexer *l, struct str source,
	struct arena *arena, const struct sieve_limits *limits,
	struct sieve_teller *teller)
{
	*l = (struct sieve_lexer){
		.source = source,
		.line = 1,
		.arena = arena,
		.limits = limits,
		.teller = teller,
	};
	/* What editors of another system put first. */
	if (str_starts(source, STR("\xef\xbb\xbf")))
		l->at = l->line_start = 3;
}

static int peek(const struct sieve_lexer *l, size_t ahead)
{
	if (l->at + ahead >= l->source.len)
		return -1;
	return (unsigned char)l->source.p[l->at + ahead];
}

static struct sieve_pos here(const struct sieve_lexer *l)
{
	return (struct sieve_pos){ l->line,
		(unsigned)(l->at - l->line_start) + 1, l->at };
}

/* Steps over one byte. */
static void skip(struct sieve_lexer *l)
{
	if (l->source.p[l->at++] == '\n') {
		l->line++;
		l->line_start = l->at;
	}
}

static bool is_alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static void skip_hash_comment(struct sieve_lexer *l)
{
	struct sieve_pos from = here(l);

	while (peek(l, 0) >= 0 && peek(l, 0) != '\n') {
		if (!peek(l, 0))
			tell(l, here(l), "NUL byte in a comment");
		skip(l);
	}
	if (peek(l, 0) < 0)
		warn(l, from,
			"no line end after the comment that ends the "
			"script");
}

/* Returns: 0, or -1: it has no end. */
static int skip_comment(struct sieve_lexer *l)
{
	struct sieve_pos from = here(l);

	l->at += 2;
	while (peek(l, 0) >= 0) {
		if (peek(l, 0) == '*' && peek(l, 1) == '/') {
			l->at += 2;
			return 0;
		}
		if (!peek(l, 0))
			tell(l, here(l), "NUL byte in a comment");
		skip(l);
	}
	tell(l, from, "comment is never closed");
	hint(l, "it begins here; write */ where it ends");
	return -1;
}

/* Returns: 0, or -1: an error was told. */
static int skip_space(struct sieve_lexer *l)
{
	for (;;) {
		int c = peek(l, 0);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			skip(l);
		} else if (c == '#') {
			skip_hash_comment(l);
		} else if (c == '/' && peek(l, 1) == '*') {
			if (skip_comment(l) < 0)
				return -1;
		} else {
			return 0;
		}
	}
}

static struct str read_word(struct sieve_lexer *l)
{
	size_t from = l->at;

	while (is_alpha(peek(l, 0)) || is_digit(peek(l, 0)))
		l->at++;
	return str_sub(l->source, from, l->at - from);
}

static enum sieve_token_kind check_word(
	struct sieve_lexer *l, const struct sieve_token *t)
{
	if (t->text.len <= SIEVE_IDENTIFIER_MAX)
		return t->kind;
	tell(l, t->pos, "name of %zu letters is longer than %d", t->text.len,
		SIEVE_IDENTIFIER_MAX);
	return SIEVE_TOKEN_BAD;
}

static unsigned read_unit(struct sieve_lexer *l)
{
	unsigned shift;

	switch (peek(l, 0)) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	default:
		return 0;
	}
	l->at++;
	return shift;
}

static void lex_number(struct sieve_lexer *l, struct sieve_token *t)
{
	size_t from = l->at;
	unsigned shift;
	uint64_t n;
	int rc;

	while (is_digit(peek(l, 0)))
		l->at++;
	rc = str_to_u64(str_sub(l->source, from, l->at - from), UINT64_MAX, &n);
	shift = read_unit(l);
	t->kind = SIEVE_TOKEN_NUMBER;
	if (rc < 0 || n > UINT64_MAX >> shift) {
		tell(l, t->pos, "number is larger than %llu",
			(unsigned long long)UINT64_MAX);
		t->kind = SIEVE_TOKEN_BAD;
		return;
	}
	t->number = n << shift;
}

/* Collects a string's value; adding goes on in silence when it is too long. */
struct value {
	struct buf buf;
	bool has_nul, has_cr;
};

static void add_byte(struct sieve_lexer *l, struct value *v)
{
	int c = peek(l, 0);

	if (c == '\n') {
		buf_add(&v->buf, "\r\n", 2);
	} else if (c == '\r' && peek(l, 1) == '\n') {
		l->at++;
		buf_add(&v->buf, "\r\n", 2);
	} else {
		v->has_nul |= c == 0;
		v->has_cr |= c == '\r';
		buf_byte(&v->buf, (unsigned char)c);
	}
	skip(l);
}

/* Ends a string: tells what was wrong within, or takes the value. */
static void take_value(
	struct sieve_lexer *l, struct sieve_token *t, struct value *v)
{
	t->kind = SIEVE_TOKEN_BAD;
	if (v->has_nul) {
		tell(l, t->pos, "NUL byte in the string that begins here");
	} else if (v->has_cr) {
		tell(l, t->pos,
			"carriage return without line feed in the string that "
			"begins here");
	} else if (buf_is_over(&v->buf)) {
		tell(l, t->pos, "string is longer than %zu bytes",
			l->limits->string_len);
	} else {
		t->kind = SIEVE_TOKEN_STRING;
		t->text = arena_str(l->arena, buf_view(&v->buf));
	}
	buf_fini(&v->buf);
}

static void lex_quoted(struct sieve_lexer *l, struct sieve_token *t)
{
	struct value v = { .buf = BUF_INIT(l->limits->string_len) };

	l->at++;
	while (peek(l, 0) >= 0 && peek(l, 0) != '"') {
		if (peek(l, 0) == '\\')
			l->at++;
		if (peek(l, 0) >= 0)
			add_byte(l, &v);
	}
	if (peek(l, 0) < 0) {
		tell(l, t->pos, "string is never closed");
		hint(l, "it begins here; write \" where it ends");
		t->kind = SIEVE_TOKEN_BAD;
		buf_fini(&v.buf);
		return;
	}
	l->at++;
	take_value(l, t, &v);
}

/* Steps over the rest of the line of "text:". Returns: 0, or -1: told. */
static int skip_text_line(struct sieve_lexer *l)
{
	while (peek(l, 0) == ' ' || peek(l, 0) == '\t')
		l->at++;
	if (peek(l, 0) == '#')
		skip_hash_comment(l);
	if (peek(l, 0) == '\r' && peek(l, 1) == '\n')
		l->at++;
	if (peek(l, 0) == '\n') {
		skip(l);
		return 0;
	}
	tell(l, here(l), "text: must be followed by a line end");
	hint(l, "begin the text on the next line");
	while (peek(l, 0) >= 0 && peek(l, 0) != '\n')
		l->at++;
	return -1;
}

/*
 * Tells whether a lone dot stands here, and steps over its line. The dot may
 * end the script: nothing else can have been meant.
 */
static bool skip_dot_line(struct sieve_lexer *l)
{
	size_t n = peek(l, 1) == '\r' ? 2 : 1;

	if (peek(l, 0) != '.' || (peek(l, n) != '\n' && peek(l, 1) != -1))
		return false;
	l->at += n;
	if (peek(l, 0) == '\n')
		skip(l);
	return true;
}

/* Adds a line with its end. */
static void add_line(struct sieve_lexer *l, struct value *v)
{
	bool is_end = false;

	while (!is_end && peek(l, 0) >= 0) {
		is_end = peek(l, 0) == '\n' ||
			 (peek(l, 0) == '\r' && peek(l, 1) == '\n');
		add_byte(l, v);
	}
}

static void lex_text(struct sieve_lexer *l, struct sieve_token *t)
{
	struct value v = { .buf = BUF_INIT(l->limits->string_len) };
	int rc = skip_text_line(l);
	bool is_closed = false;

	t->kind = SIEVE_TOKEN_BAD;
	while (!is_closed && peek(l, 0) >= 0) {
		is_closed = skip_dot_line(l);
		if (is_closed)
			break;
		if (peek(l, 0) == '.' && peek(l, 1) == '.')
			l->at++;
		add_line(l, &v);
	}
	if (rc == 0 && is_closed) {
		take_value(l, t, &v);
		return;
	}
	buf_fini(&v.buf);
	if (rc < 0)
		return;
	tell(l, t->pos, "text is never closed");
	hint(l, "it begins here; write a line with a single dot where it "
		"ends");
}

static enum sieve_token_kind find_mark(int c)
{
	static const char marks[] = "[](){},;";
	static const enum sieve_token_kind kinds[] = {
		SIEVE_TOKEN_OPEN_LIST,
		SIEVE_TOKEN_CLOSE_LIST,
		SIEVE_TOKEN_OPEN_TESTS,
		SIEVE_TOKEN_CLOSE_TESTS,
		SIEVE_TOKEN_OPEN_BLOCK,
		SIEVE_TOKEN_CLOSE_BLOCK,
		SIEVE_TOKEN_COMMA,
		SIEVE_TOKEN_SEMICOLON,
	};
	const char *found = c > 0 ? strchr(marks, c) : NULL;

	return found ? kinds[found - marks] : SIEVE_TOKEN_BAD;
}

/* Letters that people's editors put where quotes belong. */
static bool is_curly_quote(struct str s)
{
	return str_starts(s, STR("\xe2\x80\x9c")) ||
	       str_starts(s, STR("\xe2\x80\x9d")) ||
	       str_starts(s, STR("\xe2\x80\x9e"));
}

/* Steps over what was meant as a string, if it ends on this line. */
static void skip_wrong_string(struct sieve_lexer *l)
{
	struct str rest = str_sub(l->source, l->at + 1, SIZE_MAX / 2);
	struct str line = STR_NULL;

	(void)str_cut(&rest, '\n', &line);
	for (size_t i = 0; i < line.len; i++) {
		if (line.p[i] == '\'') {
			l->at += i + 2;
			return;
		}
		if (is_curly_quote(str_sub(line, i, 3))) {
			l->at += i + 4;
			return;
		}
	}
	l->at += l->source.p[l->at] == '\'' ? 1 : 3;
}

static bool is_stray(int c)
{
	return c >= 0 && !is_alpha(c) && !is_digit(c) && c != '"' && c != ':' &&
	       c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '#' &&
	       c != '/' && find_mark(c) == SIEVE_TOKEN_BAD;
}

static void lex_stray(struct sieve_lexer *l, struct sieve_token *t)
{
	int c = peek(l, 0);

	if (c == '\'' || is_curly_quote(str_sub(l->source, l->at, 3))) {
		t->kind = SIEVE_TOKEN_BAD;
		tell(l, t->pos, "these are not the quotes of a string");
		hint(l, "strings stand in \" \"");
		skip_wrong_string(l);
		return;
	}
	t->kind = SIEVE_TOKEN_GARBAGE;
	if (c > ' ' && c < 0x7f)
		tell(l, t->pos, "unexpected character '%c'", c);
	else
		tell(l, t->pos, "unexpected byte 0x%02x", (unsigned)c);
	/* A run of such is one mistake. */
	do
		skip(l);
	while (is_stray(peek(l, 0)));
}

static void lex_tag(struct sieve_lexer *l, struct sieve_token *t)
{
	l->at++;
	if (is_alpha(peek(l, 0))) {
		t->kind = SIEVE_TOKEN_TAG;
		t->text = read_word(l);
		t->kind = check_word(l, t);
		return;
	}
	t->kind = SIEVE_TOKEN_BAD;
	tell(l, t->pos, "no name behind the colon");
	hint(l, "a tag is a colon and a name without space: \":contains\"");
}

static void lex_word(struct sieve_lexer *l, struct sieve_token *t)
{
	t->kind = SIEVE_TOKEN_WORD;
	t->text = read_word(l);
	if (peek(l, 0) == ':' && str_eq_case(t->text, STR("text"))) {
		l->at++;
		lex_text(l, t);
		return;
	}
	t->kind = check_word(l, t);
}

void sieve_lexer_next(struct sieve_lexer *l, struct sieve_token *t)
{
	int c;

	*t = (struct sieve_token){ .kind = SIEVE_TOKEN_BAD, .pos = here(l) };
	if (skip_space(l) < 0) {
		t->end = here(l);
		return;
	}
	t->pos = here(l);
	c = peek(l, 0);
	if (c < 0) {
		t->kind = SIEVE_TOKEN_END;
	} else if (find_mark(c) != SIEVE_TOKEN_BAD) {
		t->kind = find_mark(c);
		l->at++;
	} else if (is_alpha(c)) {
		lex_word(l, t);
	} else if (is_digit(c)) {
		lex_number(l, t);
	} else if (c == '"') {
		lex_quoted(l, t);
	} else if (c == ':') {
		lex_tag(l, t);
	} else {
		lex_stray(l, t);
	}
	t->end = here(l);
}

const char *sieve_token_name(enum sieve_token_kind kind)
{
	static const char *const names[] = {
		[SIEVE_TOKEN_BAD] = "something unreadable",
		[SIEVE_TOKEN_GARBAGE] = "something unreadable",
		[SIEVE_TOKEN_END] = "the end of the script",
		[SIEVE_TOKEN_WORD] = "a name",
		[SIEVE_TOKEN_TAG] = "a tag",
		[SIEVE_TOKEN_NUMBER] = "a number",
		[SIEVE_TOKEN_STRING] = "a string",
		[SIEVE_TOKEN_OPEN_LIST] = "'['",
		[SIEVE_TOKEN_CLOSE_LIST] = "']'",
		[SIEVE_TOKEN_OPEN_TESTS] = "'('",
		[SIEVE_TOKEN_CLOSE_TESTS] = "')'",
		[SIEVE_TOKEN_OPEN_BLOCK] = "'{'",
		[SIEVE_TOKEN_CLOSE_BLOCK] = "'}'",
		[SIEVE_TOKEN_COMMA] = "','",
		[SIEVE_TOKEN_SEMICOLON] = "';'",
	};

	return names[kind];
}
