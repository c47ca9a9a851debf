/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * places.c - where scripts lie, and under which names.
 *
 *     FOLDER/ROUTE/NAME.sieve          the script
 *     FOLDER/ROUTE/active              holds the name of the active one
 *     FOLDER/ROUTE/versions/NAME/      000001.sieve ...
 *     FOLDER/ROUTE/journal.jsonl       who did what, when
 *     FOLDER/ROUTE/.lock
 *
 * A name stands there as it is, in UTF-8, so that an admin finds it and an
 * include too; only what a file's name cannot have is percent-encoded: "%",
 * "/", and a first "." or "~". A name of more bytes than fit (RFC 5804 wants
 * 512) becomes "~" and a hash, with the name itself in a file beside.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/utf8.h>

#include "owner.h"
#include "scripts.h"

#define PLAIN_MAX ((size_t)200) /* 255 less ".sieve", ".new.PID" */
#define SUFFIX ".sieve"

/* Net-Unicode (RFC 5198) less what section 1.6 excludes. */
static bool is_bad_code(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 ||
	       c == 0x2029 || c == 0xfeff;
}

const char *manage_name_fault(struct str name)
{
	size_t n = 0, len;
	uint32_t code;

	if (!name.len)
		return "the name of a script is empty";
	for (struct str rest = name; rest.len; n++) {
		len = utf8_next(rest, &code);
		if (!len)
			return "the name of a script is no UTF-8";
		if (is_bad_code(code))
			return "the name of a script has a control character";
		if (code == '/')
			return "the name of a script has a /";
		rest = str_sub(rest, len, rest.len);
	}
	if (n > MANAGE_NAME_CHARS_MAX)
		return "the name of a script has more than 128 characters";
	return NULL;
}

static void add_file_name(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		if (c == '%' || c == '/' || (i == 0 && (c == '.' || c == '~')))
			buf_printf(b, "%%%02X", c);
		else
			buf_byte(b, (unsigned char)c);
	}
	if (b->len > PLAIN_MAX) {
		unsigned char digest[HASH_LEN];
		char hex[HASH_HEX_LEN + 1];
		hash_bytes(name, digest);
		hash_hex(digest, hex);
		buf_clear(b);
		buf_printf(b, "~%s", hex);
	}
}

static char *encode(struct str name)
{
	AUTO(buf) struct buf b = BUF_INIT(8192);

	add_file_name(&b, name);
	return buf_take(&b);
}

char *places_route(const struct manage_scripts *s, const char *route)
{
	AUTO(bytes) char *file = encode(str_c(route));

	return mem_printf("%s/%s", s->folder, file);
}

char *places_beside(
	const struct manage_scripts *s, const char *route, const char *what)
{
	AUTO(bytes) char *folder = places_route(s, route);

	return mem_printf("%s/%s", folder, what);
}

static char *name_with(const struct manage_scripts *s, const char *route,
	struct str name, const char *suffix)
{
	AUTO(bytes) char *folder = places_route(s, route);
	AUTO(bytes) char *file = encode(name);

	return mem_printf("%s/%s%s", folder, file, suffix);
}

char *places_script(
	const struct manage_scripts *s, const char *route, struct str name)
{
	return name_with(s, route, name, SUFFIX);
}

char *places_versions(
	const struct manage_scripts *s, const char *route, struct str name)
{
	AUTO(bytes) char *file = encode(name);
	AUTO(bytes) char *part = mem_printf("versions/%s", file);

	return places_beside(s, route, part);
}

int places_make_folder(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return 0;
	return file_mkdirs(path, 0750, err) || owner_inherit(path, err) ? -1
									: 0;
}

int places_make(
	const struct manage_scripts *s, const char *route, struct err *err)
{
	AUTO(bytes) char *folder = places_route(s, route);
	AUTO(bytes) char *versions = places_beside(s, route, "versions");

	if (places_make_folder(s->folder, err) ||
		places_make_folder(folder, err) ||
		places_make_folder(versions, err))
		return -1;
	return 0;
}

static int write_owned(const char *path, struct str data, struct err *err)
{
	return file_write(path, data, 0640, err) || owner_inherit(path, err)
		       ? -1
		       : 0;
}

static bool is_hashed(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] == '~';
}

int places_write(const struct manage_scripts *s, const char *route,
	struct str name, struct str source, struct err *err)
{
	AUTO(bytes) char *path = places_script(s, route, name);

	if (is_hashed(path)) {
		AUTO(bytes) char *beside = name_with(s, route, name, ".name");
		if (write_owned(beside, name, err))
			return -1;
	}
	return write_owned(path, source, err);
}

int places_remove(const struct manage_scripts *s, const char *route,
	struct str name, struct err *err)
{
	AUTO(bytes) char *folder = places_route(s, route);
	AUTO(bytes) char *path = places_script(s, route, name);
	AUTO(fd) int fd = -1;

	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove %s", path);
	if (is_hashed(path)) {
		AUTO(bytes) char *beside = name_with(s, route, name, ".name");
		unlink(beside);
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(err, "cannot sync %s", folder);
	return 0;
}

static int read_hashed(
	struct arena *a, const char *folder, struct str file, struct str *name)
{
	AUTO(bytes) char *path = mem_printf(
		"%s/%.*s.name", folder, STR_ARG(file));
	AUTO(buf) struct buf b = BUF_INIT(4 * MANAGE_NAME_CHARS_MAX);
	struct err err = { 0 };

	if (file_read(path, &b, &err))
		return -1;
	*name = arena_str(a, buf_view(&b));
	return 0;
}

int places_name(
	struct arena *a, const char *folder, const char *file, struct str *name)
{
	AUTO(buf) struct buf b = BUF_INIT(8192);
	struct str s = str_c(file), got;

	if (!str_ends(s, STR(SUFFIX)) || s.p[0] == '.')
		return -1;
	s.len -= sizeof(SUFFIX) - 1;
	if (s.p[0] == '~') {
		if (read_hashed(a, folder, s, &got))
			return -1;
	} else {
		enc_unpercent(&b, s, false);
		got = arena_str(a, buf_view(&b));
	}
	if (manage_name_fault(got))
		return -1;
	*name = got;
	return 0;
}

/* file_write() of a process that was killed left "NAME.new.PID". */
static bool is_left_over(const char *file)
{
	ssize_t at = str_find(str_c(file), STR(".new."));
	uint64_t pid;

	return at > 0 && str_to_u64(str_sub(str_c(file), (size_t)at + 5, 100),
				 UINT32_MAX, &pid) == 0;
}

static void clean_folder(const char *folder)
{
	DIR *dir = opendir(folder);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		AUTO(bytes) char *path = mem_printf("%s/%s", folder, e->d_name);
		if (is_left_over(e->d_name))
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

int places_lock(
	const struct manage_scripts *s, const char *route, struct err *err)
{
	AUTO(bytes) char *folder = places_route(s, route);
	AUTO(bytes) char *path = places_beside(s, route, ".lock");
	AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (owner_inherit(path, err))
		return -1;
	if (flock(fd, LOCK_EX) < 0)
		return err_sys(err, "cannot lock %s", path);
	clean_folder(folder); /* nobody else writes here now */
	return TAKE_FD(fd);
}
