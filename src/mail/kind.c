/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind.c - what kind of mail it is, by headers and structure.
 *
 * A list of judges in order; the first that is sure decides, and says by what:
 * the evidence. What machines say in fields made for it comes first (RFC 3464,
 * 3834, 5965, 8098); a null sender, a daemon's address or a subject alone prove
 * nothing, two of them do. In doubt a mail is ordinary: a robot that makes a
 * record costs a glance, a customer taken for a robot is lost.
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

#define EVIDENCE_MAX 8
#define EVIDENCE_LEN ((size_t)150)

struct kind_verdict {
	struct str path; /* that it was made with */
	bool has_path;
	enum mail_kind kind;
	struct str evidence[EVIDENCE_MAX];
	size_t n;
};

struct clues {
	struct mail *m;
	bool is_null_sender, is_from_daemon;
	bool is_sent_by_person; /* the reverse-path is known, and no daemon's */
	struct str subject, auto_submitted, precedence;
	struct str evidence[EVIDENCE_MAX];
	size_t n_evidence;
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

static bool holds(struct clues *c, const char *field, const char *text)
{
	return str_find_case(get(c, field), str_c(text)) >= 0;
}

static bool begins_with_one(
	struct str s, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (str_starts_case(s, str_c(list[i])))
			return true;
	return false;
}

/* ---- evidence ---- */

static void note(struct clues *c, const char *fmt, ...) PRINTF(2, 3);

static void note(struct clues *c, const char *fmt, ...)
{
	va_list ap;
	struct str text;

	if (c->n_evidence == EVIDENCE_MAX)
		return;
	va_start(ap, fmt);
	text = str_c(arena_vprintf(c->m->arena, fmt, ap));
	va_end(ap);
	c->evidence[c->n_evidence++] = utf8_cut(
		utf8_mend(c->m->arena, text), EVIDENCE_LEN);
}

static void note_field(struct clues *c, const char *field)
{
	struct str value = get(c, field);

	if (value.len)
		note(c, "%s: %.*s", field, STR_ARG(value));
	else
		note(c, "%s", field);
}

/* What makes a notice believable beside its words. */
static void note_sender(struct clues *c)
{
	if (c->is_null_sender)
		note(c, "null sender");
	if (c->is_from_daemon)
		note_field(c, "From");
}

static void note_part(struct clues *c, const struct mail_part *p)
{
	note(c, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype));
}

static void note_report(struct clues *c)
{
	struct part *root = c->m->root;

	if (root->report_type.len)
		note(c, "%.*s/%.*s; report-type=%.*s", STR_ARG(root->pub.type),
			STR_ARG(root->pub.subtype), STR_ARG(root->report_type));
}

/* ---- who sent it ---- */

static const char *const daemons[] = { "mailer-daemon", "mailerdaemon",
	"mail-daemon", "mailer_daemon", "postmaster", "mail-master", "mailer",
	"mdaemon", "bounce-handler", "microsoftexchange", "post_master",
	"post-master" };

static bool is_daemon(struct clues *c)
{
	struct mail_address *list;
	struct str raw = header_raw(c->m, c->m->root, "from");
	size_t n = mail_addresses(c->m->arena, raw, &list);
	struct str who;

	if (str_eq(str_trim(raw), STR("<>")))
		return true;
	if (n == 0)
		return false;
	who = list[0].local.len	    ? list[0].local
	      : list[0].address.len ? list[0].address
				    : list[0].name;
	return begins_with_one(who, daemons, COUNT(daemons)) ||
	       str_find_case(list[0].name, STR("mail delivery s")) >= 0 ||
	       str_find_case(list[0].name, STR("mail deliver s")) >= 0;
}

/* ---- judges: each says a kind, or UNSURE ---- */

#define UNSURE MAIL_ORDINARY
#define RECEIVED_MAX 60
#define TEXT_LOOKED_AT 4000 /* bytes of the text, for old bounces */
#define DELIVERED_MAX 3	    /* times to the same address */

/* A field that says the address at which the mail has arrived now. */
static bool is_here(struct clues *c, struct str address)
{
	static const char *const fields[] = { "delivered-to", "x-original-to",
		"envelope-to", "x-envelope-to" };

	for (size_t i = 0; i < COUNT(fields); i++)
		if (str_eq_case(get(c, fields[i]), address))
			return true;
	return false;
}

