/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list.c - the mailing list that a mail came by (RFC 2369, 2919, 8058), and
 * what a mail that a program sent says of itself (RFC 3834).
 *
 * Old list servers say little: the list's address is then taken from the
 * fields of their own (X-Mailing-List, X-BeenThere, Mailing-List), or made of
 * the addresses that belong to it: owner-x@, x-bounces@, x-request@.
 */
#include "inside.h"

#define URLS_MAX 20 /* of one field */

/* ---- URLs between < and > ---- */

static bool is_url(struct str s, const char *scheme)
{
	struct str with = str_c(scheme);

	return str_starts_case(s, with) && s.len > with.len;
}

static bool is_any_url(struct str s)
{
	return is_url(s, "mailto:") || is_url(s, "https:") ||
	       is_url(s, "http:");
}

/* Lists the URLs of a field; one that stands without < and > counts, too. */
static size_t read_urls(struct str value, struct str out[URLS_MAX])
{
	struct str rest = value;
	size_t n = 0;
	ssize_t open;

	if (is_any_url(str_trim(value))) {
		out[0] = str_trim(value);
		return 1;
	}
	while (n < URLS_MAX && (open = str_chr(rest, '<')) >= 0) {
		ssize_t close;
		rest = str_sub(rest, (size_t)open + 1, SIZE_MAX);
		close = str_chr(rest, '>');
		out[n] = str_trim(
			str_sub(rest, 0, close < 0 ? SIZE_MAX : (size_t)close));
		n += is_any_url(out[n]);
		if (close < 0)
			break;
		rest = str_sub(rest, (size_t)close + 1, SIZE_MAX);
	}
	return n;
}

static struct str first_url(struct mail *m, const char *field)
{
	struct str urls[URLS_MAX];

	return read_urls(header_of(m, m->root, field), urls) ? urls[0]
							     : STR("");
}

static void read_unsubscribe(struct mail *m, struct mail_list *l)
{
	struct str urls[URLS_MAX];
	size_t n = read_urls(header_of(m, m->root, "list-unsubscribe"), urls);
	struct str post = header_of(m, m->root, "list-unsubscribe-post");

	for (size_t i = 0; i < n; i++) {
		struct str *to = is_url(urls[i], "mailto:")
					 ? &l->unsubscribe_mailto
					 : &l->unsubscribe_https;
		if (!to->len)
			*to = urls[i];
	}
	/* RFC 8058 3.1: of https alone */
	l->is_one_click = is_url(l->unsubscribe_https, "https:") &&
			  str_find_case(post, STR("One-Click")) >= 0;
}

/* ---- addresses ---- */

static struct str first_address(struct mail *m, const char *field)
{
	struct mail_address *list;
	size_t n = mail_addresses(
		m->arena, header_raw(m, m->root, field), &list);

	return n && list->is_valid ? list->address : STR("");
}

/* The address within a text: "contact x-help@example.org; run by y". */
static struct str find_address(struct str s, const char *before)
{
	struct str word;
	ssize_t at = str_find_case(s, str_c(before));

	if (at < 0)
		return STR("");
	s = str_trim(str_sub(s, (size_t)at + strlen(before), SIZE_MAX));
	for (size_t i = 0; i < s.len; i++)
		if (strchr(" \t;,>", s.p[i])) {
			s.len = i;
			break;
		}
	word = str_starts(s, STR("<")) ? str_sub(s, 1, SIZE_MAX) : s;
	return str_chr(word, '@') > 0 ? word : STR("");
}

/* What of an address of a list server is not the list's name. */
static const char *const before_name[] = { "owner-", "bounce-", "bounces-",
	"subscribe-", "unsubscribe-", "leave-", "join-", "return-" };
static const char *const behind_name[] = { "-owner", "-bounce", "-bounces",
	"-admin", "-request", "-subscribe", "-unsubscribe", "-help", "-ctl",
	"-return", "-errors", "-leave", "-join", "-confirm" };

/* Makes "x@example.org" of "owner-x@example.org". Returns: or "". */
static struct str cut_role(struct arena *a, struct str address)
{
	ssize_t at = str_rchr(address, '@');
	struct str local, domain, name = STR_NULL;

