/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smtp.c - cuts what a client sends into commands and message bytes.
 *
 * Phases: COMMANDS -> DATA or CHUNK -> WAIT (for the commit) -> COMMANDS, and
 * CLOSED at the end. Nothing is taken while the session waits, so a reply
 * always stands in the order of its command, and 250 is only ever said by
 * smtp_stored(), which the commit calls.
 *
 * Smuggling. A second mail can hide in a first one only where two servers see
 * its end at different places. So:
 * - A command line ends in CRLF. A bare LF or CR in one is answered with 500
 *   and the connection is closed.
 * - DATA ends with CRLF . CRLF and with nothing else. LF.LF, LF.CRLF, CRLF.LF,
 *   CR.CR and all other mixtures are content, wherever the packets are cut.
 * - In that content a bare LF is stored as CRLF, so that no later relay finds
 *   a line end that we did not see, and each parser sees the same lines. Only
 *   a dot behind a true CRLF is unstuffed. A bare CR stays: it is no line end
 *   to any parser here, and CR CR LF, which some mailers write, would become
 *   an empty line, that is the end of the header. Rejecting such mails would
 *   lose ones that customers send.
 * - BDAT counts its bytes, so nothing in them can end it. They are kept as
 *   they are: BINARYMIME demands it.
 *
 * A message that is refused in the middle is swallowed to its end, since a
 * client does not listen before, but for no more than SWALLOW_MAX bytes.
 */
#include <stdarg.h>
#include <stdio.h>

#include <mailmill/store.h>

#include "smtp_int.h"

/*
 * RFC 5321 asks for 512, each extension for more; a path of 1,000 bytes, ORCPT
 * and XCLIENT ask for most.
 */
#define LINE_LEN_MAX ((size_t)4096)
#define OUT_MAX ((size_t)512 * 1024) /* SMTP_REPLIES_MAX and one command's */
#define SWALLOW_MAX ((uint64_t)64 * 1024 * 1024)

static const char too_big[] = "552 5.3.4 the message is too large";
static const char no_room[] =
	"452 4.3.1 cannot store mail now; try again later";
static const char misset[] =
	"451 4.3.5 cannot store mail until our setup is mended";

/* --- replies -------------------------------------------------------------- */

void smtp_say(struct smtp *s, const char *fmt, ...)
{
	size_t at = s->out.len;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&s->out, fmt, ap);
	va_end(ap);
	if (s->out.len > at && s->out.p[at] == '5')
		s->n_errors++;
	buf_c(&s->out, "\r\n");
	must(!buf_is_over(&s->out));
}

struct buf *smtp_replies(struct smtp *s)
{
	if (s->out.len == 0)
		buf_fini(&s->out); /* an idle session costs no memory */
	s->out.max = OUT_MAX;
	return &s->out;
}

static void say_to_each(struct smtp *s, const char *text)
{
	size_t n = s->protocol->answers_each ? MAX(s->env.n_rcpts, 1) : 1;
	unsigned n_errors = s->n_errors;

	for (size_t i = 0; i < n; i++)
		smtp_say(s, "%s", text);
	/* one message is one error, however many it is for */
	s->n_errors = MIN(s->n_errors, n_errors + 1);
}

void smtp_shut(struct smtp *s, const char *why)
{
	must(s->phase != SMTP_WAIT);
	if (s->phase == SMTP_CLOSED)
		return;
	smtp_reset(s);
	smtp_say(s, "421 4.3.2 %s %s, closing", s->options->host, why);
	s->phase = SMTP_CLOSED;
}

/* --- the message ---------------------------------------------------------- */

void smtp_reset(struct smtp *s)
{
	if (s->is_begun)
		s->backend->abort(s->ctx);
	arena_free(s->arena);
	s->arena = NULL;
	s->env = (struct envelope){ 0 };
	s->rcpts_cap = 0;
	s->once = STR_NULL;
	s->is_begun = s->is_chunked = s->is_last = false;
	s->refusal = NULL;
	s->size = s->chunk_left = 0;
}

