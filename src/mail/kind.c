/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind.c - what kind of mail it is, by headers and structure.
 *
 * A list of judges in order; the first that is sure decides. What machines say
 * in fields made for it comes first (RFC 3464, 3834, 5965, 8098); a null
 * sender, a daemon's address or a subject alone prove nothing, two of them do.
 * In doubt a mail is ordinary: a robot that makes a record costs a glance, a
 * customer taken for a robot is lost.
 */
#include "bounce.h"

static const char *const kind_names[MAIL_N_KINDS] = {
	[MAIL_ORDINARY] = "ordinary",
	[MAIL_BOUNCE] = "bounce",
	[MAIL_DELAY] = "delay",
	[MAIL_SUCCESS_NOTICE] = "success-notice",
	[MAIL_AUTO_REPLY] = "auto-reply",
	[MAIL_AUTO_GENERATED] = "auto-generated",
	[MAIL_RECEIPT] = "receipt",
	[MAIL_FEEDBACK_REPORT] = "feedback-report",
	[MAIL_LIST] = "list",
	[MAIL_CALENDAR] = "calendar",
	[MAIL_CHALLENGE] = "challenge",
	[MAIL_LOOP] = "loop",
};

const char *mail_kind_name(enum mail_kind kind)
{
	return kind_names[kind];
}

struct clues {
	struct mail *m;
	bool is_null_sender, is_from_daemon;
	struct str subject, auto_submitted, precedence;
};

/* ---- small questions ---- */

static bool has(struct clues *c, const char *field)
{
	return header_raw(c->m, c->m->root, field).p != NULL;
}

static struct str get(struct clues *c, const char *field)
{
	return header_of(c->m, c->m->root, field);
}

static bool is(struct clues *c, const char *field, const char *value)
{
	return str_eq_case(get(c, field), str_c(value));
}

static bool begins_with_one(
	struct str s, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (str_starts_case(s, str_c(list[i])))
			return true;
	return false;
}

static const char *const daemons[] = { "mailer-daemon", "mailerdaemon",
	"mail-daemon", "mailer_daemon", "postmaster", "mail-master", "mailer",
	"mdaemon", "bounce-handler", "microsoftexchange" };

static bool is_daemon(struct clues *c)
{
	struct mail_address *list;
	size_t n = mail_addresses(
		c->m->arena, header_raw(c->m, c->m->root, "from"), &list);
	struct str who;

	if (n == 0)
		return false;
	who = list[0].local.len	    ? list[0].local
	      : list[0].address.len ? list[0].address
				    : list[0].name;
	return begins_with_one(who, daemons, COUNT(daemons)) ||
	       str_find_case(list[0].name, STR("mail delivery s")) >= 0;
}

/* ---- judges: each says a kind, or UNSURE ---- */

#define UNSURE MAIL_ORDINARY
#define RECEIVED_MAX 60
#define TEXT_LOOKED_AT 4000 /* bytes of the text, for old bounces */
#define DELIVERED_MAX 3	    /* times to the same address */

static enum mail_kind judge_loop(struct clues *c)
{
	struct fields *f = header_fields(c->m, c->m->root);
	struct str first = STR_NULL;
	size_t n_received = 0, n_same = 0;

	if (has(c, "x-mailmill-loop"))
		return MAIL_LOOP;
	for (size_t i = 0; i < f->n; i++) {
		struct mail_header *h = &f->items[i];
		n_received += str_eq_case(h->name, STR("received"));
		if (!str_eq_case(h->name, STR("delivered-to")) ||
			str_chr(h->raw, '@') < 0)
			continue;
		if (!first.p)
			first = str_trim(h->raw);
		n_same += str_eq_case(first, str_trim(h->raw));
	}
	return n_received > RECEIVED_MAX || n_same >= DELIVERED_MAX ? MAIL_LOOP
								    : UNSURE;
}

/* The worst of the actions that a delivery status tells (RFC 3464 2.3.3). */
static enum mail_kind read_actions(struct mail *m, struct mail_part *p)
{
	struct str rest = mail_part_bytes(m, p), line;
	enum mail_kind kind = UNSURE;

	rest = str_sub(rest, 0, MAIL_VALUE_MAX);
	while (str_cut_line(&rest, &line)) {
		struct str value;
		if (!str_starts_case(line, STR("action:")))
			continue;
		value = str_trim(str_sub(line, 7, line.len));
		if (str_starts_case(value, STR("fail")))
			return MAIL_BOUNCE;
		if (str_starts_case(value, STR("delay")))
			kind = MAIL_DELAY;
		else if (kind == UNSURE &&
			 (str_starts_case(value, STR("deliver")) ||
				 str_starts_case(value, STR("relay")) ||
				 str_starts_case(value, STR("expand"))))
			kind = MAIL_SUCCESS_NOTICE;
	}
	return kind;
}

