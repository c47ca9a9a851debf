/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * map.c - open addressing with linear probing; a removed key leaves a tombstone
 * so that a walk may remove what it was just given.
 */
#include <pthread.h>

#include <mailmill/id.h>
#include <mailmill/map.h>
#include <mailmill/mem.h>

struct slot {
	char *key; /* NULL: never used */
	size_t len;
	uint64_t hash;
	void *value; /* NULL with a key: removed */
};

struct map {
	struct slot *slots;
	size_t n_slots, n_used, n_live;
};

static uint64_t seed[2];

static void make_seed(void)
{
	id_random(seed, sizeof(seed));
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ (x >> 32);
}

uint64_t map_hash(struct str key)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t h;

	pthread_once(&once, make_seed);
	h = seed[0] ^ key.len;
	while (key.len >= 8) {
		uint64_t word;
		memcpy(&word, key.p, 8);
		h = mix(h ^ word) + seed[1];
		key = str_n(key.p + 8, key.len - 8);
	}
	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3ULL;
	return mix(h ^ seed[1]);
}

struct map *map_new(void)
{
	struct map *m = NEW(struct map);

	m->n_slots = 16;
	m->slots = mem_array(m->n_slots, sizeof(*m->slots));
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_slots; i++)
		free(m->slots[i].key);
	free(m->slots);
	free(m);
}

static struct slot *find(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = hash & (m->n_slots - 1);

	for (;; i = (i + 1) & (m->n_slots - 1)) {
		struct slot *s = &m->slots[i];
		if (!s->key)
			return s;
		if (s->hash == hash && s->value &&
			str_eq(str_n(s->key, s->len), key))
			return s;
	}
}

static struct slot *free_slot(const struct map *m, uint64_t hash)
{
	size_t i = hash & (m->n_slots - 1);

	while (m->slots[i].key)
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

static void rebuild(struct map *m)
{
	struct slot *old = m->slots;
	size_t n_old = m->n_slots;

	while (m->n_slots < m->n_live * 4)
		m->n_slots *= 2;
	m->slots = mem_array(m->n_slots, sizeof(*m->slots));
	m->n_used = m->n_live;
	for (size_t i = 0; i < n_old; i++) {
		if (old[i].value)
			*free_slot(m, old[i].hash) = old[i];
		else
			free(old[i].key);
	}
	free(old);
}

void *map_set(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(key);
	struct slot *s = find(m, key, hash);
	void *former = s->value;

	must(value);
	if (!s->key) {
		if ((m->n_used + 1) * 2 > m->n_slots) {
			rebuild(m);
			s = find(m, key, hash);
		}
		s->key = str_dup(key);
		s->len = key.len;
		s->hash = hash;
		m->n_used++;
		m->n_live++;
	}
	s->value = value;
	return former;
}

void *map_get(const struct map *m, struct str key)
{
	return find(m, key, map_hash(key))->value;
}

void *map_del(struct map *m, struct str key)
{
	struct slot *s = find(m, key, map_hash(key));
	void *former = s->value;

	if (!s->key)
		return NULL;
	s->value = NULL;
	m->n_live--;
	return former;
}

size_t map_count(const struct map *m)
{
	return m->n_live;
}

bool map_next(const struct map *m, size_t *at, struct str *key, void **value)
{
	for (; *at < m->n_slots; (*at)++) {
		const struct slot *s = &m->slots[*at];
		if (!s->value)
			continue;
		if (key)
			*key = str_n(s->key, s->len);
		if (value)
			*value = s->value;
		(*at)++;
		return true;
	}
	return false;
}
