/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bounce.c - who was not reached, and why (RFC 3464, and all the others).
 *
 * Three sources, the surer first: a delivery status made for machines, the
 * X-Failed-Recipients of Exim and Gmail, and the notice in words. What they say
 * of one recipient is put together, so that a status that says no more than
 * "5.0.0" gets its reason from the words. When nobody is named at all, the
 * returned message's To: is taken, and the answer is marked as a guess.
 */
#include "bounce.h"

struct reading {
	struct mail *m;
	struct arena *a;
	struct mail_bounce *items;
	size_t n;
	struct str notice, original;
	struct str host; /* Reporting-MTA */
	struct str own[16];
	size_t n_own;
	bool is_delay;
};

/*
 * A delivery status: groups of fields with empty lines between them
 */

/* Takes "rfc822; " or "smtp;" off a field's value. */
static struct str cut_type(struct str value)
{
	ssize_t at = str_chr(value, ';');

	if (at < 0 || at > 20)
		return str_trim(value);
	return str_trim(str_sub(value, (size_t)at + 1, SIZE_MAX));
}

static struct str strip_address(struct str s)
{
	size_t at = 0;
	struct str found = bounce_next_address(s, &at);

	if (found.p)
		return found;
	s = str_trim(s);
	if (str_starts(s, STR("<")) && str_ends(s, STR(">")))
		s = str_sub(s, 1, s.len - 2);
	return s;
}

struct group {
	struct str original, final, action, status, diagnostic, remote;
	struct str category;	/* of PowerMTA */
	struct str disposition; /* of a refusal by RFC 5429 */
};

static void take_field(
	struct reading *r, struct group *g, struct str name, struct str value)
{
	const struct {
		const char *name;
		struct str *to;
		bool has_type;
	} fields[] = {
		{ "original-recipient", &g->original, true },
		{ "final-recipient", &g->final, true },
		{ "action", &g->action, false },
		{ "status", &g->status, false },
		{ "diagnostic-code", &g->diagnostic, true },
		{ "remote-mta", &g->remote, true },
		{ "disposition", &g->disposition, false },
		{ "x-powermta-bouncecategory", &g->category, false },
		{ "reporting-mta", &r->host, true },
	};

	for (size_t i = 0; i < COUNT(fields); i++)
		if (str_eq_case(name, str_c(fields[i].name)) &&
			fields[i].to->len == 0)
			*fields[i].to = fields[i].has_type ? cut_type(value)
							   : str_trim(value);
}

static struct mail_bounce *add(struct reading *r, struct str recipient)
{
	struct mail_bounce *b;

	for (size_t i = 0; i < r->n; i++)
		if (str_eq_case(r->items[i].recipient, recipient))
			return &r->items[i];
	if (r->n == BOUNCE_RCPTS_MAX)
		return &r->items[r->n - 1];
	r->items = arena_grow(
		r->a, r->items, r->n, r->n + 1, sizeof(*r->items));
	b = &r->items[r->n++];
	*b = (struct mail_bounce){ .recipient = arena_str(
					   r->a, utf8_mend(r->a, recipient)) };
	return b;
}

static struct str copy_line(struct reading *r, struct str s)
{
	return utf8_cut(header_decode(r->a, s), BOUNCE_DIAGNOSTIC_MAX);
}

static struct str read_status_field(struct str s);

static void end_group(struct reading *r, struct group *g)
{
	/* the one that the sender knows, rather than what it became */
	struct str who = str_chr(g->original, '@') > 0 ? g->original : g->final;
	struct mail_bounce *b;

	if (who.len && (g->action.len || g->status.len || g->diagnostic.len ||
			       g->disposition.len)) {
		b = add(r, strip_address(who));
		b->action = copy_line(r, g->action);
		b->status = read_status_field(copy_line(r, g->status));
		if (g->category.len)
			b->reason = bounce_reason_of_category(g->category);
		b->diagnostic = copy_line(r, g->diagnostic);
		b->host = copy_line(r, g->remote);
	}
	*g = (struct group){ 0 };
}

