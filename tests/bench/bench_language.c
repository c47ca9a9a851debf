/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_language.c - names the language of each line of standard input, "-"
 * for none, and how sure that is; src/mail/language/make --test asks it.
 */
#include <stdio.h>

#include <mailmill/file.h>
#include <mailmill/mail.h>

#define IN_MAX ((size_t)64 << 20)

int main(void)
{
	AUTO(buf) struct buf in = BUF_INIT(IN_MAX);
	struct err err = { 0 };
	struct str rest, line;

	mail_init();
	if (file_read_fd(0, &in, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	rest = buf_view(&in);
	while (str_cut_line(&rest, &line)) {
		struct mail_language l;
		mail_guess_language(line, &l);
		printf("%s %.2f\n", l.code[0] ? l.code : "-", l.confidence);
	}
	return 0;
}
