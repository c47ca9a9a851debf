/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history.c - versions of scripts, and who changed what.
 *
 * A version is a file that can be used as a script: its first line is a
 * comment that holds when, who and from where as JSON, the rest are the bytes
 * as they were put. It is written before the script itself, so that a crash
 * leaves a version too many, never one too few. Versions outlive their script.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/log.h>

#include "owner.h"
#include "scripts.h"

#define HEAD_MAX ((size_t)4096)
#define JOURNAL_MAX ((size_t)1 << 20) /* then it begins anew, once kept */
#define VERSIONS_READ_MAX 100000
#define FOLDERS_SPARE 100 /* of scripts that are gone */

static void name_sha256(struct str source, char out[HASH_HEX_LEN + 1])
{
	unsigned char digest[HASH_LEN];

	hash_bytes(source, digest);
	hash_hex(digest, out);
}

/* --- versions -------------------------------------------------------------
 */

static unsigned read_number(const char *file)
{
	struct str s = str_c(file);
	uint64_t n;

	if (!str_ends(s, STR(".sieve")) ||
		str_to_u64(str_sub(s, 0, s.len - 6), UINT32_MAX, &n))
		return 0;
	return (unsigned)n;
}

struct numbers {
	unsigned *items;
	size_t n;
};

static int compare_numbers(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

/* Lends the numbers of a folder's versions, ascending. */
static struct numbers list_numbers(struct arena *a, const char *folder)
{
	struct numbers got = { 0 };
	DIR *dir = opendir(folder);
	size_t cap = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		unsigned n = read_number(e->d_name);
		if (!n || got.n == VERSIONS_READ_MAX)
			continue;
		if (got.n == cap) {
			got.items = arena_grow(a, got.items, cap, cap * 2 + 16,
				sizeof(*got.items));
			cap = cap * 2 + 16;
		}
		got.items[got.n++] = n;
	}
	if (dir)
		closedir(dir);
	if (got.n)
		qsort(got.items, got.n, sizeof(*got.items), compare_numbers);
	return got;
}

static char *name_version(const char *folder, unsigned number)
{
	return mem_printf("%s/%06u.sieve", folder, number);
}

/* Reads a version. Returns: 0, MANAGE_NONEXISTENT, or -1. */
static int read_version(const struct manage_scripts *s, const char *folder,
	unsigned number, struct buf *out, struct str *head, struct str *source,
	struct err *err)
{
	AUTO(bytes) char *path = name_version(folder, number);
	struct stat st;
	struct str rest;

	if (!number || (stat(path, &st) < 0 && errno == ENOENT))
		return MANAGE_NONEXISTENT;
	buf_init(out, s->options.script_len + HEAD_MAX);
	if (file_read(path, out, err))
		return -1;
	rest = buf_view(out);
	if (!str_cut(&rest, '\n', head) || !str_starts(*head, STR("# {")))
		return err_set(err, ERR_CONF, "%s is no version", path);
	*head = str_sub(*head, 2, head->len);
	*source = rest;
	return 0;
}

bool history_has(const struct manage_scripts *s, const char *route,
	struct str name, struct str source)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = { 0 };
	AUTO(bytes) char *folder = places_versions(s, route, name);
	struct numbers all = list_numbers(a, folder);
	struct str head, was;
	struct err err = { 0 };

	return all.n &&
	       read_version(s, folder, all.items[all.n - 1], &b, &head, &was,
		       &err) == 0 &&
	       str_eq(was, source);
}

static void prune_versions(
	const struct manage_scripts *s, const char *folder, struct numbers all)
{
	for (size_t i = 0; i + s->options.versions_max < all.n; i++) {
		AUTO(bytes) char *path = name_version(folder, all.items[i]);
		if (unlink(path) < 0)
			log_event(LOG_WARN, "script.prune",
				"error=\"cannot remove %s\"", path);
	}
}

