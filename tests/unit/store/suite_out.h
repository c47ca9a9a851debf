/* SPDX-License-Identifier: GPL-3.0-or-later */
/* suite_out.h - what every store must do with marks and outgoing mail. */
#ifndef MAILMILL_TEST_STORE_SUITE_OUT_H
#define MAILMILL_TEST_STORE_SUITE_OUT_H

#include "bench.h"

static void on_out_claim(struct store_out_claim *c, const struct err *err)
{
	waiter_end(c->ctx, err->kind ? -1 : 0, err);
}

static int out_claim_sync(
	struct bench *b, struct store_out_claim *c, unsigned max, int64_t now)
{
	struct waiter w = WAITER;
	struct err err = { 0 };

	*c = (struct store_out_claim){ .max = max,
		.lease_ms = 60000,
		.now = now,
		.arena = b->arena,
		.done = on_out_claim,
		.ctx = &w };
	store_out_claim(b->store, c);
	if (waiter_wait(&w, &err) < 0)
		test_fail(__FILE__, __LINE__, "claim: %s", err.text);
	return (int)c->n_items;
}

static void on_out_finish(struct store_out_finish *f, const struct err *err)
{
	waiter_end(f->ctx, err->kind ? -1 : 0, err);
}

static int out_finish_sync(struct bench *b, struct store_out_finish *f)
{
	struct waiter w = WAITER;
	struct err err = { 0 };

	f->done = on_out_finish;
	f->ctx = &w;
	if (!f->now)
		f->now = clock_wall_ms();
	store_out_finish(b->store, f);
	return waiter_wait(&w, &err);
}

static struct str out_rcpts[] = { STR("bob@example.net"),
	STR("eve@example.net") };
static struct store_piece out_pieces[] = { { STR("X-New: 1\r\n"), 0, 0 },
	{ STR(""), 3, 5 } };
static const struct store_out out_plain = { .kind = STR("redirect"),
	.once = STR("redirect bob"),
	.sender = STR("ann@example.com"),
	.rcpts = out_rcpts,
	.n_rcpts = 2,
	.pieces = out_pieces,
	.n_pieces = 2 };

/* Ends a claimed delivery with one piece of mail to send. */
static unsigned finish_out(struct bench *b, int64_t id, enum store_state to,
	const struct store_out *out)
{
	struct store_finish f = { .delivery = id,
		.to = to,
		.is_attempt = true,
		.outs = out,
		.n_outs = 1 };
	struct err err = { 0 };

	if (finish_sync(b, &f, &err) < 0)
		test_fail(__FILE__, __LINE__, "finish: %s", err.text);
	return f.n_sent;
}

static struct store_out_row out_row(struct bench *b, int64_t id)
{
	struct store_out_row row = { 0 };
	struct err err = { 0 };

	if (store_out_show(b->store, b->arena, id, &row, &err))
		test_fail(__FILE__, __LINE__, "show: %s", err.text);
	return row;
}

TEST(outgoing_mail_is_added_by_the_finish_and_claimed_whole)
{
	AUTO(bench) struct bench b;
	struct store_out_claim c;
	int64_t id;

	bench_init(&b);
	id = claim_one(&b);
	is_int(finish_out(&b, id, STORE_DONE, &out_plain), 1, "it is new");
	is_int(out_claim_sync(&b, &c, 10, clock_wall_ms()), 1, "it is due");
	is_int(c.items[0].delivery, id, "its delivery");
	is_str(c.items[0].route, "support", "its route");
	is_str(c.items[0].kind, "redirect", "its kind");
	is_str(c.items[0].sender, "ann@example.com", "its sender");
	is_int(c.items[0].n_rcpts, 2, "its recipients");
	is_str(c.items[0].rcpts[1], "eve@example.net", "the second one");
	is_str(c.items[0].results[1], "", "that nobody has told of");
	is_int(c.items[0].n_pieces, 2, "its pieces");
	is_str(c.items[0].pieces[0].literal, "X-New: 1\r\n", "bytes");
	is_int(c.items[0].pieces[1].offset, 3, "and a range");
	is_int(c.items[0].pieces[1].len, 5, "of the message");
	is_int(c.items[0].size, 15, "together");
	is_int(c.items[0].attempts, 0, "never tried");
	is_int(out_claim_sync(&b, &c, 10, clock_wall_ms()), 0, "claimed once");
	is_true(c.next_due > clock_wall_ms() + 50000, "next: the lease");
	is_int(out_claim_sync(&b, &c, 10, clock_wall_ms() + 61000), 1,
		"a lease runs out");
	is_int(c.items[0].attempts, 1, "tried once");
	check_books(&b);
}

