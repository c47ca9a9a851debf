/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listen.c - opening listening sockets, and who connects to them.
 *
 * A Unix socket gets its mode and group between bind() and listen(): nobody
 * can connect before, so there is no moment at which the wrong ones could. The
 * file is removed at the end only while it is still ours, as another daemon
 * may have replaced it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <mailmill/file.h>
#include <mailmill/listen.h>
#include <mailmill/mem.h>

#define BACKLOG 1024
#define PASSED_FIRST 3 /* SD_LISTEN_FDS_START */
#define PASSED_MAX 64

struct listener {
	int fd;
	char *path; /* of the socket file, or NULL */
	dev_t dev;
	ino_t ino;
	char *text;
};

int listen_fd(const struct listener *l)
{
	return l->fd;
}

const char *listen_text(const struct listener *l)
{
	return l->text;
}

void listen_close(struct listener *l)
{
	struct stat st;

	if (!l)
		return;
	if (l->path && l->ino && lstat(l->path, &st) == 0 &&
		st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	auto_fd(&l->fd);
	free(l->path);
	free(l->text);
	free(l);
}

/* --- Unix sockets ----------------------------------------------------------
 */

static int fill_path(const char *path, struct sockaddr_un *to, struct err *err)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(to->sun_path))
		return err_set(err, ERR_CONF,
			"the socket path %s is longer than %zu bytes", path,
			sizeof(to->sun_path) - 1);
	memcpy(to->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Removes a socket file that a dead process left. */
static int clear_path(const struct sockaddr_un *at, struct err *err)
{
	AUTO(fd) int fd = -1;
	struct stat st;

	if (lstat(at->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONF, "%s is there and is no socket",
			at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "cannot make a socket");
	/* EAGAIN: it listens, and its queue is full */
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ||
		errno == EAGAIN)
		return err_set(err, ERR_CONF,
			"another process listens on %s already", at->sun_path);
	if (unlink(at->sun_path) < 0 && errno != ENOENT)
		return err_sys(err, "cannot replace %s", at->sun_path);
	return 0;
}

static int set_rights(
	const char *path, mode_t mode, const char *group, struct err *err)
{
	struct group found, *g = NULL;
	char room[4096];

	if (group) {
		if (getgrnam_r(group, &found, room, sizeof(room), &g) || !g)
			return err_set(
				err, ERR_CONF, "there is no group %s", group);
		if (chown(path, (uid_t)-1, g->gr_gid) < 0)
			return err_sys(
				err, "cannot give %s to group %s", path, group);
	}
	if (chmod(path, mode) < 0)
		return err_sys(err, "cannot set the mode of %s", path);
	return 0;
}

static int open_unix(struct listener *l, const struct listen_at *at,
	const char *path, struct err *err)
{
	struct sockaddr_un name;
	struct stat st;

	l->path = file_beside(at->beside, path);
	l->text = mem_printf("unix:%s", l->path);
	if (fill_path(l->path, &name, err) < 0 || clear_path(&name, err) < 0)
		return -1;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return err_sys(err, "cannot make a socket");
	if (bind(l->fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
		return err_sys(err, "cannot listen on %s", l->path);
	if (lstat(l->path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	if (set_rights(l->path, at->mode, at->group, err) < 0)
		return -1;
	if (listen(l->fd, BACKLOG) < 0)
		return err_sys(err, "cannot listen on %s", l->path);
	return 0;
}

/* --- TCP -------------------------------------------------------------------
 */

static void print_ip(
	const struct sockaddr_storage *ss, bool has_port, char *out, size_t len)
{
	char host[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;
	bool is_v6 = ss->ss_family == AF_INET6;
	unsigned port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);

	if (is_v6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, host,
			sizeof(host));
		is_v6 = false;
	} else if (is_v6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
	}
	if (!has_port)
		snprintf(out, len, "%s", host);
	else
		snprintf(out, len, is_v6 ? "[%s]:%u" : "%s:%u", host, port);
}

static void name_bound(struct listener *l)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	char text[96];

	if (getsockname(l->fd, (struct sockaddr *)&ss, &len) < 0)
		return;
	if (ss.ss_family == AF_UNIX)
		snprintf(text, sizeof(text), "unix:%.90s",
			((const struct sockaddr_un *)(const void *)&ss)
				->sun_path);
	else
		print_ip(&ss, true, text, sizeof(text));
	free(l->text);
	l->text = mem_strdup(text);
}

static int bind_tcp(struct listener *l, const struct addrinfo *ai,
	const char *address, struct err *err)
{
	int on = 1;

	l->fd = socket(
		ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return err_sys(err, "cannot make a socket");
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l->fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
		listen(l->fd, BACKLOG) < 0)
		return err_sys(err, "cannot listen on %s", address);
	name_bound(l);
	return 0;
}

static int open_tcp(struct listener *l, const char *address, struct err *err)
{
	struct addrinfo want = { .ai_flags = AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	ssize_t colon = str_rchr(str_c(address), ':');
	AUTO(bytes) char *host = NULL;
	size_t len = colon < 0 ? 0 : (size_t)colon;
	int rc;

	if (colon < 0)
		return err_set(err, ERR_CONF, "%s has no port", address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']')
		host = str_dup(str_n(address + 1, len - 2));
	else
		host = str_dup(str_n(address, len));
	rc = getaddrinfo(strcmp(host, "*") && host[0] ? host : NULL,
		address + colon + 1, &want, &found);
	if (rc)
		return err_set(err, ERR_CONF, "cannot listen on %s: %s",
			address, gai_strerror(rc));
	rc = bind_tcp(l, found, address, err);
	freeaddrinfo(found);
	return rc;
}

/* --- handed over by systemd (sd_listen_fds(3)) ------------------------------
 */

static int count_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n = 0;

	if (!pid || !fds || str_to_u64(str_c(pid), INT32_MAX, &n) < 0 ||
		n != (uint64_t)getpid() ||
		str_to_u64(str_c(fds), PASSED_MAX, &n) < 0)
		return 0;
	return (int)n;
}

static int open_passed(struct listener *l, const char *name, struct err *err)
{
	struct str names = str_c(getenv("LISTEN_FDNAMES")), one;
	int n = count_passed();

	for (int i = 0; i < n && str_cut(&names, ':', &one); i++) {
		if (!str_eq(one, str_c(name)))
			continue;
		/* ours is a copy, so that it can be opened and closed again */
		l->fd = fcntl(PASSED_FIRST + i, F_DUPFD_CLOEXEC, 3);
		if (l->fd < 0 ||
			fcntl(l->fd, F_SETFL,
				fcntl(l->fd, F_GETFL) | O_NONBLOCK) < 0)
			return err_sys(err, "cannot use socket %s", name);
		name_bound(l);
		return 0;
	}
	return err_set(err, ERR_CONF,
		"systemd passed no socket with the name %s (it passed %d; see "
		"FileDescriptorName= in the socket unit)",
		name, n);
}

int listen_open(
	const struct listen_at *at, struct listener **out, struct err *err)
{
	AUTO(listener) struct listener *l = NEW(struct listener);
	struct str address = str_c(at->address);
	int rc;

	l->fd = -1;
	if (str_starts(address, STR("unix:")))
		rc = open_unix(l, at, at->address + 5, err);
	else if (str_starts(address, STR("fd:")))
		rc = open_passed(l, at->address + 3, err);
	else
		rc = open_tcp(l, at->address, err);
	if (rc < 0)
		return -1;
	*out = TAKE(l);
	return 0;
}

/* --- who connects ------------------------------------------------------------
 */

static void name_unix(int fd, struct listen_peer *p)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	p->is_unix = true;
	p->uid = cred.uid;
	snprintf(p->text, sizeof(p->text), "unix:uid=%u", cred.uid);
	snprintf(p->key, sizeof(p->key), "unix:uid=%u", cred.uid);
}

static void fill_v4(unsigned char ip[16], const void *v4)
{
	memset(ip, 0, 10);
	ip[10] = ip[11] = 0xff;
	memcpy(ip + 12, v4, 4);
}

static void name_ip(const struct sockaddr_storage *ss, struct listen_peer *p)
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;

	print_ip(ss, true, p->text, sizeof(p->text));
	print_ip(ss, false, p->key, sizeof(p->key));
	if (ss->ss_family == AF_INET6)
		memcpy(p->ip, &v6->sin6_addr, 16);
	else
		fill_v4(p->ip, &v4->sin_addr);
}

static bool is_shortage(int code)
{
	return code == EMFILE || code == ENFILE || code == ENOBUFS ||
	       code == ENOMEM;
}

int listen_accept(struct listener *l, int *fd, struct listen_peer *peer)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int got;

	do {
		len = sizeof(ss);
		got = accept4(l->fd, (struct sockaddr *)&ss, &len,
			SOCK_NONBLOCK | SOCK_CLOEXEC);
		/* the others are faults of a connection that is gone again */
	} while (got < 0 && errno != EAGAIN && !is_shortage(errno) &&
		 errno != EBADF && errno != EINVAL && errno != ENOTSOCK);
	if (got < 0)
		return errno == EAGAIN ? LISTEN_NONE : LISTEN_FULL;
	*peer = (struct listen_peer){ 0 };
	if (ss.ss_family == AF_INET || ss.ss_family == AF_INET6) {
		int on = 1;
		/* what we say is whole, nothing is won by waiting */
		setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		name_ip(&ss, peer);
	} else {
		name_unix(got, peer);
	}
	*fd = got;
	return 0;
}

