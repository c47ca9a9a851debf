/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ext_mailmill_attach.c - attach: files of the mail on a record.
 *
 * The plan names byte ranges of the message; nobody copies a file here. What
 * is left out is told in a note each, so that nobody has to wonder where a
 * file went.
 *
 * A logo is a small picture that belongs to a signature rather than to the
 * mail: an image of at most LOGO_MAX bytes which the HTML shows, or which has
 * a name that mail programs make up. Size decides first: a photo pasted into
 * Outlook is called image001.png just like the logo below it.
 */
#include <mailmill/hash.h>
#include <mailmill/utf8.h>

#include "../message.h"
#include "ext_mailmill.h"

#define LOGO_MAX 10240

enum parts {
	PARTS_ATTACHMENTS,
	PARTS_INLINE,
	PARTS_ALL,
	PARTS_MESSAGE
};
static const char *const parts_names[] = { "attachments", "inline", "all",
	"message" };
static const char *const skip_names[] = { "logo", "duplicate" };

struct attach {
	int index; /* of the record's name */
	enum parts parts;
	bool skips_logo, skips_duplicate;
	uint64_t max; /* 0: none */
	const struct sieve_arg *globs;
};

static int check_skip(
	struct sieve_check *c, struct attach *at, const struct sieve_arg *skip)
{
	for (size_t i = 0; skip && i < skip->n; i++) {
		int choice = mailmill_choice(c, &skip->texts[i],
			"kind of file to skip", skip_names, COUNT(skip_names));
		if (choice < 0)
			return -1;
		at->skips_logo |= choice == 0;
		at->skips_duplicate |= choice == 1;
	}
	return 0;
}

static int check_attach(struct sieve_check *c, struct sieve_node *n)
{
	struct attach *at = ARENA_NEW(sieve_check_arena(c), struct attach);
	const struct sieve_arg *parts = sieve_node_param(n, "parts");
	const struct sieve_arg *max = sieve_node_param(n, "max");
	int choice = 0;

	n->data = at;
	if (parts)
		choice = mailmill_choice(c, &parts->texts[0], "kind of parts",
			parts_names, COUNT(parts_names));
	if (choice < 0 || check_skip(c, at, sieve_node_param(n, "skip")) < 0)
		return -1;
	at->parts = (enum parts)choice;
	at->max = max ? max->number : 0;
	at->globs = sieve_node_param(n, "match");
	at->index = mailmill_lookup(c, n->positional[0]);
	return at->index < 0 ? -1 : 0;
}

/* image001.png, image003.jpg@01DC..., Outlook-ab12cd.png */
static bool has_made_up_name(struct str name)
{
	struct str rest = str_sub(name, 5, SIZE_MAX);
	size_t digits = 0;

	if (str_starts_case(name, STR("Outlook-")))
		return true;
	if (!str_starts_case(name, STR("image")))
		return false;
	while (digits < rest.len && rest.p[digits] >= '0' &&
		rest.p[digits] <= '9')
		digits++;
	return digits > 0 && digits < rest.len && rest.p[digits] == '.';
}

static bool is_logo(const struct mail_attachment *f)
{
	if (!str_starts(f->type, STR("image/")) || f->size > LOGO_MAX)
		return false;
	return f->is_inline || has_made_up_name(f->name);
}

static bool is_duplicate(const struct mail_attachment *files, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (files[k].size == files[i].size &&
			str_eq(files[k].sha256, files[i].sha256))
			return true;
	return false;
}

/* Makes a text that the plan takes as one word: no controls, no folders. */
static struct str tidy(struct sieve_run *r, struct str s)
{
	struct str out = utf8_mend(r->arena, s);
	char *p = arena_alloc(r->arena, out.len + 1);

	for (size_t i = 0; i < out.len; i++) {
		unsigned char c = (unsigned char)out.p[i];
		p[i] = c < ' ' || c == 0x7f || c == '/' ? '_' : out.p[i];
	}
	return utf8_cut(str_n(p, out.len), PLAN_NAME_MAX);
}

