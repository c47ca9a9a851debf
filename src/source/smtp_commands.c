/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * smtp_commands.c - the commands of LMTP (RFC 2033), one function each.
 *
 * XCLIENT is Postfix's: a trusted proxy tells whom it speaks for. What it says
 * of HELO stays, whatever name the proxy gives itself afterwards.
 *
 * XONCE=<64 hex digits> is a parameter of MAIL that only our own tools are
 * offered: a message with a key that was committed before is answered with
 * 250 and not stored again, so that an archive can be imported twice.
 */
#include <mailmill/hash.h>
#include <mailmill/utf8.h>

#include "path.h"
#include "smtp_int.h"

#define NAME_MAX_LEN 255
#define ENVID_MAX 100 /* RFC 3461 section 5.4 */
#define ORCPT_MAX 500

static void set_text(char **to, struct str s)
{
	free(*to);
	*to = str_dup(s);
}

/* Tells whether s may stand in logs and records: no control characters. */
static bool is_plain(struct str s, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.len <= max && utf8_is_valid(s);
}

/* --- parameters of MAIL and RCPT ------------------------------------------ */

struct param {
	const char *name;
	/* Returns: NULL, or the reply that refuses the value. */
	const char *(*take)(struct smtp *s, struct str value, void *to);
};

static const char bad_value[] = "501 5.5.4 a parameter has a bad value";

/* Gets " NAME=VALUE NAME ..." as it stands behind the path. */
static const char *take_params(
	struct smtp *s, struct str args, const struct param *table, void *to)
{
	unsigned seen = 0;
	struct str word;

	if (args.len && args.p[0] != ' ')
		return "501 5.5.4 a blank must follow the address";
	while (str_cut(&args, ' ', &word)) {
		const struct param *p = table;
		ssize_t at = str_chr(word, '=');
		size_t len = at < 0 ? word.len : (size_t)at;
		const char *refusal;

		if (!word.len)
			continue;
		while (p->name &&
			!str_eq_case(str_c(p->name), str_sub(word, 0, len)))
			p++;
		if (!p->name)
			return "555 5.5.4 no such parameter";
		if (seen & 1u << (p - table))
			return "501 5.5.4 a parameter is there twice";
		seen |= 1u << (p - table);
		refusal = p->take(s,
			at < 0 ? STR_NULL : str_sub(word, len + 1, word.len),
			to);
		if (refusal)
			return refusal;
	}
	return NULL;
}

static const char *take_size(struct smtp *s, struct str value, void *to)
{
	uint64_t size;

	if (str_to_u64(value, UINT64_MAX, &size) < 0)
		return bad_value;
	if (size > s->options->size_max)
		return "552 5.3.4 the message is too large";
	(void)to;
	return NULL;
}

static const char *take_body(struct smtp *s, struct str value, void *to)
{
	struct envelope *env = to;

	if (str_eq_case(value, STR("8BITMIME")))
		env->is_8bit = true;
	else if (str_eq_case(value, STR("BINARYMIME")))
		env->is_binary = true;
	else if (!str_eq_case(value, STR("7BIT")))
		return bad_value;
	(void)s;
	return NULL;
}

static const char *take_smtputf8(struct smtp *s, struct str value, void *to)
{
	struct envelope *env = to;

	env->is_smtputf8 = true;
	(void)s;
	return value.p ? bad_value : NULL;
}

static const char *take_ret(struct smtp *s, struct str value, void *to)
{
	struct envelope *env = to;

	if (!str_eq_case(value, STR("FULL")) &&
		!str_eq_case(value, STR("HDRS")))
		return bad_value;
	env->ret = arena_str(s->arena, value);
	return NULL;
}

static const char *take_envid(struct smtp *s, struct str value, void *to)
{
	struct envelope *env = to;

	if (!value.len || !path_is_xtext(value, ENVID_MAX))
		return bad_value;
	env->envid = arena_str(s->arena, value);
	return NULL;
}

