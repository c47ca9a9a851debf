/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fingerprint.c - what two mails of a loop have in common.
 *
 * A loop brings the same mail again under a new Message-ID and a new date, and
 * often with one more "Re:"; two programs that answer each other write the same
 * text each time. Month-end invoices have the same subject and text, too, but
 * each another file. So hashed are From, the base of the subject, the new text
 * (with one blank for white space, and without digits that belong to a time or
 * a date) and the bytes of each attachment; nothing that a transport writes.
 */
#include "inside.h"

#define TEXT_HASHED ((size_t)256 * 1024)

/*
 * A run of digits beside ':' , '/' , '-' or '.' and another digit is a time or
 * a date; it is skipped. An order's number stands alone, and counts.
 */
static size_t count_time(struct str s, size_t at)
{
	size_t end = at, n_marks = 0;

	while (end < s.len &&
		(str_is_digit(s.p[end]) ||
			(strchr(":/.-", s.p[end]) && end + 1 < s.len &&
				end > at && str_is_digit(s.p[end + 1])))) {
		n_marks += !str_is_digit(s.p[end]);
		end++;
	}
	/* 10:15, 2026-11-25, 25.11.2026; not 12.50, not 1-800 */
	if (n_marks == 2 || (n_marks == 1 && end - at <= 5 &&
				    memchr(s.p + at, ':', end - at)))
		return end - at;
	return 0;
}

static void hash_words(struct hash *h, struct str s)
{
	struct buf b = BUF_INIT(TEXT_HASHED + 1);
	bool is_gap = true;

	s = str_sub(s, 0, TEXT_HASHED);
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		size_t n;
		if (c == ' ' || (c >= 9 && c <= 13)) {
			if (!is_gap)
				buf_byte(&b, ' ');
			is_gap = true;
			continue;
		}
		is_gap = false;
		n = str_is_digit(c) && (i == 0 || !str_is_digit(s.p[i - 1]))
			    ? count_time(s, i)
			    : 0;
		if (n) {
			i += n - 1;
			continue;
		}
		buf_byte(&b, (unsigned char)c);
	}
	hash_field(h, str_trim(buf_view(&b)));
	buf_fini(&b);
}

static struct str value_of(struct mail *m, const char *name)
{
	struct str s;

	return mail_value(m, str_c(name), &s) == 0 ? s : STR("");
}

void mail_fingerprint(struct mail *m, unsigned char out[HASH_LEN])
{
	const struct mail_attachment *files;
	size_t n = mail_attachments(m, &files);
	struct hash *h = hash_begin();
	struct str from = value_of(m, "from");
	char space[512];

	hash_field(h, kind_fold(from, space, sizeof(space)));
	hash_words(h, value_of(m, "subject_base"));
	hash_words(h, mail_reply(m));
	for (size_t i = 0; i < n; i++)
		hash_field(h, files[i].sha256);
	hash_end(h, out);
}
