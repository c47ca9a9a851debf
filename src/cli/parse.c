/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse.c - mailmill parse: shows how a mail is understood. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

#include "cli.h"

#define STDIN_MAX ((size_t)200 << 20)
#define TEXT_LINES 12	   /* of the text, in the summary */
#define LINE_MAX_SHOWN 200 /* bytes */

enum {
	OPT_JSON,
	OPT_LINES
};

static const struct cli_option options[] = {
	[OPT_JSON] = { "json", 'j', NULL, "print a JSON object a mail" },
	[OPT_LINES] = { "lines", 'l', NULL, "with --json: one line a mail" },
	{ 0 },
};

/* Prints a stranger's text so that it cannot steer the terminal. */
static void print_safe(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool is_c1 = c == 0xc2 && i + 1 < s.len &&
			     (unsigned char)s.p[i + 1] < 0xa0;
		if (is_c1)
			i++;
		if (is_c1 || (c < ' ' && c != '\t') || c == 127)
			putchar('?');
		else
			putchar(c);
	}
}

static void print_field(const char *label, struct str value)
{
	if (!value.len)
		return;
	printf("%-12s ", label);
	print_safe(value);
	putchar('\n');
}

static void print_address(const char *label, const struct mail_address *a)
{
	printf("%-12s ", label);
	if (a->is_valid) {
		print_safe(a->name);
		fputs(a->name.len ? " <" : "<", stdout);
		print_safe(a->address);
		puts(">");
	} else {
		print_safe(a->name.len ? a->name : a->address);
		puts("  (no address)");
	}
}

static struct str value_of(struct mail *m, const char *name)
{
	struct str s;

	return mail_value(m, str_c(name), &s) == 0 ? s : STR("");
}

static void print_addresses(struct mail *m, const char *label, struct str field)
{
	size_t n;
	const struct mail_header *h = mail_headers(m, &n);

	for (size_t i = 0; i < n; i++) {
		struct mail_address *list;
		size_t n_list;
		if (!str_eq_case(h[i].name, field))
			continue;
		n_list = mail_addresses(mail_arena(m), h[i].raw, &list);
		for (size_t k = 0; k < n_list; k++)
			print_address(label, &list[k]);
	}
}

static void print_size(uint64_t size)
{
	if (size < 10000)
		printf("%llu bytes", (unsigned long long)size);
	else if (size < 10000000)
		printf("%.1f KB", (double)size / 1000);
	else
		printf("%.1f MB", (double)size / 1000000);
}

static void print_parts(struct mail *m)
{
	printf("\nParts\n");
	for (struct mail_part *p = mail_root(m); p; p = mail_next(p)) {
		printf("  %*s%u  ", (int)p->depth * 2, "", p->number);
		print_safe(p->type);
		putchar('/');
		print_safe(p->subtype);
		if (p->charset.len)
			putchar(' ');
		print_safe(p->charset);
		if (p->encoding.len)
			putchar(' ');
		print_safe(p->encoding);
		printf(", ");
		print_size(p->len);
		if (p->filename.len) {
			printf(", \"");
			print_safe(p->filename);
			putchar('"');
		}
		printf("%s%s\n", p->is_attachment ? ", attachment" : "",
			p->is_inline ? ", shown inline" : "");
	}
}

static void print_attachments(struct mail *m)
{
	const struct mail_attachment *a;
	size_t n = mail_attachments(m, &a);

	if (n)
		printf("\nAttachments\n");
	for (size_t i = 0; i < n; i++) {
		printf("  ");
		print_safe(a[i].name);
		printf(" (");
		print_safe(a[i].type);
		printf(", ");
		print_size(a[i].size);
		printf("%s)\n    sha256 %.*s\n",
			a[i].is_inline ? ", shown inline" : "",
			STR_ARG(a[i].sha256));
	}
}

/* Prints the first lines, with runs of empty ones as one. */
static void print_text(const char *title, struct str text)
{
	struct str line;
	bool was_empty = true;
	int n = 0;

	if (!text.len)
		return;
	printf("\n%s\n", title);
	while (n < TEXT_LINES && str_cut_line(&text, &line)) {
		bool is_empty = str_trim(line).len == 0;
		if (is_empty && was_empty)
			continue;
		was_empty = is_empty;
		printf("  | ");
		print_safe(utf8_cut(line, LINE_MAX_SHOWN));
		putchar('\n');
		n++;
	}
	if (text.len)
		printf("  | ... (%zu more bytes)\n", text.len);
}

