/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_scripts.c - a route's scripts on disk: versions, journal, quotas. */
#include <stdio.h>
#include <sys/stat.h>

#include <mailmill/file.h>

#include "test.h"
#include <mailmill/manage.h>

#define ROUTE "sales/EU"

struct world {
	char folder[64];
	struct manage_scripts *s;
	int apply_rc, n_applied;
};

static const struct manage_author ann = { STR("ann"), STR("192.0.2.1:5") };

static int on_check(void *ctx, const char *path, struct str name,
	struct str source, struct buf *findings)
{
	(void)ctx;
	must(path[0] == '/' && name.len);
	if (str_find(source, STR("bad")) < 0)
		return MANAGE_DONE;
	buf_c(findings, "bad");
	return MANAGE_INVALID;
}

static int on_apply(void *ctx, const char *route, struct err *err)
{
	struct world *w = ctx;

	is_c(route, ROUTE, "the route");
	w->n_applied++;
	return w->apply_rc < 0 ? err_set(err, ERR_CONF, "asked to fail")
			       : w->apply_rc;
}

static void begin(struct world *w)
{
	struct manage_scripts_options o = { .folder = w->folder,
		.scripts_max = 3,
		.versions_max = 4,
		.script_len = 1000,
		.quota = 1500,
		.check = on_check,
		.apply = on_apply,
		.ctx = w };

	*w = (struct world){ "/tmp/mailmill-scripts-XXXXXX" };
	must(mkdtemp(w->folder));
	w->s = manage_scripts_new(&o);
}

static void end(struct world *w)
{
	struct err err = { 0 };

	manage_scripts_free(w->s);
	must(file_remove_tree(w->folder, &err) == 0);
}

static int put(struct world *w, const char *name, const char *source)
{
	AUTO(buf) struct buf findings = BUF_INIT(1000);
	struct err err = { 0 };

	return manage_scripts_put(
		w->s, ROUTE, &ann, str_c(name), str_c(source), &findings, &err);
}

static int activate(struct world *w, const char *name)
{
	AUTO(buf) struct buf findings = BUF_INIT(1000);
	struct err err = { 0 };

	return manage_scripts_activate(
		w->s, ROUTE, &ann, str_c(name), &findings, &err);
}

static void has(struct world *w, const char *name, const char *want)
{
	AUTO(buf) struct buf got = BUF_INIT(10000);
	struct err err = { 0 };
	int rc = manage_scripts_get(w->s, ROUTE, str_c(name), &got, &err);

	if (!want)
		is_int(rc, MANAGE_NONEXISTENT, name);
	else
		is_str(buf_view(&got), want, name);
}

/* Names and sizes as "a 5*,b 7". */
static void lists(struct world *w, const char *want)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf got = BUF_INIT(10000);
	struct manage_item *items;
	struct err err = { 0 };
	size_t n;

	must(manage_scripts_list(w->s, ROUTE, a, &items, &n, &err) == 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&got, "%s%.*s %llu%s", i ? "," : "",
			STR_ARG(items[i].name),
			(unsigned long long)items[i].size,
			items[i].is_active ? "*" : "");
	is_str(buf_view(&got), want, "the list");
}

static void versions(struct world *w, const char *name, const char *want)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(buf) struct buf got = BUF_INIT(10000);
	struct manage_version *all;
	struct err err = { 0 };
	size_t n;

	is_int(manage_scripts_versions(
		       w->s, ROUTE, str_c(name), a, &all, &n, &err),
		0, err.text);
	for (size_t i = 0; i < n; i++)
		buf_printf(&got, "%s%u %.*s %llu", i ? "," : "", all[i].number,
			STR_ARG(all[i].who), (unsigned long long)all[i].size);
	is_str(buf_view(&got), want, "versions");
}

TEST(puts_lists_gets)
{
	struct world w;

	begin(&w);
	lists(&w, "");
	is_int(put(&w, "b", "keep;"), 0, "new");
	is_int(put(&w, ".a %", "keep; stop;"), 0, "a name that needs care");
	is_int(put(&w, "b", "stop; stop;"), 0, "in another's place");
	lists(&w, ".a % 11,b 11");
	has(&w, "b", "stop; stop;");
	has(&w, ".a %", "keep; stop;");
	has(&w, "c", NULL);
	is_int(w.n_applied, 0, "nothing is active");
	end(&w);
}

