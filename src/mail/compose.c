/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compose.c - new mail: header fields, addresses, texts, reports.
 *
 * A value becomes a list of atoms: words as they stand, and encoded words. An
 * atom is written with the blanks before it, on a new line when the old one is
 * full; so a fold is always followed by a blank of the value, and reading the
 * field gives the value back. Words beyond ASCII that stand side by side are
 * encoded together with their blanks, since those between encoded words are
 * not shown (RFC 2047 6.2).
 */
#include <mailmill/compose.h>
#include <mailmill/enc.h>
#include <mailmill/hash.h>
#include <mailmill/utf8.h>

#define GAP_MAX 40	     /* blanks kept side by side */
#define ENCODED_MAX 75	     /* of an encoded word (RFC 2047 2) */
#define ENCODED_LEAST 24     /* room that is worth beginning one */
#define ENCODED_EXTRA 12     /* =?utf-8?Q??= */
#define TEXT_LINE_MAX 76     /* of quoted-printable and base64 */
#define PLAIN_LINE_MAX 900   /* of a body that is sent as it is */
#define BASE64_LINE_BYTES 57 /* give 76 letters */
#define BOUNDARY_HEX 40	     /* digits of the hash */

bool compose_is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
			return false;
	return name.len > 0 && name.len <= COMPOSE_NAME_MAX;
}

/*
 * Atoms and lines
 */

struct line {
	struct buf *out;
	size_t column;
	bool has_atom;
};

static void begin_field(struct line *l, struct buf *out, struct str name)
{
	must(compose_is_name(name));
	buf_str(out, name);
	buf_c(out, ":");
	*l = (struct line){ .out = out, .column = name.len + 1 };
}

/* Where the line is too full for `len` bytes behind a gap, begins another. */
static void make_room(struct line *l, struct str gap, size_t len)
{
	if (!l->has_atom || l->column + gap.len + len <= COMPOSE_LINE_MAX)
		return;
	buf_c(l->out, "\r\n");
	l->column = 0;
}

static void put_atom(struct line *l, struct str gap, struct str atom)
{
	buf_str(l->out, gap);
	buf_str(l->out, atom);
	l->column += gap.len + atom.len;
	l->has_atom = true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copies a value on one line, without control characters. */
static void flatten(struct buf *out, struct str value)
{
	value = str_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.p[i];
		bool is_end = c == '\r' || c == '\n';

		/* a fold is not part of the value: one blank is enough */
		if (is_end && out->len && is_blank(out->p[out->len - 1]))
			continue;
		if (is_end && i + 1 < value.len &&
			strchr(" \t\r\n", value.p[i + 1]))
			continue;
		buf_byte(out, (c < ' ' && c != '\t') || c == 0x7f ? ' ' : c);
	}
}

/* Cuts blanks and the word behind them off *rest. */
static bool cut_word(struct str *rest, struct str *gap, struct str *word)
{
	size_t n = 0, end;

	while (n < rest->len && is_blank(rest->p[n]))
		n++;
	for (end = n; end < rest->len && !is_blank(rest->p[end]); end++)
		;
	*gap = str_sub(*rest, 0, MIN(n, GAP_MAX));
	*word = str_sub(*rest, n, end - n);
	*rest = str_sub(*rest, end, rest->len);
	return word->len > 0;
}

/*
 * Encoded words
 */

static bool is_q_literal(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!*+-/", c));
}

static size_t q_len(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is_q_literal((unsigned char)s.p[i]) || s.p[i] == ' ' ? 1
									  : 3;
	return n;
}

static void add_q(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ' ')
			buf_byte(out, '_');
		else if (is_q_literal(c))
			buf_byte(out, c);
		else
			buf_printf(out, "=%02X", c);
	}
}

static size_t encoded_len(struct str s, bool is_q)
{
	return ENCODED_EXTRA + (is_q ? q_len(s) : (s.len + 2) / 3 * 4);
}

/* Lends as many whole characters as fit into `room`, at least one. */
static struct str cut_encoded(struct str s, bool is_q, size_t room)
{
	size_t end = 0;

