/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table.c - records in memory, their indexes, and how to undo changes.
 *
 * A record is an array of JSON values by field index. Rows stay in order of
 * creation; a deleted one stays as a tombstone (queryAll shows it) but leaves
 * all indexes but the one by id. Each change pushes an entry on the undo log;
 * rolling back to a mark applies them backwards, so nested transactions are
 * just deeper marks. Committing hands the changed records to the state file.
 */
#include "sandbox.h"

#define KEY_MAX 4096

static struct str index_key(
	const struct sb_field *f, struct str value, char *to)
{
	if (f->type == SB_REFERENCE)
		return str_sub(value, 0, 15);
	if (f->flags & SB_CASE)
		return str_sub(value, 0, KEY_MAX);
	value = str_sub(value, 0, KEY_MAX);
	for (size_t i = 0; i < value.len; i++)
		to[i] = value.p[i] >= 'A' && value.p[i] <= 'Z'
				? (char)(value.p[i] + 32)
				: value.p[i];
	return str_n(to, value.len);
}

static void index_add(struct sb_field *f, struct sb_record *r, json_t *value)
{
	char small[KEY_MAX];
	struct sb_bucket *b;
	struct str key;

	if (!f->is_indexed || !json_is_string(value))
		return;
	key = index_key(f, sb_json_text(value), small);
	b = map_get(f->by, key);
	if (!b) {
		b = NEW(struct sb_bucket);
		map_set(f->by, key, b);
	}
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 1;
		b->r = mem_resize(b->r, b->cap * sizeof(struct sb_record *));
	}
	b->r[b->n++] = r;
}

static void index_del(struct sb_field *f, struct sb_record *r, json_t *value)
{
	char small[KEY_MAX];
	struct sb_bucket *b;
	struct str key;

	if (!f->is_indexed || !json_is_string(value))
		return;
	key = index_key(f, sb_json_text(value), small);
	b = map_get(f->by, key);
	if (!b)
		return;
	for (unsigned i = b->n; i-- > 0;) {
		if (b->r[i] != r)
			continue;
		memmove(b->r + i, b->r + i + 1,
			(b->n - i - 1) * sizeof(struct sb_record *));
		b->n--;
		break;
	}
	if (b->n == 0) {
		map_del(f->by, key);
		free(b->r);
		free(b);
	}
}

static void index_all(struct sb_record *r, bool is_add)
{
	struct sb_object *o = r->object;

	for (int i = 0; i < o->n_fields; i++) {
		if (!o->fields[i].is_indexed || !r->v[i])
			continue;
		if (is_add)
			index_add(&o->fields[i], r, r->v[i]);
		else
			index_del(&o->fields[i], r, r->v[i]);
	}
}

static void note_undo(struct sandbox *sb, int what, struct sb_record *r,
	int index, json_t *old)
{
	if (sb->n_undo == sb->cap_undo) {
		sb->cap_undo = sb->cap_undo ? sb->cap_undo * 2 : 256;
		sb->undo = mem_resize(
			sb->undo, sb->cap_undo * sizeof(*sb->undo));
	}
	sb->undo[sb->n_undo++] = (struct sb_undo){
		.what = what, .index = index, .r = r, .old = old
	};
}

struct sb_record *sb_table_new(struct sb_object *o)
{
	struct sb_record *r = mem_new(
		sizeof(*r) + (size_t)o->n_fields * sizeof(json_t *));

	r->object = o;
	sb_id_make(o->prefix, ++o->last_id, r->id);
	r->v[0] = json_stringn_nocheck(r->id, SB_ID_LEN);
	return r;
}

static void add_row(struct sb_object *o, struct sb_record *r)
{
	if (o->n_rows == o->cap_rows) {
		o->cap_rows = o->cap_rows ? o->cap_rows * 2 : 64;
		o->rows = mem_resize(
			o->rows, o->cap_rows * sizeof(struct sb_record *));
	}
	o->rows[o->n_rows++] = r;
	map_set(o->by_id, str_n(r->id, 15), r);
}

void sb_table_restore(struct sandbox *sb, struct sb_record *r)
{
	struct sb_object *o = r->object;

	(void)sb;
	add_row(o, r);
	if (!r->is_deleted) {
		o->n_live++;
		index_all(r, true);
	}
}

/* Replaces all values of a record that the state file names again. */
void sb_table_swap(struct sandbox *sb, struct sb_record *old, json_t **v)
{
	struct sb_object *o = old->object;

	(void)sb;
	index_all(old, false);
	for (int i = 0; i < o->n_fields; i++) {
		json_decref(old->v[i]);
		old->v[i] = v[i];
		v[i] = NULL;
	}
	index_all(old, true);
}

