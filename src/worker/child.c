/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * child.c - the worker: a process that parses mails, evaluates scripts, and can
 * do nothing else.
 *
 * It begins with all that needs files (converters, tables, scripts), closes
 * its box, says READY, and then answers jobs until its socket closes. There
 * are two ways of doing that:
 *
 *   batch    The process evaluates one job after the other. A mail that takes
 *            it over sees all that come after it in this process.
 *   message  The process sees no mail: for each job it forks a child, which
 *            has the read end of nothing and the write end of one pipe, closes
 *            the inner box and evaluates. The process passes on what came
 *            through the pipe, unread, once the child has ended well; so a
 *            child can neither see nor answer another's job. Answers are kept
 *            where children have no memory, jobs are wiped.
 *
 * What fells the process is told by a signal handler in fixed words. The text
 * that libraries print before they abort (GLib does when memory ends) goes
 * to an unnamed memory file as standard error, the end of which belongs to the
 * words.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <mailmill/auth.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/mail.h>
#include <mailmill/wire.h>

#include "box.h"
#include "frame.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* si_code of a trapped call */
#endif

#define WORDS_FD 2
#define PIPE_LEN ((size_t)64 * 1024)
#define STDERR_MAX ((rlim_t)1 << 20)
#define KEEP_MAX ((size_t)1 << 20) /* of a buffer, from job to job */

struct worker {
	unsigned isolation; /* worker_isolation, or ISOLATION_TESTS */
	int64_t time_ms;
	uint64_t memory;
	struct scripts *scripts;
	struct box *box;
	struct arena *arena;
	struct buf in, out;
	char *hidden; /* of a forker: what out uses; a child does not have it */
};

/* Whether last words need a frame around them; for the signal handler. */
static volatile sig_atomic_t is_framed;

/* Tells whether a trapped call was libc's abort(), and gives the signal. */
static int find_raise(const siginfo_t *info, const ucontext_t *context)
{
	long pid, signo;

	if (info->si_syscall != SYS_tgkill)
		return 0;
#if defined(__x86_64__)
	pid = (long)context->uc_mcontext.gregs[REG_RDI];
	signo = (long)context->uc_mcontext.gregs[REG_RDX];
#elif defined(__aarch64__)
	pid = (long)context->uc_mcontext.regs[0];
	signo = (long)context->uc_mcontext.regs[2];
#else
	pid = getpid();
	signo = SIGABRT;
#endif
	return pid == getpid() ? (int)signo : 0;
}

/* Only what is safe in a signal handler, and allowed in the box. */
static void say_words(int signo, int call)
{
	struct {
		uint32_t type, len;
		struct last_words words;
	} frame = { FRAME_WORDS, sizeof(frame.words),
		{ WORDS_MAGIC, signo, call, "" } };
	off_t end = lseek(WORDS_FD, 0, SEEK_CUR);
	off_t room = sizeof(frame.words.text) - 1;
	const char *from = is_framed ? (char *)&frame : (char *)&frame.words;
	size_t len = is_framed ? sizeof(frame) : sizeof(frame.words);

	if (end > 0 && pread(WORDS_FD, frame.words.text, (size_t)room,
			       MAX(end - room, 0)) < 0)
		frame.words.text[0] = 0;
	if (write(SOCKET_FD, from, len) < 0)
		return;
}

static void on_death(int signo, siginfo_t *info, void *context)
{
	bool is_call = signo == SIGSYS && info->si_code == SYS_SECCOMP;
	int raised = is_call ? find_raise(info, context) : 0;

	say_words(raised ? raised : signo,
		is_call && !raised ? info->si_syscall : -1);
	signal(signo, SIG_DFL);
	if (!is_call && signo != SIGTRAP && info->si_code > 0)
		return; /* the same instruction faults again, and ends us */
	/* a forbidden call is the only way to end by a signal from in here */
	signal(SIGSYS, SIG_DFL);
	syscall(SYS_getppid);
	_exit(128 + signo);
}

