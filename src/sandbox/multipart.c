/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * multipart.c - multipart/form-data as it comes: JSON to memory, files to disk.
 *
 * What was not yet understood is held; of a body only as much as could be the
 * beginning of a delimiter. So memory stays small whatever the file's size, and
 * bytes may come split anywhere.
 */
#include <openssl/evp.h>
#include <stdio.h>

#include <mailmill/file.h>

#include "sandbox.h"

#define BOUNDARY_MAX 70
#define HEADERS_MAX 16384
#define JSON_MAX (1u << 20)
#define PARTS_MAX 16

enum state {
	PREAMBLE,
	AFTER,
	HEADERS,
	BODY,
	EPILOGUE
};

struct sb_multipart {
	enum state state;
	char delimiter[BOUNDARY_MAX + 8];
	size_t delimiter_len;
	struct buf held;
	bool is_file; /* the part being read */
	bool is_json;
	bool has_json;
	int n_parts;
	EVP_MD_CTX *md5;
};

static void fail(struct sb_upload *u, const char *why)
{
	if (!u->bad[0])
		snprintf(u->bad, sizeof(u->bad), "%s", why);
}

/* Lends the value of name=value or name="value" in a header. */
static struct str parameter(struct str header, const char *name)
{
	struct str rest = header, piece;

	while (str_cut(&rest, ';', &piece)) {
		ssize_t equals = str_chr(piece, '=');
		struct str value;
		if (equals < 0 || !str_eq_case(str_trim(str_sub(piece, 0,
						       (size_t)equals)),
					  str_c(name)))
			continue;
		value = str_trim(str_sub(piece, (size_t)equals + 1, SIZE_MAX));
		if (value.len >= 2 && value.p[0] == '"') {
			/* A quoted value may hold semicolons. */
			size_t at = (size_t)(value.p + 1 - header.p);
			value = str_sub(header, at, header.len);
			ssize_t quote = str_chr(value, '"');
			if (quote < 0)
				return STR_NULL;
			value = str_sub(value, 0, (size_t)quote);
		}
		return value;
	}
	return STR_NULL;
}

struct sb_upload *sb_upload_new(const char *content_type)
{
	struct sb_upload *u = NEW(struct sb_upload);
	struct sb_multipart *m = NEW(struct sb_multipart);
	struct str boundary = parameter(str_c(content_type), "boundary");

	u->fd = -1;
	u->parser = m;
	buf_init(&u->json, JSON_MAX);
	buf_init(&m->held, 1u << 20);
	if (!boundary.len || boundary.len > BOUNDARY_MAX)
		fail(u, "the boundary is missing or longer than 70 characters");
	m->delimiter_len = (size_t)snprintf(m->delimiter, sizeof(m->delimiter),
		"\r\n--%.*s", STR_ARG(str_sub(boundary, 0, BOUNDARY_MAX)));
	/* So that a delimiter at the very beginning looks as all others. */
	buf_add(&m->held, "\r\n", 2);
	return u;
}

static void begin_file(struct sb_upload *u, struct str name, struct str file)
{
	struct err err;

	if (u->has_file) {
		fail(u, "more than one binary part");
		return;
	}
	u->has_file = true;
	snprintf(u->field, sizeof(u->field), "%.*s", STR_ARG(name));
	snprintf(u->file_name, sizeof(u->file_name), "%.*s", STR_ARG(file));
	u->fd = file_temp(NULL, &err);
	u->parser->md5 = EVP_MD_CTX_new();
	must(u->parser->md5 &&
		EVP_DigestInit_ex(u->parser->md5, EVP_md5(), NULL));
	if (u->fd < 0)
		fail(u, "the sandbox cannot make a temporary file");
}

static void begin_part(struct sb_upload *u, struct str headers)
{
	struct sb_multipart *m = u->parser;
	struct str line, disposition = STR_NULL, name;
	bool has_name;

	while (str_cut_line(&headers, &line))
		if (str_starts_case(line, STR("content-disposition:")))
			disposition = str_sub(line, 20, line.len);
	name = parameter(disposition, "name");
	has_name = parameter(disposition, "filename").p != NULL;
	m->is_file = has_name;
	m->is_json = !has_name && !m->has_json;
	m->has_json |= m->is_json;
	if (++m->n_parts > PARTS_MAX)
		fail(u, "too many parts");
	if (has_name)
		begin_file(u, name, parameter(disposition, "filename"));
}