static void refuse(struct smtp *s, const char *why)
{
	if (s->is_begun)
		s->backend->abort(s->ctx);
	s->is_begun = false;
	if (!s->refusal)
		s->refusal = why;
}

static const char *refusal_of(const struct err *err)
{
	switch (err->kind) {
	case ERR_PERM:
		return too_big;
	case ERR_CONF:
		return misset;
	case ERR_TEMP:
	case ERR_NONE:
		break;
	}
	return no_room;
}

void smtp_begin(struct smtp *s)
{
	struct err err = { 0 };

	s->size = 0;
	s->place = SMTP_AT_START;
	if (s->backend->begin(s->ctx, &s->env, &err) < 0)
		refuse(s, refusal_of(&err));
	else
		s->is_begun = true;
}

void smtp_add(struct smtp *s, struct str bytes)
{
	struct err err = { 0 };

	if (!bytes.len)
		return;
	s->size += bytes.len;
	if (s->size > s->options->size_max)
		refuse(s, too_big);
	if (s->refusal && s->size > s->options->size_max + SWALLOW_MAX) {
		say_to_each(s, s->refusal);
		smtp_shut(s, "heard enough of this message");
		return;
	}
	if (!s->refusal && s->backend->add(s->ctx, bytes, &err) < 0)
		refuse(s, refusal_of(&err));
}

void smtp_finish(struct smtp *s)
{
	if (s->refusal) {
		say_to_each(s, s->refusal);
		s->phase = SMTP_COMMANDS;
		smtp_reset(s);
		return;
	}
	must(s->is_begun);
	s->phase = SMTP_WAIT;
	s->is_begun = false; /* the backend's own from here on */
	s->backend->commit(s->ctx, &s->env, s->once);
}

static void say_stored(struct smtp *s, const struct id *id)
{
	char text[128];

	snprintf(text, sizeof(text), "250 2.0.0 stored as %s", id->text);
	say_to_each(s, text);
}

void smtp_stored(
	struct smtp *s, int outcome, const struct id *id, const struct err *err)
{
	must(s->phase == SMTP_WAIT);
	s->phase = SMTP_COMMANDS;
	if (outcome == 0)
		say_stored(s, id);
	else if (outcome == STORE_SEEN)
		say_to_each(s, "250 2.0.0 already here");
	else if (err->kind == ERR_PERM)
		say_to_each(s, "554 5.3.0 cannot store this message");
	else if (err->kind == ERR_CONF)
		say_to_each(s, misset);
	else
		say_to_each(s, no_room);
	smtp_reset(s);
}

/* A chunk that was not in its place leaves nothing behind. */
static void end_stray_chunk(struct smtp *s)
{
	smtp_say(s, "%s", s->refusal);
	s->refusal = NULL;
	s->size = 0;
}

void smtp_end_chunk(struct smtp *s)
{
	s->phase = SMTP_COMMANDS;
	if (!s->is_chunked)
		end_stray_chunk(s);
	else if (s->is_last)
		smtp_finish(s);
	else if (s->refusal)
		smtp_say(s, "%s", s->refusal);
	else
		smtp_say(s, "250 2.0.0 %llu bytes taken",
			(unsigned long long)s->size);
}

static size_t feed_chunk(struct smtp *s, struct str in)
{
	struct str piece = str_sub(in, 0, MIN(in.len, s->chunk_left));

	s->chunk_left -= piece.len;
	smtp_add(s, piece);
	if (s->phase == SMTP_CHUNK && s->chunk_left == 0)
		smtp_end_chunk(s);
	return piece.len;
}

/* --- DATA ----------------------------------------------------------------- */

/*
 * Takes one byte at a place where it matters, and adds what it stands for.
 * Returns: whether it ends the data.
 */