static int handle_deaths(struct err *err)
{
	static const int fatal[] = { SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
		SIGTRAP };
	static char stack[64 * 1024];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_death,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (BOX_IS_OPEN)
		return 0;
	if (sigaltstack(&other, NULL) < 0)
		return err_sys(err, "no signal stack");
	for (size_t i = 0; i < COUNT(fatal); i++)
		if (sigaction(fatal[i], &action, NULL) < 0)
			return err_sys(
				err, "cannot handle signal %d", fatal[i]);
	return 0;
}

/* Makes standard error a memory file of this process alone. */
static int catch_stderr(struct err *err)
{
	struct rlimit words = { STDERR_MAX, STDERR_MAX };
	AUTO(fd) int fd = -1;

	if (BOX_IS_OPEN)
		return 0;
	fd = file_memory("stderr", err);
	if (fd < 0)
		return -1;
	if (dup2(fd, WORDS_FD) < 0 || setrlimit(RLIMIT_FSIZE, &words) < 0)
		return err_sys(err, "cannot keep standard error");
	return 0;
}

static int take_fd(struct msghdr *msg, int *body)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	if (*body >= 0 || (msg->msg_flags & MSG_CTRUNC))
		return -1;
	memcpy(body, CMSG_DATA(c), sizeof(*body));
	return 0;
}

/* Reads exactly len bytes. Returns: 1, or 0 when the parent is gone. */
static int receive(void *p, size_t len, int *body)
{
	char *to = p;

	while (len) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec iov = { to, len };
		struct msghdr msg = { .msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes) };
		ssize_t n = recvmsg(SOCKET_FD, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || take_fd(&msg, body) < 0)
			return 0;
		to += n;
		len -= (size_t)n;
	}
	return 1;
}

/* Reads a frame of the type that must come now into in. Returns: 1 or 0. */
static int receive_frame(
	struct buf *in, enum frame_type want, size_t max, int *body)
{
	char header[FRAME_HEADER_LEN];
	uint32_t type, len;

	if (!receive(header, sizeof(header), body))
		return 0;
	frame_header(header, &type, &len);
	if (type != (uint32_t)want || len > max)
		return 0;
	if (in->cap > KEEP_MAX)
		buf_fini(in);
	buf_clear(in);
	buf_room(in, len);
	if (!receive(in->p, len, body))
		return 0;
	in->len = len;
	return 1;
}

static int send_frame(struct buf *b, size_t at)
{
	frame_end(b, at);
	return file_write_all(SOCKET_FD, b->p, b->len);
}

/* Bounds the CPU time of what comes; 0 ends that. SIGPROF ends the process. */
static void set_cpu_timer(int64_t ms)
{
	struct itimerval t = { .it_value = { .tv_sec = ms / 1000,
				       .tv_usec = ms % 1000 * 1000 } };

	setitimer(ITIMER_PROF, &t, NULL);
}

/* Evaluates the job in w->in, adding to w->out. */
static void evaluate(struct worker *w, int body)
{
	size_t at = w->out.len;
	struct str job = str_sub(buf_view(&w->in), FRAME_ID_LEN, SIZE_MAX);

	eval_job(w->scripts, w->arena, job, body, &w->out);
	arena_reset(w->arena);
	if (!buf_is_over(&w->out))
		return;
	w->out.is_over = false;
	w->out.len = at;
	result_put_reason(&w->out, WORKER_REFUSED,
		"its plan is larger than a worker may answer (32 MiB)");
}

/* Begins the answer to the job in w->in. */
static size_t begin_answer(struct worker *w, enum frame_type type)
{
	size_t at;

	if (w->hidden && w->out.len > KEEP_MAX)
		madvise(w->hidden, FRAME_RESULT_MAX, MADV_DONTNEED);
	else if (!w->hidden && w->out.cap > KEEP_MAX)
		buf_fini(&w->out);
	buf_clear(&w->out);
	at = frame_begin(&w->out, type);
	buf_str(&w->out, str_sub(buf_view(&w->in), 0, FRAME_ID_LEN));
	return at;
}

