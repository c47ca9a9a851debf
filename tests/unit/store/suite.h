/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suite.h - what every store must do; each store's test includes it after
 * defining SUITE_DRIVER.
 */
#include <errno.h>

#include "bench.h"
#include "suite_out.h"

/* --- the tests ------------------------------------------------------------ */

TEST(put_is_claimed_whole)
{
	AUTO(bench) struct bench b;
	struct sample m;
	struct store_claim claim;
	struct err err = { 0 };

	bench_init(&b);
	sample_init(&m, "Subject: x\r\n\r\nhello\r\n");
	m.put.n_routes = 2;
	is_int(put_sync(b.store, &m.put, &err), 0, "put");
	is_int(claim_sync(&b, &claim, 10, clock_wall_ms()), 2,
		"a delivery for each route");
	is_str(claim.items[0].route, "support", "in order of routes");
	is_str(claim.items[1].route, "sales", "in order of routes");
	is_int(claim.items[0].n_rcpts, 1, "its own recipients");
	is_str(claim.items[0].rcpts[0], "support@example.org", "the address");
	is_int(claim.items[0].env.n_rcpts, 2, "all recipients in the envelope");
	is_str(claim.items[0].env.sender, "Ann@Example.com", "the sender");
	is_str(claim.items[0].env.peer, "192.0.2.1:25", "the peer");
	is_c(claim.items[0].message.text, m.put.id.text, "the message's id");
	is_int(claim.items[0].attempts, 0, "never claimed before");
	is_int(claim.items[0].size, m.put.size, "the size");
	is_true(claim.items[0].id < claim.items[1].id, "ids ascend");
	is_true(claim.next_due > clock_wall_ms() + 50000, "next: the lease");
	is_int(claim_sync(&b, &claim, 10, clock_wall_ms()), 0, "claimed once");
	check_books(&b);
}

static void check_body(struct bench *b, size_t len, bool from_fd)
{
	AUTO(bytes) char *bytes = mem_new(len + 1), *back = mem_new(len + 1);
	AUTO(fd) int spool = file_temp(NULL, &(struct err){ 0 }), fd = -1;
	struct sample m;
	struct err err = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "%zu bytes", len);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 + i / 251);
	sample_init(&m, "");
	m.put.size = len;
	m.put.body = from_fd ? NULL : bytes;
	m.put.fd = spool;
	must(file_write_all(spool, bytes, len) == 0);
	is_int(put_sync(b->store, &m.put, &err), 0, name);
	is_int(store_body(b->store, &m.put.id, &fd, &err), 0, name);
	is_int(read(fd, back, 0), 0, "it is readable");
	is_int(lseek(fd, 0, SEEK_CUR), 0, "it is at 0");
	is_int(file_pread_all(fd, back, len + 1, 0), (long long)len, name);
	is_true(memcmp(bytes, back, len) == 0, "the same bytes");
	is_true(write(fd, "x", 1) < 0, "it can't be written");
	is_true(ftruncate(fd, (off_t)len + 1) < 0, "nor grown");
}

TEST(body_comes_back)
{
	static const size_t lens[] = { 0, 1, 262143, 262144, 262145, 1048576,
		1048577, 3000000 };
	AUTO(bench) struct bench b;
	struct id none = id_new();
	struct err err = { 0 };
	int fd = -1;

	bench_init(&b);
	for (size_t i = 0; i < COUNT(lens); i++)
		check_body(&b, lens[i], i % 2);
	is_int(store_body(b.store, &none, &fd, &err), STORE_GONE,
		"of an unknown one: gone");
}

TEST(a_short_spool_is_refused_alone)
{
	AUTO(bench) struct bench b;
	AUTO(fd) int spool = file_temp(NULL, &(struct err){ 0 });
	struct sample m;
	struct err err = { 0 };

	bench_init(&b);
	sample_init(&m, "");
	m.put.body = NULL;
	m.put.fd = spool;
	m.put.size = 10;
	is_int(put_sync(b.store, &m.put, &err), -1, "refused");
	is_int(err.kind, ERR_TEMP, "for now");
	put_one(&b, "another one is taken");
	check_books(&b);
}

