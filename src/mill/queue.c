/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * queue.c - answers what an admin asks of the queue.
 *
 * The same function serves the daemon's control socket and the command that
 * opened the store itself, so both show the same. Rows go out as they are read,
 * a page at a time, each page in an arena of its own.
 */
#include <jansson.h>

#include <mailmill/clock.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/queue.h>
#include <mailmill/utf8.h>

#define LINE_MAX ((size_t)16 << 20)
#define PAGE 500
#define IDS_MAX 10000
/* whole base64 groups of three */
#define RAW_PIECE 49152
#define LIST_DEFAULT 100

struct answer {
	struct store *store;
	struct str who;
	json_t *request;
	queue_line_fn fn;
	void *ctx;
	uint64_t n_rows;
	int n_changed;
	bool has_more;
};

static void auto_json(json_t **j)
{
	json_decref(*j);
}

/* --- writing lines -------------------------------------------------------- */

/* Takes: line. Returns: 0, or -1 with *err when nobody listens any more. */
static int send(struct answer *q, json_t *line, struct err *err)
{
	char *text = json_dumps(line, JSON_COMPACT);
	int rc;

	json_decref(line);
	must(text);
	rc = q->fn(str_c(text), q->ctx);
	free(text);
	q->n_rows++;
	return rc < 0 ? err_set(err, ERR_TEMP, "the asker has gone") : 0;
}

static json_t *text_of(struct arena *a, struct str s)
{
	struct str mended = utf8_mend(a, s);

	return json_stringn(mended.p ? mended.p : "", mended.len);
}

static json_t *time_of(struct arena *a, int64_t wall)
{
	return wall ? json_string(clock_rfc3339(a, wall)) : json_null();
}

static json_t *texts_of(struct arena *a, const struct str *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, text_of(a, texts[i]));
	return array;
}

static json_t *lines_of(struct arena *a, struct str lines)
{
	json_t *array = json_array();
	struct str one;

	while (lines.len && str_cut(&lines, '\n', &one))
		json_array_append_new(array, text_of(a, one));
	return array;
}

static json_t *row_of(struct arena *a, const struct store_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", json_integer(r->id));
	json_object_set_new(
		o, "state", json_string(store_state_name(r->state)));
	json_object_set_new(o, "route", text_of(a, r->route));
	json_object_set_new(o, "sender", text_of(a, r->sender));
	json_object_set_new(o, "recipients", texts_of(a, r->rcpts, r->n_rcpts));
	json_object_set_new(o, "message_id", text_of(a, r->message_id));
	json_object_set_new(o, "reason", text_of(a, r->reason));
	json_object_set_new(o, "folders", lines_of(a, r->folders));
	json_object_set_new(o, "flags", text_of(a, r->flags));
	json_object_set_new(o, "attempts", json_integer(r->attempts));
	json_object_set_new(o, "received_at", time_of(a, r->received_at));
	json_object_set_new(o, "due_at", time_of(a, r->due_at));
	json_object_set_new(o, "changed_at", time_of(a, r->changed_at));
	json_object_set_new(o, "source", text_of(a, r->source));
	json_object_set_new(o, "size", json_integer((json_int_t)r->size));
	json_object_set_new(o, "has_body", json_boolean(r->has_body));
	json_object_set_new(o, "message", json_string(r->message.text));
	return o;
}

/* --- reading the request -------------------------------------------------- */

static struct str get_text(const struct answer *q, const char *name)
{
	const json_t *v = json_object_get(q->request, name);

	return json_is_string(v)
		       ? str_n(json_string_value(v), json_string_length(v))
		       : STR_NULL;
}

static int64_t get_number(const struct answer *q, const char *name)
{
	return json_integer_value(json_object_get(q->request, name));
}

