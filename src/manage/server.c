/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server.c - the ManageSieve session of manage.h on sockets, with TLS.
 *
 * It has a thread and a loop of its own: hashing a password takes a tenth of a
 * second, compiling a script and syncing files take their time too, and mail
 * must not wait for any of that. Within the thread all is done in order.
 *
 * Bytes go: socket -> [TLS] -> held -> session -> replies -> [TLS] -> socket.
 * A client is read from only while nothing is held, so `held` has at most what
 * one read brought. When STARTTLS was granted and said, held is thrown away:
 * what somebody put behind it in the clear is never run.
 *
 * Time: a connection has login_ms to log in, counted from its beginning, so
 * that letters sent one a minute win nothing; the waits of slow.c are ours and
 * not counted. Then it may be silent for idle_ms.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/list.h>
#include <mailmill/listen.h>
#include <mailmill/log.h>
#include <mailmill/loop.h>
#include <mailmill/manage.h>
#include <mailmill/tls.h>

#include "slow.h"

#define READ_LEN ((size_t)32 * 1024)
#define FULL_PAUSE_MS 200

struct manage_server {
	struct manage_server_options options;
	struct manage_options session;
	char *accounts;
	struct loop *loop;
	struct listener *listener;
	struct loop_io *io;
	struct loop_timer *again;
	struct tls_server *tls;
	struct slow *slow;
	struct list clients;
	int64_t n_clients;
	pthread_t thread;
	bool is_running;
};

struct client {
	struct manage_server *server;
	struct list link;
	struct listen_peer peer;
	int fd;
	struct loop_io *io;
	struct loop_timer *timer, *pause;
	bool is_paused, is_lost;
	struct manage *session;
	struct tls *tls;
	struct buf held;
	int64_t since; /* mono ms; connected, or logged out */
	bool was_in;
	char *user, *route;
};

/* --- what a session asks for ----------------------------------------------
 */

static int64_t on_slow(void *ctx, struct str account)
{
	AUTO(arena) struct arena *a = NULL;
	struct client *c = ctx;
	int64_t ms = slow_wait(
		c->server->slow, c->peer.key, account, clock_mono_ms());

	if (ms < 0) {
		a = arena_new();
		log_event(LOG_WARN, "manage.refuse",
			"peer=%s user=\"%.*s\" error=\"too many logins "
			"failed\"",
			c->peer.text, STR_ARG(log_quoted(a, account)));
	}
	return ms;
}

static const struct manage_account *on_find(
	void *ctx, struct arena *a, struct str name)
{
	struct client *c = ctx;
	struct manage_accounts all;
	struct err err = { 0 };

	/* read anew each time: who was removed is out at once */
	if (manage_accounts_load(a, c->server->accounts, &all, &err) == 0)
		return manage_accounts_find(&all, name);
	log_event(LOG_ERROR, "manage.accounts", "error=\"%s\"", err.text);
	return NULL;
}

static void on_logout(void *ctx)
{
	struct client *c = ctx;

	log_event(LOG_INFO, "manage.logout", "peer=%s user=%s", c->peer.text,
		c->user ? c->user : "");
	free(TAKE(c->user));
	free(TAKE(c->route));
}

static void on_login(void *ctx, struct str account, const char *mechanism,
	const struct manage_account *acc, struct str route)
{
	AUTO(arena) struct arena *a = arena_new();
	struct client *c = ctx;
	struct str name = log_quoted(a, str_sub(account, 0, 100));

	slow_tell(c->server->slow, c->peer.key, account, acc != NULL,
		clock_mono_ms());
	if (!acc) {
		log_event(LOG_WARN, "manage.refuse",
			"peer=%s user=\"%.*s\" mechanism=%s error=\"wrong "
			"name, password or route\"",
			c->peer.text, STR_ARG(name), mechanism);
		return;
	}
	c->user = str_dup(account);
	c->route = str_dup(route);
	log_event(LOG_INFO, "manage.login",
		"peer=%s user=\"%.*s\" route=%s mechanism=%s tls=%s",
		c->peer.text, STR_ARG(name), c->route, mechanism,
		c->tls ? tls_name(c->tls) : "no");
}

static struct manage_author author(const struct client *c)
{
	return (struct manage_author){ str_c(c->user), str_c(c->peer.text) };
}

