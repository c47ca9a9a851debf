/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bounce_text.c - notices in words: who was not reached, and what is said.
 *
 * Programs write them in a handful of forms, whatever their language:
 *   <ann@example.org>: reason           (qmail, Postfix, Courier)
 *   ann@example.org, then the reason    (Exim, Exchange, Gmail)
 *   550 <ann@example.org>... reason     (sendmail)
 *   >>> RCPT To:<ann@example.org> and the answer below it (transcripts)
 *   a sentence that ends in or holds the address (all others)
 * The first three are strong: only what failed stands there. The sentences
 * count when nothing else does. A paragraph belongs to the address that it
 * begins with; one that is nothing but an address has the next one, too.
 */
#include "bounce.h"

#define LINES_MAX 2000
#define SAID_LINES_MAX 12

static bool is_local_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') ||
	       (c && strchr("._+-=/&#$%*!?^|~{}'", c));
}

static bool is_domain_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_' ||
	       c >= 0x80;
}

static size_t find_begin(struct str line, size_t sign)
{
	size_t begin = sign;

	if (sign && line.p[sign - 1] == '"') {
		for (begin = sign - 1; begin && line.p[begin - 1] != '"';)
			begin--;
		return begin ? begin - 1 : sign;
	}
	while (begin && is_local_char((unsigned char)line.p[begin - 1]))
		begin--;
	while (begin < sign && strchr("'=/*!", line.p[begin]))
		begin++;
	return begin;
}

struct str bounce_next_address(struct str line, size_t *at)
{
	for (size_t sign = *at; sign < line.len; sign++) {
		size_t begin, end = sign + 1;
		if (line.p[sign] != '@')
			continue;
		begin = find_begin(line, sign);
		while (end < line.len &&
			is_domain_char((unsigned char)line.p[end]))
			end++;
		while (end > sign + 1 && strchr(".-_", line.p[end - 1]))
			end--;
		*at = end;
		if (begin == sign || end == sign + 1)
			continue;
		return str_sub(line, begin, end - begin);
	}
	*at = line.len;
	return STR_NULL;
}

/* Where a notice ends and the returned message begins. */
static const char *const marks[] = { "this is a copy of", "below this line",
	"original message", "unsent message", "returned message",
	"message header", "original headers", "header of the message",
	"message follows", "your message follows", "copy of your message",
	"message returned", "copy of the message", "rejected message",
	"here is a copy of", "original mail", "undelivered message",
	"start of returned", "content of the message", "headers follow",
	"the header", "included below", "is included below", "mail contents",
	"first few lines", "message content" };

/* "Your message follows:", not a sentence that mentions it. */
static bool begins_mark(struct str s)
{
	static const char *const words[] = { "original", "your message",
		"message", "below", "the ", "here", "header", "copy", "content",
		"included", "returned", "rejected", "unsent", "start",
		"first" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_starts_case(s, str_c(words[i])))
			return true;
	return false;
}

static bool is_mark(struct str line)
{
	struct str s = str_trim(line);

	if (s.len > 100 || str_chr(s, '@') >= 0 ||
		str_find_case(s, STR(" not receive")) >= 0)
		return false;
	for (size_t i = 0; i < COUNT(marks); i++)
		if (str_find_case(s, str_c(marks[i])) >= 0)
			return strchr("-=*", s.p[0]) ||
			       (begins_mark(s) &&
				       (str_find_case(s, STR("follow")) >= 0 ||
					       str_find_case(s, STR("below")) >=
						       0 ||
					       str_starts_case(
						       s, STR("original"))));
	return false;
}

/* A returned header without any mark before it. */
static bool begins_header(struct str line)
{
	static const char *const names[] = { "received:", "return-path:",
		"x-originating-ip:", "dkim-signature:", "message-id:",
		"mime-version:", "x-mailer:" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_starts_case(line, str_c(names[i])))
			return true;
	return false;
}

struct str bounce_notice(struct str text, struct str *original)
{
	struct str rest = text, line;
	size_t end;

	*original = STR_NULL;
	for (;;) {
		end = (size_t)(rest.p - text.p);
		if (!str_cut_line(&rest, &line))
			return text;
		if (begins_header(line)) {
			*original = str_sub(text, end, SIZE_MAX);
			return str_sub(text, 0, end);
		}
		if (end && is_mark(line)) {
			*original = rest;
			return str_sub(text, 0, end);
		}
	}
}

/*
 * Lines
 */

struct lines {
	struct str *items;
	size_t n;
};

static void split_lines(struct arena *a, struct str text, struct lines *out)
{
	struct str line;

	out->items = arena_array(a, LINES_MAX, sizeof(*out->items));
	while (out->n < LINES_MAX && str_cut_line(&text, &line))
		out->items[out->n++] = line;
}

static bool is_empty(struct str line)
{
	return str_trim(line).len == 0;
}

/* What stands before an address where only failed ones stand. */
static bool is_strong_place(struct str line, struct str address)
{
	size_t at = (size_t)(address.p - line.p);
	struct str before = str_trim(str_sub(line, 0, at));
	struct str after = str_sub(line, at + address.len, SIZE_MAX);
	bool is_code = before.len >= 3 && before.p[0] >= '4' &&
		       before.p[0] <= '5' && before.p[1] >= '0' &&
		       before.p[1] <= '9';

	if (str_starts(after, STR(">")))
		after = str_sub(after, 1, SIZE_MAX);
	if (str_starts(after, STR("...")))
		return true;
	if (is_code)
		return before.len <= 12 && str_ends(before, STR("<"));
	while (before.len && strchr("<\"'(*-|>", before.p[0]))
		before = str_trim(str_sub(before, 1, SIZE_MAX));
	if (before.len)
		return str_ends(before, STR("RCPT To:<")) ||
		       str_ends(before, STR("RCPT TO:<"));
	after = str_trim(after);
	return after.len == 0 || strchr(":(,;-", after.p[0]) ||
	       str_starts(after, STR("on ")) || str_starts(after, STR("["));
}