/* Answers only when all is freed: what crashes there is this job's fault. */
static int serve_here(struct worker *w, int body)
{
	size_t at = begin_answer(w, FRAME_RESULT);

	set_cpu_timer(w->time_ms);
	evaluate(w, body);
	set_cpu_timer(0);
	lseek(WORDS_FD, 0, SEEK_SET);
	return send_frame(&w->out, at);
}

/* The child of one message. Ends the process. */
static void run_child(struct worker *w, int body, int pipe_fd)
{
	rlim_t seconds = (rlim_t)((w->time_ms + 999) / 1000);
	struct rlimit cpu = { seconds, seconds + 1 };
	struct err err = { 0 };

	if (dup2(pipe_fd, SOCKET_FD) < 0 || catch_stderr(&err) < 0 ||
		setrlimit(RLIMIT_CPU, &cpu) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(CHILD_NOT_BOXED);
	close(pipe_fd);
	is_framed = 0;
	if (box_close(w->box, BOX_MAIL, &err) < 0)
		_exit(CHILD_NOT_BOXED);
	/* less than the forker's, which adds a header and reads ahead */
	w->hidden = NULL;
	w->out = BUF_INIT(FRAME_RESULT_MAX - 2 * PIPE_LEN);
	set_cpu_timer(w->time_ms);
	evaluate(w, body);
	if (file_write_all(SOCKET_FD, w->out.p, w->out.len) < 0)
		_exit(EX_IOERR);
	_exit(0);
}

enum hearing {
	HEARD_ALL,
	HEARD_TOO_MUCH,
	HEARD_TOO_LATE
};

/* Reads the child's pipe to its end. */
static enum hearing listen_to(struct worker *w, int fd)
{
	int64_t until = clock_mono_ms() + w->time_ms;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_mono_ms();
		char *to;
		ssize_t n;
		if (left <= 0 || poll(&p, 1, (int)MIN(left, INT32_MAX)) == 0)
			return HEARD_TOO_LATE;
		to = buf_room(&w->out, PIPE_LEN);
		if (!to)
			return HEARD_TOO_MUCH;
		n = read(fd, to, PIPE_LEN);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return HEARD_ALL;
		w->out.len += (size_t)n;
	}
}

/* Waits for the child, which is ended if it has not. Returns: its status. */
static int reap(pid_t pid)
{
	int status = 0;

	/* one that is ending already keeps the status that it chose */
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

static int send_fell(struct worker *w, int status, bool is_late)
{
	struct last_words words = { 0 };
	struct str said = buf_view(&w->out);
	size_t at;

	if (said.len >= sizeof(words))
		memcpy(&words, said.p + said.len - sizeof(words),
			sizeof(words));
	at = begin_answer(w, FRAME_FELL);
	wire_u32(&w->out, (uint32_t)status);
	wire_u8(&w->out, is_late);
	wire_str(&w->out, str_n((const char *)&words, sizeof(words)));
	explicit_bzero(&words, sizeof(words));
	return send_frame(&w->out, at);
}

static int serve_forked(struct worker *w, int body)
{
	size_t at = begin_answer(w, FRAME_RESULT);
	AUTO(fd) int mouth = -1;
	enum hearing heard;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	mouth = ends[0];
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_child(w, body, ends[1]);
	}
	close(ends[1]);
	if (pid < 0)
		return -1;
	heard = listen_to(w, mouth);
	status = reap(pid);
	if (heard != HEARD_ALL || status != 0)
		return send_fell(w, status, heard == HEARD_TOO_LATE);
	return send_frame(&w->out, at);
}

/* Returns: the exit status. */
static int serve(struct worker *w)
{
	for (;;) {
		AUTO(fd) int body = -1;
		int rc;
		if (!receive_frame(&w->in, FRAME_JOB, FRAME_JOB_MAX, &body))
			return EX_OK;
		if (body < 0 || w->in.len < FRAME_ID_LEN)
			return EX_PROTOCOL;
		rc = w->hidden ? serve_forked(w, body) : serve_here(w, body);
		if (rc < 0)
			return EX_OSERR;
		explicit_bzero(w->in.p, w->in.len);
	}
}

