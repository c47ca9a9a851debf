/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns.c - questions to the DNS in a plan, and its answers as facts.
 *
 * Facts are texts in UTF-8, a TXT record is any bytes: so records are written
 * as zones write them, and a person can read and write them in JSON.
 */
#include <mailmill/plan.h>

void plan_ask_dns(struct arena *a, enum dns_type type, struct str name,
	struct plan_question *q)
{
	*q = (struct plan_question){ .kind = PLAN_DNS,
		.object = name,
		.fields = ARENA_NEW(a, struct str),
		.n_fields = 1 };
	q->fields[0] = str_c(dns_type_name(type));
	plan_name_question(a, q);
}

int plan_read_dns(
	const struct plan_question *q, enum dns_type *type, struct str *name)
{
	AUTO(arena) struct arena *a = arena_new();

	if (q->kind != PLAN_DNS || q->n_fields != 1 || q->n_where || q->n_ids ||
		q->order.len || q->is_first ||
		dns_type_read(q->fields[0], type) < 0)
		return -1;
	/* one name has one form, so that it is asked for once */
	if (!q->object.len || !str_eq(dns_name(a, q->object), q->object) ||
		!str_eq(q->fields[0], str_c(dns_type_name(*type))))
		return -1;
	*name = q->object;
	return 0;
}

static struct str escape(struct arena *a, struct str s)
{
	AUTO(buf) struct buf b = BUF_INIT(4 * DNS_RECORD_MAX);

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\\')
			(void)buf_c(&b, "\\\\");
		else if (c < ' ' || c > '~')
			(void)buf_printf(&b, "\\%03u", c);
		else
			(void)buf_byte(&b, c);
	}
	return arena_str(a, buf_view(&b));
}

static struct str unescape(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint64_t code;

		p[len++] = s.p[i];
		if (s.p[i] != '\\' || i + 1 == s.len)
			continue;
		if (s.len - i > 3 &&
			str_to_u64(str_sub(s, i + 1, 3), 255, &code) == 0) {
			p[len - 1] = (char)code;
			i += 3;
		} else {
			p[len - 1] = s.p[++i];
		}
	}
	return str_n(p, len);
}

static struct facts_row make_row(
	struct arena *a, struct str name, struct str value)
{
	struct facts_row row = { ARENA_NEW(a, struct plan_pair), 1 };

	*row.fields = (struct plan_pair){ name, value };
	return row;
}

struct facts_answer facts_of_dns(
	struct arena *a, struct str question, const struct dns_answer *dns)
{
	struct facts_answer f = { .name = question };
	bool is_found = dns->status == DNS_FOUND && dns->n_records;

	f.n_rows = is_found ? MIN(dns->n_records, (size_t)DNS_RECORDS_MAX) : 1;
	f.rows = arena_array(a, f.n_rows, sizeof(*f.rows));
	if (!is_found)
		f.rows[0] = make_row(
			a, STR("status"), str_c(dns_status_name(dns->status)));
	for (size_t i = 0; is_found && i < f.n_rows; i++)
		f.rows[i] = make_row(
			a, STR("record"), escape(a, dns->records[i]));
	return f;
}

void facts_to_dns(struct arena *a, const struct facts_answer *facts,
	struct dns_answer *out)
{
	enum dns_status status = facts->n_rows ? DNS_FAILED : DNS_NO_NAME;

	*out = (struct dns_answer){ 0 };
	out->records = arena_array(a, facts->n_rows, sizeof(*out->records));
	for (size_t i = 0; i < facts->n_rows; i++) {
		struct str record = facts_row_get(
			&facts->rows[i], STR("record"));
		struct str said = facts_row_get(&facts->rows[i], STR("status"));

		if (said.len && dns_status_read(said, &status) < 0)
			status = DNS_FAILED;
		if (record.p && out->n_records < DNS_RECORDS_MAX)
			out->records[out->n_records++] = unescape(a, record);
	}
	out->status = out->n_records	    ? DNS_FOUND
		      : status == DNS_FOUND ? DNS_NO_DATA
					    : status;
}
