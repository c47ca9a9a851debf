/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_smtp.c - the LMTP session, fed by a hostile client.
 *
 * The first byte says how the rest is cut into pieces; however it is cut,
 * replies and messages must be the same. Each reply line must be one, and 250
 * for a message must be said once for each of its recipients.
 */
#include <mailmill/store.h>

#include "../../src/source/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL_MAX ((size_t)16 << 20)

struct world {
	struct smtp *s;
	bool is_open, is_committed;
	size_t n_stored; /* recipients of what was committed */
	struct buf log;	 /* messages and replies, in order */
	struct buf replies;
};

static int on_ready(void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

static bool on_knows(void *ctx, struct str address)
{
	(void)ctx;
	must(address.len > 0);
	return address.p[0] != 'n';
}

static int on_begin(void *ctx, const struct envelope *env, struct err *err)
{
	struct world *w = ctx;

	must(!w->is_open && env->n_rcpts > 0);
	w->is_open = true;
	(void)err;
	return 0;
}

static int on_add(void *ctx, struct str bytes, struct err *err)
{
	struct world *w = ctx;

	must(w->is_open);
	buf_str(&w->log, bytes);
	if (str_chr(bytes, 0x01) >= 0)
		return err_set(err, ERR_TEMP, "asked to fail");
	return 0;
}

static void on_commit(void *ctx, const struct envelope *env, struct str once)
{
	struct world *w = ctx;

	must(w->is_open);
	w->is_open = false;
	w->is_committed = true;
	w->n_stored += env->n_rcpts;
	envelope_encode(&w->log, env);
	buf_str(&w->log, once);
}

static void on_abort(void *ctx)
{
	struct world *w = ctx;

	must(w->is_open);
	w->is_open = false;
}

static const struct smtp_backend backend = { on_ready, on_knows, on_begin,
	on_add, on_commit, on_abort };

static const struct smtp_options options = {
	.host = "mill", .size_max = 300, .rcpts_max = 5, .errors_max = 10
};

static void feed(struct world *w, struct str in)
{
	struct id id = { "ID" };

	while (in.len && !smtp_is_closed(w->s)) {
		size_t n = smtp_feed(w->s, in);
		struct buf *out = smtp_replies(w->s);
		in = str_sub(in, n, in.len);
		must(n || out->len);
		if (w->is_committed) {
			must(smtp_is_waiting(w->s));
			w->is_committed = false;
			smtp_stored(w->s, 0, &id, NULL);
		}
		buf_str(&w->replies, buf_view(out));
		buf_clear(out);
	}
}

static void run(struct world *w, struct str in, size_t step)
{
	struct smtp_client client = { "lmtp", "peer", true, true };

	*w = (struct world){ .log = BUF_INIT(ALL_MAX),
		.replies = BUF_INIT(ALL_MAX) };
	w->s = smtp_new(&smtp_lmtp, &options, &client, &backend, w);
	for (size_t at = 0; at < in.len && !smtp_is_closed(w->s); at += step)
		feed(w, str_sub(in, at, step));
	smtp_free(w->s);
	must(!w->is_open);
}

static void check_replies(struct str replies, size_t n_stored)
{
	struct str line;

	while (str_cut(&replies, '\n', &line)) {
		if (!line.len)
			break;
		must(line.len > 4 && str_ends(line, STR("\r")));
		must(line.p[0] >= '2' && line.p[0] <= '5');
		if (str_starts(line, STR("250 2.0.0 stored")))
			must(n_stored-- > 0);
	}
	must(n_stored == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world whole, cut;
	struct str in = str_n((const char *)data + 1, size - 1);

	if (size < 2)
		return 0;
	run(&whole, in, in.len);
	run(&cut, in, data[0] % 40 + 1);
	/* which of two failures comes first depends on the pieces */
	if (str_chr(in, 0x01) < 0) {
		must(str_eq(buf_view(&whole.replies), buf_view(&cut.replies)));
		must(whole.n_stored == cut.n_stored);
		/* one that is refused in the middle is added as it came */
		if (whole.log.len == cut.log.len)
			must(str_eq(buf_view(&whole.log), buf_view(&cut.log)));
	}
	check_replies(buf_view(&cut.replies), cut.n_stored);
	check_replies(buf_view(&whole.replies), whole.n_stored);
	buf_fini(&whole.log);
	buf_fini(&whole.replies);
	buf_fini(&cut.log);
	buf_fini(&cut.replies);
	return 0;
}
