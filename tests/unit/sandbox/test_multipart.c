/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_multipart.c - bodies split anywhere, in either order, and wrong ones. */
#include <unistd.h>

#include <mailmill/file.h>

#include "test.h"

#include "../../../src/sandbox/sandbox.h"

#define TYPE "multipart/form-data; boundary=\"b-1\""
#define JSON_PART                                                              \
	"--b-1\r\nContent-Disposition: form-data; "                            \
	"name=\"entity_content\";\r\n"                                         \
	"Content-Type: application/json\r\n\r\n{\"Title\":\"T\"}\r\n"
#define FILE_PART                                                              \
	"--b-1\r\nContent-Type: application/octet-stream\r\n"                  \
	"Content-Disposition: form-data; name=\"VersionData\"; "               \
	"filename=\"a;b.txt\"\r\n\r\n\r\n--b-\r\n--b\r\n\r\n--x\r\n"
#define WANT "\r\n--b-\r\n--b\r\n\r\n--x"

static struct str read_all(int fd, struct buf *b)
{
	char *to = buf_room(b, 1000);
	ssize_t n = pread(fd, to, 1000, 0);

	return str_n(to, n < 0 ? 0 : (size_t)n);
}

static void check_good(struct str body, size_t split, const char *what)
{
	struct sb_upload *u = sb_upload_new(TYPE);
	AUTO(buf) struct buf b = BUF_INIT(2000);

	sb_upload_add(u, body.p, split);
	sb_upload_add(u, body.p + split, body.len - split);
	is_int(sb_upload_end(u), 0, what);
	is_c(u->bad, "", what);
	is_str(read_all(u->fd, &b), WANT, what);
	is_int(u->len, strlen(WANT), what);
	is_c(u->field, "VersionData", what);
	is_c(u->file_name, "a;b.txt", what);
	is_c(json_string_value(json_object_get(u->entity, "Title")), "T", what);
	sb_upload_free(u);
}

TEST(split_at_every_byte)
{
	static const char *const bodies[] = {
		JSON_PART FILE_PART "--b-1--\r\n",
		FILE_PART JSON_PART "--b-1--",
		"a preamble\r\n" JSON_PART FILE_PART "--b-1--\r\nan epilogue",
	};

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct str body = str_c(bodies[i]);
		for (size_t at = 0; at <= body.len; at++)
			check_good(body, at, "split");
	}
}

TEST(one_byte_at_a_time)
{
	struct str body = STR(JSON_PART FILE_PART "--b-1--\r\n");
	struct sb_upload *u = sb_upload_new(TYPE);

	for (size_t i = 0; i < body.len; i++)
		sb_upload_add(u, body.p + i, 1);
	is_int(sb_upload_end(u), 0, "understood");
	is_int(u->len, strlen(WANT), "whole");
	sb_upload_free(u);
}

TEST(a_large_file_goes_to_disk)
{
	struct sb_upload *u = sb_upload_new(TYPE);
	char *block = mem_new(100000);
	static const char head[] =
		"--b-1\r\nContent-Disposition: form-data; name=\"Body\"; "
		"filename=x\r\n\r\n";
	static const char tail[] = "\r\n" JSON_PART "--b-1--\r\n";

	sb_upload_add(u, head, strlen(head));
	for (int i = 0; i < 100; i++)
		sb_upload_add(u, block, 100000);
	sb_upload_add(u, tail, strlen(tail));
	is_int(sb_upload_end(u), 0, "understood");
	is_int(u->len, 10000000, "whole");
	free(block);
	sb_upload_free(u);
}

TEST(wrong_bodies_are_refused)
{
	static const struct {
		const char *type, *body, *why;
	} rows[] = {
		{ "multipart/form-data", "", "boundary" },
		{ "multipart/form-data; boundary="
		  "12345678901234567890123456789012345678901234567890123456789"
		  "012345678901",
			"", "boundary" },
		{ TYPE, "", "ends before" },
		{ TYPE, "no boundary at all", "ends before" },
		{ TYPE, JSON_PART FILE_PART, "ends before" },
		{ TYPE, JSON_PART "--b-1--\r\n", "binary part is missing" },
		{ TYPE, FILE_PART "--b-1--\r\n", "JSON part is missing" },
		{ TYPE, "--b-1xx\r\n", "CR LF" },
		{ TYPE, FILE_PART FILE_PART JSON_PART "--b-1--",
			"more than one" },
		{ TYPE,
			"--b-1\r\nContent-Disposition: form-data; name=e\r\n"
			"\r\n{\r\n" FILE_PART "--b-1--",
			"expected" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sb_upload *u = sb_upload_new(rows[i].type);
		sb_upload_add(u, rows[i].body, strlen(rows[i].body));
		is_int(sb_upload_end(u), -1, rows[i].why);
		has_text(u->bad, rows[i].why, rows[i].why);
		sb_upload_free(u);
	}
}
