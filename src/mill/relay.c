/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * relay.c - sending mail by a server or by a sendmail program.
 *
 * Each connection is a thread that takes jobs off one list and may block, with
 * its own SMTP client, whose connection it keeps for a while. Mails go out one
 * by one, so that a recipient's reply is known before the store is told.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/proc.h>
#include <mailmill/relay.h>
#include <mailmill/smtpc.h>

#define THREADS_MAX 64
#define IDLE_SECONDS 20 /* that a connection is kept without mail */
#define MEMORY_MAX ((uint64_t)1 << 20)
#define SAID_MAX ((size_t)300) /* of what a program says */

static const char *const tls_words[] = { "never", "may", "must", NULL };

struct relay_conf {
	const char *url, *sendmail, *helo, *user, *password, *ca_file;
	int tls;
	int64_t timeout_ms, connections;
};

#define AT(member) offsetof(struct relay_conf, member)

static const struct conf_field fields[] = {
	{ "url", CONF_STR, AT(url),
		.help = "the server: smtp://host:port or smtps://host:port" },
	{ "sendmail", CONF_PATH, AT(sendmail),
		.help = "or a program that takes mail as sendmail does" },
	{ "helo", CONF_STR, AT(helo),
		.help = "the name told to the server; this machine's" },
	{ "tls", CONF_WORD, AT(tls), "may", .words = tls_words,
		.help = "STARTTLS: never, may (not checked), must" },
	{ "user", CONF_STR, AT(user), .help = "name to log in with" },
	{ "password", CONF_STR, AT(password),
		.help = "where its password is: file:, credential: or env:" },
	{ "ca_file", CONF_PATH, AT(ca_file),
		.help = "authorities to trust instead of the system's" },
	{ "timeout", CONF_SPAN, AT(timeout_ms), "5m", 1000, 3600000,
		.help = "how long an answer, or a byte, is waited for" },
	{ "connections", CONF_INT, AT(connections), "4", 1, THREADS_MAX,
		.help = "mails sent at a time" },
	{ 0 },
};

static bool is_here(const char *url)
{
	struct str host = str_c(url);

	host = str_sub(host, strlen("smtp://"), host.len);
	return str_starts(host, STR("127.0.0.1")) ||
	       str_starts(host, STR("localhost")) ||
	       str_starts(host, STR("[::1]"));
}

static int check_url(const struct conf_section *s, struct err *err)
{
	const struct relay_conf *c = s->data;
	struct str url = str_c(c->url), rest;
	bool is_smtps = str_starts(url, STR("smtps://"));

	if (!is_smtps && !str_starts(url, STR("smtp://")))
		return err_set(err, ERR_CONF,
			"relay \"%s\": url %s: expected smtp://host:port or "
			"smtps://host:port",
			s->title, c->url);
	rest = str_sub(url, strlen("smtp://") + is_smtps, url.len);
	if (rest.len == 0 || str_chr(rest, '/') >= 0 || str_chr(rest, '@') >= 0)
		return err_set(err, ERR_CONF,
			"relay \"%s\": url %s: expected a host and a port, no "
			"path, and no name: that is option user",
			s->title, c->url);
	if (c->password && !is_smtps && c->tls != SMTPC_TLS_MUST &&
		!is_here(c->url))
		return err_set(err, ERR_CONF,
			"relay \"%s\": with a password, say tls = must or use "
			"smtps://, so that it is not sent in clear",
			s->title);
	return 0;
}

static int check_relay(const struct conf_section *s, struct err *err)
{
	const struct relay_conf *c = s->data;

	if (!c->url == !c->sendmail)
		return err_set(err, ERR_CONF,
			"relay \"%s\": say url or sendmail, one of both",
			s->title);
	if (!c->user != !c->password)
		return err_set(err, ERR_CONF,
			"relay \"%s\": user and password go together",
			s->title);
	for (const char *p = c->helo; p && *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			    "XYZ0123456789.-_[]:",
			    *p))
			return err_set(err, ERR_CONF,
				"relay \"%s\": helo %s is no host's name",
				s->title, c->helo);
	return c->url ? check_url(s, err) : 0;
}

const struct conf_schema relay_schema = {
	.keyword = "relay",
	.group = "relay",
	.flags = CONF_TITLED,
	.size = sizeof(struct relay_conf),
	.fields = fields,
	.check = check_relay,
	.help = "a way out for mail that rules send",
};