/* Removes the history of the script that is gone for longest. */
static void prune_folders(const struct manage_scripts *s, const char *route)
{
	AUTO(bytes) char *folder = places_route(s, route);
	AUTO(bytes) char *versions = places_beside(s, route, "versions");
	AUTO(bytes) char *oldest = NULL;
	DIR *dir = opendir(versions);
	struct timespec oldest_at = { 0 };
	struct err err = { 0 };
	unsigned n = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		AUTO(bytes) char *script = mem_printf(
			"%s/%s.sieve", folder, e->d_name);
		AUTO(bytes) char *path = mem_printf(
			"%s/%s", versions, e->d_name);
		struct stat st;
		if (e->d_name[0] == '.' || stat(path, &st) < 0)
			continue;
		n++;
		if (access(script, F_OK) == 0 ||
			(oldest && st.st_mtim.tv_sec >= oldest_at.tv_sec))
			continue;
		free(oldest);
		oldest = mem_strdup(path);
		oldest_at = st.st_mtim;
	}
	if (dir)
		closedir(dir);
	if (oldest && n > s->options.scripts_max + FOLDERS_SPARE &&
		file_remove_tree(oldest, &err))
		log_event(LOG_WARN, "script.prune", "error=\"%s\"", err.text);
}

static json_t *say_who(const struct manage_author *by)
{
	char at[CLOCK_TEXT_MAX];

	return json_pack("{s:s, s:s%, s:s%}", "at",
		clock_text(clock_wall_ms(), at), "who",
		by->name.p ? by->name.p : "", by->name.len, "from",
		by->from.p ? by->from.p : "", by->from.len);
}

static void add_json(struct buf *b, json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	buf_c(b, text ? text : "{}");
	free(text);
	json_decref(o);
}

int history_keep(const struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str source,
	unsigned *version, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(source.len + HEAD_MAX);
	AUTO(bytes) char *folder = places_versions(s, route, name);
	AUTO(bytes) char *path = NULL;
	struct numbers all = list_numbers(a, folder);
	unsigned number = all.n ? all.items[all.n - 1] + 1 : 1;

	if (!all.n)
		prune_folders(s, route);
	buf_c(&b, "# ");
	add_json(&b, say_who(by));
	buf_c(&b, "\n");
	buf_str(&b, source);
	path = name_version(folder, number);
	if (places_make_folder(folder, err) ||
		file_write(path, buf_view(&b), 0640, err) ||
		owner_inherit(path, err))
		return -1;
	prune_versions(s, folder, list_numbers(a, folder));
	*version = number;
	return 0;
}

static struct str get_text(struct arena *a, json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? arena_str(a, str_c(text)) : STR("");
}

static int fill_version(const struct manage_scripts *s, const char *folder,
	unsigned number, struct arena *a, struct manage_version *v,
	struct err *err)
{
	AUTO(buf) struct buf b = { 0 };
	char hex[HASH_HEX_LEN + 1];
	struct str head, source;
	json_t *o;
	int rc = read_version(s, folder, number, &b, &head, &source, err);

	if (rc)
		return rc;
	o = json_loadb(head.p, head.len, 0, NULL);
	name_sha256(source, hex);
	*v = (struct manage_version){ .number = number,
		.at = get_text(a, o, "at"),
		.who = get_text(a, o, "who"),
		.from = get_text(a, o, "from"),
		.sha256 = arena_str(a, str_c(hex)),
		.size = source.len };
	json_decref(o);
	return 0;
}

int manage_scripts_versions(struct manage_scripts *s, const char *route,
	struct str name, struct arena *a, struct manage_version **out,
	size_t *n, struct err *err)
{
	AUTO(bytes) char *folder = places_versions(s, route, name);
	struct numbers all = list_numbers(a, folder);
	struct manage_version *items = arena_array(
		a, all.n, sizeof(struct manage_version));
	size_t got = 0;

	for (size_t i = 0; i < all.n; i++) {
		int rc = fill_version(
			s, folder, all.items[i], a, &items[got], err);
		if (rc < 0)
			return -1;
		got += rc == 0;
	}
	*out = items;
	*n = got;
	return 0;
}