TEST(what_does_not_compile_changes_nothing)
{
	struct world w;

	begin(&w);
	is_int(put(&w, "a", "keep;"), 0, "good");
	is_int(put(&w, "a", "bad"), MANAGE_INVALID, "bad");
	is_int(put(&w, "b", "bad"), MANAGE_INVALID, "bad and new");
	lists(&w, "a 5");
	has(&w, "a", "keep;");
	versions(&w, "a", "1 ann 5");
	end(&w);
}

TEST(a_change_that_cannot_be_applied_is_undone)
{
	struct err err = { 0 };
	struct world w;

	begin(&w);
	must(put(&w, "a", "keep;") == 0 && put(&w, "b", "stop;") == 0);
	is_int(activate(&w, "a"), 0, "active");
	w.apply_rc = -1;
	is_int(put(&w, "a", "discard;"), -1, "put");
	has(&w, "a", "keep;");
	is_int(put(&w, "c", "discard;"), -1, "put a new one");
	has(&w, "c", NULL);
	is_int(activate(&w, "b"), -1, "activate");
	lists(&w, "a 5*,b 5");
	is_int(manage_scripts_remove(w.s, ROUTE, &ann, STR("b"), &err), -1,
		"delete");
	is_int(manage_scripts_rename(
		       w.s, ROUTE, &ann, STR("a"), STR("d"), &err),
		-1, "rename");
	lists(&w, "a 5*,b 5");
	end(&w);
}

TEST(a_route_that_is_not_managed_activates_nothing)
{
	struct world w;

	begin(&w);
	w.apply_rc = MANAGE_UNMANAGED;
	is_int(put(&w, "a", "keep;"), 0, "scripts may lie there");
	is_int(activate(&w, "a"), MANAGE_UNMANAGED, "but");
	lists(&w, "a 5");
	is_int(activate(&w, ""), 0, "nothing is always possible");
	end(&w);
}

TEST(the_active_one)
{
	AUTO(bytes) char *path = NULL;
	struct err err = { 0 };
	struct world w;

	begin(&w);
	must(put(&w, "a", "keep;") == 0);
	is_int(manage_scripts_active(w.s, ROUTE, &path, &err),
		MANAGE_NONEXISTENT, "none yet");
	is_int(activate(&w, "x"), MANAGE_NONEXISTENT, "no such");
	is_int(activate(&w, "a"), 0, "a");
	is_int(manage_scripts_active(w.s, ROUTE, &path, &err), 0, "a");
	has_text(path, "/sales%2FEU/a.sieve", "its file");
	is_int(manage_scripts_remove(w.s, ROUTE, &ann, STR("a"), &err),
		MANAGE_ACTIVE, "is not deleted");
	is_int(manage_scripts_rename(
		       w.s, ROUTE, &ann, STR("a"), STR("b"), &err),
		0, "but renamed");
	lists(&w, "b 5*");
	is_int(activate(&w, ""), 0, "none");
	is_int(manage_scripts_remove(w.s, ROUTE, &ann, STR("b"), &err), 0,
		"now it is");
	lists(&w, "");
	end(&w);
}

TEST(limits)
{
	AUTO(bytes) char *big = mem_new(1002);
	struct err err = { 0 };
	struct world w;

	memset(big, 'x', 1001);
	begin(&w);
	is_int(put(&w, "a", big), MANAGE_TOO_BIG, "a script");
	big[1000] = 0;
	is_int(put(&w, "a", big), 0, "just fits");
	is_int(put(&w, "b", big), MANAGE_OVER_QUOTA, "together");
	is_int(put(&w, "b", "keep;"), 0, "b");
	is_int(put(&w, "c", "keep;"), 0, "c");
	is_int(put(&w, "d", "keep;"), MANAGE_TOO_MANY, "scripts");
	is_int(put(&w, "c", "stop;"), 0, "one that is there");
	is_int(manage_scripts_has_space(w.s, ROUTE, STR("c"), 495, &err), 0,
		"fits in its place");
	is_int(manage_scripts_has_space(w.s, ROUTE, STR("c"), 496, &err),
		MANAGE_OVER_QUOTA, "does not");
	end(&w);
}

