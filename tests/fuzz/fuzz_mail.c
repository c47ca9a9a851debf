/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_mail.c - messages, and their fields alone, from hostile bytes. */
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(struct mail *m)
{
	for (struct mail_part *p = mail_root(m); p; p = mail_next(p)) {
		must(p->offset + p->len <= mail_raw(m).len);
		must(utf8_is_valid(mail_part_text(m, p)));
		must(utf8_is_valid(p->filename));
	}
}

static void check_message(struct str raw)
{
	AUTO(mail) struct mail *m = NULL;
	struct err err = { 0 };
	unsigned char id[HASH_LEN];
	json_t *json;

	if (mail_parse(raw, &m, &err) < 0)
		return;
	check_parts(m);
	json = mail_to_json(m);
	must(json);
	json_decref(json);
	mail_kind(m, "");
	mail_identity(m, id);
	for (const char *const *name = mail_value_names(); *name; name++) {
		struct str s;
		if (mail_value(m, str_c(*name), &s) == 0)
			must(utf8_is_valid(s));
	}
}

static void check_fields(struct str s)
{
	AUTO(arena) struct arena *a = arena_new();
	struct mail_address *list;
	size_t n = mail_addresses(a, s, &list);
	int64_t seconds;
	int zone;

	for (size_t i = 0; i < n; i++)
		must(utf8_is_valid(list[i].name) &&
			utf8_is_valid(list[i].address));
	if (mail_date(s, &seconds, &zone) == 0)
		must(zone > -24 * 60 - 60 && zone < 24 * 60 + 60);
	must(utf8_is_valid(mail_html_to_text(a, s)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_n((const char *)data, size);

	mail_init();
	check_message(in);
	check_fields(in);
	return 0;
}
