/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_token.c - signed references: made, checked, changed, rotated. */
#include <mailmill/token.h>

#include "test.h"

#define KEY_A "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define KEY_B "b AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

static struct token_keys *keys_of(const char *text)
{
	struct token_keys *keys = NULL;
	struct err err = { 0 };

	must(token_keys_read(str_c(text), "keys", &keys, &err) == 0);
	return keys;
}

static struct str make(struct arena *a, const struct token_keys *keys,
	const char *scope, const char *object, const char *record)
{
	AUTO(buf) struct buf b = BUF_INIT(200);
	struct token_record of = { str_c(scope), str_c(object), str_c(record) };
	struct err err = { 0 };

	must(token_make(keys, &of, &b, &err) == 0);
	return arena_str(a, buf_view(&b));
}

/* The record, or "none". */
static struct str check(struct arena *a, const struct token_keys *keys,
	struct str token, const char *scope, const char *object)
{
	struct token_record of = { str_c(scope), str_c(object), STR_NULL };
	char name = 0;

	return token_check(keys, a, token, &of, &name) ? of.record
						       : STR("none");
}

TEST(a_token_tells_its_record)
{
	static const char *const records[] = { "500A0000001abcd",
		"500Aa000001aBcDEAU", "500A0000001abcdIAA", "500A", "4711",
		"b7c9a1e2-0000-4000-8000-0123456789ab", "zzzzzzzzzzzzzzz",
		"000000000000000", "x",
		"12345678901234567890123456789012345678901234567890" };
	AUTO(arena) struct arena *a = arena_new();
	AUTO(token_keys) struct token_keys *keys = keys_of(KEY_A);

	for (size_t i = 0; i < COUNT(records); i++) {
		struct str t = make(a, keys, "prod", "Case", records[i]);
		is_true(t.len >= TOKEN_LEAST && t.len <= TOKEN_MAX, "length");
		is_str(check(a, keys, t, "prod", "Case"), records[i],
			"as it was");
		is_str(check(a, keys, t, "test", "Case"), "none",
			"none of another org");
		is_str(check(a, keys, t, "prod", "Lead"), "none",
			"none of another object");
	}
	is_int(make(a, keys, "prod", "Case", "500A0000001abcdIAA").len, 38,
		"one of Salesforce is short");
}

TEST(a_token_is_what_it_was)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(token_keys) struct token_keys *keys = keys_of(KEY_A);

	/* else the tokens in mails that are out would be worth nothing */
	is_str(make(a, keys, "prod", "Case", "500A0000001abcdIAA"),
		"aaiadgsx6rtgtfooj4wd57uc3v4fhenmzdj4ru", "the same for good");
}

TEST(a_token_has_no_case)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(token_keys) struct token_keys *keys = keys_of(KEY_A);
	struct str t = make(a, keys, "prod", "Case", "500A0000001abcdIAA");
	char upper[TOKEN_MAX];

	for (size_t i = 0; i < t.len; i++)
		upper[i] = t.p[i] >= 'a' ? (char)(t.p[i] - 32) : t.p[i];
	is_str(check(a, keys, str_n(upper, t.len), "prod", "Case"),
		"500A0000001abcdIAA", "upper case");
}

TEST(a_changed_token_is_none)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(token_keys) struct token_keys *keys = keys_of(KEY_A KEY_B);
	struct str t = make(a, keys, "prod", "Case", "500A0000001abcdIAA");
	char changed[TOKEN_MAX + 1];

	for (size_t i = 0; i < t.len; i++) {
		memcpy(changed, t.p, t.len);
		changed[i] = changed[i] == 'a' ? 'b' : 'a';
		is_str(check(a, keys, str_n(changed, t.len), "prod", "Case"),
			"none", "a letter changed");
		is_str(check(a, keys, str_sub(t, 0, i), "prod", "Case"), "none",
			"cut");
	}
	changed[t.len] = 'a';
	is_str(check(a, keys, str_n(changed, t.len + 1), "prod", "Case"),
		"none", "longer");
	is_str(check(a, keys, STR("a-1"), "prod", "Case"), "none", "no token");
}

TEST(keys_rotate)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(token_keys) struct token_keys *old = keys_of(KEY_A);
	AUTO(token_keys) struct token_keys *both = keys_of(
		"# since spring\n" KEY_A "\n" KEY_B);
	AUTO(token_keys) struct token_keys *new = keys_of(KEY_B);
	struct str t = make(a, old, "prod", "Case", "1");

	is_str(check(a, both, t, "prod", "Case"), "1", "the old one counts");
	is_str(check(a, new, t, "prod", "Case"), "none", "until it is gone");
	t = make(a, both, "prod", "Case", "1");
	is_int(t.p[0], 'b', "the last one signs");
	is_str(check(a, new, t, "prod", "Case"), "1", "and counts");
}

TEST(wrong_keys_are_told)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "keys: no key is in it; `mailmill token key` makes one" },
		{ "# a\nA AAAA\n",
			"keys:2: a line is a letter of a-z2-7, a blank and a "
			"key" },
		{ "a AAAA\n", "keys:1: a key is 16 to 64 bytes in base64" },
		{ KEY_A KEY_A, "keys:2: another key has this name" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct token_keys *keys = NULL;
		struct err err = { 0 };
		is_int(token_keys_read(
			       str_c(rows[i].text), "keys", &keys, &err),
			-1, rows[i].why);
		is_str(str_c(err.text), rows[i].why, "told");
	}
}

TEST(new_keys_have_new_names)
{
	AUTO(buf) struct buf b = BUF_INIT(10000);
	struct err err = { 0 };

	must(token_key_add(NULL, &b, &err) == 0);
	for (size_t i = 1; i < TOKEN_KEYS_MAX; i++) {
		AUTO(token_keys) struct token_keys *keys = keys_of(b.p);
		is_int(token_key_add(keys, &b, &err), 0, "one more");
		buf_byte(&b, 0);
		b.len--;
	}
	AUTO(token_keys) struct token_keys *all = keys_of(b.p);
	is_int(token_key_add(all, &b, &err), -1, "no more names");
}