static int read_states(
	const struct answer *q, unsigned *states, struct err *err)
{
	const json_t *array = json_object_get(q->request, "states");

	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *name = json_array_get(array, i);
		enum store_state state;
		if (!json_is_string(name) ||
			store_state_parse(
				str_c(json_string_value(name)), &state) < 0)
			return err_set(err, ERR_PERM,
				"no state \"%s\"; there are queued, claimed, "
				"retry, held, done, dead, dropped",
				json_is_string(name) ? json_string_value(name)
						     : "?");
		*states |= 1u << state;
	}
	return 0;
}

/* Strings in it are lent by the request. */
static int read_filter(
	const struct answer *q, struct store_filter *f, struct err *err)
{
	int64_t age = get_number(q, "age_ms");

	*f = (struct store_filter){ .route = get_text(q, "route"),
		.text = get_text(q, "text"),
		.folder = get_text(q, "folder"),
		.after = get_number(q, "after"),
		.to = age ? clock_wall_ms() - age : 0 };
	return read_states(q, &f->states, err);
}

/* --- list ----------------------------------------------------------------- */

typedef int (*row_fn)(struct answer *q, struct arena *a,
	const struct store_row *row, struct err *err);

static int walk_page(struct answer *q, struct store_filter *f, row_fn each,
	uint64_t *left, bool *is_over, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct store_row *rows = NULL;
	size_t n = 0;

	/* one more than asked for tells whether there is more */
	f->max = (size_t)MIN(*left, PAGE) + 1;
	if (store_list(q->store, a, f, &rows, &n, err) < 0)
		return -1;
	*is_over = n < f->max;
	for (size_t i = 0; i < MIN(n, f->max - 1); i++) {
		if (each(q, a, &rows[i], err) < 0)
			return -1;
		f->after = rows[i].id;
		--*left;
	}
	return 0;
}

static int walk(struct answer *q, row_fn each, uint64_t max, struct err *err)
{
	struct store_filter f;
	bool is_over = false;

	if (read_filter(q, &f, err) < 0)
		return -1;
	while (!is_over && max > 0)
		if (walk_page(q, &f, each, &max, &is_over, err) < 0)
			return -1;
	q->has_more = !is_over;
	return 0;
}

static int send_row(struct answer *q, struct arena *a,
	const struct store_row *row, struct err *err)
{
	return send(q, row_of(a, row), err);
}

static uint64_t get_max(const struct answer *q, uint64_t otherwise)
{
	int64_t max = get_number(q, "max");

	return max > 0 ? (uint64_t)max : otherwise;
}

static int answer_list(struct answer *q, struct err *err)
{
	return walk(q, send_row, get_max(q, LIST_DEFAULT), err);
}

/* --- show, raw ------------------------------------------------------------ */

static json_t *envelope_of(struct arena *a, const struct envelope *env)
{
	json_t *o = json_object(), *rcpts = json_array();

	json_object_set_new(o, "sender", text_of(a, env->sender));
	for (size_t i = 0; i < env->n_rcpts; i++) {
		const struct envelope_rcpt *r = &env->rcpts[i];
		json_t *one = json_object();
		json_object_set_new(one, "address", text_of(a, r->address));
		if (r->notify.len)
			json_object_set_new(
				one, "notify", text_of(a, r->notify));
		if (r->orcpt.len)
			json_object_set_new(one, "orcpt", text_of(a, r->orcpt));
		json_array_append_new(rcpts, one);
	}
	json_object_set_new(o, "recipients", rcpts);
	json_object_set_new(o, "source", text_of(a, env->source));
	json_object_set_new(o, "peer", text_of(a, env->peer));
	json_object_set_new(o, "helo", text_of(a, env->helo));
	json_object_set_new(o, "login", text_of(a, env->login));
	json_object_set_new(o, "protocol", text_of(a, env->protocol));
	json_object_set_new(o, "ret", text_of(a, env->ret));
	json_object_set_new(o, "envid", text_of(a, env->envid));
	json_object_set_new(o, "is_8bit", json_boolean(env->is_8bit));
	json_object_set_new(o, "is_binary", json_boolean(env->is_binary));
	json_object_set_new(o, "is_smtputf8", json_boolean(env->is_smtputf8));
	return o;
}