TEST(once_is_once)
{
	AUTO(bench) struct bench b;
	struct sample m, again;
	struct store_claim claim;
	struct err err = { 0 };

	bench_init(&b);
	sample_init(&m, "x");
	m.put.once = STR("import:abc");
	is_int(put_sync(b.store, &m.put, &err), 0, "first");
	sample_init(&again, "x");
	again.put.once = STR("import:abc");
	is_int(put_sync(b.store, &again.put, &err), STORE_SEEN, "second");
	is_int(claim_sync(&b, &claim, 10, clock_wall_ms()), 1, "one is there");
}

TEST(claims_leave_routes_alone_that_they_are_told)
{
	static const struct str skip[] = { STR("port"), STR("support") };
	AUTO(bench) struct bench b;
	struct sample m;
	struct store_claim claim;
	struct err err = { 0 };
	int64_t now = clock_wall_ms() + 1000;

	bench_init(&b);
	for (int i = 0; i < 3; i++) {
		sample_init(&m, "x");
		m.put.n_routes = 2;
		is_int(put_sync(b.store, &m.put, &err), 0, "put");
	}
	is_int(claim_but(&b, &claim, 2, now, skip, 2), 2, "as many as asked");
	is_str(claim.items[0].route, "sales", "of the other route");
	is_true(claim.items[0].id < claim.items[1].id, "oldest first");
	is_int(claim_but(&b, &claim, 10, now, skip, 2), 1, "the last of them");
	is_str(claim.items[0].route, "sales", "of the other route");
	is_int(claim_but(&b, &claim, 10, now, skip, 1), 3,
		"a name is not another one's part");
	is_str(claim.items[0].route, "support", "and they are still due");
}

TEST(giving_back_for_the_same_reason_is_journalled_once)
{
	AUTO(bench) struct bench b;
	struct store_finish f;
	struct store_claim claim;
	struct store_row row;
	struct envelope env;
	struct store_event *events;
	struct err err = { 0 };
	int64_t id, now = clock_wall_ms();
	size_t n = 0;

	bench_init(&b);
	id = claim_one(&b);
	for (int i = 0; i < 6; i++) {
		f = (struct store_finish){ .delivery = id,
			.to = STORE_RETRY,
			.due_at = now,
			.is_attempt = i == 5,
			.reason = i < 3 ? STR("waits for 7") : STR("away") };
		is_int(finish_sync(&b, &f, &err), 0, "given back");
		is_int(claim_sync(&b, &claim, 1, now + 1000), 1, "due");
	}
	is_int(store_show(b.store, b.arena, id, &row, &env, &events, &n, &err),
		0, "shown");
	is_int(n, 3, "two reasons, and an attempt");
}

