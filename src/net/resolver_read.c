/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolver_read.c - reads DNS packets (RFC 1035 section 4).
 *
 * The packet comes from the network: all is bounded, names by their length and
 * by pointers that only lead backwards, so that none goes round.
 */
#include <arpa/inet.h>
#include <string.h>

#include <mailmill/buf.h>

#include "resolver_read.h"

#define HEADER_LEN 12
#define CLASS_IN 1
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define RCODE_NXDOMAIN 3
#define CNAMES_MAX 8
#define RRS_MAX 2000	/* of a packet */
#define TTL_NEGATIVE 60 /* of an answer without SOA */

struct packet {
	struct str all;
	size_t at;
	bool is_bad;
};

struct rr {
	struct str name; /* lower case, without the last dot; "" is the root */
	unsigned type, class;
	uint32_t ttl;
	size_t data, len; /* in the packet */
};

static unsigned get_u8(struct packet *p)
{
	if (p->at >= p->all.len) {
		p->is_bad = true;
		return 0;
	}
	return (unsigned char)p->all.p[p->at++];
}

static unsigned get_u16(struct packet *p)
{
	unsigned high = get_u8(p);

	return high << 8 | get_u8(p);
}

static uint32_t get_u32(struct packet *p)
{
	uint32_t high = get_u16(p);

	return high << 16 | get_u16(p);
}

static void add_label(struct packet *p, struct buf *b, unsigned len)
{
	if (b->len)
		(void)buf_byte(b, '.');
	for (unsigned i = 0; i < len; i++) {
		unsigned c = get_u8(p);

		/* a dot within a label is none of ours, and no name has NUL */
		if (c == '.' || c <= ' ' || c == 0x7f)
			p->is_bad = true;
		if (c >= 'A' && c <= 'Z')
			c += 32;
		(void)buf_byte(b, (unsigned char)c);
	}
}

/* Reads a name, perhaps compressed (RFC 1035 4.1.4). */
static struct str get_name(struct arena *a, struct packet *p)
{
	AUTO(buf) struct buf b = BUF_INIT(DNS_NAME_MAX);
	size_t end = 0, before = p->at;
	unsigned len;

	while (!p->is_bad && (len = get_u8(p)) != 0) {
		if (len < 0x40) {
			add_label(p, &b, len);
			continue;
		}
		if (len < 0xc0) {
			p->is_bad = true;
			break;
		}
		len = (len & 0x3f) << 8 | get_u8(p);
		end = end ? end : p->at;
		if (len >= before)
			p->is_bad = true;
		p->at = before = len;
	}
	if (end)
		p->at = end;
	if (buf_is_over(&b))
		p->is_bad = true;
	return arena_str(a, buf_view(&b));
}

static void get_rr(struct arena *a, struct packet *p, struct rr *rr)
{
	rr->name = get_name(a, p);
	rr->type = get_u16(p);
	rr->class = get_u16(p);
	rr->ttl = get_u32(p);
	rr->len = get_u16(p);
	rr->data = p->at;
	if (rr->ttl > INT32_MAX) /* RFC 2181 8 */
		rr->ttl = 0;
	if (rr->len > p->all.len - MIN(p->at, p->all.len))
		p->is_bad = true;
	else
		p->at += rr->len;
}

/* A record whose own data is broken is left out, not the answer. */
static struct str read_address(struct arena *a, const struct packet *p,
	const struct rr *rr, int family)
{
	char text[INET6_ADDRSTRLEN];

	if (rr->len != (family == AF_INET ? 4 : 16))
		return STR_NULL;
	return arena_str(a, str_c(inet_ntop(family, p->all.p + rr->data, text,
				    sizeof(text))));
}

static struct str read_txt(
	struct arena *a, const struct packet *p, const struct rr *rr)
{
	AUTO(buf) struct buf b = BUF_INIT(DNS_RECORD_MAX);
	struct str rest = str_sub(p->all, rr->data, rr->len);

	while (rest.len) {
		size_t len = (unsigned char)rest.p[0];

		if (len >= rest.len)
			return STR_NULL;
		(void)buf_str(&b, str_sub(rest, 1, len));
		rest = str_sub(rest, 1 + len, rest.len);
	}
	return buf_is_over(&b) ? STR_NULL : arena_str(a, buf_view(&b));
}

/* Reads a name in the data, behind `skip` bytes. */
static struct str read_host(struct arena *a, const struct packet *p,
	const struct rr *rr, size_t skip)
{
	struct packet in = { .all = p->all, .at = rr->data + skip };
	struct str s;

	if (rr->len <= skip)
		return STR_NULL;
	s = get_name(a, &in);
	if (in.is_bad || in.at > rr->data + rr->len)
		return STR_NULL;
	return s.len ? s : STR(".");
}

static struct str read_mx(
	struct arena *a, const struct packet *p, const struct rr *rr)
{
	struct packet in = { .all = p->all, .at = rr->data };
	struct str host = read_host(a, p, rr, 2);
	unsigned rank = get_u16(&in);

