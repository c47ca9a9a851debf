/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lex.c - a script's bytes as tokens.
 *
 * A token that is wrong is told here, once, and given as BAD with the lexer
 * behind it, so that later ones have right places. Line ends may be CRLF or
 * LF; in the values of strings they are CRLF, as RFC 5228 section 2.4.2 says.
 *
 * What people paste or know from other languages (curly quotes, single quotes,
 * spaces that do not break, "//") is told once and then taken as it was meant,
 * so that the rest of the script can be judged; not so when errors are counted
 * (struct sieve_teller).
 */
#include <mailmill/utf8.h>

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

/* Mistakes that are told once a script. */
enum {
	TOLD_SPACE = 1 << 0,
	TOLD_CURLY = 1 << 1,
	TOLD_SINGLE = 1 << 2,
	TOLD_SLASHES = 1 << 3,
};

/* Tells whether it is the first time. */
static bool is_first(struct sieve_lexer *l, unsigned mistake)
{
	bool is_told = l->told & mistake;

	l->told |= mistake;
	return !is_told || l->teller->is_counting;
}

/* Letters of UTF-8 that look like a space, or like nothing. */
static size_t measure_wide_space(const struct sieve_lexer *l)
{
	static const char *const spaces[] = {
		"\xc2\xa0",	/* no-break */
		"\xe2\x80\xaf", /* narrow no-break */
		"\xe2\x80\x82", /* en */
		"\xe2\x80\x83", /* em */
		"\xe2\x80\x89", /* thin */
		"\xe2\x80\x8b", /* of no width */
		"\xe3\x80\x80", /* ideographic */
		"\xef\xbb\xbf", /* byte order mark */
	};
	struct str at = str_sub(l->source, l->at, 3);

	for (size_t i = 0; i < COUNT(spaces); i++)
		if (str_starts(at, str_c(spaces[i])))
			return strlen(spaces[i]);
	return 0;
}

static void skip_wide_space(struct sieve_lexer *l, size_t n)
{
	uint32_t code = 0;

	(void)utf8_next(str_sub(l->source, l->at, n), &code);
	if (is_first(l, TOLD_SPACE)) {
		tell(l, here(l), "U+%04X is no space, though it looks like one",
			(unsigned)code);
		hint(l, "it came with text from a web page or word processor; "
			"type a plain space here and at all such places");
	}
	l->at += n;
}

/* What others write for a comment. */
static void skip_slashes(struct sieve_lexer *l)
{
	if (is_first(l, TOLD_SLASHES)) {
		tell(l, here(l), "'//' begins no comment");
		hint(l, "write # for a comment up to the line's end, or /* "
			"... */");
	}
	while (peek(l, 0) >= 0 && peek(l, 0) != '\n')
		l->at++;
}