TEST(a_finish_that_fails_adds_nothing_to_send)
{
	AUTO(bench) struct bench b;
	struct store_finish f = { .delivery = 4711,
		.to = STORE_DONE,
		.outs = &out_plain,
		.n_outs = 1 };
	struct store_out_claim c;
	struct err err = { 0 };

	bench_init(&b);
	is_int(finish_sync(&b, &f, &err), -1, "there is no such claim");
	is_int(out_claim_sync(&b, &c, 10, clock_wall_ms()), 0, "nor its mail");
}

TEST(a_delivery_done_again_sends_nothing_again)
{
	AUTO(bench) struct bench b;
	struct store_out other = out_plain;
	struct store_claim claim;
	struct store_out_claim c;
	struct err err = { 0 };
	int64_t id;

	bench_init(&b);
	id = claim_one(&b);
	is_int(finish_out(&b, id, STORE_HELD, &out_plain), 1, "sent");
	is_int(store_order(b.store, id, STORE_DO_RELEASE, STR("x"), &err), 0,
		"released");
	is_int(claim_sync(&b, &claim, 1, clock_wall_ms()), 1, "due again");
	is_int(finish_out(&b, id, STORE_HELD, &out_plain), 0, "known");
	is_int(store_order(b.store, id, STORE_DO_RELEASE, STR("x"), &err), 0,
		"released");
	is_int(claim_sync(&b, &claim, 1, clock_wall_ms()), 1, "due again");
	other.once = STR("redirect to another");
	is_int(finish_out(&b, id, STORE_DONE, &other), 1, "a new one is sent");
	is_int(out_claim_sync(&b, &c, 10, clock_wall_ms()), 2, "two in all");
	check_books(&b);
}

TEST(the_message_as_it_came_is_one_range)
{
	AUTO(bench) struct bench b;
	struct store_out out = out_plain;
	struct store_out_claim c;

	bench_init(&b);
	out.n_pieces = 0;
	finish_out(&b, claim_one(&b), STORE_DONE, &out);
	is_int(out_claim_sync(&b, &c, 1, clock_wall_ms()), 1, "claimed");
	is_int(c.items[0].n_pieces, 1, "one piece");
	is_int(c.items[0].pieces[0].len, 17, "all of it");
	is_int(c.items[0].size, 17, "and no more");
}

TEST(outgoing_mail_moves_on)
{
	static const struct str mixed[] = { STR("250 ok\nforged"),
		STR("451 later") };
	static const struct str all[] = { STR("250 ok"), STR("250 ok") };
	AUTO(bench) struct bench b;
	struct store_out_claim c;
	struct store_out_finish f = { .id = 1,
		.to = STORE_RETRY,
		.reason = STR("busy"),
		.results = mixed,
		.n_results = 2,
		.is_attempt = true };
	struct store_out_row row;
	int64_t now = clock_wall_ms();

	bench_init(&b);
	finish_out(&b, claim_one(&b), STORE_DONE, &out_plain);
	out_claim_sync(&b, &c, 1, now + 1000);
	f.due_at = now + 5000;
	is_int(out_finish_sync(&b, &f), 0, "to be retried");
	is_int(out_finish_sync(&b, &f), -1, "only what is claimed");
	row = out_row(&b, 1);
	is_int(row.state, STORE_RETRY, "it waits");
	is_str(row.reason, "busy", "and says why");
	is_int(row.attempts, 1, "one try");
	is_str(row.results[0], "250 ok forged", "one took it, in one line");
	is_str(row.results[1], "451 later", "one did not");
	is_int(out_claim_sync(&b, &c, 1, now + 2000), 0, "not due yet");
	is_int(out_claim_sync(&b, &c, 1, now + 6000), 1, "due");
	f = (struct store_out_finish){ .id = 1,
		.to = STORE_DONE,
		.results = all,
		.n_results = 2,
		.journal = STR("{\"outgoing\":1}"),
		.is_attempt = true };
	is_int(out_finish_sync(&b, &f), 0, "sent");
	row = out_row(&b, 1);
	is_int(row.state, STORE_DONE, "it is over");
	is_int(row.attempts, 2, "two tries");
	is_c(store_out_state_name(row.state), "sent", "as people call it");
	check_books(&b);
}

