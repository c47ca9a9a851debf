/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conf.h - mailmill.conf: sections and options, checked against tables.
 *
 *     state = "/var/lib/mailmill"
 *     lmtp "main" { listen = "127.0.0.1:2424" }
 *     salesforce "prod" { login_url = "https://..." ... }
 *     route "support" { recipients = { "support@example.org" } ... }
 *
 * A module describes its section in one table (struct conf_schema); reading
 * fills one plain struct a section. An unknown section or option, a value of
 * the wrong type or out of bounds, a repeated option, a missing required one
 * are errors with file, line, what was expected and the nearest name.
 */
#ifndef MAILMILL_CONF_H
#define MAILMILL_CONF_H

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/mem.h>

enum conf_type {
	CONF_STR,  /* const char * ; NULL when not given and no default */
	CONF_PATH, /* the same; a relative one is taken from the file's folder
		    */
	CONF_INT,  /* int64_t, within min..max */
	CONF_BOOL, /* bool */
	CONF_SIZE, /* uint64_t bytes: 512, 64k, 25M, 2G */
	CONF_SPAN, /* int64_t ms: 500ms, 30s, 5m, 2h, 7d */
	CONF_MODE, /* mode_t, octal: 0660 */
	CONF_LIST, /* struct conf_list */
	CONF_WORD, /* int: index into `words` */
	CONF_ADDR, /* const char * "host:port" or "unix:/path" or "fd:NAME" */
};

struct conf_list {
	const char *const *items;
	size_t n;
};

#define CONF_REQUIRED 1u
#define CONF_RELOAD 2u /* a SIGHUP changes it; else only a restart does */

/* One option. A table of them ends with { 0 }. */
struct conf_field {
	const char *name;
	enum conf_type type;
	size_t offset;	  /* into the section's struct */
	const char *def;  /* default as an admin would write it, or NULL */
	int64_t min, max; /* of numbers, sizes, spans; both 0: no bounds */
	const char *const *words; /* of CONF_WORD, ended by NULL */
	unsigned flags;
	const char *help; /* one line, as in mailmill.conf(5) */
};

struct conf_section;

#define CONF_TITLED 1u /* keyword "title" { ... }, titles unique */
#define CONF_SINGLE 2u /* at most one; made with defaults when not there */
#define CONF_TOP 4u    /* the options outside of all sections */

/* One kind of section; `data` points to a struct of `size` bytes. */
struct conf_schema {
	const char *keyword; /* NULL for CONF_TOP */
	const char *group;   /* "source", "target", "route" ... or NULL */
	unsigned flags;
	size_t size;
	const struct conf_field *fields;
	/* What tables can't say. Returns: 0, or -1 with *err. May be NULL. */
	int (*check)(const struct conf_section *section, struct err *err);
	const void *driver; /* for the group's owner: its driver table */
	const char *help;
};

struct conf_section {
	const struct conf_schema *schema;
	const char *title; /* "" when untitled */
	const char *file;
	int line;		   /* where it begins; 0: not in the file */
	const void *data;	   /* the struct that `fields` describe */
	struct conf_section *next; /* in order of the file */
};

struct conf;

/* Gets each error in turn: "mailmill.conf:12: ..."; several a file. */
typedef void (*conf_error_fn)(const char *message, void *ctx);

/*
 * Reads and checks a file. `schemas` ends with NULL.
 * Gives:   *out, by conf_free(). All sections live as long.
 * Returns: 0, or -1 with *err (the first error, or how many); each one was
 *          given to fn, unless NULL.
 * Note:    one thread at a time (libconfuse has global state).
 */
MUST_CHECK int conf_load(const char *path,
	const struct conf_schema *const *schemas, conf_error_fn fn, void *ctx,
	struct conf **out, struct err *err);
/* The same from text; `name` stands for the file in messages. */
MUST_CHECK int conf_parse(const char *name, struct str text,
	const struct conf_schema *const *schemas, conf_error_fn fn, void *ctx,
	struct conf **out, struct err *err);
/* Ends it. Accepts NULL. */
void conf_free(struct conf *c);
/* Lends the first section in order of the file, or NULL; then go by ->next. */
const struct conf_section *conf_first(const struct conf *c);
/* Finds a section by keyword and title (NULL: the first). Returns: or NULL. */
const struct conf_section *conf_find(
	const struct conf *c, const char *keyword, const char *title);
/* Finds a section of a group by title. Returns: or NULL. */
const struct conf_section *conf_find_in(
	const struct conf *c, const char *group, const char *title);
/* Finds the data of a CONF_SINGLE or CONF_TOP section; always there. */
const void *conf_data(const struct conf *c, const struct conf_schema *schema);

/* Tells whether two sections are of one kind and say the same. */
bool conf_section_is_same(
	const struct conf_section *a, const struct conf_section *b);

/*
 * Reads a secret. `where` is "file:PATH" (mode may not let others read),
 * "credential:NAME" (in $CREDENTIALS_DIRECTORY) or "env:NAME". One line end at
 * the end is dropped. Gives: *out, by free(). Returns: 0, or -1 with *err.
 * Note:    secrets never stand in the file itself.
 */
MUST_CHECK int conf_secret(const char *where, char **out, struct err *err);

AUTO_DEFINE(conf, struct conf *, conf_free)

#endif
