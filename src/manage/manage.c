/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manage.c - the ManageSieve session: bytes in, replies out (RFC 5804).
 *
 * Phases: COMMANDS -> SASL (an answer is expected) and WAIT (a login that is
 * slowed) -> COMMANDS; TLS after STARTTLS was granted, until the handshake is
 * done; CLOSED at the end. Nothing is taken in WAIT, TLS and CLOSED, so what a
 * client sent in one go stays with the caller, who throws it away when TLS
 * begins: a command that somebody put in front of the handshake is never run.
 *
 * Before login, a command may hold no more than an initial response does, so
 * that strangers cannot make this process keep megabytes (CVE-2026-27858 of
 * another server). After it, a script that is too long is read past and
 * refused with QUOTA/MAXSIZE, since clients only listen once they have sent.
 */
#include <stdarg.h>
#include <stdio.h>

#include "session.h"

#define BEFORE_LOGIN_MAX ((size_t)16 * 1024) /* OAuth tokens are large */
#define TEXT_MAX ((size_t)64 * 1024)
#define QUOTED_MAX ((size_t)1024)
#define LISTS_MAX ((size_t)4 << 20) /* names of all scripts, and texts */

/* --- replies --------------------------------------------------------------
 */

static bool can_quote(struct str s)
{
	if (s.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || !s.p[i])
			return false;
	return true;
}

void manage_add_string(struct buf *b, struct str s)
{
	if (!can_quote(s)) {
		buf_printf(b, "{%zu}\r\n", s.len);
		buf_str(b, s);
		return;
	}
	buf_byte(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_byte(b, '\\');
		buf_byte(b, (unsigned char)s.p[i]);
	}
	buf_byte(b, '"');
}