int listen_net_parse(struct str s, struct listen_net *out)
{
	struct listen_net n = { .bits = 128 };
	ssize_t slash = str_chr(s, '/');
	AUTO(bytes) char *host = NULL;
	uint64_t bits, max = 128;
	unsigned char v4[4];

	if (str_eq(s, STR("unix"))) {
		*out = (struct listen_net){ .is_unix = true };
		return 0;
	}
	host = str_dup(slash < 0 ? s : str_sub(s, 0, (size_t)slash));
	if (inet_pton(AF_INET, host, v4) == 1) {
		fill_v4(n.ip, v4);
		max = 32;
	} else if (inet_pton(AF_INET6, host, n.ip) != 1) {
		return -1;
	}
	if (slash >= 0) {
		struct str text = str_sub(s, (size_t)slash + 1, s.len);
		if (str_to_u64(text, max, &bits) < 0)
			return -1;
		n.bits = (unsigned)(bits + 128 - max);
	}
	*out = n;
	return 0;
}

bool listen_net_has(const struct listen_net *n, const struct listen_peer *p)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (n->is_unix || p->is_unix)
		return n->is_unix && p->is_unix;
	if (memcmp(n->ip, p->ip, whole))
		return false;
	return !rest || (n->ip[whole] ^ p->ip[whole]) >> (8 - rest) == 0;
}
