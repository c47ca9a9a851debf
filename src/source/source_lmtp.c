/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source_lmtp.c - an LMTP server: the session of smtp.h on sockets.
 *
 * One struct client a connection. What an idle one costs is that struct, its
 * session, a watch and a timer; buffers for replies, for half a line and for
 * input that has to wait are there only while something is in them, and all
 * clients of a source share one buffer to read into.
 *
 * A client reads while its session takes, until SMTP_REPLIES_MAX bytes of
 * replies are unsent, and READS_MAX times a turn. While a commit is under way
 * it reads nothing. A connection that breaks meanwhile is closed but not
 * forgotten: the commit's done() ends it (is_gone), also when the source was
 * closed before (src is NULL then).
 *
 * Time: idle_ms starts anew with each whole command, each piece of a message
 * and each byte of a reply that is taken, but not with half a command, so that
 * nobody holds a connection by a letter a minute. message_ms bounds a whole
 * message from MAIL on, so that nobody holds a body so either. Waiting for our
 * own store is nobody's fault and not counted.
 */
#include <errno.h>
#include <sys/socket.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/list.h>
#include <mailmill/listen.h>
#include <mailmill/log.h>
#include <mailmill/map.h>

#include "smtp.h"
#include "source_lmtp.h"

#define READ_LEN ((size_t)64 * 1024)
#define READS_MAX 4	  /* a turn and client */
#define ACCEPTS_MAX 64	  /* a turn */
#define FULL_PAUSE_MS 200 /* when descriptors have run out */
#define TELL_MS 10000
#define NETS_MAX 256

/* How many connections one peer has. */
struct peer {
	char key[64];
	int64_t n;
};

struct lmtp {
	struct source base;
	const struct conf_section *section;
	const struct lmtp_conf *conf;
	struct smtp_options options;
	char *host;
	struct listen_net *trusted;
	struct loop *loop;
	struct intake *intake;
	struct listener *listener;
	struct loop_io *io;
	struct loop_timer *again; /* listens again after FULL_PAUSE_MS */
	struct list clients;
	int64_t n_clients;
	struct map *peers; /* key to struct peer */
	char *scratch;	   /* READ_LEN bytes that all clients read into */
	int64_t tell_at;   /* mono ms: no sooner that mail has to wait */
	bool is_draining;
};

struct client {
	struct lmtp *src; /* NULL: the source was closed */
	struct list link;
	struct peer *peer;
	int fd;
	bool is_gone; /* the connection is, a commit is not */
	struct loop_io *io;
	struct loop_timer *timer;
	struct smtp *session;
	struct buf held; /* input that the session did not take yet */
	struct intake_message *message;
	uint64_t n_commands; /* at the last look */
	int64_t busy_since;  /* mono ms; 0: no message under way */
};

/* --- the end of a client
 * ------------------------------------------------------ */

static void leave_source(struct client *c)
{
	struct lmtp *src = c->src;

	list_del(&c->link);
	src->n_clients--;
	if (--c->peer->n == 0) {
		map_del(src->peers, str_c(c->peer->key));
		free(c->peer);
	}
	c->peer = NULL;
	c->src = NULL;
}

static void close_client(struct client *c)
{
	loop_io_free(c->io);
	c->io = NULL;
	loop_timer_free(c->timer);
	c->timer = NULL;
	auto_fd(&c->fd);
	c->fd = -1;
	buf_fini(&c->held);
}

/* Ends a client, at once or when its commit is done. */
static void drop_client(struct client *c)
{
	close_client(c);
	if (smtp_is_waiting(c->session)) {
		c->is_gone = true;
		return;
	}
	smtp_free(c->session); /* aborts its message */
	if (c->src)
		leave_source(c);
	free(c);
}

/* --- what the session asks for
 * -------------------------------------------------- */

static int on_ready(void *ctx, struct err *err)
{
	struct client *c = ctx;

	int64_t now = clock_mono_ms();

	if (intake_ready(c->src->intake, err) == 0)
		return 0;
	/* each client asks over and over; once tells it all */
	if (now >= c->src->tell_at) {
		c->src->tell_at = now + TELL_MS;
		log_event(LOG_WARN, "mail.wait", "source=%s error=\"%s\"",
			c->src->section->title, err->text);
	}
	return -1;
}

