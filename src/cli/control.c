/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control.c - the daemon's socket for `mailmill queue` and `mailmill script`.
 *
 * Only one process may write to the store (store.h), so a person's word goes
 * through the daemon while it runs. Requests are rare and may read much, so
 * they are served one after the other in a thread that may block, and the loop
 * that takes mail in never waits for them.
 */
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <mailmill/file.h>
#include <mailmill/log.h>
#include <mailmill/queue.h>

#include "control.h"

#define REQUEST_MAX ((size_t)64 * 1024)
#define CLIENT_SECONDS 10 /* that a client may let us wait */

struct control {
	char *path;
	int fd, stop;
	struct store *store;
	void (*changed)(void *ctx);
	void *ctx;
	int (*apply)(void *ctx, const char *route, struct err *err);
	void *apply_ctx;
	pthread_t thread;
	bool is_running;
};

static int send_line(struct str line, void *ctx)
{
	int fd = *(int *)ctx;

	return file_write_all(fd, line.p, line.len) < 0 ||
			       file_write_all(fd, "\n", 1) < 0
		       ? -1
		       : 0;
}

/* Returns: 0, or -1 when the client went away or says too much. */
static int read_request(int fd, struct buf *line)
{
	char c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		if (c == '\n')
			return 0;
		if (buf_byte(line, (unsigned char)c))
			return -1;
	}
}

/*
 * {"action": "apply", "route": R} is answered by {"end": true, "rc": N,
 * "error": TEXT}. Returns: whether it was that.
 */
static bool answer_apply(struct control *c, struct str line, int fd)
{
	json_t *o = json_loadb(line.p, line.len, 0, NULL), *answer;
	const char *action = json_string_value(json_object_get(o, "action"));
	const char *route = json_string_value(json_object_get(o, "route"));
	struct err err = { 0 };
	char *text;

	if (!action || !route || strcmp(action, "apply")) {
		json_decref(o);
		return false;
	}
	answer = json_pack("{s:b, s:i, s:s}", "end", 1, "rc",
		c->apply(c->apply_ctx, route, &err), "error", err.text);
	text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (text)
		(void)send_line(str_c(text), &fd);
	free(text);
	json_decref(answer);
	json_decref(o);
	return true;
}

static void serve_client(struct control *c, int fd)
{
	const struct timeval limit = { .tv_sec = CLIENT_SECONDS };
	AUTO(buf) struct buf line = BUF_INIT(REQUEST_MAX);
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	char who[64];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		read_request(fd, &line))
		return;
	if (answer_apply(c, buf_view(&line), fd))
		return;
	snprintf(who, sizeof(who), "uid %u", (unsigned)peer.uid);
	if (queue_answer(
		    c->store, buf_view(&line), str_c(who), send_line, &fd) > 0)
		c->changed(c->ctx);
}

static void *run(void *ctx)
{
	struct control *c = ctx;
	struct pollfd fds[2] = { { .fd = c->fd, .events = POLLIN },
		{ .fd = c->stop, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		if (fds[0].revents) {
			AUTO(fd) int fd = accept4(
				c->fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				serve_client(c, fd);
		}
	}
	return NULL;
}

static int set_owner(
	const char *path, mode_t mode, const char *group, struct err *err)
{
	if (chmod(path, mode) < 0)
		return err_sys(err, "cannot set the mode of %s", path);
	if (group) {
		const struct group *g = getgrnam(group);
		if (!g)
			return err_set(err, ERR_CONF, "no group %s", group);
		if (chown(path, (uid_t)-1, g->gr_gid) < 0)
			return err_sys(
				err, "cannot give %s to group %s", path, group);
	}
	return 0;
}

static int listen_at(const char *path, mode_t mode, const char *group, int *out,
	struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(
			err, ERR_CONF, "the path of %s is too long", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	/* the store's lock tells that no other daemon uses it */
	unlink(path);
	if (fd < 0 ||
		bind(fd, (struct sockaddr *)(void *)&addr, sizeof(addr)) < 0 ||
		listen(fd, 16) < 0)
		return err_sys(err, "cannot listen at %s", path);
	if (set_owner(path, mode, group, err))
		return -1;
	*out = TAKE_FD(fd);
	return 0;
}

int control_open(const char *path, mode_t mode, const char *group,
	struct store *store, void (*changed)(void *ctx), void *ctx,
	int (*apply)(void *ctx, const char *route, struct err *err),
	void *apply_ctx, struct control **out, struct err *err)
{
	struct control *c = NEW(struct control);

	c->path = mem_strdup(path);
	c->store = store;
	c->changed = changed;
	c->ctx = ctx;
	c->apply = apply;
	c->apply_ctx = apply_ctx;
	c->fd = -1;
	c->stop = eventfd(0, EFD_CLOEXEC);
	if (listen_at(path, mode, group, &c->fd, err)) {
		control_close(c);
		return -1;
	}
	must(pthread_create(&c->thread, NULL, run, c) == 0);
	c->is_running = true;
	*out = c;
	return 0;
}

void control_close(struct control *c)
{
	static const uint64_t one = 1;

	if (!c)
		return;
	if (c->is_running) {
		if (write(c->stop, &one, sizeof(one)) < 0)
			log_event(LOG_WARN, "control.stop", "error=eventfd");
		pthread_join(c->thread, NULL);
	}
	if (c->fd >= 0) {
		close(c->fd);
		unlink(c->path);
	}
	close(c->stop);
	free(c->path);
	free(c);
}

/* --- the other side -------------------------------------------------------
 */

static int read_answer(int fd, int *rc, struct err *err)
{
	AUTO(buf) struct buf line = BUF_INIT(REQUEST_MAX);
	json_t *o;

	if (read_request(fd, &line))
		return err_set(err, ERR_TEMP,
			"the service did not say whether it uses the change");
	o = json_loadb(line.p, line.len, 0, NULL);
	*rc = (int)json_integer_value(json_object_get(o, "rc"));
	if (*rc < 0) {
		const char *why = json_string_value(
			json_object_get(o, "error"));
		err_set(err, ERR_CONF, "%s", why ? why : "no reason was told");
	}
	json_decref(o);
	return 0;
}

static int ask(int fd, const char *route, struct err *err)
{
	json_t *o = json_pack("{s:s, s:s}", "action", "apply", "route", route);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int rc = text ? send_line(str_c(text), &fd) : -1;

	free(text);
	json_decref(o);
	if (rc)
		return err_set(err, ERR_TEMP, "cannot ask the service");
	return 0;
}

int control_apply(const char *state, const char *route, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	AUTO(bytes) char *path = mem_printf("%s/control", state);
	AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path))
		return err_set(err, ERR_CONF, "cannot use %s", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)(void *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return 0; /* none runs */
		return err_sys(err, "cannot ask the service by %s", path);
	}
	return ask(fd, route, err) || read_answer(fd, &rc, err) ? -1 : rc;
}