/* Hotmail's complaints: no report, but a field in the mail complained of. */
static bool is_hotmail_complaint(struct mail *m, struct mail_part *p)
{
	struct str head = str_sub(m->raw, p->offset, 4096);

	return part_of(p)->is_message &&
	       str_find_case(head, STR("X-HmXmrOriginalRecipient:")) >= 0;
}

static enum mail_kind judge_report_part(struct mail *m, struct mail_part *p)
{
	if (is_hotmail_complaint(m, p))
		return MAIL_FEEDBACK_REPORT;
	if (!str_eq(p->type, STR("message")))
		return UNSURE;
	if (str_eq(p->subtype, STR("delivery-status")) ||
		str_eq(p->subtype, STR("global-delivery-status"))) {
		enum mail_kind kind = read_actions(m, p);
		return kind == UNSURE ? MAIL_BOUNCE : kind;
	}
	if (str_eq(p->subtype, STR("disposition-notification")))
		return MAIL_RECEIPT;
	if (str_eq(p->subtype, STR("feedback-report")))
		return MAIL_FEEDBACK_REPORT;
	return UNSURE;
}

/* Looks at the parts of the message, not at those of attached ones. */
static enum mail_kind judge_report(struct clues *c)
{
	struct part *root = c->m->root;
	struct mail_part *p = root->pub.first;
	struct str type = root->report_type;

	if (!p)
		return judge_report_part(c->m, &root->pub);
	for (; p; p = p->next) {
		enum mail_kind kind = judge_report_part(c->m, p);
		if (kind != UNSURE)
			return kind;
		if (part_of(p)->is_multipart && p->first)
			for (struct mail_part *q = p->first; q; q = q->next)
				if ((kind = judge_report_part(c->m, q)))
					return kind;
	}
	if (str_eq(type, STR("disposition-notification")))
		return MAIL_RECEIPT;
	if (str_eq(type, STR("feedback-report")) ||
		has(c, "x-hmxmroriginalrecipient"))
		return MAIL_FEEDBACK_REPORT;
	if (str_eq(type, STR("delivery-status")))
		return MAIL_BOUNCE;
	return UNSURE;
}

static const char *const delay_subjects[] = { "delivery status notification "
					      "(delay)",
	"warning: could not send", "warning: message", "delayed mail",
	"delayed:", "delivery delayed", "mail delivery delayed",
	"message delayed", "temporarily undeliverable",
	"delivery has been "
	"delayed",
	"still being retried", "not yet been delivered", "verz\xc3\xb6gert" };

static const char *const bounce_subjects[] = { "undeliver", "undelivered mail",
	"delivery status notification", "mail delivery fail", "returned mail",
	"failure notice", "delivery failure", "delivery fail", "nondeliverable",
	"non-deliver", "non recapitabile", "unzustellbar", "nicht zustellbar",
	"rejected mail", "mail system error", "returned to sender",
	"delivery report", "delivery notification", "message not delivered",
	"mail could not be delivered", "could not be delivered",
	"mail delivery problem", "mail failed", "mail status report",
	"mail rejected", "delivery error", "failed mail", "failed delivery",
	"message delivery failure", "email delivery failure",
	"warning: e-mail "
	"virus",
	"erreur d'acheminement", "non remis", "no se puede entregar",
	"\xe9\x85\x8d\xe4\xbf\xa1", "nepodarilo se dorucit", "ne peut etre",
	"returned to", "mail returned", "permanent delivery failure",
	"unable to deliver", "not delivered", "wurde nicht zugestellt",
	"address unknown", "user unknown", "delivery unsuccessful",
	"failure delivery", "error during delivery", "error sending your mail",
	"\xe3\x83\xa1\xe3\x83\xbc"
	"\xe3\x83\xab\xe3\x82\xa8\xe3\x83\xa9\xe3\x83\xbc" };

static const char *const bounce_texts[] = { "qmail-send program",
	"were undeliverable", "permanent error", "fatal error", "unknown user",
	"no such user", "user unknown", "mailbox full", "mailbox is full",
	"quota exceeded", "over quota", "mailbox quota", "able to deliver",
	"could not be delivered", "error delivering" };

