/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_tnef.c - TNEF, RTF, uuencode, yEnc, CMS, armor: what is packed. */
#include <mailmill/utf8.h>

#include "../../src/mail/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tnef(struct arena *a, struct str in)
{
	struct tnef t;

	tnef_read(a, in, &t);
	must(utf8_is_valid(t.text) && utf8_is_valid(t.html));
	for (size_t i = 0; i < t.n_files; i++) {
		must(t.files[i].skip + t.files[i].bytes.len <= in.len);
		must(utf8_is_valid(t.files[i].name));
	}
}

static void check_rtf(struct arena *a, struct str in)
{
	struct str text, html;

	rtf_read(a, in, &text, &html);
	must(utf8_is_valid(text) && utf8_is_valid(html));
}

static void check_packed_rtf(struct arena *a, struct str in)
{
	check_rtf(a, rtf_unpack(a, in));
}

static void check_files(struct arena *a, struct str in)
{
	struct packed_file *files;
	size_t n = uuencode_find(a, in, &files), at = 0;

	for (size_t i = 0; i < n; i++) {
		must(files[i].from >= at && files[i].to > files[i].from);
		must(files[i].to <= in.len);
		must(!files[i].has_place ||
			files[i].offset + files[i].len <= in.len);
		at = files[i].to;
	}
}

static void check_mail(struct arena *a, const char *head, struct str in)
{
	struct buf b = BUF_INIT(in.len + 1000);
	const struct mail_security *list;
	const struct mail_attachment *files;
	struct mail *m;

	buf_c(&b, head);
	buf_str(&b, in);
	m = mail_parse_in(a, buf_view(&b));
	must(utf8_is_valid(mail_text(m)));
	mail_security(m, &list);
	for (size_t i = mail_attachments(m, &files); i-- > 0;) {
		must(files[i].offset + files[i].len <= b.len);
		must(utf8_is_valid(mail_attachment_text(m, &files[i])));
	}
	json_decref(mail_to_json(m));
	buf_fini(&b);
}

static void check_cms(struct arena *a, struct str in)
{
	check_mail(a,
		"Content-Type: application/pkcs7-mime\n"
		"Content-Transfer-Encoding: binary\n\n",
		in);
}

static void check_encoded(struct arena *a, struct str in)
{
	check_mail(a,
		"Content-Type: multipart/mixed; boundary=b\n"
		"Content-Transfer-Encoding: base64\n\n",
		in);
}

static void check_armor(struct arena *a, struct str in)
{
	check_mail(a, "Content-Type: text/plain\n\n", in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct arena *,
		struct str) = { check_tnef, check_rtf, check_packed_rtf,
		check_files, check_cms, check_encoded, check_armor };
	struct arena *a;

	if (size == 0)
		return 0;
	mail_init();
	a = arena_new();
	checks[data[0] % COUNT(checks)](
		a, str_n((const char *)data + 1, size - 1));
	arena_free(a);
	return 0;
}
