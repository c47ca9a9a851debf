/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault.c - places where a test build fails or dies on order. */
#include <mailmill/fault.h>

#ifdef MAILMILL_FAULTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <mailmill/file.h>
#include <mailmill/str.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void trace(struct str name)
{
	const char *path = getenv("MAILMILL_FAULT_TRACE");
	AUTO(fd) int fd = -1;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && (file_write_all(fd, name.p, name.len) < 0 ||
			       file_write_all(fd, "\n", 1) < 0))
		return;
}

#define COUNTED_MAX 64

/* Counts how often a name was reached by this process. */
static uint64_t count_visit(struct str name)
{
	static struct {
		char name[48];
		uint64_t n;
	} seen[COUNTED_MAX];

	for (size_t i = 0; i < COUNTED_MAX; i++) {
		if (seen[i].n == 0)
			memcpy(seen[i].name, name.p,
				MIN(name.len, sizeof(seen[i].name) - 1));
		if (str_eq(str_c(seen[i].name), name))
			return ++seen[i].n;
	}
	return 0;
}

bool fault_point(const char *point)
{
	struct str name = str_c(point), one, field, what = STR_NULL;
	struct str orders = str_c(getenv("MAILMILL_FAULT"));
	uint64_t visit, when;

	pthread_mutex_lock(&lock);
	trace(name);
	visit = count_visit(name);
	pthread_mutex_unlock(&lock);
	while (str_cut(&orders, ',', &one)) {
		if (!str_cut(&one, ':', &field) || !str_eq(field, name) ||
			!str_cut(&one, ':', &field) ||
			str_to_u64(field, UINT64_MAX, &when) || when != visit)
			continue;
		what = one;
		break;
	}
	if (str_eq(what, STR("kill")))
		kill(getpid(), SIGKILL);
	while (str_eq(what, STR("hang")))
		pause();
	return str_eq(what, STR("fail"));
}

#else
/* an empty translation unit is not ISO C */
extern const char fault_is_off;
const char fault_is_off = 1;
#endif