static json_t *event_of(struct arena *a, const struct store_event *e)
{
	json_t *o = json_object(), *journal = NULL;

	json_object_set_new(o, "at", time_of(a, e->at));
	json_object_set_new(o, "state", json_string(store_state_name(e->to)));
	json_object_set_new(o, "text", text_of(a, e->text));
	if (e->journal.len == 0)
		return o;
	journal = json_loadb(e->journal.p, e->journal.len,
		JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	/* what is no JSON is shown as the text that it is */
	json_object_set_new(
		o, "journal", journal ? journal : text_of(a, e->journal));
	return o;
}

static int show(struct answer *q, struct arena *a, struct store_row *row,
	struct envelope *env, struct store_event **events, size_t *n,
	struct err *err)
{
	int64_t id = get_number(q, "id");
	int rc = store_show(q->store, a, id, row, env, events, n, err);

	if (rc == STORE_NONE)
		return err_set(err, ERR_PERM,
			"there is no delivery %lld (retention removes done "
			"ones)",
			(long long)id);
	return rc;
}

static json_t *out_of(struct arena *a, const struct store_out_row *r)
{
	json_t *o = json_object(), *rcpts = json_array();

	json_object_set_new(o, "id", json_integer(r->id));
	json_object_set_new(o, "delivery", json_integer(r->delivery));
	json_object_set_new(
		o, "state", json_string(store_out_state_name(r->state)));
	json_object_set_new(o, "kind", text_of(a, r->kind));
	json_object_set_new(o, "route", text_of(a, r->route));
	json_object_set_new(o, "sender", text_of(a, r->sender));
	for (size_t i = 0; i < r->n_rcpts; i++) {
		json_t *one = json_object();
		json_object_set_new(one, "address", text_of(a, r->rcpts[i]));
		json_object_set_new(one, "reply", text_of(a, r->results[i]));
		json_array_append_new(rcpts, one);
	}
	json_object_set_new(o, "recipients", rcpts);
	json_object_set_new(o, "reason", text_of(a, r->reason));
	json_object_set_new(o, "folder", text_of(a, r->fcc));
	json_object_set_new(o, "attempts", json_integer(r->attempts));
	json_object_set_new(o, "created_at", time_of(a, r->created_at));
	json_object_set_new(o, "due_at", time_of(a, r->due_at));
	json_object_set_new(o, "changed_at", time_of(a, r->changed_at));
	json_object_set_new(o, "size", json_integer((json_int_t)r->size));
	return o;
}

/* What a delivery sent, beside all else that is known of it. */
static int add_outgoing(struct answer *q, struct arena *a, json_t *o,
	int64_t delivery, struct err *err)
{
	const struct store_out_filter f = { .delivery = delivery };
	struct store_out_row *rows = NULL;
	json_t *array;
	size_t n = 0;

	if (store_out_list(q->store, a, &f, &rows, &n, err) < 0)
		return -1;
	array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, out_of(a, &rows[i]));
	json_object_set_new(o, "outgoing", array);
	return 0;
}

static int answer_show(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct store_row row;
	struct envelope env;
	struct store_event *events = NULL;
	size_t n = 0;
	json_t *o, *history;

	if (show(q, a, &row, &env, &events, &n, err) < 0)
		return -1;
	o = row_of(a, &row);
	history = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(history, event_of(a, &events[i]));
	json_object_set_new(o, "envelope", envelope_of(a, &env));
	json_object_set_new(o, "history", history);
	if (add_outgoing(q, a, o, row.id, err) < 0) {
		json_decref(o);
		return -1;
	}
	return send(q, o, err);
}

