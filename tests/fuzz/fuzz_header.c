/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_header.c - values, parameters, addresses, domains, dates, charsets. */
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_addresses(struct arena *a, struct str s)
{
	struct mail_address *list;
	size_t n = mail_addresses(a, s, &list);

	for (size_t i = 0; i < n; i++) {
		must(utf8_is_valid(list[i].name));
		must(utf8_is_valid(list[i].address));
		must(utf8_is_valid(mail_domain_ascii(a, list[i].domain)));
		must(utf8_is_valid(mail_domain_unicode(a, list[i].domain)));
	}
}

static void check_date(struct str s)
{
	int64_t seconds;
	int zone;

	if (mail_date(s, &seconds, &zone) == 0)
		must(zone > -25 * 60 && zone < 25 * 60);
}

/* The first line is a label, the rest a text that has it. */
static void check_text(struct arena *a, struct str s)
{
	struct str label;
	struct mail *m;
	char *raw;

	if (!str_cut_line(&s, &label) || str_chr(label, '"') >= 0)
		return;
	raw = arena_printf(a, "Content-Type: text/plain; charset=\"%.*s\"\n\n",
		STR_ARG(str_sub(label, 0, 80)));
	{
		size_t n = strlen(raw);
		char *all = arena_alloc(a, n + s.len + 1);
		memcpy(all, raw, n);
		if (s.len)
			memcpy(all + n, s.p, s.len);
		m = mail_parse_in(a, str_n(all, n + s.len));
	}
	must(utf8_is_valid(mail_text(m)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str s = str_n((const char *)data, size);

	mail_init();
	must(utf8_is_valid(mail_decode(a, s)));
	must(utf8_is_valid(mail_param(a, s, STR("filename"))));
	must(utf8_is_valid(mail_param(a, s, STR("name"))));
	check_addresses(a, s);
	check_date(s);
	check_text(a, s);
	return 0;
}
