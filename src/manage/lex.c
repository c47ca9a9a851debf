/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lex.c - a client's bytes cut into commands (RFC 5804 section 4).
 *
 * A command that is wrong is still cut to its end as if it were not, literals
 * and all, since what stands in a script must never be taken for a command.
 * Where that cannot be done, as with "{12}", which waits for an answer that
 * this protocol does not know, the session has to end.
 *
 * Nothing is kept beyond literal_max and the few names of a line, whatever a
 * client announces: a length is looked at before any of its bytes.
 */
#include "lex.h"

#define QUOTED_MAX 1024
#define ATOM_MAX 1024
#define LINE_MAX ((size_t)4096)		  /* beside literals */
#define SKIP_MAX ((uint64_t)64 << 20)	  /* a literal that is read past */
#define NUMBER_MAX ((uint64_t)UINT32_MAX) /* section 4: 32 bit */

void lex_init(struct lex *l, size_t literal_max, bool may_skip)
{
	*l = (struct lex){ .literal_max = literal_max, .may_skip = may_skip };
	l->text = BUF_INIT(literal_max + LINE_MAX);
}

void lex_fini(struct lex *l)
{
	buf_fini(&l->text);
}

void lex_next(struct lex *l)
{
	buf_fini(&l->text);
	lex_init(l, l->literal_max, l->may_skip);
}

struct str lex_text(const struct lex *l, size_t token)
{
	must(token < l->n);
	return str_sub(
		buf_view(&l->text), l->tokens[token].at, l->tokens[token].len);
}

bool lex_is_busy(const struct lex *l)
{
	return l->n > 0 || l->place != LEX_IN_GAP;
}

static void fault(struct lex *l, const char *why)
{
	if (!l->fault)
		l->fault = why;
}

static void begin_token(struct lex *l, enum lex_kind kind, enum lex_place place)
{
	l->place = place;
	if (l->n == LEX_TOKENS_MAX) {
		fault(l, "too many arguments");
		return;
	}
	l->tokens[l->n++] = (struct lex_token){ .kind = kind,
		.at = l->text.len };
}

static void keep(struct lex *l, struct str bytes, size_t max)
{
	struct lex_token *t;

	if (l->fault)
		return;
	must(l->n > 0);
	t = &l->tokens[l->n - 1];
	if (t->len + bytes.len > max || buf_str(&l->text, bytes)) {
		fault(l, "an argument is too long");
		return;
	}
	t->len += bytes.len;
}

static void keep_byte(struct lex *l, char c, size_t max)
{
	if (!c)
		fault(l, "a NUL in a command");
	else
		keep(l, str_n(&c, 1), max);
}

static bool is_atom_char(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '(' && c != ')' &&
	       c != '\\' && c != '{' && c != '}';
}

static void begin_brace(struct lex *l)
{
	begin_token(l, LEX_STRING, LEX_IN_BRACE);
	l->n_digits = 0;
}

static enum lex_outcome take_gap(struct lex *l, char c)
{
	if (c == '\n')
		return LEX_COMMAND;
	if (c == '\r')
		l->place = LEX_AT_LF;
	else if (c == ' ')
		l->place = LEX_IN_GAP;
	else if (c == '"')
		begin_token(l, LEX_STRING, LEX_IN_QUOTED);
	else if (c == '{')
		begin_brace(l);
	else {
		if (!is_atom_char(c))
			fault(l, "a byte that stands in no command");
		begin_token(l, LEX_ATOM, LEX_IN_ATOM);
		keep_byte(l, c, ATOM_MAX);
	}
	return LEX_MORE;
}

static enum lex_outcome take_atom(struct lex *l, char c)
{
	if (is_atom_char(c)) {
		keep_byte(l, c, ATOM_MAX);
		return LEX_MORE;
	}
	if (c != ' ' && c != '\r' && c != '\n')
		fault(l, "a word and what follows it want a blank between");
	return take_gap(l, c);
}

