/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file.c - files of records: ContentVersion, streamed from the stored mail.
 *
 * One upload a content a record: the key is made of the record's id and the
 * content's hash, so a logo that comes with each reply is there once. Where
 * ContentVersion has the key field, it is written and looked up; where it is
 * unique, Salesforce itself refuses a second one. Without it, links of the
 * record are compared by title and size, each link standing for one upload.
 * Uploads of one job go one after the other, those of several side by side.
 */
#include "client.h"

#include <mailmill/decode.h>
#include <mailmill/enc.h>
#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/log.h>
#include <mailmill/utf8.h>

#define PIECE ((size_t)64 << 10)
#define LOOK_MAX 130	  /* keys or links of one query */
#define BYTES_A_MS_MIN 50 /* slower lines end an upload */
#define TITLE_MAX 255
#define PATH_MAX_UNITS 500

struct upload {
	struct sf_job *job;
	struct sf_file *file;
	struct httpc_part parts[2];
	struct decode decode;
	uint64_t at, n_given; /* encoded bytes read, decoded bytes given */
	uint64_t n_skipped;   /* decoded bytes before the file's own */
	char raw[PIECE], plain[PIECE + DECODE_EXTRA];
	size_t plain_len, plain_at;
	bool is_at_end, is_broken;
};

void sf_file_key(struct str record_id, struct str sha256, char out[64 + 1])
{
	struct hash *h = hash_begin();
	unsigned char digest[HASH_LEN];

	/* 15 letters are the id, the rest is a checksum */
	hash_field(h, str_sub(record_id, 0, 15));
	hash_field(h, sha256);
	hash_end(h, digest);
	hash_hex(digest, out);
}

/* ---- bytes ------------------------------------------------------------ */

static ssize_t give_literal(struct upload *u, char *p, size_t len)
{
	struct str rest = str_sub(
		u->file->file.literal, (size_t)u->n_given, len);

	if (rest.len > 0)
		memcpy(p, rest.p, rest.len);
	u->n_given += rest.len;
	return (ssize_t)rest.len;
}

static int refill(struct upload *u)
{
	const struct plan_file *f = &u->file->file;
	size_t want = (size_t)MIN((uint64_t)PIECE, f->len - u->at);
	ssize_t got = 0;

	if (want > 0)
		got = file_pread_all(
			u->job->job->fd, u->raw, want, f->offset + u->at);
	if (got < 0 || (size_t)got != want)
		return -1;
	u->plain_at = 0;
	u->at += want;
	if (want > 0) {
		u->plain_len = decode_feed(
			&u->decode, str_n(u->raw, want), u->plain);
		return 0;
	}
	u->plain_len = decode_end(&u->decode, u->plain);
	u->is_at_end = true;
	return 0;
}

/* Passes over what stands before a file that is packed in another. */
static void skip_bytes(struct upload *u)
{
	uint64_t left = u->file->file.skip - u->n_skipped;
	size_t n = (size_t)MIN(left, (uint64_t)(u->plain_len - u->plain_at));

	u->plain_at += n;
	u->n_skipped += n;
}

static ssize_t give_bytes(void *ctx, char *p, size_t len)
{
	struct upload *u = ctx;
	size_t n;

	if (u->file->file.is_literal)
		return give_literal(u, p, len);
	while (u->plain_at == u->plain_len && !u->is_at_end) {
		if (refill(u)) {
			u->is_broken = true;
			return -1;
		}
		skip_bytes(u);
	}
	n = MIN(len, u->plain_len - u->plain_at);
	/* and over what stands behind it */
	if (u->file->file.skip)
		n = (size_t)MIN((uint64_t)n, u->file->file.size - u->n_given);
	if (n > 0)
		memcpy(p, u->plain + u->plain_at, n);
	u->plain_at += n;
	u->n_given += n;
	/* the size was announced; another one would break the request */
	u->is_broken = u->n_given > u->file->file.size ||
		       (n == 0 && u->n_given < u->file->file.size);
	return u->is_broken ? -1 : (ssize_t)n;
}

