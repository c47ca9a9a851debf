/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * archive_tar.c - goes through the files in a tar (POSIX ustar and pax, GNU).
 *
 * Of pax headers only path and size count. A header whose sum is wrong ends
 * the walk with an error: where the next one is would be a guess.
 */
#include <mailmill/mem.h>

#include "archive_int.h"

#define BLOCK 512
#define EXTRA_MAX ((size_t)64 * 1024) /* of a pax or long-name record */

struct tar {
	struct archive_in *in;
	const char *name;
	struct buf path; /* from a pax or GNU record, for the next file */
	uint64_t size;	 /* the same; UINT64_MAX: none */
};

static uint64_t parse_octal(const char *p, size_t len)
{
	uint64_t v = 0;

	/* GNU writes large numbers in base 256, the first bit set */
	if ((unsigned char)p[0] & 0x80) {
		for (size_t i = 1; i < len; i++)
			v = v << 8 | (unsigned char)p[i];
		return v;
	}
	for (size_t i = 0; i < len; i++)
		if (p[i] >= '0' && p[i] <= '7')
			v = v << 3 | (uint64_t)(p[i] - '0');
	return v;
}

static bool has_right_sum(const char *block)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)block[i];
	return sum == parse_octal(block + 148, 8);
}

static struct str field(const char *p, size_t max)
{
	return str_n(p, strnlen(p, max));
}

static char *find_path(const struct tar *t, const char *block)
{
	struct str prefix = field(block + 345, 155);
	struct str name = field(block, 100);

	if (t->path.len)
		return mem_printf(
			"%s:%.*s", t->name, STR_ARG(buf_view(&t->path)));
	/* GNU keeps other things where POSIX has the prefix */
	if (!prefix.len || memcmp(block + 257, "ustar\0", 6))
		return mem_printf("%s:%.*s", t->name, STR_ARG(name));
	return mem_printf(
		"%s:%.*s/%.*s", t->name, STR_ARG(prefix), STR_ARG(name));
}

/* "17 path=a/b\n": length, name, value. */
static void take_pax(struct tar *t, struct str rest)
{
	struct str line, key;

	while (str_cut_line(&rest, &line)) {
		ssize_t blank = str_chr(line, ' ');
		line = str_sub(line, (size_t)(blank + 1), line.len);
		if (!str_cut(&line, '=', &key))
			continue;
		if (str_eq(key, STR("path"))) {
			buf_clear(&t->path);
			buf_str(&t->path, line);
		} else if (str_eq(key, STR("size")) &&
			   str_to_u64(line, INT64_MAX, &t->size) < 0) {
			t->size = UINT64_MAX;
		}
	}
}

static int take_extra(
	struct tar *t, char kind, uint64_t at, uint64_t size, struct err *err)
{
	AUTO(bytes) char *data = NULL;
	ssize_t n;

	if (size > EXTRA_MAX)
		return err_set(err, ERR_PERM, "%s is damaged at byte %llu",
			t->name, (unsigned long long)at);
	data = mem_new((size_t)size + 1);
	n = archive_peek(t->in, at, data, (size_t)size);
	if (n < 0)
		return err_sys(err, "cannot read %s", t->name);
	if (kind == 'x') {
		take_pax(t, str_n(data, (size_t)n));
		return 0;
	}
	buf_clear(&t->path);
	buf_str(&t->path, field(data, (size_t)n));
	return 0;
}

/* A Maildir's tmp is no mail yet, and hidden files never are. */
static bool is_left_out(struct str path)
{
	ssize_t slash = str_rchr(path, '/');

	return str_find(path, STR("/tmp/")) >= 0 ||
	       str_starts(path, STR("tmp/")) ||
	       str_starts(
		       str_sub(path, (size_t)(slash + 1), path.len), STR("."));
}

static int take_file(struct tar *t, const char *block, uint64_t at,
	uint64_t size, struct err *err)
{
	AUTO(bytes) char *path = find_path(t, block);
	struct archive_in in = *t->in;

	if (!size || is_left_out(str_c(path + strlen(t->name) + 1)))
		return 0;
	in.end = at + size;
	archive_seek(&in, at);
	return archive_any(&in, path, false, err);
}

/* Takes what a header describes. Returns: as archive_walk(). */
static int take_entry(struct tar *t, const char *block, uint64_t at,
	uint64_t size, struct err *err)
{
	char kind = block[156];
	int rc = 0;

	if (kind == 'x' || kind == 'L')
		return take_extra(t, kind, at, size, err);
	if (kind == '0' || kind == 0 || kind == '7')
		rc = take_file(t, block, at, size, err);
	buf_clear(&t->path);
	t->size = UINT64_MAX;
	return rc;
}

static int read_all(struct tar *t, struct err *err)
{
	uint64_t at = archive_tell(t->in), size;
	char block[BLOCK];

	for (;;) {
		ssize_t n = archive_peek(t->in, at, block, BLOCK);
		int rc;
		if (n < 0)
			return err_sys(err, "cannot read %s", t->name);
		/* an empty block ends it; so does the end, for lazy writers */
		if (n == 0 || block[0] == 0)
			return 0;
		if (n < BLOCK || !has_right_sum(block))
			return err_set(err, ERR_PERM,
				"%s is damaged at byte %llu", t->name,
				(unsigned long long)at);
		size = t->size != UINT64_MAX && block[156] != 'x' &&
				       block[156] != 'L'
			       ? t->size
			       : parse_octal(block + 124, 12);
		if (size > t->in->end - at - BLOCK)
			return err_set(err, ERR_PERM, "%s is cut off", t->name);
		rc = take_entry(t, block, at + BLOCK, size, err);
		if (rc)
			return rc;
		at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
	}
}

int archive_tar(struct archive_in *in, const char *name, struct err *err)
{
	struct tar t = { .in = in,
		.name = name,
		.path = BUF_INIT(4096),
		.size = UINT64_MAX };
	int rc = read_all(&t, err);

	buf_fini(&t.path);
	return rc;
}
