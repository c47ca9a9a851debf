/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log.h - one line an event on standard error: noun.verb key=value ... */
#ifndef MAILMILL_LOG_H
#define MAILMILL_LOG_H

#include <mailmill/base.h>
#include <mailmill/mem.h>
#include <mailmill/str.h>

enum log_level {
	LOG_ERROR, /* a person must act */
	LOG_WARN,  /* we coped */
	LOG_INFO,  /* something happened to a message */
	LOG_DEBUG, /* for us */
};

/*
 * Sets what is shown. `is_journal` puts the level as <N> in front and leaves
 * the time out, as systemd wants it; else lines begin with the time.
 */
void log_setup(enum log_level show, bool is_journal);
/* Tells whether a level is shown, to save the cost of making its text. */
bool log_shows(enum log_level level);
/*
 * Writes one line, in one write(): the event and its printed pairs. What would
 * steer a terminal, and what is no UTF-8, is written as \xNN, so that no input
 * can forge or paint a line.
 * Note: never bodies, secrets, or URLs with a query string.
 */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
	PRINTF(3, 4);
/*
 * Gives a stranger's text as it may stand in "..." of a line: its own quotes
 * are single ones, so that it can not end its value and begin another's.
 */
struct str log_quoted(struct arena *a, struct str s);
/* The same for an address in <...>, which gets no blanks, quotes, brackets. */
struct str log_address(struct arena *a, struct str s);
/*
 * Redirects lines to fn (NULL: back to standard error), for tests that assert
 * them. fn gets the line without time and line end.
 */
typedef void (*log_sink_fn)(enum log_level level, const char *line, void *ctx);
void log_sink(log_sink_fn fn, void *ctx);

#endif
