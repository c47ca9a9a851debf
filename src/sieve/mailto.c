/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mailto.c - mailto URIs (RFC 6068) as a way to notify (RFC 5436).
 *
 * A URI is cut at "?", "&" and "=" before anything is decoded, so that no
 * percent sign can move a border. What comes out are addresses, each read
 * strictly, and values; a value may hold line ends, which become blanks when a
 * field is composed.
 */
#include <mailmill/buf.h>
#include <mailmill/enc.h>
#include <mailmill/utf8.h>

#include "mailto.h"
#include "reply.h"

#define SCHEME_LEN 7 /* "mailto:" */

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -1;
}

static bool is_qchar(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~!$'()*+,;:@", c));
}

/* Checks and decodes a piece of the URI. */
static int decode(
	struct arena *a, struct str s, struct str *out, const char **why)
{
	AUTO(buf) struct buf b = BUF_INIT(s.len + 1);

	for (size_t i = 0; i < s.len; i++) {
		int high, low;

		if (s.p[i] != '%') {
			if (!is_qchar(s.p[i]))
				return refuse(why, "a character must be "
						   "percent-encoded");
			buf_byte(&b, (unsigned char)s.p[i]);
			continue;
		}
		high = i + 1 < s.len ? enc_hex_value(s.p[i + 1]) : -1;
		low = i + 2 < s.len ? enc_hex_value(s.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return refuse(why, "two hex digits must follow each %");
		if (high + low == 0)
			return refuse(why, "%00 may not be in it");
		buf_byte(&b, (unsigned char)(high << 4 | low));
		i += 2;
	}
	*out = utf8_mend(a, buf_view(&b));
	return 0;
}

/*
 * Recipients
 */

static bool has_rcpt(const struct mailto *m, struct str address)
{
	for (size_t i = 0; i < m->n_rcpts; i++)
		if (str_eq_case(m->rcpts[i].address, address))
			return true;
	return false;
}

static int add_rcpts(struct arena *a, struct mailto *m, struct str list,
	enum mailto_role role, const char **why)
{
	struct str rest = str_trim(list), item;

	while (rest.len && reply_cut_mailbox(&rest, &item)) {
		struct mailto_rcpt rcpt = { .role = role };

		if (reply_mailboxes(
			    a, item, &rcpt.written, &rcpt.address, why) < 0)
			return -1;
		if (has_rcpt(m, rcpt.address))
			continue;
		if (m->n_rcpts == MAILTO_RCPTS_MAX)
			return refuse(why, "it has too many recipients");
		m->rcpts[m->n_rcpts++] = rcpt;
	}
	return 0;
}

/*
 * Fields
 */

/*
 * What the notification says of itself, and what could make it pass for
 * something else (RFC 5436 2.7); an ending * stands for anything.
 */
static const char *const unsafe[] = { "from", "sender", "date", "message-id",
	"received", "return-path", "auto-submitted", "in-reply-to",
	"references", "resent-*", "mime-version", "content-*", "precedence",
	"list-*", "x-sieve*", "x-priority", "importance", "priority",
	"x-auto-response-suppress", "dkim-*", "domainkey-*", "arc-*",
	"authentication-*", "received-*", "errors-to", "delivered-to",
	"envelope-to", "apparently-to", "disposition-*", "original-*",
	"return-receipt-*", "x-confirm-*", "x-loop", "x-spam*", "x-virus*",
	"x-original-*" };

static bool is_unsafe(struct str name)
{
	for (size_t i = 0; i < COUNT(unsafe); i++) {
		struct str u = str_c(unsafe[i]);

		if (str_ends(u, STR("*")) ? str_starts_case(name,
						    str_sub(u, 0, u.len - 1))
					  : str_eq_case(name, u))
			return true;
	}
	return false;
}

static int add_field(struct arena *a, struct mailto *m, struct str name,
	struct str value, const char **why)
{
	if (str_eq_case(name, STR("to")))
		return add_rcpts(a, m, value, MAILTO_TO, why);
	if (str_eq_case(name, STR("cc")))
		return add_rcpts(a, m, value, MAILTO_CC, why);
	if (str_eq_case(name, STR("bcc")))
		return add_rcpts(a, m, value, MAILTO_BCC, why);
	if (!compose_is_name(name))
		return refuse(why, "a field has an invalid name");
	if (str_eq_case(name, STR("subject"))) {
		if (!m->subject.p)
			m->subject = value;
	} else if (str_eq_case(name, STR("body"))) {
		if (!m->body.p)
			m->body = value;
	} else if (!is_unsafe(name)) {
		if (m->n_fields == MAILTO_FIELDS_MAX)
			return refuse(why, "it has too many fields");
		m->fields[m->n_fields++] = (struct mailto_field){ name, value };
	}
	return 0;
}

static int read_field(
	struct arena *a, struct mailto *m, struct str piece, const char **why)
{
	ssize_t equal = str_chr(piece, '=');
	struct str name, value;

	if (equal < 0)
		return refuse(why, "a field has no =");
	if (decode(a, str_sub(piece, 0, (size_t)equal), &name, why) < 0 ||
		decode(a, str_sub(piece, (size_t)equal + 1, piece.len), &value,
			why) < 0)
		return -1;
	return add_field(a, m, name, value, why);
}

int mailto_read(
	struct arena *a, struct str uri, struct mailto *out, const char **why)
{
	struct mailto m = { 0 };
	struct str rest, piece, to;

	if (uri.len > MAILTO_MAX)
		return refuse(why, "it is too long");
	if (!str_starts_case(uri, STR("mailto:")))
		return refuse(why, "only mailto: is known as a method");
	rest = str_sub(uri, SCHEME_LEN, uri.len);
	str_cut(&rest, '?', &piece);
	if (decode(a, piece, &to, why) < 0 ||
		add_rcpts(a, &m, to, MAILTO_TO, why) < 0)
		return -1;
	while (str_cut(&rest, '&', &piece))
		if (read_field(a, &m, piece, why) < 0)
			return -1;
	*out = m;
	return 0;
}