/*
 * Has answers lie in memory that a child does not have. It is big enough from
 * the start, so that the buffer never moves.
 */
static int hide_answers(struct worker *w, struct err *err)
{
	char *p = mmap(NULL, FRAME_RESULT_MAX + 1, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED ||
		madvise(p, FRAME_RESULT_MAX + 1, MADV_DONTFORK) < 0)
		return err_sys(err, "no memory for answers");
	w->hidden = p;
	w->out.p = p;
	w->out.cap = FRAME_RESULT_MAX + 1;
	return 0;
}

static int read_setup(struct worker *w, struct err *err)
{
	struct buf setup = BUF_INIT(FRAME_SETUP_MAX);
	int body = -1;
	bool is_bad = false;
	struct wire_in in;

	if (!receive_frame(&setup, FRAME_SETUP, FRAME_SETUP_MAX, &body))
		exit(EX_OK); /* the parent went before it told us anything */
	in = (struct wire_in){ .in = buf_view(&setup) };
	w->isolation = wire_get_u8(&in);
	w->time_ms = (int64_t)wire_get_u64(&in);
	w->memory = wire_get_u64(&in);
	w->scripts = scripts_new(in.in, &is_bad);
	buf_fini(&setup);
	if (is_bad || in.is_bad)
		return err_set(err, ERR_PERM, "a setup that is none");
	return 0;
}

/* Does all that needs files, and closes the box. */
static int begin(struct worker *w, struct err *err)
{
	bool is_batch;

	tzset();
	hash_init();
	mail_init();
	auth_init();
	if (read_setup(w, err) < 0 || box_new(&w->box, err) < 0)
		return -1;
	is_batch = w->isolation != WORKER_MESSAGE;
	is_framed = is_batch;
	w->arena = arena_new();
	w->in = BUF_INIT(FRAME_JOB_MAX);
	w->out = BUF_INIT(FRAME_RESULT_MAX);
	if (box_limit(w->memory, err) < 0 || handle_deaths(err) < 0 ||
		(is_batch ? catch_stderr(err) : hide_answers(w, err)) < 0)
		return -1;
	return box_close(w->box, is_batch ? BOX_MAIL : BOX_FORKER, err);
}

static void end(struct worker *w)
{
	scripts_free(w->scripts);
	box_free(w->box);
	arena_free(w->arena);
	buf_fini(&w->in);
	if (w->hidden)
		munmap(w->hidden, FRAME_RESULT_MAX + 1);
	else
		buf_fini(&w->out);
}

/* Leaves no descriptor but the socket and standard error. */
static int close_stdio(void)
{
	AUTO(fd) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ? -1 : 0;
}

static int tell_useless(const struct err *why)
{
	AUTO(buf) struct buf b = BUF_INIT(FRAME_HEADER_LEN + ERR_TEXT_MAX);
	size_t at = frame_begin(&b, FRAME_USELESS);

	buf_c(&b, why->text);
	return send_frame(&b, at) < 0 ? EX_IOERR : EX_UNAVAILABLE;
}

int worker_main(int argc, char **argv)
{
	/* the parent decides when a worker ends, not who stops the service */
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGINT, SIGHUP,
		SIGTERM };
	struct worker w = { 0 };
	struct err err = { 0 };
	struct buf ready = BUF_INIT(FRAME_HEADER_LEN);
	int kind, rc = EX_IOERR;
	socklen_t len = sizeof(kind);

	if (getsockopt(SOCKET_FD, SOL_SOCKET, SO_TYPE, &kind, &len) < 0) {
		fputs("mailmill worker: is started by mailmill serve only\n",
			stderr);
		return EX_USAGE;
	}
	for (size_t i = 0; i < COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	if (close_stdio() < 0 || begin(&w, &err) < 0) {
		end(&w);
		return tell_useless(&err);
	}
	frame_begin(&ready, FRAME_READY);
	if (send_frame(&ready, 0) == 0)
		rc = w.isolation == ISOLATION_TESTS
			     ? tester_serve(w.scripts, set_cpu_timer)
			     : serve(&w);
	buf_fini(&ready);
	end(&w);
	return rc;
}
