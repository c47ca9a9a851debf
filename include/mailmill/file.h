/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.h - whole files, descriptors, and folders that tests throw away. */
#ifndef MAILMILL_FILE_H
#define MAILMILL_FILE_H

#include <unistd.h>

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/err.h>

static inline void auto_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/*
 * Reads a whole regular file (or what comes until its end) into *out.
 * Returns: 0, or -1 with *err: cannot read, or over the buffer's limit.
 */
MUST_CHECK int file_read(const char *path, struct buf *out, struct err *err);
/* The same from a descriptor, to its end. */
MUST_CHECK int file_read_fd(int fd, struct buf *out, struct err *err);
/*
 * Writes a file whole or not at all: beside it, synced, renamed, folder synced.
 * Returns: 0, or -1 with *err.
 */
MUST_CHECK int file_write(
	const char *path, struct str data, mode_t mode, struct err *err);
/* Writes all bytes, going on after signals. Returns: 0, or -1 with errno. */
MUST_CHECK int file_write_all(int fd, const void *p, size_t len);
/* Reads `len` bytes at an offset unless the file ends. Returns: count or -1. */
ssize_t file_pread_all(int fd, void *p, size_t len, uint64_t offset);
/* Makes a folder and those above it. Returns: 0, or -1 with *err. */
MUST_CHECK int file_mkdirs(const char *path, mode_t mode, struct err *err);
/* Removes a tree. Accepts one that is not there. Returns: 0, or -1 with *err.
 */
int file_remove_tree(const char *path, struct err *err);
/*
 * Makes an unlinked temporary file in `dir` (NULL: $TMPDIR or /tmp).
 * Returns: a close-on-exec descriptor, or -1 with *err.
 */
MUST_CHECK int file_temp(const char *dir, struct err *err);
/* Makes an empty memory file that can be sealed. Returns: fd, or -1 with *err.
 */
MUST_CHECK int file_memory(const char *name, struct err *err);
/*
 * Joins a relative path to the folder of `beside`; an absolute one stays.
 * Gives: the path, by free().
 */
char *file_beside(const char *beside, const char *path);

#endif
