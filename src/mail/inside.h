/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inside.h - what the files of mail/ share, and all limits on input. */
#ifndef MAILMILL_MAIL_INSIDE_H
#define MAILMILL_MAIL_INSIDE_H

#include <mailmill/buf.h>
#include <mailmill/decode.h>
#include <mailmill/mail.h>
#include <mailmill/utf8.h>

/* Beyond these a mail is still read, with a defect that says what is not. */
#define MAIL_DEPTH_MAX 100		    /* parts within parts */
#define MAIL_PARTS_MAX 10000		    /* of a message */
#define MAIL_FIELDS_MAX 2000		    /* of one header */
#define MAIL_VALUE_MAX ((size_t)128 * 1024) /* of a field that is decoded */
#define MAIL_PARAM_MAX ((size_t)16 * 1024)  /* of Content-Type and the like */
#define MAIL_PARAMS_MAX 500		    /* ";" in these */
#define MAIL_ADDRESSES_MAX 10000	    /* of one list */
#define MAIL_DOMAIN_MAX 1000		    /* bytes, with A-labels */
#define MAIL_REFERENCES_MAX 200		    /* ids of one mail */
#define MAIL_TEXT_MAX ((size_t)16 << 20)    /* bytes of a text part */
#define MAIL_BODIES_MAX 100 /* text parts of the readable text */
#define MAIL_DEFECTS_MAX 50
#define MAIL_NAME_MAX 200	 /* bytes of a file name */
#define MAIL_PACKED_DEPTH_MAX 4	 /* packed in what was packed */
#define MAIL_PACKED_PARTS_MAX 50 /* encoded containers that are opened */
#define MAIL_PACKED_MAX ((size_t)64 << 20) /* decoded bytes of all of these */
#define MAIL_PACKED_FILES_MAX 1000	   /* in TNEF and in texts */
#define MAIL_FORGET ((size_t)1 << 20) /* of a mapped message, read through */

struct fields {
	struct mail_header *items; /* value.p is NULL until it is decoded */
	size_t n;
};

/* A part and what only we need of it. */
struct part {
	struct mail_part pub; /* first: the tree is one of both */
	struct str boundary;  /* of a multipart */
	struct str report_type, method, name;
	bool is_flowed, is_delsp; /* RFC 3676 */
	bool is_multipart, is_message, is_closed;
	struct part *last;  /* child */
	struct mail *owner; /* `offset` and `len` are of its raw bytes */
	struct mail *inner; /* packed in it: encoded parts, signed data */
	bool is_packed;	    /* may have such */
	unsigned char cms;  /* of signed.c */
	struct tnef *tnef;  /* what is in it, if it is TNEF */
	struct packed_file *files; /* in a text */
	size_t n_files;
	bool has_tnef, has_files;
	bool has_fields, has_bytes, has_text, has_digest;
	struct fields fields;
	struct str bytes, text;
	uint64_t size; /* decoded */
	unsigned char digest[HASH_LEN];
};

/* What the elements of HTML say of the text that was made of them. */
enum text_mark_kind {
	MARK_HISTORY,	  /* from here to the end it is history */
	MARK_QUOTE,	  /* a line that attributes, and what is quoted */
	MARK_WHOLE,	  /* quoted, all of it */
	MARK_ATTRIBUTION, /* "On ... wrote:" */
	MARK_SIGNATURE
};
struct text_mark {
	size_t offset;
	enum text_mark_kind kind;
	bool is_end; /* of what began with the last one of that kind */
};

struct text_marks {
	struct text_mark *items;
	size_t n;
};

