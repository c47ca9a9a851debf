/* SPDX-License-Identifier: GPL-3.0-or-later */
/* secret.c - passwords and keys, which never stand in the config itself. */
#include <string.h>
#include <sys/stat.h>

#include <mailmill/conf.h>
#include <mailmill/file.h>

#define SECRET_MAX ((size_t)64 * 1024)

static int check_mode(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(err, "cannot open secret file %s", path);
	if (st.st_mode & 07)
		return err_set(err, ERR_CONF,
			"secret file %s can be read by everybody: chmod o= it",
			path);
	return 0;
}

static int read_file(const char *path, char **out, struct err *err)
{
	AUTO(buf) struct buf text = BUF_INIT(SECRET_MAX);

	if (check_mode(path, err) || file_read(path, &text, err))
		return -1;
	while (text.len &&
		(text.p[text.len - 1] == '\n' || text.p[text.len - 1] == '\r'))
		text.p[--text.len] = 0;
	if (text.len == 0)
		return err_set(err, ERR_CONF, "secret file %s is empty", path);
	*out = buf_take(&text);
	return 0;
}

static int read_credential(const char *name, char **out, struct err *err)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	AUTO(bytes) char *path = NULL;

	if (!folder)
		return err_set(err, ERR_CONF,
			"credential:%s: CREDENTIALS_DIRECTORY is not set; "
			"systemd sets it for units with LoadCredential=",
			name);
	path = mem_printf("%s/%s", folder, name);
	return read_file(path, out, err);
}

static int read_environment(const char *name, char **out, struct err *err)
{
	const char *value = getenv(name);

	if (!value || !*value)
		return err_set(err, ERR_CONF,
			"env:%s: no such variable in the environment", name);
	*out = mem_strdup(value);
	return 0;
}

int conf_secret(const char *where, char **out, struct err *err)
{
	struct str s = str_c(where);

	if (str_starts(s, STR("file:")))
		return read_file(where + 5, out, err);
	if (str_starts(s, STR("credential:")))
		return read_credential(where + 11, out, err);
	if (str_starts(s, STR("env:")))
		return read_environment(where + 4, out, err);
	return err_set(err, ERR_CONF,
		"a secret is given as file:PATH, credential:NAME or env:NAME, "
		"never itself");
}
