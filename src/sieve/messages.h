/* SPDX-License-Identifier: GPL-3.0-or-later */
/* messages.h - the table of all messages of the compiler. */
#ifndef SIEVE_MESSAGES_H
#define SIEVE_MESSAGES_H

#include <string.h>

#include <mailmill/sieve.h>

/* Finds the code of a message by its format; "other" when it has none. */
const char *sieve_message_code(const char *format);

#endif
