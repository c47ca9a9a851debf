/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manage.h - ManageSieve (RFC 5804): scripts of a route, edited from afar.
 *
 * Four parts, each usable alone: the session (a function from bytes to
 * replies), accounts (a file), scripts (a folder a route, with versions and a
 * journal), and the server, which puts them on sockets in a thread of its own.
 */
#ifndef MAILMILL_MANAGE_H
#define MAILMILL_MANAGE_H

#include <mailmill/base.h>
#include <mailmill/buf.h>
#include <mailmill/conf.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>
#include <mailmill/str.h>

/* --- accounts --------------------------------------------------------------
 */

#define MANAGE_ROUTES_MAX 32 /* of an account */
#define MANAGE_PASSWORD_MAX ((size_t)1024)
#define MANAGE_KEY_LEN 32

/* An account, as the file has it. Plain data. */
struct manage_account {
	struct str name;
	struct str routes[MANAGE_ROUTES_MAX];
	size_t n_routes;
	struct str argon2id; /* in libsodium's text form */
	/* for SCRAM-SHA-256 (RFC 7677), which a hash by argon2id cannot serve
	 */
	unsigned iterations; /* 0: has none */
	struct str salt;
	unsigned char stored_key[MANAGE_KEY_LEN], server_key[MANAGE_KEY_LEN];
};

/* Tells whether it can be the name of an account: 1 to 64 of A-Z a-z 0-9 and
 * ._@+- */
bool manage_account_is_name(struct str name);
/* Fills in the hashes of a password. Lends: them, in `a`. Waits: for argon2id.
 * Returns: 0, or -1 with *err: the password can't be one. */
MUST_CHECK int manage_account_set(struct arena *a, struct manage_account *acc,
	struct str password, struct err *err);
/*
 * Tells whether a password is an account's. With acc NULL it takes as long,
 * and says no. Waits: for argon2id.
 */
bool manage_account_check(
	const struct manage_account *acc, struct str password);

/* All accounts of a file, in order. */
struct manage_accounts {
	struct manage_account *items;
	size_t n;
};
/*
 * Reads the file. Lends: all in `a`. Returns: 0 (none when there is no file),
 * or -1 with *err: line and fault, or others may read it.
 */
MUST_CHECK int manage_accounts_load(struct arena *a, const char *path,
	struct manage_accounts *out, struct err *err);
/* Writes the file whole, for its owner only. Returns: 0, or -1 with *err. */
MUST_CHECK int manage_accounts_save(const char *path,
	const struct manage_accounts *accounts, struct err *err);
/* Finds an account. Returns: or NULL. */
struct manage_account *manage_accounts_find(
	const struct manage_accounts *accounts, struct str name);

/* --- scripts ---------------------------------------------------------------
 */

/* RFC 5804 section 1.6 asks for 128 characters, which are up to 512 bytes. */
#define MANAGE_NAME_CHARS_MAX 128

/* What may become of a request, beside 0 and -1. */
enum manage_outcome {
	MANAGE_DONE,
	MANAGE_NONEXISTENT = 1,
	MANAGE_EXISTS,
	MANAGE_ACTIVE,	     /* the active one can't be deleted */
	MANAGE_TOO_MANY,     /* scripts */
	MANAGE_TOO_BIG,	     /* a script */
	MANAGE_OVER_QUOTA,   /* all of them together */
	MANAGE_INVALID,	     /* it does not compile: findings */
	MANAGE_UNMANAGED,    /* the route does not use managed scripts */
	MANAGE_WARNINGS = -2 /* done, with findings */
};

/* Tells why a name can't be a script's, or gives NULL. */
const char *manage_name_fault(struct str name);

/* Who does something, for versions and journal. */
struct manage_author {
	struct str name; /* "ann", "uid 0" */
	struct str from; /* "192.0.2.1:4711", "command line" */
};

struct manage_scripts_options {
	const char *folder;
	unsigned scripts_max;  /* a route */
	unsigned versions_max; /* a script */
	size_t script_len;     /* bytes */
	uint64_t quota;	       /* bytes of a route's scripts */
	/*
	 * Compiles a script that would lie at `path`; what is found is added
	 * as lines to `findings`. Returns: MANAGE_DONE, MANAGE_WARNINGS,
	 * MANAGE_INVALID. NULL: all is right.
	 */
	int (*check)(void *ctx, const char *path, struct str name,
		struct str source, struct buf *findings);
	/*
	 * Has a route use what its files say now. Returns: 0, MANAGE_UNMANAGED,
	 * or -1 with *err: what was used before still is. NULL: later.
	 */
	int (*apply)(void *ctx, const char *route, struct err *err);
	void *ctx;
};

