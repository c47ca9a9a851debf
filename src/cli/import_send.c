/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import_send.c - says one mail of an archive to the daemon, at most once.
 *
 * The key that makes a second time harmless is the SHA-256 of the mail's bytes
 * and the recipient, with LF and CRLF taken for the same and line ends at the
 * end not counted, so that a mail keeps its key when it is moved from an mbox
 * to a Maildir or a tar.
 *
 * The recipient is what --to says, or the first that some route takes of:
 * Delivered-To, X-Original-To, Envelope-To, then To and Cc. The sender is what
 * --from says, or Return-Path, or the mbox's "From " line, or From.
 */
#include <errno.h>
#include <string.h>

#include <mailmill/buf.h>
#include <mailmill/hash.h>
#include <mailmill/mem.h>

#include "../deliver/client.h"
#include "import_send.h"

#define TIMEOUT_S 300
#define CANDIDATES_MAX 20
#define ADDRESS_LEN_MAX 320
#define HEADER_MAX ((size_t)1 << 20)

struct import_line {
	const struct import_options *o;
	bool is_open;
	struct client client;
};

/* What is tried for one mail. */
struct attempt {
	struct str bytes, header;
	unsigned char digest[HASH_LEN];
	struct str sender;
	struct str rcpts[CANDIDATES_MAX];
	size_t n_rcpts;
};

/* --- the mail's own addresses --------------------------------------------- */

static struct str find_header(struct str bytes)
{
	struct str rest = str_sub(bytes, 0, HEADER_MAX), line;
	size_t len = 0;

	while (str_cut_line(&rest, &line) && line.len)
		len = (size_t)(rest.p - bytes.p);
	return str_sub(bytes, 0, len);
}

/* Finds the next field of a name from *at on, with its folded lines. */
static bool next_field(
	struct str header, const char *name, size_t *at, struct str *value)
{
	struct str rest = str_sub(header, *at, header.len), line;
	size_t name_len = strlen(name);

	while (str_cut_line(&rest, &line)) {
		if (line.len <= name_len || line.p[name_len] != ':' ||
			!str_eq_case(str_sub(line, 0, name_len), str_c(name)))
			continue;
		*value = str_n(line.p + name_len + 1, line.len - name_len - 1);
		while (rest.len && (rest.p[0] == ' ' || rest.p[0] == '\t') &&
			str_cut_line(&rest, &line))
			value->len = (size_t)(line.p + line.len - value->p);
		*at = (size_t)(rest.p - header.p);
		return true;
	}
	return false;
}

static bool is_address_byte(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr(",;<>()\"\\", c);
}

/* Skips a comment or a quoted string. Returns: the offset behind it. */
static size_t skip_quoted(struct str s, size_t at)
{
	char end = s.p[at] == '"' ? '"' : ')';
	int depth = 1;

	while (++at < s.len && depth) {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == end)
			depth--;
		else if (end == ')' && s.p[at] == '(')
			depth++;
	}
	return MIN(at, s.len);
}

/* Cuts the next thing that looks like an address. Returns: false at the end. */
static bool next_address(struct str s, size_t *at, struct str *out)
{
	while (*at < s.len) {
		size_t from = *at;
		struct str word;
		if (s.p[from] == '"' || s.p[from] == '(') {
			*at = skip_quoted(s, from);
			continue;
		}
		while (*at < s.len && is_address_byte(s.p[*at]))
			(*at)++;
		word = str_sub(s, from, *at - from);
		if (str_rchr(word, '@') > 0 && !str_ends(word, STR("@")) &&
			!str_starts(word, STR("=?")) &&
			word.len <= ADDRESS_LEN_MAX) {
			*out = word;
			return true;
		}
		if (*at == from)
			(*at)++;
	}
	return false;
}

static void add_rcpts(struct attempt *a, const char *field)
{
	struct str value, address;
	size_t at = 0;

	while (next_field(a->header, field, &at, &value)) {
		size_t in = 0;
		while (a->n_rcpts < CANDIDATES_MAX &&
			next_address(value, &in, &address))
			a->rcpts[a->n_rcpts++] = address;
	}
}

