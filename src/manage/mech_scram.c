/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mech_scram.c - SASL SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel
 * binding.
 *
 *     client  n,[a=ROUTE],n=NAME,r=NONCE
 *     server  r=NONCE+OURS,s=SALT,i=ITERATIONS
 *     client  c=GS2-HEADER,r=NONCE+OURS,p=PROOF
 *     server  v=SIGNATURE
 *
 * An account that is not there gets salt and iterations like any other, and
 * fails at its proof.
 */
#include <mailmill/enc.h>

#include "scram.h"
#include "session.h"

#define NONCE_LEN 18
#define NONCE_MAX 1024
#define SAID_MAX ((size_t)8192)

struct scram {
	struct str header;   /* gs2: "n,," */
	struct str bare;     /* the client's first words behind it */
	struct str nonce;    /* the client's; then both */
	struct str question; /* our first words */
	struct manage_account account;
	bool is_real;
};

/* Reads a name: =2C is a comma, =3D an equals sign. */
static int read_name(struct arena *a, struct str in, struct str *out)
{
	AUTO(buf) struct buf b = BUF_INIT(SAID_MAX);

	while (in.len) {
		size_t n = 1;
		char c = in.p[0];
		if (str_starts(in, STR("=2C")) || str_starts(in, STR("=3D"))) {
			c = in.p[1] == '2' ? ',' : '=';
			n = 3;
		} else if (c == '=') {
			return -1;
		}
		buf_byte(&b, (unsigned char)c);
		in = str_sub(in, n, in.len);
	}
	if (buf_is_over(&b))
		return -1;
	*out = arena_str(a, buf_view(&b));
	return 0;
}

/* Cuts "k=VALUE" off. Returns: 0 or -1. */
static int cut_pair(struct str *rest, char key, struct str *value)
{
	struct str piece;

	if (!str_cut(rest, ',', &piece) || piece.len < 2 || piece.p[0] != key ||
		piece.p[1] != '=')
		return -1;
	*value = str_sub(piece, 2, piece.len);
	return 0;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.len > 0 && s.len <= NONCE_MAX;
}

static int read_first(struct manage_login *l, struct scram *s, struct str in)
{
	struct str rest = in, flag, as, name, more;

	if (!str_cut(&rest, ',', &flag) || !str_cut(&rest, ',', &as) || !rest.p)
		return -1;
	/* y: would bind, but thinks that we cannot; p: binds, which we can't */
	if (!str_eq(flag, STR("n")) && !str_eq(flag, STR("y")))
		return -1;
	if (as.len &&
		(!str_starts(as, STR("a=")) ||
			read_name(l->arena, str_sub(as, 2, as.len), &l->as)))
		return -1;
	s->header = str_n(in.p, (size_t)(rest.p - in.p));
	s->bare = rest;
	if (cut_pair(&rest, 'n', &name) || cut_pair(&rest, 'r', &s->nonce) ||
		read_name(l->arena, name, &l->name) || !l->name.len ||
		!is_printable(s->nonce))
		return -1;
	/* extensions may follow; m=, which is mandatory, stands in front */
	while (str_cut(&rest, ',', &more))
		if (more.len < 2 || more.p[1] != '=')
			return -1;
	return 0;
}

static enum mech_outcome hear_first(struct manage_login *l, struct str in)
{
	struct scram *s = ARENA_NEW(l->arena, struct scram);

	l->data = s;
	return read_first(l, s, in) ? MECH_MALFORMED : MECH_NAMED;
}

static enum mech_outcome ask(struct manage_login *l)
{
	AUTO(buf) struct buf salt = BUF_INIT(1024);
	AUTO(buf) struct buf ours = BUF_INIT(64);
	struct scram *s = l->data;
	unsigned char random[NONCE_LEN];

	s->is_real = l->account && l->account->iterations;
	if (s->is_real)
		s->account = *l->account;
	else
		scram_invent(l->arena, l->name, &s->account);
	scram_random(random, sizeof(random));
	enc_base64(&ours, str_n((const char *)random, sizeof(random)));
	enc_base64(&salt, s->account.salt);
	s->nonce = str_c(
		arena_printf(l->arena, "%.*s%s", STR_ARG(s->nonce), ours.p));
	s->question = str_c(arena_printf(l->arena, "r=%.*s,s=%s,i=%u",
		STR_ARG(s->nonce), salt.p, s->account.iterations));
	buf_str(&l->challenge, s->question);
	return MECH_CHALLENGE;
}

/* Returns: 0, or -1: not what a client says here. */
static int read_last(const struct scram *s, struct str in, struct str *without,
	unsigned char proof[MANAGE_KEY_LEN])
{
	AUTO(buf) struct buf header = BUF_INIT(SAID_MAX);
	AUTO(buf) struct buf bytes = BUF_INIT(MANAGE_KEY_LEN);
	struct str rest = in, binding, nonce;
	ssize_t at = str_rchr(in, ',');

	if (at < 0 || cut_pair(&rest, 'c', &binding) ||
		cut_pair(&rest, 'r', &nonce) || !str_eq(nonce, s->nonce) ||
		enc_unbase64(&header, binding) ||
		!str_eq(buf_view(&header), s->header))
		return -1;
	*without = str_sub(in, 0, (size_t)at);
	rest = str_sub(in, (size_t)at + 1, in.len);
	if (!str_starts(rest, STR("p=")) ||
		enc_unbase64(&bytes, str_sub(rest, 2, rest.len)) ||
		bytes.len != MANAGE_KEY_LEN)
		return -1;
	memcpy(proof, bytes.p, MANAGE_KEY_LEN);
	return 0;
}

static enum mech_outcome hear_last(struct manage_login *l, struct str in)
{
	const struct scram *s = l->data;
	unsigned char proof[MANAGE_KEY_LEN], signature[MANAGE_KEY_LEN];
	struct str without, said;
	bool is_proved;

	if (read_last(s, in, &without, proof))
		return MECH_MALFORMED;
	said = str_c(arena_printf(l->arena, "%.*s,%.*s,%.*s", STR_ARG(s->bare),
		STR_ARG(s->question), STR_ARG(without)));
	is_proved = scram_proves(&s->account, said, proof);
	if (!is_proved || !s->is_real)
		return MECH_REFUSED;
	scram_sign(&s->account, said, signature);
	buf_c(&l->challenge, "v=");
	enc_base64(&l->challenge,
		str_n((const char *)signature, sizeof(signature)));
	return MECH_DONE;
}

static enum mech_outcome step(struct manage_login *l, struct str in)
{
	if (l->step == 0)
		return hear_first(l, in);
	return l->step == 1 ? ask(l) : hear_last(l, in);
}

const struct manage_mech mech_scram_sha256 = { "SCRAM-SHA-256", false, step };
