/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quote.h - the lines of a text, and what quote*.c find out about them. */
#ifndef MAILMILL_MAIL_QUOTE_H
#define MAILMILL_MAIL_QUOTE_H

#include "inside.h"

#define QUOTE_LINES_MAX 200000 /* of a text that is split */
#define WORDS_MAX 320
#define QUOTE_FOLD_MAX 500 /* bytes of a line that is looked at closely */

enum line_kind {
	LINE_EMPTY,
	LINE_OWN,
	LINE_QUOTED,	  /* ">" or, in HTML, in a quote */
	LINE_ATTRIBUTION, /* "On ... wrote:" above a quote */
	LINE_BARE,	  /* the same, but what follows bears no mark */
	LINE_TAKEN,	  /* quoted wherever it stands: a banner, a forward */
};

enum line_part {
	PART_REPLY,
	PART_QUOTED,
	PART_SIGNATURE
};

struct line {
	struct str raw;	   /* without its end */
	struct str folded; /* see fold_line(); empty when it is too long */
	enum line_kind kind;
	enum line_part part;
	bool is_history;    /* HTML says that from here on it is history */
	bool is_signed;	    /* HTML says that it is a signature */
	bool is_attributed; /* HTML says that it stands above a quote */
};

/* Many words looked for at once, by their first byte. */
struct words {
	const char *const *items;
	unsigned short first[256], next[WORDS_MAX]; /* index + 1, 0 ends */
};

enum word_set {
	WORDS_WROTE,	  /* the verbs of attributions */
	WORDS_STARTERS,	  /* how attributions begin */
	WORDS_DAYS,	  /* names of days and months, shortened */
	WORDS_ORIGINAL,	  /* "original message" */
	WORDS_FORWARD,	  /* "forwarded message" */
	WORDS_DELIMITER,  /* "reply above this line" */
	WORDS_INLINE,	  /* "my answers inline" */
	WORDS_SIGNOFF,	  /* "kind regards" */
	WORDS_THANKS,	  /* what may end a mail, above a name */
	WORDS_SENT,	  /* "sent from" */
	WORDS_DEVICE,	  /* "iphone" */
	WORDS_GET,	  /* "get outlook for" */
	WORDS_LIST,	  /* what footers of lists speak of */
	WORDS_LEGAL,	  /* disclaimers */
	WORDS_LEGAL_SURE, /* where one of these is enough */
	WORDS_BANNER,
	WORDS_BANNER_MORE, /* what further lines of a banner speak of */
	N_WORD_SETS
};

struct lines {
	struct arena *arena;
	struct line *items;
	size_t n;
	struct words words[N_WORD_SETS];
};

/* quote_words.c */
/* Readies the sets. */
void quote_words_init(struct words *sets);
/*
 * Finds the first of the words in a folded line, as a word where it begins
 * with a letter. Returns: its offset, or -1. *len: its length.
 */
ssize_t quote_words_find(const struct words *w, struct str s, size_t *len);
/* Tells the length of the longest of the words that s begins with, or 0. */
size_t quote_words_start(const struct words *w, struct str s);
/* Tells whether one of the words is in s. */
bool quote_words_in(const struct words *w, struct str s);
/* Counts them. */
unsigned quote_words_count(const struct words *w, struct str s);

/* quote_mark.c */
/* Applies what HTML said of the text of these lines. */
void quote_apply_marks(struct lines *l, const struct text_marks *marks);

/* quote_line.c */
/* Makes lower case, one blank for many, plain marks of the odd ones. */
struct str quote_fold(struct arena *a, struct str s);
/* The same in memory of the caller's, of `size` bytes at most. */
struct str quote_fold_in(char *p, size_t size, struct str s);
/* Cuts a text into lines and tells which are quoted or empty. */
void quote_lines(struct lines *l, struct arena *a, struct str text);
/* Returns: the next line from `at` that is not empty, or l->n. */
size_t quote_next(const struct lines *l, size_t at);
/* Nothing but five or more dashes or the like. */
bool quote_is_rule(struct str folded);
/* Tells whether line `at` begins unmarked history: a mark, a block of fields.
 */
bool quote_is_history(const struct lines *l, size_t at);
/* "---------- Forwarded message ---------" */
bool quote_is_forward(const struct words *sets, struct str folded);
/* Marks what a gateway put on top. */
void quote_find_banner(struct lines *l);

/* quote_attribution.c */
/*
 * Does an attribution begin at line `at`? Returns: the lines it takes, or 0.
 * *is_sure: it is one even when what follows bears no mark.
 */
size_t quote_attribution(const struct lines *l, size_t at, bool *is_sure);
/* Tells whether a folded line has a date, and a time or an address. */
bool quote_is_dated(const struct lines *l, struct str s);

/* quote_sign.c */
/*
 * Puts the signature at the end of lines [from, end) into its part.
 * Returns: where it begins, or end.
 */
size_t quote_sign(struct lines *l, size_t from, size_t end);
/* Is the line the mark above a signature? It belongs to no part. */
bool quote_is_sign_mark(struct str raw);

#endif