static const char *take_once(struct smtp *s, struct str value, void *to)
{
	if (!s->may_once)
		return "555 5.5.4 no such parameter";
	if (value.len != HASH_HEX_LEN)
		return bad_value;
	for (size_t i = 0; i < value.len; i++)
		if (!memchr("0123456789abcdef", value.p[i], 16))
			return bad_value;
	s->once = arena_str(s->arena, value);
	(void)to;
	return NULL;
}

static const struct param mail_params[] = {
	{ "SIZE", take_size },
	{ "BODY", take_body },
	{ "SMTPUTF8", take_smtputf8 },
	{ "RET", take_ret },
	{ "ENVID", take_envid },
	{ "XONCE", take_once },
	{ 0 },
};

static const char *take_notify(struct smtp *s, struct str value, void *to)
{
	struct envelope_rcpt *rcpt = to;
	struct str rest = value, word;

	if (!value.len)
		return bad_value;
	while (str_cut(&rest, ',', &word)) {
		/* NEVER stands alone (RFC 3461 section 4.1) */
		if (str_eq_case(word, STR("NEVER")) && word.len == value.len)
			continue;
		if (!str_eq_case(word, STR("SUCCESS")) &&
			!str_eq_case(word, STR("FAILURE")) &&
			!str_eq_case(word, STR("DELAY")))
			return bad_value;
	}
	rcpt->notify = arena_str(s->arena, value);
	return NULL;
}

static const char *take_orcpt(struct smtp *s, struct str value, void *to)
{
	struct envelope_rcpt *rcpt = to;
	ssize_t at = str_chr(value, ';');

	/* RFC 6533 allows UTF-8 as it is behind utf-8; */
	if (at <= 0 || !(s->env.is_smtputf8 ? is_plain(value, ORCPT_MAX)
					    : path_is_xtext(value, ORCPT_MAX)))
		return bad_value;
	rcpt->orcpt = arena_str(s->arena, value);
	return NULL;
}

static const struct param rcpt_params[] = {
	{ "NOTIFY", take_notify },
	{ "ORCPT", take_orcpt },
	{ 0 },
};

/* --- LHLO ----------------------------------------------------------------- */

static void run_lhlo(struct smtp *s, struct str args)
{
	if (!args.len || !is_plain(args, NAME_MAX_LEN)) {
		smtp_say(s, "501 5.5.4 say LHLO and your name");
		return;
	}
	smtp_reset(s);
	set_text(&s->helo, args);
	smtp_say(s, "250-%s", s->options->host);
	smtp_say(s, "250-PIPELINING");
	smtp_say(s, "250-8BITMIME");
	smtp_say(s, "250-SMTPUTF8");
	smtp_say(s, "250-SIZE %llu", (unsigned long long)s->options->size_max);
	smtp_say(s, "250-CHUNKING");
	smtp_say(s, "250-BINARYMIME");
	if (s->may_xclient)
		smtp_say(s, "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN "
			    "DESTADDR DESTPORT");
	if (s->may_once)
		smtp_say(s, "250-XONCE");
	smtp_say(s, "250-DSN");
	smtp_say(s, "250 ENHANCEDSTATUSCODES");
}

static void run_helo(struct smtp *s, struct str args)
{
	smtp_say(s, "500 5.5.1 this is LMTP: say LHLO");
	(void)args;
}

/* --- MAIL and RCPT ---------------------------------------------------------
 */

/* Cuts "FROM:" or "TO:" off. Returns: whether it was there. */
static bool take_word(struct str *args, struct str word)
{
	if (!str_starts_case(*args, word))
		return false;
	*args = str_sub(*args, word.len, args->len);
	return true;
}

/* RFC 6531 section 3.4 lets SMTPUTF8 stand behind the address it is for. */
static bool says_smtputf8(struct str args)
{
	struct str word;
	ssize_t at = str_rchr(args, '>');

	args = str_sub(args, at < 0 ? 0 : (size_t)at, args.len);
	while (str_cut(&args, ' ', &word))
		if (str_eq_case(word, STR("SMTPUTF8")))
			return true;
	return false;
}

