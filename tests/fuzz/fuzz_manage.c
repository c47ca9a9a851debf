/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_manage.c - the ManageSieve session, fed by a hostile client.
 *
 * The first byte says how the rest is cut into pieces, and whether somebody is
 * logged in before it; however it is cut, replies and scripts must be the
 * same. Replies must be lines of this protocol, literals and all.
 */
#include "../unit/manage/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOGIN "AUTHENTICATE \"PLAIN\" \"AGFubgBzZWNyZXQ=\"\r\n"
#define ALL_MAX ((size_t)16 << 20)

/* Everybody is ann, since nobody takes long. */
static const struct manage_account *find(
	void *ctx, struct arena *a, struct str name)
{
	(void)ctx;
	(void)a;
	(void)name;
	return &fake_ann;
}

/* Cuts a string as a server writes it off *rest. */
static void skip_string(struct str *rest)
{
	size_t at = 1;

	must(rest->len > 1);
	if (rest->p[0] == '{') {
		ssize_t end = str_chr(*rest, '}');
		uint64_t n;
		must(end > 0 && str_to_u64(str_n(rest->p + 1, (size_t)end - 1),
					SIZE_MAX, &n) == 0);
		must(str_starts(str_sub(*rest, (size_t)end, 3), STR("}\r\n")));
		must(rest->len >= (size_t)end + 3 + n);
		*rest = str_sub(*rest, (size_t)end + 3 + n, rest->len);
		return;
	}
	must(rest->p[0] == '"');
	while (rest->p[at] != '"') {
		must(rest->p[at] != '\r' && rest->p[at] != '\n');
		at += rest->p[at] == '\\' ? 2 : 1;
		must(at < rest->len);
	}
	*rest = str_sub(*rest, at + 1, rest->len);
}

static void check_replies(struct str rest)
{
	while (rest.len) {
		if (str_starts(rest, STR("<TLS>")))
			rest = str_sub(rest, 5, rest.len);
		while (rest.len && rest.p[0] != '\r') {
			if (rest.p[0] == '"' || rest.p[0] == '{')
				skip_string(&rest);
			else
				rest = str_sub(rest, 1, rest.len);
		}
		must(str_starts(rest, STR("\r\n")));
		rest = str_sub(rest, 2, rest.len);
	}
}

static void run(struct str in, bool is_in, size_t step, struct buf *replies)
{
	struct manage_backend backend = fake_backend;
	struct fake f = { .arena = arena_new(), .told = BUF_INIT(ALL_MAX) };

	backend.find = find;
	f.m = manage_new(&fake_options, true, &backend, &f);
	if (is_in)
		fake_feed(&f, STR(LOGIN), SIZE_MAX, replies);
	must(manage_is_logged_in(f.m) == is_in);
	fake_feed(&f, in, step, replies);
	check_replies(buf_view(replies));
	for (size_t i = 0; i < f.n; i++) {
		must(!manage_name_fault(f.names[i]));
		buf_str(replies, f.sources[i]);
	}
	fake_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf whole = BUF_INIT(ALL_MAX);
	AUTO(buf) struct buf cut = BUF_INIT(ALL_MAX);
	struct str in;
	bool is_in;

	if (size < 2)
		return 0;
	in = str_n((const char *)data + 1, size - 1);
	is_in = data[0] & 0x80;
	run(in, is_in, SIZE_MAX, &whole);
	run(in, is_in, data[0] % 40 + 1, &cut);
	/* its server draws a nonce */
	if (str_find_case(in, STR("scram")) < 0)
		must(str_eq(buf_view(&whole), buf_view(&cut)));
	return 0;
}
