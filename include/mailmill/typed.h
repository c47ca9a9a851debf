/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * typed.h - what a text of a mail means as a number, money, a date, a phone
 * number ...: read as people write it, given in the one form that targets take.
 *
 * A text that can mean two things means none: a wrong value is worse than no
 * value. What decides is, in this order: the text itself ("1.049,90" can only
 * be one number), how the rest of the mail writes such (a style that was
 * learnt), the locales of the rule.
 */
#ifndef MAILMILL_TYPED_H
#define MAILMILL_TYPED_H

#include <mailmill/base.h>
#include <mailmill/mem.h>

#define TYPED_TEXT_MAX 4000 /* bytes; a longer text is no such value */
#define TYPED_LOCALES_MAX 16

enum typed_type {
	TYPED_TEXT,
	TYPED_INTEGER,	/* "1234" */
	TYPED_NUMBER,	/* "1234.5" */
	TYPED_MONEY,	/* "1234.50", and its currency apart */
	TYPED_DATE,	/* "2024-04-13" */
	TYPED_DATETIME, /* "2024-04-13T10:00:00Z" */
	TYPED_BOOLEAN,	/* "true", "false" */
	TYPED_EMAIL,	/* "ann@example.org" */
	TYPED_PHONE,	/* E.164: "+493012345678" */
	TYPED_URL,	/* without what a filter wrapped around it */
};
#define TYPED_N_TYPES 10
/* Names a type: "datetime". */
const char *typed_name(enum typed_type type);

/* How a mail writes what could be read in two ways. */
struct typed_style {
	unsigned comma_is_decimal, point_is_decimal; /* numbers that show it */
	unsigned day_first, month_first;	     /* dates that show it */
};
/*
 * Learns from all numbers and dates in a text; may be called for several.
 * Looks at no more than TYPED_LEARN_MAX bytes.
 */
#define TYPED_LEARN_MAX ((size_t)1 << 20)
void typed_learn(struct typed_style *style, struct str text);

struct typed_options {
	/* "de", "en-US", "pt_BR": any of them may be how it is written */
	const struct str *locales;
	size_t n_locales;
	struct typed_style style;
	int64_t now;	    /* wall ms: the century of "13.4.24" */
	int zone_minutes;   /* of times without a zone, east of UTC */
	struct str country; /* "DE": of phone numbers without country code */
};

/* Tells whether a locale is known. */
bool typed_knows_locale(struct str locale);

struct typed_value {
	struct str value;    /* in the form above; empty: none */
	struct str currency; /* ISO 4217, of TYPED_MONEY where it is told */
	const char *why;     /* there is none: "could be two numbers" */
};
/* Reads a text as a type. Gives: *out in `a`. Returns: whether it is one. */
bool typed_read(struct arena *a, enum typed_type type, struct str text,
	const struct typed_options *o, struct typed_value *out);

#endif