/* --- reading what is sent ------------------------------------------------- */

void relay_rewind(struct relay_reader *r)
{
	r->at = 0;
	r->offset = 0;
	r->from = r->to = 0;
	r->is_after_cr = false;
}

static int fill_literal(struct relay_reader *r, struct str bytes)
{
	struct str piece = str_sub(bytes, (size_t)r->offset, RELAY_ROOM);

	memcpy(r->room, piece.p, piece.len);
	r->to = piece.len;
	r->offset += piece.len;
	if (r->offset >= bytes.len) {
		r->at++;
		r->offset = 0;
	}
	return 0;
}

static int fill_range(struct relay_reader *r, const struct store_piece *p)
{
	size_t len = (size_t)MIN(p->len - r->offset, RELAY_ROOM);
	ssize_t got = file_pread_all(
		r->job->fd, r->room, len, p->offset + r->offset);

	if (got < 0)
		return err_sys(&r->err, "reading the stored message");
	if ((size_t)got < len)
		return err_set(&r->err, ERR_PERM,
			"the stored message is shorter than what is to be "
			"sent of it");
	r->to = len;
	r->offset += len;
	if (r->offset >= p->len) {
		r->at++;
		r->offset = 0;
	}
	return 0;
}

/* Returns: 1 when there is more, 0 at the end, -1 with r->err. */
static int fill(struct relay_reader *r)
{
	const struct store_piece *p;

	r->from = r->to = 0;
	while (r->to == 0) {
		if (r->at > r->job->n_pieces)
			return 0;
		p = r->at ? &r->job->pieces[r->at - 1] : NULL;
		if (p ? !p->literal.len && !p->len : !r->job->head.len) {
			r->at++;
			continue;
		}
		if (p && !p->literal.len ? fill_range(r, p)
					 : fill_literal(r, p ? p->literal
							     : r->job->head))
			return -1;
	}
	return 1;
}

static void add_eol(struct relay_reader *r, char *p, size_t *n)
{
	memcpy(p + *n, r->eol.p, r->eol.len);
	*n += r->eol.len;
	r->is_after_cr = false;
}

ssize_t relay_read(struct relay_reader *r, char *p, size_t len)
{
	size_t n = 0;
	int rc = 1;

	must(len >= 4);
	while (n + 4 <= len) {
		char c;
		if (r->from == r->to && (rc = fill(r)) != 1)
			break;
		c = r->room[r->from++];
		if (c == '\n') {
			add_eol(r, p, &n);
			continue;
		}
		if (r->is_after_cr)
			add_eol(r, p, &n);
		if (c == '\r')
			r->is_after_cr = true;
		else
			p[n++] = c;
	}
	if (rc == 0 && r->is_after_cr)
		add_eol(r, p, &n);
	return rc < 0 ? -1 : (ssize_t)n;
}

/* --- threads -------------------------------------------------------------- */

struct mail_relay {
	struct relay base;
	const struct relay_conf *conf;
	struct loop *loop;
	char *password, *helo;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct relay_job *jobs, **jobs_end;
	pthread_t threads[THREADS_MAX];
	size_t n_threads, n_idle;
	bool is_stopping;
	atomic_bool is_aborted;
};

static struct mail_relay *own(struct relay *r)
{
	return CONTAINER(r, struct mail_relay, base);
}

static void end_job(void *ctx)
{
	struct relay_job *job = ctx;

	job->done(job);
}

/* --- by SMTP -------------------------------------------------------------- */

static ssize_t read_mail(void *ctx, char *p, size_t len)
{
	return relay_read(ctx, p, len);
}

static void rewind_mail(void *ctx)
{
	relay_rewind(ctx);
}

static void send_by_smtp(
	struct smtpc *c, struct relay_reader *reader, struct relay_job *job)
{
	struct smtpc_rcpt *rcpts = arena_array(
		job->arena, job->n_rcpts, sizeof(*rcpts));
	struct smtpc_mail mail = { .sender = job->sender,
		.rcpts = rcpts,
		.n_rcpts = job->n_rcpts,
		.read = read_mail,
		.rewind = rewind_mail,
		.ctx = reader,
		.size = job->head.len + job->size };