static void find_rcpts(struct attempt *a, const char *to)
{
	static const char *const fields[] = { "Delivered-To", "X-Original-To",
		"Envelope-To", "To", "Cc" };

	if (to) {
		a->rcpts[a->n_rcpts++] = str_c(to);
		return;
	}
	for (size_t i = 0; i < COUNT(fields); i++)
		add_rcpts(a, fields[i]);
}

static struct str find_sender(
	const struct attempt *a, const char *asked, struct str from_line)
{
	struct str value, address;
	size_t at = 0, in = 0;

	if (asked)
		return strcmp(asked, "<>") ? str_c(asked) : STR("");
	if (next_field(a->header, "Return-Path", &at, &value)) {
		if (next_address(value, &in, &address))
			return address;
		if (str_find(value, STR("<>")) >= 0)
			return STR("");
	}
	if (next_address(from_line, &(size_t){ 0 }, &address))
		return address;
	at = in = 0;
	if (next_field(a->header, "From", &at, &value) &&
		next_address(value, &in, &address))
		return address;
	return STR("");
}

static void digest_bytes(struct attempt *a)
{
	struct hash *h = hash_begin();
	struct str s = a->bytes, line;

	while (s.len && strchr("\r\n", s.p[s.len - 1]))
		s.len--;
	while (str_cut_line(&s, &line)) {
		hash_add(h, line.p, line.len);
		hash_add(h, "\n", 1);
	}
	hash_end(h, a->digest);
}

static void make_key(
	const struct attempt *a, struct str rcpt, char out[HASH_HEX_LEN + 1])
{
	unsigned char digest[HASH_LEN];
	struct hash *h = hash_begin();

	hash_field(h, STR("mailmill import 1"));
	hash_field(h, str_n((const char *)a->digest, HASH_LEN));
	hash_field(h, rcpt);
	hash_end(h, digest);
	hash_hex(digest, out);
}

/* --- the conversation
 * ------------------------------------------------------------- */

static void hang_up(struct import_line *l)
{
	if (l->is_open)
		client_close(&l->client);
	l->is_open = false;
}

/* No reply, or one that says that the connection ends: begin anew. */
static enum import_outcome lose(struct import_line *l, struct err *err)
{
	if (l->client.code == 421)
		err_set(err, ERR_TEMP, "the daemon says 421 %s",
			l->client.text);
	else
		err_set(err, ERR_TEMP, "the daemon went away");
	hang_up(l);
	return IMPORT_LATER;
}

static enum import_outcome refuse(struct import_line *l, struct err *err)
{
	int code = l->client.code;

	if (code == 421)
		return lose(l, err);
	err_set(err, code / 100 == 5 ? ERR_PERM : ERR_TEMP, "%d %s", code,
		l->client.text);
	if (code / 100 != 5)
		return IMPORT_LATER;
	return IMPORT_REFUSED;
}

static enum import_outcome fail_open(const char *path, struct err *err)
{
	bool is_away = errno == ENOENT || errno == ECONNREFUSED ||
		       errno == EAGAIN;

	err_sys(err, "cannot reach the daemon on %s", path);
	if (is_away)
		err->kind = ERR_TEMP;
	return is_away ? IMPORT_LATER : IMPORT_STOP;
}

/* Returns: IMPORT_NEW when it is open. */
static enum import_outcome open_line(struct import_line *l, struct err *err)
{
	const char *path = client_socket(l->o->socket);

	if (l->is_open)
		return IMPORT_NEW;
	if (client_open(&l->client, path, TIMEOUT_S) < 0)
		return fail_open(path, err);
	l->is_open = true;
	l->client.seek = "XONCE";
	if (client_hear(&l->client) != 220)
		return lose(l, err);
	client_say(&l->client, "LHLO mailmill-import");
	if (client_hear(&l->client) != 250)
		return lose(l, err);
	if (l->client.is_found)
		return IMPORT_NEW;
	hang_up(l);
	err_set(err, ERR_CONF,
		"the daemon does not let you import on %s: do it as root or as "
		"the daemon's own user, on the socket of a section \"pipe\"",
		path);
	return IMPORT_STOP;
}

