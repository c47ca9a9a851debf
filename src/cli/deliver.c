/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deliver.c - `mailmill deliver`: executes mailmill-deliver, which is a program
 * of its own so that it starts fast. It lies beside this one, as in a build
 * folder, or where it was installed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/file.h>
#include <mailmill/mem.h>
#include <mailmill/proc.h>

#include "cli.h"

#define NAME "mailmill-deliver"

static int run(int argc, char **argv)
{
	/* beside us when installed; in its own folder within a build tree */
	static const char *const places[] = { NAME, "deliver/" NAME,
		"../libexec/" NAME, "../libexec/mailmill/" NAME };
	static char short_help[] = "-h";

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		argv[1] = short_help;

	for (size_t i = 0; i < COUNT(places); i++) {
		AUTO(bytes) char *path = file_beside(proc_self(), places[i]);
		execv(path, argv);
		if (errno != ENOENT && errno != ENOTDIR) {
			cli_say(&cli_deliver, "cannot execute %s: %s", path,
				strerror(errno));
			return EX_TEMPFAIL;
		}
	}
	cli_say(&cli_deliver,
		"there is no " NAME " beside %s: is the installation whole?",
		proc_self());
	return EX_TEMPFAIL;
}

const struct cli_command cli_deliver = {
	.name = "deliver",
	.usage = "[-f SENDER] [-r RECIPIENT]... < MAIL",
	.help = "hand one mail over to the daemon, from an MTA's pipe",
	.run = run,
};
