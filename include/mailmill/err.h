/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err.h - why something failed: a kind, which decides a retry, and a text. */
#ifndef MAILMILL_ERR_H
#define MAILMILL_ERR_H

#include <mailmill/base.h>

enum err_kind {
	ERR_NONE,
	ERR_TEMP, /* try again later */
	ERR_PERM, /* this input will never do: park it */
	ERR_CONF, /* the operator must act; hold all that depends on it */
};

#define ERR_TEXT_MAX 1024

/* Plain data, zero is "no error". A longer text is cut, never overrun. */
struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX];
};

/* Sets kind and text. Returns: -1 always, so that a failure is one line. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	PRINTF(3, 4);

/*
 * Sets the text with ": " and the meaning of errno behind it; the kind is
 * ERR_CONF for EACCES, EPERM and ENOENT, else ERR_TEMP. Returns: -1.
 */
int err_sys(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Puts context and ": " in front of the text, keeping the kind. Returns: -1. */
int err_add(struct err *err, const char *fmt, ...) PRINTF(2, 3);

/* Names a kind: "none", "temporary", "permanent", "configuration". */
const char *err_kind_name(enum err_kind kind);

#endif
