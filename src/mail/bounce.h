/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bounce.h - what the files that read bounces share. */
#ifndef MAILMILL_MAIL_BOUNCE_H
#define MAILMILL_MAIL_BOUNCE_H

#include "inside.h"

#define BOUNCE_TEXT_MAX ((size_t)64 << 10) /* of a notice that is looked at */
#define BOUNCE_DIAGNOSTIC_MAX 1000
#define BOUNCE_RCPTS_MAX 500

/* A recipient that a notice in words names, and what it says about him. */
struct bounce_found {
	struct str address, said;
	bool is_strong; /* it stands where only a failed address stands */
	bool is_likely; /* the words before it say so */
};
struct bounce_list {
	struct bounce_found *items;
	size_t n;
};

/* bounce_text.c */
/* Cuts the returned message off a notice: *original is what was cut off. */
struct str bounce_notice(struct str text, struct str *original);
/* Finds the recipients that a notice names; `own` are never such. */
void bounce_read_text(struct arena *a, struct str notice, const struct str *own,
	size_t n_own, struct bounce_list *out);
/* Finds the first address in a line from *at on. Returns: or STR_NULL. */
struct str bounce_next_address(struct str line, size_t *at);

/* bounce_reason.c */
/* Returns: a reason's name, or NULL: nothing tells. */
const char *bounce_reason_of_text(struct str lower);
/* The same by phrases that say little. */
const char *bounce_reason_of_weak_text(struct str lower);
const char *bounce_reason_of_status(struct str status);
/* The same by what a provider writes above the host's answer. */
const char *bounce_reason_of_notice(struct str lower);
/* The same of PowerMTA's word for it. */
const char *bounce_reason_of_category(struct str category);

struct bounce_phrase {
	const char *reason, *text;
};
/* bounce_tongue.c: phrases in other languages than English */
extern const struct bounce_phrase bounce_tongues[];
extern const size_t bounce_n_tongues;

/* bounce_ses.c */
/* Tells the kind of a notice of Amazon SES in JSON; MAIL_ORDINARY: is none. */
enum mail_kind bounce_ses_kind(struct mail *m);
/* Reads one. Returns: whether it is one. */
bool bounce_read_ses(struct mail *m, struct mail_bounce **out, size_t *n);

#endif