TEST(words_on_outgoing_mail)
{
	AUTO(bench) struct bench b;
	struct store_out_claim c;
	struct store_out_finish dead = { .id = 1,
		.to = STORE_DEAD,
		.reason = STR("550 no"),
		.is_attempt = true };
	struct err err = { 0 };
	int64_t id;
	struct store_row row;
	struct envelope env;
	struct store_event *events;
	size_t n = 0;

	bench_init(&b);
	id = claim_one(&b);
	finish_out(&b, id, STORE_DONE, &out_plain);
	out_claim_sync(&b, &c, 1, clock_wall_ms());
	is_int(store_out_order(b.store, 1, STORE_DO_DROP, STR("x"), &err),
		STORE_NONE, "not while it is sent");
	out_finish_sync(&b, &dead);
	is_int(store_out_order(b.store, 1, STORE_DO_RETRY, STR("uid 7"), &err),
		0, "a dead one is tried again");
	is_int(out_row(&b, 1).state, STORE_QUEUED, "it is due");
	is_int(store_out_order(b.store, 1, STORE_DO_DROP, STR("uid 7"), &err),
		0, "or dropped");
	is_int(out_row(&b, 1).state, STORE_DROPPED, "it is over");
	is_int(store_out_order(b.store, 9, STORE_DO_DROP, STR("x"), &err),
		STORE_NONE, "no such one");
	is_int(store_show(b.store, b.arena, id, &row, &env, &events, &n, &err),
		0, "its delivery's story");
	is_int(n, 3, "knows both words");
	has_text(arena_printf(b.arena, "%.*s", STR_ARG(events[2].text)),
		"outgoing mail 1 dropped by uid 7", "and who said them");
	check_books(&b);
}

TEST(outgoing_mail_is_listed_and_counted)
{
	AUTO(bench) struct bench b;
	struct store_out reply = out_plain;
	struct store_out_filter f = { 0 };
	struct store_out_row *rows;
	struct err err = { 0 };
	uint64_t by_state[STORE_N_STATES], n = 0;
	int64_t oldest = 0, since = clock_wall_ms() - 1000;
	size_t n_rows = 0;

	bench_init(&b);
	finish_out(&b, claim_one(&b), STORE_DONE, &out_plain);
	reply.kind = STR("vacation");
	reply.reply_to = STR("Ann@Example.com");
	reply.fcc = STR("Sent");
	finish_out(&b, claim_one(&b), STORE_DONE, &reply);
	is_int(store_out_list(b.store, b.arena, &f, &rows, &n_rows, &err), 0,
		"listed");
	is_int(n_rows, 2, "both");
	f.text = STR("EVE@");
	is_int(store_out_list(b.store, b.arena, &f, &rows, &n_rows, &err), 0,
		"by a recipient");
	is_int(n_rows, 2, "in any case");
	f = (struct store_out_filter){ .folder = STR("Sent") };
	is_int(store_out_list(b.store, b.arena, &f, &rows, &n_rows, &err), 0,
		"by folder");
	is_int(n_rows, 1, "of its copy");
	is_str(rows[0].kind, "vacation", "that one");
	f = (struct store_out_filter){ .delivery = 1 };
	is_int(store_out_list(b.store, b.arena, &f, &rows, &n_rows, &err), 0,
		"by delivery");
	is_int(n_rows, 1, "its own");
	f = (struct store_out_filter){ .states = 1u << STORE_DEAD };
	is_int(store_out_list(b.store, b.arena, &f, &rows, &n_rows, &err), 0,
		"by state");
	is_int(n_rows, 0, "none is dead");
	is_int(store_out_stats(b.store, by_state, &oldest, &err), 0, "counts");
	is_int(by_state[STORE_QUEUED], 2, "two wait");
	is_true(oldest >= since, "since now");
	is_int(store_out_count(b.store, STR_NULL, STR_NULL, since, &n, &err), 0,
		"of all");
	is_int(n, 2, "two");
	is_int(store_out_count(
		       b.store, STR("sales"), STR_NULL, since, &n, &err),
		0, "of a route");
	is_int(n, 0, "none");
	is_int(store_out_count(b.store, STR_NULL, STR("ann@example.COM"), since,
		       &n, &err),
		0, "of answers to an address");
	is_int(n, 1, "in any case");
	is_int(store_out_count(b.store, STR("support"), STR_NULL,
		       clock_wall_ms() + 1000, &n, &err),
		0, "since later");
	is_int(n, 0, "none");
	is_int(store_token(b.store).len, 32, "the store has a name");
}