void manage_say(struct manage *m, const char *word, const char *code,
	const char *fmt, ...)
{
	AUTO(buf) struct buf text = BUF_INIT(TEXT_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_c(&m->out, word);
	if (code)
		buf_printf(&m->out, " (%s)", code);
	if (text.len) {
		buf_byte(&m->out, ' ');
		manage_add_string(&m->out, buf_view(&text));
	}
	buf_c(&m->out, "\r\n");
	must(!buf_is_over(&m->out));
}

void manage_say_wrong(struct manage *m, const char *why)
{
	m->n_errors++;
	manage_say(m, "NO", NULL, "%s", why);
}

static void add_capability(struct manage *m, const char *name, const char *v)
{
	buf_printf(&m->out, "\"%s\"", name);
	if (v) {
		buf_byte(&m->out, ' ');
		manage_add_string(&m->out, str_c(v));
	}
	buf_c(&m->out, "\r\n");
}

void manage_add_capabilities(struct manage *m)
{
	AUTO(buf) struct buf mechs = BUF_INIT(1024);
	char number[16];

	manage_login_mechanisms(m, &mechs);
	snprintf(number, sizeof(number), "%u", m->options->redirects_max);
	add_capability(m, "IMPLEMENTATION", "mailmill " MAILMILL_VERSION);
	add_capability(m, "VERSION", "1.0");
	add_capability(m, "SASL", mechs.p ? mechs.p : "");
	add_capability(m, "SIEVE", m->options->capabilities);
	if (m->options->has_tls && !m->is_tls && !m->user)
		add_capability(m, "STARTTLS", NULL);
	if (m->options->notify)
		add_capability(m, "NOTIFY", m->options->notify);
	if (m->options->extlists)
		add_capability(m, "EXTLISTS", m->options->extlists);
	add_capability(m, "MAXREDIRECTS", number);
	add_capability(m, "UNAUTHENTICATE", NULL);
	if (m->user)
		add_capability(m, "OWNER", m->route);
}

void manage_shut(struct manage *m, const char *why)
{
	if (m->phase == MANAGE_CLOSED)
		return;
	manage_login_free(m);
	manage_say(m, "BYE", NULL, "%s", why);
	m->phase = MANAGE_CLOSED;
}

/* --- commands -------------------------------------------------------------
 */

static void set_limits(struct manage *m)
{
	lex_fini(&m->lex);
	lex_init(&m->lex, m->user ? m->options->script_len : BEFORE_LOGIN_MAX,
		m->user != NULL);
}

static bool is_number(struct str s)
{
	uint64_t n;

	return str_to_u64(s, UINT32_MAX, &n) == 0 &&
	       (s.len == 1 || s.p[0] != '0');
}

static bool fits(const struct manage *m, const char *arguments)
{
	size_t n = 1;

	for (; *arguments; arguments++) {
		const struct lex_token *t = &m->lex.tokens[n];
		if (*arguments == '?') {
			if (n == m->lex.n)
				return true;
			continue;
		}
		if (n >= m->lex.n)
			return false;
		if (*arguments == 's' && t->kind != LEX_STRING)
			return false;
		if (*arguments == 'n' &&
			(t->kind != LEX_ATOM ||
				!is_number(lex_text(&m->lex, n))))
			return false;
		n++;
	}
	return n == m->lex.n;
}

static const struct manage_command *find_command(struct str verb)
{
	for (const struct manage_command *c = manage_commands; c->verb; c++)
		if (str_eq_case(str_c(c->verb), verb))
			return c;
	return NULL;
}

static void run_command(struct manage *m)
{
	const struct manage_command *c;

	if (m->lex.tokens[0].kind != LEX_ATOM) {
		manage_say_wrong(m, "a command begins with its name");
		return;
	}
	c = find_command(lex_text(&m->lex, 0));
	if (!c)
		manage_say_wrong(m, "there is no such command");
	else if (!(c->when & (m->user ? MANAGE_AFTER : MANAGE_BEFORE)))
		manage_say_wrong(m,
			m->user ? "you are logged in already" : "log in first");
	else if (!fits(m, c->arguments)) {
		m->n_errors++;
		manage_say(m, "NO", NULL, "write: %s", c->usage);
	} else {
		c->run(m);
	}
}

static void take_line(struct manage *m)
{
	bool was_in = m->user != NULL;

	if (m->lex.n == 0 && !m->lex.fault)
		return; /* an empty line, which some clients send */
	m->n_commands++;
	if (m->phase == MANAGE_SASL)
		manage_login_answer(m);
	else if (m->lex.is_too_long)
		manage_say(m, "NO", "QUOTA/MAXSIZE",
			"a script may have %zu bytes", m->options->script_len);
	else if (m->lex.fault)
		manage_say_wrong(m, m->lex.fault);
	else
		run_command(m);
	if (was_in != (m->user != NULL))
		set_limits(m);
	if (m->n_errors >= m->options->errors_max && m->phase != MANAGE_CLOSED)
		manage_shut(m, "too many errors");
}

size_t manage_feed(struct manage *m, struct str in)
{
	size_t at = 0, n;

	while (at < in.len && m->out.len <= MANAGE_REPLIES_MAX &&
		(m->phase == MANAGE_COMMANDS || m->phase == MANAGE_SASL)) {
		enum lex_outcome got = lex_feed(
			&m->lex, str_sub(in, at, in.len), &n);
		at += n;
		if (got == LEX_MORE)
			continue;
		if (got == LEX_FATAL) {
			manage_shut(m, m->lex.fault);
			break;
		}
		take_line(m);
		lex_next(&m->lex);
	}
	return at;
}

/* --- the session ----------------------------------------------------------
 */

struct manage *manage_new(const struct manage_options *o, bool may_clear,
	const struct manage_backend *backend, void *ctx)
{
	struct manage *m = NEW(struct manage);

	m->options = o;
	m->backend = backend;
	m->ctx = ctx;
	m->may_clear = may_clear;
	m->wait_ms = -1;
	m->out = BUF_INIT(MANAGE_REPLIES_MAX + o->script_len + LISTS_MAX);
	set_limits(m);
	manage_add_capabilities(m);
	manage_say(m, "OK", NULL, "mailmill is ready");
	return m;
}

void manage_free(struct manage *m)
{
	if (!m)
		return;
	manage_login_free(m);
	lex_fini(&m->lex);
	buf_fini(&m->out);
	free(m->user);
	free(m->route);
	free(m);
}

struct buf *manage_replies(struct manage *m)
{
	if (m->out.len == 0) {
		/* an idle session costs no memory */
		size_t max = m->out.max;
		buf_fini(&m->out);
		m->out.max = max;
	}
	return &m->out;
}

int64_t manage_wait_ms(const struct manage *m)
{
	return m->phase == MANAGE_WAIT ? m->wait_ms : -1;
}

void manage_resume(struct manage *m)
{
	must(m->phase == MANAGE_WAIT);
	m->phase = MANAGE_COMMANDS;
	manage_login_resume(m);
	if (m->user)
		set_limits(m);
	if (m->n_errors >= m->options->errors_max && m->phase != MANAGE_CLOSED)
		manage_shut(m, "too many errors");
}

bool manage_wants_tls(const struct manage *m)
{
	return m->phase == MANAGE_TLS;
}

void manage_tls_begun(struct manage *m)
{
	must(m->phase == MANAGE_TLS);
	m->phase = MANAGE_COMMANDS;
	m->is_tls = true;
	m->may_clear = true;
	set_limits(m);
	manage_add_capabilities(m);
	manage_say(m, "OK", NULL, "safe from here on");
}

bool manage_is_closed(const struct manage *m)
{
	return m->phase == MANAGE_CLOSED;
}

bool manage_is_logged_in(const struct manage *m)
{
	return m->user != NULL;
}

uint64_t manage_n_commands(const struct manage *m)
{
	return m->n_commands;
}
