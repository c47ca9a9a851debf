/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * faults.c - failing on demand.
 *
 *   POST /sandbox/faults {"call":"graph", "fault":"reset_after", "times":3}
 *
 * call     a kind of call (token query record collection composite graph batch
 *          tree upload download describe limits), "any", or the beginning of a
 *          path
 * fault    see the table below
 * times    how often it strikes; 0, the default: always
 * after    how many calls go free first
 * every    strikes each Nth call of those
 * percent  strikes by chance
 * retry_after  seconds, for 429 and 503; ms, for slow (2000) and timeout_*
 * code, message  for validation, lock_row, rollback
 *
 * The rules are asked in the order in which they came; the first that strikes
 * counts.
 */
#include <stdio.h>

#include <mailmill/id.h>

#include "sandbox.h"

#define RULES_MAX 100
#define SLOW_MS 2000
#define TIMEOUT_MS 600000

static const char *const names[SB_F_COUNT] = {
	[SB_F_NONE] = "none",
	[SB_F_RESET_BEFORE] = "reset_before",
	[SB_F_RESET_AFTER] = "reset_after",
	[SB_F_TIMEOUT_BEFORE] = "timeout_before",
	[SB_F_TIMEOUT_AFTER] = "timeout_after",
	[SB_F_401] = "401",
	[SB_F_429] = "429",
	[SB_F_500] = "500",
	[SB_F_502] = "502",
	[SB_F_503] = "503",
	[SB_F_LOCK_ROW] = "lock_row",
	[SB_F_LIMIT] = "limit",
	[SB_F_HALF_BODY] = "half_body",
	[SB_F_HTML] = "html",
	[SB_F_ROLLBACK] = "rollback",
	[SB_F_SLOW] = "slow",
	[SB_F_STORAGE] = "storage",
	[SB_F_500_AFTER] = "500_after_commit",
	[SB_F_VALIDATION] = "validation",
};

struct rule {
	uint64_t id;
	char call[128];
	enum sb_kind kind;
	bool is_any, is_path;
	struct sb_fault fault;
	int64_t times, after, every, percent;
	int64_t n_seen, n_struck;
};

struct sb_faults {
	struct rule rules[RULES_MAX];
	int n;
	uint64_t last_id;
};

struct sb_faults *sb_faults_new(void)
{
	return NEW(struct sb_faults);
}

void sb_faults_free(struct sb_faults *fs)
{
	free(fs);
}

void sb_faults_clear(struct sb_faults *fs)
{
	fs->n = 0;
}

const char *sb_faults_name(enum sb_fault_what what)
{
	return names[what];
}

static int64_t number_of(const json_t *j, const char *name, int64_t standard)
{
	const json_t *v = json_object_get(j, name);

	return json_is_number(v) ? (int64_t)json_number_value(v) : standard;
}

static void copy_text(char *to, size_t size, const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	snprintf(to, size, "%s", text ? text : "");
}

static int read_call(struct rule *rule, struct sb_fail *f)
{
	rule->is_any = !strcmp(rule->call, "any");
	rule->is_path = rule->call[0] == '/';
	if (rule->is_any || rule->is_path)
		return 0;
	for (int k = 0; k < SB_K_COUNT; k++) {
		if (strcmp(rule->call, sb_kind_name((enum sb_kind)k)))
			continue;
		rule->kind = (enum sb_kind)k;
		return 0;
	}
	return sb_fail_set(f, 400, "INVALID_INPUT", "call",
		"call \"%s\" is not known: token, query, record, collection, "
		"composite, graph, batch, tree, upload, download, describe, "
		"limits, any, or a path that begins with /",
		rule->call);
}