static void rewind_upload(struct sf_call *c)
{
	struct upload *u = c->ctx;

	u->at = u->n_given = u->n_skipped = 0;
	u->plain_len = u->plain_at = 0;
	u->is_at_end = u->is_broken = false;
	decode_init(&u->decode, decode_kind(u->file->file.encoding));
}

/* ---- uploads ---------------------------------------------------------- */

static const struct sf_object *version_of(const struct sf_job *j)
{
	return sf_describe_get(j->sf, STR("ContentVersion"));
}

static void skip_file(struct sf_job *j, const struct sf_file *f,
	const char *why, struct str words)
{
	sf_note(&j->notes, "file %.*s: %s%.*s",
		STR_ARG(utf8_cut(f->file.name, 200)), why, STR_ARG(words));
	log_event(LOG_WARN, "target.file",
		"target=%s delivery=%lld skipped=\"%s%.*s\"", j->sf->base.name,
		(long long)j->job->delivery, why,
		STR_ARG(log_quoted(j->job->arena, words)));
}

static void next_file(struct sf_job *j)
{
	j->at_file++;
	sf_files_go(j);
}

static void on_upload(struct sf_call *c)
{
	struct upload *u = c->ctx;
	struct sf_job *j = u->job;
	struct sf_file *f = u->file;
	bool is_broken = u->is_broken;
	enum sf_class class = c->is_good ? SF_DONE : c->fail.class;

	c->sf->n_uploads--;
	free(u);
	if (is_broken) {
		skip_file(j, f, "its bytes are not those that were announced",
			STR_NULL);
		next_file(j);
		return;
	}
	switch (class) {
	case SF_DONE:
		f->is_done = true;
		next_file(j);
		return;
	case SF_LOOK:
		f->is_done = str_find_case(c->fail.reason,
				     str_c(j->sf->conf.key_field)) >= 0;
		if (!f->is_done)
			skip_file(j, f, "refused: ", c->fail.reason);
		next_file(j);
		return;
	case SF_NEVER:
	case SF_SPLIT:
		skip_file(j, f, "refused: ", c->fail.reason);
		next_file(j);
		return;
	case SF_OPERATOR:
		sf_job_park(j, str_c(arena_printf(j->job->arena,
				       "file %.*s: %.*s", STR_ARG(f->file.name),
				       STR_ARG(c->fail.reason))));
		return;
	case SF_AGAIN:
	case SF_LATER:
	case SF_AUTH:
	case SF_HALTED:
		sf_job_failed(j, &c->fail);
		return;
	}
}

/* What stands in the type goes into a header of the part. */
static const char *type_of(struct arena *a, struct str type)
{
	if (type.len == 0 || type.len > 200 || str_chr(type, '/') <= 0)
		return "application/octet-stream";
	for (size_t i = 0; i < type.len; i++)
		if (type.p[i] < ' ' || type.p[i] > '~')
			return "application/octet-stream";
	return arena_printf(a, "%.*s", STR_ARG(type));
}

static struct str write_json(
	struct sf_call *c, const struct sf_job *j, const struct sf_file *f)
{
	AUTO(buf) struct buf out = BUF_INIT(65536);
	struct str id = j->records[f->record].id;
	const struct sf_object *o = version_of(j);
	char key[64 + 1];

	buf_c(&out, "{\"Title\":");
	sf_json_str(&out, utf8_cut_utf16(f->file.name, TITLE_MAX));
	buf_c(&out, ",\"PathOnClient\":");
	sf_json_str(&out, utf8_cut_utf16(f->file.name, PATH_MAX_UNITS));
	buf_c(&out, ",\"FirstPublishLocationId\":");
	sf_json_str(&out, id);
	if (o && o->key != SF_KEY_NONE) {
		sf_file_key(id, f->file.sha256, key);
		buf_printf(&out, ",\"%s\":\"%s\"", j->sf->conf.key_field, key);
	}
	buf_byte(&out, '}');
	return arena_str(c->arena, buf_view(&out));
}