	if (!host.p)
		return STR_NULL;
	return str_c(arena_printf(a, "%u %.*s", rank, STR_ARG(host)));
}

static struct str read_data(
	struct arena *a, const struct packet *p, const struct rr *rr)
{
	switch ((enum dns_type)rr->type) {
	case DNS_A:
		return read_address(a, p, rr, AF_INET);
	case DNS_AAAA:
		return read_address(a, p, rr, AF_INET6);
	case DNS_PTR:
		return read_host(a, p, rr, 0);
	case DNS_MX:
		return read_mx(a, p, rr);
	case DNS_TXT:
		return read_txt(a, p, rr);
	}
	return STR_NULL;
}

struct reading {
	struct arena *arena;
	struct packet p;
	enum dns_type type;
	struct str name;
	struct rr *rrs; /* of the answer section */
	size_t n_rrs;
	unsigned rcode, n_authority;
};

static int read_question(struct reading *r)
{
	struct packet *p = &r->p;
	unsigned flags, n_questions, n_answers;
	struct str name;

	p->at = 2;
	flags = get_u16(p);
	n_questions = get_u16(p);
	n_answers = get_u16(p);
	r->n_authority = get_u16(p);
	(void)get_u16(p);
	r->rcode = flags & 15;
	name = get_name(r->arena, p);
	if (p->is_bad || !(flags & 0x8000) || n_questions != 1 ||
		get_u16(p) != r->type || get_u16(p) != CLASS_IN ||
		!str_eq_case(name, r->name))
		return -1;
	r->n_rrs = MIN(n_answers, (unsigned)RRS_MAX);
	return p->is_bad ? -1 : 0;
}

static int read_answers(struct reading *r)
{
	r->rrs = arena_array(r->arena, r->n_rrs, sizeof(*r->rrs));
	for (size_t i = 0; i < r->n_rrs && !r->p.is_bad; i++)
		get_rr(r->arena, &r->p, &r->rrs[i]);
	return r->p.is_bad ? -1 : 0;
}

/* The least of SOA's own TTL and its MINIMUM (RFC 2308 5). */
static uint32_t find_negative_ttl(struct reading *r)
{
	for (unsigned i = 0; i < r->n_authority && i < RRS_MAX; i++) {
		struct packet last = { .all = r->p.all };
		struct rr rr;

		get_rr(r->arena, &r->p, &rr);
		if (r->p.is_bad)
			break;
		if (rr.type != TYPE_SOA || rr.len < 20)
			continue;
		last.at = rr.data + rr.len - 4;
		return MIN(rr.ttl, get_u32(&last));
	}
	return TTL_NEGATIVE;
}

/* Takes the records of the name. Returns: whether there was one. */
static bool take_records(
	struct reading *r, struct dns_answer *out, uint32_t *ttl)
{
	for (size_t i = 0; i < r->n_rrs; i++) {
		const struct rr *rr = &r->rrs[i];
		struct str record;

		if (rr->type != (unsigned)r->type || rr->class != CLASS_IN ||
			!str_eq(rr->name, r->name) ||
			out->n_records == DNS_RECORDS_MAX)
			continue;
		record = read_data(r->arena, &r->p, rr);
		if (!record.p)
			continue;
		if (!out->records)
			out->records = arena_array(r->arena, DNS_RECORDS_MAX,
				sizeof(*out->records));
		out->records[out->n_records++] = record;
		*ttl = MIN(*ttl, rr->ttl);
	}
	return out->n_records > 0;
}

/* Goes to where a CNAME of the name leads. Returns: whether there is one. */
static bool follow(struct reading *r, uint32_t *ttl)
{
	for (size_t i = 0; i < r->n_rrs; i++) {
		const struct rr *rr = &r->rrs[i];
		struct str to;

		if (rr->type != TYPE_CNAME || rr->class != CLASS_IN ||
			!str_eq(rr->name, r->name))
			continue;
		to = read_host(r->arena, &r->p, rr, 0);
		if (!to.p)
			return false;
		r->name = to;
		*ttl = MIN(*ttl, rr->ttl);
		return true;
	}
	return false;
}

int resolver_read(struct arena *a, enum dns_type type, struct str name,
	struct str packet, struct dns_answer *out, uint32_t *ttl)
{
	struct reading r = {
		.arena = a, .p = { .all = packet }, .type = type, .name = name
	};
	unsigned hops = 0;

	*out = (struct dns_answer){ .status = DNS_FAILED };
	*ttl = INT32_MAX;
	if (packet.len < HEADER_LEN || read_question(&r) < 0 ||
		read_answers(&r) < 0)
		return -1;
	if (r.rcode != 0 && r.rcode != RCODE_NXDOMAIN)
		return -1;
	while (!take_records(&r, out, ttl) && follow(&r, ttl))
		if (++hops > CNAMES_MAX)
			return -1;
	if (out->n_records) {
		out->status = DNS_FOUND;
		return 0;
	}
	out->status = r.rcode ? DNS_NO_NAME : DNS_NO_DATA;
	*ttl = MIN(*ttl, find_negative_ttl(&r));
	return 0;
}
