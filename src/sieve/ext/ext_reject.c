/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_reject.c - reject and ereject (RFC 5429).
 *
 * When a rule runs, the mail has long been taken: refusing it in the protocol
 * is over, and what is left is to write to the sender, for reject an MDN (RFC
 * 8098) and for ereject a DSN (RFC 3464). Both return the header of the mail as
 * it came, not its body: whoever forged a sender shall not be able to send
 * something through us. A mail from the null path, or one whose sender wants no
 * DSN, is dropped without a word; a note in the journal tells it.
 */
#include <mailmill/utf8.h>

#include "../reply.h"

#define HEADER_MAX ((size_t)32 << 10) /* of the mail that is returned */
#define DIAGNOSTIC_MAX 400

static struct str get_rcpt(const struct sieve_run *r)
{
	return r->env->n_rcpts ? r->env->rcpts[0].address : sieve_owner(r);
}

/*
 * The parts of a report
 */

/* Adds the part for people; gives what the reason must be surrounded by. */
static struct str make_text(struct sieve_run *r, struct str reason)
{
	AUTO(buf) struct buf text = BUF_INIT(REPLY_MAX),
			     out = BUF_INIT(REPLY_MAX);

	buf_printf(&text,
		"Your message to %.*s was refused by the mail filter\r\n"
		"of its recipient. It was not delivered.\r\n\r\n"
		"The reason given is as follows:\r\n\r\n",
		STR_ARG(get_rcpt(r)));
	buf_str(&text, utf8_mend(r->arena, reason));
	buf_c(&text, "\r\n");
	compose_entity(&out, STR("text/plain; charset=utf-8"), buf_view(&text));
	return arena_str(r->arena, buf_view(&out));
}

static void add_type_and(struct sieve_run *r, struct buf *out, struct str name,
	struct str type, struct str value)
{
	compose_tokens(out, name,
		str_c(arena_printf(r->arena, "%.*s; %.*s", STR_ARG(type),
			STR_ARG(value))));
}

/* The recipient as it was written at first, if that is known (RFC 3461). */
static void add_recipients(struct sieve_run *r, struct buf *out)
{
	struct str orcpt = r->env->n_rcpts ? r->env->rcpts[0].orcpt : STR_NULL;

	if (str_chr(orcpt, ';') > 0)
		compose_tokens(out, STR("Original-Recipient"),
			sieve_xtext(r->arena, orcpt));
	add_type_and(
		r, out, STR("Final-Recipient"), STR("rfc822"), get_rcpt(r));
}

static struct str get_host(const struct sieve_run *r)
{
	return r->settings->hostname.len ? r->settings->hostname
					 : STR("localhost");
}

static struct str end_part(
	struct sieve_run *r, const char *type, const struct buf *fields)
{
	AUTO(buf) struct buf out = BUF_INIT(REPLY_MAX);

	compose_entity(&out, str_c(type), buf_view(fields));
	return arena_str(r->arena, buf_view(&out));
}

static struct str make_mdn(struct sieve_run *r)
{
	AUTO(buf) struct buf b = BUF_INIT(REPLY_MAX);

	add_type_and(r, &b, STR("Reporting-UA"), get_host(r), STR("mailmill"));
	add_recipients(r, &b);
	if (reply_message_id(r).len)
		compose_tokens(
			&b, STR("Original-Message-ID"), reply_message_id(r));
	compose_tokens(&b, STR("Disposition"),
		STR("automatic-action/MDN-sent-automatically; deleted"));
	return end_part(r, "message/disposition-notification", &b);
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static struct str make_dsn(struct sieve_run *r, struct str reason)
{
	AUTO(buf) struct buf b = BUF_INIT(REPLY_MAX);

	add_type_and(r, &b, STR("Reporting-MTA"), STR("dns"), get_host(r));
	if (r->env->envid.len)
		compose_tokens(&b, STR("Original-Envelope-Id"),
			sieve_xtext(r->arena, r->env->envid));
	buf_c(&b, "\r\n");
	add_recipients(r, &b);
	compose_tokens(&b, STR("Action"), STR("failed"));
	compose_tokens(&b, STR("Status"), STR("5.7.1"));
	if (is_ascii(reason))
		add_type_and(r, &b, STR("Diagnostic-Code"), STR("smtp"),
			str_c(arena_printf(r->arena, "550 5.7.1 %.*s",
				STR_ARG(str_sub(reason, 0, DIAGNOSTIC_MAX)))));
	return end_part(r, "message/delivery-status", &b);
}

/* The header of the mail as it came, whatever the script did to it. */
static struct str make_returned(struct sieve_run *r)
{
	AUTO(buf) struct buf b = BUF_INIT(REPLY_MAX);
	const struct mail_part *root = mail_root(r->stored);
	size_t len = MIN((size_t)root->offset, mail_raw(r->stored).len);
	struct str header = str_sub(mail_raw(r->stored), 0, len), line;

