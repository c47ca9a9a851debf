/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * findings.c - what is wrong with rule files, written for people and tools.
 *
 * For people findings go to standard error as they come, with the line and a
 * caret. For tools they go to standard output: a line each as gcc has it, or
 * one JSON document at the end, our own or SARIF 2.1.0.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailmill/utf8.h>

#include "findings.h"

#define REPORT_MAX ((size_t)1 << 20)
#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
#define RED "\033[1;31m"
#define YELLOW "\033[1;35m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static const char *name_severity(const struct sieve_diag *d)
{
	return d->severity == SIEVE_ERROR ? "error" : "warning";
}

static struct str get_file(const char *path, const struct sieve_diag *d)
{
	return d->file.len ? d->file : str_c(path);
}

/*
 * Text
 */

/* Colours the place and the severity of the first line. */
static void print_coloured(struct str text, const struct sieve_diag *d)
{
	const char *word = name_severity(d);
	const char *key = d->severity == SIEVE_ERROR ? ": error: "
						     : ": warning: ";
	ssize_t at = str_find(text, str_c(key));

	if (at < 0) {
		fwrite(text.p, 1, text.len, stderr);
		return;
	}
	fprintf(stderr, BOLD "%.*s: %s%s:" PLAIN " ", (int)at, text.p,
		d->severity == SIEVE_ERROR ? RED : YELLOW, word);
	text = str_sub(text, (size_t)at + strlen(key), text.len);
	fwrite(text.p, 1, text.len, stderr);
}

static void add_text(
	struct findings *f, const char *path, const struct sieve_diag *d)
{
	AUTO(buf) struct buf out = BUF_INIT(REPORT_MAX);

	sieve_diag_print(&out, path, d);
	if (f->has_colour)
		print_coloured(buf_view(&out), d);
	else
		fwrite(out.p, 1, out.len, stderr);
}

static void add_gcc(
	struct findings *f, const char *path, const struct sieve_diag *d)
{
	(void)f;
	printf("%.*s:%u:%u: %s: %.*s", STR_ARG(get_file(path, d)), d->line,
		d->column, name_severity(d), STR_ARG(d->message));
	if (d->hint.len)
		printf(" (%.*s)", STR_ARG(d->hint));
	printf(" [sieve/%s]\n", d->code);
}

/*
 * JSON
 */

/* A text as JSON has it: what is no UTF-8 is replaced. */
static json_t *make_text(struct str s)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str mended = utf8_mend(a, s);

	return json_stringn(mended.p ? mended.p : "", mended.len);
}

static json_t *make_code(const struct sieve_diag *d)
{
	AUTO(arena) struct arena *a = arena_new();

	return json_string(arena_printf(a, "sieve/%s", d->code));
}

/* Counts the column in characters, as editors do. */
static json_int_t get_column(const struct sieve_diag *d)
{
	return (json_int_t)utf8_count(str_sub(d->source, 0, d->column - 1)) + 1;
}

static void add_json(
	struct findings *f, const char *path, const struct sieve_diag *d)
{
	json_t *o = json_pack("{s:o, s:i, s:I, s:s, s:o, s:o}", "file",
		make_text(get_file(path, d)), "line", (int)d->line, "column",
		get_column(d), "severity", name_severity(d), "code",
		make_code(d), "message", make_text(d->message));

	if (d->hint.len)
		json_object_set_new(o, "hint", make_text(d->hint));
	json_array_append_new(f->list, o);
}

