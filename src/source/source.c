/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.c - the ways in that there are: one line each. */
#include <mailmill/source.h>

#include "source_lmtp.h"

static const struct source_driver *const drivers[] = {
	&source_lmtp,
	&source_pipe,
	NULL,
};

const struct source_driver *const *source_drivers(void)
{
	return drivers;
}

int source_open(
	const struct conf_section *conf, struct source **out, struct err *err)
{
	const struct source_driver *d = conf->schema->driver;

	must(d);
	return d->open(conf, out, err);
}

int source_attach(struct source *src, struct loop *loop, struct intake *in,
	struct err *err)
{
	return src->driver->attach(src, loop, in, err);
}

void source_drain(struct source *src)
{
	src->driver->drain(src);
}

unsigned source_busy(const struct source *src)
{
	return src->driver->busy(src);
}

void source_close(struct source *src)
{
	if (src)
		src->driver->close(src);
}
