/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reference.c - @{name.path} in the parts of a composite request.
 *
 * What counts as one is narrow: a name as a referenceId may be, a dot or a
 * bracket, a path, a brace. Other text with "@{" in it stays as it is. Inside
 * of the narrow form an unknown name is an error, as it is in the real thing,
 * also in the middle of a mail's text.
 */
#include <stdio.h>

#include "sandbox.h"

#define PATH_MAX_LEN 200

struct part {
	bool is_ok;
	char id[SB_ID_LEN + 1];
	struct str body; /* borrowed */
	json_t *json;	 /* of body, once asked for */
};

struct sb_refs {
	struct map *parts;
};

struct sb_refs *sb_refs_new(void)
{
	struct sb_refs *refs = NEW(struct sb_refs);

	refs->parts = map_new();
	return refs;
}

void sb_refs_free(struct sb_refs *refs)
{
	size_t at = 0;
	struct str key;
	void *value;

	if (!refs)
		return;
	while (map_next(refs->parts, &at, &key, &value)) {
		json_decref(((struct part *)value)->json);
		free(value);
	}
	map_free(refs->parts);
	free(refs);
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

bool sb_refs_name_ok(struct str name)
{
	if (!name.len || !is_alnum(name.p[0]))
		return false;
	for (size_t i = 1; i < name.len; i++)
		if (!is_alnum(name.p[i]) && name.p[i] != '_')
			return false;
	return true;
}

void sb_refs_add(struct sb_refs *refs, struct str name, bool is_ok,
	const char *id, struct str body)
{
	struct part *p = NEW(struct part), *old;

	p->is_ok = is_ok;
	snprintf(p->id, sizeof(p->id), "%s", id);
	p->body = body;
	old = map_set(refs->parts, name, p);
	if (old)
		json_decref(old->json);
	free(old);
}

/* Finds the next reference from *at on. */
static bool find(struct str text, size_t *at, size_t *end, struct str *name,
	struct str *path)
{
	while (*at + 1 < text.len) {
		struct str rest = str_sub(text, *at, text.len);
		ssize_t start = str_find(rest, STR("@{"));
		struct str inner;
		ssize_t close;
		size_t n = 0;
		if (start < 0)
			return false;
		*at += (size_t)start;
		inner = str_sub(text, *at + 2, PATH_MAX_LEN);
		close = str_chr(inner, '}');
		if (close > 0) {
			inner = str_sub(inner, 0, (size_t)close);
			while (n < inner.len &&
				(is_alnum(inner.p[n]) || inner.p[n] == '_'))
				n++;
			*name = str_sub(inner, 0, n);
			*path = str_sub(inner, n, inner.len);
			if (sb_refs_name_ok(*name) && path->len > 1 &&
				(path->p[0] == '.' || path->p[0] == '[') &&
				str_chr(inner, ' ') < 0) {
				*end = *at + 2 + (size_t)close + 1;
				return true;
			}
		}
		*at += 2;
	}
	return false;
}

void sb_refs_each(struct str text, sb_refs_fn fn, void *ctx)
{
	size_t at = 0, end;
	struct str name, path;

	for (; find(text, &at, &end, &name, &path); at = end)
		fn(name, ctx);
}

void sb_refs_each_json(const json_t *j, sb_refs_fn fn, void *ctx)
{
	size_t i;
	json_t *item;
	const char *key;

	if (json_is_string(j)) {
		sb_refs_each(sb_json_text(j), fn, ctx);
	} else if (json_is_array(j)) {
		json_array_foreach(j, i, item) sb_refs_each_json(item, fn, ctx);
	} else if (json_is_object(j)) {
		/* Walking does not change it; jansson's iterator wants it so.
		 */
		json_t *o = (json_t *)(uintptr_t)j;
		json_object_foreach(o, key, item)
			sb_refs_each_json(item, fn, ctx);
	}
}

static int fail_part(struct str name, struct str path, struct sb_fail *f)
{
	return sb_fail_set(f, 400, "PROCESSING_HALTED", "",
		"Invalid reference specified. No value for %.*s%.*s found in "
		"%.*s. Provided referenceId ('%.*s') must start with a letter "
		"or a number, and it can contain only letters, numbers and "
		"underscores ('_').",
		STR_ARG(name), STR_ARG(path), STR_ARG(name), STR_ARG(name));
}

/* Follows .records[0].Id in a JSON value. */
static json_t *follow(json_t *j, struct str path)
{
	while (j && path.len) {
		size_t n = 1;
		if (path.p[0] == '[') {
			uint64_t i;
			ssize_t close = str_chr(path, ']');
			if (close < 0 ||
				str_to_u64(str_sub(path, 1, (size_t)close - 1),
					100000, &i) < 0)
				return NULL;
			j = json_array_get(j, (size_t)i);
			path = str_sub(path, (size_t)close + 1, path.len);
			continue;
		}
		char key[PATH_MAX_LEN + 1];
		while (n < path.len && path.p[n] != '.' && path.p[n] != '[')
			n++;
		memcpy(key, path.p + 1, n - 1);
		key[n - 1] = 0;
		j = json_object_get(j, key);
		path = str_sub(path, n, path.len);
	}
	return j;
}

static int value_of(struct sb_refs *refs, struct str name, struct str path,
	struct buf *out, struct sb_fail *f)
{
	struct part *p = map_get(refs->parts, name);
	json_t *j;

	if (!p || !p->is_ok)
		return fail_part(name, path, f);
	if (p->id[0] && str_eq(path, STR(".id"))) {
		buf_c(out, p->id);
		return 0;
	}
	if (!p->json && p->body.len)
		p->json = json_loadb(p->body.p, p->body.len, 0, NULL);
	j = follow(p->json, path);
	if (!j || json_is_object(j) || json_is_array(j))
		return fail_part(name, path, f);
	if (json_is_string(j))
		buf_str(out, sb_json_text(j));
	else if (!json_is_null(j))
		sb_json_value(out, j);
	return 0;
}

int sb_refs_text(struct sb_refs *refs, struct arena *a, struct str text,
	struct str *out, struct sb_fail *f)
{
	AUTO(buf) struct buf b = BUF_INIT(SB_BODY_MAX);
	size_t at = 0, end, from = 0;
	struct str name, path;

	*out = text;
	if (str_find(text, STR("@{")) < 0)
		return 0;
	for (; find(text, &at, &end, &name, &path); from = at = end) {
		buf_str(&b, str_sub(text, from, at - from));
		if (value_of(refs, name, path, &b, f) < 0)
			return -1;
	}
	if (from == 0)
		return 0;
	buf_str(&b, str_sub(text, from, text.len));
	*out = arena_str(a, buf_view(&b));
	return 0;
}

static int replace_in(struct sb_refs *refs, struct arena *a, json_t *item,
	json_t **new_item, struct sb_fail *f)
{
	struct str text;

	*new_item = NULL;
	if (!json_is_string(item))
		return sb_refs_json(refs, a, item, f);
	if (sb_refs_text(refs, a, sb_json_text(item), &text, f) < 0)
		return -1;
	if (text.p != json_string_value(item))
		*new_item = json_stringn(text.p, text.len);
	return 0;
}

int sb_refs_json(
	struct sb_refs *refs, struct arena *a, json_t *j, struct sb_fail *f)
{
	size_t i;
	json_t *item, *new_item;
	const char *key;

	if (json_is_array(j)) {
		json_array_foreach(j, i, item)
		{
			if (replace_in(refs, a, item, &new_item, f) < 0)
				return -1;
			if (new_item)
				json_array_set_new(j, i, new_item);
		}
	} else if (json_is_object(j)) {
		json_object_foreach(j, key, item)
		{
			if (replace_in(refs, a, item, &new_item, f) < 0)
				return -1;
			/* Setting a key that is there keeps the iterator. */
			if (new_item)
				json_object_set_new(j, key, new_item);
		}
	}
	return 0;
}