/* Reads what looks like fields; of anything else a group takes no harm. */
static void read_status(struct reading *r, struct str text)
{
	struct group g = { 0 };
	struct str line, name = STR_NULL, value = STR_NULL;
	bool is_more = true;

	text = str_sub(text, 0, BOUNCE_TEXT_MAX);
	while (is_more) {
		ssize_t colon;
		is_more = str_cut_line(&text, &line);
		if (is_more && line.len && is_blank(line.p[0]) && name.p) {
			value.len = (size_t)(line.p + line.len - value.p);
			continue;
		}
		if (name.p)
			take_field(r, &g, name, value);
		name = STR_NULL;
		if (!is_more || str_trim(line).len == 0) {
			end_group(r, &g);
			continue;
		}
		colon = str_chr(line, ':');
		if (colon <= 0)
			continue;
		name = str_trim(str_sub(line, 0, (size_t)colon));
		value = str_sub(line, (size_t)colon + 1, SIZE_MAX);
		if ((str_eq_case(name, STR("final-recipient")) &&
			    g.final.len) ||
			(str_eq_case(name, STR("original-recipient")) &&
				g.original.len))
			end_group(r, &g);
	}
}

static bool is_status(const struct mail_part *p)
{
	return (str_eq(p->type, STR("message")) ||
		       str_eq(p->type, STR("text"))) &&
	       (str_eq(p->subtype, STR("delivery-status")) ||
		       str_eq(p->subtype, STR("global-delivery-status")));
}

static bool is_returned(const struct mail_part *p)
{
	return str_eq(p->subtype, STR("rfc822-headers")) ||
	       str_eq(p->subtype, STR("global-headers")) ||
	       str_eq(p->subtype, STR("rfc822")) ||
	       str_eq(p->subtype, STR("global"));
}

static void read_parts(struct reading *r)
{
	size_t n = 0;

	for (struct mail_part *p = mail_root(r->m); p && n < 100;
		p = mail_next(p), n++) {
		if (p->parent && part_of(p->parent)->is_message)
			continue;
		if (is_status(p) ||
			str_eq(p->subtype, STR("disposition-notification")))
			read_status(
				r, text_lines(r->a, mail_part_bytes(r->m, p)));
		else if (is_returned(p) && !r->original.p)
			r->original = str_sub(
				r->m->raw, p->offset, BOUNCE_TEXT_MAX);
	}
}

/*
 * Codes in what was said
 */

static size_t count_digits(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.len && str_is_digit(s.p[at + n]))
		n++;
	return n;
}

/* Reads "5.1.1" at a place; an IP address is longer and is none. */
static size_t read_code(struct str s, size_t at)
{
	size_t a, b;

	if (!strchr("245", s.p[at]) || at + 4 >= s.len || s.p[at + 1] != '.')
		return 0;
	a = count_digits(s, at + 2);
	if (a < 1 || a > 3 || at + 2 + a >= s.len || s.p[at + 2 + a] != '.')
		return 0;
	b = count_digits(s, at + 3 + a);
	if (b < 1 || b > 3)
		return 0;
	at += 3 + a + b;
	if (at + 1 < s.len && (s.p[at] == '.' || s.p[at] == '-') &&
		str_is_digit(s.p[at + 1]))
		return 0;
	return 3 + a + b;
}

static bool is_word_begin(struct str s, size_t at)
{
	return at == 0 || !(str_is_digit(s.p[at - 1]) || s.p[at - 1] == '.' ||
				  s.p[at - 1] == '-' ||
				  (s.p[at - 1] >= 'a' && s.p[at - 1] <= 'z'));
}

/* Reads a status that stands behind "550 " or "550-'", which is the host's. */
static struct str status_behind_code(struct str s, size_t at)
{
	size_t k = at + 3;

	if (at + 8 >= s.len || !strchr("245", s.p[at]) ||
		count_digits(s, at) != 3 || !strchr(" -#:", s.p[k]))
		return STR_NULL;
	while (k + 4 < s.len && k < at + 6 && strchr(" -#:'(", s.p[k]))
		k++;
	if (k + 4 >= s.len || s.p[k] != s.p[at])
		return STR_NULL;
	return str_sub(s, k, read_code(s, k));
}

static struct str find_status(struct str s)
{
	struct str found = STR_NULL;

