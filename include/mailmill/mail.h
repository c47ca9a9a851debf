/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mail.h - a message, parsed: headers, parts, text, attachments.
 *
 * Whatever the bytes are, there is a mail: what is broken is mended or left
 * out and told in the defects. All text given is valid UTF-8. Parsing costs
 * what is asked for: text, attachments and identity are made when first wanted.
 * One thread a mail. Only the worker and tools that do its job may call this.
 */
#ifndef MAILMILL_MAIL_H
#define MAILMILL_MAIL_H

#include <jansson.h>

#include <mailmill/base.h>
#include <mailmill/err.h>
#include <mailmill/hash.h>
#include <mailmill/mem.h>

struct mail;
struct mail_part;

/* Loads converters and tables. Call once, before threads and the sandbox. */
void mail_init(void);

/*
 * Parses a message. `raw` is lent until mail_free().
 * Gives:   *out, by mail_free().
 * Returns: 0. Note: what is beyond the limits that keep the parser safe
 *          (nesting, fields, parts, sizes) is left undivided or out, and a
 *          defect tells it; -1 with *err is for limits that may come.
 */
MUST_CHECK int mail_parse(struct str raw, struct mail **out, struct err *err);
/*
 * The same in an arena, with which the mail ends: not for mail_free(). Lends.
 */
struct mail *mail_parse_in(struct arena *a, struct str raw);
/*
 * The same from a file, without copying; fd stays the caller's.
 * Returns: 0, or -1 with *err: it cannot be mapped.
 */
MUST_CHECK int mail_parse_fd(int fd, struct mail **out, struct err *err);
/* Ends it and all that it lent. Accepts NULL. */
void mail_free(struct mail *m);
/* Lends the arena in which all of the mail lives. */
struct arena *mail_arena(struct mail *m);
/* Lends the raw bytes. */
struct str mail_raw(const struct mail *m);
/*
 * Gives back the pages of a message that is mapped, which were read and may
 * not be wanted soon: memory does not grow with the message. They come again
 * when they are looked at.
 */
void mail_forget(const struct mail *m, const char *from, const char *to);
/* Tells the size in octets with every line end counted as CRLF (RFC 5228). */
uint64_t mail_size(struct mail *m);

struct mail_header {
	struct str name;  /* as written */
	struct str raw;	  /* the value as written: folded, not decoded */
	struct str value; /* unfolded, RFC 2047 decoded, trimmed, UTF-8 */
	uint64_t offset;  /* of the field's first byte in the message */
};
/* Lends the header fields of the message, in order. */
const struct mail_header *mail_headers(struct mail *m, size_t *n);
/*
 * Lends them too, but for what costs: a `value` may be the null string until
 * mail_field_value() was called for it.
 */
const struct mail_header *mail_fields(struct mail *m, size_t *n);
/* Lends the value of the field number `i` of mail_fields(). */
struct str mail_field_value(struct mail *m, size_t i);
/* Lends the first field's value of a name (any case), or STR_NULL. */
struct str mail_header(struct mail *m, struct str name);

/*
 * Reads a raw value as mail_header.value does: unfolded, RFC 2047 decoded,
 * trimmed. Gives: in `a` or lent from raw.
 */
struct str mail_decode(struct arena *a, struct str raw);

/*
 * Reads what stands before the parameters of a raw Content-Type ("text" and
 * "plain") or Content-Disposition ("inline" alone), strictly but for comments.
 * Lends: from raw. Returns: false when it is malformed.
 */
bool mail_media_type(struct str raw, struct str *type, struct str *subtype);
/*
 * Reads a parameter of a raw value, RFC 2231 decoded. Gives: in `a`.
 * Returns: or STR_NULL.
 */
struct str mail_param(struct arena *a, struct str raw, struct str name);
/*
 * Makes a view of a mail, whose header can be changed while all else is shared:
 * parts, texts, raw bytes, identity. Lends: in `a`, as long as m lives; not for
 * mail_free().
 */
struct mail *mail_view(struct mail *m, struct arena *a);
/*
 * Gives a view other fields, copied: such of its mail, or new ones with name
 * and raw set (all behind the colon, line end included; lent). Fields that were
 * lent before are gone.
 */