	while (end < s.len) {
		uint32_t code;
		size_t n = utf8_next(str_sub(s, end, s.len), &code);

		must(n > 0);
		if (end && encoded_len(str_sub(s, 0, end + n), is_q) > room)
			break;
		end += n;
	}
	return str_sub(s, 0, end);
}

static void put_encoded(struct line *l, struct str gap, struct str text)
{
	bool is_q = q_len(text) <= text.len + text.len * 2 / 3;

	for (; text.len; gap = STR(" ")) {
		AUTO(buf) struct buf atom = BUF_INIT(2 * ENCODED_MAX);
		size_t room;
		struct str piece;

		make_room(l, gap, ENCODED_LEAST);
		room = COMPOSE_LINE_MAX -
		       MIN(l->column + gap.len, (size_t)COMPOSE_LINE_MAX);
		room = MAX(room, ENCODED_LEAST);
		piece = cut_encoded(text, is_q, MIN(room, ENCODED_MAX));
		buf_printf(&atom, "=?utf-8?%c?", is_q ? 'Q' : 'B');
		if (is_q)
			add_q(&atom, piece);
		else
			enc_base64(&atom, piece);
		buf_c(&atom, "?=");
		put_atom(l, gap, buf_view(&atom));
		text = str_sub(text, piece.len, text.len);
	}
}

static bool needs_encoding(struct str word, bool is_decoded)
{
	if (is_decoded && str_find(word, STR("=?")) >= 0)
		return true;
	for (size_t i = 0; i < word.len; i++)
		if ((unsigned char)word.p[i] >= 0x80)
			return true;
	return word.len > COMPOSE_WORD_MAX;
}

/* Writes the words of a value that is flat UTF-8. */
static void put_text(struct line *l, struct str value, bool is_decoded)
{
	struct str gap, word;

	while (cut_word(&value, &gap, &word)) {
		struct str run = word, rest = value, more, next;

		if (!needs_encoding(word, is_decoded)) {
			make_room(l, gap, word.len);
			put_atom(l, gap, word);
			continue;
		}
		while (cut_word(&rest, &more, &next) &&
			needs_encoding(next, is_decoded)) {
			run.len = (size_t)(next.p + next.len - run.p);
			value = rest;
		}
		put_encoded(l, gap, run);
	}
}

/*
 * Fields
 */

static void add_text_field(
	struct buf *out, struct str name, struct str value, bool is_decoded)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf flat = BUF_INIT(value.len + 2);
	struct line l;

	buf_c(&flat, " ");
	flatten(&flat, value);
	begin_field(&l, out, name);
	put_text(&l, utf8_mend(a, buf_view(&flat)), is_decoded);
	if (!l.has_atom)
		buf_c(out, " ");
	buf_c(out, "\r\n");
}

void compose_field(struct buf *out, struct str name, struct str value)
{
	add_text_field(out, name, value, false);
}

void compose_decoded(struct buf *out, struct str name, struct str value)
{
	add_text_field(out, name, value, true);
}

void compose_tokens(struct buf *out, struct str name, struct str value)
{
	AUTO(buf) struct buf flat = BUF_INIT(value.len + 2);
	struct str rest, gap, word;
	struct line l;

	buf_c(&flat, " ");
	flatten(&flat, value);
	begin_field(&l, out, name);
	for (rest = buf_view(&flat); cut_word(&rest, &gap, &word);) {
		if (word.len > COMPOSE_WORD_MAX)
			continue;
		make_room(&l, gap, word.len);
		put_atom(&l, gap, word);
	}
	if (!l.has_atom)
		buf_c(out, " ");
	buf_c(out, "\r\n");
}

/*
 * Addresses
 */

static void add_quoted(struct buf *out, struct str s)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_byte(out, '\\');
		buf_byte(out, (unsigned char)s.p[i]);
	}
	buf_byte(out, '"');
}

struct str compose_address(struct arena *a, struct str name, struct str address)
{
	AUTO(buf) struct buf out = BUF_INIT(name.len * 8 + address.len + 256);
	AUTO(buf) struct buf flat = BUF_INIT(name.len + 2);
	AUTO(buf) struct buf flat_address = BUF_INIT(address.len + 2);
	struct line l = { .out = &out };

