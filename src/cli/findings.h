/* SPDX-License-Identifier: GPL-3.0-or-later */
/* findings.h - what is wrong with rule files, written for people and tools. */
#ifndef MAILMILL_CLI_FINDINGS_H
#define MAILMILL_CLI_FINDINGS_H

#include <jansson.h>
#include <stdio.h>

#include <mailmill/sieve.h>

struct findings;

/* A way to write findings. */
struct findings_format {
	const char *name; /* "sarif" */
	/* Writes a finding, or keeps it for the end. */
	void (*add)(struct findings *f, const char *path,
		const struct sieve_diag *d);
	/* Writes what comes last; may be NULL. */
	void (*end)(struct findings *f);
	bool is_for_people; /* a line for each file that is right, too */
};

struct findings {
	const struct findings_format *format;
	bool has_colour;
	size_t n_errors, n_warnings;
	json_t *list; /* of formats that write at the end */
};

/* Begins. Returns: 0, or -1: there is no such format. */
MUST_CHECK int findings_begin(struct findings *f, const char *format);
/* Adds what the compiler found in a file. */
void findings_add(
	struct findings *f, const char *path, const struct sieve_diags *diags);
/* Adds a file that could not be looked at at all. */
void findings_add_failure(
	struct findings *f, const char *path, const char *why);
/* Writes the rest, and ends. */
void findings_end(struct findings *f);

#endif