	for (size_t i = 0; i + 4 < s.len; i++) {
		struct str sure;
		if (!str_is_digit(s.p[i]) || !is_word_begin(s, i))
			continue;
		sure = status_behind_code(s, i);
		if (sure.len)
			return sure;
		if (!found.p && read_code(s, i))
			found = str_sub(s, i, read_code(s, i));
	}
	return found;
}

/* What stands in a Status field, without what is said behind it. */
static struct str read_status_field(struct str s)
{
	size_t len;

	s = str_trim(s);
	len = s.len > 4 ? read_code(s, 0) : 0;
	return len ? str_sub(s, 0, len) : s;
}

/* As deep as there are such lines in one: the piece is four bytes. */
static struct str find_reply_code(struct str s)
{
	for (size_t i = 0; i + 3 <= s.len; i++) {
		char end = i + 3 < s.len ? s.p[i + 3] : ' ';
		if (!strchr("245", s.p[i]) || count_digits(s, i) != 3 ||
			s.p[i + 1] > '5' || !is_word_begin(s, i))
			continue;
		if (!strchr(" -:,\n", end))
			continue;
		/* "554 <ann@example.org>... 550 Host unknown" */
		if (i + 6 < s.len && s.p[i + 4] == '<') {
			ssize_t at = str_find(str_sub(s, i, 200), STR("... "));
			struct str inner = STR_NULL;
			if (at > 0)
				inner = find_reply_code(
					str_sub(s, i + (size_t)at + 4, 4));
			if (inner.len)
				return inner;
		}
		return str_sub(s, i, 3);
	}
	return STR_NULL;
}

static bool is_general(struct str status)
{
	return status.len == 0 || str_ends(status, STR(".0.0"));
}

/* Signs that a host refused the recipient himself, when RCPT named him. */
static bool is_of_rcpt(struct str s)
{
	static const char *const signs[] = { "RCPT", "like recipient",
		"couldn't be found", "could not be found", "address not found",
		"not a valid recipient", "no such recipient",
		"mailbox unavailable", "doesn't have a" };

	return text_holds_one(s, signs, COUNT(signs));
}

/*
 * "User unknown", said by a host not to RCPT but when the whole message was
 * there, or without a word on when: that was a filter of the recipient's (so
 * Sisimai). A status x.1.x is sure, and so is an answer to RCPT.
 */
static const char *judge_filter(const char *reason, struct mail_bounce *b,
	struct str said, struct str around)
{
	if (!reason || strcmp(reason, "userunknown") != 0 ||
		str_starts(str_sub(b->status, 1, 3), STR(".1.")) ||
		str_starts(str_sub(b->status, 1, 5), STR(".4.1")))
		return reason;
	if (is_of_rcpt(b->diagnostic) || is_of_rcpt(said))
		return reason;
	if (str_find_case(b->diagnostic, STR("end of DATA")) >= 0 ||
		str_find_case(b->diagnostic, STR("reply to DATA")) >= 0 ||
		str_find_case(said, STR("end of DATA")) >= 0)
		return "filtered";
	if (is_of_rcpt(around))
		return reason;
	return b->reply_code.len ? "filtered" : reason;
}

/* Adds with one blank for each run of white space. */
static void put_squeezed(struct buf *b, struct str s)
{
	bool is_gap = false;

	for (size_t i = 0; i < s.len; i++) {
		bool is_space = s.p[i] == ' ' || (s.p[i] >= 9 && s.p[i] <= 13);
		if (!is_space || !is_gap)
			buf_byte(b, is_space ? ' ' : s.p[i]);
		is_gap = is_space;
	}
}

/* Lower case, with "<>" for each address, whose words say nothing. */
static struct str make_words(struct reading *r, struct str s)
{
	struct buf b = BUF_INIT(BOUNCE_TEXT_MAX);
	size_t at = 0, from = 0;
	struct str address, words;

	while ((address = bounce_next_address(s, &at)).p) {
		put_squeezed(
			&b, str_sub(s, from, (size_t)(address.p - s.p) - from));
		buf_c(&b, "<>");
		from = at;
	}
	put_squeezed(&b, str_sub(s, from, SIZE_MAX));
	words = kind_lower(r->a, buf_view(&b));
	buf_fini(&b);
	return words;
}

