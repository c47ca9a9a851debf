/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * login.c - AUTHENTICATE: SASL mechanisms, and how they are driven.
 *
 * The first step of a mechanism needs the client's first words; when they did
 * not come with the command, an empty challenge asks for them. Whether a login
 * fails for its name, its password or its route is told to the log, never to
 * the client.
 */
#include <mailmill/enc.h>

#include "session.h"

#define SAID_MAX ((size_t)16 * 1024)
#define CHALLENGE_MAX ((size_t)4096)

/*
 * One more mechanism (OAUTHBEARER, RFC 7628) is a file and a row here. PLAIN is
 * told first: simple clients take the first, others the best.
 */
static const struct manage_mech *const mechs[] = {
	&mech_plain,
	&mech_scram_sha256,
};

static bool can_use(const struct manage *m, const struct manage_mech *mech)
{
	return m->may_clear || !mech->is_clear;
}

void manage_login_mechanisms(const struct manage *m, struct buf *out)
{
	for (size_t i = 0; i < COUNT(mechs); i++)
		if (can_use(m, mechs[i]))
			buf_printf(out, "%s%s", out->len ? " " : "",
				mechs[i]->name);
}

void manage_login_free(struct manage *m)
{
	struct manage_login *l = TAKE(m->login);

	if (!l)
		return;
	buf_fini(&l->challenge);
	arena_free(l->arena);
	free(l);
}

static void refuse(struct manage *m)
{
	struct manage_login *l = m->login;

	m->n_errors++;
	m->backend->login(m->ctx, l->name, l->mech->name, NULL, STR_NULL);
	manage_login_free(m);
	manage_say(m, "NO", NULL, "the login failed");
}

static void give_up(struct manage *m, const char *why)
{
	manage_login_free(m);
	manage_say_wrong(m, why);
}

static const struct str *find_route(
	const struct manage_account *acc, struct str wanted)
{
	if (!wanted.len || str_eq(wanted, acc->name))
		return acc->n_routes ? &acc->routes[0] : NULL;
	for (size_t i = 0; i < acc->n_routes; i++)
		if (str_eq(acc->routes[i], wanted))
			return &acc->routes[i];
	return NULL;
}

static void say_done(struct manage *m)
{
	AUTO(buf) struct buf last = BUF_INIT(2 * CHALLENGE_MAX);

	if (m->login->challenge.len == 0) {
		manage_say(m, "OK", NULL, "logged in");
		return;
	}
	enc_base64(&last, buf_view(&m->login->challenge));
	buf_c(&m->out, "OK (SASL ");
	manage_add_string(&m->out, buf_view(&last));
	buf_c(&m->out, ") \"logged in\"\r\n");
}

static void admit(struct manage *m)
{
	struct manage_login *l = m->login;
	const struct str *route = find_route(l->account, l->as);

	if (!route) {
		refuse(m);
		return;
	}
	m->user = str_dup(l->account->name);
	m->route = str_dup(*route);
	m->backend->login(m->ctx, l->name, l->mech->name, l->account, *route);
	say_done(m);
	manage_login_free(m);
}

static void challenge(struct manage *m)
{
	AUTO(buf) struct buf text = BUF_INIT(2 * CHALLENGE_MAX);

	enc_base64(&text, buf_view(&m->login->challenge));
	manage_add_string(&m->out, buf_view(&text));
	buf_c(&m->out, "\r\n");
	buf_clear(&m->login->challenge);
	m->phase = MANAGE_SASL;
}

static void step(struct manage *m);

/* The account is known: waits as long as its failures, or the peer's, ask. */
static void slow(struct manage *m)
{
	struct manage_login *l = m->login;

	m->wait_ms = m->backend->slow(m->ctx, l->name);
	if (m->wait_ms < 0) {
		m->n_errors++;
		manage_login_free(m);
		manage_say(m, "NO", "TRYLATER",
			"too many logins failed: try again later");
	} else if (m->wait_ms > 0) {
		m->phase = MANAGE_WAIT;
	} else {
		manage_login_resume(m);
	}
}

static void step(struct manage *m)
{
	struct manage_login *l = m->login;

	switch (l->mech->step(l, l->said)) {
	case MECH_NAMED:
		slow(m);
		return;
	case MECH_CHALLENGE:
		l->step++;
		challenge(m);
		return;
	case MECH_DONE:
		admit(m);
		return;
	case MECH_REFUSED:
		refuse(m);
		return;
	case MECH_MALFORMED:
		give_up(m, "that is no answer of this mechanism");
		return;
	}
}

void manage_login_resume(struct manage *m)
{
	struct manage_login *l = m->login;

	l->account = m->backend->find(m->ctx, l->arena, l->name);
	l->step++;
	step(m);
}

/* Takes what the client said, in base64. */
static void hear(struct manage *m, struct str text)
{
	AUTO(buf) struct buf said = BUF_INIT(SAID_MAX);

	if (enc_unbase64(&said, text)) {
		give_up(m, "that is no base64");
		return;
	}
	m->login->said = arena_str(m->login->arena, buf_view(&said));
	step(m);
}

void manage_login_answer(struct manage *m)
{
	m->phase = MANAGE_COMMANDS;
	if (m->lex.fault || m->lex.n != 1 ||
		m->lex.tokens[0].kind != LEX_STRING)
		give_up(m, m->lex.fault ? m->lex.fault
					: "the answer to a challenge is one "
					  "string");
	else if (str_eq(lex_text(&m->lex, 0), STR("*")))
		give_up(m, "the login was cancelled");
	else
		hear(m, lex_text(&m->lex, 0));
}

static const struct manage_mech *find_mech(struct str name)
{
	for (size_t i = 0; i < COUNT(mechs); i++)
		if (str_eq_case(str_c(mechs[i]->name), name))
			return mechs[i];
	return NULL;
}

void manage_login_begin(struct manage *m)
{
	const struct manage_mech *mech = find_mech(lex_text(&m->lex, 1));

	if (!mech) {
		manage_say_wrong(m, "there is no such mechanism here");
		return;
	}
	if (!can_use(m, mech)) {
		m->n_errors++;
		manage_say(m, "NO", "ENCRYPT-NEEDED",
			"this mechanism tells the password: say STARTTLS "
			"first");
		return;
	}
	must(!m->login);
	m->login = NEW(struct manage_login);
	m->login->mech = mech;
	m->login->session = m;
	m->login->arena = arena_new();
	m->login->challenge = BUF_INIT(CHALLENGE_MAX);
	if (m->lex.n > 2)
		hear(m, lex_text(&m->lex, 2));
	else
		challenge(m);
}