struct mail {
	struct arena *arena;
	struct str raw;
	char *map;		/* to be unmapped, or NULL */
	char eol;		/* '\n', or '\r' in a mail that has no other */
	struct mail *origin;	/* of a view: the mail that it is of */
	struct part *container; /* of an inner mail: where it is packed */
	unsigned n_packed;	/* parts that may be containers */
	unsigned n_numbers;	/* given to parts, here and inside */
	unsigned n_opened, n_guesses;
	size_t opened_len, guessed;
	void *judged; /* see mail_judged() */
	struct str
		hint;  /* charset of the first part that names a telling one */
	bool has_hint; /* looked for in the bytes, too */
	struct part *root;
	unsigned n_parts;
	struct mail_part **text_parts, **html_parts; /* RFC 8621 4.1.4 */
	size_t n_text_parts, n_html_parts;
	struct mail_defect *defects;
	size_t n_defects;
	struct mail_attachment *attachments;
	struct mail_security *security;
	size_t n_security;
	struct str *packed; /* one an attachment: its bytes, if packed */
	size_t n_attachments, cap_attachments;
	struct str *references;
	size_t n_references;
	struct mail_forwarded *forwards;
	size_t n_forwards;
	struct mail_bounce *bounces;
	size_t n_bounces;
	uint64_t size;
	struct str text, html, reply, quoted, signature;
	struct text_marks marks; /* of text, when it was made of HTML */
	unsigned char identity[HASH_LEN];
	bool has_bodies, has_attachments, has_references, has_size, has_text,
		has_html, has_reply, has_identity, has_bounces, has_forwards,
		has_inner, has_security;
	struct mail_language language;
	bool has_language;
	struct locator *text_places, *html_places; /* of locate.c */
	struct mail_list *list; /* these are made when asked for */
	struct mail_auto *robot;
	struct mail_feedback *feedback;
	struct mail_bounced *bounced;
	struct kind_verdict *verdict;
	bool has_feedback;
	const struct mail_event *events;
	const struct mail_contact *contacts;
	size_t n_events, n_contacts;
	bool has_events, has_contacts;
	struct str *values; /* one a name in value.c, made when asked for */
	bool *has_value;
};

static inline struct part *part_of(struct mail_part *p)
{
	return (struct part *)(void *)p;
}

