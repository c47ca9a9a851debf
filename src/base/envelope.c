/* SPDX-License-Identifier: GPL-3.0-or-later */
/* envelope.c - the wire form of what a message came with. */
#include <mailmill/envelope.h>
#include <mailmill/wire.h>

/* A new field is appended under a new version; old stores keep the old one. */
#define VERSION 1

enum {
	FLAG_8BIT = 1,
	FLAG_BINARY = 2,
	FLAG_SMTPUTF8 = 4,
};

#define RCPT_LEAST 12 /* three empty strings */
#define FIELD_MAX 4096

static void encode_rcpt(struct buf *out, const struct envelope_rcpt *rcpt)
{
	wire_str(out, rcpt->address);
	wire_str(out, rcpt->notify);
	wire_str(out, rcpt->orcpt);
}

void envelope_encode(struct buf *out, const struct envelope *env)
{
	wire_u8(out, VERSION);
	wire_u8(out, (uint8_t)((env->is_8bit ? FLAG_8BIT : 0) |
			       (env->is_binary ? FLAG_BINARY : 0) |
			       (env->is_smtputf8 ? FLAG_SMTPUTF8 : 0)));
	wire_u64(out, (uint64_t)env->received_at);
	wire_str(out, env->sender);
	wire_str(out, env->ret);
	wire_str(out, env->envid);
	wire_str(out, env->source);
	wire_str(out, env->peer);
	wire_str(out, env->helo);
	wire_str(out, env->login);
	wire_str(out, env->protocol);
	wire_u32(out, (uint32_t)env->n_rcpts);
	for (size_t i = 0; i < env->n_rcpts; i++)
		encode_rcpt(out, &env->rcpts[i]);
}

static struct str get_bounded(struct wire_in *w, size_t max)
{
	struct str s = wire_get_str(w);

	if (s.len <= max)
		return s;
	w->is_bad = true;
	return STR_NULL;
}

static void decode_rcpts(
	struct arena *a, struct wire_in *w, struct envelope *env)
{
	size_t n = wire_get_count(w, RCPT_LEAST);

	if (n > ENVELOPE_RCPTS_MAX) {
		w->is_bad = true;
		return;
	}
	env->rcpts = arena_array(a, n, sizeof(*env->rcpts));
	env->n_rcpts = n;
	for (size_t i = 0; i < n; i++) {
		env->rcpts[i].address = get_bounded(w, ENVELOPE_ADDRESS_MAX);
		env->rcpts[i].notify = get_bounded(w, FIELD_MAX);
		env->rcpts[i].orcpt = get_bounded(w, FIELD_MAX);
	}
}

int envelope_decode(
	struct arena *a, struct str in, struct envelope *out, struct err *err)
{
	struct wire_in w = { in, false };
	struct envelope env = { 0 };
	uint8_t flags;

	if (wire_get_u8(&w) != VERSION)
		return err_set(err, ERR_PERM, "envelope of an unknown version");
	flags = wire_get_u8(&w);
	env.is_8bit = flags & FLAG_8BIT;
	env.is_binary = flags & FLAG_BINARY;
	env.is_smtputf8 = flags & FLAG_SMTPUTF8;
	env.received_at = (int64_t)wire_get_u64(&w);
	env.sender = get_bounded(&w, ENVELOPE_ADDRESS_MAX);
	env.ret = get_bounded(&w, FIELD_MAX);
	env.envid = get_bounded(&w, FIELD_MAX);
	env.source = get_bounded(&w, FIELD_MAX);
	env.peer = get_bounded(&w, FIELD_MAX);
	env.helo = get_bounded(&w, FIELD_MAX);
	env.login = get_bounded(&w, FIELD_MAX);
	env.protocol = get_bounded(&w, FIELD_MAX);
	decode_rcpts(a, &w, &env);
	if (!wire_is_done(&w))
		return err_set(err, ERR_PERM, "envelope is damaged");
	*out = env;
	return 0;
}
