/* SPDX-License-Identifier: GPL-3.0-or-later */
/* language.h - the table that language/embed makes of language/table.txt. */
#ifndef MAILMILL_MAIL_LANGUAGE_H
#define MAILMILL_MAIL_LANGUAGE_H

#include <stddef.h>

/* Cells of three bytes: a language's code and a digit of base 36. */
struct language_row {
	const char *gram, *cells;
};
/* In the order of strcmp(). */
extern const struct language_row language_rows[];
extern const size_t language_n_rows;

#endif