static bool has_8bit(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

/* Says MAIL and RCPT. Returns: IMPORT_NEW when the recipient was taken. */
static enum import_outcome say_envelope(struct import_line *l,
	const struct attempt *a, struct str rcpt, struct err *err)
{
	struct client *c = &l->client;
	char key[HASH_HEX_LEN + 1];
	int mail, code;

	make_key(a, rcpt, key);
	client_say(c, "MAIL FROM:<%.*s> BODY=8BITMIME XONCE=%s%s",
		STR_ARG(a->sender), key,
		has_8bit(a->sender) || has_8bit(rcpt) ? " SMTPUTF8" : "");
	client_say(c, "RCPT TO:<%.*s>", STR_ARG(rcpt));
	mail = client_hear(c);
	if (mail < 0 || mail == 421)
		return lose(l, err);
	if (mail != 250) {
		enum import_outcome rc = refuse(l, err);
		return client_hear(c) < 0 ? lose(l, err) : rc;
	}
	code = client_hear(c);
	if (code < 0 || code == 421)
		return lose(l, err);
	if (code == 250)
		return IMPORT_NEW;
	refuse(l, err);
	client_say(c, "RSET");
	if (client_hear(c) != 250)
		return lose(l, err);
	return code / 100 == 5 ? IMPORT_REFUSED : IMPORT_LATER;
}

static enum import_outcome say_message(
	struct import_line *l, const struct attempt *a, struct err *err)
{
	struct client *c = &l->client;
	int code;

	client_say(c, "DATA");
	code = client_hear(c);
	if (code < 0)
		return lose(l, err);
	if (code != 354)
		return refuse(l, err);
	client_body(c, a->bytes.p, a->bytes.len);
	client_body_end(c);
	code = client_hear(c);
	if (code < 0)
		return lose(l, err);
	if (code != 250)
		return refuse(l, err);
	return strstr(c->text, "already here") ? IMPORT_SEEN : IMPORT_NEW;
}

static enum import_outcome try_all(
	struct import_line *l, const struct attempt *a, struct err *err)
{
	enum import_outcome rc = IMPORT_REFUSED;

	err_set(err, ERR_PERM, "no recipient is in its header: say --to");
	for (size_t i = 0; i < a->n_rcpts; i++) {
		rc = say_envelope(l, a, a->rcpts[i], err);
		if (rc == IMPORT_NEW)
			return say_message(l, a, err);
		if (rc != IMPORT_REFUSED)
			return rc;
		err_add(err, "%.*s%s", STR_ARG(a->rcpts[i]),
			i ? " and those before it" : "");
	}
	return rc;
}

enum import_outcome import_send(struct import_line *l, struct str bytes,
	struct str from, struct err *err)
{
	struct attempt a = { .bytes = bytes, .header = find_header(bytes) };
	enum import_outcome rc = open_line(l, err);

	if (rc != IMPORT_NEW)
		return rc;
	digest_bytes(&a);
	find_rcpts(&a, l->o->to);
	a.sender = find_sender(&a, l->o->from, from);
	rc = try_all(l, &a, err);
	/* a sender that is none must not keep a mail out */
	if (rc == IMPORT_REFUSED && l->is_open && a.sender.len && !l->o->from &&
		str_find(str_c(err->text), STR("501 5.1.7")) >= 0) {
		a.sender = STR("");
		rc = try_all(l, &a, err);
	}
	return rc;
}

struct import_line *import_line_new(const struct import_options *o)
{
	struct import_line *l = NEW(struct import_line);

	l->o = o;
	return l;
}

void import_line_free(struct import_line *l)
{
	if (!l)
		return;
	hang_up(l);
	free(l);
}
