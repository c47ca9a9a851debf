/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_charset.c - charsets, where no file can be opened any more. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/mail.h>

#include "test.h"

static const struct row {
	const char *charset, *bytes, *text;
} rows[] = {
	{ "koi8-r", "\xf0\xd2", "\xd0\x9f\xd1\x80" },
	{ "windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80" },
	{ "iso-8859-5", "\xbf\xe0", "\xd0\x9f\xd1\x80" },
	{ "x-mac-cyrillic", "\x8f\xf0", "\xd0\x9f\xd1\x80" },
	{ "iso-8859-2", "\xb1", "\xc4\x85" },
	{ "ISO_8859-15", "\xa4", "\xe2\x82\xac" },
	{ "iso-8859-7", "\xe1", "\xce\xb1" },
	{ "iso-8859-8-i", "\xe0", "\xd7\x90" },
	{ "windows-1256", "\xc7", "\xd8\xa7" },
	{ "iso-8859-9", "\xfd", "\xc4\xb1" },
	{ "windows-874", "\xa1", "\xe0\xb8\x81" },
	{ "gb2312", "\xc4\xe3", "\xe4\xbd\xa0" },
	{ "gb18030", "\x81\x30\x81\x30", "\xc2\x80" },
	{ "hz-gb-2312", "~{Dc~}", "\xe4\xbd\xa0" },
	{ "big5", "\xa7\x41", "\xe4\xbd\xa0" },
	{ "ks_c_5601-1987", "\xb0\xa1", "\xea\xb0\x80" },
	{ "iso-2022-kr", "\x1b$)C\x0e\x30\x21\x0f", "\xea\xb0\x80" },
	{ "iso-2022-jp", "\x1b$BF|\x1b(B", "\xe6\x97\xa5" },
	{ "euc-jp", "\xc6\xfc", "\xe6\x97\xa5" },
	{ "shift-jis", "\x93\xfa", "\xe6\x97\xa5" },
	{ "utf-16", "\xff\xfe\xe5\x65", "\xe6\x97\xa5" },
	{ "utf-16be", "\x65\xe5", "\xe6\x97\xa5" },
	{ "utf-7", "+ZeU-", "\xe6\x97\xa5" },
	{ "cp850", "\x84", "\xc3\xa4" },
	{ "x-ias-german", "{", "\xc3\xa4" },
	{ "uft-8", "\xc3\xa4", "\xc3\xa4" },
	{ "no-such-charset", "\xe4", "\xc3\xa4" },
	{ "", "\xe4", "\xc3\xa4" },
};

/* Returns: how many rows come out wrong. */
static int count_wrong(void)
{
	int n = 0;

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf raw = BUF_INIT(4096);
		AUTO(mail) struct mail *m = NULL;
		struct err err = { 0 };
		buf_printf(&raw,
			"Content-Type: text/plain; charset=\"%s\"\n\n%s",
			rows[i].charset, rows[i].bytes);
		if (mail_parse(buf_view(&raw), &m, &err) < 0 ||
			!str_eq(mail_text(m), str_c(rows[i].text))) {
			struct str got = m ? mail_text(m) : STR("");
			printf("# %s: got \"%.*s\"\n", rows[i].charset,
				STR_ARG(got));
			n++;
		}
	}
	return n;
}

TEST(converts)
{
	mail_init();
	is_int(count_wrong(), 0, "all");
}

/* As in the sandbox: what glibc did not load before, it never will. */
TEST(converts_without_files)
{
	struct rlimit none = { 0, 0 };
	int status = -1;
	pid_t child;

	mail_init();
	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (setrlimit(RLIMIT_NOFILE, &none) < 0 ||
			open("/dev/null", O_RDONLY) >= 0)
			_exit(100);
		_exit(count_wrong());
	}
	is_true(waitpid(child, &status, 0) == child, "ends");
	is_int(status, 0, "all come out right");
}