	if (at <= 0)
		return STR("");
	local = str_sub(address, 0, (size_t)at);
	domain = str_sub(address, (size_t)at, SIZE_MAX);
	for (size_t i = 0; i < COUNT(before_name) && !name.p; i++)
		if (str_starts_case(local, str_c(before_name[i])))
			name = str_sub(local, strlen(before_name[i]), SIZE_MAX);
	for (size_t i = 0; i < COUNT(behind_name) && !name.p; i++) {
		struct str s = str_c(behind_name[i]);
		if (local.len > s.len &&
			str_eq_case(
				str_sub(local, local.len - s.len, s.len), s))
			name = str_sub(local, 0, local.len - s.len);
	}
	if (!name.len)
		return STR("");
	return str_c(
		arena_printf(a, "%.*s%.*s", STR_ARG(name), STR_ARG(domain)));
}

static struct str mailto_address(struct str url)
{
	struct str s = is_url(url, "mailto:") ? str_sub(url, 7, SIZE_MAX)
					      : STR("");
	ssize_t end = str_chr(s, '?');

	return end < 0 ? s : str_sub(s, 0, (size_t)end);
}

static bool is_precedence(struct mail *m, const char *word)
{
	return str_eq_case(
		str_trim(header_of(m, m->root, "precedence")), str_c(word));
}

/* A list server sends in the name of the address that the mail is to. */
static bool is_sent_by_receiver(struct mail *m)
{
	struct str sender = first_address(m, "sender");

	return sender.len && str_eq_case(sender, first_address(m, "to")) &&
	       !str_eq_case(sender, first_address(m, "from"));
}

/* The list's address from fields that are no standard. */
static struct str find_old_post(struct mail *m)
{
	struct str mailing = header_of(m, m->root, "mailing-list");
	struct str out = find_address(
		header_of(m, m->root, "delivered-to"), "mailing list ");
	static const char *const fields[] = { "x-beenthere", "x-mailing-list",
		"x-original-list", "x-list-address" };

	for (size_t i = 0; i < COUNT(fields) && !out.len; i++)
		out = find_address(header_of(m, m->root, fields[i]), "");
	if (!out.len)
		out = find_address(mailing, "list ");
	if (!out.len)
		out = cut_role(m->arena, find_address(mailing, "contact "));
	return out;
}

static struct str find_post(struct mail *m, struct mail_list *l)
{
	struct str out = mailto_address(first_url(m, "list-post"));

	if (!out.len)
		out = find_old_post(m);
	if (!out.len && str_chr(l->id, '@') > 0)
		out = l->id;
	if (!out.len)
		out = cut_role(m->arena, mailto_address(l->subscribe));
	if (!out.len)
		out = cut_role(m->arena, mailto_address(l->owner));
	if (!out.len)
		out = cut_role(m->arena, first_address(m, "sender"));
	if (!out.len && is_sent_by_receiver(m))
		out = first_address(m, "sender");
	return utf8_mend(m->arena, out);
}

/* The words before <id>, or what the server calls it. */
static struct str find_name(struct mail *m, struct mail_list *l)
{
	struct str id = header_of(m, m->root, "list-id");
	ssize_t open = str_chr(id, '<');
	struct str name = header_of(m, m->root, "x-ml-name");
	ssize_t at;

	if (!name.len)
		name = header_of(m, m->root, "x-list");
	if (!name.len && open > 0)
		name = str_trim(str_sub(id, 0, (size_t)open));
	if (name.len > 1 && name.p[0] == '"' && name.p[name.len - 1] == '"')
		name = str_sub(name, 1, name.len - 2);
	if (!name.len && is_sent_by_receiver(m)) {
		struct mail_address *a;
		if (mail_addresses(
			    m->arena, header_raw(m, m->root, "sender"), &a))
			name = a->name;
	}
	if (name.len)
		return name;
	at = str_chr(l->post, '@');
	return at > 0 ? str_sub(l->post, 0, (size_t)at) : STR("");
}

