/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_arc.c - chains of ARC sets, whole and broken. */
#include <mailmill/clock.h>

#include "signer.h"

#define FROM "From: a@example.org\r\n"
#define RFROM "from:a@example.org\r\n"
#define DOMAIN "d=example.org; s=s;"

/* A chain that grows as a mail is passed on. */
struct chain {
	struct buf header;    /* newest set on top */
	struct buf canonical; /* all sets for the next seal, oldest first */
	const char *body;
	enum key_kind key;
	int n;
};

static void begin(struct chain *c, const char *body)
{
	*c = (struct chain){ .body = body, .key = KEY_1024 };
	buf_init(&c->header, 1 << 20);
	buf_init(&c->canonical, 1 << 20);
	buf_c(&c->header, FROM);
}

static void end(struct chain *c)
{
	buf_fini(&c->header);
	buf_fini(&c->canonical);
}

/* Puts a field above all, and its relaxed form behind `canonical`. */
static void put_field(
	struct chain *c, const char *name, const char *lower, const char *text)
{
	AUTO(buf) struct buf old = BUF_INIT(1 << 20);

	buf_str(&old, buf_view(&c->header));
	buf_clear(&c->header);
	buf_printf(&c->header, "%s: %s\r\n", name, text);
	buf_str(&c->header, buf_view(&old));
	buf_printf(&c->canonical, "%s:%s\r\n", lower, text);
}

static void put_message(struct chain *c, const char *more)
{
	AUTO(buf) struct buf field = BUF_INIT(10000), text = BUF_INIT(10000);
	const char *a = c->key == KEY_ED25519 ? "ed25519" : "rsa";

	buf_printf(&field,
		"i=%d; a=%s-sha256; c=relaxed/relaxed; " DOMAIN
		" h=from;%s bh=",
		c->n, a, more);
	add_hash(&field, EVP_sha256(), str_c(c->body));
	buf_c(&field, "; b=");
	buf_printf(&text, RFROM "arc-message-signature:%s", field.p);
	add_signature(&field, c->key, EVP_sha256(), buf_view(&text));
	put_field(c, "ARC-Message-Signature", "arc-message-signature", field.p);
}

static void put_seal(struct chain *c, const char *cv, const char *more)
{
	AUTO(buf) struct buf field = BUF_INIT(10000), text = BUF_INIT(1 << 20);
	const char *a = c->key == KEY_ED25519 ? "ed25519" : "rsa";

	buf_printf(&field, "i=%d; a=%s-sha256; cv=%s; " DOMAIN "%s b=", c->n, a,
		cv, more);
	buf_str(&text, buf_view(&c->canonical));
	buf_printf(&text, "arc-seal:%s", field.p);
	add_signature(&field, c->key, EVP_sha256(), buf_view(&text));
	put_field(c, "ARC-Seal", "arc-seal", field.p);
}

static void put_results(struct chain *c)
{
	char text[100];

	snprintf(text, sizeof(text), "i=%d; mx.test; dkim=pass", c->n);
	put_field(c, "ARC-Authentication-Results", "arc-authentication-results",
		text);
}

static void put_set(struct chain *c)
{
	c->n++;
	put_results(c);
	put_message(c, "");
	put_seal(c, c->n == 1 ? "none" : "pass", "");
}

static void judge_raw(struct chain *c, struct str raw, struct answers *a,
	struct arena *arena, struct arc_result *out)
{
	AUTO(buf) struct buf record = BUF_INIT(10000);
	struct auth_ask ask = { answer, a, clock_wall_ms() };
	struct err err = { 0 };
	struct mail *m;

	buf_printf(
		&record, "k=%s; p=", c->key == KEY_ED25519 ? "ed25519" : "rsa");
	add_key(&record, c->key);
	if (!a->n)
		add_answer(a, "s._domainkey.example.org", buf_view(&record));
	must(mail_parse(raw, &m, &err) == 0);
	auth_arc(arena, m, &ask, out);
	out->sealer = arena_str(arena, out->sealer);
	out->problem = arena_str(arena, out->problem);
	mail_free(m);
}

static void judge(struct chain *c, const char *body, struct answers *a,
	struct arena *arena, struct arc_result *out)
{
	AUTO(buf) struct buf raw = BUF_INIT(64 << 20);

	buf_str(&raw, buf_view(&c->header));
	buf_c(&raw, "\r\n");
	buf_c(&raw, body);
	judge_raw(c, buf_view(&raw), a, arena, out);
}

static void expect(struct chain *c, enum auth_verdict verdict,
	const char *problem, const char *name)
{
	AUTO(arena) struct arena *arena = arena_new();
	struct answers a = { .n = 0 };
	struct arc_result r;

	judge(c, c->body, &a, arena, &r);
	is_int(r.verdict, verdict, name);
	if (!problem || str_find(r.problem, str_c(problem)) < 0)
		is_str(r.problem, problem ? problem : "", name);
	end(c);
}

TEST(three_sets)
{
	static const enum key_kind kinds[] = { KEY_1024, KEY_ED25519 };

	for (size_t k = 0; k < COUNT(kinds); k++) {
		AUTO(arena) struct arena *arena = arena_new();
		struct answers a = { .n = 0 };
		struct arc_result r;
		struct chain c;
		begin(&c, "a\r\n");
		c.key = kinds[k];
		for (int i = 0; i < 3; i++)
			put_set(&c);
		judge(&c, c.body, &a, arena, &r);
		is_int(r.verdict, AUTH_PASS, "the chain is whole");
		is_int(r.sets, 3, "of three");
		is_str(r.sealer, "example.org", "who sealed it last");
		is_str(r.oldest_pass, "0", "nothing was changed");
		is_str(r.problem, "", "no problem");
		end(&c);
	}
}

