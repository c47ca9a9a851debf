/* SPDX-License-Identifier: GPL-3.0-or-later */
/* charset.h - what the files of charset.c share; see there. */
#ifndef MAILMILL_MAIL_CHARSET_H
#define MAILMILL_MAIL_CHARSET_H

#include "inside.h"

enum charset_kind {
	CHARSET_UTF8,
	CHARSET_CARELESS, /* written without looking at the bytes */
	CHARSET_SINGLE,	  /* ASCII and 128 more */
	CHARSET_MULTI,	  /* ASCII and characters of several bytes */
	CHARSET_SEVEN,	  /* shifts by escapes, all bytes below 0x80 */
	CHARSET_WIDE,	  /* UTF-16, UTF-32 */
	CHARSET_OTHER,	  /* not even ASCII in ASCII's place */
};

/* Alphabets, as charsets divide them. */
enum charset_alphabet {
	CHARSET_NO_ALPHABET,
	CHARSET_WEST,
	CHARSET_CENTRAL,
	CHARSET_TURKISH,
	CHARSET_BALTIC,
	CHARSET_CYRILLIC,
	CHARSET_GREEK,
	CHARSET_HEBREW,
	CHARSET_ARABIC,
	CHARSET_THAI,
	CHARSET_HAN, /* in characters: charset_common tells */
};

struct charset {
	enum charset_kind kind;
	const char *iconv; /* its name there; shown to people, too */
	/* labels in lower case, letters and digits only: "iso88591 latin1" */
	const char *names;
	enum charset_alphabet alphabet;
};

struct charset_language {
	const char *name;
	enum charset_alphabet alphabet;
	const char *words; /* UTF-8 */
};

enum {
	CHARSET_SIMPLIFIED,
	CHARSET_TRADITIONAL,
	CHARSET_JAPANESE,
	CHARSET_KOREAN,
	CHARSET_N_SCRIPTS
};

/* charset_words.c */
extern const struct charset_language charset_languages[];
extern const size_t charset_n_languages;
/* Frequent characters, as UTF-8. */
extern const char *const charset_common[CHARSET_N_SCRIPTS];

/* charset.c */
/*
 * Converts with iconv, U+FFFD for what does not fit.
 * Returns: the count of those, or -1: no such converter.
 */
ssize_t charset_convert(
	struct arena *a, const char *name, struct str s, struct str *out);

/* charset_seven.c */
/* The same for one of CHARSET_SEVEN. */
ssize_t charset_convert_seven(struct arena *a, const struct charset *cs,
	struct str s, struct str *out);
/* Finds what is in one of these without a label, by its escapes, or NULL. */
const char *charset_guess_seven(struct str s);

/* charset_names.c */
/* Opens all converters, which needs files, and keeps their code loaded. */
void charset_names_init(void);
/* Finds a charset by its label, however it is written, or NULL. */
const struct charset *charset_find(struct str label);
/* Finds one of ours by the name that iconv has for it. */
const struct charset *charset_named(const char *iconv);
/* Lends what bytes 0x80 to 0xff are in a CHARSET_SINGLE; 0 is nothing. */
const uint16_t *charset_high(const struct charset *cs);

/* charset_guess.c */
/* Tells the small letter of a Latin, Greek or Cyrillic one. */
uint32_t charset_lower(uint32_t c);
/* Counts pairs of letters; behind charset_names_init(). */
void charset_guess_init(void);
/*
 * Tells in which charset bytes that are no UTF-8 seem to be. What is `declared`
 * (NULL: nothing that counts) stays unless it makes nonsense of them.
 */
const struct charset *charset_guess(
	struct str bytes, const struct charset *declared);
/* Tells whether bytes are surely a text of this charset. */
bool charset_is_likely(struct str bytes, const struct charset *cs);

#endif
