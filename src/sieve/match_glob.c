/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match_glob.c - "*" and "?" in O(n*m) without recursion.
 *
 * Pattern and value are walked together. At a "*" both places are remembered;
 * at a mismatch the most recent "*" takes one more character and the walk goes
 * on behind it. Earlier ones never need to move: what stands between two "*"
 * was found at the first place possible, and a later place leaves less for the
 * rest. This also makes each wildcard take as little as it can, as RFC 5229
 * section 3.2 asks of match variables.
 */
#include <mailmill/map.h>
#include <mailmill/utf8.h>

#include "match.h"

/* Bytes, or characters when `wide` is set, with their places in the bytes. */
struct symbols {
	const uint32_t *wide;
	const size_t *places; /* n + 1 of them */
	struct str bytes;
	size_t n;
};

struct walk {
	struct symbols pattern, value;
	struct str *groups;
	size_t max;
	size_t p, v; /* where we are */
	size_t n_wild;
	/* The most recent star: behind it, its wildcard (0: none yet). */
	size_t star_p, star_from, star_v, star_wild;
};

static inline uint32_t symbol(const struct symbols *s, size_t i)
{
	return s->wide ? s->wide[i] : (unsigned char)s->bytes.p[i];
}

static void set_group(struct walk *w, size_t number, size_t from, size_t to)
{
	const struct symbols *s = &w->value;

	if (number >= w->max)
		return;
	if (s->wide) {
		from = s->places[from];
		to = s->places[to];
	}
	w->groups[number] = str_sub(s->bytes, from, to - from);
}

/* Takes one step forward. Returns: false: it does not fit. */
static bool step(struct walk *w)
{
	uint32_t c = symbol(&w->pattern, w->p);
	size_t literal = w->p;

	if (c == '*') {
		w->star_p = ++w->p;
		w->star_v = w->star_from = w->v;
		w->star_wild = ++w->n_wild;
		set_group(w, w->star_wild, w->v, w->v);
		return true;
	}
	if (w->v == w->value.n)
		return false;
	if (c == '?') {
		set_group(w, ++w->n_wild, w->v, w->v + 1);
		w->p++;
		w->v++;
		return true;
	}
	/* A backslash at the very end stands for itself. */
	if (c == '\\' && w->p + 1 < w->pattern.n)
		literal++;
	if (symbol(&w->pattern, literal) != symbol(&w->value, w->v))
		return false;
	w->p = literal + 1;
	w->v++;
	return true;
}

/*
 * Finds where what follows the star may begin, from `at` on. Most of a long
 * value is passed over here.
 */
static size_t skip_ahead(const struct walk *w, size_t at)
{
	const struct str *pattern = &w->pattern.bytes;
	const struct str *value = &w->value.bytes;
	const char *found;
	char c;

	if (w->value.wide || at >= value->len)
		return at;
	c = pattern->p[w->star_p];
	if (c == '*' || c == '?')
		return at;
	if (c == '\\' && w->star_p + 1 < pattern->len)
		c = pattern->p[w->star_p + 1];
	found = memchr(value->p + at, c, value->len - at);
	return found ? (size_t)(found - value->p) : value->len;
}

/* Lets the most recent star take one more. Returns: false: it cannot. */
static bool go_back(struct walk *w)
{
	if (!w->star_wild || w->star_v == w->value.n)
		return false;
	w->p = w->star_p;
	w->n_wild = w->star_wild;
	/* What is last must take all that is left. */
	w->v = w->p == w->pattern.n ? w->value.n : skip_ahead(w, w->star_v + 1);
	w->star_v = w->v;
	set_group(w, w->star_wild, w->star_from, w->v);
	return true;
}

/* Bytes passed over at once cost as much as one looked at alone. */
#define BYTES_A_STEP 64

static bool pay(uint64_t *steps, uint64_t n)
{
	bool is_enough = *steps >= n;

	*steps = is_enough ? *steps - n : 0;
	return is_enough;
}

static int walk(struct walk *w, uint64_t *steps)
{
	while (w->p < w->pattern.n || w->v < w->value.n) {
		size_t from = w->star_v;

		if (!pay(steps, 1))
			return -1;
		if (w->p < w->pattern.n && step(w))
			continue;
		if (!go_back(w))
			return 0;
		if (!pay(steps, (w->star_v - from) / BYTES_A_STEP))
			return -1;
	}
	if (w->max)
		w->groups[0] = w->value.bytes;
	return (int)MAX(1, MIN(w->n_wild + 1, w->max));
}

/*
 * Reads characters; those that a comparator makes into several code points get
 * numbers behind Unicode's, equal for equal ones of the same pair.
 */
static struct symbols widen(struct arena *a, struct str s,
	uint32_t (*fold)(void *ctx, struct str character, uint32_t code),
	void *ctx)
{
	uint32_t *wide = arena_array(a, s.len + 1, sizeof(*wide));
	size_t *places = arena_array(a, s.len + 1, sizeof(*places));
	struct symbols out = { wide, places, s, 0 };

	for (size_t at = 0; at < s.len; out.n++) {
		uint32_t code;
		size_t len = utf8_next(str_sub(s, at, 8), &code);

		if (!len) {
			/* No character: a number that none has. */
			code = 0x80000000u | (unsigned char)s.p[at];
			len = 1;
		}
		places[out.n] = at;
		wide[out.n] = fold && !(code >> 31)
				      ? fold(ctx, str_sub(s, at, len), code)
				      : code;
		at += len;
	}
	places[out.n] = s.len;
	return out;
}

int sieve_glob(struct str pattern, struct str value, bool by_character,
	struct str *groups, size_t max, uint64_t *steps)
{
	struct walk w = { .groups = groups, .max = max };
	AUTO(arena) struct arena *a = NULL;

	if (by_character) {
		a = arena_new();
		w.pattern = widen(a, pattern, NULL, NULL);
		w.value = widen(a, value, NULL, NULL);
	} else {
		w.pattern = (struct symbols){ .bytes = pattern,
			.n = pattern.len };
		w.value = (struct symbols){ .bytes = value, .n = value.len };
	}
	return walk(&w, steps);
}

/* What a character was made into; those of several code points by number. */
struct folds {
	struct arena *arena;
	struct map *numbers;
};

static uint32_t fold(void *ctx, struct str character, uint32_t code)
{
	struct folds *f = ctx;
	struct str normal;
	uint32_t first = 0;
	uintptr_t number;

	if (code < 0x80)
		return code >= 'a' && code <= 'z' ? code - 32 : code;
	normal = sieve_unicode_normal(f->arena, character);
	if (utf8_next(normal, &first) == normal.len)
		return first;
	number = (uintptr_t)map_get(f->numbers, normal);
	if (!number) {
		number = map_count(f->numbers) + 1;
		map_set(f->numbers, normal, (void *)number);
	}
	return 0x110000 + (uint32_t)number;
}

int sieve_glob_unicode(struct str pattern, struct str value, struct str *groups,
	size_t max, uint64_t *steps)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(map) struct map *numbers = map_new();
	struct folds f = { a, numbers };
	struct walk w = { .groups = groups, .max = max };

	w.pattern = widen(a, pattern, fold, &f);
	w.value = widen(a, value, fold, &f);
	return walk(&w, steps);
}