static void send_upload(struct sf_job *j)
{
	struct sf *sf = j->sf;
	struct upload *u = NEW(struct upload);
	char *path = mem_printf("/services/data/%s/sobjects/ContentVersion",
		sf->conf.api_version);
	struct sf_call *c = sf_call_new(sf, "POST", path, on_upload, u);

	free(path);
	u->job = j;
	u->file = &j->files[j->at_file];
	u->parts[0] = (struct httpc_part){ .name = "entity_content",
		.type = "application/json",
		.data = write_json(c, j, u->file) };
	u->parts[1] = (struct httpc_part){ .name = "VersionData",
		.type = type_of(c->arena, u->file->file.type),
		.filename = arena_printf(
			c->arena, "%.*s", STR_ARG(u->file->file.name)),
		.read = give_bytes,
		.ctx = u,
		.size = u->file->file.size };
	c->rewind = rewind_upload;
	c->fault_before = "target.upload.before";
	c->fault_after = "target.upload.after";
	sf_call_header(
		c, "Sforce-Call-Options: client=mailmill/" MAILMILL_VERSION);
	c->http.parts = u->parts;
	c->http.n_parts = 2;
	c->http.is_once = true;
	c->http.timeout_ms += (int64_t)(u->file->file.size / BYTES_A_MS_MIN);
	sf->n_uploads++;
	sf_call_send(c);
}

/* ---- what is there already -------------------------------------------- */

static size_t count_of(const struct sf_job *j)
{
	return MIN(j->n_files - j->look_at, LOOK_MAX);
}

static void take_keys(struct sf_job *j, const json_t *rows)
{
	AUTO(map) struct map *seen = map_new();
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		struct str key = str_c(json_string_value(
			json_object_get(row, j->sf->conf.key_field)));

		map_set(seen, key, seen);
	}
	for (i = j->look_at; i < j->look_at + count_of(j); i++) {
		char key[64 + 1];

		sf_file_key(j->records[j->files[i].record].id,
			j->files[i].file.sha256, key);
		if (map_get(seen, str_c(key)))
			j->files[i].is_done = true;
	}
}

/*
 * Each link stands for one file, those of this try too: a second of the same
 * name and size must not be taken for there. `taken` has room for count_of().
 */
static void take_link(struct sf_job *j, const json_t *row, bool *taken)
{
	const json_t *document = json_object_get(row, "ContentDocument");
	struct str id = str_c(
		json_string_value(json_object_get(row, "LinkedEntityId")));
	struct str title = str_c(
		json_string_value(json_object_get(document, "Title")));
	json_int_t size = json_integer_value(
		json_object_get(document, "ContentSize"));

	for (size_t i = j->look_at; i < j->look_at + count_of(j); i++) {
		struct sf_file *f = &j->files[i];
		bool was_skipped = i < j->at_file && !f->is_done;

		if (taken[i - j->look_at] || was_skipped ||
			(json_int_t)f->file.size != size ||
			!str_eq(utf8_cut_utf16(f->file.name, TITLE_MAX),
				title) ||
			!str_eq(str_sub(j->records[f->record].id, 0, 15),
				str_sub(id, 0, 15)))
			continue;
		f->is_done = taken[i - j->look_at] = true;
		return;
	}
}

static void on_look(struct sf_call *c)
{
	struct sf_job *j = c->ctx;
	const json_t *rows = json_object_get(c->json, "records"), *row;
	const struct sf_object *o = version_of(j);
	bool taken[LOOK_MAX] = { false };
	size_t i;

	if (!c->is_good) {
		if (c->fail.class == SF_NEVER)
			c->fail.class = SF_OPERATOR;
		sf_job_failed(j, &c->fail);
		return;
	}
	if (o && o->key != SF_KEY_NONE)
		take_keys(j, rows);
	else
		json_array_foreach(rows, i, row) take_link(j, row, taken);
	j->look_at += count_of(j);
	j->files_looked = j->look_at >= j->n_files;
	sf_files_go(j);
}