static const char *take_mail(struct smtp *s, struct str args)
{
	struct err err = { 0 };
	int rc;

	if (!take_word(&args, STR("FROM:")))
		return "501 5.5.4 say MAIL FROM:<address>";
	rc = path_parse(s->arena, &args, says_smtputf8(args), &s->env.sender);
	if (rc == PATH_UTF8)
		return "553 5.6.7 this address needs SMTPUTF8";
	if (rc < 0)
		return "501 5.1.7 this is no address";
	if (s->backend->ready(s->ctx, &err) < 0)
		return "452 4.3.1 cannot take mail now; try again later";
	return take_params(s, args, mail_params, &s->env);
}

static void run_mail(struct smtp *s, struct str args)
{
	const char *refusal;

	if (s->arena) {
		smtp_say(s, "503 5.5.1 a message is under way already");
		return;
	}
	s->arena = arena_new();
	refusal = take_mail(s, args);
	if (refusal) {
		smtp_say(s, "%s", refusal);
		smtp_reset(s);
		return;
	}
	smtp_say(s, "250 2.1.0 sender taken");
}

static void add_rcpt(struct smtp *s, const struct envelope_rcpt *rcpt)
{
	struct envelope *env = &s->env;

	if (env->n_rcpts == s->rcpts_cap) {
		s->rcpts_cap = MAX(s->rcpts_cap * 2, 4);
		env->rcpts = arena_grow(s->arena, env->rcpts, env->n_rcpts,
			s->rcpts_cap, sizeof(*rcpt));
	}
	env->rcpts[env->n_rcpts++] = *rcpt;
}

static const char *take_rcpt(
	struct smtp *s, struct str args, struct envelope_rcpt *rcpt)
{
	const char *refusal;
	int rc;

	if (!take_word(&args, STR("TO:")))
		return "501 5.5.4 say RCPT TO:<address>";
	rc = path_parse(s->arena, &args, s->env.is_smtputf8, &rcpt->address);
	if (rc == PATH_UTF8)
		return "553 5.6.7 this address needs SMTPUTF8";
	if (rc < 0 || !rcpt->address.len)
		return "501 5.1.3 this is no address";
	refusal = take_params(s, args, rcpt_params, rcpt);
	if (refusal)
		return refusal;
	if (s->env.n_rcpts >= s->options->rcpts_max)
		return "452 4.5.3 too many recipients";
	if (!s->backend->knows(s->ctx, rcpt->address))
		return "550 5.1.1 nobody takes this address";
	return NULL;
}

static void run_rcpt(struct smtp *s, struct str args)
{
	struct envelope_rcpt rcpt = { 0 };
	unsigned n_errors = s->n_errors;
	const char *refusal = take_rcpt(s, args, &rcpt);

	if (!refusal) {
		add_rcpt(s, &rcpt);
		smtp_say(s, "250 2.1.5 recipient taken");
		return;
	}
	smtp_say(s, "%s", refusal);
	/* an MTA that sends a list's mail meets unknown ones in good faith */
	if (str_starts(str_c(refusal), STR("550")))
		s->n_errors = n_errors;
}

/* --- the message -----------------------------------------------------------
 */

static void fill_envelope(struct smtp *s)
{
	struct envelope *env = &s->env;
	const char *helo = s->proxied_helo ? s->proxied_helo : s->helo;
	const char *protocol = s->proxied_protocol ? s->proxied_protocol
						   : s->protocol->name;

	env->source = s->once.len ? STR("import") : str_c(s->source);
	env->peer = arena_str(s->arena, str_c(s->peer));
	env->helo = arena_str(s->arena, str_c(helo));
	env->login = arena_str(s->arena, str_c(s->login));
	if (env->is_smtputf8) /* RFC 6531 section 4.3 */
		env->protocol = str_c(
			arena_printf(s->arena, "UTF8%s", s->protocol->name));
	else
		env->protocol = arena_str(s->arena, str_c(protocol));
}

