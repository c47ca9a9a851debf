/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check.c - reads mails as the worker does and checks what must always hold.
 *
 *     check [--tree] [--variants] [--list FILE] [FILE...]
 *
 * For each mail: all text is UTF-8, each part lies within its parent, digests
 * are those of the decoded bytes, the JSON form can be printed, and all of it
 * comes out the same twice. --tree compares the parts with those that GMime's
 * own parser finds; --variants also reads the mail cut at each quarter, with a
 * flipped byte a KB, and with LF and CRLF exchanged.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gmime/gmime.h>
/* GLib has these too */
#undef MIN
#undef MAX

#include <mailmill/file.h>
#include <mailmill/hash.h>
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

#define FILE_MAX ((size_t)256 << 20)
#define SLOW_MS 2000

static struct {
	unsigned mails, variants, bad, defects, tree_same, tree_other;
	int64_t slowest_ms;
	char slowest[256];
} sum;
static const char *now_at; /* the file, for messages */

static void complain(const char *what)
{
	sum.bad++;
	printf("%s: %s\n", now_at, what);
}

static void expect(bool is_so, const char *what)
{
	if (!is_so)
		complain(what);
}

static void check_text(struct str s, const char *what)
{
	expect(utf8_is_valid(s), what);
	expect(!s.len || !memchr(s.p, 0, s.len), what);
}

static void check_part(struct mail *m, struct mail_part *p)
{
	uint64_t end = p->offset + p->len, size = mail_raw(m).len;

	expect(p->header_offset <= p->offset && end <= size,
		"a part is outside of the message");
	if (p->parent)
		expect(p->header_offset >= p->parent->offset &&
				end <= p->parent->offset + p->parent->len,
			"a part is outside of its parent");
	check_text(p->filename, "a file name is not UTF-8");
	check_text(mail_part_text(m, p), "a text part is not UTF-8");
}

static void check_attachments(struct mail *m)
{
	const struct mail_attachment *a;
	size_t n = mail_attachments(m, &a);

	for (size_t i = 0; i < n; i++) {
		struct str bytes = mail_attachment_bytes(m, &a[i]);
		unsigned char digest[HASH_LEN];
		char hex[HASH_HEX_LEN + 1];
		hash_bytes(bytes, digest);
		hash_hex(digest, hex);
		expect(str_eq(a[i].sha256, str_c(hex)), "a digest is wrong");
		expect(a[i].size == bytes.len, "a size is wrong");
		expect(a[i].name.len > 0, "an attachment has no name");
		expect(str_chr(a[i].name, '/') < 0, "a name has a folder");
	}
}

static void check_values(struct mail *m)
{
	for (const char *const *name = mail_value_names(); *name; name++) {
		struct str s;
		if (!strcmp(*name, "header."))
			continue;
		expect(mail_value(m, str_c(*name), &s) == 0, "no such value");
		check_text(s, *name);
	}
}

static char *read_all(struct str raw)
{
	AUTO(mail) struct mail *m = NULL;
	struct err err = { 0 };
	const struct mail_header *h;
	const struct mail_defect *d;
	size_t n;
	json_t *j;
	char *text;

	if (mail_parse(raw, &m, &err) < 0) {
		complain(err.text);
		return NULL;
	}
	h = mail_headers(m, &n);
	for (size_t i = 0; i < n; i++)
		check_text(h[i].value, "a header is not UTF-8");
	for (struct mail_part *p = mail_root(m); p; p = mail_next(p))
		check_part(m, p);
	check_values(m);
	check_attachments(m);
	j = mail_to_json(m);
	text = json_dumps(j, JSON_COMPACT);
	expect(text != NULL, "the JSON form cannot be printed");
	json_decref(j);
	sum.defects += mail_defects(m, &d) > 0;
	return text;
}