static int on_list(void *ctx, struct arena *a, struct manage_item **out,
	size_t *n, struct err *err)
{
	struct client *c = ctx;

	return manage_scripts_list(
		c->server->options.scripts, c->route, a, out, n, err);
}

static int on_get(void *ctx, struct str name, struct buf *out, struct err *err)
{
	struct client *c = ctx;

	return manage_scripts_get(
		c->server->options.scripts, c->route, name, out, err);
}

static int on_has_space(
	void *ctx, struct str name, uint64_t size, struct err *err)
{
	struct client *c = ctx;

	return manage_scripts_has_space(
		c->server->options.scripts, c->route, name, size, err);
}

static int on_check(void *ctx, struct str source, struct buf *findings)
{
	struct client *c = ctx;

	return manage_scripts_check(
		c->server->options.scripts, c->route, source, findings);
}

static int on_put(void *ctx, struct str name, struct str source,
	struct buf *findings, struct err *err)
{
	struct client *c = ctx;
	struct manage_author by = author(c);

	return manage_scripts_put(c->server->options.scripts, c->route, &by,
		name, source, findings, err);
}

static int on_activate(
	void *ctx, struct str name, struct buf *findings, struct err *err)
{
	struct client *c = ctx;
	struct manage_author by = author(c);

	return manage_scripts_activate(
		c->server->options.scripts, c->route, &by, name, findings, err);
}

static int on_remove(void *ctx, struct str name, struct err *err)
{
	struct client *c = ctx;
	struct manage_author by = author(c);

	return manage_scripts_remove(
		c->server->options.scripts, c->route, &by, name, err);
}

static int on_rename(void *ctx, struct str name, struct str to, struct err *err)
{
	struct client *c = ctx;
	struct manage_author by = author(c);

	return manage_scripts_rename(
		c->server->options.scripts, c->route, &by, name, to, err);
}

static const struct manage_backend backend = {
	.slow = on_slow,
	.find = on_find,
	.login = on_login,
	.logout = on_logout,
	.list = on_list,
	.get = on_get,
	.has_space = on_has_space,
	.check = on_check,
	.put = on_put,
	.activate = on_activate,
	.remove = on_remove,
	.rename = on_rename,
};

/* --- one client -----------------------------------------------------------
 */

static void drop_client(struct client *c)
{
	loop_io_free(c->io);
	loop_timer_free(c->timer);
	loop_timer_free(c->pause);
	manage_free(c->session);
	tls_free(c->tls);
	auto_fd(&c->fd);
	buf_fini(&c->held);
	list_del(&c->link);
	c->server->n_clients--;
	free(c->user);
	free(c->route);
	free(c);
}

/* What lies ready for the socket: replies, or TLS's bytes. */
static struct buf *ready(struct client *c)
{
	return c->tls ? tls_output(c->tls) : manage_replies(c->session);
}

/* Returns: 0, or -1: the connection is gone. */
static int encrypt(struct client *c)
{
	struct buf *replies;
	struct err err = { 0 };

	if (!c->tls || !tls_is_open(c->tls))
		return 0;
	replies = manage_replies(c->session);
	if (!replies->len)
		return 0;
	if (tls_send(c->tls, buf_view(replies), &err)) {
		log_event(LOG_INFO, "manage.gone", "peer=%s error=\"%s\"",
			c->peer.text, err.text);
		return -1;
	}
	buf_clear(replies);
	return 0;
}