static bool pass_byte(struct smtp *s, char c, struct buf *out)
{
	enum smtp_place was = s->place;

	if (was == SMTP_AT_DOTCR && c == '\n')
		return true;
	if (was == SMTP_AT_START && c == '.') {
		s->place = SMTP_AT_DOT;
		return false;
	}
	if (was == SMTP_AT_DOT && c == '\r') {
		s->place = SMTP_AT_DOTCR;
		return false;
	}
	if (c == '\n') {
		buf_c(out, "\r\n");
		s->place = was == SMTP_AT_CR ? SMTP_AT_START : SMTP_IN_LINE;
		return false;
	}
	/* a CR that was held back turns out to be a bare one */
	if (was == SMTP_AT_CR || was == SMTP_AT_DOTCR)
		buf_byte(out, '\r');
	s->place = c == '\r' ? SMTP_AT_CR : SMTP_IN_LINE;
	if (c != '\r')
		buf_byte(out, (unsigned char)c);
	return false;
}

/* Takes the rest of a line at once, but leaves its LF. Returns: how much. */
static size_t pass_run(struct smtp *s, struct str in, struct buf *out)
{
	const char *lf = memchr(in.p, '\n', in.len);
	size_t n = lf ? (size_t)(lf - in.p) : in.len;
	bool has_cr = n && in.p[n - 1] == '\r';

	buf_add(out, in.p, has_cr ? n - 1 : n);
	if (has_cr)
		s->place = SMTP_AT_CR;
	return n;
}

static size_t feed_data(struct smtp *s, struct str in)
{
	/* a bare LF becomes two bytes, and a CR may be held over */
	AUTO(buf) struct buf out = BUF_INIT(in.len * 2 + 1);
	bool is_end = false;
	size_t at = 0;

	must(buf_room(&out, in.len));
	while (at < in.len && !is_end) {
		if (s->place == SMTP_IN_LINE && in.p[at] != '\n')
			at += pass_run(s, str_sub(in, at, in.len), &out);
		else
			is_end = pass_byte(s, in.p[at++], &out);
	}
	smtp_add(s, buf_view(&out));
	if (is_end && s->phase == SMTP_DATA)
		smtp_finish(s);
	return at;
}

/* --- commands ------------------------------------------------------------- */

static bool can_run(struct smtp *s, const struct smtp_command *c)
{
	if (c->needs & SMTP_NEEDS_HELO && !s->helo)
		smtp_say(s, "503 5.5.1 say hello first");
	else if (c->needs & SMTP_NEEDS_NO_CHUNK && s->is_chunked)
		smtp_say(s, "503 5.5.1 only BDAT or RSET may follow BDAT");
	else if (c->needs & SMTP_NEEDS_MAIL && !s->arena)
		smtp_say(s, "503 5.5.1 say MAIL first");
	else
		return true;
	return false;
}

static void run_command(struct smtp *s, struct str line)
{
	const struct smtp_command *c = s->protocol->commands;
	ssize_t blank = str_chr(line, ' ');
	struct str verb = str_sub(
		line, 0, blank < 0 ? line.len : (size_t)blank);

	s->n_commands++;
	while (c->verb && !str_eq_case(str_c(c->verb), verb))
		c++;
	if (!c->verb)
		smtp_say(s, "500 5.5.1 no such command");
	else if (can_run(s, c))
		c->run(s, str_trim(str_sub(line, verb.len, line.len)));
	if (s->n_errors < s->options->errors_max || s->phase == SMTP_WAIT)
		return;
	if (s->phase != SMTP_CLOSED)
		smtp_shut(s, "has met too many errors");
}

static void close_for_line_end(struct smtp *s)
{
	smtp_reset(s);
	smtp_say(s, "500 5.5.2 lines end in CR LF, closing");
	s->phase = SMTP_CLOSED;
}

/* Gets a line with the LF at its end. */
static void take_line(struct smtp *s, struct str line)
{
	if (line.len < 2 || line.p[line.len - 2] != '\r') {
		close_for_line_end(s);
		return;
	}
	line.len -= 2;
	if (str_chr(line, '\r') >= 0)
		close_for_line_end(s);
	else if (str_chr(line, 0) >= 0)
		smtp_say(s, "500 5.5.2 a NUL in a command");
	else
		run_command(s, line);
}