	flatten(&flat, name);
	flatten(&flat_address, address);
	if (needs_encoding(buf_view(&flat), true))
		put_encoded(&l, STR(""), utf8_mend(a, buf_view(&flat)));
	else if (flat.len)
		add_quoted(&out, buf_view(&flat));
	buf_c(&out, out.len ? " <" : "<");
	buf_str(&out, buf_view(&flat_address));
	buf_c(&out, ">");
	return arena_str(a, buf_view(&out));
}

/*
 * Entities
 */

static bool is_plain(struct str content)
{
	struct str line;

	while (str_cut_line(&content, &line)) {
		if (line.len > PLAIN_LINE_MAX)
			return false;
		for (size_t i = 0; i < line.len; i++)
			if ((line.p[i] < ' ' && line.p[i] != '\t') ||
				line.p[i] == 0x7f)
				return false;
	}
	return true;
}

static void add_plain(struct buf *out, struct str content)
{
	struct str line;

	while (str_cut_line(&content, &line)) {
		buf_str(out, line);
		buf_c(out, "\r\n");
	}
}

static bool is_qp_literal(struct str line, size_t i)
{
	char c = line.p[i];

	if (is_blank(c))
		return i + 1 < line.len;
	return c > ' ' && c < 0x7f && c != '=';
}

static void add_qp_line(struct buf *out, struct str line)
{
	size_t column = 0;

	for (size_t i = 0; i < line.len; i++) {
		bool is_literal = is_qp_literal(line, i);
		size_t n = is_literal ? 1 : 3;

		/* one column is for the = that joins lines */
		if (column + n > TEXT_LINE_MAX - 1) {
			buf_c(out, "=\r\n");
			column = 0;
		}
		if (is_literal)
			buf_byte(out, (unsigned char)line.p[i]);
		else
			buf_printf(out, "=%02X", (unsigned char)line.p[i]);
		column += n;
	}
	buf_c(out, "\r\n");
}

static void add_qp(struct buf *out, struct str content)
{
	struct str line;

	while (str_cut_line(&content, &line)) {
		add_qp_line(out, line);
	}
}

static void add_base64(struct buf *out, struct str content)
{
	AUTO(buf) struct buf lines = BUF_INIT(content.len * 2 + 2);

	add_plain(&lines, content);
	for (size_t i = 0; i < lines.len; i += BASE64_LINE_BYTES) {
		enc_base64(
			out, str_sub(buf_view(&lines), i, BASE64_LINE_BYTES));
		buf_c(out, "\r\n");
	}
}

static size_t count_8bit(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (unsigned char)s.p[i] >= 0x80;
	return n;
}

void compose_entity(struct buf *out, struct str type, struct str content)
{
	static const struct {
		struct str name;
		void (*add)(struct buf *out, struct str content);
	} encodings[] = {
		{ { "7bit", 4 }, add_plain },
		{ { "quoted-printable", 16 }, add_qp },
		{ { "base64", 6 }, add_base64 },
	};
	size_t chosen = 0;

	if (!is_plain(content))
		chosen = count_8bit(content) > content.len / 3 ? 2 : 1;
	compose_tokens(out, STR("Content-Type"), type);
	compose_tokens(
		out, STR("Content-Transfer-Encoding"), encodings[chosen].name);
	buf_c(out, "\r\n");
	encodings[chosen].add(out, content);
}

void compose_multipart(
	struct buf *out, struct str type, const struct str *entities, size_t n)
{
	AUTO(buf) struct buf whole = BUF_INIT(type.len + 128);
	struct hash *h = hash_begin();
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];

	hash_field(h, type);
	for (size_t i = 0; i < n; i++)
		hash_field(h, entities[i]);
	hash_end(h, digest);
	hash_hex(digest, hex);
	buf_printf(&whole, "%.*s; boundary=\"=_%.*s\"", STR_ARG(type),
		BOUNDARY_HEX, hex);
	compose_tokens(out, STR("Content-Type"), buf_view(&whole));
	buf_c(out, "\r\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "--=_%.*s\r\n", BOUNDARY_HEX, hex);
		buf_str(out, entities[i]);
		buf_c(out, "\r\n");
	}
	buf_printf(out, "--=_%.*s--\r\n", BOUNDARY_HEX, hex);
}
