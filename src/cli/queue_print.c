/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * queue_print.c - prints answers about the queue for people.
 *
 * Texts in them come from strangers' mail, and go to a terminal: control
 * characters are replaced, so that no mail can paint or type there.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mailmill/clock.h>
#include <mailmill/mem.h>
#include <mailmill/str.h>
#include <mailmill/utf8.h>

#include "queue.h"

#define WIDTH_LEAST 80
#define SPAN_MAX 24

/* --- texts ---------------------------------------------------------------- */

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static int64_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* Tells whether a code point would do something to a terminal. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
	       (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/*
 * Prints at most `max` characters (0: all) in one line, its ends as a mark, and
 * blanks up to `width`.
 */
static void put(const char *s, size_t max, size_t width)
{
	struct str rest = str_c(s);
	size_t n = 0;
	uint32_t code;

	while (rest.len) {
		size_t len = utf8_next(rest, &code);
		if (max && n == max - 1 && rest.len > MAX(len, 1)) {
			fputs("\xe2\x80\xa6", stdout);
			n++;
			break;
		}
		if (str_starts(rest, STR("\r\n")))
			len = 2, code = '\n';
		if (len && code == '\n')
			fputs("\xe2\x86\xb5", stdout);
		else if (len && code == '\t')
			putchar(' ');
		else if (len == 0 || is_control(code))
			putchar('?');
		else
			fwrite(rest.p, 1, len, stdout);
		rest = str_sub(rest, MAX(len, 1), rest.len);
		n++;
	}
	for (; n < width; n++)
		putchar(' ');
}

static size_t screen_width(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return WIDTH_LEAST;
	return MAX((size_t)size.ws_col, WIDTH_LEAST);
}

/* Prints "5s", "3m", "4h", "12d" into the caller's memory. */
static const char *span(int64_t ms, char out[SPAN_MAX])
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = { { 2 * 86400000LL, 'd' }, { 2 * 3600000LL, 'h' },
		{ 2 * 60000LL, 'm' }, { 0, 's' } };
	size_t i = 0;

	ms = MAX(ms, 0);
	while (ms < units[i].ms)
		i++;
	snprintf(out, SPAN_MAX, "%lld%c",
		(long long)(ms / (units[i].ms ? units[i].ms / 2 : 1000)),
		units[i].unit);
	return out;
}

static int64_t time_at(const json_t *o, const char *name)
{
	int64_t at = 0;

	if (clock_parse_rfc3339(str_c(text(o, name)), &at) < 0)
		return 0;
	return at;
}

static const char *age(const json_t *o, const char *name, char out[SPAN_MAX])
{
	int64_t at = time_at(o, name);

	return at ? span(clock_wall_ms() - at, out) : "-";
}

/* Prints a time without its parts of a second: 2026-11-24 21:36:46Z. */
static void put_time(const char *rfc3339)
{
	if (strlen(rfc3339) < 19)
		put("-", 0, 0);
	else
		printf("%.10s %.8sZ", rfc3339, rfc3339 + 11);
}

/* --- list ----------------------------------------------------------------- */

static void put_reason(const json_t *row, size_t room)
{
	const char *reason = text(row, "reason");
	int64_t due = time_at(row, "due_at") - clock_wall_ms();
	char t[SPAN_MAX];

	if (strcmp(text(row, "state"), "retry") == 0 && due > 0) {
		printf("in %s: ", span(due, t));
		room = room > 12 ? room - 12 : room;
	}
	put(reason, room, 0);
}

static const char *first_rcpt(const json_t *row)
{
	const char *s = json_string_value(
		json_array_get(json_object_get(row, "recipients"), 0));

	return s ? s : "";
}

static void print_row(struct queue_view *v, const json_t *row)
{
	size_t width = screen_width(), left = 74;
	char t[SPAN_MAX];

	if (v->n_rows++ == 0)
		printf("%6s  %-7s  %-12s  %4s  %5s  %-26s  %s\n", "ID", "STATE",
			"ROUTE", "AGE", "TRIES", "FROM", "WHY, OR TO WHOM");
	v->last_id = number(row, "id");
	printf("%6lld  %-7s  ", (long long)v->last_id, text(row, "state"));
	put(text(row, "route"), 12, 12);
	printf("  %4s  %5lld  ", age(row, "received_at", t),
		(long long)number(row, "attempts"));
	put(*text(row, "sender") ? text(row, "sender") : "<>", 26, 26);
	printf("  ");
	left = width > left + 10 ? width - left : width ? 10 : 0;
	if (*text(row, "reason"))
		put_reason(row, left);
	else
		put(first_rcpt(row), left, 0);
	putchar('\n');
}