static int flush(struct client *c)
{
	if (encrypt(c))
		return -1;
	for (;;) {
		struct buf *out = ready(c);
		ssize_t n;
		if (out->len == 0)
			return 0;
		n = send(c->fd, out->p, out->len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		buf_shift(out, (size_t)n);
	}
}

static bool can_take(const struct client *c)
{
	return !manage_is_closed(c->session) && !c->is_paused &&
	       !manage_wants_tls(c->session);
}

static void feed_held(struct client *c)
{
	size_t n = manage_feed(c->session, buf_view(&c->held));

	buf_shift(&c->held, n);
	if (manage_wait_ms(c->session) >= 0) {
		c->is_paused = true;
		loop_timer_set(c->pause, manage_wait_ms(c->session));
	}
}

/* Once "begin TLS" is sent, what lies here in the clear is nobody's. */
static void begin_tls(struct client *c)
{
	if (!manage_wants_tls(c->session) || c->tls || ready(c)->len)
		return;
	buf_clear(&c->held);
	c->tls = tls_new(c->server->tls);
}

static void set_timer(struct client *c)
{
	const struct manage_conf *conf = c->server->options.conf;
	int64_t now = clock_mono_ms();
	bool is_in = manage_is_logged_in(c->session);

	if (c->was_in && !is_in)
		c->since = now;
	c->was_in = is_in;
	loop_timer_set(
		c->timer, is_in ? conf->idle_ms
				: MAX(c->since + conf->login_ms - now, 0));
}

/* Brings a client to rest after anything happened to it. May end it. */
static void settle(struct client *c)
{
	unsigned watch = 0;

	for (;;) {
		if (flush(c)) {
			drop_client(c);
			return;
		}
		begin_tls(c);
		/* with nothing unsent, a session takes a byte at least */
		if (!c->held.len || !can_take(c) || ready(c)->len)
			break;
		feed_held(c);
	}
	if (ready(c)->len)
		watch |= LOOP_WRITE;
	else if (manage_is_closed(c->session)) {
		if (c->tls) {
			tls_shut(c->tls);
			(void)flush(c);
		}
		shutdown(c->fd, SHUT_WR);
		drop_client(c);
		return;
	}
	if (c->held.len == 0 && !c->is_paused && !ready(c)->len)
		watch |= LOOP_READ;
	loop_io_watch(c->io, watch);
	set_timer(c);
}

static void on_pause(void *ctx)
{
	struct client *c = ctx;

	c->is_paused = false;
	manage_resume(c->session);
	settle(c);
}

static void on_time(void *ctx)
{
	struct client *c = ctx;

	if (c->is_paused) {
		/* it waits for us */
		c->since = clock_mono_ms();
		set_timer(c);
		return;
	}
	log_event(LOG_INFO, "manage.slow", "peer=%s user=%s", c->peer.text,
		c->user ? c->user : "");
	manage_shut(c->session, "waited too long for you");
	(void)flush(c);
	drop_client(c);
}

/* Returns: 0, or -1: the client is gone. */
static int take(struct client *c, struct str bytes)
{
	struct err err = { 0 };
	int rc;

	if (!c->tls) {
		buf_str(&c->held, bytes);
		return 0;
	}
	rc = tls_feed(c->tls, bytes, &c->held, &err);
	if (rc < 0) {
		log_event(LOG_INFO, "manage.gone", "peer=%s error=\"%s\"",
			c->peer.text, err.text);
		(void)flush(c);
		return -1;
	}
	if (tls_is_open(c->tls) && manage_wants_tls(c->session))
		manage_tls_begun(c->session);
	return rc == TLS_END ? -1 : 0;
}

static void on_client(struct loop_io *io, unsigned events, void *ctx)
{
	struct client *c = ctx;
	char piece[READ_LEN];
	ssize_t n;

	(void)io;
	if (events & LOOP_READ) {
		n = recv(c->fd, piece, sizeof(piece), 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
			(n > 0 && take(c, str_n(piece, (size_t)n)))) {
			drop_client(c);
			return;
		}
	} else if (events & LOOP_HANGUP) {
		drop_client(c);
		return;
	}
	settle(c);
}

/* --- connections ----------------------------------------------------------
 */

static bool may_clear(
	const struct manage_server *s, const struct listen_peer *p)
{
	struct listen_net v4, v6;

	if (s->options.conf->clear != MANAGE_CLEAR_LOOPBACK)
		return s->options.conf->clear == MANAGE_CLEAR_ALWAYS;
	must(listen_net_parse(STR("127.0.0.0/8"), &v4) == 0 &&
		listen_net_parse(STR("::1"), &v6) == 0);
	return p->is_unix || listen_net_has(&v4, p) || listen_net_has(&v6, p);
}

static bool is_full(struct manage_server *s, const struct listen_peer *p)
{
	int64_t n = 0;
	struct list *it;

	if (s->n_clients >= s->options.conf->max_clients)
		return true;
	list_each (it, &s->clients)
		n += strcmp(CONTAINER(it, struct client, link)->peer.key,
			     p->key) == 0;
	return n >= s->options.conf->max_clients_per_peer;
}

static void refuse_client(int fd, const struct listen_peer *p)
{
	static const char text[] =
		"BYE (TRYLATER) \"too many connections\"\r\n";
	ssize_t n = send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);

	(void)n;
	log_event(LOG_INFO, "manage.refuse",
		"peer=%s error=\"too many connections\"", p->text);
	close(fd);
}