static void write_look(struct buf *soql, const struct sf_job *j)
{
	const struct sf_object *o = version_of(j);
	const char *key_field = j->sf->conf.key_field;
	AUTO(map) struct map *seen = map_new();
	bool has_key = o && o->key != SF_KEY_NONE, is_first = true;

	if (has_key)
		buf_printf(soql,
			"SELECT Id, %s FROM ContentVersion WHERE %s IN (",
			key_field, key_field);
	else
		buf_c(soql,
			"SELECT LinkedEntityId, ContentDocument.Title, "
			"ContentDocument.ContentSize FROM ContentDocumentLink "
			"WHERE LinkedEntityId IN (");
	for (size_t i = j->look_at; i < j->look_at + count_of(j); i++) {
		struct str id = j->records[j->files[i].record].id;
		char key[64 + 1];

		sf_file_key(id, j->files[i].file.sha256, key);
		if (!has_key && map_set(seen, id, seen))
			continue;
		if (!is_first)
			buf_byte(soql, ',');
		is_first = false;
		sf_soql_text(soql, has_key ? str_c(key) : id);
	}
	buf_byte(soql, ')');
}

static void look(struct sf_job *j)
{
	AUTO(buf) struct buf soql = BUF_INIT(65536);
	AUTO(buf) struct buf path = BUF_INIT(65536);

	write_look(&soql, j);
	buf_printf(
		&path, "/services/data/%s/query?q=", j->sf->conf.api_version);
	enc_percent(&path, buf_view(&soql));
	must(!buf_is_over(&path));
	sf_call_send(sf_call_new(j->sf, "GET", path.p, on_look, j));
}

/* ---- the job's files -------------------------------------------------- */

static void add_file(struct sf_job *j, size_t record, const struct plan_file *f)
{
	const struct sf_object *o = version_of(j);

	/* an id that a plan gave goes into URLs and queries */
	if (!sf_is_id(j->records[record].id) || f->size == 0) {
		struct sf_file skipped = { .record = record, .file = *f };

		skip_file(j, &skipped,
			f->size == 0 ? "is empty"
				     : "its record's id is not known",
			STR_NULL);
		return;
	}
	for (size_t i = 0; i < j->n_files; i++)
		if (j->files[i].record == record && f->sha256.len > 0 &&
			str_eq(j->files[i].file.sha256, f->sha256))
			return;
	/* an older record may have this content from an earlier mail */
	if (!j->records[record].is_new && o && o->key != SF_KEY_NONE)
		j->may_have_files = true;
	j->files[j->n_files++] = (struct sf_file){ .record = record,
		.file = *f };
}

/* Texts that were cut come first: they are what the mail says. */
static void collect(struct sf_job *j)
{
	const struct plan *plan = j->job->plan;
	size_t n = j->notes.n_files;

	for (size_t i = 0; i < plan->n_records; i++)
		n += plan->records[i].n_files;
	j->files = arena_array(j->job->arena, MAX(n, 1), sizeof(*j->files));
	for (size_t i = 0; i < j->notes.n_files; i++)
		add_file(j, j->notes.files[i].record, &j->notes.files[i].file);
	for (size_t i = 0; i < plan->n_records; i++)
		for (size_t k = 0; k < plan->records[i].n_files; k++)
			add_file(j, i, &plan->records[i].files[k]);
	j->has_files = true;
}

void sf_files_go(struct sf_job *j)
{
	if (!j->has_files)
		collect(j);
	while (j->at_file < j->n_files && j->files[j->at_file].is_done)
		j->at_file++;
	if (j->at_file == j->n_files) {
		sf_job_end(j, TARGET_DONE, 0, STR_NULL);
		return;
	}
	if (j->may_have_files && !j->files_looked) {
		if (j->look_at >= j->n_files)
			j->look_at = 0;
		look(j);
		return;
	}
	list_del(&j->link);
	list_add(&j->sf->uploads, &j->link);
}

void sf_files_tick(struct sf *sf)
{
	size_t most = MAX((size_t)sf->conf.calls_max / 2, 1);
	struct sf_job *j;

	while (sf->n_uploads < most &&
		(j = LIST_FIRST(&sf->uploads, struct sf_job, link))) {
		list_del(&j->link);
		send_upload(j);
	}
}