	for (size_t i = 0; i < job->n_rcpts; i++)
		rcpts[i].address = job->rcpts[i].address;
	smtpc_send(c, &mail);
	job->err = reader->err.kind ? reader->err : mail.err;
	job->outcome = mail.outcome == SMTPC_ANSWERED ? RELAY_ANSWERED
		       : mail.outcome == SMTPC_LOST   ? RELAY_LOST
						      : RELAY_NOT_SENT;
	for (size_t i = 0; i < job->n_rcpts; i++) {
		job->rcpts[i].code = rcpts[i].code;
		job->rcpts[i].text = arena_str(
			job->arena, str_c(rcpts[i].reply));
	}
}

/* --- by a program --------------------------------------------------------- */

static int spool(struct relay_reader *reader, int fd, struct err *err)
{
	char room[8192];
	ssize_t n;

	while ((n = relay_read(reader, room, sizeof(room))) > 0)
		if (file_write_all(fd, room, (size_t)n) < 0)
			return err_sys(err, "spooling mail for sendmail");
	if (n < 0)
		*err = reader->err;
	return n < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

static pid_t start_program(const struct mail_relay *r,
	const struct relay_job *job, int in, int out, struct err *err)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
		"/bin",
		"LC_ALL=C", NULL
	};
	const char **argv = arena_array(
		job->arena, job->n_rcpts + 6, sizeof(char *));
	size_t n = 0;

	argv[n++] = r->conf->sendmail;
	argv[n++] = "-i";
	argv[n++] = "-f";
	argv[n++] = job->sender.len ? arena_str(job->arena, job->sender).p
				    : "<>";
	argv[n++] = "--";
	for (size_t i = 0; i < job->n_rcpts; i++)
		argv[n++] = arena_str(job->arena, job->rcpts[i].address).p;
	return proc_spawn_fed(argv, env, in, out, err);
}

/* Waits for the program's end, and ends it when it takes too long. */
static int wait_for_program(const struct mail_relay *r, pid_t pid)
{
	int64_t until = clock_mono_ms() + r->conf->timeout_ms;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && poll(&p, 1, 200) <= 0)
		if (clock_mono_ms() > until || atomic_load(&r->is_aborted))
			break;
	if (fd >= 0 && !p.revents)
		kill(pid, SIGKILL);
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

static int code_of(int status)
{
	if (!WIFEXITED(status))
		return 451;
	switch (WEXITSTATUS(status)) {
	case EX_OK:
		return 250;
	case EX_USAGE:
	case EX_DATAERR:
	case EX_NOUSER:
	case EX_NOHOST:
		return 550;
	default: /* all else may be mended by the operator */
		return 451;
	}
}

static struct str tell_end(struct arena *a, int code, int status, int out)
{
	char said[SAID_MAX];
	ssize_t n = file_pread_all(out, said, sizeof(said), 0);
	struct str text = str_trim(str_n(said, (size_t)MAX(n, 0)));

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return STR("250 sendmail took it");
	return str_c(arena_printf(a, "%d sendmail ended with %s %d%s%.*s", code,
		WIFEXITED(status) ? "status" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		text.len ? ": " : "", STR_ARG(text)));
}

static bool has_bad_address(const struct relay_job *job)
{
	if (job->sender.len && !smtpc_is_address(job->sender))
		return true;
	for (size_t i = 0; i < job->n_rcpts; i++)
		if (!smtpc_is_address(job->rcpts[i].address))
			return true;
	return false;
}

static void send_by_program(const struct mail_relay *r,
	struct relay_reader *reader, struct relay_job *job)
{
	AUTO(fd) int in = job->size > MEMORY_MAX
				  ? file_temp(NULL, &job->err)
				  : file_memory("mail", &job->err);
	AUTO(fd) int out = file_memory("said", &job->err);
	int status, code;
	struct str text;
	pid_t pid;

	job->outcome = RELAY_NOT_SENT;
	if (has_bad_address(job)) {
		err_set(&job->err, ERR_PERM, "an address has strange letters");
		return;
	}
	if (in < 0 || out < 0 || spool(reader, in, &job->err) < 0)
		return;
	pid = start_program(r, job, in, out, &job->err);
	if (pid < 0)
		return;
	status = wait_for_program(r, pid);
	job->outcome = RELAY_ANSWERED;
	code = code_of(status);
	text = tell_end(job->arena, code, status, out);
	for (size_t i = 0; i < job->n_rcpts; i++) {
		job->rcpts[i].code = code;
		job->rcpts[i].text = text;
	}
}

