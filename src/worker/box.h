/* SPDX-License-Identifier: GPL-3.0-or-later */
/* box.h - what a worker may still do once it has seen a mail. */
#ifndef WORKER_BOX_H
#define WORKER_BOX_H

#include <mailmill/base.h>
#include <mailmill/err.h>

#if defined(__SANITIZE_ADDRESS__)
#define BOX_IS_OPEN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define BOX_IS_OPEN 1
#endif
#endif
/*
 * Sanitizers need files, threads, terabytes of address space and ptrace, so
 * in their builds only the limits that they can bear are set: no filter, no
 * Landlock, no RLIMIT_AS, no crash reports of ours. The box itself is tested
 * in plain builds.
 */
#ifndef BOX_IS_OPEN
#define BOX_IS_OPEN 0
#endif

enum box_kind {
	BOX_MAIL,   /* parses mails: may compute, read and answer */
	BOX_FORKER, /* sees no mail: may also start processes of its own */
};

/* Filters made ready, so that closing a box later is one system call. */
struct box;

/* Makes the filters. Gives: *out, by box_free(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int box_new(struct box **out, struct err *err);
/* Ends it. Accepts NULL. */
void box_free(struct box *b);
/*
 * Sets what both kinds share: limits of memory and descriptors, no core dumps,
 * no new privileges, no files (Landlock), not to be read by ptrace.
 */
MUST_CHECK int box_limit(uint64_t memory, struct err *err);
/* Closes the box of this process for good. A BOX_FORKER's children can close a
 * BOX_MAIL inside. Returns: 0, or -1 with *err. */
MUST_CHECK int box_close(
	const struct box *b, enum box_kind kind, struct err *err);
/* Names a system call of this machine. Gives: by free(). */
char *box_call_name(int number);

AUTO_DEFINE(box, struct box *, box_free)

#endif