/* Names how the bytes in the message are encoded; what is unknown is not. */
static struct str encoding_of(struct str given)
{
	if (str_eq(given, STR("base64")) ||
		str_eq(given, STR("quoted-printable")))
		return given;
	if (str_ends(given, STR("uuencode")) || str_eq(given, STR("x-uue")))
		return STR("uuencode");
	return STR("identity");
}

/* A type holds one slash of its own. */
static struct str tidy_type(struct sieve_run *r, struct str type)
{
	for (size_t i = 0; i < type.len; i++)
		if ((unsigned char)type.p[i] <= ' ' || type.p[i] == 0x7f)
			return STR("application/octet-stream");
	if (type.len == 0 || type.len > PLAN_NAME_MAX)
		return STR("application/octet-stream");
	return utf8_mend(r->arena, type);
}

/* Another attach may have put the same part on the record. */
static bool is_there(const struct plan_record *record, uint64_t offset,
	uint64_t len, uint64_t skip)
{
	for (size_t i = 0; i < record->n_files; i++)
		if (!record->files[i].is_literal &&
			record->files[i].offset == offset &&
			record->files[i].len == len &&
			record->files[i].skip == skip)
			return true;
	return false;
}

/* Returns: 1, 0, or SIEVE_FAILED. */
static int match_name(
	struct sieve_run *r, const struct str *globs, size_t n, struct str name)
{
	struct str groups[1];

	name = arena_lower(r->arena, name);
	for (size_t i = 0; i < n; i++) {
		int rc = sieve_glob(arena_lower(r->arena, globs[i]), name, true,
			groups, COUNT(groups), &r->steps);
		if (rc < 0)
			return sieve_fail(r, "too many steps");
		if (rc > 0)
			return 1;
	}
	return n == 0;
}

static void tell_skipped(
	struct sieve_run *r, const struct mail_attachment *f, const char *why)
{
	sieve_add_note(r,
		str_c(arena_printf(r->arena,
			"skipped the file %.*s (%llu bytes): %s",
			STR_ARG(f->name), (unsigned long long)f->size, why)));
}

static const char *skip_reason(
	const struct attach *at, const struct mail_attachment *files, size_t i)
{
	if (at->skips_logo && is_logo(&files[i]))
		return "a logo";
	if (at->skips_duplicate && is_duplicate(files, i))
		return "the mail holds it twice";
	if (at->max && files[i].size > at->max)
		return "larger than :max";
	return NULL;
}

/*
 * A file that the stored message does not have goes as text, or not at all:
 * one that a rule itself has made, and one that is encoded within something
 * encoded.
 */
static bool is_sendable(struct sieve_run *r, const struct mail_attachment *f)
{
	struct str bytes = mail_attachment_bytes(r->mail, f);

	return bytes.len <= PLAN_VALUE_MAX && utf8_is_valid(bytes);
}

static int add_part(struct sieve_run *r, const struct sieve_node *n,
	size_t record, const struct mail_attachment *f)
{
	struct plan_file *out;
	uint64_t offset;
	bool is_stored = f->has_place &&
			 sieve_message_find(r, f->offset, f->len, &offset);

	if (is_stored &&
		is_there(&r->plan->records[record], offset, f->len, f->skip))
		return 0;
	if (!is_stored && !is_sendable(r, f)) {
		tell_skipped(r, f,
			f->has_place ? "made by the rule itself, and no text"
				     : "encoded within an encoded part, and no "
				       "text");
		return 0;
	}
	out = sieve_add_file(r, n, record);
	if (!out)
		return SIEVE_FAILED;
	out->name = tidy(r, f->name);
	if (out->name.len == 0)
		out->name = STR("unnamed");
	out->type = tidy_type(r, f->type);
	out->content_id = tidy(r, f->content_id);
	out->is_inline = f->is_inline;
	out->is_literal = !is_stored; /* a script has made it */
	if (is_stored) {
		out->offset = offset;
		out->len = f->len;
		out->skip = f->skip;
		out->encoding = encoding_of(f->encoding);
	} else {
		out->literal = mail_attachment_bytes(r->mail, f);
		out->encoding = STR("identity");
	}
	out->size = f->size;
	out->sha256 = f->sha256;
	out->line = n->pos.line;
	return 0;
}