/* --- all of it ------------------------------------------------------------ */

/* Returns: NULL when stopping, or after a while without mail: *is_idle. */
static struct relay_job *take_job(struct mail_relay *r, bool *is_idle)
{
	struct relay_job *job;
	struct timespec until;

	*is_idle = false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	pthread_mutex_lock(&r->lock);
	r->n_idle++;
	while (!r->jobs && !r->is_stopping && !*is_idle)
		*is_idle = pthread_cond_timedwait(&r->more, &r->lock, &until) ==
			   ETIMEDOUT;
	r->n_idle--;
	job = r->is_stopping ? NULL : r->jobs;
	if (job) {
		r->jobs = job->next;
		if (!r->jobs)
			r->jobs_end = &r->jobs;
		*is_idle = false;
	} else if (r->is_stopping) {
		*is_idle = false;
	}
	pthread_mutex_unlock(&r->lock);
	return job;
}

static void *run(void *ctx)
{
	struct mail_relay *r = ctx;
	const struct smtpc_conf conf = { .url = r->conf->url,
		.helo = r->helo,
		.tls = (enum smtpc_tls)r->conf->tls,
		.user = r->conf->user,
		.password = r->password,
		.ca_file = r->conf->ca_file,
		.timeout_ms = r->conf->timeout_ms,
		.is_aborted = &r->is_aborted };
	AUTO(smtpc) struct smtpc *c = r->conf->url ? smtpc_new(&conf) : NULL;
	AUTO(bytes) char *room = mem_new(RELAY_ROOM);
	struct relay_job *job;
	bool is_idle;

	while ((job = take_job(r, &is_idle)) || is_idle) {
		struct relay_reader reader = { .job = job,
			.eol = c ? STR("\r\n") : STR("\n"),
			.room = room };
		if (!job && c)
			smtpc_hang_up(c);
		if (!job)
			continue;
		if (c)
			send_by_smtp(c, &reader, job);
		else
			send_by_program(r, &reader, job);
		loop_post(r->loop, end_job, job);
	}
	return NULL;
}

static void start_thread(struct mail_relay *r)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&r->threads[r->n_threads], NULL, run, r) == 0)
		r->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	must(r->n_threads > 0);
}

static void send_mail(struct relay *relay, struct relay_job *job)
{
	struct mail_relay *r = own(relay);
	bool is_busy;

	job->next = NULL;
	pthread_mutex_lock(&r->lock);
	*r->jobs_end = job;
	r->jobs_end = &job->next;
	is_busy = r->n_idle == 0;
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
	if (is_busy && r->n_threads < r->base.connections)
		start_thread(r);
}

static void close_relay(struct relay *relay)
{
	struct mail_relay *r = own(relay);

	pthread_mutex_lock(&r->lock);
	r->is_stopping = true;
	atomic_store(&r->is_aborted, true);
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->n_threads; i++)
		pthread_join(r->threads[i], NULL);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->more);
	if (r->password)
		explicit_bzero(r->password, strlen(r->password));
	free(r->password);
	free(r->helo);
	free(r);
}

static const struct relay_driver driver = { send_mail, close_relay };

static char *own_name(void)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || !name[0])
		return mem_strdup("localhost");
	return mem_strdup(name);
}

int relay_open(const struct conf_section *section, struct loop *loop,
	struct relay **out, struct err *err)
{
	const struct relay_conf *c = section->data;
	struct mail_relay *r;
	char *password = NULL;

	if (c->password && conf_secret(c->password, &password, err))
		return err_add(err, "password");
	r = NEW(struct mail_relay);
	r->base.driver = &driver;
	r->base.name = section->title;
	r->base.connections = (unsigned)c->connections;
	r->conf = c;
	r->loop = loop;
	r->password = password;
	r->helo = c->helo ? mem_strdup(c->helo) : own_name();
	r->jobs_end = &r->jobs;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	*out = &r->base;
	return 0;
}

void relay_close(struct relay *r)
{
	if (r)
		r->driver->close(r);
}

void relay_send(struct relay *r, struct relay_job *job)
{
	must(job->n_rcpts > 0 && job->done && job->arena);
	r->driver->send(r, job);
}