static bool on_knows(void *ctx, struct str address)
{
	AUTO(arena) struct arena *a = NULL;
	struct client *c = ctx;

	if (intake_route(c->src->intake, address))
		return true;
	a = arena_new();
	log_event(LOG_INFO, "rcpt.refuse",
		"source=%s to=<%.*s> error=\"no route takes it\"",
		c->src->section->title, STR_ARG(log_address(a, address)));
	return false;
}

static int on_begin(void *ctx, const struct envelope *env, struct err *err)
{
	struct client *c = ctx;

	c->message = intake_begin(c->src->intake);
	/* an archive's mail was not received here */
	if (str_eq(env->source, STR("import")) ||
		intake_trace(c->message, env, err) == 0)
		return 0;
	intake_abort(TAKE(c->message));
	return -1;
}

static int on_add(void *ctx, struct str bytes, struct err *err)
{
	struct client *c = ctx;

	if (intake_add(c->message, bytes, err) == 0)
		return 0;
	log_event(err->kind == ERR_PERM ? LOG_INFO : LOG_WARN, "mail.refuse",
		"source=%s error=\"%s\"", c->src->section->title, err->text);
	return -1;
}

static void settle_client(struct client *c);

static void on_done(
	void *ctx, int outcome, const struct id *id, const struct err *err)
{
	struct client *c = ctx;

	smtp_stored(c->session, outcome, id, err);
	if (c->is_gone)
		drop_client(c);
	else
		settle_client(c);
}

static void on_commit(void *ctx, const struct envelope *env, struct str once)
{
	struct client *c = ctx;

	intake_commit(TAKE(c->message), env, once, on_done, c);
}

static void on_abort(void *ctx)
{
	struct client *c = ctx;

	intake_abort(TAKE(c->message));
}

static const struct smtp_backend backend = {
	.ready = on_ready,
	.knows = on_knows,
	.begin = on_begin,
	.add = on_add,
	.commit = on_commit,
	.abort = on_abort,
};

/* --- one client
 * ---------------------------------------------------------------- */

/* Starts the time anew when something moved, and looks at the message's. */
static void set_timer(struct client *c, bool is_progress)
{
	int64_t now = clock_mono_ms(), ms = c->src->conf->idle_ms;

	if (!smtp_is_busy(c->session))
		c->busy_since = 0;
	else if (!c->busy_since)
		c->busy_since = now;
	if (!is_progress)
		return;
	if (c->busy_since)
		ms = MIN(ms, c->busy_since + c->src->conf->message_ms - now);
	loop_timer_set(c->timer, ms);
}

static void on_time(void *ctx)
{
	struct client *c = ctx;

	if (smtp_is_waiting(c->session)) {
		loop_timer_set(c->timer, c->src->conf->idle_ms);
		return;
	}
	log_event(LOG_INFO, "client.slow", "source=%s busy=%s",
		c->src->section->title,
		smtp_is_busy(c->session) ? "yes" : "no");
	/* said once, without waiting for one who does not listen */
	if (smtp_replies(c->session)->len == 0) {
		struct buf *out;
		ssize_t n;
		smtp_shut(c->session, "waited too long for you");
		out = smtp_replies(c->session);
		n = send(c->fd, out->p, out->len, MSG_NOSIGNAL);
		(void)n;
	}
	drop_client(c);
}

