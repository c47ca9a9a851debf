/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_svtest.c - any bytes as a test file of rules. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mailmill/mail.h>
#include <mailmill/sieve.h>

#define REPORT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf report = BUF_INIT(REPORT_MAX);
	struct sieve_test_result result = { 0 };
	struct err err = { 0 };
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0);
	must(write(fd, data, size) == (ssize_t)size);
	mail_init();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)!sieve_test(path, true, &report, &result, &err);
	close(fd);
	return 0;
}
