/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feedback.c - reports about mails that we sent: complaints (ARF, RFC 5965 and
 * 6591) with their fields, and the daily sums of DMARC (RFC 7489 7.2) and of
 * TLS (RFC 8460), which are files for programs.
 */
#include "inside.h"

#define VALUES_MAX 100 /* of a field that may stand more than once */

struct values {
	struct str items[VALUES_MAX];
	size_t n;
};

static bool is_subtype(
	const struct mail_part *p, const char *type, const char *subtype)
{
	return str_eq(p->type, str_c(type)) &&
	       str_eq(p->subtype, str_c(subtype));
}

/* ---- sums of DMARC and TLS ---- */

/* "receiver!domain!begin!end.xml.gz" (RFC 7489 7.2.1.1, RFC 8460 5.1) */
static bool is_sum_name(struct str name)
{
	static const char *const endings[] = { ".xml", ".xml.gz", ".gz", ".zip",
		".json", ".json.gz" };
	struct str rest = name, piece;
	size_t n = 0;

	while (str_cut(&rest, '!', &piece))
		n++;
	if (n < 4)
		return false;
	for (size_t i = 0; i < COUNT(endings); i++)
		if (str_ends(name, str_c(endings[i])))
			return true;
	return false;
}

static bool is_packed(const struct mail_part *p)
{
	static const char *const subtypes[] = { "gzip", "x-gzip", "zip",
		"x-zip-compressed", "octet-stream", "xml", "tlsrpt+gzip",
		"tlsrpt+json" };

	for (size_t i = 0; i < COUNT(subtypes); i++)
		if (str_eq(p->subtype, str_c(subtypes[i])))
			return true;
	return false;
}

static const char *find_sum(struct mail *m)
{
	struct str subject = header_of(m, m->root, "subject");
	bool is_subject = str_find_case(subject, STR("report domain:")) >= 0 &&
			  str_find_case(subject, STR("submitter:")) > 0;
	size_t n = 0;

	if (header_raw(m, m->root, "tls-report-domain").p ||
		str_eq(m->root->report_type, STR("tlsrpt")))
		return "tls-report";
	for (struct mail_part *p = mail_root(m); p && n < 20;
		p = mail_next_outside(p), n++) {
		if (str_starts(p->subtype, STR("tlsrpt")))
			return "tls-report";
		if (is_packed(p) && (is_subject || is_sum_name(p->filename)))
			return str_find(p->filename, STR(".json")) >= 0
				       ? "tls-report"
				       : "dmarc-aggregate";
	}
	return NULL;
}

static struct mail_feedback *make(struct mail *m)
{
	struct mail_feedback *f = ARENA_NEW(m->arena, struct mail_feedback);

	f->incidents = 1;
	return f;
}

const struct mail_feedback *feedback_aggregate(struct mail *m)
{
	const char *type = find_sum(m);
	struct mail_feedback *f;

	if (!type)
		return NULL;
	f = make(m);
	f->type = str_c(type);
	f->user_agent = header_of(m, m->root, "tls-report-submitter");
	f->message_id = STR("");
	return f;
}

/* ---- complaints ---- */

static struct str bare(struct str s)
{
	s = str_trim(s);
	if (str_starts(s, STR("<")) && str_ends(s, STR(">")))
		s = str_sub(s, 1, s.len - 2);
	return s;
}

struct report {
	struct mail_feedback *f;
	struct values rcpts, domains, uris, results;
};

static void take_many(struct values *v, struct str value)
{
	if (v->n < VALUES_MAX && value.len)
		v->items[v->n++] = value;
}

/* An address, without what is said of it behind. */
static struct str first_word(struct str s)
{
	ssize_t at = str_chr(s, ' ');

	return at > 0 ? str_sub(s, 0, (size_t)at) : s;
}

static void take(struct report *r, struct str name, struct str value)
{
	struct mail_feedback *f = r->f;
	const struct {
		const char *name;
		struct str *one;
		struct values *many;
	} fields[] = {
		{ "feedback-type", &f->type, NULL },
		{ "user-agent", &f->user_agent, NULL },
		{ "version", &f->version, NULL },
		{ "original-mail-from", &f->original_mail_from, NULL },
		{ "original-envelope-id", &f->original_envelope_id, NULL },
		{ "arrival-date", &f->arrival_date, NULL },
		{ "received-date", &f->arrival_date, NULL },
		{ "source-ip", &f->source_ip, NULL },
		{ "reporting-mta", &f->reporting_mta, NULL },
		{ "auth-failure", &f->auth_failure, NULL },
		{ "delivery-result", &f->delivery_result, NULL },
		{ "original-rcpt-to", NULL, &r->rcpts },
		{ "removal-recipient", NULL, &r->rcpts },
		{ "reported-domain", NULL, &r->domains },
		{ "reported-uri", NULL, &r->uris },
		{ "authentication-results", NULL, &r->results },
	};

	if (str_eq_case(name, STR("incidents"))) {
		if (str_to_u64(value, UINT32_MAX, &f->incidents) < 0)
			f->incidents = 1;
		return;
	}
	if (str_eq_case(name, STR("source-ip")))
		value = first_word(value);
	for (size_t i = 0; i < COUNT(fields); i++) {
		if (!str_eq_case(name, str_c(fields[i].name)))
			continue;
		if (fields[i].many)
			take_many(fields[i].many,
				str_starts_case(name, STR("auth"))
					? value
					: bare(value));
		else if (!fields[i].one->len)
			*fields[i].one = bare(value);
	}
}

