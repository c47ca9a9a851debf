/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_envelope.c - envelopes survive their wire form; forged ones do not. */
#include <mailmill/envelope.h>

#include "test.h"

static struct envelope_rcpt rcpts[] = {
	{ { "support@example.org", 19 }, { "NEVER", 5 }, { NULL, 0 } },
	{ { "sales@example.org", 17 }, { NULL, 0 }, { "rfc822;s@x", 10 } },
};

static struct envelope sample(void)
{
	return (struct envelope){
		.sender = STR("ann@example.org"),
		.is_8bit = true,
		.is_smtputf8 = true,
		.ret = STR("HDRS"),
		.envid = STR("QQ314159"),
		.rcpts = rcpts,
		.n_rcpts = COUNT(rcpts),
		.source = STR("lmtp"),
		.peer = STR("192.0.2.1:4711"),
		.helo = STR("mx.example.org"),
		.protocol = STR("LMTP"),
		.received_at = 1795556206123,
	};
}

TEST(envelope_comes_back)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(10000);
	struct envelope in = sample(), out;
	struct err err = { 0 };

	envelope_encode(&b, &in);
	is_int(envelope_decode(a, buf_view(&b), &out, &err), 0, "decodes");
	is_str(out.sender, "ann@example.org", "sender");
	is_true(out.is_8bit && !out.is_binary && out.is_smtputf8, "flags");
	is_str(out.envid, "QQ314159", "envid");
	is_str(out.peer, "192.0.2.1:4711", "peer");
	is_str(out.login, "", "login is empty");
	is_int(out.received_at, 1795556206123, "time");
	is_int(out.n_rcpts, 2, "recipients");
	is_str(out.rcpts[0].notify, "NEVER", "notify");
	is_str(out.rcpts[1].address, "sales@example.org", "address");
	is_str(out.rcpts[1].orcpt, "rfc822;s@x", "orcpt");
}

TEST(envelope_refuses_what_is_cut_or_forged)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(10000);
	struct envelope in = sample(), out;
	struct err err = { 0 };

	envelope_encode(&b, &in);
	for (size_t len = 0; len < b.len; len++)
		is_int(envelope_decode(
			       a, str_sub(buf_view(&b), 0, len), &out, &err),
			-1, "each cut is refused");
	buf_byte(&b, 0);
	is_int(envelope_decode(a, buf_view(&b), &out, &err), -1,
		"so is something behind the end");
	b.p[0] = 9;
	is_int(envelope_decode(a, buf_view(&b), &out, &err), -1,
		"and another version");
	has_text(err.text, "unknown version", "which is said");
}