static void add_client(
	struct manage_server *s, int fd, const struct listen_peer *p)
{
	struct client *c;

	if (is_full(s, p)) {
		refuse_client(fd, p);
		return;
	}
	c = NEW(struct client);
	c->server = s;
	c->peer = *p;
	c->fd = fd;
	c->since = clock_mono_ms();
	c->held = BUF_INIT(READ_LEN + 16384);
	c->session = manage_new(&s->session, may_clear(s, p), &backend, c);
	c->io = loop_io_new(s->loop, fd, LOOP_READ, on_client, c);
	c->timer = loop_timer_new(s->loop, on_time, c);
	c->pause = loop_timer_new(s->loop, on_pause, c);
	list_add(&s->clients, &c->link);
	s->n_clients++;
	settle(c);
}

static void listen_again(void *ctx)
{
	struct manage_server *s = ctx;

	loop_io_watch(s->io, LOOP_READ);
}

static void on_listener(struct loop_io *io, unsigned events, void *ctx)
{
	struct manage_server *s = ctx;
	struct listen_peer peer;
	int fd, rc;

	(void)events;
	while ((rc = listen_accept(s->listener, &fd, &peer)) == 0)
		add_client(s, fd, &peer);
	if (rc == LISTEN_FULL) {
		log_event(LOG_WARN, "manage.full",
			"error=\"no descriptor is left: raise LimitNOFILE\"");
		loop_io_watch(io, 0);
		loop_timer_set(s->again, FULL_PAUSE_MS);
	}
}

/* --- the server -----------------------------------------------------------
 */

static void stop(void *ctx)
{
	struct manage_server *s = ctx;
	struct list *it, *tmp;

	list_each_safe (it, tmp, &s->clients) {
		struct client *c = CONTAINER(it, struct client, link);
		manage_shut(c->session, "the service is being stopped");
		(void)flush(c);
		drop_client(c);
	}
	loop_stop(s->loop);
}

static void *run(void *ctx)
{
	struct manage_server *s = ctx;
	struct err err = { 0 };

	if (loop_run(s->loop, &err))
		log_event(LOG_ERROR, "manage.run", "error=\"%s\"", err.text);
	return NULL;
}

void manage_server_close(struct manage_server *s)
{
	if (!s)
		return;
	if (s->is_running) {
		loop_post(s->loop, stop, s);
		pthread_join(s->thread, NULL);
	}
	loop_io_free(s->io);
	loop_timer_free(s->again);
	listen_close(s->listener);
	loop_free(s->loop);
	tls_server_free(s->tls);
	slow_free(s->slow);
	free(s->accounts);
	free(s);
}

static int listen_on(struct manage_server *s, struct err *err)
{
	const struct manage_conf *conf = s->options.conf;
	const struct listen_at at = { conf->listen, s->options.file, conf->mode,
		conf->group };

	if (conf->certificate &&
		tls_server_new(conf->certificate, conf->key, &s->tls, err))
		return -1;
	s->session.has_tls = s->tls != NULL;
	if (loop_new(&s->loop, err) || listen_open(&at, &s->listener, err))
		return -1;
	s->again = loop_timer_new(s->loop, listen_again, s);
	s->io = loop_io_new(
		s->loop, listen_fd(s->listener), LOOP_READ, on_listener, s);
	return 0;
}

int manage_server_open(const struct manage_server_options *o,
	struct manage_server **out, struct err *err)
{
	struct manage_server *s = NEW(struct manage_server);

	s->options = *o;
	s->session = *o->session;
	s->accounts = mem_strdup(o->accounts);
	s->slow = slow_new();
	list_init(&s->clients);
	if (listen_on(s, err)) {
		manage_server_close(s);
		return -1;
	}
	must(pthread_create(&s->thread, NULL, run, s) == 0);
	s->is_running = true;
	log_event(LOG_INFO, "manage.listen", "at=%s tls=%s",
		listen_text(s->listener), s->tls ? "yes" : "no");
	*out = s;
	return 0;
}
