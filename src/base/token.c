/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * token.c - tokens: a key's name, and in base32 a form, an id, a signature.
 *
 *   NAME base32( FORM ID SIGNATURE )
 *
 * NAME is the letter of the key. FORM is a byte: 0, ID is the id as it is; 1
 * and 2, ID is the number in 12 bytes that the 15 letters and digits of an id
 * of Salesforce write to the base 62, with 2 the three letters behind them,
 * which follow from their case, are there, too. SIGNATURE is the first 10
 * bytes of HMAC-SHA-256 over "mailmill token 1", scope, object and id, each
 * with its length before it. So a token of a Case is 38 letters, and is none of
 * another object or org. Guessing one takes 2^79 mails.
 */
#include <mailmill/enc.h>
#include <mailmill/hash.h>
#include <mailmill/id.h>
#include <mailmill/token.h>

#define KEY_LEAST 16
#define KEY_MAX                                                                \
	64 /* a block of SHA-256: a longer one would have to be hashed */
#define SIGNATURE_LEN 10
#define PACKED_LEN 12
#define SHORT_ID 15
#define LONG_ID 18
#define BODY_MAX (1 + TOKEN_RECORD_MAX + SIGNATURE_LEN)

enum form {
	FORM_TEXT,
	FORM_SHORT, /* 15 letters */
	FORM_LONG,  /* 18, of which 3 follow from the others */
};

