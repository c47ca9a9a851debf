/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * box.c - what a worker may still do once it has seen a mail.
 *
 * Three walls, each of which should do alone. The system-call filter lets a
 * worker compute, read the descriptors that it was given, and write to its
 * answer (3) and its last words (2), nothing else. Landlock, where the kernel
 * has it, takes away all files, network and signals to others. Limits bound
 * memory, descriptors and processes.
 *
 * What the filter does not know is a trap: the process gets SIGSYS, tells its
 * parent the call and dies; one that was taken over may catch the signal, but
 * the call is denied all the same. A few calls are refused with an error
 * instead, since honest libraries make them and cope: a character-set
 * converter that is not loaded is looked for in files, PCRE2 asks for
 * executable memory, stdio asks whether it has a terminal.
 *
 * No memory that was written can be executed, and no descriptor can be mapped
 * shared: a body that is not sealed can not be changed by who reads it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include <mailmill/file.h>
#include <mailmill/mem.h>

#include "box.h"

#define FILES_MAX 16 /* descriptors: 0 to 3, a body, a pipe */
#define PROGRAM_MAX 4096
#define ROOM_LEN ((size_t)32 << 20)

struct box {
	struct sock_fprog programs[2];
};

static const int plain_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fstat),
	SCMP_SYS(futex),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield),
	SCMP_SYS(setitimer),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sysinfo),
	SCMP_SYS(time),
	SCMP_SYS(uname),
};

/* Asked by libraries that live with a refusal. */
static const struct {
	int call, error;
} refused_calls[] = {
	{ SCMP_SYS(access), EACCES },
	{ SCMP_SYS(faccessat), EACCES },
	{ SCMP_SYS(faccessat2), EACCES },
	{ SCMP_SYS(getcwd), EACCES },
	{ SCMP_SYS(ioctl), ENOTTY },
	{ SCMP_SYS(lstat), EACCES },
	{ SCMP_SYS(readlink), EACCES },
	{ SCMP_SYS(readlinkat), EACCES },
	{ SCMP_SYS(sched_getaffinity), ENOSYS },
	{ SCMP_SYS(stat), EACCES },
	{ SCMP_SYS(statx), ENOSYS },
};

/* For a process that forks one child a message and hears of its end. */
static const int forker_calls[] = {
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(kill),
	SCMP_SYS(memfd_create),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(prctl),
	SCMP_SYS(prlimit64),
	SCMP_SYS(seccomp),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(setrlimit),
	SCMP_SYS(tgkill),
	SCMP_SYS(wait4),
};

#define ANSWER_FD 3
#define WORDS_FD 2

/* Collects rules; one that fails makes all fail. */
struct rules {
	scmp_filter_ctx ctx;
	int failed; /* -errno of the first that did */
};

static void add(struct rules *r, uint32_t action, int call, unsigned n_args,
	const struct scmp_arg_cmp *args)
{
	int rc = seccomp_rule_add_array(r->ctx, action, call, n_args, args);

	/* a call that this machine does not have */
	if (rc == -EDOM || rc == -EINVAL)
		return;
	if (rc < 0 && !r->failed)
		r->failed = rc;
}

static void add_if(
	struct rules *r, uint32_t action, int call, struct scmp_arg_cmp arg)
{
	add(r, action, call, 1, &arg);
}

static void add_memory(struct rules *r)
{
	const struct scmp_arg_cmp private_data[] = {
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
		SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED | MAP_PRIVATE,
			MAP_PRIVATE),
	};

	add(r, SCMP_ACT_ALLOW, SCMP_SYS(mmap), COUNT(private_data),
		private_data);
	add_if(r, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mmap),
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	add_if(r, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	add_if(r, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mprotect),
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

static void add_descriptors(struct rules *r)
{
	static const int writes[] = { SCMP_SYS(write), SCMP_SYS(writev) };
	static const int looks[] = { F_GETFD, F_SETFD, F_GETFL,
		1034 /* F_GET_SEALS */ };

	for (size_t i = 0; i < COUNT(writes); i++) {
		add_if(r, SCMP_ACT_ALLOW, writes[i],
			SCMP_A0(SCMP_CMP_EQ, ANSWER_FD));
		add_if(r, SCMP_ACT_ALLOW, writes[i],
			SCMP_A0(SCMP_CMP_EQ, WORDS_FD));
	}
	add_if(r, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg),
		SCMP_A0(SCMP_CMP_EQ, ANSWER_FD));
	for (size_t i = 0; i < COUNT(looks); i++)
		add_if(r, SCMP_ACT_ALLOW, SCMP_SYS(fcntl),
			SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)looks[i]));
	/* fstat() is this one in newer C libraries */
	add_if(r, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat),
		SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
	add_if(r, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat),
		SCMP_A3(SCMP_CMP_NE, AT_EMPTY_PATH));
	add_if(r, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open),
		SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
	add_if(r, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat),
		SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
}

static void add_forker(struct rules *r)
{
	for (size_t i = 0; i < COUNT(forker_calls); i++)
		add(r, SCMP_ACT_ALLOW, forker_calls[i], 0, NULL);
	/* a plain fork(): no threads, no namespaces */
	add_if(r, SCMP_ACT_ALLOW, SCMP_SYS(clone),
		SCMP_A0(SCMP_CMP_EQ,
			CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD));
}

