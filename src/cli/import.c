/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import.c - `mailmill import`: mails of an archive into the running daemon.
 *
 * The main thread reads the archive; `jobs` threads, each with a connection,
 * send, so that the store commits many mails with one sync. Between them lies
 * a queue that is bounded by number and by bytes. Each mail carries a key (see
 * import_send.c), so that a run that was broken off is just begun again, and
 * an archive that was imported adds nothing.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailmill/archive.h>
#include <mailmill/clock.h>
#include <mailmill/mem.h>

#include "cli.h"
#include "import_send.h"

#define JOBS_MAX 64
#define QUEUE_MAX 256		       /* mails */
#define QUEUE_BYTES ((size_t)64 << 20) /* at least one mail, though */
#define TRIES_MAX 7 /* 1 + 2 + 4 + 8 + 16 + 32 s of waiting */
#define SHOW_BAR_MS 100
#define SHOW_LINE_MS 5000
#define BAR_WIDTH 30

struct job {
	struct job *next;
	char *name, *bytes, *from;
	size_t len;
};

struct import {
	struct import_options o;
	bool is_terminal;
	uint64_t bytes; /* of all files */
	int64_t began_at;
	pthread_t threads[JOBS_MAX];
	unsigned n_threads;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t has_job, has_room;
	struct job *first, **last;
	size_t n_queued, queued_bytes;
	bool is_read; /* nothing more will come */
	bool is_stopping;
	struct err stop; /* why, unless a signal */
	uint64_t n_new, n_seen, n_refused, n_skipped, n_later, passed;
	int64_t shown_at;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int signo)
{
	(void)signo;
	is_interrupted = 1;
}

/* --- what the user sees; under the lock ------------------------------------
 */

static void clear_bar(const struct import *im)
{
	if (im->is_terminal)
		fputs("\r\033[K", stdout);
	fflush(stdout);
}

static void show_now(struct import *im)
{
	uint64_t n = im->n_new + im->n_seen + im->n_refused;
	uint64_t percent = im->bytes ? im->passed * 100 / im->bytes : 100;
	double seconds = (double)(clock_mono_ms() - im->began_at) / 1000 +
			 0.001;
	char bar[BAR_WIDTH + 1];
	size_t full;

	percent = MIN(percent, 100);
	full = (size_t)percent * BAR_WIDTH / 100;
	if (im->is_terminal) {
		memset(bar, '#', full);
		memset(bar + full, '.', BAR_WIDTH - full);
		bar[BAR_WIDTH] = 0;
		printf("\r\033[K[%s] %3llu %%  ", bar,
			(unsigned long long)percent);
	} else {
		printf("%3llu %%  ", (unsigned long long)percent);
	}
	printf("%llu mails, %llu new, %llu here already, %llu refused, %.0f/s",
		(unsigned long long)n, (unsigned long long)im->n_new,
		(unsigned long long)im->n_seen,
		(unsigned long long)im->n_refused, (double)n / seconds);
	if (!im->is_terminal)
		putchar('\n');
	fflush(stdout);
}

static void show(struct import *im)
{
	int64_t now = clock_mono_ms();

	if (now - im->shown_at < (im->is_terminal ? SHOW_BAR_MS : SHOW_LINE_MS))
		return;
	im->shown_at = now;
	show_now(im);
}

static void tell(struct import *im, const char *name, const char *what)
{
	clear_bar(im);
	cli_say(&cli_import, "%s: %s", name, what);
}

/* --- the queue
 * ----------------------------------------------------------------- */

static void free_job(struct job *j)
{
	free(j->name);
	free(j->bytes);
	free(j->from);
	free(j);
}

static int put_job(void *ctx, const struct archive_mail *m)
{
	struct import *im = ctx;
	struct job *j = NEW(struct job);
	bool is_stopping;

	j->name = mem_strdup(m->name);
	j->bytes = str_dup(m->bytes);
	j->len = m->bytes.len;
	j->from = str_dup(m->from);
	pthread_mutex_lock(&im->lock);
	while (!im->is_stopping && !is_interrupted && im->n_queued &&
		(im->n_queued >= QUEUE_MAX ||
			im->queued_bytes + j->len > QUEUE_BYTES)) {
		struct timespec soon;
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_sec++; /* to see a signal */
		pthread_cond_timedwait(&im->has_room, &im->lock, &soon);
	}
	is_stopping = im->is_stopping || is_interrupted;
	if (!is_stopping) {
		*im->last = j;
		im->last = &j->next;
		im->n_queued++;
		im->queued_bytes += j->len;
		pthread_cond_signal(&im->has_job);
	}
	pthread_mutex_unlock(&im->lock);
	if (is_stopping)
		free_job(j);
	return is_stopping;
}