TEST(versions_are_kept_and_bounded)
{
	AUTO(buf) struct buf got = BUF_INIT(1000);
	struct err err = { 0 };
	char text[2] = "1";
	struct world w;

	begin(&w);
	for (int i = 1; i <= 6; i++, text[0]++)
		must(put(&w, "a", text) == 0);
	must(put(&w, "a", "6") == 0); /* the same adds none */
	versions(&w, "a", "3 ann 1,4 ann 1,5 ann 1,6 ann 1");
	is_int(manage_scripts_version(w.s, ROUTE, STR("a"), 4, &got, &err), 0,
		"4");
	is_str(buf_view(&got), "4", "as it was");
	is_int(manage_scripts_version(w.s, ROUTE, STR("a"), 1, &got, &err),
		MANAGE_NONEXISTENT, "1 is gone");
	is_int(manage_scripts_remove(w.s, ROUTE, &ann, STR("a"), &err), 0,
		"deleted");
	versions(&w, "a", "3 ann 1,4 ann 1,5 ann 1,6 ann 1");
	end(&w);
}

TEST(what_an_admin_wrote_by_hand_becomes_a_version)
{
	AUTO(bytes) char *path = NULL;
	struct err err = { 0 };
	struct world w;

	begin(&w);
	must(put(&w, "a", "keep;") == 0);
	path = mem_printf("%s/sales%%2FEU/a.sieve", w.folder);
	must(file_write(path, STR("by hand"), 0600, &err) == 0);
	must(put(&w, "a", "stop;") == 0);
	versions(&w, "a", "1 ann 5,2  7,3 ann 5");
	end(&w);
}

TEST(what_a_crash_left_is_cleared_away)
{
	AUTO(bytes) char *left = NULL;
	AUTO(bytes) char *kept = NULL;
	struct err err = { 0 };
	struct world w;

	begin(&w);
	must(put(&w, "a.new.1", "keep;") == 0);
	left = mem_printf("%s/sales%%2FEU/a.sieve.new.4711", w.folder);
	kept = mem_printf("%s/sales%%2FEU/a.new.1.sieve", w.folder);
	must(file_write(left, STR("half"), 0600, &err) == 0);
	lists(&w, "a.new.1 5");
	must(put(&w, "b", "keep;") == 0);
	is_int(access(left, F_OK), -1, "gone");
	is_int(access(kept, F_OK), 0, "a script's name may look so");
	end(&w);
}

TEST(names_of_512_bytes)
{
	AUTO(buf) struct buf name = BUF_INIT(1000);
	struct err err = { 0 };
	struct world w;

	for (int i = 0; i < 128; i++)
		buf_c(&name, "\xf0\x9f\x93\xac");
	begin(&w);
	is_int(put(&w, name.p, "keep;"), 0, "128 characters");
	has(&w, name.p, "keep;");
	is_int(activate(&w, name.p), 0, "active");
	is_int(manage_scripts_rename(
		       w.s, ROUTE, &ann, buf_view(&name), STR("short"), &err),
		0, "renamed");
	lists(&w, "short 5*");
	must(put(&w, name.p, "keep;") == 0);
	buf_c(&name, "x");
	is_int(put(&w, name.p, "keep;"), -1, "129 are too many");
	is_true(manage_name_fault(buf_view(&name)) != NULL, "never cut");
	end(&w);
}

TEST(the_journal_says_who_did_what)
{
	AUTO(buf) struct buf got = BUF_INIT(100000);
	struct err err = { 0 };
	struct world w;

	begin(&w);
	must(put(&w, "a \"b\"", "keep;") == 0 && activate(&w, "a \"b\"") == 0);
	must(manage_scripts_journal(w.s, ROUTE, &got, &err) == 0);
	has_text(got.p,
		"\"who\":\"ann\",\"from\":\"192.0.2.1:5\",\"action\":\"put\","
		"\"script\":\"a \\\"b\\\"\",\"version\":1,\"sha256\":\"",
		"put");
	has_text(got.p, "\"action\":\"activate\"", "activate");
	end(&w);
}
