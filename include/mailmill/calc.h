/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calc.h - small expressions on numbers and dates, as an admin writes them:
 *
 *     ${net} * (1 + ${rate} / 100)     round(${total} / 1.19, 2)
 *     ${ordered} + 14 days             least(${price}, ${offer})
 *
 *     sum     = product { ("+" | "-") product }
 *     product = factor { ("*" | "/") factor }
 *     factor  = "-" factor | NUMBER [UNIT] | "${" NAME "}" | "now" | "today" |
 *               FUNCTION "(" sum { "," sum } ")" | "(" sum ")"
 *     UNIT    = minute(s), hour(s), day(s), week(s), month(s), year(s)
 *
 * Numbers are exact (decimal.h). A date is "2024-04-13", a moment is
 * "2024-04-13T10:00:00Z" or with another zone. Date plus days is a date, plus
 * hours a moment in UTC; the difference of two is days. Months end where the
 * month does: 31 January plus 1 month is the last of February. What is empty
 * makes the result empty. There are no loops: it ends always.
 */
#ifndef MAILMILL_CALC_H
#define MAILMILL_CALC_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

#define CALC_TEXT_MAX 2000		/* bytes of an expression */
#define CALC_DEPTH_MAX 30		/* parentheses in parentheses */
#define CALC_NODES_MAX 300		/* numbers, names, operators */
#define CALC_VALUES_MAX ((size_t)10000) /* of a list */

struct calc;

/*
 * Reads an expression. Gives: *out in `a`. Returns: 0, or -1 with *err that
 * says what is wrong, and *at: where in `text`.
 */
MUST_CHECK int calc_parse(struct arena *a, struct str text, struct calc **out,
	size_t *at, struct err *err);
/* Lists the names in it, each once; those within functions are lists. */
struct calc_name {
	struct str name;
	size_t at; /* where it stands first */
	bool is_list;
};
size_t calc_names(const struct calc *c, const struct calc_name **out);

/* Lends the values of a name: one, or for a list all. */
typedef size_t (*calc_values_fn)(
	void *ctx, struct str name, const struct str **values);
/*
 * Calculates. `now` is in wall ms: what "now" and "today" (in UTC) mean.
 * Gives: *out in `a`, as text; empty when a value was. Returns: 0, or -1 with
 * *err: a value is no number or date, they do not go together, division by
 * zero, or no room for the digits.
 */
MUST_CHECK int calc_run(struct arena *a, const struct calc *c, int64_t now,
	calc_values_fn values, void *ctx, struct str *out, struct err *err);

#endif
