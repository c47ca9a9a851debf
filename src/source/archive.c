/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * archive.c - goes through files and folders and finds the mails in them.
 *
 * Nothing is mapped into memory: somebody may shorten a mailbox while we read
 * it. A mail is read whole, since it has to be hashed before it is sent.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <mailmill/file.h>
#include <mailmill/mem.h>

#include "archive_int.h"

#define DEPTH_MAX 64
#define SNIFF_LEN ((size_t)16 * 1024)

/* --- reading ---------------------------------------------------------------
 */

uint64_t archive_tell(const struct archive_in *in)
{
	return in->offset - (in->len - in->at);
}

void archive_seek(struct archive_in *in, uint64_t offset)
{
	in->offset = MIN(offset, in->end);
	in->at = in->len = 0;
}

ssize_t archive_peek(
	const struct archive_in *in, uint64_t offset, char *to, size_t len)
{
	if (offset >= in->end)
		return 0;
	return file_pread_all(
		in->fd, to, (size_t)MIN(len, in->end - offset), offset);
}

/* Returns: 1, 0 at the end, or -1 with *err. */
static int fill(struct archive_in *in, struct err *err)
{
	ssize_t n;

	if (in->at < in->len)
		return 1;
	n = archive_peek(in, in->offset, in->chunk, ARCHIVE_CHUNK);
	if (n < 0)
		return err_sys(err, "cannot read");
	in->offset += (uint64_t)n;
	in->at = 0;
	in->len = (size_t)n;
	return n > 0;
}

static void take(struct archive_in *in, size_t len, struct buf *to)
{
	buf_add(to, in->chunk + in->at, len);
	in->at += len;
	in->sink->pass(in->sink->ctx, len);
}

int archive_line(struct archive_in *in, struct buf *to, struct err *err)
{
	bool has_any = false;
	const char *lf = NULL;
	int rc;

	while (!lf && (rc = fill(in, err)) != 0) {
		struct str rest = str_n(in->chunk + in->at, in->len - in->at);
		if (rc < 0)
			return -1;
		lf = memchr(rest.p, '\n', rest.len);
		take(in, lf ? (size_t)(lf - rest.p) + 1 : rest.len, to);
		has_any = true;
	}
	return has_any;
}

int archive_bytes(
	struct archive_in *in, uint64_t len, struct buf *to, struct err *err)
{
	while (len) {
		int rc = fill(in, err);
		size_t n;
		if (rc < 0)
			return -1;
		if (rc == 0)
			return err_set(
				err, ERR_TEMP, "was shortened meanwhile");
		n = (size_t)MIN(len, in->len - in->at);
		take(in, n, to);
		len -= n;
	}
	return 0;
}

/* --- what a file is
 * ------------------------------------------------------------ */

/* Tells whether a line is a header field, and which if it is a common one. */
static bool is_field(struct str line, bool *is_common)
{
	static const char *const common[] = { "From", "To", "Date", "Subject",
		"Received", "Return-Path", "Message-ID", "Delivered-To" };
	ssize_t colon = str_chr(line, ':');

	if (colon <= 0)
		return false;
	for (ssize_t i = 0; i < colon; i++)
		if (line.p[i] <= ' ' || line.p[i] == 0x7f)
			return false;
	for (size_t i = 0; i < COUNT(common); i++)
		if (str_eq_case(
			    str_sub(line, 0, (size_t)colon), str_c(common[i])))
			*is_common = true;
	return true;
}

/* Tells whether it begins as a mail does, with fields and a common one. */
static bool is_mail(struct str head)
{
	bool is_common = false, is_cut = head.len == SNIFF_LEN;
	struct str line;
	size_t n = 0;

	while (str_cut_line(&head, &line) && line.len) {
		bool is_folded = line.p[0] == ' ' || line.p[0] == '\t';
		if (is_cut && !head.len)
			break; /* the last line may be half of one */
		if (is_folded ? n == 0 : !is_field(line, &is_common))
			return is_common && n > 2; /* some mailers write so */
		n++;
	}
	return is_common;
}

/* A mail by its name, however it begins: .eml, or in a Maildir. */
static bool is_mails_name(struct str name)
{
	ssize_t slash = str_rchr(name, '/');
	struct str folder = str_sub(name, 0, slash < 0 ? 0 : (size_t)slash);

	return (name.len > 4 && str_eq_case(str_sub(name, name.len - 4, 4),
					STR(".eml"))) ||
	       str_ends(folder, STR("/cur")) || str_ends(folder, STR("/new"));
}

static bool is_tar(struct str head)
{
	return head.len >= 512 && memcmp(head.p + 257, "ustar", 5) == 0;
}

static bool is_compressed(struct str head)
{
	return str_starts(head, STR("\x1f\x8b")) ||
	       str_starts(head, STR("BZh")) ||
	       str_starts(head, STR("\xfd"
				    "7zXZ")) ||
	       str_starts(head, STR("\x28\xb5\x2f\xfd")) ||
	       str_starts(head, STR("PK\x03\x04"));
}

