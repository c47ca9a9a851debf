/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * match_index.c - one look at a value for all keys of a list.
 *
 * :is        a hash table of the keys.
 * :contains  an automaton after Aho and Corasick: the keys as a tree of bytes,
 *            in which each node knows its `fail`, the longest other node that
 *            ends with the same bytes. A value is read once from left to right.
 * :matches   the same automaton over the longest literal piece of each
 *            pattern. It yields the patterns whose piece is there, at the
 *            beginning or the end if that is where it belongs; those are then
 *            really matched. A pattern without a literal is always tried.
 *
 * The tree is made from the sorted literals, level by level, so that a node's
 * children have successive numbers: 28 bytes a node, and no table of 256 but
 * for the root.
 */
#include <stdlib.h>

#include <mailmill/map.h>

#include "match_index.h"

enum {
	ROOT = 0,
	NO_NODE = 0
};

/* Where in the value a literal has to be. */
enum anchor {
	ANYWHERE,
	AT_START = 1,
	AT_END = 2,
};

struct literal {
	struct str text;
	unsigned anchor;
	uint32_t key;
};

struct node {
	uint32_t children; /* number of the first */
	uint16_t n_children;
	unsigned char byte; /* that leads here */
	uint32_t fail,
		end; /* end: the next on the way of fails with literals */
	/* Those that end here; sorted by their anchors, see take_literals(). */
	uint32_t literals;
	uint32_t n_literals;
};

struct sieve_index {
	enum sieve_index_kind kind;
	const struct str *keys;
	size_t n;
	uint32_t *slots; /* IS: number of a key + 1 */
	size_t n_slots;	 /* a power of two */
	bool has_empty;	 /* CONTAINS: a key that is everywhere */
	struct literal *literals;
	size_t n_literals;
	uint32_t *always; /* MATCHES: keys without a literal */
	size_t n_always;
	struct node *nodes;
	size_t n_nodes;
	unsigned char *bytes; /* of all nodes, for memchr() */
	uint32_t starts[256]; /* children of the root by byte */
};

/*
 * Literals
 */

struct piece {
	char *text;
	size_t len;
	unsigned anchor;
};

/* Keeps the longer of two; what is bound to a place tells more. */
static void keep_better(struct piece *best, const struct piece *p)
{
	if (p->len > best->len || (p->len == best->len && p->anchor))
		*best = *p;
}

/* Finds the longest literal of a pattern, unquoted. */
static struct piece find_literal(struct arena *a, struct str pattern)
{
	struct piece best = { 0 }, now = { .anchor = AT_START };

	now.text = arena_alloc(a, pattern.len + 1);
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.p[i];

		if (c == '*' || c == '?') {
			keep_better(&best, &now);
			now = (struct piece){ .text = now.text + now.len };
			continue;
		}
		/* A backslash at the very end stands for itself. */
		if (c == '\\' && i + 1 < pattern.len)
			c = pattern.p[++i];
		now.text[now.len++] = c;
	}
	now.anchor |= AT_END;
	keep_better(&best, &now);
	return best;
}

static void add_literal(struct sieve_index *x, struct arena *a, uint32_t number)
{
	struct piece p = { 0 };
	struct str key = x->keys[number];

	if (x->kind == SIEVE_INDEX_MATCHES) {
		p = find_literal(a, key);
		key = str_n(p.text, p.len);
		if (!p.len) {
			x->always[x->n_always++] = number;
			return;
		}
	} else if (!key.len) {
		x->has_empty = true;
		return;
	}
	x->literals[x->n_literals++] = (struct literal){ key, p.anchor,
		number };
}

static int compare_literals(const void *a, const void *b)
{
	const struct literal *x = a, *y = b;
	int rc = str_cmp(x->text, y->text);

	if (rc == 0)
		rc = (int)x->anchor - (int)y->anchor;
	return rc ? rc : (x->key > y->key) - (x->key < y->key);
}

/*
 * The tree
 */

/* A node that is not yet divided: the literals that go through it. */
struct range {
	uint32_t from, to, depth;
};