static void add_all(struct rules *r, enum box_kind kind)
{
	for (size_t i = 0; i < COUNT(plain_calls); i++)
		add(r, SCMP_ACT_ALLOW, plain_calls[i], 0, NULL);
	for (size_t i = 0; i < COUNT(refused_calls); i++)
		add(r, SCMP_ACT_ERRNO((uint32_t)refused_calls[i].error),
			refused_calls[i].call, 0, NULL);
	add_memory(r);
	add_descriptors(r);
	if (kind == BOX_FORKER)
		add_forker(r);
}

/* Reads the program that libseccomp wrote. */
static int read_program(int fd, struct sock_fprog *out, struct err *err)
{
	struct stat st;
	size_t size;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "cannot read the filter");
	size = (size_t)st.st_size;
	if (size % sizeof(*out->filter) ||
		size / sizeof(*out->filter) > PROGRAM_MAX)
		return err_set(err, ERR_CONF, "filter of %zu bytes", size);
	out->len = (unsigned short)(size / sizeof(*out->filter));
	out->filter = mem_array(out->len, sizeof(*out->filter));
	if (file_pread_all(fd, out->filter, size, 0) != (ssize_t)size)
		return err_sys(err, "cannot read the filter");
	return 0;
}

static int make_filter(
	enum box_kind kind, struct sock_fprog *out, struct err *err)
{
	AUTO(fd) int fd = file_memory("filter", err);
	struct rules r = { .ctx = seccomp_init(SCMP_ACT_TRAP) };

	if (fd < 0) {
		seccomp_release(r.ctx);
		return -1;
	}
	if (!r.ctx)
		return err_set(err, ERR_CONF, "libseccomp does not start");
	/* a binary tree: hot calls need not pass all others */
	seccomp_attr_set(r.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	add_all(&r, kind);
	if (!r.failed)
		r.failed = seccomp_export_bpf(r.ctx, fd);
	seccomp_release(r.ctx);
	if (r.failed) {
		errno = -r.failed;
		return err_sys(err, "cannot make the system-call filter");
	}
	return read_program(fd, out, err);
}

int box_new(struct box **out, struct err *err)
{
	AUTO(box) struct box *b = NEW(struct box);

	if (!BOX_IS_OPEN &&
		(make_filter(BOX_MAIL, &b->programs[BOX_MAIL], err) < 0 ||
			make_filter(BOX_FORKER, &b->programs[BOX_FORKER], err) <
				0))
		return -1;
	*out = TAKE(b);
	return 0;
}

void box_free(struct box *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < COUNT(b->programs); i++)
		free(b->programs[i].filter);
	free(b);
}

/* struct landlock_ruleset_attr of ABI 6; older kernels take its beginning. */
struct ruleset {
	uint64_t files, network, scopes;
};

/* Denies all that this kernel's Landlock knows. */
static int close_files(struct err *err)
{
	static const uint64_t file_rights[] = { 0, 0x1fff, 0x3fff, 0x7fff,
		0x7fff, 0xffff, 0xffff };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	struct ruleset all = { 0 };
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	AUTO(fd) int fd = -1;

	if (abi < 1) /* not in this kernel, or switched off: two walls stay */
		return 0;
	all.files = file_rights[MIN((size_t)abi, COUNT(file_rights) - 1)];
	all.network = abi >= 4 ? 3 : 0;
	all.scopes = abi >= 6 ? 3 : 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_sys(err, "cannot close the files by Landlock");
	return 0;
}

static int limit(int what, uint64_t to, struct err *err)
{
	struct rlimit now, new;

	if (getrlimit((__rlimit_resource_t)what, &now) < 0)
		return err_sys(err, "cannot read limit %d", what);
	new.rlim_max = MIN(now.rlim_max, to);
	new.rlim_cur = new.rlim_max;
	if (setrlimit((__rlimit_resource_t)what, &new) < 0)
		return err_sys(err, "cannot set limit %d", what);
	return 0;
}

/* Refuses a limit that libraries alone have used up. */
static int check_room(uint64_t memory, struct err *err)
{
	void *p = mmap(
		NULL, ROOM_LEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return err_set(err, ERR_CONF,
			"a worker's memory of %llu bytes leaves nothing for "
			"a mail: allow 256M or more",
			(unsigned long long)memory);
	munmap(p, ROOM_LEN);
	return 0;
}

int box_limit(uint64_t memory, struct err *err)
{
	if (limit(RLIMIT_CORE, 0, err) < 0)
		return -1;
	if (BOX_IS_OPEN)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, "cannot give up privileges");
	if (limit(RLIMIT_NOFILE, FILES_MAX, err) < 0 ||
		limit(RLIMIT_MEMLOCK, 0, err) < 0 ||
		limit(RLIMIT_MSGQUEUE, 0, err) < 0 ||
		limit(RLIMIT_AS, memory, err) < 0 ||
		check_room(memory, err) < 0)
		return -1;
	return close_files(err);
}

int box_close(const struct box *b, enum box_kind kind, struct err *err)
{
	if (BOX_IS_OPEN)
		return 0;
	if (kind == BOX_MAIL && limit(RLIMIT_NPROC, 0, err) < 0)
		return -1;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
		    &b->programs[kind]) < 0)
		return err_sys(err, "cannot close the box by seccomp");
	return 0;
}

char *box_call_name(int number)
{
	char *name = seccomp_syscall_resolve_num_arch(
		seccomp_arch_native(), number);

	return name ? name : mem_printf("call %d", number);
}
