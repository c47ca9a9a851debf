/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_resolver.c - questions to a name server of our own, in the same loop,
 * which answers by the name that it is asked for.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mailmill/buf.h>
#include <mailmill/clock.h>
#include <mailmill/file.h>
#include <mailmill/resolver.h>

#include "../../../src/net/resolver_read.h"
#include "test.h"

/* --- packets ----------------------------------------------------------------
 */

static void put_u16(struct buf *b, unsigned v)
{
	(void)buf_byte(b, (unsigned char)(v >> 8));
	(void)buf_byte(b, (unsigned char)v);
}

static void put_u32(struct buf *b, uint32_t v)
{
	put_u16(b, v >> 16);
	put_u16(b, v & 0xffff);
}

static void put_name(struct buf *b, const char *name)
{
	struct str rest = str_c(name), label;

	while (str_cut(&rest, '.', &label)) {
		(void)buf_byte(b, (unsigned char)label.len);
		(void)buf_str(b, label);
	}
	(void)buf_byte(b, 0);
}

static void put_rr(struct buf *b, const char *name, unsigned type, uint32_t ttl,
	struct str data)
{
	put_name(b, name);
	put_u16(b, type);
	put_u16(b, 1);
	put_u32(b, ttl);
	put_u16(b, (unsigned)data.len);
	(void)buf_str(b, data);
}

static void put_head(struct buf *b, unsigned id, unsigned rcode, unsigned n,
	unsigned n_authority, const char *name, unsigned type)
{
	put_u16(b, id);
	put_u16(b, 0x8180 | rcode);
	put_u16(b, 1);
	put_u16(b, n);
	put_u16(b, n_authority);
	put_u16(b, 0);
	put_name(b, name);
	put_u16(b, type);
	put_u16(b, 1);
}

#define IP(a) str_n("\xc0\x00\x02" a, 4)

static void make_reply(
	struct buf *b, unsigned id, const char *name, unsigned type)
{
	if (strcmp(name, "txt.example") == 0) {
		put_head(b, id, 0, 2, 0, name, type);
		put_rr(b, "TXT.example", 16, 300, STR("\6v=spf1\5 -all"));
		put_rr(b, name, 16, 300, STR("\1x"));
	} else if (strcmp(name, "mail.example") == 0) {
		put_head(b, id, 0, 1, 0, name, type);
		put_rr(b, name, 15, 300, str_n("\0\12\2MX\7example\0", 14));
	} else if (strcmp(name, "alias.example") == 0) {
		put_head(b, id, 0, 2, 0, name, type);
		put_rr(b, name, 5, 300, str_n("\6target\7example\0", 16));
		put_rr(b, "target.example", 1, 300, IP("\1"));
	} else if (strcmp(name, "evil.example") == 0) {
		put_head(b, id, 0, 2, 0, name, type);
		put_rr(b, "victim.example", 1, 300, IP("\6"));
		put_rr(b, "victim.example", 5, 300, str_n("\1e\0", 3));
	} else if (strcmp(name, "victim.example") == 0) {
		put_head(b, id, 0, 1, 0, name, type);
		put_rr(b, name, 1, 300, IP("\7"));
	} else if (strcmp(name, "none.example") == 0) {
		put_head(b, id, 0, 0, 0, name, type);
	} else if (strcmp(name, "server.example") == 0) {
		put_head(b, id, 2, 0, 0, name, type);
	} else if (strcmp(name, "broken.example") == 0) {
		put_head(b, id, 0, 1, 0, name, type);
		(void)buf_c(b, "\xc0");
	} else if (strcmp(name, "other.example") == 0) {
		put_head(b, id, 0, 1, 0, "another.example", type);
		put_rr(b, "another.example", 1, 300, IP("\1"));
	} else if (strcmp(name, "silent.example") != 0) {
		put_head(b, id, 3, 0, 0, name, type);
	}
}

/* --- a name server ----------------------------------------------------------
 */

struct lab {
	struct loop *loop;
	struct resolver *resolver;
	int fd;
	struct loop_io *io;
	char address[64];
	unsigned n_queries, n_left;
};