static void end_list(struct queue_view *v, bool more)
{
	if (v->n_rows == 0)
		puts("nothing");
	if (more)
		printf("%llu are shown; --after %lld shows what follows\n",
			(unsigned long long)v->n_rows, (long long)v->last_id);
}

const struct queue_printer queue_print_list = { print_row, end_list };

/* --- show ----------------------------------------------------------------- */

static void put_field(const char *label, const char *value)
{
	if (!*value)
		return;
	printf("  %-12s ", label);
	put(value, 0, 0);
	putchar('\n');
}

static void put_when(const char *label, const json_t *o, const char *name)
{
	char t[SPAN_MAX];
	int64_t off = time_at(o, name) - clock_wall_ms();

	if (!*text(o, name))
		return;
	printf("  %-12s ", label);
	put_time(text(o, name));
	if (off > 0)
		printf(" (in %s)\n", span(off, t));
	else
		printf(" (%s ago)\n", span(-off, t));
}

static void put_envelope(const json_t *env)
{
	const json_t *rcpts = json_object_get(env, "recipients");

	put_field("source", text(env, "source"));
	put_field("peer", text(env, "peer"));
	put_field("helo", text(env, "helo"));
	put_field("login", text(env, "login"));
	put_field("protocol", text(env, "protocol"));
	put_field("envid", text(env, "envid"));
	put_field("ret", text(env, "ret"));
	for (size_t i = 0; i < json_array_size(rcpts); i++) {
		const json_t *r = json_array_get(rcpts, i);
		put_field(i ? "" : "envelope to", text(r, "address"));
		put_field("  notify", text(r, "notify"));
		put_field("  orcpt", text(r, "orcpt"));
	}
}

/* Any JSON, a member a line, deeper ones further in. */
static void put_json(const char *name, const json_t *v, int depth)
{
	const char *key;
	json_t *item;
	char t[40];

	if (json_is_object(v) || json_is_array(v))
		printf("%*s%s%s\n", depth, "", name, *name ? ":" : "-");
	if (json_is_object(v))
		for (void *at = json_object_iter((json_t *)(uintptr_t)v); at;
			at = json_object_iter_next(
				(json_t *)(uintptr_t)v, at)) {
			key = json_object_iter_key(at);
			item = json_object_iter_value(at);
			put_json(key, item, depth + 2);
		}
	for (size_t i = 0; i < json_array_size(v); i++)
		put_json("", json_array_get(v, i), depth + 2);
	if (json_is_object(v) || json_is_array(v))
		return;
	printf("%*s", depth, "");
	put(name, 0, 0);
	fputs(*name ? " = " : "- ", stdout);
	if (json_is_string(v))
		put(json_string_value(v), 0, 0);
	else if (json_is_integer(v))
		printf("%lld", (long long)json_integer_value(v));
	else if (json_is_real(v)) {
		snprintf(t, sizeof(t), "%g", json_real_value(v));
		fputs(t, stdout);
	} else
		fputs(json_is_true(v)	   ? "true"
			: json_is_false(v) ? "false"
					   : "null",
			stdout);
	putchar('\n');
}

static bool is_empty(const json_t *v)
{
	return !v || json_is_null(v) ||
	       (json_is_array(v) && json_array_size(v) == 0) ||
	       (json_is_object(v) && json_object_size(v) == 0) ||
	       (json_is_string(v) && json_string_length(v) == 0);
}

/* "create Case case -> 500...  (new)", then its fields and files. */
static void put_record(const json_t *r)
{
	const json_t *fields = json_object_get(r, "fields");
	const json_t *files = json_object_get(r, "files");
	const json_t *is_new = json_object_get(r, "new");

	fputs("      ", stdout);
	put(text(r, "op"), 0, 0);
	putchar(' ');
	put(text(r, "object"), 0, 0);
	putchar(' ');
	put(text(r, "name"), 0, 0);
	if (*text(r, "id")) {
		fputs(" -> ", stdout);
		put(text(r, "id"), 0, 0);
	}
	if (is_new)
		fputs(json_is_true(is_new) ? " (new)" : " (was there)", stdout);
	putchar('\n');
	if (*text(r, "key")) {
		fputs("          key = ", stdout);
		put(text(r, "key"), 0, 0);
		putchar('\n');
	}
	for (void *at = json_object_iter((json_t *)(uintptr_t)fields); at;
		at = json_object_iter_next((json_t *)(uintptr_t)fields, at))
		put_json(json_object_iter_key(at), json_object_iter_value(at),
			10);
	for (size_t i = 0; i < json_array_size(files); i++)
		put_json("file", json_array_get(files, i), 10);
}