static void print_bounces(struct mail *m)
{
	const struct mail_bounce *b;
	size_t n = mail_bounces(m, &b);

	if (n)
		printf("\nNot delivered\n");
	for (size_t i = 0; i < n; i++) {
		printf("  ");
		print_safe(b[i].recipient);
		printf(": %s, %s", b[i].reason,
			b[i].is_permanent ? "for good" : "for now");
		if (b[i].status.len)
			printf(" (%.*s)", STR_ARG(b[i].status));
		puts(b[i].is_guess ? ", guessed" : "");
		if (b[i].diagnostic.len) {
			printf("    ");
			print_safe(utf8_cut(b[i].diagnostic, LINE_MAX_SHOWN));
			putchar('\n');
		}
	}
}

static void print_forwards(struct mail *m)
{
	const struct mail_forwarded *f;
	size_t n = mail_forwards(m, &f);

	for (size_t i = 0; i < n; i++) {
		printf("\nForwarded\n");
		print_field(
			"  From", f[i].from.len ? f[i].from : f[i].from_name);
		print_field("  Date", f[i].date);
		print_field("  Subject", f[i].subject);
	}
}

static void print_defects(struct mail *m)
{
	const struct mail_defect *d;
	size_t n = mail_defects(m, &d);

	if (n)
		printf("\nDefects\n");
	for (size_t i = 0; i < n; i++) {
		printf("  at byte %llu: ", (unsigned long long)d[i].offset);
		print_safe(d[i].text);
		putchar('\n');
	}
}

static void print_summary(const char *path, struct mail *m)
{
	printf("%s\n", path);
	print_addresses(m, "From", STR("from"));
	print_addresses(m, "Sender", STR("sender"));
	print_addresses(m, "Reply-To", STR("reply-to"));
	print_addresses(m, "To", STR("to"));
	print_addresses(m, "Cc", STR("cc"));
	print_field("Subject", value_of(m, "subject"));
	print_field("Date", value_of(m, "date"));
	print_field("Message-ID", value_of(m, "message_id"));
	print_field("In-Reply-To", value_of(m, "in_reply_to"));
	print_field("List", value_of(m, "list.id"));
	print_field("Kind", value_of(m, "kind"));
	printf("%-12s ", "Size");
	print_size(mail_size(m));
	printf("\n");
	print_text("Text", mail_text(m));
	if (mail_reply(m).len != mail_text(m).len)
		print_text("Reply (without what it quotes)", mail_reply(m));
	print_text("Signature", value_of(m, "signature"));
	print_forwards(m);
	print_bounces(m);
	print_attachments(m);
	print_parts(m);
	print_defects(m);
}

static int print_json(struct mail *m, bool is_line)
{
	json_t *j = mail_to_json(m);
	int rc = json_dumpf(j, stdout,
		is_line ? JSON_COMPACT
			: JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	json_decref(j);
	putchar('\n');
	return rc;
}

static int read_mail(
	const char *path, struct buf *space, struct mail **out, struct err *err)
{
	AUTO(fd) int fd = -1;

	if (!strcmp(path, "-")) {
		if (file_read_fd(0, space, err) < 0)
			return -1;
		return mail_parse(buf_view(space), out, err);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "opening %s", path);
	if (mail_parse_fd(fd, out, err) < 0)
		return err_add(err, "%s", path);
	return 0;
}

static int show(const char *path, bool is_json, bool is_line, struct err *err)
{
	AUTO(buf) struct buf space = BUF_INIT(STDIN_MAX);
	AUTO(mail) struct mail *m = NULL;

	if (read_mail(path, &space, &m, err) < 0)
		return -1;
	if (!is_json) {
		print_summary(path, m);
		return 0;
	}
	if (print_json(m, is_line) < 0)
		return err_set(err, ERR_TEMP, "%s: cannot print", path);
	return 0;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_parse, argc, argv);
	bool is_json = false, is_line = false;
	int option, rc = EX_OK;

	while ((option = cli_next(&args)) != CLI_END) {
		if (option == CLI_BAD)
			return EX_USAGE;
		is_json |= option == OPT_JSON;
		is_line |= option == OPT_LINES;
	}
	if (args.at == argc) {
		cli_say(&cli_parse, "no file given; - reads standard input");
		return EX_USAGE;
	}
	mail_init();
	for (int i = args.at; i < argc; i++) {
		struct err err = { 0 };
		if (i > args.at && !is_json)
			printf("\n");
		if (show(argv[i], is_json, is_line, &err) < 0)
			rc = cli_fail(&cli_parse, &err);
	}
	return rc;
}

const struct cli_command cli_parse = {
	.name = "parse",
	.usage = "[--json [--lines]] FILE...",
	.help = "Shows how a mail is understood",
	.options = options,
	.run = run,
};
