/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue.h - how `mailmill queue` prints answers for people. */
#ifndef MAILMILL_CLI_QUEUE_H
#define MAILMILL_CLI_QUEUE_H

#include <jansson.h>

#include <mailmill/base.h>

/* What a printer remembers from line to line; zeroed at the start. */
struct queue_view {
	uint64_t n_rows;
	int64_t last_id;
	int64_t received, sums[8], planned, out_sums[4];
	bool is_unbalanced, has_error;
};

/* One action's printer: a call for each line, and one at the end. */
struct queue_printer {
	void (*line)(struct queue_view *v, const json_t *line);
	/* more: the answer was cut at --max. May be NULL. */
	void (*end)(struct queue_view *v, bool more);
};

extern const struct queue_printer queue_print_list, queue_print_show,
	queue_print_word, queue_print_stats, queue_print_balance,
	queue_print_outbox, queue_print_out;

#endif