static void print_json(json_t *document)
{
	json_dumpf(document, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(document);
}

static void end_json(struct findings *f)
{
	print_json(json_pack("{s:I, s:I, s:O}", "errors",
		(json_int_t)f->n_errors, "warnings", (json_int_t)f->n_warnings,
		"findings", f->list));
}

/*
 * SARIF
 */

/* A path as a URI reference: what is no letter of such is escaped. */
static json_t *make_uri(struct str path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";
	AUTO(buf) struct buf uri = BUF_INIT(REPORT_MAX);

	if (path.len && path.p[0] == '/')
		buf_c(&uri, "file://");
	for (size_t i = 0; i < path.len; i++) {
		if (path.p[i] && strchr(plain, path.p[i]))
			buf_byte(&uri, (unsigned char)path.p[i]);
		else
			buf_printf(&uri, "%%%02X", (unsigned char)path.p[i]);
	}
	return json_stringn(uri.p ? uri.p : "", uri.len);
}

static void add_sarif(
	struct findings *f, const char *path, const struct sieve_diag *d)
{
	AUTO(arena) struct arena *a = arena_new();
	struct str text = d->message;
	json_t *place = json_pack("{s:{s:{s:o}, s:{s:i, s:I}}}",
		"physicalLocation", "artifactLocation", "uri",
		make_uri(get_file(path, d)), "region", "startLine",
		(int)d->line, "startColumn", get_column(d));

	if (d->hint.len)
		text = str_c(arena_printf(a, "%.*s (%.*s)", STR_ARG(d->message),
			STR_ARG(d->hint)));
	json_array_append_new(f->list,
		json_pack("{s:o, s:s, s:{s:o}, s:[o]}", "ruleId", make_code(d),
			"level", name_severity(d), "message", "text",
			make_text(text), "locations", place));
}

/* All kinds of findings that there are. */
static json_t *list_rules(void)
{
	AUTO(arena) struct arena *a = arena_new();
	json_t *rules = json_array();
	const struct sieve_message *m;
	size_t n;

	m = sieve_messages(&n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rules,
			json_pack("{s:s, s:{s:s}, s:{s:s}, s:{s:s}}", "id",
				arena_printf(a, "sieve/%s", m[i].code),
				"shortDescription", "text", m[i].means, "help",
				"text", m[i].fix, "defaultConfiguration",
				"level",
				m[i].severity == SIEVE_ERROR ? "error"
							     : "warning"));
	return rules;
}

static void end_sarif(struct findings *f)
{
	json_t *driver = json_pack("{s:s, s:s, s:o}", "name", "mailmill",
		"version", MAILMILL_VERSION, "rules", list_rules());
	json_t *run = json_pack("{s:{s:o}, s:s, s:O}", "tool", "driver", driver,
		"columnKind", "unicodeCodePoints", "results", f->list);

	print_json(json_pack("{s:s, s:s, s:[o]}", "$schema", SARIF_SCHEMA,
		"version", "2.1.0", "runs", run));
}

static const struct findings_format formats[] = {
	{ "text", add_text, NULL, true },
	{ "gcc", add_gcc, NULL, false },
	{ "json", add_json, end_json, false },
	{ "sarif", add_sarif, end_sarif, false },
};

int findings_begin(struct findings *f, const char *format)
{
	const char *no_colour = getenv("NO_COLOR");

	*f = (struct findings){ 0 };
	for (size_t i = 0; i < COUNT(formats); i++)
		if (!strcmp(formats[i].name, format))
			f->format = &formats[i];
	if (!f->format)
		return -1;
	f->has_colour = isatty(STDERR_FILENO) && !(no_colour && *no_colour);
	f->list = json_array();
	return 0;
}

void findings_add(
	struct findings *f, const char *path, const struct sieve_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		const struct sieve_diag *d = &diags->items[i];

		if (d->severity == SIEVE_ERROR)
			f->n_errors++;
		else
			f->n_warnings++;
		f->format->add(f, path, d);
	}
}

void findings_add_failure(struct findings *f, const char *path, const char *why)
{
	struct sieve_diag d = {
		.severity = SIEVE_ERROR,
		.line = 1,
		.column = 1,
		.message = str_c(why),
		.code = "unreadable",
	};

	f->n_errors++;
	if (f->format->is_for_people)
		fprintf(stderr, "mailmill check: %s\n", why);
	else
		f->format->add(f, path, &d);
}

void findings_end(struct findings *f)
{
	if (f->format->end)
		f->format->end(f);
	json_decref(f->list);
}