/* "knew find/Contact/...: 1 row, 003..." */
static void put_facts(const json_t *facts)
{
	for (size_t i = 0; i < json_array_size(facts); i++) {
		const json_t *f = json_array_get(facts, i);
		long long rows = (long long)number(f, "rows");
		fputs("      knew ", stdout);
		put(text(f, "question"), 0, 0);
		printf(": %lld row%s", rows, rows == 1 ? "" : "s");
		if (*text(f, "id")) {
			fputs(", ", stdout);
			put(text(f, "id"), 0, 0);
		}
		putchar('\n');
	}
}

static void put_rule(const json_t *journal)
{
	if (!*text(journal, "script"))
		return;
	fputs("      rule ", stdout);
	put(text(journal, "script"), 0, 0);
	if (*text(journal, "sha256")) {
		fputs(", version ", stdout);
		put(text(journal, "sha256"), 13, 0);
	}
	putchar('\n');
}

/* The answer's records are told with the plan's; here is all else. */
static void put_answer(const json_t *answer, bool has_records)
{
	if (!json_is_object(answer)) {
		if (!is_empty(answer))
			put_json("answer", answer, 6);
		return;
	}
	for (void *at = json_object_iter((json_t *)(uintptr_t)answer); at;
		at = json_object_iter_next((json_t *)(uintptr_t)answer, at)) {
		const char *key = json_object_iter_key(at);
		const json_t *value = json_object_iter_value(at);
		if ((has_records && strcmp(key, "records") == 0) ||
			is_empty(value))
			continue;
		fputs("      answer ", stdout);
		put_json(key, value, 0);
	}
}

static void put_took(const json_t *ms)
{
	if (json_is_object(ms))
		printf("      took %lld ms to evaluate, %lld ms to apply\n",
			(long long)number(ms, "evaluate"),
			(long long)number(ms, "apply"));
}

/* Tells whether a member of the journal is printed in a way of its own. */
static bool is_known(const char *key)
{
	static const char *const keys[] = { "script", "sha256", "facts",
		"records", "answer", "ms", "message_id" };

	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* The mill's journal; a member that is not known is shown as it is. */
static void put_journal(const json_t *journal)
{
	const json_t *records = json_object_get(journal, "records");

	if (!json_is_object(journal)) {
		if (journal)
			put_json("journal", journal, 6);
		return;
	}
	put_rule(journal);
	for (void *at = json_object_iter((json_t *)(uintptr_t)journal); at;
		at = json_object_iter_next((json_t *)(uintptr_t)journal, at)) {
		const char *key = json_object_iter_key(at);
		const json_t *value = json_object_iter_value(at);
		if (!is_known(key) && !is_empty(value))
			put_json(key, value, 6);
	}
	put_facts(json_object_get(journal, "facts"));
	for (size_t i = 0; i < json_array_size(records); i++)
		put_record(json_array_get(records, i));
	put_answer(json_object_get(journal, "answer"),
		json_array_size(records) > 0);
	put_took(json_object_get(journal, "ms"));
}

static void put_history(const json_t *history)
{
	puts("\nhistory");
	for (size_t i = 0; i < json_array_size(history); i++) {
		const json_t *e = json_array_get(history, i);
		fputs("  ", stdout);
		put_time(text(e, "at"));
		printf("  %-8s", text(e, "state"));
		put(text(e, "text"), 0, 0);
		putchar('\n');
		put_journal(json_object_get(e, "journal"));
	}
}

/* "redirect to bob@example.net" */
static void put_outgoing(const json_t *o, size_t room)
{
	const json_t *rcpts = json_object_get(o, "recipients");
	size_t n = json_array_size(rcpts);

	put(text(json_array_get(rcpts, 0), "address"), room, 0);
	if (n > 1)
		printf(" and %zu more", n - 1);
}

static void put_all_outgoing(const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *o = json_array_get(array, i);
		printf("  %-12s %lld: ", i ? "" : "outgoing",
			(long long)number(o, "id"));
		put(text(o, "kind"), 0, 0);
		fputs(" to ", stdout);
		put_outgoing(o, 0);
		printf(", %s", text(o, "state"));
		if (*text(o, "reason") && strcmp(text(o, "state"), "sent")) {
			fputs(": ", stdout);
			put(text(o, "reason"), 0, 0);
		}
		putchar('\n');
	}
}