static int read_fault(struct rule *rule, const json_t *j, struct sb_fail *f)
{
	const json_t *v = json_object_get(j, "fault");
	char name[32];

	if (json_is_integer(v))
		snprintf(name, sizeof(name), "%lld",
			(long long)json_integer_value(v));
	else
		copy_text(name, sizeof(name), j, "fault");
	for (int i = 1; i < SB_F_COUNT; i++)
		if (!strcmp(names[i], name))
			rule->fault.what = (enum sb_fault_what)i;
	if (rule->fault.what)
		return 0;
	AUTO(buf) struct buf all = BUF_INIT(600);
	for (int i = 1; i < SB_F_COUNT; i++)
		buf_printf(&all, "%s%s", i > 1 ? ", " : "", names[i]);
	return sb_fail_set(f, 400, "INVALID_INPUT", "fault",
		"fault \"%s\" is not known: %s", name, all.p);
}

int sb_faults_add(struct sb_faults *fs, json_t *j, struct sb_fail *f)
{
	struct rule rule = { 0 };

	if (fs->n >= RULES_MAX)
		return sb_fail_set(f, 400, "LIMIT_EXCEEDED", "",
			"at most %d faults at once", RULES_MAX);
	copy_text(rule.call, sizeof(rule.call), j, "call");
	if (!rule.call[0])
		snprintf(rule.call, sizeof(rule.call), "any");
	if (read_call(&rule, f) < 0 || read_fault(&rule, j, f) < 0)
		return -1;
	rule.times = number_of(j, "times", 0);
	rule.after = number_of(j, "after", 0);
	rule.every = number_of(j, "every", 0);
	rule.percent = number_of(j, "percent", 100);
	rule.fault.retry_after = (int)number_of(j, "retry_after", -1);
	rule.fault.ms = (int)number_of(
		j, "ms", rule.fault.what == SB_F_SLOW ? SLOW_MS : TIMEOUT_MS);
	copy_text(rule.fault.code, sizeof(rule.fault.code), j, "code");
	copy_text(rule.fault.text, sizeof(rule.fault.text), j, "message");
	rule.id = ++fs->last_id;
	fs->rules[fs->n++] = rule;
	return 0;
}

json_t *sb_faults_list(const struct sb_faults *fs)
{
	json_t *list = json_array();

	for (int i = 0; i < fs->n; i++) {
		const struct rule *r = &fs->rules[i];
		json_array_append_new(
			list, json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}",
				      "id", (json_int_t)r->id, "call", r->call,
				      "fault", names[r->fault.what], "times",
				      (json_int_t)r->times, "after",
				      (json_int_t)r->after, "every",
				      (json_int_t)r->every, "percent",
				      (json_int_t)r->percent, "seen",
				      (json_int_t)r->n_seen, "struck",
				      (json_int_t)r->n_struck));
	}
	return json_pack("{s:o}", "faults", list);
}

static bool does_match(const struct rule *r, enum sb_kind kind, struct str path)
{
	if (r->is_any)
		return true;
	if (r->is_path)
		return str_starts(path, str_c(r->call));
	return r->kind == kind;
}

static bool does_strike(struct rule *r)
{
	unsigned char byte[2];

	if (r->times && r->n_struck >= r->times)
		return false;
	r->n_seen++;
	if (r->n_seen <= r->after)
		return false;
	if (r->every > 1 && (r->n_seen - r->after) % r->every)
		return false;
	if (r->percent < 100) {
		id_random(byte, sizeof(byte));
		if ((byte[0] * 256 + byte[1]) % 100 >= r->percent)
			return false;
	}
	r->n_struck++;
	return true;
}

bool sb_faults_take(struct sb_faults *fs, enum sb_kind kind, struct str path,
	struct sb_fault *out)
{
	if (kind == SB_K_ADMIN || kind == SB_K_PAGE)
		return false;
	for (int i = 0; i < fs->n; i++) {
		struct rule *r = &fs->rules[i];
		if (!does_match(r, kind, path) || !does_strike(r))
			continue;
		*out = r->fault;
		return true;
	}
	return false;
}