static int send_raw(struct answer *q, int fd, struct err *err)
{
	AUTO(bytes) char *piece = mem_new(RAW_PIECE);
	AUTO(buf) struct buf text = BUF_INIT(LINE_MAX);
	uint64_t at = 0;
	ssize_t n;

	while ((n = file_pread_all(fd, piece, RAW_PIECE, at)) > 0) {
		json_t *line = json_object();
		buf_clear(&text);
		enc_base64(&text, str_n(piece, (size_t)n));
		json_object_set_new(
			line, "raw", json_stringn(text.p, buf_view(&text).len));
		if (send(q, line, err) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return n < 0 ? err_sys(err, "reading the message") : 0;
}

static int answer_raw(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(fd) int fd = -1;
	struct store_row row;
	struct envelope env;
	struct store_event *events = NULL;
	size_t n = 0;
	int rc;

	if (show(q, a, &row, &env, &events, &n, err) < 0)
		return -1;
	rc = store_body(q->store, &row.message, &fd, err);
	if (rc == STORE_GONE)
		return err_set(err, ERR_PERM,
			"the bytes of delivery %lld are gone: retention "
			"(keep_bytes) or damage took them",
			(long long)row.id);
	return rc < 0 ? -1 : send_raw(q, fd, err);
}

/* --- a person's words ----------------------------------------------------- */

static const struct {
	const char *action, *only;
	enum store_order order;
	enum store_state to;
} words[] = {
	{ "retry", "one that waits to be retried, is held, dead or dropped",
		STORE_DO_RETRY, STORE_QUEUED },
	{ "drop", "one that waits, is held or dead", STORE_DO_DROP,
		STORE_DROPPED },
	{ "release", "one that is held", STORE_DO_RELEASE, STORE_QUEUED },
};

static size_t find_word(struct str action)
{
	size_t i = 0;

	while (!str_eq(action, str_c(words[i].action)))
		i++;
	return i;
}

static char *why_not(
	struct answer *q, struct arena *a, int64_t id, const char *only)
{
	struct store_row row;
	struct envelope env;
	struct store_event *events;
	struct err err = { 0 };
	size_t n;

	if (store_show(q->store, a, id, &row, &env, &events, &n, &err) != 0)
		return arena_printf(a, "there is no such delivery");
	return arena_printf(a, "it is %s; this takes %s",
		store_state_name(row.state), only);
}

static int give_word(
	struct answer *q, struct arena *a, int64_t id, struct err *err)
{
	size_t i = find_word(get_text(q, "action"));
	int rc = store_order(q->store, id, words[i].order, q->who, err);
	json_t *line;

	if (rc < 0)
		return -1;
	line = json_object();
	json_object_set_new(line, "id", json_integer(id));
	if (rc == STORE_NONE) {
		json_object_set_new(line, "error",
			json_string(why_not(q, a, id, words[i].only)));
		return send(q, line, err);
	}
	q->n_changed++;
	json_object_set_new(
		line, "state", json_string(store_state_name(words[i].to)));
	return send(q, line, err);
}

static int word_to_row(struct answer *q, struct arena *a,
	const struct store_row *row, struct err *err)
{
	enum store_state to;
	size_t i = find_word(get_text(q, "action"));

	/* of what a filter finds, only what the word is for */
	to = words[i].to;
	if (row->state == STORE_DONE || row->state == STORE_CLAIMED ||
		row->state == to ||
		(words[i].order == STORE_DO_RELEASE &&
			row->state != STORE_HELD))
		return 0;
	return give_word(q, a, row->id, err);
}

static bool has_filter(const struct answer *q)
{
	return get_text(q, "route").len || get_text(q, "text").len ||
	       get_number(q, "age_ms") ||
	       json_array_size(json_object_get(q->request, "states")) ||
	       json_is_true(json_object_get(q->request, "all"));
}

static int answer_word(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	const json_t *ids = json_object_get(q->request, "ids");

	if (json_array_size(ids) > IDS_MAX)
		return err_set(err, ERR_PERM, "more than %d ids", IDS_MAX);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		int64_t id = json_integer_value(json_array_get(ids, i));
		if (give_word(q, a, id, err) < 0)
			return -1;
	}
	if (json_array_size(ids))
		return 0;
	if (!has_filter(q))
		return err_set(err, ERR_PERM,
			"name deliveries, or filter them by state, route, "
			"text or age, or say --all");
	return walk(q, word_to_row, get_max(q, UINT64_MAX), err);
}

/* --- outgoing mail -------------------------------------------------------- */

typedef int (*out_fn)(struct answer *q, struct arena *a,
	const struct store_out_row *row, struct err *err);

static int read_out_states(
	const struct answer *q, unsigned *states, struct err *err)
{
	const json_t *array = json_object_get(q->request, "states");

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		unsigned found = 0;
		for (unsigned s = 0; name && s < STORE_N_STATES; s++)
			if (s != STORE_HELD &&
				!strcmp(name, store_out_state_name(s)))
				found = 1u << s;
		if (name && strcmp(name, "done") == 0)
			found = 1u << STORE_DONE;
		if (!found)
			return err_set(err, ERR_PERM,
				"no state \"%s\" of outgoing mail; there are "
				"queued, claimed, retry, sent, dead, dropped",
				name ? name : "?");
		*states |= found;
	}
	return 0;
}

