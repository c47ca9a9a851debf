/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * describe.c - the cache of describe answers.
 *
 * An answer is good for an hour, and then still used while a new one is on its
 * way. One that a rule stumbled over is read anew before its next use, so that
 * an admin who makes the missing field needs not restart anything.
 */
#include "client.h"

#include <mailmill/log.h>

#define FRESH_MS (60 * 60 * 1000)
#define DOUBT_AFTER_MS 10000
#define RETRY_MS 1000
#define OBJECTS_MAX 500 /* names come from scripts */

struct sf_entry {
	struct sf *sf;
	char *name;
	struct sf_object *object; /* NULL: not there, or not read yet */
	struct sf_failure fail;
	struct arena *fail_arena;
	bool is_read, is_doubted, is_asking, has_failed, was_warned;
	int64_t read_at;
};

static struct sf_entry *find_entry(const struct sf *sf, struct str name)
{
	AUTO(buf) struct buf key = BUF_INIT(256);

	sf_name_key(&key, name);
	return buf_is_over(&key) ? NULL : map_get(sf->schema, buf_view(&key));
}

static void free_entry(struct sf_entry *e)
{
	sf_object_free(e->object);
	arena_free(e->fail_arena);
	free(e->name);
	free(e);
}

/* Forgets one name that is no object's: a worker gone bad can make up many. */
static void make_room(struct sf *sf)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(sf->schema, &at, &key, &value)) {
		struct sf_entry *e = value;

		if (!e->is_read || e->object || e->is_asking)
			continue;
		map_del(sf->schema, key);
		free_entry(e);
		return;
	}
}

static struct sf_entry *make_entry(struct sf *sf, struct str name)
{
	AUTO(buf) struct buf key = BUF_INIT(256);
	struct sf_entry *e;

	if (map_count(sf->schema) >= OBJECTS_MAX)
		make_room(sf);
	if (map_count(sf->schema) >= OBJECTS_MAX)
		return NULL;
	e = NEW(struct sf_entry);
	e->sf = sf;
	e->name = str_dup(name);
	sf_name_key(&key, name);
	map_set(sf->schema, buf_view(&key), e);
	return e;
}

static void take_object(struct sf_entry *e, const json_t *json)
{
	struct sf_object *o = NULL;
	struct err err;

	if (sf_object_read(json, e->sf->conf.key_field, &o, &err)) {
		e->has_failed = true;
		e->fail = (struct sf_failure){ .class = SF_AGAIN,
			.code = "",
			.reason = arena_str(e->fail_arena, str_c(err.text)) };
		return;
	}
	sf_object_free(e->object);
	e->object = o;
	e->is_read = true;
	log_event(LOG_DEBUG, "target.schema",
		"target=%s object=%.*s key=%s fields=%zu", e->sf->base.name,
		STR_ARG(o->name),
		o->key == SF_KEY_NONE	  ? "none"
		: o->key == SF_KEY_UPSERT ? "external-id"
					  : "plain",
		map_count(o->fields));
}

static void on_describe(struct sf_call *c)
{
	struct sf_entry *e = c->ctx;

	e->is_asking = false;
	e->is_doubted = false;
	e->read_at = e->sf->now;
	e->has_failed = false;
	if (c->is_good) {
		take_object(e, c->json);
	} else if (c->http.status == 404 && c->http.outcome == HTTPC_ANSWERED) {
		sf_object_free(TAKE(e->object));
		e->is_read = true;
	} else {
		e->has_failed = true;
		arena_reset(e->fail_arena);
		e->fail = c->fail;
		e->fail.code = "";
		e->fail.reason = str_c(arena_printf(e->fail_arena,
			"describe %s: %.*s", e->name, STR_ARG(c->fail.reason)));
		e->fail.field = STR_NULL;
	}
	sf_go_on(e->sf);
}

static void ask(struct sf_entry *e)
{
	struct sf *sf = e->sf;
	char *path = mem_printf("/services/data/%s/sobjects/%s/describe",
		sf->conf.api_version, e->name);

	if (!e->fail_arena)
		e->fail_arena = arena_new();
	e->is_asking = true;
	sf_call_send(sf_call_new(sf, "GET", path, on_describe, e));
	free(path);
}

static enum sf_want state_of(struct sf_entry *e, const struct sf_failure **fail)
{
	if (e->is_asking && !(e->is_read && !e->is_doubted))
		return SF_WAIT;
	if (e->has_failed && !(e->is_read && !e->is_doubted)) {
		*fail = &e->fail;
		return SF_FAILED;
	}
	return SF_READY;
}

enum sf_want sf_describe_want(
	struct sf *sf, struct str name, const struct sf_failure **fail)
{
	struct sf_entry *e;
	int64_t age;

	if (!sf_is_name(name, false))
		return SF_READY; /* of an object that is not there */
	e = find_entry(sf, name);
	if (!e)
		e = make_entry(sf, name);
	if (!e)
		return SF_READY;
	age = sf->now - e->read_at;
	if (!e->is_asking &&
		((!e->is_read && (!e->has_failed || age > RETRY_MS)) ||
			e->is_doubted || (e->is_read && age > FRESH_MS)))
		ask(e);
	return state_of(e, fail);
}

const struct sf_object *sf_describe_get(void *sf, struct str name)
{
	const struct sf_entry *e = find_entry(sf, name);

	return e ? e->object : NULL;
}

void sf_describe_doubt(struct sf *sf, struct str name)
{
	struct sf_entry *e = find_entry(sf, name);

	if (e && sf->now - e->read_at > DOUBT_AFTER_MS)
		e->is_doubted = true;
}

void sf_describe_warn(struct sf *sf, struct str name)
{
	struct sf_entry *e = find_entry(sf, name);

	if (!e || !e->object || e->object->key != SF_KEY_NONE || e->was_warned)
		return;
	e->was_warned = true;
	log_event(LOG_WARN, "target.unkeyed",
		"target=%s object=%s note=\"no field %s that we may set: a "
		"crash at the wrong moment can make such a record twice\"",
		sf->base.name, e->name, sf->conf.key_field);
}

void sf_describe_fini(struct sf *sf)
{
	size_t at = 0;
	void *value;

	while (map_next(sf->schema, &at, NULL, &value))
		free_entry(value);
	map_free(TAKE(sf->schema));
}