struct manage_scripts;

/* Opens the folder of all routes' scripts. Gives: by manage_scripts_free(). */
struct manage_scripts *manage_scripts_new(
	const struct manage_scripts_options *o);
/* Ends it. Accepts NULL. */
void manage_scripts_free(struct manage_scripts *s);

struct manage_item {
	struct str name;
	uint64_t size;
	int64_t changed_at; /* wall ms */
	bool is_active;
};

/* Lists a route's scripts by name. Lends: in `a`. Returns: 0, or -1. */
MUST_CHECK int manage_scripts_list(struct manage_scripts *s, const char *route,
	struct arena *a, struct manage_item **out, size_t *n, struct err *err);
/* Reads one. Returns: 0, MANAGE_NONEXISTENT, or -1. */
MUST_CHECK int manage_scripts_get(struct manage_scripts *s, const char *route,
	struct str name, struct buf *out, struct err *err);
/* Tells whether one of a size would fit. Returns: an outcome, or -1. */
MUST_CHECK int manage_scripts_has_space(struct manage_scripts *s,
	const char *route, struct str name, uint64_t size, struct err *err);
/* Compiles one without keeping it. Returns: as options.check(). */
MUST_CHECK int manage_scripts_check(struct manage_scripts *s, const char *route,
	struct str source, struct buf *findings);
/*
 * Keeps one, new or in another's place, if it compiles; in force at once when
 * it is active. The former version is kept, too.
 * Returns: an outcome, or -1 with *err: then the former one is there.
 */
MUST_CHECK int manage_scripts_put(struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str source,
	struct buf *findings, struct err *err);
/* Makes one the active one, or with an empty name none. Returns: as above. */
MUST_CHECK int manage_scripts_activate(struct manage_scripts *s,
	const char *route, const struct manage_author *by, struct str name,
	struct buf *findings, struct err *err);
/* Removes one that is not active; its versions stay. Returns: as above. */
MUST_CHECK int manage_scripts_remove(struct manage_scripts *s,
	const char *route, const struct manage_author *by, struct str name,
	struct err *err);
/* Gives one another name; an active one stays active. Returns: as above. */
MUST_CHECK int manage_scripts_rename(struct manage_scripts *s,
	const char *route, const struct manage_author *by, struct str name,
	struct str to, struct err *err);

struct manage_version {
	unsigned number; /* from 1 */
	struct str at, who, from, sha256;
	uint64_t size;
};
/* Lists versions, oldest first, also of a script that was deleted. Lends. */
MUST_CHECK int manage_scripts_versions(struct manage_scripts *s,
	const char *route, struct str name, struct arena *a,
	struct manage_version **out, size_t *n, struct err *err);
/* Reads a version. Returns: 0, MANAGE_NONEXISTENT, or -1. */
MUST_CHECK int manage_scripts_version(struct manage_scripts *s,
	const char *route, struct str name, unsigned number, struct buf *out,
	struct err *err);
/* Reads a route's journal, a JSON object a line, oldest first. */
MUST_CHECK int manage_scripts_journal(struct manage_scripts *s,
	const char *route, struct buf *out, struct err *err);
/*
 * Names the file of the active script. Gives: *out, by free().
 * Returns: 0, MANAGE_NONEXISTENT (none is active), or -1.
 */
MUST_CHECK int manage_scripts_active(struct manage_scripts *s,
	const char *route, char **out, struct err *err);

/* --- the session -----------------------------------------------------------
 */

/* Replies that may lie unsent before a session takes more. */
#define MANAGE_REPLIES_MAX ((size_t)64 * 1024)

enum manage_clear {
	MANAGE_CLEAR_NEVER,    /* passwords only over TLS */
	MANAGE_CLEAR_LOOPBACK, /* ... or from this machine */
	MANAGE_CLEAR_ALWAYS
};

/* Lent to all sessions. */
struct manage_options {
	size_t script_len; /* bytes of a script */
	unsigned errors_max;
	unsigned redirects_max;
	const char *capabilities; /* of the engine, parted by blanks */
	const char *notify;	  /* schemes, or NULL */
	const char *extlists;	  /* schemes, or NULL */
	bool has_tls;
};