static int walk_outs(
	struct answer *q, out_fn each, uint64_t max, struct err *err)
{
	struct store_out_filter f = { .route = get_text(q, "route"),
		.text = get_text(q, "text"),
		.folder = get_text(q, "folder"),
		.after = get_number(q, "after") };

	if (read_out_states(q, &f.states, err) < 0)
		return -1;
	while (max > 0) {
		AUTO(arena) struct arena *a = arena_new();
		struct store_out_row *rows = NULL;
		size_t n = 0;
		f.max = (size_t)MIN(max, PAGE) + 1;
		if (store_out_list(q->store, a, &f, &rows, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < MIN(n, f.max - 1); i++, max--) {
			if (each(q, a, &rows[i], err) < 0)
				return -1;
			f.after = rows[i].id;
		}
		q->has_more = n == f.max;
		if (!q->has_more)
			break;
	}
	return 0;
}

static int send_out(struct answer *q, struct arena *a,
	const struct store_out_row *row, struct err *err)
{
	return send(q, out_of(a, row), err);
}

static int answer_outbox(struct answer *q, struct err *err)
{
	return walk_outs(q, send_out, get_max(q, LIST_DEFAULT), err);
}

static int show_out(struct answer *q, struct arena *a, int64_t id,
	struct store_out_row *row, struct err *err)
{
	int rc = store_out_show(q->store, a, id, row, err);

	if (rc == STORE_NONE)
		return err_set(err, ERR_PERM,
			"there is no outgoing mail %lld (retention removes "
			"what was sent)",
			(long long)id);
	return rc;
}

static int answer_out_show(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct store_out_row row;

	if (show_out(q, a, get_number(q, "id"), &row, err) < 0)
		return -1;
	return send(q, out_of(a, &row), err);
}

static int send_raw_text(struct answer *q, struct str text, struct err *err)
{
	for (size_t at = 0; at < text.len; at += RAW_PIECE) {
		AUTO(buf) struct buf b = BUF_INIT(LINE_MAX);
		json_t *line = json_object();
		enc_base64(&b, str_sub(text, at, RAW_PIECE));
		json_object_set_new(
			line, "raw", json_stringn(b.p, buf_view(&b).len));
		if (send(q, line, err) < 0)
			return -1;
	}
	return 0;
}

static int send_raw_range(
	struct answer *q, int fd, const struct store_piece *p, struct err *err)
{
	AUTO(bytes) char *piece = mem_new(RAW_PIECE);
	uint64_t at = 0;