/* Sends what can be sent. Returns: bytes, or -1 when the connection is gone. */
static ssize_t send_replies(struct client *c)
{
	ssize_t all = 0;

	for (;;) {
		struct buf *out = smtp_replies(c->session);
		ssize_t n;
		if (out->len == 0)
			return all;
		n = send(c->fd, out->p, out->len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? all : -1;
		buf_shift(out, (size_t)n);
		all += n;
	}
}

static bool can_take(struct client *c)
{
	return !smtp_is_waiting(c->session) && !smtp_is_closed(c->session) &&
	       smtp_replies(c->session)->len <= SMTP_REPLIES_MAX;
}

static void feed_held(struct client *c)
{
	size_t n = smtp_feed(c->session, buf_view(&c->held));

	buf_shift(&c->held, n);
	if (c->held.len == 0)
		buf_fini(&c->held);
}

/* Brings a client to rest after anything happened to it. May end it. */
static void settle_client(struct client *c)
{
	uint64_t n_commands = smtp_n_commands(c->session);
	ssize_t sent = 0, n;
	unsigned watch = 0;

	do {
		if (c->held.len && can_take(c))
			feed_held(c);
		if (c->src->is_draining && can_take(c) &&
			!smtp_is_busy(c->session))
			smtp_shut(c->session, "is being stopped");
		n = send_replies(c);
		if (n < 0) {
			drop_client(c);
			return;
		}
		sent += n;
	} while (c->held.len && can_take(c));
	if (smtp_replies(c->session)->len)
		watch |= LOOP_WRITE;
	else if (smtp_is_closed(c->session)) {
		shutdown(c->fd, SHUT_WR);
		drop_client(c);
		return;
	}
	if (c->held.len == 0 && can_take(c))
		watch |= LOOP_READ;
	loop_io_watch(c->io, watch);
	set_timer(c, sent > 0 || n_commands != c->n_commands);
	c->n_commands = n_commands;
}

/* Returns: whether to go on reading. */
static bool read_once(struct client *c, bool *is_end)
{
	struct lmtp *src = c->src;
	ssize_t n = recv(c->fd, src->scratch, READ_LEN, 0);
	size_t taken;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		*is_end = true;
		return false;
	}
	taken = smtp_feed(c->session, str_n(src->scratch, (size_t)n));
	if (taken < (size_t)n && !smtp_is_closed(c->session)) {
		c->held.max = READ_LEN;
		buf_add(&c->held, src->scratch + taken, (size_t)n - taken);
	}
	if (smtp_is_busy(c->session))
		set_timer(c, true);
	return (size_t)n == READ_LEN && c->held.len == 0 && can_take(c);
}

static void on_client(struct loop_io *io, unsigned events, void *ctx)
{
	struct client *c = ctx;
	bool is_end = false;

	if (events & LOOP_READ)
		for (int i = 0; i < READS_MAX && read_once(c, &is_end); i++)
			;
	else if (events & LOOP_HANGUP)
		is_end = true;
	if (is_end) {
		/* whatever was not ended is nobody's; QUIT is a courtesy */
		if (send_replies(c) < 0)
			log_event(LOG_DEBUG, "client.gone", "source=%s",
				c->src->section->title);
		drop_client(c);
		return;
	}
	settle_client(c);
	(void)io;
}

/* --- connections
 * ----------------------------------------------------------------- */

static bool is_trusted(const struct lmtp *src, const struct listen_peer *p)
{
	for (size_t i = 0; i < src->conf->trusted.n; i++)
		if (listen_net_has(&src->trusted[i], p))
			return true;
	return false;
}

static void refuse_client(
	struct lmtp *src, int fd, const struct listen_peer *p, const char *why)
{
	AUTO(bytes) char *text = mem_printf(
		"421 4.3.2 %s has too many connections%s, try later\r\n",
		src->options.host, why);
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

	log_event(LOG_INFO, "client.refuse",
		"source=%s peer=%s error=\"too many connections%s\"",
		src->section->title, p->text, why);
	close(fd);
	(void)n;
}

static struct peer *find_peer(struct lmtp *src, const struct listen_peer *p)
{
	struct peer *peer = map_get(src->peers, str_c(p->key));

	if (peer)
		return peer;
	peer = NEW(struct peer);
	memcpy(peer->key, p->key, sizeof(peer->key));
	map_set(src->peers, str_c(peer->key), peer);
	return peer;
}

static void add_client(struct lmtp *src, int fd, const struct listen_peer *p)
{
	struct client *c;
	struct peer *peer;
	struct smtp_client who = {
		.source = src->base.driver->name,
		.peer = p->text,
		.may_xclient = is_trusted(src, p),
		/* our own tools, run by us or by root */
		.may_once = src->base.driver == &source_pipe && p->is_unix &&
			    (p->uid == 0 || p->uid == geteuid()),
	};

	if (src->n_clients >= src->conf->max_clients) {
		refuse_client(src, fd, p, "");
		return;
	}
	peer = find_peer(src, p);
	if (peer->n >= src->conf->max_clients_per_peer) {
		refuse_client(src, fd, p, " from you");
		return;
	}
	c = NEW(struct client);
	c->src = src;
	c->fd = fd;
	c->peer = peer;
	peer->n++;
	src->n_clients++;
	list_add(&src->clients, &c->link);
	c->session = smtp_new(&smtp_lmtp, &src->options, &who, &backend, c);
	c->io = loop_io_new(src->loop, fd, LOOP_READ, on_client, c);
	c->timer = loop_timer_new(src->loop, on_time, c);
	loop_timer_set(c->timer, src->conf->idle_ms);
	settle_client(c);
}

