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
#include "parse_auth.h"

#define STDIN_MAX ((size_t)200 << 20)
#define TEXT_LINES 12	   /* of the text, in the summary */
#define LINE_MAX_SHOWN 200 /* bytes */

enum {
	OPT_JSON,
	OPT_LINES,
	OPT_ATTACHMENT,
	OPT_PART,
	OPT_TEXT,
	OPT_ZONE,
	OPT_TRUST,
	OPT_SENDER,
	OPT_IP,
	OPT_HELO,
	OPT_AT
};

static const struct cli_option options[] = {
	[OPT_JSON] = { "json", 'j', NULL, "print a JSON object a mail" },
	[OPT_LINES] = { "lines", 'l', NULL, "with --json: one line a mail" },
	[OPT_ATTACHMENT] = { "attachment", 'a', "NAME|N",
		"write the bytes of an attachment, by name or number from 1" },
	[OPT_PART] = { "part", 'p', "N", "write the decoded bytes of a part" },
	[OPT_TEXT] = { "text", 't', NULL,
		"with --attachment or --part: as UTF-8 text" },
	[OPT_ZONE] = { "zone", 'z', "FILE",
		"judge who sent it, by these answers of the DNS" },
	[OPT_TRUST] = { "trust", 0, "ID",
		"believe the Authentication-Results of this server" },
	[OPT_SENDER] = { "sender", 0, "ADDRESS",
		"its reverse-path (else its Return-Path)" },
	[OPT_IP] = { "ip", 0, "ADDRESS", "the client that it came from" },
	[OPT_HELO] = { "helo", 0, "NAME", "how that client greeted" },
	[OPT_AT] = { "at", 0, "TIME", "judge as at that time" },
	{ 0 },
};

/* What is asked for. */
struct wish {
	bool is_json, is_line, is_text;
	const char *attachment, *part;
	struct parse_auth auth;
};