	while (at < p->len) {
		size_t len = (size_t)MIN(p->len - at, RAW_PIECE);
		ssize_t n = file_pread_all(fd, piece, len, p->offset + at);
		if (n <= 0)
			return err_sys(err, "reading the message");
		if (send_raw_text(q, str_n(piece, (size_t)n), err) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

/* What is sent, but for what is put in front when it is. */
static int answer_out_raw(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(fd) int fd = -1;
	struct store_out_row row;
	int rc;

	if (show_out(q, a, get_number(q, "id"), &row, err) < 0)
		return -1;
	rc = store_body(q->store, &row.message, &fd, err);
	if (rc == STORE_GONE)
		return err_set(err, ERR_PERM,
			"the bytes are gone: retention (keep_bytes) took them");
	for (size_t i = 0; rc == 0 && i < row.n_pieces; i++)
		rc = row.pieces[i].literal.len
			     ? send_raw_text(q, row.pieces[i].literal, err)
			     : send_raw_range(q, fd, &row.pieces[i], err);
	return rc;
}

static bool is_out_drop(const struct answer *q)
{
	return str_eq(get_text(q, "action"), STR("outbox.drop"));
}

static int give_out_word(
	struct answer *q, struct arena *a, int64_t id, struct err *err)
{
	bool is_drop = is_out_drop(q);
	int rc = store_out_order(q->store, id,
		is_drop ? STORE_DO_DROP : STORE_DO_RETRY, q->who, err);
	struct store_out_row row = { 0 };
	struct err none = { 0 };
	json_t *line;

	if (rc < 0)
		return -1;
	line = json_object();
	json_object_set_new(line, "id", json_integer(id));
	if (rc == 0) {
		q->n_changed++;
		json_object_set_new(line, "state",
			json_string(is_drop ? "dropped" : "queued"));
	} else if (store_out_show(q->store, a, id, &row, &none) == 0) {
		json_object_set_new(line, "error",
			json_string(arena_printf(a, "it is %s",
				store_out_state_name(row.state))));
	} else {
		json_object_set_new(line, "error",
			json_string("there is no such outgoing mail"));
	}
	return send(q, line, err);
}

static int out_word_to_row(struct answer *q, struct arena *a,
	const struct store_out_row *row, struct err *err)
{
	enum store_state to = is_out_drop(q) ? STORE_DROPPED : STORE_QUEUED;

	if (row->state == STORE_DONE || row->state == STORE_CLAIMED ||
		row->state == to)
		return 0;
	return give_out_word(q, a, row->id, err);
}

static int answer_out_word(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	const json_t *ids = json_object_get(q->request, "ids");

	if (json_array_size(ids) > IDS_MAX)
		return err_set(err, ERR_PERM, "more than %d ids", IDS_MAX);
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (give_out_word(q, a,
			    json_integer_value(json_array_get(ids, i)),
			    err) < 0)
			return -1;
	if (json_array_size(ids))
		return 0;
	if (!has_filter(q))
		return err_set(err, ERR_PERM,
			"name outgoing mail, or filter it by state, route or "
			"text, or say --all");
	return walk_outs(q, out_word_to_row, get_max(q, UINT64_MAX), err);
}

/* --- sums ----------------------------------------------------------------- */

static int answer_stats(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	uint64_t n[STORE_N_STATES];
	int64_t oldest = 0;
	json_t *o, *out;

	if (store_stats(q->store, n, &oldest, err) < 0)
		return -1;
	o = json_object();
	for (int i = 0; i < STORE_N_STATES; i++)
		json_object_set_new(o, store_state_name((enum store_state)i),
			json_integer((json_int_t)n[i]));
	json_object_set_new(o, "waiting",
		json_integer((json_int_t)(n[STORE_QUEUED] + n[STORE_CLAIMED] +
					  n[STORE_RETRY])));
	json_object_set_new(o, "oldest", time_of(a, oldest));
	if (store_out_stats(q->store, n, &oldest, err) < 0) {
		json_decref(o);
		return -1;
	}
	out = json_object();
	for (int i = 0; i < STORE_N_STATES; i++)
		if (i != STORE_HELD)
			json_object_set_new(out,
				store_out_state_name((enum store_state)i),
				json_integer((json_int_t)n[i]));
	json_object_set_new(out, "oldest", time_of(a, oldest));
	json_object_set_new(o, "outgoing", out);
	return send(q, o, err);
}

static json_t *count_of(struct arena *a, const struct store_count *c)
{
	json_t *o = json_object(), *out;
	uint64_t sum = 0, out_sum = 0;

	json_object_set_new(o, "day",
		json_stringn(
			clock_rfc3339(a, c->day), sizeof("2026-11-24") - 1));
	json_object_set_new(o, "route", text_of(a, c->route));
	json_object_set_new(
		o, "received", json_integer((json_int_t)c->received));
	for (int i = 0; i < STORE_N_STATES; i++) {
		sum += c->by_state[i];
		json_object_set_new(o, store_state_name((enum store_state)i),
			json_integer((json_int_t)c->by_state[i]));
	}
	out = json_object();
	json_object_set_new(
		out, "planned", json_integer((json_int_t)c->planned));
	for (int i = 0; i < STORE_N_STATES; i++) {
		out_sum += c->out_by_state[i];
		if (i != STORE_HELD)
			json_object_set_new(out,
				store_out_state_name((enum store_state)i),
				json_integer((json_int_t)c->out_by_state[i]));
	}
	json_object_set_new(o, "outgoing", out);
	json_object_set_new(o, "balances",
		json_boolean(sum == c->received && out_sum == c->planned));
	return o;
}

static int answer_balance(struct answer *q, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct store_count *counts = NULL;
	size_t n = 0;

	if (store_balance(q->store, a, &counts, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (send(q, count_of(a, &counts[i]), err) < 0)
			return -1;
	return 0;
}

/* --- all of it ------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*run)(struct answer *q, struct err *err);
} actions[] = {
	{ "list", answer_list },
	{ "show", answer_show },
	{ "raw", answer_raw },
	{ "retry", answer_word },
	{ "drop", answer_word },
	{ "release", answer_word },
	{ "stats", answer_stats },
	{ "balance", answer_balance },
	{ "outbox", answer_outbox },
	{ "outbox.show", answer_out_show },
	{ "outbox.raw", answer_out_raw },
	{ "outbox.retry", answer_out_word },
	{ "outbox.drop", answer_out_word },
};

static int run_action(struct answer *q, struct err *err)
{
	struct str name;

	if (!json_is_object(q->request))
		return err_set(err, ERR_PERM, "the request is no JSON object");
	name = get_text(q, "action");
	for (size_t i = 0; i < COUNT(actions); i++)
		if (str_eq(name, str_c(actions[i].name)))
			return actions[i].run(q, err);
	return err_set(err, ERR_PERM, "no action \"%.*s\"", STR_ARG(name));
}

static json_t *last_line(
	const struct answer *q, bool is_bad, const struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	json_t *o = json_object();

	if (is_bad) {
		json_object_set_new(o, "error", text_of(a, str_c(err->text)));
		json_object_set_new(
			o, "kind", json_string(err_kind_name(err->kind)));
		return o;
	}
	json_object_set_new(o, "end", json_true());
	json_object_set_new(o, "n", json_integer((json_int_t)q->n_rows));
	json_object_set_new(o, "more", json_boolean(q->has_more));
	return o;
}

int queue_answer(struct store *s, struct str request, struct str who,
	queue_line_fn fn, void *ctx)
{
	AUTO(json) json_t *json = json_loadb(
		request.p ? request.p : "", request.len, 0, NULL);
	struct answer q = {
		.store = s, .who = who, .request = json, .fn = fn, .ctx = ctx
	};
	struct err err = { 0 }, lost = { 0 };
	bool is_bad = run_action(&q, &err) < 0;

	if (send(&q, last_line(&q, is_bad, &err), &lost) < 0)
		is_bad = true;
	/* what was done is done, whatever came after */
	return q.n_changed ? q.n_changed : is_bad ? -1 : 0;
}