TEST(finish_moves_on)
{
	AUTO(bench) struct bench b;
	struct store_finish f = { 0 };
	struct store_claim claim;
	struct err err = { 0 };
	int64_t now = clock_wall_ms(), id;

	bench_init(&b);
	id = claim_one(&b);
	f = (struct store_finish){ .delivery = id,
		.to = STORE_RETRY,
		.due_at = now + 300000,
		.reason = STR("target is away"),
		.is_attempt = true,
		.is_crash = true,
		.now = now,
		.identity = STR("01234567890123456789012345678901") };
	is_int(finish_sync(&b, &f, &err), 0, "retry");
	is_int(finish_sync(&b, &f, &err), -1, "a claim ends once");
	is_int(err.kind, ERR_PERM, "and for good");
	is_int(claim_sync(&b, &claim, 10, now + 200000), 0, "not due yet");
	is_true(claim.next_due >= now + 299000 &&
			claim.next_due <= now + 301000,
		"tells when");
	is_int(claim_sync(&b, &claim, 10, now + 302000), 1, "due");
	is_int(claim.items[0].attempts, 1, "one attempt before");
	is_int(claim.items[0].crashes, 1, "one crash");
	is_int(claim.items[0].identity.len, 32, "identity is kept");
	f = (struct store_finish){ .delivery = id,
		.to = STORE_QUEUED,
		.due_at = now + 302000,
		.now = now + 302000 };
	is_int(finish_sync(&b, &f, &err), 0, "given back");
	is_int(claim_sync(&b, &claim, 10, now + 303000), 1, "due at once");
	is_int(claim.items[0].attempts, 1, "which was no attempt");
	is_int(claim.items[0].identity.len, 32, "identity stays");
	finish_to(&b, id, STORE_DONE);
	is_int(state_of(&b, id), STORE_DONE, "done");
	is_int(claim_sync(&b, &claim, 10, now + DAY), 0, "for good");
	check_books(&b);
}

TEST(a_lease_runs_out)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	int64_t now = clock_wall_ms(), id;

	bench_init(&b);
	id = claim_one(&b);
	is_int(claim_sync(&b, &claim, 1, now + 50000), 0, "leased");
	is_int(claim_sync(&b, &claim, 1, now + 70000), 1, "due again");
	is_int(claim.items[0].id, id, "the same");
	is_int(claim.items[0].attempts, 1, "counted");
}

TEST(the_clock_goes_back)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	struct store_finish f = { 0 };
	struct err err = { 0 };
	int64_t now = clock_wall_ms(), id;

	bench_init(&b);
	put_one(&b, "queued before the clock went back");
	is_int(claim_sync(&b, &claim, 1, now - 30 * DAY), 1, "still due");
	id = claim.items[0].id;
	f = (struct store_finish){ .delivery = id,
		.to = STORE_RETRY,
		.due_at = now - 30 * DAY + 60000,
		.now = now - 30 * DAY };
	is_int(finish_sync(&b, &f, &err), 0, "retry in a minute");
	is_int(claim_sync(&b, &claim, 1, now - 30 * DAY + 30000), 0,
		"not in half of one");
	is_true(claim.next_due > now - 30 * DAY + 58000 &&
			claim.next_due < now - 30 * DAY + 62000,
		"told in the clock's time");
	is_int(claim_sync(&b, &claim, 1, now - 30 * DAY + 62000), 1,
		"but then");
	f.due_at = now + 20000 * DAY;
	is_int(finish_sync(&b, &f, &err), 0, "due in 50 years");
	is_int(claim_sync(&b, &claim, 1, now + 40 * DAY), 1, "is bounded");
}

TEST(claims_go_oldest_first_and_no_further)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	int64_t last = 0;

	bench_init(&b);
	for (int i = 0; i < 20; i++)
		put_one(&b, "x");
	for (int i = 0; i < 4; i++) {
		is_int(claim_sync(&b, &claim, 5, clock_wall_ms()), 5, "five");
		for (size_t k = 0; k < claim.n_items; k++) {
			is_true(claim.items[k].id > last, "in order");
			last = claim.items[k].id;
		}
	}
}

static int find_thread(struct bench *b, const char *scope, struct str *ids,
	size_t n, int64_t self, struct str *record, int64_t *pending)
{
	struct err err = { 0 };

	return store_find_thread(b->store, b->arena, str_c(scope), STR("Case"),
		ids, n, self, record, pending, &err);
}

