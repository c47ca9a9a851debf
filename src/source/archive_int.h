/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_int.h - what the files of the archive reader share. */
#ifndef MAILMILL_SOURCE_ARCHIVE_INT_H
#define MAILMILL_SOURCE_ARCHIVE_INT_H

#include <mailmill/archive.h>
#include <mailmill/buf.h>

#define ARCHIVE_CHUNK ((size_t)64 * 1024)

/* A piece of a file, read forward; may be set back. */
struct archive_in {
	int fd;
	uint64_t offset, end; /* of what is not in the chunk yet */
	size_t at, len;	      /* in the chunk */
	const struct archive_sink *sink;
	char *chunk; /* ARCHIVE_CHUNK bytes, lent */
};

/* Tells where the next byte is in the file. */
uint64_t archive_tell(const struct archive_in *in);
/* Goes to another place. */
void archive_seek(struct archive_in *in, uint64_t offset);
/* Shows up to `len` (at most ARCHIVE_CHUNK) bytes at an offset, if there. */
ssize_t archive_peek(
	const struct archive_in *in, uint64_t offset, char *to, size_t len);
/*
 * Adds the rest of a line with its LF; what is beyond to's limit is left out.
 * Returns: 1, 0 at the end, or -1 with *err.
 */
MUST_CHECK int archive_line(
	struct archive_in *in, struct buf *to, struct err *err);
/* Adds `len` bytes. Returns: 0, or -1 with *err. */
MUST_CHECK int archive_bytes(
	struct archive_in *in, uint64_t len, struct buf *to, struct err *err);

/* Walk one kind of file each. Return as archive_walk(). */
MUST_CHECK int archive_mbox(
	struct archive_in *in, const char *name, struct err *err);
MUST_CHECK int archive_tar(
	struct archive_in *in, const char *name, struct err *err);
/* Finds out what it is, and walks it. */
MUST_CHECK int archive_any(struct archive_in *in, const char *name,
	bool may_be_tar, struct err *err);

/* Tells whether a line begins a mail in an mbox. */
bool archive_is_from_line(struct str line);

#endif