static void listen_again(void *ctx)
{
	struct lmtp *src = ctx;

	if (src->io)
		loop_io_watch(src->io, LOOP_READ);
}

static void on_listener(struct loop_io *io, unsigned events, void *ctx)
{
	struct lmtp *src = ctx;
	struct listen_peer peer;
	int fd, rc = 0;

	for (int i = 0; i < ACCEPTS_MAX && rc == 0; i++) {
		rc = listen_accept(src->listener, &fd, &peer);
		if (rc == 0)
			add_client(src, fd, &peer);
	}
	if (rc == LISTEN_FULL) {
		log_event(LOG_WARN, "source.full",
			"source=%s clients=%lld error=\"no descriptor is "
			"left: raise LimitNOFILE or lower max_clients\"",
			src->section->title, (long long)src->n_clients);
		loop_io_watch(io, 0);
		loop_timer_set(src->again, FULL_PAUSE_MS);
	}
	(void)events;
}

/* --- the driver
 * ------------------------------------------------------------------ */

static void lmtp_close(struct source *base)
{
	struct lmtp *src = CONTAINER(base, struct lmtp, base);
	struct list *it, *tmp;

	if (!base)
		return;
	loop_io_free(src->io);
	loop_timer_free(src->again);
	listen_close(src->listener);
	list_each_safe (it, tmp, &src->clients) {
		struct client *c = CONTAINER(it, struct client, link);
		if (smtp_is_waiting(c->session))
			leave_source(c); /* lives until its commit is done */
		drop_client(c);
	}
	must(map_count(src->peers) == 0);
	map_free(src->peers);
	free(src->trusted);
	free(src->scratch);
	free(src->host);
	free(src);
}

static int parse_trusted(struct lmtp *src, struct err *err)
{
	const struct conf_list *list = &src->conf->trusted;

	if (list->n > NETS_MAX)
		return err_set(err, ERR_CONF, "trusted: more than %d networks",
			NETS_MAX);
	src->trusted = mem_array(list->n, sizeof(*src->trusted));
	for (size_t i = 0; i < list->n; i++)
		if (listen_net_parse(str_c(list->items[i]), &src->trusted[i]) <
			0)
			return err_set(err, ERR_CONF,
				"trusted: \"%s\" is no network: write "
				"\"192.0.2.0/24\", \"2001:db8::1\" or "
				"\"unix\"",
				list->items[i]);
	return 0;
}

static int lmtp_open(const struct conf_section *section, struct source **out,
	struct err *err)
{
	struct lmtp *src = NEW(struct lmtp);

	src->base.driver = section->schema->driver;
	src->section = section;
	src->conf = section->data;
	src->peers = map_new();
	list_init(&src->clients);
	if (parse_trusted(src, err) < 0) {
		lmtp_close(&src->base);
		return -1;
	}
	*out = &src->base;
	return 0;
}

static int lmtp_attach(struct source *base, struct loop *loop,
	struct intake *in, struct err *err)
{
	struct lmtp *src = CONTAINER(base, struct lmtp, base);
	const struct lmtp_conf *conf = src->conf;
	const struct listen_at at = { conf->listen, src->section->file,
		conf->mode, conf->group };

	if (listen_open(&at, &src->listener, err) < 0)
		return -1;
	src->loop = loop;
	src->intake = in;
	src->host = mem_strdup(intake_hostname(in));
	src->options = (struct smtp_options){
		.host = src->host,
		.size_max = intake_size_max(in),
		.rcpts_max = (unsigned)conf->max_rcpts,
		.errors_max = (unsigned)conf->max_errors,
	};
	src->scratch = mem_new(READ_LEN);
	src->again = loop_timer_new(loop, listen_again, src);
	src->io = loop_io_new(
		loop, listen_fd(src->listener), LOOP_READ, on_listener, src);
	log_event(LOG_INFO, "source.listen", "source=%s at=%s",
		src->section->title, listen_text(src->listener));
	return 0;
}