static const char *const vacation_subjects[] = { "automatic reply",
	"auto reply", "auto-reply", "autoreply", "auto response",
	"auto-response", "autoresponse", "automatische antwort",
	"abwesenheitsnotiz", "abwesenheit", "out of office", "out-of-office",
	"out of the office", "away from my", "on vacation", "vacation",
	"urlaub", "r\xc3\xa9ponse automatique", "message d'absence", "absence",
	"respuesta autom\xc3\xa1tica", "fuera de la oficina",
	"risposta automatica", "fuori sede", "fuori ufficio",
	"automatisch antwoord", "afwezig", "autosvar", "automatiskt svar",
	"automatisk svar", "poissa", "automaattinen vastaus",
	"odpowied\xc5\xba automatyczna", "automatick\xc3\xa1 odpov",
	"automatikus v\xc3\xa1lasz", "resposta autom\xc3\xa1tica",
	("\xd0\xb0\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1"
	 "\x82"),
	"\xe8\x87\xaa\xe5\x8a\xa8\xe7\xad\x94\xe5\xa4\x8d",
	"\xe8\x87\xaa\xe5\x8b\x95\xe5\xbf\x9c\xe7\xad\x94",
	"\xec\x9e\x90\xeb\x8f\x99 \xed\x9a\x8c\xec\x8b\xa0" };

static bool is_bulk(struct clues *c)
{
	return str_eq_case(c->precedence, STR("bulk")) ||
	       str_eq_case(c->precedence, STR("junk"));
}

static bool is_list(struct clues *c)
{
	return has(c, "list-id") || has(c, "list-post") ||
	       has(c, "mailing-list") || has(c, "x-mailing-list") ||
	       str_eq_case(c->precedence, STR("list")) ||
	       (has(c, "list-unsubscribe") &&
		       (is_bulk(c) || has(c, "list-unsubscribe-post"))) ||
	       has(c, "x-mailman-version") || has(c, "x-beenthere");
}

/* Somebody answers or passes on a notice: it is his mail. */
static bool is_passed_on(struct clues *c)
{
	struct str base;

	return mail_value(c->m, STR("subject_base"), &base) == 0 &&
	       base.len < c->subject.len;
}

/* A part that is a mail from the address that this one is to. */
static bool has_own_mail(struct clues *c)
{
	struct mail_address *to;
	size_t n = mail_addresses(
		c->m->arena, header_raw(c->m, c->m->root, "to"), &to);

	if (n != 1 || !to->is_valid || is_passed_on(c))
		return false;
	for (struct mail_part *p = c->m->root->pub.first; p; p = p->next) {
		struct mail_address *from;
		struct str raw;
		if (!part_of(p)->is_message || !p->first)
			continue;
		raw = header_raw(c->m, part_of(p->first), "from");
		if (mail_addresses(c->m->arena, raw, &from) &&
			str_eq_case(from->address, to->address))
			return true;
	}
	return false;
}

/* A part that is the mail that came back, or the text of one. */
static bool returns_mail(struct clues *c)
{
	struct str original;

	for (struct mail_part *p = c->m->root->pub.first; p; p = p->next)
		if (part_of(p)->is_message ||
			str_eq(p->subtype, STR("rfc822-headers")))
			return true;
	bounce_notice(str_sub(mail_text(c->m), 0, BOUNCE_TEXT_MAX), &original);
	return original.len > 0;
}

/* Bounces that are no multipart/report: two signs are needed. */
static enum mail_kind judge_old_bounce(struct clues *c)
{
	bool is_delay = text_holds_one(
		c->subject, delay_subjects, COUNT(delay_subjects));
	bool is_subject = text_holds_one(
		c->subject, bounce_subjects, COUNT(bounce_subjects));

	if (has(c, "x-failed-recipients"))
		return is_delay ? MAIL_DELAY : MAIL_BOUNCE;
	if (has_own_mail(c) &&
		text_holds_one(str_sub(mail_text(c->m), 0, TEXT_LOOKED_AT),
			bounce_texts, COUNT(bounce_texts)))
		return is_delay ? MAIL_DELAY : MAIL_BOUNCE;
	if (is_subject && !is_list(c) && !is_passed_on(c) && returns_mail(c))
		return is_delay ? MAIL_DELAY : MAIL_BOUNCE;
	if (!c->is_from_daemon && !(c->is_null_sender && is_subject))
		return is_delay && c->is_null_sender ? MAIL_DELAY : UNSURE;
	if (is_delay)
		return MAIL_DELAY;
	if (is_subject)
		return MAIL_BOUNCE;
	if (c->is_from_daemon && !is_list(c) &&
		text_holds_one(str_sub(mail_text(c->m), 0, TEXT_LOOKED_AT),
			bounce_texts, COUNT(bounce_texts)))
		return MAIL_BOUNCE;
	return UNSURE;
}

