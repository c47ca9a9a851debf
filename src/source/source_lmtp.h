/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_lmtp.h - what the sections lmtp and pipe say. */
#ifndef MAILMILL_SOURCE_LMTP_H
#define MAILMILL_SOURCE_LMTP_H

#include <mailmill/source.h>

struct lmtp_conf {
	const char *listen; /* HOST:PORT, unix:PATH or fd:NAME */
	mode_t mode;	    /* of PATH */
	const char *group;  /* of PATH, or NULL */
	int64_t max_clients, max_clients_per_peer;
	int64_t max_rcpts, max_errors;
	int64_t idle_ms, message_ms;
	struct conf_list trusted; /* networks that may say XCLIENT */
};

extern const struct source_driver source_lmtp;
/* The same for programs on this machine: mailmill deliver, mailmill import. */
extern const struct source_driver source_pipe;

#endif