struct token_keys {
	struct key {
		char name;
		unsigned char bytes[KEY_MAX]; /* zeros behind its end */
	} items[TOKEN_KEYS_MAX];
	size_t n;
};

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char base62[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int digit_of(const char *digits, char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* ---- keys ---- */

static const struct key *find_key(const struct token_keys *keys, char name)
{
	for (size_t i = 0; keys && i < keys->n; i++)
		if (keys->items[i].name == name)
			return &keys->items[i];
	return NULL;
}

/* Reads "NAME KEY"; *why tells what is wrong. */
static int read_key(struct token_keys *keys, struct str line, const char **why)
{
	AUTO(buf) struct buf bytes = BUF_INIT(KEY_MAX * 2);
	struct key *key = &keys->items[keys->n];

	if (line.len < 3 || digit_of(base32, line.p[0]) < 0 ||
		line.p[1] != ' ') {
		*why = "a line is a letter of a-z2-7, a blank and a key";
		return -1;
	}
	if (find_key(keys, line.p[0])) {
		*why = "another key has this name";
		return -1;
	}
	if (enc_unbase64(&bytes, str_trim(str_sub(line, 2, line.len))) < 0 ||
		bytes.len < KEY_LEAST || bytes.len > KEY_MAX) {
		*why = "a key is 16 to 64 bytes in base64";
		return -1;
	}
	if (keys->n == TOKEN_KEYS_MAX) {
		*why = "there are too many keys";
		return -1;
	}
	key->name = line.p[0];
	memcpy(key->bytes, bytes.p, bytes.len);
	explicit_bzero(bytes.p, bytes.len);
	keys->n++;
	return 0;
}

int token_keys_read(struct str text, const char *where, struct token_keys **out,
	struct err *err)
{
	AUTO(token_keys) struct token_keys *keys = NEW(struct token_keys);
	struct str line;
	const char *why;

	for (unsigned n = 1; str_cut_line(&text, &line); n++) {
		line = str_trim(line);
		if (!line.len || line.p[0] == '#')
			continue;
		if (read_key(keys, line, &why) < 0)
			return err_set(
				err, ERR_CONF, "%s:%u: %s", where, n, why);
	}
	if (keys->n == 0)
		return err_set(err, ERR_CONF,
			"%s: no key is in it; `mailmill token key` makes one",
			where);
	*out = TAKE(keys);
	return 0;
}

void token_keys_free(struct token_keys *keys)
{
	if (!keys)
		return;
	explicit_bzero(keys, sizeof(*keys));
	free(keys);
}

int token_key_add(
	const struct token_keys *keys, struct buf *out, struct err *err)
{
	unsigned char bytes[32];
	size_t i = 0;

	while (i < TOKEN_KEYS_MAX && find_key(keys, base32[i]))
		i++;
	if (i == TOKEN_KEYS_MAX)
		return err_set(err, ERR_CONF,
			"all %d names of keys are taken: remove the first",
			TOKEN_KEYS_MAX);
	id_random(bytes, sizeof(bytes));
	buf_printf(out, "%c ", base32[i]);
	enc_base64(out, str_n((const char *)bytes, sizeof(bytes)));
	buf_byte(out, '\n');
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

/* HMAC (RFC 2104); a key is never longer than a block. */
static void sign(const struct key *key, const struct token_record *of,
	unsigned char out[HASH_LEN])
{
	unsigned char block[KEY_MAX];
	struct hash *h = hash_begin();

	for (size_t i = 0; i < KEY_MAX; i++)
		block[i] = key->bytes[i] ^ 0x36;
	hash_add(h, block, sizeof(block));
	hash_field(h, STR("mailmill token 1"));
	hash_field(h, of->scope);
	hash_field(h, of->object);
	hash_field(h, of->record);
	hash_end(h, out);
	h = hash_begin();
	for (size_t i = 0; i < KEY_MAX; i++)
		block[i] = key->bytes[i] ^ 0x5c;
	hash_add(h, block, sizeof(block));
	hash_add(h, out, HASH_LEN);
	hash_end(h, out);
	explicit_bzero(block, sizeof(block));
}

/* ---- ids of Salesforce ---- */

/* The three letters that tell the case of the others. */
static void make_suffix(const char *id, char suffix[3])
{
	for (unsigned i = 0; i < 3; i++) {
		unsigned bits = 0;
		for (unsigned k = 0; k < 5; k++) {
			char c = id[i * 5 + k];
			bits |= (c >= 'A' && c <= 'Z' ? 1u : 0u) << k;
		}
		suffix[i] = (char)(bits < 26 ? 'A' + (int)bits
					     : '0' + (int)bits - 26);
	}
}

static enum form form_of(struct str id)
{
	char suffix[3];

	if (id.len != SHORT_ID && id.len != LONG_ID)
		return FORM_TEXT;
	for (size_t i = 0; i < id.len; i++)
		if (digit_of(base62, id.p[i]) < 0)
			return FORM_TEXT;
	if (id.len == SHORT_ID)
		return FORM_SHORT;
	make_suffix(id.p, suffix);
	return memcmp(suffix, id.p + SHORT_ID, 3) ? FORM_TEXT : FORM_LONG;
}

static void pack(const char *id, unsigned char out[PACKED_LEN])
{
	memset(out, 0, PACKED_LEN);
	for (size_t i = 0; i < SHORT_ID; i++) {
		unsigned carry = (unsigned)digit_of(base62, id[i]);
		for (size_t k = PACKED_LEN; k-- > 0;) {
			carry += out[k] * 62u;
			out[k] = (unsigned char)carry;
			carry >>= 8;
		}
	}
}

/* Returns: false when it is no such number. */
static bool unpack(const unsigned char *in, char id[LONG_ID])
{
	unsigned char left[PACKED_LEN];
	unsigned rest = 0, all = 0;

	memcpy(left, in, PACKED_LEN);
	for (size_t i = SHORT_ID; i-- > 0;) {
		rest = 0;
		for (size_t k = 0; k < PACKED_LEN; k++) {
			rest = rest << 8 | left[k];
			left[k] = (unsigned char)(rest / 62);
			rest %= 62;
		}
		id[i] = base62[rest];
	}
	for (size_t k = 0; k < PACKED_LEN; k++)
		all |= left[k];
	make_suffix(id, id + SHORT_ID);
	return all == 0;
}

/* ---- tokens ---- */

static void add_base32(struct buf *b, const unsigned char *p, size_t n)
{
	unsigned bits = 0, n_bits = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8 | p[i]) & 0xfff;
		for (n_bits += 8; n_bits >= 5; n_bits -= 5)
			buf_byte(b, (unsigned char)
					    base32[bits >> (n_bits - 5) & 31]);
	}
	if (n_bits)
		buf_byte(b, (unsigned char)base32[bits << (5 - n_bits) & 31]);
}

/* Returns: the count, or 0 when it is none or longer than BODY_MAX. */
static size_t read_base32(struct str s, unsigned char out[BODY_MAX])
{
	unsigned bits = 0, n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int v = digit_of(base32, lower(s.p[i]));
		if (v < 0 || n == BODY_MAX)
			return 0;
		bits = (bits << 5 | (unsigned)v) & 0xfff;
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	/* what is left over must be nothing, so that each has one form */
	return n_bits < 5 && !(bits & ((1u << n_bits) - 1)) ? n : 0;
}

int token_make(const struct token_keys *keys, const struct token_record *of,
	struct buf *out, struct err *err)
{
	unsigned char body[BODY_MAX], signature[HASH_LEN];
	const struct key *key = &keys->items[keys->n - 1];
	enum form form = form_of(of->record);
	size_t n = 0;

	if (!of->record.len || of->record.len > TOKEN_RECORD_MAX)
		return err_set(err, ERR_PERM,
			"an id of %zu bytes has no token: 1 to %d have",
			of->record.len, TOKEN_RECORD_MAX);
	body[n++] = (unsigned char)form;
	if (form == FORM_TEXT) {
		memcpy(body + n, of->record.p, of->record.len);
		n += of->record.len;
	} else {
		pack(of->record.p, body + n);
		n += PACKED_LEN;
	}
	sign(key, of, signature);
	memcpy(body + n, signature, SIGNATURE_LEN);
	n += SIGNATURE_LEN;
	buf_byte(out, (unsigned char)key->name);
	add_base32(out, body, n);
	return 0;
}

/* Reads what stands between the form and the signature. */
static bool read_record(struct arena *a, enum form form, const unsigned char *p,
	size_t n, struct str *out)
{
	char id[LONG_ID];

	if (form == FORM_TEXT) {
		*out = arena_str(a, str_n((const char *)p, n));
		return n > 0;
	}
	if (form > FORM_LONG || n != PACKED_LEN || !unpack(p, id))
		return false;
	*out = arena_str(a, str_n(id, form == FORM_SHORT ? SHORT_ID : LONG_ID));
	return true;
}

bool token_check(const struct token_keys *keys, struct arena *a,
	struct str token, struct token_record *of, char *key_name)
{
	unsigned char body[BODY_MAX], signature[HASH_LEN], differs = 0;
	const struct key *key;
	struct token_record got = *of;
	size_t n;

	if (token.len < TOKEN_LEAST || token.len > TOKEN_MAX)
		return false;
	key = find_key(keys, lower(token.p[0]));
	n = read_base32(str_sub(token, 1, token.len), body);
	if (!key || n <= 1 + SIGNATURE_LEN)
		return false;
	n -= SIGNATURE_LEN;
	if (!read_record(a, (enum form)body[0], body + 1, n - 1, &got.record))
		return false;
	sign(key, &got, signature);
	for (size_t i = 0; i < SIGNATURE_LEN; i++)
		differs |= signature[i] ^ body[n + i];
	if (differs)
		return false;
	of->record = got.record;
	*key_name = key->name;
	return true;
}