static int add_parts(struct sieve_run *r, const struct sieve_node *n,
	size_t record, const struct str *globs, size_t n_globs)
{
	const struct attach *at = n->data;
	const struct mail_attachment *files;
	size_t n_files = mail_attachments(r->mail, &files);

	for (size_t i = 0; i < n_files; i++) {
		const char *why;
		int rc;
		if (at->parts != PARTS_ALL &&
			files[i].is_inline != (at->parts == PARTS_INLINE))
			continue;
		rc = match_name(r, globs, n_globs, files[i].name);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		why = skip_reason(at, files, i);
		if (why)
			tell_skipped(r, &files[i], why);
		else if (add_part(r, n, record, &files[i]) < 0)
			return SIEVE_FAILED;
	}
	return SIEVE_GO_ON;
}

int mailmill_attach_message(
	struct sieve_run *r, const struct sieve_node *n, size_t record)
{
	struct str raw = mail_raw(r->stored);
	unsigned char digest[HASH_LEN];
	char hex[HASH_HEX_LEN + 1];
	struct plan_file *out;

	if (is_there(&r->plan->records[record], 0, raw.len, 0))
		return 0;
	out = sieve_add_file(r, n, record);
	if (!out)
		return SIEVE_FAILED;
	hash_bytes(raw, digest);
	hash_hex(digest, hex);
	out->name = STR("message.eml");
	out->type = STR("message/rfc822");
	out->len = out->size = raw.len;
	out->encoding = STR("identity");
	out->sha256 = arena_str(r->arena, str_c(hex));
	out->line = n->pos.line;
	return 0;
}

static int add_message(
	struct sieve_run *r, const struct sieve_node *n, size_t record)
{
	const struct attach *at = n->data;
	struct str raw = mail_raw(r->stored);

	if (!at->max || raw.len <= at->max)
		return mailmill_attach_message(r, n, record);
	sieve_add_note(r, str_c(arena_printf(r->arena,
				  "skipped the message itself (%zu bytes): "
				  "larger than :max",
				  raw.len)));
	return SIEVE_GO_ON;
}

static int exec_attach(struct sieve_run *r, const struct sieve_node *n)
{
	const struct attach *at = n->data;
	ssize_t record = mailmill_record_of(r, n, at->index);
	struct str *globs = NULL;
	int rc = 0;

	if (record < 0)
		return (int)record;
	if (at->parts == PARTS_MESSAGE)
		return add_message(r, n, (size_t)record);
	if (at->globs)
		rc = sieve_arg_list(r, at->globs, &globs);
	if (rc < 0)
		return rc;
	return add_parts(
		r, n, (size_t)record, globs, at->globs ? at->globs->n : 0);
}

static const struct sieve_tag tags[] = {
	{ "parts", SIEVE_CONST, "attachments, inline, all or message", 0, 0,
		NULL },
	{ "match", SIEVE_STRINGS, "patterns of file names", 0, 0, NULL },
	{ "max", SIEVE_NUMBER, "size", 0, 0, NULL },
	{ "skip", SIEVE_CONSTS, "logo, duplicate", 0, 0, NULL },
	{ 0 },
};

static const struct sieve_word words[] = {
	{ .name = "attach",
		.flags = SIEVE_COMMAND,
		.params = { { SIEVE_CONST, "record", 0 } },
		.tags = tags,
		.check = check_attach,
		.exec = exec_attach },
	{ 0 },
};

const struct sieve_ext sieve_ext_mailmill_attach = {
	.capability = "vnd.mailmill",
	.words = words,
};