TEST(bytes_stay_while_outgoing_mail_needs_them)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	struct store_out_claim c;
	struct store_out_finish sent = { .id = 1, .to = STORE_DONE };
	struct err err = { 0 };
	int64_t now = clock_wall_ms();
	AUTO(fd) int fd = -1;

	bench_init(&b);
	put_one(&b, "Subject: x\r\n\r\ny\r\n");
	is_int(claim_sync(&b, &claim, 1, now + 1000), 1, "claimed");
	finish_out(&b, claim.items[0].id, STORE_DONE, &out_plain);
	while (store_sweep(b.store, now + 400 * DAY, &err) == 1)
		continue;
	is_int(store_body(b.store, &claim.items[0].message, &fd, &err), 0,
		"they are there");
	out_claim_sync(&b, &c, 1, now + 1000);
	sent.now = now + 400 * DAY;
	is_int(out_finish_sync(&b, &sent), 0, "sent");
	check_books(&b);
	while (store_sweep(b.store, now + 440 * DAY, &err) == 1)
		continue;
	close(TAKE_FD(fd));
	is_int(store_body(b.store, &claim.items[0].message, &fd, &err),
		STORE_GONE, "a month later they go");
	while (store_sweep(b.store, now + 600 * DAY, &err) == 1)
		continue;
	is_int(store_out_show(
		       b.store, b.arena, 1, &(struct store_out_row){ 0 }, &err),
		STORE_NONE, "and at last the row");
	check_books(&b);
}

/* --- marks ---------------------------------------------------------------- */

static void finish_mark(struct bench *b, int64_t id, enum store_state to,
	int64_t at, int64_t until, bool is_last)
{
	struct store_mark m = { STR("key"), at, until, is_last };
	struct store_finish f = { .delivery = id,
		.to = to,
		.due_at = clock_wall_ms(),
		.reason = STR("r"),
		.is_attempt = true,
		.marks = &m,
		.n_marks = 1 };
	struct err err = { 0 };

	if (finish_sync(b, &f, &err) < 0)
		test_fail(__FILE__, __LINE__, "finish: %s", err.text);
}

static int seen(struct bench *b, const char *route, int64_t now, int64_t self,
	int64_t *pending)
{
	struct err err = { 0 };

	return store_seen(
		b->store, str_c(route), STR("key"), now, self, pending, &err);
}