int manage_scripts_version(struct manage_scripts *s, const char *route,
	struct str name, unsigned number, struct buf *out, struct err *err)
{
	AUTO(bytes) char *folder = places_versions(s, route, name);
	AUTO(buf) struct buf b = { 0 };
	struct str head, source;
	int rc = read_version(s, folder, number, &b, &head, &source, err);

	if (rc == 0 && buf_str(out, source))
		return err_set(err, ERR_PERM, "the version is too large");
	return rc;
}

/* --- the journal ----------------------------------------------------------
 */

static int append(const char *path, struct str line, struct err *err)
{
	AUTO(fd) int fd = open(
		path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (file_write_all(fd, line.p, line.len) < 0 || fdatasync(fd) < 0 ||
		fstat(fd, &st) < 0)
		return err_sys(err, "cannot write %s", path);
	if ((uint64_t)st.st_size > JOURNAL_MAX) {
		AUTO(bytes) char *former = mem_printf("%s.1", path);
		if (rename(path, former) < 0)
			return err_sys(err, "cannot rename %s", path);
	}
	return 0;
}

static void set_str(json_t *o, const char *key, struct str s)
{
	json_object_set_new(o, key, json_stringn(s.p ? s.p : "", s.len));
}

static void tell_log(const char *route, const struct history_entry *e)
{
	AUTO(arena) struct arena *a = arena_new();
	char *event = arena_printf(a, "script.%s", e->action);
	char version[32] = "";

	if (e->version)
		snprintf(version, sizeof(version), " version=%u", e->version);
	log_event(LOG_INFO, event,
		"route=%s script=\"%.*s\"%s%.*s%s user=\"%.*s\" "
		"peer=\"%.*s\"%s",
		route, STR_ARG(log_quoted(a, e->name)),
		e->to.len ? " to=\"" : "", STR_ARG(log_quoted(a, e->to)),
		e->to.len ? "\"" : "", STR_ARG(e->by->name),
		STR_ARG(e->by->from), version);
}

void history_tell(const struct manage_scripts *s, const char *route,
	const struct history_entry *e)
{
	AUTO(buf) struct buf b = BUF_INIT(HEAD_MAX * 4);
	AUTO(bytes) char *path = places_beside(s, route, "journal.jsonl");
	json_t *o = say_who(e->by);
	char hex[HASH_HEX_LEN + 1];
	struct err err = { 0 };

	json_object_set_new(o, "action", json_string(e->action));
	set_str(o, "script", e->name);
	if (e->to.len)
		set_str(o, "to", e->to);
	if (e->version)
		json_object_set_new(o, "version", json_integer(e->version));
	if (e->source.p) {
		name_sha256(e->source, hex);
		json_object_set_new(o, "sha256", json_string(hex));
		json_object_set_new(
			o, "bytes", json_integer((json_int_t)e->source.len));
	}
	add_json(&b, o);
	buf_byte(&b, '\n');
	tell_log(route, e);
	/* what was done is done; the log has it */
	if (append(path, buf_view(&b), &err) || owner_inherit(path, &err))
		log_event(LOG_WARN, "script.journal", "error=\"%s\"", err.text);
}

int manage_scripts_journal(struct manage_scripts *s, const char *route,
	struct buf *out, struct err *err)
{
	AUTO(bytes) char *path = places_beside(s, route, "journal.jsonl");
	AUTO(bytes) char *former = mem_printf("%s.1", path);

	if (access(former, F_OK) == 0 && file_read(former, out, err))
		return -1;
	if (access(path, F_OK) == 0 && file_read(path, out, err))
		return -1;
	return 0;
}
