/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc.h - child processes, started without a shell. */
#ifndef MAILMILL_PROC_H
#define MAILMILL_PROC_H

#include <mailmill/base.h>
#include <mailmill/err.h>

/* Names the running program's file, for executing it anew. Lends: for ever. */
const char *proc_self(void);
/*
 * Starts argv[0] (a path) with `env` as its whole environment (NULL: ours).
 * keep[i] becomes descriptor 3 + i there; all others but 0, 1, 2 are closed.
 * Returns: the pid, or -1 with *err. Note: reap it with waitpid().
 */
MUST_CHECK pid_t proc_spawn(const char *const *argv, const char *const *env,
	const int *keep, size_t n_keep, struct err *err);
/*
 * The same, with `in` as its descriptor 0 and `out` as 1 and 2, and no other.
 */
MUST_CHECK pid_t proc_spawn_fed(const char *const *argv, const char *const *env,
	int in, int out, struct err *err);
/*
 * Has nobody see the memory of this process: no core dump is written, and only
 * root may trace it. Note: what is executed next must do so again.
 */
void proc_hide_memory(void);
/* Names a signal: "SIGSEGV"; "another signal" for one that ends nobody by
 * default. */
const char *proc_signal_name(int signo);

#endif