TEST(marks_are_kept_for_their_time)
{
	AUTO(bench) struct bench b;
	int64_t a, c, pending = 0;
	struct err err = { 0 };

	bench_init(&b);
	a = claim_one(&b);
	c = claim_one(&b);
	is_int(seen(&b, "support", T0, 0, &pending), STORE_NONE, "not there");
	finish_mark(&b, a, STORE_DONE, T0, T0 + 100, false);
	is_int(seen(&b, "support", T0 + 99, 0, &pending), 0, "there");
	is_int(seen(&b, "support", T0 + 99, c, &pending), 0, "for others");
	is_int(seen(&b, "support", T0 + 99, a, &pending), STORE_NONE,
		"not for the one that set it");
	is_int(seen(&b, "sales", T0 + 99, 0, &pending), STORE_NONE,
		"not on another route");
	is_int(seen(&b, "support", T0 + 100, 0, &pending), STORE_NONE,
		"nor when its time is over");
	finish_mark(&b, c, STORE_DONE, T0 + 50, T0 + 150, false);
	is_int(seen(&b, "support", T0 + 120, 0, &pending), STORE_NONE,
		"the first period stays");
	c = claim_one(&b);
	finish_mark(&b, c, STORE_DONE, T0 + 50, T0 + 150, true);
	is_int(seen(&b, "support", T0 + 120, 0, &pending), 0, "unless :last");
	is_int(seen(&b, "support", T0 + 120, a, &pending), STORE_NONE,
		"which is still the first one's");
	is_int(seen(&b, "support", T0 + 120, c, &pending), 0,
		"and so seen by the last");
	c = claim_one(&b);
	finish_mark(&b, c, STORE_DONE, T0 + 200, T0 + 300, false);
	is_int(seen(&b, "support", T0 + 250, a, &pending), 0,
		"one that ran out is anyone's");
	while (store_sweep(b.store, T0 + 301, &err) == 1)
		continue;
	is_int(seen(&b, "support", T0 + 250, 0, &pending), STORE_NONE,
		"retention takes it");
}

TEST(marks_of_what_is_retried_are_announced)
{
	AUTO(bench) struct bench b;
	struct store_claim claim;
	int64_t a, c, pending = 0;

	bench_init(&b);
	a = claim_one(&b);
	c = claim_one(&b);
	finish_mark(&b, a, STORE_RETRY, T0, T0 + 100, false);
	is_int(seen(&b, "support", T0, c, &pending), STORE_PENDING, "soon");
	is_int(pending, a, "by that one");
	is_int(seen(&b, "support", T0, a, &pending), STORE_NONE,
		"it does not wait for itself");
	is_int(claim_sync(&b, &claim, 1, clock_wall_ms() + 1000), 1, "again");
	finish_to(&b, a, STORE_DEAD);
	is_int(seen(&b, "support", T0, c, &pending), STORE_NONE,
		"it never came to it");
}

TEST(an_answer_with_a_mark_goes_out_once)
{
	AUTO(bench) struct bench b;
	struct store_out out = out_plain;
	int64_t pending = 0;

	bench_init(&b);
	out.mark = (struct store_mark){ STR("key"), T0, T0 + 100, false };
	is_int(finish_out(&b, claim_one(&b), STORE_DONE, &out), 1, "first");
	is_int(seen(&b, "support", T0, 0, &pending), 0, "it is marked");
	is_int(finish_out(&b, claim_one(&b), STORE_DONE, &out), 0, "no second");
	out.mark.at = T0 + 100;
	out.mark.until = T0 + 200;
	is_int(finish_out(&b, claim_one(&b), STORE_DONE, &out), 1,
		"until its time is over");
	check_books(&b);
}

TEST(what_is_held_is_found_by_its_folder)
{
	AUTO(bench) struct bench b;
	int64_t id;
	struct store_finish f = { .to = STORE_HELD,
		.reason = STR("filed"),
		.folders = STR("Spam\nLists/dev"),
		.flags = STR("\\Seen $junk") };
	struct store_filter filter = { .folder = STR("Lists/dev") };
	struct store_row *rows = NULL;
	struct err err = { 0 };
	size_t n = 0;

	bench_init(&b);
	id = claim_one(&b);
	f.delivery = id;
	is_int(finish_sync(&b, &f, &err), 0, "filed");
	finish_to(&b, claim_one(&b), STORE_HELD);
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"listed");
	is_int(n, 1, "that one");
	is_str(rows[0].flags, "\\Seen $junk", "with its flags");
	is_str(rows[0].folders, "Spam\nLists/dev", "and both folders");
	filter.folder = STR("Lists");
	is_int(store_list(b.store, b.arena, &filter, &rows, &n, &err), 0,
		"a part");
	is_int(n, 0, "is no folder");
}

#endif