static struct str find_software(struct mail *m)
{
	static const char *const fields[] = { "list-software",
		"x-listar-version", "x-ecartis-version", "x-mlserver",
		"x-sympa-version", "x-majordomo-version", "x-schleuder-version",
		"x-listprocessor-version" };
	struct str version = header_of(m, m->root, "x-mailman-version");

	for (size_t i = 0; i < COUNT(fields); i++) {
		struct str s = header_of(m, m->root, fields[i]);
		if (s.len)
			return s;
	}
	return version.len ? str_c(arena_printf(m->arena, "Mailman %.*s",
				     STR_ARG(version)))
			   : STR("");
}

/*
 * Is it a list at all? A field that only list servers write, or two that
 * others write, too.
 */
static const char *find_sign(struct mail *m)
{
	static const char *const fields[] = { "List-Id", "List-Post",
		"Mailing-List", "X-Mailing-List", "X-BeenThere",
		"X-Mailman-Version", "List-Subscribe", "X-ML-Name",
		"X-MLServer", "X-Listar-Version", "X-Ecartis-Version",
		"List-Software" };
	bool is_bulk = is_precedence(m, "bulk") || is_precedence(m, "junk");
	bool has_unsubscribe = header_raw(m, m->root, "list-unsubscribe").p !=
			       NULL;

	for (size_t i = 0; i < COUNT(fields); i++)
		if (header_raw(m, m->root, fields[i]).p)
			return fields[i];
	if (is_precedence(m, "list"))
		return "Precedence: list";
	if (has_unsubscribe &&
		header_raw(m, m->root, "list-unsubscribe-post").p)
		return "List-Unsubscribe-Post";
	if (has_unsubscribe && is_bulk)
		return "List-Unsubscribe, Precedence: bulk";
	if (has_unsubscribe && header_raw(m, m->root, "list-owner").p)
		return "List-Unsubscribe, List-Owner";
	if (is_bulk &&
		str_starts_case(first_address(m, "sender"), STR("owner-")))
		return "Sender: owner-, Precedence: bulk";
	if (is_sent_by_receiver(m) &&
		(is_bulk || header_raw(m, m->root, "approved-by").p ||
			has_unsubscribe))
		return "Sender is the receiver";
	return NULL;
}

const struct mail_list *mail_list(struct mail *m)
{
	struct mail_list *l = m->list;

	if (l)
		return l;
	l = m->list = ARENA_NEW(m->arena, struct mail_list);
	*l = (struct mail_list){ .id = STR(""),
		.unsubscribe_mailto = STR(""),
		.unsubscribe_https = STR(""),
		.name = STR(""),
		.post = STR(""),
		.software = STR("") };
	l->sign = find_sign(m);
	l->id = header_id(mail_header(m, STR("list-id")));
	if (!l->id.p)
		l->id = STR("");
	l->help = first_url(m, "list-help");
	l->archive = first_url(m, "list-archive");
	l->subscribe = first_url(m, "list-subscribe");
	l->owner = first_url(m, "list-owner");
	read_unsubscribe(m, l);
	if (!l->sign)
		return l;
	l->post = find_post(m, l);
	l->name = find_name(m, l);
	l->software = find_software(m);
	return l;
}

/* ---- what a program says of its mail ---- */

static struct str copy_of(struct mail *m, const char *field)
{
	struct str s = header_of(m, m->root, field);

	return s.p ? s : STR("");
}

const struct mail_auto *mail_auto(struct mail *m)
{
	struct mail_auto *out = m->robot;
	struct str path;

	if (out)
		return out;
	out = m->robot = ARENA_NEW(m->arena, struct mail_auto);
	out->auto_submitted = copy_of(m, "auto-submitted");
	out->precedence = copy_of(m, "precedence");
	out->x_auto_response_suppress = copy_of(m, "x-auto-response-suppress");
	out->x_autoreply = copy_of(m, "x-autoreply");
	out->x_autorespond = copy_of(m, "x-autorespond");
	out->x_loop = copy_of(m, "x-loop");
	out->feedback_id = copy_of(m, "feedback-id");
	path = str_trim(header_of(m, m->root, "return-path"));
	out->is_null_sender = path.p &&
			      (path.len == 0 || str_eq(path, STR("<>")));
	return out;
}
