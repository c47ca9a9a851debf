/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rulefile.c - rule files read and compiled, with their findings told. */
#include <errno.h>
#include <unistd.h>

#include <mailmill/file.h>

#include "rulefile.h"

/* The engine has seen to it that the name is no path. */
static char *find_path(
	const struct rulefile *f, bool is_global, struct str name)
{
	AUTO(bytes) char *file = mem_printf("%.*s.sieve", STR_ARG(name));

	if (!is_global)
		return file_beside(f->path, file);
	return f->includes ? mem_printf("%s/%s", f->includes, file) : NULL;
}

static int find_include(void *ctx, struct arena *a, bool is_global,
	struct str name, struct str *path, struct str *source, struct err *err)
{
	const struct rulefile *f = ctx;
	AUTO(bytes) char *found = find_path(f, is_global, name);
	AUTO(buf) struct buf b = BUF_INIT(f->settings.limits.script_len + 1);

	if (!found || (access(found, F_OK) < 0 && errno == ENOENT))
		return SIEVE_FIND_NONE;
	if (file_read(found, &b, err) < 0)
		return -1;
	*path = arena_str(a, str_c(found));
	*source = arena_str(a, buf_view(&b));
	return 0;
}

int rulefile_compile(struct rulefile *f, const char *path, struct str source,
	const struct config_rules *rules, bool is_alone,
	struct sieve_diags *diags)
{
	f->path = path;
	f->settings = rules->settings;
	f->settings.find = find_include;
	f->settings.find_ctx = f;
	f->settings.allows_missing = is_alone;
	f->includes = rules->includes;
	return sieve_compile(path, source, &f->settings, diags, &f->script);
}

int rulefile_load(struct rulefile *f, const char *path,
	const struct config_rules *rules, bool is_alone, struct buf *out,
	struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	struct sieve_diags diags = { .arena = a };
	size_t n_errors = 0;
	int rc;

	buf_init(&f->source, rules->settings.limits.script_len + 1);
	if (file_read(path, &f->source, err))
		return -1;
	rc = rulefile_compile(
		f, path, buf_view(&f->source), rules, is_alone, &diags);
	for (size_t i = 0; i < diags.n; i++) {
		n_errors += diags.items[i].severity == SIEVE_ERROR;
		sieve_diag_print(out, path, &diags.items[i]);
	}
	if (rc)
		return err_set(err, ERR_CONF, "%s: %zu error%s", path, n_errors,
			n_errors == 1 ? "" : "s");
	return 0;
}

void rulefile_fini(struct rulefile *f)
{
	sieve_free(f->script);
	buf_fini(&f->source);
	f->script = NULL;
}
