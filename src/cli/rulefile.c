/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rulefile.c - rule files read and compiled, with their findings told. */
#include <mailmill/file.h>

#include "rulefile.h"

int rulefile_compile(const char *path, struct str source,
	struct sieve_diags *diags, struct sieve_script **script)
{
	return sieve_compile(path, source, NULL, diags, script);
}

int rulefile_load(const char *path, struct buf *out, struct buf *source,
	struct sieve_script **script, struct err *err)
{
	AUTO(arena) struct arena *a = arena_new();
	AUTO(sieve) struct sieve_script *s = NULL;
	struct sieve_diags diags = { .arena = a };
	size_t n_errors = 0;
	int rc;

	buf_init(source, sieve_settings_default()->limits.script_len + 1);
	if (file_read(path, source, err))
		return -1;
	rc = rulefile_compile(path, buf_view(source), &diags, &s);
	for (size_t i = 0; i < diags.n; i++) {
		n_errors += diags.items[i].severity == SIEVE_ERROR;
		sieve_diag_print(out, path, &diags.items[i]);
	}
	if (rc)
		return err_set(err, ERR_CONF, "%s: %zu error%s", path, n_errors,
			n_errors == 1 ? "" : "s");
	if (script)
		*script = TAKE(s);
	return 0;
}
