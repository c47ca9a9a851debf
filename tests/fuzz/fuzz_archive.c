/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_archive.c - mbox, tar and mails from hostile bytes. */
#include <mailmill/archive.h>
#include <mailmill/file.h>

#include "../../src/source/archive_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_mail(void *ctx, const struct archive_mail *m)
{
	size_t *left = ctx;

	/* a mail is made of what the file holds, and of no byte twice */
	must(m->bytes.len > 0 && m->bytes.len <= *left);
	*left -= m->bytes.len;
	return 0;
}

static void on_skip(void *ctx, const char *name, const char *why)
{
	(void)ctx;
	must(name && why);
}

static void on_pass(void *ctx, uint64_t bytes)
{
	(void)ctx;
	(void)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char chunk[ARCHIVE_CHUNK];
	struct err err = { 0 };
	AUTO(fd) int fd = file_memory("fuzz", &err);
	size_t left = size;
	struct archive_sink sink = { on_mail, on_skip, on_pass, &left };
	struct archive_in in = {
		.fd = fd, .end = size, .sink = &sink, .chunk = chunk
	};

	must(fd >= 0 && file_write_all(fd, data, size) == 0);
	if (archive_any(&in, "fuzz", true, &err) < 0)
		must(err.kind != ERR_NONE);
	return 0;
}