static void put_folders(const json_t *row)
{
	const json_t *folders = json_object_get(row, "folders");

	for (size_t i = 0; i < json_array_size(folders); i++)
		put_field(i ? "" : "folder",
			json_string_value(json_array_get(folders, i)));
	put_field("flags", text(row, "flags"));
}

static void print_delivery(struct queue_view *v UNUSED, const json_t *row)
{
	const json_t *rcpts = json_object_get(row, "recipients");
	const json_t *history = json_object_get(row, "history");

	printf("delivery %lld: %s\n", (long long)number(row, "id"),
		text(row, "state"));
	put_field("why", text(row, "reason"));
	put_folders(row);
	put_field("route", text(row, "route"));
	put_field("from", *text(row, "sender") ? text(row, "sender") : "<>");
	for (size_t i = 0; i < json_array_size(rcpts); i++)
		put_field(i ? "" : "to",
			json_string_value(json_array_get(rcpts, i)));
	put_field("Message-ID", text(row, "message_id"));
	put_when("received", row, "received_at");
	put_when("changed", row, "changed_at");
	put_when("next try", row, "due_at");
	printf("  %-12s %lld\n", "attempts",
		(long long)number(row, "attempts"));
	printf("  %-12s %s, %lld bytes, %s\n", "message", text(row, "message"),
		(long long)number(row, "size"),
		json_is_true(json_object_get(row, "has_body"))
			? "kept (--raw shows them)"
			: "which retention took away");
	put_envelope(json_object_get(row, "envelope"));
	put_all_outgoing(json_object_get(row, "outgoing"));
	put_history(history);
	if (json_array_size(history) == 0)
		puts("  nothing was done yet");
}

const struct queue_printer queue_print_show = { print_delivery, NULL };

/* --- outgoing mail -------------------------------------------------------- */

static void print_outbox(struct queue_view *v, const json_t *row)
{
	size_t width = screen_width(), left;
	char t[SPAN_MAX];

	if (v->n_rows++ == 0)
		printf("%6s  %-7s  %-8s  %8s  %4s  %5s  %-28s  %s\n", "ID",
			"STATE", "KIND", "DELIVERY", "AGE", "TRIES", "TO",
			"WHY");
	v->last_id = number(row, "id");
	printf("%6lld  %-7s  ", (long long)v->last_id, text(row, "state"));
	put(text(row, "kind"), 8, 8);
	printf("  %8lld  %4s  %5lld  ", (long long)number(row, "delivery"),
		age(row, "created_at", t), (long long)number(row, "attempts"));
	if (json_array_size(json_object_get(row, "recipients")) > 1)
		put_outgoing(row, 0);
	else
		put(text(json_array_get(json_object_get(row, "recipients"), 0),
			    "address"),
			28, 28);
	fputs("  ", stdout);
	left = width > 91 ? width - 81 : width ? 10 : 0;
	put_reason(row, left);
	putchar('\n');
}

const struct queue_printer queue_print_outbox = { print_outbox, end_list };

static void print_out(struct queue_view *v UNUSED, const json_t *row)
{
	const json_t *rcpts = json_object_get(row, "recipients");

	printf("outgoing mail %lld: %s\n", (long long)number(row, "id"),
		text(row, "state"));
	put_field("why", text(row, "reason"));
	put_field("kind", text(row, "kind"));
	put_field("route", text(row, "route"));
	printf("  %-12s %lld\n", "delivery",
		(long long)number(row, "delivery"));
	put_field("from", *text(row, "sender") ? text(row, "sender") : "<>");
	for (size_t i = 0; i < json_array_size(rcpts); i++) {
		const json_t *r = json_array_get(rcpts, i);
		put_field(i ? "" : "to", text(r, "address"));
		put_field("  reply", text(r, "reply"));
	}
	put_field("copy in", text(row, "folder"));
	put_when("made", row, "created_at");
	put_when("changed", row, "changed_at");
	put_when("next try", row, "due_at");
	printf("  %-12s %lld\n", "attempts",
		(long long)number(row, "attempts"));
	printf("  %-12s %lld bytes (--raw shows them)\n", "size",
		(long long)number(row, "size"));
}

const struct queue_printer queue_print_out = { print_out, NULL };

/* --- a person's words ----------------------------------------------------- */

static void print_word(struct queue_view *v, const json_t *line)
{
	const char *error = text(line, "error");

	v->n_rows++;
	v->has_error |= *error != 0;
	printf("%6lld  ", (long long)number(line, "id"));
	if (*error)
		fputs("not done: ", stdout);
	put(*error ? error : text(line, "state"), 0, 0);
	putchar('\n');
}

