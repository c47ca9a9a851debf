/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_parse.c - mails a second: bare GMime beside mail.h, on the same mails.
 *
 * bench_parse MAIL...: reads them into memory, then in turns
 *   gmime  parses, reads subject and addresses, decodes all text and files
 *   parse  mail_parse() alone
 *   rule   what email-to-case asks: who, subject, ids, kind, text, reply, HTML
 *   whole  all that the worker tells: also attachments' SHA-256 and identity
 *   full   every value that a rule may ask for, attachments, identity
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <gmime/gmime.h>
/* GLib has these too */
#undef MIN
#undef MAX

#include <mailmill/file.h>
#include <mailmill/mail.h>

#define TURN_MS 400
#define TURNS 7 /* of each way; the median counts */
#define MAIL_MAX ((size_t)64 << 20)

static int64_t cpu_ms(void)
{
	return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

/* ---- GMime ---- */

static void decode_part(GMimeObject *parent, GMimeObject *part, gpointer ctx)
{
	(void)parent;
	if (GMIME_IS_TEXT_PART(part)) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
		*(size_t *)ctx += text ? strlen(text) : 0;
		g_free(text);
	} else if (GMIME_IS_PART(part)) {
		GMimeDataWrapper *w = g_mime_part_get_content(GMIME_PART(part));
		GMimeStream *null = g_mime_stream_null_new();
		if (w)
			g_mime_data_wrapper_write_to_stream(w, null);
		g_object_unref(null);
	}
}

static void run_gmime(struct str raw)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(raw.p, raw.len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *m;
	size_t n = 0;

	g_mime_parser_set_persist_stream(parser, TRUE);
	m = g_mime_parser_construct_message(parser, NULL);
	if (m) {
		g_mime_message_get_subject(m);
		internet_address_list_length(g_mime_message_get_from(m));
		internet_address_list_length(g_mime_message_get_to(m));
		g_mime_message_get_date(m);
		g_mime_message_foreach(m, decode_part, &n);
		g_object_unref(m);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}

/* ---- ours ---- */

static void ask(struct mail *m, const char *name)
{
	struct str s;

	must(mail_value(m, str_c(name), &s) == 0);
}

static void ask_all(struct mail *m)
{
	static const char *const names[] = { "from", "from.name", "to",
		"subject", "message_id", "references", "date", "kind", "text",
		"reply", "html" };

	for (size_t i = 0; i < COUNT(names); i++)
		ask(m, names[i]);
}

static struct mail *parse(struct str raw)
{
	struct mail *m = NULL;
	struct err err = { 0 };

	must(mail_parse(raw, &m, &err) == 0);
	return m;
}

static void run_parse(struct str raw)
{
	mail_free(parse(raw));
}

static void run_rule(struct str raw)
{
	struct mail *m = parse(raw);

	ask_all(m);
	mail_free(m);
}

static void run_whole(struct str raw)
{
	struct mail *m = parse(raw);
	const struct mail_attachment *a;
	unsigned char id[HASH_LEN];

	ask_all(m);
	mail_attachments(m, &a);
	mail_identity(m, id);
	mail_free(m);
}

static void run_full(struct str raw)
{
	struct mail *m = parse(raw);
	const struct mail_attachment *a;
	unsigned char id[HASH_LEN];

	for (const char *const *name = mail_value_names(); *name; name++)
		if (strcmp(*name, "header."))
			ask(m, *name);
	mail_attachments(m, &a);
	mail_identity(m, id);
	mail_free(m);
}

static struct way {
	const char *name;
	void (*run)(struct str raw);
	double us[TURNS]; /* a mail */
} ways[] = {
	{ "gmime", run_gmime, { 0 } },
	{ "parse", run_parse, { 0 } },
	{ "rule", run_rule, { 0 } },
	{ "whole", run_whole, { 0 } },
	{ "full", run_full, { 0 } },
};

static double measure(const struct way *w, const struct str *mails, size_t n)
{
	int64_t begin = cpu_ms(), ms = 0;
	size_t n_done = 0;

	while (ms < TURN_MS) {
		for (size_t i = 0; i < n; i++)
			w->run(mails[i]);
		n_done += n;
		ms = cpu_ms() - begin;
	}
	return (double)ms * 1e3 / (double)n_done;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(struct way *w, double bytes_a_mail)
{
	double us;

	qsort(w->us, TURNS, sizeof(*w->us), compare);
	us = w->us[TURNS / 2];
	printf("%-6s %9.0f mails/s %8.1f MB/s %7.1f us a mail\n", w->name,
		1e6 / us, bytes_a_mail / us, us);
}

int main(int argc, char **argv)
{
	struct str *mails = mem_array((size_t)argc, sizeof(*mails));
	size_t n = 0, bytes = 0;

	if (argc < 2)
		return EX_USAGE;
	mail_init();
	for (int i = 1; i < argc; i++) {
		struct buf b = BUF_INIT(MAIL_MAX);
		struct err err = { 0 };
		if (file_read(argv[i], &b, &err) < 0 || b.len == 0) {
			fprintf(stderr, "%s\n", err.text);
			continue;
		}
		mails[n++] = buf_view(&b); /* kept to the end */
		bytes += b.len;
	}
	if (n == 0)
		return EX_NOINPUT;
	printf("%zu mails, mean %zu bytes\n", n, bytes / n);
	for (int turn = 0; turn < TURNS; turn++)
		for (size_t i = 0; i < COUNT(ways); i++)
			ways[i].us[turn] = measure(&ways[i], mails, n);
	for (size_t i = 0; i < COUNT(ways); i++)
		print(&ways[i], (double)bytes / (double)n);
	return 0;
}
