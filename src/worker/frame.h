/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frame.h - what pool and worker tell each other.
 *
 * A frame is a type, a length (both 4 bytes), and so many bytes. The parent's
 * frames are trusted, a worker's are not. Each JOB is answered by one RESULT
 * or FELL, in order.
 */
#ifndef WORKER_FRAME_H
#define WORKER_FRAME_H

#include <sys/types.h>

#include <mailmill/worker.h>

#define FRAME_HEADER_LEN 8
#define FRAME_SETUP_MAX ((size_t)256 << 20)
#define FRAME_JOB_MAX ((size_t)64 << 20)
/* What a worker may answer at most. */
#define FRAME_RESULT_MAX ((size_t)32 << 20)
#define FRAME_ID_LEN 8

#define PARTIES_MAX 20
#define REFERENCES_MAX 1000
#define MESSAGE_ID_MAX 998 /* a line, RFC 5322 section 2.1.1 */
#define SUBJECT_MAX 256
#define REASON_MAX 1024

#define SOCKET_FD 3
/* The exit status of a forker's child that saw no mail: its box is not shut. */
#define CHILD_NOT_BOXED 113

enum frame_type {
	FRAME_SETUP = 1, /* parent: isolation, time_ms, memory, rules */
	FRAME_JOB,     /* parent: id, script, envelope, facts; with the body */
	FRAME_READY,   /* worker: the box is closed, jobs may come */
	FRAME_USELESS, /* worker: it could not begin, and why */
	FRAME_RESULT,  /* worker: id, and what result_put() adds */
	FRAME_FELL,    /* forker: id, wait status, is_late, last words */
	FRAME_WORDS,   /* worker: it dies; struct last_words */
	/* of tester.c: */
	FRAME_TEST,  /* parent: path, filter */
	FRAME_ASK,   /* worker: path of a file */
	FRAME_FILE,  /* parent: is_there, its bytes or why not */
	FRAME_BLOCK, /* worker: name, line, is_passed, why */
	FRAME_TEXT,  /* worker: text */
	FRAME_DONE,  /* worker: status, reason */
};

/*
 * What a dying process says, from a signal handler, hence of fixed size. It is
 * the last thing on its descriptor.
 */
struct last_words {
	uint32_t magic;
	int32_t signal; /* that ends it */
	int32_t call;	/* the system call that SIGSYS stopped, or -1 */
	char text[244]; /* the end of what it wrote to standard error */
};
#define WORDS_MAGIC 0x73647277u

/* Beside the kinds of worker_isolation: runs test files, mails among them. */
#define ISOLATION_TESTS 2
/* Adds the frame that a worker gets first. */
void frame_put_setup(struct buf *b, unsigned isolation,
	const struct worker_options *o, const struct worker_rules *rules);
/* Starts a worker that has nothing open but its end of a socket. */
MUST_CHECK pid_t worker_spawn(int socket_fd, struct err *err);
struct scripts;
/*
 * Is a worker that runs test files, in its closed box, with the settings of
 * `scripts`; set_timer() bounds the CPU time of what comes. Returns: the exit
 * status.
 */
int tester_serve(const struct scripts *scripts, void (*set_timer)(int64_t ms));

/* Begins a frame in b. Returns: where, for frame_end(). */
size_t frame_begin(struct buf *b, enum frame_type type);
/* Sets the length of the frame that begins at `at`. */
void frame_end(struct buf *b, size_t at);
/* Reads a header. */
void frame_header(
	const char bytes[FRAME_HEADER_LEN], uint32_t *type, uint32_t *len);

/* Adds a job's results (outcome and what belongs to it). */
void result_put(struct buf *b, const struct worker_job *job);
/* The same for an outcome that has only a reason. */
void result_put_reason(
	struct buf *b, enum worker_outcome outcome, const char *reason);
/*
 * Reads what result_put() added, which may be hostile, into `job`, copying into
 * its arena. `size` is that of the message: no file of the plan may lie past
 * its end. Keys are set by the identity told and the route of the facts.
 * Returns: 0, or -1 with *err and the job's results untouched.
 */
MUST_CHECK int result_get(
	struct worker_job *job, struct str in, uint64_t size, struct err *err);

/* How a process ended, in the words of an outcome's reason. */
struct ending {
	char text[REASON_MAX];
	bool is_blameless; /* killed from outside: not the message's fault */
};
/*
 * Tells why a process ended: its wait status, whether it was killed for being
 * late, and its last words, if any (hostile).
 */
void ending_tell(struct ending *e, int status, bool is_late, struct str words);

/* Evaluates one job in a worker: adds results to b. */
void eval_job(const struct scripts *scripts, struct arena *a, struct str job,
	int body, struct buf *b);
/* Adds what scripts_new() reads. */
void rules_put(struct buf *b, const struct worker_rules *rules);
/* Compiles what the SETUP frame brings. Gives: by scripts_free(). */
struct scripts *scripts_new(struct str setup, bool *is_bad);
/* Lends the settings that came with them. */
const struct sieve_settings *scripts_settings(const struct scripts *s);
/* Ends them. Accepts NULL. */
void scripts_free(struct scripts *s);

#ifdef MAILMILL_FAULTS
/*
 * Does what a script named "trap:NAME" stands for: tries to get out of the
 * box. Adds a result when it is still alive. Returns: false: no such trap.
 */
bool trap_run(struct str script, int body, struct buf *b);
/* Falls as the value of X-Mailmill-Trap says. */
void trap_fall(struct str how);
#endif

#endif
