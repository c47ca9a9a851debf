/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_httpc.c - how far did a call go? Against a server that breaks off. */
#include <mailmill/clock.h>
#include <mailmill/httpc.h>

#include "stub.h"
#include "test.h"

struct scene {
	enum stub_action first, later; /* of a connection */
	int status;
	const char *body;
	struct buf seen;
	bool was_gzip;
};

static void play(struct stub *s, const struct stub_request *req,
	struct stub_reply *reply)
{
	struct scene *scene = s->ctx;

	reply->action = req->n_of_connection == 1 ? scene->first : scene->later;
	reply->status = scene->status ? scene->status : 200;
	buf_c(&reply->headers, "Sforce-Limit-Info: api-usage=18/5000\r\n");
	buf_c(&reply->body, scene->body ? scene->body : "{}");
	buf_clear(&scene->seen);
	buf_str(&scene->seen, req->body);
	scene->was_gzip = req->was_gzip;
}

static void count_done(struct httpc_call *call)
{
	++*(int *)call->ctx;
}

static void run(struct httpc *h, struct httpc_call *call)
{
	int n_done = 0;
	int64_t end = clock_mono_ms() + 5000;

	call->done = count_done;
	call->ctx = &n_done;
	httpc_start(h, call);
	while (n_done == 0 && clock_mono_ms() < end)
		httpc_run(h, 50);
	is_int(n_done, 1, "done() comes once");
}

static struct httpc *client(void)
{
	struct httpc_conf conf = { .connect_ms = 2000, .stall_ms = 2000 };
	struct err err;
	struct httpc *h = NULL;

	must(httpc_new(&conf, &h, &err) == 0);
	return h;
}