/* A refusal of the first greeting is about the host that sends. */
static const char *judge_greeting(const char *reason, struct str said)
{
	static const char *const signs[] = { "after EHLO", "after HELO",
		"after initial connection", "in reply to HELO",
		"in reply to EHLO" };

	if (reason && strcmp(reason, "rejected") == 0 &&
		text_holds_one(said, signs, COUNT(signs)))
		return "blocked";
	return reason;
}

static const char *find_reason(
	struct reading *r, const struct mail_bounce *b, struct str said)
{
	struct str texts[] = { make_words(r, b->diagnostic),
		make_words(r, said),
		r->n == 1 ? make_words(r, r->notice) : STR_NULL };
	const char *reason = b->reason;

	if (!reason && b->status.len && b->status.p[0] == '2')
		return "delivered";
	if (!reason)
		reason = bounce_reason_of_notice(texts[2]);
	for (size_t i = 0; !reason && i < 2; i++)
		reason = bounce_reason_of_text(texts[i]);
	if (!reason && !is_general(b->status))
		reason = bounce_reason_of_status(b->status);
	for (size_t i = 0; !reason && i < 2; i++)
		reason = bounce_reason_of_weak_text(texts[i]);
	if (!reason)
		reason = bounce_reason_of_text(texts[2]);
	if (!reason)
		reason = bounce_reason_of_weak_text(texts[2]);
	return judge_greeting(reason, said.len ? said : r->notice);
}

/* What the words say counts before what codes say; the notice comes last. */
static void judge(struct reading *r, struct mail_bounce *b, struct str said)
{
	bool is_only = r->n == 1;
	struct str code;

	code = find_status(b->diagnostic);
	if (!code.len)
		code = find_status(said);
	if (!code.len && is_only && b->status.len == 0)
		code = find_status(r->notice);
	if (code.len &&
		(is_general(b->status) ||
			(!is_general(code) && code.p[0] == b->status.p[0]) ||
			/* a proxy made a refusal for good one for now */
			(code.p > b->diagnostic.p + 3 &&
				code.p < b->diagnostic.p + 6 &&
				str_eq(str_sub(code, 1, 5),
					str_sub(b->status, 1, 5)))))
		b->status = arena_str(r->a, code);
	code = find_reply_code(b->diagnostic);
	if (!code.p)
		code = find_reply_code(said);
	if (!code.p && is_only)
		code = find_reply_code(r->notice);
	b->reply_code = arena_str(r->a, code);

	b->reason = judge_filter(find_reason(r, b, said), b, said, r->notice);
	if (!b->reason)
		b->reason = "undefined";
	if (b->diagnostic.len == 0)
		b->diagnostic = said;
	if (b->host.len == 0)
		b->host = utf8_mend(r->a, r->host);
	b->is_permanent = r->is_delay	  ? false
			  : b->status.len ? b->status.p[0] == '5'
			  : b->reply_code.len
				  ? b->reply_code.p[0] == '5'
				  : !str_starts_case(b->action, STR("delay"));
}

/*
 * Everything together
 */

static void add_own(struct reading *r, const char *field)
{
	struct mail_address *list;
	size_t n = mail_addresses(
		r->a, header_raw(r->m, r->m->root, field), &list);

	for (size_t i = 0; i < n && r->n_own < COUNT(r->own); i++)
		if (list[i].is_valid)
			r->own[r->n_own++] = list[i].address;
}

static const struct bounce_found *find_said(
	const struct bounce_list *found, struct str address)
{
	for (size_t i = 0; i < found->n; i++)
		if (str_eq_case(found->items[i].address, address))
			return &found->items[i];
	return NULL;
}

static void add_failed_recipients(struct reading *r)
{
	struct str all = header_of(r->m, r->m->root, "x-failed-recipients");
	size_t at = 0;
	struct str address;

	while ((address = bounce_next_address(all, &at)).p)
		add(r, address);
}

static void add_found(struct reading *r, const struct bounce_list *found)
{
	bool has_strong = false;

	bool has_likely = false;

	for (size_t i = 0; i < found->n; i++) {
		has_strong |= found->items[i].is_strong;
		has_likely |= found->items[i].is_likely;
	}
	for (size_t i = 0; i < found->n; i++)
		if (has_strong ? found->items[i].is_strong
			       : !has_likely || found->items[i].is_likely) {
			struct mail_bounce *b = add(r, found->items[i].address);
			b->is_guess = !has_strong;
		}
}