static void refuse_line(struct smtp *s)
{
	smtp_say(
		s, "500 5.5.2 the line is longer than %zu bytes", LINE_LEN_MAX);
	if (s->n_errors >= s->options->errors_max)
		smtp_shut(s, "has met too many errors");
}

/* Drops a piece of a line that is too long, which ends as any other. */
static void skip_line(struct smtp *s, struct str piece)
{
	bool is_end = piece.p[piece.len - 1] == '\n';
	char before = piece.len > 1 ? piece.p[piece.len - 2] : s->last;

	if (!s->is_skipping)
		refuse_line(s);
	buf_fini(&s->line);
	s->is_skipping = !is_end;
	s->last = piece.p[piece.len - 1];
	if (is_end && before != '\r' && s->phase != SMTP_CLOSED)
		close_for_line_end(s);
}

static void take_whole_line(struct smtp *s)
{
	/* taken off first, as the command may end the session */
	AUTO(buf) struct buf line = s->line;

	s->line = BUF_INIT(LINE_LEN_MAX);
	take_line(s, buf_view(&line));
}

static size_t feed_line(struct smtp *s, struct str in)
{
	ssize_t lf = str_chr(in, '\n');
	struct str piece = str_sub(in, 0, lf < 0 ? in.len : (size_t)lf + 1);

	if (s->is_skipping || s->line.len + piece.len > LINE_LEN_MAX) {
		if (s->line.len)
			s->last = s->line.p[s->line.len - 1];
		skip_line(s, piece);
	} else if (lf >= 0 && s->line.len == 0) {
		take_line(s, piece);
	} else {
		s->line.max = LINE_LEN_MAX;
		buf_str(&s->line, piece);
		if (lf >= 0)
			take_whole_line(s);
	}
	return piece.len;
}

/* --- the session ---------------------------------------------------------- */

size_t smtp_feed(struct smtp *s, struct str in)
{
	size_t at = 0;

	s->out.max = OUT_MAX;
	while (at < in.len && s->out.len <= SMTP_REPLIES_MAX) {
		struct str rest = str_sub(in, at, in.len);
		if (s->phase == SMTP_COMMANDS)
			at += feed_line(s, rest);
		else if (s->phase == SMTP_DATA)
			at += feed_data(s, rest);
		else if (s->phase == SMTP_CHUNK)
			at += feed_chunk(s, rest);
		else
			break;
	}
	return at;
}

struct smtp *smtp_new(const struct smtp_protocol *protocol,
	const struct smtp_options *o, const struct smtp_client *client,
	const struct smtp_backend *backend, void *ctx)
{
	struct smtp *s = NEW(struct smtp);

	must(o->rcpts_max <= ENVELOPE_RCPTS_MAX);
	s->protocol = protocol;
	s->options = o;
	s->backend = backend;
	s->ctx = ctx;
	s->source = client->source;
	s->peer = mem_strdup(client->peer);
	s->may_xclient = client->may_xclient;
	s->may_once = client->may_once;
	s->out = BUF_INIT(OUT_MAX);
	smtp_say(s, "220 %s %s mailmill", o->host, protocol->name);
	return s;
}

void smtp_free(struct smtp *s)
{
	if (!s)
		return;
	must(s->phase != SMTP_WAIT);
	smtp_reset(s);
	buf_fini(&s->line);
	buf_fini(&s->out);
	free(s->peer);
	free(s->helo);
	free(s->login);
	free(s->proxied_helo);
	free(s->proxied_protocol);
	free(s);
}

bool smtp_is_waiting(const struct smtp *s)
{
	return s->phase == SMTP_WAIT;
}

bool smtp_is_closed(const struct smtp *s)
{
	return s->phase == SMTP_CLOSED;
}

bool smtp_is_busy(const struct smtp *s)
{
	return s->arena != NULL;
}

uint64_t smtp_n_commands(const struct smtp *s)
{
	return s->n_commands;
}