void mail_set_fields(
	struct mail *view, const struct mail_header *fields, size_t n);
/* Lends the mail that a view is of, or m when it is none: what came in. */
struct mail *mail_origin(struct mail *m);
/*
 * Lends a place, NULL at first, for what the judge of its signatures made of a
 * mail in its arena.
 */
void **mail_judged(struct mail *m);
/* Tells whether a field stands in the raw bytes; a view may have others. */
bool mail_is_lent(const struct mail *m, const struct mail_header *h);

struct mail_address {
	struct str name;    /* display name, decoded, may be empty */
	struct str address; /* local@domain; raw text when it is no address */
	struct str local,
		domain; /* unquoted local part; empty when no address */
	bool is_valid;
};
/*
 * Reads an address list (RFC 5322, groups flattened, comments dropped) from a
 * raw field value. Gives: an array in `a`. Returns: the count.
 */
size_t mail_addresses(
	struct arena *a, struct str raw, struct mail_address **out);
/*
 * Makes the form of a domain that is asked in DNS: lower case, A-labels for
 * letters beyond ASCII (RFC 5890), or the domain as it is when there is none.
 * Gives: in `a` or lent.
 */
struct str mail_domain_ascii(struct arena *a, struct str domain);
/* Makes the form of a domain that people read: with U-labels. */
struct str mail_domain_unicode(struct arena *a, struct str domain);
/* Reads a Date as RFC 5322 and its obsolete forms. Returns: 0 or -1. */
MUST_CHECK int mail_date(struct str value, int64_t *seconds, int *zone_minutes);
/* Lists the ids of In-Reply-To and References, nearest first, without < >. */
size_t mail_references(struct mail *m, struct str **out);

/* Where a token stands that this mail may answer by; see token.h. */
#define MAIL_TOKEN_ADDRESS "address"
#define MAIL_TOKEN_REFERENCES "references" /* in a Message-ID */
#define MAIL_TOKEN_SUBJECT "subject"
#define MAIL_TOKEN_TEXT "text" /* the new part */
#define MAIL_TOKEN_QUOTED "quoted"

struct mail_token {
	const char *place;
	struct str text; /* lower case; nobody has checked it */
};
/*
 * Lists all that looks like a token, each at the first of its places in the
 * order above. Lends: in the mail.
 */
size_t mail_tokens(struct mail *m, const struct mail_token **out);
/* Finds tokens in one text. Gives: at most `max`, in `a`. Returns: the count.
 */
size_t mail_find_tokens(
	struct arena *a, struct str s, struct str *out, size_t max);
/*
 * Gives the subject as those of a thread have it in common: the base without
 * token, ASCII letters in lower case, white space as one blank.
 */
struct str mail_thread_subject(struct mail *m);
#define MAIL_PARTY_LEN_MAX 254
/*
 * Lists the addresses of those who take part, in lower case, each once: the
 * authors', or theirs and those of Reply-To, To and Cc. Lends.
 * Returns: the count, at most `max`.
 */
size_t mail_parties(
	struct mail *m, bool is_author, struct str *out, size_t max);

struct mail_part {
	struct str type, subtype; /* lower case: "text", "plain" */
	struct str charset;	  /* as declared, or empty */
	struct str disposition;	  /* lower case: "attachment", "inline", "" */
	struct str filename;	  /* decoded, without folders, or empty */
	struct str content_id;	  /* without < > */
	struct str encoding;	  /* lower case; "" is 7bit */
	uint64_t header_offset;	  /* of the part's header in the message */
	uint64_t offset, len;	  /* of its encoded body in the message */
	struct mail_part *parent, *first,
		*next;		/* tree; message/rfc822 has one */
	unsigned depth, number; /* number: 0 is the root, depth first */
	bool is_attachment;	/* a file rather than text to read */
	bool is_inline; /* an image that the HTML shows by its Content-ID */
};
/* Lends the tree. */
struct mail_part *mail_root(struct mail *m);
/* Finds the innermost part in whose header or body an offset lies. Lends. */
struct mail_part *mail_part_at(struct mail *m, uint64_t offset);
/* Goes through the tree depth first, starting with the root. NULL: the end. */
struct mail_part *mail_next(const struct mail_part *part);
/*
 * Lends the tree of what is packed in an encoded message or multipart, or in
 * what an opaque S/MIME signature signs, else NULL. mail_next() stays within
 * it. Its `offset` is one of the decoded bytes of `part`.
 */