static uint32_t find_child(
	const struct sieve_index *x, uint32_t at, unsigned char byte)
{
	const struct node *n = &x->nodes[at];
	const unsigned char *first, *found;

	if (at == ROOT)
		return x->starts[byte];
	first = x->bytes + n->children;
	if (n->n_children == 1)
		return *first == byte ? n->children : NO_NODE;
	found = n->n_children ? memchr(first, byte, n->n_children) : NULL;
	return found ? n->children + (uint32_t)(found - first) : NO_NODE;
}

/* Goes on by one byte of a value. */
static inline uint32_t advance(
	const struct sieve_index *x, uint32_t at, unsigned char byte)
{
	uint32_t to = find_child(x, at, byte);

	while (to == NO_NODE && at != ROOT) {
		at = x->nodes[at].fail;
		to = find_child(x, at, byte);
	}
	return to;
}

/* Where to go on when what follows a child does not fit. */
static void set_fail(struct sieve_index *x, uint32_t parent, uint32_t child)
{
	struct node *n = &x->nodes[child];

	n->fail = parent == ROOT ? ROOT
				 : advance(x, x->nodes[parent].fail, n->byte);
	n->end = x->nodes[n->fail].n_literals ? n->fail : x->nodes[n->fail].end;
}

/* Makes the child for literals [from, to), which share the byte at `depth`. */
static void add_child(struct sieve_index *x, struct range *ranges,
	uint32_t from, uint32_t to, uint32_t depth)
{
	uint32_t number = (uint32_t)x->n_nodes++;
	struct node *n = &x->nodes[number];

	n->byte = (unsigned char)x->literals[from].text.p[depth];
	x->bytes[number] = n->byte;
	ranges[number] = (struct range){ from, to, depth + 1 };
	n->literals = from;
	while (from < to && x->literals[from].text.len == depth + 1)
		from++;
	n->n_literals = from - n->literals;
}

static void divide(struct sieve_index *x, struct range *ranges, uint32_t at)
{
	const struct range r = ranges[at];
	uint32_t i = r.from + x->nodes[at].n_literals;

	x->nodes[at].children = (uint32_t)x->n_nodes;
	while (i < r.to) {
		char byte = x->literals[i].text.p[r.depth];
		uint32_t from = i;

		while (i < r.to && x->literals[i].text.p[r.depth] == byte)
			i++;
		if (at == ROOT)
			x->starts[(unsigned char)byte] = (uint32_t)x->n_nodes;
		add_child(x, ranges, from, i, r.depth);
		x->nodes[at].n_children++;
	}
	for (i = 0; i < x->nodes[at].n_children; i++)
		set_fail(x, at, x->nodes[at].children + i);
}

/* Counts the nodes beforehand: the bytes that a literal adds to the former. */
static size_t count_nodes(const struct sieve_index *x)
{
	size_t n = 1;

	for (size_t i = 0; i < x->n_literals; i++) {
		struct str now = x->literals[i].text;
		struct str former = i ? x->literals[i - 1].text : STR_NULL;
		size_t same = 0;

		while (same < MIN(now.len, former.len) &&
			now.p[same] == former.p[same])
			same++;
		n += now.len - same;
	}
	return n;
}

static void build_tree(struct sieve_index *x, struct arena *a)
{
	size_t n;
	struct range *ranges;

	x->literals = arena_array(a, x->n, sizeof(*x->literals));
	if (x->kind == SIEVE_INDEX_MATCHES)
		x->always = arena_array(a, x->n, sizeof(*x->always));
	for (size_t i = 0; i < x->n; i++)
		add_literal(x, a, (uint32_t)i);
	qsort(x->literals, x->n_literals, sizeof(*x->literals),
		compare_literals);
	n = count_nodes(x);
	x->nodes = arena_array(a, n, sizeof(*x->nodes));
	x->bytes = arena_alloc(a, n);
	ranges = mem_array(n, sizeof(*ranges));
	ranges[ROOT] = (struct range){ 0, (uint32_t)x->n_literals, 0 };
	x->n_nodes = 1;
	for (size_t i = 0; i < x->n_nodes; i++)
		divide(x, ranges, (uint32_t)i);
	must(x->n_nodes == n);
	free(ranges);
}

/*
 * The table
 */