static enum mail_kind judge_loop(struct clues *c)
{
	struct fields *f = header_fields(c->m, c->m->root);
	struct str first = STR_NULL;
	size_t n_received = 0, n_same = 0;

	if (has(c, "x-mailmill-loop")) {
		note(c, "X-Mailmill-Loop: it was here before");
		return MAIL_LOOP;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct mail_header *h = &f->items[i];
		struct str raw = str_trim(h->raw);
		n_received += str_eq_case(h->name, STR("received"));
		if (str_eq_case(h->name, STR("x-loop")) &&
			str_chr(raw, '@') > 0 && is_here(c, raw)) {
			note(c, "X-Loop: %.*s, where it is now", STR_ARG(raw));
			return MAIL_LOOP;
		}
		if (!str_eq_case(h->name, STR("delivered-to")) ||
			str_chr(raw, '@') < 0)
			continue;
		if (!first.p)
			first = raw;
		n_same += str_eq_case(first, raw);
	}
	if (n_received > RECEIVED_MAX)
		note(c, "Received: %zu times", n_received);
	if (n_same >= DELIVERED_MAX)
		note(c, "Delivered-To: %.*s %zu times", STR_ARG(first), n_same);
	return c->n_evidence ? MAIL_LOOP : UNSURE;
}

/* The worst of the actions that a delivery status tells (RFC 3464 2.3.3). */
static enum mail_kind read_actions(struct clues *c, struct mail_part *p)
{
	struct str rest = mail_part_bytes(c->m, p), line, told = STR_NULL;
	enum mail_kind kind = UNSURE;

	rest = str_sub(rest, 0, MAIL_VALUE_MAX);
	while (kind != MAIL_BOUNCE && str_cut_line(&rest, &line)) {
		struct str value;
		if (!str_starts_case(line, STR("action:")))
			continue;
		value = str_trim(str_sub(line, 7, line.len));
		if (str_starts_case(value, STR("fail")))
			kind = MAIL_BOUNCE;
		else if (str_starts_case(value, STR("delay")))
			kind = MAIL_DELAY;
		else if (kind == UNSURE &&
			 (str_starts_case(value, STR("deliver")) ||
				 str_starts_case(value, STR("relay")) ||
				 str_starts_case(value, STR("expand"))))
			kind = MAIL_SUCCESS_NOTICE;
		else
			continue;
		told = value;
	}
	if (kind != UNSURE)
		note(c, "Action: %.*s", STR_ARG(told));
	return kind;
}

/* Hotmail's complaints: no report, but a field in the mail complained of. */
static bool is_hotmail_complaint(struct mail *m, struct mail_part *p)
{
	struct str head = str_sub(m->raw, p->offset, 4096);

	return part_of(p)->is_message &&
	       str_find_case(head, STR("X-HmXmrOriginalRecipient:")) >= 0;
}

/*
 * A notice of RFC 8098 that the mail was deleted: a script refused it (RFC
 * 5429 2.2.1), or a person did not read it. The former is a bounce.
 */
static bool is_refusal(struct clues *c, struct mail_part *p)
{
	struct str bytes = str_sub(mail_part_bytes(c->m, p), 0, 4096);

	return str_find_case(bytes, STR("deleted")) >= 0 &&
	       (str_find_case(c->auto_submitted, STR("rejected")) >= 0 ||
		       str_find_case(c->subject, STR("rejected")) >= 0);
}

static enum mail_kind judge_report_part(struct clues *c, struct mail_part *p)
{
	if (is_hotmail_complaint(c->m, p)) {
		note(c, "X-HmXmrOriginalRecipient");
		return MAIL_FEEDBACK_REPORT;
	}
	if (!str_eq(p->type, STR("message")))
		return UNSURE;
	if (str_eq(p->subtype, STR("delivery-status")) ||
		str_eq(p->subtype, STR("global-delivery-status"))) {
		enum mail_kind kind;
		note_part(c, p);
		kind = read_actions(c, p);
		return kind == UNSURE ? MAIL_BOUNCE : kind;
	}
	if (str_eq(p->subtype, STR("disposition-notification")) ||
		str_eq(p->subtype, STR("global-disposition-notification"))) {
		note_part(c, p);
		if (!is_refusal(c, p))
			return MAIL_RECEIPT;
		note(c, "deleted and rejected");
		return MAIL_BOUNCE;
	}
	if (str_eq(p->subtype, STR("feedback-report"))) {
		note_part(c, p);
		return MAIL_FEEDBACK_REPORT;
	}
	return UNSURE;
}

