/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folder.h - names of folders, as fileinto and mailboxexists take them. */
#ifndef SIEVE_FOLDER_H
#define SIEVE_FOLDER_H

#include <mailmill/base.h>
#include <mailmill/str.h>

/* Tells whether this can be a folder's name: UTF-8, no control characters. */
bool sieve_folder_is_valid(struct str name);
/* Tells whether two names mean one folder: INBOX is written in any case. */
bool sieve_folder_is_same(struct str a, struct str b);

#endif