static const char *const challenge_subjects[] = { "please confirm your message",
	"confirm your message", "please verify your e-mail",
	"verification of your e", "your email requires verification",
	"re: your email requires", "sender verification", "boxbe",
	"please confirm your e-mail", "[spam-arrest]",
	"your message has been quarantined" };

static enum mail_kind judge_challenge(struct clues *c)
{
	bool is_subject = text_holds_one(
		c->subject, challenge_subjects, COUNT(challenge_subjects));

	if (has(c, "x-boxbe-challenge") || has(c, "x-challenge-response") ||
		has(c, "x-spamarrest-challenge"))
		return MAIL_CHALLENGE;
	if (is_subject &&
		(c->is_null_sender || is_bulk(c) || c->auto_submitted.len ||
			has(c, "x-tmda-fingerprint") ||
			str_find_case(
				get(c, "x-delivery-agent"), STR("tmda")) >= 0))
		return MAIL_CHALLENGE;
	return UNSURE;
}

static enum mail_kind judge_auto_reply(struct clues *c)
{
	static const char *const fields[] = { "x-autoreply", "x-autoreply-from",
		"x-mail-autoreply", "x-autorespond", "x-autoresponder",
		"x-auto-reply", "x-auto-reply-from", "x-vacation" };
	bool is_vacation;

	if (str_starts_case(c->auto_submitted, STR("auto-replied")))
		return MAIL_AUTO_REPLY;
	for (size_t i = 0; i < COUNT(fields); i++)
		if (has(c, fields[i]) && !is(c, fields[i], "no"))
			return MAIL_AUTO_REPLY;
	if (str_eq_case(c->precedence, STR("auto_reply")) ||
		is(c, "x-apple-action", "vacation") ||
		is(c, "delivered-to", "autoresponder") ||
		str_find_case(get(c, "x-post-messageclass"),
			STR("autoresponder")) >= 0)
		return MAIL_AUTO_REPLY;
	is_vacation = text_holds_one(
		c->subject, vacation_subjects, COUNT(vacation_subjects));
	if (is_vacation && !is_list(c) &&
		(c->is_null_sender || is_bulk(c) ||
			has(c, "x-auto-response-suppress") ||
			(c->auto_submitted.len &&
				!str_starts_case(
					c->auto_submitted, STR("no")))))
		return MAIL_AUTO_REPLY;
	return UNSURE;
}

static enum mail_kind judge_calendar(struct clues *c)
{
	size_t n = 0;

	for (struct mail_part *p = mail_root(c->m); p && n < 100;
		p = mail_next(p), n++) {
		if (p->parent && part_of(p->parent)->is_message)
			continue;
		if (str_eq(p->type, STR("text")) &&
			str_eq(p->subtype, STR("calendar")) &&
			(part_of(p)->method.len || !p->parent))
			return MAIL_CALENDAR;
	}
	return UNSURE;
}

static enum mail_kind judge_generated(struct clues *c)
{
	if (c->auto_submitted.len &&
		!str_starts_case(c->auto_submitted, STR("no")))
		return MAIL_AUTO_GENERATED;
	if (is(c, "x-fc-machinegenerated", "true"))
		return MAIL_AUTO_GENERATED;
	if (c->is_null_sender && (c->is_from_daemon || is_bulk(c)))
		return MAIL_AUTO_GENERATED;
	return UNSURE;
}

static enum mail_kind judge_list(struct clues *c)
{
	return is_list(c) ? MAIL_LIST : UNSURE;
}

static enum mail_kind (*const judges[])(struct clues *c) = {
	judge_loop,
	judge_report,
	judge_old_bounce,
	judge_challenge,
	judge_auto_reply,
	judge_generated,
	judge_calendar,
	judge_list,
};

enum mail_kind mail_kind(struct mail *m, const char *sender)
{
	struct clues c = { .m = m };
	struct str path = sender ? str_c(sender) : get(&c, "return-path");

	/* some write the daemon's name where the null path belongs */
	if (str_starts(path, STR("<")))
		path = str_sub(path, 1, path.len - 2);
	c.is_null_sender = path.p &&
			   (path.len == 0 || begins_with_one(path, daemons,
						     COUNT(daemons)));
	c.is_from_daemon = is_daemon(&c);
	c.subject = get(&c, "subject");
	c.auto_submitted = get(&c, "auto-submitted");
	c.precedence = get(&c, "precedence");
	for (size_t i = 0; i < COUNT(judges); i++) {
		enum mail_kind kind = judges[i](&c);
		if (kind != UNSURE)
			return kind;
	}
	return MAIL_ORDINARY;
}
