/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_base.c - what the ground floor promises. */
#include <math.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/enc.h>
#include <mailmill/hash.h>
#include <mailmill/id.h>
#include <mailmill/map.h>
#include <mailmill/utf8.h>
#include <mailmill/wire.h>

#include "test.h"

TEST(str_cuts_pieces)
{
	struct str rest = STR("a,,b"), piece;
	int n = 0;

	while (str_cut(&rest, ',', &piece))
		n++;
	is_int(n, 3, "a,,b has three pieces");
	rest = STR("one\r\ntwo\nthree");
	is_true(str_cut_line(&rest, &piece), "first line");
	is_str(piece, "one", "CRLF is dropped");
	is_true(str_cut_line(&rest, &piece), "second line");
	is_str(piece, "two", "LF is dropped");
	is_true(str_cut_line(&rest, &piece), "third line");
	is_str(piece, "three", "an end without LF is a line");
	is_false(str_cut_line(&rest, &piece), "then it ends");
}

TEST(str_reads_numbers)
{
	static const struct {
		const char *name, *in;
		int rc;
		uint64_t out;
	} rows[] = {
		{ "zero", "0", 0, 0 },
		{ "largest", "18446744073709551615", 0, UINT64_MAX },
		{ "one more overflows", "18446744073709551616", -1, 0 },
		{ "empty is none", "", -1, 0 },
		{ "a sign is none", "-1", -1, 0 },
		{ "a blank is none", " 1", -1, 0 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t v = 0;
		is_int(str_to_u64(str_c(rows[i].in), UINT64_MAX, &v),
			rows[i].rc, rows[i].name);
		is_true(v == rows[i].out, rows[i].name);
	}
}

TEST(str_finds_the_nearest_name)
{
	static const char *const names[] = { "header", "address", "envelope" };

	is_int(str_nearest(STR("heder"), names, 3), 0, "a letter missing");
	is_int(str_nearest(STR("adress"), names, 3), 1, "a double letter");
	is_int(str_nearest(STR("quux"), names, 3), -1, "nothing near");
	is_int(str_nearest(STR("feild"),
		       (const char *const[]){ "find", "field" }, 2),
		1, "swapped letters are one mistake");
	is_int(str_nearest(STR("x"), names, 3), -1, "one letter is near none");
}

TEST(buf_stops_at_its_limit)
{
	AUTO(buf) struct buf b = BUF_INIT(4);

	is_int(buf_c(&b, "abcd"), 0, "the limit itself fits");
	is_int(buf_byte(&b, 'e'), -1, "one more does not");
	is_true(buf_is_over(&b), "and is remembered");
	is_str(buf_view(&b), "abcd", "what was there stays");
	buf_clear(&b);
	is_int(buf_printf(&b, "%d", 1234), 0, "printing fills it");
	is_int(buf_printf(&b, "%d", 5), -1, "printing stops too");
}

TEST(arena_keeps_what_it_gave)
{
	AUTO(arena) struct arena *a = arena_new();
	char *first = arena_strdup(a, "first");

	for (int i = 0; i < 10000; i++)
		memset(arena_alloc(a, (size_t)i % 5000), i, (size_t)i % 5000);
	is_c(first, "first", "blocks do not move");
	arena_reset(a);
	is_int(arena_used(a), 0, "reset forgets");
	is_int(*(char *)arena_alloc(a, 1), 0, "and gives zeroed memory again");
}

TEST(map_holds_many)
{
	AUTO(map) struct map *m = map_new();
	size_t at = 0, n = 0;
	struct str key;
	char text[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "key%d", i);
		map_set(m, str_c(text), m);
	}
	for (int i = 0; i < 5000; i += 2) {
		snprintf(text, sizeof(text), "key%d", i);
		is_true(map_del(m, str_c(text)) == m, "removes what is there");
	}
	is_int(map_count(m), 2500, "half is left");
	is_true(map_get(m, STR("key1")) == m, "odd ones are there");
	is_true(map_get(m, STR("key2")) == NULL, "even ones are gone");
	while (map_next(m, &at, &key, NULL)) {
		map_del(m, key);
		n++;
	}
	is_int(n, 2500, "a walk that removes meets all");
	is_true(map_set(m, STR(""), m) == NULL, "the empty key is a key");
	is_true(map_get(m, STR("")) == m, "and is found");
}

TEST(clock_reads_what_it_writes)
{
	static const struct {
		const char *name, *in;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{ "epoch", "1970-01-01T00:00:00Z", 0 },
		{ "leap day", "2024-02-29T12:00:00.5Z", 1709208000500 },
		{ "offset", "2026-11-24T22:36:46.123+01:00", 1795556206123 },
		{ "30 February", "2026-02-30T00:00:00Z", -1 },
		{ "no zone", "2026-02-20T00:00:00", -1 },
		{ "hour 24", "2026-02-20T24:00:00Z", -1 },
	};
	char text[CLOCK_TEXT_MAX];
	int64_t ms;

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = -1;
		if (clock_parse_rfc3339(str_c(rows[i].in), &got))
			got = -1;
		is_int(got, rows[i].ms, rows[i].name);
	}
	is_c(clock_text(1795556206123, text), "2026-11-24T21:36:46.123Z",
		"written in UTC");
	is_int(clock_parse_span(STR("90s"), &ms), 0, "a span");
	is_int(ms, 90000, "in milliseconds");
	is_int(clock_parse_span(STR("90"), &ms), -1, "needs its unit");
}