/* What a session asks for; ctx is the one given to manage_new(). */
struct manage_backend {
	/*
	 * Tells how long a login of this account has to wait: ms, or -1: there
	 * are too many.
	 */
	int64_t (*slow)(void *ctx, struct str account);
	/* Lends an account in `a`. Returns: or NULL: there is none. */
	const struct manage_account *(*find)(
		void *ctx, struct arena *a, struct str name);
	/* Hears of the end of a login. acc is NULL when it failed. */
	void (*login)(void *ctx, struct str account, const char *mechanism,
		const struct manage_account *acc, struct str route);
	/* Hears that nobody is logged in any more. */
	void (*logout)(void *ctx);
	/* The following as manage_scripts_...(), for the route logged into. */
	int (*list)(void *ctx, struct arena *a, struct manage_item **out,
		size_t *n, struct err *err);
	int (*get)(
		void *ctx, struct str name, struct buf *out, struct err *err);
	int (*has_space)(
		void *ctx, struct str name, uint64_t size, struct err *err);
	int (*check)(void *ctx, struct str source, struct buf *findings);
	int (*put)(void *ctx, struct str name, struct str source,
		struct buf *findings, struct err *err);
	int (*activate)(void *ctx, struct str name, struct buf *findings,
		struct err *err);
	int (*remove)(void *ctx, struct str name, struct err *err);
	int (*rename)(
		void *ctx, struct str name, struct str to, struct err *err);
};

struct manage;

/* Begins a session, with its greeting; `may_clear`: PLAIN without TLS. Gives:
 * by manage_free(). */
struct manage *manage_new(const struct manage_options *o, bool may_clear,
	const struct manage_backend *backend, void *ctx);
/* Ends it. Accepts NULL. */
void manage_free(struct manage *m);
/*
 * Takes bytes; fewer than given when it waits, wants TLS, is closed, or when
 * replies lie about. Returns: how many.
 */
size_t manage_feed(struct manage *m, struct str in);
/* Lends what is to be sent; take off what was by buf_shift(). */
struct buf *manage_replies(struct manage *m);
/* Tells for how long it wants to rest: ms, or -1: it does not. */
int64_t manage_wait_ms(const struct manage *m);
/* Goes on after that time. */
void manage_resume(struct manage *m);
/*
 * Tells whether TLS has to begin, once the replies are sent. Whatever was
 * received before that must be thrown away.
 */
bool manage_wants_tls(const struct manage *m);
/* Goes on under TLS, with what it can. */
void manage_tls_begun(struct manage *m);
/* Tells whether to close once the replies are sent. */
bool manage_is_closed(const struct manage *m);
/* Tells whether somebody is logged in. */
bool manage_is_logged_in(const struct manage *m);
/* Counts commands, to see whether a client moves. */
uint64_t manage_n_commands(const struct manage *m);
/* Says BYE with a reason, and closes. */
void manage_shut(struct manage *m, const char *why);

/* --- the server ------------------------------------------------------------
 */

/* The section managesieve { }. */
struct manage_conf {
	const char *listen;
	mode_t mode;
	const char *group;
	const char *certificate, *key;
	int clear; /* enum manage_clear */
	const char *accounts, *scripts;
	int64_t max_scripts, versions;
	uint64_t script_size, quota;
	int64_t max_clients, max_clients_per_peer, max_errors;
	int64_t login_ms, idle_ms;
};
extern const struct conf_schema manage_schema;

struct manage_server;

struct manage_server_options {
	const struct manage_conf *conf;
	const char *file;     /* the configuration, for relative paths */
	const char *accounts; /* path */
	struct manage_scripts *scripts; /* lent; this thread's from now on */
	const struct manage_options *session; /* lent; has_tls is set here */
};

/*
 * Listens, and serves clients in a thread of its own until closed.
 * Gives: *out, by manage_server_close(). Returns: 0, or -1 with *err.
 */
MUST_CHECK int manage_server_open(const struct manage_server_options *o,
	struct manage_server **out, struct err *err);
/* Says BYE to all clients and ends. Waits: for what is done now. */
void manage_server_close(struct manage_server *s);

AUTO_DEFINE(manage_scripts, struct manage_scripts *, manage_scripts_free)

#endif
