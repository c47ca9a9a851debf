/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext.c - the table of all extensions: one file, one row. */
#include "ext.h"

/* clang-format off */
#define SIEVE_EXT_LIST(row) \
	row(base) \
	row(tests) \
	row(match) \
	row(encoded_character) \
	row(variables) \
	row(fileinto) \
	row(mailbox) \
	row(imap4flags) \
	row(copy) \
	row(envelope) \
	row(envelope_dsn) \
	row(body) \
	row(relational) \
	row(numeric) \
	row(subaddress) \
	row(ihave) \
	row(regex) \
	row(octet) \
	row(casemap) \
	row(unicode) \
	row(date) \
	row(field_index) \
	row(editheader) \
	row(environment) \
	row(extlists) \
	row(include) \
	row(vnd_environment) \
	row(debug) \
	row(spamtest) \
	row(spamtestplus) \
	row(virustest) \
	row(duplicate) \
	row(reject) \
	row(ereject) \
	row(vacation) \
	row(vacation_seconds) \
	row(enotify) \
	row(fcc) \
	row(fcc_create) \
	row(fcc_flags) \
	row(mime) \
	row(foreverypart) \
	row(extracttext) \
	row(replace) \
	row(enclose) \
	row(mailmill) \
	row(mailmill_mail) \
	row(mailmill_find) \
	row(mailmill_record) \
	row(mailmill_attach) \
	row(mailmill_extract) \
	row(mailmill_calculate) \
	row(mailmill_type) \
	row(mailmill_note) \
	row(testsuite) \
	row(testsuite_action) \
	row(testsuite_memory) \
	row(testsuite_plan) \
	row(testsuite_store)
/* clang-format on */

#define DECLARE(name) extern const struct sieve_ext sieve_ext_##name;
#define ROW(name) &sieve_ext_##name,

SIEVE_EXT_LIST(DECLARE)

const struct sieve_ext *const sieve_exts[] = { SIEVE_EXT_LIST(ROW) NULL };