struct mail_part *mail_part_inner(struct mail *m, struct mail_part *part);
/* Lends the header fields of a part. */
const struct mail_header *mail_part_headers(
	struct mail *m, struct mail_part *part, size_t *n);
/* Lends the decoded bytes of a leaf part. */
struct str mail_part_bytes(struct mail *m, struct mail_part *part);
/* Lends a text part as UTF-8 (HTML with its markup), else STR_NULL. */
struct str mail_part_text(struct mail *m, struct mail_part *part);

/* Lends the readable text: text/plain, or HTML made text. */
struct str mail_text(struct mail *m);
/* Lends the HTML body, or STR_NULL. */
struct str mail_html(struct mail *m);
/*
 * Lends the new part of a reply: mail_text() without what is quoted and without
 * the signature. Answers that stand between quotes are kept with these; when
 * nothing would be left, all is.
 */
struct str mail_reply(struct mail *m);
/*
 * Lends what mail_reply() leaves out but for the signature: the history below,
 * with the line that attributes it. Every line of the text is in one of both or
 * in the signature, but for the "-- " above that.
 */
struct str mail_quoted(struct mail *m);
/* Lends the signature, closing, and footers, or "". */
struct str mail_signature(struct mail *m);
/* Makes text of HTML. Gives: in `a`. */
struct str mail_html_to_text(struct arena *a, struct str html);

struct mail_language {
	char code[4];	   /* ISO 639-1: "de"; "" when it cannot be told */
	double confidence; /* 0 to 1 */
};
/*
 * Tells the language of the new part, without links and what is quoted; of the
 * subject when the text is too short. Lends.
 */
const struct mail_language *mail_language(struct mail *m);
/* Lists the codes of all languages that are known, in order. */
const char *const *mail_languages(size_t *n);
/* Tells the language of a text. */
void mail_guess_language(struct str text, struct mail_language *out);

/* Bytes of the message that a value was made of. */
struct mail_range {
	unsigned part; /* its number; 0 for fields of the message's header */
	uint64_t offset, len; /* as they are in the message: encoded */
	bool is_exact;	      /* decoded they are the value and nothing else */
};
/*
 * Tells where in the message a value stands: any slice of what was lent of this
 * mail (texts, HTML, values of header fields), or a copy of text. One that lies
 * in several places (HTML's tags, joined parts) has a range for each, in order;
 * what does not fit into `max` is covered by the last one.
 * Returns: the count; 0 when it is of no bytes of the message.
 */
size_t mail_locate(
	struct mail *m, struct str value, struct mail_range *out, size_t max);

struct mail_attachment {
	struct mail_part *part; /* it is, or in which it is packed */
	struct str name;	/* never empty */
	struct str type;	/* "image/png" */
	struct str content_id;	/* without < > */
	struct str inside; /* "tnef", "uuencode", "yenc": packed in `part` */
	bool is_inline;
	uint64_t size;	   /* decoded */
	struct str sha256; /* hex of the decoded bytes */
	/*
	 * Where the message has it, if it has: `len` bytes at `offset`, which
	 * decoded give `skip` other bytes and then the file.
	 */
	bool has_place;
	uint64_t offset, len, skip;
	struct str encoding;
};
/*
 * Lists attachments and inline images, in order, with what is packed in TNEF
 * (in place of it) and in texts. Lends: in the mail.
 */
size_t mail_attachments(struct mail *m, const struct mail_attachment **out);
/* Lends the decoded bytes of one that mail_attachments() lent. */
struct str mail_attachment_bytes(
	struct mail *m, const struct mail_attachment *at);
/*
 * Lends such a file as UTF-8 text with LF, when it is one: text, CSV, JSON,
 * XML, by its type, name or bytes, in the charset that it declares, or found
 * out. Returns: or STR_NULL.
 */
