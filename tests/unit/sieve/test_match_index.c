/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_match_index.c - many keys at once: what the index says is what a loop
 * over the keys says, on made-up keys and values of few letters.
 */
#include <stdlib.h>

#include "../../../src/sieve/match.h"
#include "script.h"

#define KEYS_MAX 40
#define LEN_MAX 7
#define ROUNDS 20000

/* A small generator: the same run everywhere. */
static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static struct str make(
	struct arena *a, uint32_t *seed, const char *letters, size_t len_max)
{
	size_t len = next(seed) % (len_max + 1), n = strlen(letters);
	char *p = arena_alloc(a, len + 1);

	for (size_t i = 0; i < len; i++)
		p[i] = letters[next(seed) % n];
	return str_n(p, len);
}

static size_t make_keys(struct arena *a, uint32_t *seed, const char *letters,
	struct str keys[KEYS_MAX])
{
	size_t n = 1 + next(seed) % KEYS_MAX;

	for (size_t i = 0; i < n; i++)
		keys[i] = make(a, seed, letters, LEN_MAX);
	return n;
}

static bool fits_loop(enum sieve_index_kind kind, const struct str *keys,
	size_t n, struct str value)
{
	for (size_t i = 0; i < n; i++)
		if (kind == SIEVE_INDEX_IS ? str_eq(keys[i], value)
					   : str_find(value, keys[i]) >= 0)
			return true;
	return false;
}

static void compare_fits(enum sieve_index_kind kind)
{
	uint32_t seed = 7;
	size_t n_hits = 0;

	for (int round = 0; round < ROUNDS; round++) {
		AUTO(arena) struct arena *a = arena_new();
		struct str keys[KEYS_MAX];
		const char *letters = round % 2 ? "ab" : "abcde\xff";
		size_t n = make_keys(a, &seed, letters, keys);
		struct sieve_index *x;

		/* The empty one, and others that are everywhere, are rare. */
		for (size_t i = 0; round % 8 && i < n; i++)
			if (keys[i].len < 4)
				keys[i] = STR("abcdeabcde");
		x = sieve_index_new(a, kind, keys, n);

		for (int i = 0; i < 5; i++) {
			struct str v = make(a, &seed, letters, 2 * LEN_MAX);
			bool want = fits_loop(kind, keys, n, v);

			n_hits += want;
			if (sieve_index_fits(x, v) != want)
				test_fail(__FILE__, __LINE__,
					"round %d: \"%.*s\"", round,
					STR_ARG(v));
		}
	}
	is_true(n_hits > ROUNDS / 20, "many fit");
	is_true(n_hits < (size_t)ROUNDS * 5 - ROUNDS / 20, "many do not");
}

TEST(is_by_table_is_the_loop)
{
	compare_fits(SIEVE_INDEX_IS);
}

TEST(contains_by_automaton_is_the_loop)
{
	compare_fits(SIEVE_INDEX_CONTAINS);
}

/* Every pattern that matches is found, and they come in order. */
static void check_found(const struct str *keys, size_t n, struct str v,
	const uint32_t *found, size_t n_found)
{
	size_t at = 0;

	for (size_t i = 1; i < n_found; i++)
		is_true(found[i - 1] < found[i], "in order, each once");
	for (size_t i = 0; i < n; i++) {
		uint64_t steps = UINT64_MAX;

		while (at < n_found && found[at] < i)
			at++;
		if (sieve_glob(keys[i], v, false, NULL, 0, &steps) > 0 &&
			(at == n_found || found[at] != i))
			test_fail(__FILE__, __LINE__,
				"\"%.*s\" ~ \"%.*s\" was left out", STR_ARG(v),
				STR_ARG(keys[i]));
	}
}

TEST(no_pattern_that_matches_is_left_out)
{
	uint32_t seed = 11;

	for (int round = 0; round < ROUNDS; round++) {
		AUTO(arena) struct arena *a = arena_new();
		struct str keys[KEYS_MAX];
		size_t n = make_keys(a, &seed, "abc*?\\", keys);
		struct sieve_index *x = sieve_index_new(
			a, SIEVE_INDEX_MATCHES, keys, n);

		for (int i = 0; i < 5; i++) {
			struct str v = make(a, &seed, "abc*?\\", 2 * LEN_MAX);
			uint32_t *found;
			size_t n_found = sieve_index_find(x, v, &found);

			check_found(keys, n, v, found, n_found);
			free(found);
		}
	}
}

TEST(patterns_without_their_literal_are_not_tried)
{
	AUTO(arena) struct arena *a = arena_new();
	const struct str keys[] = { STR("abc*"), STR("*xyz"), STR("*abc*"),
		STR("ab\\*c"), STR("*"), STR("?bcd*") };
	struct sieve_index *x = sieve_index_new(
		a, SIEVE_INDEX_MATCHES, keys, COUNT(keys));
	uint32_t *found;

	is_int(sieve_index_find(x, STR("zabcd"), &found), 3,
		"in the middle: the free ones");
	is_true(found && found[0] == 2 && found[1] == 4 && found[2] == 5,
		"by number");
	free(found);
}

/* A whole rule: keys that are constant, and the same ones that are not. */
static void run_keys(const char *type, const char *tail, struct buf *keys,
	const char *subject, struct buf *out)
{
	AUTO(buf) struct buf rule = BUF_INIT(OUT_MAX), mail = BUF_INIT(OUT_MAX);

	buf_printf(&rule,
		"require [\"variables\", \"fileinto\"];\n"
		"if header %s \"subject\" [%.*s, \"never%s\"] {\n"
		"fileinto \"<${0}> <${1}> <${2}> <${3}>\"; }\n",
		type, STR_ARG(buf_view(keys)), tail);
	buf_printf(&mail, "Subject: %s\n\nx\n", subject);
	buf_byte(&rule, 0);
	run_with(NULL, rule.p, buf_view(&mail), NULL, out);
}

TEST(match_values_are_those_of_the_loop)
{
	static const char *const types[] = { ":is", ":contains", ":matches",
		":matches :comparator \"i;octet\"",
		":matches :comparator \"i;unicode-casemap\"" };
	uint32_t seed = 3;

	for (int round = 0; round < 400; round++) {
		AUTO(arena) struct arena *a = arena_new();
		AUTO(buf) struct buf keys = BUF_INIT(OUT_MAX),
				     one = BUF_INIT(OUT_MAX),
				     two = BUF_INIT(OUT_MAX);
		const char *type = types[round % 5];
		const char *subject = arena_printf(
			a, "x%.*s", STR_ARG(make(a, &seed, "abABxX", 8)));

		for (int i = 0; i < 12; i++)
			buf_printf(&keys, "%s\"x%.*s\"", i ? ", " : "",
				STR_ARG(make(a, &seed, "abAB*?", 6)));
		run_keys(type, "", &keys, subject, &one);
		run_keys(type, "${none}", &keys, subject, &two);
		if (!str_eq(buf_view(&one), buf_view(&two)))
			test_fail(__FILE__, __LINE__,
				"%s [%.*s] ~ \"%s\": %.*s, loop %.*s", type,
				STR_ARG(buf_view(&keys)), subject,
				STR_ARG(buf_view(&one)),
				STR_ARG(buf_view(&two)));
	}
}
