/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html.h - what html.c asks of an element before it writes. */
#ifndef MAILMILL_MAIL_HTML_H
#define MAILMILL_MAIL_HTML_H

#include "inside.h"

enum tag_flags {
	TAG_BLOCK = 1,	   /* a line of its own */
	TAG_PARAGRAPH = 2, /* an empty line around it */
	TAG_SKIP = 4,	   /* not for reading */
	TAG_VOID = 8,	   /* has no end tag */
};

/* What an element does until it ends. */
enum tag_effect {
	EFFECT_PRE = 1,	  /* white space counts */
	EFFECT_QUOTE = 2, /* its text is quoted, as in a blockquote */
	EFFECT_MARK = 4,  /* it begins and ends what a mark tells */
	EFFECT_HISTORY = 8,
};

struct tag_view {
	const char *name;
	const char **attrs; /* name, value, ..., NULL; or NULL */
	unsigned flags;
	unsigned effects;
	enum text_mark_kind mark;
	bool is_hidden;
};

/* Tells what an element is by its name, class, id, and style. */
struct tag_view html_tag(const char *name, const char **attrs);
/* Tells its flags by its name alone. */
unsigned html_tag_flags(const char *name);
/* Lends an attribute's value, or NULL. */
const char *html_attribute(const char *const *attrs, const char *name);

#endif
