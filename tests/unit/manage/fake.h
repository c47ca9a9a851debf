/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fake.h - scripts and accounts in memory, for sessions under test. */
#ifndef MAILMILL_TEST_MANAGE_FAKE_H
#define MAILMILL_TEST_MANAGE_FAKE_H

#include <stdio.h>

#include <mailmill/manage.h>

#define FAKE_SCRIPTS_MAX 8

struct fake {
	struct manage *m;
	struct arena *arena;
	struct str names[FAKE_SCRIPTS_MAX], sources[FAKE_SCRIPTS_MAX];
	size_t n;
	struct str active;
	struct buf told; /* logins, as they were told */
	int64_t wait_ms;
	bool is_in;
};

static int64_t fake_slow(void *ctx, struct str account)
{
	struct fake *f = ctx;

	must(!f->is_in && account.len);
	return f->wait_ms;
}

/* ann has the password "secret", by an argon2id that is quick. */
#define FAKE_HASH                                                              \
	"$argon2id$v=19$m=8,t=1,p=1$87Q/BzYANHxs3DSY04Tfwg"                    \
	"$9IC1fWjfcQtq4M6huBeui3uiuUfpmWiwLOYQJxeFF5g"

static const struct manage_account fake_ann = {
	.name = { "ann", 3 },
	.routes = { { "support", 7 }, { "sales, \"EU\"", 11 } },
	.n_routes = 2,
	.argon2id = { FAKE_HASH, sizeof(FAKE_HASH) - 1 },
	.iterations = 1,
	.salt = { "salt", 4 },
};

static const struct manage_account *fake_find(
	void *ctx, struct arena *a, struct str name)
{
	(void)ctx;
	(void)a;
	return str_eq(name, STR("ann")) ? &fake_ann : NULL;
}

static void fake_login(void *ctx, struct str account, const char *mechanism,
	const struct manage_account *acc, struct str route)
{
	struct fake *f = ctx;

	must(!f->is_in);
	f->is_in = acc != NULL;
	buf_printf(&f->told, "%.*s:%s:%s:%.*s ", STR_ARG(account), mechanism,
		acc ? "in" : "no", STR_ARG(route));
}

static void fake_logout(void *ctx)
{
	struct fake *f = ctx;

	must(f->is_in);
	f->is_in = false;
	buf_c(&f->told, "out ");
}

static ssize_t fake_at(struct fake *f, struct str name)
{
	must(f->is_in && !manage_name_fault(name));
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->names[i], name))
			return (ssize_t)i;
	return -1;
}

static int fake_list(void *ctx, struct arena *a, struct manage_item **out,
	size_t *n, struct err *err)
{
	struct fake *f = ctx;

	(void)err;
	must(f->is_in);
	*out = arena_array(a, f->n + 1, sizeof(**out));
	*n = f->n;
	for (size_t i = 0; i < f->n; i++)
		(*out)[i] = (struct manage_item){ .name = f->names[i],
			.size = f->sources[i].len,
			.is_active = str_eq(f->names[i], f->active) };
	return 0;
}

static int fake_get(
	void *ctx, struct str name, struct buf *out, struct err *err)
{
	struct fake *f = ctx;
	ssize_t i = fake_at(f, name);

	(void)err;
	return i < 0 ? MANAGE_NONEXISTENT : buf_str(out, f->sources[i]);
}

static int fake_has_space(
	void *ctx, struct str name, uint64_t size, struct err *err)
{
	struct fake *f = ctx;

	(void)err;
	if (size > 1000)
		return MANAGE_TOO_BIG;
	return fake_at(f, name) < 0 && f->n == FAKE_SCRIPTS_MAX
		       ? MANAGE_TOO_MANY
		       : 0;
}

static int fake_check(void *ctx, struct str source, struct buf *findings)
{
	struct fake *f = ctx;

	must(f->is_in && source.len);
	if (str_find(source, STR("bad")) >= 0) {
		buf_c(findings, "x: line 1: error: bad\r\nx: line 2: error: b");
		return MANAGE_INVALID;
	}
	if (str_find(source, STR("warn")) < 0)
		return MANAGE_DONE;
	buf_c(findings, "x: line 1: warning: a \"b\" \\");
	return MANAGE_WARNINGS;
}