struct str mail_attachment_text(
	struct mail *m, const struct mail_attachment *at);

struct mail_security {
	const char *kind; /* "smime", "pgp", "other" */
	bool is_signed, is_encrypted;
	const struct mail_part *part;
};
/*
 * Lists what claims to be signed or encrypted, outermost first, but not what
 * attached messages claim. Nothing is verified. Lends: in the mail.
 */
size_t mail_security(struct mail *m, const struct mail_security **out);

enum mail_kind {
	MAIL_ORDINARY,
	MAIL_BOUNCE,
	MAIL_DELAY,
	MAIL_SUCCESS_NOTICE,
	MAIL_AUTO_REPLY,
	MAIL_AUTO_GENERATED,
	MAIL_RECEIPT,
	MAIL_FEEDBACK_REPORT,
	MAIL_LIST,
	MAIL_CALENDAR,
	MAIL_CHALLENGE,
	MAIL_LOOP,
};
#define MAIL_N_KINDS 12
/* Names a kind: "auto-reply". */
const char *mail_kind_name(enum mail_kind kind);
/* Tells the kind of mail; `sender` is the reverse-path ("" null, NULL unknown).
 */
enum mail_kind mail_kind(struct mail *m, const char *sender);

/*
 * Lists what led to the kind: "Auto-Submitted: auto-replied", "null sender".
 * Lends: in the mail. Returns: their count; 0 for an ordinary mail.
 */
size_t mail_kind_evidence(
	struct mail *m, const char *sender, const struct str **out);

/* A mailing list. Texts may be empty; URLs are as written, without < >. */
struct mail_list {
	const char *sign; /* what shows that it is one, or NULL: none */
	struct str id;	  /* RFC 2919 */
	struct str name;  /* for people */
	struct str post;  /* its address */
	struct str unsubscribe_mailto, unsubscribe_https;
	bool is_one_click; /* RFC 8058: a POST there unsubscribes */
	struct str help, archive, owner, subscribe; /* URLs (RFC 2369) */
	struct str software;
};
/* Tells of the mailing list that the mail came by. Lends: in the mail. */
const struct mail_list *mail_list(struct mail *m);

/* What a program says of its mail: fields of these names, "" without. */
struct mail_auto {
	struct str auto_submitted, precedence, x_auto_response_suppress;
	struct str x_autoreply, x_autorespond, x_loop, feedback_id;
	bool is_null_sender; /* Return-Path: <> */
};
/* Tells what a program says of its mail. Lends: in the mail. */
const struct mail_auto *mail_auto(struct mail *m);

/* A feedback report: ARF (RFC 5965, 6591), DMARC's and TLS' aggregates. */
struct mail_feedback {
	struct str type; /* "abuse", "dmarc-aggregate", "tls-report"; or "" */
	struct str user_agent, version, original_mail_from, arrival_date;
	struct str source_ip, original_envelope_id, reporting_mta;
	struct str auth_failure, delivery_result, message_id;
	const struct str *original_rcpt_to, *reported_domain, *reported_uri;
	const struct str *authentication_results;
	size_t n_original_rcpt_to, n_reported_domain, n_reported_uri;
	size_t n_authentication_results;
	uint64_t incidents; /* 1 unless it tells */
};
/* Reads a feedback report. Lends: or NULL: the mail is none. */
const struct mail_feedback *mail_feedback(struct mail *m);

/*
 * Tells what two mails of a loop have in common and two of a person's do not:
 * SHA-256 over From, the base of the subject, the new text, and the bytes of
 * all attachments. Ids, dates, digits of times and trace fields stay out.
 */
void mail_fingerprint(struct mail *m, unsigned char out[HASH_LEN]);

/* A recipient that a bounce, delay or success notice is about. */
struct mail_bounce {
	struct str recipient;  /* the final one, or what was given */
	struct str status;     /* RFC 3463: "5.1.1", or empty */
	struct str reply_code; /* of SMTP: "550", or empty */
	struct str action;     /* RFC 3464: "failed", or empty: in words */
	const char *reason;    /* "userunknown"; "undefined" when none tells */
	struct str diagnostic; /* what the host said, one line */
	struct str host;       /* that said it, or that reports */
	bool is_permanent;
	bool is_guess; /* the notice does not say clearly whom it is about */
};
/*
 * Lists the recipients of a notice, from its delivery status (RFC 3464) and
 * from its words; nothing for other kinds of mail. Reasons are listed in
 * mailmill-sieve(5). Lends: in the mail.
 */