static void run_data(struct smtp *s, struct str args)
{
	if (args.len)
		smtp_say(s, "501 5.5.4 DATA stands alone");
	else if (!s->env.n_rcpts)
		smtp_say(s, "503 5.5.1 no recipient was taken");
	else if (s->env.is_binary)
		smtp_say(s, "503 5.5.1 BINARYMIME needs BDAT");
	else {
		fill_envelope(s);
		smtp_begin(s);
		if (s->refusal) {
			smtp_say(s, "%s", s->refusal);
			smtp_reset(s);
			return;
		}
		s->phase = SMTP_DATA;
		smtp_say(s, "354 end the message with CR LF . CR LF");
	}
}

/* Reads "1000" or "1000 LAST". */
static int parse_bdat(struct str args, uint64_t *len, bool *is_last)
{
	struct str word;

	if (!str_cut(&args, ' ', &word) || str_to_u64(word, INT64_MAX, len) < 0)
		return -1;
	args = str_trim(args);
	*is_last = str_eq_case(args, STR("LAST"));
	return args.len && !*is_last ? -1 : 0;
}

/*
 * The chunk follows at once, whatever is wrong, so its bytes are always
 * swallowed before the answer, or they would be read as commands.
 */
static void run_bdat(struct smtp *s, struct str args)
{
	uint64_t len;
	bool is_last;

	if (parse_bdat(args, &len, &is_last) < 0) {
		/* nobody knows where the next command begins */
		smtp_say(s, "501 5.5.4 say BDAT length [LAST], closing");
		smtp_shut(s, "lost its way in the chunks");
		return;
	}
	if (!s->refusal && (!s->helo || !s->env.n_rcpts))
		s->refusal = "503 5.5.1 no recipient was taken";
	if (!s->refusal && !s->is_chunked) {
		s->is_chunked = true;
		fill_envelope(s);
		smtp_begin(s);
	}
	s->is_last = is_last;
	s->chunk_left = len;
	s->phase = SMTP_CHUNK;
	if (len == 0)
		smtp_end_chunk(s);
}

/* --- the rest ---------------------------------------------------------------
 */

static void run_rset(struct smtp *s, struct str args)
{
	smtp_reset(s);
	smtp_say(s, "250 2.0.0 forgotten");
	(void)args;
}

static void run_noop(struct smtp *s, struct str args)
{
	smtp_say(s, "250 2.0.0 here I am");
	(void)args;
}

static void run_quit(struct smtp *s, struct str args)
{
	smtp_reset(s);
	smtp_say(s, "221 2.0.0 good-bye");
	s->phase = SMTP_CLOSED;
	(void)args;
}

static void run_vrfy(struct smtp *s, struct str args)
{
	if (args.len)
		smtp_say(s, "252 2.1.5 send it and I shall tell");
	else
		smtp_say(s, "501 5.5.4 say VRFY and an address");
}

static void run_help(struct smtp *s, struct str args)
{
	smtp_say(s, "214 2.0.0 mailmill " MAILMILL_VERSION ", RFC 2033");
	(void)args;
}

/* --- XCLIENT -----------------------------------------------------------------
 */

/* What one XCLIENT said; carried out only when all of it is right. */
struct proxied {
	struct str addr, port, helo, login, protocol;
	bool has_addr, has_helo, has_login, has_protocol;
};

static int take_proxied(struct proxied *x, struct str name, struct str value)
{
	bool is_known = !str_eq_case(value, STR("[UNAVAILABLE]")) &&
			!str_eq_case(value, STR("[TEMPUNAVAIL]"));

	if (!is_known)
		value = STR("");
	if (str_eq_case(name, STR("ADDR"))) {
		x->addr = str_starts_case(value, STR("IPV6:"))
				  ? str_sub(value, 5, value.len)
				  : value;
		x->has_addr = true;
	} else if (str_eq_case(name, STR("PORT"))) {
		x->port = value;
	} else if (str_eq_case(name, STR("HELO"))) {
		x->helo = value;
		x->has_helo = true;
	} else if (str_eq_case(name, STR("LOGIN"))) {
		x->login = value;
		x->has_login = true;
	} else if (str_eq_case(name, STR("PROTO"))) {
		x->protocol = value;
		x->has_protocol = true;
	} else if (!str_eq_case(name, STR("NAME")) &&
		   !str_eq_case(name, STR("DESTADDR")) &&
		   !str_eq_case(name, STR("DESTPORT"))) {
		return -1;
	}
	return 0;
}