TEST(tells_how_far_a_call_went)
{
	static const struct {
		const char *name;
		struct scene scene;
		enum httpc_outcome outcome;
		int status;
		const char *text;
	} rows[] = {
		{ "an answer", { .first = STUB_ANSWER }, HTTPC_ANSWERED, 200,
			"" },
		{ "an error is an answer",
			{ .first = STUB_ANSWER, .status = 503 }, HTTPC_ANSWERED,
			503, "" },
		{ "reset after the body", { .first = STUB_RESET }, HTTPC_LOST,
			0, "" },
		{ "half an answer", { .first = STUB_TRUNCATE }, HTTPC_LOST, 200,
			"" },
		{ "silence", { .first = STUB_SILENCE }, HTTPC_LOST, 0,
			"timed out" },
		{ "more than is wanted",
			{ .first = STUB_ANSWER,
				.body = "0123456789012345678901234567890123" },
			HTTPC_LOST, 200, "longer than 32 bytes" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene scene = rows[i].scene;
		AUTO(httpc) struct httpc *h = client();
		struct stub s;
		char url[64];
		struct httpc_call call = { .method = "POST",
			.url = url,
			.body = STR("hello"),
			.is_once = true,
			.timeout_ms = 400,
			.answer_max = 32 };

		buf_init(&scene.seen, 1 << 20);
		stub_start(&s, play, &scene);
		snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", s.port);
		run(h, &call);
		is_int(call.outcome, rows[i].outcome, rows[i].name);
		is_int(call.status, rows[i].status, rows[i].name);
		has_text(call.err.text, rows[i].text, rows[i].name);
		is_str(buf_view(&scene.seen), "hello", "the body came whole");
		is_int(s.n_requests, 1, "once");
		if (call.outcome == HTTPC_ANSWERED)
			is_str(httpc_header(&call, "sforce-limit-info"),
				"api-usage=18/5000", "headers are found");
		httpc_call_fini(&call);
		httpc_free(TAKE(h));
		stub_stop(&s);
		buf_fini(&scene.seen);
	}
}

TEST(nothing_left_us_when_nobody_listens)
{
	AUTO(httpc) struct httpc *h = client();
	struct scene scene = { .seen = BUF_INIT(1 << 20) };
	struct stub s;
	char url[64];
	struct httpc_call call = { .method = "POST",
		.url = url,
		.body = STR("hello"),
		.timeout_ms = 1000,
		.answer_max = 32 };

	stub_start(&s, play, &scene);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", s.port);
	stub_stop(&s);
	run(h, &call);
	is_int(call.outcome, HTTPC_NOT_SENT, "refused");
	httpc_call_fini(&call);
	call.url = "http://nowhere.invalid/";
	run(h, &call);
	is_int(call.outcome, HTTPC_NOT_SENT, "no such name");
	httpc_call_fini(&call);
}

/* The trap: libcurl repeats a POST on a reused connection that died. */
TEST(a_write_is_never_repeated_in_silence)
{
	for (int once = 0; once < 2; once++) {
		AUTO(httpc) struct httpc *h = client();
		struct scene scene = { .first = STUB_ANSWER,
			.later = STUB_RESET,
			.seen = BUF_INIT(1 << 20) };
		struct stub s;
		char url[64];
		struct httpc_call call = { .method = "POST",
			.url = url,
			.body = STR("hello"),
			.is_once = once,
			.timeout_ms = 2000,
			.answer_max = 32 };

		stub_start(&s, play, &scene);
		snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", s.port);
		run(h, &call);
		is_int(call.outcome, HTTPC_ANSWERED, "the first is answered");
		run(h, &call);
		is_int(call.outcome, once ? HTTPC_LOST : HTTPC_ANSWERED,
			"the second dies on the reused connection");
		is_int(s.n_requests, once ? 2 : 3,
			"and is sent again only where that was allowed");
		httpc_call_fini(&call);
		httpc_free(TAKE(h));
		stub_stop(&s);
		buf_fini(&scene.seen);
	}
}

static ssize_t give_zeros(void *ctx, char *p, size_t len)
{
	uint64_t *left = ctx;
	size_t n = MIN(len, *left);

	memset(p, 'z', n);
	*left -= n;
	return (ssize_t)n;
}

TEST(bodies_are_packed_and_streamed)
{
	AUTO(httpc) struct httpc *h = client();
	struct scene scene = { .seen = BUF_INIT((size_t)64 << 20) };
	uint64_t left = 20 << 20;
	struct stub s;
	char url[64];
	struct httpc_part parts[] = {
		{ .name = "entity_content",
			.type = "application/json",
			.data = STR("{\"Title\":\"x\"}") },
		{ .name = "VersionData",
			.type = "image/png",
			.filename = "a \"b\".png",
			.read = give_zeros,
			.ctx = &left,
			.size = 20 << 20 },
	};
	struct httpc_call call = { .method = "POST",
		.url = url,
		.is_gzip = true,
		.timeout_ms = 5000,
		.answer_max = 32 };
	char *text = mem_new(100000);

	memset(text, 'a', 100000);
	stub_start(&s, play, &scene);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", s.port);
	call.body = str_n(text, 100000);
	run(h, &call);
	is_true(scene.was_gzip, "a long body is packed");
	is_true(str_eq(buf_view(&scene.seen), call.body), "and comes whole");
	httpc_call_fini(&call);
	call = (struct httpc_call){ .method = "POST",
		.url = url,
		.parts = parts,
		.n_parts = 2,
		.is_once = true,
		.timeout_ms = 5000,
		.answer_max = 32 };
	run(h, &call);
	is_int(call.outcome, HTTPC_ANSWERED, "multipart is answered");
	is_true(scene.seen.len > (20 << 20) && scene.seen.len < (21 << 20),
		"all its bytes came");
	has_text(scene.seen.p, "name=\"entity_content\"", "the JSON part");
	has_text(scene.seen.p,
		"name=\"VersionData\"; filename=\"a %22b%22.png\"",
		"the file's name is quoted");
	httpc_call_fini(&call);
	httpc_free(TAKE(h));
	stub_stop(&s);
	buf_fini(&scene.seen);
	free(text);
}