static void on_query(struct loop_io *io, unsigned events, void *ctx)
{
	AUTO(buf) struct buf b = BUF_INIT(4096);
	struct lab *lab = ctx;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	unsigned char q[512];
	char name[256] = "";
	size_t at = 12, n = 0;
	ssize_t got = recvfrom(
		lab->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len);

	(void)io;
	(void)events;
	if (got < 17)
		return;
	lab->n_queries++;
	while (q[at]) {
		memcpy(name + n, q + at + 1, q[at]);
		n += q[at];
		name[n++] = '.';
		at += q[at] + 1u;
	}
	name[n - 1] = 0;
	make_reply(&b, (unsigned)q[0] << 8 | q[1], name,
		(unsigned)q[at + 1] << 8 | q[at + 2]);
	if (b.len)
		(void)sendto(
			lab->fd, b.p, b.len, 0, (struct sockaddr *)&from, len);
}

static void begin_lab(struct lab *lab)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	const char *servers[] = { lab->address };
	const struct resolver_options o = {
		.servers = servers, .n_servers = 1, .time_ms = 300
	};
	struct err err = { 0 };

	*lab = (struct lab){ 0 };
	must(loop_new(&lab->loop, &err) == 0);
	lab->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(bind(lab->fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	must(getsockname(lab->fd, (struct sockaddr *)&to, &len) == 0);
	snprintf(lab->address, sizeof(lab->address), "127.0.0.1:%u",
		ntohs(to.sin_port));
	lab->io = loop_io_new(lab->loop, lab->fd, LOOP_READ, on_query, lab);
	is_int(resolver_new(lab->loop, &o, &lab->resolver, &err), 0, err.text);
}

static void end_lab(struct lab *lab)
{
	resolver_free(lab->resolver);
	loop_io_free(lab->io);
	close(lab->fd);
	loop_free(lab->loop);
}

struct question {
	struct resolver_ask ask;
	struct lab *lab;
	enum dns_status status;
	char records[256]; /* parted by '|' */
	bool is_answered;
};

static void on_answer(struct resolver_ask *ask, const struct dns_answer *a)
{
	struct question *q = CONTAINER(ask, struct question, ask);
	size_t n = 0;

	q->is_answered = true;
	q->status = a->status;
	for (size_t i = 0; i < a->n_records; i++)
		n += (size_t)snprintf(q->records + n, sizeof(q->records) - n,
			"%s%.*s", i ? "|" : "", STR_ARG(a->records[i]));
	if (--q->lab->n_left == 0)
		loop_stop(q->lab->loop);
}

static void begin_question(struct lab *lab, struct question *q,
	enum dns_type type, const char *name)
{
	*q = (struct question){ .lab = lab,
		.ask = { type, str_c(name), on_answer, { NULL, NULL } } };
	lab->n_left++;
	resolver_ask(lab->resolver, &q->ask);
}

static void wait_for_all(struct lab *lab)
{
	struct err err = { 0 };

	while (lab->n_left)
		must(loop_run(lab->loop, &err) == 0);
}

/* --- tests ------------------------------------------------------------------
 */

TEST(answers)
{
	static const struct {
		const char *name, *asked;
		enum dns_type type;
		enum dns_status status;
		const char *records;
	} rows[] = {
		{ "strings are joined, records are not", "txt.example", DNS_TXT,
			DNS_FOUND, "v=spf1 -all|x" },
		{ "MX", "mail.example", DNS_MX, DNS_FOUND, "10 mx.example" },
		{ "an alias is followed", "alias.example", DNS_A, DNS_FOUND,
			"192.0.2.1" },
		{ "what was not asked for is not taken", "evil.example", DNS_A,
			DNS_NO_DATA, "" },
		{ "nor is it remembered", "victim.example", DNS_A, DNS_FOUND,
			"192.0.2.7" },
		{ "nothing of that type", "none.example", DNS_A, DNS_NO_DATA,
			"" },
		{ "no such name", "nx.example", DNS_TXT, DNS_NO_NAME, "" },
		{ "the server fails", "server.example", DNS_A, DNS_FAILED, "" },
		{ "a broken packet", "broken.example", DNS_A, DNS_FAILED, "" },
		{ "an answer to another question", "other.example", DNS_A,
			DNS_FAILED, "" },
		{ "no answer", "silent.example", DNS_A, DNS_FAILED, "" },
	};
	struct question q[COUNT(rows)];
	struct lab lab;

	begin_lab(&lab);
	for (size_t i = 0; i < COUNT(rows); i++)
		begin_question(&lab, &q[i], rows[i].type, rows[i].asked);
	wait_for_all(&lab);
	for (size_t i = 0; i < COUNT(rows); i++) {
		is_int(q[i].status, rows[i].status, rows[i].name);
		is_c(q[i].records, rows[i].records, rows[i].name);
	}
	end_lab(&lab);
}

TEST(equal_questions_are_asked_once)
{
	struct question q[5];
	struct resolver_stats stats;
	struct lab lab;

	begin_lab(&lab);
	for (size_t i = 0; i < 4; i++)
		begin_question(&lab, &q[i], DNS_TXT, "txt.example");
	is_false(q[0].is_answered, "not from inside");
	wait_for_all(&lab);
	is_int(lab.n_queries, 1, "one question");
	for (size_t i = 0; i < 4; i++)
		is_c(q[i].records, "v=spf1 -all|x", "to all");
	begin_question(&lab, &q[4], DNS_TXT, "txt.example");
	is_true(q[4].is_answered, "the next is answered at once");
	begin_question(&lab, &q[4], DNS_A, "txt.example");
	is_false(q[4].is_answered, "but not one of another type");
	wait_for_all(&lab);
	resolver_stats(lab.resolver, &stats);
	is_int(stats.n_cached, 1, "from memory");
	is_int(stats.n_kept, 2, "two are kept");
	end_lab(&lab);
}

/* Many more than may be in flight, and each answered. */
TEST(a_flood_is_answered)
{
	static struct question q[1000];
	static char names[COUNT(q)][32];
	struct lab lab;
	unsigned n_wrong = 0;

	begin_lab(&lab);
	for (size_t i = 0; i < COUNT(q); i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu.example", i);
		begin_question(&lab, &q[i], DNS_A, names[i]);
	}
	wait_for_all(&lab);
	for (size_t i = 0; i < COUNT(q); i++)
		n_wrong += !q[i].is_answered;
	is_int(n_wrong, 0, "none is forgotten");
	end_lab(&lab);
}

TEST(ends_with_questions_under_way)
{
	struct question q;
	struct lab lab;

	begin_lab(&lab);
	begin_question(&lab, &q, DNS_A, "silent.example");
	end_lab(&lab);
	is_false(q.is_answered, "and tells nobody");
}

TEST(servers_that_are_none)
{
	AUTO(loop) struct loop *loop = NULL;
	struct resolver *r = NULL;
	const char *servers[] = { "dns.example.org" };
	const struct resolver_options o = { .servers = servers,
		.n_servers = 1 };
	struct err err = { 0 };

	must(loop_new(&loop, &err) == 0);
	is_int(resolver_new(loop, &o, &r, &err), -1, "a name is no address");
	has_text(err.text, "expected addresses like", "which is said");
	is_int(err.kind, ERR_CONF, "to the operator");
}

TEST(packets_may_be_anything)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(4096);
	struct dns_answer out;
	uint32_t ttl;
	unsigned n_read = 0;

	make_reply(&b, 1, "alias.example", 1);
	for (size_t len = 0; len < b.len; len++)
		n_read += resolver_read(a, DNS_A, STR("alias.example"),
				  str_n(b.p, len), &out, &ttl) == 0;
	is_int(n_read, 0, "each cut is refused");
	for (size_t i = 0; i < b.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			b.p[i] ^= (char)(1 << bit);
			(void)!resolver_read(a, DNS_A, STR("alias.example"),
				buf_view(&b), &out, &ttl);
			b.p[i] ^= (char)(1 << bit);
		}
	is_int(resolver_read(a, DNS_A, STR("alias.example"), buf_view(&b), &out,
		       &ttl),
		0, "whole, it is read");
	is_int(ttl, 300, "with its time");
}

TEST(names_that_lead_round)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf b = BUF_INIT(4096);
	struct dns_answer out;
	uint32_t ttl;

	put_head(&b, 1, 0, 1, 0, "a.example", 1);
	put_u16(&b, 0xc000 | (unsigned)b.len); /* to itself */
	put_u16(&b, 1);
	put_u16(&b, 1);
	put_u32(&b, 300);
	put_u16(&b, 4);
	(void)buf_str(&b, IP("\1"));
	is_int(resolver_read(
		       a, DNS_A, STR("a.example"), buf_view(&b), &out, &ttl),
		-1, "a pointer to itself");
	buf_clear(&b);
	put_head(&b, 1, 0, 2, 0, "a.example", 1);
	put_rr(&b, "a.example", 5, 300, str_n("\1b\7example\0", 11));
	put_rr(&b, "b.example", 5, 300, str_n("\1a\7example\0", 11));
	is_int(resolver_read(
		       a, DNS_A, STR("a.example"), buf_view(&b), &out, &ttl),
		-1, "two aliases of each other");
}
