/* SPDX-License-Identifier: GPL-3.0-or-later */
/* map.h - from byte strings to pointers. Hashing is seeded against floods. */
#ifndef MAILMILL_MAP_H
#define MAILMILL_MAP_H

#include <mailmill/base.h>
#include <mailmill/str.h>

struct map;

/* Makes an empty map; keys are copied. Gives: by map_free(). */
struct map *map_new(void);
/* Ends it; the values are the caller's. Accepts NULL. */
void map_free(struct map *m);
/* Sets a value, which may not be NULL. Returns: the former value or NULL. */
void *map_set(struct map *m, struct str key, void *value);
/* Returns: the value, or NULL when the key is not there. */
void *map_get(const struct map *m, struct str key);
/* Removes a key. Returns: the value that it had, or NULL. */
void *map_del(struct map *m, struct str key);
/* Tells how many keys there are. */
size_t map_count(const struct map *m);
/*
 * Walks all pairs in no special order; begin with *at = 0.
 * Returns: false at the end. Note: removing the key just given is allowed.
 */
bool map_next(const struct map *m, size_t *at, struct str *key, void **value);
/* Hashes bytes with this process's seed. */
uint64_t map_hash(struct str key);

AUTO_DEFINE(map, struct map *, map_free)

#endif