static void lmtp_drain(struct source *base)
{
	struct lmtp *src = CONTAINER(base, struct lmtp, base);
	struct list *it, *tmp;

	src->is_draining = true;
	loop_io_free(src->io);
	src->io = NULL;
	listen_close(src->listener);
	src->listener = NULL;
	list_each_safe (it, tmp, &src->clients) {
		struct client *c = CONTAINER(it, struct client, link);
		if (!c->is_gone)
			settle_client(c);
	}
}

static unsigned lmtp_busy(const struct source *base)
{
	const struct lmtp *src = CONTAINER(
		(struct source *)(uintptr_t)base, struct lmtp, base);

	return (unsigned)src->n_clients;
}

#define AT(member) offsetof(struct lmtp_conf, member)
#define FIELDS(listen_flags, listen_default, mode_default)                     \
	{                                                                      \
		{ "listen", CONF_ADDR, AT(listen), listen_default,             \
			.flags = listen_flags,                                 \
			.help = "HOST:PORT, unix:PATH or fd:NAME" },           \
			{ "mode", CONF_MODE, AT(mode), mode_default,           \
				.help = "mode of the socket file" },           \
			{ "group", CONF_STR, AT(group),                        \
				.help = "group of the socket file" },          \
			{ "max_clients", CONF_INT, AT(max_clients), "1000", 1, \
				100000, .help = "connections at a time" },     \
			{ "max_clients_per_peer", CONF_INT,                    \
				AT(max_clients_per_peer), "200", 1, 100000,    \
				.help = "the same from one address or user" }, \
			{ "max_rcpts", CONF_INT, AT(max_rcpts), "1000", 1,     \
				ENVELOPE_RCPTS_MAX,                            \
				.help = "recipients of a message" },           \
			{ "max_errors", CONF_INT, AT(max_errors), "20", 1,     \
				1000,                                          \
				.help = "wrong commands after which to hang "  \
					"up" },                                \
			{ "idle_timeout", CONF_SPAN, AT(idle_ms), "5m", 1000,  \
				86400000,                                      \
				.help = "wait for a command or bytes" },       \
			{ "message_timeout", CONF_SPAN, AT(message_ms), "30m", \
				1000, 86400000,                                \
				.help = "time that one message may take" },    \
			{ "trusted", CONF_LIST, AT(trusted),                   \
				.help = "networks, or unix, that may say "     \
					"XCLIENT" },                           \
			{ 0 },                                                 \
	}

static const struct conf_field lmtp_fields[] = FIELDS(
	CONF_REQUIRED, NULL, "0660");
static const struct conf_field pipe_fields[] = FIELDS(
	0, "unix:/run/mailmill/pipe", "0666");

static const struct conf_schema lmtp_schema = {
	.keyword = "lmtp",
	.group = "source",
	.flags = CONF_TITLED,
	.size = sizeof(struct lmtp_conf),
	.fields = lmtp_fields,
	.driver = &source_lmtp,
	.help = "mail servers deliver here (RFC 2033)",
};

static const struct conf_schema pipe_schema = {
	.keyword = "pipe",
	.group = "source",
	.flags = CONF_TITLED,
	.size = sizeof(struct lmtp_conf),
	.fields = pipe_fields,
	.driver = &source_pipe,
	.help = "mailmill deliver and mailmill import hand mail over here",
};

const struct source_driver source_lmtp = {
	.name = "lmtp",
	.schema = &lmtp_schema,
	.open = lmtp_open,
	.attach = lmtp_attach,
	.drain = lmtp_drain,
	.busy = lmtp_busy,
	.close = lmtp_close,
};

const struct source_driver source_pipe = {
	.name = "pipe",
	.schema = &pipe_schema,
	.open = lmtp_open,
	.attach = lmtp_attach,
	.drain = lmtp_drain,
	.busy = lmtp_busy,
	.close = lmtp_close,
};
