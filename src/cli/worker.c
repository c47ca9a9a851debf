/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker.c - mailmill worker: what serve starts to parse mails in a box. */
#include <mailmill/worker.h>

#include "cli.h"

const struct cli_command cli_worker = {
	.name = "worker",
	.usage = "",
	.help = "Parses mails in a box, for serve",
	.is_hidden = true,
	.run = worker_main,
};
