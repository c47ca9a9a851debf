/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_scram.c - SCRAM-SHA-256 against the dialogue of RFC 7677 section 3. */
#include <mailmill/enc.h>

#include "../../../src/manage/scram.h"
#include "../../../src/manage/session.h"
#include "test.h"

#define NAME_NONCE "n=user,r=rOprNGfwEbeRWgbNEkqO"
#define BOTH "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SAID                                                                   \
	NAME_NONCE "," BOTH ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws," BOTH

static struct str unbase64(struct arena *a, const char *text)
{
	AUTO(buf) struct buf b = BUF_INIT(1024);

	must(enc_unbase64(&b, str_c(text)) == 0);
	return arena_str(a, buf_view(&b));
}

static bool is_base64(const unsigned char key[MANAGE_KEY_LEN], const char *text)
{
	AUTO(buf) struct buf b = BUF_INIT(1024);

	enc_base64(&b, str_n((const char *)key, MANAGE_KEY_LEN));
	return strcmp(b.p, text) == 0;
}

TEST(the_sums_of_the_rfc)
{
	AUTO(arena) struct arena *a = arena_new();
	struct manage_account acc = { 0 };
	unsigned char proof[MANAGE_KEY_LEN], signature[MANAGE_KEY_LEN];
	struct str bytes = unbase64(
		a, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");

	scram_keys(&acc, STR("pencil"), unbase64(a, "W22ZaJ0SNY7soEsUEjb6gQ=="),
		4096);
	memcpy(proof, bytes.p, sizeof(proof));
	is_true(scram_proves(&acc, STR(SAID), proof), "the client's proof");
	scram_sign(&acc, STR(SAID), signature);
	is_true(is_base64(signature,
			"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
		"the server's signature");
	proof[31] ^= 1;
	is_false(scram_proves(&acc, STR(SAID), proof), "another proof");
	proof[31] ^= 1;
	is_false(scram_proves(&acc, STR(SAID "x"), proof), "other words");
}

static enum mech_outcome say(struct manage_login *l, const char *text)
{
	return mech_scram_sha256.step(l, str_c(text));
}

TEST(first_words_that_are_none)
{
	static const char *const bad[] = { "", "n", "n,,", "n,,n=a", "n,,r=b",
		"p=tls-unique,,n=a,r=b", "n,a=x=,n=a,r=b", "n,,n=,r=b",
		"n,,n=a=2c,r=b", "n,,n=a,r=", "n,,n=a,r=b c", "n,,m=1,n=a,r=b",
		"n,b=c,n=a,r=b", "n,,n=a,r=b,x", "x,,n=a,r=b" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct manage_login l = { .arena = arena_new() };
		is_int(say(&l, bad[i]), MECH_MALFORMED, bad[i]);
		arena_free(l.arena);
	}
}

TEST(names_and_routes_are_unquoted)
{
	struct manage_login l = { .arena = arena_new() };

	is_int(say(&l, "y,a=a=2Cb,n=x=3D=2Cy,r=b,e=1"), MECH_NAMED, "taken");
	is_str(l.name, "x=,y", "name");
	is_str(l.as, "a,b", "route");
	arena_free(l.arena);
}

TEST(an_account_that_is_not_there_looks_like_one)
{
	struct manage_login l = { .arena = arena_new(),
		.challenge = BUF_INIT(1 << 16) };
	struct manage_account one, two;

	is_int(say(&l, "n,,n=bob,r=b"), MECH_NAMED, "named");
	l.step = 1;
	is_int(say(&l, ""), MECH_CHALLENGE, "is asked");
	has_text(l.challenge.p, ",i=15000", "iterations");
	scram_invent(l.arena, STR("bob"), &one);
	scram_invent(l.arena, STR("bob"), &two);
	is_true(str_eq(one.salt, two.salt), "the same salt each time");
	l.step = 2;
	is_int(say(&l, "c=biws,r=x,p="
		       "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
		MECH_MALFORMED, "another nonce");
	buf_fini(&l.challenge);
	arena_free(l.arena);
}
