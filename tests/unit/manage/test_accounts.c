/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_accounts.c - the file of accounts, passwords, and slow logins. */
#include <stdio.h>
#include <sys/stat.h>

#include <mailmill/file.h>

#include "../../../src/manage/slow.h"
#include "test.h"
#include <mailmill/manage.h>

static char folder[64], path[96];

static void begin(void)
{
	snprintf(folder, sizeof(folder), "/tmp/mailmill-accounts-XXXXXX");
	must(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/accounts", folder);
}

static void end(void)
{
	struct err err = { 0 };

	must(file_remove_tree(folder, &err) == 0);
}

TEST(an_account_comes_back_as_it_was)
{
	AUTO(arena) struct arena *a = arena_new();
	struct manage_account item = { .name = STR("ann"), .n_routes = 2 };
	struct manage_accounts all = { &item, 1 }, got;
	const struct manage_account *back;
	struct err err = { 0 };
	struct stat st;

	begin();
	item.routes[0] = STR("support");
	item.routes[1] = STR("a, b%");
	is_int(manage_account_set(a, &item, STR("pass \xc3\xbc word"), &err), 0,
		err.text);
	is_int(manage_accounts_save(path, &all, &err), 0, err.text);
	must(stat(path, &st) == 0);
	is_int(st.st_mode & 0777, 0600, "for its owner only");
	is_int(manage_accounts_load(a, path, &got, &err), 0, err.text);
	is_int((int)got.n, 1, "one");
	back = manage_accounts_find(&got, STR("ann"));
	must(back);
	is_str(back->routes[1], "a, b%", "a route with a comma");
	is_true(str_eq(back->salt, item.salt), "salt");
	is_true(memcmp(back->stored_key, item.stored_key, 32) == 0, "key");
	is_true(memcmp(back->server_key, item.server_key, 32) == 0, "key");
	is_true(manage_account_check(back, STR("pass \xc3\xbc word")), "right");
	is_false(manage_account_check(back, STR("pass u word")), "wrong");
	is_false(manage_account_check(NULL, STR("pass")), "nobody");
	is_true(!manage_accounts_find(&got, STR("bob")), "no bob");
	end();
}

TEST(passwords_that_are_none)
{
	AUTO(arena) struct arena *a = arena_new();
	struct manage_account acc = { 0 };
	struct err err = { 0 };

	is_int(manage_account_set(a, &acc, STR(""), &err), -1, "empty");
	is_int(manage_account_set(a, &acc, STR("a\xff"), &err), -1, "no UTF-8");
	is_int(manage_account_set(a, &acc, STR("a\tb"), &err), -1, "a control");
}

TEST(lines_that_are_wrong)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "a/b support $argon2id$x\n", ":1: cannot read the name" },
		{ "\n# x\nann\n", ":3: cannot read the routes" },
		{ "ann support,, $argon2id$x\n", "the routes" },
		{ "ann support $argon2i$x\n", "the hash by argon2id" },
		{ "ann support $argon2id$x SCRAM-SHA-1$1:a$b:c\n",
			"what SCRAM needs" },
		{ "ann support $argon2id$x SCRAM-SHA-256$0:AAAA$AA:AA\n",
			"what SCRAM needs" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(arena) struct arena *a = arena_new();
		struct manage_accounts got;
		struct err err = { 0 };
		begin();
		must(file_write(path, str_c(rows[i].line), 0600, &err) == 0);
		is_int(manage_accounts_load(a, path, &got, &err), -1,
			rows[i].line);
		has_text(err.text, rows[i].why, rows[i].line);
		is_int(err.kind, ERR_CONF, "the operator must act");
		end();
	}
}

TEST(a_file_that_others_read_is_refused)
{
	AUTO(arena) struct arena *a = arena_new();
	struct manage_accounts got = { 0 };
	struct err err = { 0 };

	begin();
	is_int(manage_accounts_load(a, path, &got, &err), 0, "none is there");
	is_int((int)got.n, 0, "so there are no accounts");
	must(file_write(path, STR(""), 0640, &err) == 0);
	is_int(manage_accounts_load(a, path, &got, &err), -1, "0640");
	has_text(err.text, "chmod 0600", "says what to do");
	end();
}

TEST(failures_slow_down)
{
	struct slow *s = slow_new();
	struct str ann = STR("ann"), bob = STR("bob");
	int64_t now = 1000;

	is_int((int)slow_wait(s, "p1", ann, now), 0, "nothing happened yet");
	slow_tell(s, "p1", ann, false, now);
	is_int((int)slow_wait(s, "p1", ann, now), 1000, "a second");
	is_int((int)slow_wait(s, "p1", ann, now), 2000, "the next behind it");
	is_int((int)slow_wait(s, "p1", bob, now), 3000, "that peer as bob");
	now = 100000;
	for (int i = 0; i < 10; i++)
		slow_tell(s, "p1", ann, false, now);
	is_int((int)slow_wait(s, "p1", ann, now), 30000, "no longer than that");
	is_int((int)slow_wait(s, "p1", ann, now), 60000, "in line");
	is_int((int)slow_wait(s, "p1", ann, now), -1, "too long a line");
	is_true(slow_wait(s, "p2", ann, now) != 0, "the account, from afar");
	is_int((int)slow_wait(s, "p2", bob, now), 0, "not others");
	is_int((int)slow_wait(s, "p1", ann, now + 3700000), 0,
		"forgotten after an hour");
	slow_free(s);
}

TEST(nobody_locks_out_a_peer_that_was_in)
{
	struct slow *s = slow_new();
	struct str ann = STR("ann");

	slow_tell(s, "home", ann, true, 0);
	for (int i = 0; i < 20; i++)
		slow_tell(s, "evil", ann, false, 1);
	is_int((int)slow_wait(s, "home", ann, 2), 0, "home comes in");
	slow_tell(s, "home", ann, false, 2);
	is_int((int)slow_wait(s, "home", ann, 2), 1000, "its own failures");
	is_int((int)slow_wait(s, "home", STR("bob"), 2), 0,
		"another user there");
	slow_free(s);
}

TEST(the_table_stays_small)
{
	struct slow *s = slow_new();

	for (int i = 0; i < 20000; i++) {
		char peer[32];
		snprintf(peer, sizeof(peer), "%d", i);
		slow_tell(s, peer, str_c(peer), false, i);
	}
	is_int((int)slow_wait(s, "19999", STR("x"), 20000), 999,
		"the latest is known");
	slow_free(s);
}
