/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * archive_mbox.c - cuts an mbox into mails.
 *
 * Content-Length is believed only when a "From " line or the end of the file
 * stands where it points to: wrong ones are common, as is a body that was
 * changed after it was counted.
 */
#include <mailmill/mem.h>

#include "archive_int.h"

struct mbox {
	struct archive_in *in;
	const char *name;
	struct buf line; /* the last one read */
	struct buf mail, from;
	bool is_header;	    /* the next line belongs to the mail's header */
	bool at_body;	    /* no line of the body has come yet */
	bool was_empty;	    /* the last line of the body was */
	uint64_t n_content; /* Content-Length; UINT64_MAX: none */
	size_t n_mails;
};

/* "From ann@example.org Tue Nov 24 21:00:00 2026": a time must be in it. */
bool archive_is_from_line(struct str line)
{
	if (!str_starts(line, STR("From ")))
		return false;
	for (size_t i = 6; i + 3 < line.len; i++)
		if (line.p[i] == ':' && str_is_digit(line.p[i - 1]) &&
			str_is_digit(line.p[i + 1]) &&
			str_is_digit(line.p[i + 2]))
			return true;
	return false;
}

static bool is_empty(struct str line)
{
	return str_eq(line, STR("\n")) || str_eq(line, STR("\r\n"));
}

static void begin_mail(struct mbox *b, struct str line)
{
	struct str rest = str_trim(str_sub(line, 5, line.len)), from;

	buf_clear(&b->mail);
	buf_clear(&b->from);
	if (str_cut(&rest, ' ', &from))
		buf_str(&b->from, from);
	b->is_header = true;
	b->was_empty = false;
	b->n_content = UINT64_MAX;
	b->n_mails++;
}

/* Hands a mail over. Returns: 0, or 1 to stop. */
static int end_mail(struct mbox *b)
{
	const struct archive_sink *sink = b->in->sink;
	AUTO(bytes) char *name = mem_printf("%s#%zu", b->name, b->n_mails);
	struct archive_mail m = { .name = name,
		.bytes = buf_view(&b->mail),
		.from = buf_view(&b->from) };

	if (!b->n_mails)
		return 0;
	if (buf_is_over(&b->mail)) {
		sink->skip(sink->ctx, name, "is too large for a mail");
		return 0;
	}
	/* the empty line before the next "From " is the mailbox's */
	if (b->was_empty && str_ends(m.bytes, STR("\r\n")))
		m.bytes.len -= 2;
	else if (b->was_empty)
		m.bytes.len -= 1;
	if (!m.bytes.len) {
		sink->skip(sink->ctx, name, "is empty");
		return 0;
	}
	return sink->mail(sink->ctx, &m) ? 1 : 0;
}

static void look_at_field(struct mbox *b, struct str line)
{
	static const struct str field = { "Content-Length:", 15 };
	uint64_t n;

	if (str_starts_case(line, field) &&
		str_to_u64(str_trim(str_sub(line, field.len, line.len)),
			ARCHIVE_MAIL_MAX, &n) == 0)
		b->n_content = n;
}

/* Tells whether a mail ends so many bytes behind the header. */
static bool leads_to_end(const struct mbox *b, uint64_t len)
{
	char next[256];
	uint64_t at = archive_tell(b->in) + len;
	ssize_t n = archive_peek(b->in, at, next, sizeof(next));
	struct str rest, line;

	if (n == 0)
		return at == b->in->end;
	if (n < 0)
		return false;
	rest = str_n(next, (size_t)n);
	while (rest.len && (rest.p[0] == '\n' || rest.p[0] == '\r'))
		rest = str_sub(rest, 1, rest.len);
	return !rest.len ? (size_t)n < sizeof(next)
			 : str_cut_line(&rest, &line) &&
				   archive_is_from_line(line);
}

static int end_header(struct mbox *b, struct err *err)
{
	b->is_header = false;
	b->at_body = true;
	if (b->n_content == UINT64_MAX || b->n_content == 0 ||
		!leads_to_end(b, b->n_content))
		return 0;
	if (archive_bytes(b->in, b->n_content, &b->mail, err) < 0)
		return -1;
	b->at_body = false;
	return 0;
}

static void add_line(struct mbox *b, struct str line)
{
	size_t n = 0;

	while (n < line.len && line.p[n] == '>')
		n++;
	if (n && !b->is_header &&
		str_starts(str_sub(line, n, line.len), STR("From ")))
		line = str_sub(line, 1, line.len);
	buf_str(&b->mail, line);
}

/* Takes the line just read. Returns: 0, 1 to stop, or -1 with *err. */
static int take_line(struct mbox *b, struct err *err)
{
	struct str line = buf_view(&b->line);
	bool may_begin = !b->n_mails || b->was_empty || b->at_body ||
			 !b->mail.len;

	if (may_begin && archive_is_from_line(line)) {
		if (end_mail(b))
			return 1;
		begin_mail(b, line);
		return 0;
	}
	b->at_body = false;
	add_line(b, line);
	b->was_empty = is_empty(line) && !b->is_header;
	if (!b->is_header)
		return 0;
	look_at_field(b, line);
	return is_empty(line) ? end_header(b, err) : 0;
}

static int read_all(struct mbox *b, struct err *err)
{
	int rc;

	while ((rc = archive_line(b->in, &b->line, err)) > 0) {
		/* a line that is too long makes the mail too large */
		if (buf_is_over(&b->line))
			buf_room(&b->mail, b->mail.max + 1);
		rc = take_line(b, err);
		if (rc)
			break;
		buf_clear(&b->line);
	}
	if (rc < 0)
		return err_add(err, "%s", b->name);
	return rc ? rc : end_mail(b);
}

int archive_mbox(struct archive_in *in, const char *name, struct err *err)
{
	struct mbox b = { .in = in,
		.name = name,
		.line = BUF_INIT(ARCHIVE_MAIL_MAX),
		.mail = BUF_INIT(ARCHIVE_MAIL_MAX),
		.from = BUF_INIT(1000) };
	int rc = read_all(&b, err);

	buf_fini(&b.line);
	buf_fini(&b.mail);
	buf_fini(&b.from);
	return rc;
}
