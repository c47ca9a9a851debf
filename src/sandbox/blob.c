/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blob.c - the bytes of files, one behind the other in one growing file: beside
 * the state file, or unlinked. Space comes back when all is reset.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailmill/file.h>

#include "sandbox.h"

int sb_blob_open(struct sandbox *sb, const char *state, struct err *err)
{
	AUTO(bytes) char *path = NULL;
	struct stat st;

	if (!state) {
		sb->blob_fd = file_temp(NULL, err);
		return sb->blob_fd < 0 ? -1 : 0;
	}
	path = mem_printf("%s.files", state);
	sb->blob_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (sb->blob_fd < 0 || fstat(sb->blob_fd, &st) < 0)
		return err_sys(err, "opening %s", path);
	sb->blob_end = (uint64_t)st.st_size;
	return 0;
}

void sb_blob_close(struct sandbox *sb)
{
	if (sb->blob_fd >= 0)
		close(sb->blob_fd);
}

int sb_blob_add(struct sandbox *sb, struct str bytes, uint64_t *at)
{
	size_t done = 0;

	while (done < bytes.len) {
		ssize_t n = pwrite(sb->blob_fd, bytes.p + done,
			bytes.len - done, (off_t)(sb->blob_end + done));
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	*at = sb->blob_end;
	sb->blob_end += bytes.len;
	return 0;
}

int sb_blob_add_fd(struct sandbox *sb, int fd, uint64_t len, uint64_t *at)
{
	off_t from = 0;

	if (lseek(sb->blob_fd, (off_t)sb->blob_end, SEEK_SET) < 0)
		return -1;
	while ((uint64_t)from < len) {
		ssize_t n = sendfile(sb->blob_fd, fd, &from,
			(size_t)MIN(len - (uint64_t)from, 1u << 30));
		if (n == 0 || (n < 0 && errno != EINTR))
			return -1;
	}
	*at = sb->blob_end;
	sb->blob_end += len;
	return 0;
}

int sb_blob_read(struct sandbox *sb, uint64_t at, uint64_t len, struct buf *out)
{
	char *to = buf_room(out, len);
	ssize_t n = to ? file_pread_all(sb->blob_fd, to, len, at) : -1;

	if (n < 0 || (uint64_t)n != len)
		return -1;
	out->len += len;
	return 0;
}