static void build_table(struct sieve_index *x, struct arena *a)
{
	size_t mask;

	for (x->n_slots = 16; x->n_slots < 2 * x->n;)
		x->n_slots *= 2;
	mask = x->n_slots - 1;
	x->slots = arena_array(a, x->n_slots, sizeof(*x->slots));
	for (size_t i = 0; i < x->n; i++) {
		size_t at = map_hash(x->keys[i]) & mask;

		while (x->slots[at])
			at = (at + 1) & mask;
		x->slots[at] = (uint32_t)i + 1;
	}
}

static bool is_key(const struct sieve_index *x, struct str value)
{
	size_t mask = x->n_slots - 1, at = map_hash(value) & mask;

	for (; x->slots[at]; at = (at + 1) & mask)
		if (str_eq(x->keys[x->slots[at] - 1], value))
			return true;
	return false;
}

struct sieve_index *sieve_index_new(struct arena *a, enum sieve_index_kind kind,
	const struct str *keys, size_t n)
{
	struct sieve_index *x = ARENA_NEW(a, struct sieve_index);

	must(kind != SIEVE_INDEX_NONE && n < UINT32_MAX / 2);
	x->kind = kind;
	x->keys = keys;
	x->n = n;
	if (kind == SIEVE_INDEX_IS)
		build_table(x, a);
	else
		build_tree(x, a);
	return x;
}

bool sieve_index_fits(const struct sieve_index *x, struct str value)
{
	uint32_t at = ROOT;

	if (x->kind == SIEVE_INDEX_IS)
		return is_key(x, value);
	must(x->kind == SIEVE_INDEX_CONTAINS);
	for (size_t i = 0; !x->has_empty && i < value.len; i++) {
		at = advance(x, at, (unsigned char)value.p[i]);
		if (x->nodes[at].n_literals || x->nodes[at].end)
			return true;
	}
	return x->has_empty;
}

/*
 * Patterns whose literal is there
 */

struct found {
	uint64_t *bits; /* by number of a key */
	size_t n;
};

static bool is_set(const struct found *f, uint32_t key)
{
	return f->bits[key / 64] >> (key % 64) & 1;
}

static void set(struct found *f, uint32_t key)
{
	f->n += !is_set(f, key);
	f->bits[key / 64] |= UINT64_C(1) << (key % 64);
}

/*
 * Takes the literals of a node that ends at byte `to` of the value. Those that
 * may stand anywhere come first, and are taken once.
 */
static void take_literals(const struct sieve_index *x, const struct node *n,
	struct str value, size_t to, struct found *f)
{
	const struct literal *l = &x->literals[n->literals];
	const struct literal *end = l + n->n_literals;
	bool is_start = l->text.len == to, is_end = value.len == to;

	if (l->anchor == ANYWHERE && is_set(f, l->key))
		while (l < end && l->anchor == ANYWHERE)
			l++;
	if (!is_start && !is_end && l < end && l->anchor != ANYWHERE)
		return;
	for (; l < end; l++)
		if ((is_start || !(l->anchor & AT_START)) &&
			(is_end || !(l->anchor & AT_END)))
			set(f, l->key);
}

static void read_value(
	const struct sieve_index *x, struct str value, struct found *f)
{
	uint32_t at = ROOT;

	for (size_t i = 0; i < value.len; i++) {
		const struct node *n;

		at = advance(x, at, (unsigned char)value.p[i]);
		n = &x->nodes[at];
		if (n->n_literals)
			take_literals(x, n, value, i + 1, f);
		while (n->end) {
			n = &x->nodes[n->end];
			take_literals(x, n, value, i + 1, f);
		}
	}
}

size_t sieve_index_find(
	const struct sieve_index *x, struct str value, uint32_t **out)
{
	struct found f = { 0 };
	size_t n = 0;

	must(x->kind == SIEVE_INDEX_MATCHES);
	f.bits = mem_array(x->n / 64 + 1, sizeof(*f.bits));
	for (size_t i = 0; i < x->n_always; i++)
		set(&f, x->always[i]);
	read_value(x, value, &f);
	*out = f.n ? mem_array(f.n, sizeof(**out)) : NULL;
	for (size_t i = 0; n < f.n; i++)
		for (uint64_t left = f.bits[i]; left; left &= left - 1)
			(*out)[n++] = (uint32_t)(i * 64) +
				      (uint32_t)__builtin_ctzll(left);
	free(f.bits);
	return n;
}