static void end_word(struct queue_view *v, bool more)
{
	if (v->n_rows == 0)
		puts("nothing matches");
	if (more)
		puts("there are more: say it again");
}

const struct queue_printer queue_print_word = { print_word, end_word };

/* --- sums ----------------------------------------------------------------- */

/* A line, where anything was ever sent. */
static void put_out_stats(const json_t *o)
{
	int64_t waits = number(o, "queued") + number(o, "claimed") +
			number(o, "retry");
	char t[SPAN_MAX];

	if (waits + number(o, "sent") + number(o, "dead") +
			number(o, "dropped") ==
		0)
		return;
	printf("outgoing mail: %lld sent, %lld waiting, %lld dead, %lld "
	       "dropped\n",
		(long long)number(o, "sent"), (long long)waits,
		(long long)number(o, "dead"), (long long)number(o, "dropped"));
	if (*text(o, "oldest"))
		printf("the oldest of it that waits was made %s ago\n",
			age(o, "oldest", t));
}

static void print_stats(struct queue_view *v UNUSED, const json_t *o)
{
	static const struct {
		const char *name, *means;
	} rows[] = { { "queued", "due now" }, { "claimed", "being worked on" },
		{ "retry", "to be tried again" },
		{ "held", "wait for a person, or for the configuration" },
		{ "dead", "can not be done; retry or drop them" },
		{ "dropped", "ended by a person" },
		{ "done", "became records, or need none" } };
	char t[SPAN_MAX];

	for (size_t i = 0; i < COUNT(rows); i++)
		printf("%8lld  %-8s  %s\n", (long long)number(o, rows[i].name),
			rows[i].name, rows[i].means);
	if (*text(o, "oldest"))
		printf("the oldest that waits came %s ago\n",
			age(o, "oldest", t));
	put_out_stats(json_object_get(o, "outgoing"));
}

const struct queue_printer queue_print_stats = { print_stats, NULL };

/* The columns of the books: held ones wait too, for a person. */
static void print_sums(const int64_t sums[5])
{
	for (size_t i = 0; i < 5; i++)
		printf("  %8lld", (long long)sums[i]);
}

static void print_count(struct queue_view *v, const json_t *o)
{
	const int64_t sums[5] = { number(o, "done"),
		number(o, "queued") + number(o, "claimed") + number(o, "retry"),
		number(o, "held"), number(o, "dead"), number(o, "dropped") };
	const json_t *out = json_object_get(o, "outgoing");
	bool is_bad = !json_is_true(json_object_get(o, "balances"));

	if (v->n_rows++ == 0)
		printf("%-10s  %-16s  %8s  %8s  %8s  %8s  %8s  %8s\n", "DAY",
			"ROUTE", "RECEIVED", "DONE", "WAITING", "HELD", "DEAD",
			"DROPPED");
	put(text(o, "day"), 10, 10);
	fputs("  ", stdout);
	put(text(o, "route"), 16, 16);
	printf("  %8lld", (long long)number(o, "received"));
	print_sums(sums);
	puts(is_bad ? "  DOES NOT BALANCE" : "");
	v->is_unbalanced |= is_bad;
	v->received += number(o, "received");
	for (size_t i = 0; i < COUNT(sums); i++)
		v->sums[i] += sums[i];
	v->planned += number(out, "planned");
	v->out_sums[0] += number(out, "sent");
	v->out_sums[1] += number(out, "queued") + number(out, "claimed") +
			  number(out, "retry");
	v->out_sums[2] += number(out, "dead");
	v->out_sums[3] += number(out, "dropped");
}

static void end_balance(struct queue_view *v, bool more UNUSED)
{
	if (v->n_rows > 1) {
		printf("%-28s  %8lld", "together", (long long)v->received);
		print_sums(v->sums);
		putchar('\n');
	}
	if (v->is_unbalanced) {
		puts("The books DO NOT BALANCE: mailmill queue check tells "
		     "more.");
		return;
	}
	printf("The books balance: %lld received = %lld done + %lld waiting "
	       "+ %lld held + %lld dead + %lld dropped.\n",
		(long long)v->received, (long long)v->sums[0],
		(long long)v->sums[1], (long long)v->sums[2],
		(long long)v->sums[3], (long long)v->sums[4]);
	if (v->planned)
		printf("Outgoing mail: %lld = %lld sent + %lld waiting + %lld "
		       "dead + %lld dropped.\n",
			(long long)v->planned, (long long)v->out_sums[0],
			(long long)v->out_sums[1], (long long)v->out_sums[2],
			(long long)v->out_sums[3]);
}

const struct queue_printer queue_print_balance = { print_count, end_balance };