void sb_table_insert(struct sandbox *sb, struct sb_record *r)
{
	add_row(r->object, r);
	r->object->n_live++;
	index_all(r, true);
	note_undo(sb, SB_UNDO_INSERT, r, 0, NULL);
}

void sb_table_set(
	struct sandbox *sb, struct sb_record *r, int index, json_t *value)
{
	struct sb_field *f = &r->object->fields[index];
	json_t *old = r->v[index];

	if (json_is_null(value)) {
		json_decref(value);
		value = NULL;
	}
	index_del(f, r, old);
	r->v[index] = value;
	index_add(f, r, value);
	note_undo(sb, SB_UNDO_SET, r, index, old);
}

void sb_table_delete(struct sandbox *sb, struct sb_record *r)
{
	index_all(r, false);
	r->is_deleted = true;
	r->object->n_live--;
	note_undo(sb, SB_UNDO_DELETE, r, 0, NULL);
}

struct sb_record *sb_table_get(const struct sb_object *o, struct str id)
{
	char full[SB_ID_LEN + 1];

	if (sb_id_full(id, full) < 0)
		return NULL;
	return map_get(o->by_id, str_n(full, 15));
}

const struct sb_bucket *sb_table_find(
	const struct sb_field *f, struct str value)
{
	char small[KEY_MAX];

	must(f->is_indexed);
	return map_get(f->by, index_key(f, value, small));
}

json_t *sb_table_value(
	struct sandbox *sb, const struct sb_record *r, const struct sb_field *f)
{
	json_t *v;

	if (f->derive)
		v = f->derive(sb, r);
	else if (f->index == r->object->f_deleted)
		v = json_boolean(r->is_deleted);
	else
		v = json_incref(r->v[f->index]);
	return v ? v : json_null();
}

size_t sb_table_mark(const struct sandbox *sb)
{
	return sb->n_undo;
}

static void free_record(struct sb_record *r)
{
	for (int i = 0; i < r->object->n_fields; i++)
		json_decref(r->v[i]);
	free(r);
}

static void undo_one(struct sb_undo *u)
{
	struct sb_record *r = u->r;
	struct sb_object *o = r->object;
	struct sb_field *f = &o->fields[u->index];

	switch (u->what) {
	case SB_UNDO_INSERT:
		/* Undone backwards, the newest row is the last one. */
		must(o->rows[o->n_rows - 1] == r);
		o->n_rows--;
		o->n_live--;
		index_all(r, false);
		map_del(o->by_id, str_n(r->id, 15));
		free_record(r);
		break;
	case SB_UNDO_SET:
		index_del(f, r, r->v[u->index]);
		json_decref(r->v[u->index]);
		r->v[u->index] = u->old;
		index_add(f, r, u->old);
		break;
	case SB_UNDO_DELETE:
		r->is_deleted = false;
		o->n_live++;
		index_all(r, true);
		break;
	}
}

void sb_table_rollback(struct sandbox *sb, size_t mark)
{
	must(mark <= sb->n_undo);
	while (sb->n_undo > mark)
		undo_one(&sb->undo[--sb->n_undo]);
}

void sb_table_commit(struct sandbox *sb)
{
	for (size_t i = 0; i < sb->n_undo; i++) {
		json_decref(sb->undo[i].old);
		if (sb->undo[i].r->is_dirty || !sb->state)
			continue;
		sb->undo[i].r->is_dirty = true;
		sb_state_save(sb, sb->undo[i].r);
	}
	for (size_t i = 0; i < sb->n_undo; i++)
		sb->undo[i].r->is_dirty = false;
	sb->n_undo = 0;
	sb_state_flush(sb);
}

static void empty_index(struct sb_field *f)
{
	size_t at = 0;
	struct str key;
	void *value;

	while (map_next(f->by, &at, &key, &value)) {
		free(((struct sb_bucket *)value)->r);
		free(value);
	}
	map_free(f->by);
	f->by = map_new();
}

void sb_table_empty(struct sandbox *sb)
{
	must(sb->n_undo == 0);
	for (int i = 0; i < sb->n_objects; i++) {
		struct sb_object *o = sb->objects[i];
		for (size_t k = 0; k < o->n_rows; k++)
			free_record(o->rows[k]);
		o->n_rows = o->n_live = 0;
		o->last_id = o->last_number = 0;
		map_free(o->by_id);
		o->by_id = map_new();
		for (int k = 0; k < o->n_fields; k++)
			if (o->fields[k].is_indexed)
				empty_index(&o->fields[k]);
	}
}
