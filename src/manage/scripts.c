/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scripts.c - the scripts of a route: kept, changed, put in force.
 *
 * A change is checked, then its version is kept, then the file takes the
 * former one's place by a rename, then options.apply() puts in force what the
 * files say now; if that fails, the former file comes back. So at each moment
 * a script is there whole, old or new, and a crash in between leaves nothing
 * that was not compiled. Changes of a route are done one at a time (a lock on
 * a file), also by `mailmill script` beside a running service.
 *
 * apply() is asked for each change while any script is active, since the
 * active one may include the others.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <mailmill/fault.h>
#include <mailmill/file.h>

#include "owner.h"
#include "scripts.h"

struct manage_scripts *manage_scripts_new(
	const struct manage_scripts_options *o)
{
	struct manage_scripts *s = NEW(struct manage_scripts);

	s->options = *o;
	s->folder = mem_strdup(o->folder);
	return s;
}

void manage_scripts_free(struct manage_scripts *s)
{
	if (!s)
		return;
	free(s->folder);
	free(s);
}

/* --- reading --------------------------------------------------------------
 */

/* Reads the name of the active script, empty when there is none. */
static int read_active(const struct manage_scripts *s, const char *route,
	struct buf *out, struct err *err)
{
	AUTO(bytes) char *path = places_beside(s, route, "active");

	buf_init(out, 4 * MANAGE_NAME_CHARS_MAX + 1);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (file_read(path, out, err))
		return -1;
	if (out->len && out->p[out->len - 1] == '\n')
		out->p[--out->len] = 0;
	if (out->len && manage_name_fault(buf_view(out)))
		return err_set(err, ERR_CONF, "%s: %s", path,
			manage_name_fault(buf_view(out)));
	return 0;
}

int manage_scripts_active(struct manage_scripts *s, const char *route,
	char **out, struct err *err)
{
	AUTO(buf) struct buf name = { 0 };

	if (read_active(s, route, &name, err))
		return -1;
	if (!name.len)
		return MANAGE_NONEXISTENT;
	*out = places_script(s, route, buf_view(&name));
	return 0;
}

/* Reads one. Returns: 0, MANAGE_NONEXISTENT, or -1. */
static int read_script(const struct manage_scripts *s, const char *route,
	struct str name, struct buf *out, struct err *err)
{
	AUTO(bytes) char *path = places_script(s, route, name);

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return MANAGE_NONEXISTENT;
	return file_read(path, out, err);
}

int manage_scripts_get(struct manage_scripts *s, const char *route,
	struct str name, struct buf *out, struct err *err)
{
	return read_script(s, route, name, out, err);
}

static int compare_items(const void *a, const void *b)
{
	return str_cmp(((const struct manage_item *)a)->name,
		((const struct manage_item *)b)->name);
}

static void add_item(struct arena *a, const char *folder, const char *file,
	struct str active, struct manage_item *items, size_t *n)
{
	AUTO(bytes) char *path = mem_printf("%s/%s", folder, file);
	struct manage_item *i = &items[*n];
	struct stat st;

	if (*n == SCRIPTS_LISTED_MAX ||
		places_name(a, folder, file, &i->name) || stat(path, &st) < 0 ||
		!S_ISREG(st.st_mode))
		return;
	i->size = (uint64_t)st.st_size;
	i->changed_at = (int64_t)st.st_mtim.tv_sec * 1000 +
			st.st_mtim.tv_nsec / 1000000;
	i->is_active = str_eq(i->name, active);
	++*n;
}

int manage_scripts_list(struct manage_scripts *s, const char *route,
	struct arena *a, struct manage_item **out, size_t *n, struct err *err)
{
	AUTO(bytes) char *folder = places_route(s, route);
	AUTO(buf) struct buf active = { 0 };
	struct manage_item *items = arena_array(
		a, SCRIPTS_LISTED_MAX + 1, sizeof(struct manage_item));
	size_t found = 0;
	DIR *dir;

	if (read_active(s, route, &active, err))
		return -1;
	dir = opendir(folder);
	if (!dir && errno != ENOENT)
		return err_sys(err, "cannot read %s", folder);
	for (struct dirent *e; dir && (e = readdir(dir));)
		add_item(
			a, folder, e->d_name, buf_view(&active), items, &found);
	if (dir)
		closedir(dir);
	qsort(items, found, sizeof(*items), compare_items);
	*out = items;
	*n = found;
	return 0;
}