static void add_retry(const struct sb_fault *f, struct sb_reply *r)
{
	if (f->retry_after < 0)
		return;
	snprintf(r->extra_name, sizeof(r->extra_name), "Retry-After");
	snprintf(r->extra_value, sizeof(r->extra_value), "%d", f->retry_after);
}

static const char *or_else(const char *given, const char *standard)
{
	return given[0] ? given : standard;
}

#define UNKNOWN_TEXT                                                           \
	"An unexpected error occurred. Please include this ErrorId if you "    \
	"contact support: 1234567890-12345 (-1234567890)"

/* A fault that strikes one record: as an answer of its own, or in a graph. */
static bool strike_record(const struct sb_fault *f, struct sb_ask *a,
	struct sb_reply *r, const char *code, const char *text, bool is_all)
{
	enum sb_kind kind = sb_route_kind(a);

	code = or_else(f->code, code);
	text = or_else(f->text, text);
	if (kind == SB_K_GRAPH || kind == SB_K_COMPOSITE) {
		a->graph_fault = ARENA_NEW(a->arena, struct sb_graph_fault);
		a->graph_fault->code = arena_strdup(a->arena, code);
		a->graph_fault->text = arena_strdup(a->arena, text);
		a->graph_fault->is_all = is_all;
		return false;
	}
	sb_reply_error(r, 400, code, "%s", text);
	return true;
}

bool sb_faults_answer(
	const struct sb_fault *f, struct sb_ask *a, struct sb_reply *r)
{
	switch (f->what) {
	case SB_F_401:
		sb_reply_error(r, 401, "INVALID_SESSION_ID",
			"Session expired or invalid");
		return true;
	case SB_F_429:
		sb_reply_error(
			r, 429, "REQUEST_LIMIT_EXCEEDED", "Too many requests");
		add_retry(f, r);
		return true;
	case SB_F_500:
		sb_reply_error(r, 500, "UNKNOWN_EXCEPTION", UNKNOWN_TEXT);
		return true;
	case SB_F_502:
		r->status = 502;
		r->type = "text/html";
		buf_c(&r->body, "<html><body><h1>Bad Gateway</h1></body>"
				"</html>\n");
		return true;
	case SB_F_503:
		sb_reply_error(r, 503, "SERVER_UNAVAILABLE",
			"The server is overloaded; try again later");
		add_retry(f, r);
		return true;
	case SB_F_LIMIT:
		sb_reply_error(r, 403, "REQUEST_LIMIT_EXCEEDED",
			"TotalRequests Limit exceeded.");
		return true;
	case SB_F_HTML:
		r->status = 200;
		r->type = "text/html;charset=UTF-8";
		buf_c(&r->body,
			"<!DOCTYPE html><html><head><title>Maintenance</title>"
			"</head><body>We are down for maintenance."
			"</body></html>\n");
		return true;
	case SB_F_LOCK_ROW:
		return strike_record(f, a, r, "UNABLE_TO_LOCK_ROW",
			"unable to obtain exclusive access to this record or 1 "
			"records: 001000000000000AAA",
			false);
	case SB_F_ROLLBACK:
		return strike_record(
			f, a, r, "UNKNOWN_EXCEPTION", UNKNOWN_TEXT, true);
	case SB_F_STORAGE:
		return strike_record(f, a, r, "STORAGE_LIMIT_EXCEEDED",
			"storage limit exceeded", true);
	case SB_F_VALIDATION:
		return strike_record(f, a, r,
			"FIELD_CUSTOM_VALIDATION_EXCEPTION",
			"the sandbox was told to refuse this", false);
	case SB_F_NONE:
	case SB_F_RESET_BEFORE:
	case SB_F_RESET_AFTER:
	case SB_F_TIMEOUT_BEFORE:
	case SB_F_TIMEOUT_AFTER:
	case SB_F_HALF_BODY:
	case SB_F_SLOW:
	case SB_F_500_AFTER:
	case SB_F_COUNT:
		break; /* the server's business */
	}
	return false;
}