static bool is_own(struct str address, const struct str *own, size_t n_own)
{
	static const char *const robots[] = { "postmaster@", "mailer-daemon@",
		"abuse@", "mailerdaemon@", "listserv@", "noreply@",
		"support@" };

	for (size_t i = 0; i < COUNT(robots); i++)
		if (str_starts_case(address, str_c(robots[i])))
			return true;
	for (size_t i = 0; i < n_own; i++)
		if (str_eq_case(address, own[i]))
			return true;
	return false;
}

static struct bounce_found *find(struct bounce_list *list, struct str address)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq_case(list->items[i].address, address))
			return &list->items[i];
	return NULL;
}

struct talk {
	struct arena *a;
	struct lines l;
	const struct str *own;
	size_t n_own;
};

/* Is line i the beginning of what is said of another? */
static bool begins_another(const struct talk *t, size_t i, struct str address)
{
	size_t at = 0;
	struct str line = t->l.items[i];
	struct str other = bounce_next_address(line, &at);

	if (str_find_case(line, STR("while talking to")) >= 0 ||
		str_find(line, STR(" (smtp)... ")) >= 0)
		return true;
	return other.p && !str_eq_case(other, address) &&
	       !is_own(other, t->own, t->n_own) && is_strong_place(line, other);
}

/*
 * In a transcript the host's answer stands above the line that names the
 * recipient. Returns: the line where it begins.
 */
static size_t find_answer(const struct talk *t, size_t i, struct str address)
{
	struct str line = t->l.items[i];
	size_t k = i;

	if (line.len < 5 || line.p[0] < '4' || line.p[0] > '5' ||
		line.p[4] != '<')
		return i;
	while (k > 0 && i - k < 4 && !is_empty(t->l.items[k - 1]) &&
		(str_starts(t->l.items[k - 1], STR("<<<")) ||
			str_find(t->l.items[k - 1], STR(" (smtp)... ")) >= 0)) {
		size_t at = 0;
		struct str other = bounce_next_address(t->l.items[k - 1], &at);
		if (other.p && !str_eq_case(other, address) &&
			!is_own(other, t->own, t->n_own))
			break;
		k--;
	}
	return k;
}

/* Joins what is said from line i on, in the paragraph and perhaps the next. */
static struct str gather(const struct talk *t, size_t i, struct str address)
{
	const struct lines *l = &t->l;
	struct str first = str_trim(l->items[i]);
	size_t from = find_answer(t, i, address);
	bool is_alone = first.len <= address.len + 4;
	struct buf b = BUF_INIT(BOUNCE_DIAGNOSTIC_MAX);
	size_t n_lines = 0, n_blank = 0;
	struct str said;

	for (size_t k = from; k < l->n && n_lines < SAID_LINES_MAX; k++) {
		if (is_empty(l->items[k])) {
			if (!is_alone || n_lines > 1 || n_blank++)
				break;
			continue;
		}
		if (k > i && begins_another(t, k, address))
			break;
		if (b.len)
			buf_byte(&b, ' ');
		buf_str(&b, str_trim(l->items[k]));
		n_lines++;
	}
	said = arena_str(t->a, utf8_cut(buf_view(&b), BOUNCE_DIAGNOSTIC_MAX));
	buf_fini(&b);
	return said;
}

/* "your mail to ann@example.org", "the recipient ann@example.org" */
static bool is_likely_place(struct str line, struct str address)
{
	static const char *const words[] = { "to", "addressed", "recipient",
		"recipients", "for", "user", "address", "mailbox",
		"to:", "recipient:", "an", "pour", "para", "per", "voor",
		"till", "do", "address:", "mailbox:", "empf\xc3\xa4nger",
		"deliver", "destinataire", "destinatario" };
	struct str before = str_sub(line, 0, (size_t)(address.p - line.p));

	while (before.len && strchr(" \t,<\"'(:[", before.p[before.len - 1]))
		before.len--;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct str w = str_c(words[i]);
		if (before.len < w.len ||
			!str_eq_case(
				str_sub(before, before.len - w.len, w.len), w))
			continue;
		if (before.len == w.len ||
			strchr(" \t\"(", before.p[before.len - w.len - 1]))
			return true;
	}
	return false;
}

static void add(struct arena *a, struct bounce_list *list,
	const struct bounce_found *new)
{
	struct bounce_found *f = find(list, new->address);

	if (f) {
		if (new->is_strong && !f->is_strong)
			f->said = new->said;
		else if (new->said.len > f->said.len)
			f->said = new->said;
		f->is_strong |= new->is_strong;
		f->is_likely |= new->is_likely;
		return;
	}
	if (list->n == BOUNCE_RCPTS_MAX)
		return;
	list->items = arena_grow(
		a, list->items, list->n, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = *new;
}

void bounce_read_text(struct arena *a, struct str notice, const struct str *own,
	size_t n_own, struct bounce_list *out)
{
	struct talk t = { .a = a, .own = own, .n_own = n_own };

	split_lines(a, str_sub(notice, 0, BOUNCE_TEXT_MAX), &t.l);
	for (size_t i = 0; i < t.l.n; i++) {
		struct str line = t.l.items[i], address;
		size_t at = 0;
		while ((address = bounce_next_address(line, &at)).p) {
			if (is_own(address, own, n_own))
				continue;
			add(a, out,
				&(struct bounce_found){ address,
					gather(&t, i, address),
					is_strong_place(line, address),
					is_likely_place(line, address) });
		}
	}
}
