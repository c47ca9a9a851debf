/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - whole files and descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <mailmill/file.h>
#include <mailmill/mem.h>

#define READ_LEN ((size_t)64 * 1024)

int file_read_fd(int fd, struct buf *out, struct err *err)
{
	char piece[READ_LEN];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read");
		if (n == 0)
			return 0;
		if (buf_add(out, piece, (size_t)n))
			return err_set(err, ERR_PERM,
				"is larger than %zu bytes", out->max);
	}
}

int file_read(const char *path, struct buf *out, struct err *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, "cannot open %s", path);
	if (file_read_fd(fd, out, err) < 0)
		return err_add(err, "%s", path);
	return 0;
}

int file_write_all(int fd, const void *p, size_t len)
{
	const char *from = p;

	while (len) {
		ssize_t n = write(fd, from, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t file_pread_all(int fd, void *p, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)p + done, len - done,
			(off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static char *folder_of(const char *path)
{
	ssize_t slash = str_rchr(str_c(path), '/');

	if (slash < 0)
		return mem_strdup(".");
	return str_dup(str_n(path, MAX((size_t)slash, 1)));
}

static int sync_folder(const char *path)
{
	AUTO(bytes) char *folder = folder_of(path);
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -1 : 0;
}

int file_write(const char *path, struct str data, mode_t mode, struct err *err)
{
	AUTO(bytes) char *beside = mem_printf("%s.new.%d", path, getpid());
	AUTO(fd) int fd = open(
		beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		return err_sys(err, "cannot create %s", beside);
	if (file_write_all(fd, data.p, data.len) < 0 || fsync(fd) < 0 ||
		rename(beside, path) < 0 || sync_folder(path) < 0) {
		err_sys(err, "cannot write %s", path);
		unlink(beside);
		return -1;
	}
	return 0;
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
	AUTO(bytes) char *part = mem_strdup(path);

	for (char *p = part + 1; *part && *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_sys(err, "cannot make folder %s", part);
		*p = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_sys(err, "cannot make folder %s", path);
	return 0;
}

static int remove_one(
	const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

int file_remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 &&
		errno != ENOENT)
		return err_sys(err, "cannot remove %s", path);
	return 0;
}

int file_temp(const char *dir, struct err *err)
{
	AUTO(bytes) char *path = NULL;
	int fd;

	if (!dir)
		dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* not every file system has O_TMPFILE */
	path = mem_printf("%s/mailmill.XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot make a temporary file in %s", dir);
	unlink(path);
	return fd;
}

int file_memory(const char *name, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(err, "cannot make a memory file");
	return fd;
}

char *file_beside(const char *beside, const char *path)
{
	AUTO(bytes) char *folder = NULL;

	if (path[0] == '/' || !beside || !strchr(beside, '/'))
		return mem_strdup(path);
	folder = folder_of(beside);
	return mem_printf("%s/%s", folder, path);
}