TEST(threads_are_found_nearest_first)
{
	AUTO(bench) struct bench b;
	struct store_thread threads[] = {
		{ STR("prod"), STR("a@x"), STR("Case"), STR("500A") },
		{ STR("prod"), STR("b@x"), STR("Case"), STR("500B") },
	};
	struct str ids[] = { STR(""), STR("none@x"), STR("b@x"), STR("a@x") };
	struct str wait[] = { STR("late@x"), STR("a@x") };
	struct str record = STR_NULL;
	struct store_finish f = { 0 };
	struct err err = { 0 };
	int64_t pending = 0, late, reply;

	bench_init(&b);
	f = (struct store_finish){ .delivery = claim_one(&b),
		.to = STORE_DONE,
		.threads = threads,
		.n_threads = 2 };
	is_int(finish_sync(&b, &f, &err), 0, "two threads");
	is_int(find_thread(&b, "prod", ids, 4, 0, &record, &pending), 0, "one");
	is_str(record, "500B", "the nearest");
	is_int(find_thread(&b, "test", ids, 4, 0, &record, &pending),
		STORE_NONE, "not of another target");

	late = claim_one(&b);
	reply = claim_one(&b);
	f = (struct store_finish){ .delivery = late,
		.to = STORE_RETRY,
		.due_at = clock_wall_ms(),
		.message_id = STR("late@x"),
		.scope = STR("prod") };
	is_int(finish_sync(&b, &f, &err), 0, "one is late");
	is_int(find_thread(&b, "prod", wait, 2, reply, &record, &pending),
		STORE_PENDING, "a reply waits for it");
	is_int(pending, late, "and knows for which");
	is_int(find_thread(&b, "test", wait, 1, reply, &record, &pending),
		STORE_NONE, "but not at another target");
	is_int(find_thread(&b, "prod", wait, 1, late, &record, &pending),
		STORE_NONE, "nobody waits for himself");
	is_int(find_thread(&b, "prod", wait, 1, late - 1, &record, &pending),
		STORE_NONE, "nor for a later one");
	is_int(store_order(b.store, late, STORE_DO_DROP, STR("me"), &err), 0,
		"dropped");
	is_int(find_thread(&b, "prod", wait, 1, reply, &record, &pending),
		STORE_NONE, "and no longer waited for");
}

static int find_subject(struct bench *b, const char *subject, const char *party,
	int64_t since, struct str *record)
{
	struct err err = { 0 };
	struct str parties[] = { STR("nobody@x"), str_c(party) };

	return store_find_subject(b->store, b->arena, STR("prod"), STR("Case"),
		str_c(subject), parties, party ? 2 : 0, since, record, &err);
}

static int find_party(struct bench *b, const char *record, const char *party)
{
	struct err err = { 0 };
	struct str parties[] = { STR(""), str_c(party) };

	return store_find_party(b->store, STR("prod"), STR("Case"),
		str_c(record), parties, 2, &err);
}

/* A mail at `now` under a subject went to a record. */
static void finish_thread(struct bench *b, const char *record,
	const char *subject, struct str *parties, int64_t now)
{
	struct store_thread thread = { STR("prod"), STR("a@x"), STR("Case"),
		str_c(record) };
	struct store_finish f = { .delivery = claim_one(b),
		.to = STORE_DONE,
		.threads = &thread,
		.n_threads = 1,
		.parties = parties,
		.n_parties = 2,
		.subject = str_c(subject),
		.now = now };
	struct err err = { 0 };

	is_int(finish_sync(b, &f, &err), 0, "done");
}