int manage_scripts_has_space(struct manage_scripts *s, const char *route,
	struct str name, uint64_t size, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct manage_item *items;
	size_t n, others = 0;
	uint64_t used = 0;

	if (size > s->options.script_len)
		return MANAGE_TOO_BIG;
	if (manage_scripts_list(s, route, a, &items, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(items[i].name, name)) {
			others++;
			used += items[i].size;
		}
	if (others >= s->options.scripts_max)
		return MANAGE_TOO_MANY;
	return used + size > s->options.quota ? MANAGE_OVER_QUOTA : MANAGE_DONE;
}

/* --- checking and putting in force ----------------------------------------
 */

static int check(const struct manage_scripts *s, const char *route,
	struct str name, struct str source, struct buf *findings)
{
	AUTO(bytes) char *path = places_script(s, route, name);

	if (!s->options.check)
		return MANAGE_DONE;
	return s->options.check(s->options.ctx, path, name, source, findings);
}

int manage_scripts_check(struct manage_scripts *s, const char *route,
	struct str source, struct buf *findings)
{
	return check(s, route, STR("script"), source, findings);
}

/* Returns: 0, MANAGE_UNMANAGED, or -1 with *err. */
static int apply(
	const struct manage_scripts *s, const char *route, struct err *err)
{
	return s->options.apply ? s->options.apply(s->options.ctx, route, err)
				: 0;
}

/* The same, while some script is active. */
static int apply_change(
	const struct manage_scripts *s, const char *route, struct err *err)
{
	AUTO(buf) struct buf active = { 0 };

	if (read_active(s, route, &active, err))
		return -1;
	return active.len && apply(s, route, err) < 0 ? -1 : 0;
}

/* Brings back what was there before, as well as that can be done. */
static void undo(const struct manage_scripts *s, const char *route,
	struct str name, const struct buf *former, struct err *err)
{
	struct err second = { 0 };
	int rc = former ? places_write(
				  s, route, name, buf_view(former), &second)
			: places_remove(s, route, name, &second);

	if (rc || (apply_change(s, route, &second) < 0))
		err_add(err, "%s; then", second.text);
}

/* --- changing -------------------------------------------------------------
 */

static int store(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str source,
	const struct buf *former, struct err *err)
{
	static const struct manage_author file = { STR(""), STR("file") };
	struct history_entry e = { by, "put", name, STR_NULL, 0, source };
	unsigned was;

	/* one that an admin laid there by hand is no version yet */
	if (former && !history_has(s, route, name, buf_view(former)) &&
		history_keep(
			s, route, &file, name, buf_view(former), &was, err))
		return -1;
	fault_point("manage.put.begin");
	if (history_keep(s, route, by, name, source, &e.version, err))
		return -1;
	fault_point("manage.put.kept");
	if (places_write(s, route, name, source, err))
		return -1;
	fault_point("manage.put.written");
	if (apply_change(s, route, err)) {
		undo(s, route, name, former, err);
		return -1;
	}
	history_tell(s, route, &e);
	return 0;
}

int manage_scripts_put(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str source,
	struct buf *findings, struct err *err)
{
	AUTO(buf) struct buf former = BUF_INIT((size_t)16 << 20);
	AUTO(fd) int lock = -1;
	int rc, had;

	if (manage_name_fault(name))
		return err_set(err, ERR_PERM, "%s", manage_name_fault(name));
	if (places_make(s, route, err))
		return -1;
	lock = places_lock(s, route, err);
	if (lock < 0)
		return -1;
	rc = manage_scripts_has_space(s, route, name, source.len, err);
	if (rc)
		return rc;
	rc = check(s, route, name, source, findings);
	if (rc == MANAGE_INVALID)
		return rc;
	had = read_script(s, route, name, &former, err);
	if (had < 0)
		return -1;
	if (had == 0 && str_eq(buf_view(&former), source))
		return rc;
	if (store(s, route, by, name, source, had ? NULL : &former, err))
		return -1;
	return rc;
}

/* Writes which one is active, or that none is. */
static int write_active(const struct manage_scripts *s, const char *route,
	struct str name, struct err *err)
{
	AUTO(bytes) char *path = places_beside(s, route, "active");
	AUTO(bytes) char *line = mem_printf("%.*s\n", STR_ARG(name));

	return file_write(path, name.len ? str_c(line) : STR(""), 0640, err) ||
			       owner_inherit(path, err)
		       ? -1
		       : 0;
}

static int switch_to(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str source,
	struct err *err)
{
	AUTO(buf) struct buf former = { 0 };
	struct history_entry e = { by, name.len ? "activate" : "deactivate",
		name, STR_NULL, 0, source };
	struct err second = { 0 };
	int rc;

	if (read_active(s, route, &former, err) ||
		write_active(s, route, name, err))
		return -1;
	fault_point("manage.activate.written");
	rc = apply(s, route, err);
	/* that nothing is active is true of a route that has its own file */
	if (rc == 0 || (rc == MANAGE_UNMANAGED && !name.len)) {
		history_tell(s, route, &e);
		return 0;
	}
	if (write_active(s, route, buf_view(&former), &second))
		err_add(err, "%s; then", second.text);
	return rc;
}

int manage_scripts_activate(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct buf *findings,
	struct err *err)
{
	AUTO(buf) struct buf source = BUF_INIT((size_t)16 << 20);
	AUTO(fd) int lock = -1;
	int rc = MANAGE_DONE, done;

	if (places_make(s, route, err))
		return -1;
	lock = places_lock(s, route, err);
	if (lock < 0)
		return -1;
	if (name.len) {
		rc = manage_name_fault(name)
			     ? MANAGE_NONEXISTENT
			     : read_script(s, route, name, &source, err);
		if (rc)
			return rc;
		rc = check(s, route, name, buf_view(&source), findings);
		if (rc == MANAGE_INVALID)
			return rc;
	}
	done = switch_to(s, route, by, name, buf_view(&source), err);
	return done ? done : rc;
}

/* Takes the lock and reads the script. Returns: as read_script(). */
static int lock_script(struct manage_scripts *s, const char *route,
	struct str name, int *lock, struct buf *source, struct buf *active,
	struct err *err)
{
	if (places_make(s, route, err))
		return -1;
	*lock = places_lock(s, route, err);
	if (*lock < 0 || read_active(s, route, active, err))
		return -1;
	if (manage_name_fault(name))
		return MANAGE_NONEXISTENT;
	return read_script(s, route, name, source, err);
}

int manage_scripts_remove(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct err *err)
{
	AUTO(buf) struct buf former = BUF_INIT((size_t)16 << 20);
	AUTO(buf) struct buf active = { 0 };
	AUTO(fd) int lock = -1;
	struct history_entry e = { by, "delete", name, STR_NULL, 0, STR_NULL };
	unsigned was;
	int rc = lock_script(s, route, name, &lock, &former, &active, err);

	if (rc)
		return rc;
	if (str_eq(name, buf_view(&active)))
		return MANAGE_ACTIVE;
	if (!history_has(s, route, name, buf_view(&former)) &&
		history_keep(s, route, by, name, buf_view(&former), &was, err))
		return -1;
	if (places_remove(s, route, name, err))
		return -1;
	if (apply_change(s, route, err)) {
		undo(s, route, name, &former, err);
		return -1;
	}
	history_tell(s, route, &e);
	return 0;
}

/* Both names are there for a moment, so that the active one always is. */
static int move(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str to,
	bool is_active, struct str source, struct err *err)
{
	struct history_entry e = { by, "rename", name, to, 0, source };
	struct err second = { 0 };

	if (history_keep(s, route, by, to, source, &e.version, err) ||
		places_write(s, route, to, source, err) ||
		(is_active && write_active(s, route, to, err)) ||
		places_remove(s, route, name, err))
		return -1;
	if (apply_change(s, route, err) == 0) {
		history_tell(s, route, &e);
		return 0;
	}
	if (places_write(s, route, name, source, &second) ||
		(is_active && write_active(s, route, name, &second)) ||
		places_remove(s, route, to, &second) ||
		apply_change(s, route, &second))
		err_add(err, "%s; then", second.text);
	return -1;
}

int manage_scripts_rename(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str to,
	struct err *err)
{
	AUTO(buf) struct buf source = BUF_INIT((size_t)16 << 20);
	AUTO(buf) struct buf active = { 0 };
	AUTO(fd) int lock = -1;
	AUTO(bytes) char *path = places_script(s, route, to);
	int rc = lock_script(s, route, name, &lock, &source, &active, err);

	if (rc)
		return rc;
	if (manage_name_fault(to))
		return err_set(err, ERR_PERM, "%s", manage_name_fault(to));
	if (access(path, F_OK) == 0)
		return MANAGE_EXISTS;
	return move(s, route, by, name, to, str_eq(name, buf_view(&active)),
		buf_view(&source), err);
}