TEST(enc_goes_there_and_back)
{
	static const struct {
		const char *plain, *b64;
	} rows[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf there = BUF_INIT(64), back = BUF_INIT(64);
		enc_base64(&there, str_c(rows[i].plain));
		is_str(buf_view(&there), rows[i].b64, "RFC 4648 section 10");
		is_int(enc_unbase64(&back, buf_view(&there)), 0, "reads it");
		is_str(buf_view(&back), rows[i].plain, "the same again");
	}
	AUTO(buf) struct buf p = BUF_INIT(64), q = BUF_INIT(64);
	enc_percent(&p, STR("a b/\xc3\xbc"));
	is_str(buf_view(&p), "a%20b%2F%C3%BC", "percent");
	is_int(enc_unpercent(&q, STR("a+b%2f%zz%4"), true), 0, "a form");
	is_str(buf_view(&q), "a b/%zz%4", "bad escapes stay");
}

TEST(hash_is_sha256)
{
	unsigned char digest[HASH_LEN];
	char text[HASH_HEX_LEN + 1];

	hash_bytes(STR("abc"), digest);
	hash_hex(digest, text);
	is_c(text,
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
		"ad",
		"FIPS 180-4 example");
}

TEST(ids_ascend)
{
	struct id last = id_new(), parsed;

	for (int i = 0; i < 10000; i++) {
		struct id next = id_new();
		if (strcmp(next.text, last.text) <= 0) {
			is_c(next.text, last.text, "must be above");
			break;
		}
		last = next;
	}
	is_int(last.text[14], '7', "version 7");
	is_int(id_parse(str_c(last.text), &parsed), 0, "reads its own form");
	is_int(id_parse(STR("nonsense"), &parsed), -1, "and no other");
}

TEST(utf8_knows_good_from_bad)
{
	static const struct {
		const char *name, *in, *mended;
	} rows[] = {
		{ "ascii", "hello, world", "hello, world" },
		{ "umlaut", "J\xc3\xbcrgen", "J\xc3\xbcrgen" },
		{ "overlong", "a\xc0\x80z", "a\xef\xbf\xbdz" },
		{ "surrogate", "\xed\xa0\x80", "\xef\xbf\xbd" },
		{ "cut", "a\xe2\x82", "a\xef\xbf\xbd" },
		{ "latin-1", "J\xfcrgen", "J\xef\xbf\xbdrgen" },
	};
	AUTO(arena) struct arena *a = arena_new();

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str mended = utf8_mend(a, str_c(rows[i].in));
		is_str(mended, rows[i].mended, rows[i].name);
		is_true(utf8_is_valid(mended), rows[i].name);
	}
	is_str(utf8_cut(STR("a\xc3\xbc"), 2), "a", "no half character");
	is_int(utf8_count_utf16(STR("\xf0\x9f\x98\x80")), 2, "a pair");
	is_str(utf8_cut_utf16(STR("x\xf0\x9f\x98\x80"), 2), "x", "whole pairs");
}

TEST(wire_never_reads_past_the_end)
{
	AUTO(buf) struct buf b = BUF_INIT(100);
	struct wire_in w;

	wire_u8(&b, 7);
	wire_u32(&b, 1u << 31);
	wire_u64(&b, UINT64_MAX);
	wire_str(&b, STR("text"));
	w = (struct wire_in){ buf_view(&b), false };
	is_int(wire_get_u8(&w), 7, "u8");
	is_int(wire_get_u32(&w), 1u << 31, "u32");
	is_true(wire_get_u64(&w) == UINT64_MAX, "u64");
	is_str(wire_get_str(&w), "text", "string");
	is_true(wire_is_done(&w), "all read");
	is_int(wire_get_u8(&w), 0, "more is zero");
	is_true(w.is_bad, "and told");
	for (size_t len = 0; len < b.len; len++) {
		w = (struct wire_in){ str_sub(buf_view(&b), 0, len), false };
		wire_get_u8(&w);
		wire_get_u32(&w);
		wire_get_u64(&w);
		wire_get_str(&w);
		is_false(wire_is_done(&w), "each cut is noticed");
	}
	w = (struct wire_in){ STR("\xff\xff\xff\xff"), false };
	is_int(wire_get_count(&w, 1), 0, "a forged count is none");
}

static void keep_line(enum log_level level, const char *line, void *ctx)
{
	struct buf *b = ctx;

	(void)level;
	buf_clear(b);
	buf_c(b, line);
}

TEST(no_input_forges_or_paints_a_line)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "text", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "a line end", "a\r\nb", "a\\x0d\\x0ab" },
		{ "an escape", "\x1b[2J", "\\x1b[2J" },
		{ "a control of two bytes", "\xc2\x9b", "\\xc2\\x9b" },
		{ "text from right to left", "\xe2\x80\xae",
			"\\xe2\\x80\\xae" },
		{ "a byte that is no text", "\x9b!", "\\x9b!" },
		{ "the end of a value", "a\" item=\"7", "a' item='7" },
	};
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf line = BUF_INIT(1000);

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *want = arena_printf(
			a, "test.line is=\"%s\"", rows[i].want);

		log_sink(keep_line, &line);
		log_event(LOG_INFO, "test.line", "is=\"%.*s\"",
			STR_ARG(log_quoted(a, str_c(rows[i].text))));
		log_sink(test_on_log, NULL);
		is_str(buf_view(&line), want, rows[i].name);
	}
	is_str(log_address(a, STR("\"a> item=1\"@x.org")), "?a??item=1?@x.org",
		"an address is one word");
	is_true(log_address(a, STR_NULL).len == 0, "nobody is nobody");
}