static void add_body(struct sb_upload *u, const char *p, size_t n)
{
	struct sb_multipart *m = u->parser;

	if (n == 0 || m->state == PREAMBLE)
		return;
	if (m->is_json) {
		if (buf_add(&u->json, p, n) < 0)
			fail(u, "the JSON part is too long");
	} else if (m->is_file && u->fd >= 0 && !u->bad[0]) {
		if (file_write_all(u->fd, p, n) < 0)
			fail(u, "the sandbox cannot write a temporary file");
		EVP_DigestUpdate(m->md5, p, n);
		u->len += n;
		if (u->len > SB_FILE_MAX)
			fail(u, "the file is larger than 2 GB");
	}
}

/* Each step tells whether it got on. */
static bool step_body(struct sb_upload *u)
{
	struct sb_multipart *m = u->parser;
	struct str delimiter = str_n(m->delimiter, m->delimiter_len);
	ssize_t at = str_find(buf_view(&m->held), delimiter);
	size_t n;

	if (at >= 0) {
		add_body(u, m->held.p, (size_t)at);
		buf_shift(&m->held, (size_t)at + delimiter.len);
		m->state = AFTER;
		return true;
	}
	if (m->held.len < delimiter.len)
		return false;
	n = m->held.len - (delimiter.len - 1);
	add_body(u, m->held.p, n);
	buf_shift(&m->held, n);
	return false;
}

static bool step_after(struct sb_upload *u)
{
	struct sb_multipart *m = u->parser;
	struct str held = buf_view(&m->held);
	size_t n = 0;

	if (held.len < 2)
		return false;
	if (str_starts(held, STR("--"))) {
		m->state = EPILOGUE;
		return true;
	}
	while (n < held.len && (held.p[n] == ' ' || held.p[n] == '\t'))
		n++;
	if (held.len - n < 2 && n < HEADERS_MAX)
		return false;
	if (!str_starts(str_sub(held, n, 2), STR("\r\n"))) {
		fail(u, "a boundary must end its line with CR LF");
		return false;
	}
	/* The line end stays: it may be the one of empty headers. */
	buf_shift(&m->held, n);
	m->state = HEADERS;
	return true;
}

static bool step_headers(struct sb_upload *u)
{
	struct sb_multipart *m = u->parser;
	ssize_t at = str_find(buf_view(&m->held), STR("\r\n\r\n"));

	if (at < 0) {
		if (m->held.len > HEADERS_MAX)
			fail(u, "the headers of a part are too long");
		return false;
	}
	begin_part(u, str_sub(buf_view(&m->held), 0, (size_t)at));
	/* Leave CR LF, so that a delimiter right behind is found. */
	buf_shift(&m->held, (size_t)at + 4);
	m->state = BODY;
	return true;
}

static bool step(struct sb_upload *u)
{
	switch (u->parser->state) {
	case PREAMBLE:
	case BODY:
		return step_body(u);
	case AFTER:
		return step_after(u);
	case HEADERS:
		return step_headers(u);
	case EPILOGUE:
		buf_clear(&u->parser->held);
		break;
	}
	return false;
}

void sb_upload_add(struct sb_upload *u, const char *p, size_t n)
{
	struct sb_multipart *m = u->parser;

	while (n > 0 && !u->bad[0]) {
		size_t piece = MIN(n, 512u << 10);
		if (buf_add(&m->held, p, piece) < 0) {
			fail(u, "a part is malformed");
			return;
		}
		p += piece;
		n -= piece;
		while (!u->bad[0] && step(u))
			;
	}
}

int sb_upload_end(struct sb_upload *u)
{
	struct sb_multipart *m = u->parser;
	json_error_t je;

	if (m->md5)
		EVP_DigestFinal_ex(m->md5, u->md5, NULL);
	if (m->state != EPILOGUE)
		fail(u, "the body ends before its last boundary");
	if (!m->has_json)
		fail(u, "the JSON part is missing");
	if (!u->has_file)
		fail(u, "the binary part is missing, or has no filename");
	if (u->bad[0])
		return -1;
	u->entity = json_loadb(u->json.p ? u->json.p : "", u->json.len, 0, &je);
	if (!u->entity)
		fail(u, je.text);
	return u->entity ? 0 : -1;
}

void sb_upload_free(struct sb_upload *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
	json_decref(u->entity);
	buf_fini(&u->json);
	buf_fini(&u->parser->held);
	EVP_MD_CTX_free(u->parser->md5);
	free(u->parser);
	free(u);
}
