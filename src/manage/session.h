/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.h - what the files of a ManageSieve session share. */
#ifndef MAILMILL_MANAGE_SESSION_H
#define MAILMILL_MANAGE_SESSION_H

#include <mailmill/manage.h>

#include "lex.h"

enum manage_phase {
	MANAGE_COMMANDS,
	MANAGE_SASL, /* the next line answers a challenge */
	MANAGE_WAIT, /* a login that is slowed */
	MANAGE_TLS,
	MANAGE_CLOSED,
};

struct manage {
	const struct manage_options *options;
	const struct manage_backend *backend;
	void *ctx;
	enum manage_phase phase;
	struct lex lex;
	struct buf out;
	bool may_clear, is_tls;
	unsigned n_errors;
	uint64_t n_commands;
	int64_t wait_ms;
	struct manage_login *login; /* one under way, or NULL */
	char *user, *route;	    /* who is logged in, or NULL */
};

/* --- replies --- */

/* Adds "OK", "NO" or "BYE" with a code (or NULL) and a text (or empty). */
void manage_say(struct manage *m, const char *word, const char *code,
	const char *fmt, ...) PRINTF(4, 5);
/* Adds a string as a server writes one: quoted, or a literal. */
void manage_add_string(struct buf *b, struct str s);
/* Adds the lines of the capabilities. */
void manage_add_capabilities(struct manage *m);
/* Says NO for a command that should not have been sent, and counts it. */
void manage_say_wrong(struct manage *m, const char *why);

/* --- commands --- */

#define MANAGE_BEFORE 1u /* login */
#define MANAGE_AFTER 2u
#define MANAGE_ANY (MANAGE_BEFORE | MANAGE_AFTER)

struct manage_command {
	const char *verb;
	unsigned when;
	const char *arguments; /* s string, n number, ? the rest may lack */
	void (*run)(struct manage *m);
	const char *usage;
};
extern const struct manage_command manage_commands[]; /* ended by NULL */

/* --- logging in ---
 *
 * A mechanism is one file and one row in login.c. Its step() gets what the
 * client said, decoded, and says what comes next. Once it knows the account it
 * says MECH_NAMED; then the session waits as long as it has to, and calls it
 * again with the same bytes.
 */

enum mech_outcome {
	MECH_NAMED,	/* login->name and ->as are set; call me again */
	MECH_CHALLENGE, /* login->challenge; call me with the answer */
	MECH_DONE,	/* login->challenge may hold last words */
	MECH_REFUSED,	/* not with these credentials */
	MECH_MALFORMED, /* not what the mechanism says */
};

struct manage_login {
	const struct manage_mech *mech;
	struct manage *session;
	struct arena *arena;
	struct str name, as; /* account; the route wanted, or empty */
	const struct manage_account *account; /* from MECH_NAMED on, or NULL */
	unsigned step;			      /* from 0 */
	struct str said;		      /* by the client, to step again */
	struct buf challenge;
	void *data; /* the mechanism's own, in the arena */
};

struct manage_mech {
	const char *name;
	bool is_clear; /* tells the password: only where that is safe */
	enum mech_outcome (*step)(struct manage_login *l, struct str in);
};

extern const struct manage_mech mech_plain, mech_scram_sha256;

/* Is AUTHENTICATE. */
void manage_login_begin(struct manage *m);
/* Gets the client's answer to a challenge, whose tokens are in m->lex. */
void manage_login_answer(struct manage *m);
/* Goes on after the wait. */
void manage_login_resume(struct manage *m);
/* Ends a login that is under way. Accepts none. */
void manage_login_free(struct manage *m);
/* Adds the names of mechanisms that can be used now, parted by blanks. */
void manage_login_mechanisms(const struct manage *m, struct buf *out);

#endif