size_t mail_bounces(struct mail *m, const struct mail_bounce **out);
/* Lends the Message-ID of the mail that a notice is about, or "". */
struct str mail_bounced_id(struct mail *m);
/* The mail that a notice is about, as far as it came back; decoded texts. */
struct mail_bounced {
	struct str message_id, subject, from, to, date;
};
/* Tells of the mail that came back. Lends: in the mail; texts may be empty. */
const struct mail_bounced *mail_bounced(struct mail *m);

/* An event, task or answer (RFC 5545, 5546) that a mail brings. */
struct mail_time {
	struct str local; /* RFC 3339 with its zone; a date when it is a day */
	struct str utc;	  /* the same in UTC; empty when the zone is unknown */
	struct str zone;  /* as named, or empty */
};
struct mail_attendee {
	struct str address, name, partstat, role; /* lower case words */
	bool is_rsvp;
};
struct mail_event {
	struct mail_part *part;
	struct str kind;   /* "event", "todo", "journal", "freebusy" */
	struct str method; /* "request", "reply", "cancel"; or empty */
	struct str uid, status, summary, location, description, comment, url;
	struct str organizer, organizer_name, recurrence, recurrence_id;
	struct mail_time start, end, stamp;
	struct mail_attendee *attendees;
	size_t n_attendees;
	int64_t sequence;
	bool is_all_day;
};
/*
 * Lists the events of text/calendar parts and .ics files. What is broken is
 * left out, and a defect tells it. Lends: in the mail.
 */
size_t mail_calendar(struct mail *m, const struct mail_event **out);

/* A card of somebody's address (RFC 6350, and versions 2.1 and 3.0). */
struct mail_contact {
	struct mail_part *part;
	struct str name, organization, title, address, url, note, birthday;
	struct str family_name, given_name;
	struct str email, phone; /* the first */
	const struct str *emails, *phones;
	size_t n_emails, n_phones;
};
/* Lists the cards of vCard parts and .vcf files. Lends: in the mail. */
size_t mail_contacts(struct mail *m, const struct mail_contact **out);

/* A mail within the mail: attached, or in the text behind a mark. */
struct mail_forwarded {
	const struct mail_part *part; /* the attached one, or NULL: in the text
				       */
	struct str from, from_name;   /* address, and name; may be empty */
	struct str to, cc, date;      /* as written */
	struct str subject, message_id, text;
};
/*
 * Lists what was forwarded, outermost first, not what is inside of these.
 * A header block in the text counts below a mark ("Forwarded message"), or when
 * the subject says so ("Fwd:"). Lends: in the mail.
 */
size_t mail_forwards(struct mail *m, const struct mail_forwarded **out);

/*
 * Tells the identity of architecture.md: SHA-256 over Message-ID, Date, From,
 * Subject and decoded body parts, without trace headers.
 */
void mail_identity(struct mail *m, unsigned char out[HASH_LEN]);

/*
 * Looks up a value by its name in rules and in `parse --json`: "subject",
 * "from", "from.name", "header.x_order". Lends: in the mail.
 * Returns: 0, or -1 when there is no such name (not: no such value).
 */
MUST_CHECK int mail_value(struct mail *m, struct str name, struct str *out);
/* Lists the names, ended by NULL; "header." stands for all headers. */
const char *const *mail_value_names(void);

/* Makes the form that `mailmill parse --json` prints. Gives: json_decref(). */
json_t *mail_to_json(struct mail *m);

struct mail_defect {
	const char *code; /* "charset"; mailmill-parse(1) lists them */
	uint64_t offset;
	struct str text; /* what was wrong and what was done about it */
};
/* Lists what was wrong, as far as it was noticed up to now. */
size_t mail_defects(struct mail *m, const struct mail_defect **out);

AUTO_DEFINE(mail, struct mail *, mail_free)

#endif