static enum lex_outcome take_quoted(struct lex *l, char c)
{
	if (l->place == LEX_AT_ESCAPE) {
		if (c != '"' && c != '\\')
			fault(l, "only \" and \\ may stand behind a \\");
		l->place = LEX_IN_QUOTED;
	} else if (c == '"') {
		l->place = LEX_AT_BLANK;
		return LEX_MORE;
	} else if (c == '\\') {
		l->place = LEX_AT_ESCAPE;
		return LEX_MORE;
	}
	if (c == '\r' || c == '\n') {
		fault(l, "a line ends within a quoted string: send a literal");
		return take_gap(l, c);
	}
	keep_byte(l, c, QUOTED_MAX);
	return LEX_MORE;
}

static enum lex_outcome die(struct lex *l, const char *why)
{
	l->fault = why;
	return LEX_FATAL;
}

static const char no_literal[] = "a literal begins with {length+} and CRLF";

static enum lex_outcome end_brace(struct lex *l)
{
	struct str digits = str_n(l->digits, l->n_digits - 1);

	if (l->digits[l->n_digits - 1] != '+' ||
		str_to_u64(digits, NUMBER_MAX, &l->left) ||
		(digits.len > 1 && digits.p[0] == '0'))
		return die(l, no_literal);
	l->is_skipping = l->left > l->literal_max ||
			 l->text.len + l->left > l->text.max;
	if (l->is_skipping && (!l->may_skip || l->left > SKIP_MAX))
		return die(l, "this literal is too long");
	if (l->is_skipping) {
		l->is_too_long = true;
		fault(l, "a literal is too long");
	}
	l->place = LEX_AT_BRACE_CR;
	return LEX_MORE;
}

static enum lex_outcome take_brace(struct lex *l, char c)
{
	if (c == '}' && l->n_digits > 0)
		return end_brace(l);
	if (l->n_digits == sizeof(l->digits) ||
		(c != '+' && (c < '0' || c > '9')))
		return die(l, no_literal);
	l->digits[l->n_digits++] = c;
	return LEX_MORE;
}

static enum lex_outcome take_brace_end(struct lex *l, char c)
{
	if (c == '\r' && l->place == LEX_AT_BRACE_CR) {
		l->place = LEX_AT_BRACE_LF;
		return LEX_MORE;
	}
	if (c != '\n')
		return die(l, no_literal);
	l->place = l->left ? LEX_IN_LITERAL : LEX_AT_BLANK;
	return LEX_MORE;
}

static size_t take_literal(struct lex *l, struct str in)
{
	struct str piece = str_sub(in, 0, MIN(in.len, l->left));

	if (!l->is_skipping)
		keep(l, piece, l->literal_max);
	l->left -= piece.len;
	if (l->left == 0)
		l->place = LEX_AT_BLANK;
	return piece.len;
}

static enum lex_outcome take_byte(struct lex *l, char c)
{
	switch (l->place) {
	case LEX_IN_GAP:
		return take_gap(l, c);
	case LEX_IN_ATOM:
		return take_atom(l, c);
	case LEX_IN_QUOTED:
	case LEX_AT_ESCAPE:
		return take_quoted(l, c);
	case LEX_IN_BRACE:
		return take_brace(l, c);
	case LEX_AT_BRACE_CR:
	case LEX_AT_BRACE_LF:
		return take_brace_end(l, c);
	case LEX_AT_BLANK:
		if (c != ' ' && c != '\r' && c != '\n')
			fault(l, "a blank is missing behind a string");
		return take_gap(l, c);
	case LEX_AT_LF:
		if (c != '\n')
			fault(l, "lines end in CR LF");
		return take_gap(l, c);
	case LEX_IN_LITERAL:
		break;
	}
	must(!"literals are taken whole");
	return LEX_FATAL;
}

enum lex_outcome lex_feed(struct lex *l, struct str in, size_t *taken)
{
	enum lex_outcome got = LEX_MORE;
	size_t at = 0;

	while (at < in.len && got == LEX_MORE) {
		if (l->place == LEX_IN_LITERAL)
			at += take_literal(l, str_sub(in, at, in.len));
		else
			got = take_byte(l, in.p[at++]);
	}
	*taken = at;
	return got;
}
