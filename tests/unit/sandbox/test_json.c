/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_json.c - our reader of JSON agrees with jansson's. */
#include "test.h"

#include "../../../src/sandbox/sandbox.h"

TEST(agrees_with_jansson)
{
	static const char *const texts[] = { "{}", "[]", " [ ] ",
		"{\"a\":1,\"b\":[true,false,null,\"x\"]}",
		"[0,-1,1.5,1e3,-2.5E-3,9223372036854775807]",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"]",
		"[\"12345678901234567890\\n12345678\\\"1234567\\\\\"]",
		"[\"\xc3\xa4\xf0\x9f\x98\x80 eight bytes and more\"]",
		"{\"\":\"\",\"a\":{\"a\":{\"a\":[[[]]]}}}", "{\"a\":1,\"a\":2}",
		"[\"1234567\",\"12345678\",\"123456789\"]",
		/* and on what is none */
		"", " ", "1", "\"x\"", "nul", "[", "{", "{\"a\"",
		"{\"a\":", "{\"a\":1", "{\"a\":1,}", "[1,]", "[1 2]", "{a:1}",
		"[\"x]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u0000\"]",
		"[\"\\ud800\"]", "[\"\\ud800\\u0041\"]", "[\"\xff\xfe\"]",
		"[\"\xc3\"]", "[\"a\nb\"]", "[1e400]", "[+1]", "[.5]", "[-]",
		"[1]x", "[tru]", "[\"\x01\"]", "[\"\xed\xa0\x80\"]" };

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct sb_fail f = { 0 };
		struct str s = str_c(texts[i]);
		AUTO(json) json_t *ours = sb_json_read(s, &f);
		AUTO(json) json_t *theirs = json_loadb(s.p, s.len, 0, NULL);
		is_int(ours != NULL, theirs != NULL, texts[i]);
		if (ours && theirs)
			is_true(json_equal(ours, theirs), texts[i]);
		is_int(f.status, ours ? 0 : 400, texts[i]);
	}
}

TEST(errors_tell_where)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "No content to map to Object due to end of input" },
		{ "{\"a\":}",
			"Unexpected character ('}' (code 125)): expected a "
			"valid value (number, String, array, object, 'true', "
			"'false' or 'null') at [line:1, column:6]" },
		{ "{\n \"a\" 1}",
			"Unexpected character ('1' (code 49)): was expecting a "
			"colon to separate field name and value at [line:2, "
			"column:6]" },
		{ "[1", "Unexpected end-of-input: was expecting comma to "
			"separate ARRAY entries at [line:1, column:3]" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sb_fail f = { 0 };
		is_true(sb_json_read(str_c(rows[i].text), &f) == NULL,
			rows[i].text);
		is_c(f.text, rows[i].want, rows[i].text);
	}
}

TEST(depth_is_bounded)
{
	AUTO(buf) struct buf b = BUF_INIT(200000);
	struct sb_fail f = { 0 };

	for (int i = 0; i < 100000; i++)
		buf_byte(&b, '[');
	is_true(sb_json_read(buf_view(&b), &f) == NULL, "refused");
	has_text(f.text, "too deeply", "for its depth");
}

/* Plain text of every length, so that each way through the eights is gone. */
TEST(strings_of_every_length)
{
	for (size_t n = 0; n < 40; n++) {
		for (int kind = 0; kind < 3; kind++) {
			AUTO(buf) struct buf b = BUF_INIT(200);
			struct sb_fail f = { 0 };
			buf_c(&b, "[\"");
			for (size_t i = 0; i < n; i++)
				buf_byte(&b, 'x');
			buf_c(&b, kind == 0   ? "\"]"
				  : kind == 1 ? "\\n\"]"
					      : "\xc3\xa4\"]");
			AUTO(json) json_t *j = sb_json_read(buf_view(&b), &f);
			is_int(json_string_length(json_array_get(j, 0)),
				n + (size_t)kind, "whole");
		}
	}
}