static enum mail_kind judge_report_type(struct clues *c)
{
	static const struct {
		const char *type;
		enum mail_kind kind;
	} types[] = {
		{ "disposition-notification", MAIL_RECEIPT },
		{ "feedback-report", MAIL_FEEDBACK_REPORT },
		{ "tlsrpt", MAIL_FEEDBACK_REPORT },
		{ "delivery-status", MAIL_BOUNCE },
	};

	for (size_t i = 0; i < COUNT(types); i++)
		if (str_eq(c->m->root->report_type, str_c(types[i].type)))
			return types[i].kind;
	if (has(c, "x-hmxmroriginalrecipient")) {
		note_field(c, "X-HmXmrOriginalRecipient");
		return MAIL_FEEDBACK_REPORT;
	}
	return UNSURE;
}

/* Looks at the parts of the message, not at those of attached ones. */
static enum mail_kind judge_report(struct clues *c)
{
	struct mail_part *p = c->m->root->pub.first;
	enum mail_kind kind;

	if (!p)
		return judge_report_part(c, &c->m->root->pub);
	note_report(c);
	for (; p; p = p->next) {
		kind = judge_report_part(c, p);
		if (kind != UNSURE)
			return kind;
		if (part_of(p)->is_multipart && p->first)
			for (struct mail_part *q = p->first; q; q = q->next)
				if ((kind = judge_report_part(c, q)))
					return kind;
	}
	kind = judge_report_type(c);
	if (kind == UNSURE)
		c->n_evidence = 0;
	return kind;
}

/* Amazon's notices in JSON. */
static enum mail_kind judge_ses(struct clues *c)
{
	enum mail_kind kind = bounce_ses_kind(c->m);

	if (kind != UNSURE)
		note(c, "notificationType of Amazon SES");
	return kind;
}

/* DMARC's and TLS' reports: by their fields, subject, types and file names. */
static enum mail_kind judge_aggregate(struct clues *c)
{
	const struct mail_feedback *f = feedback_aggregate(c->m);

	if (!f)
		return UNSURE;
	note(c, "%.*s report", STR_ARG(f->type));
	return MAIL_FEEDBACK_REPORT;
}

static bool is_bulk(struct clues *c)
{
	return str_eq_case(c->precedence, STR("bulk")) ||
	       str_eq_case(c->precedence, STR("junk"));
}

static bool is_automatic(struct clues *c)
{
	return c->auto_submitted.len &&
	       !str_starts_case(c->auto_submitted, STR("no"));
}