static int fake_put(void *ctx, struct str name, struct str source,
	struct buf *findings, struct err *err)
{
	struct fake *f = ctx;
	ssize_t i = fake_at(f, name);
	int rc = fake_has_space(ctx, name, source.len, err);

	if (rc)
		return rc;
	if (str_eq(source, STR("later")))
		return err_set(err, ERR_TEMP, "the disk is full");
	rc = fake_check(ctx, source, findings);
	if (rc == MANAGE_INVALID)
		return rc;
	if (i < 0) {
		i = (ssize_t)f->n++;
		f->names[i] = arena_str(f->arena, name);
	}
	f->sources[i] = arena_str(f->arena, source);
	return rc;
}

static int fake_activate(
	void *ctx, struct str name, struct buf *findings, struct err *err)
{
	struct fake *f = ctx;

	(void)findings;
	(void)err;
	if (name.len && fake_at(f, name) < 0)
		return MANAGE_NONEXISTENT;
	f->active = arena_str(f->arena, name);
	return 0;
}

static int fake_remove(void *ctx, struct str name, struct err *err)
{
	struct fake *f = ctx;
	ssize_t i = fake_at(f, name);

	(void)err;
	if (i < 0)
		return MANAGE_NONEXISTENT;
	if (str_eq(name, f->active))
		return MANAGE_ACTIVE;
	f->n--;
	f->names[i] = f->names[f->n];
	f->sources[i] = f->sources[f->n];
	return 0;
}

static int fake_rename(
	void *ctx, struct str name, struct str to, struct err *err)
{
	struct fake *f = ctx;
	ssize_t i = fake_at(f, name);

	(void)err;
	if (i < 0)
		return MANAGE_NONEXISTENT;
	if (fake_at(f, to) >= 0)
		return MANAGE_EXISTS;
	if (str_eq(name, f->active))
		f->active = arena_str(f->arena, to);
	f->names[i] = arena_str(f->arena, to);
	return 0;
}

static const struct manage_backend fake_backend = { fake_slow, fake_find,
	fake_login, fake_logout, fake_list, fake_get, fake_has_space,
	fake_check, fake_put, fake_activate, fake_remove, fake_rename };

static const struct manage_options fake_options = { .script_len = 1000,
	.errors_max = 6,
	.redirects_max = 4,
	.capabilities = "fileinto enotify",
	.notify = "mailto",
	.has_tls = true };

static void fake_begin(struct fake *f, bool may_clear)
{
	*f = (struct fake){ .arena = arena_new(), .told = BUF_INIT(1 << 20) };
	f->m = manage_new(&fake_options, may_clear, &fake_backend, f);
}

static void fake_end(struct fake *f)
{
	manage_free(f->m);
	buf_fini(&f->told);
	arena_free(f->arena);
}

/*
 * Feeds bytes in pieces and collects replies; waits are over at once. Where
 * TLS has to begin, "<TLS>" stands and the rest of the bytes is dropped.
 */
static void fake_feed(
	struct fake *f, struct str in, size_t step, struct buf *replies)
{
	while (in.len && !manage_is_closed(f->m)) {
		size_t n = manage_feed(f->m, str_sub(in, 0, step));
		struct buf *out = manage_replies(f->m);
		must(n || out->len);
		buf_str(replies, buf_view(out));
		buf_clear(out);
		if (manage_wait_ms(f->m) >= 0)
			manage_resume(f->m);
		in = str_sub(in, n, in.len);
		if (manage_wants_tls(f->m)) {
			buf_c(replies, "<TLS>");
			manage_tls_begun(f->m);
			in = STR_NULL;
		}
		out = manage_replies(f->m);
		buf_str(replies, buf_view(out));
		buf_clear(out);
	}
}

#endif
