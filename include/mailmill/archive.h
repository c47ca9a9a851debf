/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * archive.h - mails out of files: .eml, mbox, Maildir, folders, tar of these.
 *
 * What a file is is told by its content. An mbox is cut at "From " lines behind
 * an empty line, or by Content-Length where that leads to such a line (mboxcl2,
 * whose bodies are taken as they are); elsewhere ">From " loses one ">", as
 * mboxrd and mboxo both want.
 */
#ifndef MAILMILL_ARCHIVE_H
#define MAILMILL_ARCHIVE_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/str.h>

#define ARCHIVE_MAIL_MAX ((size_t)256 << 20) /* bytes; larger is skipped */

/* Lent during the call that gets it. */
struct archive_mail {
	const char *name; /* "box/cur/17", "old.mbox#3", "all.tar:a/1.eml" */
	struct str bytes; /* without the "From " line; line ends as they are */
	struct str from;  /* the sender in that line, or empty */
};

/* Who gets what is found. */
struct archive_sink {
	/* Returns: 0, or else to stop. */
	int (*mail)(void *ctx, const struct archive_mail *m);
	/* Is told what was left out and why. */
	void (*skip)(void *ctx, const char *name, const char *why);
	/* Is told how many bytes were gone through since the last call. */
	void (*pass)(void *ctx, uint64_t bytes);
	void *ctx;
};

/*
 * Goes through a file or a tree, in order of names.
 * Returns: 0, 1 when mail() stopped it, or -1 with *err: cannot read, damaged.
 */
MUST_CHECK int archive_walk(
	const char *path, const struct archive_sink *sink, struct err *err);
/* Adds up the bytes that a walk will pass. Returns: 0, or -1 with *err. */
MUST_CHECK int archive_size(const char *path, uint64_t *bytes, struct err *err);

#endif
