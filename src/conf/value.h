/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value.h - one option's text to its C value. */
#ifndef MAILMILL_CONF_VALUE_H
#define MAILMILL_CONF_VALUE_H

#include <mailmill/conf.h>

/*
 * Reads one value into the field of `data`. `file` is for relative paths.
 * Returns: 0, or -1 with *err that says what was expected.
 */
MUST_CHECK int conf_value_set(struct arena *a, const struct conf_field *f,
	const char *file, const char *text, void *data, struct err *err);
/* Sets a list. */
void conf_value_set_list(struct arena *a, const struct conf_field *f,
	const char *const *items, size_t n, void *data);

#endif