/* Finds a field in a header that stands in a text; folding is undone. */
static struct str find_in(struct arena *a, struct str text, const char *name)
{
	struct header_reader h = { .eol = '\n' };
	struct mail_header field;

	/* an empty line may stand between the mark and the header */
	while (text.len && strchr("\r\n", text.p[0]))
		text = str_sub(text, 1, SIZE_MAX);
	h.raw = text;
	h.end = text.len;

	while (header_next(&h, &field))
		if (str_eq_case(field.name, str_c(name)))
			return header_decode(a, field.raw);
	return STR_NULL;
}

static void guess(struct reading *r)
{
	size_t at = 0;
	struct str to = find_in(r->a, r->original, "to");
	struct str address = bounce_next_address(to, &at);

	if (address.p)
		add(r, address)->is_guess = true;
}

static void read_all(struct reading *r)
{
	struct bounce_list found = { 0 };
	struct str cut;

	add_own(r, "to");
	add_own(r, "from");
	add_own(r, "delivered-to");
	read_parts(r);
	r->notice = bounce_notice(
		str_sub(mail_text(r->m), 0, BOUNCE_TEXT_MAX), &cut);
	if (!r->original.p)
		r->original = cut;
	/* in a part of another type, or behind a wrong boundary */
	if (r->n == 0)
		read_status(r, text_lines(r->a,
				       str_sub(r->m->raw, 0, BOUNCE_TEXT_MAX)));
	bounce_read_text(r->a, r->notice, r->own, r->n_own, &found);
	if (r->n == 0)
		add_failed_recipients(r);
	if (r->n == 0)
		add_found(r, &found);
	if (r->n == 0)
		guess(r);
	for (size_t i = 0; i < r->n; i++) {
		const struct bounce_found *f = find_said(
			&found, r->items[i].recipient);
		judge(r, &r->items[i], f ? f->said : STR_NULL);
	}
}

static bool is_bounce(struct mail *m)
{
	enum mail_kind kind = mail_kind(m, NULL);

	return kind == MAIL_BOUNCE || kind == MAIL_DELAY ||
	       kind == MAIL_SUCCESS_NOTICE;
}

/* What is known of the mail that came back, from its header. */
static void read_original(struct reading *r, struct mail_bounced *out)
{
	const struct {
		const char *name;
		struct str *to;
	} fields[] = {
		{ "message-id", &out->message_id },
		{ "subject", &out->subject },
		{ "from", &out->from },
		{ "to", &out->to },
		{ "date", &out->date },
	};

	for (size_t i = 0; i < COUNT(fields); i++) {
		struct str s = r->n ? find_in(r->a, r->original, fields[i].name)
				    : STR_NULL;
		*fields[i].to = s.p ? utf8_cut(s, BOUNCE_DIAGNOSTIC_MAX)
				    : STR("");
	}
	out->message_id = header_id(out->message_id);
}

size_t mail_bounces(struct mail *m, const struct mail_bounce **out)
{
	if (!m->has_bounces) {
		struct reading r = { .m = m, .a = m->arena };
		m->has_bounces = true;
		r.is_delay = mail_kind(m, NULL) == MAIL_DELAY;
		if (is_bounce(m) && bounce_read_ses(m, &r.items, &r.n))
			for (size_t i = 0; i < r.n; i++)
				judge(&r, &r.items[i], STR_NULL);
		else if (is_bounce(m))
			read_all(&r);
		m->bounces = r.items;
		m->n_bounces = r.n;
		m->bounced = ARENA_NEW(m->arena, struct mail_bounced);
		read_original(&r, m->bounced);
	}
	*out = m->bounces;
	return m->n_bounces;
}

const struct mail_bounced *mail_bounced(struct mail *m)
{
	const struct mail_bounce *list;

	mail_bounces(m, &list);
	return m->bounced;
}

struct str mail_bounced_id(struct mail *m)
{
	return mail_bounced(m)->message_id;
}