static struct job *take_job(struct import *im)
{
	struct job *j = NULL;

	pthread_mutex_lock(&im->lock);
	while (!im->first && !im->is_read)
		pthread_cond_wait(&im->has_job, &im->lock);
	if (im->first && !im->is_stopping && !is_interrupted) {
		j = im->first;
		im->first = j->next;
		if (!im->first)
			im->last = &im->first;
		im->n_queued--;
		im->queued_bytes -= j->len;
		pthread_cond_signal(&im->has_room);
	}
	pthread_mutex_unlock(&im->lock);
	return j;
}

/* --- sending
 * ------------------------------------------------------------------- */

static void count(struct import *im, const struct job *j,
	enum import_outcome outcome, const struct err *err)
{
	pthread_mutex_lock(&im->lock);
	switch (outcome) {
	case IMPORT_NEW:
		im->n_new++;
		break;
	case IMPORT_SEEN:
		im->n_seen++;
		break;
	case IMPORT_REFUSED:
		im->n_refused++;
		tell(im, j->name, err->text);
		break;
	case IMPORT_LATER:
	case IMPORT_STOP:
		im->n_later++;
		if (!im->is_stopping)
			im->stop = *err;
		im->is_stopping = true;
		pthread_cond_broadcast(&im->has_room);
		pthread_cond_broadcast(&im->has_job);
		break;
	}
	show(im);
	pthread_mutex_unlock(&im->lock);
}

/* Waits before another try. Returns: whether there is one. */
static bool wait_for_daemon(
	struct import *im, unsigned n_tries, const struct err *err)
{
	int64_t until = clock_mono_ms() + (1000LL << n_tries);
	bool is_stopping = false;

	if (n_tries + 1 >= TRIES_MAX)
		return false;
	if (n_tries == 2) {
		pthread_mutex_lock(&im->lock);
		tell(im, "waiting for the daemon", err->text);
		pthread_mutex_unlock(&im->lock);
	}
	while (clock_mono_ms() < until && !is_interrupted && !is_stopping) {
		usleep(100000);
		pthread_mutex_lock(&im->lock);
		is_stopping = im->is_stopping;
		pthread_mutex_unlock(&im->lock);
	}
	return !is_interrupted && !is_stopping;
}

static void *send_jobs(void *ctx)
{
	struct import *im = ctx;
	struct import_line *line = import_line_new(&im->o);
	struct job *j;

	while ((j = take_job(im))) {
		enum import_outcome outcome;
		struct err err = { 0 };
		unsigned n_tries = 0;
		do {
			outcome = import_send(line, str_n(j->bytes, j->len),
				str_c(j->from), &err);
		} while (outcome == IMPORT_LATER &&
			 wait_for_daemon(im, n_tries++, &err));
		count(im, j, outcome, &err);
		free_job(j);
	}
	import_line_free(line);
	return NULL;
}

static void on_skip(void *ctx, const char *name, const char *why)
{
	struct import *im = ctx;

	pthread_mutex_lock(&im->lock);
	im->n_skipped++;
	tell(im, name, why);
	pthread_mutex_unlock(&im->lock);
}

static void on_pass(void *ctx, uint64_t bytes)
{
	struct import *im = ctx;

	pthread_mutex_lock(&im->lock);
	im->passed += bytes;
	pthread_mutex_unlock(&im->lock);
}

/* --- the run -----------------------------------------------------------------
 */

static void start(struct import *im, unsigned n_jobs)
{
	pthread_mutex_init(&im->lock, NULL);
	pthread_cond_init(&im->has_job, NULL);
	pthread_cond_init(&im->has_room, NULL);
	im->last = &im->first;
	im->is_terminal = isatty(STDOUT_FILENO);
	im->began_at = im->shown_at = clock_mono_ms();
	for (unsigned i = 0; i < n_jobs; i++)
		must(pthread_create(&im->threads[im->n_threads++], NULL,
			     send_jobs, im) == 0);
}

