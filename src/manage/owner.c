/* SPDX-License-Identifier: GPL-3.0-or-later */
/* owner.c - files made by root for a service that is not root. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailmill/mem.h>

#include "owner.h"

int owner_inherit(const char *path, struct err *err)
{
	ssize_t slash = str_rchr(str_c(path), '/');
	AUTO(bytes) char *folder = slash > 0
					   ? str_dup(str_n(path, (size_t)slash))
					   : mem_strdup(slash ? "." : "/");
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (stat(folder, &st) < 0)
		return err_sys(err, "cannot look at %s", folder);
	if (lchown(path, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		return err_sys(
			err, "cannot give %s to its folder's owner", path);
	return 0;
}
