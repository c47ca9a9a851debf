/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trap.c - in test builds, jobs that try to get out of the box. */
#include "frame.h"

#ifdef MAILMILL_FAULTS

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mailmill/hash.h>
#include <mailmill/mem.h>

/* Each returns the errno with which it was stopped, 0 when it was not. */
static int result_of(int rc)
{
	return rc < 0 ? errno : 0;
}

static int try_open(void)
{
	return result_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int try_create(void)
{
	return result_of(open(
		"/tmp/mailmill.trap", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int try_socket(void)
{
	return result_of(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result_of(pid);
}

static int try_exec(void)
{
	char *argv[] = { (char[]){ "true" }, NULL };

	return result_of(execv("/bin/true", argv));
}

static int try_ptrace(void)
{
	return result_of((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_kill(void)
{
	return result_of(kill(getppid(), SIGTERM));
}

static int try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int try_memory(void)
{
	struct arena *a = arena_new();

	for (;;) /* not written to: address space is what is bounded */
		arena_alloc(a, (size_t)16 << 20);
	return 0;
}

static int try_spin(void)
{
	for (volatile unsigned i = 0;; i++)
		continue;
	return 0;
}

/* Costs no CPU time: only the clock on the wall ends it. */
static int try_sleep(void)
{
	uint32_t word = 0;

	return result_of(
		(int)syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
}

static int try_segv(void)
{
	static char *volatile nowhere;

	return *nowhere;
}

/* As a parser does that calls itself for each level of a mail. */
static int go_deep(volatile char *above)
{
	volatile char room[4096];

	room[0] = *above;
	if (room[0])
		go_deep(room);
	return *above + room[0];
}

static int try_deep(void)
{
	volatile char one = 1;

	return go_deep(&one);
}

static int try_abort(void)
{
	fputs("trap: aborts\n", stderr);
	abort();
}

static int try_exit(void)
{
	_exit(3);
}

static int try_forge(void)
{
	static const char nonsense[] = "\x05\0\0\0\xff\xff\xff\x7f";

	return result_of((int)write(SOCKET_FD, nonsense, 8));
}

static char *heap_begin;

__attribute__((constructor)) static void note_heap(void)
{
	heap_begin = sbrk(0);
}

/* Looks for what an earlier mail's facts held, in all of the heap. */
static int try_peek(void)
{
	static const char coded[] = "tfdsfu!pg!bo!fbsmjfs!nbjm";
	char secret[sizeof(coded) - 1];
	char *heap_end = sbrk(0);

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (char)(coded[i] - 1);
	return memmem(heap_begin, (size_t)(heap_end - heap_begin), secret,
		       sizeof(secret))
		       ? EEXIST
		       : 0;
}

static volatile sig_atomic_t n_stopped;

static void on_stopped(int signo)
{
	(void)signo;
	n_stopped++;
}

/*
 * Goes on after each call that was stopped, as one would who has taken the
 * worker over. Returns: the number of the first call that was made, or 0.
 */
static int try_calls(void)
{
	static const long calls[][4] = {
		/* to other processes */
		{ SYS_kill, 1, 0 },
		{ SYS_tkill, 1, 0 },
		{ SYS_tgkill, 1, 1, 0 },
		{ SYS_rt_sigqueueinfo, 1, 0 },
		{ SYS_pidfd_open, 1, 0 },
		{ SYS_pidfd_send_signal, -1 },
		{ SYS_pidfd_getfd, -1 },
		{ SYS_process_vm_readv, 1 },
		{ SYS_process_vm_writev, 1 },
		{ SYS_kcmp, 1 },
		{ SYS_prlimit64, 1 },
		{ SYS_setpriority, 0, 1 },
		{ SYS_sched_setaffinity, 1 },
		/* more of us */
		{ SYS_clone3, 0, 0 },
		{ SYS_unshare, 0 },
		{ SYS_setns, -1 },
		{ SYS_execveat, -1 },
		/* another box, or none */
		{ SYS_prctl, 4, 1 },
		{ SYS_seccomp, 0, 0 },
		{ SYS_setrlimit, -1 },
		{ SYS_setuid, -1 },
		{ SYS_bpf, -1 },
		{ SYS_perf_event_open, 0 },
		{ SYS_userfaultfd, -1 },
		{ SYS_io_uring_setup, 0 },
		{ SYS_keyctl, -1 },
		/* out, by descriptors and memory */
		{ SYS_write, 0 },
		{ SYS_writev, 1 },
		{ SYS_pwrite64, 3 },
		{ SYS_sendmsg, 3 },
		{ SYS_sendto, 3 },
		{ SYS_connect, 3 },
		{ SYS_bind, 3 },
		{ SYS_dup, 3 },
		{ SYS_fcntl, 3, F_SETFL, 0 },
		{ SYS_fcntl, 3, F_DUPFD, 0 },
		{ SYS_ftruncate, 2 },
		{ SYS_fchmod, 2 },
		{ SYS_splice, 3 },
		{ SYS_sendfile, 3 },
		{ SYS_copy_file_range, 3 },
		{ SYS_memfd_create, 0 },
		{ SYS_openat2, -1 },
		{ SYS_open_by_handle_at, -1 },
		{ SYS_mount, 0 },
		{ SYS_shmget, 0, 0, 0 },
		{ SYS_mq_open, 0 },
		{ SYS_mmap, 0, 4096, PROT_READ }, /* neither private nor not */
		/* waits that no clock sees */
		{ SYS_nanosleep, 0 },
		{ SYS_pause },
		{ SYS_timer_create, 0 },
	};

	signal(SIGSYS, on_stopped);
	for (size_t i = 0; i < COUNT(calls); i++) {
		sig_atomic_t before = n_stopped;
		syscall(calls[i][0], calls[i][1], calls[i][2], calls[i][3],
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (n_stopped == before)
			return (int)calls[i][0];
	}
	return 0;
}

static int try_echo(void)
{
	return 0;
}

static const struct trap {
	const char *name;
	int (*run)(void);
} traps[] = {
	{ "abort", try_abort },
	{ "calls", try_calls },
	{ "code", try_code },
	{ "create", try_create },
	{ "deep", try_deep },
	{ "echo", try_echo },
	{ "exec", try_exec },
	{ "exit", try_exit },
	{ "forge", try_forge },
	{ "fork", try_fork },
	{ "kill", try_kill },
	{ "memory", try_memory },
	{ "open", try_open },
	{ "peek", try_peek },
	{ "ptrace", try_ptrace },
	{ "segv", try_segv },
	{ "sleep", try_sleep },
	{ "socket", try_socket },
	{ "spin", try_spin },
};

static const struct trap *find_trap(struct str name)
{
	for (size_t i = 0; i < COUNT(traps); i++)
		if (str_eq(name, str_c(traps[i].name)))
			return &traps[i];
	return NULL;
}

bool trap_run(struct str script, int body, struct buf *b)
{
	AUTO(arena) struct arena *a = arena_new();
	static const unsigned char identity[HASH_LEN];
	const struct trap *trap = NULL;
	struct plan plan = { .script = script, .n_notes = 1 };
	struct worker_job job = { .plan = &plan };
	struct stat st = { 0 };
	struct str note;
	int error;

	if (str_starts(script, STR("trap:")))
		trap = find_trap(str_sub(script, 5, SIZE_MAX));
	if (!trap)
		return false;
	error = trap->run();
	if (fstat(body, &st) < 0)
		st.st_size = -1;
	note = str_c(error ? arena_printf(a, "%s: refused with errno %d",
				     trap->name, error)
			   : arena_printf(a, "%s: %lld bytes", trap->name,
				     (long long)st.st_size));
	plan.notes = &note;
	job.identity = str_n((const char *)identity, sizeof(identity));
	result_put(b, &job);
	return true;
}

void trap_fall(struct str how)
{
	const struct trap *trap = find_trap(how);

	if (trap)
		trap->run();
}

#else
/* an empty translation unit is not ISO C */
extern const char trap_is_off;
const char trap_is_off = 1;
#endif