static const struct str *keep(struct mail *m, const struct values *v)
{
	struct str *items = arena_array(
		m->arena, v->n ? v->n : 1, sizeof(*items));

	for (size_t i = 0; i < v->n; i++)
		items[i] = v->items[i];
	return items;
}

static void read_fields(struct mail *m, struct str text, struct report *r)
{
	struct header_reader h = { .raw = text, .end = text.len, .eol = '\n' };
	struct mail_header field;
	size_t n = 0;

	while (n++ < 500 && header_next(&h, &field))
		take(r, field.name, header_decode(m->arena, field.raw));
	r->f->original_rcpt_to = keep(m, &r->rcpts);
	r->f->n_original_rcpt_to = r->rcpts.n;
	r->f->reported_domain = keep(m, &r->domains);
	r->f->n_reported_domain = r->domains.n;
	r->f->reported_uri = keep(m, &r->uris);
	r->f->n_reported_uri = r->uris.n;
	r->f->authentication_results = keep(m, &r->results);
	r->f->n_authentication_results = r->results.n;
}

/* The mail complained of: its Message-ID is what rules look for. */
static void read_original(
	struct mail *m, struct mail_part *p, struct mail_feedback *f)
{
	struct header_reader h = { .eol = '\n' };
	struct mail_header field;

	h.raw = text_lines(m->arena,
		str_sub(m->raw, p->offset, MIN(p->len, MAIL_PARAM_MAX)));
	h.end = h.raw.len;
	while (header_next(&h, &field)) {
		if (str_eq_case(field.name, STR("message-id")) &&
			!f->message_id.len)
			f->message_id = header_id(
				header_decode(m->arena, field.raw));
		if (str_eq_case(field.name, STR("x-hmxmroriginalrecipient")) &&
			!f->n_original_rcpt_to) {
			struct str *one = ARENA_NEW(m->arena, struct str);
			*one = header_decode(m->arena, field.raw);
			f->original_rcpt_to = one;
			f->n_original_rcpt_to = 1;
			if (!f->type.len)
				f->type = STR("abuse");
		}
	}
}

static struct mail_feedback *read_report(struct mail *m)
{
	struct report *r = ARENA_NEW(m->arena, struct report);
	size_t n = 0;

	r->f = make(m);
	for (struct mail_part *p = mail_root(m); p && n < 100;
		p = mail_next_outside(p), n++) {
		if (is_subtype(p, "message", "feedback-report"))
			read_fields(m,
				text_lines(
					m->arena, str_sub(mail_part_bytes(m, p),
							  0, MAIL_VALUE_MAX)),
				r);
		else if (p->depth &&
			 (part_of(p)->is_message ||
				 str_eq(p->subtype, STR("rfc822-headers"))))
			read_original(m, p, r->f);
	}
	return r->f;
}

static void fill_empty(struct mail_feedback *f)
{
	struct str *all[] = { &f->type, &f->user_agent, &f->version,
		&f->original_mail_from, &f->arrival_date, &f->source_ip,
		&f->original_envelope_id, &f->reporting_mta, &f->auth_failure,
		&f->delivery_result, &f->message_id };

	for (size_t i = 0; i < COUNT(all); i++)
		if (!all[i]->p)
			*all[i] = STR("");
}

const struct mail_feedback *mail_feedback(struct mail *m)
{
	const struct mail_feedback *sum;

	if (m->has_feedback)
		return m->feedback;
	m->has_feedback = true;
	m->feedback = NULL;
	if (mail_kind(m, NULL) != MAIL_FEEDBACK_REPORT)
		return NULL;
	sum = feedback_aggregate(m);
	if (sum) {
		m->feedback = ARENA_NEW(m->arena, struct mail_feedback);
		*m->feedback = *sum;
	} else {
		m->feedback = read_report(m);
	}
	fill_empty(m->feedback);
	return m->feedback;
}