TEST(subjects_and_parties_are_found)
{
	AUTO(bench) struct bench b;
	struct str one[] = { STR("ann@x"), STR("bob@x") };
	struct str two[] = { STR("ann@x"), STR("eve@x") };
	struct str record = STR_NULL;
	int64_t now = clock_wall_ms();

	bench_init(&b);
	finish_thread(&b, "500A", "printer", one, now - 5000);
	finish_thread(&b, "500B", "printer", two, now - 1000);
	finish_thread(&b, "500C", "", two, now);
	is_int(find_subject(&b, "printer", NULL, 0, &record), 0, "by subject");
	is_str(record, "500B", "the last one");
	is_int(find_subject(&b, "printer", "bob@x", 0, &record), 0, "with bob");
	is_str(record, "500A", "his");
	is_int(find_subject(&b, "printer", "bob@x", now - 2000, &record),
		STORE_NONE, "too long ago");
	is_int(find_subject(&b, "printer", "zoe@x", 0, &record), STORE_NONE,
		"not with others");
	is_int(find_subject(&b, "scanner", NULL, 0, &record), STORE_NONE,
		"not another");
	is_int(find_subject(&b, "", NULL, 0, &record), STORE_NONE,
		"none is no subject");
	is_int(find_party(&b, "500A", "bob@x"), 0, "bob took part");
	is_int(find_party(&b, "500B", "bob@x"), STORE_NONE, "not in this one");
	is_int(find_party(&b, "500C", "eve@x"), 0, "without a subject");
}

TEST(identity_is_found_once_done)
{
	AUTO(bench) struct bench b;
	struct str who = STR("01234567890123456789012345678901");
	struct store_finish f = { 0 };
	struct err err = { 0 };
	int64_t first, second, found = 0;

	bench_init(&b);
	first = claim_one(&b);
	second = claim_one(&b);
	is_int(store_find_identity(
		       b.store, STR("support"), who, second, &found, &err),
		STORE_NONE, "nobody yet");
	f = (struct store_finish){ .delivery = first,
		.to = STORE_RETRY,
		.due_at = INT64_MAX / 4,
		.identity = who };
	is_int(finish_sync(&b, &f, &err), 0, "to be tried again");
	is_int(store_find_identity(
		       b.store, STR("support"), who, second, &found, &err),
		STORE_PENDING, "the first is on its way");
	is_int(found, first, "and named");
	is_int(store_find_identity(
		       b.store, STR("support"), who, first - 1, &found, &err),
		STORE_NONE, "an earlier one does not wait for it");
	is_int(store_order(b.store, first, STORE_DO_RETRY, STR("me"), &err), 0,
		"due again");
	is_int(claim_one(&b), first, "claimed");
	f = (struct store_finish){
		.delivery = first, .to = STORE_DONE, .identity = who
	};
	is_int(finish_sync(&b, &f, &err), 0, "done");
	is_int(store_find_identity(
		       b.store, STR("support"), who, second, &found, &err),
		0, "the first");
	is_int(found, first, "is found");
	is_int(store_find_identity(
		       b.store, STR("support"), who, first, &found, &err),
		STORE_NONE, "not oneself");
	is_int(store_find_identity(
		       b.store, STR("sales"), who, second, &found, &err),
		STORE_NONE, "not on another route");
}

TEST(orders_move_what_they_may)
{
	static const struct {
		const char *name;
		enum store_state from;
		enum store_order order;
		int rc;
		enum store_state to;
	} rows[] = {
		{ "retry a dead one", STORE_DEAD, STORE_DO_RETRY, 0,
			STORE_QUEUED },
		{ "retry a held one", STORE_HELD, STORE_DO_RETRY, 0,
			STORE_QUEUED },
		{ "retry a dropped one", STORE_DROPPED, STORE_DO_RETRY, 0,
			STORE_QUEUED },
		{ "not a done one", STORE_DONE, STORE_DO_RETRY, STORE_NONE,
			STORE_DONE },
		{ "drop a dead one", STORE_DEAD, STORE_DO_DROP, 0,
			STORE_DROPPED },
		{ "drop a waiting one", STORE_RETRY, STORE_DO_DROP, 0,
			STORE_DROPPED },
		{ "not a done one", STORE_DONE, STORE_DO_DROP, STORE_NONE,
			STORE_DONE },
		{ "release a held one", STORE_HELD, STORE_DO_RELEASE, 0,
			STORE_QUEUED },
		{ "nothing else", STORE_DEAD, STORE_DO_RELEASE, STORE_NONE,
			STORE_DEAD },
	};
	AUTO(bench) struct bench b;
	struct err err = { 0 };

	bench_init(&b);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t id = claim_one(&b);
		struct store_finish f = { .delivery = id,
			.to = rows[i].from,
			.due_at = clock_wall_ms() + DAY };
		struct store_claim claim;
		is_int(finish_sync(&b, &f, &err), 0, rows[i].name);
		is_int(store_order(
			       b.store, id, rows[i].order, STR("root"), &err),
			rows[i].rc, rows[i].name);
		is_int(state_of(&b, id), rows[i].to, rows[i].name);
		is_int(claim_sync(&b, &claim, 10, clock_wall_ms()),
			rows[i].to == STORE_QUEUED, "due when it shall be");
	}
	is_int(store_order(b.store, 999999, STORE_DO_DROP, STR("x"), &err),
		STORE_NONE, "there is no such one");
	check_books(&b);
}