/* Lends the bytes of a body as they are written. */
static inline struct str part_raw(const struct part *p)
{
	return str_n(p->owner->raw.p + p->pub.offset, p->pub.len);
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Tells of something wrong at `offset`; mailmill-parse(1) lists the codes. */
void mail_tell_defect(struct mail *m, const char *code, uint64_t offset,
	const char *fmt, ...) PRINTF(4, 5);
/* The same of a thing that has no code of its own: "other". */
void mail_add_defect(struct mail *m, uint64_t offset, const char *fmt, ...)
	PRINTF(3, 4);

/* mail.c */
/* Goes on depth first, but not into attached messages. NULL: the end. */
struct mail_part *mail_next_outside(struct mail_part *p);
/* Parses what is packed in a part of another mail; see scan_parts(). */
struct mail *mail_parse_inside(struct arena *a, struct str raw,
	struct part *container, const struct part *as);
/* Tells the size of bytes when every line end is a CRLF. */
uint64_t mail_count_crlf(const struct mail *m, struct str raw);

/* edit.c */
/* Tells mail_size() of a view. */
uint64_t edit_size(struct mail *view);

/* scan.c */
/*
 * Builds the tree: every byte is looked at once. With `as` the bytes are the
 * body of such a part, without a header of their own.
 */
void scan_parts(struct mail *m, const struct part *as);

/* packed.c */
/* Opens all that is packed in encoded parts and signed data, once. */
void packed_open(struct mail *m);
/* Lends the root of the message that a part holds, or NULL. */
struct part *packed_message(struct part *p);
/* Lends the part of the message itself in which a part is packed, or it. */
struct mail_part *packed_outer(struct mail_part *p);
/* Reads a part as TNEF, once. Returns: NULL when it is none. */
struct tnef *packed_tnef(struct mail *m, struct part *p);
/* Lists the files in the bytes of a text to be read, once. */
size_t packed_files(struct mail *m, struct part *p, struct packed_file **out);
/*
 * Goes on to the next part that belongs to this message, through what is
 * packed and around attached messages. NULL: the end.
 */
struct mail_part *packed_next(struct mail_part *p);

/* header.c */
/* Reads the fields of a header block; see there. */
struct header_reader {
	struct str raw;
	size_t pos, end; /* where to read on; where the block ends at last */
	char eol;
	bool is_root; /* may begin with an mbox line, broken lines are joined */
	size_t begin;
	size_t n;
	bool is_bad;  /* a line was no field */
	bool is_over; /* fields were left out */
	/* Tells whether a line (without its end) ends the block. May be NULL.
	 */
	bool (*is_stop)(void *ctx, struct str line);
	void *ctx;
};
/* Gives name, raw and offset of the next field, else pos is the body's. */
bool header_next(struct header_reader *r, struct mail_header *out);
/* Unfolds, decodes RFC 2047, trims: valid UTF-8 in `a` or lent from raw. */
struct str header_decode(struct arena *a, struct str raw);
/* The same for a phrase or comment whose quotes were already removed. */
struct str header_decode_words(struct arena *a, struct str text);
/* Reads raw 8-bit bytes as the mail's parts are written, if not UTF-8. */
struct str header_hinted(struct mail *m, struct str raw);
struct header_word {
	struct str charset, text;
	char encoding; /* b, q */
	size_t len;    /* of all */
};
/* Reads =?charset?x?text?= at the beginning of s, though it may not end. */
bool header_read_word(struct str s, struct header_word *w);
/* Adds s as UTF-8 with its encoded words decoded (RFC 2047). */
void header_add_words(struct arena *a, struct buf *out, struct str s);
/* Adds text that stands outside of encoded words, as UTF-8. */
void header_add_gap(struct arena *a, struct buf *b, struct str s);
/* Lends what stands between < and >, or all of it, trimmed. */
struct str header_id(struct str s);
/* Unfolds only. */
struct str header_unfold(struct arena *a, struct str raw);
/* Decodes a field's value once. */
struct str header_value(struct mail *m, struct mail_header *h);
/* Lends all fields of a part, not decoded. */
struct fields *header_fields(struct mail *m, struct part *p);
/* Finds a field of the message or part. Returns: its raw value or STR_NULL. */
struct str header_raw(struct mail *m, struct part *p, const char *name);
/* The same, decoded. */
struct str header_of(struct mail *m, struct part *p, const char *name);
/* Reads Content-Type with its parameters into the part. */
void header_content_type(struct mail *m, struct part *p, struct str raw);
/* Reads Content-Disposition into the part. */
void header_disposition(struct mail *m, struct part *p, struct str raw);
/* Lower-case copy of the token at the beginning. */
struct str header_token(struct arena *a, struct str raw);

/* charset.c */
/* Opens the converters, which needs files, and keeps them open. */
void charset_init(void);
/* Tells whether a label says something: a charset, not us-ascii or latin1. */
bool charset_is_telling(struct str charset);
/* Guesses what bytes are in, or NULL: ASCII, UTF-8, Latin, or who knows. */
const char *charset_name_of(struct str bytes);
/* Tells whether s is ASCII without NUL. */
bool charset_is_plain(struct str s);
/*
 * Makes UTF-8 without NUL of bytes in a charset, whatever they are.
 * Returns: in `a` or lent from bytes. *why (may be NULL) tells what was wrong.
 */
struct str charset_to_utf8(
	struct arena *a, struct str bytes, struct str charset, struct str *why);

/* A file that is packed in a part: in TNEF, or in a text. */
struct packed_file {
	struct str name, type, content_id; /* as found; may be empty */
	struct str inside;		   /* "tnef", "uuencode", "yenc" */
	struct str bytes;
	/*
	 * Where they are: in a text, at [from, to) with all around, encoded at
	 * `offset`; in TNEF `skip` bytes from its beginning.
	 */
	bool has_place;
	size_t from, to;
	uint64_t offset, len, skip;
	struct str encoding;
	struct str block;
	uint64_t part; /* of a yEnc file that came in several */
};

/* uuencode.c */
/* Lists the files in a text, in order. */
size_t uuencode_find(
	struct arena *a, struct str text, struct packed_file **out);

/* tnef.c */
struct tnef {
	struct str text, html; /* UTF-8, LF; empty: none */
	struct packed_file *files;
	size_t n_files, cap;
	bool is_broken; /* not all of it could be read */
};
void tnef_read(struct arena *a, struct str bytes, struct tnef *out);
/* Names the charset of one of Microsoft's codepages. */
struct str tnef_codepage(struct arena *a, unsigned codepage);

/* rtf.c */
/* Undoes the compression of PR_RTF_COMPRESSED. */
struct str rtf_unpack(struct arena *a, struct str packed);
/* Gives the text or the HTML of RTF, UTF-8; the other is empty. */
void rtf_read(
	struct arena *a, struct str rtf, struct str *text, struct str *html);

/* signed.c */
/* Lends what a part of CMS signs, decoded bytes given, or the null string. */
struct str signed_content(struct mail *m, struct part *p, struct str bytes);
/* Takes the armor of cleartext signatures off a text with LF. */
struct str signed_show(struct mail *m, struct str text);

/* text.c */
/* Lends the first part of TNEF that has something to read, or NULL. */
struct mail_part *text_tnef_part(struct mail *m);
/* Makes the readable text of a part that text_choose() took. */
struct str text_readable(struct mail *m, struct mail_part *p);
/* Chooses the parts to read (RFC 8621 4.1.4) and marks attachments. */
void text_choose(struct mail *m);
/* Tells whether one of the texts is in s, in any case. */
bool text_holds_one(struct str s, const char *const *list, size_t n_list);
/* Makes line ends LF. */
struct str text_lines(struct arena *a, struct str s);

/* quote_field.c */
enum quote_role {
	QUOTE_NO_FIELD,
	QUOTE_FROM,
	QUOTE_DATE,
	QUOTE_TO,
	QUOTE_CC,
	QUOTE_SUBJECT,
	QUOTE_OTHER
};
/*
 * Reads a line "From: x" as mail programs put it above what they quote or
 * forward, in their languages; "*From:* x" too. Lends: the value.
 */
enum quote_role quote_field(struct str line, struct str *value);

/* quote.c */
/*
 * Splits a text into the new part, what is quoted, and the signature; marks
 * are what HTML said of it. Gives: in `a` or lent from text.
 */
struct text_split {
	struct str reply, quoted, signature;
};
struct text_split quote_split(
	struct arena *a, struct str text, const struct text_marks *marks);

/* attach.c */
/* Hashes the decoded bytes of a part, once. */
void attach_digest(struct mail *m, struct part *p);
/* Makes a file name safe: no folders, no controls; may be empty. */
struct str attach_safe_name(struct arena *a, struct str name);

/* json_kind.c */
/* Make members of the JSON form; NULL: left out. */
json_t *json_evidence(struct mail *m);
json_t *json_auto(struct mail *m);
json_t *json_list(struct mail *m);
json_t *json_bounce(struct mail *m);
json_t *json_bounced(struct mail *m);
json_t *json_feedback(struct mail *m);
json_t *json_fingerprint(struct mail *m);
json_t *json_calendar(struct mail *m);
json_t *json_contacts(struct mail *m);

/* calendar.c */
/* Makes the library that reads calendars fit for the sandbox. */
void calendar_init(void);

/* value_kind.c */
/* Values that are a text of a struct: "list.post". */
struct value_member {
	const char *name;
	const void *(*of)(struct mail *m); /* lends the struct */
	size_t at;			   /* the struct str in it */
};
/* Finds such a value. Returns: its row, or NULL. */
const struct value_member *value_find_member(struct str name);

/* textfile.c */
/* Lends a part that holds text, whatever type it has, as UTF-8; or "". */
struct str textfile_of_part(struct mail *m, struct mail_part *p);

/* feedback.c */
/* Tells of a sum of DMARC or TLS. Returns: or NULL: it is none. */
const struct mail_feedback *feedback_aggregate(struct mail *m);

/* kind_word.c */
enum kind_word {
	KIND_WORD_DELAY,
	KIND_WORD_DELAY_TEXT,
	KIND_WORD_BOUNCE,
	KIND_WORD_BOUNCE_TEXT,
	KIND_WORD_VACATION,
	KIND_WORD_VACATION_MARK, /* what programs put before a subject */
	KIND_WORD_VACATION_TEXT,
	KIND_WORD_CHALLENGE,
	KIND_N_WORDS
};
#define KIND_FOLD_MAX ((size_t)6 * 1024)
/* Writes s in lower case, cut to what fits. Lends: space. */
struct str kind_fold(struct str s, char *space, size_t size);
/* The same in `a`, of any length. */
struct str kind_lower(struct arena *a, struct str s);
/* Finds a text of a list in s, in any case. Returns: it, or NULL. */
const char *kind_find_word(enum kind_word list, struct str s);
/* The same where s begins with it. */
const char *kind_begins_word(enum kind_word list, struct str s);

/* html.c */
void html_init(void);
/* Where a piece of the text came from. */
struct html_piece {
	uint32_t from, to; /* bytes of the HTML */
	uint32_t at, end;  /* of what was written, white space before it, too */
	bool is_verbatim;  /* no entity in it */
};
struct html_trace {
	struct html_piece *items;
	size_t n, room;
	struct str written; /* before blanks were made plain */
};
/*
 * Makes text of HTML, notes where it came from, and lists what its elements
 * say; both may be NULL. Gives: all in `a`.
 */
struct str html_to_text(struct arena *a, struct str html,
	struct html_trace *trace, struct text_marks *marks);

/* header.c */
void header_init(void);

#endif