static int read_eml(struct archive_in *in, const char *name, struct err *err)
{
	AUTO(buf) struct buf bytes = BUF_INIT(ARCHIVE_MAIL_MAX);
	struct archive_mail m = { .name = name };

	if (in->end - archive_tell(in) > ARCHIVE_MAIL_MAX) {
		in->sink->skip(in->sink->ctx, name, "is too large for a mail");
		in->sink->pass(in->sink->ctx, in->end - archive_tell(in));
		return 0;
	}
	if (archive_bytes(in, in->end - archive_tell(in), &bytes, err) < 0)
		return err_add(err, "%s", name);
	m.bytes = buf_view(&bytes);
	return in->sink->mail(in->sink->ctx, &m) ? 1 : 0;
}

int archive_any(struct archive_in *in, const char *name, bool may_be_tar,
	struct err *err)
{
	uint64_t from = archive_tell(in);
	AUTO(bytes) char *head = mem_new(SNIFF_LEN);
	ssize_t n = archive_peek(in, from, head, SNIFF_LEN);
	struct str s;

	if (n < 0)
		return err_sys(err, "cannot read %s", name);
	s = str_n(head, (size_t)n);
	if (may_be_tar && is_tar(s))
		return archive_tar(in, name, err);
	if (str_starts(s, STR("From ")))
		return archive_mbox(in, name, err);
	if (is_mail(s) ||
		(n && is_mails_name(str_c(name)) && !is_compressed(s)))
		return read_eml(in, name, err);
	in->sink->skip(in->sink->ctx, name,
		!n		   ? "is empty"
		: is_compressed(s) ? "is compressed: unpack it first"
				   : "is no mail, mbox or tar");
	in->sink->pass(in->sink->ctx, in->end - from);
	return 0;
}

/* --- files and folders
 * ----------------------------------------------------------- */

struct walk {
	const struct archive_sink *sink; /* NULL: only add up */
	uint64_t bytes;
	char *chunk;
	struct err *err;
};

static int walk_any(struct walk *w, const char *path, int depth);

static int walk_file(struct walk *w, const char *path, uint64_t size)
{
	struct archive_in in = {
		.end = size, .sink = w->sink, .chunk = w->chunk
	};
	AUTO(fd) int fd = -1;

	w->bytes += size;
	if (!w->sink)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(w->err, "cannot open %s", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	in.fd = fd;
	return archive_any(&in, path, true, w->err);
}

static bool is_folder(const char *folder, const char *name)
{
	AUTO(bytes) char *path = mem_printf("%s/%s", folder, name);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Maildir++ keeps subfolders in ".Name"; all else that is hidden is no mail. */
static bool is_wanted(const char *folder, const char *name, bool is_maildir)
{
	if (name[0] == '.') {
		AUTO(bytes) char *path = mem_printf("%s/%s", folder, name);
		return strcmp(name, ".") && strcmp(name, "..") && is_maildir &&
		       is_folder(path, "cur");
	}
	return !is_maildir || strcmp(name, "tmp");
}

static int walk_folder(struct walk *w, const char *path, int depth)
{
	bool is_maildir = is_folder(path, "cur") && is_folder(path, "new");
	struct dirent **names = NULL;
	int n, rc = 0;

	if (depth > DEPTH_MAX)
		return err_set(w->err, ERR_PERM,
			"%s: more than %d folders deep", path, DEPTH_MAX);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return err_sys(w->err, "cannot read folder %s", path);
	for (int i = 0; i < n; i++) {
		if (rc == 0 && is_wanted(path, names[i]->d_name, is_maildir)) {
			AUTO(bytes) char *sub = mem_printf(
				"%s/%s", path, names[i]->d_name);
			rc = walk_any(w, sub, depth + 1);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

static int walk_any(struct walk *w, const char *path, int depth)
{
	struct stat st;

	/* a link that was named is followed, one to a folder within is not */
	if ((depth ? lstat(path, &st) : stat(path, &st)) < 0)
		return err_sys(w->err, "cannot read %s", path);
	if (S_ISLNK(st.st_mode) &&
		(stat(path, &st) < 0 || !S_ISREG(st.st_mode)))
		return 0;
	if (S_ISDIR(st.st_mode))
		return walk_folder(w, path, depth);
	if (S_ISREG(st.st_mode))
		return walk_file(w, path, (uint64_t)st.st_size);
	if (w->sink)
		w->sink->skip(w->sink->ctx, path, "is no file");
	return 0;
}

int archive_walk(
	const char *path, const struct archive_sink *sink, struct err *err)
{
	AUTO(bytes) char *chunk = mem_new(ARCHIVE_CHUNK);
	struct walk w = { .sink = sink, .chunk = chunk, .err = err };

	return walk_any(&w, path, 0);
}

int archive_size(const char *path, uint64_t *bytes, struct err *err)
{
	struct walk w = { .err = err };

	if (walk_any(&w, path, 0) < 0)
		return -1;
	*bytes += w.bytes;
	return 0;
}