TEST(lists_filter_and_page)
{
	AUTO(bench) struct bench b;
	struct store_row *rows = NULL;
	struct store_filter filter = { 0 };
	struct store_finish f = { 0 };
	struct err err = { 0 };
	size_t n = 0;
	int64_t dead;

	bench_init(&b);
	dead = claim_one(&b);
	f = (struct store_finish){ .delivery = dead,
		.to = STORE_DEAD,
		.reason = STR("FIELD_TOO_LONG: Subject"),
		.message_id = STR("m1@example.com"),
		.is_attempt = true };
	is_int(finish_sync(&b, &f, &err), 0, "dead");
	for (int i = 0; i < 9; i++)
		put_one(&b, "x");
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"all");
	is_int(n, 10, "ten");
	is_int(rows[0].id, dead, "by id");
	is_int(rows[0].state, STORE_DEAD, "state");
	is_str(rows[0].reason, "FIELD_TOO_LONG: Subject", "reason");
	is_str(rows[0].message_id, "m1@example.com", "message-id");
	is_str(rows[0].sender, "Ann@Example.com", "sender");
	is_str(rows[0].source, "lmtp", "source");
	is_str(rows[0].rcpts[0], "support@example.org", "recipient");
	is_int(rows[0].attempts, 1, "attempts");
	is_int(rows[0].due_at, 0, "a dead one is never due");
	is_true(rows[1].due_at > 0, "a queued one is");
	is_true(rows[0].has_body, "has its bytes");
	filter.states = 1u << STORE_DEAD;
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"dead");
	is_int(n, 1, "one");
	filter.states = 1u << STORE_DEAD | 1u << STORE_QUEUED;
	filter.max = 4;
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"page");
	is_int(n, 4, "of four");
	filter.after = rows[3].id;
	filter.max = 0;
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"rest");
	is_int(n, 6, "of six");
	filter = (struct store_filter){ .text = STR("field_too") };
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"text");
	is_int(n, 1, "in a reason, without case");
	filter.text = STR("ann@EXAMPLE");
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"text");
	is_int(n, 10, "in the sender");
	filter = (struct store_filter){ .route = STR("sales") };
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"route");
	is_int(n, 0, "none there");
	filter = (struct store_filter){ .to = clock_wall_ms() - DAY };
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"time");
	is_int(n, 0, "none that old");
}

