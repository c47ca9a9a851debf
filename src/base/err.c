/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err.c - kinds and texts of failures. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mailmill/err.h>

void must_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "mailmill: bug at %s:%d: %s\n", file, line, what);
	abort();
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	must(kind != ERR_NONE);
	err->kind = kind;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int code = errno;
	size_t len;
	va_list ap;

	err->kind = code == EACCES || code == EPERM || code == ENOENT
			    ? ERR_CONF
			    : ERR_TEMP;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		strerror(code));
	errno = code;
	return -1;
}

int err_add(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	size_t len;
	va_list ap;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	if (err->kind == ERR_NONE)
		err->kind = ERR_TEMP;
	return -1;
}

const char *err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return "none";
	case ERR_TEMP:
		return "temporary";
	case ERR_PERM:
		return "permanent";
	case ERR_CONF:
		return "configuration";
	}
	return "unknown";
}
