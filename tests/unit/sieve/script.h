/* SPDX-License-Identifier: GPL-3.0-or-later */
/* script.h - what the tests of rules share: compile, evaluate, write down. */
#ifndef TEST_SCRIPT_H
#define TEST_SCRIPT_H

#include <mailmill/buf.h>
#include <mailmill/mail.h>
#include <mailmill/sieve.h>

#include "test.h"

#define OUT_MAX ((size_t)1 << 20)

/*
 * Compiles; errors are written "LINE:COL message" one a line, with the name of
 * an included file in front. Or NULL.
 */
static inline UNUSED struct sieve_script *compile_with(
	const struct sieve_settings *settings, struct str source,
	struct buf *out)
{
	AUTO(arena) struct arena *a = arena_new();
	struct sieve_diags diags = { .arena = a };
	struct sieve_script *s = NULL;
	int rc = sieve_compile("t.sieve", source, settings, &diags, &s);
	bool has_errors = false;

	for (size_t i = 0; i < diags.n; i++) {
		const struct sieve_diag *d = &diags.items[i];

		has_errors |= d->severity == SIEVE_ERROR;
		buf_printf(out, "%.*s%s%u:%u %s%.*s\n", STR_ARG(d->file),
			d->file.len ? ":" : "", d->line, d->column,
			d->severity == SIEVE_WARNING ? "warning: " : "",
			STR_ARG(d->message));
	}
	is_true(has_errors == (rc < 0), "errors and result agree");
	is_true((s != NULL) == (rc == 0), "a script exactly when it is right");
	return s;
}

static inline UNUSED void write_plan(struct buf *out, const struct plan *p)
{
	static const char *const names[] = { "keep", "discard", "fileinto",
		"redirect" };

	for (size_t i = 0; i < p->n_actions; i++) {
		const struct plan_action *a = &p->actions[i];

		buf_printf(out, "%s%s%s%s%.*s", i ? "; " : "",
			a->is_implicit ? "implicit " : "", names[a->kind],
			a->value.len ? " " : "", STR_ARG(a->value));
		if (a->is_copy)
			buf_c(out, " copy");
	}
	if (p->fail.len)
		buf_printf(out, "fail: %.*s", STR_ARG(p->fail));
}

/* Evaluates a script on a mail and writes the plan's actions in a line. */
static inline UNUSED void run_with(const struct sieve_settings *settings,
	const char *source, struct str raw, const struct envelope *env,
	struct buf *out)
{
	AUTO(sieve)
	struct sieve_script *s = compile_with(settings, str_c(source), out);
	AUTO(arena) struct arena *a = arena_new();
	AUTO(mail) struct mail *mail = NULL;
	struct facts facts = { 0 };
	struct plan *plan;
	static const struct envelope nobody;
	struct err err = { 0 };

	if (!s)
		return;
	buf_clear(out);
	mail_init();
	if (mail_parse(raw, &mail, &err) < 0 ||
		sieve_eval(s, mail, env ? env : &nobody, &facts, a, &plan,
			&err) < 0) {
		buf_printf(out, "error: %s", err.text);
		return;
	}
	write_plan(out, plan);
}

#endif