	while (str_cut_line(&header, &line) && b.len < HEADER_MAX) {
		if (!line.len)
			continue;
		buf_str(&b, line);
		buf_c(&b, "\r\n");
	}
	return end_part(r, "text/rfc822-headers", &b);
}

/*
 * The report
 */

/* Whom an MDN is from is told by RFC 8098 3, a DSN by RFC 3464 2. */
static void add_from(struct sieve_run *r, struct buf *out, bool is_mdn)
{
	struct str phrase = STR("Postmaster");

	if (is_mdn)
		phrase = str_c(arena_printf(r->arena, "Postmaster, for %.*s",
			STR_ARG(get_rcpt(r))));
	reply_address(r, out, STR("From"), phrase,
		is_mdn ? get_rcpt(r) : sieve_postmaster(r));
}

static void add_report(
	struct sieve_run *r, struct buf *out, struct str reason, bool is_mdn)
{
	const struct mail_header *subject = reply_field(r, STR("Subject"));
	struct str parts[3];

	add_from(r, out, is_mdn);
	reply_address(r, out, STR("To"), STR(""), r->env->sender);
	reply_subject(r, out,
		str_c(arena_printf(r->arena, "Rejected: %.*s",
			STR_ARG(subject ? subject->value
					: STR("your message")))));
	compose_tokens(
		out, STR("Auto-Submitted"), STR("auto-replied (rejected)"));
	reply_threads(r, out);
	compose_tokens(out, STR("MIME-Version"), STR("1.0"));
	parts[0] = make_text(r, reason);
	parts[1] = is_mdn ? make_mdn(r) : make_dsn(r, reason);
	parts[2] = make_returned(r);
	compose_multipart(out,
		is_mdn ? STR("multipart/report; "
			     "report-type=disposition-notification")
		       : STR("multipart/report; report-type=delivery-status"),
		parts, COUNT(parts));
}

/* Tells why nobody is to be told, NULL: somebody is. */
static const char *find_silence(
	const struct sieve_run *r, enum plan_action_kind kind)
{
	struct str notify = r->env->n_rcpts ? r->env->rcpts[0].notify
					    : STR_NULL;

	if (!r->env->sender.len)
		return "it came from the null reverse-path";
	if (kind == PLAN_EREJECT && notify.len &&
		str_find_case(notify, STR("failure")) < 0)
		return "its sender wants no report (NOTIFY)";
	return NULL;
}

static int drop(struct sieve_run *r, const struct sieve_node *n,
	enum plan_action_kind kind, const char *why)
{
	sieve_add_note(r,
		str_c(arena_printf(r->arena,
			"%s: the mail is discarded and nobody told, since %s",
			plan_action_name(kind), why)));
	return sieve_add_action(r, n, PLAN_DISCARD, STR_NULL, false);
}

static int exec(struct sieve_run *r, const struct sieve_node *n,
	enum plan_action_kind kind)
{
	AUTO(buf) struct buf mail = BUF_INIT(REPLY_MAX);
	struct plan_action a = { .kind = kind, .n_rcpts = 1 };
	const char *silence = find_silence(r, kind);
	int rc = sieve_arg_get(r, n->positional[0], &a.value);

	if (rc < 0)
		return rc;
	if (reply_claim(r, kind) < 0)
		return SIEVE_FAILED;
	/* an earlier script has told the sender already */
	if (reply_is_planned(r, PLAN_REJECT) ||
		reply_is_planned(r, PLAN_EREJECT)) {
		r->is_kept = false;
		return SIEVE_GO_ON;
	}
	if (silence)
		return drop(r, n, kind, silence);
	a.value = utf8_cut(utf8_mend(r->arena, a.value), PLAN_VALUE_MAX);
	a.rcpts = ARENA_NEW(r->arena, struct str);
	a.rcpts[0] = r->env->sender;
	add_report(r, &mail, a.value, kind == PLAN_REJECT);
	return reply_add(r, n, &a, &mail);
}

static int exec_reject(struct sieve_run *r, const struct sieve_node *n)
{
	return exec(r, n, PLAN_REJECT);
}

static int exec_ereject(struct sieve_run *r, const struct sieve_node *n)
{
	return exec(r, n, PLAN_EREJECT);
}

/* What delivers may not stand beside a reject in a script (RFC 5429 2.4). */
static int check_action(
	struct sieve_run *r, const struct sieve_node *n, struct plan_action *a)
{
	bool is_delivery = a->kind == PLAN_KEEP || a->kind == PLAN_FILEINTO ||
			   a->kind == PLAN_REDIRECT;

	return n && is_delivery ? reply_claim(r, a->kind) : 0;
}

static const struct sieve_word reject_words[] = {
	{ .name = "reject",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "reason", 0 } },
		.exec = exec_reject },
	{ 0 },
};

const struct sieve_ext sieve_ext_reject = {
	.capability = "reject",
	.words = reject_words,
	.action_check = check_action,
};

static const struct sieve_word ereject_words[] = {
	{ .name = "ereject",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_STRING, "reason", 0 } },
		.exec = exec_ereject },
	{ 0 },
};

const struct sieve_ext sieve_ext_ereject = {
	.capability = "ereject",
	.words = ereject_words,
};
