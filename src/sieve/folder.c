/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folder.c - names of folders. */
#include "folder.h"

#include <mailmill/utf8.h>

#define FOLDER_MAX 1000
#define INBOX_LEN 5

bool sieve_folder_is_valid(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7f)
			return false;
	return name.len && name.len <= FOLDER_MAX && utf8_is_valid(name);
}

/* "INBOX", or what lies below it: "Inbox.Lists". */
static bool is_inbox(struct str name)
{
	return str_starts_case(name, STR("INBOX")) &&
	       (name.len == INBOX_LEN || name.p[INBOX_LEN] == '.' ||
		       name.p[INBOX_LEN] == '/');
}

bool sieve_folder_is_same(struct str a, struct str b)
{
	if (is_inbox(a) && is_inbox(b)) {
		a = str_sub(a, INBOX_LEN, SIZE_MAX);
		b = str_sub(b, INBOX_LEN, SIZE_MAX);
	}
	return str_eq(a, b);
}