static void print_safe(struct str s)
{
	cli_print_safe(s);
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

/* As deep as parts are packed in parts, which is little. */
static void print_tree(struct mail *m, struct mail_part *from, unsigned depth)
{
	for (struct mail_part *p = from; p; p = mail_next(p)) {
		struct mail_part *inner = mail_part_inner(m, p);
		printf("  %*s%u  ", (int)(depth + p->depth) * 2, "", p->number);
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
		if (inner)
			print_tree(m, inner, depth + p->depth + 1);
	}
}

static void print_parts(struct mail *m)
{
	printf("\nParts\n");
	print_tree(m, mail_root(m), 0);
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
		if (a[i].inside.len)
			printf(", %.*s in part %u", STR_ARG(a[i].inside),
				a[i].part->number);
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

/* What is claimed; nothing of it is verified here. */
static void print_security(struct mail *m)
{
	const struct mail_security *s;
	size_t n = mail_security(m, &s);

	for (size_t i = 0; i < n; i++) {
		const char *kind = !strcmp(s[i].kind, "smime") ? "S/MIME"
				   : !strcmp(s[i].kind, "pgp") ? "PGP"
							       : "unknown";
		printf("%-12s %s, %s, part %u\n", "Security", kind,
			s[i].is_encrypted ? "encrypted" : "signed (unverified)",
			s[i].part->number);
	}
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

static void print_bounced(struct mail *m)
{
	const struct mail_bounced *b = mail_bounced(m);

	if (!b->message_id.len && !b->subject.len)
		return;
	printf("\nThe mail that came back\n");
	print_field("  From", b->from);
	print_field("  To", b->to);
	print_field("  Date", b->date);
	print_field("  Subject", b->subject);
	print_field("  Message-ID", b->message_id);
}

static void print_feedback(struct mail *m)
{
	const struct mail_feedback *f = mail_feedback(m);

	if (!f)
		return;
	printf("\nReport\n");
	print_field("  Type", f->type);
	print_field("  By", f->user_agent);
	print_field("  Sent by", f->original_mail_from);
	for (size_t i = 0; i < f->n_original_rcpt_to; i++)
		print_field("  Sent to", f->original_rcpt_to[i]);
	print_field("  From host", f->source_ip);
	print_field("  Message-ID", f->message_id);
}

static void print_time(const char *label, const struct mail_time *t)
{
	if (!t->local.len)
		return;
	printf("%-12s ", label);
	print_safe(t->local);
	if (t->zone.len && !str_eq(t->zone, STR("UTC"))) {
		printf(" (");
		print_safe(t->zone);
		putchar(')');
	}
	putchar('\n');
}

static void print_events(struct mail *m)
{
	const struct mail_event *e;
	size_t n = mail_calendar(m, &e);

	for (; n--; e++) {
		printf("\nCalendar: ");
		print_safe(e->kind);
		if (e->method.len)
			printf(", ");
		print_safe(e->method);
		putchar('\n');
		print_field("  Summary", e->summary);
		print_time("  Start", &e->start);
		print_time("  End", &e->end);
		print_field("  Repeats", e->recurrence);
		print_field("  Where", e->location);
		print_field("  Organizer", e->organizer);
		for (size_t i = 0; i < e->n_attendees && i < TEXT_LINES; i++) {
			printf("%-12s ", "  Attendee");
			print_safe(e->attendees[i].address);
			if (e->attendees[i].partstat.len)
				printf(", ");
			print_safe(e->attendees[i].partstat);
			putchar('\n');
		}
	}
}

static void print_contacts(struct mail *m)
{
	const struct mail_contact *c;
	size_t n = mail_contacts(m, &c);

	for (; n--; c++) {
		printf("\nContact\n");
		print_field("  Name", c->name);
		print_field("  At", c->organization);
		for (size_t i = 0; i < c->n_emails; i++)
			print_field("  E-mail", c->emails[i]);
		for (size_t i = 0; i < c->n_phones; i++)
			print_field("  Phone", c->phones[i]);
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

static void print_list(struct mail *m)
{
	const struct mail_list *l = mail_list(m);

	if (!l->sign)
		return;
	print_field("List", l->name.len ? l->name : l->id);
	print_field("  address", l->post);
	print_field("  leave", l->unsubscribe_https.len
				       ? l->unsubscribe_https
				       : l->unsubscribe_mailto);
}

static void print_summary(
	const char *path, struct mail *m, const struct parse_auth *auth)
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
	print_list(m);
	print_field("Kind", value_of(m, "kind"));
	print_security(m);
	print_field("  because", value_of(m, "kind_evidence"));
	printf("%-12s ", "Size");
	print_size(mail_size(m));
	printf("\n");
	print_text("Text", mail_text(m));
	if (mail_reply(m).len != mail_text(m).len)
		print_text("Reply (without what it quotes)", mail_reply(m));
	print_text("Signature", value_of(m, "signature"));
	print_forwards(m);
	print_bounces(m);
	print_bounced(m);
	print_feedback(m);
	print_events(m);
	print_contacts(m);
	parse_auth_print(m, auth);
	print_attachments(m);
	print_parts(m);
	print_defects(m);
}

static int print_json(
	struct mail *m, const struct parse_auth *auth, bool is_line)
{
	json_t *j = mail_to_json(m);
	struct auth_result result;
	int rc;

	parse_auth_judge(m, auth, &result);
	json_object_set_new(j, "auth", auth_to_json(&result));
	rc = json_dumpf(j, stdout,
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

/* Finds a part by its number, packed ones too. */
static struct mail_part *find_part(
	struct mail *m, struct mail_part *from, uint64_t number)
{
	for (struct mail_part *p = from; p; p = mail_next(p)) {
		struct mail_part *inner = mail_part_inner(m, p), *found;
		if (p->number == number)
			return p;
		found = inner ? find_part(m, inner, number) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static int get_part(
	struct mail *m, const struct wish *w, struct str *out, struct err *err)
{
	struct mail_part *p = NULL;
	uint64_t number;

	if (str_to_u64(str_c(w->part), UINT32_MAX, &number) == 0)
		p = find_part(m, mail_root(m), number);
	if (!p)
		return err_set(err, ERR_PERM,
			"the mail has no part %s: without --part its parts "
			"are listed",
			w->part);
	*out = w->is_text ? mail_part_text(m, p) : mail_part_bytes(m, p);
	return 0;
}

static int get_attachment(
	struct mail *m, const struct wish *w, struct str *out, struct err *err)
{
	const struct mail_attachment *list, *found = NULL;
	size_t n = mail_attachments(m, &list);
	struct str name = str_c(w->attachment);
	uint64_t number;

	for (size_t i = n; i-- > 0;)
		if (str_eq(list[i].name, name))
			found = &list[i];
	if (!found && str_to_u64(name, n, &number) == 0 && number)
		found = &list[number - 1];
	if (!found)
		return err_set(err, ERR_PERM,
			"the mail has no attachment %s: without --attachment "
			"they are listed",
			w->attachment);
	*out = w->is_text ? mail_attachment_text(m, found)
			  : mail_attachment_bytes(m, found);
	return 0;
}

static int write_piece(struct mail *m, const struct wish *w, struct err *err)
{
	struct str bytes = STR("");

	if ((w->part ? get_part(m, w, &bytes, err)
		     : get_attachment(m, w, &bytes, err)) < 0)
		return -1;
	if (w->is_text && !bytes.p)
		return err_set(err, ERR_PERM, "%s is no text",
			w->part ? w->part : w->attachment);
	if (fwrite(bytes.p ? bytes.p : "", 1, bytes.len, stdout) < bytes.len)
		return err_set(err, ERR_TEMP, "cannot print");
	return 0;
}

static int show(const char *path, const struct wish *w, struct err *err)
{
	AUTO(buf) struct buf space = BUF_INIT(STDIN_MAX);
	AUTO(mail) struct mail *m = NULL;

	if (read_mail(path, &space, &m, err) < 0)
		return -1;
	if (w->part || w->attachment)
		return write_piece(m, w, err) < 0 ? err_add(err, "%s", path)
						  : 0;
	if (!w->is_json) {
		print_summary(path, m, &w->auth);
		return 0;
	}
	if (print_json(m, &w->auth, w->is_line) < 0)
		return err_set(err, ERR_TEMP, "%s: cannot print", path);
	return 0;
}

/* Takes an option of how to judge. Returns: 0, or -1 with *err. */
static int take_auth(
	struct parse_auth *auth, int option, const char *value, struct err *err)
{
	if (option == OPT_ZONE)
		return parse_auth_read_zone(auth, value, err);
	if (option == OPT_TRUST)
		return parse_auth_trust(auth, value, err);
	if (option == OPT_SENDER)
		auth->sender = value;
	else if (option == OPT_IP)
		auth->ip = value;
	else if (option == OPT_HELO)
		auth->helo = value;
	else if (option == OPT_AT &&
		 clock_parse_rfc3339(str_c(value), &auth->now) < 0)
		return err_set(err, ERR_CONF,
			"--at: expected a time as 2026-11-24T21:36:46Z, found "
			"\"%s\"",
			value);
	return 0;
}

static int run(int argc, char **argv)
{
	struct cli_args args = cli_args(&cli_parse, argc, argv);
	struct wish w = { .auth.now = clock_wall_ms() };
	struct err bad = { 0 };
	int option, rc = EX_OK;

	while ((option = cli_next(&args)) != CLI_END) {
		if (option == CLI_BAD)
			return EX_USAGE;
		w.is_json |= option == OPT_JSON;
		w.is_line |= option == OPT_LINES;
		w.is_text |= option == OPT_TEXT;
		if (option == OPT_ATTACHMENT)
			w.attachment = args.value;
		if (option == OPT_PART)
			w.part = args.value;
		if (take_auth(&w.auth, option, args.value, &bad) < 0)
			return cli_fail(&cli_parse, &bad);
	}
	if (args.at == argc) {
		cli_say(&cli_parse, "no file given; - reads standard input");
		return EX_USAGE;
	}
	mail_init();
	auth_init();
	for (int i = args.at; i < argc; i++) {
		struct err err = { 0 };
		if (i > args.at && !w.is_json && !w.part && !w.attachment)
			printf("\n");
		if (show(argv[i], &w, &err) < 0)
			rc = cli_fail(&cli_parse, &err);
	}
	parse_auth_fini(&w.auth);
	return rc;
}

const struct cli_command cli_parse = {
	.name = "parse",
	.usage = "[--json [--lines] | --attachment NAME|N [--text]] "
		 "[--zone FILE] [--trust ID] FILE...",
	.help = "Shows how a mail is understood",
	.options = options,
	.run = run,
};
