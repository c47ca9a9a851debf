/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse_auth.h - what `mailmill parse` says of who vouches for a mail. */
#ifndef MAILMILL_CLI_PARSE_AUTH_H
#define MAILMILL_CLI_PARSE_AUTH_H

#include <mailmill/auth.h>

#define PARSE_TRUSTED_MAX 32

/* How to judge. Zeroed: neither is anybody believed nor asked. */
struct parse_auth {
	struct dns_zone *zone;
	struct str trusted[PARSE_TRUSTED_MAX];
	size_t n_trusted;
	const char *sender, *ip, *helo; /* NULL: not given */
	int64_t now;
};

/* Adds an authserv-id. Returns: 0, or -1 with *err: too many. */
MUST_CHECK int parse_auth_trust(
	struct parse_auth *p, const char *id, struct err *err);
/* Reads a zone file, also several. Returns: 0, or -1 with *err. */
MUST_CHECK int parse_auth_read_zone(
	struct parse_auth *p, const char *path, struct err *err);
/* Frees the zone. */
void parse_auth_fini(struct parse_auth *p);
/* Judges a mail. Lends: in its arena. */
void parse_auth_judge(
	struct mail *m, const struct parse_auth *p, struct auth_result *out);
/* Prints it for people, if there is anything to say. */
void parse_auth_print(struct mail *m, const struct parse_auth *p);

#endif
