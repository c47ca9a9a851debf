/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sign_tags.c - lists of tags, "a=b; c=d" (RFC 6376 3.2). */
#include <mailmill/str.h>

#include "sign.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(struct str s)
{
	if (!s.len || !is_letter(s.p[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_letter(s.p[i]) && s.p[i] != '_' &&
			!(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

/* Any byte of UTF-8 is let pass (RFC 8616), but no controls. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') ||
			c == 127)
			return false;
	}
	return true;
}

const char *sign_tags_read(struct sign_tags *out, struct str s, bool is_key)
{
	struct str piece;

	out->n = 0;
	while (str_cut(&s, ';', &piece)) {
		ssize_t at = str_chr(piece, '=');
		struct sign_tag *t = &out->items[out->n];
		if (!str_trim(piece).len && (is_key || !s.p))
			continue; /* behind the last ";" */
		if (at < 0)
			return "a tag without \"=\"";
		if (out->n == SIGN_TAGS_MAX)
			return "too many tags";
		t->name = str_trim(str_sub(piece, 0, (size_t)at));
		t->whole = str_sub(piece, (size_t)at + 1, piece.len);
		t->value = str_trim(t->whole);
		if (!is_name(t->name))
			return "a tag whose name is none";
		if (!is_value(t->value))
			return "control characters in a tag";
		for (size_t i = 0; i < out->n; i++)
			if (str_eq(out->items[i].name, t->name))
				return "a tag that is there twice";
		out->n++;
	}
	return NULL;
}

struct str sign_tag(const struct sign_tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->items[i].name, str_c(name)))
			return t->items[i].value;
	return STR_NULL;
}

struct str sign_squeeze(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		if (!strchr(" \t\r\n", s.p[i]) || !s.p[i])
			p[n++] = s.p[i];
	return str_n(p, n);
}

bool sign_list_has(struct str list, const char *word)
{
	struct str piece;

	while (str_cut(&list, ':', &piece))
		if (str_eq(str_trim(piece), str_c(word)))
			return true;
	return false;
}
