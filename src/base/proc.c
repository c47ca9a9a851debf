/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc.c - starting child processes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/mem.h>
#include <mailmill/proc.h>

#define KEEP_MAX 16

static char self[PATH_MAX];

static void find_self(void)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
}

const char *proc_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_self);
	return self;
}

/* Runs between fork and exec of a threaded process, so only what is safe there.
 */
static void run_child(const char *const *argv, const char *const *env,
	const int *keep, size_t n_keep, const int *stdio, int report)
{
	int moved[KEEP_MAX], failure;
	sigset_t none;

	/* first above all targets, so that none is overwritten before its turn
	 */
	for (size_t i = 0; i < n_keep; i++)
		moved[i] = fcntl(keep[i], F_DUPFD_CLOEXEC, 3 + KEEP_MAX + 1);
	report = fcntl(report, F_DUPFD_CLOEXEC, 3 + KEEP_MAX + 1);
	for (size_t i = 0; i < n_keep; i++)
		if (dup2(moved[i], 3 + (int)i) < 0)
			_exit(126);
	for (int i = 0; stdio && i < 3; i++)
		if (dup2(stdio[i], i) < 0)
			_exit(126);
	close_range(3 + (unsigned)n_keep, ~0U, CLOSE_RANGE_CLOEXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execve(argv[0], (char *const *)(uintptr_t)argv,
		(char *const *)(uintptr_t)env);
	failure = errno;
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(127);
	_exit(127);
}

static pid_t spawn(const char *const *argv, const char *const *env,
	const int *keep, size_t n_keep, const int *stdio, struct err *err)
{
	int report[2], failure = 0;
	ssize_t n;
	pid_t pid;

	must(n_keep <= KEEP_MAX);
	if (pipe2(report, O_CLOEXEC) < 0)
		return err_sys(err, "cannot start %s", argv[0]);
	pid = fork();
	if (pid == 0)
		run_child(argv,
			env ? env : (const char *const *)(uintptr_t)environ,
			keep, n_keep, stdio, report[1]);
	close(report[1]);
	if (pid < 0) {
		err_sys(err, "cannot start %s", argv[0]);
		close(report[0]);
		return -1;
	}
	do {
		n = read(report[0], &failure, sizeof(failure));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n == (ssize_t)sizeof(failure)) {
		errno = failure;
		return err_sys(err, "cannot start %s", argv[0]);
	}
	return pid;
}

pid_t proc_spawn(const char *const *argv, const char *const *env,
	const int *keep, size_t n_keep, struct err *err)
{
	return spawn(argv, env, keep, n_keep, NULL, err);
}

pid_t proc_spawn_fed(const char *const *argv, const char *const *env, int in,
	int out, struct err *err)
{
	const int stdio[] = { in, out, out };

	/* or one would be overwritten before its turn */
	must(in > 2 && out > 2);
	return spawn(argv, env, NULL, 0, stdio, err);
}

void proc_hide_memory(void)
{
	const struct rlimit none = { 0 };

	/* lowering a limit and giving up a right are always allowed */
	must(setrlimit(RLIMIT_CORE, &none) == 0);
#ifndef __SANITIZE_ADDRESS__
	/* LeakSanitizer traces */
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
#endif
}

const char *proc_signal_name(int signo)
{
	static const char *const names[] = {
		[SIGABRT] = "SIGABRT",
		[SIGALRM] = "SIGALRM",
		[SIGBUS] = "SIGBUS",
		[SIGFPE] = "SIGFPE",
		[SIGHUP] = "SIGHUP",
		[SIGILL] = "SIGILL",
		[SIGINT] = "SIGINT",
		[SIGKILL] = "SIGKILL",
		[SIGPIPE] = "SIGPIPE",
		[SIGQUIT] = "SIGQUIT",
		[SIGSEGV] = "SIGSEGV",
		[SIGSYS] = "SIGSYS",
		[SIGTERM] = "SIGTERM",
		[SIGTRAP] = "SIGTRAP",
		[SIGXCPU] = "SIGXCPU",
		[SIGXFSZ] = "SIGXFSZ",
	};

	if (signo > 0 && (size_t)signo < COUNT(names) && names[signo])
		return names[signo];
	return "another signal";
}