TEST(a_list_changes_the_body)
{
	AUTO(arena) struct arena *arena = arena_new();
	struct answers a = { .n = 0 };
	struct arc_result r;
	struct chain c;

	begin(&c, "a\r\n");
	put_set(&c);
	put_set(&c);
	c.body = "a\r\n-- \r\nthe list\r\n";
	put_set(&c);
	judge(&c, "a\r\n--\r\nthe list\r\n", &a, arena, &r);
	is_int(r.verdict, AUTH_FAIL, "what was signed had a blank");
	end(&c);

	begin(&c, "a\r\n");
	put_set(&c);
	put_set(&c);
	c.body = "a\r\n--\r\nthe list\r\n";
	put_set(&c);
	put_set(&c);
	a.n = 0;
	judge(&c, c.body, &a, arena, &r);
	is_int(r.verdict, AUTH_PASS, "the chain is whole all the same");
	is_str(r.oldest_pass, "3", "unchanged since the third");
	end(&c);
}

TEST(broken_chains)
{
	struct chain c;

	begin(&c, "");
	expect(&c, AUTH_NONE, NULL, "no ARC");

	begin(&c, "");
	put_set(&c);
	put_field(&c, "ARC-Seal", "", "i=1; a=b");
	expect(&c, AUTH_FAIL, "more than one seal", "two seals");

	begin(&c, "");
	c.n = 1;
	put_set(&c);
	expect(&c, AUTH_FAIL, "set 1 has no message signature", "a gap");

	begin(&c, "");
	c.n = 1;
	put_results(&c);
	put_seal(&c, "none", "");
	expect(&c, AUTH_FAIL, "set 1 has no message signature",
		"no message signature");

	begin(&c, "");
	c.n = 1;
	put_results(&c);
	put_message(&c, "");
	put_seal(&c, "pass", "");
	expect(&c, AUTH_FAIL, "cv=none", "the first cannot pass");

	begin(&c, "");
	c.n = 1;
	put_results(&c);
	put_message(&c, "");
	put_seal(&c, "fail", "");
	expect(&c, AUTH_FAIL, "was broken", "it was broken before");

	begin(&c, "");
	c.n = 1;
	put_results(&c);
	put_message(&c, "");
	put_seal(&c, "none", " h=from;");
	expect(&c, AUTH_FAIL, "h= has no place", "a seal with h=");

	begin(&c, "");
	c.n = 1;
	put_results(&c);
	put_message(&c, " x=1;");
	put_seal(&c, "none", "");
	expect(&c, AUTH_PASS, NULL, "age is nothing to a chain");

	begin(&c, "");
	c.n = 1;
	put_results(&c);
	put_message(&c, " h=x;");
	put_seal(&c, "none", "");
	expect(&c, AUTH_FAIL, "twice", "a malformed message signature");

	begin(&c, "");
	c.key = KEY_768;
	put_set(&c);
	expect(&c, AUTH_FAIL, "under 1024", "a short key");

	begin(&c, "");
	put_field(&c, "ARC-Seal", "", "i=51; a=b");
	expect(&c, AUTH_FAIL, "from 1 to 50", "set 51");

	begin(&c, "");
	put_field(&c, "ARC-Authentication-Results", "", "mx.test; none");
	expect(&c, AUTH_FAIL, "do not begin with i=", "no instance");
}

TEST(keys_that_are_not_there)
{
	AUTO(arena) struct arena *arena = arena_new();
	struct answers a = { .is_silent = true };
	struct arc_result r;
	struct chain c;

	begin(&c, "a\r\n");
	put_set(&c);
	put_set(&c);
	judge(&c, c.body, &a, arena, &r);
	is_int(r.verdict, AUTH_UNKNOWN, "waits");
	is_int(a.n_asked, 4, "for all at once");
	a = (struct answers){ .n = 1, .name = { "s._domainkey.example.org" } };
	a.status[0] = DNS_FAILED;
	judge(&c, c.body, &a, arena, &r);
	is_int(r.verdict, AUTH_TEMPERROR, "perhaps later");
	a.status[0] = DNS_NO_DATA;
	judge(&c, c.body, &a, arena, &r);
	is_int(r.verdict, AUTH_FAIL, "no key");
	end(&c);
}

/* Fifty sets over a large body, each with a length of its own. */
TEST(fifty_sets)
{
	AUTO(arena) struct arena *arena = arena_new();
	AUTO(buf) struct buf body = BUF_INIT(64 << 20), part = BUF_INIT(10000);
	struct answers a = { .n = 0 };
	struct arc_result r;
	struct chain c;
	char more[32];
	int64_t start;

	begin(&c, "");
	for (c.n = 1; c.n <= 50; c.n++) {
		buf_c(&part, "Lorem ipsum dolor\r\n");
		c.body = part.p;
		snprintf(more, sizeof(more), " l=%zu;", part.len);
		put_results(&c);
		put_message(&c, more);
		put_seal(&c, c.n == 1 ? "none" : "pass", "");
	}
	for (int i = 0; i < 1 << 20; i++)
		buf_c(&body, "Lorem  ipsum dolor\r\n");
	start = clock_cpu_ms();
	judge(&c, body.p, &a, arena, &r);
	is_true(clock_cpu_ms() - start < 10000, "in bounded time");
	is_int(r.sets, 50, "fifty");
	is_str(r.problem, "", "none is wrong");
	is_int(r.verdict, AUTH_PASS, "all are right");
	is_str(r.oldest_pass, "0", "from the first on");
	printf("# %lld ms\n", (long long)(clock_cpu_ms() - start));
	put_set(&c); /* the fifty-first */
	judge(&c, body.p, &a, arena, &r);
	is_int(r.verdict, AUTH_FAIL, "one more is too many");
	end(&c);
}
