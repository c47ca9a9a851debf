/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine.h - a sandbox without its server: requests in, replies out. */
#ifndef TEST_SANDBOX_ENGINE_H
#define TEST_SANDBOX_ENGINE_H

#include "test.h"

#include "../../../src/sandbox/sandbox.h"

struct engine {
	struct sandbox *sb;
	struct arena *arena;
	struct sb_reply reply;
};

static inline void engine_open(
	struct engine *e, const struct sandbox_options *o)
{
	struct err err = { 0 };
	int got;

	memset(e, 0, sizeof(*e));
	got = sb_open_engine(o, &e->sb, &err);
	is_int(got, 0, "the engine starts");
	if (got < 0)
		printf("# %s\n", err.text);
	e->arena = arena_new();
	sb_reply_init(&e->reply);
}

static inline void engine_close(struct engine *e)
{
	sb_reply_fini(&e->reply);
	arena_free(e->arena);
	sandbox_close(e->sb);
}

/* Makes a call behind /services/data/v66.0, past the check of tokens. */
static inline UNUSED int engine_call(struct engine *e, const char *method,
	const char *path, const char *query, const char *body)
{
	struct sb_ask ask = { .sb = e->sb,
		.arena = e->arena,
		.method = method,
		.path = str_c(
			arena_printf(e->arena, "/services/data/v66.0%s", path)),
		.query = str_c(query),
		.raw = str_c(body),
		.depth = -1 };

	sb_reply_fini(&e->reply);
	sb_reply_init(&e->reply);
	sb_route(&ask, &e->reply);
	return e->reply.status;
}

static inline UNUSED const char *engine_body(struct engine *e)
{
	return e->reply.body.p ? e->reply.body.p : "";
}

/* Runs a query and gives the values of one column, joined by blanks. */
static inline UNUSED const char *engine_query(
	struct engine *e, const char *soql, const char *column)
{
	AUTO(buf) struct buf encoded = BUF_INIT(100000);
	AUTO(buf) struct buf out = BUF_INIT(100000);
	size_t i;
	json_t *row;

	buf_c(&encoded, "q=");
	enc_percent(&encoded, str_c(soql));
	buf_byte(&encoded, 0);
	if (engine_call(e, "GET", "/query", encoded.p, NULL) != 200)
		return engine_body(e);
	AUTO(json) json_t *j = json_loads(engine_body(e), 0, NULL);
	json_array_foreach(json_object_get(j, "records"), i, row)
	{
		json_t *v = json_object_get(row, column);
		if (i)
			buf_byte(&out, ' ');
		if (json_is_string(v))
			buf_c(&out, json_string_value(v));
		else
			sb_json_value(&out, v);
	}
	return arena_str(e->arena, buf_view(&out)).p;
}

#endif
