/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spawn_rate.c - starts a command over and over, several at once, with a mail
 * on its standard input, as an MTA's pipe does; prints starts a second.
 *
 *     spawn_rate AT_ONCE COUNT MAIL COMMAND [ARG]...
 *
 * Each run gets a copy of MAIL with a Message-ID of its own in front. Made in C
 * since a script's own cost would drown what is measured.
 */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>

static int make_input(struct str mail, uint64_t number)
{
	AUTO(buf) struct buf b = BUF_INIT(mail.len + 128);
	struct err err = { 0 };
	int fd = file_memory("mail", &err);

	buf_printf(&b, "Message-ID: <spawn-%d-%llu@example.com>\n", getpid(),
		(unsigned long long)number);
	buf_str(&b, mail);
	if (fd < 0 || file_write_all(fd, b.p, b.len) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0) {
		perror("input");
		exit(1);
	}
	return fd;
}

static void start(char **argv, int in)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ)) {
		perror(argv[0]);
		exit(1);
	}
	posix_spawn_file_actions_destroy(&actions);
	close(in);
}

int main(int argc, char **argv)
{
	AUTO(buf) struct buf mail = BUF_INIT((size_t)64 << 20);
	uint64_t at_once, count, started = 0, ended = 0, failed = 0;
	struct err err = { 0 };
	int64_t begun;

	if (argc < 5 || str_to_u64(str_c(argv[1]), 1000, &at_once) ||
		str_to_u64(str_c(argv[2]), 10000000, &count) ||
		file_read(argv[3], &mail, &err)) {
		fprintf(stderr,
			"usage: spawn_rate AT_ONCE COUNT MAIL COMMAND...\n");
		return 64;
	}
	begun = clock_mono_ms();
	while (ended < count) {
		int status;
		if (started < count && started - ended < at_once) {
			start(argv + 4, make_input(buf_view(&mail), started));
			started++;
			continue;
		}
		if (wait(&status) < 0)
			return 1;
		failed += !WIFEXITED(status) || WEXITSTATUS(status);
		ended++;
	}
	printf("{\"per_second\":%.0f,\"failed\":%llu}\n",
		(double)count * 1e3 / (double)MAX(clock_mono_ms() - begun, 1),
		(unsigned long long)failed);
	return failed != 0;
}