static int64_t cpu_ms(void)
{
	return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

static void check_bytes(struct str raw)
{
	int64_t begin = cpu_ms(), ms;
	char *one = read_all(raw), *two = read_all(raw);

	expect(one && two && !strcmp(one, two), "is not the same twice");
	free(one);
	free(two);
	ms = (cpu_ms() - begin) / 2;
	if (ms > sum.slowest_ms) {
		sum.slowest_ms = ms;
		snprintf(sum.slowest, sizeof(sum.slowest), "%s", now_at);
	}
	expect(ms < SLOW_MS, "takes too long");
}

/* ---- GMime's opinion ---- */

struct outline {
	char text[20000];
	size_t len;
};

static void add_line(struct outline *o, int depth, const char *type,
	const char *subtype, int64_t begin, int64_t end)
{
	char line[300];
	int n = snprintf(line, sizeof(line), "%d %.100s/%.100s %lld-%lld\n",
		depth, type, subtype, (long long)begin, (long long)end);

	for (int i = 0; i < n && o->len < sizeof(o->text) - 1; i++)
		o->text[o->len++] = (char)g_ascii_tolower(line[i]);
}

static void outline_gmime(struct outline *o, GMimeObject *obj, int depth)
{
	GMimeContentType *type = g_mime_object_get_content_type(obj);
	int64_t begin = -1, end = -1;

	if (GMIME_IS_PART(obj)) {
		GMimeDataWrapper *w = g_mime_part_get_content(GMIME_PART(obj));
		GMimeStream *s = w ? g_mime_data_wrapper_get_stream(w) : NULL;
		if (s) {
			begin = s->bound_start;
			end = s->bound_end;
		}
	}
	add_line(o, depth, g_mime_content_type_get_media_type(type),
		g_mime_content_type_get_media_subtype(type), begin, end);
	if (GMIME_IS_MULTIPART(obj)) {
		GMimeMultipart *multi = GMIME_MULTIPART(obj);
		for (int i = 0; i < g_mime_multipart_get_count(multi); i++)
			outline_gmime(o, g_mime_multipart_get_part(multi, i),
				depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(obj)) {
		GMimeMessage *inner = g_mime_message_part_get_message(
			GMIME_MESSAGE_PART(obj));
		if (inner && g_mime_message_get_mime_part(inner))
			outline_gmime(o, g_mime_message_get_mime_part(inner),
				depth + 1);
	}
}

static void outline_ours(struct outline *o, struct mail *m)
{
	for (struct mail_part *p = mail_root(m); p; p = mail_next(p)) {
		char type[101], subtype[101];
		bool is_leaf = !p->first && !str_eq(p->type, STR("multipart"));
		snprintf(type, sizeof(type), "%.*s", STR_ARG(p->type));
		snprintf(subtype, sizeof(subtype), "%.*s", STR_ARG(p->subtype));
		add_line(o, (int)p->depth, type, subtype,
			is_leaf ? (int64_t)p->offset : -1,
			is_leaf ? (int64_t)(p->offset + p->len) : -1);
	}
}

static void compare_tree(struct str raw)
{
	static struct outline ours, theirs;
	AUTO(mail) struct mail *m = NULL;
	struct err err = { 0 };
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(
		raw.p ? raw.p : "", raw.len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message;

	ours.len = theirs.len = 0;
	g_mime_parser_set_persist_stream(parser, TRUE);
	if (str_starts(raw, STR("From ")))
		g_mime_parser_set_format(parser, GMIME_FORMAT_MBOX);
	message = g_mime_parser_construct_message(parser, NULL);
	if (message && mail_parse(raw, &m, &err) == 0) {
		outline_ours(&ours, m);
		outline_gmime(
			&theirs, g_mime_message_get_mime_part(message), 0);
		if (ours.len == theirs.len &&
			!memcmp(ours.text, theirs.text, ours.len)) {
			sum.tree_same++;
		} else {
			sum.tree_other++;
			printf("%s: tree\nours:\n%.*sGMime:\n%.*s", now_at,
				(int)MIN(ours.len, 1500), ours.text,
				(int)MIN(theirs.len, 1500), theirs.text);
		}
	}
	if (message)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

/* ---- damaged forms ---- */

static void check_flipped(struct str raw)
{
	char *copy = str_dup(raw);
	uint32_t random = 12345;

	for (size_t i = 0; i < raw.len; i += 1024) {
		random = random * 1664525 + 1013904223;
		copy[i + random % MIN(raw.len - i, 1024)] ^=
			(char)(1 << (random >> 16) % 8);
	}
	check_bytes(str_n(copy, raw.len));
	free(copy);
}

static void check_other_ends(struct str raw)
{
	struct buf b = BUF_INIT(FILE_MAX);
	bool is_crlf = str_find(raw, STR("\r\n")) >= 0;

	for (size_t i = 0; i < raw.len; i++) {
		if (raw.p[i] == '\n' && !is_crlf)
			buf_c(&b, "\r\n");
		else if (raw.p[i] != '\r')
			buf_byte(&b, (unsigned char)raw.p[i]);
	}
	check_bytes(buf_view(&b));
	buf_fini(&b);
}

static void check_file(const char *path, bool with_tree, bool with_variants)
{
	AUTO(buf) struct buf b = BUF_INIT(FILE_MAX);
	struct err err = { 0 };
	struct str raw;

	now_at = path;
	if (file_read(path, &b, &err) < 0) {
		complain(err.text);
		return;
	}
	raw = buf_view(&b);
	sum.mails++;
	check_bytes(raw);
	/* GMime would end the first of several at the next mbox line */
	if (with_tree && str_find(raw, STR("\n\nFrom ")) < 0)
		compare_tree(raw);
	if (!with_variants)
		return;
	sum.variants += 5;
	for (size_t quarters = 1; quarters < 4; quarters++)
		check_bytes(str_sub(raw, 0, raw.len * quarters / 4));
	check_flipped(raw);
	check_other_ends(raw);
}

int main(int argc, char **argv)
{
	bool with_tree = false, with_variants = false;
	char line[4096];

	mail_init();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--tree")) {
			with_tree = true;
		} else if (!strcmp(argv[i], "--variants")) {
			with_variants = true;
		} else if (!strcmp(argv[i], "--list") && i + 1 < argc) {
			FILE *f = fopen(argv[++i], "r");
			while (f && fgets(line, sizeof(line), f)) {
				line[strcspn(line, "\n")] = 0;
				check_file(line, with_tree, with_variants);
			}
			if (f)
				fclose(f);
		} else {
			check_file(argv[i], with_tree, with_variants);
		}
	}
	printf("%u mails, %u variants, %u with defects told, %u complaints; "
	       "slowest %lld ms (%s)\n",
		sum.mails, sum.variants, sum.defects, sum.bad,
		(long long)sum.slowest_ms, sum.slowest);
	if (with_tree)
		printf("tree as GMime's: %u, other: %u\n", sum.tree_same,
			sum.tree_other);
	return sum.bad != 0;
}