/* Returns: 0, or -1: an error was told. */
static int skip_space(struct sieve_lexer *l)
{
	for (;;) {
		int c = peek(l, 0);
		size_t wide = c < 0x80 ? 0 : measure_wide_space(l);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			skip(l);
		} else if (c == '#') {
			skip_hash_comment(l);
		} else if (c == '/' && peek(l, 1) == '*') {
			if (skip_comment(l) < 0)
				return -1;
		} else if (c == '/' && peek(l, 1) == '/' &&
			   !l->teller->is_counting) {
			skip_slashes(l);
		} else if (wide) {
			skip_wide_space(l, wide);
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

/* Letters behind a number that are no unit, and what looks like a fraction. */
static void check_unit(
	struct sieve_lexer *l, struct sieve_token *t, size_t from)
{
	size_t digits = from, unit;

	while (digits < l->at && is_digit(l->source.p[digits]))
		digits++;
	unit = l->at - digits;
	if (is_alpha(peek(l, 0)) || is_digit(peek(l, 0))) {
		struct str word = read_word(l);

		word = str_n(l->source.p + digits, word.len + unit);
		t->kind = SIEVE_TOKEN_BAD;
		tell(l, t->pos, "unknown unit '%.*s' behind a number",
			STR_ARG(str_sub(word, 0, 32)));
		hint(l, "there are K, M and G (1024, 1024 K, 1024 M), one "
			"letter directly behind the number: 10M");
	} else if (peek(l, 0) == '.' && is_digit(peek(l, 1)) &&
		   !l->teller->is_counting) {
		while (peek(l, 0) == '.' || is_digit(peek(l, 0)))
			l->at++;
		(void)read_word(l);
		t->kind = SIEVE_TOKEN_BAD;
		tell(l, t->pos, "numbers have no fraction");
		hint(l, "take a smaller unit: 1536K for 1.5M");
	}
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
	check_unit(l, t, from);
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

/*
 * One quote too few or too many turns all strings behind it inside out, and
 * the last one has no end. The first that went over a line end shows where
 * that began; what was told from there on is noise.
 */
static void tell_unclosed(struct sieve_lexer *l, struct sieve_pos pos)
{
	struct sieve_pos first = l->long_string;

	if (l->teller->is_counting || first.offset == pos.offset) {
		tell(l, pos, "string is never closed");
		hint(l, "it begins here; write \" where it ends");
		return;
	}
	sieve_untell(l->teller, (struct sieve_pos){ first.line, 1, 0 });
	tell(l, first, "string is never closed");
	l->teller->noise_from = first.line;
	hint(l,
		"from here on strings begin where they should end: a quote "
		"is missing in line %u, or one too many",
		first.line);
}

static void lex_quoted(struct sieve_lexer *l, struct sieve_token *t)
{
	struct value v = { .buf = BUF_INIT(l->limits->string_len) };

	unsigned line = l->line;

	l->at++;
	while (peek(l, 0) >= 0 && peek(l, 0) != '"') {
		if (peek(l, 0) == '\\')
			l->at++;
		if (peek(l, 0) >= 0)
			add_byte(l, &v);
	}
	if (l->line != line && !l->long_string.line)
		l->long_string = t->pos;
	if (peek(l, 0) < 0) {
		tell_unclosed(l, t->pos);
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

/* Tells whether a line is a dot and spaces, or a dot and a semicolon. */
static bool is_spaced_dot(const struct sieve_lexer *l)
{
	struct str rest = str_sub(l->source, l->at, SIZE_MAX / 2);
	struct str line = STR_NULL;

	(void)str_cut_line(&rest, &line);
	line = str_trim(line);
	return str_eq(line, STR(".")) || str_eq(line, STR(".;"));
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
	unsigned line_of_dot = 0;
	bool is_closed = false;

	t->kind = SIEVE_TOKEN_BAD;
	while (!is_closed && peek(l, 0) >= 0) {
		is_closed = skip_dot_line(l);
		if (is_closed)
			break;
		if (!line_of_dot && is_spaced_dot(l))
			line_of_dot = l->line;
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
	if (line_of_dot)
		hint(l,
			"the dot that ends it must stand alone in its line; "
			"in line %u there is more: a space, or a semicolon",
			line_of_dot);
	else
		hint(l, "it begins here; write a line with a single dot where "
			"it ends");
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

/*
 * Steps over what was meant as a string, if it ends on this line. Lends what
 * stands within.
 */
static struct str skip_wrong_string(struct sieve_lexer *l)
{
	size_t opening = l->source.p[l->at] == '\'' ? 1 : 3, from;
	struct str rest = str_sub(l->source, l->at + 1, SIZE_MAX / 2);
	struct str line = STR_NULL;

	from = l->at + opening;
	(void)str_cut(&rest, '\n', &line);
	for (size_t i = opening - 1; i < line.len; i++) {
		size_t closing = is_curly_quote(str_sub(line, i, 3)) ? 3 : 1;

		if (closing == 1 && line.p[i] != (opening == 1 ? '\'' : '"'))
			continue;
		l->at += i + 1 + closing;
		return str_n(line.p + opening - 1, i - (opening - 1));
	}
	l->at = from;
	return STR_NULL;
}

/* Quotes of a word processor, or of other languages. */
static void lex_wrong_quotes(struct sieve_lexer *l, struct sieve_token *t)
{
	bool is_single = peek(l, 0) == '\'';

	t->kind = SIEVE_TOKEN_BAD;
	if (is_first(l, is_single ? TOLD_SINGLE : TOLD_CURLY)) {
		tell(l, t->pos, "these are not the quotes of a string");
		hint(l, is_single ? "strings stand in \" \", not in ' '"
				  : "a word processor or web page has made "
				    "them round: type plain \" \" here and at "
				    "all such places");
	}
	t->text = skip_wrong_string(l);
	if (t->text.p && !l->teller->is_counting)
		t->kind = SIEVE_TOKEN_STRING;
}

/* What other languages have between tests or values, and what is meant. */
static const struct {
	const char *text, *hint;
} operators[] = {
	{ "===", "compare by a tag: header :is \"Subject\" \"text\"" },
	{ "!==", "write not before the test: not header :is ..." },
	{ "==", "compare by a tag: header :is \"Subject\" \"text\"" },
	{ "!=", "write not before the test: not header :is ..." },
	{ "=~", "a pattern stands behind a tag: header :regex \"Subject\" "
		"\"...\", or :matches with * and ?" },
	{ ">=", "compare sizes by a tag: size :over 100K" },
	{ "<=", "compare sizes by a tag: size :under 100K" },
	{ "&&", "write allof (test, test): true when all of them are" },
	{ "||", "write anyof (test, test): true when any of them is" },
	{ "--", "a comment begins with #" },
	{ "=", "leave it out; values stand one behind the other: set \"name\" "
	       "\"value\", header :is \"Subject\" \"text\"" },
	{ "!", "write not before the test" },
	{ ">", "compare sizes by a tag: size :over 100K" },
	{ "<", "compare sizes by a tag: size :under 100K" },
	{ "&", "write allof (test, test): true when all of them are" },
	{ "|", "write anyof (test, test): true when any of them is" },
	{ "+", "texts are put together by variables: \"${a}${b}\"" },
	{ ".", "texts are put together by variables: \"${a}${b}\"" },
	{ "-", "numbers have no sign" },
	{ "$", "the value of a variable stands in a string: \"${name}\"" },
	{ "%", NULL },
};

/* Tells of an operator. Returns: its length, or 0: none stands here. */
static size_t tell_operator(struct sieve_lexer *l)
{
	struct str at = str_sub(l->source, l->at, 3);

	for (size_t i = 0; i < COUNT(operators); i++) {
		if (!str_starts(at, str_c(operators[i].text)))
			continue;
		tell(l, here(l), "unexpected '%s'", operators[i].text);
		if (operators[i].hint)
			hint(l, "%s", operators[i].hint);
		return strlen(operators[i].text);
	}
	return 0;
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
		lex_wrong_quotes(l, t);
		return;
	}
	t->kind = SIEVE_TOKEN_GARBAGE;
	if (tell_operator(l))
		;
	else if (c > ' ' && c < 0x7f)
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
	hint(l, "a tag is a colon and its name, directly behind it: :contains");
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
