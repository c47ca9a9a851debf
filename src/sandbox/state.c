/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * state.c - the state file: one JSON line for each record that was saved.
 *
 *   {"t":"Case","d":false,"v":{"Id":"500...","Subject":"..."}}
 *
 * Lines are appended once a call has ended well, the last one about an id
 * counts. A half line at the end (we were killed) is cut off. When there are
 * far more lines than records, the file is written anew at the start. It
 * survives our end, not the machine's: nothing is synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/log.h>

#include "sandbox.h"

#define STATE_MAX (2ULL << 30)
#define REWRITE_FACTOR 3

struct sb_state {
	char *path;
	int fd;
	struct buf pending;
	uint64_t n_lines;
	bool is_broken;
};

static void add_line(struct buf *out, const struct sb_record *r)
{
	AUTO(json) json_t *values = json_object();
	struct sb_object *o = r->object;

	for (int i = 0; i < o->n_fields; i++)
		if (r->v[i])
			json_object_set(values, o->fields[i].name, r->v[i]);
	buf_printf(out, "{\"t\":\"%s\",\"d\":%s,\"v\":", o->name,
		r->is_deleted ? "true" : "false");
	sb_json_value(out, values);
	buf_c(out, "}\n");
}

static uint64_t number_of_case(const struct sb_record *r)
{
	json_t *number = sb_record_see(r, "CaseNumber");

	return number ? strtoull(json_string_value(number), NULL, 10) : 0;
}

static void restore(struct sandbox *sb, const json_t *line)
{
	struct sb_object *o = sb_object(
		sb, sb_json_text(json_object_get(line, "t")));
	json_t *values = json_object_get(line, "v");
	struct str id = sb_json_text(json_object_get(values, "Id"));
	struct sb_record *r, *old;
	const char *name;
	json_t *value;
	char full[SB_ID_LEN + 1];

	if (!o || sb_id_full(id, full) < 0)
		return; /* of an object that the schema no longer has */
	r = sb_table_new(o);
	json_object_foreach(values, name, value)
	{
		struct sb_field *f = sb_field(o, str_c(name));
		if (!f)
			continue;
		json_decref(r->v[f->index]);
		r->v[f->index] = json_incref(value);
	}
	memcpy(r->id, full, sizeof(full));
	r->is_deleted = json_is_true(json_object_get(line, "d"));
	o->last_id = MAX(o->last_id - 1, sb_id_number(full));
	if (!strcmp(o->name, "Case") && number_of_case(r) > 1000)
		o->last_number = MAX(o->last_number, number_of_case(r) - 1000);
	old = sb_table_get(o, str_n(full, 18));
	if (!old) {
		sb_table_restore(sb, r);
		return;
	}
	if (old->is_deleted == r->is_deleted) {
		sb_table_swap(sb, old, r->v);
	} else {
		sb_table_delete(sb, old);
		sb->n_undo = 0;
	}
	for (int i = 0; i < o->n_fields; i++)
		json_decref(r->v[i]);
	free(r);
}

static int load(
	struct sandbox *sb, struct str text, uint64_t *good, struct err *err)
{
	struct str rest = text, line;
	uint64_t n = 0;

	*good = 0;
	while (rest.len && str_chr(rest, '\n') >= 0 &&
		str_cut_line(&rest, &line)) {
		json_error_t je;
		json_t *j = json_loadb(line.p, line.len, 0, &je);
		n++;
		if (!j)
			return err_set(err, ERR_CONF,
				"%s:%llu: not a state file of the sandbox: %s",
				sb->state->path, (unsigned long long)n,
				je.text);
		restore(sb, j);
		json_decref(j);
		*good = text.len - rest.len;
	}
	sb->state->n_lines = n;
	return 0;
}

static int rewrite(struct sandbox *sb, struct err *err)
{
	AUTO(buf) struct buf all = BUF_INIT(STATE_MAX);
	uint64_t n = 0;

	for (int i = 0; i < sb->n_objects; i++)
		for (size_t k = 0; k < sb->objects[i]->n_rows; k++, n++)
			add_line(&all, sb->objects[i]->rows[k]);
	if (n * REWRITE_FACTOR >= sb->state->n_lines)
		return 0;
	sb->state->n_lines = n;
	return file_write(sb->state->path, buf_view(&all), 0600, err);
}

int sb_state_open(struct sandbox *sb, const char *path, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(STATE_MAX);
	struct sb_state *s = NEW(struct sb_state);
	uint64_t good = 0;

	s->fd = -1;
	s->path = mem_strdup(path);
	buf_init(&s->pending, STATE_MAX);
	sb->state = s;
	if (access(path, F_OK) == 0) {
		if (file_read(path, &text, err) < 0 ||
			load(sb, buf_view(&text), &good, err) < 0)
			return -1;
		if (truncate(path, (off_t)good) < 0)
			return err_sys(err, "cutting %s", path);
		if (rewrite(sb, err) < 0)
			return -1;
	}
	s->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return err_sys(err, "opening %s", path);
	return 0;
}

void sb_state_save(struct sandbox *sb, struct sb_record *r)
{
	add_line(&sb->state->pending, r);
}

void sb_state_flush(struct sandbox *sb)
{
	struct sb_state *s = sb->state;

	if (!s || s->fd < 0 || !s->pending.len)
		return;
	if (file_write_all(s->fd, s->pending.p, s->pending.len) < 0 &&
		!s->is_broken) {
		s->is_broken = true;
		log_event(LOG_ERROR, "sandbox.state", "path=%s error=\"%s\"",
			s->path, strerror(errno));
	}
	buf_clear(&s->pending);
}

void sb_state_reset(struct sandbox *sb)
{
	if (sb->state && sb->state->fd >= 0 && ftruncate(sb->state->fd, 0) < 0)
		log_event(LOG_WARN, "sandbox.state", "path=%s error=\"%s\"",
			sb->state->path, strerror(errno));
	if (ftruncate(sb->blob_fd, 0) == 0)
		sb->blob_end = 0;
}

void sb_state_close(struct sandbox *sb)
{
	if (!sb->state)
		return;
	sb_state_flush(sb);
	if (sb->state->fd >= 0)
		close(sb->state->fd);
	buf_fini(&sb->state->pending);
	free(sb->state->path);
	free(sb->state);
	sb->state = NULL;
}