TEST(history_is_shown)
{
	AUTO(bench) struct bench b;
	struct store_row row;
	struct envelope env;
	struct store_event *events = NULL;
	struct store_finish f = { 0 };
	struct store_claim claim;
	struct err err = { 0 };
	size_t n = 0;
	int64_t now = clock_wall_ms(), id;

	bench_init(&b);
	id = claim_one(&b);
	f = (struct store_finish){ .delivery = id,
		.to = STORE_RETRY,
		.due_at = now,
		.reason = STR("503"),
		.now = now,
		.journal = STR("{\"try\":1}"),
		.is_attempt = true };
	is_int(finish_sync(&b, &f, &err), 0, "retry");
	is_int(claim_sync(&b, &claim, 1, now + 1000), 1, "again");
	f = (struct store_finish){ .delivery = id,
		.to = STORE_DEAD,
		.reason = STR("no"),
		.now = now + 1000,
		.is_attempt = true };
	is_int(finish_sync(&b, &f, &err), 0, "dead");
	is_int(store_order(b.store, id, STORE_DO_RETRY, STR("root"), &err), 0,
		"retried");
	is_int(store_show(b.store, b.arena, id, &row, &env, &events, &n, &err),
		0, "shown");
	is_int(n, 3, "three events");
	is_int(events[0].to, STORE_RETRY, "oldest first");
	is_str(events[0].journal, "{\"try\":1}", "with what was done");
	is_int(events[0].at, now, "and when");
	is_str(events[1].text, "no", "then the reason");
	is_str(events[2].text, "retried by root", "and who");
	is_int(env.n_rcpts, 2, "the envelope");
	is_int(store_show(
		       b.store, b.arena, 4711, &row, &env, &events, &n, &err),
		STORE_NONE, "none of that id");
}

TEST(stats_count_all)
{
	AUTO(bench) struct bench b;
	uint64_t by_state[STORE_N_STATES];
	int64_t oldest = 7;
	struct err err = { 0 };

	bench_init(&b);
	is_int(store_stats(b.store, by_state, &oldest, &err), 0, "of nothing");
	is_int(oldest, 0, "nobody waits");
	finish_to(&b, claim_one(&b), STORE_DONE);
	finish_to(&b, claim_one(&b), STORE_DEAD);
	put_one(&b, "x");
	is_int(store_stats(b.store, by_state, &oldest, &err), 0, "counts");
	is_int(by_state[STORE_DONE], 1, "done");
	is_int(by_state[STORE_DEAD], 1, "dead");
	is_int(by_state[STORE_QUEUED], 1, "queued");
	is_true(oldest > 0 && oldest <= clock_wall_ms(), "the oldest");
}

static int sweep_all(struct bench *b, int64_t now)
{
	struct err err = { 0 };
	int rc, n = 0;

	while ((rc = store_sweep(b->store, now, &err)) == 1 && n < 10000)
		n++;
	is_int(rc, 0, "swept to the end");
	return n;
}

TEST(retention_takes_bytes_then_rows_but_never_the_dead)
{
	AUTO(bench) struct bench b;
	struct id done_id, dead_id;
	struct store_claim claim;
	struct store_row *rows;
	struct store_filter filter = { 0 };
	struct sample m;
	struct err err = { 0 };
	size_t n;
	int fd = -1;
	int64_t now = clock_wall_ms();

	bench_init(&b);
	sample_init(&m, "on two routes, of which one is done");
	m.put.n_routes = 2;
	is_int(put_sync(b.store, &m.put, &err), 0, "put");
	done_id = put_one(&b, "done");
	dead_id = put_one(&b, "dead");
	is_int(claim_sync(&b, &claim, 10, clock_wall_ms()), 4, "four");
	finish_to(&b, claim.items[0].id, STORE_DONE);
	finish_to(&b, claim.items[1].id, STORE_HELD);
	finish_to(&b, claim.items[2].id, STORE_DONE);
	finish_to(&b, claim.items[3].id, STORE_DEAD);

	is_int(sweep_all(&b, now + 29 * DAY), 0, "nothing to do yet");
	is_true(sweep_all(&b, now + 31 * DAY) > 0, "then bytes go");
	is_int(store_body(b.store, &done_id, &fd, &err), STORE_GONE, "of done");
	is_int(store_body(b.store, &dead_id, &fd, &err), 0, "not of dead");
	close(fd);
	is_int(store_body(b.store, &m.put.id, &fd, &err), 0,
		"nor while one route's is held");
	close(fd);
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"list");
	is_int(n, 4, "all rows are there");
	is_false(rows[2].has_body, "told so");
	check_books(&b);

	is_true(sweep_all(&b, now + 91 * DAY) > 0, "then rows go");
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"list");
	is_int(n, 3, "but three");
	check_books(&b);
	is_int(store_order(b.store, claim.items[1].id, STORE_DO_DROP, STR("me"),
		       &err),
		0, "the held one is dropped");
	sweep_all(&b, now + 200 * DAY);
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"list");
	is_int(n, 1, "only the dead one is left");
	check_books(&b);
}

