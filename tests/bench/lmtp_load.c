/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lmtp_load.c - sends mails by LMTP on many connections, as fast as they go.
 *
 *     lmtp_load SOCKET CONNECTIONS COUNT MAIL...      SOCKET: HOST:PORT or path
 *
 * Each mail gets a Message-ID of its own, so that none is a duplicate. Prints
 * one line of JSON: mails and bytes a second, and latencies of the reply to the
 * final dot. The commands of one mail are pipelined (RFC 2920).
 */
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>

#define MAILS_MAX 20000
#define MAIL_LEN_MAX ((size_t)64 << 20)

static struct {
	const char *socket;
	int count;
	struct str mails[MAILS_MAX];
	int n_mails;
	const char *recipient;
	pthread_mutex_t lock;
	int next, n_refused;
	uint64_t n_bytes;
	double *latency_ms;
} load = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.recipient = "support@example.org" };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int connect_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)(void *)&a, sizeof(a)) < 0)
		die(path);
	return fd;
}

static int connect_tcp(const char *address)
{
	struct addrinfo *found, want = { .ai_socktype = SOCK_STREAM };
	struct str s = str_c(address);
	ssize_t colon = str_rchr(s, ':');
	AUTO(bytes) char *host = str_dup(str_sub(s, 0, (size_t)colon));
	int fd;

	if (getaddrinfo(host, address + colon + 1, &want, &found))
		die(address);
	fd = socket(found->ai_family, SOCK_STREAM, 0);
	if (connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		die(address);
	freeaddrinfo(found);
	return fd;
}

/* Reads n final reply lines. Returns: the last one's first digit. */
static int read_replies(FILE *in, int n)
{
	char line[1024];
	int digit = 0;

	while (n) {
		if (!fgets(line, sizeof(line), in))
			die("the server closed");
		if (strlen(line) > 3 && line[3] == '-')
			continue;
		digit = line[0] - '0';
		n--;
	}
	return digit;
}

static void add_dotted(struct buf *b, struct str mail)
{
	struct str line;

	while (str_cut_line(&mail, &line)) {
		if (line.len && line.p[0] == '.')
			buf_byte(b, '.');
		buf_str(b, line);
		buf_c(b, "\r\n");
	}
	buf_c(b, ".\r\n");
}

static void send_one(int fd, FILE *in, int number, struct buf *b)
{
	struct str mail = load.mails[number % load.n_mails];
	double begun;

	buf_clear(b);
	buf_printf(b,
		"MAIL FROM:<bench@example.com>\r\nRCPT TO:<%s>\r\nDATA\r\n",
		load.recipient);
	if (file_write_all(fd, b->p, b->len) < 0)
		die("write");
	read_replies(in, 3);
	buf_clear(b);
	buf_printf(b, "Message-ID: <bench-%d-%d@example.com>\r\n", getpid(),
		number);
	add_dotted(b, mail);
	begun = now_ms();
	if (file_write_all(fd, b->p, b->len) < 0)
		die("write");
	if (read_replies(in, 1) != 2) {
		pthread_mutex_lock(&load.lock);
		load.n_refused++;
		pthread_mutex_unlock(&load.lock);
	}
	load.latency_ms[number] = now_ms() - begun;
}

static void *run(void *ctx)
{
	int fd = strchr(load.socket, '/') ? connect_unix(load.socket)
					  : connect_tcp(load.socket);
	FILE *in = fdopen(dup(fd), "r");
	AUTO(buf) struct buf b = BUF_INIT(MAIL_LEN_MAX * 2);
	const char hello[] = "LHLO bench.example.com\r\n";

	(void)ctx;
	read_replies(in, 1);
	if (file_write_all(fd, hello, sizeof(hello) - 1) < 0)
		die("write");
	read_replies(in, 1);
	for (;;) {
		int number;
		pthread_mutex_lock(&load.lock);
		number = load.next < load.count ? load.next++ : -1;
		if (number >= 0)
			load.n_bytes += load.mails[number % load.n_mails].len;
		pthread_mutex_unlock(&load.lock);
		if (number < 0)
			break;
		send_one(fd, in, number, &b);
	}
	fclose(in);
	close(fd);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void read_mails(int argc, char **argv)
{
	for (int i = 0; i < argc && load.n_mails < MAILS_MAX; i++) {
		struct buf b = BUF_INIT(MAIL_LEN_MAX);
		struct err err = { 0 };
		if (file_read(argv[i], &b, &err)) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
		load.mails[load.n_mails].len = b.len;
		load.mails[load.n_mails++].p = buf_take(&b);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[1024];
	uint64_t n_threads, count;
	double begun, ms;

	if (argc < 5 ||
		str_to_u64(str_c(argv[2]), COUNT(threads), &n_threads) ||
		str_to_u64(str_c(argv[3]), 10000000, &count)) {
		fprintf(stderr, "usage: lmtp_load SOCKET CONNECTIONS COUNT "
				"MAIL...\n");
		return 64;
	}
	load.socket = argv[1];
	load.count = (int)count;
	load.latency_ms = mem_array(count, sizeof(double));
	if (getenv("RECIPIENT"))
		load.recipient = getenv("RECIPIENT");
	read_mails(argc - 4, argv + 4);
	begun = now_ms();
	for (uint64_t i = 0; i < n_threads; i++)
		must(pthread_create(&threads[i], NULL, run, NULL) == 0);
	for (uint64_t i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	ms = now_ms() - begun;
	qsort(load.latency_ms, count, sizeof(double), by_size);
	printf("{\"mails\":%d,\"refused\":%d,\"seconds\":%.3f,"
	       "\"mails_per_second\":%.0f,\"mb_per_second\":%.1f,"
	       "\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
		load.count, load.n_refused, ms / 1e3,
		(double)load.count / ms * 1e3, (double)load.n_bytes / ms / 1e3,
		load.latency_ms[count / 2], load.latency_ms[count * 99 / 100]);
	return load.n_refused != 0;
}