static void set_or_clear(char **to, bool is_said, struct str value)
{
	if (!is_said)
		return;
	free(*to);
	*to = value.len ? str_dup(value) : NULL;
}

static void use_proxied(struct smtp *s, const struct proxied *x)
{
	if (x->has_addr && x->addr.len) {
		free(s->peer);
		if (!x->port.len)
			s->peer = str_dup(x->addr);
		else
			s->peer = mem_printf(str_chr(x->addr, ':') < 0
						     ? "%.*s:%.*s"
						     : "[%.*s]:%.*s",
				STR_ARG(x->addr), STR_ARG(x->port));
	}
	set_or_clear(&s->proxied_helo, x->has_helo, x->helo);
	set_or_clear(&s->login, x->has_login, x->login);
	set_or_clear(&s->proxied_protocol, x->has_protocol, x->protocol);
}

static int parse_xclient(struct arena *a, struct str args, struct proxied *x)
{
	struct str word, value;

	while (str_cut(&args, ' ', &word)) {
		ssize_t at = str_chr(word, '=');
		if (!word.len)
			continue;
		if (at < 0 ||
			path_unxtext(a, str_sub(word, (size_t)at + 1, word.len),
				&value) < 0 ||
			!is_plain(value, NAME_MAX_LEN) ||
			take_proxied(x, str_sub(word, 0, (size_t)at), value) <
				0)
			return -1;
	}
	return 0;
}

static void run_xclient(struct smtp *s, struct str args)
{
	AUTO(arena) struct arena *a = arena_new();
	struct proxied x = { 0 };

	if (!s->may_xclient) {
		smtp_say(s, "550 5.7.0 you are not trusted to say XCLIENT");
		return;
	}
	if (s->arena) {
		smtp_say(s, "503 5.5.1 a message is under way");
		return;
	}
	if (!args.len || parse_xclient(a, args, &x) < 0) {
		smtp_say(s, "501 5.5.4 bad attributes");
		return;
	}
	use_proxied(s, &x);
	free(s->helo);
	s->helo = NULL;
	smtp_say(s, "220 %s %s mailmill", s->options->host, s->protocol->name);
}

/* --- LMTP ---------------------------------------------------------------- */

static const struct smtp_command lmtp_commands[] = {
	{ "LHLO", SMTP_NEEDS_NO_CHUNK, run_lhlo },
	{ "MAIL", SMTP_NEEDS_HELO | SMTP_NEEDS_NO_CHUNK, run_mail },
	{ "RCPT", SMTP_NEEDS_HELO | SMTP_NEEDS_NO_CHUNK | SMTP_NEEDS_MAIL,
		run_rcpt },
	{ "DATA", SMTP_NEEDS_HELO | SMTP_NEEDS_NO_CHUNK | SMTP_NEEDS_MAIL,
		run_data },
	{ "BDAT", 0, run_bdat },
	{ "RSET", 0, run_rset },
	{ "NOOP", 0, run_noop },
	{ "QUIT", 0, run_quit },
	{ "VRFY", SMTP_NEEDS_NO_CHUNK, run_vrfy },
	{ "HELP", 0, run_help },
	{ "XCLIENT", SMTP_NEEDS_NO_CHUNK, run_xclient },
	{ "HELO", 0, run_helo },
	{ "EHLO", 0, run_helo },
	{ 0 },
};

const struct smtp_protocol smtp_lmtp = {
	.name = "LMTP",
	.commands = lmtp_commands,
	.answers_each = true,
};
