/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scripts.h - the files of a route's scripts, and their history. */
#ifndef MAILMILL_MANAGE_SCRIPTS_H
#define MAILMILL_MANAGE_SCRIPTS_H

#include <mailmill/manage.h>

#define SCRIPTS_LISTED_MAX 2000 /* an admin may have put some there */

struct manage_scripts {
	struct manage_scripts_options options;
	char *folder;
};

/* --- names and places (places.c) --- */

/* Names the folder of a route. Gives: by free(). */
char *places_route(const struct manage_scripts *s, const char *route);
/* Names a script's file. Gives: by free(). */
char *places_script(
	const struct manage_scripts *s, const char *route, struct str name);
/* Names something beside the scripts: "active". Gives: by free(). */
char *places_beside(
	const struct manage_scripts *s, const char *route, const char *what);
/* Names the folder of a script's versions. Gives: by free(). */
char *places_versions(
	const struct manage_scripts *s, const char *route, struct str name);
/* Makes a route's folders. Returns: 0, or -1 with *err. */
MUST_CHECK int places_make(
	const struct manage_scripts *s, const char *route, struct err *err);
/* Makes what is missing of a path of folders. Returns: 0, or -1 with *err. */
MUST_CHECK int places_make_folder(const char *path, struct err *err);
/* Writes a script's file whole, and what names it if its name is too long. */
MUST_CHECK int places_write(const struct manage_scripts *s, const char *route,
	struct str name, struct str source, struct err *err);
/* Removes a script's file. Returns: 0, or -1 with *err. */
MUST_CHECK int places_remove(const struct manage_scripts *s, const char *route,
	struct str name, struct err *err);
/* Reads the name of a script back from that of its file. Returns: 0 or -1. */
MUST_CHECK int places_name(struct arena *a, const char *folder,
	const char *file, struct str *name);
/* Keeps others from changing a route's scripts. Gives: a descriptor, or -1. */
MUST_CHECK int places_lock(
	const struct manage_scripts *s, const char *route, struct err *err);

/* --- versions and journal (history.c) --- */

struct history_entry {
	const struct manage_author *by;
	const char *action; /* "put" */
	struct str name, to;
	unsigned version; /* 0: none */
	struct str source;
};

/* Keeps a version, and not more than there may be. *version: its number. */
MUST_CHECK int history_keep(const struct manage_scripts *s, const char *route,
	const struct manage_author *by, struct str name, struct str source,
	unsigned *version, struct err *err);
/* Tells whether the latest version has these bytes. */
bool history_has(const struct manage_scripts *s, const char *route,
	struct str name, struct str source);
/* Writes what was done into the journal and the log. */
void history_tell(const struct manage_scripts *s, const char *route,
	const struct history_entry *e);

#endif
