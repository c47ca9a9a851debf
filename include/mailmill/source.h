/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source.h - ways in: one face for all. A new one is one file that exports a
 * struct source_driver and one line in source.c.
 */
#ifndef MAILMILL_SOURCE_H
#define MAILMILL_SOURCE_H

#include <mailmill/base.h>
#include <mailmill/conf.h>
#include <mailmill/err.h>
#include <mailmill/intake.h>
#include <mailmill/loop.h>

struct source;

struct source_driver {
	const char *name; /* as the section's keyword: "lmtp" */
	const struct conf_schema *schema;
	/* Gives *out. Checks all that can be checked without the network. */
	int (*open)(const struct conf_section *conf, struct source **out,
		struct err *err);
	/* Listens or connects; hands each message to `in`. */
	int (*attach)(struct source *src, struct loop *loop, struct intake *in,
		struct err *err);
	/* Takes nothing new; what is under way may end. */
	void (*drain)(struct source *src);
	/* Tells how many messages or clients are under way. */
	unsigned (*busy)(const struct source *src);
	void (*close)(struct source *src); /* takes; NULL and half-open too */
};

/* Every source begins with this. */
struct source {
	const struct source_driver *driver;
};

/* Lists the drivers, ended by NULL. */
const struct source_driver *const *source_drivers(void);
/* Opens the source of a section. Gives: *out, by source_close(). */
MUST_CHECK int source_open(
	const struct conf_section *conf, struct source **out, struct err *err);
/* Starts it. Returns: 0, or -1 with *err. */
MUST_CHECK int source_attach(struct source *src, struct loop *loop,
	struct intake *in, struct err *err);
/* Takes nothing new from now on. */
void source_drain(struct source *src);
/* Tells how many messages or clients are under way. */
unsigned source_busy(const struct source *src);
/* Ends it. Accepts NULL. */
void source_close(struct source *src);

#endif