TEST(a_long_queue_refuses)
{
	AUTO(bench) struct bench b;
	struct sample m;
	struct store_claim claim;
	struct err err = { 0 };

	bench_init(&b);
	store_close(b.store);
	b.options.queue_max = 2;
	bench_open(&b);
	put_one(&b, "1");
	is_int(store_ready(b.store, &err), 0, "ready");
	put_one(&b, "2");
	is_int(store_ready(b.store, &err), -1, "not any more");
	has_text(err.text, "queue is full", "says why");
	sample_init(&m, "3");
	is_int(put_sync(b.store, &m.put, &err), -1, "refused");
	is_int(err.kind, ERR_TEMP, "for now");
	is_int(claim_sync(&b, &claim, 1, clock_wall_ms()), 1, "one");
	finish_to(&b, claim.items[0].id, STORE_DEAD);
	put_one(&b, "3 is taken when one has left");
}

struct crowd {
	struct bench *bench;
	int n_bad;
};

static void *put_many(void *ctx)
{
	struct crowd *c = ctx;

	for (int i = 0; i < 40; i++) {
		struct sample m;
		struct err err = { 0 };
		sample_init(&m, "from a crowd");
		if (put_sync(c->bench->store, &m.put, &err) != 0)
			__atomic_add_fetch(&c->n_bad, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

TEST(a_crowd_is_served)
{
	AUTO(bench) struct bench b;
	struct crowd c = { &b, 0 };
	pthread_t threads[8];
	uint64_t by_state[STORE_N_STATES];
	int64_t oldest;
	struct err err = { 0 };

	bench_init(&b);
	for (size_t i = 0; i < COUNT(threads); i++)
		must(pthread_create(&threads[i], NULL, put_many, &c) == 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	is_int(c.n_bad, 0, "none was refused");
	is_int(store_stats(b.store, by_state, &oldest, &err), 0, "counts");
	is_int(by_state[STORE_QUEUED], 320, "all are there");
	check_books(&b);
}

/* --- large and small ------------------------------------------------------ */

struct order {
	struct waiter waiter;
	int *n_over, rank;
	pthread_mutex_t *gate; /* the writer waits here */
};

static void on_ordered(
	struct store_put *put, int outcome, const struct err *err)
{
	struct order *o = put->ctx;

	pthread_mutex_lock(o->gate);
	o->rank = (*o->n_over)++;
	pthread_mutex_unlock(o->gate);
	waiter_end(&o->waiter, outcome, err);
}

TEST(a_small_mail_waits_for_one_large_one)
{
	AUTO(bench) struct bench b;
	AUTO(bytes) char *body = mem_new(3000001);
	struct sample m[6];
	struct order o[6];
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	int n_over = 0;

	bench_init(&b);
	memset(body, 'x', 3000000);
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 6; i++) {
		o[i] = (struct order){ WAITER, &n_over, 0, &gate };
		sample_init(&m[i], i == 5 ? "small" : body);
		m[i].put.done = on_ordered;
		m[i].put.ctx = &o[i];
		store_put(b.store, &m[i].put);
	}
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < 6; i++)
		is_int(waiter_wait(&o[i].waiter, NULL), 0, "all are stored");
	is_int(o[5].rank, 1, "the small one is the second");
	check_books(&b);
}