static bool is_list(struct clues *c)
{
	return mail_list(c->m)->sign != NULL;
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

/* Nobody writes to the address that a list or a shop sends from. */
static bool is_to_bounces(struct clues *c)
{
	struct mail_address *to;
	size_t n = mail_addresses(
		c->m->arena, header_raw(c->m, c->m->root, "to"), &to);

	return n == 1 && str_find_case(to->local, STR("bounce")) >= 0;
}

/* The first line alone when the reverse-path says that a person wrote. */
static const char *find_bounce_text(struct clues *c)
{
	struct str text = str_sub(mail_text(c->m), 0, TEXT_LOOKED_AT), line;

	if (c->is_sent_by_person && str_cut_line(&text, &line))
		text = line;
	return kind_find_word(KIND_WORD_BOUNCE_TEXT, text);
}

/* It has a bounce's subject, but the program goes on trying. */
static enum mail_kind judge_again(struct clues *c, enum mail_kind kind)
{
	const char *words = kind_find_word(KIND_WORD_DELAY_TEXT,
		str_sub(mail_text(c->m), 0, TEXT_LOOKED_AT));

	if (kind != MAIL_BOUNCE || !words)
		return kind;
	note(c, "text: %s", words);
	return MAIL_DELAY;
}

/* Bounces that are no multipart/report: two signs are needed. */
static enum mail_kind judge_old_bounce(struct clues *c)
{
	const char *delay = kind_find_word(KIND_WORD_DELAY, c->subject);
	const char *subject = kind_find_word(KIND_WORD_BOUNCE, c->subject);
	enum mail_kind kind = delay ? MAIL_DELAY : MAIL_BOUNCE;
	const char *text;

	if (has(c, "x-failed-recipients")) {
		note_field(c, "X-Failed-Recipients");
		return judge_again(c, kind);
	}
	if (subject || delay)
		note(c, "Subject: %.*s", STR_ARG(c->subject));
	if (subject && !is_list(c) && !is_passed_on(c) && returns_mail(c)) {
		note(c, "returns a mail");
		note_sender(c);
		return judge_again(c, kind);
	}
	if (c->is_from_daemon || (c->is_null_sender && (subject || delay))) {
		note_sender(c);
		if (subject || delay)
			return judge_again(c, kind);
	}
	if (subject && is_to_bounces(c)) {
		note(c, "To: an address for bounces");
		return judge_again(c, kind);
	}
	text = find_bounce_text(c);
	if (text && ((c->is_from_daemon && !is_list(c)) || has_own_mail(c))) {
		note(c, "text: %s", text);
		return judge_again(c, kind);
	}
	c->n_evidence = 0;
	return UNSURE;
}

/* Services that ask the sender to prove that he is a person. */
static enum mail_kind judge_challenge(struct clues *c)
{
	static const char *const fields[] = { "X-Boxbe-Challenge",
		"X-Challenge-Response", "X-Spamarrest-Challenge",
		"X-Bluebottle-Request", "X-TMDA-Confirm-Address",
		"X-ChoiceMail-Registration-Request", "X-UOL-Antispam",
		"X-MailInBlack-Challenge", "X-Knowspam-Challenge",
		"X-Boxtrapper" };
	const char *word;

	for (size_t i = 0; i < COUNT(fields); i++)
		if (has(c, fields[i])) {
			note_field(c, fields[i]);
			return MAIL_CHALLENGE;
		}
	if (is(c, "x-autorespond", "boxtrapper") ||
		is(c, "x-spam-boxtrapper", "yes")) {
		note(c, "Boxtrapper");
		return MAIL_CHALLENGE;
	}
	word = kind_find_word(KIND_WORD_CHALLENGE, c->subject);
	if (!word || is_list(c))
		return UNSURE;
	if (c->is_null_sender || is_bulk(c) || is_automatic(c) ||
		has(c, "x-tmda-fingerprint") || has(c, "x-autorespond") ||
		holds(c, "x-delivery-agent", "tmda") ||
		holds(c, "from", "antispam") ||
		holds(c, "from", "spamarrest") ||
		holds(c, "from", "spamblocker-challenge")) {
		note(c, "Subject: %.*s", STR_ARG(c->subject));
		note_sender(c);
		return MAIL_CHALLENGE;
	}
	return UNSURE;
}

/* Receipts that are no report: Exchange, Outlook, Lotus Notes. */
static enum mail_kind judge_old_receipt(struct clues *c)
{
	static const char *const classes[] = { "REPORT.IPM.Note.IPNRN",
		"REPORT.IPM.Note.IPNNRN", "Report.IPM.Note.IPNRN" };
	struct str class = get(c, "x-ms-tnef-class");

	if (str_find_case(get(c, "x-notes-item"), STR("Return Receipt")) >= 0 ||
		str_starts(c->subject, STR("Return Receipt (displayed)"))) {
		note(c, "Subject: %.*s", STR_ARG(c->subject));
		return MAIL_RECEIPT;
	}
	for (size_t i = 0; i < COUNT(classes); i++)
		if (str_find(class, str_c(classes[i])) >= 0) {
			note(c, "%s", classes[i]);
			return MAIL_RECEIPT;
		}
	return UNSURE;
}

/*
 * A program's words as the whole subject or before a colon in it, and an answer
 * that is short, quotes nothing and says that somebody is away.
 */
static enum mail_kind judge_absence(struct clues *c)
{
	const char *mark = kind_begins_word(
		KIND_WORD_VACATION_MARK, c->subject);
	const char *words;
	struct str text, rest;

	if (!mark || c->is_from_daemon)
		return UNSURE;
	rest = str_trim(str_sub(c->subject, strlen(mark), SIZE_MAX));
	if (rest.len && !strchr(":-(", rest.p[0]) &&
		!str_starts(rest, STR("\xef\xbc\x9a")) &&
		!str_ends(str_c(mark), STR(":")))
		return UNSURE;
	text = mail_text(c->m);
	words = kind_find_word(KIND_WORD_VACATION_TEXT, str_sub(text, 0, 1500));
	if (!words || text.len > 4000 || mail_reply(c->m).len * 2 < text.len)
		return UNSURE;
	note(c, "Subject: %.*s", STR_ARG(c->subject));
	note(c, "text: %s", words);
	return MAIL_AUTO_REPLY;
}

static enum mail_kind judge_auto_reply(struct clues *c)
{
	static const char *const fields[] = { "X-Autoreply", "X-Autoreply-From",
		"X-Mail-Autoreply", "X-Autorespond", "X-Autoresponder",
		"X-Auto-Reply", "X-Auto-Reply-From", "X-Vacation",
		"X-Autogenerated-Reply", "X-FC-MachineGenerated-Reply" };
	static const struct {
		const char *field, *text;
	} signs[] = {
		{ "X-Apple-Action", "vacation" },
		{ "Delivered-To", "autoresponder" },
		{ "X-Post-MessageClass", "autoresponder" },
		{ "X-Autogenerated", "reply" },
		{ "X-MS-Exchange-Inbox-Rules-Loop", "@vacation" },
		{ "X-Mailer", "vacation" },
		{ "Preference", "autoreply" },
	};

	if (str_starts_case(c->auto_submitted, STR("auto-replied")) ||
		str_starts_case(c->auto_submitted, STR("auto-notified"))) {
		note_field(c, "Auto-Submitted");
		return MAIL_AUTO_REPLY;
	}
	for (size_t i = 0; i < COUNT(fields); i++)
		if (has(c, fields[i]) && !is(c, fields[i], "no")) {
			note_field(c, fields[i]);
			return MAIL_AUTO_REPLY;
		}
	for (size_t i = 0; i < COUNT(signs); i++)
		if (holds(c, signs[i].field, signs[i].text)) {
			note_field(c, signs[i].field);
			return MAIL_AUTO_REPLY;
		}
	if (str_eq_case(c->precedence, STR("auto_reply")) ||
		str_eq_case(c->precedence, STR("auto-reply"))) {
		note_field(c, "Precedence");
		return MAIL_AUTO_REPLY;
	}
	return UNSURE;
}

/* A subject of absence, and a field that programs write. */
static enum mail_kind judge_vacation(struct clues *c)
{
	bool is_answer = is_automatic(c);

	if (!is_answer && is_list(c))
		return judge_absence(c);
	if (!kind_find_word(KIND_WORD_VACATION, c->subject))
		return UNSURE;
	if (is_answer)
		note_field(c, "Auto-Submitted");
	else if (c->is_null_sender)
		note(c, "null sender");
	else if (is_bulk(c))
		note_field(c, "Precedence");
	else if (has(c, "x-auto-response-suppress"))
		note_field(c, "X-Auto-Response-Suppress");
	else
		return judge_absence(c);
	note(c, "Subject: %.*s", STR_ARG(c->subject));
	return MAIL_AUTO_REPLY;
}

/* The method that the calendar itself tells, unless it is but a file. */
static struct str method_within(struct clues *c, struct mail_part *p)
{
	struct str rest, line;

	if (str_eq(p->disposition, STR("attachment")))
		return STR("");
	rest = str_sub(mail_part_bytes(c->m, p), 0, TEXT_LOOKED_AT);
	while (str_cut_line(&rest, &line))
		if (str_starts_case(line, STR("METHOD:")))
			return kind_lower(
				c->m->arena, str_trim(utf8_mend(c->m->arena,
						     str_sub(line, 7, 40))));
	return STR("");
}

static enum mail_kind judge_calendar(struct clues *c)
{
	size_t n = 0;

	for (struct mail_part *p = mail_root(c->m); p && n < 100;
		p = mail_next_outside(p), n++) {
		struct str method = part_of(p)->method;
		if (!str_eq(p->type, STR("text")) ||
			!str_eq(p->subtype, STR("calendar")))
			continue;
		if (!method.len)
			method = method_within(c, p);
		if (!method.len && p->parent)
			continue;
		if (method.len)
			note(c, "text/calendar; method=%.*s", STR_ARG(method));
		else
			note(c, "text/calendar");
		return MAIL_CALENDAR;
	}
	return UNSURE;
}

static bool is_from_nobody(struct clues *c)
{
	static const char *const locals[] = { "noreply", "no-reply", "no_reply",
		"donotreply", "do-not-reply", "do_not_reply", "nepasrepondre",
		"ne-pas-repondre", "nicht-antworten", "keine-antwort",
		"keineantwort", "noresponder", "no-responder", "noresponda",
		"nao-responda", "naoresponda", "nonrispondere",
		"non-rispondere", "notification", "notifications" };
	struct str local;

	return mail_value(c->m, STR("from.local"), &local) == 0 &&
	       begins_with_one(local, locals, COUNT(locals)) &&
	       !has(c, "reply-to");
}

static enum mail_kind judge_generated(struct clues *c)
{
	static const struct {
		const char *field, *value;
	} signs[] = {
		{ "X-FC-MachineGenerated", "true" },
		{ "X-OTRS-Loop", "yes" },
		{ "X-OTRS-Loop", "true" },
		{ "X-Loop", "yes" },
		{ "X-Loop", "true" },
		{ "X-Autogenerated", "yes" },
		{ "X-MS-Exchange-Generated-Message-Source",
			"Mailbox Rules Agent" },
	};

	if (is_automatic(c)) {
		note_field(c, "Auto-Submitted");
		return MAIL_AUTO_GENERATED;
	}
	for (size_t i = 0; i < COUNT(signs); i++)
		if (is(c, signs[i].field, signs[i].value)) {
			note_field(c, signs[i].field);
			return MAIL_AUTO_GENERATED;
		}
	if (c->is_null_sender && (c->is_from_daemon || is_bulk(c))) {
		note_sender(c);
		if (is_bulk(c))
			note_field(c, "Precedence");
		return MAIL_AUTO_GENERATED;
	}
	if (!is_list(c) && is_from_nobody(c) &&
		(is_bulk(c) || has(c, "x-auto-response-suppress"))) {
		note_field(c, "From");
		note_field(c,
			is_bulk(c) ? "Precedence" : "X-Auto-Response-Suppress");
		return MAIL_AUTO_GENERATED;
	}
	return UNSURE;
}

static enum mail_kind judge_list(struct clues *c)
{
	const char *sign = mail_list(c->m)->sign;

	if (!sign)
		return UNSURE;
	if (has(c, sign))
		note_field(c, sign);
	else
		note(c, "%s", sign);
	return MAIL_LIST;
}

static enum mail_kind (*const judges[])(struct clues *c) = {
	judge_loop,
	judge_report,
	judge_aggregate,
	judge_ses,
	judge_old_bounce,
	judge_old_receipt,
	judge_challenge,
	judge_calendar,
	judge_auto_reply,
	judge_vacation,
	judge_generated,
	judge_list,
};

static enum mail_kind judge(struct clues *c, struct str path)
{
	/* some write the daemon's name where the null path belongs */
	if (str_starts(path, STR("<")))
		path = str_sub(path, 1, path.len - 2);
	c->is_null_sender = path.p &&
			    (path.len == 0 || begins_with_one(path, daemons,
						      COUNT(daemons)));
	c->is_sent_by_person = path.len && !c->is_null_sender;
	c->is_from_daemon = is_daemon(c);
	c->subject = get(c, "subject");
	c->auto_submitted = get(c, "auto-submitted");
	c->precedence = get(c, "precedence");
	for (size_t i = 0; i < COUNT(judges); i++) {
		enum mail_kind kind = judges[i](c);
		if (kind != UNSURE)
			return kind;
		c->n_evidence = 0;
	}
	return MAIL_ORDINARY;
}

/* Judges once for a reverse-path; rules ask with the same one each time. */
static const struct kind_verdict *verdict_of(struct mail *m, const char *sender)
{
	struct kind_verdict *v = m->verdict;
	struct clues c = { .m = m };
	struct str path;

	if (v && v->has_path == (sender != NULL) &&
		(!sender || str_eq(v->path, str_c(sender))))
		return v;
	v = ARENA_NEW(m->arena, struct kind_verdict);
	path = sender ? str_c(sender) : get(&c, "return-path");
	v->has_path = sender != NULL;
	v->path = arena_str(m->arena, path);
	v->kind = judge(&c, path);
	memcpy(v->evidence, c.evidence, sizeof(v->evidence));
	v->n = c.n_evidence;
	m->verdict = v;
	return v;
}

enum mail_kind mail_kind(struct mail *m, const char *sender)
{
	return verdict_of(m, sender)->kind;
}

size_t mail_kind_evidence(
	struct mail *m, const char *sender, const struct str **out)
{
	const struct kind_verdict *v = verdict_of(m, sender);

	*out = v->evidence;
	return v->n;
}
