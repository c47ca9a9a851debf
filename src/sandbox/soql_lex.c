/* SPDX-License-Identifier: GPL-3.0-or-later */
/* soql_lex.c - from text to tokens, and where an error stands. */
#include <mailmill/utf8.h>

#include "soql.h"

int sb_soql_fail(
	struct soql_parser *p, size_t at, const char *code, const char *what)
{
	int row = 1, column = 1;
	struct str around;
	size_t from = at > 30 ? at - 30 : 0;

	if (p->is_failed)
		return -1;
	p->is_failed = true;
	for (size_t i = 0; i < at && i < p->text.len; i++) {
		column = p->text.p[i] == '\n' ? 1 : column + 1;
		row += p->text.p[i] == '\n';
	}
	around = str_sub(p->text, from, 60);
	return sb_fail_set(p->f, 400, code, "",
		"\n%.*s\n%*s^\nERROR at Row:%d:Column:%d\n%s", STR_ARG(around),
		(int)(at - from), "", row, column, what);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
}

static int hex_value(struct str s, unsigned *out)
{
	unsigned v = 0;

	if (s.len < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = s.p[i];
		int d = str_is_digit(c)	       ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		v = v * 16 + (unsigned)d;
	}
	*out = v;
	return 0;
}

/*
 * Reads a quoted text, whose opening quote is at p->at. \_ and \% stay escaped,
 * for LIKE; a comparison drops their backslash.
 */
static int lex_text(struct soql_parser *p)
{
	AUTO(buf) struct buf b = BUF_INIT(SOQL_TEXT_MAX);
	size_t start = p->at++;
	static const char from[] = "nrtbf\"'\\", to[] = "\n\r\t\b\f\"'\\";

	while (p->at < p->text.len && p->text.p[p->at] != '\'') {
		char c = p->text.p[p->at++];
		const char *e;
		unsigned u;
		if (c != '\\') {
			buf_byte(&b, (unsigned char)c);
			continue;
		}
		c = p->at < p->text.len ? p->text.p[p->at++] : 0;
		e = c ? strchr(from, c) : NULL;
		if (c == '_' || c == '%' || c == '\\') {
			buf_byte(&b, '\\');
			buf_byte(&b, (unsigned char)c);
		} else if (e) {
			buf_byte(&b, (unsigned char)to[e - from]);
		} else if ((c == 'u' || c == 'U') &&
			   hex_value(str_sub(p->text, p->at, 4), &u) == 0) {
			utf8_add(&b, u);
			p->at += 4;
		} else {
			return sb_soql_fail(p, p->at - 1, "MALFORMED_QUERY",
				"Illegal character in string, or invalid "
				"escape sequence");
		}
	}
	if (p->at >= p->text.len)
		return sb_soql_fail(p, start, "MALFORMED_QUERY",
			"Bind variables only allowed in Apex code, or "
			"unterminated string");
	p->at++;
	p->t = (struct soql_token){ SOQL_T_TEXT, arena_str(p->a, buf_view(&b)),
		start };
	return 0;
}

/* Numbers, dates and datetimes begin alike. */
static void lex_number(struct soql_parser *p)
{
	size_t start = p->at;
	bool is_time = false;

	if (p->text.p[p->at] == '-' || p->text.p[p->at] == '+')
		p->at++;
	while (p->at < p->text.len) {
		char c = p->text.p[p->at];
		if (p->at - start >= 4 && (c == '-' || c == 'T'))
			is_time = true;
		if (str_is_digit(c) || c == '.' || c == 'e' || c == 'E' ||
			(is_time && strchr("-:+TZ", c)))
			p->at++;
		else
			break;
	}
	p->t = (struct soql_token){ is_time ? SOQL_T_TIME : SOQL_T_NUMBER,
		str_sub(p->text, start, p->at - start), start };
}

int sb_soql_next(struct soql_parser *p)
{
	size_t start;
	char c;

	while (p->at < p->text.len && strchr(" \t\r\n", p->text.p[p->at]) &&
		p->text.p[p->at])
		p->at++;
	start = p->at;
	if (p->at >= p->text.len) {
		p->t = (struct soql_token){ SOQL_T_END, STR_NULL, start };
		return 0;
	}
	c = p->text.p[p->at];
	if (c == '\'')
		return lex_text(p);
	if (str_is_digit(c) ||
		((c == '-' || c == '+') && p->at + 1 < p->text.len &&
			str_is_digit(p->text.p[p->at + 1]))) {
		lex_number(p);
		return 0;
	}
	if (is_word(c)) {
		while (p->at < p->text.len && is_word(p->text.p[p->at]))
			p->at++;
		p->t = (struct soql_token){ SOQL_T_WORD,
			str_sub(p->text, start, p->at - start), start };
		return 0;
	}
	p->at++;
	if (p->at < p->text.len && strchr("<>!", c) &&
		strchr("=>", p->text.p[p->at]))
		p->at++;
	p->t = (struct soql_token){ SOQL_T_OP,
		str_sub(p->text, start, p->at - start), start };
	return 0;
}
