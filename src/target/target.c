/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target.c - the ways out there are, and the way to each. */
#include <mailmill/target.h>

#include <mailmill/conf.h>

#include "drivers.h"

const struct target_driver *const *target_drivers(void)
{
	static const struct target_driver *all[3];

	if (!all[0]) {
		all[1] = target_print();
		all[0] = target_salesforce();
	}
	return all;
}

int target_open(const struct conf_section *conf, struct loop *loop,
	struct target **out, struct err *err)
{
	const struct target_driver *driver = conf->schema->driver;

	must(driver && loop);
	return driver->open(conf, loop, out, err);
}

void target_apply(struct target *t, struct target_job *job)
{
	must(job->plan && job->arena && job->done);
	t->driver->apply(t, job);
}

void target_ask(struct target *t, struct target_ask *ask)
{
	must(ask->question && ask->arena && ask->done);
	t->driver->ask(t, ask);
}

void target_stats(struct target *t, struct target_stats *out)
{
	*out = (struct target_stats){ 0 };
	t->driver->stats(t, out);
}

void target_close(struct target *t)
{
	if (t)
		t->driver->close(t);
}