static void finish(struct import *im)
{
	pthread_mutex_lock(&im->lock);
	im->is_read = true;
	pthread_cond_broadcast(&im->has_job);
	pthread_mutex_unlock(&im->lock);
	for (unsigned i = 0; i < im->n_threads; i++)
		pthread_join(im->threads[i], NULL);
	for (struct job *j = im->first, *next; j; j = next) {
		next = j->next;
		free_job(j);
		im->n_later++;
	}
}

static int tell_end(struct import *im, int walked, const struct err *err)
{
	if (im->is_terminal)
		clear_bar(im);
	printf("%llu mails: %llu new, %llu here already, %llu refused; "
	       "%llu files left out\n",
		(unsigned long long)(im->n_new + im->n_seen + im->n_refused),
		(unsigned long long)im->n_new, (unsigned long long)im->n_seen,
		(unsigned long long)im->n_refused,
		(unsigned long long)im->n_skipped);
	fflush(stdout);
	if (walked < 0)
		return cli_fail(&cli_import, err);
	if (is_interrupted || im->is_stopping) {
		cli_say(&cli_import,
			"broken off%s%s; the same command goes "
			"on where this one ended",
			is_interrupted ? "" : ": ",
			is_interrupted ? "" : im->stop.text);
		return im->stop.kind == ERR_CONF ? EX_CONFIG : EX_TEMPFAIL;
	}
	if (im->n_new + im->n_seen + im->n_refused == 0) {
		cli_say(&cli_import, "no mail was found");
		return EX_NOINPUT;
	}
	return im->n_refused ? EX_DATAERR : EX_OK;
}

static int import_all(struct import *im, unsigned n_jobs, char **paths)
{
	struct archive_sink sink = { put_job, on_skip, on_pass, im };
	struct err err = { 0 };
	int rc = 0;

	for (char **p = paths; *p; p++)
		if (archive_size(*p, &im->bytes, &err) < 0)
			return cli_fail(&cli_import, &err);
	start(im, n_jobs);
	for (char **p = paths; *p && rc == 0; p++)
		rc = archive_walk(*p, &sink, &err);
	finish(im);
	return tell_end(im, rc, &err);
}

static const struct cli_option options[] = {
	{ "to", 't', "ADDRESS", "recipient of all; else as in their headers" },
	{ "from", 'f', "ADDRESS", "sender of all; else as in their headers" },
	{ "socket", 's', "PATH",
		"the daemon's; else $MAILMILL_SOCKET or /run/mailmill/pipe" },
	{ "jobs", 'j', "N", "connections at a time; 8" },
	{ 0 },
};

static int take_option(
	struct import *im, int option, const char *value, unsigned *n_jobs)
{
	uint64_t n;

	switch (option) {
	case 0:
		im->o.to = value;
		return 0;
	case 1:
		im->o.from = value;
		return 0;
	case 2:
		im->o.socket = value;
		return 0;
	case 3:
		if (str_to_u64(str_c(value), JOBS_MAX, &n) == 0 && n > 0) {
			*n_jobs = (unsigned)n;
			return 0;
		}
		cli_say(&cli_import, "--jobs %s: expected 1 to %d", value,
			JOBS_MAX);
		break;
	default:
		break;
	}
	return EX_USAGE;
}

static int run(int argc, char **argv)
{
	static struct import im;
	struct cli_args args = cli_args(&cli_import, argc, argv);
	struct sigaction action = { .sa_handler = on_signal };
	unsigned n_jobs = 8;
	int o;

	while ((o = cli_next(&args)) != CLI_END)
		if (take_option(&im, o, args.value, &n_jobs))
			return EX_USAGE;
	if (args.at == argc) {
		cli_say(&cli_import, "which archive? (--help tells more)");
		return EX_USAGE;
	}
	/* a second one ends us at once */
	action.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return import_all(&im, n_jobs, argv + args.at);
}

const struct cli_command cli_import = {
	.name = "import",
	.usage = "[--to ADDRESS] [--from ADDRESS] PATH...",
	.help = "hand over the mails of .eml, mbox, Maildir, folders, tar",
	.options = options,
	.run = run,
};
